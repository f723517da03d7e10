//! What an experiment file means: every fault at once, or the experiment with its warnings.

use std::path::Path;
use std::sync::Arc;

use super::check_loss::holds_one_of;
use super::file::{Node, Place, Table};
use super::keys::{self, Absent, Section};
use super::reader::Reader;
use super::scope::Scope;
use super::written::Written;
use super::{Experiment, Sweep, number, resolved};
use crate::diagnostic::Diagnostic;
use crate::kind::{Accepts, Catalog, Default, Kind, Settings, Value};
use crate::language;
use crate::language::tree::Formula;

/// An experiment with warnings, or all its faults (and warnings).
pub type Checked = Result<(Experiment, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Reads and checks a file. `overrides` are `--set path=value`.
pub fn read(path: &Path, overrides: &[(String, String)], catalog: &Catalog) -> Checked {
    check(&Written::open(path, overrides).map_err(|fault| vec![fault])?, catalog)
}

/// Checks a file again with other values at some of its paths.
pub fn read_with(written: &Written, values: &[(String, toml::Value)], catalog: &Catalog) -> Checked {
    let changed = values.iter().fold(written.clone(), |written, (path, value)| written.with_value(path, value));
    check(&changed, catalog)
}

/// Checks a file that was read.
pub fn check(written: &Written, catalog: &Catalog) -> Checked {
    let root = Place { source: written.source.clone(), span: 0..0 };
    let (scope, constants, vectors, faults) = (Scope::default(), Vec::new(), Vec::new(), Vec::new());
    let mut check = Check { catalog, written, constants, vectors, scope, faults };
    check.read_constants();
    let complete = written.faults.is_empty();
    let faults = std::mem::take(&mut check.faults);
    let mut reader = check.reader(faults, complete);
    reader.section(&written.table, &root, &keys::EXPERIMENT, "");
    check.faults = reader.faults;
    let sweep = check.sweep();
    if !complete {
        // What was lost by a fault of syntax would be reported as missing everywhere that it is used.
        check.faults.retain(|fault| !written.faults.iter().any(|syntax| same_line(fault, syntax)));
        check.faults.extend(written.faults.iter().cloned());
        return Err(in_order(check.faults, written));
    }
    let experiment = check.experiment(sweep);
    let faults = in_order(std::mem::take(&mut check.faults), written);
    match experiment {
        Some(experiment) if !faults.iter().any(Diagnostic::is_error) => Ok((experiment, faults)),
        _ => Err(faults),
    }
}

/// A check under way. Sections read the tree without reporting what `Reader` reported already.
pub struct Check<'a> {
    pub catalog: &'a Catalog,
    pub written: &'a Written,
    pub constants: Vec<(String, f64)>,
    pub vectors: Vec<(String, Arc<[f64]>)>,
    pub scope: Scope,
    pub faults: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    /// Constants come first: every other number may name them, and each may name those before it.
    fn read_constants(&mut self) {
        let Some(table) = self.written.table.get("constants") else { return };
        let Some(table) = table.table() else {
            let message = "`constants` must be a table with one entry for each constant";
            return self.faults.push(table.place.error(message, "expected a table"));
        };
        for entry in &table.entries {
            let size = entry.value.list().map(<[_]>::len);
            self.scope.declare(&entry.name, "constant", &entry.place, size, &mut self.faults);
            let before = self.faults.len();
            if let Some(nodes) = entry.value.list() {
                let of = |node| number::of(node, &self.constants, &mut self.faults).unwrap_or(f64::NAN);
                let values: Vec<f64> = nodes.iter().map(of).collect();
                let sound = !values.is_empty() && values.iter().all(|value| value.is_finite());
                if !sound && self.faults.len() == before {
                    let message = format!("the constant `{}` must be a list of finite numbers", entry.name);
                    self.faults.push(entry.value.place.error(message, "expected numbers"));
                }
                self.vectors.push((entry.name.clone(), values.into()));
                continue;
            }
            let value = number::of(&entry.value, &self.constants, &mut self.faults);
            match value.filter(|value| value.is_finite()) {
                Some(value) => self.constants.push((entry.name.clone(), value)),
                None => {
                    let names = entry.value.text().map_or("", |text| text.text.as_str());
                    let from_another =
                        self.constants.iter().any(|(name, value)| value.is_nan() && names.contains(name.as_str()));
                    if self.faults.len() == before && !from_another {
                        let message = format!("the constant `{}` must be a finite number", entry.name);
                        self.faults.push(entry.value.place.error(message, "expected a number"));
                    }
                    // Declared all the same, lest every use be reported too.
                    self.constants.push((entry.name.clone(), f64::NAN));
                }
            }
        }
    }

    /// A reader of this file, or of the file with another value somewhere.
    pub fn reader(&self, faults: Vec<Diagnostic>, complete: bool) -> Reader<'_> {
        let parameters = self.section("parameters").into_iter().flat_map(|table| &table.entries);
        let constant = |name: &str| self.constants.iter().any(|(constant, _)| constant == name);
        let names = parameters.map(|entry| entry.name.as_str()).filter(|name| !constant(name));
        Reader { catalog: self.catalog, constants: &self.constants, parameters: names.collect(), faults, complete }
    }

    fn experiment(&mut self, sweep: Option<Sweep>) -> Option<Experiment> {
        let root = &self.written.table;
        let columns = self.data_columns();
        let parameters = self.parameters();
        let simulator = self.simulator(&columns);
        let (data, written_data) = self.data(columns, &parameters, simulator.as_ref());
        let loss = self.loss(&data, simulator.as_ref());
        let differentiation = self.differentiation(&parameters);
        let optimizers = self.optimizers(&parameters, differentiation.as_ref());
        let mut intervals = self.intervals();
        let stated = self.section("intervals").is_some_and(|table| table.get("methods").is_some());
        if let Some(intervals) = &mut intervals
            && !stated
            && loss.as_ref().is_some_and(|loss| {
                let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
                loss.expression.is_some() || loss.shape.iter().any(|shape| holds_one_of(shape, &names))
            })
        {
            // An expression states no law of the data, and so no expected information; that of a dispersion has no
            // closed form.
            let observed = self.catalog.intervals.iter().filter(|kind| kind.name == "hessian");
            intervals.methods = observed.collect();
        }
        let budget = self.budget();
        self.draws_exist(&parameters);
        let expected = self.expected(&parameters);
        if !self.faults.iter().any(Diagnostic::is_error) {
            // A misspelt name would be reported as a parameter that nothing uses, too.
            self.unused(simulator.as_ref(), loss.as_ref(), &parameters);
            if root.get("optimizer").is_none()
                && differentiation.as_ref().is_some_and(|chosen| chosen.compare.count() == 0)
            {
                let message = "no optimizer is named, and no comparison of derivatives: nothing is run";
                let help = "write `[[optimizer]]` and `method = \"lbfgs\"` below it";
                self.faults.push(Diagnostic::warning(message).help(help));
            }
        }
        let text = |name: &str| root.get(name).and_then(Node::str).map(str::to_string);
        let whole: Option<Vec<_>> = parameters.into_iter().map(|parameter| parameter.checked).collect();
        let mut parameters = whole?;
        let data = data?.into_data(&mut parameters);
        let mut experiment = Experiment {
            name: self.written.name.clone(),
            title: text("title"),
            about: text("about"),
            reference: text("reference"),
            seed: self.integer(root, &keys::EXPERIMENT, "seed")? as u64,
            constants: self.constants.clone(),
            vectors: self.vectors.clone(),
            data,
            simulator: simulator?.into_simulator()?,
            parameters,
            loss: loss?,
            differentiation: differentiation?,
            optimizers: optimizers?,
            budget: budget?,
            intervals: intervals?,
            lanes: self.lanes()?,
            sweep: sweep?,
            expected: expected?,
            resolved: toml::Table::new(),
        };
        experiment.resolved = resolved::table(&experiment, written_data);
        Some(experiment)
    }

    /// The table of a section; None where the file has none.
    pub fn section(&self, name: &str) -> Option<&'a Table> {
        self.written.table.table(name)
    }

    /// A number that was checked already.
    pub fn quiet(&self, node: &Node) -> Option<f64> {
        number::of(node, &self.constants, &mut Vec::new())
    }

    /// The number at a key, or the default that the key's row states.
    pub fn number(&self, table: &Table, section: &Section, name: &str) -> Option<f64> {
        match (table.get(name), section.key(name)?.absent) {
            (Some(node), _) => self.quiet(node),
            (None, Absent::Is(Default::Number(value))) => Some(value),
            _ => None,
        }
    }

    pub fn integer(&self, table: &Table, section: &Section, name: &str) -> Option<i64> {
        match (table.get(name), section.key(name)?.absent) {
            (Some(node), _) => number::whole(node, self.quiet(node)?),
            (None, Absent::Is(Default::Integer(value))) => Some(value),
            _ => None,
        }
    }

    pub fn flag(&self, table: &Table, section: &Section, name: &str) -> Option<bool> {
        match (table.get(name), section.key(name)?.absent) {
            (Some(node), _) => flag(node),
            (None, Absent::Is(Default::Flag(value))) => Some(value),
            _ => None,
        }
    }

    pub fn word(&self, table: &Table, section: &Section, name: &str) -> Option<String> {
        match (table.get(name), section.key(name)?.absent) {
            (Some(node), _) => node.str().map(str::to_string),
            (None, Absent::Is(Default::Choice(word))) => Some(word.to_string()),
            _ => None,
        }
    }

    /// One number per element: a list of the right length, or one number for all.
    pub fn elements(&mut self, node: &Node, size: Option<usize>, path: &str) -> Option<Vec<f64>> {
        let Some(nodes) = node.list() else {
            return Some(vec![self.quiet(node)?; size.unwrap_or(1)]);
        };
        let needed = size.unwrap_or(1);
        if nodes.len() != needed || size.is_none() {
            let elements = match size {
                None => "the parameter is a scalar".to_string(),
                Some(size) => format!("the parameter has {size} elements"),
            };
            let message = format!("`{path}` is a list of {}, but {elements}", nodes.len());
            self.faults.push(node.place.error(message, "wrong length"));
            return None;
        }
        nodes.iter().map(|node| self.quiet(node)).collect()
    }

    /// Parses a formula and reports its faults; numbers are formulas too.
    pub fn formula(&mut self, node: &Node) -> Option<Formula> {
        language::expression(&node.formula_text()?, &mut self.faults)
    }

    /// The settings of a row in its table, defaults filled, and their faults seen together.
    pub fn settings(&mut self, table: &Table, kind: &Kind, name: &Place) -> Option<Settings> {
        let mut settings = kind.defaults();
        for setting in kind.settings {
            let Some(node) = table.get(setting.name) else { continue };
            let value = match setting.accepts {
                Accepts::Number(range) => self.quiet(node).filter(|value| range.contains(*value)).map(Value::Number),
                Accepts::Integer { .. } => number::whole(node, self.quiet(node)?).map(Value::Integer),
                Accepts::Choice(words) => {
                    words.iter().find(|word| node.str() == Some(word)).map(|word| Value::Choice(word))
                }
                Accepts::Numbers(_) => node
                    .list()
                    .and_then(|nodes| nodes.iter().map(|node| self.quiet(node)).collect::<Option<_>>())
                    .map(Value::Numbers),
                Accepts::Flag => flag(node).map(Value::Flag),
                Accepts::Formula => node.formula_text().map(|text| Value::Formula(text.text.clone())),
            };
            settings.0.insert(setting.name, value?);
        }
        if let Err(fault) = (kind.check)(&settings) {
            let place = table.get(fault.setting).map_or(name, |node| &node.place);
            self.faults.push(place.error(fault.message, ""));
            return None;
        }
        Some(settings)
    }
}

pub fn flag(node: &Node) -> Option<bool> {
    match node.content {
        super::file::Content::Flag(flag) => Some(flag),
        _ => None,
    }
}

fn same_line(fault: &Diagnostic, syntax: &Diagnostic) -> bool {
    match (fault.labels.first(), syntax.labels.first()) {
        (Some(a), Some(b)) if a.source == b.source => {
            let (low, high) = (a.span.start.min(b.span.start), a.span.start.max(b.span.start));
            !a.source.text[low..high].contains('\n')
        }
        _ => false,
    }
}

/// Faults before warnings, each in the order of the experiment file, other files after it; what is said twice, once.
fn in_order(mut faults: Vec<Diagnostic>, written: &Written) -> Vec<Diagnostic> {
    faults.sort_by_key(|fault| {
        let place = fault.labels.first().map(|label| (label.source != written.source, label.span.start));
        (fault.level, place.unwrap_or((true, 0)))
    });
    let mut seen: Vec<Diagnostic> = Vec::new();
    for fault in faults {
        if seen.last() != Some(&fault) {
            seen.push(fault);
        }
    }
    seen
}
