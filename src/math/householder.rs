//! QR with column pivoting by Householder reflections, and linear least squares with it.

use super::elementary::sqrt;
use super::linear::Matrix;

/// A P = Q R of a matrix with at least as many rows as columns, by Householder reflections with column pivoting
/// (Businger & Golub 1965; Golub & Van Loan, algorithm 5.4.1).
#[derive(Clone, Debug)]
pub struct PivotedQr {
    /// R in the upper triangle, the reflections' vectors below it and in `heads`.
    factors: Matrix,
    heads: Vec<f64>,
    /// Column `pivots[k]` of A is column k of A P.
    pub pivots: Vec<usize>,
    /// Number of columns that are independent to rounding.
    pub rank: usize,
}

impl PivotedQr {
    /// None where there are fewer rows than columns or an entry is not finite.
    pub fn new(a: &Matrix) -> Option<PivotedQr> {
        let (m, n) = (a.rows, a.columns);
        if m < n || a.entries.iter().any(|entry| !entry.is_finite()) {
            return None;
        }
        let mut f = a.clone();
        let mut pivots: Vec<usize> = (0..n).collect();
        let mut heads = vec![0.0; n];
        let norm = |f: &Matrix, j: usize, from: usize| {
            // Scaled, so that squares neither overflow nor vanish.
            let most = (from..m).fold(0.0, |most: f64, i| most.max(f[(i, j)].abs()));
            if most == 0.0 {
                return 0.0;
            }
            most * sqrt((from..m).fold(0.0, |sum, i| (f[(i, j)] / most).mul_add(f[(i, j)] / most, sum)))
        };
        for k in 0..n {
            let mut longest = (k, norm(&f, k, k));
            for j in k + 1..n {
                let length = norm(&f, j, k);
                if length > longest.1 {
                    longest = (j, length);
                }
            }
            if longest.0 != k {
                pivots.swap(k, longest.0);
                for i in 0..m {
                    f.entries.swap(i * n + k, i * n + longest.0);
                }
            }
            if longest.1 == 0.0 {
                continue;
            }
            let alpha = -longest.1.copysign(f[(k, k)]);
            // Reflection I - w wᵀ / h with w = x - alpha e, w[k] = head, h = -alpha * head.
            let head = f[(k, k)] - alpha;
            heads[k] = head;
            f[(k, k)] = alpha;
            for j in k + 1..n {
                let inner = (k + 1..m).fold(head * f[(k, j)], |sum, i| f[(i, k)].mul_add(f[(i, j)], sum));
                let factor = inner / alpha / head;
                f[(k, j)] += factor * head;
                for i in k + 1..m {
                    let change = factor * f[(i, k)];
                    f[(i, j)] += change;
                }
            }
        }
        let threshold = (0..n).fold(0.0, |most: f64, k| most.max(f[(k, k)].abs())) * f64::EPSILON * m.max(n) as f64;
        let rank = (0..n).take_while(|&k| f[(k, k)].abs() > threshold).count();
        Some(PivotedQr { factors: f, heads, pivots, rank })
    }

    /// R, n × n.
    pub fn r(&self) -> Matrix {
        let n = self.factors.columns;
        let mut r = Matrix::zeros(n, n);
        for i in 0..n {
            for j in i..n {
                r[(i, j)] = self.factors[(i, j)];
            }
        }
        r
    }

    /// Qᵀ b, as many numbers as A has rows.
    pub fn q_transposed(&self, b: &[f64]) -> Vec<f64> {
        let (m, n) = (self.factors.rows, self.factors.columns);
        let mut y = b.to_vec();
        for k in (0..n).filter(|&k| self.heads[k] != 0.0) {
            let head = self.heads[k];
            let inner = (k + 1..m).fold(head * y[k], |sum, i| self.factors[(i, k)].mul_add(y[i], sum));
            let factor = inner / self.factors[(k, k)] / head;
            y[k] += factor * head;
            for (i, entry) in y.iter_mut().enumerate().skip(k + 1) {
                *entry += factor * self.factors[(i, k)];
            }
        }
        y
    }

    /// The x that makes |A x - b| least; components beyond the rank are zero.
    pub fn least_squares(&self, b: &[f64]) -> Vec<f64> {
        let y = self.q_transposed(b);
        let n = self.factors.columns;
        let mut z = vec![0.0; n];
        for i in (0..self.rank).rev() {
            let rest = (i + 1..self.rank).fold(y[i], |sum, j| (-self.factors[(i, j)]).mul_add(z[j], sum));
            z[i] = rest / self.factors[(i, i)];
        }
        let mut x = vec![0.0; n];
        for (k, &column) in self.pivots.iter().enumerate() {
            x[column] = z[k];
        }
        x
    }

    /// R⁻ᵀ Pᵀ v, whose squared length is vᵀ (AᵀA)⁻¹ v. Only for full rank.
    pub fn solve_transposed(&self, v: &[f64]) -> Vec<f64> {
        let n = self.factors.columns;
        let mut y = vec![0.0; n];
        for i in 0..n {
            let rest = (0..i).fold(v[self.pivots[i]], |sum, k| (-self.factors[(k, i)]).mul_add(y[k], sum));
            y[i] = rest / self.factors[(i, i)];
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Stream;

    #[test]
    fn factors_of_random_matrices_give_the_matrix_back() {
        let mut stream = Stream::new(1, "householder", "factors");
        for (m, n) in [(1, 1), (4, 4), (9, 3), (20, 7)] {
            let rows: Vec<Vec<f64>> = (0..m).map(|_| (0..n).map(|_| stream.standard_normal()).collect()).collect();
            let a = Matrix::from_rows(&rows);
            let qr = PivotedQr::new(&a).unwrap();
            assert_eq!(qr.rank, n);
            let r = qr.r();
            for (k, &column) in qr.pivots.iter().enumerate() {
                let image = qr.q_transposed(&rows.iter().map(|row| row[column]).collect::<Vec<_>>());
                for (i, x) in image.iter().enumerate() {
                    let expected = if i < n { r[(i, k)] } else { 0.0 };
                    assert!((x - expected).abs() < 1e-14, "{m}x{n} {i} {k}: {x} {expected}");
                }
                assert!(k == 0 || r[(k, k)].abs() <= r[(k - 1, k - 1)].abs());
            }
        }
    }

    /// A cubic through 20 noisy points: the residual must stand at right angles to every column.
    #[test]
    fn least_squares_residuals_are_orthogonal() {
        let mut stream = Stream::new(2, "householder", "squares");
        let rows: Vec<Vec<f64>> =
            (0..20).map(|i| f64::from(i) / 20.0).map(|t| vec![1.0, t, t * t, t * t * t]).collect();
        let b: Vec<f64> = (0..20).map(|_| stream.standard_normal()).collect();
        let a = Matrix::from_rows(&rows);
        let x = PivotedQr::new(&a).unwrap().least_squares(&b);
        let residual: Vec<f64> = a.times_vector(&x).iter().zip(&b).map(|(fit, y)| y - fit).collect();
        for component in a.transpose().times_vector(&residual) {
            assert!(component.abs() < 1e-12, "{component}");
        }
    }

    #[test]
    fn dependent_columns_are_found() {
        let rows: Vec<Vec<f64>> = (0..6).map(f64::from).map(|t| vec![t, 2.0 * t, 1.0, t * t, 1.0 + t]).collect();
        let qr = PivotedQr::new(&Matrix::from_rows(&rows)).unwrap();
        assert_eq!(qr.rank, 3);
        let x = qr.least_squares(&rows.iter().map(|row| row[3] + row[2]).collect::<Vec<_>>());
        let fit = Matrix::from_rows(&rows).times_vector(&x);
        for (row, value) in rows.iter().zip(fit) {
            assert!((value - row[3] - row[2]).abs() < 1e-12);
        }
        assert_eq!(PivotedQr::new(&Matrix::zeros(3, 2)).unwrap().rank, 0);
        assert!(PivotedQr::new(&Matrix::zeros(2, 3)).is_none());
    }
}
