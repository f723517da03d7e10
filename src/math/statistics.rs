//! The normal distribution, and the quantiles of a sample.

use super::elementary::{erfc, exp, log, sqrt};

const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// What sqrt(1/2) loses when it is rounded to a double.
const SQRT_HALF_REST: f64 = -4.833_646_656_726_457e-17;
/// 2/sqrt(pi).
const TWO_OVER_SQRT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;

/// The standard normal distribution function, good to a few ulp in the lower tail as well.
pub fn normal_cdf(x: f64) -> f64 {
    // erfc(t) with t = -x/sqrt(2): the rounding of t matters in the tail, where erfc'(t)/erfc(t) is near -2t.
    let t = -x * SQRT_HALF;
    let rest = (-x).mul_add(SQRT_HALF, -t) - x * SQRT_HALF_REST;
    let correction = TWO_OVER_SQRT_PI * exp(-t * t) * rest;
    let value = erfc(t) - if correction.is_finite() { correction } else { 0.0 };
    0.5 * value
}

/// The standard normal density.
pub fn normal_density(x: f64) -> f64 {
    const INVERSE_SQRT_TWO_PI: f64 = 0.398_942_280_401_432_7;
    INVERSE_SQRT_TWO_PI * exp(-0.5 * x * x)
}

/// The standard normal quantile of `p` (Wichura 1988, AS 241, PPND16: about 1 part in 1e16). -inf at 0, inf at 1, NaN
/// outside [0, 1].
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 || p.is_nan() {
        return if tail == 0.0 { f64::INFINITY.copysign(q) } else { f64::NAN };
    }
    let r = sqrt(-log(tail));
    let x = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &TAIL) };
    x.copysign(q)
}

/// Numerator over denominator, by Horner's rule from the highest power.
fn ratio(r: f64, coefficients: &[[f64; 8]; 2]) -> f64 {
    let [numerator, denominator] = coefficients.map(|side| side.iter().rev().fold(0.0, |sum, c| sum * r + c));
    numerator / denominator
}

#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "as printed in AS 241")]
const CENTRE: [[f64; 8]; 2] = [
    [3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3],
    [1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3],
];

#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "as printed in AS 241")]
const MIDDLE: [[f64; 8]; 2] = [
    [1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4],
    [1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9],
];

#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "as printed in AS 241")]
const TAIL: [[f64; 8]; 2] = [
    [6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7],
    [1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15],
];

/// The median; None of an empty sample. NaN sorts above every number.
pub fn median(sample: &[f64]) -> Option<f64> {
    quantile(sample, 0.5)
}

/// The quantile of `p` in [0, 1] by linear interpolation between order statistics (Hyndman & Fan 1996, type 7: the
/// default of R and NumPy). None of an empty sample. NaN sorts above every number.
pub fn quantile(sample: &[f64], p: f64) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted_quantile(&sorted, p)
}

/// The same of a sample that is sorted already.
pub fn sorted_quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = p.clamp(0.0, 1.0) * last as f64;
    let below = (place).floor() as usize;
    let weight = place - (place).floor();
    let low = sorted[below.min(last)];
    let high = sorted[(below + 1).min(last)];
    // Equal neighbours first: inf - inf would be NaN.
    Some(if weight == 0.0 || low == high { low } else { low + weight * (high - low) })
}

/// The interval of Wilson (1927) for a probability of which `successes` of `trials` are known: what a test of the level
/// does not reject. (0, 1) without trials.
pub fn wilson(successes: usize, trials: usize, level: f64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let z = normal_quantile(0.5 + 0.5 * level);
    let (k, n) = (successes as f64, trials as f64);
    let middle = (k + 0.5 * z * z) / (n + z * z);
    let half = z / (n + z * z) * (k * (n - k) / n + 0.25 * z * z).sqrt();
    // Exact at the ends, where rounding would leave a little.
    let low = if successes == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}

/// The mean; None of an empty sample.
pub fn mean(sample: &[f64]) -> Option<f64> {
    if sample.is_empty() { None } else { Some(sample.iter().sum::<f64>() / sample.len() as f64) }
}

/// The variance with n-1 in the denominator; None below two values.
pub fn variance(sample: &[f64]) -> Option<f64> {
    let centre = mean(sample)?;
    let squares: f64 = sample.iter().map(|x| (x - centre) * (x - centre)).sum();
    if sample.len() < 2 { None } else { Some(squares / (sample.len() - 1) as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{a} is not {b} within {tolerance}");
    }

    /// Values by 50-digit arithmetic.
    #[test]
    fn normal_distribution_function_in_centre_and_tails() {
        for (x, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_05),
            (-2.5, 0.006_209_665_325_776_132),
            (-10.0, 7.619_853_024_160_526e-24),
            (-30.0, 4.906_713_927_148_187e-198),
            (-37.5, 4.605_353_009_581_955e-308),
        ] {
            close(normal_cdf(x), expected, 2e-15);
        }
        assert_eq!(normal_cdf(f64::INFINITY), 1.0);
        assert_eq!(normal_cdf(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn normal_quantiles_of_printed_values() {
        for (p, expected) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
            (0.975, 1.959_963_984_540_054),
            (0.84, 0.994_457_883_209_753_2),
        ] {
            close(normal_quantile(p), expected, 5e-16);
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan() && normal_quantile(-0.1).is_nan() && normal_quantile(f64::NAN).is_nan());
    }

    #[test]
    fn quantile_inverts_the_distribution_function() {
        for i in 1..400 {
            let x = -36.0 + 0.1 * f64::from(i);
            let p = normal_cdf(x);
            // Above the median p itself is rounded: dx = dp/density.
            let slack = 1e-15 * x.abs() + 4e-16 * p / normal_density(x);
            assert!((normal_quantile(p) - x).abs() <= slack, "{x}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn quantiles_of_samples() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.1), Some(1.3));
        assert_eq!(quantile(&[1.0, f64::INFINITY, f64::INFINITY], 0.75), Some(f64::INFINITY));
        assert_eq!(quantile(&[1.0], 0.9), Some(1.0));
        assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
        assert_eq!(variance(&[1.0, 2.0, 6.0]), Some(7.0));
        assert_eq!(variance(&[1.0]), None);
    }
}
