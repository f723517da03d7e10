//! The reference of all keys as Markdown, generated for `docs/format.md`, so that page and reader cannot disagree.

use std::fmt::Write;

use super::keys::{Absent, EXPERIMENT, Key, Section, Shape};
use super::list::default_words;
use super::reader::expected;

/// One table for each section of the file, the outer ones first.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut waiting = vec![(String::new(), &EXPERIMENT)];
    while !waiting.is_empty() {
        let (path, section) = waiting.remove(0);
        write_section(&mut text, &path, section);
        for key in section.keys {
            inner(&key.shape, &join(&path, key.name), &mut waiting);
        }
    }
    text
}

fn inner(shape: &Shape, path: &str, waiting: &mut Vec<(String, &'static Section)>) {
    match shape {
        Shape::Section(section) | Shape::Axis(section) => waiting.push((path.to_string(), section)),
        Shape::Sections(section) => waiting.push((format!("[{path}]"), section)),
        Shape::Named { what, shape } => {
            inner(shape, &format!("{path}.{}", what.to_uppercase().replace(' ', "_")), waiting)
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| inner(shape, path, waiting)),
        _ => {}
    }
}

fn write_section(text: &mut String, path: &str, section: &Section) {
    let title = if path.is_empty() { "The file".to_string() } else { format!("`[{path}]`") };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "### {title}\n\n{}\n\n| key | value | if absent | |\n|---|---|---|---|", section.summary);
    for key in section.keys {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            key.name,
            cell(&expected(&key.shape)),
            cell(&absent(key)),
            cell(key.summary)
        );
    }
    if let Some((what, shape)) = section.names {
        let _ = writeln!(text, "| … | {} | | any {what}, by its name |", cell(&expected(shape)));
    }
    if let Some(row) = section.row {
        let noun = row.group.noun();
        let _ = writeln!(text, "| … | | | the settings of the {noun}, see `sbi-run list {noun}` |");
    }
    text.push('\n');
}

fn absent(key: &Key) -> String {
    match key.absent {
        Absent::Required => "required".into(),
        Absent::Means(words) => words.into(),
        Absent::Is(default) => format!("`{}`", default_words(default).unwrap_or_default()),
        Absent::Words(words) => format!("`{words:?}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_reference() {
        let text = markdown();
        for (section, key) in [
            ("### The file", "| `seed` | a whole number from 0 on | `1` |"),
            ("### `[data.synthetic.inputs.INPUT]`", "| `scale` | one of linear, log | `linear` |"),
            ("### `[parameters.PARAMETER]`", "| `bounds` |"),
            ("### `[[optimizer]]`", "| `method` | the name of an optimizer | required |"),
            ("### `[sweep]`", "| `axes` |"),
        ] {
            let rest = text.split_once(section).unwrap_or_else(|| panic!("{section} in\n{text}")).1;
            assert!(rest.contains(key), "{key} in\n{text}");
        }
    }
}
