//! What one evaluation of a kernel costs, in units of one addition: the same on every machine, unlike its time.

use super::Kernel;
use super::code::{Instruction, LoopCode, Operand, Repeat, Step};

impl Kernel {
    /// The costs of all operations: those on rows for each row, those of a loop for each step (of a bounded loop, the
    /// most steps that it may make). A backward loop that passes through states again is not charged for that.
    pub fn work(&self) -> f64 {
        let rows = self.rows.count as f64;
        let known = |place: u32| self.fixed.constants.iter().find(|(at, _)| *at == place).map(|(_, number)| *number);
        let mut steps = Vec::new();
        let mut count = Count { rows, known: &known, steps: &mut steps };
        let mut total = count.all(&self.epilogue);
        for pass in &self.passes {
            total += count.all(&pass.uniform) + count.all(&pass.rows);
            total += rows * pass.scatters.len() as f64;
        }
        total
    }
}

/// A count under way.
struct Count<'a> {
    rows: f64,
    /// The number at a place of the uniform file, where it is constant.
    known: &'a dyn Fn(u32) -> Option<f64>,
    /// The steps of each loop met so far, by its frame.
    steps: &'a mut Vec<(u32, f64)>,
}

impl Count<'_> {
    fn all(&mut self, steps: &[Step]) -> f64 {
        steps.iter().map(|step| self.one(step)).sum()
    }

    /// How many numbers a step on this place works on.
    fn width(&self, to: Operand) -> f64 {
        if matches!(to, Operand::Uniform(_)) { 1.0 } else { self.rows }
    }

    fn one(&mut self, step: &Step) -> f64 {
        let dear = |instruction: &Instruction| f64::from(instruction.operator.row().cost);
        match step {
            Step::Apply(instruction) => dear(instruction) * self.width(instruction.to),
            Step::Pair(pair) => 2.0 * self.width(pair.to),
            Step::Dot(dot) => dot.operations() as f64 * self.width(dot.to),
            Step::Sums(_) => self.rows * step.operations() as f64,
            Step::Elementwise { instruction, count, .. } => {
                dear(instruction) * f64::from(*count) * self.width(instruction.to)
            }
            Step::Copy { to, count, .. } => f64::from(*count) * self.width(*to),
            Step::Element { to, .. } => self.width(*to),
            Step::Replace { vector, .. } => self.width(*vector),
            Step::Loop(code) => self.repeated(code),
        }
    }

    fn repeated(&mut self, code: &LoopCode) -> f64 {
        let steps = match &code.repeat {
            Repeat::Counted { count } => (self.known)(*count).unwrap_or(1.0).max(0.0),
            Repeat::Bounded { most } => *most as f64,
            Repeat::Backward(backward) => {
                self.steps.iter().find(|(frame, _)| *frame == backward.forward).map_or(1.0, |(_, steps)| *steps)
            }
        };
        self.steps.push((code.frame, steps));
        steps * self.all(&code.body.steps)
    }
}
