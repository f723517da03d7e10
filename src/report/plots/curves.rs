//! Curves over logarithmic axes, in panels beside each other: for measurements that are not those of an experiment.

use kuva::plot::LinePlot;
use kuva::plot::scatter::ScatterPlot;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::{colour, dash, draw_figure, layout, marker, plain};

/// One line; numbers that are not positive are left out.
pub struct Curve<'a> {
    pub label: &'a str,
    /// Counts the lines of all panels: the same number, the same colour.
    pub colour: usize,
    pub points: Vec<(f64, f64)>,
}

pub struct Panel<'a> {
    pub x_label: &'a str,
    pub y_label: &'a str,
    pub curves: Vec<Curve<'a>>,
}

const COLUMNS: usize = 2;

/// The picture as SVG, two panels beside each other; panels without a point are left out.
pub fn svg(panels: &[Panel]) -> String {
    let (plots, layouts): (Vec<_>, Vec<_>) = panels.iter().filter_map(drawn).unzip();
    let figure = Figure::new(plots.len().div_ceil(COLUMNS).max(1), COLUMNS).with_spacing(10.0).with_padding(8.0);
    let figure = figure.with_cell_size(420.0, 320.0);
    draw_figure(figure.with_plots(plots).with_layouts(layouts).with_shared_legend_bottom())
}

fn drawn(panel: &Panel) -> Option<(Vec<Plot>, Layout)> {
    let points = || panel.curves.iter().flat_map(|curve| &curve.points).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let across = Logarithmic::over(points().map(|point| point.0))?;
    let up = Logarithmic::over(points().map(|point| point.1))?;
    let mut plots: Vec<Plot> = Vec::new();
    for Curve { label, colour: number, points } in &panel.curves {
        let usable = points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0);
        let places: Vec<(f64, f64)> = usable.map(|(x, y)| (across.at(*x), up.at(*y))).collect();
        let line = LinePlot::new().with_data(places.clone()).with_color(colour(*number)).with_stroke_width(2.0);
        plots.push(line.with_line_style(dash(*number)).with_legend(plain(label)).into());
        let marks = ScatterPlot::new().with_data(places).with_color(colour(*number)).with_size(4.0);
        plots.push(marks.with_marker(marker(*number)).into());
    }
    let layout = layout(&plots).with_x_label(plain(panel.x_label)).with_y_label(plain(panel.y_label));
    Some((plots, across.on_x(up.on_y(layout))))
}
