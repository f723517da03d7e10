//! The plan: every run of an experiment, laid out before the first one starts.
//!
//! Runs that differ in their repeat only stand beside each other and make a *group*. The plan holds groups; a run and its
//! identity are worked out when they are asked for, so that a plan of a million repeats takes no more room than one of ten.

pub mod shard;

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::data::hexadecimal;
use crate::diagnostic::Diagnostic;
use crate::experiment::sweep::Combination;
use crate::experiment::{self, Data, Experiment, Sweep, Written};
use crate::kind::{Catalog, Kind};

/// One optimizer from one start, with one differentiation method, at one combination of the axes.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Position in the plan; the `run` column.
    pub index: usize,
    /// Which of `Plan::variants` it belongs to.
    pub variant: usize,
    /// Position in the experiment's list of optimizers.
    pub optimizer: usize,
    /// None for optimizers that use no gradient.
    pub method: Option<&'static Kind>,
    /// From 0; repeat 0 begins at `start`.
    pub repeat: usize,
}

/// One optimizer with one differentiation method at one combination of the axes: as many runs as there are repeats.
#[derive(Clone, Debug)]
pub struct Group {
    pub variant: usize,
    pub optimizer: usize,
    pub method: Option<&'static Kind>,
    /// Positions of its runs in the plan.
    pub runs: Range<usize>,
    /// Has taken in everything that determines the numbers of its runs but the repeat.
    key: Sha256,
}

/// One combination of the axes: the values as CSV has them, and the experiment that they give, which has no axes of its
/// own.
#[derive(Clone, Debug)]
pub struct Variant {
    pub values: Vec<String>,
    pub experiment: Arc<Experiment>,
}

/// A combination of the axes that is left out.
#[derive(Clone, Debug)]
pub struct Skipped {
    pub values: Vec<String>,
    /// The condition that does not hold.
    pub reason: String,
    /// The variant before which it would stand.
    pub before: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Dotted paths of the axes, in the order of the file.
    pub axes: Vec<String>,
    pub variants: Vec<Variant>,
    /// In the order of the combinations.
    pub skipped: Vec<Skipped>,
    /// The sweep has conditions, though they may all hold.
    pub conditional: bool,
    /// In the order of their runs.
    pub groups: Vec<Group>,
}

impl Plan {
    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.groups.last().map_or(0, |group| group.runs.end)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The run at a position of the plan, which is below `len`.
    pub fn run(&self, index: usize) -> Run {
        self.groups[self.group(index)].run(index)
    }

    /// The group of the run at a position of the plan, as its place among the groups.
    pub fn group(&self, index: usize) -> usize {
        self.groups.partition_point(|group| group.runs.end <= index)
    }

    /// Every run, in order.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.groups.iter().flat_map(|group| group.runs.clone().map(|index| group.run(index)))
    }

    /// SHA-256 of what determines the numbers of the run at a position, in hexadecimal: the key of the journal.
    pub fn identity(&self, index: usize) -> String {
        hexadecimal(&self.groups[self.group(index)].identity(index))
    }

    /// The identities of all runs, in order.
    pub fn identities(&self) -> impl Iterator<Item = [u8; 32]> {
        self.groups.iter().flat_map(|group| group.runs.clone().map(|index| group.identity(index)))
    }

    pub fn experiment(&self, run: &Run) -> &Experiment {
        &self.variants[run.variant].experiment
    }

    /// SHA-256 of the identities of all runs in their order, one a line: what is planned, in one word.
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for identity in self.identities() {
            hash.update(hexadecimal(&identity).as_bytes());
            hash.update(b"\n");
        }
        hexadecimal(&hash.finalize())
    }

    /// The word of a run's optimizer in the reports.
    pub fn optimizer(&self, run: &Run) -> &str {
        &self.experiment(run).optimizers[run.optimizer].label
    }

    /// What the reports call a run's differentiation method.
    pub fn differentiation(&self, run: &Run) -> Option<String> {
        Some(self.experiment(run).differentiation.name(run.method?))
    }
}

/// Goes into every identity: to be raised when a run of the same settings gives other numbers.
const VERSION: &str = "sbi-run 2";
const MOST_RUNS: usize = 10_000_000;
/// Faults of combinations that are shown.
const MOST_FAULTS: usize = 50;

/// Lays out every run: combinations of the axes (the last varies fastest), then optimizers, methods, repeats.
///
/// The file is checked again for each combination, and all faults are reported, each with the values that gave it.
pub fn lay_out(written: &Written, experiment: &Experiment, catalog: &Catalog) -> Result<Plan, Vec<Diagnostic>> {
    let sweep = &experiment.sweep;
    let place = || written.table.entry("sweep").map(|entry| &entry.place);
    let of_each = groups_of(experiment).len().saturating_mul(experiment.sweep.repeats);
    let most = |n: usize| n.checked_mul(of_each.max(1)).is_some_and(|runs| runs <= MOST_RUNS);
    let Some(combinations) = sweep.combinations().filter(|n| most(*n)) else {
        let message = format!("the plan has more than {MOST_RUNS} runs");
        let fault = Diagnostic::error(message).help("fewer `sweep.repeats`, or fewer values of the axes");
        return Err(vec![place().map_or(fault.clone(), |place| place.label(fault, "too many"))]);
    };
    let axes = sweep.axes.iter().map(|axis| axis.path.clone()).collect();
    let mut plan = Plan { axes, conditional: !sweep.conditions.is_empty(), ..Plan::default() };
    let mut faults = Vec::new();
    let base = written.without_axes();
    for index in 0..combinations {
        let found = sweep.at(index, &experiment.constants).and_then(|combination| {
            let values = combination.values.iter().map(shown).collect();
            match combination.skipped {
                Some(reason) => Ok(Err(Skipped { values, reason, before: plan.variants.len() })),
                None => variant(&base, experiment, sweep, combination, values, catalog).map(Ok),
            }
        });
        match found {
            Ok(_) if !faults.is_empty() => {}
            Ok(Ok(variant)) => plan.push(variant),
            Ok(Err(skipped)) => plan.skipped.push(skipped),
            Err(found) => found.into_iter().for_each(|fault| add(&mut faults, fault)),
        }
    }
    if faults.is_empty() && plan.variants.is_empty() {
        let fault = Diagnostic::error("`sweep.when` leaves out every combination");
        let fault = fault.help(format!("the first is left out by `{}`", plan.skipped[0].reason));
        faults.push(place().map_or(fault.clone(), |place| place.label(fault, "nothing is left to run")));
    }
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}

/// The same fault at many combinations is shown once, with the first of them.
fn add(faults: &mut Vec<Diagnostic>, fault: Diagnostic) {
    let same = |other: &Diagnostic| other.message == fault.message && other.labels == fault.labels;
    if fault.is_error() && faults.len() < MOST_FAULTS && !faults.iter().any(same) {
        faults.push(fault);
    }
}

/// A value of an axis as CSV has it.
fn shown(node: &experiment::file::Node) -> String {
    match experiment::plain(node) {
        toml::Value::String(text) => text,
        toml::Value::Float(number) => shortest(number),
        value => value.to_string(),
    }
}

fn variant(
    written: &Written,
    experiment: &Experiment,
    sweep: &Sweep,
    combination: Combination,
    values: Vec<String>,
    catalog: &Catalog,
) -> Result<Variant, Vec<Diagnostic>> {
    if sweep.axes.is_empty() {
        return Ok(Variant { values, experiment: Arc::new(experiment.clone()) });
    }
    let mut changed = written.clone();
    for (axis, node) in sweep.axes.iter().zip(combination.values) {
        changed = changed.with(&axis.path, &axis.place, node).map_err(|fault| vec![fault])?;
    }
    match experiment::check(&changed, catalog) {
        Ok((experiment, _)) => Ok(Variant { values, experiment: Arc::new(experiment) }),
        Err(faults) => {
            let at = sweep.axes.iter().zip(&values).map(|(axis, value)| format!("`{}` = {value}", axis.path));
            let help = format!("with {}", at.collect::<Vec<_>>().join(", "));
            Err(faults.into_iter().map(|fault| fault.help(help.clone())).collect())
        }
    }
}

/// The shortest digits that read back to the same double.
fn shortest(number: f64) -> String {
    let digits = format!("{number:?}");
    digits.strip_suffix(".0").map_or(digits.clone(), str::to_string)
}

/// (optimizer, method) of every group of one combination, in order.
fn groups_of(experiment: &Experiment) -> Vec<(usize, Option<&'static Kind>)> {
    let mut groups = Vec::new();
    for (index, optimizer) in experiment.optimizers.iter().enumerate() {
        match optimizer.row.gradient {
            true => groups.extend(experiment.differentiation.methods.iter().map(|method| (index, Some(*method)))),
            false => groups.push((index, None)),
        }
    }
    groups
}

impl Plan {
    /// Adds a combination of the axes after the others.
    pub(crate) fn push(&mut self, variant: Variant) {
        let experiment = &variant.experiment;
        let shared = identity_of_variant(experiment);
        for (optimizer, method) in groups_of(experiment) {
            let mut key = Sha256::new();
            key.update(shared);
            absorb(&mut key, &experiment::written_optimizer(&experiment.optimizers[optimizer]));
            absorb(&mut key, &method.map_or("", |method| method.name).into());
            let first = self.len();
            let runs = first..first + experiment.sweep.repeats;
            self.groups.push(Group { variant: self.variants.len(), optimizer, method, runs, key });
        }
        self.variants.push(variant);
    }
}

impl Group {
    fn run(&self, index: usize) -> Run {
        let Group { variant, optimizer, method, .. } = *self;
        Run { index, variant, optimizer, method, repeat: index - self.runs.start }
    }

    fn identity(&self, index: usize) -> [u8; 32] {
        let mut hash = self.key.clone();
        absorb(&mut hash, &((index - self.runs.start) as i64).into());
        hash.finalize().into()
    }
}

/// Hash of what all runs of a combination share: everything that can change their numbers, and nothing else. The data
/// count by their checksum, wherever they lie.
fn identity_of_variant(experiment: &Experiment) -> [u8; 32] {
    let mut table = experiment.resolved.clone();
    for key in ["title", "about", "reference", "sweep", "expected", "optimizer", "engine"] {
        table.remove(key);
    }
    let inner = |table: &mut toml::Table, section: &str, keys: &[&str]| {
        if let Some(section) = table.get_mut(section).and_then(toml::Value::as_table_mut) {
            keys.iter().for_each(|key| _ = section.remove(*key));
        }
    };
    inner(&mut table, "differentiation", &["methods", "compare"]);
    inner(&mut table, "data", &["file"]);
    let parameters = table.get_mut("parameters").and_then(toml::Value::as_table_mut);
    for (_, parameter) in parameters.into_iter().flat_map(|table| table.iter_mut()) {
        if let Some(parameter) = parameter.as_table_mut() {
            parameter.remove("unit");
            parameter.remove("reference");
        }
    }
    let mut hash = Sha256::new();
    absorb(&mut hash, &VERSION.into());
    absorb(&mut hash, &table.into());
    if let Data::Measured(data) = &experiment.data {
        absorb(&mut hash, &data.checksum.clone().unwrap_or_default().into());
    }
    hash.finalize().into()
}

/// Feeds a value to a hash so that no two values feed the same bytes.
fn absorb(hash: &mut Sha256, value: &toml::Value) {
    let mut part = |tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    match value {
        toml::Value::String(text) => part(b's', text.as_bytes()),
        toml::Value::Integer(integer) => part(b'i', &integer.to_le_bytes()),
        toml::Value::Float(number) => part(b'f', &number.to_bits().to_le_bytes()),
        toml::Value::Boolean(flag) => part(b'b', &[u8::from(*flag)]),
        toml::Value::Datetime(date) => part(b'd', date.to_string().as_bytes()),
        toml::Value::Array(values) => {
            part(b'a', &(values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| absorb(hash, value));
        }
        toml::Value::Table(table) => {
            part(b't', &(table.len() as u64).to_le_bytes());
            for (key, value) in table {
                absorb(hash, &key.clone().into());
                absorb(hash, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
