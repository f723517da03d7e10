//! Where equal nodes are found: a table of the nodes that a builder has, looked up for every operation that is made.
//!
//! It holds positions and hashes, so that nodes themselves are kept once. It is never iterated over.

use hashbrown::HashTable;

use crate::ir::program::{Node, Value};

#[derive(Clone, Debug, Default)]
pub struct Index {
    positions: HashTable<(u64, Value)>,
}

/// Where a node that was not found has its place.
pub struct Vacant {
    hash: u64,
}

impl Index {
    pub fn with_room(count: usize) -> Index {
        Index { positions: HashTable::with_capacity(count) }
    }

    /// The position of the node among `nodes`, which are those that were put in.
    pub fn find(&self, node: &Node, nodes: &[Node]) -> Result<Value, Vacant> {
        let hash = hash(node);
        let is_it = |(other, position): &(u64, Value)| *other == hash && nodes[position.index()] == *node;
        self.positions.find(hash, is_it).map(|(_, position)| *position).ok_or(Vacant { hash })
    }

    pub fn insert(&mut self, vacant: Vacant, value: Value) {
        self.positions.insert_unique(vacant.hash, (vacant.hash, value), |(hash, _)| *hash);
    }
}

/// Equal nodes have equal hashes. Of loops their operands count, not their bodies.
fn hash(node: &Node) -> u64 {
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
    // Multiplication mixes the upper bits most, and tables begin with the lower ones.
    mix(hash, kind).rotate_left(32)
}

/// Rotates, mixes in and multiplies (the scheme of Firefox and rustc).
fn mix(hash: u64, word: u64) -> u64 {
    (hash.wrapping_mul(0x517c_c1b7_2722_0a95).rotate_left(23) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}
