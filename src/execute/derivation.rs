//! What is compared: the gradient of the loss or the Jacobian of the outputs, by one method; and the judge of both.

use crate::diff::reference::Reference;
use crate::diff::{Jacobian, Method, Objective, Options};
use crate::engine::{Kernel, Workspace};
use crate::experiment::{Compare, Of};
use crate::ir::{Builder, Node, Operator, Program, Value};
use crate::model::Model;

/// Parameters, evenly spread, in which derivatives are judged, and rows of a Jacobian: the reference costs a function in
/// high-precision arithmetic for each.
const PARAMETERS: usize = 32;
const ROWS: usize = 16;

/// What is differentiated: over θ, bound to the model's data.
pub struct Subject<'a> {
    model: &'a Model,
    of: Of,
    /// The loss, or the outputs.
    program: Program,
}

/// A derivative of the subject by one method.
pub enum Derivation {
    Gradient(Objective),
    Jacobian(Jacobian),
}

/// A derivative at a point: row by row, n numbers each.
pub struct Taken {
    /// The loss; NaN for a Jacobian.
    pub value: f64,
    pub operations: usize,
    pub entries: Vec<f64>,
}

/// The derivatives in high-precision arithmetic, of some rows in some parameters.
pub struct Judge {
    rows: Vec<Reference>,
    /// Positions of the judged entries among all.
    pub entries: Vec<usize>,
}

impl<'a> Subject<'a> {
    pub fn new(model: &'a Model, compare: &Compare) -> Subject<'a> {
        let program = match compare.of {
            Of::Gradient => model.loss.clone(),
            Of::Jacobian => {
                let count = compare.outputs.unwrap_or(usize::MAX).min(model.simulation.outputs.len());
                Program { outputs: model.simulation.outputs[..count].to_vec(), ..model.simulation.clone() }
            }
        };
        Subject { model, of: compare.of, program }
    }

    /// Whether the derivatives of two subjects are the same.
    pub fn same(&self, other: &Subject) -> bool {
        self.of == other.of
            && self.program == other.program
            && self.model.table.columns == other.model.table.columns
            && self.model.rows.count() == other.model.rows.count()
    }

    pub fn model(&self) -> &'a Model {
        self.model
    }

    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How many numbers are differentiated: rows of a Jacobian; of a gradient the outputs behind the loss.
    pub fn outputs(&self) -> usize {
        match self.of {
            Of::Gradient => self.model.outputs.len(),
            Of::Jacobian => self.program.outputs.len() * self.model.rows.count(),
        }
    }

    /// The error says why the method cannot differentiate it.
    pub fn by(&self, method: Method, options: &Options) -> Result<Derivation, String> {
        let rows = &self.model.rows;
        Ok(match self.of {
            Of::Gradient => Derivation::Gradient(Objective::new(&self.program, rows, method, options)?),
            Of::Jacobian => Derivation::Jacobian(Jacobian::new(&self.program, rows, method, options)?),
        })
    }

    /// A call of the value, to be timed.
    pub fn value<'p>(&self, point: &'p [f64]) -> Box<dyn FnMut() + 'p> {
        let (kernel, of) = (Kernel::new(&self.program, &self.model.rows), self.of);
        let mut workspace = Workspace::default();
        Box::new(move || {
            let point = std::hint::black_box(point);
            match of {
                Of::Gradient => {
                    let mut value = [0.0];
                    kernel.evaluate(point, &mut workspace, &mut value);
                    std::hint::black_box(value);
                }
                Of::Jacobian => _ = std::hint::black_box(kernel.rows(point, &mut workspace)),
            }
        })
    }

    pub fn judge(&self) -> Judge {
        let n = self.program.inputs;
        let parameters = spread(n, PARAMETERS);
        let reference = |program: &Program, columns: &[Vec<f64>], rows: usize| match parameters.len() == n {
            true => Reference::new(program, columns, rows),
            false => Reference::in_inputs(program, &parameters, columns, rows),
        };
        let (table, count) = (&self.model.table.columns, self.model.rows.count());
        let (judged, rows) = match self.of {
            Of::Gradient => (vec![0], vec![reference(&self.program, table, count)]),
            Of::Jacobian => {
                let judged = spread(self.outputs(), ROWS);
                let apart =
                    !self.program.nodes.iter().any(|node| node.reduces() || matches!(node, Node::Row | Node::Sum(_)));
                let of_row = |row: &usize| {
                    let (output, row) = (row / count, row % count);
                    if !apart {
                        return reference(&in_row(&self.program, output, Some(row)), table, count);
                    }
                    let columns: Vec<Vec<f64>> = table.iter().map(|column| vec![column[row]]).collect();
                    reference(&in_row(&self.program, output, None), &columns, 1)
                };
                let rows = judged.iter().map(of_row).collect();
                (judged, rows)
            }
        };
        let entries = judged.iter().flat_map(|row| parameters.iter().map(move |k| row * n + k)).collect();
        Judge { rows, entries }
    }
}

impl Judge {
    /// The judged entries at a point.
    pub fn at(&self, point: &[f64]) -> Vec<f64> {
        self.rows.iter().flat_map(|row| row.gradient(point)).collect()
    }
}

impl Derivation {
    pub fn take(&self, point: &[f64], workspace: &mut Workspace) -> Taken {
        match self {
            Derivation::Gradient(objective) => {
                let mut entries = vec![0.0; point.len()];
                let taken = objective.take(point, workspace, &mut entries, &mut []);
                Taken { value: taken.value, operations: taken.operations, entries }
            }
            Derivation::Jacobian(jacobian) => {
                let mut values = vec![0.0; jacobian.height()];
                let mut entries = vec![0.0; jacobian.height() * point.len()];
                jacobian.evaluate(point, workspace, &mut values, &mut entries);
                let operations = usize::try_from(jacobian.operations()).unwrap_or(usize::MAX);
                Taken { value: f64::NAN, operations, entries }
            }
        }
    }

    /// A call of value and derivative, to be timed.
    pub fn call<'p>(&'p self, point: &'p [f64]) -> Box<dyn FnMut() + 'p> {
        let mut workspace = Workspace::default();
        match self {
            Derivation::Gradient(objective) => {
                let mut gradient = vec![0.0; point.len()];
                Box::new(move || {
                    let point = std::hint::black_box(point);
                    std::hint::black_box(objective.gradient(point, &mut workspace, &mut gradient));
                })
            }
            Derivation::Jacobian(jacobian) => {
                let mut values = vec![0.0; jacobian.height()];
                let mut entries = vec![0.0; jacobian.height() * point.len()];
                Box::new(move || {
                    let point = std::hint::black_box(point);
                    std::hint::black_box(jacobian.evaluate(point, &mut workspace, &mut values, &mut entries));
                })
            }
        }
    }

    pub fn expression_nodes(&self) -> Option<usize> {
        match self {
            Derivation::Gradient(objective) => objective.expression_nodes(),
            Derivation::Jacobian(_) => None,
        }
    }
}

/// All of `count` positions, or `most` of them evenly spread, the first and the last among them.
fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|i| i * (count - 1) / (most - 1)).collect()
}

/// An output in one row of the data, as the sum over the rows of what is zero in the others; without a row there is only
/// one.
fn in_row(program: &Program, output: usize, row: Option<usize>) -> Program {
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let mut value = b.inline(program, &inputs, &columns)[output];
    if let Some(row) = row {
        let (number, wanted, zero) = (b.row(), b.constant(row as f64), b.constant(0.0));
        let here = b.apply(Operator::Equal, &[number, wanted]);
        value = b.select(here, value, zero);
    }
    let sum = b.sum(value);
    b.finish(&[sum], program.inputs, program.columns)
}
