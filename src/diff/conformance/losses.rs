//! Losses: each row's value and derivatives against reference arithmetic, its expected information against expectations
//! under its law, its residuals against its gradient.

use super::{no_faults, relative};
use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options, forward};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Program, Value};
use crate::kind::Sigma;
use crate::math::precise::{Real, special};
use crate::model::loss::{self, Comparison, LOSSES};

/// A loss at work: prediction, observation, sigma and shape.
#[derive(Clone, Copy, Debug)]
struct Case {
    predicted: f64,
    observed: f64,
    sigma: f64,
    shape: f64,
}

fn cases(name: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let triples: &[(f64, &[f64], f64, f64)] = match name {
        "binomial" => &[(0.3, &[0.0, 2.0, 9.0], 1.0, 9.0), (0.97, &[30.0, 40.0], 1.0, 40.0)],
        "poisson" => &[(0.4, &[0.0, 3.0], 1.0, 1.0), (57.0, &[40.0, 90.0], 1.0, 1.0)],
        "negative_binomial" => &[(0.4, &[0.0, 3.0], 1.0, 2.5), (57.0, &[40.0, 90.0], 1.0, 0.8)],
        "student_t" => &[(1.5, &[1.4, -40.0], 0.7, 3.5), (0.25, &[0.3, 9.0], 2.0, 1.0)],
        "huber" => &[(1.5, &[1.4, -40.0, 2.3], 0.7, 1.345), (0.25, &[0.3, 9.0], 2.0, 0.5)],
        _ => &[(1.5, &[1.4, -40.0, 2.3], 0.7, 1.0), (0.25, &[0.3, 9.0], 2.0, 1.0)],
    };
    for (predicted, all, sigma, shape) in triples {
        cases.extend(all.iter().map(|observed| Case {
            predicted: *predicted,
            observed: *observed,
            sigma: *sigma,
            shape: *shape,
        }));
    }
    cases
}

fn number(x: f64) -> Real {
    Real::from_f64(x)
}

fn pi() -> Real {
    number(1.0).atan().multiply(&number(4.0))
}

/// The loss by its textbook formula: of (predicted, sigma) at a case.
fn formula(name: &str, m: &Real, s: &Real, case: Case) -> Real {
    let (y, shape, one, half) = (number(case.observed), number(case.shape), number(1.0), number(0.5));
    let r = m.subtract(&y).divide(s);
    let square = r.multiply(&r);
    let lgamma = |x: &Real| special::lgamma(x);
    let times_log = |k: &Real, x: &Real| if k.is_zero() { number(0.0) } else { k.multiply(&x.log()) };
    match name {
        "least_squares" => m.subtract(&y).multiply(&m.subtract(&y)),
        "chi_square" => square,
        "gaussian" => {
            let width = s.multiply(&pi().multiply(&number(2.0)).sqrt());
            square.multiply(&half).add(&width.log())
        }
        "poisson" => m.subtract(&times_log(&y, m)).add(&lgamma(&y.add(&one))),
        "negative_binomial" => {
            let total = m.add(&shape);
            let ways = lgamma(&y.add(&shape)).subtract(&lgamma(&shape)).subtract(&lgamma(&y.add(&one)));
            let hits = times_log(&y, &m.divide(&total)).add(&times_log(&shape, &shape.divide(&total)));
            ways.add(&hits).negate()
        }
        "binomial" => {
            let failures = shape.subtract(&y);
            let ways = lgamma(&shape.add(&one)).subtract(&lgamma(&y.add(&one))).subtract(&lgamma(&failures.add(&one)));
            ways.add(&times_log(&y, m)).add(&times_log(&failures, &one.subtract(m))).negate()
        }
        "student_t" => {
            let power = shape.add(&one).multiply(&half);
            let tail = power.multiply(&one.add(&square.divide(&shape)).log());
            let gammas = lgamma(&power).subtract(&lgamma(&shape.multiply(&half)));
            let width = shape.multiply(&pi()).sqrt().multiply(s).log();
            tail.subtract(&gammas).add(&width)
        }
        "huber" => {
            let size = if r.to_f64() < 0.0 { r.negate() } else { r };
            if size.to_f64() <= case.shape {
                square.multiply(&half)
            } else {
                shape.multiply(&size.subtract(&shape.multiply(&half)))
            }
        }
        "absolute" => {
            if r.to_f64() < 0.0 {
                r.negate()
            } else {
                r
            }
        }
        "log_cosh" => r.exp().add(&r.negate().exp()).multiply(&half).log(),
        other => panic!("no formula for `{other}`"),
    }
}

fn sigma_of(name: &str) -> bool {
    LOSSES.iter().any(|loss| loss.kind.name == name && loss.sigma != Sigma::Unused)
}

fn shaped(name: &str) -> bool {
    LOSSES.iter().any(|loss| loss.kind.name == name && !loss.kind.settings.is_empty())
}

/// Prediction and sigma are inputs, the observation a constant.
fn lower<T>(name: &str, case: Case, f: impl FnOnce(&mut Builder, Comparison) -> T) -> (Builder, T) {
    let mut b = Builder::new();
    let (predicted, sigma) = (b.input(0), b.input(1));
    let observed = b.constant(case.observed);
    let shape = shaped(name).then(|| b.constant(case.shape));
    let comparison = Comparison { predicted, observed, sigma: sigma_of(name).then_some(sigma), shape };
    let result = f(&mut b, comparison);
    (b, result)
}

fn program(name: &str, case: Case) -> Program {
    let (b, value) = lower(name, case, |b, c| loss::row_loss(name, b, c));
    b.finish(&[value], 2, 0)
}

fn values(program: &Program, inputs: &[f64]) -> Vec<f64> {
    let mut outputs = vec![0.0; program.outputs.len()];
    Kernel::new(program, &Rows::default()).evaluate(inputs, &mut Workspace::default(), &mut outputs);
    outputs
}

/// Every output, then for each its derivatives in every input.
fn slopes_of(program: &Program) -> Program {
    let every: Vec<usize> = (0..program.outputs.len()).collect();
    forward::jacobian(program, &every, 0..program.inputs)
}

fn names() -> impl Iterator<Item = &'static str> {
    LOSSES.iter().map(|loss| loss.kind.name).filter(|name| *name != "expression")
}

fn faults_at(name: &str, by: &str, case: Case) -> Vec<String> {
    let mut faults = Vec::new();
    let program = program(name, case);
    let inputs = [case.predicted, case.sigma];
    let exact = inputs.map(number);
    let want = formula(by, &exact[0], &exact[1], case).to_f64();
    let found = values(&program, &inputs)[0];
    let size = want.abs().max(if name == "log_cosh" { 1e-3 } else { 10.0 + case.observed.abs() });
    if relative(found, want, size) > 1e-14 {
        faults.push(format!("{name} at {case:?}: {found:e}, not {want:e}"));
    }
    let want: Vec<f64> = (0..2)
        .map(|k| {
            let h = number(inputs[k] * 2f64.powi(-60));
            let at = |h: &Real| {
                let mut moved = exact.clone();
                moved[k] = moved[k].add(h);
                formula(by, &moved[0], &moved[1], case)
            };
            at(&h).subtract(&at(&h.negate())).divide(&h.multiply(&number(2.0))).to_f64()
        })
        .collect();
    let mut compare = |by: &str, found: &[f64]| {
        for k in 0..2 {
            let scale = want[k].abs().max(1.0 / inputs[k]);
            if relative(found[k], want[k], scale) > 1e-13 {
                faults.push(format!("{name} at {case:?} in {k} by {by}: {:e}, not {:e}", found[k], want[k]));
            }
        }
    };
    compare("the reference", &Reference::new(&program, &[], 0).gradient(&inputs));
    for method in [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep] {
        let mut gradient = vec![0.0; 2];
        let objective =
            Objective::new(&program, &Rows::default(), method, &Options::default()).expect("a scalar program");
        objective.gradient(&inputs, &mut Workspace::default(), &mut gradient);
        compare(&format!("{method:?}"), &gradient);
    }
    faults
}

#[test]
fn losses_are_their_formulas() {
    let mut faults = Vec::new();
    for name in names() {
        for case in cases(name) {
            faults.extend(faults_at(name, name, case));
        }
    }
    no_faults(&faults);
}

#[test]
fn another_loss_is_found() {
    assert!(!faults_at("huber", "log_cosh", cases("huber")[0]).is_empty());
    assert!(!faults_at("student_t", "gaussian", cases("student_t")[0]).is_empty());
}

/// 2·scale·Σ r f ∇q is the gradient in the prediction, wherever the loss has parts; sigma is held fixed.
#[test]
fn residuals_have_the_gradient_of_the_loss() {
    let mut without = Vec::new();
    for name in names() {
        for case in cases(name) {
            let mut b = Builder::new();
            let (predicted, observed) = (b.input(0), b.constant(case.observed));
            let sigma = sigma_of(name).then(|| b.constant(case.sigma));
            let shape = shaped(name).then(|| b.constant(case.shape));
            let comparison = Comparison { predicted, observed, sigma, shape };
            let weight = 2.25;
            let value = loss::row_loss(name, &mut b, comparison);
            let value = b.scale(weight, value);
            let Some((scale, parts)) = loss::residuals(name, &mut b, comparison, weight) else {
                without.push(name);
                continue;
            };
            let wanted: Vec<Value> =
                parts.iter().flat_map(|part| [part.residual, part.quantity, part.factor]).collect();
            let slopes = values(&slopes_of(&b.finish(&[value], 1, 0)), &[case.predicted]);
            let parts = values(&slopes_of(&b.finish(&wanted, 1, 0)), &[case.predicted]);
            let count = wanted.len();
            let gradient: f64 = (0..count)
                .step_by(3)
                .map(|part| 2.0 * scale * parts[part] * parts[part + 2] * parts[count + part + 1])
                .sum();
            assert!(relative(gradient, slopes[1], slopes[1].abs().max(1e-6)) < 1e-12, "{name} {case:?}: {gradient}");
        }
    }
    without.dedup();
    assert_eq!(without, ["absolute"]);
}

/// The expected information is the expectation of the squared slope under the law whose density is e^-loss, brought to
/// total 1: in the prediction, and in sigma for the laws that are normalised.
#[test]
fn expected_information_is_the_expectation_of_squared_slopes() {
    for name in names() {
        let normalised = LOSSES.iter().any(|loss| loss.kind.name == name && loss.normalised);
        let discrete = ["poisson", "negative_binomial", "binomial"].contains(&name);
        for case in cases(name) {
            let factor = loss::likelihood_factor(name).unwrap_or(2.0);
            let last = if name == "binomial" { case.shape as i32 } else { 4000 };
            let points: Vec<(f64, f64)> = if discrete {
                (0..=last).map(|y| (f64::from(y), 1.0)).collect()
            } else {
                let h = 1.0 / 64.0;
                // x = m + s·sinh(sinh t), as in Takahasi & Mori; half-integer nodes stay off the kink.
                (-300..300)
                    .map(|k| {
                        let t = (f64::from(k) + 0.5) * h;
                        let x = case.predicted + case.sigma * t.sinh().sinh();
                        (x, case.sigma * t.sinh().cosh() * t.cosh() * h)
                    })
                    .collect()
            };
            let (mut total, mut mean, mut of_sigma) = (0.0, 0.0, 0.0);
            for (observed, weight) in points {
                let gradient =
                    values(&slopes_of(&program(name, Case { observed, ..case })), &[case.predicted, case.sigma]);
                let density = weight * (-gradient[0] / factor).exp();
                if density > 0.0 {
                    total += density;
                    mean += density * (gradient[1] / factor).powi(2);
                    of_sigma += density * (gradient[2] / factor).powi(2);
                }
            }
            let (b, parts) = lower(name, case, |b, c| loss::information(name, b, c));
            let weights: Vec<Value> = parts.iter().map(|part| part.weight).collect();
            let weights = values(&b.finish(&weights, 2, 0), &[case.predicted, case.sigma]);
            // Least squares leaves its scale to the residuals: 2 is that of a variance of 1.
            let expected = mean / total;
            assert!(relative(weights[0], expected, expected) < 1e-4, "{name} {case:?}: {} {expected}", weights[0]);
            if normalised && sigma_of(name) {
                let expected = of_sigma / total;
                assert!(relative(weights[1], expected, expected) < 1e-4, "{name} {case:?}: {} {expected}", weights[1]);
                assert!((total - 1.0).abs() < 1e-4, "{name}: {total}");
            }
        }
    }
}
