//! The guard around every minimisation: budget, counts, best point, non-finite values, interruption, observation.
//!
//! Solvers see the problem only through it. A loss that is NaN or infinite reaches them as +inf. When the budget is
//! used up or the run is cancelled, evaluations fail with [`Halt`], whatever the solver is in the middle of; the best
//! point met so far is kept.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use argmin::core::{CostFunction, Error, Gradient};

use super::ledger::{Best, Ledger, Slope};
use super::{Ask, End, Outcome, Problem as Loss, Reason, Squares};
use crate::experiment::Budget;
use crate::math::linear::{Matrix, largest};
use crate::record::TracePoint;

/// One minimisation under guard.
pub(super) struct Guard<'a> {
    problem: &'a dyn Loss,
    /// Ends of coordinates at which the run is cut short (`legs`).
    edges: Vec<(usize, End)>,
    budget: Budget,
    elapsed: &'a dyn Fn() -> f64,
    cancel: &'a AtomicBool,
    observe: RefCell<&'a mut dyn FnMut(&TracePoint)>,
    ledger: RefCell<Ledger>,
    stop: RefCell<Option<Reason>>,
    /// Largest component of the gradient asked for last, and the loss there.
    current: Cell<(f64, Option<f64>)>,
    /// The iteration that was shown last.
    shown: Cell<Option<u64>>,
    /// The lowest loss at the end of an iteration, and how many iterations have not lowered it.
    stale: Cell<(f64, u64)>,
    /// What gradients, Jacobians and Hessians cost beyond their evaluations, once it was asked.
    surcharges: [Cell<Option<f64>>; 3],
    /// The Hessian asked for last, and its point.
    curvature: RefCell<Option<(Vec<f64>, Matrix)>>,
}

/// Step of the difference of two gradients, relative to the point.
const DIFFERENCE: f64 = 1.5e-8;

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
    /// `elapsed`: seconds since the run began.
    pub(super) fn new(
        problem: &'a dyn Loss,
        edges: Vec<(usize, End)>,
        budget: Budget,
        elapsed: &'a dyn Fn() -> f64,
        cancel: &'a AtomicBool,
        observe: &'a mut dyn FnMut(&TracePoint),
    ) -> Guard<'a> {
        Guard {
            problem,
            edges,
            budget,
            elapsed,
            cancel,
            observe: RefCell::new(observe),
            stale: Cell::new((f64::INFINITY, 0)),
            surcharges: Default::default(),
            curvature: RefCell::default(),
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

    /// Whether the run is over; notes why.
    pub(super) fn is_over(&self) -> bool {
        if self.cancel.load(Ordering::Relaxed) {
            self.stop(Reason::Interrupted);
        }
        if self.budget.seconds.is_some_and(|most| (self.elapsed)() >= most) {
            self.stop(Reason::TimeBudget);
        }
        self.stopped()
    }

    /// Ok if the run may go on. Only for what cannot go on without: an error may capture the stack.
    pub(super) fn may_go_on(&self) -> Result<(), Error> {
        if self.is_over() { Err(Halt.into()) } else { Ok(()) }
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
        ledger.work += 1.0;
        ledger.consider(point, loss, None);
        drop(ledger);
        self.aim(loss);
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
        ledger.work += count as f64;
        for (loss, point) in losses.iter_mut().zip(points) {
            *loss = finite_or_infinite(*loss);
            ledger.consider(point, *loss, None);
        }
        drop(ledger);
        losses.iter().for_each(|loss| self.aim(*loss));
        Ok(losses)
    }

    /// The loss and gradient at a point. The loss is +inf where it is not finite; the gradient may then be anything.
    pub(super) fn slope(&self, point: &[f64]) -> Result<Slope, Error> {
        let known = self.ledger.borrow().remembered(point).cloned();
        if let Some(slope) = known {
            self.current.set((slope.loss, Some(largest(&slope.gradient))));
            return Ok(slope);
        }
        let cost = self.problem.gradient_evaluations();
        if self.left() < cost && self.ledger.borrow().best.is_none() {
            // Not even one gradient fits: the loss at the start is at least an answer.
            self.value(point)?;
        }
        self.afford_gradients(cost, 1)?;
        let (loss, gradient, cost) = self.problem.counted_gradient(point);
        let slope = Slope { point: point.to_vec(), loss: finite_or_infinite(loss), gradient };
        let norm = largest(&slope.gradient);
        let mut ledger = self.ledger.borrow_mut();
        ledger.evaluations += cost;
        ledger.gradients += 1;
        ledger.work += cost as f64 + self.surcharge(Ask::Gradient);
        ledger.consider(point, slope.loss, Some(norm));
        ledger.remember(&slope);
        drop(ledger);
        self.current.set((slope.loss, Some(norm)));
        self.aim(slope.loss);
        Ok(slope)
    }

    /// The residuals and their Jacobian; None where the loss is not made of squares. The loss is +inf where it is not
    /// finite.
    pub(super) fn squares(&self, point: &[f64]) -> Result<Option<Squares>, Error> {
        let cost = self.problem.gradient_evaluations();
        if self.left() < cost && self.ledger.borrow().best.is_none() {
            self.value(point)?;
        }
        self.afford_gradients(cost, 1)?;
        let Some(mut squares) = self.problem.squares(point) else { return Ok(None) };
        squares.loss = finite_or_infinite(squares.loss);
        let norm = largest(&squares.gradient());
        let mut ledger = self.ledger.borrow_mut();
        ledger.evaluations += squares.evaluations;
        ledger.gradients += 1;
        ledger.work += squares.evaluations as f64 + self.surcharge(Ask::Squares);
        ledger.consider(point, squares.loss, Some(norm));
        drop(ledger);
        self.current.set((squares.loss, Some(norm)));
        self.aim(squares.loss);
        Ok(Some(squares))
    }

    /// The Hessian times a direction: exactly where the problem can, else by the difference of two gradients
    /// (Nocedal & Wright 2006, eq. 7.10). `gradient` is that at the point.
    pub(super) fn curvature(&self, point: &[f64], gradient: &[f64], direction: &[f64]) -> Result<Vec<f64>, Error> {
        if let Some((known, hessian)) = &*self.curvature.borrow()
            && known == point
        {
            return Ok(hessian.times_vector(direction));
        }
        let n = self.problem.dimension() as u64;
        let cost = self.problem.gradient_evaluations();
        if self.left() >= cost.saturating_mul(n)
            && let Some(hessian) = self.problem.hessian(point)
        {
            self.afford_gradients(cost * n, n)?;
            let mut ledger = self.ledger.borrow_mut();
            ledger.evaluations += cost * n;
            ledger.gradients += n;
            ledger.work += (cost * n) as f64 + self.surcharge(Ask::Hessian);
            drop(ledger);
            let product = hessian.times_vector(direction);
            self.curvature.replace(Some((point.to_vec(), hessian)));
            return Ok(product);
        }
        let size = largest(direction);
        if size == 0.0 {
            return Ok(vec![0.0; direction.len()]);
        }
        let step = DIFFERENCE * largest(point).max(1.0) / size;
        let moved: Vec<f64> = point.iter().zip(direction).map(|(x, d)| step.mul_add(*d, *x)).collect();
        let current = self.current.get();
        let there = self.slope(&moved)?.gradient;
        self.current.set(current);
        Ok(there.iter().zip(gradient).map(|(a, b)| (a - b) / step).collect())
    }

    /// Ok if that many evaluations and gradients are left.
    fn afford_gradients(&self, evaluations: u64, gradients: u64) -> Result<(), Error> {
        self.afford(evaluations)?;
        let used = self.ledger.borrow().gradients;
        if self.budget.gradients.is_some_and(|most| used + gradients > most) {
            if self.ledger.borrow().best.is_none() {
                self.stop(Reason::NonFinite);
            }
            self.stop(Reason::GradientBudget);
            return Err(Halt.into());
        }
        Ok(())
    }

    /// What an answer costs beyond its evaluations, asked of the problem once.
    fn surcharge(&self, of: Ask) -> f64 {
        let known = self.surcharges[of as usize].get();
        let surcharge = known.unwrap_or_else(|| self.problem.surcharge(of));
        self.surcharges[of as usize].set(Some(surcharge));
        surcharge
    }

    /// Evaluations that one gradient counts as.
    pub(super) fn cost_of_gradient(&self) -> u64 {
        self.problem.gradient_evaluations()
    }

    /// Whether gradients and Jacobians are right to rounding.
    pub(super) fn is_exact(&self) -> bool {
        self.problem.is_exact()
    }

    /// Makes a point the best one, if its loss is the lowest to rounding: a solver may know better than losses tell.
    pub(super) fn settle(&self, point: &[f64], loss: f64) {
        self.ledger.borrow_mut().settle(point, loss);
    }

    /// Ends the run where the loss is what was asked for.
    fn aim(&self, loss: f64) {
        if self.budget.target.is_some_and(|target| loss <= target) {
            self.stop(Reason::Target);
        }
    }

    /// Counts an iteration and shows it.
    pub(super) fn iterated(&self) {
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
        let far = |best: &Best| self.edges.iter().any(|(k, end)| end.is_far(best.point[*k]));
        if self.ledger.borrow().best.as_ref().is_some_and(far) {
            self.stop(Reason::AtBound);
        }
        let (lowest, stale) = self.stale.get();
        let loss = self.ledger.borrow().best.as_ref().map_or(f64::INFINITY, |best| best.loss);
        let stale = if loss < lowest { 0 } else { stale + 1 };
        self.stale.set((loss.min(lowest), stale));
        if self.budget.stagnation.is_some_and(|most| stale >= most) {
            self.stop(Reason::Stagnation);
        }
    }

    /// Shows the state, once for each iteration: a solver that is started again begins where it ended.
    pub(super) fn show(&self) {
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
            work: ledger.work,
        }
    }
}

impl Squares {
    /// Of the loss: 2·scale·Jᵀr.
    pub(super) fn gradient(&self) -> Vec<f64> {
        let mut gradient = vec![0.0; self.jacobian.columns];
        for (i, r) in self.residuals.iter().enumerate() {
            for (g, entry) in gradient.iter_mut().zip(self.jacobian.row(i)) {
                *g = entry.mul_add(*r, *g);
            }
        }
        gradient.iter().map(|g| 2.0 * self.scale * g).collect()
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
        Ok(self.slope(point)?.gradient)
    }
}
