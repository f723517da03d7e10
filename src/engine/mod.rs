//! Runs programs over lanes: blocks of data rows, compiled for the processor at hand, the same bits on every one.
//!
//! `compile` turns a program and the data that it is bound to into a `Kernel`: passes over the rows, each a list of
//! steps (`code`, made by `emit` of what `facts` says, joined by `pair` and `group`, put in order by `schedule`) on blocks,
//! with the uniform work between them. `run` executes them with the loops of `block`, `dot`, `reduce` and `lanes` on
//! numbers that are `aligned`; `tape` keeps the states of loops for their derivatives; `sum` fixes the order of summation; `points` turns a
//! program of few rows so that lanes are points, and `batch` runs it sixteen points at a time where a loop does the work;
//! `choice` says which lanes are taken, and why; `share` lets threads that somebody lends take part of the rows; `level`
//! chooses among the copies compiled for AVX-512, AVX2 and everything else; `places` holds uniform values and lanes. Cost and
//! memory: time grows linearly in rows times instructions; beside the data a kernel needs one block per live value.
//! docs/engine.md has measurements.

mod aligned;
mod axis;
mod batch;
mod block;
mod choice;
mod code;
mod compile;
pub mod directions;
mod dot;
mod emit;
mod facts;
mod group;
mod lanes;
mod level;
mod line;
mod pair;
mod places;
mod points;
mod reduce;
mod run;
mod schedule;
mod share;
mod sum;
mod tape;
mod work;

use std::sync::{Arc, Mutex, OnceLock};

use crate::ir::Program;
use aligned::Aligned;
use batch::Batch;
pub use choice::{Choice, Lanes, Why};
pub use level::Level;
use places::{Fixed, Places};
use run::Stores;
pub use share::Crew;

/// The data that programs are bound to: columns of equal length, shared between kernels.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Padded to whole `STRIDE`s by repeating the last row.
    columns: Vec<Arc<Aligned>>,
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
    epilogue_line: Option<line::Line>,
    /// All of it as one line, where rows are few; it is then what runs.
    whole: Option<line::Line>,
    fixed: Arc<Fixed>,
    inputs: usize,
    outputs: Vec<compile::Output>,
    slots: usize,
    frames: usize,
    block: usize,
    rows: Rows,
    level: Level,
    /// What was compiled, for `points`.
    source: Option<Arc<Program>>,
    /// The same program with points for lanes, made when first wanted; or why that cannot be.
    points: OnceLock<Result<Box<Kernel>, Why>>,
    /// The same as a line, where that is better for few points.
    batch: OnceLock<Option<Box<Batch>>>,
    /// There is a loop that every row shares.
    shared_loop: bool,
}

/// The memory of one evaluation; one per thread, used again and again. A copy shares the spare memory of its threads.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    places: Places,
    slots: Vec<Aligned>,
    /// Rows for which the slots of the last kernel have room.
    room: usize,
    sums: sum::Trees,
    tape: Vec<f64>,
    frames: Vec<tape::Frame>,
    /// Who else works on large evaluations, and with what memory.
    crew: Option<&'static dyn Crew>,
    spare: Arc<Mutex<Vec<Workspace>>>,
    /// The numbers of a batch.
    batch: Vec<line::Sixteen>,
}

impl Workspace {
    /// Lends threads to large evaluations, or takes them back. The results do not change.
    pub fn lend(&mut self, crew: Option<&'static dyn Crew>) {
        self.crew = crew;
    }
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
        let padded = Aligned::new(column.iter().copied(), self.count.next_multiple_of(STRIDE));
        self.columns.push(Arc::new(padded));
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

impl Kernel {
    /// Compiles `program` for the best level of this machine and binds it to `rows`.
    pub fn new(program: &Program, rows: &Rows) -> Kernel {
        compile::compile(program, rows, Level::best())
    }

    /// The same for a given level, for tests and measurements.
    pub fn at_level(program: &Program, rows: &Rows, level: Level) -> Kernel {
        compile::compile(program, rows, level)
    }

    /// The outputs at `inputs`: one number for each output that is the same for every row, and for an output that
    /// varies by row its sum is not taken: ask `rows` for it; here it reads NaN.
    pub fn evaluate(&self, inputs: &[f64], workspace: &mut Workspace, results: &mut [f64]) {
        run::run(self, &self.rows, inputs, workspace, Stores::Nowhere);
        self.read(0, workspace.places.numbers(), results);
    }

    /// The first output at `inputs`; the others go to `rest`. As `evaluate`.
    pub fn first_and_rest(&self, inputs: &[f64], workspace: &mut Workspace, rest: &mut [f64]) -> f64 {
        run::run(self, &self.rows, inputs, workspace, Stores::Nowhere);
        let mut first = [f64::NAN];
        self.read(0, workspace.places.numbers(), &mut first);
        self.read(1, workspace.places.numbers(), rest);
        first[0]
    }

    /// The outputs from `first` on, once they are in the uniform file.
    fn read(&self, first: usize, numbers: &[f64], results: &mut [f64]) {
        for (result, output) in results.iter_mut().zip(self.outputs.iter().skip(first)) {
            *result = match output {
                compile::Output::Uniform(place) => numbers[*place as usize],
                compile::Output::Rows(_) => f64::NAN,
            };
        }
    }

    /// Every output at `inputs` as a column: `count` numbers each, the uniform ones repeated.
    pub fn rows(&self, inputs: &[f64], workspace: &mut Workspace) -> Vec<Vec<f64>> {
        let padded = self.rows.count.next_multiple_of(STRIDE);
        let mut stores = vec![vec![0.0; padded]; self.stores()];
        run::run(self, &self.rows, inputs, workspace, Stores::Columns(&mut stores));
        self.outputs
            .iter()
            .map(|output| match output {
                compile::Output::Uniform(place) => vec![workspace.places.numbers()[*place as usize]; self.rows.count],
                compile::Output::Rows(store) => stores[*store as usize][..self.rows.count].to_vec(),
            })
            .collect()
    }

    /// The outputs at every point, one after the other in `results`; each is as `evaluate` has it at that point. Lanes
    /// are what `lanes_of_points` says: populations and stencils over few rows then cost a fraction.
    pub fn evaluate_many(
        &self,
        wanted: Option<Lanes>,
        points: &[Vec<f64>],
        workspace: &mut Workspace,
        results: &mut [f64],
    ) {
        let outputs = self.outputs.len();
        let together = self.lanes_of_points(wanted, points.len()).lanes == Lanes::Points;
        let batch = if together && points.len() <= batch::MOST { self.batch() } else { None };
        if let Some(batch) = batch {
            return batch.evaluate(points, workspace, results);
        }
        let turned = if together { self.points().ok() } else { None };
        let Some(turned) = turned else {
            for (point, results) in points.iter().zip(results.chunks_mut(outputs.max(1))) {
                self.evaluate(point, workspace, results);
            }
            return;
        };
        let mut rows = Rows { columns: Vec::new(), count: points.len() };
        let padded = rows.count.next_multiple_of(STRIDE);
        for k in 0..self.inputs {
            let column = Aligned::new(points.iter().map(|point| point[k]), padded);
            rows.columns.push(Arc::new(column));
        }
        // Outputs by row have stores in their order.
        let is_by_row = |j: &usize| matches!(turned.outputs[*j], compile::Output::Rows(_));
        let first: Vec<usize> = (0..outputs).filter(is_by_row).collect();
        run::run(turned, &rows, &[], workspace, Stores::Apart { places: results, width: outputs, first: &first });
        for (j, output) in turned.outputs.iter().enumerate() {
            if let compile::Output::Uniform(place) = output {
                let number = workspace.places.numbers()[*place as usize];
                results.iter_mut().skip(j).step_by(outputs).for_each(|result| *result = number);
            }
        }
    }

    /// Whether points can be lanes, or why not.
    fn can_have_points(&self) -> Result<(), Why> {
        if self.batch().is_some() { Ok(()) } else { self.points().map(|_| ()) }
    }

    /// The kernel whose lanes are points, or why there is none.
    fn points(&self) -> Result<&Kernel, Why> {
        let turned = || {
            let program = self.source.as_deref().ok_or(Why::NoPlace)?;
            Ok(Box::new(compile::compile_points(&points::turn(program, &self.rows)?, self.level)))
        };
        self.points.get_or_init(turned).as_deref().map_err(|why| *why)
    }

    /// Its line for sixteen points at a time, where a loop that every row shares does most of the work.
    fn batch(&self) -> Option<&Batch> {
        let turned = || {
            let program = self.source.as_deref().filter(|_| self.shared_loop)?;
            Batch::new(&points::turn(program, &self.rows).ok()?, self.level).map(Box::new)
        };
        self.batch.get_or_init(turned).as_deref()
    }

    /// Outputs that vary by row.
    fn stores(&self) -> usize {
        self.outputs.iter().filter(|output| matches!(output, compile::Output::Rows(_))).count()
    }

    /// Operations of one evaluation, those on rows counted once; a pair is two.
    pub fn instructions(&self) -> usize {
        let of_steps = |steps: &[code::Step]| steps.iter().map(code::Step::operations).sum::<usize>();
        let of_pass = |pass: &code::Pass| of_steps(&pass.uniform) + of_steps(&pass.rows);
        self.passes.iter().map(of_pass).sum::<usize>() + of_steps(&self.epilogue)
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
            self.level,
        )
    }
}
