//! Symbolic differentiation: the rules of calculus on a shared expression graph, simplified as it grows.
//!
//! The derivative of every node in every input is an expression; equal ones are one node. Simplifications, beyond the
//! identities of `ir::build`: `x·y + x·z = x·(y + z)`, `x + x = 2·x`, `c·(d·x) = (c·d)·x`, `(x·y)/y = x`,
//! `x·(1/y) = x/y`, `x·(y/x) = y`, `√x·√x = x`, and factors that are the same for every row come out of sums over the
//! rows. They change rounding, not meaning; none of them multiplies out, which cancels catastrophically.

use crate::diff::{forward, unroll};
use crate::ir::{Builder, Node, Operator, Program, Value};

/// Nodes that an expression may have before it is refused.
pub const MOST_NODES: usize = 200_000;

/// The program whose outputs are the first output and its derivatives in every input; loops are unrolled. The error
/// says that the expression would be too large.
pub fn gradient(program: &Program) -> Result<Program, String> {
    let program = unroll::unroll(program, MOST_NODES)?;
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let values = b.inline_all(&program, &inputs, &columns);
    let mut outputs = vec![values[program.outputs[0].index()]];
    for k in 0..program.inputs {
        let derivative = derivative(&program, &values, &mut b, k);
        if b.len() > MOST_NODES {
            return Err(unroll::too_large(MOST_NODES));
        }
        outputs.push(derivative);
    }
    Ok(b.finish(&outputs, program.inputs, program.columns))
}

/// The derivative of the first output in input `k`.
fn derivative(program: &Program, values: &[Value], b: &mut Builder, k: usize) -> Value {
    let mut slopes: Vec<Vec<Option<Value>>> = Vec::with_capacity(program.nodes.len());
    for (index, node) in program.nodes.iter().enumerate() {
        let slope = match node {
            Node::Input(input) => (*input as usize == k).then(|| b.constant(1.0)),
            Node::Sum(operand) => slopes[operand.index()][0].map(|slope| sum(b, slope)),
            Node::Apply(operator, _) if *operator != Operator::Select => {
                let operands: Vec<Value> = node.operands().iter().map(|v| values[v.index()]).collect();
                let mut total: Option<Value> = None;
                for (which, operand) in node.operands().iter().enumerate() {
                    let Some(inner) = slopes[operand.index()][0] else { continue };
                    let Some(partial) = operator.partial(b, &operands, values[index], which) else { continue };
                    let term = multiply(b, partial, inner);
                    total = Some(match total {
                        Some(total) => add(b, total, term),
                        None => term,
                    });
                }
                total
            }
            // Selections and vectors have one rule, linear as they are.
            _ => forward::rule(b, node, values[index], values, &slopes, 1)[0],
        };
        slopes.push(vec![slope]);
    }
    slopes[program.outputs[0].index()][0].unwrap_or_else(|| b.constant(0.0))
}

/// The operands of a node with this operator.
fn split(b: &Builder, value: Value, operator: Operator) -> Option<(Value, Value)> {
    match b.node(value) {
        Node::Apply(found, [x, y, _]) if *found == operator => Some((*x, *y)),
        _ => None,
    }
}

fn add(b: &mut Builder, x: Value, y: Value) -> Value {
    if x == y {
        return b.scale(2.0, x);
    }
    // x·y + x·z = x·(y + z): one product fewer.
    if let (Some((p, q)), Some((r, s))) = (split(b, x, Operator::Multiply), split(b, y, Operator::Multiply)) {
        let common = [(p, q, r, s), (p, q, s, r), (q, p, r, s), (q, p, s, r)].into_iter().find(|(f, _, g, _)| f == g);
        if let Some((factor, first, _, second)) = common {
            let rest = add(b, first, second);
            return multiply(b, factor, rest);
        }
    }
    if let (Some((p, q)), Some((r, s))) = (split(b, x, Operator::Divide), split(b, y, Operator::Divide))
        && q == s
    {
        let above = add(b, p, r);
        return divide(b, above, q);
    }
    b.add(x, y)
}

fn multiply(b: &mut Builder, x: Value, y: Value) -> Value {
    for (x, y) in [(x, y), (y, x)] {
        // -x·y = -(x·y), so that the rules below see the factors.
        if let Node::Apply(Operator::Negate, [inner, ..]) = *b.node(x) {
            let product = multiply(b, inner, y);
            return b.negate(product);
        }
    }
    for (x, y) in [(x, y), (y, x)] {
        if let Some(c) = b.known(x) {
            if let Some((p, q)) = split(b, y, Operator::Multiply) {
                for (known, other) in [(p, q), (q, p)] {
                    if let Some(d) = b.known(known) {
                        return b.scale(c * d, other);
                    }
                }
            }
            continue;
        }
        if let Some((above, below)) = split(b, y, Operator::Divide) {
            if below == x {
                return above;
            }
            // x·(1/y) = x/y.
            if b.known(above) == Some(1.0) {
                return divide(b, x, below);
            }
        }
        if x == y
            && let Node::Apply(Operator::SquareRoot, [inner, ..]) = *b.node(x)
        {
            return inner;
        }
    }
    b.multiply(x, y)
}

fn divide(b: &mut Builder, x: Value, y: Value) -> Value {
    if x == y {
        return b.constant(1.0);
    }
    if let Some((p, q)) = split(b, x, Operator::Multiply) {
        if p == y {
            return q;
        }
        if q == y {
            return p;
        }
    }
    b.divide(x, y)
}

/// Σ c·x = c·Σ x where c is the same for every row; Σ -x = -Σ x.
fn sum(b: &mut Builder, x: Value) -> Value {
    match *b.node(x) {
        Node::Apply(Operator::Negate, [inner, ..]) => {
            let total = sum(b, inner);
            b.negate(total)
        }
        Node::Apply(Operator::Multiply, [p, q, _]) if b.rate(p).by_row() != b.rate(q).by_row() => {
            let (factor, rows) = if b.rate(p).by_row() { (q, p) } else { (p, q) };
            let total = sum(b, rows);
            b.multiply(factor, total)
        }
        Node::Apply(Operator::Divide, [p, q, _]) if b.rate(p).by_row() && !b.rate(q).by_row() => {
            let total = sum(b, p);
            b.divide(total, q)
        }
        _ => b.sum(x),
    }
}
