//! `ecdf.csv` and `targets.csv`: within which runtime what share of the targets is reached, and what each target takes.

use std::io::{self, Write};

use super::compared::{Answer, Compared, Row};
use super::numbers::{exact, field};
use super::runtime::{self, Expected, Runtime};
use super::tables::{Rows, axes, row_of, words};
use crate::math::elementary::{log10, pow};
use crate::plan::Plan;
use crate::record::{Record, Records};

/// Shares of the pairs of a run and a target: 0.02, 0.04, …, 1.
const SHARES: usize = 50;

/// Powers of ten that a table of targets has at most.
const DECADES: i32 = 40;

const KEYS: [&str; 2] = ["optimizer", "differentiation"];

/// The columns of `ecdf.csv`: one row per share that a row of the comparison attains, and the runtimes within which it does.
pub(super) fn ecdf_header(plan: &Plan) -> Vec<String> {
    header(plan, &["share", "evaluations", "work", "seconds"])
}

/// The rows of `ecdf.csv` of a variant with these values of the axes.
pub(super) fn ecdf<W: Write>(
    compared: &Compared,
    records: &dyn Records,
    values: &[String],
    table: &mut Rows<W>,
) -> io::Result<()> {
    let Some(answer) = &compared.answer else { return Ok(()) };
    let precisions = compared.precisions.all();
    for row in &compared.rows {
        let (runtimes, pairs) = runtime::reached(row, records, answer, &precisions)?;
        let fixed = row_of(row, values);
        for step in 1..=SHARES {
            // The smallest runtime within which so many pairs are reached.
            let count = (pairs * step).div_ceil(SHARES);
            let [evaluations, work, seconds] =
                runtimes.each_ref().map(|sorted| sorted.get(count.checked_sub(1)?).copied());
            let Some(evaluations) = evaluations else { break };
            let measured = [exact(step as f64 / SHARES as f64), exact(evaluations), field(work), field(seconds)];
            table.write(fixed.iter().chain(&measured))?;
        }
    }
    Ok(())
}

/// The columns of `targets.csv`: one row per row of the comparison and precision, the powers of ten, and that of the
/// target itself.
pub(super) fn targets_header(plan: &Plan) -> Vec<String> {
    let measured =
        ["precision", "loss", "runs", "reached", "evaluations_to_target", "work_to_target", "seconds_to_target"];
    header(plan, &measured)
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
    /// Of a row of a variant, by its place among them; None where the variant has no answer.
    pub fn of(compared: &'a Compared, row: usize) -> Option<Targets<'a>> {
        let (row, answer) = (compared.rows.get(row)?, compared.answer.as_ref()?);
        let precisions = decades(&compared.precisions.all());
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

    /// Writes the rows; `values` are those of the axes.
    pub fn write<W: Write>(&self, values: &[String], table: &mut Rows<W>) -> io::Result<()> {
        let fixed = row_of(self.row, values);
        for (expected, precision) in self.all.iter().zip(&self.precisions) {
            let Some(runtime) = expected.runtime() else { continue };
            let (runs, reached) = (self.row.members.len().to_string(), expected.reached.to_string());
            let [evaluations, work, seconds] = [runtime.evaluations, runtime.work, runtime.seconds].map(exact);
            let loss = exact(self.answer.loss + precision);
            let measured = [exact(*precision), loss, runs, reached, evaluations, work, seconds];
            table.write(fixed.iter().chain(&measured))?;
        }
        Ok(())
    }
}

fn header(plan: &Plan, measured: &[&str]) -> Vec<String> {
    let mut header = words(&KEYS);
    header.extend(axes(plan, &[&KEYS[..], measured].concat()));
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
