//! The table of priors: what an experiment may name, with arguments and support; `family` has what they compute.

pub mod family;

use crate::ir::{Builder, Value};
use crate::kind::{Accepts, Default, Fault, Kind, Prior, Range, Setting, Settings, independent};

const STAN: &str = "Stan Functions Reference, continuous distributions";

const fn number(name: &'static str, range: Range, summary: &'static str) -> Setting {
    Setting { name, summary, accepts: Accepts::Number(range), default: Default::Required }
}

const fn prior(
    name: &'static str,
    summary: &'static str,
    settings: &'static [Setting],
    check: fn(&Settings) -> Result<(), Fault>,
    support: fn(&Settings) -> (f64, f64),
) -> Prior {
    Prior { kind: Kind { name, summary, reference: STAN, settings, check }, support, proper: true }
}

const LOW: Setting = number("low", Range::Finite, "lower end");
const HIGH: Setting = number("high", Range::Finite, "upper end");

/// Every prior.
pub const PRIORS: &[Prior] = &[
    prior("uniform", "even between two ends", &[LOW, HIGH], ordered, ends),
    prior(
        "log_uniform",
        "even in the logarithm between two positive ends",
        &[number("low", Range::Positive, "lower end"), number("high", Range::Positive, "upper end")],
        ordered,
        ends,
    ),
    prior(
        "normal",
        "normal with mean and standard deviation",
        &[number("mean", Range::Finite, "mean"), number("sd", Range::Positive, "standard deviation")],
        independent,
        whole_line,
    ),
    prior(
        "log_normal",
        "exponential of a normal: mean and standard deviation are those of the logarithm",
        &[
            number("mu", Range::Finite, "mean of the log"),
            number("sigma", Range::Positive, "standard deviation of the log"),
        ],
        independent,
        half_line,
    ),
    prior(
        "half_normal",
        "absolute value of a normal around 0",
        &[number("sd", Range::Positive, "standard deviation of the normal")],
        independent,
        half_line,
    ),
    prior(
        "cauchy",
        "Cauchy: a bell without mean or variance",
        &[number("location", Range::Finite, "median"), number("scale", Range::Positive, "half width at half height")],
        independent,
        whole_line,
    ),
    prior(
        "half_cauchy",
        "absolute value of a Cauchy around 0: for scales of unknown size",
        &[number("scale", Range::Positive, "median")],
        independent,
        half_line,
    ),
    prior(
        "student_t",
        "Student's t: a bell with heavy tails",
        &[
            number("df", Range::Positive, "degrees of freedom"),
            number("location", Range::Finite, "median"),
            number("scale", Range::Positive, "scale"),
        ],
        independent,
        whole_line,
    ),
    prior("exponential", "exponential", &[number("rate", Range::Positive, "1/mean")], independent, half_line),
    prior(
        "gamma",
        "gamma with shape and rate",
        &[number("shape", Range::Positive, "shape"), number("rate", Range::Positive, "rate: mean = shape/rate")],
        independent,
        half_line,
    ),
    prior(
        "inverse_gamma",
        "one over a gamma variable, for variances",
        &[
            number("shape", Range::Positive, "shape"),
            number("scale", Range::Positive, "scale: mode = scale/(shape + 1)"),
        ],
        independent,
        half_line,
    ),
    prior(
        "beta",
        "beta on (0, 1)",
        &[number("a", Range::Positive, "first shape"), number("b", Range::Positive, "second shape")],
        independent,
        |_| (0.0, 1.0),
    ),
    Prior {
        kind: Kind {
            name: "flat",
            summary: "no density and no support: for certified least-squares problems; needs a `start`",
            reference: "",
            settings: &[],
            check: independent,
        },
        support: whole_line,
        proper: false,
    },
    Prior {
        kind: Kind {
            name: "fixed",
            summary: "a known value: not searched, not differentiated",
            reference: "",
            settings: &[number("value", Range::Finite, "the value")],
            check: independent,
        },
        support: |settings| (argument(settings, "value"), argument(settings, "value")),
        proper: true,
    },
];

fn argument(settings: &Settings, name: &str) -> f64 {
    settings.number(name).expect("a checked prior has its arguments")
}

fn ordered(settings: &Settings) -> Result<(), Fault> {
    let (low, high) = ends(settings);
    if low < high {
        return Ok(());
    }
    Err(Fault { setting: "high", message: format!("the box is empty: low = {low} is not below high = {high}") })
}

fn ends(settings: &Settings) -> (f64, f64) {
    (argument(settings, "low"), argument(settings, "high"))
}

fn whole_line(_: &Settings) -> (f64, f64) {
    (f64::NEG_INFINITY, f64::INFINITY)
}

fn half_line(_: &Settings) -> (f64, f64) {
    (0.0, f64::INFINITY)
}

/// Whether the prior is even, or nearly so, in the logarithm: optimizers then search there.
pub fn is_logarithmic(name: &str) -> bool {
    matches!(name, "log_uniform" | "log_normal")
}

/// The arguments in the order of the row.
fn arguments(family: &family::Family, settings: &Settings) -> Vec<f64> {
    family.arguments.iter().map(|name| argument(settings, name)).collect()
}

/// The log density at x as a node; 0 for a fixed value and a flat prior.
pub fn log_density(name: &str, settings: &Settings, b: &mut Builder, x: Value) -> Value {
    let Some(family) = family::find(name) else { return b.constant(0.0) };
    let mut operands = vec![x];
    operands.extend(arguments(family, settings).into_iter().map(|number| b.constant(number)));
    (family.log_density)(b, &operands)
}

/// The quantile at p in (0, 1): the median at ½, a draw at a uniform random number; NaN for a prior without density.
pub fn quantile(name: &str, settings: &Settings, p: f64) -> f64 {
    match family::find(name) {
        Some(family) => (family.quantile)(&arguments(family, settings), p),
        None if name == "fixed" => argument(settings, "value"),
        None => f64::NAN,
    }
}
