//! An experiment as programs: simulator, transformation, prior and loss lowered into one representation.
//!
//! θ are the free scalar parameters in the order of the file; fixed ones are constants. u are θ's search coordinates
//! (`transform`). All programs share their inputs: θ, or u where said.

mod box_and_start;
pub mod loss;
mod point;
pub mod prior;
pub mod simulator;
pub mod synthetic;
pub mod transform;

use std::sync::Arc;

use crate::data::Table;
use crate::diagnostic::Diagnostic;
use crate::engine::Rows;
use crate::experiment::{Data, Experiment, Role, Scalar};
use crate::ir::{Builder, Node, Operator, Program, Value};
use crate::language::lower::{self, Meaning, Scope};
use crate::language::tree::Formula;
use box_and_start::coordinates;
use loss::{Comparison, Information, Residual};
use prior::dirichlet;
use transform::Coordinate;

/// The programs of one experiment and the data that they run over.
#[derive(Clone, Debug)]
pub struct Model {
    /// Every scalar parameter's name, free or fixed.
    pub names: Vec<String>,
    /// Where each scalar has its value from.
    pub roles: Vec<Role>,
    /// Of the free ones.
    pub coordinates: Vec<Coordinate>,
    /// The loss over θ.
    pub loss: Program,
    /// The loss over u: infinite outside the box, where a user's transformation can leave it.
    pub search_loss: Program,
    /// What the loss is made of, where that is squares.
    pub search_residuals: Option<Residuals>,
    /// Row outputs over θ: every output of the simulator.
    pub simulation: Program,
    /// Row outputs over θ: for each output with data what is expected to be observed, and sigma (NaN where there is none).
    pub predictions: Program,
    /// Over θ: the goodness of fit, near χ² distributed under the model; None for a loss without one.
    pub deviance: Option<Program>,
    /// The law of the observations; None where the loss states none.
    pub law: Option<Law>,
    /// An output is a vector with an element for each row: a row means nothing away from its place.
    pub rows_are_ordered: bool,
    /// Row outputs over θ: for each quantity of the expected information the quantity and its weight.
    pub information: Program,
    /// The negative log prior over θ, where the loss includes it.
    pub prior: Option<Program>,
    /// The data, observed columns included.
    pub table: Arc<Table>,
    pub rows: Rows,
    /// How many times the negative log likelihood the loss is; None where the residuals tell.
    pub likelihood_factor: Option<f64>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// The column of each output's data.
    pub observed: Vec<usize>,
}

/// The law of the observations: a row of `math::draw::DRAWS`.
#[derive(Clone, Debug)]
pub struct Law {
    pub draw: &'static str,
    /// Row outputs over θ: for each output with data the arguments of its draws.
    pub program: Program,
    pub arguments: usize,
}

/// The parts of a loss that is made of squares (`loss::Residual`), over u.
#[derive(Clone, Debug)]
pub struct Residuals {
    /// Row outputs: for each part its residual, quantity and factor.
    pub program: Program,
    pub scale: f64,
}

/// Lowers a checked experiment. The faults are those that only lowering can see.
pub fn compile(experiment: &Experiment) -> Result<Model, Vec<Diagnostic>> {
    let table = observations(experiment)?;
    let scalars = experiment.scalars();
    let roles: Vec<Role> = scalars.iter().map(Scalar::role).collect();
    let coordinates = coordinates(experiment);
    let outputs: Vec<String> = experiment.simulator.outputs.iter().map(|(name, _)| name.clone()).collect();
    let column = |name: &String| table.names.iter().position(|column| column == name);
    let observed: Vec<usize> = outputs.iter().filter_map(column).collect();
    // Without data there is one row, so that a sum over the rows is the value itself.
    let count = if matches!(experiment.data, Data::None) { 1 } else { table.rows() };
    let apart = None;
    let lowering = Lowering { experiment, table: &table, rows: count, roles: &roles, coordinates: &coordinates, apart };
    let (n, columns) = (coordinates.len(), table.columns.len());

    let mut b = Builder::new();
    let theta: Vec<Value> = (0..n).map(|k| b.input(k)).collect();
    let mut parts = lowering.lower(&mut b, &theta)?;
    let loss = b.finish(&[parts.loss], n, columns);
    let simulation = b.finish(&parts.simulated, n, columns);
    let predictions = b.finish(&parts.predictions, n, columns);
    let pairs: Vec<Value> = parts.information.iter().flat_map(|i| [i.quantity, i.weight]).collect();
    let information = b.finish(&pairs, n, columns);
    let prior = parts.prior.map(|prior| b.finish(&[prior], n, columns));
    let deviance = parts.deviance.map(|deviance| b.finish(&[deviance], n, columns));
    let squares: Vec<Value> = parts.squares.iter().flat_map(|r| [r.residual, r.quantity, r.factor]).collect();
    let squares = parts.scale.map(|scale| (scale, b.finish(&squares, n, columns)));
    let law = parts.law.take().filter(|_| !observed.is_empty()).map(|(draw, arguments)| {
        let program = b.finish(&arguments, n, columns);
        Law { draw, program, arguments: arguments.len() / observed.len() }
    });

    let (mut b, search_loss) = lowering.search(&loss, columns);
    let theta = lowering.searched(&mut b);
    let columns_of: Vec<Value> = (0..columns).map(|k| b.column(k)).collect();
    let search_residuals = squares.map(|(scale, program)| {
        let parts = b.inline(&program, &theta, &columns_of);
        Residuals { program: b.finish(&parts, n, columns), scale }
    });

    let rows_are_ordered = loss.nodes.iter().any(|node| matches!(node, Node::Row));
    let names = scalars.iter().map(Scalar::name).collect();
    let likelihood_factor = loss::likelihood_factor(experiment.loss.row.kind.name);
    let rows = Rows::new(&table.columns, count);
    Ok(Model {
        names,
        roles,
        coordinates,
        loss,
        search_loss,
        search_residuals,
        simulation,
        predictions,
        deviance,
        law,
        rows_are_ordered,
        information,
        prior,
        table,
        rows,
        likelihood_factor,
        outputs,
        observed,
    })
}

/// The loss over search coordinates with the observations in columns of their own, behind those of the table, one for each
/// output with data: a formula that names an observed column (a sigma) keeps what was measured.
pub fn apart(experiment: &Experiment, model: &Model) -> Program {
    let columns = model.table.columns.len();
    let (roles, coordinates, rows) = (&model.roles, &model.coordinates, model.rows.count());
    let apart = Some(columns);
    let lowering = Lowering { experiment, table: &model.table, rows, roles, coordinates, apart };
    let mut b = Builder::new();
    let theta: Vec<Value> = (0..coordinates.len()).map(|k| b.input(k)).collect();
    let parts = lowering.lower(&mut b, &theta).expect("what was lowered once can be lowered again");
    let columns = columns + model.observed.len();
    let loss = b.finish(&[parts.loss], coordinates.len(), columns);
    lowering.search(&loss, columns).1
}

/// The data with an observed column for each output: measured, or simulated at the truth with noise.
fn observations(experiment: &Experiment) -> Result<Arc<Table>, Vec<Diagnostic>> {
    match &experiment.data {
        Data::Measured(table) => Ok(Arc::clone(table)),
        Data::None => Ok(Arc::new(Table::default())),
        Data::Synthetic { inputs, truth, noise } => synthetic::draw(experiment, inputs, truth, noise).map(Arc::new),
    }
}

struct Lowering<'a> {
    experiment: &'a Experiment,
    table: &'a Table,
    rows: usize,
    roles: &'a [Role],
    coordinates: &'a [Coordinate],
    /// The first column of observations that stand apart from the table.
    apart: Option<usize>,
}

/// The nodes that one lowering gives.
struct Parts {
    loss: Value,
    simulated: Vec<Value>,
    predictions: Vec<Value>,
    information: Vec<Information>,
    prior: Option<Value>,
    deviance: Option<Value>,
    /// The draw of each observation, and the arguments of one output after the other.
    law: Option<(&'static str, Vec<Value>)>,
    /// What the loss is made of, and its scale: None where that is not squares.
    squares: Vec<Residual>,
    scale: Option<f64>,
}

impl Lowering<'_> {
    /// θ as nodes of the inputs u.
    fn searched(&self, b: &mut Builder) -> Vec<Value> {
        let u: Vec<Value> = (0..self.coordinates.len()).map(|k| b.input(k)).collect();
        transform::lower(self.coordinates, b, &u)
    }

    /// A loss over θ as one over u: infinite outside the box, where a user's transformation can leave it.
    fn search(&self, loss: &Program, columns: usize) -> (Builder, Program) {
        let mut b = Builder::new();
        let theta = self.searched(&mut b);
        let columns_of: Vec<Value> = (0..columns).map(|k| b.column(k)).collect();
        let inside = self.inside(&mut b, &theta);
        let mut value = b.inline(loss, &theta, &columns_of)[0];
        if let Some(inside) = inside {
            let never = b.constant(f64::INFINITY);
            value = b.select(inside, value, never);
        }
        let program = b.finish(&[value], self.coordinates.len(), columns);
        (b, program)
    }

    fn lower(&self, b: &mut Builder, theta: &[Value]) -> Result<Parts, Vec<Diagnostic>> {
        let experiment = self.experiment;
        let all = self.scalars(b, theta);
        let mut scope = scope(experiment, &self.table.names, &all, b);
        // Priors see the parameters, and nothing that a program assigns.
        let of_priors = scope.clone();
        let mut value = |b: &mut Builder, formula: &Formula| {
            let lowered = lower::expression(formula, &of_priors, b, &mut Vec::new());
            lowered.unwrap_or_else(|| b.constant(f64::NAN))
        };
        let predicted = simulator::lower(&experiment.simulator, self.rows, &mut scope, b)?;
        let mut faults = Vec::new();
        let mut parts = Parts {
            loss: b.constant(0.0),
            simulated: predicted.clone(),
            predictions: Vec::new(),
            information: Vec::new(),
            prior: None,
            // A weighted deviance follows no law that is known.
            deviance: experiment.loss.weight.iter().all(|weight| *weight == 1.0).then(|| b.constant(0.0)),
            law: None,
            squares: Vec::new(),
            scale: None,
        };
        let mut made_of_squares = !experiment.loss.prior || self.priors_are_even();
        let kind = experiment.loss.row.kind.name;
        let mut compared = 0;
        for (k, (name, _)) in experiment.simulator.outputs.iter().enumerate() {
            let observed = self.table.names.iter().position(|column| column == name).map(|column| {
                compared += 1;
                b.column(self.apart.map_or(column, |first| first + compared - 1))
            });
            let mut row_scope = scope.clone();
            row_scope.insert("predicted", Meaning::Scalar(predicted[k]));
            if let Some(observed) = observed {
                row_scope.insert("observed", Meaning::Scalar(observed));
            }
            let weight = experiment.loss.weight[k];
            let mut add = |b: &mut Builder, row: Value| {
                let row = b.scale(weight, row);
                let total = b.sum(row);
                parts.loss = b.add(parts.loss, total);
            };
            if let Some(formula) = &experiment.loss.expression
                && let Some(row) = lower::expression(formula, &row_scope, b, &mut faults)
            {
                add(b, row);
            }
            let Some(observed) = observed else { continue };
            let sigma = experiment.loss.sigma[k].as_ref();
            let sigma = sigma.and_then(|formula| lower::expression(formula, &row_scope, b, &mut faults));
            let shape = match &experiment.loss.shape {
                Some(formula) => lower::expression(formula, &row_scope, b, &mut faults),
                None => experiment.loss.settings.number("delta").map(|delta| b.constant(delta)),
            };
            if !faults.is_empty() {
                continue;
            }
            let comparison = Comparison { predicted: predicted[k], observed, sigma, shape };
            if experiment.loss.expression.is_none() {
                let row = loss::row_loss(kind, b, comparison);
                add(b, row);
            }
            let nan = b.constant(f64::NAN);
            parts.predictions.extend([loss::expectation(kind, b, comparison), sigma.unwrap_or(nan)]);
            if let Some((draw, arguments)) = loss::law(kind, b, comparison) {
                parts.law.get_or_insert((draw, Vec::new())).1.extend(arguments);
            }
            parts.deviance = match (parts.deviance, loss::deviance(kind, b, comparison)) {
                (Some(total), Some(row)) => {
                    let sum = b.sum(row);
                    Some(b.add(total, sum))
                }
                _ => None,
            };
            match loss::residuals(kind, b, comparison, experiment.loss.weight[k]) {
                Some((scale, residuals)) => {
                    parts.scale = Some(scale);
                    parts.squares.extend(residuals);
                }
                None => made_of_squares = false,
            }
            for part in loss::information(kind, b, comparison) {
                let weight = b.scale(weight, part.weight);
                parts.information.push(Information { weight, ..part });
            }
        }
        if let Some(inside) = self.between_moving_ends(b, &all, &mut value) {
            let never = b.constant(f64::INFINITY);
            parts.loss = b.select(inside, parts.loss, never);
        }
        if experiment.loss.prior {
            let prior = self.negative_log_prior(b, &all, &mut value);
            // χ² is twice a negative log likelihood: the prior counts as often, so that the minimum is the mode.
            let scaled = b.scale(loss::likelihood_factor(kind).unwrap_or(1.0), prior);
            parts.loss = b.add(parts.loss, scaled);
            parts.prior = Some(prior);
        }
        parts.scale = parts.scale.filter(|_| made_of_squares);
        parts.deviance = parts.deviance.filter(|_| !parts.predictions.is_empty());
        if faults.is_empty() { Ok(parts) } else { Err(faults) }
    }

    /// Every scalar as a node: inputs for the free ones, constants for the fixed ones, and what shares leave of 1.
    fn scalars(&self, b: &mut Builder, theta: &[Value]) -> Vec<Value> {
        let mut free = theta.iter();
        let mut all: Vec<Value> = Vec::with_capacity(self.roles.len());
        for role in self.roles {
            all.push(match role {
                Role::Fixed(number) => b.constant(*number),
                Role::Free => *free.next().expect("an input for each free scalar"),
                Role::Rest(count) => {
                    let whole = b.constant(1.0);
                    all[all.len() - count..].iter().fold(whole, |left, share| b.subtract(left, *share))
                }
            });
        }
        all
    }

    fn negative_log_prior(
        &self,
        b: &mut Builder,
        all: &[Value],
        value: &mut dyn FnMut(&mut Builder, &Formula) -> Value,
    ) -> Value {
        let mut total = b.constant(0.0);
        let mut rest = all;
        for parameter in &self.experiment.parameters {
            let (mine, others) = rest.split_at(parameter.len());
            rest = others;
            if parameter.prior.row.simplex {
                let density = dirichlet::log_density(&parameter.prior, b, mine);
                total = b.add(total, density);
                continue;
            }
            for x in mine {
                let density = prior::log_density(&parameter.prior, b, *x, value);
                total = b.add(total, density);
            }
        }
        b.negate(total)
    }

    /// Whether every parameter lies between the ends of its prior that name other parameters; None without such ends.
    fn between_moving_ends(
        &self,
        b: &mut Builder,
        all: &[Value],
        value: &mut dyn FnMut(&mut Builder, &Formula) -> Value,
    ) -> Option<Value> {
        let mut inside: Option<Value> = None;
        let mut and = |b: &mut Builder, test: Value| {
            inside = Some(match inside {
                Some(inside) => b.multiply(inside, test),
                None => test,
            });
        };
        for (scalar, x) in self.experiment.scalars().iter().zip(all) {
            if let Role::Rest(_) = scalar.role() {
                // Shares of a whole leave something of it.
                let nothing = b.constant(0.0);
                let test = b.apply(Operator::GreaterEqual, &[*x, nothing]);
                and(b, test);
            }
            let outer = &scalar.parameter.prior;
            for prior in [Some(outer), outer.inner.as_deref()].into_iter().flatten() {
                for (name, formula) in &prior.formulas {
                    let operator = match *name {
                        "low" => Operator::GreaterEqual,
                        "high" => Operator::LessEqual,
                        _ => continue,
                    };
                    let end = value(b, formula);
                    let test = b.apply(operator, &[*x, end]);
                    and(b, test);
                }
            }
        }
        inside
    }

    /// Whether the log prior has no slope anywhere in the box.
    fn priors_are_even(&self) -> bool {
        let even = |parameter: &crate::experiment::Parameter| {
            let prior = &parameter.prior;
            !prior.is_hierarchical()
                && (matches!(prior.row.kind.name, "uniform" | "flat" | "fixed") || dirichlet::is_even(prior))
        };
        self.experiment.parameters.iter().all(even)
    }

    /// Whether θ is inside its box, where the coordinates do not see to that; None where they do.
    fn inside(&self, b: &mut Builder, theta: &[Value]) -> Option<Value> {
        use crate::experiment::Transform::{Identity, Log, Logit};
        let mut inside: Option<Value> = None;
        for (coordinate, theta) in self.coordinates.iter().zip(theta) {
            let (checks_low, checks_high) = match coordinate.transform {
                Identity => (coordinate.low.is_finite(), coordinate.high.is_finite()),
                Log => (false, coordinate.low.is_finite() && coordinate.high.is_finite()),
                Logit => (false, false),
            };
            let ends = [
                (checks_low, Operator::GreaterEqual, coordinate.low),
                (checks_high, Operator::LessEqual, coordinate.high),
            ];
            for (_, operator, end) in ends.into_iter().filter(|(checks, ..)| *checks) {
                let end = b.constant(end);
                let test = b.apply(operator, &[*theta, end]);
                inside = Some(match inside {
                    Some(inside) => b.multiply(inside, test),
                    None => test,
                });
            }
        }
        inside
    }
}

/// The names that formulas may use: columns, constants and parameters.
fn scope(experiment: &Experiment, columns: &[String], all: &[Value], b: &mut Builder) -> Scope {
    let mut scope = Scope::default();
    for (k, name) in columns.iter().enumerate() {
        scope.insert(name, Meaning::Scalar(b.column(k)));
    }
    for (name, number) in &experiment.constants {
        scope.insert(name, Meaning::Scalar(b.constant(*number)));
    }
    for (name, numbers) in &experiment.vectors {
        let elements: Vec<Value> = numbers.iter().map(|number| b.constant(*number)).collect();
        scope.insert(name, Meaning::Vector(b.pack(&elements), elements.len() as u32));
    }
    let mut rest = all;
    for parameter in &experiment.parameters {
        let (mine, others) = rest.split_at(parameter.len());
        rest = others;
        scope.insert(
            &parameter.name,
            match parameter.size {
                None => Meaning::Scalar(mine[0]),
                Some(size) => Meaning::Vector(b.pack(mine), size as u32),
            },
        );
    }
    scope
}
