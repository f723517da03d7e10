//! Where names live while a text is lowered: the program, and inside it the bodies of loops.

use std::collections::BTreeMap;

use super::{Lowering, Meaning};
use crate::ir::{Builder, Loop, LoopKind, Node, Value};

/// A program in the making with the names that it knows.
pub struct Context {
    pub builder: Builder,
    pub names: BTreeMap<String, Meaning>,
    /// 1 where the statements under way are carried out, where that depends on values.
    pub mask: Option<Value>,
    /// Inputs of a body so far, and what was captured from the context outside, with its input.
    inputs: usize,
    captured: Vec<(Value, Value)>,
}

/// A name that a loop carries: its key, its value before, and whether it is a vector.
pub struct Carried {
    pub key: String,
    pub initial: Value,
    pub size: Option<u32>,
}

impl Context {
    pub fn outermost(builder: Builder, names: BTreeMap<String, Meaning>) -> Context {
        Context { builder, names, mask: None, inputs: 0, captured: Vec::new() }
    }
}

pub fn meaning_of(value: Value, size: Option<u32>) -> Meaning {
    match size {
        Some(size) => Meaning::Vector(value, size),
        None => Meaning::Scalar(value),
    }
}

impl Lowering<'_> {
    /// Goes into the body of a loop that carries these names. Returns the step's index.
    pub fn enter(&mut self, carried: &[Carried]) -> Value {
        let mut builder = Builder::new();
        let index = builder.input(0);
        let mut names = BTreeMap::new();
        for (k, carried) in carried.iter().enumerate() {
            let value = builder.input_like(k + 1, carried.size);
            names.insert(carried.key.clone(), meaning_of(value, carried.size));
        }
        let inputs = 1 + carried.len();
        self.contexts.push(Context { builder, names, mask: None, inputs, captured: Vec::new() });
        index
    }

    /// Leaves the body: the loop, with the next value of each carried name and, for a bounded loop, whether the step was
    /// wanted. Returns the results.
    pub fn leave(
        &mut self,
        kind: LoopKind,
        count: Option<Value>,
        carried: &[Carried],
        next: &[Value],
        wanted: Option<Value>,
    ) -> Vec<Value> {
        let body = self.contexts.pop().expect("a body was entered");
        let outputs: Vec<Value> = next.iter().copied().chain(wanted).collect();
        let program = body.builder.finish(&outputs, body.inputs, 0);
        let mut operands: Vec<Value> = count.into_iter().collect();
        operands.extend(carried.iter().map(|carried| carried.initial));
        operands.extend(body.captured.iter().map(|(outside, _)| *outside));
        self.b().add_loop(Loop { kind, carried: carried.len(), body: program.into(), operands }).1
    }

    /// What a name stands for, in the innermost context; captured on the way where it lives outside.
    pub fn look_up(&mut self, name: &str) -> Option<Meaning> {
        let local = self.calls.last().map(|mark| format!("{mark}{name}"));
        if let Some(meaning) = local.and_then(|key| self.look_up_key(&key)) {
            return Some(meaning);
        }
        if self.bound.last().is_some_and(|own| own.contains(name)) {
            let reason = "the function assigns it, so that it is its own name throughout, and has no value yet";
            return Some(Meaning::Unavailable(reason.into()));
        }
        self.look_up_key(name)
    }

    pub fn look_up_key(&mut self, key: &str) -> Option<Meaning> {
        let level = self.contexts.iter().rposition(|context| context.names.contains_key(key))?;
        let mut meaning = self.contexts[level].names[key].clone();
        for level in level + 1..self.contexts.len() {
            meaning = match meaning {
                Meaning::Scalar(value) => Meaning::Scalar(self.capture(level, value)),
                Meaning::Vector(value, size) => Meaning::Vector(self.capture(level, value), size),
                other => other,
            };
        }
        Some(meaning)
    }

    /// A value of the context outside `level`, as a value of that context.
    pub fn capture(&mut self, level: usize, value: Value) -> Value {
        let (outside, inside) = self.contexts.split_at_mut(level);
        let (outer, context) = (&outside[level - 1].builder, &mut inside[0]);
        if let Some(number) = outer.known(value) {
            return context.builder.constant(number);
        }
        if let Some((_, input)) = context.captured.iter().find(|(captured, _)| *captured == value) {
            return *input;
        }
        let input = context.builder.input_like(context.inputs, outer.size(value));
        context.inputs += 1;
        context.captured.push((value, input));
        input
    }

    /// The key of a name that is assigned: local to the function under way, if any.
    pub fn key(&self, name: &str) -> String {
        match self.calls.last() {
            Some(mark) => format!("{mark}{name}"),
            None => name.to_string(),
        }
    }

    pub fn assign(&mut self, key: String, meaning: Meaning) {
        self.contexts.last_mut().expect("a context is always there").names.insert(key, meaning);
    }

    /// Where the statements under way are carried out, as a value of the innermost context; None: everywhere.
    pub fn mask(&mut self) -> Option<Value> {
        let level = self.contexts.iter().rposition(|context| context.mask.is_some())?;
        let mut mask = self.contexts[level].mask?;
        for level in level + 1..self.contexts.len() {
            mask = self.capture(level, mask);
        }
        Some(mask)
    }

    /// Both: carried out where the statements under way are, and where the test holds.
    pub fn masked(&mut self, test: Value) -> Value {
        match self.mask() {
            Some(mask) => {
                let zero = self.b().constant(0.0);
                self.b().select(mask, test, zero)
            }
            None => test,
        }
    }

    /// Whether a value of the innermost context is a function of constants and steps' indices alone: the same for every
    /// row and every parameter.
    pub fn is_count(&self, value: Value) -> bool {
        self.is_count_at(self.contexts.len() - 1, value)
    }

    fn is_count_at(&self, level: usize, value: Value) -> bool {
        let context = &self.contexts[level];
        match context.builder.node(value) {
            Node::Constant(_) => true,
            Node::Input(0) => level > 0,
            Node::Input(_) => {
                let captured = context.captured.iter().find(|(_, input)| *input == value);
                captured.is_some_and(|(outside, _)| self.is_count_at(level - 1, *outside))
            }
            node @ Node::Apply(..) => node.operands().iter().all(|v| self.is_count_at(level, *v)),
            _ => false,
        }
    }
}
