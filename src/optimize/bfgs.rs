//! BFGS: a quasi-Newton method that keeps the whole inverse Hessian.

use argmin::core::Error;

use super::Plan;
use super::descent::{self, Direction};
use super::guard::Guard;
use super::stopping::{GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use crate::kind::{Kind, Optimizer, independent};
use crate::math::linear::{Matrix, dot};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "bfgs",
        summary: "quasi-Newton method with a full approximate inverse Hessian and a strong Wolfe line search",
        reference: "Nocedal & Wright 2006, Numerical Optimization, algorithm 6.1, first scaling of eq. 6.20; line search \
                    of Hager & Zhang 2005, section 4",
        settings: &[GRADIENT_TOLERANCE, LOSS_TOLERANCE],
        check: independent,
    },
    gradient: true,
    population: false,
};

#[derive(Default)]
struct Bfgs {
    /// H; None before the first step.
    inverse: Option<Matrix>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    descent::run(guard, plan, Bfgs::default())
}

impl Direction for Bfgs {
    fn choose(&mut self, _guard: &Guard<'_>, _point: &[f64], gradient: &[f64]) -> Result<Vec<f64>, Error> {
        Ok(match &self.inverse {
            Some(inverse) => inverse.times_vector(gradient).iter().map(|d| -d).collect(),
            None => gradient.iter().map(|g| -g).collect(),
        })
    }

    /// H ← (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ (eq. 6.17).
    fn learn(&mut self, s: &[f64], y: &[f64], _gradient: &[f64]) {
        let n = s.len();
        let curvature = dot(s, y);
        // The Wolfe conditions see to this, up to rounding.
        if !(curvature > 0.0 && curvature.is_finite() && (1.0 / curvature).is_finite()) {
            return;
        }
        let inverse = self.inverse.get_or_insert_with(|| {
            let mut first = Matrix::identity(n);
            let size = curvature / dot(y, y);
            first.entries.iter_mut().for_each(|entry| *entry *= size);
            first
        });
        let image = inverse.times_vector(y);
        let rho = 1.0 / curvature;
        let factor = rho * (1.0 + rho * dot(y, &image));
        for i in 0..n {
            for j in 0..n {
                inverse[(i, j)] += factor * s[i] * s[j] - rho * (image[i] * s[j] + s[i] * image[j]);
            }
        }
    }

    fn forget(&mut self) -> bool {
        self.inverse.take().is_some()
    }
}
