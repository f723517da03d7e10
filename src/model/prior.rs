//! The table of priors: what an experiment may name, with arguments and support; `family` has what they compute.

pub mod dirichlet;
pub mod family;

use std::borrow::Cow;

use crate::experiment::{self, TRUNCATED};
use crate::ir::{Builder, Operator, Value, density};
use crate::kind::{Accepts, Default, Fault, Kind, Prior, Range, Setting, Settings, independent};
use crate::language::tree::Formula;
use crate::math::distribution;

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
    let kind = Kind { name, summary, reference: STAN, settings, check };
    Prior { kind, support, proper: true, closed: false, simplex: false }
}

const fn closed(prior: Prior) -> Prior {
    Prior { closed: true, ..prior }
}

const LOW: Setting = number("low", Range::Finite, "lower end");
const HIGH: Setting = number("high", Range::Finite, "upper end");

/// Every prior.
pub const PRIORS: &[Prior] = &[
    closed(prior("uniform", "even between two ends", &[LOW, HIGH], ordered, ends)),
    closed(prior(
        "log_uniform",
        "even in the logarithm between two positive ends",
        &[number("low", Range::Positive, "lower end"), number("high", Range::Positive, "upper end")],
        ordered,
        ends,
    )),
    closed(prior(
        "normal",
        "normal with mean and standard deviation",
        &[number("mean", Range::Finite, "mean"), number("sd", Range::Positive, "standard deviation")],
        independent,
        whole_line,
    )),
    closed(prior(
        "log_normal",
        "exponential of a normal: mean and standard deviation are those of the logarithm",
        &[
            number("mu", Range::Finite, "mean of the log"),
            number("sigma", Range::Positive, "standard deviation of the log"),
        ],
        independent,
        half_line,
    )),
    closed(prior(
        "half_normal",
        "absolute value of a normal around 0",
        &[number("sd", Range::Positive, "standard deviation of the normal")],
        independent,
        half_line,
    )),
    closed(prior(
        "cauchy",
        "Cauchy: a bell without mean or variance",
        &[number("location", Range::Finite, "median"), number("scale", Range::Positive, "half width at half height")],
        independent,
        whole_line,
    )),
    closed(prior(
        "half_cauchy",
        "absolute value of a Cauchy around 0: for scales of unknown size",
        &[number("scale", Range::Positive, "median")],
        independent,
        half_line,
    )),
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
    closed(prior("exponential", "exponential", &[number("rate", Range::Positive, "1/mean")], independent, half_line)),
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
        simplex: true,
        ..prior(
            "dirichlet",
            "shares of a whole, a vector with the sum 1: `{ prior = \"dirichlet(1)\", size = 3 }`, or `dirichlet(2, 1, 1)`",
            &[Setting {
                name: dirichlet::CONCENTRATION,
                summary: "weight of each share: mean = weight/sum of the weights",
                accepts: Accepts::Numbers(Range::Positive),
                default: Default::Required,
            }],
            independent,
            |_| (0.0, 1.0),
        )
    },
    prior(
        TRUNCATED,
        "another prior between two ends, brought to total 1: `truncated(normal(0, 1), 0, inf)`",
        &[
            Setting {
                name: "prior",
                summary: "what is truncated",
                accepts: Accepts::Formula,
                default: Default::Required,
            },
            number("low", Range::Extended, "lower end"),
            number("high", Range::Extended, "upper end"),
        ],
        ordered,
        ends,
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
        closed: false,
        simplex: false,
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
        closed: false,
        simplex: false,
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

/// An end that names a parameter is none that is known.
fn ends(settings: &Settings) -> (f64, f64) {
    (settings.number("low").unwrap_or(f64::NEG_INFINITY), settings.number("high").unwrap_or(f64::INFINITY))
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

/// A prior whose arguments are numbers, those that name parameters evaluated.
#[derive(Clone, Debug)]
pub struct Distribution<'a> {
    name: &'static str,
    arguments: Cow<'a, Settings>,
    inner: Option<Box<Distribution<'a>>>,
    /// Of a share of a whole: what those before leave of it.
    left: Option<f64>,
}

impl<'a> Distribution<'a> {
    /// `value` evaluates a formula of earlier parameters; NaN where it has none.
    pub fn new(prior: &'a experiment::Prior, value: &dyn Fn(&Formula) -> f64) -> Distribution<'a> {
        let mut arguments = Cow::Borrowed(&prior.arguments);
        for (name, formula) in &prior.formulas {
            arguments.to_mut().0.insert(name, crate::kind::Value::Number(value(formula)));
        }
        let inner = prior.inner.as_ref().map(|inner| Box::new(Distribution::new(inner, value)));
        Distribution { name: prior.row.kind.name, arguments, inner, left: None }
    }

    /// The mean of a share of a whole, where the search starts: medians of shares do not add up to 1. None for others.
    pub fn mean(&self) -> Option<f64> {
        let [a, b] = ["a", "b"].map(|name| self.arguments.number(name));
        Some(self.left? * a? / (a? + b?))
    }

    /// The quantile at p in (0, 1): the median at ½, a draw at a uniform random number; NaN for a prior without density.
    pub fn quantile(&self, p: f64) -> f64 {
        let Some((inner, family)) = self.inner.as_ref().and_then(|inner| Some((inner, family::find(inner.name)?)))
        else {
            return self.left.unwrap_or(1.0) * quantile(self.name, &self.arguments, p);
        };
        let (low, high) = ends(&self.arguments);
        let numbers = arguments(family, &inner.arguments);
        let distribution = |x: f64| (family.distribution)(&numbers, x);
        let ((below_low, above_low), (below_high, above_high)) = (distribution(low), distribution(high));
        let below = below_low + p * (below_high - below_low);
        let above = above_high + (1.0 - p) * (above_low - above_high);
        if !(below_high > below_low || above_low > above_high) {
            return f64::NAN;
        }
        distribution::invert(distribution, low, high, (below, above)).clamp(low, high)
    }
}

/// The log density at x as a node; 0 for a fixed value and a flat prior. `value` lowers a formula of parameters.
pub fn log_density(
    prior: &experiment::Prior,
    b: &mut Builder,
    x: Value,
    value: &mut dyn FnMut(&mut Builder, &Formula) -> Value,
) -> Value {
    let Some(inner) = &prior.inner else {
        let Some(family) = family::find(prior.row.kind.name) else { return b.constant(0.0) };
        let operands = operands(prior, family, b, x, value);
        return (family.log_density)(b, &operands);
    };
    let Some(family) = family::find(inner.row.kind.name) else { return b.constant(0.0) };
    let mut operands = operands(inner, family, b, x, value);
    let density = (family.log_density)(b, &operands);
    let [low, high] = ["low", "high"].map(|name| argument_node(prior, name, b, value));
    let mass = match (family.cumulative, prior.is_hierarchical()) {
        (Some(cumulative), true) => {
            let mut share = |b: &mut Builder, end: Value| match b.known(end) {
                Some(f64::INFINITY) => b.constant(1.0),
                Some(f64::NEG_INFINITY) => b.constant(0.0),
                _ => {
                    // The formula holds in the support; below a half-line the share is 0.
                    let least = b.constant((inner.row.support)(&inner.arguments).0);
                    operands[0] = b.apply(Operator::Maximum, &[end, least]);
                    cumulative(b, &operands)
                }
            };
            let (below, above) = (share(b, low), share(b, high));
            b.subtract(above, below)
        }
        _ => {
            let numbers = arguments(family, &inner.arguments);
            let (low, high) = ends(&prior.arguments);
            let (low, high) = ((family.distribution)(&numbers, low), (family.distribution)(&numbers, high));
            // The tail that is smaller keeps its digits.
            b.constant(if low.0 > 0.5 { low.1 - high.1 } else { high.0 - low.0 })
        }
    };
    let log = b.unary(Operator::Log, mass);
    let inside = b.subtract(density, log);
    density::within(b, &[x, low, high], inside)
}

/// x, then the arguments of the family.
fn operands(
    prior: &experiment::Prior,
    family: &family::Family,
    b: &mut Builder,
    x: Value,
    value: &mut dyn FnMut(&mut Builder, &Formula) -> Value,
) -> Vec<Value> {
    let mut operands = vec![x];
    operands.extend(family.arguments.iter().map(|name| argument_node(prior, name, b, value)));
    operands
}

/// An argument as a node: a number, or a formula of parameters.
pub fn argument_node(
    prior: &experiment::Prior,
    name: &str,
    b: &mut Builder,
    value: &mut dyn FnMut(&mut Builder, &Formula) -> Value,
) -> Value {
    match prior.formulas.iter().find(|(other, _)| *other == name) {
        Some((_, formula)) => value(b, formula),
        None => b.constant(argument(&prior.arguments, name)),
    }
}

/// The quantile at p in (0, 1) of a prior by name; NaN for one without density, and for `truncated`, which has another
/// prior in it.
pub fn quantile(name: &str, settings: &Settings, p: f64) -> f64 {
    match family::find(name) {
        Some(family) => (family.quantile)(&arguments(family, settings), p),
        None if name == "fixed" => argument(settings, "value"),
        None => f64::NAN,
    }
}
