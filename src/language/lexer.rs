//! From text to tokens: numbers, names, symbols, and lines and indentation as in Python.
//!
//! The tokens are balanced: every bracket has its partner and every `Indent` its `Dedent`, whatever the text; what is
//! wrong with them is reported here, and the parser need not say it again. Spans are in bytes of the text.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::language::fault::{Faults, quoted};
use crate::language::layout::{Indentation, continues_line, line_break};
use crate::language::tree::Text;
use crate::language::{NESTING, foreign, number};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lexeme {
    Number(f64),
    /// The spelling is the text at the token's span.
    Name,
    /// A keyword, or a word of Python that the language does not have.
    Word(&'static str),
    Symbol(&'static str),
    /// Stands for a value; a fault of it was reported.
    Faulty,
    /// The end of a statement; formulas have none.
    Newline,
    Indent,
    Dedent,
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub lexeme: Lexeme,
    pub span: Range<usize>,
}

/// What a text is: in a formula, line ends and indentation mean nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    Formula,
    Program,
}

const KEYWORDS: &[&str] =
    &["and", "or", "not", "if", "else", "elif", "for", "in", "while", "def", "return", "pass", "True", "False"];

/// The longer ones first.
const SYMBOLS: &[&str] = &[
    "**=", "//=", "**", "//", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "^=", ":=", "->", "+", "-", "*",
    "/", "%", "^", "(", ")", "[", "]", "{", "}", ",", ":", ";", "=", "<", ">", ".", "?",
];

pub(super) const ASSIGNMENTS: &[&str] = &["=", "+=", "-=", "*=", "/=", "//=", "%=", "**=", "^="];

/// Whether `text` can be written as a name in a formula: letters of any alphabet, digits, `_`; not a word of the language.
pub fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(begins_name)
        && text.chars().all(continues_name)
        && !text.chars().any(|c| foreign::plain_letter(c).is_some() || foreign::is_styled_letter(c))
        && reserved(text).is_none()
}

pub(super) fn begins_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

pub(super) fn continues_name(c: char) -> bool {
    begins_name(c) || c.is_ascii_digit()
}

fn reserved(word: &str) -> Option<&'static str> {
    let words = KEYWORDS.iter().chain(foreign::WORDS.iter().map(|(word, _, _)| word));
    words.copied().find(|keyword| *keyword == word)
}

/// The tokens of a text, the last of them `End`. None where it is nested too deeply to go on; that is reported.
pub(super) fn tokens(text: &Arc<Text>, layout: Layout, faults: &mut Vec<Diagnostic>) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        input: &text.text,
        layout,
        at: 0,
        tokens: Vec::new(),
        brackets: Vec::new(),
        indents: Vec::new(),
        faults: Faults::new(text, faults),
    };
    lexer.run().then_some(lexer.tokens)
}

pub(super) struct Lexer<'a> {
    pub input: &'a str,
    pub layout: Layout,
    pub at: usize,
    pub tokens: Vec<Token>,
    /// The open brackets.
    pub brackets: Vec<Token>,
    /// The open blocks; the first entry is the indentation of the first statement.
    pub indents: Vec<Indentation>,
    pub faults: Faults<'a>,
}

impl Lexer<'_> {
    fn run(&mut self) -> bool {
        let mut line_start = self.layout == Layout::Program;
        while self.at < self.input.len() && !self.faults.full() {
            if line_start {
                line_start = false;
                self.indentation();
                continue;
            }
            let rest = &self.input[self.at..];
            let c = rest.chars().next().unwrap_or(' ');
            match c {
                ' ' | '\t' | '\x0c' => self.at += 1,
                '\n' | '\r' => line_start = self.line_end(),
                '#' => self.at += rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '\\' if continues_line(rest) => self.at += 1 + line_break(&rest[1..]),
                '"' | '\'' => self.quotation(0),
                '0'..='9' => self.number(),
                '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
                _ if begins_name(c) => self.word(),
                _ => self.symbol(),
            }
            if self.brackets.len() > NESTING {
                let opener = &self.brackets[NESTING];
                self.faults.add(
                    &opener.span,
                    "brackets are nested too deeply",
                    format!("more than {NESTING} brackets are open here"),
                    "name the inner parts, and write the formula with the names",
                );
                return false;
            }
        }
        self.close(0);
        if self.layout == Layout::Program {
            self.end_statement();
            (1..self.indents.len()).for_each(|_| self.empty(Lexeme::Dedent));
        }
        self.empty(Lexeme::End);
        true
    }

    pub fn push(&mut self, lexeme: Lexeme, length: usize) {
        self.tokens.push(Token { lexeme, span: self.at..self.at + length });
        self.at += length;
    }

    /// A token of no width where the last one ends.
    pub fn empty(&mut self, lexeme: Lexeme) {
        let end = self.tokens.last().map_or(self.at, |token| token.span.end);
        self.tokens.push(Token { lexeme, span: end..end });
    }

    fn number(&mut self) {
        let rest = &self.input[self.at..];
        let literal = number::read(rest);
        if let Some((message, help)) = literal.fault {
            self.faults.add(&(self.at..self.at + literal.length), message, "", help);
        }
        let after = &rest[literal.length..];
        self.push(Lexeme::Number(literal.value), literal.length);
        let word = &after[..after.find(|c| !continues_name(c)).unwrap_or(after.len())];
        if word.is_empty() || literal.fault.is_some() || reserved(word).is_some() {
            return;
        }
        let written = &rest[..literal.length];
        let span = self.at - literal.length..self.at + word.len();
        if matches!(word, "j" | "J") {
            let help = "values are real numbers";
            self.faults.add(&span, "imaginary numbers are not in the language", "", help);
            self.at += word.len();
            return;
        }
        let exponent =
            if matches!(word, "e" | "E") { format!(", or an exponent as in `{written}e-3`") } else { String::new() };
        let help = format!("did you mean `{written}*{}`{exponent}?", quoted(word).trim_matches('`'));
        self.faults.add(&span, "a name begins with a digit, or a `*` is missing", "", &help);
        self.empty(Lexeme::Symbol("*"));
    }

    fn word(&mut self) {
        let rest = &self.input[self.at..];
        let word = &rest[..rest.find(|c| !continues_name(c)).unwrap_or(rest.len())];
        let after = &rest[word.len()..];
        let prefix = word.len() <= 2 && word.chars().all(|c| "rRbBfFuU".contains(c));
        if prefix && after.starts_with(['"', '\'']) {
            return self.quotation(word.len());
        }
        if let Some(keyword) = reserved(word) {
            return self.push(Lexeme::Word(keyword), word.len());
        }
        let odd =
            word.char_indices().find(|(_, c)| foreign::plain_letter(*c).is_some() || foreign::is_styled_letter(*c));
        if let Some((start, c)) = odd {
            let start = self.at + start;
            let help = foreign::plain_letter(c)
                .map(|plain| format!("write `{plain}` (U+{:04X})", plain.chars().next().unwrap_or(' ') as u32));
            let message =
                format!("the letter {} (U+{:04X}) is a variant of another one", quoted(&c.to_string()), c as u32);
            self.faults.add(
                &(start..start + c.len_utf8()),
                message,
                "",
                &help.unwrap_or("write plain letters and digits".into()),
            );
        }
        self.push(Lexeme::Name, word.len());
    }

    /// Text in quotation marks, after a prefix as in `f"…"`.
    fn quotation(&mut self, prefix: usize) {
        let rest = &self.input[self.at + prefix..];
        let formatted = self.input[self.at..self.at + prefix].contains(['f', 'F']);
        let mark = &rest[..1];
        let triple = mark.repeat(3);
        let length = if rest.starts_with(&triple) {
            rest[3..].find(&triple).map_or(rest.len(), |end| end + 6)
        } else {
            let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
            rest[1..line].find(mark).map_or(line, |end| end + 2)
        };
        let span = self.at..self.at + prefix + length;
        let message = if formatted {
            "f-strings are not in the language"
        } else {
            "text in quotation marks is not in the language"
        };
        let help = "values are numbers; a name is written without quotation marks, a comment after `#`";
        self.faults.add(&span, message, "", help);
        self.push(Lexeme::Faulty, prefix + length);
    }

    fn symbol(&mut self) {
        let rest = &self.input[self.at..];
        let unequal = rest.starts_with("!=") && !rest.starts_with("!==");
        if let Some(found) = foreign::SYMBOLS.iter().find(|symbol| rest.starts_with(symbol.written) && !unequal) {
            return self.foreign(found);
        }
        let Some(&symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) else {
            return self.unknown();
        };
        match symbol {
            "(" | "[" | "{" => {
                let span = self.at..self.at + 1;
                self.brackets.push(Token { lexeme: Lexeme::Symbol(symbol), span });
                self.push(Lexeme::Symbol(symbol), 1);
            }
            ")" | "]" | "}" => self.closer(symbol),
            _ => self.push(Lexeme::Symbol(symbol), symbol.len()),
        }
    }

    fn foreign(&mut self, found: &foreign::Foreign) {
        let span = self.at..self.at + found.written.len();
        let shown = if found.written.trim().is_empty() || found.written == "\u{200b}" || found.written == "\u{feff}" {
            format!("the character U+{:04X}", found.written.chars().next().unwrap_or(' ') as u32)
        } else {
            format!("`{}`", found.written)
        };
        self.faults.add(&span, format!("{shown} is not in the language"), "", found.help);
        match found.stands_for {
            Some(word) => match reserved(word) {
                Some(keyword) => self.push(Lexeme::Word(keyword), span.len()),
                None => self.push(Lexeme::Symbol(word), span.len()),
            },
            None => self.at = span.end,
        }
    }

    /// Characters that are in no word of any language, as many as stand together.
    fn unknown(&mut self) {
        let rest = &self.input[self.at..];
        let known = |c: char| c.is_whitespace() || continues_name(c) || c.is_ascii_punctuation() && !"\\`$".contains(c);
        let length = rest.char_indices().skip(1).find(|(_, c)| known(*c)).map_or(rest.len(), |(end, _)| end);
        let (written, span) = (&rest[..length], self.at..self.at + length);
        let first = written.chars().next().unwrap_or(' ');
        let message = if written.chars().nth(1).is_some() {
            format!("unknown characters {}", quoted(written))
        } else if first.is_control() || first.is_whitespace() {
            format!("unknown character U+{:04X}", first as u32)
        } else {
            format!("unknown character `{first}` (U+{:04X})", first as u32)
        };
        let help = match first {
            '\\' => "nothing stands after the `\\` that continues a line",
            '“' | '”' | '‘' | '’' | '`' => "values are numbers; a name is written without quotation marks",
            _ => "",
        };
        self.faults.add(&span, message, "", help);
        self.at = span.end;
    }
}
