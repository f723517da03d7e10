//! Statements: assignments, branches, loops, functions of the text.
//!
//! A branch is carried out on both sides, and what it assigns is selected. A `while` whose promise `at_most(n)` is broken
//! leaves NaN in what it assigns. A name that a branch not taken would have assigned is NaN.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Carried, meaning_of};
use super::expression::Walk;
use super::survey::{assigned, bound, element_written, returning};
use super::{Lowering, Meaning};
use crate::ir::{LoopKind, Operator, Value};
use crate::language::tree::{Action, Expression, Form, Function, Statement, Target};

/// Calls inside calls.
const DEEPEST: usize = 64;

/// Where a function's statements have got to.
enum Flow {
    Continues,
    Returned(Value),
    /// Returned with `value` where `done` is true.
    Partly {
        done: Value,
        value: Value,
    },
}

impl Lowering<'_> {
    /// Statements outside functions.
    pub fn statements(&mut self, statements: &[Statement]) {
        self.block(statements);
    }

    fn block(&mut self, statements: &[Statement]) -> Flow {
        let Some((statement, rest)) = statements.split_first() else { return Flow::Continues };
        match self.statement(statement) {
            Flow::Continues => self.block(rest),
            Flow::Returned(value) => Flow::Returned(value),
            Flow::Partly { done, value } => {
                // The rest is carried out where nothing was returned yet.
                let not_done = self.b().unary(Operator::Not, done);
                let mask = self.masked(not_done);
                let outer = self.contexts.last_mut().expect("a context is always there").mask.replace(mask);
                let after = self.block(rest);
                self.contexts.last_mut().expect("a context is always there").mask = outer;
                match after {
                    Flow::Continues => Flow::Partly { done, value },
                    Flow::Returned(other) => Flow::Returned(self.b().select(done, value, other)),
                    Flow::Partly { done: also, value: other } => {
                        let one = self.b().constant(1.0);
                        let value = self.b().select(done, value, other);
                        Flow::Partly { done: self.b().select(done, one, also), value }
                    }
                }
            }
        }
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        match &statement.action {
            Action::Assign { target, operator, value } => {
                match &target.index {
                    Some(index) => self.assign_element(target, index, *operator, value),
                    None => self.assign_name(target, *operator, value),
                };
                Flow::Continues
            }
            Action::If { branches, otherwise } => self.branch(branches, otherwise),
            Action::For { variable, range, body, .. } => {
                let walk = self.walk(range);
                if let Some(walk) = walk {
                    self.for_loop(variable, &walk, body);
                }
                Flow::Continues
            }
            Action::While { test, bound, body } => {
                self.while_loop(test, bound, body);
                Flow::Continues
            }
            Action::Return(value) => {
                let value = self.scalar(value).unwrap_or_else(|| self.b().constant(f64::NAN));
                Flow::Returned(value)
            }
        }
    }

    fn assign_name(
        &mut self,
        target: &Target,
        operator: Option<crate::language::tree::Binary>,
        value: &Expression,
    ) -> Option<()> {
        let key = self.key(&target.name);
        if let (Form::Call { function, arguments, .. }, None) = (&value.form, operator)
            && function == "zeros"
        {
            let size = self.size(value, arguments)?;
            let zero = self.b().zero(Some(size));
            self.assign(key, Meaning::Vector(zero, size));
            return Some(());
        }
        if let Form::Name(name) = &value.form
            && let Some(Meaning::Vector(..)) = self.look_up(name)
        {
            let help = "copy its elements in a loop".to_string();
            let message = format!("two names for one vector: `{}` and `{name}`", target.name);
            return self.fault(&value.span, message, "a vector", Some(help));
        }
        let mut number = self.scalar(value);
        if let Some(operator) = operator {
            let before = self.meaning(&target.name, &target.name_span);
            let Some(Meaning::Scalar(before)) = before else {
                if let Some(Meaning::Vector(..)) = before {
                    let message = format!("`{}` is a vector", target.name);
                    return self.fault(&target.name_span, message, "change its elements one by one", None);
                }
                return None;
            };
            number = number.map(|number| self.operation(operator, before, number));
        }
        // After a fault the name is known all the same, so that it is not reported again where it is used.
        let number = number.unwrap_or_else(|| self.b().constant(f64::NAN));
        self.assign(key, Meaning::Scalar(number));
        Some(())
    }

    /// The n of `zeros(n)`.
    fn size(&mut self, call: &Expression, arguments: &[Expression]) -> Option<u32> {
        let [argument] = arguments else {
            return self.fault(&call.span, "`zeros` takes one argument, the length".into(), "here", None);
        };
        let value = self.scalar(argument)?;
        match self.b().known(value) {
            Some(n) if n.fract() == 0.0 && (0.0..=1e7).contains(&n) => Some(n as u32),
            _ => {
                let message = "the length of a vector must be a constant whole number, at most 10 000 000";
                self.fault(&argument.span, message.into(), "here", None)
            }
        }
    }

    fn assign_element(
        &mut self,
        target: &Target,
        index: &Expression,
        operator: Option<crate::language::tree::Binary>,
        value: &Expression,
    ) -> Option<()> {
        let base = Expression { form: Form::Name(target.name.clone()), span: target.name_span.clone() };
        let (vector, size) = self.vector_named(&base)?;
        let place = self.index(index, size, &base);
        let number = self.scalar(value);
        let (place, mut number) = (place?, number?);
        if let Some(operator) = operator {
            let before = self.b().element(vector, place);
            number = self.operation(operator, before, number);
        }
        let changed = self.b().replace(vector, place, number);
        let key = self.key(&target.name);
        let known = self.contexts.iter().any(|context| context.names.contains_key(&key));
        if !known && !self.calls.is_empty() {
            let message = format!("`{}` is a vector from outside the function", target.name);
            return self.fault(&target.name_span, message, "a function can only change vectors of its own", None);
        }
        self.assign(key, Meaning::Vector(changed, size));
        Some(())
    }

    fn branch(&mut self, branches: &[(Expression, Vec<Statement>)], otherwise: &[Statement]) -> Flow {
        let Some(((test, body), rest)) = branches.split_first() else { return self.block(otherwise) };
        let Some(test) = self.scalar(test) else {
            // The bodies may have faults of their own.
            self.block(body);
            return self.branch(rest, otherwise);
        };
        if let Some(known) = self.b().known(test) {
            return if known != 0.0 { self.block(body) } else { self.branch(rest, otherwise) };
        }
        let not_test = self.b().unary(Operator::Not, test);
        let holds = self.b().unary(Operator::Not, not_test);
        let before = self.names().clone();
        let outer = self.contexts.last().and_then(|context| context.mask);
        let mask = self.masked(holds);
        self.set_mask(Some(mask));
        let first = self.block(body);
        let names_first = std::mem::replace(self.names(), before.clone());
        self.set_mask(outer);
        let mask = self.masked(not_test);
        self.set_mask(Some(mask));
        let second = self.branch(rest, otherwise);
        let names_second = std::mem::replace(self.names(), before);
        self.set_mask(outer);
        self.merge(test, names_first, names_second);
        let nan = self.b().constant(f64::NAN);
        match (first, second) {
            (Flow::Continues, Flow::Continues) => Flow::Continues,
            (Flow::Returned(a), Flow::Returned(b)) => Flow::Returned(self.b().select(test, a, b)),
            (first, second) => {
                let zero = self.b().constant(0.0);
                let one = self.b().constant(1.0);
                let parts = |flow: Flow| match flow {
                    Flow::Continues => (zero, nan),
                    Flow::Returned(value) => (one, value),
                    Flow::Partly { done, value } => (done, value),
                };
                let ((done_first, value_first), (done_second, value_second)) = (parts(first), parts(second));
                let done = self.b().select(test, done_first, done_second);
                Flow::Partly { done, value: self.b().select(test, value_first, value_second) }
            }
        }
    }

    fn names(&mut self) -> &mut BTreeMap<String, Meaning> {
        &mut self.contexts.last_mut().expect("a context is always there").names
    }

    fn set_mask(&mut self, mask: Option<Value>) {
        self.contexts.last_mut().expect("a context is always there").mask = mask;
    }

    /// After a branch each name has the value of the side taken.
    fn merge(&mut self, test: Value, first: BTreeMap<String, Meaning>, second: BTreeMap<String, Meaning>) {
        let keys: Vec<String> = first.keys().chain(second.keys()).cloned().collect();
        for key in keys {
            let outside = self.outer_meaning(&key);
            let side = |names: &BTreeMap<String, Meaning>| names.get(&key).cloned().or_else(|| outside.clone());
            let (a, b) = (side(&first), side(&second));
            if a == b {
                if let Some(meaning) = a {
                    self.assign(key, meaning);
                }
                continue;
            }
            let merged = match (a, b) {
                (Some(Meaning::Vector(a, n)), Some(Meaning::Vector(b, m))) if n == m => {
                    Meaning::Vector(self.b().select(test, a, b), n)
                }
                (Some(Meaning::Vector(a, n)), None | Some(Meaning::Unavailable(_))) => {
                    let nan = self.b().constant(f64::NAN);
                    Meaning::Vector(self.b().select(test, a, nan), n)
                }
                (None | Some(Meaning::Unavailable(_)), Some(Meaning::Vector(b, m))) => {
                    let nan = self.b().constant(f64::NAN);
                    Meaning::Vector(self.b().select(test, nan, b), m)
                }
                (Some(Meaning::Vector(..)), _) | (_, Some(Meaning::Vector(..))) => {
                    Meaning::Unavailable("it is a vector on one side of a branch, and not on the other".into())
                }
                (a, b) => {
                    let nan = self.b().constant(f64::NAN);
                    let number = |meaning: Option<Meaning>| match meaning {
                        Some(Meaning::Scalar(value)) => value,
                        _ => nan,
                    };
                    Meaning::Scalar(self.b().select(test, number(a), number(b)))
                }
            };
            self.assign(key, merged);
        }
    }

    /// What a key stands for outside the innermost context, captured.
    fn outer_meaning(&mut self, key: &str) -> Option<Meaning> {
        let inner = self.names().remove(key);
        let outer = self.look_up_key(key);
        if let Some(meaning) = inner {
            self.assign(key.to_string(), meaning);
        }
        outer
    }

    /// What a loop carries: every name that its body assigns, with the value and shape that it has before.
    fn carried(&mut self, body: &[Statement], extra: Option<&str>) -> Vec<Carried> {
        let mut names = assigned(body);
        if let Some(extra) = extra
            && !names.iter().any(|name| name == extra)
        {
            names.push(extra.to_string());
        }
        names
            .iter()
            .map(|name| {
                let key = self.key(name);
                match self.look_up_key(&key) {
                    Some(Meaning::Scalar(initial)) => Carried { key, initial, size: None },
                    Some(Meaning::Vector(initial, size)) => Carried { key, initial, size: Some(size) },
                    _ => {
                        let size = self.size_in(body, name);
                        let nan = self.b().constant(f64::NAN);
                        let initial = size.map_or(nan, |size| self.b().fill(nan, size));
                        Carried { key, initial, size }
                    }
                }
            })
            .collect()
    }

    /// The length of a vector that a body makes by `zeros(n)`.
    fn size_in(&mut self, body: &[Statement], name: &str) -> Option<u32> {
        body.iter().find_map(|statement| match &statement.action {
            Action::Assign { target, operator: None, value } if target.name == name && target.index.is_none() => {
                let Form::Call { function, arguments, .. } = &value.form else { return None };
                let quiet = self.faults.len();
                let size = (function == "zeros").then(|| self.size(value, arguments)).flatten();
                self.faults.truncate(quiet);
                size
            }
            Action::For { body, .. } | Action::While { body, .. } => self.size_in(body, name),
            Action::If { branches, otherwise } => {
                let bodies = branches.iter().map(|(_, body)| body).chain([otherwise]);
                bodies.into_iter().find_map(|body| self.size_in(body, name))
            }
            _ => None,
        })
    }

    fn for_loop(&mut self, variable: &str, walk: &Walk, body: &[Statement]) {
        let carried = self.carried(body, Some(variable));
        let (start, step) = (walk.start, walk.step);
        let index = self.enter(&carried);
        let level = self.contexts.len() - 1;
        let start = self.capture(level, start);
        let offset = self.b().scale(step, index);
        let at = self.b().add(start, offset);
        let key = self.key(variable);
        self.assign(key, Meaning::Scalar(at));
        self.body(body);
        let next = self.next(&carried);
        let results = self.leave(LoopKind::Counted, Some(walk.count), &carried, &next, None);
        self.after(&carried, &results);
    }

    fn while_loop(&mut self, test: &Expression, bound: &Expression, body: &[Statement]) -> Option<()> {
        let most = self.scalar(bound)?;
        let Some(most) = self.b().known(most).filter(|most| *most >= 0.0 && most.fract() == 0.0) else {
            let message = "the bound of `at_most` must be a constant whole number";
            return self.fault(&bound.span, message.into(), "here", None);
        };
        let carried = self.carried(body, None);
        self.enter(&carried);
        let before: Vec<Value> = self.next(&carried);
        let holds = self.scalar(test).unwrap_or_else(|| self.b().constant(0.0));
        let wanted = self.truth(holds);
        let wanted = self.masked(wanted);
        self.set_mask(Some(wanted));
        self.body(body);
        self.set_mask(None);
        let after = self.next(&carried);
        let next: Vec<Value> =
            before.iter().zip(&after).map(|(before, after)| self.b().select(wanted, *after, *before)).collect();
        let results = self.leave(LoopKind::Bounded(most as u64), None, &carried, &next, Some(wanted));
        self.after(&carried, &results);
        // A promise that was broken must show.
        let quiet = self.faults.len();
        let holds = self.scalar(test);
        self.faults.truncate(quiet);
        let still = self.truth(holds?);
        let still = self.masked(still);
        let nan = self.b().constant(f64::NAN);
        let marked: Vec<Value> = results.iter().map(|value| self.b().select(still, nan, *value)).collect();
        self.after(&carried, &marked);
        Some(())
    }

    fn body(&mut self, body: &[Statement]) {
        if let Some(statement) = returning(body) {
            let help = "assign to a name, and return it after the loop".to_string();
            self.fault::<()>(&statement.span, "`return` inside a loop".into(), "not supported", Some(help));
            return;
        }
        self.block(body);
    }

    /// The values of the carried names at the end of a body.
    fn next(&mut self, carried: &[Carried]) -> Vec<Value> {
        carried
            .iter()
            .map(|carried| match (self.look_up_key(&carried.key), carried.size) {
                (Some(Meaning::Scalar(value)), None) => value,
                (Some(Meaning::Vector(value, size)), Some(before)) if size == before => value,
                _ => {
                    let name = carried.key.rsplit('\0').next().unwrap_or_default().to_string();
                    let whole = 0..self.text.text.len();
                    let message = format!("`{name}` changes its shape in a loop");
                    self.fault::<()>(&whole, message, "in this program", None);
                    let nan = self.b().constant(f64::NAN);
                    carried.size.map_or(nan, |size| self.b().fill(nan, size))
                }
            })
            .collect()
    }

    fn after(&mut self, carried: &[Carried], results: &[Value]) {
        for (carried, result) in carried.iter().zip(results) {
            self.assign(carried.key.clone(), meaning_of(*result, carried.size));
        }
    }

    /// 1 where a value is true, else 0.
    fn truth(&mut self, value: Value) -> Value {
        let not = self.b().unary(Operator::Not, value);
        self.b().unary(Operator::Not, not)
    }

    /// A call of a function of the text: its statements, with names of their own.
    pub fn call_own(&mut self, tree: &Expression, function: &Function, arguments: &[Expression]) -> Option<Value> {
        if arguments.len() != function.parameters.len() {
            let message = format!("`{}` takes {} arguments", function.name, function.parameters.len());
            return self.fault(&tree.span, message, &format!("{} given", arguments.len()), None);
        }
        if self.calls.len() >= DEEPEST {
            let message = format!("`{}` calls itself, or calls are nested too deeply", function.name);
            return self.fault(&tree.span, message, "here", Some("write it as a loop".into()));
        }
        let mut meanings = Vec::new();
        for argument in arguments {
            let vector = match &argument.form {
                Form::Name(name) => self.look_up(name).filter(|meaning| matches!(meaning, Meaning::Vector(..))),
                _ => None,
            };
            meanings.push(match vector {
                Some(vector) => Some(vector),
                None => self.scalar(argument).map(Meaning::Scalar),
            });
        }
        let meanings: Vec<Meaning> = meanings.into_iter().collect::<Option<_>>()?;
        for ((name, _), _) in
            function.parameters.iter().zip(&meanings).filter(|(_, m)| matches!(m, Meaning::Vector(..)))
        {
            // In Python the caller's vector would change; here it would not.
            if let Some(target) = element_written(&function.body, name) {
                let help = "fill a vector of another name, made by `zeros(n)` in the function".to_string();
                let message = format!("`{name}` is a vector of the caller");
                return self.fault(
                    &target.name_span,
                    message,
                    "a function can only change vectors of its own",
                    Some(help),
                );
            }
        }
        self.marks += 1;
        self.calls.push(format!("{}\0", self.marks));
        let mut own = BTreeSet::new();
        bound(&function.body, &mut own);
        self.bound.push(own);
        for ((name, _), meaning) in function.parameters.iter().zip(meanings) {
            let key = self.key(name);
            self.assign(key, meaning);
        }
        let outer = self.contexts.last().and_then(|context| context.mask);
        let faults = self.faults.len();
        let flow = self.block(&function.body);
        self.set_mask(outer);
        let mark = self.calls.pop().unwrap_or_default();
        self.bound.pop();
        self.names().retain(|key, _| !key.starts_with(&mark));
        if self.faults.len() > faults && self.calls.is_empty() {
            // Every call has the faults of the body; they are reported once.
            let mut seen = Vec::new();
            self.faults.retain(|fault| {
                !seen.contains(fault) && {
                    seen.push(fault.clone());
                    true
                }
            });
        }
        match flow {
            Flow::Returned(value) => Some(value),
            Flow::Partly { done, value } => {
                // Python's None, of which no number can be made.
                let nan = self.b().constant(f64::NAN);
                Some(self.b().select(done, value, nan))
            }
            Flow::Continues => {
                let message = format!("`{}` returns nothing", function.name);
                self.fault(&function.name_span, message, "has no `return`", None)
            }
        }
    }
}
