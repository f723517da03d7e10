//! Reference arithmetic against the library that it stands on, against identities that its methods do not use, and at
//! the edges of the numbers.

use super::special::{bessel, erf, erfc, gamma, lgamma, polygamma};
use super::*;

fn bits_lost(ours: &Big, library: &Big) -> isize {
    if ours == library {
        return 0;
    }
    let error = ours - library;
    BITS as isize + magnitude(&error) - magnitude(library)
}

fn number(x: f64) -> Real {
    Real::from_f64(x)
}

/// x/y, so that the tests do not only see doubles.
fn ratio(x: f64, y: f64) -> Real {
    number(x).divide(&number(y))
}

/// That two numbers agree to so many bits of `scale`.
#[track_caller]
fn agree_within(ours: &Real, other: &Real, scale: &Real, bits: isize, what: &str) {
    let (Number(x), Number(y), Number(size)) = (ours, other, scale) else {
        panic!("{what}: not numbers: {ours:?}, {other:?}");
    };
    let found = if x == y { isize::MAX } else { magnitude(size) - magnitude(&(x - y)) };
    assert!(found >= bits, "{what}: {found} bits of {bits}; {} and {}", ours.to_f64(), other.to_f64());
}

#[track_caller]
fn agree(ours: &Real, other: &Real, bits: isize, what: &str) {
    agree_within(ours, other, other, bits, what);
}

fn big_of(x: &Real) -> &Big {
    match x {
        Number(x) => x,
        Special(x) => panic!("{x} is no number"),
    }
}

#[test]
fn functions_agree_with_the_library() {
    for x in [1e-30, 1e-9, 0.1, 0.7342384723, 1.0, 1.5, 3.125, 10.25, 700.0, 1e5] {
        for x in [x, -x] {
            let b = big(x) * big(1.0) / big(3.0);
            let r = Number(b.clone());
            assert!(bits_lost(&exp(&b), &b.exp()) < 40, "exp {x}");
            assert!(bits_lost(big_of(&r.expm1()), &b.exp_m1()) < 40, "expm1 {x}");
            let (sin, cos) = sin_cos(&b);
            assert!(bits_lost(&sin, &b.sin()) < 40, "sin {x}");
            assert!(bits_lost(&cos, &b.cos()) < 40, "cos {x}");
            assert!(bits_lost(&atan(&b), &b.atan()) < 40, "atan {x}");
            if x > 0.0 {
                assert!(bits_lost(&log(&b), &b.ln()) < 40, "log {x}");
            }
            if x > -1.0 {
                assert!(bits_lost(big_of(&r.log1p()), &b.ln_1p()) < 40, "log1p {x}");
            }
        }
    }
    let huge = big(1e22);
    assert!(bits_lost(&sin_cos(&huge).0, &huge.sin()) < 40);
}

#[test]
fn logarithms_keep_their_bits_near_one() {
    for k in [1, 2, 3, 10, 52, 100, 150] {
        for sign in [1.0, -1.0] {
            let small = Number(shift(&big(sign), -k));
            let x = number(1.0).add(&small);
            agree(&x.log(), &small.log1p(), 170, &format!("log(1 + {sign} 2^-{k})"));
            agree(&small.log1p().expm1(), &small, 170, &format!("expm1 of log1p at {sign} 2^-{k}"));
        }
    }
}

#[test]
fn circular_functions_obey_addition() {
    let one = number(1.0);
    for (x, y) in [(0.3, 1.1), (2.0, -7.0), (1e5, 0.25), (1e-12, 3.0), (-40.0, 41.0)] {
        let (x, y) = (ratio(x, 3.0), ratio(y, 7.0));
        let ((sx, cx), (sy, cy)) = (x.sin_cos(), y.sin_cos());
        let (s, c) = x.add(&y).sin_cos();
        agree_within(&s, &sx.multiply(&cy).add(&cx.multiply(&sy)), &one, 150, "sin(x + y)");
        agree_within(&c, &cx.multiply(&cy).subtract(&sx.multiply(&sy)), &one, 150, "cos(x + y)");
        agree(&sx.multiply(&sx).add(&cx.multiply(&cx)), &one, 170, "sin² + cos²");
    }
    let (z, w) = (ratio(3.0, 7.0), ratio(2.0, 9.0));
    let joined = z.add(&w).divide(&one.subtract(&z.multiply(&w)));
    agree(&joined.atan(), &z.atan().add(&w.atan()), 170, "atan addition");
    agree(&one.atan(), &Number(pi() * big(0.25)), 180, "atan 1");
}

#[test]
fn special_values_follow_ieee() {
    let infinity = number(f64::INFINITY);
    assert_eq!(number(0.0).log().to_f64(), f64::NEG_INFINITY);
    assert!(number(-1.0).log().to_f64().is_nan());
    assert_eq!(number(f64::NEG_INFINITY).exp().to_f64(), 0.0);
    assert_eq!(number(f64::NEG_INFINITY).expm1().to_f64(), -1.0);
    assert_eq!(number(-1.0).log1p().to_f64(), f64::NEG_INFINITY);
    assert!(number(-2.0).log1p().to_f64().is_nan());
    // Whole numbers keep all bits of precision.
    let three = number(-2.5).floor();
    assert_eq!(three.multiply(&three).to_f64(), 9.0);
    agree(&number(7.3).round().divide(&number(3.0)), &ratio(7.0, 3.0), 190, "round(7.3)/3");
    assert_eq!(number(2.5).round().to_f64(), 2.0);
    assert_eq!(number(-3.5).round().to_f64(), -4.0);
    assert_eq!(number(1.0).divide(&number(0.0)).to_f64(), f64::INFINITY);
    assert_eq!(number(-1.0).divide(&number(0.0)).to_f64(), f64::NEG_INFINITY);
    assert!(number(0.0).divide(&number(0.0)).to_f64().is_nan());
    assert!(infinity.subtract(&infinity).to_f64().is_nan());
    assert!(infinity.sin_cos().0.to_f64().is_nan());
    assert_eq!(infinity.atan().to_f64(), std::f64::consts::FRAC_PI_2);
    assert_eq!(infinity.sqrt().to_f64(), f64::INFINITY);
    assert!(number(-1.0).sqrt().to_f64().is_nan());
    assert_eq!(number(-27.0).cbrt().to_f64(), -3.0);
    assert_eq!(number(0.0).cbrt().to_f64(), 0.0);
    for f in [Real::exp, Real::log, Real::sqrt, Real::floor, Real::round, Real::expm1, Real::log1p, Real::atan] {
        assert!(f(&number(f64::NAN)).to_f64().is_nan());
    }
    for x in [f64::MIN_POSITIVE, 5e-324, f64::MAX, -1.5, 0.1] {
        assert_eq!(number(x).to_f64(), x);
    }
}

#[test]
fn numbers_beyond_doubles_keep_their_place() {
    use std::cmp::Ordering::{Greater, Less};
    // 2^5000 and its reciprocal: infinity and 0 as doubles, numbers here.
    let (huge, tiny) = (Number(shift(&big(1.0), 5000)), Number(shift(&big(1.0), -5000)));
    let infinity = number(f64::INFINITY);
    assert_eq!(huge.compare(&infinity), Some(Less));
    assert_eq!(tiny.compare(&number(0.0)), Some(Greater));
    assert_eq!(tiny.divide(&number(0.0)).to_f64(), f64::INFINITY);
    assert_eq!(tiny.multiply(&infinity).to_f64(), f64::INFINITY);
    assert_eq!(huge.divide(&infinity).to_f64(), 0.0);
    assert_eq!(infinity.subtract(&huge).to_f64(), f64::INFINITY);
    agree(&huge.multiply(&tiny), &number(1.0), 192, "2^5000 2^-5000");
    agree(&huge.log().exp(), &huge, 150, "exp log 2^5000");
    assert_eq!(number(1e300).exp().to_f64(), f64::INFINITY);
    assert_eq!(number(-1e300).expm1().to_f64(), -1.0);
    assert!(Number(shift(&big(1.0), 1 << 13)).sin_cos().0.to_f64().is_nan());
}

/// erf by its alternating series (DLMF 7.6.1), erfc far out by its continued fraction (DLMF 7.9.1); the code uses
/// the series of positive terms and the asymptotic series.
#[test]
fn error_functions() {
    let one = number(1.0);
    let root_pi = Number(pi().clone()).sqrt();
    for x in [1e-20, 0.1, 0.7, 1.9, 2.5, -3.0] {
        let x = ratio(x, 1.1);
        let square = x.multiply(&x);
        let (mut term, mut sum) = (x.clone(), x.clone());
        for n in 1..200 {
            let n = f64::from(n);
            term = term.multiply(&square).divide(&number(-n));
            sum = sum.add(&term.divide(&number(2.0 * n + 1.0)));
        }
        agree(&x.map(erf), &number(2.0).divide(&root_pi).multiply(&sum), 160, "erf");
    }
    for x in [4.0, 8.0, 13.9, 14.1, 20.0, 27.0, 100.0] {
        let x = ratio(x * 1.1, 1.1);
        let mut fraction = x.clone();
        for k in (1..3000).rev() {
            fraction = x.add(&number(0.5 * f64::from(k)).divide(&fraction));
        }
        let bell = x.multiply(&x).negate().exp();
        let want = bell.divide(&root_pi).divide(&fraction);
        agree(&x.map(erfc), &want, 120, &format!("erfc {}", x.to_f64()));
        agree(&x.negate().map(erfc), &number(2.0).subtract(&want), 150, "erfc of a negative number");
    }
    let edges = [(0.0, 0.0), (1e300, 1.0), (-1e300, -1.0), (-30.0, -1.0)];
    for (x, want) in edges {
        assert_eq!((number(x).map(erf).to_f64(), number(x).map(erfc).to_f64()), (want, 1.0 - want));
    }
    for x in [-2.0, 0.3, 1.0, 3.0] {
        agree(&ratio(x, 3.0).map(erf).add(&ratio(x, 3.0).map(erfc)), &one, 180, "erf + erfc");
    }
}

/// Recurrence and duplication (DLMF 5.5); factorials and √π.
#[test]
fn gamma_functions() {
    let (one, two, half, pi) = (number(1.0), number(2.0), number(0.5), Number(pi().clone()));
    let factorial = (1..20).fold(1.0, |product, k| product * f64::from(k));
    agree(&gamma(&number(20.0)), &number(factorial), 150, "19!");
    agree(&gamma(&half), &pi.sqrt(), 150, "gamma(1/2)");
    for x in [1e-9, 0.1, 0.9, 1.3, 4.4, 30.0, 44.9, 60.0, 140.0, -0.3, -1.7, -20.3] {
        let x = ratio(x, 1.1);
        let what = format!("at {}", x.to_f64());
        let (next, shifted, double) = (x.add(&one), x.add(&half), x.multiply(&two));
        agree(&gamma(&next), &x.multiply(&gamma(&x)), 150, &format!("gamma recurrence {what}"));
        let size = if x.to_f64() < 0.0 { x.negate() } else { x.clone() };
        let scale = if lgamma(&x).to_f64().abs() > 1.0 { lgamma(&x) } else { one.clone() };
        agree_within(&lgamma(&next), &size.log().add(&lgamma(&x)), &scale, 150, &format!("lgamma recurrence {what}"));
        let step = polygamma(0, &x).add(&one.divide(&x));
        agree_within(&polygamma(0, &next), &step, &polygamma(0, &x), 140, &format!("digamma recurrence {what}"));
        if x.to_f64() > 0.0 {
            let factor = one.subtract(&double).multiply(&two.log()).exp();
            let want = factor.multiply(&pi.sqrt()).multiply(&gamma(&double));
            agree(&gamma(&x).multiply(&gamma(&shifted)), &want, 145, &format!("gamma duplication {what}"));
        }
        let mean = polygamma(0, &x).add(&polygamma(0, &shifted)).multiply(&half).add(&two.log());
        agree_within(&polygamma(0, &double), &mean, &polygamma(0, &x), 140, &format!("digamma duplication {what}"));
        for n in 1..8u32 {
            let factor = number(-f64::from(n) - 1.0).multiply(&two.log()).exp();
            let want = polygamma(n, &x).add(&polygamma(n, &shifted)).multiply(&factor);
            let found = polygamma(n, &double);
            agree_within(&found, &want, &polygamma(n, &x), 140, &format!("polygamma {n} duplication {what}"));
        }
    }
}

/// Reflection where the code does not use it, ζ(2) and ζ(4), digamma as the slope of lgamma, and the edges.
#[test]
fn gamma_functions_reflect() {
    let (one, pi) = (number(1.0), Number(pi().clone()));
    for x in [0.1, 0.25, 0.7] {
        let x = ratio(x, 1.1);
        let (sin, cos) = x.multiply(&pi).sin_cos();
        let rest = one.subtract(&x);
        agree(&gamma(&x).multiply(&gamma(&rest)), &pi.divide(&sin), 150, "gamma reflection");
        let want = pi.multiply(&cos).divide(&sin);
        agree(&polygamma(0, &rest).subtract(&polygamma(0, &x)), &want, 140, "digamma reflection");
        let want = pi.multiply(&pi).divide(&sin.multiply(&sin));
        agree(&polygamma(1, &rest).add(&polygamma(1, &x)), &want, 140, "trigamma reflection");
    }
    let square = pi.multiply(&pi);
    agree(&polygamma(1, &one), &square.divide(&number(6.0)), 150, "trigamma(1)");
    agree(&polygamma(3, &one), &square.multiply(&square).divide(&number(15.0)), 150, "polygamma(3, 1)");
    // Truncation 2^-120.
    let h = Number(shift(&big(1.0), -60));
    for x in [0.4, 2.5, 17.0] {
        let x = number(x);
        let rise = lgamma(&x.add(&h)).subtract(&lgamma(&x.subtract(&h)));
        agree(&rise.divide(&h.multiply(&number(2.0))), &polygamma(0, &x), 105, "digamma as a derivative");
    }
    assert!(gamma(&number(f64::NAN)).to_f64().is_nan() && gamma(&number(f64::NEG_INFINITY)).to_f64().is_nan());
    assert_eq!(gamma(&number(f64::INFINITY)).to_f64(), f64::INFINITY);
    assert!(gamma(&number(-2.0)).to_f64().is_nan());
    assert_eq!(lgamma(&number(-2.0)).to_f64(), f64::INFINITY);
}

/// Bessel's integral (DLMF 10.9.2) by the trapezoidal rule, which for a periodic integrand errs by J of the number of
/// points; the three-term recurrence; Neumann's sum J_0 + 2 Σ J_2k = 1.
#[test]
fn bessel_functions() {
    let one = number(1.0);
    for x in [1e-5, 0.5, 3.0, 11.7, 40.0, 109.0, 120.0, -150.0, 300.0] {
        let x = ratio(x, 1.1);
        let points = 100 + 4 * x.to_f64().abs() as usize;
        for n in [0, 1, 2, 5] {
            let mut sum = number(0.0);
            for k in 0..points {
                let theta = Number(pi() * big(2.0 * k as f64) / big(points as f64));
                let angle = theta.multiply(&number(f64::from(n))).subtract(&x.multiply(&theta.sin_cos().0));
                sum = sum.add(&angle.sin_cos().1);
            }
            let mean = sum.divide(&number(points as f64));
            agree_within(&bessel(n, &x), &mean, &one, 140, &format!("J_{n}({})", x.to_f64()));
        }
        for n in -3..6 {
            let outer = bessel(n - 1, &x).add(&bessel(n + 1, &x));
            let inner = bessel(n, &x).multiply(&number(2.0 * f64::from(n))).divide(&x);
            agree_within(&outer, &inner, &one, 130, &format!("recurrence at {n}, {}", x.to_f64()));
        }
        let sum = (1..300).fold(bessel(0, &x), |sum, k| sum.add(&bessel(2 * k, &x).multiply(&number(2.0))));
        agree(&sum, &one, 150, "Neumann's sum");
    }
    assert_eq!(bessel(0, &number(0.0)).to_f64(), 1.0);
    assert_eq!(bessel(3, &number(0.0)).to_f64(), 0.0);
}
