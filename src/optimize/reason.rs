//! Why a minimisation ended, and what that says of its answer.

use std::fmt;

use super::{Outcome, Reason};
use crate::record::Status;

impl Reason {
    /// How a run that ended so stands in the reports, if it has a finite answer.
    fn status(&self) -> Status {
        match self {
            Reason::GradientTolerance | Reason::LossTolerance | Reason::StepTolerance | Reason::NoDescent => {
                Status::Converged
            }
            Reason::EvaluationBudget | Reason::IterationBudget | Reason::Interrupted => Status::Stopped,
            Reason::NonFinite | Reason::Solver(_) => Status::Failed,
        }
    }
}

impl Outcome {
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
            Reason::EvaluationBudget => "evaluation_budget",
            Reason::IterationBudget => "iteration_budget",
            Reason::Interrupted => "interrupted",
            Reason::NonFinite => "non_finite: the loss is not a finite number at any point that was tried",
            Reason::Solver(text) => return write!(f, "solver: {text}"),
        })
    }
}
