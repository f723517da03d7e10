//! Small dense matrices: Cholesky factors, and symmetric eigenvalues by Jacobi rotations.
//!
//! Plain loops in a fixed order, so that the bits do not depend on the machine; O(n³) with n the number of parameters.

use super::elementary::sqrt;

/// A dense matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    /// `rows * columns` numbers; element (i, j) is at `i * columns + j`.
    pub entries: Vec<f64>,
}

impl Matrix {
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, entries: vec![0.0; rows * columns] }
    }

    pub fn identity(n: usize) -> Matrix {
        let mut matrix = Matrix::zeros(n, n);
        for i in 0..n {
            matrix[(i, i)] = 1.0;
        }
        matrix
    }

    /// From rows of equal length; a shorter row counts as filled with zeros.
    pub fn from_rows(rows: &[Vec<f64>]) -> Matrix {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut matrix = Matrix::zeros(rows.len(), columns);
        for (i, row) in rows.iter().enumerate() {
            matrix.entries[i * columns..i * columns + row.len()].copy_from_slice(row);
        }
        matrix
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * self.columns..(i + 1) * self.columns]
    }

    pub fn transpose(&self) -> Matrix {
        let mut turned = Matrix::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                turned[(j, i)] = self[(i, j)];
            }
        }
        turned
    }

    /// `self` times `x`, a vector of `columns` numbers; `rows` numbers.
    pub fn times_vector(&self, x: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|i| dot(self.row(i), x)).collect()
    }

    /// `self` times `other`; None where the shapes do not fit.
    pub fn times(&self, other: &Matrix) -> Option<Matrix> {
        if self.columns != other.rows {
            return None;
        }
        let turned = other.transpose();
        let mut product = Matrix::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for j in 0..other.columns {
                product[(i, j)] = dot(self.row(i), turned.row(j));
            }
        }
        Some(product)
    }
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;

    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.entries[i * self.columns + j]
    }
}

impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.entries[i * self.columns + j]
    }
}

/// Sum of products, from the first to the last.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| x.mul_add(*y, sum))
}

/// Largest absolute value; NaN if any is.
pub fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most: f64, v| if v.is_nan() || v.abs() > most { v.abs() } else { most })
}

/// The factor L of A = L Lᵀ of a symmetric positive definite matrix (Golub & Van Loan, algorithm 4.2.1).
#[derive(Clone, Debug)]
pub struct Cholesky(Matrix);

impl Cholesky {
    /// None where A is not square, not finite or not positive definite to rounding. Only the lower half is read.
    pub fn new(a: &Matrix) -> Option<Cholesky> {
        if a.rows != a.columns {
            return None;
        }
        let mut l = Matrix::zeros(a.rows, a.rows);
        for j in 0..a.rows {
            let pivot = a[(j, j)] - dot(&l.row(j)[..j], &l.row(j)[..j]);
            // A pivot lost to rounding is noise: its sign says nothing.
            if !pivot.is_finite() || pivot <= f64::EPSILON * a[(j, j)].abs() {
                return None;
            }
            let root = sqrt(pivot);
            l[(j, j)] = root;
            for i in j + 1..a.rows {
                let entry = (a[(i, j)] - dot(&l.row(i)[..j], &l.row(j)[..j])) / root;
                l[(i, j)] = entry;
            }
        }
        l.entries.iter().all(|entry| entry.is_finite()).then_some(Cholesky(l))
    }

    pub fn factor(&self) -> &Matrix {
        &self.0
    }

    /// The x of A x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let l = &self.0;
        let mut x = b.to_vec();
        for i in 0..l.rows {
            x[i] = (x[i] - dot(&l.row(i)[..i], &x[..i])) / l[(i, i)];
        }
        for i in (0..l.rows).rev() {
            let above = (i + 1..l.rows).fold(x[i], |sum, k| (-l[(k, i)]).mul_add(x[k], sum));
            x[i] = above / l[(i, i)];
        }
        x
    }

    /// A⁻¹, exactly symmetric.
    pub fn inverse(&self) -> Matrix {
        let n = self.0.rows;
        let mut inverse = Matrix::zeros(n, n);
        for j in 0..n {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            for (i, entry) in self.solve(&unit).into_iter().enumerate() {
                inverse[(i, j)] = entry;
            }
        }
        for i in 0..n {
            for j in 0..i {
                let mean = 0.5 * (inverse[(i, j)] + inverse[(j, i)]);
                inverse[(i, j)] = mean;
                inverse[(j, i)] = mean;
            }
        }
        inverse
    }

    /// log of the determinant of A.
    pub fn log_determinant(&self) -> f64 {
        (0..self.0.rows).map(|i| 2.0 * super::elementary::log(self.0[(i, i)])).sum()
    }
}

/// Eigenvalues of a symmetric matrix in rising order, with their vectors.
#[derive(Clone, Debug)]
pub struct Eigen {
    pub values: Vec<f64>,
    /// Row k is the unit eigenvector of `values[k]`; its largest component is positive.
    pub vectors: Matrix,
}

/// By cyclic Jacobi rotations (Golub & Van Loan, section 8.5; rotation of Rutishauser 1966), which find small
/// eigenvalues of scaled diagonally dominant matrices to full relative accuracy. Only the lower half is read. None
/// where the matrix is not square or not finite.
pub fn symmetric_eigen(a: &Matrix) -> Option<Eigen> {
    let n = a.rows;
    if n != a.columns || a.entries.iter().any(|entry| !entry.is_finite()) {
        return None;
    }
    let mut s = a.clone();
    for i in 0..n {
        for j in 0..i {
            s[(j, i)] = s[(i, j)];
        }
    }
    let mut v = Matrix::identity(n);
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate(&mut s, &mut v, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| s[(*i, *i)].total_cmp(&s[(*j, *j)]));
    let mut vectors = Matrix::zeros(n, n);
    for (k, &i) in order.iter().enumerate() {
        let row = v.row(i);
        let lead = row.iter().fold(0.0, |lead: f64, x| if x.abs() > lead.abs() { *x } else { lead });
        for j in 0..n {
            vectors[(k, j)] = row[j] * 1f64.copysign(lead);
        }
    }
    Some(Eigen { values: order.iter().map(|&i| s[(i, i)]).collect(), vectors })
}

/// One Jacobi rotation that makes s[p][q] zero; false where it is negligible already. The rows of `v` are the vectors.
fn rotate(s: &mut Matrix, v: &mut Matrix, p: usize, q: usize) -> bool {
    let off = s[(p, q)];
    if off.abs() <= 0.5 * f64::EPSILON * sqrt(s[(p, p)].abs()) * sqrt(s[(q, q)].abs()) || off.abs() < f64::MIN_POSITIVE
    {
        s[(p, q)] = 0.0;
        s[(q, p)] = 0.0;
        return false;
    }
    let theta = 0.5 * (s[(q, q)] - s[(p, p)]) / off;
    let t = if theta.abs() > 1e150 {
        0.5 / theta
    } else {
        1f64.copysign(theta) / (theta.abs() + sqrt(theta.mul_add(theta, 1.0)))
    };
    let c = 1.0 / sqrt(t.mul_add(t, 1.0));
    let sine = t * c;
    s[(p, p)] -= t * off;
    s[(q, q)] += t * off;
    s[(p, q)] = 0.0;
    s[(q, p)] = 0.0;
    let n = s.rows;
    for k in (0..n).filter(|k| *k != p && *k != q) {
        let (sp, sq) = (s[(k, p)], s[(k, q)]);
        let (new_p, new_q) = (c * sp - sine * sq, sine * sp + c * sq);
        s[(k, p)] = new_p;
        s[(p, k)] = new_p;
        s[(k, q)] = new_q;
        s[(q, k)] = new_q;
    }
    for k in 0..n {
        let (vp, vq) = (v[(p, k)], v[(q, k)]);
        v[(p, k)] = c * vp - sine * vq;
        v[(q, k)] = sine * vp + c * vq;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Stream;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a:e} is not {b:e} within {tolerance:e}");
    }

    fn random_symmetric(n: usize, stream: &mut Stream) -> Matrix {
        let mut a = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                let x = stream.standard_normal();
                a[(i, j)] = x;
                a[(j, i)] = x;
            }
        }
        a
    }

    #[test]
    fn cholesky_of_a_known_matrix() {
        let a = Matrix::from_rows(&[vec![4.0, 12.0, -16.0], vec![12.0, 37.0, -43.0], vec![-16.0, -43.0, 98.0]]);
        let factor = Cholesky::new(&a).unwrap();
        assert_eq!(factor.factor().entries, [2.0, 0.0, 0.0, 6.0, 1.0, 0.0, -8.0, 5.0, 3.0]);
        assert_eq!(factor.solve(&[4.0, 12.0, -16.0]), [1.0, 0.0, 0.0]);
        close(factor.log_determinant(), crate::math::elementary::log(36.0), 1e-14);
    }

    #[test]
    fn cholesky_refuses_what_is_not_positive_definite() {
        let refused = [
            Matrix::from_rows(&[vec![1.0, 1.0], vec![1.0, 1.0]]),
            Matrix::from_rows(&[vec![0.1, 0.3], vec![0.3, 0.9]]),
            Matrix::from_rows(&[vec![-1.0]]),
            Matrix::from_rows(&[vec![f64::NAN]]),
            Matrix::from_rows(&[vec![f64::INFINITY]]),
            Matrix::zeros(2, 3),
        ];
        for a in refused {
            assert!(Cholesky::new(&a).is_none(), "{a:?}");
        }
    }

    #[test]
    fn inverses_of_random_matrices() {
        let mut stream = Stream::new(1, "linear", "inverse");
        for n in 1..12 {
            let root = random_symmetric(n, &mut stream);
            let mut a = root.times(&root).unwrap();
            for i in 0..n {
                a[(i, i)] += 1.0;
            }
            let product = a.times(&Cholesky::new(&a).unwrap().inverse()).unwrap();
            for i in 0..n {
                for j in 0..n {
                    close(product[(i, j)], f64::from(u8::from(i == j)), 1e-12 * largest(&a.entries));
                }
            }
        }
    }

    #[test]
    fn eigenvalues_of_known_matrices() {
        let eigen = symmetric_eigen(&Matrix::from_rows(&[vec![2.0, 1.0], vec![1.0, 2.0]])).unwrap();
        close(eigen.values[0], 1.0, 1e-15);
        close(eigen.values[1], 3.0, 1e-15);
        close(eigen.vectors[(1, 0)], 0.5f64.sqrt(), 1e-15);
        // Second differences: 2 - 2 cos(k pi/(n+1)).
        let n = 10;
        let mut a = Matrix::zeros(n, n);
        for i in 0..n {
            a[(i, i)] = 2.0;
            if i > 0 {
                a[(i, i - 1)] = -1.0;
                a[(i - 1, i)] = -1.0;
            }
        }
        for (k, value) in symmetric_eigen(&a).unwrap().values.iter().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            close(*value, 2.0 - 2.0 * crate::math::elementary::cos(angle), 1e-14);
        }
        assert!(symmetric_eigen(&Matrix::from_rows(&[vec![f64::NAN]])).is_none());
    }

    /// Diagonal scaling over 16 decades: Jacobi keeps the small eigenvalue's digits.
    #[test]
    fn small_eigenvalues_of_scaled_matrices() {
        let a = Matrix::from_rows(&[vec![1e8, 0.5], vec![0.5, 1e-8]]);
        let eigen = symmetric_eigen(&a).unwrap();
        close(eigen.values[0], 7.5e-9, 1e-22);
    }

    #[test]
    fn eigenvectors_of_random_matrices_have_small_residuals() {
        let mut stream = Stream::new(1, "linear", "eigen");
        for n in 1..15 {
            let a = random_symmetric(n, &mut stream);
            let Eigen { values, vectors } = symmetric_eigen(&a).unwrap();
            assert!(values.is_sorted());
            for k in 0..n {
                let image = a.times_vector(vectors.row(k));
                for i in 0..n {
                    close(image[i], values[k] * vectors[(k, i)], 1e-13);
                }
                for l in 0..n {
                    close(dot(vectors.row(k), vectors.row(l)), f64::from(u8::from(k == l)), 1e-14);
                }
            }
        }
    }
}
