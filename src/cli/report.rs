//! `sbi-run report`: tables and pictures again, from the files of a results folder alone.
//!
//! Runs come from the journal, the plan from `resolved.toml`, the comparison of derivatives, which cannot be had again
//! without measuring, from a file of its own, the machine from `timings.csv`. Nothing is run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{Exit, Loaded, load_written, print, results};
use crate::cluster::slurm::quoted;
use crate::diagnostic::{Diagnostic, many};
use crate::experiment::{Data, Experiment, Written};
use crate::journal::{Folder, History, Inputs, measured};
use crate::report::{self, Machine};
use crate::terminal::Screen;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Results folders, such as `results/half_life`
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// Print nothing but faults
    #[arg(long)]
    quiet: bool,
}

/// Why a folder's reports cannot be written again.
enum Fault {
    /// What the folder's own experiment is not sound about: it was changed by hand, or its data are gone.
    Experiment(Vec<Diagnostic>),
    Files(String),
}

pub fn main(arguments: &Arguments) -> Exit {
    let screen = Screen::new(arguments.quiet);
    for path in &arguments.results {
        match again(path, arguments.quiet, &screen) {
            Ok(()) => {}
            Err(Fault::Experiment(faults)) => {
                print(&faults);
                return Exit::Invalid;
            }
            Err(Fault::Files(text)) => {
                tell!("{text}");
                return Exit::Results;
            }
        }
    }
    Exit::Done
}

fn again(path: &Path, quiet: bool, screen: &Screen) -> Result<(), Fault> {
    let files = |error: crate::journal::Error| Fault::Files(error.to_string());
    let whole = path.join("resolved.toml");
    if !whole.is_file() {
        let shown = path.display();
        return Err(Fault::Files(match Inputs::are_in(path) {
            true => {
                format!("`{shown}` has no reports yet: sbi-run merge {} makes them", quoted(&shown.to_string()))
            }
            false => format!("`{shown}` is not a results folder: it has no `resolved.toml`"),
        }));
    }
    let loaded = load(path, &whole).map_err(Fault::Experiment)?;
    let history = History::read(path, &loaded.plan).map_err(files)?;
    if history.journals.is_empty() {
        return Err(Fault::Files(format!(
            "`{}` has no journal: neither `journal.jsonl` nor one of a shard",
            path.display()
        )));
    }
    if history.findings.damaged > 0 {
        tell!("left out of the journal: {}", many(history.findings.damaged, "damaged line"));
    }
    if history.unknown > 0 {
        tell!("of no run of `resolved.toml`: {} of the journal", many(history.unknown, "record"));
    }
    let derivatives = measured::read(path);
    if derivatives.is_none() {
        tell!("without `{}` the comparison of derivatives is left out", measured::FILE);
    }
    let timings = std::fs::File::open(path.join("timings.csv")).ok();
    let machine = timings.and_then(Machine::of_timings).unwrap_or_default();
    let folder = Folder::create(path).map_err(files)?;
    let derivatives = derivatives.unwrap_or_default();
    let done = results::gather(&loaded, folder, history.kept, derivatives, machine).map_err(files)?;
    if !quiet {
        done.show(screen).map_err(files)?;
    }
    done.write().map_err(files)
}

/// The experiment of a results folder, under the folder's name; the text is that of the user's own file.
fn load(path: &Path, whole: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let mut written = Written::open(whole, &[]).map_err(|fault| vec![fault])?;
    // `.` has no name of its own.
    let named = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    written.name = named.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut loaded = load_written(&written, Vec::new())?;
    let provenance = std::fs::read_to_string(path.join("provenance.json")).unwrap_or_default();
    let names = report::data_names(&provenance);
    call_data(&mut loaded.experiment, &names);
    for data in &mut loaded.plan.data {
        if let Some((_, name)) = names.iter().find(|(checksum, _)| *checksum == data.checksum) {
            data.file = name.clone();
        }
    }
    if let Ok(text) = std::fs::read_to_string(path.join("experiment.toml")) {
        loaded.inputs.text = text;
    }
    Ok(loaded)
}

/// Calls the data as the user's own file did: `resolved.toml` names them from the results folder.
fn call_data(experiment: &mut Experiment, names: &[(String, String)]) {
    if let Data::Measured(table) = &mut experiment.data
        && let Some((_, name)) = names.iter().find(|(checksum, _)| Some(checksum) == table.checksum.as_ref())
    {
        Arc::make_mut(table).file = Some(name.clone());
    }
}
