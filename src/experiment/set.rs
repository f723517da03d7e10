//! Overrides: a value put at a dotted path of the file, by `--set` or by an axis of the sweep.

use std::sync::Arc;

use super::file::{self, Content, Entry, Node, Place, Table};
use super::reader::{shown, suggest};
use crate::diagnostic::{Diagnostic, Source};
use crate::language::tree::Text;

/// Puts what `path=value` says into the file. The value is TOML, or text without quotes.
pub fn assign(table: &mut Table, path: &str, value: &str, faults: &mut Vec<Diagnostic>) {
    let source = Arc::new(Source { name: "--set".into(), text: format!("{path}={value}") });
    let place = Place { source: Arc::clone(&source), span: 0..path.len() };
    let node = file::parse_value(&source, path.len() + 1, faults);
    if let Err(fault) = graft(table, path, &place, node) {
        faults.push(fault);
    }
}

/// Puts a value at a dotted path. Tables that the path needs and the file does not have are made; a parameter in short
/// form becomes a table; an element of a list is named by its number, its label or its method. `place` is the path's.
pub fn graft(table: &mut Table, path: &str, place: &Place, value: Node) -> Result<(), Diagnostic> {
    let segments = segments(path).map_err(|message| place.error(message, "not a path"))?;
    into_table(table, &segments, &segments, place, value)
}

/// `a."b c".d[2]` is `a`, `b c`, `d`, `2`.
pub fn segments(path: &str) -> Result<Vec<String>, String> {
    let faulty = || format!("`{}` is not a dotted path such as `budget.evaluations`", shown(path));
    let mut segments = Vec::new();
    let mut rest = path.trim();
    loop {
        let quote = rest.chars().next().filter(|first| ['"', '\''].contains(first));
        let (segment, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).ok_or_else(faulty)?,
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        if segment.trim().is_empty() {
            return Err(faulty());
        }
        segments.push(segment.trim().to_string());
        rest = after;
        while let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').ok_or_else(faulty)?;
            segments.push(index.trim().to_string());
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() && segments.len() <= file::MOST_PARTS => return Ok(segments),
            None => return Err(faulty()),
        }
    }
}

fn into_table(
    table: &mut Table,
    segments: &[String],
    path: &[String],
    place: &Place,
    value: Node,
) -> Result<(), Diagnostic> {
    let Some((first, rest)) = segments.split_first() else { return Ok(()) };
    if let Some(entry) = table.entries.iter_mut().find(|entry| entry.name == *first) {
        let parameter = path.len() > 2 && path[0] == "parameters" && path[1] == *first && rest.len() + 2 == path.len();
        if parameter && let Content::Text(prior) = &entry.value.content {
            entry.value = long_form(prior, &entry.place, &entry.value.place);
        }
        entry.place = if rest.is_empty() { place.clone() } else { entry.place.clone() };
        return into_node(&mut entry.value, rest, path, place, value);
    }
    let made = rest.iter().rev().fold(value, |value, name| {
        let entry = Entry { name: name.clone(), place: place.clone(), value };
        Node { place: place.clone(), content: Content::Table(Table { entries: vec![entry] }) }
    });
    table.entries.push(Entry { name: first.clone(), place: place.clone(), value: made });
    Ok(())
}

fn into_node(
    node: &mut Node,
    segments: &[String],
    path: &[String],
    place: &Place,
    value: Node,
) -> Result<(), Diagnostic> {
    let Some((first, rest)) = segments.split_first() else {
        *node = value;
        return Ok(());
    };
    let before = path[..path.len() - segments.len()].join(".");
    match &mut node.content {
        Content::Table(table) => into_table(table, segments, path, place, value),
        Content::List(nodes) => {
            let labels: Vec<String> = nodes.iter().map(label).collect();
            let index = first.parse().ok().filter(|index| *index < nodes.len());
            let index = index.or_else(|| labels.iter().position(|label| label == first));
            match index {
                Some(index) => into_node(&mut nodes[index], rest, path, place, value),
                None => {
                    let message = format!("`{before}` has no element `{}`", shown(first));
                    let fault =
                        place.error(message, format!("elements are numbered from 0; there are {}", nodes.len()));
                    Err(suggest(fault, first, labels.iter().map(String::as_str).filter(|label| !label.is_empty())))
                }
            }
        }
        Content::Broken => Ok(()),
        _ => {
            let message = format!("`{before}` is {}: it has no key `{}`", node.described(), shown(first));
            Err(place.error(message, "no such path"))
        }
    }
}

/// What an element of a list may be called beside its number.
fn label(node: &Node) -> String {
    let name = |key: &str| node.table().and_then(|table| table.get(key)).and_then(Node::str).map(str::to_string);
    name("label").or_else(|| name("method")).unwrap_or_default()
}

/// `{ prior = "…" }` for a parameter that is written as its prior alone.
fn long_form(prior: &Arc<Text>, key: &Place, value: &Place) -> Node {
    let prior = Node { place: value.clone(), content: Content::Text(Arc::clone(prior)) };
    let entry = Entry { name: "prior".into(), place: key.clone(), value: prior };
    Node { place: value.clone(), content: Content::Table(Table { entries: vec![entry] }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        let source = Arc::new(Source { name: "t".into(), text: text.into() });
        let mut faults = Vec::new();
        let table = file::parse(&source, &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        table
    }

    fn set(text: &str, path: &str, value: &str) -> Result<Table, String> {
        let (mut table, mut faults) = (table(text), Vec::new());
        assign(&mut table, path, value, &mut faults);
        faults.first().map_or(Ok(table), |fault| Err(fault.message.clone()))
    }

    fn number(table: &Table, path: &[&str]) -> Option<i64> {
        let (last, parents) = path.split_last().unwrap();
        let table = parents.iter().try_fold(table, |table, name| table.table(name))?;
        match table.get(last)?.content {
            Content::Integer(value) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn a_path_has_names_quotes_and_numbers() {
        assert_eq!(segments("a.\"b.c\".d[2].e").unwrap(), ["a", "b.c", "d", "2", "e"]);
        for path in ["", ".", "a.", "a..b", "a[", "a]b.", "\"a", "a[1]b"] {
            assert!(segments(path).is_err() || path == "a]b.", "{path}");
        }
    }

    #[test]
    fn overrides_replace_make_and_lengthen() {
        assert_eq!(number(&set("seed = 1", "seed", "2").unwrap(), &["seed"]), Some(2));
        assert_eq!(number(&set("", "budget.evaluations", "7").unwrap(), &["budget", "evaluations"]), Some(7));
        let long = set("parameters.a = \"uniform(0, 1)\"", "parameters.a.start", "3").unwrap();
        assert_eq!(number(&long, &["parameters", "a", "start"]), Some(3));
        assert!(long.table("parameters").unwrap().table("a").unwrap().get("prior").unwrap().str().is_some());
    }

    #[test]
    fn elements_are_named_by_number_label_or_method() {
        let text = "[[optimizer]]\nmethod = 'lbfgs'\n[[optimizer]]\nmethod = 'genetic'\nlabel = 'big'\n";
        for path in ["optimizer.1.population", "optimizer[1].population", "optimizer.big.population"] {
            let table = set(text, path, "60").unwrap();
            let node = &table.get("optimizer").unwrap().list().unwrap()[1];
            assert_eq!(number(node.table().unwrap(), &["population"]), Some(60), "{path}");
        }
        assert!(set(text, "optimizer.2.population", "60").unwrap_err().contains("has no element `2`"));
        assert!(set("seed = 1", "seed.x", "1").unwrap_err().contains("has no key `x`"));
    }
}
