//! Results folders that cannot be written, and reports made again from one that was.

use std::collections::BTreeMap;
use std::fs;

use crate::tool::Lab;

const SMALL: [&str; 5] = ["experiments/half_life.toml", "--set", "sweep.repeats=1", "--out", "results"];

fn small(lab: &Lab) {
    let mut arguments = SMALL.to_vec();
    arguments.push("--quiet");
    lab.run(&arguments).ends(0);
}

fn files(lab: &Lab, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(lab.path(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().display().to_string(), fs::read(path).unwrap())).collect()
}

/// Everything but what was measured is made again from the journal, byte for byte, wherever the folder lies by then.
#[test]
fn reports_are_made_again_from_the_folder_alone() {
    let lab = Lab::with_shipped();
    small(&lab);
    let before = files(&lab, "results/half_life");
    for name in before.keys() {
        let kept = [
            "journal.jsonl",
            "journal.measured.json",
            "inputs.json",
            "resolved.toml",
            "experiment.toml",
            "provenance.json",
            "timings.csv",
        ];
        if !kept.contains(&name.as_str()) {
            fs::remove_file(lab.path(&format!("results/half_life/{name}"))).unwrap();
        }
    }
    let ran = lab.run(&["report", "results/half_life"]).ends(0);
    assert!(ran.out.contains("half_life_1") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    let after = files(&lab, "results/half_life");
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, bytes) in &before {
        assert!(after[name] == *bytes, "{name} is another:\n{}", String::from_utf8_lossy(&after[name]));
    }
    // The experiment file is not needed any more.
    fs::remove_file(lab.path("experiments/half_life.toml")).unwrap();
    assert!(lab.run(&["report", "results/half_life", "--quiet"]).ends(0).out.is_empty());
    assert_eq!(files(&lab, "results/half_life"), before);
}

#[test]
fn what_is_no_results_folder_is_said() {
    let lab = Lab::with_shipped();
    let ran = lab.run(&["report", "data"]).ends(3);
    assert!(ran.err.contains("`data` is not a results folder"), "{}", ran.err);
    for command in ["merge", "status", "report"] {
        lab.run(&[command, "nowhere"]).ends(3);
        let ran = lab.run(&[command, "experiments/half_life.toml"]).ends(3);
        assert!(ran.err.contains("results") && !ran.err.contains("os error"), "{}", ran.err);
    }
    small(&lab);
    fs::remove_file(lab.path("results/half_life/journal.jsonl")).unwrap();
    let ran = lab.run(&["report", "results/half_life"]).ends(3);
    assert!(ran.err.contains("journal.jsonl"), "{}", ran.err);
}

/// The experiment of a results folder is an experiment: what is wrong in it is invalid input, whichever command reads it.
#[test]
fn an_experiment_that_was_changed_by_hand_is_invalid_input() {
    let lab = Lab::with_shipped();
    lab.run(&[&SMALL[..], &["--shard", "1/1", "--quiet"]].concat()).ends(0);
    let ran = lab.run(&["report", "results/half_life"]).ends(3);
    assert!(ran.err.contains("has no reports yet: sbi-run merge results/half_life makes them"), "{}", ran.err);
    lab.run(&["merge", "results/half_life", "--quiet"]).ends(0);
    for name in ["experiment.toml", "resolved.toml"] {
        let name = format!("results/half_life/{name}");
        lab.write(&name, format!("titel = \"x\"\n{}", lab.read(&name)));
    }
    for command in ["run", "merge", "status", "report"] {
        let ran = lab.run(&[command, "results/half_life"]).ends(2);
        assert!(ran.err.contains("unknown key `titel`"), "{command}: {}", ran.err);
    }
}

/// A second process that would write to the same journal leaves at once, and what is there stays as it is.
#[test]
fn a_folder_in_use_is_left_alone() {
    let lab = Lab::with_shipped();
    small(&lab);
    let before = files(&lab, "results/half_life");
    let journal = fs::File::open(lab.path("results/half_life/journal.jsonl")).unwrap();
    journal.lock().unwrap();
    let ran = lab.run(&SMALL).ends(3);
    assert!(ran.err.contains("another process is writing to") && ran.err.contains("journal.jsonl"), "{}", ran.err);
    assert!(ran.out.is_empty(), "{}", ran.out);
    assert_eq!(files(&lab, "results/half_life"), before);
    journal.unlock().unwrap();
    lab.run(&SMALL).ends(0);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_runs() {
    let lab = Lab::with_shipped();
    lab.write("taken", "a file");
    let ran = lab.run(&["experiments/half_life.toml", "--out", "taken"]).ends(3);
    assert!(ran.err.contains("taken"), "{}", ran.err);
    lab.write("results/half_life", "a file");
    let ran = lab.run(&["experiments/half_life.toml"]).ends(3);
    assert!(ran.err.contains("is in the way"), "{}", ran.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir(lab.path("shut")).unwrap();
        fs::set_permissions(lab.path("shut"), fs::Permissions::from_mode(0o555)).unwrap();
        // Who may write everywhere is not stopped by this.
        if fs::write(lab.path("shut/probe"), "").is_err() {
            let ran = lab.run(&["experiments/half_life.toml", "--out", "shut"]).ends(3);
            assert!(ran.err.contains("cannot make the folder"), "{}", ran.err);
        }
    }
    #[cfg(target_os = "linux")]
    {
        // A folder of the kernel's own, in which no one can make files.
        let ran = lab.run(&["experiments/half_life.toml", "--out", "/proc/self"]).ends(3);
        assert!(ran.err.contains("cannot make the folder `/proc/self/half_life`"), "{}", ran.err);
    }
}
