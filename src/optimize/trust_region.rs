//! Trust region with the Steihaug-Toint conjugate gradient method inside: second-order steps that negative curvature
//! does not mislead.

use argmin::core::Error;

use super::conjugate_gradients::ConjugateGradients;
use super::guard::Guard;
use super::ledger::Slope;
use super::stopping::{Convergence, GRADIENT_TOLERANCE, LOSS_TOLERANCE};
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::sqrt;
use crate::math::linear::{dot, largest};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "trust_region",
        summary: "Newton steps inside a trust region, by truncated conjugate gradients on exact curvature",
        reference: "Nocedal & Wright 2006, Numerical Optimization, algorithms 4.1 and 7.2; Steihaug 1983, SIAM J. Numer. \
                    Anal. 20, 626",
        settings: &[
            Setting {
                name: "initial_radius",
                summary: "first radius of the region, in search coordinates",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(1.0),
            },
            GRADIENT_TOLERANCE,
            LOSS_TOLERANCE,
        ],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// A step is taken when the loss falls by this share of what the model says.
const ENOUGH: f64 = 1e-4;
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// Iterations without improvement that end the run.
const PATIENCE: u32 = 3;

struct Region<'g, 'a> {
    guard: &'g Guard<'a>,
    here: Slope,
    radius: f64,
    /// Conjugate gradients of one step.
    inner: usize,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let mut convergence = Convergence::new(plan.settings, PATIENCE);
    let Some(here) = convergence.start(guard, &plan.start)? else { return Ok(()) };
    let radius = plan.settings.number("initial_radius").unwrap_or(1.0);
    let method = Region { guard, here, radius, inner: 2 * plan.start.len() + 10 };
    walk(guard, method, Some(&mut convergence))
}

impl Walk for Region<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.here.point, self.here.loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        let (size, loss) = (largest(&self.here.point).max(1.0), self.here.loss);
        loop {
            let (step, predicted) = self.step()?;
            let length = sqrt(dot(&step, &step));
            let next: Vec<f64> = self.here.point.iter().zip(&step).map(|(x, p)| x + p).collect();
            if next == self.here.point || length.is_nan() || length <= f64::EPSILON * 1e-3 * size {
                self.guard.stop(Reason::StepTolerance);
                return Ok(());
            }
            let floor = ROUNDING * loss.abs();
            // At the floor of rounding the loss cannot judge; the gradient can.
            let blurred = predicted <= floor;
            let mut fall = if blurred { f64::INFINITY } else { loss - self.guard.value(&next)? };
            let mut there = None;
            if fall >= ENOUGH * predicted {
                let slope = self.guard.slope(&next)?;
                fall = loss - slope.loss;
                there = Some(slope).filter(Slope::is_finite);
            }
            let ratio = fall / predicted;
            if let Some(there) = there {
                let rounding = blurred && there.loss <= loss + floor;
                if rounding || ratio >= ENOUGH {
                    if ratio > 0.75 && length >= 0.8 * self.radius {
                        self.radius = (2.0 * self.radius).min(1e10);
                    } else if ratio < 0.25 && !rounding {
                        self.radius = 0.25 * length;
                    }
                    self.here = there;
                    return Ok(());
                }
            }
            self.radius = if fall.is_finite() { 0.25 * length } else { 0.1 * length };
            if blurred {
                // A rise where the model sees a fall below rounding: this is the floor.
                self.guard.stop(Reason::GradientTolerance);
                return Ok(());
            }
        }
    }
}

impl Region<'_, '_> {
    /// The step and the fall that the quadratic model promises (algorithm 7.2).
    fn step(&self) -> Result<(Vec<f64>, f64), Error> {
        let Slope { point, gradient, .. } = &self.here;
        let mut inner = ConjugateGradients::new(gradient);
        // H z.
        let mut image = vec![0.0; point.len()];
        let add = |image: &mut [f64], length: f64, product: &[f64]| {
            for (sum, p) in image.iter_mut().zip(product) {
                *sum = length.mul_add(*p, *sum);
            }
        };
        // Superlinear convergence (section 7.1), then as exact as rounding allows.
        let tolerance = inner.norm() * inner.norm().clamp(1e-14, 1e-3);
        for _ in 0..self.inner {
            let (z, direction) = (&inner.z, &inner.direction);
            let product = self.guard.curvature(point, gradient, direction)?;
            let bend = dot(direction, &product);
            let length = inner.length(bend);
            let ahead = inner.ahead(length);
            if bend.is_nan() || bend <= 0.0 || !length.is_finite() || sqrt(dot(&ahead, &ahead)) >= self.radius {
                // To the edge of the region.
                let (a, b) = (dot(direction, direction), dot(z, direction));
                let c = dot(z, z) - self.radius * self.radius;
                let root = sqrt((b * b - a * c).max(0.0));
                let tau = if b > 0.0 { -c / (b + root) } else { (root - b) / a };
                inner.z = inner.ahead(tau);
                if product.iter().all(|x| x.is_finite()) {
                    add(&mut image, tau, &product);
                }
                break;
            }
            add(&mut image, length, &product);
            if inner.go(length, &product, tolerance) {
                break;
            }
        }
        let predicted = -(dot(gradient, &inner.z) + 0.5 * dot(&inner.z, &image));
        Ok((inner.z, predicted))
    }
}
