//! sin, cos, tan: x = n pi/2 + r, |r| <= pi/4, r to 100 bits, then the two polynomials and a choice by n.
//!
//! Up to |x| = 2^30 the reduction is three fused multiply-adds with pi/2 in three doubles (Cody and Waite). Beyond, it is
//! Payne and Hanek's: the product with the bits of 2/pi that matter, in integers, one lane at a time.

use super::polynomial::{SHIFT, SIGN, divide, fast_two_sum, polynomial, two_product};

/// Above this |x| the reduction is `reduce_huge`.
const LIMIT: f64 = 1_073_741_824.0;
const PIO2_HI: f64 = std::f64::consts::FRAC_PI_2;
const PIO2_MID: f64 = 6.123233995736766e-17;
const PIO2_LO: f64 = -1.4973849048591698e-33;
/// (sin r - r) / r^3 in r^2; error in sin r / r at most 2^-57.9.
const SINE: [f64; 6] = [
    -0.1666666666666663,
    0.00833333333332196,
    -0.0001984126982950486,
    2.755731360004322e-06,
    -2.5050745165624864e-08,
    1.5896106131534069e-10,
];
/// (cos r - 1 + r^2/2) / r^4 in r^2; error in cos r at most 2^-64.1.
const COSINE: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873448,
    2.480158728910544e-05,
    -2.755731425306134e-07,
    2.0875710774542552e-09,
    -1.1359041439039709e-11,
];
/// SINE with error 2^-62.9, for tan.
const SINE_LONG: [f64; 7] = [
    -0.16666666666666666,
    0.008333333333333097,
    -0.0001984126984105181,
    2.7557319126292835e-06,
    -2.5052085182129566e-08,
    1.6056149622234832e-10,
    -7.480077613520197e-13,
];
/// 2^75.
const POWER_75: f64 = 37_778_931_862_957_161_709_568.0;
/// The first 1280 bits of 2/pi.
const TWO_OVER_PI: [u64; 20] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
];

/// True where the vector kernels are not valid: finite |x| above 2^30. (Infinite and NaN arguments give NaN there.)
#[inline(always)]
pub(super) fn is_huge(x: f64) -> bool {
    x.abs() > LIMIT
}

/// (n in the low bits, r, r_lo), |x| <= 2^30.
#[inline(always)]
fn reduce(x: f64) -> (u64, f64, f64) {
    let shifted = x.mul_add(std::f64::consts::FRAC_2_PI, SHIFT);
    let n = shifted - SHIFT;
    let exact = (-n).mul_add(PIO2_HI, x);
    let (second, second_lo) = two_product(n, PIO2_MID);
    let (r, error) = fast_two_sum(exact, -second);
    // if the two nearly cancel, r is exact and what second_lo holds is all the more significant
    let r_lo = error - n.mul_add(PIO2_LO, second_lo);
    (shifted.to_bits(), r, r_lo)
}

/// The same for finite |x| >= 2^30. |x| = m 2^e; of m 2^e 2/pi only the part below 4 matters, so the bits of 2/pi above
/// 2^(2 - e) are skipped; 192 bits are kept, of which at most 53 + 62 are lost to truncation and cancellation.
#[cold]
#[inline(never)]
fn reduce_huge(x: f64) -> (u64, f64, f64) {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as usize;
    if exponent == 0x7ff {
        return (0, f64::NAN, f64::NAN);
    }
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    // x = mantissa 2^(exponent - 1075). Bit i of the table (from 1) weighs 2^-i; skip those with exponent - 1075 - i >= 2.
    let skip = exponent.saturating_sub(1077);
    let shortfall = 1077usize.saturating_sub(exponent);
    let word = |i: usize| {
        let (at, shift) = (skip / 64 + i, skip % 64);
        let value = u128::from(TWO_OVER_PI[at]) << 64 | u128::from(TWO_OVER_PI[at + 1]);
        (value >> (64 - shift)) as u64
    };
    // the low 192 bits of mantissa * window: the top two are the quadrant
    let low = u128::from(mantissa) * u128::from(word(2));
    let middle = u128::from(mantissa) * u128::from(word(1)) + (low >> 64);
    let high = mantissa.wrapping_mul(word(0)).wrapping_add((middle >> 64) as u64);
    // value = (high . middle . low) * 2^-190, times 2^-shortfall if the exponent was small
    let (mut head, mut tail) = (u128::from(high) << 64 | u128::from(middle as u64), low as u64);
    if shortfall > 0 {
        // Here |x| < 2^54: the high word keeps the bits above the quadrant, none is lost on the left.
        let wide = (u128::from(mantissa) * u128::from(word(0))).wrapping_add(middle >> 64) >> 64;
        tail = (tail >> shortfall) | ((head as u64) << (64 - shortfall));
        head = (head >> shortfall) | (wide << (128 - shortfall));
    }
    let mut quadrant = (head >> 126) as u64;
    let mut fraction = head << 2 | u128::from(tail >> 62);
    let mut extra = u128::from(tail << 2) << 64;
    // Nearest quadrant: a fraction in [-1/2, 1/2).
    let negative = fraction >> 127 == 1;
    if negative {
        quadrant += 1;
        fraction = if extra == 0 { fraction.wrapping_neg() } else { !fraction };
        extra = extra.wrapping_neg();
    }
    let zeros = fraction.leading_zeros();
    // 2^-128 (fraction) + 2^-190 tail bits: with up to 62 leading zeros, 128 bits are enough only with the tail's bits.
    let normal = if zeros == 0 {
        fraction
    } else if zeros < 128 {
        (fraction << zeros) | (extra >> (128 - zeros))
    } else {
        0
    };
    // normal in [2^127, 2^128): three parts of 53, 53 and 22 bits
    let unit = f64::from_bits(u64::from(1023 - 128 - zeros) << 52);
    let first = (normal >> 75) as f64 * (unit * POWER_75);
    let second = ((normal >> 22) as u64 & ((1 << 53) - 1)) as f64 * (unit * 4_194_304.0);
    let r = first * PIO2_HI;
    let r_lo = first.mul_add(PIO2_HI, -r) + first.mul_add(PIO2_MID, second * PIO2_HI);
    let (r, r_lo) = fast_two_sum(r, r_lo);
    let quadrant = if x < 0.0 { quadrant.wrapping_neg() } else { quadrant };
    if negative != (x < 0.0) { (quadrant, -r, -r_lo) } else { (quadrant, r, r_lo) }
}

#[inline(always)]
fn sine_kernel(r: f64, r_lo: f64, z: f64) -> f64 {
    r + (r * z).mul_add(polynomial(z, &SINE), z.mul_add(-0.5 * r_lo, r_lo))
}

#[inline(always)]
fn cosine_kernel(r: f64, r_lo: f64, z: f64) -> f64 {
    let half = 0.5 * z;
    let head = 1.0 - half;
    head + ((1.0 - head - half) + (z * z).mul_add(polynomial(z, &COSINE), -(r * r_lo)))
}

#[inline(always)]
fn pair(reduced: (u64, f64, f64)) -> (f64, f64) {
    let (n, r, r_lo) = reduced;
    let z = r * r;
    let (s, c) = (sine_kernel(r, r_lo, z), cosine_kernel(r, r_lo, z));
    let odd = n & 1 != 0;
    let (sin, cos) = (if odd { c } else { s }, if odd { s } else { c });
    (
        f64::from_bits(sin.to_bits() ^ ((n << 62) & SIGN)),
        f64::from_bits(cos.to_bits() ^ ((n.wrapping_add(1) << 62) & SIGN)),
    )
}

/// (sin x, cos x), |x| <= 2^30 or NaN.
#[inline(always)]
pub(super) fn sin_cos_near(x: f64) -> (f64, f64) {
    let (sin, cos) = pair(reduce(x));
    (if x == 0.0 { x } else { sin }, cos)
}

#[inline(always)]
pub(super) fn sin_near(x: f64) -> f64 {
    sin_cos_near(x).0
}

#[inline(always)]
pub(super) fn cos_near(x: f64) -> f64 {
    sin_cos_near(x).1
}

/// (sin, cos) of r + r_lo, |r| <= pi/4, as pairs.
#[inline(always)]
fn kernel_pairs(r: f64, r_lo: f64) -> ((f64, f64), (f64, f64)) {
    let z = r * r;
    let z_lo = r.mul_add(r, -z);
    let sine = fast_two_sum(r, (r * z).mul_add(polynomial(z, &SINE_LONG), z.mul_add(-0.5 * r_lo, r_lo)));
    let half = 0.5 * z;
    let head = 1.0 - half;
    let correction = (z * z).mul_add(polynomial(z, &COSINE), -r.mul_add(r_lo, 0.5 * z_lo));
    (sine, fast_two_sum(head, (1.0 - head - half) + correction))
}

#[inline(always)]
fn tangent(reduced: (u64, f64, f64)) -> f64 {
    let (n, r, r_lo) = reduced;
    let ((s, s_lo), (c, c_lo)) = kernel_pairs(r, r_lo);
    let odd = n & 1 != 0;
    let (q, q_lo) = divide(
        if odd { -c } else { s },
        if odd { -c_lo } else { s_lo },
        if odd { s } else { c },
        if odd { s_lo } else { c_lo },
    );
    q + q_lo
}

/// (sin(pi x), cos(pi x)) as pairs; scalar, 1e-20 < |x| < 2^52.
pub(super) fn sin_cos_pi(x: f64) -> ((f64, f64), (f64, f64)) {
    let n = (2.0 * x).round_ties_even();
    let rest = (-0.5f64).mul_add(n, x);
    let (r, error) = two_product(rest, 2.0 * PIO2_HI);
    let ((s, s_lo), (c, c_lo)) = kernel_pairs(r, rest.mul_add(2.0 * PIO2_MID, error));
    let quadrant = (n + SHIFT).to_bits() & 3;
    match quadrant {
        0 => ((s, s_lo), (c, c_lo)),
        1 => ((c, c_lo), (-s, -s_lo)),
        2 => ((-s, -s_lo), (-c, -c_lo)),
        _ => ((-c, -c_lo), (s, s_lo)),
    }
}

/// tan x, |x| <= 2^30 or NaN.
#[inline(always)]
pub(super) fn tan_near(x: f64) -> f64 {
    let value = tangent(reduce(x));
    if x.abs() < 1e-9 { x } else { value }
}

#[cold]
#[inline(never)]
pub(super) fn sin_cos_huge(x: f64) -> (f64, f64) {
    pair(reduce_huge(x))
}

#[cold]
#[inline(never)]
pub(super) fn tan_huge(x: f64) -> f64 {
    tangent(reduce_huge(x))
}

/// (sin x, cos x) from one argument reduction.
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    if is_huge(x) { sin_cos_huge(x) } else { sin_cos_near(x) }
}

#[inline(always)]
pub fn sin(x: f64) -> f64 {
    if is_huge(x) { sin_cos_huge(x).0 } else { sin_near(x) }
}

#[inline(always)]
pub fn cos(x: f64) -> f64 {
    if is_huge(x) { sin_cos_huge(x).1 } else { cos_near(x) }
}

#[inline(always)]
pub fn tan(x: f64) -> f64 {
    if is_huge(x) { tan_huge(x) } else { tan_near(x) }
}
