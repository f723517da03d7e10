//! The comparison of optimizers and differentiation methods at one combination of the axes: a row for each.
//!
//! A combination of the axes is a *variant*; rows are compared inside their variant, so that variants are compared one by
//! one. What is measured:
//!
//! * **Median**s are over all finished runs of the row. A run without an answer counts as infinitely bad (loss and error
//!   `inf`, digits 0), so that a method does not look better by failing.
//! * The **answer** of a variant is the best known minimum: among the runs whose loss is the lowest one to rounding
//!   (relative 1e-12), the run that agrees best with the others (least median error; the first of them in the plan).
//!   Where the experiment states an `expected` loss that lies below every run by more than its tolerance, and all
//!   parameters, these are the answer instead. Neither a `reference` nor the truth of synthetic data is the answer: with
//!   noise the minimum lies elsewhere, and a minimiser is judged by the minimum.
//! * The **error** of a run is its largest relative deviation from the answer over the parameters, absolute where the
//!   answer is zero; **digits** are -log10 of it, from 0 to 17 (the log relative error of McCullough, The American
//!   Statistician 52 (1998) 358). A run is not its own yardstick: the run that is the answer is left out of both.
//! * The **target** is the answer's loss plus 1e-6 of its magnitude, at least 1e-8. What reaching it is expected to
//!   take, in evaluations, work and seconds, is `runtime`'s; which row is the best, and how sure that is, `winner`'s.
//! * The interval of the **success** rate, the share of the runs that reached the target, is Wilson's of 95 %.
//! * **LRE**s are the digits in which a run agrees with what the experiment expects: of the worst parameter, the worst
//!   standard error (by the first interval method that has them) and the loss; medians over the runs, 0 of a failed one.
//! * The **cost ratio** is the median of the seconds relative to the cheapest row of the variant.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::runtime::{self, Expected as Runtimes, Precisions, Runtime};
use super::winner::{self, Costs, Winner};
use super::{AT_ONCE, TOGETHER};
use crate::execute::in_order;
use crate::experiment::Expected;
use crate::math::elementary::log10;
use crate::math::statistics::wilson;
use crate::plan::{Group, Plan};
use crate::record::{Record, Records, Status};

/// One variant: its rows, in the order in which the plan first names them, and the answer, the precisions of the targets
/// and the winner.
#[derive(Clone, Debug)]
pub struct Compared {
    pub variant: usize,
    pub rows: Vec<Row>,
    pub answer: Option<Answer>,
    pub precisions: Precisions,
    pub winner: Option<Winner>,
}

/// One optimizer with one differentiation method at one combination of the axes.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub variant: usize,
    pub optimizer: Arc<str>,
    /// None for optimizers without gradients.
    pub method: Option<Arc<str>>,
    /// Positions in the plan of its finished runs.
    pub members: Vec<usize>,
    pub converged: usize,
    pub failed: usize,
    /// Runs that reached the target.
    pub reached: usize,
    pub loss_best: Option<f64>,
    pub loss_median: Option<f64>,
    pub error_median: Option<f64>,
    pub digits_median: Option<f64>,
    pub evaluations_median: Option<f64>,
    pub gradients_median: Option<f64>,
    pub seconds_median: Option<f64>,
    pub seconds_to_target: Option<f64>,
    pub cost_ratio: Option<f64>,
    pub work_median: Option<f64>,
    pub evaluations_to_target: Option<f64>,
    pub work_to_target: Option<f64>,
    /// The interval of the success rate.
    pub success: Option<(f64, f64)>,
    /// How probable it is that no other row reaches the target with less work.
    pub best_probability: Option<f64>,
    /// Digits of parameters, standard errors and loss that agree with what is expected.
    pub lre: [Option<f64>; 3],
    /// How far the runs begin above the answer: the median over those whose first loss is finite.
    pub excess_at_start: Option<f64>,
}

/// The level of the interval of the success rate.
const LEVEL: f64 = 0.95;

/// The best known minimum of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub loss: f64,
    pub parameters: Vec<f64>,
    /// Position in the plan of the run that it is; None where the experiment stated it.
    pub run: Option<usize>,
}

/// Losses this near, relative, are equal to rounding.
const TIE: f64 = 1e-12;

/// How many tied runs are compared with each other; more would cost their square and change little.
const TIED_AT_MOST: usize = 200;

impl Answer {
    /// The loss at and below which a run has reached it.
    pub fn target(&self) -> f64 {
        self.loss + (1e-6 * self.loss.abs()).max(1e-8)
    }
}

impl Compared {
    /// Compares the finished runs of a variant, and fetches each record once.
    pub fn of(plan: &Plan, records: &dyn Records, variant: usize) -> io::Result<Compared> {
        let answer = answer(plan, records, variant)?;
        let (mut rows, mut costs) = (Vec::new(), Vec::new());
        for Group { runs, .. } in plan.groups_of(variant).filter(|group| !group.runs.is_empty()) {
            let run = plan.run(runs.start);
            let (optimizer, method) = (plan.optimizer(&run), plan.differentiation(&run));
            let members = records.finished(runs).collect();
            let mut row = Row { variant, optimizer, method, members, ..Row::default() };
            costs.push(row.fill(plan, records, answer.as_ref())?);
            rows.push(row);
        }
        relate_costs(&mut rows);
        let precisions = answer.as_ref().map_or_else(Precisions::default, |answer| Precisions::of(&rows, answer));
        let winner = winner::decide(&mut rows, &costs);
        Ok(Compared { variant, rows, answer, precisions, winner })
    }
}

/// The middle value; the mean of the two middle ones where their number is even. None of nothing. Leaves the values in
/// another order.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let (even, place) = (values.len().is_multiple_of(2), values.len() / 2);
    if values.is_empty() {
        return None;
    }
    let (below, middle, _) = values.select_nth_unstable_by(place, f64::total_cmp);
    let middle = *middle;
    match below.iter().copied().max_by(f64::total_cmp).filter(|_| even) {
        Some(before) if before != middle => Some(before / 2.0 + middle / 2.0),
        _ => Some(middle),
    }
}

/// The largest relative deviation of `point` from `answer`, absolute where the answer is zero.
pub fn error(point: &[f64], answer: &[f64]) -> f64 {
    if point.len() != answer.len() {
        return f64::INFINITY;
    }
    let deviation = |(p, a): (&f64, &f64)| {
        let deviation = if *a == 0.0 { p.abs() } else { ((p - a) / a).abs() };
        if deviation.is_nan() { f64::INFINITY } else { deviation }
    };
    point.iter().zip(answer).map(deviation).fold(0.0, f64::max)
}

/// -log10 of a relative error, from 0 to 17.
pub fn digits(error: f64) -> f64 {
    if error == 0.0 { 17.0 } else { (-log10(error)).clamp(0.0, 17.0) }
}

fn answer(plan: &Plan, records: &dyn Records, variant: usize) -> io::Result<Option<Answer>> {
    let losses = || plan.runs_of(variant).filter_map(|run| Some((run, records.loss(run)?)));
    let lowest = losses().map(|(_, loss)| loss).fold(f64::INFINITY, f64::min);
    if let Some(expected) = plan.expected(variant)
        && let Some(loss) = expected.loss.filter(|loss| lowest > loss + expected.tolerance * loss.abs())
    {
        let stated = |name: &str| expected.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let parameters: Option<Vec<f64>> = plan.scalars(variant).iter().map(|name| stated(name)).collect();
        if let Some(parameters) = parameters {
            return Ok(Some(Answer { loss, parameters, run: None }));
        }
    }
    let tied = losses().filter(|(_, loss)| *loss <= lowest + TIE * lowest.abs()).map(|(run, _)| run);
    let tied: Vec<(usize, Cow<Record>)> = records.among(tied.take(TIED_AT_MOST)).collect::<io::Result<_>>()?;
    let disagreement = |record: &Record| {
        let mut errors: Vec<f64> = tied.iter().map(|other| error(&record.parameters, &other.1.parameters)).collect();
        median(&mut errors).unwrap_or(f64::INFINITY)
    };
    let central =
        tied.iter().map(|member| (disagreement(&member.1), member)).reduce(|a, b| if b.0 < a.0 { b } else { a });
    Ok(central.map(|(_, (run, record))| {
        let parameters = record.parameters.clone();
        Answer { loss: lowest, parameters, run: Some(*run) }
    }))
}

impl Row {
    /// Measures the runs of the row; what each of them spent.
    fn fill(&mut self, plan: &Plan, records: &dyn Records, answer: Option<&Answer>) -> io::Result<Costs> {
        let target = answer.map(Answer::target);
        let (expected, scalars) = (plan.expected(self.variant), plan.scalars(self.variant));
        let count = self.members.len();
        let [mut losses, mut errors, mut evaluations, mut gradients, mut work, mut seconds] =
            [(); 6].map(|()| Vec::with_capacity(count));
        let mut starts = Vec::new();
        let mut lres: [Vec<f64>; 3] = Default::default();
        let mut costs = Costs::default();
        let mut runtimes = Runtimes::default();
        let look = |runs: &&[usize]| -> io::Result<Vec<Member>> {
            let members = records.among(runs.iter().copied());
            members.map(|member| member.map(|(i, record)| Member::of(i, &record, answer, scalars, expected))).collect()
        };
        let mut add = |member: Member| {
            self.converged += usize::from(member.status == Status::Converged);
            self.failed += usize::from(member.status == Status::Failed);
            losses.push(member.loss);
            errors.extend(member.error);
            starts.extend(member.excess_at_start);
            if let Some(target) = target {
                self.reached += usize::from(member.loss <= target);
                runtimes.add(member.reached, member.spent);
                let work = member.reached.unwrap_or(member.spent).work;
                costs.push(plan.run(member.index).repeat, work, member.reached.is_some());
            }
            evaluations.push(member.spent.evaluations);
            gradients.push(member.gradients as f64);
            work.push(member.spent.work);
            seconds.push(member.spent.seconds);
            lres.iter_mut().zip(member.lre).for_each(|(all, digits)| all.extend(digits));
        };
        match self.members.len() <= TOGETHER {
            true => look(&&self.members[..])?.into_iter().for_each(add),
            false => in_order(self.members.chunks(TOGETHER), AT_ONCE, look, |members| {
                members?.into_iter().for_each(&mut add);
                Ok::<_, io::Error>(())
            })?,
        }
        self.loss_best = losses.iter().copied().reduce(f64::min).filter(|loss| loss.is_finite());
        self.loss_median = median(&mut losses);
        self.error_median = median(&mut errors);
        errors.iter_mut().for_each(|error| *error = digits(*error));
        self.digits_median = median(&mut errors);
        self.evaluations_median = median(&mut evaluations);
        self.gradients_median = median(&mut gradients);
        self.work_median = median(&mut work);
        self.seconds_median = median(&mut seconds);
        self.excess_at_start = median(&mut starts);
        let runtime = runtimes.runtime();
        self.evaluations_to_target = runtime.map(|runtime| runtime.evaluations);
        self.work_to_target = runtime.map(|runtime| runtime.work);
        self.seconds_to_target = runtime.map(|runtime| runtime.seconds);
        self.success = runtime.map(|_| wilson(self.reached, count, LEVEL));
        self.lre = lres.map(|mut all| median(&mut all));
        Ok(costs)
    }
}

/// What one run adds to its row.
struct Member {
    index: usize,
    status: Status,
    /// Infinite where there is no answer.
    loss: f64,
    /// None of the run that is the answer.
    error: Option<f64>,
    excess_at_start: Option<f64>,
    /// What it spent until the target, if it came there, and in all.
    reached: Option<Runtime>,
    spent: Runtime,
    gradients: u64,
    lre: [Option<f64>; 3],
}

impl Member {
    fn of(
        index: usize,
        record: &Record,
        answer: Option<&Answer>,
        scalars: &[String],
        expected: Option<&Expected>,
    ) -> Member {
        let found = record.answer();
        let error = |answer: &Answer| found.map_or(f64::INFINITY, |_| error(&record.parameters, &answer.parameters));
        let start = || Some(record.trace.first()?.loss - answer?.loss).filter(|excess| excess.is_finite());
        Member {
            index,
            status: record.status,
            loss: found.unwrap_or(f64::INFINITY),
            error: answer.filter(|answer| answer.run != Some(index)).map(error),
            excess_at_start: start(),
            reached: answer.and_then(|answer| runtime::reach(record, answer.target())),
            spent: runtime::spent(record),
            gradients: record.gradients,
            lre: expected.map_or([None; 3], |expected| lre(scalars, record, expected)),
        }
    }
}

/// The digits in which a run agrees with the parameters, the standard errors and the loss that are expected; None of
/// what is not stated.
fn lre(scalars: &[String], record: &Record, expected: &Expected) -> [Option<f64>; 3] {
    let failed = record.answer().is_none();
    let worst = |stated: &[(String, f64)], found: &dyn Fn(usize) -> Option<f64>| {
        let of = |(name, value): &(String, f64)| {
            let place = scalars.iter().position(|scalar| scalar == name)?;
            let found = found(place).filter(|_| !failed);
            Some(found.map_or(0.0, |found| digits(error(&[found], &[*value]))))
        };
        stated.iter().filter_map(of).reduce(f64::min)
    };
    let deviation = |place: usize| {
        let stated = record.intervals.iter().filter(|interval| interval.parameter == place);
        stated.filter_map(|interval| interval.standard_error).next()
    };
    [
        worst(&expected.parameters, &|place| record.parameters.get(place).copied()),
        worst(&expected.standard_errors, &deviation),
        expected.loss.map(|value| record.answer().map_or(0.0, |loss| digits(error(&[loss], &[value])))),
    ]
}

fn relate_costs(rows: &mut [Row]) {
    let cheapest = rows.iter().filter_map(|row| row.seconds_median).fold(f64::INFINITY, f64::min);
    let least = Some(cheapest).filter(|least| *least > 0.0);
    for row in rows {
        row.cost_ratio = row.seconds_median.zip(least).map(|(seconds, least)| seconds / least);
    }
}
