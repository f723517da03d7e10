//! `convergence.svg`: how far the best loss so far lies above the lowest one known, against evaluations of the loss.

use std::borrow::Cow;
use std::io;

use kuva::plot::{BandPlot, LinePlot};
use kuva::render::plots::Plot;

use super::axis::Logarithmic;
use super::{COLOURS, Picture, colour, dash, layout, name, plain};
use crate::math::elementary::{exp, log};
use crate::record::{Record, TracePoint};
use crate::report::Results;
use crate::report::compared::{Compared, Row};

/// Points of a curve: enough to look smooth.
const GRID: usize = 80;

/// Runs of a row that enter the median: more change little and cost time.
const RUNS: usize = 200;

pub(super) fn draw(results: &Results, shown: &Compared) -> io::Result<Option<Picture>> {
    let rows: Vec<&Row> = super::rows(shown).filter(|row| row.loss_best.is_some()).take(24).collect();
    let Some(answer) = &shown.answer else { return Ok(None) };
    let known = answer.loss;
    // A difference below rounding is none; this is also what a logarithmic axis can show of zero.
    let floor = (known.abs() * 1e-16).max(1e-20);
    let curves = rows.iter().map(|row| curve(results, row, known, floor)).collect::<io::Result<Vec<Vec<Point>>>>()?;
    Ok(picture(results, &rows, &curves, known))
}

fn picture(results: &Results, rows: &[&Row], curves: &[Vec<Point>], known: f64) -> Option<Picture> {
    let variant = rows.first()?.variant;
    let points = || curves.iter().flatten();
    let along = Logarithmic::over(points().map(|point| point.x))?;
    let up = Logarithmic::over(points().flat_map(|point| [point.low, point.high]))?;
    let (mut plots, mut lines): (Vec<Plot>, Vec<Plot>) = (Vec::new(), Vec::new());
    for ((row, curve), (hue, stroke)) in rows.iter().zip(curves).zip(styles(rows)) {
        let x = || curve.iter().map(|point| along.at(point.x));
        // Many bands on top of each other hide more than they show.
        if row.members.len() > 2 && rows.len() <= COLOURS.len() {
            let [low, high] = [|point: &Point| point.low, |point: &Point| point.high]
                .map(|end| curve.iter().map(|point| up.at(end(point))).collect::<Vec<f64>>());
            plots.push(BandPlot::new(x(), low, high).with_color(colour(hue)).with_opacity(0.12).into());
        }
        let line = LinePlot::new().with_data(x().zip(curve.iter().map(|point| up.at(point.middle))));
        let line = line.with_color(colour(hue)).with_stroke_width(2.0).with_line_style(dash(stroke));
        lines.push(line.with_legend(plain(&name(row))).into());
    }
    plots.append(&mut lines);
    let layout = layout(&plots)
        .with_width(860.0)
        .with_height(480.0)
        .with_x_label("evaluations of the loss")
        .with_y_label("best loss so far − lowest loss known");
    let layout = along.on_x(up.on_y(layout));
    Some(Picture {
        file: "convergence.svg",
        title: "Convergence",
        caption: format!(
            "Median over the repeats, with the band from the lower to the upper quartile. The lowest loss known is {}.{}",
            super::numbers::short(known, 8),
            super::at(results.plan, variant)
        ),
        svg: super::draw(plots, layout),
    })
}

/// Colour and dash of each row: a colour each while there are enough, else a colour per optimizer, a dash per method.
pub(super) fn styles(rows: &[&Row]) -> Vec<(usize, usize)> {
    if rows.len() <= COLOURS.len() {
        return (0..rows.len()).map(|i| (i, i)).collect();
    }
    let mut optimizers: Vec<&str> = Vec::new();
    let mut methods: Vec<Option<&str>> = Vec::new();
    rows.iter()
        .map(|row| {
            let hue = optimizers.iter().position(|known| *known == &*row.optimizer).unwrap_or(optimizers.len());
            if hue == optimizers.len() {
                optimizers.push(&row.optimizer);
            }
            let stroke = methods.iter().position(|known| *known == row.method.as_deref()).unwrap_or(methods.len());
            if stroke == methods.len() {
                methods.push(row.method.as_deref());
            }
            (hue, stroke)
        })
        .collect()
}

struct Point {
    x: f64,
    low: f64,
    middle: f64,
    high: f64,
}

/// Quartiles of the excess over the runs of a row, on a logarithmic grid of evaluations.
fn curve(results: &Results, row: &Row, known: f64, floor: f64) -> io::Result<Vec<Point>> {
    let members = super::thinned(row.members.len(), RUNS).into_iter().map(|i| row.members[i]);
    let members = results.records.among(members).map(|member| member.map(|(_, record)| record));
    let records: Vec<Cow<Record>> = members.collect::<io::Result<_>>()?;
    let first = records.iter().filter_map(|r| r.trace.first()).map(|p| p.evaluations.max(1)).min();
    let last = records.iter().map(|record| record.evaluations).max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    let (first, last) = (first as f64, last.max(first) as f64);
    let mut points: Vec<Point> = Vec::with_capacity(GRID);
    for i in 0..GRID {
        let share = i as f64 / (GRID - 1) as f64;
        let x = if i + 1 == GRID { last } else { exp(log(first) * (1.0 - share) + log(last) * share) };
        let mut excess: Vec<f64> = records.iter().map(|record| so_far(record, x) - known).collect();
        excess.sort_by(f64::total_cmp);
        let at = |quantile: f64| excess[((excess.len() - 1) as f64 * quantile + 0.5) as usize].max(floor);
        let (low, middle, high) = (at(0.25), at(0.5), at(0.75));
        // Before half of the runs have a finite loss there is no median to draw.
        if middle.is_finite() && low.is_finite() {
            points.push(Point { x, low, middle, high: if high.is_finite() { high } else { middle } });
        }
    }
    Ok(points)
}

/// The best loss of a run within so many evaluations; infinite before the first point of its trace.
fn so_far(record: &Record, evaluations: f64) -> f64 {
    if record.evaluations as f64 <= evaluations {
        return record.answer().unwrap_or(f64::INFINITY);
    }
    let within = record.trace.partition_point(|point: &TracePoint| point.evaluations as f64 <= evaluations);
    match within.checked_sub(1) {
        Some(index) if !record.trace[index].loss.is_nan() => record.trace[index].loss,
        _ => f64::INFINITY,
    }
}
