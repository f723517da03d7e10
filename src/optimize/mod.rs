//! Minimising a loss: every optimizer as an argmin solver under one guard.

mod adam;
mod bfgs;
#[cfg(test)]
mod certified;
mod cma_distribution;
mod cma_es;
#[cfg(test)]
mod conformance;
mod conjugate_gradients;
mod descent;
mod differential_evolution;
mod gauss_newton;
mod genetic;
mod gradient_descent;
mod guard;
mod lbfgs;
mod least_squares;
mod ledger;
mod legs;
mod levenberg_marquardt;
mod line_search;
mod nelder_mead;
mod newton_cg;
mod nonlinear_conjugate_gradient;
mod particle_swarm;
mod population;
mod random_search;
mod reason;
mod simulated_annealing;
mod stopping;
mod success_history;
pub mod table;
#[cfg(test)]
mod trial;
mod trust_region;
#[cfg(test)]
mod truthful;
mod watch;

use std::sync::atomic::AtomicBool;

use crate::kind::{Optimizer, Settings};
use crate::math::linear::Matrix;
use crate::math::random::Stream;
use crate::record::TracePoint;

/// A loss to be minimised, in the coordinates in which an optimizer searches.
///
/// Values may be NaN or infinite; the guard and the solvers must live with it.
pub trait Problem: Sync {
    /// Number of coordinates.
    fn dimension(&self) -> usize;

    /// The loss at a point of `dimension` coordinates.
    fn value(&self, point: &[f64]) -> f64;

    /// The losses of many points at once, in their order.
    fn values(&self, points: &[Vec<f64>]) -> Vec<f64> {
        points.iter().map(|point| self.value(point)).collect()
    }

    /// The loss and its gradient.
    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>);

    /// How many evaluations of the loss one gradient stands for in the count: n+1 for forward differences, 1 for
    /// methods whose value comes with the gradient. The most, where that varies from point to point.
    fn gradient_evaluations(&self) -> u64;

    /// The loss, its gradient, and how many evaluations they really stand for.
    fn counted_gradient(&self, point: &[f64]) -> (f64, Vec<f64>, u64) {
        let (loss, gradient) = self.gradient(point);
        (loss, gradient, self.gradient_evaluations())
    }

    /// What an answer really costs, in evaluations of the loss, beyond those that it is counted as.
    fn surcharge(&self, _of: Ask) -> f64 {
        0.0
    }

    /// Whether gradients and Jacobians are right to rounding; those by differences are not.
    fn is_exact(&self) -> bool {
        true
    }

    /// The residuals and their Jacobian, where the loss is made of squares. It counts as a gradient.
    fn squares(&self, _point: &[f64]) -> Option<Squares> {
        None
    }

    /// The Hessian, where it can be had exactly; it counts as one gradient per coordinate. None: differences of
    /// gradients will do.
    fn hessian(&self, _point: &[f64]) -> Option<Matrix> {
        None
    }

    /// Where coordinate k stands at the lower and upper bound of its parameter, for those that have one.
    fn ends(&self, _k: usize) -> [Option<End>; 2] {
        [None, None]
    }
}

/// What can be asked of a problem beside its loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Gradient,
    /// Residuals with their Jacobian.
    Squares,
    Hessian,
}

/// A loss made of squares, at a point: its gradient is 2·scale·Jᵀr, and 2·scale·JᵀJ stands for its Hessian.
#[derive(Clone, Debug)]
pub struct Squares {
    pub loss: f64,
    pub residuals: Vec<f64>,
    /// One row per residual, one column per coordinate.
    pub jacobian: Matrix,
    /// The loss is scale·Σ r² up to a constant; under Fisher scoring (Poisson) only its gradient is right.
    pub scale: f64,
    /// As `Problem::counted_gradient` counts.
    pub evaluations: u64,
}

/// An end of a coordinate: the place at which its parameter is on the bound, and how near to it counts as near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    pub at: f64,
    /// Between here and `at` the parameter is so near to its bound that the bound itself is worth a trial.
    pub near: f64,
    /// Beyond this a search that goes on only creeps towards the bound.
    pub far: f64,
    /// Places inside, nearer and nearer to the bound: where a lower loss shows that the bound is not the minimum.
    pub probes: [f64; 3],
}

impl End {
    fn is_near(&self, x: f64) -> bool {
        if self.at > self.near { x >= self.near } else { x <= self.near }
    }

    fn is_far(&self, x: f64) -> bool {
        if self.at > self.near { x >= self.far } else { x <= self.far }
    }
}

/// One minimisation, described.
pub struct Task<'a> {
    pub problem: &'a dyn Problem,
    pub start: Vec<f64>,
    /// Lower and upper end of each coordinate: always for population methods, never for the others, whose
    /// coordinates are unconstrained.
    pub bounds: Option<Vec<(f64, f64)>>,
    /// A draw from the priors in search coordinates: member `i` of the first population.
    pub draw: &'a (dyn Fn(u64) -> Vec<f64> + Sync),
    /// The point of search coordinates that stands at the priors' quantiles given: for designs of points.
    pub place: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    /// From how many points to start, the budget divided between them; at least 1.
    pub starts: u64,
    pub settings: &'a Settings,
    pub budget: crate::experiment::Budget,
    /// Seconds since the run began, for a budget of seconds.
    pub elapsed: &'a (dyn Fn() -> f64 + Sync),
    pub stream: Stream,
    /// Set from outside to stop soon; the outcome's reason is then `Interrupted`.
    pub cancel: &'a AtomicBool,
    /// Called after each iteration.
    pub observe: &'a mut dyn FnMut(&TracePoint),
}

/// Why a minimisation ended. Its text is the `reason` column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The gradient is as small as rounding lets it be, or as asked.
    GradientTolerance,
    /// The loss no longer falls by more than the tolerance.
    LossTolerance,
    /// The step, or the population's spread, is within the tolerance.
    StepTolerance,
    /// The line search found no descent: at the floor of rounding.
    NoDescent,
    /// Converged, with a parameter on its bound and the loss falling beyond it.
    AtBound,
    /// The loss that was asked for is reached.
    Target,
    EvaluationBudget,
    GradientBudget,
    IterationBudget,
    TimeBudget,
    /// As many iterations as the budget allows brought no lower loss.
    Stagnation,
    Interrupted,
    /// No finite loss at the start, nor anywhere tried.
    NonFinite,
    /// A fault of a solver, in its words.
    Solver(String),
}

/// What a minimisation found.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub reason: Reason,
    /// The best point, in search coordinates, and its loss; None if no finite loss was met.
    pub best: Option<(Vec<f64>, f64)>,
    pub evaluations: u64,
    pub gradients: u64,
    pub iterations: u64,
    /// Evaluations, with gradients, Jacobians and Hessians at what they really cost, in evaluations of the loss.
    pub work: f64,
}

/// What a solver may know of its task; the rest is behind the guard.
struct Plan<'a> {
    start: Vec<f64>,
    bounds: Option<Vec<(f64, f64)>>,
    draw: &'a (dyn Fn(u64) -> Vec<f64> + Sync),
    place: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    settings: &'a Settings,
    stream: Stream,
}

/// Minimises a loss with the optimizer of a row.
///
/// The outcome depends on the task alone, the budget of seconds apart. Settings that the task leaves out have the row's
/// defaults. A start whose length is not the problem's dimension, and a population method without bounds, end with
/// `Reason::Solver`.
pub fn minimize(row: &Optimizer, task: Task<'_>) -> Outcome {
    match table::run_of(row.kind.name) {
        Some(run) => legs::drive(row, run, task),
        None => Outcome::refused(format!("no optimizer is called {}", row.kind.name)),
    }
}
