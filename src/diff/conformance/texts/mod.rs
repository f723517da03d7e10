//! Programs of the model language as a person would write them: their values beside CPython's, their derivatives beside
//! the reference's.
//!
//! `writer` and `expressions` write programs with loops, branches, vectors and functions; `python` compares values with
//! `values.py`, of those and of the ones by hand in `python_programs`; `gradients` compares derivatives. A program knows the parameters `a`, `b`, `c`, a vector parameter `p` of three
//! elements, and the columns `t` and `u`; it assigns `y`.

mod expressions;
mod gradients;
mod python;
mod python_programs;
mod writer;

use std::sync::Arc;

use super::Random;
use crate::diagnostic::Source;
use crate::ir::{Builder, Loop, LoopKind, Node, Program, Value};
use crate::language::lower::{self, Meaning, Scope};
use crate::language::tree::Text;

const SCALARS: [&str; 3] = ["a", "b", "c"];
const ELEMENTS: usize = 3;
const INPUTS: usize = SCALARS.len() + ELEMENTS;
const COLUMNS: [&str; 2] = ["t", "u"];

/// The program of a text, with `y` as its output; the faults where it has some.
fn lowered(text: &str) -> Result<Program, String> {
    let source = Arc::new(Source { name: "program".into(), text: text.into() });
    let whole = Arc::new(Text::plain(Arc::clone(&source), 0..text.len()));
    let mut faults = Vec::new();
    let parsed = crate::language::program(&whole, &mut faults);
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..INPUTS).map(|k| b.input(k)).collect();
    let mut scope = Scope::default();
    for (name, value) in SCALARS.iter().zip(&inputs) {
        scope.insert(*name, Meaning::Scalar(*value));
    }
    let vector = b.pack(&inputs[SCALARS.len()..]);
    scope.insert("p", Meaning::Vector(vector, ELEMENTS as u32));
    for (k, name) in COLUMNS.iter().enumerate() {
        let column = b.column(k);
        scope.insert(*name, Meaning::Scalar(column));
    }
    let names = parsed.as_ref().and_then(|parsed| lower::program_names(parsed, &scope, &mut b, &mut faults));
    match names.and_then(|names| names.get("y").cloned()) {
        Some(Meaning::Scalar(y)) if faults.is_empty() => Ok(b.finish(&[y], INPUTS, COLUMNS.len())),
        _ => Err(format!("{}{text}", crate::terminal::render(&faults, false))),
    }
}

/// What to put in the place of a node, given with operands of the new program and the kind of loop in whose body it
/// stands; None to keep it.
type Replacement<'a> = &'a dyn Fn(&mut Builder, &Node, Option<LoopKind>) -> Option<Value>;

/// The same program with some nodes replaced, in the bodies of loops too: how wrong rules are planted.
fn rewrite(program: &Program, rule: Replacement) -> Program {
    rewrite_inside(program, None, rule)
}

fn rewrite_inside(program: &Program, inside: Option<LoopKind>, rule: Replacement) -> Program {
    let mut b = Builder::new();
    let mut place: Vec<Value> = Vec::new();
    for node in &program.nodes {
        let moved = node.map(|v| place[v.index()]);
        let value = match (rule(&mut b, &moved, inside), &moved) {
            (Some(value), _) => value,
            (None, Node::Loop(body)) => {
                let inner = rewrite_inside(&body.body, Some(body.kind), rule);
                b.add_loop(Loop { body: inner.into(), ..(**body).clone() }).0
            }
            (None, Node::Input(k)) => b.input(*k as usize),
            (None, Node::VectorInput(k, size)) => b.vector_input(*k as usize, *size),
            (None, Node::Column(k)) => b.column(*k as usize),
            (None, _) => b.copy(node, &place),
        };
        place.push(value);
    }
    let outputs: Vec<Value> = program.outputs.iter().map(|v| place[v.index()]).collect();
    b.finish(&outputs, program.inputs, program.columns)
}

#[test]
fn the_same_seed_writes_the_same_program() {
    let texts: Vec<String> = (0..50).map(|seed| writer::write(seed, writer::Style::Full)).collect();
    for (seed, text) in texts.iter().enumerate() {
        assert_eq!(*text, writer::write(seed as u64, writer::Style::Full));
        if let Err(faults) = lowered(text) {
            panic!("{faults}");
        }
    }
    for word in
        ["for ", "while ", "if ", "elif ", "else:", "def ", "return ", "zeros(", "sum(", "[-", "range(", " and "]
    {
        assert!(texts.iter().any(|text| text.contains(word)), "no program has `{word}`");
    }
    let nested = |text: &String| text.lines().any(|line| line.starts_with("        for "));
    assert!(texts.iter().any(nested), "no program has a loop in a loop");
}

/// A program rewritten by no rule is the same program.
#[test]
fn a_program_can_be_rewritten() {
    for seed in 0..50 {
        let text = writer::write(seed, writer::Style::Full);
        let program = lowered(&text).expect("a program");
        assert_eq!(rewrite(&program, &|_, _, _| None), program, "{text}");
    }
}
