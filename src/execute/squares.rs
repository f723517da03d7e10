//! The residuals of a loss made of squares with their Jacobian, by the run's differentiation method.
//!
//! `forward`, `reverse` and `symbolic` all run the forward-mode program of the residuals: each row depends on few
//! operations, and no other order of the chain rule would save any. The differences and the complex step go column by
//! column.

use crate::diff::{Method, complex_step, forward};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::Program;
use crate::math::linear::Matrix;
use crate::model::Residuals;
use crate::optimize::Squares;

/// The parts of `model::Residuals`, compiled.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// Residual, quantity and factor of each part; then, under a derivative program, the quantity's derivatives.
    parts: Kernel,
    columns: Columns,
    n: usize,
    /// Parts in one row.
    count: usize,
    scale: f64,
    step: f64,
}

#[derive(Clone, Debug)]
enum Columns {
    Program,
    /// The quantities alone.
    ForwardDifference(Kernel),
    CentralDifference(Kernel),
    /// For each part, real and imaginary part of its quantity.
    ComplexStep(Vec<Kernel>),
}

impl LeastSquares {
    /// Compiles the parts, over search coordinates, whose ordinary size is 1.
    pub fn new(residuals: &Residuals, rows: &Rows, method: Method, step: Option<f64>) -> LeastSquares {
        let program = &residuals.program;
        let (n, count) = (program.inputs, program.outputs.len() / 3);
        let quantities =
            || Program { outputs: program.outputs.iter().skip(1).step_by(3).copied().collect(), ..program.clone() };
        let columns = match method {
            Method::ForwardDifference => Columns::ForwardDifference(Kernel::new(&quantities(), rows)),
            Method::CentralDifference => Columns::CentralDifference(Kernel::new(&quantities(), rows)),
            Method::ComplexStep => {
                let all = quantities();
                let one = |output| Program { outputs: vec![output], ..all.clone() };
                let transformed = all.outputs.iter().map(|output| complex_step::transform(&one(*output)));
                Columns::ComplexStep(transformed.map(|program| Kernel::new(&program, rows)).collect())
            }
            Method::Symbolic | Method::Forward | Method::Reverse => Columns::Program,
        };
        let parts = match columns {
            Columns::Program => {
                let mut jacobian = forward::jacobian(program);
                // Of the 3 · n derivatives of a part, those of its quantity.
                let wanted = |output: &usize| *output < 3 * count || (output - 3 * count) / n % 3 == 1;
                let outputs = (0..jacobian.outputs.len()).filter(wanted).map(|output| jacobian.outputs[output]);
                jacobian.outputs = outputs.collect();
                Kernel::new(&jacobian, rows)
            }
            _ => Kernel::new(program, rows),
        };
        let step = step.or(method.default_step()).unwrap_or(0.0);
        LeastSquares { parts, columns, n, count, scale: residuals.scale, step }
    }

    /// Residuals and Jacobian at a point where the loss is `loss`: the parts of the first output's rows first.
    pub fn at(&self, point: &[f64], loss: f64, workspace: &mut Workspace) -> Squares {
        let parts = self.parts.rows(point, workspace);
        let rows = parts.first().map_or(0, Vec::len);
        let mut residuals = Vec::with_capacity(rows * self.count);
        for part in 0..self.count {
            residuals.extend_from_slice(&parts[3 * part]);
        }
        let mut jacobian = Matrix::zeros(rows * self.count, self.n);
        for k in 0..self.n {
            let slopes: Vec<Vec<f64>> = match &self.columns {
                Columns::Program => Vec::new(),
                Columns::ForwardDifference(kernel) => {
                    let (high, h) = self.moved(kernel, point, k, 1.0, workspace);
                    let of = |part: usize| difference(&high[part], &parts[3 * part + 1], h);
                    (0..self.count).map(of).collect()
                }
                Columns::CentralDifference(kernel) => {
                    let (high, up) = self.moved(kernel, point, k, 1.0, workspace);
                    let (low, down) = self.moved(kernel, point, k, -1.0, workspace);
                    (0..self.count).map(|part| difference(&high[part], &low[part], up - down)).collect()
                }
                Columns::ComplexStep(kernels) => {
                    let mut inputs = point.to_vec();
                    inputs.resize(2 * self.n, 0.0);
                    let h = self.step * point[k].abs().max(1.0);
                    inputs[self.n + k] = h;
                    let imaginary = |kernel: &Kernel| -> Vec<f64> {
                        kernel.rows(&inputs, &mut Workspace::default())[1].iter().map(|im| im / h).collect()
                    };
                    kernels.iter().map(imaginary).collect()
                }
            };
            for part in 0..self.count {
                let slope = match self.columns {
                    Columns::Program => &parts[3 * self.count + part * self.n + k],
                    _ => &slopes[part],
                };
                for (i, (slope, factor)) in slope.iter().zip(&parts[3 * part + 2]).enumerate() {
                    jacobian[(part * rows + i, k)] = slope * factor;
                }
            }
        }
        Squares { loss, residuals, jacobian, scale: self.scale }
    }

    /// The quantities one step away in coordinate k, and the step that was really made.
    fn moved(
        &self,
        kernel: &Kernel,
        point: &[f64],
        k: usize,
        sign: f64,
        workspace: &mut Workspace,
    ) -> (Vec<Vec<f64>>, f64) {
        let mut moved = point.to_vec();
        moved[k] = point[k] + sign * self.step * point[k].abs().max(1.0);
        (kernel.rows(&moved, workspace), moved[k] - point[k])
    }
}

fn difference(high: &[f64], low: &[f64], h: f64) -> Vec<f64> {
    high.iter().zip(low).map(|(high, low)| (high - low) / h).collect()
}
