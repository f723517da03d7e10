//! Dead code: a program with only what its outputs need, loops with only the values that somebody needs.

use std::sync::Arc;

use crate::ir::program::{Loop, LoopKind, Node, Program, Value};

/// What a loop keeps: positions of its carried and captured values, and of the forward loop's states that it reads.
#[derive(Clone, Debug, Default)]
struct Kept {
    carried: Vec<bool>,
    captured: Vec<bool>,
    states: Vec<bool>,
}

/// The program of `outputs`, which are nodes of `program`. Nodes keep their order.
pub fn prune(program: &Program, outputs: &[Value]) -> Program {
    restrict(program, outputs, program.inputs, &|k| k)
}

/// The same with inputs renumbered.
fn restrict(program: &Program, outputs: &[Value], inputs: usize, renumber: &dyn Fn(u32) -> u32) -> Program {
    let count = program.nodes.len();
    let mut needed = vec![false; count];
    outputs.iter().for_each(|v| needed[v.index()] = true);
    let mut kept: Vec<Kept> = vec![Kept::default(); count];
    // States that a backward loop reads, by its forward loop; results that are used, by their loop.
    let mut live: Vec<Vec<bool>> = program
        .nodes
        .iter()
        .map(|node| if let Node::Loop(l) = node { vec![false; l.carried] } else { Vec::new() })
        .collect();
    for index in (0..count).rev() {
        if !needed[index] {
            continue;
        }
        match &program.nodes[index] {
            Node::Result { of, index: k } => {
                needed[of.index()] = true;
                live[of.index()][*k as usize] = true;
            }
            Node::Loop(body) => {
                let keep = keep(body, &live[index]);
                body.count().iter().for_each(|v| needed[v.index()] = true);
                for (v, keep) in
                    body.initial().iter().zip(&keep.carried).chain(body.captured().iter().zip(&keep.captured))
                {
                    needed[v.index()] |= keep;
                }
                if let Some(forward) = body.forward() {
                    needed[forward.index()] = true;
                    for (live, state) in live[forward.index()].iter_mut().zip(&keep.states) {
                        *live |= state;
                    }
                }
                kept[index] = keep;
            }
            node => node.visit(|v| needed[v.index()] = true),
        }
    }
    let mut place = vec![Value(0); count];
    let mut nodes = Vec::new();
    for (index, node) in program.nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
        place[index] = Value(nodes.len() as u32);
        let at = |v: Value| place[v.index()];
        nodes.push(match node {
            Node::Input(k) => Node::Input(renumber(*k)),
            Node::VectorInput(k, size) => Node::VectorInput(renumber(*k), *size),
            Node::Result { of, index } => {
                let before = kept[of.index()].carried[..*index as usize].iter().filter(|kept| **kept).count();
                Node::Result { of: at(*of), index: before as u32 }
            }
            Node::Loop(body) => {
                // All states that the forward loop keeps stay inputs, so that the two agree on their numbers.
                let states = body.forward().map_or(Vec::new(), |forward| kept[forward.index()].carried.clone());
                Node::Loop(Arc::new(restrict_loop(body, &kept[index], &states, at)))
            }
            node => node.map(at),
        });
    }
    let outputs = outputs.iter().map(|v| place[v.index()]).collect();
    Program { nodes, outputs, inputs, columns: program.columns }
}

/// The fixed point of: a carried value is kept if its result is used, or its input by what is kept.
fn keep(body: &Loop, live: &[bool]) -> Kept {
    let (carried, captured) = (body.carried, body.captured().len());
    let states = body.body.inputs - 1 - carried - captured;
    let mut kept = Kept { carried: live.to_vec(), captured: vec![false; captured], states: vec![false; states] };
    loop {
        let outputs: Vec<Value> = wanted_outputs(body, &kept.carried);
        let needed = Program { outputs, ..body.body.clone() }.needed();
        let mut grown = false;
        for (node, _) in body.body.nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            let (Node::Input(k) | Node::VectorInput(k, _)) = node else { continue };
            let k = *k as usize;
            if k == 0 {
                continue;
            }
            let slot = if k <= carried {
                &mut kept.carried[k - 1]
            } else if k <= carried + captured {
                &mut kept.captured[k - 1 - carried]
            } else {
                &mut kept.states[k - 1 - carried - captured]
            };
            grown |= !*slot;
            *slot = true;
        }
        if !grown {
            return kept;
        }
    }
}

fn wanted_outputs(body: &Loop, carried: &[bool]) -> Vec<Value> {
    let test = body.body.outputs[body.carried..].iter().copied();
    let next = body.body.outputs.iter().zip(carried).filter(|(_, kept)| **kept).map(|(v, _)| *v);
    next.chain(test).collect()
}

fn restrict_loop(body: &Loop, kept: &Kept, states: &[bool], at: impl Fn(Value) -> Value) -> Loop {
    let flags: Vec<bool> = [true].iter().chain(&kept.carried).chain(&kept.captured).chain(states).copied().collect();
    let renumber = |k: u32| flags[..k as usize].iter().filter(|kept| **kept).count() as u32;
    let inputs = flags.iter().filter(|kept| **kept).count();
    let pick = |values: &[Value], kept: &[bool]| -> Vec<Value> {
        values.iter().zip(kept).filter(|(_, kept)| **kept).map(|(v, _)| at(*v)).collect()
    };
    let mut operands: Vec<Value> = body.count().into_iter().map(&at).collect();
    operands.extend(pick(body.initial(), &kept.carried));
    operands.extend(pick(body.captured(), &kept.captured));
    if body.kind == LoopKind::Backward {
        operands.extend(body.forward().map(&at));
    }
    let outputs = wanted_outputs(body, &kept.carried);
    Loop {
        kind: body.kind,
        carried: kept.carried.iter().filter(|kept| **kept).count(),
        body: restrict(&body.body, &outputs, inputs, &renumber),
        operands,
    }
}
