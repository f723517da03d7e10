//! The plan of the example: how many runs, in which order, with which identities.

use super::*;
use crate::experiment::sample::{CATALOG, EXAMPLE, folder, lines, written};

fn plan(text: &str, overrides: &[(&str, &str)]) -> Result<Plan, Vec<String>> {
    let folder = folder();
    let written = written(text, folder.path(), overrides);
    let (experiment, _) = experiment::check(&written, &CATALOG).map_err(|faults| lines(&faults))?;
    lay_out(&written, &experiment, &CATALOG).map_err(|faults| lines(&faults))
}

fn identities(overrides: &[(&str, &str)]) -> Vec<String> {
    plan(EXAMPLE, overrides).unwrap().runs.into_iter().map(|run| run.identity).collect()
}

#[test]
fn the_example_has_every_combination_once() {
    let plan = plan(EXAMPLE, &[]).unwrap();
    // Three steps, each with six methods of one gradient optimizer and two others, twenty times.
    assert_eq!(plan.runs.len(), 3 * (6 + 2) * 20);
    assert_eq!(plan.variants[1].values, ["1e-6"]);
    assert_eq!(plan.variants[1].experiment.differentiation.step, Some(1e-6));
    assert_eq!(
        (plan.runs[0].repeat, plan.runs[1].repeat, plan.runs[20].method.unwrap().name),
        (0, 1, "central_difference")
    );
    let identities: std::collections::BTreeSet<_> = plan.runs.iter().map(|run| &run.identity).collect();
    assert_eq!(identities.len(), plan.runs.len());
    assert!(plan.runs.iter().enumerate().all(|(index, run)| run.index == index));
    let tables: Vec<_> = plan
        .variants
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
    let values: Vec<String> = plan.variants.iter().map(|variant| variant.values.join(" ")).collect();
    assert_eq!(values, ["1 poisson", "1 least_squares", "2 poisson", "2 least_squares"]);
    assert_eq!(plan.axes, ["seed", "loss.kind"]);
    assert!(plan.runs.is_sorted_by_key(|run| run.variant));
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
        lay_out(&written, &experiment, &CATALOG).unwrap().runs[0].identity.clone()
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
    let faults = plan(&axis("\"parameters.background.prior\" = [\"normal(0, 1)\"]"), &[]).unwrap_err();
    assert!(faults[0].contains("searches a finite box"), "{faults:?}");
}

#[test]
fn a_plan_beyond_all_measure_is_refused() {
    let faults = plan(EXAMPLE, &[("sweep.repeats", "1000000000")]).unwrap_err();
    assert!(faults[0].contains("more than 10000000 runs"), "{faults:?}");
}
