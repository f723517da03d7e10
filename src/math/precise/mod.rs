//! Reference arithmetic: 192-bit floats with the functions of the model language, the judge of accuracy.
//!
//! The one door to `dashu-float`. Sums, products, quotients and roots are its own, rounded to 192 bits. Its exp, log
//! and sin take 50 to 200 µs at this precision (measured); ours take 2 to 5 µs by argument reduction and Taylor
//! series over its products, and are tested against it. All results are good to at least 150 bits; `special` states
//! its own. Exponents do not overflow: exp(1e6) is a number here.

pub mod special;

use std::sync::OnceLock;

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;

/// A binary float of the library.
pub type Big = FBig<HalfEven, 2>;

/// Bits of a significand.
pub const BITS: usize = 192;

/// A real number to `BITS` bits, or what IEEE 754 has beyond numbers.
#[derive(Clone, Debug)]
pub enum Real {
    Number(Big),
    /// NaN or an infinity.
    Special(f64),
}

use Real::{Number, Special};

impl Real {
    pub fn from_f64(x: f64) -> Real {
        match Big::try_from(x) {
            Ok(number) if x.is_finite() => Number(number.with_precision(BITS).value()),
            _ => Special(x),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        match self {
            Number(x) => x.to_f64().value(),
            Special(x) => *x,
        }
    }

    /// A double that stands for this number beside an infinity.
    fn ordinary(&self) -> f64 {
        match self {
            Number(x) => ordinary(x),
            Special(x) => *x,
        }
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Number(x) if *x == Big::ZERO)
    }

    pub fn negate(&self) -> Real {
        match self {
            Number(x) => Number(-x),
            Special(x) => Special(-x),
        }
    }

    pub fn add(&self, other: &Real) -> Real {
        both(self, other, |x, y| Number(x + y), |x, y| x + y)
    }

    pub fn subtract(&self, other: &Real) -> Real {
        both(self, other, |x, y| Number(x - y), |x, y| x - y)
    }

    pub fn multiply(&self, other: &Real) -> Real {
        both(self, other, |x, y| Number(x * y), |x, y| x * y)
    }

    pub fn divide(&self, other: &Real) -> Real {
        both(self, other, |x, y| if *y == Big::ZERO { Special(ordinary(x) / 0.0) } else { Number(x / y) }, |x, y| x / y)
    }

    pub fn compare(&self, other: &Real) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number(x), Number(y)) => x.partial_cmp(y),
            _ => self.ordinary().partial_cmp(&other.ordinary()),
        }
    }

    pub fn floor(&self) -> Real {
        one(self, |x| Number(floor(x)), f64::floor)
    }

    /// The nearest whole number, halves to even.
    pub fn round(&self) -> Real {
        one(
            self,
            |x| {
                let floor = floor(x);
                let rest = x - &floor;
                let half = big(0.5);
                let odd = || {
                    let halved = &floor * big(0.5);
                    halved.floor() != halved
                };
                let up = rest > half || (rest == half && odd());
                Number(if up { floor + big(1.0) } else { floor })
            },
            f64::round_ties_even,
        )
    }

    pub fn sqrt(&self) -> Real {
        one(self, |x| if *x < Big::ZERO { Special(f64::NAN) } else { Number(x.sqrt()) }, f64::sqrt)
    }

    pub fn exp(&self) -> Real {
        one(
            self,
            |x| if magnitude(x) > LARGEST { special_exp(x) } else { Number(exp(x)) },
            |x| {
                if x > 0.0 { x } else { 0.0 }
            },
        )
    }

    pub fn log(&self) -> Real {
        one(
            self,
            |x| match x.partial_cmp(&Big::ZERO) {
                Some(std::cmp::Ordering::Greater) => Number(log(x)),
                Some(std::cmp::Ordering::Equal) => Special(f64::NEG_INFINITY),
                _ => Special(f64::NAN),
            },
            |x| if x < 0.0 { f64::NAN } else { x },
        )
    }

    /// e^x - 1 without cancellation near 0.
    pub fn expm1(&self) -> Real {
        match self {
            Number(x) if magnitude(x) <= LARGEST => Number(expm1(x)),
            _ => self.exp().subtract(&Real::from_f64(1.0)),
        }
    }

    /// log(1 + x) without cancellation near 0.
    pub fn log1p(&self) -> Real {
        match self {
            Number(x) if magnitude(x) <= -2 => Number(log1p(x)),
            _ => self.add(&Real::from_f64(1.0)).log(),
        }
    }

    /// Sine and cosine; NaN for a number of more than 2^12 whole bits, four times what a double has.
    pub fn sin_cos(&self) -> (Real, Real) {
        match self {
            Number(x) if magnitude(x) < 1 << 12 => {
                let (sin, cos) = sin_cos(x);
                (Number(sin), Number(cos))
            }
            _ => (Special(f64::NAN), Special(f64::NAN)),
        }
    }

    pub fn atan(&self) -> Real {
        match self {
            Special(x) if x.is_infinite() => Number(pi() * big(x.signum() * 0.5)),
            _ => one(self, |x| Number(atan(x)), |x| x),
        }
    }

    pub fn cbrt(&self) -> Real {
        one(
            self,
            |x| {
                let root = |x: &Big| if *x == Big::ZERO { x.clone() } else { x.nth_root(3) };
                Number(if *x < Big::ZERO { -root(&-x) } else { root(x) })
            },
            |x| x,
        )
    }

    /// A function of a finite number, given on the library's floats; NaN elsewhere.
    pub fn map(&self, f: impl FnOnce(&Big) -> Big) -> Real {
        one(self, |x| Number(f(x)), |_| f64::NAN)
    }
}

fn one(x: &Real, number: impl FnOnce(&Big) -> Real, special: impl FnOnce(f64) -> f64) -> Real {
    match x {
        Number(x) => number(x),
        Special(x) if x.is_nan() => Special(f64::NAN),
        Special(x) => Real::from_f64(special(*x)),
    }
}

fn both(x: &Real, y: &Real, number: impl FnOnce(&Big, &Big) -> Real, special: impl FnOnce(f64, f64) -> f64) -> Real {
    match (x, y) {
        (Number(x), Number(y)) => number(x, y),
        _ => Real::from_f64(special(x.ordinary(), y.ordinary())),
    }
}

/// -1, 0 or 1: a number beside an infinity counts by its sign alone; its double might be infinite or 0 itself.
fn ordinary(x: &Big) -> f64 {
    match x.partial_cmp(&Big::ZERO) {
        Some(std::cmp::Ordering::Greater) => 1.0,
        Some(std::cmp::Ordering::Less) => -1.0,
        _ => 0.0,
    }
}

/// The library's own has only as many bits of precision as the whole number needs, and rounds what follows to them.
fn floor(x: &Big) -> Big {
    x.floor().with_precision(BITS).value()
}

/// A double as a number of `BITS` bits.
pub fn big(x: f64) -> Big {
    Big::try_from(x).expect("a finite double").with_precision(BITS).value()
}

pub fn pi() -> &'static Big {
    static PI: OnceLock<Big> = OnceLock::new();
    PI.get_or_init(|| Big::pi(BITS))
}

fn ln2() -> &'static Big {
    static LN2: OnceLock<Big> = OnceLock::new();
    LN2.get_or_init(|| big(2.0).ln())
}

/// 1/k! for k = 0 … 39.
fn reciprocal_factorials() -> &'static [Big] {
    static TABLE: OnceLock<Vec<Big>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let step = |term: &mut Big, k: u32| {
            let this = term.clone();
            *term = &this / big(f64::from(k + 1));
            Some(this)
        };
        (0..40).scan(big(1.0), step).collect()
    })
}

/// Numbers of at most so many whole bits have an exponential that is a number here.
const LARGEST: isize = 50;

/// Halvings of the argument before the series.
const HALVINGS: u32 = 12;

/// Binary exponent of the leading bit plus one: |x| < 2^magnitude; very small for zero.
pub fn magnitude(x: &Big) -> isize {
    if *x == Big::ZERO { isize::MIN / 2 } else { x.repr().exponent() + x.repr().digits() as isize }
}

/// x·2^k, exactly.
fn shift(x: &Big, k: isize) -> Big {
    x.clone() << k
}

/// Σ x^k/k! from `first` on, until the terms no longer matter.
fn taylor(x: &Big, first: usize, step: usize, alternate: bool) -> Big {
    let factor = if step == 2 { x * x } else { x.clone() };
    let factor = if alternate { -factor } else { factor };
    let mut power = match first {
        0 => big(1.0),
        _ => x.clone(),
    };
    let mut sum = big(0.0);
    for coefficient in reciprocal_factorials().iter().skip(first).step_by(step) {
        let term = &power * coefficient;
        if magnitude(&term) < magnitude(&sum) - BITS as isize - 8 {
            break;
        }
        sum += term;
        power = &power * &factor;
    }
    sum
}

/// e^x: x = k ln 2 + r, e^r = (e^(r/2^12))^(2^12), the powers taken of e^y - 1 so that no bits are lost.
fn exp(x: &Big) -> Big {
    let k = (x / ln2()).round();
    let k_int = k.to_f64().value() as isize;
    let r = x - k * ln2();
    let mut minus_one = taylor(&shift(&r, -(HALVINGS as isize)), 1, 1, false);
    for _ in 0..HALVINGS {
        // (1 + m)² - 1 = m(2 + m).
        minus_one = &minus_one * (&minus_one + big(2.0));
    }
    shift(&(minus_one + big(1.0)), k_int)
}

fn expm1(x: &Big) -> Big {
    if magnitude(x) > -1 { exp(x) - big(1.0) } else { taylor(x, 1, 1, false) }
}

/// Beyond every exponent.
fn special_exp(x: &Big) -> Real {
    if *x > Big::ZERO { Special(f64::INFINITY) } else { Number(big(0.0)) }
}

/// log x by two Newton steps of third order on e^y = x from a double (Halley's iteration); near 1 by `log1p`, so that
/// no bits cancel there.
fn log(x: &Big) -> Big {
    let rest = x - big(1.0);
    if magnitude(&rest) <= -2 {
        return log1p(&rest);
    }
    let exponent = magnitude(x);
    let mantissa = shift(x, -exponent);
    let m = mantissa.to_f64().value();
    let mut y = big(crate::math::elementary::log(m));
    for _ in 0..2 {
        let e = exp(&y);
        let step = (&mantissa - &e) / (&mantissa + &e) * big(2.0);
        let small = magnitude(&step) < -(BITS as isize) / 3;
        y += step;
        if small {
            break;
        }
    }
    y + big(exponent as f64) * ln2()
}

/// log(1 + x) for |x| < 1/4, without cancellation: Newton steps on e^y - 1 = x.
fn log1p(x: &Big) -> Big {
    // The double starts it with the right leading bits even where 1 + x rounds to 1.
    let mut y = big(crate::math::elementary::log1p(x.to_f64().value()));
    if y == Big::ZERO {
        return x.clone();
    }
    for _ in 0..3 {
        let e = expm1(&y);
        y += (x - &e) / (&e + big(1.0));
    }
    y
}

/// Sine and cosine: the argument reduced by π/2 with as many bits of π as it has, then halved, series, doubled.
fn sin_cos(x: &Big) -> (Big, Big) {
    let extra = magnitude(x).max(0) as usize;
    let half_pi = if extra < 64 {
        static HALF_PI: OnceLock<Big> = OnceLock::new();
        HALF_PI.get_or_init(|| shift(&Big::pi(BITS + 64), -1)).clone()
    } else {
        shift(&Big::pi(BITS + extra), -1)
    };
    let wide = x.clone().with_precision(BITS + extra.max(64)).value();
    let quotient = (&wide / &half_pi).round();
    let r = (&wide - &quotient * &half_pi).with_precision(BITS).value();
    let quarter = {
        let four = Big::from(4);
        let rest = &quotient - (&quotient / &four).floor() * &four;
        rest.to_f64().value() as u8
    };
    const DOUBLINGS: u32 = 8;
    let small = shift(&r, -(DOUBLINGS as isize));
    let mut sine = taylor(&small, 1, 2, true);
    // 1 - cos, which does not lose bits in the doublings.
    let mut versine = -taylor_tail(&small);
    for _ in 0..DOUBLINGS {
        let cosine = big(1.0) - &versine;
        versine = shift(&(&sine * &sine), 1);
        sine = shift(&(&sine * cosine), 1);
    }
    let cosine = big(1.0) - versine;
    match quarter {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// cos x - 1 for small x.
fn taylor_tail(x: &Big) -> Big {
    let square = -(x * x);
    let mut power = square.clone();
    let mut sum = big(0.0);
    for coefficient in reciprocal_factorials().iter().skip(2).step_by(2) {
        let term = &power * coefficient;
        if magnitude(&term) < magnitude(&sum) - BITS as isize - 8 {
            break;
        }
        sum += term;
        power = &power * &square;
    }
    sum
}

/// atan x: a double y, then y + atan d, d = tan(atan x - y), d small enough for two terms of its series.
fn atan(x: &Big) -> Big {
    if magnitude(x) < -60 {
        // x - x³/3 + x⁵/5: the next term is below 2^-360 of the first.
        let square = x * x;
        return x - x * &square * (big(1.0) / big(3.0) - &square / big(5.0));
    }
    let y = big(crate::math::elementary::atan(x.to_f64().value()));
    let (sin, cos) = sin_cos(&y);
    let d = (x * &cos - &sin) / (&cos + x * &sin);
    let cube = &d * &d * &d;
    y + d - cube / big(3.0)
}

#[cfg(test)]
mod tests;
