//! The names that formulas of an experiment may use, each declared once.

use super::file::Place;
use super::reader::shown;
use crate::diagnostic::Diagnostic;
use crate::language::lower::Names;
use crate::language::tree::{Expression, Form};
use crate::language::{functions, is_name};

/// What has been declared so far.
#[derive(Debug, Default)]
pub struct Scope {
    names: Vec<Name>,
    /// Some names could not be read, so that a name that is not here may exist all the same.
    pub open: bool,
}

#[derive(Debug)]
struct Name {
    name: String,
    /// `parameter`, `data column`, …
    what: &'static str,
    place: Option<Place>,
    /// Length of a vector.
    size: Option<usize>,
    /// Declared, but not for formulas: outputs.
    output: bool,
}

impl Scope {
    /// Declares a name; reports one that formulas could not write, or that is taken.
    pub fn declare(
        &mut self,
        name: &str,
        what: &'static str,
        place: &Place,
        size: Option<usize>,
        faults: &mut Vec<Diagnostic>,
    ) {
        if !is_name(name) {
            let fault = place.error(format!("`{}` cannot be the name of a {what}", shown(name)), "not a name");
            faults.push(fault.help(
                "a name has letters, digits and `_`, does not begin with a digit, and is no word of the model language",
            ));
        } else if functions::find(name).is_some() {
            let message = format!("`{name}` cannot be the name of a {what}: it is a function");
            faults.push(place.error(message, "taken").help(format!("write for instance `{name}_0`")));
        } else if let Some(taken) = self.names.iter().find(|other| other.name == name) {
            // An output has the name of the column that it is compared with.
            if !(what == OUTPUT && taken.what == COLUMN) {
                let message = format!("`{name}` is the name of a {} and of a {what}", taken.what);
                let fault = place.error(message, format!("{what} `{name}`"));
                faults.push(match &taken.place {
                    Some(first) => first.label(fault, format!("{} `{name}`", taken.what)),
                    None => fault,
                });
            }
        }
        self.names.push(Name {
            name: name.to_string(),
            what,
            place: Some(place.clone()),
            size,
            output: what == OUTPUT,
        });
    }

    /// Declares a column that the user did not name himself: unless formulas cannot write it, it is there.
    pub fn column(&mut self, name: &str, place: &Place) {
        if is_name(name) && functions::find(name).is_none() {
            let place = Some(place.clone());
            self.names.push(Name { name: name.to_string(), what: COLUMN, place, size: None, output: false });
        }
    }

    /// Declares a variable of a program, which may have the name of anything before it.
    pub fn variable(&mut self, name: &str, place: &Place) {
        self.names.retain(|other| other.name != name);
        let place = Some(place.clone());
        self.names.push(Name { name: name.to_string(), what: "variable", place, size: None, output: false });
    }

    /// The names of data columns and inputs.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|name| [COLUMN, "input"].contains(&name.what)).map(|name| name.name.as_str())
    }

    /// What a formula may name. `hidden` are names that exist but may not stand there, with the reason.
    pub fn names(&self, hidden: &[(String, String)]) -> Names {
        let mut names = Names { unavailable: hidden.to_vec(), ..Names::default() };
        let is_hidden = |name: &str| hidden.iter().any(|(other, _)| other == name);
        for name in self.names.iter().filter(|name| !name.output && !is_hidden(&name.name)) {
            match name.size {
                None => names.scalars.push(name.name.clone()),
                Some(size) => names.vectors.push((name.name.clone(), size)),
            }
        }
        names
    }
}

pub const OUTPUT: &str = "output";
pub const COLUMN: &str = "data column";

/// Every name that an expression uses, functions apart.
pub fn names_in(expression: &Expression) -> Vec<&str> {
    let mut names = Vec::new();
    let mut waiting = vec![expression];
    while let Some(expression) = waiting.pop() {
        match &expression.form {
            Form::Number(_) => {}
            Form::Name(name) => names.push(name.as_str()),
            Form::Index { base, index } => waiting.extend([&**base, &**index]),
            Form::Unary { operand, .. } => waiting.push(operand),
            Form::Binary { left, right, .. } => waiting.extend([&**left, &**right]),
            Form::Comparison { first, rest } => {
                waiting.push(first);
                waiting.extend(rest.iter().map(|(_, operand)| operand));
            }
            Form::And(operands) | Form::Or(operands) => waiting.extend(operands),
            Form::Not(operand) => waiting.push(operand),
            Form::Conditional { test, value, otherwise } => waiting.extend([&**test, &**value, &**otherwise]),
            Form::Call { arguments, .. } => waiting.extend(arguments),
            Form::Reduction { element, range, .. } => {
                waiting.push(element);
                waiting.extend(range.start.iter().chain([&range.stop]).chain(&range.step));
            }
        }
    }
    names
}
