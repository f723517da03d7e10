//! The comparison of derivatives, kept beside the runs: its times cannot be had again when reports are.

use super::{Error, Folder};
use crate::record::Derivatives;

/// The file's name in a results folder.
pub const FILE: &str = "journal.measured.json";

/// Keeps what was measured, in place of what was before.
pub fn write(folder: &Folder, derivatives: &Derivatives) -> Result<(), Error> {
    folder.write(FILE, |out| Ok(serde_json::to_writer(out, derivatives)?))
}

/// What was measured; None where that is not there, or not to be read.
pub fn read(folder: &std::path::Path) -> Option<Derivatives> {
    serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
}
