//! What stands in lanes, and which values of a program therefore have one number for each lane.

use std::collections::HashMap;

use crate::ir::{Loop, Node, Program, Rate, Value};

/// What stands in slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// What there is one of for each row.
    #[default]
    Rows,
    /// What depends on the columns from this one on; a loop carries such values beside others.
    Lanes(usize),
}

impl Axis {
    /// The rates of what the loop at `value` carries, and of the nodes of its body.
    pub fn loop_rates(self, body: &Loop, rates: &[Rate], value: Value) -> (Vec<Rate>, Vec<Rate>) {
        let rate_of = |v: Value| rates[v.index()];
        match self {
            Axis::Rows => {
                let rate = rates[value.index()];
                (vec![rate; body.carried], body.body_rates(rate, rate_of, body.forward().map(rate_of)))
            }
            Axis::Lanes(first) => lane_rates_of_loop(body, &rate_of, first),
        }
    }
}

/// Whether each node of a program depends on the columns from `first` on, as rates: by row if it does. `rate` knows the
/// inputs.
pub fn lane_rates(program: &Program, rate: &dyn Fn(u32) -> Rate, first: usize) -> Vec<Rate> {
    let mut rates: Vec<Rate> = Vec::with_capacity(program.nodes.len());
    let mut carried: HashMap<Value, Vec<Rate>> = HashMap::new();
    for (position, node) in program.nodes.iter().enumerate() {
        let join = |rates: &[Rate], of: &[Value]| of.iter().fold(Rate::Uniform, |all, v| all.join(rates[v.index()]));
        let rate = match node {
            Node::Input(k) | Node::VectorInput(k, _) => rate(*k),
            Node::Column(k) if *k as usize >= first => Rate::Row,
            Node::Loop(body) => {
                let of = lane_rates_of_loop(body, &|v| rates[v.index()], first).0;
                let all = of.iter().fold(Rate::Uniform, |all, rate| all.join(*rate));
                carried.insert(Value(position as u32), of);
                all
            }
            Node::Result { of, index } => carried[of][*index as usize],
            node => join(&rates, &node.operands()),
        };
        rates.push(rate);
    }
    rates
}

/// The rates of what a loop carries, each on its own, and of the nodes of its body.
fn lane_rates_of_loop(body: &Loop, rate: &dyn Fn(Value) -> Rate, first: usize) -> (Vec<Rate>, Vec<Rate>) {
    let mut carried: Vec<Rate> = body.initial().iter().map(|v| rate(*v)).collect();
    let captured: Vec<Rate> = body.captured().iter().map(|v| rate(*v)).collect();
    loop {
        let inputs: Vec<Rate> = [Rate::Uniform].iter().chain(&carried).chain(&captured).copied().collect();
        let rates = lane_rates(&body.body, &|k| inputs.get(k as usize).copied().unwrap_or(Rate::Uniform), first);
        let next = body.body.outputs[..body.carried].iter().map(|v| rates[v.index()]);
        let grown: Vec<Rate> = carried.iter().zip(next).map(|(rate, next)| rate.join(next)).collect();
        if grown == carried {
            return (carried, rates);
        }
        carried = grown;
    }
}
