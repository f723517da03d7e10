//! What a loss says of the data: expected information, expected observation, deviance.

use super::Comparison;
use crate::ir::{Builder, Operator, Value};
use crate::math::{elementary, statistics};

/// A quantity whose squared derivatives, with this weight, add up to the expected information.
#[derive(Clone, Copy, Debug)]
pub struct Information {
    pub quantity: Value,
    pub weight: Value,
}

/// What the expected information of one row is made of: the inverse variance of the observation for each quantity of the
/// law, as if e^-loss were its density. Normal noise: 1/σ² for μ and 2/σ² for σ. Counts: 1/variance for the mean.
/// Student's t: (ν + 1)/((ν + 3)σ²) and 2ν/((ν + 3)σ²) (Lange, Little & Taylor 1989, appendix B). Robust losses: the
/// expectation of the squared slope under the density that is proportional to e^-loss. Without sigma under least squares
/// the weight is 1, and the scale comes from the residuals. A shape that holds parameters has no entry: the expected
/// information of dispersion and degrees of freedom has no closed form that is a sum of squares.
pub fn information(name: &str, b: &mut Builder, c: Comparison) -> Vec<Information> {
    if name == "expression" {
        // No distribution is stated, and so no expectation.
        return Vec::new();
    }
    let one = b.constant(1.0);
    let inverse_variance = match c.sigma {
        Some(sigma) => {
            let variance = b.square(sigma);
            b.divide(one, variance)
        }
        None => one,
    };
    let mut of_sigma = None;
    let weight = match name {
        "poisson" => b.reciprocal(c.predicted),
        "negative_binomial" => {
            let variance = negative_binomial_variance(b, c);
            b.reciprocal(variance)
        }
        "binomial" => {
            let variance = bernoulli_variance(b, c.predicted);
            b.divide(c.shape(), variance)
        }
        "student_t" => {
            let (next, third) = (b.shift(c.shape(), 1.0), b.shift(c.shape(), 3.0));
            let share = b.divide(next, third);
            let share_of_sigma = b.divide(c.shape(), third);
            let double = b.scale(2.0, share_of_sigma);
            of_sigma = Some(b.multiply(double, inverse_variance));
            b.multiply(share, inverse_variance)
        }
        "huber" => b.scale(huber_information(b.known(c.shape()).unwrap_or(f64::NAN)), inverse_variance),
        // The hyperbolic secant law: the expectation of tanh² is one half.
        "log_cosh" => b.scale(0.5, inverse_variance),
        _ => inverse_variance,
    };
    if name == "gaussian" {
        of_sigma = Some(b.scale(2.0, weight));
    }
    let mut information = vec![Information { quantity: c.predicted, weight }];
    if let (Some(quantity), Some(weight)) = (c.sigma, of_sigma) {
        information.push(Information { quantity, weight });
    }
    information
}

/// The share of Huber's least favourable density that lies within δ, which is the expectation of the squared slope.
fn huber_information(delta: f64) -> f64 {
    const ROOT_TAU: f64 = 2.506_628_274_631_000_2;
    let centre = ROOT_TAU * (1.0 - 2.0 * statistics::normal_cdf(-delta));
    let tails = 2.0 * elementary::exp(-0.5 * delta * delta) / delta;
    centre / (centre + tails)
}

/// μ + μ²/dispersion.
pub(super) fn negative_binomial_variance(b: &mut Builder, c: Comparison) -> Value {
    let square = b.square(c.predicted);
    let excess = b.divide(square, c.shape());
    b.add(c.predicted, excess)
}

/// p(1 - p).
pub(super) fn bernoulli_variance(b: &mut Builder, p: Value) -> Value {
    let one = b.constant(1.0);
    let rest = b.subtract(one, p);
    b.multiply(p, rest)
}

/// The law of one observation: a row of `math::draw::DRAWS` and its arguments; under least squares the width is in units
/// of the standard deviation that the residuals have. None for a loss that states no law to draw from.
pub fn law(name: &str, b: &mut Builder, c: Comparison) -> Option<(&'static str, Vec<Value>)> {
    match name {
        "least_squares" | "chi_square" | "gaussian" => Some(("normal", vec![c.predicted, c.scale(b)])),
        "poisson" => Some(("poisson", vec![c.predicted])),
        "negative_binomial" => Some(("negative_binomial", vec![c.predicted, c.shape()])),
        "binomial" => Some(("binomial", vec![c.shape(), c.predicted])),
        "student_t" => Some(("student_t", vec![c.shape(), c.predicted, c.scale(b)])),
        _ => None,
    }
}

/// What is expected to be observed: the output itself, or trials times the probability that it is.
pub fn expectation(name: &str, b: &mut Builder, c: Comparison) -> Value {
    match name {
        "binomial" => b.multiply(c.shape(), c.predicted),
        _ => c.predicted,
    }
}

/// The row's part of the goodness of fit, which is near χ² distributed with n - p degrees of freedom under the model:
/// squared residuals over sigma, or the deviance (McCullagh & Nelder 1989, section 2.3). None where it is not standard.
pub fn deviance(name: &str, b: &mut Builder, c: Comparison) -> Option<Value> {
    // y log(y/m), 0 for y = 0.
    let part = |b: &mut Builder, y: Value, m: Value| {
        let one = b.constant(1.0);
        let ratio = b.divide(y, m);
        let ratio = b.select(y, ratio, one);
        let log = b.unary(Operator::Log, ratio);
        b.multiply(y, log)
    };
    let half = match (name, c.sigma) {
        ("chi_square" | "gaussian", Some(_)) => {
            let scaled = c.scaled(b);
            return Some(b.square(scaled));
        }
        ("poisson", _) => {
            let (log, difference) = (part(b, c.observed, c.predicted), b.subtract(c.observed, c.predicted));
            b.subtract(log, difference)
        }
        ("binomial", _) => {
            let expected = expectation(name, b, c);
            let (failures, expected_failures) = (b.subtract(c.shape(), c.observed), b.subtract(c.shape(), expected));
            let (first, second) = (part(b, c.observed, expected), part(b, failures, expected_failures));
            b.add(first, second)
        }
        ("negative_binomial", _) => {
            let (observed, predicted) = (b.add(c.observed, c.shape()), b.add(c.predicted, c.shape()));
            let (first, second) = (part(b, c.observed, c.predicted), part(b, observed, predicted));
            b.subtract(first, second)
        }
        _ => return None,
    };
    Some(b.scale(2.0, half))
}
