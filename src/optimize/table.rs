//! The table of optimizers: their rows, and which function runs each.

use argmin::core::Error;

use super::guard::Guard;
use super::{
    Plan, adam, bfgs, cma_es, differential_evolution, gauss_newton, genetic, gradient_descent, lbfgs,
    levenberg_marquardt, nelder_mead, newton_cg, nonlinear_conjugate_gradient, particle_swarm, random_search,
    simulated_annealing, trust_region,
};
use crate::kind::Optimizer;

/// Every optimizer, in the order of reports.
pub static OPTIMIZERS: &[Optimizer] = &[
    gradient_descent::ROW,
    nonlinear_conjugate_gradient::ROW,
    bfgs::ROW,
    lbfgs::ROW,
    newton_cg::ROW,
    trust_region::ROW,
    gauss_newton::ROW,
    levenberg_marquardt::ROW,
    adam::ROW,
    nelder_mead::ROW,
    particle_swarm::ROW,
    simulated_annealing::ROW,
    genetic::ROW,
    differential_evolution::ROW,
    cma_es::ROW,
    random_search::ROW,
];

/// Minimises under a guard, until the guard says stop.
pub(super) type Run = fn(&Guard<'_>, &Plan<'_>) -> Result<(), Error>;

/// The function behind a row; None for a name without a row.
pub(super) fn run_of(name: &str) -> Option<Run> {
    Some(match name {
        "gradient_descent" => gradient_descent::run,
        "nonlinear_conjugate_gradient" => nonlinear_conjugate_gradient::run,
        "bfgs" => bfgs::run,
        "lbfgs" => lbfgs::run,
        "newton_cg" => newton_cg::run,
        "trust_region" => trust_region::run,
        "gauss_newton" => gauss_newton::run,
        "levenberg_marquardt" => levenberg_marquardt::run,
        "adam" => adam::run,
        "nelder_mead" => nelder_mead::run,
        "particle_swarm" => particle_swarm::run,
        "simulated_annealing" => simulated_annealing::run,
        "genetic" => genetic::run,
        "differential_evolution" => differential_evolution::run,
        "cma_es" => cma_es::run,
        "random_search" => random_search::run,
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
