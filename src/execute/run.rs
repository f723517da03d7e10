//! One run of the plan, from its start to its record.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::diff::Method;
use crate::execute::Prepared;
use crate::execute::objective::{Boxed, Unconstrained, value};
use crate::experiment::Experiment;
use crate::math::random::Stream;
use crate::model::Model;
use crate::optimize::{self, Outcome, Problem, Reason, Task};
use crate::plan::{Plan, Run};
use crate::record::{Record, Status, TracePoint};

/// Trace points that a record keeps; a longer trace keeps every second, fourth, … point, and the last.
const TRACE: usize = 256;

/// Carries out one run; None where `cancel` cut it short.
pub fn run(plan: &Plan, planned: &Run, prepared: &Prepared, cancel: &AtomicBool) -> Option<Record> {
    let clock = Instant::now();
    let experiment = plan.experiment(planned);
    let model = &*prepared.model;
    let optimizer = &experiment.optimizers[planned.optimizer];
    let mut trace = Trace::default();
    let (theta, outcome) = if optimizer.row.population {
        let problem = Boxed { model, loss: prepared.loss() };
        let bounds = Some(model.coordinates.iter().map(|coordinate| coordinate.ends()).collect());
        let to_box = |theta: Vec<f64>| -> Vec<f64> {
            theta.iter().zip(&model.coordinates).map(|(theta, coordinate)| coordinate.to_box(*theta)).collect()
        };
        let start = to_box(start(experiment, model, planned.repeat));
        let outcome = minimize(experiment, model, planned, &problem, start, bounds, &to_box, cancel, &mut trace);
        (outcome.best.as_ref().map(|(point, _)| problem.theta(point)), outcome)
    } else {
        let methods = &experiment.differentiation.methods;
        let position = planned.method.and_then(|method| methods.iter().position(|other| other.name == method.name));
        // Without a gradient any method will do: none is asked.
        let method = planned.method.and_then(|method| Method::named(method.name)).unwrap_or(Method::ForwardDifference);
        let objective =
            match prepared.search(position.unwrap_or(methods.len()), method, experiment.differentiation.step) {
                Ok(objective) => objective,
                Err(reason) => return Some(super::failed(planned, reason)),
            };
        let problem = Unconstrained(objective);
        let to_search = |theta: Vec<f64>| -> Vec<f64> {
            theta.iter().zip(&model.coordinates).map(|(theta, coordinate)| coordinate.to_search(*theta)).collect()
        };
        let start = to_search(start(experiment, model, planned.repeat));
        let outcome = minimize(experiment, model, planned, &problem, start, None, &to_search, cancel, &mut trace);
        (outcome.best.as_ref().map(|(point, _)| model.theta(point)), outcome)
    };
    if outcome.reason == Reason::Interrupted {
        return None;
    }
    let status = if outcome.best.is_some() { outcome.reason.status() } else { Status::Failed };
    // The loss is that of the reported parameters, free of the rounding of the search coordinates.
    let loss = theta.as_ref().map(|theta| value(prepared.loss(), theta)).filter(|loss| loss.is_finite());
    let intervals = match (&theta, loss) {
        (Some(theta), Some(loss)) if status != Status::Failed => experiment
            .intervals
            .methods
            .iter()
            .flat_map(|method| {
                prepared.informer().intervals(model, method.name, experiment.intervals.level, theta, loss)
            })
            .collect(),
        _ => Vec::new(),
    };
    Some(Record {
        identity: planned.identity.clone(),
        status,
        reason: outcome.reason.to_string(),
        loss,
        evaluations: outcome.evaluations,
        gradients: outcome.gradients,
        iterations: outcome.iterations,
        parameters: theta.map(|theta| model.complete(&theta)).unwrap_or_default(),
        trace: trace.points(),
        intervals,
        seconds: clock.elapsed().as_secs_f64(),
    })
}

#[expect(clippy::too_many_arguments, reason = "the two kinds of search differ in just these")]
fn minimize(
    experiment: &Experiment,
    model: &Model,
    planned: &Run,
    problem: &dyn Problem,
    start: Vec<f64>,
    bounds: Option<Vec<(f64, f64)>>,
    to_coordinates: &(dyn Fn(Vec<f64>) -> Vec<f64> + Sync),
    cancel: &AtomicBool,
    trace: &mut Trace,
) -> Outcome {
    let optimizer = &experiment.optimizers[planned.optimizer];
    let repeat = format!("repeat {}", planned.repeat);
    // Populations of one repeat begin alike, whatever the optimizer: a fair comparison.
    let draw = |member: u64| {
        let mut stream = Stream::at(experiment.seed, &repeat, "population", member);
        to_coordinates(model.draw(experiment, &mut stream))
    };
    let identity = format!("{} {repeat}", optimizer.label);
    optimize::minimize(
        optimizer.row,
        Task {
            problem,
            start,
            bounds,
            draw: &draw,
            settings: &optimizer.settings,
            budget: experiment.budget,
            stream: Stream::new(experiment.seed, &identity, "optimizer"),
            cancel,
            observe: &mut |point| trace.push(point),
        },
    )
}

/// Where a repeat starts, the same for every optimizer and method: at `start`, or at a draw from the priors.
fn start(experiment: &Experiment, model: &Model, repeat: usize) -> Vec<f64> {
    match repeat {
        0 => model.start(experiment),
        _ => model.draw(experiment, &mut Stream::new(experiment.seed, &format!("repeat {repeat}"), "start")),
    }
}

/// A trace that forgets every second point when it grows too long.
#[derive(Default)]
struct Trace {
    kept: Vec<TracePoint>,
    last: Option<TracePoint>,
    /// Points so far, and how many of them stand for one kept.
    seen: u64,
    stride: u64,
}

impl Trace {
    fn push(&mut self, point: &TracePoint) {
        self.stride = self.stride.max(1);
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(point.clone());
            if self.kept.len() > TRACE {
                let mut position = 0;
                self.kept.retain(|_| {
                    position += 1;
                    position % 2 == 1
                });
                self.stride *= 2;
            }
        }
        self.seen += 1;
        self.last = Some(point.clone());
    }

    fn points(mut self) -> Vec<TracePoint> {
        if let Some(last) = self.last
            && self.kept.last().is_none_or(|kept| kept.iteration != last.iteration)
        {
            self.kept.push(last);
        }
        self.kept
    }
}
