//! `fit.svg`: the model over the data, and what is left below it, one column of panels per output.

use kuva::plot::LinePlot;
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::annotations::{ReferenceLine, ShadedRegion};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::Linear;
use super::{DARK, FAINT, Picture, colour, layout, plain, thinned, ticks};
use crate::report::{Curve, OutputFit, Results};

/// More points than this cannot be told apart on the page.
const POINTS: usize = 1500;

/// More outputs than this have their numbers in `predictions.csv` only.
const OUTPUTS: usize = 6;

const COLUMNS: usize = 3;

pub(super) fn draw(results: &Results) -> Option<Picture> {
    let fit = results.fit?;
    let outputs: Vec<&OutputFit> =
        fit.outputs.iter().filter(|output| output.observed.iter().any(|x| x.is_finite())).take(OUTPUTS).collect();
    if outputs.is_empty() {
        return None;
    }
    let one_input = fit.inputs.columns.len() == 1;
    let label = fit.inputs.names.first().map_or_else(|| "data row".to_string(), |name| axis_label(results, name));
    let columns = outputs.len().min(COLUMNS);
    let bands = outputs.len().div_ceil(columns);
    let mut figure = Figure::new(2 * bands, columns).with_spacing(6.0).with_padding(8.0);
    let mut cells: Vec<(Vec<Plot>, Layout)> = Vec::new();
    for band in 0..bands {
        figure = figure.with_row_height(2 * band, 300.0).with_row_height(2 * band + 1, 170.0);
        let here: Vec<usize> = (band * columns..outputs.len().min((band + 1) * columns)).collect();
        let blank = || (Vec::new(), Layout::new((0.0, 1.0), (0.0, 1.0)));
        let panels: Vec<[(Vec<Plot>, Layout); 2]> = here
            .iter()
            .map(|k| {
                let output = outputs[*k];
                let x = abscissa(&fit.inputs.columns, output.observed.len());
                let curve = fit.curve.as_ref().filter(|_| one_input);
                let place = fit.outputs.iter().position(|other| other.name == output.name);
                let dense = curve.and_then(|curve| dense(curve, place?));
                let shared = Linear::over(x.iter().copied(), 6.0);
                [over_data(&x, output, dense, one_input), below(&x, output, &label)]
                    .map(|(plots, layout)| (plots, on_x(layout, shared)))
            })
            .collect();
        let mut upper = Vec::new();
        let mut lower = Vec::new();
        for [top, bottom] in panels {
            upper.push(top);
            lower.push(bottom);
        }
        for mut row in [upper, lower] {
            row.resize_with(columns, blank);
            cells.extend(row);
        }
    }
    let width = if columns == 1 { 760.0 } else { 470.0 };
    let used: Vec<usize> = (0..cells.len()).filter(|i| !cells[*i].0.is_empty()).collect();
    let (plots, layouts): (Vec<_>, Vec<_>) = cells.into_iter().filter(|(plots, _)| !plots.is_empty()).unzip();
    let structure = used.into_iter().map(|cell| vec![cell]).collect();
    let svg = super::draw_figure(
        figure.with_cell_size(width, 300.0).with_structure(structure).with_plots(plots).with_layouts(layouts),
    );
    let bars = if outputs.iter().any(|output| output.sigma.is_some()) {
        " Bars are one standard deviation; residuals are in standard deviations, the band is ±1."
    } else {
        ""
    };
    let run = &results.plan.runs[fit.run.min(results.plan.runs.len().saturating_sub(1))];
    Some(Picture {
        file: "fit.svg",
        title: "Fit over data, with residuals",
        caption: format!(
            "The data, the model at the best run, and observed minus predicted below.{bars}{}",
            super::at(results.plan, run.variant)
        ),
        svg,
    })
}

/// The input's name; with the column's name in the file, which often has the unit, where the experiment renames it.
fn axis_label(results: &Results, name: &str) -> String {
    let columns = results.experiment.resolved.get("data").and_then(|data| data.get("columns"));
    match columns.and_then(|columns| columns.get(name)).and_then(|column| column.as_str()) {
        Some(column) if column != name => format!("{name} ({column})"),
        _ => name.to_string(),
    }
}

fn on_x(layout: Layout, axis: Option<Linear>) -> Layout {
    match axis {
        Some(axis) => axis.on_x(layout),
        None => layout,
    }
}

fn abscissa(columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
    columns.first().cloned().unwrap_or_else(|| (0..rows).map(|row| row as f64).collect())
}

fn dense(curve: &Curve, output: usize) -> Option<Vec<(f64, f64)>> {
    let y = curve.outputs.get(output)?;
    let points: Vec<(f64, f64)> = curve.x.iter().copied().zip(y.iter().copied()).collect();
    let kept = thinned(points.len(), POINTS).into_iter().map(|i| points[i]);
    Some(kept.filter(|(x, y)| x.is_finite() && y.is_finite()).collect())
}

/// Finite rows in the order of x, thinned.
fn rows(x: &[f64], y: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..x.len().min(y.len())).filter(|i| x[*i].is_finite() && y[*i].is_finite()).collect();
    rows.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    thinned(rows.len(), POINTS).into_iter().map(|i| rows[i]).collect()
}

fn points(x: &[f64], y: &[f64], sigma: Option<&[f64]>, scale: impl Fn(usize) -> f64) -> ScatterPlot {
    let rows = rows(x, y);
    let size = if rows.len() > 300 { 2.0 } else { 3.5 };
    let plot =
        ScatterPlot::new().with_data(rows.iter().map(|i| (x[*i], y[*i] * scale(*i)))).with_color(DARK).with_size(size);
    match sigma {
        Some(sigma) if rows.len() <= 400 => plot.with_y_err(rows.iter().map(|i| sigma[*i] * scale(*i))),
        _ => plot,
    }
}

fn over_data(x: &[f64], output: &OutputFit, dense: Option<Vec<(f64, f64)>>, line: bool) -> (Vec<Plot>, Layout) {
    let data = points(x, &output.observed, output.sigma.as_deref(), |_| 1.0).with_legend("data");
    let through = || rows(x, &output.predicted).into_iter().map(|i| (x[i], output.predicted[i])).collect();
    let curve: Vec<(f64, f64)> = dense.filter(|curve| curve.len() > 1).unwrap_or_else(through);
    let model: Plot = if line {
        LinePlot::new().with_data(curve).with_color(colour(1)).with_stroke_width(2.0).with_legend("model").into()
    } else {
        let hollow = ScatterPlot::new().with_data(curve).with_color(colour(1)).with_size(2.5);
        hollow.with_marker(MarkerShape::Square).with_legend("model").into()
    };
    let plots: Vec<Plot> = vec![data.into(), model];
    let layout =
        layout(&plots).with_y_label(plain(&output.name)).with_y_tick_format(ticks()).with_x_tick_format(ticks());
    let layout = layout.with_legend_position(kuva::plot::LegendPosition::InsideTopRight);
    (plots, layout)
}

fn below(x: &[f64], output: &OutputFit, label: &str) -> (Vec<Plot>, Layout) {
    let sigma = output.sigma.as_deref();
    let usable = sigma.is_some_and(|sigma| sigma.iter().all(|s| s.is_finite() && *s > 0.0));
    let scale = |i: usize| if usable { sigma.map_or(1.0, |sigma| 1.0 / sigma[i]) } else { 1.0 };
    let plots: Vec<Plot> = vec![points(x, &output.residual, sigma, scale).into()];
    let mut layout = layout(&plots)
        .with_x_label(plain(label))
        .with_y_label(if usable { "residual / σ" } else { "residual" })
        .with_ticks(4)
        .with_x_tick_format(ticks())
        .with_y_tick_format(ticks());
    if usable {
        layout = layout.with_shaded_region(ShadedRegion::horizontal(-1.0, 1.0).with_color(FAINT).with_opacity(0.15));
    }
    let zero = ReferenceLine { dasharray: String::new(), ..ReferenceLine::horizontal(0.0).with_color(colour(1)) };
    (plots, layout.with_reference_line(zero))
}
