//! A scalar program bound to data, with one method to take its gradient.

use std::sync::OnceLock;

use crate::diff::difference::Quotient;
use crate::diff::tangents::{TANGENTS, Tangents};
use crate::diff::{Method, Options, complex_step, reverse, symbolic};
use crate::engine::{Choice, Kernel, Lanes, Rows, Why, Workspace, directions};
use crate::ir::{Program, factor};

/// A scalar program of n inputs with a way to differentiate it, compiled and bound to data.
#[derive(Clone, Debug)]
pub struct Objective {
    program: Program,
    rows: Rows,
    /// The program compiled, once it is asked for: where the gradient brings the value with it, it may never be.
    value: OnceLock<Kernel>,
    value_operations: usize,
    gradient: Gradient,
    inputs: usize,
    method: Method,
    options: Options,
}

#[derive(Clone, Debug)]
enum Gradient {
    Quotient(Quotient),
    /// Inputs: the point and the imaginary parts; outputs: real and imaginary part.
    ComplexStep {
        kernel: Box<Kernel>,
        operations: usize,
    },
    Tangents(Box<Tangents>),
    /// Outputs: the value, then the components in order.
    Program {
        kernel: Box<Kernel>,
        operations: usize,
        nodes: Option<usize>,
    },
}

/// The value where a gradient was taken, and what that cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    pub value: f64,
    /// As `Objective::evaluations` counts.
    pub evaluations: u64,
    /// As `Objective::operations` counts.
    pub operations: usize,
}

impl Objective {
    /// Compiles the first output of `program` for `method`. The error says why the method cannot differentiate this
    /// program.
    pub fn new(program: &Program, rows: &Rows, method: Method, options: &Options) -> Result<Objective, String> {
        let inputs = program.inputs;
        let factored = factor(program);
        let program = &factored;
        let bound = |program: &Program| Kernel::new(program, rows);
        let gradient = match method {
            Method::ForwardDifference => Gradient::Quotient(Quotient::Forward),
            Method::CentralDifference => Gradient::Quotient(Quotient::Central),
            Method::Richardson => Gradient::Quotient(Quotient::Richardson),
            Method::ComplexStep => {
                let program = factor(&complex_step::transform(program));
                Gradient::ComplexStep { operations: program.operations(), kernel: Box::new(bound(&program)) }
            }
            Method::Symbolic => {
                let derivative = symbolic::gradient(program, &options.symbolic)?;
                let nodes = Some(derivative.nodes.len());
                // Loops written out are open to rewriting as loops are not, and the value would be rewritten with them.
                let derivative = if program.has_loops() { derivative } else { factor(&derivative) };
                Gradient::Program { operations: derivative.operations(), kernel: Box::new(bound(&derivative)), nodes }
            }
            Method::Forward => Gradient::Tangents(Box::new(Tangents::new(program, rows, options.lanes))),
            Method::Reverse => {
                let program = factor(&reverse::gradient(program));
                Gradient::Program { operations: program.operations(), kernel: Box::new(bound(&program)), nodes: None }
            }
        };
        let value_operations = program.operations();
        let (program, rows, value) = (factored, rows.clone(), OnceLock::new());
        let objective =
            Objective { program, rows, value, value_operations, gradient, inputs, method, options: *options };
        if matches!(objective.gradient, Gradient::Quotient(_) | Gradient::ComplexStep { .. }) {
            objective.value_kernel();
        }
        Ok(objective)
    }

    fn value_kernel(&self) -> &Kernel {
        self.value.get_or_init(|| Kernel::new(&self.program, &self.rows))
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn value(&self, point: &[f64], workspace: &mut Workspace) -> f64 {
        let mut value = [0.0];
        self.value_kernel().evaluate(point, workspace, &mut value);
        value[0]
    }

    /// The values at many points: the same numbers as one at a time, at less cost where rows are few.
    pub fn values(&self, points: &[Vec<f64>], workspace: &mut Workspace) -> Vec<f64> {
        let mut values = vec![0.0; points.len()];
        self.value_kernel().evaluate_many(self.options.lanes, points, workspace, &mut values);
        values
    }

    /// What stands in lanes where `values` is asked for so many, and why.
    pub fn lanes_of_values(&self, count: usize) -> Choice {
        self.value_kernel().lanes_of_points(self.options.lanes, count)
    }

    /// What stands in lanes while a gradient is taken at one point, and why.
    pub fn lanes_of_gradient(&self) -> Choice {
        let wanted = self.options.lanes;
        match &self.gradient {
            Gradient::Quotient(quotient) if quotient.is_fixed() => {
                self.value_kernel().lanes_of_stencil(wanted, self.evaluations() as usize)
            }
            Gradient::Quotient(_) => Choice::rows(Why::Stepwise),
            Gradient::ComplexStep { kernel, .. } => kernel.lanes_of_stencil(wanted, self.inputs),
            Gradient::Tangents(tangents) => tangents.choice(),
            Gradient::Program { .. } => Choice::rows(Why::OnePoint),
        }
    }

    /// Values and gradients at many points, n + 1 numbers each: the same as one at a time, at less cost where rows are
    /// few.
    pub fn gradients(&self, points: &[Vec<f64>], workspace: &mut Workspace, results: &mut [f64]) {
        let wanted = self.options.lanes;
        match &self.gradient {
            Gradient::Program { kernel, .. } => kernel.evaluate_many(wanted, points, workspace, results),
            Gradient::Tangents(tangents) if self.inputs <= TANGENTS => {
                tangents.kernels()[0].evaluate_many(wanted, points, workspace, results);
            }
            Gradient::Quotient(quotient) if quotient.is_fixed() => {
                self.stencils(*quotient, points, workspace, results);
            }
            _ => {
                for (point, result) in points.iter().zip(results.chunks_mut(self.inputs + 1)) {
                    result[0] = self.gradient(point, workspace, &mut result[1..]);
                }
            }
        }
    }

    /// The value; its gradient goes to `gradient`, of length n.
    pub fn gradient(&self, point: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        match &self.gradient {
            // At once: what the other methods need room for takes as long as a small program.
            Gradient::Program { kernel, .. } => kernel.first_and_rest(point, workspace, gradient),
            _ => self.slope(point, workspace, gradient, &mut []).0,
        }
    }

    /// The gradient with the method's own estimates of the errors of its components, NaN where the method has none. Of
    /// length n both; no estimates are given where there is no room for them.
    pub fn take(&self, point: &[f64], workspace: &mut Workspace, gradient: &mut [f64], errors: &mut [f64]) -> Taken {
        errors.fill(f64::NAN);
        let (value, asked) = self.slope(point, workspace, gradient, errors);
        let evaluations = asked.unwrap_or_else(|| self.evaluations());
        Taken { value, evaluations, operations: self.operations_of(evaluations) }
    }

    /// The same with nothing counted but the evaluations of a schedule.
    fn slope(
        &self,
        point: &[f64],
        workspace: &mut Workspace,
        gradient: &mut [f64],
        errors: &mut [f64],
    ) -> (f64, Option<u64>) {
        let value = match &self.gradient {
            Gradient::Quotient(quotient) if self.lanes_of_gradient().lanes == Lanes::Points => {
                let mut results = vec![0.0; self.inputs + 1];
                self.stencils(*quotient, &[point.to_vec()], workspace, &mut results);
                gradient.copy_from_slice(&results[1..]);
                results[0]
            }
            Gradient::Quotient(quotient) => {
                let value = self.value(point, workspace);
                let mut at = |moved: &[f64]| self.value(moved, workspace);
                let asked = 1 + self.slopes(*quotient, point, value, &mut at, gradient, errors);
                return (value, Some(asked));
            }
            Gradient::ComplexStep { kernel, .. } => {
                let steps = |x: f64| self.options.step_at(self.method, x);
                complex_step::gradient(kernel, point, &steps, self.options.lanes, workspace, gradient);
                self.value(point, workspace)
            }
            Gradient::Tangents(tangents) => match tangents.lanes() {
                Some(lanes) => {
                    let mut results = [0.0; directions::MOST + 1];
                    let results = &mut results[..=self.inputs];
                    lanes.evaluate(point, workspace, results);
                    gradient.copy_from_slice(&results[1..]);
                    results[0]
                }
                None => in_parts(tangents.kernels(), point, workspace, gradient),
            },
            Gradient::Program { kernel, .. } => kernel.first_and_rest(point, workspace, gradient),
        };
        (value, None)
    }

    /// The slopes in every input by differences of what `at` says of moved points, `base` being the value at the point;
    /// how many evaluations that took.
    fn slopes(
        &self,
        quotient: Quotient,
        point: &[f64],
        base: f64,
        at: &mut dyn FnMut(&[f64]) -> f64,
        gradient: &mut [f64],
        errors: &mut [f64],
    ) -> u64 {
        let mut moved = point.to_vec();
        let mut evaluations = 0;
        for k in 0..self.inputs {
            let h = self.options.step_at(self.method, point[k]);
            let mut line = |offset: f64, result: &mut [f64]| {
                moved[k] = point[k] + offset;
                result[0] = at(&moved);
                moved[k] - point[k]
            };
            let mut error = [f64::NAN];
            evaluations += quotient.slopes(&mut line, h, &[base], &mut gradient[k..=k], &mut error);
            errors.iter_mut().skip(k).take(1).for_each(|place| *place = error[0]);
            moved[k] = point[k];
        }
        evaluations
    }

    /// Values and gradients at points by differences, every evaluation of all stencils together: the schedule is gone
    /// through twice, to hear where it asks, and to answer.
    fn stencils(&self, quotient: Quotient, points: &[Vec<f64>], workspace: &mut Workspace, results: &mut [f64]) {
        let mut asked: Vec<Vec<f64>> = Vec::new();
        let mut ignored = vec![0.0; self.inputs];
        for point in points {
            asked.push(point.clone());
            let mut hear = |moved: &[f64]| {
                asked.push(moved.to_vec());
                f64::NAN
            };
            self.slopes(quotient, point, f64::NAN, &mut hear, &mut ignored, &mut []);
        }
        let mut values = self.values(&asked, workspace).into_iter();
        let mut next = || values.next().expect("a value for each point");
        for (point, result) in points.iter().zip(results.chunks_mut(self.inputs + 1)) {
            let (value, gradient) = result.split_at_mut(1);
            value[0] = next();
            self.slopes(quotient, point, value[0], &mut |_| next(), gradient, &mut []);
        }
    }

    /// What one gradient with its value costs beyond `evaluations`, in evaluations of the loss, by the costs of their
    /// operations.
    pub fn surcharge(&self) -> f64 {
        match &self.gradient {
            Gradient::Quotient(_) => 0.0,
            Gradient::ComplexStep { kernel, .. } => self.inputs as f64 * (self.work_of(kernel) - 1.0),
            Gradient::Tangents(tangents) => {
                tangents.kernels().iter().map(|kernel| self.work_of(kernel)).sum::<f64>() - 1.0
            }
            Gradient::Program { kernel, .. } => self.work_of(kernel) - 1.0,
        }
    }

    /// What a kernel costs, in evaluations of the loss.
    pub fn work_of(&self, kernel: &Kernel) -> f64 {
        let value = self.value_kernel().work();
        if value > 0.0 { kernel.work() / value } else { 1.0 }
    }

    /// Instructions of one value, those on rows counted once.
    pub fn instructions(&self) -> usize {
        self.value_kernel().instructions()
    }

    /// Evaluations of the loss that one gradient stands for: those of the schedule, complex ones counted singly, and
    /// one for the value; a derivative program that brings the value with it counts as one. Of `richardson` the most:
    /// `take` says how many a point took.
    pub fn evaluations(&self) -> u64 {
        let n = self.inputs as u64;
        match self.gradient {
            Gradient::Quotient(quotient) => quotient.most() * n + 1,
            Gradient::ComplexStep { .. } => n + 1,
            Gradient::Tangents(_) | Gradient::Program { .. } => 1,
        }
    }

    /// Operations of the programs that give one gradient, repeated evaluations counted. Of `richardson` the most.
    pub fn operations(&self) -> usize {
        self.operations_of(self.evaluations())
    }

    fn operations_of(&self, evaluations: u64) -> usize {
        match &self.gradient {
            Gradient::Quotient(_) => evaluations as usize * self.value_operations,
            Gradient::ComplexStep { operations, .. } => self.inputs * operations + self.value_operations,
            Gradient::Tangents(tangents) => tangents.operations(),
            Gradient::Program { operations, .. } => *operations,
        }
    }

    /// Nodes of the derivative as an expression, the value's included, each as often as it is computed; only for
    /// `symbolic`.
    pub fn expression_nodes(&self) -> Option<usize> {
        match self.gradient {
            Gradient::Program { nodes, .. } => nodes,
            _ => None,
        }
    }
}

/// The value, and its gradient where each kernel has the value and the components in the next inputs.
fn in_parts(kernels: &[Kernel], point: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
    let mut value = f64::NAN;
    // One kernel even where there are no inputs: the value.
    let mut rest = gradient;
    for kernel in kernels {
        let (part, after) = rest.split_at_mut(rest.len().min(TANGENTS));
        value = kernel.first_and_rest(point, workspace, part);
        rest = after;
    }
    value
}
