//! Which operations are done together in one step: a value that one operation alone uses need not be written and read
//! again.

use crate::engine::axis::Axis;
use crate::engine::code::{Form, Summand, Term};
use crate::engine::dot;
use crate::ir::{Loop, Node, Operator, Program, Rate, Value};

/// Positions between the two operations of a pair: the operands of the first one stay alive until the second.
const REACH: usize = 8;

/// What a step does for a node and those that it takes in.
#[derive(Clone, Debug)]
pub enum Joined {
    Pair(Form, [Value; 3]),
    Dot(Box<[Term<Value>]>),
}

/// The pairs and the sums of products among the nodes that are computed together.
#[derive(Debug, Default)]
pub struct Pairs {
    /// For each node that takes others in. Empty if there is none.
    of: Vec<Option<Joined>>,
    absorbed: Vec<bool>,
}

impl Pairs {
    pub fn of(&self, value: Value) -> Option<&Joined> {
        self.of.get(value.index())?.as_ref()
    }

    pub fn is_absorbed(&self, value: Value) -> bool {
        self.absorbed.get(value.index()).is_some_and(|absorbed| *absorbed)
    }

    fn is_free(&self, value: Value) -> bool {
        self.of[value.index()].is_none() && !self.absorbed[value.index()]
    }

    /// Calls `f` with the nodes that a node uses, where it takes in another one with what that uses.
    pub fn visit_uses(&self, program: &Program, value: Value, mut f: impl FnMut(Value)) {
        match self.of(value) {
            Some(Joined::Pair(_, operands)) => operands.iter().for_each(|v| f(*v)),
            Some(Joined::Dot(terms)) => terms.iter().flat_map(Term::operands).for_each(f),
            None => visit_uses(program, value, &mut f),
        }
    }
}

/// Finds the pairs and the sums of products among `selected`, in order.
pub fn pairs(program: &Program, rates: &[Rate], sizes: &[Option<u32>], selected: &[Value], axis: Axis) -> Pairs {
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
    // Lines have no dots.
    if axis == Axis::Rows {
        let by_row = |v: Value| rates[v.index()].by_row();
        let uses = |v: Value| positions[v.index()].map_or(u32::MAX, |_| counts[v.index()]);
        dots(selected, &arithmetic, &by_row, &uses, &mut found);
    }
    for (at, value) in selected.iter().enumerate() {
        let Some((second, a, b)) = arithmetic(*value).filter(|_| found.is_free(*value)) else { continue };
        for (inner, other, swapped) in [(a, b, false), (b, a, true)] {
            let near = positions[inner.index()].is_some_and(|position| at - position <= REACH);
            if !near || counts[inner.index()] != 1 || !found.is_free(inner) {
                continue;
            }
            if let Some((first, x, y)) = arithmetic(inner)
                && let Some(form) = Form::of(first, second, swapped)
            {
                found.of[value.index()] = Some(Joined::Pair(form, [x, y, other]));
                found.absorbed[inner.index()] = true;
                break;
            }
        }
    }
    found
}

/// A sum of products under way, with the nodes that it takes in.
#[derive(Clone, Default)]
struct Chain {
    terms: Vec<Term<Value>>,
    inner: Vec<Value>,
}

/// Finds the sums of three products and more, in the order in which they are added: what is added to a sum that is used
/// nowhere else goes to its end. A product that is used nowhere else is taken in, however far off, where what it is made of
/// is used elsewhere, too: measured, what would be there for it alone had better be multiplied while it is near.
/// `uses` says how often the nodes that are computed here are used, and much of all others.
fn dots(
    selected: &[Value],
    arithmetic: &dyn Fn(Value) -> Option<(Operator, Value, Value)>,
    by_row: &dyn Fn(Value) -> bool,
    uses: &dyn Fn(Value) -> u32,
    found: &mut Pairs,
) {
    let mut chains: Vec<Option<Chain>> = vec![None; found.of.len()];
    for value in selected {
        let Some((operator @ (Operator::Add | Operator::Subtract), a, b)) = arithmetic(*value) else { continue };
        // What is the same for every row is no term.
        if !by_row(a) || !by_row(b) {
            continue;
        }
        let is_open =
            |v: Value| uses(v) == 1 && chains[v.index()].as_ref().is_some_and(|chain| chain.terms.len() < dot::MOST);
        let (first, next) = if operator == Operator::Add && !is_open(a) && is_open(b) { (b, a) } else { (a, b) };
        let mut chain = Chain::default();
        let mut added = vec![(next, operator == Operator::Subtract)];
        if is_open(first) {
            chain = chains[first.index()].take().unwrap_or_default();
            chain.inner.push(first);
        } else {
            added.insert(0, (first, false));
        }
        for (v, minus) in added {
            chain.terms.push(match arithmetic(v) {
                Some((Operator::Multiply, x, y))
                    if uses(v) == 1 && [x, y].iter().all(|v| !by_row(*v) || uses(*v) > 1) =>
                {
                    chain.inner.push(v);
                    let (rows, by) = if by_row(x) { (x, y) } else { (y, x) };
                    Term { rows, by: Some(by), minus }
                }
                _ => Term { rows: v, by: None, minus },
            });
        }
        chains[value.index()] = Some(chain);
    }
    for (of, chain) in found.of.iter_mut().zip(chains) {
        let Some(Chain { terms, inner }) = chain else { continue };
        if terms.iter().filter(|term| term.by.is_some()).count() >= 3 {
            *of = Some(Joined::Dot(terms.into()));
            inner.iter().for_each(|v| found.absorbed[v.index()] = true);
        }
    }
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
