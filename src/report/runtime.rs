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
//!   evaluations). Where iterations between two points of the trace were not kept, the logarithm of what the loss lies
//!   above the run's last one is taken to fall evenly from one iteration to the next.
//! * The **expected runtime** is what all runs spent before they reached the target, or to their ends, over the number of
//!   runs that reached it: that of restarting until one does. Infinite where none did.
//! * The **share** within a runtime is that of all pairs of a run and a target that are reached by then, without
//!   simulated restarts (COCO's ECDF of runtimes has them). A row of more than 2000 runs is represented by 2000 of them,
//!   spread evenly over its repeats.

use std::io;

use super::compared::{Answer, Row};
use crate::math::elementary::{exp, log};
use crate::record::{Record, Records, TracePoint};

/// Targets of a variant.
pub const TARGETS: usize = 51;

/// Runs of a row whose share of targets is counted: their runtimes are held at once.
pub const RUNS: usize = 2000;

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
    if record.answer()? > target {
        return None;
    }
    let before = record.trace.partition_point(|point| point.loss.is_nan() || point.loss > target);
    let all = spent(record);
    let Some(point) = record.trace.get(before) else { return Some(all) };
    let first = before.checked_sub(1).map_or(point, |before| &record.trace[before]);
    let share = passed(first, point, target, record.trace.last().map_or(point.loss, |last| last.loss));
    let between = |first: u64, next: u64| share.mul_add(next.saturating_sub(first) as f64, first as f64);
    let evaluations = between(first.evaluations, point.evaluations);
    let gradients = between(first.gradients, point.gradients);
    // What a gradient costs beyond the evaluations that it is counted as.
    let extra = (record.work - all.evaluations) / record.gradients.max(1) as f64;
    let share = if record.evaluations > 0 { evaluations / all.evaluations } else { 1.0 };
    let work = extra.mul_add(gradients, evaluations);
    Some(Runtime { evaluations, work, seconds: share * all.seconds })
}

/// The share of the iterations from one point of a trace to the next after which the loss was as low as the target.
fn passed(first: &TracePoint, next: &TracePoint, target: f64, last: f64) -> f64 {
    let iterations = next.iteration.saturating_sub(first.iteration).max(1) as f64;
    let above = |loss: f64| log(loss - last);
    let share = (above(first.loss) - above(target)) / (above(first.loss) - above(next.loss));
    // No number where the first loss is infinite or none; and nothing is known of how a last loss was come near.
    if share < 1.0 && next.loss > last { (share * iterations).ceil().max(1.0) / iterations } else { 1.0 }
}

/// The expected runtime of restarting until a run reaches a target, from one run after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    total: Runtime,
    runs: usize,
    pub reached: usize,
}

impl Expected {
    /// Counts a run: what it spent until it reached the target, if it did, and in all.
    pub fn add(&mut self, reached: Option<Runtime>, spent: Runtime) {
        self.reached += usize::from(reached.is_some());
        self.runs += 1;
        self.total = self.total.plus(reached.unwrap_or(spent));
    }

    /// None without runs; infinite where none reached the target.
    pub fn runtime(&self) -> Option<Runtime> {
        let each = |sum| if self.reached == 0 { f64::INFINITY } else { sum / self.reached as f64 };
        (self.runs > 0).then(|| self.total.map(each))
    }
}

/// The precisions of a variant: where its optimizers begin, and that of the target; two zeros where there is no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Precisions {
    coarsest: f64,
    finest: f64,
}

impl Precisions {
    pub fn of(rows: &[Row], answer: &Answer) -> Precisions {
        let finest = answer.target() - answer.loss;
        let coarsest = rows.iter().filter_map(|row| row.excess_at_start).fold(finest, f64::max);
        Precisions { coarsest, finest }
    }

    /// All of them, from the coarsest on.
    pub fn all(self) -> Vec<f64> {
        let Precisions { coarsest, finest } = self;
        let usable = finest > 0.0 && finest.is_finite() && coarsest.is_finite();
        if !usable || coarsest <= finest {
            return vec![finest];
        }
        let (from, to) = (log(coarsest), log(finest));
        let last = TARGETS - 1;
        let step = |i: usize| if i == last { finest } else { exp(from + (to - from) * i as f64 / last as f64) };
        (0..TARGETS).map(step).collect()
    }
}

/// The runtimes of the pairs of a run and a target that were reached: sorted numbers of evaluations, of work, of seconds;
/// and how many pairs there are. Of more than `RUNS` runs, as many spread evenly over them stand for all.
pub fn reached(
    row: &Row,
    records: &dyn Records,
    answer: &Answer,
    precisions: &[f64],
) -> io::Result<([Vec<f64>; 3], usize)> {
    let parts: [fn(Runtime) -> f64; 3] = [|r| r.evaluations, |r| r.work, |r| r.seconds];
    let mut runtimes: [Vec<f64>; 3] = Default::default();
    let some = thinned(row.members.len(), RUNS);
    for member in records.among(some.iter().map(|place| row.members[*place])) {
        let (_, record) = member?;
        for runtime in precisions.iter().filter_map(|precision| reach(&record, answer.loss + precision)) {
            for (all, part) in runtimes.iter_mut().zip(parts) {
                all.extend(Some(part(runtime)).filter(|part| part.is_finite()));
            }
        }
    }
    runtimes.iter_mut().for_each(|all| all.sort_by(f64::total_cmp));
    Ok((runtimes, some.len() * precisions.len()))
}

/// At most `most` of `count` positions, evenly spread, the first and the last among them.
pub fn thinned(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|i| i * (count - 1) / (most - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(iteration: u64, loss: f64) -> TracePoint {
        TracePoint { iteration, evaluations: 7 * iteration, gradients: iteration, loss, gradient_norm: None }
    }

    /// The iteration after which a run of these points was as low.
    fn passes(first: TracePoint, next: TracePoint, target: f64) -> f64 {
        let share = passed(&first, &next, target, 1.0);
        share.mul_add((next.iteration - first.iteration) as f64, first.iteration as f64)
    }

    #[test]
    fn iterations_that_were_not_kept_are_taken_to_fall_evenly() {
        let pass = |target| passes(point(10, 101.0), point(20, 2.0), target);
        assert_eq!(pass(11.0), 15.0);
        assert_eq!(pass(10.9), 16.0);
        assert_eq!(pass(100.999), 11.0);
        assert_eq!(pass(2.0), 20.0);
        assert_eq!(passes(point(10, 101.0), point(11, 2.0), 100.0), 11.0);
        // Where there is nothing to go by, at the end.
        assert_eq!(passes(point(0, f64::INFINITY), point(9, 2.0), 3.0), 9.0);
        assert_eq!(passes(point(0, f64::NAN), point(9, 2.0), 3.0), 9.0);
        assert_eq!(passes(point(0, 2.0), point(9, 1.0), 1.5), 9.0);
    }
}
