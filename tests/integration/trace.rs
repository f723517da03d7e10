//! The evaluation trace: the survey's worked example to every printed digit, loops and branches, graph and picture.

use std::collections::HashSet;

use crate::tool::{Lab, Table};

/// The numbers of a column, by the name in another one.
fn named(table: &Table, key: &str, column: &str) -> Vec<(String, f64)> {
    table.column(key).into_iter().map(String::from).zip(table.numbers(column)).collect()
}

#[track_caller]
fn rounded(found: &[(String, f64)], expected: &[(&str, f64)]) {
    let found: Vec<(&str, f64)> =
        found.iter().map(|(name, x)| (name.as_str(), (x * 1000.0).round() / 1000.0)).collect();
    assert_eq!(found, expected);
}

/// Baydin, Pearlmutter, Radul & Siskind 2018, table 2: y = ln x1 + x1 x2 - sin x2 at (2, 5), forward, for x1.
#[test]
fn the_forward_table_of_the_worked_example() {
    let lab = Lab::with_shipped();
    let ran = lab.run(&["trace", "experiments/trace_example.toml"]).ends(0);
    let table = lab.table("results/trace_example/trace_forward.csv");
    let values = named(&table, "name", "value");
    rounded(
        &values,
        &[
            ("v-1", 2.0),
            ("v0", 5.0),
            ("v1", 0.693),
            ("v2", 10.0),
            ("v3", -0.959),
            ("v4", 10.693),
            ("v5", 11.652),
            ("y", 11.652),
        ],
    );
    let expressions = ["x1", "x2", "ln v-1", "v-1 * v0", "sin v0", "v1 + v2", "v4 - v3", "v5"];
    assert_eq!(table.column("expression"), expressions);
    let tangents: Vec<f64> = table.numbers("d/d x1");
    assert_eq!(tangents, [1.0, 0.0, 0.5, 5.0, 0.0, 5.5, 5.5, 5.5]);
    for words in ["ln v-1", "0.693147", "11.6521", "5.5", "1.71634"] {
        assert!(ran.out.contains(words), "{words} in\n{}", ran.out);
    }
    assert!(!lab.path("results/trace_example/trace.csv").exists(), "that is the optimizers' trace");
}

/// The derivatives as formulas, pasted back: the formula of a derivative has its value.
#[test]
fn formulas_can_be_pasted_back() {
    let lab = Lab::with_shipped();
    let ran = lab.run(&["trace", "experiments/trace_example.toml", "--symbolic"]).ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[1], "dy/dx1 = 1/x1 + x2");
    assert!(lines[0].starts_with("y = ") && lines.len() == 3, "{}", ran.out);
    let shipped = lab.read("experiments/trace_example.toml");
    let hard = [
        "log(x1) + x1*x2 - sin(x2)",
        "min(x1, 7 - x2)**1.5 + abs(x1 - x2)*hypot(x1, x2) if x1 < x2 else x1",
        "sqrt(x1*x2)/(1 + exp(-x1)) - x1**x2 + (x1 % 3)*softplus(-x2)",
    ];
    for formula in hard {
        for form in ["sharing = \"none\"", "expand = true", "simplify = false", "sharing = \"after\""] {
            let model = shipped.replace("log(x1) + x1*x2 - sin(x2)", formula);
            let model = model.replace("compare = {", &format!("symbolic = {{ {form} }}\ncompare = {{"));
            lab.write("model.toml", &model);
            let ran = lab.run(&["trace", "model.toml", "--symbolic"]).ends(0);
            let gradient = Table::read(&lab.run(&["gradient", "model.toml"]).ends(0).out).only("method", "reverse");
            for (line, want) in ran.out.lines().skip(1).zip(gradient.numbers("derivative")) {
                let derivative = line.split_once(" = ").expect("a formula").1;
                lab.write("pasted.toml", shipped.replace("log(x1) + x1*x2 - sin(x2)", derivative));
                let pasted = Table::read(&lab.run(&["simulate", "pasted.toml"]).ends(0).out);
                let found = pasted.numbers("y")[0];
                assert!((found - want).abs() <= 1e-12 * want.abs().max(1.0), "{line}: {found}, not {want}");
            }
        }
    }
    // Sums over the rows are said to be such.
    let ran = lab.run(&["trace", "experiments/half_life.toml", "--symbolic", "--loss"]).ends(0);
    assert!(ran.out.contains("Σ(") && ran.out.contains("Σ is the sum over the rows"), "{}", ran.out);
}

/// Table 3 of the same: the adjoints in the order of the sweep.
#[test]
fn the_reverse_table_of_the_worked_example() {
    let lab = Lab::with_shipped();
    lab.run(&["trace", "experiments/trace_example.toml", "--out", "here"]).ends(0);
    let table = lab.table("here/trace_example/trace_reverse.csv");
    rounded(
        &named(&table, "name", "adjoint"),
        &[
            ("v5", 1.0),
            ("v4", 1.0),
            ("v3", -1.0),
            ("v1", 1.0),
            ("v2", 1.0),
            ("v0", -0.284),
            ("v-1", 5.0),
            ("v0", 1.716),
            ("v-1", 5.5),
        ],
    );
    assert_eq!(table.column("partial"), ["1", "1", "-1", "1", "1", "cos v0", "v0", "v-1", "1 / v-1"]);
}

/// The loss of the worked example is its output, and so are the derivatives of every method.
#[test]
fn an_experiment_without_data_has_a_loss_and_derivatives() {
    let lab = Lab::with_shipped();
    let ran = lab.run(&["gradient", "experiments/trace_example.toml"]).ends(0);
    let table = Table::read(&ran.out);
    assert_eq!(table.rows.len(), 12);
    for (parameter, derivative) in [("x1", 5.5), ("x2", 1.7163378145367738)] {
        for found in table.only("parameter", parameter).numbers("derivative") {
            assert!((found - derivative).abs() < 1e-6 * derivative, "{parameter}: {found}");
        }
    }
    assert!(table.numbers("loss").iter().all(|loss| (loss - 11.652071455223084).abs() < 1e-14));
    let observed = lab.run(&["check", "experiments/trace_example.toml", "--set", "loss.expression=observed^2"]).ends(2);
    assert!(observed.err.contains("there is no `[data]`"), "{}", observed.err);
    let fisher = ["check", "experiments/trace_example.toml", "--set", "intervals.methods=[\"fisher\"]"];
    assert!(lab.run(&fisher).ends(2).err.contains("states no law of the data"));
}

/// A loss by formula is the loss that it spells out.
#[test]
fn an_expression_of_the_data_is_a_loss() {
    let lab = Lab::with_shipped();
    let path = "experiments/thorium_deposit.toml";
    let text = lab.read(path);
    let kind = text.lines().find(|line| line.trim_start().starts_with("kind") && line.contains("least_squares"));
    let kind = kind.expect("the shipped experiment is fitted by least squares");
    lab.write(
        "experiments/other.toml",
        text.replace(kind, "kind = \"expression\"\nexpression = \"(observed - predicted)^2\""),
    );
    let set = "intervals.methods=[\"hessian\"]";
    let gradient = |path: &str| lab.run(&["gradient", path, "--set", set]).ends(0).out;
    assert_eq!(gradient(path), gradient("experiments/other.toml"));
}

const LOOP: &str = r#"
[simulator]
kind = "program"
program = '''
s = a
for i in range(3):
    if s > 2:
        s = s - b
    else:
        s = s*s + i
y = s
'''
[parameters]
a = { prior = "uniform(0, 10)", start = 1.5 }
b = { prior = "uniform(0, 10)", start = 1 }
[loss]
kind = "expression"
expression = "predicted"
[differentiation]
methods = ["reverse"]
compare = { points = 1 }
"#;

/// The side of a branch that is not taken leaves no step: s goes 1.5, 2.25, 1.25, 3.5625.
#[test]
fn loops_are_written_out_and_branches_followed() {
    let lab = Lab::new();
    lab.write("loop.toml", LOOP);
    let ran = lab.run(&["trace", "loop.toml"]).ends(0);
    let table = lab.table("results/loop/trace_forward.csv");
    let steps = table.only("is", "step");
    assert_eq!(
        steps.column("expression"),
        [
            "v-1 > 2",
            "v-1 * v-1",
            "v2 as not v1",
            "v3 > 2",
            "v3 - v0",
            "v5 as v4",
            "v6 > 2",
            "v6 * v6",
            "2 + v8",
            "v9 as not v7"
        ],
        "{}",
        ran.out
    );
    assert_eq!(steps.column("iteration"), ["0", "0", "0", "1", "1", "1", "2", "2", "2", "2"]);
    let last = table.only("is", "output");
    assert_eq!(last.numbers("value"), [3.5625]);
    // 2 s₂ · 2 a and -2 s₂.
    assert_eq!((last.numbers("d/d a"), last.numbers("d/d b")), (vec![7.5], vec![-2.5]));
    let gradient = Table::read(&lab.run(&["gradient", "loop.toml"]).ends(0).out);
    assert_eq!(gradient.numbers("derivative"), [7.5, -2.5]);
}

/// What the forward and the reverse table end with is what the methods say, for outputs of programs and for losses.
#[test]
fn tangents_and_adjoints_agree_with_the_methods() {
    let lab = Lab::with_shipped();
    for name in ["half_life", "predator_prey"] {
        let path = format!("experiments/{name}.toml");
        let set = ["--set", "constants.n=5", "--set", "data.synthetic.inputs.row={from=0, to=4, count=5}"];
        let small: &[&str] = if name == "predator_prey" { &set } else { &[] };
        lab.run(&[&["trace", path.as_str(), "--loss", "--steps", "100000"], small].concat()).ends(0);
        let methods = ["--set", "differentiation.methods=[\"reverse\"]"];
        let gradient = lab.run(&[&["gradient", path.as_str()], small, &methods[..]].concat()).ends(0).out;
        let gradient = Table::read(&gradient);
        let forward = lab.table(&format!("results/{name}/trace_forward.csv"));
        let reverse = lab.table(&format!("results/{name}/trace_reverse.csv"));
        let output = forward.only("is", "output");
        assert!(forward.rows.len() > 100);
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-10 * b.abs();
        for (k, parameter) in gradient.column("parameter").into_iter().enumerate() {
            let derivative = gradient.numbers("derivative")[k];
            let tangent = output.numbers(&format!("d/d {parameter}"))[0];
            let adjoint = *reverse.only("is", parameter).numbers("adjoint").last().unwrap();
            assert!(close(tangent, derivative) && close(adjoint, derivative), "{name} {parameter}: {derivative}");
        }
        assert!(close(output.numbers("value")[0], gradient.numbers("loss")[0]), "{name}");
    }
}

/// The side of a maximum that is not taken has no part in a slope, also where it is infinitely steep.
#[test]
fn a_side_not_taken_has_no_slope() {
    let lab = Lab::with_shipped();
    let set = "simulator.outputs.y=max(sqrt(x1 - 2), 1) * x2";
    lab.run(&["trace", "experiments/trace_example.toml", "--at", "x1=2,x2=5", "--set", set]).ends(0);
    let forward = lab.table("results/trace_example/trace_forward.csv");
    let output = forward.only("is", "output");
    assert_eq!(output.numbers("value"), [5.0]);
    assert_eq!(output.column("d/d x1").concat().parse::<f64>().unwrap_or(0.0), 0.0);
    assert_eq!(output.numbers("d/d x2"), [1.0]);
    let reverse = lab.table("results/trace_example/trace_reverse.csv");
    assert!(reverse.numbers("adjoint").iter().all(|adjoint| adjoint.is_finite()));
}

#[test]
fn a_long_trace_says_how_much_is_left_out() {
    let lab = Lab::with_shipped();
    let arguments = ["trace", "experiments/predator_prey.toml", "--row", "20", "--steps", "30"];
    let ran = lab.run(&arguments).ends(0);
    assert!(ran.out.contains("more steps are left out"), "{}", ran.out);
    let table = lab.table("results/predator_prey/trace_forward.csv");
    assert_eq!(table.only("is", "step").rows.len(), 30);
    graph(&lab.read("results/predator_prey/graph.dot"));
    picture(&lab.read("results/predator_prey/graph.svg"));
}

#[test]
fn the_graph_names_what_its_edges_join() {
    let lab = Lab::with_shipped();
    lab.run(&["trace", "experiments/trace_example.toml"]).ends(0);
    let (nodes, edges) = graph(&lab.read("results/trace_example/graph.dot"));
    assert_eq!((nodes, edges), (8, 9));
    picture(&lab.read("results/trace_example/graph.svg"));
}

/// Nodes and edges of a graph, every edge between nodes that are declared.
#[track_caller]
fn graph(text: &str) -> (usize, usize) {
    let inner = text.trim().strip_prefix("digraph trace {").and_then(|rest| rest.strip_suffix('}')).expect("a graph");
    let mut nodes = HashSet::new();
    let mut edges = Vec::new();
    for line in inner.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        assert!(line.ends_with(';') && line.matches('"').count() % 2 == 0, "{line}");
        assert_eq!(line.matches('[').count() > 0, line.contains("];"), "{line}");
        let head = line.split(['[', ';']).next().unwrap().trim();
        match head.split_once(" -> ") {
            Some((from, to)) => edges.push((from.to_string(), to.to_string())),
            None if head == "node" || head.contains('=') => {}
            None => assert!(nodes.insert(head.to_string()), "{head} is declared twice"),
        }
    }
    for (from, to) in &edges {
        assert!(nodes.contains(from) && nodes.contains(to), "{from} -> {to}");
    }
    (nodes.len(), edges.len())
}

/// Every tag of the picture is closed, in order, and no number is not one.
#[track_caller]
fn picture(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, rest) = tag.split_once('>').expect("a tag ends");
        assert!(!rest.contains('>') && !tag.contains("NaN") && !tag.contains("inf"), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap()),
        }
    }
    assert!(open.is_empty() && text.starts_with("<svg"), "{open:?}");
}

#[test]
fn what_cannot_be_traced_is_said() {
    let lab = Lab::with_shipped();
    let path = "experiments/trace_example.toml";
    let ran = lab.run(&["trace", path, "--at", "nonsense=1"]).ends(2);
    assert!(ran.err.contains("no free parameter is called `nonsense`"), "{}", ran.err);
    assert!(ran.err.contains("x1, x2"), "{}", ran.err);
    let ran = lab.run(&["trace", path, "--row", "1"]).ends(2);
    assert!(ran.err.contains("--row 1"), "{}", ran.err);
    lab.run(&["trace", path, "--row", "1", "--loss"]).ends(2);
    assert!(!lab.path("results").exists());
}

/// Without a law of the data there is no expected information: the intervals are by the observed one.
#[test]
fn intervals_of_an_expression_are_by_its_curvature() {
    let lab = Lab::with_shipped();
    let text = LOOP.split_once("[parameters]").unwrap().1;
    let simulator = "[simulator]\nkind = \"formula\"\noutputs.y = \"2*(a - 3)^2 + (b - 1)^2/2\"\n";
    let text = format!("{simulator}[parameters]{text}\n[[optimizer]]\nmethod = \"lbfgs\"\n");
    lab.write("bowl.toml", text);
    lab.run(&["bowl.toml", "--quiet"]).ends(0);
    let table = lab.table("results/bowl/intervals.csv");
    assert_eq!(table.column("method"), ["hessian", "hessian"]);
    for (found, error) in table.numbers("standard_error").into_iter().zip([0.5, 1.0]) {
        assert!((found - error).abs() < 1e-6, "{found}");
    }
}
