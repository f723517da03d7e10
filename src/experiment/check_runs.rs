//! What is run: differentiation methods, optimizers, budget, intervals, and the expected answer.

use super::check::Check;
use super::check_parameters::{Declared, by_parameter, scalar_names};
use super::file::{Entry, Node, Place, Table};
use super::keys::{
    Absent, BUDGET, COMPARE, DIFFERENTIATION, ENGINE, EXPECTED, Group, INTERVALS, MOST_POINTS, OPTIMIZER, SYMBOLIC,
    Section,
};
use super::reader::suggest;
use super::{Budget, Compare, Differentiation, Expected, Form, Intervals, Of, Optimizer, Resampling, Sharing};
use crate::engine::Lanes;
use crate::kind::Kind;

impl Check<'_> {
    fn section_or_empty(&self, name: &str) -> Table {
        self.section(name).cloned().unwrap_or_default()
    }

    /// The rows that a list names, or the default ones.
    fn rows(&self, table: &Table, section: &Section, key: &str, group: Group) -> Option<Vec<&'static Kind>> {
        match (table.get(key), section.key(key)?.absent) {
            (Some(node), _) => node.list()?.iter().map(|node| group.kind(self.catalog, node.str()?)).collect(),
            (None, Absent::Words(words)) => {
                Some(words.iter().filter_map(|word| group.kind(self.catalog, word)).collect())
            }
            _ => None,
        }
    }

    pub fn differentiation(&mut self, parameters: &[Declared]) -> Option<Differentiation> {
        let table = self.section_or_empty("differentiation");
        Some(Differentiation {
            methods: self.rows(&table, &DIFFERENTIATION, "methods", Group::Method)?,
            step: match table.get("step") {
                None => None,
                Some(node) => Some(self.quiet(node)?),
            },
            symbolic: self.form(table.table("symbolic").unwrap_or(&Table::default()))?,
            compare: self.compare(&table, parameters)?,
        })
    }

    fn form(&self, table: &Table) -> Option<Form> {
        let word = self.word(table, &SYMBOLIC, "sharing")?;
        Some(Form {
            sharing: Sharing::ALL.into_iter().find(|sharing| sharing.word() == word)?,
            expand: self.flag(table, &SYMBOLIC, "expand")?,
            simplify: self.flag(table, &SYMBOLIC, "simplify")?,
            limit: usize::try_from(self.integer(table, &SYMBOLIC, "limit")?).ok()?,
        })
    }

    fn compare(&mut self, differentiation: &Table, parameters: &[Declared]) -> Option<Compare> {
        let empty = Table::default();
        let table = differentiation.table("compare").unwrap_or(&empty);
        let points = self.integer(table, &COMPARE, "points")? as usize;
        let of = if self.word(table, &COMPARE, "of")? == Of::Jacobian.word() { Of::Jacobian } else { Of::Gradient };
        let outputs = match table.get("outputs") {
            None => None,
            Some(_) => Some(usize::try_from(self.integer(table, &COMPARE, "outputs")?).ok()?),
        };
        if let (Some(entry), Of::Gradient) = (table.entry("outputs"), of) {
            let fault = entry.place.error("a gradient is of the loss, not of outputs", "has no effect");
            self.faults.push(fault.help("with `of = \"jacobian\"` it counts the outputs that are differentiated"));
        }
        let Some(entry) = table.entry("grid") else { return Some(Compare { of, outputs, points, grid: Vec::new() }) };
        let grid = entry.value.table()?;
        let path = "differentiation.compare.grid";
        let named = by_parameter(grid, parameters, path, &mut self.faults);
        let mut sound = named.len() == grid.entries.len();
        let mut values = Vec::new();
        for (index, entry) in named {
            let declared = &parameters[index];
            let fixed = declared.checked.as_ref().is_some_and(|parameter| parameter.is_fixed());
            if fixed || declared.size.is_some() {
                let what = if fixed { "is fixed" } else { "is a vector" };
                let message = format!("`{path}` varies `{}`, which {what}", entry.name);
                self.faults.push(entry.place.error(message, "not a free scalar parameter"));
                sound = false;
            }
            match self.input(&entry.name, &entry.value) {
                Some(numbers) => values.push((index, numbers)),
                None => sound = false,
            }
        }
        let compare = Compare { of, outputs, points, grid: values };
        let most = compare.grid.iter().try_fold(1usize, |n, (_, values)| n.checked_mul(values.len()));
        if most.is_none_or(|n| n > MOST_POINTS) {
            let message = format!("the grid has more than {MOST_POINTS} points");
            self.faults.push(entry.place.error(message, "too many"));
            return None;
        }
        sound.then_some(compare)
    }

    pub fn optimizers(
        &mut self,
        parameters: &[Declared],
        differentiation: Option<&Differentiation>,
    ) -> Option<Vec<Optimizer>> {
        let nodes = self.written.table.get("optimizer").and_then(Node::list).unwrap_or_default();
        let mut optimizers: Vec<Option<Optimizer>> = Vec::new();
        let mut labels: Vec<(String, &Place)> = Vec::new();
        for node in nodes {
            let Some(table) = node.table() else { continue };
            let method = table.get("method");
            let row = method.and_then(Node::str).and_then(|name| self.catalog.optimizer(name));
            let (Some(method), Some(row)) = (method, row) else {
                optimizers.push(None);
                continue;
            };
            let named = table.get("label").filter(|node| node.str().is_some()).unwrap_or(method);
            let label = named.str().unwrap_or_default().trim().to_string();
            if label.is_empty() {
                self.faults.push(named.place.error("the label of an optimizer cannot be empty", "empty"));
            }
            if let Some((_, first)) = labels.iter().find(|(other, _)| *other == label) {
                let fault = named.place.error(format!("two optimizers are called `{label}`"), "again");
                self.faults.push(first.label(fault, "first").help("give one a `label` of its own"));
            }
            labels.push((label.clone(), &named.place));
            if row.gradient && differentiation.is_some_and(|chosen| chosen.methods.is_empty()) {
                let message = format!("`{label}` needs a gradient, but `differentiation.methods` names no method");
                self.faults.push(method.place.error(message, "needs a gradient"));
            }
            if row.population {
                self.boxes_are_finite(parameters, &label, &method.place);
            }
            let settings = self.settings(table, &row.kind, &method.place);
            let polish = table.get("polish").and_then(Node::str).and_then(|name| self.catalog.optimizer(name));
            if let (Some(row), Some(node)) = (polish, table.get("polish"))
                && row.population
            {
                let message = format!("`{}` does not go on from a point, it searches the whole box", row.kind.name);
                self.faults.push(node.place.error(message, "cannot polish").help("`lbfgs` can"));
            }
            let starts = self.integer(table, &OPTIMIZER, "starts").and_then(|starts| u64::try_from(starts).ok());
            optimizers.push(settings.zip(starts).map(|(settings, starts)| Optimizer {
                row,
                label,
                settings,
                starts,
                polish,
            }));
        }
        let free = |declared: &Declared| declared.checked.as_ref().is_none_or(|parameter| !parameter.is_fixed());
        if let Some((label, place)) = labels.first()
            && !parameters.is_empty()
            && !parameters.iter().any(free)
        {
            let fault = place.error("every parameter is fixed", format!("`{label}` has nothing to search"));
            self.faults.push(fault.help("give one of them a prior with a density, such as `uniform(0, 1)`"));
        }
        optimizers.into_iter().collect()
    }

    /// A population is spread over a finite box: where the prior has a density, its quantiles stand for infinite ends.
    fn boxes_are_finite(&mut self, parameters: &[Declared], label: &str, place: &Place) {
        for declared in parameters {
            let Some(parameter) = &declared.checked else { continue };
            let (low, high) = parameter.limits();
            if (low.is_finite() && high.is_finite()) || parameter.prior.row.proper {
                continue;
            }
            let name = &parameter.name;
            let message = format!("`{label}` searches a finite box, but that of `{name}` is [{low}, {high}]");
            let fault = declared.prior_place.error(message, "no density whose quantiles would bound it");
            let fault = place.label(fault, "searches a finite box");
            self.faults.push(fault.help(format!("write `{name} = {{ prior = …, bounds = [low, high] }}`")));
        }
    }

    /// Reports draws that are asked for where nothing can be drawn: a prior without density has neither quantiles nor,
    /// without bounds, a box to draw from evenly. Its start would stand for each of them.
    pub fn draws_exist(&mut self, parameters: &[Declared]) {
        let one_of = |node: Option<&Node>, what: &str| {
            let node = node?;
            let count = self.quiet(node).filter(|count| *count > 1.0)?;
            Some((node.place.clone(), format!("{what} = {count} draws from the priors")))
        };
        let root = &self.written.table;
        let within = |section: &str, key: &str| root.table(section).and_then(|table| table.get(key));
        let compare = within("differentiation", "compare").and_then(Node::table);
        let optimizers = root.get("optimizer").and_then(Node::list).unwrap_or_default();
        let starts = optimizers.iter().map(|node| node.table()?.get("starts"));
        let asked: Vec<(Place, String)> = [
            one_of(within("sweep", "repeats"), "repeats"),
            one_of(compare.and_then(|table| table.get("points")), "points"),
        ]
        .into_iter()
        .chain(starts.map(|node| one_of(node, "starts")))
        .flatten()
        .collect();
        let Some((place, words)) = asked.first() else { return };
        for declared in parameters {
            let Some(parameter) = &declared.checked else { continue };
            let (low, high) = parameter.limits();
            if parameter.prior.row.proper || (low.is_finite() && high.is_finite()) {
                continue;
            }
            let name = &parameter.name;
            let message = format!("`{name}` cannot be drawn: its prior has no density, and its box no ends");
            let fault = declared.prior_place.error(message, "cannot be drawn from");
            let fault = place.label(fault, words);
            self.faults.push(fault.help(format!(
                "give it `bounds = [low, high]`: draws are then even between them; or another prior, such as `{}`",
                "normal(mean, sd)"
            )));
        }
    }

    pub fn budget(&mut self) -> Option<Budget> {
        let table = self.section_or_empty("budget");
        let whole = |key: &str| match table.get(key) {
            None => Some(None),
            Some(_) => Some(Some(u64::try_from(self.integer(&table, &BUDGET, key)?).ok()?)),
        };
        let (gradients, iterations, stagnation) = (whole("gradients")?, whole("iterations")?, whole("stagnation")?);
        let number = |key: &str| match table.get(key) {
            None => Some(None),
            Some(node) => Some(Some(self.quiet(node)?)),
        };
        Some(Budget {
            seconds: number("seconds")?,
            target: number("target")?,
            evaluations: u64::try_from(self.integer(&table, &BUDGET, "evaluations")?).ok()?,
            gradients,
            iterations,
            stagnation,
        })
    }

    pub fn intervals(&mut self) -> Option<Intervals> {
        let table = self.section_or_empty("intervals");
        Some(Intervals {
            methods: self.rows(&table, &INTERVALS, "methods", Group::Interval)?,
            level: self.number(&table, &INTERVALS, "level")?,
            resamples: usize::try_from(self.integer(&table, &INTERVALS, "resamples")?).ok()?,
            resampling: match table.get("bootstrap").and_then(Node::str) {
                None => None,
                Some("cases") => Some(Resampling::Cases),
                Some(_) => Some(Resampling::Parametric),
            },
        })
    }

    /// What should stand in lanes; Some(None): no wish.
    pub fn lanes(&self) -> Option<Option<Lanes>> {
        let word = self.word(&self.section_or_empty("engine"), &ENGINE, "lanes")?;
        [None].into_iter().chain(Lanes::ALL.map(Some)).find(|wanted| Lanes::wish(*wanted) == word)
    }

    pub fn expected(&mut self, parameters: &[Declared]) -> Option<Expected> {
        let table = self.section_or_empty("expected");
        let errors = table.table("standard_errors").cloned().unwrap_or_default();
        let of_parameters = table.entries.iter().filter(|entry| EXPECTED.key(&entry.name).is_none());
        let values = self.stated(of_parameters, parameters, "expected")?;
        let standard_errors = self.stated(errors.entries.iter(), parameters, "expected.standard_errors")?;
        Some(Expected {
            loss: match table.get("loss") {
                None => None,
                Some(node) => Some(self.quiet(node)?),
            },
            parameters: values,
            standard_errors,
            tolerance: self.number(&table, &EXPECTED, "tolerance")?,
        })
    }

    /// Numbers that stand under the names of parameters, by the names of the scalars.
    fn stated<'e>(
        &mut self,
        entries: impl Iterator<Item = &'e Entry>,
        parameters: &[Declared],
        section: &str,
    ) -> Option<Vec<(String, f64)>> {
        let names = scalar_names(parameters);
        let mut values: Vec<(String, f64)> = Vec::new();
        for entry in entries {
            let (name, path) = (&entry.name, format!("{section}.{}", entry.name));
            let vector = parameters.iter().find(|parameter| parameter.name == *name && parameter.size.is_some());
            if let Some(vector) = vector {
                let elements = self.elements(&entry.value, vector.size, &path)?;
                values.extend(elements.into_iter().enumerate().map(|(i, value)| (format!("{name}[{i}]"), value)));
            } else if names.contains(name) {
                values.extend(self.elements(&entry.value, None, &path)?.into_iter().map(|value| (name.clone(), value)));
            } else {
                let message = format!("`{section}` names `{name}`, which is not a parameter");
                let fault = entry.place.error(message, "unknown parameter");
                let keys = EXPECTED.keys.iter().map(|key| key.name).filter(|_| section == "expected");
                self.faults.push(suggest(fault, name, names.iter().map(String::as_str).chain(keys)));
            }
        }
        Some(values)
    }
}
