//! The fit again, from where it stands: with one parameter held, or to other data.
//!
//! The optimizer is `bfgs` with reverse-mode gradients in search coordinates, whatever found the first answer: it starts
//! near the minimum and goes to the floor of rounding.

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;

use crate::engine::{Kernel, Rows, Workspace};
use crate::experiment::Budget;
use crate::ir::Program;
use crate::kind::Settings;
use crate::math::random::Stream;
use crate::model::Model;
use crate::optimize::{self, End, Problem, Reason, Task, table};

/// Evaluations of one refit; from nearby, some dozens are enough.
const EVALUATIONS: u64 = 5000;

thread_local! {
    /// One workspace a thread serves every refit.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// A loss over search coordinates with its gradient, bound to data.
pub struct Refit<'a> {
    model: &'a Model,
    kernel: Kernel,
}

impl<'a> Refit<'a> {
    /// `gradient`: the loss over search coordinates, then its derivatives.
    pub fn new(model: &'a Model, gradient: &Program, rows: &Rows) -> Refit<'a> {
        Refit { model, kernel: Kernel::new(gradient, rows) }
    }

    /// The loss at search coordinates.
    pub fn loss(&self, u: &[f64]) -> f64 {
        self.slope(u)[0]
    }

    /// The lowest loss that is found from `start`, and where, in search coordinates; coordinate `held` stays where it
    /// is. None where there is no finite loss, or `cancel` was set.
    pub fn fit(&self, start: &[f64], held: Option<usize>, cancel: &AtomicBool) -> Option<(Vec<f64>, f64)> {
        let problem = Held { refit: self, at: start, held };
        if problem.dimension() == 0 {
            return Some((start.to_vec(), self.loss(start))).filter(|(_, loss)| loss.is_finite());
        }
        let row = table::OPTIMIZERS.iter().find(|row| row.kind.name == "bfgs")?;
        let here = problem.without(start);
        let task = Task {
            problem: &problem,
            start: here.clone(),
            bounds: None,
            draw: &|_| here.clone(),
            place: &|_| here.clone(),
            starts: 1,
            settings: &Settings::default(),
            budget: Budget::of(EVALUATIONS),
            elapsed: &|| 0.0,
            // The method draws nothing.
            stream: Stream::new(0, "refit", "refit"),
            cancel,
            observe: &mut |_| {},
        };
        let outcome = optimize::minimize(row, task);
        match outcome.reason {
            Reason::Interrupted | Reason::NonFinite | Reason::Solver(_) => None,
            _ => outcome.best.map(|(point, loss)| (problem.whole(&point), loss)),
        }
    }

    fn slope(&self, u: &[f64]) -> Vec<f64> {
        let mut outputs = vec![0.0; u.len() + 1];
        WORKSPACE.with_borrow_mut(|workspace| self.kernel.evaluate(u, workspace, &mut outputs));
        outputs
    }
}

/// The loss with one coordinate held.
struct Held<'a> {
    refit: &'a Refit<'a>,
    at: &'a [f64],
    held: Option<usize>,
}

impl Held<'_> {
    fn without(&self, whole: &[f64]) -> Vec<f64> {
        whole.iter().enumerate().filter(|(k, _)| Some(*k) != self.held).map(|(_, x)| *x).collect()
    }

    fn whole(&self, point: &[f64]) -> Vec<f64> {
        let mut point = point.to_vec();
        if let Some(k) = self.held {
            point.insert(k, self.at[k]);
        }
        point
    }
}

impl Problem for Held<'_> {
    fn dimension(&self) -> usize {
        self.at.len() - usize::from(self.held.is_some())
    }

    fn value(&self, point: &[f64]) -> f64 {
        self.refit.loss(&self.whole(point))
    }

    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let outputs = self.refit.slope(&self.whole(point));
        (outputs[0], self.without(&outputs[1..]))
    }

    fn gradient_evaluations(&self) -> u64 {
        1
    }

    fn ends(&self, k: usize) -> [Option<End>; 2] {
        let whole = match self.held {
            Some(held) if k >= held => k + 1,
            _ => k,
        };
        let ends = self.refit.model.coordinates[whole].search_ends();
        ends.map(|end| end.map(|[at, near, far, a, b]| End { at, near, far, probes: [near, a, b] }))
    }
}
