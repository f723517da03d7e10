//! Counter-based random streams, keyed by (seed, identity, purpose), and draws that give the same bits everywhere.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random numbers: a function of its key alone.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of (seed, identity, purpose): SHA-256 of the three is the ChaCha8 key.
    pub fn new(seed: u64, identity: &str, purpose: &str) -> Stream {
        let mut hash = Sha256::new();
        for part in [&seed.to_le_bytes()[..], identity.as_bytes(), purpose.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Stream(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// Uniform on [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * 2f64.powi(-53)
    }
}
