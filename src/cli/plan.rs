//! `sbi-run plan`: the runs of an experiment as CSV on standard output, what they may cost on standard error.

use clap::Args;

use super::results::Preparations;
use super::{Exit, ExperimentFile, Loaded, output_by, standard_error};
use crate::execute::estimate::estimate;
use crate::report;
use crate::report::numbers::{count, duration};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) file: ExperimentFile,
}

pub(super) fn main(loaded: &Loaded) -> Exit {
    let exit = output_by(|out| report::write_plan(&loaded.plan, out));
    if let Some(line) = cost(loaded) {
        standard_error(&format!("{line}\n"));
    }
    exit
}

/// `480 runs; an evaluation takes about 1.2 µs: at most 10 s of one core, if every run uses its whole budget`
fn cost(loaded: &Loaded) -> Option<String> {
    let plan = &loaded.plan;
    let prepared = Preparations::of(loaded);
    let estimate = estimate(plan, &|variant| prepared.get(variant))?;
    let skipped = match plan.skipped() {
        0 => String::new(),
        n => format!(", {} combination{} skipped", count(n as u64), if n == 1 { "" } else { "s" }),
    };
    let (runs, s) = (plan.len(), if plan.len() == 1 { "" } else { "s" });
    Some(format!(
        "{} run{s}{skipped}; an evaluation takes about {}: at most {} of one core, if every run uses its whole budget",
        count(runs as u64),
        duration(estimate.evaluation),
        duration(estimate.most),
    ))
}
