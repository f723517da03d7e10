//! The table of losses, and the comparison of one output with the data lowered to the loss of one row.

mod squares;
mod weigh;

use crate::ir::{Builder, Operator, Value, density};
use crate::kind::{Accepts, Default, Derivatives, Kind, Loss, Range, Setting, Sigma, independent};

pub use squares::{Residual, residuals};
pub use weigh::{Information, deviance, expectation, information, law};

const fn kind(name: &'static str, summary: &'static str, reference: &'static str) -> Kind {
    Kind { name, summary, reference, settings: &[], check: independent }
}

const fn formula(name: &'static str, summary: &'static str) -> Setting {
    Setting { name, summary, accepts: Accepts::Formula, default: Default::Required }
}

/// Every loss.
pub const LOSSES: &[Loss] = &[
    Loss::of(kind(
        "least_squares",
        "sum of squared residuals; intervals scale by the residual variance RSS/(n - p)",
        "NIST/ITL StRD, nonlinear regression: certified quantities",
    )),
    Loss {
        sigma: Sigma::Required,
        ..Loss::of(kind(
            "chi_square",
            "sum of squared residuals over sigma: twice a negative log likelihood up to a constant",
            "Bevington & Robinson, Data Reduction and Error Analysis, eq. 8.2",
        ))
    },
    Loss {
        sigma: Sigma::Required,
        normalised: true,
        ..Loss::of(kind(
            "gaussian",
            "negative log likelihood of normal noise; sigma may hold parameters",
            "Bevington & Robinson, eq. 4.5",
        ))
    },
    Loss {
        observed: count,
        normalised: true,
        ..Loss::of(kind(
            "poisson",
            "negative log likelihood of counts, log factorials included",
            "Baker & Cousins, Nucl. Instrum. Methods 221 (1984) 437",
        ))
    },
    Loss {
        observed: count,
        shape: positive,
        normalised: true,
        ..Loss::of(Kind {
            settings: &[formula(
                "dispersion",
                "variance = mean + mean²/dispersion: a number, or a formula of columns and parameters",
            )],
            ..kind(
                "negative_binomial",
                "negative log likelihood of counts that scatter more than Poisson's",
                "Hilbe 2011, Negative Binomial Regression, eq. 8.12 (NB2); Stan's neg_binomial_2",
            )
        })
    },
    Loss {
        observed: count,
        shape: |trials, observed| match trials {
            trials if trials < 1.0 || trials.fract() != 0.0 => Err("a number of trials is a whole number from 1 on"),
            trials if trials < observed => Err("there are fewer trials than successes"),
            _ => Ok(()),
        },
        normalised: true,
        ..Loss::of(Kind {
            settings: &[formula("trials", "how many trials a row counts: a number, or a formula of columns")],
            ..kind(
                "binomial",
                "negative log likelihood of successes among trials; the output is the probability of one success",
                "McCullagh & Nelder 1989, Generalized Linear Models, section 4.4",
            )
        })
    },
    Loss {
        sigma: Sigma::Required,
        shape: positive,
        normalised: true,
        ..Loss::of(Kind {
            settings: &[formula("df", "degrees of freedom: a number, or a formula of columns and parameters")],
            ..kind(
                "student_t",
                "negative log likelihood of noise with heavy tails; sigma is its scale, and may hold parameters",
                "Lange, Little & Taylor 1989, J. Am. Stat. Assoc. 84, 881",
            )
        })
    },
    Loss {
        sigma: Sigma::Optional,
        derivatives: Derivatives::Once,
        ..Loss::of(Kind {
            settings: &[Setting {
                name: "delta",
                summary: "where the square gives way to a straight line, in units of sigma",
                accepts: Accepts::Number(Range::Positive),
                default: Default::Number(1.345),
            }],
            ..kind(
                "huber",
                "half the square of small residuals over sigma, a straight line for those beyond delta",
                "Huber 1964, Ann. Math. Stat. 35, 73; delta 1.345: 95 % as efficient as squares under normal noise",
            )
        })
    },
    Loss {
        sigma: Sigma::Optional,
        derivatives: Derivatives::Kink,
        ..Loss::of(kind(
            "absolute",
            "sum of absolute residuals over sigma; has a kink at residual 0, where no derivative exists",
            "Bloomfield & Steiger 1983, Least Absolute Deviations",
        ))
    },
    Loss {
        sigma: Sigma::Optional,
        ..Loss::of(kind(
            "log_cosh",
            "log cosh of the residual over sigma: half a square near 0, its absolute value far out, smooth between",
            "Green 1990, IEEE Trans. Medical Imaging 9, 84",
        ))
    },
    Loss {
        data: false,
        normalised: true,
        ..Loss::of(Kind {
            settings: &[formula("expression", "The loss of one row and one output, e.g. `(predicted - observed)^4`.")],
            ..kind(
                "expression",
                "any formula of `predicted`, `observed`, columns and parameters; without data its value at one row; intervals take it as a negative log likelihood, by `hessian` alone",
                "",
            )
        })
    },
];

fn count(count: f64) -> Result<(), &'static str> {
    match count {
        count if count < 0.0 => Err("a count cannot be negative"),
        count if count.fract() != 0.0 => Err("a count is a whole number"),
        _ => Ok(()),
    }
}

fn positive(shape: f64, _: f64) -> Result<(), &'static str> {
    if shape > 0.0 && shape.is_finite() { Ok(()) } else { Err("it must be a positive number") }
}

/// One output beside its data, as row values.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    pub predicted: Value,
    pub observed: Value,
    pub sigma: Option<Value>,
    /// Dispersion, trials, degrees of freedom or delta, of the losses that have one.
    pub shape: Option<Value>,
}

impl Comparison {
    /// predicted - observed, over sigma where there is one.
    fn scaled(&self, b: &mut Builder) -> Value {
        let difference = b.subtract(self.predicted, self.observed);
        match self.sigma {
            Some(sigma) => b.divide(difference, sigma),
            None => difference,
        }
    }

    fn shape(&self) -> Value {
        self.shape.expect("a checked loss has its settings")
    }

    fn scale(&self, b: &mut Builder) -> Value {
        self.sigma.unwrap_or_else(|| b.constant(1.0))
    }
}

/// log √(2π).
const LOG_ROOT_TAU: f64 = 0.918_938_533_204_672_8;

/// The loss of one row; that of `expression` is lowered from the formula itself.
pub fn row_loss(name: &str, b: &mut Builder, c: Comparison) -> Value {
    match name {
        "poisson" => {
            let log = density::poisson(b, &[c.observed, c.predicted]);
            b.negate(log)
        }
        "negative_binomial" => {
            let log = density::negative_binomial(b, &[c.observed, c.predicted, c.shape()]);
            b.negate(log)
        }
        "binomial" => {
            let log = density::binomial(b, &[c.observed, c.shape(), c.predicted]);
            b.negate(log)
        }
        "student_t" => {
            let sigma = c.scale(b);
            let log = density::student_t(b, &[c.observed, c.shape(), c.predicted, sigma]);
            b.negate(log)
        }
        "gaussian" => {
            let residual = b.subtract(c.observed, c.predicted);
            let sigma = c.scale(b);
            let scaled = b.divide(residual, sigma);
            let square = b.square(scaled);
            let half = b.scale(0.5, square);
            let log = b.unary(Operator::Log, sigma);
            let sum = b.add(half, log);
            b.shift(sum, LOG_ROOT_TAU)
        }
        "huber" => {
            let r = c.scaled(b);
            huber(b, r, c.shape())
        }
        "absolute" => {
            let r = c.scaled(b);
            b.unary(Operator::Absolute, r)
        }
        "log_cosh" => {
            let r = c.scaled(b);
            log_cosh(b, r)
        }
        _ => {
            let residual = b.subtract(c.observed, c.predicted);
            match c.sigma {
                Some(sigma) if name == "chi_square" => {
                    let scaled = b.divide(residual, sigma);
                    b.square(scaled)
                }
                _ => b.square(residual),
            }
        }
    }
}

/// r²/2 for |r| ≤ δ, and δ(|r| - δ/2) beyond (Huber 1964, eq. 2.1).
fn huber(b: &mut Builder, r: Value, delta: Value) -> Value {
    let size = b.unary(Operator::Absolute, r);
    let square = b.square(r);
    let near = b.scale(0.5, square);
    let half = b.scale(0.5, delta);
    let beyond = b.subtract(size, half);
    let far = b.multiply(delta, beyond);
    let test = b.apply(Operator::LessEqual, &[size, delta]);
    b.select(test, near, far)
}

/// ½ log(1 + sinh² r), which keeps its digits near 0; from 20 on |r| - log 2, where the rest is below rounding.
fn log_cosh(b: &mut Builder, r: Value) -> Value {
    let size = b.unary(Operator::Absolute, r);
    let far = b.shift(size, -std::f64::consts::LN_2);
    let (bound, zero) = (b.constant(20.0), b.constant(0.0));
    let test = b.apply(Operator::Less, &[size, bound]);
    // Where the other form is taken, its argument here is 0, lest it overflow.
    let inside = b.select(test, r, zero);
    let sinh = b.unary(Operator::Sinh, inside);
    let square = b.square(sinh);
    let log = b.unary(Operator::Log1p, square);
    let near = b.scale(0.5, log);
    b.select(test, near, far)
}

/// How many times the negative log likelihood the loss is; None where the scale is unknown and comes from the
/// residuals. `huber`, `absolute` and `log_cosh` count as those of the densities that are proportional to e^-loss.
pub fn likelihood_factor(name: &str) -> Option<f64> {
    match name {
        "least_squares" => None,
        "chi_square" => Some(2.0),
        _ => Some(1.0),
    }
}
