//! Synthetic data: the simulator at the truth, with noise drawn from a stream of its own.

use std::sync::Arc;

use crate::data::Table;
use crate::diagnostic::Diagnostic;
use crate::engine::{Kernel, Rows, Workspace};
use crate::experiment::{Experiment, Noise};
use crate::ir::{Builder, Value};
use crate::kind::{Accepts, Default, Kind, Setting, independent};
use crate::language::lower::{self, Meaning};
use crate::math::draw::DRAWS;
use crate::math::random::Stream;
use crate::model::{scope, simulator};

/// A distribution of noise, and the words for its arguments; `math::draw::DRAWS` has the draws themselves.
macro_rules! noises {
    ($($name:literal $summary:literal [$($argument:literal)*])*) => {
        /// Every distribution that synthetic observations may be drawn from.
        pub const NOISES: &[Kind] = &[$(Kind {
            name: $name,
            summary: $summary,
            reference: "",
            settings: &[$(Setting {
                name: $argument,
                summary: $argument,
                accepts: Accepts::Formula,
                default: Default::Required,
            }),*],
            check: independent,
        }),*];
    };
}

noises! {
    "normal" "mean and standard deviation" ["mean" "sd"]
    "uniform" "even between two ends" ["low" "high"]
    "poisson" "counts with a mean" ["mean"]
    "binomial" "successes of trials" ["trials" "probability"]
    "negative_binomial" "overdispersed counts: variance mean + mean²/dispersion" ["mean" "dispersion"]
    "exponential" "waiting times with a rate" ["rate"]
    "gamma" "shape and rate" ["shape" "rate"]
    "beta" "between 0 and 1" ["a" "b"]
    "log_normal" "mean and standard deviation of the logarithm" ["mu" "sigma"]
}

/// The inputs, and a column for each output: its noise's draw where there is noise, else the output itself.
pub fn draw(
    experiment: &Experiment,
    inputs: &Arc<Table>,
    truth: &[f64],
    noise: &[Noise],
) -> Result<Table, Vec<Diagnostic>> {
    let mut b = Builder::new();
    let all: Vec<Value> = truth.iter().map(|number| b.constant(*number)).collect();
    let mut scope = scope(experiment, &inputs.names, &all, &mut b);
    let outputs = simulator::lower(&experiment.simulator, inputs.rows(), &mut scope, &mut b)?;
    for ((name, _), value) in experiment.simulator.outputs.iter().zip(&outputs) {
        scope.insert(name, Meaning::Scalar(*value));
    }
    let mut faults = Vec::new();
    let mut table = (**inputs).clone();
    let rows = Rows::new(&inputs.columns, inputs.rows());
    for ((name, _), exact) in experiment.simulator.outputs.iter().zip(&outputs) {
        let noise = noise.iter().find(|noise| noise.output == *name);
        let wanted: Vec<Value> = match noise {
            None => vec![*exact],
            Some(noise) => {
                let arguments = noise.arguments.iter();
                arguments.filter_map(|formula| lower::expression(formula, &scope, &mut b, &mut faults)).collect()
            }
        };
        if !faults.is_empty() {
            continue;
        }
        let program = b.finish(&wanted, 0, inputs.columns.len());
        let columns = Kernel::new(&program, &rows).rows(&[], &mut Workspace::default());
        let column = match noise {
            None => columns[0].clone(),
            Some(noise) => {
                let draw = DRAWS.iter().find(|draw| draw.name == noise.distribution).expect("a checked distribution");
                let mut stream = Stream::new(experiment.seed, name, "synthetic data");
                let arguments = |row: usize| columns.iter().map(|column| column[row]).collect::<Vec<f64>>();
                (0..inputs.rows()).map(|row| (draw.draw)(&mut stream, &arguments(row))).collect()
            }
        };
        table.names.push(name.clone());
        table.columns.push(column);
    }
    if faults.is_empty() { Ok(table) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noise_has_a_draw_of_as_many_arguments() {
        for noise in NOISES {
            let draw = DRAWS.iter().find(|draw| draw.name == noise.name).expect(noise.name);
            assert_eq!(draw.arguments.len(), noise.settings.len(), "{}", noise.name);
        }
    }
}
