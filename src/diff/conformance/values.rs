//! Values of every operator: the engine's blocks at every level bit for bit, and the reference to the stated error.

use super::{Random, domain, no_faults, same_bits, ulps};
use crate::diff::reference;
use crate::engine::{Kernel, Level, Rows, Workspace};
use crate::ir::op::{ROWS, Row};
use crate::ir::{Builder, Operator, Program, Value};
use crate::math::precise::Real;

/// Every operator's result with each choice of row and uniform operands: bit k of `uniform` says that operand k is an
/// input. Row operands are columns times the last input, which the tests set to 1: so they change with the inputs,
/// and are not computed once with the data; the same again of the columns alone.
fn program(operator: Operator, uniform: usize) -> Program {
    let arity = operator.arity();
    let mut b = Builder::new();
    let one = b.input(arity);
    let mut outputs = Vec::new();
    for bare in [false, true] {
        let operands: Vec<Value> = (0..arity)
            .map(|k| {
                if uniform >> k & 1 == 1 {
                    return b.input(k);
                }
                let column = b.column(k);
                if bare { column } else { b.multiply(column, one) }
            })
            .collect();
        outputs.push(b.apply(operator, &operands));
    }
    b.finish(&outputs, arity + 1, arity)
}

/// Points inside the domain, beyond it, and at the edges of the numbers. Orders stay whole and small.
fn hard_points(row: &Row) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> = domain::points(row, 150).into_iter().map(|(point, _)| point).collect();
    let edges = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-310, 1e308, -1e17, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let order = matches!(row.operator, Operator::Polygamma | Operator::BesselJn);
    let mut random = Random::of(row.operator);
    for _ in 0..150 {
        let mut point: Vec<f64> = (0..row.arity).map(|_| edges[random.bits() as usize % edges.len()]).collect();
        if order {
            point[0] = (random.bits() % 5) as f64;
        }
        points.push(point);
    }
    // A column must not end with a whole stride.
    points.truncate(points.len() / 16 * 16 - 5);
    points
}

/// Where engine and scalar value differ.
fn engine_faults(row: &Row, value: impl Fn(Operator, &[f64]) -> f64) -> Vec<String> {
    let points = hard_points(row);
    let columns: Vec<Vec<f64>> = (0..row.arity).map(|k| points.iter().map(|point| point[k]).collect()).collect();
    let rows = Rows::new(&columns, points.len());
    let mut workspace = Workspace::default();
    let mut faults = Vec::new();
    for uniform in 0..1usize << row.arity {
        let program = program(row.operator, uniform);
        for level in Level::available() {
            let kernel = Kernel::at_level(&program, &rows, level);
            let starts = if uniform == 0 { 1 } else { points.len() / 29 };
            for start in (0..starts).map(|k| k * 29) {
                let inputs: Vec<f64> = points[start].iter().copied().chain([1.0]).collect();
                for found in kernel.rows(&inputs, &mut workspace) {
                    for (found, point) in found.iter().zip(&points) {
                        let operands: Vec<f64> =
                            (0..row.arity).map(|k| if uniform >> k & 1 == 1 { inputs[k] } else { point[k] }).collect();
                        let want = value(row.operator, &operands);
                        if !same_bits(*found, want) {
                            faults.push(format!("{} {operands:?} at {level}: {found:e}, not {want:e}", row.name));
                        }
                    }
                }
            }
        }
    }
    faults
}

#[test]
fn blocks_have_the_bits_of_the_scalar_value() {
    let faults: Vec<String> = ROWS.iter().flat_map(|row| engine_faults(row, Operator::value)).collect();
    no_faults(&faults);
}

#[test]
fn a_value_one_bit_away_is_found() {
    let wrong = |operator: Operator, x: &[f64]| f64::from_bits(operator.value(x).to_bits() ^ 1);
    assert!(ROWS.iter().all(|row| !engine_faults(row, wrong).is_empty()));
}

/// The worst error of an operator's value against the reference, with the point; results below the normal numbers are
/// left out, where an ulp is not relative.
fn worst_error(row: &Row, value: impl Fn(Operator, &[f64]) -> f64) -> (f64, Vec<f64>) {
    let least = domain::of(row.operator).least;
    let mut worst = (0.0, Vec::new());
    for (point, _) in domain::points(row, 150) {
        let exact: Vec<Real> = point.iter().map(|x| Real::from_f64(*x)).collect();
        let want = reference::apply(row.operator, &exact.iter().collect::<Vec<_>>());
        let error = ulps(value(row.operator, &point), &want, least);
        if error > worst.0 {
            worst = (error, point);
        }
    }
    worst
}

#[test]
fn values_agree_with_the_reference() {
    let mut faults = Vec::new();
    for row in ROWS {
        let (error, point) = worst_error(row, Operator::value);
        let bound = domain::of(row.operator).ulps;
        println!("{:<10} {error:.3} ulp of {bound} at {point:?}", row.name);
        if error > bound {
            faults.push(format!("{}: {error} ulp, stated {bound}, at {point:?}", row.name));
        }
    }
    no_faults(&faults);
}

#[test]
fn a_value_with_a_wrong_digit_is_found() {
    for row in ROWS {
        let (error, _) = worst_error(row, |operator, x| operator.value(x) * (1.0 + 1e-13) + 1e-13);
        assert!(error > domain::of(row.operator).ulps, "{}", row.name);
    }
}
