//! Accuracy against multi-precision references, edge cases, and the same bits from every compiled copy.

#![expect(clippy::disallowed_methods, reason = "exact powers of two, for the references")]

mod accuracy;
mod cases;
mod copies;
mod edges;
mod reference;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in a finite range; random bit patterns, of those inside, in an infinite one.
    fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        if low.is_finite() && high.is_finite() {
            return low + (high - low) * ((self.bits() >> 11) as f64 * 2f64.powi(-53));
        }
        loop {
            let x = f64::from_bits(self.bits());
            for x in [x, -x] {
                if x > low && x < high {
                    return x;
                }
            }
        }
    }
}
