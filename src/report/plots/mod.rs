//! The pictures: SVG through kuva, which nothing outside this folder names.
//!
//! Colour-blind readers can tell the colours apart; series differ in dash or marker too.

mod accuracy_cost;
mod axis;
mod comparison;
mod convergence;
mod cost;
pub mod curves;
mod ecdf;
mod expression_nodes;
mod fit;
mod intervals;
mod series;
mod slopes;
mod step_size;

use std::io;

use kuva::backend::svg::SvgBackend;
use kuva::plot::LineStyle;
use kuva::plot::scatter::MarkerShape;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;

use super::compared::{Compared, Row};
use super::comparison::Comparison;
use super::runtime::thinned;
use super::{Results, numbers};
use crate::plan::Plan;

/// The files, in the order in which they are shown.
pub(super) const NAMES: [&str; 11] = [
    "fit.svg",
    "intervals.svg",
    "ecdf.svg",
    "ecdf_seconds.svg",
    "convergence.svg",
    "comparison.svg",
    "accuracy_cost.svg",
    "step_size.svg",
    "expression_nodes.svg",
    "cost.svg",
    "derivatives.svg",
];

/// One picture.
pub(super) struct Picture {
    pub file: &'static str,
    pub title: &'static str,
    /// What is to be seen, in a sentence or two; also the text for those who cannot see it.
    pub caption: String,
    pub svg: String,
}

/// Every picture that has something to show.
pub(super) fn all(results: &Results, comparison: &Comparison) -> io::Result<Vec<Picture>> {
    // Pictures show one combination.
    let shown = comparison.shown();
    let [work, seconds] = shown.map_or(Ok([None, None]), |shown| ecdf::draw(results, shown))?;
    let pictures = [
        fit::draw(results),
        intervals::draw(results, comparison)?,
        work,
        seconds,
        shown.map_or(Ok(None), |shown| convergence::draw(results, shown))?,
        shown.and_then(|shown| comparison::draw(results, shown)),
        accuracy_cost::draw(results),
        step_size::draw(results),
        expression_nodes::draw(results),
        cost::draw(results),
        slopes::draw(results),
    ];
    Ok(pictures.into_iter().flatten().collect())
}

const DARK: &str = "#333333";
const FAINT: &str = "#999999";

/// Okabe and Ito's (Color Universal Design, 2008), then three of Tol's muted ones.
const COLOURS: [&str; 10] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333", "#882255", "#44AA99", "#999933"];

const MARKERS: [MarkerShape; 6] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
    MarkerShape::Plus,
    MarkerShape::Cross,
];

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn marker(index: usize) -> MarkerShape {
    MARKERS[index % MARKERS.len()]
}

fn dash(index: usize) -> LineStyle {
    let dashes = ["7 3", "2 3", "8 3 2 3", "12 3", "2 2 6 2", "1 2"];
    if index == 0 { LineStyle::Solid } else { LineStyle::Custom(dashes[(index - 1) % dashes.len()].into()) }
}

/// The look that all pictures share.
fn layout(plots: &[Plot]) -> Layout {
    let theme = Theme {
        grid_color: "#e6e6e6".into(),
        axis_color: "#444444".into(),
        tick_color: "#444444".into(),
        text_color: "#222222".into(),
        legend_border: "#cccccc".into(),
        ..Theme::light()
    };
    Layout::auto_from_plots(plots)
        .with_theme(theme)
        .with_label_size(14)
        .with_tick_size(12)
        .with_body_size(12)
        .with_legend_box(false)
}

/// Text in a picture: kuva reads dollars as mathematics.
fn plain(text: &str) -> String {
    text.replace('$', "\\$")
}

fn draw(plots: Vec<Plot>, layout: Layout) -> String {
    settled(&SvgBackend::default().render_scene(&render_multiple(plots, layout)))
}

fn draw_figure(figure: Figure) -> String {
    settled(&SvgBackend::default().render_scene(&figure.render()))
}

/// The picture as a function of what it shows alone.
///
/// kuva counts the names of its clip paths through the whole process, and prints coordinates, which it rounds to
/// hundredths, with the rounding errors of that: here names are counted from 1 and coordinates cut to hundredths.
fn settled(svg: &str) -> String {
    const NAME: &str = "kuva-clip-";
    let mut names: Vec<&str> = Vec::new();
    let mut settled = String::with_capacity(svg.len());
    let mut pieces = svg.split(NAME);
    let mut piece = pieces.next().unwrap_or_default();
    loop {
        shorten(piece, &mut settled);
        let Some(next) = pieces.next() else { return settled };
        let (name, rest) = next.split_at(next.find(|c: char| !c.is_ascii_digit()).unwrap_or(next.len()));
        let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        settled += &format!("clip-{}", place + 1);
        piece = rest;
    }
}

/// Numbers with more than six decimals are coordinates; no label has so many.
fn shorten(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(point) = rest.find('.') {
        let decimals = rest[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let start = rest[..point].bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
        let end = point + 1 + decimals;
        match rest[point - start..end].parse::<f64>() {
            Ok(x) if decimals > 6 => {
                out.push_str(&rest[..point - start]);
                let short = format!("{x:.2}");
                out.push_str(short.trim_end_matches('0').trim_end_matches('.'));
            }
            _ => out.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
}

/// The rows that have something to show.
fn rows(shown: &Compared) -> impl Iterator<Item = &Row> {
    shown.rows.iter().filter(|row| !row.members.is_empty())
}

/// How a row is named in a legend.
fn name(row: &Row) -> String {
    match &row.method {
        Some(method) => format!("{}, {method}", row.optimizer),
        None => row.optimizer.to_string(),
    }
}

/// The combination of the axes that a picture shows, for its caption; empty without axes.
fn at(plan: &Plan, variant: usize) -> String {
    if plan.axes.is_empty() || plan.variants() < 2 {
        return String::new();
    }
    let pairs = plan.axes.iter().zip(plan.values(variant));
    format!(" Shown at {}.", pairs.map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", "))
}
