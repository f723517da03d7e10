//! The order of summation over rows: fixed, so that no block size, level or thread count changes the bits.
//!
//! Rows are taken in leaves of 256. Within a leaf row r goes to accumulator r mod 16; the 16 are then added by
//! halves (8 + 8, 4 + 4, 2 + 2, 1 + 1). Leaves are added as a binary tree over their positions: pairs, pairs of
//! pairs, and so on (pairwise summation; Higham, Accuracy and Stability, section 4.2: error grows with log n).

use crate::engine::STRIDE;

/// Rows in a leaf.
pub const LEAF: usize = 256;

/// The sums of a pass under way. They go through the rows together: each leaves the totals of the leaves of a block, which
/// are then added to the trees of all.
#[derive(Clone, Debug, Default)]
pub struct Trees {
    count: usize,
    /// Leaves so far; the binary digits of their number are the heights of the complete subtrees.
    leaves: u64,
    /// The totals of the leaves of a block, `count` for each leaf.
    totals: Vec<f64>,
    /// The sums of complete subtrees, `count` for each height.
    subtrees: Vec<f64>,
}

impl Trees {
    /// Begins `count` sums anew, over blocks of so many leaves at most.
    pub fn begin(&mut self, count: usize, leaves: usize) {
        (self.count, self.leaves) = (count, 0);
        if self.totals.len() < count * leaves {
            self.totals.resize(count * leaves, 0.0);
        }
    }

    /// The total of a sum in a leaf of the block.
    #[inline(always)]
    pub fn set(&mut self, leaf: usize, sum: u32, total: f64) {
        self.totals[leaf * self.count + sum as usize] = total;
    }

    /// Adds the leaves of a block to the trees; `last`: no other block comes.
    #[inline(always)]
    pub fn push(&mut self, leaves: usize, last: bool) {
        if last && leaves == 1 && self.leaves == 0 {
            self.leaves = 1;
        } else {
            self.add(leaves);
        }
    }

    fn add(&mut self, leaves: usize) {
        for leaf in 0..leaves {
            let height = self.leaves.trailing_ones() as usize;
            self.complete(leaf, 0, height);
            self.leaves += 1;
        }
    }

    /// Adds what other sums have added up of the rows that come next, up to the end of a leaf: at most as many leaves as
    /// the number of leaves so far is a multiple of.
    pub fn join(&mut self, next: &Trees) {
        let mut rest = next.leaves;
        while rest != 0 {
            // Subtrees come largest first.
            let height = rest.ilog2() as usize;
            rest -= 1 << height;
            let complete = height + (self.leaves >> height).trailing_ones() as usize;
            self.totals[..self.count].copy_from_slice(next.subtrees(height));
            self.complete(0, height, complete);
            self.leaves += 1 << height;
        }
    }

    /// Where there is one leaf alone, its totals stand where it left them.
    #[inline(always)]
    fn subtrees(&self, height: usize) -> &[f64] {
        let of = if self.leaves == 1 { &self.totals } else { &self.subtrees };
        &of[height * self.count..][..self.count]
    }

    /// Adds the subtrees of heights `first..height` to totals, which become the subtrees of that height.
    fn complete(&mut self, leaf: usize, first: usize, height: usize) {
        let Trees { count, totals, subtrees, .. } = self;
        let totals = &mut totals[leaf * *count..][..*count];
        for left in (first..height).map(|height| &subtrees[height * *count..][..*count]) {
            for (total, left) in totals.iter_mut().zip(left) {
                *total += left;
            }
        }
        let end = (height + 1) * *count;
        if subtrees.len() < end {
            subtrees.resize(end, 0.0);
        }
        subtrees[end - *count..end].copy_from_slice(totals);
    }

    /// A sum over all rows; 0 of none.
    #[inline(always)]
    pub fn total(&self, sum: usize) -> f64 {
        // Incomplete trees are joined from the smallest.
        let mut rest = self.leaves;
        if rest == 0 {
            return 0.0;
        }
        let mut total = self.subtrees(rest.trailing_zeros() as usize)[sum];
        rest &= rest - 1;
        while rest != 0 {
            total += self.subtrees(rest.trailing_zeros() as usize)[sum];
            rest &= rest - 1;
        }
        total
    }
}

/// Rows that `kept` can tell of.
const FEW: usize = 24;

/// From position `FEW - n` on: all bits for n rows, none for those that follow.
static KEPT: [u64; 2 * FEW] = {
    let mut kept = [0; 2 * FEW];
    let mut k = 0;
    while k < FEW {
        kept[k] = u64::MAX;
        k += 1;
    }
    kept
};

/// The bits of the first `count` rows, none of those that follow up to `FEW`: with them rows are cut off, since what is
/// compared lane by lane becomes branches.
#[inline(always)]
pub fn kept(count: usize) -> &'static [u64] {
    &KEPT[FEW - count..]
}

/// The sum of the first `count` rows of some eights, a leaf that is not full. Accumulators of a leaf begin with 0; here it is added at the end, which
/// is the same: no sum of theirs is -0, and what is no zero does not depend on it.
#[inline(always)]
pub fn of_few<const W: usize>(eights: &[[f64; 8]; W], count: usize) -> f64 {
    let kept = kept(count);
    let mut lanes = [-0.0; STRIDE];
    for w in 0..W {
        let kept: &[u64; 8] = kept[8 * w..].first_chunk().expect("there are at most three eights");
        for k in 0..8 {
            lanes[8 * (w % 2) + k] += f64::from_bits(eights[w][k].to_bits() & kept[k]);
        }
    }
    halved(&lanes) + 0.0
}

/// The sum by halves.
#[inline(always)]
pub fn halved(lanes: &[f64; STRIDE]) -> f64 {
    let eight: [f64; 8] = std::array::from_fn(|j| lanes[j] + lanes[j + 8]);
    let four: [f64; 4] = std::array::from_fn(|j| eight[j] + eight[j + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of the rows of a leaf.
    fn of_leaf(rows: &[f64]) -> f64 {
        let mut lanes = [0.0; STRIDE];
        for chunk in rows.chunks(STRIDE) {
            for (lane, row) in lanes.iter_mut().zip(chunk) {
                *lane += row;
            }
        }
        halved(&lanes)
    }

    fn rows(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919) % 1000) as f64 * 0.1 - 37.3).collect()
    }

    /// Two sums, the second one of the same rows doubled, in blocks of so many leaves.
    fn add(rows: &[f64], leaves: usize) -> Trees {
        let mut sums = Trees::default();
        sums.begin(2, leaves);
        let blocks = rows.len().div_ceil(leaves * LEAF);
        for (k, block) in rows.chunks(leaves * LEAF).enumerate() {
            for (leaf, rows) in block.chunks(LEAF).enumerate() {
                let total = of_leaf(rows);
                sums.set(leaf, 0, total);
                sums.set(leaf, 1, 2.0 * total);
            }
            sums.push(block.len().div_ceil(LEAF), k + 1 == blocks);
        }
        sums
    }

    #[test]
    fn the_total_does_not_depend_on_the_pieces() {
        let rows = rows(5000);
        let whole = add(&rows, 1);
        for leaves in [2, 3, 4, 8] {
            let sums = add(&rows, leaves);
            assert_eq!([0, 1].map(|k| sums.total(k).to_bits()), [0, 1].map(|k| whole.total(k).to_bits()));
        }
        assert!((whole.total(0) - rows.iter().sum::<f64>()).abs() < 1e-9);
        assert_eq!(whole.total(1), 2.0 * whole.total(0));
    }

    #[test]
    fn parts_are_joined_in_the_tree() {
        let rows = rows(70_001);
        let whole = add(&rows, 1);
        for leaves in [1, 2, 8, 64, 256, 512] {
            let mut sums = Trees::default();
            sums.begin(2, 1);
            for part in rows.chunks(leaves * LEAF) {
                sums.join(&add(part, 1));
            }
            for k in [0, 1] {
                assert_eq!(sums.total(k).to_bits(), whole.total(k).to_bits(), "parts of {leaves} leaves");
            }
        }
    }

    #[test]
    fn small_sums_are_right() {
        assert_eq!(add(&[], 1).total(0), 0.0);
        assert_eq!(add(&[1.0, 2.0, 3.5], 1).total(0), 6.5);
    }
}
