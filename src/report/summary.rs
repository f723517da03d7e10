//! What a person reads after a run: the answer with its errors, the comparison, the failures, where the files are.
//!
//! Plain text; the page uses the same tables.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::compared::{Compared, Row};
use super::comparison::{Comparison, TOLD, named};
use super::derivatives;
use super::numbers::{count, duration, measured, short};
use super::winner::Winner;
use super::{Goodness, Results};
use crate::diagnostic::many;
use crate::experiment::{Data, Experiment, Scalar};
use crate::plan::{Plan, Run};
use crate::record::{Interval, Record, Status};

/// Rows of the comparison on the terminal; the others are in the file.
const ROWS: usize = 24;

/// A table of texts; the first row is the header.
pub(super) type Cells = Vec<Vec<String>>;

pub(super) fn render(results: &Results, comparison: &Comparison, folder: &Path) -> io::Result<String> {
    let mut text = vec![results.experiment.title.clone().unwrap_or_else(|| results.experiment.name.clone())];
    text.push(format!("  data      {}", data(results)));
    text.push(format!("  runs      {}", runs(results)));
    let best = Best::of(results, comparison)?;
    match &best {
        Some(best) => {
            text.push(format!("  best fit  {}", best.place()));
            text.push(String::new());
            text.extend(aligned(&best.estimates(), 1));
            text.extend(best.notes().into_iter().map(|note| format!("  note: {note}")));
        }
        None if results.plan.is_empty() => {}
        None => text.push("  best fit  none: no run found a finite loss".to_string()),
    }
    if comparison.any {
        text.push(String::new());
        text.extend(aligned(&rows(results, comparison, ROWS), 2 + results.plan.axes.len()));
        if comparison.rows > ROWS {
            text.push(format!("  … and {} in comparison.csv", many(comparison.rows - ROWS, "more row")));
        }
        let winners = winners(results.plan, comparison);
        if !winners.is_empty() {
            text.push(String::new());
            text.extend(winners.into_iter().map(|line| format!("  {line}")));
        }
    }
    if !results.derivatives.rows.is_empty() {
        let table = derivatives::rows(results, ROWS);
        text.push(String::new());
        text.extend(aligned(&table.cells, table.left));
        if table.left_out > 0 {
            text.push(format!("  … and {} in derivatives.csv", many(table.left_out, "more row")));
        }
    }
    text.extend(derivatives::refusals(results).into_iter().map(|line| format!("  note: {line}")));
    let failures = failures(results)?;
    if !failures.is_empty() {
        text.push(String::new());
        text.push("  failures".to_string());
        text.extend(failures.into_iter().map(|line| format!("    {line}")));
    }
    text.push(String::new());
    if let Some(line) = expected(results, best.as_ref()) {
        text.push(format!("  {line}"));
    }
    text.push(format!("  report    {}", folder.join("report.html").display()));
    text.push(format!("  tables    {}", folder.join("*.csv").display()));
    Ok(text.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n") + "\n")
}

/// What was fitted.
pub(super) fn data(results: &Results) -> String {
    let rows = |n: usize| if n == 1 { "1 row".to_string() } else { format!("{} rows", count(n as u64)) };
    match &results.experiment.data {
        Data::Measured(table) => {
            format!("{}, {}", table.file.as_deref().unwrap_or("table"), rows(table.rows()))
        }
        Data::Synthetic { inputs, .. } => format!("synthetic, {}", rows(inputs.rows())),
        Data::None => "none".to_string(),
    }
}

/// How the runs ended.
pub(super) fn runs(results: &Results) -> String {
    let number = |status| results.finished().filter(|run| results.records.status(*run) == Some(status)).count() as u64;
    let finished = results.finished().count();
    let parts: Vec<String> = [Status::Converged, Status::Stopped, Status::Failed]
        .into_iter()
        .map(|status| (number(status), super::status(status)))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)))
        .collect();
    let planned = results.plan.len();
    let left =
        if finished < planned { format!(", {} of {planned} finished", count(finished as u64)) } else { String::new() };
    if planned == 0 {
        return "none planned".to_string();
    }
    let ends = if parts.is_empty() { "none finished".to_string() } else { parts.join(", ") };
    if left.is_empty() { format!("{}: {ends}", count(planned as u64)) } else { format!("{ends}{left}") }
}

/// The best run with its record.
pub(super) struct Best<'a> {
    results: &'a Results<'a>,
    run: Run,
    record: Record,
    experiment: Arc<Experiment>,
}

impl<'a> Best<'a> {
    /// None where no run has an answer.
    pub fn of(results: &'a Results<'a>, comparison: &Comparison) -> io::Result<Option<Best<'a>>> {
        let Some(index) = comparison.best else { return Ok(None) };
        let (record, run) = (results.records.fetch(index)?, results.plan.run(index));
        let experiment = results.plan.experiment(run.variant);
        Ok(record.map(|record| Best { results, run, record, experiment }))
    }

    fn scalars(&self) -> Vec<Scalar<'_>> {
        self.experiment.scalars()
    }

    /// Which run it is, and its loss.
    pub fn place(&self) -> String {
        let (plan, run, record) = (self.results.plan, &self.run, &self.record);
        let mut words = vec![plan.optimizer(run).to_string()];
        words.extend(plan.differentiation(run).map(|method| method.to_string()));
        words.push(format!("repeat {}", run.repeat));
        let values = plan.values(run.variant);
        words.extend(plan.axes.iter().zip(values).map(|(path, value)| format!("{path} = {value}")));
        let loss = record.loss.map_or(String::new(), |loss| short(loss, 10));
        format!("loss {loss}, run {} ({}), {}", run.index, words.join(", "), super::status(record.status))
    }

    /// The parameters, with the standard errors of the first interval method that has them, and the references.
    pub fn estimates(&self) -> Cells {
        let (record, scalars) = (&self.record, self.scalars());
        let referred = scalars.iter().any(|scalar| scalar.reference().is_some());
        let mut header = vec!["parameter", "estimate"];
        if referred {
            header.extend(["reference", "away by"]);
        }
        let mut cells: Cells = vec![header.into_iter().map(String::from).collect()];
        for (place, (scalar, value)) in scalars.iter().zip(&record.parameters).enumerate() {
            let error = interval(record, place).and_then(|interval| interval.standard_error);
            let unit = scalar.parameter.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
            let estimate = error.map_or_else(|| short(*value, 8), |error| measured(*value, error));
            let mut row = vec![scalar.name(), estimate + &unit];
            if referred {
                row.extend(reference(scalar, *value, error));
            }
            cells.push(row);
        }
        cells
    }

    /// By what the errors were found, and what must be said of them.
    pub fn notes(&self) -> Vec<String> {
        let record = &self.record;
        let mut notes: Vec<String> = Vec::new();
        if let Some(goodness) = self.results.fit.filter(|fit| fit.run == self.run.index).and_then(|fit| fit.goodness) {
            let Goodness { statistic, value, degrees, probability } = goodness;
            let value = short(value, 5);
            let probability = if probability < 1e-6 { "below 1e-6".to_string() } else { short(probability, 2) };
            notes.push(format!(
                "{statistic} {value} for {degrees} degrees of freedom: a larger one has probability {probability}"
            ));
        }
        if let Some(first) = record.intervals.iter().find(|interval| interval.standard_error.is_some()) {
            notes.push(format!("± is one standard error, by {}", first.method));
            if record.status == Status::Stopped {
                notes.push("the budget ended this run before it converged: errors hold at a minimum only".to_string());
            }
        }
        let scalars = self.scalars();
        for interval in record.intervals.iter().filter(|interval| !interval.note.is_empty()) {
            let name = scalars.get(interval.parameter).map(|scalar| scalar.name()).unwrap_or_default();
            let note = format!("{name}, {}: {}", interval.method, interval.note);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }
}

fn reference(scalar: &Scalar, value: f64, error: Option<f64>) -> [String; 2] {
    let Some(reference) = scalar.reference() else { return Default::default() };
    let away = match error.filter(|error| *error > 0.0) {
        Some(error) => format!("{} σ", short((value - reference).abs() / error, 2)),
        None if reference != 0.0 => format!("{} %", short(((value - reference) / reference).abs() * 100.0, 2)),
        None => short((value - reference).abs(), 2),
    };
    [short(reference, 8), away]
}

/// The first interval of a parameter that has a standard error.
fn interval(record: &Record, parameter: usize) -> Option<&Interval> {
    record.intervals.iter().find(|interval| interval.parameter == parameter && interval.standard_error.is_some())
}

/// The comparison, rounded; `most` rows, of which it holds no fewer than `comparison::ROWS`.
pub(super) fn rows(results: &Results, comparison: &Comparison, most: usize) -> Cells {
    let mut header = vec!["optimizer".to_string(), "differentiation".to_string()];
    header.extend(results.plan.axes.iter().cloned());
    let measured = ["converged", "at best", "best loss", "digits", "evaluations", "gradients", "time", "to target"];
    header.extend(measured.into_iter().map(String::from));
    let mut cells = vec![header];
    for compared in comparison.first() {
        let values = results.plan.values(compared.variant);
        for row in compared.rows.iter().take((most + 1).saturating_sub(cells.len())) {
            let mut line = vec![row.optimizer.to_string(), row.method.as_deref().unwrap_or("–").to_string()];
            line.extend_from_slice(&values);
            line.extend(measures(row));
            cells.push(line);
        }
        if cells.len() > most {
            break;
        }
    }
    cells
}

fn measures(row: &Row) -> [String; 8] {
    let total = row.members.len();
    let blank = || "–".to_string();
    let share = |part: usize| format!("{part}/{total}");
    let whole = |x: Option<f64>| x.map_or_else(blank, |x| count(x as u64));
    [
        share(row.converged),
        share(row.reached),
        row.loss_best.map_or_else(blank, |x| short(x, 8)),
        row.digits_median.map_or_else(blank, |x| format!("{x:.1}")),
        whole(row.evaluations_median),
        whole(row.gradients_median),
        row.seconds_median.map_or_else(blank, duration),
        row.seconds_to_target.map_or_else(blank, |x| if x.is_finite() { duration(x) } else { "never".to_string() }),
    ]
}

/// Which optimizer and method reaches the target with the least work, and how sure that is: of each combination of the
/// axes, or of many how often each.
pub(super) fn winners(plan: &Plan, comparison: &Comparison) -> Vec<String> {
    if !comparison.contested {
        return Vec::new();
    }
    if plan.variants() <= TOLD {
        return comparison.first().filter_map(|one| Some(told(plan, one, one.winner.as_ref()?))).collect();
    }
    let mut won: Vec<_> = comparison.won.iter().collect();
    won.sort_by_key(|(_, led, _)| std::cmp::Reverse(*led));
    let all: Vec<String> = won.iter().map(|(name, led, clear)| format!("{name} {led} ({clear} clearly)")).collect();
    vec![format!("least work to the target, of {} combinations: {}", plan.variants(), all.join("; "))]
}

fn told(plan: &Plan, compared: &Compared, winner: &Winner) -> String {
    let work = |work: f64| if work < 1e6 { count(work.round() as u64) } else { short(work, 3) };
    let name = named(&compared.rows[winner.row]);
    let values = plan.axes.iter().zip(plan.values(compared.variant));
    let at: Vec<String> = values.map(|(path, value)| format!("{path} = {value}")).collect();
    let at = if at.is_empty() { String::new() } else { format!(" at {}", at.join(", ")) };
    let word = if winner.is_clear() { "winner" } else { "ahead " };
    let mut line = format!("{word}    {name}{at}: the work of {} evaluations to the target", work(winner.work));
    if let Some((next, ratio)) = winner.next {
        let next = named(&compared.rows[next]);
        line += &match ratio.is_finite() {
            true => format!("; next {next}, {} times that", short(ratio, 3)),
            false => "; no other reached it".to_string(),
        };
    }
    line + &match winner.probability {
        Some(probability) => {
            let percent = short((probability * 1000.0).floor() / 10.0, 3);
            let verdict = if winner.is_clear() { "" } else { ": no clear winner" };
            format!(
                "; the least of {} in {percent} % of {} resamplings of the {} repeats{verdict}",
                winner.compared, winner.resamplings, winner.repeats
            )
        }
        None => "; a single repeat does not say how sure that is".to_string(),
    }
}

/// Kinds of failures that are told apart.
const KINDS: usize = 100;

/// Failures, those of the same kind together, in the order of the plan.
pub(super) fn failures(results: &Results) -> io::Result<Vec<String>> {
    /// What failed how, the first runs of it, and how many there are.
    type Kind = (String, Vec<usize>, usize);
    let mut kinds: Vec<Kind> = Vec::new();
    let failed = results.finished().filter(|run| results.records.status(*run) == Some(Status::Failed));
    for member in results.records.among(failed) {
        let (index, record) = member?;
        let run = results.plan.run(index);
        let method = results.plan.differentiation(&run).map_or(String::new(), |method| format!(", {method}"));
        let mut kind = format!("{}{method}: {}", results.plan.optimizer(&run), record.reason);
        if kinds.len() >= KINDS && !kinds.iter().any(|(known, ..)| *known == kind) {
            kind = "for other reasons".into();
        }
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, runs, count)) => {
                *count += 1;
                if runs.len() < LISTED {
                    runs.push(index);
                }
            }
            None => kinds.push((kind, vec![index], 1)),
        }
    }
    Ok(kinds.into_iter().map(|(kind, runs, count)| format!("{count}× {kind} ({})", listed(&runs, count))).collect())
}

/// Runs of a kind that are named.
const LISTED: usize = 6;

fn listed(runs: &[usize], count: usize) -> String {
    let shown: Vec<String> = runs.iter().map(|run| run.to_string()).collect();
    let more = if count > shown.len() { ", …" } else { "" };
    format!("{} {}{more}", if count == 1 { "run" } else { "runs" }, shown.join(", "))
}

/// Whether the best run gives the answer that the experiment states; None where it states none.
pub(super) fn expected(results: &Results, best: Option<&Best>) -> Option<String> {
    let expected = &results.experiment.expected;
    if expected.loss.is_none() && expected.parameters.is_empty() {
        return None;
    }
    let Some(best) = best else { return Some("expected  NOT met: no run has an answer".to_string()) };
    let (record, scalars) = (&best.record, best.scalars());
    let mut misses = Vec::new();
    let mut compare = |name: &str, found: Option<f64>, stated: f64| {
        let scale = if stated == 0.0 { 1.0 } else { stated.abs() };
        match found {
            Some(x) if (x - stated).abs() <= expected.tolerance * scale => {}
            Some(x) => misses.push(format!("{name} is {}, expected {}", short(x, 10), short(stated, 10))),
            None => misses.push(format!("{name} is missing, expected {}", short(stated, 10))),
        }
    };
    if let Some(loss) = expected.loss {
        compare("loss", record.loss, loss);
    }
    for (name, stated) in &expected.parameters {
        let place = scalars.iter().position(|scalar| scalar.name() == *name);
        compare(name, place.and_then(|place| record.parameters.get(place).copied()), *stated);
    }
    Some(match misses.is_empty() {
        true => format!("expected  met to {}", short(expected.tolerance, 2)),
        false => format!("expected  NOT met to {}: {}", short(expected.tolerance, 2), misses.join("; ")),
    })
}

/// Lines of a table, indented; the first `left` columns are flush left, the others flush right.
pub(super) fn aligned(cells: &Cells, left: usize) -> Vec<String> {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let room = " ".repeat(widths[column] - cell.chars().count());
            text += "  ";
            text += &if column < left { format!("{cell}{room}") } else { format!("{room}{cell}") };
        }
        text.trim_end().to_string()
    };
    cells.iter().map(line).collect()
}

/// Nothing that a user or a solver wrote may break a line or steer the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
