//! An experiment as it is meant: every name resolved, every default filled, every formula parsed.

mod call;
mod check;
mod check_data;
mod check_loss;
mod check_parameters;
mod check_runs;
mod check_simulator;
mod check_sweep;
mod check_synthetic;
pub mod file;
mod homes;
pub mod keys;
mod keys_differentiation;
mod keys_engine;
mod keys_sweep;
pub mod list;

mod number;
mod reader;
pub mod reference;

mod resolved;
#[cfg(test)]
pub mod sample;

pub mod schema;
mod scope;
mod set;
pub mod sweep;
mod symbolic;
#[cfg(test)]
mod tests;
mod text;
mod written;

use std::sync::Arc;

pub use call::TRUNCATED;
pub use check::{Checked, check, read, read_with};
pub use check_sweep::plain;
pub use resolved::{optimizer as written_optimizer, text as resolved_text};
pub use sweep::Sweep;
pub use symbolic::{Form, Sharing};
pub use written::Written;

use crate::data::Table;
use crate::engine::Lanes;
use crate::kind::{Kind, Settings};
use crate::language::tree::{Formula, Program};

/// One checked experiment. Sweep axes are not applied yet: `plan` reads the file again for each combination.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The file's stem, and the name of its results folder.
    pub name: String,
    pub title: Option<String>,
    pub about: Option<String>,
    pub reference: Option<String>,
    pub seed: u64,
    pub constants: Vec<(String, f64)>,
    /// Constants that are vectors.
    pub vectors: Vec<(String, Arc<[f64]>)>,
    pub data: Data,
    pub simulator: Simulator,
    pub parameters: Vec<Parameter>,
    pub loss: Loss,
    pub differentiation: Differentiation,
    pub optimizers: Vec<Optimizer>,
    pub budget: Budget,
    pub intervals: Intervals,
    /// What should stand in lanes; None: the best for each task. Changes no number.
    pub lanes: Option<Lanes>,
    pub sweep: Sweep,
    pub expected: Expected,
    /// The file with every default written out: what `resolved.toml` says.
    pub resolved: toml::Table,
}

#[derive(Clone, Debug)]
pub enum Data {
    /// Measured: the columns under the names that formulas use.
    Measured(Arc<Table>),
    /// Simulated at `truth` (one number per scalar parameter), with noise. `inputs` is the grid.
    Synthetic { inputs: Arc<Table>, truth: Vec<f64>, noise: Vec<Noise> },
    /// No data: one row without columns.
    None,
}

/// The distribution from which the synthetic observations of one output are drawn.
#[derive(Clone, Debug)]
pub struct Noise {
    pub output: String,
    /// `poisson`, `normal`, …: a row of `Catalog::draws`.
    pub distribution: String,
    /// Its arguments, over outputs, inputs, parameters and constants.
    pub arguments: Vec<Formula>,
}

#[derive(Clone, Debug)]
pub struct Simulator {
    pub kind: &'static Kind,
    /// Shared terms, each of which may use the ones before it.
    pub terms: Vec<(String, Formula)>,
    /// A program; the outputs may use what it assigns.
    pub program: Option<Program>,
    pub outputs: Vec<(String, Formula)>,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    /// None: a scalar; Some(n): `name[0] … name[n-1]`.
    pub size: Option<usize>,
    pub prior: Prior,
    pub unit: Option<String>,
    /// One number per element.
    pub start: Option<Vec<f64>>,
    pub bounds: Option<(f64, f64)>,
    pub transform: Option<Transform>,
    pub reference: Option<Vec<f64>>,
}

/// A prior of each element of a parameter.
#[derive(Clone, Debug)]
pub struct Prior {
    pub row: &'static crate::kind::Prior,
    /// Its arguments that are numbers, in the row's names.
    pub arguments: Settings,
    /// Those that name earlier parameters.
    pub formulas: Vec<(&'static str, Formula)>,
    /// What `truncated` cuts off.
    pub inner: Option<Box<Prior>>,
}

impl Prior {
    /// Ends of the support. An end that names a parameter is not counted: it moves.
    pub fn support(&self) -> (f64, f64) {
        let (low, high) = (self.row.support)(&self.arguments);
        let (least, most) = self.inner.as_ref().map_or((f64::NEG_INFINITY, f64::INFINITY), |inner| inner.support());
        (low.max(least), high.min(most))
    }

    /// Whether it depends on other parameters.
    pub fn is_hierarchical(&self) -> bool {
        self.all_formulas().next().is_some()
    }

    /// Every argument that names parameters, those of what is truncated included.
    pub fn all_formulas(&self) -> impl Iterator<Item = &Formula> {
        let inner = self.inner.iter().flat_map(|inner| &inner.formulas);
        self.formulas.iter().chain(inner).map(|(_, formula)| formula)
    }
}

/// The coordinate in which gradient methods search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    Identity,
    Log,
    Logit,
}

#[derive(Clone, Debug)]
pub struct Loss {
    pub row: &'static crate::kind::Loss,
    /// The settings of its row.
    pub settings: Settings,
    /// The loss of a row, over `predicted`, `observed`, columns, parameters and constants; only of `expression`.
    pub expression: Option<Formula>,
    /// Its setting that is a formula (dispersion, trials, degrees of freedom), over columns, parameters and constants.
    pub shape: Option<Formula>,
    /// Standard deviation of each output, in the order of the outputs, over columns, parameters and constants.
    pub sigma: Vec<Option<Formula>>,
    /// Factor of each output's loss, in the order of the outputs.
    pub weight: Vec<f64>,
    /// Adds the negative log density of the priors (maximum a posteriori).
    pub prior: bool,
}

#[derive(Clone, Debug)]
pub struct Differentiation {
    pub methods: Vec<&'static Kind>,
    /// Step of the difference methods and of the complex step; None: each method's own rule.
    pub step: Option<f64>,
    /// What `symbolic` means.
    pub symbolic: Form,
    pub compare: Compare,
}

/// What is differentiated where the methods are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// The loss.
    #[default]
    Gradient,
    /// The outputs of the simulator, in every row of the data.
    Jacobian,
}

impl Of {
    /// As the file writes them.
    pub const WORDS: &[&str] = &["gradient", "jacobian"];

    pub fn word(self) -> &'static str {
        Of::WORDS[self as usize]
    }
}

/// Where the methods are compared, and on what.
#[derive(Clone, Debug, Default)]
pub struct Compare {
    pub of: Of,
    /// How many of the outputs, the first ones; None: all. Only of a Jacobian.
    pub outputs: Option<usize>,
    /// How many: the start, then draws from the priors.
    pub points: usize,
    /// Further points: the product of these values of scalar parameters, by their positions among the parameters, the
    /// last varying fastest; the other parameters are at their start.
    pub grid: Vec<(usize, Vec<f64>)>,
}

impl Compare {
    /// How many points there are in all.
    pub fn count(&self) -> usize {
        let grid: usize = self.grid.iter().map(|(_, values)| values.len()).product();
        self.points + if self.grid.is_empty() { 0 } else { grid }
    }
}

#[derive(Clone, Debug)]
pub struct Optimizer {
    pub row: &'static crate::kind::Optimizer,
    /// The word in the reports: the method, or the label that tells two uses of one method apart.
    pub label: String,
    pub settings: Settings,
    /// From how many points it starts, the budget divided between them.
    pub starts: u64,
    /// What goes on from the best point.
    pub polish: Option<&'static crate::kind::Optimizer>,
}

/// What a run may use before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    pub evaluations: u64,
    pub gradients: Option<u64>,
    pub iterations: Option<u64>,
    /// Wall time of one run; where it ends a run, that run cannot be reproduced.
    pub seconds: Option<f64>,
    /// The loss at which a run has what was wanted.
    pub target: Option<f64>,
    /// How many iterations in a row may bring no lower loss.
    pub stagnation: Option<u64>,
}

impl Budget {
    /// Evaluations, and nothing else.
    pub const fn of(evaluations: u64) -> Budget {
        Budget { evaluations, gradients: None, iterations: None, seconds: None, target: None, stagnation: None }
    }
}

#[derive(Clone, Debug)]
pub struct Intervals {
    pub methods: Vec<&'static Kind>,
    pub level: f64,
    /// How many data sets the bootstrap draws.
    pub resamples: usize,
    /// How it draws them; None: by the law that the loss states, else by rows.
    pub resampling: Option<Resampling>,
}

/// How the bootstrap draws data anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// Each observation from the loss's law at the estimate.
    Parametric,
    /// Rows, with replacement.
    Cases,
}

/// The answer that the best run should give, for golden tests and for the last line on the terminal.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub loss: Option<f64>,
    /// By the parameter's scalar name (`a`, `A[3]`).
    pub parameters: Vec<(String, f64)>,
    /// Their standard errors, by the same names.
    pub standard_errors: Vec<(String, f64)>,
    /// Allowed relative deviation.
    pub tolerance: f64,
}

/// Where a scalar has its value from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// It is searched.
    Free,
    Fixed(f64),
    /// The last share of a whole: what so many scalars before it leave of 1.
    Rest(usize),
}

/// One scalar parameter: an element of a vector parameter, or a parameter without size.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'a> {
    pub parameter: &'a Parameter,
    pub element: Option<usize>,
}

impl Differentiation {
    /// What the reports call one of the methods.
    pub fn name(&self, method: &Kind) -> String {
        self.symbolic.of(method.name)
    }
}

impl Parameter {
    pub fn len(&self) -> usize {
        self.size.unwrap_or(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The box of each element: the prior's support inside the bounds. Its ends may be infinite, and are equal for a
    /// fixed value.
    pub fn limits(&self) -> (f64, f64) {
        let (low, high) = self.prior.support();
        let (least, most) = self.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        (low.max(least), high.min(most))
    }

    /// Its prior allows one value alone.
    pub fn is_fixed(&self) -> bool {
        let (low, high) = self.prior.support();
        low == high && self.prior.inner.is_none()
    }
}

impl Scalar<'_> {
    /// The name in reports: `a`, or `A[3]`.
    pub fn name(&self) -> String {
        match self.element {
            None => self.parameter.name.clone(),
            Some(i) => format!("{}[{i}]", self.parameter.name),
        }
    }

    pub fn role(&self) -> Role {
        match self.element {
            _ if self.parameter.is_fixed() => Role::Fixed(self.parameter.limits().0),
            Some(last) if self.parameter.prior.row.simplex && last + 1 == self.parameter.len() => Role::Rest(last),
            _ => Role::Free,
        }
    }

    pub fn start(&self) -> Option<f64> {
        self.parameter.start.as_ref().map(|values| values[self.element.unwrap_or(0)])
    }

    pub fn reference(&self) -> Option<f64> {
        self.parameter.reference.as_ref().map(|values| values[self.element.unwrap_or(0)])
    }
}

impl Experiment {
    /// Every scalar parameter in the order of the file: the order of θ everywhere.
    pub fn scalars(&self) -> Vec<Scalar<'_>> {
        let elements = |parameter: &'_ Parameter| match parameter.size {
            None => vec![None],
            Some(n) => (0..n).map(Some).collect(),
        };
        self.parameters
            .iter()
            .flat_map(|parameter| elements(parameter).into_iter().map(move |element| Scalar { parameter, element }))
            .collect()
    }
}
