//! Lanes over points: a program of few rows turned so that each row of the new one is a point of the old one.
//!
//! Inputs become columns, and what the old program does for each row is written out, row by row, with the data as
//! constants. Sums over rows keep the order of `sum`, so that the bits are those of one point at a time, up to the sign
//! of a sum that is zero. Populations, starts and difference stencils over few rows, and trajectories, whose loops
//! have one lane otherwise, gain by it.

use crate::engine::sum::LEAF;
use crate::engine::{Rows, STRIDE, Why};
use crate::ir::{Builder, LoopKind, Node, Operator, Program, Value};

/// Points below which one at a time is as good.
pub const FEW: usize = 8;

/// Rows up to which points make the better lanes, in programs without a loop that every row shares, and with one.
pub const ROWS: usize = 64;
pub const ROWS_WITH_LOOP: usize = 1024;

/// Nodes that the turned program may have.
const SIZE: usize = 20_000;

/// Whether there is a loop that every row shares.
pub fn has_shared_loop(program: &Program) -> bool {
    if !program.has_loops() {
        return false;
    }
    let rates = program.rates();
    program.values().any(|v| program.loop_at(v).is_some() && !rates[v.index()].by_row())
}

/// The turned program. The error says why there is none: it would be too long, or has what has no place in it, outputs
/// by row, loops by row, loops as long as an input says.
pub fn turn(program: &Program, rows: &Rows) -> Result<Program, Why> {
    let rates = program.rates();
    let by_row = |v: Value| rates[v.index()].by_row();
    if program.outputs.iter().any(|v| by_row(*v)) {
        return Err(Why::NoPlace);
    }
    if program.values().any(|v| by_row(v) && program.loop_at(v).is_some()) {
        return Err(Why::LoopByRow);
    }
    if !program.values().all(|v| counts_are_constant(program, v)) {
        return Err(Why::LoopOfUnknownLength);
    }
    let repeated = program.values().filter(|v| by_row(*v)).count();
    if repeated.saturating_mul(rows.count) + program.nodes.len() > SIZE {
        return Err(Why::TooLong);
    }
    let mut turning = Turning::new(program, rows);
    let depths = program.depths();
    let deepest = depths.iter().copied().max().unwrap_or(0);
    for depth in 0..=deepest {
        let here = |v: &Value| depths[v.index()] == depth;
        for value in program.values().filter(|v| here(v) && !by_row(*v)) {
            turning.once(value, &by_row).ok_or(Why::NoPlace)?;
        }
        let repeated: Vec<Value> = program.values().filter(|v| here(v) && by_row(*v)).collect();
        let reductions: Vec<Value> = program
            .values()
            .filter(|v| depths[v.index()] == depth + 1 && program.node(*v).reduces())
            .filter(|v| program.node(*v).operands().iter().any(|operand| by_row(*operand)))
            .collect();
        turning.rows(&repeated, &reductions);
    }
    let Turning { b, places, .. } = turning;
    let outputs: Vec<Value> = program.outputs.iter().map(|v| places[0][v.index()]).collect();
    if b.len() > 2 * SIZE {
        return Err(Why::TooLong);
    }
    Ok(b.finish(&outputs, 0, program.inputs))
}

/// A turned program in the making.
struct Turning<'a> {
    program: &'a Program,
    data: &'a Rows,
    b: Builder,
    /// What became of each node, for each row; what is the same for every row stands in all.
    places: Vec<Vec<Value>>,
}

impl Turning<'_> {
    fn new<'a>(program: &'a Program, data: &'a Rows) -> Turning<'a> {
        let mut b = Builder::new();
        let unmade = b.constant(0.0);
        let places = vec![vec![unmade; program.nodes.len()]; data.count.max(1)];
        Turning { program, data, b, places }
    }

    fn set(&mut self, value: Value, made: Value) {
        self.places.iter_mut().for_each(|place| place[value.index()] = made);
    }

    /// A node that is the same for every row; sums over rows are made by `rows`. None for what has no place.
    fn once(&mut self, value: Value, by_row: &dyn Fn(Value) -> bool) -> Option<()> {
        let made = match self.program.node(value) {
            Node::Input(k) => self.b.column(*k as usize),
            Node::VectorInput(..) => return None,
            node if node.reduces() && node.operands().iter().any(|v| by_row(*v)) => return Some(()),
            Node::Sum(operand) => {
                let operand = self.places[0][operand.index()];
                self.b.scale(self.data.count as f64, operand)
            }
            Node::Scatter { index, number, size } => self.scatter(*index, *number, *size),
            other => self.b.copy(other, &self.places[0]),
        };
        self.set(value, made);
        Some(())
    }

    fn scatter(&mut self, index: Value, number: Value, size: u32) -> Value {
        let b = &mut self.b;
        let mut vector = b.zero(Some(size));
        for place in &self.places[..self.data.count] {
            let (index, number) = (place[index.index()], place[number.index()]);
            let element = b.element(vector, index);
            let sum = b.add(element, number);
            vector = b.replace(vector, index, sum);
        }
        vector
    }

    /// Writes out nodes row by row, and their sums. Rows are taken in the order in which the sums need them, so that few
    /// values are alive at a time.
    fn rows(&mut self, repeated: &[Value], reductions: &[Value]) {
        let program = self.program;
        let terms: Vec<(Value, Value)> = reductions
            .iter()
            .filter_map(|v| if let Node::Sum(operand) = program.node(*v) { Some((*v, *operand)) } else { None })
            .collect();
        let mut trees = vec![Tree::default(); terms.len()];
        for first in (0..self.data.count).step_by(LEAF) {
            let end = (first + LEAF).min(self.data.count);
            let mut leaves = vec![Tree::default(); terms.len()];
            for lane in HALVED {
                let mut lanes: Vec<Option<Value>> = vec![None; terms.len()];
                for row in (first + lane..end).step_by(STRIDE) {
                    repeated.iter().for_each(|v| self.repeat(*v, row));
                    for (lane, (_, operand)) in lanes.iter_mut().zip(&terms) {
                        let term = self.places[row][operand.index()];
                        *lane = Some(lane.map_or(term, |so_far| self.b.add(so_far, term)));
                    }
                }
                for (leaf, lane) in leaves.iter_mut().zip(lanes) {
                    let zero = self.b.constant(0.0);
                    leaf.push(&mut self.b, lane.unwrap_or(zero));
                }
            }
            for (tree, leaf) in trees.iter_mut().zip(leaves) {
                let total = leaf.total(&mut self.b);
                tree.push(&mut self.b, total);
            }
        }
        for ((sum, _), tree) in terms.iter().zip(trees) {
            let total = tree.total(&mut self.b);
            self.set(*sum, total);
        }
        for value in reductions {
            if let Node::Scatter { index, number, size } = program.node(*value) {
                let total = self.scatter(*index, *number, *size);
                self.set(*value, total);
            }
        }
    }

    fn repeat(&mut self, value: Value, row: usize) {
        let place = &self.places[row];
        let b = &mut self.b;
        let at = |v: &Value| place[v.index()];
        let made = match self.program.node(value) {
            Node::Column(k) => b.constant(self.data.columns[*k as usize].get(row).copied().unwrap_or(f64::NAN)),
            Node::Row => b.constant(row as f64),
            // The sign goes to the number: (-x)·c as x·(-c).
            Node::Apply(Operator::Multiply, [x, y, _]) => match (b.known(at(x)), b.known(at(y))) {
                (Some(c), None) => scaled(b, at(y), c),
                (None, Some(c)) => scaled(b, at(x), c),
                _ => b.multiply(at(x), at(y)),
            },
            other => b.copy(other, place),
        };
        self.places[row][value.index()] = made;
    }
}

/// c·x.
fn scaled(b: &mut Builder, x: Value, c: f64) -> Value {
    match b.node(x) {
        Node::Apply(Operator::Negate, [opposite, ..]) => {
            let opposite = *opposite;
            b.scale(-c, opposite)
        }
        _ => b.scale(c, x),
    }
}

/// The lanes of a leaf in the order in which they are added by halves: 0 + 8, 4 + 12, …
const HALVED: [usize; STRIDE] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

/// A sum under way as a binary tree over positions: pairs, pairs of pairs.
#[derive(Clone, Debug, Default)]
struct Tree {
    subtrees: Vec<(u32, Value)>,
}

impl Tree {
    fn push(&mut self, b: &mut Builder, value: Value) {
        let (mut height, mut total) = (0, value);
        while let Some((_, left)) = self.subtrees.pop_if(|(other, _)| *other == height) {
            total = b.add(left, total);
            height += 1;
        }
        self.subtrees.push((height, total));
    }

    fn total(self, b: &mut Builder) -> Value {
        let totals = self.subtrees.into_iter().rev().map(|(_, total)| total);
        totals.reduce(|right, left| b.add(left, right)).unwrap_or_else(|| b.constant(0.0))
    }
}

/// Whether the loops in a node are all of a constant length, or end by themselves.
fn counts_are_constant(program: &Program, value: Value) -> bool {
    let Some(body) = program.loop_at(value) else { return true };
    let constant = match (body.kind, body.count()) {
        (LoopKind::Counted, Some(count)) => program.node(count).constant().is_some(),
        _ => true,
    };
    constant && body.body.values().all(|v| counts_are_constant(&body.body, v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Kernel, Lanes, Workspace};
    use crate::ir::Loop;

    /// Two outputs: a sum over rows of squared residuals of a decay, and the logistic map iterated from an input.
    fn program() -> Program {
        let mut b = Builder::new();
        let (amplitude, rate, start) = (b.input(0), b.input(1), b.input(2));
        let (t, y) = (b.column(0), b.column(1));
        let exponent = b.multiply(rate, t);
        let negative = b.negate(exponent);
        let decay = b.unary(Operator::Exp, negative);
        let model = b.multiply(amplitude, decay);
        let residual = b.subtract(y, model);
        let square = b.square(residual);
        let total = b.sum(square);
        let mut inner = Builder::new();
        let x = inner.input(1);
        let one = inner.constant(1.0);
        let rest = inner.subtract(one, x);
        let product = inner.multiply(x, rest);
        let next = inner.scale(3.7, product);
        let body = inner.finish(&[next], 2, 0);
        let steps = b.constant(20.0);
        let (_, results) =
            b.add_loop(Loop { kind: LoopKind::Counted, carried: 1, body: body.into(), operands: vec![steps, start] });
        b.finish(&[total, results[0]], 3, 2)
    }

    #[test]
    fn points_in_lanes_give_the_bits_of_one_at_a_time() {
        let program = program();
        for count in [1, 5, 16, 37, 300] {
            let t: Vec<f64> = (0..count).map(|i| 0.13 * i as f64).collect();
            let y: Vec<f64> = (0..count).map(|i| 7.0 - 0.4 * (i % 9) as f64).collect();
            let rows = Rows::new(&[t, y], count);
            let kernel = Kernel::new(&program, &rows);
            assert_eq!(kernel.lanes_of_points(None, FEW).lanes, Lanes::Points, "{count} rows");
            for points in [1, FEW as u32, 16, 21, 600] {
                let points: Vec<Vec<f64>> = (0..points)
                    .map(|k| vec![5.0 + 0.01 * f64::from(k), 0.1 + 0.002 * f64::from(k), 0.001 + 0.0015 * f64::from(k)])
                    .collect();
                let mut workspace = Workspace::default();
                let mut many = vec![0.0; 2 * points.len()];
                kernel.evaluate_many(None, &points, &mut workspace, &mut many);
                for (point, found) in points.iter().zip(many.chunks(2)) {
                    let mut alone = [0.0; 2];
                    kernel.evaluate(point, &mut workspace, &mut alone);
                    assert_eq!(found.iter().map(|x| x.to_bits()).collect::<Vec<u64>>(), alone.map(f64::to_bits));
                }
            }
        }
    }

    /// What is chosen is what runs: the turned kernel is made when points are taken for lanes, and not before.
    #[test]
    fn lanes_that_are_asked_for_are_those_that_run() {
        let columns = [vec![0.5; 100], vec![2.0; 100]];
        let points: Vec<Vec<f64>> = (0..9).map(|k| vec![5.0, 0.1 * f64::from(k), 0.3]).collect();
        let mut expected = Vec::new();
        for (wanted, count, lanes) in [
            (Some(Lanes::Rows), 9, Lanes::Rows),
            (None, 9, Lanes::Points),
            (None, FEW - 1, Lanes::Rows),
            (Some(Lanes::Tangents), 9, Lanes::Points),
            (Some(Lanes::Points), 2, Lanes::Points),
            (Some(Lanes::Points), 1, Lanes::Rows),
        ] {
            let kernel = Kernel::new(&program(), &Rows::new(&columns, 100));
            let mut results = vec![f64::NAN; 2 * count];
            kernel.evaluate_many(wanted, &points[..count], &mut Workspace::default(), &mut results);
            assert_eq!(kernel.lanes_of_points(wanted, count).lanes, lanes, "{wanted:?}, {count} points");
            let turned = kernel.points.get().is_some() || kernel.batch.get().is_some();
            assert_eq!(turned, lanes == Lanes::Points, "{wanted:?}, {count} points");
            if expected.is_empty() {
                expected = results;
            } else {
                assert_eq!(results, expected[..2 * count], "{wanted:?}");
            }
        }
    }

    #[test]
    fn what_has_no_place_in_lanes_of_points_stays_in_rows() {
        let mut b = Builder::new();
        let (x, t) = (b.input(0), b.column(0));
        let product = b.multiply(x, t);
        let by_row = b.finish(&[product], 1, 1);
        let rows = Rows::new(&[vec![1.0, 2.0]], 2);
        assert_eq!(turn(&by_row, &rows), Err(Why::NoPlace));
        let mut inner = Builder::new();
        let double = {
            let x = inner.input(1);
            inner.add(x, x)
        };
        let body = inner.finish(&[double], 2, 0);
        let one = b.constant(1.0);
        // As long as an input says.
        let (_, results) =
            b.add_loop(Loop { kind: LoopKind::Counted, carried: 1, body: body.into(), operands: vec![x, one] });
        let endless = b.finish(&results, 1, 1);
        assert_eq!(turn(&endless, &rows), Err(Why::LoopOfUnknownLength));
        let kernel = Kernel::new(&endless, &rows);
        let points: Vec<Vec<f64>> = (0..10).map(|k| vec![f64::from(k)]).collect();
        let mut results = vec![0.0; 10];
        kernel.evaluate_many(None, &points, &mut Workspace::default(), &mut results);
        assert_eq!(results, (0..10).map(|k| f64::from(1u32 << k)).collect::<Vec<f64>>());
    }
}
