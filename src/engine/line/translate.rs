//! From steps to instructions: steps on uniform places, and on slots where those are lanes.

use crate::engine::block::element_of;
use crate::engine::code::{self, Carry, Dot, Form, Operand, Repeat, Step, Summand, Sums, Zero};
use crate::engine::line::code::{Code, Lanes, NUMBER, Op, Run};
use crate::engine::line::flat::{Codes, flat, placed};
use crate::engine::line::fuse::{self, Uses};
use crate::engine::line::rows::OverRows;
use crate::engine::line::{Body, Each, How, Line, Repeated, State};
use crate::ir::Operator;

/// The line of a list of steps; None where a place or a count does not fit into an instruction.
pub fn line(steps: &[Step], uses: &Uses) -> Option<Line> {
    let (mut line, codes) = listed(&[(steps, &[])], uses)?;
    line.codes = flat(&codes, |place| uses.is_read_once(place));
    Some(line)
}

/// The line of lists of steps whose lanes are rows, each with the places of the sums that it adds to.
pub fn lines(lists: &[(&[Step], &[u32])], uses: &Uses) -> Option<Line> {
    let (mut line, codes) = listed(lists, uses)?;
    line.codes = Codes::Placed(placed(&codes));
    Some(line)
}

/// The work on each row, from a list of steps, what is loaded before them and summed behind them: `OverRows::new`.
pub fn over_rows(
    steps: &[Step],
    uses: &Uses,
    loads: &[(u32, u32)],
    sums: &[(Operand, Operand)],
    free: (usize, usize),
) -> Option<OverRows> {
    let (line, codes) = listed(&[(steps, &[])], uses)?;
    OverRows::new(line, &codes, loads, sums, free)
}

/// Instructions, and a line with no list of its own yet for what they refer to.
fn listed(lists: &[(&[Step], &[u32])], uses: &Uses) -> Option<(Line, Vec<Code>)> {
    let mut line = Line { codes: Codes::Placed(Vec::new()), loops: Vec::new(), each: Vec::new() };
    let mut codes = Vec::new();
    for (steps, sums) in lists {
        translate(steps, sums, &mut line, uses, &mut codes)?;
    }
    fuse::join(&mut codes, uses);
    fuse::join_sums(&mut codes, &uses.kept, uses);
    Some((line, codes))
}

fn place(operand: Operand) -> Option<u16> {
    match operand {
        Operand::Uniform(place) => u16::try_from(place).ok().filter(|place| *place < NUMBER),
        _ => None,
    }
}

/// The place of lanes: slots, then the columns.
fn lane(operand: Operand, uses: &Uses) -> Option<u16> {
    let lane = match operand {
        Operand::Slot(slot) => slot,
        Operand::Column(column) => uses.slots + column.checked_sub(uses.first_column)?,
        Operand::Uniform(_) => return None,
    };
    u16::try_from(lane).ok().filter(|lane| *lane < NUMBER)
}

/// An operand of lanes.
fn either(operand: Operand, uses: &Uses) -> Option<u16> {
    match operand {
        Operand::Uniform(_) => place(operand).map(|place| place | NUMBER),
        _ => lane(operand, uses),
    }
}

fn lane_run(first: Operand, count: u32, uses: &Uses) -> Option<Run> {
    lane(first.nth(count.max(1) - 1), uses)?;
    Some(Run { first: lane(first, uses)?, count: u16::try_from(count).ok()? })
}

/// A vector's places, all of which fit.
fn run(first: Operand, count: u32) -> Option<Run> {
    place(first.nth(count.max(1) - 1))?;
    Some(Run { first: place(first)?, count: u16::try_from(count).ok()? })
}

fn translate(steps: &[Step], sums: &[u32], line: &mut Line, uses: &Uses, codes: &mut Vec<Code>) -> Option<()> {
    codes.reserve(steps.len());
    for step in steps {
        match step {
            Step::Elementwise { instruction, count, vector } if matches!(instruction.to, Operand::Slot(_)) => {
                for k in 0..*count {
                    codes.push(on_lanes(&Step::Apply(element_of(instruction, vector, k)), uses)?);
                }
            }
            Step::Dot(of) => dot(of, uses, codes)?,
            Step::Sums(of) => self::sums(of, sums, uses, codes)?,
            step => codes.push(code(step, line, uses)?),
        }
    }
    Some(())
}

/// A product, or a row value, then what is added to it or taken away.
fn dot(of: &Dot, uses: &Uses, codes: &mut Vec<Code>) -> Option<()> {
    let to = lane(of.to, uses)?;
    for (k, term) in of.terms.iter().enumerate() {
        let rows = lane(term.rows, uses)?;
        let (op, [a, b, c], d) = match (k, term.by) {
            (0, None) => (Lanes::Copy, [rows, 0, 0], 1),
            (0, Some(by)) => (Lanes::Multiply, [rows, either(by, uses)?, 0], 0),
            (_, None) if term.minus => (Lanes::Subtract, [to, rows, 0], 0),
            (_, None) => (Lanes::Add, [to, rows, 0], 0),
            (_, Some(by)) => {
                let form = if term.minus { Form::MultiplyFrom } else { Form::MultiplyAdd };
                (Lanes::Pair(form), [rows, either(by, uses)?, to], 0)
            }
        };
        codes.push(Code { op: Op::Lanes(op), to, a, b, c, d });
    }
    Some(())
}

/// Sums of a factor and of its products. The last slot is for a factor that is a product itself.
fn sums(of: &Sums, places: &[u32], uses: &Uses, codes: &mut Vec<Code>) -> Option<()> {
    let [a, b] = of.factor.operands();
    let (a, b) = (lane(a, uses)?, lane(b, uses)?);
    let (operation, sum) = match of.factor {
        Summand::Value(_) => (None, Lanes::Sum),
        Summand::Product(..) => (Some(Lanes::Multiply), Lanes::SumProduct),
        Summand::Masked(..) => (Some(Lanes::Apply(Operator::Masked)), Lanes::SumMasked),
    };
    let mut factor = a;
    if let (Some(op), false) = (operation, of.times.is_empty()) {
        factor = lane(Operand::Slot(uses.slots - 1), uses)?;
        codes.push(Code { op: Op::Lanes(op), to: factor, a, b, c: 0, d: 0 });
    }
    let mut add = |op, at: u32, a, b| {
        let to = place(Operand::Uniform(*places.get(at as usize)?))?;
        codes.push(Code { op: Op::Lanes(op), to, a, b, c: 0, d: uses.rows });
        Some(())
    };
    match of.own {
        Some(own) if of.times.is_empty() => add(sum, own, a, b)?,
        Some(own) => add(Lanes::Sum, own, factor, factor)?,
        None => {}
    }
    for times in &of.times {
        let rows = lane(times.rows, uses)?;
        match times.zero {
            Zero::Neither => add(Lanes::SumProduct, times.at, factor, rows)?,
            Zero::Factor => add(Lanes::SumMasked, times.at, factor, rows)?,
            Zero::Rows => add(Lanes::SumMasked, times.at, rows, factor)?,
        }
    }
    Some(())
}

fn code(step: &Step, line: &mut Line, uses: &Uses) -> Option<Code> {
    let blank = Code { op: Op::Copy, to: 0, a: 0, b: 0, c: 0, d: 0 };
    let to = match step {
        Step::Apply(instruction) | Step::Elementwise { instruction, .. } => instruction.to,
        Step::Pair(pair) => pair.to,
        Step::Copy { to, .. } | Step::Element { to, .. } => *to,
        Step::Replace { vector, .. } => *vector,
        Step::Sums(_) | Step::Dot(_) => return None,
        Step::Loop(_) => Operand::Uniform(0),
    };
    if matches!(to, Operand::Slot(_)) {
        return on_lanes(step, uses);
    }
    Some(match step {
        Step::Apply(instruction) => {
            let [a, b, c] = instruction.operands.map(place);
            let op = match instruction.operator {
                Operator::Add => Op::Add,
                Operator::Subtract => Op::Subtract,
                Operator::Multiply => Op::Multiply,
                Operator::Divide => Op::Divide,
                Operator::Negate => Op::Negate,
                Operator::Select => Op::Select,
                other => Op::Apply(other),
            };
            Code { op, to: place(instruction.to)?, a: a?, b: b?, c: c?, d: 0 }
        }
        Step::Pair(pair) => {
            let [a, b, c] = pair.operands.map(place);
            Code { op: Op::Pair(pair.form), to: place(pair.to)?, a: a?, b: b?, c: c?, d: 0 }
        }
        Step::Elementwise { instruction, count, vector } => {
            run(instruction.to, *count)?;
            for (operand, vector) in instruction.operands.iter().zip(vector) {
                run(*operand, if *vector { *count } else { 1 })?;
            }
            line.each.push(Each { instruction: *instruction, count: *count, vector: *vector });
            Code { op: Op::Each, d: u16::try_from(line.each.len() - 1).ok()?, ..blank }
        }
        Step::Copy { to, from, count, vector } => {
            let to = run(*to, *count)?;
            let op = if *vector || *count == 1 { Op::Copy } else { Op::Fill };
            let from = run(*from, if *vector { *count } else { 1 })?;
            Code { op, to: to.first, a: from.first, d: to.count, ..blank }
        }
        Step::Element { to, vector, size, index } => {
            let vector = run(*vector, *size)?;
            Code { op: Op::Element, to: place(*to)?, a: vector.first, b: place(*index)?, d: vector.count, ..blank }
        }
        Step::Replace { vector, size, index, element } => {
            let vector = run(*vector, *size)?;
            Code { op: Op::Replace, to: vector.first, a: place(*element)?, b: place(*index)?, d: vector.count, ..blank }
        }
        Step::Loop(of) => {
            let repeated = repeated(of, line, uses)?;
            line.loops.push(repeated);
            Code { op: Op::Loop, d: u16::try_from(line.loops.len() - 1).ok()?, ..blank }
        }
        Step::Sums(_) | Step::Dot(_) => return None,
    })
}

/// The instruction of a step that writes lanes.
fn on_lanes(step: &Step, uses: &Uses) -> Option<Code> {
    let code = |op, to, [a, b, c]: [u16; 3], d| Code { op: Op::Lanes(op), to, a, b, c, d };
    Some(match step {
        Step::Apply(instruction) => {
            let mut operands = [0; 3];
            for (k, operand) in operands.iter_mut().enumerate().take(instruction.operator.arity()) {
                *operand = either(instruction.operands[k], uses)?;
            }
            let op = match instruction.operator {
                Operator::Add => Lanes::Add,
                Operator::Subtract => Lanes::Subtract,
                Operator::Multiply => Lanes::Multiply,
                Operator::Negate => Lanes::Negate,
                Operator::Select => Lanes::Select,
                other => Lanes::Apply(other),
            };
            code(op, lane(instruction.to, uses)?, operands, 0)
        }
        Step::Pair(pair) => {
            let [a, b, c] = pair.operands.map(|operand| either(operand, uses));
            code(Lanes::Pair(pair.form), lane(pair.to, uses)?, [a?, b?, c?], 0)
        }
        Step::Copy { to, from, count, vector } => {
            let to = lane_run(*to, *count, uses)?;
            let op = if *vector || *count == 1 { Lanes::Copy } else { Lanes::Fill };
            let from = match from {
                Operand::Uniform(_) => run(*from, if *vector { *count } else { 1 })?.first | NUMBER,
                _ => lane_run(*from, if *vector { *count } else { 1 }, uses)?.first,
            };
            code(op, to.first, [from, 0, 0], to.count)
        }
        Step::Element { to, vector, size, index } => {
            let from = match vector {
                Operand::Uniform(_) => run(*vector, *size)?.first | NUMBER,
                _ => lane_run(*vector, *size, uses)?.first,
            };
            let (size, index) = (u16::try_from(*size).ok()?, either(*index, uses)?);
            code(Lanes::Element, lane(*to, uses)?, [from, index, 0], size)
        }
        Step::Replace { vector, size, index, element } => {
            let vector = lane_run(*vector, *size, uses)?;
            code(Lanes::Replace, vector.first, [either(*element, uses)?, either(*index, uses)?, 0], vector.count)
        }
        Step::Elementwise { .. } | Step::Sums(_) | Step::Dot(_) | Step::Loop(_) => return None,
    })
}

fn repeated(of: &code::LoopCode, line: &mut Line, uses: &Uses) -> Option<Repeated> {
    let how = match &of.repeat {
        Repeat::Counted { count } => How::Counted(place(Operand::Uniform(*count))?),
        Repeat::Bounded { most } => How::Bounded(*most),
        Repeat::Backward(backward) => How::Backward(backward.forward as usize, body(&backward.again, line, uses)?),
    };
    Some(Repeated { body: body(&of.body, line, uses)?, how, frame: of.frame as usize, keeps: of.keeps })
}

fn body(of: &code::Body, line: &mut Line, uses: &Uses) -> Option<Body> {
    let mut codes = Vec::new();
    translate(&of.steps, &[], line, uses, &mut codes)?;
    fuse::join(&mut codes, uses);
    let wanted = match of.wanted {
        Some(operand) => Some(place(operand)?),
        None => None,
    };
    let (mut moves, mut lane_carries) = (Vec::new(), Vec::new());
    for carry in of.carried.iter() {
        lane_carries.extend(lane(carry.next, uses));
    }
    fuse::join_sums(&mut codes, &lane_carries, uses);
    // Where every step counts, the next value may be written where the loop carries it.
    let in_place = |carry: &Carry| wanted.is_none() && carry.size == 1;
    for carry in of.carried.iter().filter(|carry| carry.at != carry.next) {
        if let Operand::Slot(_) = carry.at {
            let (at, next) = (lane_run(carry.at, carry.size, uses)?, lane_run(carry.next, carry.size, uses)?);
            if !in_place(carry) || !fuse::write_lanes_in_place(&mut codes, at.first, next.first) {
                moves.push(Code { op: Op::Lanes(Lanes::Copy), to: at.first, a: next.first, b: 0, c: 0, d: at.count });
            }
        } else {
            let (at, next) = (run(carry.at, carry.size)?, run(carry.next, carry.size)?);
            if !in_place(carry) || !fuse::write_in_place(&mut codes, at.first, next.first, uses) {
                moves.push(Code { op: Op::Copy, to: at.first, a: next.first, b: 0, c: 0, d: at.count });
            }
        }
    }
    let runs = |kept: &dyn Fn(&Carry) -> bool, lanes: bool| -> Option<Vec<Run>> {
        let chosen = of.carried.iter().filter(|carry| kept(carry) && matches!(carry.at, Operand::Slot(_)) == lanes);
        chosen
            .map(|carry| if lanes { lane_run(carry.at, carry.size, uses) } else { run(carry.at, carry.size) })
            .collect()
    };
    let index = place(Operand::Uniform(of.index))?;
    let carried = State { numbers: runs(&|_| true, false)?, lanes: runs(&|_| true, true)? };
    let read = State { numbers: runs(&|carry| carry.read, false)?, lanes: runs(&|carry| carry.read, true)? };
    let passed_on = |place| uses.is_read_once(place) && !carried.numbers.iter().any(|run| run.holds(place));
    let (codes, moves) = (flat(&codes, passed_on), placed(&moves));
    Some(Body { index, codes, moves, wanted, carried, read })
}
