//! An experiment as it is written: the file with its overrides, and the data files that it names, read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::{self, Content, Node, Place, Table};
use super::set;
use crate::data::{self, Sheet};
use crate::diagnostic::{Diagnostic, Source};

/// A file with its overrides. Clones share the data that was read.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file's stem.
    pub name: String,
    /// Paths in the file are relative to it.
    pub folder: PathBuf,
    pub source: Arc<Source>,
    pub table: Table,
    /// Faults of syntax and of the overrides.
    pub faults: Vec<Diagnostic>,
    shelf: Arc<Shelf>,
}

type Columns = Vec<(String, String)>;
type Opened = Result<Arc<Sheet>, Vec<Diagnostic>>;

/// What was read of data files.
#[derive(Debug, Default)]
struct Shelf {
    sheets: Mutex<BTreeMap<PathBuf, Opened>>,
    tables: Mutex<BTreeMap<(PathBuf, Columns), Arc<data::Table>>>,
}

/// An experiment file is written by hand; what is larger is something else.
const MOST_BYTES: u64 = 16 << 20;

impl Written {
    /// Reads a file and applies overrides (`--set path=value`). Only a file without text is an error here: its other
    /// faults wait in `faults`, so that they are reported together with those of meaning.
    pub fn open(path: &Path, overrides: &[(String, String)]) -> Result<Written, Diagnostic> {
        let shown = path.display().to_string();
        let what = "an experiment file (TOML)";
        let bytes = data::read_bytes(path, what, MOST_BYTES).map_err(Diagnostic::error)?;
        let text = data::text_of(bytes, &shown, what).map_err(Diagnostic::error)?;
        let name = path.file_stem().map_or("experiment".into(), |stem| stem.to_string_lossy().into_owned());
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Written::new(Arc::new(Source { name: shown, text }), &name, &folder, overrides))
    }

    /// A text as if it were the file `name`.toml in `folder`.
    pub fn new(source: Arc<Source>, name: &str, folder: &Path, overrides: &[(String, String)]) -> Written {
        let mut faults = Vec::new();
        let mut table = file::parse(&source, &mut faults);
        for (path, value) in overrides {
            set::assign(&mut table, path, value, &mut faults);
        }
        Written { name: name.to_string(), folder: folder.to_path_buf(), source, table, faults, shelf: Arc::default() }
    }

    /// Puts a value at a dotted path; `place` is where the path is written.
    pub fn put(&mut self, path: &str, place: &Place, value: Node) -> Result<(), Diagnostic> {
        set::graft(&mut self.table, path, place, value)
    }

    /// The same without the axes of its sweep, as each combination of them is checked.
    pub fn without_axes(&self) -> Written {
        let mut written = self.clone();
        let sweep = written.table.entries.iter_mut().find(|entry| entry.name == "sweep");
        if let Some(Content::Table(sweep)) = sweep.map(|entry| &mut entry.value.content) {
            sweep.entries.retain(|entry| !["axes", "zip", "when"].contains(&entry.name.as_str()));
        }
        written
    }

    /// The same with a value from elsewhere put at a dotted path.
    pub fn with_value(&self, path: &str, value: &toml::Value) -> Written {
        let mut written = self.clone();
        set::assign(&mut written.table, path, &value.to_string(), &mut written.faults);
        written
    }

    /// A data file that the experiment names.
    pub(super) fn sheet(&self, file: &str) -> Opened {
        let path = self.folder.join(file);
        // A thread that panicked while it held the lock left a whole map: entries are inserted at once.
        let mut sheets = self.shelf.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.entry(path.clone()).or_insert_with(|| data::read(&path, file).map(Arc::new)).clone()
    }

    /// Columns of a data file, the same table for every variant that takes the same ones.
    pub(super) fn columns(&self, file: &str, wanted: &[(String, String)]) -> Result<Arc<data::Table>, Vec<Diagnostic>> {
        let key = (self.folder.join(file), wanted.to_vec());
        let mut tables = self.shelf.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&key) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(self.sheet(file)?.take(wanted, file)?);
        tables.insert(key, Arc::clone(&table));
        Ok(table)
    }
}
