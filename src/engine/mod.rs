//! Runs programs over lanes: blocks of data rows, compiled for the processor at hand, the same bits on every one.
//!
//! `compile` turns a program and the data that it is bound to into a `Kernel`: passes over the rows, each a list of
//! steps (`code`, made by `emit`) on blocks, with the uniform work between them. `run` executes them with the loops of
//! `block`; `tape` keeps the states of loops for their derivatives; `sum` fixes the order of summation; `level` chooses among the copies compiled for AVX-512, AVX2 and everything else. Cost and memory: time
//! grows linearly in rows times instructions; beside the data a kernel needs one block per live value.

mod block;
mod code;
mod compile;
mod emit;
mod level;
mod run;
mod sum;
mod tape;
mod work;

use std::sync::Arc;

pub use level::Level;

/// The data that programs are bound to: columns of equal length, shared between kernels.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Padded to whole `STRIDE`s by repeating the last row.
    columns: Vec<Arc<[f64]>>,
    count: usize,
}

/// Rows are padded to a multiple of this, and summed in this many interleaved accumulators.
pub const STRIDE: usize = 16;

/// A program compiled for an engine level and bound to data.
#[derive(Clone, Debug)]
pub struct Kernel {
    passes: Vec<code::Pass>,
    /// The work after the last pass.
    epilogue: Vec<code::Step>,
    /// Numbers at fixed places of the uniform file.
    constants: Vec<(u32, f64)>,
    inputs: usize,
    outputs: Vec<compile::Output>,
    uniforms: usize,
    slots: usize,
    frames: usize,
    block: usize,
    rows: Rows,
    level: Level,
}

/// The memory of one evaluation; one per thread, used again and again.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    uniforms: Vec<f64>,
    slots: Vec<Vec<f64>>,
    sums: Vec<sum::Sum>,
    tape: Vec<f64>,
    frames: Vec<tape::Frame>,
}

impl Rows {
    /// Columns of `count` numbers each.
    pub fn new(columns: &[Vec<f64>], count: usize) -> Rows {
        let mut rows = Rows { columns: Vec::new(), count };
        columns.iter().for_each(|column| rows.push(column));
        rows
    }

    /// Adds a column of `count` numbers.
    fn push(&mut self, column: &[f64]) {
        let mut padded = column.to_vec();
        padded.resize(self.count.next_multiple_of(STRIDE), column.last().copied().unwrap_or(0.0));
        self.columns.push(padded.into());
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

impl Kernel {
    /// Compiles `program` for the best level of this machine and binds it to `rows`.
    pub fn new(program: &crate::ir::Program, rows: &Rows) -> Kernel {
        compile::compile(program, rows, Level::best())
    }

    /// The same for a given level, for tests and measurements.
    pub fn at_level(program: &crate::ir::Program, rows: &Rows, level: Level) -> Kernel {
        compile::compile(program, rows, level)
    }

    /// The outputs at `inputs`: one number for each output that is the same for every row, and for an output that
    /// varies by row its sum is not taken: ask `rows` for it; here it reads NaN.
    pub fn evaluate(&self, inputs: &[f64], workspace: &mut Workspace, results: &mut [f64]) {
        run::run(self, inputs, workspace, &mut []);
        for (result, output) in results.iter_mut().zip(&self.outputs) {
            *result = match output {
                compile::Output::Uniform(place) => workspace.uniforms[*place as usize],
                compile::Output::Rows(_) => f64::NAN,
            };
        }
    }

    /// Every output at `inputs` as a column: `count` numbers each, the uniform ones repeated.
    pub fn rows(&self, inputs: &[f64], workspace: &mut Workspace) -> Vec<Vec<f64>> {
        let padded = self.rows.count.next_multiple_of(STRIDE);
        let by_row = self.outputs.iter().filter(|output| matches!(output, compile::Output::Rows(_))).count();
        let mut stores = vec![vec![0.0; padded]; by_row];
        run::run(self, inputs, workspace, &mut stores);
        self.outputs
            .iter()
            .map(|output| match output {
                compile::Output::Uniform(place) => vec![workspace.uniforms[*place as usize]; self.rows.count],
                compile::Output::Rows(store) => stores[*store as usize][..self.rows.count].to_vec(),
            })
            .collect()
    }

    /// Instructions of one evaluation, those on rows counted once.
    pub fn instructions(&self) -> usize {
        let passes = self.passes.iter().map(|pass| pass.uniform.len() + pass.rows.len() + pass.sums.len());
        passes.sum::<usize>() + self.epilogue.len()
    }

    /// What a person may want to know of the compiled form, in one line.
    pub fn explain(&self) -> String {
        format!(
            "{} instructions in {} pass(es) over {} rows, blocks of {} rows, {} slots, {}",
            self.instructions(),
            self.passes.len(),
            self.rows.count,
            self.block,
            self.slots,
            self.level
        )
    }
}
