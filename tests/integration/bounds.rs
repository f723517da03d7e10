//! Minima on the bounds of the box: every optimizer finds them, and says so.

use sbi_run::catalog::CATALOG;
use sbi_run::record::Status;

use super::pipeline::run_text;

/// A straight line through points of slope 2 and intercept 1, with the slope held to at most 1.5: the best intercept is
/// then 1 + 0.5 · mean(x).
const LINE: &str = r#"
[data]
file = "data.csv"

[simulator]
kind = "formula"
outputs.y = "a + k*x"

[parameters]
a = "uniform(-10, 10)"
k = "uniform(0, 1.5)"

[loss]
kind = "least_squares"

[differentiation]
methods = ["reverse"]
"#;

const POINTS: &str = "x,y\n0,1\n1,3\n2,5\n3,7\n4,9\n";

fn rough(name: &str) -> bool {
    ["random_search", "genetic", "simulated_annealing"].contains(&name)
}

#[test]
fn every_optimizer_finds_a_minimum_on_a_bound() {
    let mut faults = Vec::new();
    for row in CATALOG.optimizers {
        let name = row.kind.name;
        let done = run_text(name, &format!("{LINE}\n[[optimizer]]\nmethod = \"{name}\"\n"), POINTS);
        let record = &done.records[0];
        let (a, k) = (record.parameters[0], record.parameters[1]);
        println!("{name}: {} {:?} {:?} {}", record.reason, record.parameters, record.loss, record.evaluations);
        // Creeping towards a bound at infinity would take many more.
        if row.gradient && !rough(name) && record.evaluations > 2000 {
            faults.push(format!("{name}: {} evaluations", record.evaluations));
        }
        // Methods that end with their budget need not have settled.
        let rough = rough(name);
        let tolerance = if rough { 0.1 } else { 1e-6 };
        if !((a - 2.0).abs() <= tolerance && (k - 1.5).abs() <= tolerance && k <= 1.5) {
            faults.push(format!("{name}: {a} {k}"));
        }
        if record.status == Status::Converged && record.reason != "at_bound" {
            faults.push(format!("{name}: {}", record.reason));
        }
        if !rough && (record.status != Status::Converged || k != 1.5) {
            faults.push(format!("{name}: {:?} {k}", record.status));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A bound that is near but not active is not reported, and one that a start lies on is left.
#[test]
fn a_minimum_inside_is_not_at_a_bound() {
    for (low, high, start) in [(0.0, 2.001, 1.0), (1.999, 50.0, 10.0), (0.0, 4.0, 3.999_999), (0.0, 4.0, 1e-6)] {
        let toml =
            LINE.replace("\"uniform(0, 1.5)\"", &format!("{{ prior = \"uniform({low}, {high})\", start = {start} }}"));
        for name in ["lbfgs", "levenberg_marquardt", "nelder_mead", "trust_region", "bfgs"] {
            let done =
                run_text(&format!("inside-{name}"), &format!("{toml}\n[[optimizer]]\nmethod = \"{name}\"\n"), POINTS);
            let record = &done.records[0];
            let near = (record.parameters[0] - 1.0).abs() < 1e-4 && (record.parameters[1] - 2.0).abs() < 1e-4;
            assert!(near && record.reason != "at_bound", "{name} in {low}, {high}: {record:?}");
        }
    }
}

/// `starts` and `polish`, with one budget for all.
#[test]
fn starts_and_polish_share_the_budget() {
    let toml = format!(
        "{}\n[budget]\nevaluations = 3000\n\n[[optimizer]]\nmethod = \"genetic\"\npolish = \"lbfgs\"\n\n[[optimizer]]\nmethod = \
         \"lbfgs\"\nstarts = 5\n",
        LINE.replace("uniform(0, 1.5)", "uniform(0, 10)")
    );
    let done = run_text("starts", &toml, POINTS);
    for record in &done.records {
        assert!(record.evaluations <= 3000, "{record:?}");
        assert!(record.loss.is_some_and(|loss| loss < 1e-10), "{record:?}");
        let iterations: Vec<u64> = record.trace.iter().map(|point| point.iteration).collect();
        assert!(iterations.windows(2).all(|pair| pair[0] < pair[1]), "{iterations:?}");
        assert_eq!(record.trace.last().map(|point| point.evaluations <= record.evaluations), Some(true));
        assert!(record.trace.windows(2).all(|pair| pair[1].loss <= pair[0].loss), "{record:?}");
    }
    assert!(done.records[0].gradients > 0, "the polish takes gradients");
}
