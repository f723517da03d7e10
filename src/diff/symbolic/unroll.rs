//! Loops written out: what the symbolic method differentiates.

use std::collections::HashMap;

use super::too_large;
use crate::ir::{Builder, Loop, LoopKind, Node, Program, Value};

/// The program without loops, if it has no more than `most` nodes.
pub fn unroll(program: &Program, most: usize) -> Result<Program, String> {
    if !program.has_loops() {
        return Ok(program.clone());
    }
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let place = write_out(&mut b, program, &inputs, &columns, most)?;
    let outputs: Vec<Value> = program.outputs.iter().map(|v| place[v.index()]).collect();
    Ok(b.finish(&outputs, program.inputs, program.columns))
}

fn write_out(
    b: &mut Builder,
    program: &Program,
    inputs: &[Value],
    columns: &[Value],
    most: usize,
) -> Result<Vec<Value>, String> {
    let mut place: Vec<Value> = Vec::with_capacity(program.nodes.len());
    let mut loops: HashMap<Value, Vec<Value>> = HashMap::new();
    for (position, node) in program.nodes.iter().enumerate() {
        let value = match node {
            Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize],
            Node::Column(k) => columns[*k as usize],
            Node::Result { of, index } => loops[of][*index as usize],
            Node::Loop(body) => {
                loops.insert(Value(position as u32), write_loop(b, body, &place, most)?);
                // Nobody asks for a loop itself.
                b.constant(0.0)
            }
            other => b.copy(other, &place),
        };
        place.push(value);
        if b.len() > most {
            return Err(too_large(most));
        }
    }
    Ok(place)
}

fn write_loop(b: &mut Builder, body: &Loop, place: &[Value], most: usize) -> Result<Vec<Value>, String> {
    let steps = match body.kind {
        LoopKind::Bounded(steps) => steps,
        _ => {
            let count = body.count().and_then(|v| b.known(place[v.index()]));
            count.ok_or("a loop whose length is not a constant has no expression")?.max(0.0) as u64
        }
    };
    let mut carried: Vec<Value> = body.initial().iter().map(|v| place[v.index()]).collect();
    for step in 0..steps {
        let mut inputs = vec![b.constant(step as f64)];
        inputs.extend(&carried);
        inputs.extend(body.captured().iter().map(|v| place[v.index()]));
        let inner = write_out(b, &body.body, &inputs, &[], most)?;
        let next: Vec<Value> = body.body.outputs.iter().map(|v| inner[v.index()]).collect();
        if let Some(wanted) = next.get(body.carried)
            && b.known(*wanted) == Some(0.0)
        {
            break;
        }
        carried = next[..body.carried].to_vec();
    }
    Ok(carried)
}
