//! When a gradient method has converged: at the tolerances that were asked for, or at the floor of rounding.

use argmin::core::Error;

use super::Reason;
use super::guard::Guard;
use super::ledger::Slope;
use crate::kind::{Accepts, Default, Range, Setting, Settings};

/// Relative change of the loss that counts as rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// The state of the tests over one minimisation.
pub(super) struct Convergence {
    gradient_tolerance: f64,
    loss_tolerance: f64,
    lowest: f64,
    /// Smallest gradient norm met while the loss stood at its floor.
    flattest: f64,
    stale: u32,
    patience: u32,
}

pub(super) const GRADIENT_TOLERANCE: Setting = Setting {
    name: "gradient_tolerance",
    summary: "stop when no component of the gradient exceeds this times max(1, |loss|); 0: at the floor of rounding",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(0.0),
};

pub(super) const LOSS_TOLERANCE: Setting = Setting {
    name: "loss_tolerance",
    summary: "stop when an iteration lowers the loss by less than this times |loss|; 0: at the floor of rounding",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(0.0),
};

pub(super) const STEP_TOLERANCE: Setting = Setting {
    name: "step_tolerance",
    summary: "stop when a step is shorter than this share of the point; 0: at the floor of rounding",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(0.0),
};

impl Convergence {
    /// `patience`: iterations in which neither loss nor gradient may improve before the floor of rounding is taken to
    /// be reached.
    pub(super) fn new(settings: &Settings, patience: u32) -> Convergence {
        Convergence {
            patience,
            gradient_tolerance: settings.number("gradient_tolerance").unwrap_or(0.0),
            loss_tolerance: settings.number("loss_tolerance").unwrap_or(0.0),
            lowest: f64::INFINITY,
            flattest: f64::INFINITY,
            stale: 0,
        }
    }

    /// Loss and gradient where a gradient method starts; None where the run ends at once: they are not finite, or the
    /// loss is flat there.
    pub(super) fn start(&self, guard: &Guard<'_>, point: &[f64]) -> Result<Option<Slope>, Error> {
        let here = guard.slope(point)?;
        let ending = if here.is_finite() { self.flat(guard) } else { Some(Reason::NonFinite) };
        Ok(match ending {
            Some(reason) => {
                guard.stop(reason);
                None
            }
            None => Some(here),
        })
    }

    /// Whether the gradient is small enough at the point where it was asked for last.
    pub(super) fn flat(&self, guard: &Guard<'_>) -> Option<Reason> {
        let (loss, norm) = guard.current();
        let flat = norm.is_some_and(|norm| norm <= self.gradient_tolerance * loss.abs().max(1.0));
        flat.then_some(Reason::GradientTolerance)
    }

    /// To be asked once after each iteration, when the guard's current gradient is that of the new iterate.
    pub(super) fn after_iteration(&mut self, guard: &Guard<'_>) -> Option<Reason> {
        if let Some(reason) = self.flat(guard) {
            return Some(reason);
        }
        let (loss, norm) = guard.current();
        let norm = norm.unwrap_or(f64::INFINITY);
        let fall = self.lowest - loss;
        if fall > ROUNDING * loss.abs() {
            let small = fall.is_finite() && fall <= self.loss_tolerance * loss.abs();
            self.lowest = loss;
            self.flattest = norm;
            self.stale = 0;
            return small.then_some(Reason::LossTolerance);
        }
        self.lowest = self.lowest.min(loss);
        if norm < 0.5 * self.flattest {
            self.flattest = norm;
            self.stale = 0;
            return None;
        }
        self.stale += 1;
        (self.stale >= self.patience).then_some(Reason::GradientTolerance)
    }
}
