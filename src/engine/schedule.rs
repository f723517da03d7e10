//! The order of the steps of a pass: nodes as they stand, sums over the rows as soon as what they add is there.
//!
//! A row value that is only summed then gives its slot back at once.

use crate::engine::code::Sums;
use crate::engine::pair::Pairs;
use crate::ir::Value;

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Node(Value),
    /// The sums of this number are added to.
    Sums(usize),
}

/// The items for the `selected` nodes, in order, without those that pairs take in.
pub fn schedule(selected: &[Value], pairs: &Pairs, sums: &[Sums<Value>]) -> Vec<Item> {
    // Sums by the node that they wait for: the last one selected of those that they add.
    let is_selected = |v: &Value| selected.binary_search(v).is_ok();
    let mut waiting: Vec<(Option<Value>, usize)> =
        sums.iter().enumerate().map(|(at, sums)| (sums.operands().filter(is_selected).max(), at)).collect();
    waiting.sort_unstable();
    let mut waiting = waiting.into_iter().peekable();
    let mut items = Vec::with_capacity(selected.len() + sums.len());
    let nodes = selected.iter().filter(|v| !pairs.is_absorbed(**v));
    for done in [None].into_iter().chain(nodes.map(|v| Some(*v))) {
        items.extend(done.map(Item::Node));
        while let Some((_, at)) = waiting.next_if(|(last, _)| *last <= done) {
            items.push(Item::Sums(at));
        }
    }
    items
}
