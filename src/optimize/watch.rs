//! How a method runs: as a solver of argmin's executor, watched by the guard.

use argmin::core::{Error, Executor, KV, Problem, Solver, State, TerminationReason, TerminationStatus};

use super::guard::{Guard, Halt};
use super::line_search::Iterate;
use super::stopping::Convergence;

/// A method that goes from point to point, or from generation to generation.
pub(super) trait Walk {
    /// One iteration, counted from 0. Where the method ends it tells the guard why, and stays.
    fn advance(&mut self, iteration: u64) -> Result<(), Error>;

    /// Where it stands, or the best of its generation, and the loss there.
    fn here(&self) -> (&[f64], f64);
}

/// Runs a method from where it stands until the guard stops it.
pub(super) fn walk(guard: &Guard<'_>, method: impl Walk, convergence: Option<&mut Convergence>) -> Result<(), Error> {
    watch(guard, Walking(method), convergence, |state| state)
}

/// Runs a solver until the guard stops it, or it ends of its own accord. `convergence`: tests after each iteration of
/// a gradient method; the other solvers have their own. `start` fills argmin's first state.
pub(super) fn watch<'g, 'a, S, I>(
    guard: &'g Guard<'a>,
    solver: S,
    convergence: Option<&mut Convergence>,
    start: impl FnOnce(I) -> I,
) -> Result<(), Error>
where
    S: Solver<&'g Guard<'a>, I>,
    I: State,
{
    let watched = Watched { solver, guard, convergence };
    Executor::new(guard, watched).configure(start).ctrlc(false).timer(false).run()?;
    Ok(())
}

/// A walk as argmin sees it.
struct Walking<W>(W);

impl<W: Walk> Walking<W> {
    fn show(&self, state: Iterate) -> (Iterate, Option<KV>) {
        let (point, loss) = self.0.here();
        (state.param(point.to_vec()).cost(loss), None)
    }
}

impl<'g, 'a, W: Walk> Solver<&'g Guard<'a>, Iterate> for Walking<W> {
    fn name(&self) -> &str {
        "walk"
    }

    fn init(&mut self, _: &mut Problem<&'g Guard<'a>>, state: Iterate) -> Result<(Iterate, Option<KV>), Error> {
        Ok(self.show(state))
    }

    fn next_iter(&mut self, _: &mut Problem<&'g Guard<'a>>, state: Iterate) -> Result<(Iterate, Option<KV>), Error> {
        self.0.advance(state.iter)?;
        Ok(self.show(state))
    }
}

/// A solver whose iterations are counted, shown, tested for convergence, and ended when the guard says so.
struct Watched<'g, 'a, 'c, S> {
    solver: S,
    guard: &'g Guard<'a>,
    convergence: Option<&'c mut Convergence>,
}

impl<'g, 'a, S, I> Solver<&'g Guard<'a>, I> for Watched<'g, 'a, '_, S>
where
    S: Solver<&'g Guard<'a>, I>,
    I: State,
{
    fn name(&self) -> &str {
        self.solver.name()
    }

    fn init(&mut self, problem: &mut Problem<&'g Guard<'a>>, state: I) -> Result<(I, Option<KV>), Error> {
        let initial = self.solver.init(problem, state)?;
        self.guard.show();
        Ok(initial)
    }

    fn next_iter(&mut self, problem: &mut Problem<&'g Guard<'a>>, state: I) -> Result<(I, Option<KV>), Error> {
        let (state, kv) = self.solver.next_iter(problem, state)?;
        if !state.terminated() {
            if let Some(reason) = self.convergence.as_mut().and_then(|test| test.after_iteration(self.guard)) {
                self.guard.stop(reason);
            }
            self.guard.iterated();
        }
        Ok((state, kv))
    }

    fn terminate_internal(&mut self, state: &I) -> TerminationStatus {
        if self.guard.is_over() {
            return TerminationStatus::Terminated(TerminationReason::SolverExit(Halt.to_string()));
        }
        self.solver.terminate(state)
    }
}
