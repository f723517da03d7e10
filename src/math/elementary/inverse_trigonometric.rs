//! asin, acos (by sqrt((1 - |x|)/2) above 1/2), atan, atan2 (by (t - 1)/(t + 1) in the middle octants).

use super::polynomial::{SIGN, divide, fast_two_sum, polynomial, root_correction, two_product, two_sum};

/// (asin s - s) / s^3 in s^2, s <= 1/2; error in asin s / s at most 2^-59.7.
const ARCSINE: [f64; 13] = [
    0.1666666666666676,
    0.07499999999971091,
    0.044642857174230784,
    0.030381942729091057,
    0.02237221433220277,
    0.017351624446929864,
    0.01398066617667591,
    0.011400204439320012,
    0.010772903068574853,
    0.0037344224416137185,
    0.021638941356140695,
    -0.020901905093207607,
    0.032567862056553,
];
/// (atan q - q) / q^3 in q^2, q <= sqrt(2) - 1; error in atan q / q at most 2^-59.3.
const ARCTANGENT: [f64; 11] = [
    -0.33333333333333187,
    0.19999999999951087,
    -0.1428571427997442,
    0.11111110773373047,
    -0.09090897489469017,
    0.07692055746043196,
    -0.06663056030878345,
    0.05847556626745779,
    -0.05037869197686646,
    0.038029471586121605,
    -0.01787009878288535,
];
const PIO2_HI: f64 = std::f64::consts::FRAC_PI_2;
const PIO2_LO: f64 = 6.123233995736766e-17;
const PIO4_HI: f64 = std::f64::consts::FRAC_PI_4;
const PIO4_LO: f64 = 3.061616997868383e-17;
/// sqrt(2) - 1 = tan(pi/8).
const EIGHTH: f64 = 0.414_213_562_373_095_05;
const TWO_500: f64 = f64::from_bits((1023 + 500) << 52);
const TWO_MINUS_500: f64 = f64::from_bits((1023 - 500) << 52);

/// (above 1/2?, s, asin s - s): s = |x|, or sqrt((1 - |x|)/2) above 1/2, where the correction of the root is included.
#[inline(always)]
fn arcsine(x: f64) -> (bool, f64, f64) {
    let a = x.abs();
    let above = a > 0.5;
    let half = 0.5 * (1.0 - a);
    let root = half.sqrt();
    let root_lo = if half > 0.0 { root_correction(root, half, 0.0) } else { 0.0 };
    let s = if above { root } else { a };
    let z = if above { half } else { a * a };
    let rest = (s * z).mul_add(polynomial(z, &ARCSINE), if above { root_lo } else { 0.0 });
    (above, s, rest)
}

#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let (above, s, rest) = arcsine(x);
    let (head, error) = fast_two_sum(PIO2_HI, -2.0 * s);
    let high = head + ((-2.0f64).mul_add(rest, PIO2_LO) + error);
    let value = if above { high } else { s + rest };
    f64::from_bits(value.to_bits() | (x.to_bits() & SIGN))
}

#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let (above, s, rest) = arcsine(x);
    let negative = x < 0.0;
    // below 1/2: pi/2 - asin x; above: 2 asin s, or pi minus that
    let (s, rest) = if above { (2.0 * s, 2.0 * rest) } else { (s, rest) };
    let minus = above == negative;
    let (s, rest) = if minus { (-s, -rest) } else { (s, rest) };
    let base = if !above {
        PIO2_HI
    } else if negative {
        2.0 * PIO2_HI
    } else {
        0.0
    };
    let base_lo = if !above {
        PIO2_LO
    } else if negative {
        2.0 * PIO2_LO
    } else {
        0.0
    };
    let (sum, error) = fast_two_sum(base, s);
    sum + (error + (base_lo + rest))
}

/// (q, atan q - q) for q + q_lo, |q| <= tan(pi/8).
#[inline(always)]
fn arctangent(q: f64, q_lo: f64) -> f64 {
    let z = q * q;
    (q * z).mul_add(polynomial(z, &ARCTANGENT), q_lo)
}

#[inline(always)]
pub fn atan(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 1e20 { 1e20 } else { a };
    let large = a > EIGHTH + 2.0;
    let middle = a > EIGHTH && !large;
    let (less, less_lo) = two_sum(a, -1.0);
    let (more, more_lo) = two_sum(a, 1.0);
    let n = if large { -1.0 } else { a };
    let d = if large { a } else { 1.0 };
    let (q, q_lo) = divide(
        if middle { less } else { n },
        if middle { less_lo } else { 0.0 },
        if middle { more } else { d },
        if middle { more_lo } else { 0.0 },
    );
    let base = if large { PIO2_HI } else { 0.0 };
    let base_lo = if large { PIO2_LO } else { 0.0 };
    let (base, base_lo) = if middle { (PIO4_HI, PIO4_LO) } else { (base, base_lo) };
    let (sum, error) = fast_two_sum(base, q);
    let value = sum + (error + (base_lo + arctangent(q, q_lo)));
    f64::from_bits(value.to_bits() | (x.to_bits() & SIGN))
}

/// The angle of the point (x, y), in [-pi, pi].
#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    let (ay, ax) = (y.abs(), x.abs());
    let swap = ay > ax;
    let (small, large) = if swap { (ax, ay) } else { (ay, ax) };
    // to a scale where neither the sum overflows nor the residual of the division underflows
    let factor = if large > TWO_500 { TWO_MINUS_500 } else { 1.0 };
    let factor = if large < TWO_MINUS_500 { TWO_500 } else { factor };
    let (small, large) = (small * factor, large * factor);
    let infinite = large == f64::INFINITY;
    let small = if infinite { if small == f64::INFINITY { 1.0 } else { 0.0 } } else { small };
    let large = if infinite || large == 0.0 { 1.0 } else { large };

    let middle = small > EIGHTH * large;
    let (less, less_lo) = two_sum(small, -large);
    let (more, more_lo) = two_sum(large, small);
    let (q, q_lo) = divide(
        if middle { less } else { small },
        if middle { less_lo } else { 0.0 },
        if middle { more } else { large },
        if middle { more_lo } else { 0.0 },
    );
    // angle = quarters pi/4 +- atan q
    let quarters = if middle { 1.0 } else { 0.0 };
    let quarters = if swap { 2.0 - quarters } else { quarters };
    let left = x.to_bits() & SIGN;
    let quarters = if left != 0 { 4.0 - quarters } else { quarters };
    let flip = (if swap { SIGN } else { 0 }) ^ left;
    let rest = f64::from_bits(arctangent(q, q_lo).to_bits() ^ flip);
    let q = f64::from_bits(q.to_bits() ^ flip);
    let (base, base_error) = two_product(quarters, PIO4_HI);
    let base_lo = quarters.mul_add(PIO4_LO, base_error);
    let (sum, error) = fast_two_sum(base, q);
    let value = (sum + (error + (base_lo + rest))).abs();
    let value = f64::from_bits(value.to_bits() | (y.to_bits() & SIGN));
    if x.is_nan() || y.is_nan() { f64::NAN } else { value }
}
