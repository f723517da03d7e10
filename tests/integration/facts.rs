//! The shipped experiments that show the classic facts of differentiation, held to them; and the tables of docs/facts.md,
//! held to what the experiments give (`UPDATE_EXPECTED=1` writes them anew).

use std::fmt::Write;
use std::sync::Mutex;

use sbi_run::math::elementary::log10;

use crate::tool::{Lab, Table, repository, updates_expected};

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
    if updates_expected() {
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
        ("forward_difference", Some(1.0), Some((1e-14, 1e-10)), (1e-6, 1e-2)),
        ("central_difference", Some(2.0), Some((1e-13, 1e-7)), (1e-4, 1e-2)),
        ("richardson", None, Some((1e-13, 1e-7)), (1e-4, 1e-2)),
        ("complex_step", Some(2.0), None, (1e-6, 1e-2)),
    ];
    let mut central_best = 0.0;
    for (method, order, left, (low, high)) in sides {
        let errors = curve(&table.only("differentiation", method), "step", "max_relative_error");
        assert_eq!(errors.len(), 20, "{method}");
        let right = order.map(|order| {
            let right = power(&errors, low, high);
            assert!((right - order).abs() < 0.02, "{method}: truncation grows with power {right}");
            right
        });
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
            "central_difference" => {
                assert!((1e-6..1e-4).contains(&best.0) && digits > 10.0, "{best:?}");
                central_best = best.1;
            }
            // Extrapolated from the largest step, three digits better than the best central difference.
            "richardson" => assert!(best.0 == 0.1 && best.1 < 1e-3 * central_best, "{best:?}"),
            _ => assert!(best.0 == 1e-20 && best.1 < 1e-15, "{best:?}"),
        }
        let text = |power: Option<f64>| power.map_or("none".to_string(), |power| format!("{power:.2}"));
        let step = format!("{:e}", best.0);
        let order = order.map_or("rising".to_string(), |order| order.to_string());
        lines.push(cells([method, &order, &text(left), &text(right), &step, &format!("{digits:.1}")]));
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

/// Value and derivative of the first iterates of the logistic map, as Baydin et al. 2018, table 1, print them.
fn printed(n: usize, x: f64) -> (f64, f64) {
    let square = |x: f64| x * x;
    let (a, b, c) = (1.0 - x, 1.0 - 2.0 * x, 1.0 - 8.0 * x + 8.0 * x * x);
    match n {
        1 => (x, 1.0),
        2 => (4.0 * x * a, 4.0 * a - 4.0 * x),
        3 => (16.0 * x * a * square(b), 16.0 * a * square(b) - 16.0 * x * square(b) - 64.0 * x * a * b),
        _ => (
            64.0 * x * a * square(b) * square(c),
            128.0 * x * a * (-8.0 + 16.0 * x) * square(b) * c + 64.0 * a * square(b) * square(c)
                - 64.0 * x * square(b) * square(c)
                - 256.0 * x * a * b * square(c),
        ),
    }
}

/// Trees swell, graphs do not; multiplied out, a derivative loses its digits.
#[test]
fn the_swell_is_that_of_trees() {
    let (lab, table) = derivatives("expression_swell");
    let forms = [
        "symbolic(sharing=none simplify=false)",
        "symbolic(sharing=none)",
        "symbolic(sharing=after)",
        "symbolic",
        "symbolic(expand)",
    ];
    let of = |method: &str, what: &str| curve(&table.only("differentiation", method), "constants.n", what);
    let sizes: Vec<Vec<(f64, f64)>> = forms
        .iter()
        .map(|form| of(form, "expression_nodes"))
        .chain(["forward", "reverse"].map(|method| of(method, "operations")))
        .collect();
    let at = |curve: &[(f64, f64)], n: f64| curve.iter().find(|point| point.0 == n).map(|point| point.1);
    for (form, curve) in forms.iter().zip(&sizes).take(2) {
        for pair in curve.windows(2).filter(|pair| pair[0].0 >= 4.0 && pair[1].0 - pair[0].0 == 1.0) {
            assert!(pair[1].1 > 2.0 * pair[0].1, "{form} doubles: {pair:?}");
        }
        assert!(at(curve, 20.0).is_none(), "{form} is refused in the end");
    }
    for (k, name) in [(3, "symbolic"), (5, "forward"), (6, "reverse")] {
        let each = at(&sizes[k], 8.0).unwrap() - at(&sizes[k], 7.0).unwrap();
        for pair in sizes[k].windows(2).filter(|pair| pair[0].0 >= 4.0) {
            let steps = pair[1].0 - pair[0].0;
            assert_eq!(pair[1].1 - pair[0].1, steps * each, "{name} grows by the same with each n: {pair:?}");
        }
        assert_eq!(sizes[k].last().unwrap().0, 20.0);
    }
    // Rounding is amplified by the map itself, for every method alike; multiplied out, far more.
    let forward = of("forward", "digits");
    for form in &forms[..4] {
        for (n, digits) in of(form, "digits") {
            let known = at(&forward, n).unwrap();
            assert!(digits > known - 1.0 && (n > 4.0 || digits > 13.0), "{form}, n = {n}: {digits} and {known} digits");
        }
    }
    let expanded = of("symbolic(expand)", "digits");
    assert!(at(&expanded, 2.0).unwrap() > 15.0);
    assert!(at(&expanded, 6.0).unwrap() < at(&forward, 6.0).unwrap() - 4.0, "{expanded:?}");

    let gradients = lab.table("expression_swell/gradients.csv");
    let mut compared = 0;
    for n in 1..=4 {
        let rows = gradients.only("constants.n", &n.to_string());
        let (x, loss, slope) = (rows.numbers("value"), rows.numbers("loss"), rows.numbers("derivative"));
        let expanded: Vec<bool> = rows.column("differentiation").iter().map(|name| name.contains("expand")).collect();
        for i in 0..x.len() {
            let (value, derivative) = printed(n, x[i]);
            assert!((loss[i] - value).abs() < 1e-14, "l{n} at {}: {} and {value}", x[i], loss[i]);
            let tolerance = if expanded[i] { 1e-6 } else { 1e-12 };
            assert!((slope[i] - derivative).abs() < tolerance, "l{n}' at {}: {} and {derivative}", x[i], slope[i]);
            compared += 1;
        }
    }
    assert!(compared > 4 * 15 * 4, "{compared}");

    let mut lines = vec![vec!["n".to_string()]];
    lines[0].extend(forms.map(String::from));
    lines[0].extend(["forward", "reverse", "digits, multiplied out", "digits, forward"].map(String::from));
    for n in [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0] {
        let size = |curve: &Vec<(f64, f64)>| at(curve, n).map_or("refused".to_string(), |size| size.to_string());
        let digits = |curve: &[(f64, f64)]| at(curve, n).map_or("–".to_string(), |digits| format!("{digits:.0}"));
        let line = [vec![n.to_string()], sizes.iter().map(size).collect(), vec![digits(&expanded), digits(&forward)]];
        lines.push(line.concat());
    }
    holds("expression_swell", &lines);
}

/// At a kink methods answer by convention; on a staircase exact derivatives are 0, which stops an optimizer at once.
#[test]
fn where_there_is_no_derivative() {
    let lab = Lab::with_shipped();
    lab.run(&["experiments/not_differentiable.toml", "--out", "."]).ends(0);
    let gradients = lab.table("not_differentiable/gradients.csv");
    let answer = |formula: &str, method: &str, x: f64| -> f64 {
        let rows = gradients.only("simulator.outputs.y", formula).only("differentiation", method);
        let place = rows.numbers("value").iter().position(|value| (value - x).abs() < 1e-9);
        rows.numbers("derivative")[place.unwrap_or_else(|| panic!("{formula} at {x}"))]
    };
    let methods =
        ["forward_difference", "central_difference", "richardson", "complex_step", "symbolic", "forward", "reverse"];
    let (kink, stairs, rounded) = ("abs(x - 0.75)", "floor(4*abs(x - 0.75))/4", "(round(4*x)/4 - 0.75)^2");
    let smooth = "sqrt((x - 0.75)^2 + 1e-4)";
    let mut lines = vec![cells([
        "method",
        "abs, at the kink",
        "below it",
        "stairs, on a step",
        "0.05 from a step",
        "smooth, at the middle",
    ])];
    for method in methods {
        let found = [
            answer(kink, method, 0.75),
            answer(kink, method, 0.5),
            answer(stairs, method, 0.5),
            answer(stairs, method, 0.95),
            answer(smooth, method, 0.75),
        ];
        let near = |x: f64, y: f64| (x - y).abs() < 1e-6;
        assert!(near(found[1], -1.0), "{method}: {found:?}");
        // The extrapolation starts from a step of a tenth, which reaches over the edge.
        assert!((found[3] == 0.0) == (method != "richardson"), "{method}: {found:?}");
        match method {
            "forward_difference" => assert!(near(found[0], 1.0) && found[2] < -1e6, "{found:?}"),
            "central_difference" | "richardson" => assert!(near(found[0], 0.0) && found[2] < -1.0, "{found:?}"),
            _ => assert!(found[0].abs() <= 1.0 && found[2] == 0.0 && found[4] == 0.0, "{method}: {found:?}"),
        }
        lines.push([vec![method.to_string()], found.iter().map(|x| short(*x)).collect()].concat());
    }
    holds("not_differentiable", &lines);

    let runs = lab.table("not_differentiable/runs.csv").only("simulator.outputs.y", rounded).only("repeat", "0");
    let mut lines = vec![cells(["optimizer", "differentiation", "status", "x", "loss"])];
    let start = 1.75 * 1.75;
    for (i, row) in runs.rows.iter().enumerate() {
        let (optimizer, method) = (runs.column("optimizer")[i], runs.column("differentiation")[i]);
        let loss = runs.numbers("loss")[i];
        match optimizer {
            "gradient_descent" | "lbfgs" => {
                assert_eq!((loss, runs.column("status")[i]), (start, "converged"), "{row:?}")
            }
            // Its simplex comes to lie on one stair.
            "nelder_mead" => assert!(loss > 1.0 && loss < start, "{row:?}"),
            _ => assert_eq!(loss, 0.0, "{row:?}"),
        }
        if ["", "reverse"].contains(&method) {
            let x = short(runs.numbers("x")[i]);
            lines.push(cells([optimizer, method, runs.column("status")[i], &x, &short(loss)]));
        }
    }
    holds("optimizers", &lines);
}

/// Three digits.
fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_string();
    }
    if (1e-3..1e4).contains(&x.abs()) { format!("{}", (x * 1000.0).round() / 1000.0) } else { format!("{x:.2e}") }
}

/// Forward mode pays for inputs, reverse mode for outputs: each is the cheaper one where the other has more to do.
#[test]
fn forward_goes_by_columns_and_reverse_by_rows() {
    let (lab, table) = derivatives("forward_vs_reverse");
    let cost = |method: &str, inputs: f64, outputs: f64| -> f64 {
        let rows = table.only("differentiation", method);
        let (n, m, operations) = (rows.numbers("parameters"), rows.numbers("outputs"), rows.numbers("operations"));
        let place = (0..n.len()).find(|i| n[*i] == inputs && m[*i] == outputs);
        operations[place.unwrap_or_else(|| panic!("{method} of {outputs} outputs in {inputs} inputs"))]
    };
    let mut lines = vec![cells(["n", "m", "forward_difference", "complex_step", "forward", "reverse"])];
    let (sizes, counts) = ([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    let mut winners = [0, 0];
    for n in sizes {
        for m in counts {
            let [forward, reverse] = ["forward", "reverse"].map(|method| cost(method, n, m));
            if n >= 4.0 * m && n > 1.0 {
                assert!(reverse < forward, "n = {n}, m = {m}: {forward} and {reverse}");
                winners[1] += 1;
            }
            if m >= 4.0 * n {
                assert!(forward < reverse, "n = {n}, m = {m}: {forward} and {reverse}");
                winners[0] += 1;
            }
            if [1.0, 8.0, 64.0].contains(&n) && [1.0, 8.0, 32.0].contains(&m) {
                let found = ["forward_difference", "complex_step"].map(|method| cost(method, n, m));
                let all = [n, m, found[0], found[1], forward, reverse];
                lines.push(all.iter().map(f64::to_string).collect());
            }
        }
    }
    assert!(winners.iter().all(|count| *count > 5), "{winners:?}");
    // With one tangent or one sweep more the cost of all n or m grows in proportion.
    assert!(cost("forward", 64.0, 8.0) > 5.0 * cost("forward", 8.0, 8.0));
    assert!(cost("reverse", 8.0, 32.0) > 3.0 * cost("reverse", 8.0, 8.0));
    let digits = table.only("differentiation", "reverse").numbers("digits");
    assert!(digits.iter().all(|digits| *digits > 14.0), "{digits:?}");
    assert!(!lab.path("forward_vs_reverse/gradients.csv").exists(), "a Jacobian has no gradients");
    assert!(lab.read("forward_vs_reverse/cost.svg").contains("time of the Jacobian"));
    holds("forward_vs_reverse", &lines);
}
