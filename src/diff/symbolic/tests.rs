//! Every rule fires and keeps the value; every form differentiates right, counts what it is, and is refused in time.

use std::sync::Arc;

use super::simplify::{self, Head, RULES, Rule};
use super::*;
use crate::diagnostic::Source;
use crate::diff::reference::{self, Reference};
use crate::diff::{Method, Objective, Options};
use crate::engine::{Rows, Workspace};
use crate::language::lower::{self, Meaning, Scope};
use crate::language::tree::{Form as Shape, Text};
use crate::math::precise::Real;
use crate::math::random::Stream;

const NUMBERS: [(&str, f64); 2] = [("c", 2.5), ("d", -0.75)];

/// x, y, z and u as inputs, c and d as numbers; under Σ x is a column.
fn lowered(b: &mut Builder, formula: &str, summed: bool) -> Value {
    let (negative, inner) = match formula.strip_prefix('-') {
        Some(rest) if rest.starts_with('Σ') => (true, rest),
        _ => (false, formula),
    };
    if let Some((before, rest)) = inner.split_once("Σ(") {
        let (operand, after) = rest.split_once(')').expect("closed");
        let operand = lowered(b, operand, true);
        let total = b.sum(operand);
        let whole = match (before, after) {
            ("u*", "") => {
                let u = b.input(3);
                b.multiply(u, total)
            }
            ("", "/u") => {
                let u = b.input(3);
                b.divide(total, u)
            }
            _ => total,
        };
        return if negative { b.negate(whole) } else { whole };
    }
    let source = Arc::new(Source { name: "rule".into(), text: formula.into() });
    let text = Arc::new(Text::plain(Arc::clone(&source), 0..formula.len()));
    let mut faults = Vec::new();
    let formula = crate::language::expression(&text, &mut faults).expect("a formula");
    let mut scope = Scope::default();
    for (k, name) in ["x", "y", "z", "u"].into_iter().enumerate() {
        let value = if summed && name == "x" { b.column(0) } else { b.input(k) };
        scope.insert(name, Meaning::Scalar(value));
    }
    for (name, number) in NUMBERS {
        scope.insert(name, Meaning::Scalar(b.constant(number)));
    }
    lower::expression(&formula, &scope, b, &mut faults).expect("lowered")
}

/// The operands of the operation on the left side of a rule, each lowered by itself.
fn operands(b: &mut Builder, rule: &Rule) -> (Value, Value) {
    let left = rule.formula.split(" = ").next().expect("two sides");
    if let Some(inner) = left.strip_prefix("Σ(") {
        let operand = lowered(b, inner.strip_suffix(')').expect("closed"), true);
        return (operand, operand);
    }
    let source = Arc::new(Source { name: "rule".into(), text: left.into() });
    let text = Arc::new(Text::plain(source, 0..left.len()));
    let formula = crate::language::expression(&text, &mut Vec::new()).expect("a formula");
    let mut side = |span: &std::ops::Range<usize>| lowered(b, &left[span.clone()], false);
    match &formula.tree.form {
        Shape::Binary { left, right, .. } => (side(&left.span), side(&right.span)),
        form => panic!("{form:?} is no operation on two operands"),
    }
}

#[test]
fn every_rule_fires_and_keeps_the_value() {
    let mut stream = Stream::at(1, "rules", "point", 0);
    for rule in RULES {
        let mut b = Builder::new();
        let (x, y) = operands(&mut b, rule);
        let plain = match rule.head {
            Head::Add => b.add(x, y),
            Head::Subtract => b.subtract(x, y),
            Head::Multiply => b.multiply(x, y),
            Head::Divide => b.divide(x, y),
            Head::Sum => b.sum(x),
        };
        let made = (rule.rewrite)(&mut b, x, y).or_else(|| (rule.rewrite)(&mut b, y, x));
        let made = made.unwrap_or_else(|| panic!("{} does not fire", rule.formula));
        let first = match rule.head {
            Head::Add => simplify::add(&mut b, x, y),
            Head::Subtract => simplify::subtract(&mut b, x, y),
            Head::Multiply => simplify::multiply(&mut b, x, y),
            Head::Divide => simplify::divide(&mut b, x, y),
            Head::Sum => simplify::sum(&mut b, x),
        };
        assert_eq!(first, made, "{}: another rule comes first", rule.formula);
        let right = lowered(&mut b, rule.formula.split(" = ").nth(1).expect("two sides"), false);
        for _ in 0..20 {
            let point: Vec<f64> = (0..4).map(|_| 0.1 + 3.0 * stream.uniform()).collect();
            let columns = [(0..5).map(|_| stream.uniform() - 0.3).collect::<Vec<f64>>()];
            let exact: Vec<Real> = point.iter().map(|x| Real::from_f64(*x)).collect();
            let sides = b.finish(&[plain, made, right], 4, 1);
            // A value that is the same for every row is asked for as such: one row.
            let values = reference::values(&sides, &exact, &columns, 5);
            for side in &values[1..] {
                let error = side.subtract(&values[0]).to_f64().abs();
                assert!(error <= 1e-45 * values[0].to_f64().abs().max(1.0), "{}: {error:e}", rule.formula);
            }
            let kernel = crate::engine::Kernel::new(&sides, &Rows::new(&columns, 5));
            let mut found = [0.0; 3];
            kernel.evaluate(&point, &mut Workspace::default(), &mut found);
            let want = values[0].to_f64();
            assert!((found[1] - want).abs() <= 1e-14 * want.abs().max(1.0), "{}: {found:?}", rule.formula);
        }
    }
}

#[test]
fn the_page_shows_the_rules() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/differentiation.md");
    let text = std::fs::read_to_string(page).unwrap();
    let table = text.split("<!-- rules").nth(1).unwrap().split("<!-- end").next().unwrap();
    let shown: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix("` |")).collect();
    assert_eq!(shown, RULES.iter().map(|rule| rule.formula).collect::<Vec<_>>());
}

fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for sharing in Sharing::ALL {
        for (expand, simplify) in [(false, true), (false, false), (true, true), (true, false)] {
            forms.push(Form { sharing, expand, simplify, ..Form::default() });
        }
    }
    forms
}

/// l_{n+1} = 4 l_n (1 - l_n) from x: the table 1 of Baydin et al. 2018.
fn logistic(n: usize) -> Program {
    let mut b = Builder::new();
    let mut l = b.input(0);
    for _ in 1..n {
        let one = b.constant(1.0);
        let rest = b.subtract(one, l);
        let four = b.scale(4.0, l);
        l = b.multiply(four, rest);
    }
    b.finish(&[l], 1, 0)
}

fn nodes(n: usize, form: &Form) -> Result<usize, String> {
    gradient(&logistic(n), form).map(|program| program.nodes.len())
}

#[test]
fn every_form_differentiates_the_logistic_map() {
    for form in forms() {
        for n in 1..=6 {
            let program = logistic(n);
            let options = Options { symbolic: form, ..Options::default() };
            let objective = Objective::new(&program, &Rows::new(&[], 1), Method::Symbolic, &options).unwrap();
            let mut slope = [0.0];
            objective.gradient(&[0.2], &mut Workspace::default(), &mut slope);
            let exact = Reference::new(&program, &[], 1).gradient(&[0.2])[0];
            // Multiplied out it cancels.
            let tolerance = if form.expand { 1e-5 } else { 1e-14 };
            assert!((slope[0] - exact).abs() <= tolerance * exact.abs(), "{form:?} {n}: {} for {exact}", slope[0]);
        }
    }
}

#[test]
fn the_expanded_derivative_is_the_polynomial() {
    // 64(1 - 42x + 504x² - 2640x³ + 7040x⁴ - 9984x⁵ + 7168x⁶ - 2048x⁷), the last entry of the table.
    let form = Form { expand: true, ..Form::default() };
    let program = gradient(&logistic(4), &form).unwrap();
    let mut constants: Vec<f64> = program.nodes.iter().filter_map(Node::constant).filter(|c| c.abs() > 60.0).collect();
    constants.sort_by(f64::total_cmp);
    let want = [64.0, 2688.0, 32256.0, 168960.0, 450560.0, 638976.0, 458752.0, 131072.0];
    let mut want = want.to_vec();
    want.sort_by(f64::total_cmp);
    assert_eq!(constants, want);
    assert!(!program.nodes.iter().any(|node| matches!(node, Node::Apply(Operator::Negate, _))));
}

#[test]
fn trees_grow_and_graphs_do_not() {
    let tree = |simplify| Form { sharing: Sharing::None, simplify, ..Form::default() };
    let shared = |sharing| Form { sharing, ..Form::default() };
    let of = |form: &Form, n| nodes(n, form).unwrap();
    // Each further iterate more than doubles the tree, and adds a few nodes to the graph.
    for n in 3..=8 {
        assert!(of(&tree(true), n + 1) > 2 * of(&tree(true), n));
        assert!(of(&tree(true), n) <= of(&tree(false), n), "{n}: {} and {}", of(&tree(true), n), of(&tree(false), n));
        let steps = of(&shared(Sharing::Throughout), n + 1) - of(&shared(Sharing::Throughout), n);
        assert!(steps <= 10, "{steps}");
        assert!(of(&shared(Sharing::After), n) <= of(&tree(true), n));
    }
    // Where a tree is refused a graph is not.
    assert_eq!(nodes(40, &tree(true)), Err(too_large(200_000)));
    assert_eq!(nodes(40, &shared(Sharing::After)), Err(too_large(200_000)));
    assert!(nodes(40, &Form::default()).is_ok());
    assert!(nodes(40, &Form { expand: true, ..Form::default() }).is_err());
    assert_eq!(nodes(40, &Form { limit: 100, ..Form::default() }), Err(too_large(100)));
}

#[test]
fn a_tree_uses_no_node_twice() {
    let program = gradient(&logistic(5), &Form { sharing: Sharing::None, ..Form::default() }).unwrap();
    let mut uses = vec![0; program.nodes.len()];
    program.outputs.iter().for_each(|v| uses[v.index()] += 1);
    for node in &program.nodes {
        node.operands().iter().for_each(|v| uses[v.index()] += 1);
    }
    assert!(uses.iter().all(|uses| *uses == 1));
}

#[test]
fn names_say_what_differs_from_the_default() {
    assert_eq!(Form::default().of("symbolic"), "symbolic");
    assert_eq!(Form { limit: 7, ..Form::default() }.of("symbolic"), "symbolic");
    let form = Form { sharing: Sharing::After, expand: true, ..Form::default() };
    assert_eq!(form.of("symbolic"), "symbolic(sharing=after expand)");
    assert_eq!(form.of("reverse"), "reverse");
    let form = Form { sharing: Sharing::None, simplify: false, ..Form::default() };
    assert_eq!(form.of("symbolic"), "symbolic(sharing=none simplify=false)");
}
