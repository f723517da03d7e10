//! Reports: tables, pictures, a page and a summary, all pure functions of the plan and the records.
//!
//! Nothing here reads a clock or a file. Only columns named `seconds…`, `*_ns` and `cost_ratio`, the picture of
//! accuracy against cost, and `timings.csv` depend on time; everything else is a function of the experiment.

mod combinations;
mod compared;
mod comparison;
mod derivatives;
mod fit;
pub mod graph;
mod html;
pub mod numbers;
pub mod plots;
mod provenance;
mod run_tables;
mod runtime;
mod runtime_tables;
pub mod simulation;
mod stream;
pub mod suite;
mod summary;
mod tables;
pub mod trace;
mod winner;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::Path;

use crate::data::Table;
use crate::execute;
use crate::experiment::Experiment;
use crate::journal::{Error, Folder};
use crate::plan::Plan;
use crate::record::{Derivatives, Records};

pub use comparison::{Comparison, compare};
pub use fit::fit;
pub use provenance::data_names;
pub use tables::plan as write_plan;

/// Records that a thread reads together.
const TOGETHER: usize = 32;

/// So many such portions are in hand for each thread at once, twice: enough to keep all busy, little of the memory.
const AT_ONCE: usize = 16;

/// The same of batches of combinations (`combinations`), which have more records.
const BATCHES: usize = 4;

/// Everything that reports are made from.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    pub plan: &'a Plan,
    /// The experiment before any axis is applied.
    pub experiment: &'a Experiment,
    /// The text of the experiment file: copied, and its checksum kept.
    pub text: &'a str,
    /// The folder of the experiment file, from which it names other files.
    pub home: &'a Path,
    /// By position in the plan.
    pub records: &'a dyn Records,
    pub derivatives: &'a Derivatives,
    /// The data and the model at the best run (`Comparison::best`), where there are data.
    pub fit: Option<&'a Fit>,
    pub machine: &'a Machine,
}

/// Data and model at one run's best point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// Position of the run in the plan.
    pub run: usize,
    /// The columns that the model reads, without those it is compared with. The pictures sort by the first one.
    pub inputs: Table,
    pub outputs: Vec<OutputFit>,
    /// The model on a dense grid of the first input, where there is a single input.
    pub curve: Option<Curve>,
    pub goodness: Option<Goodness>,
}

/// How well the model describes the data: squared residuals over sigma, or the deviance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodness {
    /// `chi-square` or `deviance`.
    pub statistic: &'static str,
    pub value: f64,
    /// Observations less free parameters.
    pub degrees: usize,
    /// That of a larger value where the model is right, by the χ² distribution.
    pub probability: f64,
}

/// One output beside its data: one number per data row in each vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputFit {
    pub name: String,
    pub observed: Vec<f64>,
    /// Standard deviation of each observation, where the loss has one.
    pub sigma: Option<Vec<f64>>,
    pub predicted: Vec<f64>,
    /// Observed minus predicted.
    pub residual: Vec<f64>,
}

/// The model between the data: `outputs[k][i]` is output k at `x[i]`, in the order of `Fit::outputs`; x ascends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub x: Vec<f64>,
    pub outputs: Vec<Vec<f64>>,
}

/// Where the times were measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub host: String,
    pub cpu: String,
    pub threads: usize,
}

impl Machine {
    /// The machine that `timings.csv` names in its first row; the others are not read.
    pub fn of_timings(table: impl Read) -> Option<Machine> {
        let (header, first) = tables::head(table)?;
        let field = |name: &str| Some(first.get(header.iter().position(|other| other == name)?)?.clone());
        Some(Machine { host: field("host")?, cpu: field("cpu")?, threads: field("threads")?.parse().ok()? })
    }
}

impl<'a> Results<'a> {
    /// Positions of the finished runs, in order.
    fn finished(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.records.finished(0..self.plan.len())
    }
}

/// Writes every report into the folder, each file whole or not at all, and returns their names.
///
/// `comparison` is that of the results. A table or picture without anything to show is not written; one from an earlier
/// time is removed.
pub fn render(results: &Results, comparison: &Comparison, folder: &Folder) -> Result<Vec<String>, Error> {
    let (few, many) =
        execute::join(|| render_few(results, comparison, folder), || render_many(results, comparison, folder));
    Ok([few?, many?].concat())
}

/// The reports that have rows for every combination or run.
fn render_many(results: &Results, comparison: &Comparison, folder: &Folder) -> Result<Vec<String>, Error> {
    folder.write_together(stream::NAMES, |outs| stream::write(results, comparison, outs))?;
    Ok(stream::NAMES.map(String::from).to_vec())
}

/// The others, and the plan, which needs no records.
fn render_few(results: &Results, comparison: &Comparison, folder: &Folder) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut write = |name: &str, contents: &[u8]| {
        names.push(name.to_string());
        folder.write(name, |out| out.write_all(contents))
    };
    write("experiment.toml", results.text.as_bytes())?;
    write("resolved.toml", resolved(results, folder).as_bytes())?;
    write("provenance.json", provenance::render(results).as_bytes())?;
    type Table<'t> = (&'t str, Box<dyn Fn(&mut dyn Write) -> std::io::Result<()> + 't>);
    let tables: Vec<Table> = vec![
        ("plan.csv", Box::new(|out| tables::plan(results.plan, out))),
        ("derivatives.csv", Box::new(|out| derivatives::table(results, out))),
        ("predictions.csv", Box::new(|out| tables::predictions(results, out))),
    ];
    for (name, table) in &tables {
        names.push(name.to_string());
        folder.write(name, table)?;
    }
    if results.derivatives.rows.iter().any(|row| !row.components.is_empty()) {
        names.push("gradients.csv".to_string());
        folder.write("gradients.csv", |out| derivatives::gradients(results, out))?;
    } else {
        folder.remove("gradients.csv")?;
    }
    let fault = |source| Error::io("make the reports of", folder.path(), source);
    let pictures = plots::all(results, comparison).map_err(fault)?;
    for name in plots::NAMES {
        match pictures.iter().find(|picture| picture.file == name) {
            Some(picture) => {
                names.push(name.to_string());
                folder.write(name, |out| out.write_all(picture.svg.as_bytes()))?;
            }
            None => folder.remove(name)?,
        }
    }
    names.push("report.html".to_string());
    let page = html::render(results, comparison, &pictures).map_err(fault)?;
    folder.write("report.html", |out| out.write_all(page.as_bytes()))?;
    Ok(names)
}

/// The experiment with every default filled in. Files are named from the results folder, so that it runs where it lies.
fn resolved(results: &Results, folder: &Folder) -> String {
    let mut table = results.experiment.resolved.clone();
    let from_here = |file: &str| folder.way_to(&results.home.join(file)).to_string_lossy().replace('\\', "/");
    if let Some(file) = table.get_mut("data").and_then(|data| data.get_mut("file"))
        && let Some(name) = file.as_str()
    {
        *file = from_here(name).into();
    }
    let axes = table.get_mut("sweep").and_then(|sweep| sweep.get_mut("axes"));
    let listed = axes.and_then(|axes| axes.get_mut("data.file"));
    // A list, or the long form of an axis.
    let files = listed.and_then(|axis| if axis.is_table() { axis.get_mut("values") } else { Some(axis) });
    for file in files.and_then(|files| files.as_array_mut()).into_iter().flatten() {
        if let Some(name) = file.as_str() {
            *file = from_here(name).into();
        }
    }
    table.to_string()
}

/// What a person reads on the terminal after a run. `folder` is where the reports are, as the user would write it.
pub fn summary(results: &Results, comparison: &Comparison, folder: &Path) -> std::io::Result<String> {
    summary::render(results, comparison, folder)
}

/// The word of a status in tables and texts.
fn status(status: crate::record::Status) -> &'static str {
    match status {
        crate::record::Status::Converged => "converged",
        crate::record::Status::Stopped => "stopped",
        crate::record::Status::Failed => "failed",
    }
}
