//! Which operations are done two at a time: a value that one operation alone uses need not be written and read again.

use crate::engine::code::Form;
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

    /// The nodes that a node uses, where it takes in another one what that uses.
    pub fn uses(&self, program: &Program, value: Value) -> Vec<Value> {
        self.of(value).map_or_else(|| uses(program, value), |(_, operands)| operands.to_vec())
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

/// The product of two row values that `value` is, if a sum over the rows is all that uses it.
pub fn summed_product(
    program: &Program,
    rates: &[Rate],
    sizes: &[Option<u32>],
    counts: &[u32],
    value: Value,
) -> Option<(Value, Value)> {
    let Node::Apply(Operator::Multiply, [a, b, _]) = program.node(value) else { return None };
    let rows = rates[a.index()].by_row() && rates[b.index()].by_row() && sizes[value.index()].is_none();
    (rows && counts[value.index()] == 1).then_some((*a, *b))
}

/// How often each node is used: by nodes, and as an output.
pub fn use_counts(program: &Program) -> Vec<u32> {
    let mut counts = vec![0u32; program.nodes.len()];
    program.values().for_each(|v| uses(program, v).iter().for_each(|operand| counts[operand.index()] += 1));
    program.outputs.iter().for_each(|v| counts[v.index()] += 1);
    counts
}

/// The nodes that a node uses; a backward loop uses what its forward loop does, to pass through its states again.
pub fn uses(program: &Program, value: Value) -> Vec<Value> {
    let mut operands = program.node(value).operands();
    if let Some(forward) = program.loop_at(value).and_then(Loop::forward) {
        operands.extend(program.node(forward).operands());
    }
    operands
}
