//! Journals cut anywhere, damaged, doubled, foreign, removed.

use std::fs;
use std::sync::OnceLock;

use super::*;
use crate::experiment::{self, sample};
use crate::journal::read::Findings;
use crate::plan;
use crate::record::{Records, Status};

/// 480 runs.
pub fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let folder = sample::folder();
        let written = sample::written(sample::EXAMPLE, folder.path(), &[]);
        let (experiment, _) = experiment::check(&written, &sample::CATALOG).unwrap();
        plan::lay_out(&written, &experiment, &sample::CATALOG).unwrap()
    })
}

/// A record of a run of the plan.
pub fn record(run: usize, loss: f64) -> Record {
    Record {
        identity: plan().identity(run),
        status: Status::Converged,
        reason: "gradient_tolerance".into(),
        loss: Some(loss),
        evaluations: 10,
        gradients: 10,
        iterations: 5,
        work: 0.0,
        parameters: vec![loss],
        trace: Vec::new(),
        intervals: Vec::new(),
        seconds: 0.5,
    }
}

fn failure(run: usize) -> Record {
    Record { status: Status::Failed, loss: None, parameters: Vec::new(), ..record(run, 0.0) }
}

fn folder() -> (tempfile::TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::create(home.path()).unwrap();
    (home, folder)
}

/// The records that are kept, in the order of the plan.
fn kept(history: &History) -> Vec<Record> {
    let records: &dyn Records = &history.kept;
    records.among(0..plan().len()).map(|member| member.unwrap().1.into_owned()).collect()
}

fn open(folder: &Folder) -> (Journal, Vec<Record>) {
    let (journal, history) = Journal::open(folder, plan()).unwrap();
    (journal, kept(&history))
}

fn records(folder: &Folder) -> Result<(Vec<Record>, Findings), Error> {
    History::read(folder.path(), plan()).map(|history| (kept(&history), history.findings))
}

pub fn append(journal: &mut Journal, record: &Record) {
    journal.append([Line::of(record)].iter()).unwrap();
}

pub fn create(folder: &Folder, shard: &str) -> Journal {
    let origin = Origin { shard: shard.into(), host: "here".into(), pid: 1, threads: 1, task: None };
    Journal::create(folder, shard.parse().unwrap(), origin, &mut Kept::of(plan().len())).unwrap()
}

#[test]
fn records_come_back_wherever_the_file_was_cut() {
    let (_home, folder) = folder();
    let written: Vec<Record> = (0..4).map(|i| record(i, i as f64)).collect();
    let (mut journal, found) = open(&folder);
    assert!(found.is_empty());
    let header = journal.length as usize;
    let mut ends = vec![header];
    for record in &written {
        append(&mut journal, record);
        ends.push(journal.length as usize);
    }
    journal.sync().unwrap();
    drop(journal);
    let whole = fs::read(folder.file(FILE)).unwrap();
    for cut in 0..=whole.len() {
        fs::write(folder.file(FILE), &whole[..cut]).unwrap();
        let (mut journal, found) = open(&folder);
        let kept = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
        assert_eq!(found, written[..kept], "cut at byte {cut}");
        for record in &written[kept..] {
            append(&mut journal, record);
        }
        drop(journal);
        assert_eq!(fs::read(folder.file(FILE)).unwrap(), whole, "cut at byte {cut}");
    }
}

#[test]
fn repeated_records_count_once_and_a_second_try_replaces_a_failure() {
    let (_home, folder) = folder();
    let (mut journal, _) = open(&folder);
    for record in [&record(0, 1.0), &failure(1), &Record { seconds: 9.0, ..record(0, 1.0) }, &record(1, 2.0)] {
        append(&mut journal, record);
    }
    drop(journal);
    let (found, findings) = records(&folder).unwrap();
    assert_eq!(found, [record(0, 1.0), record(1, 2.0)]);
    assert_eq!(findings, Findings { repeated: 2, ..Findings::default() });
    let (mut journal, _) = open(&folder);
    append(&mut journal, &record(0, 1.5));
    drop(journal);
    assert!(matches!(records(&folder), Err(Error::Disagreement { first: (_, 2), second: (_, 6), .. })));
}

#[test]
fn a_damaged_line_in_the_middle_costs_only_itself() {
    let (_home, folder) = folder();
    let (mut journal, _) = open(&folder);
    append(&mut journal, &record(0, 1.0));
    let place = journal.length as usize - 5;
    append(&mut journal, &record(1, 2.0));
    drop(journal);
    let mut bytes = fs::read(folder.file(FILE)).unwrap();
    bytes[place] ^= 4;
    fs::write(folder.file(FILE), bytes).unwrap();
    let (found, findings) = records(&folder).unwrap();
    assert_eq!(found, [record(1, 2.0)]);
    assert_eq!(findings.damaged, 1);
}

#[test]
fn foreign_files_other_formats_and_second_writers_are_refused() {
    let (_home, folder) = folder();
    for text in ["run,loss\n1,2\n", "rub", "\u{0}\u{1}\n", "{\"a\":1}\n"] {
        fs::write(folder.file(FILE), text).unwrap();
        assert!(matches!(Journal::open(&folder, plan()), Err(Error::NotJournal(_))), "{text:?}");
        assert_eq!(fs::read_to_string(folder.file(FILE)).unwrap(), text);
    }
    fs::write(folder.file(FILE), "{\"journal\":99,\"program\":\"sbi-run 9\"}\n").unwrap();
    assert!(matches!(Journal::open(&folder, plan()), Err(Error::Version { found: 99, .. })));
    fs::remove_file(folder.file(FILE)).unwrap();
    let _first = open(&folder);
    assert!(matches!(Journal::open(&folder, plan()), Err(Error::Locked(_))));
}

/// `cargo test --release journal_speed -- --ignored --nocapture`: time and bytes of a run with ten parameters.
#[test]
#[ignore = "measures"]
fn journal_speed() {
    let (_home, folder) = folder();
    let (mut journal, _) = open(&folder);
    let parameters: Vec<f64> = (0..10).map(|i| 1.0 / (3.0 + f64::from(i))).collect();
    let runs = 100_000;
    let records: Vec<Record> = (0..runs)
        .map(|i| Record {
            parameters: parameters.clone(),
            identity: format!("{i:064}"),
            ..record(0, 1.0 / (i as f64 + 3.0))
        })
        .collect();
    let start = std::time::Instant::now();
    records.iter().for_each(|record| append(&mut journal, record));
    let each = |start: std::time::Instant| start.elapsed().as_secs_f64() * 1e6 / f64::from(runs);
    println!("append {:.2} µs a run, {} bytes a run", each(start), journal.length / 100_000);
    drop(journal);
    let start = std::time::Instant::now();
    assert_eq!(History::read(folder.path(), plan()).unwrap().unknown, 100_000);
    println!("read {:.2} µs a run", each(start));
}

#[test]
fn shards_have_files_of_their_own_and_are_read_together() {
    let (_home, folder) = folder();
    let mut first = create(&folder, "1/2");
    let mut twice = create(&folder, "1/2");
    let mut second = create(&folder, "2/2");
    append(&mut first, &record(0, 1.0));
    append(&mut twice, &Record { seconds: 7.0, ..record(0, 1.0) });
    append(&mut twice, &record(1, 2.0));
    append(&mut second, &record(2, 3.0));
    append(&mut second, &Record { identity: "00".repeat(32), ..record(2, 3.0) });
    second.end("done", &[]).unwrap();
    let names: Vec<String> =
        [&first, &twice, &second].map(|j| j.path().file_name().unwrap().to_string_lossy().into_owned()).to_vec();
    assert_eq!(names, ["journal.1-of-2.jsonl", "journal.1-of-2.2.jsonl", "journal.2-of-2.jsonl"]);
    let history = History::read(folder.path(), plan()).unwrap();
    let losses: Vec<f64> = kept(&history).iter().filter_map(|record| record.loss).collect();
    assert_eq!((losses, history.unknown), (vec![1.0, 2.0, 3.0], 1));
    assert_eq!(history.findings, Findings { repeated: 1, ..Findings::default() });
    let ended: Vec<Option<&str>> = history.journals.iter().map(|journal| journal.end.as_deref()).collect();
    assert_eq!(ended.iter().filter(|end| **end == Some("done")).count(), 1);
    // Who disagrees is named, both of them.
    append(&mut second, &record(0, 1.5));
    let message = records(&folder).unwrap_err().to_string();
    assert!(message.contains("journal.2-of-2.jsonl") && message.contains("journal.1-of-2"), "{message}");
}

#[test]
fn a_failed_run_is_replaced_by_an_answer_from_any_file() {
    let (_home, folder) = folder();
    append(&mut create(&folder, "1/2"), &record(0, 1.0));
    append(&mut create(&folder, "2/2"), &failure(0));
    assert_eq!(records(&folder).unwrap().0, [record(0, 1.0)]);
}

#[cfg(unix)]
#[test]
fn a_journal_removed_under_way_is_noticed() {
    let (_home, folder) = folder();
    let (mut journal, _) = open(&folder);
    append(&mut journal, &record(0, 1.0));
    fs::remove_file(folder.file(FILE)).unwrap();
    assert!(matches!(journal.append([Line::of(&record(1, 1.0))].iter()), Err(Error::Removed(_))));
}
