//! The comparison of the differentiation methods: `derivatives.csv`, `gradients.csv`, and the rows that people read.

use std::io::{self, Write};

use super::Results;
use super::compared::median;
use super::numbers::{duration, exact, field, short};
use super::summary::Cells;
use super::tables::{Rows, axes, words};
use crate::record::Derivative;

/// `derivatives.csv`: the axes follow the fixed columns.
pub(super) fn table(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let fixed = [
        "differentiation",
        "point",
        "parameters",
        "outputs",
        "step",
        "max_relative_error",
        "median_relative_error",
        "digits",
        "value_ns",
        "gradient_ns",
        "cost_ratio",
        "operations",
        "expression_nodes",
    ];
    let mut header = words(&fixed);
    header.extend(axes(results.plan, &fixed));
    let mut rows = Rows::new(out, &header)?;
    for d in &results.derivatives.rows {
        let mut fields = vec![d.method.clone()];
        fields.extend([d.point, d.parameters, d.outputs].map(|count| count.to_string()));
        fields.push(field(d.step));
        let cost_ratio = d.gradient_ns / d.value_ns;
        let numbers = [d.max_relative_error, d.median_relative_error, d.digits, d.value_ns, d.gradient_ns, cost_ratio];
        fields.extend(numbers.map(exact));
        fields.push(d.operations.to_string());
        fields.push(d.expression_nodes.map(|count| count.to_string()).unwrap_or_default());
        fields.extend(d.axes.iter().map(|value| value.clone().unwrap_or_default()));
        rows.write(&fields)?;
    }
    rows.end()
}

/// `gradients.csv`: the axes stand first.
pub(super) fn gradients(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let fixed = ["differentiation", "point", "parameter", "value", "loss", "derivative", "reference", "digits"];
    let mut header = axes(results.plan, &fixed);
    header.extend(words(&fixed));
    let mut rows = Rows::new(out, &header)?;
    for d in &results.derivatives.rows {
        for component in &d.components {
            let mut fields: Vec<String> = d.axes.iter().map(|value| value.clone().unwrap_or_default()).collect();
            fields.extend([d.method.clone(), d.point.to_string(), component.parameter.clone()]);
            let numbers =
                [component.value, d.loss, component.derivative, component.reference, component.digits].map(exact);
            fields.extend(numbers);
            rows.write(&fields)?;
        }
    }
    rows.end()
}

/// The axis of the step: measured by `step`, and drawn by itself.
pub(super) const STEP: &str = "differentiation.step";

/// Whether an axis is a setting of the methods: the step has a column of its own, forms are in the method's name.
pub(super) fn of_method(path: &str) -> bool {
    path.starts_with("differentiation.")
}

/// The axes along which a quantity can be drawn: their values are at least three different numbers. With the numbers,
/// ascending.
pub(super) fn numeric_axes(results: &Results) -> Vec<(usize, Vec<f64>)> {
    let of = |axis: usize| {
        let values = results.derivatives.rows.iter().filter_map(|d| d.axes.get(axis)?.as_ref());
        let mut numbers = values.map(|value| value.parse::<f64>().ok()).collect::<Option<Vec<f64>>>()?;
        numbers.retain(|x| x.is_finite());
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        (numbers.len() >= 3).then_some((axis, numbers))
    };
    (0..results.plan.axes.len()).filter_map(of).collect()
}

/// Rows of the table that people read, and how many of its rows were left out.
pub(super) struct Table {
    pub cells: Cells,
    /// Columns of words.
    pub left: usize,
    pub left_out: usize,
}

/// One row per method, step and combination of the axes, medians over the points; no more than about `most`: of axes with
/// many numbers, some evenly spread.
pub(super) fn rows(results: &Results, most: usize) -> Table {
    type Key<'a> = (&'a str, &'a [Option<String>], Option<u64>);
    let mut groups: Vec<(Key, Vec<&Derivative>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for d in &results.derivatives.rows {
        let key: Key = (&d.method, &d.axes, d.step.map(f64::to_bits));
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[place].1.push(d);
    }
    let all = groups.len();
    let mut numeric = numeric_axes(results);
    let kept = |groups: &[(Key, Vec<&Derivative>)], numeric: &[(usize, Vec<f64>)]| -> Vec<usize> {
        let keeps = |key: &Key| {
            numeric.iter().all(|(axis, values)| match &key.1[*axis] {
                Some(text) => text.parse().is_ok_and(|x: f64| values.contains(&x)),
                None => true,
            })
        };
        (0..groups.len()).filter(|i| keeps(&groups[*i].0)).collect()
    };
    let whole = numeric.clone();
    let mut shown = kept(&groups, &numeric);
    while shown.len() > most {
        let Some(longest) = (0..numeric.len()).max_by_key(|i| numeric[*i].1.len()) else { break };
        let fewer = numeric[longest].1.len() - 1;
        if fewer < 3 {
            break;
        }
        let values = &whole[longest].1;
        numeric[longest].1 = (0..fewer).map(|i| values[i * (values.len() - 1) / (fewer - 1)]).collect();
        shown = kept(&groups, &numeric);
    }
    shown.truncate(most);
    let nodes = groups.iter().any(|(_, members)| members[0].expression_nodes.is_some());
    let mut header = words(&["differentiation"]);
    let axes: Vec<usize> = (0..results.plan.axes.len()).filter(|axis| !of_method(&results.plan.axes[*axis])).collect();
    header.extend(axes.iter().map(|axis| results.plan.axes[*axis].clone()));
    let left = header.len();
    header.extend(words(&["points", "step", "digits", "worst", "operations"]));
    if nodes {
        header.push("nodes".to_string());
    }
    header.extend(words(&["gradient", "gradient/loss"]));
    let mut cells: Cells = vec![header];
    for index in &shown {
        let (_, members) = &groups[*index];
        let first = members[0];
        let of = |value: fn(&Derivative) -> f64| members.iter().map(|d| value(d)).collect::<Vec<f64>>();
        let middle = |value: fn(&Derivative) -> f64, show: &dyn Fn(f64) -> String| {
            median(&mut of(value)).map_or(String::new(), show)
        };
        let worst = of(|d| d.digits).into_iter().fold(f64::INFINITY, f64::min);
        let mut line = vec![first.method.clone()];
        line.extend(axes.iter().map(|axis| first.axes[*axis].clone().unwrap_or("–".to_string())));
        line.extend([
            members.len().to_string(),
            first.step.map_or("–".to_string(), |step| if step < 1e-15 { exact(step) } else { short(step, 2) }),
            middle(|d| d.digits, &|x| format!("{x:.1}")),
            format!("{worst:.1}"),
            middle(|d| d.operations as f64, &|x| short(x, 6)),
        ]);
        if nodes {
            line.push(first.expression_nodes.map_or("–".to_string(), |nodes| nodes.to_string()));
        }
        line.push(middle(|d| d.gradient_ns, &|x| duration(x * 1e-9)));
        line.push(middle(|d| d.gradient_ns / d.value_ns, &|x| short(x, 3)));
        cells.push(line);
    }
    Table { cells, left, left_out: all - shown.len() }
}

/// What could not be differentiated, and why; the same reason once, with the first of its combinations.
pub(super) fn refusals(results: &Results) -> Vec<String> {
    let mut kinds: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for refusal in &results.derivatives.refusals {
        let pairs = results.plan.axes.iter().zip(&refusal.axes).filter(|(path, _)| !of_method(path));
        let at = pairs.filter_map(|(path, value)| Some(format!("{path} = {}", value.as_ref()?)));
        let at = at.collect::<Vec<_>>().join(", ");
        match kinds.iter_mut().find(|(method, reason, _)| *method == refusal.method && *reason == refusal.reason) {
            Some((_, _, places)) => places.push(at),
            None => kinds.push((&refusal.method, &refusal.reason, vec![at])),
        }
    }
    let line = |(method, reason, places): (&str, &str, Vec<String>)| {
        let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
        let at = if places[0].is_empty() { String::new() } else { format!(" ({}{more})", places[0]) };
        format!("no derivative by {method}: {reason}{at}")
    };
    kinds.into_iter().map(line).collect()
}
