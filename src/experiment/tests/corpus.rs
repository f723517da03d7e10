//! The corpus of faulty files, read with the small catalog: something is said of each, in words of bearable length.

use std::path::Path;

use crate::experiment::Written;
use crate::experiment::read;
use crate::experiment::sample::CATALOG;

#[test]
fn something_is_said_of_each_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/experiments");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(paths.len() >= 30);
    for path in paths {
        let mut said = match read(&path, &[], &CATALOG) {
            Ok((experiment, warnings)) => {
                match Written::open(&path, &[]).map(|written| crate::plan::lay_out(&written, &experiment, &CATALOG)) {
                    Ok(Err(faults)) => faults,
                    _ => warnings,
                }
            }
            Err(faults) => faults,
        };
        said.iter_mut().for_each(|fault| fault.message = fault.message.replace(&format!("{}/", folder.display()), ""));
        if std::env::var("SHOW").is_ok() {
            println!("──── {}\n{}", path.file_name().unwrap().display(), crate::terminal::render(&said, false));
        }
        assert!(!said.is_empty(), "{}", path.display());
        assert!(said.iter().all(|fault| fault.message.len() < 400), "{}", path.display());
    }
}
