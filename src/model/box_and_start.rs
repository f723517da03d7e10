//! Where a search begins and in which box: starts, draws and coordinates from the priors, in the order of the file.

use super::point::rest;
use super::prior::{self, Distribution, dirichlet};
use super::scope;
use super::transform::Coordinate;
use crate::experiment::{Experiment, Role, Scalar};
use crate::ir::{Builder, Value};
use crate::language::lower;
use crate::language::tree::Formula;
use crate::math::random::Stream;

/// `prior`: the scalar's, at the starts of the parameters that it depends on; `drawn`: the least and the greatest of some
/// draws, where it depends on any.
fn coordinate(scalar: &Scalar, prior: &Distribution, drawn: Option<(f64, f64)>) -> Coordinate {
    let parameter = scalar.parameter;
    let (low, high) = parameter.limits();
    if parameter.prior.row.simplex {
        let first = Coordinate::new(low, high, false, 1.0, None);
        return Coordinate { continues: scalar.element != Some(0), ..first };
    }
    // The prior's standard deviation, as a normal has it, else the size of the start.
    let spread = 0.5 * (prior.quantile(0.84) - prior.quantile(0.16));
    let sizes = [spread, scalar.start().unwrap_or(0.0).abs()];
    let scale = sizes.into_iter().find(|size| size.is_finite() && *size > 0.0).unwrap_or(1.0);
    let (mut least, mut most) = drawn.unwrap_or_else(|| (prior.quantile(TAIL), prior.quantile(1.0 - TAIL)));
    if let Some(start) = scalar.start() {
        (least, most) = (least.min(start), most.max(start));
    }
    let inner = parameter.prior.inner.as_ref().map_or(&parameter.prior, |inner| inner);
    let logarithmic = prior::is_logarithmic(inner.row.kind.name);
    Coordinate::new(low, high, logarithmic, scale, parameter.transform).reaching(least, most)
}

/// The coordinates of the free scalars.
pub(super) fn coordinates(experiment: &Experiment) -> Vec<Coordinate> {
    let mut drawn: Option<(Vec<f64>, Vec<f64>)> = None;
    if experiment.parameters.iter().any(|parameter| parameter.prior.is_hierarchical()) {
        for draw in 0..DRAWS {
            let mut stream = Stream::at(0, "priors", "box", draw);
            let mut values = Vec::new();
            walk(experiment, |scalar, prior| {
                values.push(quantile_inside(scalar, prior, stream.open()));
                values[values.len() - 1]
            });
            let (least, most) = drawn.get_or_insert_with(|| (values.clone(), values.clone()));
            for (k, value) in values.iter().enumerate() {
                (least[k], most[k]) = (least[k].min(*value), most[k].max(*value));
            }
        }
    }
    let mut coordinates: Vec<Coordinate> = Vec::new();
    walk(experiment, |scalar, prior| {
        let hierarchical = scalar.parameter.prior.is_hierarchical();
        let place = coordinates.len();
        let range = drawn.as_ref().filter(|_| hierarchical).map(|(least, most)| (least[place], most[place]));
        coordinates.push(coordinate(scalar, prior, range));
        at_start(scalar, prior)
    });
    coordinates
}

/// Goes through the scalars in the order of the file: `f` gives each free one its value from its prior, in which those
/// before have the values that they were given. All scalars come back.
pub(super) fn walk(experiment: &Experiment, mut f: impl FnMut(&Scalar, &Distribution) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::new();
    let scalars = experiment.scalars();
    for scalar in &scalars {
        let value = |formula: &Formula| evaluate(experiment, formula, &values, scalars.len());
        let value = match (scalar.role(), scalar.element) {
            (Role::Fixed(number), _) => number,
            (Role::Rest(count), _) => rest(&values[values.len() - count..]),
            (Role::Free, Some(k)) if scalar.parameter.prior.row.simplex => {
                let left = rest(&values[values.len() - k..]);
                f(scalar, &dirichlet::share(&scalar.parameter.prior, k, scalar.parameter.len(), left))
            }
            (Role::Free, _) => f(scalar, &Distribution::new(&scalar.parameter.prior, &value)),
        };
        values.push(value);
    }
    values
}

/// A formula of the first parameters at their values; NaN where it names others.
fn evaluate(experiment: &Experiment, formula: &Formula, values: &[f64], scalars: usize) -> f64 {
    let mut b = Builder::new();
    let mut all: Vec<Value> = values.iter().map(|value| b.constant(*value)).collect();
    let unknown = b.constant(f64::NAN);
    all.resize(scalars, unknown);
    let scope = scope(experiment, &[], &all, &mut b);
    let value = lower::expression(formula, &scope, &mut b, &mut Vec::new());
    value.and_then(|value| b.known(value)).unwrap_or(f64::NAN)
}

/// `start`, else the mean of a share of a whole, else the median.
pub(super) fn at_start(scalar: &Scalar, prior: &Distribution) -> f64 {
    scalar.start().or_else(|| prior.mean()).unwrap_or_else(|| quantile_inside(scalar, prior, 0.5))
}

/// Draws of the priors together, whose range stands for an infinite end where a prior depends on other parameters.
const DRAWS: u64 = 1000;
/// The share of a prior beyond each end of the box that populations search where its support is infinite.
const TAIL: f64 = 1e-4;

/// The prior's quantile, brought into the bounds. A prior without density is taken as even over a finite box; else its
/// start stands for every quantile.
pub(super) fn quantile_inside(scalar: &Scalar, prior: &Distribution, p: f64) -> f64 {
    let (low, high) = scalar.parameter.limits();
    let quantile = prior.quantile(p);
    if !quantile.is_nan() {
        quantile.clamp(low, high)
    } else if (high - low).is_finite() {
        (low + p * (high - low)).clamp(low, high)
    } else {
        scalar.start().unwrap_or(0.0).clamp(low, high)
    }
}
