//! `intervals.svg`: a forest plot of the best run's intervals and the references, in standard errors from the estimate.

use std::io;

use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::plots::Plot;

use super::{DARK, FAINT, Picture, colour, layout, marker, numbers, plain};
use crate::plan::Run;
use crate::record::{Interval, Record};
use crate::report::Results;
use crate::report::comparison::Comparison;

/// The axis ends here at the latest, in standard errors; what lies beyond is drawn at the end and said in the label.
const WIDEST: f64 = 8.0;

/// Parameters beyond these have their intervals in `intervals.csv` only.
const PARAMETERS: usize = 24;

pub(super) fn draw(results: &Results, comparison: &Comparison) -> io::Result<Option<Picture>> {
    let Some(best) = comparison.best else { return Ok(None) };
    Ok(results.records.fetch(best)?.and_then(|record| picture(results, &results.plan.run(best), &record)))
}

fn picture(results: &Results, run: &Run, record: &Record) -> Option<Picture> {
    let experiment = results.plan.experiment(run.variant);
    let scalars = experiment.scalars();
    let mut methods: Vec<&str> = Vec::new();
    for interval in &record.intervals {
        if !methods.contains(&interval.method.as_str()) {
            methods.push(&interval.method);
        }
    }
    let parameters: Vec<(usize, f64, f64)> = (0..scalars.len())
        .filter_map(|place| {
            let own = record.intervals.iter().filter(|interval| interval.parameter == place);
            let (estimate, error) =
                own.filter(|i| i.estimate.is_finite()).filter_map(|i| Some((i.estimate, half_width(i)?))).next()?;
            Some((place, estimate, error))
        })
        .take(PARAMETERS)
        .collect();
    if parameters.is_empty() {
        return None;
    }
    let count = parameters.len();
    // The first parameter is at the top.
    let height = |row: usize| (count - row) as f64;
    let mut plots: Vec<Plot> = Vec::new();
    for (m, method) in methods.iter().enumerate() {
        let offset = (methods.len() as f64 - 1.0) / 2.0 - m as f64;
        let mut points = Vec::new();
        let mut arms = Vec::new();
        for (row, (place, estimate, error)) in parameters.iter().enumerate() {
            let own = record.intervals.iter().find(|i| i.parameter == *place && i.method == *method);
            let Some((lower, upper)) = own.and_then(|i| i.lower.zip(i.upper)) else { continue };
            let scaled = |x: f64| ((x - estimate) / error).clamp(-WIDEST, WIDEST);
            let middle = scaled(own.map_or(*estimate, |i| i.estimate));
            if middle.is_nan() || lower.is_nan() || upper.is_nan() {
                continue;
            }
            points.push((middle, height(row) + offset * (0.5 / methods.len() as f64)));
            arms.push((middle - scaled(lower), scaled(upper) - middle));
        }
        if !points.is_empty() {
            let forest = ScatterPlot::new().with_data(points).with_x_err_asymmetric(arms).with_color(colour(m));
            plots.push(forest.with_size(4.5).with_marker(marker(m)).with_legend(plain(method)).into());
        }
    }
    let mut labels = Vec::new();
    let mut references = Vec::new();
    for (row, (place, estimate, error)) in parameters.iter().enumerate() {
        let scalar = &scalars[*place];
        let unit = scalar.parameter.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
        labels.push(plain(&format!("{} = {}{unit}", scalar.name(), numbers::measured(*estimate, *error))));
        if let Some(reference) = scalar.reference() {
            references.push((((reference - estimate) / error).clamp(-WIDEST, WIDEST), height(row)));
        }
    }
    if !references.is_empty() {
        let marks = ScatterPlot::new().with_data(references).with_color(DARK).with_size(6.0);
        plots.push(marks.with_marker(MarkerShape::Cross).with_legend("reference").into());
    }
    labels.reverse();
    let zero = ReferenceLine { dasharray: String::new(), ..ReferenceLine::vertical(0.0).with_color(FAINT) };
    let layout = layout(&plots)
        .with_y_categories(labels)
        .with_reference_line(zero)
        .with_y_axis_min(0.5)
        .with_y_axis_max(count as f64 + 0.5)
        .with_width(900.0)
        .with_height(150.0 + 44.0 * count as f64)
        .with_x_label("deviation from the estimate, in standard errors");
    let level = record.intervals.first().map_or(0.0, |interval| interval.level);
    Some(Picture {
        file: "intervals.svg",
        title: "Estimates, intervals and references",
        caption: format!(
            "Intervals at level {}, in units of the standard error by the first method; crosses are references \
             (beyond {WIDEST} standard errors: at the edge).{}",
            numbers::exact(level),
            super::at(results.plan, run.variant)
        ),
        svg: super::draw(plots, layout),
    })
}

/// The standard error of an interval, or half its width where it has none.
fn half_width(interval: &Interval) -> Option<f64> {
    let width = || Some((interval.upper? - interval.lower?) / 2.0);
    interval.standard_error.or_else(width).filter(|error| error.is_finite() && *error > 0.0)
}
