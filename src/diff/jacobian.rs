//! The Jacobian of a program of many outputs, by every method.
//!
//! `forward` goes by columns, 16 inputs in one sweep; `reverse` by rows, one sweep back from each output. An output that
//! differs between the rows of the data has a row of the Jacobian for each: the lanes of one sweep, none of them added
//! to another. `auto` takes whichever of the two needs fewer operations.

use std::ops::Range;

use crate::diff::difference::Quotient;
use crate::diff::tangents::TANGENTS;
use crate::diff::{Method, Objective, Options, complex_step, forward, reverse, symbolic};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::Program;

/// A program of n inputs with the Jacobian of some of its outputs, compiled and bound to data.
#[derive(Clone, Debug)]
pub struct Jacobian {
    /// Every output; None where the derivative program brings them with it.
    values: Option<Kernel>,
    derivatives: Derivatives,
    inputs: usize,
    outputs: usize,
    /// How many outputs are differentiated.
    which: usize,
    rows: usize,
    method: Method,
    options: Options,
    operations: u64,
}

#[derive(Clone, Debug)]
enum Derivatives {
    /// The outputs that are differentiated.
    Quotient(Quotient, Kernel),
    /// Inputs: the point and the imaginary parts; outputs: real and imaginary part of each.
    ComplexStep(Kernel),
    /// Derivatives of each output in the inputs of a range; in the first kernel they follow the values of all outputs.
    Programs(Vec<(Range<usize>, Kernel)>),
}

impl Jacobian {
    /// Of every output. The error says why the method cannot differentiate this program.
    pub fn new(program: &Program, rows: &Rows, method: Method, options: &Options) -> Result<Jacobian, String> {
        Jacobian::of(program, &(0..program.outputs.len()).collect::<Vec<_>>(), rows, method, options)
    }

    /// Of the outputs of these numbers.
    pub fn of(
        program: &Program,
        which: &[usize],
        rows: &Rows,
        method: Method,
        options: &Options,
    ) -> Result<Jacobian, String> {
        let (n, count) = (program.inputs, rows.count());
        let wanted = Program { outputs: which.iter().map(|k| program.outputs[*k]).collect(), ..program.clone() };
        let quotient = |quotient: Quotient| Derivatives::Quotient(quotient, Kernel::new(&wanted, rows));
        let mut operations = program.work(count);
        let derivatives = match method {
            Method::ForwardDifference => quotient(Quotient::Forward),
            Method::CentralDifference => quotient(Quotient::Central),
            Method::Richardson => quotient(Quotient::Richardson),
            Method::ComplexStep => {
                let program = complex_step::transform(&wanted);
                operations += n as u64 * program.work(count);
                Derivatives::ComplexStep(Kernel::new(&program, rows))
            }
            Method::Symbolic | Method::Forward | Method::Reverse => {
                operations = 0;
                let mut kernels = Vec::new();
                for (range, program) in programs(program, which, method, options)? {
                    operations += program.work(count);
                    kernels.push((range, Kernel::new(&program, rows)));
                }
                Derivatives::Programs(kernels)
            }
        };
        if let Derivatives::Quotient(quotient, _) = derivatives {
            operations += quotient.most() * n as u64 * wanted.work(count);
        }
        let values = match derivatives {
            Derivatives::Programs(_) => None,
            _ => Some(Kernel::new(program, rows)),
        };
        let (outputs, which) = (program.outputs.len(), which.len());
        Ok(Jacobian {
            values,
            derivatives,
            inputs: n,
            outputs,
            which,
            rows: count,
            method,
            options: *options,
            operations,
        })
    }

    /// By `forward` or by `reverse`, whichever needs fewer operations; which one it was.
    pub fn auto(program: &Program, rows: &Rows, options: &Options) -> Result<(Method, Jacobian), String> {
        let which: Vec<usize> = (0..program.outputs.len()).collect();
        let work = |method| -> Result<u64, String> {
            let found = programs(program, &which, method, options)?;
            Ok(found.iter().map(|(_, program)| program.work(rows.count())).sum())
        };
        let columns = work(Method::Forward)? <= work(Method::Reverse)?;
        let method = if columns { Method::Forward } else { Method::Reverse };
        Ok((method, Jacobian::new(program, rows, method, options)?))
    }

    /// Rows of the Jacobian: one for each output that is differentiated and each row of the data, row by row of the first
    /// output, then of the next. Outputs that are the same for every row are repeated.
    pub fn height(&self) -> usize {
        self.which * self.rows
    }

    /// Number of inputs: the width of the Jacobian.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Operations of one evaluation as `Program::work` weighs them, repeated evaluations counted. Of `richardson` the
    /// most.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// What one evaluation costs, with a value of the loss, beyond the evaluations that it counts.
    pub fn surcharge(&self, loss: &Objective) -> f64 {
        let values = self.values.as_ref().map_or(0.0, |kernel| loss.work_of(kernel));
        values
            + match &self.derivatives {
                Derivatives::Quotient(..) => 0.0,
                Derivatives::ComplexStep(kernel) => self.inputs as f64 * (loss.work_of(kernel) - 1.0),
                Derivatives::Programs(kernels) => kernels.iter().map(|(_, kernel)| loss.work_of(kernel)).sum(),
            }
    }

    /// Every output at every row, output by output, in `values`; the Jacobian, `height` rows of n numbers, in `jacobian`.
    /// Returns how many evaluations that stands for, as `Objective::evaluations` counts.
    pub fn evaluate(&self, point: &[f64], workspace: &mut Workspace, values: &mut [f64], jacobian: &mut [f64]) -> u64 {
        let n = self.inputs;
        if let Some(kernel) = &self.values {
            fill(values, &kernel.rows(point, workspace));
        }
        let mut column = |k: usize, slopes: &mut dyn Iterator<Item = f64>| {
            jacobian.iter_mut().skip(k).step_by(n).zip(slopes).for_each(|(place, slope)| *place = slope);
        };
        let mut evaluations = 1;
        match &self.derivatives {
            Derivatives::Quotient(quotient, kernel) => {
                let mut base = vec![0.0; self.height()];
                fill(&mut base, &kernel.rows(point, workspace));
                let (mut slopes, mut errors) = (base.clone(), base.clone());
                let mut moved = point.to_vec();
                for k in 0..n {
                    let h = self.options.step_at(self.method, point[k]);
                    let mut line = |offset: f64, results: &mut [f64]| {
                        moved[k] = point[k] + offset;
                        fill(results, &kernel.rows(&moved, workspace));
                        moved[k] - point[k]
                    };
                    evaluations += quotient.slopes(&mut line, h, &base, &mut slopes, &mut errors);
                    moved[k] = point[k];
                    column(k, &mut slopes.iter().copied());
                }
            }
            Derivatives::ComplexStep(kernel) => {
                let mut inputs = point.to_vec();
                inputs.resize(2 * n, 0.0);
                for k in 0..n {
                    let h = self.options.step_at(self.method, point[k]);
                    inputs[n + k] = h;
                    let parts = kernel.rows(&inputs, workspace);
                    inputs[n + k] = 0.0;
                    column(k, &mut parts.iter().skip(1).step_by(2).flatten().map(|im| im / h));
                    evaluations += 1;
                }
            }
            Derivatives::Programs(kernels) => {
                let mut outputs = self.outputs;
                for (range, kernel) in kernels {
                    let found = kernel.rows(point, workspace);
                    fill(values, &found[..outputs]);
                    let slopes = &found[outputs..];
                    for (place, k) in range.clone().enumerate() {
                        column(k, &mut slopes.iter().skip(place).step_by(range.len()).flatten().copied());
                    }
                    // Only the first brings the values.
                    outputs = 0;
                }
            }
        }
        evaluations
    }
}

/// The derivative programs of a method, and the inputs that each is for: the values of all outputs in the first, then the
/// derivatives of each output of `which`.
fn programs(
    program: &Program,
    which: &[usize],
    method: Method,
    options: &Options,
) -> Result<Vec<(Range<usize>, Program)>, String> {
    let n = program.inputs;
    let chunk = if method == Method::Forward { TANGENTS } else { n.max(1) };
    let mut found = Vec::new();
    for first in (0..n.max(1)).step_by(chunk) {
        let range = first..(first + chunk).min(n);
        let mut derivative = match method {
            Method::Reverse => reverse::jacobian(program, which),
            Method::Symbolic => symbolic::jacobian(program, which, range.clone(), &options.symbolic)?,
            _ => forward::jacobian(program, which, range.clone()),
        };
        if first > 0 {
            derivative.outputs.drain(..program.outputs.len());
        }
        found.push((range, derivative));
    }
    Ok(found)
}

/// Columns one behind the other.
fn fill(to: &mut [f64], columns: &[Vec<f64>]) {
    to.iter_mut().zip(columns.iter().flatten()).for_each(|(place, number)| *place = *number);
}
