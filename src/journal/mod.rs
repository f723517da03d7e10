//! The results folder: an append-only record of finished runs, and files written whole or not at all.

pub mod append;
mod bits;
pub mod files;
pub mod inputs;
pub mod kept;
#[cfg(test)]
mod law;
mod line;
pub mod measured;
mod packed;
pub mod read;
pub mod recorder;
pub mod resume;
pub mod submitted;
mod words;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use append::Journal;
pub use files::Folder;
pub use inputs::Inputs;
pub use kept::Kept;
pub use line::Origin;
pub use read::History;
pub use recorder::{Recorded, Recorder};

/// Why results could not be read or written. The command's exit code is 3.
#[derive(Debug)]
pub enum Error {
    /// What was tried, on which path, and what the system said.
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The path exists and is no folder.
    NotFolder(PathBuf),
    /// The first line is not the header that this program writes.
    NotJournal(PathBuf),
    /// Written by a version with another format.
    Version { path: PathBuf, found: u64 },
    /// Another process is writing to this journal.
    Locked(PathBuf),
    /// Removed while it was written to.
    Removed(PathBuf),
    /// Not a folder in which an experiment was run.
    NotResults(PathBuf),
    /// Two records of one run that differ in more than their time: file and line of each.
    Disagreement { first: (PathBuf, usize), second: (PathBuf, usize), identity: String },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Error {
        Error::Io { doing, path: path.to_path_buf(), source }
    }

    /// The file or folder that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Error::Io { path, .. }
            | Error::NotFolder(path)
            | Error::NotJournal(path)
            | Error::Version { path, .. }
            | Error::Locked(path)
            | Error::Removed(path)
            | Error::NotResults(path) => path,
            Error::Disagreement { second, .. } => &second.0,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            Error::Io { doing, source, .. } => write!(f, "cannot {doing} `{path}`: {source}"),
            Error::NotFolder(_) => write!(f, "`{path}` is in the way: results need a folder of this name"),
            Error::NotJournal(_) => write!(f, "`{path}` is not a journal of this program"),
            Error::Version { found, .. } => {
                write!(
                    f,
                    "`{path}` has journal format {found}, this program reads format {}: `--fresh` moves the folder aside and begins anew",
                    line::FORMAT
                )
            }
            Error::Locked(_) => write!(f, "another process is writing to `{path}`"),
            Error::Removed(_) => write!(
                f,
                "`{path}` was removed while it was written to: what was done since is lost; the same command does it again"
            ),
            Error::NotResults(_) => write!(
                f,
                "`{path}` is no folder of results: `sbi-run EXPERIMENT.toml` makes one, with `experiment.toml` and \
                 `inputs.json` in it"
            ),
            Error::Disagreement { first: (first, line), second: (_, other), identity } => write!(
                f,
                "`{path}`, line {other}: the run {identity} was recorded in `{}`, line {line}, with other results; remove \
                 the one that is wrong, or begin anew with `--fresh`, which moves the old results aside",
                first.display()
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
