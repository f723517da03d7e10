//! The residuals of a loss made of squares with their Jacobian, by the run's differentiation method.
//!
//! `forward`, `reverse` and `symbolic` all run the forward-mode program of the residuals: each row depends on few
//! operations, and no other order of the chain rule would save any. The differences and the complex step go column by
//! column.

use crate::diff::difference::Quotient;
use crate::diff::{Method, Options, complex_step, forward};
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
    method: Method,
    options: Options,
}

#[derive(Clone, Debug)]
enum Columns {
    Program,
    /// The quantities alone.
    Quotient(Quotient, Kernel),
    /// For each part, real and imaginary part of its quantity.
    ComplexStep(Vec<Kernel>),
}

impl LeastSquares {
    /// Compiles the parts, over search coordinates.
    pub fn new(residuals: &Residuals, rows: &Rows, method: Method, options: &Options) -> LeastSquares {
        let program = &residuals.program;
        let (n, count) = (program.inputs, program.outputs.len() / 3);
        let quantities =
            || Program { outputs: program.outputs.iter().skip(1).step_by(3).copied().collect(), ..program.clone() };
        let columns = match method {
            Method::ForwardDifference => Columns::Quotient(Quotient::Forward, Kernel::new(&quantities(), rows)),
            Method::CentralDifference => Columns::Quotient(Quotient::Central, Kernel::new(&quantities(), rows)),
            Method::Richardson => Columns::Quotient(Quotient::Richardson, Kernel::new(&quantities(), rows)),
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
        LeastSquares { parts, columns, n, count, scale: residuals.scale, method, options: *options }
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
        // One for the residuals.
        let mut evaluations = 1;
        for k in 0..self.n {
            let slopes: Vec<Vec<f64>> = match &self.columns {
                Columns::Program => Vec::new(),
                Columns::Quotient(quotient, kernel) => {
                    let base: Vec<f64> = (0..self.count).flat_map(|part| parts[3 * part + 1].iter().copied()).collect();
                    let h = self.options.step_at(self.method, point[k]);
                    let mut moved = point.to_vec();
                    let mut line = |offset: f64, result: &mut [f64]| {
                        moved[k] = point[k] + offset;
                        for (to, from) in result.chunks_mut(rows).zip(kernel.rows(&moved, workspace)) {
                            to.copy_from_slice(&from);
                        }
                        moved[k] - point[k]
                    };
                    let (mut slopes, mut errors) = (vec![0.0; base.len()], vec![0.0; base.len()]);
                    evaluations += quotient.slopes(&mut line, h, &base, &mut slopes, &mut errors);
                    slopes.chunks(rows).map(<[f64]>::to_vec).collect()
                }
                Columns::ComplexStep(kernels) => {
                    let mut inputs = point.to_vec();
                    inputs.resize(2 * self.n, 0.0);
                    let h = self.options.step_at(self.method, point[k]);
                    inputs[self.n + k] = h;
                    let imaginary = |kernel: &Kernel| -> Vec<f64> {
                        kernel.rows(&inputs, &mut Workspace::default())[1].iter().map(|im| im / h).collect()
                    };
                    evaluations += 1;
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
        Squares { loss, residuals, jacobian, scale: self.scale, evaluations }
    }
}
