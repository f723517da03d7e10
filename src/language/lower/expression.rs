//! Expressions: names, operators, calls, comprehensions.

use std::collections::HashSet;
use std::ops::Range;

use super::context::Carried;
use super::{Lowering, Meaning};
use crate::diagnostic::did_you_mean;
use crate::ir::{LoopKind, Node, Operator, Value};
use crate::language::functions;
use crate::language::tree::{Binary, Compare, Expression, Form, Reduction, Steps, Unary};

/// Terms up to which a comprehension is written out; longer ones are loops.
const WRITTEN_OUT: f64 = 64.0;

/// The steps of a `range`.
pub struct Walk {
    pub start: Value,
    pub step: f64,
    pub count: Value,
}

impl Lowering<'_> {
    pub fn scalar(&mut self, tree: &Expression) -> Option<Value> {
        match &tree.form {
            Form::Number(number) => Some(self.b().constant(*number)),
            Form::Name(name) => match self.meaning(name, &tree.span)? {
                Meaning::Scalar(value) => Some(value),
                Meaning::Vector(_, size) => {
                    let last = size.saturating_sub(1);
                    let help = format!("take an element, from `{name}[0]` to `{name}[{last}]`");
                    self.fault(&tree.span, format!("`{name}` is a vector"), "a number is needed here", Some(help))
                }
                Meaning::Unavailable(_) => None,
            },
            Form::Index { base, index } => {
                let (vector, size) = self.vector_named(base)?;
                let index = self.index(index, size, base)?;
                Some(self.b().element(vector, index))
            }
            Form::Unary { operator, operand } => {
                let value = self.scalar(operand)?;
                Some(match operator {
                    Unary::Plus => value,
                    Unary::Minus => self.b().negate(value),
                })
            }
            Form::Binary { .. } => self.binary(tree),
            Form::Comparison { first, rest } => self.comparison(first, rest),
            Form::And(terms) => self.connective(terms, true),
            Form::Or(terms) => self.connective(terms, false),
            Form::Not(operand) => {
                let value = self.scalar(operand)?;
                Some(self.b().unary(Operator::Not, value))
            }
            Form::Conditional { test, value, otherwise } => {
                let (test, value, otherwise) = (self.scalar(test), self.scalar(value), self.scalar(otherwise));
                let (test, value, otherwise) = (test?, value?, otherwise?);
                Some(self.b().select(test, value, otherwise))
            }
            Form::Call { function, function_span, arguments } => self.call(tree, function, function_span, arguments),
            Form::Reduction { kind, element, variable, range } => self.reduction(*kind, element, variable, range),
        }
    }

    pub fn meaning(&mut self, name: &str, span: &Range<usize>) -> Option<Meaning> {
        if let Some(meaning) = self.look_up(name) {
            if let Meaning::Unavailable(reason) = &meaning {
                return self.fault(span, format!("`{name}` cannot be used here"), reason, None);
            }
            return Some(meaning);
        }
        if let Some((_, number)) = functions::NUMBERS.iter().find(|(known, _)| *known == name) {
            return Some(Meaning::Scalar(self.b().constant(*number)));
        }
        if functions::find(name).is_some() || self.functions.iter().any(|function| function.name == name) {
            let help = Some(format!("call it: `{name}(…)`"));
            return self.fault(span, format!("`{name}` is a function"), "a value is needed here", help);
        }
        // Names local to calls have a mark and are not for users.
        let names = self.contexts.iter().flat_map(|context| context.names.keys());
        let known: Vec<String> = names.filter(|name| !name.contains('\0')).cloned().collect();
        let numbers = functions::NUMBERS.iter().map(|(name, _)| *name);
        let help = match did_you_mean(name, known.iter().map(String::as_str).chain(numbers)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => None,
            None => Some(format!("known here: {}", known.join(", "))),
        };
        self.fault(span, format!("unknown name `{name}`"), "not a column, parameter, constant or term", help)
    }

    /// The vector that an expression names.
    pub fn vector_named(&mut self, base: &Expression) -> Option<(Value, u32)> {
        let Form::Name(name) = &base.form else {
            return self.fault(&base.span, "only a vector can be indexed".into(), "not a vector", None);
        };
        match self.meaning(name, &base.span)? {
            Meaning::Vector(vector, size) => Some((vector, size)),
            _ => {
                let help = "a parameter becomes a vector by `size = n` in its table, a variable by `zeros(n)`";
                let message = format!("`{name}` is not a vector");
                self.fault(&base.span, message, "indexed here", Some(help.to_string()))
            }
        }
    }

    /// The position that an index names; as in Python, -1 is the last element.
    pub fn index(&mut self, index: &Expression, size: u32, base: &Expression) -> Option<Value> {
        let place = self.scalar(index)?;
        let count = f64::from(size);
        match self.b().known(place) {
            Some(known) => {
                let wrapped = if known < 0.0 { known + count } else { known };
                if wrapped.fract() != 0.0 || wrapped < 0.0 || wrapped >= count {
                    let name = if let Form::Name(name) = &base.form { name } else { "the vector" };
                    let message = format!("index {known} is outside `{name}`");
                    let label = format!("`{name}` has {size} elements, counted from 0");
                    return self.fault(&index.span, message, &label, None);
                }
                Some(self.b().constant(wrapped))
            }
            None if self.is_counted(place) => Some(place),
            None => {
                let b = self.b();
                let zero = b.constant(0.0);
                let negative = b.apply(Operator::Less, &[place, zero]);
                let wrapped = b.shift(place, count);
                Some(b.select(negative, wrapped, place))
            }
        }
    }

    /// Whether a value is made of step numbers and constants such that it is never negative.
    fn is_counted(&self, value: Value) -> bool {
        let context = self.contexts.last().expect("a context is always there");
        let inside = self.contexts.len() > 1;
        let b = &context.builder;
        let (mut pending, mut seen) = (vec![value], HashSet::new());
        while let Some(value) = pending.pop() {
            if !seen.insert(value) {
                continue;
            }
            match b.node(value) {
                // The index of the step under way.
                Node::Input(0) if inside => {}
                Node::Constant(_) if b.known(value).is_some_and(|number| number >= 0.0) => {}
                Node::Apply(Operator::Add | Operator::Multiply, [x, y, _]) => pending.extend([*x, *y]),
                _ => return false,
            }
        }
        true
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
            value = value.zip(right).map(|(left, right)| self.operation(operator, left, right));
        }
        value
    }

    pub fn operation(&mut self, operator: Binary, left: Value, right: Value) -> Value {
        let b = self.b();
        match operator {
            Binary::Add => b.add(left, right),
            Binary::Subtract => b.subtract(left, right),
            Binary::Multiply => b.multiply(left, right),
            Binary::Divide => b.divide(left, right),
            Binary::FloorDivide => b.apply(Operator::FloorDivide, &[left, right]),
            Binary::Modulo => b.apply(Operator::Modulo, &[left, right]),
            Binary::Power => b.power(left, right),
        }
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
                let test = self.b().apply(operator, &[left, right]);
                holds = Some(match holds {
                    Some(holds) => self.b().multiply(holds, test),
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
            let (yes, no) = if and { (rest, *value) } else { (*value, rest) };
            self.b().select(*value, yes, no)
        }))
    }

    fn call(
        &mut self,
        tree: &Expression,
        name: &str,
        name_span: &Range<usize>,
        arguments: &[Expression],
    ) -> Option<Value> {
        if let Some(function) = self.functions.iter().find(|function| function.name == name).copied() {
            return self.call_own(tree, function, arguments);
        }
        if matches!(name, "len" | "sum") && arguments.len() == 1 && matches!(arguments[0].form, Form::Name(_)) {
            let (vector, size) = self.vector_named(&arguments[0])?;
            return Some(match name {
                "len" => self.b().constant(f64::from(size)),
                _ => self.sum_of(vector, size),
            });
        }
        let Some(function) = functions::find(name) else {
            // The arguments may have faults of their own.
            arguments.iter().for_each(|argument| _ = self.scalar(argument));
            if self.look_up(name).is_some() {
                let help = Some(format!("to multiply, write `{name}*(…)`"));
                return self.fault(name_span, format!("`{name}` is not a function"), "called here", help);
            }
            let own: Vec<String> = self.functions.iter().map(|function| function.name.clone()).collect();
            let known = functions::all().map(|function| function.name).chain(own.iter().map(String::as_str));
            let help = match did_you_mean(name, known) {
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
                    Some(Meaning::Vector(vector, size)) => {
                        for k in 0..size {
                            let index = self.b().constant(f64::from(k));
                            values.push(self.b().element(vector, index));
                        }
                    }
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
        if name == "jn" && self.b().known(values[0]).is_none_or(|n| n.fract() != 0.0 || n.abs() > 1e6) {
            let help = Some("write it as `jn(2, x)`".to_string());
            let message = "the order of `jn` must be a constant whole number from -1000000 to 1000000".into();
            return self.fault(&arguments[0].span, message, "here", help);
        }
        Some((function.lower)(self.b(), &values))
    }

    /// The sum of a vector's elements, from the first to the last.
    fn sum_of(&mut self, vector: Value, size: u32) -> Value {
        let zero = self.b().constant(0.0);
        let count = self.b().constant(f64::from(size));
        let carried = [Carried { key: "\0sum".into(), initial: zero, size: None }];
        let index = self.enter(&carried);
        let of = self.capture(self.contexts.len() - 1, vector);
        let Some(Meaning::Scalar(sum)) = self.look_up("\0sum") else { unreachable!("it was entered") };
        let element = self.b().element(of, index);
        let next = self.b().add(sum, element);
        self.leave(LoopKind::Counted, Some(count), &carried, &[next], None)[0]
    }

    /// The steps of a `range`: a constant step, a start and a count that are the same for every row and parameter.
    pub fn walk(&mut self, range: &Steps) -> Option<Walk> {
        let start = match &range.start {
            Some(start) => self.scalar(start),
            None => Some(self.b().constant(0.0)),
        };
        let stop = self.scalar(&range.stop);
        let step = match &range.step {
            Some(step) => self.scalar(step).map(|value| (self.b().known(value), &step.span)),
            None => Some((Some(1.0), &range.stop.span)),
        };
        let (start, stop, (step, step_span)) = (start?, stop?, step?);
        let Some(step) = step.filter(|step| step.fract() == 0.0 && *step != 0.0) else {
            let message = "the step of `range` must be a constant whole number other than 0";
            return self.fault(step_span, message.into(), "here", None);
        };
        for (value, expression) in [(Some(start), range.start.as_ref()), (Some(stop), Some(&range.stop))] {
            let (Some(value), Some(expression)) = (value, expression) else { continue };
            let whole = self.b().known(value).is_none_or(|number| number.fract() == 0.0);
            if !whole || !self.is_count(value) {
                let message = "the arguments of `range` must be whole numbers known before the run";
                let help = "constants, sizes and the variables of outer loops; for other lengths use `while` with `at_most(n)`";
                return self.fault(&expression.span, message.into(), "here", Some(help.into()));
            }
        }
        let b = self.b();
        let distance = b.subtract(stop, start);
        let divisor = b.constant(step);
        let steps = b.divide(distance, divisor);
        let steps = b.unary(Operator::Ceil, steps);
        let zero = b.constant(0.0);
        let count = b.apply(Operator::Maximum, &[steps, zero]);
        Some(Walk { start, step, count })
    }

    fn reduction(&mut self, kind: Reduction, element: &Expression, variable: &str, range: &Steps) -> Option<Value> {
        let walk = self.walk(range)?;
        let neutral = self.b().constant(if kind == Reduction::Sum { 0.0 } else { 1.0 });
        let operator = if kind == Reduction::Sum { Binary::Add } else { Binary::Multiply };
        // As in Python, the variable of a comprehension is its own.
        let key = self.key(variable);
        if let (Some(count), Some(start)) = (self.b().known(walk.count), self.b().known(walk.start))
            && count <= WRITTEN_OUT
        {
            let outer = self.contexts.last().and_then(|context| context.names.get(&key).cloned());
            let mut total = Some(neutral);
            for k in 0..count as u64 {
                let index = self.b().constant(start + k as f64 * walk.step);
                self.assign(key.clone(), Meaning::Scalar(index));
                let term = self.scalar(element);
                total = total.zip(term).map(|(total, term)| self.operation(operator, total, term));
                if total.is_none() {
                    // One report is enough; the other terms have the same fault.
                    break;
                }
            }
            let names = &mut self.contexts.last_mut().expect("a context is always there").names;
            match outer {
                Some(meaning) => names.insert(key, meaning),
                None => names.remove(&key),
            };
            return total;
        }
        let carried = [Carried { key: "\0total".into(), initial: neutral, size: None }];
        let index = self.enter(&carried);
        let start = self.capture(self.contexts.len() - 1, walk.start);
        let offset = self.b().scale(walk.step, index);
        let at = self.b().add(start, offset);
        self.assign(key, Meaning::Scalar(at));
        let term = self.scalar(element);
        let Some(Meaning::Scalar(total)) = self.look_up("\0total") else { unreachable!("it was entered") };
        let next = term.map_or(total, |term| self.operation(operator, total, term));
        let results = self.leave(LoopKind::Counted, Some(walk.count), &carried, &[next], None);
        term.map(|_| results[0])
    }
}
