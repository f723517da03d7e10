//! The numbers at the places of a kernel: what is the same in every evaluation is written once.

use std::sync::Arc;

/// What stands in the uniform file whatever the inputs are.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// How many places there are; those of the inputs come first.
    pub numbers: usize,
    pub constants: Vec<(u32, f64)>,
}

/// The uniform file of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Places {
    numbers: Vec<f64>,
    /// What stands in it. That it is held keeps it from being taken for another one made in the same memory.
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
        self.of = Some(fixed.clone());
    }

    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// For the evaluation that has begun.
    pub fn numbers_mut(&mut self) -> &mut [f64] {
        &mut self.numbers
    }
}
