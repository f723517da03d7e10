//! pow, by log and exp to 2^-65; cbrt; hypot; sqrt.

use super::exponential::{GREATEST, LEAST, clamp, exp_pair};
use super::logarithm::log_pair;
use super::polynomial::{SIGN, TWO_52};

/// x to the power y, as C and Python (math.pow, without its exceptions) define it at zeros, infinities and negative x.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let (ax, ay) = (x.abs(), y.abs());
    let (l, l_lo) = log_pair(ax);
    let product = y * l;
    let product_lo = y.mul_add(l, -product) + y * l_lo;
    let inside = product < GREATEST && product > LEAST;
    let value = exp_pair(clamp(product, LEAST, GREATEST), if inside { product_lo } else { 0.0 });

    // |x|^y where |x| or |y| is 0 or infinite: 1, 0 or infinity.
    let limit = if (ax > 1.0) == (y > 0.0) { f64::INFINITY } else { 0.0 };
    let at_limit = ax == 0.0 || ax == f64::INFINITY || ay == f64::INFINITY;
    let value = if at_limit { limit } else { value };

    // Adding 2^52 rounds to an integer; from 2^52 on all are integers, from 2^53 on all are even.
    let half = 0.5 * ay;
    let whole = ay >= TWO_52 || (ay + TWO_52) - TWO_52 == ay;
    let even = half >= TWO_52 || (half + TWO_52) - TWO_52 == half;
    let negative = x.to_bits() & SIGN;
    let value = f64::from_bits(value.to_bits() | if whole && !even { negative } else { 0 });
    let value = if x < 0.0 && !whole && ax < f64::INFINITY { f64::NAN } else { value };

    let value = if x.is_nan() || y.is_nan() { f64::NAN } else { value };
    if x == 1.0 || y == 0.0 || (x == -1.0 && ay == f64::INFINITY) { 1.0 } else { value }
}

/// Exact to half an ulp, in hardware.
#[inline(always)]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// The cube root of 2^k m, 1 <= m < 2: a quintic start on m, one step of Halley (error e^3), one of Newton in pairs.
#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// sqrt(x^2 + y^2) without overflow or underflow on the way.
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}
