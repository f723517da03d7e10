//! What `[parameters]` means: sizes, priors, boxes, starts, transformations, references.

use super::check::Check;
use super::file::{Entry, Node, Place, Table};
use super::keys::PARAMETER;
use super::{Parameter, Prior, Transform, call};
use crate::diagnostic::Diagnostic;

/// A parameter of the file: its name and place even where the rest is faulty.
pub struct Declared {
    pub name: String,
    pub size: Option<usize>,
    /// Of the prior, or of the whole value.
    pub prior_place: Place,
    pub name_place: Place,
    pub checked: Option<Parameter>,
}

/// How far from 1 the sum of shares may be by rounding.
const WHOLE: f64 = 1e-9;

impl Check<'_> {
    pub fn parameters(&mut self) -> Vec<Declared> {
        let section = self.written.table.entry("parameters");
        let Some((section, table)) = section.and_then(|section| Some((section, section.value.table()?))) else {
            self.scope.open = true;
            return Vec::new();
        };
        if table.entries.is_empty() {
            let fault = section.place.error("`parameters` names no parameter", "empty");
            self.faults.push(fault.help("write for instance `rate = \"log_uniform(0.01, 10)\"`"));
        }
        table.entries.iter().map(|entry| self.parameter(entry)).collect()
    }

    fn parameter(&mut self, entry: &Entry) -> Declared {
        let empty = Table::default();
        let long = entry.value.table().unwrap_or(&empty);
        let prior = entry.value.table().map_or(Some(&entry.value), |table| table.get("prior"));
        let size = self.integer(long, &PARAMETER, "size").filter(|size| *size >= 1).map(|size| size as usize);
        // Several concentrations say how many shares there are.
        let size = size.or_else(|| call::shares(prior?, self.catalog));
        self.scope.declare(&entry.name, "parameter", &entry.place, size, &mut self.faults);
        let prior_place = prior.map_or(&entry.place, |node| &node.place).clone();
        let checked = prior.and_then(|prior| self.checked_parameter(entry, long, prior, size));
        Declared { name: entry.name.clone(), size, prior_place, name_place: entry.place.clone(), checked }
    }

    fn checked_parameter(
        &mut self,
        entry: &Entry,
        long: &Table,
        prior: &Node,
        size: Option<usize>,
    ) -> Option<Parameter> {
        let path = |key: &str| format!("parameters.{}.{key}", entry.name);
        let bounds = long.get("bounds").map(|node| self.bounds(node, &path("bounds")));
        let values = |check: &mut Self, key: &str| {
            long.get(key).map(|node| check.elements(node, size, &path(key)).map(|values| (values, &node.place)))
        };
        let start = values(self, "start");
        let reference = values(self, "reference");
        let transform = long.get("transform").map(|node| (transform(node), &node.place));

        let names: Vec<&str> = self.section("parameters")?.entries.iter().map(|entry| entry.name.as_str()).collect();
        let judged = call::prior(prior, &entry.name, &names, self.catalog, &self.constants, &mut Vec::new())?;
        for formula in judged.all_formulas() {
            // The parameters above are declared, and so are columns: those vary from row to row.
            let earlier = self.scope.names(&self.columns());
            self.check_names(formula, earlier);
        }
        let row = judged.row;
        if row.simplex {
            self.shares_are_sound(&entry.name, &judged, long, size, &prior.place)?;
        }
        let parameter = Parameter {
            name: entry.name.clone(),
            size,
            prior: judged,
            unit: long.get("unit").and_then(Node::str).map(str::to_string),
            start: flat(&start)?.map(|(values, _)| values.clone()),
            bounds: flat(&bounds)?.copied(),
            transform: match transform {
                None => None,
                Some((transform, _)) => Some(transform?),
            },
            reference: flat(&reference)?.map(|(values, _)| values.clone()),
        };
        self.box_is_sound(&parameter, long, &prior.place);
        if let Some(Some((values, place))) = &start {
            self.start_is_inside(&parameter, values, place);
            self.shares_add_up(&parameter, values, place, "start");
        } else if !parameter.prior.row.proper {
            let fault = prior.place.error(
                format!("`{}` needs a `start`: its prior `{}` cannot be drawn from", entry.name, row.kind.name),
                "no density",
            );
            self.faults.push(fault.help("write `{ prior = …, start = … }`"));
        }
        if let Some(Some((values, place))) = &reference {
            let (low, high) = parameter.limits();
            if let Some(value) = values.iter().find(|value| **value < low || **value > high) {
                let message = format!("the reference of `{}` lies outside its box", entry.name);
                self.faults.push(place.warning(message, format!("{value} is not in [{low}, {high}]")));
            }
        }
        Some(parameter)
    }

    /// A prior of shares of a whole wants a vector of two or more, has a number for each or one for all, and leaves
    /// nothing to say about the box. None where there is no such vector.
    fn shares_are_sound(
        &mut self,
        name: &str,
        prior: &Prior,
        long: &Table,
        size: Option<usize>,
        place: &Place,
    ) -> Option<()> {
        let word = prior.row.kind.name;
        for key in ["bounds", "transform"] {
            if let Some(entry) = long.entry(key) {
                let message = format!("the elements of `{name}` are shares of a whole: they have no `{key}`");
                let fault =
                    place.label(entry.place.error(message, "not here"), format!("`{word}` says where they lie"));
                self.faults.push(fault.help("leave it out"));
            }
        }
        let concentrations: usize = prior.arguments.0.keys().map(|key| prior.arguments.numbers(key).len()).sum();
        let (fault, help) = match size {
            None => (
                place
                    .error(format!("`{name}` needs a `size`: `{word}` is the prior of a vector"), "one number for all"),
                format!("write `{{ prior = \"{word}(1)\", size = 3 }}`, or a number for each element"),
            ),
            Some(1) => (
                place.error(format!("`{name}` has one element: alone it is the whole, 1"), "two or more are needed"),
                format!("`size` counts the elements; `{word}(1, 1)` has two"),
            ),
            Some(size) if ![1, size].contains(&concentrations) => {
                let message = format!("`{name}` has {size} elements, but `{word}` has {concentrations} numbers");
                let fault = place.error(message, call::count(concentrations, "number"));
                let fault = match long.get("size") {
                    Some(node) => node.place.label(fault, call::count(size, "element")),
                    None => fault,
                };
                (fault, "give one number for each element, or one for all".to_string())
            }
            Some(_) => return Some(()),
        };
        self.faults.push(fault.help(help));
        None
    }

    /// Reports values of shares of a whole whose sum is not 1.
    pub fn shares_add_up(&mut self, parameter: &Parameter, values: &[f64], place: &Place, what: &str) {
        let sum: f64 = values.iter().sum();
        if parameter.prior.row.simplex && (sum - 1.0).abs() > WHOLE {
            let message = format!("the {what} of `{}` must add up to 1", parameter.name);
            let fault = place.error(message, format!("the sum is {sum}"));
            self.faults.push(fault.help("constant formulas such as `\"1/3\"` are exact"));
        }
    }

    /// The data columns, which priors cannot name.
    fn columns(&self) -> Vec<(String, String)> {
        let reason = "it differs from row to row";
        self.scope.columns().map(|name| (name.to_string(), reason.to_string())).collect()
    }

    fn bounds(&mut self, node: &Node, path: &str) -> Option<(f64, f64)> {
        let [low, high] = node.list()? else { return None };
        let (low, high) = (self.quiet(low)?, self.quiet(high)?);
        if low >= high {
            let message = format!("`{path}` is an empty box: {low} is not below {high}");
            self.faults.push(node.place.error(message, "low must be below high"));
            return None;
        }
        (low < high).then_some((low, high))
    }

    fn box_is_sound(&mut self, parameter: &Parameter, long: &Table, prior: &Place) {
        let (low, high) = parameter.limits();
        let support = parameter.prior.support();
        let name = &parameter.name;
        if parameter.is_fixed() {
            for key in ["bounds", "transform"] {
                if let Some(entry) = long.entry(key) {
                    let message = format!("`{name}` is fixed at {}: it has no `{key}`", support.0);
                    self.faults.push(prior.label(entry.place.error(message, "has no effect"), "fixed here"));
                }
            }
            return;
        }
        let range = format!("[{low}, {high}]");
        if low >= high
            && let Some(node) = long.get("bounds")
        {
            let message = format!("the box of `{name}` is empty: its bounds leave nothing of the prior's support");
            let fault = node.place.error(message, "bounds");
            self.faults.push(prior.label(fault, format!("support [{}, {}]", support.0, support.1)));
            return;
        }
        let Some(place) = long.get("transform").map(|node| &node.place) else { return };
        let fault = match parameter.transform {
            Some(Transform::Log) if low < 0.0 => {
                place.error(format!("`{name}` cannot be searched by its logarithm: its box {range} includes 0"), "")
            }
            Some(Transform::Logit) if !(low.is_finite() && high.is_finite()) => {
                place.error(format!("`{name}` cannot be searched by its logit: its box {range} is not finite"), "")
            }
            _ => return,
        };
        self.faults
            .push(prior.label(fault, format!("box {range}")).help("give narrower `bounds`, or leave `transform` out"));
    }

    fn start_is_inside(&mut self, parameter: &Parameter, values: &[f64], place: &Place) {
        let (low, high) = parameter.limits();
        let name = &parameter.name;
        if parameter.is_fixed() {
            if values.iter().any(|value| *value != low) {
                let message = format!("`{name}` is fixed at {low}: it cannot start elsewhere");
                self.faults.push(place.error(message, "another value"));
            }
            return;
        }
        if low >= high {
            return;
        }
        for value in values {
            if *value < low || *value > high {
                let message = format!("the start of `{name}` lies outside its box");
                let fault = place.error(message, format!("{value} is not in [{low}, {high}]"));
                return self.faults.push(fault.help("the box is the prior's support inside `bounds`"));
            }
            // At a finite end the logarithm or logit is infinite: nothing can be searched from there.
            let on_edge = *value == low || *value == high;
            if on_edge && parameter.transform != Some(Transform::Identity) {
                let message =
                    format!("`{name}` starts on the edge of its box, where its search coordinate is infinite");
                let fault = place.error(message, format!("an end of [{low}, {high}]"));
                return self.faults.push(fault.help("start inside the box"));
            }
        }
    }
}

/// A key that is absent (`Some(None)`), good, or faulty (`None`).
fn flat<T>(value: &Option<Option<T>>) -> Option<Option<&T>> {
    match value {
        None => Some(None),
        Some(value) => value.as_ref().map(Some),
    }
}

fn transform(node: &Node) -> Option<Transform> {
    match node.str()? {
        "identity" => Some(Transform::Identity),
        "log" => Some(Transform::Log),
        "logit" => Some(Transform::Logit),
        _ => None,
    }
}

/// Every scalar's name: `a`, `A[0]`, ….
pub fn scalar_names(parameters: &[Declared]) -> Vec<String> {
    parameters
        .iter()
        .flat_map(|parameter| match parameter.size {
            None => vec![parameter.name.clone()],
            Some(size) => (0..size).map(|i| format!("{}[{i}]", parameter.name)).collect(),
        })
        .collect()
}

/// Reports names that no parameter has; the others come back with their positions among the parameters.
pub fn by_parameter<'a>(
    table: &'a Table,
    parameters: &[Declared],
    path: &str,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(usize, &'a Entry)> {
    let mut found = Vec::new();
    for entry in &table.entries {
        match parameters.iter().position(|parameter| parameter.name == entry.name) {
            Some(index) => found.push((index, entry)),
            None => {
                let message =
                    format!("`{path}` names `{}`, which is not a parameter", super::reader::shown(&entry.name));
                let fault = entry.place.error(message, "unknown parameter");
                let names = parameters.iter().map(|parameter| parameter.name.as_str());
                faults.push(super::reader::suggest(fault, &entry.name, names));
            }
        }
    }
    found
}
