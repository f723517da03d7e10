//! `sbi-run check`: every fault and warning, the differentiability report, and the size of the plan; runs nothing.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Loaded, Overrides, load_all, output, print};
use crate::diff::differentiability::Report;
use crate::diff::lanes;
use crate::engine::{Kernel, Lanes};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Experiment files
    #[arg(required = true, value_name = "EXPERIMENT.toml")]
    experiments: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Show what stands in the lanes of each task, and how the loss was compiled
    #[arg(long)]
    explain: bool,
}

pub fn main(arguments: &Arguments) -> Exit {
    let loaded = match load_all(&arguments.experiments, &arguments.overrides.set) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut text = String::new();
    for (path, one) in arguments.experiments.iter().zip(&loaded) {
        let report = one.differentiability();
        let mut found = one.warnings.clone();
        found.extend(report.diagnostics(&one.experiment.differentiation.methods));
        print(&found);
        describe(&mut text, &path.display().to_string(), one, &report, arguments.explain);
    }
    output(&text)
}

fn describe(text: &mut String, path: &str, loaded: &Loaded, report: &Report, explain: bool) {
    let model = &loaded.model(0);
    let free = model.dimension();
    let fixed = model.names.len() - free;
    // Writing to a string does not fail.
    let _ = writeln!(text, "{path}: ok");
    let _ = writeln!(
        text,
        "  {} row{}, {} output{}, {free} free parameter{}{}",
        model.rows.count(),
        plural(model.rows.count()),
        model.outputs.len(),
        plural(model.outputs.len()),
        plural(free),
        if fixed > 0 { format!(", {fixed} fixed") } else { String::new() },
    );
    let experiment = &loaded.experiment;
    let _ = writeln!(
        text,
        "  {} run{}: {} optimizer{}, {} differentiation method{}, {} repeat{}, {} combination{} of the axes{}",
        loaded.plan.len(),
        plural(loaded.plan.len()),
        experiment.optimizers.len(),
        plural(experiment.optimizers.len()),
        experiment.differentiation.methods.len(),
        plural(experiment.differentiation.methods.len()),
        experiment.sweep.repeats,
        plural(experiment.sweep.repeats),
        loaded.plan.variants(),
        plural(loaded.plan.variants()),
        match loaded.plan.skipped() {
            0 => String::new(),
            n => format!(" ({n} skipped)"),
        },
    );
    let (smooth, others) = report.parameters();
    if !smooth.is_empty() {
        let _ = writeln!(text, "  differentiable everywhere in: {}", smooth.join(", "));
    }
    if !others.is_empty() {
        let _ = writeln!(text, "  not differentiable everywhere in: {}", others.join(", "));
    }
    if explain {
        let first = if loaded.plan.variants() > 1 { ", at the first combination of the axes" } else { "" };
        let _ = writeln!(text, "  lanes (\"{}\"){first}:", Lanes::wish(experiment.lanes));
        for line in lanes::explain(&loaded.plan.experiment(0), model) {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "  loss: {}", Kernel::new(&model.loss, &model.rows).explain());
        for line in model.loss.to_string().lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
