//! The curves of the differentiation methods along a numeric axis of the sweep; a method has one colour everywhere.

use super::axis::{Linear, Logarithmic};
use super::{Results, marker};
use crate::diff::METHODS;
use crate::record::Derivative;
use crate::report::derivatives::{STEP, numeric_axes, of_method};
use kuva::plot::LinePlot;
use kuva::plot::scatter::ScatterPlot;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

/// Where a method stands in the list of all methods: its colour and its mark. Variants of a method
/// (`symbolic(tree)`) are of the method's colour.
pub(super) fn place(method: &str) -> usize {
    let stem = method.split(['(', ',', ' ']).next().unwrap_or(method);
    METHODS.iter().position(|kind| kind.name == stem).unwrap_or(METHODS.len())
}

/// The measurements of one method with one set of words, along one axis.
pub(super) struct Curve<'a> {
    pub label: String,
    pub method: &'a str,
    /// Counts the curves of one method.
    pub stroke: usize,
    /// The axis's numbers, ascending, each with the rows there.
    pub points: Vec<(f64, Vec<&'a Derivative>)>,
}

/// What can be drawn along one axis.
pub(super) struct Along<'a> {
    pub path: &'a str,
    /// The other numeric axes and where they are held.
    pub held: Vec<(&'a str, String)>,
    pub curves: Vec<Curve<'a>>,
}

impl Along<'_> {
    /// Whether the axis is the number of parameters.
    pub fn is_dimension(&self) -> bool {
        self.curves
            .iter()
            .flat_map(|curve| &curve.points)
            .all(|(x, rows)| rows.iter().all(|d| d.parameters as f64 == *x))
    }

    /// The values at which the other axes are held, for a title or a caption; empty without any.
    pub fn at(&self) -> String {
        self.held.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// One for each numeric axis but that of the step, which has a picture of its own and does not change a cost.
pub(super) fn along<'a>(results: &Results<'a>) -> Vec<Along<'a>> {
    let numeric = numeric_axes(results);
    let drawn = numeric.iter().filter(|(axis, _)| results.plan.axes[*axis] != STEP);
    drawn.filter_map(|(axis, _)| along_one(results, *axis, &numeric)).collect()
}

fn along_one<'a>(results: &Results<'a>, axis: usize, numeric: &[(usize, Vec<f64>)]) -> Option<Along<'a>> {
    let axes = &results.plan.axes;
    let number = |d: &Derivative, axis: usize| d.axes[axis].as_ref().and_then(|text| text.parse::<f64>().ok());
    let mut rows: Vec<&Derivative> =
        results.derivatives.rows.iter().filter(|d| number(d, axis).is_some_and(f64::is_finite)).collect();
    let distinct = |rows: &[&Derivative]| {
        let mut found: Vec<f64> = rows.iter().filter_map(|d| number(d, axis)).collect();
        found.sort_by(f64::total_cmp);
        found.dedup();
        found.len()
    };
    // Another numeric axis is held at the value that leaves the longest curves; of several the middle one. One that
    // varies together with this axis cannot be held.
    let mut held = Vec::new();
    for (other, values) in numeric.iter().filter(|(other, _)| *other != axis && axes[*other] != STEP) {
        let at = |x: f64| -> Vec<&Derivative> {
            rows.iter().copied().filter(|d| number(d, *other).is_none_or(|value| value == x)).collect()
        };
        let lengths: Vec<usize> = values.iter().map(|x| distinct(&at(*x))).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        if longest < 3 {
            continue;
        }
        let best: Vec<f64> = (0..values.len()).filter(|i| lengths[*i] == longest).map(|i| values[i]).collect();
        let chosen = best[best.len() / 2];
        rows = at(chosen);
        held.push((axes[*other].as_str(), super::numbers::short(chosen, 6)));
    }
    let is_number = |other: &usize| numeric.iter().any(|(axis, _)| axis == other);
    let words: Vec<usize> = (0..axes.len()).filter(|other| *other != axis && !is_number(other)).collect();
    let mut curves: Vec<(String, Curve)> = Vec::new();
    for d in rows {
        let label = label(results, d, &words);
        let x = number(d, axis)?;
        let place = curves.iter().position(|(known, _)| *known == label).unwrap_or_else(|| {
            let stroke = curves.iter().filter(|(_, curve)| place(curve.method) == place(&d.method)).count();
            let curve = Curve { label: label.clone(), method: &d.method, stroke, points: Vec::new() };
            curves.push((label, curve));
            curves.len() - 1
        });
        let points = &mut curves[place].1.points;
        match points.iter_mut().find(|(known, _)| *known == x) {
            Some((_, rows)) => rows.push(d),
            None => points.push((x, vec![d])),
        }
    }
    let mut curves: Vec<Curve> = curves.into_iter().map(|(_, curve)| curve).collect();
    curves.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    curves.sort_by_key(|curve| (place(curve.method), curve.stroke));
    curves.iter().any(|curve| curve.points.len() >= 3).then_some(Along { path: &axes[axis], held, curves })
}

/// The method and the words of the axes that concern it; its own settings are in its name already.
pub(super) fn label(results: &Results, d: &Derivative, words: &[usize]) -> String {
    let mut label = d.method.clone();
    for axis in words {
        let path = &results.plan.axes[*axis];
        if of_method(path) {
            continue;
        }
        if let Some(value) = &d.axes[*axis] {
            label += &format!(", {} = {value}", path.rsplit('.').next().unwrap_or(path));
        }
    }
    label
}

/// A linear axis, or a logarithmic one where the numbers are positive and span more than a factor of twenty.
pub(super) enum Scale {
    Linear(Linear),
    Logarithmic(Logarithmic),
}

impl Scale {
    pub fn over(values: &[f64]) -> Scale {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        match Logarithmic::over(values.iter().copied()) {
            Some(scale) if low > 0.0 && high / low > 20.0 => Scale::Logarithmic(scale),
            _ => Scale::Linear(Linear::over(values.iter().copied(), 6.0)),
        }
    }

    pub fn at(&self, x: f64) -> f64 {
        match self {
            Scale::Linear(_) => x,
            Scale::Logarithmic(scale) => scale.at(x),
        }
    }

    /// The number that is drawn at a place.
    pub fn back(&self, place: f64) -> f64 {
        match self {
            Scale::Linear(_) => place,
            Scale::Logarithmic(scale) => scale.back(place),
        }
    }

    pub fn on_x(&self, layout: Layout) -> Layout {
        match self {
            Scale::Linear(scale) => scale.on_x(layout),
            Scale::Logarithmic(scale) => scale.on_x(layout),
        }
    }
}

/// A line with marks, in the method's colour; the first curve of a method is solid, the others are dashed.
pub(super) fn line(label: &str, method: &str, stroke: usize, points: Vec<(f64, f64)>) -> [Plot; 2] {
    let colour = super::colour(place(method));
    let style = super::dash(stroke);
    let line = LinePlot::new().with_data(points.clone()).with_color(colour).with_line_style(style);
    let line = line.with_stroke_width(2.0).with_legend(super::plain(label));
    let marks = ScatterPlot::new().with_data(points).with_color(colour).with_size(4.0);
    [line.into(), marks.with_marker(marker(place(method) + stroke)).into()]
}
