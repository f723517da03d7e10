//! What the methods with a line search share: a direction at each iterate, the search along it, and restarts.

use std::cell::RefCell;

use argmin::core::{Error, Executor, KV, LineSearch, Problem, Solver};

use super::guard::{Guard, Watched};
use super::line_search::{Iterate, WolfeSearch};
use super::stopping::Convergence;
use super::{Plan, Reason};
use crate::math::linear::dot;

/// Where to go from an iterate, and what to learn from having gone.
pub(super) trait Direction {
    fn name(&self) -> &'static str;

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
    rule: D,
}

/// Iterations without improvement that end the run.
const PATIENCE: u32 = 5;

/// Runs until the guard stops it. After a failed line search the rule forgets what it learned; a failure of one that
/// has nothing to forget is the end.
pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>, rule: impl Direction) -> Result<(), Error> {
    let convergence = RefCell::new(Convergence::new(plan.settings, PATIENCE));
    let (loss, gradient) = guard.slope(&plan.start)?;
    if !loss.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
        guard.stop(Reason::NonFinite);
        return Ok(());
    }
    if let Some(reason) = convergence.borrow().flat(guard) {
        guard.stop(reason);
        return Ok(());
    }
    Executor::new(guard, Watched { solver: Descent { guard, rule }, guard, convergence: Some(&convergence) })
        .configure(|state| state.param(plan.start.clone()).gradient(gradient).cost(loss))
        .ctrlc(false)
        .timer(false)
        .run()?;
    Ok(())
}

impl<'g, 'a, D: Direction> Solver<&'g Guard<'a>, Iterate> for Descent<'g, 'a, D> {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn next_iter(
        &mut self,
        _problem: &mut Problem<&'g Guard<'a>>,
        mut state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let (Some(point), Some(gradient)) = (state.take_param(), state.take_gradient()) else {
            return Err(Error::msg("the descent lost its iterate"));
        };
        let loss = state.get_cost();
        loop {
            let mut direction = self.rule.choose(self.guard, &point, &gradient)?;
            let slope = dot(&direction, &gradient);
            if !(slope < 0.0 && slope.is_finite()) {
                self.rule.forget();
                direction = gradient.iter().map(|g| -g).collect();
            }
            let mut search = WolfeSearch::new();
            let first = self.rule.trial(&direction, &gradient).filter(|step| step.is_finite() && *step > 0.0);
            search.search_direction(direction);
            if let Some(step) = first {
                search.initial_step_length(step)?;
            }
            let found = Executor::new(self.guard, search)
                .configure(|state| state.param(point.clone()).gradient(gradient.clone()).cost(loss))
                .ctrlc(false)
                .timer(false)
                .run()
                .ok()
                .and_then(|found| found.state.param);
            if let Some(next) = found {
                let (there, slope) = self.guard.slope(&next)?;
                if there.is_finite() && slope.iter().all(|g| g.is_finite()) {
                    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
                    self.rule.learn(&difference(&next, &point), &difference(&slope, &gradient), &slope);
                    return Ok((state.param(next).gradient(slope).cost(there), None));
                }
            }
            if self.guard.stopped() || !self.rule.forget() {
                self.guard.stop(Reason::NoDescent);
                return Ok((state.param(point).gradient(gradient).cost(loss), None));
            }
        }
    }
}
