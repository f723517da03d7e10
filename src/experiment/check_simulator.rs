//! What `[simulator]` means: shared terms and outputs, parsed, with every name looked up.

use std::sync::Arc;

use super::check::Check;
use super::check_data::Columns;
use super::check_parameters::Declared;
use super::file::{Node, Place, Table};
use super::scope::{OUTPUT, names_in};
use super::{Loss, Simulator};
use crate::data;
use crate::diagnostic::Source;
use crate::language;
use crate::language::lower::{self, Names};
use crate::language::tree::{Formula, Program, Text};

/// The simulator with the places of its outputs.
pub struct Modelled {
    pub kind: &'static crate::kind::Kind,
    pub terms: Vec<(String, Option<Formula>)>,
    pub program: Option<Program>,
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
        let mut modelled = Modelled {
            kind: kind?,
            terms: vec![],
            program: None,
            outputs: vec![],
            places: vec![],
            term_places: vec![],
        };
        for entry in &terms.entries {
            // Declared after it was parsed: a term sees those before it.
            let formula = self.named_formula(&entry.value, &hidden);
            self.scope.declare(&entry.name, "shared term", &entry.place, None, &mut self.faults);
            modelled.terms.push((entry.name.clone(), formula));
            modelled.term_places.push(entry.place.clone());
        }
        match kind.map(|kind| kind.name) {
            Some("program") => self.program(section, columns, written_outputs.is_none(), &mut modelled)?,
            _ => {
                for entry in ["program", "file"].into_iter().filter_map(|name| section.entry(name)) {
                    let fault = entry.place.error(format!("a formula simulator has no `{}`", entry.name), "not used");
                    self.faults.push(fault.help("write `kind = \"program\"`"));
                }
                if written_outputs.is_none() {
                    let place = &section.entry("kind")?.place;
                    let fault = place.error("`simulator.outputs` is missing", "a formula simulator has outputs");
                    self.faults.push(fault.help("write for instance `outputs.y = \"a*x + b\"`"));
                    return None;
                }
            }
        }
        for entry in &outputs.entries {
            self.scope.declare(&entry.name, OUTPUT, &entry.place, None, &mut self.faults);
            let formula = self.named_formula(&entry.value, &hidden);
            modelled.outputs.push((entry.name.clone(), formula));
            modelled.places.push(entry.place.clone());
        }
        Some(modelled)
    }

    /// The program, and the outputs that it has by what it assigns, where the file does not say them.
    fn program(&mut self, section: &Table, columns: &Columns, derive: bool, modelled: &mut Modelled) -> Option<()> {
        let (entry, text) = self.program_text(section)?;
        let program = language::program(&text, &mut self.faults)?;
        let assigned = lower::assigned_names(&program);
        let measured = |name: &String| columns.measured(name);
        let reason = "the program assigns it: a prediction cannot use what it is compared with";
        let hidden: Vec<(String, String)> =
            assigned.iter().filter(|name| measured(name)).map(|name| (name.clone(), reason.to_string())).collect();
        let names = self.scope.names(&hidden);
        if !self.scope.open {
            lower::check_program(&program, &names, &self.constants, &mut self.faults);
        }
        if derive {
            let noise = self.section("data").and_then(|data| data.table("synthetic")).and_then(|s| s.table("noise"));
            let noisy = |name: &String| noise.is_some_and(|noise| noise.entry(name).is_some());
            let mut outputs: Vec<String> =
                assigned.iter().filter(|name| measured(name) || noisy(name)).cloned().collect();
            if outputs.is_empty() && !matches!(columns, Columns::Measured(_)) {
                // Nothing to compare with: the program is about what it assigns last.
                outputs.extend(assigned.last().cloned());
            }
            if outputs.is_empty() {
                let message = "the program assigns no name that the data have";
                let fault = entry.place.error(message, "nothing to compare with the data");
                self.faults.push(fault.help(format!("it assigns: {}", assigned.join(", "))));
            }
            for name in outputs {
                self.scope.declare(&name, OUTPUT, &entry.place, None, &mut self.faults);
                modelled.outputs.push((name.clone(), Some(Formula::name(&name))));
                modelled.places.push(entry.place.clone());
            }
        } else {
            for name in assigned.iter().filter(|name| !measured(name)) {
                self.scope.variable(name, &entry.place);
            }
        }
        modelled.program = Some(program);
        Some(())
    }

    /// The text of a program, in the file or in one of its own.
    fn program_text<'t>(&mut self, section: &'t Table) -> Option<(&'t super::file::Entry, Arc<Text>)> {
        match (section.entry("program"), section.entry("file")) {
            (Some(entry), None) => Some((entry, entry.value.formula_text()?)),
            (None, Some(entry)) => {
                let written = entry.value.str()?;
                let path = self.written.folder.join(written);
                let read = data::read_bytes(&path, "a program", language::SIZE as u64)
                    .and_then(|bytes| data::text_of(bytes, written, "a program"));
                match read {
                    Ok(text) => {
                        let source = Arc::new(Source { name: path.display().to_string(), text });
                        let whole = 0..source.text.len();
                        Some((entry, Arc::new(Text::plain(source, whole))))
                    }
                    Err(message) => {
                        self.faults.push(entry.value.place.error(message, "named here"));
                        None
                    }
                }
            }
            (Some(_), Some(entry)) => {
                self.faults.push(entry.place.error("`program` and `file` are both given", "one of them is enough"));
                None
            }
            (None, None) => {
                let place = &section.entry("kind")?.place;
                let fault = place.error("the program is missing", "needs `program` or `file`");
                self.faults.push(fault.help("write `program = '''…'''`, or `file = \"model.sim\"`"));
                None
            }
        }
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
        let sigma =
            loss.into_iter().flat_map(|loss| loss.sigma.iter().flatten().chain(&loss.expression).chain(&loss.shape));
        let checked = parameters.iter().filter_map(|parameter| parameter.checked.as_ref());
        let priors = checked.flat_map(|parameter| parameter.prior.all_formulas());
        let mut used: Vec<&str> =
            formulas.chain(sigma).chain(priors).flat_map(|formula| names_in(&formula.tree)).collect();
        if let Some(program) = &modelled.program {
            // Words of the text: a name in a comment counts as used, which spares a warning at most.
            used.extend(program.text.text.split(|c: char| !(c.is_alphanumeric() || c == '_')));
        }
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
        Some(Simulator {
            kind: self.kind,
            terms: whole(self.terms)?,
            program: self.program,
            outputs: whole(self.outputs)?,
        })
    }
}
