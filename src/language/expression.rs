//! Expressions by precedence climbing (Pratt, "Top down operator precedence", 1973), with Python's precedences.

use std::ops::Range;

use crate::language::lexer::Lexeme;
use crate::language::parser::{Grown, Parsed, Parser};
use crate::language::tree::{Binary, Compare, Expression, Form, Unary};

/// Binding powers, the weakest first, as in the Python Language Reference, section 6.17.
pub(super) const CONDITIONAL: u8 = 0;
pub(super) const OR: u8 = 1;
pub(super) const AND: u8 = 2;
pub(super) const NOT: u8 = 3;
pub(super) const COMPARISON: u8 = 4;
pub(super) const SUM: u8 = 5;
pub(super) const TERM: u8 = 6;
pub(super) const SIGN: u8 = 7;
pub(super) const POWER: u8 = 8;

/// The operator of a symbol and its power; all but `**` group from the left.
fn binary(lexeme: Lexeme) -> Option<(Binary, u8)> {
    Some(match lexeme {
        Lexeme::Symbol("+") => (Binary::Add, SUM),
        Lexeme::Symbol("-") => (Binary::Subtract, SUM),
        Lexeme::Symbol("*") => (Binary::Multiply, TERM),
        Lexeme::Symbol("/") => (Binary::Divide, TERM),
        Lexeme::Symbol("//") => (Binary::FloorDivide, TERM),
        Lexeme::Symbol("%") => (Binary::Modulo, TERM),
        Lexeme::Symbol("**" | "^") => (Binary::Power, POWER),
        _ => return None,
    })
}

fn compare(lexeme: Lexeme) -> Option<Compare> {
    Some(match lexeme {
        Lexeme::Symbol("<") => Compare::Less,
        Lexeme::Symbol("<=") => Compare::LessEqual,
        Lexeme::Symbol(">") => Compare::Greater,
        Lexeme::Symbol(">=") => Compare::GreaterEqual,
        Lexeme::Symbol("==") => Compare::Equal,
        Lexeme::Symbol("!=") => Compare::NotEqual,
        _ => return None,
    })
}

fn join(a: &Expression, b: &Expression) -> Range<usize> {
    a.span.start..b.span.end
}

impl Parser<'_> {
    /// An expression of operators that bind at least as strongly as `floor`.
    pub fn expression(&mut self, floor: u8) -> Parsed<Grown> {
        let mut left = self.prefixed(floor)?;
        loop {
            let lexeme = self.token().lexeme;
            left = match lexeme {
                Lexeme::Symbol(_) if binary(lexeme).is_some_and(|(_, power)| power >= floor) => self.operation(left)?,
                Lexeme::Symbol("=") if floor <= COMPARISON && self.compares => {
                    let span = self.span();
                    self.faults.add(&span, "`=` assigns; a formula compares with `==`", "", "write `==`");
                    self.comparison(left)?
                }
                Lexeme::Symbol(_) if floor <= COMPARISON && compare(lexeme).is_some() => self.comparison(left)?,
                Lexeme::Word(word @ ("and" | "or")) if floor <= if word == "and" { AND } else { OR } => {
                    self.logical(left, word)?
                }
                Lexeme::Word("if") if floor == CONDITIONAL => self.conditional(left)?,
                Lexeme::Name | Lexeme::Number(_) | Lexeme::Symbol("(")
                    if floor <= TERM && self.multiplies(&left.tree) =>
                {
                    self.missing_operator(&left.tree);
                    self.product(left)?
                }
                _ => return Ok(left),
            }
        }
    }

    fn prefixed(&mut self, floor: u8) -> Parsed<Grown> {
        let token = self.token().clone();
        let operator = match token.lexeme {
            Lexeme::Symbol("+") => Unary::Plus,
            Lexeme::Symbol("-") => Unary::Minus,
            Lexeme::Word("not") => {
                if floor > NOT {
                    let help = "`not` binds weakly; put it in brackets: `(not x)`";
                    self.faults.add(&token.span, "`not` after an operator", "", help);
                }
                self.advance();
                self.enter(&token.span)?;
                let operand = self.expression(NOT)?;
                self.nesting -= 1;
                let span = token.span.start..operand.tree.span.end;
                return self.grow(Form::Not(Box::new(operand.tree)), span, operand.height);
            }
            _ => return self.primary(),
        };
        self.advance();
        self.enter(&token.span)?;
        let operand = self.expression(SIGN)?;
        self.nesting -= 1;
        let span = token.span.start..operand.tree.span.end;
        self.grow(Form::Unary { operator, operand: Box::new(operand.tree) }, span, operand.height)
    }

    fn operation(&mut self, left: Grown) -> Parsed<Grown> {
        let token = self.advance();
        let Some((operator, power)) = binary(token.lexeme) else { return Ok(left) };
        let right = if operator == Binary::Power {
            self.enter(&token.span)?;
            let exponent = self.expression(SIGN)?;
            self.nesting -= 1;
            exponent
        } else {
            self.expression(power + 1)?
        };
        self.pair(operator, left, right)
    }

    fn pair(&mut self, operator: Binary, left: Grown, right: Grown) -> Parsed<Grown> {
        let (span, height) = (join(&left.tree, &right.tree), left.height.max(right.height));
        self.grow(Form::Binary { operator, left: Box::new(left.tree), right: Box::new(right.tree) }, span, height)
    }

    fn comparison(&mut self, first: Grown) -> Parsed<Grown> {
        let (mut rest, mut height) = (Vec::new(), first.height);
        while let Some(operator) =
            compare(self.token().lexeme).or((self.compares && self.is("=")).then_some(Compare::Equal))
        {
            self.advance();
            let right = self.expression(SUM)?;
            height = height.max(right.height);
            rest.push((operator, right.tree));
        }
        let span = first.tree.span.start..rest.last().map_or(first.tree.span.end, |(_, last)| last.span.end);
        self.grow(Form::Comparison { first: Box::new(first.tree), rest }, span, height)
    }

    fn logical(&mut self, first: Grown, word: &str) -> Parsed<Grown> {
        let (start, mut height) = (first.tree.span.start, first.height);
        let mut operands = vec![first.tree];
        while self.take(word) {
            let operand = self.expression(if word == "and" { NOT } else { AND })?;
            height = height.max(operand.height);
            operands.push(operand.tree);
        }
        let span = start..operands[operands.len() - 1].span.end;
        self.grow(if word == "and" { Form::And(operands) } else { Form::Or(operands) }, span, height)
    }

    fn conditional(&mut self, value: Grown) -> Parsed<Grown> {
        let word = self.advance();
        let compares = std::mem::replace(&mut self.compares, true);
        let test = self.expression(OR)?;
        self.compares = compares;
        if !self.take("else") {
            let end = test.tree.span.end;
            let help = "write `a if condition else b`: a formula has a value in either case";
            return self.fail(&(word.span.start..end), "this `if` has no `else`", "", help);
        }
        self.enter(&word.span)?;
        let otherwise = self.expression(CONDITIONAL)?;
        self.nesting -= 1;
        let height = value.height.max(test.height).max(otherwise.height);
        let span = join(&value.tree, &otherwise.tree);
        let (test, value, otherwise) = (Box::new(test.tree), Box::new(value.tree), Box::new(otherwise.tree));
        self.grow(Form::Conditional { test, value, otherwise }, span, height)
    }

    /// Whether the value at hand, beside another, is most likely a product whose `*` was left out.
    fn multiplies(&self, left: &Expression) -> bool {
        !matches!(self.after().lexeme, Lexeme::Symbol("=" | ":" | ":=")) && self.written(&left.span) != "lambda"
    }

    fn missing_operator(&mut self, left: &Expression) {
        let right = self.span();
        // Where a character that is not in the language stood between them, that was reported.
        let between = self.text.text[left.span.end..right.start].trim();
        let reported = !between.is_empty() && !between.contains('#') && self.faults.any();
        if std::mem::replace(&mut self.juxtaposed, true) || reported {
            return;
        }
        let (a, b) = (self.written(&left.span), self.written(&right));
        let b = if b == "(" { "(…)" } else { b };
        let short = a.len() <= 20 && b.len() <= 20;
        let help = if short { format!("did you mean `{a}*{b}`?") } else { "a product is written with `*`".into() };
        self.faults.add(&(left.span.end..right.end), "an operator is missing", "between these two values", &help);
    }

    /// Goes on as if `*` were written.
    fn product(&mut self, left: Grown) -> Parsed<Grown> {
        let right = self.expression(SIGN)?;
        self.pair(Binary::Multiply, left, right)
    }
}
