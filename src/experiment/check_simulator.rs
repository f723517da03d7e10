//! What `[simulator]` means: shared terms and outputs, parsed, with every name looked up.

use super::check::Check;
use super::check_data::Columns;
use super::check_parameters::Declared;
use super::file::{Node, Place, Table};
use super::scope::{OUTPUT, names_in};
use super::{Loss, Simulator};
use crate::language::lower::{self, Names};
use crate::language::tree::Formula;

/// The simulator with the places of its outputs.
pub struct Modelled {
    pub kind: &'static crate::kind::Kind,
    pub terms: Vec<(String, Option<Formula>)>,
    pub outputs: Vec<(String, Option<Formula>)>,
    pub places: Vec<Place>,
    pub term_places: Vec<Place>,
}

impl Check<'_> {
    pub fn simulator(&mut self, columns: &Columns) -> Option<Modelled> {
        let section = self.section("simulator")?;
        let name = section.get("kind").and_then(Node::str);
        let kind = name.and_then(|name| self.catalog.simulators.iter().find(|kind| kind.name == name));
        let empty = Table::default();
        let terms = section.table("let").unwrap_or(&empty);
        let written_outputs = section.table("outputs");
        let outputs = written_outputs.unwrap_or(&empty);
        if let (Some(entry), Some(table)) = (section.entry("outputs"), written_outputs)
            && table.entries.is_empty()
        {
            self.faults.push(entry.place.error("the simulator has no outputs", "empty"));
        }
        let hidden: Vec<(String, String)> = outputs
            .entries
            .iter()
            .map(|entry| {
                let reason = if columns.measured(&entry.name) {
                    "it is what the output is compared with, which a prediction cannot use"
                } else {
                    "it is an output; terms that formulas share stand under `simulator.let`"
                };
                (entry.name.clone(), reason.to_string())
            })
            .collect();
        let mut modelled =
            Modelled { kind: kind?, terms: vec![], outputs: vec![], places: vec![], term_places: vec![] };
        for entry in &terms.entries {
            // Declared after it was parsed: a term sees those before it.
            let formula = self.named_formula(&entry.value, &hidden);
            self.scope.declare(&entry.name, "shared term", &entry.place, None, &mut self.faults);
            modelled.terms.push((entry.name.clone(), formula));
            modelled.term_places.push(entry.place.clone());
        }
        for entry in &outputs.entries {
            self.scope.declare(&entry.name, OUTPUT, &entry.place, None, &mut self.faults);
            let formula = self.named_formula(&entry.value, &hidden);
            modelled.outputs.push((entry.name.clone(), formula));
            modelled.places.push(entry.place.clone());
        }
        Some(modelled)
    }

    /// Parses a formula and checks its names.
    pub fn named_formula(&mut self, node: &Node, hidden: &[(String, String)]) -> Option<Formula> {
        let formula = self.formula(node)?;
        self.check_names(&formula, self.scope.names(hidden));
        Some(formula)
    }

    /// Reports names that a formula cannot use, unless a fault elsewhere hides what exists.
    pub fn check_names(&mut self, formula: &Formula, mut names: Names) {
        if self.scope.open {
            let known = |name: &str| {
                names.vectors.iter().any(|(vector, _)| vector == name)
                    || names.unavailable.iter().any(|(hidden, _)| hidden == name)
            };
            let others: Vec<&str> = names_in(&formula.tree).into_iter().filter(|name| !known(name)).collect();
            names.scalars.extend(others.into_iter().map(str::to_string));
        }
        lower::check(formula, &names, &mut self.faults);
    }

    /// Warns of parameters and shared terms that nothing uses.
    pub fn unused(&mut self, modelled: Option<&Modelled>, loss: Option<&Loss>, parameters: &[Declared]) {
        let Some(modelled) = modelled else { return };
        let formulas = modelled.terms.iter().chain(&modelled.outputs).filter_map(|(_, formula)| formula.as_ref());
        let sigma = loss.into_iter().flat_map(|loss| loss.sigma.iter().flatten());
        let used: Vec<&str> = formulas.chain(sigma).flat_map(|formula| names_in(&formula.tree)).collect();
        for parameter in parameters.iter().filter(|parameter| !used.contains(&parameter.name.as_str())) {
            let message = format!("no formula uses the parameter `{}`: the data cannot determine it", parameter.name);
            self.faults.push(parameter.name_place.warning(message, "unused"));
        }
        for ((name, _), place) in modelled.terms.iter().zip(&modelled.term_places) {
            if !used.contains(&name.as_str()) {
                self.faults.push(place.warning(format!("no formula uses the shared term `{name}`"), "unused"));
            }
        }
    }
}

impl Modelled {
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|(output, _)| output == name)
    }

    /// None where a formula is faulty.
    pub fn into_simulator(self) -> Option<Simulator> {
        let whole = |formulas: Vec<(String, Option<Formula>)>| -> Option<Vec<(String, Formula)>> {
            formulas.into_iter().map(|(name, formula)| Some((name, formula?))).collect()
        };
        Some(Simulator { kind: self.kind, terms: whole(self.terms)?, outputs: whole(self.outputs)? })
    }
}
