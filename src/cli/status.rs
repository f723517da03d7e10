//! `sbi-run status`: what is done, running, failed and remaining of a results folder, from its files and one `squeue`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, faulty, load_folder, output, print, results};
use crate::cluster::slurm::{self, Queued, quoted};
use crate::journal::read::Seen;
use crate::journal::submitted::{self, Submitted};
use crate::journal::{Error, History, Origin};
use crate::plan::shard::Shard;
use crate::record::{Records, Status};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Results folder, e.g. `results/half_life`
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
}

pub fn main(arguments: &Arguments) -> Exit {
    match status(&arguments.results) {
        Ok(Ok(text)) => output(&text),
        Ok(Err(exit)) => exit,
        Err(error) => faulty(&error),
    }
}

/// Commands for lost shares that are shown; one command does them all.
const SHOWN: usize = 20;

/// The runs of one share, or of all.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    done: usize,
    failed: usize,
    left: usize,
}

impl Count {
    fn add(&mut self, status: Option<Status>) {
        match status {
            Some(Status::Failed) => self.failed += 1,
            Some(_) => self.done += 1,
            None => self.left += 1,
        }
    }
}

fn status(path: &Path) -> Result<Result<String, Exit>, Error> {
    let loaded = match load_folder(path, &[])? {
        Ok(loaded) => loaded,
        Err(faults) => {
            print(&faults);
            return Ok(Err(Exit::Invalid));
        }
    };
    let plan = &loaded.plan;
    let history = History::read(path, plan)?;
    let submitted = submitted::read(path);
    let of = shares(&history.journals, &submitted);
    let mut all = Count::default();
    let mut each = vec![Count::default(); of];
    for run in 0..plan.len() {
        let status = history.kept.status(run);
        all.add(status);
        if let Some(shard) = Shard::of_run(run, of) {
            each[shard.number() - 1].add(status);
        }
    }
    // Where nothing is left, nobody is at it.
    let asked = if all.left > 0 { queue(&submitted) } else { Some(BTreeMap::new()) };
    let unasked = asked.is_none();
    let queue = asked.unwrap_or_default();
    let live = live(&history.journals, &queue);
    let whole = crate::journal::append::is_locked(path);
    let at_it = |shard: &str, count: &Count| live.get(shard).copied().unwrap_or(0).min(count.left);
    let shards = || (1..=of).filter_map(|number| Shard::new(number, of));
    let of_shards: usize = shards().zip(&each).map(|(shard, count)| at_it(&shard.to_string(), count)).sum();
    let running = (of_shards + usize::from(whole)).min(all.left);
    // A process at the whole plan has a run in hand; with how many threads it works is written nowhere.
    let [or_more, or_fewer] = if whole && all.left > 1 { [" or more", " or fewer"] } else { [""; 2] };
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "done       {}", all.done);
    let _ = writeln!(text, "running    {running}{or_more}");
    let _ = writeln!(text, "failed     {}", all.failed);
    let _ = writeln!(text, "remaining  {}{or_fewer}", all.left - running);
    if let Some(line) = results::of_other_settings(history.unknown) {
        let _ = writeln!(text, "{line}");
    }
    if unasked {
        let _ = writeln!(text, "`squeue` cannot be asked: what runs on other machines is not known");
    }
    let waiting = waiting(&submitted, &queue);
    let folder = quoted(&path.display().to_string());
    let mut resume: Vec<String> = Vec::new();
    if of > 0 {
        let _ =
            writeln!(text, "\n{:<9}{:>8}{:>9}{:>8}{:>11}  state", "shard", "done", "running", "failed", "remaining");
    }
    for (count, shard) in each.iter().zip(shards()) {
        let name = shard.to_string();
        let state = match (count.left, live.get(&name), waiting.get(&name)) {
            (0, _, _) => "done".to_string(),
            (_, Some(_), _) => "running".to_string(),
            (_, _, Some(task)) if task.reason == "None" => task.state.to_lowercase(),
            (_, _, Some(task)) => format!("{} ({})", task.state.to_lowercase(), task.reason),
            _ => {
                resume.push(format!("sbi-run run {folder} --shard {name}"));
                last_seen(&name, &history.journals)
            }
        };
        let running = at_it(&name, count);
        let Count { done, failed, left } = count;
        let _ = writeln!(text, "{name:<9}{done:>8}{running:>9}{failed:>8}{:>11}  {state}", left - running);
    }
    if of == 0 && all.left > 0 && !whole {
        resume.push(format!("sbi-run run {folder}"));
    }
    if !resume.is_empty() {
        let more = resume.len().saturating_sub(SHOWN);
        resume.truncate(SHOWN);
        let _ = writeln!(text, "\nto go on:\n  {}", resume.join("\n  "));
        if more > 0 {
            let _ = writeln!(text, "  and {more} more; or all of them at once: sbi-run run {folder}");
        }
    }
    Ok(Ok(text))
}

/// Into how many shares the plan was last divided; 0 where it was not.
fn shares(journals: &[Seen], submitted: &[Submitted]) -> usize {
    let told = submitted.last().map(|array| array.tasks);
    let of = |origin: &Origin| origin.shard.parse::<Shard>().ok().map(Shard::of);
    told.or_else(|| journals.iter().filter_map(|journal| of(journal.origin.as_ref()?)).max()).unwrap_or(0)
}

/// How many threads are at each share: every thread of a living process has a run in its hands.
///
/// A task that was queued again has journals of processes that are gone; those of one share have the same runs in hand.
fn live(journals: &[Seen], queue: &BTreeMap<String, Queued>) -> BTreeMap<String, usize> {
    let mut live = BTreeMap::new();
    let open = journals.iter().filter(|journal| journal.end.is_none()).filter_map(|journal| journal.origin.as_ref());
    for origin in open.filter(|origin| lives(origin, queue)) {
        let threads = live.entry(origin.shard.clone()).or_insert(0);
        *threads = origin.threads.max(*threads);
    }
    live
}

/// Whether the process that writes a journal is still there.
fn lives(origin: &Origin, queue: &BTreeMap<String, Queued>) -> bool {
    match origin.task.as_ref().and_then(|task| queue.get(task)) {
        Some(task) => task.runs(),
        None => origin.host == results::host() && is_this_program(origin.pid),
    }
}

/// Whether a process of this number runs this program; another may have been given the number since.
fn is_this_program(pid: u32) -> bool {
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().replace(" (deleted)", ""));
    let exe = std::fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe"));
    exe.ok().and_then(name).is_some_and(|other| std::env::current_exe().ok().and_then(name) == Some(other))
}

/// The state of a share at which nobody is seen.
fn last_seen(shard: &str, journals: &[Seen]) -> String {
    let mut begun = false;
    for journal in journals {
        let Some(origin) = journal.origin.as_ref().filter(|origin| origin.shard == shard) else { continue };
        begun = true;
        if journal.end.is_none() && origin.task.is_none() && origin.host != results::host() {
            return format!("lost, or running on {}", origin.host);
        }
    }
    if begun { "lost or interrupted".to_string() } else { "not begun".to_string() }
}

/// The task of each share, where it is in the queue.
fn waiting<'a>(submitted: &[Submitted], queue: &'a BTreeMap<String, Queued>) -> BTreeMap<String, &'a Queued> {
    let mut found = BTreeMap::new();
    for task in queue.values() {
        let array = submitted.iter().find(|array| array.job == task.job && task.task < array.count);
        if let Some(shard) = array.and_then(|array| Shard::new(array.offset + task.task + 1, array.tasks)) {
            found.insert(shard.to_string(), task);
        }
    }
    found
}

/// The tasks in the queue by `JOB_TASK`; None where `squeue` cannot be asked. Nothing is asked without jobs.
fn queue(submitted: &[Submitted]) -> Option<BTreeMap<String, Queued>> {
    let jobs: Vec<String> = submitted.iter().map(|array| array.job.clone()).collect();
    let Some(words) = slurm::queue_arguments(&jobs) else { return Some(BTreeMap::new()) };
    let printed = std::process::Command::new("squeue").args(words).output().ok()?;
    // Slurm forgets jobs that ended long ago.
    let forgotten = String::from_utf8_lossy(&printed.stderr).contains("Invalid job id");
    let tasks = slurm::queue(&String::from_utf8_lossy(&printed.stdout));
    let named = tasks.into_iter().map(|task| (format!("{}_{}", task.job, task.task), task));
    (printed.status.success() || forgotten).then(|| named.collect())
}
