//! Levenberg-Marquardt for losses made of squares: a trust region scaled by the Jacobian's columns, as MINPACK has it.
//!
//! Each iteration minimises |J p + r| with |D p| ≤ Δ by QR factors, never by the normal matrix. The parameter of the
//! constraint comes from Newton's method on 1/|D p| (Moré 1978, section 5); Δ follows the ratio of the actual to the
//! predicted fall of the loss (section 4); D is the largest norm that each column has had (section 6). Where the
//! differences of losses drown in rounding, Gauss-Newton steps go on for as long as they make the residuals more
//! orthogonal to the columns: that gains the last digits, which the loss alone cannot see.

use argmin::core::{Error, Executor, KV, Problem, Solver};

use super::guard::{Guard, Watched};
use super::line_search::Iterate;
use super::stopping::STEP_TOLERANCE;
use super::{Plan, Reason, Squares};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::sqrt;
use crate::math::householder::PivotedQr;
use crate::math::linear::{Matrix, dot, largest};

pub(super) const COSINE_TOLERANCE: Setting = Setting {
    name: "gradient_tolerance",
    summary: "stop when the cosine between the residuals and every column of the Jacobian is below this; 0: at the \
              floor of rounding",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(0.0),
};

pub(super) const FALL_TOLERANCE: Setting = Setting {
    name: "loss_tolerance",
    summary: "stop when the predicted and the actual fall of the loss are below this share of it; 0: at the floor of \
              rounding",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(0.0),
};

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

/// Falls of the loss below this share of it are rounding.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// A step is taken when the loss falls by this share of what the model says.
const ENOUGH: f64 = 1e-4;
/// Steps at the floor of rounding.
/// How much of a loss rounding may hide where data and prediction cancel down to small residuals.
const CANCELLATION: f64 = 1e-8;
const REFINEMENTS: u32 = 30;

struct Region<'g, 'a> {
    guard: &'g Guard<'a>,
    here: Squares,
    /// D.
    scale: Vec<f64>,
    /// Δ; None before the first step.
    radius: Option<f64>,
    /// The parameter of the last step.
    damping: f64,
    first: f64,
    cosine_tolerance: f64,
    fall_tolerance: f64,
    step_tolerance: f64,
    refinements: u32,
    /// Why the run ends once the last digits are gained.
    ending: Option<Reason>,
}

/// The squares at the start, or the end of the run: the loss is not finite there, or not made of squares.
pub(super) fn squares_at_start(guard: &Guard<'_>, name: &str, start: &[f64]) -> Result<Option<Squares>, Error> {
    let Some(here) = guard.squares(start)? else {
        let needs = "needs a loss made of squares: least_squares, chi_square, gaussian or poisson";
        guard.stop(Reason::Solver(format!("{name} {needs}")));
        return Ok(None);
    };
    if !is_finite(&here) {
        guard.stop(Reason::NonFinite);
        return Ok(None);
    }
    Ok(Some(here))
}

pub(super) fn is_finite(squares: &Squares) -> bool {
    squares.loss.is_finite() && squares.residuals.iter().chain(&squares.jacobian.entries).all(|x| x.is_finite())
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let Some(here) = squares_at_start(guard, ROW.kind.name, &plan.start)? else { return Ok(()) };
    let number = |name| plan.settings.number(name).unwrap_or(0.0);
    let loss = here.loss;
    let solver = Region {
        guard,
        scale: vec![0.0; plan.start.len()],
        here,
        radius: None,
        damping: 0.0,
        first: number("initial_step"),
        cosine_tolerance: number("gradient_tolerance"),
        fall_tolerance: number("loss_tolerance"),
        step_tolerance: number("step_tolerance"),
        refinements: REFINEMENTS,
        ending: None,
    };
    Executor::new(guard, Watched { solver, guard, convergence: None })
        .configure(|state| state.param(plan.start.clone()).cost(loss))
        .ctrlc(false)
        .timer(false)
        .run()?;
    Ok(())
}

/// The rise of the loss that a step at the floor of rounding may bring while it makes the residuals more orthogonal.
/// Where the Jacobian comes from differences its own error decides what is orthogonal: the loss must not rise.
pub(super) fn blur(guard: &Guard<'_>, here: &Squares) -> f64 {
    here.loss.abs() * if guard.is_exact() { CANCELLATION } else { 4.0 * ROUNDING }
}

/// Largest cosine between the residuals and a column of the Jacobian (MINPACK's gnorm): 0 at a stationary point.
pub(super) fn cosine(here: &Squares) -> f64 {
    let length = sqrt(dot(&here.residuals, &here.residuals));
    if length == 0.0 {
        return 0.0;
    }
    let columns = here.jacobian.transpose();
    (0..columns.rows).fold(0.0, |most: f64, j| {
        let column = columns.row(j);
        let norm = sqrt(dot(column, column));
        if norm == 0.0 { most } else { most.max((dot(column, &here.residuals) / norm / length).abs()) }
    })
}

impl<'g, 'a> Solver<&'g Guard<'a>, Iterate> for Region<'g, 'a> {
    fn name(&self) -> &str {
        "Levenberg-Marquardt"
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

impl Region<'_, '_> {
    /// The next iterate; None where the run ends at this one, for the reason given to the guard.
    fn advance(&mut self, point: &[f64]) -> Result<Option<Vec<f64>>, Error> {
        let n = point.len();
        let columns = self.here.jacobian.transpose();
        for (j, scale) in self.scale.iter_mut().enumerate() {
            *scale = scale.max(sqrt(dot(columns.row(j), columns.row(j))));
        }
        let scale: Vec<f64> = self.scale.iter().map(|scale| if *scale == 0.0 { 1.0 } else { *scale }).collect();
        let cosine = cosine(&self.here);
        if cosine <= self.cosine_tolerance {
            self.guard.stop(Reason::GradientTolerance);
            return Ok(None);
        }
        let squares = self.here.scale * dot(&self.here.residuals, &self.here.residuals);
        let floor = ROUNDING * self.here.loss.abs().max(squares);
        let Some(system) = System::new(&self.here, &scale) else {
            self.guard.stop(Reason::Solver("the Jacobian has fewer rows than the model has parameters".into()));
            return Ok(None);
        };
        if let Some(reason) = self.ending.clone() {
            return self.refine(point, &system, reason);
        }
        let length = sqrt(point.iter().zip(&scale).map(|(x, d)| (x * d) * (x * d)).sum::<f64>());
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
            let next: Vec<f64> = point.iter().zip(&step).map(|(x, p)| x + p).collect();
            let still = next == point || predicted.is_nan() || predicted <= 0.0;
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
            let asked = self.fall_tolerance * self.here.loss.abs();
            if let Some(here) = here {
                self.here = here;
                if size <= asked && ratio <= 2.0 {
                    self.guard.stop(Reason::LossTolerance);
                } else if reach <= self.step_tolerance * length {
                    self.guard.stop(Reason::StepTolerance);
                }
                return Ok(Some(next));
            }
            let short = radius <= (2.0 * f64::EPSILON).max(self.step_tolerance) * length;
            let ending = if still || predicted <= floor {
                Some(Reason::LossTolerance)
            } else if size <= asked {
                self.guard.stop(Reason::LossTolerance);
                return Ok(None);
            } else {
                (short || n == 0).then_some(Reason::StepTolerance)
            };
            if let Some(reason) = ending {
                return self.refine(point, &system, reason);
            }
        }
    }

    /// One Gauss-Newton step at the floor of rounding: taken while the loss rises by no more than rounding and the
    /// residuals come nearer to being orthogonal to the columns. Where the residuals are not small these steps converge
    /// linearly, and the loss stopped telling them apart half way.
    fn refine(&mut self, point: &[f64], system: &System, reason: Reason) -> Result<Option<Vec<f64>>, Error> {
        let step = system.whole_step();
        let next: Vec<f64> = point.iter().zip(&step).map(|(x, p)| x + p).collect();
        let moves = largest(&step) <= 1e-3 * largest(point).max(f64::MIN_POSITIVE) && next != point;
        if self.refinements > 0 && moves {
            self.refinements -= 1;
            if let Some(there) = self.guard.squares(&next)?.filter(is_finite)
                && there.loss <= self.here.loss + blur(self.guard, &self.here)
                && System::new(&there, &self.scale).is_some_and(|there| there.slack() < system.slack())
            {
                self.here = there;
                self.ending = Some(reason);
                return Ok(Some(next));
            }
        }
        self.guard.settle(point, self.here.loss);
        self.guard.stop(reason);
        Ok(None)
    }
}

/// The linear model of the residuals at a point, factored.
pub(super) struct System {
    qr: PivotedQr,
    r: Matrix,
    /// The first n components of Qᵀr.
    projected: Vec<f64>,
    scale: Vec<f64>,
    /// |D⁻¹ Jᵀr|.
    steepness: f64,
}

impl System {
    /// None where there are fewer residuals than coordinates.
    pub(super) fn new(here: &Squares, scale: &[f64]) -> Option<System> {
        let n = scale.len();
        // More columns than rows: rows of zeros change nothing.
        let mut jacobian = here.jacobian.clone();
        let mut residuals = here.residuals.clone();
        if jacobian.rows < n {
            jacobian.entries.resize(n * n, 0.0);
            jacobian.rows = n;
            residuals.resize(n, 0.0);
        }
        let qr = PivotedQr::new(&jacobian)?;
        let mut projected = qr.q_transposed(&residuals);
        projected.truncate(n);
        // Rᵀ Qᵀ r, in the order of the pivots.
        let r = qr.r();
        let steepness = (0..n).map(|k| {
            let gradient: f64 = (0..=k).map(|i| r[(i, k)] * projected[i]).sum();
            let scaled = gradient / scale[qr.pivots[k]];
            scaled * scaled
        });
        let steepness = sqrt(steepness.sum());
        Some(System { qr, r, projected, scale: scale.to_vec(), steepness })
    }

    /// The Gauss-Newton step, of the independent columns.
    pub(super) fn whole_step(&self) -> Vec<f64> {
        let n = self.projected.len();
        let mut z = vec![0.0; n];
        for i in (0..self.qr.rank).rev() {
            let rest = (i + 1..self.qr.rank).fold(-self.projected[i], |sum, j| (-self.r[(i, j)]).mul_add(z[j], sum));
            z[i] = rest / self.r[(i, i)];
        }
        let mut step = vec![0.0; n];
        for (k, column) in self.qr.pivots.iter().enumerate() {
            step[*column] = z[k];
        }
        step
    }

    /// The part of the residuals that a Gauss-Newton step would remove: the distance from the minimum in the metric
    /// of the model, free of units and of condition.
    pub(super) fn slack(&self) -> f64 {
        sqrt(dot(&self.projected, &self.projected))
    }

    /// |J p|².
    pub(super) fn fall_of(&self, step: &[f64]) -> f64 {
        let n = step.len();
        let image = |i: usize| (i..n).fold(0.0, |sum, k| self.r[(i, k)].mul_add(step[self.qr.pivots[k]], sum));
        (0..n).map(|i| image(i) * image(i)).sum()
    }

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
