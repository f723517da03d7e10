//! `ecdf.svg` and `ecdf_seconds.svg`: the share of runs and targets reached within a runtime, in work and in seconds.

use kuva::plot::LinePlot;
use kuva::render::plots::Plot;

use super::axis::{Linear, Logarithmic};
use super::{Picture, colour, dash, layout, name, plain, shown};
use crate::report::Results;
use crate::report::comparison::{Comparison, Row};
use crate::report::runtime::{self, Runtime};

/// Points of a curve: enough to look smooth.
const POINTS: usize = 120;

pub(super) fn work(results: &Results, comparison: &Comparison) -> Option<Picture> {
    let caption = "gradients at what they cost, by the operations that they take";
    let label = format!("evaluations of the loss ({caption})");
    draw(results, comparison, "ecdf.svg", "Targets reached, against work", &label, |runtime| runtime.work)
}

pub(super) fn seconds(results: &Results, comparison: &Comparison) -> Option<Picture> {
    let title = "Targets reached, against time";
    draw(results, comparison, "ecdf_seconds.svg", title, "seconds", |runtime| runtime.seconds)
}

fn draw(
    results: &Results,
    comparison: &Comparison,
    file: &'static str,
    title: &'static str,
    label: &str,
    part: fn(Runtime) -> f64,
) -> Option<Picture> {
    let rows: Vec<&Row> = shown(results, comparison).into_iter().take(24).collect();
    let variant = rows.first()?.variant;
    let answer = comparison.answers.get(variant)?.as_ref()?;
    let precisions = &comparison.precisions[variant];
    let curves: Vec<Vec<(f64, f64)>> = rows
        .iter()
        .map(|row| {
            let (runtimes, pairs) = runtime::reached(row, results.records, answer, precisions, part);
            let points = super::thinned(runtimes.len(), POINTS).into_iter();
            let points = points.map(|i| (runtimes[i], (i + 1) as f64 / pairs as f64));
            points.filter(|(runtime, _)| *runtime > 0.0).collect()
        })
        .collect();
    let along = Logarithmic::over(curves.iter().flatten().map(|(runtime, _)| *runtime))?;
    let end = curves.iter().flatten().map(|(runtime, _)| *runtime).fold(0.0, f64::max);
    let mut plots: Vec<Plot> = Vec::new();
    for ((row, curve), (hue, stroke)) in rows.iter().zip(&curves).zip(super::convergence::styles(&rows)) {
        // A curve goes on at its last share to the end of the picture.
        let last = curve.last().map(|(_, share)| (end, *share));
        let points = curve.iter().copied().chain(last).map(|(runtime, share)| (along.at(runtime), share));
        let line = LinePlot::new().with_data(points).with_step().with_color(colour(hue)).with_stroke_width(2.0);
        plots.push(line.with_line_style(dash(stroke)).with_legend(plain(&name(row))).into());
    }
    let layout = layout(&plots)
        .with_width(860.0)
        .with_height(480.0)
        .with_x_label(label)
        .with_y_label("share of runs and targets reached");
    let layout = along.on_x(Linear::over([0.0, 1.0], 5.0).on_y(layout));
    let short = |x: f64| super::numbers::short(x, 2);
    Some(Picture {
        file,
        title,
        caption: format!(
            "Of all pairs of a run and one of {} targets, from {} to {} above the lowest loss known, the share that is \
             reached (empirical distribution of runtimes). Further left is faster, higher is more reliable.{}",
            precisions.len(),
            short(precisions.first().copied().unwrap_or(f64::NAN)),
            short(precisions.last().copied().unwrap_or(f64::NAN)),
            super::at(results.plan, variant)
        ),
        svg: super::draw(plots, layout),
    })
}
