//! Particle swarm: members that fly towards the best places they and their neighbours have seen.

use argmin::core::Error;

use super::Plan;
use super::guard::Guard;
use super::population::{Bounds, LOSS_SPREAD, Member, POINT_SPREAD, Spread, best, first_generation, members};
use super::watch::{Walk, walk};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::random::Stream;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "particle_swarm",
        summary: "members drawn to the best points that they and their neighbours have met",
        reference: "Kennedy & Eberhart 1995; factors of Clerc & Kennedy 2002, IEEE Trans. Evol. Comput. 6, 58; ring and \
                    confinement of Bratton & Kennedy 2007, IEEE Swarm Intelligence Symposium",
        settings: &[
            Setting {
                name: "population",
                summary: "members of the swarm",
                accepts: Accepts::Integer { low: 2, high: 1_000_000 },
                default: Default::Derived("10 per parameter, between 30 and 100"),
            },
            Setting {
                name: "inertia",
                summary: "share of the velocity that stays",
                accepts: Accepts::Number(Range::Open(0.0, 1.0)),
                default: Default::Number(0.729_84),
            },
            Setting {
                name: "attraction",
                summary: "pull towards the own and the neighbours' best point, each",
                accepts: Accepts::Number(Range::Open(0.0, 4.0)),
                default: Default::Number(1.496_172),
            },
            Setting {
                name: "topology",
                summary: "who hears of a good point: everybody, or the neighbours on a ring (slower, less easily trapped)",
                accepts: Accepts::Choice(&["global", "ring"]),
                default: Default::Choice("global"),
            },
            LOSS_SPREAD,
            POINT_SPREAD,
        ],
        check: independent,
    },
    gradient: false,
    population: true,
};

struct Swarm<'g, 'a> {
    guard: &'g Guard<'a>,
    bounds: Bounds,
    key: Stream,
    spread: Spread,
    inertia: f64,
    attraction: f64,
    ring: bool,
    positions: Vec<Vec<f64>>,
    velocities: Vec<Vec<f64>>,
    /// The members where they are, and the best that each has met.
    members: Vec<Member>,
    bests: Vec<Member>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let bounds = plan.bounds.clone().unwrap_or_default();
    let size = settings.integer("population").and_then(|n| usize::try_from(n).ok());
    let size = size.unwrap_or((10 * bounds.len()).clamp(30, 100)).max(2);
    let positions = first_generation(plan, &bounds, size);
    let mut stream = plan.stream.split(0);
    // Half the difference to a random point of the box (Clerc 2006).
    let velocity = |position: &Vec<f64>| -> Vec<f64> {
        position.iter().zip(&bounds).map(|(x, (low, high))| 0.5 * (stream.between(*low, *high) - x)).collect()
    };
    let velocities = positions.iter().map(velocity).collect();
    let members = members(&positions, guard.values(&positions)?);
    let method = Swarm {
        guard,
        key: plan.stream.split(1),
        spread: Spread::new(settings),
        inertia: settings.number("inertia").unwrap_or(0.0),
        attraction: settings.number("attraction").unwrap_or(0.0),
        ring: settings.choice("topology") == Some("ring"),
        positions,
        velocities,
        bests: members.clone(),
        members,
        bounds,
    };
    method.spread.test(guard, &method.members, &method.bounds);
    walk(guard, method, None)
}

impl Walk for Swarm<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        best(&self.members)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let mut stream = self.key.split(iteration);
        for i in 0..self.positions.len() {
            self.fly(i, &mut stream);
        }
        self.members = members(&self.positions, self.guard.values(&self.positions)?);
        for (best, member) in self.bests.iter_mut().zip(&self.members) {
            if member.loss < best.loss {
                best.clone_from(member);
            }
        }
        self.spread.test(self.guard, &self.members, &self.bounds);
        Ok(())
    }
}

impl Swarm<'_, '_> {
    /// The member whose best point draws member `i`.
    fn leader(&self, i: usize) -> usize {
        let n = self.bests.len();
        let better = |a: usize, b: usize| if self.bests[b].loss < self.bests[a].loss { b } else { a };
        if self.ring { [(i + n - 1) % n, (i + 1) % n].into_iter().fold(i, better) } else { (1..n).fold(0, better) }
    }

    /// New velocity and position; a member that meets a wall stops there, turned back at half speed.
    fn fly(&mut self, i: usize, stream: &mut Stream) {
        let leader = self.leader(i);
        let (own, shared) = (&self.bests[i].point, &self.bests[leader].point);
        for (j, (low, high)) in self.bounds.iter().enumerate() {
            let (x, v) = (&mut self.positions[i][j], &mut self.velocities[i][j]);
            let (a, b) = (stream.uniform(), stream.uniform());
            let social = if leader == i { 0.0 } else { self.attraction * b * (shared[j] - *x) };
            *v = self.inertia * *v + self.attraction * a * (own[j] - *x) + social;
            *x += *v;
            if *x < *low || *x > *high || x.is_nan() {
                *x = if *x > *high { *high } else { *low };
                *v *= -0.5;
            }
        }
    }
}
