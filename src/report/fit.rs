//! Data and model side by side at a run's best point: what `predictions.csv` and the picture of the fit show.

use super::{Curve, Fit, Goodness, OutputFit};
use crate::data::Table;
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Node, Program, Value};
use crate::math::distribution::chi_square_cdf;
use crate::model::Model;
use crate::record::Record;

/// Points of the dense curve.
const DENSE: usize = 400;

/// The fit of one run; None where the run has no parameters or the model no data.
pub fn fit(model: &Model, run: usize, record: &Record) -> Option<Fit> {
    if record.parameters.is_empty() || model.observed.is_empty() {
        return None;
    }
    let theta = model.free(&record.parameters);
    let columns = Kernel::new(&model.predictions, &model.rows).rows(&theta, &mut Workspace::default());
    let output = |k: usize| {
        let observed = model.table.columns[model.observed[k]].clone();
        let (predicted, sigma) = (columns[2 * k].clone(), columns[2 * k + 1].clone());
        let residual = observed.iter().zip(&predicted).map(|(observed, predicted)| observed - predicted).collect();
        let sigma = sigma.iter().any(|sigma| !sigma.is_nan()).then_some(sigma);
        OutputFit { name: model.outputs[k].clone(), observed, sigma, predicted, residual }
    };
    let predicted = predicted(&model.predictions);
    let read = |k: &usize| predicted.nodes.contains(&Node::Column(*k as u32));
    let inputs: Vec<usize> = (0..model.table.columns.len()).filter(read).collect();
    let table = Table {
        names: inputs.iter().map(|k| model.table.names[*k].clone()).collect(),
        columns: inputs.iter().map(|k| model.table.columns[*k].clone()).collect(),
        ..Table::default()
    };
    let curve = match inputs[..] {
        [input] => dense(model, &predicted, input, &theta),
        _ => None,
    };
    let outputs = (0..model.outputs.len()).map(output).collect();
    Some(Fit { run, inputs: table, outputs, curve, goodness: goodness(model, &theta) })
}

/// None for a loss without a standard statistic, and where there are no degrees of freedom.
fn goodness(model: &Model, theta: &[f64]) -> Option<Goodness> {
    let program = model.deviance.as_ref()?;
    let degrees = (model.rows.count() * model.outputs.len()).checked_sub(model.dimension()).filter(|n| *n > 0)?;
    let mut value = [f64::NAN];
    Kernel::new(program, &model.rows).evaluate(theta, &mut Workspace::default(), &mut value);
    let [value] = value;
    let squares = model.predictions.outputs.iter().skip(1).step_by(2);
    let has_sigma = squares.clone().any(|sigma| model.predictions.node(*sigma).constant().is_none_or(|s| !s.is_nan()));
    let statistic = if has_sigma { "chi-square" } else { "deviance" };
    let probability = chi_square_cdf(value, degrees as f64).1;
    value.is_finite().then_some(Goodness { statistic, value, degrees, probability })
}

/// The predictions without their sigmas.
fn predicted(predictions: &Program) -> Program {
    let outputs: Vec<Value> = predictions.outputs.iter().copied().step_by(2).collect();
    Builder::extend(predictions).finish(&outputs, predictions.inputs, predictions.columns)
}

/// The outputs on an even grid over the range of the only input.
fn dense(model: &Model, predicted: &Program, input: usize, theta: &[f64]) -> Option<Curve> {
    let data = &model.table.columns[input];
    let low = data.iter().copied().fold(f64::INFINITY, f64::min);
    let high = data.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low >= high {
        return None;
    }
    let x: Vec<f64> = (0..DENSE).map(|k| low + (high - low) * k as f64 / (DENSE - 1) as f64).collect();
    let columns: Vec<Vec<f64>> =
        (0..model.table.columns.len()).map(|k| if k == input { x.clone() } else { vec![f64::NAN; DENSE] }).collect();
    let outputs = Kernel::new(predicted, &Rows::new(&columns, DENSE)).rows(theta, &mut Workspace::default());
    Some(Curve { x, outputs })
}
