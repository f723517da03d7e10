//! From tree to program: names looked up, functions and operators lowered, every fault with its place.
//!
//! `expression` lowers formulas, `statement` programs. A loop's body is lowered into a program of its own; a name of the
//! outside that it reads is captured, level by level (`context`).

mod context;
mod expression;
mod statement;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::ir::{Builder, Value};
use crate::language::tree::{Form, Formula, Function, Program, Text};
use context::Context;

/// What a formula may name, where only names and shapes matter.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub scalars: Vec<String>,
    /// Vectors with their lengths.
    pub vectors: Vec<(String, usize)>,
    /// Names that exist but may not stand here, with the reason.
    pub unavailable: Vec<(String, String)>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    Scalar(Value),
    /// A vector and its length.
    Vector(Value, u32),
    /// It exists, but not here; the reason.
    Unavailable(String),
}

/// The names that a text may use.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    names: BTreeMap<String, Meaning>,
}

impl Scope {
    pub fn insert(&mut self, name: impl Into<String>, meaning: Meaning) {
        self.names.insert(name.into(), meaning);
    }

    /// A scope of inputs with these names, in this order: for checking texts without a model.
    fn of_inputs(names: &Names, builder: &mut Builder) -> Scope {
        let mut scope = Scope::default();
        let mut next = 0;
        for name in &names.scalars {
            scope.insert(name, Meaning::Scalar(builder.input(next)));
            next += 1;
        }
        for (name, size) in &names.vectors {
            let elements: Vec<Value> = (next..next + size).map(|k| builder.input(k)).collect();
            next += size;
            scope.insert(name, Meaning::Vector(builder.pack(&elements), *size as u32));
        }
        for (name, reason) in &names.unavailable {
            scope.insert(name, Meaning::Unavailable(reason.clone()));
        }
        scope
    }
}

/// The value of a formula over constants alone.
pub fn constant(formula: &Formula, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) -> Option<f64> {
    let mut builder = Builder::new();
    let mut scope = Scope::default();
    for (name, number) in constants {
        scope.insert(name, Meaning::Scalar(builder.constant(*number)));
    }
    let value = expression(formula, &scope, &mut builder, faults)?;
    builder.known(value)
}

/// Reports every fault of a formula: unknown names and functions, wrong numbers of arguments, vectors used as scalars.
pub fn check(formula: &Formula, names: &Names, faults: &mut Vec<Diagnostic>) {
    let mut builder = Builder::new();
    let scope = Scope::of_inputs(names, &mut builder);
    expression(formula, &scope, &mut builder, faults);
}

/// Reports every fault of a program, those of `check` and more: names that are never assigned, shapes that change,
/// ranges that are not constant.
pub fn check_program(program: &Program, names: &Names, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) {
    let mut builder = Builder::new();
    let mut scope = Scope::of_inputs(names, &mut builder);
    for (name, number) in constants {
        scope.insert(name, Meaning::Scalar(builder.constant(*number)));
    }
    program_names(program, &scope, &mut builder, faults);
}

/// The names that a program assigns outside its functions, in the order of the text.
pub fn assigned_names(program: &Program) -> Vec<String> {
    survey::assigned(&program.body)
}

/// Lowers a formula into `builder`. None where it has faults, which are then in `faults`.
pub fn expression(
    formula: &Formula,
    scope: &Scope,
    builder: &mut Builder,
    faults: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let mut lowering = Lowering::new(&formula.text, scope, builder, faults);
    let value = lowering.scalar(&formula.tree);
    lowering.finish(builder);
    value
}

/// Lowers a formula that may be the name of a vector.
pub fn meaning(
    formula: &Formula,
    scope: &Scope,
    builder: &mut Builder,
    faults: &mut Vec<Diagnostic>,
) -> Option<Meaning> {
    if let Form::Name(name) = &formula.tree.form
        && let Some(vector @ Meaning::Vector(..)) = scope.names.get(name)
    {
        return Some(vector.clone());
    }
    expression(formula, scope, builder, faults).map(Meaning::Scalar)
}

/// Lowers a program into `builder`: what every name that it assigns stands for at its end. None where it has faults.
pub fn program_names(
    program: &Program,
    scope: &Scope,
    builder: &mut Builder,
    faults: &mut Vec<Diagnostic>,
) -> Option<BTreeMap<String, Meaning>> {
    let before = faults.len();
    let mut lowering = Lowering::new(&program.text, scope, builder, faults);
    lowering.functions = program.functions.iter().collect();
    lowering.statements(&program.body);
    let names = lowering.finish(builder);
    (faults.len() == before).then(|| {
        let assigned = survey::assigned(&program.body).into_iter();
        assigned.filter_map(|name| Some((name.clone(), names.get(&name)?.clone()))).collect()
    })
}

/// A lowering under way.
struct Lowering<'a> {
    text: &'a Arc<Text>,
    faults: &'a mut Vec<Diagnostic>,
    functions: Vec<&'a Function>,
    /// The program, and the bodies of the loops under way, the innermost last.
    contexts: Vec<Context>,
    /// Marks of the functions under way, the innermost last: the names local to a call carry its mark.
    calls: Vec<String>,
    /// The names that are each function's own because it assigns them somewhere.
    bound: Vec<BTreeSet<String>>,
    /// Calls so far, for the marks.
    marks: usize,
}

impl<'a> Lowering<'a> {
    fn new(text: &'a Arc<Text>, scope: &Scope, builder: &mut Builder, faults: &'a mut Vec<Diagnostic>) -> Lowering<'a> {
        let context = Context::outermost(std::mem::take(builder), scope.names.clone());
        let (functions, calls, bound) = (Vec::new(), Vec::new(), Vec::new());
        Lowering { text, faults, functions, contexts: vec![context], calls, bound, marks: 0 }
    }

    /// Gives the builder back, and the names of the end.
    fn finish(mut self, builder: &mut Builder) -> BTreeMap<String, Meaning> {
        let context = self.contexts.pop().expect("the outermost context stays");
        *builder = context.builder;
        context.names
    }

    fn b(&mut self) -> &mut Builder {
        &mut self.contexts.last_mut().expect("a context is always there").builder
    }

    fn fault<T>(&mut self, span: &Range<usize>, message: String, label: &str, help: Option<String>) -> Option<T> {
        let mut fault = self.text.error(span, message, label);
        fault.help.extend(help);
        self.faults.push(fault);
        None
    }
}
