//! Cost of a gradient over the cost of the value, for every method, on every shipped experiment and with 1 to 1000 parameters.
//!
//! `cargo bench --bench gradient [WORD]` measures what has WORD in its name. Each number is the median of samples that
//! take turns between value and gradient, so that what else the machine does meets both alike. A star marks what is above
//! the bounds: 4 for reverse mode with 10 parameters or more, 1 + 1.5 n for forward mode.

use std::time::{Duration, Instant};

use sbi_run::catalog::CATALOG;
use sbi_run::diff::{METHODS, Method, Objective, Options};
use sbi_run::engine::{Rows, Workspace};
use sbi_run::ir::Program;

#[path = "engine/problems.rs"]
mod problems;
mod shipped;
use shipped::shipped;

/// Samples of each number.
const SAMPLES: usize = 21;

/// A sample repeats its work for at least so long.
const SAMPLE: Duration = Duration::from_micros(200);

/// A gradient that takes longer is measured in fewer samples.
const PATIENCE: Duration = Duration::from_millis(100);

struct Problem {
    name: String,
    program: Program,
    rows: Rows,
    point: Vec<f64>,
}

fn experiments(only: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, path) in shipped() {
        if !name.contains(only) {
            continue;
        }
        let (experiment, _) = sbi_run::experiment::read(&path, &[], &CATALOG).expect("an experiment");
        let model = sbi_run::model::compile(&experiment).expect("a model");
        let point = model.start(&experiment);
        problems.push(Problem { name, program: model.loss, rows: model.rows, point });
    }
    problems
}

fn family(n: usize) -> Problem {
    let problem = problems::problem(&format!("sines_{n}"));
    let rows = problem.rows();
    Problem { name: problem.name, program: problem.program, rows, point: problem.points[0].clone() }
}

fn timed(f: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// Seconds of each of the calls, medians of samples taken in turn.
fn medians(calls: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let repeats: Vec<u32> = calls
        .iter_mut()
        .map(|call| {
            call();
            let once = timed(*call).max(Duration::from_nanos(20));
            (SAMPLE.as_nanos() / once.as_nanos()) as u32 + 1
        })
        .collect();
    let mut samples = vec![Vec::new(); calls.len()];
    let start = Instant::now();
    for sample in 0..SAMPLES {
        for (k, call) in calls.iter_mut().enumerate() {
            let all = timed(&mut || (0..repeats[k]).for_each(|_| call()));
            samples[k].push(all.as_secs_f64() / f64::from(repeats[k]));
        }
        if sample >= 4 && start.elapsed() > PATIENCE * 10 {
            break;
        }
    }
    let median = |samples: &mut Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    samples.iter_mut().map(median).collect()
}

/// The cell of a method: gradient over value.
fn ratio(problem: &Problem, name: &str) -> (f64, String) {
    let method = Method::named(name).expect("a row is a method");
    let Ok(objective) = Objective::new(&problem.program, &problem.rows, method, &Options::default()) else {
        return (f64::NAN, "too large".into());
    };
    let n = problem.point.len();
    let (mut first, mut second) = (Workspace::default(), Workspace::default());
    let mut gradient = vec![0.0; n];
    let mut value_of = || _ = std::hint::black_box(objective.value(&problem.point, &mut first));
    let mut gradient_of = || _ = std::hint::black_box(objective.gradient(&problem.point, &mut second, &mut gradient));
    let times = medians(&mut [&mut value_of, &mut gradient_of]);
    let ratio = times[1] / times[0];
    let bound = match method {
        Method::Reverse if n >= 10 => 4.0,
        Method::Forward => 1.0 + 1.5 * n as f64,
        _ => f64::INFINITY,
    };
    (times[0], format!("{ratio:.2}{}", if ratio > bound { "*" } else { "" }))
}

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let mut problems = experiments(&only);
    problems
        .extend([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map(family).into_iter().filter(|p| p.name.contains(&only)));
    let methods: Vec<&str> = METHODS.iter().map(|kind| kind.name).collect();
    println!("| model | n | rows | value | {} |", methods.join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(methods.len()));
    for problem in &problems {
        let cells: Vec<(f64, String)> = methods.iter().map(|name| ratio(problem, name)).collect();
        let value = cells.iter().map(|cell| cell.0).fold(f64::INFINITY, f64::min);
        let ratios: Vec<&str> = cells.iter().map(|cell| cell.1.as_str()).collect();
        println!(
            "| {} | {} | {} | {:.2} µs | {} |",
            problem.name,
            problem.point.len(),
            problem.rows.count(),
            value * 1e6,
            ratios.join(" | ")
        );
    }
}
