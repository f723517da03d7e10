//! `step_size.svg`: the error of the methods that have a step, against the step; drawn where a sweep varies it.

use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::series::{label, line, place};
use super::{Picture, layout};
use crate::math::elementary::log10;
use crate::report::Results;
use crate::report::compared::median;
use crate::report::derivatives::STEP;

/// Errors and steps of one method.
struct Curve<'a> {
    label: String,
    method: &'a str,
    points: Vec<(f64, f64)>,
}

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let mut curves: Vec<Curve> = Vec::new();
    let words: Vec<usize> = (0..results.plan.axes.len()).filter(|axis| results.plan.axes[*axis] != STEP).collect();
    for d in &results.derivatives.rows {
        let Some(step) = d.step.filter(|step| *step > 0.0 && step.is_finite()) else { continue };
        if !d.max_relative_error.is_finite() {
            continue;
        }
        // An error of nothing at all is drawn at the last bit.
        let point = (step, d.max_relative_error.max(1e-17));
        let label = label(results, d, &words);
        match curves.iter_mut().find(|curve| curve.label == label) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { label, method: &d.method, points: vec![point] }),
        }
    }
    curves.retain_mut(|curve| {
        let middle = middle(&curve.points);
        curve.points = middle.unwrap_or_default();
        !curve.points.is_empty()
    });
    let along = Logarithmic::over(curves.iter().flat_map(|curve| &curve.points).map(|point| point.0))?;
    let up = Logarithmic::over(curves.iter().flat_map(|curve| &curve.points).map(|point| point.1))?;
    let mut plots: Vec<Plot> = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let points: Vec<(f64, f64)> = curve.points.iter().map(|(x, y)| (along.at(*x), up.at(*y))).collect();
        let stroke = curves[..i].iter().filter(|other| place(other.method) == place(curve.method)).count();
        let legend = match slopes(&curve.points) {
            (None, None) => curve.label.clone(),
            (rounding, truncation) => {
                let words = |slope: Option<f64>| slope.map_or("–".to_string(), |slope| format!("{slope:+.1}"));
                format!("{} ({} / {})", curve.label, words(rounding), words(truncation))
            }
        };
        plots.extend(line(&legend, curve.method, stroke, points));
    }
    let layout =
        layout(&plots).with_width(860.0).with_height(440.0).with_x_label("step").with_y_label("largest relative error");
    let layout = along.on_x(up.on_y(layout));
    Some(Picture {
        file: "step_size.svg",
        title: "Error against step",
        caption: "Median over the points of the largest relative error of the gradient. On the right the truncation of \
                  the difference, on the left the rounding; in brackets the slopes of both sides, as powers of the step."
            .to_string(),
        svg: super::draw(plots, layout),
    })
}

/// The median error at each step, the steps ascending; None for fewer than three steps.
fn middle(points: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let mut steps: Vec<f64> = points.iter().map(|point| point.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let middle = |step: &f64| {
        let mut errors: Vec<f64> = points.iter().filter(|point| point.0 == *step).map(|point| point.1).collect();
        median(&mut errors).filter(|error| error.is_finite()).map(|error| (*step, error))
    };
    (steps.len() >= 3).then(|| steps.iter().filter_map(middle).collect())
}

/// The powers of the step with which the error grows to the left and to the right of its least value: over the points
/// whose error is well above the least and below a tenth; None where there are fewer than three.
fn slopes(curve: &[(f64, f64)]) -> (Option<f64>, Option<f64>) {
    let Some(best) = (0..curve.len()).min_by(|a, b| curve[*a].1.total_cmp(&curve[*b].1)) else { return (None, None) };
    let least = curve[best].1.max(1e-16);
    let slope = |side: &[(f64, f64)]| {
        let clear = side.iter().filter(|(_, error)| *error > 10.0 * least && *error < 0.1);
        let points: Vec<(f64, f64)> = clear.map(|(step, error)| (log10(*step), log10(*error))).collect();
        let count = points.len() as f64;
        let [x, y] = [points.iter().map(|p| p.0).sum::<f64>() / count, points.iter().map(|p| p.1).sum::<f64>() / count];
        let above: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let below: f64 = points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
        (points.len() >= 3 && below > 0.0).then(|| above / below)
    };
    (slope(&curve[..best]), slope(&curve[best + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_the_powers_of_both_sides() {
        let curve: Vec<(f64, f64)> = (1..16)
            .rev()
            .map(|k| {
                let step: f64 = format!("1e-{k}").parse().unwrap();
                (step, step * step + 1e-16 / step)
            })
            .collect();
        let (left, right) = slopes(&curve);
        assert!((left.unwrap() + 1.0).abs() < 0.1 && (right.unwrap() - 2.0).abs() < 0.1, "{left:?} {right:?}");
        assert_eq!(slopes(&[]), (None, None));
        assert_eq!(slopes(&[(1e-3, 1e-16), (1e-2, 1e-16), (1e-1, 1e-16)]), (None, None));
    }
}
