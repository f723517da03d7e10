//! The corpus of faulty input: every case in `tests/diagnostics` renders exactly as the `.expected` file beside it says.
//!
//! `UPDATE_EXPECTED=1` writes the files anew; read the difference before it is committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sbi_run::diagnostic::{Diagnostic, Source};
use sbi_run::language::tree::Text;
use sbi_run::{language, terminal};

use crate::tool::updates_expected;

/// Every line is a formula, but for empty lines.
#[test]
fn formulas() {
    run("formulas", "txt", 20, |path| {
        let (source, mut faults) = (read(path), Vec::new());
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let formula = line.trim_end_matches('\n');
            if !formula.is_empty() {
                let text = Arc::new(Text::plain(Arc::clone(&source), start..start + formula.len()));
                language::expression(&text, &mut faults);
            }
            start += line.len();
        }
        terminal::render(&faults, false)
    });
}

#[test]
fn programs() {
    run("programs", "sim", 5, |path| {
        let (source, mut faults): (_, Vec<Diagnostic>) = (read(path), Vec::new());
        let whole = 0..source.text.len();
        language::program(&Arc::new(Text::plain(source, whole)), &mut faults);
        terminal::render(&faults, false)
    });
}

#[test]
fn experiments() {
    run("experiments", "toml", 0, faults);
}

/// Lanes that are asked for where they cannot be: seen when the model is lowered.
#[test]
fn lanes() {
    run("lanes", "toml", 4, faults);
}

/// What `sbi-run check` says on standard error; its exit code is 2 where there is an error, else 0.
fn faults(path: &Path) -> String {
    let (folder, file) = (path.parent().unwrap(), path.file_name().unwrap());
    let output =
        Command::new(env!("CARGO_BIN_EXE_sbi-run")).current_dir(folder).arg("check").arg(file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let code = if said.lines().any(|line| line.starts_with("error")) { 2 } else { 0 };
    assert_eq!(output.status.code(), Some(code), "{}: {said}", path.display());
    said
}

fn read(path: &Path) -> Arc<Source> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    Arc::new(Source { name, text: fs::read_to_string(path).unwrap() })
}

/// Compares all cases of a folder, and tells every difference.
fn run(folder: &str, extension: &str, at_least: usize, render: impl Fn(&Path) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let has = |path: &PathBuf, extension: &str| path.extension().is_some_and(|found| found == extension);
    let cases: Vec<&PathBuf> = files.iter().filter(|path| has(path, extension)).collect();
    assert!(cases.len() >= at_least, "{} cases in {}", cases.len(), folder.display());
    let lonely: Vec<&PathBuf> =
        files.iter().filter(|path| has(path, "expected") && !path.with_extension(extension).exists()).collect();
    assert!(lonely.is_empty(), "expected renderings without a case: {lonely:?}");
    let update = updates_expected();
    let mut differences = String::new();
    for case in cases {
        let (rendered, beside) = (render(case), case.with_extension("expected"));
        if update {
            fs::write(&beside, &rendered).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if rendered.is_empty() {
            differences += &format!("{}: nothing is wrong with it\n", case.display());
        } else if rendered != expected {
            differences += &format!("{}: expected\n{expected}\nrendered\n{rendered}\n", case.display());
        }
    }
    assert!(differences.is_empty(), "{differences}\nUPDATE_EXPECTED=1 writes the expected renderings anew");
}

/// What `sbi-run check` says on both outputs of experiments that are right; its exit code is 0.
#[test]
fn differentiability() {
    run("differentiability", "toml", 30, |path| {
        let (folder, file) = (path.parent().unwrap(), path.file_name().unwrap());
        let output =
            Command::new(env!("CARGO_BIN_EXE_sbi-run")).current_dir(folder).arg("check").arg(file).output().unwrap();
        let said = [output.stderr, output.stdout].map(|said| String::from_utf8(said).unwrap()).concat();
        assert_eq!(output.status.code(), Some(0), "{}: {said}", path.display());
        said
    });
}
