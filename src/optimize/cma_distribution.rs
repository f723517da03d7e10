//! The distribution of CMA-ES: sampling, the updates of mean, paths, covariance and step, and when it is spent.
//!
//! Hansen 2016, The CMA evolution strategy: a tutorial, arXiv:1604.00772. Equation numbers are its own.

use std::collections::VecDeque;

use crate::math::elementary::{exp, log, sqrt};
use crate::math::linear::{Matrix, dot, symmetric_eigen};
use crate::math::random::Stream;
use crate::math::statistics::median;

/// Why a distribution is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All losses of the first generations are equal: there is nothing to learn.
    Flat,
    Loss,
    Step,
    /// No progress, or a covariance beyond its digits.
    Spent,
}

pub(super) struct Distribution {
    pub(super) mean: Vec<f64>,
    sigma: f64,
    first_sigma: f64,
    covariance: Matrix,
    /// Columns of B in rows, and the standard deviations D along them.
    axes: Matrix,
    lengths: Vec<f64>,
    path_covariance: Vec<f64>,
    path_sigma: Vec<f64>,
    weights: Vec<f64>,
    parents: usize,
    effective: f64,
    rates: Rates,
    generation: u64,
    decomposed: u64,
    /// The best loss of the latest generations, for the tests.
    history: VecDeque<f64>,
    /// Best and median of every generation, for the test of stagnation.
    long: Vec<(f64, f64)>,
    tolerances: (f64, f64),
}

/// Learning rates (table 1).
struct Rates {
    sigma: f64,
    damping: f64,
    cumulation: f64,
    one: f64,
    mu: f64,
    /// E|N(0, I)|.
    length: f64,
}

impl Distribution {
    /// λ samples a generation. `tolerances`: of the loss and, relative to the first σ, of the step.
    pub(super) fn new(mean: Vec<f64>, sigma: f64, samples: usize, tolerances: (f64, f64)) -> Distribution {
        let n = mean.len();
        let size = n as f64;
        let parents = samples / 2;
        // Eq. 49.
        let raw: Vec<f64> = (0..samples).map(|i| log((samples as f64 + 1.0) / 2.0) - log(i as f64 + 1.0)).collect();
        let effective_of = |part: &[f64]| {
            let sum: f64 = part.iter().sum();
            sum * sum / part.iter().map(|w| w * w).sum::<f64>()
        };
        let effective = effective_of(&raw[..parents]);
        let negative = effective_of(&raw[parents..]);
        let one = 2.0 / ((size + 1.3) * (size + 1.3) + effective);
        let mu = (2.0 * (0.25 + effective + 1.0 / effective - 2.0) / ((size + 2.0) * (size + 2.0) + effective))
            .min(1.0 - one);
        // Eqs. 50-53: the worse half counts against its directions.
        let limits = [1.0 + one / mu, 1.0 + 2.0 * negative / (effective + 2.0), (1.0 - one - mu) / (size * mu)];
        let limit = limits.into_iter().fold(f64::INFINITY, f64::min);
        let positive: f64 = raw.iter().filter(|w| **w > 0.0).sum();
        let against: f64 = -raw.iter().filter(|w| **w < 0.0).sum::<f64>();
        let weight = |w: &f64| if *w >= 0.0 { w / positive } else { limit * w / against };
        let weights = raw.iter().map(weight).collect();
        let sigma_rate = (effective + 2.0) / (size + effective + 5.0);
        let excess = (sqrt(((effective - 1.0) / (size + 1.0)).max(0.0)) - 1.0).max(0.0);
        let rates = Rates {
            sigma: sigma_rate,
            damping: 1.0 + 2.0 * excess + sigma_rate,
            cumulation: (4.0 + effective / size) / (size + 4.0 + 2.0 * effective / size),
            one,
            mu,
            length: sqrt(size) * (1.0 - 1.0 / (4.0 * size) + 1.0 / (21.0 * size * size)),
        };
        Distribution {
            mean,
            sigma,
            first_sigma: sigma,
            covariance: Matrix::identity(n),
            axes: Matrix::identity(n),
            lengths: vec![1.0; n],
            path_covariance: vec![0.0; n],
            path_sigma: vec![0.0; n],
            weights,
            parents,
            effective,
            rates,
            generation: 0,
            decomposed: 0,
            history: VecDeque::new(),
            long: Vec::new(),
            tolerances,
        }
    }

    /// λ samples (eqs. 38-40).
    pub(super) fn sample(&mut self, stream: &mut Stream) -> Vec<Vec<f64>> {
        let n = self.mean.len();
        let one = |_| {
            let z: Vec<f64> = self.lengths.iter().map(|d| d * stream.standard_normal()).collect();
            let along = |j: usize| (0..n).fold(0.0, |sum, k| self.axes[(k, j)].mul_add(z[k], sum));
            (0..n).map(|j| self.sigma.mul_add(along(j), self.mean[j])).collect()
        };
        (0..self.weights.len()).map(one).collect()
    }

    /// Learns from a generation and its losses; what ends the run, if anything does.
    pub(super) fn learn(&mut self, samples: &[Vec<f64>], losses: &[f64]) -> Option<Ending> {
        let n = self.mean.len();
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]).then(a.cmp(b)));
        self.generation += 1;
        let steps: Vec<Vec<f64>> = order
            .iter()
            .map(|i| samples[*i].iter().zip(&self.mean).map(|(x, m)| (x - m) / self.sigma).collect())
            .collect();
        let mut shift = vec![0.0; n];
        for (step, weight) in steps.iter().zip(&self.weights).take(self.parents) {
            for (s, y) in shift.iter_mut().zip(step) {
                *s = weight.mul_add(*y, *s);
            }
        }
        // Eqs. 42-44.
        for (m, s) in self.mean.iter_mut().zip(&shift) {
            *m = self.sigma.mul_add(*s, *m);
        }
        let rates = &self.rates;
        let factor = sqrt(rates.sigma * (2.0 - rates.sigma) * self.effective);
        let whitened = self.whiten(&shift);
        for (p, w) in self.path_sigma.iter_mut().zip(&whitened) {
            *p = (1.0 - rates.sigma) * *p + factor * w;
        }
        let length = sqrt(dot(&self.path_sigma, &self.path_sigma));
        let remaining = 1.0 - power(1.0 - rates.sigma, 2 * self.generation);
        let steady = length / sqrt(remaining) < (1.4 + 2.0 / (n as f64 + 1.0)) * rates.length;
        let factor = if steady { sqrt(rates.cumulation * (2.0 - rates.cumulation) * self.effective) } else { 0.0 };
        for (p, s) in self.path_covariance.iter_mut().zip(&shift) {
            *p = (1.0 - rates.cumulation) * *p + factor * s;
        }
        // Eqs. 46-47.
        let missing = if steady { 0.0 } else { rates.cumulation * (2.0 - rates.cumulation) };
        let total: f64 = self.weights.iter().sum();
        let keep = 1.0 + rates.one * missing - rates.one - rates.mu * total;
        let scaled: Vec<f64> = self
            .weights
            .iter()
            .zip(&steps)
            .map(|(w, y)| {
                if *w >= 0.0 {
                    return *w;
                }
                let white = self.whiten(y);
                let square = dot(&white, &white);
                if square > 0.0 { w * n as f64 / square } else { 0.0 }
            })
            .collect();
        let (path, one, mu) = (&self.path_covariance, rates.one, rates.mu);
        for i in 0..n {
            for j in 0..=i {
                let ranks = scaled.iter().zip(&steps).fold(0.0, |sum, (w, y)| (w * y[i]).mul_add(y[j], sum));
                let entry = keep * self.covariance[(i, j)] + one * path[i] * path[j] + mu * ranks;
                self.covariance[(i, j)] = entry;
                self.covariance[(j, i)] = entry;
            }
        }
        // Eq. 45; a step may not grow beyond e in one generation.
        let growth = (rates.sigma / rates.damping) * (length / rates.length - 1.0);
        self.sigma *= exp(growth.min(1.0));
        let wait = 1.0 / ((one + mu) * n as f64 * 10.0);
        if (self.generation - self.decomposed) as f64 > wait && !self.decompose() {
            return Some(Ending::Spent);
        }
        self.ending(losses, &order)
    }

    /// C^(-1/2) y.
    fn whiten(&self, y: &[f64]) -> Vec<f64> {
        let n = y.len();
        let along: Vec<f64> = (0..n).map(|k| dot(self.axes.row(k), y) / self.lengths[k]).collect();
        (0..n).map(|j| (0..n).fold(0.0, |sum, k| self.axes[(k, j)].mul_add(along[k], sum))).collect()
    }

    /// Axes and lengths of the covariance; false where it has lost its meaning.
    fn decompose(&mut self) -> bool {
        self.decomposed = self.generation;
        let Some(eigen) = symmetric_eigen(&self.covariance) else { return false };
        let (least, most) = (eigen.values[0], eigen.values[eigen.values.len() - 1]);
        if least.is_nan() || least <= 0.0 || most > 1e14 * least || !most.is_finite() {
            return false;
        }
        self.lengths = eigen.values.iter().map(|value| sqrt(*value)).collect();
        self.axes = eigen.vectors;
        true
    }

    /// The tests of Hansen 2016, section B.3.
    fn ending(&mut self, losses: &[f64], order: &[usize]) -> Option<Ending> {
        let n = self.mean.len();
        let samples = losses.len();
        let (best, worst) = (losses[order[0]], losses[order[samples - 1]]);
        self.history.push_back(best);
        let window = 10 + (30.0 * n as f64 / samples as f64) as usize;
        if self.history.len() > window {
            self.history.pop_front();
        }
        self.long.push((best, losses[order[samples / 2]]));
        let spread = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
            high - low
        };
        let recent = spread(&mut self.history.iter().copied());
        let tolerance = self.tolerances.0.max(4.0 * f64::EPSILON * best.abs());
        let full = self.history.len() == window;
        if full && recent == 0.0 && best == worst && self.long.len() == window {
            return Some(Ending::Flat);
        }
        if full && recent <= tolerance && worst - best <= tolerance {
            return Some(Ending::Loss);
        }
        let deviation = |j: usize| self.sigma * sqrt(self.covariance[(j, j)]);
        let reach = self.tolerances.1 * self.first_sigma;
        if (0..n).all(|j| deviation(j) < reach && self.sigma * self.path_covariance[j].abs() < reach) {
            return Some(Ending::Step);
        }
        // No effect on the mean to rounding: along an axis, or in a coordinate.
        let k = (self.generation % n as u64) as usize;
        let pushed =
            (0..n).all(|j| self.mean[j] + 0.1 * self.sigma * self.lengths[k] * self.axes[(k, j)] == self.mean[j]);
        if pushed || (0..n).any(|j| self.mean[j] + 0.2 * deviation(j) == self.mean[j]) {
            return Some(Ending::Step);
        }
        if self.sigma * self.lengths[n - 1] > 1e4 * self.first_sigma.max(1.0) || !self.sigma.is_finite() {
            return Some(Ending::Spent);
        }
        let most = 100.0 + 150.0 * (n as f64 + 3.0) * (n as f64 + 3.0) / sqrt(samples as f64);
        if self.generation as f64 > most || self.stagnates(samples) {
            return Some(Ending::Spent);
        }
        None
    }

    /// Neither bests nor medians got better over a long time.
    fn stagnates(&self, samples: usize) -> bool {
        let n = self.mean.len();
        let least = 120 + 30 * n / samples + (0.2 * self.long.len() as f64) as usize;
        if self.long.len() < least.max(40) || !self.long.len().is_multiple_of(10) {
            return false;
        }
        let part = &self.long[self.long.len() - least..];
        let share = (least * 3 / 10).max(1);
        let middle = |part: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| {
            median(&part.iter().map(pick).collect::<Vec<_>>()).unwrap_or(f64::NAN)
        };
        let worse = |pick: fn(&(f64, f64)) -> f64| middle(&part[least - share..], pick) >= middle(&part[..share], pick);
        worse(|pair| pair.0) && worse(|pair| pair.1)
    }
}

/// x to a whole power.
fn power(x: f64, exponent: u64) -> f64 {
    let (mut result, mut base, mut left) = (1.0, x, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= base;
        }
        base *= base;
        left >>= 1;
    }
    result
}
