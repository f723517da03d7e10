//! Symbolic differentiation: the rules of calculus on expressions, kept as a tree or as a graph, simplified or not.
//!
//! "Symbolic" is several methods, and `Form` says which. In an expression graph that is shared all along, equal
//! subexpressions are one node from the first step, and its derivative costs little more than that of reverse mode
//! (Laue, arXiv:1904.02990). A tree is differentiated occurrence by occurrence and grows as textbooks warn (Baydin,
//! Pearlmutter, Radul & Siskind, JMLR 18 (2018), table 1); without sharing it is also evaluated so. All forms apply the
//! identities that keep the bits (`ir::build`: constants folded, `x + 0`, `1*x`, signs drawn out) and drop terms that
//! are zero; `simplify` adds the table of rules, `expand` multiplies the derivatives out.
//!
//! Loops are written out first. Whatever the form, no more than `limit` nodes are ever made.

mod expand;
pub mod formula;
pub mod simplify;
#[cfg(test)]
mod tests;
mod unfold;
mod unroll;

use std::ops::Range;

use crate::diff::forward;
use crate::experiment::{Form, Sharing};
use crate::ir::{Builder, Node, Operator, Program, Value};

/// The program whose outputs are the first output and its derivatives in every input. The error says why there is no
/// expression, or that it would be too large.
pub fn gradient(program: &Program, form: &Form) -> Result<Program, String> {
    let first = Program { outputs: program.outputs[..1].to_vec(), ..program.clone() };
    jacobian(&first, &[0], 0..program.inputs, form)
}

/// The program whose outputs are every output, then for each output of `which` its derivatives in the inputs of `range`.
pub fn jacobian(program: &Program, which: &[usize], range: Range<usize>, form: &Form) -> Result<Program, String> {
    let (sharing, limit) = (form.sharing, form.limit);
    let mut program = unroll::unroll(program, limit)?;
    if sharing != Sharing::Throughout {
        program = unfold::unfold(&program, limit)?;
    }
    let mut b = Builder::with_room(4 * program.nodes.len());
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let values = b.inline_all(&program, &inputs, &columns);
    let mut derivatives: Vec<Vec<Value>> = vec![Vec::new(); which.len()];
    let users = Users::new(&program);
    let (mut found, mut slopes) = (vec![false; program.nodes.len()], vec![vec![None]; program.nodes.len()]);
    for k in range {
        let dependent = users.of_input(k, &mut found);
        let slopes_of_outputs = derivatives_in(&program, which, &values, &mut b, &dependent, &mut slopes, form)?;
        for (row, derivative) in derivatives.iter_mut().zip(slopes_of_outputs) {
            row.push(derivative);
        }
    }
    let mut derivatives = derivatives.concat();
    if form.expand {
        derivatives = expand::expand(&mut b, &derivatives, form)?;
    }
    let mut outputs: Vec<Value> = program.outputs.iter().map(|v| values[v.index()]).collect();
    outputs.extend(derivatives);
    let shared = b.finish(&outputs, program.inputs, program.columns);
    if shared.nodes.len() > limit {
        return Err(too_large(limit));
    }
    if sharing == Sharing::Throughout {
        return Ok(shared);
    }
    let tree = unfold::unfold(&shared, limit)?;
    if sharing == Sharing::None {
        return Ok(tree);
    }
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..tree.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..tree.columns).map(|k| b.column(k)).collect();
    let outputs = b.inline(&tree, &inputs, &columns);
    Ok(b.finish(&outputs, tree.inputs, tree.columns))
}

fn is_branch(operator: Operator) -> bool {
    matches!(operator, Operator::Select | Operator::Minimum | Operator::Maximum)
}

/// What is said of an expression that is too large.
pub fn too_large(most: usize) -> String {
    format!("the expression would exceed {most} nodes")
}

/// Who uses each node of a program.
struct Users {
    /// The users of all nodes, those of one node after those of the one before it, and where each one's begin.
    all: Vec<Value>,
    first: Vec<usize>,
    /// The nodes that are each input.
    inputs: Vec<Vec<Value>>,
}

impl Users {
    fn new(program: &Program) -> Users {
        let mut first = vec![0; program.nodes.len() + 1];
        program.nodes.iter().for_each(|node| node.visit(|v| first[v.index() + 1] += 1));
        (1..first.len()).for_each(|k| first[k] += first[k - 1]);
        let mut next = first.clone();
        let mut all = vec![Value(0); first[program.nodes.len()]];
        let mut inputs = vec![Vec::new(); program.inputs];
        for value in program.values() {
            let node = program.node(value);
            node.visit(|v| {
                all[next[v.index()]] = value;
                next[v.index()] += 1;
            });
            if let Node::Input(k) = node {
                inputs[*k as usize].push(value);
            }
        }
        Users { all, first, inputs }
    }

    /// What depends on the k-th input, in order. In `found` nothing is true, before and after.
    fn of_input(&self, k: usize, found: &mut [bool]) -> Vec<Value> {
        let mut dependent = self.inputs[k].clone();
        let mut at = 0;
        while let Some(value) = dependent.get(at).map(|v| v.index()) {
            at += 1;
            let users = &self.all[self.first[value]..self.first[value + 1]];
            dependent.extend(users.iter().filter(|user| !std::mem::replace(&mut found[user.index()], true)));
        }
        dependent.iter().for_each(|v| found[v.index()] = false);
        dependent.sort_unstable();
        dependent
    }
}

/// The derivatives of the outputs of `which` in the input on which `dependent` depend, and it alone. In `slopes` no node
/// has a slope, before and after.
fn derivatives_in(
    program: &Program,
    which: &[usize],
    values: &[Value],
    b: &mut Builder,
    dependent: &[Value],
    slopes: &mut [Vec<Option<Value>>],
    form: &Form,
) -> Result<Vec<Value>, String> {
    for value in dependent {
        let (index, node) = (value.index(), program.node(*value));
        let slope = match node {
            Node::Input(_) => Some(b.constant(1.0)),
            Node::Sum(operand) if form.simplify => slopes[operand.index()][0].map(|slope| simplify::sum(b, slope)),
            Node::Apply(operator, _) if form.simplify && !is_branch(*operator) => {
                let operands: Vec<Value> = node.operands().iter().map(|v| values[v.index()]).collect();
                let steep = forward::is_steep(b, *operator, &operands);
                let mut total: Option<Value> = None;
                for (position, operand) in node.operands().iter().enumerate() {
                    let Some(inner) = slopes[operand.index()][0] else { continue };
                    let Some(partial) = operator.partial(b, &operands, values[index], position) else { continue };
                    let term = match position {
                        // A number is no exact zero.
                        0 if steep && b.known(inner).is_none() => b.apply(Operator::Masked, &[inner, partial]),
                        _ => simplify::multiply(b, partial, inner),
                    };
                    total = Some(match total {
                        Some(total) => simplify::add(b, total, term),
                        None => term,
                    });
                }
                total
            }
            // Selections and vectors have one rule, linear as they are.
            _ => forward::rule(b, node, values[index], values, slopes, 1)[0],
        };
        slopes[index][0] = slope;
        if b.len() > form.limit.saturating_mul(MAKING) {
            return Err(too_large(form.limit));
        }
    }
    let zero = b.constant(0.0);
    let derivatives = which.iter().map(|at| slopes[program.outputs[*at].index()][0].unwrap_or(zero)).collect();
    dependent.iter().for_each(|v| slopes[v.index()][0] = None);
    Ok(derivatives)
}

/// Of the nodes made on the way many are dropped again: so many times the limit are too many all the same.
const MAKING: usize = 4;
