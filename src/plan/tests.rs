//! The plan of the example: how many runs, in which order, with which identities.

use super::*;
use crate::experiment;
use crate::experiment::sample::{CATALOG, EXAMPLE, folder, lines, written};

fn plan(text: &str, overrides: &[(&str, &str)]) -> Result<Plan, Vec<String>> {
    let folder = folder();
    let written = written(text, folder.path(), overrides);
    let (experiment, _) = experiment::check(&written, &CATALOG).map_err(|faults| lines(&faults))?;
    lay_out(&written, &experiment, &CATALOG).map_err(|faults| lines(&faults))
}

fn identities(overrides: &[(&str, &str)]) -> Vec<String> {
    all_identities(&plan(EXAMPLE, overrides).unwrap())
}

fn all_identities(plan: &Plan) -> Vec<String> {
    (0..plan.len()).map(|run| plan.identity(run)).collect()
}

#[test]
fn the_example_has_every_combination_once() {
    let plan = plan(EXAMPLE, &[]).unwrap();
    // Three steps, each with six methods of one gradient optimizer and two others, twenty times.
    assert_eq!(plan.len(), 3 * (6 + 2) * 20);
    assert_eq!(plan.values(1), ["1e-6"]);
    assert_eq!(plan.experiment(1).differentiation.step, Some(1e-6));
    assert_eq!(
        (plan.run(0).repeat, plan.run(1).repeat, plan.run(20).method.unwrap().name),
        (0, 1, "central_difference")
    );
    let identities: std::collections::BTreeSet<_> = all_identities(&plan).into_iter().collect();
    assert_eq!(identities.len(), plan.len());
    assert!(plan.runs().enumerate().all(|(index, run)| run.index == index && plan.run(index).repeat == run.repeat));
    let tables: Vec<_> = plan
        .first
        .iter()
        .map(|variant| match &variant.experiment.data {
            Data::Measured(table) => Arc::as_ptr(table),
            _ => unreachable!("measured"),
        })
        .collect();
    assert!(tables.windows(2).all(|pair| pair[0] == pair[1]), "the data are held once");
}

#[test]
fn two_axes_give_their_product_with_the_last_fastest() {
    let text = EXAMPLE.replace(
        "\"differentiation.step\" = [1e-4, 1e-6, 1e-8]",
        "seed = [1, 2]\n\"loss.kind\" = [\"poisson\", \"least_squares\"]",
    );
    let plan = plan(&text, &[]).unwrap();
    let values: Vec<String> = (0..plan.variants()).map(|variant| plan.values(variant).join(" ")).collect();
    assert_eq!(values, ["1 poisson", "1 least_squares", "2 poisson", "2 least_squares"]);
    assert_eq!(plan.axes, ["seed", "loss.kind"]);
    assert!(plan.runs().is_sorted_by_key(|run| run.variant));
}

#[test]
fn identity_is_what_changes_numbers() {
    let base = identities(&[]);
    for unchanged in [
        ("title", "x"),
        ("sweep.repeats", "20"),
        ("expected.loss", "1"),
        ("differentiation.compare.points", "5"),
        ("parameters.a1.unit", "m"),
        ("optimizer.0.memory", "7"),
        ("engine.lanes", "\"rows\""),
    ] {
        assert_eq!(identities(&[unchanged]), base, "{unchanged:?}");
    }
    for changed in [
        ("seed", "2"),
        ("parameters.a1.prior", "log_uniform(100, 10001)"),
        ("budget.evaluations", "10"),
        ("constants.ln2", "0.69"),
        ("loss.prior", "true"),
    ] {
        let other = identities(&[changed]);
        assert!(other.iter().all(|identity| !base.contains(identity)), "{changed:?}");
    }
    // One optimizer's setting changes its runs alone; fewer repeats are a part of more.
    let other = identities(&[("optimizer.genetic.population", "50")]);
    assert_eq!(other.iter().filter(|identity| base.contains(identity)).count(), 3 * 7 * 20);
    assert!(identities(&[("sweep.repeats", "2")]).iter().all(|identity| base.contains(identity)));
}

#[test]
fn the_data_count_by_their_content() {
    let folder = folder();
    let run = || {
        let written = written(EXAMPLE, folder.path(), &[]);
        let (experiment, _) = experiment::check(&written, &CATALOG).unwrap();
        lay_out(&written, &experiment, &CATALOG).unwrap().identity(0)
    };
    let before = run();
    assert_eq!(run(), before);
    std::fs::write(folder.path().join("silver_decay.csv"), "time_s,counts\n1,2\n").unwrap();
    assert_ne!(run(), before);
}

#[test]
fn faults_of_a_combination_point_at_the_axis() {
    let axis = |line: &str| EXAMPLE.replace("\"differentiation.step\" = [1e-4, 1e-6, 1e-8]", line);
    let faults = plan(&axis("\"parameters.half_life_1.start\" = [10, 100]"), &[]).unwrap_err();
    assert_eq!(faults, ["the start of `half_life_1` lies outside its box <100>"]);
    let faults = plan(&axis("\"parameters.half_life_1.prior\" = [\"flat()\"]"), &[]).unwrap_err();
    assert!(faults[0].contains("searches a finite box"), "{faults:?}");
}

#[test]
fn a_plan_beyond_all_measure_is_refused() {
    let faults = plan(EXAMPLE, &[("sweep.repeats", "1000000000")]).unwrap_err();
    assert!(faults[0].contains("more than 10000000 runs"), "{faults:?}");
}

/// The plan of the example with these axes, and other keys of the sweep before them.
fn swept(keys: &str, axes: &str) -> Result<Plan, Vec<String>> {
    let text = EXAMPLE.replace("\"differentiation.step\" = [1e-4, 1e-6, 1e-8]", axes);
    plan(&text.replace("[sweep.axes]", &format!("{keys}\n[sweep.axes]")), &[])
}

fn values(plan: &Plan) -> Vec<String> {
    (0..plan.variants()).map(|variant| plan.values(variant).join(" ")).collect()
}

#[test]
fn ranges_end_where_they_say_and_are_written_shortly() {
    let plan = swept("", "\"differentiation.step\" = { from = 1e-8, to = 1e-2, count = 7, scale = \"log\" }").unwrap();
    assert_eq!(values(&plan), ["1e-8", "1e-7", "1e-6", "1e-5", "0.0001", "0.001", "0.01"]);
    let plan = swept("", "\"budget.evaluations\" = { from = \"10*10\", to = 200, count = 3 }").unwrap();
    assert_eq!(values(&plan), ["100", "150", "200"]);
    assert_eq!(plan.experiment(1).budget.evaluations, 150);
    let rounded = "\"budget.evaluations\" = { from = 1, to = 100, count = 4, scale = \"log\", round = true }";
    assert_eq!(values(&swept("", rounded).unwrap()), ["1", "5", "22", "100"]);
    let faults = swept("", &rounded.replace(", round = true", "")).unwrap_err();
    assert!(faults[0].starts_with("`budget.evaluations` must be a whole number from 1 on, but is 4.64"), "{faults:?}");
}

#[test]
fn zipped_axes_vary_together_where_the_first_of_them_stands() {
    let axes = "seed = [1, 2]\n\"budget.evaluations\" = [10, 20, 30]\n\"differentiation.step\" = [1e-4, 1e-6]";
    let plan = swept("zip = [[\"differentiation.step\", \"seed\"]]", axes).unwrap();
    let all = ["1 10 0.0001", "1 20 0.0001", "1 30 0.0001", "2 10 1e-6", "2 20 1e-6", "2 30 1e-6"];
    assert_eq!(values(&plan), all);
    assert_eq!(values(&swept("zip = [\"seed\", \"differentiation.step\"]", axes).unwrap()), all, "one group, no list");
    let faults = swept("zip = [[\"seed\", \"budget.evaluations\"]]", axes).unwrap_err();
    assert_eq!(faults, ["`seed` and `budget.evaluations` are zipped but differ in length <\"budget.evaluations\">"]);
    let faults = swept("zip = [[\"seed\", \"budget.evaluation\"]]", axes).unwrap_err();
    assert_eq!(faults, ["`sweep.zip` names `budget.evaluation`, which is no axis <\"budget.evaluation\">"]);
}

/// Before which variant what is left out, and why.
fn skipped(plan: &Plan) -> Vec<String> {
    let line = |before: usize, skipped: Skipped| format!("{before}: {}: {}", skipped.values.join(" "), skipped.reason);
    let before = |variant: usize| plan.skipped_before(variant).map(move |skipped| line(variant, skipped));
    (0..=plan.variants()).flat_map(before).collect()
}

#[test]
fn conditions_leave_out_combinations_and_say_why() {
    let axes = "\"loss.kind\" = [\"poisson\", \"least_squares\"]\n\"budget.evaluations\" = [10, 20]";
    let some = swept("when = \"kind == poisson or evaluations > 10\"", axes).unwrap();
    assert_eq!(values(&some), ["poisson 10", "poisson 20", "least_squares 20"]);
    assert_eq!(some.skipped(), 1);
    assert_eq!(skipped(&some), ["2: least_squares 10: kind == poisson or evaluations > 10"]);
    let both = swept("when = [\"kind == poisson\", \"evaluations < 20\"]", axes).unwrap();
    assert_eq!(
        skipped(&both),
        [
            "1: poisson 20: evaluations < 20",
            "1: least_squares 10: kind == poisson",
            "1: least_squares 20: kind == poisson"
        ]
    );
    let ends = swept("when = [\"evaluations == 20\", \"kind == least_squares\"]", axes).unwrap();
    assert_eq!(values(&ends), ["least_squares 20"]);
    assert!(skipped(&ends).iter().all(|line| line.starts_with("0: ")) && ends.skipped() == 3);
    let faults = swept("when = \"evaluation > 10\"", axes).unwrap_err();
    assert_eq!(faults, ["unknown name `evaluation` <evaluation>"]);
    let faults = swept("when = \"evaluations > 100\"", axes).unwrap_err();
    assert!(faults[0].starts_with("`sweep.when` leaves out every combination"), "{faults:?}");
    // What is left out changes no identity.
    let all = swept("", axes).unwrap();
    let (some, all) = (all_identities(&some), all_identities(&all));
    assert!(some.iter().all(|identity| all.contains(identity)));
}

#[test]
fn a_formula_follows_the_axes_before_it() {
    let axes = "\"optimizer.genetic.population\" = [10, 20]\n\"budget.evaluations\" = \"100*population + 1\"";
    let plan = swept("", axes).unwrap();
    assert_eq!(values(&plan), ["10 1001", "20 2001"]);
    assert_eq!(plan.experiment(1).budget.evaluations, 2001);
    let named = axes.replace("[10, 20]", "{ values = [10, 20], name = \"n\" }").replace("100*population", "100*n");
    assert_eq!(values(&swept("", &named).unwrap()), values(&plan));
    let faults = swept("", &axes.replace("100*population", "100*populatino")).unwrap_err();
    assert_eq!(faults, ["unknown name `populatino` <populatino>"]);
    let faults = swept("", &axes.replace("100*population + 1", "population/3")).unwrap_err();
    assert!(faults[0].contains("must be a whole number"), "{faults:?}");
}

#[test]
fn draws_are_keyed_and_more_of_them_keep_those_there_were() {
    let axis = |count: usize, design: &str| {
        format!(
            "\"differentiation.step\" = {{ draw = \"uniform(0.001, 0.1)\", count = {count}, design = \"{design}\" }}"
        )
    };
    for design in ["random", "sobol"] {
        let (few, many) = (swept("", &axis(5, design)).unwrap(), swept("", &axis(16, design)).unwrap());
        assert_eq!(values(&few), values(&many)[..5]);
        let steps: Vec<f64> = many.first.iter().filter_map(|v| v.experiment.differentiation.step).collect();
        assert!(steps.len() == 16 && steps.iter().all(|step| (0.001..=0.1).contains(step)), "{steps:?}");
        assert_eq!(all_identities(&few), all_identities(&many)[..few.len()]);
    }
    // A Sobol design puts one of sixteen points into each sixteenth.
    let even = swept("", &axis(16, "sobol")).unwrap();
    let mut cells: Vec<usize> =
        even.first.iter().map(|v| ((v.values[0].parse::<f64>().unwrap() - 0.001) / 0.099 * 16.0) as usize).collect();
    cells.sort();
    assert_eq!(cells, (0..16).collect::<Vec<_>>());
    let faults = swept("", "seed = { draw = \"flat()\", count = 3 }").unwrap_err();
    assert!(faults[0].contains("no density to draw from"), "{faults:?}");
}

#[test]
fn an_axis_says_its_values_in_one_way() {
    for (axis, fault) in [
        ("{ from = 1, count = 2 }", "the axis `seed` has `from` but no `to` <{ from = 1, count = 2 }>"),
        ("{ values = [1], from = 1 }", "the axis `seed` must say its values in one way <{ values = [1], from = 1 }>"),
        ("{ count = 2 }", "the axis `seed` must say its values in one way <{ count = 2 }>"),
        ("{ values = [1], count = 2 }", "`count` does not go with `values` <count>"),
        ("{ from = 1, to = 2, count = 2, stale = 1 }", "unknown key `stale` in `sweep.axes.seed` <stale>"),
        ("{ values = [] }", "the axis `sweep.axes.seed.values` has no values <[]>"),
        (
            "{ from = 0, to = 2, count = 2, scale = \"log\" }",
            "a grid with `scale = \"log\"` needs a positive `from` and `to` <{ from = 0, to = 2, count = 2, scale = \"log\" }>",
        ),
        ("{ draw = \"unifrom(1, 2)\", count = 2 }", "unknown prior `unifrom` <unifrom>"),
        ("3", "`sweep.axes.seed` must be a list of values, a formula, or a table, not a whole number <3>"),
    ] {
        assert_eq!(swept("", &format!("seed = {axis}")).unwrap_err(), [fault], "{axis}");
    }
}
