//! What is shown while runs go on: bars on a terminal, lines elsewhere, failures by name, nothing when quiet.

use std::process::{Command, Stdio};

use crate::laws::CASE;
use crate::tool::Lab;

/// Some runs have no answer: the first start of every optimizer and method lies where the model is not a number.
fn lab() -> Lab {
    let lab = Lab::with_shipped();
    let text = CASE.replace("background + a1", "0*sqrt(25 - background) + background + a1");
    lab.write("case.toml", text.replace("\"uniform(0, 50)\"", "{ prior = \"uniform(0, 50)\", start = 40 }"));
    lab
}

#[test]
fn lines_count_runs_and_name_failures_and_quiet_is_quiet() {
    let lab = lab();
    let ran = lab.run(&["case.toml"]).ends(1);
    let runs = lab.table("results/case/runs.csv");
    let mut failed = 0;
    for row in 0..runs.rows.len() {
        let of = |column: &str| runs.column(column)[row];
        if of("status") == "failed" {
            failed += 1;
            let what = format!("{} {}", of("optimizer"), of("differentiation"));
            let line = format!("case: run {} failed: {}: {}", of("run"), what.trim(), of("reason"));
            assert!(ran.err.contains(&line), "{line} not in\n{}", ran.err);
        }
    }
    assert!(failed > 0 && ran.err.matches("failed: ").count() == failed, "{}", ran.err);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("case: 30/30 runs in ") && last.ends_with(&format!(", {failed} failed")), "{last}");
    let quiet = lab.run(&["case.toml", "--fresh", "--quiet"]).ends(1);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn a_terminal_shows_a_bar_the_time_left_and_what_runs_longest() {
    let there = Command::new("script").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: no `script` here, which would make a terminal");
        return;
    }
    let lab = lab();
    lab.write("case.toml", lab.read("case.toml").replace("evaluations = 3000", "evaluations = 30000"));
    let line = format!("{} case.toml", env!("CARGO_BIN_EXE_sbi-run"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "screen"]).current_dir(lab.path("")).stdin(Stdio::null());
    let output = command.output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{seen}");
    for part in ["/30 runs", "runs/s", " left", "longest running: ", "case: run 0 failed: lbfgs", "█", "░"] {
        assert!(seen.contains(part), "no {part:?} in\n{seen}");
    }
}
