//! What `[loss]` means: sigma and weight of each output, and whether the data can be observations under the loss.

use super::Loss;
use super::check::{Check, flag};
use super::check_data::{Measured, Observed};
use super::check_simulator::Modelled;
use super::file::{Entry, Node, Table};
use super::reader::suggest;
use super::scope::names_in;
use crate::data::further;
use crate::diagnostic::{Diagnostic, many};
use crate::kind::{self, Derivatives, Sigma};
use crate::language::lower;
use crate::language::tree::Formula;

/// Faulty rows of one column that are shown one by one.
const SHOWN: usize = 5;
/// A sigma of the data is evaluated in this many rows; the run evaluates the others.
const SIGMA_ROWS: usize = 10_000;

/// Whether a formula names one of the parameters.
pub fn holds_one_of(formula: &Formula, parameters: &[&str]) -> bool {
    names_in(&formula.tree).iter().any(|name| parameters.contains(name))
}

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
        let shape = self.shape(table, row, modelled, data);
        if expression.is_some() {
            let reason = format!("`{}` states no law of the data", row.kind.name);
            self.refuse_interval("fisher", &reason, "has no expectation", "`hessian` is the observed information");
        }
        self.sharpness(row, &name.place, &sigma, shape.as_ref());
        if let Some(measured) = measured {
            self.observations(measured, modelled, row);
            for formula in sigma.iter().flatten() {
                self.sigma_is_positive(formula, measured);
            }
            if let Some(formula) = &shape {
                self.shape_fits(formula, measured, modelled, row);
            }
        }
        Some(Loss {
            row,
            settings: settings?,
            expression,
            shape,
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

    /// Reports an interval method that this loss does not have.
    fn refuse_interval(&mut self, method: &str, reason: &str, label: &str, help: &str) {
        let methods = self.section("intervals").and_then(|table| table.get("methods"));
        let named = |node: &&Node| node.str() == Some(method);
        if let Some(node) = methods.and_then(Node::list).into_iter().flatten().find(named) {
            let quantity = if method == "fisher" { "the expected information" } else { "the observed information" };
            let fault = node.place.error(format!("`{method}` is {quantity}, and {reason}"), label);
            self.faults.push(fault.help(help));
        }
    }

    /// The setting of a loss that is a formula of columns, constants and perhaps parameters.
    fn shape(
        &mut self,
        table: &Table,
        row: &kind::Loss,
        modelled: &Modelled,
        data: &Option<Observed>,
    ) -> Option<Formula> {
        let formulas = row.kind.settings.iter().filter(|setting| setting.accepts == kind::Accepts::Formula);
        let setting = formulas.into_iter().find(|setting| setting.name != "expression")?;
        let formula = self.formula(table.get(setting.name)?)?;
        let names = self.names_of_rows(modelled, data);
        self.check_names(&formula, names);
        if let Some(value) = self.value_of_constants(&formula)
            && let Err(reason) = (row.shape)(value, 0.0)
        {
            let message = format!("`loss.{}` cannot be {value}", setting.name);
            self.faults.push(formula.error(&formula.tree.span, message, reason));
        }
        Some(formula)
    }

    /// What formulas of a row may name: columns, parameters and constants. Synthetic observations are columns too, under
    /// the names of the outputs.
    fn names_of_rows(&self, modelled: &Modelled, data: &Option<Observed>) -> lower::Names {
        let mut names = self.scope.names(&[]);
        if matches!(data, Some(Observed::Synthetic { .. }) | None) {
            names.scalars.extend(modelled.outputs.iter().map(|(name, _)| name.clone()));
        }
        names
    }

    /// Whether the loss and the ways to find its intervals suit where its sigma and shape hold parameters, and whether
    /// there is a derivative where it is asked for.
    fn sharpness(
        &mut self,
        row: &kind::Loss,
        place: &super::file::Place,
        sigma: &[Option<Formula>],
        shape: Option<&Formula>,
    ) {
        let name = row.kind.name;
        let parameters: Vec<&str> = match self.section("parameters") {
            Some(table) => table.entries.iter().map(|entry| entry.name.as_str()).collect(),
            None => Vec::new(),
        };
        let holds = |formula: &&Formula| holds_one_of(formula, &parameters);
        if let Some(formula) = sigma.iter().flatten().find(holds)
            && !row.normalised
            && name != "chi_square"
        {
            let message = format!("under `{name}` sigma cannot hold a parameter: the loss falls as sigma grows");
            let fault = formula.error(&formula.tree.span, message, "holds a parameter");
            self.faults.push(fault.help("`gaussian` and `student_t` have a minimum in sigma"));
        }
        if let Some(formula) = shape.filter(holds) {
            if name == "binomial" {
                let message = "`loss.trials` cannot hold a parameter: trials are whole numbers";
                self.faults.push(formula.error(&formula.tree.span, message, "holds a parameter"));
            }
            let reason = format!("that of `{name}` has no closed form where its shape holds a parameter");
            self.refuse_interval("fisher", &reason, "has no closed form", "`hessian` is the observed information");
        }
        if row.derivatives != Derivatives::Kink {
            return;
        }
        self.refuse_interval(
            "hessian",
            &format!("`{name}` has no second derivatives"),
            "is 0 almost everywhere",
            "`fisher` does without",
        );
        let optimizers = self.written.table.get("optimizer").and_then(Node::list).unwrap_or_default();
        let methods = optimizers.iter().filter_map(|node| node.table()?.get("method"));
        let by_gradient =
            |node: &&Node| node.str().and_then(|name| self.catalog.optimizer(name)).is_some_and(|row| row.gradient);
        if let Some(node) = methods.clone().find(by_gradient) {
            let method = node.str().unwrap_or_default();
            let message = format!("`{name}` has a kink where a residual is 0, and its minimum lies on such kinks");
            let fault = place.warning(message, "not differentiable there: every method answers 0");
            let fault = node.place.label(fault, format!("`{method}` may stop short of the minimum"));
            self.faults.push(fault.help("`log_cosh` and `huber` are smooth; `nelder_mead` needs no derivative"));
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
        let names = self.names_of_rows(modelled, data);
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
        if let Some(value) = self.value_of_constants(formula).filter(|value| !(*value > 0.0 && value.is_finite())) {
            let message = format!("`loss.sigma` must be a positive number, but is {value}");
            self.faults.push(formula.error(&formula.tree.span, message, "a standard deviation is positive"));
        }
    }

    /// The value of a formula of constants alone.
    fn value_of_constants(&self, formula: &Formula) -> Option<f64> {
        let constant = |name: &&str| self.constants.iter().any(|(constant, _)| constant == name);
        let all = names_in(&formula.tree).iter().all(constant);
        all.then(|| super::number::constant(formula, &formula.tree, &self.constants, &mut Vec::new())).flatten()
    }

    /// A sigma of data columns is positive in every row.
    fn sigma_is_positive(&mut self, formula: &Formula, measured: &Measured) {
        self.rows_of_columns(formula, measured, "`loss.sigma`", &|_, value| {
            if value > 0.0 && value.is_finite() { Ok(()) } else { Err("it must be a positive number") }
        });
    }

    /// A dispersion, number of trials or of degrees of freedom of data columns suits what was observed in every row.
    fn shape_fits(&mut self, formula: &Formula, measured: &Measured, modelled: &Modelled, row: &kind::Loss) {
        let shape = row.kind.settings.iter().find(|setting| setting.accepts == kind::Accepts::Formula);
        let what = format!("`loss.{}`", shape.map_or("", |setting| setting.name));
        let of_constants = self.value_of_constants(formula);
        for (output, _) in &modelled.outputs {
            let Some(observed) = measured.table.column(output) else { continue };
            let judge = |row_index: usize, value: f64| (row.shape)(value, observed[row_index]);
            let Some(value) = of_constants.filter(|value| (row.shape)(*value, 0.0).is_ok()) else {
                self.rows_of_columns(formula, measured, &what, &judge);
                continue;
            };
            let reasons = (0..observed.len()).filter_map(|at| Some((at, judge(at, value).err()?)));
            if let Some((at, reason)) = reasons.into_iter().next() {
                let message = format!("{what} is {value}, but `{output}` is {} in row {}", observed[at], at + 1);
                self.faults.push(formula.error(&formula.tree.span, message, reason));
            }
        }
    }

    /// Judges the values that a formula of data columns has in the rows.
    fn rows_of_columns(
        &mut self,
        formula: &Formula,
        measured: &Measured,
        what: &str,
        judge: &dyn Fn(usize, f64) -> Result<(), &'static str>,
    ) {
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
            let Some(value) = lower::constant(formula, &values, &mut Vec::new()) else { continue };
            let Err(reason) = judge(row, value) else { continue };
            shown += 1;
            if shown > SHOWN {
                return further(&mut self.faults, format!("{what} is refused in further rows too"));
            }
            let message = format!("{what} is {value} in row {} of the data: {reason}", row + 1);
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
                let (rows, are) = (many(more, "more row"), if more == 1 { "is" } else { "are" });
                further(&mut self.faults, format!("{rows} {are} refused, for the same or a like reason"));
            }
        }
    }
}
