//! Where the shipped experiments are, for benches and for tests of the library.

use std::path::{Path, PathBuf};

/// Name and file of every experiment that is made by hand, and of NIST's, in their order.
pub fn shipped() -> Vec<(String, PathBuf)> {
    let mut paths = Vec::new();
    for folder in ["experiments", "experiments/nist"] {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
        paths.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let named = |path: PathBuf| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path);
    paths.into_iter().map(named).collect()
}
