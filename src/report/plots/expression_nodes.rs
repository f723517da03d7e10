//! `expression_nodes.svg`: how large the derivative becomes along an axis: nodes of an expression, operations of a program.

use super::axis::Logarithmic;
use super::series::{Scale, along, line};
use super::{Picture, layout};
use crate::record::Derivative;
use crate::report::Results;
use crate::report::compared::median;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    if results.derivatives.rows.iter().all(|d| d.expression_nodes.is_none()) {
        return None;
    }
    let along = along(results).into_iter().next()?;
    let size = |d: &Derivative| d.expression_nodes.unwrap_or(d.operations) as f64;
    let across = Scale::over(&along.curves.iter().flat_map(|c| &c.points).map(|point| point.0).collect::<Vec<_>>());
    let curves: Vec<Vec<(f64, f64)>> = along
        .curves
        .iter()
        .map(|curve| {
            let sizes = |rows: &[&Derivative]| median(&mut rows.iter().map(|d| size(d)).collect::<Vec<_>>());
            let points = curve.points.iter().filter_map(|(x, rows)| Some((*x, sizes(rows)?)));
            points.filter(|(_, size)| *size > 0.0).collect()
        })
        .collect();
    let up = Logarithmic::over(curves.iter().flatten().map(|point| point.1))?;
    let mut plots = Vec::new();
    for (curve, points) in along.curves.iter().zip(curves).filter(|(_, points)| !points.is_empty()) {
        let points = points.into_iter().map(|(x, y)| (across.at(x), up.at(y))).collect();
        plots.extend(line(&curve.label, curve.method, curve.stroke, points));
    }
    let layout = layout(&plots).with_width(900.0).with_height(460.0);
    let layout = layout.with_x_label(super::plain(along.path)).with_y_label("nodes, or operations");
    let held = if along.held.is_empty() { String::new() } else { format!(" Shown at {}.", along.at()) };
    Some(Picture {
        file: "expression_nodes.svg",
        title: "Size of the derivative",
        caption: format!(
            "Nodes of the expressions of the value and its derivatives for `symbolic`; for the others the operations of \
             one gradient.{held}"
        ),
        svg: super::draw(plots, across.on_x(up.on_y(layout))),
    })
}
