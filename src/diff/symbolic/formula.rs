//! Expressions as formulas of the model language, to be read and pasted back.

use super::too_large;
use crate::ir::op::Operator;
use crate::ir::{Node, Program, Value};
use crate::language::tree::{Binary, Compare, Expression, Form, Unary};
use crate::language::{HEIGHT, functions};

/// What sums over the rows are written with; no function of the language.
const SUM: &str = "Σ";

/// The outputs of a program as formulas over the names of its inputs and columns. A sum over the rows is written
/// `Σ(…)`: what stands in it is the formula of a row. The error says why there is no formula: more than `most` nodes, too
/// deep, or an operation that the language has no word for.
pub fn formulas(program: &Program, inputs: &[&str], columns: &[String], most: usize) -> Result<Vec<String>, String> {
    let mut sizes: Vec<u64> = Vec::with_capacity(program.nodes.len());
    let mut heights: Vec<usize> = Vec::with_capacity(program.nodes.len());
    let mut firsts: Vec<usize> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let operands = node.operands();
        sizes.push(operands.iter().fold(1u64, |sum, v| sum.saturating_add(sizes[v.index()])));
        firsts.push(match node {
            Node::Input(k) => *k as usize,
            _ => operands.iter().map(|v| firsts[v.index()]).min().unwrap_or(usize::MAX),
        });
        heights.push(1 + operands.iter().map(|v| heights[v.index()]).max().unwrap_or(0));
    }
    let writer = Writer { program, inputs, columns, firsts };
    let write = |output: &Value| {
        if sizes[output.index()] > most as u64 {
            return Err(too_large(most));
        }
        // An operation may take three levels of the tree: a test, its sides, their sign.
        if 3 * heights[output.index()] > HEIGHT {
            return Err("the formula would be too deep to be read again".to_string());
        }
        Ok(writer.expression(*output)?.to_string())
    };
    program.outputs.iter().map(write).collect()
}

struct Writer<'a> {
    program: &'a Program,
    inputs: &'a [&'a str],
    columns: &'a [String],
    /// For each node the first input that it depends on.
    firsts: Vec<usize>,
}

fn spanless(form: Form) -> Expression {
    Expression { form, span: 0..0 }
}

fn number(x: f64) -> Expression {
    let size = spanless(Form::Number(x.abs()));
    if x.is_sign_negative() && x != 0.0 { negative(size) } else { size }
}

fn negative(operand: Expression) -> Expression {
    spanless(Form::Unary { operator: Unary::Minus, operand: Box::new(operand) })
}

fn binary(operator: Binary, left: Expression, right: Expression) -> Expression {
    spanless(Form::Binary { operator, left: Box::new(left), right: Box::new(right) })
}

fn conditional(test: Expression, value: Expression, otherwise: Expression) -> Expression {
    spanless(Form::Conditional { test: Box::new(test), value: Box::new(value), otherwise: Box::new(otherwise) })
}

fn compared(operator: Compare, left: Expression, right: Expression) -> Expression {
    spanless(Form::Comparison { first: Box::new(left), rest: vec![(operator, right)] })
}

fn call(function: &str, arguments: Vec<Expression>) -> Expression {
    spanless(Form::Call { function: function.to_string(), function_span: 0..0, arguments })
}

impl Writer<'_> {
    fn expression(&self, value: Value) -> Result<Expression, String> {
        Ok(match self.program.node(value) {
            Node::Constant(bits) => number(f64::from_bits(*bits)),
            Node::Input(k) => spanless(Form::Name(self.inputs[*k as usize].to_string())),
            Node::Column(k) => spanless(Form::Name(self.columns[*k as usize].clone())),
            Node::Sum(operand) => call(SUM, vec![self.expression(*operand)?]),
            Node::Apply(operator, operands) => self.operation(*operator, &operands[..operator.arity()])?,
            Node::Row => return Err("the number of the row has no name in the model language".to_string()),
            _ => return Err("an element of a vector that depends on the data has no formula".to_string()),
        })
    }

    fn operation(&self, operator: Operator, operands: &[Value]) -> Result<Expression, String> {
        if let Some(compare) = comparison(operator) {
            let test = compared(compare, self.expression(operands[0])?, self.expression(operands[1])?);
            return Ok(conditional(test, number(1.0), number(0.0)));
        }
        if operator == Operator::Select {
            let (value, otherwise) = (self.expression(operands[1])?, self.expression(operands[2])?);
            return Ok(conditional(self.test(operands[0])?, value, otherwise));
        }
        let mut operands = operands.to_vec();
        // Terms and factors in the order of the inputs, numbers where they are: the bits are the same.
        if matches!(operator, Operator::Add | Operator::Multiply)
            && self.program.node(operands[0]).constant().is_none()
            && self.firsts[operands[1].index()] < self.firsts[operands[0].index()]
        {
            operands.swap(0, 1);
        }
        let mut of: Vec<Expression> = operands.iter().map(|v| self.expression(*v)).collect::<Result<_, _>>()?;
        if of.len() == 1 {
            let operand = of.remove(0);
            return Ok(match operator {
                Operator::Negate => negative(operand),
                Operator::Not => conditional(compared(Compare::Equal, operand, number(0.0)), number(1.0), number(0.0)),
                _ => call(word(operator)?, vec![operand]),
            });
        }
        let sign = match operator {
            Operator::Add => Some(Binary::Add),
            Operator::Subtract => Some(Binary::Subtract),
            Operator::Multiply => Some(Binary::Multiply),
            Operator::Divide => Some(Binary::Divide),
            Operator::FloorDivide => Some(Binary::FloorDivide),
            Operator::Modulo => Some(Binary::Modulo),
            Operator::Power => Some(Binary::Power),
            _ => None,
        };
        if operator == Operator::Masked {
            let (x, y) = (of.remove(0), of.remove(0));
            let product = binary(Binary::Multiply, x.clone(), y);
            return Ok(conditional(compared(Compare::Equal, x, number(0.0)), number(0.0), product));
        }
        match sign {
            Some(sign) => {
                let (x, y) = (of.remove(0), of.remove(0));
                Ok(binary(sign, x, y))
            }
            None => Ok(call(word(operator)?, of)),
        }
    }

    /// A value as a test: a comparison as itself, any other by whether it is 0.
    fn test(&self, value: Value) -> Result<Expression, String> {
        if let Node::Apply(operator, operands) = self.program.node(value)
            && let Some(compare) = comparison(*operator)
        {
            return Ok(compared(compare, self.expression(operands[0])?, self.expression(operands[1])?));
        }
        Ok(compared(Compare::NotEqual, self.expression(value)?, number(0.0)))
    }
}

fn comparison(operator: Operator) -> Option<Compare> {
    Some(match operator {
        Operator::Less => Compare::Less,
        Operator::LessEqual => Compare::LessEqual,
        Operator::Greater => Compare::Greater,
        Operator::GreaterEqual => Compare::GreaterEqual,
        Operator::Equal => Compare::Equal,
        Operator::NotEqual => Compare::NotEqual,
        _ => return None,
    })
}

fn word(operator: Operator) -> Result<&'static str, String> {
    let name = operator.row().name;
    match functions::find(name) {
        Some(function) => Ok(function.name),
        None => Err(format!("`{name}` is no function of the model language")),
    }
}
