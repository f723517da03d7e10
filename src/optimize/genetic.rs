//! A real-coded genetic algorithm: tournaments, simulated binary crossover, polynomial mutation, elitism.
//!
//! A whole generation is evaluated as one batch. Random numbers are keyed by the generation.

use argmin::core::Error;

use super::Plan;
use super::guard::Guard;
use super::population::{Bounds, LOSS_SPREAD, Member, POINT_SPREAD, Spread, best, first_generation, members, rank};
use super::watch::{Walk, walk};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::{exp, log};
use crate::math::random::Stream;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "genetic",
        summary: "genetic algorithm: tournament selection, simulated binary crossover, polynomial mutation, elitism",
        reference: "Deb & Agrawal 1995, Complex Systems 9 (crossover); Deb & Goyal 1996 (mutation with a growing \
                    index); bounded forms of Deb 2001, Multi-Objective Optimization, sections 4.3 and 4.4",
        settings: &[
            Setting {
                name: "population",
                summary: "members of a generation",
                accepts: Accepts::Integer { low: 4, high: 1_000_000 },
                default: Default::Integer(60),
            },
            Setting {
                name: "tournament",
                summary: "members drawn for each parent, the best of which is taken",
                accepts: Accepts::Integer { low: 1, high: 1000 },
                default: Default::Integer(2),
            },
            Setting {
                name: "crossover",
                summary: "probability that two parents are crossed",
                accepts: Accepts::Number(Range::Closed(0.0, 1.0)),
                default: Default::Number(0.9),
            },
            Setting {
                name: "crossover_index",
                summary: "distribution index of the crossover: large keeps children near their parents",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(2.0),
            },
            Setting {
                name: "mutation",
                summary: "probability that a coordinate is mutated",
                accepts: Accepts::Number(Range::Closed(0.0, 1.0)),
                default: Default::Derived("2 over the number of parameters, at most 1"),
            },
            Setting {
                name: "mutation_index",
                summary: "distribution index of the mutation: large keeps mutants near",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(20.0),
            },
            Setting {
                name: "mutation_growth",
                summary: "what each generation adds to the mutation's index: mutants come nearer as time goes on",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(3.0),
            },
            Setting {
                name: "elites",
                summary: "best parents that compete with the children for the next generation",
                accepts: Accepts::Integer { low: 0, high: 1_000_000 },
                default: Default::Derived("all"),
            },
            LOSS_SPREAD,
            POINT_SPREAD,
        ],
        check: independent,
    },
    gradient: false,
    population: true,
};

struct Genetic<'g, 'a> {
    guard: &'g Guard<'a>,
    bounds: Bounds,
    key: Stream,
    spread: Spread,
    members: Vec<Member>,
    tournament: usize,
    crossover: f64,
    crossover_index: f64,
    mutation: f64,
    mutation_index: f64,
    mutation_growth: f64,
    elites: usize,
    children: Vec<Vec<f64>>,
    order: Vec<usize>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let bounds = plan.bounds.clone().unwrap_or_default();
    let number = |name| settings.number(name).unwrap_or(0.0);
    let size = |name| settings.integer(name).and_then(|n| usize::try_from(n).ok());
    let count = size("population").unwrap_or(60).max(4);
    let children = first_generation(plan, &bounds, count);
    let losses = guard.values(&children)?;
    let method = Genetic {
        guard,
        key: plan.stream.split(0),
        spread: Spread::new(settings),
        tournament: size("tournament").unwrap_or(2).max(1),
        crossover: number("crossover"),
        crossover_index: number("crossover_index"),
        mutation: settings.number("mutation").unwrap_or((2.0 / bounds.len() as f64).min(1.0)),
        mutation_index: number("mutation_index"),
        mutation_growth: number("mutation_growth"),
        elites: size("elites").unwrap_or(count).min(count),
        members: members(&children, losses),
        children,
        order: Vec::new(),
        bounds,
    };
    method.spread.test(guard, &method.members, &method.bounds);
    walk(guard, method, None)
}

impl Walk for Genetic<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        best(&self.members)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let mut members = std::mem::take(&mut self.members);
        let mut stream = self.key.split(iteration);
        self.breed(&members, &mut stream);
        self.mutation_index += self.mutation_growth;
        let losses = self.guard.values(&self.children)?;
        self.survive(&mut members, &losses);
        self.spread.test(self.guard, &members, &self.bounds);
        self.members = members;
        Ok(())
    }
}

impl Genetic<'_, '_> {
    /// The position of the best of some members drawn at random.
    fn parent(&self, members: &[Member], stream: &mut Stream) -> usize {
        let mut best = stream.index(members.len());
        for _ in 1..self.tournament {
            let other = stream.index(members.len());
            if members[other].loss < members[best].loss {
                best = other;
            }
        }
        best
    }

    /// Writes the children, two from each pair of parents; of an odd number, the last pair has one.
    fn breed(&mut self, members: &[Member], stream: &mut Stream) {
        let mut children = std::mem::take(&mut self.children);
        for pair in children.chunks_mut(2) {
            let (a, b) = (self.parent(members, stream), self.parent(members, stream));
            let (a, b) = (&members[a].point, &members[b].point);
            let crossed = stream.uniform() < self.crossover;
            let mut spare = Vec::new();
            let (first, second) = match pair {
                [first, second] => (first, second),
                [first] => {
                    spare.resize(a.len(), 0.0);
                    (first, &mut spare)
                }
                _ => continue,
            };
            first.copy_from_slice(a);
            second.copy_from_slice(b);
            if crossed {
                self.cross(first, second, stream);
            }
            for (child, parent) in [(first, a), (second, b)] {
                let mutated = self.mutate(child, stream);
                // A copy of its parent would be an evaluation for nothing.
                if !mutated && child == parent {
                    let j = stream.index(child.len());
                    child[j] = self.mutant(child[j], j, stream);
                }
            }
        }
        self.children = children;
    }

    /// Simulated binary crossover inside the bounds: each coordinate with probability a half (Deb & Agrawal 1995).
    fn cross(&self, first: &mut [f64], second: &mut [f64], stream: &mut Stream) {
        let power = self.crossover_index + 1.0;
        for j in 0..first.len() {
            if stream.uniform() < 0.5 {
                continue;
            }
            let (low, high) = (first[j].min(second[j]), first[j].max(second[j]));
            let gap = high - low;
            let (u, swap) = (stream.uniform(), stream.uniform() < 0.5);
            if gap <= 1e-14 * (self.bounds[j].1 - self.bounds[j].0) {
                continue;
            }
            let child = |room: f64| {
                let reach = 1.0 + 2.0 * room / gap;
                // The share of the spread's distribution that lies inside the bound; 1 for a far bound.
                let outside = if reach > 1e3 { 0.0 } else { raise(reach, -power) };
                let scaled = u * (2.0 - outside);
                let ratio = if scaled <= 1.0 { scaled } else { 1.0 / (2.0 - scaled) };
                raise(ratio, 1.0 / power)
            };
            let (start, end) = self.bounds[j];
            let middle = 0.5 * low + 0.5 * high;
            let below = (middle - 0.5 * child(low - start) * gap).clamp(start, end);
            let above = (middle + 0.5 * child(end - high) * gap).clamp(start, end);
            (first[j], second[j]) = if swap { (above, below) } else { (below, above) };
        }
    }

    /// Mutates each coordinate with its probability; whether any was.
    fn mutate(&self, child: &mut [f64], stream: &mut Stream) -> bool {
        let mut mutated = false;
        for (j, x) in child.iter_mut().enumerate() {
            if stream.uniform() < self.mutation {
                *x = self.mutant(*x, j, stream);
                mutated = true;
            }
        }
        mutated
    }

    /// Polynomial mutation inside the bounds (Deb & Goyal 1996; Deb 2001, section 4.4).
    fn mutant(&self, x: f64, j: usize, stream: &mut Stream) -> f64 {
        let (low, high) = self.bounds[j];
        let width = high - low;
        let power = self.mutation_index + 1.0;
        let u = stream.uniform();
        let step = if u < 0.5 {
            let inside = 1.0 - (x - low) / width;
            raise(2.0 * u + (1.0 - 2.0 * u) * raise(inside, power), 1.0 / power) - 1.0
        } else {
            let inside = 1.0 - (high - x) / width;
            1.0 - raise(2.0 * (1.0 - u) + (2.0 * u - 1.0) * raise(inside, power), 1.0 / power)
        };
        let moved = x + step * width;
        if moved.is_finite() { moved.clamp(low, high) } else { x }
    }

    /// The best of the elite parents and all children make the next generation; at equal losses children go first, so
    /// that a plateau is wandered over.
    fn survive(&mut self, members: &mut [Member], losses: &[f64]) {
        rank(members, &mut self.order);
        let mut elites: Vec<usize> = self.order[..self.elites].to_vec();
        let mut fallen: Vec<usize> = self.order[self.elites..].to_vec();
        self.order.clear();
        self.order.extend(0..losses.len());
        self.order.sort_unstable_by(|&a, &b| losses[a].total_cmp(&losses[b]).then(a.cmp(&b)));
        // Children take the places of those that fell out at once, then those of the worst elites that they beat.
        for &child in &self.order {
            let place = match fallen.pop() {
                Some(place) => place,
                None => match elites.pop() {
                    Some(place) if losses[child] <= members[place].loss => place,
                    _ => break,
                },
            };
            std::mem::swap(&mut members[place].point, &mut self.children[child]);
            members[place].loss = losses[child];
        }
    }
}

/// x to the power p for x >= 0; two elementary calls instead of a correctly rounded power.
fn raise(x: f64, p: f64) -> f64 {
    if x <= 0.0 { if p > 0.0 { 0.0 } else { f64::INFINITY } } else { exp(p * log(x)) }
}
