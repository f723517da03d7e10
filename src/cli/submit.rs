//! `sbi-run submit`: freezes the plan, and submits its shares to Slurm as arrays, and a job that merges them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::results::Preparations;
use super::{Exit, Loaded, Overrides, faulty, load_all, output, print};
use crate::cluster::slurm::{self, Submission, quoted};
use crate::diagnostic::many;
use crate::execute::estimate::estimate;
use crate::journal::submitted::{self, Submitted};
use crate::journal::{Error, Folder, Inputs};
use crate::report::numbers::duration;

/// `MaxArraySize` where Slurm cannot be asked: its default.
const MAX_ARRAY_SIZE: usize = 1001;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Experiment file, or a results folder to go on with
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// Into how many tasks the plan is divided
    #[arg(long, value_name = "N")]
    tasks: NonZeroUsize,
    /// How many tasks may run at once
    #[arg(long, value_name = "M")]
    max_running: Option<NonZeroUsize>,
    /// Where the results folders are; default: `results`, and for a results folder where it is
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the scripts, submit nothing
    #[arg(long)]
    print_script: bool,
    /// Options of `sbatch`, for the tasks and for the merge
    #[arg(last = true, value_name = "SBATCH-OPTIONS")]
    options: Vec<String>,
}

pub fn main(arguments: &Arguments) -> Exit {
    if let Err(fault) = slurm::check(&arguments.options) {
        tell!("{fault}");
        return Exit::Invalid;
    }
    let loaded = match load_all(std::slice::from_ref(&arguments.experiment), &arguments.overrides.set) {
        Ok(mut loaded) => loaded.remove(0),
        Err(exit) => return exit,
    };
    print(&loaded.warnings);
    if loaded.plan.is_empty() {
        tell!("the plan has no runs: nothing is submitted");
        return Exit::Invalid;
    }
    submit(arguments, &loaded).unwrap_or_else(|error| faulty(&error))
}

fn submit(arguments: &Arguments, loaded: &Loaded) -> Result<Exit, Error> {
    let tasks = arguments.tasks.get().min(loaded.plan.len());
    if tasks < arguments.tasks.get() {
        let are = if tasks == 1 { "is" } else { "are" };
        tell!("the plan has {}: {} {are} enough", many(tasks, "run"), many(tasks, "task"));
    }
    let text = |path: &Path| path.display().to_string();
    let Some(out) = folder_of_results(arguments, loaded) else {
        let folder = text(&arguments.experiment);
        tell!(
            "`{folder}` has the results of `{0}`: call it `{0}`, or name another place by `--out`",
            loaded.experiment.name
        );
        return Ok(Exit::Invalid);
    };
    let results = out.join(&loaded.experiment.name);
    let checksum = &loaded.inputs.plan_sha256;
    let frozen = results.join(format!("submitted-{}", &checksum[..12]));
    let program = std::env::current_exe().map_or("sbi-run".to_string(), |path| text(&path));
    let submission = Submission {
        program,
        frozen: text(&frozen),
        out: text(&out),
        results: text(&results),
        name: loaded.experiment.name.clone(),
        plan: checksum.clone(),
        tasks,
        max_running: arguments.max_running.map(NonZeroUsize::get),
        options: arguments.options.clone(),
    };
    if let Some(seconds) = seconds_of_a_task(loaded, tasks)
        && seconds < slurm::SHORT
    {
        tell!(
            "a task would be shorter than 5 minutes (at most {}): fewer `--tasks` cost the scheduler less",
            duration(seconds)
        );
    }
    let size = ask("scontrol", &["show", "config"]).ok().and_then(|config| slurm::max_array_size(&config));
    let arrays = slurm::arrays(tasks, size.unwrap_or(MAX_ARRAY_SIZE));
    let (task, merge) = (text(&frozen.join("task.sh")), text(&frozen.join("merge.sh")));
    if arguments.print_script {
        let mut shown = submission.script();
        for (place, array) in arrays.iter().enumerate() {
            let before = (place > 0).then_some("JOB-BEFORE");
            let words = submission.array_arguments(*array, &task, before);
            shown += &format!("\n# sbatch {}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        }
        let words = submission.merge_arguments(&merge, &["JOB".to_string()]);
        shown += &format!("\n# sbatch {}\n", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        shown += &format!("\n# {merge}\n{}", submission.merge_script());
        return Ok(output(&shown));
    }
    let before: Vec<String> = submitted::read(&results).into_iter().map(|array| array.job).collect();
    let queued = slurm::queue_arguments(&before).and_then(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        ask("squeue", &words).ok()
    });
    if queued.is_some_and(|printed| !slurm::queue(&printed).is_empty()) {
        tell!(
            "tasks of an earlier submission are in the queue still: sbi-run status {} tells which; to take them out: scancel {}",
            quoted(&text(&results)),
            before.join(" ")
        );
        return Ok(Exit::Invalid);
    }
    let folder = Folder::create(&results)?;
    loaded.inputs.write(&folder)?;
    let frozen = Folder::create(&frozen)?;
    freeze(loaded, &frozen)?;
    frozen.write("task.sh", |out| out.write_all(submission.script().as_bytes()))?;
    frozen.write("merge.sh", |out| out.write_all(submission.merge_script().as_bytes()))?;
    let mut noted = Vec::new();
    let mut jobs: Vec<String> = Vec::new();
    for array in &arrays {
        let words = submission.array_arguments(*array, &task, jobs.last().map(String::as_str));
        let job = match sbatch(&words) {
            Ok(job) => job,
            Err(fault) => {
                tell!("{fault}");
                if !jobs.is_empty() {
                    tell!("some of the tasks are in the queue already; to take them out: scancel {}", jobs.join(" "));
                }
                return Ok(Exit::Invalid);
            }
        };
        noted.push(Submitted { job: job.clone(), offset: array.offset, count: array.count, tasks });
        jobs.push(job);
        // Noted at once: what is in the queue must be known, whatever becomes of the next one.
        submitted::write(&folder, &noted)?;
    }
    let (their, they_come) = if tasks == 1 { ("its", "it comes") } else { ("their", "they come") };
    match sbatch(&submission.merge_arguments(&merge, &jobs)) {
        Ok(job) => Ok(output(&format!(
            "submitted {} as {}, and {their} merge as {job}\nsbi-run status {} tells how {they_come} along\n",
            many(tasks, "task"),
            jobs.join(", "),
            quoted(&text(&results))
        ))),
        Err(fault) => {
            tell!("{fault}\nthe tasks are submitted; when they are done: sbi-run merge {}", quoted(&text(&results)));
            Ok(Exit::Invalid)
        }
    }
}

/// Where the results folders are; None for a results folder of another name than its experiment's.
fn folder_of_results(arguments: &Arguments, loaded: &Loaded) -> Option<PathBuf> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match (&arguments.out, &loaded.folder) {
        (None, Some(folder)) => {
            let folder = absolute(folder);
            (folder.file_name()? == loaded.experiment.name.as_str()).then(|| folder.parent().map(Path::to_path_buf))?
        }
        (out, _) => Some(absolute(out.as_deref().unwrap_or(Path::new("results")))),
    }
}

/// Copies the experiment, so that what is edited later changes no task.
fn freeze(loaded: &Loaded, frozen: &Folder) -> Result<(), Error> {
    let home = std::path::absolute(Path::new(".").join(&loaded.inputs.home)).unwrap_or(loaded.inputs.home.clone());
    Inputs { home, ..loaded.inputs.clone() }.write(frozen)
}

/// The most that one task can take, on one core.
fn seconds_of_a_task(loaded: &Loaded, tasks: usize) -> Option<f64> {
    let prepared = Preparations::of(loaded);
    estimate(&loaded.plan, &|variant| prepared.get(variant)).map(|estimate| estimate.most / tasks as f64)
}

/// The number of the submitted job.
fn sbatch(words: &[String]) -> Result<String, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let printed = ask("sbatch", &words)?;
    // With several clusters: `JOB;CLUSTER`.
    Ok(printed.trim().split(';').next().unwrap_or_default().to_string())
}

fn ask(program: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("cannot run `{program}`: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("`{program}` failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
