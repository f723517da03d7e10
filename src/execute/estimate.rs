//! What a plan will cost: a few evaluations of its losses, timed.

use std::sync::Arc;
use std::time::Instant;

use super::Prepared;
use super::objective::value;
use crate::diff::{Method, Options};
use crate::engine::Workspace;
use crate::plan::Plan;

/// Combinations of the axes that are timed, spread over the plan.
const TIMED: usize = 8;

/// Each call is timed until this many seconds or calls are over.
const PATIENCE: f64 = 2e-3;
const CALLS: u32 = 50;

/// The cost of a plan, in seconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Of one counted evaluation, over the runs.
    pub evaluation: f64,
    /// Of all runs, where each uses its whole budget; nothing says how many will converge before.
    pub most: f64,
}

/// Times the losses of a few combinations at their start, each with every optimizer's way to evaluate it.
///
/// `prepare` makes a combination of the axes ready, by its position. None for a plan without runs.
pub fn estimate(plan: &Plan, prepare: &dyn Fn(usize) -> Arc<Prepared>) -> Option<Estimate> {
    let stride = plan.variants().div_ceil(TIMED).max(1);
    let (mut evaluation, mut most, mut timed) = (0.0, 0.0, 0usize);
    for position in (0..plan.variants()).step_by(stride) {
        let experiment = &*plan.experiment(position);
        let prepared = prepare(position);
        let methods = &experiment.differentiation.methods;
        for optimizer in &experiment.optimizers {
            let ways: Vec<Option<usize>> =
                if optimizer.row.gradient { (0..methods.len()).map(Some).collect() } else { vec![None] };
            for way in ways {
                let seconds = match way {
                    Some(place) => gradient(&prepared, experiment, place),
                    None => Some(fastest(|| _ = value(prepared.loss(experiment), &prepared.model.start(experiment)))),
                };
                // A method that cannot differentiate the model fails at once, and costs nothing.
                let seconds = seconds.unwrap_or(0.0);
                let runs = experiment.sweep.repeats;
                evaluation += seconds * runs as f64;
                most += seconds * experiment.budget.evaluations as f64 * runs as f64;
                timed += runs;
            }
        }
    }
    let scale = plan.len() as f64 / timed as f64;
    (timed > 0).then(|| Estimate { evaluation: evaluation / timed as f64, most: most * scale })
}

/// Seconds of a gradient for each evaluation that it counts as.
fn gradient(prepared: &Prepared, experiment: &crate::experiment::Experiment, place: usize) -> Option<f64> {
    let method = Method::named(experiment.differentiation.methods[place].name)?;
    let objective = prepared.search(place, method, &Options::of(experiment, 1.0)).ok()?;
    let model = &prepared.model;
    let point = model.search(&model.start(experiment));
    let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; point.len()]);
    let seconds = fastest(|| _ = objective.gradient(&point, &mut workspace, &mut gradient));
    Some(seconds / objective.evaluations().max(1) as f64)
}

fn fastest(mut f: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut least = f64::INFINITY;
    for _ in 0..CALLS {
        let clock = Instant::now();
        f();
        least = least.min(clock.elapsed().as_secs_f64());
        if begun.elapsed().as_secs_f64() > PATIENCE {
            break;
        }
    }
    least
}
