//! L-BFGS: argmin's solver with our line search, started again where its memory has gone bad.

use argmin::core::Error;
use argmin::solver::quasinewton::LBFGS;

use super::guard::Guard;
use super::line_search::{Iterate, WolfeSearch};
use super::stopping::{Convergence, GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use super::watch::watch;
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Setting, independent};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "lbfgs",
        summary: "limited-memory quasi-Newton method with a strong Wolfe line search",
        reference: "Nocedal & Wright 2006, Numerical Optimization, algorithm 7.5; line search of Hager & Zhang 2005, \
                    section 4",
        settings: &[
            Setting {
                name: "memory",
                summary: "how many steps the approximate inverse Hessian remembers",
                accepts: Accepts::Integer { low: 1, high: 1000 },
                default: Default::Integer(10),
            },
            GRADIENT_TOLERANCE,
            LOSS_TOLERANCE,
        ],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// Iterations without improvement that end the run.
const PATIENCE: u32 = 5;

/// Runs until the guard stops it. A failed line search drops the memory and goes on from the best point along the
/// steepest descent; a second failure without a fall of the loss in between is the end.
pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let memory = plan.settings.integer("memory").and_then(|m| usize::try_from(m).ok()).unwrap_or(10);
    let mut convergence = Convergence::new(plan.settings, PATIENCE);
    let mut point = plan.start.clone();
    let mut last_restart = f64::INFINITY;
    while let Some(here) = convergence.start(guard, &point)? {
        // Zero tolerances: argmin's tests never hold, ours decide.
        let solver = LBFGS::new(WolfeSearch::new(), memory).with_tolerance_grad(0.0)?.with_tolerance_cost(0.0)?;
        let start = |state: Iterate| state.param(here.point).gradient(here.gradient).cost(here.loss);
        watch(guard, solver, Some(&mut convergence), start)?;
        if guard.stopped() {
            break;
        }
        // argmin reports a failed line search as a solver that ended of its own accord.
        match guard.best() {
            Some((best, loss)) if loss < last_restart => {
                last_restart = loss;
                point = best;
            }
            _ => {
                guard.stop(Reason::NoDescent);
                break;
            }
        }
    }
    Ok(())
}
