//! Lanes that an experiment asks for: the same results whichever they are, and what `check --explain` says of them.

use crate::laws::{assert_same, results};
use crate::tool::Lab;

/// What each task of an experiment has in its lanes, by `check --explain`: its name, the lanes, the rest.
fn lanes(lab: &Lab, file: &str, wanted: &str) -> Vec<[String; 3]> {
    let out = lab.run(&["check", file, "--explain", "--set", &format!("engine.lanes={wanted}")]).ends(0).out;
    let heading = format!("  lanes (\"{wanted}\")");
    let lines = out.lines().skip_while(|line| !line.starts_with(&heading)).skip(1);
    let lines = lines.take_while(|line| line.starts_with("    "));
    lines
        .map(|line| {
            let (task, rest) = line.trim().split_once(": ").expect(line);
            let (lanes, rest) = rest.split_once(", ").expect(line);
            [task, lanes, rest].map(str::to_string)
        })
        .collect()
}

fn of<'a>(tasks: &'a [[String; 3]], task: &str) -> (&'a str, &'a str) {
    let found = tasks.iter().find(|found| found[0] == task).unwrap_or_else(|| panic!("{task}: {tasks:?}"));
    (&found[1], &found[2])
}

/// Shipped experiments with fewer runs, and an optimizer whose population is evaluated together.
const CASES: [(&str, &[&str]); 4] = [
    ("half_life", &["sweep.repeats=1", "budget.evaluations=400"]),
    ("thorium_deposit", &["sweep.repeats=1", "budget.evaluations=400"]),
    ("chwirut2", &["sweep.repeats=1", "budget.evaluations=400"]),
    ("predator_prey", &["sweep.repeats=1", "budget.evaluations=60"]),
];

#[test]
fn lanes_change_no_result() {
    let lab = Lab::with_shipped();
    for (name, settings) in CASES {
        let file = format!("experiments/{name}.toml");
        let mut seen = Vec::new();
        let mut expected = Vec::new();
        for wanted in ["auto", "rows", "points", "tangents"] {
            let lanes_set = format!("engine.lanes={wanted}");
            let out = format!("out/{wanted}");
            let mut arguments = vec![file.as_str(), "--out", &out, "--quiet", "--set", &lanes_set];
            settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
            if wanted == "tangents" && name != "predator_prey" {
                let refused = lab.run(&arguments).ends(2).err;
                assert!(refused.contains("cannot have tangents in lanes"), "{name}: {refused}");
                continue;
            }
            lab.run(&arguments).ends(0);
            // What says the setting itself differs by it.
            let mut found = results(&lab, &format!("{out}/{name}"));
            found.retain(|(file, _)| !["resolved.toml", "experiment.toml"].contains(file));
            if wanted == "auto" {
                expected = found;
            } else {
                assert_same(&expected, &found);
            }
            seen.push(lanes(&lab, &file, wanted).into_iter().map(|[_, lanes, _]| lanes).collect::<Vec<String>>());
        }
        let others = |lanes: &[String], word: &str| lanes.iter().filter(|lanes| *lanes == word).count();
        assert_eq!(others(&seen[1], "rows"), seen[1].len(), "{name}");
        assert!(others(&seen[2], "points") > 0, "{name}: {seen:?}");
        if let Some(tangents) = seen.get(3) {
            assert!(others(tangents, "tangents") > 0, "{name}: {seen:?}");
        }
    }
}

#[test]
fn lanes_of_each_task_are_explained() {
    let lab = Lab::with_shipped();
    let file = "experiments/predator_prey.toml";
    let auto = lanes(&lab, file, "auto");
    assert_eq!(of(&auto, "one loss"), ("rows", "200 lanes: one point is evaluated at a time"));
    let loop_is_shared = "a loop is the same for every row, and there are at most 1024 rows";
    assert_eq!(of(&auto, "gradient by forward"), ("tangents", &*format!("4 lanes: {loop_is_shared}")));
    assert_eq!(of(&auto, "gradient by central_difference"), ("points", &*format!("9 lanes: {loop_is_shared}")));
    let (lanes_of_few, why) = of(&auto, "gradient by forward_difference");
    assert_eq!((lanes_of_few, why), ("rows", "200 lanes: there are fewer than 8 points"));
    let points = lanes(&lab, file, "points");
    assert_eq!(of(&points, "gradient by forward_difference"), ("points", "5 lanes: as asked"));
    assert_eq!(of(&points, "gradient by forward").0, "tangents");
    let rows = lanes(&lab, file, "rows");
    assert_eq!(of(&rows, "gradient by forward"), ("rows", "200 lanes: as asked"));
    assert_eq!(of(&rows, "gradient by central_difference"), ("rows", "200 lanes: as asked"));
    let population = lanes(&lab, "experiments/half_life.toml", "auto");
    let words = "one for each of 8 points or more: there are at most 64 rows";
    assert_eq!(of(&population, "losses of a population (differential_evolution, genetic)"), ("points", words));
}

/// Runs are the same runs, whatever their lanes: a folder that has them has no more to do.
#[test]
fn other_lanes_are_no_other_runs() {
    let lab = Lab::with_shipped();
    let small = ["--set", "sweep.repeats=1", "--set", "budget.evaluations=200"];
    let run = |lanes: &str| {
        let lanes = format!("engine.lanes={lanes}");
        let mut arguments = vec!["experiments/half_life.toml", "--out", "out", "--set", &lanes];
        arguments.extend(small);
        lab.run(&arguments).ends(0);
        lab.read("out/half_life/journal.jsonl")
    };
    let first = run("auto");
    let again = run("points");
    let records = |journal: &str| journal.lines().filter(|line| line.contains("\"run\":")).count();
    assert!(records(&first) > 0);
    assert_eq!(records(&first), records(&again));
}
