//! The loss as optimizers see it: in unconstrained coordinates with a gradient, or in a box without one.

use std::cell::RefCell;

use crate::diff::Objective;
use crate::engine::Workspace;
use crate::model::Model;
use crate::optimize::Problem;

thread_local! {
    /// One workspace a thread serves every kernel.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

fn with_workspace<T>(f: impl FnOnce(&mut Workspace) -> T) -> T {
    WORKSPACE.with_borrow_mut(f)
}

/// The loss at θ.
pub fn value(objective: &Objective, theta: &[f64]) -> f64 {
    with_workspace(|workspace| objective.value(theta, workspace))
}

/// The loss over the unconstrained coordinates of the model.
pub struct Unconstrained<'a>(pub &'a Objective);

impl Problem for Unconstrained<'_> {
    fn dimension(&self) -> usize {
        self.0.inputs()
    }

    fn value(&self, point: &[f64]) -> f64 {
        value(self.0, point)
    }

    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; point.len()];
        let value = with_workspace(|workspace| self.0.gradient(point, workspace, &mut gradient));
        (value, gradient)
    }

    fn gradient_evaluations(&self) -> u64 {
        self.0.evaluations()
    }
}

/// The loss over the box coordinates of the model.
pub struct Boxed<'a> {
    pub model: &'a Model,
    pub loss: &'a Objective,
}

impl Boxed<'_> {
    pub fn theta(&self, point: &[f64]) -> Vec<f64> {
        point.iter().zip(&self.model.coordinates).map(|(w, coordinate)| coordinate.from_box(*w)).collect()
    }
}

impl Problem for Boxed<'_> {
    fn dimension(&self) -> usize {
        self.loss.inputs()
    }

    fn value(&self, point: &[f64]) -> f64 {
        value(self.loss, &self.theta(point))
    }

    /// Population methods ask for none.
    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        (self.value(point), vec![f64::NAN; point.len()])
    }

    fn gradient_evaluations(&self) -> u64 {
        1
    }
}
