//! A kind is one row of a table: a thing that an experiment may name, with its settings, defaults and source.
//!
//! The rows feed checking, `sbi-run list`, suggestions, the schema, the format reference and the conformance tests.
//! They stand beside the code that they describe; `catalog` gathers them.

use std::collections::BTreeMap;

/// One simulator, prior, loss, differentiation method, optimizer or interval method.
#[derive(Debug)]
pub struct Kind {
    /// The word in experiment files, reports and code.
    pub name: &'static str,
    /// One line for `sbi-run list`.
    pub summary: &'static str,
    /// Paper or book, with the equation or section.
    pub reference: &'static str,
    /// Keys of its table, or its arguments in order.
    pub settings: &'static [Setting],
    /// A fault that shows only when the settings are seen together (`low` above `high`).
    pub check: fn(&Settings) -> Result<(), Fault>,
}

/// One key of a kind's table, or one argument.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub summary: &'static str,
    pub accepts: Accepts,
    pub default: Default,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accepts {
    /// A number, or a constant formula, inside the range.
    Number(Range),
    /// A whole number, ends included.
    Integer {
        low: i64,
        high: i64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    Flag,
    /// As many numbers as there are arguments from here on, each inside the range; one at least.
    Numbers(Range),
    /// A formula over columns, parameters and constants, kept as text.
    Formula,
}

/// Where a number must lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any number, infinities included.
    Extended,
    Finite,
    Positive,
    NonNegative,
    /// Ends excluded.
    Open(f64, f64),
    /// Ends included.
    Closed(f64, f64),
}

/// What holds where the user says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    Required,
    Number(f64),
    Integer(i64),
    Choice(&'static str),
    Flag(bool),
    /// Computed from the problem; the text says how.
    Derived(&'static str),
}

/// A setting's value after checking.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Integer(i64),
    Choice(&'static str),
    Flag(bool),
    Numbers(Vec<f64>),
    Formula(String),
}

/// A fault of settings seen together: which one to point at, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub setting: &'static str,
    pub message: String,
}

/// The checked settings of one use of a kind, every default filled but the derived ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub BTreeMap<&'static str, Value>);

/// All tables, gathered. Stages take what they need from it, so that no stage imports a later one.
#[derive(Clone, Copy, Debug)]
pub struct Catalog {
    pub simulators: &'static [Kind],
    pub priors: &'static [Prior],
    pub losses: &'static [Loss],
    pub methods: &'static [Kind],
    pub optimizers: &'static [Optimizer],
    pub intervals: &'static [Kind],
    /// Distributions that synthetic observations are drawn from; the settings are the arguments in order.
    pub draws: &'static [Kind],
    /// The quantile of a prior, by its name and arguments, at a probability strictly between 0 and 1.
    pub quantile: fn(&str, &Settings, f64) -> f64,
}

/// A prior's row says also where its density is positive. The settings are its arguments in order.
#[derive(Debug)]
pub struct Prior {
    pub kind: Kind,
    /// Ends of the support of each element, perhaps infinite; equal where the value is fixed.
    pub support: fn(&Settings) -> (f64, f64),
    /// Has a density that can be drawn from. A prior without one needs a `start`.
    pub proper: bool,
    /// Its distribution function is a formula, so that it can be truncated where its arguments name parameters.
    pub closed: bool,
    /// Its elements are shares of a whole: positive, with the sum 1. It is the prior of a vector, not of each element.
    pub simplex: bool,
}

/// A loss's row says also what it needs of the data.
#[derive(Debug)]
pub struct Loss {
    pub kind: Kind,
    /// Compares outputs with data; one that does not can do without.
    pub data: bool,
    pub sigma: Sigma,
    /// What is wrong with an observed value under this loss (a negative count).
    pub observed: fn(f64) -> Result<(), &'static str>,
    /// What is wrong with its setting that is a formula (dispersion, trials, degrees of freedom) beside an observed value.
    pub shape: fn(f64, f64) -> Result<(), &'static str>,
    /// The whole negative logarithm of a law: sigma and that setting may hold parameters, which have a minimum there.
    pub normalised: bool,
    pub derivatives: Derivatives,
}

/// How far a loss can be differentiated by its residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivatives {
    /// Twice, everywhere.
    Smooth,
    /// Once: the second derivative jumps.
    Once,
    /// There is a kink where prediction and observation meet.
    Kink,
}

/// Whether a loss has a standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sigma {
    Required,
    Optional,
    /// Giving one is a fault.
    Unused,
}

/// An optimizer's row says also what it needs of the problem.
#[derive(Debug)]
pub struct Optimizer {
    pub kind: Kind,
    /// Runs once per differentiation method; the others run once.
    pub gradient: bool,
    /// Needs a finite box.
    pub population: bool,
}

/// No fault that a single setting does not show.
pub fn independent(_: &Settings) -> Result<(), Fault> {
    Ok(())
}

/// Any finite number may be observed.
pub fn any_observation(_: f64) -> Result<(), &'static str> {
    Ok(())
}

/// A loss without a setting that is a formula, or one that takes any.
pub fn any_shape(_: f64, _: f64) -> Result<(), &'static str> {
    Ok(())
}

impl Loss {
    /// A smooth loss that compares with any data, without sigma.
    pub const fn of(kind: Kind) -> Loss {
        Loss {
            kind,
            data: true,
            sigma: Sigma::Unused,
            observed: any_observation,
            shape: any_shape,
            normalised: false,
            derivatives: Derivatives::Smooth,
        }
    }
}

impl Catalog {
    /// The row of a loss, and so on for the other tables: None where no row has the name.
    pub fn loss(&self, name: &str) -> Option<&'static Loss> {
        self.losses.iter().find(|row| row.kind.name == name)
    }

    pub fn prior(&self, name: &str) -> Option<&'static Prior> {
        self.priors.iter().find(|row| row.kind.name == name)
    }

    pub fn optimizer(&self, name: &str) -> Option<&'static Optimizer> {
        self.optimizers.iter().find(|row| row.kind.name == name)
    }
}

impl Range {
    pub fn contains(self, x: f64) -> bool {
        !x.is_nan()
            && (x.is_finite() || self == Range::Extended)
            && match self {
                Range::Extended | Range::Finite => true,
                Range::Positive => x > 0.0,
                Range::NonNegative => x >= 0.0,
                Range::Open(low, high) => low < x && x < high,
                Range::Closed(low, high) => low <= x && x <= high,
            }
    }
}

impl Settings {
    /// The number called `name`; whole numbers count as numbers. None where it is derived and was not given.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            Value::Number(x) => Some(*x),
            Value::Integer(i) => Some(*i as f64),
            _ => None,
        }
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::Integer(i) => Some(*i),
            _ => None,
        }
    }

    pub fn choice(&self, name: &str) -> Option<&'static str> {
        match self.0.get(name)? {
            Value::Choice(word) => Some(word),
            _ => None,
        }
    }

    /// The numbers called `name`; none where it is something else.
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.0.get(name) {
            Some(Value::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn formula(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Formula(text) => Some(text),
            _ => None,
        }
    }
}

impl Kind {
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// The settings of a use that says nothing: every stated default.
    pub fn defaults(&self) -> Settings {
        let stated = self.settings.iter().filter_map(|setting| Some((setting.name, setting.default.value()?)));
        Settings(stated.collect())
    }
}

impl Default {
    /// The stated default as a value; None where it is required or derived.
    pub fn value(self) -> Option<Value> {
        match self {
            Default::Required | Default::Derived(_) => None,
            Default::Number(x) => Some(Value::Number(x)),
            Default::Integer(i) => Some(Value::Integer(i)),
            Default::Choice(word) => Some(Value::Choice(word)),
            Default::Flag(flag) => Some(Value::Flag(flag)),
        }
    }
}
