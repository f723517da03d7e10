//! Time from text to a gradient that can be called, for every method: each shipped experiment, and a program of 1000 operations.
//!
//! `cargo bench --bench compile [WORD]`. Medians in microseconds. "read" is the file with its data, checked; "lower" is
//! the model, all of its programs; the methods are differentiation and compilation for the engine. The bounds are 1 ms for
//! lowering and a method together on the NIST problems, 50 ms from the text on for the long program.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use sbi_run::catalog::CATALOG;
use sbi_run::diagnostic::Source;
use sbi_run::diff::{METHODS, Method, Objective, Options};
use sbi_run::engine::Rows;
use sbi_run::ir::{Builder, Program, Value};
use sbi_run::language::lower::{self, Meaning, Scope};
use sbi_run::language::tree::Text;

mod shipped;
use shipped::shipped;

const SAMPLES: usize = 15;

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

fn by_method(program: &Program, rows: &Rows) -> Vec<String> {
    let options = Options::default();
    METHODS
        .iter()
        .map(|kind| {
            let method = Method::named(kind.name).expect("a row is a method");
            match Objective::new(program, rows, method, &options) {
                Ok(_) => format!("{:.0}", 1e6 * seconds(|| Objective::new(program, rows, method, &options))),
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
        let operations = model.loss.operations();
        let methods = by_method(&model.loss, &model.rows);
        println!("| {name} | {operations} | {:.0} | {:.0} | {} |", read * 1e6, lower * 1e6, methods.join(" | "));
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

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let methods: Vec<&str> = METHODS.iter().map(|kind| kind.name).collect();
    println!("| model | operations | read | lower | {} |", methods.join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(methods.len()));
    experiments(&only);
    if "long".contains(&only) {
        let text = long();
        let program = lowered(&text);
        let rows = Rows::new(&[(0..100).map(|row| 1.0 + f64::from(row)).collect()], 100);
        let lower = seconds(|| lowered(&text));
        let methods = by_method(&program, &rows);
        println!("| long | {} | | {:.0} | {} |", program.operations(), lower * 1e6, methods.join(" | "));
    }
}
