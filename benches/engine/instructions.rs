//! Instructions of a value and of gradients, counted under valgrind, beside the recorded ones.
//!
//! Counts do not depend on what else a machine does, so that CI can hold them. They do depend on the compiler and on the
//! processor features that valgrind knows (AVX2, not AVX-512): where those are not the recorded ones, nothing is compared.
//! A count is the difference of two runs of this program, with fewer and more repetitions: what happens before, between
//! and after them cancels.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use sbi_run::diff::{Method, Objective, Options};
use sbi_run::engine::{Level, Workspace};

use crate::problems;

/// Problem, what is counted of it, and repetitions that make more instructions than all else varies by.
const COUNTED: [(&str, &str, u64); 7] = [
    ("a_16", "value", 20_000),
    ("a_16", "reverse", 20_000),
    ("b", "value", 10),
    ("b", "reverse", 10),
    ("c", "value", 200),
    ("c", "forward", 100),
    ("c", "reverse", 100),
];

/// More than this above what was recorded fails.
const SLACK: f64 = 0.05;

/// What the counts were taken with, and each count.
struct Recorded {
    with: String,
    counts: Vec<u64>,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/engine/instructions.csv")
}

/// Compares with the record, or writes it anew; false where there are more instructions than the slack allows.
pub fn check(record: bool) -> bool {
    let now = match count_all() {
        Ok(now) => now,
        Err(reason) => {
            println!("instructions are not counted: {reason}");
            return !record;
        }
    };
    if record {
        let mut text = format!("# {}\nproblem,method,instructions\n", now.with);
        for ((problem, method, _), count) in COUNTED.iter().zip(&now.counts) {
            text += &format!("{problem},{method},{count}\n");
        }
        fs::write(file(), &text).expect("the record can be written");
        print!("{text}");
        return true;
    }
    let again = "`cargo bench --bench engine -- --instructions --record` records anew";
    let Some(before) = read() else {
        println!("instructions are not compared: {} has other lines than are counted; {again}", file().display());
        return true;
    };
    let comparable = before.with == now.with;
    if !comparable {
        println!("instructions are not compared: recorded with {}, counted with {}; {again}", before.with, now.with);
    }
    let mut holds = true;
    for ((problem, method, _), (before, now)) in COUNTED.iter().zip(before.counts.iter().zip(&now.counts)) {
        let change = *now as f64 / *before as f64 - 1.0;
        let above = comparable && change > SLACK;
        holds &= !above;
        let word = match above {
            true => "  more than the slack",
            false if comparable && change < -SLACK => "  fewer: record anew",
            false => "",
        };
        println!("{problem:<6} {method:<8} {before:>10} recorded {now:>10} now {:>+7.2} %{word}", 100.0 * change);
    }
    if !holds {
        println!("at most {:.0} % more are allowed; where they are worth it, {again}", 100.0 * SLACK);
    }
    holds
}

/// The record; None where its lines are not those of `COUNTED`.
fn read() -> Option<Recorded> {
    let text = fs::read_to_string(file()).ok()?;
    let (with, rest) = text.strip_prefix("# ")?.split_once('\n')?;
    let mut lines = rest.lines().skip(1);
    let count = |(problem, method, _): &(&str, &str, u64)| {
        let count = lines.next()?.strip_prefix(&format!("{problem},{method},"))?;
        count.parse().ok().filter(|count| *count > 0)
    };
    let counts = COUNTED.iter().map(count).collect::<Option<Vec<u64>>>()?;
    Some(Recorded { with: with.to_string(), counts })
}

fn count_all() -> Result<Recorded, String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let said = Command::new(&rustc).arg("-vV").output().map_err(|error| format!("{rustc}: {error}"))?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.lines().next().unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let mut level = String::new();
    let mut counts = Vec::new();
    for (problem, method, times) in COUNTED {
        let (_, fewer) = counted(problem, method, 1)?;
        let (used, more) = counted(problem, method, times + 1)?;
        counts.push(more.saturating_sub(fewer) / times);
        level = used;
    }
    Ok(Recorded { with: format!("{version}, {host}, {level}"), counts })
}

/// The level of the engine, and the instructions of the whole process, with so many repetitions.
fn counted(problem: &str, method: &str, times: u64) -> Result<(String, u64), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--repeat", problem, method, &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if done.status.success() => Ok((String::from_utf8_lossy(&done.stdout).trim().to_string(), count)),
        _ => Err(format!("valgrind counted nothing: {}", said.lines().last().unwrap_or("it said nothing"))),
    }
}

/// What runs under valgrind: the value or a gradient of a problem, so many times; prints the engine's level.
pub fn repeat(problem: &str, method: &str, times: u64) {
    let problem = problems::problem(problem);
    let by = if method == "forward" { Method::Forward } else { Method::Reverse };
    let objective = Objective::new(&problem.program, &problem.rows(), by, &Options::default());
    let objective = objective.expect("exact derivatives never fail");
    let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; problem.program.inputs]);
    let point = &problem.points[0];
    for _ in 0..times {
        black_box(match method {
            "value" => objective.value(black_box(point), &mut workspace),
            _ => objective.gradient(black_box(point), &mut workspace, &mut gradient),
        });
    }
    println!("{}", Level::best());
}
