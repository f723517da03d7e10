//! Kernels whose lanes are directions: a value with up to 24 derivatives, for programs that have one number at a time.
//!
//! What does not depend on the direction is a number, what does is lanes; rows of the data go one after the other. The
//! order of sums over rows is that of `sum`, so that the bits are those of a kernel for each direction.

use std::sync::Arc;

use std::borrow::Cow;

use crate::engine::axis::{Axis, lane_rates};
use crate::engine::code::{Operand, Step};
use crate::engine::compile::{hoist_data, multiply_uniform_sums, number_rows};
use crate::engine::emit::Emitter;
use crate::engine::facts::Facts;
use crate::engine::line::execute::Files;
use crate::engine::line::rows::OverRows;
use crate::engine::line::{Eight, Line, Uses, translate};
use crate::engine::places::Fixed;
use crate::engine::sum::{LEAF, Trees, halved};
use crate::engine::tape::Frame;
use crate::engine::{Level, Rows, STRIDE, Why, Workspace, points, run};
use crate::ir::{Node, Program, Rate, Value};

/// Directions that fit into lanes.
pub const MOST: usize = 24;

/// Slots that are left free, so that `line::chain` can change the order; they fit the first-level cache.
const SPARE: usize = 64;

/// A value and its derivatives in some directions, compiled and bound to data.
#[derive(Clone, Debug)]
pub struct Directions {
    passes: Vec<Pass>,
    epilogue: Line,
    fixed: Arc<Fixed>,
    frames: usize,
    /// How many directions there are, and eights of lanes for them.
    count: usize,
    width: usize,
    rows: Rows,
    value: usize,
    slope: Operand,
    level: Level,
}

/// Work before the rows, and on each row.
#[derive(Clone, Debug)]
struct Pass {
    before: Line,
    rows: OverRows,
}

/// Steps before the rows and on each row, and the sums.
type Part = (Vec<Step>, Vec<Step>, Vec<(Operand, Operand)>);

/// The program with what depends on the data alone as columns of its own, and the data with those: for programs that
/// are differentiated before they are compiled.
pub fn prepare(program: &Program, rows: &Rows, level: Level) -> (Program, Rows) {
    let (program, rows) = number_rows(Cow::Borrowed(program), rows.clone());
    let rates = program.rates();
    let (program, rows) = hoist_data(program, rows, &rates, level);
    (program.into_owned(), rows)
}

impl Directions {
    /// Compiles a program whose outputs are a number and lanes. Its last columns are lanes: 1 in the directions of
    /// `sets`, of `count`; the others are the data. The error says what has no place in it: loops that depend on the row,
    /// scattered sums, or too much.
    pub fn new(program: &Program, sets: &[u32], count: usize, rows: &Rows, level: Level) -> Result<Directions, Why> {
        let first = program.columns - sets.len();
        let program = multiply_uniform_sums(program, &by_row(program, first)?, rows.count);
        let by_row = by_row(&program, first)?;
        let by_row = |v: Value| by_row[v.index()].by_row();
        let facts = Facts::new(&program, lane_rates(&program, &|_| Rate::Uniform, first));
        let rates = &facts.rates;
        let (needed, depths) = (program.needed(), program.depths());
        let last = program.values().filter(|v| needed[v.index()]).map(|v| depths[v.index()]).max().unwrap_or(0);
        let mut emitter = Emitter::new(&program);
        emitter.axis = Axis::Lanes(first);
        emitter.spare = SPARE;
        let mut places = emitter.leaves(&program, &needed);
        let mut loads = Vec::new();
        for v in program.values().filter(|v| needed[v.index()]) {
            if let Node::Column(k) = program.node(v)
                && (*k as usize) < first
            {
                let place = emitter.uniform(1);
                places[v.index()] = Some(Operand::Uniform(place));
                loads.push((*k, place));
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut kept: Vec<Value> = program.outputs.clone();
        for depth in 0..=last {
            let before = |v: &Value| {
                let here = needed[v.index()] && depths[v.index()] == depth && !by_row(*v);
                here && !program.node(*v).reduces() && places[v.index()].is_none()
            };
            let selected: Vec<Value> = program.values().filter(before).collect();
            let steps = emitter.steps(&facts, &selected, &program.outputs, &[], &mut places);
            let reduces = |v: &Value| needed[v.index()] && depths[v.index()] == depth + 1 && program.node(*v).reduces();
            let reductions: Vec<Value> = program.values().filter(reduces).collect();
            let summands: Vec<Value> = reductions.iter().flat_map(|v| program.node(*v).operands()).collect();
            let mut wanted = vec![false; program.nodes.len()];
            summands.iter().for_each(|v| wanted[v.index()] = true);
            for v in program.values().rev().filter(|v| by_row(*v)) {
                if wanted[v.index()] {
                    program.node(v).operands().iter().for_each(|v| wanted[v.index()] = true);
                }
            }
            let is_row = |v: &Value| wanted[v.index()] && by_row(*v) && !matches!(program.node(*v), Node::Column(_));
            let selected: Vec<Value> = program.values().filter(is_row).collect();
            let row_steps = emitter.steps(&facts, &selected, &summands, &[], &mut places);
            let mut sums = Vec::new();
            for (v, of) in reductions.iter().zip(&summands) {
                let to = emitter.place(rates[v.index()].by_row(), 1);
                places[v.index()] = Some(to);
                sums.push((places[of.index()].ok_or(Why::NoPlace)?, to));
            }
            kept.extend(summands);
            parts.push((steps, row_steps, sums));
        }
        let output = |k: usize| places[program.outputs[k].index()].ok_or(Why::NoPlace);
        let (value, slope) = (output(0)?, output(1)?);
        let mut uses = Uses::new(emitter.uniforms, emitter.slots, first as u32);
        for (before, rows, sums) in &parts {
            uses.steps(before);
            uses.steps(rows);
            sums.iter().for_each(|(from, _)| uses.read(*from, 1));
        }
        let minus_zero = emitter.constants.iter().find(|(_, number)| number.to_bits() == (-0.0f64).to_bits());
        uses.minus_zero = minus_zero.and_then(|(place, _)| u16::try_from(*place).ok());
        uses.read(value, 1);
        uses.read(slope, 1);
        // What one list of steps makes and another one uses.
        let list = |v: Value| 2 * depths[v.index()] + usize::from(by_row(v));
        for v in program.values() {
            kept.extend(program.node(v).operands().into_iter().filter(|operand| list(*operand) != list(v)));
        }
        for v in kept {
            if let Some(Operand::Slot(slot)) = places[v.index()] {
                let size = facts.size(v);
                uses.kept.extend((slot..slot + size).filter_map(|slot| u16::try_from(slot).ok()));
            }
        }
        let last = parts.pop().ok_or(Why::NoPlace)?.0;
        let line = |steps: &[Step]| translate::line(steps, &uses).ok_or(Why::TooManyPlaces);
        let free = (emitter.uniforms as usize, emitter.slots as usize + sets.len());
        let mut passes = Vec::new();
        for (before, rows, sums) in &parts {
            let rows = translate::over_rows(rows, &uses, &loads, sums, free).ok_or(Why::TooManyPlaces)?;
            passes.push(Pass { before: line(before)?, rows });
        }
        let Operand::Uniform(value) = value else { return Err(Why::NoPlace) };
        let in_all = |places: fn(&OverRows) -> usize, least| {
            passes.iter().map(|pass| places(&pass.rows)).fold(least, usize::max)
        };
        let width = count.div_ceil(8).clamp(1, MOST / 8);
        let mut columns: Vec<Eight> = sets.iter().flat_map(|set| (0..width).map(|w| column(*set, w))).collect();
        // Behind them, what is each row's own.
        columns.resize(width * (in_all(|rows| rows.lanes_in_all, free.1) - emitter.slots as usize), Eight([0.0; 8]));
        let fixed = Fixed {
            numbers: in_all(|rows| rows.numbers_in_all, free.0),
            constants: emitter.constants.clone(),
            lanes: width * emitter.slots as usize,
            columns,
        };
        Ok(Directions {
            epilogue: line(&last)?,
            passes,
            fixed: Arc::new(fixed),
            frames: emitter.frames as usize,
            count,
            width,
            rows: rows.clone(),
            value: value as usize,
            slope,
            level,
        })
    }

    /// The value, then the derivatives.
    pub fn evaluate(&self, inputs: &[f64], workspace: &mut Workspace, results: &mut [f64]) {
        match self.width {
            1 => self.evaluate_in::<1>(inputs, workspace, results),
            2 => self.evaluate_in::<2>(inputs, workspace, results),
            _ => self.evaluate_in::<3>(inputs, workspace, results),
        }
    }

    fn evaluate_in<const W: usize>(&self, inputs: &[f64], workspace: &mut Workspace, results: &mut [f64]) {
        let Workspace { places, sums, tape, frames, .. } = workspace;
        frames.resize(frames.len().max(self.frames), Frame::default());
        places.begin(&self.fixed, inputs);
        tape.clear();
        let (numbers, lanes) = places.files();
        let mut files = Files { numbers, lanes: lanes.as_chunks_mut::<W>().0, tape, frames };
        let columns: Vec<&[f64]> = self.rows.columns.iter().map(|column| &***column).collect();
        for pass in &self.passes {
            run::line(&pass.before, self.level, &mut files);
            self.over_rows(&pass.rows, &columns, &mut files, sums);
        }
        run::line(&self.epilogue, self.level, &mut files);
        results[0] = files.numbers[self.value];
        for (k, result) in results[1..].iter_mut().enumerate() {
            *result = at(self.slope, k, &files);
        }
    }

    /// One pass over the rows, leaf by leaf.
    fn over_rows<const W: usize>(
        &self,
        of: &OverRows,
        columns: &[&[f64]],
        files: &mut Files<f64, W>,
        sums: &mut Trees,
    ) {
        let (numbers, lanes) = of.sums();
        sums.begin(numbers.len() + self.count * lanes.len(), 1);
        for start in (0..self.rows.count).step_by(LEAF) {
            for sum in numbers {
                files.numbers[sum.accumulators..][..STRIDE].fill(0.0);
            }
            for sum in lanes {
                files.lanes[sum.accumulators..][..STRIDE].fill([Eight([0.0; 8]); W]);
            }
            let end = (start + LEAF).min(self.rows.count);
            run::line_over_rows(of, self.level, start..end, columns, files);
            let mut at = 0..;
            for (of, at) in numbers.iter().zip(at.by_ref()) {
                sums.set(0, at, halved(&std::array::from_fn(|j| files.numbers[of.accumulators + j])));
            }
            for of in lanes {
                for (k, at) in (0..self.count).zip(at.by_ref()) {
                    let lane = |j: usize| files.lanes[of.accumulators + j][k / 8].0[k % 8];
                    sums.set(0, at, halved(&std::array::from_fn(lane)));
                }
            }
            sums.push(1, end == self.rows.count);
        }
        let mut at = 0..;
        for (of, at) in numbers.iter().zip(at.by_ref()) {
            files.numbers[of.to] = sums.total(at);
        }
        for of in lanes {
            for (k, at) in (0..self.count).zip(at.by_ref()) {
                files.lanes[of.to][k / 8].0[k % 8] = sums.total(at);
            }
        }
    }
}

/// An eight of the lanes of a set of directions: 1 in those that it has.
fn column(set: u32, eight: usize) -> Eight {
    Eight(std::array::from_fn(|lane| f64::from(set >> (8 * eight + lane) & 1)))
}

/// The number of direction k.
fn at<const W: usize>(place: Operand, k: usize, files: &Files<f64, W>) -> f64 {
    match place {
        Operand::Uniform(place) => files.numbers[place as usize],
        Operand::Slot(slot) => files.lanes[slot as usize][k / 8].0[k % 8],
        Operand::Column(_) => f64::NAN,
    }
}

/// Which nodes depend on the row, as rates; an error where a loop does, or something scatters. Columns from `first` on
/// are lanes.
fn by_row(program: &Program, first: usize) -> Result<Vec<Rate>, Why> {
    let mut rates: Vec<Rate> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let any = node.operands().iter().any(|v| rates[v.index()].by_row());
        let rate = match node {
            Node::Column(k) if (*k as usize) < first => Rate::Row,
            Node::Row | Node::Scatter { .. } => return Err(Why::NoPlace),
            Node::Loop(_) if any => return Err(Why::LoopByRow),
            Node::Sum(_) => Rate::Uniform,
            _ if any => Rate::Row,
            _ => Rate::Uniform,
        };
        rates.push(rate);
    }
    Ok(rates)
}

/// Whether a program does most of its work on one number at a time, so that directions are the better lanes: it has loops
/// that do not depend on the row, or there is one row. Why, or why not.
pub fn suits(program: &Program, rows: &Rows) -> Result<Why, Why> {
    match program.inputs {
        0 | 1 => return Err(Why::FewDirections),
        2..=MOST => {}
        _ => return Err(Why::ManyDirections),
    }
    match rows.count {
        0 | 1 => Ok(Why::OneRow),
        _ if !points::has_shared_loop(program) => Err(Why::NoSharedLoop),
        2..=points::ROWS_WITH_LOOP => Ok(Why::SharedLoop),
        _ => Err(Why::ManyRowsOfALoop),
    }
}
