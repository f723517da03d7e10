//! Cost against size: time of a value and of a reverse gradient, and memory beside the data, as rows and parameters grow.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sbi_run::diff::{Method, Objective, Options};
use sbi_run::engine::{Level, Workspace};
use sbi_run::report::plots::curves::{Curve, Panel, svg};

use crate::problems;

/// The system's allocator, with the bytes in use and the most there were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let now = IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every request goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        taken(size);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What grows, and the problems by its size.
const GROWN: [(&str, &str, &[usize]); 2] = [
    ("rows", "a", &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]),
    ("parameters", "sines", &[1, 3, 10, 30, 100, 300, 1_000]),
];

struct Line {
    grown: &'static str,
    rows: usize,
    parameters: usize,
    /// Least seconds.
    value: f64,
    gradient: f64,
    /// Bytes: of the columns, and the most that compilation and evaluation had beside them.
    data: usize,
    beside: usize,
}

impl Line {
    fn size(&self) -> f64 {
        (if self.grown == "rows" { self.rows } else { self.parameters }) as f64
    }
}

/// Measures, prints a table, and leaves `cost_against_size` as CSV, Markdown and SVG in a directory.
pub fn run(directory: Option<&Path>) {
    let lines: Vec<Line> = GROWN
        .iter()
        .flat_map(|(grown, family, sizes)| sizes.iter().map(|size| measure(grown, family, *size)))
        .collect();
    let mut csv = String::from("grown,rows,parameters,value_us,gradient_us,data_bytes,beside_bytes\n");
    let mut table = format!("Least of the samples, {}.\n\n", Level::best());
    table +=
        "| rows | parameters | value / µs | gradient / µs | ns a row and parameter | data / MB | beside it / MB |\n";
    table += "|--:|--:|--:|--:|--:|--:|--:|\n";
    for line in &lines {
        let Line { grown, rows, parameters, value, gradient, data, beside } = line;
        let (value, gradient) = (value * 1e6, gradient * 1e6);
        let each = gradient * 1e3 / (rows * parameters) as f64;
        let [in_data, in_beside] = [*data, *beside].map(|bytes| crate::three(bytes as f64 * 1e-6));
        let _ = writeln!(csv, "{grown},{rows},{parameters},{value:.4},{gradient:.4},{data},{beside}");
        let _ = writeln!(
            table,
            "| {rows} | {parameters} | {} | {} | {} | {in_data} | {in_beside} |",
            crate::three(value),
            crate::three(gradient),
            crate::three(each)
        );
    }
    print!("{table}");
    if let Some(directory) = directory {
        fs::create_dir_all(directory).expect("the directory can be made");
        let keep = |name: &str, text: &str| fs::write(directory.join(name), text).expect("the file can be written");
        keep("cost_against_size.csv", &csv);
        keep("cost_against_size.md", &table);
        keep("cost_against_size.svg", &picture(&lines));
    }
}

fn measure(grown: &'static str, family: &str, size: usize) -> Line {
    let problem = problems::problem(&format!("{family}_{size}"));
    let rows = problem.rows();
    let before = IN_USE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let objective = Objective::new(&problem.program, &rows, Method::Reverse, &Options::default());
    let objective = objective.expect("reverse mode never fails");
    let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; problem.program.inputs]);
    let point = &problem.points[0];
    let (value_time, _) = crate::time(&mut || {
        black_box(objective.value(black_box(point), &mut workspace));
    });
    let (gradient_time, _) = crate::time(&mut || {
        black_box(objective.gradient(black_box(point), &mut workspace, &mut gradient));
    });
    let line = Line {
        grown,
        rows: problem.count(),
        parameters: point.len(),
        value: value_time,
        gradient: gradient_time,
        data: 8 * problem.count() * problem.columns.len(),
        beside: MOST.load(Ordering::Relaxed) - before,
    };
    eprintln!("{grown:<10} {size:>9} {:>14.3} µs {:>14.3} µs", line.value * 1e6, line.gradient * 1e6);
    line
}

fn picture(lines: &[Line]) -> String {
    let curve = |grown: &str, label: &'static str, colour: usize, of: fn(&Line) -> f64| Curve {
        label,
        colour,
        points: lines.iter().filter(|line| line.grown == grown).map(|line| (line.size(), of(line))).collect(),
    };
    let times = |grown: &'static str| Panel {
        x_label: grown,
        y_label: "time / µs",
        curves: vec![
            curve(grown, "value", 0, |line| line.value * 1e6),
            curve(grown, "reverse gradient", 1, |line| line.gradient * 1e6),
        ],
    };
    let memory = |grown: &'static str| Panel {
        x_label: grown,
        y_label: "memory / MB",
        curves: vec![
            curve(grown, "data", 2, |line| line.data as f64 * 1e-6),
            curve(grown, "all else", 3, |line| line.beside as f64 * 1e-6),
        ],
    };
    svg(&[times("rows"), memory("rows"), times("parameters"), memory("parameters")])
}
