//! A small catalog and the example of the format page, for tests.

use crate::diagnostic::{Diagnostic, Source};
use crate::experiment::{Checked, Written, check};
use crate::kind::{
    Accepts, Catalog, Default, Fault, Kind, Loss, Optimizer, Prior, Range, Setting, Settings, Sigma, independent,
};
use std::path::Path;
use std::sync::Arc;

const fn kind(name: &'static str, settings: &'static [Setting]) -> Kind {
    Kind { name, summary: "For tests.", reference: "none", settings, check: independent }
}

const fn setting(name: &'static str, accepts: Accepts, default: Default) -> Setting {
    Setting { name, summary: "For tests.", accepts, default }
}

const fn number(name: &'static str, range: Range) -> Setting {
    setting(name, Accepts::Number(range), Default::Required)
}

fn rising(settings: &Settings) -> Result<(), Fault> {
    match (settings.number("low"), settings.number("high")) {
        (Some(low), Some(high)) if low >= high => {
            Err(Fault { setting: "high", message: format!("the box is empty: {low} is not below {high}") })
        }
        _ => Ok(()),
    }
}

fn ends(settings: &Settings) -> (f64, f64) {
    (settings.number("low").unwrap_or(f64::NAN), settings.number("high").unwrap_or(f64::NAN))
}

const EVERYWHERE: fn(&Settings) -> (f64, f64) = |_| (f64::NEG_INFINITY, f64::INFINITY);

static PRIORS: [Prior; 5] = [
    Prior {
        kind: Kind { check: rising, ..kind("uniform", &[number("low", Range::Finite), number("high", Range::Finite)]) },
        support: ends,
        proper: true,
        closed: false,
        simplex: false,
    },
    Prior {
        kind: Kind {
            check: rising,
            ..kind("log_uniform", &[number("low", Range::Positive), number("high", Range::Positive)])
        },
        support: ends,
        proper: true,
        closed: false,
        simplex: false,
    },
    Prior {
        kind: kind("normal", &[number("mean", Range::Finite), number("sd", Range::Positive)]),
        support: EVERYWHERE,
        proper: true,
        closed: false,
        simplex: false,
    },
    Prior {
        kind: kind("fixed", &[number("value", Range::Finite)]),
        support: |settings| (settings.number("value").unwrap_or(0.0), settings.number("value").unwrap_or(0.0)),
        proper: true,
        closed: false,
        simplex: false,
    },
    Prior { kind: kind("flat", &[]), support: EVERYWHERE, proper: false, closed: false, simplex: false },
];

static LOSSES: [Loss; 4] = [
    Loss::of(kind("least_squares", &[])),
    Loss { sigma: Sigma::Required, ..Loss::of(kind("chi_square", &[])) },
    Loss {
        observed: |value| match value {
            value if value < 0.0 => Err("a count cannot be negative"),
            value if value.fract() != 0.0 => Err("a count is a whole number"),
            _ => Ok(()),
        },
        ..Loss::of(kind("poisson", &[]))
    },
    Loss { data: false, ..Loss::of(kind("value", &[])) },
];

static OPTIMIZERS: [Optimizer; 4] = [
    Optimizer {
        kind: kind("lbfgs", &[setting("memory", Accepts::Integer { low: 1, high: 100 }, Default::Integer(7))]),
        gradient: true,
        population: false,
    },
    Optimizer {
        kind: kind(
            "differential_evolution",
            &[
                setting("population", Accepts::Integer { low: 4, high: 10_000 }, Default::Derived("10 n")),
                setting("strategy", Accepts::Choice(&["rand/1/bin", "best/1/bin"]), Default::Choice("rand/1/bin")),
                setting("crossover", Accepts::Number(Range::Closed(0.0, 1.0)), Default::Number(0.9)),
            ],
        ),
        gradient: false,
        population: true,
    },
    Optimizer {
        kind: kind(
            "genetic",
            &[setting("population", Accepts::Integer { low: 4, high: 10_000 }, Default::Integer(100))],
        ),
        gradient: false,
        population: true,
    },
    Optimizer { kind: kind("nelder_mead", &[]), gradient: false, population: false },
];

pub static CATALOG: Catalog = Catalog {
    simulators: &[kind("formula", &[])],
    priors: &PRIORS,
    losses: &LOSSES,
    methods: &[
        kind("forward_difference", &[]),
        kind("central_difference", &[]),
        kind("complex_step", &[]),
        kind("symbolic", &[]),
        kind("forward", &[]),
        kind("reverse", &[]),
    ],
    optimizers: &OPTIMIZERS,
    intervals: &[kind("fisher", &[]), kind("hessian", &[]), kind("profile", &[]), kind("bootstrap", &[])],
    draws: &[
        kind("poisson", &[number("mean", Range::NonNegative)]),
        kind("normal", &[number("mean", Range::Finite), number("sd", Range::Positive)]),
    ],
    quantile: |_, settings, p| {
        let (low, high) = ends(settings);
        low + p * (high - low)
    },
};

/// Section 1 of the format page, word for word but for the file's folder.
pub const EXAMPLE: &str = r#"title     = "Half-lives of Ag-108 and Ag-110"
about     = "Neutron-activated silver; two isotopes and a constant background."   # prose, copied to the report
reference = "Bevington & Robinson, Data Reduction and Error Analysis, ch. 8"
seed      = 1

[constants]
ln2 = 0.6931471805599453

[data]
file    = "silver_decay.csv"       # relative to this file; header row; '#' comment lines
columns = { t = "time_s", counts = "counts" }   # name in formulas = column in the file; default: all, own names

[simulator]
kind = "formula"
outputs.counts = "background + a1*exp(-ln2*t/half_life_1) + a2*exp(-ln2*t/half_life_2)"

[parameters]                                # short form: a prior; long form: a table
background  = "uniform(0, 50)"
a1          = "log_uniform(100, 10000)"
a2          = "log_uniform(10, 1000)"
half_life_1 = { prior = "uniform(5, 60)",   unit = "s", start = 30,  reference = 24.56 }
half_life_2 = { prior = "uniform(60, 400)", unit = "s", start = 150, reference = 142.9 }

[loss]
kind = "poisson"                            # output `counts` is compared with data column `counts`

[differentiation]
methods = ["forward_difference", "central_difference", "complex_step", "symbolic", "forward", "reverse"]
compare = { points = 100 }                  # accuracy and cost of each method at 100 draws from the prior

[[optimizer]]
method = "lbfgs"

[[optimizer]]
method = "differential_evolution"
population = 60

[[optimizer]]
method = "genetic"

[budget]
evaluations = 20000

[intervals]
methods = ["fisher", "hessian", "profile", "bootstrap"]
level   = 0.68

[sweep]
repeats = 20                                # independent starts/seeds of every combination
[sweep.axes]                                # any dotted path of this file; product by default
"differentiation.step" = [1e-4, 1e-6, 1e-8]
"#;

pub const DATA: &str = "# counts in 15 s\ntime_s,counts\n15,775\n30,479\n45,380\n60,302\n75,185\n";

/// A folder with the data of the example.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("silver_decay.csv"), DATA).expect("a file");
    folder
}

pub fn written(text: &str, folder: &Path, overrides: &[(&str, &str)]) -> Written {
    let source = Arc::new(Source { name: "test.toml".into(), text: text.into() });
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(path, value)| (path.to_string(), value.to_string())).collect();
    Written::new(source, "test", folder, &overrides)
}

/// Checks a text beside the data of the example.
pub fn checked(text: &str) -> Checked {
    let folder = folder();
    check(&written(text, folder.path(), &[]), &CATALOG)
}

/// One line for each diagnostic: message, and the text under its first caret.
pub fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let line = |diagnostic: &Diagnostic| match diagnostic.labels.first() {
        Some(label) => format!("{} <{}>", diagnostic.message, &label.source.text[label.span.clone()]),
        None => diagnostic.message.clone(),
    };
    diagnostics.iter().map(line).collect()
}
