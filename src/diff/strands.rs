//! Forward mode with directions in lanes: beside each value one tangent, a strand, whose lanes are directions.
//!
//! The rules are those of `forward`. A strand knows which directions it can be other than zero in, as `forward` knows it
//! of each tangent: what is zero whatever the inputs are takes no part in sums and products, so that each lane has the
//! bits that `forward` gives that direction (up to the sign of zero). Where strands of different directions meet, a lane
//! column, 1 in the directions of a set and 0 in all others, selects.

use std::collections::HashMap;

use crate::diff::forward::rule;
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Value};

/// A set of directions, one bit each.
pub type Set = u32;

/// A program of one value and one strand.
#[derive(Clone, Debug)]
pub struct Strands {
    /// Outputs: the first output of the program, and its derivatives in the inputs, one in each lane. Columns: those of
    /// the program, then the lane columns, which stand in bodies of loops, too.
    pub program: Program,
    /// The directions in which each lane column is 1.
    pub sets: Vec<Set>,
}

/// The gradient in all inputs, at most 32; None of a program with a backward loop.
pub fn gradient(program: &Program) -> Option<Strands> {
    if program.inputs > Set::BITS as usize || program.inputs == 0 {
        return None;
    }
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let one = b.constant(1.0);
    let seed = |k: usize| Tangent { uniform: Some(Strand { value: one, set: 1 << k }), by_row: None };
    let seeds: Vec<Tangent> = (0..program.inputs).map(seed).collect();
    let mut lanes = Lanes { first: program.columns, sets: Vec::new(), inside: 0, by_row: Vec::new() };
    let (values, tangents) = push(&mut b, program, &inputs, &columns, &seeds, &mut lanes)?;
    let all = Set::MAX >> (Set::BITS as usize - program.inputs);
    let output = *program.outputs.first()?;
    let slope = match tangents[output.index()].only()? {
        Some(strand) => lanes.fill(&mut b, strand, all, 0.0),
        None => b.constant(0.0),
    };
    let program = b.finish(&[values[output.index()], slope], program.inputs, lanes.first + lanes.sets.len());
    Some(Strands { program, sets: lanes.sets })
}

/// A tangent in each direction of a set; in all others it is zero, whatever the lanes hold.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Strand {
    value: Value,
    set: Set,
}

impl Strand {
    /// Its part in the directions of a set.
    fn within(self, set: Set) -> Option<Strand> {
        (self.set & set != 0).then_some(Strand { value: self.value, set: self.set & set })
    }
}

/// The tangents of a node: a sum over the rows of what is the same for every row is a product, so the two are kept
/// apart. They have no direction in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tangent {
    uniform: Option<Strand>,
    by_row: Option<Strand>,
}

impl Tangent {
    fn parts(&self) -> impl Iterator<Item = Strand> {
        [self.uniform, self.by_row].into_iter().flatten()
    }

    fn set(&self) -> Set {
        self.parts().fold(0, |set, strand| set | strand.set)
    }

    /// The part that is the same for every row, where there is no other.
    fn only(&self) -> Option<Option<Strand>> {
        self.by_row.is_none().then_some(self.uniform)
    }
}

/// The lane columns so far, and what depends on the row.
struct Lanes {
    first: usize,
    sets: Vec<Set>,
    /// How many loops are around: nothing in them depends on the row.
    inside: usize,
    /// Of the builder outside loops, as far as somebody asked.
    by_row: Vec<bool>,
}

impl Lanes {
    fn column(&mut self, b: &mut Builder, set: Set) -> Value {
        let at = self.sets.iter().position(|other| *other == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        b.column(self.first + at)
    }

    fn is_by_row(&mut self, b: &Builder, value: Value) -> bool {
        if self.inside > 0 {
            return false;
        }
        for index in self.by_row.len()..=value.index() {
            let by_row = match b.node(Value(index as u32)) {
                Node::Column(k) => (*k as usize) < self.first,
                Node::Row => true,
                Node::Sum(_) | Node::Scatter { .. } => false,
                node => node.operands().iter().any(|v| self.by_row[v.index()]),
            };
            self.by_row.push(by_row);
        }
        self.by_row[value.index()]
    }

    /// The strand's value with a number in those directions of `set` that are not its own.
    fn fill(&mut self, b: &mut Builder, strand: Strand, set: Set, number: f64) -> Value {
        if strand.set == set {
            return strand.value;
        }
        let column = self.column(b, strand.set);
        let number = b.constant(number);
        b.select(column, strand.value, number)
    }

    /// The sum of two strands; where only one of the two can be other than zero, that one.
    fn add(&mut self, b: &mut Builder, x: Option<Strand>, y: Option<Strand>) -> Option<Strand> {
        let (Some(x), Some(y)) = (x, y) else { return x.or(y) };
        let set = x.set | y.set;
        let value = if x.set & y.set == 0 {
            let column = self.column(b, x.set);
            b.select(column, x.value, y.value)
        } else {
            // x + -0 is x, of all x.
            let (x, y) = (self.fill(b, x, set, -0.0), self.fill(b, y, set, -0.0));
            b.add(x, y)
        };
        Some(Strand { value, set })
    }

    /// The sum of a tangent and one more term.
    fn add_term(&mut self, b: &mut Builder, to: Tangent, term: Strand) -> Tangent {
        let by_row = |strand: Option<Strand>| strand.map_or(0, |strand| strand.set);
        let rows = by_row(to.by_row) | if self.is_by_row(b, term.value) { term.set } else { 0 };
        let part = |strand: Option<Strand>, set: Set| strand.and_then(|strand| strand.within(set));
        let varying = self.add(b, part(to.uniform, rows), to.by_row);
        Tangent {
            uniform: self.add(b, part(to.uniform, !rows), term.within(!rows)),
            by_row: self.add(b, varying, term.within(rows)),
        }
    }
}

type Pushed = (Vec<Value>, Vec<Tangent>);

/// Copies a program into the builder with its tangents: values and tangents of every node.
fn push(
    b: &mut Builder,
    program: &Program,
    inputs: &[Value],
    columns: &[Value],
    seeds: &[Tangent],
    lanes: &mut Lanes,
) -> Option<Pushed> {
    let mut values: Vec<Value> = Vec::with_capacity(program.nodes.len());
    let mut tangents: Vec<Tangent> = Vec::with_capacity(program.nodes.len());
    let mut loops: HashMap<Value, Pushed> = HashMap::new();
    for (position, node) in program.nodes.iter().enumerate() {
        let value = match node {
            Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize],
            Node::Column(k) => columns[*k as usize],
            Node::Result { of, index } => loops[of].0[*index as usize],
            other => b.copy(other, &values),
        };
        let tangent = match node {
            Node::Input(k) | Node::VectorInput(k, _) => seeds[*k as usize],
            Node::Result { of, index } => loops[of].1[*index as usize],
            Node::Loop(body) => {
                let results = push_loop(b, body, value, &values, &tangents, lanes)?;
                loops.insert(Value(position as u32), results);
                Tangent::default()
            }
            _ => tangent_of(b, node, value, &values, &tangents, lanes),
        };
        values.push(value);
        tangents.push(tangent);
    }
    Some((values, tangents))
}

/// The tangent of a node that is no loop, by the rules of `forward`.
fn tangent_of(
    b: &mut Builder,
    node: &Node,
    value: Value,
    values: &[Value],
    tangents: &[Tangent],
    lanes: &mut Lanes,
) -> Tangent {
    let mut operands = node.operands().to_vec();
    operands.sort_unstable();
    operands.dedup();
    let mut moving = carriers(node);
    moving.dedup();
    moving.retain(|v| tangents[v.index()].set() != 0);
    // The node on its operands alone, so that the rule sees no others.
    let place = |v: Value| Value(operands.iter().position(|other| *other == v).unwrap_or(0) as u32);
    let (small, here) = (node.map(place), operands.iter().map(|v| values[v.index()]).collect::<Vec<Value>>());
    let apply = |b: &mut Builder, of: &[(Value, Value)]| -> Option<Value> {
        let tangent = |v: &Value| of.iter().find(|(other, _)| other == v).map(|(_, tangent)| *tangent);
        let tangents: Vec<Vec<Option<Value>>> = operands.iter().map(|v| vec![tangent(v)]).collect();
        rule(b, &small, value, &here, &tangents, 1)[0]
    };
    let mut total = Tangent::default();
    if !takes_as_it_is(node) {
        // Each operand on its own: the tangent is the sum, in their order.
        for v in &moving {
            for strand in tangents[v.index()].parts() {
                if let Some(value) = apply(b, &[(*v, strand.value)]) {
                    total = lanes.add_term(b, total, Strand { value, set: strand.set });
                }
            }
        }
        return total;
    }
    let steered_by_row = steering(node).into_iter().any(|v| lanes.is_by_row(b, values[v.index()]));
    let set = moving.iter().fold(0, |set, v| set | tangents[v.index()].set());
    let varying = moving.iter().fold(0, |set, v| set | tangents[v.index()].by_row.map_or(0, |strand| strand.set));
    let varying = if steered_by_row { set } else { varying };
    for class in [varying, set & !varying].into_iter().filter(|class| *class != 0) {
        // A branch or an element that does not move has the tangent 0.
        let mut filled = Vec::new();
        for v in &moving {
            let Tangent { uniform, by_row } = tangents[v.index()];
            let within = |strand: Option<Strand>| strand.and_then(|strand| strand.within(class));
            if let Some(strand) = lanes.add(b, within(uniform), within(by_row)) {
                filled.push((*v, lanes.fill(b, strand, class, 0.0)));
            }
        }
        if let Some(value) = apply(b, &filled) {
            total = lanes.add_term(b, total, Strand { value, set: class });
        }
    }
    total
}

/// Whether a node takes operands, or elements of them, as they are, one or the other or beside one another.
fn takes_as_it_is(node: &Node) -> bool {
    use Operator::{Maximum, Minimum, Select};
    !matches!(node, Node::Apply(operator, _) if !matches!(operator, Select | Minimum | Maximum))
}

/// The operands that say which of the others is taken.
fn steering(node: &Node) -> Vec<Value> {
    match node {
        Node::Apply(Operator::Select, [test, ..]) => vec![*test],
        Node::Apply(..) => node.operands().to_vec(),
        Node::Element { index, .. } | Node::Replace { index, .. } | Node::Scatter { index, .. } => vec![*index],
        _ => Vec::new(),
    }
}

/// The operands whose tangents a node's tangent is made of.
fn carriers(node: &Node) -> Vec<Value> {
    match node {
        Node::Apply(Operator::Select, [_, first, second]) => vec![*first, *second],
        Node::Element { vector, .. } => vec![*vector],
        Node::Replace { vector, element, .. } => vec![*vector, *element],
        Node::Scatter { number, .. } => vec![*number],
        node => node.operands().to_vec(),
    }
}

/// The loop that carries values and tangents: values and tangents of its results. `copied` is the loop of values alone.
fn push_loop(
    b: &mut Builder,
    body: &Loop,
    copied: Value,
    values: &[Value],
    tangents: &[Tangent],
    lanes: &mut Lanes,
) -> Option<Pushed> {
    if body.kind == LoopKind::Backward {
        return None;
    }
    let carried = body.carried;
    let value = |v: &Value| values[v.index()];
    let strand = |v: &Value| tangents[v.index()].only();
    let starts: Vec<Option<Strand>> = body.initial().iter().map(strand).collect::<Option<_>>()?;
    let captured: Vec<Option<Strand>> = body.captured().iter().map(strand).collect::<Option<_>>()?;
    // What is a number outside is one in the body, where it may make something simpler: the one of a seed above all.
    let number = |strand: &Option<Strand>| strand.and_then(|strand| b.known(strand.value));
    let numbers: Vec<Option<f64>> = captured.iter().map(number).collect();
    let sizes_of = |b: &Builder, of: &[Value]| of.iter().map(|v| b.size(value(v))).collect::<Vec<Option<u32>>>();
    let (sizes, captured_sizes) = (sizes_of(b, body.initial()), sizes_of(b, body.captured()));
    let mut moving: Vec<Set> = starts.iter().map(|start| start.map_or(0, |start| start.set)).collect();
    let (inner, mut outputs, inputs) = loop {
        let mut inner = Builder::new();
        let mut count = 0;
        let mut input = |inner: &mut Builder, size: Option<u32>| {
            count += 1;
            inner.input_like(count - 1, size)
        };
        let mut inner_values = vec![input(&mut inner, None)];
        let mut seeds = vec![Tangent::default()];
        let captured_sets: Vec<Set> = captured.iter().map(|strand| strand.map_or(0, |strand| strand.set)).collect();
        let carried_numbers = vec![None; carried];
        for (sizes, sets, numbers) in [(&sizes, &moving, &carried_numbers), (&captured_sizes, &captured_sets, &numbers)]
        {
            inner_values.extend(sizes.iter().map(|size| input(&mut inner, *size)));
            for ((size, set), number) in sizes.iter().zip(sets).zip(numbers) {
                let mut value = || match number {
                    Some(number) => inner.constant(*number),
                    None => input(&mut inner, *size),
                };
                let strand = (*set != 0).then(|| Strand { value: value(), set: *set });
                seeds.push(Tangent { uniform: strand, by_row: None });
            }
        }
        lanes.inside += 1;
        let pushed = push(&mut inner, &body.body, &inner_values, &[], &seeds, lanes);
        lanes.inside -= 1;
        let (of_body, tangents) = pushed?;
        let next: Vec<Option<Strand>> =
            body.body.outputs[..carried].iter().map(|v| tangents[v.index()].uniform).collect();
        let grown: Vec<Set> =
            moving.iter().zip(&next).map(|(set, next)| set | next.map_or(0, |next| next.set)).collect();
        if grown != moving {
            moving = grown;
            continue;
        }
        let mut outputs: Vec<Value> = body.body.outputs[..carried].iter().map(|v| of_body[v.index()]).collect();
        for k in (0..carried).filter(|k| moving[*k] != 0) {
            // What moves and meets a step that makes it zero goes on as zero.
            outputs.push(match next[k] {
                Some(strand) => lanes.fill(&mut inner, strand, moving[k], 0.0),
                None => inner.zero(sizes[k]),
            });
        }
        outputs.extend(body.body.outputs[carried..].iter().map(|v| of_body[v.index()]));
        break (inner, outputs, count);
    };
    if moving.iter().all(|set| *set == 0) {
        return Some((b.results(copied, carried), vec![Tangent::default(); carried]));
    }
    let mut operands: Vec<Value> = body.count().iter().map(value).collect();
    operands.extend(body.initial().iter().map(value));
    let moves: Vec<usize> = (0..carried).filter(|k| moving[*k] != 0).collect();
    for k in &moves {
        operands.push(match starts[*k] {
            Some(start) => lanes.fill(b, start, moving[*k], 0.0),
            None => b.zero(sizes[*k]),
        });
    }
    operands.extend(body.captured().iter().map(value));
    operands.extend(captured.iter().flatten().map(|strand| strand.value).filter(|v| b.known(*v).is_none()));
    let body = Loop {
        kind: body.kind,
        carried: carried + moves.len(),
        body: inner.finish(&std::mem::take(&mut outputs), inputs, 0).into(),
        operands,
    };
    let (_, results) = b.add_loop(body);
    let tangent_at = |k: usize| {
        let at = moves.iter().position(|moving| *moving == k);
        let uniform = at.map(|at| Strand { value: results[carried + at], set: moving[k] });
        Tangent { uniform, by_row: None }
    };
    Some((results[..carried].to_vec(), (0..carried).map(tangent_at).collect()))
}

#[cfg(test)]
pub mod tests;
