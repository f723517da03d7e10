//! Losses made of squares, or nearly so: residuals for the least-squares optimizers.

use super::Comparison;
use crate::ir::{Builder, Operator, Rate, Value};
use crate::math::elementary;

/// A row's part of a loss that is made of squares: with r the residual, q the quantity and f the factor, the gradient is
/// 2·scale·Σ r f ∇q and the expected Hessian 2·scale·Σ f² ∇q ∇qᵀ. Where the loss is a sum of squares, q is r, f is 1, and
/// the loss is scale·Σ r²; elsewhere the parts are those of Fisher scoring, the generalised Gauss-Newton method
/// (McCullagh & Nelder 1989, Generalized Linear Models, section 2.5; Schraudolph 2002, Neural Computation 14, 1723), or,
/// for the robust losses, of iteratively reweighted least squares (Holland & Welsch 1977, Commun. Stat. A6, 813).
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    pub residual: Value,
    pub quantity: Value,
    pub factor: Value,
}

/// The scale and the parts of one output's loss under a weight; None for a loss that is not made of squares, and for one
/// whose sigma or shape holds parameters (`gaussian` apart).
pub fn residuals(name: &str, b: &mut Builder, c: Comparison, weight: f64) -> Option<(f64, Vec<Residual>)> {
    let root = b.constant(elementary::sqrt(weight));
    let difference = b.subtract(c.predicted, c.observed);
    let one = b.constant(1.0);
    let exact = |b: &mut Builder, residual: Value| {
        let residual = b.multiply(root, residual);
        vec![Residual { residual, quantity: residual, factor: one }]
    };
    let known = |b: &Builder, value: Option<Value>| {
        value.is_none_or(|value| matches!(b.rate(value), Rate::Constant | Rate::Data))
    };
    let (sigma_known, shape_known) = (known(b, c.sigma), known(b, c.shape));
    // Of a loss whose slope in q is w·(predicted - observed): r = √w·difference, f = √w.
    let weighted = |b: &mut Builder, w: Value| {
        let deviation = b.unary(Operator::SquareRoot, w);
        let factor = b.multiply(root, deviation);
        let residual = b.multiply(difference, factor);
        Some((0.5, vec![Residual { residual, quantity: c.predicted, factor }]))
    };
    match (name, c.sigma) {
        ("least_squares", _) => Some((1.0, exact(b, difference))),
        ("chi_square" | "gaussian", Some(sigma)) => {
            let scaled = b.divide(difference, sigma);
            match (name, sigma_known) {
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
        ("negative_binomial", _) if shape_known => {
            let variance = super::weigh::negative_binomial_variance(b, c);
            let weight = b.reciprocal(variance);
            weighted(b, weight)
        }
        ("binomial", _) => {
            // The slope in the probability p is (n p - k)/(p(1 - p)), and the expected curvature n/(p(1 - p)).
            let variance = super::weigh::bernoulli_variance(b, c.predicted);
            let weight = b.divide(c.shape(), variance);
            let deviation = b.unary(Operator::SquareRoot, weight);
            let factor = b.multiply(root, deviation);
            let share = b.divide(c.observed, c.shape());
            let excess = b.subtract(c.predicted, share);
            let residual = b.multiply(excess, factor);
            Some((0.5, vec![Residual { residual, quantity: c.predicted, factor }]))
        }
        ("student_t", Some(sigma)) if sigma_known && shape_known => {
            // (ν + 1)/(ν σ² + d²): the weight of the EM algorithm (Lange, Little & Taylor 1989, section 3).
            let variance = b.square(sigma);
            let spread = b.multiply(c.shape(), variance);
            let square = b.square(difference);
            let total = b.add(spread, square);
            let more = b.shift(c.shape(), 1.0);
            let weight = b.divide(more, total);
            weighted(b, weight)
        }
        ("huber", _) => {
            let r = c.scaled(b);
            let size = b.unary(Operator::Absolute, r);
            let near = b.apply(Operator::LessEqual, &[size, c.shape()]);
            let share = b.divide(c.shape(), size);
            let share = b.select(near, one, share);
            let weight = over_variance(b, share, c.sigma);
            weighted(b, weight)
        }
        ("log_cosh", _) => {
            let r = c.scaled(b);
            let slope = b.unary(Operator::Tanh, r);
            let share = b.divide(slope, r);
            let share = b.select(r, share, one);
            let weight = over_variance(b, share, c.sigma);
            weighted(b, weight)
        }
        _ => None,
    }
}

fn over_variance(b: &mut Builder, share: Value, sigma: Option<Value>) -> Value {
    match sigma {
        None => share,
        Some(sigma) => {
            let variance = b.square(sigma);
            b.divide(share, variance)
        }
    }
}
