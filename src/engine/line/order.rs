//! The order of instructions on numbers: such that one that takes the result of another stands behind it.
//!
//! A list schedule: of the instructions whose operands are there, the next is one that takes the result of the last, or
//! else the one from which the longest chain of instructions leads to the end. What depends on what stays: the results,
//! down to the bit, too.

use crate::engine::line::code::{Code, Op, Run};

/// Instructions that are put in order at once: as many as a set has.
const WINDOW: usize = 128;

/// Some of the instructions of a window, bit by bit.
type Set = u128;

/// What it takes until a result can be used, in cycles, about: to find out what to do, and each operation.
const JUMP: u32 = 10;
const OPERATION: u32 = 3;

pub fn order(codes: &[Code]) -> Vec<Code> {
    let mut ordered = Vec::with_capacity(codes.len());
    let mut touched = Touched::default();
    // Loops, and operations on each element, stay where they are.
    let stays = |code: &Code| matches!(code.op, Op::Each | Op::Loop);
    for codes in codes.chunk_by(|a, b| !stays(a) && !stays(b)) {
        codes.chunks(WINDOW).for_each(|codes| window(codes, &mut touched, &mut ordered));
    }
    ordered
}

/// What an instruction waits for, and what waits for it.
#[derive(Clone, Default)]
struct Waiting {
    before: Set,
    after: Set,
    /// Those after it that take its result.
    takers: Set,
    /// Cycles to the end of the longest chain of results that begins with it.
    height: u32,
}

fn window(codes: &[Code], touched: &mut Touched, ordered: &mut Vec<Code>) {
    if codes.len() == 1 {
        return ordered.push(codes[0]);
    }
    let mut waiting = waiting(codes, touched);
    let mut arithmetic: Set = 0;
    for k in (0..codes.len()).rev() {
        let cycles = JUMP + operations(&codes[k]) * OPERATION;
        let Waiting { after, takers, .. } = waiting[k];
        let taken = members(takers).map(|other| waiting[other].height + cycles);
        let to_end = taken.chain(members(after & !takers).map(|other| waiting[other].height)).max();
        waiting[k].height = to_end.unwrap_or(cycles);
        arithmetic |= Set::from(operations(&codes[k]) > 0) << k;
    }
    // The longest chain first, and of equally long ones the first one.
    let key = |(k, of): (u64, &Waiting)| u64::from(u32::MAX - of.height) << 8 | k;
    let mut ranked: Vec<u64> = (0..).zip(&waiting).map(key).collect();
    ranked.sort_unstable();
    let at = |rank: usize| (ranked[rank] & 0xff) as usize;
    let mut ranks = [0; WINDOW];
    (0..codes.len()).for_each(|rank| ranks[at(rank)] = rank);
    // Those that wait for nothing, by rank.
    let ready_ones = (0..codes.len()).filter(|k| waiting[*k].before == 0);
    let mut ready: Set = ready_ones.fold(0, |ready, k| ready | 1 << ranks[k]);
    let (mut done, mut followers): (Set, Set) = (0, 0);
    while ready != 0 {
        let follower = members(followers).map(|k| ranks[k]).filter(|rank| holds(ready, *rank)).min();
        let rank = follower.unwrap_or(ready.trailing_zeros() as usize);
        let next = at(rank);
        ordered.push(codes[next]);
        ready &= !(1 << rank);
        done |= 1 << next;
        followers = waiting[next].takers & arithmetic;
        for other in members(waiting[next].after) {
            if waiting[other].before & !done == 0 {
                ready |= 1 << ranks[other];
            }
        }
    }
}

/// Who waits for whom: who reads a number, for the one who wrote it last; who writes one, for that one, too, and for those
/// who have read it since.
fn waiting(codes: &[Code], touched: &mut Touched) -> Vec<Waiting> {
    let mut waiting = vec![Waiting::default(); codes.len()];
    touched.begin(codes);
    for (k, code) in codes.iter().enumerate() {
        let this: Set = 1 << k;
        for run in code.numbers_read().into_iter().flatten() {
            for number in touched.of(run) {
                if let Some(writer) = number.writer {
                    waiting[writer as usize].takers |= this;
                    waiting[k].before |= 1 << writer;
                }
                number.readers |= this;
            }
        }
        for number in code.written().map(|run| touched.of(run)).into_iter().flatten() {
            number.writer.iter().for_each(|writer| waiting[k].before |= 1 << writer);
            waiting[k].before |= number.readers & !this;
            *number = Number { writer: Some(k as u8), readers: 0 };
        }
        for earlier in members(waiting[k].before) {
            waiting[earlier].after |= this;
        }
    }
    waiting
}

fn holds(set: Set, k: usize) -> bool {
    set >> k & 1 == 1
}

/// From the first to the last.
fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (first < Set::BITS).then_some(first as usize)
    })
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
#[derive(Default)]
struct Touched {
    /// Of each place, where it stands in `numbers`, counted from 1; 0 for those of which there is nothing to be known.
    at: Vec<u16>,
    /// In order, where there are runs of more than one.
    places: Vec<u16>,
    numbers: Vec<Number>,
}

/// Of those before: the last that wrote it, and those that have read it since.
#[derive(Clone, Default)]
struct Number {
    writer: Option<u8>,
    readers: Set,
}

impl Touched {
    /// The numbers of these instructions instead of those before.
    fn begin(&mut self, codes: &[Code]) {
        self.places.drain(..).for_each(|place| self.at[place as usize] = 0);
        let mut alone = true;
        for run in codes.iter().flat_map(|code| code.numbers_read().into_iter().flatten().chain(code.written())) {
            let place = run.first as usize;
            alone &= run.count == 1;
            if self.at.len() <= place {
                self.at.resize(place + 1, 0);
            }
            if self.at[place] == 0 {
                self.places.push(run.first);
                self.at[place] = self.places.len() as u16;
            }
        }
        if !alone {
            self.places.sort_unstable();
            (1..).zip(&self.places).for_each(|(at, place)| self.at[*place as usize] = at);
        }
        self.numbers.clear();
        self.numbers.resize(self.places.len(), Number::default());
    }

    fn of(&mut self, run: Run) -> &mut [Number] {
        let first = self.at[run.first as usize] as usize - 1;
        let count = match run.count {
            1 => 1,
            _ => self.places[first..].partition_point(|place| run.holds(*place)),
        };
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
