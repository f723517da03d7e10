//! log, log1p, log2, log10: x = 2^k m, m in [sqrt(1/2), sqrt(2)), log m = 2 atanh(s), s = (m - 1) / (m + 1).

use super::polynomial::{TWO_52, fast_two_sum, polynomial, two_product, two_sum};

/// (2 atanh(s)/s - 2) / s^2 in s^2; error in log m / s at most 2^-58.4.
const SERIES: [f64; 7] = [
    0.6666666666666736,
    0.39999999999405383,
    0.2857142874409988,
    0.2222219842096405,
    0.181835713839169,
    0.15313886090294743,
    0.14797471593402337,
];
/// (2 atanh(s)/s - 2 - 2 s^2/3) / s^4 in s^2; error in log m / s at most 2^-72.2.
const TAIL: [f64; 8] = [
    0.39999999999999974,
    0.2857142857144668,
    0.2222222221721801,
    0.18181818903899385,
    0.15384554861591845,
    0.1333638627497979,
    0.11673558209672513,
    0.1199857196459345,
];
/// log 2 with 21 trailing zero bits, so that k * LN2_HEAD is exact, and the rest.
const LN2_HEAD: f64 = f64::from_bits(0x3fe62e42fee00000);
const LN2_REST: f64 = 1.9082149292705877e-10;
const TWO_THIRDS: f64 = 0.6666666666666666;
const TWO_THIRDS_LO: f64 = 3.700743415417188e-17;
const LOG2_E_LO: f64 = 2.0355273740931033e-17;
const LOG10_E_LO: f64 = 1.098319650216765e-17;
const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE_BITS: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// x = 2^k m for normal positive x, m in [sqrt(1/2), sqrt(2)): (bits that hold k + 1023, m).
#[inline(always)]
fn split(x: f64) -> (u64, f64) {
    let shifted = x.to_bits().wrapping_add(ONE_BITS - SQRT_HALF_BITS);
    (shifted >> 52, f64::from_bits((shifted & MANTISSA).wrapping_add(SQRT_HALF_BITS)))
}

/// The integer e - offset as a double, 0 <= e < 2^52.
#[inline(always)]
fn integer(e: u64, offset: f64) -> f64 {
    f64::from_bits(e | TWO_52.to_bits()) - (TWO_52 + offset)
}

/// The same for any positive x, subnormals too: (k, m).
#[inline(always)]
fn split_all(x: f64) -> (f64, f64) {
    let small = x < f64::MIN_POSITIVE;
    let (e, m) = split(if small { x * 18_014_398_509_481_984.0 } else { x });
    (integer(e, 1023.0) - if small { 54.0 } else { 0.0 }, m)
}

/// log 0 = -inf, log of less = NaN, log inf = inf, log NaN = NaN, else the value.
#[inline(always)]
fn edges(x: f64, value: f64) -> f64 {
    let value = if x < f64::INFINITY { value } else { x };
    let value = if x > 0.0 { value } else { f64::NEG_INFINITY };
    if x >= 0.0 { value } else { f64::NAN }
}

#[inline(always)]
pub fn log(x: f64) -> f64 {
    let (k, m) = split_all(x);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let series = z.mul_add(polynomial(z, &SERIES), half_square);
    let low = s.mul_add(series, k * LN2_REST);
    let value = k.mul_add(LN2_HEAD, f - (half_square - low));
    edges(x, value)
}

/// log(1 + f) = 2 atanh(s), s = f / (2 + f), as three terms, the second below a hundredth of the first and the third
/// below a thousandth; f in [sqrt(1/2) - 1, sqrt(2) - 1]; relative error about 2^-66.
#[inline(always)]
fn log_terms(f: f64) -> (f64, f64, f64) {
    let (d, d_lo) = fast_two_sum(2.0, f);
    let reciprocal = 1.0 / d;
    let s = f * reciprocal;
    let s_lo = reciprocal * (-s).mul_add(d_lo, (-s).mul_add(d, f));
    let (z, z_error) = two_product(s, s);
    let z_lo = (s + s).mul_add(s_lo, z_error);
    let (cube, cube_error) = two_product(z, s);
    let cube_lo = z.mul_add(s_lo, z_lo.mul_add(s, cube_error));
    let (t, t_error) = two_product(cube, TWO_THIRDS);
    let t_lo = cube.mul_add(TWO_THIRDS_LO, cube_lo.mul_add(TWO_THIRDS, t_error));
    (s + s, t, (cube * z).mul_add(polynomial(z, &TAIL), s_lo.mul_add(2.0, t_lo)))
}

/// k log 2 + log m as a pair.
#[inline(always)]
fn combine(k: f64, m: f64) -> (f64, f64) {
    let (first, second, third) = log_terms(m - 1.0);
    let (sum, error) = fast_two_sum(k * LN2_HEAD, first);
    let (sum, more) = fast_two_sum(sum, second);
    fast_two_sum(sum, k.mul_add(LN2_REST, third) + (error + more))
}

/// log x as a pair for finite positive x; relative error about 2^-65.
#[inline(always)]
pub(super) fn log_pair(x: f64) -> (f64, f64) {
    let (k, m) = split_all(x);
    combine(k, m)
}

/// The same for normal x.
#[inline(always)]
pub(super) fn log_pair_normal(x: f64) -> (f64, f64) {
    let (e, m) = split(x);
    combine(integer(e, 1023.0), m)
}

/// log x as a pair for finite positive x; error about 2^-58 of the value before the final sum.
#[inline(always)]
pub(super) fn log_sharp(x: f64) -> (f64, f64) {
    let (k, m) = split_all(x);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let half_error = (0.5 * f).mul_add(f, -half_square);
    let series = z.mul_add(polynomial(z, &SERIES), half_square);
    let (head, head_lo) = fast_two_sum(k * LN2_HEAD, f);
    let (sum, sum_lo) = fast_two_sum(head, -half_square);
    (sum, s.mul_add(series, k * LN2_REST) - half_error + (head_lo + sum_lo))
}

#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let (k, m) = split_all(x);
    let (first, second, third) = log_terms(m - 1.0);
    let (h, error) = fast_two_sum(first, second);
    let (h, l) = fast_two_sum(h, error + third);
    let (p, error) = two_product(h, std::f64::consts::LOG2_E);
    let low = h.mul_add(LOG2_E_LO, l.mul_add(std::f64::consts::LOG2_E, error));
    let (sum, more) = fast_two_sum(k, p);
    edges(x, sum + (more + low))
}

#[inline(always)]
pub fn log10(x: f64) -> f64 {
    let (h, l) = log_pair(x);
    let (p, error) = two_product(h, std::f64::consts::LOG10_E);
    let low = h.mul_add(LOG10_E_LO, l.mul_add(std::f64::consts::LOG10_E, error));
    edges(x, p + low)
}

/// log(1 + a + a_lo) as a pair, 1 + a > 0 finite and normal; relative error below 2^-54 before the final sum.
#[inline(always)]
pub(super) fn log1p_pair(a: f64, a_lo: f64) -> (f64, f64) {
    let (u, error) = two_sum(1.0, a);
    let rest = error + a_lo;
    let (e, m) = split(u);
    let k = integer(e, 1023.0);
    // rest * 2^-k; where k is large the rest does not matter and the factor may as well be 0
    let factor = f64::from_bits(if e < 2046 { 2046u64.wrapping_sub(e) << 52 } else { 0 });
    let (f, f_lo) = fast_two_sum(m - 1.0, rest * factor);
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let half_error = (0.5 * f).mul_add(f, -half_square);
    let series = z.mul_add(polynomial(z, &SERIES), half_square);
    let low = s.mul_add(series, k * LN2_REST) + (f_lo.mul_add(-f * (1.0 - f), f_lo) - half_error);
    let (head, head_lo) = fast_two_sum(k * LN2_HEAD, f);
    let (sum, sum_lo) = fast_two_sum(head, -half_square);
    (sum, low + (head_lo + sum_lo))
}

#[inline(always)]
pub fn log1p(x: f64) -> f64 {
    let (value, low) = log1p_pair(x, 0.0);
    let value = value + low;
    let value = if x.abs() < 5.5e-17 { x } else { value };
    let value = if x < f64::INFINITY { value } else { x };
    let value = if x > -1.0 { value } else { f64::NEG_INFINITY };
    if x >= -1.0 { value } else { f64::NAN }
}
