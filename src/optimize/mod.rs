//! Minimising a loss: every optimizer as an argmin solver under one guard.

use std::sync::atomic::AtomicBool;

use crate::kind::Settings;
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
    /// methods whose value comes with the gradient.
    fn gradient_evaluations(&self) -> u64;
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
    pub settings: &'a Settings,
    pub budget: crate::experiment::Budget,
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
    EvaluationBudget,
    IterationBudget,
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
}
