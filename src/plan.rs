//! The plan: every run of an experiment, laid out before the first one starts.
//!
//! Runs that differ in their repeat only stand beside each other and make a *group*; the groups of one combination of the
//! axes are a *variant*. Of a variant the plan holds some fifty bytes, and whole only the first ones: the experiment of
//! another one, a run and its identity are worked out when they are asked for, so that a plan of a million repeats or
//! combinations takes little room.

pub mod identity;
mod lay_out;
pub mod recent;
pub mod shard;

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::data::hexadecimal;
use crate::experiment::{self, Data, Expected, Experiment};
use crate::kind::Kind;
use identity::absorb;
pub use lay_out::{Found, Layout, Source, lay_out};
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

/// What the plan holds of each combination.
#[derive(Clone, Copy, Debug)]
struct Planned {
    /// Position of its first run, and of its first group.
    run: u32,
    group: u32,
    /// Which of `Plan::outlines` it has.
    outline: u32,
    /// Its number among all combinations, those that are left out included.
    combination: u32,
    /// `identity::of_combination`.
    shared: [u8; 32],
}

/// What many combinations have in common.
#[derive(Clone, Debug, PartialEq)]
struct Outline {
    repeats: usize,
    ways: Vec<Way>,
    /// Names of the scalar parameters.
    scalars: Vec<String>,
}

/// An optimizer with a method.
#[derive(Clone, Debug)]
struct Way {
    optimizer: usize,
    label: Arc<str>,
    method: Option<&'static Kind>,
    /// What the reports call the method.
    name: Option<Arc<str>>,
    /// What an identity takes in of both.
    key: Vec<u8>,
}

impl PartialEq for Way {
    fn eq(&self, other: &Way) -> bool {
        (self.optimizer, &self.name, &self.key) == (other.optimizer, &other.name, &other.key)
    }
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
    /// The variant before which it would stand.
    pub before: usize,
}

#[derive(Debug)]
pub struct Plan {
    /// Dotted paths of the axes, in the order of the file.
    pub axes: Vec<String>,
    /// In the order of the combinations.
    pub skipped: Vec<Skipped>,
    /// The sweep has conditions, though they may all hold.
    pub conditional: bool,
    /// The data files of all combinations, each once.
    pub data: Vec<Measured>,
    /// The first combinations, whole: at most `HELD`.
    pub(crate) first: Vec<Variant>,
    planned: Vec<Planned>,
    outlines: Vec<Outline>,
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
            skipped: Vec::new(),
            conditional: false,
            data: Vec::new(),
            first: Vec::new(),
            planned: Vec::new(),
            outlines: Vec::new(),
            source: None,
            recent: Recent::of(HELD),
        }
    }
}

impl Plan {
    /// How many runs there are.
    pub fn len(&self) -> usize {
        let last = |planned: &Planned| planned.run as usize + self.outlines[planned.outline as usize].runs();
        self.planned.last().map_or(0, last)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many combinations of the axes there are, without those that are left out.
    pub fn variants(&self) -> usize {
        self.planned.len()
    }

    /// The run at a position of the plan, which is below `len`.
    pub fn run(&self, index: usize) -> Run {
        let (variant, planned, outline) = self.place(index);
        let within = index - planned.run as usize;
        let Way { optimizer, method, .. } = outline.ways[within / outline.repeats];
        Run { index, variant, optimizer, method, repeat: within % outline.repeats }
    }

    /// The group of the run at a position of the plan, as its place among the groups.
    pub fn group(&self, index: usize) -> usize {
        let (_, planned, outline) = self.place(index);
        planned.group as usize + (index - planned.run as usize) / outline.repeats
    }

    /// The variant of a run.
    fn place(&self, index: usize) -> (usize, &Planned, &Outline) {
        let variant = self.planned.partition_point(|planned| planned.run as usize <= index) - 1;
        (variant, &self.planned[variant], self.outline(variant))
    }

    fn outline(&self, variant: usize) -> &Outline {
        &self.outlines[self.planned[variant].outline as usize]
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
        let (first, outline) = (self.planned[variant].run as usize, self.outline(variant));
        outline.ways.iter().enumerate().map(move |(place, way)| {
            let start = first + place * outline.repeats;
            let runs = start..start + outline.repeats;
            Group { variant, optimizer: way.optimizer, method: way.method, runs }
        })
    }

    /// SHA-256 of what determines the numbers of the run at a position, in hexadecimal: the key of the journal.
    pub fn identity(&self, index: usize) -> String {
        let (_, planned, outline) = self.place(index);
        let within = index - planned.run as usize;
        let key = key(planned, &outline.ways[within / outline.repeats]);
        hexadecimal(&identity_of(&key, within % outline.repeats))
    }

    /// The identities of all runs, in order.
    pub fn identities(&self) -> impl Iterator<Item = [u8; 32]> {
        self.planned.iter().flat_map(|planned| {
            let outline = &self.outlines[planned.outline as usize];
            outline.ways.iter().flat_map(|way| {
                let key = key(planned, way);
                (0..outline.repeats).map(move |repeat| identity_of(&key, repeat))
            })
        })
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
            (None, Some(source)) => source.values(self.planned[variant].combination as usize),
            (None, None) => Vec::new(),
        }
    }

    fn again(&self, variant: usize) -> Arc<Variant> {
        self.recent.get(variant, || {
            let source = self.source.as_ref().expect("combinations that are not held have a source");
            source.again(self.planned[variant].combination as usize)
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
        let outline = self.outline(run.variant);
        &outline.ways[(run.index - self.planned[run.variant].run as usize) / outline.repeats]
    }

    /// Adds a combination of the axes after the others; `combination` is its number among all.
    pub(crate) fn add(&mut self, combination: usize, variant: Variant) {
        let experiment = &*variant.experiment;
        let outline = Outline::of(experiment);
        let group =
            self.planned.last().map_or(0, |last| last.group + self.outlines[last.outline as usize].ways.len() as u32);
        let known = self.outlines.iter().rev().take(ALIKE).position(|other| *other == outline);
        let place = known.map_or(self.outlines.len(), |back| self.outlines.len() - 1 - back);
        if known.is_none() {
            self.outlines.push(outline);
        }
        let shared = identity::of_combination(experiment);
        // A plan has at most ten million runs.
        let (run, combination) = (self.len() as u32, combination as u32);
        self.planned.push(Planned { run, group, outline: place as u32, combination, shared });
        if let Data::Measured(table) = &experiment.data {
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

impl Outline {
    fn of(experiment: &Experiment) -> Outline {
        let way = |(optimizer, method): (usize, Option<&'static Kind>)| {
            let chosen = &experiment.optimizers[optimizer];
            let mut key = Vec::new();
            let mut feed = |bytes: &[u8]| key.extend_from_slice(bytes);
            absorb(&mut feed, &experiment::written_optimizer(chosen));
            absorb(&mut feed, &method.map_or("", |method| method.name).into());
            let name = method.map(|method| experiment.differentiation.name(method).into());
            Way { optimizer, label: chosen.label.as_str().into(), method, name, key }
        };
        Outline {
            repeats: experiment.sweep.repeats,
            ways: lay_out::groups_of(experiment).into_iter().map(way).collect(),
            scalars: experiment.scalars().iter().map(|scalar| scalar.name()).collect(),
        }
    }

    fn runs(&self) -> usize {
        self.repeats * self.ways.len()
    }
}

/// Has taken in everything that determines the numbers of a group's runs but the repeat.
fn key(planned: &Planned, way: &Way) -> Sha256 {
    let mut key = Sha256::new();
    key.update(planned.shared);
    key.update(&way.key);
    key
}

fn identity_of(key: &Sha256, repeat: usize) -> [u8; 32] {
    let mut hash = key.clone();
    absorb(&mut |bytes| hash.update(bytes), &(repeat as i64).into());
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
