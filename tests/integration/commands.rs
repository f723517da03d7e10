//! The commands as a user types them: what they print, where, and with which exit code they end.

use crate::tool::{Lab, Table, repository, updates_expected};

const SMALL: &str = r#"
title = "Small"
[data]
file    = "data/thorium_deposit.csv"
columns = { t = "time_h", y = "relative_current" }
[simulator]
kind = "formula"
outputs.y = "amplitude*exp(-rate*t)"
[parameters]
amplitude = "uniform(50, 200)"
rate      = "log_uniform(0.001, 1)"
[loss]
kind = "least_squares"
[differentiation]
methods = ["forward", "reverse"]
[[optimizer]]
method = "lbfgs"
[[optimizer]]
method = "nelder_mead"
"#;

fn lab() -> Lab {
    let lab = Lab::with_shipped();
    lab.write("small.toml", SMALL);
    lab
}

#[test]
fn run_needs_not_be_said() {
    let lab = lab();
    lab.run(&["small.toml"]).ends(0);
    lab.run(&["run", "small.toml", "--out", "said"]).ends(0);
    assert_eq!(lab.read("results/small/runs.csv"), lab.read("said/small/runs.csv"));
    let several = lab.run(&["small.toml", "experiments/thorium_deposit.toml", "--out", "two"]).ends(0);
    assert!(several.out.contains("Small") && several.out.contains("thorium"), "{}", several.out);
    lab.read("two/thorium_deposit/runs.csv");
    lab.write("other/small.toml", SMALL.replace("data/", "../data/"));
    let ran = lab.run(&["small.toml", "other/small.toml"]).ends(2);
    assert!(ran.err.contains("would both write to `results/small`"), "{}", ran.err);
}

/// What is promised in a results folder is there, each file whole.
#[test]
fn a_results_folder_is_complete() {
    let lab = lab();
    lab.run(&["experiments/half_life.toml", "--set", "sweep.repeats=2", "--quiet"]).ends(0);
    let columns = [
        (
            "runs.csv",
            "run,optimizer,differentiation,repeat,status,reason,loss,evaluations,gradients,iterations,background,a1,a2,half_life_1,half_life_2",
        ),
        (
            "comparison.csv",
            "optimizer,differentiation,runs,converged,loss_best,loss_median,error_median,digits_median,evaluations_median,gradients_median,seconds_median,seconds_to_target,cost_ratio,reached,success,success_lower,success_upper,work_median,evaluations_to_target,work_to_target,best_probability,lre_parameters,lre_standard_errors,lre_loss,target,answer",
        ),
        ("ecdf.csv", "optimizer,differentiation,share,evaluations,work,seconds"),
        (
            "targets.csv",
            "optimizer,differentiation,precision,loss,runs,reached,evaluations_to_target,work_to_target,seconds_to_target",
        ),
        (
            "derivatives.csv",
            "differentiation,point,parameters,outputs,step,max_relative_error,median_relative_error,digits,value_ns,gradient_ns,cost_ratio,operations,expression_nodes",
        ),
        ("intervals.csv", "run,parameter,method,level,estimate,standard_error,lower,upper,reference,covered"),
        ("trace.csv", "run,iteration,evaluations,gradients,loss,gradient_norm"),
        ("predictions.csv", "t,observed,sigma,predicted,residual"),
        ("timings.csv", "run,seconds,seconds_per_evaluation,threads,host,cpu"),
        ("plan.csv", "run,optimizer,differentiation,repeat,identity"),
    ];
    for (name, header) in columns {
        let text = lab.read(&format!("results/half_life/{name}"));
        assert_eq!(text.split("\r\n").next(), Some(header), "{name}");
        assert!(Table::read(&text).rows.len() > 1, "{name} has no rows");
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "{name}: ends of lines");
    }
    for name in ["fit.svg", "convergence.svg", "accuracy_cost.svg", "comparison.svg", "intervals.svg", "ecdf.svg"] {
        let text = lab.read(&format!("results/half_life/{name}"));
        assert!(text.contains("<svg") && text.trim_end().ends_with("</svg>"), "{name}");
    }
    let page = lab.read("results/half_life/report.html");
    assert!(page.contains("Half-lives of Ag-108") && page.trim_end().ends_with("</html>"));
    for outside in ["src=\"http", "href=\"http", "@import", "<script src"] {
        assert!(!page.contains(outside), "the page is not self-contained: {outside}");
    }
    serde_json::from_str::<serde_json::Value>(&lab.read("results/half_life/provenance.json")).unwrap();
    assert_eq!(lab.read("results/half_life/experiment.toml"), lab.read("experiments/half_life.toml"));
}

#[test]
fn set_replaces_any_value_with_the_same_checks() {
    let lab = lab();
    lab.run(&["small.toml", "--set", "sweep.repeats=4", "--set", "parameters.rate=uniform(0.01, 0.2)"]).ends(0);
    let runs = lab.table("results/small/runs.csv");
    assert_eq!(runs.only("optimizer", "lbfgs").rows.len(), 8);
    let ran = lab.run(&["small.toml", "--set", "sweep.repaets=4"]).ends(2);
    assert!(ran.err.contains("did you mean `repeats`?"), "{}", ran.err);
    let ran = lab.run(&["small.toml", "--set", "sweep.repeats"]).ends(2);
    assert!(ran.err.contains("PATH=VALUE"), "{}", ran.err);
}

#[test]
fn plan_lists_the_runs_and_runs_nothing() {
    let lab = lab();
    let ran = lab.run(&["plan", "small.toml", "--set", "sweep.repeats=2"]).ends(0);
    let plan = Table::read(&ran.out);
    assert_eq!(plan.rows.len(), 6, "two methods of lbfgs and nelder_mead, twice");
    assert!(!lab.path("results").exists());
    lab.run(&["run", "small.toml", "--set", "sweep.repeats=2", "--quiet"]).ends(0);
    assert_eq!(ran.out, lab.read("results/small/plan.csv"));
}

/// Combinations that a condition leaves out are rows without a run; the cost is told on standard error.
#[test]
fn plan_names_what_is_skipped_and_what_it_costs() {
    let lab = lab();
    let axes = [
        "--set",
        "sweep.axes={ \"budget.evaluations\" = { from = 10, to = 1000, count = 3, scale = \"log\" }, seed = [1, 2] }",
        "--set",
        "sweep.when=evaluations < 100 or seed == 2",
    ];
    let ran = lab.run(&[&["plan", "small.toml"][..], &axes].concat()).ends(0);
    let plan = Table::read(&ran.out);
    let skipped = plan.only("run", "");
    assert_eq!(skipped.column("budget.evaluations"), ["100", "1000"]);
    assert!(skipped.column("skipped").iter().all(|reason| *reason == "evaluations < 100 or seed == 2"));
    assert_eq!((plan.rows.len(), skipped.rows.len()), (4 * 3 + 2, 2));
    assert!(ran.err.contains("12 runs, 2 combinations skipped; an evaluation takes about"), "{}", ran.err);
    lab.run(&[&["run", "small.toml", "--quiet"][..], &axes].concat()).ends(0);
    assert_eq!(ran.out, lab.read("results/small/plan.csv"));
    assert_eq!(lab.table("results/small/runs.csv").rows.len(), 12);
    // What was resolved says the same plan.
    assert_eq!(ran.out, lab.run(&["plan", "results/small/resolved.toml"]).ends(0).out);
}

#[test]
fn list_names_everything() {
    let lab = lab();
    let all = lab.run(&["list"]).ends(0).out;
    for word in
        ["uniform(low, high)", "poisson", "complex_step", "differential_evolution", "fisher", "formula", "lgamma"]
    {
        assert!(all.contains(word), "{word} in\n{all}");
    }
    let one = lab.run(&["list", "optimizers"]).ends(0).out;
    assert!(one.contains("lbfgs") && !one.contains("uniform(low"), "{one}");
    let ran = lab.run(&["list", "lbgfs"]).ends(2);
    assert!(ran.err.contains("did you mean `lbfgs`?"), "{}", ran.err);
}

/// Editors read the committed copy: it is what the tool prints.
#[test]
fn schema_is_json_and_the_committed_copy() {
    let printed = lab().run(&["schema"]).ends(0).out;
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(schema["$schema"].is_string() && schema["properties"]["parameters"].is_object());
    let path = repository().join("docs/sbi-run.schema.json");
    if updates_expected() {
        std::fs::write(&path, &printed).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(committed, printed, "UPDATE_EXPECTED=1 writes the copy anew");
}

/// The tables of keys in the format page are those of the reader.
#[test]
fn the_format_page_has_every_key() {
    let path = repository().join("docs/format.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- keys: generated -->\n", "<!-- end of keys -->\n");
    let (before, rest) = page.split_once(begin).expect("the mark before the tables");
    let (committed, after) = rest.split_once(end).expect("the mark after the tables");
    let generated = format!("\n{}", sbi_run::experiment::reference::markdown());
    if updates_expected() {
        std::fs::write(&path, format!("{before}{begin}{generated}{end}{after}")).unwrap();
    } else {
        assert_eq!(committed, generated, "UPDATE_EXPECTED=1 writes the tables anew");
    }
}

#[test]
fn check_tells_faults_and_size_and_runs_nothing() {
    let lab = lab();
    let ran = lab.run(&["check", "small.toml", "experiments/half_life.toml"]).ends(0);
    assert!(ran.out.contains("small.toml: ok") && ran.out.contains("9 rows"), "{}", ran.out);
    assert!(ran.out.contains("80 runs"), "{}", ran.out);
    assert!(!lab.path("results").exists());
    lab.write("bad.toml", SMALL.replace("least_squares", "least_sqares"));
    // A fault in one of several: nothing is run.
    let ran = lab.run(&["small.toml", "bad.toml"]).ends(2);
    assert!(ran.err.contains("did you mean `least_squares`?"), "{}", ran.err);
    assert!(!lab.path("results").exists() && ran.out.is_empty());
}

#[test]
fn quiet_says_nothing_and_lines_tell_progress() {
    let lab = lab();
    let ran = lab.run(&["small.toml", "--quiet"]).ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let ran = lab.run(&["small.toml", "--out", "other"]).ends(0);
    assert!(ran.err.starts_with("small: 3/3 runs"), "{}", ran.err);
    assert!(!ran.err.contains('\x1b') && !ran.out.contains('\x1b'), "no colour without a terminal");
    assert!(ran.out.contains("best fit") && ran.out.contains("amplitude"), "{}", ran.out);
    // Faults are said all the same.
    let ran = lab.run(&["nowhere.toml", "--quiet"]).ends(2);
    assert!(ran.err.contains("there is no file `nowhere.toml`"), "{}", ran.err);
}

/// One line where gradients are taken of a model that has none everywhere; `check` shows the places.
#[test]
fn run_warns_of_kinks_under_gradients() {
    let lab = lab();
    let kinked = SMALL.replace("amplitude*exp(-rate*t)", "abs(amplitude)*exp(-rate*t)");
    lab.write("kinked.toml", &kinked);
    let ran = lab.run(&["kinked.toml"]).ends(0);
    let line =
        "warning: the model is not differentiable everywhere in `amplitude`: `sbi-run check kinked.toml` tells\n";
    assert!(ran.err.starts_with(line), "{}", ran.err);
    assert_eq!(lab.run(&["kinked.toml", "--fresh", "--quiet"]).ends(0).err, "");
    let ran = lab.run(&["check", "kinked.toml"]).ends(0);
    assert!(ran.err.contains("`abs` has a kink") && ran.err.contains("forward, reverse: 0 at the kink"), "{}", ran.err);
    assert!(ran.out.contains("\n  differentiable everywhere in: rate\n"), "{}", ran.out);
    // Nothing that takes gradients, and nothing is said.
    lab.write("simplex.toml", kinked.replace("[[optimizer]]\nmethod = \"lbfgs\"\n", ""));
    let ran = lab.run(&["simplex.toml"]).ends(0);
    assert!(!ran.err.contains("differentiable"), "{}", ran.err);
}

#[test]
fn log_lines_go_to_standard_error() {
    let lab = lab();
    let ran = lab.run(&["small.toml", "--log", "debug", "--quiet"]).ends(0);
    assert!(ran.out.is_empty());
    assert!(ran.err.lines().count() >= 3, "{}", ran.err);
    let ran = lab.run(&["small.toml", "--log", "a=b=c"]).ends(2);
    assert!(ran.err.contains("--log"), "{}", ran.err);
}

/// Loss and gradient at a point by each method, beside the reference.
#[test]
fn gradient_prints_what_each_method_gives() {
    let lab = lab();
    let ran = lab.run(&["gradient", "small.toml", "--at", "amplitude=100,rate=0.06"]).ends(0);
    let table = Table::read(&ran.out);
    assert_eq!(table.header, ["method", "parameter", "loss", "derivative", "reference", "digits", "error_estimate"]);
    assert_eq!(table.rows.len(), 4);
    assert!(table.numbers("digits").iter().all(|digits| *digits > 12.0), "{}", ran.out);
    // The one method that estimates its errors; a symbolic form by its name, and why another has no derivative.
    let methods = "differentiation.methods=[\"richardson\", \"symbolic\"]";
    let tree = "differentiation.symbolic={ sharing = \"none\" }";
    let ran = lab.run(&["gradient", "small.toml", "--set", methods, "--set", tree]).ends(0);
    let table = Table::read(&ran.out);
    assert!(table.numbers("digits").iter().all(|digits| *digits > 9.0), "{}", ran.out);
    for (name, estimate) in table.column("method").into_iter().zip(table.column("error_estimate")) {
        assert_eq!(name == "richardson", !estimate.is_empty(), "{}", ran.out);
        assert!(name == "richardson" || name == "symbolic(sharing=none)", "{}", ran.out);
    }
    let small = "differentiation.symbolic.limit=3";
    let ran = lab.run(&["gradient", "small.toml", "--set", methods, "--set", small]).ends(0);
    assert!(ran.err.contains("symbolic: the expression would exceed 3 nodes"), "{}", ran.err);
    let ran = lab.run(&["gradient", "small.toml", "--at", "amplitude=1,rat=2"]).ends(2);
    assert!(ran.err.contains("did you mean `rate`?"), "{}", ran.err);
}

#[test]
fn usage_is_told() {
    let lab = lab();
    let help = lab.run(&["--help"]).ends(0).out;
    for command in ["run", "check", "plan", "gradient", "list", "schema"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    assert!(lab.run(&["--version"]).ends(0).out.starts_with("sbi-run "));
    for wrong in [&[][..], &["run"], &["small.toml", "--threads", "0"], &["small.toml", "--treads", "1"], &["chekc"]] {
        let ran = lab.run(wrong).ends(2);
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{wrong:?}: {}{}", ran.out, ran.err);
    }
}

/// Where results cannot be written, nothing is computed for the bin.
#[test]
fn a_results_folder_that_cannot_be_written() {
    let lab = lab();
    lab.write("taken", "a file where the folder should be");
    let ran = lab.run(&["small.toml", "--out", "taken"]).ends(3);
    assert!(ran.err.contains("taken") && !ran.err.contains("runs/s"), "{}", ran.err);
    assert!(ran.out.is_empty());
    // A journal that is none.
    lab.write("old/small/journal.jsonl", "not a journal\n");
    let ran = lab.run(&["small.toml", "--out", "old"]).ends(3);
    assert!(ran.err.contains("is not a journal"), "{}", ran.err);
    assert!(!lab.path("old/small/runs.csv").exists(), "no half-written report");
}

/// Mode bits do not bind every user: the test holds where they do.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let lab = lab();
    lab.write("closed/keep", "");
    let closed = lab.path("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    let binds = std::fs::write(closed.join("probe"), "").is_err();
    if binds {
        let ran = lab.run(&["small.toml", "--out", "closed/results"]).ends(3);
        assert!(ran.err.contains("closed/results"), "{}", ran.err);
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Some inputs are too large to keep: a line of 100 MB, in the experiment and in the data.
#[test]
fn a_line_of_a_hundred_megabytes() {
    let lab = lab();
    let mut line = b"time_h,relative_current\n1,".to_vec();
    line.resize(100_000_000, b'7');
    lab.write("data/thorium_deposit.csv", &line);
    let ran = lab.run(&["check", "small.toml"]).ends(2);
    assert!(ran.err.starts_with("error: ") && ran.err.len() < 2000, "{:.2000}", ran.err);
    let mut line = b"title = \"".to_vec();
    line.resize(100_000_000, b'x');
    lab.write("long.toml", &line);
    let ran = lab.run(&["check", "long.toml"]).ends(2);
    assert!(ran.err.starts_with("error: ") && ran.err.len() < 2000, "{:.2000}", ran.err);
}

#[test]
fn an_experiment_that_is_none() {
    let lab = lab();
    lab.write("folder.toml/keep", "");
    let cases = [
        ("none.toml", "there is no file"),
        ("folder.toml", "is a directory"),
        ("small", "did you mean `small.toml`?"),
        ("chekc", "did you mean the command `check`?"),
    ];
    for (name, said) in cases {
        let ran = lab.run(&[name]).ends(2);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn simulate_prints_the_outputs_at_a_point_or_at_draws() {
    let lab = lab();
    let at = lab.run(&["simulate", "small.toml", "--at", "amplitude=100,rate=0.1"]).ends(0).out;
    assert!(at.starts_with("draw,amplitude,rate,t,y\r\n"), "{at}");
    let at = Table::read(&at);
    for (t, y) in at.numbers("t").into_iter().zip(at.numbers("y")) {
        assert!((y - 100.0 * sbi_run::math::elementary::exp(-0.1 * t)).abs() < 1e-12 * y.abs());
    }
    let rows = at.rows.len();
    let drawn = lab.run(&["simulate", "small.toml", "--draws", "3", "--at", "rate=0.1"]).ends(0).out;
    assert_eq!(drawn, lab.run(&["simulate", "small.toml", "--draws", "3", "--at", "rate=0.1"]).ends(0).out);
    let drawn = Table::read(&drawn);
    assert_eq!(drawn.rows.len(), 3 * rows);
    assert!(drawn.numbers("rate").iter().all(|rate| *rate == 0.1));
    assert!(drawn.numbers("amplitude").iter().all(|a| (50.0..=200.0).contains(a)));
    let first: Vec<f64> = (0..3).map(|k| drawn.only("draw", &k.to_string()).numbers("amplitude")[0]).collect();
    assert!(first[0] != first[1] && first[1] != first[2], "{first:?}");
    let ran = lab.run(&["simulate", "small.toml", "--at", "rat=1"]).ends(2);
    assert!(ran.err.contains("did you mean `rate`?") && ran.out.is_empty(), "{}", ran.err);
    let flat = ["simulate", "small.toml", "--draws", "1", "--set"];
    let flat = [&flat[..], &["parameters.rate={prior = \"flat()\", start = 0.1}"]].concat();
    let ran = lab.run(&flat).ends(2);
    assert!(ran.err.contains("nothing to draw rate from"), "{}", ran.err);
}

#[test]
fn new_writes_an_experiment_that_runs() {
    let lab = lab();
    lab.run(&["new", "mine"]).ends(0);
    let written = lab.read("mine.toml");
    let ran = lab.run(&["check", "mine.toml"]).ends(0);
    assert!(ran.err.is_empty(), "{}", ran.err);
    lab.run(&["mine.toml", "--quiet"]).ends(0);
    assert_eq!(lab.table("results/mine/runs.csv").rows.len(), 9);
    let ran = lab.run(&["new", "mine.toml"]).ends(2);
    assert!(ran.err.contains("`mine.toml` exists already"), "{}", ran.err);
    assert_eq!(lab.read("mine.toml"), written);
    lab.run(&["new", ""]).ends(2);
    lab.run(&["new", "no/such/folder"]).ends(3);
}
