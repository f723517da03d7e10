//! Differentiating a program: each method a transformation to another program, or a schedule of evaluations.
//!
//! An `Objective` is a scalar program, bound to data, with one method to differentiate it. All methods run on the same
//! engine, so that a comparison of methods compares methods.

mod answers;
pub mod complex_step;
#[cfg(test)]
mod conformance;
mod difference;
pub mod differentiability;
pub mod forward;
#[cfg(test)]
mod loops;
pub mod reference;
pub mod reverse;
pub mod symbolic;
pub mod trace;
mod unroll;

use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::Program;
use crate::kind::{Kind, independent};

/// The rows of the methods, in the order in which they are compared.
pub const METHODS: &[Kind] = &[
    Kind {
        name: "forward_difference",
        summary: "(f(x + h) - f(x))/h in each parameter: n + 1 evaluations, about 8 digits",
        reference: "Nocedal & Wright, Numerical Optimization, 2nd ed., section 8.1; step sqrt(eps)|x| as MINPACK's fdjac",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "central_difference",
        summary: "(f(x + h) - f(x - h))/(2h) in each parameter: 2n evaluations, about 11 digits",
        reference: "Nocedal & Wright, Numerical Optimization, 2nd ed., section 8.1; step cbrt(eps)|x|",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "complex_step",
        summary: "Im f(x + ih)/h in each parameter: n complex evaluations, exact to rounding for analytic programs",
        reference: "Squire & Trapp, SIAM Review 40 (1998) 110; Martins, Sturdza & Alonso, ACM TOMS 29 (2003) 245",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "symbolic",
        summary: "rules of calculus on a shared expression graph, simplified; exact",
        reference: "Laue, On the equivalence of automatic and symbolic differentiation, arXiv:1904.02990 (2019)",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "forward",
        summary: "forward-mode automatic differentiation: tangents beside the values; exact, cost grows with n",
        reference: "Griewank & Walther, Evaluating Derivatives, 2nd ed., section 3.1",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "reverse",
        summary: "reverse-mode automatic differentiation: adjoints from the loss back; exact, cost independent of n",
        reference: "Griewank & Walther, Evaluating Derivatives, 2nd ed., section 3.2",
        settings: &[],
        check: independent,
    },
];

/// A differentiation method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    ForwardDifference,
    CentralDifference,
    ComplexStep,
    Symbolic,
    Forward,
    Reverse,
}

impl Method {
    /// The method of a row of `METHODS`.
    pub fn named(name: &str) -> Option<Method> {
        Some(match name {
            "forward_difference" => Method::ForwardDifference,
            "central_difference" => Method::CentralDifference,
            "complex_step" => Method::ComplexStep,
            "symbolic" => Method::Symbolic,
            "forward" => Method::Forward,
            "reverse" => Method::Reverse,
            _ => return None,
        })
    }

    /// The relative step used where the user gives none; None for methods without a step.
    pub fn default_step(self) -> Option<f64> {
        match self {
            // ε = 2^-52: √ε balances truncation h against round-off ε/h, ∛ε balances h² against ε/h.
            Method::ForwardDifference => Some(1.0 / (1u64 << 26) as f64),
            Method::CentralDifference => Some(6.055_454_452_393_343e-6),
            Method::ComplexStep => Some(1e-20),
            _ => None,
        }
    }
}

/// A scalar program of n inputs with a way to differentiate it, compiled and bound to data.
#[derive(Clone, Debug)]
pub struct Objective {
    value: Kernel,
    gradient: Gradient,
    inputs: usize,
    step: f64,
    typical: f64,
}

#[derive(Clone, Debug)]
enum Gradient {
    ForwardDifference,
    CentralDifference,
    /// Inputs: the point and the imaginary parts; outputs: real and imaginary part.
    ComplexStep(Kernel),
    /// Outputs: the value, then the components in order, in one or more kernels.
    Program {
        kernels: Vec<Kernel>,
        operations: usize,
        nodes: Option<usize>,
    },
}

/// Tangents that one forward program carries.
const TANGENTS: usize = 16;

impl Objective {
    /// Compiles the first output of `program` for `method`. `step` replaces the method's own relative step.
    ///
    /// Steps are relative to max(|x|, typical), with `typical` the size of an input of ordinary magnitude (Dennis &
    /// Schnabel, Numerical Methods for Unconstrained Optimization, algorithm A5.6.3): 1 for search coordinates. With 0,
    /// for inputs of any magnitude, they are relative to |x| alone, and absolute at 0. The error says why the method
    /// cannot differentiate this program.
    pub fn new(
        program: &Program,
        rows: &Rows,
        method: Method,
        step: Option<f64>,
        typical: f64,
    ) -> Result<Objective, String> {
        let inputs = program.inputs;
        let bound = |program: &Program| Kernel::new(program, rows);
        let gradient = match method {
            Method::ForwardDifference => Gradient::ForwardDifference,
            Method::CentralDifference => Gradient::CentralDifference,
            Method::ComplexStep => Gradient::ComplexStep(bound(&complex_step::transform(program))),
            Method::Symbolic => {
                let derivative = symbolic::gradient(program)?;
                let nodes = Some(derivative.nodes.len());
                Gradient::Program { operations: derivative.operations(), kernels: vec![bound(&derivative)], nodes }
            }
            Method::Forward => {
                let programs: Vec<Program> = (0..inputs.max(1))
                    .step_by(TANGENTS)
                    .map(|first| forward::gradient(program, first..(first + TANGENTS).min(inputs)))
                    .collect();
                let operations = programs.iter().map(Program::operations).sum();
                Gradient::Program { kernels: programs.iter().map(bound).collect(), operations, nodes: None }
            }
            Method::Reverse => {
                let program = reverse::gradient(program);
                Gradient::Program { operations: program.operations(), kernels: vec![bound(&program)], nodes: None }
            }
        };
        let step = step.or(method.default_step()).unwrap_or(0.0);
        Ok(Objective { value: bound(program), gradient, inputs, step, typical })
    }

    /// The step in an input at x.
    fn step_at(&self, x: f64) -> f64 {
        match x.abs().max(self.typical) {
            0.0 => self.step,
            size => self.step * size,
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn value(&self, point: &[f64], workspace: &mut Workspace) -> f64 {
        let mut value = [0.0];
        self.value.evaluate(point, workspace, &mut value);
        value[0]
    }

    /// The value; its gradient goes to `gradient`, of length n.
    pub fn gradient(&self, point: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        match &self.gradient {
            Gradient::ForwardDifference => difference::forward(self, point, workspace, gradient),
            Gradient::CentralDifference => difference::central(self, point, workspace, gradient),
            Gradient::ComplexStep(kernel) => {
                complex_step::gradient(self, kernel, point, workspace, gradient);
                self.value(point, workspace)
            }
            Gradient::Program { kernels, .. } => {
                let mut results = [0.0; TANGENTS + 1];
                let mut value = f64::NAN;
                if let [kernel] = &kernels[..]
                    && self.inputs > TANGENTS
                {
                    let mut results = vec![0.0; self.inputs + 1];
                    kernel.evaluate(point, workspace, &mut results);
                    gradient.copy_from_slice(&results[1..]);
                    return results[0];
                }
                for (kernel, part) in kernels.iter().zip(gradient.chunks_mut(TANGENTS)) {
                    kernel.evaluate(point, workspace, &mut results[..part.len() + 1]);
                    part.copy_from_slice(&results[1..part.len() + 1]);
                    value = results[0];
                }
                value
            }
        }
    }

    /// Evaluations of the loss that one gradient stands for: those of the schedule, complex ones counted singly, and
    /// one for the value; a derivative program that brings the value with it counts as one.
    pub fn evaluations(&self) -> u64 {
        let n = self.inputs as u64;
        match self.gradient {
            Gradient::ForwardDifference | Gradient::ComplexStep(_) => n + 1,
            Gradient::CentralDifference => 2 * n + 1,
            Gradient::Program { .. } => 1,
        }
    }

    /// Instructions of one value, those on rows counted once.
    pub fn instructions(&self) -> usize {
        self.value.instructions()
    }

    /// Operations of the programs that give one gradient, repeated evaluations counted.
    pub fn operations(&self) -> usize {
        match &self.gradient {
            Gradient::ForwardDifference => (self.inputs + 1) * self.value.instructions(),
            Gradient::CentralDifference => (2 * self.inputs + 1) * self.value.instructions(),
            Gradient::ComplexStep(kernel) => self.inputs * kernel.instructions() + self.value.instructions(),
            Gradient::Program { operations, .. } => *operations,
        }
    }

    /// Nodes of the derivative as a shared expression; only for `symbolic`.
    pub fn expression_nodes(&self) -> Option<usize> {
        match self.gradient {
            Gradient::Program { nodes, .. } => nodes,
            _ => None,
        }
    }
}
