//! The functions whose accuracy is measured: reference, bound in ulp, ranges of arguments.

use super::reference::{self, Big, big};
use crate::math::elementary as el;

pub struct Case {
    pub name: &'static str,
    /// What docs/elementary.md promises.
    pub bound: f64,
    /// "ulp", or "ulp of max(1, |f|)" where the result passes through 0 and the reflection loses relative accuracy.
    pub absolute: bool,
    pub domain: &'static str,
    pub ranges: &'static [(f64, f64)],
    /// Arguments per range in the default test.
    pub points: usize,
    pub measure: Measure,
}

pub enum Measure {
    One(fn(f64) -> f64, fn(f64) -> Big),
    Two(fn(f64, f64) -> f64, fn(f64, f64) -> Big),
}

const INF: f64 = f64::INFINITY;
const ALL: (f64, f64) = (-INF, INF);
const POSITIVE: (f64, f64) = (0.0, INF);
const SUBNORMAL: (f64, f64) = (0.0, f64::MIN_POSITIVE);

type F = fn(f64) -> f64;
type R = fn(f64) -> Big;
type Ranges = &'static [(f64, f64)];

fn one(name: &'static str, bound: f64, f: F, r: R, domain: &'static str, ranges: Ranges, points: usize) -> Case {
    Case { name, bound, absolute: false, domain, ranges, points, measure: Measure::One(f, r) }
}

fn sqrt(x: f64) -> Big {
    dashu_float::ops::SquareRoot::sqrt(&big(x))
}

#[rustfmt::skip] // a table
pub fn cases() -> Vec<Case> {
    let real = "all";
    let positive = "x > 0";
    vec![
        one("exp", 1.0, el::exp, |x| big(x).exp(), real, &[(-746.0, 710.0), (-1.0, 1.0), (-1e-8, 1e-8)], 400),
        one("exp2", 1.0, el::exp2, |x| big(2.0).powf(&big(x)), real, &[(-1076.0, 1025.0), (-1.0, 1.0)], 200),
        one("expm1", 1.0, el::expm1, |x| big(x).exp_m1(), real, &[(-40.0, 710.0), (-2.0, 2.0), (-1e-8, 1e-8), (-1e-300, 1e-300)], 300),
        one("log", 1.0, el::log, |x| big(x).ln(), positive, &[POSITIVE, (0.3, 3.0), (0.99, 1.01), SUBNORMAL], 300),
        one("log1p", 1.0, el::log1p, |x| big(x).ln_1p(), "x > -1", &[(-1.0, INF), (-1.0, 3.0), (-0.01, 0.01), (0.0, 1e6)], 300),
        one("log2", 1.0, el::log2, |x| big(x).log2(), positive, &[POSITIVE, (0.3, 3.0), (0.99, 1.01), SUBNORMAL], 200),
        one("log10", 1.0, el::log10, |x| big(x).log10(), positive, &[POSITIVE, (0.3, 3.0), (0.99, 1.01), SUBNORMAL], 200),
        one("sin", 1.0, el::sin, |x| big(x).sin(), real, &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), (5e8, 3e9), (1e15, 1e17), ALL], 150),
        one("cos", 1.0, el::cos, |x| big(x).cos(), real, &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), (5e8, 3e9), (1e15, 1e17), ALL], 150),
        one("tan", 1.0, el::tan, |x| big(x).tan(), real, &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), (5e8, 3e9), (1e15, 1e17), ALL], 150),
        one("asin", 1.0, el::asin, |x| big(x).asin(), "-1 <= x <= 1", &[(-1.0, 1.0), (0.99, 1.0), (-1e-5, 1e-5)], 200),
        one("acos", 1.0, el::acos, |x| big(x).acos(), "-1 <= x <= 1", &[(-1.0, 1.0), (0.99, 1.0), (-1e-5, 1e-5)], 200),
        one("atan", 1.0, el::atan, |x| big(x).atan(), real, &[(-4.0, 4.0), (-1e4, 1e4), ALL], 200),
        one("sinh", 1.0, el::sinh, |x| big(x).sinh(), real, &[(-711.0, 711.0), (-3.0, 3.0), (-1e-3, 1e-3)], 200),
        one("cosh", 1.0, el::cosh, |x| big(x).cosh(), real, &[(-711.0, 711.0), (-3.0, 3.0), (-1e-3, 1e-3)], 200),
        one("tanh", 1.0, el::tanh, |x| big(x).tanh(), real, &[(-20.0, 20.0), (-2.0, 2.0), (-1e-3, 1e-3)], 250),
        one("asinh", 1.0, el::asinh, |x| big(x).asinh(), real, &[(-4.0, 4.0), (-1e-3, 1e-3), ALL], 200),
        one("acosh", 1.0, el::acosh, |x| big(x).acosh(), "x >= 1", &[(1.0, 4.0), (1.0, 1.001), (1.0, INF)], 200),
        one("atanh", 1.0, el::atanh, |x| big(x).atanh(), "-1 < x < 1", &[(-1.0, 1.0), (-1e-3, 1e-3)], 250),
        one("sqrt", 0.5, el::sqrt, sqrt, "x >= 0", &[POSITIVE, SUBNORMAL], 200),
        one("cbrt", 1.0, el::cbrt, |x| big(x).nth_root(3), real, &[(-8.0, 8.0), ALL, SUBNORMAL], 300),
        one("erf", 1.0, el::erf, reference::erf, real, &[(-6.0, 6.0), (-1.0, 1.0), (-1e-8, 1e-8), (-1e-300, 1e-300)], 100),
        one("erfc", 1.0, el::erfc, reference::erfc, real, &[(-6.0, 6.0), (0.0, 2.0), (6.0, 27.3)], 60),
        one("sigmoid", 1.0, el::sigmoid, reference::sigmoid, real, &[(-750.0, 40.0), (-4.0, 4.0)], 200),
        one("softplus", 1.0, el::softplus, reference::softplus, real, &[(-750.0, 800.0), (-4.0, 4.0), (-40.0, 40.0)], 150),
        one("lgamma", 1.0, el::lgamma, reference::lgamma, positive, &[(0.0, 3.0), (0.9, 2.1), (3.0, 50.0), (0.0, 2.5e305), (0.0, 1e-3)], 60),
        Case { absolute: true, ..one("lgamma", 1.0, el::lgamma, reference::lgamma, "x < 0", &[(-20.0, 0.0), (-1e6, 0.0)], 60) },
        one("gamma", 1.0, el::gamma, reference::gamma, positive, &[(0.0, 3.0), (0.0, 171.6), (0.0, 1e-3)], 60),
        one("gamma", 1.0, el::gamma, reference::gamma, "x < 0", &[(-20.0, 0.0), (-183.0, 0.0)], 60),
        one("digamma", 1.0, el::digamma, reference::digamma, positive, &[(0.0, 3.0), (1.4, 1.5), (3.0, 50.0), (0.0, 1e300)], 60),
        Case { absolute: true, ..one("digamma", 1.0, el::digamma, reference::digamma, "x < 0", &[(-20.0, 0.0), (-1e6, 0.0)], 60) },
        one("trigamma", 1.0, el::trigamma, reference::trigamma, positive, &[(0.0, 3.0), (3.0, 50.0), (0.0, 1e300)], 60),
        one("trigamma", 1.0, el::trigamma, reference::trigamma, "x < 0", &[(-20.0, 0.0), (-1e6, 0.0)], 60),
        one("polygamma_2", 8.0, |x| el::polygamma(2, x), |x| reference::polygamma(2, x), positive, &[(0.0, 3.0), (3.0, 100.0)], 40),
        one("polygamma_3", 8.0, |x| el::polygamma(3, x), |x| reference::polygamma(3, x), positive, &[(0.0, 3.0), (3.0, 100.0)], 40),
        one("polygamma_4", 8.0, |x| el::polygamma(4, x), |x| reference::polygamma(4, x), positive, &[(0.0, 3.0), (3.0, 100.0)], 40),
        Case { absolute: true, ..one("polygamma_2", 20.0, |x| el::polygamma(2, x), |x| reference::polygamma(2, x), "-20 < x < 0", &[(-20.0, 0.0)], 40) },
        one("polygamma_3", 20.0, |x| el::polygamma(3, x), |x| reference::polygamma(3, x), "-20 < x < 0", &[(-20.0, 0.0)], 40),
        Case {
            name: "pow", bound: 1.0, absolute: false, domain: "x > 0",
            ranges: &[(0.0, 10.0), (0.9, 1.1), POSITIVE, SUBNORMAL], points: 120,
            measure: Measure::Two(el::pow, |x, y| big(x).powf(&big(y))),
        },
        Case {
            name: "atan2", bound: 1.0, absolute: false, domain: "all",
            ranges: &[(-4.0, 4.0), (-1e4, 1e4), ALL, SUBNORMAL], points: 100,
            measure: Measure::Two(el::atan2, |y, x| big(y).atan2(&big(x))),
        },
        Case {
            name: "hypot", bound: 1.0, absolute: false, domain: "all",
            ranges: &[(-4.0, 4.0), ALL, SUBNORMAL], points: 150,
            measure: Measure::Two(el::hypot, reference::hypot),
        },
    ]
}
