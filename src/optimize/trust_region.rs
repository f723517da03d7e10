//! Trust region with the Steihaug-Toint conjugate gradient method inside: second-order steps that negative curvature
//! does not mislead.

use std::cell::RefCell;

use argmin::core::{Error, Executor, KV, Problem, Solver};

use super::guard::{Guard, Watched};
use super::line_search::Iterate;
use super::stopping::{Convergence, GRADIENT_TOLERANCE, LOSS_TOLERANCE};
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
    radius: f64,
    /// Conjugate gradients of one step.
    inner: usize,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let convergence = RefCell::new(Convergence::new(plan.settings, PATIENCE));
    let (loss, gradient) = guard.slope(&plan.start)?;
    if !loss.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
        guard.stop(Reason::NonFinite);
        return Ok(());
    }
    if let Some(reason) = convergence.borrow().flat(guard) {
        guard.stop(reason);
        return Ok(());
    }
    let radius = plan.settings.number("initial_radius").unwrap_or(1.0);
    let solver = Region { guard, radius, inner: 2 * plan.start.len() + 10 };
    Executor::new(guard, Watched { solver, guard, convergence: Some(&convergence) })
        .configure(|state| state.param(plan.start.clone()).gradient(gradient).cost(loss))
        .ctrlc(false)
        .timer(false)
        .run()?;
    Ok(())
}

impl<'g, 'a> Solver<&'g Guard<'a>, Iterate> for Region<'g, 'a> {
    fn name(&self) -> &str {
        "trust region"
    }

    fn next_iter(
        &mut self,
        _problem: &mut Problem<&'g Guard<'a>>,
        mut state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let (Some(point), Some(gradient)) = (state.take_param(), state.take_gradient()) else {
            return Err(Error::msg("trust region lost its iterate"));
        };
        let loss = state.get_cost();
        let size = largest(&point).max(1.0);
        loop {
            let (step, predicted) = self.step(&point, &gradient)?;
            let length = sqrt(dot(&step, &step));
            let next: Vec<f64> = point.iter().zip(&step).map(|(x, p)| x + p).collect();
            if next == point || length.is_nan() || length <= f64::EPSILON * 1e-3 * size {
                self.guard.stop(Reason::StepTolerance);
                return Ok((state.param(point).gradient(gradient).cost(loss), None));
            }
            let floor = ROUNDING * loss.abs();
            // At the floor of rounding the loss cannot judge; the gradient can.
            let (there, slope) = if predicted <= floor {
                self.guard.slope(&next)?
            } else {
                let there = self.guard.value(&next)?;
                if loss - there >= ENOUGH * predicted { self.guard.slope(&next)? } else { (there, Vec::new()) }
            };
            let ratio = (loss - there) / predicted;
            let known = !slope.is_empty() && slope.iter().all(|g| g.is_finite());
            let rounding = predicted <= floor && there <= loss + floor && known;
            if rounding || (known && ratio >= ENOUGH) {
                if ratio > 0.75 && length >= 0.8 * self.radius {
                    self.radius = (2.0 * self.radius).min(1e10);
                } else if ratio < 0.25 && !rounding {
                    self.radius = 0.25 * length;
                }
                return Ok((state.param(next).gradient(slope).cost(there), None));
            }
            self.radius = if there.is_finite() { 0.25 * length } else { 0.1 * length };
            if predicted <= floor {
                // A rise where the model sees a fall below rounding: this is the floor.
                self.guard.stop(Reason::GradientTolerance);
                return Ok((state.param(point).gradient(gradient).cost(loss), None));
            }
        }
    }
}

impl Region<'_, '_> {
    /// The step and the fall that the quadratic model promises (algorithm 7.2).
    fn step(&self, point: &[f64], gradient: &[f64]) -> Result<(Vec<f64>, f64), Error> {
        let n = point.len();
        let (mut z, mut residual) = (vec![0.0; n], gradient.to_vec());
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut image = vec![0.0; n];
        let start = dot(gradient, gradient);
        // Superlinear convergence (section 7.1), then as exact as rounding allows.
        let norm = sqrt(start);
        let tolerance = norm * norm.clamp(1e-14, 1e-3);
        let mut squared = start;
        for _ in 0..self.inner {
            let product = self.guard.curvature(point, gradient, &direction)?;
            let bend = dot(&direction, &product);
            let along = squared / bend;
            let trial: Vec<f64> = z.iter().zip(&direction).map(|(z, d)| along.mul_add(*d, *z)).collect();
            if bend.is_nan() || bend <= 0.0 || !along.is_finite() || sqrt(dot(&trial, &trial)) >= self.radius {
                // To the edge of the region.
                let (a, b) = (dot(&direction, &direction), dot(&z, &direction));
                let c = dot(&z, &z) - self.radius * self.radius;
                let root = sqrt((b * b - a * c).max(0.0));
                let tau = if b > 0.0 { -c / (b + root) } else { (root - b) / a };
                let finite = product.iter().all(|x| x.is_finite());
                for k in 0..n {
                    z[k] = tau.mul_add(direction[k], z[k]);
                    if finite {
                        image[k] = tau.mul_add(product[k], image[k]);
                    }
                }
                break;
            }
            z = trial;
            for k in 0..n {
                image[k] = along.mul_add(product[k], image[k]);
                residual[k] = along.mul_add(product[k], residual[k]);
            }
            let next = dot(&residual, &residual);
            if sqrt(next) <= tolerance {
                break;
            }
            let beta = next / squared;
            squared = next;
            for (d, r) in direction.iter_mut().zip(&residual) {
                *d = beta.mul_add(*d, -r);
            }
        }
        let predicted = -(dot(gradient, &z) + 0.5 * dot(&z, &image));
        Ok((z, predicted))
    }
}
