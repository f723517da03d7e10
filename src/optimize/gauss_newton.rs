//! Gauss-Newton for losses made of squares, with steps that are halved until the loss falls.

use argmin::core::Error;

use super::guard::Guard;
use super::least_squares::{
    COSINE_TOLERANCE, FALL_TOLERANCE, ROUNDING, System, Tolerances, blur, cosine, is_finite, squares_at_start,
};
use super::stopping::STEP_TOLERANCE;
use super::watch::{Walk, walk};
use super::{Plan, Reason, Squares};
use crate::kind::{Kind, Optimizer, independent};
use crate::math::linear::{dot, largest};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "gauss_newton",
        summary: "least squares by undamped steps on the linearised residuals, halved until the loss falls",
        reference: "Nocedal & Wright 2006, Numerical Optimization, section 10.3; steps by pivoted QR (Golub & Van Loan, \
                    algorithm 5.4.1)",
        settings: &[COSINE_TOLERANCE, FALL_TOLERANCE, STEP_TOLERANCE],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// Share of the promised fall that a step must bring.
const ENOUGH: f64 = 1e-4;
const HALVINGS: u32 = 40;

struct Steps<'g, 'a> {
    guard: &'g Guard<'a>,
    point: Vec<f64>,
    here: Squares,
    tolerances: Tolerances,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let Some(here) = squares_at_start(guard, ROW.kind.name, &plan.start)? else { return Ok(()) };
    let method = Steps { guard, point: plan.start.clone(), here, tolerances: Tolerances::of(plan.settings) };
    walk(guard, method, None)
}

impl Walk for Steps<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.point, self.here.loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        let (point, here) = (&self.point, &self.here);
        let angle = cosine(here);
        if angle <= self.tolerances.cosine {
            self.guard.stop(Reason::GradientTolerance);
            return Ok(());
        }
        let Some(system) = System::new(here, &vec![1.0; point.len()]) else {
            self.guard.stop(Reason::Solver("the Jacobian is not finite".into()));
            return Ok(());
        };
        let step = system.whole_step();
        let promised = here.scale * system.fall_of(&step);
        let floor = ROUNDING * here.loss.abs().max(here.scale * dot(&here.residuals, &here.residuals));
        let blur = blur(self.guard, here).max(floor);
        let mut share: f64 = 1.0;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = point.iter().zip(&step).map(|(x, p)| share.mul_add(*p, *x)).collect();
            if next == *point {
                break;
            }
            let loss = self.guard.value(&next)?;
            let fall = here.loss - loss;
            let falls = promised > floor && fall >= ENOUGH * share * promised;
            // What the loss no longer tells: whether the residuals come nearer to being orthogonal to the columns.
            let gains = !falls && share == 1.0 && promised <= blur && fall >= -blur;
            if !falls && !gains && promised <= blur {
                break;
            }
            if (falls || gains)
                && let Some(there) = self.guard.squares(&next)?.filter(is_finite)
            {
                let slack = System::new(&there, &vec![1.0; point.len()]).map_or(f64::INFINITY, |there| there.slack());
                if gains && slack >= system.slack() {
                    break;
                }
                if fall.max(promised) <= self.tolerances.fall * here.loss.abs() {
                    self.guard.stop(Reason::LossTolerance);
                } else if share * largest(&step) <= self.tolerances.step * largest(point) {
                    self.guard.stop(Reason::StepTolerance);
                }
                (self.point, self.here) = (next, there);
                return Ok(());
            }
            share *= 0.5;
        }
        self.guard.settle(point, here.loss);
        self.guard.stop(if promised <= blur { Reason::LossTolerance } else { Reason::NoDescent });
        Ok(())
    }
}
