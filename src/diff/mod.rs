//! Differentiating a program: each method a transformation to another program, or a schedule of evaluations.
//!
//! An `Objective` is a scalar program, bound to data, with one method to differentiate it. All methods run on the same
//! engine, so that a comparison of methods compares methods.

mod answers;
pub mod complex_step;
#[cfg(test)]
mod conformance;
pub mod difference;
pub mod differentiability;
pub mod forward;
mod hessian;
mod jacobian;
pub mod lanes;
#[cfg(test)]
mod loops;
mod objective;
pub mod reference;
pub mod reverse;
mod strands;
pub mod symbolic;
mod tangents;
pub mod trace;

pub use hessian::Hessian;
pub use jacobian::Jacobian;
pub use objective::{Objective, Taken};

use crate::engine::Lanes;
use crate::experiment::{Experiment, Form};
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
        name: "richardson",
        summary: "central differences at shrinking steps, extrapolated to step 0, with an estimate of the error: at most \
                  20n evaluations, about 12 digits",
        reference: "Ridders, Advances in Engineering Software 4 (1982) 75; Press et al., Numerical Recipes, 3rd ed., \
                    section 5.7; first step |x|/10",
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
        summary: "rules of calculus on expressions, simplified and shared unless `symbolic` says otherwise; exact",
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
    Richardson,
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
            "richardson" => Method::Richardson,
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
            // The first and largest: a step over which the function changes substantially.
            Method::Richardson => Some(0.1),
            Method::ComplexStep => Some(1e-20),
            _ => None,
        }
    }
}

/// What the methods leave open.
///
/// Steps are relative to max(|x|, typical), with `typical` the size of an input of ordinary magnitude (Dennis & Schnabel,
/// Numerical Methods for Unconstrained Optimization, algorithm A5.6.3): 1 for search coordinates. With 0, for inputs of
/// any magnitude, they are relative to |x| alone, and absolute at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Replaces the method's own relative step.
    pub step: Option<f64>,
    pub typical: f64,
    /// What `symbolic` means.
    pub symbolic: Form,
    /// What should stand in lanes; None: the best for each task. Changes no number.
    pub lanes: Option<Lanes>,
}

impl Options {
    /// Those of an experiment.
    pub fn of(experiment: &Experiment, typical: f64) -> Options {
        let chosen = &experiment.differentiation;
        Options { step: chosen.step, typical, symbolic: chosen.symbolic, lanes: experiment.lanes }
    }

    /// The step of a method in an input at x; 0 for methods without a step.
    pub fn step_at(&self, method: Method, x: f64) -> f64 {
        let step = self.step.or(method.default_step()).unwrap_or(0.0);
        match x.abs().max(self.typical) {
            0.0 => step,
            size => step * size,
        }
    }
}
