//! Gradient descent, with momentum if wanted: a line search, a fixed step or a falling one.

use argmin::core::Error;

use super::guard::Guard;
use super::ledger::Slope;
use super::line_search::search;
use super::stopping::{Convergence, GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Fault, Kind, Optimizer, Range, Setting, Settings};
use crate::math::elementary::sqrt;
use crate::math::linear::dot;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "gradient_descent",
        summary: "steepest descent with a line search, or with fixed or falling steps; momentum if wanted",
        reference: "Cauchy 1847; first trial step of Barzilai & Borwein 1988, eq. 5; momentum of Polyak 1964",
        settings: &[
            Setting {
                name: "rule",
                summary: "how far to go: search along the line, `step` times the gradient, or `step`/sqrt(iteration)",
                accepts: Accepts::Choice(&["line_search", "fixed", "decaying"]),
                default: Default::Choice("line_search"),
            },
            Setting {
                name: "step",
                summary: "factor of the gradient under `fixed` and `decaying`",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(1e-3),
            },
            Setting {
                name: "momentum",
                summary: "share of the last step that is added to the next, under `fixed` and `decaying`",
                accepts: Accepts::Number(Range::Closed(0.0, 0.999_999)),
                default: Default::Number(0.0),
            },
            GRADIENT_TOLERANCE,
            LOSS_TOLERANCE,
        ],
        check,
    },
    gradient: true,
    population: false,
};

fn check(settings: &Settings) -> Result<(), Fault> {
    let searches = settings.choice("rule") == Some("line_search");
    if searches && settings.number("momentum").is_some_and(|momentum| momentum != 0.0) {
        return Err(Fault {
            setting: "momentum",
            message: "momentum needs rule = \"fixed\" or \"decaying\": a line search chooses its own steps".into(),
        });
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    LineSearch,
    Fixed,
    Decaying,
}

struct Descent<'g, 'a> {
    guard: &'g Guard<'a>,
    here: Slope,
    rule: Rule,
    step: f64,
    momentum: f64,
    /// The last move, and the gradient before it.
    last: Option<(Vec<f64>, Vec<f64>)>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let rule = match plan.settings.choice("rule") {
        Some("fixed") => Rule::Fixed,
        Some("decaying") => Rule::Decaying,
        _ => Rule::LineSearch,
    };
    // With steps that are not searched for, a loss that rises for a while is no sign of the floor of rounding.
    let patience = if rule == Rule::LineSearch { 10 } else { 200 };
    let mut convergence = Convergence::new(plan.settings, patience);
    let Some(here) = convergence.start(guard, &plan.start)? else { return Ok(()) };
    let method = Descent {
        guard,
        here,
        rule,
        step: plan.settings.number("step").unwrap_or(1e-3),
        momentum: plan.settings.number("momentum").unwrap_or(0.0),
        last: None,
    };
    walk(guard, method, Some(&mut convergence))
}

impl Walk for Descent<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.here.point, self.here.loss)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let Slope { point, gradient, .. } = &self.here;
        let next = match self.rule {
            Rule::LineSearch => {
                let steepest = gradient.iter().map(|g| -g).collect();
                search(self.guard, &self.here, steepest, self.trial_step()).unwrap_or_else(|| {
                    self.guard.stop(Reason::NoDescent);
                    point.clone()
                })
            }
            rule => {
                let fall = if rule == Rule::Decaying { sqrt(iteration as f64 + 1.0) } else { 1.0 };
                let last = self.last.take().map_or_else(|| vec![0.0; point.len()], |(step, _)| step);
                let step = |(g, m): (&f64, f64)| self.momentum * m - self.step / fall * g;
                let step: Vec<f64> = gradient.iter().zip(last).map(step).collect();
                let next = point.iter().zip(&step).map(|(x, s)| x + s).collect();
                self.last = Some((step, Vec::new()));
                next
            }
        };
        let there = self.guard.slope(&next)?;
        if !there.is_finite() {
            self.guard.stop(Reason::Solver("the step led to a loss that is not finite; take a smaller `step`".into()));
        }
        if self.rule == Rule::LineSearch {
            let step = next.iter().zip(point).map(|(new, old)| new - old).collect();
            self.last = Some((step, std::mem::take(&mut self.here.gradient)));
        }
        self.here = there;
        Ok(())
    }
}

impl Descent<'_, '_> {
    /// s·s / s·y of the last step (Barzilai & Borwein 1988, eq. 5), where the loss curves upwards.
    fn trial_step(&self) -> Option<f64> {
        let (step, before) = self.last.as_ref()?;
        let change: Vec<f64> = self.here.gradient.iter().zip(before).map(|(new, old)| new - old).collect();
        let curvature = dot(step, &change);
        let length = dot(step, step);
        (curvature > 0.0 && (length / curvature).is_finite() && length > 0.0).then(|| length / curvature)
    }
}
