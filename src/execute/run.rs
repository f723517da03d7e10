//! One run of the plan, from its start to its record.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crate::diff::{Method, Options};
use crate::execute::Prepared;
use crate::execute::objective::{Boxed, Unconstrained, value};
use crate::execute::trace::Trace;
use crate::experiment::{Budget, Experiment};
use crate::infer::refits::Fitted;
use crate::kind::{Kind, Optimizer, Settings};
use crate::math::random::Stream;
use crate::model::Model;
use crate::optimize::{self, Outcome, Problem, Reason, Task};
use crate::plan::{Plan, Run};
use crate::record::{Interval, Record, Status, TracePoint};

/// Carries out one run; None where `cancel` cut it short. `waiting`: how many runs no thread has begun yet.
pub fn run(
    plan: &Plan,
    planned: &Run,
    prepared: &Prepared,
    waiting: &AtomicUsize,
    cancel: &AtomicBool,
) -> Option<Record> {
    let clock = Instant::now();
    let experiment = &*plan.experiment(planned.variant);
    let model = &*prepared.model;
    let optimizer = &experiment.optimizers[planned.optimizer];
    let mut trace = Trace::default();
    let mut budget = experiment.budget;
    if optimizer.polish.is_some() {
        // A tenth is kept for the polish, so that there is one.
        budget.evaluations -= budget.evaluations / 10;
    }
    let search = Search { experiment, model, planned, prepared, waiting, cancel, clock };
    let first = start(experiment, model, planned.repeat);
    let leg =
        Leg { row: optimizer.row, settings: &optimizer.settings, starts: optimizer.starts, name: &optimizer.label };
    let (mut theta, mut outcome) = search.minimize(&leg, first, budget, &mut |point| trace.push(point));
    if let (Some(row), Some(from)) = (optimizer.polish, theta.clone())
        && !matches!(outcome.reason, Reason::Interrupted | Reason::TimeBudget | Reason::Target)
    {
        let spare = |most: Option<u64>, used: u64| most.map(|most| most.saturating_sub(used));
        let budget = Budget {
            evaluations: experiment.budget.evaluations.saturating_sub(outcome.evaluations),
            gradients: spare(experiment.budget.gradients, outcome.gradients),
            iterations: spare(experiment.budget.iterations, outcome.iterations),
            ..experiment.budget
        };
        let before = outcome.clone();
        let best = before.best.as_ref().map_or(f64::INFINITY, |(_, loss)| *loss);
        let mut show = |point: &TracePoint| {
            if point.iteration > 0 {
                trace.push(&TracePoint {
                    iteration: before.iterations + point.iteration,
                    evaluations: before.evaluations + point.evaluations,
                    gradients: before.gradients + point.gradients,
                    loss: point.loss.min(best),
                    gradient_norm: point.gradient_norm,
                });
            }
        };
        let name = format!("{} polish", optimizer.label);
        let leg = Leg { row, settings: &Settings::default(), starts: 1, name: &name };
        let (polished, last) = search.minimize(&leg, from, budget, &mut show);
        outcome.evaluations += last.evaluations;
        outcome.gradients += last.gradients;
        outcome.iterations += last.iterations;
        outcome.work += last.work;
        let loss_of = |theta: &Option<Vec<f64>>| theta.as_ref().map(|theta| value(prepared.loss(experiment), theta));
        let (old, new) = (loss_of(&theta), loss_of(&polished));
        // Of two losses that differ by rounding only, that of a converged polish is nearer to the minimum.
        let room = if last.status() == Status::Converged { 16.0 * f64::EPSILON } else { 0.0 };
        let better = |new: f64| old.is_none_or(|old| new <= old + room * old.abs());
        if last.reason == Reason::Interrupted || new.is_some_and(better) {
            theta = polished;
            outcome.best = last.best;
            outcome.reason = last.reason;
        }
    }
    if outcome.reason == Reason::Interrupted {
        return None;
    }
    // What is compared between optimizers; intervals cost the same after any of them.
    let seconds = clock.elapsed().as_secs_f64();
    let status = outcome.status();
    // The loss is that of the reported parameters, free of the rounding of the search coordinates.
    let loss = theta.as_ref().map(|theta| value(prepared.loss(experiment), theta)).filter(|loss| loss.is_finite());
    let intervals = match (&theta, loss) {
        (Some(theta), Some(loss)) if status != Status::Failed => {
            let identity = format!("repeat {}", planned.repeat);
            let fitted = Fitted { experiment, model, theta, loss, identity: &identity, cancel };
            intervals(prepared, fitted)
        }
        _ => Vec::new(),
    };
    if cancel.load(Ordering::Relaxed) {
        // Fits for intervals may have been cut short.
        return None;
    }
    Some(Record {
        identity: plan.identity(planned.index),
        status,
        reason: outcome.reason.to_string(),
        loss,
        evaluations: outcome.evaluations,
        gradients: outcome.gradients,
        iterations: outcome.iterations,
        work: outcome.work,
        parameters: theta.map(|theta| model.complete(&theta)).unwrap_or_default(),
        trace: trace.points(),
        intervals,
        seconds,
    })
}

/// By every method that the experiment names.
fn intervals(prepared: &Prepared, fitted: Fitted) -> Vec<Interval> {
    let Fitted { experiment, model, theta, loss, .. } = fitted;
    let level = experiment.intervals.level;
    let informer = &prepared.informer;
    let of = |method: &&'static Kind| match method.name {
        "profile" | "bootstrap" => prepared.refitter(experiment).intervals(informer, method.name, fitted),
        _ => informer.intervals(model, method.name, level, theta, loss),
    };
    experiment.intervals.methods.iter().flat_map(of).collect()
}

/// What the legs of one run share.
struct Search<'a> {
    experiment: &'a Experiment,
    model: &'a Model,
    planned: &'a Run,
    prepared: &'a Prepared,
    /// How many runs no thread has begun yet.
    waiting: &'a AtomicUsize,
    cancel: &'a AtomicBool,
    /// When the run began.
    clock: Instant,
}

/// One use of an optimizer.
struct Leg<'a> {
    row: &'static Optimizer,
    settings: &'a Settings,
    starts: u64,
    /// Keys its random stream.
    name: &'a str,
}

impl Search<'_> {
    /// Minimises from θ in the coordinates of the row; the best θ and what else was found.
    fn minimize(
        &self,
        leg: &Leg<'_>,
        from: Vec<f64>,
        budget: Budget,
        observe: &mut dyn FnMut(&TracePoint),
    ) -> (Option<Vec<f64>>, Outcome) {
        let (model, prepared) = (self.model, self.prepared);
        if leg.row.population {
            let problem = Boxed { model, loss: prepared.loss(self.experiment), waiting: self.waiting };
            let bounds = Some(model.coordinates.iter().map(|coordinate| coordinate.box_ends()).collect());
            let to_box = |theta: Vec<f64>| model.to_box(&theta);
            let outcome = self.run(leg, &problem, from, bounds, &to_box, budget, observe);
            return (outcome.best.as_ref().map(|(point, _)| problem.theta(point)), outcome);
        }
        let methods = &self.experiment.differentiation.methods;
        let position =
            self.planned.method.and_then(|method| methods.iter().position(|other| other.name == method.name));
        let (position, method) = match (position, self.planned.method.and_then(|method| Method::named(method.name))) {
            (Some(position), Some(method)) => (position, method),
            // The polish of a method without gradients, whatever methods the file compares.
            _ if leg.row.gradient => (methods.len() + 1, Method::Reverse),
            // Without a gradient any method will do: none is asked.
            _ => (methods.len(), Method::ForwardDifference),
        };
        // The ordinary size of a search coordinate is 1.
        let options = Options::of(self.experiment, 1.0);
        let objective = match prepared.search(position, method, &options) {
            Ok(objective) => objective,
            Err(reason) => return (None, Outcome::refused(reason)),
        };
        let problem = Unconstrained { objective, prepared, position, method, options, waiting: self.waiting };
        let to_search = |theta: Vec<f64>| model.search(&theta);
        let outcome = self.run(leg, &problem, from, None, &to_search, budget, observe);
        (outcome.best.as_ref().map(|(point, _)| model.theta(point)), outcome)
    }

    #[expect(clippy::too_many_arguments, reason = "the two kinds of search differ in just these")]
    fn run(
        &self,
        leg: &Leg<'_>,
        problem: &dyn Problem,
        from: Vec<f64>,
        bounds: Option<Vec<(f64, f64)>>,
        to_coordinates: &(dyn Fn(Vec<f64>) -> Vec<f64> + Sync),
        budget: Budget,
        observe: &mut dyn FnMut(&TracePoint),
    ) -> Outcome {
        let (experiment, model) = (self.experiment, self.model);
        let repeat = format!("repeat {}", self.planned.repeat);
        // Populations of one repeat begin alike, whatever the optimizer: a fair comparison.
        let draw = |member: u64| {
            let mut stream = Stream::at(experiment.seed, &repeat, "population", member);
            to_coordinates(model.draw(experiment, &mut stream))
        };
        let place = |p: &[f64]| to_coordinates(model.at_quantiles(experiment, p));
        let identity = format!("{} {repeat}", leg.name);
        let task = Task {
            problem,
            start: to_coordinates(from),
            bounds,
            draw: &draw,
            place: &place,
            starts: leg.starts,
            elapsed: &|| self.clock.elapsed().as_secs_f64(),
            settings: leg.settings,
            budget,
            stream: Stream::new(experiment.seed, &identity, "optimizer"),
            cancel: self.cancel,
            observe,
        };
        optimize::minimize(leg.row, task)
    }
}

/// Where a repeat starts, the same for every optimizer and method: at `start`, or at a draw from the priors.
fn start(experiment: &Experiment, model: &Model, repeat: usize) -> Vec<f64> {
    match repeat {
        0 => model.start(experiment),
        _ => model.draw(experiment, &mut Stream::new(experiment.seed, &format!("repeat {repeat}"), "start")),
    }
}
