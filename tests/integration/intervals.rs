//! Intervals by refits against what can be worked out by hand, and hierarchical priors against their formulas.

use sbi_run::math::elementary::log;

use crate::tool::{Lab, Table};

/// One column of counts, and a constant mean.
fn counts(rest: &str) -> String {
    format!(
        r#"
[data]
file = "counts.csv"
[simulator]
kind = "formula"
outputs.k = "m"
[parameters]
m = "uniform(0, 50)"
[loss]
kind = "poisson"
[[optimizer]]
method = "lbfgs"
{rest}"#
    )
}

fn ends(table: &Table, method: &str) -> Vec<(f64, f64)> {
    let rows = table.only("method", method);
    rows.numbers("lower").into_iter().zip(rows.numbers("upper")).collect()
}

const Z: f64 = 0.994_457_883_209_753_2;

/// Of counts with mean k the profile is 2n(m - k - k log(m/k)); its ends lie where that is the squared quantile, the lower
/// one nearer to k than the upper one.
#[test]
fn the_profile_of_a_mean_of_counts() {
    let lab = Lab::new();
    lab.write("counts.csv", "k\n3\n1\n2\n");
    lab.write("case.toml", counts("[intervals]\nmethods = [\"fisher\", \"profile\"]\n"));
    lab.run(&["case.toml", "--out", ".", "--quiet"]).ends(0);
    let table = lab.table("case/intervals.csv");
    let (low, high) = ends(&table, "profile")[0];
    for end in [low, high] {
        let deviance = 2.0 * 3.0 * (end - 2.0 - 2.0 * log(end / 2.0));
        assert!((deviance.sqrt() - Z).abs() < 1e-6, "{end}: {deviance}");
    }
    assert!(high - 2.0 > 1.2 * (2.0 - low), "{low} {high}");
    let (low, high) = ends(&table, "fisher")[0];
    assert!((high - 2.0 - (2.0 - low)).abs() < 1e-9);
}

/// No counts at all: there is no lower end, which is said, and the upper one is where the mean alone has the level.
#[test]
fn a_profile_that_stays_below_the_level_is_open() {
    let lab = Lab::new();
    lab.write("counts.csv", "k\n0\n0\n0\n");
    lab.write("case.toml", counts("[intervals]\nmethods = [\"profile\"]\n"));
    let ran = lab.run(&["case.toml", "--out", "."]).ends(0);
    let (low, high) = ends(&lab.table("case/intervals.csv"), "profile")[0];
    assert_eq!(low, f64::NEG_INFINITY);
    assert!((high - Z * Z / 6.0).abs() < 1e-4, "{high}");
    assert!(ran.out.contains("does not reach the level before the end 0 of the box"), "{}", ran.out);
}

/// A straight line with normal noise: 40 data sets, whose truth is known.
const LINE: &str = r#"
[data.synthetic]
inputs = { x = { from = -1, to = 1, count = 12 } }
truth = { a = 1, b = 2 }
noise = { y = "normal(y, 0.5)" }
[simulator]
kind = "formula"
outputs.y = "a + b*x"
[parameters]
a = "normal(0, 10)"
b = "normal(0, 10)"
[loss]
kind = "least_squares"
[[optimizer]]
method = "levenberg_marquardt"
[intervals]
methods = ["fisher", "profile", "bootstrap"]
resamples = 300
[sweep]
axes = { seed = { from = 1, to = 40, count = 40, round = true } }
"#;

/// In a linear model profile and curvature are the same interval, by Student's t; the bootstrap is near to them, and all
/// three cover the truth as often as they say.
#[test]
fn a_straight_line_by_every_method() {
    let lab = Lab::new();
    lab.write("case.toml", LINE);
    lab.run(&["case.toml", "--out", "one", "--quiet", "--threads", "1"]).ends(0);
    lab.run(&["case.toml", "--out", "two", "--quiet", "--threads", "2"]).ends(0);
    assert_eq!(lab.read("one/case/intervals.csv"), lab.read("two/case/intervals.csv"));
    let table = lab.table("one/case/intervals.csv");
    let (fisher, profile, bootstrap) = (ends(&table, "fisher"), ends(&table, "profile"), ends(&table, "bootstrap"));
    assert_eq!(fisher.len(), 80);
    for (curvature, profile) in fisher.iter().zip(&profile) {
        assert!((curvature.0 - profile.0).abs() < 1e-6 && (curvature.1 - profile.1).abs() < 1e-6, "{curvature:?}");
    }
    let errors = |method: &str| table.only("method", method).numbers("standard_error");
    for (a, b) in errors("fisher").into_iter().zip(errors("bootstrap")) {
        assert!((b / a - 1.0).abs() < 0.2, "{a} {b}");
    }
    assert!(bootstrap.iter().all(|(low, high)| low < high));
    // Of 80 intervals of level 0.68, 54 ± 4.2 cover; the two of one data set are nearly independent here.
    for method in ["fisher", "profile", "bootstrap"] {
        let covered = table.only("method", method).column("covered").iter().filter(|word| **word == "true").count();
        assert!((41..=67).contains(&covered), "{method}: {covered} of 80");
    }
}

/// A loss that states no law: rows are drawn; and none where a law is asked for.
#[test]
fn the_bootstrap_of_cases() {
    let lab = Lab::new();
    let robust =
        LINE.replace("least_squares\"", "huber\"\nsigma = 0.5").replace("count = 40, round", "count = 2, round");
    lab.write("case.toml", &robust);
    lab.run(&["case.toml", "--out", ".", "--quiet"]).ends(0);
    let errors = lab.table("case/intervals.csv").only("method", "bootstrap").numbers("standard_error");
    assert!(errors.iter().all(|error| (0.05..1.0).contains(error)), "{errors:?}");
    lab.write("law.toml", robust.replace("resamples = 300", "resamples = 300\nbootstrap = \"parametric\""));
    let ran = lab.run(&["law.toml", "--out", "."]).ends(0);
    assert!(ran.out.contains("states no law to draw from"), "{}", ran.out);
}

/// The loss at a point is the sum of the densities by hand; draws come in the order of the file, inside their ends.
#[test]
fn priors_that_depend_on_earlier_parameters() {
    let lab = Lab::new();
    lab.write(
        "case.toml",
        r#"
[data.synthetic]
inputs = { x = [0] }
truth = { tau = 2, a = 1, b = 0.5, c = 0.2 }
[simulator]
kind = "formula"
outputs.y = "a + b + c"
[parameters]
tau = "half_cauchy(5)"
a = "normal(0, tau)"
b = "truncated(normal(a, 2*tau), 0, inf)"
c = "uniform(0, b)"
[loss]
kind = "gaussian"
sigma = 1
prior = true
"#,
    );
    let ran = lab.run(&["gradient", "case.toml", "--at", "tau=2,a=1,b=0.5,c=0.1"]).ends(0);
    let found = Table::read(&ran.out).numbers("loss")[0];
    let pi = std::f64::consts::PI;
    let normal = |x: f64, m: f64, s: f64| -0.5 * ((x - m) / s) * ((x - m) / s) - log(s * (2.0 * pi).sqrt());
    let cauchy = log(2.0 / (pi * 5.0 * (1.0 + 0.4 * 0.4)));
    // Φ(1/4), the share of the normal above 0.
    let share = 0.598_706_325_682_923_7;
    let density =
        cauchy + normal(1.0, 0.0, 2.0) + normal(0.5, 1.0, 4.0) - log(share) - log(0.5) + normal(0.1, 0.0, 1.0);
    assert!((found + density).abs() < 1e-12, "{found} {}", -density);
    let digits = Table::read(&ran.out).numbers("digits");
    assert!(digits.iter().all(|digits| *digits > 12.0), "{}", ran.out);
    let ran = lab.run(&["gradient", "case.toml", "--at", "tau=2,a=1,b=0.5,c=0.7"]).ends(0);
    assert_eq!(Table::read(&ran.out).numbers("loss")[0], f64::INFINITY, "{}", ran.out);
    let draws = Table::read(&lab.run(&["simulate", "case.toml", "--draws", "200"]).ends(0).out);
    let (tau, b, c) = (draws.numbers("tau"), draws.numbers("b"), draws.numbers("c"));
    assert!((0..200).all(|k| tau[k] > 0.0 && b[k] >= 0.0 && (0.0..=b[k]).contains(&c[k])));
    let wide = (0..200).filter(|k| b[*k] > 5.0 * 2.0).count();
    assert!(wide > 20, "b follows tau, which has heavy tails: {wide}");
}
