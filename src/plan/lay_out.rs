//! Lays out a plan: the file checked again for each combination of the axes, every fault at once.

use std::sync::Arc;

use super::{Laid, Plan, Skipped, Variant};
use crate::diagnostic::Diagnostic;
use crate::experiment::{self, Experiment, Sweep, Written};
use crate::kind::{Catalog, Kind};

const MOST_RUNS: usize = 10_000_000;
/// Faults of combinations that are shown.
const MOST_FAULTS: usize = 50;

/// Where combinations come from: they can be had again at any time.
#[derive(Debug)]
pub struct Source {
    /// The file without its axes.
    base: Written,
    experiment: Experiment,
    catalog: &'static Catalog,
    /// How many there are, those that are left out included.
    pub combinations: usize,
}

/// A plan under way.
#[derive(Debug)]
pub struct Layout {
    source: Arc<Source>,
    plan: Plan,
    faults: Vec<Diagnostic>,
}

/// What a combination of the axes gives.
pub enum Found {
    Variant(Variant, Laid),
    /// A condition leaves it out.
    Skipped,
}

/// Lays out every run: combinations of the axes (the last varies fastest), then optimizers, methods, repeats.
///
/// The file is checked again for each combination, and all faults are reported, each with the values that gave it.
pub fn lay_out(written: &Written, experiment: &Experiment, catalog: &'static Catalog) -> Result<Plan, Vec<Diagnostic>> {
    let mut layout = Layout::new(written, experiment, catalog)?;
    let source = layout.source();
    for combination in 0..source.combinations {
        let found = source.look(combination);
        layout.add(combination, found);
    }
    layout.end(written)
}

impl Layout {
    /// Refuses a plan that is too large.
    pub fn new(
        written: &Written,
        experiment: &Experiment,
        catalog: &'static Catalog,
    ) -> Result<Layout, Vec<Diagnostic>> {
        let sweep = &experiment.sweep;
        let of_each = groups_of(experiment).len().saturating_mul(sweep.repeats);
        let most = |n: usize| n.checked_mul(of_each.max(1)).is_some_and(|runs| runs <= MOST_RUNS);
        let Some(combinations) = sweep.combinations().filter(|n| most(*n)) else {
            let message = format!("the plan has more than {MOST_RUNS} runs");
            let fault = Diagnostic::error(message).help("fewer `sweep.repeats`, or fewer values of the axes");
            return Err(vec![placed(written, fault, "too many")]);
        };
        let axes = sweep.axes.iter().map(|axis| axis.path.clone()).collect();
        let plan = Plan { axes, conditional: !sweep.conditions.is_empty(), ..Plan::default() };
        let source = Source { base: written.without_axes(), experiment: experiment.clone(), catalog, combinations };
        Ok(Layout { source: Arc::new(source), plan, faults: Vec::new() })
    }

    pub fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source)
    }

    /// Adds what was found of a combination; one after the other, in their order.
    pub fn add(&mut self, combination: usize, found: Result<Found, Vec<Diagnostic>>) {
        match found {
            Ok(_) if !self.faults.is_empty() => {}
            Ok(Found::Variant(variant, laid)) => self.plan.add(combination, variant, laid),
            Ok(Found::Skipped) => {}
            Err(found) => found.into_iter().for_each(|fault| add(&mut self.faults, fault)),
        }
    }

    /// The plan, or all faults.
    pub fn end(mut self, written: &Written) -> Result<Plan, Vec<Diagnostic>> {
        if self.faults.is_empty() && self.plan.variants() == 0 {
            let fault = Diagnostic::error("`sweep.when` leaves out every combination");
            let first = self.source.skipped(0).map(|skipped| skipped.reason).unwrap_or_default();
            let fault = fault.help(format!("the first is left out by `{first}`"));
            self.faults.push(placed(written, fault, "nothing is left to run"));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        self.plan.combinations = self.source.combinations;
        self.plan.source = Some(self.source);
        Ok(self.plan)
    }
}

impl Source {
    /// What a combination gives: a function of its number.
    pub fn look(&self, combination: usize) -> Result<Found, Vec<Diagnostic>> {
        Ok(self.variant(combination)?.map_or(Found::Skipped, |variant| {
            let laid = Laid::of(&variant.experiment);
            Found::Variant(variant, laid)
        }))
    }

    /// None for a combination that is left out.
    fn variant(&self, combination: usize) -> Result<Option<Variant>, Vec<Diagnostic>> {
        let sweep = &self.experiment.sweep;
        let combination = sweep.at(combination, &self.experiment.constants)?;
        if combination.skipped.is_some() {
            return Ok(None);
        }
        let values: Vec<String> = combination.values.iter().map(shown).collect();
        if sweep.axes.is_empty() {
            return Ok(Some(Variant { values, experiment: Arc::new(self.experiment.clone()) }));
        }
        let mut changed = self.base.clone();
        for (axis, node) in sweep.axes.iter().zip(combination.values) {
            changed.put(&axis.path, &axis.place, node).map_err(|fault| vec![fault])?;
        }
        match experiment::check(&changed, self.catalog) {
            Ok((experiment, _)) => Ok(Some(Variant { values, experiment: Arc::new(experiment) })),
            Err(faults) => Err(with_values(sweep, &values, faults)),
        }
    }

    /// A combination that was looked at before; data files are not read again.
    pub(super) fn again(&self, combination: usize) -> Variant {
        match self.variant(combination) {
            Ok(Some(variant)) => variant,
            _ => unreachable!("what was sound once is sound again"),
        }
    }

    /// A combination that is left out; None for one that is not.
    pub(super) fn skipped(&self, combination: usize) -> Option<Skipped> {
        let combination = self.experiment.sweep.at(combination, &self.experiment.constants).ok()?;
        let reason = combination.skipped?;
        Some(Skipped { values: combination.values.iter().map(shown).collect(), reason })
    }

    pub(super) fn values(&self, combination: usize) -> Vec<String> {
        let found = self.experiment.sweep.at(combination, &self.experiment.constants);
        found.map_or_else(|_| Vec::new(), |combination| combination.values.iter().map(shown).collect())
    }
}

/// Says with which values of the axes the faults are.
fn with_values(sweep: &Sweep, values: &[String], faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let at = sweep.axes.iter().zip(values).map(|(axis, value)| format!("`{}` = {value}", axis.path));
    let help = format!("with {}", at.collect::<Vec<_>>().join(", "));
    faults.into_iter().map(|fault| fault.help(help.clone())).collect()
}

fn placed(written: &Written, fault: Diagnostic, text: &str) -> Diagnostic {
    match written.table.entry("sweep") {
        Some(entry) => entry.place.label(fault, text),
        None => fault,
    }
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

/// The shortest digits that read back to the same double.
fn shortest(number: f64) -> String {
    let digits = format!("{number:?}");
    digits.strip_suffix(".0").map_or(digits.clone(), str::to_string)
}

/// (optimizer, method) of every group of one combination, in order.
pub(super) fn groups_of(experiment: &Experiment) -> Vec<(usize, Option<&'static Kind>)> {
    let mut groups = Vec::new();
    for (index, optimizer) in experiment.optimizers.iter().enumerate() {
        match optimizer.row.gradient {
            true => groups.extend(experiment.differentiation.methods.iter().map(|method| (index, Some(*method)))),
            false => groups.push((index, None)),
        }
    }
    groups
}
