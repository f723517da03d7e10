//! `sbi-run run`: experiments one after another, their reports, and the comparison over all of them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Args;

use super::batch::Signals;
use super::results::{self, Done};
use super::task::{Ended, Task};
use super::{Exit, Loaded, Overrides, faulty, load_all, logging, on_threads, print};
use crate::cluster;
use crate::diagnostic::Diagnostic;
use crate::execute;
use crate::journal::{Error, Folder};
use crate::report;
use crate::report::suite::Part;
use crate::terminal::{Screen, print_result};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Experiment files, or results folders to go on with
    #[arg(required = true, value_name = "EXPERIMENT.toml")]
    pub(super) experiments: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Where the results folders are; default: `results`, and for a results folder itself
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many threads to use; default: all processors, or what Slurm gives
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,
    /// Run failed runs again
    #[arg(long)]
    pub(super) retry: bool,
    /// Move old results aside and begin anew
    #[arg(long, conflicts_with = "shard")]
    pub(super) fresh: bool,
    /// Run one of N shares of the plan (I from 1 to N; 0 is N) into a journal of its own; `merge` makes the reports.
    /// `auto` and `auto/N` take I from the array task of Slurm, PBS, SGE, LSF or Kubernetes
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Run only if the plan has this checksum (`plan_sha256` of `inputs.json`)
    #[arg(long, value_name = "SHA256")]
    expect_plan: Option<String>,
    /// Seconds after which this process will be ended: begin no run that cannot end before
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) time_limit: Option<f64>,
    /// Under Slurm: on SIGUSR1 end the runs and put the task into the queue again, at most so often; on SIGTERM exit 75
    #[arg(long, value_name = "TIMES", requires = "shard")]
    pub(super) requeue: Option<u32>,
    /// Print nothing but faults
    #[arg(long)]
    pub(super) quiet: bool,
    /// Show log lines, e.g. `--log debug` or `--log sbi_run::optimize=trace`
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// Seconds that a clock can count.
fn seconds(text: &str) -> Result<f64, String> {
    let most = cluster::slurm::LONGEST as f64;
    let within = |seconds: &f64| (0.0..=most).contains(seconds);
    text.parse().ok().filter(within).ok_or_else(|| format!("a number of seconds from 0 to {most} is wanted"))
}

pub fn main(arguments: &Arguments) -> Exit {
    let screen = Screen::new(arguments.quiet);
    if let Err(text) = logging::start(arguments.log.as_deref(), &screen) {
        tell!("{text}");
        return Exit::Invalid;
    }
    let loaded = match load_all(&arguments.experiments, &arguments.overrides.set) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if let Some(fault) = same_folder(arguments, &loaded) {
        print(&[fault]);
        return Exit::Invalid;
    }
    let shard = match arguments.shard.as_deref().map(|text| cluster::shard(text, &|name| std::env::var(name).ok())) {
        None => None,
        Some(Ok(shard)) => Some(shard),
        Some(Err(fault)) => {
            tell!("{fault}");
            return Exit::Invalid;
        }
    };
    if let Some(expected) = &arguments.expect_plan
        && let Some(other) = loaded.iter().find(|one| one.inputs.plan_sha256 != *expected)
    {
        let found = &other.inputs.plan_sha256;
        tell!(
            "the plan of `{}` is {found}, not {expected}: the data, the experiment or this program changed since",
            other.experiment.name
        );
        return Exit::Invalid;
    }
    let signals = Signals::register(arguments.requeue.is_some());
    let threads = arguments.threads.map_or_else(default_threads, NonZeroUsize::get);
    on_threads(threads, || {
        let mut exit = Exit::Done;
        // Of several experiments, for the comparison over all of them.
        let mut parts = Vec::new();
        let fault = Mutex::new(None);
        let ended = execute::scope(|scope| {
            for (path, one) in arguments.experiments.iter().zip(&loaded) {
                if !arguments.quiet {
                    let rough = gradients_meet_kinks(path, one);
                    print(&one.warnings.iter().cloned().chain(rough).collect::<Vec<_>>());
                }
                let task = Task { arguments, shard, threads, screen: &screen, signals: &signals };
                let ended = match task.run(one) {
                    Ok(Ended { exit, done: None }) => exit,
                    Ok(Ended { exit, done: Some(done) }) => {
                        let done = Arc::new(done);
                        if loaded.len() > 1 {
                            parts.push(Arc::clone(&done));
                        }
                        // The next experiment runs while the reports of this one are written.
                        let fault = &fault;
                        scope.spawn(move |_| {
                            if let Err(error) = done.write() {
                                fault.lock().expect("no panic while a fault is kept").get_or_insert(error);
                            }
                        });
                        exit
                    }
                    Err(error) => return Some(faulty(&error)),
                };
                match ended {
                    Exit::Done => {}
                    Exit::RunsFailed => exit = Exit::RunsFailed,
                    other => return Some(other),
                }
            }
            None
        });
        if let Some(error) = fault.into_inner().expect("no panic while a fault is kept") {
            return Err(error);
        }
        match ended {
            Some(ended) => Ok(ended),
            None if shard.is_some() => Ok(exit),
            None => suite(arguments, &loaded, &parts, &screen).map(|()| exit),
        }
    })
}

/// The comparison over several experiments, beside their folders.
fn suite(arguments: &Arguments, loaded: &[Loaded], done: &[Arc<Done>], screen: &Screen) -> Result<(), Error> {
    let [first, _, ..] = loaded else { return Ok(()) };
    let parts: Vec<Part> = done.iter().map(|done| done.part()).collect();
    let first = arguments.results_folder(first);
    let beside = first.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Folder::create(beside)?.write("comparison.csv", |out| report::suite::table(&parts, out))?;
    if !arguments.quiet {
        let file = beside.join("comparison.csv").display().to_string();
        let summary = report::suite::summary(&parts, &file).map_err(|source| results::unread(beside, source))?;
        // Standard output may be closed; the table is on disk.
        let _ = print_result(screen, &summary);
    }
    Ok(())
}

impl Arguments {
    /// Where the results of an experiment go.
    pub(super) fn results_folder(&self, loaded: &Loaded) -> PathBuf {
        match (&self.out, &loaded.folder) {
            (None, Some(folder)) => folder.clone(),
            (out, _) => out.as_deref().unwrap_or(Path::new("results")).join(&loaded.experiment.name),
        }
    }
}

/// Two experiments whose results would be written over each other.
fn same_folder(arguments: &Arguments, loaded: &[Loaded]) -> Option<Diagnostic> {
    let folder = |place: usize| arguments.results_folder(&loaded[place]);
    let (first, second) = (0..loaded.len())
        .flat_map(|second| (0..second).map(move |first| (first, second)))
        .find(|(first, second)| folder(*first) == folder(*second))?;
    let paths = [first, second].map(|place| arguments.experiments[place].display().to_string());
    let message = format!("`{}` and `{}` would both write to `{}`", paths[0], paths[1], folder(first).display());
    Some(Diagnostic::error(message).help("run them one by one, each with its own `--out`"))
}

/// A word of warning where a gradient is taken of a model that has none everywhere.
fn gradients_meet_kinks(path: &Path, loaded: &Loaded) -> Option<Diagnostic> {
    let optimizers = || loaded.experiment.optimizers.iter();
    let gradient = optimizers().any(|one| one.row.gradient || one.polish.is_some_and(|polish| polish.gradient));
    let report = gradient.then(|| loaded.differentiability())?;
    let (_, rough) = report.parameters();
    let (shown, more) = (rough.iter().take(8).map(|name| format!("`{name}`")), rough.len().saturating_sub(8));
    let names = shown.chain((more > 0).then(|| format!("{more} more"))).collect::<Vec<_>>().join(", ");
    let message =
        format!("the model is not differentiable everywhere in {names}: `sbi-run check {}` tells", path.display());
    (!rough.is_empty()).then(|| Diagnostic::warning(message))
}

/// What Slurm gives to the task, or to the job where nothing was asked for each task; else every processor.
pub(super) fn default_threads() -> usize {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let given = number("SLURM_CPUS_PER_TASK").or_else(|| number("SLURM_CPUS_ON_NODE"));
    given.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}
