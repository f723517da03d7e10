//! Sweeps that lose nothing: shards, merges, edited experiments, disks that are full.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::laws::{CASE, assert_same, results};
use crate::tool::{Lab, Table};

/// Many short runs.
pub fn sweep() -> String {
    let text = CASE.replace("evaluations = 3000", "evaluations = 400").replace("repeats = 3", "repeats = 4");
    text.replace("compare = { points = 5 }", "")
}

fn lab() -> Lab {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    lab.write("sweep.toml", sweep());
    lab
}

/// Text files but those of time, the picture that shows it and the page that holds it.
fn all_files(lab: &Lab, folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(lab.path(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let timed = [
            "timings.csv",
            "accuracy_cost.svg",
            "ecdf_seconds.svg",
            "report.html",
            "comparison.csv",
            "derivatives.csv",
            "ecdf.csv",
            "targets.csv",
        ];
        let own = name.starts_with("journal") || name.ends_with(".json") && name != "provenance.json";
        // What a killed process was writing stays for an hour.
        let rubbish = name.starts_with('.') && name.ends_with(".part");
        if !timed.contains(&name.as_str()) && !own && !rubbish && lab.path(&format!("{folder}/{name}")).is_file() {
            found.push((name.clone(), lab.read(&format!("{folder}/{name}"))));
        }
    }
    found.sort();
    found
}

#[track_caller]
pub fn assert_same_results(lab: &Lab, one: &str, other: &str) {
    assert_same(&results(lab, one), &results(lab, other));
    let (a, b) = (all_files(lab, one), all_files(lab, other));
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn shards_merge_to_what_one_process_gives() {
    let lab = lab();
    lab.run(&["case.toml", "--out", "one", "--quiet"]).ends(0);
    for shard in ["2/3", "0/3"] {
        let ran = lab.run(&["case.toml", "--out", "some", "--shard", shard, "--threads", "2"]).ends(0);
        assert!(ran.err.contains("sbi-run merge some/case") && ran.out.is_empty(), "{}{}", ran.out, ran.err);
        assert!(!lab.path("some/case/runs.csv").exists(), "a share makes no reports");
    }
    // A share is missing: said, with the command, which goes on with any number of shares.
    let ran = lab.run(&["merge", "some/case", "--quiet"]).ends(130);
    assert!(ran.err.contains("10 of 30 runs are missing") && ran.err.contains("sbi-run run some/case"), "{}", ran.err);
    let status = lab.run(&["status", "some/case"]).ends(0).out;
    for line in ["done       20", "running    0", "failed     0", "remaining  10", "sbi-run run some/case --shard 1/3"]
    {
        assert!(status.contains(line), "{line} in\n{status}");
    }
    // Somebody is at the whole plan, with nobody knows how many threads.
    let journal = std::fs::File::create(lab.path("some/case/journal.jsonl")).unwrap();
    journal.lock().unwrap();
    let status = lab.run(&["status", "some/case"]).ends(0).out;
    assert!(status.contains("running    1 or more\n") && status.contains("remaining  9 or fewer\n"), "{status}");
    drop(journal);
    std::fs::remove_file(lab.path("some/case/journal.jsonl")).unwrap();
    for shard in ["1/2", "2/2"] {
        lab.run(&["run", "some/case", "--shard", shard, "--quiet"]).ends(0);
    }
    lab.run(&["merge", "some/case", "--quiet"]).ends(0);
    assert_same_results(&lab, "one/case", "some/case");
    // Each process wrote a file of its own, and none twice.
    let journals = ["journal.2-of-3.jsonl", "journal.3-of-3.jsonl", "journal.1-of-2.jsonl", "journal.2-of-2.jsonl"];
    let lines = journals.map(|name| lab.read(&format!("some/case/{name}")).lines().count());
    assert_eq!(lines.iter().map(|lines| lines - 2).sum::<usize>(), 30, "{lines:?}");
    lab.run(&["report", "some/case", "--quiet"]).ends(0);
    assert_same_results(&lab, "one/case", "some/case");
    // With nothing to do, a share makes no file.
    lab.run(&["run", "some/case", "--shard", "1/4", "--quiet"]).ends(0);
    assert!(!lab.path("some/case/journal.1-of-4.jsonl").exists());
}

#[test]
fn equal_duplicates_are_accepted_and_disagreeing_ones_refused() {
    let lab = lab();
    lab.run(&["case.toml", "--out", "one", "--quiet"]).ends(0);
    lab.run(&["case.toml", "--out", "a", "--shard", "1/2", "--quiet"]).ends(0);
    lab.run(&["case.toml", "--out", "b", "--shard", "1/1", "--quiet"]).ends(0);
    fs::copy(lab.path("b/case/journal.1-of-1.jsonl"), lab.path("a/case/journal.1-of-1.jsonl")).unwrap();
    lab.run(&["merge", "a/case", "--quiet"]).ends(0);
    assert_same_results(&lab, "one/case", "a/case");
    // The same run with other numbers, its checksum right: from another version, say.
    lab.run(&["case.toml", "--out", "c", "--quiet", "--set", "budget.evaluations=5"]);
    let other = lab.table("c/case/plan.csv").column("identity")[0].to_string();
    let this = lab.table("one/case/plan.csv").column("identity")[0].to_string();
    let line =
        lab.read("c/case/journal.jsonl").lines().find(|line| line.contains(&other)).unwrap().replace(&other, &this);
    let rest = &line[line.find("\"id\"").unwrap()..];
    let journal = lab.read("c/case/journal.jsonl");
    let header = journal.lines().next().unwrap();
    lab.write("a/case/journal.9.jsonl", format!("{header}\n{{\"crc\":\"{:08x}\",{rest}\n", crc(rest.as_bytes())));
    let ran = lab.run(&["merge", "a/case", "--quiet"]).ends(3);
    assert!(ran.err.contains("journal.9.jsonl") && ran.err.contains("journal.1-of-"), "{}", ran.err);
}

/// CRC-32, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[test]
fn shares_are_checked_and_auto_reads_the_environment_only_when_asked() {
    let lab = lab();
    for wrong in ["3", "4/3", "1/0", "a/b", "auto"] {
        let ran = lab.run(&["case.toml", "--shard", wrong]).ends(2);
        assert!(ran.err.contains("--shard") || ran.err.contains("write I/N"), "{wrong}: {}", ran.err);
    }
    lab.run(&["case.toml", "--shard", "1/2", "--fresh"]).ends(2);
    for wrong in ["inf", "nan", "-5", "1e30", "x"] {
        let ran = lab.run(&["case.toml", &format!("--time-limit={wrong}")]).ends(2);
        assert!(ran.err.contains("a number of seconds from 0 to 1000000000"), "{wrong}: {}", ran.err);
    }
    let mut command = lab.command(&["case.toml", "--shard", "auto/3", "--quiet"]);
    assert!(command.env("JOB_COMPLETION_INDEX", "1").status().unwrap().success());
    assert!(lab.path("results/case/journal.2-of-3.jsonl").exists());
    lab.run(&["merge", "nowhere"]).ends(3);
    let ran = lab.run(&["merge", "experiments"]).ends(3);
    assert!(ran.err.contains("is no folder of results"), "{}", ran.err);
}

/// What an edited experiment still has is kept; what belongs to other settings or data is kept and not shown.
#[test]
fn identity_is_content() {
    let lab = lab();
    lab.run(&["sweep.toml", "--quiet"]).ends(0);
    let journal = || lab.read("results/sweep/journal.jsonl").lines().count() - 1;
    let all = journal();
    lab.write("sweep.toml", sweep().replace("[1e-5, 1e-7]", "[1e-7, 1e-5, 1e-6]"));
    lab.run(&["sweep.toml", "--quiet"]).ends(0);
    assert_eq!(journal(), all / 2 * 3, "only the new value was run");
    lab.write("sweep.toml", sweep().replace("[1e-5, 1e-7]", "[1e-7]"));
    let ran = lab.run(&["sweep.toml"]).ends(0);
    assert!(ran.err.contains(&format!("{all} finished runs in the journal belong to other settings")), "{}", ran.err);
    assert!(ran.err.contains("the experiment, or `--set`, was changed"), "{}", ran.err);
    assert_eq!(lab.table("results/sweep/runs.csv").rows.len(), all / 2);
    // Another row of data: other runs.
    let data = lab.read("data/silver_decay.csv");
    let last = data.trim_end().rsplit_once('\n').unwrap().0;
    lab.write("data/silver_decay.csv", format!("{last}\n"));
    let ran = lab.run(&["sweep.toml"]).ends(0);
    assert!(ran.err.contains(&format!("{} finished runs", all / 2 * 3)), "{}", ran.err);
    assert!(ran.err.contains("the data `data/silver_decay.csv` were changed; the experiment was not"), "{}", ran.err);
    assert_eq!(journal(), all / 2 * 4);
    // As a program with other defaults would have left the folder.
    let inputs = lab.read("results/sweep/inputs.json");
    let plan = inputs.split("\"plan_sha256\": \"").nth(1).unwrap()[..64].to_string();
    lab.run(&["sweep.toml", "--quiet", "--set", "budget.evaluations=399"]).ends(0);
    let before = lab.read("results/sweep/inputs.json");
    assert!(!before.contains(&plan), "other settings are another plan");
    let without =
        format!("{}\"set\": []{}", before.split("\"set\"").next().unwrap(), before.split(']').next_back().unwrap());
    lab.write("results/sweep/inputs.json", without);
    let ran = lab.run(&["sweep.toml"]).ends(0);
    let told = "the data, or a default of this program, were changed; the experiment was not";
    assert!(ran.err.contains(told), "{}", ran.err);
    let ran = lab.run(&["sweep.toml", "--expect-plan", "0123"]).ends(2);
    assert!(ran.err.contains("changed since"), "{}", ran.err);
}

/// Shells limit the size of files: a disk that is full, as the journal sees it.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_work_and_corrupts_nothing() {
    let lab = lab();
    lab.run(&["sweep.toml", "--out", "whole", "--quiet"]).ends(0);
    let size = fs::metadata(lab.path("whole/sweep/journal.jsonl")).unwrap().len();
    // What is said goes to the screen, or to a log on the same disk.
    for (blocks, log) in [(1, ""), (size / 2048, ""), (size / 1024 - 1, ""), (size / 2048 + 1, " 2>/dev/full")] {
        let out = format!("full{blocks}");
        // bash counts blocks of 1024 bytes.
        let line =
            format!("ulimit -f {blocks}; exec {} sweep.toml --out {out} --quiet{log}", env!("CARGO_BIN_EXE_sbi-run"));
        let ran = Command::new("bash").args(["-c", &line]).current_dir(lab.path("")).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(3), "{blocks}: {said}");
        assert!(said.starts_with("sbi-run: cannot write") || !log.is_empty(), "{said}");
        lab.run(&["sweep.toml", "--out", &out, "--quiet"]).ends(0);
        assert_same_results(&lab, "whole/sweep", &format!("{out}/sweep"));
    }
}

#[cfg(unix)]
#[test]
fn a_journal_removed_under_way_is_told() {
    let lab = lab();
    let long = sweep().replace("evaluations = 400", "evaluations = 100000").replace("repeats = 4", "repeats = 40");
    lab.write("sweep.toml", long.replace("differential_evolution", "genetic"));
    let child = lab.command(&["sweep.toml", "--quiet"]).stderr(Stdio::piped()).spawn().unwrap();
    let journal = lab.path("results/sweep/journal.jsonl");
    let begun = Instant::now();
    while fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run ended in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::remove_file(&journal).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("was removed while it was written to"), "{said}");
}

#[test]
fn the_script_for_slurm_is_printed_and_nothing_is_done() {
    let lab = lab();
    let arguments = ["submit", "case.toml", "--tasks", "8", "--max-running", "3", "--print-script"];
    let ran = lab.run(&[&arguments[..], &["--", "--time=60", "-p", "long"]].concat()).ends(0);
    for part in [
        "--requeue\n",
        "--open-mode=append\n",
        "--signal=B:USR1@120\n",
        "#SBATCH -p long\n",
        "exec ",
        "%3",
        "afterany",
        " merge ",
    ] {
        assert!(ran.out.contains(part), "{part} in\n{}", ran.out);
    }
    assert!(ran.err.contains("shorter than 5 minutes"), "{}", ran.err);
    assert!(!lab.path("results").exists());
    let checksum = ran.out.split("--expect-plan ").nth(1).unwrap()[..64].to_string();
    lab.run(&["case.toml", "--quiet", "--expect-plan", &checksum]).ends(0);
    assert_eq!(Table::read(&lab.read("results/case/plan.csv")).rows.len(), 30);
    lab.run(&["submit", "case.toml"]).ends(2);
    let ran = lab.run(&[&arguments[..], &["--", "--array=0-3"]].concat()).ends(2);
    assert!(ran.err.contains("`--array=0-3` cannot be given") && ran.out.is_empty(), "{}", ran.err);
}
