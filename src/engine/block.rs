//! The loops of the operators: one step on uniform values, or on the rows of a block.

use crate::engine::code::{Form, Instruction, Operand, Pair, Scatter};
use crate::engine::lanes;
use crate::engine::run::State;
use crate::ir::Operator;
use crate::ir::op::{floor_divide, modulo, operators, truth};
use crate::math::{elementary, special};

/// A block operand: a slice of rows, or one number for all.
#[derive(Clone, Copy)]
pub enum Lanes<'a> {
    Rows(&'a [f64]),
    One(f64),
}

impl Lanes<'_> {
    #[inline(always)]
    fn at(&self, lane: usize) -> f64 {
        match self {
            Lanes::Rows(rows) => rows[lane],
            Lanes::One(number) => *number,
        }
    }
}

#[inline(always)]
pub fn lanes_of<'a>(operand: Operand, state: &'a State) -> Lanes<'a> {
    match operand {
        Operand::Slot(slot) => Lanes::Rows(&state.slots[slot as usize][..state.lanes]),
        Operand::Column(column) => {
            Lanes::Rows(&state.rows.columns[column as usize][state.start..state.start + state.lanes])
        }
        Operand::Uniform(place) => Lanes::One(state.uniforms[place as usize]),
    }
}

/// Written out: a closure over arrays would be a call.
#[inline(always)]
fn lanes_of_three<'a>(operands: &[Operand; 3], state: &'a State) -> (Lanes<'a>, Lanes<'a>, Lanes<'a>) {
    (lanes_of(operands[0], state), lanes_of(operands[1], state), lanes_of(operands[2], state))
}

/// to = f(a, b, c), where each stands in rows or is one number for all.
#[inline(always)]
fn over_three(to: &mut [f64], operands: (Lanes, Lanes, Lanes), f: impl Fn(f64, f64, f64) -> f64) {
    use Lanes::{One, Rows};
    match operands {
        (Rows(a), Rows(b), Rows(c)) => lanes::three(to, a, b, c, f),
        (Rows(a), Rows(b), One(c)) => lanes::two(to, a, b, |a, b| f(a, b, c)),
        (Rows(a), One(b), Rows(c)) => lanes::two(to, a, c, |a, c| f(a, b, c)),
        (Rows(a), One(b), One(c)) => lanes::one(to, a, |a| f(a, b, c)),
        (One(a), Rows(b), Rows(c)) => lanes::two(to, b, c, |b, c| f(a, b, c)),
        (One(a), Rows(b), One(c)) => lanes::one(to, b, |b| f(a, b, c)),
        (One(a), One(b), Rows(c)) => lanes::one(to, c, |c| f(a, b, c)),
        (One(a), One(b), One(c)) => to.fill(f(a, b, c)),
    }
}

/// The first `count` rows of a row value.
#[inline(always)]
pub fn rows_of<'a>(operand: Operand, state: &'a State, count: usize) -> &'a [f64] {
    match lanes_of(operand, state) {
        Lanes::Rows(rows) => &rows[..count],
        Lanes::One(_) => unreachable!("a row value stands in rows"),
    }
}

/// Does something to a slot that no operand stands in: it is taken out while it is written.
#[inline(always)]
fn write(slot: u32, state: &mut State, f: impl FnOnce(&mut [f64], &State)) {
    let mut taken = std::mem::take(&mut state.slots[slot as usize]);
    f(&mut taken[..state.lanes], state);
    state.slots[slot as usize] = taken;
}

/// The elementary operation on the k-th elements.
#[inline(always)]
pub fn element_of(instruction: &Instruction, vector: &[bool; 3], k: u32) -> Instruction {
    let mut of = *instruction;
    of.to = of.to.nth(k);
    for (operand, vector) in of.operands.iter_mut().zip(vector) {
        if *vector {
            *operand = operand.nth(k);
        }
    }
    of
}

#[inline(always)]
pub fn copy(to: Operand, from: Operand, count: u32, vector: bool, state: &mut State) {
    for k in 0..count {
        let from = if vector { from.nth(k) } else { from };
        match to.nth(k) {
            Operand::Uniform(place) => {
                let Operand::Uniform(from) = from else { unreachable!("uniform values come from uniform values") };
                state.uniforms[place as usize] = state.uniforms[from as usize];
            }
            Operand::Slot(slot) if from == Operand::Slot(slot) => {}
            Operand::Slot(slot) => write(slot, state, |to, state| match lanes_of(from, state) {
                Lanes::Rows(rows) => to.copy_from_slice(rows),
                Lanes::One(number) => to.fill(number),
            }),
            Operand::Column(_) => unreachable!("data are not written"),
        }
    }
}

/// The position that an index names in a vector of so many elements.
#[inline(always)]
pub fn position(index: f64, size: u32) -> Option<u32> {
    // NaN fails both comparisons.
    (index >= 0.0 && index < f64::from(size)).then_some(index as u32)
}

#[inline(always)]
pub fn element(to: Operand, vector: Operand, size: u32, index: Operand, state: &mut State) {
    match (to, index) {
        (Operand::Uniform(to), Operand::Uniform(index)) => {
            let Operand::Uniform(first) = vector else { unreachable!("uniform values come from uniform values") };
            let position = position(state.uniforms[index as usize], size);
            state.uniforms[to as usize] = position.map_or(f64::NAN, |k| state.uniforms[(first + k) as usize]);
        }
        (Operand::Slot(_), Operand::Uniform(index)) => match position(state.uniforms[index as usize], size) {
            Some(k) => copy(to, vector.nth(k), 1, true, state),
            None => {
                let Operand::Slot(slot) = to else { return };
                write(slot, state, |to, _| to.fill(f64::NAN));
            }
        },
        (Operand::Slot(slot), index) => write(slot, state, |to, state| {
            let index = lanes_of(index, state);
            for (lane, to) in to.iter_mut().enumerate() {
                *to = match position(index.at(lane), size) {
                    Some(k) => lanes_of(vector.nth(k), state).at(lane),
                    None => f64::NAN,
                };
            }
        }),
        _ => unreachable!("data are not written"),
    }
}

#[inline(always)]
pub fn replace(vector: Operand, size: u32, index: Operand, element: Operand, state: &mut State) {
    match (vector, index) {
        (_, Operand::Uniform(index)) => {
            if let Some(k) = position(state.uniforms[index as usize], size) {
                copy(vector.nth(k), element, 1, false, state);
            }
        }
        (Operand::Slot(first), index) => {
            for lane in 0..state.lanes {
                let (index, element) = (lanes_of(index, state).at(lane), lanes_of(element, state).at(lane));
                if let Some(k) = position(index, size) {
                    state.slots[(first + k) as usize][lane] = element;
                }
            }
        }
        _ => unreachable!("a uniform vector is replaced at a uniform index"),
    }
}

#[inline(always)]
pub fn scatter(scatter: &Scatter, state: &mut State, count: usize) {
    for lane in 0..count {
        let index = lanes_of(scatter.index, state).at(lane);
        let number = lanes_of(scatter.number, state).at(lane);
        if let Some(k) = position(index, scatter.size) {
            state.uniforms[(scatter.to + k) as usize] += number;
        }
    }
}

/// Unary functions whose vector loops have rare lanes that are done again; false for all others.
#[inline(always)]
pub fn unary_block(operator: Operator, to: &mut [f64], x: &[f64]) -> bool {
    use elementary::block;
    match operator {
        Operator::Exp => block::exp(to, x),
        Operator::Sin => block::sin(to, x),
        Operator::Cos => block::cos(to, x),
        Operator::Tan => block::tan(to, x),
        Operator::Gamma => block::gamma(to, x),
        Operator::LogGamma => block::lgamma(to, x),
        Operator::Digamma => block::digamma(to, x),
        _ => return false,
    }
    true
}

/// Two operations of `+ - *` in one pass over the lanes, each rounded on its own: the bits are those of two steps.
#[inline(always)]
pub fn pair(pair: &Pair, state: &mut State) {
    let Operand::Slot(slot) = pair.to else { return };
    let mut taken = std::mem::take(&mut state.slots[slot as usize]);
    {
        let to = &mut taken[..state.lanes];
        // Looked up once, before the forms part.
        let operands = lanes_of_three(&pair.operands, state);
        macro_rules! loops {
            ($($form:ident: |$a:ident, $b:ident, $c:ident| $value:expr;)*) => {
                match pair.form {
                    $(Form::$form => over_three(to, operands, |$a, $b, $c| $value),)*
                }
            };
        }
        loops! {
            AddAdd: |a, b, c| (a + b) + c;
            AddSubtract: |a, b, c| (a + b) - c;
            AddFrom: |a, b, c| c - (a + b);
            AddMultiply: |a, b, c| (a + b) * c;
            SubtractAdd: |a, b, c| (a - b) + c;
            SubtractSubtract: |a, b, c| (a - b) - c;
            SubtractFrom: |a, b, c| c - (a - b);
            SubtractMultiply: |a, b, c| (a - b) * c;
            MultiplyAdd: |a, b, c| (a * b) + c;
            MultiplySubtract: |a, b, c| (a * b) - c;
            MultiplyFrom: |a, b, c| c - (a * b);
            MultiplyMultiply: |a, b, c| (a * b) * c;
        }
    }
    state.slots[slot as usize] = taken;
}

/// A uniform operand. A function, since a closure in a body so large is called and not compiled into it.
#[inline(always)]
fn number(operand: Operand, file: &[f64]) -> f64 {
    match operand {
        Operand::Uniform(place) => file[place as usize],
        _ => unreachable!("uniform work has uniform operands"),
    }
}

/// Operators up to this cost have loops that are vectorised whatever their operands are.
const CHEAP: u32 = 4;

macro_rules! execute {
    (
        unary { $(($u:ident, $un:literal, $uc:literal, $us:ident, [$($ux:expr),*], |$ua:ident| $uv:expr, $up:expr))* }
        binary { $(($b:ident, $bn:literal, $bc:literal, $bs:ident, [$($bx:expr),*], |$ba:ident, $bb:ident| $bv:expr, $bp:expr, $bq:expr))* }
        ternary { $(($t:ident, $tn:literal, $tc:literal, $ts:ident, [$($tx:expr),*], |$ta:ident, $tb:ident, $td:ident| $tv:expr, $tp:expr, $tq:expr, $tr:expr))* }
    ) => {
        /// One operation on uniform values.
        #[inline(always)]
        pub fn uniform(instruction: &Instruction, file: &mut [f64]) {
            let [first, second, third] = instruction.operands;
            let (first, second, third) = (number(first, file), number(second, file), number(third, file));
            let result = match instruction.operator {
                $(Operator::$u => { let $ua = first; $uv })*
                $(Operator::$b => { let ($ba, $bb) = (first, second); $bv })*
                $(Operator::$t => { let ($ta, $tb, $td) = (first, second, third); $tv })*
            };
            if let Operand::Uniform(to) = instruction.to {
                file[to as usize] = result;
            }
        }

        /// One operation on a block of rows.
        #[inline(always)]
        pub fn apply(instruction: &Instruction, state: &mut State) {
            let Operand::Slot(slot) = instruction.to else { return };
            // As in `write`, but without a closure: one so large would not be compiled into every level.
            let mut taken = std::mem::take(&mut state.slots[slot as usize]);
            {
                let to = &mut taken[..state.lanes];
                let operands = lanes_of_three(&instruction.operands, state);
                let (first, second, _) = operands;
                match instruction.operator {
                    $(Operator::$u => match first {
                        Lanes::Rows(a) => {
                            if $uc <= CHEAP {
                                lanes::one(to, a, |$ua| $uv);
                            } else if !unary_block(Operator::$u, to, a) {
                                for (to, a) in to.iter_mut().zip(a) {
                                    let $ua = *a;
                                    *to = $uv;
                                }
                            }
                        }
                        Lanes::One($ua) => to.fill($uv),
                    },)*
                    $(Operator::$b => {
                        let each = |$ba: f64, $bb: f64| $bv;
                        match (first, second) {
                            (Lanes::Rows(a), Lanes::Rows(b)) => {
                                if $bc <= CHEAP {
                                    lanes::two(to, a, b, each);
                                } else if Operator::$b == Operator::Power {
                                    elementary::block::pow(to, a, b);
                                } else {
                                    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                                        let ($ba, $bb) = (*a, *b);
                                        *to = $bv;
                                    }
                                }
                            }
                            (Lanes::Rows(a), Lanes::One(b)) => {
                                if $bc <= CHEAP {
                                    lanes::one(to, a, |a| each(a, b));
                                } else {
                                    let $bb = b;
                                    for (to, a) in to.iter_mut().zip(a) {
                                        let $ba = *a;
                                        *to = $bv;
                                    }
                                }
                            }
                            (Lanes::One(a), Lanes::Rows(b)) => {
                                if $bc <= CHEAP {
                                    lanes::one(to, b, |b| each(a, b));
                                } else {
                                    let $ba = a;
                                    for (to, b) in to.iter_mut().zip(b) {
                                        let $bb = *b;
                                        *to = $bv;
                                    }
                                }
                            }
                            (Lanes::One($ba), Lanes::One($bb)) => to.fill($bv),
                        }
                    })*
                    $(Operator::$t => over_three(to, operands, |$ta, $tb, $td| $tv),)*
                }
            }
            state.slots[slot as usize] = taken;
        }
    };
}
operators!(execute);
