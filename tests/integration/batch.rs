//! A share under a batch system, where none is: signals, the queue, the time limit, submission, the templates of the docs.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::laws::{CASE, assert_same, decay, results};
use crate::tool::{Lab, Ran, available, repository};

/// Sixty runs of about a tenth of a second each.
const LONG: &str = r#"
[[optimizer]]
method = "differential_evolution"
[budget]
evaluations = 20000
[sweep]
repeats = 60
"#;

/// A lab whose `scontrol` writes down what it is asked.
fn lab() -> Lab {
    let lab = Lab::with_shipped();
    lab.write("long.toml", decay(3000, LONG));
    lab.fake("scontrol", "echo \"$*\" >> asked");
    lab
}

/// A share under a pretended Slurm.
fn share(lab: &Lab, options: &[&str], restarts: &str) -> Command {
    let mut command = lab.command_with_fakes(&[&["long.toml", "--shard", "1/2", "--requeue", "3"], options].concat());
    command.env("SLURM_JOB_ID", "77").env("SLURM_ARRAY_JOB_ID", "70").env("SLURM_ARRAY_TASK_ID", "0");
    command.env("SLURM_RESTART_COUNT", restarts).env("SLURM_CPUS_PER_TASK", "2");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

const JOURNAL: &str = "results/long/journal.1-of-2.jsonl";

/// Waits until a run is recorded, and sends the signal.
fn signalled(lab: &Lab, child: Child, signal: &str) -> Ran {
    let begun = Instant::now();
    while fs::read_to_string(lab.path(JOURNAL)).map_or(0, |text| text.lines().count()) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no run ended in two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn usr1_ends_what_runs_and_puts_the_task_into_the_queue_again_so_often() {
    let lab = lab();
    let ran = signalled(&lab, share(&lab, &[], "2").spawn().unwrap(), "-USR1").ends(75);
    assert!(ran.err.contains("share 1/2 interrupted after"), "{}", ran.err);
    assert!(ran.err.contains("sbi-run run results/long --shard 1/2"), "{}", ran.err);
    assert!(ran.err.contains("task 70_0 is in the queue again"), "{}", ran.err);
    assert_eq!(lab.read("asked"), "requeue 70_0\n");
    let journal = lab.read(JOURNAL);
    // Two threads; no run was cut short, all that began are recorded.
    assert!(journal.lines().next().unwrap().contains("\"threads\":2,\"task\":\"70_0\""), "{journal}");
    assert_eq!(journal.lines().last(), Some("{\"end\":\"interrupted\"}"));
    // The third time is the last.
    fs::remove_dir_all(lab.path("results")).unwrap();
    let ran = signalled(&lab, share(&lab, &[], "3").spawn().unwrap(), "-USR1").ends(75);
    assert!(ran.err.contains("put into the queue again 3 times already; it stays out"), "{}", ran.err);
    assert_eq!(lab.read("asked"), "requeue 70_0\n", "Slurm was not asked again");
}

#[test]
fn term_writes_down_what_was_cut_short_and_asks_for_nothing() {
    let lab = lab();
    let begun = Instant::now();
    signalled(&lab, share(&lab, &[], "0").spawn().unwrap(), "-TERM").ends(75);
    assert!(begun.elapsed() < Duration::from_secs(120));
    assert!(!lab.path("asked").exists(), "somebody wanted the end: the task stays out of the queue");
    let journal = lab.read(JOURNAL);
    let last = journal.lines().last().unwrap();
    assert!(last.starts_with("{\"end\":\"interrupted\",\"running\":[\""), "{last}");
    // The same command goes on from there, and then nothing differs.
    for shard in ["1/2", "2/2"] {
        lab.run(&["long.toml", "--shard", shard, "--quiet"]).ends(0);
    }
    lab.run(&["merge", "results/long", "--quiet"]).ends(0);
    lab.run(&["long.toml", "--out", "one", "--quiet"]).ends(0);
    assert_same(&results(&lab, "one/long"), &results(&lab, "results/long"));
}

/// The last twenty seconds are for writing: two are left, or more where the machine is busy; then a hundredth of one, in
/// which no run of those known ends.
#[test]
fn no_run_begins_that_cannot_end_in_time() {
    let lab = lab();
    // Slurm is asked where the limit is not told.
    let some = [22, 26, 34].into_iter().any(|limit| {
        let _ = fs::remove_dir_all(lab.path("results"));
        lab.fake("squeue", &format!("echo \"$*\" > squeue-asked; echo 0:{limit}"));
        let begun = Instant::now();
        let ran = Ran::of(share(&lab, &[], "0").output().unwrap()).ends(75);
        assert!(begun.elapsed() < Duration::from_secs(limit), "{:?}", begun.elapsed());
        assert_eq!(lab.read("squeue-asked"), "--noheader --format=%L --jobs=70_0\n");
        assert!(ran.err.contains("interrupted after"), "{}", ran.err);
        lab.read(JOURNAL).lines().count() > 2
    });
    assert!(some, "some were done");
    assert_eq!(lab.read("asked"), "requeue 70_0\n");
    let ran = Ran::of(share(&lab, &["--time-limit", "20.01"], "0").output().unwrap()).ends(75);
    assert!(ran.err.contains("no run can end within the time limit"), "{}", ran.err);
    let journal = lab.read("results/long/journal.1-of-2.2.jsonl");
    assert_eq!(journal.lines().collect::<Vec<_>>()[1..], ["{\"end\":\"interrupted\"}"], "none was begun");
    assert_eq!(lab.read("asked"), "requeue 70_0\n", "again would be the same again");
}

/// `sbatch` gives numbers; `squeue` tells that two tasks run, one waits, and the rest are gone.
#[test]
fn arrays_are_as_long_as_slurm_allows_and_the_queue_is_asked_once() {
    let lab = lab();
    lab.fake("scontrol", "echo 'MaxArraySize            = 3'");
    lab.fake("sbatch", "echo \"$*\" >> submitted; wc -l < submitted");
    lab.fake("squeue", "echo \"$*\" >> squeue-asked; printf '1 0 RUNNING None\\n2 1 PENDING Resources\\n'");
    let submit = ["submit", "long.toml", "--tasks", "8", "--max-running", "2", "--", "--time=60", "-p", "long"];
    let ran = Ran::of(lab.command_with_fakes(&submit).output().unwrap()).ends(0);
    assert!(ran.out.contains("submitted 8 tasks as 1, 2, 3, and their merge as 4"), "{}", ran.out);
    assert!(ran.err.contains("a task would be shorter than 5 minutes"), "{}", ran.err);
    let frozen = fs::read_dir(lab.path("results/long")).unwrap().map(|entry| entry.unwrap().path());
    let frozen = frozen.into_iter().find(|path| path.is_dir()).unwrap();
    let (task, merge) = (frozen.join("task.sh"), frozen.join("merge.sh"));
    let expected = [
        format!("--parsable --array=0-2%2 {} 0", task.display()),
        format!("--parsable --array=0-2%2 --dependency=afterany:1 {} 3", task.display()),
        format!("--parsable --array=0-1%2 --dependency=afterany:2 {} 6", task.display()),
        format!("--parsable --dependency=afterany:1:2:3 {}", merge.display()),
    ];
    assert_eq!(lab.read("submitted").lines().collect::<Vec<_>>(), expected);
    // The script names the plan that the folder was made from.
    let inputs = lab.read("results/long/inputs.json");
    let checksum = inputs.split("\"plan_sha256\": \"").nth(1).unwrap()[..64].to_string();
    let script = fs::read_to_string(&task).unwrap();
    assert!(script.contains(&format!("--expect-plan {checksum}")) && script.contains("--time-limit 3600"), "{script}");
    let ran = Ran::of(lab.command_with_fakes(&["status", "results/long"]).output().unwrap()).ends(0);
    assert_eq!(lab.read("squeue-asked"), "--noheader --array --format=%F %K %T %r --jobs=1,2,3\n", "asked once");
    let states: Vec<&str> = ran.out.lines().filter(|line| line.contains("/8 ")).collect();
    assert_eq!(states.len(), 8, "{}", ran.out);
    assert!(states[0].ends_with("running") && states[4].ends_with("pending (Resources)"), "{}", ran.out);
    assert!(states[1].ends_with("not begun"), "{}", ran.out);
    assert!(ran.out.contains("\n  sbi-run run results/long --shard 2/8\n"), "{}", ran.out);
    assert!(!ran.out.contains("--shard 1/8") && !ran.out.contains("--shard 5/8"), "{}", ran.out);
    // While they are in the queue, nothing is submitted beside them; afterwards the folder stands for its experiment.
    let more = ["submit", "results/long", "--tasks", "2"];
    let ran = Ran::of(lab.command_with_fakes(&more).output().unwrap()).ends(2);
    assert!(ran.err.contains("scancel 1 2 3"), "{}", ran.err);
    lab.fake("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
    fs::remove_file(lab.path("submitted")).unwrap();
    Ran::of(lab.command_with_fakes(&more).output().unwrap()).ends(0);
    assert_eq!(lab.read("submitted").lines().next(), Some(&*format!("--parsable --array=0-1 {} 0", task.display())));
    let status = || Ran::of(lab.command_with_fakes(&["status", "results/long"]).output().unwrap()).ends(0).out;
    assert!(!status().contains("cannot be asked"));
    lab.fake("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1");
    assert!(status().contains("`squeue` cannot be asked"));
}

/// A job that asks for no processors has some all the same, and not all of the machine.
#[test]
fn threads_are_what_slurm_gives() {
    let lab = lab();
    for (number, given) in
        [(1, &[("SLURM_CPUS_PER_TASK", "3"), ("SLURM_CPUS_ON_NODE", "7")][..]), (2, &[("SLURM_CPUS_ON_NODE", "7")])]
    {
        let share = format!("{number}/2");
        let mut command = lab.command(&["long.toml", "--quiet", "--set", "sweep.repeats=4", "--shard", &share]);
        Ran::of(command.envs(given.iter().copied()).output().unwrap()).ends(0);
        let journal = lab.read(&format!("results/long/journal.{number}-of-2.jsonl"));
        let threads = format!("\"threads\":{}", given[0].1);
        assert!(journal.lines().next().unwrap().contains(&threads), "{threads} in {journal}");
    }
}

/// A journal without an end that was begun on another machine: its process may be there still.
#[test]
fn a_share_on_another_machine_is_not_called_lost() {
    let lab = lab();
    lab.run(&["long.toml", "--shard", "1/2", "--quiet", "--set", "sweep.repeats=4"]).ends(0);
    let journal = lab.read(JOURNAL).lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_string();
    lab.write(JOURNAL, journal.replace(&format!("\"host\":\"{host}\""), "\"host\":\"node17\""));
    let status = lab.run(&["status", "results/long"]).ends(0).out;
    assert!(status.contains("  lost, or running on node17\n"), "{status}");
    assert!(status.contains("sbi-run run results/long --shard 1/2"), "{status}");
    lab.write(JOURNAL, journal);
    let status = lab.run(&["status", "results/long"]).ends(0).out;
    assert!(status.contains("  lost or interrupted\n"), "{status}");
}

#[test]
fn a_submission_that_fails_says_what_is_in_the_queue() {
    let lab = lab();
    lab.fake("scontrol", "echo 'MaxArraySize            = 5'");
    lab.fake("sbatch", "echo x >> n; [ $(wc -l < n) = 1 ] || { echo 'Invalid account' >&2; exit 1; }; echo 12");
    let ran = Ran::of(lab.command_with_fakes(&["submit", "long.toml", "--tasks", "8"]).output().unwrap()).ends(2);
    assert!(ran.err.contains("`sbatch` failed: Invalid account"), "{}", ran.err);
    assert!(ran.err.contains("scancel 12"), "{}", ran.err);
}

/// The blocks of code of `docs/cluster.md` after this heading, up to the next one of code.
fn template(after: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/cluster.md")).unwrap();
    let rest = page.split(&format!("\n{after}\n\n```")).nth(1).unwrap_or_else(|| panic!("no template after {after}"));
    rest.split_once('\n').unwrap().1.split("\n```").next().unwrap().to_string()
}

/// A small experiment of the name that the templates have.
fn half_life() -> Lab {
    let lab = Lab::with_shipped();
    let text = CASE.replace("evaluations = 3000", "evaluations = 300").replace("compare = { points = 5 }", "");
    lab.write("experiments/half_life.toml", text.replace("data/silver", "../data/silver"));
    lab
}

#[track_caller]
fn merges_to_the_same(lab: &Lab) {
    lab.run(&["experiments/half_life.toml", "--out", "one", "--quiet"]).ends(0);
    lab.run(&["merge", "results/half_life", "--quiet"]).ends(0);
    assert_same(&results(lab, "one/half_life"), &results(lab, "results/half_life"));
}

/// Each template is run as its batch system would run it: once for each index, with the variables that it sets.
#[test]
fn the_templates_run_every_share() {
    type Variables = fn(usize) -> Vec<(&'static str, String)>;
    let engines: [(&str, Variables); 3] = [
        ("PBS:", |task| vec![("PBS_ARRAY_INDEX", task.to_string()), ("PBS_O_WORKDIR", ".".into())]),
        ("SGE:", |task| {
            let of = [("SGE_TASK_ID", task + 1), ("SGE_TASK_FIRST", 1), ("SGE_TASK_LAST", 8), ("SGE_TASK_STEPSIZE", 1)];
            of.into_iter().chain([("NSLOTS", 2)]).map(|(name, value)| (name, value.to_string())).collect()
        }),
        ("LSF:", |task| vec![("LSB_JOBINDEX", (task + 1).to_string()), ("LSB_JOBINDEX_END", "8".into())]),
    ];
    for (engine, variables) in engines {
        let lab = half_life();
        let script = template(engine);
        for task in 0..8 {
            let mut command = Command::new("bash");
            command.args(["-c", &script]).current_dir(lab.path("")).env("PATH", lab.search_path());
            Ran::of(command.envs(variables(task)).output().unwrap()).ends(0);
            assert!(
                lab.path(&format!("results/half_life/journal.{}-of-8.jsonl", task + 1)).exists(),
                "{engine} {task}"
            );
        }
        merges_to_the_same(&lab);
    }
    let lab = half_life();
    let template = template("Kubernetes:");
    let words = template.split("command: [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let words: Vec<String> = words.split(", ").map(|word| word.replace("/data/", "")).collect();
    assert_eq!(words[0], "sbi-run");
    fs::copy(lab.path("experiments/half_life.toml"), lab.path("data/half_life.toml")).unwrap();
    let words: Vec<&str> =
        words[1..].iter().map(|word| if word == "half_life.toml" { "data/half_life.toml" } else { word }).collect();
    for task in 0..8 {
        let mut command = lab.command(&words);
        Ran::of(command.env("JOB_COMPLETION_INDEX", task.to_string()).output().unwrap()).ends(0);
    }
    merges_to_the_same(&lab);
}

#[test]
fn gnu_parallel_runs_every_share() {
    if !available("parallel") {
        return;
    }
    let lab = half_life();
    let script = template("GNU parallel, on one machine or over ssh with a shared folder:");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(lab.path("")).env("PATH", lab.search_path()).env("HOME", lab.path(""));
    let ran = Ran::of(command.output().unwrap()).ends(0);
    assert_eq!(ran.err.matches(" is done, ").count(), 8, "{}", ran.err);
    merges_to_the_same(&lab);
}
