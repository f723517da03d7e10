//! What `[data]` means: columns of a file, or a grid with true parameters and noise.

use std::sync::Arc;

use super::check::Check;
use super::check_parameters::{Declared, by_parameter};
use super::check_simulator::Modelled;
use super::file::{Node, Place, Table};
use super::keys::{GRID, Group};
use super::reader::suggest;
use super::scope::COLUMN;
use super::{Data, Noise, Parameter, call};
use crate::data::{self, Sheet};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::language::lower;
use crate::language::tree::Formula;
use crate::math::elementary::{exp, log};

/// The columns that formulas see.
pub enum Columns {
    Measured(Measured),
    Made(Arc<data::Table>, toml::Table),
    None,
    /// Reported.
    Faulty,
}

/// A table with where it comes from, so that a fault in a value can point into the file.
pub struct Measured {
    pub table: Arc<data::Table>,
    pub sheet: Arc<Sheet>,
    /// (name in formulas, name in the file).
    pub columns: Vec<(String, String)>,
    pub place: Place,
}

/// Checked data.
pub enum Observed {
    Measured(Measured),
    Synthetic { inputs: Arc<data::Table>, truth: Vec<Vec<f64>>, noise: Vec<Noise> },
    None,
}

/// A grid larger than this is a slip of the pen.
const MOST_ROWS: usize = 10_000_000;

impl Check<'_> {
    /// Reads the columns and declares their names.
    pub fn data_columns(&mut self) -> Columns {
        let Some(section) = self.written.table.entry("data") else { return Columns::None };
        let Some(table) = section.value.table() else { return Columns::Faulty };
        match (table.entry("file"), table.entry("synthetic")) {
            (Some(file), None) => {
                let Some(name) = file.value.str() else { return Columns::Faulty };
                self.measured(table, name, &file.value.place).map_or(Columns::Faulty, Columns::Measured)
            }
            (None, Some(synthetic)) => match synthetic.value.table() {
                Some(table) => self.grid(table),
                None => Columns::Faulty,
            },
            (Some(file), Some(synthetic)) => {
                let fault = file.place.error("data are read from a file or made, not both", "a file");
                self.faults.push(synthetic.place.label(fault, "synthetic data"));
                Columns::Faulty
            }
            (None, None) => {
                let fault = section.place.error("`data` says neither a `file` nor how data are made", "");
                self.faults.push(fault.help("write `file = \"data.csv\"`, or a table `[data.synthetic]`"));
                Columns::Faulty
            }
        }
    }

    fn measured(&mut self, table: &Table, name: &str, place: &Place) -> Option<Measured> {
        let sheet = match self.written.sheet(name) {
            Ok(sheet) => sheet,
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| placed(fault, place, "named here")));
                // Names that formulas use exist all the same.
                for entry in table.table("columns").into_iter().flat_map(|columns| &columns.entries) {
                    self.scope.declare(&entry.name, COLUMN, &entry.place, None, &mut self.faults);
                }
                return None;
            }
        };
        let mut columns: Vec<(String, String)> = Vec::new();
        let mut sound = true;
        match table.get("columns").and_then(Node::table) {
            Some(chosen) => {
                for entry in &chosen.entries {
                    self.scope.declare(&entry.name, COLUMN, &entry.place, None, &mut self.faults);
                    let Some(column) = entry.value.str() else {
                        sound = false;
                        continue;
                    };
                    if sheet.names.iter().any(|name| name == column) {
                        columns.push((entry.name.clone(), column.to_string()));
                    } else {
                        self.faults.push(entry.value.place.label(sheet.missing(column), "no such column"));
                        sound = false;
                    }
                }
            }
            None => {
                for column in &sheet.names {
                    self.scope.column(column, place);
                    columns.push((column.clone(), column.clone()));
                }
            }
        }
        let chosen = table.get("columns").is_some();
        match self.written.columns(name, &columns) {
            Ok(table) if sound => Some(Measured { table, sheet, columns, place: place.clone() }),
            Ok(_) => None,
            Err(faults) => {
                let help = "choose the columns that are needed with `data.columns = { name = \"column\" }`";
                for fault in faults {
                    let fault = placed(fault, place, "read from here");
                    self.faults.push(if chosen { fault } else { fault.help(help) });
                }
                None
            }
        }
    }

    /// The product of the inputs, the last varying fastest.
    fn grid(&mut self, synthetic: &Table) -> Columns {
        let empty = Table::default();
        let inputs = synthetic.table("inputs").unwrap_or(&empty);
        let mut axes: Vec<(String, Vec<f64>)> = Vec::new();
        let mut written = toml::Table::new();
        let mut sound = true;
        for entry in &inputs.entries {
            self.scope.declare(&entry.name, "input", &entry.place, None, &mut self.faults);
            let values = match entry.value.list() {
                Some([]) => {
                    self.faults.push(entry.value.place.error(format!("the input `{}` has no values", entry.name), "empty list"));
                    None
                }
                Some(nodes) => nodes.iter().map(|node| self.quiet(node).filter(|value| value.is_finite())).collect(),
                None => entry.value.table().and_then(|grid| self.spaced(grid, &entry.value.place)),
            };
            match values {
                Some(values) => {
                    written.insert(entry.name.clone(), self.written_input(&entry.value, &values));
                    axes.push((entry.name.clone(), values));
                }
                None => sound = false,
            }
        }
        let rows = axes.iter().try_fold(1usize, |rows, (_, values)| rows.checked_mul(values.len()));
        let Some(rows) = rows.filter(|rows| *rows <= MOST_ROWS) else {
            if let Some(entry) = synthetic.entry("inputs") {
                let message = format!("the product of the inputs has more than {MOST_ROWS} rows");
                self.faults.push(entry.place.error(message, "too many"));
            }
            return Columns::Faulty;
        };
        if !sound {
            return Columns::Faulty;
        }
        let mut table = data::Table::default();
        let mut repeat = rows;
        for (name, values) in axes {
            repeat /= values.len();
            table.names.push(name);
            table.columns.push((0..rows).map(|row| values[row / repeat % values.len()]).collect());
        }
        Columns::Made(Arc::new(table), written)
    }

    fn spaced(&mut self, grid: &Table, place: &Place) -> Option<Vec<f64>> {
        let from = self.number_at(grid, "from")?;
        let to = self.number_at(grid, "to")?;
        let count = self.integer(grid, &GRID, "count").filter(|count| (1..=MOST_ROWS as i64).contains(count))? as usize;
        let logarithmic = self.word(grid, &GRID, "scale")? == "log";
        if logarithmic && (from <= 0.0 || to <= 0.0) {
            let message = "a grid with `scale = \"log\"` needs a positive `from` and `to`";
            self.faults.push(place.error(message, format!("from {from} to {to}")));
            return None;
        }
        let (low, high) = if logarithmic { (log(from), log(to)) } else { (from, to) };
        let last = (count - 1).max(1) as f64;
        let value = |i: usize| {
            let x = low + (high - low) * (i as f64 / last);
            match i {
                0 => from,
                // The ends are what the file says, to the last bit.
                _ if i == count - 1 => to,
                _ if logarithmic => exp(x),
                _ => x,
            }
        };
        Some((0..count).map(value).collect())
    }

    fn number_at(&self, table: &Table, key: &str) -> Option<f64> {
        self.quiet(table.get(key)?).filter(|value| value.is_finite())
    }

    fn written_input(&self, node: &Node, values: &[f64]) -> toml::Value {
        let Some(grid) = node.table() else { return toml::Value::from(values.to_vec()) };
        let mut table = toml::Table::new();
        for key in ["from", "to"] {
            table.insert(key.into(), self.number_at(grid, key).unwrap_or(f64::NAN).into());
        }
        table.insert("count".into(), (values.len() as i64).into());
        table.insert("scale".into(), self.word(grid, &GRID, "scale").unwrap_or_default().into());
        table.into()
    }

    /// Joins the columns with what the parameters and outputs say of them. The second is `data` as `resolved` says it.
    pub fn data(
        &mut self,
        columns: Columns,
        parameters: &[Declared],
        modelled: Option<&Modelled>,
    ) -> (Option<Observed>, Option<toml::Table>) {
        match columns {
            Columns::None => (Some(Observed::None), None),
            Columns::Faulty => {
                // Truth and noise are judged even where the grid is faulty.
                if let Some(synthetic) = self.section("data").and_then(|data| data.table("synthetic")) {
                    self.truth(synthetic, parameters);
                    self.noise(synthetic, modelled);
                }
                (None, None)
            }
            Columns::Measured(measured) => {
                self.outputs_have_columns(&measured, modelled);
                let mut written = toml::Table::new();
                written.insert("file".into(), measured.table.file.clone().unwrap_or_default().into());
                let names: toml::Table =
                    measured.columns.iter().map(|(name, column)| (name.clone(), column.clone().into())).collect();
                written.insert("columns".into(), names.into());
                (Some(Observed::Measured(measured)), Some(written))
            }
            Columns::Made(inputs, grid) => {
                let Some(synthetic) = self.section("data").and_then(|data| data.table("synthetic")) else {
                    return (None, None);
                };
                let truth = self.truth(synthetic, parameters);
                let noise = self.noise(synthetic, modelled);
                let (Some(truth), Some(noise)) = (truth, noise) else { return (None, None) };
                let mut written = toml::Table::new();
                written.insert("inputs".into(), grid.into());
                (Some(Observed::Synthetic { inputs, truth, noise }), Some(written))
            }
        }
    }

    fn outputs_have_columns(&mut self, measured: &Measured, modelled: Option<&Modelled>) {
        let Some(modelled) = modelled else { return };
        for ((name, _), place) in modelled.outputs.iter().zip(&modelled.places) {
            if measured.table.column(name).is_some() {
                continue;
            }
            let message = format!("the output `{name}` has no data column to be compared with");
            let fault = place.error(message, "no such column");
            let names = || measured.columns.iter().map(|(name, _)| name.as_str());
            self.faults.push(match did_you_mean(name, names()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => {
                    let columns: Vec<&str> = names().take(40).collect();
                    fault.help(format!(
                        "the columns are {}; `data.columns = {{ {name} = \"…\" }}` gives one another name",
                        columns.join(", ")
                    ))
                }
            });
        }
    }

    /// The true value of each element of each parameter.
    fn truth(&mut self, synthetic: &Table, parameters: &[Declared]) -> Option<Vec<Vec<f64>>> {
        let entry = synthetic.entry("truth")?;
        let table = entry.value.table()?;
        let path = "data.synthetic.truth";
        let mut values: Vec<Option<Vec<f64>>> = parameters.iter().map(fixed_value).collect();
        let named = by_parameter(table, parameters, path, &mut self.faults);
        for (index, entry) in &named {
            let parameter = &parameters[*index];
            let path = format!("{path}.{}", entry.name);
            values[*index] = self.elements(&entry.value, parameter.size, &path);
            if let (Some(values), Some(checked)) = (&values[*index], &parameter.checked) {
                let (low, high) = checked.limits();
                if let Some(value) = values.iter().find(|value| **value < low || **value > high) {
                    let message = format!("the truth of `{}` lies outside its box", entry.name);
                    self.faults.push(entry.value.place.warning(message, format!("{value} is not in [{low}, {high}]")));
                }
            }
        }
        let given = |index: usize| named.iter().any(|(other, _)| *other == index);
        let missing: Vec<String> = (0..parameters.len())
            .filter(|index| !given(*index) && values[*index].is_none())
            .map(|index| format!("`{}`", parameters[index].name))
            .collect();
        if !missing.is_empty() {
            let message = format!("`{path}` has no value for {}", missing.join(", "));
            self.faults.push(entry.place.error(message, "every parameter has a true value"));
        }
        values.into_iter().collect()
    }

    fn noise(&mut self, synthetic: &Table, modelled: Option<&Modelled>) -> Option<Vec<Noise>> {
        let Some(table) = synthetic.get("noise").and_then(Node::table) else { return Some(Vec::new()) };
        let outputs: Vec<&str> =
            modelled.iter().flat_map(|modelled| modelled.outputs.iter().map(|(name, _)| name.as_str())).collect();
        let mut noise = Vec::new();
        let mut sound = true;
        for entry in &table.entries {
            if modelled.is_some() && !outputs.contains(&entry.name.as_str()) {
                let message = format!("there is noise for `{}`, which is not an output", entry.name);
                let fault = entry.place.error(message, "unknown output");
                self.faults.push(suggest(fault, &entry.name, outputs.iter().copied()));
            }
            let Some(call) = call::parse(&entry.value, Group::Draw, self.catalog, &mut Vec::new()) else {
                sound = false;
                continue;
            };
            let mut names = self.scope.names(&[]);
            names.scalars.extend(outputs.iter().map(|name| name.to_string()));
            let part = |tree: &_| Formula { text: Arc::clone(&call.formula.text), tree: Clone::clone(tree) };
            let arguments: Vec<Formula> = call.arguments().iter().map(part).collect();
            for argument in &arguments {
                lower::check(argument, &names, &mut self.faults);
            }
            noise.push(Noise { output: entry.name.clone(), distribution: call.kind.name.to_string(), arguments });
        }
        sound.then_some(noise)
    }
}

impl Columns {
    /// Whether the data have a column of the name.
    pub fn measured(&self, name: &str) -> bool {
        matches!(self, Columns::Measured(measured) if measured.table.column(name).is_some())
    }
}

impl Observed {
    /// The data as the experiment holds them. The truth becomes each parameter's reference where none is stated.
    pub fn into_data(self, parameters: &mut [Parameter]) -> Data {
        match self {
            Observed::Measured(measured) => Data::Measured(measured.table),
            Observed::None => Data::None,
            Observed::Synthetic { inputs, truth, noise } => {
                for (parameter, values) in parameters.iter_mut().zip(&truth) {
                    parameter.reference.get_or_insert_with(|| values.clone());
                }
                Data::Synthetic { inputs, truth: truth.into_iter().flatten().collect(), noise }
            }
        }
    }
}

/// A fixed parameter need not be named in the truth.
fn fixed_value(parameter: &Declared) -> Option<Vec<f64>> {
    let checked = parameter.checked.as_ref().filter(|checked| checked.is_fixed())?;
    Some(vec![checked.limits().0; checked.len()])
}

/// Adds where the experiment names the file to a fault that has no place.
fn placed(fault: Diagnostic, place: &Place, label: &str) -> Diagnostic {
    if fault.labels.is_empty() { place.label(fault, label) } else { fault }
}
