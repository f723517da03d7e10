//! Shares of a whole under a Dirichlet prior, against what conjugacy and linear algebra say of them.

use crate::tool::Lab;

/// Counts 12, 30 and 58 of three sorts under Dirichlet(2, 1, 3): Poisson counts of a known total differ from multinomial
/// ones by a constant, and the mode is (n_k + a_k - 1)/(N + Σ a - 3).
const COUNTS: &str = r#"
[data]
file = "counts.csv"
[simulator]
kind = "formula"
outputs.n = "50*known*(share[0] if sort < 0.5 else share[1] if sort < 1.5 else share[2])"
[parameters]
known = "fixed(2)"
share = "dirichlet(2, 1, 3)"
[loss]
kind  = "poisson"
prior = true
[differentiation]
methods = ["forward_difference", "central_difference", "richardson", "complex_step", "symbolic", "forward", "reverse"]
[[optimizer]]
method = "lbfgs"
[[optimizer]]
method = "newton_cg"
[[optimizer]]
method = "differential_evolution"
[[optimizer]]
method = "cma_es"
[[optimizer]]
method = "genetic"
[budget]
evaluations = 20000
[intervals]
methods = ["hessian", "bootstrap"]
resamples = 20
[sweep]
repeats = 3
"#;

const MODE: [f64; 3] = [13.0 / 103.0, 30.0 / 103.0, 60.0 / 103.0];

fn counts() -> Lab {
    let lab = Lab::new();
    lab.write("counts.csv", "sort,n\n0,12\n1,30\n2,58\n");
    lab.write("case.toml", COUNTS);
    lab
}

#[test]
fn every_method_finds_the_mode_that_conjugacy_gives_and_threads_change_nothing() {
    let lab = counts();
    lab.run(&["case.toml", "--out", "one", "--threads", "1", "--quiet"]).ends(0);
    lab.run(&["case.toml", "--out", "two", "--threads", "2", "--quiet"]).ends(0);
    for file in ["runs.csv", "intervals.csv", "trace.csv"] {
        assert!(lab.read(&format!("one/case/{file}")) == lab.read(&format!("two/case/{file}")), "{file}");
    }
    let runs = lab.table("one/case/runs.csv");
    let shares: Vec<Vec<f64>> = (0..3).map(|k| runs.numbers(&format!("share[{k}]"))).collect();
    assert_eq!(shares[0].len(), 3 * (2 * 7 + 3));
    for (run, optimizer) in runs.column("optimizer").into_iter().enumerate() {
        let tolerance = match optimizer {
            "genetic" => 1e-2,
            "differential_evolution" | "cma_es" => 1e-4,
            _ => 1e-5,
        };
        for (k, mode) in MODE.iter().enumerate() {
            let found = shares[k][run];
            assert!((found - mode).abs() < tolerance, "run {run} ({optimizer}): {found}, not {mode}");
        }
        let sum = shares[0][run] + shares[1][run] + shares[2][run];
        assert!((sum - 1.0).abs() < 1e-15, "run {run}: {sum}");
    }
}

/// The curvature at the mode is that of Dirichlet's density: the covariance of the first two shares is that of a
/// multinomial of 103, (δ p_i - p_i p_j)/103, and so is the variance of the last one, which is not searched.
#[test]
fn the_last_share_has_the_standard_error_of_what_the_others_leave() {
    let lab = counts();
    lab.run(&["case.toml", "--out", ".", "--quiet", "--set", "sweep.repeats=1"]).ends(0);
    let intervals = lab.table("case/intervals.csv").only("method", "hessian").only("run", "6");
    let errors = intervals.numbers("standard_error");
    assert_eq!(errors.len(), 3);
    for (error, mode) in errors.iter().zip(MODE) {
        let known = (mode * (1.0 - mode) / 103.0).sqrt();
        assert!((error / known - 1.0).abs() < 1e-5, "{error} {known}");
    }
}

#[test]
fn gradients_have_the_digits_of_their_method() {
    let lab = counts();
    lab.write("gradient.csv", lab.run(&["gradient", "case.toml", "--at", "share[0]=0.2,share[1]=0.7"]).ends(0).out);
    let table = lab.table("gradient.csv");
    assert_eq!(table.only("method", "reverse").column("parameter"), ["share[0]", "share[1]"]);
    for (method, digits) in table.column("method").into_iter().zip(table.numbers("digits")) {
        let least = match method {
            "forward_difference" => 5.0,
            "central_difference" => 7.0,
            "richardson" => 9.0,
            _ => 14.0,
        };
        assert!(digits >= least, "{method}: {digits}");
    }
}

#[test]
fn draws_are_shares_with_the_means_of_the_prior() {
    let lab = counts();
    lab.write("draws.csv", lab.run(&["simulate", "case.toml", "--draws", "1000"]).ends(0).out);
    let table = lab.table("draws.csv");
    let rows = table.numbers("share[0]").len() as f64;
    for (k, mean) in [2.0 / 6.0, 1.0 / 6.0, 3.0 / 6.0].into_iter().enumerate() {
        let shares = table.numbers(&format!("share[{k}]"));
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!((shares.iter().sum::<f64>() / rows - mean).abs() < 0.03, "{k}");
    }
}
