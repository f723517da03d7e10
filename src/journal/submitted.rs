//! Which arrays of a batch system were submitted for a results folder: what `submit` notes and `status` asks about.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Error, Folder};

/// The file's name in a results folder.
const FILE: &str = "slurm.json";

/// A submitted array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    pub job: String,
    /// The first task is share `offset + 1` of `tasks`; there are `count` of them.
    pub offset: usize,
    pub count: usize,
    pub tasks: usize,
}

/// Notes the arrays of the last submission.
pub fn write(folder: &Folder, submitted: &[Submitted]) -> Result<(), Error> {
    folder.write(FILE, |out| {
        serde_json::to_writer_pretty(&mut *out, submitted)?;
        out.write_all(b"\n")
    })
}

/// The arrays of the last submission; none where there was none.
pub fn read(folder: &Path) -> Vec<Submitted> {
    let text = std::fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
