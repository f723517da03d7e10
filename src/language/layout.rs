//! Lines, indentation and brackets, which belong together: inside brackets a line's end means nothing.

use crate::language::fault::quoted;
use crate::language::lexer::{ASSIGNMENTS, Layout, Lexeme, Lexer, Token, begins_name, continues_name};

/// How far a line is indented, tabs counted as up to eight columns and as one: Python wants both to agree.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Indentation {
    wide: usize,
    narrow: usize,
}

impl Lexer<'_> {
    pub fn end_statement(&mut self) {
        if !matches!(
            self.tokens.last().map(|token| token.lexeme),
            None | Some(Lexeme::Newline | Lexeme::Indent | Lexeme::Dedent)
        ) {
            self.empty(Lexeme::Newline);
        }
    }

    /// At a line's end. Returns whether a new statement may begin after it.
    pub fn line_end(&mut self) -> bool {
        self.at += line_break(&self.input[self.at..]);
        if self.layout == Layout::Formula {
            return false;
        }
        if !self.brackets.is_empty() {
            if !self.begins_statement() {
                return false;
            }
            self.close(0);
        }
        self.end_statement();
        true
    }

    /// Whether the line at hand can only be a new statement: then the brackets that are open were forgotten.
    fn begins_statement(&self) -> bool {
        let line = &self.input[self.at..];
        let rest = line.trim_start_matches([' ', '\t']);
        let indentation = measure(&line[..line.len() - rest.len()]);
        let word = &rest[..rest.find(|c| !continues_name(c)).unwrap_or(rest.len())];
        if matches!(word, "def" | "return" | "while" | "elif" | "pass") {
            return true;
        }
        let after = rest[word.len()..].trim_start_matches([' ', '\t']);
        let assigns = !after.starts_with("==") && ASSIGNMENTS.iter().any(|symbol| after.starts_with(symbol));
        // An argument given by name, on a line of its own, looks like an assignment but is indented.
        word.starts_with(begins_name) && assigns && self.indents.last().is_none_or(|last| indentation.wide <= last.wide)
    }

    /// Reads the beginning of a line: blank lines mean nothing, others open and close blocks.
    pub fn indentation(&mut self) {
        let line = &self.input[self.at..];
        let rest = line.trim_start_matches([' ', '\t', '\x0c', '\u{feff}']);
        let start = self.at;
        let space = &line[..line.len() - rest.len()];
        self.at += space.len();
        if rest.is_empty() || rest.starts_with(['\n', '\r', '#']) {
            return;
        }
        let here = measure(space);
        let Some(&last) = self.indents.last() else {
            self.indents.push(here);
            return;
        };
        let span = start..self.at;
        if here.wide > last.wide && here.narrow > last.narrow {
            self.indents.push(here);
            self.tokens.push(Token { lexeme: Lexeme::Indent, span });
            return;
        }
        let mut level = last;
        while level.wide > here.wide && self.indents.len() > 1 {
            self.indents.pop();
            self.empty(Lexeme::Dedent);
            level = self.indents[self.indents.len() - 1];
        }
        if (here.wide == level.wide) != (here.narrow == level.narrow) || (here.wide > last.wide) {
            self.faults.add(
                &span,
                "tabs and spaces are mixed",
                "how far is this indented?",
                "indent with spaces alone",
            );
        } else if here != level {
            let help = "indent it as the statements of the block that it belongs to";
            self.faults.add(&span, "this line is indented like no block above", "", help);
        }
    }

    pub fn closer(&mut self, symbol: &'static str) {
        let span = self.at..self.at + 1;
        let partner = self.brackets.iter().rposition(|opener| closes(opener) == symbol);
        match (partner, self.brackets.last()) {
            (Some(partner), _) => {
                self.close(partner + 1);
                self.brackets.pop();
                self.push(Lexeme::Symbol(symbol), 1);
            }
            (None, Some(opener)) => {
                let right = closes(opener);
                let (cause, label) = (opener.span.clone(), format!("closed by `{right}`"));
                self.faults.because(&span, format!("`{symbol}` where `{right}` should be"), "", &cause, label);
                self.brackets.pop();
                self.push(Lexeme::Symbol(right), 1);
            }
            (None, None) => {
                self.faults.add(&span, format!("`{symbol}` closes nothing"), "no bracket is open here", "");
                self.at += 1;
            }
        }
    }

    /// Closes the open brackets from the `keep`th on, which the text forgot to close.
    pub fn close(&mut self, keep: usize) {
        let Some(opener) = self.brackets.get(keep..).and_then(<[Token]>::last) else { return };
        // In `if (a > b:` the bracket ends before the `:`.
        let colon = self.tokens.pop_if(|token| token.lexeme == Lexeme::Symbol(":"));
        let (cause, right) = (opener.span.clone(), closes(opener));
        let more = match self.brackets.len() - keep - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let end = self.tokens.last().map_or(self.at, |token| token.span.end);
        let message = format!("{} is never closed", quoted(&self.input[cause.clone()]));
        self.faults.because(&(end..end), message, format!("`{right}` is missing{more}"), &cause, "opened here");
        while self.brackets.len() > keep {
            if let Some(opener) = self.brackets.pop() {
                self.empty(Lexeme::Symbol(closes(&opener)));
            }
        }
        self.tokens.extend(colon);
    }
}

fn closes(opener: &Token) -> &'static str {
    match opener.lexeme {
        Lexeme::Symbol("(") => ")",
        Lexeme::Symbol("[") => "]",
        _ => "}",
    }
}

/// Whether `\` at the beginning of `rest` joins its line with a next one.
pub(super) fn continues_line(rest: &str) -> bool {
    rest[1..].starts_with(['\n', '\r']) && rest.len() > 1 + line_break(&rest[1..])
}

pub(super) fn line_break(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { 1 }
}

/// As Python measures it: a tab goes to the next multiple of eight columns; a form feed begins again.
fn measure(space: &str) -> Indentation {
    space.chars().fold(Indentation { wide: 0, narrow: 0 }, |Indentation { wide, narrow }, c| match c {
        '\t' => Indentation { wide: (wide / 8 + 1) * 8, narrow: narrow + 1 },
        ' ' => Indentation { wide: wide + 1, narrow: narrow + 1 },
        _ => Indentation { wide: 0, narrow: 0 },
    })
}
