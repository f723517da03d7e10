//! Newton-CG: the Newton equation solved by conjugate gradients as far as it is worth, then a line search.

use argmin::core::Error;

use super::Plan;
use super::conjugate_gradients::ConjugateGradients;
use super::descent::{self, Direction};
use super::guard::Guard;
use super::stopping::{GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use crate::kind::{Kind, Optimizer, independent};
use crate::math::elementary::sqrt;
use crate::math::linear::dot;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "newton_cg",
        summary: "inexact Newton steps by conjugate gradients on exact curvature, with a line search",
        reference: "Nocedal & Wright 2006, Numerical Optimization, algorithm 7.1 (Dembo & Steihaug 1983)",
        settings: &[GRADIENT_TOLERANCE, LOSS_TOLERANCE],
        check: independent,
    },
    gradient: true,
    population: false,
};

struct NewtonCg {
    /// The next direction is the plain steepest descent.
    plain: bool,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    descent::run(guard, plan, NewtonCg { plain: false })
}

impl Direction for NewtonCg {
    fn choose(&mut self, guard: &Guard<'_>, point: &[f64], gradient: &[f64]) -> Result<Vec<f64>, Error> {
        let mut inner = ConjugateGradients::new(gradient);
        if self.plain {
            return Ok(inner.direction);
        }
        let norm = inner.norm();
        // Superlinear convergence needs a forcing sequence that goes to zero.
        let tolerance = norm * sqrt(norm).clamp(1e-12, 0.1);
        for turn in 0..2 * gradient.len() + 10 {
            let direction = &inner.direction;
            let product = guard.curvature(point, gradient, direction)?;
            let bend = dot(direction, &product);
            // Relative to its terms a curvature of rounding size says nothing.
            let floor = f64::EPSILON * sqrt(dot(direction, direction) * dot(&product, &product));
            if bend.is_nan() || bend <= floor {
                if turn == 0 {
                    return Ok(inner.direction);
                }
                break;
            }
            if inner.go(inner.length(bend), &product, tolerance) {
                break;
            }
        }
        Ok(inner.z)
    }

    fn learn(&mut self, _step: &[f64], _change: &[f64], _gradient: &[f64]) {
        self.plain = false;
    }

    fn forget(&mut self) -> bool {
        !std::mem::replace(&mut self.plain, true)
    }
}
