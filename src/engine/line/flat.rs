//! Instructions as they are executed: one jump each, the kinds of the operands known.

use crate::engine::code::Form;
use crate::engine::line::code::{Code, Lanes, NUMBER, Op};
use crate::ir::op::ROWS;

/// What an instruction does. `N` and `L` say of what: numbers or lanes, where both may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Do {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Select,
    AddAdd,
    AddSubtract,
    AddFrom,
    AddMultiply,
    SubtractAdd,
    SubtractSubtract,
    SubtractFrom,
    SubtractMultiply,
    MultiplyAdd,
    MultiplySubtract,
    MultiplyFrom,
    MultiplyMultiply,
    /// The d-th operator of the table.
    Apply,
    Copy,
    CopyRun,
    Fill,
    Element,
    Replace,
    Each,
    Loop,
    AddLL,
    SubtractLL,
    MultiplyNL,
    NegateL,
    SelectLNN,
    SelectNLL,
    MultiplyAddNLL,
    MultiplySubtractNLL,
    MultiplyFromNLL,
    AddMultiplyLLN,
    AddAddLLL,
    /// a·b + c·d.
    ProductsNLNL,
    /// a·b + d in the lanes where c is not 0, a·b in the others.
    ProductSpreadNLLN,
    /// Operands of any kind.
    AddLanes,
    SubtractLanes,
    MultiplyLanes,
    SelectLanes,
    /// The d-th pair.
    PairLanes,
    /// The d-th operator of the table.
    ApplyLanes,
    CopyLanes,
    FillLanes,
    ElementLanes,
    /// At an index of its own in each lane.
    ElementsLanes,
    ReplaceLanes,
    ReplaceElementsLanes,
    // Two with one jump: the second one stands behind the first.
    AddThenAddLL,
    AddMultiplyThenAddMultiplyLLN,
    MultiplyAddThenMultiplyAddNLL,
    MultiplySubtractThenSubtractLL,
    MultiplyThenProductsNLNL,
    MultiplyThenProductSpreadNLLN,
    ProductSpreadNLLNThenProductsNLNL,
    ReplaceThenReplaceLanes,
    ElementThenElementLanes,
    SubtractThenMultiplyNL,
    MultiplyNLThenAddLL,
    MultiplyAddThenAddAddLLL,
    SubtractThenMultiply,
    MultiplyThenMultiply,
    MultiplyThenMultiplyAdd,
    MultiplyThenMultiplySubtract,
    MultiplyAddThenMultiply,
    MultiplyAddThenMultiplyAdd,
    MultiplySubtractThenMultiply,
    MultiplySubtractThenMultiplyAdd,
    MultiplyThenAdd,
    AddThenMultiply,
}

/// What is done two with one jump: in trajectories a value and its tangents, and products and their sums.
const TWO: [(Do, Do, Do); 22] = [
    (Do::Add, Do::AddLL, Do::AddThenAddLL),
    (Do::AddMultiply, Do::AddMultiplyLLN, Do::AddMultiplyThenAddMultiplyLLN),
    (Do::MultiplyAdd, Do::MultiplyAddNLL, Do::MultiplyAddThenMultiplyAddNLL),
    (Do::MultiplySubtract, Do::SubtractLL, Do::MultiplySubtractThenSubtractLL),
    (Do::Multiply, Do::ProductsNLNL, Do::MultiplyThenProductsNLNL),
    (Do::Multiply, Do::ProductSpreadNLLN, Do::MultiplyThenProductSpreadNLLN),
    (Do::ProductSpreadNLLN, Do::ProductsNLNL, Do::ProductSpreadNLLNThenProductsNLNL),
    (Do::Replace, Do::ReplaceLanes, Do::ReplaceThenReplaceLanes),
    (Do::Element, Do::ElementLanes, Do::ElementThenElementLanes),
    (Do::Subtract, Do::MultiplyNL, Do::SubtractThenMultiplyNL),
    (Do::MultiplyNL, Do::AddLL, Do::MultiplyNLThenAddLL),
    (Do::MultiplyAdd, Do::AddAddLLL, Do::MultiplyAddThenAddAddLLL),
    (Do::Subtract, Do::Multiply, Do::SubtractThenMultiply),
    (Do::Multiply, Do::Multiply, Do::MultiplyThenMultiply),
    (Do::Multiply, Do::MultiplyAdd, Do::MultiplyThenMultiplyAdd),
    (Do::Multiply, Do::MultiplySubtract, Do::MultiplyThenMultiplySubtract),
    (Do::MultiplyAdd, Do::Multiply, Do::MultiplyAddThenMultiply),
    (Do::MultiplyAdd, Do::MultiplyAdd, Do::MultiplyAddThenMultiplyAdd),
    (Do::MultiplySubtract, Do::Multiply, Do::MultiplySubtractThenMultiply),
    (Do::MultiplySubtract, Do::MultiplyAdd, Do::MultiplySubtractThenMultiplyAdd),
    (Do::Multiply, Do::Add, Do::MultiplyThenAdd),
    (Do::Add, Do::Multiply, Do::AddThenMultiply),
];

pub const FORMS: [Form; 12] = [
    Form::AddAdd,
    Form::AddSubtract,
    Form::AddFrom,
    Form::AddMultiply,
    Form::SubtractAdd,
    Form::SubtractSubtract,
    Form::SubtractFrom,
    Form::SubtractMultiply,
    Form::MultiplyAdd,
    Form::MultiplySubtract,
    Form::MultiplyFrom,
    Form::MultiplyMultiply,
];

/// An instruction with what it does.
#[derive(Clone, Copy, Debug)]
pub struct Flat {
    pub op: Do,
    pub to: u16,
    pub a: u16,
    pub b: u16,
    pub c: u16,
    pub d: u16,
}

pub fn flat(codes: &[Code]) -> Vec<Flat> {
    let mut flat: Vec<Flat> = codes.iter().map(one).collect();
    let mut at = 0;
    while let [first, second, ..] = &mut flat[at..] {
        let both = TWO.iter().find(|(one, then, _)| (*one, *then) == (first.op, second.op));
        if let Some((.., both)) = both {
            first.op = *both;
        }
        at += if both.is_some() { 2 } else { 1 };
    }
    flat
}

fn one(code: &Code) -> Flat {
    let Code { to, a, b, c, d, .. } = *code;
    let with = |op, d| Flat { op, to, a, b, c, d };
    let table = |operator| ROWS.iter().position(|row| row.operator == operator).unwrap_or(0) as u16;
    match code.op {
        Op::Add => with(Do::Add, d),
        Op::Subtract => with(Do::Subtract, d),
        Op::Multiply => with(Do::Multiply, d),
        Op::Divide => with(Do::Divide, d),
        Op::Negate => with(Do::Negate, d),
        Op::Select => with(Do::Select, d),
        Op::Pair(form) => with(
            match form {
                Form::AddAdd => Do::AddAdd,
                Form::AddSubtract => Do::AddSubtract,
                Form::AddFrom => Do::AddFrom,
                Form::AddMultiply => Do::AddMultiply,
                Form::SubtractAdd => Do::SubtractAdd,
                Form::SubtractSubtract => Do::SubtractSubtract,
                Form::SubtractFrom => Do::SubtractFrom,
                Form::SubtractMultiply => Do::SubtractMultiply,
                Form::MultiplyAdd => Do::MultiplyAdd,
                Form::MultiplySubtract => Do::MultiplySubtract,
                Form::MultiplyFrom => Do::MultiplyFrom,
                Form::MultiplyMultiply => Do::MultiplyMultiply,
            },
            d,
        ),
        Op::Apply(operator) => with(Do::Apply, table(operator)),
        Op::Copy => with(if d == 1 { Do::Copy } else { Do::CopyRun }, d),
        Op::Fill => with(Do::Fill, d),
        Op::Element => with(Do::Element, d),
        Op::Replace => with(Do::Replace, d),
        Op::Each => with(Do::Each, d),
        Op::Loop => with(Do::Loop, d),
        Op::Lanes(op) => lanes(op, code, table),
    }
}

fn lanes(op: Lanes, code: &Code, table: impl Fn(crate::ir::Operator) -> u16) -> Flat {
    let is_number = |operand: u16| operand & NUMBER != 0;
    let number = |operand: u16| operand & !NUMBER;
    // The factor that is a number comes first.
    let Code { to, mut a, mut b, mut c, mut d, .. } = *code;
    let multiplies = matches!(
        op,
        Lanes::Multiply
            | Lanes::Products
            | Lanes::ProductSpread
            | Lanes::Pair(Form::MultiplyAdd | Form::MultiplySubtract | Form::MultiplyFrom)
    );
    if multiplies && is_number(b) {
        (a, b) = (b, a);
    }
    if op == Lanes::Products && is_number(d) {
        (c, d) = (d, c);
    }
    let flat = |op, [a, b, c, d]: [u16; 4]| Flat { op, to, a, b, c, d };
    let kinds = [is_number(a), is_number(b), is_number(c)];
    match (op, kinds) {
        (Lanes::Add, [false, false, _]) => flat(Do::AddLL, [a, b, c, d]),
        (Lanes::Subtract, [false, false, _]) => flat(Do::SubtractLL, [a, b, c, d]),
        (Lanes::Multiply, [true, false, _]) => flat(Do::MultiplyNL, [number(a), b, c, d]),
        (Lanes::Negate, [false, ..]) => flat(Do::NegateL, [a, b, c, d]),
        (Lanes::Select, [false, true, true]) => flat(Do::SelectLNN, [a, number(b), number(c), d]),
        (Lanes::Select, [true, false, false]) => flat(Do::SelectNLL, [number(a), b, c, d]),
        (Lanes::Pair(Form::MultiplyAdd), [true, false, false]) => flat(Do::MultiplyAddNLL, [number(a), b, c, d]),
        (Lanes::Pair(Form::MultiplySubtract), [true, false, false]) => {
            flat(Do::MultiplySubtractNLL, [number(a), b, c, d])
        }
        (Lanes::Pair(Form::MultiplyFrom), [true, false, false]) => flat(Do::MultiplyFromNLL, [number(a), b, c, d]),
        (Lanes::Pair(Form::AddMultiply), [false, false, true]) => flat(Do::AddMultiplyLLN, [a, b, number(c), d]),
        (Lanes::Pair(Form::AddAdd), [false, false, false]) => flat(Do::AddAddLLL, [a, b, c, d]),
        (Lanes::Products, _) => flat(Do::ProductsNLNL, [number(a), b, number(c), d]),
        (Lanes::ProductSpread, _) => flat(Do::ProductSpreadNLLN, [number(a), b, c, number(d)]),
        (Lanes::Add, _) => flat(Do::AddLanes, [a, b, c, d]),
        (Lanes::Subtract, _) => flat(Do::SubtractLanes, [a, b, c, d]),
        (Lanes::Multiply, _) => flat(Do::MultiplyLanes, [a, b, c, d]),
        // A number of which nothing is known; as an operand of any kind, minus it is an operator.
        (Lanes::Negate, _) => flat(Do::ApplyLanes, [a, a, a, table(crate::ir::Operator::Negate)]),
        (Lanes::Select, _) => flat(Do::SelectLanes, [a, b, c, d]),
        (Lanes::Pair(form), _) => {
            let at = FORMS.iter().position(|other| *other == form).unwrap_or(0) as u16;
            flat(Do::PairLanes, [a, b, c, at])
        }
        (Lanes::Apply(operator), _) => flat(Do::ApplyLanes, [a, b, c, table(operator)]),
        (Lanes::Copy, _) => flat(Do::CopyLanes, [a, b, c, d]),
        (Lanes::Fill, _) => flat(Do::FillLanes, [a, b, c, d]),
        (Lanes::Element, [_, true, _]) => flat(Do::ElementLanes, [a, number(b), c, d]),
        (Lanes::Element, _) => flat(Do::ElementsLanes, [a, b, c, d]),
        (Lanes::Replace, [_, true, _]) => flat(Do::ReplaceLanes, [a, number(b), c, d]),
        (Lanes::Replace, _) => flat(Do::ReplaceElementsLanes, [a, b, c, d]),
    }
}
