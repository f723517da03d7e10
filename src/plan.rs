//! The plan: every run of an experiment, laid out before the first one starts.

use std::sync::Arc;

use crate::experiment::Experiment;
use crate::kind::Kind;

/// One optimizer from one start, with one differentiation method, at one combination of the axes.
#[derive(Clone, Debug)]
pub struct Run {
    /// Position in the plan; the `run` column.
    pub index: usize,
    /// Which of `Plan::variants` it belongs to.
    pub variant: usize,
    /// Position in the experiment's list of optimizers.
    pub optimizer: usize,
    /// None for optimizers that use no gradient.
    pub method: Option<&'static Kind>,
    /// From 0; repeat 0 begins at `start`.
    pub repeat: usize,
    /// SHA-256 of what determines the run's numbers, in hexadecimal: the key of the journal.
    pub identity: String,
}

/// One combination of the axes: the values written as in TOML, and the experiment that they give.
#[derive(Clone, Debug)]
pub struct Variant {
    pub values: Vec<String>,
    pub experiment: Arc<Experiment>,
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// Dotted paths of the axes, in the order of the file.
    pub axes: Vec<String>,
    pub variants: Vec<Variant>,
    pub runs: Vec<Run>,
}

impl Plan {
    pub fn experiment(&self, run: &Run) -> &Experiment {
        &self.variants[run.variant].experiment
    }

    /// The word of a run's optimizer in the reports.
    pub fn optimizer(&self, run: &Run) -> &str {
        &self.experiment(run).optimizers[run.optimizer].label
    }
}
