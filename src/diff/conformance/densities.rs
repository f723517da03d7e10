//! Log densities: against their textbook formulas in reference arithmetic, their integrals, their derivatives.

use super::{no_faults, relative};
use crate::diff::reference::{self, Reference};
use crate::diff::{Method, Objective, Options};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Operator, Program, Value, density};
use crate::math::precise::{Real, special};

/// A density: how it is lowered, its formula (the density itself, not its logarithm), parameters to try it with, and
/// its support for given parameters.
struct Density {
    name: &'static str,
    lower: fn(&mut Builder, &[Value]) -> Value,
    formula: fn(&[Real]) -> Real,
    parameters: &'static [&'static [f64]],
    support: fn(&[f64]) -> (f64, f64),
}

fn number(x: f64) -> Real {
    Real::from_f64(x)
}

fn pi() -> Real {
    number(1.0).atan().multiply(&number(4.0))
}

/// x^y for x > 0.
fn power(x: &Real, y: &Real) -> Real {
    reference::apply(Operator::Power, &[x, y])
}

/// exp(-t²/2)/(s√(2π)), t = (x - m)/s.
fn bell(x: &Real, m: &Real, s: &Real) -> Real {
    let t = x.subtract(m).divide(s);
    let half = t.multiply(&t).divide(&number(-2.0));
    half.exp().divide(&s.multiply(&pi().multiply(&number(2.0)).sqrt()))
}

/// 1/(πs(1 + t²)), t = (x - m)/s.
fn lorentz(x: &Real, m: &Real, s: &Real) -> Real {
    let t = x.subtract(m).divide(s);
    let one = number(1.0);
    one.divide(&pi().multiply(s).multiply(&one.add(&t.multiply(&t))))
}

const POSITIVE: fn(&[f64]) -> (f64, f64) = |_| (0.0, f64::INFINITY);
const BETWEEN: fn(&[f64]) -> (f64, f64) = |p| (p[0], p[1]);

const DENSITIES: &[Density] = &[
    Density {
        name: "normal",
        lower: density::normal,
        formula: |x| bell(&x[0], &x[1], &x[2]),
        parameters: &[&[0.0, 1.0], &[-3.5, 0.25], &[10.0, 40.0]],
        support: |_| (f64::NEG_INFINITY, f64::INFINITY),
    },
    Density {
        name: "log_normal",
        lower: density::log_normal,
        formula: |x| bell(&x[0].log(), &x[1], &x[2]).divide(&x[0]),
        parameters: &[&[0.0, 1.0], &[2.0, 0.25]],
        support: POSITIVE,
    },
    Density {
        name: "half_normal",
        lower: density::half_normal,
        formula: |x| bell(&x[0], &number(0.0), &x[1]).multiply(&number(2.0)),
        parameters: &[&[1.0], &[0.3]],
        support: POSITIVE,
    },
    Density {
        name: "exponential",
        lower: density::exponential,
        formula: |x| x[1].multiply(&x[0].multiply(&x[1]).negate().exp()),
        parameters: &[&[1.0], &[3.7]],
        support: POSITIVE,
    },
    Density {
        name: "gamma",
        lower: density::gamma,
        formula: |x| {
            let above = power(&x[2], &x[1]).multiply(&power(&x[0], &x[1].subtract(&number(1.0))));
            let decay = x[0].multiply(&x[2]).negate().exp();
            above.multiply(&decay).divide(&special::gamma(&x[1]))
        },
        parameters: &[&[2.0, 3.0], &[0.5, 1.0], &[30.0, 0.2]],
        support: POSITIVE,
    },
    Density {
        name: "beta",
        lower: density::beta,
        formula: |x| {
            let one = number(1.0);
            let first = power(&x[0], &x[1].subtract(&one));
            let second = power(&one.subtract(&x[0]), &x[2].subtract(&one));
            let gammas = special::gamma(&x[1].add(&x[2])).divide(&special::gamma(&x[1])).divide(&special::gamma(&x[2]));
            first.multiply(&second).multiply(&gammas)
        },
        parameters: &[&[2.0, 3.0], &[0.5, 0.5], &[20.0, 4.0]],
        support: |_| (0.0, 1.0),
    },
    Density {
        name: "cauchy",
        lower: density::cauchy,
        formula: |x| lorentz(&x[0], &x[1], &x[2]),
        parameters: &[&[0.0, 1.0], &[-3.5, 0.25], &[10.0, 40.0]],
        support: |_| (f64::NEG_INFINITY, f64::INFINITY),
    },
    Density {
        name: "half_cauchy",
        lower: density::half_cauchy,
        formula: |x| lorentz(&x[0], &number(0.0), &x[1]).multiply(&number(2.0)),
        parameters: &[&[1.0], &[30.0]],
        support: POSITIVE,
    },
    Density {
        name: "student_t",
        lower: density::student_t,
        formula: |x| {
            let t = x[0].subtract(&x[2]).divide(&x[3]);
            let one = number(1.0);
            let half = x[1].add(&one).divide(&number(2.0));
            let bell = power(&one.add(&t.multiply(&t).divide(&x[1])), &half.negate());
            let gammas = special::gamma(&half).divide(&special::gamma(&x[1].divide(&number(2.0))));
            bell.multiply(&gammas).divide(&x[1].multiply(&pi()).sqrt()).divide(&x[3])
        },
        parameters: &[&[3.0, 0.0, 1.0], &[1.5, -3.5, 0.25], &[40.0, 10.0, 4.0]],
        support: |_| (f64::NEG_INFINITY, f64::INFINITY),
    },
    Density {
        name: "inverse_gamma",
        lower: density::inverse_gamma,
        formula: |x| {
            let shape = x[1].add(&number(1.0)).negate();
            let above = power(&x[2], &x[1]).multiply(&power(&x[0], &shape));
            above.multiply(&x[2].divide(&x[0]).negate().exp()).divide(&special::gamma(&x[1]))
        },
        parameters: &[&[2.0, 3.0], &[0.5, 1.0], &[30.0, 0.2]],
        support: POSITIVE,
    },
    Density {
        name: "uniform",
        lower: density::uniform,
        formula: |x| number(1.0).divide(&x[2].subtract(&x[1])),
        parameters: &[&[-1.0, 3.0], &[100.0, 100.5]],
        support: BETWEEN,
    },
    Density {
        name: "log_uniform",
        lower: density::log_uniform,
        formula: |x| number(1.0).divide(&x[0].multiply(&x[2].divide(&x[1]).log())),
        parameters: &[&[0.1, 3.0], &[1e-3, 1e3]],
        support: BETWEEN,
    },
];

/// m^k e^-m/k!.
fn poisson(x: &[Real]) -> Real {
    let factorial = special::gamma(&x[0].add(&number(1.0)));
    power(&x[1], &x[0]).multiply(&x[1].negate().exp()).divide(&factorial)
}

/// n!/(k! (n - k)!), with Γ for the factorials.
fn ways(n: &Real, k: &Real) -> Real {
    let factorial = |x: &Real| special::gamma(&x.add(&number(1.0)));
    factorial(n).divide(&factorial(k)).divide(&factorial(&n.subtract(k)))
}

/// n over k, p^k (1 - p)^(n - k), called with (k, n, p).
fn binomial(x: &[Real]) -> Real {
    let failures = power(&number(1.0).subtract(&x[2]), &x[1].subtract(&x[0]));
    ways(&x[1], &x[0]).multiply(&power(&x[2], &x[0])).multiply(&failures)
}

/// k + d - 1 over k, (m/(m + d))^k (d/(m + d))^d, called with (k, m, d).
fn negative_binomial(x: &[Real]) -> Real {
    let sum = x[1].add(&x[2]);
    let (share, rest) = (x[1].divide(&sum), x[2].divide(&sum));
    let trials = x[0].add(&x[2]).subtract(&number(1.0));
    ways(&trials, &x[0]).multiply(&power(&share, &x[0])).multiply(&power(&rest, &x[2]))
}

/// Of the point and the parameters, all inputs.
fn program(lower: fn(&mut Builder, &[Value]) -> Value, arity: usize) -> Program {
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..arity).map(|k| b.input(k)).collect();
    let value = lower(&mut b, &inputs);
    b.finish(&[value], arity, 0)
}

fn log_density(program: &Program) -> impl FnMut(&[f64]) -> f64 {
    let kernel = Kernel::new(program, &Rows::default());
    let mut workspace = Workspace::default();
    move |inputs| {
        let mut value = [0.0];
        kernel.evaluate(inputs, &mut workspace, &mut value);
        value[0]
    }
}

/// Points inside the support.
fn inside((low, high): (f64, f64)) -> Vec<f64> {
    let parts = [0.01, 0.2, 0.5, 0.77, 0.999];
    match (low.is_finite(), high.is_finite()) {
        (true, true) => parts.iter().map(|p| low + p * (high - low)).collect(),
        (true, false) => vec![1e-6, 0.04, 0.9, 3.0, 41.0],
        _ => vec![-20.5, -3.0, 0.0, 0.1, 8.0],
    }
}

/// Faults of the value and of every method's gradient at a point inside the support; the first `whole` inputs are whole
/// numbers, and not differentiated.
fn faults_at(
    name: &str,
    lower: fn(&mut Builder, &[Value]) -> Value,
    formula: fn(&[Real]) -> Real,
    inputs: &[f64],
    whole: usize,
) -> Vec<String> {
    let mut faults = Vec::new();
    let program = program(lower, inputs.len());
    let exact: Vec<Real> = inputs.iter().map(|x| number(*x)).collect();
    let want = formula(&exact).log().to_f64();
    let found = log_density(&program)(inputs);
    // Terms such as log Γ(a) cancel: relative to their size, which grows with the counts.
    let size = 10.0 + inputs[..whole].iter().sum::<f64>();
    if relative(found, want, want.abs().max(size)) > 1e-14 {
        faults.push(format!("{name} at {inputs:?}: {found:e}, not {want:e}"));
    }
    // (f(x + h) - f(x - h))/2h, h = 2^-60 x: truncation 2^-120, rounding 2^-90.
    let want: Vec<f64> = (0..inputs.len())
        .map(|k| {
            let h = number(if inputs[k] == 0.0 { 2f64.powi(-60) } else { inputs[k] * 2f64.powi(-60) });
            let at = |h: &Real| {
                let mut moved = exact.clone();
                moved[k] = moved[k].add(h);
                formula(&moved).log()
            };
            at(&h).subtract(&at(&h.negate())).divide(&h.multiply(&number(2.0))).to_f64()
        })
        .collect();
    let mut compare = |by: &str, found: &[f64]| {
        for k in whole..inputs.len() {
            // 1/x and the like cancel: relative to the size of one over the operand.
            let scale = want[k].abs().max(1.0 / inputs[k].abs().max(1e-3));
            if relative(found[k], want[k], scale) > 1e-13 {
                faults.push(format!("{name} at {inputs:?} in {k} by {by}: {:e}, not {:e}", found[k], want[k]));
            }
        }
    };
    compare("the reference", &Reference::new(&program, &[], 0).gradient(inputs));
    for method in [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep] {
        let mut gradient = vec![0.0; inputs.len()];
        let objective =
            Objective::new(&program, &Rows::default(), method, &Options::default()).expect("a scalar program");
        objective.gradient(inputs, &mut Workspace::default(), &mut gradient);
        compare(&format!("{method:?}"), &gradient);
    }
    faults
}

#[test]
fn densities_are_their_formulas() {
    let mut faults = Vec::new();
    for density in DENSITIES {
        for parameters in density.parameters {
            for x in inside((density.support)(parameters)) {
                let inputs: Vec<f64> = std::iter::once(x).chain(parameters.iter().copied()).collect();
                faults.extend(faults_at(density.name, density.lower, density.formula, &inputs, 0));
            }
        }
    }
    for k in [0.0, 1.0, 7.0, 150.0] {
        for m in [0.01, 1.0, 6.5, 160.0] {
            faults.extend(faults_at("poisson", density::poisson, poisson, &[k, m], 1));
            for d in [0.3, 5.0, 60.0] {
                let inputs = [k, m, d];
                faults.extend(faults_at(
                    "negative_binomial",
                    density::negative_binomial,
                    negative_binomial,
                    &inputs,
                    1,
                ));
            }
        }
        for n in [k + 0.0, k + 3.0, 2.0 * k + 40.0] {
            for p in [0.003, 0.5, 0.87] {
                faults.extend(faults_at("binomial", density::binomial, binomial, &[k, n, p], 2));
            }
        }
    }
    no_faults(&faults);
}

#[test]
fn another_formula_is_found() {
    let inputs = [0.7, 2.0, 3.0];
    assert!(!faults_at("gamma", density::beta, DENSITIES[4].formula, &inputs, 0).is_empty());
    assert!(!faults_at("rate", density::exponential, |x| x[0].divide(&x[1]).negate().exp(), &[1.0, 2.0], 0).is_empty());
}

/// ∫ f by the double exponential rule (Takahasi & Mori 1974) on the support; on the whole line the last two parameters
/// are the centre and the width of the density.
fn integral((low, high): (f64, f64), parameters: &[f64], mut f: impl FnMut(f64) -> f64) -> f64 {
    let h = 1.0 / 64.0;
    let half_pi = std::f64::consts::FRAC_PI_2;
    let nodes = (-450..=450).map(|k| {
        let t = f64::from(k) * h;
        let (s, slope) = (half_pi * t.sinh(), half_pi * t.cosh());
        match (low.is_finite(), high.is_finite()) {
            // The distance to the nearer end is what must not cancel.
            (true, true) => {
                let width = high - low;
                let near = width / (1.0 + (2.0 * s.abs()).exp());
                let x = if s < 0.0 { low + near } else { high - near };
                (x, width * 0.5 * slope / (s.cosh() * s.cosh()))
            }
            (true, false) => (low + s.exp(), s.exp() * slope),
            _ => {
                let [.., centre, width] = *parameters else { panic!("a density on the whole line has a place") };
                (centre + width * s.sinh(), width * s.cosh() * slope)
            }
        }
    });
    nodes
        .map(|(x, weight)| if weight > 0.0 && x.is_finite() { f(x) * weight * h } else { 0.0 })
        .filter(|y| y.is_finite())
        .sum()
}

#[test]
fn densities_integrate_to_one() {
    for density in DENSITIES {
        for parameters in density.parameters {
            let program = program(density.lower, parameters.len() + 1);
            let mut log = log_density(&program);
            let total = integral((density.support)(parameters), parameters, |x| {
                let inputs: Vec<f64> = std::iter::once(x).chain(parameters.iter().copied()).collect();
                log(&inputs).exp()
            });
            // At an infinite end such as 1 - x → 0 of beta(½, ½) the last doubles before 1 hold 1e-8 of the mass.
            let bound = if parameters.contains(&0.5) && density.name == "beta" { 1e-7 } else { 1e-10 };
            assert!((total - 1.0).abs() < bound, "{} {parameters:?}: {total}", density.name);
        }
    }
    for m in [0.0, 0.3, 6.5, 160.0] {
        let program = program(density::poisson, 2);
        let mut log = log_density(&program);
        let total: f64 = (0..400).map(|k| log(&[f64::from(k), m]).exp()).sum();
        assert!((total - 1.0).abs() < 1e-11, "poisson {m}: {total}");
        let program = self::program(density::negative_binomial, 3);
        let mut log = log_density(&program);
        let total: f64 = (0..4000).map(|k| log(&[f64::from(k), m, 9.0]).exp()).sum();
        assert!((total - 1.0).abs() < 1e-11, "negative binomial {m}: {total}");
    }
    for p in [0.0, 0.2, 0.93, 1.0] {
        let program = program(density::binomial, 3);
        let mut log = log_density(&program);
        let total: f64 = (0..=60).map(|k| log(&[f64::from(k), 60.0, p]).exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "binomial {p}: {total}");
    }
}

/// Outside the support the density is 0, and its logarithm has no slope.
#[test]
fn outside_the_support_is_impossible() {
    for density in DENSITIES {
        for parameters in density.parameters {
            let (low, high) = (density.support)(parameters);
            for x in [low - 1e-9, low - 5.0, high + 1e-9, high + 5.0].into_iter().filter(|x| x.is_finite()) {
                let inputs: Vec<f64> = std::iter::once(x).chain(parameters.iter().copied()).collect();
                let program = program(density.lower, inputs.len());
                assert_eq!(log_density(&program)(&inputs), f64::NEG_INFINITY, "{} at {inputs:?}", density.name);
                for method in [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep] {
                    let mut gradient = vec![f64::NAN; inputs.len()];
                    let objective = Objective::new(&program, &Rows::default(), method, &Options::default())
                        .expect("a scalar program");
                    objective.gradient(&inputs, &mut Workspace::default(), &mut gradient);
                    assert!(gradient.iter().all(|g| *g == 0.0), "{} at {inputs:?}: {gradient:?}", density.name);
                }
            }
        }
    }
}

/// Counts at the edge of what their law allows: no method may find NaN there. (Reverse mode once did, for a count of 0
/// at a mean of exactly 0.)
#[test]
fn counts_of_nothing_have_derivatives() {
    type Lower = fn(&mut Builder, &[Value]) -> Value;
    // The law, its inputs, the input that varies, and the value and slope there.
    type Case = (&'static str, Lower, &'static [f64], usize, f64, f64);
    let cases: [Case; 6] = [
        ("poisson", density::poisson, &[0.0, 0.0], 1, 0.0, -1.0),
        ("poisson", density::poisson, &[3.0, -0.5], 1, f64::NEG_INFINITY, 0.0),
        ("poisson", density::poisson, &[0.0, -0.5], 1, f64::NEG_INFINITY, 0.0),
        ("negative_binomial", density::negative_binomial, &[0.0, 0.0, 2.0], 1, 0.0, -1.0),
        ("binomial", density::binomial, &[0.0, 7.0, 0.0], 2, 0.0, -7.0),
        ("binomial", density::binomial, &[7.0, 7.0, 1.0], 2, 0.0, 7.0),
    ];
    for (name, lower, inputs, which, value, slope) in cases {
        let program = program(lower, inputs.len());
        assert_eq!(log_density(&program)(inputs), value, "{name} at {inputs:?}");
        for method in [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep] {
            let mut gradient = vec![f64::NAN; inputs.len()];
            let objective =
                Objective::new(&program, &Rows::default(), method, &Options::default()).expect("a scalar program");
            objective.gradient(inputs, &mut Workspace::default(), &mut gradient);
            assert!((gradient[which] - slope).abs() < 1e-13, "{name} at {inputs:?} by {method:?}: {gradient:?}");
        }
    }
}
