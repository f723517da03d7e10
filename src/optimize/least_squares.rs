//! What Gauss-Newton and Levenberg-Marquardt share: the linear model of the residuals, and when it is at its end.

use argmin::core::Error;

use super::guard::Guard;
use super::stopping::STEP_TOLERANCE;
use super::{Reason, Squares};
use crate::kind::{Accepts, Default, Range, Setting, Settings};
use crate::math::elementary::sqrt;
use crate::math::householder::PivotedQr;
use crate::math::linear::{Matrix, dot};

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

/// Falls of the loss below this share of it are rounding.
pub(super) const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// How much of a loss rounding may hide where data and prediction cancel down to small residuals.
const CANCELLATION: f64 = 1e-8;

/// What was asked for in the settings of these names; 0 where nothing was.
pub(super) struct Tolerances {
    pub(super) cosine: f64,
    pub(super) fall: f64,
    pub(super) step: f64,
}

impl Tolerances {
    pub(super) fn of(settings: &Settings) -> Tolerances {
        let number = |setting: &Setting| settings.number(setting.name).unwrap_or(0.0);
        Tolerances { cosine: number(&COSINE_TOLERANCE), fall: number(&FALL_TOLERANCE), step: number(&STEP_TOLERANCE) }
    }
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

/// The linear model of the residuals at a point, factored.
pub(super) struct System {
    pub(super) qr: PivotedQr,
    pub(super) r: Matrix,
    /// The first n components of Qᵀr.
    pub(super) projected: Vec<f64>,
    pub(super) scale: Vec<f64>,
    /// |D⁻¹ Jᵀr|.
    pub(super) steepness: f64,
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
}
