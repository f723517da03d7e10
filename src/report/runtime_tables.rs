//! `ecdf.csv` and `targets.csv`: within which runtime what share of the targets is reached, and what each target takes.

use std::io::{self, Write};

use super::comparison::Comparison;
use super::numbers::{exact, field};
use super::runtime::{self, Expected, Runtime};
use super::tables::{Rows, axes, row_of, words};
use super::{AT_ONCE, Results};
use crate::execute::in_order;
use crate::math::elementary::{log10, pow};

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
        let precisions = &comparison.precisions[row.variant];
        let (runtimes, pairs) = runtime::reached(row, results.records, answer, precisions)?;
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

/// One row per row of the comparison and precision: the powers of ten, and that of the target itself.
pub(super) fn targets(results: &Results, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let measured =
        ["precision", "loss", "runs", "reached", "evaluations_to_target", "work_to_target", "seconds_to_target"];
    let mut table = Rows::new(out, &header(results, &measured))?;
    for row in &comparison.rows {
        let Some(answer) = &comparison.answers[row.variant] else { continue };
        let fixed = row_of(results.plan, row);
        let precisions = decades(&comparison.precisions[row.variant]);
        let mut all = vec![Expected::default(); precisions.len()];
        let reach = |run: &usize| -> io::Result<Option<(Vec<Option<Runtime>>, Runtime)>> {
            let Some(record) = results.records.fetch(*run)? else { return Ok(None) };
            let reach = |precision: &f64| runtime::reach(&record, answer.loss + precision);
            Ok(Some((precisions.iter().map(reach).collect(), runtime::spent(&record))))
        };
        in_order(row.members.iter().copied(), AT_ONCE, reach, |member| {
            if let Some((reached, spent)) = member? {
                all.iter_mut().zip(reached).for_each(|(expected, reached)| expected.add(reached, spent));
            }
            Ok::<_, io::Error>(())
        })?;
        for (expected, precision) in all.iter().zip(&precisions) {
            let Some(runtime) = expected.runtime() else { continue };
            let mut fields = fixed.clone();
            let (runs, reached) = (row.members.len().to_string(), expected.reached.to_string());
            fields.extend([exact(*precision), exact(answer.loss + precision), runs, reached]);
            fields.extend([runtime.evaluations, runtime.work, runtime.seconds].map(exact));
            table.write(&fields)?;
        }
    }
    table.end()
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
