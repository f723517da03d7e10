//! From nodes to steps: places for values, slots shared by values that are not alive together, loops with their bodies.

use std::collections::BTreeMap;

use crate::engine::axis::Axis;
use crate::engine::code::{Backward, Body, Carry, Dot, Instruction, LoopCode, Operand, Pair, Repeat, Step, Sums};
use crate::engine::facts::Facts;
use crate::engine::pair::{Joined, pairs, visit_uses};
use crate::engine::schedule::{Item, schedule};
use crate::ir::{Loop, LoopKind, Node, Program, Rate, Value};

/// Gives out places and makes steps. Uniform values keep their places; slots are given again when their value dies.
#[derive(Debug, Default)]
pub struct Emitter {
    pub constants: Vec<(u32, f64)>,
    shared: BTreeMap<u64, u32>,
    pub uniforms: u32,
    /// Most slots that any pass needs.
    pub slots: u32,
    /// Slots of the pass under way.
    used: u32,
    free: Vec<u32>,
    /// Of each slot, whether a loop under way carries a value in it.
    held: Vec<bool>,
    /// Slots that are left free before one is given again, the one that is free the longest: instructions that use
    /// different slots can change places.
    pub spare: usize,
    pub frames: u32,
    /// The sums over the rows that the next steps are to add to.
    pub sums: Vec<Sums<Value>>,
    /// What the rates of a loop are: those of `Loop::rate` unless lanes are directions.
    pub axis: Axis,
}

/// The place of every node of a program that has one.
type Places = Vec<Option<Operand>>;

/// Where loops have their results, in the order of the loops.
type Results = Vec<(Value, Vec<Operand>)>;

fn results_of(results: &Results, of: Value) -> Option<&[Operand]> {
    results.binary_search_by_key(&of, |(of, _)| *of).ok().map(|at| &results[at].1[..])
}

impl Emitter {
    /// Places for a whole program: its inputs stand first in the uniform file.
    pub fn new(program: &Program) -> Emitter {
        Emitter { uniforms: program.inputs as u32, ..Emitter::default() }
    }

    /// A fresh pass over the rows: every slot is free.
    pub fn begin_pass(&mut self) {
        self.used = 0;
        self.free.clear();
    }

    /// `size` consecutive uniform places.
    pub fn uniform(&mut self, size: u32) -> u32 {
        self.uniforms += size;
        self.uniforms - size
    }

    fn slot(&mut self, size: u32) -> u32 {
        if size == 1 && self.free.len() > self.spare {
            let at = if self.spare == 0 { self.free.len() - 1 } else { 0 };
            return self.free.remove(at);
        }
        self.used += size;
        self.slots = self.slots.max(self.used);
        self.used - size
    }

    pub fn place(&mut self, by_row: bool, size: u32) -> Operand {
        if by_row { Operand::Slot(self.slot(size)) } else { Operand::Uniform(self.uniform(size)) }
    }

    fn release(&mut self, place: Operand, size: u32) {
        if let Operand::Slot(first) = place {
            let held = &self.held;
            self.free.extend((first..first + size).filter(|slot| !held.get(*slot as usize).is_some_and(|held| *held)));
        }
    }

    /// Keeps the slots of carried values from being given again; returns those that no loop around holds already.
    fn hold(&mut self, carried: &[(Operand, u32)]) -> Vec<u32> {
        let slots = carried.iter().flat_map(|(place, size)| match place {
            Operand::Slot(first) => *first..first + size,
            _ => 0..0,
        });
        self.held.resize(self.held.len().max(self.used as usize), false);
        slots.filter(|slot| !std::mem::replace(&mut self.held[*slot as usize], true)).collect()
    }

    fn constant(&mut self, number: f64) -> Operand {
        if let Some(place) = self.shared.get(&number.to_bits()) {
            return Operand::Uniform(*place);
        }
        let place = self.uniform(1);
        self.constants.push((place, number));
        self.shared.insert(number.to_bits(), place);
        Operand::Uniform(place)
    }

    /// The places of inputs, columns and constants of a whole program.
    pub fn leaves(&mut self, program: &Program, needed: &[bool]) -> Places {
        program
            .values()
            .map(|v| match program.node(v) {
                Node::Input(k) => Some(Operand::Uniform(*k)),
                Node::Column(k) => Some(Operand::Column(*k)),
                Node::Constant(bits) if needed[v.index()] => Some(self.constant(f64::from_bits(*bits))),
                _ => None,
            })
            .collect()
    }

    /// Steps that compute the `selected` nodes, in order. What they use must have a place or be selected before; `roots`
    /// stay alive. Slots of selected values that die on the way are given again; the places of `loaned` values, which a
    /// loop carries, may be written to once they are dead.
    pub fn steps(
        &mut self,
        facts: &Facts,
        selected: &[Value],
        roots: &[Value],
        loaned: &[Value],
        places: &mut Places,
    ) -> Vec<Step> {
        let program = facts.program;
        let mut mine = vec![false; program.nodes.len()];
        selected.iter().for_each(|v| mine[v.index()] = true);
        let pairs = pairs(facts, selected, self.axis);
        let sums = std::mem::take(&mut self.sums);
        let items = schedule(selected, &pairs, &sums);
        let mut last_use: Vec<usize> = vec![0; program.nodes.len()];
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::Node(value) => {
                    pairs.visit_uses(program, *value, |operand| last_use[operand.index()] = at);
                    // A value that nobody uses dies at once.
                    last_use[value.index()] = last_use[value.index()].max(at);
                }
                Item::Sums(at_once) => sums[*at_once].operands().for_each(|operand| last_use[operand.index()] = at),
            }
        }
        // What other phases or the outputs use does not die here; row values are computed anew in each pass, lanes are not.
        let stays = self.axis != Axis::Rows;
        let mut keep = |v: Value| {
            if stays || !facts.by_row(v) {
                last_use[v.index()] = usize::MAX;
            }
        };
        program.values().filter(|v| !mine[v.index()]).for_each(|v| visit_uses(program, v, &mut keep));
        roots.iter().for_each(|v| last_use[v.index()] = usize::MAX);
        let mut steps = Vec::new();
        // Results stand where their loop keeps them.
        let mut results: Results = Vec::new();
        let mut released: Vec<Value> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            released.clear();
            let last = |v: Value| last_use[v.index()] == at;
            let value = match item {
                Item::Node(value) => value,
                Item::Sums(at_once) => {
                    let place = |v: Value| places[v.index()].expect("an operand has a place");
                    steps.push(Step::Sums(sums[*at_once].map(place)));
                    for v in sums[*at_once].operands() {
                        if last(v) && mine[v.index()] && !released.contains(&v) {
                            released.push(v);
                            self.release(place(v), 1);
                        }
                    }
                    continue;
                }
            };
            let node = program.node(*value);
            let dies = |v: Value| last(v) && (mine[v.index()] || loaned.contains(&v));
            match node {
                Node::Result { of, index } => {
                    let of = results_of(&results, *of).expect("a loop comes before its results");
                    places[value.index()] = Some(of[*index as usize]);
                }
                Node::Loop(body) => {
                    let code = self.emit_loop(facts, *value, body, places, &dies, &mut steps);
                    let of = code.body.carried.iter().map(|carry| carry.at).collect();
                    results.push((*value, of));
                    steps.push(Step::Loop(Box::new(code)));
                }
                Node::Apply(..) if let Some(joined) = pairs.of(*value) => {
                    let to = self.place(true, 1);
                    let place = |v: Value| places[v.index()].expect("an operand has a place");
                    steps.push(match joined {
                        Joined::Pair(form, operands) => {
                            Step::Pair(Pair { form: *form, to, operands: operands.map(place) })
                        }
                        Joined::Dot(terms) => {
                            Step::Dot(Dot { to, terms: terms.iter().map(|term| term.map(place)).collect() })
                        }
                    });
                    places[value.index()] = Some(to);
                }
                _ => {
                    let place = self.emit(facts, *value, places, &dies, &mut steps);
                    places[value.index()] = Some(place);
                }
            }
            let mut leave = |v: Value| {
                // A loop frees what its results do not keep by itself; an operand whose place was taken over is not free.
                let is_loop = matches!(program.node(v), Node::Loop(_));
                if last(v) && mine[v.index()] && !is_loop && !released.contains(&v) {
                    released.push(v);
                    if let Some(place) = places[v.index()]
                        && !taken_over(place, v, *value, &results, places)
                    {
                        self.release(place, facts.size(v));
                    }
                }
            };
            pairs.visit_uses(program, *value, &mut leave);
            leave(*value);
        }
        steps
    }

    fn emit(
        &mut self,
        facts: &Facts,
        value: Value,
        places: &Places,
        dies: &dyn Fn(Value) -> bool,
        steps: &mut Vec<Step>,
    ) -> Operand {
        let at = |v: Value| places[v.index()].expect("an operand has a place");
        let (size, by_row) = (facts.sizes[value.index()], facts.by_row(value));
        match facts.program.node(value) {
            Node::Constant(bits) => self.constant(f64::from_bits(*bits)),
            Node::Apply(operator, operands) => {
                let to = self.place(by_row, size.unwrap_or(1));
                let instruction = Instruction { operator: *operator, to, operands: operands.map(at) };
                steps.push(match size {
                    None => Step::Apply(instruction),
                    Some(count) => {
                        let vector = operands.map(|v| facts.is_vector(v));
                        Step::Elementwise { instruction, count, vector }
                    }
                });
                to
            }
            Node::Pack(elements) => {
                let to = self.place(by_row, elements.len() as u32);
                for (k, v) in elements.iter().enumerate() {
                    steps.push(Step::Copy { to: to.nth(k as u32), from: at(*v), count: 1, vector: false });
                }
                to
            }
            Node::Fill(number, count) => {
                let to = self.place(by_row, *count);
                steps.push(Step::Copy { to, from: at(*number), count: *count, vector: false });
                to
            }
            Node::Element { vector, index } => {
                let to = self.place(by_row, 1);
                let size = facts.size(*vector);
                steps.push(Step::Element { to, vector: at(*vector), size, index: at(*index) });
                to
            }
            Node::Replace { vector, index, element } => {
                let size = facts.size(*vector);
                let from = at(*vector);
                // A vector that nobody needs any more is changed where it stands.
                let here = dies(*vector) && matches!(from, Operand::Slot(_)) == by_row && from != at(*element);
                let to = if here { from } else { self.place(by_row, size) };
                if to != from {
                    steps.push(Step::Copy { to, from, count: size, vector: true });
                }
                steps.push(Step::Replace { vector: to, size, index: at(*index), element: at(*element) });
                to
            }
            other => unreachable!("{other:?} is no step"),
        }
    }

    fn emit_loop(
        &mut self,
        facts: &Facts,
        value: Value,
        body: &Loop,
        places: &mut Places,
        dies: &dyn Fn(Value) -> bool,
        steps: &mut Vec<Step>,
    ) -> LoopCode {
        let (carried_rates, body_rates) = self.axis.loop_rates(body, &facts.rates, value);
        let by_row: Vec<bool> = carried_rates.iter().map(|rate| rate.by_row()).collect();
        let carried = self.carried_places(body, &by_row, facts, places, dies, steps);
        let captured: Vec<Operand> =
            body.captured().iter().map(|v| places[v.index()].expect("an operand has a place")).collect();
        let frame = self.frames;
        self.frames += 1;
        places[value.index()] = Some(Operand::Uniform(frame));
        let read = states_read(facts.program, value);
        let keeps = read.is_some();
        let read = read.unwrap_or_default();
        match body.kind {
            LoopKind::Backward => {
                let forward_value = body.forward().expect("a backward loop has a forward loop");
                let again = self.emit_again(facts, forward_value, places, steps);
                let state_places: Vec<Operand> = again.carried.iter().map(|carry| carry.at).collect();
                let inner = self.emit_body(body, body_rates, &carried, &captured, &state_places, &[]);
                let Some(Operand::Uniform(frame_of_forward)) = places[forward_value.index()] else {
                    unreachable!("the forward loop came before")
                };
                again.carried.iter().for_each(|carry| self.release(carry.at, carry.size));
                let backward = Backward { forward: frame_of_forward, again };
                LoopCode { body: inner, repeat: Repeat::Backward(Box::new(backward)), frame, keeps: false }
            }
            LoopKind::Counted => {
                let count = body.count().and_then(|v| places[v.index()]);
                let Some(Operand::Uniform(count)) = count else { unreachable!("counts are uniform") };
                let inner = self.emit_body(body, body_rates, &carried, &captured, &[], &read);
                LoopCode { body: inner, repeat: Repeat::Counted { count }, frame, keeps }
            }
            LoopKind::Bounded(most) => {
                let inner = self.emit_body(body, body_rates, &carried, &captured, &[], &read);
                LoopCode { body: inner, repeat: Repeat::Bounded { most }, frame, keeps }
            }
        }
    }

    /// Places for what a loop carries, with the initial values in them.
    fn carried_places(
        &mut self,
        body: &Loop,
        by_row: &[bool],
        facts: &Facts,
        places: &Places,
        dies: &dyn Fn(Value) -> bool,
        steps: &mut Vec<Step>,
    ) -> Vec<(Operand, u32)> {
        let mut taken: Vec<Operand> = Vec::new();
        let mut carried = Vec::new();
        for (k, v) in body.initial().iter().enumerate() {
            let size = facts.size(*v);
            let from = places[v.index()].expect("an operand has a place");
            let captured = body.captured().contains(v) || body.count() == Some(*v);
            let again = body.initial()[..k].contains(v);
            let here = dies(*v) && !captured && !again && matches!(from, Operand::Slot(_)) && by_row[k];
            let at = if here && !taken.contains(&from) { from } else { self.place(by_row[k], size) };
            if at != from {
                steps.push(Step::Copy { to: at, from, count: size, vector: true });
            }
            taken.push(at);
            carried.push((at, size));
        }
        carried
    }

    /// The forward loop's body once more, with places of its own, for a backward loop.
    fn emit_again(&mut self, facts: &Facts, value: Value, places: &Places, steps: &mut Vec<Step>) -> Body {
        let forward = facts.program.loop_at(value).expect("a backward loop retraces a loop");
        let (carried_rates, body_rates) = self.axis.loop_rates(forward, &facts.rates, value);
        let by_row: Vec<bool> = carried_rates.iter().map(|rate| rate.by_row()).collect();
        let never = |_: Value| false;
        let carried = self.carried_places(forward, &by_row, facts, places, &never, steps);
        let captured: Vec<Operand> =
            forward.captured().iter().map(|v| places[v.index()].expect("an operand has a place")).collect();
        let read = states_read(facts.program, value).unwrap_or_default();
        self.emit_body(forward, body_rates, &carried, &captured, &[], &read)
    }

    fn emit_body(
        &mut self,
        of: &Loop,
        rates: Vec<Rate>,
        carried: &[(Operand, u32)],
        captured: &[Operand],
        states: &[Operand],
        read: &[bool],
    ) -> Body {
        let program: &Program = &of.body;
        let needed = program.needed();
        let index = self.uniform(1);
        let mut inputs = vec![Operand::Uniform(index)];
        inputs.extend(carried.iter().map(|(at, _)| *at));
        inputs.extend(captured);
        inputs.extend(states);
        let mut places: Places = program
            .values()
            .map(|v| match program.node(v) {
                Node::Input(k) | Node::VectorInput(k, _) => Some(inputs[*k as usize]),
                Node::Constant(bits) if needed[v.index()] => Some(self.constant(f64::from_bits(*bits))),
                Node::Column(k) => Some(Operand::Column(*k)),
                _ => None,
            })
            .collect();
        let is_leaf = |v: &Value| places[v.index()].is_some();
        let selected: Vec<Value> = program.values().filter(|v| needed[v.index()] && !is_leaf(v)).collect();
        let is_carried = |v: &Value| matches!(program.node(*v), Node::Input(k) | Node::VectorInput(k, _) if (1..=carried.len() as u32).contains(k));
        let loaned: Vec<Value> = program.values().filter(is_carried).collect();
        let held = self.hold(carried);
        let facts = Facts::new(program, rates);
        let mut steps = self.steps(&facts, &selected, &program.outputs, &loaned, &mut places);
        let outputs: Vec<Operand> =
            program.outputs.iter().map(|v| places[v.index()].expect("an output has a place")).collect();
        let wanted = outputs.get(carried.len()).copied();
        let mut fresh: Vec<(Operand, u32)> = Vec::new();
        let mut carries = Vec::new();
        for (k, (at, size)) in carried.iter().enumerate() {
            let next = outputs[k];
            let made_here =
                selected.binary_search(&program.outputs[k]).is_ok() && !carried.iter().any(|(other, _)| *other == next);
            let taken = fresh.iter().any(|(other, _)| *other == next) || wanted == Some(next);
            let same_kind = matches!(next, Operand::Slot(_)) == matches!(at, Operand::Slot(_));
            let next = if next == *at || (made_here && !taken && same_kind) {
                next
            } else {
                // It stands where another carried value or nothing of the body's own does: a copy can be moved.
                let temporary = self.place(matches!(at, Operand::Slot(_)), *size);
                steps.push(Step::Copy { to: temporary, from: next, count: *size, vector: true });
                temporary
            };
            fresh.push((next, *size));
            carries.push(Carry { at: *at, next, size: *size, read: read.get(k).copied().unwrap_or(false) });
        }
        // What stood until the end of the body is free after the loop, but for the carried places.
        let mut freed: Vec<Operand> = Vec::new();
        let wanted_slot = wanted.filter(|_| selected.binary_search(&program.outputs[carried.len()]).is_ok());
        for (place, size) in fresh.into_iter().chain(wanted_slot.map(|place| (place, 1))) {
            if !freed.contains(&place) {
                freed.push(place);
                self.release(place, size);
            }
        }
        held.iter().for_each(|slot| self.held[*slot as usize] = false);
        Body { index, carried: carries, wanted, steps }
    }
}

/// Which of a loop's carried values the backward loops that retrace it read; None if none does.
fn states_read(program: &Program, value: Value) -> Option<Vec<bool>> {
    let carried = program.loop_at(value)?.carried;
    let backward = program.nodes.iter().filter_map(|node| match node {
        Node::Loop(body) if body.forward() == Some(value) => Some(body),
        _ => None,
    });
    backward.fold(None, |read, body| {
        let mut read = read.unwrap_or_else(|| vec![false; carried]);
        let first = (body.body.inputs - carried) as u32;
        for (node, _) in body.body.nodes.iter().zip(body.body.needed()).filter(|(_, needed)| *needed) {
            if let Node::Input(k) | Node::VectorInput(k, _) = node
                && *k >= first
            {
                read[(*k - first) as usize] = true;
            }
        }
        Some(read)
    })
}

/// Whether the value made last stands where a dying operand stood.
fn taken_over(place: Operand, dying: Value, made: Value, results: &Results, places: &Places) -> bool {
    dying != made
        && (places[made.index()] == Some(place) || results_of(results, made).is_some_and(|of| of.contains(&place)))
}

impl Operand {
    /// The k-th place of a vector that begins here.
    pub fn nth(self, k: u32) -> Operand {
        match self {
            Operand::Uniform(place) => Operand::Uniform(place + k),
            Operand::Slot(slot) => Operand::Slot(slot + k),
            Operand::Column(column) => Operand::Column(column),
        }
    }
}
