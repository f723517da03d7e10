//! The tree of the model language, spans kept: what a user wrote, not yet what it means.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};

/// A piece of model language cut out of a source: byte `i` of `text` stands at byte `offsets[i]` of the source.
///
/// A formula inside a TOML string has escapes and line-ending backslashes between it and the file, hence the map.
/// `offsets` has one entry more than `text` has bytes: where the piece ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub source: Arc<Source>,
    pub text: String,
    pub offsets: Vec<usize>,
}

/// A parsed formula with the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    pub text: Arc<Text>,
    pub tree: Expression,
}

/// An expression and where it stands in its `Text`, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub form: Form,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Number(f64),
    Name(String),
    /// `x[i]`; the base is a name.
    Index {
        base: Box<Expression>,
        index: Box<Expression>,
    },
    Unary {
        operator: Unary,
        operand: Box<Expression>,
    },
    Binary {
        operator: Binary,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    /// `a < b <= c`: each neighbouring pair compared, all must hold; an operand is evaluated once.
    Comparison {
        first: Box<Expression>,
        rest: Vec<(Compare, Expression)>,
    },
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// `value if test else otherwise`.
    Conditional {
        test: Box<Expression>,
        value: Box<Expression>,
        otherwise: Box<Expression>,
    },
    Call {
        function: String,
        function_span: Range<usize>,
        arguments: Vec<Expression>,
    },
    /// `sum(element for variable in range(start, stop, step))`, or `prod`.
    Reduction {
        kind: Reduction,
        element: Box<Expression>,
        variable: String,
        range: Box<Steps>,
    },
}

/// The arguments of `range`, defaults not yet filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    pub start: Option<Expression>,
    pub stop: Expression,
    pub step: Option<Expression>,
}

/// A parsed program with the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub text: Arc<Text>,
    /// In the order of the text. In Python a call may stand only after the definition.
    pub functions: Vec<Function>,
    pub body: Vec<Statement>,
}

/// `def name(parameters): body`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub name: String,
    pub name_span: Range<usize>,
    /// Names and where they stand; no name twice.
    pub parameters: Vec<(String, Range<usize>)>,
    pub body: Vec<Statement>,
    pub span: Range<usize>,
}

/// A statement and where it stands in its `Text`, in bytes; one with a body spans the body too.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub action: Action,
    pub span: Range<usize>,
}

/// A body without statements (`pass`) is an empty vector.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `target = value`, or `target += value` with its operator.
    Assign { target: Target, operator: Option<Binary>, value: Expression },
    /// `for variable in range(start, stop, step)`.
    For { variable: String, variable_span: Range<usize>, range: Steps, body: Vec<Statement> },
    /// `while test: at_most(bound)`, then the body.
    While { test: Expression, bound: Expression, body: Vec<Statement> },
    /// `if` and `elif` with their tests, at least one, and `else`.
    If { branches: Vec<(Expression, Vec<Statement>)>, otherwise: Vec<Statement> },
    /// Only inside a function.
    Return(Expression),
}

/// What an assignment writes to: a name, or one element of the vector of that name.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub name_span: Range<usize>,
    pub index: Option<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// `//`: floor of the quotient.
    FloorDivide,
    /// `%`: the sign of the divisor, as in Python.
    Modulo,
    /// `**` and `^`.
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    Sum,
    Product,
}

impl Text {
    /// A text that is a whole source, or stands in one without escapes from byte `start` on.
    pub fn plain(source: Arc<Source>, range: Range<usize>) -> Text {
        let text = source.text[range.clone()].to_string();
        Text { source, text, offsets: (range.start..=range.end).collect() }
    }

    /// Where a span of the text stands in the source.
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        let last = self.offsets.len() - 1;
        self.offsets[span.start.min(last)]..self.offsets[span.end.min(last)]
    }

    /// An error that points at `span` of this text, in its file.
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(&self.source, self.place(span), label)
    }
}

impl Program {
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        self.text.error(span, message, label)
    }
}

impl Formula {
    /// The formula that is just a name.
    pub fn name(name: &str) -> Formula {
        let source = Arc::new(Source { name: name.to_string(), text: name.to_string() });
        let text = Arc::new(Text::plain(source, 0..name.len()));
        Formula { text, tree: Expression { form: Form::Name(name.to_string()), span: 0..name.len() } }
    }

    pub fn error(&self, span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        self.text.error(span, message, label)
    }
}
