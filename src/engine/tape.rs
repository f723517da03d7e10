//! The states that forward loops passed through, kept for the backward loops that retrace them.
//!
//! A forward loop with a backward one writes its state before each step. Past `LIMIT` numbers it forgets them: the
//! backward loop then passes through the states again, from snapshots placed by the binomial schedule of Griewank &
//! Walther (ACM TOMS 26 (2000) 19, "Algorithm 799: revolve"), piece by piece, each piece within the limit.

/// Numbers that one loop may keep: 64 MiB of them.
pub const LIMIT: usize = (64 << 20) / 8;

/// What is known of a loop's last pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame {
    /// Steps made.
    pub steps: u64,
    /// Where its states begin on the tape; None where they were forgotten.
    pub base: Option<usize>,
}

/// Snapshots that fit the limit, for states of `size` numbers; at least one.
pub fn snapshots(size: usize) -> u64 {
    (LIMIT / size.max(1)).clamp(1, 64) as u64
}

/// How many of `pieces` to pass through before the next snapshot is placed, with `snapshots` left beside the first
/// state: a split for which the number of steps passed through again is least (Griewank & Walther, section 12.3).
pub fn split(pieces: u64, snapshots: u64) -> u64 {
    let c = snapshots + 1;
    // With c states kept and no step passed through more than r times, C(c + r, c) pieces can be reversed.
    let reach = |c: u64, r: u64| binomial(c + r, c);
    let mut r = 1;
    while reach(c, r) < pieces {
        r += 1;
    }
    reach(c, r - 1).min(pieces.saturating_sub(reach(c - 1, r - 1))).clamp(1, pieces - 1)
}

fn binomial(n: u64, k: u64) -> u64 {
    let k = k.min(n - k);
    (0..k).fold(1u64, |product, i| product.saturating_mul(n - i) / (i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps that the schedule passes through in all, beyond the one of the forward loop.
    fn repetitions(pieces: u64, snapshots: u64) -> u64 {
        match (pieces, snapshots) {
            (0 | 1, _) => 0,
            (n, 0) => n * (n - 1) / 2,
            (n, s) => {
                let first = split(n, s);
                first + repetitions(n - first, s - 1) + repetitions(first, s)
            }
        }
    }

    /// The least number of steps with which so many pieces can be reversed, by trying every split.
    fn least(pieces: u64, snapshots: u64) -> u64 {
        match (pieces, snapshots) {
            (0 | 1, _) => 0,
            (n, 0) => n * (n - 1) / 2,
            (n, s) => (1..n).map(|first| first + least(n - first, s - 1) + least(first, s)).min().unwrap_or(0),
        }
    }

    #[test]
    fn the_binomial_schedule_is_the_best_one() {
        for snapshots in 1..4 {
            for pieces in 2..14 {
                assert_eq!(repetitions(pieces, snapshots), least(pieces, snapshots), "{pieces} with {snapshots}");
            }
        }
        assert!(repetitions(1000, 10) < 4 * 1000);
    }
}
