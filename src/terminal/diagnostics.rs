//! Diagnostics as text for a person: message, file, line and column, the source with carets, help, and a count at the end.
//!
//! This is the one door to `annotate-snippets`. The output is a function of the diagnostics, free of control characters.

use std::collections::BTreeMap;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Label, Level, Source};
use crate::terminal::excerpt::{self, Excerpt, Place};

/// Wide enough that the excerpts, which are cut already, are never cut again.
const WIDTH: usize = 1000;

/// Messages and labels are shown up to this many characters.
const LONGEST: usize = 400;

/// Stands for a path while the crate renders: lines are cut, so that the columns it would print are wrong.
const PATH: char = '\u{e000}';

/// The places of all labels of one source.
struct Located<'a> {
    source: &'a Arc<Source>,
    places: BTreeMap<usize, Place>,
}

/// All diagnostics in the order of the text they point at, none twice; those without a place first. Then their number.
///
/// Sources come in the order in which the diagnostics name them. Empty where there is no diagnostic.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let sources = locate(diagnostics);
    let key = |diagnostic: &Diagnostic| {
        let label = diagnostic.labels.first()?;
        Some((number(&sources, &label.source), label.span.start, label.span.end))
    };
    let mut ordered: Vec<&Diagnostic> = diagnostics.iter().collect();
    ordered.sort_by(|a, b| (key(a), &a.message).cmp(&(key(b), &b.message)));
    ordered.dedup();
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut shown = String::new();
    for diagnostic in &ordered {
        shown += &one(diagnostic, &sources, &renderer);
        shown += "\n\n";
    }
    shown + &count(&ordered) + "\n"
}

/// Finds every label's line and column, in one walk over each source.
fn locate(diagnostics: &[Diagnostic]) -> Vec<Located<'_>> {
    let mut sources: Vec<(&Arc<Source>, Vec<usize>)> = Vec::new();
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        match sources.iter_mut().find(|(source, _)| Arc::ptr_eq(source, &label.source)) {
            Some((_, offsets)) => offsets.push(label.span.start),
            None => sources.push((&label.source, vec![label.span.start])),
        }
    }
    sources.into_iter().map(|(source, offsets)| Located { source, places: excerpt::places(source, offsets) }).collect()
}

fn number(sources: &[Located<'_>], source: &Arc<Source>) -> usize {
    sources.iter().position(|located| Arc::ptr_eq(located.source, source)).unwrap_or(sources.len())
}

fn one(diagnostic: &Diagnostic, sources: &[Located<'_>], renderer: &Renderer) -> String {
    let level = match diagnostic.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Note => Title::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(short(&diagnostic.message)));
    let mut paths = Vec::new();
    for located in in_order(diagnostic, sources) {
        group = cite(group, diagnostic, located, &mut paths);
    }
    group = group.elements(diagnostic.notes.iter().map(|note| Title::NOTE.message(short(note))));
    group = group.elements(diagnostic.help.iter().map(|help| Title::HELP.message(short(help))));
    put_paths(&renderer.render(&[group]), &paths)
}

/// Puts the paths with their lines and columns in the place of what stands for them.
fn put_paths(rendered: &str, paths: &[String]) -> String {
    let mut parts = rendered.split(PATH);
    let first = parts.next().unwrap_or_default().to_string();
    parts.zip(paths).fold(first, |shown, (part, path)| {
        shown + path + part.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit())
    })
}

/// The sources that a diagnostic points at, that of the primary label first.
fn in_order<'a>(diagnostic: &Diagnostic, sources: &'a [Located<'a>]) -> Vec<&'a Located<'a>> {
    let mut numbers = Vec::new();
    for label in &diagnostic.labels {
        let number = number(sources, &label.source);
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers.into_iter().filter_map(|number| sources.get(number)).collect()
}

/// Adds what a diagnostic says of one source: where it is, and the lines with their marks.
fn cite<'a>(
    mut group: Group<'a>,
    diagnostic: &'a Diagnostic,
    located: &Located<'_>,
    paths: &mut Vec<String>,
) -> Group<'a> {
    let here = |(_, label): &(usize, &Label)| Arc::ptr_eq(&label.source, located.source);
    let labels: Vec<(usize, &Label)> = diagnostic.labels.iter().enumerate().filter(here).collect();
    let mut excerpts = excerpt::excerpts(&labels, &located.places);
    excerpts.sort_by_key(Excerpt::head);
    for excerpt in excerpts {
        let head = excerpt.head();
        let place = head.and_then(|position| located.places.get(&diagnostic.labels[position].span.start));
        let Some(Place { line, column, .. }) = place else { continue };
        paths.push(format!("{}:{line}:{column}", short(&located.source.name)));
        let marks = excerpt.marks.iter().map(|(span, position)| {
            let kind = if *position == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let label =
                diagnostic.labels.get(*position).map(|label| short(&label.text)).filter(|text| !text.is_empty());
            kind.span(span.clone()).label(label)
        });
        let snippet =
            Snippet::source(shown_source(&excerpt.text)).line_start(excerpt.first_line).path(PATH.to_string());
        group = group.element(snippet.annotations(marks));
    }
    group
}

/// A text on one line, not too long, without control characters.
fn short(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST);
    let shown = text[..cut.map_or(text.len(), |(end, _)| end)].chars().map(visible);
    shown.chain(cut.map(|_| '…')).collect()
}

/// A picture of a character that would move the cursor, or turn the direction of writing.
fn visible(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or(' '),
        '\x7f' => '␡',
        PATH | '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '�',
        _ => c,
    }
}

/// Replaces what the crate leaves, by characters of the same length in bytes; it draws the other control characters.
fn shown_source(text: &str) -> String {
    let replaced = |c| match c {
        PATH => '�',
        '\u{80}'..='\u{9f}' => '¿',
        _ => c,
    };
    text.chars().map(replaced).collect()
}

/// `3 errors, 1 warning`.
fn count(diagnostics: &[&Diagnostic]) -> String {
    let of = |level: Level, name: &str| match diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count()
    {
        0 => None,
        1 => Some(format!("1 {name}")),
        n => Some(format!("{n} {name}s")),
    };
    let counts = [of(Level::Error, "error"), of(Level::Warning, "warning"), of(Level::Note, "note")];
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::render;
    use crate::diagnostic::{Diagnostic, Source};

    fn source(name: &str, text: &str) -> Arc<Source> {
        Arc::new(Source { name: name.into(), text: text.into() })
    }

    #[test]
    fn shows_places_labels_and_help_in_the_order_of_the_text() {
        let file = source("a.toml", "x = 1\ny = \"2 +\"\n\n\nz = 3\n");
        let late = Diagnostic::warning("late").at(&file, 18..19, "here").at(&file, 0..1, "first there");
        let early = Diagnostic::error("early").at(&file, 10..13, "").help("one").help("two");
        let bare = Diagnostic::error("no place").help("do it");
        let expected = "\
error: no place
 |
 = help: do it

error: early
 --> a.toml:2:5
  |
2 | y = \"2 +\"
  |     ^^^
  |
  = help: one
  = help: two

warning: late
 --> a.toml:5:1
  |
1 | x = 1
  | - first there
...
5 | z = 3
  | ^ here

2 errors, 1 warning
";
        let shown = render(&[late.clone(), early, bare, late], false);
        assert_eq!(shown, expected, "{shown}");
    }

    #[test]
    fn cuts_long_lines_to_windows() {
        let text = format!("{}error{}more{}", "é".repeat(300), "b".repeat(500), "c".repeat(300));
        let file = source("long", &text);
        let shown = render(&[Diagnostic::error("e").at(&file, 600..605, "one").at(&file, 1105..1109, "two")], false);
        assert!(shown.contains(" --> long:1:301\n"), "{shown}");
        assert!(
            shown.contains(&format!(
                "…{}error{}…{}more{}…\n",
                "é".repeat(40),
                "b".repeat(40),
                "b".repeat(40),
                "c".repeat(40)
            )),
            "{shown}"
        );
        assert!(shown.contains("^^^^^") && shown.contains("----"), "{shown}");
    }

    #[test]
    fn survives_odd_places_and_characters() {
        let file = source("odd\x1b[31m", "a\tb\0\x1b[2J\r\nλ\r\n\nlast");
        let length = file.text.len();
        for start in 0..=length + 2 {
            for end in [start, start + 1, start + 4, length + 9] {
                let shown = render(
                    &[Diagnostic::error("m\x1b[1m\n").at(&file, start..end, "l\x07").at(&file, 0..end, "")],
                    false,
                );
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            }
        }
        let empty = source("empty", "");
        assert!(render(&[Diagnostic::error("m").at(&empty, 0..0, "nothing")], false).contains("empty:1:1"));
        assert_eq!(render(&[], true), "");
    }

    #[test]
    fn colour_only_where_it_is_asked_for() {
        let file = source("a", "x");
        let fault = [Diagnostic::error("m").at(&file, 0..1, "")];
        assert!(render(&fault, true).contains('\x1b') && !render(&fault, false).contains('\x1b'));
    }

    #[test]
    fn two_sources_and_places_far_apart() {
        let one = source("one", &"line\n".repeat(5000));
        let two = source("two", "other\n");
        let fault = Diagnostic::error("m").at(&one, 5..9, "a").at(&one, 20_000..20_004, "b").at(&two, 0..5, "c");
        let shown = render(&[fault], false);
        assert!(
            shown.contains("--> one:2:1\n")
                && shown.contains("::: one:4001:1\n")
                && shown.contains("::: two:1:1\n")
                && shown.contains("4001 | line"),
            "{shown}"
        );
    }
}
