//! Work on single numbers as short instructions: what is the same for every row, loops over time steps above all.
//!
//! One instruction on blocks of rows does hundreds of operations, so that it does not matter what it costs to find out
//! what to do. A trajectory has one number at a time: there that is everything. `translate` makes twelve-byte
//! instructions of steps on uniform places, `fuse` joins them, `flat` makes lists of them that `execute` runs: of numbers
//! alone, in an `order` in which results are `handed` on; of values with their tangents, in a `chain` of pairs that run
//! `together`. `rows` writes the work on a row out for sixteen, `few` makes one line of a kernel of few rows. Where a place has a number beyond
//! what twelve bytes hold, there is no line, and the steps are interpreted. `number` is what stands at a place: one number,
//! or sixteen of them, one for each of sixteen points.

mod chain;
mod code;
pub mod execute;
pub mod few;
mod flat;
mod fuse;
mod handed;
mod lanes;
mod number;
mod one;
mod order;
pub mod rows;
mod together;
pub mod translate;

use crate::engine::Kernel;
use crate::engine::code::{Instruction, Step};
use code::Run;
use flat::{Codes, Flat};
pub use fuse::Uses;
pub use lanes::Eight;
pub use number::{Number, Sixteen};

/// A list of steps on uniform places, translated.
#[derive(Clone, Debug)]
pub struct Line {
    pub codes: Codes,
    /// The loops in it, and in them.
    loops: Vec<Repeated>,
    each: Vec<Each>,
}

/// An operation for each element of vectors; an operand that is no vector stands for every element.
#[derive(Clone, Copy, Debug)]
struct Each {
    instruction: Instruction,
    count: u32,
    vector: [bool; 3],
}

#[derive(Clone, Debug)]
struct Body {
    /// Where the step's index stands.
    index: u16,
    codes: Codes,
    /// What moves next values to where the loop carries them.
    moves: Vec<Flat>,
    wanted: Option<u16>,
    /// All that is carried, and what a backward loop reads of it.
    carried: State,
    read: State,
}

/// What a loop carries from step to step.
#[derive(Clone, Debug)]
struct State {
    numbers: Vec<Run>,
    lanes: Vec<Run>,
}

#[derive(Clone, Debug)]
struct Repeated {
    body: Body,
    how: How,
    frame: usize,
    /// A backward loop retraces this one: its states are kept.
    keeps: bool,
}

#[derive(Clone, Debug)]
enum How {
    /// As often as the number at this place says.
    Counted(u16),
    Bounded(u64),
    /// Retraces the loop of this frame, whose body passes through its states again where they were not kept.
    Backward(usize, Body),
}

/// Gives a kernel one line for all, where rows are few; else lines for its uniform work, where there is any.
pub fn add(kernel: &mut Kernel) {
    let uses = Uses::of(kernel);
    few::add(kernel, &uses);
    if kernel.whole.is_some() {
        return;
    }
    let line = |steps: &[Step]| if steps.is_empty() { None } else { translate::line(steps, &uses) };
    let lines: Vec<Option<Line>> = kernel.passes.iter().map(|pass| line(&pass.uniform)).collect();
    kernel.epilogue_line = line(&kernel.epilogue);
    kernel.passes.iter_mut().zip(lines).for_each(|(pass, line)| pass.line = line);
}
