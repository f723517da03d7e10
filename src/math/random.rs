//! Counter-based random streams, keyed by (seed, identity, purpose), and draws that give the same bits everywhere.
//!
//! The generator is ChaCha with 8 rounds (Bernstein 2008, "ChaCha, a variant of Salsa20"); its key is a SHA-256 hash,
//! its stream number the counter of a sub-stream. `math::draw` has the distributions.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

pub use super::draw::{DRAWS, Draw};

/// A stream of random numbers: a function of its key and number alone.
#[derive(Debug)]
pub struct Stream {
    key: [u8; 32],
    /// 0 is the key's own stream; sub-stream `counter` has number `counter + 1`.
    number: u64,
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream of (seed, identity, purpose): SHA-256 of the three is the ChaCha8 key.
    pub fn new(seed: u64, identity: &str, purpose: &str) -> Stream {
        Stream::keyed(hash(&[&seed.to_le_bytes(), identity.as_bytes(), purpose.as_bytes()]), 0)
    }

    /// The sub-stream `counter` of the stream of (seed, identity, purpose).
    pub fn at(seed: u64, identity: &str, purpose: &str, counter: u64) -> Stream {
        Stream::new(seed, identity, purpose).split(counter)
    }

    /// The sub-stream `counter`, the same however much was drawn from this stream before. Sub-streams of sub-streams
    /// get a key of their own, so that no two paths of counters meet. `counter` is at most `u64::MAX - 1`.
    pub fn split(&self, counter: u64) -> Stream {
        let key = match self.number {
            0 => self.key,
            number => hash(&[&self.key, &number.to_le_bytes()]),
        };
        Stream::keyed(key, counter.saturating_add(1))
    }

    fn keyed(key: [u8; 32], number: u64) -> Stream {
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(number);
        Stream { key, number, generator }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform on [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform on (0, 1): the middles of 2^52 equal cells, so that neither 0 nor 1 can come.
    pub fn open(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// A whole number, uniform on 0 … n-1 without bias (Lemire 2019, "Fast random integer generation in an interval").
    /// 0 if n is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let mut product = u128::from(self.bits()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.bits()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// An index into a sequence of length `n`.
    pub fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// Every order with the same probability (Fisher & Yates; Durstenfeld 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

/// SHA-256 of the parts, each led by its length, so that no two lists of parts give the same text.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::distribution::chi_square_quantile;

    #[test]
    fn streams_depend_on_every_part_of_their_key() {
        let draw = |mut stream: Stream| stream.bits();
        let base = draw(Stream::new(1, "run", "start"));
        assert_eq!(base, draw(Stream::new(1, "run", "start")));
        let others = [
            draw(Stream::new(2, "run", "start")),
            draw(Stream::new(1, "runs", "tart")),
            draw(Stream::new(1, "run", "noise")),
            draw(Stream::at(1, "run", "start", 0)),
            draw(Stream::at(1, "run", "start", 1)),
            draw(Stream::at(1, "run", "start", 0).split(0)),
            draw(Stream::at(1, "run", "start", 0).split(1)),
            draw(Stream::at(1, "run", "start", 1).split(0)),
        ];
        for (i, a) in others.iter().enumerate() {
            assert_ne!(*a, base, "stream {i}");
            assert!(!others[..i].contains(a), "stream {i}");
        }
    }

    #[test]
    fn a_split_does_not_depend_on_what_was_drawn() {
        let mut stream = Stream::new(3, "run", "x");
        let before = stream.split(5).bits();
        stream.bits();
        assert_eq!(stream.split(5).bits(), before);
    }

    /// The bytes are part of the contract: a change of generator would change every published result.
    #[test]
    fn golden_bits() {
        let mut stream = Stream::new(1, "run", "start");
        let own = [stream.bits(), stream.bits()];
        let split = stream.split(7).bits();
        assert_eq!((own, split), GOLDEN, "{own:#018x?} {split:#018x}");
    }

    /// By an implementation of ChaCha8 and SHA-256 in another language.
    const GOLDEN: ([u64; 2], u64) = ([0x8559_faa3_12de_ba6f, 0xb3f0_fc32_4b4e_5157], 0x6315_1dfa_24d2_5cbb);

    #[test]
    fn below_is_uniform() {
        let mut stream = Stream::new(4, "below", "test");
        let (n, draws) = (7, 70_000);
        let mut counts = vec![0.0; n];
        for _ in 0..draws {
            counts[stream.index(n)] += 1.0;
        }
        let expected = draws as f64 / n as f64;
        let chi_square: f64 = counts.iter().map(|count| (count - expected) * (count - expected) / expected).sum();
        assert!(chi_square < chi_square_quantile(0.999, (n - 1) as f64), "{chi_square}");
        assert_eq!(stream.below(1), 0);
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn shuffles_are_permutations_of_equal_probability() {
        let mut stream = Stream::new(5, "shuffle", "test");
        let mut counts = std::collections::BTreeMap::new();
        let draws = 24_000;
        for _ in 0..draws {
            let mut items = [0, 1, 2, 3];
            stream.shuffle(&mut items);
            *counts.entry(items).or_insert(0.0) += 1.0;
        }
        assert_eq!(counts.len(), 24);
        let expected = f64::from(draws) / 24.0;
        let chi_square: f64 = counts.values().map(|count| (count - expected) * (count - expected) / expected).sum();
        assert!(chi_square < chi_square_quantile(0.999, 23.0), "{chi_square}");
    }
}
