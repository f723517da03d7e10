//! What `[data.synthetic]` means: the grid of inputs, the true parameters, the noise.

use std::sync::Arc;

use super::check::Check;
use super::check_data::Columns;
use super::check_parameters::{Declared, by_parameter};
use super::check_simulator::Modelled;
use super::file::{Node, Place, Table};
use super::keys::{GRID, Group};
use super::reader::suggest;
use super::{Noise, call};
use crate::data;
use crate::language::tree::Formula;
use crate::math::elementary::{exp, log};

/// A grid larger than this is a slip of the pen.
const MOST_ROWS: usize = 10_000_000;

impl Check<'_> {
    /// The product of the inputs, the last varying fastest.
    pub fn grid(&mut self, synthetic: &Table) -> Columns {
        let empty = Table::default();
        let inputs = synthetic.table("inputs").unwrap_or(&empty);
        let mut axes: Vec<(String, Vec<f64>)> = Vec::new();
        let mut written = toml::Table::new();
        let mut sound = true;
        for entry in &inputs.entries {
            self.scope.declare(&entry.name, "input", &entry.place, None, &mut self.faults);
            match self.input(&entry.name, &entry.value) {
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

    /// The values of one input of a grid: a list, or evenly spaced numbers.
    pub fn input(&mut self, name: &str, node: &Node) -> Option<Vec<f64>> {
        match node.list() {
            Some([]) => {
                self.faults.push(node.place.error(format!("the input `{name}` has no values"), "empty list"));
                None
            }
            Some(nodes) => nodes.iter().map(|node| self.quiet(node).filter(|value| value.is_finite())).collect(),
            None => node.table().and_then(|grid| self.spaced(grid, &node.place)),
        }
    }

    /// The numbers of a range: `from`, `to`, `count`, `scale`.
    pub fn spaced(&mut self, grid: &Table, place: &Place) -> Option<Vec<f64>> {
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

    /// The true value of each element of each parameter.
    pub fn truth(&mut self, synthetic: &Table, parameters: &[Declared]) -> Option<Vec<Vec<f64>>> {
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
                self.shares_add_up(checked, values, &entry.value.place, "truth");
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

    pub fn noise(&mut self, synthetic: &Table, modelled: Option<&Modelled>) -> Option<Vec<Noise>> {
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
                self.check_names(argument, names.clone());
            }
            noise.push(Noise { output: entry.name.clone(), distribution: call.kind.name.to_string(), arguments });
        }
        sound.then_some(noise)
    }
}

/// A fixed parameter need not be named in the truth.
fn fixed_value(parameter: &Declared) -> Option<Vec<f64>> {
    let checked = parameter.checked.as_ref().filter(|checked| checked.is_fixed())?;
    Some(vec![checked.limits().0; checked.len()])
}
