//! How long runs take to reach a target: expected runtimes, and the share of runs and targets reached within a runtime.
//!
//! After COCO (Hansen et al., Optimization Methods and Software 36 (2021) 114, arXiv:1603.08785, sections 3 and 5; Hansen
//! et al., arXiv:1605.03560):
//!
//! * A **target** is the answer's loss plus a *precision*. The 51 precisions of a variant are spread evenly in their
//!   logarithms from where its optimizers begin (the largest over its rows of the median excess at the first point of
//!   the trace) down to the precision of `Answer::target`.
//! * A run reaches a target at the first point of its trace whose best loss is as low: its **runtime**, in evaluations of
//!   the loss, in *work* (evaluations, with gradients at what they really cost), or in seconds (spread evenly over its
//!   evaluations). Traces are thinned to some two percent of the evaluations; so is the runtime.
//! * The **expected runtime** is what all runs spent before they reached the target, or to their ends, over the number of
//!   runs that reached it: that of restarting until one does. Infinite where none did.
//! * The **share** within a runtime is that of all pairs of a run and a target that are reached by then, without
//!   simulated restarts (COCO's ECDF of runtimes has them).

use super::comparison::{Answer, Row, loss, median};
use crate::math::elementary::{exp, log};
use crate::record::Record;

/// Targets of a variant.
pub const TARGETS: usize = 51;

/// What was spent, counted in three ways.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Runtime {
    pub evaluations: f64,
    pub work: f64,
    pub seconds: f64,
}

impl Runtime {
    pub fn map(self, f: impl Fn(f64) -> f64) -> Runtime {
        Runtime { evaluations: f(self.evaluations), work: f(self.work), seconds: f(self.seconds) }
    }

    fn plus(self, other: Runtime) -> Runtime {
        Runtime {
            evaluations: self.evaluations + other.evaluations,
            work: self.work + other.work,
            seconds: self.seconds + other.seconds,
        }
    }
}

/// All that a run spent.
pub fn spent(record: &Record) -> Runtime {
    Runtime { evaluations: record.evaluations as f64, work: record.work, seconds: record.seconds }
}

/// What a run spent until its loss was `target` or lower; None if it never was.
pub fn reach(record: &Record, target: f64) -> Option<Runtime> {
    // The loss of the record is the one that holds: losses of the trace are subject to the rounding of coordinates.
    if loss(record)? > target {
        return None;
    }
    let before = record.trace.partition_point(|point| point.loss.is_nan() || point.loss > target);
    let all = spent(record);
    let Some(point) = record.trace.get(before) else { return Some(all) };
    let evaluations = point.evaluations as f64;
    // What a gradient costs beyond the evaluations that it is counted as.
    let extra = (record.work - all.evaluations) / record.gradients.max(1) as f64;
    let share = if record.evaluations > 0 { evaluations / all.evaluations } else { 1.0 };
    let work = extra.mul_add(point.gradients as f64, evaluations);
    Some(Runtime { evaluations, work, seconds: share * all.seconds })
}

/// The expected runtime of restarting until a run reaches the target; None without runs.
pub fn expected<'r>(members: impl Iterator<Item = &'r Record>, target: f64) -> Option<Runtime> {
    let (mut total, mut runs, mut reached) = (Runtime::default(), 0usize, 0usize);
    for record in members {
        let runtime = reach(record, target);
        reached += usize::from(runtime.is_some());
        runs += 1;
        total = total.plus(runtime.unwrap_or_else(|| spent(record)));
    }
    (runs > 0).then(|| total.map(|sum| if reached == 0 { f64::INFINITY } else { sum / reached as f64 }))
}

/// The precisions of a variant, from the coarsest on.
pub fn precisions(rows: &[&Row], records: &[Option<Record>], answer: &Answer) -> Vec<f64> {
    let finest = answer.target() - answer.loss;
    let excess = |index: &usize| {
        let first = records[*index].as_ref()?.trace.first()?;
        Some(first.loss - answer.loss).filter(|excess| excess.is_finite())
    };
    let middle = |row: &&Row| median(&mut row.members.iter().filter_map(excess).collect::<Vec<f64>>());
    let coarsest = rows.iter().filter_map(middle).fold(finest, f64::max);
    let usable = finest > 0.0 && finest.is_finite() && coarsest.is_finite();
    if !usable || coarsest <= finest {
        return vec![finest];
    }
    let (from, to) = (log(coarsest), log(finest));
    let last = TARGETS - 1;
    let step = |i: usize| if i == last { finest } else { exp(from + (to - from) * i as f64 / last as f64) };
    (0..TARGETS).map(step).collect()
}

/// The runtimes of all pairs of a run and a target that were reached, sorted, and how many pairs there are.
pub fn reached(
    row: &Row,
    records: &[Option<Record>],
    answer: &Answer,
    precisions: &[f64],
    part: fn(Runtime) -> f64,
) -> (Vec<f64>, usize) {
    let runs = || row.members.iter().filter_map(|index| records[*index].as_ref());
    let of_run = |record| precisions.iter().filter_map(move |precision| reach(record, answer.loss + precision));
    let mut runtimes: Vec<f64> = runs().flat_map(of_run).map(part).filter(|runtime| runtime.is_finite()).collect();
    runtimes.sort_by(f64::total_cmp);
    (runtimes, runs().count() * precisions.len())
}
