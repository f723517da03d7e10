//! Numbers of the file: TOML numbers, or constant formulas in strings.

use std::sync::Arc;

use super::file::{Content, Node};
use super::scope::names_in;
use crate::diagnostic::Diagnostic;
use crate::kind::Range;
use crate::language::tree::{Expression, Form, Formula, Unary};
use crate::language::{self, lower};

/// The value of a number or constant formula; None where it is something else, or faulty.
pub fn of(node: &Node, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) -> Option<f64> {
    match &node.content {
        Content::Integer(value) => Some(*value as f64),
        Content::Float(value) => Some(*value),
        Content::Text(text) => {
            let formula = language::expression(text, faults)?;
            constant(&formula, &formula.tree, constants, faults)
        }
        _ => None,
    }
}

/// The value of a part of a formula over constants alone.
pub fn constant(
    formula: &Formula,
    tree: &Expression,
    constants: &[(String, f64)],
    faults: &mut Vec<Diagnostic>,
) -> Option<f64> {
    if let Some(value) = literal(tree) {
        return Some(value);
    }
    // A constant that is no number was reported; what uses it has no fault of its own.
    let faulty = |name: &str| constants.iter().any(|(constant, value)| constant == name && value.is_nan());
    if names_in(tree).into_iter().any(faulty) {
        return None;
    }
    let part = Formula { text: Arc::clone(&formula.text), tree: tree.clone() };
    lower::constant(&part, constants, faults)
}

/// A number with its sign, which needs no evaluation.
fn literal(tree: &Expression) -> Option<f64> {
    match &tree.form {
        Form::Number(value) => Some(*value),
        Form::Unary { operator, operand } => match (operator, &operand.form) {
            (Unary::Minus, Form::Number(value)) => Some(-value),
            (Unary::Plus, Form::Number(value)) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// The whole number that a value is, exactly; None for a fraction or what 64 bits do not hold.
pub fn whole(node: &Node, value: f64) -> Option<i64> {
    match node.content {
        Content::Integer(value) => Some(value),
        _ => exact(value),
    }
}

/// The whole number that a double is; up to 2^53, beyond which doubles are not consecutive.
pub fn exact(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// What a range asks for, in words that follow "must be".
pub fn range_words(range: Range) -> String {
    match range {
        Range::Extended => "a number, perhaps infinite".into(),
        Range::Finite => "a finite number".into(),
        Range::Positive => "a positive number".into(),
        Range::NonNegative => "a number that is not negative".into(),
        Range::Open(low, high) => format!("a number strictly between {low} and {high}"),
        Range::Closed(low, high) => format!("a number from {low} to {high}"),
    }
}
