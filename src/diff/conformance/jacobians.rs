//! Jacobians, Hessians and their products by every method, against the reference: row values and uniform ones, vectors
//! looked into by the number of the row, loops, branches, sums over the rows inside an output.

use super::{no_faults, relative};
use crate::diff::loops::{POINT, assigned};
use crate::diff::reference::Reference;
use crate::diff::{Hessian, Jacobian, METHODS, Method, Options, forward};
use crate::engine::{Rows, Workspace};
use crate::ir::{Builder, Operator, Program, Value};

const TEXT: &str = "
u = a*exp(-b*t) + sin(c*t)
x = a
for i in range(6):
    x = x + 0.1*(b - x)*sin(c*t + p[i % 3])
w = x*x if t > 0.3 else x*b + c
k = a*b + p[1]*c
v = sin(x) + c*x
";

/// Outputs: u, w, the uniform k, u over its sum over the rows, the element of p that the row says, and v, which looks
/// through the loop that w looks through.
fn program() -> Program {
    let (mut b, values) = assigned(TEXT, &["u", "w", "k", "v"]);
    let [u, w, k, v] = values[..] else { panic!("four values") };
    let total = b.sum(u);
    let share = b.divide(u, total);
    let elements: Vec<Value> = (3..6).map(|k| b.input(k)).collect();
    let vector = b.pack(&elements);
    let (row, three) = (b.row(), b.constant(3.0));
    let index = b.apply(Operator::Modulo, &[row, three]);
    let element = b.element(vector, index);
    let element = b.multiply(element, u);
    b.finish(&[u, w, k, share, element, v], 6, 1)
}

fn column(count: usize) -> Vec<f64> {
    (0..count).map(|k| 0.1 + 0.07 * k as f64).collect()
}

/// One output in one row, as a scalar program.
fn picked(program: &Program, output: usize, row: usize) -> Program {
    let mut b = Builder::extend(program);
    let (number, wanted, zero) = (b.row(), b.constant(row as f64), b.constant(0.0));
    let here = b.apply(Operator::Equal, &[number, wanted]);
    let value = b.select(here, program.outputs[output], zero);
    let sum = b.sum(value);
    b.finish(&[sum], program.inputs, program.columns)
}

/// Digits that differences must have: relative errors.
fn tolerance(method: Method) -> f64 {
    match method {
        Method::ForwardDifference => 1e-6,
        Method::CentralDifference => 1e-8,
        Method::Richardson => 1e-9,
        _ => 1e-13,
    }
}

fn methods() -> impl Iterator<Item = Method> {
    METHODS.iter().map(|row| Method::named(row.name).expect("a method"))
}

#[test]
fn jacobians_agree_with_the_reference() {
    let program = program();
    let count = 21;
    let columns = [column(count)];
    let rows = Rows::new(&columns, count);
    let exact: Vec<Vec<f64>> = (0..program.outputs.len())
        .flat_map(|output| (0..count).map(move |row| (output, row)))
        .map(|(output, row)| Reference::new(&picked(&program, output, row), &columns, count).gradient(&POINT))
        .collect();
    let mut faults = Vec::new();
    let mut check = |name: String, jacobian: &Jacobian, tolerance: f64| {
        let mut values = vec![f64::NAN; program.outputs.len() * count];
        let mut found = vec![f64::NAN; jacobian.height() * 6];
        jacobian.evaluate(&POINT, &mut Workspace::default(), &mut values, &mut found);
        assert_eq!(jacobian.height(), exact.len());
        let k = POINT[0] * POINT[1] + POINT[4] * POINT[2];
        assert!((values[2 * count] - k).abs() < 1e-15 && (values[3 * count - 1] - k).abs() < 1e-15, "{name}");
        for (row, (found, exact)) in found.chunks(6).zip(&exact).enumerate() {
            let scale = exact.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            if (0..6).any(|k| relative(found[k], exact[k], scale) > tolerance) {
                faults.push(format!("{name}, row {row}: {found:?}, not {exact:?}"));
            }
        }
    };
    for method in methods() {
        let jacobian = Jacobian::new(&program, &rows, method, &Options::default()).expect("a Jacobian");
        check(format!("{method:?}"), &jacobian, tolerance(method));
    }
    let (method, jacobian) = Jacobian::auto(&program, &rows, &Options::default()).expect("a Jacobian");
    check(format!("auto, {method:?}"), &jacobian, 1e-13);
    no_faults(&faults);
}

/// More inputs than one sweep of tangents; few outputs of many inputs are for reverse, many of few for forward.
#[test]
fn auto_takes_the_cheaper() {
    let chain = |inputs: usize, outputs: usize| {
        let mut b = Builder::new();
        let all: Vec<Value> = (0..inputs).map(|k| b.input(k)).collect();
        let sines: Vec<Value> = all.iter().map(|v| b.unary(Operator::Sin, *v)).collect();
        // A stretch that all outputs share: gone through once by forward, once for each output by reverse.
        let total = (0..10).fold(b.total(&sines), |x, _| b.unary(Operator::Sin, x));
        let found: Vec<Value> = (0..outputs)
            .map(|k| {
                let scaled = b.scale(1.0 + k as f64, total);
                b.unary(Operator::Exp, scaled)
            })
            .collect();
        b.finish(&found, inputs, 0)
    };
    let rows = Rows::new(&[], 1);
    for (inputs, outputs, want) in [(40, 1, Method::Reverse), (1, 40, Method::Forward)] {
        let program = chain(inputs, outputs);
        let (method, auto) = Jacobian::auto(&program, &rows, &Options::default()).expect("a Jacobian");
        assert_eq!(method, want);
        let point: Vec<f64> = (0..inputs).map(|k| 0.01 * k as f64).collect();
        let evaluate = |jacobian: &Jacobian| {
            let (mut values, mut found) = (vec![0.0; outputs], vec![0.0; outputs * inputs]);
            jacobian.evaluate(&point, &mut Workspace::default(), &mut values, &mut found);
            found
        };
        let other = if method == Method::Forward { Method::Reverse } else { Method::Forward };
        let other = Jacobian::new(&program, &rows, other, &Options::default()).expect("a Jacobian");
        assert!(auto.operations() < other.operations());
        for (a, b) in evaluate(&auto).iter().zip(evaluate(&other)) {
            assert!((a - b).abs() <= 1e-13 * a.abs(), "{a} {b}");
        }
    }
}

#[test]
fn hessians_agree_with_the_reference() {
    let (mut b, values) = assigned(TEXT, &["u", "w", "k"]);
    let square = b.square(values[0]);
    let sum = b.add(square, values[1]);
    let total = b.sum(sum);
    let whole = b.multiply(total, values[2]);
    let program = b.finish(&[whole], 6, 1);
    let count = 21;
    let columns = [column(count)];
    let rows = Rows::new(&columns, count);
    let gradient = forward::gradient(&program, 0..6);
    let exact: Vec<Vec<f64>> = (0..6)
        .map(|k| Program { outputs: vec![gradient.outputs[1 + k]], ..gradient.clone() })
        .map(|component| Reference::new(&component, &columns, count).gradient(&POINT))
        .collect();
    let scale = exact.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
    let vector = [0.3, -1.0, 0.0, 2.0, 0.5, -0.7];
    let mut faults = Vec::new();
    for method in methods() {
        let tolerance = match method {
            Method::ForwardDifference => 1e-3,
            Method::CentralDifference => 1e-5,
            Method::Richardson => 1e-6,
            _ => 1e-12,
        };
        let hessian = Hessian::new(&program, &rows, method, &Options::default()).expect("a Hessian");
        let mut workspace = Workspace::default();
        let found = hessian.matrix(&POINT, &mut workspace);
        let mut product = [0.0; 6];
        hessian.product(&POINT, &vector, &mut workspace, &mut product);
        for i in 0..6 {
            let want: f64 = (0..6).map(|j| exact[i][j] * vector[j]).sum();
            if relative(product[i], want, scale) > tolerance {
                faults.push(format!("product by {method:?}, {i}: {}, not {want}", product[i]));
            }
            for j in 0..6 {
                if relative(found[(i, j)], exact[i][j], scale) > tolerance {
                    faults.push(format!("{method:?}, {i} {j}: {}, not {}", found[(i, j)], exact[i][j]));
                }
            }
        }
    }
    no_faults(&faults);
}
