//! The gradient by forward mode: programs of up to 16 tangents over rows, or every direction at once in lanes.

use std::sync::OnceLock;

use crate::diff::{forward, strands};
use crate::engine::directions::{self, Directions};
use crate::engine::{Choice, Kernel, Lanes, Level, Rows, Why};
use crate::ir::{Program, factor};

/// Tangents that one forward program carries.
pub const TANGENTS: usize = 16;

/// The value and the gradient of a program, bound to data. Only what is used is compiled.
#[derive(Clone, Debug)]
pub struct Tangents {
    program: Program,
    rows: Rows,
    /// Whether the derivative is rewritten.
    is_factored: bool,
    /// Outputs: the value, then the components in the next 16 inputs.
    programs: OnceLock<Vec<Program>>,
    kernels: OnceLock<Vec<Kernel>>,
    operations: OnceLock<usize>,
    /// The same numbers with directions in lanes, where `choice` says so.
    lanes: Option<Box<Directions>>,
    choice: Choice,
}

impl Tangents {
    /// Of a program as `factor` leaves it.
    pub fn new(program: &Program, rows: &Rows, wanted: Option<Lanes>) -> Tangents {
        let best = directions::suits(program, rows).and_then(|why| Ok((in_lanes(program, rows)?, why)));
        // Lanes have the derivative as it is. Whether it is rewritten follows from the program alone: no wish changes the
        // bits, and where it is rewritten no wish brings lanes.
        let is_factored = best.is_err();
        let (choice, lanes) = match (wanted, best) {
            (Some(Lanes::Rows), _) => (Choice::rows(Why::Asked), None),
            (_, Err(why)) => (Choice::rows(why), None),
            (_, Ok((lanes, why))) => {
                let why = if wanted == Some(Lanes::Tangents) { Why::Asked } else { why };
                (Choice { lanes: Lanes::Tangents, why }, Some(lanes))
            }
        };
        let tangents = Tangents {
            program: program.clone(),
            rows: rows.clone(),
            is_factored,
            programs: OnceLock::new(),
            kernels: OnceLock::new(),
            operations: OnceLock::new(),
            lanes,
            choice,
        };
        if tangents.lanes.is_none() {
            tangents.kernels();
        }
        tangents
    }

    /// What stands in lanes at one point, and why.
    pub fn choice(&self) -> Choice {
        self.choice
    }

    /// Value and gradient of one point in one go, where directions are lanes.
    pub fn lanes(&self) -> Option<&Directions> {
        self.lanes.as_deref()
    }

    /// The programs over rows, compiled when they are first asked for.
    pub fn kernels(&self) -> &[Kernel] {
        self.kernels.get_or_init(|| self.programs().iter().map(|program| Kernel::new(program, &self.rows)).collect())
    }

    fn programs(&self) -> &[Program] {
        let inputs = self.program.inputs;
        let of = |first: usize| {
            let gradient = forward::gradient(&self.program, first..(first + TANGENTS).min(inputs));
            if self.is_factored { factor(&gradient) } else { gradient }
        };
        self.programs.get_or_init(|| (0..inputs.max(1)).step_by(TANGENTS).map(of).collect())
    }

    pub fn operations(&self) -> usize {
        *self.operations.get_or_init(|| self.programs().iter().map(Program::operations).sum())
    }
}

/// Value and gradient with directions in lanes, or why that cannot be.
fn in_lanes(program: &Program, rows: &Rows) -> Result<Box<Directions>, Why> {
    let (program, rows) = directions::prepare(program, rows, Level::best());
    let strands = strands::gradient(&program).ok_or(Why::LoopByRow)?;
    Directions::new(&strands.program, &strands.sets, program.inputs, &rows, Level::best()).map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::loops::lowered;

    #[test]
    fn only_what_is_used_is_compiled() {
        let program = lowered("x = a\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c + i)\ny = x*t");
        let rows = Rows::new(&[vec![0.1, 0.2, 0.3]], 3);
        for wanted in [None, Some(Lanes::Points), Some(Lanes::Tangents)] {
            let tangents = Tangents::new(&factor(&program), &rows, wanted);
            assert_eq!(tangents.choice().lanes, Lanes::Tangents);
            let is_unasked = tangents.kernels.get().is_none() && tangents.programs.get().is_none();
            assert!(tangents.lanes().is_some() && is_unasked, "{wanted:?}");
        }
        let tangents = Tangents::new(&factor(&program), &rows, Some(Lanes::Rows));
        assert_eq!(tangents.choice(), Choice::rows(Why::Asked));
        assert!(tangents.lanes().is_none());
        // A loop by row is no place for tangents in lanes, whatever is asked.
        let by_row = lowered("x = a*t\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c*t + i)\ny = x");
        let tangents = Tangents::new(&factor(&by_row), &rows, Some(Lanes::Tangents));
        assert_eq!(tangents.choice().lanes, Lanes::Rows);
        assert!(tangents.lanes().is_none());
    }
}
