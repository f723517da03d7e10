//! Simulated annealing in a box: a walk along the axes whose steps adapt and whose temperature falls with the budget.

use argmin::core::Error;

use super::guard::Guard;
use super::population::{Bounds, Member, first_generation};
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::{exp, log};
use crate::math::random::Stream;
use crate::math::statistics::quantile;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "simulated_annealing",
        summary: "a random walk that takes rises of the loss the less willingly the colder it is",
        reference: "Kirkpatrick, Gelatt & Vecchi 1983, Science 220, 671; steps of Corana, Marchesi, Martini & Ridella \
                    1987, ACM TOMS 13, 262, section 3",
        settings: &[
            Setting {
                name: "temperature",
                summary: "first temperature",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Derived("the spread of the losses of the first points, between their quartiles"),
            },
            Setting {
                name: "cooling",
                summary: "the last temperature as a share of the first, reached when the budget is used",
                accepts: Accepts::Number(Range::Open(0.0, 1.0)),
                default: Default::Number(1e-14),
            },
            Setting {
                name: "step_tolerance",
                summary: "stop when every step is below this share of the box",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(1e-10),
            },
        ],
        check: independent,
    },
    gradient: false,
    population: true,
};

/// Sweeps over the coordinates between two adaptations of the steps.
const SWEEPS: u64 = 20;
/// How fast steps adapt (Corana et al.: c).
const GAIN: f64 = 2.0;
/// Points that set the first temperature, for each coordinate.
const FIRST: usize = 10;

struct Annealing<'g, 'a> {
    guard: &'g Guard<'a>,
    bounds: Bounds,
    key: Stream,
    here: Member,
    /// Whether the first temperature was asked for.
    asked: bool,
    temperature: f64,
    cooling: f64,
    step_tolerance: f64,
    steps: Vec<f64>,
    taken: Vec<u64>,
    started: u64,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let bounds = plan.bounds.clone().unwrap_or_default();
    let n = bounds.len();
    // The walk starts at the best of a few points.
    let mut first = first_generation(plan, &bounds, (FIRST * n).max(20));
    let losses = guard.values(&first)?;
    let finite: Vec<f64> = losses.iter().copied().filter(|loss| loss.is_finite()).collect();
    let quartile = |p| quantile(&finite, p).unwrap_or(0.0);
    let asked = settings.number("temperature");
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap_or(0);
    let method = Annealing {
        guard,
        key: plan.stream.split(0),
        here: Member { point: first.swap_remove(best), loss: losses[best] },
        asked: asked.is_some(),
        temperature: asked.unwrap_or(quartile(0.75) - quartile(0.25)),
        cooling: settings.number("cooling").unwrap_or(1e-14),
        step_tolerance: settings.number("step_tolerance").unwrap_or(0.0),
        steps: bounds.iter().map(|(low, high)| 0.5 * (high - low)).collect(),
        taken: vec![0; n],
        started: guard.evaluations(),
        bounds,
    };
    walk(guard, method, None)
}

impl Walk for Annealing<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.here.point, self.here.loss)
    }

    /// Some sweeps at one temperature.
    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let Member { point, loss } = &mut self.here;
        let mut stream = self.key.split(iteration);
        let room = self.guard.budget().evaluations.saturating_sub(self.started).max(1);
        let used = (self.guard.evaluations() - self.started) as f64 / room as f64;
        // A tenth of the budget at the end is for the descent alone.
        let temperature = self.temperature * exp(log(self.cooling) * (used / 0.9).min(1.0));
        self.taken.fill(0);
        for _ in 0..SWEEPS {
            for j in 0..point.len() {
                let (low, high) = self.bounds[j];
                let mut trial = point.clone();
                trial[j] += self.steps[j] * stream.between(-1.0, 1.0);
                if trial[j] < low || trial[j] > high {
                    // Inside again, anywhere on the way.
                    let wall = if trial[j] < low { low } else { high };
                    trial[j] = point[j] + stream.uniform() * (wall - point[j]);
                }
                let there = self.guard.value(&trial)?;
                let rise = there - *loss;
                if rise <= 0.0 || (temperature > 0.0 && stream.uniform() < exp(-rise / temperature)) {
                    (*point, *loss) = (trial, there);
                    self.taken[j] += 1;
                }
            }
        }
        let mut resting = true;
        for ((step, taken), (low, high)) in self.steps.iter_mut().zip(&self.taken).zip(&self.bounds) {
            let rate = *taken as f64 / SWEEPS as f64;
            // Between 40 and 60 in a hundred the step is right (Corana et al. 1987, eq. for v').
            if rate > 0.6 {
                *step *= 1.0 + GAIN * (rate - 0.6) / 0.4;
            } else if rate < 0.4 {
                *step /= 1.0 + GAIN * (0.4 - rate) / 0.4;
            }
            *step = step.min(high - low);
            resting &= *step <= self.step_tolerance * (high - low);
        }
        // A landscape without any height has nothing to anneal.
        if resting || (self.temperature == 0.0 && !self.asked) {
            self.guard.stop(Reason::StepTolerance);
        }
        Ok(())
    }
}
