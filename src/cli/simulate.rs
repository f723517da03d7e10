//! `sbi-run simulate`: the model's outputs at a point or at draws from the priors, as CSV on standard output.

use clap::Args;

use super::gradient::Point;
use super::{Exit, ExperimentFile, Loaded, output, print};
use crate::diagnostic::Diagnostic;
use crate::engine::{Kernel, Workspace};
use crate::experiment::Experiment;
use crate::math::random::Stream;
use crate::report::simulation::{self, Draw};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) file: ExperimentFile,
    #[command(flatten)]
    point: Point,
    /// So many draws from the priors, of the parameters that `--at` does not name
    #[arg(long, value_name = "N")]
    draws: Option<u64>,
}

pub(super) fn main(arguments: &Arguments, loaded: &Loaded) -> Exit {
    let (experiment, model) = (&*loaded.plan.experiment(0), &*loaded.model(0));
    let mut faults = arguments.point.place(model, &mut model.start(experiment)).err().unwrap_or_default();
    if arguments.draws.is_some() {
        faults.extend(undrawable(experiment));
    }
    if !faults.is_empty() {
        print(&faults);
        return Exit::Invalid;
    }
    let kernel = Kernel::new(&model.simulation, &model.rows);
    let mut workspace = Workspace::default();
    let draws = (0..arguments.draws.unwrap_or(1)).map(|number| {
        let mut theta = match arguments.draws {
            None => model.start(experiment),
            Some(_) => model.draw(experiment, &mut Stream::at(experiment.seed, "simulate", "draw", number)),
        };
        // Its faults were found above.
        let _ = arguments.point.place(model, &mut theta);
        let outputs = kernel.rows(&theta, &mut workspace);
        Draw { theta, outputs }
    });
    let mut text = Vec::new();
    // Memory takes every byte, and names are UTF-8.
    let _ = simulation::write(model, draws, &mut text);
    output(&String::from_utf8_lossy(&text))
}

/// Priors without a density cannot be drawn from.
fn undrawable(experiment: &Experiment) -> Option<Diagnostic> {
    let improper =
        experiment.parameters.iter().filter(|parameter| !parameter.prior.row.proper && !parameter.is_fixed());
    let names: Vec<&str> = improper.map(|parameter| parameter.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let message = format!("`--draws`: there is nothing to draw {} from", names.join(", "));
        Diagnostic::error(message)
            .help("a prior without density, such as `flat()`, has no draws; give the values with `--at`")
    })
}
