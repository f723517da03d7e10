//! Levenberg-Marquardt for losses made of squares: a trust region scaled by the Jacobian's columns, as MINPACK has it.
//!
//! Each iteration minimises |J p + r| with |D p| ≤ Δ by QR factors, never by the normal matrix. The parameter of the
//! constraint comes from Newton's method on 1/|D p| (Moré 1978, section 5); Δ follows the ratio of the actual to the
//! predicted fall of the loss (section 4); D is the largest norm that each column has had (section 6). Where the
//! differences of losses drown in rounding, Gauss-Newton steps go on for as long as they make the residuals more
//! orthogonal to the columns: that gains the last digits, which the loss alone cannot see.

use argmin::core::Error;

use super::guard::Guard;
use super::least_squares::{
    COSINE_TOLERANCE, FALL_TOLERANCE, ROUNDING, System, Tolerances, blur, cosine, is_finite, squares_at_start,
};
use super::stopping::STEP_TOLERANCE;
use super::watch::{Walk, walk};
use super::{Plan, Reason, Squares};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::sqrt;
use crate::math::householder::PivotedQr;
use crate::math::linear::{Matrix, dot, largest};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "levenberg_marquardt",
        summary: "least squares by damped Gauss-Newton steps in a scaled trust region; for losses made of squares",
        reference: "Levenberg 1944; Marquardt 1963; Moré 1978, The Levenberg-Marquardt algorithm: implementation and \
                    theory, LNM 630, algorithm 7.1; tests of convergence as MINPACK's lmder",
        settings: &[
            Setting {
                name: "initial_step",
                summary: "first radius of the trust region, as a multiple of the scaled length of the start",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(10.0),
            },
            COSINE_TOLERANCE,
            FALL_TOLERANCE,
            STEP_TOLERANCE,
        ],
        check: independent,
    },
    gradient: true,
    population: false,
};

/// A step is taken when the loss falls by this share of what the model says.
const ENOUGH: f64 = 1e-4;
/// Steps at the floor of rounding.
const REFINEMENTS: u32 = 30;

struct Region<'g, 'a> {
    guard: &'g Guard<'a>,
    point: Vec<f64>,
    here: Squares,
    tolerances: Tolerances,
    /// D.
    scale: Vec<f64>,
    /// Δ; None before the first step.
    radius: Option<f64>,
    /// The parameter of the last step.
    damping: f64,
    first: f64,
    refinements: u32,
    /// Why the run ends once the last digits are gained.
    ending: Option<Reason>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let Some(here) = squares_at_start(guard, ROW.kind.name, &plan.start)? else { return Ok(()) };
    let method = Region {
        guard,
        point: plan.start.clone(),
        here,
        tolerances: Tolerances::of(plan.settings),
        scale: vec![0.0; plan.start.len()],
        radius: None,
        damping: 0.0,
        first: plan.settings.number("initial_step").unwrap_or(0.0),
        refinements: REFINEMENTS,
        ending: None,
    };
    walk(guard, method, None)
}

impl Walk for Region<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.point, self.here.loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        let n = self.point.len();
        let columns = self.here.jacobian.transpose();
        for (j, scale) in self.scale.iter_mut().enumerate() {
            *scale = scale.max(sqrt(dot(columns.row(j), columns.row(j))));
        }
        let scale: Vec<f64> = self.scale.iter().map(|scale| if *scale == 0.0 { 1.0 } else { *scale }).collect();
        let cosine = cosine(&self.here);
        if cosine <= self.tolerances.cosine {
            self.guard.stop(Reason::GradientTolerance);
            return Ok(());
        }
        let squares = self.here.scale * dot(&self.here.residuals, &self.here.residuals);
        let floor = ROUNDING * self.here.loss.abs().max(squares);
        let Some(system) = System::new(&self.here, &scale) else {
            self.guard.stop(Reason::Solver("the Jacobian has fewer rows than the model has parameters".into()));
            return Ok(());
        };
        if let Some(reason) = self.ending.clone() {
            return self.refine(&system, reason);
        }
        let length = sqrt(self.point.iter().zip(&scale).map(|(x, d)| (x * d) * (x * d)).sum::<f64>());
        let mut radius = self.radius.unwrap_or(if length > 0.0 { self.first * length } else { self.first });
        loop {
            let (step, damping) = system.step(radius, self.damping);
            self.damping = damping;
            let reach = sqrt(step.iter().zip(&scale).map(|(p, d)| (p * d) * (p * d)).sum::<f64>());
            if self.radius.is_none() {
                radius = radius.min(reach);
            }
            let linear = system.fall_of(&step);
            // Moré 1978, section 4: what the linear model and the constraint promise.
            let predicted = self.here.scale * (linear + 2.0 * damping * reach * reach);
            let slope = -self.here.scale * (linear + damping * reach * reach);
            let next: Vec<f64> = self.point.iter().zip(&step).map(|(x, p)| x + p).collect();
            let still = next == self.point || predicted.is_nan() || predicted <= 0.0;
            let loss = if still { self.here.loss } else { self.guard.value(&next)? };
            let actual = self.here.loss - loss;
            let ratio = if predicted > 0.0 { actual / predicted } else { 0.0 };
            if ratio <= 0.25 || ratio.is_nan() {
                let cut = if actual >= 0.0 { 0.5 } else { 0.5 * slope / (slope + 0.5 * actual) };
                // A loss beyond any model, or infinite: a tenth.
                let cut = if actual.is_finite() && cut >= 0.1 { cut } else { 0.1 };
                radius = cut * radius.min(reach / 0.1);
                self.damping /= cut;
            } else if self.damping == 0.0 || ratio >= 0.75 {
                radius = reach / 0.5;
                self.damping *= 0.5;
            }
            self.radius = Some(radius);
            let taken = ratio >= ENOUGH && !still;
            let here = if taken { self.guard.squares(&next)?.filter(is_finite) } else { None };
            let size = predicted.max(actual.abs());
            let asked = self.tolerances.fall * self.here.loss.abs();
            if let Some(here) = here {
                (self.point, self.here) = (next, here);
                if size <= asked && ratio <= 2.0 {
                    self.guard.stop(Reason::LossTolerance);
                } else if reach <= self.tolerances.step * length {
                    self.guard.stop(Reason::StepTolerance);
                }
                return Ok(());
            }
            let short = radius <= (2.0 * f64::EPSILON).max(self.tolerances.step) * length;
            let ending = if still || predicted <= floor {
                Some(Reason::LossTolerance)
            } else if size <= asked {
                self.guard.stop(Reason::LossTolerance);
                return Ok(());
            } else {
                (short || n == 0).then_some(Reason::StepTolerance)
            };
            if let Some(reason) = ending {
                return self.refine(&system, reason);
            }
        }
    }
}

impl Region<'_, '_> {
    /// One Gauss-Newton step at the floor of rounding: taken while the loss rises by no more than rounding and the
    /// residuals come nearer to being orthogonal to the columns. Where the residuals are not small these steps converge
    /// linearly, and the loss stopped telling them apart half way.
    fn refine(&mut self, system: &System, reason: Reason) -> Result<(), Error> {
        let step = system.whole_step();
        let next: Vec<f64> = self.point.iter().zip(&step).map(|(x, p)| x + p).collect();
        let moves = largest(&step) <= 1e-3 * largest(&self.point).max(f64::MIN_POSITIVE) && next != self.point;
        if self.refinements > 0 && moves {
            self.refinements -= 1;
            if let Some(there) = self.guard.squares(&next)?.filter(is_finite)
                && there.loss <= self.here.loss + blur(self.guard, &self.here)
                && System::new(&there, &self.scale).is_some_and(|there| there.slack() < system.slack())
            {
                (self.point, self.here) = (next, there);
                self.ending = Some(reason);
                return Ok(());
            }
        }
        self.guard.settle(&self.point, self.here.loss);
        self.guard.stop(reason);
        Ok(())
    }
}

/// The parameter of the constraint.
impl System {
    fn reach(&self, step: &[f64]) -> f64 {
        sqrt(step.iter().zip(&self.scale).map(|(p, d)| (p * d) * (p * d)).sum::<f64>())
    }

    /// The step of length Δ in the scaled norm, or the Gauss-Newton step where that is shorter, and its parameter
    /// (Moré 1978, algorithm 5.5).
    fn step(&self, radius: f64, guess: f64) -> (Vec<f64>, f64) {
        let whole = self.whole_step();
        let reach = self.reach(&whole);
        let mut excess = reach - radius;
        if excess <= 0.1 * radius || radius.is_nan() || radius <= 0.0 {
            return (whole, 0.0);
        }
        let direction = |step: &[f64], reach: f64| -> Vec<f64> {
            step.iter().zip(&self.scale).map(|(p, d)| d * (d * p / reach)).collect()
        };
        let mut low = 0.0;
        if self.qr.rank == whole.len() {
            let w = self.qr.solve_transposed(&direction(&whole, reach));
            low = excess / radius / dot(&w, &w);
        }
        let mut high = self.steepness / radius;
        if high == 0.0 {
            high = f64::MIN_POSITIVE / radius.min(0.1);
        }
        let mut damping = guess.max(low).min(high);
        if damping == 0.0 {
            damping = self.steepness / reach;
        }
        let mut step = whole;
        for _ in 0..10 {
            if damping == 0.0 {
                damping = f64::MIN_POSITIVE.max(0.001 * high);
            }
            let Some(damped) = self.damped(damping) else { break };
            let n = self.projected.len();
            let mut right: Vec<f64> = self.projected.iter().map(|x| -x).collect();
            right.resize(2 * n, 0.0);
            step = damped.least_squares(&right);
            let reach = self.reach(&step);
            let before = excess;
            excess = reach - radius;
            if excess.abs() <= 0.1 * radius || (low == 0.0 && excess <= before && before < 0.0) {
                break;
            }
            let w = damped.solve_transposed(&direction(&step, reach));
            let correction = excess / radius / dot(&w, &w);
            if excess > 0.0 {
                low = low.max(damping);
            } else {
                high = high.min(damping);
            }
            let next = low.max(damping + correction);
            if !next.is_finite() || next == damping {
                break;
            }
            damping = next;
        }
        (step, damping)
    }

    /// Factors of R under √λ D.
    fn damped(&self, damping: f64) -> Option<PivotedQr> {
        let n = self.projected.len();
        let mut stacked = Matrix::zeros(2 * n, n);
        for k in 0..n {
            let column = self.qr.pivots[k];
            for i in 0..=k {
                stacked[(i, column)] = self.r[(i, k)];
            }
            stacked[(n + column, column)] = sqrt(damping) * self.scale[column];
        }
        PivotedQr::new(&stacked)
    }
}
