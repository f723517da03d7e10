//! Calls of a row in the file: `uniform(0, 50)`, `poisson(counts)`. The settings of the row are the arguments in order.

use std::sync::Arc;

use super::Prior;
use super::file::Node;
use super::keys::Group;
use super::number;
use super::reader::{shown, suggest};
use super::scope::names_in;
use crate::diagnostic::Diagnostic;
use crate::kind::{Accepts, Catalog, Kind, Setting, Settings, Value};
use crate::language;
use crate::language::tree::{Expression, Form, Formula};

/// A call whose name and number of arguments are right.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: &'static Kind,
    pub formula: Formula,
    /// Arguments that are no numbers, because they name parameters.
    dependent: Vec<&'static str>,
}

impl Call {
    /// A part of the text as a formula of its own.
    fn part(&self, tree: &Expression) -> Formula {
        Formula { text: Arc::clone(&self.formula.text), tree: tree.clone() }
    }

    /// Each argument under its setting: one that takes several numbers has all the rest.
    fn pairs(&self) -> impl Iterator<Item = (&'static Setting, &Expression)> {
        let settings = self.kind.settings;
        settings.iter().chain(settings.last().into_iter().cycle()).zip(self.arguments())
    }

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
    found(formula, group, catalog, faults)
}

fn found(formula: Formula, group: Group, catalog: &Catalog, faults: &mut Vec<Diagnostic>) -> Option<Call> {
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
    let open = kind.settings.last().is_some_and(|setting| matches!(setting.accepts, Accepts::Numbers(_)));
    if arguments.len() < required || (arguments.len() > kind.settings.len() && !open) {
        let words: Vec<&str> = kind.settings.iter().map(|setting| setting.name).collect();
        let given = arguments.len();
        let more = if open { " or more" } else { "" };
        let message = format!("`{}` takes {}{more}, not {given}", kind.name, count(kind.settings.len(), "argument"));
        let fault = formula.error(&formula.tree.span, message, format!("{given} given"));
        faults.push(fault.help(format!("write `{}({})`", kind.name, words.join(", "))));
        return None;
    }
    Some(Call { kind, formula, dependent: Vec::new() })
}

/// Reports arguments that name a parameter, where a number is wanted: a design is drawn before anything is fitted.
pub fn independent(call: &Call, parameters: &[&str], faults: &mut Vec<Diagnostic>) -> bool {
    let before = faults.len();
    for argument in call.arguments() {
        for name in names_in(argument).into_iter().filter(|name| parameters.contains(name)) {
            let message = format!("what is drawn here cannot depend on the parameter `{name}`");
            faults.push(call.formula.error(&argument.span, message, "must be a constant formula"));
        }
    }
    faults.len() == before
}

/// The name of the prior that holds another one.
pub const TRUNCATED: &str = "truncated";

/// The prior of parameter `own`: arguments may name the parameters before it, of `parameters` in the order of the file.
pub fn prior(
    node: &Node,
    own: &str,
    parameters: &[&str],
    catalog: &Catalog,
    constants: &[(String, f64)],
    faults: &mut Vec<Diagnostic>,
) -> Option<Prior> {
    let call = parse(node, Group::Prior, catalog, faults)?;
    let before = parameters.iter().position(|name| *name == own).unwrap_or(parameters.len());
    let (earlier, later) = parameters.split_at(before);
    let context = Context { earlier, later, own, catalog, constants };
    context.prior(&call, faults)
}

/// How many shares a prior of shares of a whole names; None for other priors, and for one number for all of them.
pub fn shares(node: &Node, catalog: &Catalog) -> Option<usize> {
    let call = parse(node, Group::Prior, catalog, &mut Vec::new())?;
    let count = call.arguments().len();
    (catalog.prior(call.kind.name)?.simplex && count > 1).then_some(count)
}

struct Context<'a> {
    earlier: &'a [&'a str],
    /// With the parameter itself.
    later: &'a [&'a str],
    own: &'a str,
    catalog: &'a Catalog,
    constants: &'a [(String, f64)],
}

impl Context<'_> {
    fn prior(&self, call: &Call, faults: &mut Vec<Diagnostic>) -> Option<Prior> {
        let row = self.catalog.prior(call.kind.name)?;
        let inner = if row.kind.name == TRUNCATED { Some(Box::new(self.inner(call, faults)?)) } else { None };
        let mut formulas = Vec::new();
        let mut numbers = call.clone();
        let mut sound = true;
        for (setting, argument) in call.pairs() {
            if inner.is_some() && setting.accepts == Accepts::Formula {
                continue;
            }
            let names = names_in(argument);
            for name in names.iter().filter(|name| self.later.contains(name)) {
                let message = match *name == self.own {
                    true => format!("the prior of `{name}` cannot depend on `{name}` itself"),
                    false => format!("the prior of `{}` cannot depend on `{name}`, which comes after it", self.own),
                };
                let fault = call.formula.error(&argument.span, message, "names a later parameter");
                faults.push(fault.help("a prior may name the parameters above it"));
                sound = false;
            }
            if names.iter().any(|name| self.earlier.contains(name)) {
                if row.kind.name == "fixed" {
                    let message = "a fixed value is a number: it cannot depend on a parameter";
                    let fault = call.formula.error(&argument.span, message, "names a parameter");
                    faults.push(fault.help("`[simulator.let]` gives a name to what follows from parameters"));
                    sound = false;
                }
                if row.simplex {
                    let message = format!("`{}` takes numbers: they cannot depend on a parameter", row.kind.name);
                    let fault = call.formula.error(&argument.span, message, "names a parameter");
                    faults.push(fault.help("write numbers or constants"));
                    sound = false;
                }
                formulas.push((setting.name, call.part(argument)));
            }
        }
        if !sound {
            return None;
        }
        numbers.dependent = formulas.iter().map(|(name, _)| *name).collect();
        let arguments = settings(&numbers, self.constants, faults)?;
        let prior = Prior { row, arguments, formulas, inner };
        if let Some(inner) = &prior.inner {
            let (low, high) = prior.support();
            if low >= high {
                let message = format!("nothing of `{}` is left: its support ends before", inner.row.kind.name);
                faults.push(call.formula.error(&call.formula.tree.span, message, "empty"));
                return None;
            }
            if !inner.row.closed && prior.is_hierarchical() {
                let name = inner.row.kind.name;
                let message = format!("`truncated({name}(…), …)` needs numbers as arguments");
                let fault = call.formula.error(&call.formula.tree.span, message, "depends on a parameter");
                faults.push(fault.help(format!("the share of `{name}` between two ends is no formula")));
                return None;
            }
        }
        Some(prior)
    }

    /// What `truncated` cuts off.
    fn inner(&self, call: &Call, faults: &mut Vec<Diagnostic>) -> Option<Prior> {
        let formula = call.part(call.arguments().first()?);
        let span = formula.tree.span.clone();
        let refused = |message: String| {
            let fault = call.formula.error(&span, message, "cannot be truncated");
            fault.help("write for instance `truncated(normal(0, 1), 0, inf)`")
        };
        if !matches!(formula.tree.form, Form::Call { .. }) {
            faults.push(refused("`truncated` takes a prior and the ends between which it holds".into()));
            return None;
        }
        let inner = found(formula, Group::Prior, self.catalog, faults)?;
        let row = self.catalog.prior(inner.kind.name)?;
        if !row.proper || row.simplex || [TRUNCATED, "fixed"].contains(&row.kind.name) {
            faults.push(refused(format!("`{}` cannot be truncated", row.kind.name)));
            return None;
        }
        self.prior(&inner, faults)
    }
}

/// The arguments as settings of the row: constants, inside their ranges, and right together.
pub fn settings(call: &Call, constants: &[(String, f64)], faults: &mut Vec<Diagnostic>) -> Option<Settings> {
    let mut settings = call.kind.defaults();
    let mut whole = true;
    for (setting, argument) in call.pairs() {
        // What `truncated` holds, and what depends on parameters, are for `prior` to judge.
        if call.dependent.contains(&setting.name)
            || (call.kind.name == TRUNCATED && setting.accepts == Accepts::Formula)
        {
            continue;
        }
        let Some(value) = number::constant(&call.formula, argument, constants, faults) else {
            whole = false;
            continue;
        };
        let converted = match setting.accepts {
            Accepts::Number(range) if range.contains(value) => Some(Value::Number(value)),
            Accepts::Numbers(range) if range.contains(value) => {
                let before = settings.numbers(setting.name).iter().copied();
                Some(Value::Numbers(before.chain([value]).collect()))
            }
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
                    Accepts::Number(range) | Accepts::Numbers(range) => number::range_words(range),
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
    if call.dependent.is_empty()
        && let Err(fault) = (call.kind.check)(&settings)
    {
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
