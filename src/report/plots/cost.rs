//! `cost.svg`: what a gradient costs, as a multiple of the loss, along each numeric axis. Depends on time.
//!
//! Along the number of parameters the bounds of Griewank & Walther (Evaluating Derivatives, 2nd ed., sections 4.4 and
//! 4.5) are drawn beside the curves: a reverse gradient costs at most 4 times the value, n tangents at most 1 + 1.5 n.

use kuva::plot::{LegendPosition, LinePlot, LineStyle};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::series::{Along, Scale, along, line};
use super::{FAINT, Picture, layout, plain};
use crate::record::Derivative;
use crate::report::Results;
use crate::report::comparison::median;

/// Panels beside each other.
const PANELS: usize = 2;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let along = along(results);
    let panels: Vec<(Vec<Plot>, Layout)> = along.iter().take(PANELS).filter_map(panel).collect();
    if panels.is_empty() {
        return None;
    }
    let count = panels.len();
    let (plots, layouts): (Vec<_>, Vec<_>) = panels.into_iter().unzip();
    let width = if count == 1 { 640.0 } else { 500.0 };
    let figure = Figure::new(1, count).with_spacing(10.0).with_padding(8.0).with_cell_size(width, 430.0);
    let svg = super::draw_figure(figure.with_plots(plots).with_layouts(layouts).with_shared_legend());
    let held: Vec<String> =
        along.iter().filter(|a| !a.held.is_empty()).map(|a| format!("{} at {}", a.path, a.at())).collect();
    let held = if held.is_empty() { String::new() } else { format!(" Shown along {}.", held.join("; along ")) };
    let bounds = if along.iter().any(Along::is_dimension) {
        " Grey: the bounds of Griewank & Walther, 4 for a reverse gradient and 1 + 1.5 n for n tangents."
    } else {
        ""
    };
    Some(Picture {
        file: "cost.svg",
        title: "Cost of the gradient",
        caption: format!("Time of a gradient over the time of the loss, medians over the points.{bounds}{held}"),
        svg,
    })
}

fn ratio(rows: &[&Derivative]) -> Option<f64> {
    let mut ratios: Vec<f64> = rows.iter().map(|d| d.gradient_ns / d.value_ns).collect();
    median(&mut ratios).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
}

fn panel(along: &Along) -> Option<(Vec<Plot>, Layout)> {
    let numbers: Vec<f64> = along.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).collect();
    let across = Scale::over(&numbers);
    let curves: Vec<Vec<(f64, f64)>> = along
        .curves
        .iter()
        .map(|curve| curve.points.iter().filter_map(|(x, rows)| Some((*x, ratio(rows)?))).collect())
        .collect();
    let up = Logarithmic::over(curves.iter().flatten().map(|point| point.1).chain([1.0]))?;
    let mut plots: Vec<Plot> = Vec::new();
    if along.is_dimension() {
        let mut grid = numbers.clone();
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        for (label, dash, (fixed, each)) in [("bound 1 + 1.5 n", "6 4", (1.0, 1.5)), ("bound 4", "2 3", (4.0, 0.0))] {
            let points = grid.iter().map(|n| (across.at(*n), up.at(fixed + each * n)));
            let line = LinePlot::new().with_data(points).with_color(FAINT).with_stroke_width(1.5);
            plots.push(line.with_line_style(LineStyle::Custom(dash.into())).with_legend(label).into());
        }
    }
    for (curve, points) in along.curves.iter().zip(curves).filter(|(_, points)| !points.is_empty()) {
        let points = points.into_iter().map(|(x, y)| (across.at(x), up.at(y))).collect();
        plots.extend(line(&curve.label, curve.method, curve.stroke, points));
    }
    let layout = layout(&plots).with_legend_position(LegendPosition::OutsideRightTop);
    let layout = layout.with_x_label(plain(along.path)).with_y_label("time of the gradient / time of the loss");
    Some((plots, across.on_x(up.on_y(layout))))
}
