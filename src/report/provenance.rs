//! `provenance.json`: what the results were made from. No times, no machine: these are in `timings.csv`.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Results;
use crate::data::hexadecimal;
use crate::experiment::Data;

#[derive(Serialize)]
struct Provenance<'a> {
    program: &'static str,
    version: &'static str,
    experiment: Source<'a>,
    seed: u64,
    data: Vec<Source<'a>>,
    /// SHA-256 of the identities of all runs in their order, one a line: what was planned, in one word.
    plan_sha256: String,
    runs_planned: usize,
    runs_finished: usize,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
}

pub(super) fn render(results: &Results) -> String {
    let mut data: Vec<Source> = Vec::new();
    if let Data::Measured(table) = &results.experiment.data {
        let (name, sha256) = (table.file.as_deref().unwrap_or_default(), table.checksum.clone().unwrap_or_default());
        data.push(Source { name, sha256, rows: Some(table.rows()) });
    }
    for other in &results.plan.data {
        if !data.first().is_some_and(|known| known.name == other.file && known.sha256 == other.checksum) {
            data.push(Source { name: &other.file, sha256: other.checksum.clone(), rows: Some(other.rows) });
        }
    }
    let provenance = Provenance {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        experiment: Source {
            name: &results.experiment.name,
            sha256: hexadecimal(&Sha256::digest(results.text.as_bytes())),
            rows: None,
        },
        seed: results.experiment.seed,
        data,
        plan_sha256: results.plan.checksum(),
        runs_planned: results.plan.len(),
        runs_finished: results.finished().count(),
    };
    // A struct of strings and whole numbers always has a JSON form.
    let mut text = serde_json::to_string_pretty(&provenance).unwrap_or_default();
    text.push('\n');
    text
}

/// The names of the data files in an earlier `provenance.json`, by checksum.
pub fn data_names(text: &str) -> Vec<(String, String)> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let word = |file: &serde_json::Value, key: &str| file[key].as_str().map(String::from);
    let files = value["data"].as_array().into_iter().flatten();
    files.filter_map(|file| Some((word(file, "sha256")?, word(file, "name")?))).collect()
}
