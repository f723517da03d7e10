//! From tree to program: names looked up, functions and operators lowered, every fault with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::ir::{Builder, Operator, Value};
use crate::language::functions;
use crate::language::tree::{Binary, Compare, Expression, Form, Formula, Reduction, Steps, Unary};

/// What a formula may name, where only names and shapes matter.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub scalars: Vec<String>,
    /// Vectors with their lengths.
    pub vectors: Vec<(String, usize)>,
    /// Names that exist but may not stand here, with the reason.
    pub unavailable: Vec<(String, String)>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Meaning {
    Scalar(Value),
    Vector(Vec<Value>),
    /// It exists, but not here; the reason.
    Unavailable(String),
}

/// The names that a formula may use.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    names: BTreeMap<String, Meaning>,
}

/// Terms that a comprehension may unroll to.
const MOST_TERMS: f64 = 100_000.0;

impl Scope {
    pub fn insert(&mut self, name: impl Into<String>, meaning: Meaning) {
        self.names.insert(name.into(), meaning);
    }
}

/// The value of a formula over constants alone.
pub fn constant(formula: &Formula, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) -> Option<f64> {
    let mut builder = Builder::new();
    let mut scope = Scope::default();
    for (name, number) in constants {
        scope.insert(name, Meaning::Scalar(builder.constant(*number)));
    }
    let value = expression(formula, &scope, &mut builder, faults)?;
    builder.known(value)
}

/// Reports every fault of a formula: unknown names and functions, wrong numbers of arguments, vectors used as scalars.
pub fn check(formula: &Formula, names: &Names, faults: &mut Vec<Diagnostic>) {
    let mut builder = Builder::new();
    let mut scope = Scope::default();
    let mut inputs = 0..;
    let mut input = |builder: &mut Builder| builder.input(inputs.next().expect("endless"));
    for name in &names.scalars {
        let value = input(&mut builder);
        scope.insert(name, Meaning::Scalar(value));
    }
    for (name, size) in &names.vectors {
        let values = (0..*size).map(|_| input(&mut builder)).collect();
        scope.insert(name, Meaning::Vector(values));
    }
    for (name, reason) in &names.unavailable {
        scope.insert(name, Meaning::Unavailable(reason.clone()));
    }
    expression(formula, &scope, &mut builder, faults);
}

/// Lowers a formula into `builder`. None where it has faults, which are then in `faults`.
pub fn expression(
    formula: &Formula,
    scope: &Scope,
    builder: &mut Builder,
    faults: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let mut scope = scope.clone();
    Lowering { formula, scope: &mut scope, builder, faults }.scalar(&formula.tree)
}

struct Lowering<'a> {
    formula: &'a Formula,
    scope: &'a mut Scope,
    builder: &'a mut Builder,
    faults: &'a mut Vec<Diagnostic>,
}

impl Lowering<'_> {
    fn fault<T>(&mut self, span: &Range<usize>, message: String, label: &str, help: Option<String>) -> Option<T> {
        let mut fault = self.formula.error(span, message, label);
        fault.help.extend(help);
        self.faults.push(fault);
        None
    }

    fn scalar(&mut self, tree: &Expression) -> Option<Value> {
        match &tree.form {
            Form::Number(number) => Some(self.builder.constant(*number)),
            Form::Name(name) => match self.meaning(name, &tree.span)? {
                Meaning::Scalar(value) => Some(value),
                Meaning::Vector(values) => {
                    let help =
                        format!("take an element, from `{name}[0]` to `{name}[{}]`", values.len().saturating_sub(1));
                    self.fault(&tree.span, format!("`{name}` is a vector"), "a number is needed here", Some(help))
                }
                Meaning::Unavailable(_) => None,
            },
            Form::Index { base, index } => self.element(base, index),
            Form::Unary { operator, operand } => {
                let value = self.scalar(operand)?;
                Some(match operator {
                    Unary::Plus => value,
                    Unary::Minus => self.builder.negate(value),
                })
            }
            Form::Binary { .. } => self.binary(tree),
            Form::Comparison { first, rest } => self.comparison(first, rest),
            Form::And(terms) => self.connective(terms, true),
            Form::Or(terms) => self.connective(terms, false),
            Form::Not(operand) => {
                let value = self.scalar(operand)?;
                Some(self.builder.unary(Operator::Not, value))
            }
            Form::Conditional { test, value, otherwise } => {
                let (test, value, otherwise) = (self.scalar(test), self.scalar(value), self.scalar(otherwise));
                Some(self.builder.select(test?, value?, otherwise?))
            }
            Form::Call { function, function_span, arguments } => self.call(tree, function, function_span, arguments),
            Form::Reduction { kind, element, variable, range } => self.reduction(*kind, element, variable, range),
        }
    }

    fn meaning(&mut self, name: &str, span: &Range<usize>) -> Option<Meaning> {
        if let Some(meaning) = self.scope.names.get(name) {
            if let Meaning::Unavailable(reason) = meaning {
                let reason = reason.clone();
                return self.fault(span, format!("`{name}` cannot be used here"), &reason, None);
            }
            return Some(meaning.clone());
        }
        if let Some((_, number)) = functions::NUMBERS.iter().find(|(known, _)| *known == name) {
            return Some(Meaning::Scalar(self.builder.constant(*number)));
        }
        if functions::find(name).is_some() {
            let help = Some(format!("call it: `{name}(…)`"));
            return self.fault(span, format!("`{name}` is a function"), "a value is needed here", help);
        }
        let known: Vec<&str> = self.scope.names.keys().map(String::as_str).collect();
        let numbers = functions::NUMBERS.iter().map(|(name, _)| *name);
        let help = match did_you_mean(name, known.iter().copied().chain(numbers)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => None,
            None => Some(format!("known here: {}", known.join(", "))),
        };
        self.fault(span, format!("unknown name `{name}`"), "not a column, parameter, constant or term", help)
    }

    fn element(&mut self, base: &Expression, index: &Expression) -> Option<Value> {
        let Form::Name(name) = &base.form else {
            return self.fault(&base.span, "only a vector can be indexed".into(), "not a vector", None);
        };
        let meaning = self.meaning(name, &base.span);
        let place = self.scalar(index);
        let values = match meaning? {
            Meaning::Vector(values) => values,
            _ => {
                let help = Some("a parameter becomes a vector by `size = n` in its table".to_string());
                return self.fault(&base.span, format!("`{name}` is not a vector"), "indexed here", help);
            }
        };
        let Some(place) = self.builder.known(place?) else {
            let help = Some("an index is a constant, or the variable of `for … in range(…)`".to_string());
            return self.fault(&index.span, "the index is not a constant".into(), "varies", help);
        };
        // As in Python, -1 is the last element.
        let wrapped = if place < 0.0 { place + values.len() as f64 } else { place };
        if wrapped.fract() != 0.0 || wrapped < 0.0 || wrapped >= values.len() as f64 {
            let message = format!("index {place} is outside `{name}`");
            let label = format!("`{name}` has {} elements, counted from 0", values.len());
            return self.fault(&index.span, message, &label, None);
        }
        Some(values[wrapped as usize])
    }

    /// Long sums lean to the left: the spine is walked in a loop, not by recursion.
    fn binary(&mut self, tree: &Expression) -> Option<Value> {
        let mut spine = Vec::new();
        let mut node = tree;
        while let Form::Binary { operator, left, right } = &node.form {
            spine.push((*operator, right));
            node = left;
        }
        let mut value = self.scalar(node);
        for (operator, right) in spine.into_iter().rev() {
            let right = self.scalar(right);
            value = value.zip(right).map(|(left, right)| match operator {
                Binary::Add => self.builder.add(left, right),
                Binary::Subtract => self.builder.subtract(left, right),
                Binary::Multiply => self.builder.multiply(left, right),
                Binary::Divide => self.builder.divide(left, right),
                Binary::FloorDivide => self.builder.apply(Operator::FloorDivide, &[left, right]),
                Binary::Modulo => self.builder.apply(Operator::Modulo, &[left, right]),
                Binary::Power => self.builder.power(left, right),
            });
        }
        value
    }

    fn comparison(&mut self, first: &Expression, rest: &[(Compare, Expression)]) -> Option<Value> {
        let mut left = self.scalar(first);
        let mut holds: Option<Value> = None;
        let mut sound = true;
        for (compare, right) in rest {
            let right = self.scalar(right);
            if let (Some(left), Some(right)) = (left, right) {
                let operator = match compare {
                    Compare::Less => Operator::Less,
                    Compare::LessEqual => Operator::LessEqual,
                    Compare::Greater => Operator::Greater,
                    Compare::GreaterEqual => Operator::GreaterEqual,
                    Compare::Equal => Operator::Equal,
                    Compare::NotEqual => Operator::NotEqual,
                };
                let test = self.builder.apply(operator, &[left, right]);
                holds = Some(match holds {
                    Some(holds) => self.builder.multiply(holds, test),
                    None => test,
                });
            } else {
                sound = false;
            }
            left = right;
        }
        holds.filter(|_| sound)
    }

    /// `a and b` is b where a is true, else a; `a or b` the other way round.
    fn connective(&mut self, terms: &[Expression], and: bool) -> Option<Value> {
        let values: Vec<Option<Value>> = terms.iter().map(|term| self.scalar(term)).collect();
        let values: Vec<Value> = values.into_iter().collect::<Option<_>>()?;
        let (last, earlier) = values.split_last()?;
        Some(earlier.iter().rev().fold(*last, |rest, value| {
            if and { self.builder.select(*value, rest, *value) } else { self.builder.select(*value, *value, rest) }
        }))
    }

    fn call(
        &mut self,
        tree: &Expression,
        name: &str,
        name_span: &Range<usize>,
        arguments: &[Expression],
    ) -> Option<Value> {
        let Some(function) = functions::find(name) else {
            // The arguments may have faults of their own.
            arguments.iter().for_each(|argument| _ = self.scalar(argument));
            if self.scope.names.contains_key(name) {
                let help = Some(format!("to multiply, write `{name}*(…)`"));
                return self.fault(name_span, format!("`{name}` is not a function"), "called here", help);
            }
            let near = did_you_mean(name, functions::all().map(|function| function.name));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sbi-run list functions` names them all".to_string(),
            };
            return self.fault(name_span, format!("unknown function `{name}`"), "no such function", Some(help));
        };
        // `logsumexp(v)`, `max(v)` and `min(v)` of a vector take its elements.
        let mut values = Vec::new();
        let mut sound = true;
        for argument in arguments {
            match &argument.form {
                Form::Name(name) if function.arguments.1 == usize::MAX => match self.meaning(name, &argument.span) {
                    Some(Meaning::Vector(elements)) => values.extend(elements),
                    Some(Meaning::Scalar(value)) => values.push(value),
                    _ => sound = false,
                },
                _ => match self.scalar(argument) {
                    Some(value) => values.push(value),
                    None => sound = false,
                },
            }
        }
        if !sound {
            return None;
        }
        let (least, most) = function.arguments;
        if values.len() < least || values.len() > most {
            let wanted = match (least, most) {
                (1, 1) => "one argument".to_string(),
                (least, usize::MAX) => format!("at least {least} arguments"),
                (least, _) => format!("{least} arguments"),
            };
            let label = format!("{} given", values.len());
            let help = Some(format!("{name}: {}", function.summary));
            return self.fault(&tree.span, format!("`{name}` takes {wanted}"), &label, help);
        }
        if name == "jn" && self.builder.known(values[0]).is_none_or(|n| n.fract() != 0.0 || n.abs() > 1e6) {
            let help = Some("write it as `jn(2, x)`".to_string());
            return self.fault(
                &arguments[0].span,
                "the order of `jn` must be a constant whole number".into(),
                "here",
                help,
            );
        }
        Some((function.lower)(self.builder, &values))
    }

    fn reduction(&mut self, kind: Reduction, element: &Expression, variable: &str, range: &Steps) -> Option<Value> {
        let mut bound = |expression: Option<&Expression>, default: f64| match expression {
            None => Some(default),
            Some(expression) => {
                let value = self.scalar(expression)?;
                match self.builder.known(value) {
                    Some(number) if number.fract() == 0.0 => Some(number),
                    _ => {
                        let message = "the argument of `range` must be a constant whole number";
                        self.fault(&expression.span, message.into(), "here", None)
                    }
                }
            }
        };
        let start = bound(range.start.as_ref(), 0.0);
        let stop = bound(Some(&range.stop), 0.0);
        let step = bound(range.step.as_ref(), 1.0);
        let (start, stop, step) = (start?, stop?, step?);
        let count = ((stop - start) / step).ceil().max(0.0);
        if step == 0.0 || count > MOST_TERMS {
            let message = format!("`range` gives {count} terms");
            let label = format!("at most {MOST_TERMS}, and a step that is not 0");
            return self.fault(&range.stop.span, message, &label, None);
        }
        let outer = self.scope.names.remove(variable);
        let mut total = self.builder.constant(if kind == Reduction::Sum { 0.0 } else { 1.0 });
        let mut sound = true;
        for k in 0..count as u64 {
            let index = self.builder.constant(start + k as f64 * step);
            self.scope.insert(variable, Meaning::Scalar(index));
            match self.scalar(element) {
                Some(term) if kind == Reduction::Sum => total = self.builder.add(total, term),
                Some(term) => total = self.builder.multiply(total, term),
                // One report is enough; the other terms have the same fault.
                None => {
                    sound = false;
                    break;
                }
            }
        }
        self.scope.names.remove(variable);
        if let Some(meaning) = outer {
            self.scope.insert(variable, meaning);
        }
        sound.then_some(total)
    }
}
