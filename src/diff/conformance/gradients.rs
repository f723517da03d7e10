//! Every method on programs of one operator: the sum over rows of the operator, one operand of it an input times a
//! column, the others columns.

use super::{domain, no_faults, relative};
use crate::diff::reference::{self, Reference};
use crate::diff::{Method, Objective, Options};
use crate::engine::{Rows, Workspace};
use crate::ir::op::{ROWS, Row, Smoothness};
use crate::ir::{Builder, Operator, Program, Value};
use crate::math::precise::Real;

const EXACT: [Method; 4] = [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep];

/// Correct digits that exact methods must have, relative to the derivative.
const EXACTLY: f64 = 1e-13;

fn program(operator: Operator, which: usize) -> Program {
    let arity = operator.arity();
    let mut b = Builder::new();
    let a = b.input(0);
    let operands: Vec<Value> = (0..arity)
        .map(|k| {
            let column = b.column(k);
            if k == which { b.multiply(a, column) } else { column }
        })
        .collect();
    let value = b.apply(operator, &operands);
    let sum = b.sum(value);
    b.finish(&[sum], 1, arity)
}

/// Operators whose derivative, too, is only absolutely accurate near its zeros: its error counts relative to the sum
/// of the sizes of its terms, which is about this.
fn least_slope(operator: Operator) -> f64 {
    use Operator::*;
    match operator {
        BesselJ0 | BesselJ1 | BesselJn => 0.1,
        // Γψ and ψ pass through 0 between the poles of Γ.
        Gamma | LogGamma | Digamma | Polygamma => 1.0,
        _ => 0.0,
    }
}

fn wanted(point: &[f64], which: usize, row: &Row) -> bool {
    // Relative steps of tiny numbers underflow, squares of huge ones overflow.
    let moderate = point.iter().all(|x| *x == 0.0 || (x.abs() > 1e-100 && x.abs() < 1e100));
    moderate && !(row.operator == Operator::Power && which == 1 && point[0] < 0.0)
}

/// Where exact methods on `operator` are not as exact as they must be, `judge` being what the reference is told.
fn exact_faults(row: &Row, judge: Operator) -> Vec<String> {
    let mut faults = Vec::new();
    let mut workspace = Workspace::default();
    for which in 0..row.arity {
        let (program, judged) = (program(row.operator, which), self::program(judge, which));
        for (point, ranges) in domain::points(row, 30) {
            if ranges[which].is_whole() || !wanted(&point, which, row) {
                continue;
            }
            let columns: Vec<Vec<f64>> = point.iter().map(|x| vec![*x]).collect();
            let want = Reference::new(&judged, &columns, 1).gradient(&[1.0])[0];
            // The imaginary part of the complex step, 1e-20 of it, must be a normal number.
            if want.abs() < 1e-280 {
                continue;
            }
            let scale = want.abs().max(least_slope(row.operator) * point[which].abs());
            for method in EXACT {
                let objective = Objective::new(&program, &Rows::new(&columns, 1), method, &Options::default())
                    .expect("a scalar program");
                let mut found = [0.0];
                objective.gradient(&[1.0], &mut workspace, &mut found);
                let error = relative(found[0], want, scale);
                if error > EXACTLY {
                    let name = row.name;
                    faults.push(format!("{name} in {which} by {method:?} at {point:?}: {:e}, not {want:e}", found[0]));
                }
            }
        }
    }
    faults
}

#[test]
fn exact_methods_are_exact() {
    let faults: Vec<String> = ROWS.iter().flat_map(|row| exact_faults(row, row.operator)).collect();
    no_faults(&faults);
}

#[test]
fn a_gradient_of_another_function_is_found() {
    assert!(!exact_faults(Operator::Sin.row(), Operator::Cos).is_empty());
    assert!(!exact_faults(Operator::Multiply.row(), Operator::Add).is_empty());
    assert!(!exact_faults(Operator::Erf.row(), Operator::Erfc).is_empty());
}

/// All points at once, more rows than a leaf of the sums: relative to the sum of the sizes of the terms.
#[test]
fn exact_methods_are_exact_in_sums() {
    let mut faults = Vec::new();
    let mut workspace = Workspace::default();
    for row in ROWS.iter().filter(|row| row.smoothness == Smoothness::Smooth && row.arity < 3) {
        let which = row.arity - 1;
        let points: Vec<Vec<f64>> = domain::points(row, 300)
            .into_iter()
            .filter(|(point, ranges)| !ranges[which].is_whole() && wanted(point, which, row))
            .map(|(point, _)| point)
            .collect();
        let columns: Vec<Vec<f64>> = (0..row.arity).map(|k| points.iter().map(|point| point[k]).collect()).collect();
        let program = program(row.operator, which);
        let want = Reference::new(&program, &columns, points.len()).gradient(&[1.0])[0];
        let sizes = points.iter().map(|point| {
            let one_row: Vec<Vec<f64>> = point.iter().map(|x| vec![*x]).collect();
            Reference::new(&program, &one_row, 1).gradient(&[1.0])[0].abs()
        });
        let scale: f64 = sizes.sum();
        for method in EXACT {
            let objective = Objective::new(&program, &Rows::new(&columns, points.len()), method, &Options::default())
                .expect("a scalar program");
            let mut found = [0.0];
            objective.gradient(&[1.0], &mut workspace, &mut found);
            if relative(found[0], want, scale) > EXACTLY {
                faults.push(format!("{} by {method:?}: {:e}, not {want:e}", row.name, found[0]));
            }
        }
    }
    no_faults(&faults);
}

/// The quotient that a difference method forms, in reference arithmetic at the very points that it uses: what is left
/// is the rounding of two values over the step. And the quotients are near the derivative, as their orders say.
#[test]
fn differences_err_as_they_should() {
    let mut faults = Vec::new();
    let mut workspace = Workspace::default();
    for row in ROWS {
        let ulps = domain::of(row.operator).ulps.max(0.5) + 1.0;
        for which in 0..row.arity {
            let program = program(row.operator, which);
            for (point, ranges) in domain::points(row, 10) {
                if ranges[which].is_whole() || !wanted(&point, which, row) {
                    continue;
                }
                let columns: Vec<Vec<f64>> = point.iter().map(|x| vec![*x]).collect();
                let value = |a: f64| reference::values(&program, &[Real::from_f64(a)], &columns, 1).remove(0);
                for (method, below) in [(Method::ForwardDifference, 0.0), (Method::CentralDifference, 1.0)] {
                    let h = method.default_step().expect("a step");
                    let (high, low) = (1.0 + h, 1.0 - below * h);
                    let (top, bottom) = (value(high), value(low));
                    let quotient = top.subtract(&bottom).divide(&Real::from_f64(high - low)).to_f64();
                    if !quotient.is_finite() {
                        continue;
                    }
                    let least = domain::of(row.operator).least;
                    let sizes = [top.to_f64(), bottom.to_f64()].map(|x| x.abs().max(least));
                    // The operand a·x is rounded as well: half an ulp of it moves the value by its slope.
                    let moved = quotient.abs() * f64::EPSILON;
                    let rounding = (ulps * f64::EPSILON * (sizes[0] + sizes[1]) + moved) / (high - low);
                    let objective = Objective::new(&program, &Rows::new(&columns, 1), method, &Options::default())
                        .expect("a scalar program");
                    let mut found = [0.0];
                    objective.gradient(&[1.0], &mut workspace, &mut found);
                    if (found[0] - quotient).abs() > rounding {
                        let name = row.name;
                        let found = found[0];
                        faults.push(format!(
                            "{name} by {method:?} at {point:?}: {found:e}, not {quotient:e} ± {rounding:e}"
                        ));
                    }
                }
            }
        }
    }
    no_faults(&faults);
}
