//! Reverse mode: adjoints carried from the output back to the inputs (Griewank & Walther, section 3.2).
//!
//! Where a value that differs between rows meets one that does not, the adjoint is summed over the rows. An adjoint
//! that comes through a branch is exactly 0 for rows that took the other one; there the product with a partial
//! derivative is `Masked`, so that an infinite or undefined partial of a branch not taken gives 0, not NaN.

use crate::ir::{Builder, Node, Operator, Program, Value};

/// The program whose outputs are the first output and its derivatives in every input.
pub fn gradient(program: &Program) -> Program {
    let mut builder = Builder::new();
    let mut values: Vec<Value> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let value = builder.copy(node, &values);
        values.push(value);
    }
    let adjoints = sweep(program, &values, &mut builder);
    let mut outputs = vec![values[program.outputs[0].index()]];
    outputs.extend(adjoints);
    builder.finish(&outputs, program.inputs, program.columns)
}

/// The adjoint of each input, the first output's being 1.
fn sweep(program: &Program, values: &[Value], builder: &mut Builder) -> Vec<Value> {
    let zero = builder.constant(0.0);
    let depends = depends_on_inputs(program);
    let guarded = guarded(program);
    let mut adjoints: Vec<Adjoint> = vec![Adjoint::default(); program.nodes.len()];
    adjoints[program.outputs[0].index()].uniform = Some(builder.constant(1.0));
    let mut inputs = vec![zero; program.inputs];
    for index in (0..program.nodes.len()).rev() {
        let node = &program.nodes[index];
        let Some(adjoint) = adjoints[index].take(builder) else { continue };
        let value = values[index];
        match node {
            Node::Input(k) => inputs[*k as usize] = adjoint,
            // The adjoint of a sum is the same for every row.
            Node::Sum(operand) => {
                if depends[operand.index()] {
                    adjoints[operand.index()].receive(builder, values[operand.index()], adjoint);
                }
            }
            Node::Apply(operator, _) => {
                let operands: Vec<Value> = node.operands().iter().map(|v| values[v.index()]).collect();
                for (which, operand) in node.operands().iter().enumerate() {
                    if !depends[operand.index()] {
                        continue;
                    }
                    let term = if *operator == Operator::Select {
                        match which {
                            1 => builder.select(operands[0], adjoint, zero),
                            2 => builder.select(operands[0], zero, adjoint),
                            _ => continue,
                        }
                    } else {
                        let Some(partial) = operator.partial(builder, &operands, value, which) else { continue };
                        if guarded[index] && !matches!(builder.node(partial), Node::Constant(_)) {
                            builder.apply(Operator::Masked, &[adjoint, partial])
                        } else {
                            builder.multiply(adjoint, partial)
                        }
                    };
                    adjoints[operand.index()].receive(builder, values[operand.index()], term);
                }
            }
            Node::Constant(_) | Node::Column(_) => {}
        }
    }
    inputs
}

/// An adjoint in the making: what is the same for every row, and what is still to be summed over the rows.
#[derive(Clone, Debug, Default)]
struct Adjoint {
    uniform: Option<Value>,
    rows: Option<Value>,
}

impl Adjoint {
    /// Adds a contribution to the adjoint of `to`.
    fn receive(&mut self, builder: &mut Builder, to: Value, term: Value) {
        let sum_later = builder.rate(term).by_row() && !builder.rate(to).by_row();
        let slot = if sum_later { &mut self.rows } else { &mut self.uniform };
        *slot = Some(match *slot {
            Some(sum) => builder.add(sum, term),
            None => term,
        });
    }

    fn take(&mut self, builder: &mut Builder) -> Option<Value> {
        let rows = self.rows.take().map(|rows| builder.sum(rows));
        match (self.uniform.take(), rows) {
            (Some(a), Some(b)) => Some(builder.add(a, b)),
            (one, other) => one.or(other),
        }
    }
}

/// For each node, whether an input reaches it through something else than a step or a test.
fn depends_on_inputs(program: &Program) -> Vec<bool> {
    let mut depends: Vec<bool> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let operands = node.operands().iter();
        depends.push(matches!(node, Node::Input(_)) || operands.into_iter().any(|v| depends[v.index()]));
    }
    depends
}

/// For each node, whether a branch stands between it and the output, so that its adjoint may be a masked zero.
fn guarded(program: &Program) -> Vec<bool> {
    let mut guarded = vec![false; program.nodes.len()];
    for index in (0..program.nodes.len()).rev() {
        let node = &program.nodes[index];
        let branch = matches!(node, Node::Apply(Operator::Select, _));
        if branch || guarded[index] {
            for operand in node.operands() {
                guarded[operand.index()] = true;
            }
        }
    }
    guarded
}
