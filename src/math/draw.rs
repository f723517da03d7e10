//! Draws from distributions out of a random stream, by algorithms of our own that give the same bits everywhere.
//!
//! Arguments follow Stan and, where they agree, SciPy: rates, not scales. Arguments outside their domain give NaN.

use super::distribution::{log_binomial, log_poisson};
use super::elementary::{exp, log, log1p, sqrt, tan};
use super::random::Stream;
use super::statistics::normal_quantile;

/// A distribution from which synthetic observations may be drawn.
#[derive(Debug)]
pub struct Draw {
    pub name: &'static str,
    /// Its arguments, in order.
    pub arguments: &'static [&'static str],
    /// One draw; the slice holds as many numbers as there are arguments.
    pub draw: fn(&mut Stream, &[f64]) -> f64,
}

/// Every distribution for synthetic noise.
pub static DRAWS: &[Draw] = &[
    Draw { name: "normal", arguments: &["mean", "sd"], draw: |s, a| s.normal(a[0], a[1]) },
    Draw { name: "uniform", arguments: &["low", "high"], draw: |s, a| s.between(a[0], a[1]) },
    Draw { name: "poisson", arguments: &["mean"], draw: |s, a| s.poisson(a[0]) },
    Draw { name: "exponential", arguments: &["rate"], draw: |s, a| s.exponential(a[0]) },
    Draw { name: "gamma", arguments: &["shape", "rate"], draw: |s, a| s.gamma(a[0], a[1]) },
    Draw { name: "inverse_gamma", arguments: &["shape", "scale"], draw: |s, a| s.inverse_gamma(a[0], a[1]) },
    Draw { name: "beta", arguments: &["a", "b"], draw: |s, a| s.beta(a[0], a[1]) },
    Draw { name: "binomial", arguments: &["trials", "probability"], draw: |s, a| s.binomial(a[0], a[1]) },
    Draw {
        name: "negative_binomial",
        arguments: &["mean", "dispersion"],
        draw: |s, a| s.negative_binomial(a[0], a[1]),
    },
    Draw { name: "log_normal", arguments: &["mu", "sigma"], draw: |s, a| s.log_normal(a[0], a[1]) },
    Draw { name: "log_uniform", arguments: &["low", "high"], draw: |s, a| s.log_uniform(a[0], a[1]) },
    Draw { name: "half_normal", arguments: &["sd"], draw: |s, a| s.normal(0.0, a[0]).abs() },
    Draw { name: "cauchy", arguments: &["location", "scale"], draw: |s, a| s.cauchy(a[0], a[1]) },
    Draw { name: "half_cauchy", arguments: &["scale"], draw: |s, a| s.cauchy(0.0, a[0]).abs() },
    Draw {
        name: "student_t",
        arguments: &["degrees", "location", "scale"],
        draw: |s, a| if a[2] >= 0.0 { a[1] + a[2] * s.student_t(a[0]) } else { f64::NAN },
    },
];

impl Stream {
    /// Standard normal, by inversion of the distribution function.
    pub fn standard_normal(&mut self) -> f64 {
        normal_quantile(self.open())
    }

    pub fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        if sd >= 0.0 { mean + sd * self.standard_normal() } else { f64::NAN }
    }

    /// Uniform on [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        if low > high || low.is_nan() || high.is_nan() {
            return f64::NAN;
        }
        let u = self.uniform();
        let x = low * (1.0 - u) + high * u;
        x.clamp(low, high)
    }

    /// The logarithm is uniform.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        if !(low > 0.0 && low <= high) {
            return f64::NAN;
        }
        exp(self.between(log(low), log(high))).clamp(low, high)
    }

    /// The logarithm is normal with mean `mu` and standard deviation `sigma`.
    pub fn log_normal(&mut self, mu: f64, sigma: f64) -> f64 {
        exp(self.normal(mu, sigma))
    }

    /// Exponential with mean 1/rate, by inversion.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        if rate > 0.0 { -log(self.open()) / rate } else { f64::NAN }
    }

    /// Cauchy, by inversion.
    pub fn cauchy(&mut self, location: f64, scale: f64) -> f64 {
        if scale >= 0.0 { location + scale * tan(std::f64::consts::PI * (self.open() - 0.5)) } else { f64::NAN }
    }

    /// Gamma with mean shape/rate (Marsaglia & Tsang 2000, "A simple method for generating gamma variables").
    pub fn gamma(&mut self, shape: f64, rate: f64) -> f64 {
        if !(shape > 0.0 && rate > 0.0) {
            return f64::NAN;
        }
        exp(self.log_gamma(shape)) / rate
    }

    /// The logarithm of a gamma variable of rate 1: small shapes would underflow without it.
    fn log_gamma(&mut self, shape: f64) -> f64 {
        if shape.is_infinite() {
            return shape;
        }
        if shape < 1.0 {
            // Section 6 of the paper: a gamma of shape+1 times U^(1/shape).
            return self.log_gamma(shape + 1.0) + log(self.open()) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / sqrt(9.0 * d);
        loop {
            let x = self.standard_normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            if log(self.open()) < 0.5 * x * x + d * (1.0 - v + log(v)) {
                return log(d) + log(v);
            }
        }
    }

    /// `scale` over a gamma variable of the shape and rate 1.
    pub fn inverse_gamma(&mut self, shape: f64, scale: f64) -> f64 {
        if !(shape > 0.0 && scale > 0.0) {
            return f64::NAN;
        }
        scale * exp(-self.log_gamma(shape))
    }

    /// Beta, as the share of one gamma variable in the sum of two, taken on the logarithms.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        if !(a > 0.0 && b > 0.0) {
            return f64::NAN;
        }
        let difference = self.log_gamma(b) - self.log_gamma(a);
        1.0 / (1.0 + exp(difference))
    }

    /// Student's t: a normal over the root of a chi-square variable over its degrees of freedom.
    pub fn student_t(&mut self, degrees: f64) -> f64 {
        if degrees <= 0.0 || degrees.is_nan() {
            return f64::NAN;
        }
        let normal = self.standard_normal();
        if degrees.is_infinite() {
            return normal;
        }
        normal * exp(-0.5 * (self.log_gamma(0.5 * degrees) - log(0.5 * degrees)))
    }

    /// Poisson: sequential inversion below mean 10 (Devroye 1986, ch. X.3.3), else transformed rejection
    /// (Hörmann 1993, "The transformed rejection method for generating Poisson random variables", PTRS).
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean < 0.0 || !mean.is_finite() {
            return f64::NAN;
        }
        if mean < 10.0 {
            return self.invert(exp(-mean), f64::INFINITY, |k| mean / k);
        }
        let root = sqrt(mean);
        let b = 0.931 + 2.53 * root;
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let squeeze = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.open() - 0.5;
            let v = self.open();
            let side = 0.5 - u.abs();
            let k = ((2.0 * a / side + b) * u + mean + 0.43).floor();
            if side >= 0.07 && v <= squeeze {
                return k;
            }
            if k < 0.0 || (side < 0.013 && v > side) {
                continue;
            }
            if log(v * inverse_alpha / (a / (side * side) + b)) <= log_poisson(k, mean) {
                return k;
            }
        }
    }

    /// Binomial; a number of trials that is not whole gives NaN. Sequential inversion below an expectation of 10
    /// (Kachitvichyanukul & Schmeiser 1988, BINV), else transformed rejection (Hörmann 1993, "The generation of
    /// binomial random variates", BTRS).
    pub fn binomial(&mut self, trials: f64, probability: f64) -> f64 {
        let whole = trials >= 0.0 && trials.is_finite() && (trials).floor() == trials;
        if !whole || !(0.0..=1.0).contains(&probability) {
            return f64::NAN;
        }
        if probability > 0.5 {
            return trials - self.binomial(trials, 1.0 - probability);
        }
        let mean = trials * probability;
        if mean < 10.0 {
            let odds = probability / (1.0 - probability);
            return self.invert(exp(trials * log1p(-probability)), trials, |k| (trials - k + 1.0) / k * odds);
        }
        let spread = sqrt(mean * (1.0 - probability));
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * probability;
        let centre = mean + 0.5;
        let squeeze = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * spread;
        let mode = ((trials + 1.0) * probability).floor();
        loop {
            let u = self.open() - 0.5;
            let v = self.open();
            let side = 0.5 - u.abs();
            let k = ((2.0 * a / side + b) * u + centre).floor();
            if side >= 0.07 && v <= squeeze {
                return k;
            }
            if !(0.0..=trials).contains(&k) {
                continue;
            }
            let ratio = log_binomial(k, trials, probability) - log_binomial(mode, trials, probability);
            if log(v * alpha / (a / (side * side) + b)) <= ratio {
                return k;
            }
        }
    }

    /// Negative binomial of this mean and variance mean + mean²/dispersion (Stan's `neg_binomial_2`): a Poisson
    /// variable whose mean is gamma distributed.
    pub fn negative_binomial(&mut self, mean: f64, dispersion: f64) -> f64 {
        if !(mean >= 0.0 && dispersion > 0.0) {
            return f64::NAN;
        }
        if mean == 0.0 {
            return 0.0;
        }
        let rate = self.gamma(dispersion, dispersion / mean);
        self.poisson(rate)
    }

    /// The smallest k whose cumulative probability exceeds a uniform number: `first` is P(0), `ratio(k)` is
    /// P(k)/P(k-1). The sum stops growing in the far tail, where k is at most `last`.
    fn invert(&mut self, first: f64, last: f64, ratio: impl Fn(f64) -> f64) -> f64 {
        let u = self.uniform();
        let (mut k, mut probability, mut sum) = (0.0, first, first);
        while u >= sum && k < last && probability > 0.0 {
            k += 1.0;
            probability *= ratio(k);
            sum += probability;
        }
        k
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::distribution::{chi_square_quantile, incomplete_beta, incomplete_gamma, student_t_cdf};
    use crate::math::elementary::atan;
    use crate::math::statistics::{mean, normal_cdf, variance};

    /// Kolmogorov-Smirnov statistic times sqrt(n); above 2 with probability 7e-4 under the stated distribution.
    fn kolmogorov_smirnov(sample: &mut [f64], cdf: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let distance = sample.iter().enumerate().fold(0.0, |most: f64, (i, x)| {
            let p = cdf(*x);
            most.max((p - i as f64 / n).abs()).max(((i + 1) as f64 / n - p).abs())
        });
        distance * sqrt(n)
    }

    fn sample(name: &str, arguments: &[f64], n: usize) -> Vec<f64> {
        let row = DRAWS.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.arguments.len(), arguments.len(), "{name}");
        let mut stream = Stream::new(11, name, "test");
        (0..n).map(|_| (row.draw)(&mut stream, arguments)).collect()
    }

    #[test]
    fn continuous_draws_follow_their_distribution_functions() {
        type Cdf = Box<dyn Fn(f64) -> f64>;
        let cases: Vec<(&str, Vec<f64>, Cdf)> = vec![
            ("normal", vec![3.0, 2.0], Box::new(|x| normal_cdf((x - 3.0) / 2.0))),
            ("uniform", vec![-1.0, 4.0], Box::new(|x| (x + 1.0) / 5.0)),
            ("exponential", vec![2.5], Box::new(|x| 1.0 - exp(-2.5 * x))),
            ("gamma", vec![0.3, 2.0], Box::new(|x| incomplete_gamma(0.3, 2.0 * x).0)),
            ("gamma", vec![1.0, 0.5], Box::new(|x| incomplete_gamma(1.0, 0.5 * x).0)),
            ("gamma", vec![40.0, 3.0], Box::new(|x| incomplete_gamma(40.0, 3.0 * x).0)),
            ("inverse_gamma", vec![3.0, 2.0], Box::new(|x| incomplete_gamma(3.0, 2.0 / x).1)),
            ("beta", vec![0.5, 0.2], Box::new(|x| incomplete_beta(0.5, 0.2, x, 1.0 - x).0)),
            ("beta", vec![7.0, 3.0], Box::new(|x| incomplete_beta(7.0, 3.0, x, 1.0 - x).0)),
            ("log_normal", vec![1.0, 0.5], Box::new(|x| normal_cdf((log(x) - 1.0) / 0.5))),
            ("log_uniform", vec![0.1, 10.0], Box::new(|x| log(x / 0.1) / log(100.0))),
            ("half_normal", vec![3.0], Box::new(|x| 2.0 * normal_cdf(x / 3.0) - 1.0)),
            ("cauchy", vec![1.0, 2.0], Box::new(|x| 0.5 + atan((x - 1.0) / 2.0) / std::f64::consts::PI)),
            ("half_cauchy", vec![2.0], Box::new(|x| 2.0 * atan(x / 2.0) / std::f64::consts::PI)),
            ("student_t", vec![3.5, 1.0, 2.0], Box::new(|x| student_t_cdf((x - 1.0) / 2.0, 3.5).0)),
        ];
        for (name, arguments, cdf) in cases {
            let statistic = kolmogorov_smirnov(&mut sample(name, &arguments, 20_000), cdf);
            assert!(statistic < 2.0, "{name}{arguments:?}: {statistic}");
        }
    }

    /// The test above can fail: a normal that is one part in twenty too wide.
    #[test]
    fn kolmogorov_smirnov_finds_a_wrong_width() {
        let mut wide = sample("normal", &[0.0, 1.05], 20_000);
        assert!(kolmogorov_smirnov(&mut wide, normal_cdf) > 2.0);
    }

    /// Chi-square over cells of at least 20 expected counts, the tails put together.
    fn discrete(name: &str, arguments: &[f64], log_probability: impl Fn(f64) -> f64) {
        let n = 40_000;
        let drawn = sample(name, arguments, n);
        assert!(drawn.iter().all(|x| *x >= 0.0 && x.fract() == 0.0), "{name}");
        let most = drawn.iter().fold(0.0, |most: f64, x| most.max(*x)) as usize;
        let mut counts = vec![0.0; most + 1];
        for x in drawn {
            counts[x as usize] += 1.0;
        }
        let (mut statistic, mut cells, mut observed, mut expected, mut left) = (0.0, 0.0, 0.0, 0.0, n as f64);
        for (k, count) in counts.iter().enumerate() {
            observed += count;
            let here = n as f64 * exp(log_probability(k as f64));
            expected += here;
            left -= here;
            if expected > 20.0 && left > 20.0 {
                statistic += (observed - expected) * (observed - expected) / expected;
                (cells, observed, expected) = (cells + 1.0, 0.0, 0.0);
            }
        }
        expected += left.max(0.0);
        statistic += (observed - expected) * (observed - expected) / expected;
        assert!(
            cells > 2.0 && statistic < chi_square_quantile(0.9995, cells),
            "{name}{arguments:?}: {statistic} {cells}"
        );
    }

    #[test]
    fn discrete_draws_have_their_probabilities() {
        for mean in [0.7, 9.9, 10.1, 45.0, 3000.0] {
            discrete("poisson", &[mean], |k| log_poisson(k, mean));
        }
        for (trials, p) in [(10.0, 0.3), (1000.0, 0.004), (50.0, 0.5), (400.0, 0.93), (1e5, 0.2)] {
            discrete("binomial", &[trials, p], |k| log_binomial(k, trials, p));
        }
        for (mean, dispersion) in [(4.0, 0.8), (60.0, 5.0)] {
            let p = mean / (mean + dispersion);
            // P(k) = dispersion/(dispersion+k) times the binomial probability of k among dispersion+k.
            discrete("negative_binomial", &[mean, dispersion], |k| {
                log_binomial(k, k + dispersion, p) + log(dispersion / (dispersion + k))
            });
        }
    }

    #[test]
    fn moments() {
        for (name, arguments, expected_mean, expected_variance) in [
            ("gamma", vec![5.0, 2.0], 2.5, 1.25),
            ("beta", vec![2.0, 6.0], 0.25, 0.25 * 0.75 / 9.0),
            ("exponential", vec![4.0], 0.25, 0.0625),
            ("poisson", vec![1e9], 1e9, 1e9),
            ("binomial", vec![1e12, 0.25], 0.25e12, 0.1875e12),
            ("negative_binomial", vec![100.0, 10.0], 100.0, 1100.0),
        ] {
            let n = 50_000;
            let drawn = sample(name, &arguments, n);
            let error = sqrt(expected_variance / n as f64);
            let (centre, width) = (mean(&drawn).unwrap(), variance(&drawn).unwrap());
            assert!((centre - expected_mean).abs() < 4.0 * error, "{name}: {centre}");
            assert!((width / expected_variance - 1.0).abs() < 0.05, "{name}: {width}");
        }
    }

    #[test]
    fn arguments_outside_their_domain_give_nan_and_return() {
        let mut stream = Stream::new(1, "draw", "domain");
        for bad in [f64::NAN, f64::NEG_INFINITY, -1.0] {
            for row in DRAWS
                .iter()
                .filter(|row| !["normal", "uniform", "cauchy", "student_t", "log_normal"].contains(&row.name))
            {
                let arguments = vec![bad; row.arguments.len()];
                assert!((row.draw)(&mut stream, &arguments).is_nan(), "{}({bad})", row.name);
            }
        }
        for row in DRAWS {
            for extreme in [0.0, 1e-300, 1e300, f64::MAX, f64::INFINITY] {
                (row.draw)(&mut stream, &vec![extreme; row.arguments.len()]);
            }
        }
        assert_eq!(stream.poisson(0.0), 0.0);
        assert_eq!(stream.binomial(7.0, 1.0), 7.0);
    }
}
