//! The table of priors: support for the box, log density as nodes, quantile for draws, medians and starts.

use crate::ir::{Builder, Value, density};
use crate::kind::{Accepts, Default, Fault, Kind, Prior, Range, Setting, Settings, independent};
use crate::math::{distribution, elementary, statistics};

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
    prior("exponential", "exponential", &[number("rate", Range::Positive, "1/mean")], independent, half_line),
    prior(
        "gamma",
        "gamma with shape and rate",
        &[number("shape", Range::Positive, "shape"), number("rate", Range::Positive, "rate: mean = shape/rate")],
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

/// The log density at x as a node; 0 for a fixed value.
pub fn log_density(name: &str, settings: &Settings, b: &mut Builder, x: Value) -> Value {
    let mut at = |names: &[&str]| -> Vec<Value> {
        let arguments = names.iter().map(|name| b.constant(argument(settings, name)));
        [x].into_iter().chain(arguments).collect()
    };
    match name {
        "uniform" => {
            let x = at(&["low", "high"]);
            density::uniform(b, &x)
        }
        "log_uniform" => {
            let x = at(&["low", "high"]);
            density::log_uniform(b, &x)
        }
        "normal" => {
            let x = at(&["mean", "sd"]);
            density::normal(b, &x)
        }
        "log_normal" => {
            let x = at(&["mu", "sigma"]);
            density::log_normal(b, &x)
        }
        "half_normal" => {
            let x = at(&["sd"]);
            density::half_normal(b, &x)
        }
        "exponential" => {
            let x = at(&["rate"]);
            density::exponential(b, &x)
        }
        "gamma" => {
            let x = at(&["shape", "rate"]);
            density::gamma(b, &x)
        }
        "beta" => {
            let x = at(&["a", "b"]);
            density::beta(b, &x)
        }
        _ => b.constant(0.0),
    }
}

/// The quantile at p in (0, 1): the median at ½, a draw at a uniform random number; NaN for a prior without density.
pub fn quantile(name: &str, settings: &Settings, p: f64) -> f64 {
    let at = |name: &str| argument(settings, name);
    match name {
        "uniform" => at("low") + p * (at("high") - at("low")),
        "log_uniform" => {
            let (low, high) = (elementary::log(at("low")), elementary::log(at("high")));
            elementary::exp(low + p * (high - low)).clamp(at("low"), at("high"))
        }
        "normal" => at("mean") + at("sd") * statistics::normal_quantile(p),
        "log_normal" => elementary::exp(at("mu") + at("sigma") * statistics::normal_quantile(p)),
        "half_normal" => at("sd") * statistics::normal_quantile(0.5 + 0.5 * p),
        "exponential" => -elementary::log1p(-p) / at("rate"),
        "gamma" => distribution::chi_square_quantile(p, 2.0 * at("shape")) / (2.0 * at("rate")),
        "beta" => bisect(p, |x| distribution::incomplete_beta(at("a"), at("b"), x, 1.0 - x).0),
        "fixed" => at("value"),
        _ => f64::NAN,
    }
}

/// The x in (0, 1) at which an increasing function is p, to the last bits.
fn bisect(p: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if f(middle) < p { low = middle } else { high = middle }
    }
}
