//! Sums over the rows of a block, in the order that `sum` fixes: of a factor, and of its products with row values, with the
//! sums under way in registers.
//!
//! A product in which an exact zero wins is added up as a plain one. A zero is a zero of either sign, and no sum that
//! begins with 0 is -0: the bits are the same unless a zero meets what is not finite. Then a total is NaN, and the leaf is
//! done again as the product says.

use std::ops::Range;

use crate::engine::STRIDE;
use crate::engine::block::rows_of;
use crate::engine::code::{Operand, Summand, Sums, Times, Zero};
use crate::engine::run::State;
use crate::engine::sum::{LEAF, halved, kept};

/// Products in one go over a leaf: for more, compilers make vectors across the sums, and take twice as long.
const MOST: usize = 3;

/// Lanes of several sums in one go over a leaf: more, and they do not stay in sixteen registers.
const HALF: usize = STRIDE / 2;

/// Adds the first `count` rows to sums of the pass.
#[inline(always)]
pub fn sums(of: &Sums, state: &mut State, count: usize) {
    match of.factor {
        Summand::Value(_) => leaves::<false>(of, state, count),
        _ => leaves::<true>(of, state, count),
    }
}

#[inline(always)]
fn leaves<const PRODUCT: bool>(of: &Sums, state: &mut State, count: usize) {
    let [x, y] = of.factor.operands();
    let (mut leaf, mut start) = (0, 0);
    while start < count {
        let rows = start..(start + LEAF).min(count);
        let mut own = of.own;
        let mut rest = &of.times[..];
        loop {
            let (now, later) = rest.split_at(rest.len().min(MOST));
            let x = strides(x, state, &rows);
            let y = if PRODUCT { strides(y, state, &rows) } else { x };
            let mut totals = [0.0; MOST + 1];
            // No function of its own: the arrays are as long as their number is.
            macro_rules! add {
                ($number:literal, $wide:expr, [$($times:ident),*]) => {{
                    let by = [$(strides($times.rows, state, &rows)),*];
                    let mut lanes = [[0.0; STRIDE]; $number + 1];
                    add::<PRODUCT, $number, $wide>(x, y, by, rows.len(), &mut lanes);
                    halve(&lanes, &mut totals)
                }};
            }
            let all = match now {
                [] => add!(0, STRIDE, []),
                [a] => add!(1, HALF, [a]),
                [a, b] => add!(2, HALF, [a, b]),
                [a, b, c, ..] => add!(3, HALF, [a, b, c]),
            };
            if all.is_nan() {
                exactly(&of.factor, now, state, &rows, &mut totals);
            }
            if let Some(at) = own {
                state.sums.set(leaf, at, totals[0]);
            }
            for (times, total) in now.iter().zip(&totals[1..]) {
                state.sums.set(leaf, times.at, *total);
            }
            if later.is_empty() {
                break;
            }
            (own, rest) = (None, later);
        }
        (leaf, start) = (leaf + 1, rows.end);
    }
}

/// Rows of a leaf, padded to whole strides.
#[inline(always)]
fn strides<'a>(of: Operand, state: &'a State, rows: &Range<usize>) -> &'a [[f64; STRIDE]] {
    let (all, first) = match of {
        Operand::Slot(slot) => (&state.slots[slot as usize], rows.start),
        Operand::Column(column) => (&*state.rows.columns[column as usize], state.start + rows.start),
        Operand::Uniform(_) => unreachable!("a row value stands in rows"),
    };
    all[first..][..rows.len().next_multiple_of(STRIDE)].as_chunks().0
}

/// The sums of a leaf of so many rows in their lanes: of the factor x, or x·y, and of its products with each of `by`.
#[inline(always)]
fn add<const PRODUCT: bool, const K: usize, const WIDE: usize>(
    x: &[[f64; STRIDE]],
    y: &[[f64; STRIDE]],
    by: [&[[f64; STRIDE]]; K],
    count: usize,
    lanes: &mut [[f64; STRIDE]],
) {
    // All of the same length, which the compiler is to know.
    let strides = x.len();
    let y = &y[..strides];
    let mut q: [&[[f64; STRIDE]]; K] = [&[]; K];
    for k in 0..K {
        q[k] = &by[k][..strides];
    }
    let whole = (count / STRIDE).min(strides);
    // No closures: they would not be compiled for the level.
    for from in (0..STRIDE).step_by(WIDE) {
        let mut alone = [0.0; WIDE];
        let mut sums = [[0.0; WIDE]; K];
        let mut p = [0.0; WIDE];
        for at in 0..whole {
            for j in 0..WIDE {
                p[j] = if PRODUCT { x[at][from + j] * y[at][from + j] } else { x[at][from + j] };
                alone[j] += p[j];
            }
            for k in 0..K {
                for j in 0..WIDE {
                    sums[k][j] += p[j] * q[k][at][from + j];
                }
            }
        }
        if whole < strides {
            let rows: &[u64; STRIDE] = kept(count % STRIDE).first_chunk().expect("a stride of rows");
            for j in 0..WIDE {
                p[j] = if PRODUCT { x[whole][from + j] * y[whole][from + j] } else { x[whole][from + j] };
                alone[j] += f64::from_bits(p[j].to_bits() & rows[from + j]);
            }
            for k in 0..K {
                for j in 0..WIDE {
                    let product = p[j] * q[k][whole][from + j];
                    sums[k][j] += f64::from_bits(product.to_bits() & rows[from + j]);
                }
            }
        }
        lanes[0][from..from + WIDE].copy_from_slice(&alone);
        for k in 0..K {
            lanes[1 + k][from..from + WIDE].copy_from_slice(&sums[k]);
        }
    }
}

/// Not inlined: seen beside the loop over the rows, the sums by halves make the compiler give that loop vectors of two
/// lanes. Returns NaN if a total is.
#[inline(never)]
fn halve(lanes: &[[f64; STRIDE]], totals: &mut [f64]) -> f64 {
    let mut all = 0.0;
    for (lanes, total) in lanes.iter().zip(totals) {
        *total = halved(lanes);
        all += *total;
    }
    all
}

/// The totals of rows of the block, one row after the other, with the zeros that win.
#[cold]
#[inline(never)]
fn exactly(factor: &Summand, times: &[Times], state: &State, rows: &Range<usize>, totals: &mut [f64]) {
    let at = |operand: Operand, row: usize| rows_of(operand, state, state.lanes)[row];
    let masked = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * b };
    let products = [None].into_iter().chain(times.iter().map(Some));
    for (total, times) in totals.iter_mut().zip(products) {
        let mut lanes = [0.0; STRIDE];
        for (k, row) in rows.clone().enumerate() {
            let p = match *factor {
                Summand::Value(a) => at(a, row),
                Summand::Product(a, b) => at(a, row) * at(b, row),
                Summand::Masked(a, b) => masked(at(a, row), at(b, row)),
            };
            lanes[k % STRIDE] += match times.map(|times| (times.zero, at(times.rows, row))) {
                None => p,
                Some((Zero::Neither, q)) => p * q,
                Some((Zero::Factor, q)) => masked(p, q),
                Some((Zero::Rows, q)) => masked(q, p),
            };
        }
        *total = halved(&lanes);
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::code::Step;
    use crate::engine::{Kernel, Level, Rows, Workspace};
    use crate::ir::{Builder, Operator, Program, Value};

    const PRODUCTS: usize = 5;

    /// Sums of a product p of two row values, and of its products with others: as they are, and with zeros that win.
    fn program() -> Program {
        let mut b = Builder::new();
        let shift = b.input(0);
        let rows: Vec<Value> = (0..PRODUCTS + 2)
            .map(|k| {
                let column = b.column(k);
                b.subtract(column, shift)
            })
            .collect();
        let mut sums = Vec::new();
        for product in [Operator::Multiply, Operator::Masked] {
            let p = b.apply(product, &[rows[0], rows[1]]);
            sums.push(b.sum(p));
            for q in &rows[2..] {
                let product = b.apply(product, &[p, *q]);
                sums.push(b.sum(product));
            }
        }
        b.finish(&sums, 1, PRODUCTS + 2)
    }

    /// The summands of those sums.
    fn summands(columns: &[Vec<f64>], shift: f64) -> Vec<Vec<f64>> {
        let plain = |a: f64, b: f64| a * b;
        let masked = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * b };
        let mut all = Vec::new();
        for product in [plain, masked] {
            let of = |k: usize| columns[k].iter().map(move |x| x - shift);
            let p: Vec<f64> = of(0).zip(of(1)).map(|(a, b)| product(a, b)).collect();
            let products = (2..PRODUCTS + 2).map(|k| p.iter().zip(of(k)).map(|(p, q)| product(*p, q)).collect());
            let products: Vec<Vec<f64>> = products.collect();
            all.push(p);
            all.extend(products);
        }
        all
    }

    fn bits(kernel: &Kernel, inputs: &[f64], count: usize) -> Vec<u64> {
        let mut results = vec![0.0; count];
        kernel.evaluate(inputs, &mut Workspace::default(), &mut results);
        // Which NaN does not matter.
        results.iter().map(|x| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }).collect()
    }

    #[test]
    fn the_bits_are_those_of_sums_of_products_that_are_written() {
        let program = program();
        let sums = program.outputs.len();
        for infinite in [false, true] {
            for count in [1, 16, 37, 300, 2_500] {
                let number = |k: usize, row: usize| match (row * (k + 3) * 7919) % 1000 {
                    // Meets zeros of the factor: those of row 20 do.
                    _ if infinite && row == 20 => {
                        if k == 0 {
                            1.5
                        } else {
                            f64::INFINITY
                        }
                    }
                    digits => digits as f64 * 0.5 - 173.0,
                };
                let columns: Vec<Vec<f64>> =
                    (0..PRODUCTS + 2).map(|k| (0..count).map(|row| number(k, row)).collect()).collect();
                let expected = summands(&columns, 1.5);
                let mut b = Builder::new();
                let total: Vec<Value> = (0..sums)
                    .map(|k| {
                        let column = b.column(k);
                        b.sum(column)
                    })
                    .collect();
                let written = Kernel::new(&b.finish(&total, 0, sums), &Rows::new(&expected, count));
                let expected = bits(&written, &[], sums);
                let finite = expected.iter().filter(|bits| f64::from_bits(**bits).is_finite()).count();
                assert_eq!(finite, if infinite && count > 20 { sums / 2 } else { sums });
                for level in Level::available() {
                    let kernel = Kernel::at_level(&program, &Rows::new(&columns, count), level);
                    let groups = kernel.passes[0].rows.iter().filter(|step| matches!(step, Step::Sums(_))).count();
                    assert_eq!(groups, 2);
                    assert_eq!(bits(&kernel, &[1.5], sums), expected, "{count} rows, {level}");
                }
            }
        }
    }
}
