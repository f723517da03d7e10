//! What `[loss]` means: sigma and weight of each output, and whether the data can be observations under the loss.

use super::Loss;
use super::check::{Check, flag};
use super::check_data::{Measured, Observed};
use super::check_simulator::Modelled;
use super::file::{Entry, Node, Table};
use super::reader::suggest;
use super::scope::names_in;
use crate::data::further;
use crate::diagnostic::Diagnostic;
use crate::kind::{self, Sigma};
use crate::language::lower;
use crate::language::tree::Formula;

/// Faulty rows of one column that are shown one by one.
const SHOWN: usize = 5;
/// A sigma of the data is evaluated in this many rows; the run evaluates the others.
const SIGMA_ROWS: usize = 10_000;

impl Check<'_> {
    pub fn loss(&mut self, data: &Option<Observed>, modelled: Option<&Modelled>) -> Option<Loss> {
        let table = self.section("loss")?;
        let name = table.get("kind")?;
        let row = self.catalog.loss(name.str()?)?;
        let settings = self.settings(table, &row.kind, &name.place);
        let measured = match data {
            Some(Observed::Measured(measured)) => Some(measured),
            Some(Observed::None) if row.data => {
                let message = format!("`{}` compares outputs with data, but there is no `[data]`", row.kind.name);
                self.faults.push(name.place.error(message, "needs data"));
                None
            }
            _ => None,
        };
        let modelled = modelled?;
        let weights = self.weights(table, modelled);
        let sigma = self.sigmas(table, row, modelled, data);
        let expression = table.get("expression").filter(|_| row.kind.setting("expression").is_some());
        let expression = match expression {
            None => None,
            Some(node) => Some(self.row_loss(node, data)?),
        };
        if expression.is_some() {
            self.has_an_expectation(&row.kind);
        }
        if let Some(measured) = measured {
            self.observations(measured, modelled, row);
            for formula in sigma.iter().flatten() {
                self.sigma_is_positive(formula, measured);
            }
        }
        Some(Loss {
            row,
            settings: settings?,
            expression,
            sigma,
            weight: weights?,
            prior: table.get("prior").map_or(Some(false), flag)?,
        })
    }

    /// The formula of a row's loss.
    fn row_loss(&mut self, node: &Node, data: &Option<Observed>) -> Option<Formula> {
        let formula = self.formula(node)?;
        let mut names = self.scope.names(&[]);
        names.scalars.push("predicted".into());
        match data {
            Some(Observed::None) => {
                let reason = "there is no `[data]`";
                names.unavailable.push(("observed".into(), reason.into()));
            }
            _ => names.scalars.push("observed".into()),
        }
        self.check_names(&formula, names);
        Some(formula)
    }

    /// Reports the interval method that takes an expectation, under a loss that is no law of the data.
    fn has_an_expectation(&mut self, loss: &kind::Kind) {
        let methods = self.section("intervals").and_then(|table| table.get("methods"));
        let fisher = |node: &&Node| node.str() == Some("fisher");
        if let Some(node) = methods.and_then(Node::list).into_iter().flatten().find(fisher) {
            let message =
                format!("`fisher` is the expected information, and `{}` states no law of the data", loss.name);
            let fault = node.place.error(message, "has no expectation");
            self.faults.push(fault.help("`hessian` is the observed one"));
        }
    }

    /// What a key says for each output: one value for all, or a table by name.
    fn by_output<'t>(&mut self, table: &'t Table, key: &str, modelled: &Modelled) -> Vec<Option<&'t Node>> {
        let mut found: Vec<Option<&'t Node>> = vec![None; modelled.outputs.len()];
        match table.get(key) {
            None => {}
            Some(node) => match node.table() {
                None => found.fill(Some(node)),
                Some(named) => {
                    for Entry { name, place, value } in &named.entries {
                        match modelled.output(name) {
                            Some(index) => found[index] = Some(value),
                            None => {
                                let message = format!("`loss.{key}` names `{name}`, which is not an output");
                                let names = modelled.outputs.iter().map(|(name, _)| name.as_str());
                                self.faults.push(suggest(place.error(message, "unknown output"), name, names));
                            }
                        }
                    }
                }
            },
        }
        found
    }

    fn weights(&mut self, table: &Table, modelled: &Modelled) -> Option<Vec<f64>> {
        let nodes = self.by_output(table, "weight", modelled);
        nodes.into_iter().map(|node| node.map_or(Some(1.0), |node| self.quiet(node))).collect()
    }

    fn sigmas(
        &mut self,
        table: &Table,
        row: &kind::Loss,
        modelled: &Modelled,
        data: &Option<Observed>,
    ) -> Vec<Option<Formula>> {
        let nodes = self.by_output(table, "sigma", modelled);
        let name = row.kind.name;
        if let (Sigma::Unused, Some(entry)) = (row.sigma, table.entry("sigma")) {
            let fault = entry.place.error(format!("`{name}` has no `sigma`"), "has no effect");
            let with: Vec<&str> =
                self.catalog.losses.iter().filter(|row| row.sigma != Sigma::Unused).map(|row| row.kind.name).collect();
            self.faults.push(if with.is_empty() {
                fault
            } else {
                fault.help(format!("losses with one: {}", with.join(", ")))
            });
            return nodes.iter().map(|_| None).collect();
        }
        if row.sigma == Sigma::Required
            && let Some(index) = nodes.iter().position(Option::is_none)
            && let Some(node) = table.get("kind")
        {
            let output = &modelled.outputs[index].0;
            let fault = node.place.error(format!("`{name}` needs `sigma`: `{output}` has none"), "needs sigma");
            self.faults.push(fault.help(format!("write for instance `sigma = \"sqrt({output})\"`")));
        }
        // Synthetic observations are columns too, under the names of the outputs.
        let mut names = self.scope.names(&[]);
        if matches!(data, Some(Observed::Synthetic { .. }) | None) {
            names.scalars.extend(modelled.outputs.iter().map(|(name, _)| name.clone()));
        }
        let mut formulas: Vec<Option<Formula>> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            // One formula for all outputs is judged once.
            if index > 0 && node.is_some() && table.get("sigma").is_some_and(|sigma| sigma.table().is_none()) {
                formulas.push(formulas[0].clone());
                continue;
            }
            let formula = node.and_then(|node| self.formula(node));
            if let Some(formula) = &formula {
                self.check_names(formula, names.clone());
                self.constant_sigma(formula);
            }
            formulas.push(formula);
        }
        formulas
    }

    /// A sigma of constants alone is a positive number.
    fn constant_sigma(&mut self, formula: &Formula) {
        if !names_in(&formula.tree).iter().all(|name| self.constants.iter().any(|(constant, _)| constant == name)) {
            return;
        }
        let value = super::number::constant(formula, &formula.tree, &self.constants, &mut Vec::new());
        if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
            let message = format!("`loss.sigma` must be a positive number, but is {value}");
            self.faults.push(formula.error(&formula.tree.span, message, "a standard deviation is positive"));
        }
    }

    /// A sigma of data columns is positive in every row.
    fn sigma_is_positive(&mut self, formula: &Formula, measured: &Measured) {
        let names = names_in(&formula.tree);
        let constant = |name: &str| self.constants.iter().any(|(constant, _)| constant == name);
        let used: Vec<usize> = (0..measured.table.names.len())
            .filter(|index| names.contains(&measured.table.names[*index].as_str()))
            .collect();
        let of_data = names.iter().all(|name| constant(name) || measured.table.column(name).is_some());
        if used.is_empty() || !of_data {
            return;
        }
        let mut shown = 0;
        for row in 0..measured.table.rows().min(SIGMA_ROWS) {
            let mut values = self.constants.clone();
            for index in &used {
                values.push((measured.table.names[*index].clone(), measured.table.columns[*index][row]));
            }
            let value = lower::constant(formula, &values, &mut Vec::new());
            let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) else { continue };
            shown += 1;
            if shown > SHOWN {
                return further(&mut self.faults, "it is not a positive number in further rows either".into());
            }
            let message =
                format!("`loss.sigma` must be a positive number, but is {value} in row {} of the data", row + 1);
            let fault = formula.error(&formula.tree.span, message, format!("{value}"));
            let column = measured.columns[used[0]].1.as_str();
            self.faults.push(measured.sheet.label(fault, row, column, "with this value"));
        }
    }

    /// Reports observed values that cannot be under the loss.
    fn observations(&mut self, measured: &Measured, modelled: &Modelled, row: &kind::Loss) {
        for (output, _) in &modelled.outputs {
            let Some(index) = measured.table.names.iter().position(|name| name == output) else { continue };
            let column = &measured.columns[index].1;
            let faulty = |(row_index, value): (usize, &f64)| Some((row_index, *value, (row.observed)(*value).err()?));
            let mut faults = measured.table.columns[index].iter().enumerate().filter_map(faulty);
            for (at, value, reason) in faults.by_ref().take(SHOWN) {
                let file = measured.table.file.as_deref().unwrap_or_default();
                let message = format!(
                    "row {}, column `{column}` of `{file}` is {value}: under `{}` {reason}",
                    at + 1,
                    row.kind.name
                );
                let fault = measured.sheet.label(Diagnostic::error(message), at, column, "");
                self.faults.push(measured.place.label(fault, "the data"));
            }
            let more = faults.count();
            if more > 0 {
                further(&mut self.faults, format!("{more} more rows are refused, for the same or a like reason"));
            }
        }
    }
}
