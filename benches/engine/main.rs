//! Value and gradient of every method on the problems of the comparison, beside loops written by hand.
//!
//! `cargo bench --bench engine -- [WORD] [--out DIR]`: one problem, or those problems and methods
//! whose names hold the word; tables as Markdown to the terminal, and to `DIR/engine.csv` and `DIR/engine.md`. `--data DIR` writes the
//! problems' data for the peers instead. `--instructions` counts instructions under valgrind and compares them with
//! `instructions.csv`; with `--record` it writes that file anew. `--sizes [--out DIR]` measures cost against size.

mod instructions;
mod native;
mod problems;
mod sizes;

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use problems::Problem;
use sbi_run::diff::{Method, Objective, Options};
use sbi_run::engine::{Level, Rows, Workspace};
use sbi_run::execute::Threads;

/// The problems of the comparison.
const NAMES: [&str; 12] = [
    "a_16",
    "a_1e3",
    "a_1e6",
    "ab",
    "b",
    "c",
    "c16",
    "d",
    "gmm_1e3_d2_k5",
    "gmm_1e4_d2_k25",
    "gmm_1e3_d10_k5",
    "gmm_1e3_d10_k25",
];

const METHODS: [(&str, Method); 6] = [
    ("forward_difference", Method::ForwardDifference),
    ("central_difference", Method::CentralDifference),
    ("complex_step", Method::ComplexStep),
    ("symbolic", Method::Symbolic),
    ("forward", Method::Forward),
    ("reverse", Method::Reverse),
];

/// Inputs beyond which only reverse mode is measured: the cost of the others grows with their number.
const MANY: usize = 200;

/// What was measured of one method on one problem: seconds of one evaluation of the whole problem, the least and the
/// middle of the samples.
struct Line {
    problem: String,
    method: String,
    least: f64,
    middle: f64,
    compile: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let option = |name: &str| arguments.iter().position(|word| word == name).and_then(|at| arguments.get(at + 1));
    let word = arguments.first().filter(|word| !word.starts_with("--"));
    if let Some(directory) = option("--data") {
        NAMES.iter().for_each(|name| write_data(&problems::problem(name), Path::new(directory)));
        return;
    }
    if let [command, problem, method, times] = &arguments[..]
        && command == "--repeat"
    {
        instructions::repeat(problem, method, times.parse().expect("a number of repetitions"));
        return;
    }
    if arguments.iter().any(|argument| argument == "--instructions") {
        let holds = instructions::check(arguments.iter().any(|argument| argument == "--record"));
        std::process::exit(if holds { 0 } else { 1 });
    }
    if arguments.iter().any(|argument| argument == "--sizes") {
        sizes::run(option("--out").map(Path::new));
        return;
    }
    let threads = option("--threads").map_or(1, |number| number.parse().expect("a number of threads"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
    let mut lines: Vec<Line> = Vec::new();
    for name in NAMES {
        // The name of a problem is that problem alone; any other word is sought in names and methods.
        let wanted = |method: &str| match word {
            Some(word) if NAMES.contains(&word.as_str()) => name == word,
            Some(word) => format!("{name} {method}").contains(word.as_str()),
            None => true,
        };
        if METHODS.iter().any(|(method, _)| wanted(method)) || wanted("value") || wanted("native") {
            pool.install(|| measure(&problems::problem(name), wanted, threads, &mut lines));
        }
    }
    let (csv, table) = (csv(&lines), markdown(&lines));
    print!("{table}");
    if let Some(directory) = option("--out") {
        fs::create_dir_all(directory).expect("the directory can be made");
        fs::write(Path::new(directory).join("engine.csv"), csv).expect("the file can be written");
        fs::write(Path::new(directory).join("engine.md"), table).expect("the file can be written");
    }
}

fn objective(problem: &Problem, rows: &Rows, method: Method) -> Result<Objective, String> {
    Objective::new(&problem.program, rows, method, &Options::default())
}

fn measure(problem: &Problem, wanted: impl Fn(&str) -> bool + Send, threads: usize, lines: &mut Vec<Line>) {
    let rows = problem.rows();
    let inputs = problem.program.inputs;
    let mut workspace = Workspace::default();
    if threads > 1 {
        workspace.lend(Some(&Threads));
    }
    let mut line = |method: &str, compile: f64, f: &mut dyn FnMut()| {
        let (least, middle) = time(f);
        eprintln!("{:<16} {method:<20} {:>12.3} µs", problem.name, least * 1e6);
        lines.push(Line { problem: problem.name.clone(), method: method.into(), least, middle, compile });
    };
    let exact = objective(problem, &rows, Method::Reverse).expect("reverse mode never fails");
    let mut expected = vec![0.0; problem.points.len() * (inputs + 1)];
    for (point, out) in problem.points.iter().zip(expected.chunks_mut(inputs + 1)) {
        out[0] = exact.gradient(point, &mut workspace, &mut out[1..]);
    }
    if let Some(native) = native::native(&problem.name).filter(|_| wanted("native")) {
        let mut out = vec![0.0; expected.len()];
        native(problem, Level::best(), &mut out);
        compare(&problem.name, "native", &out, &expected, 1e-9);
        line("native", 0.0, &mut || native(black_box(problem), Level::best(), black_box(&mut out)));
    }
    if wanted("value") {
        let mut sum = 0.0;
        line("value", 0.0, &mut || {
            sum += exact.values(black_box(&problem.points), &mut workspace)[0];
        });
        black_box(sum);
    }
    for (name, method) in METHODS.into_iter().filter(|(name, _)| wanted(name)) {
        if inputs > MANY && method != Method::Reverse {
            continue;
        }
        let build = || objective(problem, &rows, method);
        let found = match build() {
            Ok(found) => found,
            Err(why) => {
                eprintln!("{:<16} {name:<20} {why}", problem.name);
                continue;
            }
        };
        let compile = time(&mut || drop(black_box(build()))).0;
        let mut out = vec![0.0; expected.len()];
        let mut all = || match &problem.points[..] {
            [point] => out[0] = found.gradient(black_box(point), &mut workspace, &mut out[1..]),
            points => found.gradients(black_box(points), &mut workspace, &mut out),
        };
        line(name, compile, &mut all);
        // The logistic map is chaotic: differences of its twentieth iterate have no correct digit.
        match method {
            Method::ForwardDifference | Method::CentralDifference if problem.name == "d" => {}
            Method::ForwardDifference | Method::CentralDifference => {
                compare(&problem.name, name, &out, &expected, 1e-3);
            }
            _ => compare(&problem.name, name, &out, &expected, 1e-9),
        }
    }
}

/// Every number within a tolerance of the largest component.
fn compare(problem: &str, method: &str, out: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (x, exact) in out.iter().zip(expected) {
        assert!((x - exact).abs() <= tolerance * scale, "{problem} {method}: {x} and not {exact}");
    }
}

/// The least and the middle of samples of at least half a millisecond each, for a quarter of a second.
fn time(f: &mut dyn FnMut()) -> (f64, f64) {
    f();
    let mut repeats = 1u32;
    loop {
        let start = Instant::now();
        (0..repeats).for_each(|_| f());
        let taken = start.elapsed();
        if taken > Duration::from_micros(500) || repeats > 1 << 20 {
            break;
        }
        repeats *= 2;
    }
    let end = Instant::now() + Duration::from_millis(250);
    let mut samples = Vec::new();
    while samples.len() < 5 || (Instant::now() < end && samples.len() < 400) {
        let start = Instant::now();
        (0..repeats).for_each(|_| f());
        samples.push(start.elapsed().as_secs_f64() / f64::from(repeats));
    }
    samples.sort_by(f64::total_cmp);
    (samples[0], samples[samples.len() / 2])
}

fn csv(lines: &[Line]) -> String {
    let mut text = String::from("problem,method,least_us,median_us,compile_us\n");
    for Line { problem, method, least, middle, compile } in lines {
        let _ = writeln!(text, "{problem},{method},{:.4},{:.4},{:.2}", least * 1e6, middle * 1e6, compile * 1e6);
    }
    text
}

/// Microseconds of each method, and for each problem the ratios that have goals.
fn markdown(lines: &[Line]) -> String {
    let columns = ["native", "value"].into_iter().chain(METHODS.iter().map(|(name, _)| *name));
    let columns: Vec<&str> = columns.collect();
    let of = |problem: &str, method: &str| lines.iter().find(|l| l.problem == problem && l.method == method);
    let mut text = format!("Least microseconds of an evaluation, {}.\n\n| problem |", Level::best());
    columns.iter().for_each(|name| text += &format!(" {name} |"));
    text += " best / native | reverse / value | compile, reverse |\n|---|";
    text += &"--:|".repeat(columns.len() + 3);
    for name in NAMES.iter().filter(|name| lines.iter().any(|line| line.problem == **name)) {
        let _ = write!(text, "\n| {name} |");
        for column in &columns {
            let cell = of(name, column).map_or("–".into(), |line| three(line.least * 1e6));
            let _ = write!(text, " {cell} |");
        }
        let exact = ["symbolic", "forward", "reverse"].iter().filter_map(|method| of(name, method));
        let best = exact.map(|line| line.least).reduce(f64::min);
        let ratio = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or("–".into(), |(a, b)| three(a / b));
        let least = |method: &str| of(name, method).map(|line| line.least);
        let compile = of(name, "reverse").map_or("–".into(), |line| three(line.compile * 1e6));
        let native = ratio(best, least("native"));
        let _ = write!(text, " {native} | {} | {compile} |", ratio(least("reverse"), least("value")));
    }
    text + "\n"
}

/// Three significant digits.
fn three(x: f64) -> String {
    let places = if x >= 100.0 {
        0
    } else if x >= 10.0 {
        1
    } else if x >= 1.0 {
        2
    } else {
        3
    };
    format!("{x:.places$}")
}

/// Columns, points and the reverse gradient, as little-endian doubles with the sizes in front: rows, columns, points,
/// inputs.
fn write_data(problem: &Problem, directory: &Path) {
    fs::create_dir_all(directory).expect("the directory can be made");
    let sizes = [problem.count(), problem.columns.len(), problem.points.len(), problem.program.inputs];
    let mut numbers: Vec<f64> = sizes.iter().map(|size| *size as f64).collect();
    problem.columns.iter().for_each(|column| numbers.extend(column));
    problem.points.iter().for_each(|point| numbers.extend(point));
    let exact = objective(problem, &problem.rows(), Method::Reverse).expect("reverse mode never fails");
    for point in &problem.points {
        let mut gradient = vec![0.0; point.len()];
        numbers.push(exact.gradient(point, &mut Workspace::default(), &mut gradient));
        numbers.extend(gradient);
    }
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(directory.join(format!("{}.f64", problem.name)), bytes).expect("the file can be written");
}
