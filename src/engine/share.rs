//! One evaluation shared among threads: each part adds up leaves of the sums, and the parts are joined in the fixed tree.
//!
//! The engine makes no threads: whoever has some lends them to a workspace as a `Crew`. A part is as many leaves as a
//! whole subtree of `sum` has, so that the bits are those of one thread, however many there are.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::engine::code::Pass;
use crate::engine::sum::{LEAF, Trees};
use crate::engine::{Kernel, Rows, Workspace, run};

/// Threads that somebody lends.
pub trait Crew: fmt::Debug + Send + Sync {
    /// How many work at once.
    fn threads(&self) -> usize;

    /// Calls `work` with every number below `parts`, in any order, and returns when all are done.
    fn each(&self, parts: usize, work: &(dyn Fn(usize) + Sync));
}

/// Steps on rows below which a pass is not shared: some 100 µs of work.
const WORTH: usize = 400_000;

/// Parts for each thread, so that all end together.
const PARTS: usize = 4;

/// Whether a pass over so many rows is worth sharing. What is added up in the order of the rows is not shared.
pub fn is_worth_it(pass: &Pass, rows: usize) -> bool {
    pass.rows.len().saturating_mul(rows) >= WORTH && pass.scatters.is_empty() && pass.stores.is_empty()
}

/// Adds up a pass over all rows, with the uniform file as it stands before the pass.
pub fn rows(
    crew: &dyn Crew,
    spare: &Mutex<Vec<Workspace>>,
    (kernel, pass, rows): (&Kernel, &Pass, &Rows),
    uniforms: &[f64],
    sums: &mut Trees,
) {
    let leaves = rows.count.div_ceil(LEAF);
    let most = (leaves / (PARTS * crew.threads().max(1))).max(1);
    let size = (1usize << most.ilog2()) * LEAF;
    let found: Vec<OnceLock<Trees>> = (0..rows.count.div_ceil(size)).map(|_| OnceLock::new()).collect();
    let take = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    crew.each(found.len(), &|part| {
        let mut workspace = take().pop().unwrap_or_default();
        let range = part * size..((part + 1) * size).min(rows.count);
        run::part(kernel, pass, rows, uniforms, &mut workspace, range);
        let _ = found[part].set(std::mem::take(&mut workspace.sums));
        take().push(workspace);
    });
    for part in found.into_iter().filter_map(OnceLock::into_inner) {
        sums.join(&part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Builder, Operator};

    /// Does the parts one after the other, the last one first.
    #[derive(Debug)]
    struct Backwards(usize);

    impl Crew for Backwards {
        fn threads(&self) -> usize {
            self.0
        }

        fn each(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
            assert!(parts > 1, "nothing is shared");
            (0..parts).rev().for_each(work);
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let mut b = Builder::new();
        let (rate, t) = (b.input(0), b.column(0));
        let product = b.multiply(rate, t);
        let mut values = vec![b.unary(Operator::Sin, product)];
        for _ in 0..30 {
            let last = *values.last().expect("there is one");
            let shifted = b.shift(last, 0.1);
            values.push(b.multiply(shifted, last));
        }
        let sum = b.sum(values[30]);
        // A second pass, which needs the first one.
        let scaled = b.multiply(sum, values[1]);
        let far = b.unary(Operator::Exp, scaled);
        let again = b.multiply(far, values[30]);
        let second = b.sum(again);
        let program = b.finish(&[sum, second], 1, 1);
        let count = 100_003;
        let column: Vec<f64> = (0..count).map(|row| 1e-6 * row as f64).collect();
        let kernel = Kernel::new(&program, &Rows::new(&[column], count));
        let value = |crew: Option<&'static dyn Crew>| {
            let mut workspace = Workspace::default();
            workspace.lend(crew);
            let mut results = [0.0; 2];
            kernel.evaluate(&[1.3], &mut workspace, &mut results);
            results.map(f64::to_bits)
        };
        let alone = value(None);
        assert_eq!(value(Some(&Backwards(2))), alone);
        assert_eq!(value(Some(&Backwards(7))), alone);
    }
}
