//! Collects the syntax faults of one text: each with its place, none twice, not more than a person reads.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::language::tree::Text;

/// How many faults of one text are told.
const MOST: usize = 20;

/// A fault was reported; what was being read is given up.
#[derive(Debug)]
pub(super) struct Reported;

pub(super) struct Faults<'a> {
    text: Arc<Text>,
    list: &'a mut Vec<Diagnostic>,
    /// Where this text's faults begin in `list`.
    first: usize,
}

impl<'a> Faults<'a> {
    pub fn new(text: &Arc<Text>, list: &'a mut Vec<Diagnostic>) -> Faults<'a> {
        Faults { text: Arc::clone(text), first: list.len(), list }
    }

    /// Goes on collecting where an earlier collector of the same text left off, which began at `first`.
    pub fn after(text: &Arc<Text>, list: &'a mut Vec<Diagnostic>, first: usize) -> Faults<'a> {
        Faults { text: Arc::clone(text), list, first }
    }

    pub fn any(&self) -> bool {
        self.list.len() > self.first
    }

    /// Too many to go on: what follows is most likely noise.
    pub fn full(&self) -> bool {
        self.list.len() >= self.first + MOST
    }

    /// Reports an error at `span` of the text.
    pub fn add(&mut self, span: &Range<usize>, message: impl Into<String>, label: impl Into<String>, help: &str) {
        let fault = self.text.error(span, message, label);
        self.push(if help.is_empty() { fault } else { fault.help(help) });
    }

    /// Reports an error at `span` that has its cause at `cause`.
    pub fn because(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        cause: &Range<usize>,
        cause_label: impl Into<String>,
    ) {
        let fault = self.text.error(span, message, label);
        self.push(fault.at(&self.text.source, self.text.place(cause), cause_label));
    }

    fn push(&mut self, fault: Diagnostic) {
        if !self.full() && !self.list[self.first..].contains(&fault) {
            self.list.push(fault);
        }
    }
}

/// A piece of the user's text as it stands in a message: short, on one line.
pub(super) fn quoted(text: &str) -> String {
    const WIDTH: usize = 40;
    let line: String = text.chars().take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let more = if text.chars().nth(WIDTH).is_some() { "…" } else { "" };
    format!("`{line}{more}`")
}
