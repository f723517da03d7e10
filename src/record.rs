//! What is kept of a finished run, and of each measurement beside the runs: the records that reports are made from.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The finished runs of a plan, by position. Losses are at hand; whole records are fetched one by one, so that there may
/// be more of them than memory holds.
pub trait Records: fmt::Debug + Sync {
    /// How the run ended; None where it is not finished.
    fn status(&self, run: usize) -> Option<Status>;

    /// The finite loss of a finished run that did not fail.
    fn loss(&self, run: usize) -> Option<f64>;

    /// The record of a finished run that is in memory.
    fn held(&self, _run: usize) -> Option<&Record> {
        None
    }

    /// What one thread reads records with.
    fn reader(&self) -> Box<dyn Reader + '_>;

    /// One record, as a reader gives it.
    fn fetch(&self, run: usize) -> io::Result<Option<Record>> {
        self.reader().fetch(run)
    }
}

/// Reads records one after the other: runs that stand near each other in the plan cost less than others.
pub trait Reader {
    /// The record; None where the run is not finished. The error names the file that cannot be read.
    fn fetch(&mut self, run: usize) -> io::Result<Option<Record>>;
}

impl dyn Records + '_ {
    /// The finished runs among some positions, in order.
    pub fn among(
        &self,
        runs: impl Iterator<Item = usize>,
    ) -> impl Iterator<Item = io::Result<(usize, Cow<'_, Record>)>> {
        let mut reader = self.reader();
        runs.filter_map(move |run| match self.held(run) {
            Some(record) => Some(Ok((run, Cow::Borrowed(record)))),
            None => reader.fetch(run).map(|record| Some((run, Cow::Owned(record?)))).transpose(),
        })
    }

    /// Positions of the finished runs.
    pub fn finished(&self, runs: Range<usize>) -> impl Iterator<Item = usize> {
        runs.filter(|run| self.status(*run).is_some())
    }
}

/// The records of some runs, one after the other in the plan, in memory.
#[derive(Debug)]
pub struct Held {
    first: usize,
    records: Vec<Option<Record>>,
}

impl Held {
    pub fn read(records: &dyn Records, runs: Range<usize>) -> io::Result<Held> {
        let (first, mut reader) = (runs.start, records.reader());
        Ok(Held { first, records: runs.map(|run| reader.fetch(run)).collect::<io::Result<_>>()? })
    }
}

impl Records for Held {
    fn status(&self, run: usize) -> Option<Status> {
        Some(self.held(run)?.status)
    }

    fn loss(&self, run: usize) -> Option<f64> {
        self.held(run)?.answer()
    }

    fn held(&self, run: usize) -> Option<&Record> {
        self.records.get(run.checked_sub(self.first)?)?.as_ref()
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(self)
    }
}

impl Reader for &Held {
    fn fetch(&mut self, run: usize) -> io::Result<Option<Record>> {
        Ok(self.held(run).cloned())
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A tolerance was met.
    Converged,
    /// The budget ended it.
    Stopped,
    /// No answer: the reason says why.
    Failed,
}

/// One finished run. `loss` and `parameters` are of its best point, in the user's coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The run's identity in the plan.
    pub identity: String,
    pub status: Status,
    pub reason: String,
    /// None where the run failed before any finite loss.
    pub loss: Option<f64>,
    /// How often the loss was computed, those inside difference gradients included.
    pub evaluations: u64,
    /// How many gradients the optimizer asked for.
    pub gradients: u64,
    pub iterations: u64,
    /// Evaluations, with gradients, Jacobians and Hessians at what they really cost, in evaluations of the loss.
    pub work: f64,
    /// In the order of the scalars; empty where the run failed before any finite loss.
    pub parameters: Vec<f64>,
    pub trace: Vec<TracePoint>,
    pub intervals: Vec<Interval>,
    /// Wall time of the search, this thread; intervals apart.
    pub seconds: f64,
}

impl Record {
    /// Of a run that has no answer.
    pub fn failed(identity: String, reason: String) -> Record {
        Record {
            identity,
            status: Status::Failed,
            reason,
            loss: None,
            evaluations: 0,
            gradients: 0,
            iterations: 0,
            work: 0.0,
            parameters: Vec::new(),
            trace: Vec::new(),
            intervals: Vec::new(),
            seconds: 0.0,
        }
    }

    /// The finite loss of a run that did not fail.
    pub fn answer(&self) -> Option<f64> {
        self.loss.filter(|loss| loss.is_finite() && self.status != Status::Failed)
    }
}

/// The state of an optimizer after an iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracePoint {
    pub iteration: u64,
    pub evaluations: u64,
    pub gradients: u64,
    /// Best loss so far.
    pub loss: f64,
    /// Largest absolute component of the gradient in search coordinates; None where the optimizer has none.
    pub gradient_norm: Option<f64>,
}

/// A confidence interval of one scalar parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Position among the scalars.
    pub parameter: usize,
    /// `fisher`, `hessian`, …
    pub method: String,
    pub level: f64,
    pub estimate: f64,
    /// None where the data do not determine the parameter.
    pub standard_error: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// What must be said of it (a singular direction, a bound); empty if nothing.
    pub note: String,
}

/// Accuracy and cost of one differentiation method at one point, against the high-precision reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derivative {
    pub method: String,
    /// The value of each axis of the plan; None where it stands for several, because they do not change this derivative.
    pub axes: Vec<Option<String>>,
    /// 0 is the start; then draws from the priors, then the grid.
    pub point: usize,
    pub parameters: usize,
    pub outputs: usize,
    /// None for methods without a step.
    pub step: Option<f64>,
    /// Over the components of the gradient, relative to the largest component.
    #[serde(with = "number")]
    pub max_relative_error: f64,
    #[serde(with = "number")]
    pub median_relative_error: f64,
    /// -log10 of the largest relative error, at most 17.
    #[serde(with = "number")]
    pub digits: f64,
    #[serde(with = "number")]
    pub value_ns: f64,
    #[serde(with = "number")]
    pub gradient_ns: f64,
    /// Operations of what gives the gradient.
    pub operations: usize,
    /// Nodes of the derivative as an expression; only for `symbolic`.
    pub expression_nodes: Option<usize>,
    #[serde(with = "number")]
    pub loss: f64,
    /// The answer itself, in some of the parameters.
    pub components: Vec<Component>,
}

/// One component of a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    pub parameter: String,
    /// Of the parameter.
    #[serde(with = "number")]
    pub value: f64,
    #[serde(with = "number")]
    pub derivative: f64,
    #[serde(with = "number")]
    pub reference: f64,
    /// -log10 of the error of this component, relative to the reference, at most 17.
    #[serde(with = "number")]
    pub digits: f64,
}

/// A method that could not differentiate a variant's model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub method: String,
    /// As in `Derivative`.
    pub axes: Vec<Option<String>>,
    pub reason: String,
}

/// The comparison of differentiation methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Derivatives {
    pub rows: Vec<Derivative>,
    pub refusals: Vec<Refusal>,
}

/// Doubles that JSON has no numbers for, as the words `inf`, `-inf` and `nan`.
mod number {
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    pub fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match x {
            x if x.is_finite() => serializer.serialize_f64(*x),
            x => serializer.serialize_str(&x.to_string().to_lowercase()),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(x) => Ok(x),
            Written::Word(word) => word.parse().map_err(D::Error::custom),
        }
    }
}
