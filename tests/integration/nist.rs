//! The 15 nonlinear least-squares problems of NIST's Statistical Reference Datasets, against their certificates.
//!
//! Log relative error: LRE = -log10(|found - certified|/|certified|); the certificates have 11 digits.

use sbi_run::record::Status;

use super::pipeline::{Done, root, run};

/// Certified standard deviations of the parameters; the values and the sums of squares are in the experiments.
#[rustfmt::skip]
const PROBLEMS: &[(&str, &[f64])] = &[
    ("bennett5", &[297.15175411, 1.2448871856, 0.020272299378]),
    ("boxbod", &[12.354515176, 0.10455993237]),
    ("chwirut2", &[0.03830328681, 0.00066621605126, 0.0015304234767]),
    ("danwood", &[0.01828197386, 0.051726610913]),
    ("enso", &[0.17488832467, 0.24310052139, 0.24354686618, 0.94408025976, 0.28078369611, 0.48073701119, 0.4161293913, 0.51460022911, 0.25434468893]),
    ("eckerle4", &[0.015408051163, 0.046803020753, 0.046800518816]),
    ("gauss1", &[0.5752731273, 0.00011406289017, 0.58831775752, 0.10460593412, 0.17439951146, 0.62622793913, 0.12436988217, 0.20134312832]),
    ("hahn1", &[0.17070154742, 0.012000289189, 0.00022508314937, 2.7578037666e-07, 0.00024712888219, 1.0449373768e-05, 1.3027335327e-08]),
    ("kirby2", &[0.087989634338, 0.0041182041386, 4.1856520458e-05, 5.8931897355e-05, 2.0129761919e-07]),
    ("lanczos3", &[0.017197908859, 0.097041624475, 0.041488663282, 0.10766312506, 0.058371576281, 0.034436403035]),
    ("mgh17", &[0.0020723153551, 0.22031669222, 0.22175707739, 0.00044861358114, 0.00089471996575]),
    ("misra1a", &[2.7070075241, 7.2668688436e-06]),
    ("nelson", &[0.019149996413, 6.112409654e-09, 0.0039572366543]),
    ("rat43", &[16.302297817, 2.0828735829, 0.19566123451, 0.68761936385]),
    ("thurber", &[4.6647963344, 39.571156086, 28.698696102, 5.567537027, 0.031333340687, 0.014984928198, 0.0065842344623]),
];

fn lre(found: f64, certified: f64) -> f64 {
    let error = ((found - certified) / certified).abs();
    if error.is_nan() { 0.0 } else { -sbi_run::math::elementary::log10(error.max(1e-17)) }
}

/// Worst LRE of parameters, standard errors and the sum of squares of one run.
fn score(done: &Done, run: usize, deviations: &[f64]) -> (f64, f64, f64) {
    let record = &done.records[run];
    let expected = done.plan.expected(done.plan.run(run).variant).unwrap();
    if record.status == Status::Failed {
        return (0.0, 0.0, 0.0);
    }
    let pairs = record.parameters.iter().zip(&expected.parameters);
    let parameters = pairs.map(|(found, (_, certified))| lre(*found, *certified)).fold(17.0, f64::min);
    let error = |k: usize| record.intervals[k].standard_error.unwrap_or(f64::NAN);
    let errors = deviations.iter().enumerate().map(|(k, certified)| lre(error(k), *certified)).fold(17.0, f64::min);
    (parameters, errors, lre(record.loss.unwrap_or(f64::NAN), expected.loss.unwrap_or(f64::NAN)))
}

fn problems(methods: &str, optimizers: &str) -> Vec<(&'static str, Done, &'static [f64])> {
    let overrides = [("differentiation.methods", methods), ("optimizer", optimizers)];
    let one = |(name, deviations): &(&'static str, &'static [f64])| {
        (*name, run(&root().join(format!("experiments/nist/{name}.toml")), &overrides), *deviations)
    };
    PROBLEMS.iter().map(one).collect()
}

/// Both starts of every problem, to ten digits where the derivatives are exact.
#[test]
fn levenberg_marquardt_meets_the_certificates() {
    let methods = r#"["complex_step", "symbolic", "forward", "reverse"]"#;
    for (name, done, deviations) in problems(methods, r#"[{ method = "levenberg_marquardt" }]"#) {
        assert_eq!(done.records.len(), 8, "{name}: four methods, two starts");
        for run in 0..done.records.len() {
            let (parameters, errors, squares) = score(&done, run, deviations);
            let record = &done.records[run];
            println!("{name} {run}: {parameters:.1} {errors:.1} {squares:.1} {} {}", record.reason, record.evaluations);
            assert!(
                parameters >= 10.0 && errors >= 10.0 && squares >= 10.0,
                "{name}, run {run}: LRE {parameters:.1} of parameters, {errors:.1} of errors, {squares:.1} of squares"
            );
        }
    }
}

/// Without a start, from a box: each of the global methods, followed by Levenberg-Marquardt.
#[test]
fn searches_of_a_box_meet_the_certificates() {
    let mut right = [0; 3];
    for (name, deviations) in PROBLEMS {
        let done = run(&root().join(format!("experiments/nist/{name}_box.toml")), &[]);
        assert_eq!(done.records.len(), 3, "{name}: three optimizers");
        for (run, right) in right.iter_mut().enumerate() {
            let (parameters, errors, squares) = score(&done, run, deviations);
            let record = &done.records[run];
            println!("{name} {run}: {parameters:.1} {errors:.1} {squares:.1} {} {}", record.reason, record.evaluations);
            *right += usize::from(parameters >= 8.0 && errors >= 7.0 && squares >= 8.0);
        }
    }
    println!("differential_evolution, cma_es, genetic: {right:?} of 15");
    assert!(right.iter().all(|right| *right >= 14), "{right:?} of 15");
}

/// The certified standard errors of the experiments are those above.
#[test]
fn the_experiments_state_the_certified_errors() {
    for (name, deviations) in PROBLEMS {
        for suffix in ["", "_box"] {
            let done = run(
                &root().join(format!("experiments/nist/{name}{suffix}.toml")),
                &[("optimizer", r#"[{ method = "levenberg_marquardt" }]"#), ("budget.evaluations", "1")],
            );
            let stated = &done.plan.expected(0).unwrap().standard_errors;
            let stated: Vec<f64> = stated.iter().map(|(_, value)| *value).collect();
            assert_eq!(stated, *deviations, "{name}{suffix}");
        }
    }
}

/// With differences: every problem from both starts to six digits by central ones; forward ones lose more.
#[test]
fn differences_lose_digits_but_find_the_minimum() {
    let optimizers = r#"[{ method = "levenberg_marquardt" }]"#;
    for (method, wanted, least) in [("central_difference", 30, 6.0), ("forward_difference", 29, 5.5)] {
        let methods = format!("[\"{method}\"]");
        let scores: Vec<f64> = problems(&methods, optimizers)
            .iter()
            .flat_map(|(_, done, deviations)| (0..2).map(|run| score(done, run, deviations).0))
            .collect();
        let right = scores.iter().filter(|lre| **lre >= least).count();
        println!("{method}: {right} of 30 to {least} digits; {scores:.1?}");
        assert!(right >= wanted, "{method}: {right} of 30");
    }
}

/// The other methods, from the nearer start.
#[test]
fn the_other_methods_meet_the_certificates_from_the_nearer_start() {
    for (method, wanted) in [("gauss_newton", 15), ("trust_region", 13), ("bfgs", 13), ("lbfgs", 13), ("newton_cg", 12)]
    {
        let optimizers = format!("[{{ method = \"{method}\" }}]");
        let mut right = 0;
        for (name, done, deviations) in problems(r#"["reverse"]"#, &optimizers) {
            let (parameters, errors, _) = score(&done, 1, deviations);
            let good = parameters >= 7.0 && errors >= 6.0;
            right += usize::from(good);
            if !good {
                let record = &done.records[1];
                println!("{method} on {name}: {parameters:.1} {errors:.1} {} {}", record.reason, record.evaluations);
            }
        }
        println!("{method}: {right} of 15");
        assert!(right >= wanted, "{method}: {right} of 15");
    }
}
