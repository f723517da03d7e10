//! A run under a batch system: what signals ask for, how long there is, and the way back into the queue.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

use super::{Exit, results};
use crate::cluster::slurm;
use crate::diagnostic::many;
use crate::journal::Origin;
use crate::plan::shard::Shard;

/// What signals have asked for.
pub(super) struct Signals {
    /// Stop as soon as possible. Set for other reasons too.
    pub cancel: Arc<AtomicBool>,
    /// End what runs, begin nothing.
    pub drain: Arc<AtomicBool>,
    /// SIGINT or SIGTERM came: somebody, or the batch system, wants the end.
    asked: Arc<AtomicBool>,
}

impl Signals {
    /// `batch`: SIGUSR1 drains, and a second SIGTERM is no reason to hurry: SIGKILL follows soon enough.
    pub(super) fn register(batch: bool) -> Signals {
        let signals = Signals { cancel: Arc::default(), drain: Arc::default(), asked: Arc::default() };
        // Without handlers a signal just ends the process.
        for signal in [SIGINT, SIGTERM] {
            if !batch {
                // The second one ends the process at once; the first asks it to stop.
                let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&signals.asked));
            }
            let _ = signal_hook::flag::register(signal, Arc::clone(&signals.asked));
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

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Who writes the journal of a share.
pub(super) fn origin(shard: Shard, threads: usize) -> Origin {
    Origin { shard: shard.to_string(), host: results::host(), pid: std::process::id(), threads, task: task() }
}

/// What Slurm calls this task: `JOB_TASK` in an array, where a bare number may mean the whole array; None without Slurm.
fn task() -> Option<String> {
    let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
    array.map(|(job, task)| format!("{job}_{task}")).or_else(|| variable("SLURM_JOB_ID"))
}

/// Seconds until Slurm ends this job, by its own account; None without Slurm, or without a limit.
pub(super) fn seconds_left() -> Option<f64> {
    let task = task()?;
    let printed =
        Command::new("squeue").args(["--noheader", "--format=%L", &format!("--jobs={task}")]).output().ok()?;
    slurm::seconds(&String::from_utf8_lossy(&printed.stdout)).map(|seconds| seconds as f64)
}

/// The end of a share whose work is not done: under Slurm it goes into the queue again, if it was its time that was over
/// and not somebody's wish. `ended`: how many runs this process has done.
pub(super) fn again(most: u32, signals: &Signals, ended: usize) -> Exit {
    if signals.asked.load(Ordering::Relaxed) {
        return Exit::Again;
    }
    let Some(task) = task() else { return Exit::Again };
    let restarts: u32 = variable("SLURM_RESTART_COUNT").and_then(|text| text.parse().ok()).unwrap_or(0);
    if ended == 0 && !signals.drain.load(Ordering::Relaxed) {
        tell!("no run can end within the time limit: it stays out of the queue; submit with a longer `--time`");
        return Exit::Again;
    }
    if restarts >= most {
        tell!("the task was put into the queue again {} already; it stays out", many(restarts as usize, "time"));
        return Exit::Again;
    }
    match Command::new("scontrol").args(["requeue", &task]).status() {
        Ok(status) if status.success() => tell!("task {task} is in the queue again"),
        Ok(status) => tell!("`scontrol requeue {task}` failed: {status}"),
        Err(error) => tell!("`scontrol requeue {task}` failed: {error}"),
    }
    Exit::Again
}
