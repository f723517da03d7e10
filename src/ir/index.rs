//! Where equal nodes are found: a table of the nodes that a builder has, looked up for every operation that is made.
//!
//! Open addressing with linear probing, at most half full. It holds positions, and of each node a part of its hash, so that
//! nodes themselves are kept once, and looked at where that part agrees. It is never iterated over.

use crate::ir::program::{Node, Value};

/// Slots of the first table.
const FIRST: usize = 64;

#[derive(Clone, Debug, Default)]
pub struct Index {
    /// 0 where nothing stands; else the hash of a node, and its position counted from 1.
    slots: Vec<(u32, u32)>,
    count: usize,
}

/// Where a node that was not found has its place.
pub struct Vacant {
    hash: u32,
}

impl Index {
    pub fn with_room(count: usize) -> Index {
        Index { slots: vec![(0, 0); (2 * count).next_power_of_two().max(FIRST)], count: 0 }
    }

    /// The position of the node among `nodes`, which are those that were put in.
    pub fn find(&self, node: &Node, nodes: &[Node]) -> Result<Value, Vacant> {
        let hash = hash(node);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize;
        while let Some((other, position)) = self.slots.get(at & mask) {
            match position.checked_sub(1) {
                None => break,
                Some(position) if *other == hash && nodes[position as usize] == *node => return Ok(Value(position)),
                Some(_) => at += 1,
            }
        }
        Err(Vacant { hash })
    }

    pub fn insert(&mut self, vacant: Vacant, value: Value) {
        if 2 * (self.count + 1) > self.slots.len() {
            let before = std::mem::take(&mut self.slots);
            self.slots = vec![(0, 0); (4 * before.len()).max(FIRST)];
            before.into_iter().filter(|(_, position)| *position > 0).for_each(|slot| self.put(slot));
        }
        self.put((vacant.hash, value.0 + 1));
        self.count += 1;
    }

    fn put(&mut self, slot: (u32, u32)) {
        let mask = self.slots.len() - 1;
        let mut at = slot.0 as usize & mask;
        while self.slots[at].1 > 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

/// Equal nodes have equal hashes. Of loops their operands count, not their bodies.
fn hash(node: &Node) -> u32 {
    let pair = |a: Value, b: Value| u64::from(a.0) << 32 | u64::from(b.0);
    let all = |of: &[Value]| of.iter().fold(of.len() as u64, |hash, v| mix(hash, u64::from(v.0)));
    let (kind, hash) = match node {
        Node::Constant(bits) => (0, *bits),
        Node::Input(k) => (1, u64::from(*k)),
        Node::VectorInput(k, size) => (2, pair(Value(*k), Value(*size))),
        Node::Column(k) => (3, u64::from(*k)),
        Node::Row => (4, 0),
        Node::Apply(operator, [a, b, c]) => (16 + *operator as u64, mix(pair(*a, *b), u64::from(c.0))),
        Node::Sum(of) => (5, u64::from(of.0)),
        Node::Pack(elements) => (6, all(elements)),
        Node::Fill(of, size) => (7, pair(*of, Value(*size))),
        Node::Element { vector, index } => (8, pair(*vector, *index)),
        Node::Replace { vector, index, element } => (9, mix(pair(*vector, *index), u64::from(element.0))),
        Node::Scatter { index, number, size } => (10, mix(pair(*index, *number), u64::from(*size))),
        Node::Loop(body) => (11, all(&body.operands)),
        Node::Result { of, index } => (12, pair(*of, Value(*index))),
    };
    // Multiplication mixes the upper bits most.
    (mix(hash, kind) >> 32) as u32
}

/// Rotates, mixes in and multiplies (the scheme of Firefox and rustc).
fn mix(hash: u64, word: u64) -> u64 {
    (hash.wrapping_mul(0x517c_c1b7_2722_0a95).rotate_left(23) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}
