//! The instructions of a line: twelve bytes each, with the places of numbers and of lanes.

use crate::engine::code::Form;
use crate::ir::Operator;

/// One instruction. Places are of numbers, or of lanes; where lanes take either, `NUMBER` marks a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub op: Op,
    pub to: u16,
    pub a: u16,
    pub b: u16,
    pub c: u16,
    /// The fourth operand, or a count, or a position in a table of the line.
    pub d: u16,
}

/// Set in the place of an operand of lanes that is a number, the same for every lane.
pub const NUMBER: u16 = 1 << 15;

/// What an instruction does. Names of two operations: the second takes the first one's result, as in `code::Form`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Select,
    Pair(Form),
    /// Any operator.
    Apply(Operator),
    /// d numbers from a to `to`.
    Copy,
    /// The number at a to d places.
    Fill,
    /// The element at index b of the d numbers from a on.
    Element,
    /// Writes a to the element at index b of the d numbers from `to` on.
    Replace,
    /// The d-th elementwise operation on vectors.
    Each,
    /// The d-th loop.
    Loop,
    /// An operation on lanes.
    Lanes(Lanes),
}

/// What is done in every lane; operands are lanes or numbers, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    Add,
    Subtract,
    Multiply,
    Negate,
    Select,
    Pair(Form),
    /// a·b + c·d, where a or b is a number, and c or d.
    Products,
    /// a·b + d in the lanes where c is not 0, a·b in the others; d and a or b are numbers.
    ProductSpread,
    Apply(Operator),
    /// d lanes from a to `to`.
    Copy,
    /// a at d places.
    Fill,
    /// The element at index b of the d lanes from a on.
    Element,
    /// Writes a to the element at index b of the d lanes from `to` on.
    Replace,
    /// The number at `to` becomes the sum of the first d lanes of a, which are rows.
    Sum,
    /// Of a·b.
    SumProduct,
    /// Of a·b, in which an exact zero of a wins.
    SumMasked,
}

impl Op {
    /// Whether it makes a number of lanes.
    fn sums(self) -> bool {
        matches!(self, Op::Lanes(Lanes::Sum | Lanes::SumProduct | Lanes::SumMasked))
    }
}

/// A run of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: u16,
    pub count: u16,
}

impl Run {
    pub fn holds(self, place: u16) -> bool {
        place >= self.first && place - self.first < self.count
    }
}

impl Code {
    /// The numbers that it writes; None for what a loop or an elementwise operation does.
    pub fn written(&self) -> Option<Run> {
        match self.op {
            op if op.sums() => Some(Run { first: self.to, count: 1 }),
            Op::Lanes(_) => Some(Run { first: 0, count: 0 }),
            Op::Copy | Op::Fill | Op::Replace => Some(Run { first: self.to, count: self.d }),
            Op::Each | Op::Loop => None,
            _ => Some(Run { first: self.to, count: 1 }),
        }
    }

    /// Whether it reads a number; of a vector that an element is replaced in, too. None as in `written`.
    pub fn reads(&self, place: u16) -> Option<bool> {
        let run = |first| Run { first, count: self.d }.holds(place);
        Some(match self.op {
            // The fourth operand; of all others it is a count.
            Op::Lanes(Lanes::Products | Lanes::ProductSpread) => {
                [self.a, self.b, self.c, self.d].contains(&(place | NUMBER))
            }
            Op::Lanes(Lanes::Copy | Lanes::Element) if self.a & NUMBER != 0 => {
                run(self.a & !NUMBER) || self.b == place | NUMBER
            }
            Op::Lanes(_) => [self.a, self.b, self.c].contains(&(place | NUMBER)),
            _ => self.numbers_read()?.iter().any(|run| run.holds(place)),
        })
    }

    /// The numbers that it reads, as `reads` says; None as in `written`. Of no use where it works on lanes.
    pub fn numbers_read(&self) -> Option<[Run; 3]> {
        let one = |first| Run { first, count: 1 };
        let run = |first| Run { first, count: self.d };
        let Code { to, a, b, c, .. } = *self;
        Some(match self.op {
            Op::Copy => [run(a); 3],
            Op::Fill => [one(a); 3],
            Op::Element => [run(a), one(b), one(b)],
            Op::Replace => [run(to), one(a), one(b)],
            Op::Each | Op::Loop => return None,
            _ => [one(a), one(b), one(c)],
        })
    }

    /// The lanes that it writes; None for what a loop or an elementwise operation does.
    pub fn lanes_written(&self) -> Option<Run> {
        match self.op {
            op if op.sums() => Some(Run { first: 0, count: 0 }),
            Op::Lanes(Lanes::Copy | Lanes::Fill | Lanes::Replace) => Some(Run { first: self.to, count: self.d }),
            Op::Lanes(_) => Some(Run { first: self.to, count: 1 }),
            Op::Each | Op::Loop => None,
            _ => Some(Run { first: 0, count: 0 }),
        }
    }

    /// Whether it reads lanes; of a vector that an element is replaced in, too. None as in `lanes_written`.
    pub fn reads_lanes(&self, place: u16) -> Option<bool> {
        let run = |first| Run { first, count: self.d }.holds(place);
        let Code { to, a, b, c, d, .. } = *self;
        Some(match self.op {
            Op::Each | Op::Loop => return None,
            Op::Lanes(Lanes::Copy) => run(a),
            Op::Lanes(Lanes::Element) => run(a) || b == place,
            Op::Lanes(Lanes::Replace) => run(to) || a == place || b == place,
            Op::Lanes(Lanes::Fill | Lanes::Negate | Lanes::Sum) => a == place,
            Op::Lanes(Lanes::Add | Lanes::Subtract | Lanes::Multiply | Lanes::SumProduct | Lanes::SumMasked) => {
                a == place || b == place
            }
            Op::Lanes(Lanes::Select | Lanes::Pair(_)) => [a, b, c].contains(&place),
            Op::Lanes(Lanes::Products | Lanes::ProductSpread) => [a, b, c, d].contains(&place),
            Op::Lanes(Lanes::Apply(operator)) => [a, b, c][..operator.arity()].contains(&place),
            _ => false,
        })
    }

    /// The same at other places of numbers and of lanes. A run of places must stay one.
    pub fn moved(&self, number: impl Fn(u16) -> u16, lane: impl Fn(u16) -> u16) -> Code {
        let Code { op, to, a, b, c, d } = *self;
        let either = |place: u16| match place & NUMBER {
            0 => lane(place),
            _ => number(place & !NUMBER) | NUMBER,
        };
        match op {
            Op::Lanes(of) => {
                let fourth = matches!(of, Lanes::Products | Lanes::ProductSpread);
                let d = if fourth { either(d) } else { d };
                let to = if op.sums() { number(to) } else { lane(to) };
                Code { op, to, a: either(a), b: either(b), c: either(c), d }
            }
            // They say in a table what they work on.
            Op::Each | Op::Loop => *self,
            _ => Code { op, to: number(to), a: number(a), b: number(b), c: number(c), d },
        }
    }
}
