//! The residuals of a loss made of squares with their Jacobian, by the run's differentiation method.

use crate::diff::{Jacobian, Method, Objective, Options};
use crate::engine::{Rows, Workspace};
use crate::math::linear::Matrix;
use crate::model::Residuals;
use crate::optimize::Squares;

/// The parts of `model::Residuals`, compiled.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// Residual, quantity and factor of each part; the quantity is differentiated.
    parts: Jacobian,
    /// Parts in one row of the data.
    count: usize,
    scale: f64,
}

impl LeastSquares {
    /// Compiles the parts, over search coordinates. The error says why the method cannot differentiate them.
    pub fn new(residuals: &Residuals, rows: &Rows, method: Method, options: &Options) -> Result<LeastSquares, String> {
        let count = residuals.program.outputs.len() / 3;
        let quantities: Vec<usize> = (0..count).map(|part| 3 * part + 1).collect();
        let parts = Jacobian::of(&residuals.program, &quantities, rows, method, options)?;
        Ok(LeastSquares { parts, count, scale: residuals.scale })
    }

    /// Residuals and Jacobian at a point where the loss is `loss`: the parts of the first output's rows first.
    pub fn at(&self, point: &[f64], loss: f64, workspace: &mut Workspace) -> Squares {
        let (height, n) = (self.parts.height(), self.parts.inputs());
        let rows = height / self.count.max(1);
        let mut values = vec![0.0; 3 * height];
        let mut jacobian = Matrix::zeros(height, n);
        let evaluations = self.parts.evaluate(point, workspace, &mut values, &mut jacobian.entries);
        let mut residuals = Vec::with_capacity(height);
        for (part, values) in values.chunks(3 * rows.max(1)).enumerate() {
            residuals.extend_from_slice(&values[..rows]);
            for (i, factor) in values[2 * rows..].iter().enumerate() {
                (0..n).for_each(|k| jacobian[(part * rows + i, k)] *= factor);
            }
        }
        Squares { loss, residuals, jacobian, scale: self.scale, evaluations }
    }

    /// What one answer of `at`, with the loss there, costs beyond the evaluations that it counts.
    pub fn surcharge(&self, loss: &Objective) -> f64 {
        self.parts.surcharge(loss)
    }
}
