//! Adam: steps of each coordinate scaled by the running size of its gradient.

use argmin::core::Error;

use super::guard::Guard;
use super::ledger::Slope;
use super::stopping::{Convergence, GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::{cos, sqrt};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "adam",
        summary: "first-order steps scaled by running moments of the gradient, with a step that falls to nothing",
        reference: "Kingma & Ba 2015, ICLR, algorithm 1; cosine schedule of Loshchilov & Hutter 2017, ICLR, eq. 5",
        settings: &[
            Setting {
                name: "step",
                summary: "first step of a coordinate; search coordinates are of size 1",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(0.05),
            },
            Setting {
                name: "first_decay",
                summary: "share of the running mean of gradients that stays",
                accepts: Accepts::Number(Range::Closed(0.0, 0.999_999)),
                default: Default::Number(0.9),
            },
            Setting {
                name: "second_decay",
                summary: "share of the running mean of squared gradients that stays",
                accepts: Accepts::Number(Range::Closed(0.0, 0.999_999)),
                default: Default::Number(0.999),
            },
            Setting {
                name: "schedule",
                summary: "how the step falls: along a cosine over the budget, as 1/sqrt(iteration), or not at all",
                accepts: Accepts::Choice(&["cosine", "decaying", "constant"]),
                default: Default::Choice("cosine"),
            },
            Setting {
                name: "iterations",
                summary: "iterations over which the cosine falls, after which the run ends",
                accepts: Accepts::Integer { low: 1, high: 1_000_000_000 },
                default: Default::Derived("as many as the budget allows, at most 5000"),
            },
            GRADIENT_TOLERANCE,
            LOSS_TOLERANCE,
        ],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// Against division by zero (Kingma & Ba 2015).
const EPSILON: f64 = 1e-8;
/// Steps that are not searched for may let the loss rise for a while.
const PATIENCE: u32 = 500;
const LONGEST: u64 = 5000;

#[derive(Clone, Copy, PartialEq)]
enum Schedule {
    Cosine,
    Decaying,
    Constant,
}

struct Adam<'g, 'a> {
    guard: &'g Guard<'a>,
    here: Slope,
    step: f64,
    decays: (f64, f64),
    schedule: Schedule,
    length: u64,
    /// Running means of the gradient and of its square, and the decays to the power of the iteration.
    first: Vec<f64>,
    second: Vec<f64>,
    powers: (f64, f64),
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let mut convergence = Convergence::new(settings, PATIENCE);
    let Some(here) = convergence.start(guard, &plan.start)? else { return Ok(()) };
    let number = |name, other| settings.number(name).unwrap_or(other);
    let affordable = guard.budget().evaluations / guard.cost_of_gradient().max(1);
    let asked = settings.integer("iterations").and_then(|n| u64::try_from(n).ok());
    let n = plan.start.len();
    let method = Adam {
        guard,
        here,
        step: number("step", 0.05),
        decays: (number("first_decay", 0.9), number("second_decay", 0.999)),
        schedule: match settings.choice("schedule") {
            Some("decaying") => Schedule::Decaying,
            Some("constant") => Schedule::Constant,
            _ => Schedule::Cosine,
        },
        length: asked.unwrap_or(affordable.clamp(1, LONGEST)),
        first: vec![0.0; n],
        second: vec![0.0; n],
        powers: (1.0, 1.0),
    };
    walk(guard, method, Some(&mut convergence))
}

impl Walk for Adam<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.here.point, self.here.loss)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let done = iteration as f64;
        let share = match self.schedule {
            Schedule::Cosine => 0.5 * (1.0 + cos(std::f64::consts::PI * (done / self.length as f64).min(1.0))),
            Schedule::Decaying => 1.0 / sqrt(done + 1.0),
            Schedule::Constant => 1.0,
        };
        if self.schedule == Schedule::Cosine && iteration >= self.length {
            self.guard.stop(Reason::IterationBudget);
            return Ok(());
        }
        self.powers.0 *= self.decays.0;
        self.powers.1 *= self.decays.1;
        let (means, squares) = (self.first.iter_mut(), self.second.iter_mut());
        let moments = self.here.gradient.iter().zip(means.zip(squares));
        let step: Vec<f64> = moments
            .map(|(g, (mean, square))| {
                *mean = self.decays.0 * *mean + (1.0 - self.decays.0) * g;
                *square = self.decays.1 * *square + (1.0 - self.decays.1) * g * g;
                let unbiased = *mean / (1.0 - self.powers.0);
                share * self.step * unbiased / (sqrt(*square / (1.0 - self.powers.1)) + EPSILON)
            })
            .collect();
        // From where the loss is not finite, half way back until it is.
        let mut shorter = 1.0;
        for _ in 0..60 {
            let next: Vec<f64> = self.here.point.iter().zip(&step).map(|(x, s)| x - shorter * s).collect();
            let there = self.guard.slope(&next)?;
            if there.is_finite() {
                self.here = there;
                return Ok(());
            }
            shorter *= 0.5;
            self.first.iter_mut().for_each(|mean| *mean *= 0.5);
        }
        self.guard.stop(Reason::NoDescent);
        Ok(())
    }
}
