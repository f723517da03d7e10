//! Gauss-Newton for losses made of squares, with steps that are halved until the loss falls.

use argmin::core::{Error, Executor, KV, Problem, Solver};

use super::guard::{Guard, Watched};
use super::levenberg_marquardt::{COSINE_TOLERANCE, FALL_TOLERANCE, System, blur, cosine, is_finite, squares_at_start};
use super::line_search::Iterate;
use super::stopping::STEP_TOLERANCE;
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
const ROUNDING: f64 = 4.0 * f64::EPSILON;

struct Steps<'g, 'a> {
    guard: &'g Guard<'a>,
    here: Squares,
    cosine_tolerance: f64,
    fall_tolerance: f64,
    step_tolerance: f64,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let Some(here) = squares_at_start(guard, ROW.kind.name, &plan.start)? else { return Ok(()) };
    let number = |name| plan.settings.number(name).unwrap_or(0.0);
    let loss = here.loss;
    let solver = Steps {
        guard,
        here,
        cosine_tolerance: number("gradient_tolerance"),
        fall_tolerance: number("loss_tolerance"),
        step_tolerance: number("step_tolerance"),
    };
    Executor::new(guard, Watched { solver, guard, convergence: None })
        .configure(|state| state.param(plan.start.clone()).cost(loss))
        .ctrlc(false)
        .timer(false)
        .run()?;
    Ok(())
}

impl<'g, 'a> Solver<&'g Guard<'a>, Iterate> for Steps<'g, 'a> {
    fn name(&self) -> &str {
        "Gauss-Newton"
    }

    fn next_iter(
        &mut self,
        _problem: &mut Problem<&'g Guard<'a>>,
        mut state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let point = state.take_param().unwrap_or_default();
        let next = self.advance(&point)?.unwrap_or(point);
        Ok((state.param(next).cost(self.here.loss), None))
    }
}

impl Steps<'_, '_> {
    fn advance(&mut self, point: &[f64]) -> Result<Option<Vec<f64>>, Error> {
        let here = &self.here;
        let angle = cosine(here);
        if angle <= self.cosine_tolerance {
            self.guard.stop(Reason::GradientTolerance);
            return Ok(None);
        }
        let Some(system) = System::new(here, &vec![1.0; point.len()]) else {
            self.guard.stop(Reason::Solver("the Jacobian is not finite".into()));
            return Ok(None);
        };
        let step = system.whole_step();
        let promised = here.scale * system.fall_of(&step);
        let floor = ROUNDING * here.loss.abs().max(here.scale * dot(&here.residuals, &here.residuals));
        let blur = blur(self.guard, here).max(floor);
        let mut share: f64 = 1.0;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = point.iter().zip(&step).map(|(x, p)| share.mul_add(*p, *x)).collect();
            if next == point {
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
                if fall.max(promised) <= self.fall_tolerance * here.loss.abs() {
                    self.guard.stop(Reason::LossTolerance);
                } else if share * largest(&step) <= self.step_tolerance * largest(point) {
                    self.guard.stop(Reason::StepTolerance);
                }
                self.here = there;
                return Ok(Some(next));
            }
            share *= 0.5;
        }
        self.guard.settle(point, here.loss);
        self.guard.stop(if promised <= blur { Reason::LossTolerance } else { Reason::NoDescent });
        Ok(None)
    }
}
