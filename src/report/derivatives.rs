//! The accuracy and cost of the differentiation methods as people read it: one row per method and step, medians over the points.

use super::Results;
use super::comparison::median;
use super::numbers::{duration, exact, short};
use super::summary::Cells;
use crate::record::Derivative;

/// Nothing but a header where derivatives were not compared.
pub(super) fn rows(results: &Results) -> Cells {
    let header = ["differentiation", "points", "step", "digits", "worst", "operations", "gradient", "gradient/loss"];
    let mut cells: Cells = vec![header.into_iter().map(String::from).collect()];
    let mut groups: Vec<(&str, Option<f64>, Vec<&Derivative>)> = Vec::new();
    for d in results.derivatives.iter().map(|measurement| &measurement.derivative) {
        match groups.iter_mut().find(|(method, step, _)| *method == d.method && *step == d.step) {
            Some((_, _, members)) => members.push(d),
            None => groups.push((&d.method, d.step, vec![d])),
        }
    }
    for (method, step, members) in groups {
        let of = |value: fn(&Derivative) -> f64| members.iter().map(|d| value(d)).collect::<Vec<f64>>();
        let middle = |value: fn(&Derivative) -> f64, show: &dyn Fn(f64) -> String| {
            median(&mut of(value)).map_or(String::new(), show)
        };
        let worst = of(|d| d.digits).into_iter().fold(f64::INFINITY, f64::min);
        cells.push(vec![
            method.to_string(),
            members.len().to_string(),
            step.map_or("–".to_string(), |step| if step < 1e-15 { exact(step) } else { short(step, 2) }),
            middle(|d| d.digits, &|x| format!("{x:.1}")),
            format!("{worst:.1}"),
            middle(|d| d.operations as f64, &|x| short(x, 6)),
            middle(|d| d.gradient_ns, &|x| duration(x * 1e-9)),
            middle(|d| d.gradient_ns / d.value_ns, &|x| short(x, 3)),
        ]);
    }
    cells
}
