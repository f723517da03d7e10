//! Directions in lanes have the bits of forward mode, one direction beside the other.

use super::gradient;
use crate::diff::loops::{POINT, lowered};
use crate::diff::{Method, Objective, Options, forward, reverse};
use crate::engine::directions::{Directions, prepare};
use crate::engine::{Kernel, Level, Rows, Workspace};
use crate::ir::Program;

/// Value and gradient at `point` with directions in lanes, and by a program that carries each tangent on its own.
/// None where the program has no place in lanes.
pub fn both(program: &Program, rows: &Rows, point: &[f64], level: Level) -> Option<(Vec<f64>, Vec<f64>)> {
    let (prepared, columns) = prepare(program, rows, level);
    let strands = gradient(&prepared)?;
    let lanes = Directions::new(&strands.program, &strands.sets, program.inputs, &columns, level).ok()?;
    let mut workspace = Workspace::default();
    let mut found = vec![f64::NAN; program.inputs + 1];
    // Twice, so that what is left in the memory of the first time shows.
    lanes.evaluate(point, &mut workspace, &mut found);
    lanes.evaluate(point, &mut workspace, &mut found);
    let kernel = Kernel::at_level(&forward::gradient(program, 0..program.inputs), rows, level);
    let mut alone = vec![f64::NAN; program.inputs + 1];
    kernel.evaluate(point, &mut Workspace::default(), &mut alone);
    Some((found, alone))
}

/// The same bits, up to the sign of zero and the payload of NaN.
pub fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Programs whose loops do not depend on the row.
pub const TEXTS: [&str; 16] = [
    "y = exp(-a*t)*b + sin(c)",
    "x = a\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c + i)\ny = x*t",
    "s = 0\nfor i in range(5):\n    x = a + i\n    for j in range(i):\n        x = x*b*0.5 + cos(c*j)\n    s += x*x\ny = s + t",
    "u = a\nv = b\nfor i in range(7):\n    w = u\n    u = v*0.9 + 0.1*c\n    v = w*sin(v)\ny = u*v*t",
    "v = zeros(6)\nv[0] = a\nfor i in range(1, 6):\n    v[i] = v[i - 1]*b*0.7 + c\ny = sum(v[i]*p[i % 3] for i in range(6)) + t",
    "v = zeros(40)\nx = a\nfor i in range(40):\n    x += 0.1*(b - c*x)\n    v[i] = x\ny = (v[floor(t*2)] - t)**2",
    "v = zeros(4)\nv[1] = a\nfor i in range(9):\n    v[i % 4] = v[(i + 1) % 4]*b + p[i % 3]\ny = v[2] + v[3]*t",
    "y = sum(p[i % 3]*sin(a*i) for i in range(100))*b + sum(p)*c*t",
    "x = a\nfor i in range(8):\n    if x > 1:\n        x = x*0.5 + 0.01*b\n    else:\n        x = x*x + 0.3*c\ny = x*t",
    "x = a\nwhile x < 10:\n    at_most(50)\n    x = x*1.5 + 0.1*b\ny = x*c + t",
    "x = a + 1\nwhile abs(x*x - c) > 1e-9:\n    at_most(30)\n    x = 0.5*(x + c/x)\ny = x*t + b",
    "x = sqrt(a - 0.7)*b + abs(c)\nfor i in range(3):\n    x = min(x, b) + max(a, b*0 + i)\ny = x",
    "if a > 100:\n    y = log(a - 0.7) + (a - 0.7)**0.5\nelse:\n    y = hypot(a - 0.7, b - 1.3)*c + t",
    "x = 1\nfor i in range(4):\n    x = x*(a if i < 2 else b)\ny = t",
    "x = c\nfor i in range(3):\n    x = 2.5\n    x = x + a\ny = x*t + p[2]",
    "x = a\nk = 0\nfor i in range(3):\n    k += 1/(a - 0.7)\n    x = x + b*(0 if i > 5 else 1)\ny = x*t",
];

#[test]
fn lanes_have_the_bits_of_one_direction_at_a_time() {
    for text in TEXTS {
        let program = lowered(text);
        for count in [1, 16, 37, 600] {
            let t: Vec<f64> = (0..count).map(|k| 0.1 + 0.013 * k as f64).collect();
            let rows = Rows::new(&[t], count);
            for level in Level::available() {
                let Some((found, alone)) = both(&program, &rows, &POINT, level) else { panic!("not in lanes: {text}") };
                assert!(same(&found, &alone), "{count} rows, {level}: {found:?}, not {alone:?}\n{text}\n{program}");
            }
        }
    }
}

/// A few points go through a line together, many of them in blocks.
#[test]
fn points_together_have_the_bits_of_one_at_a_time() {
    for text in TEXTS {
        let program = lowered(text);
        let t: Vec<f64> = (0..37).map(|k| 0.1 + 0.013 * k as f64).collect();
        let rows = Rows::new(&[t], 37);
        for (level, derivative) in Level::available()
            .into_iter()
            .flat_map(|level| [(level, reverse::gradient(&program)), (level, forward::gradient(&program, 0..6))])
        {
            let kernel = Kernel::at_level(&derivative, &rows, level);
            for count in [8, 16, 21, 48, 60] {
                let points: Vec<Vec<f64>> = (0..count)
                    .map(|k| POINT.iter().enumerate().map(|(j, x)| x + 0.37 * ((k * (j + 3)) % 11) as f64).collect())
                    .collect();
                let mut workspace = Workspace::default();
                let mut together = vec![f64::NAN; 7 * count];
                kernel.evaluate_many(None, &points, &mut workspace, &mut together);
                for (point, found) in points.iter().zip(together.chunks(7)) {
                    let mut alone = [f64::NAN; 7];
                    kernel.evaluate(point, &mut workspace, &mut alone);
                    assert!(same(found, &alone), "{count} points, {level}: {found:?}, not {alone:?}\n{text}");
                }
            }
        }
    }
}

/// Two and three eights of lanes.
#[test]
fn as_many_directions_as_there_are_lanes() {
    use crate::ir::{Builder, Operator};
    for inputs in [1, 2, 7, 8, 9, 16, 17, 24] {
        let mut b = Builder::new();
        let mut total = b.column(0);
        for k in 0..inputs {
            let input = b.input(k);
            let product = b.multiply(total, input);
            let sine = b.unary(Operator::Sin, product);
            total = b.add(sine, input);
        }
        let sum = b.sum(total);
        let program = b.finish(&[sum], inputs, 1);
        let rows = Rows::new(&[(0..300).map(|k| 0.01 * k as f64).collect()], 300);
        let point: Vec<f64> = (0..inputs).map(|k| 0.9 + 0.03 * k as f64).collect();
        let (found, alone) = both(&program, &rows, &point, Level::best()).expect("a place in lanes");
        assert!(same(&found, &alone), "{found:?}, not {alone:?}");
    }
}

#[test]
fn what_has_no_place_in_lanes_is_differentiated_in_rows() {
    let by_row = lowered("x = a*t\nfor i in range(20):\n    x = x + 0.05*(b - x)*sin(c*t + i)\ny = x");
    let rows = Rows::new(&[vec![0.3, 0.5]], 2);
    assert!(both(&by_row, &rows, &POINT, Level::best()).is_none());
    let objective = Objective::new(&by_row, &rows, Method::Forward, &Options::default()).expect("a scalar program");
    let mut gradient = [0.0; 6];
    let value = objective.gradient(&POINT, &mut Workspace::default(), &mut gradient);
    assert!(value.is_finite() && gradient[0] != 0.0);
}
