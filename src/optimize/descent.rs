//! What the methods with a line search share: a direction at each iterate, the search along it, and restarts.

use argmin::core::Error;

use super::guard::Guard;
use super::ledger::Slope;
use super::line_search::search;
use super::stopping::Convergence;
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::math::linear::dot;

/// Where to go from an iterate, and what to learn from having gone.
pub(super) trait Direction {
    /// From a point with this gradient. A direction that does not descend is replaced by the steepest descent.
    fn choose(&mut self, guard: &Guard<'_>, point: &[f64], gradient: &[f64]) -> Result<Vec<f64>, Error>;

    /// The first step to try along the direction chosen; None: the search has its own rule.
    fn trial(&self, _direction: &[f64], _gradient: &[f64]) -> Option<f64> {
        None
    }

    /// After a step: how point and gradient changed, and the gradient now.
    fn learn(&mut self, _step: &[f64], _change: &[f64], _gradient: &[f64]) {}

    /// Forgets what it learned, if there was anything: false if there was not.
    fn forget(&mut self) -> bool;
}

struct Descent<'g, 'a, D> {
    guard: &'g Guard<'a>,
    here: Slope,
    rule: D,
}

/// Iterations without improvement that end the run.
const PATIENCE: u32 = 5;

/// Runs until the guard stops it. After a failed line search the rule forgets what it learned; a failure of one that
/// has nothing to forget is the end.
pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>, rule: impl Direction) -> Result<(), Error> {
    let mut convergence = Convergence::new(plan.settings, PATIENCE);
    let Some(here) = convergence.start(guard, &plan.start)? else { return Ok(()) };
    walk(guard, Descent { guard, here, rule }, Some(&mut convergence))
}

impl<D: Direction> Walk for Descent<'_, '_, D> {
    fn here(&self) -> (&[f64], f64) {
        (&self.here.point, self.here.loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        let Slope { point, gradient, .. } = &self.here;
        loop {
            let mut direction = self.rule.choose(self.guard, point, gradient)?;
            let slope = dot(&direction, gradient);
            if !(slope < 0.0 && slope.is_finite()) {
                self.rule.forget();
                direction = gradient.iter().map(|g| -g).collect();
            }
            let first = self.rule.trial(&direction, gradient).filter(|step| step.is_finite() && *step > 0.0);
            if let Some(next) = search(self.guard, &self.here, direction, first) {
                let there = self.guard.slope(&next)?;
                if there.is_finite() {
                    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
                    let change = difference(&there.gradient, gradient);
                    self.rule.learn(&difference(&next, point), &change, &there.gradient);
                    self.here = there;
                    return Ok(());
                }
            }
            if self.guard.stopped() || !self.rule.forget() {
                self.guard.stop(Reason::NoDescent);
                return Ok(());
            }
        }
    }
}
