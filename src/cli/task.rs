//! One experiment carried out: what is there already, the runs, the journal, and what a signal asks for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use tracing::{debug, info};

use super::results::{self, Done};
use super::run::Arguments;
use super::{Exit, Loaded};
use crate::cluster::slurm::quoted;
use crate::execute::{self, Event, Limits};
use crate::journal::files::set_aside;
use crate::journal::resume::{Flags, decide};
use crate::journal::{Error, Folder, History, Journal, Origin};
use crate::plan::shard::Shard;
use crate::record::Record;
use crate::terminal::progress::Screen;

/// What signals have asked for.
pub(super) struct Signals {
    /// Stop as soon as possible.
    cancel: Arc<AtomicBool>,
    /// End what runs, begin nothing.
    drain: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn register(batch: bool) -> Signals {
        let signals = Signals { cancel: Arc::default(), drain: Arc::default() };
        // Without handlers a signal just ends the process.
        for signal in [SIGINT, SIGTERM] {
            // The second one ends the process at once; the first asks it to stop.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&signals.cancel));
            let _ = signal_hook::flag::register(signal, Arc::clone(&signals.cancel));
        }
        if batch {
            let _ = signal_hook::flag::register(SIGUSR1, Arc::clone(&signals.drain));
        }
        // A file that may not grow is then an error of writing, not the end of the process.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
        signals
    }
}

/// How one experiment is to be run.
pub(super) struct Task<'a> {
    pub arguments: &'a Arguments,
    pub shard: Option<Shard>,
    pub threads: usize,
    pub screen: &'a Screen,
    pub signals: &'a Signals,
}

/// How it ended, and what reports are made of; a share makes none.
pub(super) struct Ended<'a> {
    pub exit: Exit,
    pub done: Option<Done<'a>>,
}

/// What is kept while runs end.
struct Kept {
    /// None for a share that has nothing to do.
    journal: Option<Journal>,
    records: Vec<Option<Record>>,
    /// Identities of the runs that have begun and not ended.
    running: BTreeMap<usize, String>,
    fault: Option<Error>,
}

impl Task<'_> {
    pub(super) fn run<'l>(&self, loaded: &'l Loaded) -> Result<Ended<'l>, Error> {
        let (arguments, experiment, plan) = (self.arguments, &loaded.experiment, &loaded.plan);
        let path = arguments.results_folder(loaded);
        if arguments.fresh
            && let Some(aside) = set_aside(&path)?
            && !arguments.quiet
        {
            self.screen.print(&format!("{}: old results moved to `{}`\n", experiment.name, aside.display()));
        }
        let folder = Folder::create(&path)?;
        let (journal, history) = match self.shard {
            None => Journal::open(&folder).map(|(journal, history)| (Some(journal), history))?,
            Some(_) => (None, History::read(&path)?),
        };
        loaded.inputs.write(&folder)?;
        let longest = history.records.iter().map(|record| record.seconds).fold(0.0, f64::max);
        let mut resumption = decide(plan, history.records, Flags { retry: arguments.retry, fresh: arguments.fresh });
        let mine = |run: &usize| self.shard.is_none_or(|shard| shard.has(*run));
        resumption.remaining.retain(mine);
        let share = (0..plan.runs.len()).filter(mine).count();
        let todo = resumption.remaining.len();
        info!("{}: {share} runs, {todo} to do", experiment.name);
        if !arguments.quiet
            && let Some(line) = results::of_other_settings(resumption.unknown)
        {
            self.screen.print(&format!("{}: {line}\n", experiment.name));
        }
        let journal = match self.shard {
            Some(shard) if todo > 0 => Some(Journal::create(&folder, shard, self.origin(shard))?),
            _ => journal,
        };
        let prepared = results::prepare(loaded);
        let progress = self.screen.progress(&experiment.name, todo, share - todo);
        let kept = Kept { journal, records: resumption.kept, running: BTreeMap::new(), fault: None };
        let kept = Mutex::new(kept);
        let observe = |event: Event| match event {
            Event::Started(run) => {
                let method = plan.differentiation(run).map(|method| format!(" {method}")).unwrap_or_default();
                kept.lock().expect("no panic while a record is kept").running.insert(run.index, run.identity.clone());
                progress.started(run.index, &format!("{}{method}", plan.optimizer(run)));
            }
            Event::Finished(run, record) => {
                debug!("run {}: {:?}, {}", run.index, record.status, record.reason);
                let mut kept = kept.lock().expect("no panic while a record is kept");
                if let Some(Err(error)) = kept.journal.as_mut().map(|journal| journal.append(record)) {
                    // What cannot be written must not be computed on.
                    kept.fault.get_or_insert(error);
                    self.signals.cancel.store(true, Ordering::Relaxed);
                }
                kept.running.remove(&run.index);
                kept.records[run.index] = Some(record.clone());
                progress.finished(run.index, record);
            }
        };
        let limits = Limits { drain: Arc::clone(&self.signals.drain), seconds: arguments.time_limit, longest };
        execute::execute(plan, &prepared, &resumption.remaining, &limits, &self.signals.cancel, &observe);
        progress.end();
        let kept = kept.into_inner().expect("no panic while a record is kept");
        if let Some(fault) = kept.fault {
            return Err(fault);
        }
        let left = resumption.remaining.iter().filter(|run| kept.records[**run].is_none()).count();
        if let Some(mut journal) = kept.journal {
            match self.shard {
                None => journal.sync()?,
                Some(_) => {
                    let why = if left == 0 { "done" } else { "interrupted" };
                    journal.end(why, &kept.running.into_values().collect::<Vec<_>>())?;
                }
            }
        }
        let done = share - left;
        if let Some(shard) = self.shard {
            let folder = quoted(&path.display().to_string());
            if left > 0 {
                eprintln!(
                    "sbi-run: share {shard} interrupted after {done} of {share} runs; this goes on: sbi-run run {folder} --shard {shard}"
                );
                return Ok(Ended { exit: self.again(), done: None });
            }
            if !arguments.quiet {
                self.screen.print(&format!(
                    "{}: share {shard} is done, {share} runs; when all are: sbi-run merge {folder}\n",
                    experiment.name
                ));
            }
            let records = kept.records.iter().enumerate().filter(|(run, _)| mine(run)).map(|(_, record)| record);
            return Ok(Ended { exit: results::exit(records), done: None });
        }
        let cancel = &self.signals.cancel;
        let reports = results::measure(loaded, folder, kept.records, &prepared, self.threads, cancel)?;
        if !arguments.quiet {
            reports.show(self.screen);
        }
        let interrupted = left > 0 || cancel.load(Ordering::Relaxed);
        if interrupted {
            eprintln!("sbi-run: interrupted after {done} of {share} runs; the same command goes on from there");
        }
        let exit = if interrupted { Exit::Interrupted } else { results::exit(&reports.records) };
        Ok(Ended { exit, done: Some(reports) })
    }

    fn origin(&self, shard: Shard) -> Origin {
        let variable = |name: &str| std::env::var(name).ok();
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let task = array.map(|(job, task)| format!("{job}_{task}")).or_else(|| variable("SLURM_JOB_ID"));
        Origin { shard: shard.to_string(), host: results::host(), pid: std::process::id(), threads: self.threads, task }
    }

    /// The end of a share whose work is not done: under Slurm it goes into the queue again, if it was its time that was
    /// over and not somebody's wish.
    fn again(&self) -> Exit {
        let Some(most) = self.arguments.requeue else { return Exit::Interrupted };
        let variable = |name: &str| std::env::var(name).ok();
        let restarts: u32 = variable("SLURM_RESTART_COUNT").and_then(|text| text.parse().ok()).unwrap_or(0);
        let asked = self.signals.cancel.load(Ordering::Relaxed) && !self.signals.drain.load(Ordering::Relaxed);
        let Some(job) = variable("SLURM_JOB_ID").filter(|_| !asked) else { return Exit::Again };
        if restarts >= most {
            eprintln!("sbi-run: the task was put into the queue again {restarts} times already; it stays out");
            return Exit::Again;
        }
        match std::process::Command::new("scontrol").args(["requeue", &job]).status() {
            Ok(status) if status.success() => eprintln!("sbi-run: job {job} is in the queue again"),
            Ok(status) => eprintln!("sbi-run: `scontrol requeue {job}` failed: {status}"),
            Err(error) => eprintln!("sbi-run: `scontrol requeue {job}` failed: {error}"),
        }
        Exit::Again
    }
}
