//! What `[data]` means: columns of a file, or a grid with true parameters and noise.

use std::sync::Arc;

use super::check::Check;
use super::check_parameters::Declared;
use super::check_simulator::Modelled;
use super::file::{Node, Place, Table};
use super::scope::COLUMN;
use super::{Data, Noise, Parameter};
use crate::data::{self, Sheet};
use crate::diagnostic::{Diagnostic, did_you_mean};

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

impl Check<'_> {
    /// Reads the columns and declares their names.
    pub fn data_columns(&mut self) -> Columns {
        let columns = self.written_columns();
        // Without columns of its own, a faulty section hides which names there are.
        let named = self.section("data").and_then(|data| data.table("columns")).is_some();
        self.scope.open |= matches!(columns, Columns::Faulty) && !named;
        columns
    }

    fn written_columns(&mut self) -> Columns {
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
                self.scope.open = true;
                let fault = file.place.error("data are read from a file or made, not both", "a file");
                self.faults.push(synthetic.place.label(fault, "synthetic data"));
                Columns::Faulty
            }
            (None, None) => {
                self.scope.open = true;
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

/// Adds where the experiment names the file to a fault that has no place.
fn placed(fault: Diagnostic, place: &Place, label: &str) -> Diagnostic {
    if fault.labels.is_empty() { place.label(fault, label) } else { fault }
}
