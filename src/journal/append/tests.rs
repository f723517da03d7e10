//! Journals cut anywhere, damaged, doubled, foreign, removed.

use super::*;
use crate::journal::read::Findings;
use crate::record::Status;
use std::fs;

fn record(identity: &str, loss: f64) -> Record {
    Record {
        identity: identity.into(),
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

fn folder() -> (tempfile::TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::create(home.path()).unwrap();
    (home, folder)
}

fn open(folder: &Folder) -> (Journal, Vec<Record>) {
    let (journal, history) = Journal::open(folder).unwrap();
    (journal, history.records)
}

fn records(folder: &Path) -> Result<(Vec<Record>, Findings), Error> {
    History::read(folder).map(|history| (history.records, history.findings))
}

#[test]
fn records_come_back_wherever_the_file_was_cut() {
    let (_home, folder) = folder();
    let written: Vec<Record> = (0..4).map(|i| record(&format!("run{i}"), f64::from(i))).collect();
    let (mut journal, found) = open(&folder);
    assert!(found.is_empty());
    let header = journal.length as usize;
    let mut ends = vec![header];
    for record in &written {
        journal.append(record).unwrap();
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
            journal.append(record).unwrap();
        }
        drop(journal);
        assert_eq!(fs::read(folder.file(FILE)).unwrap(), whole, "cut at byte {cut}");
    }
}

#[test]
fn repeated_records_count_once_and_a_second_try_replaces_a_failure() {
    let (_home, folder) = folder();
    let (mut journal, _) = Journal::open(&folder).unwrap();
    let failed = Record { status: Status::Failed, loss: None, parameters: Vec::new(), ..record("b", 0.0) };
    for record in [&record("a", 1.0), &failed, &Record { seconds: 9.0, ..record("a", 1.0) }, &record("b", 2.0)] {
        journal.append(record).unwrap();
    }
    drop(journal);
    let (found, findings) = records(folder.path()).unwrap();
    assert_eq!(found, [record("a", 1.0), record("b", 2.0)]);
    assert_eq!(findings, Findings { repeated: 2, ..Findings::default() });
    let (mut journal, _) = Journal::open(&folder).unwrap();
    journal.append(&record("a", 1.5)).unwrap();
    drop(journal);
    assert!(
        matches!(records(folder.path()), Err(Error::Disagreement { places, .. }) if places.each_ref().map(|(_, line)| *line) == [2, 6])
    );
}

#[test]
fn a_damaged_line_in_the_middle_costs_only_itself() {
    let (_home, folder) = folder();
    let (mut journal, _) = Journal::open(&folder).unwrap();
    journal.append(&record("a", 1.0)).unwrap();
    let place = journal.length as usize - 5;
    journal.append(&record("b", 2.0)).unwrap();
    drop(journal);
    let mut bytes = fs::read(folder.file(FILE)).unwrap();
    bytes[place] ^= 4;
    fs::write(folder.file(FILE), bytes).unwrap();
    let (found, findings) = records(folder.path()).unwrap();
    assert_eq!(found, [record("b", 2.0)]);
    assert_eq!(findings.damaged, 1);
}

#[test]
fn foreign_files_other_formats_and_second_writers_are_refused() {
    let (_home, folder) = folder();
    for text in ["run,loss\n1,2\n", "rub", "\u{0}\u{1}\n", "{\"a\":1}\n"] {
        fs::write(folder.file(FILE), text).unwrap();
        assert!(matches!(Journal::open(&folder), Err(Error::NotJournal(_))), "{text:?}");
        assert_eq!(fs::read_to_string(folder.file(FILE)).unwrap(), text);
    }
    fs::write(folder.file(FILE), "{\"journal\":99,\"program\":\"sbi-run 9\"}\n").unwrap();
    assert!(matches!(Journal::open(&folder), Err(Error::Version { found: 99, .. })));
    fs::remove_file(folder.file(FILE)).unwrap();
    let _first = Journal::open(&folder).unwrap();
    assert!(matches!(Journal::open(&folder), Err(Error::Locked(_))));
}

/// `cargo test journal_speed -- --ignored --nocapture`: cost per run and memory of the file.
#[test]
#[ignore = "measures"]
fn journal_speed() {
    let (_home, folder) = folder();
    let (mut journal, _) = Journal::open(&folder).unwrap();
    let parameters: Vec<f64> = (0..10).map(|i| 1.0 / (3.0 + f64::from(i))).collect();
    let records: Vec<Record> = (0..100_000)
        .map(|i| Record { parameters: parameters.clone(), ..record(&format!("{i:064}"), 1.0 / f64::from(i + 3)) })
        .collect();
    let start = std::time::Instant::now();
    records.iter().for_each(|record| journal.append(record).unwrap());
    let seconds = start.elapsed().as_secs_f64();
    println!("append {:.2} µs a run, {} bytes a run", seconds * 10.0, journal.length / 100_000);
    drop(journal);
    let start = std::time::Instant::now();
    assert_eq!(History::read(folder.path()).unwrap().records.len(), 100_000);
    println!("read {:.2} µs a run", start.elapsed().as_secs_f64() * 10.0);
}

fn origin(shard: &str) -> Origin {
    Origin { shard: shard.into(), host: "here".into(), pid: 1, threads: 1, task: None }
}

#[test]
fn shards_have_files_of_their_own_and_are_read_together() {
    let (_home, folder) = folder();
    let shard = |text: &str| text.parse::<Shard>().unwrap();
    let mut first = Journal::create(&folder, shard("1/2"), origin("1/2")).unwrap();
    let mut twice = Journal::create(&folder, shard("1/2"), origin("1/2")).unwrap();
    let mut second = Journal::create(&folder, shard("2/2"), origin("2/2")).unwrap();
    first.append(&record("a", 1.0)).unwrap();
    twice.append(&Record { seconds: 7.0, ..record("a", 1.0) }).unwrap();
    twice.append(&record("b", 2.0)).unwrap();
    second.append(&record("c", 3.0)).unwrap();
    second.end("done", &[]).unwrap();
    let names: Vec<String> =
        [&first, &twice, &second].map(|j| j.path().file_name().unwrap().to_string_lossy().into_owned()).to_vec();
    assert_eq!(names, ["journal.1-of-2.jsonl", "journal.1-of-2.2.jsonl", "journal.2-of-2.jsonl"]);
    let history = History::read(folder.path()).unwrap();
    let mut found: Vec<&str> = history.records.iter().map(|record| record.identity.as_str()).collect();
    found.sort();
    assert_eq!(found, ["a", "b", "c"]);
    assert_eq!(history.findings, Findings { repeated: 1, ..Findings::default() });
    let ended: Vec<Option<&str>> = history.journals.iter().map(|journal| journal.end.as_deref()).collect();
    assert_eq!(ended.iter().filter(|end| **end == Some("done")).count(), 1);
    // Who disagrees is named, both of them.
    second.append(&record("a", 1.5)).unwrap();
    let message = History::read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("journal.2-of-2.jsonl") && message.contains("journal.1-of-2"), "{message}");
}

#[test]
fn a_failed_run_is_replaced_by_an_answer_from_any_file() {
    let (_home, folder) = folder();
    let failed = Record { status: Status::Failed, loss: None, parameters: Vec::new(), ..record("a", 0.0) };
    for (shard, written) in [("1/2", &record("a", 1.0)), ("2/2", &failed)] {
        let shard: Shard = shard.parse().unwrap();
        Journal::create(&folder, shard, origin("")).unwrap().append(written).unwrap();
    }
    assert_eq!(records(folder.path()).unwrap().0, [record("a", 1.0)]);
}

#[cfg(unix)]
#[test]
fn a_journal_removed_under_way_is_noticed() {
    let (_home, folder) = folder();
    let (mut journal, _) = open(&folder);
    journal.append(&record("a", 1.0)).unwrap();
    fs::remove_file(folder.file(FILE)).unwrap();
    assert!(matches!(journal.append(&record("b", 1.0)), Err(Error::Removed(_))));
}
