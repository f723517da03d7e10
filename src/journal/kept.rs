//! The finished runs of a plan: what each run's place needs in memory, and where the journals hold the rest.
//!
//! A run takes 24 bytes here, however long its record is; records are read from the journals when they are asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::line;
use crate::record::{Reader, Record, Records, Status};

/// Where a line of a journal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position among the journals.
    pub journal: u32,
    /// In bytes.
    pub offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u64,
    /// NaN where the run has no answer.
    loss: f64,
    journal: u32,
    status: Status,
}

/// Bytes that are read from a journal at once: at first, and at most where lines that follow each other are asked for; for
/// all journals of a reader together, and at least from each.
const FIRST: usize = 1 << 14;
const MOST: usize = 1 << 17;
const ALL: usize = 1 << 22;
const LEAST: usize = 1 << 12;

/// A journal that is open for reading.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
}

/// A part of a journal.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// How many bytes are to be read next.
    size: usize,
}

/// Reads along the journals, with a window of each.
struct Along<'a> {
    kept: &'a Kept,
    windows: HashMap<u32, Window>,
}

/// The finished runs of a plan.
#[derive(Debug, Default)]
pub struct Kept {
    /// By position in the plan.
    entries: Vec<Option<Entry>>,
    journals: Vec<Open>,
}

impl Kept {
    /// Of a plan of so many runs, none of which is finished.
    pub fn of(runs: usize) -> Kept {
        Kept { entries: vec![None; runs], ..Kept::default() }
    }

    /// Adds a journal that is open for reading; its position.
    pub fn open(&mut self, path: PathBuf, file: File) -> u32 {
        self.journals.push(Open { path, file });
        (self.journals.len() - 1) as u32
    }

    /// Keeps what is recorded at a place as the record of a run, instead of what was kept of it. `answer`: its loss, where
    /// that is an answer.
    pub fn keep(&mut self, run: usize, status: Status, answer: Option<f64>, place: Place) {
        let Place { journal, offset } = place;
        self.entries[run] = Some(Entry { offset, loss: answer.unwrap_or(f64::NAN), journal, status });
    }

    /// How many runs are finished.
    pub fn count(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    /// How a run ended, and where its record is.
    pub(super) fn ended(&self, run: usize) -> Option<(Status, Place)> {
        self.entries[run].map(|Entry { status, journal, offset, .. }| (status, Place { journal, offset }))
    }

    /// The record that begins at a place.
    pub(super) fn at(&self, place: Place) -> io::Result<Record> {
        Along { kept: self, windows: HashMap::new() }.at(place)
    }
}

impl Along<'_> {
    fn at(&mut self, place: Place) -> io::Result<Record> {
        let Open { path, file } = &self.kept.journals[place.journal as usize];
        let named = |error: io::Error| io::Error::new(error.kind(), format!("reading `{}`: {error}", path.display()));
        let most = (ALL / self.kept.journals.len()).clamp(LEAST, MOST);
        let window = self.windows.entry(place.journal).or_default();
        let text = window.line(place.offset, file, most).map_err(named)?;
        line::read(text).ok_or_else(|| named(io::Error::other("what was written there has changed")))
    }
}

impl Reader for Along<'_> {
    fn fetch(&mut self, run: usize) -> io::Result<Option<Record>> {
        self.kept.ended(run).map(|(_, place)| self.at(place)).transpose()
    }
}

impl Window {
    /// The line that begins at an offset, without its end; read from the file where it is not here.
    fn line(&mut self, offset: u64, file: &File, most: usize) -> io::Result<&[u8]> {
        let mut place = self.here(offset);
        if place.is_none() {
            let on = offset >= self.start && offset - self.start <= 2 * self.bytes.len() as u64;
            self.size = if on { 2 * self.size } else { 0 }.clamp(FIRST.min(most), most);
            self.fill(file, offset, self.size)?;
            place = self.here(offset);
            while place.is_none() && self.bytes.len() >= self.size {
                self.size *= 4;
                self.fill(file, offset, self.size)?;
                place = self.here(offset);
            }
        }
        Ok(&self.bytes[place.ok_or(io::ErrorKind::UnexpectedEof)?])
    }

    /// Where the line that begins at an offset is, if all of it is here.
    fn here(&self, offset: u64) -> Option<Range<usize>> {
        let start = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let length = self.bytes.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        Some(start..start + length)
    }

    /// Reads so many bytes from an offset on, fewer at the end of the file.
    fn fill(&mut self, file: &File, offset: u64, size: usize) -> io::Result<()> {
        self.start = offset;
        self.bytes.resize(size, 0);
        let mut filled = 0;
        while filled < size {
            match read_at(file, &mut self.bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.bytes.clear();
                    return Err(error);
                }
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

/// Reads without a position that threads would have to share.
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, offset);
}

impl Records for Kept {
    fn status(&self, run: usize) -> Option<Status> {
        Some((*self.entries.get(run)?)?.status)
    }

    fn loss(&self, run: usize) -> Option<f64> {
        Some((*self.entries.get(run)?)?.loss).filter(|loss| !loss.is_nan())
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(Along { kept: self, windows: HashMap::new() })
    }
}
