//! Hashing of nodes: short keys, looked up for every operation that is made, and never iterated over.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds `Mixer`s.
pub type Mixing = BuildHasherDefault<Mixer>;

/// Rotates, mixes in and multiplies, word by word (the scheme of Firefox and rustc).
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.word(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.word(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    fn finish(&self) -> u64 {
        // Tables look at the low bits, which multiplication mixes least.
        self.0.rotate_left(26)
    }
}
