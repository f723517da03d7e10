//! `sbi-run plan`: the runs of an experiment as CSV on standard output.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Overrides, load_all, output, print};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

pub fn main(arguments: &Arguments) -> Exit {
    match load_all(std::slice::from_ref(&arguments.experiment), &arguments.overrides.set) {
        Ok(loaded) => {
            print(&loaded[0].warnings);
            output(&loaded[0].plan.csv())
        }
        Err(exit) => exit,
    }
}
