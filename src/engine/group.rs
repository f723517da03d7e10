//! Which sums over the rows are added up together: those that wait for the same row value.

use crate::engine::code::{Summand, Sums, Times, Zero};
use crate::engine::facts::Facts;
use crate::ir::{Node, Operator, Value};

/// The sums of these row values, in groups. A product that its group alone uses becomes the group's factor and is never
/// written.
pub fn group(facts: &Facts, summed: &[Value]) -> Vec<Sums<Value>> {
    let summands: Vec<Summand<Value>> = summed.iter().map(|v| summand(facts, *v)).collect();
    // What is made last: columns are there before all else.
    let made = |v: Value| (!matches!(facts.program.node(v), Node::Column(_)), v);
    let mut groups: Vec<(Value, Sums<Value>)> = Vec::new();
    let mut with_factor: Vec<Option<usize>> = vec![None; facts.program.nodes.len()];
    for (at, summand) in (0u32..).zip(&summands) {
        let [a, b] = summand.operands();
        let (factor, rows) = if made(a) >= made(b) { (a, b) } else { (b, a) };
        let empty = || (factor, Sums { factor: Summand::Value(factor), own: None, times: Vec::new() });
        let group = *with_factor[factor.index()].get_or_insert_with(|| {
            groups.push(empty());
            groups.len() - 1
        });
        let zero = match summand {
            Summand::Value(_) => {
                // One value may be summed twice.
                let group = if groups[group].1.own.is_none() { group } else { groups.len() };
                groups.resize_with(groups.len().max(group + 1), empty);
                groups[group].1.own = Some(at);
                continue;
            }
            Summand::Product(..) => Zero::Neither,
            Summand::Masked(..) if factor == a => Zero::Factor,
            Summand::Masked(..) => Zero::Rows,
        };
        groups[group].1.times.push(Times { rows, zero, at });
    }
    let join = |(factor, sums): (Value, Sums<Value>)| {
        let uses = sums.times.len() + usize::from(sums.own.is_some());
        let alone = facts.uses[factor.index()] as usize == uses && sums.times.iter().all(|times| times.rows != factor);
        match (product(facts, factor), &sums.times[..]) {
            (Some(product), _) if alone => Sums { factor: product, ..sums },
            (_, [Times { at, .. }]) if sums.own.is_none() => {
                Sums { factor: summands[*at as usize], own: Some(*at), times: Vec::new() }
            }
            _ => sums,
        }
    };
    groups.into_iter().map(join).collect()
}

/// What a sum over a row value adds up: a product of row values is not computed by itself if the sum is all that uses it.
fn summand(facts: &Facts, value: Value) -> Summand<Value> {
    let alone = facts.uses[value.index()] == 1;
    product(facts, value).filter(|_| alone).unwrap_or(Summand::Value(value))
}

fn product(facts: &Facts, value: Value) -> Option<Summand<Value>> {
    let Node::Apply(operator, [a, b, _]) = facts.program.node(value) else { return None };
    let rows = facts.by_row(*a) && facts.by_row(*b) && !facts.is_vector(value);
    match operator {
        Operator::Multiply if rows => Some(Summand::Product(*a, *b)),
        Operator::Masked if rows => Some(Summand::Masked(*a, *b)),
        _ => None,
    }
}
