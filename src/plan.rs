//! The plan: every run of an experiment, laid out before the first one starts.
//!
//! Runs that differ in their repeat only stand beside each other and make a *group*; the groups of one combination of the
//! axes are a *variant*. Of a variant the plan holds 32 bytes, and whole only the first ones: the experiment of another one,
//! a run and its identity are worked out when they are asked for, so that a plan of a million repeats or combinations
//! takes little room. Of a combination that a condition leaves out it holds nothing.

pub mod identity;
mod lay_out;
mod outline;
pub mod recent;
pub mod shard;

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::data::hexadecimal;
use crate::experiment::{Data, Expected, Experiment};
use crate::kind::Kind;
pub use lay_out::{Found, Layout, Source, lay_out};
use outline::{Outline, Way};
use recent::Recent;

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
}

/// One combination of the axes: the values as CSV has them, and the experiment that they give, which has no axes of its
/// own.
#[derive(Clone, Debug)]
pub struct Variant {
    pub values: Vec<String>,
    pub experiment: Arc<Experiment>,
}

/// Combinations one after the other that have the same outline, none of them left out between.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The first of them.
    variant: u32,
    /// Position of its first run, and of its first group.
    run: u32,
    group: u32,
    /// Which of `Plan::outlines` they have.
    outline: u32,
    /// The number of the first of them among all combinations, those that are left out included.
    combination: u32,
}

/// A data file that some combination fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    pub file: String,
    pub checksum: String,
    pub rows: usize,
}

/// A combination of the axes that is left out.
#[derive(Clone, Debug)]
pub struct Skipped {
    pub values: Vec<String>,
    /// The condition that does not hold.
    pub reason: String,
}

#[derive(Debug)]
pub struct Plan {
    /// Dotted paths of the axes, in the order of the file.
    pub axes: Vec<String>,
    /// The sweep has conditions, though they may all hold.
    pub conditional: bool,
    /// The data files of all combinations, each once.
    pub data: Vec<Measured>,
    /// The first combinations, whole: at most `HELD`.
    pub(crate) first: Vec<Variant>,
    /// `identity::of_combination` of each variant.
    shared: Vec<[u8; 32]>,
    spans: Vec<Span>,
    outlines: Vec<Outline>,
    /// How many combinations there are, those that are left out included.
    combinations: usize,
    /// Gives the other combinations.
    source: Option<Arc<Source>>,
    recent: Recent<usize, Variant>,
}

/// Combinations that are held whole; a model and what is compiled of it may be held with each.
pub const HELD: usize = 64;

/// Outlines that a new one is compared with.
const ALIKE: usize = 16;

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            axes: Vec::new(),
            conditional: false,
            data: Vec::new(),
            first: Vec::new(),
            shared: Vec::new(),
            spans: Vec::new(),
            outlines: Vec::new(),
            combinations: 0,
            source: None,
            recent: Recent::of(HELD),
        }
    }
}

impl Plan {
    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.next().0
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions of the run and the group that would follow.
    fn next(&self) -> (usize, usize) {
        let Some(span) = self.spans.last() else { return (0, 0) };
        let (outline, count) = (self.outline_of(span), self.variants() - span.variant as usize);
        (span.run as usize + count * outline.runs(), span.group as usize + count * outline.ways.len())
    }

    /// How many combinations of the axes there are, without those that are left out.
    pub fn variants(&self) -> usize {
        self.shared.len()
    }

    /// The run at a position of the plan, which is below `len`.
    pub fn run(&self, index: usize) -> Run {
        let (variant, within, outline) = self.place(index);
        let Way { optimizer, method, .. } = outline.ways[within / outline.repeats];
        Run { index, variant, optimizer, method, repeat: within % outline.repeats }
    }

    /// The group of the run at a position of the plan, as its place among the groups.
    pub fn group(&self, index: usize) -> usize {
        let span = self.span_of_run(index);
        span.group as usize + (index - span.run as usize) / self.outline_of(span).repeats
    }

    fn span_of_run(&self, index: usize) -> &Span {
        &self.spans[self.spans.partition_point(|span| span.run as usize <= index) - 1]
    }

    /// The variant of a run, the run's place in it, and what is planned there.
    fn place(&self, index: usize) -> (usize, usize, &Outline) {
        let span = self.span_of_run(index);
        let (outline, within) = (self.outline_of(span), index - span.run as usize);
        let runs = outline.runs();
        (span.variant as usize + within / runs, within % runs, outline)
    }

    fn span(&self, variant: usize) -> &Span {
        &self.spans[self.spans.partition_point(|span| span.variant as usize <= variant) - 1]
    }

    fn outline_of(&self, span: &Span) -> &Outline {
        &self.outlines[span.outline as usize]
    }

    fn outline(&self, variant: usize) -> &Outline {
        self.outline_of(self.span(variant))
    }

    /// Positions of the runs of a variant.
    pub fn runs_of(&self, variant: usize) -> Range<usize> {
        let span = self.span(variant);
        let runs = self.outline_of(span).runs();
        let first = span.run as usize + (variant - span.variant as usize) * runs;
        first..first + runs
    }

    /// The number of a variant among all combinations; that of the one that would follow as well.
    fn combination(&self, variant: usize) -> usize {
        if variant == self.variants() {
            return self.combinations;
        }
        let span = self.span(variant);
        span.combination as usize + variant - span.variant as usize
    }

    /// Every run, in order.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.groups().flat_map(|group| {
            let Group { variant, optimizer, method, runs } = group;
            let first = runs.start;
            runs.map(move |index| Run { index, variant, optimizer, method, repeat: index - first })
        })
    }

    /// Every group, in the order of their runs.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        (0..self.variants()).flat_map(|variant| self.groups_of(variant))
    }

    /// The groups of a variant.
    pub fn groups_of(&self, variant: usize) -> impl Iterator<Item = Group> {
        let (first, outline) = (self.runs_of(variant).start, self.outline(variant));
        outline.ways.iter().enumerate().map(move |(place, way)| {
            let start = first + place * outline.repeats;
            let runs = start..start + outline.repeats;
            Group { variant, optimizer: way.optimizer, method: way.method, runs }
        })
    }

    /// SHA-256 of what determines the numbers of the run at a position, in hexadecimal: the key of the journal.
    pub fn identity(&self, index: usize) -> String {
        let (variant, within, outline) = self.place(index);
        let key = outline.ways[within / outline.repeats].key(&self.shared[variant]);
        hexadecimal(&key.identity(within % outline.repeats))
    }

    /// The identities of all runs, in order.
    pub fn identities(&self) -> impl Iterator<Item = [u8; 32]> {
        let outlines = self.spans.iter().enumerate().flat_map(|(place, span)| {
            let end = self.spans.get(place + 1).map_or(self.variants(), |next| next.variant as usize);
            self.shared[span.variant as usize..end].iter().map(|shared| (shared, self.outline_of(span)))
        });
        outlines.flat_map(|(shared, outline)| {
            outline.ways.iter().flat_map(|way| {
                let key = way.key(shared);
                (0..outline.repeats).map(move |repeat| key.identity(repeat))
            })
        })
    }

    /// How many combinations are left out.
    pub fn skipped(&self) -> usize {
        self.combinations - self.variants()
    }

    /// The combinations that are left out before a variant and after the one before it; behind the last variant those
    /// that follow it.
    pub fn skipped_before(&self, variant: usize) -> impl Iterator<Item = Skipped> {
        let first = if variant == 0 { 0 } else { self.combination(variant - 1) + 1 };
        let all = first..self.combination(variant);
        self.source.iter().flat_map(move |source| all.clone().filter_map(|combination| source.skipped(combination)))
    }

    /// The experiment of a combination of the axes.
    pub fn experiment(&self, variant: usize) -> Arc<Experiment> {
        match self.first.get(variant) {
            Some(held) => Arc::clone(&held.experiment),
            None => Arc::clone(&self.again(variant).experiment),
        }
    }

    /// The values of the axes at a combination, as CSV has them.
    pub fn values(&self, variant: usize) -> Vec<String> {
        match (self.first.get(variant), &self.source) {
            (Some(held), _) => held.values.clone(),
            (None, Some(source)) => source.values(self.combination(variant)),
            (None, None) => Vec::new(),
        }
    }

    fn again(&self, variant: usize) -> Arc<Variant> {
        self.recent.get(variant, || {
            let source = self.source.as_ref().expect("combinations that are not held have a source");
            source.again(self.combination(variant))
        })
    }

    /// The names of the scalar parameters at a combination of the axes.
    pub fn scalars(&self, variant: usize) -> &[String] {
        &self.outline(variant).scalars
    }

    /// What the experiment expects; no axis changes that.
    pub fn expected(&self, variant: usize) -> Option<&Expected> {
        Some(&self.first.get(variant).or(self.first.last())?.experiment.expected)
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
    pub fn optimizer(&self, run: &Run) -> Arc<str> {
        Arc::clone(&self.way(run).label)
    }

    /// What the reports call a run's differentiation method.
    pub fn differentiation(&self, run: &Run) -> Option<Arc<str>> {
        self.way(run).name.clone()
    }

    fn way(&self, run: &Run) -> &Way {
        let (_, within, outline) = self.place(run.index);
        &outline.ways[within / outline.repeats]
    }

    /// Adds a combination of the axes after the others; `combination` is its number among all, `laid` is of its experiment.
    pub(crate) fn add(&mut self, combination: usize, variant: Variant, laid: Laid) {
        let Laid { outline, shared } = laid;
        let known = self.outlines.iter().rev().take(ALIKE).position(|other| *other == outline);
        let place = known.map_or(self.outlines.len(), |back| self.outlines.len() - 1 - back);
        let follows = |span: &Span| {
            let here = self.variants() - span.variant as usize;
            span.outline as usize == place && span.combination as usize + here == combination
        };
        if !self.spans.last().is_some_and(follows) {
            let (run, group) = self.next();
            // A plan has at most ten million runs.
            let [variant, run, group, outline, combination] =
                [self.variants(), run, group, place, combination].map(|number| number as u32);
            self.spans.push(Span { variant, run, group, outline, combination });
        }
        if known.is_none() {
            self.outlines.push(outline);
        }
        self.shared.push(shared);
        self.combinations = combination + 1;
        if let Data::Measured(table) = &variant.experiment.data {
            let (file, checksum) = (table.file.clone().unwrap_or_default(), table.checksum.clone().unwrap_or_default());
            let measured = Measured { file, checksum, rows: table.rows() };
            if !self.data.contains(&measured) {
                self.data.push(measured);
            }
        }
        if self.first.len() < HELD {
            self.first.push(variant);
        }
    }
}

/// What the plan takes in of a combination: worked out apart from it, so that many threads can do so at once.
#[derive(Clone, Debug)]
pub struct Laid {
    outline: Outline,
    shared: [u8; 32],
}

impl Laid {
    pub fn of(experiment: &Experiment) -> Laid {
        Laid { outline: Outline::of(experiment), shared: identity::of_combination(experiment) }
    }
}

#[cfg(test)]
mod tests;
