//! The same losses and gradients as loops written by hand: what an engine could reach at most.
//!
//! Each is what a careful programmer would write: one pass over blocks of rows, the vector elementary functions of the
//! project, sums in sixteen lanes. Compiled for AVX-512, AVX2 and everything else, as the engine is.

use sbi_run::engine::Level;
use sbi_run::math::elementary::block;

use crate::problems::{GAUSSIANS, Problem, STEP, STEPS};

/// Loss and gradient at every point of a problem: the loss first, then the components, point after point.
pub type Native = fn(&Problem, Level, &mut [f64]);

pub fn native(name: &str) -> Option<Native> {
    Some(match name {
        "a_16" | "a_1e3" | "a_1e6" => half_life,
        "ab" => half_lives,
        "b" => gaussians,
        "c" => predators,
        "d" => logistic_map,
        _ => return None,
    })
}

macro_rules! levels {
    ($name:ident, $body:ident) => {
        fn $name(problem: &Problem, level: Level, out: &mut [f64]) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]
            fn avx512(problem: &Problem, out: &mut [f64]) {
                $body(problem, out);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2(problem: &Problem, out: &mut [f64]) {
                $body(problem, out);
            }
            match level {
                // SAFETY: levels come from `Level::available`.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512(problem, out) },
                // SAFETY: the same.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2(problem, out) },
                _ => $body(problem, out),
            }
        }
    };
}

levels!(half_life, half_life_body);
levels!(half_lives, half_lives_body);
levels!(gaussians, gaussians_body);
levels!(predators, predators_body);
levels!(logistic_map, logistic_map_body);

const LANES: usize = 16;
const BLOCK: usize = 256;

#[inline(always)]
fn half_life_body(problem: &Problem, out: &mut [f64]) {
    let (t, y, p) = (&problem.columns[0], &problem.columns[1], &problem.points[0]);
    let (n0, l) = (p[0], p[1]);
    let mut sums = [[0.0; LANES]; 3];
    let (mut x, mut e) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (t, y) in t.chunks(BLOCK).zip(y.chunks(BLOCK)) {
        for (x, t) in x.iter_mut().zip(t) {
            *x = -l * t;
        }
        block::exp(&mut e[..t.len()], &x[..t.len()]);
        // No closure: it would not be compiled for the level.
        macro_rules! add {
            ($lane:expr, $i:expr) => {
                let r = y[$i] - n0 * e[$i];
                sums[0][$lane] = r.mul_add(r, sums[0][$lane]);
                sums[1][$lane] = r.mul_add(e[$i], sums[1][$lane]);
                sums[2][$lane] = (r * e[$i]).mul_add(t[$i], sums[2][$lane]);
            };
        }
        let whole = t.len() / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            for lane in 0..LANES {
                add!(lane, at + lane);
            }
        }
        for at in whole..t.len() {
            add!(at - whole, at);
        }
    }
    let total = |k: usize| sums[k].iter().sum::<f64>();
    (out[0], out[1], out[2]) = (total(0), -2.0 * total(1), 2.0 * n0 * total(2));
}

/// Lanes are parameter vectors.
#[inline(always)]
fn half_lives_body(problem: &Problem, out: &mut [f64]) {
    let (t, y) = (&problem.columns[0], &problem.columns[1]);
    for (points, out) in problem.points.chunks(LANES).zip(out.chunks_mut(3 * LANES)) {
        let (mut n0, mut l) = ([0.0; LANES], [0.0; LANES]);
        for (k, point) in points.iter().enumerate() {
            (n0[k], l[k]) = (point[0], point[1]);
        }
        let mut sums = [[0.0; LANES]; 3];
        for (t, y) in t.iter().zip(y) {
            let (mut x, mut e) = ([0.0; LANES], [0.0; LANES]);
            for k in 0..LANES {
                x[k] = -l[k] * t;
            }
            block::exp(&mut e, &x);
            for k in 0..LANES {
                let r = y - n0[k] * e[k];
                sums[0][k] += r * r;
                sums[1][k] += r * e[k];
                sums[2][k] += r * e[k] * t;
            }
        }
        for (k, out) in out.chunks_mut(3).enumerate() {
            (out[0], out[1], out[2]) = (sums[0][k], -2.0 * sums[1][k], 2.0 * n0[k] * sums[2][k]);
        }
    }
}

#[inline(always)]
fn gaussians_body(problem: &Problem, out: &mut [f64]) {
    const BLOCK: usize = 128;
    let (x, y, p) = (&problem.columns[0], &problem.columns[1], &problem.points[0]);
    let mut sums = [[[0.0; LANES]; 3]; GAUSSIANS];
    let mut loss = [0.0; LANES];
    let mut z = [[0.0; BLOCK]; GAUSSIANS];
    let mut e = [[0.0; BLOCK]; GAUSSIANS];
    let (mut power, mut r) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut start = 0;
    while start < x.len() {
        let count = BLOCK.min(x.len() - start);
        let whole = count.next_multiple_of(LANES);
        r.fill(0.0);
        r[..count].copy_from_slice(&y[start..start + count]);
        for k in 0..GAUSSIANS {
            let (a, m, w) = (p[k], p[GAUSSIANS + k], 1.0 / p[2 * GAUSSIANS + k]);
            for i in 0..count {
                z[k][i] = (x[start + i] - m) * w;
                power[i] = -0.5 * z[k][i] * z[k][i];
            }
            block::exp(&mut e[k][..whole], &power[..whole]);
            for i in 0..whole {
                r[i] = (-a).mul_add(e[k][i], r[i]);
            }
        }
        r[count..].fill(0.0);
        for at in (0..whole).step_by(LANES) {
            for lane in 0..LANES {
                loss[lane] = r[at + lane].mul_add(r[at + lane], loss[lane]);
            }
        }
        for k in 0..GAUSSIANS {
            let [mut s0, mut s1, mut s2] = sums[k];
            for at in (0..whole).step_by(LANES) {
                for lane in 0..LANES {
                    let (z, e, r) = (z[k][at + lane], e[k][at + lane], r[at + lane]);
                    let re = r * e;
                    s0[lane] += re;
                    s1[lane] = re.mul_add(z, s1[lane]);
                    s2[lane] = (re * z).mul_add(z, s2[lane]);
                }
            }
            sums[k] = [s0, s1, s2];
        }
        start += count;
    }
    out[0] = loss.iter().sum();
    for k in 0..GAUSSIANS {
        let [s0, s1, s2] = sums[k].map(|lanes| lanes.iter().sum::<f64>());
        let (a, w) = (p[k], p[2 * GAUSSIANS + k]);
        out[1 + k] = -2.0 * s0;
        out[1 + GAUSSIANS + k] = -2.0 * a / w * s1;
        out[1 + 2 * GAUSSIANS + k] = -2.0 * a / w * s2;
    }
}

/// A value with its derivatives in four directions.
#[derive(Clone, Copy)]
struct Dual(f64, [f64; 4]);

impl Dual {
    #[inline(always)]
    fn times(self, o: Dual) -> Dual {
        Dual(self.0 * o.0, std::array::from_fn(|k| self.0.mul_add(o.1[k], o.0 * self.1[k])))
    }
    #[inline(always)]
    fn plus(self, c: f64, o: Dual) -> Dual {
        Dual(c.mul_add(o.0, self.0), std::array::from_fn(|k| c.mul_add(o.1[k], self.1[k])))
    }
}

/// Tangents in lanes.
#[inline(always)]
fn predators_body(problem: &Problem, out: &mut [f64]) {
    let p: [Dual; 4] =
        std::array::from_fn(|k| Dual(problem.points[0][k], std::array::from_fn(|j| f64::from(u8::from(j == k)))));
    let rate = |u: Dual, v: Dual| {
        let uv = u.times(v);
        (p[0].times(u).plus(-1.0, p[1].times(uv)), p[3].times(uv).plus(-1.0, p[2].times(v)))
    };
    let (mut u, mut v) = (Dual(1.0, [0.0; 4]), Dual(1.0, [0.0; 4]));
    let mut sum = Dual(0.0, [0.0; 4]);
    for i in 0..STEPS {
        let (u1, v1) = rate(u, v);
        let (u2, v2) = rate(u.plus(0.5 * STEP, u1), v.plus(0.5 * STEP, v1));
        let (u3, v3) = rate(u.plus(0.5 * STEP, u2), v.plus(0.5 * STEP, v2));
        let (u4, v4) = rate(u.plus(STEP, u3), v.plus(STEP, v3));
        u = u.plus(STEP / 6.0, u1.plus(2.0, u2).plus(2.0, u3).plus(1.0, u4));
        v = v.plus(STEP / 6.0, v1.plus(2.0, v2).plus(2.0, v3).plus(1.0, v4));
        for (state, column) in [(u, 0), (v, 1)] {
            let residual = Dual(state.0 - problem.columns[column][i], state.1);
            sum = sum.plus(1.0, residual.times(residual));
        }
    }
    out[0] = sum.0;
    out[1..5].copy_from_slice(&sum.1);
}

#[inline(always)]
fn logistic_map_body(problem: &Problem, out: &mut [f64]) {
    let (mut l, mut slope) = (problem.points[0][0], 1.0);
    for _ in 0..20 {
        (l, slope) = (4.0 * l * (1.0 - l), 4.0 * (1.0 - 2.0 * l) * slope);
    }
    (out[0], out[1]) = (l, slope);
}
