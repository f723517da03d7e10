//! Which operations are done two at a time: a value that one operation alone uses need not be written and read again.

use crate::engine::code::{Form, Summand};
use crate::ir::{Loop, Node, Operator, Program, Rate, Value};

/// Positions between the two operations of a pair: the operands of the first one stay alive until the second.
const REACH: usize = 8;

/// The pairs among the nodes that are computed together.
#[derive(Debug, Default)]
pub struct Pairs {
    /// For each node that takes another one in: the form and the three operands. Empty if there is no pair.
    of: Vec<Option<(Form, [Value; 3])>>,
    absorbed: Vec<bool>,
}

impl Pairs {
    pub fn of(&self, value: Value) -> Option<(Form, [Value; 3])> {
        self.of.get(value.index()).copied().flatten()
    }

    pub fn is_absorbed(&self, value: Value) -> bool {
        self.absorbed.get(value.index()).is_some_and(|absorbed| *absorbed)
    }

    /// Calls `f` with the nodes that a node uses, where it takes in another one with what that uses.
    pub fn visit_uses(&self, program: &Program, value: Value, mut f: impl FnMut(Value)) {
        match self.of(value) {
            Some((_, operands)) => operands.into_iter().for_each(f),
            None => visit_uses(program, value, &mut f),
        }
    }
}

/// Finds the pairs among `selected`, in order.
pub fn pairs(program: &Program, rates: &[Rate], sizes: &[Option<u32>], selected: &[Value]) -> Pairs {
    let arithmetic = |v: Value| match program.node(v) {
        Node::Apply(operator @ (Operator::Add | Operator::Subtract | Operator::Multiply), [a, b, _])
            if rates[v.index()].by_row() && sizes[v.index()].is_none() =>
        {
            Some((*operator, *a, *b))
        }
        _ => None,
    };
    if !selected.iter().any(|v| arithmetic(*v).is_some()) {
        return Pairs::default();
    }
    let counts = use_counts(program);
    let mut positions = vec![None; program.nodes.len()];
    selected.iter().enumerate().for_each(|(at, v)| positions[v.index()] = Some(at));
    let mut found = Pairs { of: vec![None; program.nodes.len()], absorbed: vec![false; program.nodes.len()] };
    for (at, value) in selected.iter().enumerate() {
        let Some((second, a, b)) = arithmetic(*value) else { continue };
        for (inner, other, swapped) in [(a, b, false), (b, a, true)] {
            let near = positions[inner.index()].is_some_and(|position| at - position <= REACH);
            if !near || counts[inner.index()] != 1 || found.of[inner.index()].is_some() {
                continue;
            }
            if let Some((first, x, y)) = arithmetic(inner)
                && let Some(form) = Form::of(first, second, swapped)
            {
                found.of[value.index()] = Some((form, [x, y, other]));
                found.absorbed[inner.index()] = true;
                break;
            }
        }
    }
    found
}

/// What a sum over the row value `value` adds up: a product of row values is not computed by itself if the sum is all that
/// uses it.
pub fn summand(
    program: &Program,
    rates: &[Rate],
    sizes: &[Option<u32>],
    counts: &[u32],
    value: Value,
) -> Summand<Value> {
    let Node::Apply(operator, [a, b, _]) = program.node(value) else { return Summand::Value(value) };
    let rows = rates[a.index()].by_row() && rates[b.index()].by_row() && sizes[value.index()].is_none();
    match operator {
        Operator::Multiply if rows && counts[value.index()] == 1 => Summand::Product(*a, *b),
        Operator::Masked if rows && counts[value.index()] == 1 => Summand::Masked(*a, *b),
        _ => Summand::Value(value),
    }
}

/// How often each node is used: by nodes, and as an output.
pub fn use_counts(program: &Program) -> Vec<u32> {
    let mut counts = vec![0u32; program.nodes.len()];
    program.values().for_each(|v| visit_uses(program, v, |operand| counts[operand.index()] += 1));
    program.outputs.iter().for_each(|v| counts[v.index()] += 1);
    counts
}

/// Calls `f` with every node that a node uses; a backward loop uses what its forward loop does, to pass through its states
/// again.
pub fn visit_uses(program: &Program, value: Value, mut f: impl FnMut(Value)) {
    program.node(value).visit(&mut f);
    if let Some(forward) = program.loop_at(value).and_then(Loop::forward) {
        program.node(forward).visit(f);
    }
}
