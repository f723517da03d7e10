//! The table of optimizers: their rows, and which function runs each.

use argmin::core::Error;

use super::guard::Guard;
use super::{Plan, differential_evolution, genetic, gradient_descent, lbfgs, nelder_mead};
use crate::kind::Optimizer;

/// Every optimizer, in the order of reports.
pub static OPTIMIZERS: &[Optimizer] =
    &[gradient_descent::ROW, lbfgs::ROW, nelder_mead::ROW, differential_evolution::ROW, genetic::ROW];

/// Minimises under a guard, until the guard says stop.
pub(super) type Run = fn(&Guard<'_>, &Plan<'_>) -> Result<(), Error>;

/// The function behind a row; None for a name without a row.
pub(super) fn run_of(name: &str) -> Option<Run> {
    Some(match name {
        "gradient_descent" => gradient_descent::run,
        "lbfgs" => lbfgs::run,
        "nelder_mead" => nelder_mead::run,
        "differential_evolution" => differential_evolution::run,
        "genetic" => genetic::run,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_solver_and_valid_defaults() {
        for row in OPTIMIZERS {
            assert!(run_of(row.kind.name).is_some(), "{}", row.kind.name);
            assert_eq!((row.kind.check)(&row.kind.defaults()), Ok(()), "{}", row.kind.name);
            assert!(!row.kind.reference.is_empty() && !row.kind.summary.is_empty());
        }
    }
}
