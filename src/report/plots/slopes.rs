//! `derivatives.svg`: what each method answers along a parameter, beside the derivative itself; drawn where
//! `compare.grid` varies a single parameter.

use kuva::plot::scatter::ScatterPlot;
use kuva::plot::{LinePlot, LineStyle};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::Linear;
use super::series::place;
use super::{FAINT, Picture, colour, layout, marker, plain, thinned};
use crate::record::Derivative;
use crate::report::Results;
use crate::report::derivatives::of_method;

const PANELS: usize = 12;
const COLUMNS: usize = 3;
const POINTS: usize = 200;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let compare = &results.experiment.differentiation.compare;
    let [(parameter, _)] = &compare.grid[..] else { return None };
    let name = &results.experiment.parameters.get(*parameter)?.name;
    let on_grid = results.derivatives.rows.iter().filter(|d| d.point >= compare.points);
    // One panel for each combination of the axes that are not settings of the methods.
    let axes: Vec<usize> = (0..results.plan.axes.len()).filter(|axis| !of_method(&results.plan.axes[*axis])).collect();
    let mut panels: Vec<(Vec<&str>, Vec<&Derivative>)> = Vec::new();
    for d in on_grid {
        let key: Vec<&str> = axes.iter().map(|axis| d.axes[*axis].as_deref().unwrap_or("")).collect();
        match panels.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(d),
            None => panels.push((key, vec![d])),
        }
    }
    let all = panels.len();
    panels.truncate(PANELS);
    let cells: Vec<(Vec<Plot>, Layout)> =
        panels.iter().filter_map(|(key, rows)| panel(name, &key.join(", "), rows)).collect();
    if cells.is_empty() {
        return None;
    }
    let columns = cells.len().min(COLUMNS);
    let figure = Figure::new(cells.len().div_ceil(columns), columns).with_spacing(10.0).with_padding(8.0);
    let structure = (0..cells.len()).map(|cell| vec![cell]).collect();
    let (plots, layouts): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    let figure = figure.with_cell_size(350.0, 250.0).with_structure(structure).with_plots(plots).with_layouts(layouts);
    let more = if all > PANELS { format!(" {} more are in gradients.csv.", all - PANELS) } else { String::new() };
    Some(Picture {
        file: "derivatives.svg",
        title: "What each method answers",
        caption: format!(
            "The derivative in {name} against {name}: the grey line is the derivative itself, by a one-sided rule at a kink. Methods \
             that agree with it take turns along it; one that answers something else is marked there. Answers far outside the range of the others stand on the frame.{more}"
        ),
        svg: super::draw_figure(figure.with_shared_legend_bottom()),
    })
}

fn panel(parameter: &str, title: &str, rows: &[&Derivative]) -> Option<(Vec<Plot>, Layout)> {
    let component = |d: &Derivative| d.components.iter().find(|component| component.parameter == parameter).cloned();
    let mut methods: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    let mut exact: Vec<(f64, f64)> = Vec::new();
    for d in rows {
        let Some(c) = component(d).filter(|c| c.value.is_finite()) else { continue };
        match methods.iter_mut().find(|(name, _)| *name == d.method) {
            Some((_, points)) => points.push((c.value, c.derivative)),
            None => methods.push((&d.method, vec![(c.value, c.derivative)])),
        }
        if c.reference.is_finite() && exact.iter().all(|(x, _)| *x != c.value) {
            exact.push((c.value, c.reference));
        }
    }
    let drawable = |y: &f64| y.abs() <= super::axis::LARGEST;
    // The range is that of the middle nine tenths of all answers, and of the derivative itself.
    let mut answers: Vec<f64> = methods.iter().flat_map(|(_, points)| points).map(|p| p.1).filter(drawable).collect();
    answers.sort_by(f64::total_cmp);
    let cut = answers.len() / 20;
    let middle = answers.get(cut..answers.len() - cut).unwrap_or(&[]);
    let range = middle.iter().copied().chain(exact.iter().map(|p| p.1).filter(drawable)).chain([0.0]);
    let (low, high) = range.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let room = if high > low { 0.3 * (high - low) } else { 1.0 };
    let (low, high) = (low - room, high + room);
    let across = Linear::over(methods.iter().flat_map(|(_, points)| points).map(|point| point.0), 4.0);
    let up = Linear::over([low, high], 4.0);
    let clamp = |(x, y): (f64, f64)| (x, if y.is_nan() { y } else { y.clamp(low, high) });
    exact.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut plots: Vec<Plot> = Vec::new();
    let exact: Vec<(f64, f64)> = exact.into_iter().map(clamp).collect();
    let line = LinePlot::new().with_data(exact.clone()).with_color(FAINT).with_stroke_width(2.0);
    plots.push(line.with_line_style(LineStyle::Solid).with_legend("derivative").into());
    // Methods that agree with the derivative take turns along it; where one answers something else it is always marked.
    let truth = |x: f64| exact.iter().find(|p| p.0 == x).map(|p| p.1);
    for (i, (method, points)) in methods.iter().enumerate() {
        let mut shown: Vec<(f64, f64)> = Vec::new();
        for (k, point) in thinned(points.len(), POINTS).into_iter().map(|k| clamp(points[k])).enumerate() {
            let (x, y) = point;
            let agrees = truth(x).is_some_and(|truth| (truth - y).abs() <= 0.01 * (high - low));
            if !y.is_nan() && (!agrees || k % methods.len() == i) {
                shown.push((x, y));
            }
        }
        let marks = ScatterPlot::new().with_data(shown).with_color(colour(place(method))).with_size(4.0);
        plots.push(marks.with_marker(marker(place(method))).with_legend(plain(method)).into());
    }
    let layout = layout(&plots).with_x_label(plain(parameter)).with_y_label("derivative");
    let layout = if title.is_empty() { layout } else { layout.with_title(plain(title)).with_title_size(11) };
    // Labels are set in 12 pixels; kuva guesses their width from its own format.
    let margin = 44.0 + 7.6 * up.letters() as f64;
    Some((plots, up.on_y(across.on_x(layout)).with_force_margins(margin, 16.0)))
}
