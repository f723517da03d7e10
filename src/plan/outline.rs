//! What many combinations of the axes have in common: how often they are run, and in which ways.

use std::sync::Arc;

use super::identity::{Key, absorb};
use super::lay_out;
use crate::experiment::{self, Experiment};
use crate::kind::Kind;

/// The runs of a combination: each way, repeated.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outline {
    pub repeats: usize,
    pub ways: Vec<Way>,
    /// Names of the scalar parameters.
    pub scalars: Vec<String>,
}

/// An optimizer with a method.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub optimizer: usize,
    pub label: Arc<str>,
    pub method: Option<&'static Kind>,
    /// What the reports call the method.
    pub name: Option<Arc<str>>,
    /// What an identity takes in of both.
    taken_in: Vec<u8>,
}

impl PartialEq for Way {
    fn eq(&self, other: &Way) -> bool {
        (self.optimizer, &self.name, &self.taken_in) == (other.optimizer, &other.name, &other.taken_in)
    }
}

impl Outline {
    pub fn of(experiment: &Experiment) -> Outline {
        let way = |(optimizer, method): (usize, Option<&'static Kind>)| {
            let chosen = &experiment.optimizers[optimizer];
            let mut taken_in = Vec::new();
            let mut feed = |bytes: &[u8]| taken_in.extend_from_slice(bytes);
            absorb(&mut feed, &experiment::written_optimizer(chosen));
            absorb(&mut feed, &method.map_or("", |method| method.name).into());
            let name = method.map(|method| experiment.differentiation.name(method).into());
            Way { optimizer, label: chosen.label.as_str().into(), method, name, taken_in }
        };
        Outline {
            repeats: experiment.sweep.repeats,
            ways: lay_out::groups_of(experiment).into_iter().map(way).collect(),
            scalars: experiment.scalars().iter().map(|scalar| scalar.name()).collect(),
        }
    }

    /// How many runs a combination has.
    pub fn runs(&self) -> usize {
        self.repeats * self.ways.len()
    }
}

impl Way {
    /// Of its runs at a combination; `shared` is `identity::of_combination`.
    pub fn key(&self, shared: &[u8; 32]) -> Key {
        Key::of(shared, &self.taken_in)
    }
}
