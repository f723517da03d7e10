//! Statements: names from one to the next, joined after branches, followed around loops until nothing changes.

use std::sync::Arc;

use super::expression::Use;
use super::value::{Names, Scalar, Value, Vector, join};
use super::{Analysis, DEEPEST, WORK, advice};
use crate::language::tree::{Action, Binary, Expression, Form, Function, Statement, Target, Text};

impl Analysis {
    /// Passes through statements. True where they return on every way: what follows is not reached.
    pub(super) fn statements(&mut self, statements: &[Statement]) -> bool {
        statements.iter().any(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> bool {
        self.work += 1;
        if self.work > WORK {
            return false;
        }
        match &statement.action {
            Action::Assign { target, operator, value } => {
                self.assign(statement, target, *operator, value);
                false
            }
            Action::If { branches, otherwise } => self.branch(branches, otherwise),
            Action::For { variable, range, body, .. } => {
                let some = self.walk(range);
                if some != Some(false) {
                    self.around(statement, some == Some(true), body, |analysis| {
                        analysis.scope().insert(variable.clone(), Value::Scalar(Scalar::default()));
                    });
                }
                false
            }
            Action::While { test, body, .. } => {
                self.around(statement, false, body, |analysis| _ = analysis.test(test, Use::Passes));
                false
            }
            Action::Return(value) => {
                let value = self.value(value);
                match self.returned.last_mut() {
                    Some(Some(returned)) => returned.join(&value),
                    Some(returned) => *returned = Some(value),
                    None => {}
                }
                true
            }
        }
    }

    fn assign(&mut self, statement: &Statement, target: &Target, operator: Option<Binary>, value: &Expression) {
        if let (Form::Call { function, .. }, None) = (&value.form, operator)
            && function == "zeros"
        {
            self.scope().insert(target.name.clone(), Value::Vector(Vector::default()));
            return;
        }
        let element = target.index.as_ref().map(|index| self.index(index));
        let mut number = self.value(value);
        if let Some(operator) = operator {
            let before = match (self.look_up(&target.name), element) {
                (Some(Value::Vector(vector)), Some(element)) => Scalar::varying(vector.element(element)),
                (Some(Value::Scalar(scalar)), None) => scalar.clone(),
                _ => Scalar::default(),
            };
            let written = Expression { form: Form::Number(0.0), span: statement.span.clone() };
            let finding = |text: &Text, cause| {
                let end = target.index.as_ref().map(|index| index.span.end);
                let whole = &text.text[target.name_span.start..end.unwrap_or(target.name_span.end)];
                let bracket = if end.is_some() { "]" } else { "" };
                advice::in_place(text, cause, &format!("{whole}{bracket}"), value)
            };
            number = self.operation(operator, before, number, finding, &written);
        }
        match element {
            None => _ = self.scope().insert(target.name.clone(), Value::Scalar(number)),
            Some(element) => {
                if let Some(Value::Vector(vector)) = self.scope().get_mut(&target.name) {
                    vector.write(element, &number.varies);
                }
            }
        }
    }

    fn branch(&mut self, branches: &[(Expression, Vec<Statement>)], otherwise: &[Statement]) -> bool {
        let Some(((test, body), rest)) = branches.split_first() else { return self.statements(otherwise) };
        match self.test(test, Use::Branch) {
            Some(true) => self.statements(body),
            Some(false) => self.branch(rest, otherwise),
            None => {
                let before = self.scope().clone();
                self.work += before.len();
                let first_returns = self.statements(body);
                let first = std::mem::replace(self.scope(), before);
                let second_returns = self.branch(rest, otherwise);
                match (first_returns, second_returns) {
                    (true, _) => {}
                    (false, true) => *self.scope() = first,
                    (false, false) => join(self.scope(), &first),
                }
                first_returns && second_returns
            }
        }
    }

    /// Passes once through a loop, from all that was known at its head so far. `begin` is done at each pass before the
    /// body; `some`: there is a first pass.
    fn around(&mut self, statement: &Statement, some: bool, body: &[Statement], begin: impl FnOnce(&mut Analysis)) {
        let key = (self.path.clone(), statement.span.start);
        if let Some(before) = self.heads.get(&key).cloned() {
            join(self.scope(), &before);
        }
        let head: Names = self.scope().clone();
        self.work += 3 * head.len();
        begin(self);
        self.statements(body);
        let mut next = head.clone();
        join(&mut next, self.scope());
        if !some {
            self.scope().clone_from(&next);
        }
        if self.heads.get(&key) != Some(&next) {
            self.changed = true;
            self.heads.insert(key, next);
        }
    }

    /// A call of a function of the text, followed with the arguments of this call.
    pub(super) fn call_own(&mut self, tree: &Expression, function: &Arc<Function>, arguments: &[Expression]) -> Scalar {
        let vector = |analysis: &Analysis, argument: &Expression| match &argument.form {
            Form::Name(name) => analysis.look_up(name).filter(|value| matches!(value, Value::Vector(_))).cloned(),
            _ => None,
        };
        let mut names = Names::new();
        for ((name, _), argument) in function.parameters.iter().zip(arguments) {
            let value = vector(self, argument).unwrap_or_else(|| Value::Scalar(self.value(argument)));
            names.insert(name.clone(), value);
        }
        if self.locals.len() >= DEEPEST {
            return Scalar::default();
        }
        self.locals.push(names);
        self.returned.push(None);
        self.path.push(tree.span.start);
        self.statements(&function.body);
        self.path.pop();
        self.locals.pop();
        self.returned.pop().flatten().unwrap_or_default()
    }
}
