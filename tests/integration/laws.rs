//! Laws of a run: the same numbers for any number of threads and after any interruption; a run that fails is a row.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sbi_run::catalog::CATALOG;
use sbi_run::execute::{self, Event, Limits, Prepared};
use sbi_run::experiment::{self, Written};
use sbi_run::record::Status;
use sbi_run::{model, plan};

use crate::tool::{Lab, Table};

/// Everything that is a function of the experiment, but for the columns of time.
pub const FILES: [&str; 11] = [
    "runs.csv",
    "derivatives.csv",
    "intervals.csv",
    "comparison.csv",
    "ecdf.csv",
    "targets.csv",
    "trace.csv",
    "predictions.csv",
    "plan.csv",
    "resolved.toml",
    "experiment.toml",
];

/// Gradient and population methods, axes, intervals and derivatives of real counts, in little time.
pub const CASE: &str = r#"
seed = 3
[data]
file    = "data/silver_decay.csv"
columns = { t = "time_s", counts = "counts" }
[simulator]
kind = "formula"
outputs.counts = "background + a1*exp(-t/tau1) + a2*exp(-t/tau2)"
[parameters]
background = "uniform(0, 50)"
a1         = "log_uniform(100, 10000)"
a2         = "log_uniform(10, 1000)"
tau1       = "uniform(5, 80)"
tau2       = "uniform(80, 600)"
[loss]
kind = "poisson"
[differentiation]
methods = ["forward_difference", "symbolic", "reverse"]
compare = { points = 5 }
[[optimizer]]
method = "lbfgs"
[[optimizer]]
method = "nelder_mead"
[[optimizer]]
method = "differential_evolution"
[budget]
evaluations = 3000
[intervals]
methods = ["fisher", "hessian"]
[sweep]
repeats = 3
[sweep.axes]
"differentiation.step" = [1e-5, 1e-7]
"#;

fn is_time(column: &str) -> bool {
    column.ends_with("_ns") || column.starts_with("seconds") || column == "cost_ratio"
}

/// The bytes of each file in `FILES`, tables with columns of time without those.
pub fn results(lab: &Lab, folder: &str) -> Vec<(&'static str, String)> {
    FILES.into_iter().map(|name| (name, untimed(lab, &format!("{folder}/{name}")))).collect()
}

/// The bytes of a file; of a table with columns of time, without those.
pub fn untimed(lab: &Lab, name: &str) -> String {
    let text = lab.read(name);
    let timed = text.lines().next().is_some_and(|header| header.split(',').any(is_time));
    if timed { format!("{:?}", Table::read(&text).without(is_time)) } else { text }
}

#[track_caller]
pub fn assert_same(one: &[(&str, String)], other: &[(&str, String)]) {
    for ((name, a), (_, b)) in one.iter().zip(other) {
        assert!(a.len() > 20, "{name} is empty");
        let line = a.lines().zip(b.lines()).find(|(a, b)| a != b);
        assert!(a == b, "{name} differs: {line:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    lab.run(&["case.toml", "--out", "one", "--threads", "1", "--quiet"]).ends(0);
    lab.run(&["case.toml", "--out", "two", "--threads", "2", "--quiet"]).ends(0);
    assert_same(&results(&lab, "one/case"), &results(&lab, "two/case"));
    let timings = [lab.table("one/case/timings.csv"), lab.table("two/case/timings.csv")];
    assert_eq!(timings.map(|table| table.column("threads")[0].to_string()), ["1", "2"]);
}

/// A decay seen at so many times, its optimizers and their budget added to it.
pub fn decay(rows: usize, rest: &str) -> String {
    format!(
        r#"
seed = 3
[data.synthetic]
inputs = {{ t = {{ from = 0, to = 10, count = {rows} }} }}
truth  = {{ a = 20, k = 0.5, c = 1 }}
noise  = {{ y = "normal(y, 1)" }}
[simulator]
kind = "formula"
outputs.y = "a*exp(-k*t) + c"
[parameters]
a = "uniform(0, 50)"
k = "uniform(0, 5)"
c = "uniform(-5, 5)"
[loss]
kind = "least_squares"
{rest}"#
    )
}

/// A plan of one run: its population is shared among the threads.
fn alone(method: &str) -> String {
    decay(3000, &format!("[[optimizer]]\nmethod = \"{method}\"\n[budget]\nevaluations = 1500\n"))
}

#[test]
fn a_population_that_is_shared_among_threads_changes_nothing() {
    for row in CATALOG.optimizers.iter().filter(|row| row.population) {
        let lab = Lab::with_shipped();
        lab.write("alone.toml", alone(row.kind.name));
        lab.run(&["alone.toml", "--out", "one", "--threads", "1", "--quiet"]).ends(0);
        lab.run(&["alone.toml", "--out", "three", "--threads", "3", "--quiet"]).ends(0);
        for name in ["runs.csv", "trace.csv", "intervals.csv"] {
            let [one, three] = ["one", "three"].map(|folder| lab.read(&format!("{folder}/alone/{name}")));
            assert!(one.len() > 60 && one == three, "{}: {name}", row.kind.name);
        }
    }
}

/// Interrupted by Ctrl-C in the middle, gone on with by the same command: the same files as in one go.
#[cfg(unix)]
#[test]
fn interruption_changes_nothing() {
    use std::process::Command;
    use std::time::{Duration, Instant};
    let lab = Lab::with_shipped();
    // Long enough to be caught in the middle: thousands of generations.
    let long = CASE.replace("evaluations = 3000", "evaluations = 60000").replace("repeats = 3", "repeats = 12");
    let long = long.replace("method = \"differential_evolution\"", "method = \"genetic\"");
    lab.write("case.toml", &long);
    let arguments = ["case.toml", "--out", "cut", "--threads", "2"];
    let mut child = lab.command(&arguments);
    let child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let journal = lab.path("cut/case/journal.jsonl");
    let begun = Instant::now();
    // The first of its records: then the slow runs are still to come.
    while std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run ended in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("the same command goes on from there"), "{said}");
    let done = lab.table("cut/case/runs.csv").rows.len();
    let all = lab.table("cut/case/plan.csv").rows.len();
    assert!(done > 0 && done < all, "{done} of {all} runs were done");
    lab.run(&arguments).ends(0);
    lab.run(&["case.toml", "--out", "whole", "--threads", "1", "--quiet"]).ends(0);
    assert_same(&results(&lab, "cut/case"), &results(&lab, "whole/case"));
}

/// Several experiments at once: the same results as one by one, and a comparison over all of them.
#[test]
fn a_suite_has_a_comparison_of_its_own() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    lab.write("other.toml", alone("genetic"));
    let said = lab.run(&["case.toml", "other.toml", "--out", "both"]).ends(0).out;
    assert!(said.contains("2 experiments") && said.contains("both/comparison.csv"), "{said}");
    lab.run(&["case.toml", "--out", "one", "--quiet"]).ends(0);
    assert_same(&results(&lab, "both/case"), &results(&lab, "one/case"));
    let suite = lab.table("both/comparison.csv");
    let parts: Vec<Table> = ["case", "other"].map(|name| lab.table(&format!("both/{name}/comparison.csv"))).into();
    assert_eq!(suite.rows.len(), parts[0].rows.len() + parts[1].rows.len());
    assert_eq!(suite.column("experiment").iter().filter(|name| **name == "other").count(), 1);
    for column in ["loss_best", "work_to_target", "best_probability", "success_upper"] {
        let apart: Vec<&str> = parts.iter().flat_map(|part| part.column(column)).collect();
        assert_eq!(suite.column(column), apart, "{column}");
    }
    assert!(suite.column("axes")[0].starts_with("differentiation.step = "));
    assert!(!lab.path("one/comparison.csv").exists(), "one experiment is no suite");
}

/// What was resolved is the experiment: run again, it gives the same runs.
#[test]
fn the_resolved_experiment_gives_the_same_runs() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    lab.run(&["case.toml", "--out", "first", "--quiet"]).ends(0);
    lab.run(&["first/case/resolved.toml", "--out", "second", "--quiet"]).ends(0);
    assert_eq!(lab.read("first/case/runs.csv"), lab.read("second/resolved/runs.csv"));
    assert_eq!(lab.read("first/case/intervals.csv"), lab.read("second/resolved/intervals.csv"));
}

/// A second time, nothing is left to do, and nothing changes; `--fresh` begins anew, and says where the old results are.
#[test]
fn a_finished_experiment_is_not_run_again() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    lab.run(&["case.toml", "--out", "r", "--quiet"]).ends(0);
    let (first, journal, timings) =
        (results(&lab, "r/case"), lab.read("r/case/journal.jsonl"), lab.read("r/case/timings.csv"));
    lab.run(&["case.toml", "--out", "r"]).ends(0);
    assert_same(&first, &results(&lab, "r/case"));
    assert_eq!(journal, lab.read("r/case/journal.jsonl"));
    assert_eq!(timings, lab.read("r/case/timings.csv"), "not one run was timed again");
    lab.run(&["case.toml", "--out", "r", "--fresh", "--quiet"]).ends(0);
    assert_same(&first, &results(&lab, "r/case"));
    let folders = std::fs::read_dir(lab.path("r")).unwrap().count();
    assert_eq!(folders, 2, "the old results are aside");
}

/// A model that is nowhere a number: every run is a row that says so, the tool says so and ends with 1.
#[test]
fn runs_without_an_answer_are_rows() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE.replace("background + a1", "sqrt(-1 - background) + a1"));
    let ran = lab.run(&["case.toml", "--out", "r"]).ends(1);
    let runs = lab.table("r/case/runs.csv");
    assert_eq!(runs.rows.len(), lab.table("r/case/plan.csv").rows.len());
    assert!(runs.column("status").iter().all(|status| *status == "failed"), "{runs:?}");
    assert!(runs.column("reason").iter().all(|reason| reason.len() > 10), "{runs:?}");
    assert!(runs.column("loss").iter().all(|loss| loss.is_empty()));
    assert!(ran.out.contains("failed"), "{}", ran.out);
    // Whole reports, though there is nothing to show.
    for name in FILES {
        lab.read(&format!("r/case/{name}"));
    }
    // A failed run is done: only `--retry` runs it again.
    let journal = lab.read("r/case/journal.jsonl");
    let again = lab.run(&["case.toml", "--out", "r"]).ends(1);
    assert!(again.err.contains("failed runs stay as they are (30); `--retry` runs them again"), "{}", again.err);
    assert_eq!(journal, lab.read("r/case/journal.jsonl"));
    lab.run(&["case.toml", "--out", "r", "--quiet", "--retry"]).ends(1);
    assert!(lab.read("r/case/journal.jsonl").len() > journal.len());
}

/// A start where the model is not a number fails; the others go on.
#[test]
fn one_failed_run_does_not_stop_the_others() {
    let lab = Lab::with_shipped();
    // Half of the box has no answer, and so has the start of the first repeat.
    let text = CASE.replace("background + a1", "0*sqrt(25 - background) + background + a1");
    let text = text.replace("\"uniform(0, 50)\"", "{ prior = \"uniform(0, 50)\", start = 40 }");
    lab.write("case.toml", text);
    lab.run(&["case.toml", "--out", "r", "--quiet"]).ends(1);
    let runs = lab.table("r/case/runs.csv");
    let statuses = runs.column("status");
    let failed = statuses.iter().filter(|status| **status == "failed").count();
    assert!(failed >= 1 && failed < statuses.len(), "{statuses:?}");
    assert_eq!(runs.rows.len(), lab.table("r/case/plan.csv").rows.len());
}

/// A bug in one run is a row; the other runs go on.
#[test]
fn a_panic_is_a_row() {
    let lab = Lab::with_shipped();
    lab.write("case.toml", CASE);
    let path = lab.path("case.toml");
    let (experiment, _) = experiment::read(&path, &[], &CATALOG).unwrap();
    let plan = plan::lay_out(&Written::open(&path, &[]).unwrap(), &experiment, &CATALOG).unwrap();
    // No room for the programs of three methods: a fault that no experiment file can cause.
    let prepare = |variant| Arc::new(Prepared::new(model::compile(&plan.experiment(variant)).unwrap().into(), 0));
    let wanted: Vec<usize> = (0..plan.len()).collect();
    let records = Mutex::new(Vec::new());
    execute::execute(&plan, &prepare, &wanted, &Limits::default(), &AtomicBool::new(false), &|event| {
        if let Event::Finished(run, record) = event {
            records.lock().unwrap().push((run.index, record.clone()));
        }
    });
    let records = records.into_inner().unwrap();
    assert_eq!(records.len(), plan.len());
    let panicked = records.iter().filter(|(_, record)| record.reason.starts_with("panic: ")).count();
    let fine = records.iter().filter(|(_, record)| record.status != Status::Failed).count();
    assert!(panicked > 0 && fine > 0 && panicked + fine == records.len(), "{panicked} panicked, {fine} are fine");
}
