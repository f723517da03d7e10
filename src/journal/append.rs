//! The journal: one line per finished run, appended as it finishes, read again when the work goes on.
//!
//! A line goes to the system in one write, so a killed process loses the runs in flight and nothing else. What a crash
//! can leave is a last line without its end: it is cut off when the journal is opened. A damaged line elsewhere is
//! passed over and counted: its run is done again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Error, Folder, line};
use crate::record::{Record, Status};

/// The file's name in a results folder.
pub const FILE: &str = "journal.jsonl";

/// An open journal, locked against a second writer.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines: where the next one begins.
    length: u64,
    pub findings: Findings,
}

/// What was met when a journal was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// A last line was cut off before its end.
    pub torn: bool,
    /// Lines whose checksum does not fit.
    pub damaged: usize,
    /// Records that say again what an earlier one said, or replace a failed one.
    pub repeated: usize,
}

/// Whether nobody else holds the lock. A child of this process that is just being started holds all of its files for a
/// moment, so that one refusal says nothing. A file system without locks is no reason to refuse.
fn lock(file: &File) -> bool {
    let free = || !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    let again = || {
        std::thread::sleep(std::time::Duration::from_millis(10));
        free()
    };
    free() || (0..20).any(|_| again())
}

impl Journal {
    /// Opens the journal of a results folder, makes it where it is missing, and gives the records in it, one per
    /// identity, in the order in which the runs finished first.
    pub fn open(folder: &Folder) -> Result<(Journal, Vec<Record>), Error> {
        let path = folder.file(FILE);
        let failed = |doing| move |source| (doing, source);
        let open = || -> Result<File, (&'static str, std::io::Error)> {
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed("open"))
        };
        let file = open().map_err(|(doing, source)| Error::io(doing, &path, source))?;
        if !lock(&file) {
            return Err(Error::Locked(path));
        }
        let (records, findings, length) = read(&file, &path)?;
        let mut journal = Journal { file, path, length, findings };
        if findings.torn {
            journal.cut()?;
        }
        if length == 0 {
            let header = line::Header { journal: line::FORMAT, program: program() };
            let text = serde_json::to_string(&header).map_err(|error| journal.fault("write", error.into()))?;
            journal.write(&format!("{text}\n"))?;
        }
        Ok((journal, records))
    }

    /// Appends one finished run. After an error the journal ends with the last whole line.
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        let text = line::write(record).map_err(|error| self.fault("write", error.into()))?;
        self.write(&text)
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| self.fault("write", source))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        if let Err(source) = self.file.write_all(text.as_bytes()) {
            let error = self.fault("write", source);
            // The next one to open it would cut it as well; a second failure changes nothing.
            let _ = self.cut();
            return Err(error);
        }
        self.length += text.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), Error> {
        self.file.set_len(self.length).map_err(|source| self.fault("mend", source))
    }

    fn fault(&self, doing: &'static str, source: std::io::Error) -> Error {
        Error::io(doing, &self.path, source)
    }
}

/// The records of a journal that is only looked at, as `report` and `status` do.
pub fn records(folder: &Path) -> Result<(Vec<Record>, Findings), Error> {
    let path = folder.join(FILE);
    let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
    let (records, findings, _) = read(&file, &path)?;
    Ok((records, findings))
}

fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// Records, findings, and the length of the whole lines in bytes.
fn read(file: &File, path: &Path) -> Result<(Vec<Record>, Findings, u64), Error> {
    let fault = |source| Error::io("read", path, source);
    let mut reader = BufReader::with_capacity(1 << 16, file);
    reader.seek(SeekFrom::Start(0)).map_err(fault)?;
    let mut records: Vec<Record> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut findings = Findings::default();
    let (mut length, mut number) = (0, 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        let count = reader.read_until(b'\n', &mut text).map_err(fault)?;
        if text.pop_if(|byte| *byte == b'\n').is_none() {
            // The end, or a line that was not finished. A first line that is no part of a header is not ours to cut.
            if number == 0 && count > 0 && !text.starts_with(b"{\"jour") && !b"{\"jour".starts_with(&text[..]) {
                return Err(Error::NotJournal(path.to_path_buf()));
            }
            findings.torn = count > 0;
            return Ok((records, findings, length));
        }
        length += count as u64;
        number += 1;
        if number == 1 {
            let header: line::Header =
                serde_json::from_slice(&text).map_err(|_| Error::NotJournal(path.to_path_buf()))?;
            if header.journal != line::FORMAT {
                return Err(Error::Version { path: path.to_path_buf(), found: header.journal });
            }
            continue;
        }
        let Some(record) = line::read(&text) else {
            findings.damaged += 1;
            continue;
        };
        let Some(&first) = known.get(&record.identity) else {
            known.insert(record.identity.clone(), records.len());
            records.push(record);
            continue;
        };
        findings.repeated += 1;
        if records[first].status == Status::Failed {
            // `--retry` ran it again.
            records[first] = record;
        } else if !line::agree(&records[first], &record) {
            let identity = record.identity;
            return Err(Error::Disagreement { path: path.to_path_buf(), line: number, identity });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn records_come_back_wherever_the_file_was_cut() {
        let (_home, folder) = folder();
        let written: Vec<Record> = (0..4).map(|i| record(&format!("run{i}"), f64::from(i))).collect();
        let (mut journal, found) = Journal::open(&folder).unwrap();
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
            let (mut journal, found) = Journal::open(&folder).unwrap();
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
        assert!(matches!(records(folder.path()), Err(Error::Disagreement { line: 6, .. })));
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
        assert_eq!(super::records(folder.path()).unwrap().0.len(), 100_000);
        println!("read {:.2} µs a run", start.elapsed().as_secs_f64() * 10.0);
    }
}
