//! exp, exp2, expm1, sigmoid, softplus: e^x = 2^n (1 + p), |x - n log 2| <= log(2)/2, p by a polynomial of degree 11 or 12.

use super::logarithm::log1p_pair;
use super::polynomial::{LN2_HI, LN2_LO, SHIFT, divide, fast_two_sum, polynomial, power_of_two, two_sum};

/// (e^r - 1 - r) / r^2 on |r| <= log(2)/2; error in e^r at most 2^-57.2.
const SHORT: [f64; 10] = [
    0.5,
    0.16666666666666685,
    0.041666666666600294,
    0.008333333333315953,
    0.0013888888928172128,
    0.00019841269898664948,
    2.480150705593107e-05,
    2.7557232865118846e-06,
    2.7625800842534505e-07,
    2.5112658622694023e-08,
];
/// The same, error 2^-63.8.
const LONG: [f64; 11] = [
    0.5,
    0.16666666666666685,
    0.041666666666666685,
    0.008333333333315953,
    0.0013888888888873318,
    0.00019841269898664948,
    2.480158734906903e-05,
    2.7557232865118846e-06,
    2.755725198189916e-07,
    2.5112658622694023e-08,
    2.0921706477556138e-09,
];
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// Beyond these e^x is 0 or infinite, and the scaling below still gives that.
pub(super) const LEAST: f64 = -746.0;
pub(super) const GREATEST: f64 = 710.0;

/// x held to [low, high]; NaN stays.
#[inline(always)]
pub(super) fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// value * 2^n, n in the low bits of `bits`, -1076 <= n <= 1025: two factors, one rounding.
#[inline(always)]
pub(super) fn scale(value: f64, bits: u64) -> f64 {
    let shifted = bits.wrapping_sub(SHIFT.to_bits()).wrapping_add(2046);
    let half = shifted >> 1;
    let rest = shifted.wrapping_sub(half);
    value * f64::from_bits(half << 52) * f64::from_bits(rest << 52)
}

#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let (value, shifted) = exp_scaled(clamp(x, LEAST, GREATEST));
    scale(value, shifted)
}

/// e^x = value * 2^n as (value, bits with n in the low end); value in [0.7, 1.42]; x in [-746, 710] or NaN.
#[inline(always)]
fn exp_scaled(x: f64) -> (f64, u64) {
    let shifted = x.mul_add(LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = (-n).mul_add(LN2_LO, (-n).mul_add(LN2_HI, x));
    let (one, error) = fast_two_sum(1.0, r);
    (one + polynomial(r, &SHORT).mul_add(r * r, error), shifted.to_bits())
}

/// Where |x| is less, `exp_near` is right.
pub(super) const NEAR: f64 = 354.0;
/// What `exp_near` says beside a value that is right is less.
pub(super) const FAR: u64 = 1024;

/// (e^x, n + 512), n the nearest integer to x / log 2: right where that is less than `FAR`. n is added to the exponent
/// as it stands, which is the same as two factors where the result is normal.
#[inline(always)]
pub(super) fn exp_near(x: f64) -> (f64, u64) {
    let (value, shifted) = exp_scaled(x);
    (
        f64::from_bits(value.to_bits().wrapping_add(shifted << 52)),
        shifted.wrapping_sub(SHIFT.to_bits()).wrapping_add(512),
    )
}

/// e^(x + x_lo) = 2^n (1 + r + tail) as (bits with n in the low end, r, tail), |tail| < |r|/5; x in [-746, 710] or NaN,
/// |x_lo| below an ulp of x. Relative error about 2^-60, absolutely in the tail near 0.
#[inline(always)]
fn exp_terms(x: f64, x_lo: f64) -> (u64, f64, f64) {
    let shifted = x.mul_add(LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let exact = (-n).mul_add(LN2_HI, x);
    let (r, r_lo) = fast_two_sum(exact, (-n).mul_add(LN2_LO, x_lo));
    (shifted.to_bits(), r, polynomial(r, &LONG).mul_add(r * r, r.mul_add(r_lo, r_lo)))
}

/// The same as 2^n (1 + p + p_lo), |p_lo| below an ulp of p.
#[inline(always)]
pub(super) fn exp_parts(x: f64, x_lo: f64) -> (u64, f64, f64) {
    let (bits, r, tail) = exp_terms(x, x_lo);
    let (p, p_lo) = fast_two_sum(r, tail);
    (bits, p, p_lo)
}

/// e^(x + x_lo), error about half an ulp.
#[inline(always)]
pub(super) fn exp_pair(x: f64, x_lo: f64) -> f64 {
    let (bits, r, tail) = exp_terms(x, x_lo);
    let (one, error) = fast_two_sum(1.0, r);
    scale(one + (error + tail), bits)
}

/// The same where neither overflow nor underflow is near: |x| < 700.
#[inline(always)]
pub(super) fn exp_pair_near(x: f64, x_lo: f64) -> f64 {
    let (bits, r, tail) = exp_terms(x, x_lo);
    let (one, error) = fast_two_sum(1.0, r);
    (one + (error + tail)) * power_of_two(bits)
}

#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let x = clamp(x, -1076.0, 1025.0);
    let shifted = x + SHIFT;
    let fraction = x - (shifted - SHIFT);
    let r = fraction * LN2_HI;
    let r_lo = fraction.mul_add(LN2_HI, -r);
    let tail = polynomial(r, &SHORT).mul_add(r * r, fraction.mul_add(LN2_LO, r_lo));
    let (one, error) = fast_two_sum(1.0, r);
    scale(one + (error + tail), shifted.to_bits())
}

/// (e^x - 1) / 2^SHIFTED as a pair; x <= 709.7 + 0.69 SHIFTED or NaN. Relative error about 2^-63, also near 0 (but not
/// where the parts underflow: the callers give small x themselves).
#[inline(always)]
pub(super) fn expm1_scaled<const SHIFTED: u64>(x: f64) -> (f64, f64) {
    let x = if x < -60.0 { -60.0 } else { x };
    let (bits, p, p_lo) = exp_parts(x, 0.0);
    let power = power_of_two(bits.wrapping_sub(SHIFTED));
    let (base, base_lo) = two_sum(power, -power_of_two(SHIFTED.wrapping_neg()));
    let (sum, error) = two_sum(base, power * p);
    (sum, error + power.mul_add(p_lo, base_lo))
}

#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    let (half, half_lo) = expm1_scaled::<1>(if x > GREATEST { GREATEST } else { x });
    let value = 2.0 * (half + half_lo);
    if x.abs() < 5.5e-17 { x } else { value }
}

/// e^-|x| as a pair, for x in any range; the second part is 0 where it no longer matters to 1 + e^-|x|.
#[inline(always)]
fn exp_minus(x: f64) -> (f64, f64) {
    let (bits, p, p_lo) = exp_parts(clamp(-x.abs(), LEAST, 0.0), 0.0);
    let (one, error) = fast_two_sum(1.0, p);
    let (one, low) = fast_two_sum(one, error + p_lo);
    (scale(one, bits), if x.abs() < 100.0 { low * power_of_two(bits) } else { 0.0 })
}

/// The logistic function 1 / (1 + exp(-x)).
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let (e, e_lo) = exp_minus(x);
    let (one, error) = fast_two_sum(1.0, e);
    let above = x >= 0.0;
    let (q, q_lo) = divide(if above { 1.0 } else { e }, if above { 0.0 } else { e_lo }, one, error + e_lo);
    let value = q + q_lo;
    if x < -50.0 { e } else { value }
}

/// log(1 + exp(x)), without overflow.
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    let (e, e_lo) = exp_minus(x);
    let (log, log_lo) = log1p_pair(e, e_lo);
    let (sum, error) = fast_two_sum(if x > 0.0 { x } else { 0.0 }, log);
    // Beyond 2^-1000 the pair's parts underflow, and log(1 + e) = e. For infinite x the error term is NaN.
    let value = if x > 0.0 { sum + if x < 100.0 { error + log_lo } else { 0.0 } } else { log + log_lo };
    let value = if x < -50.0 { e } else { value };
    if x.is_nan() { x } else { value }
}
