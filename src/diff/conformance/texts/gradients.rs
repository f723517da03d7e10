//! Derivatives of written programs by every exact method, against the reference.
//!
//! Loops counted, nested and bounded, branches on parameters and on data, vectors read and written, sums over ranges,
//! functions: what `agreement` calls right, on programs that came through the parser and the lowering.

use std::panic::catch_unwind;

use super::super::agreement::{Found, Outcome, by_objective, compare, summary};
use super::super::no_faults;
use super::writer::{Style, write};
use super::{COLUMNS, INPUTS, Random, lowered, rewrite};
use crate::diff::{Method, reverse};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, LoopKind, Node, Operator, Program, Value};

/// 10 000 programs at release speed, fewer where the compiler does not optimise; `PROPTEST_CASES` says otherwise.
fn cases() -> u64 {
    let stated = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    stated.unwrap_or(if cfg!(debug_assertions) { 400 } else { 10_000 })
}

/// In so many tests, which run beside each other.
const PARTS: u64 = 4;

const ROWS: usize = 2;

/// The sum of `y` over the rows.
fn summed(program: &Program) -> Program {
    let mut b = Builder::extend(program);
    let total = b.sum(program.outputs[0]);
    b.finish(&[total], INPUTS, COLUMNS.len())
}

/// The program of a seed, with its text, a point and the data.
struct Case {
    text: String,
    program: Program,
    point: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

fn case(seed: u64) -> Case {
    let text = write(seed, Style::Smooth);
    let program = summed(&lowered(&text).unwrap_or_else(|faults| panic!("{faults}")));
    let mut random = Random(seed ^ 0x5851_f42d_4c95_7f2d);
    let mut draws = |count: usize| (0..count).map(|_| 4.0 * random.unit() - 2.0).collect::<Vec<f64>>();
    let point = draws(INPUTS);
    let columns = COLUMNS.iter().map(|_| draws(ROWS)).collect();
    Case { text, program, point, columns }
}

fn part(part: u64) {
    let (mut outcomes, mut faults) = (Vec::new(), Vec::new());
    for seed in (0..cases()).filter(|seed| seed % PARTS == part) {
        let Case { text, program, point, columns } = case(seed);
        let compared = catch_unwind(|| compare(&program, &point, &columns, by_objective));
        match compared.unwrap_or_else(|_| Err("it panics\n".into())) {
            Ok(outcome) => outcomes.push(outcome),
            Err(fault) => faults.push(format!("program {seed}:\n{text}{fault}")),
        }
    }
    // The shortest program says most.
    faults.sort_by_key(String::len);
    faults.truncate(3);
    no_faults(&faults);
    // In the others a variable of a loop is compared with a number, and rounding decides; or numbers overflow.
    summary(&outcomes, 70);
}

#[test]
fn exact_methods_agree_first_part() {
    part(0);
}

#[test]
fn exact_methods_agree_second_part() {
    part(1);
}

#[test]
fn exact_methods_agree_third_part() {
    part(2);
}

#[test]
fn exact_methods_agree_fourth_part() {
    part(3);
}

/// Written out, the loop is open to a rewriting that changes last bits; all methods have the value of the loop.
#[test]
fn a_loop_written_out_keeps_the_bits_of_the_value() {
    let text = "x = sin(t)\nfor i in range(4):\n    x = u + x / a * (x / b)\ny = x / c\n";
    let program = summed(&lowered(text).unwrap());
    for seed in 0..20 {
        let Case { point, columns, .. } = case(seed);
        compare(&program, &point, &columns, by_objective).unwrap();
    }
}

/// A node of a backward loop's body replaced by something else.
type Rule = fn(&mut Builder, &Node) -> Option<Value>;

/// Reverse mode with a wrong rule in the bodies of its backward loops.
fn wrong_reverse(rule: Rule, method: Method, program: &Program, rows: &Rows, point: &[f64]) -> Option<Found> {
    if method != Method::Reverse {
        return by_objective(method, program, rows, point);
    }
    let backward = |b: &mut Builder, node: &Node, of: Option<LoopKind>| match of {
        Some(LoopKind::Backward) => rule(b, node),
        _ => None,
    };
    let derivative = rewrite(&reverse::gradient(program), &backward);
    let mut results = vec![0.0; point.len() + 1];
    Kernel::new(&derivative, rows).evaluate(point, &mut Workspace::default(), &mut results);
    Some((results[0], results.split_off(1)))
}

/// Rules that forget something in a loop, at a branch, in a vector are found.
#[test]
fn wrong_rules_of_loops_branches_and_vectors_are_found() {
    let rules: [(&str, Rule); 6] = [
        ("nothing", |_, _| None),
        ("the derivative of a sine in a loop", |b, node| match *node {
            Node::Apply(Operator::Cos, [x, ..]) => Some(b.unary(Operator::Sin, x)),
            _ => None,
        }),
        ("what earlier steps gave to a captured value", |b, node| match *node {
            Node::Apply(Operator::Add, [x, y, _]) if matches!(b.node(x), Node::Input(_)) => Some(y),
            _ => None,
        }),
        ("the mask of a branch", |b, node| match *node {
            Node::Apply(Operator::Select, [_, x, y]) if b.known(y) == Some(0.0) => Some(x),
            _ => None,
        }),
        ("the adjoint of an element that was overwritten", |b, node| match *node {
            Node::Replace { vector, element, .. } if b.known(element) == Some(0.0) => Some(vector),
            _ => None,
        }),
        ("what an element's adjoint was before", |b, node| match *node {
            Node::Replace { vector, index, element } => match *b.node(element) {
                Node::Apply(Operator::Add, [x, y, _]) if matches!(b.node(x), Node::Element { .. }) => {
                    Some(b.replace(vector, index, y))
                }
                _ => None,
            },
            _ => None,
        }),
    ];
    let cases: Vec<Case> = (0..200).map(case).collect();
    for (name, rule) in rules {
        let is_found = cases.iter().any(|case| {
            let found = |method, program: &Program, rows: &Rows, point: &[f64]| {
                wrong_reverse(rule, method, program, rows, point)
            };
            let outcome: Result<Outcome, String> = compare(&case.program, &case.point, &case.columns, found);
            // Another value would not be the derivative's fault.
            matches!(outcome, Err(fault) if fault.starts_with("Reverse in"))
        });
        assert_eq!(is_found, name != "nothing", "{name}");
    }
}
