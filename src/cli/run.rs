//! `sbi-run run`: carries out experiments, keeps what is done, and writes the reports.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clap::Args;
use tracing::{debug, info};

use super::{Exit, Loaded, Overrides, load_all, logging, print};
use crate::diagnostic::Diagnostic;
use crate::execute::{self, Event, Prepared};
use crate::experiment::Data;
use crate::journal::files::set_aside;
use crate::journal::resume::{Flags, decide};
use crate::journal::{Folder, Journal, measured};
use crate::record::{Derivatives, Record, Status};
use crate::report::suite::Part;
use crate::report::{self, Comparison, Fit, Machine, Results};
use crate::terminal::progress::{Screen, print_result};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Experiment files
    #[arg(required = true, value_name = "EXPERIMENT.toml")]
    experiments: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Where the results folders are
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// How many threads to use; default: all processors, or what Slurm gives
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Run failed runs again
    #[arg(long)]
    retry: bool,
    /// Move old results aside and begin anew
    #[arg(long)]
    fresh: bool,
    /// Print nothing but faults
    #[arg(long)]
    quiet: bool,
    /// Show log lines, e.g. `--log debug` or `--log sbi_run::optimize=trace`
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

pub fn main(arguments: &Arguments) -> Exit {
    let screen = Screen::new(arguments.quiet);
    if let Err(text) = logging::start(arguments.log.as_deref(), &screen) {
        eprintln!("sbi-run: {text}");
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
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second signal ends the process at once; the first asks it to stop. Without handlers it just ends.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&cancel));
        let _ = signal_hook::flag::register(signal, Arc::clone(&cancel));
    }
    let threads = arguments.threads.map_or_else(default_threads, NonZeroUsize::get);
    let all = execute::with_threads(threads, || {
        let mut exit = Exit::Done;
        let mut comparisons = Vec::new();
        let fault = Mutex::new(None);
        let ended = execute::scope(|scope| {
            for (path, one) in arguments.experiments.iter().zip(&loaded) {
                if !arguments.quiet {
                    let rough = gradients_meet_kinks(path, one);
                    print(&one.warnings.iter().cloned().chain(rough).collect::<Vec<_>>());
                }
                let done = match run(arguments, one, threads, &screen, &cancel) {
                    Ok(done) => done,
                    Err(error) => return Some(unwritten(&error)),
                };
                comparisons.push(Arc::clone(&done.comparison));
                let ended = done.exit;
                // The next experiment runs while the reports of this one are written.
                let fault = &fault;
                scope.spawn(move |_| {
                    if let Err(error) = done.write() {
                        fault.lock().expect("no panic while a fault is kept").get_or_insert(error);
                    }
                });
                match ended {
                    Exit::Done => {}
                    Exit::RunsFailed => exit = Exit::RunsFailed,
                    other => return Some(other),
                }
            }
            None
        });
        if let Some(error) = fault.into_inner().expect("no panic while a fault is kept") {
            return unwritten(&error);
        }
        match ended {
            Some(ended) => ended,
            None => suite(arguments, &loaded, &comparisons, &screen).map_or_else(|error| unwritten(&error), |()| exit),
        }
    });
    all.unwrap_or_else(|error| {
        eprintln!("sbi-run: cannot start {threads} threads: {error}");
        Exit::Invalid
    })
}

fn unwritten(error: &crate::journal::Error) -> Exit {
    eprintln!("sbi-run: {error}");
    Exit::Results
}

/// The comparison over several experiments, beside their folders.
fn suite(
    arguments: &Arguments,
    loaded: &[Loaded],
    comparisons: &[Arc<Comparison>],
    screen: &Screen,
) -> Result<(), crate::journal::Error> {
    if loaded.len() < 2 {
        return Ok(());
    }
    let parts: Vec<Part> = loaded
        .iter()
        .zip(comparisons)
        .map(|(one, comparison)| Part { name: &one.experiment.name, plan: &one.plan, comparison })
        .collect();
    Folder::create(&arguments.out)?.write("comparison.csv", |out| report::suite::table(&parts, out))?;
    if !arguments.quiet {
        let file = arguments.out.join("comparison.csv").display().to_string();
        // Standard output may be closed; the table is on disk.
        let _ = print_result(screen, &report::suite::summary(&parts, &file));
    }
    Ok(())
}

/// Two experiments whose results would be written over each other.
fn same_folder(arguments: &Arguments, loaded: &[Loaded]) -> Option<Diagnostic> {
    let name = |place: usize| &loaded[place].experiment.name;
    let (first, second) = (0..loaded.len())
        .flat_map(|second| (0..second).map(move |first| (first, second)))
        .find(|(first, second)| name(*first) == name(*second))?;
    let paths = [first, second].map(|place| arguments.experiments[place].display().to_string());
    let folder = arguments.out.join(name(first));
    let message = format!("`{}` and `{}` would both write to `{}`", paths[0], paths[1], folder.display());
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

/// What Slurm gives to the task, else every processor.
fn default_threads() -> usize {
    let given = std::env::var("SLURM_CPUS_PER_TASK").ok().and_then(|text| text.parse().ok());
    given.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// An experiment whose runs are done, or as far as they came.
pub(super) struct Done<'a> {
    exit: Exit,
    loaded: &'a Loaded,
    records: Vec<Option<Record>>,
    derivatives: Derivatives,
    fit: Option<Fit>,
    machine: Machine,
    comparison: Arc<Comparison>,
    folder: Folder,
}

impl Done<'_> {
    fn results(&self) -> Results<'_> {
        Results {
            plan: &self.loaded.plan,
            experiment: &self.loaded.experiment,
            text: &self.loaded.text,
            home: &self.loaded.home,
            records: &self.records,
            derivatives: &self.derivatives,
            fit: self.fit.as_ref(),
            machine: &self.machine,
        }
    }

    /// The summary; standard output may be closed, the reports are on disk.
    pub(super) fn show(&self, screen: &Screen) {
        let summary = report::summary(&self.results(), &self.comparison, self.folder.path());
        let _ = print_result(screen, &summary);
    }

    pub(super) fn write(&self) -> Result<(), crate::journal::Error> {
        report::render(&self.results(), &self.comparison, &self.folder).map(|_| ())
    }
}

fn run<'a>(
    arguments: &Arguments,
    loaded: &'a Loaded,
    threads: usize,
    screen: &Screen,
    cancel: &AtomicBool,
) -> Result<Done<'a>, crate::journal::Error> {
    let (experiment, plan) = (&loaded.experiment, &loaded.plan);
    let path = arguments.out.join(&experiment.name);
    if arguments.fresh
        && let Some(aside) = set_aside(&path)?
    {
        info!("old results moved to {}", aside.display());
    }
    let folder = Folder::create(&path)?;
    let (journal, records) = Journal::open(&folder)?;
    let flags = Flags { retry: arguments.retry, fresh: arguments.fresh };
    let resumption = decide(plan, records, flags);
    info!("{}: {} runs, {} to do", experiment.name, plan.runs.len(), resumption.remaining.len());
    let prepared: Vec<Prepared> = plan
        .variants
        .iter()
        .zip(&loaded.models)
        .map(|(variant, model)| Prepared::new(Arc::clone(model), variant.experiment.differentiation.methods.len()))
        .collect();
    let before = plan.runs.len() - resumption.remaining.len();
    let progress = screen.progress(&experiment.name, resumption.remaining.len(), before);
    let kept = Mutex::new((journal, resumption.kept, None));
    let observe = |event: Event| match event {
        Event::Started(run) => {
            let method = plan.differentiation(run).map(|method| format!(" {method}")).unwrap_or_default();
            progress.started(run.index, &format!("{}{method}", plan.optimizer(run)));
        }
        Event::Finished(run, record) => {
            debug!("run {}: {:?}, {}", run.index, record.status, record.reason);
            let mut kept = kept.lock().expect("no panic while a record is kept");
            if let Err(error) = kept.0.append(record) {
                // What cannot be written must not be computed on.
                kept.2.get_or_insert(error);
                cancel.store(true, Ordering::Relaxed);
            }
            kept.1[run.index] = Some(record.clone());
            progress.finished(run.index, record);
        }
    };
    execute::execute(plan, &prepared, &resumption.remaining, cancel, &observe);
    progress.end();
    let (journal, records, fault) = kept.into_inner().expect("no panic while a record is kept");
    if let Some(fault) = fault {
        return Err(fault);
    }
    journal.sync()?;
    let derivatives = execute::compare(plan, &prepared, cancel);
    let interrupted = cancel.load(Ordering::Relaxed);
    measured::write(&folder, &derivatives)?;
    let machine = machine(threads);
    let mut done = gather(loaded, folder, records, derivatives, machine);
    if interrupted {
        done.exit = Exit::Interrupted;
    }
    if !arguments.quiet {
        done.show(screen);
    }
    if interrupted {
        let finished = done.records.iter().flatten().count();
        eprintln!(
            "sbi-run: interrupted after {finished} of {} runs; the same command goes on from there",
            plan.runs.len()
        );
    }
    Ok(done)
}

/// What reports are made of: the records and measurements, and what follows from them.
pub(super) fn gather(
    loaded: &Loaded,
    folder: Folder,
    records: Vec<Option<Record>>,
    derivatives: Derivatives,
    machine: Machine,
) -> Done<'_> {
    let plan = &loaded.plan;
    let best = report::best_run(plan, &records);
    let fit = best.and_then(|run| {
        let variant = plan.runs[run].variant;
        let has_data = !matches!(plan.variants[variant].experiment.data, Data::None);
        has_data.then(|| report::fit(&loaded.models[variant], run, records[run].as_ref()?))?
    });
    let comparison = Arc::new(report::compare(plan, &records));
    let failed = |record: &Option<Record>| matches!(record, Some(record) if record.status == Status::Failed);
    let exit = if records.iter().any(failed) { Exit::RunsFailed } else { Exit::Done };
    Done { exit, loaded, records, derivatives, fit, machine, comparison, folder }
}

/// What the timings were measured on.
fn machine(threads: usize) -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let host = read("/proc/sys/kernel/hostname").trim().to_string();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    Machine { host, cpu: model.unwrap_or(std::env::consts::ARCH).to_string(), threads }
}
