//! Calls of a row in the file: `uniform(0, 50)`, `poisson(counts)`. The settings of the row are the arguments in order.

use super::file::Node;
use super::keys::Group;
use super::number;
use super::reader::{shown, suggest};
use super::scope::names_in;
use crate::diagnostic::Diagnostic;
use crate::kind::{Accepts, Catalog, Kind, Settings, Value};
use crate::language;
use crate::language::tree::{Expression, Form, Formula};

/// A call whose name and number of arguments are right.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: &'static Kind,
    pub formula: Formula,
}

impl Call {
    pub fn arguments(&self) -> &[Expression] {
        match &self.formula.tree.form {
            Form::Call { arguments, .. } => arguments,
            _ => &[],
        }
    }
}

/// Parses a call and finds its row.
pub fn parse(node: &Node, group: Group, catalog: &Catalog, faults: &mut Vec<Diagnostic>) -> Option<Call> {
    let formula = language::expression(node.text()?, faults)?;
    let kinds = group.kinds(catalog);
    let names = || kinds.iter().map(|kind| kind.name);
    let Form::Call { function, function_span, arguments } = &formula.tree.form else {
        let message = format!("this is not {}", group.one());
        let fault = formula.error(&formula.tree.span, message, "expected a name with arguments in parentheses");
        faults.push(fault.help(format!("known: {}", names().collect::<Vec<_>>().join(", "))));
        return None;
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == function) else {
        let fault = formula.error(function_span, format!("unknown {} `{}`", group.noun(), shown(function)), "");
        faults.push(suggest(fault, function, names()));
        return None;
    };
    let required = kind.settings.iter().filter(|setting| setting.default.value().is_none()).count();
    if arguments.len() < required || arguments.len() > kind.settings.len() {
        let words: Vec<&str> = kind.settings.iter().map(|setting| setting.name).collect();
        let given = arguments.len();
        let message = format!("`{}` takes {}, not {given}", kind.name, count(kind.settings.len(), "argument"));
        let fault = formula.error(&formula.tree.span, message, format!("{given} given"));
        faults.push(fault.help(format!("write `{}({})`", kind.name, words.join(", "))));
        return None;
    }
    Some(Call { kind, formula })
}

/// Reports arguments that name a parameter: priors that depend on other parameters are not there yet.
pub fn independent(call: &Call, parameters: &[&str], faults: &mut Vec<Diagnostic>) -> bool {
    let before = faults.len();
    for argument in call.arguments() {
        for name in names_in(argument).into_iter().filter(|name| parameters.contains(name)) {
            let message = format!("a prior cannot depend on the parameter `{name}` yet");
            faults.push(call.formula.error(&argument.span, message, "must be a constant formula"));
        }
    }
    faults.len() == before
}

/// The arguments as settings of the row: constants, inside their ranges, and right together.
pub fn settings(call: &Call, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) -> Option<Settings> {
    let mut settings = call.kind.defaults();
    let mut whole = true;
    for (setting, argument) in call.kind.settings.iter().zip(call.arguments()) {
        let Some(value) = number::constant(&call.formula, argument, constants, faults) else {
            whole = false;
            continue;
        };
        let converted = match setting.accepts {
            Accepts::Number(range) if range.contains(value) => Some(Value::Number(value)),
            Accepts::Integer { low, high } => {
                number::exact(value).filter(|value| (low..=high).contains(value)).map(Value::Integer)
            }
            _ => None,
        };
        match converted {
            Some(value) => {
                settings.0.insert(setting.name, value);
            }
            None => {
                let wanted = match setting.accepts {
                    Accepts::Number(range) => number::range_words(range),
                    Accepts::Integer { low, high } => format!("a whole number from {low} to {high}"),
                    _ => "something else".into(),
                };
                let message = format!("`{}` of `{}` must be {wanted}, but is {value}", setting.name, call.kind.name);
                faults.push(call.formula.error(&argument.span, message, format!("expected {wanted}")));
                whole = false;
            }
        }
    }
    if !whole {
        return None;
    }
    if let Err(fault) = (call.kind.check)(&settings) {
        let position = call.kind.settings.iter().position(|setting| setting.name == fault.setting);
        let span =
            position.and_then(|position| call.arguments().get(position)).map_or(&call.formula.tree.span, |a| &a.span);
        faults.push(call.formula.error(span, fault.message, ""));
        return None;
    }
    Some(settings)
}

/// `1 argument`, `2 arguments`.
pub fn count(n: usize, noun: &str) -> String {
    match n {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}
