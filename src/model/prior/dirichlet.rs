//! The prior of shares of a whole: a vector of positive elements with the sum 1.
//!
//! p(A) = Γ(Σ a) / Π Γ(a_k) · Π A_k^(a_k - 1) over A_0 … A_(n-2), the last element being what these leave of 1. Given the
//! shares before it, A_k is Beta(a_k, a_(k+1) + … + a_(n-1)) of what they leave (Gelman et al., Bayesian Data Analysis,
//! 3rd edition, appendix A; Stan Functions Reference, "Dirichlet distribution").

use std::borrow::Cow;

use super::Distribution;
use crate::experiment::Prior;
use crate::ir::{Builder, Operator, Value};
use crate::kind::{self, Settings};
use crate::math::elementary::lgamma;

/// The name of its numbers.
pub const CONCENTRATION: &str = "concentration";

/// One for each of n shares.
fn concentrations(prior: &Prior, n: usize) -> Cow<'_, [f64]> {
    match prior.arguments.numbers(CONCENTRATION) {
        [all] => Cow::Owned(vec![*all; n]),
        each => Cow::Borrowed(each),
    }
}

/// Of share k < n - 1 of n, where those before leave so much of the whole.
pub fn share(prior: &Prior, k: usize, n: usize, left: f64) -> Distribution<'static> {
    let weights = concentrations(prior, n);
    let numbers = [("a", weights[k]), ("b", weights[k + 1..].iter().sum())];
    let arguments = Settings(numbers.map(|(name, number)| (name, kind::Value::Number(number))).into());
    Distribution { name: "beta", arguments: Cow::Owned(arguments), inner: None, left: Some(left) }
}

/// The log density at all shares, the last one included, as a node; -∞ where one of them is not positive.
pub fn log_density(prior: &Prior, b: &mut Builder, shares: &[Value]) -> Value {
    let weights = concentrations(prior, shares.len());
    let norm = lgamma(weights.iter().sum()) - weights.iter().map(|weight| lgamma(*weight)).sum::<f64>();
    let (mut density, mut inside, nothing) = (b.constant(norm), b.constant(1.0), b.constant(0.0));
    for (share, weight) in shares.iter().zip(weights.iter()) {
        let log = b.unary(Operator::Log, *share);
        let part = b.scale(weight - 1.0, log);
        density = b.add(density, part);
        let positive = b.apply(Operator::Greater, &[*share, nothing]);
        inside = b.multiply(inside, positive);
    }
    let never = b.constant(f64::NEG_INFINITY);
    b.select(inside, density, never)
}

/// Whether the density is the same everywhere.
pub fn is_even(prior: &Prior) -> bool {
    prior.row.simplex && prior.arguments.numbers(CONCENTRATION).iter().all(|weight| *weight == 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Kernel, Rows, Workspace};
    use crate::math::elementary::exp;
    use crate::math::random::Stream;
    use crate::model::prior::PRIORS;

    fn of(weights: &[f64]) -> Prior {
        let row = PRIORS.iter().find(|row| row.simplex).expect("the table has it");
        let arguments = Settings([(CONCENTRATION, kind::Value::Numbers(weights.to_vec()))].into());
        Prior { row, arguments, formulas: Vec::new(), inner: None }
    }

    /// The log density of three shares.
    fn density(weights: &[f64]) -> impl FnMut(&[f64]) -> f64 {
        let mut b = Builder::new();
        let shares: Vec<Value> = (0..3).map(|k| b.input(k)).collect();
        let value = log_density(&of(weights), &mut b, &shares);
        let kernel = Kernel::new(&b.finish(&[value], 3, 0), &Rows::default());
        let mut workspace = Workspace::default();
        move |point| {
            let mut value = [0.0];
            kernel.evaluate(point, &mut workspace, &mut value);
            value[0]
        }
    }

    /// log(Γ(4)·½) by hand; the other from the C library's lgamma.
    #[test]
    fn the_density_has_known_values() {
        let close = |found: f64, known: f64| assert!((found - known).abs() < 1e-14, "{found} {known}");
        close(density(&[2.0, 1.0, 1.0])(&[0.5, 0.3, 0.2]), 1.098_612_288_668_11);
        close(density(&[0.7, 2.5, 1.3])(&[0.2, 0.5, 0.3]), 1.098_280_024_938_248);
        assert_eq!(density(&[1.0])(&[0.7, 0.4, -0.1]), f64::NEG_INFINITY);
    }

    /// The middle of each of n² squares of the unit square, where the shares leave something.
    #[test]
    fn the_density_has_total_1() {
        let mut density = density(&[2.0, 3.5, 4.0]);
        let n = 300;
        let at = |k: i32| (f64::from(k) + 0.5) / f64::from(n);
        let mut total = 0.0;
        for (x, y) in (0..n).flat_map(|i| (0..n).map(move |j| (at(i), at(j)))) {
            total += exp(density(&[x, y, 1.0 - x - y])) / f64::from(n * n);
        }
        assert!((total - 1.0).abs() < 1e-4, "{total}");
    }

    /// Mean a/s, covariance (δ s a_i - a_i a_j)/(s²(s + 1)), s the sum.
    #[test]
    fn draws_have_the_moments_of_the_law() {
        let weights = [0.6, 2.0, 3.4];
        let (prior, s, n) = (of(&weights), 6.0, 20_000);
        let mut stream = Stream::new(5, "dirichlet", "test");
        let mut draw = || {
            let first = share(&prior, 0, 3, 1.0).quantile(stream.open());
            let second = share(&prior, 1, 3, 1.0 - first).quantile(stream.open());
            [first, second, 1.0 - first - second]
        };
        let draws: Vec<[f64; 3]> = (0..n).map(|_| draw()).collect();
        let mean = |f: &dyn Fn(&[f64; 3]) -> f64| draws.iter().map(f).sum::<f64>() / f64::from(n);
        for i in 0..3 {
            assert!((mean(&|x| x[i]) - weights[i] / s).abs() < 0.006, "mean of {i}");
            for j in 0..=i {
                let own = if i == j { s * weights[i] } else { 0.0 };
                let known = (own - weights[i] * weights[j]) / (s * s * (s + 1.0));
                let found = mean(&|x| (x[i] - weights[i] / s) * (x[j] - weights[j] / s));
                assert!((found - known).abs() < 0.001, "{i} {j}: {found} {known}");
            }
        }
    }

    #[test]
    fn means_of_shares_are_their_weights() {
        let prior = of(&[1.0, 2.0, 5.0]);
        let first = share(&prior, 0, 3, 1.0).mean().expect("a share has a mean");
        assert!((first - 0.125).abs() < 1e-15);
        let second = share(&prior, 1, 3, 1.0 - first).mean().expect("a share has a mean");
        assert!((second - 0.25).abs() < 1e-15);
    }
}
