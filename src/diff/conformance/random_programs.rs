//! Every exact method on random programs: shared subexpressions, row and uniform values, sums within sums, branches.
//!
//! **How close is close.** A gradient must have 13 digits, or as many as the problem gives to 53 bits. The latter is
//! found by running error analysis (Higham, Accuracy and Stability, section 3.3) of the forward-mode program: beside
//! each value v = f(x₁, …) goes a bound e = Σ |∂f/∂x_k| e_k + u_f |v|, with u_f the stated error of the operator
//! (`domain`), first order in the unit roundoff; a sum adds the rounding of its additions. The bound belongs to the
//! forward program alone, the same for all methods: a method whose formulas cancel more than `SLACK` times as much
//! fails. Where a comparison is decided by rounding, the program has no derivative to compare, and is left out.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{domain, relative, same_bits};
use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options, forward};
use crate::engine::{Rows, Workspace};
use crate::ir::{Builder, Node, Operator, Program, Value};
use crate::language::functions;

const EXACT: [Method; 4] = [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep];

const INPUTS: usize = 3;
const COLUMNS: usize = 2;
const ROWS: usize = 3;

/// Derivatives below this may have passed through numbers that underflow.
const TINY: f64 = 1e-270;

/// How far a method may exceed the bound of the forward program.
const SLACK: f64 = 8.0;

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

/// A value and a bound of its rounding error.
#[derive(Clone, Copy)]
struct Bounded {
    value: f64,
    error: f64,
}

/// The outputs of a program with bounds of their errors; None where rounding decides a comparison.
fn running_error(program: &Program, point: &[f64], columns: &[Vec<f64>]) -> Option<Vec<Bounded>> {
    let exact = |value: f64| Bounded { value, error: 0.0 };
    // One entry for each row, the same in all of them for a uniform value.
    let mut values: Vec<Vec<Bounded>> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let value = match node {
            Node::Constant(bits) => vec![exact(f64::from_bits(*bits)); ROWS],
            Node::Input(k) => vec![exact(point[*k as usize]); ROWS],
            Node::Column(k) => columns[*k as usize].iter().map(|x| exact(*x)).collect(),
            Node::Sum(operand) => {
                let rows = &values[operand.index()];
                let value: f64 = rows.iter().map(|row| row.value).sum();
                let sizes: f64 = rows.iter().map(|row| row.value.abs()).sum();
                let error: f64 = rows.iter().map(|row| row.error).sum();
                vec![Bounded { value, error: error + 4.0 * f64::EPSILON * sizes }; ROWS]
            }
            node => {
                let Node::Apply(operator, _) = node else { panic!("random programs hold no {node:?}") };
                let by_row = (0..ROWS).map(|row| {
                    let operands: Vec<Bounded> = node.operands().iter().map(|v| values[v.index()][row]).collect();
                    bounded(*operator, &operands)
                });
                by_row.collect::<Option<Vec<Bounded>>>()?
            }
        };
        values.push(value);
    }
    Some(program.outputs.iter().map(|v| values[v.index()][0]).collect())
}

fn bounded(operator: Operator, operands: &[Bounded]) -> Option<Bounded> {
    use Operator::*;
    let numbers: Vec<f64> = operands.iter().map(|x| x.value).collect();
    let value = operator.value(&numbers);
    let reach: f64 = operands.iter().map(|x| x.error).sum();
    match operator {
        Less | LessEqual | Greater | GreaterEqual | Equal | NotEqual | Minimum | Maximum
            if (numbers[0] - numbers[1]).abs() <= reach && reach > 0.0 =>
        {
            return None;
        }
        Sign | Absolute | Not if numbers[0].abs() <= reach && reach > 0.0 => return None,
        // Steps stand at whole numbers and at halves.
        Floor | Ceil | Round if ((2.0 * numbers[0]).round() - 2.0 * numbers[0]).abs() <= 2.0 * reach && reach > 0.0 => {
            return None;
        }
        Select => return Some(if numbers[0] != 0.0 { operands[1] } else { operands[2] }),
        _ => {}
    }
    let domain = domain::of(operator);
    let own = domain.ulps * f64::EPSILON * value.abs().max(domain.least);
    let carried = (0..numbers.len())
        .filter(|k| operands[*k].error > 0.0)
        .map(|k| partial(operator, &numbers, k).abs() * operands[k].error);
    Some(Bounded { value, error: own + carried.sum::<f64>() })
}

/// A partial derivative as a number.
fn partial(operator: Operator, operands: &[f64], which: usize) -> f64 {
    let mut b = Builder::new();
    let constants: Vec<Value> = operands.iter().map(|x| b.constant(*x)).collect();
    let result = b.constant(operator.value(operands));
    // Everything is known, so the rule folds to a number.
    operator.partial(&mut b, &constants, result, which).map_or(0.0, |v| b.known(v).unwrap_or(f64::NAN))
}

/// What became of a recipe: compared, with the worst relative error of a component and the size of the program; or
/// left out.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Compared { error: f64, operations: usize },
    LeftOut,
}

/// Compares every method, its gradient changed by `tamper`, with the reference.
fn compare(recipe: &Recipe, tamper: fn(Method, &mut [f64])) -> Result<Outcome, String> {
    let (steps, point, columns) = recipe;
    let program = program(steps);
    let exact = Reference::new(&program, columns, ROWS).gradient(point);
    let Some(bounds) = running_error(&forward::gradient(&program, 0..INPUTS), point, columns) else {
        return Ok(Outcome::LeftOut);
    };
    // Where 53 bits do not determine a single digit, or numbers are near the ends of the doubles, nothing is compared.
    let usable = |x: f64| x.is_finite() && x.abs() < 1e100;
    let determined = |x: &Bounded| usable(x.value) && usable(x.error) && x.error <= 0.1 * x.value.abs();
    if !exact.iter().all(|x| usable(*x)) || !bounds[1..].iter().all(determined) {
        return Ok(Outcome::LeftOut);
    }
    let rows = Rows::new(columns, ROWS);
    let mut workspace = Workspace::default();
    let mut worst = 0.0f64;
    let mut value = None;
    for method in EXACT {
        let objective = Objective::new(&program, &rows, method, &Options::default()).expect("a scalar program");
        let mut found = [0.0; INPUTS];
        let this = objective.gradient(point, &mut workspace, &mut found);
        if !same_bits(*value.get_or_insert(this), this) {
            return Err(format!("{method:?} gives another value: {this:e}, {value:?}\n{program}"));
        }
        tamper(method, &mut found);
        for k in 0..INPUTS {
            let error = (found[k] - exact[k]).abs();
            let full = error <= 1e-13 * exact[k].abs().max(TINY);
            worst = worst.max(relative(found[k], exact[k], exact[k].abs().max(TINY)));
            if !full && (error.is_nan() || error > SLACK * bounds[k + 1].error + TINY) {
                let (found, want, bound) = (found[k], exact[k], bounds[k + 1].error);
                return Err(format!(
                    "{method:?} in {k}: {found:e}, not {want:e} ± {bound:.1e}, at {point:?} {columns:?}\n{program}"
                ));
            }
        }
    }
    Ok(Outcome::Compared { error: worst, operations: program.operations() })
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
    let outcomes = outcomes.into_inner();
    let mut errors = Vec::new();
    let mut operations = Vec::new();
    for outcome in &outcomes {
        if let Outcome::Compared { error, operations: size } = outcome {
            errors.push(*error);
            operations.push(*size as f64);
        }
    }
    let compared = errors.len();
    let within = |bound: f64| errors.iter().filter(|error| **error <= bound).count();
    println!(
        "{} programs, {compared} compared, of {:?} operations (median); worst component of all methods: {} to 15 digits, \
         {} to 14, {} to 13, {} exact",
        outcomes.len(),
        crate::math::statistics::median(&operations),
        within(1e-15),
        within(1e-14),
        within(1e-13),
        within(0.0),
    );
    assert!(compared * 10 > outcomes.len() * 8, "too many programs left out: {compared} compared");
    assert!(within(1e-13) * 100 > compared * 90, "too few to full digits");
    assert!(within(0.0) * 10 < compared * 5, "too many programs without rounding");
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
