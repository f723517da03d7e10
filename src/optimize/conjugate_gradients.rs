//! Conjugate gradients for a Newton step: H z = -g by one product with H at a time (Nocedal & Wright 2006, section 5.1).

use crate::math::elementary::sqrt;
use crate::math::linear::dot;

/// The steps so far.
pub(super) struct ConjugateGradients {
    /// The solution so far, from 0 on.
    pub(super) z: Vec<f64>,
    /// The direction whose product with H is wanted next; the steepest descent at first.
    pub(super) direction: Vec<f64>,
    /// H z + g, and its squared length.
    residual: Vec<f64>,
    squared: f64,
}

impl ConjugateGradients {
    pub(super) fn new(gradient: &[f64]) -> ConjugateGradients {
        ConjugateGradients {
            z: vec![0.0; gradient.len()],
            direction: gradient.iter().map(|g| -g).collect(),
            residual: gradient.to_vec(),
            squared: dot(gradient, gradient),
        }
    }

    /// Length of the residual.
    pub(super) fn norm(&self) -> f64 {
        sqrt(self.squared)
    }

    /// How far to go along the direction, if its curvature dᵀ H d is `bend`.
    pub(super) fn length(&self, bend: f64) -> f64 {
        self.squared / bend
    }

    /// z, if it goes so far along the direction.
    pub(super) fn ahead(&self, length: f64) -> Vec<f64> {
        self.z.iter().zip(&self.direction).map(|(z, d)| length.mul_add(*d, *z)).collect()
    }

    /// Goes so far along the direction, whose product with H is given, and turns; true once the residual is within the
    /// tolerance.
    pub(super) fn go(&mut self, length: f64, product: &[f64], tolerance: f64) -> bool {
        self.z = self.ahead(length);
        for (r, p) in self.residual.iter_mut().zip(product) {
            *r = length.mul_add(*p, *r);
        }
        let next = dot(&self.residual, &self.residual);
        let beta = next / std::mem::replace(&mut self.squared, next);
        for (d, r) in self.direction.iter_mut().zip(&self.residual) {
            *d = beta.mul_add(*d, -r);
        }
        self.norm() <= tolerance
    }
}
