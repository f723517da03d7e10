//! The finished runs of a plan: what each run's place needs in memory, and where the journals hold the rest.
//!
//! A run takes 24 bytes here, however long its record is; records are read from the journals when they are asked for.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::line;
use crate::record::{Record, Records, Status};

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

/// Bytes that are read from a journal at once, so that many lines that follow each other cost one call; at most so many
/// for all journals together, and at least so many from each.
const WINDOW: usize = 1 << 16;
const WINDOWS: usize = 1 << 22;
const LEAST: usize = 1 << 12;

/// A part of a journal.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

/// The parts that were read last: several threads may go along a journal, each at another place.
#[derive(Debug, Default)]
struct Windows {
    all: [Window; 4],
    /// Which one is the oldest.
    oldest: usize,
}

/// A journal that is open for reading.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    windows: Mutex<Windows>,
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
        self.journals.push(Open { path, file, windows: Mutex::default() });
        (self.journals.len() - 1) as u32
    }

    /// Keeps what is recorded at a place as the record of a run, instead of what was kept of it.
    pub fn keep(&mut self, run: usize, record: &Record, place: Place) {
        let loss = record.answer().unwrap_or(f64::NAN);
        let Place { journal, offset } = place;
        self.entries[run] = Some(Entry { offset, loss, journal, status: record.status });
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
        let Open { path, file, windows } = &self.journals[place.journal as usize];
        let named = |error: io::Error| io::Error::new(error.kind(), format!("reading `{}`: {error}", path.display()));
        let size = (WINDOWS / self.journals.len()).clamp(LEAST, WINDOW);
        let text = {
            let mut windows = windows.lock().unwrap_or_else(PoisonError::into_inner);
            match windows.all.iter().find_map(|window| window.line(place.offset)) {
                Some(line) => line.to_vec(),
                None => windows.read(file, place.offset, size).map_err(named)?,
            }
        };
        line::read(&text).ok_or_else(|| named(io::Error::other("what was written there has changed")))
    }
}

impl Windows {
    /// The line that begins at an offset, without its end, from the file.
    fn read(&mut self, file: &File, offset: u64, mut size: usize) -> io::Result<Vec<u8>> {
        let place = self.oldest;
        self.oldest = (place + 1) % self.all.len();
        let window = &mut self.all[place];
        loop {
            window.fill(file, offset, size)?;
            if let Some(line) = window.line(offset) {
                return Ok(line.to_vec());
            }
            if window.bytes.len() < size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            size *= 4;
        }
    }
}

impl Window {
    /// The line that begins at an offset, without its end, if all of it is here.
    fn line(&self, offset: u64) -> Option<&[u8]> {
        let rest = self.bytes.get(usize::try_from(offset.checked_sub(self.start)?).ok()?..)?;
        Some(&rest[..rest.iter().position(|byte| *byte == b'\n')?])
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

    fn fetch(&self, run: usize) -> io::Result<Option<Record>> {
        self.ended(run).map(|(_, place)| self.at(place)).transpose()
    }
}
