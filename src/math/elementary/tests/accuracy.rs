//! The worst error of each function, in ulp, on hard ranges and random bit patterns; bounds are those of docs/elementary.md.

use super::reference::{self, Big, big, ulps};
use crate::math::elementary as el;

/// The numbers of one function: name, function, reference, sampled ranges, points for the default test per range.
struct Case {
    name: &'static str,
    stated: f64,
    note: &'static str,
    ranges: &'static [(f64, f64)],
    points: usize,
    measure: Measure,
}

enum Measure {
    One(fn(f64) -> f64, fn(f64) -> Big),
    Two(fn(f64, f64) -> f64, fn(f64, f64) -> Big),
}

const ALL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn one(
    name: &'static str,
    stated: f64,
    f: fn(f64) -> f64,
    reference: fn(f64) -> Big,
    ranges: &'static [(f64, f64)],
    points: usize,
) -> Case {
    Case { name, stated, note: "", ranges, points, measure: Measure::One(f, reference) }
}

fn cases() -> Vec<Case> {
    vec![
        one("exp", 1.0, el::exp, |x| big(x).exp(), &[(-746.0, 710.0), (-1.0, 1.0)], 300),
        one("exp2", 1.0, el::exp2, |x| big(2.0).powf(&big(x)), &[(-1076.0, 1025.0), (-1.0, 1.0)], 200),
        one("expm1", 1.0, el::expm1, |x| big(x).exp_m1(), &[(-40.0, 710.0), (-2.0, 2.0), (-1e-8, 1e-8)], 300),
        one("log", 1.0, el::log, |x| big(x).ln(), &[(0.0, f64::INFINITY), (0.3, 3.0), (0.99, 1.01)], 300),
        one("log1p", 1.0, el::log1p, |x| big(x).ln_1p(), &[(-1.0, f64::INFINITY), (-0.99, 3.0), (-0.01, 0.01)], 300),
        one("log2", 1.0, el::log2, |x| big(x).log2(), &[(0.0, f64::INFINITY), (0.3, 3.0), (0.99, 1.01)], 300),
        one("log10", 1.0, el::log10, |x| big(x).log10(), &[(0.0, f64::INFINITY), (0.3, 3.0), (0.99, 1.01)], 300),
        one("sin", 1.0, el::sin, |x| big(x).sin(), &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), ALL], 200),
        one("cos", 1.0, el::cos, |x| big(x).cos(), &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), ALL], 200),
        one("tan", 1.0, el::tan, |x| big(x).tan(), &[(-4.0, 4.0), (-1e9, 1e9), (-1e6, 1e6), ALL], 200),
        one("asin", 1.0, el::asin, |x| big(x).asin(), &[(-1.0, 1.0), (0.99, 1.0)], 200),
        one("acos", 1.0, el::acos, |x| big(x).acos(), &[(-1.0, 1.0), (0.99, 1.0)], 200),
        one("atan", 1.0, el::atan, |x| big(x).atan(), &[(-4.0, 4.0), (-1e4, 1e4), ALL], 200),
        one("sinh", 1.0, el::sinh, |x| big(x).sinh(), &[(-711.0, 711.0), (-3.0, 3.0), (-1e-3, 1e-3)], 200),
        one("cosh", 1.0, el::cosh, |x| big(x).cosh(), &[(-711.0, 711.0), (-3.0, 3.0)], 200),
        one("tanh", 1.0, el::tanh, |x| big(x).tanh(), &[(-20.0, 20.0), (-2.0, 2.0), (-1e-3, 1e-3)], 200),
        one("asinh", 1.0, el::asinh, |x| big(x).asinh(), &[(-4.0, 4.0), (-1e-3, 1e-3), ALL], 200),
        one("acosh", 1.0, el::acosh, |x| big(x).acosh(), &[(1.0, 4.0), (1.0, 1.001), (1.0, f64::INFINITY)], 200),
        one("atanh", 1.0, el::atanh, |x| big(x).atanh(), &[(-1.0, 1.0), (-1e-3, 1e-3)], 200),
        one("sqrt", 0.5, el::sqrt, |x| dashu_float::ops::SquareRoot::sqrt(&big(x)), &[(0.0, f64::INFINITY)], 200),
        one("cbrt", 1.0, el::cbrt, |x| big(x).nth_root(3), &[(-8.0, 8.0), ALL], 200),
        one("erf", 1.0, el::erf, reference::erf, &[(-6.0, 6.0), (-1.0, 1.0), (-1e-8, 1e-8)], 100),
        one("erfc", 2.0, el::erfc, reference::erfc, &[(-6.0, 6.0), (0.0, 2.0), (6.0, 27.3)], 60),
        one("sigmoid", 1.0, el::sigmoid, reference::sigmoid, &[(-750.0, 40.0), (-4.0, 4.0)], 200),
        one("softplus", 1.0, el::softplus, reference::softplus, &[(-750.0, 800.0), (-4.0, 4.0), (-40.0, 40.0)], 150),
        one("lgamma", 2.0, el::lgamma, reference::lgamma, &[(0.0, 3.0), (0.9, 2.1), (3.0, 50.0), (0.0, 2.5e305)], 60),
        one("gamma", 2.0, el::gamma, reference::gamma, &[(0.0, 3.0), (0.0, 171.6), (-20.0, 0.0), (-183.0, 0.0)], 60),
        one("digamma", 1.0, el::digamma, reference::digamma, &[(0.0, 3.0), (1.4, 1.5), (3.0, 50.0), (-20.0, 0.0)], 60),
        one("trigamma", 1.0, el::trigamma, reference::trigamma, &[(0.0, 3.0), (3.0, 50.0), (-20.0, 0.0)], 60),
        Case {
            name: "pow",
            stated: 1.0,
            note: "",
            ranges: &[(0.0, 10.0), (0.9, 1.1), (0.0, f64::INFINITY)],
            points: 150,
            measure: Measure::Two(el::pow, |x, y| big(x).powf(&big(y))),
        },
        Case {
            name: "atan2",
            stated: 1.0,
            note: "",
            ranges: &[(-4.0, 4.0), (-1e4, 1e4), ALL],
            points: 100,
            measure: Measure::Two(el::atan2, |y, x| big(y).atan2(&big(x))),
        },
        Case {
            name: "hypot",
            stated: 1.0,
            note: "",
            ranges: &[(-4.0, 4.0), ALL],
            points: 150,
            measure: Measure::Two(el::hypot, reference::hypot),
        },
    ]
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in a finite range; half uniform, half of random bit patterns in an infinite one.
    fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        if low.is_finite() && high.is_finite() {
            return low + (high - low) * ((self.bits() >> 11) as f64 * 2f64.powi(-53));
        }
        loop {
            let x = f64::from_bits(self.bits());
            if x > low && x < high {
                return x;
            }
            if -x > low && -x < high {
                return -x;
            }
        }
    }
}

/// (worst error, where)
fn worst(case: &Case, points: usize, seed: u64) -> (f64, String) {
    let mut random = Random(seed);
    let (mut worst, mut at) = (0.0, String::new());
    for range in case.ranges {
        for _ in 0..points {
            let x = random.within(*range);
            let (error, place) = match case.measure {
                Measure::One(f, reference) => (ulps(f(x), &reference(x)), format!("{x:e}")),
                Measure::Two(f, reference) => {
                    let y = match case.name {
                        // so that the result is of the order of a double
                        "pow" => random.within((-745.0, 709.0)) / el::log(x),
                        "atan2" | "hypot" if range.0.is_infinite() => {
                            x * random.within((-4.0, 4.0)) * el::exp2(random.within((-30.0, 30.0)))
                        }
                        _ => random.within(*range),
                    };
                    if !y.is_finite() || y == 0.0 {
                        continue;
                    }
                    (ulps(f(x, y), &reference(x, y)), format!("{x:e}, {y:e}"))
                }
            };
            if error > worst {
                (worst, at) = (error, place);
            }
        }
    }
    (worst, at)
}

#[test]
#[ignore = "prints a table; slow"]
fn explore() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let times: usize = std::env::var("TIMES").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    for case in cases() {
        if !only.is_empty() && !only.split(',').any(|name| name == case.name) {
            continue;
        }
        let start = std::time::Instant::now();
        let (error, at) = worst(&case, case.points * times, 1);
        eprintln!(
            "{:<10} {error:.3} (stated {}) at {at}   {:?} {}",
            case.name,
            case.stated,
            start.elapsed(),
            case.note
        );
    }
}
