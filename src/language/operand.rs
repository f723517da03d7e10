//! Operands: numbers, names, elements of vectors, calls, sums and products over a range, brackets.

use std::ops::Range;

use crate::language::expression::CONDITIONAL;
use crate::language::fault::{Reported, quoted};
use crate::language::lexer::Lexeme;
use crate::language::parser::{Grown, Parsed, Parser};
use crate::language::tree::{Expression, Form, Reduction, Steps};

impl Parser<'_> {
    pub fn primary(&mut self) -> Parsed<Grown> {
        let start = self.position();
        let token = self.token().clone();
        let value = match token.lexeme {
            Lexeme::Number(value) => value,
            Lexeme::Word("True") => 1.0,
            Lexeme::Word("False") | Lexeme::Faulty => 0.0,
            Lexeme::Name => return self.named(),
            Lexeme::Symbol("(") => return self.grouped(),
            Lexeme::Symbol("[") => return Err(self.list()),
            Lexeme::Symbol("{") | Lexeme::Word("for" | "in" | "elif" | "def" | "return" | "while" | "pass") => {
                return Err(self.unexpected(start));
            }
            Lexeme::Word(word) if !matches!(word, "and" | "or" | "if" | "else") => return Err(self.unexpected(start)),
            _ => return self.missing_value(),
        };
        self.advance();
        self.trailed(Grown { tree: Expression { form: Form::Number(value), span: token.span }, height: 1 })
    }

    fn missing_value<T>(&mut self) -> Parsed<T> {
        let span = self.span();
        let [earlier, before] = self.before();
        let written = self.written(&span).trim();
        let label = if written.is_empty() { "missing here".to_string() } else { format!("not {}", quoted(written)) };
        let message = match self.written(&before) {
            "" => "a value is missing".to_string(),
            before => format!("a value is missing after {}", quoted(before)),
        };
        let doubled = earlier.end == before.start && matches!(&self.text.text[earlier.start..before.end], "++" | "--");
        let help = match self.token().lexeme {
            Lexeme::Word("if") => "a choice is written `a if condition else b`",
            _ if doubled => "to count, write `x += 1` or `x -= 1`",
            _ => "",
        };
        self.fail(&span, message, label, help)
    }

    fn grouped(&mut self) -> Parsed<Grown> {
        let opener = self.advance();
        if self.is(")") && !self.span().is_empty() {
            let span = opener.span.start..self.span().end;
            return self.fail(&span, "nothing is in these brackets", "", "");
        }
        let start = self.position();
        self.enter(&opener.span)?;
        let compares = std::mem::replace(&mut self.compares, true);
        let mut inner = self.expression(CONDITIONAL)?;
        self.compares = compares;
        self.nesting -= 1;
        let closer = self.expect(")", start)?;
        inner.tree.span = opener.span.start..closer.span.end;
        self.trailed(inner)
    }

    fn list(&mut self) -> Reported {
        let opener = self.advance();
        self.nesting += 1;
        let comprehension = !self.is("]") && self.expression(CONDITIONAL).is_ok() && self.is("for");
        let what = if comprehension { "list comprehensions" } else { "lists" };
        let help =
            "make a vector with `v = zeros(n)` and fill it: `v[0] = …`; `sum(e for i in range(n))` needs no list";
        self.faults.add(&opener.span, format!("{what} are not in the language"), "", help);
        Reported
    }

    /// A name, an element of a vector, or a call.
    fn named(&mut self) -> Parsed<Grown> {
        let mut name = self.advance();
        while self.is(".") && self.after().lexeme == Lexeme::Name {
            self.advance();
            let attribute = self.advance();
            let span = name.span.start..attribute.span.end;
            let (written, plain) = (quoted(self.written(&span)), self.written(&attribute.span));
            let plain = if self.is("(") { format!("{plain}(…)") } else { plain.to_string() };
            self.faults.add(
                &span,
                format!("{written}: attributes are not in the language"),
                "",
                &format!("write {}", quoted(&plain)),
            );
            name = attribute;
        }
        let written = self.written(&name.span).to_string();
        if self.is("(") {
            return self.call(written, name.span);
        }
        let base = Grown { tree: Expression { form: Form::Name(written), span: name.span }, height: 1 };
        if !self.is("[") {
            return self.trailed(base);
        }
        let opener = self.advance();
        let start = self.position();
        self.enter(&opener.span)?;
        let compares = std::mem::replace(&mut self.compares, true);
        let index = self.expression(CONDITIONAL)?;
        self.compares = compares;
        self.nesting -= 1;
        if self.is(",") {
            let span = self.span();
            return self.fail(
                &span,
                "a vector has one index",
                "",
                "keep a matrix in a vector, row after row: `m[i*columns + j]`",
            );
        }
        let closer = self.expect("]", start)?;
        let span = base.tree.span.start..closer.span.end;
        let height = index.height.max(base.height);
        let element =
            self.grow(Form::Index { base: Box::new(base.tree), index: Box::new(index.tree) }, span, height)?;
        self.trailed(element)
    }

    /// Refuses an index or attribute after what cannot have one; a call of it is a missing operator.
    fn trailed(&mut self, value: Grown) -> Parsed<Grown> {
        let span = value.tree.span.start..self.span().end;
        if self.is("[") {
            return self.fail(
                &span,
                "only a vector with a name has elements",
                "",
                "give the vector a name, and write `name[i]`",
            );
        }
        if self.is(".") {
            return Err(self.unexpected(self.position()));
        }
        Ok(value)
    }

    fn call(&mut self, function: String, function_span: Range<usize>) -> Parsed<Grown> {
        let opener = self.advance();
        self.enter(&opener.span)?;
        let compares = std::mem::replace(&mut self.compares, true);
        let (mut arguments, mut height) = (Vec::new(), 0);
        while !self.is(")") {
            let start = self.position();
            if (self.token().lexeme, self.after().lexeme) == (Lexeme::Name, Lexeme::Symbol("=")) {
                let span = self.span().start..self.after().span.end;
                let help = format!("leave out {}", quoted(self.written(&span)));
                self.faults.add(&span, "arguments are given by their position, not by name", "", &help);
                self.advance();
                self.advance();
            }
            let argument = self.expression(CONDITIONAL)?;
            height = height.max(argument.height);
            if self.is("for") {
                let reduction = self.reduction(argument, function, function_span, arguments.is_empty())?;
                self.compares = compares;
                self.nesting -= 1;
                return self.trailed(reduction);
            }
            arguments.push(argument.tree);
            if !self.take(",") && !self.is(")") {
                return Err(self.unexpected(start));
            }
        }
        self.compares = compares;
        self.nesting -= 1;
        let span = function_span.start..self.advance().span.end;
        let call = self.grow(Form::Call { function, function_span, arguments }, span, height)?;
        self.trailed(call)
    }

    /// `for variable in range(…))` after `sum(element`.
    fn reduction(
        &mut self,
        element: Grown,
        function: String,
        function_span: Range<usize>,
        alone: bool,
    ) -> Parsed<Grown> {
        let start = self.position();
        let word = self.advance();
        let kind = match function.as_str() {
            "sum" if alone => Reduction::Sum,
            "prod" if alone => Reduction::Product,
            _ => {
                let help =
                    "write `sum(e for i in range(n))` or `prod(e for i in range(n))`, with nothing before or after";
                return self.fail(&word.span, "`for` stands only in a `sum` or `prod` of one argument", "", help);
            }
        };
        let (variable, _) = self.loop_variable()?;
        let (range, range_height) = self.steps()?;
        if self.is("if") || self.is("for") {
            let (span, filter) = (self.span(), self.is("if"));
            let (message, help) = if filter {
                (
                    "a condition on the terms of a sum is not in the language",
                    "write `sum(e if condition else 0 for i in range(n))`",
                )
            } else {
                (
                    "one sum runs over one variable",
                    "put one sum into the other: `sum(sum(e for j in range(m)) for i in range(n))`",
                )
            };
            return self.fail(&span, message, "", help);
        }
        let closer = self.expect(")", start)?;
        let span = function_span.start..closer.span.end;
        let (element, height) = (Box::new(element.tree), element.height.max(range_height));
        self.grow(Form::Reduction { kind, element, variable, range: Box::new(range) }, span, height)
    }

    /// The variable and `in`, after `for`.
    pub fn loop_variable(&mut self) -> Parsed<(String, Range<usize>)> {
        let start = self.position();
        if self.token().lexeme != Lexeme::Name {
            return Err(self.unexpected(start));
        }
        let name = self.advance();
        if self.is(",") {
            let span = self.span();
            return self.fail(
                &span,
                "a loop has one variable",
                "",
                "write `for i in range(n)`, and `v[i]` for the elements",
            );
        }
        if !self.take("in") {
            let span = self.span();
            return self.fail(&span, "`in` is missing after the variable of a loop", "", "write `for i in range(n)`");
        }
        Ok((self.written(&name.span).to_string(), name.span))
    }

    /// `range(…)`, and the height of the highest argument.
    pub fn steps(&mut self) -> Parsed<(Steps, usize)> {
        let name = self.token().clone();
        if name.lexeme != Lexeme::Name
            || self.written(&name.span) != "range"
            || !matches!(self.after().lexeme, Lexeme::Symbol("("))
        {
            let help = "write `for i in range(n)`, and `v[i]` for the elements of a vector";
            return self.fail(&name.span, "a loop runs over `range(…)` alone", "", help);
        }
        let call = self.named()?;
        let Form::Call { arguments, .. } = call.tree.form else { return Err(self.unexpected(self.position())) };
        let mut arguments = arguments.into_iter();
        let given = [arguments.next(), arguments.next(), arguments.next()];
        if arguments.next().is_some() || given[0].is_none() {
            return self.fail(
                &call.tree.span,
                "`range` takes one to three arguments",
                "",
                "`range(stop)`, `range(start, stop)` or `range(start, stop, step)`",
            );
        }
        let steps = match given {
            [Some(stop), None, _] => Steps { start: None, stop, step: None },
            [start, Some(stop), step] => Steps { start, stop, step },
            [None, None, _] => return Err(self.unexpected(self.position())),
        };
        Ok((steps, call.height))
    }
}
