//! Forward mode: each node's tangents computed beside its value (Griewank & Walther, section 3.1).

use std::ops::Range;

use crate::ir::{Builder, Node, Program, Value};

/// The program whose outputs are the first output and its derivatives in the inputs of `range`.
pub fn gradient(program: &Program, range: Range<usize>) -> Program {
    let (builder, values, tangents) = jvp(program, range);
    let outputs: Vec<Value> = [values[0]].into_iter().chain(tangents[0].iter().copied()).collect();
    builder.finish(&outputs, program.inputs, program.columns)
}

/// The program whose outputs are every output, then for each output its derivatives in all inputs: the Jacobian by
/// columns.
pub fn jacobian(program: &Program) -> Program {
    let (builder, values, tangents) = jvp(program, 0..program.inputs);
    let outputs: Vec<Value> = values.into_iter().chain(tangents.into_iter().flatten()).collect();
    builder.finish(&outputs, program.inputs, program.columns)
}

/// Values of the outputs, and for each output its tangents in the inputs of `range`.
fn jvp(program: &Program, range: Range<usize>) -> (Builder, Vec<Value>, Vec<Vec<Value>>) {
    let directions = range.len();
    let mut builder = Builder::new();
    let mut values: Vec<Value> = Vec::with_capacity(program.nodes.len());
    // None is a tangent that is zero whatever the inputs are.
    let mut tangents: Vec<Vec<Option<Value>>> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let value = builder.copy(node, &values);
        let mut tangent = vec![None; directions];
        match node {
            Node::Input(k) if range.contains(&(*k as usize)) => {
                tangent[*k as usize - range.start] = Some(builder.constant(1.0));
            }
            Node::Sum(operand) => {
                for (k, slot) in tangent.iter_mut().enumerate() {
                    *slot = tangents[operand.index()][k].map(|t| builder.sum(t));
                }
            }
            Node::Apply(operator, _) => {
                let operands: Vec<Value> = node.operands().iter().map(|v| values[v.index()]).collect();
                let of = |which: usize| &tangents[node.operands()[which].index()];
                if *operator == crate::ir::Operator::Select {
                    tangent = select(&mut builder, operands[0], of(1), of(2));
                } else {
                    for which in 0..operands.len() {
                        if of(which).iter().all(Option::is_none) {
                            continue;
                        }
                        let Some(partial) = operator.partial(&mut builder, &operands, value, which) else { continue };
                        for (slot, inner) in tangent.iter_mut().zip(of(which)) {
                            let Some(inner) = inner else { continue };
                            let term = builder.multiply(partial, *inner);
                            *slot = Some(match *slot {
                                Some(sum) => builder.add(sum, term),
                                None => term,
                            });
                        }
                    }
                }
            }
            _ => {}
        }
        values.push(value);
        tangents.push(tangent);
    }
    let zero = builder.constant(0.0);
    let of_outputs = |v: &Value| tangents[v.index()].iter().map(|t| t.unwrap_or(zero)).collect();
    let tangents = program.outputs.iter().map(of_outputs).collect();
    let values = program.outputs.iter().map(|v| values[v.index()]).collect();
    (builder, values, tangents)
}

/// The tangents of the branch that is taken: those of the other, perhaps NaN, are not touched.
fn select(builder: &mut Builder, test: Value, a: &[Option<Value>], b: &[Option<Value>]) -> Vec<Option<Value>> {
    let zero = builder.constant(0.0);
    let mut choose = |pair: (&Option<Value>, &Option<Value>)| match pair {
        (None, None) => None,
        (a, b) => Some(builder.select(test, a.unwrap_or(zero), b.unwrap_or(zero))),
    };
    a.iter().zip(b).map(&mut choose).collect()
}
