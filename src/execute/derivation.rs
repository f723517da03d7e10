//! What is compared: the gradient of the loss or the Jacobian of the outputs, by one method; and the judge of both.

use std::hash::{Hash, Hasher};

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
    Gradient(Box<Objective>),
    Jacobian(Box<Jacobian>),
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
    references: Vec<Reference>,
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

    /// Takes in all that its derivatives follow from, apart from the point.
    pub fn hash(&self, hash: &mut impl Hasher) {
        (self.of == Of::Gradient).hash(hash);
        self.program.hash(hash);
        self.model.rows.count().hash(hash);
        for column in &self.model.table.columns {
            column.len().hash(hash);
            // Zeros of either sign are one value.
            column.iter().for_each(|x| (x + 0.0).to_bits().hash(hash));
        }
    }

    pub fn model(&self) -> &'a Model {
        self.model
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
            Of::Gradient => Derivation::Gradient(Box::new(Objective::new(&self.program, rows, method, options)?)),
            Of::Jacobian => Derivation::Jacobian(Box::new(Jacobian::new(&self.program, rows, method, options)?)),
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
        let (table, count) = (&self.model.table.columns, self.model.rows.count());
        if self.of == Of::Gradient {
            let loss = Reference::in_inputs(&self.program, &parameters, table, count);
            return Judge { references: vec![loss], entries: parameters };
        }
        let judged: Vec<(usize, usize)> =
            spread(self.outputs(), ROWS).into_iter().map(|row| (row / count, row % count)).collect();
        let mut references = Vec::new();
        let mut entries = Vec::new();
        let mut add = |outputs: &[(usize, usize)], wanted: &[(usize, Option<usize>)], table: &[Vec<f64>], rows| {
            references.push(Reference::in_inputs(&in_rows(&self.program, wanted), &parameters, table, rows));
            let places = outputs.iter().map(|(output, row)| output * count + row);
            entries.extend(places.flat_map(|place| parameters.iter().map(move |k| place * n + k)));
        };
        let mixes = |node: &Node| node.reduces() || matches!(node, Node::Row | Node::Sum(_));
        if self.program.nodes.iter().any(mixes) {
            let wanted: Vec<_> = judged.iter().map(|(output, row)| (*output, Some(*row))).collect();
            add(&judged, &wanted, table, count);
        } else {
            // What an output is in a row of the data needs that row alone.
            let mut rows: Vec<usize> = judged.iter().map(|(_, row)| *row).collect();
            rows.sort_unstable();
            rows.dedup();
            for row in rows {
                let here: Vec<_> = judged.iter().copied().filter(|(_, other)| *other == row).collect();
                let wanted: Vec<_> = here.iter().map(|(output, _)| (*output, None)).collect();
                let columns: Vec<Vec<f64>> = table.iter().map(|column| vec![column[row]]).collect();
                add(&here, &wanted, &columns, 1);
            }
        }
        Judge { references, entries }
    }
}

impl Judge {
    /// The judged entries at a point.
    pub fn at(&self, point: &[f64]) -> Vec<f64> {
        self.references.iter().flat_map(|reference| reference.gradient(point)).collect()
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

/// Outputs, each in one row of the data, as the sum over the rows of what is zero in the others; without a row there is
/// only one.
fn in_rows(program: &Program, wanted: &[(usize, Option<usize>)]) -> Program {
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..program.inputs).map(|k| b.input(k)).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let values = b.inline(program, &inputs, &columns);
    let mut sums = Vec::new();
    for (output, row) in wanted {
        let mut value = values[*output];
        if let Some(row) = row {
            let (number, wanted, zero) = (b.row(), b.constant(*row as f64), b.constant(0.0));
            let here = b.apply(Operator::Equal, &[number, wanted]);
            value = b.select(here, value, zero);
        }
        sums.push(b.sum(value));
    }
    b.finish(&sums, program.inputs, program.columns)
}
