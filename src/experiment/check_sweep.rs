//! What `[sweep]` means: the values of every axis, the groups that vary together, the conditions.

use std::collections::BTreeMap;

use super::call;
use super::check::{Check, flag};
use super::file::{Content, Entry, Node, Place, Table};
use super::keys::{AXIS, EXPERIMENT, Group, SWEEP};
use super::reader::suggest;
use super::set;
use super::sweep::{Axis, Sweep, Values, made, name_of};
use crate::diagnostic::Diagnostic;
use crate::kind::Settings;
use crate::language::is_name;
use crate::math::random::Stream;
use crate::math::sobol::Sobol;

/// Values of an axis that are tried against the table of keys before the plan is laid out.
const TRIED: usize = 100;

/// Sections that change no run.
const NOT_AXES: [&str; 6] = ["sweep", "title", "about", "reference", "expected", "engine"];

/// An axis that draws its values, before they are drawn.
struct Draw {
    row: &'static str,
    settings: Settings,
    count: usize,
    sobol: bool,
    round: bool,
}

impl Check<'_> {
    /// Reports what is wrong with the axes. What their values mean together is seen when the plan is laid out.
    pub fn sweep(&mut self) -> Option<Sweep> {
        let table = self.section("sweep").cloned().unwrap_or_default();
        let repeats = usize::try_from(self.integer(&table, &SWEEP, "repeats")?).ok();
        let entries: &[Entry] = table.table("axes").map_or(&[], |axes| &axes.entries);
        let before = self.faults.len();
        let zip = self.zip(&table, entries);
        let mut draws: BTreeMap<usize, Draw> = BTreeMap::new();
        let mut axes: Vec<Option<Axis>> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let values = self.axis_values(entry, |draw| _ = draws.insert(index, draw));
            let name = entry.value.table().and_then(|table| table.get("name"));
            let name = name.and_then(Node::str).map(str::to_string);
            let name = name.or_else(|| name_of(&set::segments(&entry.name).ok()?));
            axes.push(values.map(|values| Axis { path: entry.name.clone(), place: entry.place.clone(), name, values }));
        }
        self.draw(&mut axes, &zip, &draws);
        self.axes_exist(entries, &axes);
        let whole = axes.iter().all(Option::is_some);
        // In place of a faulty axis a number, so that the names in formulas can be judged all the same.
        let stand_in = |entry: &Entry| Axis {
            path: entry.name.clone(),
            place: entry.place.clone(),
            name: name_of(&set::segments(&entry.name).unwrap_or_default()),
            values: Values::Listed(vec![made(&entry.name, 1.0, false)]),
        };
        let axes = axes.into_iter().zip(entries).map(|(axis, entry)| axis.unwrap_or_else(|| stand_in(entry))).collect();
        let nodes = table.get("when").map_or(&[][..], |node| node.list().unwrap_or(std::slice::from_ref(node)));
        let conditions = nodes.iter().filter_map(|node| self.formula(node)).collect();
        let written = self.written_sweep(&table);
        let mut sweep = Sweep { repeats: repeats?, axes, zip, conditions, words: Vec::new(), written };
        self.name_axes(&mut sweep);
        if whole {
            self.lengths_fit(&sweep);
        }
        if sweep.combinations().is_some_and(|number| number > 0)
            && let Err(faults) = sweep.at(0, &self.constants)
        {
            self.faults.extend(faults);
        }
        if self.faults[before..].iter().any(Diagnostic::is_error) { None } else { Some(sweep) }
    }

    /// The groups of `zip`, as positions among the axes.
    fn zip(&mut self, table: &Table, entries: &[Entry]) -> Vec<Vec<usize>> {
        let nodes = table.get("zip").and_then(Node::list).unwrap_or_default();
        // One group needs no list around it.
        let one = nodes.iter().all(|node| node.str().is_some()).then_some(nodes);
        let groups: Vec<&[Node]> = match one {
            Some(nodes) => vec![nodes],
            None => nodes.iter().filter_map(Node::list).collect(),
        };
        let mut seen: Vec<(usize, &Place)> = Vec::new();
        let mut found = Vec::new();
        for group in groups {
            let mut positions = Vec::new();
            for node in group {
                let Some(path) = node.str() else { continue };
                let segments = set::segments(path).unwrap_or_default();
                let same = |entry: &Entry| set::segments(&entry.name).is_ok_and(|other| other == segments);
                let Some(position) = entries.iter().position(same) else {
                    let fault = node.place.error(format!("`sweep.zip` names `{path}`, which is no axis"), "no axis");
                    self.faults.push(suggest(fault, path, entries.iter().map(|entry| entry.name.as_str())));
                    continue;
                };
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == position) {
                    let fault = node.place.error(format!("`sweep.zip` names `{path}` twice"), "again");
                    self.faults.push(first.label(fault, "first"));
                    continue;
                }
                seen.push((position, &node.place));
                positions.push(position);
            }
            if !positions.is_empty() {
                found.push(positions);
            }
        }
        found
    }

    /// The values of an axis; those of a draw are drawn later, when it is known which axes vary together.
    fn axis_values(&mut self, entry: &Entry, later: impl FnOnce(Draw)) -> Option<Values> {
        let node = &entry.value;
        let Some(table) = node.table() else {
            return match (node.list(), node.text()) {
                (Some(nodes), _) => Some(Values::Listed(nodes.to_vec())),
                (_, Some(_)) => self.formula(node).map(Values::Formula),
                _ => None,
            };
        };
        let forms = ["values", "formula", "draw", "from"];
        let given: Vec<&str> = forms.into_iter().filter(|form| table.get(form).is_some()).collect();
        let [form] = given[..] else {
            let message = format!("the axis `{}` must say its values in one way", entry.name);
            let fault = node.place.error(
                message,
                match given.is_empty() {
                    true => "no values".to_string(),
                    false => format!("says `{}`", given.join("` and `")),
                },
            );
            let ways = "`values`; `from`, `to` and `count`; `draw` and `count`; or `formula`";
            self.faults.push(fault.help(format!("write {ways}")));
            return None;
        };
        let (needed, allowed): (&[&str], &[&str]) = match form {
            "values" => (&[], &[]),
            "formula" => (&[], &[]),
            "draw" => (&["count"], &["design", "round"]),
            _ => (&["to", "count"], &["scale", "round"]),
        };
        let mut sound = true;
        for key in needed.iter().filter(|key| table.get(key).is_none()) {
            let message = format!("the axis `{}` has `{form}` but no `{key}`", entry.name);
            self.faults.push(node.place.error(message, format!("`{key}` must be here")));
            sound = false;
        }
        for other in &table.entries {
            let name = other.name.as_str();
            if AXIS.key(name).is_some()
                && ![form, "name"].contains(&name)
                && !needed.contains(&name)
                && !allowed.contains(&name)
            {
                let message = format!("`{name}` does not go with `{form}`");
                self.faults.push(other.place.error(message, "not here"));
                sound = false;
            }
        }
        if !sound {
            return None;
        }
        let round = table.get("round").and_then(flag).unwrap_or(false);
        match form {
            "values" => table.get("values")?.list().map(|nodes| Values::Listed(nodes.to_vec())),
            "formula" => self.formula(table.get("formula")?).map(Values::Formula),
            "draw" => {
                let mut quiet = Vec::new();
                let parsed = call::parse(table.get("draw")?, Group::Prior, self.catalog, &mut quiet)?;
                let row = self.catalog.prior(parsed.kind.name)?;
                if !row.proper {
                    let message = format!("`{}` has no density to draw from", row.kind.name);
                    self.faults.push(table.get("draw")?.place.error(message, "cannot be drawn from"));
                    return None;
                }
                if row.simplex {
                    let message =
                        format!("`{}` is the prior of a vector: an axis has one number at a time", row.kind.name);
                    let fault = table.get("draw")?.place.error(message, "draws shares of a whole");
                    self.faults.push(fault.help("`beta(a, b)` draws one share"));
                    return None;
                }
                let settings = call::settings(&parsed, &self.constants, &mut quiet)?;
                let count = usize::try_from(self.integer(table, &AXIS, "count")?).ok()?;
                let sobol = self.word(table, &AXIS, "design")? == "sobol";
                later(Draw { row: row.kind.name, settings, count, sobol, round });
                Some(Values::Listed(Vec::new()))
            }
            _ => {
                let values = self.spaced(table, &node.place)?;
                let numbers = values.into_iter().map(tidy).collect();
                Some(Values::Numbers { path: entry.name.clone(), numbers, round })
            }
        }
    }

    /// Draws the values of the axes that ask for it. Sobol points are spread over the axes of a group together.
    fn draw(&mut self, axes: &mut [Option<Axis>], zip: &[Vec<usize>], draws: &BTreeMap<usize, Draw>) {
        let seed = self.integer(&self.written.table, &EXPERIMENT, "seed").unwrap_or_default() as u64;
        let key = |axis: usize| axes[axis].as_ref().map_or(String::new(), |axis| axis.path.clone());
        let keys: Vec<String> = (0..axes.len()).map(key).collect();
        for (axis, draw) in draws {
            let alone = vec![*axis];
            let group = zip.iter().find(|group| group.contains(axis)).unwrap_or(&alone);
            let spread: Vec<usize> =
                group.iter().copied().filter(|other| draws.get(other).is_some_and(|draw| draw.sobol)).collect();
            let points: Vec<f64> = match spread.iter().position(|other| other == axis) {
                Some(place) => {
                    let mut sequence = Sobol::new(spread.len(), &Stream::new(seed, &keys[spread[0]], "sweep"));
                    (0..draw.count).map(|_| sequence.next()[place]).collect()
                }
                None => {
                    let mut stream = Stream::new(seed, &keys[*axis], "sweep");
                    (0..draw.count).map(|_| stream.open()).collect()
                }
            };
            let quantile = self.catalog.quantile;
            let numbers = points.into_iter().map(|p| quantile(draw.row, &draw.settings, p)).collect();
            if let Some(values) = &mut axes[*axis] {
                values.values = Values::Numbers { path: keys[*axis].clone(), numbers, round: draw.round };
            }
        }
    }

    /// Axes whose last parts are equal have no name, and words that formulas may use are those of all axes.
    fn name_axes(&mut self, sweep: &mut Sweep) {
        let names: Vec<Option<String>> = sweep.axes.iter().map(|axis| axis.name.clone()).collect();
        for axis in &mut sweep.axes {
            if names.iter().filter(|name| **name == axis.name).count() > 1 {
                axis.name = None;
            }
        }
        for axis in &sweep.axes {
            let Values::Listed(nodes) = &axis.values else { continue };
            for word in nodes.iter().filter_map(Node::str).filter(|word| is_name(word)) {
                let taken = self.constants.iter().any(|(constant, _)| constant == word)
                    || sweep.words.iter().any(|known| known == word)
                    || sweep.axes.iter().any(|axis| axis.name.as_deref() == Some(word));
                if !taken {
                    sweep.words.push(word.to_string());
                }
            }
        }
    }

    fn lengths_fit(&mut self, sweep: &Sweep) {
        for group in &sweep.zip {
            let of_itself = |axis: &&usize| !matches!(sweep.axes[**axis].values, Values::Formula(_));
            let lengths: Vec<(usize, usize)> =
                group.iter().filter(of_itself).map(|axis| (*axis, sweep.axes[*axis].count())).collect();
            if let Some(formula) = group.iter().find(|axis| matches!(sweep.axes[**axis].values, Values::Formula(_))) {
                let axis = &sweep.axes[*formula];
                let fault = axis.place.error(format!("`{}` is a formula: it cannot be zipped", axis.path), "a formula");
                self.faults.push(fault.help("leave it out of `sweep.zip`: it follows from the other axes anyway"));
            }
            let Some((first, length)) = lengths.first() else { continue };
            if let Some((other, found)) = lengths.iter().find(|(_, found)| found != length) {
                let (first, other) = (&sweep.axes[*first], &sweep.axes[*other]);
                let message = format!("`{}` and `{}` are zipped but differ in length", first.path, other.path);
                let fault = other.place.error(message, call::count(*found, "value"));
                self.faults.push(first.place.label(fault, call::count(*length, "value")));
            }
        }
    }

    /// Reports axes whose path or values the table of keys does not allow.
    fn axes_exist(&mut self, entries: &[Entry], axes: &[Option<Axis>]) {
        let root = Place { source: self.written.source.clone(), span: 0..0 };
        let mut reported: Vec<Diagnostic> = Vec::new();
        let mut seen: Vec<(Vec<String>, &Place)> = Vec::new();
        for (entry, axis) in entries.iter().zip(axes) {
            if let Ok(segments) = set::segments(&entry.name) {
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == segments) {
                    let fault = entry.place.error("two axes vary the same key", "again");
                    reported.push(first.label(fault, "first"));
                }
                let first = segments[0].as_str();
                if NOT_AXES.contains(&first) {
                    let message = format!("`{first}` cannot be varied: it does not change a run");
                    reported.push(entry.place.error(message, "not an axis"));
                    continue;
                }
                seen.push((segments, &entry.place));
            }
            let nodes: Vec<Node> = match axis.as_ref().map(|axis| &axis.values) {
                Some(Values::Listed(nodes)) => nodes.iter().take(TRIED).cloned().collect(),
                Some(Values::Numbers { path, numbers, round }) => {
                    numbers.iter().take(TRIED).map(|number| made(path, *number, *round)).collect()
                }
                // Any number will do to see whether the path is one.
                Some(Values::Formula(_)) => vec![made(&entry.name, 1.0, false)],
                None => Vec::new(),
            };
            for node in nodes {
                let mut tree = self.written.table.clone();
                if let Err(fault) = set::graft(&mut tree, &entry.name, &entry.place, node.clone()) {
                    reported.push(fault);
                    break;
                }
                let mut reader = self.reader(Vec::new(), false);
                reader.section(&tree, &root, &EXPERIMENT, "");
                let formula = matches!(axis, Some(Axis { values: Values::Formula(_), .. }));
                let here = |fault: &Diagnostic| {
                    fault.labels.first().is_some_and(|label| {
                        let inside = |place: &Place| {
                            place.source == label.source
                                && place.span.start <= label.span.start
                                && label.span.end <= place.span.end
                        };
                        inside(&entry.place) || inside(&node.place) && !formula
                    })
                };
                let found = reader.faults.into_iter().filter(here);
                let mut found: Vec<Diagnostic> = found.filter(|fault| !self.faults.contains(fault)).collect();
                if node.place.source != self.written.source
                    && let Some(first) = found.drain(..).next()
                {
                    // Of numbers that the file does not spell out, the first faulty one says enough.
                    let mut fault = entry.place.label(first, "a value of this axis");
                    if fault.message.contains("whole number") {
                        fault = fault.help("`round = true` makes them whole");
                    }
                    reported.push(fault);
                    break;
                }
                reported.extend(found);
            }
        }
        for fault in reported {
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
    }

    /// The section with its defaults.
    fn written_sweep(&self, table: &Table) -> toml::Table {
        let mut written = toml::Table::new();
        if let Some(repeats) = self.integer(table, &SWEEP, "repeats") {
            written.insert("repeats".into(), repeats.into());
        }
        for key in ["zip", "when"] {
            if let Some(node) = table.get(key) {
                written.insert(key.into(), plain(node));
            }
        }
        let entries = table.table("axes").map_or(&[][..], |axes| &axes.entries);
        let long = entries.iter().any(|entry| entry.value.table().is_some());
        let mut axes = toml::Table::new();
        for entry in entries {
            let mut value = plain(&entry.value);
            if let (Some(table), Some(section)) = (value.as_table_mut(), entry.value.table()) {
                let default = if table.contains_key("draw") { "design" } else { "scale" };
                if table.contains_key("count")
                    && let Some(word) = self.word(section, &AXIS, default)
                {
                    table.insert(default.into(), word.into());
                }
            } else if long {
                // TOML is written with tables after all else, and the order of the axes is that of the plan: if one is
                // in its long form, all are.
                let key = if value.is_str() { "formula" } else { "values" };
                value = toml::Table::from_iter([(key.to_string(), value)]).into();
            }
            axes.insert(entry.name.clone(), value);
        }
        written.insert("axes".into(), axes.into());
        written
    }
}

/// The number of twelve digits next to a value of a range, where they differ by rounding alone: 0.3, not
/// 0.30000000000000004. A logarithm and its inverse cost some tens of units in the last place.
fn tidy(value: f64) -> f64 {
    match format!("{value:.11e}").parse::<f64>() {
        Ok(short) if (short - value).abs() <= 64.0 * f64::EPSILON * value.abs() => short,
        _ => value,
    }
}

/// A value as TOML has it.
pub fn plain(node: &Node) -> toml::Value {
    match &node.content {
        Content::Text(text) => text.text.clone().into(),
        Content::Integer(value) => (*value).into(),
        Content::Float(value) => (*value).into(),
        Content::Flag(flag) => (*flag).into(),
        Content::List(nodes) => nodes.iter().map(plain).collect::<Vec<_>>().into(),
        Content::Table(table) => {
            let entries = table.entries.iter().map(|entry| (entry.name.clone(), plain(&entry.value)));
            entries.collect::<toml::Table>().into()
        }
        Content::Date | Content::Broken => String::new().into(),
    }
}
