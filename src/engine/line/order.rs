//! The order of instructions on numbers: such that one that takes the result of another stands behind it.
//!
//! A list schedule: of the instructions whose operands are there, the next is one that takes the result of the last, or
//! else the one from which the longest chain of instructions leads to the end. What depends on what stays: the results,
//! down to the bit, too.

use std::cmp::Reverse;

use crate::engine::line::code::{Code, Op, Run};

/// Instructions that are put in order at once: to choose the next one all that are ready are looked at.
const WINDOW: usize = 128;

/// What it takes until a result can be used, in cycles, about: to find out what to do, and each operation.
const JUMP: u32 = 10;
const OPERATION: u32 = 3;

pub fn order(codes: &[Code]) -> Vec<Code> {
    let mut ordered = Vec::with_capacity(codes.len());
    // Loops, and operations on each element, stay where they are.
    let stays = |code: &Code| matches!(code.op, Op::Each | Op::Loop);
    for codes in codes.chunk_by(|a, b| !stays(a) && !stays(b)) {
        codes.chunks(WINDOW).for_each(|codes| ordered.extend(window(codes).into_iter().map(|k| codes[k])));
    }
    ordered
}

fn window(codes: &[Code]) -> Vec<usize> {
    // Of each: those that wait for it, with whether they take its result; for how many it waits; the cycles to the end of
    // the longest chain of results that begins with it.
    let mut after: Vec<Vec<(usize, bool)>> = vec![Vec::new(); codes.len()];
    let mut waits = vec![0; codes.len()];
    let mut wait = |later: usize, earlier: usize, takes: bool| {
        after[earlier].push((later, takes));
        waits[later] += 1;
    };
    let mut touched = Touched::by(codes);
    for (k, code) in codes.iter().enumerate() {
        for run in code.numbers_read().into_iter().flatten() {
            for number in touched.of(run) {
                number.writer.into_iter().for_each(|writer| wait(k, writer, true));
                number.readers.push(k);
            }
        }
        for number in code.written().map(|run| touched.of(run)).into_iter().flatten() {
            number.writer.into_iter().for_each(|writer| wait(k, writer, false));
            number.readers.drain(..).filter(|reader| *reader != k).for_each(|reader| wait(k, reader, false));
            number.writer = Some(k);
        }
    }
    let mut heights = vec![0; codes.len()];
    for k in (0..codes.len()).rev() {
        let cycles = JUMP + operations(&codes[k]) * OPERATION;
        let to_end = after[k].iter().map(|(other, takes)| heights[*other] + if *takes { cycles } else { 0 });
        heights[k] = to_end.max().unwrap_or(cycles);
    }
    // Whose result each takes: the last one's that stands in the order.
    let mut takes: Vec<Option<usize>> = vec![None; codes.len()];
    let mut ready: Vec<usize> = (0..codes.len()).filter(|k| waits[*k] == 0).collect();
    let mut ordered: Vec<usize> = Vec::with_capacity(codes.len());
    loop {
        let last = ordered.last().copied();
        let follows = |k: usize| last.is_some() && takes[k] == last && operations(&codes[k]) > 0;
        let key = |at: &usize| (follows(ready[*at]), heights[ready[*at]], Reverse(ready[*at]));
        let Some(best) = (0..ready.len()).max_by_key(key) else { break };
        let next = ready.swap_remove(best);
        ordered.push(next);
        for (other, takes_it) in &after[next] {
            if *takes_it {
                takes[*other] = Some(next);
            }
            waits[*other] -= 1;
            if waits[*other] == 0 {
                ready.push(*other);
            }
        }
    }
    ordered
}

/// Operations of `+ - *`.
fn operations(code: &Code) -> u32 {
    match code.op {
        Op::Add | Op::Subtract | Op::Multiply => 1,
        Op::Pair(_) => 2,
        _ => 0,
    }
}

/// The numbers that instructions read or write, and the first of each run: where two runs meet, one has the other's first.
struct Touched {
    places: Vec<u16>,
    numbers: Vec<Number>,
}

/// Of those before: the last that wrote it, and those that have read it since.
#[derive(Clone, Default)]
struct Number {
    writer: Option<usize>,
    readers: Vec<usize>,
}

impl Touched {
    fn by(codes: &[Code]) -> Touched {
        let runs = codes.iter().flat_map(|code| code.numbers_read().into_iter().flatten().chain(code.written()));
        let mut places: Vec<u16> = runs.map(|run| run.first).collect();
        places.sort_unstable();
        places.dedup();
        Touched { numbers: vec![Number::default(); places.len()], places }
    }

    fn of(&mut self, run: Run) -> &mut [Number] {
        let first = self.places.partition_point(|place| *place < run.first);
        let count = self.places[first..].partition_point(|place| run.holds(*place));
        &mut self.numbers[first..first + count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::code::Form;
    use crate::engine::line::Line;
    use crate::engine::line::execute::{Files, portable};
    use crate::engine::line::flat::{Codes, flat, placed};
    use proptest::prelude::*;

    const PLACES: u16 = 9;

    /// On few places, the last three of which are a vector, too.
    fn code() -> impl Strategy<Value = Code> {
        let op = prop_oneof![
            Just(Op::Add),
            Just(Op::Subtract),
            Just(Op::Multiply),
            Just(Op::Pair(Form::MultiplyAdd)),
            Just(Op::Pair(Form::SubtractFrom)),
            Just(Op::Pair(Form::AddMultiply)),
            Just(Op::Copy),
            Just(Op::Negate),
            Just(Op::Element),
            Just(Op::Replace),
        ];
        let place = || 0..PLACES;
        (op, place(), place(), place(), place()).prop_map(|(op, to, a, b, c)| match op {
            Op::Element => Code { op, to, a: PLACES - 3, b, c: 0, d: 3 },
            Op::Replace => Code { op, to: PLACES - 3, a, b, c: 0, d: 3 },
            Op::Copy => Code { op, to, a, b: 0, c: 0, d: 1 },
            _ => Code { op, to, a, b, c, d: 0 },
        })
    }

    fn execute(codes: &Codes) -> Vec<u64> {
        let line = Line { codes: Codes::Placed(Vec::new()), loops: Vec::new(), each: Vec::new() };
        let mut numbers: Vec<f64> = (0..PLACES).map(|k| f64::from(k % 4) - 0.7 * f64::from(k / 4)).collect();
        let mut files = Files::<_, 0> { numbers: &mut numbers, lanes: &mut [], tape: &mut Vec::new(), frames: &mut [] };
        portable::codes(&line, codes, &mut files);
        // Which NaN an operation gives depends on the order of its operands.
        numbers.into_iter().map(|number| if number.is_nan() { u64::MAX } else { number.to_bits() }).collect()
    }

    proptest! {
        #[test]
        fn the_order_changes_no_result(codes in proptest::collection::vec(code(), 0..40)) {
            // What is read once may be handed on, and then stands nowhere.
            let reads = |code: &Code, place: u16| {
                let among = |operands: &[u16]| operands.iter().filter(|operand| **operand == place).count();
                let of_vector = usize::from(place >= PLACES - 3);
                match code.op {
                    Op::Copy | Op::Negate => among(&[code.a]),
                    Op::Pair(_) => among(&[code.a, code.b, code.c]),
                    Op::Element => among(&[code.b]) + of_vector,
                    // Of a vector every element may be looked at again.
                    Op::Replace => among(&[code.a, code.b]) + 2 * of_vector,
                    _ => among(&[code.a, code.b]),
                }
            };
            let is_read_once = |place: u16| codes.iter().map(|code| reads(code, place)).sum::<usize>() == 1;
            let as_they_are = execute(&Codes::Placed(placed(&codes)));
            let ordered = execute(&flat(&codes, is_read_once));
            for place in (0..PLACES).filter(|place| !is_read_once(*place)) {
                prop_assert_eq!(as_they_are[usize::from(place)], ordered[usize::from(place)], "at {}", place);
            }
        }

        #[test]
        fn all_are_there_once(codes in proptest::collection::vec(code(), 0..400)) {
            let key = |code: &Code| format!("{code:?}");
            let mut before: Vec<String> = codes.iter().map(key).collect();
            let mut after: Vec<String> = order(&codes).iter().map(key).collect();
            before.sort();
            after.sort();
            prop_assert_eq!(before, after);
        }
    }

    #[test]
    fn chains_are_handed_on() {
        let of = |op, to, a, b, c| Code { op, to, a, b, c, d: 0 };
        // Two chains that come by turns.
        let codes = [
            of(Op::Add, 4, 0, 1, 0),
            of(Op::Multiply, 5, 2, 3, 0),
            of(Op::Pair(Form::MultiplyAdd), 6, 4, 0, 1),
            of(Op::Multiply, 7, 5, 5, 0),
            of(Op::Subtract, 8, 0, 6, 0),
        ];
        assert_eq!(order(&codes).iter().map(|code| code.to).collect::<Vec<u16>>(), [4, 6, 8, 5, 7]);
        let Codes::Handed(flat) = flat(&codes, |place| [4, 6].contains(&place)) else { panic!("no lanes") };
        let said: Vec<String> = flat.iter().map(|flat| format!("{:?}", flat.op)).collect();
        assert_eq!(said, ["AddOn", "MultiplyAddXOn", "SubtractY", "Multiply", "MultiplyX"]);
    }
}
