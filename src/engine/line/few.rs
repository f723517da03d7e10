//! Kernels of few rows as one line: the rows are lanes, what is the same for all of them numbers.
//!
//! A step on blocks costs as much as a hundred rows. Where there are no more than sixteen, the steps of the passes become
//! instructions on lanes, as those of tangents are, and a sum over the rows one more instruction. So nothing is between
//! what stands before the rows, the rows, and what stands after them.

use std::sync::Arc;

use crate::engine::code::{Pass, Step};
use crate::engine::line::{Eight, Uses, translate};
use crate::engine::{Kernel, STRIDE};

/// Rows that fit into lanes.
const FEW: usize = STRIDE;

/// Eights of lanes at a place.
pub const WIDTH: usize = FEW / 8;

/// Gives a kernel of few rows its line, unless it does what lines do not: rows put into vectors by an index, rows that are
/// kept apart, loops of their own for each row.
pub fn add(kernel: &mut Kernel, uses: &Uses) {
    let is_plain = |pass: &Pass| {
        let loops = pass.rows.iter().any(|step| matches!(step, Step::Loop(_)));
        pass.scatters.is_empty() && pass.stores.is_empty() && !loops
    };
    if kernel.passes.is_empty() || !(1..=FEW).contains(&kernel.rows.count) || !kernel.passes.iter().all(is_plain) {
        return;
    }
    let mut lists: Vec<(&[Step], &[u32])> = Vec::new();
    for pass in &kernel.passes {
        lists.extend([(&pass.uniform[..], &[][..]), (&pass.rows[..], &pass.sums[..])]);
    }
    lists.push((&kernel.epilogue, &[]));
    // One more slot, for the factors of sums.
    let mut uses = uses.clone();
    uses.slots += 1;
    kernel.whole = translate::lines(&lists, &uses);
    if kernel.whole.is_some() {
        let fixed = Arc::make_mut(&mut kernel.fixed);
        fixed.lanes = WIDTH * uses.slots as usize;
        let eights = kernel.rows.columns.iter().flat_map(|column| column.as_chunks().0);
        fixed.columns = eights.map(|eight| Eight(*eight)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Level, Rows, Workspace};
    use crate::ir::op::ROWS;
    use crate::ir::{Builder, Loop, LoopKind, Operator, Program, Value};

    const INPUTS: usize = 3;
    const COLUMNS: usize = 3;

    /// Every kind of step on rows, in an order that a number says: operators on rows and numbers, vectors, sums of
    /// products, sums that later rows use, a loop.
    fn program(seed: u64) -> Program {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut b = Builder::new();
        let mut values: Vec<Value> = (0..INPUTS).map(|k| b.input(k)).collect();
        values.extend((0..COLUMNS).map(|k| b.column(k)));
        let (mut sums, ordered) = (Vec::new(), [Operator::Polygamma, Operator::BesselJn]);
        for _ in 0..5 + next(40) {
            let any = [0; 4].map(|_| values[next(values.len())]);
            let value = match next(12) {
                0..=4 => {
                    // Orders of functions are small numbers.
                    let operators = ROWS.iter().filter(|row| !ordered.contains(&row.operator));
                    let operator = operators.cycle().nth(next(ROWS.len())).expect("endless").operator;
                    b.apply(operator, &any[..operator.arity()])
                }
                5 => b.multiply(any[0], any[1]),
                6 => {
                    let products = [(0, 1), (1, 2), (2, 3), (3, 3)].map(|(x, y)| b.multiply(any[x], any[y]));
                    let sum = b.add(products[0], products[1]);
                    let sum = b.subtract(sum, products[2]);
                    b.add(sum, products[3])
                }
                7 => {
                    let vector = b.pack(&any);
                    let vector = b.replace(vector, any[1], any[0]);
                    b.element(vector, any[2])
                }
                8 => b.select(any[0], any[1], any[2]),
                9 => {
                    let mut inner = Builder::new();
                    let x = inner.input(1);
                    let half = inner.scale(0.5, x);
                    let next = inner.unary(Operator::Cos, half);
                    let body = inner.finish(&[next], 2, 0).into();
                    let (count, start) = (b.constant(5.0), b.input(0));
                    let operands = vec![count, start];
                    b.add_loop(Loop { kind: LoopKind::Counted, carried: 1, body, operands }).1[0]
                }
                10 => b.apply(Operator::Masked, &[any[0], any[1]]),
                _ => {
                    let sum = b.sum(any[0]);
                    sums.push(sum);
                    sum
                }
            };
            values.push(value);
        }
        let last = values.split_off(values.len() - 3);
        sums.extend(last.into_iter().map(|value| b.sum(value)));
        b.finish(&sums, INPUTS, COLUMNS)
    }

    #[test]
    fn few_rows_in_lanes_give_the_bits_of_blocks() {
        let bits = |numbers: &[f64]| -> Vec<u64> {
            // Which NaN an operation gives depends on the order of its operands.
            numbers.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
        };
        let special = [-0.0, 1.0, 2.0, f64::INFINITY, 1e-310, -1.5, 3.0, f64::NAN];
        let (mut in_lanes, mut kinds) = (0, 0);
        let mut workspace = Workspace::default();
        for seed in 0..200 {
            let program = program(seed);
            let count = 1 + seed as usize % FEW;
            let number = |row: usize, k: usize| match (seed % 3, (row * 7 + k) % 5) {
                (0, 0) => special[(row + k) % special.len()],
                _ => 0.3 + 0.17 * row as f64 - 0.4 * k as f64,
            };
            let columns: Vec<Vec<f64>> = (0..COLUMNS).map(|k| (0..count).map(|row| number(row, k)).collect()).collect();
            let point: Vec<f64> = (0..INPUTS).map(|k| number(seed as usize, k)).collect();
            for level in Level::available() {
                let kernel = Kernel::at_level(&program, &Rows::new(&columns, count), level);
                if kernel.whole.is_none() {
                    continue;
                }
                in_lanes += 1;
                kinds |= kernel.passes.len();
                let mut found = vec![0.0; program.outputs.len()];
                kernel.evaluate(&point, &mut workspace, &mut found);
                let mut expected = found.clone();
                let on_blocks = Kernel { whole: None, ..kernel };
                on_blocks.evaluate(&point, &mut workspace, &mut expected);
                assert_eq!(bits(&found), bits(&expected), "{count} rows, {level}\n{program}");
            }
        }
        assert!(in_lanes >= 100 && kinds & 2 != 0, "{in_lanes} in lanes");
    }

    #[test]
    fn more_rows_have_blocks() {
        let kernel = |count| Kernel::new(&program(1), &Rows::new(&vec![vec![0.5; count]; COLUMNS], count));
        assert!(kernel(FEW).whole.is_some());
        assert!(kernel(FEW + 1).whole.is_none() && kernel(0).whole.is_none());
    }
}
