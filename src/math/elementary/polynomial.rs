//! What the kernels share: polynomial evaluation, the rounding constant, error-free sums.

/// 1.5 * 2^52: adding it rounds to the nearest integer (|x| < 2^51) and leaves that integer, in two's complement, in the
/// low bits of the sum.
pub(super) const SHIFT: f64 = 6_755_399_441_055_744.0;
/// 2^52.
pub(super) const TWO_52: f64 = 4_503_599_627_370_496.0;
pub(super) const SIGN: u64 = 1 << 63;

pub(super) const LN2_HI: f64 = std::f64::consts::LN_2;
pub(super) const LN2_LO: f64 = 2.319_046_813_846_299_6e-17;

/// sum of c[i] x^i, even and odd powers apart: half the latency of Horner's rule for one multiplication more.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let square = x * x;
    let mut even = c[(N - 1) & !1];
    let mut odd = c[if N.is_multiple_of(2) { N - 1 } else { N - 2 }];
    let mut i = (N - 1) & !1;
    while i >= 2 {
        i -= 2;
        even = even.mul_add(square, c[i]);
    }
    let mut i = if N.is_multiple_of(2) { N - 1 } else { N - 2 };
    while i >= 3 {
        i -= 2;
        odd = odd.mul_add(square, c[i]);
    }
    odd.mul_add(x, even)
}

/// 2^n for the n in the low bits of `bits`, -1022 <= n <= 1023.
#[inline(always)]
pub(super) fn power_of_two(bits: u64) -> f64 {
    f64::from_bits(bits.wrapping_add(1023) << 52)
}

/// a + b = (sum, error) exactly, if |a| >= |b| or a = 0.
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, (a - sum) + b)
}

/// a + b = (sum, error) exactly.
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let other = sum - a;
    (sum, (a - (sum - other)) + (b - other))
}

/// a * b = (product, error) exactly, barring underflow.
#[inline(always)]
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    (product, a.mul_add(b, -product))
}

/// (n + n_lo) / (d + d_lo) as quotient and correction, relative error about 2^-100.
#[inline(always)]
pub(super) fn divide(n: f64, n_lo: f64, d: f64, d_lo: f64) -> (f64, f64) {
    let reciprocal = 1.0 / d;
    let q = n * reciprocal;
    (q, reciprocal * (-q).mul_add(d_lo, (-q).mul_add(d, n) + n_lo))
}

/// sqrt(x + x_lo) - root, where root = sqrt(x) rounded, x > 0.
#[inline(always)]
pub(super) fn root_correction(root: f64, x: f64, x_lo: f64) -> f64 {
    ((-root).mul_add(root, x) + x_lo) / (root + root)
}

/// (x + x_lo - c) / (x + x_lo + c) to an ulp of itself, given the reciprocal of x + c as far as rounding makes it; x + c >= c
/// and either x <= 3c or c a small integer, so that the subtraction is exact.
#[inline(always)]
pub(super) fn centred_ratio(x: f64, x_lo: f64, c: f64, reciprocal: f64) -> f64 {
    let (d, error) = two_sum(x, c);
    let d_lo = error + x_lo;
    let n = d - 2.0 * c;
    let u = n * reciprocal;
    reciprocal.mul_add((-u).mul_add(d, n) + (-u).mul_add(d_lo, d_lo), u)
}
