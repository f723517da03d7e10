//! Minimising a loss: every optimizer as an argmin solver under one guard.

#[cfg(test)]
mod certified;
#[cfg(test)]
mod conformance;
mod differential_evolution;
mod genetic;
mod gradient_descent;
mod guard;
mod lbfgs;
mod ledger;
mod line_search;
mod nelder_mead;
mod population;
mod stopping;
mod success_history;
pub mod table;
#[cfg(test)]
mod trial;

use std::fmt;
use std::sync::atomic::AtomicBool;

use self::guard::{Guard, Halt};
use crate::kind::{Optimizer, Settings};
use crate::math::random::Stream;
use crate::record::{Status, TracePoint};

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

impl Reason {
    /// Whether the run has an answer (`Converged`), was cut short (`Stopped`) or has none (`Failed`).
    pub fn status(&self) -> Status {
        match self {
            Reason::GradientTolerance | Reason::LossTolerance | Reason::StepTolerance | Reason::NoDescent => {
                Status::Converged
            }
            Reason::EvaluationBudget | Reason::IterationBudget | Reason::Interrupted => Status::Stopped,
            Reason::NonFinite | Reason::Solver(_) => Status::Failed,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::GradientTolerance => "gradient_tolerance",
            Reason::LossTolerance => "loss_tolerance",
            Reason::StepTolerance => "step_tolerance",
            Reason::NoDescent => "no_descent",
            Reason::EvaluationBudget => "evaluation_budget",
            Reason::IterationBudget => "iteration_budget",
            Reason::Interrupted => "interrupted",
            Reason::NonFinite => "non_finite: the loss is not a finite number at any point that was tried",
            Reason::Solver(text) => text,
        })
    }
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

/// What a solver may know of its task; the rest is behind the guard.
struct Plan<'a> {
    start: Vec<f64>,
    bounds: Option<Vec<(f64, f64)>>,
    draw: &'a (dyn Fn(u64) -> Vec<f64> + Sync),
    settings: &'a Settings,
    stream: Stream,
}

/// Minimises a loss with the optimizer of a row.
///
/// The outcome depends on the task alone. Settings that the task leaves out have the row's defaults. A start whose
/// length is not the problem's dimension, and a population method without bounds, end with `Reason::Solver`.
pub fn minimize(row: &Optimizer, task: Task<'_>) -> Outcome {
    match table::run_of(row.kind.name) {
        Some(run) => drive(row, run, task),
        None => refuse(format!("no optimizer is called {}", row.kind.name)),
    }
}

fn drive(row: &Optimizer, run: table::Run, mut task: Task<'_>) -> Outcome {
    let dimension = task.problem.dimension();
    let fits = task.bounds.as_ref().is_none_or(|bounds| bounds.len() == dimension);
    if task.start.len() != dimension || dimension == 0 || !fits {
        return refuse(format!("the start has {} coordinates, the problem {dimension}", task.start.len()));
    }
    if row.population && task.bounds.is_none() {
        return refuse(format!("{} needs bounds", row.kind.name));
    }
    let mut settings = row.kind.defaults();
    settings.0.extend(task.settings.0.iter().map(|(name, value)| (*name, value.clone())));
    let plan = Plan {
        start: std::mem::take(&mut task.start),
        bounds: task.bounds.take(),
        draw: task.draw,
        settings: &settings,
        stream: task.stream.split(0),
    };
    let guard = Guard::new(&mut task);
    match run(&guard, &plan) {
        Ok(()) => {}
        // The guard refused an evaluation and knows why.
        Err(error) if error.is::<Halt>() => {}
        Err(error) => guard.stop(Reason::Solver(error.to_string())),
    }
    guard.finish()
}

fn refuse(why: String) -> Outcome {
    Outcome { reason: Reason::Solver(why), best: None, evaluations: 0, gradients: 0, iterations: 0 }
}
