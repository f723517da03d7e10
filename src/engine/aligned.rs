//! Numbers that begin where a cache line does: vector instructions on two lines at once take up to twice as long.

use std::ops::{Deref, DerefMut};

/// Numbers in a cache line of 64 bytes, as many as the widest vectors have.
const LINE: usize = 8;

/// A slice that begins with a line, however it is moved; its length is fixed.
#[derive(Debug, Default)]
pub struct Aligned {
    numbers: Vec<f64>,
    /// What stands before the line begins.
    first: usize,
}

impl Aligned {
    /// The numbers and as many repetitions of the last one, or zeros if there is none, as make `count` of them.
    pub fn new(numbers: impl IntoIterator<Item = f64>, count: usize) -> Aligned {
        let mut stored: Vec<f64> = Vec::with_capacity(count + LINE - 1);
        let first = stored.as_ptr().align_offset(8 * LINE).min(LINE - 1);
        stored.resize(first, 0.0);
        stored.extend(numbers.into_iter().take(count));
        let last = stored.get(first..).and_then(|numbers| numbers.last()).copied().unwrap_or(0.0);
        stored.resize(first + count, last);
        Aligned { numbers: stored, first }
    }

    pub fn zeros(count: usize) -> Aligned {
        Aligned::new([], count)
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Aligned {
        Aligned::new(self.iter().copied(), self.len())
    }
}

impl Deref for Aligned {
    type Target = [f64];

    #[inline(always)]
    fn deref(&self) -> &[f64] {
        &self.numbers[self.first..]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.numbers[self.first..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_begins_with_a_line_and_is_filled_with_the_last_number() {
        for count in [0, 1, 16, 256, 100_000] {
            let numbers = Aligned::new([1.0, 2.0], count);
            for numbers in [numbers.clone(), numbers] {
                assert_eq!(numbers.as_ptr().align_offset(8 * LINE), 0);
                let expected: Vec<f64> = [1.0, 2.0].into_iter().chain(std::iter::repeat(2.0)).take(count).collect();
                assert_eq!(*numbers, expected);
            }
        }
    }
}
