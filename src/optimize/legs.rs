//! A minimisation as a chain of legs under one budget: several starts, and going on along a bound.
//!
//! Bounds. Gradient methods search without constraints, in coordinates in which a bound lies at infinity: near one the
//! loss goes flat long before the parameter stands on it. When a leg has converged, every coordinate whose parameter is
//! near an end is tried on that end. Where that lowers the loss the coordinate stays there, and the method goes on in
//! the remaining ones; afterwards each is let go once to see that the loss does not fall inwards. The reason is then
//! `AtBound`. A leg that runs far towards an end is cut short for that trial: on a slope that never ends it would crawl.
//! Population methods, whose box is closed, end by the same trial.

use std::sync::atomic::AtomicBool;

use super::guard::{Guard, Halt};
use super::{Ask, End, Outcome, Plan, Problem, Reason, Squares, Task, table};
use crate::experiment::Budget;
use crate::kind::{Optimizer, Settings};
use crate::math::linear::Matrix;
use crate::math::random::Stream;
use crate::math::sobol::Sobol;
use crate::record::{Status, TracePoint};

/// How often a bound may stop the search in one run.
const ROUNDS: u32 = 8;

/// What the legs share, and what they have used and found so far.
struct Legs<'a> {
    run: table::Run,
    settings: Settings,
    draw: &'a (dyn Fn(u64) -> Vec<f64> + Sync),
    place: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    stream: Stream,
    budget: Budget,
    elapsed: &'a (dyn Fn() -> f64 + Sync),
    cancel: &'a AtomicBool,
    observe: &'a mut dyn FnMut(&TracePoint),
    total: Outcome,
    /// How many legs there were.
    count: u64,
}

pub(super) fn drive(row: &Optimizer, run: table::Run, task: Task<'_>) -> Outcome {
    let dimension = task.problem.dimension();
    let fits = task.bounds.as_ref().is_none_or(|bounds| bounds.len() == dimension);
    if task.start.len() != dimension || dimension == 0 || !fits {
        return Outcome::refused(format!("the start has {} coordinates, the problem {dimension}", task.start.len()));
    }
    if row.population && task.bounds.is_none() {
        return Outcome::refused(format!("{} needs bounds", row.kind.name));
    }
    let mut settings = row.kind.defaults();
    settings.0.extend(task.settings.0.iter().map(|(name, value)| (*name, value.clone())));
    let mut legs = Legs {
        run,
        settings,
        draw: task.draw,
        place: task.place,
        stream: task.stream,
        budget: task.budget,
        elapsed: task.elapsed,
        cancel: task.cancel,
        observe: task.observe,
        total: Outcome {
            reason: Reason::NonFinite,
            best: None,
            evaluations: 0,
            gradients: 0,
            iterations: 0,
            work: 0.0,
        },
        count: 0,
    };
    let starts = task.starts.max(1);
    let mut design = Sobol::new(dimension, &legs.stream.split(u64::MAX - 1));
    for k in 0..starts {
        let start = if k == 0 { task.start.clone() } else { (legs.place)(&design.next()) };
        // What the earlier starts left over is for the later ones.
        let share = (legs.budget.evaluations.saturating_sub(legs.total.evaluations) / (starts - k)).max(1);
        legs.start(task.problem, start, task.bounds.as_deref(), share);
        if legs.is_over() {
            break;
        }
    }
    legs.total
}

impl Legs<'_> {
    /// Whether the budget, a target or an interruption forbids another leg.
    fn is_over(&self) -> bool {
        let used = |used: u64, most: Option<u64>| most.is_some_and(|most| used >= most);
        used(self.total.evaluations, Some(self.budget.evaluations))
            || used(self.total.gradients, self.budget.gradients)
            || used(self.total.iterations, self.budget.iterations)
            || matches!(self.total.reason, Reason::Interrupted | Reason::Target | Reason::TimeBudget)
    }

    /// One start, and what its bounds ask for, within a share of the evaluations.
    fn start(&mut self, problem: &dyn Problem, start: Vec<f64>, bounds: Option<&[(f64, f64)]>, share: u64) {
        let before = self.total.evaluations;
        let left = |legs: &Legs| (before + share).saturating_sub(legs.total.evaluations);
        let mut held: Vec<Option<f64>> = vec![None; problem.dimension()];
        // Coordinates that went far towards an end which turned out to be no better.
        let mut cleared = vec![bounds.is_some(); problem.dimension()];
        let mut outcome = self.leg(problem, start, bounds, &cleared, share);
        let mut found = outcome.best.clone();
        for _ in 0..ROUNDS {
            let Some((point, loss)) = &mut found else { break };
            let ended = outcome.status() == Status::Converged && outcome.reason != Reason::Target;
            if !ended {
                break;
            }
            let changed = self.hold(problem, point, loss, &mut held, left(self));
            if !changed {
                // A leg that was cut short near an end goes on; one that converged is done.
                if outcome.reason != Reason::AtBound {
                    break;
                }
                for (k, cleared) in cleared.iter_mut().enumerate() {
                    *cleared |= problem.ends(k).into_iter().flatten().any(|end| end.is_far(point[k]));
                }
            }
            let restricted = Restricted::new(problem, &held, point);
            // A population has seen the whole box; only the others go on.
            if bounds.is_some() || restricted.free.is_empty() || left(self) == 0 || self.is_over() {
                break;
            }
            let start = restricted.free.iter().map(|k| point[*k]).collect();
            let part: Vec<bool> = restricted.free.iter().map(|k| cleared[*k]).collect();
            outcome = self.leg(&restricted, start, None, &part, left(self));
            if let Some((part, lower)) = &outcome.best
                && *lower <= *loss
            {
                (*point, *loss) = (restricted.whole(part), *lower);
            }
        }
        if outcome.reason == Reason::AtBound {
            // Cut short near an end, and the rounds are over.
            outcome.reason = Reason::StepTolerance;
        }
        let at_bound = held.iter().any(Option::is_some);
        if at_bound && outcome.status() == Status::Converged && outcome.reason != Reason::Target {
            outcome.reason = Reason::AtBound;
        }
        let better = match (&found, &self.total.best) {
            (Some((_, new)), Some((_, old))) => new < old,
            (found, None) => found.is_some() || self.count <= 1,
            _ => false,
        };
        let final_word = matches!(outcome.reason, Reason::Interrupted | Reason::TimeBudget | Reason::Target);
        if better || final_word {
            self.total.reason = outcome.reason;
        }
        if better {
            self.total.best = found;
        }
    }

    /// One run of the method from one point.
    fn leg(
        &mut self,
        problem: &dyn Problem,
        start: Vec<f64>,
        bounds: Option<&[(f64, f64)]>,
        cleared: &[bool],
        evaluations: u64,
    ) -> Outcome {
        let (base, best) = (self.total.clone(), self.total.best.as_ref().map_or(f64::INFINITY, |(_, loss)| *loss));
        let first = self.count == 0;
        let spare = |most: Option<u64>, used: u64| most.map(|most| most.saturating_sub(used));
        let budget = Budget {
            evaluations,
            gradients: spare(self.budget.gradients, base.gradients),
            iterations: spare(self.budget.iterations, base.iterations),
            ..self.budget
        };
        let observe = &mut *self.observe;
        let mut shown = |point: &TracePoint| {
            // A later leg begins where the counts already stand.
            if first || point.iteration > 0 {
                observe(&TracePoint {
                    iteration: base.iterations + point.iteration,
                    evaluations: base.evaluations + point.evaluations,
                    gradients: base.gradients + point.gradients,
                    loss: point.loss.min(best),
                    gradient_norm: point.gradient_norm,
                });
            }
        };
        let plan = Plan {
            start,
            bounds: bounds.map(<[_]>::to_vec),
            draw: self.draw,
            place: self.place,
            settings: &self.settings,
            stream: self.stream.split(self.count),
        };
        let edges = cleared.iter().enumerate().filter(|(_, cleared)| !**cleared);
        let edges = edges.flat_map(|(k, _)| problem.ends(k).into_iter().flatten().map(move |end| (k, end))).collect();
        let guard = Guard::new(problem, edges, budget, self.elapsed, self.cancel, &mut shown);
        match (self.run)(&guard, &plan) {
            Ok(()) => {}
            // The guard refused an evaluation and knows why.
            Err(error) if error.is::<Halt>() => {}
            Err(error) => guard.stop(Reason::Solver(error.to_string())),
        }
        let outcome = guard.finish();
        self.count += 1;
        self.total.evaluations += outcome.evaluations;
        self.total.gradients += outcome.gradients;
        self.total.iterations += outcome.iterations;
        self.total.work += outcome.work;
        outcome
    }

    /// Tries the ends that are near, and holds the coordinates for which they lower the loss. A coordinate that was
    /// held before is let go where the loss falls inwards. Whether anything changed.
    fn hold(
        &mut self,
        problem: &dyn Problem,
        point: &mut [f64],
        loss: &mut f64,
        held: &mut [Option<f64>],
        mut left: u64,
    ) -> bool {
        let mut changed = false;
        for k in 0..point.len() {
            for end in problem.ends(k).into_iter().flatten() {
                if !end.is_near(point[k]) || left == 0 {
                    continue;
                }
                let trials: &[f64] = match held[k] {
                    None if point[k] == end.at => {
                        // On the bound already, as only a closed box allows.
                        held[k] = Some(end.at);
                        changed = true;
                        continue;
                    }
                    None => &[end.at],
                    Some(at) if at == end.at => &end.probes,
                    Some(_) => continue,
                };
                let free = held[k].is_none();
                for trial in trials {
                    if left == 0 {
                        break;
                    }
                    let before = std::mem::replace(&mut point[k], *trial);
                    let lower = problem.value(point);
                    self.total.evaluations += 1;
                    self.total.work += 1.0;
                    left -= 1;
                    if lower < *loss || (free && lower == *loss) {
                        *loss = lower;
                        held[k] = free.then_some(*trial);
                        changed = true;
                    } else {
                        point[k] = before;
                    }
                }
            }
        }
        changed
    }
}

/// The problem in the coordinates that are not held.
struct Restricted<'a> {
    whole: &'a dyn Problem,
    free: Vec<usize>,
    point: Vec<f64>,
}

impl<'a> Restricted<'a> {
    fn new(whole: &'a dyn Problem, held: &[Option<f64>], point: &[f64]) -> Restricted<'a> {
        let free = (0..point.len()).filter(|k| held[*k].is_none()).collect();
        let point = point.iter().zip(held).map(|(x, held)| held.unwrap_or(*x)).collect();
        Restricted { whole, free, point }
    }

    fn whole(&self, part: &[f64]) -> Vec<f64> {
        let mut point = self.point.clone();
        for (k, x) in self.free.iter().zip(part) {
            point[*k] = *x;
        }
        point
    }
}

impl Problem for Restricted<'_> {
    fn dimension(&self) -> usize {
        self.free.len()
    }

    fn value(&self, point: &[f64]) -> f64 {
        self.whole.value(&self.whole(point))
    }

    fn values(&self, points: &[Vec<f64>]) -> Vec<f64> {
        self.whole.values(&points.iter().map(|point| self.whole(point)).collect::<Vec<_>>())
    }

    fn gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (loss, gradient) = self.whole.gradient(&self.whole(point));
        (loss, self.free.iter().map(|k| gradient[*k]).collect())
    }

    fn counted_gradient(&self, point: &[f64]) -> (f64, Vec<f64>, u64) {
        let (loss, gradient, evaluations) = self.whole.counted_gradient(&self.whole(point));
        (loss, self.free.iter().map(|k| gradient[*k]).collect(), evaluations)
    }

    fn gradient_evaluations(&self) -> u64 {
        self.whole.gradient_evaluations()
    }

    fn surcharge(&self, of: Ask) -> f64 {
        self.whole.surcharge(of)
    }

    fn is_exact(&self) -> bool {
        self.whole.is_exact()
    }

    fn squares(&self, point: &[f64]) -> Option<Squares> {
        let whole = self.whole.squares(&self.whole(point))?;
        let mut jacobian = Matrix::zeros(whole.jacobian.rows, self.free.len());
        for i in 0..jacobian.rows {
            for (j, k) in self.free.iter().enumerate() {
                jacobian[(i, j)] = whole.jacobian[(i, *k)];
            }
        }
        Some(Squares { jacobian, ..whole })
    }

    fn hessian(&self, point: &[f64]) -> Option<Matrix> {
        let whole = self.whole.hessian(&self.whole(point))?;
        let mut hessian = Matrix::zeros(self.free.len(), self.free.len());
        for (i, k) in self.free.iter().enumerate() {
            for (j, l) in self.free.iter().enumerate() {
                hessian[(i, j)] = whole[(*k, *l)];
            }
        }
        Some(hessian)
    }

    fn ends(&self, k: usize) -> [Option<End>; 2] {
        self.whole.ends(self.free[k])
    }
}
