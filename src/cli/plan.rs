//! `sbi-run plan`: the runs of an experiment as CSV on standard output.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Overrides, load_all, output, print};
use crate::report;

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
            let mut table = Vec::new();
            // Memory takes every byte, and names are UTF-8.
            let _ = report::write_plan(&loaded[0].plan, &mut table);
            output(&String::from_utf8_lossy(&table))
        }
        Err(exit) => exit,
    }
}
