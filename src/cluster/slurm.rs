//! Slurm: the scripts of an array of tasks, one share of the plan each, and of the job that merges them.

use std::fmt::Write;

/// How often a task puts itself into the queue again before it gives up.
pub const MOST_RESTARTS: u32 = 20;

/// Seconds before the time limit at which Slurm signals the task to come to an end.
pub const NOTICE: u64 = 120;

/// A task shorter than this many seconds costs the scheduler more than it brings.
pub const SHORT: f64 = 300.0;

/// No job is given more seconds than these, thirty years: a time beyond them is no limit.
pub const LONGEST: u64 = 1_000_000_000;

/// What is submitted: paths are absolute.
#[derive(Clone, Debug)]
pub struct Submission {
    /// This program.
    pub program: String,
    /// The folder in which the experiment was frozen.
    pub frozen: String,
    /// The folder of results folders.
    pub out: String,
    /// The results folder.
    pub results: String,
    pub name: String,
    /// `Plan::checksum` of the frozen experiment.
    pub plan: String,
    pub tasks: usize,
    pub max_running: Option<usize>,
    /// Options of `sbatch`, as they were written after `--`.
    pub options: Vec<String>,
}

/// One array of a submission: `--array=0-(count-1)`, its tasks being shares `offset + 1` and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    pub offset: usize,
    pub count: usize,
}

/// Divides tasks into arrays whose indices stay below `MaxArraySize`.
pub fn arrays(tasks: usize, max_array_size: usize) -> Vec<Array> {
    let most = max_array_size.max(1);
    (0..tasks).step_by(most).map(|offset| Array { offset, count: most.min(tasks - offset) }).collect()
}

/// `MaxArraySize` of what `scontrol show config` prints.
pub fn max_array_size(config: &str) -> Option<usize> {
    config.lines().find_map(|line| line.strip_prefix("MaxArraySize")?.split_once('=')?.1.trim().parse().ok())
}

/// A word as the shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Whether what was written after `--` are options of `sbatch` that both the tasks and their merge can have.
pub fn check(options: &[String]) -> Result<(), String> {
    if let Some(first) = options.first().filter(|first| !first.starts_with('-')) {
        return Err(format!(
            "`{first}` is no option of `sbatch`: the script is made here; after `--` come options only"
        ));
    }
    let own = |option: &&String| {
        let name = option.split('=').next().unwrap_or_default();
        ["--array", "--wrap"].contains(&name) || option.starts_with("-a")
    };
    if let Some(option) = options.iter().find(own) {
        return Err(format!("`{option}` cannot be given: `--tasks` and `--max-running` say what the array is"));
    }
    match options.iter().find(|option| option.contains(char::is_control)) {
        Some(option) => Err(format!("{option:?} does not fit on a line of a script")),
        None => Ok(()),
    }
}

/// Options that belong to one job, a name and its value on one line each.
fn lines(options: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in options {
        match lines.last_mut() {
            Some(last) if !word.starts_with('-') => *last = format!("{last} {}", quoted(word)),
            _ => lines.push(quoted(word)),
        }
    }
    lines
}

/// Seconds of a `--time` or `-t` among the options.
pub fn time_limit(options: &[String]) -> Option<u64> {
    let value = options.iter().enumerate().rev().find_map(|(place, word)| {
        let next = || options.get(place + 1).map(String::as_str);
        match word.as_str() {
            "--time" | "-t" => next(),
            word => word.strip_prefix("--time=").or_else(|| word.strip_prefix("-t").filter(|rest| !rest.is_empty())),
        }
    })?;
    seconds(value)
}

/// Seconds of a time as Slurm reads and prints it: `MM`, `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM`, `D-HH:MM:SS`; None for
/// `UNLIMITED` and the like.
pub fn seconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let (days, rest) = match value.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, value),
    };
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = match (days, &parts[..]) {
        (Some(_), [hours]) => [*hours, 0, 0],
        (Some(_), [hours, minutes]) => [*hours, *minutes, 0],
        (None, [minutes]) => [0, *minutes, 0],
        (None, [minutes, seconds]) => [0, *minutes, *seconds],
        (_, [hours, minutes, seconds]) => [*hours, *minutes, *seconds],
        _ => return None,
    };
    let units = [(days.unwrap_or(0), 86_400), (hours, 3600), (minutes, 60), (seconds, 1)];
    let all = units.into_iter().try_fold(0u64, |sum, (count, unit)| sum.checked_add(count.checked_mul(unit)?));
    all.filter(|seconds| *seconds <= LONGEST)
}

impl Submission {
    /// Where a job writes what it says; `%` stands for itself in the folder's own name.
    fn log(&self, name: &str) -> String {
        format!("#SBATCH --output={}", quoted(&format!("{}/{name}", self.frozen.replace('%', "%%"))))
    }

    /// The script of a task. `$1` is the offset of its array.
    pub fn script(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| _ = writeln!(text, "{words}");
        line("#!/bin/bash".into());
        line(format!("# A share of `{}`: {} tasks, each with a journal of its own.", self.name, self.tasks));
        line(format!("# The plan was frozen when this was submitted; its checksum is {}.", self.plan));
        line(format!("#SBATCH --job-name={}", quoted(&self.name)));
        line(self.log("%A_%a.log"));
        line("#SBATCH --open-mode=append".into());
        line("#SBATCH --requeue".into());
        line(format!("#SBATCH --signal=B:USR1@{NOTICE}"));
        for option in lines(&self.options) {
            line(format!("#SBATCH {option}"));
        }
        line(String::new());
        line("# Threads are the processors that Slurm gives. On USR1, before the time limit, the task ends its runs, writes".into());
        line("# them, and puts itself into the queue again; `exec` lets the signal reach it.".into());
        line("offset=${1:-0}".into());
        line(format!("exec {} run {} \\", quoted(&self.program), quoted(&self.frozen)));
        line(format!("  --out {} \\", quoted(&self.out)));
        line(format!("  --expect-plan {} \\", self.plan));
        let limit = time_limit(&self.options).map_or(String::new(), |seconds| format!(" --time-limit {seconds}"));
        line(format!("  --requeue {MOST_RESTARTS}{limit} \\"));
        line(format!("  --shard \"$((offset + SLURM_ARRAY_TASK_ID + 1))/{}\"", self.tasks));
        text
    }

    /// The script of the job that merges, when every task has ended in one way or another.
    pub fn merge_script(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| _ = writeln!(text, "{words}");
        line("#!/bin/bash".into());
        line(format!("# Reports of `{}` from the journals of its tasks.", self.name));
        line(format!("#SBATCH --job-name={}", quoted(&format!("{}-merge", self.name))));
        line(self.log("merge-%j.log"));
        line("#SBATCH --open-mode=append".into());
        line("#SBATCH --requeue".into());
        for option in lines(&self.options) {
            line(format!("#SBATCH {option}"));
        }
        line(String::new());
        line(format!("exec {} merge {}", quoted(&self.program), quoted(&self.results)));
        text
    }

    /// Arguments of `sbatch` for an array. `after` is the job before it, which it waits for where the number of running
    /// tasks is limited over all arrays.
    pub fn array_arguments(&self, array: Array, script: &str, after: Option<&str>) -> Vec<String> {
        let limit = self.max_running.map_or(String::new(), |most| format!("%{most}"));
        let mut words = vec!["--parsable".to_string(), format!("--array=0-{}{limit}", array.count - 1)];
        words.extend(after.filter(|_| self.max_running.is_some()).map(|job| format!("--dependency=afterany:{job}")));
        words.extend([script.to_string(), array.offset.to_string()]);
        words
    }

    pub fn merge_arguments(&self, script: &str, jobs: &[String]) -> Vec<String> {
        vec!["--parsable".to_string(), format!("--dependency=afterany:{}", jobs.join(":")), script.to_string()]
    }
}

/// How `squeue` is asked for each task of these arrays: job, task, state, and why it waits; None without arrays.
pub fn queue_arguments(jobs: &[String]) -> Option<Vec<String>> {
    let words = ["--noheader", "--array", "--format=%F %K %T %r"].map(String::from);
    (!jobs.is_empty()).then(|| words.into_iter().chain([format!("--jobs={}", jobs.join(","))]).collect())
}

/// A task in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    pub job: String,
    pub task: usize,
    /// Slurm's word, e.g. `PENDING`.
    pub state: String,
    /// Why it waits, in Slurm's word; `None` where it does not.
    pub reason: String,
}

impl Queued {
    /// A process is there, or just ends.
    pub fn runs(&self) -> bool {
        ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED"].contains(&self.state.as_str())
    }
}

/// The tasks that `squeue` lists, asked by `queue_arguments`.
pub fn queue(printed: &str) -> Vec<Queued> {
    let entry = |line: &str| {
        let mut words = line.split_whitespace().map(String::from);
        let (job, task, state) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        Some(Queued { job, task, state, reason: words.collect::<Vec<_>>().join(" ") })
    };
    printed.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission() -> Submission {
        Submission {
            program: "/opt/sbi-run".into(),
            frozen: "/data/a 5%b/results/silver/submitted-1".into(),
            out: "/data/a 5%b/results".into(),
            results: "/data/a 5%b/results/silver".into(),
            name: "silver".into(),
            plan: "ab12".into(),
            tasks: 8,
            max_running: Some(3),
            options: ["--time=0:30:00", "-p", "long", "--cpus-per-task=4"].map(String::from).to_vec(),
        }
    }

    #[test]
    fn a_script_can_be_read_and_has_what_a_task_needs() {
        let script = submission().script();
        for part in [
            "#!/bin/bash\n",
            "#SBATCH --requeue\n",
            "#SBATCH --open-mode=append\n",
            "#SBATCH --signal=B:USR1@120\n",
            "#SBATCH --time=0:30:00\n#SBATCH -p long\n#SBATCH --cpus-per-task=4\n",
            "#SBATCH --output='/data/a 5%%b/results/silver/submitted-1/%A_%a.log'\n",
            "exec /opt/sbi-run run '/data/a 5%b/results/silver/submitted-1' \\\n  --out '/data/a 5%b/results' \\\n",
            "--expect-plan ab12",
            "--time-limit 1800",
            "--shard \"$((offset + SLURM_ARRAY_TASK_ID + 1))/8\"\n",
        ] {
            assert!(script.contains(part), "{part} in\n{script}");
        }
        assert!(submission().merge_script().contains("exec /opt/sbi-run merge '/data/a 5%b/results/silver'\n"));
    }

    #[test]
    fn arrays_stay_below_the_largest_and_follow_each_other() {
        let parts = arrays(2500, 1001);
        assert_eq!(
            parts.iter().map(|part| (part.offset, part.count)).collect::<Vec<_>>(),
            [(0, 1001), (1001, 1001), (2002, 498)]
        );
        assert_eq!(arrays(8, 1001), [Array { offset: 0, count: 8 }]);
        let words = submission().array_arguments(parts[1], "x.sh", Some("7"));
        assert_eq!(words, ["--parsable", "--array=0-1000%3", "--dependency=afterany:7", "x.sh", "1001"]);
        let words = submission().merge_arguments("m.sh", &["7".into(), "8".into()]);
        assert_eq!(words, ["--parsable", "--dependency=afterany:7:8", "m.sh"]);
        assert_eq!(max_array_size("A = 1\nMaxArraySize            = 1001\n"), Some(1001));
    }

    #[test]
    fn time_limits_are_read_as_slurm_reads_them() {
        let limit = |words: &[&str]| time_limit(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
        for (text, seconds) in
            [("30", 1800), ("30:10", 1810), ("1:00:00", 3600), ("1-2", 93_600), ("1-0:30", 88_200), ("1-0:0:5", 86_405)]
        {
            assert_eq!(limit(&[&format!("--time={text}")]), Some(seconds), "{text}");
            assert_eq!(limit(&["-p", "x", "-t", text]), Some(seconds));
        }
        assert_eq!((seconds("1:58\n"), seconds("UNLIMITED\n")), (Some(118), None), "as squeue prints them");
        assert_eq!(limit(&["--mem=3"]), None);
        assert_eq!(limit(&["--time=UNLIMITED"]), None);
        assert_eq!((limit(&["--time=11574-0"]), limit(&["--time=11575-0"])), (Some(999_993_600), None));
        assert_eq!(limit(&[&format!("-t{}", u64::MAX)]), None);
    }

    #[test]
    fn what_is_no_option_of_every_job_is_refused() {
        let checked = |words: &[&str]| check(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
        assert_eq!(checked(&["--time=60", "-p", "long", "--account=a"]), Ok(()));
        assert_eq!(checked(&[]), Ok(()));
        for (words, part) in [
            (&["job.sh", "--time=60"][..], "`job.sh` is no option"),
            (&["--time=60", "--array=0-3"], "`--array=0-3` cannot be given"),
            (&["-a0-3"], "`-a0-3` cannot be given"),
            (&["--wrap", "x"], "`--wrap` cannot be given"),
            (&["--comment", "a\nb"], "does not fit on a line"),
        ] {
            assert!(checked(words).unwrap_err().contains(part), "{words:?}");
        }
    }

    #[test]
    fn a_queue_is_read() {
        let queued = queue("12 3 RUNNING None\n12 4 PENDING launch failed\n12 N/A PENDING Priority\n");
        assert_eq!(queued.iter().map(|task| (task.task, task.runs())).collect::<Vec<_>>(), [(3, true), (4, false)]);
        assert_eq!((queued[1].job.as_str(), queued[1].reason.as_str()), ("12", "launch failed"));
    }
}
