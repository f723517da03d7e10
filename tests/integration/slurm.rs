//! A real Slurm on this machine: a node that dies, a task queued again, a task that runs twice, a task that is cancelled.
//!
//! Skipped, with a word, where no Slurm is installed. `tests/slurm/` starts and stops the cluster.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::laws::decay;
use crate::shards::assert_same_results;
use crate::tool::{Lab, Ran, available, repository};

/// Runs of some tenths of a second on thousands of rows, and short ones among them: a share takes seconds, since it must be
/// caught in the midst of its work.
const LOAD: &str = r#"
[[optimizer]]
method = "differential_evolution"
[[optimizer]]
method = "bfgs"
[budget]
evaluations = 20000
[sweep]
repeats = REPEATS
"#;

const PATIENCE: Duration = Duration::from_secs(240);

/// Two nodes of two processors; stopped when it is dropped.
struct Cluster {
    folder: TempDir,
    configuration: String,
}

impl Cluster {
    /// None, with a word, where there is no Slurm.
    fn start(longest_array: &str) -> Option<Cluster> {
        if !["slurmctld", "slurmd", "sbatch", "munged"].into_iter().all(available) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(repository().join("tests/slurm/start.sh"));
        command.arg(folder.path().join("c")).env("SBI_SLURM_MAX_ARRAY", longest_array);
        // A busy machine takes its time to write what was cut short.
        command.env("SBI_SLURM_KILL_WAIT", "20");
        let ran = Ran::of(command.output().unwrap()).ends(0);
        let configuration = ran.out.split("SLURM_CONF='").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        Some(Cluster { configuration: configuration.to_string(), folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    /// What a command of Slurm prints.
    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        Ran::of(command.args(arguments).env("SLURM_CONF", &self.configuration).output().unwrap()).ends(0).out
    }

    /// Fails and restores a node.
    fn node(&self, what: &str, node: &str) {
        let mut command = Command::new(repository().join("tests/slurm/node.sh"));
        Ran::of(command.args([what, node]).arg(self.path()).output().unwrap()).ends(0);
    }

    fn run(&self, lab: &Lab, arguments: &[&str]) -> Ran {
        Ran::of(lab.command(arguments).env("SLURM_CONF", &self.configuration).output().unwrap())
    }

    fn wait_until_the_queue_is_empty(&self) {
        wait("the queue is empty", || self.ask("squeue", &["--noheader"]).is_empty().then_some(()));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let logs = self.path().join("log");
        if std::thread::panicking() {
            for name in ["slurmctld.log", "slurmd.n1.log", "slurmd.n2.log"] {
                let text = fs::read_to_string(logs.join(name)).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(30).collect();
                println!("{name}, the last first:\n{}", last.join("\n"));
            }
        }
        let _ = Command::new(repository().join("tests/slurm/stop.sh")).arg(self.path()).output();
    }
}

#[track_caller]
fn wait<T>(what: &str, mut until: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = until() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process of a task, and its journal.
#[derive(Clone, Debug, PartialEq)]
struct Process {
    journal: PathBuf,
    /// Number of the share.
    share: String,
    /// `JOB_TASK`.
    task: String,
    pid: String,
}

impl Process {
    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.pid]).status().unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.journal).unwrap_or_default()
    }

    fn has_ended(&self) -> bool {
        self.text().contains("{\"end\":")
    }
}

/// Every process that has a journal in a results folder.
fn processes(lab: &Lab, folder: &str) -> Vec<Process> {
    let entries = fs::read_dir(lab.path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut journals: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    journals.sort();
    let process = |journal: PathBuf| {
        let text = fs::read_to_string(&journal).ok()?;
        let header = text.lines().next()?;
        let of = |key: &str, end: char| Some(header.split(key).nth(1)?.split(end).next()?.to_string());
        let (share, task) = (of("\"shard\":\"", '/')?, of("\"task\":\"", '"')?);
        Some(Process { share, task, pid: of("\"pid\":", ',')?, journal })
    };
    journals.into_iter().filter_map(process).collect()
}

/// Stops one of these processes that has recorded a few runs and has more to do than a moment takes, so that it is in the
/// midst of its work whatever happens.
#[track_caller]
fn catch(lab: &Lab, folder: &str, wanted: impl Fn(&Process) -> bool) -> Process {
    wait("a task is at work", || {
        processes(lab, folder).into_iter().find(|process| {
            let is_early = || (1..=4).contains(&identities(&process.text()).len()) && !process.has_ended();
            if !wanted(process) || !is_early() {
                return false;
            }
            process.signal("-STOP");
            let state = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap_or_default();
            let stopped = state.contains(") T ");
            if !is_early() || !stopped {
                process.signal("-CONT");
                return false;
            }
            true
        })
    })
}

fn identities(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| Some(line.split("\"id\":\"").nth(1)?[..64].to_string())).collect()
}

#[test]
fn a_sweep_survives_its_cluster() {
    let Some(cluster) = Cluster::start("5") else { return };
    let lab = Lab::new();
    let text = decay(12000, &LOAD.replace("REPEATS", "64"));
    lab.write("load.toml", &text);
    let submit = ["submit", "load.toml", "--tasks", "8", "--out", "many", "--", "--time=10", "--cpus-per-task=2"];
    let ran = cluster.run(&lab, &submit).ends(0);
    assert_eq!(ran.out.matches(',').count(), 2, "an array of five and one of three, and their merge: {}", ran.out);
    // What is edited now changes no task.
    lab.write("load.toml", text.replace("seed = 3", "seed = 4"));
    let folder = "many/load";
    let node_of =
        |process: &Process| cluster.ask("squeue", &["-h", "-j", &process.task, "-o", "%N"]).trim().to_string();

    let killed = catch(&lab, folder, |_| true);
    let node = node_of(&killed);
    cluster.node("kill", &node);
    cluster.node("start", &node);

    let requeued = catch(&lab, folder, |process| process.share != killed.share);
    cluster.ask("scontrol", &["requeue", &requeued.task]);
    wait("a task that is cancelled says so", || requeued.has_ended().then_some(()));
    assert!(
        requeued.text().contains("{\"end\":\"interrupted\",\"running\":[\""),
        "{:?}",
        requeued.text().lines().last()
    );

    let frozen = catch(&lab, folder, |process| ![&killed.share, &requeued.share].contains(&&process.share));
    let status = cluster.run(&lab, &["status", folder]).ends(0).out;
    let line = status.lines().find(|line| line.starts_with(&format!("{}/8 ", frozen.share))).unwrap();
    assert!(line.ends_with("running"), "{status}");
    let node = node_of(&frozen);
    cluster.node("freeze", &node);
    let again = wait("the frozen task runs a second time", || {
        processes(&lab, folder).into_iter().find(|other| other.share == frozen.share && other.journal != frozen.journal)
    });
    frozen.signal("-CONT");
    wait("both have ended", || (frozen.has_ended() && again.has_ended()).then_some(()));
    cluster.node("thaw", &node);
    cluster.wait_until_the_queue_is_empty();

    let all = processes(&lab, folder);
    for caught in [&killed, &requeued, &frozen] {
        let journals = all.iter().filter(|process| process.share == caught.share).count();
        assert!(journals >= 2, "share {} had {journals} process", caught.share);
    }
    let both: Vec<String> = [&frozen, &again].iter().flat_map(|process| identities(&process.text())).collect();
    let distinct: BTreeSet<&String> = both.iter().collect();
    assert!(both.len() > distinct.len(), "no run was done twice: they did not run at once");
    assert!(all.iter().all(|process| process.text().contains("\"threads\":2")), "as SLURM_CPUS_PER_TASK says");
    let ended = fs::read_to_string(cluster.path().join("jobcomp.txt")).unwrap();
    assert!(ended.contains("JobState=NODE_FAIL"), "{ended}");

    // The merge job has made the reports; they are those of one machine.
    lab.write("load.toml", &text);
    lab.run(&["load.toml", "--out", "one", "--threads", "2", "--quiet"]).ends(0);
    assert_same_results(&lab, "one/load", folder);
    let status = cluster.run(&lab, &["status", folder]).ends(0).out;
    assert!(status.contains("done       128") && status.contains("remaining  0"), "{status}");
    assert!(!status.contains("to go on"), "{status}");
}

#[test]
fn a_task_drains_when_its_time_is_nearly_over_and_a_cancelled_one_is_told() {
    let Some(cluster) = Cluster::start("1001") else { return };
    let lab = Lab::new();
    lab.write("load.toml", decay(24000, &LOAD.replace("REPEATS", "24")));
    let submit = ["submit", "load.toml", "--tasks", "2", "--max-running", "1", "--out", "many"];
    let ran = cluster.run(&lab, &[&submit[..], &["--", "--time=10", "--cpus-per-task=2"]].concat()).ends(0);
    let merge = ran.out.split(" as ").nth(2).and_then(|rest| rest.split('\n').next()).unwrap();
    let folder = "many/load";
    let drain = |process: &Process| {
        let running = cluster.ask("squeue", &["-h", "-t", "R", "-o", "%i"]);
        assert_eq!(running.trim(), process.task, "one at a time");
        cluster.ask("scancel", &["--batch", "--signal=USR1", &process.task]);
        process.signal("-CONT");
        wait("the task has drained", || process.has_ended().then_some(()));
        assert!(process.text().ends_with("{\"end\":\"interrupted\"}\n"), "what ran was brought to its end");
    };

    let drained = catch(&lab, folder, |_| true);
    drain(&drained);
    // Meanwhile the other one, the last of the array, has the place. It drains too; the merge waits until it comes again.
    let last = catch(&lab, folder, |process| process.share != drained.share);
    assert!(last.task.ends_with("_1"), "{last:?}");
    drain(&last);
    let cancelled = catch(&lab, folder, |process| process.share == last.share && process.journal != last.journal);
    assert_eq!(cancelled.task, last.task);
    let waits = cluster.ask("squeue", &["-h", "-j", merge, "-o", "%T %r"]);
    assert_eq!(waits.trim(), "PENDING Dependency");
    cluster.ask("scancel", &[&cancelled.task]);
    wait("the cancelled task says so", || cancelled.has_ended().then_some(()));
    assert!(cancelled.text().contains("{\"end\":\"interrupted\",\"running\":[\""));
    // The merge runs all the same, of what there is.
    cluster.wait_until_the_queue_is_empty();
    let logs = fs::read_dir(lab.path(folder)).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    let logs = logs.unwrap();
    let log = |process: &Process| fs::read_to_string(logs.join(format!("{}.log", process.task))).unwrap();
    assert!(
        log(&drained).contains("is in the queue again") && log(&drained).contains("is done, "),
        "{}",
        log(&drained)
    );
    assert!(log(&last).contains(&format!("task {} is in the queue again", last.task)), "{}", log(&last));
    assert!(lab.path("many/load/runs.csv").exists());
    let status = cluster.run(&lab, &["status", folder]).ends(0).out;
    let command = format!("sbi-run run {folder} --shard {}/2", cancelled.share);
    assert!(status.contains("lost or interrupted") && status.contains(&format!("  {command}\n")), "{status}");
    lab.run(&command.split(' ').skip(1).chain(["--quiet"]).collect::<Vec<_>>()).ends(0);
    lab.run(&["merge", folder, "--quiet"]).ends(0);
    lab.run(&["load.toml", "--out", "one", "--quiet"]).ends(0);
    assert_same_results(&lab, "one/load", folder);
}
