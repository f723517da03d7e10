//! A fault or warning in what a user wrote: message, places with carets, and a hint.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One text that a user gave: an experiment file, a data file, or the words after `--set`.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user wrote it, or `--set`.
    pub name: String,
    pub text: String,
}

/// How grave a diagnostic is. Only errors stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Note,
}

/// A place in a source, in bytes, and what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub source: Arc<Source>,
    pub span: Range<usize>,
    pub text: String,
}

/// A fault or warning. The first label is the primary one: its file and line head the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub level: Level,
    pub message: String,
    pub labels: Vec<Label>,
    /// What else there is to know, before the help.
    pub notes: Vec<String>,
    pub help: Vec<String>,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Self {
        let (labels, notes, help) = (Vec::new(), Vec::new(), Vec::new());
        Diagnostic { level: Level::Error, message: message.into(), labels, notes, help }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(message) }
    }

    pub fn note(message: impl Into<String>) -> Self {
        Diagnostic { level: Level::Note, ..Diagnostic::error(message) }
    }

    /// Adds a place; the first one added is the primary one.
    pub fn at(mut self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        })
    }
}

/// So many of something, as a sentence says it: `1 run`, `2 runs`. Plural is the noun with an `s`.
pub fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The candidate that `written` most likely meant, if one is near enough to suggest.
///
/// Nearness is the Damerau-Levenshtein distance (optimal string alignment), at most a third of the longer word, and less
/// than the whole of it.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (written, length) = (written.to_lowercase(), written.chars().count());
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.chars().count();
            // At least one letter is shared: `t` does not mean `e`.
            let allowed = length.max(other).div_ceil(3).min(length.max(other).saturating_sub(1));
            // The lengths alone may tell: a name of a million characters is compared with nothing short.
            let distance =
                (length.abs_diff(other) <= allowed).then(|| distance(&written, &candidate.to_lowercase()))?;
            (distance <= allowed).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = substitution.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn suggests_the_nearest_name_and_nothing_far() {
        let names = ["half_life_1", "half_life_2", "background"];
        assert_eq!(did_you_mean("half_lfie_1", names), Some("half_life_1"));
        assert_eq!(did_you_mean("backgruond", names), Some("background"));
        assert_eq!(did_you_mean("zzz", names), None);
        assert_eq!(did_you_mean("t", ["e", "x"]), None);
    }
}
