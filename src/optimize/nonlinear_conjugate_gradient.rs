//! Nonlinear conjugate gradients: Polak-Ribière with nonnegative factors and restarts.

use argmin::core::Error;

use super::Plan;
use super::descent::{self, Direction};
use super::guard::Guard;
use super::stopping::{GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use crate::kind::{Kind, Optimizer, independent};
use crate::math::linear::dot;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "nonlinear_conjugate_gradient",
        summary: "conjugate directions by Polak and Ribière's factor, restarted where they lose their meaning",
        reference: "Polak & Ribière 1969; factor max(0, .) of Gilbert & Nocedal 1992, SIAM J. Optim. 2, 21; restarts of \
                    Powell 1977 (Nocedal & Wright 2006, eqs. 5.44, 5.45 and 5.52)",
        settings: &[GRADIENT_TOLERANCE, LOSS_TOLERANCE],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// Gradients in a row that are this far from orthogonal restart the method.
const ORTHOGONAL: f64 = 0.1;

#[derive(Default)]
struct Conjugate {
    /// The last direction, and the gradient before it.
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// The last step along the last direction, in its units, and the slope there.
    length: Option<(f64, f64)>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    descent::run(guard, plan, Conjugate::default())
}

impl Direction for Conjugate {
    fn choose(&mut self, _guard: &Guard<'_>, _point: &[f64], gradient: &[f64]) -> Result<Vec<f64>, Error> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        if let Some((last, before)) = &self.last {
            let square = dot(gradient, gradient);
            let factor = (square - dot(gradient, before)) / dot(before, before);
            let orthogonal = dot(gradient, before).abs() < ORTHOGONAL * square;
            if factor > 0.0 && factor.is_finite() && orthogonal {
                for (d, old) in direction.iter_mut().zip(last) {
                    *d = factor.mul_add(*old, *d);
                }
            }
        }
        // A direction that turned uphill gives way to the steepest descent, which is then the last one.
        if dot(&direction, gradient) >= 0.0 {
            direction = gradient.iter().map(|g| -g).collect();
        }
        self.last = Some((direction.clone(), gradient.to_vec()));
        Ok(direction)
    }

    /// The step whose first-order change is that of the step before (eq. 3.60).
    fn trial(&self, direction: &[f64], gradient: &[f64]) -> Option<f64> {
        let (step, slope) = self.length?;
        Some(step * slope / dot(direction, gradient))
    }

    fn learn(&mut self, step: &[f64], _change: &[f64], _gradient: &[f64]) {
        if let Some((direction, before)) = &self.last {
            let length = dot(step, direction) / dot(direction, direction);
            self.length = Some((length, dot(direction, before)));
        }
    }

    fn forget(&mut self) -> bool {
        let conjugate = self
            .last
            .take()
            .is_some_and(|(direction, gradient)| direction.iter().zip(&gradient).any(|(d, g)| *d != -g));
        self.length.take().is_some() || conjugate
    }
}
