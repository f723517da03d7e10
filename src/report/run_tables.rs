//! `runs.csv`, `intervals.csv`, `trace.csv`, `timings.csv` and `targets.csv`: what the records say, in one pass over them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;

use super::comparison::Comparison;
use super::numbers::{exact, field};
use super::runtime_tables::{Reached, Targets, targets_header};
use super::tables::{Rows, axes, describe, words};
use super::{AT_ONCE, Results, TOGETHER};
use crate::execute::in_order;
use crate::plan::{Plan, Run};
use crate::record::Record;

pub(super) const NAMES: [&str; 5] = ["runs.csv", "intervals.csv", "trace.csv", "timings.csv", "targets.csv"];

const FIXED: [&str; 4] = ["run", "optimizer", "differentiation", "repeat"];
const OUTCOME: [&str; 6] = ["status", "reason", "loss", "evaluations", "gradients", "iterations"];

/// What some runs, one after the other, add to the tables: rows of the first four, and for the fifth what each spent, with
/// the position of its group.
#[derive(Default)]
struct Part {
    rows: [Vec<u8>; 4],
    reached: Vec<(usize, Reached)>,
}

/// Writes the tables of `NAMES` to their places.
pub(super) fn write(results: &Results, comparison: &Comparison, outs: [&mut (dyn Write + Send); 5]) -> io::Result<()> {
    let plan = results.plan;
    let (names, places) = parameters(plan);
    let intervals =
        ["run", "parameter", "method", "level", "estimate", "standard_error", "lower", "upper", "reference", "covered"];
    let trace = ["run", "iteration", "evaluations", "gradients", "loss", "gradient_norm"];
    let timings = ["run", "seconds", "seconds_per_evaluation", "threads", "host", "cpu"];
    let headers = [header(plan, &names), words(&intervals), words(&trace), words(&timings)];
    let [runs, intervals, trace, timings, targets] = outs;
    let mut outs = [runs, intervals, trace, timings];
    for (out, header) in outs.iter_mut().zip(&headers) {
        Rows::new(out, header)?.end()?;
    }
    let mut targets = Rows::new(targets, &targets_header(results))?;
    let mut group: Option<(usize, Targets)> = None;
    let parts = (0..plan.len()).step_by(TOGETHER).map(|first| first..plan.len().min(first + TOGETHER));
    let made = |runs: &Range<usize>| part(results, comparison, runs.clone(), &places);
    in_order(parts, AT_ONCE / TOGETHER, made, |part: io::Result<Part>| {
        let part = part?;
        part.rows.iter().zip(&mut outs).try_for_each(|(rows, out)| out.write_all(rows))?;
        for (place, reached) in part.reached {
            if group.as_ref().is_none_or(|(known, _)| *known != place) {
                let next = Targets::of(comparison, place).map(|targets| (place, targets));
                if let Some((_, done)) = std::mem::replace(&mut group, next) {
                    done.write(plan, &mut targets)?;
                }
            }
            if let Some((_, targets)) = &mut group {
                targets.add(reached);
            }
        }
        Ok::<_, io::Error>(())
    })?;
    if let Some((_, last)) = group {
        last.write(plan, &mut targets)?;
    }
    targets.end()
}

fn part(
    results: &Results,
    comparison: &Comparison,
    runs: Range<usize>,
    places: &HashMap<String, usize>,
) -> io::Result<Part> {
    let (plan, machine) = (results.plan, results.machine);
    let mut part = Part::default();
    let [outcomes, intervals, trace, timings] = part.rows.each_mut();
    let [mut outcomes, mut intervals, mut trace, mut timings] =
        [outcomes, intervals, trace, timings].map(Rows::further);
    let threads = machine.threads.to_string();
    let mut group = (usize::MAX, None);
    for member in results.records.among(runs) {
        let (index, record) = member?;
        let (run, number) = (plan.run(index), index.to_string());
        outcomes.write(&outcome(plan, &run, &record, places))?;
        add_intervals(plan, &run, &record, &mut intervals)?;
        for point in &record.trace {
            trace.write(&[
                &number,
                &point.iteration.to_string(),
                &point.evaluations.to_string(),
                &point.gradients.to_string(),
                &exact(point.loss),
                &field(point.gradient_norm),
            ])?;
        }
        let each = (record.evaluations > 0).then(|| record.seconds / record.evaluations as f64);
        timings.write(&[&number, &exact(record.seconds), &field(each), &threads, &machine.host, &machine.cpu])?;
        let place = plan.group(index);
        if group.0 != place {
            group = (place, Targets::of(comparison, place));
        }
        part.reached.extend(group.1.as_ref().map(|targets| (place, targets.reached(&record))));
    }
    for rows in [outcomes, intervals, trace, timings] {
        rows.end()?;
    }
    Ok(part)
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
fn outcome(plan: &Plan, run: &Run, record: &Record, places: &HashMap<String, usize>) -> Vec<String> {
    let mut fields = describe(plan, run);
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
