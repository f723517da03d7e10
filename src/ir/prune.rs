//! Dead code: a program with only what its outputs need, loops with only the values that somebody needs.

use std::sync::Arc;

use crate::ir::program::{Loop, LoopKind, Node, Program, Value};

/// Of a loop, what somebody needs: its results and states, and then the positions of its carried and captured values, and
/// of the forward loop's states that it reads.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// Where the loop stands.
    at: usize,
    live: Vec<bool>,
    carried: Vec<bool>,
    captured: Vec<bool>,
    states: Vec<bool>,
}

/// The program of `outputs` among `nodes`, of so many inputs and columns. Nodes keep their order.
pub fn prune(nodes: &[Node], outputs: &[Value], inputs: usize, columns: usize) -> Program {
    let (nodes, outputs) = restrict(nodes, outputs, &|k| k);
    Program { nodes, outputs, inputs, columns }
}

impl Program {
    /// The program of these outputs alone.
    pub fn restricted(&self, outputs: &[Value]) -> Program {
        prune(&self.nodes, outputs, self.inputs, self.columns)
    }
}

/// The nodes that the outputs need, with inputs renumbered, and the outputs among them.
fn restrict(nodes: &[Node], outputs: &[Value], renumber: &dyn Fn(u32) -> u32) -> (Vec<Node>, Vec<Value>) {
    let mut needed = vec![false; nodes.len()];
    outputs.iter().for_each(|v| needed[v.index()] = true);
    let mut kept: Vec<Kept> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Node::Loop(body) = node {
            kept.push(Kept { at, live: vec![false; body.carried], ..Kept::default() });
        }
    }
    let of = |kept: &[Kept], v: Value| kept.binary_search_by_key(&v.index(), |kept| kept.at).expect("a loop");
    for index in (0..nodes.len()).rev() {
        if !needed[index] {
            continue;
        }
        match &nodes[index] {
            Node::Result { of: body, index: k } => {
                needed[body.index()] = true;
                let at = of(&kept, *body);
                kept[at].live[*k as usize] = true;
            }
            Node::Loop(body) => {
                let at = of(&kept, Value(index as u32));
                let keep = Kept { at: index, ..keep(body, std::mem::take(&mut kept[at].live)) };
                body.count().iter().for_each(|v| needed[v.index()] = true);
                let operands = body.initial().iter().zip(&keep.carried);
                for (v, keep) in operands.chain(body.captured().iter().zip(&keep.captured)) {
                    needed[v.index()] |= keep;
                }
                if let Some(forward) = body.forward() {
                    needed[forward.index()] = true;
                    let forward = of(&kept, forward);
                    for (live, state) in kept[forward].live.iter_mut().zip(&keep.states) {
                        *live |= state;
                    }
                }
                kept[at] = keep;
            }
            node => node.visit(|v| needed[v.index()] = true),
        }
    }
    let mut place = vec![Value(0); nodes.len()];
    let mut restricted = Vec::with_capacity(needed.iter().filter(|needed| **needed).count());
    for (index, node) in nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
        place[index] = Value(restricted.len() as u32);
        let at = |v: Value| place[v.index()];
        restricted.push(match node {
            Node::Input(k) => Node::Input(renumber(*k)),
            Node::VectorInput(k, size) => Node::VectorInput(renumber(*k), *size),
            Node::Result { of: body, index } => {
                let carried = &kept[of(&kept, *body)].carried;
                let before = carried[..*index as usize].iter().filter(|kept| **kept).count();
                Node::Result { of: at(*body), index: before as u32 }
            }
            Node::Loop(body) => {
                // All states that the forward loop keeps stay inputs, so that the two agree on their numbers.
                let states = body.forward().map_or(&[][..], |forward| &kept[of(&kept, forward)].carried);
                Node::Loop(Arc::new(restrict_loop(body, &kept[of(&kept, Value(index as u32))], states, at)))
            }
            node => node.map(at),
        });
    }
    let outputs = outputs.iter().map(|v| place[v.index()]).collect();
    (restricted, outputs)
}

/// The fixed point of: a carried value is kept if its result is used, or its input by what is kept.
fn keep(body: &Loop, live: Vec<bool>) -> Kept {
    let (carried, captured) = (body.carried, body.captured().len());
    let states = body.body.inputs - 1 - carried - captured;
    let (captured_ones, state_ones) = (vec![false; captured], vec![false; states]);
    let mut kept = Kept { carried: live, captured: captured_ones, states: state_ones, ..Kept::default() };
    loop {
        let needed = body.body.needed_by(wanted_outputs(body, &kept.carried));
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
            // Only what is carried may need more.
            grown |= !*slot && k <= carried;
            *slot = true;
        }
        if !grown {
            return kept;
        }
    }
}

fn wanted_outputs(body: &Loop, carried: &[bool]) -> impl Iterator<Item = Value> {
    let test = body.body.outputs[body.carried..].iter().copied();
    let next = body.body.outputs.iter().zip(carried).filter(|(_, kept)| **kept).map(|(v, _)| *v);
    next.chain(test)
}

fn restrict_loop(body: &Loop, kept: &Kept, states: &[bool], at: impl Fn(Value) -> Value) -> Loop {
    let pick = |values: &[Value], kept: &[bool]| -> Vec<Value> {
        values.iter().zip(kept).filter(|(_, kept)| **kept).map(|(v, _)| at(*v)).collect()
    };
    let mut operands: Vec<Value> = body.count().into_iter().map(&at).collect();
    operands.extend(pick(body.initial(), &kept.carried));
    operands.extend(pick(body.captured(), &kept.captured));
    if body.kind == LoopKind::Backward {
        operands.extend(body.forward().map(&at));
    }
    // Of each input, how many before it stay.
    let mut inputs = 0;
    let mut places = Vec::with_capacity(body.body.inputs);
    for kept in [true].iter().chain(&kept.carried).chain(&kept.captured).chain(states) {
        places.push(inputs);
        inputs += u32::from(*kept);
    }
    let outputs: Vec<Value> = wanted_outputs(body, &kept.carried).collect();
    Loop {
        kind: body.kind,
        carried: kept.carried.iter().filter(|kept| **kept).count(),
        body: Arc::new({
            let (nodes, outputs) = restrict(&body.body.nodes, &outputs, &|k| places[k as usize]);
            Program { nodes, outputs, inputs: inputs as usize, columns: body.body.columns }
        }),
        operands,
    }
}
