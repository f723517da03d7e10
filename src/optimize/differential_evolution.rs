//! Differential evolution: rand/1/bin, best/1/bin, and current-to-pbest/1/bin that adapts itself (L-SHADE).
//!
//! A whole generation is evaluated as one batch. Random numbers are keyed by the generation.

use argmin::core::Error;

use super::Plan;
use super::guard::Guard;
use super::population::{Bounds, LOSS_SPREAD, Member, POINT_SPREAD, Spread, best, first_generation, members, rank};
use super::success_history::History;
use super::watch::{Walk, walk};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::random::Stream;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "differential_evolution",
        summary: "population search by scaled differences of members; adapts itself by default",
        reference: "Storn & Price 1997; current-to-pbest/1 and bounds of Zhang & Sanderson 2009, eqs. 1-5; success \
                    history of Tanabe & Fukunaga 2013, falling population of Tanabe & Fukunaga 2014, eq. 10",
        settings: &[
            Setting {
                name: "strategy",
                summary: "which difference makes a mutant; only current-to-pbest/1 adapts its factors",
                accepts: Accepts::Choice(&["current-to-pbest/1", "rand/1/bin", "best/1/bin"]),
                default: Default::Choice("current-to-pbest/1"),
            },
            Setting {
                name: "population",
                summary: "members of the first generation",
                accepts: Accepts::Integer { low: 4, high: 1_000_000 },
                default: Default::Derived("18 per parameter under current-to-pbest/1, else 10; at least 20"),
            },
            Setting {
                name: "weight",
                summary: "factor of the difference under rand/1/bin and best/1/bin",
                accepts: Accepts::Number(Range::Open(0.0, 2.0)),
                default: Default::Number(0.7),
            },
            Setting {
                name: "crossover",
                summary: "probability that a coordinate is taken from the mutant under rand/1/bin and best/1/bin",
                accepts: Accepts::Number(Range::Closed(0.0, 1.0)),
                default: Default::Number(0.9),
            },
            Setting {
                name: "elite_share",
                summary: "share of the population that counts as the best under current-to-pbest/1",
                accepts: Accepts::Number(Range::Open(0.0, 1.0)),
                default: Default::Number(0.11),
            },
            Setting {
                name: "archive",
                summary: "replaced parents kept for differences, as a multiple of the population",
                accepts: Accepts::Number(Range::Closed(0.0, 100.0)),
                default: Default::Number(2.6),
            },
            Setting {
                name: "history",
                summary: "how many successful means of the factors are remembered",
                accepts: Accepts::Integer { low: 1, high: 1000 },
                default: Default::Integer(6),
            },
            Setting {
                name: "shrink",
                summary: "let the population fall to 4 as the budget of evaluations is used; current-to-pbest/1 only",
                accepts: Accepts::Flag,
                default: Default::Flag(true),
            },
            LOSS_SPREAD,
            POINT_SPREAD,
        ],
        check: independent,
    },
    gradient: false,
    population: true,
};

const SMALLEST: usize = 4;

#[derive(Clone, Copy, PartialEq)]
enum Strategy {
    Rand,
    Best,
    CurrentToPbest,
}

struct Evolution<'g, 'a> {
    guard: &'g Guard<'a>,
    bounds: Bounds,
    key: Stream,
    spread: Spread,
    members: Vec<Member>,
    strategy: Strategy,
    weight: f64,
    crossover: f64,
    elite_share: f64,
    archive_rate: f64,
    shrink: bool,
    first_size: usize,
    history: History,
    archive: Vec<Vec<f64>>,
    /// One per member: what is evaluated next.
    trials: Vec<Vec<f64>>,
    /// Weight and crossover probability of each trial.
    factors: Vec<(f64, f64)>,
    order: Vec<usize>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let bounds = plan.bounds.clone().unwrap_or_default();
    let strategy = match settings.choice("strategy") {
        Some("rand/1/bin") => Strategy::Rand,
        Some("best/1/bin") => Strategy::Best,
        _ => Strategy::CurrentToPbest,
    };
    let number = |name| settings.number(name).unwrap_or(0.0);
    let size = |name| settings.integer(name).and_then(|n| usize::try_from(n).ok());
    let each = if strategy == Strategy::CurrentToPbest { 18 } else { 10 };
    let count = size("population").unwrap_or((each * bounds.len()).max(20)).max(SMALLEST);
    let trials = first_generation(plan, &bounds, count);
    let losses = guard.values(&trials)?;
    let method = Evolution {
        guard,
        key: plan.stream.split(0),
        spread: Spread::new(settings),
        strategy,
        weight: number("weight"),
        crossover: number("crossover"),
        elite_share: number("elite_share"),
        archive_rate: number("archive"),
        shrink: settings.flag("shrink").unwrap_or(false) && strategy == Strategy::CurrentToPbest,
        first_size: count,
        history: History::new(size("history").unwrap_or(6)),
        archive: Vec::new(),
        members: members(&trials, losses),
        trials,
        factors: vec![(0.0, 0.0); count],
        order: Vec::new(),
        bounds,
    };
    method.spread.test(guard, &method.members, &method.bounds);
    walk(guard, method, None)
}

impl Walk for Evolution<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        best(&self.members)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let mut members = std::mem::take(&mut self.members);
        let mut stream = self.key.split(iteration);
        rank(&members, &mut self.order);
        for i in 0..members.len() {
            self.propose(i, &members, &mut stream);
        }
        let losses = self.guard.values(&self.trials)?;
        self.select(&mut members, &losses, &mut stream);
        self.history.learn();
        if self.shrink {
            self.reduce(&mut members, &mut stream);
        }
        self.spread.test(self.guard, &members, &self.bounds);
        self.members = members;
        Ok(())
    }
}

impl Evolution<'_, '_> {
    /// Writes trial `i`: mutation, bounds, binomial crossover.
    fn propose(&mut self, i: usize, members: &[Member], stream: &mut Stream) {
        let n = members.len();
        let (weight, crossover) = match self.strategy {
            Strategy::CurrentToPbest => self.history.draw(stream),
            _ => (self.weight, self.crossover),
        };
        self.factors[i] = (weight, crossover);
        let other = |stream: &mut Stream, taken: &[usize]| loop {
            let k = stream.index(n);
            if !taken.contains(&k) {
                break k;
            }
        };
        let a = other(stream, &[i]);
        let (base, toward, b): (&[f64], Option<&[f64]>, &[f64]) = match self.strategy {
            Strategy::Rand => {
                let b = other(stream, &[i, a]);
                (&members[other(stream, &[i, a, b])].point, None, &members[b].point)
            }
            Strategy::Best => (&members[self.order[0]].point, None, &members[other(stream, &[i, a])].point),
            Strategy::CurrentToPbest => {
                let elite = ((self.elite_share * n as f64).round() as usize).clamp(2, n);
                let best = self.order[stream.index(elite)];
                // The second member of the difference may come from the archive.
                let b = loop {
                    let k = stream.index(n + self.archive.len());
                    if k != i && k != a {
                        break k;
                    }
                };
                let b = if b < n { &members[b].point } else { &self.archive[b - n] };
                (&members[i].point, Some(&members[best].point), b)
            }
        };
        let (parent, a) = (&members[i].point, &members[a].point);
        let trial = &mut self.trials[i];
        let kept = stream.index(parent.len());
        for j in 0..parent.len() {
            if j != kept && stream.uniform() >= crossover {
                trial[j] = parent[j];
                continue;
            }
            let pull = toward.map_or(0.0, |best| best[j] - parent[j]);
            let mutant = base[j] + weight * pull + weight * (a[j] - b[j]);
            let (low, high) = self.bounds[j];
            // Zhang & Sanderson 2009: half way from the parent to the bound that was crossed.
            trial[j] = if mutant < low {
                0.5 * low + 0.5 * parent[j]
            } else if mutant > high {
                0.5 * high + 0.5 * parent[j]
            } else {
                mutant
            };
        }
    }

    /// Replaces every member whose trial is not worse; better trials teach the history and feed the archive.
    fn select(&mut self, members: &mut [Member], losses: &[f64], stream: &mut Stream) {
        let room = (self.archive_rate * members.len() as f64) as usize;
        for (i, member) in members.iter_mut().enumerate() {
            if losses[i] > member.loss {
                continue;
            }
            let fall = member.loss - losses[i];
            std::mem::swap(&mut member.point, &mut self.trials[i]);
            member.loss = losses[i];
            // Both infinite gives NaN: no success.
            if fall > 0.0 && self.strategy == Strategy::CurrentToPbest {
                let (weight, crossover) = self.factors[i];
                self.history.succeeded(weight, crossover, fall);
                if self.archive.len() < room {
                    self.archive.push(self.trials[i].clone());
                } else if room > 0 {
                    let k = stream.index(self.archive.len());
                    self.archive[k].clone_from(&self.trials[i]);
                }
            }
        }
    }

    /// Linear reduction with the evaluations used (Tanabe & Fukunaga 2014, eq. 10).
    fn reduce(&mut self, members: &mut Vec<Member>, stream: &mut Stream) {
        let used = (self.guard.evaluations() as f64 / self.guard.budget().evaluations as f64).min(1.0);
        let size = (self.first_size as f64 + (SMALLEST as f64 - self.first_size as f64) * used).round() as usize;
        if size >= members.len() {
            return;
        }
        rank(members, &mut self.order);
        let mut survivors: Vec<usize> = self.order[..size.max(SMALLEST)].to_vec();
        survivors.sort_unstable();
        let mut next = survivors.into_iter().peekable();
        let mut i = 0;
        members.retain(|_| {
            let keep = next.next_if_eq(&i).is_some();
            i += 1;
            keep
        });
        self.trials.truncate(members.len());
        self.factors.truncate(members.len());
        let room = (self.archive_rate * members.len() as f64) as usize;
        while self.archive.len() > room {
            let k = stream.index(self.archive.len());
            self.archive.swap_remove(k);
        }
    }
}
