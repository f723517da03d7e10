//! The coordinates in which optimizers search: unconstrained for gradient methods, a box for population methods.
//!
//! Each free parameter θ with limits (low, high) has a map from the real line: θ = scale·u, θ = low + e^u,
//! θ = low + (high - low)·sigmoid(u), or the last one for log θ. A population searches in the same coordinate without
//! the squashing: θ itself, or log θ.

use crate::experiment::Transform;
use crate::ir::{Builder, Operator, Value};
use crate::math::elementary;

/// The coordinate of one free parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinate {
    pub transform: Transform,
    pub low: f64,
    pub high: f64,
    /// The prior is even in log θ: search there.
    pub logarithmic: bool,
    /// An ordinary size of θ, so that u is near 1 where nothing bounds it.
    pub scale: f64,
    /// What stands for infinite ends in the box of a population: quantiles of the prior.
    pub reach: (f64, f64),
    /// θ is a share of what the scalar before it has left of 1, and the box that of the share: shares of a whole are
    /// broken off one after the other (Stan Reference Manual, section "Unit simplex").
    pub continues: bool,
}

/// How near to an end of its range a start may be, relative to the width.
const MARGIN: f64 = 1e-6;

impl Coordinate {
    /// The natural coordinate for the limits, or the one that the user asks for.
    pub fn new(low: f64, high: f64, logarithmic: bool, scale: f64, asked: Option<Transform>) -> Coordinate {
        let natural = match (low.is_finite(), high.is_finite()) {
            (true, true) => Transform::Logit,
            (false, false) => Transform::Identity,
            _ => Transform::Log,
        };
        let transform = asked.unwrap_or(natural);
        Coordinate {
            transform,
            low,
            high,
            logarithmic: logarithmic && low > 0.0,
            scale,
            reach: (low, high),
            continues: false,
        }
    }

    /// The same with finite numbers that stand for infinite ends where a population searches.
    pub fn reaching(self, low: f64, high: f64) -> Coordinate {
        let end = |own: f64, other: f64| if own.is_finite() { own } else { other };
        Coordinate { reach: (end(self.low, low), end(self.high, high)), ..self }
    }

    /// θ as nodes of u.
    pub fn lower(&self, b: &mut Builder, u: Value) -> Value {
        match self.transform {
            Transform::Identity => b.scale(self.scale, u),
            Transform::Log => {
                let e = b.unary(Operator::Exp, u);
                if self.low.is_finite() {
                    b.shift(e, self.low)
                } else {
                    let high = b.constant(self.high);
                    b.subtract(high, e)
                }
            }
            Transform::Logit => {
                let s = b.unary(Operator::Sigmoid, u);
                let (low, high) = self.ends();
                let part = b.scale(high - low, s);
                let inner = b.shift(part, low);
                if self.logarithmic { b.unary(Operator::Exp, inner) } else { inner }
            }
        }
    }

    /// θ of u.
    pub fn to_parameter(&self, u: f64) -> f64 {
        match self.transform {
            Transform::Identity => self.scale * u,
            Transform::Log if self.low.is_finite() => self.low + elementary::exp(u),
            Transform::Log => self.high - elementary::exp(u),
            Transform::Logit => {
                let (low, high) = self.ends();
                self.from_box(low + (high - low) * elementary::sigmoid(u))
            }
        }
    }

    /// u of θ, for θ in the range; an end of the range is moved inside a little.
    pub fn to_search(&self, theta: f64) -> f64 {
        match self.transform {
            Transform::Identity => theta / self.scale,
            Transform::Log => {
                let distance = if self.low.is_finite() { theta - self.low } else { self.high - theta };
                elementary::log(distance.max(MARGIN))
            }
            Transform::Logit => {
                let (low, high) = self.ends();
                let p = ((self.to_box(theta) - low) / (high - low)).clamp(MARGIN, 1.0 - MARGIN);
                elementary::log(p / (1.0 - p))
            }
        }
    }

    /// The box coordinate of θ.
    pub fn to_box(&self, theta: f64) -> f64 {
        if self.logarithmic { elementary::log(theta) } else { theta }
    }

    /// θ of the box coordinate, kept inside the limits against rounding.
    pub fn from_box(&self, w: f64) -> f64 {
        let theta = if self.logarithmic { elementary::exp(w) } else { w };
        theta.clamp(self.low, self.high)
    }

    /// The finite box that a population searches.
    pub fn box_ends(&self) -> (f64, f64) {
        (self.to_box(self.reach.0), self.to_box(self.reach.1))
    }

    /// The ends of the box coordinate.
    pub fn ends(&self) -> (f64, f64) {
        (self.to_box(self.low), self.to_box(self.high))
    }

    /// For the lower and the upper end of θ: where u puts θ on it (in floating point that is a finite place even for
    /// the squashing maps); where near begins, two hundredths of the box or of θ's ordinary size away; where a search
    /// only creeps on, three times nearer; and two places nearer still.
    pub fn search_ends(&self) -> [Option<[f64; 5]>; 2] {
        // e^-745 is the smallest number above 0, and 1 + e^-40 is 1.
        const NOTHING: f64 = -745.0;
        const ALL: f64 = 40.0;
        let [near, far, a, b] = [4.0, 5.0, 9.0, 14.0];
        match self.transform {
            Transform::Logit => [Some([NOTHING, -near, -far, -a, -b]), Some([ALL, near, far, a, b])],
            Transform::Log => {
                let size = elementary::log(self.scale);
                let end = Some([NOTHING, size - near, size - far, size - a, size - b]);
                if self.low.is_finite() { [end, None] } else { [None, end] }
            }
            Transform::Identity => {
                let width = if self.high - self.low < f64::INFINITY { self.high - self.low } else { self.scale };
                let end = |at: f64, inwards: f64| {
                    let [near, far, a, b] = [2e-2, 7e-3, 1e-4, 1e-6].map(|part| at + part * inwards / self.scale);
                    at.is_finite().then_some([at, near, far, a, b])
                };
                [end(self.low / self.scale, width), end(self.high / self.scale, -width)]
            }
        }
    }

    /// dθ/du at u, for carrying uncertainties between the coordinates.
    pub fn slope(&self, u: f64) -> f64 {
        match self.transform {
            Transform::Identity => self.scale,
            Transform::Log if self.low.is_finite() => elementary::exp(u),
            Transform::Log => -elementary::exp(u),
            Transform::Logit => {
                let (low, high) = self.ends();
                let inner = (high - low) * elementary::sigmoid(u) * elementary::sigmoid(-u);
                if self.logarithmic { inner * self.to_parameter(u) } else { inner }
            }
        }
    }
}

/// θ of a point in coordinates that `one` maps back one by one.
pub fn gather(coordinates: &[Coordinate], point: &[f64], one: fn(&Coordinate, f64) -> f64) -> Vec<f64> {
    let (mut left, mut last) = (1.0, 0.0);
    let mut theta = Vec::with_capacity(point.len());
    for (coordinate, x) in coordinates.iter().zip(point) {
        // One that is no share of a whole is multiplied by 1, which changes no bit of it.
        left = if coordinate.continues { left - last } else { 1.0 };
        last = left * one(coordinate, *x);
        theta.push(last);
    }
    theta
}

/// The point of θ in coordinates that `one` maps to one by one.
pub fn spread(coordinates: &[Coordinate], theta: &[f64], one: fn(&Coordinate, f64) -> f64) -> Vec<f64> {
    let (mut left, mut last) = (1.0, 0.0);
    let mut point = Vec::with_capacity(theta.len());
    for (coordinate, x) in coordinates.iter().zip(theta) {
        left = if coordinate.continues { left - last } else { 1.0 };
        last = *x;
        // Of nothing any share is nothing; by rounding a share may seem to be more than all that is left.
        let share = match coordinate.continues {
            true if left > 0.0 => (x / left).min(1.0),
            true => 0.5,
            false => *x,
        };
        point.push(one(coordinate, share));
    }
    point
}

/// θ as nodes of search coordinates: `gather` in nodes.
pub fn lower(coordinates: &[Coordinate], b: &mut Builder, u: &[Value]) -> Vec<Value> {
    let (mut left, mut theta) = (b.constant(1.0), Vec::with_capacity(u.len()));
    for (coordinate, u) in coordinates.iter().zip(u) {
        let own = coordinate.lower(b, *u);
        theta.push(match (coordinate.continues, theta.last()) {
            (true, Some(last)) => {
                left = b.subtract(left, *last);
                b.multiply(left, own)
            }
            _ => {
                left = b.constant(1.0);
                own
            }
        });
    }
    theta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_go_there_and_back() {
        let inf = f64::INFINITY;
        for (low, high, logarithmic) in
            [(0.0, 50.0, false), (10.0, 1000.0, true), (0.0, inf, false), (-inf, 3.0, false), (-inf, inf, false)]
        {
            let coordinate = Coordinate::new(low, high, logarithmic, 4.0, None);
            for theta in [0.5, 1.5, 2.75, 20.0, 49.0].into_iter().filter(|x| (low..=high).contains(x)) {
                let u = coordinate.to_search(theta);
                let back = coordinate.to_parameter(u);
                assert!((back - theta).abs() < 1e-12 * theta.abs().max(1.0), "{coordinate:?} {theta} {back}");
                let h = 1e-6;
                let slope = (coordinate.to_parameter(u + h) - coordinate.to_parameter(u - h)) / (2.0 * h);
                assert!((slope / coordinate.slope(u) - 1.0).abs() < 1e-7, "{coordinate:?}");
                let mut b = Builder::new();
                let value = b.constant(u);
                let lowered = coordinate.lower(&mut b, value);
                assert!((b.known(lowered).unwrap() - theta).abs() < 1e-12 * theta.abs().max(1.0));
            }
        }
    }
}
