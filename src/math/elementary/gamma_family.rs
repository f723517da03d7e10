//! lgamma, gamma, digamma, trigamma for positive x, branch-free; negative x by reflection, one lane at a time.
//!
//! Three ranges: below 1 the recurrence gives 1 + x; in [1, 3) a polynomial in u = (x - sqrt 3)/(x + sqrt 3), which puts
//! the poles (x <= 0) at |u| >= 1 and the range at |u| <= 0.268, after the zeros are taken out; from 3 the
//! Stirling form with its series in 1/x^2 fitted on [3, infinity).

use super::exponential::{GREATEST, LEAST, clamp, exp_pair, exp_parts, scale};
use super::logarithm::{log_pair, log_sharp};
use super::polynomial::{centred_ratio, divide, fast_two_sum, polynomial, two_product, two_sum};
use super::trigonometric::sin_cos_pi;

const CENTRE: f64 = 1.7320508075688772;
/// lgamma(x) / ((x - 1)(x - 2)) at u = 0.
const LGAMMA_MIDDLE: f64 = 0.4522983645115129;
const LGAMMA_MIDDLE_LO: f64 = -1.1518988941376414e-17;
/// (lgamma(x) / ((x - 1)(x - 2)) - middle) / u in u, 1 <= x <= 3; relative; error at most 2^-59.8.
const LGAMMA: [f64; 19] = [
    -0.4194972324433305,
    0.1272668008954475,
    -0.14479693984188668,
    0.08421552334681784,
    -0.09019166195991164,
    0.06316880136380604,
    -0.0659223632118871,
    0.050494234241073035,
    -0.05203223152295303,
    0.04203551650007024,
    -0.04300573053398958,
    0.03598912858531907,
    -0.03665043338844287,
    0.031609777687778895,
    -0.032114882404642546,
    0.026352342671508853,
    -0.02655675881943909,
    0.03509112631695429,
    -0.035846652228569524,
];
/// x (lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2) in 1/x^2, x >= 3; error at most 2^-60.9.
const STIRLING: [f64; 12] = [
    0.0833333333333333,
    -0.0027777777777444165,
    0.0007936507837503757,
    -0.0005952367330443939,
    0.0008416447838604462,
    -0.0019123186446109556,
    0.00623746874969214,
    -0.02547547307368631,
    0.10788112970659122,
    -0.38532553253092383,
    0.9373041616671132,
    -1.1048633622418553,
];
/// The zero of digamma, as a pair, and the same less 1.
const ZERO: f64 = 1.4616321449683622;
const ZERO_LESS: f64 = ZERO - 1.0;
const ZERO_LO: f64 = 9.549995429965697e-17;
/// (x + FLAT) digamma(x) / (x - ZERO) stays between 2.22 and 2.31.
const FLAT: f64 = 0.84375;
/// Its value at u = 0.
const DIGAMMA_MIDDLE: f64 = 2.225724556164096;
const DIGAMMA_MIDDLE_LO: f64 = -1.925157156889199e-16;
/// ((x + FLAT) digamma(x) / (x - ZERO) - middle) / u in u, 1 <= x <= 3; relative error at most 2^-57.8.
const DIGAMMA: [f64; 19] = [
    0.03113324313764601,
    1.0436265127690565,
    -0.3884831267670444,
    0.8818210071152593,
    -0.4891089979200824,
    0.8170325313098071,
    -0.5357960163978703,
    0.782175243204602,
    -0.5629584052099138,
    0.760445690382388,
    -0.5807726555884408,
    0.7453594011627952,
    -0.5930712421102907,
    0.7392377576215382,
    -0.6074716601273629,
    0.675282734810852,
    -0.5589652805088572,
    1.0368736609345037,
    -0.9097093583175568,
];
/// x^2 (digamma(x) - log x + 1/(2x)) in 1/x^2, x >= 3; error at most 2^-59.4.
const DIGAMMA_SERIES: [f64; 12] = [
    -0.08333333333333069,
    0.00833333333167143,
    -0.0039682535983100505,
    0.004166624755717297,
    -0.007572922688410495,
    0.020967443460051246,
    -0.07948532180189159,
    0.35722390539215626,
    -1.5800953777596765,
    5.69043870870504,
    -13.698052957285457,
    15.8444725861372,
];
/// x trigamma(x), which stays between 1.18 and 1.65, at u = 0.
const TRIGAMMA_MIDDLE: f64 = 1.3411580064759343;
const TRIGAMMA_MIDDLE_LO: f64 = 8.703856330987538e-17;
/// (x trigamma(x) - middle) / u in u, 1 <= x <= 3; relative error at most 2^-59.1.
const TRIGAMMA: [f64; 20] = [
    -0.7768681805195166,
    0.9404926566965917,
    -1.0504670902154922,
    1.1110847189886253,
    -1.1386852954327684,
    1.1493184314372349,
    -1.152965771880522,
    1.1541540150542902,
    -1.1545325016638124,
    1.1546496255885133,
    -1.1547035694344352,
    1.1547134225719349,
    -1.1541904234282958,
    1.1542081486448965,
    -1.1636523609152682,
    1.1634462491028545,
    -1.0594035104787332,
    1.0607950608597925,
    -1.7028095883832586,
    1.6988371386059158,
];
/// x^3 (trigamma(x) - 1/x - 1/(2x^2)) in 1/x^2, x >= 3; error at most 2^-60.1.
const TRIGAMMA_SERIES: [f64; 14] = [
    0.16666666666666455,
    -0.03333333333155543,
    0.023809523279304384,
    -0.03333325230752715,
    0.07575011346308452,
    -0.252658960697259,
    1.147182506257042,
    -6.476283964155617,
    39.978380213985574,
    -233.49320450192334,
    1132.114313075766,
    -4043.41401402537,
    9181.008815539442,
    -9797.28268768487,
];
/// log(2 pi)/2 - 1/2.
const STIRLING_CONSTANT: f64 = 0.4189385332046727;
const STIRLING_CONSTANT_LO: f64 = 1.6728209650585413e-17;
/// Above this, negative x have gamma(x) = 1/x to half an ulp, and sin(pi x) may underflow.
const NEARLY_ZERO: f64 = -1e-20;
const LOG_PI: f64 = 1.1447298858494002;
const LOG_PI_LO: f64 = 1.0265951162707826e-17;
const PI: f64 = std::f64::consts::PI;
const PI_LO: f64 = 1.2246467991473532e-16;

/// True where the vector kernels are not valid.
#[inline(always)]
pub(super) fn is_negative(x: f64) -> bool {
    x < 0.0
}

/// x, or below 1 x + 1, as a pair.
#[inline(always)]
fn raised(x: f64) -> (f64, f64) {
    let (sum, error) = fast_two_sum(1.0, x);
    if x < 1.0 { (sum, error) } else { (x, 0.0) }
}

/// middle + u p(u) as a pair, u from the pair x in [1, 3].
#[inline(always)]
fn mapped<const N: usize>((x, x_lo): (f64, f64), middle: f64, middle_lo: f64, p: &[f64; N]) -> (f64, f64) {
    let u = centred_ratio(x, x_lo, CENTRE, 1.0 / (x + CENTRE));
    fast_two_sum(middle, polynomial(u, p).mul_add(u, middle_lo))
}

/// lgamma(x) as a pair, finite x > 0.
#[inline(always)]
fn lgamma_pair(x: f64) -> (f64, f64) {
    let below = x < 1.0;
    let (l, l_lo) = log_pair(x);

    let (middle, middle_lo) = mapped(raised(x), LGAMMA_MIDDLE, LGAMMA_MIDDLE_LO, &LGAMMA);
    let (product, product_lo) = two_product(if below { x } else { x - 1.0 }, if below { x - 1.0 } else { x - 2.0 });
    let (near, near_error) = two_product(product, middle);
    let near_lo = product.mul_add(middle_lo, product_lo.mul_add(middle, near_error));
    let (near, near_error) = two_sum(near, if below { -l } else { 0.0 });
    let near_lo = near_lo + near_error - if below { l_lo } else { 0.0 };

    // (x - 1/2)(log x - 1) + (log(2 pi) - 1)/2 + series / x: no cancellation from 3 on
    let far_x = if x < 3.0 { 3.0 } else { x };
    let inverse = 1.0 / far_x;
    let series = inverse * polynomial(inverse * inverse, &STIRLING);
    let (less, less_lo) = fast_two_sum(l, -1.0);
    let half = far_x - 0.5;
    let (far, far_error) = two_product(half, less);
    let far_lo = half.mul_add(less_lo + l_lo, far_error);
    let (far, second) = two_sum(far, STIRLING_CONSTANT);
    let far_lo = far_lo + second + (STIRLING_CONSTANT_LO + series);
    if x < 3.0 { (near, near_lo) } else { (far, far_lo) }
}

/// log gamma(x), x >= 0 or NaN.
#[inline(always)]
pub(super) fn lgamma_near(x: f64) -> f64 {
    let (value, low) = lgamma_pair(x);
    let sum = value + low;
    let value = if value.abs() < f64::INFINITY { sum } else { f64::INFINITY };
    let value = if x > 0.0 && x < f64::INFINITY { value } else { f64::INFINITY };
    if x.is_nan() { x } else { value }
}

/// log |gamma(x)|; infinite at 0 and the negative integers.
#[inline(always)]
pub fn lgamma(x: f64) -> f64 {
    if x < 0.0 { lgamma_negative(x) } else { lgamma_near(x) }
}

/// log pi - log |sin(pi x)| - lgamma(1 - x), x < 0. Where it is near 0 the error is absolute.
#[cold]
#[inline(never)]
fn lgamma_negative(x: f64) -> f64 {
    if x == x.floor() {
        return f64::INFINITY;
    }
    if x > NEARLY_ZERO {
        let (l, l_lo) = log_pair(-x);
        return -(l + l_lo);
    }
    let (sine, sine_lo) = sin_cos_pi(x).0;
    let (l, l_lo) = log_pair(sine.abs());
    let l_lo = l_lo + sine_lo / sine;
    let (g, g_lo) = lgamma_of_one_minus(x);
    let (sum, error) = two_sum(LOG_PI, -l);
    let (sum, second) = two_sum(sum, -g);
    sum + (error + second + (LOG_PI_LO - l_lo - g_lo))
}

/// gamma(x), x >= 0 or NaN.
#[inline(always)]
pub(super) fn gamma_near(x: f64) -> f64 {
    let (l, l_lo) = lgamma_pair(if x > 172.0 { 172.0 } else { x });
    let (l, l_lo) = fast_two_sum(l, l_lo);
    let value = exp_pair(clamp(l, LEAST, GREATEST), l_lo);
    let value = if x > 171.7 { f64::INFINITY } else { value };
    let value = if x < 1e-17 { 1.0 / x } else { value };
    if x.is_nan() { x } else { value }
}

/// The gamma function; infinite at 0 with its sign, NaN at the negative integers and -infinity.
#[inline(always)]
pub fn gamma(x: f64) -> f64 {
    if x < 0.0 { gamma_negative(x) } else { gamma_near(x) }
}

/// pi / (sin(pi x) gamma(1 - x)), x < 0.
#[cold]
#[inline(never)]
fn gamma_negative(x: f64) -> f64 {
    if x == x.floor() {
        return f64::NAN;
    }
    if x > NEARLY_ZERO {
        return 1.0 / x;
    }
    let (sine, sine_lo) = sin_cos_pi(x).0;
    let (q, q_lo) = divide(PI, PI_LO, sine, sine_lo);
    let (g, g_lo) = lgamma_of_one_minus(x);
    let (bits, p, p_lo) = exp_parts(clamp(-g, -800.0, GREATEST), -g_lo);
    let (one, error) = fast_two_sum(1.0, p);
    scale(q.mul_add(one, q.mul_add(error + p_lo, q_lo * one)), bits)
}

/// lgamma(1 - x) as a pair, x < 0.
fn lgamma_of_one_minus(x: f64) -> (f64, f64) {
    let (y, y_lo) = two_sum(1.0, -x);
    let (g, g_lo) = lgamma_pair(y);
    fast_two_sum(g, g_lo + y_lo * digamma(y))
}

/// digamma(x) as a pair, finite x > 1e-290.
#[inline(always)]
fn digamma_pair(x: f64) -> (f64, f64) {
    let below = x < 1.0;
    let inverse = 1.0 / x;
    let inverse_lo = inverse * (-inverse).mul_add(x, 1.0);

    let up = raised(x);
    let (middle, middle_lo) = mapped(up, DIGAMMA_MIDDLE, DIGAMMA_MIDDLE_LO, &DIGAMMA);
    let (distance, error) = two_sum(x, if below { -ZERO_LESS } else { -ZERO });
    let distance_lo = error - ZERO_LO;
    let (near, near_error) = two_product(distance, middle);
    let near_lo = distance.mul_add(middle_lo, distance_lo.mul_add(middle, near_error));
    let (d, d_lo) = fast_two_sum(up.0, FLAT);
    let (near, near_lo) = divide(near, near_lo, d, d_lo + up.1);
    let (near, near_error) = two_sum(near, if below { -inverse } else { 0.0 });
    let near_lo = near_lo + near_error - if below { inverse_lo } else { 0.0 };

    let z = inverse * inverse;
    let (l, l_lo) = log_sharp(x);
    let (far, far_error) = fast_two_sum(l, -0.5 * inverse);
    let far_lo = z.mul_add(polynomial(z, &DIGAMMA_SERIES), far_error + l_lo);
    if x < 3.0 { (near, near_lo) } else { (far, far_lo) }
}

/// d/dx log gamma(x), x >= 0 or NaN.
#[inline(always)]
pub(super) fn digamma_near(x: f64) -> f64 {
    let (value, low) = digamma_pair(x);
    let value = value + low;
    let value = if x < f64::INFINITY { value } else { x };
    if x < 1e-290 { -1.0 / x } else { value }
}

/// d/dx log |gamma(x)|; infinite at 0 with its sign, NaN at the negative integers and -infinity.
#[inline(always)]
pub fn digamma(x: f64) -> f64 {
    if x < 0.0 { digamma_negative(x) } else { digamma_near(x) }
}

/// digamma(1 - x) - pi cot(pi x), x < 0.
#[cold]
#[inline(never)]
fn digamma_negative(x: f64) -> f64 {
    if x == x.floor() {
        return f64::NAN;
    }
    if x > NEARLY_ZERO {
        return -1.0 / x;
    }
    let ((sine, sine_lo), (cosine, cosine_lo)) = sin_cos_pi(x);
    let (q, q_lo) = divide(cosine, cosine_lo, sine, sine_lo);
    let (t, error) = two_product(q, PI);
    let t_lo = q.mul_add(PI_LO, q_lo.mul_add(PI, error));
    let (y, y_lo) = two_sum(1.0, -x);
    let (d, d_lo) = digamma_pair(y);
    let d_lo = d_lo + y_lo * trigamma(y);
    let (sum, error) = two_sum(d, -t);
    sum + (error + (d_lo - t_lo))
}

/// trigamma(x) as a pair, finite x > 1e-140.
#[inline(always)]
fn trigamma_pair(x: f64) -> (f64, f64) {
    let below = x < 1.0;
    let inverse = 1.0 / x;
    let inverse_lo = inverse * (-inverse).mul_add(x, 1.0);
    let (square, square_error) = two_product(inverse, inverse);
    let square_lo = (2.0 * inverse).mul_add(inverse_lo, square_error);

    let up = raised(x);
    let (middle, middle_lo) = mapped(up, TRIGAMMA_MIDDLE, TRIGAMMA_MIDDLE_LO, &TRIGAMMA);
    let (shifted, shifted_lo) = divide(middle, middle_lo, up.0, up.1);
    let (near, near_error) = two_sum(shifted, if below { square } else { 0.0 });
    let near_lo = shifted_lo + near_error + if below { square_lo } else { 0.0 };

    let rest = square * (0.5f64 + inverse * polynomial(square, &TRIGAMMA_SERIES));
    let (far, far_error) = fast_two_sum(inverse, rest);
    if x < 3.0 { (near, near_lo) } else { (far, far_error + inverse_lo) }
}

/// The derivative of digamma, x >= 0 or NaN.
#[inline(always)]
pub(super) fn trigamma_near(x: f64) -> f64 {
    let (value, low) = trigamma_pair(x);
    let value = value + low;
    let value = if x < f64::INFINITY { value } else { 0.0 };
    let value = if x < 1e-140 { 1.0 / (x * x) } else { value };
    if x.is_nan() { x } else { value }
}

/// The derivative of digamma; infinite at 0 and the negative integers, NaN at -infinity.
#[inline(always)]
pub fn trigamma(x: f64) -> f64 {
    if x < 0.0 { trigamma_negative(x) } else { trigamma_near(x) }
}

/// (pi / sin(pi x))^2 - trigamma(1 - x), x < 0.
#[cold]
#[inline(never)]
fn trigamma_negative(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x == x.floor() {
        return f64::INFINITY;
    }
    if x > NEARLY_ZERO {
        return 1.0 / (x * x);
    }
    let (sine, sine_lo) = sin_cos_pi(x).0;
    let (q, q_lo) = divide(PI, PI_LO, sine, sine_lo);
    let (square, error) = two_product(q, q);
    let square_lo = (2.0 * q).mul_add(q_lo, error);
    let (t, t_lo) = trigamma_pair(1.0 - x);
    let (sum, error) = two_sum(square, -t);
    sum + (error + (square_lo - t_lo))
}
