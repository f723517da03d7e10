//! From tokens to trees: the entrances, the cursor over the tokens, and what is said where something else was expected.
//!
//! A fault does not end the reading: common slips are read as what they most likely mean, and after any other the parser
//! goes on with the next statement. There is a tree only where there is no fault.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::language::fault::{Faults, Reported, quoted};
use crate::language::lexer::{self, Layout, Lexeme, Token};
use crate::language::tree::{Expression, Form, Formula, Function, Program, Text};
use crate::language::{HEIGHT, NESTING, SIZE, foreign};

pub(super) type Parsed<T> = Result<T, Reported>;

/// Parses a formula; line ends and comments in it mean nothing. None where there is a fault, which is then in `faults`.
pub fn expression(text: &Arc<Text>, faults: &mut Vec<Diagnostic>) -> Option<Formula> {
    let mut parser = Parser::new(text, Layout::Formula, faults)?;
    if let Lexeme::End = parser.token().lexeme {
        if !parser.faults.any() {
            parser.faults.add(&(0..text.text.len()), "a formula is missing", "nothing is written here", "");
        }
        return None;
    }
    let tree = parser.whole_formula();
    match (tree, parser.faults.any()) {
        (Ok(tree), false) => Some(Formula { text: Arc::clone(text), tree }),
        _ => None,
    }
}

/// Parses a program: statements, one a line, blocks by indentation. None where there is a fault, which is then in `faults`.
pub fn program(text: &Arc<Text>, faults: &mut Vec<Diagnostic>) -> Option<Program> {
    let mut parser = Parser::new(text, Layout::Program, faults)?;
    let body = parser.whole_program();
    let functions = std::mem::take(&mut parser.functions);
    (!parser.faults.any()).then(|| Program { text: Arc::clone(text), functions, body })
}

/// A tree and its height.
pub(super) struct Grown {
    pub tree: Expression,
    pub height: usize,
}

pub(super) struct Parser<'a> {
    pub text: &'a Arc<Text>,
    tokens: Vec<Token>,
    at: usize,
    pub faults: Faults<'a>,
    /// How many levels are open, of brackets, blocks, prefixes, powers and conditionals.
    pub nesting: usize,
    /// A `=` here can only mean `==`.
    pub compares: bool,
    /// A missing operator was reported in this statement.
    pub juxtaposed: bool,
    /// Inside a `def`.
    pub in_function: bool,
    pub functions: Vec<Function>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a Arc<Text>, layout: Layout, list: &'a mut Vec<Diagnostic>) -> Option<Parser<'a>> {
        if text.text.len() > SIZE {
            let message = format!("a text of {} bytes is too long for the model language", text.text.len());
            Faults::new(text, list).add(&(0..0), message, "", &format!("at most {SIZE} bytes are read"));
            return None;
        }
        let first = list.len();
        let tokens = lexer::tokens(text, layout, list)?;
        Some(Parser {
            text,
            tokens,
            at: 0,
            faults: Faults::after(text, list, first),
            nesting: 0,
            compares: layout == Layout::Formula,
            juxtaposed: false,
            in_function: false,
            functions: Vec::new(),
        })
    }

    fn whole_formula(&mut self) -> Parsed<Expression> {
        let start = self.at;
        if let (Lexeme::Name, Lexeme::Symbol(":=")) | (Lexeme::Name, Lexeme::Symbol("=")) =
            (self.token().lexeme, self.after().lexeme)
        {
            let span = self.token().span.start..self.after().span.end;
            let help =
                format!("a formula is the right-hand side alone: leave out {}", quoted(&self.text.text[span.clone()]));
            self.faults.add(&span, "a formula assigns nothing", "", &help);
            self.at += 2;
        }
        let grown = self.expression(0)?;
        if self.token().lexeme == Lexeme::End { Ok(grown.tree) } else { Err(self.unexpected(start)) }
    }

    pub fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    /// The token after the present one.
    pub fn after(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// The spans of the two tokens before the present one.
    pub fn before(&self) -> [Range<usize>; 2] {
        [2, 1].map(|back| self.at.checked_sub(back).map_or(0..0, |at| self.tokens[at].span.clone()))
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn span(&self) -> Range<usize> {
        self.token().span.clone()
    }

    /// What is written at `span`.
    pub fn written(&self, span: &Range<usize>) -> &'a str {
        &self.text.text[span.clone()]
    }

    /// Takes the present token; the last one, `End`, stays.
    pub fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Whether the present token is this symbol or word.
    pub fn is(&self, written: &str) -> bool {
        matches!(self.token().lexeme, Lexeme::Symbol(found) | Lexeme::Word(found) if found == written)
    }

    pub fn take(&mut self, written: &str) -> bool {
        let found = self.is(written);
        if found {
            self.advance();
        }
        found
    }

    pub fn expect(&mut self, written: &str, start: usize) -> Parsed<Token> {
        if self.is(written) { Ok(self.advance()) } else { Err(self.unexpected(start)) }
    }

    /// Opens a level; the caller closes it by `nesting -= 1`, and the statement does where a fault ended the reading.
    pub fn enter(&mut self, span: &Range<usize>) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting <= NESTING {
            return Ok(());
        }
        let label = format!("more than {NESTING} levels are open here");
        self.fail(
            span,
            "this is nested too deeply",
            label,
            "name the inner parts, and write the formula with the names",
        )
    }

    /// A node over parts of at most the given height.
    pub fn grow(&mut self, form: Form, span: Range<usize>, parts: usize) -> Parsed<Grown> {
        if parts < HEIGHT {
            return Ok(Grown { tree: Expression { form, span }, height: parts + 1 });
        }
        // The operator that is too much stands near the end of what was read.
        let label = format!("more than {HEIGHT} operators in a row end here");
        self.fail(
            &(span.end..span.end),
            "this formula is too long",
            label,
            "name parts of it, and write the formula with the names",
        )
    }

    pub fn fail<T>(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: &str,
    ) -> Parsed<T> {
        self.faults.add(span, message, label, help);
        Err(Reported)
    }

    /// Reports that the expression or statement that began at token `start` does not go on with the present token.
    pub fn unexpected(&mut self, start: usize) -> Reported {
        let token = self.token().clone();
        let written = quoted(self.written(&token.span));
        let first = self.written(&self.tokens[start].span);
        let (message, help) = match token.lexeme {
            Lexeme::Faulty => (format!("unexpected {written}"), ""),
            _ if first == "lambda" => (
                "lambda expressions are not in the language".into(),
                "write `def f(x):`; here `lambda` is an ordinary name",
            ),
            Lexeme::Symbol(",") => (
                "a `,` separates only the arguments of a function".into(),
                "the decimal point is `.`; there are no tuples",
            ),
            Lexeme::Symbol("=") => (
                "`=` assigns, and stands only after the name at the beginning of a statement".into(),
                "`==` compares; assign one name in one statement",
            ),
            Lexeme::Symbol(":=") => {
                ("`:=` is not in the language".into(), "assign in a statement of its own: `name = value`")
            }
            Lexeme::Symbol(":") => ("unexpected `:`".into(), "there are no slices and no type annotations"),
            Lexeme::Symbol("?") => ("unexpected `?`".into(), "a choice is written `a if condition else b`"),
            Lexeme::Symbol("{") => ("sets and dictionaries are not in the language".into(), ""),
            Lexeme::Symbol(".") => (
                "attributes are not in the language".into(),
                "write a function with its arguments in brackets: `exp(x)`",
            ),
            Lexeme::Symbol("->") => ("type annotations are not in the language".into(), "leave it out"),
            Lexeme::Word("for") => (
                "`for` in a formula stands only inside `sum(…)` and `prod(…)`".into(),
                "write `sum(e for i in range(n))`",
            ),
            Lexeme::Word("else") => ("`else` without an `if`".into(), "a choice is written `a if condition else b`"),
            Lexeme::Word("in" | "not") => ("`in` stands only after `for`".into(), "write `low <= x and x <= high`"),
            Lexeme::Word(word) => match foreign::WORDS.iter().find(|(foreign, _, _)| *foreign == word) {
                Some((_, what, help)) => (format!("{what} not in the language"), *help),
                None => (format!("unexpected {written}"), ""),
            },
            Lexeme::Newline | Lexeme::End | Lexeme::Indent | Lexeme::Dedent => ("this ends too early".into(), ""),
            Lexeme::Symbol(_) if token.span.is_empty() => ("this ends too early".into(), ""),
            _ => (format!("unexpected {written}"), ""),
        };
        self.faults.add(&token.span, message, "", help);
        Reported
    }
}
