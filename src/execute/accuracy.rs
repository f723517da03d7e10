//! The comparison of differentiation methods: accuracy against the reference, and cost, at draws from the priors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rayon::prelude::*;

use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options};
use crate::engine::Workspace;
use crate::execute::Prepared;
use crate::experiment::Form;
use crate::math::elementary;
use crate::math::random::Stream;
use crate::math::statistics::median;
use crate::plan::Plan;
use crate::record::Derivative;

/// Repetitions of a timed call; the fastest counts.
const REPETITIONS: usize = 5;

/// Every method at every step that the plan has, at the start and at draws from the priors, for the loss over θ of the
/// first variant. The rows stand method by method.
pub fn compare(plan: &Plan, prepared: &[Prepared], cancel: &AtomicBool) -> Vec<Derivative> {
    let experiment = &plan.variants[0].experiment;
    let model = &prepared[0].model;
    let mut settings: Vec<(Option<f64>, Form)> = Vec::new();
    for variant in &plan.variants {
        let chosen = &variant.experiment.differentiation;
        if !settings.contains(&(chosen.step, chosen.symbolic)) {
            settings.push((chosen.step, chosen.symbolic));
        }
    }
    let mut objectives: Vec<(String, Option<f64>, Objective)> = Vec::new();
    for kind in &experiment.differentiation.methods {
        let Some(method) = Method::named(kind.name) else { continue };
        for (step, symbolic) in &settings {
            let (step, symbolic) = (*step, *symbolic);
            let used = method.default_step().map(|default| step.unwrap_or(default));
            let name = symbolic.of(kind.name);
            if !objectives.iter().any(|(other, known, _)| *other == name && *known == used) {
                let options = Options { step, typical: 0.0, symbolic };
                // A method that cannot differentiate this model says so in its runs.
                if let Ok(objective) = Objective::new(&model.loss, &model.rows, method, &options) {
                    objectives.push((name, used, objective));
                }
            }
        }
    }
    let reference = Reference::new(&model.loss, &model.table.columns, model.rows.count());
    let points: Vec<Vec<f64>> = (0..experiment.differentiation.compare)
        .map(|point| match point {
            0 => model.start(experiment),
            _ => {
                let mut stream = Stream::at(experiment.seed, "comparison of derivatives", "point", point as u64);
                model.draw(experiment, &mut stream)
            }
        })
        .collect();
    let by_point: Vec<Vec<Derivative>> = points
        .par_iter()
        .enumerate()
        .filter(|_| !cancel.load(Ordering::Relaxed))
        .map(|(index, point)| {
            let exact = reference.gradient(point);
            let mut workspace = Workspace::default();
            objectives
                .iter()
                .map(|(name, step, objective)| {
                    let mut row = measure(objective, point, &exact, &mut workspace);
                    row.method.clone_from(name);
                    row.point = index;
                    row.outputs = model.outputs.len();
                    row.step = *step;
                    row
                })
                .collect()
        })
        .collect();
    (0..objectives.len()).flat_map(|k| by_point.iter().map(move |rows| rows[k].clone())).collect()
}

fn measure(objective: &Objective, point: &[f64], exact: &[f64], workspace: &mut Workspace) -> Derivative {
    let mut gradient = vec![0.0; point.len()];
    let value_ns = fastest(|| {
        std::hint::black_box(objective.value(point, workspace));
    });
    let mut operations = 0;
    let gradient_ns = fastest(|| {
        operations = objective.take(point, workspace, &mut gradient, &mut []).operations;
    });
    let errors = scaled_errors(point, &gradient, exact);
    let max = errors.iter().copied().fold(0.0, |a: f64, b| if b.is_nan() || b > a { b } else { a });
    Derivative {
        method: String::new(),
        point: 0,
        parameters: point.len(),
        outputs: 0,
        step: None,
        max_relative_error: max,
        median_relative_error: median(&errors).unwrap_or(0.0),
        digits: digits(max),
        value_ns,
        gradient_ns,
        operations,
        expression_nodes: objective.expression_nodes(),
    }
}

/// Errors of the components, each in the units of the loss (times |x_k|), relative to the largest component in those
/// units: what a parameter is measured in does not matter.
fn scaled_errors(point: &[f64], gradient: &[f64], exact: &[f64]) -> Vec<f64> {
    let scale = |k: usize| if point[k] == 0.0 { 1.0 } else { point[k].abs() };
    let largest = (0..point.len()).map(|k| (exact[k] * scale(k)).abs()).fold(0.0, f64::max);
    let error = |k: usize| {
        let error = ((gradient[k] - exact[k]) * scale(k)).abs();
        if error == 0.0 { 0.0 } else { error / largest }
    };
    (0..point.len()).map(error).collect()
}

/// Correct decimal digits for a relative error, between 0 and 17.
pub fn digits(error: f64) -> f64 {
    if error.is_nan() {
        return 0.0;
    }
    if error == 0.0 { 17.0 } else { (-elementary::log10(error)).clamp(0.0, 17.0) }
}

/// Nanoseconds of the fastest of a few calls.
fn fastest(mut f: impl FnMut()) -> f64 {
    let mut time = || {
        let clock = Instant::now();
        f();
        clock.elapsed().as_nanos() as f64
    };
    (0..REPETITIONS).map(|_| time()).fold(f64::INFINITY, f64::min)
}
