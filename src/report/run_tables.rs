//! `runs.csv`, `intervals.csv`, `trace.csv` and `timings.csv`: what the records say, written in one pass over them.

use std::collections::HashMap;
use std::io::{self, Write};

use super::Results;
use super::numbers::{exact, field};
use super::tables::{Rows, axes, describe, words};
use crate::plan::{Plan, Run};
use crate::record::Record;

pub(super) const NAMES: [&str; 4] = ["runs.csv", "intervals.csv", "trace.csv", "timings.csv"];

const FIXED: [&str; 4] = ["run", "optimizer", "differentiation", "repeat"];
const OUTCOME: [&str; 6] = ["status", "reason", "loss", "evaluations", "gradients", "iterations"];

/// Writes the tables of `NAMES` to their places.
pub(super) fn write(results: &Results, outs: [&mut dyn Write; 4]) -> io::Result<()> {
    let plan = results.plan;
    let [runs, intervals, trace, timings] = outs;
    let (names, places) = parameters(plan);
    let mut runs = Rows::new(runs, &header(plan, &names))?;
    let columns =
        ["run", "parameter", "method", "level", "estimate", "standard_error", "lower", "upper", "reference", "covered"];
    let mut intervals = Rows::new(intervals, &words(&columns))?;
    let columns = ["run", "iteration", "evaluations", "gradients", "loss", "gradient_norm"];
    let mut trace = Rows::new(trace, &words(&columns))?;
    let columns = ["run", "seconds", "seconds_per_evaluation", "threads", "host", "cpu"];
    let mut timings = Rows::new(timings, &words(&columns))?;
    for member in results.records.among(0..plan.len()) {
        let (index, record) = member?;
        let run = plan.run(index);
        runs.write(&outcome(plan, &run, &record, names.len(), &places[run.variant]))?;
        add_intervals(plan, &run, &record, &mut intervals)?;
        for point in &record.trace {
            trace.write(&[
                index.to_string(),
                point.iteration.to_string(),
                point.evaluations.to_string(),
                point.gradients.to_string(),
                exact(point.loss),
                field(point.gradient_norm),
            ])?;
        }
        let each = (record.evaluations > 0).then(|| record.seconds / record.evaluations as f64);
        timings.write(&[
            index.to_string(),
            exact(record.seconds),
            field(each),
            results.machine.threads.to_string(),
            results.machine.host.clone(),
            results.machine.cpu.clone(),
        ])?;
    }
    runs.end()?;
    intervals.end()?;
    trace.end()?;
    timings.end()
}

/// The columns of `runs.csv`.
fn header(plan: &Plan, names: &[String]) -> Vec<String> {
    let taken = [&FIXED[..], &OUTCOME].concat();
    let axes = axes(plan, &taken);
    let mut header = words(&FIXED);
    header.extend(axes.iter().cloned());
    header.extend(words(&OUTCOME));
    header.extend(names.iter().map(|name| match taken.contains(&name.as_str()) || axes.contains(name) {
        true => format!("parameter.{name}"),
        false => name.clone(),
    }));
    header
}

/// A row of `runs.csv` with so many columns of parameters; `places` are those of the run's own.
fn outcome(plan: &Plan, run: &Run, record: &Record, parameters: usize, places: &[usize]) -> Vec<String> {
    let mut fields = describe(plan, run);
    fields.extend([super::status(record.status).to_string(), record.reason.clone(), field(record.loss)]);
    fields.extend([record.evaluations, record.gradients, record.iterations].map(|count| count.to_string()));
    let first = fields.len();
    fields.resize(first + parameters, String::new());
    for (place, value) in places.iter().zip(&record.parameters) {
        fields[first + place] = exact(*value);
    }
    fields
}

/// The rows of `intervals.csv`; `covered` says whether the reference lies between the ends, and is empty where one is
/// missing.
fn add_intervals<W: Write>(plan: &Plan, run: &Run, record: &Record, rows: &mut Rows<W>) -> io::Result<()> {
    if record.intervals.is_empty() {
        return Ok(());
    }
    let scalars = plan.experiment(run).scalars();
    for interval in &record.intervals {
        let scalar = scalars.get(interval.parameter);
        let reference = scalar.and_then(|scalar| scalar.reference());
        let covered = match (reference, interval.lower, interval.upper) {
            (Some(x), Some(lower), Some(upper)) => (lower <= x && x <= upper).to_string(),
            _ => String::new(),
        };
        rows.write(&[
            run.index.to_string(),
            scalar.map(|scalar| scalar.name()).unwrap_or_default(),
            interval.method.clone(),
            exact(interval.level),
            exact(interval.estimate),
            field(interval.standard_error),
            field(interval.lower),
            field(interval.upper),
            field(reference),
            covered,
        ])?;
    }
    Ok(())
}

/// The names of all scalar parameters of the plan, and where each variant's scalars stand among them.
fn parameters(plan: &Plan) -> (Vec<String>, Vec<Vec<usize>>) {
    let mut names: Vec<String> = Vec::new();
    let mut last: Vec<String> = Vec::new();
    let mut places: Vec<Vec<usize>> = Vec::new();
    for variant in &plan.variants {
        let scalars: Vec<String> = variant.experiment.scalars().iter().map(|scalar| scalar.name()).collect();
        // Most variants have the parameters of the one before.
        if let (true, Some(same)) = (scalars == last, places.last().cloned()) {
            places.push(same);
            continue;
        }
        let mut known: HashMap<String, usize> =
            names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        let place = |name: &String| {
            *known.entry(name.clone()).or_insert_with(|| {
                names.push(name.clone());
                names.len() - 1
            })
        };
        places.push(scalars.iter().map(place).collect());
        last = scalars;
    }
    (names, places)
}
