//! `sbi-run merge`: one result from the journals of a results folder, however many processes wrote them; runs nothing.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::results::Preparations;
use super::{Exit, load_folder, on_threads, print, results};
use crate::cluster::slurm::quoted;
use crate::diagnostic::many;
use crate::journal::resume::remaining;
use crate::journal::{Error, Folder, History};
use crate::terminal::Screen;

/// Missing runs that are named one by one.
const NAMED: usize = 10;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Results folder, e.g. `results/half_life`
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// How many threads to use for the comparison of the differentiation methods
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Print nothing but faults
    #[arg(long)]
    quiet: bool,
}

pub fn main(arguments: &Arguments) -> Exit {
    let threads = arguments.threads.map_or_else(super::run::default_threads, NonZeroUsize::get);
    on_threads(threads, || merge(arguments, threads))
}

fn merge(arguments: &Arguments, threads: usize) -> Result<Exit, Error> {
    let path = &arguments.results;
    let loaded = match load_folder(path, &[])? {
        Ok(loaded) => loaded,
        Err(faults) => {
            print(&faults);
            return Ok(Exit::Invalid);
        }
    };
    let folder = Folder::create(path)?;
    let history = History::read(path, &loaded.plan)?;
    if loaded.changed && history.journals.iter().any(|journal| journal.records > 0) {
        tell!("the data, or this program, are not those of the plan that `{}` was made from", path.display());
    }
    if !arguments.quiet
        && let Some(line) = results::of_other_settings(history.unknown)
    {
        tell!("{line}");
    }
    let remaining = remaining(loaded.plan.len(), &history.kept, false);
    let prepared = Preparations::of(&loaded);
    let done = results::measure(&loaded, folder, history.kept, &prepared, threads, &AtomicBool::new(false))?;
    if !arguments.quiet {
        done.show(&Screen::new(false))?;
    }
    done.write()?;
    if remaining.is_empty() {
        return Ok(results::exit(&done.kept, 0..loaded.plan.len()));
    }
    tell!("{}", missing(&remaining, loaded.plan.len(), path));
    Ok(Exit::Interrupted)
}

/// Which runs are missing, and the command that runs them.
fn missing(runs: &[usize], all: usize, path: &Path) -> String {
    let named: Vec<String> = runs.iter().take(NAMED).map(|run| run.to_string()).collect();
    let more = if runs.len() > NAMED { ", …" } else { "" };
    let command = format!("sbi-run run {}", quoted(&path.display().to_string()));
    let (is, them) = if runs.len() == 1 { ("is", "it") } else { ("are", "them") };
    let (all, named) = (many(all, "run"), named.join(", "));
    format!("{} of {all} {is} missing ({named}{more}); this runs {them}: {command}", runs.len())
}
