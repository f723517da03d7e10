//! `accuracy_cost.svg`: how many digits of the gradient each differentiation method gives, and what they cost.
//!
//! The one picture that depends on time.

use kuva::plot::scatter::ScatterPlot;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::{Picture, colour, layout, marker, plain, thinned};
use crate::record::Derivative;
use crate::report::Results;
use crate::report::compared::median;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let mut methods: Vec<(&str, Vec<&Derivative>)> = Vec::new();
    for derivative in &results.derivatives.rows {
        match methods.iter_mut().find(|(name, _)| *name == derivative.method) {
            Some((_, points)) => points.push(derivative),
            None => methods.push((&derivative.method, vec![derivative])),
        }
    }
    let points = |derivatives: &[&Derivative]| -> Vec<(f64, f64)> {
        let points = derivatives.iter().map(|d| (d.gradient_ns / d.value_ns, d.digits.clamp(0.0, 17.0)));
        points.filter(|(cost, digits)| cost.is_finite() && *cost > 0.0 && digits.is_finite()).collect()
    };
    // Every method costs at least nothing more than the loss: 1 belongs to the axis.
    let costs = methods.iter().flat_map(|(_, derivatives)| points(derivatives)).map(|point| point.0);
    let along = Logarithmic::over(costs.chain([1.0]))?;
    let (mut plots, mut marks): (Vec<Plot>, Vec<Plot>) = (Vec::new(), Vec::new());
    for (name, derivatives) in &methods {
        let i = super::series::place(name);
        let points = points(derivatives);
        let mut costs: Vec<f64> = points.iter().map(|point| point.0).collect();
        let mut digits: Vec<f64> = points.iter().map(|point| point.1).collect();
        let (Some(cost), Some(accuracy)) = (median(&mut costs), median(&mut digits)) else { continue };
        if points.len() > 1 {
            let some = thinned(points.len(), 60).into_iter().map(|i| (along.at(points[i].0), points[i].1));
            let cloud = ScatterPlot::new().with_data(some).with_color(colour(i)).with_size(2.5);
            plots.push(cloud.with_marker_opacity(0.25).into());
        }
        let middle = ScatterPlot::new().with_data([(along.at(cost), accuracy)]).with_color(colour(i)).with_size(7.0);
        marks.push(middle.with_marker(marker(i)).with_legend(plain(name)).into());
    }
    if marks.is_empty() {
        return None;
    }
    plots.append(&mut marks);
    let layout = layout(&plots)
        .with_width(820.0)
        .with_height(440.0)
        .with_x_label("time of the gradient / time of the loss")
        .with_y_label("correct digits")
        .with_y_axis_min(0.0)
        .with_y_axis_max(17.5)
        .with_y_tick_step(2.0);
    let layout = along.on_x(layout);
    Some(Picture {
        file: "accuracy_cost.svg",
        title: "Accuracy against cost of the differentiation methods",
        caption: "Correct digits of the worst component of the gradient, against high-precision arithmetic; the large \
                  mark is the median over the points, the small ones are the points."
            .to_string(),
        svg: super::draw(plots, layout),
    })
}
