//! One experiment carried out: what is there already, the runs, the journal, and what a signal asks for.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tracing::{debug, info};

use super::batch::{self, Signals};
use super::results::{self, Done, Preparations};
use super::run::Arguments;
use super::{Exit, Loaded, Weights};
use crate::cluster::slurm::quoted;
use crate::diagnostic::many;
use crate::execute::{self, Event, Limits};
use crate::journal::files::set_aside;
use crate::journal::resume::remaining;
use crate::journal::{Error, Folder, History, Inputs, Journal, Kept, Recorded, Recorder};
use crate::plan::shard::Shard;
use crate::plan::{Plan, Run};
use crate::record::{Records, Status};
use crate::terminal::{Forecast, Screen};

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

impl Task<'_> {
    pub(super) fn run<'l>(&self, loaded: &'l Loaded) -> Result<Ended<'l>, Error> {
        let (arguments, experiment, plan) = (self.arguments, &loaded.experiment, &loaded.plan);
        let path = arguments.results_folder(loaded);
        let say = |text: &str| {
            if !arguments.quiet {
                self.screen.print(&format!("{}: {text}\n", experiment.name));
            }
        };
        if arguments.fresh
            && let Some(aside) = set_aside(&path)?
        {
            say(&format!("old results moved to `{}`", aside.display()));
        }
        let folder = Folder::create(&path)?;
        let (journal, mut history) = match self.shard {
            None => Journal::open(&folder, plan).map(|(journal, history)| (Some(journal), history))?,
            Some(_) => (None, History::read(&path, plan)?),
        };
        if let Some(line) = results::of_other_settings(history.unknown) {
            say(&line);
            let changed = Inputs::read(&path).ok().and_then(|before| results::what_changed(&before, &path, loaded));
            changed.iter().for_each(|line| say(line));
        }
        loaded.inputs.write(&folder)?;
        let mine = |run: &usize| self.shard.is_none_or(|shard| shard.has(*run));
        let mut remaining = remaining(plan.len(), &history.kept, arguments.retry);
        remaining.retain(mine);
        let share = (0..plan.len()).filter(mine).count();
        let todo = remaining.len();
        info!("{}: {}, {todo} to do", experiment.name, many(share, "run"));
        let failed =
            (0..plan.len()).filter(mine).filter(|run| history.kept.status(*run) == Some(Status::Failed)).count();
        if failed > 0 && !arguments.retry {
            say(&format!("failed runs stay as they are ({failed}); `--retry` runs them again"));
        }
        let journal = match self.shard {
            Some(shard) if todo > 0 => {
                Some(Journal::create(&folder, shard, batch::origin(shard, self.threads), &mut history.kept)?)
            }
            _ => journal,
        };
        let prepared = Preparations::of(loaded);
        let seconds = arguments.time_limit.or_else(|| arguments.requeue.and_then(|_| batch::seconds_left()));
        let limits = Limits { drain: Arc::clone(&self.signals.drain), seconds, longest: history.longest };
        let before = Recorded { journal, kept: history.kept, count: 0 };
        let (recorded, running) = self.carry_out(loaded, &prepared, &remaining, &limits, before)?;
        let Recorded { mut journal, kept, count } = recorded;
        let left = todo - count;
        if let (Some(journal), Some(_)) = (&mut journal, self.shard) {
            let why = if left == 0 { "done" } else { "interrupted" };
            let running: Vec<String> = running.iter().map(|run| plan.identity(*run)).collect();
            journal.end(why, &running)?;
        }
        let done = share - left;
        if let Some(shard) = self.shard {
            let folder = quoted(&path.display().to_string());
            if left > 0 {
                tell!(
                    "share {shard} interrupted after {done} of {}; this goes on: sbi-run run {folder} --shard {shard}",
                    many(share, "run")
                );
                let exit = match arguments.requeue {
                    None => Exit::Interrupted,
                    Some(most) => batch::again(most, self.signals, count),
                };
                return Ok(Ended { exit, done: None });
            }
            say(&format!("share {shard} is done, {}; when all are: sbi-run merge {folder}", many(share, "run")));
            return Ok(Ended { exit: results::exit(&kept, (0..plan.len()).filter(mine)), done: None });
        }
        let cancel = &self.signals.cancel;
        // The disk takes its time with the last lines, and the reports read what the system has of them already.
        let sync = || journal.as_ref().map_or(Ok(()), Journal::sync);
        let measure = || results::measure(loaded, folder, kept, &prepared, self.threads, cancel);
        let (synced, reports) = execute::beside(sync, measure);
        synced?;
        let reports = reports?;
        if !arguments.quiet {
            reports.show(self.screen)?;
        }
        let interrupted = left > 0 || cancel.load(Ordering::Relaxed);
        if interrupted {
            tell!("interrupted after {done} of {}; the same command goes on from there", many(share, "run"));
        }
        let exit = if interrupted { Exit::Interrupted } else { results::exit(&reports.kept, 0..plan.len()) };
        Ok(Ended { exit, done: Some(reports) })
    }

    /// Does the runs that remain, and records each as it ends; also those that have begun and not ended.
    fn carry_out(
        &self,
        loaded: &Loaded,
        prepared: &Preparations,
        remaining: &[usize],
        limits: &Limits,
        before: Recorded,
    ) -> Result<(Recorded, BTreeSet<usize>), Error> {
        let plan = &loaded.plan;
        let weights = &loaded.weights;
        let forecast = self.forecast(plan, weights, remaining, &before.kept);
        let progress = self.screen.progress(&loaded.experiment.name, forecast);
        let recorder = Recorder::new(before);
        let running = Mutex::new(BTreeSet::new());
        let running_now = || running.lock().expect("no panic while a run is noted");
        let observe = |event: Event| match event {
            Event::Started(run) => {
                running_now().insert(run.index);
                progress.started(run.index, &name(plan, run), weights.of(run.variant));
            }
            Event::Finished(run, record) => {
                debug!("run {}: {:?}, {}", run.index, record.status, record.reason);
                running_now().remove(&run.index);
                if !recorder.record(run.index, record) {
                    self.signals.cancel.store(true, Ordering::Relaxed);
                }
                progress.finished(run.index, record);
            }
            Event::Tick => progress.tick(),
        };
        execute::execute(plan, &|variant| prepared.get(variant), remaining, limits, &self.signals.cancel, &observe);
        progress.end();
        Ok((recorder.end()?, running.into_inner().expect("no panic while a run is noted")))
    }

    /// What is to be done and what was done before, for the time left. `weights`: of the combinations of the axes.
    fn forecast(&self, plan: &Plan, weights: &Weights, remaining: &[usize], kept: &Kept) -> Forecast {
        let mut forecast = Forecast::default();
        for group in plan.groups().filter(|group| !group.runs.is_empty()) {
            let run = plan.run(group.runs.start);
            let (name, weight) = (name(plan, &run), weights.of(run.variant));
            for index in group.runs.clone().filter(|run| self.shard.is_none_or(|shard| shard.has(*run))) {
                if remaining.binary_search(&index).is_ok() {
                    forecast.wait(&name, weight);
                } else if forecast.has_done(&name, weight)
                    && let Ok(Some(record)) = kept.fetch(index)
                {
                    forecast.took(&name, weight, record.seconds);
                }
            }
        }
        forecast
    }
}

/// What runs: the optimizer, and the differentiation method if it has one.
fn name(plan: &Plan, run: &Run) -> String {
    match plan.differentiation(run) {
        Some(method) => format!("{} {method}", plan.optimizer(run)),
        None => plan.optimizer(run).to_string(),
    }
}
