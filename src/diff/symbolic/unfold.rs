//! Graph to tree: every subexpression written out wherever it is used.

use super::too_large;
use crate::ir::program::Operands;
use crate::ir::{Node, Program, Value};

/// The program in which no node is used twice, if it has no more than `most` nodes: they are counted before any is
/// made. The program has no loops.
pub fn unfold(program: &Program, most: usize) -> Result<Program, String> {
    let mut sizes: Vec<u64> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let below = node.operands().iter().fold(0u64, |sum, v| sum.saturating_add(sizes[v.index()]));
        sizes.push(below.saturating_add(1));
    }
    let whole = program.outputs.iter().fold(0u64, |sum, v| sum.saturating_add(sizes[v.index()]));
    if whole > most as u64 {
        return Err(too_large(most));
    }
    let mut nodes = Vec::with_capacity(whole as usize);
    let outputs = program.outputs.iter().map(|output| write(program, *output, &mut nodes)).collect();
    Ok(Program { nodes, outputs, inputs: program.inputs, columns: program.columns })
}

/// Writes out the tree of a value behind `nodes`, operands first, and returns its root. A stack of its own: expressions
/// may be deeper than the thread's.
fn write(program: &Program, root: Value, nodes: &mut Vec<Node>) -> Value {
    struct Visit<'a> {
        of: Value,
        operands: Operands<'a>,
        written: Vec<Value>,
    }
    let visit = |of: Value| Visit { of, operands: program.node(of).operands(), written: Vec::new() };
    let mut stack = vec![visit(root)];
    loop {
        let top = stack.last_mut().expect("the root is the last to leave");
        if let Some(next) = top.operands.get(top.written.len()) {
            let next = visit(*next);
            stack.push(next);
            continue;
        }
        let node = match program.node(top.of) {
            Node::Apply(operator, _) => {
                let mut three = [top.written[0]; 3];
                three[..top.written.len()].copy_from_slice(&top.written);
                Node::Apply(*operator, three)
            }
            node => {
                let mut written = top.written.iter();
                node.map(|v| written.next().copied().unwrap_or(v))
            }
        };
        nodes.push(node);
        let place = Value(nodes.len() as u32 - 1);
        stack.pop();
        match stack.last_mut() {
            Some(user) => user.written.push(place),
            None => return place,
        }
    }
}
