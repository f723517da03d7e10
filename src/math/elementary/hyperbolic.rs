//! sinh, cosh, tanh from e^|x| - 1 as a pair; asinh, acosh, atanh from log(1 + a) with a as a pair.

use super::exponential::expm1_scaled;
use super::logarithm::log1p_pair;
use super::polynomial::{LN2_HI, LN2_LO, SIGN, divide, fast_two_sum, root_correction, two_product, two_sum};

/// Below this |x| all five odd functions are x to half an ulp.
const TINY: f64 = 1e-9;
/// Above this, e^-x no longer matters beside e^x.
const LARGE: f64 = 40.0;
/// sinh and cosh overflow a little below.
const OVERFLOWS: f64 = 710.6;
/// Above this, 1 no longer matters beside x^2 or x, and x^2 may overflow.
const VAST: f64 = 1e100;

/// magnitude with the sign of x (magnitude >= 0).
#[inline(always)]
fn signed(magnitude: f64, x: f64) -> f64 {
    f64::from_bits(magnitude.to_bits() | (x.to_bits() & SIGN))
}

#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let a = x.abs();
    let (h, h_lo) = expm1_scaled::<1>(2.0 * if a > 20.0 { 20.0 } else { a });
    let (d, d_lo) = two_sum(1.0, h);
    let (q, q_lo) = divide(h, h_lo, d, d_lo + h_lo);
    let value = signed(q + q_lo, x);
    if a < TINY { x } else { value }
}

#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let a = x.abs();
    // w = (e^a - 1)/4; sinh a = 2 (w + w / (1 + 4w))
    let (w, w_lo) = expm1_scaled::<2>(if a > OVERFLOWS { OVERFLOWS } else { a });
    let (d, d_lo) = two_sum(1.0, 4.0 * w);
    let (q, q_lo) = divide(w, w_lo, d, 4.0f64.mul_add(w_lo, d_lo));
    let (sum, error) = fast_two_sum(w, if a > LARGE { 0.0 } else { q });
    let low = error + w_lo + if a > LARGE { 0.0 } else { q_lo };
    let value = signed(2.0 * (sum + low), x);
    if a < TINY { x } else { value }
}

#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let a = x.abs();
    // v = e^a / 4; cosh a = 2 (v + 1 / (16 v))
    let (w, w_lo) = expm1_scaled::<2>(if a > OVERFLOWS { OVERFLOWS } else { a });
    let (v, error) = two_sum(w, 0.25);
    let v_lo = error + w_lo;
    let (q, q_lo) = divide(0.0625, 0.0, v, v_lo);
    let (sum, error) = fast_two_sum(v, if a > LARGE { 0.0 } else { q });
    2.0 * (sum + (error + v_lo + if a > LARGE { 0.0 } else { q_lo }))
}

#[inline(always)]
pub fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let vast = a > VAST;
    let b = if vast { 1.0 } else { a };
    // asinh a = log(1 + a + a^2 / (1 + sqrt(1 + a^2)))
    let (square, square_lo) = two_product(b, b);
    let (u, error) = two_sum(1.0, square);
    let root = u.sqrt();
    let root_lo = root_correction(root, u, error + square_lo);
    let (d, d_lo) = fast_two_sum(root, 1.0);
    let (q, q_lo) = divide(square, square_lo, d, d_lo + root_lo);
    let (sum, error) = fast_two_sum(b, q);
    let (value, low) = log1p_pair(if vast { a } else { sum }, if vast { 0.0 } else { error + q_lo });
    let value = signed(doubled(value, low, vast), x);
    let value = if a < f64::INFINITY { value } else { x };
    if a < TINY { x } else { value }
}

/// value + low, plus log 2 if `vast`.
#[inline(always)]
fn doubled(value: f64, low: f64, vast: bool) -> f64 {
    let (sum, error) = fast_two_sum(value, if vast { LN2_HI } else { 0.0 });
    sum + (error + low + if vast { LN2_LO } else { 0.0 })
}

#[inline(always)]
pub fn acosh(x: f64) -> f64 {
    let vast = x > VAST;
    let b = if vast { 2.0 } else { x };
    // acosh x = log(1 + (x - 1) + sqrt(x^2 - 1))
    let (square, square_lo) = two_product(b, b);
    let (v, error) = two_sum(square, -1.0);
    let (v, v_lo) = fast_two_sum(v, error + square_lo);
    let root = v.sqrt();
    let root_lo = if v > 0.0 { root_correction(root, v, v_lo) } else { 0.0 };
    let (less, less_lo) = two_sum(b, -1.0);
    let (sum, error) = two_sum(less, root);
    let (value, low) = log1p_pair(if vast { x } else { sum }, if vast { 0.0 } else { error + (less_lo + root_lo) });
    let value = doubled(value, low, vast);
    let value = if x < f64::INFINITY { value } else { x };
    if x >= 1.0 { value } else { f64::NAN }
}

#[inline(always)]
pub fn atanh(x: f64) -> f64 {
    let a = x.abs();
    // atanh a = log(1 + 2a / (1 - a)) / 2
    let (d, d_lo) = fast_two_sum(1.0, -a);
    let (q, q_lo) = divide(2.0 * a, 0.0, d, d_lo);
    let (value, low) = log1p_pair(q, q_lo);
    let value = signed(0.5 * (value + low), x);
    let value = if a == 1.0 { signed(f64::INFINITY, x) } else { value };
    let value = if a < TINY { x } else { value };
    if a <= 1.0 { value } else { f64::NAN }
}
