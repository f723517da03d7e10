//! `step_size.svg`: the error of the methods that have a step, against the step; drawn where a sweep varies it.

use kuva::plot::LinePlot;
use kuva::plot::scatter::ScatterPlot;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::{Picture, colour, dash, layout, marker, plain};
use crate::report::Results;
use crate::report::comparison::median;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let mut methods: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for derivative in results.derivatives.iter().map(|measurement| &measurement.derivative) {
        let Some(step) = derivative.step.filter(|step| *step > 0.0 && step.is_finite()) else { continue };
        if !derivative.max_relative_error.is_finite() {
            continue;
        }
        // An error of nothing at all is drawn at the last bit.
        let point = (step, derivative.max_relative_error.max(1e-17));
        match methods.iter_mut().find(|(name, _)| *name == derivative.method) {
            Some((_, points)) => points.push(point),
            None => methods.push((&derivative.method, vec![point])),
        }
    }
    let curves: Vec<(&str, Vec<(f64, f64)>)> =
        methods.into_iter().filter_map(|(name, points)| Some((name, curve(&points)?))).collect();
    let along = Logarithmic::over(curves.iter().flat_map(|(_, curve)| curve).map(|point| point.0))?;
    let up = Logarithmic::over(curves.iter().flat_map(|(_, curve)| curve).map(|point| point.1))?;
    let mut plots: Vec<Plot> = Vec::new();
    for (i, (name, curve)) in curves.into_iter().enumerate() {
        let curve: Vec<(f64, f64)> = curve.into_iter().map(|(x, y)| (along.at(x), up.at(y))).collect();
        let line = LinePlot::new().with_data(curve.clone()).with_color(colour(i)).with_line_style(dash(i));
        plots.push(line.with_stroke_width(2.0).with_legend(plain(name)).into());
        let marks = ScatterPlot::new().with_data(curve).with_color(colour(i)).with_size(4.0).with_marker(marker(i));
        plots.push(marks.into());
    }
    let layout =
        layout(&plots).with_width(820.0).with_height(440.0).with_x_label("step").with_y_label("largest relative error");
    let layout = along.on_x(up.on_y(layout));
    Some(Picture {
        file: "step_size.svg",
        title: "Error against step",
        caption:
            "Median over the points of the largest relative error of the gradient. On the right the truncation of \
                  the difference, on the left the rounding."
                .to_string(),
        svg: super::draw(plots, layout),
    })
}

/// The median error at each step, the steps ascending; None for fewer than three steps.
fn curve(points: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let mut steps: Vec<f64> = points.iter().map(|point| point.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let middle = |step: &f64| {
        let mut errors: Vec<f64> = points.iter().filter(|point| point.0 == *step).map(|point| point.1).collect();
        median(&mut errors).filter(|error| error.is_finite()).map(|error| (*step, error))
    };
    (steps.len() >= 3).then(|| steps.iter().filter_map(middle).collect())
}
