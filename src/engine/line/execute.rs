//! Executes lines. Written once and compiled for each level, as `engine::run` is; checks of places cost nothing beside
//! the wait for the number before.

use std::ops::Range;

use crate::engine::block::{element_of, position};
use crate::engine::code::{Form, Instruction, Operand};
use crate::engine::line::code::{NUMBER, Run};
use crate::engine::line::flat::{Codes, Do, FORMS, Flat};
use crate::engine::line::lanes::{Eight, each, elements, in_lanes, operand, replace_elements, sixteen, summed};
use crate::engine::line::number::Number;
use crate::engine::line::one::{arithmetic, one, put, stored};
use crate::engine::line::{Body, Each, How, Line, Repeated, State};
use crate::engine::line::{handed, together};
use crate::engine::sum::of_few;
use crate::engine::tape::{self, Frame};
use crate::ir::Operator;
use crate::ir::op::ROWS;

/// What a line works on: numbers, or sixteen of them at a place; eights of lanes, which are directions.
pub struct Files<'a, T, const W: usize> {
    /// The uniform file of the kernel.
    pub numbers: &'a mut [T],
    pub lanes: &'a mut [[Eight; W]],
    pub tape: &'a mut Vec<f64>,
    pub frames: &'a mut [Frame],
}

impl<T: Number, const W: usize> Files<'_, T, W> {
    fn save(&mut self, state: &State) {
        for run in &state.numbers {
            T::save(&self.numbers[run.range()], self.tape);
        }
        for eight in state.lanes.iter().flat_map(|run| self.lanes[run.range()].as_flattened()) {
            self.tape.extend_from_slice(&eight.0);
        }
    }

    fn load(&mut self, state: &State, from: usize) {
        let mut saved = &self.tape[from..];
        for run in &state.numbers {
            let (numbers, rest) = saved.split_at(T::LANES * run.count as usize);
            T::load(&mut self.numbers[run.range()], numbers);
            saved = rest;
        }
        for run in &state.lanes {
            for eight in self.lanes[run.range()].as_flattened_mut() {
                let (numbers, rest) = saved.split_at(8);
                eight.0.copy_from_slice(numbers);
                saved = rest;
            }
        }
    }
}

impl Run {
    fn range(self) -> Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

impl State {
    /// What it takes on the tape.
    fn size<T: Number, const W: usize>(&self) -> usize {
        let count = |runs: &[Run]| runs.iter().map(|run| run.count as usize).sum::<usize>();
        T::LANES * count(&self.numbers) + 8 * W * count(&self.lanes)
    }
}

macro_rules! executor {
    ($name:ident $(, #[$features:meta])?) => {
        pub mod $name {
            use super::*;

            $(#[$features])?
            pub fn codes<T: Number, const W: usize>(line: &Line, codes: &Codes, files: &mut Files<T, W>) {
                match codes {
                    Codes::Handed(codes) => handed::$name::codes(line, codes, files),
                    Codes::Together(codes) => together::$name::codes(line, codes, files),
                    Codes::Placed(codes) => placed(line, codes, files),
                }
            }

            /// Each result goes to its place.
            $(#[$features])?
            pub fn placed<T: Number, const W: usize>(line: &Line, codes: &[Flat], files: &mut Files<T, W>) {
                // In locals, so that they stay in registers.
                let Files { numbers, lanes, tape, frames } = files;
                let (numbers, lanes) = (&mut **numbers, &mut **lanes);
                for code in codes {
                    macro_rules! at {
                        ($operand:ident) => {
                            numbers[code.$operand as usize]
                        };
                    }
                    let Flat { to, a, b, c, d, .. } = *code;
                    arithmetic! { stored, code, numbers, {
                        Do::Divide => at!(to) = at!(a) / at!(b),
                        Do::Negate => at!(to) = -at!(a),
                        Do::Select => at!(to) = T::select(at!(a), at!(b), at!(c)),
                        Do::Apply => at!(to) = apply(d, [at!(a), at!(b), at!(c)]),
                        Do::Copy => at!(to) = at!(a),
                        Do::CopyRun => {
                            let (to, from) = (to as usize, a as usize);
                            numbers.copy_within(from..from + d as usize, to);
                        }
                        Do::Fill => {
                            let number = at!(a);
                            numbers[to as usize..to as usize + d as usize].fill(number);
                        }
                        Do::Element => one!(Element, code, numbers, lanes),
                        Do::Replace => one!(Replace, code, numbers, lanes),
                        Do::Each => each_element(&line.each[d as usize], numbers),
                        Do::Loop => {
                            let files = &mut Files { numbers: &mut *numbers, lanes: &mut *lanes, tape: &mut **tape, frames: &mut **frames };
                            repeat(line, &line.loops[d as usize], files);
                        },
                        Do::AddLL => one!(AddLL, code, numbers, lanes),
                        Do::SubtractLL => one!(SubtractLL, code, numbers, lanes),
                        Do::MultiplyNL => one!(MultiplyNL, code, numbers, lanes),
                        Do::MultiplyLL => each!(numbers, lanes, to, [], [x = a, y = b], [], x * y),
                        Do::NegateL => each!(numbers, lanes, to, [], [x = a], [], -x),
                        Do::SelectLNN => {
                            each!(numbers, lanes, to, [n = b, m = c], [test = a], [], if test != 0.0 { n } else { m })
                        }
                        Do::SelectNLL => lanes[to as usize] = lanes[if at!(a).any() { b } else { c } as usize],
                        Do::MultiplyAddNLL => one!(MultiplyAddNLL, code, numbers, lanes),
                        Do::MultiplySubtractNLL => each!(numbers, lanes, to, [n = a], [x = b, y = c], [], (n * x) - y),
                        Do::MultiplyFromNLL => each!(numbers, lanes, to, [n = a], [x = b, y = c], [], y - (n * x)),
                        Do::AddMultiplyLLN => one!(AddMultiplyLLN, code, numbers, lanes),
                        Do::ProductsNLNL => one!(ProductsNLNL, code, numbers, lanes),
                        Do::ProductSpreadNLLN => one!(ProductSpreadNLLN, code, numbers, lanes),
                        Do::AddAddLLL => one!(AddAddLLL, code, numbers, lanes),
                        Do::AddLanes => each!(numbers, lanes, to, [], [], [x = a, y = b], x + y),
                        Do::SubtractLanes => each!(numbers, lanes, to, [], [], [x = a, y = b], x - y),
                        Do::MultiplyLanes => each!(numbers, lanes, to, [], [], [x = a, y = b], x * y),
                        Do::SelectLanes => {
                            each!(numbers, lanes, to, [], [], [test = a, x = b, y = c], if test != 0.0 { x } else { y })
                        }
                        Do::PairLanes => pair_lanes(code, numbers, lanes),
                        Do::ApplyLanes => apply_lanes(code, numbers, lanes),
                        Do::CopyLanes if a & NUMBER == 0 => {
                            lanes.copy_within(a as usize..a as usize + d as usize, to as usize);
                        }
                        Do::CopyLanes => {
                            for k in 0..d {
                                lanes[(to + k) as usize] = operand(numbers, lanes, a + k);
                            }
                        }
                        Do::FillLanes => {
                            let filler = operand(numbers, lanes, a);
                            lanes[to as usize..to as usize + d as usize].fill(filler);
                        }
                        Do::ElementLanes => one!(ElementLanes, code, numbers, lanes),
                        Do::ElementsLanes => elements!(numbers, lanes, code),
                        Do::ReplaceLanes => one!(ReplaceLanes, code, numbers, lanes),
                        Do::ReplaceElementsLanes => replace_elements!(numbers, lanes, code),
                        Do::SumL => at!(to) = T::of(sum(&lanes[a as usize], d)),
                        Do::SumProductLL => at!(to) = T::of(sum_product(&lanes[a as usize], &lanes[b as usize], d)),
                        Do::SumMaskedLL => at!(to) = T::of(sum_masked(&lanes[a as usize], &lanes[b as usize], d)),
                        // Of lists of values and tangents alone.
                        Do::AddThenAddLL
                        | Do::AddMultiplyThenAddMultiplyLLN
                        | Do::MultiplyAddThenMultiplyAddNLL
                        | Do::MultiplySubtractThenSubtractLL
                        | Do::MultiplyThenProductsNLNL
                        | Do::MultiplyThenProductSpreadNLLN
                        | Do::ReplaceThenReplaceLanes
                        | Do::ElementThenElementLanes
                        | Do::SubtractThenMultiplyNL
                        | Do::MultiplyNLThenAddLL
                        | Do::MultiplyAddThenAddAddLLL
                        | Do::SpreadProduct
                        | Do::SpreadProducts
                        | Do::SpreadProductFromStep
                        | Do::SpreadFromStep
                        | Do::SubtractStep
                        | Do::MultiplyAddTerm
                        | Do::AddMultiplyAdd => {}
                    }}
                }
            }

            // Functions of their own: beside one another the compiler makes one of what they have in common, of parts of
            // vectors.
            $(#[$features])?
            #[inline(never)]
            fn sum<const W: usize>(x: &[Eight; W], count: u16) -> f64 {
                summed!([x], count, x)
            }

            $(#[$features])?
            #[inline(never)]
            fn sum_product<const W: usize>(x: &[Eight; W], y: &[Eight; W], count: u16) -> f64 {
                summed!([x, y], count, x * y)
            }

            $(#[$features])?
            #[inline(never)]
            fn sum_masked<const W: usize>(x: &[Eight; W], y: &[Eight; W], count: u16) -> f64 {
                summed!([x, y], count, if x == 0.0 { 0.0 } else { x * y })
            }

            /// Sixteen lanes at a time, as `Sixteen` are.
            $(#[$features])?
            fn apply_lanes<T: Number, const W: usize>(code: &Flat, numbers: &[T], lanes: &mut [[Eight; W]]) {
                let x = operand(numbers, lanes, code.a);
                let y = operand(numbers, lanes, code.b);
                let z = operand(numbers, lanes, code.c);
                for w in (0..W).step_by(2) {
                    let both = apply(code.d, [sixteen(&x, w), sixteen(&y, w), sixteen(&z, w)]);
                    for (to, of) in lanes[code.to as usize][w..].iter_mut().zip(both.0.as_chunks().0) {
                        to.0 = *of;
                    }
                }
            }

            $(#[$features])?
            fn pair_lanes<T: Number, const W: usize>(code: &Flat, numbers: &[T], lanes: &mut [[Eight; W]]) {
                let Flat { to, a, b, c, d, .. } = *code;
                macro_rules! pair {
                    ($x:ident, $y:ident, $z:ident, $value:expr) => {
                        each!(numbers, lanes, to, [], [], [$x = a, $y = b, $z = c], $value)
                    };
                }
                match FORMS[d as usize] {
                    Form::AddAdd => pair!(x, y, z, (x + y) + z),
                    Form::AddSubtract => pair!(x, y, z, (x + y) - z),
                    Form::AddFrom => pair!(x, y, z, z - (x + y)),
                    Form::AddMultiply => pair!(x, y, z, (x + y) * z),
                    Form::SubtractAdd => pair!(x, y, z, (x - y) + z),
                    Form::SubtractSubtract => pair!(x, y, z, (x - y) - z),
                    Form::SubtractFrom => pair!(x, y, z, z - (x - y)),
                    Form::SubtractMultiply => pair!(x, y, z, (x - y) * z),
                    Form::MultiplyAdd => pair!(x, y, z, (x * y) + z),
                    Form::MultiplySubtract => pair!(x, y, z, (x * y) - z),
                    Form::MultiplyFrom => pair!(x, y, z, z - (x * y)),
                    Form::MultiplyMultiply => pair!(x, y, z, (x * y) * z),
                }
            }

            $(#[$features])?
            fn apply_operator<T: Number>(operator: Operator, operands: [T; 3]) -> T {
                T::apply(operator, operands)
            }

            $(#[$features])?
            fn apply<T: Number>(row: u16, operands: [T; 3]) -> T {
                apply_operator(ROWS[row as usize].operator, operands)
            }

            $(#[$features])?
            fn each_element<T: Number>(each: &Each, numbers: &mut [T]) {
                for k in 0..each.count {
                    let Instruction { operator, to, operands } = element_of(&each.instruction, &each.vector, k);
                    let (Operand::Uniform(to), [Operand::Uniform(a), Operand::Uniform(b), Operand::Uniform(c)]) =
                        (to, operands)
                    else {
                        return;
                    };
                    let x = [a, b, c].map(|place| numbers[place as usize]);
                    numbers[to as usize] = match operator {
                        Operator::Add => x[0] + x[1],
                        Operator::Multiply => x[0] * x[1],
                        other => apply_operator(other, x),
                    };
                }
            }

            $(#[$features])?
            fn repeat<T: Number, const W: usize>(line: &Line, of: &Repeated, files: &mut Files<T, W>) {
                let most = match &of.how {
                    How::Counted(count) => files.numbers[*count as usize].first().max(0.0) as u64,
                    How::Bounded(most) => *most,
                    How::Backward(forward, again_body) => {
                        let frame = files.frames[*forward];
                        match frame.base {
                            // They stay: another backward loop may retrace the same steps.
                            Some(base) => back(line, of, again_body, files, (0, frame.steps), base),
                            None => {
                                let first = files.tape.len();
                                files.save(&again_body.carried);
                                let snapshots = tape::snapshots(again_body.carried.size::<T, W>());
                                again(line, of, again_body, files, (0, frame.steps), first, snapshots);
                                files.tape.truncate(first);
                            }
                        }
                        return;
                    }
                };
                let base = files.tape.len();
                let mut kept = of.keeps;
                let mut made = 0;
                while made < most {
                    if kept {
                        files.save(&of.body.read);
                        if files.tape.len() - base > tape::LIMIT {
                            files.tape.truncate(base);
                            kept = false;
                        }
                    }
                    if !pass(line, &of.body, made, files) {
                        break;
                    }
                    made += 1;
                }
                files.frames[of.frame] = Frame { steps: made, base: kept.then_some(base) };
            }

            /// One step of a body; false if it was not wanted. States of loops inside are retraced inside, if at all.
            $(#[$features])?
            fn pass<T: Number, const W: usize>(line: &Line, body: &Body, index: u64, files: &mut Files<T, W>) -> bool {
                files.numbers[body.index as usize] = T::of(index as f64);
                let top = files.tape.len();
                codes(line, &body.codes, files);
                files.tape.truncate(top);
                let wanted = body.wanted.is_none_or(|place| files.numbers[place as usize].any());
                // A call that does nothing is a tenth of a short step.
                if wanted && !body.moves.is_empty() {
                    placed(line, &body.moves, files);
                }
                wanted
            }

            /// Retraces the steps of a range, whose states stand on the tape from `base` on.
            $(#[$features])?
            fn back<T: Number, const W: usize>(
                line: &Line,
                of: &Repeated,
                again_body: &Body,
                files: &mut Files<T, W>,
                (first, end): (u64, u64),
                base: usize,
            ) {
                let size = again_body.read.size::<T, W>();
                for step in (first..end).rev() {
                    files.load(&again_body.read, base + (step - first) as usize * size);
                    pass(line, &of.body, step, files);
                }
            }

            /// Retraces the steps of a range from the state before its first one, which stands on the tape at `from`.
            $(#[$features])?
            fn again<T: Number, const W: usize>(
                line: &Line,
                of: &Repeated,
                body: &Body,
                files: &mut Files<T, W>,
                (first, end): (u64, u64),
                from: usize,
                snapshots: u64,
            ) {
                let piece = (tape::LIMIT / body.read.size::<T, W>().max(1)).max(1) as u64;
                let mut end = end;
                while end > first {
                    files.load(&body.carried, from);
                    let pieces = (end - first).div_ceil(piece);
                    let top = files.tape.len();
                    if pieces == 1 {
                        for step in first..end {
                            files.save(&body.read);
                            pass(line, body, step, files);
                        }
                        back(line, of, body, files, (first, end), top);
                        files.tape.truncate(top);
                        return;
                    }
                    // Without a snapshot left the last piece is reached from the first state again.
                    let skipped = if snapshots == 0 { pieces - 1 } else { tape::split(pieces, snapshots) };
                    let middle = first + skipped * piece;
                    for step in first..middle {
                        pass(line, body, step, files);
                    }
                    files.save(&body.carried);
                    again(line, of, body, files, (middle, end), top, snapshots.saturating_sub(1));
                    files.tape.truncate(top);
                    end = middle;
                }
            }
        }
    };
}

executor!(portable);
#[cfg(target_arch = "x86_64")]
executor!(avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
executor!(avx512, #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]);
