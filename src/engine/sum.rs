//! The order of summation over rows: fixed, so that no block size, level or thread count changes the bits.
//!
//! Rows are taken in leaves of 256. Within a leaf row r goes to accumulator r mod 16; the 16 are then added by
//! halves (8 + 8, 4 + 4, 2 + 2, 1 + 1). Leaves are added as a binary tree over their positions: pairs, pairs of
//! pairs, and so on (pairwise summation; Higham, Accuracy and Stability, section 4.2: error grows with log n).

use crate::engine::STRIDE;

/// Rows in a leaf.
pub const LEAF: usize = 256;

/// Heights of subtrees that there can be.
const HEIGHTS: usize = 40;

/// A sum in progress.
#[derive(Clone, Debug)]
pub struct Sum {
    /// Leaves so far; the binary digits of their number are the heights of the complete subtrees.
    leaves: u64,
    /// The sums of complete subtrees, by height.
    subtrees: [f64; HEIGHTS],
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { leaves: 0, subtrees: [0.0; HEIGHTS] }
    }
}

impl Sum {
    pub fn clear(&mut self) {
        self.leaves = 0;
    }

    /// Adds the next rows: whole leaves, and what is left at the end of all.
    #[inline(always)]
    pub fn add(&mut self, rows: &[f64]) {
        for leaf in rows.chunks(LEAF) {
            let (whole, rest) = leaf.as_chunks::<STRIDE>();
            let mut lanes = [0.0; STRIDE];
            for chunk in whole {
                for j in 0..STRIDE {
                    lanes[j] += chunk[j];
                }
            }
            if !rest.is_empty() {
                for (lane, row) in lanes.iter_mut().zip(rest) {
                    *lane += row;
                }
            }
            self.leaf(std::array::from_fn(|j| lanes[j] + lanes[j + STRIDE / 2]));
        }
    }

    /// Adds the products of the next rows, each rounded before it is added; as `add`.
    #[inline(always)]
    pub fn add_product(&mut self, a: &[f64], b: &[f64]) {
        self.add_joined(a, b, |a, b| a * b);
    }

    /// The same for products in which an exact zero of the first one wins.
    #[inline(always)]
    pub fn add_masked(&mut self, a: &[f64], b: &[f64]) {
        self.add_joined(a, b, |a, b| if a == 0.0 { 0.0 } else { a * b });
    }

    #[inline(always)]
    fn add_joined(&mut self, a: &[f64], b: &[f64], join: impl Fn(f64, f64) -> f64) {
        for (a, b) in a.chunks(LEAF).zip(b.chunks(LEAF)) {
            let ((whole, rest), (others, other_rest)) = (a.as_chunks::<STRIDE>(), b.as_chunks::<STRIDE>());
            let mut lanes = [0.0; STRIDE];
            for (a, b) in whole.iter().zip(others) {
                for j in 0..STRIDE {
                    lanes[j] += join(a[j], b[j]);
                }
            }
            if !rest.is_empty() {
                for (lane, (a, b)) in lanes.iter_mut().zip(rest.iter().zip(other_rest)) {
                    *lane += join(*a, *b);
                }
            }
            self.leaf(std::array::from_fn(|j| lanes[j] + lanes[j + STRIDE / 2]));
        }
    }

    /// Adds a leaf to the tree. Not inlined, and given a copy: seen beside the loop over the rows, the sum by halves makes
    /// the compiler give that loop vectors of two lanes.
    #[inline(never)]
    fn leaf(&mut self, eight: [f64; STRIDE / 2]) {
        let mut total = halved(&eight);
        let height = self.leaves.trailing_ones() as usize;
        for left in &self.subtrees[..height] {
            total += left;
        }
        self.subtrees[height] = total;
        self.leaves += 1;
    }

    /// Adds what another sum has added up of the rows that come next, up to the end of a leaf: at most as many leaves as
    /// the number of leaves so far is a multiple of.
    pub fn join(&mut self, next: &Sum) {
        let mut rest = next.leaves;
        while rest != 0 {
            // Subtrees come largest first.
            let height = rest.ilog2() as usize;
            rest -= 1 << height;
            let complete = height + (self.leaves >> height).trailing_ones() as usize;
            let mut total = next.subtrees[height];
            for left in &self.subtrees[height..complete] {
                total += left;
            }
            self.subtrees[complete] = total;
            self.leaves += 1 << height;
        }
    }

    /// The sum of all rows; 0 of none.
    #[inline(always)]
    pub fn total(&self) -> f64 {
        // Incomplete trees are joined from the smallest.
        let mut rest = self.leaves;
        if rest == 0 {
            return 0.0;
        }
        let mut total = self.subtrees[rest.trailing_zeros() as usize];
        rest &= rest - 1;
        while rest != 0 {
            total += self.subtrees[rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        total
    }
}

/// The sum by halves.
fn halved(eight: &[f64; STRIDE / 2]) -> f64 {
    let four: [f64; 4] = std::array::from_fn(|j| eight[j] + eight[j + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_does_not_depend_on_the_pieces() {
        let rows: Vec<f64> = (0..5000).map(|i| ((i * 7919) % 1000) as f64 * 0.1 - 37.3).collect();
        let total = |leaves: usize| {
            let mut sum = Sum::default();
            rows.chunks(leaves * LEAF).for_each(|rows| sum.add(rows));
            sum.total()
        };
        for leaves in [2, 3, 4, 8] {
            assert_eq!(total(leaves).to_bits(), total(1).to_bits());
        }
        assert!((total(1) - rows.iter().sum::<f64>()).abs() < 1e-9);
    }

    #[test]
    fn parts_are_joined_in_the_tree() {
        let rows: Vec<f64> = (0..70_001).map(|i| ((i * 7919) % 1000) as f64 * 0.1 - 37.3).collect();
        let add = |rows: &[f64]| {
            let mut sum = Sum::default();
            rows.chunks(LEAF).for_each(|leaf| sum.add(leaf));
            sum
        };
        let whole = add(&rows).total();
        for leaves in [1, 2, 8, 64, 256, 512] {
            let mut sum = Sum::default();
            for part in rows.chunks(leaves * LEAF) {
                sum.join(&add(part));
            }
            assert_eq!(sum.total().to_bits(), whole.to_bits(), "parts of {leaves} leaves");
        }
    }

    #[test]
    fn small_sums_are_right() {
        let mut sum = Sum::default();
        assert_eq!(sum.total(), 0.0);
        sum.add(&[1.0, 2.0, 3.5]);
        assert_eq!(sum.total(), 6.5);
    }
}
