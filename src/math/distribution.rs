//! Log probabilities, incomplete gamma and beta functions, and the quantiles that intervals need.
//!
//! Prefactors are by Loader's saddle point expansion (Loader 2000, "Fast and accurate computation of binomial
//! probabilities"), which keeps its accuracy for large arguments, where differences of log-gammas do not.

use super::elementary::{exp, expm1, lgamma, log, log1p, sqrt};
use super::statistics::normal_quantile;

const LN_TWO_PI: f64 = 1.837_877_066_409_345_3;
const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
/// Smallest number for which Lentz's continued fractions are kept from dividing by zero.
const TINY: f64 = 1e-300;
/// Steps of a series or continued fraction; they need about the root of the largest argument.
const STEPS: usize = 10_000_000;

/// log of n! over Stirling's formula, for real n > 0.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return lgamma(n + 1.0) - (n + 0.5) * log(n) + n - HALF_LN_TWO_PI;
    }
    let square = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0) / square) / square) / square) / square)
        / n
}

/// x log(x/m) + m - x without cancellation near x = m: Loader's deviance part.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() < 0.1 * (x + m) {
        let v = (x - m) / (x + m);
        let mut sum = (x - m) * v;
        let mut power = 2.0 * x * v;
        for j in 1..1000 {
            power *= v * v;
            let next = sum + power / f64::from(2 * j + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * log(x / m) + m - x
}

/// log of the Poisson probability of `count`, which may be any real number >= 0, for a mean > 0.
pub fn log_poisson(count: f64, mean: f64) -> f64 {
    if count == 0.0 {
        return -mean;
    }
    -stirling_error(count) - deviance(count, mean) - 0.5 * (LN_TWO_PI + log(count))
}

/// log of the binomial probability of `count` of `trials`, 0 < probability < 1.
pub fn log_binomial(count: f64, trials: f64, probability: f64) -> f64 {
    log_binomial_of(count, trials, probability, 1.0 - probability)
}

fn log_binomial_of(count: f64, trials: f64, p: f64, q: f64) -> f64 {
    let rest = trials - count;
    if count == 0.0 {
        return if p < 0.1 { trials * log1p(-p) } else { trials * log(q) };
    }
    if rest == 0.0 {
        return if q < 0.1 { trials * log1p(-q) } else { trials * log(p) };
    }
    stirling_error(trials)
        - stirling_error(count)
        - stirling_error(rest)
        - deviance(count, trials * p)
        - deviance(rest, trials * q)
        - 0.5 * (LN_TWO_PI + log(count) + log1p(-count / trials))
}

/// The regularised incomplete gamma functions (P(a, x), Q(a, x)), a > 0, x >= 0; NaN outside. The smaller one is
/// accurate relative to itself. Series below a+1, continued fraction by Lentz's method above (DLMF 8.11.4, 8.9.2).
pub fn incomplete_gamma(a: f64, x: f64) -> (f64, f64) {
    if !(a > 0.0 && x >= 0.0 && a.is_finite()) {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    // x^a e^-x / Γ(a+1)
    let prefactor = exp(log_poisson(a, x));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0, 1.0);
        for k in 1..STEPS {
            term *= x / (a + k as f64);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        let p = (prefactor * sum).min(1.0);
        return (p, 1.0 - p);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..STEPS {
        let i = i as f64;
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    let q = (prefactor * a * fraction).min(1.0);
    (1.0 - q, q)
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// The regularised incomplete beta functions (I_x(a, b), 1 - I_x(a, b)) for `x` and its complement `y` = 1-x, which is
/// given apart so that neither loses digits; a, b > 0. Continued fraction by Lentz's method (DLMF 8.17.22).
pub fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if !(a > 0.0 && b > 0.0 && x >= 0.0 && y >= 0.0 && a.is_finite() && b.is_finite()) {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if y == 0.0 {
        return (1.0, 0.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        let (upper, lower) = incomplete_beta(b, a, y, x);
        return (lower, upper);
    }
    // x^a y^b / (a B(a, b))
    let prefactor = exp(log_binomial_of(a, a + b, x, y)) * b / (a + b);
    let (mut c, mut d) = (1.0, 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..STEPS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    let lower = (prefactor * fraction).min(1.0);
    (lower, 1.0 - lower)
}

/// (P(X <= x), P(X > x)) of the chi-square distribution.
pub fn chi_square_cdf(x: f64, degrees: f64) -> (f64, f64) {
    incomplete_gamma(0.5 * degrees, 0.5 * x)
}

/// The x below which a chi-square variable lies with probability `p`; NaN outside 0 <= p <= 1, degrees > 0.
pub fn chi_square_quantile(p: f64, degrees: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && degrees > 0.0 && degrees.is_finite()) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { 0.0 } else { f64::INFINITY };
    }
    // Wilson & Hilferty 1931; for the far lower tail, the leading term of the series.
    let spread = 2.0 / (9.0 * degrees);
    let root = 1.0 - spread + normal_quantile(p) * sqrt(spread);
    let a = 0.5 * degrees;
    let series = 2.0 * exp((log(p) + lgamma(a + 1.0)) / a);
    let guess = if root > 0.0 && p > 1e-3 { degrees * root * root * root } else { series };
    let (tail, wanted) = if p < 0.5 { (Tail::Lower, p) } else { (Tail::Upper, 1.0 - p) };
    solve(tail, wanted, guess, |x| (chi_square_cdf(x, degrees), exp(log_poisson(a, 0.5 * x)) * a / x))
}

/// (P(T <= t), P(T > t)) of Student's t distribution.
pub fn student_t_cdf(t: f64, degrees: f64) -> (f64, f64) {
    let square = t * t;
    let x = degrees / (degrees + square);
    let y = if square.is_infinite() { 1.0 } else { square / (degrees + square) };
    let (outside, inside) = incomplete_beta(0.5 * degrees, 0.5, x, y);
    let (near, far) = (0.5 + 0.5 * inside, 0.5 * outside);
    if t < 0.0 { (far, near) } else { (near, far) }
}

/// The t below which Student's t lies with probability `p`; NaN outside 0 <= p <= 1, degrees > 0.
pub fn student_t_quantile(p: f64, degrees: f64) -> f64 {
    if !((0.0..=1.0).contains(&p) && degrees > 0.0) {
        return f64::NAN;
    }
    if p == 0.5 {
        return 0.0;
    }
    if degrees.is_infinite() || degrees > 1e17 {
        return normal_quantile(p);
    }
    if p > 0.5 {
        return -student_t_quantile(1.0 - p, degrees);
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    let z = -normal_quantile(p);
    let guess = z * sqrt((degrees * expm1(z * z / degrees).min(1e300) / (z * z)).max(1.0));
    let half = 0.5 * (degrees + 1.0);
    let log_constant = lgamma(half) - lgamma(0.5 * degrees) - 0.5 * log(degrees * std::f64::consts::PI);
    -solve(Tail::Upper, p, guess, |t| (student_t_cdf(t, degrees), exp(log_constant - half * log1p(t * t / degrees))))
}

/// Which side of a distribution a probability is of.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    Lower,
    Upper,
}

/// The x > 0 beyond which a tail holds the probability `wanted`: Newton steps on the tail's logarithm, which is nearly
/// straight, inside a bracket that every evaluation narrows. `at` gives ((P(X <= x), P(X > x)), density).
fn solve(tail: Tail, wanted: f64, guess: f64, at: impl Fn(f64) -> ((f64, f64), f64)) -> f64 {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = if guess.is_nan() { 1.0 } else { guess.clamp(f64::MIN_POSITIVE, 1e300) };
    for _ in 0..200 {
        let ((below, above), density) = at(x);
        let (value, sign) = if tail == Tail::Lower { (below, 1.0) } else { (above, -1.0) };
        if value == wanted {
            return x;
        }
        if (value < wanted) == (tail == Tail::Lower) {
            low = x
        } else {
            high = x
        }
        let newton = x + sign * value / density * log(wanted / value);
        let next = if newton > low && newton < high {
            newton
        } else if high.is_infinite() {
            x * 4.0
        } else if low == 0.0 {
            x / 16.0
        } else {
            sqrt(low) * sqrt(high)
        };
        if (next - x).abs() <= 2e-16 * x {
            return next;
        }
        x = next;
    }
    x
}

/// The x in [low, high] at which the distribution function, P(X <= x) and P(X > x), reaches a probability, given with its
/// complement; the smaller of the two decides. Bisection of the doubles themselves: 64 steps, to the last bit.
pub fn invert(distribution: impl Fn(f64) -> (f64, f64), low: f64, high: f64, (below, above): (f64, f64)) -> f64 {
    let (mut least, mut most) = (ordered(low), ordered(high));
    while most - least > 1 {
        let middle = least + (most - least) / 2;
        let (here, beyond) = distribution(double(middle as i64));
        let short = if below <= above { here < below } else { beyond > above };
        if short { least = middle } else { most = middle }
    }
    double(most as i64)
}

/// Doubles as whole numbers of the same order.
fn ordered(x: f64) -> i128 {
    let bits = x.to_bits() as i64;
    i128::from(if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits })
}

fn double(place: i64) -> f64 {
    f64::from_bits(if place < 0 { i64::MIN.wrapping_sub(place) } else { place } as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::statistics::normal_cdf;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{a:e} is not {b:e} within {tolerance:e}");
    }

    /// Expected values by 50-digit arithmetic.
    #[test]
    fn incomplete_gamma_of_small_and_large_arguments() {
        for (a, x, p, q) in [
            (0.5, 0.3, 0.561_421_973_919_000_1, 0.438_578_026_080_999_9),
            (2.5, 1.0, 0.150_854_963_915_390_36, 0.849_145_036_084_609_7),
            (10.0, 20.0, 0.995_004_587_691_692_4, 0.004_995_412_308_307_587),
            (1000.0, 990.0, 0.379_521_378_537_963_9, 0.620_478_621_462_036),
            (1e6, 1.001e6, 0.841_344_786_368_340_3, 0.158_655_213_631_659_7),
            (0.01, 1e-3, 0.938_570_652_526_129, 0.061_429_347_473_871_015),
            (3.0, 200.0, 1.0, 2.795_609_373_660_883_5e-83),
        ] {
            let (below, above) = incomplete_gamma(a, x);
            close(below, p, 2e-13);
            close(above, q, 2e-13);
        }
        assert!(incomplete_gamma(-1.0, 1.0).0.is_nan() && incomplete_gamma(1.0, f64::NAN).0.is_nan());
    }

    #[test]
    fn incomplete_beta_of_small_and_large_arguments() {
        for (a, b, x, expected) in [
            (0.5, 0.5, 0.3, 0.369_010_119_565_545_4),
            (2.0, 3.0, 0.4, 0.5248),
            (10.0, 0.1, 0.9, 0.023_856_050_744_374_115),
            (500.0, 300.0, 0.63, 0.612_739_529_840_237_7),
        ] {
            close(incomplete_beta(a, b, x, 1.0 - x).0, expected, 1e-13);
        }
        assert_eq!(incomplete_beta(1.0, 2.0, 0.0, 1.0), (0.0, 1.0));
    }

    #[test]
    fn log_probabilities_sum_to_one() {
        for mean in [0.3, 7.0, 150.0, 4000.0] {
            let sum: f64 = (0..20_000).map(|k| exp(log_poisson(f64::from(k), mean))).sum();
            close(sum, 1.0, 1e-13);
        }
        for (trials, p) in [(5.0, 0.3), (200.0, 0.01), (3000.0, 0.7)] {
            let sum: f64 = (0..=trials as u32).map(|k| exp(log_binomial(f64::from(k), trials, p))).sum();
            close(sum, 1.0, 1e-13);
        }
    }

    /// Printed values: R's qchisq and qt.
    #[test]
    fn quantiles_of_chi_square_and_student_t() {
        close(chi_square_quantile(0.95, 1.0), 3.841_458_820_694_124, 1e-13);
        close(chi_square_quantile(0.68, 1.0), 0.988_946_481_478_023_6, 1e-13);
        close(chi_square_quantile(0.975, 10.0), 20.483_177_350_807_39, 1e-13);
        close(student_t_quantile(0.975, 1.0), 12.706_204_736_174_7, 1e-12);
        close(student_t_quantile(0.975, 10.0), 2.228_138_851_986_273, 1e-12);
        close(student_t_quantile(0.025, 10.0), -2.228_138_851_986_273, 1e-12);
        close(student_t_quantile(0.84, 51.0), 1.004_361_467_1, 1e-2);
        assert_eq!(student_t_quantile(0.5, 3.0), 0.0);
        assert_eq!(chi_square_quantile(1.0, 3.0), f64::INFINITY);
        assert!(chi_square_quantile(0.5, -1.0).is_nan() && student_t_quantile(2.0, 3.0).is_nan());
    }

    #[test]
    fn quantiles_invert_their_distribution_functions() {
        for degrees in [0.3, 1.0, 2.0, 5.5, 51.0, 1e4] {
            for p in [1e-12, 1e-4, 0.1, 0.3, 0.5, 0.68, 0.95, 0.999_999] {
                let x = chi_square_quantile(p, degrees);
                close(chi_square_cdf(x, degrees).0, p, 1e-11);
                let t = student_t_quantile(p, degrees);
                close(student_t_cdf(t, degrees).0, p, 1e-11);
            }
        }
    }

    #[test]
    fn many_degrees_of_freedom_approach_the_normal() {
        for p in [0.01, 0.3, 0.975] {
            close(student_t_quantile(p, 1e9), normal_quantile(p), 1e-8);
            close(student_t_quantile(p, 1e18), normal_quantile(p), 1e-15);
        }
        close(student_t_cdf(1.3, 1e10).0, normal_cdf(1.3), 1e-9);
    }
}
