//! Why a minimisation ended, and what that says of its answer.

use std::fmt;

use super::{Outcome, Reason};
use crate::record::Status;

impl Reason {
    /// Every reason, one of `Solver`: what `docs/optimizers.md` lists.
    pub const ALL: [Reason; 14] = [
        Reason::GradientTolerance,
        Reason::LossTolerance,
        Reason::StepTolerance,
        Reason::NoDescent,
        Reason::AtBound,
        Reason::Target,
        Reason::EvaluationBudget,
        Reason::GradientBudget,
        Reason::IterationBudget,
        Reason::TimeBudget,
        Reason::Stagnation,
        Reason::Interrupted,
        Reason::NonFinite,
        Reason::Solver(String::new()),
    ];

    /// How a run that ended so stands in the reports, if it has a finite answer.
    pub fn status(&self) -> Status {
        match self {
            Reason::GradientTolerance
            | Reason::LossTolerance
            | Reason::StepTolerance
            | Reason::NoDescent
            | Reason::AtBound
            | Reason::Target => Status::Converged,
            Reason::EvaluationBudget
            | Reason::GradientBudget
            | Reason::IterationBudget
            | Reason::TimeBudget
            | Reason::Stagnation
            | Reason::Interrupted => Status::Stopped,
            Reason::NonFinite | Reason::Solver(_) => Status::Failed,
        }
    }
}

impl Outcome {
    /// Of a minimisation that could not begin.
    pub fn refused(why: String) -> Outcome {
        Outcome { reason: Reason::Solver(why), best: None, evaluations: 0, gradients: 0, iterations: 0, work: 0.0 }
    }

    pub fn status(&self) -> Status {
        if self.best.is_none() { Status::Failed } else { self.reason.status() }
    }
}

/// The `reason` column.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::GradientTolerance => "gradient_tolerance",
            Reason::LossTolerance => "loss_tolerance",
            Reason::StepTolerance => "step_tolerance",
            Reason::NoDescent => "no_descent",
            Reason::AtBound => "at_bound",
            Reason::Target => "target",
            Reason::EvaluationBudget => "evaluation_budget",
            Reason::GradientBudget => "gradient_budget",
            Reason::IterationBudget => "iteration_budget",
            Reason::TimeBudget => "time_budget",
            Reason::Stagnation => "stagnation",
            Reason::Interrupted => "interrupted",
            Reason::NonFinite => "non_finite: the loss, or the gradient that the method needs, is not a finite number where a search begins",
            Reason::Solver(text) => text,
        })
    }
}
