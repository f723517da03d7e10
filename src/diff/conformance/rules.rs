//! Derivative rules and complex extensions in reference arithmetic, against differences of values.

use super::{Random, domain, no_faults};
use crate::diff::reference;
use crate::ir::complex::{self, Complex};
use crate::ir::op::{ROWS, Row};
use crate::ir::{Builder, Operator, Program, Value};
use crate::math::precise::Real;

/// A partial derivative as nodes: what `Operator::partial` is, so that the suite can be run on a wrong one.
type Rule = fn(Operator, &mut Builder, &[Value], Value, usize) -> Option<Value>;

/// Rules against differences: 30 digits of max(|partial|, |value/operand|).
const DIGITS: f64 = 1e-30;

fn real(x: f64) -> Real {
    Real::from_f64(x)
}

fn size(x: &Real) -> Real {
    reference::apply(Operator::Absolute, &[x])
}

/// f(k h) for k = -2, -1, 1, 2 to the derivative at 0: (8(f₁ - f₋₁) - (f₂ - f₋₂))/(12 h), error h⁴ f⁗/30.
fn difference(f: impl Fn(&Real) -> Real, h: &Real) -> Real {
    let at = |k: f64| f(&h.multiply(&real(k)));
    let near = at(1.0).subtract(&at(-1.0)).multiply(&real(8.0));
    near.subtract(&at(2.0).subtract(&at(-2.0))).divide(&h.multiply(&real(12.0)))
}

/// 2^-45 of the operand: truncation 2^-180 times the number of turns that the function takes over the operand, to the
/// fourth power; rounding of 150 bits divided by 2^-45.
fn step(x: &Real) -> Real {
    size(x).multiply(&real(2f64.powi(-45)))
}

/// Some rules hold a number such as 2/√π, in a double: the true number over the double.
fn rounding_of_constant(operator: Operator) -> Real {
    use std::f64::consts;
    let one = real(1.0);
    match operator {
        Operator::Log2 => one.divide(&real(2.0).log()).divide(&real(consts::LOG2_E)),
        Operator::Log10 => one.divide(&real(10.0).log()).divide(&real(consts::LOG10_E)),
        Operator::Erf | Operator::Erfc => {
            let pi = one.atan().multiply(&real(4.0));
            real(2.0).divide(&pi.sqrt()).divide(&real(consts::FRAC_2_SQRT_PI))
        }
        _ => one,
    }
}

/// The points where a rule and the difference of values disagree.
fn rule_faults(row: &Row, rule: Rule, count: usize) -> Vec<String> {
    let mut faults = Vec::new();
    for which in 0..row.arity {
        let mut b = Builder::new();
        let inputs: Vec<Value> = (0..row.arity).map(|k| b.input(k)).collect();
        let result = b.apply(row.operator, &inputs);
        let partial = rule(row.operator, &mut b, &inputs, result, which).unwrap_or_else(|| b.constant(0.0));
        let program = b.finish(&[partial], row.arity, 0);
        for (point, ranges) in domain::points(row, count) {
            // A power of a negative number has no derivative in the exponent.
            // The step is relative.
            let still = ranges[which].is_whole() || point[which] == 0.0;
            if still || (row.operator == Operator::Power && which == 1 && point[0] < 0.0) {
                continue;
            }
            let exact: Vec<Real> = point.iter().map(|x| real(*x)).collect();
            let value = |t: &Real| {
                let moved = exact[which].add(t);
                let operands: Vec<&Real> =
                    (0..row.arity).map(|k| if k == which { &moved } else { &exact[k] }).collect();
                reference::apply(row.operator, &operands)
            };
            let want = difference(value, &step(&exact[which]));
            let found =
                reference::values(&program, &exact, &[], 1).remove(0).multiply(&rounding_of_constant(row.operator));
            let level = size(&value(&real(0.0)).divide(&exact[which]));
            let scale = if size(&want).compare(&level) == Some(std::cmp::Ordering::Less) { level } else { size(&want) };
            let error = size(&found.subtract(&want));
            let error = if error.is_zero() { 0.0 } else { error.divide(&scale).to_f64() };
            if error.is_nan() || error > DIGITS {
                let (found, want) = (found.to_f64(), want.to_f64());
                faults.push(format!("{} in {which} at {point:?}: {found:e}, not {want:e}: {error:.1e}", row.name));
            }
        }
    }
    faults
}

#[test]
fn rules_are_the_derivatives() {
    let faults: Vec<String> = ROWS.iter().flat_map(|row| rule_faults(row, Operator::partial, 30)).collect();
    no_faults(&faults);
    for operator in [Operator::Log2, Operator::Log10, Operator::Erf] {
        let error = rounding_of_constant(operator).subtract(&real(1.0)).to_f64();
        assert!(error != 0.0 && error.abs() < 2f64.powi(-53), "{operator:?}: {error:e}");
    }
}

/// Wrong rules for every operator: another derivative; one that is off in the 20th digit; none at all.
#[test]
fn wrong_rules_are_found() {
    let sine: Rule = |operator, b, x, result, which| match operator {
        Operator::Sin => Some(result),
        _ => operator.partial(b, x, result, which),
    };
    assert!(!rule_faults(Operator::Sin.row(), sine, 3).is_empty());
    assert!(rule_faults(Operator::Cos.row(), sine, 3).is_empty());
    let shifted: Rule = |operator, b, x, result, which| {
        let right = operator.partial(b, x, result, which).unwrap_or_else(|| b.constant(0.0));
        // Not a constant, which would be rounded to a double.
        let one = b.divide(x[0], x[0]);
        let tiny = b.scale(1e-20, one);
        let off = b.multiply(right, tiny);
        let more = b.scale(3.0, tiny);
        let off = b.add(off, more);
        Some(b.add(right, off))
    };
    let none: Rule = |_, _, _, _, _| None;
    for row in ROWS {
        assert!(!rule_faults(row, shifted, 3).is_empty(), "{}: a shifted rule passed", row.name);
        // Rules of steps are rightly none.
        let step = row.smoothness == crate::ir::op::Smoothness::Step;
        assert_eq!(rule_faults(row, none, 3).is_empty(), step, "{}: no rule", row.name);
    }
}

/// The operator at complex operands: inputs are the real parts, then the imaginary parts; outputs both parts.
fn extension(operator: Operator, whole: &[bool]) -> Program {
    let arity = operator.arity();
    let mut b = Builder::new();
    let operands: Vec<Complex> =
        (0..arity).map(|k| Complex { re: b.input(k), im: (!whole[k]).then(|| b.input(arity + k)) }).collect();
    let z = complex::apply(&mut b, operator, &operands);
    let im = z.im.unwrap_or_else(|| b.constant(0.0));
    b.finish(&[z.re, im], 2 * arity, 0)
}

/// Whether the extension has a closed form; the others are Taylor series to third order in the imaginary part.
fn is_closed(operator: Operator) -> bool {
    use Operator::*;
    matches!(
        operator,
        Negate
            | Add
            | Subtract
            | Multiply
            | Masked
            | Divide
            | Power
            | Exp
            | Expm1
            | Log
            | Log1p
            | Log2
            | Log10
            | SquareRoot
            | Sin
            | Cos
            | Tan
            | Sinh
            | Cosh
            | Tanh
            | Hypot
    )
}

/// On the real axis the extension is the function, and off it the Cauchy-Riemann equations hold in every operand:
/// there is one analytic function like that. Series obey them up to the third power of the step.
fn extension_faults(row: &Row, apply: impl Fn(Operator, &[bool]) -> Program) -> Vec<String> {
    let mut faults = Vec::new();
    let mut random = Random::of(row.operator);
    let n = row.arity;
    for (point, ranges) in domain::points(row, 6) {
        let whole: Vec<bool> = ranges.iter().map(|range| range.is_whole()).collect();
        let program = apply(row.operator, &whole);
        let at = |inputs: &[Real]| reference::values(&program, inputs, &[], 1);
        let real_axis: Vec<Real> = point.iter().map(|x| real(*x)).chain((0..n).map(|_| real(0.0))).collect();
        let [re, im] = &at(&real_axis)[..] else { unreachable!("two outputs") };
        let value = reference::apply(row.operator, &real_axis[..n].iter().collect::<Vec<_>>());
        let distance = size(&re.subtract(&value)).to_f64();
        if distance.is_nan() || distance > value.to_f64().abs() * 1e-30 || im.to_f64() != 0.0 {
            faults.push(format!("{} at {point:?} on the real axis: {} + {}i", row.name, re.to_f64(), im.to_f64()));
        }
        // Series: relative steps of 2^-30, so that third powers are 1e-27.
        let part = if is_closed(row.operator) { 0.3 } else { 2f64.powi(-30) };
        let imaginary: Vec<f64> = point
            .iter()
            .map(|x| {
                let reach = part * (0.2 + random.unit());
                // Exponentials turn once in 2π whatever their argument is.
                if is_closed(row.operator) {
                    reach * x.abs().min(1.0)
                } else {
                    reach * x.abs().min(1.0 - x.abs().min(0.99999)).max(x.abs() * 1e-5)
                }
            })
            .collect();
        let z: Vec<Real> = point.iter().chain(&imaginary).map(|x| real(*x)).collect();
        for which in (0..n).filter(|k| !whole[*k] && point[*k] != 0.0) {
            let slope = |input: usize, output: usize| {
                let moved = |t: &Real| {
                    let mut inputs = z.clone();
                    inputs[input] = inputs[input].add(t);
                    at(&inputs).swap_remove(output)
                };
                difference(moved, &step(&z[input]))
            };
            let (ux, uy, vx, vy) = (slope(which, 0), slope(n + which, 0), slope(which, 1), slope(n + which, 1));
            let scale = size(&ux).add(&size(&uy)).add(&size(&at(&z)[0].divide(&z[which])));
            let first = size(&ux.subtract(&vy)).divide(&scale).to_f64();
            let second = size(&uy.add(&vx)).divide(&scale).to_f64();
            let constant = !rounding_of_constant(row.operator).subtract(&real(1.0)).is_zero();
            let bound = if constant {
                1e-16
            } else if is_closed(row.operator) {
                1e-28
            } else {
                1e-24
            };
            let fine = first <= bound && second <= bound || scale.is_zero();
            if !fine {
                faults.push(format!("{} in {which} at {point:?} + {imaginary:?}i: {first:.1e} {second:.1e}", row.name));
            }
        }
    }
    faults
}

#[test]
fn complex_extensions_are_analytic() {
    let faults: Vec<String> = ROWS.iter().flat_map(|row| extension_faults(row, extension)).collect();
    no_faults(&faults);
}

/// The sine of the real part beside the true imaginary part is found.
#[test]
fn a_wrong_extension_is_found() {
    let wrong = |_: Operator, whole: &[bool]| {
        let mut program = extension(Operator::Sin, whole);
        let mut b = Builder::extend(&program);
        let x = b.input(0);
        let sine = b.unary(Operator::Sin, x);
        program = b.finish(&[sine, program.outputs[1]], 2, 0);
        program
    };
    assert!(!extension_faults(Operator::Sin.row(), wrong).is_empty());
}
