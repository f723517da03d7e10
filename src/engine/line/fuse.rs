//! Fewer instructions: two operations in one, next values written where a loop carries them.

use crate::engine::Kernel;
use crate::engine::code::{Body, Form, Instruction, Operand, Repeat, Step, Term};
use crate::engine::compile::Output;
use crate::engine::line::code::{Code, Lanes, NUMBER, Op};
use crate::ir::Operator;

/// How often each uniform place is read, and written, by anything of a kernel.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    reads: Vec<u32>,
    writes: Vec<u32>,
    /// How many slots there are: lanes of columns stand behind them, from the first column that is one of lanes on.
    pub slots: u32,
    pub first_column: u32,
    /// How many rows lanes are, where they are rows.
    pub rows: u16,
    /// The place of the constant -0.
    pub minus_zero: Option<u16>,
    /// Lanes that are used beyond the list of steps in which they are written.
    pub kept: Vec<u16>,
}

impl Uses {
    pub fn of(kernel: &Kernel) -> Uses {
        let mut uses = Uses::new(kernel.fixed.numbers as u32, kernel.slots as u32, 0);
        for pass in &kernel.passes {
            uses.steps(&pass.uniform);
            uses.steps(&pass.rows);
            pass.scatters
                .iter()
                .for_each(|scatter| [scatter.index, scatter.number].into_iter().for_each(|v| uses.read(v, 1)));
            pass.stores.iter().for_each(|(operand, _)| uses.read(*operand, 1));
        }
        uses.steps(&kernel.epilogue);
        uses.rows = u16::try_from(kernel.rows.count).unwrap_or(u16::MAX);
        for output in &kernel.outputs {
            if let Output::Uniform(place) = output {
                uses.read(Operand::Uniform(*place), 1);
            }
        }
        uses
    }

    /// No uses yet of so many places.
    pub fn new(numbers: u32, slots: u32, first_column: u32) -> Uses {
        let none = vec![0; numbers as usize];
        Uses { reads: none.clone(), writes: none, slots, first_column, ..Uses::default() }
    }

    /// Written once and read once.
    fn is_passed_on(&self, place: u16) -> bool {
        self.writes[place as usize] == 1 && self.reads[place as usize] == 1
    }

    pub fn is_read_once(&self, place: u16) -> bool {
        self.reads[place as usize] == 1
    }

    pub fn read(&mut self, operand: Operand, count: u32) {
        if let Operand::Uniform(first) = operand {
            self.reads[first as usize..(first + count) as usize].iter_mut().for_each(|reads| *reads += 1);
        }
    }

    fn write(&mut self, operand: Operand, count: u32) {
        if let Operand::Uniform(first) = operand {
            self.writes[first as usize..(first + count) as usize].iter_mut().for_each(|writes| *writes += 1);
        }
    }

    pub fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Apply(Instruction { operator, to, operands }) => {
                    operands[..operator.arity()].iter().for_each(|v| self.read(*v, 1));
                    self.write(*to, 1);
                }
                Step::Pair(pair) => {
                    pair.operands.iter().for_each(|v| self.read(*v, 1));
                    self.write(pair.to, 1);
                }
                Step::Elementwise { instruction, count, vector } => {
                    let counts = vector.map(|vector| if vector { *count } else { 1 });
                    let arity = instruction.operator.arity();
                    instruction.operands[..arity].iter().zip(counts).for_each(|(v, count)| self.read(*v, count));
                    self.write(instruction.to, *count);
                }
                Step::Copy { to, from, count, vector } => {
                    self.read(*from, if *vector { *count } else { 1 });
                    self.write(*to, *count);
                }
                Step::Element { to, vector, size, index } => {
                    self.read(*vector, *size);
                    self.read(*index, 1);
                    self.write(*to, 1);
                }
                Step::Replace { vector, size, index, element } => {
                    self.read(*vector, *size);
                    self.read(*index, 1);
                    self.read(*element, 1);
                    self.write(*vector, *size);
                }
                Step::Dot(dot) => {
                    dot.terms.iter().flat_map(Term::operands).for_each(|v| self.read(v, 1));
                    self.write(dot.to, 1);
                }
                Step::Sums(sums) => sums.operands().for_each(|v| self.read(v, 1)),
                Step::Loop(of) => {
                    match &of.repeat {
                        Repeat::Counted { count } => self.read(Operand::Uniform(*count), 1),
                        Repeat::Bounded { .. } => {}
                        Repeat::Backward(backward) => self.body(&backward.again),
                    }
                    self.body(&of.body);
                }
            }
        }
    }

    fn body(&mut self, body: &Body) {
        self.steps(&body.steps);
        body.wanted.iter().for_each(|v| self.read(*v, 1));
        for carry in &body.carried {
            self.read(carry.next, carry.size);
            self.read(carry.at, carry.size);
            self.write(carry.at, carry.size);
        }
    }
}

/// Instructions between two that become one.
const REACH: usize = 16;

/// Joins operations of `+ - *` in pairs, where the first result is used by the second alone. Each is rounded on its own.
pub fn join(codes: &mut Vec<Code>, uses: &Uses) {
    let mut absorbed = vec![false; codes.len()];
    for first in 0..codes.len() {
        let Some(operator) = arithmetic(codes[first].op) else { continue };
        let Code { to, a, b, .. } = codes[first];
        if !uses.is_passed_on(to) {
            continue;
        }
        let later = codes[first + 1..].iter().take(REACH).take_while(|code| code.written().is_some());
        let Some(distance) = later.clone().position(|code| code.reads(to) == Some(true)) else { continue };
        let changed = |code: &Code| code.written().is_some_and(|run| run.holds(a) || run.holds(b));
        if later.take(distance).any(changed) {
            continue;
        }
        let second = &mut codes[first + 1 + distance];
        let form = arithmetic(second.op).and_then(|then| Form::of(operator, then, second.b == to));
        let Some(form) = form else { continue };
        let other = if second.b == to { second.a } else { second.b };
        *second = Code { op: Op::Pair(form), to: second.to, a, b, c: other, d: 0 };
        absorbed[first] = true;
    }
    let mut absorbed = absorbed.into_iter();
    codes.retain(|_| absorbed.next() == Some(false));
}

fn arithmetic(op: Op) -> Option<Operator> {
    match op {
        Op::Add => Some(Operator::Add),
        Op::Subtract => Some(Operator::Subtract),
        Op::Multiply => Some(Operator::Multiply),
        _ => None,
    }
}

/// Writes a next value at once where the loop carries it, if nothing after that reads the value before it.
pub fn write_in_place(codes: &mut [Code], at: u16, next: u16, uses: &Uses) -> bool {
    let writer = codes.iter().rposition(|code| code.written().is_some_and(|run| run.holds(next)));
    let Some(writer) = writer.filter(|k| codes[*k].written().is_some_and(|run| run.count == 1)) else { return false };
    let after = &codes[writer + 1..];
    let is_free = after.iter().all(|code| code.reads(at) == Some(false) && !writes(code, at));
    let Some(read_here) = after.iter().map(|code| number_reads(code, next)).sum::<Option<u32>>() else { return false };
    // Read by the loop itself, and by nothing that is not renamed.
    if !is_free || uses.writes[next as usize] != 1 || uses.reads[next as usize] != read_here + 1 {
        return false;
    }
    codes[writer].to = at;
    for code in &mut codes[writer + 1..] {
        let mark = if matches!(code.op, Op::Lanes(_)) { NUMBER } else { 0 };
        rename(code, next | mark, at | mark);
    }
    true
}

fn rename(code: &mut Code, from: u16, to: u16) {
    let fourth = matches!(code.op, Op::Lanes(Lanes::Products | Lanes::ProductSpread));
    for operand in [&mut code.a, &mut code.b, &mut code.c].into_iter().chain(fourth.then_some(&mut code.d)) {
        if *operand == from {
            *operand = to;
        }
    }
}

/// The same for lanes.
pub fn write_lanes_in_place(codes: &mut [Code], at: u16, next: u16) -> bool {
    let writes = |code: &Code, place: u16| code.lanes_written().is_none_or(|run| run.holds(place));
    let Some(writer) = codes.iter().rposition(|code| writes(code, next)) else { return false };
    let one = |code: &Code| code.lanes_written().is_some_and(|run| run.count == 1);
    // A vector of which it is an element is not renamed.
    let free = |code: &Code| {
        let is_vector = matches!(code.op, Op::Lanes(Lanes::Copy | Lanes::Element)) && code.d > 1;
        code.reads_lanes(at) == Some(false)
            && !writes(code, at)
            && (!is_vector || code.reads_lanes(next) == Some(false))
    };
    if !one(&codes[writer]) || !codes[writer + 1..].iter().all(free) {
        return false;
    }
    codes[writer].to = at;
    for code in codes[writer + 1..].iter_mut().filter(|code| matches!(code.op, Op::Lanes(_))) {
        rename(code, next, at);
    }
    true
}

/// Joins a·b + x, where x is a product, or a number in some lanes and -0 in the others, and is used there alone. `kept`
/// are the lanes that are used after the last instruction.
pub fn join_sums(codes: &mut Vec<Code>, kept: &[u16], uses: &Uses) {
    let scales = |a: u16, b: u16| (a & NUMBER == 0) != (b & NUMBER == 0);
    let mut absorbed = vec![false; codes.len()];
    for first in 0..codes.len() {
        let Code { op, to, a, b, c, .. } = codes[first];
        let spreads = |c: u16| uses.minus_zero.is_some_and(|zero| c == zero | NUMBER);
        let is_first = match op {
            Op::Lanes(Lanes::Multiply) => scales(a, b),
            Op::Lanes(Lanes::Select) => a & NUMBER == 0 && b & NUMBER != 0 && spreads(c),
            _ => false,
        };
        if !is_first {
            continue;
        }
        let mut after = (first + 1..codes.len()).filter(|k| !absorbed[*k]);
        let Some(second) = after.find(|k| codes[*k].reads_lanes(to) != Some(false) || changes(&codes[*k], [to, a, b]))
        else {
            continue;
        };
        let then = codes[second];
        let takes = then.op == Op::Lanes(Lanes::Pair(Form::MultiplyAdd)) && then.c == to && scales(then.a, then.b);
        let takes = takes && then.a != to && then.b != to;
        // Its place is written anew before it is read again.
        let mut next = std::iter::once(second).chain(after).skip_while(|k| *k == second && then.to != to);
        let dies = next
            .find_map(|k| match (k != second && codes[k].reads_lanes(to) != Some(false), codes[k].lanes_written()) {
                (true, _) | (_, None) => Some(false),
                (_, Some(run)) => run.holds(to).then_some(codes[k].op != Op::Lanes(Lanes::Replace)),
            })
            .unwrap_or(!kept.contains(&to));
        if takes && dies {
            let op = if op == Op::Lanes(Lanes::Multiply) { Lanes::Products } else { Lanes::ProductSpread };
            codes[second] = Code { op: Op::Lanes(op), c: a, d: b, ..then };
            absorbed[first] = true;
        }
    }
    let mut absorbed = absorbed.into_iter();
    codes.retain(|_| absorbed.next() == Some(false));
}

/// Whether an instruction may change one of these operands of lanes.
fn changes(code: &Code, operands: [u16; 3]) -> bool {
    operands.into_iter().any(|operand| match operand & NUMBER {
        0 => code.lanes_written().is_none_or(|run| run.holds(operand)),
        _ => code.written().is_none_or(|run| run.holds(operand & !NUMBER)),
    })
}

fn writes(code: &Code, place: u16) -> bool {
    code.written().is_none_or(|run| run.holds(place))
}

/// How often an instruction reads a number as an operand that stands alone; None where it is one of a vector.
fn number_reads(code: &Code, place: u16) -> Option<u32> {
    let count = |operands: &[u16]| operands.iter().filter(|operand| **operand == place).count() as u32;
    let numbers = |operands: &[u16]| operands.iter().filter(|operand| **operand == place | NUMBER).count() as u32;
    match code.op {
        Op::Copy | Op::Element if code.d > 1 && code.reads(place) == Some(true) => None,
        Op::Copy | Op::Fill => Some(count(&[code.a])),
        Op::Element => Some(count(&[code.a, code.b])),
        Op::Replace => Some(count(&[code.a, code.b])),
        Op::Each | Op::Loop => None,
        Op::Lanes(Lanes::Copy | Lanes::Element) if code.d > 1 && code.reads(place) == Some(true) => None,
        Op::Lanes(Lanes::Products | Lanes::ProductSpread) => Some(numbers(&[code.a, code.b, code.c, code.d])),
        Op::Lanes(_) => Some(numbers(&[code.a, code.b, code.c])),
        Op::Negate => Some(count(&[code.a])),
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide => Some(count(&[code.a, code.b])),
        Op::Select | Op::Pair(_) => Some(count(&[code.a, code.b, code.c])),
        Op::Apply(operator) => Some(count(&[code.a, code.b, code.c][..operator.arity()])),
    }
}
