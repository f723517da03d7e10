//! Expressions: what moves their values, and the sites among them.

use super::value::{Parameters, Scalar, Value};
use super::{Analysis, Cause, Finding, WORK, advice};
use crate::ir::{Operator, op};
use crate::language::functions;
use crate::language::tree::{Binary, Compare, Expression, Form, Steps, Text, Unary};

/// What the truth of an expression is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is a number, 0 or 1.
    Number,
    Branch,
    Passes,
}

impl Use {
    fn cause(self) -> Cause {
        match self {
            Use::Number => Cause::Step,
            Use::Branch => Cause::Branch,
            Use::Passes => Cause::Passes,
        }
    }
}

impl Analysis {
    pub(super) fn value(&mut self, tree: &Expression) -> Scalar {
        self.work += 1;
        if self.work > WORK {
            return Scalar::default();
        }
        match &tree.form {
            Form::Number(number) => Scalar::known(*number),
            Form::Name(name) => self.named(name).scalar(),
            Form::Index { base, index } => {
                let element = self.index(index);
                match &base.form {
                    Form::Name(name) => match self.look_up(name) {
                        Some(Value::Vector(vector)) => Scalar::varying(vector.element(element)),
                        _ => Scalar::default(),
                    },
                    _ => Scalar::default(),
                }
            }
            Form::Unary { operator, operand } => {
                let value = self.value(operand);
                match (operator, value.number()) {
                    (Unary::Minus, Some(number)) => Scalar::known(-number),
                    _ => value,
                }
            }
            Form::Binary { .. } => self.binary(tree),
            Form::Comparison { .. } | Form::Not(_) => match self.test(tree, Use::Number) {
                Some(truth) => Scalar::known(op::truth(truth)),
                None => Scalar::default(),
            },
            Form::And(terms) => self.connective(terms, true),
            Form::Or(terms) => self.connective(terms, false),
            Form::Conditional { test, value, otherwise } => {
                let finding = self.text.as_ref().and_then(|text| advice::choice(text, test, value, otherwise));
                let truth = self.test_with(test, Use::Branch, finding);
                match truth {
                    Some(true) => self.value(value),
                    Some(false) => self.value(otherwise),
                    None => {
                        let mut either = self.value(value);
                        either.join(&self.value(otherwise));
                        either
                    }
                }
            }
            Form::Call { function, arguments, .. } => self.call(tree, function, arguments),
            Form::Reduction { element, variable, range, .. } => {
                let some = self.walk(range);
                if some == Some(false) {
                    return Scalar::default();
                }
                // As in Python, the variable of a comprehension is its own.
                let outer = self.scope().insert(variable.clone(), Value::Scalar(Scalar::default()));
                let term = self.value(element);
                match outer {
                    Some(outer) => self.scope().insert(variable.clone(), outer),
                    None => self.scope().remove(variable),
                };
                Scalar::varying(term.varies)
            }
        }
    }

    /// A value that only decides something.
    fn decider(&mut self, tree: &Expression) -> Scalar {
        let outer = std::mem::replace(&mut self.deciding, true);
        let value = self.value(tree);
        self.deciding = outer;
        value
    }

    fn named(&self, name: &str) -> Value {
        let known = || functions::NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        match self.look_up(name) {
            Some(value) => value.clone(),
            None => Value::Scalar(known().map_or(Scalar::default(), Scalar::known)),
        }
    }

    /// The element that an index names, where constants alone decide it and it counts from the front.
    pub(super) fn index(&mut self, index: &Expression) -> Option<usize> {
        let place = self.decider(index);
        self.site(&index.span, &place.varies, |text| Finding {
            cause: Cause::Step,
            what: "this index".into(),
            label: "from one element to the next the value jumps".into(),
            smooth: Some(advice::index(text, index)),
        });
        let whole = place.number().filter(|place| *place >= 0.0 && place.fract() == 0.0 && *place < 1e9);
        whole.map(|place| place as usize)
    }

    /// Whether a range has a step at least; None where that is not known.
    pub(super) fn walk(&mut self, range: &Steps) -> Option<bool> {
        let start = range.start.as_ref().map_or(Scalar::known(0.0), |start| self.value(start));
        let stop = self.value(&range.stop);
        let step = range.step.as_ref().map_or(Scalar::known(1.0), |step| self.value(step));
        let (start, stop, step) = (start.number()?, stop.number()?, step.number()?);
        Some(if step > 0.0 { start < stop } else { start > stop })
    }

    /// Long sums lean to the left: the spine is walked in a loop, not by recursion.
    fn binary(&mut self, tree: &Expression) -> Scalar {
        let mut spine = Vec::new();
        let mut node = tree;
        while let Form::Binary { operator, left, right } = &node.form {
            spine.push((*operator, left, right, node));
            node = left;
        }
        let mut value = self.value(node);
        for (operator, left, right, node) in spine.into_iter().rev() {
            let divisor = self.value(right);
            value = self.operation(
                operator,
                value,
                divisor,
                |text, cause| advice::operation(text, cause, left, right),
                node,
            );
        }
        value
    }

    /// An operation on two values, written at `node`.
    pub(super) fn operation(
        &mut self,
        operator: Binary,
        left: Scalar,
        right: Scalar,
        finding: impl FnOnce(&Text, Cause) -> Finding,
        node: &Expression,
    ) -> Scalar {
        if let (Some(x), Some(y)) = (left.number(), right.number()) {
            let operator = match operator {
                Binary::Add => Operator::Add,
                Binary::Subtract => Operator::Subtract,
                Binary::Multiply => Operator::Multiply,
                Binary::Divide => Operator::Divide,
                Binary::FloorDivide => Operator::FloorDivide,
                Binary::Modulo => Operator::Modulo,
                Binary::Power => Operator::Power,
            };
            return Scalar::known(operator.value(&[x, y]));
        }
        let mut both = left.varies;
        both.add(&right.varies);
        match operator {
            Binary::FloorDivide => {
                self.site(&node.span, &both, |text| finding(text, Cause::Step));
                Scalar::default()
            }
            Binary::Modulo => {
                self.site(&node.span, &both, |text| finding(text, Cause::Remainder));
                Scalar::varying(both)
            }
            _ => Scalar::varying(both),
        }
    }

    /// `a and b` is b where a is true, else a; `a or b` the other way round.
    fn connective(&mut self, terms: &[Expression], and: bool) -> Scalar {
        let mut either: Option<Scalar> = None;
        for (k, term) in terms.iter().enumerate() {
            let value = self.value(term);
            let last = k + 1 == terms.len();
            if !last {
                self.truth(term, &value, Use::Branch);
            }
            let decides = value.number().map(|number| (number != 0.0) != and);
            match decides {
                // Another term is the value.
                Some(false) if !last => continue,
                _ => {}
            }
            match &mut either {
                Some(either) => either.join(&value),
                None => either = Some(value),
            }
            if decides == Some(true) {
                break;
            }
        }
        either.unwrap_or_default()
    }

    /// Passes through an expression whose truth is asked for, which is given where constants alone decide it.
    pub(super) fn test(&mut self, tree: &Expression, role: Use) -> Option<bool> {
        self.test_with(tree, role, None)
    }

    /// The same, with the finding for a comparison at the top.
    fn test_with(&mut self, tree: &Expression, role: Use, finding: Option<Finding>) -> Option<bool> {
        match &tree.form {
            Form::Comparison { first, rest } => self.comparison(first, rest, role, finding),
            Form::Not(operand) => {
                let truth = match operand.form {
                    Form::Comparison { .. } | Form::And(_) | Form::Or(_) | Form::Not(_) => self.test(operand, role),
                    _ => {
                        let value = self.decider(operand);
                        self.truth(operand, &value, role);
                        value.number().map(|number| number != 0.0)
                    }
                };
                truth.map(|truth| !truth)
            }
            Form::And(terms) | Form::Or(terms) => {
                let decides = matches!(tree.form, Form::Or(_));
                let mut all = Some(!decides);
                for term in terms {
                    match self.test(term, role) {
                        Some(truth) if truth == decides => return Some(decides),
                        Some(_) => {}
                        None => all = None,
                    }
                }
                all
            }
            _ => {
                let value = self.decider(tree);
                self.truth(tree, &value, role);
                value.number().map(|number| number != 0.0)
            }
        }
    }

    /// The truth of a number is asked for.
    fn truth(&mut self, tree: &Expression, value: &Scalar, role: Use) {
        self.site(&tree.span, &value.varies, |text| advice::truth(text, tree, role.cause()));
    }

    fn comparison(
        &mut self,
        first: &Expression,
        rest: &[(Compare, Expression)],
        role: Use,
        mut finding: Option<Finding>,
    ) -> Option<bool> {
        let (mut left, mut before) = (self.decider(first), first);
        let mut all = Some(true);
        for (compare, right) in rest {
            let value = self.decider(right);
            let mut both: Parameters = left.varies.clone();
            both.add(&value.varies);
            let span = before.span.start..right.span.end;
            let of_pair = finding.take();
            self.site(&span, &both, |text| {
                of_pair.unwrap_or_else(|| advice::comparison(text, role.cause(), before, *compare, right))
            });
            let truth = left.number().zip(value.number()).map(|(x, y)| match compare {
                Compare::Less => x < y,
                Compare::LessEqual => x <= y,
                Compare::Greater => x > y,
                Compare::GreaterEqual => x >= y,
                Compare::Equal => x == y,
                Compare::NotEqual => x != y,
            });
            all = match (all, truth) {
                (_, Some(false)) => return Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            (left, before) = (value, right);
        }
        all
    }

    fn call(&mut self, tree: &Expression, name: &str, arguments: &[Expression]) -> Scalar {
        if let Some(function) = self.functions.get(name).cloned() {
            return self.call_own(tree, &function, arguments);
        }
        if name == "len" {
            return Scalar::default();
        }
        let cause = cause(name);
        let mut varies = Parameters::default();
        for argument in arguments {
            let value = if cause == Some(Cause::Step) { self.decider(argument) } else { self.value(argument) };
            varies.add(&value.varies);
        }
        let Some(cause) = cause else { return Scalar::varying(varies) };
        self.site(&tree.span, &varies, |text| advice::function(text, cause, name, arguments));
        if cause == Cause::Step { Scalar::default() } else { Scalar::varying(varies) }
    }
}

/// Why a function of the language is not differentiable everywhere; None: it is, inside its domain.
pub fn cause(function: &str) -> Option<Cause> {
    Some(match function {
        "abs" => Cause::Absolute,
        "min" | "max" => Cause::Extremum,
        "floor" | "ceil" | "round" | "sign" => Cause::Step,
        "mod" => Cause::Remainder,
        _ => return None,
    })
}
