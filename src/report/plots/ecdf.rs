//! `ecdf.svg` and `ecdf_seconds.svg`: the share of runs and targets reached within a runtime, in work and in seconds.

use std::io;

use kuva::plot::LinePlot;
use kuva::render::plots::Plot;

use super::axis::{Linear, Logarithmic};
use super::{Picture, colour, dash, layout, name, plain};
use crate::report::Results;
use crate::report::compared::{Compared, Row};
use crate::report::runtime;

/// Points of a curve: enough to look smooth.
const POINTS: usize = 120;

/// A curve per row: runtimes, each with the share that is reached within it.
type Curves = Vec<Vec<(f64, f64)>>;

/// Against work, and against seconds.
pub(super) fn draw(results: &Results, shown: &Compared) -> io::Result<[Option<Picture>; 2]> {
    let rows: Vec<&Row> = super::rows(shown).take(24).collect();
    let Some(answer) = &shown.answer else { return Ok([None, None]) };
    let precisions = &shown.precisions.all();
    let mut against: [Curves; 2] = Default::default();
    for row in &rows {
        let ([_, work, seconds], pairs) = runtime::reached(row, results.records, answer, precisions)?;
        for (curves, runtimes) in against.iter_mut().zip([work, seconds]) {
            let points = super::thinned(runtimes.len(), POINTS).into_iter();
            let points = points.map(|i| (runtimes[i], (i + 1) as f64 / pairs as f64));
            curves.push(points.filter(|(runtime, _)| *runtime > 0.0).collect());
        }
    }
    let [work, seconds] = against;
    let caption = "gradients at what they cost, by the operations that they take";
    let label = format!("evaluations of the loss ({caption})");
    let picture = |curves, file, title, label: &str| picture(results, &rows, precisions, curves, file, title, label);
    Ok([
        picture(work, "ecdf.svg", "Targets reached, against work", &label),
        picture(seconds, "ecdf_seconds.svg", "Targets reached, against time", "seconds"),
    ])
}

fn picture(
    results: &Results,
    rows: &[&Row],
    precisions: &[f64],
    curves: Curves,
    file: &'static str,
    title: &'static str,
    label: &str,
) -> Option<Picture> {
    let variant = rows.first()?.variant;
    let along = Logarithmic::over(curves.iter().flatten().map(|(runtime, _)| *runtime))?;
    let end = curves.iter().flatten().map(|(runtime, _)| *runtime).fold(0.0, f64::max);
    let mut plots: Vec<Plot> = Vec::new();
    for ((row, curve), (hue, stroke)) in rows.iter().zip(&curves).zip(super::convergence::styles(rows)) {
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
