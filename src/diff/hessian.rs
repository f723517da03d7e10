//! Second derivatives of a scalar program, by every method: the Hessian, and its product with a vector.
//!
//! `forward` and `reverse` both go forward over reverse (Griewank & Walther, Evaluating Derivatives, section 5.4): the
//! tangents of the program that gives the gradient. `symbolic` differentiates its derivatives again. `complex_step` takes
//! the gradient of forward mode at x + ihv, whose imaginary part over h is the product (Squire & Trapp 1998): exact to
//! rounding. The difference methods take their quotient of their own gradients, with the same relative step for both;
//! rounding then counts with ε/h² against a truncation of order h or h², so that the steps are longer than for
//! gradients (Dennis & Schnabel, Numerical Methods for Unconstrained Optimization, section 5.6): ∛ε for
//! `forward_difference`, ε^(1/4) for `central_difference`.

use crate::diff::difference::Quotient;
use crate::diff::tangents::TANGENTS;
use crate::diff::{Method, Objective, Options, complex_step, forward, reverse, symbolic};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Program, Value, factor};
use crate::math::linear::Matrix;

/// Inputs beyond which one program for the whole Hessian would be too long: products with unit vectors instead.
const WHOLE: usize = 64;

/// A scalar program of n inputs with its second derivatives, compiled and bound to data.
#[derive(Clone, Debug)]
pub struct Hessian {
    second: Second,
    inputs: usize,
    method: Method,
    options: Options,
}

#[derive(Clone, Debug)]
enum Second {
    Programs {
        /// Outputs: the Hessian row by row; None where it would be too long.
        whole: Option<Box<Kernel>>,
        /// Inputs: the point and the vector; outputs: the product.
        product: Box<Kernel>,
    },
    /// Inputs: real and imaginary parts of the point; outputs: real and imaginary part of 16 components of the gradient,
    /// or of those that are left.
    ComplexStep(Vec<Kernel>),
    Quotient(Quotient, Box<Objective>),
}

impl Hessian {
    /// Of the first output. The error says why the method cannot differentiate this program.
    pub fn new(program: &Program, rows: &Rows, method: Method, options: &Options) -> Result<Hessian, String> {
        let n = program.inputs;
        let program = &factor(program);
        let bound = |program: &Program| Kernel::new(&factor(program), rows);
        let mut options = *options;
        let quotient = |quotient, step: Option<f64>, options: &mut Options| -> Result<Second, String> {
            options.step = options.step.or(step);
            Ok(Second::Quotient(quotient, Box::new(Objective::new(program, rows, method, options)?)))
        };
        let second = match method {
            Method::ForwardDifference => quotient(Quotient::Forward, Some(6.055_454_452_393_343e-6), &mut options)?,
            // 2^-13.
            Method::CentralDifference => quotient(Quotient::Central, Some(1.220_703_125e-4), &mut options)?,
            Method::Richardson => quotient(Quotient::Richardson, None, &mut options)?,
            Method::ComplexStep => {
                let parts = (0..n).step_by(TANGENTS).map(|first| {
                    let part = forward::gradient(program, first..(first + TANGENTS).min(n));
                    bound(&complex_step::transform(&without_value(part)))
                });
                Second::ComplexStep(parts.collect())
            }
            Method::Forward | Method::Reverse => {
                let gradient = without_value(reverse::gradient(program));
                let which: Vec<usize> = (0..n).collect();
                let whole = (n <= WHOLE).then(|| {
                    let mut jacobian = forward::jacobian(&gradient, &which, 0..n);
                    jacobian.outputs.drain(..n);
                    Box::new(bound(&jacobian))
                });
                Second::Programs { whole, product: Box::new(bound(&forward::directional(&gradient))) }
            }
            Method::Symbolic => {
                let form = &options.symbolic;
                let gradient = without_value(symbolic::gradient(program, form)?);
                let which: Vec<usize> = (0..n).collect();
                let whole = match n <= WHOLE {
                    false => None,
                    true => {
                        let mut jacobian = symbolic::jacobian(&gradient, &which, 0..n, form)?;
                        jacobian.outputs.drain(..n);
                        Some(Box::new(bound(&jacobian)))
                    }
                };
                let mut product = symbolic::jacobian(&along(&gradient), &[0], 0..n, form)?;
                product.outputs.remove(0);
                Second::Programs { whole, product: Box::new(bound(&product)) }
            }
        };
        Ok(Hessian { second, inputs: n, method, options })
    }

    /// What one Hessian costs, in evaluations of the loss.
    pub fn work(&self, loss: &Objective) -> f64 {
        let n = self.inputs as f64;
        match &self.second {
            Second::Programs { whole: Some(kernel), .. } => loss.work_of(kernel),
            Second::Programs { product, .. } => n * loss.work_of(product),
            Second::ComplexStep(kernels) => n * kernels.iter().map(|kernel| loss.work_of(kernel)).sum::<f64>(),
            Second::Quotient(_, gradient) => n * (gradient.evaluations() as f64 + gradient.surcharge()),
        }
    }

    /// The Hessian at a point: symmetric, n by n.
    pub fn matrix(&self, point: &[f64], workspace: &mut Workspace) -> Matrix {
        let n = self.inputs;
        let mut found = vec![0.0; n * n];
        match &self.second {
            Second::Programs { whole: Some(kernel), .. } => kernel.evaluate(point, workspace, &mut found),
            _ => {
                let mut unit = vec![0.0; n];
                for (k, row) in found.chunks_mut(n.max(1)).enumerate() {
                    unit[k] = 1.0;
                    self.product(point, &unit, workspace, row);
                    unit[k] = 0.0;
                }
            }
        }
        let exact = !matches!(self.second, Second::Quotient(..));
        let mut matrix = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                // Both halves of an exact one are the same but for rounding; quotients differ by their errors.
                let (lower, upper) = (found[i * n + j], found[j * n + i]);
                let entry = if exact { lower } else { 0.5 * (lower + upper) };
                (matrix[(i, j)], matrix[(j, i)]) = (entry, entry);
            }
        }
        matrix
    }

    /// The Hessian at a point times a vector, both of length n.
    pub fn product(&self, point: &[f64], vector: &[f64], workspace: &mut Workspace, product: &mut [f64]) {
        let n = self.inputs;
        let largest = |v: &[f64]| v.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        // A step along the vector whose longest coordinate is that of the longest coordinate of the point.
        let size = largest(vector);
        let h = self.options.step_at(self.method, largest(point)) / size;
        if size == 0.0 {
            return product.fill(0.0);
        }
        match &self.second {
            Second::Programs { product: kernel, .. } => {
                kernel.evaluate(&[point, vector].concat(), workspace, product);
            }
            Second::ComplexStep(kernels) => {
                let mut inputs = point.to_vec();
                inputs.extend(vector.iter().map(|v| h * v));
                let mut parts = [0.0; 2 * TANGENTS];
                for (kernel, product) in kernels.iter().zip(product.chunks_mut(TANGENTS)) {
                    kernel.evaluate(&inputs, workspace, &mut parts[..2 * product.len()]);
                    for (entry, part) in product.iter_mut().zip(parts.chunks(2)) {
                        *entry = part[1] / h;
                    }
                }
            }
            Second::Quotient(quotient, objective) => {
                let mut base = vec![0.0; n];
                objective.gradient(point, workspace, &mut base);
                let single = vector.iter().filter(|v| **v != 0.0).count() == 1;
                let moves = vector.iter().position(|v| *v != 0.0).unwrap_or(0);
                let h = if single { self.options.step_at(self.method, point[moves]) / size } else { h };
                let mut line = |offset: f64, gradient: &mut [f64]| {
                    let moved: Vec<f64> = point.iter().zip(vector).map(|(x, v)| offset.mul_add(*v, *x)).collect();
                    objective.gradient(&moved, workspace, gradient);
                    if single { (moved[moves] - point[moves]) / vector[moves] } else { offset }
                };
                quotient.slopes(&mut line, h, &base, product, &mut vec![0.0; n]);
            }
        }
    }
}

fn without_value(mut gradient: Program) -> Program {
    gradient.outputs.remove(0);
    gradient
}

/// The program of 2n inputs, a point and a direction, whose output is the slope along the direction.
fn along(gradient: &Program) -> Program {
    let n = gradient.inputs;
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..n).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..gradient.columns).map(|k| b.column(k)).collect();
    let slopes = b.inline(gradient, &inputs, &columns);
    let terms: Vec<Value> = slopes
        .into_iter()
        .enumerate()
        .map(|(k, slope)| {
            let direction = b.input(n + k);
            b.multiply(slope, direction)
        })
        .collect();
    let total = b.total(&terms);
    b.finish(&[total], 2 * n, gradient.columns)
}
