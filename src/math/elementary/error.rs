//! erf and erfc: an odd polynomial below 1/2, e^(-x^2) / (x + 1/2) times a polynomial in (x - 4)/(x + 4) above (after
//! Shepherd and Laframboise, Math. Comp. 36 (1981) 249).

use super::exponential::{exp_parts, scale};
use super::polynomial::{SIGN, centred_ratio, fast_two_sum, polynomial, two_product, two_sum};

/// 2/sqrt(pi).
const SLOPE: f64 = std::f64::consts::FRAC_2_SQRT_PI;
const SLOPE_LO: f64 = 1.533545961316588e-17;
/// (erf x / x - 2/sqrt(pi)) / x^2 in x^2, |x| <= 1/2; error at most 2^-57.5.
const SMALL: [f64; 8] = [
    -0.37612638903183554,
    0.11283791670929799,
    -0.026866170633996145,
    0.005223977387692127,
    -0.0008548298855997337,
    0.00012053382304236101,
    -1.484692073708625e-05,
    1.4735884480995194e-06,
];
/// (x + 1/2) e^(x^2) erfc x, which stays between 0.564 and 0.627, at u = (x - 4)/(x + 4) = 0.
const MIDDLE: f64 = 0.6164975593127763;
const MIDDLE_LO: f64 = -2.3126594605043586e-17;
/// ((x + 1/2) e^(x^2) erfc x - MIDDLE) / u in u, 1/2 <= x <= 27.5; relative error at most 2^-58.3.
const LARGE: [f64; 21] = [
    -0.06981055842028126,
    0.007689826051309662,
    0.03404852712734671,
    -0.05051953301813236,
    0.04686641749917159,
    -0.03316518290670941,
    0.01858375776861236,
    -0.008098867020033079,
    0.0025159849922571777,
    -0.00037888671909215745,
    -9.962838098345301e-05,
    7.531122813704354e-05,
    -1.219941009018759e-05,
    -5.612320145262448e-06,
    2.854149116692399e-06,
    1.497115038034712e-07,
    -4.1105981061836383e-07,
    3.356814284635966e-08,
    5.2684841773433616e-08,
    -6.132007142608075e-09,
    -5.19204579425991e-09,
];
const FAR: f64 = 4.0;

/// erf x for |x| <= 1/2 as a pair.
#[inline(always)]
fn erf_small(x: f64) -> (f64, f64) {
    let z = x * x;
    let (head, error) = two_product(x, SLOPE);
    (head, x.mul_add(z.mul_add(polynomial(z, &SMALL), SLOPE_LO), error))
}

/// erfc x for x >= 1/2: (value, value's error, bits of n) with erfc x = (value + error) 2^n.
#[inline(always)]
fn erfc_large(x: f64) -> (f64, f64, u64) {
    let x = if x > 28.0 { 28.0 } else { x };
    let (square, square_lo) = two_product(x, x);
    let (bits, p, p_lo) = exp_parts(-square, -square_lo);
    let (d, d_lo) = two_sum(x, 0.5);
    let inverse = 1.0 / (d * (x + FAR));
    let u = centred_ratio(x, 0.0, FAR, inverse * d);
    let reciprocal = inverse * (x + FAR);
    let (head, error) = fast_two_sum(MIDDLE, polynomial(u, &LARGE).mul_add(u, MIDDLE_LO));
    // (head + error) (1 + p + p_lo) / (d + d_lo)
    let (e, e_error) = fast_two_sum(1.0, p);
    let (n, n_error) = two_product(head, e);
    let n_lo = head.mul_add(e_error + p_lo, error.mul_add(e, n_error));
    let q = n * reciprocal;
    (q, reciprocal * (-q).mul_add(d_lo, (-q).mul_add(d, n) + n_lo), bits)
}

/// The error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x.
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    let small = a < 0.5;
    let (s, s_lo) = erf_small(if small { x } else { 0.0 });
    let (l, l_lo, bits) = erfc_large(if small { 1.0 } else { a });
    let tail = scale(l, bits);
    let (sum, error) = fast_two_sum(1.0, -tail);
    let large = sum + (error - scale(l_lo, bits));
    let large = f64::from_bits(large.to_bits() | (x.to_bits() & SIGN));
    // Below 1e-290 the error of the product is lost to underflow: there SLOPE_LO only doubles the rounding.
    let value = if small { if a < 1e-290 { x * SLOPE } else { s + s_lo } } else { large };
    if x == 0.0 { x } else { value }
}

/// 1 - erf(x), relative accuracy also where it is tiny.
#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let a = x.abs();
    let small = a < 0.5;
    let (s, s_lo) = erf_small(if small { x } else { 0.0 });
    let (sum, error) = two_sum(1.0, -s);
    let near = sum + (error - s_lo);
    let (l, l_lo, bits) = erfc_large(if small { 1.0 } else { a });
    let right = scale(l + l_lo, bits);
    let (sum, error) = fast_two_sum(2.0, -right);
    let far = if x < 0.0 { sum + error } else { right };
    if small { near } else { far }
}
