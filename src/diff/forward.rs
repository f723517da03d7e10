//! Forward mode: each node's tangents computed beside its value (Griewank & Walther, section 3.1).
//!
//! A loop carries the tangents beside the values; which of them can be other than zero is found by going through the
//! body until nothing more becomes so.

use std::collections::HashMap;
use std::ops::Range;

use crate::ir::{Builder, Loop, Node, Operator, Program, Value};

/// Tangents of one node, one per direction; None is a tangent that is zero whatever the inputs are.
type Tangents = Vec<Option<Value>>;

/// The program whose outputs are the first output and its derivatives in the inputs of `range`.
pub fn gradient(program: &Program, range: Range<usize>) -> Program {
    let (builder, values, tangents) = outputs(program, range);
    let outputs: Vec<Value> = [values[0]].into_iter().chain(tangents[0].iter().copied()).collect();
    builder.finish(&outputs, program.inputs, program.columns)
}

/// The program whose outputs are every output, then for each output of `which` its derivatives in the inputs of
/// `range`: the Jacobian by columns.
pub fn jacobian(program: &Program, which: &[usize], range: Range<usize>) -> Program {
    let (builder, values, tangents) = outputs(program, range);
    let slopes = which.iter().flat_map(|k| tangents[*k].iter().copied());
    let outputs: Vec<Value> = values.into_iter().chain(slopes).collect();
    builder.finish(&outputs, program.inputs, program.columns)
}

/// The program of 2n inputs, a point and a direction, whose outputs are the derivatives of every output along the
/// direction.
pub fn directional(program: &Program) -> Program {
    let n = program.inputs;
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..n).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let seeds: Vec<Tangents> = (0..n).map(|k| vec![Some(b.input(n + k))]).collect();
    let (_, tangents) = push_forward(&mut b, program, &inputs, &columns, &seeds, 1);
    let zero = b.constant(0.0);
    let outputs: Vec<Value> = program.outputs.iter().map(|v| tangents[v.index()][0].unwrap_or(zero)).collect();
    b.finish(&outputs, 2 * n, program.columns)
}

/// Values of the outputs, and for each output its tangents in the inputs of `range`.
fn outputs(program: &Program, range: Range<usize>) -> (Builder, Vec<Value>, Vec<Vec<Value>>) {
    let mut builder = Builder::with_room(program.nodes.len() * (1 + range.len()));
    let inputs: Vec<Value> = (0..program.inputs).map(|k| builder.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| builder.column(k)).collect();
    let seed = |builder: &mut Builder, k: usize| -> Tangents {
        range.clone().map(|direction| (direction == k).then(|| builder.constant(1.0))).collect()
    };
    let seeds: Vec<Tangents> = (0..program.inputs).map(|k| seed(&mut builder, k)).collect();
    let (values, tangents) = push_forward(&mut builder, program, &inputs, &columns, &seeds, range.len());
    let zero = builder.constant(0.0);
    let of_outputs = |v: &Value| tangents[v.index()].iter().map(|t| t.unwrap_or(zero)).collect();
    let of = program.outputs.iter().map(of_outputs).collect();
    let values = program.outputs.iter().map(|v| values[v.index()]).collect();
    (builder, values, of)
}

/// Copies a program into the builder with its tangents in `directions` directions: values and tangents of every node.
fn push_forward(
    b: &mut Builder,
    program: &Program,
    inputs: &[Value],
    columns: &[Value],
    seeds: &[Tangents],
    directions: usize,
) -> (Vec<Value>, Vec<Tangents>) {
    let mut values: Vec<Value> = Vec::with_capacity(program.nodes.len());
    let mut tangents: Vec<Tangents> = Vec::with_capacity(program.nodes.len());
    let mut loops: HashMap<Value, Moved> = HashMap::new();
    for (position, node) in program.nodes.iter().enumerate() {
        let value = match node {
            Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize],
            Node::Column(k) => columns[*k as usize],
            Node::Result { of, index } => loops[of].values[*index as usize],
            other => b.copy(other, &values),
        };
        let tangent = match node {
            Node::Input(k) | Node::VectorInput(k, _) => seeds[*k as usize].clone(),
            Node::Result { of, index } => loops[of].results[*index as usize].clone(),
            Node::Loop(body) => {
                let forward = body.forward().map(|forward| &loops[&forward]);
                let moved = push_loop(b, body, value, forward, &values, &tangents, directions);
                loops.insert(Value(position as u32), moved);
                vec![None; directions]
            }
            _ => rule(b, node, value, &values, &tangents, directions),
        };
        values.push(value);
        tangents.push(tangent);
    }
    (values, tangents)
}

/// The tangents of a node that is no loop.
pub fn rule(
    b: &mut Builder,
    node: &Node,
    value: Value,
    values: &[Value],
    tangents: &[Tangents],
    directions: usize,
) -> Tangents {
    let at = |v: Value| values[v.index()];
    let of = |v: Value, k: usize| tangents[v.index()][k];
    let each = |b: &mut Builder, f: &dyn Fn(&mut Builder, usize) -> Option<Value>| -> Tangents {
        (0..directions).map(|k| f(b, k)).collect()
    };
    match node {
        Node::Sum(operand) => each(b, &|b, k| of(*operand, k).map(|t| b.sum(t))),
        Node::Fill(number, size) => each(b, &|b, k| of(*number, k).map(|t| b.fill(t, *size))),
        Node::Scatter { index, number, size } => {
            each(b, &|b, k| of(*number, k).map(|t| b.scatter(at(*index), t, *size)))
        }
        Node::Pack(elements) => each(b, &|b, k| {
            elements.iter().any(|v| of(*v, k).is_some()).then(|| {
                let zero = b.constant(0.0);
                let parts: Vec<Value> = elements.iter().map(|v| of(*v, k).unwrap_or(zero)).collect();
                b.pack(&parts)
            })
        }),
        Node::Element { vector, index } => each(b, &|b, k| of(*vector, k).map(|t| b.element(t, at(*index)))),
        Node::Replace { vector, index, element } => each(b, &|b, k| {
            if of(*vector, k).is_none() && of(*element, k).is_none() {
                return None;
            }
            let size = b.size(at(*vector));
            let vector = of(*vector, k).unwrap_or_else(|| b.zero(size));
            let element = of(*element, k).unwrap_or_else(|| b.constant(0.0));
            Some(b.replace(vector, at(*index), element))
        }),
        // The tangents of the branch that is taken: those of the other, perhaps NaN, are not touched.
        Node::Apply(Operator::Select, [test, first, second]) => {
            each(b, &|b, k| match (of(*first, k), of(*second, k)) {
                (None, None) => None,
                (x, y) => {
                    let size = b.size(value);
                    let zero = b.zero(size);
                    Some(b.select(at(*test), x.unwrap_or(zero), y.unwrap_or(zero)))
                }
            })
        }
        Node::Apply(operator @ (Operator::Minimum | Operator::Maximum), [first, second, _]) => {
            let test = b.apply(takes_second(*operator), &[at(*second), at(*first)]);
            each(b, &|b, k| match (of(*first, k), of(*second, k)) {
                (None, None) => None,
                (x, y) => {
                    let size = b.size(value);
                    let zero = b.zero(size);
                    Some(b.select(test, y.unwrap_or(zero), x.unwrap_or(zero)))
                }
            })
        }
        Node::Apply(operator, _) => {
            let operands = node.operands();
            let here: Vec<Value> = operands.iter().map(|v| at(*v)).collect();
            let mut tangent = vec![None; directions];
            for (which, operand) in operands.iter().enumerate() {
                if tangents[operand.index()].iter().all(Option::is_none) {
                    continue;
                }
                let Some(partial) = operator.partial(b, &here, value, which) else { continue };
                for (k, slot) in tangent.iter_mut().enumerate() {
                    let Some(inner) = of(*operand, k) else { continue };
                    // A masked product differentiated: what a zero wins over, its derivative too.
                    let term = match (*operator, which) {
                        (Operator::Masked, 0) => b.apply(Operator::Masked, &[inner, partial]),
                        (Operator::Masked, _) => b.apply(Operator::Masked, &[partial, inner]),
                        // What does not move stays where it is, however steep the slope: (t/tau)**beta at t = 0.
                        (_, 0) if b.known(inner).is_none() && is_steep(b, *operator, &here) => {
                            b.apply(Operator::Masked, &[inner, partial])
                        }
                        _ => b.multiply(partial, inner),
                    };
                    *slot = Some(match *slot {
                        Some(sum) => b.add(sum, term),
                        None => term,
                    });
                }
            }
            tangent
        }
        _ => vec![None; directions],
    }
}

/// The comparison of the second operand with the first by which `min` or `max` takes the second.
pub fn takes_second(operator: Operator) -> Operator {
    if operator == Operator::Minimum { Operator::Less } else { Operator::Greater }
}

/// Whether the slope in the first operand is infinite where the value is finite: powers and roots at 0.
pub fn is_steep(b: &Builder, operator: Operator, operands: &[Value]) -> bool {
    match operator {
        Operator::SquareRoot | Operator::CubeRoot => true,
        Operator::Power => b.known(operands[1]).is_none_or(|exponent| exponent < 1.0),
        _ => false,
    }
}

/// What became of a loop: the loop of values and tangents, which tangents it carries, and those of its results.
struct Moved {
    of: Value,
    /// For each carried value and direction.
    moving: Vec<bool>,
    /// Lengths of the carried values.
    sizes: Vec<Option<u32>>,
    /// Values and tangents of the results.
    values: Vec<Value>,
    results: Vec<Tangents>,
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}

/// The loop that carries values and tangents. `forward` is what became of the loop that a backward loop retraces.
fn push_loop(
    b: &mut Builder,
    body: &Loop,
    copied: Value,
    forward: Option<&Moved>,
    values: &[Value],
    tangents: &[Tangents],
    directions: usize,
) -> Moved {
    let carried = body.carried;
    let of_each = |of: &[Value]| -> Vec<Value> { of.iter().map(|v| values[v.index()]).collect() };
    let (initial, captured) = (of_each(body.initial()), of_each(body.captured()));
    let starts: Vec<&Tangents> = body.initial().iter().map(|v| &tangents[v.index()]).collect();
    let moving_captured: Vec<&Tangents> = body.captured().iter().map(|v| &tangents[v.index()]).collect();
    // What is a number outside is one in the body, where it may make something simpler: the one of a seed above all.
    let numbers: Vec<Option<f64>> =
        moving_captured.iter().flat_map(|t| t.iter().map(|t| t.and_then(|t| b.known(t)))).collect();
    let sizes: Vec<Option<u32>> = initial.iter().map(|v| b.size(*v)).collect();
    let captured_sizes: Vec<Option<u32>> = captured.iter().map(|v| b.size(*v)).collect();
    let mut moving: Vec<bool> = starts.iter().flat_map(|t| t.iter().map(Option::is_some)).collect();
    let (inner, outputs, next) = loop {
        let (captured, captured_sizes) = (&moving_captured, &captured_sizes);
        let shape = Shape { body, moving: &moving, sizes: &sizes, captured, captured_sizes, numbers: &numbers };
        let (inner, outputs, next) = tangent_body(&shape, forward, directions);
        let grown: Vec<bool> = moving.iter().zip(next.iter().flatten()).map(|(a, t)| *a || t.is_some()).collect();
        if grown == moving {
            break (inner, outputs, next);
        }
        moving = grown;
    };
    let retraces_tangents = forward.is_some_and(|forward| count(&forward.moving) > 0);
    if count(&moving) == 0 && !retraces_tangents {
        let values = b.results(copied, carried);
        return Moved { of: copied, moving, sizes, values, results: vec![vec![None; directions]; carried] };
    }
    let places: Vec<(usize, usize)> =
        (0..moving.len()).filter(|at| moving[*at]).map(|at| (at / directions, at % directions)).collect();
    let mut operands: Vec<Value> = body.count().iter().map(|v| values[v.index()]).collect();
    operands.extend(&initial);
    for (k, direction) in &places {
        let start = starts[*k][*direction].unwrap_or_else(|| b.zero(sizes[*k]));
        operands.push(start);
    }
    operands.extend(&captured);
    let tangents_captured = moving_captured.iter().flat_map(|t| t.iter().flatten().copied());
    operands.extend(tangents_captured.filter(|t| b.known(*t).is_none()));
    let states = forward.map_or(0, |forward| forward.sizes.len() + count(&forward.moving));
    let inputs = 1 + operands.len() - usize::from(body.count().is_some()) + states;
    operands.extend(forward.map(|forward| forward.of));
    let mut all: Vec<Value> = outputs[..carried].to_vec();
    all.extend(places.iter().map(|(k, direction)| next[*k][*direction].expect("a moving tangent has a next value")));
    all.extend(&outputs[carried..]);
    let whole =
        Loop { kind: body.kind, carried: carried + places.len(), body: inner.finish(&all, inputs, 0).into(), operands };
    let (of, results) = b.add_loop(whole);
    let of_result = |k: usize| -> Tangents {
        let find = |direction: usize| places.iter().position(|place| *place == (k, direction));
        (0..directions).map(|direction| find(direction).map(|at| results[carried + at])).collect()
    };
    Moved { of, sizes, values: results[..carried].to_vec(), results: (0..carried).map(of_result).collect(), moving }
}

/// What the inputs of a body with tangents are.
struct Shape<'a> {
    body: &'a Loop,
    moving: &'a [bool],
    sizes: &'a [Option<u32>],
    captured: &'a [&'a Tangents],
    captured_sizes: &'a [Option<u32>],
    /// The captured tangents that are known.
    numbers: &'a [Option<f64>],
}

/// The body with its tangents: the builder, the body's outputs, and the next tangents of what it carries.
fn tangent_body(shape: &Shape, forward: Option<&Moved>, directions: usize) -> (Builder, Vec<Value>, Vec<Tangents>) {
    let Shape { body, moving, sizes, captured, captured_sizes, numbers } = shape;
    let mut b = Builder::new();
    let mut position = 0;
    let mut input = |b: &mut Builder, size: Option<u32>| {
        position += 1;
        b.input_like(position - 1, size)
    };
    let mut inputs = vec![input(&mut b, None)];
    let mut seeds: Vec<Tangents> = vec![vec![None; directions]];
    let mut carried = |b: &mut Builder, sizes: &[Option<u32>], moving: &[bool], numbers: &[Option<f64>]| {
        inputs.extend(sizes.iter().map(|size| input(b, *size)));
        for (k, size) in sizes.iter().enumerate() {
            let mut tangent = |at: usize| match numbers.get(at).copied().flatten() {
                Some(number) => b.constant(number),
                None => input(b, *size),
            };
            let here = k * directions..(k + 1) * directions;
            seeds.push(here.map(|at| moving[at].then(|| tangent(at))).collect());
        }
    };
    carried(&mut b, sizes, moving, &[]);
    let flags: Vec<bool> = captured.iter().flat_map(|tangents| tangents.iter().map(Option::is_some)).collect();
    carried(&mut b, captured_sizes, &flags, numbers);
    if let Some(forward) = forward {
        carried(&mut b, &forward.sizes, &forward.moving, &[]);
    }
    let (inner, tangents) = push_forward(&mut b, &body.body, &inputs, &[], &seeds, directions);
    let outputs: Vec<Value> = body.body.outputs.iter().map(|v| inner[v.index()]).collect();
    let mut next: Vec<Tangents> =
        body.body.outputs[..body.carried].iter().map(|v| tangents[v.index()].clone()).collect();
    // A tangent that moves and meets a step that makes it zero goes on as zero.
    for (at, moves) in moving.iter().enumerate() {
        let (k, direction) = (at / directions, at % directions);
        if *moves && next[k][direction].is_none() {
            next[k][direction] = Some(b.zero(sizes[k]));
        }
    }
    (b, outputs, next)
}
