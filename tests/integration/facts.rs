//! The shipped experiments that show the classic facts of differentiation, held to them; and the tables of docs/facts.md,
//! held to what the experiments give (`UPDATE_EXPECTED=1` writes them anew).

use std::fmt::Write;
use std::sync::Mutex;

use sbi_run::math::elementary::log10;

use crate::tool::{Lab, Table, repository};

const EXACT: [&str; 3] = ["symbolic", "forward", "reverse"];

/// The derivatives of a shipped experiment.
fn derivatives(name: &str) -> (Lab, Table) {
    let lab = Lab::with_shipped();
    let ran = lab.run(&[&format!("experiments/{name}.toml"), "--out", "."]).ends(0);
    assert!(ran.out.contains("gradient/loss"), "the summary compares the methods:\n{}", ran.out);
    let table = lab.table(&format!("{name}/derivatives.csv"));
    (lab, table)
}

fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty());
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

/// The median over the points at each value of a numeric column, that column ascending.
fn curve(table: &Table, x: &str, y: &str) -> Vec<(f64, f64)> {
    let (xs, ys) = (table.numbers(x), table.numbers(y));
    let mut values = xs.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let at = |value: f64| median((0..xs.len()).filter(|i| xs[*i] == value).map(|i| ys[i]).collect());
    values.into_iter().map(|value| (value, at(value))).collect()
}

/// The power of x with which y grows, by least squares over the points with x in the range.
fn power(curve: &[(f64, f64)], low: f64, high: f64) -> f64 {
    let inside = curve.iter().filter(|(x, _)| (low * 0.999..high * 1.001).contains(x));
    let points: Vec<(f64, f64)> = inside.map(|(x, y)| (log10(*x), log10(*y))).collect();
    assert!(points.len() >= 3, "{} points", points.len());
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>()
        / points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum::<f64>()
}

/// Compares a table of docs/facts.md with what was found, or writes it.
#[track_caller]
fn holds(name: &str, lines: &[Vec<String>]) {
    static PAGE: Mutex<()> = Mutex::new(());
    let _one = PAGE.lock();
    let path = repository().join("docs/facts.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {name}: generated -->\n\n"), "\n<!-- end -->".to_string());
    let first = page.find(&start).unwrap_or_else(|| panic!("docs/facts.md has no table {name}")) + start.len();
    let last = first + page[first..].find(&end).unwrap();
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        writeln!(text, "| {} |", line.join(" | ")).unwrap();
        if i == 0 {
            writeln!(text, "|{}", "---|".repeat(line.len())).unwrap();
        }
    }
    if std::env::var("UPDATE_EXPECTED").is_ok_and(|value| value == "1") {
        std::fs::write(&path, format!("{}{text}{}", &page[..first], &page[last..])).unwrap();
        return;
    }
    assert_eq!(page[first..last], text, "the table {name} of docs/facts.md: UPDATE_EXPECTED=1 writes it anew");
}

fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

/// Slope 1 and 2 of the truncation, -1 of the rounding; the complex step is as good at 1e-20 as it can be.
#[test]
fn the_error_of_a_difference_is_a_v_of_known_slopes() {
    let (lab, table) = derivatives("step_size");
    let mut lines = vec![cells(["method", "order", "power left", "power right", "best step", "its digits"])];
    // The steps that are clearly on one side.
    let sides = [
        ("forward_difference", 1.0, Some((1e-14, 1e-10)), (1e-6, 1e-2)),
        ("central_difference", 2.0, Some((1e-13, 1e-7)), (1e-4, 1e-2)),
        ("complex_step", 2.0, None, (1e-6, 1e-2)),
    ];
    for (method, order, left, (low, high)) in sides {
        let errors = curve(&table.only("differentiation", method), "step", "max_relative_error");
        assert_eq!(errors.len(), 20, "{method}");
        let right = power(&errors, low, high);
        assert!((right - order).abs() < 0.02, "{method}: truncation grows with power {right}");
        let left = left.map(|(low, high)| power(&errors, low, high));
        if let Some(left) = left {
            assert!((left + 1.0).abs() < 0.1, "{method}: rounding grows with power {left}");
        }
        let best = match method {
            // No error at all at some step would be luck: its smallest step is judged.
            "complex_step" => errors[0],
            _ => errors.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap(),
        };
        let digits = -log10(best.1);
        match method {
            "forward_difference" => assert!(best.0 == 1e-8 && (7.5..9.0).contains(&digits), "{best:?}"),
            "central_difference" => assert!((1e-6..1e-4).contains(&best.0) && digits > 10.0, "{best:?}"),
            _ => assert!(best.0 == 1e-20 && best.1 < 1e-15, "{best:?}"),
        }
        let text = |power: Option<f64>| power.map_or("none".to_string(), |power| format!("{power:.2}"));
        let step = format!("{:e}", best.0);
        let order = format!("{order}");
        lines.push(cells([method, &order, &text(left), &text(Some(right)), &step, &format!("{digits:.1}")]));
    }
    holds("step_size", &lines);
    assert!(lab.read("step_size/step_size.svg").contains("forward_difference (-1.0 / +1.0)"));
}

/// Reverse mode costs a few times the function whatever n is; the others pay for each parameter.
#[test]
fn a_reverse_gradient_is_cheap() {
    let (lab, table) = derivatives("cheap_gradient");
    let operations = |method: &str| curve(&table.only("differentiation", method), "parameters", "operations");
    // A forward difference is n + 1 values.
    let values: Vec<f64> = operations("forward_difference").iter().map(|(n, count)| count / (n + 1.0)).collect();
    let ratio = |method: &str| -> Vec<(f64, f64)> {
        operations(method).iter().zip(&values).map(|((n, count), value)| (*n, count / value)).collect()
    };
    let mut lines = vec![cells(["n", "reverse", "forward", "symbolic", "forward_difference", "complex_step"])];
    let curves: Vec<Vec<(f64, f64)>> = lines[0][1..].iter().map(|method| ratio(method)).collect();
    assert!(curves[0].iter().all(|(_, ratio)| *ratio <= 5.0), "{:?}", curves[0]);
    assert_eq!(curves[0].last().unwrap().0, 1000.0);
    for (n, ratio) in &curves[1] {
        assert!(*ratio <= 1.0 + 3.0 * n, "forward at n = {n}: {ratio}");
    }
    assert!((power(&curves[1], 10.0, 1000.0) - 1.0).abs() < 0.1, "forward grows with n");
    for (i, (n, _)) in curves[3].iter().enumerate() {
        let at =
            |curve: &Vec<(f64, f64)>| curve.get(i).map_or("refused".to_string(), |point| format!("{:.1}", point.1));
        if [1.0, 10.0, 100.0, 1000.0].contains(n) {
            lines.push([vec![n.to_string()], curves.iter().map(at).collect()].concat());
        }
    }
    // Exact to the last digits at every size.
    for method in EXACT {
        let digits = table.only("differentiation", method).numbers("digits");
        assert!(digits.iter().all(|digits| *digits > 13.0), "{method}: {digits:?}");
    }
    holds("cheap_gradient", &lines);
    assert!(lab.read("cheap_gradient/cost.svg").contains("bound 4"));
}
