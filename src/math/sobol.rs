//! Sobol's low-discrepancy sequence with Owen's scrambling: the first points of any length cover the unit cube evenly.
//!
//! Direction numbers of Joe & Kuo 2008 (SIAM J. Sci. Comput. 30, 2635; their file new-joe-kuo-6) for 64 dimensions;
//! further dimensions are filled with independent random numbers. The scrambling is nested and uniform (Owen 1995), by
//! the hash of Laine & Karras 2011 as Burley 2020 (J. Comput. Graph. Tech. 9(4), section 4) uses it: for any seed the
//! points keep their even cover, and each is uniform on its own.

use super::random::Stream;

/// Primitive polynomial, its bits with the leading one, and initial direction numbers, of dimensions 2, 3, ...
#[rustfmt::skip]
const DIRECTIONS: &[(u32, &[u32])] = &[
    (3, &[1]),
    (7, &[1, 3]),
    (11, &[1, 3, 1]),
    (13, &[1, 1, 1]),
    (19, &[1, 1, 3, 3]),
    (25, &[1, 3, 5, 13]),
    (37, &[1, 1, 5, 5, 17]),
    (41, &[1, 1, 5, 5, 5]),
    (47, &[1, 1, 7, 11, 19]),
    (55, &[1, 1, 5, 1, 1]),
    (59, &[1, 1, 1, 3, 11]),
    (61, &[1, 3, 5, 5, 31]),
    (67, &[1, 3, 3, 9, 7, 49]),
    (91, &[1, 1, 1, 15, 21, 21]),
    (97, &[1, 3, 1, 13, 27, 49]),
    (103, &[1, 1, 1, 15, 7, 5]),
    (109, &[1, 3, 1, 15, 13, 25]),
    (115, &[1, 1, 5, 5, 19, 61]),
    (131, &[1, 3, 7, 11, 23, 15, 103]),
    (137, &[1, 3, 7, 13, 13, 15, 69]),
    (143, &[1, 1, 3, 13, 7, 35, 63]),
    (145, &[1, 3, 5, 9, 1, 25, 53]),
    (157, &[1, 3, 1, 13, 9, 35, 107]),
    (167, &[1, 3, 1, 5, 27, 61, 31]),
    (171, &[1, 1, 5, 11, 19, 41, 61]),
    (185, &[1, 3, 5, 3, 3, 13, 69]),
    (191, &[1, 1, 7, 13, 1, 19, 1]),
    (193, &[1, 3, 7, 5, 13, 19, 59]),
    (203, &[1, 1, 3, 9, 25, 29, 41]),
    (211, &[1, 3, 5, 13, 23, 1, 55]),
    (213, &[1, 3, 7, 3, 13, 59, 17]),
    (229, &[1, 3, 1, 3, 5, 53, 69]),
    (239, &[1, 1, 5, 5, 23, 33, 13]),
    (241, &[1, 1, 7, 7, 1, 61, 123]),
    (247, &[1, 1, 7, 9, 13, 61, 49]),
    (253, &[1, 3, 3, 5, 3, 55, 33]),
    (285, &[1, 3, 1, 15, 31, 13, 49, 245]),
    (299, &[1, 3, 5, 15, 31, 59, 63, 97]),
    (301, &[1, 3, 1, 11, 11, 11, 77, 249]),
    (333, &[1, 3, 1, 11, 27, 43, 71, 9]),
    (351, &[1, 1, 7, 15, 21, 11, 81, 45]),
    (355, &[1, 3, 7, 3, 25, 31, 65, 79]),
    (357, &[1, 3, 1, 1, 19, 11, 3, 205]),
    (361, &[1, 1, 5, 9, 19, 21, 29, 157]),
    (369, &[1, 3, 7, 11, 1, 33, 89, 185]),
    (391, &[1, 3, 3, 3, 15, 9, 79, 71]),
    (397, &[1, 3, 7, 11, 15, 39, 119, 27]),
    (425, &[1, 1, 3, 1, 11, 31, 97, 225]),
    (451, &[1, 1, 1, 3, 23, 43, 57, 177]),
    (463, &[1, 3, 7, 7, 17, 17, 37, 71]),
    (487, &[1, 3, 1, 5, 27, 63, 123, 213]),
    (501, &[1, 1, 3, 5, 11, 43, 53, 133]),
    (529, &[1, 3, 5, 5, 29, 17, 47, 173, 479]),
    (539, &[1, 3, 3, 11, 3, 1, 109, 9, 69]),
    (545, &[1, 1, 1, 5, 17, 39, 23, 5, 343]),
    (557, &[1, 3, 1, 5, 25, 15, 31, 103, 499]),
    (563, &[1, 1, 1, 11, 11, 17, 63, 105, 183]),
    (601, &[1, 1, 5, 11, 9, 29, 97, 231, 363]),
    (607, &[1, 1, 5, 15, 19, 45, 41, 7, 383]),
    (617, &[1, 3, 7, 7, 31, 19, 83, 137, 221]),
    (623, &[1, 1, 1, 3, 23, 15, 111, 223, 83]),
    (631, &[1, 1, 5, 13, 31, 15, 55, 25, 161]),
    (637, &[1, 1, 3, 13, 25, 47, 39, 87, 257]),
];

const BITS: usize = 32;

/// The sequence in some number of dimensions.
#[derive(Debug)]
pub struct Sobol {
    /// Per dimension, the direction number of each bit of the index.
    directions: Vec<[u32; BITS]>,
    /// Per dimension; None: not scrambled.
    seeds: Option<Vec<u32>>,
    /// Fills the dimensions that have no direction numbers.
    rest: Stream,
    dimension: usize,
    index: u32,
}

impl Sobol {
    /// Scrambled by the stream's key.
    pub fn new(dimension: usize, stream: &Stream) -> Sobol {
        let mut keys = stream.split(0);
        let seeds = (0..dimension).map(|_| (keys.bits() >> 32) as u32).collect();
        Sobol { seeds: Some(seeds), ..Sobol::plain(dimension, stream) }
    }

    fn plain(dimension: usize, stream: &Stream) -> Sobol {
        let known = dimension.min(DIRECTIONS.len() + 1);
        let directions = (0..known).map(directions).collect();
        Sobol { directions, seeds: None, rest: stream.split(1), dimension, index: 0 }
    }

    /// The next point, inside the open unit cube; the sequence repeats after 2^32 points.
    #[expect(clippy::should_implement_trait, reason = "the sequence has no end")]
    pub fn next(&mut self) -> Vec<f64> {
        let index = self.index;
        self.index = self.index.wrapping_add(1);
        let known = self.directions.iter().enumerate().map(|(k, directions)| {
            let raw = (0..BITS).filter(|bit| index >> bit & 1 == 1).fold(0, |sum, bit| sum ^ directions[bit]);
            let bits = match &self.seeds {
                Some(seeds) => scramble(raw, seeds[k]),
                None => raw,
            };
            (f64::from(bits) + 0.5) / (1u64 << BITS) as f64
        });
        let mut point: Vec<f64> = known.collect();
        while point.len() < self.dimension {
            point.push(self.rest.open());
        }
        point
    }
}

/// Direction numbers v_1, v_2, ... as binary fractions, by the recurrence of Joe & Kuo 2008, eq. 2.
fn directions(dimension: usize) -> [u32; BITS] {
    let mut v = [0u32; BITS];
    if dimension == 0 {
        for (bit, v) in v.iter_mut().enumerate() {
            *v = 1 << (BITS - 1 - bit);
        }
        return v;
    }
    let (polynomial, initial) = DIRECTIONS[dimension - 1];
    let degree = initial.len();
    for (bit, m) in initial.iter().enumerate() {
        v[bit] = m << (BITS - 1 - bit);
    }
    for bit in degree..BITS {
        let mut next = v[bit - degree] ^ (v[bit - degree] >> degree);
        for k in 1..degree {
            if polynomial >> (degree - k) & 1 == 1 {
                next ^= v[bit - k];
            }
        }
        v[bit] = next;
    }
    v
}

/// A random permutation of the binary tree of fractions: each bit is flipped by a hash of the bits above it.
fn scramble(bits: u32, seed: u32) -> u32 {
    let mut x = bits.reverse_bits();
    x = x.wrapping_add(seed);
    x ^= x.wrapping_mul(0x6c50_b47c);
    x ^= x.wrapping_mul(0xb82f_1e52);
    x ^= x.wrapping_mul(0xc7af_e638);
    x ^= x.wrapping_mul(0x8d22_f6e6);
    x.reverse_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy's `qmc.Sobol(64, scramble=False)` in Gray-code order: its point i is ours at i ^ i/2.
    #[test]
    fn points_are_those_of_joe_and_kuo() {
        let stream = Stream::new(1, "sobol", "test");
        let mut sobol = Sobol::plain(64, &stream);
        let points: Vec<Vec<f64>> = (0..1024).map(|_| sobol.next()).collect();
        let at = |i: usize, k: usize| points[i ^ (i >> 1)][k] - 0.5 / (1u64 << BITS) as f64;
        let of = |i: usize, dimensions: &[usize]| dimensions.iter().map(|k| at(i, *k)).collect::<Vec<_>>();
        assert_eq!(of(4, &[0, 1, 2, 3, 4, 5, 6, 7]), [0.375, 0.375, 0.625, 0.875, 0.375, 0.125, 0.375, 0.875]);
        assert_eq!(of(777, &[0, 1, 2, 31, 63]), [0.6923828125, 0.9365234375, 0.1630859375, 0.8994140625, 0.4267578125]);
        assert_eq!(of(1000, &[5, 40, 63]), [0.9072265625, 0.9130859375, 0.4462890625]);
    }

    /// Whatever the seed, 2^m points have one in each interval of length 2^-m in every dimension, and pairs of the
    /// first two dimensions one in each of 2^m boxes.
    #[test]
    fn scrambled_points_keep_their_even_cover() {
        for seed in 0..20 {
            let mut sobol = Sobol::new(70, &Stream::new(seed, "sobol", "test"));
            let points: Vec<Vec<f64>> = (0..256).map(|_| sobol.next()).collect();
            for k in 0..64 {
                let mut cells: Vec<usize> = points.iter().map(|point| (point[k] * 256.0) as usize).collect();
                cells.sort_unstable();
                assert!(cells.iter().enumerate().all(|(i, cell)| i == *cell), "seed {seed}, dimension {k}");
            }
            let mut boxes: Vec<usize> =
                points.iter().map(|p| (p[0] * 16.0) as usize * 16 + (p[1] * 16.0) as usize).collect();
            boxes.sort_unstable();
            assert!(boxes.iter().enumerate().all(|(i, cell)| i == *cell), "seed {seed}");
            assert!(points.iter().flatten().all(|x| 0.0 < *x && *x < 1.0));
        }
        let first = |seed| Sobol::new(3, &Stream::new(seed, "sobol", "test")).next();
        assert_ne!(first(1), first(2));
        assert_eq!(first(1), first(1));
    }
}
