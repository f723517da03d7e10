//! What every optimizer must do: one suite for every row of the table, and a broken solver that must fail it.

use super::table::OPTIMIZERS;
use super::trial::{Setup, Trial, row, run, uniform_in};
use super::{Outcome, Reason};
use crate::experiment::Budget;
use crate::kind::{Optimizer, Value};
use crate::math::elementary::{exp, log};
use crate::math::linear::dot;
use crate::math::random::Stream;
use crate::record::TracePoint;

type Runner = fn(&Optimizer, &Trial, &Setup<'_>) -> (Outcome, Vec<TracePoint>);

fn sphere(n: usize) -> Trial {
    Trial::of_squares(n, 0.0, |x| {
        let part = |i: usize| {
            let mut slope = vec![0.0; x.len()];
            slope[i] = 1.0;
            (x[i] - 0.3, slope)
        };
        (0..x.len()).map(part).collect()
    })
}

fn rosenbrock() -> Trial {
    Trial::of_squares(2, 0.0, |x| {
        vec![(1.0 - x[0], vec![-1.0, 0.0]), (10.0 * (x[1] - x[0] * x[0]), vec![-20.0 * x[0], 10.0])]
    })
}

/// Condition number 1e6, turned out of the axes.
fn ill_conditioned() -> Trial {
    Trial::of_squares(3, 1.0, |x| {
        let forms = [[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]];
        let roots = [1.0, 1e3_f64.sqrt(), 1e3];
        let part = |(form, root): (&[f64; 3], f64)| {
            let s = dot(form, x) - form.iter().sum::<f64>();
            (root * s, form.iter().map(|f| root * f).collect())
        };
        forms.iter().zip(roots).map(part).collect()
    })
}

/// Least squares of a exp(-k t) at ten times; the minimum is at (5, 0.7), where the loss is 0.1.
fn exponential_fit() -> Trial {
    Trial::of_squares(2, 0.1, |x| {
        let part = |i: i32| {
            let t = f64::from(i) * 0.5;
            let e = exp(-x[1] * t);
            (x[0] * e - 5.0 * exp(-0.7 * t), vec![e, -x[0] * t * e])
        };
        (0..10).map(part).collect()
    })
}

/// sum(x - ln x): NaN for x < 0; minimum 3 at (1, 1, 1).
fn logarithms() -> Trial {
    Trial::new(3, |x| {
        let value = |x: &f64| if *x < 0.0 { f64::NAN } else { x - log(*x) };
        (x.iter().map(value).sum(), x.iter().map(|x| 1.0 - 1.0 / x).collect())
    })
}

/// A quadratic with its minimum at (2.5, 2.5), +inf beyond 3.
fn wall() -> Trial {
    Trial::of_squares(2, 1.0, |x| {
        if x.iter().any(|x| *x > 3.0) {
            return vec![(f64::INFINITY, vec![f64::NAN; 2]); 2];
        }
        vec![(x[0] - 2.5, vec![1.0, 0.0]), (x[1] - 2.5, vec![0.0, 1.0])]
    })
}

/// A linear fall up to a wall: the minimum, -2, is in its corner, where the steepest descent from the start leads.
fn cliff() -> Trial {
    Trial::new(2, |x| {
        if x.iter().any(|x| *x > 1.0) { (f64::INFINITY, vec![f64::NAN; 2]) } else { (-x[0] - x[1], vec![-1.0, -1.0]) }
    })
}

/// A loss that must be reached from a start in a box, within a share of 1 or of the loss.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) problem: Trial,
    pub(super) minimum: f64,
    pub(super) start: Vec<f64>,
    pub(super) bounds: Vec<(f64, f64)>,
    tolerance: f64,
    /// For gradient descent, which is slow in long valleys.
    slow: f64,
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name, problem: Trial, minimum, start: Vec<f64>, bounds: (f64, f64), tolerance, slow| {
        let bounds = vec![bounds; start.len()];
        Case { name, problem, minimum, start, bounds, tolerance, slow }
    };
    vec![
        case("sphere", sphere(4), 0.0, vec![1.0, -0.5, 0.0, 2.0], (-3.0, 3.0), 1e-8, 1e-8),
        case("one dimension", sphere(1), 0.0, vec![2.0], (-3.0, 3.0), 1e-8, 1e-8),
        case("rosenbrock", rosenbrock(), 0.0, vec![-1.2, 1.0], (-2.0, 2.0), 1e-4, 1e-3),
        case("ill-conditioned", ill_conditioned(), 1.0, vec![0.0, 0.5, -1.0], (-2.0, 2.0), 1e-2, 20.0),
        case("exponential fit", exponential_fit(), 0.1, vec![1.0, 0.2], (0.01, 10.0), 1e-4, 1e-4),
        case("NaN for x < 0", logarithms(), 3.0, vec![5.0, 0.1, 2.0], (-1.0, 8.0), 1e-6, 1e-6),
        case("+inf beyond a wall", wall(), 1.0, vec![-1.0, 0.5], (-4.0, 6.0), 1e-6, 1e-6),
        case("minimum on the wall", cliff(), -2.0, vec![-1.0, -1.0], (-4.0, 6.0), 0.1, 0.1),
    ]
}

/// Rows for losses made of squares; they must refuse others in words.
const LEAST_SQUARES: [&str; 2] = ["gauss_newton", "levenberg_marquardt"];

/// What some rows are asked for instead. A narrow valley aslant is hard for moves along the axes: from 6e6 down to this.
const SLACK: &[(&str, &str, f64)] = &[
    ("genetic", "ill-conditioned", 100.0),
    ("particle_swarm", "ill-conditioned", 100.0),
    ("simulated_annealing", "ill-conditioned", 100.0),
    ("simulated_annealing", "rosenbrock", 0.1),
    ("random_search", "ill-conditioned", 1000.0),
    ("random_search", "any", 0.5),
];

/// Every fault of a row, in words; none if it conforms.
fn faults(row: &Optimizer, runner: Runner) -> Vec<String> {
    let mut faults = Vec::new();
    let least_squares = LEAST_SQUARES.contains(&row.kind.name);
    let mut expect = |holds: bool, what: String| {
        if !holds {
            faults.push(format!("{}: {what}", row.kind.name));
        }
    };
    for case in cases() {
        if least_squares && case.problem.parts.is_none() {
            let (outcome, _) = runner(row, &case.problem, &Setup::new(case.start, case.bounds, 1));
            let refuses = matches!(&outcome.reason, Reason::Solver(text) if text.contains("made of squares"));
            expect(refuses, format!("{}: {:?}", case.name, outcome.reason));
            continue;
        }
        let slow = ["gradient_descent", "adam"].contains(&row.kind.name);
        let own = SLACK.iter().find(|(name, on, _)| *name == row.kind.name && [case.name, "any"].contains(on));
        let usual = if slow { case.slow } else { case.tolerance };
        let tolerance = own.map_or(usual, |(_, _, tolerance)| *tolerance);
        let setup = Setup::new(case.start, case.bounds, 1);
        let (outcome, trace) = runner(row, &case.problem, &setup);
        let error = outcome.best.as_ref().map_or(f64::INFINITY, |(_, loss)| (loss - case.minimum).abs());
        println!(
            "{} on {}: {error:e}, {:?}, {} evaluations",
            row.kind.name, case.name, outcome.reason, outcome.evaluations
        );
        expect(error <= tolerance * case.minimum.abs().max(1.0), format!("{}: misses by {error:e}", case.name));
        expect(outcome.evaluations <= setup.evaluations, format!("{}: over budget", case.name));
        let asked = case.problem.asked();
        expect(
            [outcome.evaluations - outcome.gradients, outcome.gradients] == asked,
            format!("{}: asked for {asked:?}, counted {outcome:?}", case.name),
        );
        let truthful = outcome.best.as_ref().is_some_and(|(point, loss)| (case.problem.loss)(point).0 == *loss);
        expect(truthful, format!("{}: the best loss is not that of the best point", case.name));
        expect(row.gradient == (outcome.gradients > 0), format!("{}: {} gradients", case.name, outcome.gradients));
        let falls = trace.windows(2).all(|pair| {
            pair[1].loss <= pair[0].loss + 1e-13 * pair[0].loss.abs() && pair[1].iteration == pair[0].iteration + 1
        });
        expect(falls && trace.len() as u64 == outcome.iterations + 1, format!("{}: the trace is broken", case.name));
        if row.population {
            let inside = |point: &[f64]| point.iter().zip(&setup.bounds).all(|(x, (low, high))| low <= x && x <= high);
            let stays = outcome.best.as_ref().is_some_and(|(point, _)| inside(point));
            expect(stays, format!("{}: outside its bounds", case.name));
        }
    }

    let constant =
        Trial { parts: Some(Box::new(|_| vec![(2.0, vec![0.0; 2]); 3])), ..Trial::new(2, |_| (4.0, vec![0.0; 2])) };
    let setup = Setup::new(vec![0.5, 0.5], vec![(0.0, 1.0); 2], 1);
    let (outcome, _) = runner(row, &constant, &setup);
    let converged = [Reason::GradientTolerance, Reason::LossTolerance, Reason::StepTolerance, Reason::NoDescent];
    if row.kind.name != "random_search" {
        expect(converged.contains(&outcome.reason), format!("constant loss: {:?}", outcome.reason));
        expect(outcome.evaluations < 2000, format!("constant loss: {} evaluations", outcome.evaluations));
    }

    let nowhere = Trial {
        parts: Some(Box::new(|_| vec![(f64::NAN, vec![f64::NAN; 2]); 3])),
        ..Trial::new(2, |_| (f64::NAN, vec![f64::NAN; 2]))
    };
    let (outcome, _) =
        runner(row, &nowhere, &Setup { evaluations: 500, ..Setup::new(vec![0.5; 2], vec![(0.0, 1.0); 2], 1) });
    expect(outcome.reason == Reason::NonFinite && outcome.best.is_none(), format!("NaN everywhere: {outcome:?}"));

    let gradientless = Trial {
        parts: Some(Box::new(|x| x.iter().map(|x| (*x, vec![f64::NAN; 2])).collect())),
        ..Trial::new(2, |x| (dot(x, x), vec![f64::NAN; 2]))
    };
    let (outcome, _) = runner(row, &gradientless, &setup);
    let fine = if row.gradient { outcome.reason == Reason::NonFinite } else { outcome.best.is_some() };
    expect(fine, format!("NaN gradient: {outcome:?}"));

    for (evaluations, cost) in [(1, 1), (1, 3), (7, 3), (50, 1)] {
        let problem = Trial { gradient_evaluations: cost, ..rosenbrock() };
        let setup = Setup { evaluations, ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 1) };
        let (outcome, _) = runner(row, &problem, &setup);
        let stopped = outcome.reason == Reason::EvaluationBudget;
        // Used up to the last evaluation, or to less than one more gradient.
        let last = if row.gradient { cost } else { 1 };
        let exact = outcome.evaluations <= evaluations && evaluations < outcome.evaluations + last;
        let [values, gradients] = problem.asked();
        let counted = outcome.evaluations == values + cost * gradients && outcome.gradients == gradients;
        let fine = outcome.best.is_some() && counted && if stopped { exact } else { evaluations == 50 };
        expect(fine, format!("budget of {evaluations} at {cost} a gradient: {outcome:?}"));
    }

    let setup = Setup { iterations: Some(3), ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 1) };
    let (outcome, _) = runner(row, &rosenbrock(), &setup);
    expect(
        outcome.reason == Reason::IterationBudget && outcome.iterations == 3,
        format!("three iterations: {outcome:?}"),
    );

    let limited = |limits: Budget, tick| Setup { limits, tick, ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 1) };
    let none = Budget::of(0);
    let (outcome, _) = runner(row, &rosenbrock(), &limited(Budget { target: Some(3.0), ..none }, 0.0));
    let reached = outcome.best.as_ref().is_some_and(|(_, loss)| *loss <= 3.0);
    expect(outcome.reason == Reason::Target && reached, format!("target of 3: {outcome:?}"));
    let (outcome, _) = runner(row, &rosenbrock(), &limited(Budget { seconds: Some(9.5), ..none }, 1.0));
    expect(
        outcome.reason == Reason::TimeBudget && outcome.best.is_some() && outcome.evaluations <= 10_000,
        format!("ten looks at the clock: {outcome:?}"),
    );
    if row.gradient {
        let (outcome, _) = runner(row, &rosenbrock(), &limited(Budget { gradients: Some(3), ..none }, 0.0));
        expect(
            outcome.reason == Reason::GradientBudget && outcome.gradients <= 3 && outcome.best.is_some(),
            format!("three gradients: {outcome:?}"),
        );
    }
    let (outcome, _) = runner(row, &rosenbrock(), &limited(Budget { stagnation: Some(1), ..none }, 0.0));
    // A descent may fall at every iteration to its end.
    expect(outcome.reason == Reason::Stagnation || row.gradient, format!("no iteration without a fall: {outcome:?}"));

    let setup = Setup { cancelled: true, ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 1) };
    let (outcome, _) = runner(row, &rosenbrock(), &setup);
    expect(outcome.reason == Reason::Interrupted && outcome.evaluations == 0, format!("cancelled: {outcome:?}"));

    let setup = Setup { evaluations: 3000, ..Setup::new(vec![1.0, 0.2], vec![(0.01, 10.0); 2], 5) };
    let bits = |chunk| {
        let (outcome, trace) = runner(row, &Trial { chunk, ..exponential_fit() }, &setup);
        format!("{outcome:?} {trace:?}")
    };
    let once = bits(usize::MAX);
    expect(bits(usize::MAX) == once, "two runs differ".into());
    expect(bits(7) == once && bits(1) == once, "the outcome depends on how the batch is cut".into());
    faults
}

#[test]
fn every_optimizer_conforms() {
    let faults: Vec<String> = OPTIMIZERS.iter().flat_map(|row| faults(row, run)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The negative control: a solver that reports its start as the answer, whatever happened.
#[test]
fn a_solver_that_does_not_search_fails() {
    let lazy: Runner = |row, problem, setup| {
        let (outcome, trace) = run(row, problem, setup);
        let loss = (problem.loss)(&setup.start).0;
        (Outcome { best: Some((setup.start.clone(), loss)), ..outcome }, trace)
    };
    let found = faults(row("lbfgs"), lazy).join("\n");
    for expected in ["sphere: misses", "rosenbrock: misses", "NaN everywhere"] {
        assert!(found.contains(expected), "{found}");
    }
}

/// Where argmin's line searches hang, fail or stop (argmin-rs/argmin#400, #601): 200 random starts each.
#[test]
fn lbfgs_survives_the_known_faults() {
    let signed = vec![(0.01, 8.0); 3];
    let free = vec![(-4.0, 2.9); 2];
    let rates = vec![(0.1, 10.0), (0.01, 3.0)];
    for (name, problem, minimum, bounds, wanted) in [
        ("sum(x - ln x)", logarithms(), 3.0, signed, 200),
        ("+inf beyond 3", wall(), 1.0, free, 200),
        ("exponential fit", exponential_fit(), 0.1, rates, 198),
    ] {
        let mut right = 0;
        for seed in 0..200 {
            let start = uniform_in(&bounds, &mut Stream::new(seed, name, "start"));
            let (outcome, _) = run(row("lbfgs"), &problem, &Setup::new(start.clone(), Vec::new(), seed));
            let (_, loss) = outcome.best.expect("a finite loss");
            if loss - minimum < 1e-10 {
                right += 1;
            } else {
                println!("{name} from {start:?}: {loss} {:?} {}", outcome.reason, outcome.evaluations);
            }
        }
        println!("lbfgs on {name}: {right} of 200");
        assert!(right >= wanted, "{name}: {right}");
    }
}

#[test]
fn lbfgs_reaches_the_floor_of_rounding_with_gradients_by_differences() {
    let exact = exponential_fit();
    let loss = move |x: &[f64]| {
        let (value, _) = (exact.loss)(x);
        let step = |j: usize| {
            let mut moved = x.to_vec();
            let h = 1.5e-8 * x[j].abs().max(1e-3);
            moved[j] += h;
            ((exact.loss)(&moved).0 - value) / (moved[j] - x[j])
        };
        (value, vec![step(0), step(1)])
    };
    let problem = Trial { gradient_evaluations: 3, ..Trial::new(2, loss) };
    for seed in 0..50 {
        let start = uniform_in(&[(0.1, 10.0), (0.01, 3.0)], &mut Stream::new(seed, "differences", "start"));
        let (outcome, _) = run(row("lbfgs"), &problem, &Setup::new(start, Vec::new(), seed));
        let (point, _) = outcome.best.expect("a finite loss");
        assert!(
            (point[0] - 5.0).abs() < 1e-5 && (point[1] - 0.7).abs() < 1e-5,
            "{seed}: {point:?} {:?}",
            outcome.reason
        );
        assert!(outcome.evaluations < 600, "{seed}: {} {:?}", outcome.evaluations, outcome.reason);
    }
}

#[test]
fn every_strategy_and_rule_works() {
    for strategy in ["rand/1/bin", "best/1/bin", "current-to-pbest/1"] {
        let settings = [("strategy", Value::Choice(strategy))];
        let setup = Setup { settings: &settings, ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 3) };
        let (outcome, _) = run(row("differential_evolution"), &rosenbrock(), &setup);
        assert!(outcome.best.as_ref().is_some_and(|(_, loss)| *loss < 1e-8), "{strategy}: {outcome:?}");
    }
    for (rule, momentum) in [("fixed", 0.0), ("fixed", 0.9), ("decaying", 0.5)] {
        let settings =
            [("rule", Value::Choice(rule)), ("step", Value::Number(0.05)), ("momentum", Value::Number(momentum))];
        let setup = Setup { settings: &settings, ..Setup::new(vec![1.0, -0.5], Vec::new(), 3) };
        let (outcome, _) = run(row("gradient_descent"), &sphere(2), &setup);
        assert!(outcome.best.as_ref().is_some_and(|(_, loss)| *loss < 1e-8), "{rule}: {outcome:?}");
        // A step that is too long for the curvature runs away, and that is said.
        let settings = [("rule", Value::Choice(rule)), ("step", Value::Number(1e150))];
        let setup = Setup { settings: &settings, ..Setup::new(vec![1.0, -0.5], Vec::new(), 3) };
        let (outcome, _) = run(row("gradient_descent"), &sphere(2), &setup);
        assert!(matches!(outcome.reason, Reason::Solver(_)), "{outcome:?}");
    }
}

#[test]
fn tasks_that_make_no_sense_are_refused() {
    for name in ["lbfgs", "genetic"] {
        let (outcome, _) = run(row(name), &sphere(2), &Setup::new(vec![0.0; 3], vec![(0.0, 1.0); 2], 1));
        assert!(matches!(outcome.reason, Reason::Solver(_)) && outcome.best.is_none(), "{outcome:?}");
    }
}
