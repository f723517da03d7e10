//! Random damage to the example: tokens deleted, doubled, replaced, moved. Nothing may panic.

use proptest::prelude::*;

use crate::experiment::sample::{CATALOG, EXAMPLE, folder, lines, written};
use crate::experiment::{check, read_with};

/// Words, numbers, strings' insides, and single other characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in text.chars() {
        let word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut() {
            Some(last) if word && in_word => last.push(character),
            _ => tokens.push(character.to_string()),
        }
        in_word = word;
    }
    tokens
}

const INSERTS: &[&str] = &[
    "",
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\\",
    "(",
    ")",
    "nan",
    "-inf",
    "1e999",
    "-1",
    "0",
    "true",
    "é",
    "\u{0}",
    "#",
    "1979-05-27",
    "size = 3",
    "a1",
    "uniform(0)",
    "99999999999999999999",
    "\r",
];

fn damaged(changes: &[(usize, usize, usize)]) -> String {
    let mut tokens = tokens(EXAMPLE);
    for (kind, at, other) in changes {
        let (at, other) = (at % tokens.len(), other % tokens.len().max(INSERTS.len()));
        match kind % 4 {
            0 => _ = tokens.remove(at),
            1 => tokens.insert(at, tokens[at].clone()),
            2 => tokens[at] = INSERTS[other % INSERTS.len()].to_string(),
            _ => {
                let other = other % tokens.len();
                tokens.swap(at, other);
            }
        }
        if tokens.is_empty() {
            tokens.push(String::new());
        }
    }
    tokens.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(changes in prop::collection::vec((0usize..4, 0usize..10_000, 0usize..10_000), 1..12)) {
        let folder = folder();
        let text = damaged(&changes);
        let written = written(&text, folder.path(), &[]);
        match check(&written, &CATALOG) {
            Ok((experiment, _)) => {
                // Whatever is accepted can be laid out or is refused in words, and can be run again.
                let experiment = crate::experiment::Experiment { sweep: crate::experiment::Sweep { repeats: 1, ..experiment.sweep.clone() }, ..experiment };
                let _ = crate::plan::lay_out(&written, &experiment, &CATALOG);
                let resolved = toml::to_string(&experiment.resolved).unwrap();
                let again = crate::experiment::sample::written(&resolved, folder.path(), &[]);
                if let Err(faults) = check(&again, &CATALOG) {
                    panic!("{resolved}\n{:#?}", lines(&faults));
                }
            }
            Err(faults) => {
                prop_assert!(faults.iter().any(|fault| fault.is_error()));
                for label in faults.iter().flat_map(|fault| &fault.labels) {
                    prop_assert!(label.source.text.get(label.span.clone()).is_some(), "{label:?}");
                }
            }
        }
    }

    #[test]
    fn any_override_is_taken_or_refused(path in "[a-z_.\\[\\]0-9\"]{0,24}", value in ".{0,16}") {
        let folder = folder();
        let _ = check(&written(EXAMPLE, folder.path(), &[(&path, &value)]), &CATALOG);
        let written = written(EXAMPLE, folder.path(), &[]);
        let _ = read_with(&written, &[(path, value.into())], &CATALOG);
    }
}
