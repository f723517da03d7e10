//! `cost.svg`: what a gradient costs, as a multiple of the loss, along each numeric axis; of a Jacobian the time itself, and
//! where forward and reverse mode cross. Depends on time.
//!
//! Along the number of parameters the bounds of Griewank & Walther (Evaluating Derivatives, 2nd ed., sections 4.4 and
//! 4.5) are drawn beside the curves: a reverse gradient costs at most 4 times the value, n tangents at most 1 + 1.5 n.

use kuva::plot::{LegendPosition, LinePlot, LineStyle};
use kuva::render::annotations::ReferenceLine;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::series::{Along, Scale, along, line};
use super::{FAINT, Picture, layout, plain};
use crate::experiment::Of;
use crate::record::Derivative;
use crate::report::Results;
use crate::report::compared::median;
use crate::report::numbers::short;

/// Panels beside each other.
const PANELS: usize = 2;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let jacobian = results.experiment.differentiation.compare.of == Of::Jacobian;
    let along = along(results);
    let panels: Vec<Panel> = along.iter().take(PANELS).filter_map(|along| panel(along, jacobian)).collect();
    if panels.is_empty() {
        return None;
    }
    let mut notes: Vec<String> = along
        .iter()
        .filter(|along| !along.held.is_empty())
        .map(|along| format!(" Along {} at {}.", along.path, along.at()))
        .collect();
    if !jacobian && along.iter().any(Along::is_dimension) {
        notes.push(
            " Grey: the bounds of Griewank & Walther, 4 for a reverse gradient and 1 + 1.5 n for n tangents.".into(),
        );
    }
    let crossings = panels.iter().filter_map(|panel| panel.crossing.as_ref());
    notes.extend(crossings.map(|(path, x)| format!(" Forward and reverse mode cross near {path} = {}.", short(*x, 2))));
    let count = panels.len();
    let (plots, layouts): (Vec<_>, Vec<_>) = panels.into_iter().map(|panel| (panel.plots, panel.layout)).unzip();
    let width = if count == 1 { 640.0 } else { 500.0 };
    let figure = Figure::new(1, count).with_spacing(10.0).with_padding(8.0).with_cell_size(width, 430.0);
    let svg = super::draw_figure(figure.with_plots(plots).with_layouts(layouts).with_shared_legend());
    let (title, what) = match jacobian {
        true => ("Cost of the Jacobian", "Time of the outputs and their Jacobian, medians over the points."),
        false => ("Cost of the gradient", "Time of a gradient over the time of the loss, medians over the points."),
    };
    Some(Picture { file: "cost.svg", title, caption: format!("{what}{}", notes.concat()), svg })
}

struct Panel {
    plots: Vec<Plot>,
    layout: Layout,
    /// The axis, and where on it forward and reverse mode cost the same.
    crossing: Option<(String, f64)>,
}

/// The time of a Jacobian, the cost ratio of a gradient.
fn cost(rows: &[&Derivative], jacobian: bool) -> Option<f64> {
    let of = |d: &&Derivative| if jacobian { d.gradient_ns * 1e-3 } else { d.gradient_ns / d.value_ns };
    median(&mut rows.iter().map(of).collect::<Vec<f64>>()).filter(|cost| cost.is_finite() && *cost > 0.0)
}

/// Where two curves over the same numbers cross first, by straight lines in the drawn coordinates.
fn crossing(a: &[(f64, f64)], b: &[(f64, f64)]) -> Option<f64> {
    let gap = |(x, y): &(f64, f64)| b.iter().find(|other| other.0 == *x).map(|other| (*x, y - other.1));
    let gaps: Vec<(f64, f64)> = a.iter().filter_map(gap).collect();
    let pair = gaps.windows(2).find(|pair| pair[0].1 * pair[1].1 < 0.0)?;
    let share = pair[0].1 / (pair[0].1 - pair[1].1);
    Some(pair[0].0 + share * (pair[1].0 - pair[0].0))
}

fn panel(along: &Along, jacobian: bool) -> Option<Panel> {
    let numbers: Vec<f64> = along.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).collect();
    let across = Scale::over(&numbers);
    let curves: Vec<Vec<(f64, f64)>> = along
        .curves
        .iter()
        .map(|curve| curve.points.iter().filter_map(|(x, rows)| Some((*x, cost(rows, jacobian)?))).collect())
        .collect();
    let least = if jacobian { None } else { Some(1.0) };
    let up = Logarithmic::over(curves.iter().flatten().map(|point| point.1).chain(least))?;
    let mut plots: Vec<Plot> = Vec::new();
    if along.is_dimension() && !jacobian {
        let mut grid = numbers.clone();
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        for (label, dash, (fixed, each)) in [("bound 1 + 1.5 n", "6 4", (1.0, 1.5)), ("bound 4", "2 3", (4.0, 0.0))] {
            let points = grid.iter().map(|n| (across.at(*n), up.at(fixed + each * n)));
            let line = LinePlot::new().with_data(points).with_color(FAINT).with_stroke_width(1.5);
            plots.push(line.with_line_style(LineStyle::Custom(dash.into())).with_legend(label).into());
        }
    }
    let mut drawn: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for (curve, points) in along.curves.iter().zip(curves).filter(|(_, points)| !points.is_empty()) {
        let points: Vec<(f64, f64)> = points.into_iter().map(|(x, y)| (across.at(x), up.at(y))).collect();
        drawn.push((curve.method, points.clone()));
        plots.extend(line(&curve.label, curve.method, curve.stroke, points));
    }
    let of = |method: &str| drawn.iter().find(|(name, _)| *name == method).map(|(_, points)| points);
    let crossing = of("forward").zip(of("reverse")).filter(|_| jacobian).and_then(|(a, b)| crossing(a, b));
    let label = if jacobian { "time of the Jacobian / µs" } else { "time of the gradient / time of the loss" };
    let layout = layout(&plots).with_legend_position(LegendPosition::OutsideRightTop);
    let layout = across.on_x(up.on_y(layout.with_x_label(plain(along.path)).with_y_label(label)));
    let layout = match crossing {
        Some(x) => layout.with_reference_line(ReferenceLine::vertical(x).with_color(FAINT)),
        None => layout,
    };
    Some(Panel { plots, layout, crossing: crossing.map(|x| (along.path.to_string(), across.back(x))) })
}
