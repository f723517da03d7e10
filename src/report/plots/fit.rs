//! `fit.svg`: the model over the data, and what is left below it, one column of panels per output.

use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::plot::{LegendPosition, LinePlot};
use kuva::render::annotations::{ReferenceLine, ShadedRegion};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::{LARGEST, Linear};
use super::{DARK, FAINT, Picture, colour, layout, plain, thinned};
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
        let pairs: Vec<[(Vec<Plot>, Layout); 2]> = here
            .iter()
            .map(|k| {
                let output = outputs[*k];
                let x = abscissa(&fit.inputs.columns, output.observed.len());
                let curve = fit.curve.as_ref().filter(|_| one_input);
                let place = fit.outputs.iter().position(|other| other.name == output.name);
                let dense = curve.and_then(|curve| dense(curve, place?));
                panels(&x, output, dense, one_input, &label)
            })
            .collect();
        let mut upper = Vec::new();
        let mut lower = Vec::new();
        for [top, bottom] in pairs {
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
    let run = &results.plan.run(fit.run.min(results.plan.len().saturating_sub(1)));
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

fn abscissa(columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
    columns.first().cloned().unwrap_or_else(|| (0..rows).map(|row| row as f64).collect())
}

fn drawable(point: &(f64, f64)) -> bool {
    point.0.abs() <= LARGEST && point.1.abs() <= LARGEST
}

fn dense(curve: &Curve, output: usize) -> Option<Vec<(f64, f64)>> {
    let y = curve.outputs.get(output)?;
    let points: Vec<(f64, f64)> = curve.x.iter().copied().zip(y.iter().copied()).collect();
    Some(thinned(points.len(), POINTS).into_iter().map(|i| points[i]).filter(drawable).collect())
}

/// Rows that can be drawn, in the order of x, thinned.
fn rows(x: &[f64], y: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..x.len().min(y.len())).filter(|i| drawable(&(x[*i], y[*i]))).collect();
    rows.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    thinned(rows.len(), POINTS).into_iter().map(|i| rows[i]).collect()
}

/// Data with error bars: x, y and half the bar's length, zero for none.
type Points = Vec<(f64, f64, f64)>;

fn marks(points: &Points) -> ScatterPlot {
    let size = if points.len() > 300 { 2.0 } else { 3.5 };
    let plot = ScatterPlot::new().with_data(points.iter().map(|(x, y, _)| (*x, *y))).with_color(DARK).with_size(size);
    // Many bars are a grey area.
    if points.len() > 400 || points.iter().all(|(_, _, bar)| *bar == 0.0) {
        return plot;
    }
    plot.with_y_err(points.iter().map(|(_, _, bar)| *bar))
}

fn ends(points: &Points) -> impl Iterator<Item = f64> {
    points.iter().flat_map(|(_, y, bar)| [y - bar, y + bar])
}

/// The model over the data, and the residuals below, with the same horizontal axis.
fn panels(
    x: &[f64],
    output: &OutputFit,
    dense: Option<Vec<(f64, f64)>>,
    line: bool,
    label: &str,
) -> [(Vec<Plot>, Layout); 2] {
    let sigma = output.sigma.as_deref().filter(|sigma| sigma.len() >= x.len());
    let bar = |i: usize| sigma.map_or(0.0, |sigma| if sigma[i].abs() <= LARGEST { sigma[i].abs() } else { 0.0 });
    let data: Points = rows(x, &output.observed).into_iter().map(|i| (x[i], output.observed[i], bar(i))).collect();
    let through = || rows(x, &output.predicted).into_iter().map(|i| (x[i], output.predicted[i])).collect();
    let curve: Vec<(f64, f64)> = dense.filter(|curve| curve.len() > 1).unwrap_or_else(through);
    // Residuals are shown in standard deviations where every row has one.
    let scaled = sigma.is_some_and(|sigma| sigma.iter().all(|s| s.is_finite() && *s > 1e-100));
    let unit = |i: usize| if scaled { sigma.map_or(1.0, |sigma| sigma[i]) } else { 1.0 };
    let left: Vec<f64> = (0..output.residual.len().min(x.len())).map(|i| output.residual[i] / unit(i)).collect();
    let left: Points = rows(x, &left).into_iter().map(|i| (x[i], left[i], if scaled { 1.0 } else { bar(i) })).collect();

    let across = Linear::over(data.iter().map(|point| point.0).chain(curve.iter().map(|point| point.0)), 6.0);
    let above = Linear::over(ends(&data).chain(curve.iter().map(|point| point.1)), 5.0);
    let below = Linear::over(ends(&left).chain([0.0]), 4.0);
    // Labels are set in 12 pixels; kuva guesses their width from its own format.
    let margin = 44.0 + 7.6 * above.letters().max(below.letters()) as f64;
    let layout = |plots: &[Plot], up: Linear| up.on_y(across.on_x(layout(plots))).with_force_margins(margin, 24.0);

    let model: Plot = if line {
        LinePlot::new().with_data(curve).with_color(colour(1)).with_stroke_width(2.0).with_legend("model").into()
    } else {
        let hollow = ScatterPlot::new().with_data(curve).with_color(colour(1)).with_size(2.5);
        hollow.with_marker(MarkerShape::Square).with_legend("model").into()
    };
    let upper: Vec<Plot> = vec![marks(&data).with_legend("data").into(), model];
    // The legend goes to the side on which the data are low.
    let half = |points: &[(f64, f64, f64)]| points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    let (front, back) = data.split_at(data.len() / 2);
    let place = match half(front) < half(back) {
        true => LegendPosition::InsideTopLeft,
        false => LegendPosition::InsideTopRight,
    };
    let upper_layout = layout(&upper, above).with_y_label(plain(&output.name)).with_legend_position(place);
    let lower: Vec<Plot> = vec![marks(&left).into()];
    let mut lower_layout = layout(&lower, below).with_x_label(plain(label)).with_y_label(if scaled {
        "residual / σ"
    } else {
        "residual"
    });
    if scaled {
        let band = ShadedRegion::horizontal(-1.0, 1.0).with_color(FAINT).with_opacity(0.15);
        lower_layout = lower_layout.with_shaded_region(band);
    }
    let zero = ReferenceLine { dasharray: String::new(), ..ReferenceLine::horizontal(0.0).with_color(colour(1)) };
    [(upper, upper_layout), (lower, lower_layout.with_reference_line(zero))]
}
