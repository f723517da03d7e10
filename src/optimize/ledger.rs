//! The guard's book: counts, the best point, and the gradients computed lately.

/// How many gradients are remembered: a line search may end at a point that it tried some steps ago.
const REMEMBERED: usize = 8;

/// Relative differences of losses below this are taken for rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// Relative differences of losses that a solver may overrule.
const BLUR: f64 = 2e-8;

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) evaluations: u64,
    pub(super) gradients: u64,
    pub(super) iterations: u64,
    /// As `Outcome::work`.
    pub(super) work: f64,
    pub(super) best: Option<Best>,
    lowest: Option<f64>,
    /// Gradients computed lately, the newest at `next - 1`.
    recent: Vec<Slope>,
    next: usize,
}

pub(super) struct Best {
    pub(super) point: Vec<f64>,
    pub(super) loss: f64,
    pub(super) gradient_norm: Option<f64>,
}

/// The loss and its gradient at a point.
#[derive(Clone)]
pub(super) struct Slope {
    pub(super) point: Vec<f64>,
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
}

impl Slope {
    pub(super) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }
}

impl Ledger {
    /// Keeps the point if it is the best. Of two losses that differ by rounding only, the one with the smaller
    /// gradient is nearer to the minimum.
    pub(super) fn consider(&mut self, point: &[f64], loss: f64, norm: Option<f64>) {
        if loss.is_infinite() {
            return;
        }
        let lowest = self.lowest.map_or(loss, |lowest| lowest.min(loss));
        self.lowest = Some(lowest);
        let better = self.best.as_ref().is_none_or(|best| {
            let rounding = ROUNDING * lowest.abs();
            match (norm, best.gradient_norm) {
                (Some(new), Some(old)) if (loss - best.loss).abs() <= rounding && loss <= lowest + rounding => {
                    new < old
                }
                // A value alone says nothing against a gradient.
                (None, Some(_)) => loss < best.loss - rounding,
                (Some(_), None) => loss < best.loss || (loss == best.loss && best.point == point),
                _ => loss < best.loss,
            }
        });
        if better {
            match &mut self.best {
                Some(best) => {
                    best.point.clear();
                    best.point.extend_from_slice(point);
                    best.loss = loss;
                    best.gradient_norm = norm;
                }
                none => *none = Some(Best { point: point.to_vec(), loss, gradient_norm: norm }),
            }
        }
    }

    /// Keeps the point of a solver that knows better than the losses, which cancellation may blur.
    pub(super) fn settle(&mut self, point: &[f64], loss: f64) {
        if let Some(best) = &mut self.best
            && loss <= best.loss + BLUR * best.loss.abs()
        {
            best.point.clear();
            best.point.extend_from_slice(point);
            best.loss = loss;
        }
    }

    pub(super) fn remember(&mut self, slope: &Slope) {
        if self.recent.len() < REMEMBERED {
            self.recent.push(slope.clone());
        } else {
            self.recent[self.next] = slope.clone();
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    pub(super) fn remembered(&self, point: &[f64]) -> Option<&Slope> {
        self.recent.iter().find(|slope| slope.point == point)
    }
}
