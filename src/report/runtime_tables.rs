//! `ecdf.csv` and `targets.csv`: within which runtime what share of the targets is reached, and what each target takes.

use std::io::{self, Write};

use super::Results;
use super::comparison::{Answer, Comparison, Row};
use super::numbers::{exact, field};
use super::runtime::{self, Expected, Runtime};
use super::tables::{Rows, axes, row_of, words};
use crate::math::elementary::{log10, pow};
use crate::plan::Plan;
use crate::record::Record;

/// Shares of the pairs of a run and a target: 0.02, 0.04, …, 1.
const SHARES: usize = 50;

/// Powers of ten that a table of targets has at most.
const DECADES: i32 = 40;

const KEYS: [&str; 2] = ["optimizer", "differentiation"];

/// One row per share that a row of the comparison attains: the runtimes within which it does.
pub(super) fn ecdf(results: &Results, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let measured = ["share", "evaluations", "work", "seconds"];
    let mut table = Rows::new(out, &header(results, &measured))?;
    for row in &comparison.rows {
        let Some(answer) = &comparison.answers[row.variant] else { continue };
        let precisions = comparison.precisions[row.variant].all();
        let (runtimes, pairs) = runtime::reached(row, results.records, answer, &precisions)?;
        let fixed = row_of(results.plan, row);
        for step in 1..=SHARES {
            // The smallest runtime within which so many pairs are reached.
            let count = (pairs * step).div_ceil(SHARES);
            let [evaluations, work, seconds] =
                runtimes.each_ref().map(|sorted| sorted.get(count.checked_sub(1)?).copied());
            let Some(evaluations) = evaluations else { break };
            let mut fields = fixed.clone();
            fields.push(exact(step as f64 / SHARES as f64));
            fields.push(exact(evaluations));
            fields.extend([work, seconds].map(field));
            table.write(&fields)?;
        }
    }
    table.end()
}

/// The columns of `targets.csv`: one row per row of the comparison and precision, the powers of ten, and that of the
/// target itself.
pub(super) fn targets_header(results: &Results) -> Vec<String> {
    let measured =
        ["precision", "loss", "runs", "reached", "evaluations_to_target", "work_to_target", "seconds_to_target"];
    header(results, &measured)
}

/// The rows of `targets.csv` that a row of the comparison has, while its runs are looked at.
pub(super) struct Targets<'a> {
    row: &'a Row,
    answer: &'a Answer,
    precisions: Vec<f64>,
    all: Vec<Expected>,
}

/// What a run spent to each precision, where it came there, and in all.
pub(super) type Reached = (Vec<Option<Runtime>>, Runtime);

impl<'a> Targets<'a> {
    /// None for a row whose variant has no answer.
    pub fn of(comparison: &'a Comparison, row: usize) -> Option<Targets<'a>> {
        let row = comparison.rows.get(row)?;
        let answer = comparison.answers[row.variant].as_ref()?;
        let precisions = decades(&comparison.precisions[row.variant].all());
        let all = vec![Expected::default(); precisions.len()];
        Some(Targets { row, answer, precisions, all })
    }

    pub fn reached(&self, record: &Record) -> Reached {
        let reach = |precision: &f64| runtime::reach(record, self.answer.loss + precision);
        (self.precisions.iter().map(reach).collect(), runtime::spent(record))
    }

    /// Counts a run; one after the other, in their order.
    pub fn add(&mut self, (reached, spent): Reached) {
        self.all.iter_mut().zip(reached).for_each(|(expected, reached)| expected.add(reached, spent));
    }

    pub fn write<W: Write>(&self, plan: &Plan, table: &mut Rows<W>) -> io::Result<()> {
        let fixed = row_of(plan, self.row);
        for (expected, precision) in self.all.iter().zip(&self.precisions) {
            let Some(runtime) = expected.runtime() else { continue };
            let mut fields = fixed.clone();
            let (runs, reached) = (self.row.members.len().to_string(), expected.reached.to_string());
            fields.extend([exact(*precision), exact(self.answer.loss + precision), runs, reached]);
            fields.extend([runtime.evaluations, runtime.work, runtime.seconds].map(exact));
            table.write(&fields)?;
        }
        Ok(())
    }
}

fn header(results: &Results, measured: &[&str]) -> Vec<String> {
    let mut header = words(&KEYS);
    header.extend(axes(results.plan, &[&KEYS[..], measured].concat()));
    header.extend(words(measured));
    header
}

/// The powers of ten between the coarsest precision and the finest one, and the finest.
fn decades(precisions: &[f64]) -> Vec<f64> {
    let (Some(coarsest), Some(finest)) = (precisions.first(), precisions.last()) else { return Vec::new() };
    if coarsest <= finest {
        return vec![*finest];
    }
    let (high, low) = (log10(*coarsest).floor() as i32, log10(*finest).ceil() as i32);
    let powers = (low.max(high - DECADES)..=high).rev().map(|exponent| pow(10.0, f64::from(exponent)));
    let mut all: Vec<f64> = powers.filter(|power| power > finest).collect();
    all.push(*finest);
    all
}
