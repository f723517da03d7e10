//! Sound experiments: what is read is what is written, and the resolved form reads the same.

use crate::experiment::sample::{CATALOG, EXAMPLE, checked, folder, lines, written};
use crate::experiment::{Data, Experiment, Transform, check};

fn sound(text: &str) -> Experiment {
    checked(text).unwrap_or_else(|faults| panic!("{:#?}", lines(&faults))).0
}

const SYNTHETIC: &str = r#"
constants = { two = "1 + 1", four = "two*two" }
[data.synthetic]
inputs = { t = { from = 1, to = 100, count = 3, scale = "log" }, s = [0, 1] }
truth = { A = [1, 2], b = "four/2" }
noise = { y = "normal(y, 0.1*two)" }
[simulator]
kind = "formula"
let.decay = "exp(-b*t)"
outputs.y = "A[0]*decay + A[1]*s"
[parameters]
A = { prior = "normal(0, 10)", size = 2, start = 1, bounds = [-5, inf] }
b = { prior = "log_uniform(0.01, four)", transform = "log" }
[loss]
kind = "chi_square"
sigma = "0.1*two"
weight = { y = 2 }
[expected]
A = [1, 2]
b = 2
"#;

#[test]
fn the_example_of_the_format_page_reads_whole() {
    let (experiment, warnings) = checked(EXAMPLE).unwrap();
    assert!(warnings.is_empty(), "{:#?}", lines(&warnings));
    assert_eq!(experiment.parameters.len(), 5);
    assert_eq!(experiment.parameters[3].start, Some(vec![30.0]));
    assert_eq!(experiment.parameters[1].limits(), (100.0, 10000.0));
    assert_eq!(experiment.differentiation.compare.points, 100);
    assert_eq!(experiment.optimizers[1].settings.integer("population"), Some(60));
    assert_eq!(experiment.optimizers[1].settings.number("crossover"), Some(0.9));
    assert_eq!((experiment.budget.evaluations, experiment.budget.iterations), (20000, None));
    assert_eq!(experiment.sweep.combinations(), Some(3));
    let Data::Measured(table) = &experiment.data else { panic!("measured") };
    assert_eq!(table.names, ["t", "counts"]);
    assert_eq!(table.column("counts").unwrap()[1], 479.0);
}

#[test]
fn synthetic_data_vectors_and_constants() {
    let experiment = sound(SYNTHETIC);
    assert_eq!(experiment.constants[1], ("four".to_string(), 4.0));
    let Data::Synthetic { inputs, truth, noise } = &experiment.data else { panic!("synthetic") };
    assert_eq!(truth, &[1.0, 2.0, 2.0]);
    let t = inputs.column("t").unwrap();
    assert_eq!((t[0], t[1], t[4], inputs.rows()), (1.0, 1.0, 100.0, 6));
    assert!((t[2] - 10.0).abs() < 1e-13);
    assert_eq!(inputs.column("s").unwrap(), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!((noise[0].distribution.as_str(), noise[0].arguments.len()), ("normal", 2));
    assert_eq!(experiment.parameters[0].start, Some(vec![1.0, 1.0]));
    assert_eq!(experiment.parameters[0].reference, Some(vec![1.0, 2.0]));
    assert_eq!(experiment.parameters[1].transform, Some(Transform::Log));
    assert_eq!(experiment.loss.weight, [2.0]);
    assert_eq!(experiment.expected.parameters[1], ("A[1]".to_string(), 2.0));
    let names: Vec<String> = experiment.scalars().iter().map(|scalar| scalar.name()).collect();
    assert_eq!(names, ["A[0]", "A[1]", "b"]);
}

/// What `resolved.toml` says is the same experiment, and resolves to itself.
#[test]
fn the_resolved_file_is_the_same_experiment() {
    for text in [EXAMPLE, SYNTHETIC] {
        let first = sound(text);
        let resolved = toml::to_string(&first.resolved).unwrap();
        let second = sound(&resolved);
        assert_eq!(first.resolved, second.resolved, "{resolved}");
        assert_eq!(format!("{:?}", first.parameters), format!("{:?}", second.parameters));
        assert_eq!(first.budget, second.budget);
    }
}

#[test]
fn overrides_have_the_same_checks() {
    let folder = folder();
    let with = |overrides: &[(&str, &str)]| check(&written(EXAMPLE, folder.path(), overrides), &CATALOG);
    let (experiment, _) = with(&[
        ("seed", "7"),
        ("parameters.background.start", "5"),
        ("parameters.a1", "uniform(1, 2)"),
        ("optimizer.genetic.population", "8"),
    ])
    .unwrap();
    assert_eq!(experiment.seed, 7);
    assert_eq!(experiment.parameters[0].start, Some(vec![5.0]));
    assert_eq!(experiment.parameters[1].limits(), (1.0, 2.0));
    assert_eq!(experiment.optimizers[2].settings.integer("population"), Some(8));
    let faults = with(&[("budget.evaluatoins", "7"), ("seed", "\"x\" y"), ("intervals.level", "2")]).unwrap_err();
    assert!(faults.iter().all(|fault| fault.labels[0].source.name == "--set"), "{faults:#?}");
    assert_eq!(faults.len(), 3, "{:#?}", lines(&faults));
}

#[test]
fn values_from_elsewhere_are_checked_too() {
    let folder = folder();
    let written = written(EXAMPLE, folder.path(), &[]);
    let values = [
        ("budget.evaluations".to_string(), toml::Value::Integer(5)),
        ("loss.kind".to_string(), "least_squares".into()),
    ];
    let (experiment, _) = crate::experiment::read_with(&written, &values, &CATALOG).unwrap();
    assert_eq!((experiment.budget.evaluations, experiment.loss.row.kind.name), (5, "least_squares"));
    let values = [("budget.evaluations".to_string(), toml::Value::Integer(-5))];
    assert_eq!(crate::experiment::read_with(&written, &values, &CATALOG).unwrap_err().len(), 1);
}

#[test]
fn a_loss_that_needs_no_data_does_without() {
    let text =
        "simulator = { kind = 'formula', outputs.y = 'x^2' }\nparameters.x = 'uniform(-1, 2)'\nloss.kind = 'value'";
    assert!(matches!(sound(text).data, Data::None));
    let faults = checked(&text.replace("'value'", "'poisson'")).unwrap_err();
    assert_eq!(lines(&faults), ["`poisson` compares outputs with data, but there is no `[data]` <'poisson'>"]);
}

#[test]
fn missing_files_and_folders_are_said() {
    let folder = folder();
    let message =
        |name: &str| crate::experiment::read(&folder.path().join(name), &[], &CATALOG).unwrap_err()[0].message.clone();
    assert!(message("none.toml").starts_with("there is no file"), "{}", message("none.toml"));
    assert!(message("").contains("is a directory"), "{}", message(""));
    std::fs::write(folder.path().join("bin.toml"), [b'a', 0, 1]).unwrap();
    assert!(message("bin.toml").contains("binary data"));
    std::fs::write(folder.path().join("latin.toml"), b"title = \"\xe9\"\n").unwrap();
    assert!(message("latin.toml").contains("not UTF-8 text: an invalid byte in line 1"));
    std::fs::write(folder.path().join("e.toml"), EXAMPLE).unwrap();
    let (experiment, _) = crate::experiment::read(&folder.path().join("e.toml"), &[], &CATALOG).unwrap();
    assert_eq!(experiment.name, "e");
}
