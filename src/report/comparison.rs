//! The comparison of optimizers and differentiation methods: one row per optimizer, method and combination of axes.
//!
//! A combination of the axes is a *variant*; rows are compared inside their variant. What is measured:
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

use std::collections::HashMap;

use super::runtime;
use super::winner::{self, Winner};
use crate::experiment::Expected;
use crate::math::elementary::log10;
use crate::math::statistics::wilson;
use crate::plan::{Plan, Run};
use crate::record::{Record, Status};

/// The rows, in the order in which the plan first names them, and the answer, the precisions of the targets and the
/// winner of each variant.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub rows: Vec<Row>,
    pub answers: Vec<Option<Answer>>,
    pub precisions: Vec<Vec<f64>>,
    pub winners: Vec<Option<Winner>>,
}

/// One optimizer with one differentiation method at one combination of the axes.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub variant: usize,
    pub optimizer: String,
    /// None for optimizers without gradients.
    pub method: Option<String>,
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

/// The finite loss of a record that is an answer at all.
pub fn loss(record: &Record) -> Option<f64> {
    record.loss.filter(|loss| loss.is_finite() && record.status != Status::Failed)
}

/// Compares the finished runs. `records` are in the order of the plan.
pub fn compare(plan: &Plan, records: &[Option<Record>]) -> Comparison {
    let answers: Vec<Option<Answer>> =
        members_by_variant(plan, records).iter().enumerate().map(|(v, runs)| answer(plan, records, v, runs)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<(usize, usize, Option<&'static str>), usize> = HashMap::new();
    for run in &plan.runs {
        let method = run.method.map(|kind| kind.name);
        let place = *places.entry((run.variant, run.optimizer, method)).or_insert_with(|| {
            let optimizer = plan.optimizer(run).to_string();
            rows.push(Row { variant: run.variant, optimizer, method: plan.differentiation(run), ..Row::default() });
            rows.len() - 1
        });
        if records.get(run.index).is_some_and(Option::is_some) {
            rows[place].members.push(run.index);
        }
    }
    for row in &mut rows {
        let expected = &plan.variants[row.variant].experiment.expected;
        row.fill(plan, records, answers.get(row.variant).and_then(Option::as_ref), expected);
    }
    relate_costs(&mut rows);
    let of_variant = |variant: usize, answer: &Option<Answer>| {
        let here: Vec<&Row> = rows.iter().filter(|row| row.variant == variant).collect();
        answer.as_ref().map_or(Vec::new(), |answer| runtime::precisions(&here, records, answer))
    };
    let precisions = answers.iter().enumerate().map(|(variant, answer)| of_variant(variant, answer)).collect();
    let mut decide = |(variant, answer): (usize, &Option<Answer>)| {
        winner::decide(plan, records, &mut rows, variant, answer.as_ref()?)
    };
    let winners = answers.iter().enumerate().map(&mut decide).collect();
    Comparison { rows, answers, precisions, winners }
}

/// The run to show: the lowest loss over the variants that pose the same problem as the first one; the first in the
/// plan where several have it.
///
/// Axes of `differentiation`, `optimizer`, `budget` and `intervals` leave the problem as it is; any other axis poses
/// another problem, whose losses cannot be compared with the first one's.
pub fn best_run(plan: &Plan, records: &[Option<Record>]) -> Option<usize> {
    let same = |variant: usize| {
        let values = |v: usize| plan.variants.get(v).map(|variant| &variant.values);
        plan.axes.iter().enumerate().all(|(axis, path)| {
            let keeps = ["differentiation", "optimizer", "budget", "intervals"].iter().any(|root| {
                path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            });
            keeps || values(variant).map(|v| v.get(axis)) == values(0).map(|v| v.get(axis))
        })
    };
    let same: Vec<bool> = (0..plan.variants.len()).map(same).collect();
    let candidates = plan.runs.iter().filter(|run| same.get(run.variant).copied().unwrap_or(false));
    candidates
        .filter_map(|run| Some((run.index, loss(records.get(run.index)?.as_ref()?)?)))
        .min_by(|(i, a), (j, b)| a.total_cmp(b).then(i.cmp(j)))
        .map(|(index, _)| index)
}

/// The middle value; the mean of the two middle ones where their number is even. None of nothing.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ if values[middle - 1] == values[middle] => Some(values[middle]),
        _ => Some(values[middle - 1] / 2.0 + values[middle] / 2.0),
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

fn members_by_variant<'a>(plan: &'a Plan, records: &[Option<Record>]) -> Vec<Vec<&'a Run>> {
    let mut members = vec![Vec::new(); plan.variants.len()];
    for run in &plan.runs {
        if records.get(run.index).and_then(Option::as_ref).and_then(loss).is_some() {
            members[run.variant].push(run);
        }
    }
    members
}

fn answer(plan: &Plan, records: &[Option<Record>], variant: usize, runs: &[&Run]) -> Option<Answer> {
    let found: Vec<(usize, &Record, f64)> = runs
        .iter()
        .filter_map(|run| records[run.index].as_ref().and_then(|record| Some((run.index, record, loss(record)?))))
        .collect();
    let lowest = found.iter().map(|(_, _, loss)| *loss).fold(f64::INFINITY, f64::min);
    let experiment = &plan.variants[variant].experiment;
    let expected = &experiment.expected;
    if let Some(loss) = expected.loss.filter(|loss| lowest > loss + expected.tolerance * loss.abs()) {
        let stated = |name: &str| expected.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let parameters: Option<Vec<f64>> = experiment.scalars().iter().map(|scalar| stated(&scalar.name())).collect();
        if let Some(parameters) = parameters {
            return Some(Answer { loss, parameters, run: None });
        }
    }
    let tied: Vec<&(usize, &Record, f64)> =
        found.iter().filter(|(_, _, loss)| *loss <= lowest + TIE * lowest.abs()).take(TIED_AT_MOST).collect();
    let disagreement = |record: &Record| {
        let mut errors: Vec<f64> = tied.iter().map(|other| error(&record.parameters, &other.1.parameters)).collect();
        median(&mut errors).unwrap_or(f64::INFINITY)
    };
    let central =
        tied.iter().map(|member| (disagreement(member.1), *member)).reduce(|a, b| if b.0 < a.0 { b } else { a });
    central.map(|(_, (run, record, _))| Answer { loss: lowest, parameters: record.parameters.clone(), run: Some(*run) })
}

impl Row {
    fn fill(&mut self, plan: &Plan, records: &[Option<Record>], answer: Option<&Answer>, expected: &Expected) {
        let members: Vec<(usize, &Record)> =
            self.members.iter().filter_map(|index| Some((*index, records[*index].as_ref()?))).collect();
        let all = |value: fn(&Record) -> f64| members.iter().map(|(_, record)| value(record)).collect::<Vec<f64>>();
        let mut losses = all(|record| loss(record).unwrap_or(f64::INFINITY));
        let target = answer.map(Answer::target);
        self.converged = members.iter().filter(|(_, record)| record.status == Status::Converged).count();
        self.failed = members.iter().filter(|(_, record)| record.status == Status::Failed).count();
        self.reached = losses.iter().filter(|loss| target.is_some_and(|target| **loss <= target)).count();
        self.loss_best = losses.iter().copied().reduce(f64::min).filter(|loss| loss.is_finite());
        self.loss_median = median(&mut losses);
        let mut errors: Vec<f64> = answer.map_or(Vec::new(), |answer| {
            let others = members.iter().filter(|(index, _)| answer.run != Some(*index));
            let error = |record: &Record| match loss(record) {
                Some(_) => error(&record.parameters, &answer.parameters),
                None => f64::INFINITY,
            };
            others.map(|(_, record)| error(record)).collect()
        });
        self.error_median = median(&mut errors);
        self.digits_median = median(&mut errors.iter().map(|error| digits(*error)).collect::<Vec<f64>>());
        self.evaluations_median = median(&mut all(|record| record.evaluations as f64));
        self.gradients_median = median(&mut all(|record| record.gradients as f64));
        self.work_median = median(&mut all(|record| record.work));
        self.seconds_median = median(&mut all(|record| record.seconds));
        let runtime = target.and_then(|target| runtime::expected(members.iter().map(|(_, record)| *record), target));
        self.evaluations_to_target = runtime.map(|runtime| runtime.evaluations);
        self.work_to_target = runtime.map(|runtime| runtime.work);
        self.seconds_to_target = runtime.map(|runtime| runtime.seconds);
        self.success = runtime.map(|_| wilson(self.reached, members.len(), LEVEL));
        let digits: Vec<[Option<f64>; 3]> =
            members.iter().map(|(index, record)| lre(plan, *index, record, expected)).collect();
        self.lre = [0, 1, 2].map(|part| median(&mut digits.iter().filter_map(|all| all[part]).collect::<Vec<f64>>()));
    }
}

/// The digits in which a run agrees with the parameters, the standard errors and the loss that are expected; None of
/// what is not stated.
fn lre(plan: &Plan, index: usize, record: &Record, expected: &Expected) -> [Option<f64>; 3] {
    let scalars = plan.experiment(&plan.runs[index]).scalars();
    let failed = loss(record).is_none();
    let worst = |stated: &[(String, f64)], found: &dyn Fn(usize) -> Option<f64>| {
        let of = |(name, value): &(String, f64)| {
            let place = scalars.iter().position(|scalar| scalar.name() == *name)?;
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
        expected.loss.map(|value| loss(record).map_or(0.0, |loss| digits(error(&[loss], &[value])))),
    ]
}

fn relate_costs(rows: &mut [Row]) {
    let mut cheapest: HashMap<usize, f64> = HashMap::new();
    for row in rows.iter() {
        if let Some(seconds) = row.seconds_median {
            let entry = cheapest.entry(row.variant).or_insert(f64::INFINITY);
            *entry = entry.min(seconds);
        }
    }
    for row in rows {
        let least = cheapest.get(&row.variant).copied().filter(|least| *least > 0.0);
        row.cost_ratio = row.seconds_median.zip(least).map(|(seconds, least)| seconds / least);
    }
}
