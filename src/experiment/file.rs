//! An experiment file as it is written: a tree of keys and values, each with its place.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::text;
use crate::diagnostic::{Diagnostic, Source};
use crate::language::tree::Text;

/// A stretch of a source, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<Source>,
    pub span: Range<usize>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Text(Arc<Text>),
    Integer(i64),
    Float(f64),
    Flag(bool),
    /// A date or time, which no key takes.
    Date,
    List(Vec<Node>),
    Table(Table),
    /// A value that was reported already.
    Broken,
}

/// Keys with their values, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// Of the key.
    pub place: Place,
    pub value: Node,
}

impl Place {
    /// An error that points here.
    pub fn error(&self, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        self.label(Diagnostic::error(message), label)
    }

    pub fn warning(&self, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        self.label(Diagnostic::warning(message), label)
    }

    /// Adds this place to a diagnostic.
    pub fn label(&self, diagnostic: Diagnostic, label: impl Into<String>) -> Diagnostic {
        diagnostic.at(&self.source, self.span.clone(), label)
    }
}

impl Table {
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// The table called `name`; None where it is missing or something else.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.get(name)?.table()
    }
}

impl Node {
    pub fn text(&self) -> Option<&Arc<Text>> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The characters of a string.
    pub fn str(&self) -> Option<&str> {
        self.text().map(|text| text.text.as_str())
    }

    pub fn table(&self) -> Option<&Table> {
        match &self.content {
            Content::Table(table) => Some(table),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.content {
            Content::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// What it is, with its article, for messages.
    pub fn described(&self) -> &'static str {
        match self.content {
            Content::Text(_) => "text",
            Content::Integer(_) => "a whole number",
            Content::Float(_) => "a number",
            Content::Flag(_) => "true or false",
            Content::Date => "a date",
            Content::List(_) => "a list",
            Content::Table(_) => "a table",
            Content::Broken => "nothing",
        }
    }

    /// The text of a formula: of a string what it says, of a number how it is written.
    pub fn formula_text(&self) -> Option<Arc<Text>> {
        match &self.content {
            Content::Text(text) => Some(Arc::clone(text)),
            Content::Integer(_) | Content::Float(_) => {
                Some(Arc::new(Text::plain(Arc::clone(&self.place.source), self.place.span.clone())))
            }
            _ => None,
        }
    }
}

/// Parses a whole file. Every syntax fault is reported, and what could be understood comes back.
pub fn parse(source: &Arc<Source>, faults: &mut Vec<Diagnostic>) -> Table {
    if let Some(span) = deep_key(&source.text) {
        let place = Place { source: Arc::clone(source), span };
        faults.push(place.error(format!("a key has more than {MOST_PARTS} parts"), "too deep"));
        return Table::default();
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let builder = Builder { source, input: &source.text, base: 0 };
    faults.extend(errors.iter().map(|error| builder.syntax(error)));
    builder.table(table.get_ref(), faults)
}

/// Parses the value that begins at byte `start` of a source and ends with it. A text that is no TOML value is a
/// string without quotes, so that `--set loss.kind=poisson` says what it seems to say.
pub fn parse_value(source: &Arc<Source>, start: usize, faults: &mut Vec<Diagnostic>) -> Node {
    let input = &source.text[start..];
    let builder = Builder { source, input, base: start };
    if let Some(span) = deep_key(input) {
        faults.push(builder.place(span).error(format!("a key has more than {MOST_PARTS} parts"), "too deep"));
        return Node { place: builder.place(0..input.len()), content: Content::Broken };
    }
    match DeValue::parse(input) {
        Ok(value) => builder.node(&value, faults),
        Err(error) if input.starts_with(['"', '\'', '[', '{']) => {
            faults.push(builder.syntax(&error));
            Node { place: builder.place(0..input.len()), content: Content::Broken }
        }
        Err(_) => {
            let text = Text::plain(Arc::clone(source), start..source.text.len());
            Node { place: builder.place(0..input.len()), content: Content::Text(Arc::new(text)) }
        }
    }
}

/// Parts of a dotted key. The parser limits how deep brackets nest, but not this; trees are walked by recursion.
pub const MOST_PARTS: usize = 20;

/// Where a dotted key has more parts than any key of an experiment could.
fn deep_key(text: &str) -> Option<Range<usize>> {
    let (mut start, mut dots) = (0, 0);
    for token in toml_parser::Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Atom | TokenKind::Whitespace | TokenKind::BasicString | TokenKind::LiteralString => {}
            _ => (start, dots) = (token.span().end(), 0),
        }
        if dots >= MOST_PARTS {
            return Some(whole_characters(text, start..token.span().end()));
        }
    }
    None
}

/// Builds the tree of `input`, which begins at byte `base` of `source`.
struct Builder<'a> {
    source: &'a Arc<Source>,
    input: &'a str,
    base: usize,
}

impl Builder<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { source: Arc::clone(self.source), span: self.base + span.start..self.base + span.end }
    }

    fn syntax(&self, error: &toml::de::Error) -> Diagnostic {
        let span = whole_characters(self.input, error.span().unwrap_or(0..0));
        let message = match error.message() {
            // What the parser says of a key without a value.
            message if message.starts_with("string values must be quoted") && span.is_empty() => "a value is missing",
            message => message,
        };
        self.place(span).error(format!("this is not TOML: {message}"), "")
    }

    fn table(&self, table: &DeTable<'_>, faults: &mut Vec<Diagnostic>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                name: key.get_ref().to_string(),
                place: self.place(key.span()),
                value: self.node(value, faults),
            })
            .collect();
        // A table that is opened again by a later header moves to the end of its parent; the file's order is meant.
        entries.sort_by_key(|entry| entry.place.span.start);
        Table { entries }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, faults: &mut Vec<Diagnostic>) -> Node {
        let place = self.place(value.span());
        let content = match value.get_ref() {
            DeValue::String(_) => {
                Content::Text(Arc::new(text::decode(self.source, self.input, self.base, value.span())))
            }
            DeValue::Integer(written) => match i64::from_str_radix(written.as_str(), written.radix()) {
                Ok(integer) => Content::Integer(integer),
                Err(_) => {
                    let range = format!("whole numbers reach from {} to {}", i64::MIN, i64::MAX);
                    faults.push(place.error("this whole number does not fit into 64 bits", range));
                    Content::Broken
                }
            },
            DeValue::Float(written) => match written.as_str().parse::<f64>() {
                Ok(number) if number.is_infinite() && !written.as_str().contains("inf") => {
                    faults.push(place.error("this number is too large for a 64-bit float", ""));
                    Content::Broken
                }
                Ok(number) => Content::Float(number),
                Err(_) => Content::Broken,
            },
            DeValue::Boolean(flag) => Content::Flag(*flag),
            DeValue::Datetime(_) => Content::Date,
            DeValue::Array(array) => Content::List(self.list(array, faults)),
            DeValue::Table(table) => Content::Table(self.table(table, faults)),
        };
        Node { place, content }
    }

    fn list(&self, array: &DeArray<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Node> {
        array.iter().map(|value| self.node(value, faults)).collect()
    }
}

/// The span moved outward to whole characters and inside the text.
fn whole_characters(text: &str, span: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Table, Vec<Diagnostic>) {
        let source = Arc::new(Source { name: "test.toml".into(), text: text.into() });
        let mut faults = Vec::new();
        let table = parse(&source, &mut faults);
        (table, faults)
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let text = "title = \"x\"\n[loss]\nkind = 'poisson'\n[[optimizer]]\nmethod = \"lbfgs\"\n";
        let (table, faults) = parsed(text);
        assert!(faults.is_empty(), "{faults:?}");
        let loss = table.entry("loss").unwrap();
        assert_eq!(&text[loss.place.span.clone()], "loss");
        let kind = loss.value.table().unwrap().get("kind").unwrap();
        assert_eq!(&text[kind.place.span.clone()], "'poisson'");
        assert_eq!(kind.str(), Some("poisson"));
        let optimizers = table.get("optimizer").unwrap().list().unwrap();
        assert_eq!(&text[optimizers[0].place.span.clone()], "[[optimizer]]");
    }

    #[test]
    fn every_syntax_fault_is_reported() {
        let (_, faults) = parsed("a = \nb = \"open\nc = 1\nc = 2\nd = 99999999999999999999\n");
        assert!(faults.len() >= 4, "{faults:#?}");
    }

    #[test]
    fn tables_keep_the_order_of_the_file() {
        let (table, faults) = parsed("[p.b]\ny = 1\n[p.a]\nz = 1\n[q]\n[p]\nc = 1\n");
        assert!(faults.is_empty(), "{faults:?}");
        let names: Vec<&str> = table.table("p").unwrap().entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn a_value_without_quotes_is_text() {
        let source = Arc::new(Source { name: "--set".into(), text: "a=uniform(0, 5)".into() });
        let mut faults = Vec::new();
        let node = parse_value(&source, 2, &mut faults);
        assert_eq!(node.str(), Some("uniform(0, 5)"));
        assert_eq!(node.place.span, 2..15);
        assert!(faults.is_empty());
    }
}
