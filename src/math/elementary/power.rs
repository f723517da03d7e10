//! pow, by log and exp to 2^-65; cbrt; hypot; sqrt.

use super::exponential::{GREATEST, LEAST, clamp, exp_pair, exp_pair_near};
use super::logarithm::{log_pair, log_pair_normal};
use super::polynomial::{SHIFT, SIGN, TWO_52, fast_two_sum, polynomial, power_of_two, root_correction, two_product};

/// m^(-1/3) on [1, 2]; relative error at most 2^-17.2.
const INVERSE_CUBE_ROOT: [f64; 6] = [
    1.7783548220084633,
    -1.5565119538820134,
    1.230585798529927,
    -0.5888550061364539,
    0.15303547821164212,
    -0.016615782503945287,
];
const TWO_500: f64 = f64::from_bits((1023 + 500) << 52);
const TWO_600: f64 = f64::from_bits((1023 + 600) << 52);
const TWO_MINUS_400: f64 = f64::from_bits((1023 - 400) << 52);
const TWO_MINUS_600: f64 = f64::from_bits((1023 - 600) << 52);

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

/// (x^y, true where that is not to be trusted: x not positive and normal, or the result near the limits of doubles).
#[inline(always)]
pub(super) fn pow_near(x: f64, y: f64) -> (f64, bool) {
    let (l, l_lo) = log_pair_normal(x);
    let product = y * l;
    let value = exp_pair_near(product, y.mul_add(l, -product) + y * l_lo);
    let normal =
        x.to_bits().wrapping_sub(f64::MIN_POSITIVE.to_bits()) < f64::INFINITY.to_bits() - f64::MIN_POSITIVE.to_bits();
    (value, !normal | (product.abs() >= 700.0) | product.is_nan())
}

/// Exact to half an ulp, in hardware.
#[inline(always)]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// The cube root: x = 2^(3q) m, 1 <= m < 8; a quintic for m^(-1/3), one step of third order, then one correction by
/// m - y^3 in pairs.
#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    let a = x.abs();
    let small = a < f64::MIN_POSITIVE;
    let bits = (if small { a * 18_014_398_509_481_984.0 } else { a }).to_bits();
    // exponent field e = 3 third + rest, third = floor(e / 3) = round((e - 1) / 3)
    let field = bits >> 52;
    let e = f64::from_bits(field | TWO_52.to_bits()) - TWO_52;
    let shifted = (e - 1.0).mul_add(1.0 / 3.0, SHIFT);
    let rest = (shifted - SHIFT).mul_add(-3.0, e);
    let fraction = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 1.0f64.to_bits());
    let m = fraction
        * if rest > 1.5 {
            4.0
        } else if rest > 0.5 {
            2.0
        } else {
            1.0
        };
    let start = polynomial(fraction, &INVERSE_CUBE_ROOT)
        * if rest > 1.5 {
            0.6299605249474366
        } else if rest > 0.5 {
            0.7937005259840998
        } else {
            1.0
        };
    let h = (-m * start * start).mul_add(start, 1.0);
    let z = (start * h).mul_add(h.mul_add(2.0 / 9.0, 1.0 / 3.0), start);
    let y = m * z * z;
    let (square, square_lo) = two_product(y, y);
    let excess = square.mul_add(y, -m) + square_lo * y;
    let y = (z * z * (-1.0 / 3.0)).mul_add(excess, y);
    // 1023 = 3 * 341, 54 = 3 * 18
    let offset = if small { 341 + 18 } else { 341 };
    let value = y * power_of_two(shifted.to_bits().wrapping_sub(offset));
    let value = f64::from_bits(value.to_bits() | (x.to_bits() & SIGN));
    if a > 0.0 && a < f64::INFINITY { value } else { x }
}

/// sqrt(x^2 + y^2) without overflow or underflow on the way.
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    let (large, small) = if y > x { (y, x) } else { (x, y) };
    let vast = large > TWO_500;
    let faint = large < TWO_MINUS_400;
    let factor = if vast { TWO_MINUS_600 } else { 1.0 };
    let factor = if faint { TWO_600 } else { factor };
    let back = if vast { TWO_600 } else { 1.0 };
    let back = if faint { TWO_MINUS_600 } else { back };
    let (a, b) = (large * factor, small * factor);
    let (p, p_lo) = two_product(a, a);
    let (q, q_lo) = two_product(b, b);
    let (sum, error) = fast_two_sum(p, q);
    let root = sum.sqrt();
    let value = (root + root_correction(root, sum, error + (p_lo + q_lo))) * back;
    let value = if large > 0.0 { value } else { large };
    let value = if x.is_nan() || y.is_nan() { f64::NAN } else { value };
    if x == f64::INFINITY || y == f64::INFINITY { f64::INFINITY } else { value }
}
