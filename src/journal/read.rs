//! The journals of a results folder, read together: a pure function of the files and the plan.
//!
//! One record per identity counts. An answer replaces a failure, whichever was written first; of two failures in one file
//! the later counts. Records that say the same but for their time are accepted, and counted; answers that disagree are
//! refused, naming both. A last line without its end, and a damaged line elsewhere, are passed over: their runs are done
//! again. Records are found by identity, never by position, so that an edited sweep keeps what it still contains.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Error;
use super::kept::{Kept, Place};
use super::line::{self, Header, Origin};
use crate::plan::Plan;
use crate::record::{Record, Status};

/// What the journals of a folder hold together.
#[derive(Debug, Default)]
pub struct History {
    /// Of the runs of the plan.
    pub kept: Kept,
    /// Runs that are recorded and belong to no run of the plan.
    pub unknown: usize,
    /// The longest time of a record, in seconds.
    pub longest: f64,
    pub findings: Findings,
    pub journals: Vec<Seen>,
}

/// One journal of the folder.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: PathBuf,
    /// Who writes or wrote it; None for the journal of the whole plan.
    pub origin: Option<Origin>,
    /// Why its process ended; None where it runs, or was lost.
    pub end: Option<String>,
    /// Records in it.
    pub records: usize,
}

/// What was met when journals were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// A last line was cut off before its end.
    pub torn: bool,
    /// Lines whose checksum does not fit.
    pub damaged: usize,
    /// Records that say again what an earlier one said, or replace a failed one.
    pub repeated: usize,
}

/// The positions of a plan by identity.
struct Index {
    /// The first bytes of each identity, with its position, sorted.
    sorted: Vec<(u64, u32)>,
}

impl Index {
    fn of(plan: &Plan) -> Index {
        let start = |identity: [u8; 32]| u64::from_be_bytes(identity[..8].try_into().unwrap_or_default());
        // A plan has at most ten million runs.
        let mut sorted: Vec<(u64, u32)> = plan.identities().map(start).zip(0..).collect();
        sorted.sort_unstable();
        Index { sorted }
    }

    /// The positions of an identity: several where a plan has the same work twice.
    fn positions(&self, plan: &Plan, identity: &str) -> Vec<usize> {
        let Some(start) = identity.get(..16).and_then(|start| u64::from_str_radix(start, 16).ok()) else {
            return Vec::new();
        };
        let first = self.sorted.partition_point(|(other, _)| *other < start);
        let candidates = self.sorted[first..].iter().take_while(|(other, _)| *other == start);
        candidates.map(|(_, run)| *run as usize).filter(|run| plan.identity(*run) == identity).collect()
    }
}

impl History {
    /// Reads every `journal*.jsonl` of a folder, in the order of their names.
    pub fn read(folder: &Path, plan: &Plan) -> Result<History, Error> {
        let fault = |source| Error::io("read", folder, source);
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("journal") && name.ends_with(".jsonl") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut history = History { kept: Kept::of(plan.len()), ..History::default() };
        let mut index = None;
        let mut others = HashMap::new();
        for path in paths {
            history.add(path, plan, &mut index, &mut others)?;
        }
        history.unknown = others.len();
        Ok(history)
    }

    /// `others`: of the identities that are not in the plan, how the counting record ended and where it is.
    fn add(
        &mut self,
        path: PathBuf,
        plan: &Plan,
        index: &mut Option<Index>,
        others: &mut HashMap<String, (Status, Place)>,
    ) -> Result<(), Error> {
        let open = || File::open(&path).map_err(|source| Error::io("read", &path, source));
        let file = open()?;
        let journal = self.kept.open(path.clone(), open()?);
        self.journals.push(Seen { path: path.clone(), origin: None, end: None, records: 0 });
        let seen = self.journals.len() - 1;
        let mut lines = Lines::new(&file, &path)?;
        loop {
            let offset = lines.length;
            let Some((number, text)) = lines.next()? else { break };
            if number == 1 {
                self.journals[seen].origin = header(text, &path)?.origin;
                continue;
            }
            if let Some(why) = line::read_end(text) {
                self.journals[seen].end = Some(why);
                continue;
            }
            let Some(record) = line::read(text) else {
                self.findings.damaged += 1;
                continue;
            };
            self.journals[seen].end = None;
            self.journals[seen].records += 1;
            self.longest = self.longest.max(record.seconds);
            let place = Place { journal, offset };
            let runs = index.get_or_insert_with(|| Index::of(plan)).positions(plan, &record.identity);
            let before = match runs.first() {
                Some(run) => self.kept.ended(*run),
                None => others.get(&record.identity).copied(),
            };
            if !self.counts(before, &record, place)? {
                continue;
            }
            runs.iter().for_each(|run| self.kept.keep(*run, record.status, record.answer(), place));
            if runs.is_empty() {
                others.insert(record.identity, (record.status, place));
            }
        }
        self.findings.torn |= lines.torn;
        Ok(())
    }

    /// Whether a record counts instead of the one before it.
    fn counts(&mut self, before: Option<(Status, Place)>, record: &Record, place: Place) -> Result<bool, Error> {
        let Some((status, known)) = before else { return Ok(true) };
        self.findings.repeated += 1;
        if status == Status::Failed {
            // `--retry` ran it again; of failures in different files the first one stays.
            return Ok(record.status != Status::Failed || known.journal == place.journal);
        }
        if record.status == Status::Failed {
            return Ok(false);
        }
        let path = |place: Place| self.journals[place.journal as usize].path.clone();
        let earlier = self.kept.at(known).map_err(|source| Error::io("read", &path(known), source))?;
        if line::agree(&earlier, record) {
            return Ok(false);
        }
        let told = |place: Place| Ok::<_, Error>((path(place), number(&path(place), place.offset)?));
        Err(Error::Disagreement { first: told(known)?, second: told(place)?, identity: record.identity.clone() })
    }
}

/// The number of the line that begins at an offset, counted from 1.
fn number(path: &Path, offset: u64) -> Result<usize, Error> {
    let file = File::open(path).map_err(|source| Error::io("read", path, source))?;
    let mut lines = Lines::new(&file, path)?;
    while lines.length < offset && lines.next()?.is_some() {}
    Ok(lines.number + 1)
}

/// The length of the whole lines of a journal in bytes, and whether more follows them.
pub(super) fn whole_lines(file: &File, path: &Path) -> Result<(u64, bool), Error> {
    let mut lines = Lines::new(file, path)?;
    while let Some((number, text)) = lines.next()? {
        if number == 1 {
            header(text, path)?;
        }
    }
    Ok((lines.length, lines.torn))
}

fn header(text: &[u8], path: &Path) -> Result<Header, Error> {
    let header: Header = serde_json::from_slice(text).map_err(|_| Error::NotJournal(path.to_path_buf()))?;
    if header.journal != line::FORMAT {
        return Err(Error::Version { path: path.to_path_buf(), found: header.journal });
    }
    Ok(header)
}

/// The whole lines of a file, numbered from 1.
struct Lines<'a> {
    reader: BufReader<&'a File>,
    path: &'a Path,
    text: Vec<u8>,
    number: usize,
    /// Bytes of the lines so far.
    length: u64,
    /// The file ends in the middle of a line.
    torn: bool,
}

impl<'a> Lines<'a> {
    fn new(file: &'a File, path: &'a Path) -> Result<Lines<'a>, Error> {
        let mut reader = BufReader::with_capacity(1 << 16, file);
        reader.seek(SeekFrom::Start(0)).map_err(|source| Error::io("read", path, source))?;
        Ok(Lines { reader, path, text: Vec::new(), number: 0, length: 0, torn: false })
    }

    /// The next line without its end; None after the last whole one.
    fn next(&mut self) -> Result<Option<(usize, &[u8])>, Error> {
        self.text.clear();
        let read = self.reader.read_until(b'\n', &mut self.text);
        let count = read.map_err(|source| Error::io("read", self.path, source))?;
        if self.text.pop_if(|byte| *byte == b'\n').is_none() {
            // The end, or a line that was not finished. A first line that is no part of a header is not ours to cut.
            let start = b"{\"jour";
            if self.number == 0 && count > 0 && !self.text.starts_with(start) && !start.starts_with(&self.text[..]) {
                return Err(Error::NotJournal(self.path.to_path_buf()));
            }
            self.torn = count > 0;
            return Ok(None);
        }
        self.length += count as u64;
        self.number += 1;
        Ok(Some((self.number, &self.text)))
    }
}
