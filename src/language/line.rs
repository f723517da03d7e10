//! Statements of one line: assignments, `return`, `pass`, and the bound of a `while`.

use crate::language::expression::{CONDITIONAL, OR};
use crate::language::fault::{Reported, quoted};
use crate::language::foreign;
use crate::language::lexer::{ASSIGNMENTS, Lexeme};
use crate::language::parser::{Parsed, Parser};
use crate::language::statement::Block;
use crate::language::tree::{Action, Binary, Form, Statement, Target};

pub(super) const BOUND: &str =
    "write `at_most(1000)`, say, as the first statement of its body: it runs no more often than that";

/// The operator of `+=` and its like; None for `=`.
fn operator(symbol: &str) -> Option<Binary> {
    match symbol {
        "+=" => Some(Binary::Add),
        "-=" => Some(Binary::Subtract),
        "*=" => Some(Binary::Multiply),
        "/=" => Some(Binary::Divide),
        "//=" => Some(Binary::FloorDivide),
        "%=" => Some(Binary::Modulo),
        "**=" | "^=" => Some(Binary::Power),
        _ => None,
    }
}

impl Parser<'_> {
    /// One line of simple statements, with `;` between them.
    pub fn line(&mut self, block: &mut Block) -> Parsed<()> {
        loop {
            let start = self.position();
            let begin = self.span().start;
            if let Some(action) = self.simple(block)? {
                block.body.push(Statement { action, span: begin..self.before()[1].end });
            }
            if self.take(";") && self.token().lexeme != Lexeme::Newline {
                continue;
            }
            if self.token().lexeme != Lexeme::Newline {
                return Err(self.unexpected(start));
            }
            self.advance();
            return Ok(());
        }
    }

    fn simple(&mut self, block: &mut Block) -> Parsed<Option<Action>> {
        let token = self.token().clone();
        match token.lexeme {
            Lexeme::Word("pass") => {
                self.advance();
                Ok(None)
            }
            Lexeme::Word("return") => self.returned().map(Some),
            Lexeme::Word(word @ ("elif" | "else")) => {
                let help = "`elif` and `else` are indented as their `if` is";
                self.fail(&token.span, format!("`{word}` without an `if` before it"), "", help)
            }
            Lexeme::Word(word @ ("for" | "while" | "if" | "def")) => {
                self.fail(&token.span, format!("`{word}` begins a line of its own"), "", "")
            }
            Lexeme::Word(word) if foreign::WORDS.iter().any(|(foreign, _, _)| *foreign == word) => {
                Err(self.unexpected(self.position()))
            }
            Lexeme::Name if self.written(&token.span) == "at_most" && self.after().lexeme == Lexeme::Symbol("(") => {
                self.bound(block)
            }
            Lexeme::Name
                if matches!(self.written(&token.span), "let" | "var" | "const" | "float" | "double" | "int")
                    && self.after().lexeme == Lexeme::Name =>
            {
                let word = quoted(self.written(&token.span));
                self.fail(
                    &token.span,
                    format!("{word} is not needed before a name"),
                    "",
                    "assign without it: `name = value`",
                )
            }
            _ => self.assignment().map(Some),
        }
    }

    fn returned(&mut self) -> Parsed<Action> {
        let word = self.advance();
        if !self.in_function {
            self.faults.add(&word.span, "`return` outside of a function", "", "assign to the names of the outputs");
        }
        if matches!(self.token().lexeme, Lexeme::Newline | Lexeme::Symbol(";")) {
            return self.fail(&word.span, "`return` without a value", "", "a function gives back one number");
        }
        let value = self.expression(CONDITIONAL)?;
        if self.is(",") {
            let span = self.span();
            return self.fail(&span, "a function gives back one number", "", "write one function for each result");
        }
        Ok(Action::Return(value.tree))
    }

    /// `at_most(n)`.
    fn bound(&mut self, block: &mut Block) -> Parsed<Option<Action>> {
        let call = self.expression(OR)?.tree;
        let span = call.span.clone();
        let Form::Call { mut arguments, .. } = call.form else { return Err(self.unexpected(self.position())) };
        let bound = match arguments.pop() {
            Some(bound) if arguments.is_empty() => bound,
            _ => return self.fail(&span, "`at_most` takes one number", "", BOUND),
        };
        if block.bound.is_some() || !block.body.is_empty() {
            return self.fail(&span, "`at_most` stands first in the body of a `while`", "", "");
        }
        block.bound = Some((bound, span));
        Ok(None)
    }

    fn assignment(&mut self) -> Parsed<Action> {
        let start = self.position();
        let faulty = self.token().lexeme == Lexeme::Faulty;
        let written = self.expression(CONDITIONAL)?.tree;
        let symbol = match self.token().lexeme {
            Lexeme::Symbol(symbol) if ASSIGNMENTS.contains(&symbol) => symbol,
            Lexeme::Newline | Lexeme::Symbol(";") if faulty => return Err(Reported),
            Lexeme::Newline | Lexeme::Symbol(";") => {
                let help = match &written.form {
                    Form::Call { function, .. } if function == "print" => "`sbi-run simulate` shows the outputs",
                    Form::Comparison { .. } => "`=` assigns, `==` compares",
                    _ => "assign it to a name: `name = value`",
                };
                return self.fail(&written.span, "this value is not used", "", help);
            }
            Lexeme::Symbol(",") => {
                let span = self.span();
                let help = "there are no tuples; assign one name in one statement";
                return self.fail(&span, "several names in one assignment", "", help);
            }
            _ => return Err(self.unexpected(start)),
        };
        let target = match written.form {
            _ if self.written(&written.span).starts_with('(') => None,
            Form::Name(name) => Some(Target { name, name_span: written.span.clone(), index: None }),
            Form::Index { base, index } => match base.form {
                Form::Name(name) => Some(Target { name, name_span: base.span, index: Some(*index) }),
                _ => None,
            },
            _ => None,
        };
        let Some(target) = target else {
            let help = "the left-hand side is a name, or an element `v[i]` of a vector";
            return self.fail(&written.span, "nothing can be assigned to this", "", help);
        };
        self.advance();
        let value = self.expression(CONDITIONAL)?.tree;
        Ok(Action::Assign { target, operator: operator(symbol), value })
    }
}
