//! What the population methods share: members, the first generation, and when a population has converged.

use super::guard::Guard;
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Range, Setting, Settings};

/// A point and its loss.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) point: Vec<f64>,
    pub(super) loss: f64,
}

/// Lower and upper end of each coordinate.
pub(super) type Bounds = Vec<(f64, f64)>;

pub(super) const LOSS_SPREAD: Setting = Setting {
    name: "loss_tolerance",
    summary: "stop when the losses of all members lie within this share of the best one",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(1e-12),
};

pub(super) const POINT_SPREAD: Setting = Setting {
    name: "step_tolerance",
    summary: "stop when all members lie within this share of the box in every coordinate",
    accepts: Accepts::Number(Range::NonNegative),
    default: Default::Number(1e-10),
};

/// The points of the first generation: the start, then draws from the priors, all inside the bounds. The start stands
/// for member 0, so that a user's `start` counts for every optimizer.
pub(super) fn first_generation(plan: &Plan<'_>, bounds: &Bounds, count: usize) -> Vec<Vec<f64>> {
    let inside = |point: Vec<f64>| {
        let into = |(x, (low, high)): (f64, &(f64, f64))| {
            if x.is_nan() { 0.5 * low + 0.5 * high } else { x.max(*low).min(*high) }
        };
        point.into_iter().zip(bounds).map(into).collect()
    };
    let draws = (1..count as u64).map(|i| inside((plan.draw)(i)));
    std::iter::once(inside(plan.start.clone())).chain(draws).collect()
}

/// Each point with its loss.
pub(super) fn members(points: &[Vec<f64>], losses: Vec<f64>) -> Vec<Member> {
    points.iter().zip(losses).map(|(point, loss)| Member { point: point.clone(), loss }).collect()
}

/// The best member and its loss.
pub(super) fn best(members: &[Member]) -> (&[f64], f64) {
    let best = members.iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
    best.map_or((&[], f64::INFINITY), |best| (&best.point, best.loss))
}

/// Positions of the members from the best to the worst; equal losses in the order of the members.
pub(super) fn rank(members: &[Member], order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..members.len());
    order.sort_unstable_by(|&a, &b| members[a].loss.total_cmp(&members[b].loss).then(a.cmp(&b)));
}

/// Tests of convergence.
pub(super) struct Spread {
    loss: f64,
    point: f64,
}

impl Spread {
    pub(super) fn new(settings: &Settings) -> Spread {
        let number = |setting: &Setting| settings.number(setting.name).unwrap_or(0.0);
        Spread { loss: number(&LOSS_SPREAD), point: number(&POINT_SPREAD) }
    }

    /// Stops the run if the population has converged.
    pub(super) fn test(&self, guard: &Guard<'_>, members: &[Member], bounds: &Bounds) {
        if let Some(reason) = self.reached(members, bounds) {
            guard.stop(reason);
        }
    }

    /// The tolerance that the population meets, if any.
    fn reached(&self, members: &[Member], bounds: &Bounds) -> Option<Reason> {
        let mut losses = (f64::INFINITY, f64::NEG_INFINITY);
        for member in members {
            losses = (losses.0.min(member.loss), losses.1.max(member.loss));
        }
        if losses.1.is_infinite() {
            return None;
        }
        if losses.1 - losses.0 <= self.loss * losses.0.abs() {
            return Some(Reason::LossTolerance);
        }
        let close = bounds.iter().enumerate().all(|(j, (low, high))| {
            let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
            for member in members {
                ends = (ends.0.min(member.point[j]), ends.1.max(member.point[j]));
            }
            ends.1 - ends.0 <= self.point * (high - low)
        });
        close.then_some(Reason::StepTolerance)
    }
}
