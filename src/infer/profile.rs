//! Intervals by the profile of the likelihood: one parameter is stepped, the others are fitted again.
//!
//! With L(θ_k) the smallest loss at a value of parameter k, the signed root τ = ±√(2(L - L̂)/f) is near to a standard
//! normal variable, f being how many times the negative log likelihood the loss is; under least squares
//! τ = ±√((RSS - RSS̃)/s²), s² = RSS̃/(n - p), is near to Student's t with n - p degrees of freedom (Bates & Watts 1988,
//! Nonlinear Regression Analysis, section 6.1; Venzon & Moolgavkar 1988, Appl. Stat. 37, 87). The ends of the interval are
//! where |τ| is the quantile of the level. The interval is invariant under transformations of the parameters.

use std::sync::atomic::{AtomicBool, Ordering};

use super::refit::Refit;
use crate::math::elementary;
use crate::model::Model;

/// How near |τ| comes to the quantile.
pub const TOLERANCE: f64 = 1e-8;
/// Steps outwards before a profile is called open.
const STEPS: usize = 60;
/// Steps towards the root inside its bracket.
const ROOT_STEPS: usize = 100;
/// An end of the box is tried this share of the box, or of the parameter's size, inside.
const MARGIN: f64 = 1e-6;

/// One end of an interval.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    At(f64),
    /// The profile stays below the level as far as the parameter can go.
    Open(String),
    /// There is none, and why.
    Unknown(String),
}

/// A minimum from which profiles start.
pub struct Profile<'a> {
    pub model: &'a Model,
    pub refit: &'a Refit<'a>,
    /// The minimum, in search coordinates, and its loss.
    pub minimum: (Vec<f64>, f64),
    /// Twice the negative log likelihood is the loss times 2 over this.
    pub factor: f64,
    /// What |τ| is at the ends.
    pub quantile: f64,
    pub cancel: &'a AtomicBool,
}

/// A point of a profile: the parameter, |τ| there (infinite where no fit is finite), and all search coordinates.
struct Point {
    at: f64,
    root: f64,
    u: Vec<f64>,
}

impl Profile<'_> {
    /// The lower and the upper end for free scalar `k`, whose search coordinate holds it (`continues` is false); `error` is
    /// its standard error, where one is known.
    pub fn ends(&self, k: usize, error: Option<f64>) -> [Bound; 2] {
        [-1.0, 1.0].map(|sign| self.end(k, sign, error))
    }

    fn end(&self, k: usize, sign: f64, error: Option<f64>) -> Bound {
        let coordinate = &self.model.coordinates[k];
        let estimate = self.model.theta(&self.minimum.0)[k];
        let limit = if sign < 0.0 { coordinate.low } else { coordinate.high };
        let size = if (coordinate.high - coordinate.low).is_finite() {
            coordinate.high - coordinate.low
        } else {
            coordinate.scale.max(estimate.abs())
        };
        let last = limit - sign * MARGIN * size.min((limit - estimate).abs());
        let open = || {
            Bound::Open(match limit.is_finite() {
                true => format!("the profile does not reach the level before the end {limit} of the box"),
                false => "the profile does not reach the level however far the parameter goes".to_string(),
            })
        };
        let first = self.quantile * error.filter(|error| error.is_finite() && *error > 0.0).unwrap_or(0.05 * size);
        let mut inner = Point { at: estimate, root: 0.0, u: self.minimum.0.clone() };
        let mut step = first;
        for _ in 0..STEPS {
            let at = estimate + sign * step;
            let beyond = limit.is_finite() && (at - last) * sign >= 0.0;
            let at = if beyond { last } else { at };
            if (at - inner.at) * sign <= 0.0 {
                return open();
            }
            let point = match self.point(k, at, &inner) {
                Ok(point) => point,
                Err(reason) => return Bound::Unknown(reason),
            };
            if point.root >= self.quantile {
                return self.between(k, inner, point);
            }
            if beyond || !at.is_finite() || step > 1e9 * first {
                return open();
            }
            // τ is nearly straight: a little beyond where its line meets the quantile.
            step *= (1.05 * self.quantile / point.root).clamp(1.2, 4.0);
            inner = point;
        }
        open()
    }

    /// The end between a point below the level and one above: regula falsi on |τ|, halving the weight of an end that
    /// stays (the Illinois rule; Dowell & Jarratt 1971, BIT 11, 168).
    fn between(&self, k: usize, mut below: Point, mut above: Point) -> Bound {
        let (mut low, mut high) = (below.root - self.quantile, above.root - self.quantile);
        let mut last_below = None;
        for _ in 0..ROOT_STEPS {
            let middle = 0.5 * (below.at + above.at);
            let straight = below.at + (above.at - below.at) * (-low / (high - low));
            let inside = (straight - below.at) * (straight - above.at) < 0.0;
            let at = if high.is_finite() && inside { straight } else { middle };
            if at == below.at || at == above.at {
                break;
            }
            let point = match self.point(k, at, &below) {
                Ok(point) => point,
                Err(reason) => return Bound::Unknown(reason),
            };
            let excess = point.root - self.quantile;
            if excess.abs() <= TOLERANCE {
                return Bound::At(point.at);
            }
            if excess < 0.0 {
                (below, low) = (point, excess);
                high *= if last_below == Some(true) { 0.5 } else { 1.0 };
            } else {
                (above, high) = (point, excess);
                low *= if last_below == Some(false) { 0.5 } else { 1.0 };
            }
            last_below = Some(excess < 0.0);
        }
        Bound::At(if above.root.is_finite() { above.at } else { below.at })
    }

    fn point(&self, k: usize, at: f64, near: &Point) -> Result<Point, String> {
        let mut start = near.u.clone();
        start[k] = self.model.coordinates[k].to_search(at);
        let fitted = self.refit.fit(&start, Some(k), self.cancel);
        if self.cancel.load(Ordering::Relaxed) {
            return Err("interrupted".to_string());
        }
        let Some((u, loss)) = fitted else { return Ok(Point { at, root: f64::INFINITY, u: near.u.clone() }) };
        let deviance = 2.0 * (loss - self.minimum.1) / self.factor;
        let rounding = 1e-12 * (2.0 * self.minimum.1 / self.factor).abs() + 1e-9;
        if deviance < -rounding {
            let name = self.model.free_names()[k];
            return Err(format!("the estimate is not the minimum: the loss falls to {loss} at {name} = {at}"));
        }
        Ok(Point { at, root: elementary::sqrt(deviance.max(0.0)), u })
    }
}
