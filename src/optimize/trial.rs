//! Losses for the optimizers' tests, written by hand with their gradients, and one way to run them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::table::OPTIMIZERS;
use super::{Outcome, Problem, Squares, Task, minimize};
use crate::experiment::Budget;
use crate::kind::{Optimizer, Settings, Value};
use crate::math::linear::Matrix;
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
    /// Residuals and the rows of their Jacobian, where the loss is a sum of squares.
    pub(super) parts: Option<Parts>,
    /// How many losses, and how many gradients or Jacobians, were asked for.
    pub(super) calls: [AtomicU64; 2],
}

/// Residuals, each with its gradient.
pub(super) type Parts = Box<dyn Fn(&[f64]) -> Vec<(f64, Vec<f64>)> + Sync>;

impl Trial {
    /// `constant` plus the sum of squares of residuals.
    pub(super) fn of_squares(
        dimension: usize,
        constant: f64,
        parts: impl Fn(&[f64]) -> Vec<(f64, Vec<f64>)> + Clone + Sync + 'static,
    ) -> Trial {
        let residuals = parts.clone();
        let loss = move |x: &[f64]| {
            let (mut sum, mut gradient) = (constant, vec![0.0; x.len()]);
            for (residual, slope) in residuals(x) {
                sum += residual * residual;
                for (g, s) in gradient.iter_mut().zip(slope) {
                    *g += 2.0 * residual * s;
                }
            }
            (sum, gradient)
        };
        Trial { parts: Some(Box::new(parts)), ..Trial::new(dimension, loss) }
    }

    pub(super) fn new(dimension: usize, loss: impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync + 'static) -> Trial {
        Trial {
            dimension,
            loss: Box::new(loss),
            chunk: usize::MAX,
            gradient_evaluations: 1,
            parts: None,
            calls: Default::default(),
        }
    }

    /// Losses, and gradients or Jacobians, that were asked for.
    pub(super) fn asked(&self) -> [u64; 2] {
        [0, 1].map(|k| self.calls[k].load(Ordering::Relaxed))
    }
}

impl Problem for Trial {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn value(&self, point: &[f64]) -> f64 {
        self.calls[0].fetch_add(1, Ordering::Relaxed);
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
        self.calls[1].fetch_add(1, Ordering::Relaxed);
        (self.loss)(point)
    }

    fn gradient_evaluations(&self) -> u64 {
        self.gradient_evaluations
    }

    fn squares(&self, point: &[f64]) -> Option<Squares> {
        let parts = self.parts.as_ref()?(point);
        self.calls[1].fetch_add(1, Ordering::Relaxed);
        let rows: Vec<Vec<f64>> = parts.iter().map(|(_, slope)| slope.clone()).collect();
        Some(Squares {
            loss: (self.loss)(point).0,
            residuals: parts.iter().map(|(residual, _)| *residual).collect(),
            jacobian: Matrix::from_rows(&rows),
            scale: 1.0,
            evaluations: self.gradient_evaluations,
        })
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
    pub(super) starts: u64,
    /// Limits besides evaluations and iterations.
    pub(super) limits: Budget,
    /// Every look at the clock adds this many seconds.
    pub(super) tick: f64,
}

impl Setup<'_> {
    pub(super) fn new(start: Vec<f64>, bounds: Vec<(f64, f64)>, seed: u64) -> Self {
        Setup {
            start,
            bounds,
            settings: &[],
            evaluations: 20_000,
            iterations: None,
            cancelled: false,
            seed,
            starts: 1,
            limits: Budget::of(0),
            tick: 0.0,
        }
    }
}

pub(super) fn run(row: &Optimizer, problem: &Trial, setup: &Setup<'_>) -> (Outcome, Vec<TracePoint>) {
    let mut trace = Vec::new();
    let cancel = AtomicBool::new(setup.cancelled);
    let settings = Settings(setup.settings.iter().cloned().collect());
    let draw = |i: u64| uniform_in(&setup.bounds, &mut Stream::at(setup.seed, "trial", "draw", i));
    let place = |p: &[f64]| -> Vec<f64> {
        p.iter().zip(&setup.bounds).map(|(p, (low, high))| low + p * (high - low)).collect()
    };
    let looks = AtomicU64::new(0);
    let elapsed = || setup.tick * looks.fetch_add(1, Ordering::Relaxed) as f64;
    let task = Task {
        problem,
        start: setup.start.clone(),
        bounds: row.population.then(|| setup.bounds.clone()),
        draw: &draw,
        place: &place,
        starts: setup.starts,
        elapsed: &elapsed,
        settings: &settings,
        budget: Budget { iterations: setup.iterations, evaluations: setup.evaluations, ..setup.limits },
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
