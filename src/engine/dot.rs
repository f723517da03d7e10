//! Sums of products on the rows of a block: one step that keeps the sum in registers for many that would write it.

use crate::engine::STRIDE;
use crate::engine::block::{Lanes, lanes_of};
use crate::engine::code::{Dot, Operand};
use crate::engine::run::State;

/// Terms of one step: what they are made of stays alive until all are added up.
pub const MOST: usize = 16;

/// Rows whose sum is under way at a time: half of sixteen registers of four numbers, or of thirty-two of eight.
pub const TILE: usize = 2 * STRIDE;
pub const WIDE_TILE: usize = 8 * STRIDE;

/// What the rows of a term are multiplied by.
#[derive(Clone, Copy)]
enum By<'a> {
    One(f64),
    Rows(&'a [f64]),
    MinusRows(&'a [f64]),
    Itself,
}

type Term<'a> = (&'a [f64], By<'a>);

/// to = ((a₀·b₀ ± a₁·b₁) ± a₂·b₂) ± …, each product and each sum rounded on its own: the bits are those of a step for each.
#[inline(always)]
pub fn dot<const TILE: usize>(dot: &Dot, state: &mut State) {
    let Operand::Slot(slot) = dot.to else { return };
    let mut taken = std::mem::take(&mut state.slots[slot as usize]);
    {
        let mut terms: [Term; MOST] = [(&[], By::One(0.0)); MOST];
        for (made, term) in terms.iter_mut().zip(&dot.terms) {
            let Lanes::Rows(rows) = lanes_of(term.rows, state) else { unreachable!("rows stand in rows") };
            // A product with ±1 is exact.
            let sign = if term.minus { -1.0 } else { 1.0 };
            let by = match term.by.map(|by| lanes_of(by, state)) {
                None => By::One(sign),
                Some(Lanes::One(number)) => By::One(sign * number),
                Some(Lanes::Rows(rows)) if term.minus => By::MinusRows(rows),
                // Read once.
                Some(Lanes::Rows(_)) if term.by == Some(term.rows) => By::Itself,
                Some(Lanes::Rows(rows)) => By::Rows(rows),
            };
            *made = (rows, by);
        }
        let terms = &terms[..dot.terms.len().min(MOST)];
        let to = &mut taken[..state.lanes];
        let at = tiles::<TILE>(terms, to, 0);
        let at = if TILE > self::TILE { tiles::<{ self::TILE }>(terms, to, at) } else { at };
        tiles::<STRIDE>(terms, to, at);
    }
    state.slots[slot as usize] = taken;
}

/// The sums of as many rows from `at` on as are a multiple of `ROWS`; where they end.
#[inline(always)]
fn tiles<const ROWS: usize>(terms: &[Term], to: &mut [f64], at: usize) -> usize {
    let tiles = to[at..].as_chunks_mut::<ROWS>().0;
    for (k, to) in tiles.iter_mut().enumerate() {
        *to = tile(terms, at + k * ROWS);
    }
    at + tiles.len() * ROWS
}

/// The sums of the rows from `at` on.
#[inline(always)]
fn tile<const ROWS: usize>(terms: &[Term], at: usize) -> [f64; ROWS] {
    let mut sum = [0.0; ROWS];
    for (k, (a, by)) in terms.iter().enumerate() {
        let a = rows::<ROWS>(a, at);
        // No closures: they would not be compiled for the level.
        match (k, by) {
            (0, By::One(b)) => {
                for j in 0..ROWS {
                    sum[j] = a[j] * b;
                }
            }
            (0, By::Rows(b)) => {
                let b = rows::<ROWS>(b, at);
                for j in 0..ROWS {
                    sum[j] = a[j] * b[j];
                }
            }
            (0, By::Itself) => {
                for j in 0..ROWS {
                    sum[j] = a[j] * a[j];
                }
            }
            (_, By::Itself) => {
                for j in 0..ROWS {
                    sum[j] += a[j] * a[j];
                }
            }
            (_, By::One(b)) => {
                for j in 0..ROWS {
                    sum[j] += a[j] * b;
                }
            }
            (_, By::Rows(b)) => {
                let b = rows::<ROWS>(b, at);
                for j in 0..ROWS {
                    sum[j] += a[j] * b[j];
                }
            }
            (_, By::MinusRows(b)) => {
                let b = rows::<ROWS>(b, at);
                for j in 0..ROWS {
                    sum[j] -= a[j] * b[j];
                }
            }
        }
    }
    sum
}

#[inline(always)]
fn rows<const ROWS: usize>(of: &[f64], at: usize) -> &[f64; ROWS] {
    of[at..].first_chunk().expect("lanes are padded to whole strides")
}

#[cfg(test)]
mod tests {
    use crate::engine::code::Step;
    use crate::engine::{Kernel, Level, Rows, Workspace};
    use crate::ir::{Builder, Value};

    /// More terms than one step has, of every kind.
    #[test]
    fn the_bits_are_those_of_one_operation_after_the_other() {
        const TERMS: usize = 19;
        let mut b = Builder::new();
        let factors: Vec<Value> = (0..TERMS).map(|k| b.input(k)).collect();
        let rows: Vec<Value> = (0..TERMS)
            .map(|k| {
                let column = b.column(k);
                b.subtract(column, factors[k])
            })
            .collect();
        let mut sum = b.multiply(factors[1], rows[0]);
        for k in 1..TERMS {
            let term = match k % 4 {
                0 => b.multiply(rows[k], factors[k - 1]),
                1 => b.square(rows[k]),
                2 => rows[k],
                _ => b.multiply(rows[k], rows[k - 1]),
            };
            sum = if k % 5 < 2 { b.subtract(sum, term) } else { b.add(term, sum) };
        }
        let others = b.total(&rows);
        let program = b.finish(&[sum, others], TERMS, TERMS);
        let point: Vec<f64> = (0..TERMS).map(|k| 0.37 * k as f64 - 2.9).collect();
        for count in [1, 16, 37, 300, 2_500] {
            let column = |k: usize| (0..count).map(|row| ((row * (k + 3) * 7919) % 1000) as f64 * 0.1 - 37.3).collect();
            let columns: Vec<Vec<f64>> = (0..TERMS).map(column).collect();
            let expected = (0..count).map(|row| {
                let rows: Vec<f64> = (0..TERMS).map(|k| columns[k][row] - point[k]).collect();
                let sum = (1..TERMS).fold(point[1] * rows[0], |sum, k| {
                    let term = match k % 4 {
                        0 => rows[k] * point[k - 1],
                        1 => rows[k] * rows[k],
                        2 => rows[k],
                        _ => rows[k] * rows[k - 1],
                    };
                    if k % 5 < 2 { sum - term } else { sum + term }
                });
                sum.to_bits()
            });
            let expected: Vec<u64> = expected.collect();
            for level in Level::available() {
                let kernel = Kernel::at_level(&program, &Rows::new(&columns, count), level);
                let dots = kernel.passes[0].rows.iter().filter(|step| matches!(step, Step::Dot(_))).count();
                assert_eq!(dots, 2, "the second one has the terms that are too many for one");
                let found = kernel.rows(&point, &mut Workspace::default());
                let found: Vec<u64> = found[0].iter().map(|x| x.to_bits()).collect();
                assert_eq!(found, expected, "{count} rows, {level}");
            }
        }
    }
}
