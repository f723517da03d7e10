//! Executes a kernel: the one place where steps meet the loops of the operators.
//!
//! The interpreter is written once and compiled for each `Level`; LLVM vectorises its loops with the features of the
//! level.

use std::ops::Range;

use crate::engine::aligned::Aligned;
use crate::engine::block;
use crate::engine::code::{Body, Carry, Dot, Instruction, LoopCode, Operand, Pair, Pass, Repeat, Step, Sums};
use crate::engine::dot;
use crate::engine::line::execute::Files;
use crate::engine::line::rows::OverRows;
use crate::engine::line::{self, Line, Number, few};
use crate::engine::reduce;
use crate::engine::share;
use crate::engine::sum::{LEAF, Trees};
use crate::engine::tape::{self, Frame};
use crate::engine::{Kernel, Level, Rows, STRIDE, Workspace};

/// Evaluates over `rows`; afterwards the uniform file of the workspace holds every uniform value, and `stores` the row
/// outputs.
pub fn run(kernel: &Kernel, rows: &Rows, inputs: &[f64], workspace: &mut Workspace, stores: Stores) {
    assert_eq!(inputs.len(), kernel.inputs, "inputs of a kernel");
    prepare(kernel, rows, inputs, workspace);
    if let Some(whole) = &kernel.whole {
        let Workspace { places, tape, frames, .. } = workspace;
        let (numbers, lanes) = places.files();
        let lanes = lanes.as_chunks_mut::<{ few::WIDTH }>().0;
        return line(whole, kernel.level, &mut Files { numbers, lanes, tape, frames });
    }
    match kernel.level {
        Level::Portable => portable::kernel(kernel, rows, workspace, stores),
        // SAFETY: a level is chosen, or tested for, only where `Level::available` has detected its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::kernel(kernel, rows, workspace, stores) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::kernel(kernel, rows, workspace, stores) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => portable::kernel(kernel, rows, workspace, stores),
    }
}

/// Adds up a pass over a range of the rows that begins with a leaf; `uniforms` is the file before the pass. The sums of
/// the workspace hold what was added.
pub fn part(
    kernel: &Kernel,
    pass: &Pass,
    rows: &Rows,
    uniforms: &[f64],
    workspace: &mut Workspace,
    range: Range<usize>,
) {
    prepare(kernel, rows, &uniforms[..kernel.inputs], workspace);
    let count = kernel.fixed.numbers;
    workspace.places.files().0[..count].copy_from_slice(&uniforms[..count]);
    match kernel.level {
        Level::Portable => portable::part(kernel, pass, rows, workspace, range),
        // SAFETY: as in `run`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::part(kernel, pass, rows, workspace, range) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::part(kernel, pass, rows, workspace, range) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => portable::part(kernel, pass, rows, workspace, range),
    }
}

/// Runs a line.
pub fn line<T: Number, const W: usize>(of: &Line, level: Level, files: &mut Files<T, W>) {
    match level {
        Level::Portable => line::execute::portable::codes(of, &of.codes, files),
        // SAFETY: a level is chosen, or tested for, only where `Level::available` has detected its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { line::execute::avx2::codes(of, &of.codes, files) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { line::execute::avx512::codes(of, &of.codes, files) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => line::execute::portable::codes(of, &of.codes, files),
    }
}

/// Runs work on each of a range of rows, at most a leaf of them.
pub fn line_over_rows<const W: usize>(
    of: &OverRows,
    level: Level,
    range: Range<usize>,
    columns: &[&[f64]],
    files: &mut Files<f64, W>,
) {
    match level {
        Level::Portable => line::rows::portable::over_rows(of, range, columns, files),
        // SAFETY: as in `run`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { line::rows::avx2::over_rows(of, range, columns, files) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { line::rows::avx512::over_rows(of, range, columns, files) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => line::rows::portable::over_rows(of, range, columns, files),
    }
}

fn prepare(kernel: &Kernel, rows: &Rows, inputs: &[f64], workspace: &mut Workspace) {
    let is_other = workspace.places.begin(&kernel.fixed, inputs);
    let lanes = kernel.block.min(rows.count.next_multiple_of(STRIDE));
    if is_other || workspace.room < lanes {
        make_room(kernel, lanes, workspace);
    }
    workspace.tape.clear();
}

#[cold]
fn make_room(kernel: &Kernel, lanes: usize, workspace: &mut Workspace) {
    let Workspace { slots, frames, room, .. } = workspace;
    slots.resize_with(slots.len().max(kernel.slots), Aligned::default);
    for slot in slots[..kernel.slots].iter_mut().filter(|slot| slot.len() < lanes) {
        *slot = Aligned::zeros(lanes);
    }
    frames.resize(frames.len().max(kernel.frames), Frame::default());
    *room = lanes;
}

/// Where the outputs by row go.
pub enum Stores<'a> {
    Nowhere,
    /// To a column each.
    Columns(&'a mut [Vec<f64>]),
    /// To places `width` apart, of which each output's first one is given.
    Apart {
        places: &'a mut [f64],
        width: usize,
        first: &'a [usize],
    },
}

impl Stores<'_> {
    /// Writes the outputs of the rows of a block.
    #[inline(never)]
    fn put(&mut self, pass: &Pass, state: &State, rows: Range<usize>) {
        for (operand, store) in &pass.stores {
            let numbers = block::rows_of(*operand, state, rows.len());
            match self {
                Stores::Nowhere => {}
                Stores::Columns(columns) => columns[*store as usize][rows.clone()].copy_from_slice(numbers),
                Stores::Apart { places, width, first } => {
                    let places = places.iter_mut().skip(rows.start * *width + first[*store as usize]).step_by(*width);
                    places.zip(numbers).for_each(|(place, number)| *place = *number);
                }
            }
        }
    }
}

/// What steps work on.
pub struct State<'a> {
    pub uniforms: &'a mut [f64],
    pub slots: &'a mut [Aligned],
    pub rows: &'a Rows,
    /// The block under way: its first row, its rows padded to whole strides.
    pub start: usize,
    pub lanes: usize,
    pub sums: &'a mut Trees,
    tape: &'a mut Vec<f64>,
    frames: &'a mut [Frame],
}

impl State<'_> {
    /// Moves next values to where the loop carries them.
    fn advance(&mut self, body: &Body) {
        for carry in body.carried.iter().filter(|carry| carry.at != carry.next) {
            match (carry.at, carry.next) {
                (Operand::Slot(at), Operand::Slot(next)) => {
                    (0..carry.size).for_each(|k| self.slots.swap((at + k) as usize, (next + k) as usize));
                }
                (Operand::Uniform(at), Operand::Uniform(next)) => {
                    let (at, next, size) = (at as usize, next as usize, carry.size as usize);
                    self.uniforms.copy_within(next..next + size, at);
                }
                _ => unreachable!("a carried value and its next value are alike"),
            }
        }
    }

    /// Whether any row of the block wanted the step.
    fn wanted(&self, body: &Body, count: usize) -> bool {
        match body.wanted {
            None => true,
            Some(Operand::Uniform(place)) => self.uniforms[place as usize] != 0.0,
            Some(Operand::Slot(slot)) => self.slots[slot as usize][..count].iter().any(|wanted| *wanted != 0.0),
            Some(Operand::Column(column)) => {
                self.rows.columns[column as usize][self.start..self.start + count].iter().any(|wanted| *wanted != 0.0)
            }
        }
    }

    /// Numbers of one state: of all that is carried, or of what the backward body reads of it.
    fn state_size(&self, body: &Body, whole: bool) -> usize {
        let of = |place| if matches!(place, Operand::Slot(_)) { self.lanes } else { 1 };
        kept(body, whole).map(|carry| of(carry.at) * carry.size as usize).sum()
    }

    /// Writes a state to the end of the tape.
    fn save(&mut self, body: &Body, whole: bool) {
        for carry in kept(body, whole) {
            match carry.at {
                Operand::Slot(slot) => {
                    let lanes = self.lanes;
                    let slots = &self.slots[slot as usize..(slot + carry.size) as usize];
                    slots.iter().for_each(|slot| self.tape.extend_from_slice(&slot[..lanes]));
                }
                Operand::Uniform(place) => {
                    self.tape.extend_from_slice(&self.uniforms[place as usize..(place + carry.size) as usize]);
                }
                Operand::Column(_) => unreachable!("columns are not carried"),
            }
        }
    }

    /// Reads a state back from a place of the tape.
    fn load(&mut self, body: &Body, whole: bool, mut from: usize) {
        for carry in kept(body, whole) {
            match carry.at {
                Operand::Slot(slot) => {
                    for k in slot..slot + carry.size {
                        self.slots[k as usize][..self.lanes].copy_from_slice(&self.tape[from..from + self.lanes]);
                        from += self.lanes;
                    }
                }
                Operand::Uniform(place) => {
                    let (place, size) = (place as usize, carry.size as usize);
                    self.uniforms[place..place + size].copy_from_slice(&self.tape[from..from + size]);
                    from += size;
                }
                Operand::Column(_) => unreachable!("columns are not carried"),
            }
        }
    }
}

/// What is kept of a state: all that is carried, or what the backward body reads of it.
fn kept(body: &Body, whole: bool) -> impl Iterator<Item = &Carry> {
    body.carried.iter().filter(move |carry| whole || carry.read)
}

/// The interpreter for one set of processor features, with so many rows of a sum of products at a time.
macro_rules! interpreter {
    ($name:ident, $tile:expr $(, #[$features:meta])?) => {
        mod $name {
            use super::*;

            $(#[$features])?
            pub fn kernel(kernel: &Kernel, rows: &Rows, workspace: &mut Workspace, mut stores: Stores) {
                let Workspace { places, slots, sums, tape, frames, crew, spare, .. } = workspace;
                let uniforms = places.files().0;
                let mut state =
                    State { uniforms, slots, rows, start: 0, lanes: 0, sums, tape, frames };
                for pass in &kernel.passes {
                    uniform(pass.line.as_ref(), &pass.uniform, &mut state);
                    state.sums.begin(pass.sums.len(), kernel.block / LEAF);
                    match crew {
                        Some(crew) if matches!(stores, Stores::Nowhere) && share::is_worth_it(pass, rows.count) => {
                            share::rows(*crew, spare, (kernel, pass, rows), state.uniforms, state.sums);
                        }
                        _ => over_rows(pass, kernel, &mut state, &mut stores, 0..rows.count),
                    }
                    for (at, place) in pass.sums.iter().enumerate() {
                        state.uniforms[*place as usize] = state.sums.total(at);
                    }
                }
                uniform(kernel.epilogue_line.as_ref(), &kernel.epilogue, &mut state);
            }

            $(#[$features])?
            fn uniform(line: Option<&Line>, otherwise: &[Step], state: &mut State) {
                match line {
                    Some(line) => {
                        let State { uniforms, tape, frames, .. } = state;
                        let files = &mut Files::<f64, 1> { numbers: uniforms, lanes: &mut [], tape, frames };
                        line::execute::$name::codes(line, &line.codes, files);
                    }
                    None => steps(otherwise, state, 1),
                }
            }

            $(#[$features])?
            pub fn part(kernel: &Kernel, pass: &Pass, rows: &Rows, workspace: &mut Workspace, range: Range<usize>) {
                let Workspace { places, slots, sums, tape, frames, .. } = workspace;
                let uniforms = places.files().0;
                let mut state =
                    State { uniforms, slots, rows, start: 0, lanes: 0, sums, tape, frames };
                state.sums.begin(pass.sums.len(), kernel.block / LEAF);
                over_rows(pass, kernel, &mut state, &mut Stores::Nowhere, range);
            }

            $(#[$features])?
            fn over_rows(
                pass: &Pass,
                kernel: &Kernel,
                state: &mut State,
                stores: &mut Stores,
                range: Range<usize>,
            ) {
                for scatter in &pass.scatters {
                    state.uniforms[scatter.to as usize..(scatter.to + scatter.size) as usize].fill(0.0);
                }
                // Uniform loops may have left states for the backward loops of the epilogue.
                let kept = state.tape.len();
                let Range { mut start, end: count } = range;
                while start < count {
                    let end = (start + kernel.block).min(count);
                    state.start = start;
                    state.lanes = (end - start).next_multiple_of(STRIDE);
                    steps(&pass.rows, state, end - start);
                    state.sums.push((end - start).div_ceil(LEAF), end == count);
                    state.tape.truncate(kept);
                    pass.scatters.iter().for_each(|scatter| block::scatter(scatter, state, end - start));
                    if !pass.stores.is_empty() {
                        stores.put(pass, state, start..end);
                    }
                    start = end;
                }
            }

            // Functions of their own: what one of them holds in registers is not spilled and fetched again around the others.
            $(#[$features])?
            #[inline(never)]
            fn apply(instruction: &Instruction, state: &mut State) {
                block::apply(instruction, state);
            }

            $(#[$features])?
            #[inline(never)]
            fn pair(pair: &Pair, state: &mut State) {
                block::pair(pair, state);
            }

            $(#[$features])?
            #[inline(never)]
            fn dot(of: &Dot, state: &mut State) {
                dot::dot::<{ $tile }>(of, state);
            }

            $(#[$features])?
            #[inline(never)]
            fn sums(of: &Sums, state: &mut State, count: usize) {
                reduce::sums(of, state, count);
            }

            $(#[$features])?
            fn steps(steps: &[Step], state: &mut State, count: usize) {
                for step in steps {
                    match step {
                        Step::Apply(instruction) => match instruction.to {
                            Operand::Uniform(_) => block::uniform(instruction, state.uniforms),
                            _ => apply(instruction, state),
                        },
                        Step::Pair(of) => pair(of, state),
                        Step::Dot(of) => dot(of, state),
                        Step::Elementwise { instruction, count, vector } => {
                            for k in 0..*count {
                                let of = block::element_of(instruction, vector, k);
                                match of.to {
                                    Operand::Uniform(_) => block::uniform(&of, state.uniforms),
                                    _ => apply(&of, state),
                                }
                            }
                        }
                        Step::Copy { to, from, count, vector } => block::copy(*to, *from, *count, *vector, state),
                        Step::Element { to, vector, size, index } => block::element(*to, *vector, *size, *index, state),
                        Step::Replace { vector, size, index, element } => {
                            block::replace(*vector, *size, *index, *element, state);
                        }
                        Step::Sums(of) => sums(of, state, count),
                        Step::Loop(code) => repeat(code, state, count),
                    }
                }
            }

            $(#[$features])?
            fn repeat(code: &LoopCode, state: &mut State, count: usize) {
                let most = match &code.repeat {
                    Repeat::Counted { count } => state.uniforms[*count as usize].max(0.0) as u64,
                    Repeat::Bounded { most } => *most,
                    Repeat::Backward(backward) => {
                        let frame = state.frames[backward.forward as usize];
                        match frame.base {
                            // They stay: another backward loop may retrace the same steps.
                            Some(base) => back(code, state, count, 0, frame.steps, base),
                            None => {
                                let first = state.tape.len();
                                state.save(&backward.again, true);
                                let size = state.state_size(&backward.again, true);
                                again(code, state, count, (0, frame.steps), first, tape::snapshots(size));
                                state.tape.truncate(first);
                            }
                        }
                        return;
                    }
                };
                let base = state.tape.len();
                let mut kept = code.keeps;
                let mut made = 0;
                while made < most {
                    if kept {
                        state.save(&code.body, false);
                        if state.tape.len() - base > tape::LIMIT {
                            state.tape.truncate(base);
                            kept = false;
                        }
                    }
                    if !pass(&code.body, made, state, count) {
                        break;
                    }
                    made += 1;
                }
                state.frames[code.frame as usize] = Frame { steps: made, base: kept.then_some(base) };
            }

            /// One step of a body; false if nobody wanted it. States of loops inside are retraced inside, if at all.
            $(#[$features])?
            fn pass(body: &Body, index: u64, state: &mut State, count: usize) -> bool {
                state.uniforms[body.index as usize] = index as f64;
                let top = state.tape.len();
                steps(&body.steps, state, count);
                state.tape.truncate(top);
                let wanted = state.wanted(body, count);
                if wanted {
                    state.advance(body);
                }
                wanted
            }

            /// Retraces the steps first..end, whose states stand on the tape from `base` on.
            $(#[$features])?
            fn back(code: &LoopCode, state: &mut State, count: usize, first: u64, end: u64, base: usize) {
                let Repeat::Backward(backward) = &code.repeat else { return };
                let size = state.state_size(&backward.again, false);
                for step in (first..end).rev() {
                    state.load(&backward.again, false, base + (step - first) as usize * size);
                    pass(&code.body, step, state, count);
                }
            }

            /// Retraces the steps of a range from the state before its first one, which stands on the tape at `from`.
            $(#[$features])?
            fn again(
                code: &LoopCode,
                state: &mut State,
                count: usize,
                (first, end): (u64, u64),
                from: usize,
                snapshots: u64,
            ) {
                let Repeat::Backward(backward) = &code.repeat else { return };
                let body = &backward.again;
                let size = state.state_size(body, false).max(1);
                let piece = (tape::LIMIT / size).max(1) as u64;
                let mut end = end;
                loop {
                    if end <= first {
                        return;
                    }
                    state.load(body, true, from);
                    let pieces = (end - first).div_ceil(piece);
                    let top = state.tape.len();
                    if pieces == 1 {
                        for step in first..end {
                            state.save(body, false);
                            pass(body, step, state, count);
                        }
                        back(code, state, count, first, end, top);
                        state.tape.truncate(top);
                        return;
                    }
                    // Without a snapshot left the last piece is reached from the first state again.
                    let skipped = if snapshots == 0 { pieces - 1 } else { tape::split(pieces, snapshots) };
                    let middle = first + skipped * piece;
                    for step in first..middle {
                        pass(body, step, state, count);
                    }
                    state.save(body, true);
                    again(code, state, count, (middle, end), top, snapshots.saturating_sub(1));
                    state.tape.truncate(top);
                    end = middle;
                }
            }
        }
    };
}

interpreter!(portable, dot::TILE);
#[cfg(target_arch = "x86_64")]
interpreter!(avx2, dot::TILE, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
interpreter!(avx512, dot::WIDE_TILE, #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]);
