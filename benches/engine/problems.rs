//! The problems of the comparison: programs of the model language where it can say them, their data and their points.
//!
//! a: half-life, sum of (y - N0 exp(-l t))² over 16, 1 000 and 1 000 000 rows; ab: the same 16 rows at 1 000 parameter
//! vectors; b: a sum of 10 Gaussians over 10 000 rows; c: Lotka–Volterra by 200 Runge–Kutta steps, least squares on
//! all of them; c16: c at 16 parameter vectors; d: the logistic map iterated 20 times; gmm: the log-likelihood of a
//! mixture of Gaussians as in ADBench (Šrajer, Kukelova & Fitzgibbon 2018), without its prior. `a_N` is a over N rows,
//! `sines_N` a family of N parameters. No random numbers: the data are closed formulas.

use std::sync::Arc;

use sbi_run::diagnostic::Source;
use sbi_run::engine::Rows;
use sbi_run::ir::{Builder, Operator, Program, Value};
use sbi_run::language::lower::{self, Meaning, Scope};
use sbi_run::language::tree::Text;
use sbi_run::math::elementary::{exp, log, sin};

pub struct Problem {
    pub name: String,
    pub program: Program,
    pub columns: Vec<Vec<f64>>,
    pub points: Vec<Vec<f64>>,
}

impl Problem {
    pub fn count(&self) -> usize {
        self.columns.first().map_or(1, Vec::len)
    }

    pub fn rows(&self) -> Rows {
        Rows::new(&self.columns, self.count())
    }
}

pub fn problem(name: &str) -> Problem {
    let (program, columns, points) = match name {
        "a_16" => half_life(16, 1),
        "a_1e3" => half_life(1_000, 1),
        "a_1e6" => half_life(1_000_000, 1),
        "ab" => half_life(16, 1_000),
        "b" => gaussians(10_000),
        "c" => predators(1),
        "c16" => predators(16),
        "d" => logistic_map(),
        "gmm_1e3_d2_k5" => mixture(1_000, 2, 5),
        "gmm_1e4_d2_k25" => mixture(10_000, 2, 25),
        "gmm_1e3_d10_k5" => mixture(1_000, 10, 5),
        "gmm_1e3_d10_k25" => mixture(1_000, 10, 25),
        other => match other.split_once('_').map(|(family, size)| (family, size.parse())) {
            Some(("a", Ok(rows))) => half_life(rows, 1),
            Some(("sines", Ok(parameters))) => sines(parameters),
            _ => panic!("there is no problem {other}"),
        },
    };
    Problem { name: name.into(), program, columns, points }
}

type Parts = (Program, Vec<Vec<f64>>, Vec<Vec<f64>>);

/// What the names of a program stand for, given the names of its inputs, all of them numbers, and of its columns.
fn lowered(b: &mut Builder, text: &str, inputs: &[String], columns: &[&str]) -> impl Fn(&str) -> Meaning + use<> {
    let inputs = inputs.iter().enumerate().map(|(k, name)| (name.clone(), Meaning::Scalar(b.input(k)))).collect();
    program(b, text, inputs, columns)
}

/// The same with what its inputs mean.
fn program(
    b: &mut Builder,
    text: &str,
    inputs: Vec<(String, Meaning)>,
    columns: &[&str],
) -> impl Fn(&str) -> Meaning + use<> {
    let source = Arc::new(Source { name: "bench".into(), text: text.into() });
    let text = Arc::new(Text::plain(Arc::clone(&source), 0..text.len()));
    let mut faults = Vec::new();
    let mut scope = Scope::default();
    for (name, meaning) in inputs {
        scope.insert(name, meaning);
    }
    for (k, name) in columns.iter().enumerate() {
        let column = b.column(k);
        scope.insert(*name, Meaning::Scalar(column));
    }
    let parsed = sbi_run::language::program(&text, &mut faults).expect("the program is legal");
    let names = lower::program_names(&parsed, &scope, b, &mut faults).expect("the program is legal");
    move |name| names[name].clone()
}

fn scalar(meaning: Meaning) -> Value {
    let Meaning::Scalar(value) = meaning else { panic!("a number") };
    value
}

fn names(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn half_life(rows: usize, points: usize) -> Parts {
    let mut b = Builder::new();
    let of = lowered(&mut b, "r = y - N0*exp(-l*t)\ns = r*r", &names(&["N0", "l"]), &["t", "y"]);
    let total = b.sum(scalar(of("s")));
    let t: Vec<f64> = (0..rows).map(|i| 8.0 * i as f64 / (rows - 1) as f64).collect();
    let y = t.iter().enumerate().map(|(i, t)| 10.0 * exp(-0.35 * t) + 0.05 * sin(37.0 * i as f64)).collect();
    let point = |k: usize| match points {
        1 => vec![9.0, 0.30],
        _ => vec![10.0 + 5.0 * sin(1.7 * k as f64), 0.35 + 0.25 * sin(2.3 * k as f64 + 1.0)],
    };
    (b.finish(&[total], 2, 2), vec![t, y], (0..points).map(point).collect())
}

/// Σ_rows (Σ_k sin(p_k t + k))² over 64 rows, with a vector parameter.
fn sines(parameters: usize) -> Parts {
    let text = format!("y = sum(sin(p[k]*t + k) for k in range({parameters}))");
    let mut b = Builder::new();
    let inputs: Vec<Value> = (0..parameters).map(|k| b.input(k)).collect();
    let vector = b.pack(&inputs);
    let vector = ("p".to_string(), Meaning::Vector(vector, parameters as u32));
    let of = program(&mut b, &text, vec![vector], &["t"]);
    let square = b.square(scalar(of("y")));
    let total = b.sum(square);
    let t = (0..64).map(|row| 0.1 + 0.03 * f64::from(row)).collect();
    let point = (0..parameters).map(|k| 0.5 + (k % 7) as f64 * 0.1).collect();
    (b.finish(&[total], parameters, 1), vec![t], vec![point])
}

pub const GAUSSIANS: usize = 10;

fn gaussians(rows: usize) -> Parts {
    let mut inputs = Vec::new();
    for letter in ["a", "m", "w"] {
        inputs.extend((0..GAUSSIANS).map(|k| format!("{letter}{k}")));
    }
    let terms: Vec<String> = (0..GAUSSIANS).map(|k| format!("a{k}*exp(-0.5*((x - m{k})/w{k})**2)")).collect();
    let mut b = Builder::new();
    let of = lowered(&mut b, &format!("r = y - ({})\ns = r*r", terms.join(" + ")), &inputs, &["x", "y"]);
    let total = b.sum(scalar(of("s")));
    let truth: Vec<[f64; 3]> = (0..GAUSSIANS)
        .map(|k| [1.25 + 0.7 * sin(3.0 * k as f64), 0.5 + k as f64, 0.55 + 0.25 * sin(5.0 * k as f64)])
        .collect();
    let x: Vec<f64> = (0..rows).map(|i| 10.0 * i as f64 / (rows - 1) as f64).collect();
    let model = |x: f64| truth.iter().map(|[a, m, w]| a * exp(-0.5 * ((x - m) / w) * ((x - m) / w))).sum::<f64>();
    let y = x.iter().enumerate().map(|(i, x)| model(*x) + 0.01 * sin(37.0 * i as f64)).collect();
    let mut point: Vec<f64> = truth.iter().map(|t| t[0] * 1.05).collect();
    point.extend(truth.iter().map(|t| t[1] + 0.03));
    point.extend(truth.iter().map(|t| t[2] * 0.97));
    (b.finish(&[total], 3 * GAUSSIANS, 2), vec![x, y], vec![point])
}

pub const STEPS: usize = 200;
pub const STEP: f64 = 0.05;

/// One Runge–Kutta step of Lotka–Volterra: u' = a u - b u v, v' = d u v - c v.
pub fn predator_step(p: &[f64], (u, v): (f64, f64)) -> (f64, f64) {
    let rate = |u: f64, v: f64| (p[0] * u - p[1] * u * v, p[3] * u * v - p[2] * v);
    let h = STEP;
    let (u1, v1) = rate(u, v);
    let (u2, v2) = rate(u + 0.5 * h * u1, v + 0.5 * h * v1);
    let (u3, v3) = rate(u + 0.5 * h * u2, v + 0.5 * h * v2);
    let (u4, v4) = rate(u + h * u3, v + h * v3);
    (u + h / 6.0 * (u1 + 2.0 * u2 + 2.0 * u3 + u4), v + h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4))
}

/// The states after each step are vectors, from which each row of the data takes its own.
fn predators(points: usize) -> Parts {
    let text = format!(
        "us = zeros({STEPS})\nvs = zeros({STEPS})\nh = {STEP}\nu = 1.0\nv = 1.0\nfor i in range({STEPS}):\n    \
         p1 = a*u - b*u*v\n    q1 = d*u*v - c*v\n    x = u + 0.5*h*p1\n    w = v + 0.5*h*q1\n    \
         p2 = a*x - b*x*w\n    q2 = d*x*w - c*w\n    x = u + 0.5*h*p2\n    w = v + 0.5*h*q2\n    \
         p3 = a*x - b*x*w\n    q3 = d*x*w - c*w\n    x = u + h*p3\n    w = v + h*q3\n    \
         p4 = a*x - b*x*w\n    q4 = d*x*w - c*w\n    \
         u = u + h/6*(p1 + 2*p2 + 2*p3 + p4)\n    v = v + h/6*(q1 + 2*q2 + 2*q3 + q4)\n    us[i] = u\n    vs[i] = v"
    );
    let mut b = Builder::new();
    let of = lowered(&mut b, &text, &names(&["a", "b", "c", "d"]), &["ou", "ov"]);
    let row = b.row();
    let mut square = |state: &str, column: usize| {
        let Meaning::Vector(states, _) = of(state) else { panic!("a vector") };
        let (predicted, observed) = (b.element(states, row), b.column(column));
        let residual = b.subtract(predicted, observed);
        b.square(residual)
    };
    let (first, second) = (square("us", 0), square("vs", 1));
    let both = b.add(first, second);
    let total = b.sum(both);
    let (mut ou, mut ov, mut state) = (Vec::new(), Vec::new(), (1.0, 1.0));
    for _ in 0..STEPS {
        state = predator_step(&[1.45, 0.98, 2.9, 1.02], state);
        ou.push(state.0);
        ov.push(state.1);
    }
    let moved = |x: f64, k: usize, j: usize| x * (1.0 + 0.03 * sin(7.0 * k as f64 + 3.0 * j as f64));
    let start = [1.5, 1.0, 3.0, 1.0];
    let point = |k: usize| match points {
        1 => start.to_vec(),
        _ => start.iter().enumerate().map(|(j, x)| moved(*x, k, j)).collect(),
    };
    (b.finish(&[total], 4, 2), vec![ou, ov], (0..points).map(point).collect())
}

fn logistic_map() -> Parts {
    let mut b = Builder::new();
    let of = lowered(&mut b, "l = x\nfor i in range(20):\n    l = 4*l*(1 - l)", &names(&["x"]), &[]);
    let value = scalar(of("l"));
    (b.finish(&[value], 1, 0), Vec::new(), vec![vec![0.3]])
}

/// Inputs: K logits α, K·d means μ, for each component d logarithms of the diagonal of Q and the d(d - 1)/2 numbers
/// below it by columns. Σᵢ logsumexpₖ(αₖ + tr log Qₖ - ½‖Qₖ(xᵢ - μₖ)‖²) - n logsumexp(α) - ½ n d log 2π.
fn mixture(rows: usize, d: usize, components: usize) -> Parts {
    let lower = d * (d - 1) / 2;
    let inputs = components * (1 + d + d + lower);
    let mut b = Builder::new();
    let all: Vec<Value> = (0..inputs).map(|k| b.input(k)).collect();
    let (alphas, rest) = all.split_at(components);
    let (means, factors) = rest.split_at(components * d);
    let x: Vec<Value> = (0..d).map(|j| b.column(j)).collect();
    let mut terms = Vec::new();
    for k in 0..components {
        let (mean, factor) = (&means[k * d..][..d], &factors[k * (d + lower)..][..d + lower]);
        let centred: Vec<Value> = x.iter().zip(mean).map(|(x, m)| b.subtract(*x, *m)).collect();
        let mut image: Vec<Value> = Vec::new();
        for (log, c) in factor.iter().zip(&centred) {
            let diagonal = b.unary(Operator::Exp, *log);
            image.push(b.multiply(diagonal, *c));
        }
        let mut below = factor[d..].iter();
        for (column, c) in centred.iter().enumerate() {
            for sum in &mut image[column + 1..] {
                let product = b.multiply(*below.next().expect("d(d - 1)/2 numbers"), *c);
                *sum = b.add(*sum, product);
            }
        }
        let squares: Vec<Value> = image.iter().map(|v| b.square(*v)).collect();
        let norm = b.total(&squares);
        let half = b.scale(0.5, norm);
        let trace = b.total(&factor[..d]);
        let level = b.add(alphas[k], trace);
        terms.push(b.subtract(level, half));
    }
    let each = log_sum_exp(&mut b, &terms);
    let sum = b.sum(each);
    let weight = log_sum_exp(&mut b, alphas);
    let weights = b.scale(rows as f64, weight);
    let value = b.subtract(sum, weights);
    let value = b.shift(value, -0.5 * (rows * d) as f64 * log(std::f64::consts::TAU));
    let wave = |i: usize, j: usize| 2.0 * sin(12.9898 * i as f64 + 78.233 * j as f64 + 0.5);
    let columns = (0..d).map(|j| (0..rows).map(|i| wave(i, j)).collect()).collect();
    let point = (0..inputs).map(|k| 0.3 * sin(2.1 * k as f64)).collect();
    (b.finish(&[value], inputs, d), columns, vec![point])
}

fn log_sum_exp(b: &mut Builder, terms: &[Value]) -> Value {
    let most = terms[1..].iter().fold(terms[0], |most, term| b.apply(Operator::Maximum, &[most, *term]));
    let mut powers = Vec::new();
    for term in terms {
        let less = b.subtract(*term, most);
        powers.push(b.unary(Operator::Exp, less));
    }
    let sum = b.total(&powers);
    let log = b.unary(Operator::Log, sum);
    b.add(most, log)
}
