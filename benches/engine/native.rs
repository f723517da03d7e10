//! The same losses and gradients as loops written by hand: what an engine could reach at most.
//!
//! Each is what a careful programmer would write: one pass over blocks of rows, the vector elementary functions of the
//! project, sums in sixteen lanes. Compiled for AVX-512, AVX2 and everything else, as the engine is.

#![expect(clippy::needless_range_loop, reason = "several arrays side by side, lane by lane")]

use sbi_run::engine::Level;
use sbi_run::math::elementary::{self, block};

use crate::problems::{GAUSSIANS, Problem, STEP, STEPS};

/// Loss and gradient at every point of a problem: the loss first, then the components, point after point.
pub type Native = fn(&Problem, Level, &mut [f64]);

pub fn native(name: &str) -> Option<Native> {
    Some(match name {
        "a_16" | "a_1e3" | "a_1e6" => half_life,
        "ab" => half_lives,
        "b" => gaussians,
        "c" => predators,
        "c16" => many_predators,
        "d" => logistic_map,
        name if name.starts_with("gmm") => mixture,
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
levels!(many_predators, many_predators_body);
levels!(logistic_map, logistic_map_body);
levels!(mixture, mixture_body);

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

/// Points in one vector register each; a value with its derivatives in four directions.
const WIDE: usize = 8;

#[derive(Clone, Copy)]
struct Duals([[f64; WIDE]; 5]);

impl Duals {
    #[inline(always)]
    fn times(self, o: Duals) -> Duals {
        let mut of = [[0.0; WIDE]; 5];
        for k in 0..WIDE {
            of[0][k] = self.0[0][k] * o.0[0][k];
        }
        for j in 1..5 {
            for k in 0..WIDE {
                of[j][k] = self.0[0][k].mul_add(o.0[j][k], o.0[0][k] * self.0[j][k]);
            }
        }
        Duals(of)
    }

    #[inline(always)]
    fn plus(self, c: f64, o: Duals) -> Duals {
        let mut of = self.0;
        for j in 0..5 {
            for k in 0..WIDE {
                of[j][k] = c.mul_add(o.0[j][k], of[j][k]);
            }
        }
        Duals(of)
    }
}

#[inline(always)]
fn rates(p: &[Duals; 4], u: Duals, v: Duals) -> (Duals, Duals) {
    let uv = u.times(v);
    (p[0].times(u).plus(-1.0, p[1].times(uv)), p[3].times(uv).plus(-1.0, p[2].times(v)))
}

/// Points in lanes, with their tangents one after the other.
#[inline(always)]
fn many_predators_body(problem: &Problem, out: &mut [f64]) {
    for (points, out) in problem.points.chunks(WIDE).zip(out.chunks_mut(5 * WIDE)) {
        let mut p = [Duals([[0.0; WIDE]; 5]); 4];
        for (j, p) in p.iter_mut().enumerate() {
            p.0[1 + j] = [1.0; WIDE];
            for (k, point) in points.iter().enumerate() {
                p.0[0][k] = point[j];
            }
        }
        let one = Duals([[1.0; WIDE], [0.0; WIDE], [0.0; WIDE], [0.0; WIDE], [0.0; WIDE]]);
        let (mut u, mut v, mut sum) = (one, one, Duals([[0.0; WIDE]; 5]));
        for i in 0..STEPS {
            let (u1, v1) = rates(&p, u, v);
            let (u2, v2) = rates(&p, u.plus(0.5 * STEP, u1), v.plus(0.5 * STEP, v1));
            let (u3, v3) = rates(&p, u.plus(0.5 * STEP, u2), v.plus(0.5 * STEP, v2));
            let (u4, v4) = rates(&p, u.plus(STEP, u3), v.plus(STEP, v3));
            u = u.plus(STEP / 6.0, u1.plus(2.0, u2).plus(2.0, u3).plus(1.0, u4));
            v = v.plus(STEP / 6.0, v1.plus(2.0, v2).plus(2.0, v3).plus(1.0, v4));
            for (state, column) in [(u, 0), (v, 1)] {
                let mut residual = state;
                for k in 0..WIDE {
                    residual.0[0][k] -= problem.columns[column][i];
                }
                sum = sum.plus(1.0, residual.times(residual));
            }
        }
        for (k, out) in out.chunks_mut(5).enumerate() {
            for j in 0..5 {
                out[j] = sum.0[j][k];
            }
        }
    }
}

#[inline(always)]
fn logistic_map_body(problem: &Problem, out: &mut [f64]) {
    let (mut l, mut slope) = (problem.points[0][0], 1.0);
    for _ in 0..20 {
        (l, slope) = (4.0 * l * (1.0 - l), 4.0 * (1.0 - 2.0 * l) * slope);
    }
    (out[0], out[1]) = (l, slope);
}

/// Rows of a block of the mixture, and most dimensions.
const ROWS: usize = 128;
const DIMENSIONS: usize = 10;
type Block = [[f64; ROWS]; DIMENSIONS];

/// x - μ and Q (x - μ) of one component; `factor` as in `problems`, `diagonal` the exponentials of its first numbers.
#[inline(always)]
fn image(x: &Block, mean: &[f64], factor: &[f64], diagonal: &[f64], centred: &mut Block, image: &mut Block) {
    let d = mean.len();
    for j in 0..d {
        for i in 0..ROWS {
            centred[j][i] = x[j][i] - mean[j];
            image[j][i] = diagonal[j] * centred[j][i];
        }
    }
    let mut below = factor[d..].iter();
    for j in 0..d {
        for (row, q) in (j + 1..d).zip(below.by_ref()) {
            for i in 0..ROWS {
                image[row][i] = q.mul_add(centred[j][i], image[row][i]);
            }
        }
    }
}

/// The sum of a b.
#[inline(always)]
fn product(a: &[f64; ROWS], b: &[f64; ROWS]) -> f64 {
    let mut sums = [0.0; LANES];
    for at in (0..ROWS).step_by(LANES) {
        for lane in 0..LANES {
            sums[lane] = a[at + lane].mul_add(b[at + lane], sums[lane]);
        }
    }
    sums.iter().sum()
}

/// Two passes over the components of each block: the first for their terms, the second, with the weights known, for the
/// derivatives.
#[inline(always)]
fn mixture_body(problem: &Problem, out: &mut [f64]) {
    let (d, p, count) = (problem.columns.len(), &problem.points[0], problem.count());
    let per = d + d * (d - 1) / 2;
    let components = p.len() / (1 + d + per);
    let (alphas, rest) = p.split_at(components);
    let (means, factors) = rest.split_at(components * d);
    let diagonals: Vec<f64> =
        factors.chunks(per).flat_map(|factor| factor[..d].iter().map(|q| elementary::exp(*q))).collect();
    out.fill(0.0);
    let (mut x, mut centred, mut images) =
        ([[0.0; ROWS]; DIMENSIONS], [[0.0; ROWS]; DIMENSIONS], [[0.0; ROWS]; DIMENSIONS]);
    let mut terms = vec![[0.0; ROWS]; components];
    let (mut most, mut total, mut weight, mut log) = ([0.0; ROWS], [0.0; ROWS], [0.0; ROWS], [0.0; ROWS]);
    for start in (0..count).step_by(ROWS) {
        let rows = ROWS.min(count - start);
        for (x, column) in x.iter_mut().zip(&problem.columns) {
            x.fill(0.0);
            x[..rows].copy_from_slice(&column[start..start + rows]);
        }
        most.fill(f64::NEG_INFINITY);
        for k in 0..components {
            let (mean, factor, diagonal) = (&means[k * d..][..d], &factors[k * per..][..per], &diagonals[k * d..][..d]);
            image(&x, mean, factor, diagonal, &mut centred, &mut images);
            total.fill(0.0);
            for image in &images[..d] {
                for i in 0..ROWS {
                    total[i] = image[i].mul_add(image[i], total[i]);
                }
            }
            let level = alphas[k] + factor[..d].iter().sum::<f64>();
            for i in 0..ROWS {
                terms[k][i] = level - 0.5 * total[i];
                most[i] = if terms[k][i] > most[i] { terms[k][i] } else { most[i] };
            }
        }
        total.fill(0.0);
        for term in &mut terms {
            for i in 0..ROWS {
                weight[i] = term[i] - most[i];
            }
            block::exp(term, &weight);
            for i in 0..ROWS {
                total[i] += term[i];
            }
        }
        block::log(&mut log, &total);
        for i in 0..rows {
            out[0] += most[i] + log[i];
        }
        for i in 0..ROWS {
            total[i] = if i < rows { 1.0 / total[i] } else { 0.0 };
        }
        for k in 0..components {
            let (mean, factor, diagonal) = (&means[k * d..][..d], &factors[k * per..][..per], &diagonals[k * d..][..d]);
            image(&x, mean, factor, diagonal, &mut centred, &mut images);
            for i in 0..ROWS {
                weight[i] = terms[k][i] * total[i];
            }
            let sum: f64 = weight.iter().sum();
            out[1 + k] += sum;
            let out = &mut out[1 + components..];
            let (of_means, of_factors) = out.split_at_mut(components * d);
            let (of_mean, of_factor) = (&mut of_means[k * d..][..d], &mut of_factors[k * per..][..per]);
            for image in &mut images[..d] {
                for i in 0..ROWS {
                    image[i] *= weight[i];
                }
            }
            let mut below = d;
            for j in 0..d {
                let along: f64 = images[j].iter().sum();
                of_mean[j] += diagonal[j] * along;
                of_factor[j] += sum - diagonal[j] * product(&images[j], &centred[j]);
                for row in j + 1..d {
                    of_mean[j] += factor[below] * images[row].iter().sum::<f64>();
                    of_factor[below] -= product(&images[row], &centred[j]);
                    below += 1;
                }
            }
        }
    }
    let most = alphas.iter().fold(f64::NEG_INFINITY, |most, x| most.max(*x));
    let total: f64 = alphas.iter().map(|x| elementary::exp(x - most)).sum();
    out[0] -= count as f64 * (most + elementary::log(total));
    out[0] -= 0.5 * (count * d) as f64 * elementary::log(std::f64::consts::TAU);
    for (k, x) in alphas.iter().enumerate() {
        out[1 + k] -= count as f64 * elementary::exp(x - most) / total;
    }
}
