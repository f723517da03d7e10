//! The journal: one line per finished run, appended as it finishes, read again when the work goes on.
//!
//! A line goes to the system in one write, so a killed process loses the runs in flight and nothing else. What a crash
//! can leave is a last line without its end: it is cut off when the journal is opened to go on with it.
//!
//! The whole plan is written to `journal.jsonl`, locked against a second writer. A shard never goes on with a file: each
//! process creates one of its own, exclusively, and writes to no other, so that shards need no lock and may be on
//! different machines, and even the same shard may run twice at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::kept::{Kept, Place};
use super::line::{self, Header, Origin};
use super::read::{self, History};
use super::{Error, Folder};
use crate::plan::Plan;
use crate::plan::shard::Shard;
use crate::record::Record;

/// The file's name in a results folder.
pub const FILE: &str = "journal.jsonl";

/// A journal open for writing.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines: where the next one begins.
    length: u64,
    /// Position among the journals that are read.
    number: u32,
}

/// A finished run as it goes into a journal. Made apart from the journal, so that many threads can do so at once.
#[derive(Clone, Debug)]
pub struct Line(String);

impl Line {
    pub fn of(record: &Record) -> Line {
        Line(line::write(record))
    }
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
    /// Opens the journal of the whole plan, makes it where it is missing, and reads all journals of the folder.
    pub fn open(folder: &Folder, plan: &Plan) -> Result<(Journal, History), Error> {
        let path = folder.file(FILE);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.map_err(|source| Error::io("open", &path, source))?;
        if !lock(&file) {
            return Err(Error::Locked(path));
        }
        let history = History::read(folder.path(), plan)?;
        let (length, torn) = read::whole_lines(&file, &path)?;
        let number = history.journals.iter().position(|seen| seen.path == path);
        // Removed between the two: nothing would be written to what others see.
        let Some(number) = number else { return Err(Error::Removed(path)) };
        let mut journal = Journal { file, path, length, number: number as u32 };
        if torn {
            journal.cut()?;
        }
        if length == 0 {
            journal.begin(None)?;
        }
        Ok((journal, history))
    }

    /// Creates a journal of one's own for a share of the plan: `journal.I-of-N.jsonl`, then `journal.I-of-N.2.jsonl`, ….
    pub fn create(folder: &Folder, shard: Shard, origin: Origin, kept: &mut Kept) -> Result<Journal, Error> {
        let stem = shard.to_string().replace('/', "-of-");
        for attempt in 1u64.. {
            let name = if attempt == 1 { String::new() } else { format!(".{attempt}") };
            let path = folder.file(&format!("journal.{stem}{name}.jsonl"));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    let reader = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
                    let number = kept.open(path.clone(), reader);
                    let mut journal = Journal { file, path, length: 0, number };
                    journal.begin(Some(origin))?;
                    return Ok(journal);
                }
                Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::io("create", &path, source)),
            }
        }
        unreachable!("there are more numbers than files")
    }

    fn begin(&mut self, origin: Option<Origin>) -> Result<(), Error> {
        let header = Header { journal: line::FORMAT, program: program(), origin };
        let text = serde_json::to_string(&header).map_err(|error| self.fault("write", error.into()))?;
        self.write(&format!("{text}\n"))
    }

    /// Appends finished runs in one write, and tells where each is. After an error the journal ends with the last whole
    /// line from before.
    pub fn append<'a>(&mut self, lines: impl Iterator<Item = &'a Line>) -> Result<Vec<Place>, Error> {
        let (mut text, mut places) = (String::new(), Vec::new());
        for line in lines {
            places.push(Place { journal: self.number, offset: self.length + text.len() as u64 });
            text += &line.0;
        }
        self.write(&text)?;
        self.still_there()?;
        Ok(places)
    }

    /// The last line of a shard's journal: why its process ended, and the identities of the runs that it cut short.
    pub fn end(&mut self, why: &str, running: &[String]) -> Result<(), Error> {
        let text = line::end(why, running).map_err(|error| self.fault("write", error.into()))?;
        self.write(&text)?;
        self.sync()
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

    /// What is written to a file that was removed is lost when the process ends, and nobody would be told.
    fn still_there(&self) -> Result<(), Error> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let links = self.file.metadata().map_err(|source| self.fault("look at", source))?.nlink();
            if links == 0 {
                return Err(Error::Removed(self.path.clone()));
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), Error> {
        self.file.set_len(self.length).map_err(|source| self.fault("mend", source))
    }

    fn fault(&self, doing: &'static str, source: std::io::Error) -> Error {
        Error::io(doing, &self.path, source)
    }
}

/// Whether a process is writing to the journal of the whole plan now.
pub fn is_locked(folder: &Path) -> bool {
    File::open(folder.join(FILE)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
pub(super) mod tests;
