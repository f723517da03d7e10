//! The comparison of derivatives as a run writes it: what is measured, once each, and where the axes are empty.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sbi_run::catalog::CATALOG;
use sbi_run::execute::{self, Prepared};
use sbi_run::experiment::{self, Written};
use sbi_run::record::Derivatives;
use sbi_run::{model, plan};

use crate::tool::Lab;

/// No optimizers: nothing but the comparison.
const CASE: &str = r#"
[simulator]
kind = "formula"
outputs.y = "sum(exp(x[i]*shift) for i in range(len(x)))*k"
[parameters]
x     = { prior = "uniform(-1, 1)", size = 2, start = 0.5 }
shift = { prior = "uniform(0, 2)", start = 1 }
k     = "fixed(2)"
[loss]
kind = "expression"
expression = "predicted"
[differentiation]
methods = ["forward_difference", "reverse"]
compare = { points = 2, grid.shift = [0, 0.25, 1.75] }
[sweep.axes]
"budget.evaluations" = [10, 20]
"differentiation.step" = [1e-3, 1e-5, 1e-7]
"parameters.x.size" = [1, 2, 100]
"#;

fn is_time(column: &str) -> bool {
    column.ends_with("_ns") || column == "cost_ratio"
}

#[test]
fn each_derivative_is_measured_once() {
    let lab = Lab::new();
    lab.write("case.toml", CASE);
    let ran = lab.run(&["case.toml", "--out", "r", "--threads", "2"]).ends(0);
    assert!(ran.out.contains("none planned") && ran.out.contains("gradient/loss"), "{}", ran.out);
    assert!(ran.out.lines().filter(|line| line.starts_with("  reverse ")).count() == 3, "{}", ran.out);
    let table = lab.table("r/case/derivatives.csv");
    assert!(
        table.header[12..] == ["expression_nodes", "budget.evaluations", "differentiation.step", "parameters.x.size"]
    );
    // Sizes × (steps of the difference + reverse) × (two points + the grid of three).
    assert_eq!(table.rows.len(), 3 * (3 + 1) * 5);
    assert!(
        table.column("budget.evaluations").iter().all(|value| value.is_empty()),
        "the budget changes no derivative"
    );
    for row in 0..table.rows.len() {
        let of = |column: &str| table.column(column)[row].to_string();
        let difference = of("differentiation") == "forward_difference";
        assert_eq!(of("differentiation.step").is_empty(), !difference);
        assert_eq!(of("step").is_empty(), !difference);
        let size: usize = of("parameters.x.size").parse().unwrap();
        assert_eq!(of("parameters"), (size + 1).to_string());
    }
    assert!(table.numbers("value_ns").iter().chain(&table.numbers("gradient_ns")).all(|time| *time > 0.0));

    let gradients = lab.table("r/case/gradients.csv");
    assert_eq!(
        gradients.header[..4],
        ["budget.evaluations", "differentiation.step", "parameters.x.size", "differentiation"]
    );
    // Of 101 parameters 32 are kept, the first and the last among them.
    assert_eq!(gradients.rows.len(), (3 + 1) * 5 * (2 + 3 + 32));
    let large = gradients.only("parameters.x.size", "100").only("differentiation", "reverse").only("point", "0");
    assert_eq!((large.column("parameter")[0], large.column("parameter")[31]), ("x[0]", "shift"));
    // k·Σ exp(x·shift) at the grid's points: the others are at their start.
    let grid = gradients.only("parameters.x.size", "2").only("differentiation", "reverse").only("parameter", "shift");
    assert_eq!(grid.numbers("value")[2..], [0.0, 0.25, 1.75]);
    for (shift, (loss, slope)) in
        grid.numbers("value").iter().zip(grid.numbers("loss").iter().zip(grid.numbers("derivative"))).skip(2)
    {
        let each = sbi_run::math::elementary::exp(0.5 * shift);
        assert!((loss / (4.0 * each) - 1.0).abs() < 1e-14 && (slope / (2.0 * each) - 1.0).abs() < 1e-14);
    }
    // The same numbers for any number of threads.
    lab.run(&["case.toml", "--out", "one", "--threads", "1", "--quiet"]).ends(0);
    let timeless =
        |folder: &str| format!("{:?}", lab.table(&format!("{folder}/case/derivatives.csv")).without(is_time));
    assert_eq!(timeless("r"), timeless("one"));
    assert_eq!(lab.read("r/case/gradients.csv"), lab.read("one/case/gradients.csv"));
}

/// A derivative that cannot be had is said, and the others are measured.
#[test]
fn what_cannot_be_differentiated_is_said() {
    let lab = Lab::new();
    let text = r#"
[constants]
n = 10
[simulator]
kind = "program"
program = """
l = x
for i in range(n):
    l += sin(l)/n
"""
outputs.y = "l"
[parameters]
x = "uniform(0, 1)"
[loss]
kind = "expression"
expression = "predicted"
[differentiation]
methods = ["symbolic", "reverse"]
compare = { points = 1 }
[sweep.axes]
"constants.n" = [10, 20, 40000]
"#;
    lab.write("case.toml", text);
    let ran = lab.run(&["case.toml", "--out", "r"]).ends(0);
    let refused = "no derivative by symbolic: the expression would exceed 200000 nodes (constants.n = 40000)";
    assert!(ran.out.contains(refused), "{}", ran.out);
    let table = lab.table("r/case/derivatives.csv");
    let sizes = |method: &str| {
        let rows = table.only("differentiation", method);
        rows.column("constants.n").into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(sizes("reverse"), ["10", "20", "40000"]);
    assert_eq!(sizes("symbolic"), ["10", "20"]);
    assert!(lab.read("r/case/report.html").contains(refused));
}

#[test]
fn a_cancelled_comparison_is_no_comparison() {
    let lab = Lab::new();
    lab.write("case.toml", CASE);
    let path = lab.path("case.toml");
    let (experiment, _) = experiment::read(&path, &[], &CATALOG).unwrap();
    let plan = plan::lay_out(&Written::open(&path, &[]).unwrap(), &experiment, &CATALOG).unwrap();
    let prepare = |variant| Arc::new(Prepared::new(model::compile(&plan.experiment(variant)).unwrap().into(), 0));
    assert_eq!(execute::compare(&plan, &prepare, &AtomicBool::new(true)), Derivatives::default());
    assert_eq!(execute::compare(&plan, &prepare, &AtomicBool::new(false)).rows.len(), 60);
}
