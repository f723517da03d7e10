//! The table of losses: each lowers one output's comparison with the data to a row value, and says what it weighs.

use crate::ir::{Builder, Operator, Rate, Value};
use crate::kind::{Accepts, Default, Kind, Loss, Setting, Sigma, any_observation, independent};
use crate::math::elementary;

/// Every loss.
pub const LOSSES: &[Loss] = &[
    Loss {
        kind: Kind {
            name: "least_squares",
            summary: "sum of squared residuals; intervals scale by the residual variance RSS/(n - p)",
            reference: "NIST/ITL StRD, nonlinear regression: certified quantities",
            settings: &[],
            check: independent,
        },
        data: true,
        sigma: Sigma::Unused,
        observed: any_observation,
    },
    Loss {
        kind: Kind {
            name: "chi_square",
            summary: "sum of squared residuals over sigma: twice a negative log likelihood up to a constant",
            reference: "Bevington & Robinson, Data Reduction and Error Analysis, eq. 8.2",
            settings: &[],
            check: independent,
        },
        data: true,
        sigma: Sigma::Required,
        observed: any_observation,
    },
    Loss {
        kind: Kind {
            name: "gaussian",
            summary: "negative log likelihood of normal noise; sigma may hold parameters",
            reference: "Bevington & Robinson, eq. 4.5",
            settings: &[],
            check: independent,
        },
        data: true,
        sigma: Sigma::Required,
        observed: any_observation,
    },
    Loss {
        kind: Kind {
            name: "poisson",
            summary: "negative log likelihood of counts, log factorials included",
            reference: "Baker & Cousins, Nucl. Instrum. Methods 221 (1984) 437",
            settings: &[],
            check: independent,
        },
        data: true,
        sigma: Sigma::Unused,
        observed: |count| match count {
            count if count < 0.0 => Err("a count cannot be negative"),
            count if count.fract() != 0.0 => Err("a count is a whole number"),
            _ => Ok(()),
        },
    },
    Loss {
        kind: Kind {
            name: "expression",
            summary: "any formula of `predicted`, `observed`, columns and parameters; without data its value at one row; intervals take it as a negative log likelihood, by `hessian` alone",
            reference: "",
            settings: &[Setting {
                name: "expression",
                summary: "The loss of one row and one output, e.g. `(predicted - observed)^4`.",
                accepts: Accepts::Formula,
                default: Default::Required,
            }],
            check: independent,
        },
        data: false,
        sigma: Sigma::Unused,
        observed: any_observation,
    },
];

/// One output beside its data, as row values.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    pub predicted: Value,
    pub observed: Value,
    pub sigma: Option<Value>,
}

/// A quantity whose squared derivatives, with this weight, add up to the expected information.
#[derive(Clone, Copy, Debug)]
pub struct Information {
    pub quantity: Value,
    pub weight: Value,
}

/// log √(2π).
const LOG_ROOT_TAU: f64 = 0.918_938_533_204_672_8;

/// The loss of one row; that of `expression` is lowered from the formula itself.
pub fn row_loss(name: &str, b: &mut Builder, c: Comparison) -> Value {
    match name {
        "poisson" => {
            // m - k log m + log k!; an observation of 0 has no logarithm to fear.
            let log = b.unary(Operator::Log, c.predicted);
            let product = b.apply(Operator::Masked, &[c.observed, log]);
            let difference = b.subtract(c.predicted, product);
            let next = b.shift(c.observed, 1.0);
            let log_factorial = b.unary(Operator::LogGamma, next);
            b.add(difference, log_factorial)
        }
        _ => {
            let residual = b.subtract(c.observed, c.predicted);
            match (name, c.sigma) {
                ("chi_square", Some(sigma)) => {
                    let scaled = b.divide(residual, sigma);
                    b.square(scaled)
                }
                ("gaussian", Some(sigma)) => {
                    let scaled = b.divide(residual, sigma);
                    let square = b.square(scaled);
                    let half = b.scale(0.5, square);
                    let log = b.unary(Operator::Log, sigma);
                    let sum = b.add(half, log);
                    b.shift(sum, LOG_ROOT_TAU)
                }
                _ => b.square(residual),
            }
        }
    }
}

/// How many times the negative log likelihood the loss is; None where the scale is unknown and comes from the
/// residuals.
pub fn likelihood_factor(name: &str) -> Option<f64> {
    match name {
        "least_squares" => None,
        "chi_square" => Some(2.0),
        _ => Some(1.0),
    }
}

/// What the expected information of one row is made of: (∂μ)²/σ² for normal noise, and 2(∂σ)²/σ² where sigma holds
/// parameters; (∂μ)²/μ for counts. Without sigma the weight is 1, and the scale comes from the residuals.
pub fn information(name: &str, b: &mut Builder, c: Comparison) -> Vec<Information> {
    if name == "expression" {
        // No distribution is stated, and so no expectation.
        return Vec::new();
    }
    let one = b.constant(1.0);
    let weight = match (name, c.sigma) {
        ("poisson", _) => b.reciprocal(c.predicted),
        (_, Some(sigma)) => {
            let variance = b.square(sigma);
            b.divide(one, variance)
        }
        _ => one,
    };
    let mut information = vec![Information { quantity: c.predicted, weight }];
    if let ("gaussian", Some(sigma)) = (name, c.sigma) {
        information.push(Information { quantity: sigma, weight: b.scale(2.0, weight) });
    }
    information
}

/// A row's part of a loss that is made of squares: with r the residual, q the quantity and f the factor, the gradient is
/// 2·scale·Σ r f ∇q and the expected Hessian 2·scale·Σ f² ∇q ∇qᵀ. Where the loss is a sum of squares, q is r, f is 1, and
/// the loss is scale·Σ r²; elsewhere the parts are those of Fisher scoring, the generalised Gauss-Newton method
/// (McCullagh & Nelder 1989, Generalized Linear Models, section 2.5; Schraudolph 2002, Neural Computation 14, 1723).
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    pub residual: Value,
    pub quantity: Value,
    pub factor: Value,
}

/// The scale and the parts of one output's loss under a weight; None for a loss that is not made of squares.
pub fn residuals(name: &str, b: &mut Builder, c: Comparison, weight: f64) -> Option<(f64, Vec<Residual>)> {
    let root = b.constant(elementary::sqrt(weight));
    let difference = b.subtract(c.predicted, c.observed);
    let one = b.constant(1.0);
    let exact = |b: &mut Builder, residual: Value| {
        let residual = b.multiply(root, residual);
        vec![Residual { residual, quantity: residual, factor: one }]
    };
    match (name, c.sigma) {
        ("least_squares", _) => Some((1.0, exact(b, difference))),
        ("chi_square" | "gaussian", Some(sigma)) => {
            let scaled = b.divide(difference, sigma);
            let known = matches!(b.rate(sigma), Rate::Constant | Rate::Data);
            match (name, known) {
                ("chi_square", true) => Some((1.0, exact(b, scaled))),
                (_, true) => Some((0.5, exact(b, scaled))),
                ("chi_square", false) => None,
                (_, false) => {
                    let factor = b.divide(root, sigma);
                    let residual = b.multiply(root, scaled);
                    let mean = Residual { residual, quantity: c.predicted, factor };
                    let square = b.square(scaled);
                    let excess = b.subtract(one, square);
                    let share = b.scale(std::f64::consts::FRAC_1_SQRT_2, root);
                    let residual = b.multiply(share, excess);
                    let factor = b.scale(std::f64::consts::SQRT_2, factor);
                    Some((0.5, vec![mean, Residual { residual, quantity: sigma, factor }]))
                }
            }
        }
        ("poisson", _) => {
            let deviation = b.unary(Operator::SquareRoot, c.predicted);
            let factor = b.divide(root, deviation);
            let residual = b.multiply(difference, factor);
            Some((0.5, vec![Residual { residual, quantity: c.predicted, factor }]))
        }
        _ => None,
    }
}
