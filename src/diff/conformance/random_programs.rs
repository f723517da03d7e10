//! Every exact method on random programs: shared subexpressions, row and uniform values, sums within sums, branches.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::agreement::{self, Outcome, by_objective};
use super::same_bits;
use crate::diff::{Method, Objective, Options, strands};
use crate::engine::{Kernel, Level, Rows, Workspace};
use crate::ir::{Builder, Operator, Program, Value, factor};
use crate::language::functions;

const INPUTS: usize = 3;
const COLUMNS: usize = 2;
const ROWS: usize = 3;

/// 10 000 programs at release speed, fewer where the compiler does not optimise.
const CASES: u32 = if cfg!(debug_assertions) { 2_000 } else { 10_000 };

/// One step of a recipe: what to do, with which of the values so far.
type Step = (u8, u8, u8, u8);

/// Steps, point, columns.
type Recipe = (Vec<Step>, Vec<f64>, Vec<Vec<f64>>);

fn recipe() -> impl Strategy<Value = Recipe> {
    (vec(any::<Step>(), 3..40), vec(-2.0..2.0f64, INPUTS), vec(vec(-2.0..2.0f64, ROWS), COLUMNS))
}

/// The same recipes in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Functions of one value that are smooth everywhere, some after 1 + x² or tanh x has brought it into their domain.
const UNARY: [(Operator, Before); 33] = {
    use Before::{Above, Inside, Nothing};
    use Operator::*;
    [
        (Negate, Nothing),
        (Sin, Nothing),
        (Cos, Nothing),
        (Tanh, Nothing),
        (ArcTan, Nothing),
        (ArcSinh, Nothing),
        (Sigmoid, Nothing),
        (Softplus, Nothing),
        (Erf, Nothing),
        (Erfc, Inside),
        (Exp, Nothing),
        (Exp, Inside),
        (Expm1, Inside),
        (Sinh, Inside),
        (Cosh, Inside),
        (Tan, Inside),
        (ArcSin, Inside),
        (ArcCos, Inside),
        (ArcTanh, Inside),
        (Log1p, Inside),
        (SquareRoot, Above),
        (CubeRoot, Above),
        (Log, Above),
        (Log2, Above),
        (Log10, Above),
        (LogGamma, Above),
        (Digamma, Above),
        (Gamma, Inside),
        (ArcCosh, Above),
        (BesselJ0, Nothing),
        (BesselJ1, Nothing),
        (Absolute, Nothing),
        (Floor, Nothing),
    ]
};

#[derive(Clone, Copy)]
enum Before {
    Nothing,
    /// 1.25 + x².
    Above,
    /// Near 3/4: (3 + tanh x)/5.
    Inside,
}

/// A program from a recipe; every recipe gives one.
fn program(steps: &[Step]) -> Program {
    let mut b = Builder::new();
    let mut values: Vec<Value> = (0..INPUTS).map(|k| b.input(k)).collect();
    values.extend((0..COLUMNS).map(|k| b.column(k)));
    for (what, x, y, z) in steps {
        let pick = |k: &u8| values[values.len() - 1 - *k as usize % values.len()];
        let value = apply(&mut b, *what, [pick(x), pick(y), pick(z)]);
        values.push(value);
    }
    // Of the last few, so that most of the recipe is used.
    let last = &values[values.len() - 3..];
    let total = last.iter().fold(None, |total: Option<Value>, value| {
        let part = b.scale(0.75, *value);
        Some(match total {
            Some(total) => b.add(total, part),
            None => part,
        })
    });
    let sum = b.sum(total.expect("three values"));
    b.finish(&[sum], INPUTS, COLUMNS)
}

fn apply(b: &mut Builder, what: u8, [x, y, z]: [Value; 3]) -> Value {
    let call = |b: &mut Builder, name: &str, x: &[Value]| (functions::find(name).expect("a function").lower)(b, x);
    let above = |b: &mut Builder, x: Value| {
        let square = b.square(x);
        b.shift(square, 1.25)
    };
    match what as usize % 64 {
        k if k < UNARY.len() => {
            let (operator, before) = UNARY[k];
            let x = match before {
                Before::Nothing => x,
                Before::Above => above(b, x),
                Before::Inside => {
                    let t = b.unary(Operator::Tanh, x);
                    let sum = b.shift(t, 3.0);
                    b.scale(0.2, sum)
                }
            };
            b.unary(operator, x)
        }
        33..36 => b.add(x, y),
        36..39 => b.subtract(x, y),
        39..44 => b.multiply(x, y),
        44 | 45 => b.divide(x, y),
        46 => {
            let below = above(b, y);
            b.divide(x, below)
        }
        47 => {
            let (base, exponent) = (above(b, x), b.unary(Operator::Sin, y));
            b.power(base, exponent)
        }
        48 => {
            let exponent = b.constant([2.0, 3.0, 4.0, -1.0, -2.0, 5.0, 0.5, 1.5][z.index() % 8]);
            let base = above(b, x);
            b.power(base, exponent)
        }
        49 => {
            let y = above(b, y);
            b.apply(Operator::Hypot, &[x, y])
        }
        50 => {
            let y = above(b, y);
            b.apply(Operator::ArcTan2, &[x, y])
        }
        51 | 52 => {
            let test = b.apply(Operator::Less, &[x, y]);
            b.select(test, y, z)
        }
        // Where the branch not taken may be NaN.
        53 => {
            let zero = b.constant(0.0);
            let test = b.apply(Operator::Greater, &[x, zero]);
            let (root, log) = (b.unary(Operator::SquareRoot, x), b.unary(Operator::Log, x));
            let product = b.multiply(root, log);
            b.select(test, product, y)
        }
        54 => b.apply(Operator::Minimum, &[x, y]),
        55 => b.apply(Operator::Maximum, &[x, y]),
        56 | 57 => {
            let sum = b.sum(x);
            let mean = b.scale(1.0 / ROWS as f64, sum);
            b.multiply(mean, y)
        }
        58 | 59 => b.sum(x),
        60 => call(b, "logsumexp", &[x, y, z]),
        61 => {
            let width = above(b, z);
            call(b, "smooth_max", &[x, y, width])
        }
        62 => {
            let sd = above(b, z);
            call(b, "normal_lpdf", &[x, y, sd])
        }
        _ => call(b, "sinc", &[x]),
    }
}

/// Compares every method, its gradient changed by `tamper`, with the reference.
fn compare((steps, point, columns): &Recipe, tamper: fn(Method, &mut [f64])) -> Result<Outcome, String> {
    agreement::compare(&program(steps), point, columns, |method, program, rows, point| {
        let (value, mut gradient) = by_objective(method, program, rows, point)?;
        tamper(method, &mut gradient);
        Some((value, gradient))
    })
}

#[test]
fn exact_methods_agree_on_random_programs() {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let outcomes = std::cell::RefCell::new(Vec::new());
    let result = runner(cases).run(&recipe(), |recipe| {
        outcomes.borrow_mut().push(compare(&recipe, |_, _| {}).map_err(TestCaseError::fail)?);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    agreement::summary(&outcomes.into_inner(), 90);
}

#[test]
fn directions_in_lanes_have_the_bits_of_forward_mode() {
    let result = runner(CASES / 4).run(&recipe(), |(steps, point, columns)| {
        let rows = Rows::new(&columns, ROWS);
        if let Some((found, alone)) = strands::tests::both(&program(&steps), &rows, &point, Level::best()) {
            prop_assert!(strands::tests::same(&found, &alone), "{found:?}, not {alone:?}\n{}", program(&steps));
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// The bounds are tight enough to find one method wrong in the twelfth digit of one component, in most programs
/// (in some the component is 0).
#[test]
fn a_wrong_digit_is_found() {
    let wrong = |method: Method, gradient: &mut [f64]| {
        if method == Method::Reverse {
            gradient[1] = gradient[1] * (1.0 + 1e-11) + 1e-300;
        }
    };
    let mut runner = runner(0);
    let recipes = (0..200).map(|_| recipe().new_tree(&mut runner).expect("a recipe").current());
    let outcomes: Vec<Result<Outcome, String>> = recipes.map(|recipe| compare(&recipe, wrong)).collect();
    let found = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let compared = outcomes.iter().filter(|outcome| !matches!(outcome, Ok(Outcome::LeftOut))).count();
    assert!(found * 2 > compared, "found in {found} of {compared}");
}

/// What is pulled out of sums stays out, and a program of derivatives computes the same value, bit for bit.
#[test]
fn factors_are_pulled_once_and_the_value_stays() {
    let mut runner = runner(0);
    for _ in 0..1_000 {
        let (steps, point, columns) = recipe().new_tree(&mut runner).expect("a recipe").current();
        let program = program(&steps);
        let factored = factor(&program);
        assert_eq!(factor(&factored), factored, "{program}");
        let rows = Rows::new(&columns, ROWS);
        for method in [Method::Reverse, Method::Forward] {
            let objective = Objective::new(&program, &rows, method, &Options::default()).expect("it never fails");
            let mut workspace = Workspace::default();
            let beside = objective.gradient(&point, &mut workspace, &mut [0.0; INPUTS]);
            let alone = objective.value(&point, &mut workspace);
            assert!(same_bits(alone, beside), "{method:?}: {alone} and {beside}\n{program}\n{factored}");
        }
    }
}

/// Under a masked product, too, an exact zero wins over a factor that is pulled out.
#[test]
fn an_exact_zero_wins_over_a_factor() {
    let mut b = Builder::new();
    let (u, w, x, y) = (b.input(0), b.input(1), b.column(0), b.column(1));
    let adjoint = b.multiply(u, x);
    let partial = b.divide(y, w);
    let product = b.apply(Operator::Masked, &[adjoint, partial]);
    let scaled = b.apply(Operator::Masked, &[x, u]);
    let (total, other) = (b.sum(product), b.sum(scaled));
    let program = b.finish(&[total, other], 2, 2);
    let rows = Rows::new(&[vec![0.0, 0.0], vec![1.0, 2.0]], 2);
    let rewritten = factor(&program);
    assert_ne!(rewritten, program);
    let kernel = Kernel::new(&rewritten, &rows);
    for point in [[1.0, 0.0], [0.0, 0.0], [0.0, f64::NAN]] {
        let mut found = [f64::NAN; 2];
        kernel.evaluate(&point, &mut Workspace::default(), &mut found);
        assert_eq!(found, [0.0; 2], "{point:?}");
    }
}
