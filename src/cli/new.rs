//! `sbi-run new`: a commented experiment to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::Args;

use super::{Exit, output, print};
use crate::diagnostic::Diagnostic;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the experiment; `NAME.toml` is written
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs as it is: the data are made by the simulator itself.
const TEMPLATE: &str = include_str!("new.toml");

pub fn main(arguments: &Arguments) -> Exit {
    let stem = arguments.name.strip_suffix(".toml").unwrap_or(&arguments.name);
    let title = Path::new(stem).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if title.is_empty() || title.contains(['"', '\\']) || title.contains(|c: char| c.is_control()) {
        print(&[Diagnostic::error(format!("`{}` cannot be the name of an experiment", arguments.name))]);
        return Exit::Invalid;
    }
    let path = format!("{stem}.toml");
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    match file.and_then(|mut file| file.write_all(TEMPLATE.replace("{title}", &title).as_bytes())) {
        Ok(()) => output(&format!("{path} is written; run it with `sbi-run {path}`\n")),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            print(
                &[Diagnostic::error(format!("`{path}` exists already")).help("choose another name, or move it away")],
            );
            Exit::Invalid
        }
        Err(error) => {
            tell!("cannot write `{path}`: {error}");
            Exit::Results
        }
    }
}
