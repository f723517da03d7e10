//! Statements with blocks, by recursive descent: loops, branches and functions.

use std::ops::Range;

use crate::language::NESTING;
use crate::language::expression::CONDITIONAL;
use crate::language::fault::Reported;
use crate::language::lexer::Lexeme;
use crate::language::line::BOUND;
use crate::language::parser::{Parsed, Parser};
use crate::language::tree::{Action, Expression, Form, Function, Statement};

/// The statements of a block, and the bound that stands before them in a `while`.
#[derive(Default)]
pub(super) struct Block {
    pub bound: Option<(Expression, Range<usize>)>,
    pub body: Vec<Statement>,
}

impl Parser<'_> {
    pub fn whole_program(&mut self) -> Vec<Statement> {
        let mut block = Block::default();
        while self.token().lexeme != Lexeme::End && !self.faults.full() {
            self.statement(&mut block, true);
        }
        self.unbounded(&block);
        block.body
    }

    /// Reads one line of statements, or one with its blocks. After a fault, the tokens of the next statement are at hand.
    fn statement(&mut self, block: &mut Block, top: bool) {
        let nesting = self.nesting;
        (self.compares, self.juxtaposed) = (false, false);
        if self.token().lexeme == Lexeme::Indent {
            let span = self.span();
            self.faults.add(
                &span,
                "this line is indented, and begins no block",
                "",
                "statements of one block are indented alike",
            );
            return self.orphan();
        }
        let (start, defines) = (self.span().start, self.is("def"));
        let read = match self.token().lexeme {
            Lexeme::Word("for") => self.for_loop().map(Some),
            Lexeme::Word("while") => self.while_loop().map(Some),
            Lexeme::Word("if") => self.branches().map(Some),
            Lexeme::Word("def") => self.function(top).map(|()| None),
            _ => self.line(block).map(|()| None),
        };
        self.nesting = nesting;
        match read {
            Ok(Some(action)) => {
                let end = self.before()[1].end;
                block.body.push(Statement { action, span: start..end.max(start) });
            }
            Ok(None) => {}
            Err(Reported) => {
                let outer = self.in_function;
                self.in_function |= defines;
                self.recover();
                self.in_function = outer;
            }
        }
    }

    /// Passes over the rest of a statement that had a fault; the faults of its block are told.
    fn recover(&mut self) {
        while !matches!(self.token().lexeme, Lexeme::Newline | Lexeme::End) {
            self.advance();
        }
        self.advance();
        if self.token().lexeme == Lexeme::Indent {
            self.orphan();
        }
        if self.is("elif") || self.is("else") {
            self.recover();
        }
    }

    /// Reads an indented block that belongs to nothing.
    fn orphan(&mut self) {
        // One that is nested too deeply was reported.
        let entered = self.nesting < NESTING;
        self.nesting += 1;
        self.advance();
        let mut lost = Block::default();
        while !matches!(self.token().lexeme, Lexeme::Dedent | Lexeme::End) {
            if entered && !self.faults.full() {
                self.statement(&mut lost, false);
            } else {
                self.skip_block();
            }
        }
        self.nesting -= 1;
        self.advance();
    }

    /// Passes over everything up to the end of the present block.
    fn skip_block(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.token().lexeme {
                Lexeme::End => return,
                Lexeme::Dedent if depth == 0 => return,
                Lexeme::Dedent => depth -= 1,
                Lexeme::Indent => depth += 1,
                _ => {}
            }
            self.advance();
        }
    }

    /// The block of a compound statement, after its `:`.
    fn block(&mut self, header: Range<usize>) -> Parsed<Block> {
        let header = header.start..self.before()[1].end.max(header.end);
        if !self.take(":") {
            let end = header.end;
            if !matches!(self.token().lexeme, Lexeme::Newline) {
                return Err(self.unexpected(self.position()));
            }
            self.faults.add(&(end..end), "a `:` is missing", "before the block", "");
        }
        let mut block = Block::default();
        self.enter(&header)?;
        if self.token().lexeme != Lexeme::Newline {
            self.compares = false;
            self.line(&mut block)?;
        } else {
            self.advance();
            if self.token().lexeme != Lexeme::Indent {
                self.nesting -= 1;
                let help = "indent the statements that belong to it; `pass` where there is nothing to do";
                self.faults.add(&header, "a block is missing", "indented statements should follow", help);
                return Ok(block);
            }
            self.advance();
            while !matches!(self.token().lexeme, Lexeme::Dedent | Lexeme::End) {
                if self.faults.full() {
                    self.skip_block();
                } else {
                    self.statement(&mut block, false);
                }
            }
            self.advance();
        }
        self.nesting -= 1;
        Ok(block)
    }

    /// The block of anything but a `while`.
    fn plain_block(&mut self, header: Range<usize>) -> Parsed<Vec<Statement>> {
        let block = self.block(header)?;
        self.unbounded(&block);
        Ok(block.body)
    }

    fn unbounded(&mut self, block: &Block) {
        if let Some((_, span)) = &block.bound {
            self.faults.add(
                span,
                "`at_most` bounds a `while`, and stands first in its body",
                "no `while` begins here",
                "",
            );
        }
    }

    /// A condition, up to the `:`.
    fn condition(&mut self) -> Parsed<Expression> {
        self.compares = true;
        let test = self.expression(CONDITIONAL);
        self.compares = false;
        Ok(test?.tree)
    }

    fn for_loop(&mut self) -> Parsed<Action> {
        let word = self.advance();
        let (variable, variable_span) = self.loop_variable()?;
        let (range, _) = self.steps()?;
        let body = self.plain_block(word.span)?;
        self.no_else("for")?;
        Ok(Action::For { variable, variable_span, range, body })
    }

    fn while_loop(&mut self) -> Parsed<Action> {
        let word = self.advance();
        let test = self.condition()?;
        let block = self.block(word.span.clone())?;
        self.no_else("while")?;
        match block.bound {
            Some((bound, _)) => Ok(Action::While { test, bound, body: block.body }),
            None => {
                let span = word.span.start..test.span.end;
                self.faults.add(&span, "this `while` states no bound", "may go on for ever", BOUND);
                let zero = Expression { form: Form::Number(0.0), span: word.span };
                Ok(Action::While { test, bound: zero, body: block.body })
            }
        }
    }

    fn no_else(&mut self, what: &str) -> Parsed<()> {
        if !self.is("else") {
            return Ok(());
        }
        let span = self.span();
        self.fail(&span, format!("a `{what}` has no `else` in the language"), "", "write what follows after the loop")
    }

    fn branches(&mut self) -> Parsed<Action> {
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        let mut word = self.advance();
        loop {
            let test = self.condition()?;
            branches.push((test, self.plain_block(word.span)?));
            if !self.is("elif") && !self.is("else") {
                break;
            }
            word = self.advance();
            if self.written(&word.span) == "elif" {
                continue;
            }
            if self.is("if") {
                let span = word.span.start..self.span().end;
                self.faults.add(&span, "`else if` is one word", "", "write `elif`");
                word = self.advance();
                continue;
            }
            otherwise = self.plain_block(word.span)?;
            break;
        }
        Ok(Action::If { branches, otherwise })
    }

    fn function(&mut self, top: bool) -> Parsed<()> {
        let start = self.position();
        let word = self.advance();
        if !top {
            let help = "write it before, with its own indentation at the margin";
            self.faults.add(&word.span, "a function is defined outside of loops, branches and functions", "", help);
        }
        if self.token().lexeme != Lexeme::Name {
            return Err(self.unexpected(start));
        }
        let name = self.advance();
        self.expect("(", start)?;
        let mut parameters: Vec<(String, Range<usize>)> = Vec::new();
        while !self.is(")") {
            let token = self.token().clone();
            if token.lexeme != Lexeme::Name {
                let help = "parameters are names, separated by `,`";
                return self.fail(&token.span, "a parameter is a name", "", help);
            }
            self.advance();
            let written = self.written(&token.span);
            match parameters.iter().find(|(name, _)| name == written) {
                Some((_, first)) => self.faults.because(
                    &token.span,
                    format!("two parameters have the name `{written}`"),
                    "",
                    first,
                    "the first one",
                ),
                None => parameters.push((written.to_string(), token.span)),
            }
            if self.is("=") {
                let span = self.span();
                return self.fail(&span, "parameters have no default values", "", "give every argument in every call");
            }
            if !self.take(",") && !self.is(")") {
                return Err(self.unexpected(start));
            }
        }
        self.advance();
        let outer = std::mem::replace(&mut self.in_function, true);
        let body = self.plain_block(word.span.clone());
        self.in_function = outer;
        let (name, name_span) = (self.written(&name.span).to_string(), name.span);
        let span = word.span.start..self.before()[1].end;
        if let Some(first) = self.functions.iter().find(|first| first.name == name).map(|first| first.name_span.clone())
        {
            let message = format!("two functions have the name `{name}`");
            self.faults.because(&name_span, message, "", &first, "the first one");
        }
        self.functions.push(Function { name, name_span, parameters, body: body?, span });
        Ok(())
    }
}
