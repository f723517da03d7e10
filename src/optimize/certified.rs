//! Tests against certified answers: NIST's Chwirut2, and the Poisson fit to Bevington's silver counts.

use super::trial::{Setup, Trial, row, run};
use crate::math::elementary::{exp, lgamma, log, log10};
use crate::math::random::Stream;
use crate::math::statistics::median;

fn shared(path: &str) -> Option<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    let text = std::fs::read_to_string(&path);
    if text.is_err() {
        println!("skipped: {} is not there", path.display());
    }
    text.ok()
}

fn numbers(line: &str, separator: Option<char>) -> Vec<f64> {
    let words: Vec<&str> = match separator {
        Some(comma) => line.split(comma).collect(),
        None => line.split_whitespace().collect(),
    };
    words.iter().filter_map(|word| word.trim().parse().ok()).collect()
}

/// Least squares of exp(-b1 x)/(b2 + b3 x), its gradient, and (starts, certified values).
fn chwirut2() -> Option<(Trial, [Vec<f64>; 2], Vec<f64>)> {
    let text = shared("nist_strd/Chwirut2.dat")?;
    let table = shared("nist_strd/certified.csv")?;
    let data: Vec<Vec<f64>> =
        text.lines().skip(60).map(|line| numbers(line, None)).filter(|row| row.len() == 2).collect();
    assert_eq!(data.len(), 54);
    let (mut starts, mut certified) = ([Vec::new(), Vec::new()], Vec::new());
    for line in table.lines().filter(|line| line.starts_with("Chwirut2,")) {
        let words: Vec<&str> = line.split(',').collect();
        starts[0].push(words[7].parse().ok()?);
        starts[1].push(words[8].parse().ok()?);
        certified.push(words[9].parse().ok()?);
    }
    let loss = move |b: &[f64]| {
        let (mut sum, mut gradient) = (0.0, vec![0.0; 3]);
        for row in &data {
            let (y, x) = (row[0], row[1]);
            let below = b[1] + b[2] * x;
            let fit = exp(-b[0] * x) / below;
            let residual = y - fit;
            sum += residual * residual;
            gradient[0] += 2.0 * residual * fit * x;
            gradient[1] += 2.0 * residual * fit / below;
            gradient[2] += 2.0 * residual * fit * x / below;
        }
        (sum, gradient)
    };
    Some((Trial::new(3, loss), starts, certified))
}

/// -log10 of the largest relative error.
fn digits(found: &[f64], expected: &[f64]) -> f64 {
    found.iter().zip(expected).map(|(a, b)| -log10(((a - b) / b).abs().max(1e-17))).fold(17.0, f64::min)
}

#[test]
fn lbfgs_finds_chwirut2_from_both_starts() {
    let Some((problem, starts, certified)) = chwirut2() else { return };
    for start in starts {
        let (outcome, _) = run(row("lbfgs"), &problem, &Setup::new(start.clone(), Vec::new(), 1));
        let (point, loss) = outcome.best.clone().expect("a finite loss");
        println!(
            "chwirut2 from {start:?}: {:?}, {} evaluations, {} iterations, loss {loss:.12e}, digits {:.2}",
            outcome.reason,
            outcome.evaluations,
            outcome.iterations,
            digits(&point, &certified)
        );
        // The certified values have 11 digits.
        assert!(digits(&point, &certified) > 9.0, "{outcome:?}");
        assert!(outcome.evaluations < 300, "{outcome:?}");
    }
}

const PRIORS: [(f64, f64, bool); 5] =
    [(0.0, 50.0, false), (100.0, 10_000.0, true), (10.0, 1000.0, true), (5.0, 60.0, false), (60.0, 400.0, false)];
const SILVER: [f64; 5] = [11.04628, 961.3814, 127.6220, 34.23283, 211.6208];
const SILVER_LOSS: f64 = 191.95244;

/// A parameter and its derivative in u, the position in the prior's box (0 … 1), linear or logarithmic.
fn parameter(prior: (f64, f64, bool), u: f64) -> (f64, f64) {
    let (low, high, logarithmic) = prior;
    if logarithmic {
        let width = log(high / low);
        let value = exp(log(low) + u * width);
        (value, value * width)
    } else {
        (low + u * (high - low), high - low)
    }
}

/// The Poisson loss of background + a1 exp(-t/tau1) + a2 exp(-t/tau2); its coordinates are positions in the boxes of
/// the priors, or their logits.
fn silver(logit: bool) -> Option<Trial> {
    let text = shared("decay/bevington_silver.csv")?;
    let data: Vec<Vec<f64>> = text.lines().map(|line| numbers(line, Some(','))).filter(|row| row.len() == 2).collect();
    assert_eq!(data.len(), 59);
    let constant: f64 = data.iter().map(|row| lgamma(row[1] + 1.0)).sum();
    let loss = move |z: &[f64]| {
        let mut p = [(0.0, 0.0); 5];
        for ((p, prior), z) in p.iter_mut().zip(PRIORS).zip(z) {
            if logit {
                let (u, rest) = (1.0 / (1.0 + exp(-z)), 1.0 / (1.0 + exp(*z)));
                *p = parameter(prior, u);
                p.1 *= u * rest;
            } else {
                *p = parameter(prior, *z);
            }
        }
        let (mut sum, mut gradient) = (constant, vec![0.0; 5]);
        for row in &data {
            let (t, count) = (row[0], row[1]);
            let (e1, e2) = (exp(-t / p[3].0), exp(-t / p[4].0));
            let mean = p[0].0 + p[1].0 * e1 + p[2].0 * e2;
            sum += mean - count * log(mean);
            let slope = 1.0 - count / mean;
            gradient[0] += slope;
            gradient[1] += slope * e1;
            gradient[2] += slope * e2;
            gradient[3] += slope * p[1].0 * e1 * t / (p[3].0 * p[3].0);
            gradient[4] += slope * p[2].0 * e2 * t / (p[4].0 * p[4].0);
        }
        for (g, p) in gradient.iter_mut().zip(p) {
            *g *= p.1;
        }
        (sum, gradient)
    };
    Some(Trial::new(5, loss))
}

fn at(point: &[f64], logit: bool) -> Vec<f64> {
    let place = |z: &f64| if logit { 1.0 / (1.0 + exp(-z)) } else { *z };
    point.iter().zip(PRIORS).map(|(z, prior)| parameter(prior, place(z)).0).collect()
}

/// How many of 200 starts drawn from the priors end at the certified parameters to five digits, and the median number
/// of evaluations.
fn successes(name: &str, problem: &Trial, starts: u64) -> (u32, f64) {
    let (mut right, mut evaluations, mut reasons) = (0, Vec::new(), std::collections::BTreeMap::new());
    for seed in 0..starts {
        let mut stream = Stream::new(seed, "silver", "start");
        let start: Vec<f64> = (0..5).map(|_| stream.open()).map(|u| log(u / (1.0 - u))).collect();
        let (outcome, _) = run(row(name), problem, &Setup::new(start, Vec::new(), seed));
        let (point, _) = outcome.best.expect("a finite loss");
        let good = digits(&at(&point, true), &SILVER) > 5.0;
        right += u32::from(good);
        evaluations.push(outcome.evaluations as f64);
        *reasons.entry((good, format!("{:?}", outcome.reason))).or_insert(0) += 1;
    }
    let middle = median(&evaluations).unwrap_or(0.0);
    println!("silver by {name}: {right} of {starts}, median evaluations {middle}, {reasons:?}");
    (right, middle)
}

#[test]
fn lbfgs_finds_the_silver_lives_from_random_starts() {
    let Some(problem) = silver(true) else { return };
    let (right, evaluations) = successes("lbfgs", &problem, 200);
    assert!(right >= 180 && evaluations < 100.0);
    // From the medians of the priors, where every run of the shipped experiment begins.
    let (outcome, _) = run(row("lbfgs"), &problem, &Setup::new(vec![0.0; 5], Vec::new(), 1));
    let (point, loss) = outcome.best.expect("a finite loss");
    assert!(digits(&at(&point, true), &SILVER) > 6.0 && (loss - SILVER_LOSS).abs() < 1e-5, "{point:?} {loss}");
}

/// Forward differences: the same success, six evaluations a gradient, and an end at their own floor.
#[test]
fn lbfgs_finds_the_silver_lives_with_gradients_by_differences() {
    let Some(exact) = silver(true) else { return };
    let loss = move |z: &[f64]| {
        let value = (exact.loss)(z).0;
        let slope = |j: usize| {
            let mut moved = z.to_vec();
            moved[j] += 1.5e-8 * z[j].abs().max(1.0);
            ((exact.loss)(&moved).0 - value) / (moved[j] - z[j])
        };
        (value, (0..5).map(slope).collect())
    };
    let problem = Trial { gradient_evaluations: 6, ..Trial::new(5, loss) };
    let (right, evaluations) = successes("lbfgs", &problem, 100);
    assert!(right >= 80 && evaluations < 900.0);
}

#[test]
fn slower_methods_find_the_silver_lives_too() {
    let Some(problem) = silver(true) else { return };
    assert!(successes("gradient_descent", &problem, 40).0 >= 34);
    assert!(successes("nelder_mead", &problem, 40).0 >= 32);
}

#[test]
fn population_methods_find_the_silver_minimum() {
    let Some(problem) = silver(false) else { return };
    for (name, wanted) in [("differential_evolution", 1e-6), ("genetic", 1e-2)] {
        let (mut errors, mut evaluations) = (Vec::new(), Vec::new());
        for seed in 0..40 {
            let setup = Setup::new(vec![0.5; 5], vec![(0.0, 1.0); 5], seed);
            let (outcome, _) = run(row(name), &problem, &setup);
            let (_, loss) = outcome.best.expect("a finite loss");
            errors.push((loss - SILVER_LOSS).abs() / SILVER_LOSS);
            evaluations.push(outcome.evaluations as f64);
        }
        let worst = errors.iter().copied().fold(0.0, f64::max);
        println!(
            "silver {name}: worst {worst:.2e}, median {:.2e}, median evaluations {:?}",
            median(&errors).unwrap(),
            median(&evaluations)
        );
        assert!(worst < wanted, "{name}: {errors:?}");
    }
}
