//! Time from text to a gradient that can be called, for every method: the problems of the comparison, each shipped
//! experiment, and a program of 1000 operations.
//!
//! `cargo bench --bench compile [WORD]`. Medians in microseconds. "operations" are those of the loss on one row, "written"
//! the same with those of a loop counted once; "read" is the file with its data, checked; "lower" is the model, all of its
//! programs; the methods are differentiation and compilation for the engine. The goal is 0.1 ms for programs of less than
//! 300 operations, and 1 ms for 5000: a star marks what is above it. `--repeat NAME METHOD TIMES` does nothing else than
//! compile, for profilers.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use sbi_run::catalog::CATALOG;
use sbi_run::diagnostic::Source;
use sbi_run::diff::{METHODS, Method, Objective, Options};
use sbi_run::engine::Rows;
use sbi_run::ir::{Builder, Node, Program, Value};
use sbi_run::language::lower::{self, Meaning, Scope};
use sbi_run::language::tree::Text;

#[path = "engine/problems.rs"]
#[expect(dead_code, reason = "nothing is evaluated at their points")]
mod problems;
mod shipped;
use shipped::shipped;

const SAMPLES: usize = 15;

/// Those of the comparison that differ in more than their data.
const PROBLEMS: [&str; 7] = ["a_16", "b", "c", "d", "gmm_1e3_d2_k5", "gmm_1e3_d10_k5", "gmm_1e3_d10_k25"];

/// Seconds; the median of a few calls.
fn seconds<T>(mut f: impl FnMut() -> T) -> f64 {
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            black_box(f());
            start.elapsed().as_secs_f64()
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[SAMPLES / 2]
}

/// Operations on one row, those of loops counted once, as they are written.
fn written(program: &Program) -> usize {
    let of = |value: Value| match program.node(value) {
        Node::Constant(_) | Node::Input(_) | Node::VectorInput(..) | Node::Column(_) | Node::Row => 0,
        Node::Loop(body) => written(&body.body),
        Node::Result { .. } => 0,
        _ => 1,
    };
    let needed = program.needed();
    program.values().filter(|value| needed[value.index()]).map(of).sum()
}

/// Microseconds that a program of so many operations may take.
fn goal(written: usize) -> f64 {
    100f64.max(written as f64 / 5.0)
}

/// One line of the table.
fn line(name: &str, program: &Program, rows: &Rows, before: &[String]) {
    let written = written(program);
    let counts = format!("{} | {written} | {:.0}", program.operations(), goal(written));
    println!(
        "| {name} | {counts} | {} | {} |",
        before.join(" | "),
        by_method(program, rows, goal(written)).join(" | ")
    );
}

fn by_method(program: &Program, rows: &Rows, goal: f64) -> Vec<String> {
    let options = Options::default();
    METHODS
        .iter()
        .map(|kind| {
            let method = Method::named(kind.name).expect("a row is a method");
            match Objective::new(program, rows, method, &options) {
                Ok(_) => {
                    let taken = 1e6 * seconds(|| Objective::new(program, rows, method, &options));
                    format!("{taken:.0}{}", if taken > goal { " *" } else { "" })
                }
                Err(_) => "too large".into(),
            }
        })
        .collect()
}

fn experiments(only: &str) {
    for (name, path) in shipped() {
        if !name.contains(only) {
            continue;
        }
        let read = seconds(|| sbi_run::experiment::read(&path, &[], &CATALOG));
        let (experiment, _) = sbi_run::experiment::read(&path, &[], &CATALOG).expect("an experiment");
        let lower = seconds(|| sbi_run::model::compile(&experiment));
        let model = sbi_run::model::compile(&experiment).expect("a model");
        line(&name, &model.loss, &model.rows, &[read, lower].map(|seconds| format!("{:.0}", seconds * 1e6)));
    }
}

/// The program of a text over three parameters and a column, summed over the rows.
fn lowered(text: &str) -> Program {
    let source = Arc::new(Source { name: "long".into(), text: text.into() });
    let whole = Arc::new(Text::plain(Arc::clone(&source), 0..text.len()));
    let mut faults = Vec::new();
    let tree = sbi_run::language::program(&whole, &mut faults).expect("a program");
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..3).map(|k| b.input(k)).collect();
    let mut scope = Scope::default();
    for (name, value) in ["a", "b", "c"].iter().zip(&inputs) {
        scope.insert(*name, Meaning::Scalar(*value));
    }
    let t = b.column(0);
    scope.insert("t", Meaning::Scalar(t));
    let names = lower::program_names(&tree, &scope, &mut b, &mut faults).expect("a program");
    let Some(Meaning::Scalar(y)) = names.get("y") else { panic!("a number") };
    let sum = b.sum(*y);
    b.finish(&[sum], 3, 1)
}

/// 250 statements of 4 operations each.
fn long() -> String {
    let mut text = String::from("x = a\ny = b\n");
    for k in 0..125 {
        text.push_str(&format!("x = 0.5*x + sin(y*{}.5)\ny = y - x*c/(t + {k})\n", k % 5 + 1));
    }
    text
}

/// The program of the loss of a problem of the comparison or of a shipped experiment, and its data.
fn bound(name: &str) -> (Program, Rows) {
    if let Some((_, path)) = shipped().into_iter().find(|(shipped, _)| shipped == name) {
        let (experiment, _) = sbi_run::experiment::read(&path, &[], &CATALOG).expect("an experiment");
        let model = sbi_run::model::compile(&experiment).expect("a model");
        return (model.loss, model.rows);
    }
    if name == "long" {
        let rows = Rows::new(&[(0..100).map(|row| 1.0 + f64::from(row)).collect()], 100);
        return (lowered(&long()), rows);
    }
    let problem = problems::problem(name);
    let rows = problem.rows();
    (problem.program, rows)
}

/// Compiles so often, for a profiler.
fn repeat(name: &str, method: &str, times: usize) {
    let (program, rows) = bound(name);
    let method = Method::named(method).expect("a method");
    for _ in 0..times {
        let _ = black_box(Objective::new(black_box(&program), &rows, method, &Options::default()));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [command, name, method, times] = &arguments[..]
        && command == "--repeat"
    {
        return repeat(name, method, times.parse().expect("a number of repetitions"));
    }
    let only = arguments.first().map_or("", String::as_str);
    let methods: Vec<&str> = METHODS.iter().map(|kind| kind.name).collect();
    println!("| model | operations | written | goal | read | lower | {} |", methods.join(" | "));
    println!("|---|---|---|---|---|---|{}", "---|".repeat(methods.len()));
    for name in PROBLEMS.iter().filter(|name| name.contains(only)) {
        let (program, rows) = bound(name);
        line(name, &program, &rows, &["–".into(), "–".into()]);
    }
    experiments(only);
    if "long".contains(only) {
        let (program, rows) = bound("long");
        let lower = seconds(|| lowered(&long()));
        line("long", &program, &rows, &["–".into(), format!("{:.0}", lower * 1e6)]);
    }
}
