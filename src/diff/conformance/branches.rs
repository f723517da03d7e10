//! Derivatives where the branch not taken, or a factor that is left out, has no derivative: those of the branch taken.
//!
//! Formulas of the model language over an input `a`, an input `z` and a column `x` that holds zeros and negative
//! numbers; each case says where the derivative in `a` stands and what it is.

use std::sync::Arc;

use super::{no_faults, relative};
use crate::diagnostic::Source;
use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options, forward, reverse};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Program};
use crate::language::lower::{self, Meaning, Scope};
use crate::language::tree::Text;

const EXACT: [Method; 4] = [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep];

/// The sum over rows of a formula of the inputs `a` and `z` and the column `x`.
pub fn program(formula: &str) -> Program {
    let source = Arc::new(Source { name: "formula".into(), text: formula.into() });
    let mut faults = Vec::new();
    let tree = crate::language::expression(&Arc::new(Text::plain(source, 0..formula.len())), &mut faults);
    let tree = tree.unwrap_or_else(|| panic!("{formula}: {:?}", faults[0].message));
    let mut b = Builder::new();
    let mut scope = Scope::default();
    for (k, name) in ["a", "z"].iter().enumerate() {
        let value = b.input(k);
        scope.insert(*name, Meaning::Scalar(value));
    }
    let column = b.column(0);
    scope.insert("x", Meaning::Scalar(column));
    let value = lower::expression(&tree, &scope, &mut b, &mut faults);
    let value = value.unwrap_or_else(|| panic!("{formula}: {:?}", faults[0].message));
    let sum = b.sum(value);
    b.finish(&[sum], 2, 1)
}

/// Faults of every exact method and of the reference for the gradient of a formula at (a, z) over the column.
fn faults_of(formula: &str, (a, z): (f64, f64), column: &[f64], want: [f64; 2]) -> Vec<String> {
    let program = program(formula);
    let columns = [column.to_vec()];
    let rows = Rows::new(&columns, column.len());
    let mut faults = Vec::new();
    let mut compare = |by: &str, found: &[f64]| {
        if (0..2).any(|k| relative(found[k], want[k], want[k].abs().max(1.0)) > 1e-13) {
            faults.push(format!("{formula} at a = {a}, z = {z} by {by}: {found:?}, not {want:?}"));
        }
    };
    compare("the reference", &Reference::new(&program, &columns, column.len()).gradient(&[a, z]));
    for method in EXACT {
        let mut found = [0.0; 2];
        let objective = Objective::new(&program, &rows, method, &Options::default()).expect("a scalar program");
        objective.gradient(&[a, z], &mut Workspace::default(), &mut found);
        compare(&format!("{method:?}"), &found);
    }
    faults
}

/// (formula, (a, z), column, derivatives in a and z)
type Case = (&'static str, (f64, f64), &'static [f64], [f64; 2]);

const ONE_ROW: &[f64] = &[1.0];
const ROOT: f64 = std::f64::consts::SQRT_2;

const CASES: &[Case] = &[
    // Uniform values: the test and both branches are the same for every row.
    ("sqrt(z) if z > 0 else a", (2.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("sqrt(z) if z > 0 else 0", (2.0, 0.0), ONE_ROW, [0.0, 0.0]),
    ("sqrt(z) if z > 0 else 0", (2.0, -1.0), ONE_ROW, [0.0, 0.0]),
    ("sqrt(z) if z > 0 else 0", (2.0, 4.0), ONE_ROW, [0.0, 0.25]),
    ("log(z) if z > 0 else a*z", (2.0, 0.0), ONE_ROW, [0.0, 2.0]),
    ("log(z) if z > 0 else a*z", (2.0, -3.0), ONE_ROW, [-3.0, 2.0]),
    ("z**0.5 if z > 0 else z", (2.0, 0.0), ONE_ROW, [0.0, 1.0]),
    ("z**a if z > 0 else z", (0.5, 0.0), ONE_ROW, [0.0, 1.0]),
    ("z**a if z > 0 else z", (0.5, -2.0), ONE_ROW, [0.0, 1.0]),
    ("a/z if z != 0 else a", (3.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("sin(z)/z if z != 0 else 1", (3.0, 0.0), ONE_ROW, [0.0, 0.0]),
    ("exp(1/z) if z < 0 else a", (3.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("a if z == 0 else log(abs(z))", (3.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("asin(z) if z < 1 else z", (3.0, 1.0), ONE_ROW, [0.0, 1.0]),
    ("acosh(z) if z > 1 else z", (3.0, 1.0), ONE_ROW, [0.0, 1.0]),
    ("atanh(z) if abs(z) < 1 else z", (3.0, 1.0), ONE_ROW, [0.0, 1.0]),
    ("cbrt(z) if z != 0 else z", (3.0, 0.0), ONE_ROW, [0.0, 1.0]),
    ("hypot(a - 1, z) if z > 0 else z", (1.0, 0.0), ONE_ROW, [0.0, 1.0]),
    ("atan2(a - 1, z) if z > 0 else z", (1.0, 0.0), ONE_ROW, [0.0, 1.0]),
    ("lgamma(z) if z > 0 else z", (1.0, 0.0), ONE_ROW, [0.0, 1.0]),
    // The branch inside another function, and branches inside branches.
    ("exp(a*(sqrt(z) if z > 0 else z))", (3.0, 0.0), ONE_ROW, [0.0, 3.0]),
    ("(sqrt(log(z)) if z > 1 else z) if z > 0 else a*z", (3.0, 0.0), ONE_ROW, [0.0, 3.0]),
    ("(sqrt(log(z)) if z > 1 else z) if z > 0 else a*z", (3.0, 0.5), ONE_ROW, [0.0, 1.0]),
    // Row values: each row takes its own branch.
    ("sqrt(a*x) if x > 0 else 0", (2.0, 1.0), &[0.0, 1.0, -1.0, 4.0], [ROOT / 4.0 + ROOT / 2.0, 0.0]),
    ("log(a*x) if x > 0 else z", (2.0, 1.0), &[0.0, 1.0, -1.0], [0.5, 2.0]),
    ("(a*x)**0.5 if x > 0 else a", (2.0, 1.0), &[0.0, 1.0, -1.0], [2.0 + ROOT / 4.0, 0.0]),
    ("x**a if x > 0 else 0", (2.0, 1.0), &[0.0, 1.0, -1.0], [0.0, 0.0]),
    ("(x/a)**z if x > 0 else 0", (2.0, 0.5), &[0.0, 2.0, -1.0], [-0.25, 0.0]),
    ("a/x if x != 0 else a", (2.0, 1.0), &[0.0, 1.0, -2.0], [1.5, 0.0]),
    ("a/(x*z) if x*z != 0 else a", (2.0, 1.0), &[0.0, 1.0, -2.0], [1.5, -1.0]),
    ("sqrt(a - x) if a > x else z", (2.0, 1.0), &[2.0, 1.0, 3.0], [0.5, 2.0]),
    ("log(1 - x/a) if x < a else z*a", (2.0, 1.0), &[2.0, 1.0, 3.0], [2.5, 4.0]),
    // A uniform value used only in the rows that take its branch.
    ("sqrt(z) if x > 0 else a", (2.0, 0.0), &[-1.0, -2.0], [2.0, 0.0]),
    ("log(z)*x if x > 0 else a", (2.0, 0.0), &[-1.0, -2.0], [2.0, 0.0]),
    // Connectives and chained comparisons as tests.
    ("sqrt(z) if z > 0 and a > 0 else a", (2.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("sqrt(z*(1 - z)) if 0 < z < 1 else a", (2.0, 1.0), ONE_ROW, [1.0, 0.0]),
    // Powers at 0: whole, broken, unknown exponents.
    ("z**5", (2.0, 0.0), ONE_ROW, [0.0, 0.0]),
    ("z**2.5 + a", (2.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("z**a", (2.0, 0.0), ONE_ROW, [0.0, 0.0]),
    ("z**a", (1.0, 0.0), ONE_ROW, [0.0, 1.0]),
    ("x**a/(z**a + x**a)", (2.0, 1.0), &[0.0, 1.0], [0.0, -0.5]),
    ("x**a + z", (2.5, 1.0), &[0.0, 0.0], [0.0, 2.0]),
    ("(a*x)**z", (2.0, 3.0), &[0.0, 0.5], [1.5, 0.0]),
    ("(a - 2)**z", (2.0, 3.0), ONE_ROW, [0.0, 0.0]),
    ("(-a)**5", (2.0, 0.0), ONE_ROW, [-80.0, 0.0]),
    // What does not move with an input stays where it is, however steep the slope.
    ("exp(-(x/a)**z)", (2.0, 0.5), &[0.0, 0.0], [0.0, 0.0]),
    ("(x/a)**0.5 + a", (2.0, 0.5), &[0.0], [1.0, 0.0]),
    ("sqrt(a*x) + z", (2.0, 0.5), &[0.0], [0.0, 1.0]),
    ("sqrt(a*x*z)", (2.0, 0.5), &[0.0, 1.0], [0.25, 1.0]),
    // The smaller and the larger: the other one may be infinite or no number.
    ("min(a, 1/(x*z))", (2.0, 0.5), &[0.0], [1.0, 0.0]),
    ("min(1/(x*z), a)", (2.0, 0.5), &[0.0], [1.0, 0.0]),
    ("max(a, log(x*z))", (2.0, 0.5), &[0.0], [1.0, 0.0]),
    ("max(a, -1/sqrt(z))", (2.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("min(a, sqrt(x*z))", (-2.0, 0.5), &[-1.0, 0.0], [2.0, 0.0]),
    // Functions of the language with branches in them.
    ("sinc(z)*a", (2.0, 0.0), ONE_ROW, [1.0, 0.0]),
    ("smooth_max(a, z, 0.5)", (2.0, 2.0), ONE_ROW, [0.5, 0.5]),
    ("smooth_min(a, z, 0.5)", (2.0, 2.0), ONE_ROW, [0.5, 0.5]),
    ("smooth_max(a, z, 1)", (1e-3, -1e20), ONE_ROW, [1.0, 0.0]),
    ("logsumexp(a, z)", (2.0, 2.0), ONE_ROW, [0.5, 0.5]),
    ("logsumexp(a, z, z)", (2.0, 2.0), ONE_ROW, [1.0 / 3.0, 2.0 / 3.0]),
    ("a*poisson_lpmf(0, z)", (2.0, 0.0), ONE_ROW, [0.0, -2.0]),
    ("poisson_lpmf(x, z)*a", (2.0, 0.0), &[0.0, 0.0], [0.0, -4.0]),
    ("normal_lpdf(z, a, 1)", (2.0, 3.0), ONE_ROW, [1.0, -1.0]),
    ("log_normal_lpdf(x, a, z) if x > 0 else a*z", (2.0, 3.0), &[0.0], [3.0, 2.0]),
    ("exponential_lpdf(x, a)", (2.0, 3.0), &[0.0, 1.0], [0.5 - 1.0 + 0.5, 0.0]),
];

#[test]
fn derivatives_are_those_of_the_branch_taken() {
    let faults: Vec<String> =
        CASES.iter().flat_map(|(formula, at, column, want)| faults_of(formula, *at, column, *want)).collect();
    no_faults(&faults);
}

#[test]
fn a_wrong_expectation_is_found() {
    assert_eq!(faults_of("sqrt(z) if z > 0 else a", (2.0, 0.0), ONE_ROW, [1.0, 0.5]).len(), 5);
}

/// Without a branch there is no derivative, and none is made up.
#[test]
fn no_derivative_is_not_zero() {
    let program = program("sqrt(z)");
    for method in EXACT {
        let mut found = [0.0; 2];
        let objective = Objective::new(&program, &Rows::new(&[vec![1.0]], 1), method, &Options::default())
            .expect("a scalar program");
        objective.gradient(&[0.0, 0.0], &mut Workspace::default(), &mut found);
        assert!(!found[1].is_finite(), "{method:?}: {found:?}");
    }
}

/// Second derivatives, forward over reverse as the intervals take them, in a at (a, z) = (2, 1).
#[test]
fn second_derivatives_are_those_of_the_branch_taken() {
    let cases: &[(&str, &[f64], f64)] = &[
        ("sqrt(a*x) if x > 0 else 0", &[0.0, 1.0, -1.0], -0.25 / (2.0 * ROOT)),
        ("log(a*x) if x > 0 else a**3", &[0.0, 1.0], 12.0 - 0.25),
        ("a**2/x if x != 0 else a", &[0.0, 1.0], 2.0),
        ("sqrt(z - 1)*a if z > 1 else a**3", &[0.0], 12.0),
    ];
    let mut faults = Vec::new();
    for (formula, column, want) in cases {
        let second = forward::jacobian(&reverse::gradient(&program(formula)), &[0, 1, 2], 0..2);
        let kernel = Kernel::new(&second, &Rows::new(&[column.to_vec()], column.len()));
        let mut found = [0.0; 9];
        kernel.evaluate(&[2.0, 1.0], &mut Workspace::default(), &mut found);
        // Value, slopes in a and z; then the derivatives of each in a and z.
        if relative(found[5], *want, want.abs()) > 1e-13 {
            faults.push(format!("{formula}: {}, not {want}", found[5]));
        }
    }
    no_faults(&faults);
}
