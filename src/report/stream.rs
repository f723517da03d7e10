//! The tables that have rows for every combination of the axes or every run, written in the order of the plan, all in one
//! pass over the records.
//!
//! In hand are the records and rows of some hundred runs for each thread, however many there are in all.

use std::io::{self, Write};
use std::ops::Range;

use super::combinations::{self, Stretch, stretches};
use super::comparison::Comparison;
use super::run_tables::{self, RunTables};
use super::runtime_tables::{self, Reached, Targets};
use super::tables::{self, Rows};
use super::{AT_ONCE, BATCHES, Results, TOGETHER};
use crate::execute::in_order;
use crate::record::{Held, Records};

const COUNT: usize = 3 + run_tables::NAMES.len();

/// The files, in the order of the places that `write` is given.
pub(super) const NAMES: [&str; COUNT] = {
    let [runs, intervals, trace, timings] = run_tables::NAMES;
    ["comparison.csv", "ecdf.csv", "targets.csv", runs, intervals, trace, timings]
};

type Outs<'a> = [&'a mut (dyn Write + Send); COUNT];

/// Rows of the tables, as texts.
type Texts = [Vec<u8>; COUNT];

/// Writes the tables of `NAMES` to their places.
pub(super) fn write(results: &Results, comparison: &Comparison, mut outs: Outs) -> io::Result<()> {
    let (plan, runs) = (results.plan, &RunTables::of(results));
    let of_runs = runs.headers();
    let [ecdf, targets] = [runtime_tables::ecdf_header(plan), runtime_tables::targets_header(plan)];
    let headers = [tables::comparison_header(plan), ecdf, targets].into_iter().chain(of_runs);
    for (out, header) in outs.iter_mut().zip(headers) {
        Rows::new(out, &header)?.end()?;
    }
    for stretch in stretches(plan) {
        match stretch {
            Stretch::Together(batches) => {
                let made = |variants: &Range<usize>| together(results, comparison, runs, variants.clone());
                in_order(batches, BATCHES, made, |texts: io::Result<Texts>| put(&texts?, &mut outs))?;
            }
            Stretch::Alone(variant) => alone(results, comparison, runs, variant, &mut outs)?,
        }
    }
    Ok(())
}

fn put(texts: &Texts, outs: &mut Outs) -> io::Result<()> {
    texts.iter().zip(outs).try_for_each(|(rows, out)| out.write_all(rows))
}

/// The rows of some combinations of few runs.
fn together(results: &Results, comparison: &Comparison, runs: &RunTables, variants: Range<usize>) -> io::Result<Texts> {
    let plan = results.plan;
    let held: &dyn Records = &Held::read(results.records, combinations::runs(plan, &variants))?;
    let mut texts = Texts::default();
    let [compared_rows, ecdf, targets, of_runs @ ..] = texts.each_mut().map(Rows::further);
    let (mut compared_rows, mut ecdf, mut targets, mut of_runs) = (compared_rows, ecdf, targets, of_runs);
    for variant in variants {
        let (compared, values) = (comparison.of(plan, held, variant)?, plan.values(variant));
        tables::comparison(&compared, &values, &mut compared_rows)?;
        runtime_tables::ecdf(&compared, held, &values, &mut ecdf)?;
        for (place, group) in plan.groups_of(variant).enumerate() {
            let mut of_group = Targets::of(&compared, place);
            for member in held.among(group.runs) {
                let (index, record) = member?;
                runs.add(index, &record, &values, &mut of_runs)?;
                if let Some(of_group) = &mut of_group {
                    let reached = of_group.reached(&record);
                    of_group.add(reached);
                }
            }
            of_group.iter().try_for_each(|of_group| of_group.write(&values, &mut targets))?;
        }
    }
    for rows in [compared_rows, ecdf, targets].into_iter().chain(of_runs) {
        rows.end()?;
    }
    Ok(texts)
}

/// Writes the rows of a combination of many runs, which are shared among the threads.
fn alone(
    results: &Results,
    comparison: &Comparison,
    runs: &RunTables,
    variant: usize,
    outs: &mut Outs,
) -> io::Result<()> {
    let Results { plan, records, .. } = *results;
    let (compared, values) = (comparison.of(plan, records, variant)?, plan.values(variant));
    let [compared_rows, ecdf, targets, of_runs @ ..] = outs;
    let mut table = Rows::further(compared_rows);
    tables::comparison(&compared, &values, &mut table)?;
    table.end()?;
    let mut table = Rows::further(ecdf);
    runtime_tables::ecdf(&compared, records, &values, &mut table)?;
    table.end()?;
    let mut targets = Rows::further(targets);
    for (place, group) in plan.groups_of(variant).enumerate() {
        let mut of_group = Targets::of(&compared, place);
        let chunk = |first: usize| first..group.runs.end.min(first + TOGETHER);
        let chunks = group.runs.clone().step_by(TOGETHER).map(chunk);
        // Who works a chunk out needs the targets, and who takes it counts them.
        let asked = Targets::of(&compared, place);
        let made = |chunk: &Range<usize>| part(records, runs, chunk.clone(), &values, asked.as_ref());
        in_order(chunks, AT_ONCE, made, |part: io::Result<Part>| {
            let part = part?;
            part.texts.iter().zip(of_runs.iter_mut()).try_for_each(|(rows, out)| out.write_all(rows))?;
            if let Some(of_group) = &mut of_group {
                part.reached.into_iter().for_each(|reached| of_group.add(reached));
            }
            Ok::<_, io::Error>(())
        })?;
        of_group.iter().try_for_each(|of_group| of_group.write(&values, &mut targets))?;
    }
    targets.end()
}

/// What some runs of one group add to the tables.
#[derive(Default)]
struct Part {
    texts: [Vec<u8>; run_tables::NAMES.len()],
    reached: Vec<Reached>,
}

fn part(
    records: &dyn Records,
    tables: &RunTables,
    runs: Range<usize>,
    values: &[String],
    targets: Option<&Targets>,
) -> io::Result<Part> {
    let mut part = Part::default();
    let mut rows = part.texts.each_mut().map(Rows::further);
    for member in records.among(runs) {
        let (index, record) = member?;
        tables.add(index, &record, values, &mut rows)?;
        part.reached.extend(targets.map(|targets| targets.reached(&record)));
    }
    rows.into_iter().try_for_each(Rows::end)?;
    Ok(part)
}
