//! The numbers and the lanes at the places of a kernel: what is the same in every evaluation is written once.

use std::sync::Arc;

use crate::engine::line::Eight;

/// What stands in the files whatever the inputs are.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// How many places there are; those of the inputs come first.
    pub numbers: usize,
    pub constants: Vec<(u32, f64)>,
    /// Lanes that are written to, in eights; behind them stand columns.
    pub lanes: usize,
    pub columns: Vec<Eight>,
}

/// The uniform file of a workspace, and the lanes of a line.
#[derive(Clone, Debug, Default)]
pub struct Places {
    numbers: Vec<f64>,
    lanes: Vec<Eight>,
    /// What stands in them. That it is held keeps it from being taken for another one made in the same memory.
    of: Option<Arc<Fixed>>,
}

impl Places {
    /// Every evaluation begins here. True where the one before was of another kernel.
    pub fn begin(&mut self, fixed: &Arc<Fixed>, inputs: &[f64]) -> bool {
        let is_other = self.of.as_ref().is_none_or(|of| !Arc::ptr_eq(of, fixed));
        if is_other {
            self.change(fixed);
        }
        let is_constant = |(place, number): &(u32, f64)| self.numbers[*place as usize].to_bits() == number.to_bits();
        debug_assert!(fixed.constants.iter().all(is_constant), "no step writes to the place of a constant");
        self.numbers[..inputs.len()].copy_from_slice(inputs);
        is_other
    }

    #[cold]
    fn change(&mut self, fixed: &Arc<Fixed>) {
        self.numbers.resize(self.numbers.len().max(fixed.numbers), 0.0);
        for (place, number) in &fixed.constants {
            self.numbers[*place as usize] = *number;
        }
        self.lanes.truncate(fixed.lanes);
        self.lanes.resize(fixed.lanes, Eight([0.0; 8]));
        self.lanes.extend_from_slice(&fixed.columns);
        self.of = Some(fixed.clone());
    }

    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Numbers and lanes, for the evaluation that has begun.
    pub fn files(&mut self) -> (&mut [f64], &mut [Eight]) {
        (&mut self.numbers, &mut self.lanes)
    }
}
