//! From trees to text that parses back to the same trees, with as few brackets as that allows.
//!
//! Powers are written `**`, so that the text is Python; numbers have the fewest digits that read back to the same double.
//! The trees that the parser makes hold no negative numbers and no NaN; such numbers are written `(-1)` and `nan`.

use std::fmt::{self, Display, Formatter, Write};

use crate::language::expression::{AND, COMPARISON, CONDITIONAL, NOT, OR, POWER, SIGN, SUM, TERM};
use crate::language::tree::{
    Action, Binary, Compare, Expression, Form, Formula, Function, Program, Reduction, Statement, Steps, Target, Unary,
};

/// Above every operator.
const ATOM: u8 = POWER + 1;

/// How strongly the outermost operator of a form binds.
fn power(form: &Form) -> u8 {
    match form {
        Form::Conditional { .. } => CONDITIONAL,
        Form::Or(_) => OR,
        Form::And(_) => AND,
        Form::Not(_) => NOT,
        Form::Comparison { .. } => COMPARISON,
        Form::Binary { operator, .. } => operator.power(),
        Form::Unary { .. } => SIGN,
        Form::Number(x) if x.is_sign_negative() => CONDITIONAL,
        Form::Number(_) | Form::Name(_) | Form::Index { .. } | Form::Call { .. } | Form::Reduction { .. } => ATOM,
    }
}

impl Binary {
    fn power(self) -> u8 {
        match self {
            Binary::Add | Binary::Subtract => SUM,
            Binary::Multiply | Binary::Divide | Binary::FloorDivide | Binary::Modulo => TERM,
            Binary::Power => POWER,
        }
    }
}

/// Writes an expression, in brackets where it binds less strongly than `floor`.
fn write(expression: &Expression, floor: u8, f: &mut impl Write) -> fmt::Result {
    if power(&expression.form) >= floor {
        return bare(&expression.form, f);
    }
    f.write_char('(')?;
    bare(&expression.form, f)?;
    f.write_char(')')
}

fn bare(form: &Form, f: &mut impl Write) -> fmt::Result {
    match form {
        Form::Number(x) => number(*x, f),
        Form::Name(name) => f.write_str(name),
        Form::Index { base, index } => {
            write(base, ATOM, f)?;
            f.write_char('[')?;
            write(index, CONDITIONAL, f)?;
            f.write_char(']')
        }
        Form::Unary { operator, operand } => {
            write!(f, "{operator}")?;
            write(operand, SIGN, f)
        }
        Form::Binary { operator, left, right } => {
            // `**` groups from the right, and takes a sign on its right only.
            let (left_floor, right_floor) = match operator {
                Binary::Power => (ATOM, SIGN),
                _ => (operator.power(), operator.power() + 1),
            };
            write(left, left_floor, f)?;
            match operator {
                Binary::Multiply | Binary::Divide | Binary::Power => write!(f, "{operator}")?,
                _ => write!(f, " {operator} ")?,
            }
            write(right, right_floor, f)
        }
        Form::Comparison { first, rest } => {
            write(first, SUM, f)?;
            rest.iter().try_for_each(|(operator, operand)| {
                write!(f, " {operator} ")?;
                write(operand, SUM, f)
            })
        }
        Form::And(operands) => list(operands, " and ", NOT, f),
        Form::Or(operands) => list(operands, " or ", AND, f),
        Form::Not(operand) => {
            f.write_str("not ")?;
            write(operand, NOT, f)
        }
        Form::Conditional { test, value, otherwise } => {
            write(value, OR, f)?;
            f.write_str(" if ")?;
            write(test, OR, f)?;
            f.write_str(" else ")?;
            write(otherwise, CONDITIONAL, f)
        }
        Form::Call { function, arguments, .. } => {
            write!(f, "{function}(")?;
            list(arguments, ", ", CONDITIONAL, f)?;
            f.write_char(')')
        }
        Form::Reduction { kind, element, variable, range } => {
            write!(f, "{kind}(")?;
            write(element, CONDITIONAL, f)?;
            write!(f, " for {variable} in {range})")
        }
    }
}

fn list(expressions: &[Expression], separator: &str, floor: u8, f: &mut impl Write) -> fmt::Result {
    for (i, expression) in expressions.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        write(expression, floor, f)?;
    }
    Ok(())
}

fn number(x: f64, f: &mut impl Write) -> fmt::Result {
    if x.is_infinite() {
        // A literal too large for a double reads as infinity, in Python too.
        return f.write_str(if x > 0.0 { "1e999" } else { "-1e999" });
    }
    if x.is_nan() {
        return f.write_str("nan");
    }
    let digits = format!("{x:?}");
    f.write_str(digits.strip_suffix(".0").unwrap_or(&digits))
}

fn block(statements: &[Statement], depth: usize, f: &mut impl Write) -> fmt::Result {
    statements.iter().try_for_each(|statement| action(&statement.action, depth, f))
}

fn body(statements: &[Statement], depth: usize, f: &mut impl Write) -> fmt::Result {
    if statements.is_empty() {
        return line(depth, f, format_args!("pass"));
    }
    block(statements, depth, f)
}

fn line(depth: usize, f: &mut impl Write, content: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{:1$}{content}", "", 4 * depth)
}

fn action(action: &Action, depth: usize, f: &mut impl Write) -> fmt::Result {
    match action {
        Action::Assign { target, operator: Some(operator), value } => {
            line(depth, f, format_args!("{target} {operator}= {value}"))
        }
        Action::Assign { target, operator: None, value } => line(depth, f, format_args!("{target} = {value}")),
        Action::For { variable, range, body: statements, .. } => {
            line(depth, f, format_args!("for {variable} in {range}:"))?;
            body(statements, depth + 1, f)
        }
        Action::While { test, bound, body: statements } => {
            line(depth, f, format_args!("while {test}:"))?;
            line(depth + 1, f, format_args!("at_most({bound})"))?;
            block(statements, depth + 1, f)
        }
        Action::If { branches, otherwise } => {
            for (i, (test, statements)) in branches.iter().enumerate() {
                line(depth, f, format_args!("{} {test}:", if i == 0 { "if" } else { "elif" }))?;
                body(statements, depth + 1, f)?;
            }
            if otherwise.is_empty() {
                return Ok(());
            }
            line(depth, f, format_args!("else:"))?;
            block(otherwise, depth + 1, f)
        }
        Action::Return(value) => line(depth, f, format_args!("return {value}")),
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(self, CONDITIONAL, f)
    }
}

impl Display for Formula {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Display for Steps {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("range(")?;
        // A step without a start cannot be written; the start is then 0, as in Python.
        match (&self.start, &self.step) {
            (Some(start), _) => write!(f, "{start}, ")?,
            (None, Some(_)) => f.write_str("0, ")?,
            (None, None) => {}
        }
        write!(f, "{}", self.stop)?;
        self.step.iter().try_for_each(|step| write!(f, ", {step}"))?;
        f.write_char(')')
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.index.iter().try_for_each(|index| write!(f, "[{index}]"))
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parameters: Vec<&str> = self.parameters.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(f, "def {}({}):", self.name, parameters.join(", "))?;
        body(&self.body, 1, f)
    }
}

/// The functions first, then the statements.
impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.functions.iter().try_for_each(|function| writeln!(f, "{function}"))?;
        block(&self.body, 0, f)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::FloorDivide => "//",
            Binary::Modulo => "%",
            Binary::Power => "**",
        })
    }
}

impl Display for Unary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unary::Plus => "+",
            Unary::Minus => "-",
        })
    }
}

impl Display for Compare {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compare::Less => "<",
            Compare::LessEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterEqual => ">=",
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
        })
    }
}

impl Display for Reduction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reduction::Sum => "sum",
            Reduction::Product => "prod",
        })
    }
}
