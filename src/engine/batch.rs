//! Batches: sixteen points at a time through a line, for programs whose loops every row shares.
//!
//! Such a program does most of its work on one number at a time, and so do its derivatives. Turned by `points` it does
//! nothing for each row any more: every number of its line is then sixteen, one for each point. Each lane has the bits
//! of its point alone.

use std::sync::Arc;

use crate::engine::compile::{Output, compile_points};
use crate::engine::line::execute::Files;
use crate::engine::line::{Line, Number, Sixteen};
use crate::engine::places::Fixed;
use crate::engine::tape::Frame;
use crate::engine::{Level, Workspace, run};
use crate::ir::{Builder, Program, Value};

/// Points beyond which blocks of them are better: measured on a trajectory, whose value takes 25 µs for sixteen points,
/// and in blocks 33 µs and 1 µs more for each.
pub const MOST: usize = 48;

/// A turned program as a line.
#[derive(Clone, Debug)]
pub struct Batch {
    line: Line,
    fixed: Arc<Fixed>,
    /// Coordinates of a point, which stand first among the numbers.
    inputs: usize,
    outputs: Vec<u32>,
    frames: usize,
    level: Level,
}

impl Batch {
    /// Of a program turned by `points`, whose columns are the coordinates of points. None where there is no line.
    pub fn new(turned: &Program, level: Level) -> Option<Batch> {
        let mut b = Builder::new();
        let inputs: Vec<Value> = (0..turned.columns).map(|k| b.input(k)).collect();
        let outputs = b.inline(turned, &[], &inputs);
        let kernel = compile_points(&b.finish(&outputs, inputs.len(), 0), level);
        let place = |output: &Output| if let Output::Uniform(place) = output { Some(*place) } else { None };
        Some(Batch {
            outputs: kernel.outputs.iter().map(place).collect::<Option<Vec<u32>>>()?,
            line: kernel.epilogue_line.filter(|_| kernel.passes.is_empty())?,
            fixed: kernel.fixed,
            inputs: kernel.inputs,
            frames: kernel.frames,
            level,
        })
    }

    /// The outputs at every point, one after the other in `results`.
    pub fn evaluate(&self, points: &[Vec<f64>], workspace: &mut Workspace, results: &mut [f64]) {
        let Workspace { batch: numbers, tape, frames, .. } = workspace;
        numbers.resize(numbers.len().max(self.fixed.numbers), Sixteen::of(0.0));
        frames.resize(frames.len().max(self.frames), Frame::default());
        for (place, number) in &self.fixed.constants {
            numbers[*place as usize] = Sixteen::of(*number);
        }
        let outputs = self.outputs.len().max(1);
        for (points, results) in points.chunks(16).zip(results.chunks_mut(16 * outputs)) {
            // Lanes without a point have the last one.
            for (k, number) in numbers[..self.inputs].iter_mut().enumerate() {
                for (lane, number) in number.0.iter_mut().enumerate() {
                    *number = points[lane.min(points.len() - 1)][k];
                }
            }
            tape.clear();
            run::line(
                &self.line,
                self.level,
                &mut Files::<_, 0> { numbers: &mut numbers[..], lanes: &mut [], tape, frames },
            );
            for (lane, results) in results.chunks_mut(outputs).enumerate() {
                for (result, place) in results.iter_mut().zip(&self.outputs) {
                    *result = numbers[*place as usize].0[lane];
                }
            }
        }
    }
}
