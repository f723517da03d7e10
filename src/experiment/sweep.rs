//! The sweep: axes with their values, which of them go together, and which combinations are left out.
//!
//! Combinations are numbered from 0: the product of the axes, the last one varying fastest. Axes of one `zip` group count
//! as one axis, which stands where the first of them does; an axis that is a formula adds no combinations.

use std::sync::Arc;

use super::file::{Content, Node, Place};
use super::number;
use crate::diagnostic::{Diagnostic, Source};
use crate::language::is_name;
use crate::language::tree::Formula;

#[derive(Clone, Debug, Default)]
pub struct Sweep {
    pub repeats: usize,
    pub axes: Vec<Axis>,
    /// Axes that vary together: their positions.
    pub zip: Vec<Vec<usize>>,
    /// A combination is run where every one of these is not 0.
    pub conditions: Vec<Formula>,
    /// Words among the values of the axes, which formulas may compare an axis with: a word's value is its position.
    pub words: Vec<String>,
    /// The section as `resolved.toml` says it.
    pub written: toml::Table,
}

/// A dotted path of the file and the values that it takes in turn.
#[derive(Clone, Debug)]
pub struct Axis {
    pub path: String,
    /// Of the path.
    pub place: Place,
    /// What formulas call it; None where another axis would have the same name.
    pub name: Option<String>,
    pub values: Values,
}

#[derive(Clone, Debug)]
pub enum Values {
    Listed(Vec<Node>),
    /// Numbers that the file does not spell out.
    Numbers {
        path: String,
        numbers: Vec<f64>,
        round: bool,
    },
    /// Follows from the axes before it.
    Formula(Formula),
}

/// One combination of the axes.
#[derive(Clone, Debug)]
pub struct Combination {
    /// One for each axis.
    pub values: Vec<Node>,
    /// The condition that leaves it out.
    pub skipped: Option<String>,
}

impl Axis {
    /// How many values it takes of itself.
    pub fn count(&self) -> usize {
        match &self.values {
            Values::Listed(nodes) => nodes.len(),
            Values::Numbers { numbers, .. } => numbers.len(),
            Values::Formula(_) => 1,
        }
    }
}

impl Sweep {
    /// The axes that vary together, in the order in which they vary: the last group fastest.
    fn groups(&self) -> Vec<Vec<usize>> {
        let of = |axis: usize| self.zip.iter().find(|group| group.contains(&axis));
        let first = |axis: &usize| of(*axis).is_none_or(|group| group.iter().min() == Some(axis));
        (0..self.axes.len()).filter(first).map(|axis| of(axis).cloned().unwrap_or_else(|| vec![axis])).collect()
    }

    /// How many combinations there are, skipped ones included; None where 64 bits do not hold their number.
    pub fn combinations(&self) -> Option<usize> {
        let lengths = self.groups().into_iter().map(|group| self.axes[group[0]].count());
        lengths.into_iter().try_fold(1usize, |product, length| product.checked_mul(length))
    }

    /// The values of combination `index`, below `combinations`.
    pub fn at(&self, index: usize, constants: &[(String, f64)]) -> Result<Combination, Vec<Diagnostic>> {
        let groups = self.groups();
        let mut positions = vec![0; self.axes.len()];
        let mut rest = index;
        for group in groups.iter().rev() {
            let length = self.axes[group[0]].count().max(1);
            group.iter().for_each(|axis| positions[*axis] = rest % length);
            rest /= length;
        }
        let mut scope = constants.to_vec();
        scope.extend(self.words.iter().enumerate().map(|(code, word)| (word.clone(), code as f64)));
        let mut values = Vec::new();
        for (axis, position) in self.axes.iter().zip(positions) {
            let node = match &axis.values {
                Values::Listed(nodes) => nodes[position].clone(),
                Values::Numbers { path, numbers, round } => made(path, numbers[position], *round),
                Values::Formula(formula) => {
                    let value = self.evaluate(formula, &scope)?;
                    let source = &formula.text.source;
                    let place = Place { source: source.clone(), span: formula.text.place(&formula.tree.span) };
                    Node { place, content: Content::Float(value) }
                }
            };
            if let (Some(name), Some(value)) = (&axis.name, self.number(&node, constants)) {
                scope.push((name.clone(), value));
            }
            values.push(node);
        }
        let (mut skipped, mut faults) = (None, Vec::new());
        for condition in &self.conditions {
            match self.evaluate(condition, &scope) {
                Ok(0.0) => skipped = skipped.or_else(|| Some(condition.text.text.trim().to_string())),
                Ok(_) => {}
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(Combination { values, skipped }) } else { Err(faults) }
    }

    /// What a value of an axis is in formulas.
    fn number(&self, node: &Node, constants: &[(String, f64)]) -> Option<f64> {
        if let Content::Flag(flag) = node.content {
            return Some(f64::from(flag));
        }
        let word = node.str().and_then(|text| self.words.iter().position(|word| word == text));
        word.map(|code| code as f64).or_else(|| number::of(node, constants, &mut Vec::new()))
    }

    fn evaluate(&self, formula: &Formula, scope: &[(String, f64)]) -> Result<f64, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let value = number::constant(formula, &formula.tree, scope, &mut faults);
        if let Some(value) = value.filter(|value| !value.is_nan()) {
            return Ok(value);
        }
        if faults.is_empty() {
            faults.push(formula.error(&formula.tree.span, "this is not a number", "of the values of the axes"));
        }
        let names: Vec<&str> = self.axes.iter().filter_map(|axis| axis.name.as_deref()).collect();
        let help = match names.is_empty() {
            true => "an axis in the form of a table may have a `name` for formulas".to_string(),
            false => format!("axes that formulas can use: {}", names.join(", ")),
        };
        Err(faults.into_iter().map(|fault| fault.help(help.clone())).collect())
    }
}

/// A value that the file does not spell out, as if it were written in a file of its own.
pub fn made(path: &str, value: f64, round: bool) -> Node {
    let value = if round { value.round_ties_even() } else { value };
    let source = Arc::new(Source { name: format!("axis {path}"), text: format!("{value:?}") });
    let span = 0..source.text.len();
    Node { place: Place { source, span }, content: Content::Float(value) }
}

/// What formulas call the axis of a path: its last part.
pub(super) fn name_of(segments: &[String]) -> Option<String> {
    segments.last().filter(|name| is_name(name)).cloned()
}
