//! Losses for the optimizers' tests, written by hand with their gradients, and one way to run them.

use std::sync::atomic::AtomicBool;

use super::table::OPTIMIZERS;
use super::{Outcome, Problem, Task, minimize};
use crate::experiment::Budget;
use crate::kind::{Optimizer, Settings, Value};
use crate::math::random::Stream;
use crate::record::TracePoint;

/// A loss with its gradient, as one function.
pub(super) type Both = Box<dyn Fn(&[f64]) -> (f64, Vec<f64>) + Sync>;

pub(super) struct Trial {
    pub(super) dimension: usize,
    pub(super) loss: Both,
    /// How many points `values` takes at a time.
    pub(super) chunk: usize,
    pub(super) gradient_evaluations: u64,
}

impl Trial {
    pub(super) fn new(dimension: usize, loss: impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync + 'static) -> Trial {
        Trial { dimension, loss: Box::new(loss), chunk: usize::MAX, gradient_evaluations: 1 }
    }
}

impl Problem for Trial {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn value(&self, point: &[f64]) -> f64 {
        (self.loss)(point).0
    }

    /// In chunks from the last to the first: a solver must not depend on the order.
    fn values(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let mut losses = vec![0.0; points.len()];
        let chunk = self.chunk.min(points.len()).max(1);
        for (out, points) in losses.chunks_mut(chunk).zip(points.chunks(chunk)).rev() {
            for (loss, point) in out.iter_mut().zip(points).rev() {
                *loss = self.value(point);
            }
        }
        losses
    }

    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        (self.loss)(point)
    }

    fn gradient_evaluations(&self) -> u64 {
        self.gradient_evaluations
    }
}

pub(super) fn row(name: &str) -> &'static Optimizer {
    OPTIMIZERS.iter().find(|row| row.kind.name == name).expect("a row of the table")
}

/// How a trial is run; `Setup::default()` fits most.
pub(super) struct Setup<'a> {
    pub(super) start: Vec<f64>,
    pub(super) bounds: Vec<(f64, f64)>,
    pub(super) settings: &'a [(&'static str, Value)],
    pub(super) evaluations: u64,
    pub(super) iterations: Option<u64>,
    pub(super) cancelled: bool,
    pub(super) seed: u64,
}

impl Setup<'_> {
    pub(super) fn new(start: Vec<f64>, bounds: Vec<(f64, f64)>, seed: u64) -> Self {
        Setup { start, bounds, settings: &[], evaluations: 20_000, iterations: None, cancelled: false, seed }
    }
}

pub(super) fn run(row: &Optimizer, problem: &Trial, setup: &Setup<'_>) -> (Outcome, Vec<TracePoint>) {
    let mut trace = Vec::new();
    let cancel = AtomicBool::new(setup.cancelled);
    let settings = Settings(setup.settings.iter().cloned().collect());
    let draw = |i: u64| uniform_in(&setup.bounds, &mut Stream::at(setup.seed, "trial", "draw", i));
    let task = Task {
        problem,
        start: setup.start.clone(),
        bounds: row.population.then(|| setup.bounds.clone()),
        draw: &draw,
        settings: &settings,
        budget: Budget { evaluations: setup.evaluations, iterations: setup.iterations },
        stream: Stream::new(setup.seed, "trial", "optimizer"),
        cancel: &cancel,
        observe: &mut |point: &TracePoint| trace.push(point.clone()),
    };
    let outcome = minimize(row, task);
    (outcome, trace)
}

pub(super) fn uniform_in(bounds: &[(f64, f64)], stream: &mut Stream) -> Vec<f64> {
    bounds.iter().map(|(low, high)| stream.between(*low, *high)).collect()
}
