//! Edge cases, listed: zeros and their signs, infinities, NaN, limits of overflow and underflow, exact values.

use super::reference::{Big, big, ulps};
use crate::math::elementary as el;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const LEAST: f64 = 5e-324;
const MAX: f64 = f64::MAX;
const PI: f64 = std::f64::consts::PI;

type Unary = (&'static str, fn(f64) -> f64, &'static [(f64, f64)]);

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[rustfmt::skip] // a table
const UNARY: &[Unary] = &[
    ("exp", el::exp, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (709.782712893384, 1.7976931348622732e308),
        (709.782712893385, INF), (-745.1332191019411, LEAST), (-745.1332191019413, 0.0), (1e300, INF), (-1e300, 0.0), (LEAST, 1.0)]),
    ("exp2", el::exp2, &[(0.0, 1.0), (10.0, 1024.0), (-1074.0, LEAST), (-1076.0, 0.0), (1023.0, 8.98846567431158e307), (1024.0, INF),
        (INF, INF), (-INF, 0.0), (NAN, NAN), (-1022.0, f64::MIN_POSITIVE)]),
    ("expm1", el::expm1, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (NAN, NAN), (LEAST, LEAST), (-LEAST, -LEAST),
        (1e-300, 1e-300), (-50.0, -1.0), (-1e300, -1.0), (710.0, INF), (1e300, INF), (709.782712893384, 1.7976931348622732e308)]),
    ("log", el::log, &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN),
        (LEAST, -744.4400719213812), (MAX, 709.782712893384), (-LEAST, NAN)]),
    ("log1p", el::log1p, &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-1.5, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (LEAST, LEAST),
        (-LEAST, -LEAST), (MAX, 709.782712893384), (1e-300, 1e-300), (-0.9999999999999999, -36.7368005696771)]),
    ("log2", el::log2, &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (INF, INF), (NAN, NAN), (LEAST, -1074.0), (8.0, 3.0)]),
    ("log10", el::log10, &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (INF, INF), (NAN, NAN), (1e22, 22.0)]),
    ("sin", el::sin, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (LEAST, LEAST), (-LEAST, -LEAST),
        (PI, 1.2246467991473532e-16), (1e22, -0.8522008497671888), (MAX, 0.004961954789184062), (-MAX, -0.004961954789184062)]),
    ("cos", el::cos, &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (PI / 2.0, 6.123233995736766e-17),
        (1e22, 0.523214785395139), (MAX, -0.9999876894265599), (-MAX, -0.9999876894265599)]),
    ("tan", el::tan, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (LEAST, LEAST), (-LEAST, -LEAST),
        (PI / 2.0, 1.633123935319537e16), (MAX, -0.004962015874444895)]),
    ("asin", el::asin, &[(0.0, 0.0), (-0.0, -0.0), (1.0, PI / 2.0), (-1.0, -PI / 2.0), (1.0000000000000002, NAN), (INF, NAN), (NAN, NAN), (LEAST, LEAST)]),
    ("acos", el::acos, &[(1.0, 0.0), (-1.0, PI), (0.0, PI / 2.0), (1.0000000000000002, NAN), (-2.0, NAN), (INF, NAN), (NAN, NAN)]),
    ("atan", el::atan, &[(0.0, 0.0), (-0.0, -0.0), (INF, PI / 2.0), (-INF, -PI / 2.0), (NAN, NAN), (LEAST, LEAST), (1.0, PI / 4.0), (MAX, PI / 2.0)]),
    ("sinh", el::sinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (LEAST, LEAST), (711.0, INF), (-1e300, -INF), (1e-300, 1e-300)]),
    ("cosh", el::cosh, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (NAN, NAN), (LEAST, 1.0), (711.0, INF), (-1e300, INF)]),
    ("tanh", el::tanh, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (LEAST, LEAST), (1e300, 1.0), (1e-300, 1e-300)]),
    ("asinh", el::asinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (LEAST, LEAST), (MAX, 710.475860073944)]),
    ("acosh", el::acosh, &[(1.0, 0.0), (0.9999999999999999, NAN), (INF, INF), (-INF, NAN), (NAN, NAN), (MAX, 710.475860073944)]),
    ("atanh", el::atanh, &[(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (INF, NAN), (NAN, NAN), (LEAST, LEAST)]),
    ("sqrt", el::sqrt, &[(0.0, 0.0), (-0.0, -0.0), (-1.0, NAN), (INF, INF), (NAN, NAN), (9.0, 3.0)]),
    ("cbrt", el::cbrt, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (27.0, 3.0), (-8.0, -2.0), (1e-300, 1e-100), (8.0, 2.0), (1.0, 1.0)]),
    ("erf", el::erf, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (7.0, 1.0), (-1e300, -1.0), (LEAST, LEAST)]),
    ("erfc", el::erfc, &[(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (-7.0, 2.0), (28.0, 0.0), (1e300, 0.0), (26.55, 1.5552026941135507e-308)]),
    ("sigmoid", el::sigmoid, &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (-1e300, 0.0), (1e300, 1.0)]),
    ("softplus", el::softplus, &[(0.0, std::f64::consts::LN_2), (INF, INF), (-INF, 0.0), (NAN, NAN), (-1e300, 0.0), (1e300, 1e300), (800.0, 800.0)]),
    ("lgamma", el::lgamma, &[(1.0, 0.0), (2.0, 0.0), (0.0, INF), (-0.0, INF), (-1.0, INF), (-3.0, INF), (INF, INF), (-INF, INF), (NAN, NAN),
        (LEAST, 744.4400719213812), (-LEAST, 744.4400719213812), (2.559e305, 1.7970016309262054e+308), (2.56e305, INF), (MAX, INF)]),
    ("gamma", el::gamma, &[(0.0, INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (1.0, 1.0), (2.0, 1.0), (5.0, 24.0),
        (19.0, 6402373705728000.0), (172.0, INF), (1e300, INF), (LEAST, INF), (1e-300, 9.999999999999999e299), (-1e-300, -9.999999999999999e299), (-200.5, -0.0), (-201.5, 0.0)]),
    ("digamma", el::digamma, &[(0.0, -INF), (-0.0, INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (LEAST, -INF), (-LEAST, INF),
        (1e-300, -9.999999999999999e299), (MAX, 709.782712893384)]),
    ("trigamma", el::trigamma, &[(0.0, INF), (-0.0, INF), (-1.0, INF), (-INF, NAN), (INF, 0.0), (NAN, NAN), (LEAST, INF), (MAX, 5.562684646268003e-309)]),
];

#[test]
fn unary() {
    let mut wrong = Vec::new();
    for (name, f, values) in UNARY {
        for (x, want) in *values {
            let got = f(*x);
            if !same(got, *want) {
                wrong.push(format!("{name}({x:e}) = {got:e}, not {want:e}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[rustfmt::skip] // tables
#[test]
fn binary() {
    type Binary = (&'static str, fn(f64, f64) -> f64, &'static [(f64, f64, f64)]);
    const TABLE: &[Binary] = &[
        ("pow", el::pow, &[(2.0, 3.0, 8.0), (-2.0, 3.0, -8.0), (-2.0, 2.0, 4.0), (-2.0, 0.5, NAN), (-2.0, -3.0, -0.125),
            (0.0, 0.0, 1.0), (NAN, 0.0, 1.0), (1.0, NAN, 1.0), (1.0, INF, 1.0), (-1.0, INF, 1.0), (-1.0, -INF, 1.0), (NAN, 1.0, NAN), (2.0, NAN, NAN),
            (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (0.0, -3.0, INF), (-0.0, -3.0, -INF), (-0.0, -2.0, INF), (0.0, 0.5, 0.0), (-0.0, 0.5, 0.0),
            (-0.0, -0.5, INF), (0.0, INF, 0.0), (0.0, -INF, INF), (-0.0, -INF, INF),
            (INF, 2.0, INF), (INF, -2.0, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, 0.5, INF), (-INF, -0.5, 0.0),
            (0.5, INF, 0.0), (0.5, -INF, INF), (2.0, INF, INF), (2.0, -INF, 0.0), (-0.5, INF, 0.0), (-2.0, INF, INF), (-3.0, -INF, 0.0),
            (10.0, 308.0, 1e308), (10.0, 309.0, INF), (-10.0, 309.0, -INF), (10.0, -330.0, 0.0), (-10.0, -331.0, -0.0), (2.0, -1074.0, LEAST), (2.0, 1023.0, 8.98846567431158e307),
            (10.0, 22.0, 1e22), (3.0, 2.0, 9.0), (LEAST, 1.0, LEAST), (MAX, 1.0, MAX), (4.0, 0.5, 2.0), (0.9999999999999999, 1e300, 0.0), (1.0000000000000002, 1e300, INF),
            (-1.0, 9007199254740991.0, -1.0), (-1.0, 9007199254740992.0, 1.0), (-1.0, 1e300, 1.0), (-1.0, 4503599627370497.0, -1.0), (-1.0, 4503599627370495.5, NAN),
            (2.0, 1e-320, 1.0), (LEAST, LEAST, 1.0), (MAX, MAX, INF), (MAX, -MAX, 0.0)]),
        ("atan2", el::atan2, &[(0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, PI), (-0.0, -1.0, -PI), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, PI), (-0.0, -0.0, -PI),
            (1.0, 0.0, PI / 2.0), (-1.0, 0.0, -PI / 2.0), (1.0, -0.0, PI / 2.0), (INF, 1.0, PI / 2.0), (-INF, 1.0, -PI / 2.0), (1.0, INF, 0.0), (-1.0, INF, -0.0),
            (1.0, -INF, PI), (-1.0, -INF, -PI), (INF, INF, PI / 4.0), (INF, -INF, 2.356194490192345), (-INF, -INF, -2.356194490192345), (-INF, INF, -PI / 4.0),
            (NAN, 1.0, NAN), (1.0, NAN, NAN), (LEAST, LEAST, PI / 4.0), (MAX, MAX, PI / 4.0), (LEAST, MAX, 0.0), (MAX, LEAST, PI / 2.0), (1.0, -1.0, 2.356194490192345), (LEAST, 1.0, LEAST)]),
        ("hypot", el::hypot, &[(3.0, 4.0, 5.0), (-3.0, 4.0, 5.0), (0.0, 0.0, 0.0), (-0.0, -0.0, 0.0), (INF, NAN, INF), (NAN, -INF, INF), (NAN, 1.0, NAN), (INF, 1.0, INF),
            (3e300, 4e300, 5e300), (MAX, MAX, INF), (LEAST, 0.0, LEAST), (3.0 * LEAST, 4.0 * LEAST, 5.0 * LEAST), (MAX, 0.0, MAX), (MAX, 1.0, MAX), (1e-200, 1e200, 1e200)]),
    ];
    let mut wrong = Vec::new();
    for (name, f, values) in TABLE {
        for (x, y, want) in *values {
            let got = f(*x, *y);
            if !same(got, *want) {
                wrong.push(format!("{name}({x:e}, {y:e}) = {got:e}, not {want:e}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn exact_logarithms() {
    for k in -1074..=1023 {
        let power = if k < -1022 { f64::from_bits(1 << (k + 1074)) } else { f64::from_bits(((k + 1023) as u64) << 52) };
        assert_eq!(el::log2(power), f64::from(k));
        assert_eq!(el::exp2(f64::from(k)), power);
    }
    for k in 0..=22 {
        let power: f64 = format!("1e{k}").parse().expect("a number");
        assert_eq!(el::log10(power), f64::from(k));
        assert_eq!(el::pow(10.0, f64::from(k)), power);
    }
}

#[test]
fn factorials_are_exact() {
    let mut factorial = 1.0;
    for n in 1..=18 {
        factorial *= f64::from(n);
        assert_eq!(el::gamma(f64::from(n + 1)), factorial);
    }
}

/// Doubles nearest to multiples of pi/2 (Muller, Elementary Functions, 11.3.2), and beside the limit of the two reductions.
#[test]
fn hard_arguments_of_sin_and_cos() {
    let hardest = 6381956970095103.0 * f64::from_bits((1023 + 797) << 52);
    assert_eq!(el::cos(hardest), -4.687165924254628e-19);
    assert_eq!(el::sin(hardest), 1.0);
    assert_eq!(el::sin_cos(hardest), (1.0, -4.687165924254628e-19));
    for x in [1_073_741_823.999_999_9, 1_073_741_824.0, 1_073_741_824.000_000_2] {
        assert_eq!(el::sin_cos(x), (el::sin(x), el::cos(x)));
        assert!((el::sin(x) / el::cos(x) / el::tan(x) - 1.0).abs() < 1e-15);
    }
}

/// Every power of two, and the doubles beside multiples of pi/2 on both sides of the limit of the two reductions.
#[test]
fn reduction_is_exact_enough_everywhere() {
    let powers = (-30..1024).map(|e: i64| f64::from_bits(((e + 1023) as u64) << 52));
    let multiples = (0..400u64).map(|i| (i * i * i * 31 + 1) as f64 * (PI / 2.0));
    for x in powers.chain(multiples) {
        let check = |f: fn(f64) -> f64, reference: fn(&Big) -> Big| {
            let error = ulps(f(x), &reference(&big(x)), false);
            assert!(error <= 1.0, "{x:e}: {error} ulp");
        };
        check(el::sin, |x| x.sin());
        check(el::cos, |x| x.cos());
        check(el::tan, |x| x.tan());
    }
}
