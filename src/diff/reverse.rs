//! Reverse mode: adjoints carried from the output back to the inputs (Griewank & Walther, section 3.2).
//!
//! Where a value that differs between rows meets one that does not, the adjoint is summed over the rows. An adjoint
//! that comes through a branch is exactly 0 for rows that took the other one; there the product with a partial
//! derivative is `Masked`, so that an infinite or undefined partial of a branch not taken gives 0, not NaN. A loop is
//! retraced by a backward loop, which carries the adjoints of what the loop carries and adds up those of what it
//! captures; the engine gives it the states that the loop passed through.

use std::collections::HashMap;

use crate::diff::forward::{is_steep, takes_second};
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Value};

/// The program whose outputs are the first output and its derivatives in every input.
pub fn gradient(program: &Program) -> Program {
    derivatives(program, &program.outputs[..1], &[0])
}

/// The program whose outputs are every output, then for each output of `which` its derivatives in all inputs: the
/// Jacobian by rows, one sweep for each output. The derivatives of an output that differs between the rows of the data
/// do so too: nothing is summed over the rows.
pub fn jacobian(program: &Program, which: &[usize]) -> Program {
    derivatives(program, &program.outputs, which)
}

/// The same of these values of the program.
fn derivatives(program: &Program, of: &[Value], which: &[usize]) -> Program {
    let mut b = Builder::with_room(4 * program.nodes.len());
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let values = b.inline_all(program, &inputs, &columns);
    let mut outputs: Vec<Value> = of.iter().map(|v| values[v.index()]).collect();
    let one = b.constant(1.0);
    for output in which.iter().map(|k| of[*k]) {
        outputs.extend(sweep_from(&mut b, program, &values, output, one));
    }
    b.finish(&outputs, program.inputs, program.columns)
}

/// The derivatives in every input of a value whose adjoint is `seed`.
fn sweep_from(b: &mut Builder, program: &Program, values: &[Value], from: Value, seed: Value) -> Vec<Value> {
    let apart = b.rate(values[from.index()]).by_row();
    let mut sweep = Sweep::new(b, program, values, apart, Care::default());
    sweep.receive(from, from, seed);
    let Adjoints { mut inputs, sums } = sweep.back();
    for (sum, adjoint) in sums {
        // What every row adds to the sum is found once, and counts in each row as much as the sum does there.
        let size = b.size(values[sum.index()]);
        for k in 0..size.unwrap_or(1) {
            let (one, index) = (b.constant(1.0), b.constant(f64::from(k)));
            let (unit, share) = match size {
                None => (one, adjoint),
                Some(_) => {
                    let zero = b.zero(size);
                    (b.replace(zero, index, one), b.element(adjoint, index))
                }
            };
            let slopes = sweep_from(b, program, values, sum, unit);
            for (input, slope) in inputs.iter_mut().zip(slopes) {
                let term = b.multiply(share, slope);
                *input = Some(input.map_or(term, |so_far| b.add(so_far, term)));
            }
        }
    }
    let zero = b.constant(0.0);
    inputs.into_iter().map(|adjoint| adjoint.unwrap_or(zero)).collect()
}

/// What a walk back finds: the adjoint of each input, None where it is zero whatever the inputs are, and the sums over
/// the rows that a walk which keeps the rows apart ended at, with their adjoints.
struct Adjoints {
    inputs: Vec<Option<Value>>,
    sums: Vec<(Value, Value)>,
}

/// An adjoint in the making: what is the same for every row, and what is still to be summed over the rows.
#[derive(Clone, Debug, Default)]
struct Adjoint {
    here: Option<Value>,
    rows: Option<Value>,
}

/// One walk back over a program whose nodes stand in a builder.
struct Sweep<'a> {
    b: &'a mut Builder,
    program: &'a Program,
    values: &'a [Value],
    /// Nothing is summed over the rows: inside a loop, which is summed as a whole where it ends, and where the output
    /// differs between the rows.
    apart: bool,
    depends: Vec<bool>,
    guarded: Vec<bool>,
    steep: Vec<bool>,
    adjoints: Vec<Adjoint>,
    /// Adjoints of the results of loops.
    of_loops: HashMap<Value, Vec<Option<Value>>>,
    sums: Vec<(Value, Value)>,
}

impl<'a> Sweep<'a> {
    fn new(b: &'a mut Builder, program: &'a Program, values: &'a [Value], apart: bool, care: Care) -> Sweep<'a> {
        Sweep {
            program,
            values,
            apart,
            depends: depends_on_inputs(program),
            guarded: guarded_nodes(program, care.guarded),
            steep: below_steep_nodes(b, program, values, care.steep),
            b,
            adjoints: vec![Adjoint::default(); program.nodes.len()],
            of_loops: HashMap::new(),
            sums: Vec::new(),
        }
    }

    /// Adds to the adjoint of a node what comes from `user`, which uses it: summed over the rows where the user is there
    /// for each row and the node is not.
    fn receive(&mut self, node: Value, user: Value, term: Value) {
        if !self.depends[node.index()] {
            return;
        }
        let sum_later = self.spreads(node, user);
        let adjoint = &mut self.adjoints[node.index()];
        let slot = if sum_later { &mut adjoint.rows } else { &mut adjoint.here };
        *slot = Some(match *slot {
            Some(sum) => self.b.add(sum, term),
            None => term,
        });
    }

    /// Whether a value that is the same for every row is used by one that is not.
    fn spreads(&self, node: Value, user: Value) -> bool {
        let by_row = |v: Value| self.b.rate(self.values[v.index()]).by_row();
        !self.apart && by_row(user) && !by_row(node)
    }

    /// Adds to the adjoint of one element of a vector.
    fn receive_element(&mut self, vector: Value, user: Value, index: Value, term: Value) {
        let size = self.b.size(self.values[vector.index()]).expect("only vectors have elements");
        if self.spreads(vector, user) {
            let total = self.b.scatter(index, term, size);
            // Summed already: it comes as from a value that is the same for every row.
            return self.receive(vector, vector, total);
        }
        let so_far = self.adjoints[vector.index()].here;
        let changed = match so_far {
            Some(adjoint) => {
                let element = self.b.element(adjoint, index);
                let sum = self.b.add(element, term);
                self.b.replace(adjoint, index, sum)
            }
            None => {
                let zero = self.b.zero(Some(size));
                self.b.replace(zero, index, term)
            }
        };
        self.adjoints[vector.index()].here = Some(changed);
    }

    fn back(mut self) -> Adjoints {
        let program = self.program;
        let mut inputs = vec![None; program.inputs];
        for value in program.values().rev() {
            if let Node::Loop(body) = program.node(value) {
                if let Some(adjoints) = self.of_loops.remove(&value) {
                    self.back_loop(value, body, &adjoints);
                }
                continue;
            }
            let Some(adjoint) = self.take(value) else { continue };
            self.back_node(value, adjoint, &mut inputs);
        }
        Adjoints { inputs, sums: self.sums }
    }

    fn take(&mut self, value: Value) -> Option<Value> {
        let adjoint = std::mem::take(&mut self.adjoints[value.index()]);
        let rows = adjoint.rows.map(|rows| sum_over_rows(self.b, rows));
        match (adjoint.here, rows) {
            (Some(a), Some(b)) => Some(self.b.add(a, b)),
            (one, other) => one.or(other),
        }
    }

    fn back_node(&mut self, value: Value, adjoint: Value, inputs: &mut [Option<Value>]) {
        let at = |v: &Value| self.values[v.index()];
        match self.program.node(value) {
            Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize] = Some(adjoint),
            Node::Sum(_) | Node::Scatter { .. } if self.apart => self.sums.push((value, adjoint)),
            // The adjoint of a sum is the same for every row.
            Node::Sum(operand) => {
                // What is the same for every row is used once for each.
                let by_row = self.b.rate(at(operand)).by_row();
                let adjoint = if by_row { adjoint } else { self.b.sum(adjoint) };
                self.receive(*operand, value, adjoint);
            }
            Node::Scatter { index, number, .. } => {
                let term = self.b.element(adjoint, at(index));
                self.receive(*number, value, term);
            }
            Node::Pack(elements) => {
                for (k, element) in elements.iter().enumerate() {
                    let index = self.b.constant(k as f64);
                    let term = self.b.element(adjoint, index);
                    self.receive(*element, value, term);
                }
            }
            Node::Fill(number, size) => {
                if self.depends[number.index()] {
                    let term = sum_of_elements(self.b, adjoint, *size);
                    self.receive(*number, value, term);
                }
            }
            Node::Element { vector, index } => {
                if self.depends[vector.index()] {
                    self.receive_element(*vector, value, at(index), adjoint);
                }
            }
            Node::Replace { vector, index, element } => {
                let index = at(index);
                let term = self.b.element(adjoint, index);
                self.receive(*element, value, term);
                if self.depends[vector.index()] {
                    let zero = self.b.constant(0.0);
                    let rest = self.b.replace(adjoint, index, zero);
                    self.receive(*vector, value, rest);
                }
            }
            Node::Result { of, index } => {
                let carried = self.program.loop_at(*of).map_or(0, |body| body.carried);
                let adjoints = self.of_loops.entry(*of).or_insert_with(|| vec![None; carried]);
                adjoints[*index as usize] = Some(adjoint);
            }
            Node::Apply(operator, _) => self.back_operation(value, *operator, adjoint),
            Node::Constant(_) | Node::Column(_) | Node::Row | Node::Loop(_) => {}
        }
    }

    fn back_operation(&mut self, value: Value, operator: Operator, adjoint: Value) {
        let operands = self.program.node(value).operands();
        let mut here = [Value(0); 3];
        here.iter_mut().zip(&*operands).for_each(|(here, v)| *here = self.values[v.index()]);
        let here = &here[..operands.len()];
        let zero = self.b.constant(0.0);
        for (which, operand) in operands.iter().enumerate() {
            if !self.depends[operand.index()] {
                continue;
            }
            let term = if operator == Operator::Select {
                match which {
                    1 => self.b.select(here[0], adjoint, zero),
                    2 => self.b.select(here[0], zero, adjoint),
                    _ => continue,
                }
            } else if matches!(operator, Operator::Minimum | Operator::Maximum) {
                let second = self.b.apply(takes_second(operator), &[here[1], here[0]]);
                if which == 1 { self.b.select(second, adjoint, zero) } else { self.b.select(second, zero, adjoint) }
            } else {
                let Some(partial) = operator.partial(self.b, here, self.values[value.index()], which) else {
                    continue;
                };
                let known = self.b.known(partial).is_some();
                let product = if self.guarded[value.index()] && !known {
                    self.b.apply(Operator::Masked, &[adjoint, partial])
                } else {
                    self.b.multiply(adjoint, partial)
                };
                if self.steep[value.index()] && !known { self.b.select(partial, product, zero) } else { product }
            };
            self.receive(*operand, value, term);
        }
    }

    /// The backward loop of a loop whose results have these adjoints.
    fn back_loop(&mut self, value: Value, body: &Loop, adjoints: &[Option<Value>]) {
        let care = Care { guarded: self.guarded[value.index()], steep: self.steep[value.index()] };
        let sizes_of = |b: &Builder, of: &[Value]| -> Vec<Option<u32>> {
            of.iter().map(|v| b.size(self.values[v.index()])).collect()
        };
        let (sizes, captured_sizes) = (sizes_of(self.b, body.initial()), sizes_of(self.b, body.captured()));
        let mut active: Vec<bool> = adjoints.iter().map(Option::is_some).collect();
        let mut gathered = vec![false; captured_sizes.len()];
        let inner = loop {
            let shape =
                Shape { body, active: &active, gathered: &gathered, sizes: &sizes, captured_sizes: &captured_sizes };
            let inner = shape.body(care);
            let grown: Vec<bool> = active.iter().zip(&inner.carried).map(|(a, new)| *a || new.is_some()).collect();
            let found: Vec<bool> = inner.captured.iter().map(Option::is_some).collect();
            if grown == active && found == gathered {
                break inner;
            }
            (active, gathered) = (grown, found);
        };
        let mut operands = Vec::new();
        for (k, _) in active.iter().enumerate().filter(|(_, active)| **active) {
            operands.push(adjoints[k].unwrap_or_else(|| self.b.zero(sizes[k])));
        }
        for (k, _) in gathered.iter().enumerate().filter(|(_, gathered)| **gathered) {
            operands.push(self.b.zero(captured_sizes[k]));
        }
        let carried = operands.len();
        operands.extend(body.captured().iter().map(|v| self.values[v.index()]));
        operands.push(self.values[value.index()]);
        let backward = Loop { kind: LoopKind::Backward, carried, body: inner.finish().into(), operands };
        let (_, results) = self.b.add_loop(backward);
        let mut results = results.into_iter();
        let mut terms = Vec::new();
        for (flags, operands) in [(&active, body.initial()), (&gathered, body.captured())] {
            for (v, _) in operands.iter().zip(flags).filter(|(_, flag)| **flag) {
                terms.push((*v, results.next().expect("a result for each adjoint")));
            }
        }
        for (v, term) in terms {
            self.receive(v, value, term);
        }
    }
}

/// What the inputs of a backward body are: the index, adjoints of the active carried values, sums of the adjoints of
/// captured values, captured values, states.
struct Shape<'a> {
    body: &'a Loop,
    active: &'a [bool],
    gathered: &'a [bool],
    sizes: &'a [Option<u32>],
    captured_sizes: &'a [Option<u32>],
}

/// A backward body in the making, and which adjoints it finds.
struct BackwardBody {
    builder: Builder,
    outputs: Vec<Value>,
    inputs: usize,
    carried: Vec<Option<Value>>,
    captured: Vec<Option<Value>>,
}

impl BackwardBody {
    fn finish(&self) -> Program {
        self.builder.finish(&self.outputs, self.inputs, 0)
    }
}

impl Shape<'_> {
    fn body(&self, care: Care) -> BackwardBody {
        let mut b = Builder::with_room(4 * self.body.body.nodes.len());
        let mut position = 0;
        let mut input = |b: &mut Builder, size: Option<u32>| {
            position += 1;
            b.input_like(position - 1, size)
        };
        let index = input(&mut b, None);
        let flagged = |b: &mut Builder,
                       flags: &[bool],
                       sizes: &[Option<u32>],
                       input: &mut dyn FnMut(&mut Builder, Option<u32>) -> Value| {
            flags.iter().zip(sizes).map(|(flag, size)| flag.then(|| input(b, *size))).collect::<Vec<Option<Value>>>()
        };
        let seeds = flagged(&mut b, self.active, self.sizes, &mut input);
        let sums = flagged(&mut b, self.gathered, self.captured_sizes, &mut input);
        let captured: Vec<Value> = self.captured_sizes.iter().map(|size| input(&mut b, *size)).collect();
        let states: Vec<Value> = self.sizes.iter().map(|size| input(&mut b, *size)).collect();
        let inputs: Vec<Value> = [index].into_iter().chain(states).chain(captured).collect();
        let inner = &self.body.body;
        let values = b.inline_all(inner, &inputs, &[]);
        let mut sweep = Sweep::new(&mut b, inner, &values, true, care);
        for (output, seed) in inner.outputs.iter().zip(&seeds) {
            if let Some(seed) = seed {
                sweep.receive(*output, *output, *seed);
            }
        }
        // The sums go on from what earlier steps gave: an element's share is added where it stands, whatever the length.
        for (at, node) in inner.nodes.iter().enumerate() {
            if let Node::Input(k) | Node::VectorInput(k, _) = node
                && let Some(sum) = (*k as usize).checked_sub(1 + self.sizes.len()).and_then(|k| sums[k])
            {
                sweep.adjoints[at].here = Some(sum);
            }
        }
        let adjoints = sweep.back().inputs;
        let carried = adjoints[1..1 + self.sizes.len()].to_vec();
        let captured = adjoints[1 + self.sizes.len()..].to_vec();
        let mut outputs = Vec::new();
        for (k, _) in seeds.iter().enumerate().filter(|(_, seed)| seed.is_some()) {
            outputs.push(carried[k].unwrap_or_else(|| b.zero(self.sizes[k])));
        }
        for (sum, total) in sums.iter().zip(&captured) {
            outputs.extend(sum.map(|sum| total.unwrap_or(sum)));
        }
        BackwardBody { builder: b, outputs, inputs: position, carried, captured }
    }
}

/// The sum over the rows; of a vector element by element.
fn sum_over_rows(b: &mut Builder, rows: Value) -> Value {
    let Some(size) = b.size(rows) else { return b.sum(rows) };
    let sums: Vec<Value> = (0..size)
        .map(|k| {
            let index = b.constant(f64::from(k));
            let element = b.element(rows, index);
            b.sum(element)
        })
        .collect();
    b.pack(&sums)
}

/// The sum of the elements of a vector, by a loop.
fn sum_of_elements(b: &mut Builder, vector: Value, size: u32) -> Value {
    let mut inner = Builder::new();
    let (index, sum, elements) = (inner.input(0), inner.input(1), inner.vector_input(2, size));
    let element = inner.element(elements, index);
    let next = inner.add(sum, element);
    let body = inner.finish(&[next], 3, 0);
    let (count, zero) = (b.constant(f64::from(size)), b.constant(0.0));
    b.add_loop(Loop { kind: LoopKind::Counted, carried: 1, body: body.into(), operands: vec![count, zero, vector] }).1
        [0]
}

/// For each node, whether an input reaches it.
fn depends_on_inputs(program: &Program) -> Vec<bool> {
    let mut depends: Vec<bool> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let input = matches!(node, Node::Input(_) | Node::VectorInput(..));
        depends.push(input || node.operands().iter().any(|v| depends[v.index()]));
    }
    depends
}

/// What the adjoints that arrive at a node may be.
#[derive(Clone, Copy, Debug, Default)]
struct Care {
    /// Exactly 0, because a branch left the node out.
    guarded: bool,
    /// Infinite, because a power or a root stands at 0.
    steep: bool,
}

/// For each node, whether a steep operator stands between it and the output. What does not move with an input stays where
/// it is, however steep the slope: there a partial derivative that is exactly 0 wins.
fn below_steep_nodes(b: &Builder, program: &Program, values: &[Value], all: bool) -> Vec<bool> {
    let mut below = vec![all; program.nodes.len()];
    for (index, node) in program.nodes.iter().enumerate().rev() {
        let steep = match node {
            Node::Apply(operator, operands) => is_steep(b, *operator, &operands.map(|v| values[v.index()])),
            Node::Loop(body) => holds_steep(&body.body),
            _ => false,
        };
        if steep || below[index] {
            node.operands().iter().for_each(|operand| below[operand.index()] = true);
        }
    }
    below
}

fn holds_steep(body: &Program) -> bool {
    let steep = [Operator::Power, Operator::SquareRoot, Operator::CubeRoot];
    body.nodes.iter().any(|node| match node {
        Node::Apply(operator, _) => steep.contains(operator),
        Node::Loop(inner) => holds_steep(&inner.body),
        _ => false,
    })
}

/// For each node, whether a branch stands between it and the output, so that its adjoint may be a masked zero.
fn guarded_nodes(program: &Program, all: bool) -> Vec<bool> {
    let mut guarded = vec![all; program.nodes.len()];
    for index in (0..program.nodes.len()).rev() {
        let node = &program.nodes[index];
        let branch = matches!(node, Node::Apply(Operator::Select | Operator::Minimum | Operator::Maximum, _));
        if branch || guarded[index] {
            for operand in node.operands() {
                guarded[operand.index()] = true;
            }
        }
    }
    guarded
}
