//! The comparison of differentiation methods: accuracy against the reference, and cost, at chosen points.
//!
//! Every variant of the plan is measured whose derivative differs. What determines a derivative is the program, the data,
//! the points, the method and its own settings: variants that agree in these are measured once, and their row leaves
//! those axes empty in which they differ. Models are looked at twice, one after the other, and let go of: once to tell
//! which variants agree, once to measure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rayon::prelude::*;

use crate::diff::{Method, Options};
use crate::engine::Workspace;
use crate::execute::derivation::{Derivation, Subject};
use crate::execute::{Prepared, timing};
use crate::experiment::{Experiment, Form};
use crate::math::elementary;
use crate::math::random::Stream;
use crate::math::statistics::median;
use crate::model::Model;
use crate::plan::Plan;
use crate::record::{Component, Derivative, Derivatives, Refusal};

/// Points whose derivatives themselves are kept.
const KEPT_POINTS: usize = 256;

/// What all measurements of time may take together, and those at one point.
const TIME: Duration = Duration::from_millis(500);
const TIME_AT_POINT: Duration = Duration::from_millis(4);

/// Variants whose programs, data and points are the same.
struct Alike {
    variants: Vec<usize>,
    /// How many points there are.
    points: usize,
}

/// The same with what is measured.
struct Group<'a> {
    subject: Subject<'a>,
    points: Vec<Vec<f64>>,
    variants: &'a [usize],
}

/// A method with its settings, and the variants that have it.
struct Candidate {
    method: Method,
    /// With the form of `symbolic`, where that is not the default one.
    name: String,
    options: Options,
    variants: Vec<usize>,
}

/// Every method of every variant, at the start, at draws from the priors and on the grid, over θ. The rows stand model by model, then method by method, then point by point. Nothing where `cancel` cut it short.
pub fn compare(plan: &Plan, prepare: &dyn Fn(usize) -> Arc<Prepared>, cancel: &AtomicBool) -> Derivatives {
    let nowhere = |variant: usize| plan.experiment(variant).differentiation.compare.count() == 0;
    let same = !plan.axes.iter().any(|path| path.starts_with("differentiation"));
    if plan.variants() == 0 || same && nowhere(0) {
        return Derivatives::default();
    }
    let alike = alike(plan, prepare, cancel);
    let points: usize = alike.iter().map(|group| group.points).sum();
    let allowance = TIME_AT_POINT.min(TIME / u32::try_from(points.max(1)).unwrap_or(u32::MAX));
    let mut all = Derivatives::default();
    for Alike { variants, .. } in &alike {
        if !cancel.load(Ordering::Relaxed) {
            let (prepared, experiment) = (prepare(variants[0]), plan.experiment(variants[0]));
            let subject = Subject::new(&prepared.model, &experiment.differentiation.compare);
            let group = Group { subject, points: self::points(&experiment, &prepared.model), variants };
            measure(plan, &group, allowance, cancel, &mut all);
        }
    }
    if cancel.load(Ordering::Relaxed) { Derivatives::default() } else { all }
}

/// The variants with points, those that are alike together; as far as it comes before it is cancelled.
fn alike(plan: &Plan, prepare: &dyn Fn(usize) -> Arc<Prepared>, cancel: &AtomicBool) -> Vec<Alike> {
    let mut groups: Vec<Alike> = Vec::new();
    let mut places: HashMap<(u64, u64), usize> = HashMap::new();
    for variant in 0..plan.variants() {
        let experiment = plan.experiment(variant);
        let compare = &experiment.differentiation.compare;
        if cancel.load(Ordering::Relaxed) || compare.count() == 0 {
            continue;
        }
        let prepared = prepare(variant);
        let points = points(&experiment, &prepared.model);
        let subject = Subject::new(&prepared.model, compare);
        // Twice 64 bits: of all the plans that there will ever be, none has two variants that agree by chance.
        let sum = [0u8, 1].map(|start| {
            let mut hash = DefaultHasher::new();
            start.hash(&mut hash);
            subject.hash(&mut hash);
            points.iter().for_each(|point| point.iter().for_each(|x| x.to_bits().hash(&mut hash)));
            hash.finish()
        });
        let place = *places.entry(sum.into()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Alike { variants: Vec::new(), points: points.len() });
        }
        groups[place].variants.push(variant);
    }
    groups
}

/// The start, draws from the priors, then the grid.
fn points(experiment: &Experiment, model: &Model) -> Vec<Vec<f64>> {
    let compare = &experiment.differentiation.compare;
    let start = model.start(experiment);
    let mut points: Vec<Vec<f64>> = (0..compare.points)
        .map(|point| match point {
            0 => start.clone(),
            _ => {
                let mut stream = Stream::at(experiment.seed, "comparison of derivatives", "point", point as u64);
                model.draw(experiment, &mut stream)
            }
        })
        .collect();
    let names = model.free_names();
    let place = |parameter: &usize| names.iter().position(|name| *name == experiment.parameters[*parameter].name);
    for index in 0..compare.count() - compare.points {
        let mut point = start.clone();
        let mut repeat: usize = compare.grid.iter().map(|(_, values)| values.len()).product();
        for (parameter, values) in &compare.grid {
            repeat /= values.len();
            if let Some(place) = place(parameter) {
                point[place] = values[index / repeat % values.len()];
            }
        }
        points.push(point);
    }
    points
}

/// The methods of the group's variants, in the order of the experiment, each with its settings in turn.
fn candidates(plan: &Plan, group: &Group) -> Vec<Candidate> {
    let mut candidates: Vec<(usize, Candidate)> = Vec::new();
    for variant in group.variants {
        let experiment = plan.experiment(*variant);
        let differentiation = &experiment.differentiation;
        for (order, kind) in differentiation.methods.iter().enumerate() {
            let Some(method) = Method::named(kind.name) else { continue };
            let mut options = Options::of(&experiment, 0.0);
            // What the method does not use makes no difference.
            if method.default_step().is_none() {
                options.step = None;
            }
            if method != Method::Symbolic {
                options.symbolic = Form::default();
            }
            match candidates.iter_mut().find(|(_, other)| other.method == method && other.options == options) {
                Some((_, candidate)) => candidate.variants.push(*variant),
                None => {
                    let name = differentiation.name(kind);
                    candidates.push((order, Candidate { method, name, options, variants: vec![*variant] }));
                }
            }
        }
    }
    candidates.sort_by_key(|(order, _)| *order);
    candidates.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The value of each axis that all these variants have in common.
fn shared(plan: &Plan, variants: &[usize]) -> Vec<Option<String>> {
    let mut shared: Vec<Option<String>> = plan.values(variants[0]).into_iter().map(Some).collect();
    for variant in &variants[1..] {
        for (shared, value) in shared.iter_mut().zip(plan.values(*variant)) {
            *shared = shared.take().filter(|known| *known == value);
        }
    }
    shared
}

fn measure(plan: &Plan, group: &Group, allowance: Duration, cancel: &AtomicBool, all: &mut Derivatives) {
    let subject = &group.subject;
    let made: Vec<(Candidate, Result<Derivation, String>)> = candidates(plan, group)
        .into_par_iter()
        .map(|candidate| {
            let derivation = subject.by(candidate.method, &candidate.options);
            (candidate, derivation)
        })
        .collect();
    let mut methods: Vec<(Candidate, Derivation)> = Vec::new();
    for (candidate, derivation) in made {
        match derivation {
            Ok(derivation) => methods.push((candidate, derivation)),
            Err(reason) => {
                let axes = shared(plan, &candidate.variants);
                all.refusals.push(Refusal { method: candidate.name.clone(), axes, reason });
            }
        }
    }
    let axes: Vec<Vec<Option<String>>> =
        methods.iter().map(|(candidate, _)| shared(plan, &candidate.variants)).collect();
    let judge = subject.judge();
    let answers: Vec<Vec<Derivative>> = group
        .points
        .par_iter()
        .enumerate()
        .filter(|_| !cancel.load(Ordering::Relaxed))
        .map(|(index, point)| {
            let exact = judge.at(point);
            let answer =
                |((candidate, derivation), axes): (&(Candidate, Derivation), &Vec<Option<String>>)| Derivative {
                    method: candidate.name.clone(),
                    axes: axes.clone(),
                    step: candidate.method.default_step().map(|default| candidate.options.step.unwrap_or(default)),
                    ..answer(subject, derivation, index, point, &judge.entries, &exact)
                };
            methods.par_iter().zip(&axes).map(answer).collect()
        })
        .collect();
    if answers.len() < group.points.len() {
        return;
    }
    let times: Vec<Vec<f64>> = group
        .points
        .iter()
        .map(|point| match cancel.load(Ordering::Relaxed) {
            true => vec![f64::NAN; methods.len() + 1],
            false => {
                let mut calls = vec![subject.value(point)];
                calls.extend(methods.iter().map(|(_, derivation)| derivation.call(point)));
                timing::interleaved(allowance, &mut calls)
            }
        })
        .collect();
    for k in 0..methods.len() {
        all.rows.extend(answers.iter().zip(&times).map(|(rows, times)| Derivative {
            value_ns: times[0],
            gradient_ns: times[k + 1],
            ..rows[k].clone()
        }));
    }
}

/// What a method answers at a point, without its name, times, axes and step. `exact` are the derivatives in the judged
/// entries.
fn answer(
    subject: &Subject,
    derivation: &Derivation,
    index: usize,
    point: &[f64],
    judged: &[usize],
    exact: &[f64],
) -> Derivative {
    let taken = derivation.take(point, &mut Workspace::default());
    let at: Vec<f64> = judged.iter().map(|entry| point[entry % point.len()]).collect();
    let found: Vec<f64> = judged.iter().map(|entry| taken.entries[*entry]).collect();
    let errors = scaled_errors(&at, &found, exact);
    let max = errors.iter().copied().fold(0.0, |a: f64, b| if b.is_nan() || b > a { b } else { a });
    let names = subject.model().free_names();
    let component = |i: usize| Component {
        parameter: names[judged[i]].to_string(),
        value: at[i],
        derivative: found[i],
        reference: exact[i],
        digits: digits(relative(found[i] - exact[i], exact[i])),
    };
    let kept = match derivation {
        Derivation::Gradient(_) if index < KEPT_POINTS => judged.len(),
        _ => 0,
    };
    Derivative {
        method: String::new(),
        axes: Vec::new(),
        point: index,
        parameters: point.len(),
        outputs: subject.outputs(),
        step: None,
        max_relative_error: max,
        median_relative_error: median(&errors).unwrap_or(0.0),
        digits: digits(max),
        value_ns: f64::NAN,
        gradient_ns: f64::NAN,
        operations: taken.operations,
        expression_nodes: derivation.expression_nodes(),
        loss: taken.value,
        components: (0..kept).map(component).collect(),
    }
}

fn relative(error: f64, size: f64) -> f64 {
    if error == 0.0 { 0.0 } else { (error / size).abs() }
}

/// Errors of the components, each in the units of the loss (times |x_k|), relative to the largest component in those
/// units: what a parameter is measured in does not matter.
fn scaled_errors(point: &[f64], gradient: &[f64], exact: &[f64]) -> Vec<f64> {
    let scale = |k: usize| if point[k] == 0.0 { 1.0 } else { point[k].abs() };
    let largest = (0..point.len()).map(|k| (exact[k] * scale(k)).abs()).fold(0.0, f64::max);
    (0..point.len()).map(|k| relative((gradient[k] - exact[k]) * scale(k), largest)).collect()
}

/// Correct decimal digits for a relative error, between 0 and 17.
pub fn digits(error: f64) -> f64 {
    if error.is_nan() {
        return 0.0;
    }
    if error == 0.0 { 17.0 } else { (-elementary::log10(error)).clamp(0.0, 17.0) }
}
