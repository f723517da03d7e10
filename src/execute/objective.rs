//! The loss as optimizers see it: in unconstrained coordinates with a gradient, or in a box without one.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::diff::{Method, Objective, Options};
use crate::engine::{Crew, Lanes, Workspace};
use crate::execute::Prepared;
use crate::math::linear::Matrix;
use crate::model::Model;
use crate::optimize::{Ask, End, Problem, Squares};

thread_local! {
    /// One workspace a thread serves every kernel.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// It is taken out while it is used: a thread that waits for the rest of an evaluation may begin another one.
fn with_workspace<T>(f: impl FnOnce(&mut Workspace) -> T) -> T {
    let mut workspace = WORKSPACE.take();
    let result = f(&mut workspace);
    WORKSPACE.replace(workspace);
    result
}

/// The same with the threads of the pool, if every run has begun: before, other runs keep them busy.
fn with_threads<T>(waiting: &AtomicUsize, f: impl FnOnce(&mut Workspace) -> T) -> T {
    with_workspace(|workspace| {
        let idle = waiting.load(Ordering::Relaxed) == 0 && Threads.threads() > 1;
        workspace.lend(idle.then_some(&Threads));
        let result = f(workspace);
        workspace.lend(None);
        result
    })
}

/// The threads of the current pool.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Crew for Threads {
    fn threads(&self) -> usize {
        rayon::current_num_threads()
    }

    fn each(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..parts).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// The loss at θ.
pub fn value(objective: &Objective, theta: &[f64]) -> f64 {
    with_workspace(|workspace| objective.value(theta, workspace))
}

/// The loss over the unconstrained coordinates of the model.
pub struct Unconstrained<'a> {
    pub objective: &'a Objective,
    pub prepared: &'a Prepared,
    /// The position of the method among those of the experiment, as `Prepared` counts.
    pub position: usize,
    pub method: Method,
    pub options: Options,
    /// How many runs no thread has begun yet.
    pub waiting: &'a AtomicUsize,
}

/// Coordinates beyond which whole Hessians would cost too much: differences of gradients instead.
const HESSIAN: usize = 64;

impl Problem for Unconstrained<'_> {
    fn dimension(&self) -> usize {
        self.prepared.model.dimension()
    }

    fn value(&self, point: &[f64]) -> f64 {
        with_threads(self.waiting, |workspace| self.objective.value(point, workspace))
    }

    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; point.len()];
        let value = with_threads(self.waiting, |workspace| self.objective.gradient(point, workspace, &mut gradient));
        (value, gradient)
    }

    fn counted_gradient(&self, point: &[f64]) -> (f64, Vec<f64>, u64) {
        let mut gradient = vec![0.0; point.len()];
        let taken =
            with_threads(self.waiting, |workspace| self.objective.take(point, workspace, &mut gradient, &mut []));
        (taken.value, gradient, taken.evaluations)
    }

    fn gradient_evaluations(&self) -> u64 {
        self.objective.evaluations()
    }

    fn surcharge(&self, of: Ask) -> f64 {
        match of {
            Ask::Gradient => self.objective.surcharge(),
            Ask::Squares => self
                .prepared
                .squares(self.position, self.method, &self.options)
                .map_or(0.0, |squares| squares.surcharge(self.objective)),
            Ask::Hessian => {
                let counted = self.objective.evaluations() as f64 * self.dimension() as f64;
                let hessian = self.prepared.hessian(self.position, self.method, &self.options);
                hessian.map_or(0.0, |hessian| hessian.work(self.objective) - counted)
            }
        }
    }

    fn is_exact(&self) -> bool {
        !matches!(self.method, Method::ForwardDifference | Method::CentralDifference | Method::Richardson)
    }

    fn squares(&self, point: &[f64]) -> Option<Squares> {
        let squares = self.prepared.squares(self.position, self.method, &self.options)?;
        Some(with_threads(self.waiting, |workspace| {
            let loss = self.objective.value(point, workspace);
            squares.at(point, loss, workspace)
        }))
    }

    fn hessian(&self, point: &[f64]) -> Option<Matrix> {
        if point.len() > HESSIAN || !self.is_exact() {
            return None;
        }
        let hessian = self.prepared.hessian(self.position, self.method, &self.options)?;
        Some(with_threads(self.waiting, |workspace| hessian.matrix(point, workspace)))
    }

    fn ends(&self, k: usize) -> [Option<End>; 2] {
        self.prepared.model.coordinates[k]
            .search_ends()
            .map(|end| end.map(|[at, near, far, a, b]| End { at, near, far, probes: [near, a, b] }))
    }
}

/// The loss over the box coordinates of the model.
pub struct Boxed<'a> {
    pub model: &'a Model,
    pub loss: &'a Objective,
    /// How many runs no thread has begun yet.
    pub waiting: &'a AtomicUsize,
}

/// Instructions on numbers that are worth the while of another thread: some 30 µs.
const SHARE: usize = 50_000;

/// Of a batch each thread takes so many pieces or more where it can, each of at most so many shares: pieces that are
/// small beside the batch let all threads come to its end together, whatever else the machine does.
const PIECES: usize = 8;
const MOST: usize = 4;

/// Points in lanes for which what is done once for all of them is small beside the rest.
const TOGETHER: usize = 16;

impl Boxed<'_> {
    fn values_here(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let points: Vec<Vec<f64>> = points.iter().map(|point| self.theta(point)).collect();
        with_workspace(|workspace| self.loss.values(&points, workspace))
    }

    pub fn theta(&self, point: &[f64]) -> Vec<f64> {
        self.model.from_box(point)
    }
}

impl Problem for Boxed<'_> {
    fn dimension(&self) -> usize {
        self.loss.inputs()
    }

    fn value(&self, point: &[f64]) -> f64 {
        value(self.loss, &self.theta(point))
    }

    /// Shared among the threads once every run has begun: before, other runs keep them busy, and a thread that waits for
    /// the rest of a batch would begin one of those. Each loss is a function of its point alone.
    fn values(&self, points: &[Vec<f64>]) -> Vec<f64> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return self.values_here(points);
        }
        let size = self.loss.instructions() * self.model.rows.count().max(1);
        // Points that are lanes stay together, though one of them were worth a thread.
        let together = if self.loss.lanes_of_values(points.len()).lanes == Lanes::Points { TOGETHER } else { 1 };
        let least = SHARE.div_ceil(size.max(1)).max(together);
        let share = (points.len() / (PIECES * rayon::current_num_threads())).clamp(least, MOST * least);
        points.par_chunks(share).with_max_len(1).flat_map_iter(|points| self.values_here(points)).collect()
    }

    /// Population methods ask for none.
    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        (self.value(point), vec![f64::NAN; point.len()])
    }

    fn gradient_evaluations(&self) -> u64 {
        1
    }

    fn ends(&self, k: usize) -> [Option<End>; 2] {
        let (low, high) = self.model.coordinates[k].box_ends();
        let margin = NEAR * (high - low);
        let end = |at: f64, inwards: f64| End {
            at,
            near: at + inwards,
            far: at,
            probes: [at + inwards, at + 1e-2 * inwards, at + 1e-4 * inwards],
        };
        [Some(end(low, margin)), Some(end(high, -margin))]
    }
}

/// A parameter within this share of its box from an end is near to it.
const NEAR: f64 = 1e-3;
