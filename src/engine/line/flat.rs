//! Instructions as they are executed: one jump each, the kinds of the operands known.

use crate::engine::code::Form;
use crate::engine::line::chain;
use crate::engine::line::code::{Code, Lanes, NUMBER, Op};
use crate::engine::line::one::arithmetic;
use crate::engine::line::order::order;
use crate::ir::Operator;

macro_rules! define {
    (
        [$($others:tt)*]
        two: [$($f:ident $fx:ident $fy:ident, $fo:ident $fxo:ident $fyo:ident, ($($x:ident),*) $two:expr;)*]
        three: [$(
            $g:ident $gx:ident $gy:ident $gz:ident, $go:ident $gxo:ident $gyo:ident $gzo:ident, ($($u:ident),*) $three:expr;
        )*]
    ) => {
        /// What an instruction does. `N` and `L` say of what: numbers or lanes, where both may be.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Do {
            $($f, $fx, $fy, $fo, $fxo, $fyo,)*
            $($g, $gx, $gy, $gz, $go, $gxo, $gyo, $gzo,)*
            $($others)*
        }

        /// Of arithmetic: by which operand is handed on, and by whether the result is only handed on.
        static HANDED: &[[[Do; 4]; 2]] = &[
            $([[Do::$f, Do::$fx, Do::$fy, Do::$f], [Do::$fo, Do::$fxo, Do::$fyo, Do::$fo]],)*
            $([[Do::$g, Do::$gx, Do::$gy, Do::$gz], [Do::$go, Do::$gxo, Do::$gyo, Do::$gzo]],)*
        ];
    };
}
arithmetic! { define,
    Divide,
    Negate,
    Select,
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
    MultiplyLL,
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
    /// The sum of the first d lanes.
    SumL,
    SumProductLL,
    SumMaskedLL,
    // Two with one jump: the second one stands behind the first.
    AddThenAddLL,
    AddMultiplyThenAddMultiplyLLN,
    MultiplyAddThenMultiplyAddNLL,
    MultiplySubtractThenSubtractLL,
    MultiplyThenProductsNLNL,
    MultiplyThenProductSpreadNLLN,
    ReplaceThenReplaceLanes,
    ElementThenElementLanes,
    SubtractThenMultiplyNL,
    MultiplyNLThenAddLL,
    MultiplyAddThenAddAddLLL,
    // Chains of values with their tangents, named by their links: `chain`.
    SpreadProduct,
    SpreadProducts,
    SpreadProductFromStep,
    SpreadFromStep,
    SubtractStep,
    MultiplyAddTerm,
    AddMultiplyAdd,
}

/// Of arithmetic whose result is stored: its row in `HANDED`, and where in the row.
static STORED: [Option<(u8, u8)>; 256] = {
    let mut stored = [None; 256];
    let mut row = 0;
    while row < HANDED.len() {
        let mut at = 4;
        while at > 0 {
            at -= 1;
            stored[HANDED[row][0][at] as usize] = Some((row as u8, at as u8));
        }
        row += 1;
    }
    stored
};

fn stored(op: Do) -> Option<(usize, usize)> {
    STORED[op as usize].map(|(row, at)| (row as usize, at as usize))
}

/// What is done two with one jump: a value and its tangents above all.
pub const TWO: [(Do, Do, Do); 11] = [
    (Do::Add, Do::AddLL, Do::AddThenAddLL),
    (Do::AddMultiply, Do::AddMultiplyLLN, Do::AddMultiplyThenAddMultiplyLLN),
    (Do::MultiplyAdd, Do::MultiplyAddNLL, Do::MultiplyAddThenMultiplyAddNLL),
    (Do::MultiplySubtract, Do::SubtractLL, Do::MultiplySubtractThenSubtractLL),
    (Do::Multiply, Do::ProductsNLNL, Do::MultiplyThenProductsNLNL),
    (Do::Multiply, Do::ProductSpreadNLLN, Do::MultiplyThenProductSpreadNLLN),
    (Do::Replace, Do::ReplaceLanes, Do::ReplaceThenReplaceLanes),
    (Do::Element, Do::ElementLanes, Do::ElementThenElementLanes),
    (Do::Subtract, Do::MultiplyNL, Do::SubtractThenMultiplyNL),
    (Do::MultiplyNL, Do::AddLL, Do::MultiplyNLThenAddLL),
    (Do::MultiplyAdd, Do::AddAddLLL, Do::MultiplyAddThenAddAddLLL),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flat {
    pub op: Do,
    pub to: u16,
    pub a: u16,
    pub b: u16,
    pub c: u16,
    pub d: u16,
}

/// A list of instructions.
#[derive(Clone, Debug)]
pub enum Codes {
    /// On numbers alone: results may be handed on.
    Handed(Vec<Flat>),
    /// Values and tangents.
    Together(Vec<Flat>),
    /// Each stands alone.
    Placed(Vec<Flat>),
}

/// `is_passed_on`: of a number that the next instruction reads, whether nothing else does.
pub fn flat(codes: &[Code], is_passed_on: impl Fn(u16) -> bool) -> Codes {
    if codes.iter().any(|code| matches!(code.op, Op::Lanes(_))) {
        return Codes::Together(chain::together(codes));
    }
    let codes = order(codes);
    let mut flat: Vec<Flat> = codes.iter().map(one).collect();
    let gives = |op: Op| matches!(op, Op::Add | Op::Subtract | Op::Multiply | Op::Pair(_) | Op::Element);
    let arity = |code: &Code| if matches!(code.op, Op::Pair(_)) { 3 } else { 2 };
    for k in 0..codes.len() {
        let Some((row, _)) = stored(flat[k].op) else { continue };
        let operands = [codes[k].a, codes[k].b, codes[k].c];
        let before = k.checked_sub(1).filter(|before| gives(codes[*before].op));
        let handed = before.and_then(|before| operands[..arity(&codes[k])].iter().position(|v| *v == codes[before].to));
        flat[k].op = HANDED[row][0][handed.map_or(0, |operand| operand + 1)];
        if let (Some(before), Some(_)) = (before, handed)
            && is_passed_on(codes[before].to)
            && let Some((row, at)) = stored(flat[before].op)
        {
            flat[before].op = HANDED[row][1][at];
        }
    }
    Codes::Handed(flat)
}

/// Instructions each of which stands alone.
pub fn placed(codes: &[Code]) -> Vec<Flat> {
    codes.iter().map(one).collect()
}

fn one(code: &Code) -> Flat {
    let Code { to, a, b, c, d, .. } = *code;
    let with = |op, d| Flat { op, to, a, b, c, d };
    let table = |operator: Operator| operator as u16;
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

fn lanes(op: Lanes, code: &Code, table: impl Fn(Operator) -> u16) -> Flat {
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
        (Lanes::Multiply, [false, false, _]) => flat(Do::MultiplyLL, [a, b, c, d]),
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
        (Lanes::Negate, _) => flat(Do::ApplyLanes, [a, a, a, table(Operator::Negate)]),
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
        (Lanes::Sum, _) => flat(Do::SumL, [a, b, c, d]),
        (Lanes::SumProduct, _) => flat(Do::SumProductLL, [a, b, c, d]),
        (Lanes::SumMasked, _) => flat(Do::SumMaskedLL, [a, b, c, d]),
    }
}
