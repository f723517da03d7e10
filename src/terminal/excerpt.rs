//! Cuts out of a source the few lines that a diagnostic points at, and out of long lines the windows around the places.
//!
//! A source may be one line of 100 MB: each source is walked once for its line numbers, and nothing is copied but what is
//! shown.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Label, Source};

/// Lines up to this many characters are shown whole.
const WHOLE: usize = 120;
/// How many characters of a longer line are shown before a place, of it, and after.
const AROUND: usize = 40;
/// A gap of this many lines or fewer between two places is filled with the lines themselves.
const FILLED: usize = 1;
/// Places farther apart than this many lines are shown apart.
const TOGETHER: usize = 1000;
const CUT: &str = "…";

/// Where a byte of a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first line is 1.
    pub line: usize,
    /// Where the line starts, in bytes.
    start: usize,
    /// In characters; the first is 1.
    pub column: usize,
}

/// The places of many bytes of a source, found in one walk over it.
pub(super) fn places(source: &Source, mut offsets: Vec<usize>) -> BTreeMap<usize, Place> {
    offsets.sort_unstable();
    offsets.dedup();
    let (mut line, mut start, mut column, mut done) = (1, 0, 1, 0);
    let mut places = BTreeMap::new();
    for offset in offsets {
        let end = boundary(&source.text, offset);
        let passed = &source.text[done..end];
        match passed.rfind('\n') {
            Some(last) => {
                line += passed.bytes().filter(|b| *b == b'\n').count();
                start = done + last + 1;
                column = 1 + source.text[start..end].chars().count();
            }
            None => column += passed.chars().count(),
        }
        done = end;
        places.insert(offset, Place { line, start, column });
    }
    places
}

/// The nearest character boundary at or before `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

/// A span, and which of a diagnostic's labels it is.
type Mark = (Range<usize>, usize);

/// Lines of one source, as they are shown, with marks on them.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    pub text: String,
    pub first_line: usize,
    /// Spans in `text`.
    pub marks: Vec<Mark>,
}

impl Excerpt {
    /// The most important label in it, whose place heads it.
    pub fn head(&self) -> Option<usize> {
        self.marks.iter().map(|(_, label)| *label).min()
    }
}

/// The excerpts that show `labels` (their positions in the diagnostic beside them), all of one source, in its order.
pub(super) fn excerpts(labels: &[(usize, &Label)], places: &BTreeMap<usize, Place>) -> Vec<Excerpt> {
    let Some((_, Label { source, .. })) = labels.first() else { return Vec::new() };
    let mut lines: BTreeMap<usize, (usize, Vec<Mark>)> = BTreeMap::new();
    for (position, label) in labels {
        let Some(place) = places.get(&label.span.start) else { continue };
        let span = shown_span(source, &label.span);
        lines.entry(place.line).or_insert((place.start, Vec::new())).1.push((span, *position));
    }
    let mut excerpts: Vec<Excerpt> = Vec::new();
    let mut last = 0;
    for (line, (start, marks)) in lines {
        match excerpts.last_mut() {
            Some(excerpt) if line - last <= TOGETHER => {
                let between = line - last - 1;
                let filled =
                    if between <= FILLED { lines_before(source, start, between) } else { vec![String::new(); between] };
                filled.iter().for_each(|line| excerpt.text.extend([line, "\n"]));
            }
            _ => excerpts.push(Excerpt { first_line: line, ..Excerpt::default() }),
        }
        last = line;
        if let Some(excerpt) = excerpts.last_mut() {
            append(excerpt, source, start, marks);
        }
    }
    excerpts
}

/// A span clipped to its first line, and to what a screen can show.
fn shown_span(source: &Arc<Source>, span: &Range<usize>) -> Range<usize> {
    let text = &source.text;
    let start = boundary(text, span.start);
    let end = boundary(text, span.end).max(start);
    let limit = forward(text, start, WHOLE - 2 * AROUND);
    let shown = &text[start..end.min(limit)];
    start..start + shown.find(['\n', '\r']).unwrap_or(shown.len())
}

/// The byte `count` characters after `from`, or the end.
fn forward(text: &str, from: usize, count: usize) -> usize {
    text[from..].char_indices().nth(count).map_or(text.len(), |(at, _)| from + at)
}

/// The byte `count` characters before `from`, or the beginning.
fn backward(text: &str, from: usize, count: usize) -> usize {
    if count == 0 {
        return from;
    }
    text[..from].char_indices().nth_back(count - 1).map_or(0, |(at, _)| at)
}

/// Where the line that holds `from` ends, if it does within `count` characters.
fn line_end(text: &str, from: usize, count: usize) -> (usize, bool) {
    let limit = forward(text, from, count);
    match text[from..limit].find('\n') {
        Some(end) => (from + text[from..from + end].trim_end_matches('\r').len(), true),
        None => (limit, limit == text.len()),
    }
}

/// The `count` lines that end before byte `start`, each cut to what is shown.
fn lines_before(source: &Source, start: usize, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut end = start;
    for _ in 0..count {
        let begin = source.text[..end.saturating_sub(1)].rfind('\n').map_or(0, |at| at + 1);
        let (stop, whole) = line_end(&source.text, begin, WHOLE);
        lines.push(source.text[begin..stop].to_string() + if whole { "" } else { CUT });
        end = begin;
    }
    lines.reverse();
    lines
}

/// Appends the line that starts at byte `start`, whole or in windows around its marks.
fn append(excerpt: &mut Excerpt, source: &Source, start: usize, mut marks: Vec<Mark>) {
    let text = &source.text;
    marks.sort_by_key(|(span, _)| (span.start, span.end));
    let (end, whole) = line_end(text, start, WHOLE);
    let mut windows: Vec<(Range<usize>, bool)> = Vec::new();
    if whole {
        let last = marks.iter().map(|(span, _)| span.end).max().unwrap_or(end);
        windows.push((start..end.max(last), true));
    } else {
        for (span, _) in &marks {
            let from = backward(text, span.start, AROUND).max(start);
            let (to, ends) = line_end(text, span.end, AROUND);
            match windows.last_mut() {
                Some((window, last)) if from <= window.end => (window.end, *last) = (window.end.max(to), ends || *last),
                _ => windows.push((from..to, ends)),
            }
        }
    }
    for (i, (window, ends)) in windows.iter().enumerate() {
        if window.start > start {
            excerpt.text.push_str(CUT);
        }
        let shift = excerpt.text.len();
        excerpt.text.push_str(&text[window.clone()]);
        for (span, label) in marks.iter().filter(|(span, _)| window.start <= span.start && span.end <= window.end) {
            excerpt.marks.push((span.start - window.start + shift..span.end - window.start + shift, *label));
        }
        if i + 1 == windows.len() && !ends {
            excerpt.text.push_str(CUT);
        }
    }
    excerpt.text.push('\n');
}
