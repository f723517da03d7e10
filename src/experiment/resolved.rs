//! An experiment with every default written out, as TOML that can be run again and gives the same runs.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use super::{Data, Experiment, Form, Parameter, Prior, Resampling, Transform};
use crate::engine::Lanes;
use crate::kind::{self, Kind, Settings};
use crate::language::tree::Formula;

/// The whole file. `data` is what the file says of files and grids, with defaults.
pub fn table(experiment: &Experiment, data: Option<Table>) -> Table {
    let mut root = Table::new();
    for (key, text) in
        [("title", &experiment.title), ("about", &experiment.about), ("reference", &experiment.reference)]
    {
        put_some(&mut root, key, text.clone());
    }
    put(&mut root, "seed", experiment.seed as i64);
    let mut constants = named(experiment.constants.iter().map(|(name, value)| (name.clone(), *value)));
    constants.extend(named(experiment.vectors.iter().map(|(name, values)| (name.clone(), values.to_vec()))));
    put(&mut root, "constants", constants);
    if let Some(data) = data {
        put(&mut root, "data", written_data(experiment, data));
    }
    put(&mut root, "simulator", simulator(experiment));
    put(&mut root, "parameters", named(experiment.parameters.iter().map(|p| (p.name.clone(), parameter(p)))));
    put(&mut root, "loss", loss(experiment));
    let mut differentiation = Table::new();
    put(&mut differentiation, "methods", words(&experiment.differentiation.methods));
    put_some(&mut differentiation, "step", experiment.differentiation.step);
    put(&mut differentiation, "symbolic", symbolic(&experiment.differentiation.symbolic));
    put(&mut differentiation, "compare", compare(experiment));
    put(&mut root, "differentiation", differentiation);
    let mut budget = Table::new();
    put(&mut budget, "evaluations", whole(experiment.budget.evaluations));
    put_some(&mut budget, "gradients", experiment.budget.gradients.map(whole));
    put_some(&mut budget, "iterations", experiment.budget.iterations.map(whole));
    put_some(&mut budget, "seconds", experiment.budget.seconds);
    put_some(&mut budget, "target", experiment.budget.target);
    put_some(&mut budget, "stagnation", experiment.budget.stagnation.map(whole));
    put(&mut root, "budget", budget);
    let mut intervals = Table::new();
    put(&mut intervals, "methods", words(&experiment.intervals.methods));
    put(&mut intervals, "level", experiment.intervals.level);
    put(&mut intervals, "resamples", whole(experiment.intervals.resamples as u64));
    let bootstrap = experiment.intervals.resampling.map(|resampling| match resampling {
        Resampling::Parametric => "parametric",
        Resampling::Cases => "cases",
    });
    put_some(&mut intervals, "bootstrap", bootstrap);
    put(&mut root, "intervals", intervals);
    let mut engine = Table::new();
    put(&mut engine, "lanes", Lanes::wish(experiment.lanes));
    put(&mut root, "engine", engine);
    put(&mut root, "sweep", experiment.sweep.written.clone());
    let mut expected = Table::new();
    put_some(&mut expected, "loss", experiment.expected.loss);
    put(&mut expected, "tolerance", experiment.expected.tolerance);
    if !experiment.expected.standard_errors.is_empty() {
        put(&mut expected, "standard_errors", named(experiment.expected.standard_errors.iter().cloned()));
    }
    expected.extend(named(experiment.expected.parameters.iter().cloned()));
    put(&mut root, "expected", expected);
    let optimizers: Vec<Value> = experiment.optimizers.iter().map(optimizer).collect();
    put(&mut root, "optimizer", optimizers);
    root
}

fn symbolic(form: &Form) -> Table {
    let mut table = Table::new();
    put(&mut table, "sharing", form.sharing.word());
    put(&mut table, "expand", form.expand);
    put(&mut table, "simplify", form.simplify);
    put(&mut table, "limit", form.limit as i64);
    table
}

/// The text of `resolved.toml` in folder `to`, of an experiment that was read in folder `from`: a relative path of data
/// is written relative to where the text will lie.
pub fn text(experiment: &Experiment, from: &Path, to: &Path) -> String {
    let mut table = experiment.resolved.clone();
    let data = table.get_mut("data").and_then(Value::as_table_mut);
    if let Some(Value::String(file)) = data.and_then(|data| data.get_mut("file"))
        && Path::new(file.as_str()).is_relative()
    {
        *file = relative(&from.join(file.as_str()), to);
    }
    // A table of numbers, texts and tables can always be written.
    toml::to_string(&table).unwrap_or_default()
}

/// A path as seen from a folder, both taken from the working folder where they are relative.
fn relative(path: &Path, folder: &Path) -> String {
    let plain = |path: &Path| -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        // An empty path is the working folder.
        let absolute = std::path::absolute(Path::new(".").join(path)).unwrap_or_else(|_| PathBuf::from(path));
        for part in absolute.components() {
            match part {
                Component::ParentDir => _ = parts.pop(),
                Component::CurDir => {}
                other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    let (path, folder) = (plain(path), plain(folder));
    let shared = path.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - shared);
    up.chain(path[shared..].iter().map(String::as_str)).collect::<Vec<_>>().join("/")
}

/// Settings of a row as the file writes them.
pub fn settings(settings: &Settings) -> impl Iterator<Item = (String, Value)> + '_ {
    settings.0.iter().map(|(name, value)| {
        let value = match value {
            kind::Value::Number(number) => (*number).into(),
            kind::Value::Integer(integer) => (*integer).into(),
            kind::Value::Choice(word) => (*word).into(),
            kind::Value::Flag(flag) => (*flag).into(),
            kind::Value::Numbers(numbers) => numbers.clone().into(),
            kind::Value::Formula(text) => text.clone().into(),
        };
        (name.to_string(), value)
    })
}

/// One `[[optimizer]]`.
pub fn optimizer(optimizer: &super::Optimizer) -> Value {
    let mut table = Table::new();
    put(&mut table, "method", optimizer.row.kind.name);
    put(&mut table, "label", optimizer.label.clone());
    put(&mut table, "starts", whole(optimizer.starts));
    put_some(&mut table, "polish", optimizer.polish.map(|row| row.kind.name));
    table.extend(settings(&optimizer.settings));
    table.into()
}

/// A prior as a call: every number to the last digit, formulas as they were written.
pub fn call(prior: &Prior) -> String {
    let argument = |name: &'static str| match (prior.arguments.0.get(name), &prior.inner) {
        (Some(kind::Value::Number(number)), _) => format!("{number:?}"),
        (Some(kind::Value::Integer(integer)), _) => integer.to_string(),
        (Some(kind::Value::Numbers(numbers)), _) => {
            numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(", ")
        }
        (_, inner) => match (prior.formulas.iter().find(|(other, _)| *other == name), inner) {
            (Some((_, formula)), _) => text_of_part(formula).to_string(),
            (None, Some(inner)) => call(inner),
            (None, None) => String::new(),
        },
    };
    let arguments: Vec<String> = prior.row.kind.settings.iter().map(|setting| argument(setting.name)).collect();
    format!("{}({})", prior.row.kind.name, arguments.join(", "))
}

fn written_data(experiment: &Experiment, mut data: Table) -> Table {
    let Data::Synthetic { truth, noise, .. } = &experiment.data else { return data };
    let mut values = truth.iter().copied();
    let mut truth = Table::new();
    for parameter in &experiment.parameters {
        let elements: Vec<f64> = values.by_ref().take(parameter.len()).collect();
        put(&mut truth, &parameter.name, elements_of(parameter, &elements));
    }
    put(&mut data, "truth", truth);
    let calls = noise.iter().map(|noise| {
        let arguments: Vec<&str> = noise.arguments.iter().map(text_of_part).collect();
        (noise.output.clone(), format!("{}({})", noise.distribution, arguments.join(", ")))
    });
    put(&mut data, "noise", named(calls));
    named([("synthetic".to_string(), data)])
}

fn simulator(experiment: &Experiment) -> Table {
    let simulator = &experiment.simulator;
    let formulas = |formulas: &[(String, Formula)]| {
        named(formulas.iter().map(|(name, formula)| (name.clone(), formula.text.text.clone())))
    };
    let mut table = Table::new();
    put(&mut table, "kind", simulator.kind.name);
    if !simulator.terms.is_empty() {
        put(&mut table, "let", formulas(&simulator.terms));
    }
    put_some(&mut table, "program", simulator.program.as_ref().map(|program| program.text.text.clone()));
    put(&mut table, "outputs", formulas(&simulator.outputs));
    table
}

fn compare(experiment: &Experiment) -> Table {
    let compare = &experiment.differentiation.compare;
    let mut table = Table::new();
    put(&mut table, "of", compare.of.word());
    put_some(&mut table, "outputs", compare.outputs.map(|outputs| whole(outputs as u64)));
    put(&mut table, "points", whole(compare.points as u64));
    let grid = compare.grid.iter();
    let grid = named(grid.map(|(index, values)| (experiment.parameters[*index].name.clone(), values.clone())));
    if !grid.is_empty() {
        put(&mut table, "grid", grid);
    }
    table
}

fn parameter(parameter: &Parameter) -> Table {
    let mut table = Table::new();
    put(&mut table, "prior", call(&parameter.prior));
    put_some(&mut table, "size", parameter.size.map(|size| whole(size as u64)));
    put_some(&mut table, "unit", parameter.unit.clone());
    put_some(&mut table, "start", parameter.start.as_ref().map(|values| elements_of(parameter, values)));
    put_some(&mut table, "bounds", parameter.bounds.map(|(low, high)| vec![low, high]));
    let transform = parameter.transform.map(|transform| match transform {
        Transform::Identity => "identity",
        Transform::Log => "log",
        Transform::Logit => "logit",
    });
    put_some(&mut table, "transform", transform);
    put_some(&mut table, "reference", parameter.reference.as_ref().map(|values| elements_of(parameter, values)));
    table
}

fn loss(experiment: &Experiment) -> Table {
    let loss = &experiment.loss;
    let outputs = || experiment.simulator.outputs.iter().map(|(name, _)| name.clone());
    let mut table = Table::new();
    put(&mut table, "kind", loss.row.kind.name);
    table.extend(settings(&loss.settings));
    put(&mut table, "prior", loss.prior);
    let sigma: Vec<(String, String)> = outputs()
        .zip(&loss.sigma)
        .filter_map(|(name, formula)| Some((name, formula.as_ref()?.text.text.clone())))
        .collect();
    if !sigma.is_empty() {
        put(&mut table, "sigma", named(sigma));
    }
    put(&mut table, "weight", named(outputs().zip(loss.weight.iter().copied())));
    table
}

/// The text of an argument, cut out of its call.
fn text_of_part(formula: &Formula) -> &str {
    formula.text.text.get(formula.tree.span.clone()).unwrap_or_default()
}

fn elements_of(parameter: &Parameter, values: &[f64]) -> Value {
    match (parameter.size, values) {
        (None, [value]) => (*value).into(),
        _ => values.to_vec().into(),
    }
}

fn words(kinds: &[&'static Kind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.name).collect()
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn named<V: Into<Value>>(entries: impl IntoIterator<Item = (String, V)>) -> Table {
    entries.into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn put(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.to_string(), value.into());
}

fn put_some<V: Into<Value>>(table: &mut Table, key: &str, value: Option<V>) {
    if let Some(value) = value {
        put(table, key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_seen_from_the_folder() {
        let seen = |path: &str, folder: &str| relative(Path::new(path), Path::new(folder));
        assert_eq!(seen("experiments/../data/x.csv", "results/half_life"), "../../data/x.csv");
        assert_eq!(seen("x.csv", ""), "x.csv");
        assert_eq!(seen("a/x.csv", "a"), "x.csv");
    }
}
