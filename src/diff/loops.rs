//! Programs with loops, branches and vectors: every exact method against the reference, on uniform and on row values.

use std::sync::Arc;

use super::{Method, Objective, Options, reference::Reference};
use crate::diagnostic::Source;
use crate::engine::{Rows, Workspace};
use crate::ir::{Builder, Program, Value};
use crate::language::lower::{self, Meaning, Scope};
use crate::language::tree::Text;

/// The program of `text`, which assigns `y` from parameters `a`, `b`, `c`, a vector parameter `p` of 3 elements, and a
/// column `t`; summed over the rows.
pub fn lowered(text: &str) -> Program {
    let (mut b, values) = assigned(text, &["y"]);
    let total = b.sum(values[0]);
    b.finish(&[total], 6, 1)
}

/// What `text` assigns to the names, in a program of the same parameters and column.
pub fn assigned(text: &str, wanted: &[&str]) -> (Builder, Vec<Value>) {
    let source = Arc::new(Source { name: "test".into(), text: text.into() });
    let text = Arc::new(Text::plain(Arc::clone(&source), 0..text.len()));
    let mut faults = Vec::new();
    let parsed = crate::language::program(&text, &mut faults);
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..6).map(|k| b.input(k)).collect();
    let mut scope = Scope::default();
    for (name, value) in ["a", "b", "c"].iter().zip(&inputs) {
        scope.insert(*name, Meaning::Scalar(*value));
    }
    let vector = b.pack(&inputs[3..]);
    scope.insert("p", Meaning::Vector(vector, 3));
    let t = b.column(0);
    scope.insert("t", Meaning::Scalar(t));
    let names = parsed.as_ref().and_then(|parsed| lower::program_names(parsed, &scope, &mut b, &mut faults));
    assert!(faults.is_empty(), "{}", crate::terminal::render(&faults, false));
    let names = names.unwrap_or_default();
    let value = |name: &&str| match names.get(*name) {
        Some(Meaning::Scalar(value)) => *value,
        other => panic!("{name} is {other:?}"),
    };
    let values = wanted.iter().map(value).collect();
    (b, values)
}

pub const POINT: [f64; 6] = [0.7, 1.3, 2.1, 0.4, -0.6, 1.9];

fn check(text: &str) {
    check_methods(
        text,
        &[Method::Forward, Method::Reverse, Method::ComplexStep, Method::Symbolic, Method::CentralDifference],
    );
}

fn check_methods(text: &str, methods: &[Method]) {
    let program = lowered(text);
    for count in [1, 37, 300] {
        let t: Vec<f64> = (0..count).map(|k| 0.1 + 0.013 * k as f64).collect();
        let columns = [t];
        let rows = Rows::new(&columns, count);
        let exact = Reference::new(&program, &columns, count).gradient(&POINT);
        let scale = exact.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for method in methods.iter().copied() {
            let objective = match Objective::new(&program, &rows, method, &Options::default()) {
                Ok(objective) => objective,
                Err(_) if method == Method::Symbolic => continue,
                Err(error) => panic!("{error}"),
            };
            let mut gradient = vec![0.0; 6];
            objective.gradient(&POINT, &mut Workspace::default(), &mut gradient);
            // Differences of long oscillating sums lose more than half the digits.
            let tolerance = if method == Method::CentralDifference { 1e-5 } else { 1e-12 };
            for (k, (ours, exact)) in gradient.iter().zip(&exact).enumerate() {
                let error = (ours - exact).abs() / scale.max(1e-300);
                assert!(
                    error <= tolerance,
                    "{method:?}, {count} rows, component {k}: {ours} for {exact}\n{text}\n{program}"
                );
            }
        }
    }
}

#[test]
fn straight_lines() {
    check("u = a*t\ny = exp(-u)*b + sin(c)");
}

#[test]
fn a_loop_of_uniform_values() {
    check("x = a\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c + i)\ny = x*t");
}

#[test]
fn a_loop_of_row_values() {
    check("x = a*t\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c*t + i)\ny = x");
}

#[test]
fn nested_loops() {
    check(
        "s = 0\nfor i in range(5):\n    x = a + i\n    for j in range(i):\n        x = x*b*0.5 + cos(t*j)\n    s += x*x\ny = s + c",
    );
}

/// The slot of `x` was given away in the outer body, after the inner loop that had taken it over.
#[test]
fn a_carried_value_of_two_loops_keeps_its_slot() {
    check(
        "x = a*t\nfor i in range(3):\n    for j in range(2):\n        x = x*0.5 + j*t\n    x = (x + 1)*b\nq = sin(x)\ny = q*x + cos(x)*c",
    );
}

/// The backward loop needs nothing of the steps that differ by row, and yet makes as many.
#[test]
fn a_linear_recurrence_driven_by_data() {
    check("x = b\nfor i in range(3):\n    x = 0.5*x + a*t\ny = x*c");
    check("x = b\nk = 0\nwhile k < 3*t:\n    at_most(20)\n    x = 0.5*x + a*t\n    k += 1\ny = x");
}

#[test]
fn swapped_values() {
    check("u = a\nv = b*t\nfor i in range(7):\n    w = u\n    u = v*0.9 + 0.1*c\n    v = w*sin(v)\ny = u*v");
}

#[test]
fn vectors() {
    check(
        "v = zeros(4)\nfor i in range(4):\n    v[i] = a*i + b*t\ns = 0\nfor i in range(3):\n    s += p[i]*v[i + 1]**2\ny = s*c + v[-1]",
    );
    check(
        "v = zeros(6)\nv[0] = a\nfor i in range(1, 6):\n    v[i] = v[i - 1]*b*0.7 + t*c\ny = sum(v[i]*p[i % 3] for i in range(6))",
    );
    check("y = sum(p[i % 3]*sin(a*i*t) for i in range(100))*b + sum(p)*c");
}

#[test]
fn branches() {
    check("if t > 1:\n    x = a*t\n    y = x + b\nelif t > 0.5:\n    y = exp(-c*t)\nelse:\n    y = b*b*t");
    check(
        "x = a\nfor i in range(8):\n    if x > 1:\n        x = x*0.5 + 0.01*b*t\n    else:\n        x = x*x + 0.3*c\ny = x",
    );
}

#[test]
fn bounded_loops() {
    check("x = a + t\nwhile x < 10:\n    at_most(50)\n    x = x*1.5 + 0.1*b\ny = x*c");
    check("x = a + 1\nn = 0\nwhile abs(x*x - c) > 1e-9:\n    at_most(30)\n    x = 0.5*(x + c/x)\ny = x*t + b");
}

#[test]
fn functions() {
    check(
        "def f(x, k):\n    if x > k:\n        return x*x\n    z = x + k\n    return z*b\ns = 0\nfor i in range(4):\n    s += f(t, i*0.3)*a\ny = s + f(c, 1)",
    );
}

#[test]
fn branches_not_taken_do_not_poison() {
    for text in [
        "y = (sqrt(a - 0.7) if a > 0.7 else 0) + b*t",
        "if t > 100:\n    y = log(a - 0.7) + (a - 0.7)**0.5\nelse:\n    y = a*b*t",
        "x = a - 0.7\nif x > 0:\n    y = 1/x\nelse:\n    y = c*x + b*t",
    ] {
        // Differences step over the kink.
        check_methods(text, &[Method::Forward, Method::Reverse, Method::ComplexStep, Method::Symbolic]);
    }
}

/// States forgotten and passed through again give the same bits as states kept.
#[test]
fn long_loops_are_passed_through_again() {
    // 10 000 steps of 4 carried values over 64 lanes would be 160 MB: more than the tape holds.
    let program = lowered(
        "u = a\nv = b\nw = 0.5\nfor i in range(60000):\n    u = u + 1e-4*(v - u*w)\n    v = v - 1e-4*u*t\n    w = w + 1e-4*(c - w)\ny = u + v*w",
    );
    let columns = [(0..40).map(|k| 0.1 + 0.02 * k as f64).collect::<Vec<f64>>()];
    let rows = Rows::new(&columns, 40);
    let gradient = |method| {
        let mut gradient = vec![0.0; 6];
        let objective = Objective::new(&program, &rows, method, &Options::default()).unwrap();
        objective.gradient(&POINT, &mut Workspace::default(), &mut gradient);
        gradient
    };
    let (forward, reverse) = (gradient(Method::Forward), gradient(Method::Reverse));
    for (a, b) in forward.iter().zip(&reverse) {
        assert!((a - b).abs() <= 1e-10 * a.abs().max(1e-3), "{forward:?} {reverse:?}");
    }
}

/// The points of a stencil that go together give the bits of one at a time.
#[test]
fn stencils_together_are_stencils_one_by_one() {
    let program =
        lowered("x = a\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c + i) + 0.01*p[1]*x\ny = x*t + p[0]*p[2]");
    let rows = Rows::new(&[(0..37).map(|k| 0.1 + 0.02 * k as f64).collect()], 37);
    let (options, mut workspace) = (Options::default(), Workspace::default());
    for method in [Method::ForwardDifference, Method::CentralDifference, Method::ComplexStep] {
        let objective = Objective::new(&program, &rows, method, &options).unwrap();
        let points = [POINT.to_vec(), POINT.map(|x| 1.1 * x).to_vec()];
        let mut together = vec![0.0; 14];
        objective.gradients(&points, &mut workspace, &mut together);
        for (point, found) in points.iter().zip(together.chunks(7)) {
            let mut gradient = [0.0; 6];
            assert_eq!(objective.gradient(point, &mut workspace, &mut gradient), found[0], "{method:?}");
            assert_eq!(gradient, found[1..], "{method:?}");
            if method == Method::CentralDifference {
                let mut at = |k: usize, offset: f64| {
                    let mut moved = point.clone();
                    moved[k] += offset;
                    (objective.value(&moved, &mut workspace), moved[k] - point[k])
                };
                for (k, slope) in gradient.iter().enumerate() {
                    let (high, up) = at(k, options.step_at(method, point[k]));
                    let (low, down) = at(k, -up);
                    assert_eq!((high - low) / (up - down), *slope, "input {k}");
                }
            }
        }
    }
}

/// x ← x + h a (b - x), a million times from c: x_N = b + (c - b) (1 - h a)^N, and its derivatives to 10 digits.
#[test]
fn a_million_steps() {
    use crate::math::elementary::{exp, log1p};
    let program = lowered("x = c\nfor i in range(1000000):\n    x += 1e-6*a*(b - x)\ny = x");
    let (n, h, [a, b, c, ..]) = (1e6, 1e-6, POINT);
    let power = exp(n * log1p(-h * a));
    let exact = [(b - c) * n * h * power / (1.0 - h * a), 1.0 - power, power];
    let rows = Rows::new(&[vec![1.0]], 1);
    for method in [Method::Reverse, Method::Forward] {
        let mut gradient = [0.0; 6];
        let objective = Objective::new(&program, &rows, method, &Options::default()).unwrap();
        let value = objective.gradient(&POINT, &mut Workspace::default(), &mut gradient);
        for (found, exact) in gradient.iter().zip(exact).chain([(&value, b + (c - b) * power)]) {
            assert!((found - exact).abs() <= 1e-10 * exact.abs(), "{method:?}: {found}, not {exact}");
        }
    }
}
