//! `sbi-run status`: what is done, running, failed and remaining of a results folder, from its files and one `squeue`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, load_folder, output, print, results};
use crate::cluster::slurm::{self, quoted};
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
        Err(error) => {
            eprintln!("sbi-run: {error}");
            Exit::Results
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
    let queue = queue(&submitted);
    let live: Vec<Origin> = history
        .journals
        .iter()
        .filter(|journal| journal.end.is_none())
        .filter_map(|journal| journal.origin.clone())
        .filter(|origin| lives(origin, &queue))
        .collect();
    let whole = crate::journal::append::is_locked(path);
    let kept = &history.kept;
    let failed = |run: &usize| kept.status(*run) == Some(Status::Failed);
    let done = |run: &usize| kept.status(*run).is_some();
    let all = || 0..plan.len();
    // Every thread of a living process has a run in its hands.
    let running = |shard: Option<Shard>, left: usize| -> usize {
        let of = |origin: &&Origin| shard.is_none_or(|shard| origin.shard == shard.to_string());
        live.iter().filter(of).map(|origin| origin.threads).sum::<usize>().min(left)
    };
    let left = plan.len() - kept.count();
    let busy = if whole { left.min(1).max(running(None, left)) } else { running(None, left) };
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "done       {}", all().filter(|run| done(run) && !failed(run)).count());
    let _ = writeln!(text, "running    {busy}");
    let _ = writeln!(text, "failed     {}", all().filter(failed).count());
    let _ = writeln!(text, "remaining  {}", left - busy);
    if let Some(line) = results::of_other_settings(history.unknown) {
        let _ = writeln!(text, "{line}");
    }
    let folder = quoted(&path.display().to_string());
    let of = shares(&history.journals, &submitted);
    let mut resume: Vec<String> = Vec::new();
    if let Some(of) = of {
        let _ =
            writeln!(text, "\n{:<9}{:>8}{:>9}{:>8}{:>11}  state", "shard", "done", "running", "failed", "remaining");
        for shard in (1..=of).filter_map(|index| Shard::new(index, of)) {
            let mine = || all().filter(|run| shard.has(*run));
            let left = mine().filter(|run| !done(run)).count();
            let busy = running(Some(shard), left);
            let name = shard.to_string();
            let lives = live.iter().any(|origin| origin.shard == name);
            let waits = waiting(&name, &submitted, &queue);
            let begun =
                history.journals.iter().any(|one| one.origin.as_ref().is_some_and(|origin| origin.shard == name));
            let state = match (left, lives, waits) {
                (0, _, _) => "done".to_string(),
                (_, true, _) => "running".to_string(),
                (_, _, Some(word)) => word.to_lowercase(),
                _ if begun => "lost or interrupted".to_string(),
                _ => "not begun".to_string(),
            };
            if left > 0 && !lives && waits.is_none() {
                resume.push(format!("sbi-run run {folder} --shard {name}"));
            }
            let _ = writeln!(
                text,
                "{name:<9}{:>8}{busy:>9}{:>8}{:>11}  {state}",
                mine().filter(|run| done(run) && !failed(run)).count(),
                mine().filter(failed).count(),
                left - busy,
            );
        }
    } else if left > 0 && !whole {
        resume.push(format!("sbi-run run {folder}"));
    }
    if !resume.is_empty() {
        let _ = writeln!(text, "\nto go on:\n  {}", resume.join("\n  "));
    }
    Ok(Ok(text))
}

/// Of how many shares the plan was last divided into; None where it was not.
fn shares(journals: &[crate::journal::read::Seen], submitted: &[Submitted]) -> Option<usize> {
    let told = submitted.last().map(|array| array.tasks);
    let of = |origin: &Origin| origin.shard.parse::<Shard>().ok().map(Shard::of);
    told.or_else(|| journals.iter().filter_map(|journal| of(journal.origin.as_ref()?)).max())
}

/// Whether the process that writes a journal is still there.
fn lives(origin: &Origin, queue: &BTreeMap<String, String>) -> bool {
    if let Some(task) = &origin.task
        && let Some(state) = queue.get(task)
    {
        return ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED"].contains(&state.as_str());
    }
    origin.host == results::host() && Path::new("/proc").join(origin.pid.to_string()).exists()
}

/// The state of the task of a share that is in the queue.
fn waiting<'a>(shard: &str, submitted: &[Submitted], queue: &'a BTreeMap<String, String>) -> Option<&'a str> {
    submitted.iter().find_map(|array| {
        let place = (0..array.count).find(|task| {
            Shard::new(array.offset + task + 1, array.tasks).is_some_and(|other| other.to_string() == shard)
        })?;
        queue.get(&format!("{}_{place}", array.job)).map(String::as_str)
    })
}

/// State of each task in the queue, by `JOB_TASK`; empty without jobs or without Slurm.
fn queue(submitted: &[Submitted]) -> BTreeMap<String, String> {
    if submitted.is_empty() {
        return BTreeMap::new();
    }
    let jobs: Vec<&str> = submitted.iter().map(|array| array.job.as_str()).collect();
    let printed = std::process::Command::new("squeue")
        .args(["--noheader", "--array", "--format=%F %K %T", &format!("--jobs={}", jobs.join(","))])
        .output();
    // A queue that cannot be asked says nothing: the files do.
    let printed = printed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    slurm::queue(&printed).into_iter().map(|((job, task), state)| (format!("{job}_{task}"), state)).collect()
}
