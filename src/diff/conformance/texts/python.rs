//! Values of programs against CPython, through lowering and the engine. Skipped, with a word, without `python3`.
//!
//! **How close is close.** Arithmetic gives the same bits (zeros of either sign are the same: Python's whole numbers have
//! no negative one). The elementary functions are not rounded alike by any two libraries: the script runs each program
//! again with the results of its functions perturbed by 2^-50 of their value, 8 units of roundoff, and a value may be as
//! far from Python's as `REACH` times the farthest of those. Where Python raises an exception there is no
//! value to compare; what is documented of such places is in `refused`.

use std::io::Write;
use std::process::{Command, Stdio};

use super::writer::{Style, write};
use super::{lowered, rewrite};
use crate::diff::conformance::no_faults;
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Node, Operator, Program, Value};

const SCRIPT: &str = include_str!("values.py");

/// In units of the spread that Python's own library shows when it is perturbed.
const REACH: f64 = 4.0;

const POINTS: [[f64; 6]; 2] = [[0.75, -1.25, 2.5, 0.5, -1.5, 3.0], [-0.4, 0.9, -1.7, 2.2, 0.1, -0.6]];
const ROWS: [[f64; 2]; 3] = [[0.3, 1.9], [-1.1, 0.6], [2.7, -0.8]];

/// What Python says of a program at a point and row.
#[derive(Debug)]
enum Answer {
    Value { value: f64, spread: f64 },
    Raised(String),
}

/// The answers to programs, at each of `POINTS` the `ROWS`; None where there is no python3.
fn python(texts: &[String]) -> Option<Vec<Vec<Answer>>> {
    let mut command = Command::new("python3");
    command.args(["-W", "ignore", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: no python3 to compare with");
        return None;
    };
    let work = serde_json::json!({ "programs": texts, "points": POINTS, "rows": ROWS });
    child.stdin.take().unwrap().write_all(work.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    let answers: Vec<Vec<serde_json::Value>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), texts.len());
    let answer = |json: serde_json::Value| match json {
        serde_json::Value::String(name) => Answer::Raised(name),
        json => {
            let text = |k: usize| json[k].as_str().unwrap();
            let value = f64::from_bits(u64::from_str_radix(text(0), 16).unwrap());
            Answer::Value { value, spread: text(1).parse().unwrap() }
        }
    };
    Some(answers.into_iter().map(|all| all.into_iter().map(answer).collect()).collect())
}

/// Our values of a program in the order of the answers.
fn ours(program: &Program) -> Vec<f64> {
    let columns: Vec<Vec<f64>> = (0..2).map(|k| ROWS.iter().map(|row| row[k]).collect()).collect();
    let kernel = Kernel::new(program, &Rows::new(&columns, ROWS.len()));
    let mut workspace = Workspace::default();
    POINTS.iter().flat_map(|point| kernel.rows(point, &mut workspace).swap_remove(0)).collect()
}

fn agrees(ours: f64, value: f64, spread: f64) -> bool {
    ours == value || (ours.is_nan() && value.is_nan()) || (ours - value).abs() <= REACH * spread
}

/// What differs, at most once a program; and how many values were compared, and how many refused by Python.
fn differences(texts: &[String], programs: &[Program], answers: &[Vec<Answer>]) -> (Vec<String>, usize, usize) {
    let (mut faults, mut compared, mut raised) = (Vec::new(), 0, 0);
    for ((text, program), answers) in texts.iter().zip(programs).zip(answers) {
        let mut fault = None;
        for (k, (ours, answer)) in ours(program).into_iter().zip(answers).enumerate() {
            match answer {
                Answer::Raised(_) => raised += 1,
                Answer::Value { value, spread } => {
                    compared += 1;
                    if fault.is_none() && !agrees(ours, *value, *spread) {
                        let (point, row) = (POINTS[k / ROWS.len()], ROWS[k % ROWS.len()]);
                        fault = Some(format!(
                            "{ours:?}, in Python {value:?} ± {spread:.1e}, at {point:?} {row:?}:\n{text}"
                        ));
                    }
                }
            }
        }
        faults.extend(fault);
    }
    (faults, compared, raised)
}

fn written(style: Style, count: u64) -> Vec<String> {
    (0..count).map(|seed| write(seed, style)).collect()
}

fn programs(texts: &[String]) -> Vec<Program> {
    texts.iter().map(|text| lowered(text).unwrap_or_else(|faults| panic!("{faults}"))).collect()
}

#[test]
fn values_of_written_programs() {
    let by_hand: Vec<String> =
        super::python_programs::PROGRAMS.iter().map(|text| text.trim_start().to_string()).collect();
    for (name, texts, most) in [
        ("by hand", by_hand, 0),
        ("arithmetic", written(Style::Arithmetic, 400), 5),
        ("with functions", written(Style::Full, 400), 5),
    ] {
        let programs = programs(&texts);
        let Some(answers) = python(&texts) else { return };
        let (faults, compared, raised) = differences(&texts, &programs, &answers);
        no_faults(&faults);
        let wide = answers.iter().flatten().filter(|answer| match answer {
            Answer::Value { value, spread } => *spread > 1e-9 * value.abs().max(1.0),
            Answer::Raised(_) => false,
        });
        let wide = wide.count();
        println!(
            "{name}: {} programs, {compared} values compared, {raised} refused by Python, {wide} loosely",
            texts.len()
        );
        assert!(raised * 100 <= (compared + raised) * most, "{name}: Python refuses {raised} of {compared}");
        assert!(wide * 100 <= compared * 5, "{name}: {wide} of {compared} values compared to fewer than 9 digits");
    }
}

/// x - y·trunc(x/y): the remainder of C.
fn truncating(b: &mut Builder, node: &Node) -> Option<Value> {
    let Node::Apply(Operator::Modulo, [x, y, _]) = *node else { return None };
    let whole = truncated_quotient(b, x, y);
    let product = b.multiply(y, whole);
    Some(b.subtract(x, product))
}

fn truncated_quotient(b: &mut Builder, x: Value, y: Value) -> Value {
    let quotient = b.divide(x, y);
    let zero = b.constant(0.0);
    let negative = b.apply(Operator::Less, &[quotient, zero]);
    let (up, down) = (b.unary(Operator::Ceil, quotient), b.unary(Operator::Floor, quotient));
    b.select(negative, up, down)
}

/// Other meanings than Python's are found: a rule for what stands in the place of an operation.
#[test]
fn wrong_meanings_are_found() {
    type Rule = fn(&mut Builder, &Node) -> Option<Value>;
    let rules: [(&str, Rule); 6] = [
        ("a remainder with the sign of the dividend", truncating),
        ("a quotient rounded to zero", |b, node| {
            let Node::Apply(Operator::FloorDivide, [x, y, _]) = *node else { return None };
            Some(truncated_quotient(b, x, y))
        }),
        ("halves rounded up", |b, node| {
            let Node::Apply(Operator::Round, [x, ..]) = *node else { return None };
            let half = b.shift(x, 0.5);
            Some(b.unary(Operator::Floor, half))
        }),
        ("the smaller for the larger", |b, node| {
            let Node::Apply(Operator::Maximum, [x, y, _]) = *node else { return None };
            Some(b.apply(Operator::Minimum, &[x, y]))
        }),
        ("an element too far", |b, node| {
            let Node::Element { vector, index } = *node else { return None };
            let next = b.shift(index, 1.0);
            Some(b.element(vector, next))
        }),
        ("a branch not masked", |_, node| {
            let Node::Apply(Operator::Select, [_, x, _]) = *node else { return None };
            Some(x)
        }),
    ];
    let mut texts = written(Style::Arithmetic, 150);
    // The generated ones seldom stand exactly at a half.
    texts.push("y = round(2.5*a) + round(b + 0.75 + 0.5*p[2]/3 + 0.5)\n".into());
    let programs = programs(&texts);
    let Some(answers) = python(&texts) else { return };
    assert!(differences(&texts, &programs, &answers).0.is_empty());
    for (name, rule) in rules {
        let wrong: Vec<Program> =
            programs.iter().map(|program| rewrite(program, &|b, node, _| rule(b, node))).collect();
        let (faults, ..) = differences(&texts, &wrong, &answers);
        assert!(!faults.is_empty(), "{name} is not found");
    }
}

/// What Python refuses while it runs has a documented value here: the limit, or no number.
#[test]
fn refused() {
    let cases: &[(&str, &str, f64)] = &[
        ("y = 1/(a - 0.75)", "ZeroDivisionError", f64::INFINITY),
        ("y = (a - 1.75)/(a - 0.75)", "ZeroDivisionError", f64::NEG_INFINITY),
        ("y = (a - 0.75)/(a - 0.75)", "ZeroDivisionError", f64::NAN),
        ("y = a % (a - 0.75)", "ZeroDivisionError", f64::NAN),
        ("y = log(a - 0.75)", "ValueError", f64::NEG_INFINITY),
        ("y = log(b)", "ValueError", f64::NAN),
        ("y = sqrt(b)", "ValueError", f64::NAN),
        ("y = asin(c)", "ValueError", f64::NAN),
        ("y = exp(1000*a)", "OverflowError", f64::INFINITY),
        ("y = sinh(1000*b)", "OverflowError", f64::NEG_INFINITY),
        ("y = (1000*a)**(200*c)", "OverflowError", f64::INFINITY),
        ("y = (a - 0.75)**b", "ZeroDivisionError", f64::INFINITY),
        ("y = b**0.5", "ValueError", f64::NAN),
        ("v = zeros(3)\ny = v[3 + floor(a)*5]", "IndexError", f64::NAN),
        ("if a < 0:\n    x = 1\ny = x", "NameError", f64::NAN),
        ("def f(x):\n    if x < 0:\n        return x\ny = f(a)", "TypeError", f64::NAN),
        ("for i in range(2, 0):\n    x = 1\ny = x", "NameError", f64::NAN),
    ];
    let texts: Vec<String> = cases.iter().map(|(text, ..)| format!("{text}\n")).collect();
    let programs = programs(&texts);
    let answers = python(&texts);
    for (k, (text, exception, value)) in cases.iter().enumerate() {
        let found = ours(&programs[k])[0];
        assert!(found == *value || (found.is_nan() && value.is_nan()), "{found}, not {value}:\n{text}");
        if let Some(answers) = &answers {
            assert!(
                matches!(&answers[k][0], Answer::Raised(name) if name == exception),
                "{:?}:\n{text}",
                answers[k][0]
            );
        }
    }
}
