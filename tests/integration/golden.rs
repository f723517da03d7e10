//! Experiments with known answers: each shipped one, and the numbers that others have published for the same data.

use std::fmt::Write;
use std::fs;

use sha2::{Digest, Sha256};

use crate::laws;
use crate::tool::{Lab, Table, repository, updates_expected};

/// Poisson maximum likelihood of the silver counts: background, amplitudes, mean lives.
const SILVER: [(&str, f64); 5] =
    [("background", 11.04628), ("a1", 961.3814), ("a2", 127.6220), ("tau1", 34.23283), ("tau2", 211.6208)];

const EXACT: [&str; 4] = ["complex_step", "symbolic", "forward", "reverse"];

/// The silver counts with mean lives, as the reference solutions state them, and what follows them.
fn silver(rest: &str) -> String {
    format!(
        r#"
[data]
file    = "data/silver_decay.csv"
columns = {{ t = "time_s", counts = "counts" }}

[simulator]
kind = "formula"
outputs.counts = "background + a1*exp(-t/tau1) + a2*exp(-t/tau2)"

[parameters]
background = "uniform(0, 50)"
a1         = "log_uniform(100, 10000)"
a2         = "log_uniform(10, 1000)"
tau1       = "uniform(5, 80)"
tau2       = "uniform(80, 600)"
{rest}"#
    )
}

/// Runs a text in a folder with the shipped data, and gives its results folder.
fn run(text: &str) -> Lab {
    let lab = Lab::with_shipped();
    lab.write("case.toml", text);
    lab.run(&["case.toml", "--out", ".", "--quiet"]).ends(0);
    lab
}

fn near(found: f64, stated: f64, tolerance: f64) -> bool {
    (found - stated).abs() <= tolerance * if stated == 0.0 { 1.0 } else { stated.abs() }
}

#[track_caller]
fn assert_near(what: &str, found: f64, stated: f64, tolerance: f64) {
    assert!(near(found, stated, tolerance), "{what} is {found}, not {stated} to {tolerance:e}");
}

/// The rows of one optimizer with one differentiation method.
fn runs_of(runs: &Table, optimizer: &str, method: &str) -> Table {
    runs.only("optimizer", optimizer).only("differentiation", method)
}

/// Every shipped experiment ends well, its best run is the answer that it states, and its numbers are the bytes that
/// another machine found: `tests/bytes.csv` has the hashes of its tables without the columns of time.
#[test]
fn shipped_experiments_meet_what_they_expect() {
    let lab = Lab::with_shipped();
    let (mut stated, mut bytes) = (0, String::from("experiment,table,sha256\n"));
    let entries = fs::read_dir(repository().join("experiments")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let ran = lab.run(&[&format!("experiments/{name}.toml"), "--out", "."]).ends(0);
        assert!(!ran.out.contains("NOT met"), "{}", ran.out);
        for table in ["runs", "trace", "intervals", "predictions", "derivatives"] {
            let hash = Sha256::digest(laws::untimed(&lab, &format!("{name}/{table}.csv")));
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(bytes, "{name},{table},{hash}").unwrap();
        }
        let file: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let Some(expected) = file.get("expected").and_then(toml::Value::as_table) else { continue };
        let runs = lab.table(&format!("{name}/runs.csv"));
        let best = runs.best();
        stated += 1;
        let tolerance = expected["tolerance"].as_float().unwrap();
        for (key, value) in expected.iter().filter(|(key, _)| *key != "tolerance") {
            let values = match value {
                toml::Value::Array(list) => {
                    list.iter().enumerate().map(|(i, x)| (format!("{key}[{i}]"), x.as_float().unwrap())).collect()
                }
                number => vec![(key.clone(), number.as_float().unwrap())],
            };
            for (column, value) in values {
                assert_near(&format!("{name}: {column}"), runs.numbers(&column)[best], value, tolerance);
            }
        }
        assert!(ran.out.contains("expected  met to"), "{}", ran.out);
    }
    assert!(stated >= 3, "{stated} experiments state an answer");
    let known = repository().join("tests/bytes.csv");
    if updates_expected() {
        return fs::write(known, bytes).unwrap();
    }
    let known = fs::read_to_string(known).unwrap();
    let differ: Vec<&str> = bytes.lines().filter(|row| !known.lines().any(|known| known == *row)).collect();
    assert!(known == bytes, "other bytes than before, UPDATE_EXPECTED=1 writes these:\n{}", differ.join("\n"));
}

/// From at least 80 % of the random starts in the box to five digits, with every exact derivative; and the standard
/// errors of the expected information, by hand and computer algebra outside this project.
#[test]
fn silver_by_poisson_likelihood() {
    let lab = run(&silver(
        r#"
[loss]
kind = "poisson"
[differentiation]
methods = ["complex_step", "symbolic", "forward", "reverse"]
[[optimizer]]
method = "lbfgs"
[intervals]
methods = ["fisher"]
[sweep]
repeats = 40
"#,
    ));
    let runs = lab.table("case/runs.csv");
    for method in EXACT {
        let of_method = runs_of(&runs, "lbfgs", method);
        assert_eq!(of_method.rows.len(), 40);
        let columns = SILVER.map(|(name, _)| of_method.numbers(name));
        let right =
            |row: &usize| SILVER.iter().zip(&columns).all(|((_, stated), found)| near(found[*row], *stated, 5e-6));
        let found = (0..40).filter(right).count();
        assert!(found >= 32, "{method}: {found} of 40 starts lead to the maximum");
    }
    let best = runs.column("run")[runs.best()].to_string();
    let intervals = lab.table("case/intervals.csv").only("run", &best).only("method", "fisher");
    let errors = [1.9667, 49.3295, 20.8676, 2.50030, 32.2402];
    assert_eq!(intervals.column("parameter"), SILVER.map(|(name, _)| name));
    for ((found, stated), (name, _)) in intervals.numbers("standard_error").iter().zip(errors).zip(SILVER) {
        assert_near(&format!("standard error of {name}"), *found, stated, 0.05);
    }
}

/// The accepted half-lives lie within the stated errors of the fit.
#[test]
fn silver_covers_the_accepted_half_lives() {
    let lab = Lab::with_shipped();
    lab.run(&["experiments/half_life.toml", "--set", "sweep.repeats=1", "--out", ".", "--quiet"]).ends(0);
    let intervals = lab.table("half_life/intervals.csv").only("run", "3").only("method", "fisher");
    let covered: Vec<&str> = intervals.column("covered").into_iter().filter(|covered| !covered.is_empty()).collect();
    assert_eq!(covered, ["true", "true"], "{intervals:?}");
}

#[test]
fn silver_by_weighted_least_squares() {
    let lab = run(&silver(
        r#"
[loss]
kind  = "chi_square"
sigma = "sqrt(counts)"
[differentiation]
methods = ["symbolic", "reverse"]
[[optimizer]]
method = "lbfgs"
[sweep]
repeats = 5
"#,
    ));
    let runs = lab.table("case/runs.csv");
    let best = runs.best();
    let stated = [10.13410, 957.7705, 128.2811, 34.24428, 209.6908];
    for ((name, _), stated) in SILVER.iter().zip(stated) {
        assert_near(name, runs.numbers(name)[best], stated, 5e-6);
    }
    assert_near("chi-square", runs.numbers("loss")[best], 66.0785, 1e-6);
}

/// Without derivatives and with the default budget: differential evolution to 1e-6, genetic to 1e-2.
#[test]
fn silver_by_population_methods() {
    let lab = run(&silver(
        r#"
[loss]
kind = "poisson"
[differentiation]
methods = ["forward"]
[[optimizer]]
method = "lbfgs"
[[optimizer]]
method = "differential_evolution"
[[optimizer]]
method = "genetic"
[sweep]
repeats = 5
"#,
    ));
    let runs = lab.table("case/runs.csv");
    let least = runs.numbers("loss")[runs.best()];
    for (optimizer, tolerance) in [("lbfgs", 1e-12), ("differential_evolution", 1e-6), ("genetic", 1e-2)] {
        for loss in runs.only("optimizer", optimizer).numbers("loss") {
            assert!(loss <= least + tolerance * least.abs(), "{optimizer}: {loss}, but {least} is reached");
        }
    }
}

/// The certified parameters to eight digits, from both of NIST's starts, with every exact derivative.
#[test]
fn chwirut2_from_both_starts() {
    let lab = Lab::with_shipped();
    lab.run(&["experiments/chwirut2.toml", "--set", "intervals.methods=[\"fisher\"]", "--out", ".", "--quiet"]).ends(0);
    let runs = lab.table("chwirut2/runs.csv");
    let certified = [1.6657666537e-1, 5.1653291286e-3, 1.2150007096e-2];
    let deviations = [3.8303286810e-2, 6.6621605126e-4, 1.5304234767e-3];
    for method in EXACT {
        let of_method = runs_of(&runs, "lbfgs", method);
        assert_eq!(of_method.rows.len(), 2, "one run a start");
        for (i, stated) in certified.iter().enumerate() {
            for found in of_method.numbers(&format!("b[{i}]")) {
                assert_near(&format!("{method}: b[{i}]"), found, *stated, 1e-8);
            }
        }
        let intervals = lab.table("chwirut2/intervals.csv").only("run", of_method.column("run")[0]);
        for (found, stated) in intervals.numbers("standard_error").iter().zip(deviations) {
            assert_near(&format!("{method}: certified standard deviation"), *found, stated, 1e-6);
        }
    }
}

/// How far each method's gradient is from 192-bit arithmetic, at draws from the prior.
#[test]
fn digits_of_the_differentiation_methods() {
    let lab = run(&silver(
        r#"
[loss]
kind = "poisson"
[differentiation]
methods = ["forward_difference", "central_difference", "complex_step", "symbolic", "forward", "reverse"]
compare = { points = 100 }
[[optimizer]]
method = "lbfgs"
[budget]
evaluations = 10
"#,
    ));
    let table = lab.table("case/derivatives.csv");
    let digits = |method: &str| {
        let of_method = table.only("differentiation", method);
        assert_eq!(of_method.rows.len(), 100, "{method}");
        let mut digits = of_method.numbers("digits");
        digits.sort_by(f64::total_cmp);
        (digits[0], digits[50])
    };
    for method in EXACT {
        let (worst, _) = digits(method);
        assert!(worst >= 13.0, "{method}: {worst} digits at the worst point");
    }
    let (_, median) = digits("forward_difference");
    assert!((6.5..9.0).contains(&median), "forward_difference: {median} digits");
    let (_, median) = digits("central_difference");
    assert!((9.5..12.0).contains(&median), "central_difference: {median} digits");
}
