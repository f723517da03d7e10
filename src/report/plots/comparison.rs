//! `comparison.svg`: where every run of every optimizer and method ended, as the excess over the lowest loss known.

use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::{DARK, FAINT, Picture, colour, layout, name, plain, thinned};
use crate::report::Results;
use crate::report::compared::{Compared, Row, median};

/// Rows that fit on a page.
const ROWS: usize = 40;

/// Runs of a row that can be told apart.
const RUNS: usize = 60;

pub(super) fn draw(results: &Results, shown: &Compared) -> Option<Picture> {
    let rows: Vec<&Row> = super::rows(shown).take(ROWS).collect();
    let variant = rows.first()?.variant;
    let answer = shown.answer.as_ref()?;
    let floor = (answer.loss.abs() * 1e-16).max(1e-20);
    let hues = super::convergence::styles(&rows);
    let mut plots: Vec<Plot> = Vec::new();
    let mut middles = Vec::new();
    let mut labels = Vec::new();
    let excess = |index: &usize| {
        let loss = results.records.loss(*index)?;
        Some((loss - answer.loss).max(floor)).filter(|excess| excess.is_finite())
    };
    let target = Some(answer.target() - answer.loss).filter(|target| target.is_finite() && *target > 0.0);
    let along = Logarithmic::over(rows.iter().flat_map(|row| &row.members).filter_map(excess).chain(target))?;
    for (place, row) in rows.iter().enumerate() {
        let height = (rows.len() - place) as f64;
        let mut all: Vec<f64> = row.members.iter().filter_map(excess).collect();
        all.sort_by(f64::total_cmp);
        let kept: Vec<f64> = thinned(all.len(), RUNS).into_iter().map(|i| all[i]).collect();
        if let Some(middle) = median(&mut all) {
            // Runs are spread across their row, in the order of their losses, so that equal ones stay visible.
            let spread = |i: usize| ((i * 7) % 13) as f64 / 13.0 * 0.5 - 0.23;
            let points = kept.iter().enumerate().map(|(i, excess)| (along.at(*excess), height + spread(i)));
            let dots = ScatterPlot::new().with_data(points).with_color(colour(hues[place].0)).with_size(3.0);
            plots.push(dots.with_marker_opacity(0.6).into());
            middles.push((along.at(middle), height));
        }
        labels.push(plain(&format!("{}  {}/{}", name(row), row.reached, row.members.len())));
    }
    if middles.is_empty() {
        return None;
    }
    let marks = ScatterPlot::new().with_data(middles).with_color(DARK).with_size(5.5).with_marker(MarkerShape::Diamond);
    plots.push(marks.into());
    labels.reverse();
    let layout = layout(&plots)
        .with_y_categories(labels)
        .with_y_axis_min(0.5)
        .with_y_axis_max(rows.len() as f64 + 0.5)
        .with_width(900.0)
        .with_height(120.0 + 30.0 * rows.len() as f64)
        .with_x_label("final loss − lowest loss known");
    let layout = match target {
        Some(target) => layout.with_reference_line(ReferenceLine::vertical(along.at(target)).with_color(FAINT)),
        None => layout,
    };
    let layout = along.on_x(layout);
    Some(Picture {
        file: "comparison.svg",
        title: "Where the runs ended",
        caption: format!(
            "Each dot is a run, the diamond the median of those with an answer; beside the name how many of the runs \
             reached the target, the dashed line.{}",
            super::at(results.plan, variant)
        ),
        svg: super::draw(plots, layout),
    })
}
