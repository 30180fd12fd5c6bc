//! Small dense linear algebra: what margins (tens of columns), trends (years) and drivers (questions) need.

/// A square or rectangular matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// All zero.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// From a function of row and column.
    pub fn from_fn(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| value(r, c)).collect();
        Self { rows, columns, values }
    }

    /// Rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Product with a vector.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|r| (0..self.columns).map(|c| self[(r, c)] * x[c]).sum()).collect()
    }
}

impl core::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (row, column): (usize, usize)) -> &f64 {
        &self.values[row * self.columns + column]
    }
}

impl core::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut f64 {
        &mut self.values[row * self.columns + column]
    }
}

/// Cholesky factor of a symmetric positive semidefinite matrix, over a largest independent set of its columns.
///
/// Margins overlap (each sums to the same total, and some categories may coincide among the answers), so dependent columns
/// are the normal case: they are left out, the projection is the same.
#[derive(Debug, Clone)]
pub struct Factor {
    size: usize,
    kept: Vec<usize>,
    lower: Matrix,
}

impl Factor {
    /// Factors `matrix`; a column whose remainder falls below `tolerance` of its diagonal depends on those before it.
    pub fn new(matrix: &Matrix, tolerance: f64) -> Self {
        let size = matrix.rows();
        let mut kept: Vec<usize> = Vec::new();
        let mut lower = Matrix::zeros(size, size);
        for column in 0..size {
            let k = kept.len();
            let mut row = vec![0.0; k];
            for i in 0..k {
                let known: f64 = (0..i).map(|j| row[j] * lower[(i, j)]).sum();
                row[i] = (matrix[(column, kept[i])] - known) / lower[(i, i)];
            }
            let rest = matrix[(column, column)] - row.iter().map(|v| v * v).sum::<f64>();
            if rest > tolerance * matrix[(column, column)] && rest > 0.0 {
                for (i, value) in row.into_iter().enumerate() {
                    lower[(k, i)] = value;
                }
                lower[(k, k)] = rest.sqrt();
                kept.push(column);
            }
        }
        Self { size, kept, lower }
    }

    /// The number of independent columns.
    pub const fn rank(&self) -> usize {
        self.kept.len()
    }

    /// Is the matrix positive definite?
    pub const fn is_definite(&self) -> bool {
        self.kept.len() == self.size
    }

    /// A solution x of matrix · x = right, with zeros at dependent columns.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let k = self.kept.len();
        let mut y = vec![0.0; k];
        for i in 0..k {
            let known: f64 = (0..i).map(|j| self.lower[(i, j)] * y[j]).sum();
            y[i] = (right[self.kept[i]] - known) / self.lower[(i, i)];
        }
        for i in (0..k).rev() {
            let known: f64 = (i + 1..k).map(|j| self.lower[(j, i)] * y[j]).sum();
            y[i] = (y[i] - known) / self.lower[(i, i)];
        }
        let mut x = vec![0.0; self.size];
        for (i, column) in self.kept.iter().enumerate() {
            x[*column] = y[i];
        }
        x
    }
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by Jacobi's rotations.
pub fn eigen(matrix: &Matrix) -> (Vec<f64>, Matrix) {
    let n = matrix.rows();
    let mut a = matrix.clone();
    let mut vectors = Matrix::from_fn(n, n, |r, c| if r == c { 1.0 } else { 0.0 });
    for _ in 0..100 {
        let off: f64 = (0..n).flat_map(|r| (0..r).map(move |c| (r, c))).map(|i| a[i] * a[i]).sum();
        let on: f64 = (0..n).map(|i| a[(i, i)] * a[(i, i)]).sum();
        if off <= 1e-34 * on {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[(p, q)] == 0.0 {
                    continue;
                }
                let theta = (a[(q, q)] - a[(p, p)]) / (2.0 * a[(p, q)]);
                let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                for k in 0..n {
                    let (kp, kq) = (a[(k, p)], a[(k, q)]);
                    a[(k, p)] = cosine * kp - sine * kq;
                    a[(k, q)] = sine * kp + cosine * kq;
                }
                for k in 0..n {
                    let (pk, qk) = (a[(p, k)], a[(q, k)]);
                    a[(p, k)] = cosine * pk - sine * qk;
                    a[(q, k)] = sine * pk + cosine * qk;
                    let (vp, vq) = (vectors[(k, p)], vectors[(k, q)]);
                    vectors[(k, p)] = cosine * vp - sine * vq;
                    vectors[(k, q)] = sine * vp + cosine * vq;
                }
            }
        }
    }
    ((0..n).map(|i| a[(i, i)]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependent_column_is_left_out_and_the_system_still_solved() {
        // Columns: total, first half, second half = total − first half.
        let x = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]];
        let gram = Matrix::from_fn(3, 3, |r, c| x.iter().map(|row| row[r] * row[c]).sum());
        let factor = Factor::new(&gram, 1e-10);
        assert_eq!(factor.rank(), 2);
        assert!(!factor.is_definite());
        let y = [2.0, 4.0, 7.0];
        let right: Vec<f64> = (0..3).map(|c| (0..3).map(|i| x[i][c] * y[i]).sum()).collect();
        let beta = factor.solve(&right);
        let fits: Vec<f64> = x.iter().map(|row| row.iter().zip(&beta).map(|(a, b)| a * b).sum()).collect();
        assert!((fits[0] - 3.0).abs() < 1e-12 && (fits[2] - 7.0).abs() < 1e-12);
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let matrix = Matrix::from_fn(4, 4, |r, c| 1.0 / (1.0 + r as f64 + c as f64));
        let (values, vectors) = eigen(&matrix);
        for r in 0..4 {
            for c in 0..4 {
                let rebuilt: f64 = (0..4).map(|k| vectors[(r, k)] * values[k] * vectors[(c, k)]).sum();
                assert!((rebuilt - matrix[(r, c)]).abs() < 1e-14);
            }
        }
    }
}
