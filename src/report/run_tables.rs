//! `runs.csv`, `intervals.csv`, `trace.csv` and `timings.csv`: what the records say.

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

/// What the tables have columns of, and who writes their rows.
pub(super) struct RunTables<'a> {
    results: &'a Results<'a>,
    /// The names of all scalar parameters of the plan, each with its place among them.
    names: Vec<String>,
    places: HashMap<String, usize>,
    threads: String,
}

impl<'a> RunTables<'a> {
    pub fn of(results: &'a Results<'a>) -> RunTables<'a> {
        let (names, places) = parameters(results.plan);
        RunTables { results, names, places, threads: results.machine.threads.to_string() }
    }

    /// The columns of each.
    pub fn headers(&self) -> [Vec<String>; 4] {
        let intervals = [
            "run",
            "parameter",
            "method",
            "level",
            "estimate",
            "standard_error",
            "lower",
            "upper",
            "reference",
            "covered",
        ];
        let trace = ["run", "iteration", "evaluations", "gradients", "loss", "gradient_norm"];
        let timings = ["run", "seconds", "seconds_per_evaluation", "threads", "host", "cpu"];
        [header(self.results.plan, &self.names), words(&intervals), words(&trace), words(&timings)]
    }

    /// Adds the rows of a run whose axes have these values.
    pub fn add<W: Write>(
        &self,
        index: usize,
        record: &Record,
        values: &[String],
        tables: &mut [Rows<W>; 4],
    ) -> io::Result<()> {
        let Results { plan, machine, .. } = self.results;
        let (run, number) = (plan.run(index), index.to_string());
        let [outcomes, intervals, trace, timings] = tables;
        outcomes.write(outcome(plan, &run, record, values, &self.places))?;
        add_intervals(plan, &run, record, intervals)?;
        for point in &record.trace {
            trace.write([
                &number,
                &point.iteration.to_string(),
                &point.evaluations.to_string(),
                &point.gradients.to_string(),
                &exact(point.loss),
                &field(point.gradient_norm),
            ])?;
        }
        let each = (record.evaluations > 0).then(|| record.seconds / record.evaluations as f64);
        let (seconds, each) = (exact(record.seconds), field(each));
        timings.write([&number, &seconds, &each, &self.threads, &machine.host, &machine.cpu])
    }
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

/// A row of `runs.csv`; `places` are those of the parameters among their columns.
fn outcome(plan: &Plan, run: &Run, record: &Record, values: &[String], places: &HashMap<String, usize>) -> Vec<String> {
    let mut fields = describe(plan, run, values);
    fields.extend([super::status(record.status).to_string(), record.reason.clone(), field(record.loss)]);
    fields.extend([record.evaluations, record.gradients, record.iterations].map(|count| count.to_string()));
    let first = fields.len();
    fields.resize(first + places.len(), String::new());
    for (name, value) in plan.scalars(run.variant).iter().zip(&record.parameters) {
        fields[first + places[name]] = exact(*value);
    }
    fields
}

/// The rows of `intervals.csv`; `covered` says whether the reference lies between the ends, and is empty where one is
/// missing.
fn add_intervals<W: Write>(plan: &Plan, run: &Run, record: &Record, rows: &mut Rows<W>) -> io::Result<()> {
    if record.intervals.is_empty() {
        return Ok(());
    }
    let experiment = plan.experiment(run.variant);
    let scalars = experiment.scalars();
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

/// The names of all scalar parameters of the plan, each with its place among them.
fn parameters(plan: &Plan) -> (Vec<String>, HashMap<String, usize>) {
    let (mut names, mut places) = (Vec::new(), HashMap::new());
    let mut last: &[String] = &[];
    for variant in 0..plan.variants() {
        let scalars = plan.scalars(variant);
        // Most variants have the parameters of the one before.
        if scalars == last {
            continue;
        }
        for name in scalars {
            places.entry(name.clone()).or_insert_with(|| {
                names.push(name.clone());
                names.len() - 1
            });
        }
        last = scalars;
    }
    (names, places)
}
