//! The guard around every minimisation: budget, counts, best point, non-finite values, interruption, observation.
//!
//! Solvers see the problem only through it. A loss that is NaN or infinite reaches them as +inf. When the budget is
//! used up or the run is cancelled, evaluations fail with [`Halt`], whatever the solver is in the middle of; the best
//! point met so far is kept.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use argmin::core::{CostFunction, Error, Gradient, KV, Problem, Solver, State, TerminationReason, TerminationStatus};

use super::ledger::Ledger;
use super::stopping::Convergence;
use super::{Outcome, Problem as Loss, Reason, Task};
use crate::experiment::Budget;
use crate::math::linear::largest;
use crate::record::TracePoint;

/// One minimisation under guard.
pub(super) struct Guard<'a> {
    problem: &'a dyn Loss,
    budget: Budget,
    cancel: &'a AtomicBool,
    observe: RefCell<&'a mut dyn FnMut(&TracePoint)>,
    ledger: RefCell<Ledger>,
    stop: RefCell<Option<Reason>>,
    /// Largest component of the gradient asked for last, and the loss there.
    current: Cell<(f64, Option<f64>)>,
    /// The iteration that was shown last.
    shown: Cell<Option<u64>>,
}

/// The error with which an evaluation is refused; the reason is kept by the guard.
#[derive(Debug)]
pub(super) struct Halt;

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the minimisation was halted")
    }
}

impl std::error::Error for Halt {}

impl<'a> Guard<'a> {
    pub(super) fn new(task: &'a mut Task<'_>) -> Guard<'a> {
        Guard {
            problem: task.problem,
            budget: task.budget,
            cancel: task.cancel,
            observe: RefCell::new(&mut *task.observe),
            ledger: RefCell::default(),
            stop: RefCell::default(),
            current: Cell::new((f64::INFINITY, None)),
            shown: Cell::default(),
        }
    }

    /// Ends the run for this reason, unless it has ended for another one.
    pub(super) fn stop(&self, reason: Reason) {
        self.stop.borrow_mut().get_or_insert(reason);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// The loss and the norm of the gradient that was asked for last; the norm is None if there was none.
    pub(super) fn current(&self) -> (f64, Option<f64>) {
        self.current.get()
    }

    pub(super) fn evaluations(&self) -> u64 {
        self.ledger.borrow().evaluations
    }

    pub(super) fn budget(&self) -> Budget {
        self.budget
    }

    /// The best point so far and its loss.
    pub(super) fn best(&self) -> Option<(Vec<f64>, f64)> {
        self.ledger.borrow().best.as_ref().map(|best| (best.point.clone(), best.loss))
    }

    /// Ok if the run may go on; else notes why it may not.
    fn may_go_on(&self) -> Result<(), Error> {
        if self.cancel.load(Ordering::Relaxed) {
            self.stop(Reason::Interrupted);
        }
        if self.stopped() { Err(Halt.into()) } else { Ok(()) }
    }

    /// Ok if that many evaluations are left.
    fn afford(&self, evaluations: u64) -> Result<(), Error> {
        self.may_go_on()?;
        if self.left() < evaluations {
            self.stop(Reason::EvaluationBudget);
            return Err(Halt.into());
        }
        Ok(())
    }

    fn left(&self) -> u64 {
        self.budget.evaluations.saturating_sub(self.ledger.borrow().evaluations)
    }

    /// The loss at a point, +inf where it is not finite.
    pub(super) fn value(&self, point: &[f64]) -> Result<f64, Error> {
        if let Some(loss) = self.ledger.borrow().remembered(point).map(|slope| slope.loss) {
            return Ok(loss);
        }
        self.afford(1)?;
        let loss = finite_or_infinite(self.problem.value(point));
        let mut ledger = self.ledger.borrow_mut();
        ledger.evaluations += 1;
        ledger.consider(point, loss, None);
        Ok(loss)
    }

    /// The losses of a batch, +inf where they are not finite. A batch that is larger than what is left of the budget is
    /// evaluated as far as the budget goes; the rest is +inf.
    pub(super) fn values(&self, points: &[Vec<f64>]) -> Result<Vec<f64>, Error> {
        self.may_go_on()?;
        let count = points.len().min(usize::try_from(self.left()).unwrap_or(usize::MAX));
        if count < points.len() {
            self.stop(Reason::EvaluationBudget);
        }
        if count == 0 {
            return if points.is_empty() { Ok(Vec::new()) } else { Err(Halt.into()) };
        }
        let mut losses = self.problem.values(&points[..count]);
        losses.resize(points.len(), f64::INFINITY);
        let mut ledger = self.ledger.borrow_mut();
        ledger.evaluations += count as u64;
        for (loss, point) in losses.iter_mut().zip(points) {
            *loss = finite_or_infinite(*loss);
            ledger.consider(point, *loss, None);
        }
        Ok(losses)
    }

    /// The loss and gradient at a point. The loss is +inf where it is not finite; the gradient may then be anything.
    pub(super) fn slope(&self, point: &[f64]) -> Result<(f64, Vec<f64>), Error> {
        let known = self.ledger.borrow().remembered(point).map(|slope| (slope.loss, slope.gradient.clone()));
        if let Some((loss, gradient)) = known {
            self.current.set((loss, Some(largest(&gradient))));
            return Ok((loss, gradient));
        }
        let cost = self.problem.gradient_evaluations();
        if self.left() < cost && self.ledger.borrow().best.is_none() {
            // Not even one gradient fits: the loss at the start is at least an answer.
            self.value(point)?;
        }
        self.afford(cost)?;
        let (loss, gradient) = self.problem.gradient(point);
        let loss = finite_or_infinite(loss);
        let norm = largest(&gradient);
        let mut ledger = self.ledger.borrow_mut();
        ledger.evaluations += cost;
        ledger.gradients += 1;
        ledger.consider(point, loss, Some(norm));
        ledger.remember(point, loss, &gradient);
        self.current.set((loss, Some(norm)));
        Ok((loss, gradient))
    }

    /// Counts an iteration and shows it.
    fn iterated(&self) {
        let iterations = {
            let mut ledger = self.ledger.borrow_mut();
            ledger.iterations += 1;
            ledger.iterations
        };
        self.show();
        if self.cancel.load(Ordering::Relaxed) {
            self.stop(Reason::Interrupted);
        }
        if self.budget.iterations.is_some_and(|most| iterations >= most) {
            self.stop(Reason::IterationBudget);
        }
    }

    /// Shows the state, once for each iteration: a solver that is started again begins where it ended.
    fn show(&self) {
        let ledger = self.ledger.borrow();
        if self.shown.replace(Some(ledger.iterations)) == Some(ledger.iterations) {
            return;
        }
        let point = TracePoint {
            iteration: ledger.iterations,
            evaluations: ledger.evaluations,
            gradients: ledger.gradients,
            loss: ledger.best.as_ref().map_or(f64::INFINITY, |best| best.loss),
            gradient_norm: self.current.get().1,
        };
        drop(ledger);
        (self.observe.borrow_mut())(&point);
    }

    /// What was found. Without a finite loss the reason is `NonFinite`, unless the run was cut short.
    pub(super) fn finish(self) -> Outcome {
        let ledger = self.ledger.into_inner();
        let reason = self.stop.into_inner().unwrap_or_else(|| Reason::Solver("ended without a reason".into()));
        let cut = matches!(reason, Reason::Interrupted | Reason::Solver(_)) || ledger.evaluations == 0;
        let reason = if ledger.best.is_none() && !cut { Reason::NonFinite } else { reason };
        Outcome {
            reason,
            best: ledger.best.map(|best| (best.point, best.loss)),
            evaluations: ledger.evaluations,
            gradients: ledger.gradients,
            iterations: ledger.iterations,
        }
    }
}

fn finite_or_infinite(loss: f64) -> f64 {
    if loss.is_finite() { loss } else { f64::INFINITY }
}

impl CostFunction for &Guard<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, point: &Vec<f64>) -> Result<f64, Error> {
        self.value(point)
    }
}

impl Gradient for &Guard<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, point: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.slope(point)?.1)
    }
}

/// A solver whose iterations are counted, shown, tested for convergence, and ended when the guard says so.
pub(super) struct Watched<'g, 'a, S> {
    pub(super) solver: S,
    pub(super) guard: &'g Guard<'a>,
    /// Tests of gradient methods; the other solvers have their own.
    pub(super) convergence: Option<&'g RefCell<Convergence>>,
}

impl<'g, 'a, S, I> Solver<&'g Guard<'a>, I> for Watched<'g, 'a, S>
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
            if let Some(reason) = self.convergence.and_then(|test| test.borrow_mut().after_iteration(self.guard)) {
                self.guard.stop(reason);
            }
            self.guard.iterated();
        }
        Ok((state, kv))
    }

    fn terminate_internal(&mut self, state: &I) -> TerminationStatus {
        if self.guard.may_go_on().is_err() {
            return TerminationStatus::Terminated(TerminationReason::SolverExit(Halt.to_string()));
        }
        self.solver.terminate(state)
    }
}
