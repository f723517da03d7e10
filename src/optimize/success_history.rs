//! Success history: how differential evolution learns its factors (Tanabe & Fukunaga 2013, 2014).

use crate::math::random::Stream;

/// Means of the factors that made better members (Tanabe & Fukunaga 2014, algorithm 1).
pub(super) struct History {
    /// (mean of the weights, mean of the crossover probabilities; None: it has fallen to zero for good).
    means: Vec<(f64, Option<f64>)>,
    next: usize,
    /// Of this generation: weight, crossover probability, improvement of the loss.
    successes: Vec<(f64, f64, f64)>,
}

impl History {
    /// `length` means, all one half.
    pub(super) fn new(length: usize) -> History {
        History { means: vec![(0.5, Some(0.5)); length.max(1)], next: 0, successes: Vec::new() }
    }

    /// Notes factors that made a better member, and how much lower its loss is.
    pub(super) fn succeeded(&mut self, weight: f64, crossover: f64, fall: f64) {
        self.successes.push((weight, crossover, fall));
    }

    /// A weight from a Cauchy distribution in (0, 1], a crossover probability from a normal one in [0, 1].
    pub(super) fn draw(&self, stream: &mut Stream) -> (f64, f64) {
        let (weight, crossover) = self.means[stream.index(self.means.len())];
        let weight = loop {
            let drawn = stream.cauchy(weight, 0.1);
            if drawn > 0.0 {
                break drawn.min(1.0);
            }
        };
        let crossover = crossover.map_or(0.0, |mean| stream.normal(mean, 0.1).clamp(0.0, 1.0));
        (weight, crossover)
    }

    /// Takes the generation's successes into the memory: Lehmer means weighted by the improvement.
    pub(super) fn learn(&mut self) {
        if self.successes.is_empty() {
            return;
        }
        // A member that left an infinite loss behind weighs as much as the largest finite improvement.
        let most = self.successes.iter().map(|s| s.2).filter(|fall| fall.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let mean = |part: fn(&(f64, f64, f64)) -> f64| {
            let (mut above, mut below) = (0.0, 0.0);
            for success in &self.successes {
                let weight = (success.2 / most).min(1.0);
                above += weight * part(success) * part(success);
                below += weight * part(success);
            }
            if below > 0.0 { above / below } else { 0.0 }
        };
        let (weight, crossover) = (mean(|s| s.0), mean(|s| s.1));
        let slot = &mut self.means[self.next];
        let dead = slot.1.is_none() || self.successes.iter().all(|s| s.1 == 0.0);
        *slot = (if weight > 0.0 { weight } else { slot.0 }, if dead { None } else { Some(crossover) });
        self.next = (self.next + 1) % self.means.len();
        self.successes.clear();
    }
}
