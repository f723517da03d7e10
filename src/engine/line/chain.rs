//! The order of values and tangents: a pair that takes the result of another stands behind it, and both are one chain.
//!
//! What depends on what stays, so that no bit changes.

use crate::engine::line::code::{Code, Lanes, NUMBER, Op, Run};
use crate::engine::line::flat::{Do, Flat, TWO, placed};

/// Instructions among which one that takes a result is sought.
const REACH: usize = 24;

/// A value and its tangents, x and dx; the later ones of a chain take those of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// a b, where a moves in few directions.
    Spread,
    /// a b - c.
    Subtract,
    /// a b + c.
    MultiplyAdd,
    /// (a + b) c.
    AddMultiply,
    /// x b.
    Product,
    /// The tangents of x b alone: the value is in what comes later.
    Products,
    /// a b - x.
    From,
    /// a x + c.
    Step,
    /// a b + x.
    Term,
    /// a + x.
    Add,
}

/// Chains that are one instruction.
const CHAINS: [(&[Link], Do); 7] = [
    (&[Link::Spread, Link::Product, Link::From, Link::Step], Do::SpreadProductFromStep),
    (&[Link::Spread, Link::From, Link::Step], Do::SpreadFromStep),
    (&[Link::Spread, Link::Product], Do::SpreadProduct),
    (&[Link::Spread, Link::Products], Do::SpreadProducts),
    (&[Link::Subtract, Link::Step], Do::SubtractStep),
    (&[Link::MultiplyAdd, Link::Term], Do::MultiplyAddTerm),
    (&[Link::AddMultiply, Link::Add], Do::AddMultiplyAdd),
];

/// Instructions as `together` executes them.
pub fn together(codes: &[Code]) -> Vec<Flat> {
    let mut left: Vec<(Code, Flat)> = codes.iter().copied().zip(placed(codes)).collect();
    let mut flat = Vec::with_capacity(left.len());
    while let [(_, first), ..] = left[..] {
        let (op, taken) = chain(&mut left).or_else(|| two(&left)).unwrap_or((first.op, 1));
        left[0].1.op = op;
        flat.extend(left.drain(..taken).map(|(_, flat)| flat));
    }
    flat
}

/// Two instructions that are one. Elements of numbers and of lanes are where one index says, which the first leaves as it
/// is.
fn two(left: &[(Code, Flat)]) -> Option<(Do, usize)> {
    let [(code, first), (_, second), ..] = left else { return None };
    let (.., both) = TWO.iter().find(|(one, then, _)| (*one, *then) == (first.op, second.op))?;
    let is_indexed = matches!(first.op, Do::Element | Do::Replace);
    let has_one_index =
        || (first.b, first.d) == (second.b, second.d) && code.written().is_some_and(|run| !run.holds(first.b));
    (!is_indexed || has_one_index()).then_some((*both, 2))
}

/// The longest chain that begins with the first instructions, and how many it has; those that belong to it are moved up.
fn chain(left: &mut [(Code, Flat)]) -> Option<(Do, usize)> {
    let [(_, value), (_, tangents), ..] = left[..] else { return None };
    let mut links = vec![begins(value.op, tangents.op)?];
    let mut chain = None;
    let (mut handed, mut end) = ((value.to, tangents.to), 2);
    loop {
        let next = (end..left.len().min(end + REACH)).find_map(|at| {
            let (link, flats) = follows(handed, &left[at..])?;
            let longer =
                |(chain, _): &(&[Link], Do)| chain.starts_with(&links) && chain.get(links.len()) == Some(&link);
            let (between, moved) = (&left[end..at], &left[at..at + flats.len()]);
            let is_free = between.iter().all(|(code, _)| !moved.iter().any(|(moved, _)| touch(moved, code)));
            (is_free && CHAINS.iter().any(longer)).then_some((at, link, flats))
        });
        let Some((at, link, flats)) = next else { return chain };
        left[end..at + flats.len()].rotate_right(flats.len());
        for (k, flat) in flats.iter().enumerate() {
            left[end + k].1 = *flat;
        }
        end += flats.len();
        links.push(link);
        let value = if let [value, _] = flats[..] { value.to } else { handed.0 };
        handed = (value, left[end - 1].1.to);
        chain = CHAINS.iter().find(|(whole, _)| *whole == links).map(|(_, op)| (*op, end)).or(chain);
    }
}

fn begins(value: Do, tangents: Do) -> Option<Link> {
    Some(match (value, tangents) {
        (Do::Multiply, Do::ProductSpreadNLLN) => Link::Spread,
        (Do::MultiplySubtract, Do::SubtractLL) => Link::Subtract,
        (Do::MultiplyAdd, Do::MultiplyAddNLL) => Link::MultiplyAdd,
        (Do::AddMultiply, Do::AddMultiplyLLN) => Link::AddMultiply,
        _ => return None,
    })
}

/// What the next instructions do with a value and tangents at these places, with operands in the order that `together`
/// has them in.
fn follows((value, tangents): (u16, u16), behind: &[(Code, Flat)]) -> Option<(Link, Vec<Flat>)> {
    let (_, first) = *behind.first()?;
    // Factors and terms, of values and of tangents, in either order.
    let swapped = |flat: Flat| Flat { a: flat.b, b: flat.a, ..flat };
    let either = |flat: Flat, is: &dyn Fn(&Flat) -> bool| [flat, swapped(flat)].into_iter().find(|flat| is(flat));
    let products = |flat: Flat| {
        let turned = Flat { a: flat.c, b: flat.d, c: flat.a, d: flat.b, ..flat };
        [flat, turned].into_iter().find(|flat| (flat.a, flat.d) == (value, tangents))
    };
    if first.op == Do::ProductsNLNL {
        return Some((Link::Products, vec![products(first)?]));
    }
    let (_, last) = *behind.get(1)?;
    Some(match (first.op, last.op) {
        // The tangents take the value as it was.
        (Do::Multiply, Do::ProductsNLNL) if first.to != value => {
            (Link::Product, vec![either(first, &|flat| flat.a == value)?, products(last)?])
        }
        (Do::MultiplySubtract, Do::SubtractLL) if (first.c, last.b) == (value, tangents) => {
            (Link::From, vec![first, last])
        }
        (Do::MultiplyAdd, Do::MultiplyAddNLL) if (first.c, last.c) == (value, tangents) => {
            (Link::Term, vec![first, last])
        }
        (Do::MultiplyAdd, Do::MultiplyAddNLL) if last.b == tangents => {
            (Link::Step, vec![either(first, &|flat| flat.b == value)?, last])
        }
        (Do::Add, Do::AddLL) => {
            let last = either(last, &|flat| flat.b == tangents)?;
            (Link::Add, vec![either(first, &|flat| flat.b == value)?, last])
        }
        _ => return None,
    })
}

/// Whether one of two instructions reads or writes what the other writes; the first is arithmetic.
fn touch(moved: &Code, other: &Code) -> bool {
    let writes = |run: Option<Run>, place: u16| run.is_none_or(|run| run.holds(place));
    let fourth = matches!(moved.op, Op::Lanes(Lanes::Products | Lanes::ProductSpread)).then_some(moved.d);
    let operands = [moved.a, moved.b, moved.c].into_iter().chain(fourth);
    let on_lanes = matches!(moved.op, Op::Lanes(_));
    let changed = operands.into_iter().any(|operand| match on_lanes && operand & NUMBER == 0 {
        true => writes(other.lanes_written(), operand),
        false => writes(other.written(), operand & !NUMBER),
    });
    let (read, written) = match on_lanes {
        true => (other.reads_lanes(moved.to), writes(other.lanes_written(), moved.to)),
        false => (other.reads(moved.to), writes(other.written(), moved.to)),
    };
    changed || read != Some(false) || written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::code::Form;
    use crate::engine::line::execute::{Files, portable};
    use crate::engine::line::flat::Codes;
    use crate::engine::line::{Eight, Line};
    use proptest::prelude::*;

    const PLACES: u16 = 5;

    /// A value and its tangents, on few places; some alone, some of vectors.
    fn pair() -> impl Strategy<Value = Vec<Code>> {
        let place = || 0..PLACES;
        let places = (place(), place(), place(), place());
        (0..10, places.clone(), places).prop_map(|(kind, (to, a, b, c), (lanes, x, y, z))| {
            let value = |op| Code { op, to, a, b, c, d: 0 };
            let tangents = |op, [a, b, c, d]: [u16; 4]| Code { op: Op::Lanes(op), to: lanes, a, b, c, d };
            let (n, m) = (a | NUMBER, b | NUMBER);
            let products = tangents(Lanes::Products, [n, x, m, y]);
            match kind {
                0 => vec![value(Op::Multiply), tangents(Lanes::ProductSpread, [n, x, z, m])],
                1 => vec![value(Op::Multiply), products],
                2 => vec![value(Op::Pair(Form::MultiplySubtract)), tangents(Lanes::Subtract, [x, y, 0, 0])],
                3 => vec![value(Op::Pair(Form::MultiplyAdd)), tangents(Lanes::Pair(Form::MultiplyAdd), [n, x, y, 0])],
                4 => vec![
                    value(Op::Pair(Form::AddMultiply)),
                    tangents(Lanes::Pair(Form::AddMultiply), [x, y, c | NUMBER, 0]),
                ],
                5 => vec![value(Op::Add), tangents(Lanes::Add, [x, y, 0, 0])],
                6 => vec![products],
                7 => vec![value(Op::Pair(Form::MultiplySubtract))],
                8 => vec![tangents(Lanes::Replace, [x, n, 0, 2]), Code { d: 2, ..value(Op::Replace) }],
                _ => vec![tangents(Lanes::Copy, [x, 0, 0, 1])],
            }
        })
    }

    fn execute(codes: Vec<Flat>) -> Vec<u64> {
        let line = Line { codes: Codes::Placed(Vec::new()), loops: Vec::new(), each: Vec::new() };
        let mut numbers: Vec<f64> = (0..=PLACES).map(|k| f64::from(k % 4) - 0.7 * f64::from(k / 4)).collect();
        let eight = |k: u16| Eight(std::array::from_fn(|lane| f64::from(k) - 0.3 * lane as f64));
        let mut lanes: Vec<[Eight; 1]> = (0..=PLACES).map(|k| [eight(k)]).collect();
        let mut files =
            Files::<_, 1> { numbers: &mut numbers, lanes: &mut lanes, tape: &mut Vec::new(), frames: &mut [] };
        portable::codes(&line, &Codes::Together(codes), &mut files);
        let lanes = lanes.iter().flat_map(|[eight]| eight.0);
        // Which NaN an operation gives depends on the order of its operands.
        numbers.iter().copied().chain(lanes).map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
    }

    proptest! {
        #[test]
        fn the_order_changes_no_result(codes in proptest::collection::vec(pair(), 0..30)) {
            let codes = codes.concat();
            prop_assert_eq!(execute(together(&codes)), execute(placed(&codes)));
        }
    }

    #[test]
    fn what_takes_a_result_stands_behind_it() {
        let value = |op, to, a, b, c| Code { op, to, a, b, c, d: 0 };
        let tangents = |op, to, [a, b, c, d]: [u16; 4]| Code { op: Op::Lanes(op), to, a, b, c, d };
        let number = |place: u16| place | NUMBER;
        // p = (k u) v - w and u + h p with another product between them, at places of their own.
        let codes = [
            value(Op::Multiply, 10, 0, 1, 0),
            tangents(Lanes::ProductSpread, 10, [number(0), 1, 5, number(1)]),
            value(Op::Multiply, 11, 2, 10, 0),
            tangents(Lanes::Products, 11, [number(2), 10, number(10), 2]),
            value(Op::Pair(Form::MultiplySubtract), 12, 3, 4, 11),
            tangents(Lanes::Subtract, 12, [4, 11, 0, 0]),
            value(Op::Multiply, 13, 0, 2, 0),
            tangents(Lanes::ProductSpread, 13, [number(0), 2, 5, number(2)]),
            value(Op::Pair(Form::MultiplyAdd), 14, 12, 6, 1),
            tangents(Lanes::Pair(Form::MultiplyAdd), 14, [number(6), 12, 1, 0]),
        ];
        let said = |codes: &[Code]| together(codes).iter().map(|flat| (flat.op, flat.to)).collect::<Vec<(Do, u16)>>();
        let ordered = [
            (Do::SpreadProductFromStep, 10),
            (Do::ProductSpreadNLLN, 10),
            (Do::Multiply, 11),
            (Do::ProductsNLNL, 11),
            (Do::MultiplySubtract, 12),
            (Do::SubtractLL, 12),
            (Do::MultiplyAdd, 14),
            (Do::MultiplyAddNLL, 14),
            (Do::MultiplyThenProductSpreadNLLN, 13),
            (Do::ProductSpreadNLLN, 13),
        ];
        assert_eq!(said(&codes), ordered);
        // The product between them writes what the last two read.
        let mut moved = codes;
        moved[7].to = 1;
        let said = said(&moved);
        assert_eq!((said[0].0, said[4].0), (Do::SpreadProduct, Do::MultiplySubtractThenSubtractLL));
    }
}
