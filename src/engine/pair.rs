//! Which operations are done together in one step: a value that one operation alone uses need not be written and read
//! again.

use crate::engine::axis::Axis;
use crate::engine::code::{Form, Term};
use crate::engine::dot;
use crate::engine::facts::Facts;
use crate::ir::{Loop, Node, Operator, Program, Value};

/// Positions between the two operations of a pair: the operands of the first one stay alive until the second.
const REACH: u32 = 8;

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
pub fn pairs(facts: &Facts, selected: &[Value], axis: Axis) -> Pairs {
    let (program, counts) = (facts.program, &facts.uses);
    let arithmetic = |v: Value| match program.node(v) {
        Node::Apply(operator @ (Operator::Add | Operator::Subtract | Operator::Multiply), [a, b, _])
            if facts.by_row(v) && !facts.is_vector(v) =>
        {
            Some((*operator, *a, *b))
        }
        _ => None,
    };
    if !selected.iter().any(|v| arithmetic(*v).is_some()) {
        return Pairs::default();
    }
    // Counted from 1; 0 for what is not computed here.
    let mut positions = vec![0u32; program.nodes.len()];
    (1..).zip(selected).for_each(|(at, v)| positions[v.index()] = at);
    let mut found = Pairs { of: vec![None; program.nodes.len()], absorbed: vec![false; program.nodes.len()] };
    // Lines have no dots.
    if axis == Axis::Rows {
        let by_row = |v: Value| facts.by_row(v);
        let uses = |v: Value| if positions[v.index()] > 0 { counts[v.index()] } else { u32::MAX };
        dots(selected, &arithmetic, &by_row, &uses, &mut found);
    }
    for (at, value) in (1..).zip(selected) {
        let Some((second, a, b)) = arithmetic(*value).filter(|_| found.is_free(*value)) else { continue };
        for (inner, other, swapped) in [(a, b, false), (b, a, true)] {
            let near = positions[inner.index()] > 0 && at - positions[inner.index()] <= REACH;
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

/// A sum of products under way: what its last addition adds to the sum that it goes on from.
struct Sum {
    value: Value,
    before: Option<usize>,
    /// With the values that are the terms; two of them where it goes on from no sum.
    added: [Option<(Value, Term<Value>)>; 2],
    /// Terms, and products among them, with those of the sum before.
    terms: usize,
    products: usize,
    /// Another one goes on from it.
    goes_on: bool,
}

impl Sum {
    fn add(&mut self, value: Value, term: Term<Value>) {
        self.added[usize::from(self.added[0].is_some())] = Some((value, term));
        self.terms += 1;
        self.products += usize::from(term.by.is_some());
    }
}

/// Finds the sums of two products and more, in the order in which they are added: what is added to a sum that is used
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
    let mut sums: Vec<Sum> = Vec::new();
    let mut sum_of: Vec<u32> = vec![u32::MAX; found.of.len()];
    for value in selected {
        let Some((operator @ (Operator::Add | Operator::Subtract), a, b)) = arithmetic(*value) else { continue };
        // What is the same for every row is no term.
        if !by_row(a) || !by_row(b) {
            continue;
        }
        let open = |v: Value| {
            let at = sum_of[v.index()] as usize;
            sums.get(at).filter(|sum| sum.terms < dot::MOST && uses(v) == 1).map(|_| at)
        };
        let (first, next) =
            if operator == Operator::Add && open(a).is_none() && open(b).is_some() { (b, a) } else { (a, b) };
        let term = |v: Value, minus: bool| match arithmetic(v) {
            Some((Operator::Multiply, x, y)) if uses(v) == 1 && [x, y].iter().all(|v| !by_row(*v) || uses(*v) > 1) => {
                let (rows, by) = if by_row(x) { (x, y) } else { (y, x) };
                Term { rows, by: Some(by), minus }
            }
            _ => Term { rows: v, by: None, minus },
        };
        let before = open(first);
        let mut sum = Sum { value: *value, before, added: [None; 2], terms: 0, products: 0, goes_on: false };
        match before {
            Some(before) => {
                sums[before].goes_on = true;
                (sum.terms, sum.products) = (sums[before].terms, sums[before].products);
            }
            None => sum.add(first, term(first, false)),
        }
        sum.add(next, term(next, operator == Operator::Subtract));
        sum_of[value.index()] = sums.len() as u32;
        sums.push(sum);
    }
    for sum in sums.iter().filter(|sum| !sum.goes_on && sum.products >= 2) {
        let mut terms: Vec<Term<Value>> = Vec::with_capacity(sum.terms);
        let mut of = sum;
        loop {
            for (value, term) in of.added.iter().rev().flatten() {
                terms.push(*term);
                found.absorbed[value.index()] |= term.by.is_some();
            }
            let Some(before) = of.before else { break };
            of = &sums[before];
            found.absorbed[of.value.index()] = true;
        }
        terms.reverse();
        found.of[sum.value.index()] = Some(Joined::Dot(terms.into()));
    }
}

/// Calls `f` with every node that a node uses; a backward loop uses what its forward loop does, to pass through its states
/// again.
pub fn visit_uses(program: &Program, value: Value, mut f: impl FnMut(Value)) {
    program.node(value).visit(&mut f);
    if let Some(forward) = program.loop_at(value).and_then(Loop::forward) {
        program.node(forward).visit(f);
    }
}
