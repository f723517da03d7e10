//! The differentiability report: where a model is not differentiable, in which parameter, what each method returns there.
//!
//! The places come from `language::nonsmooth`, what the methods return from `answers`. What is looked at is what the
//! loss depends on: shared terms, the program, the outputs that are compared, `sigma`, the expression of the loss, and
//! what the loss itself has of kinks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::answers::{Answer, answer};
use crate::diagnostic::Diagnostic;
use crate::diff::Method;
use crate::experiment::{Data, Experiment};
use crate::kind::{Derivatives, Kind};
use crate::language::nonsmooth::{Analysis, Cause, Site};
use crate::language::tree::Formula;
use crate::model::Model;

/// Places that are shown one by one; the others are counted.
const SHOWN: usize = 20;

/// Parameters that are named in one message.
const NAMED: usize = 8;

/// Where an experiment's model is not differentiable, over all combinations of its axes.
#[derive(Debug, Default)]
pub struct Report {
    names: Vec<String>,
    /// By the numbers of the parameters: those that are searched, at any combination.
    free: BTreeSet<usize>,
    /// Each place once.
    sites: Vec<Site>,
    /// The loss whose second derivative jumps, and the parameters that move its residuals.
    bend: Option<(&'static str, BTreeSet<usize>)>,
    /// A program was too large to be followed to its end.
    exhausted: bool,
}

/// Looks through an experiment and its model, at each combination of the axes.
pub fn report<'a>(variants: impl IntoIterator<Item = (&'a Experiment, &'a Model)>) -> Report {
    let mut report = Report::default();
    for (experiment, model) in variants {
        report.add(experiment, model);
    }
    report
}

impl Report {
    /// Looks through an experiment and its model, at one more combination of the axes.
    pub fn add(&mut self, experiment: &Experiment, model: &Model) {
        self.names = experiment.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let mut analysis = Analysis::new();
        for column in &model.table.names {
            analysis.data(column, false);
        }
        for (name, number) in &experiment.constants {
            analysis.constant(name, *number);
        }
        for (number, parameter) in experiment.parameters.iter().enumerate() {
            let vector = parameter.size.is_some();
            match parameter.is_fixed() {
                true if !vector => analysis.constant(&parameter.name, parameter.limits().0),
                true => analysis.data(&parameter.name, vector),
                false => {
                    self.free.insert(number);
                    analysis.parameter(&parameter.name, number, vector);
                }
            }
        }
        for (name, formula) in &experiment.simulator.terms {
            analysis.formula(formula, Some(name));
        }
        if let Some(program) = &experiment.simulator.program {
            analysis.program(program);
        }
        let loss = experiment.loss.row;
        let mut kinks = Vec::new();
        for (k, (name, formula)) in experiment.simulator.outputs.iter().enumerate() {
            let compared = model.table.names.contains(name);
            if !compared && !matches!(experiment.data, Data::None) {
                continue;
            }
            analysis.formula(formula, Some("predicted"));
            let moving = analysis.moving("predicted");
            match loss.derivatives {
                Derivatives::Kink if !moving.is_empty() => kinks.push(kink(loss.kind.name, formula, moving)),
                Derivatives::Once => {
                    self.bend.get_or_insert_with(|| (loss.kind.name, BTreeSet::new())).1.extend(moving)
                }
                _ => {}
            }
            let of_loss = experiment.loss.sigma[k].iter().chain(&experiment.loss.expression);
            of_loss.for_each(|formula| analysis.formula(formula, None));
        }
        self.exhausted |= analysis.exhausted();
        for site in analysis.sites().into_iter().chain(kinks) {
            let same = |other: &&mut Site| place(other) == place(&site) && other.cause == site.cause;
            match self.sites.iter_mut().find(same) {
                Some(known) => {
                    known.parameters.extend(site.parameters);
                    known.parameters.sort_unstable();
                    known.parameters.dedup();
                }
                None => self.sites.push(site),
            }
        }
    }

    fn rough(&self) -> BTreeSet<usize> {
        self.sites.iter().flat_map(|site| site.parameters.iter().copied()).collect()
    }

    /// Names of the searched parameters in which the model is differentiable everywhere, and of the others.
    pub fn parameters(&self) -> (Vec<&str>, Vec<&str>) {
        let rough = self.rough();
        let (others, smooth): (Vec<usize>, Vec<usize>) = self.free.iter().partition(|number| rough.contains(number));
        let names = |numbers: Vec<usize>| numbers.into_iter().map(|number| self.names[number].as_str()).collect();
        // A program that was given up may have more.
        (if self.exhausted { Vec::new() } else { names(smooth) }, names(others))
    }

    /// Each place with its parameters, what these methods return there, and the smooth form.
    pub fn diagnostics(&self, methods: &[&Kind]) -> Vec<Diagnostic> {
        let mut told: BTreeSet<Cause> = BTreeSet::new();
        let mut found: Vec<Diagnostic> =
            self.sites.iter().take(SHOWN).map(|site| self.diagnostic(site, methods, told.insert(site.cause))).collect();
        let rest = &self.sites[found.len()..];
        if !rest.is_empty() {
            let among: BTreeSet<usize> = rest.iter().flat_map(|site| site.parameters.iter().copied()).collect();
            let message = format!(
                "{} more place{} where the model is not differentiable, in {}",
                rest.len(),
                if rest.len() == 1 { "" } else { "s" },
                self.listed(among)
            );
            let site = &rest[0];
            found.push(Diagnostic::note(message).at(
                &site.text.source,
                site.text.place(&site.span),
                "the first of them",
            ));
        }
        if let Some((loss, parameters)) = self.bend.as_ref().filter(|(_, parameters)| !parameters.is_empty()) {
            let among = self.listed(parameters.clone());
            let message = format!("differentiable once, not twice, in {among}: the loss `{loss}` bends");
            let note = "its slope is continuous, so that gradients are right everywhere; its second derivative jumps \
                        where a residual is `delta`";
            found.push(Diagnostic { notes: vec![note.into()], ..Diagnostic::note(message) });
        }
        if self.exhausted {
            let message = "the program is too large to look for all places where it is not differentiable";
            found.push(Diagnostic::note(message));
        }
        found
    }

    fn diagnostic(&self, site: &Site, methods: &[&Kind], first: bool) -> Diagnostic {
        let what = &site.what;
        let reason = match site.cause {
            Cause::Absolute | Cause::Extremum => format!("{what} has a kink"),
            Cause::Step => format!("{what} is a step"),
            Cause::Remainder => format!("{what} jumps"),
            Cause::Branch => format!("{what} decides what is computed"),
            Cause::Passes => format!("{what} decides how often the loop is passed through"),
        };
        let among = self.listed(site.parameters.iter().copied().collect());
        let message = format!("not differentiable in {among}: {reason}");
        let diagnostic = match site.cause {
            Cause::Step | Cause::Remainder => Diagnostic::warning(message),
            _ => Diagnostic::note(message),
        };
        let mut diagnostic = diagnostic.at(&site.text.source, site.text.place(&site.span), site.label.clone());
        diagnostic.notes = match first {
            true => notes(site.cause, methods),
            false => Vec::new(),
        };
        diagnostic.help.extend(site.smooth.clone());
        diagnostic
    }

    fn listed(&self, numbers: BTreeSet<usize>) -> String {
        let names: Vec<String> =
            numbers.iter().take(NAMED).map(|number| format!("`{}`", self.names[*number])).collect();
        match numbers.len() - names.len() {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// The kink of a loss where an output meets its data.
fn kink(loss: &str, output: &Formula, parameters: Vec<usize>) -> Site {
    Site {
        text: Arc::clone(&output.text),
        span: output.tree.span.clone(),
        cause: Cause::Absolute,
        what: format!("the loss `{loss}`"),
        label: "the slope of its loss jumps where it equals the data".into(),
        smooth: Some("the losses `log_cosh` and `huber` have no kink".into()),
        parameters,
    }
}

/// Where a site stands: file, and bytes of it.
fn place(site: &Site) -> (&str, std::ops::Range<usize>) {
    (&site.text.source.name, site.text.place(&site.span))
}

/// What the methods return at such a place, those together that return the same.
fn notes(cause: Cause, methods: &[&Kind]) -> Vec<String> {
    let mut groups: Vec<(Option<Answer>, Vec<&str>)> = Vec::new();
    for method in methods {
        let answer = Method::named(method.name).map(|method| answer(cause, method));
        match groups.iter_mut().find(|(other, _)| *other == answer) {
            Some((_, names)) => names.push(method.name),
            None => groups.push((answer, vec![method.name])),
        }
    }
    let told = groups.into_iter().filter_map(|(answer, names)| Some((answer?, names)));
    told.map(|(answer, names)| format!("{}: {}", names.join(", "), answer.sentence())).collect()
}
