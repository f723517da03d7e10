//! The Nelder-Mead simplex with adaptive parameters, started again from its best point until that brings nothing.

use argmin::core::Error;

use super::guard::Guard;
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "nelder_mead",
        summary: "simplex search without derivatives, with parameters that follow the dimension, and restarts",
        reference: "Nelder & Mead 1965; adaptive parameters of Gao & Han 2012, Comput. Optim. Appl. 51, eq. 4.1",
        settings: &[
            Setting {
                name: "initial_step",
                summary: "edge of the first simplex, as a share of each coordinate; absolute where that is near zero",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(0.1),
            },
            Setting {
                name: "restarts",
                summary: "how often a fresh simplex may start from the best point",
                accepts: Accepts::Integer { low: 0, high: 1000 },
                default: Default::Integer(10),
            },
            Setting {
                name: "loss_tolerance",
                summary: "the simplex has converged when its losses lie within this share of the best one",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(1e-15),
            },
            Setting {
                name: "step_tolerance",
                summary: "the simplex has converged when it is this much smaller than its best vertex or its first edges",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(1e-10),
            },
        ],
        check: independent,
    },
    gradient: false,
    population: false,
};

/// Coordinates below this share of the largest one, or of 1, count as zero when the first simplex is made.
const NEAR_ZERO: f64 = 1e-12;

struct Vertex {
    point: Vec<f64>,
    loss: f64,
}

struct Simplex<'g, 'a> {
    guard: &'g Guard<'a>,
    /// From the best to the worst.
    vertices: Vec<Vertex>,
    step: f64,
    restarts: i64,
    loss_tolerance: f64,
    step_tolerance: f64,
    /// Edges of the present simplex when it was made.
    edges: Vec<f64>,
    /// Best loss when the present simplex was made.
    before: f64,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let number = |name| plan.settings.number(name).unwrap_or(0.0);
    let mut simplex = Simplex {
        guard,
        vertices: Vec::new(),
        step: number("initial_step"),
        restarts: plan.settings.integer("restarts").unwrap_or(0),
        loss_tolerance: number("loss_tolerance"),
        step_tolerance: number("step_tolerance"),
        edges: Vec::new(),
        before: f64::INFINITY,
    };
    let loss = guard.value(&plan.start)?;
    simplex.raise(Vertex { point: plan.start.clone(), loss }, simplex.step)?;
    if simplex.vertices.iter().all(|vertex| vertex.loss.is_infinite()) {
        guard.stop(Reason::NonFinite);
    }
    walk(guard, simplex, None)
}

impl Walk for Simplex<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.vertices[0].point, self.vertices[0].loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        self.turn()?;
        self.vertices.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        if let Some(reason) = self.converged() {
            let best = self.vertices.swap_remove(0);
            let fall = self.before - best.loss;
            if self.restarts == 0 || fall <= self.loss_tolerance.max(8.0 * f64::EPSILON) * best.loss.abs() {
                self.guard.stop(reason);
                self.vertices.push(best);
            } else {
                self.restarts -= 1;
                self.before = best.loss;
                // The other way round each time: the old simplex may have collapsed along the old edges.
                self.step = -self.step;
                self.raise(best, self.step)?;
            }
        }
        Ok(())
    }
}

impl Simplex<'_, '_> {
    /// A fresh simplex: the point, and one step along each coordinate.
    fn raise(&mut self, best: Vertex, step: f64) -> Result<(), Error> {
        let scale = best.point.iter().fold(0.0, |most: f64, x| most.max(x.abs())).min(1.0);
        let edge = |x: &f64| if x.abs() > NEAR_ZERO * scale { step * x } else { step };
        self.edges = best.point.iter().map(edge).collect();
        let moved = |(j, edge): (usize, &f64)| {
            let mut point = best.point.clone();
            point[j] += edge;
            point
        };
        let points: Vec<Vec<f64>> = self.edges.iter().enumerate().map(moved).collect();
        let losses = self.guard.values(&points)?;
        self.vertices = points.into_iter().zip(losses).map(|(point, loss)| Vertex { point, loss }).collect();
        self.vertices.push(best);
        self.vertices.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        Ok(())
    }

    /// One turn: reflect, expand, contract or shrink (Gao & Han 2012, section 2, parameters of eq. 4.1).
    fn turn(&mut self) -> Result<(), Error> {
        let n = self.vertices.len() - 1;
        // Their parameters degenerate in one dimension, where those for two are the classical ones.
        let size = n.max(2) as f64;
        let (expansion, contraction, shrinkage) = (1.0 + 2.0 / size, 0.75 - 0.5 / size, 1.0 - 1.0 / size);
        let mut centre = vec![0.0; n];
        for vertex in &self.vertices[..n] {
            for (sum, x) in centre.iter_mut().zip(&vertex.point) {
                *sum += x / n as f64;
            }
        }
        let worst = &self.vertices[n];
        let along = |share: f64| -> Vec<f64> {
            centre.iter().zip(&worst.point).map(|(c, w)| share.mul_add(c - w, *c)).collect()
        };
        let at = |share: f64| -> Result<Vertex, Error> {
            let point = along(share);
            let loss = self.guard.value(&point)?;
            Ok(Vertex { point, loss })
        };
        let reflected = at(1.0)?;
        let accepted = if reflected.loss < self.vertices[0].loss {
            let expanded = at(expansion)?;
            Some(if expanded.loss < reflected.loss { expanded } else { reflected })
        } else if reflected.loss < self.vertices[n - 1].loss {
            Some(reflected)
        } else if reflected.loss < worst.loss {
            let outside = at(contraction)?;
            (outside.loss <= reflected.loss).then_some(outside)
        } else {
            let inside = at(-contraction)?;
            (inside.loss < worst.loss).then_some(inside)
        };
        if let Some(vertex) = accepted {
            self.vertices[n] = vertex;
            return Ok(());
        }
        let (best, rest) = self.vertices.split_at_mut(1);
        let points: Vec<Vec<f64>> = rest
            .iter()
            .map(|vertex| vertex.point.iter().zip(&best[0].point).map(|(x, b)| shrinkage.mul_add(x - b, *b)).collect())
            .collect();
        let losses = self.guard.values(&points)?;
        for (vertex, (point, loss)) in rest.iter_mut().zip(points.into_iter().zip(losses)) {
            *vertex = Vertex { point, loss };
        }
        Ok(())
    }

    /// Both tolerances met, or the simplex has no extent left.
    fn converged(&self) -> Option<Reason> {
        let best = &self.vertices[0];
        let spread = self.vertices[self.vertices.len() - 1].loss - best.loss;
        let extent = |tolerance: f64| {
            self.vertices[1..].iter().all(|vertex| {
                let small = |((x, b), edge): ((&f64, &f64), &f64)| (x - b).abs() <= tolerance * b.abs().max(edge.abs());
                vertex.point.iter().zip(&best.point).zip(&self.edges).all(small)
            })
        };
        if extent(self.step_tolerance) {
            return Some(Reason::StepTolerance);
        }
        (spread <= self.loss_tolerance * best.loss.abs()).then_some(Reason::LossTolerance)
    }
}
