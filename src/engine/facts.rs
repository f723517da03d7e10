//! What compilation asks of a program again and again, found once.

use crate::engine::pair::visit_uses;
use crate::ir::{Program, Rate, Value};

/// A program with what follows from it, of each node.
#[derive(Debug)]
pub struct Facts<'a> {
    pub program: &'a Program,
    /// With regard to what stands in lanes.
    pub rates: Vec<Rate>,
    /// The lengths of vectors.
    pub sizes: Vec<Option<u32>>,
    /// How often each is used: by nodes, and as an output.
    pub uses: Vec<u32>,
}

impl<'a> Facts<'a> {
    pub fn new(program: &'a Program, rates: Vec<Rate>) -> Facts<'a> {
        let mut uses = vec![0u32; program.nodes.len()];
        program.values().for_each(|v| visit_uses(program, v, |operand| uses[operand.index()] += 1));
        program.outputs.iter().for_each(|v| uses[v.index()] += 1);
        Facts { program, rates, sizes: program.sizes(), uses }
    }

    pub fn by_row(&self, value: Value) -> bool {
        self.rates[value.index()].by_row()
    }

    /// How many numbers it has.
    pub fn size(&self, value: Value) -> u32 {
        self.sizes[value.index()].unwrap_or(1)
    }

    pub fn is_vector(&self, value: Value) -> bool {
        self.sizes[value.index()].is_some()
    }
}
