//! The journals of a results folder, read together: a pure function of the files.
//!
//! One record per identity is kept. An answer replaces a failure, whichever was written first; of two failures in one file
//! the later is kept. Records that say the same but for their time are accepted, and counted; answers that disagree are
//! refused, naming both. A last line without its end, and a damaged line elsewhere, are passed over: their runs are done
//! again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Error;
use super::line::{self, Header, Origin};
use crate::record::{Record, Status};

/// What the journals of a folder hold together.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One per identity, in the order in which they are met first.
    pub records: Vec<Record>,
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

/// Where a kept record was found: which journal, which line.
type Found = (usize, usize, usize);

impl History {
    /// Reads every `journal*.jsonl` of a folder, in the order of their names.
    pub fn read(folder: &Path) -> Result<History, Error> {
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
        let mut history = History::default();
        let mut known = HashMap::new();
        for path in paths {
            history.add(path, &mut known)?;
        }
        Ok(history)
    }

    fn add(&mut self, path: PathBuf, known: &mut HashMap<String, Found>) -> Result<(), Error> {
        let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
        let journal = self.journals.len();
        self.journals.push(Seen { path: path.clone(), origin: None, end: None, records: 0 });
        let mut lines = Lines::new(&file, &path)?;
        while let Some((number, text)) = lines.next()? {
            if number == 1 {
                self.journals[journal].origin = header(text, &path)?.origin;
                continue;
            }
            if let Some(why) = line::read_end(text) {
                self.journals[journal].end = Some(why);
                continue;
            }
            let Some(record) = line::read(text) else {
                self.findings.damaged += 1;
                continue;
            };
            self.journals[journal].end = None;
            self.journals[journal].records += 1;
            self.keep(record, (journal, number), known)?;
        }
        self.findings.torn |= lines.torn;
        Ok(())
    }

    fn keep(
        &mut self,
        record: Record,
        (journal, number): (usize, usize),
        known: &mut HashMap<String, Found>,
    ) -> Result<(), Error> {
        let Some(found) = known.get_mut(&record.identity) else {
            known.insert(record.identity.clone(), (self.records.len(), journal, number));
            self.records.push(record);
            return Ok(());
        };
        self.findings.repeated += 1;
        let (place, other, line) = *found;
        let kept = &mut self.records[place];
        if kept.status == Status::Failed {
            // `--retry` ran it again; of failures in different files the first one stays.
            if record.status != Status::Failed || other == journal {
                *kept = record;
                *found = (place, journal, number);
            }
        } else if record.status != Status::Failed && !line::agree(kept, &record) {
            let places = [(other, line), (journal, number)].map(|(at, line)| (self.journals[at].path.clone(), line));
            return Err(Error::Disagreement { places, identity: record.identity });
        }
        Ok(())
    }
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
