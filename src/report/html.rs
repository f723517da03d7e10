//! `report.html`: one self-contained page, no script, pictures inline, readable in light and dark.

use std::fmt::Write;
use std::io;

use super::Results;
use super::comparison::{Comparison, ROWS};
use super::derivatives;
use super::plots::Picture;
use super::summary::{self, Best, Cells};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1c1c1c;--back:#fff;--soft:#666;--line:#ddd;--stripe:#f6f6f6}\
@media(prefers-color-scheme:dark){:root{--text:#e4e4e4;--back:#181818;--soft:#a0a0a0;--line:#3a3a3a;--stripe:#222}}\
body{font:16px/1.55 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:62rem;margin:2.5rem auto;\
padding:0 1.25rem}\
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .4rem}h2{font-size:1.2rem;margin:2.4rem 0 .6rem}\
p{margin:.5rem 0;max-width:46rem}.soft{color:var(--soft);font-size:.92rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\
th,td{padding:.28rem .8rem .28rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}\
th{font-weight:600;color:var(--soft)}.l{text-align:left}tr:nth-child(even) td{background:var(--stripe)}\
figure{margin:1rem 0 1.6rem}figure div{background:#fff;border-radius:6px;overflow-x:auto;text-align:center}\
figure svg{max-width:100%;height:auto}figcaption{color:var(--soft);font-size:.92rem;margin-top:.4rem;max-width:46rem}\
pre{white-space:pre-wrap;font-size:.85rem}";

pub(super) fn render(results: &Results, comparison: &Comparison, pictures: &[Picture]) -> io::Result<String> {
    let experiment = results.experiment;
    let title = experiment.title.as_deref().unwrap_or(&experiment.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape(title)
    );
    for (text, class) in [(&experiment.about, ""), (&experiment.reference, " class=\"soft\"")] {
        for paragraph in text.iter().flat_map(|text| text.split("\n\n")).filter(|text| !text.trim().is_empty()) {
            put(&mut page, format_args!("<p{class}>{}</p>\n", escape(paragraph.trim())));
        }
    }
    let best = Best::of(results, comparison)?;
    facts(&mut page, results, best.as_ref());
    let picture = |page: &mut String, file: &str| {
        if let Some(picture) = pictures.iter().find(|picture| picture.file == file) {
            figure(page, picture);
        }
    };
    match &best {
        Some(best) => {
            page.push_str("<h2>Best fit</h2>\n");
            put(&mut page, format_args!("<p>{}</p>\n", escape(&best.place())));
            table(&mut page, &best.estimates(), 1);
            for note in best.notes() {
                put(&mut page, format_args!("<p class=\"soft\">{}</p>\n", escape(&note)));
            }
        }
        None if results.plan.is_empty() => {}
        None => page.push_str("<h2>Best fit</h2>\n<p>None: no run found a finite loss.</p>\n"),
    }
    picture(&mut page, "fit.svg");
    picture(&mut page, "intervals.svg");
    if comparison.any {
        page.push_str("<h2>Comparison</h2>\n");
        table(&mut page, &summary::rows(results, comparison, ROWS), 2 + results.plan.axes.len());
        for line in summary::winners(results.plan, comparison) {
            let (word, rest) = line.split_once("   ").map_or(("", line.as_str()), |(word, rest)| (word, rest.trim()));
            put(&mut page, format_args!("<p><b>{}</b> {}.</p>\n", escape(word.trim()), escape(rest)));
        }
        page.push_str(
            "<p class=\"soft\">Medians over the repeats. “At best” counts the runs that came within 1e-6 of the lowest \
             loss known; digits are those in which the parameters agree with the best known answer; “to target” is the \
             time that restarting until a run comes there is expected to take. Work counts a gradient at what it costs, by \
             the operations that it takes. Exact numbers are in comparison.csv.</p>\n",
        );
    }
    picture(&mut page, "ecdf.svg");
    picture(&mut page, "ecdf_seconds.svg");
    picture(&mut page, "convergence.svg");
    picture(&mut page, "comparison.svg");
    if !results.derivatives.rows.is_empty() {
        page.push_str("<h2>Derivatives</h2>\n");
        let rows = derivatives::rows(results, ROWS);
        table(&mut page, &rows.cells, rows.left);
        for line in derivatives::refusals(results) {
            put(&mut page, format_args!("<p class=\"soft\">{}</p>\n", escape(&line)));
        }
        page.push_str(
            "<p class=\"soft\">Correct digits of the gradient of the loss against the same program in 192-bit \
             arithmetic, and the time of one gradient: medians over the points, and the worst point. Exact numbers are in derivatives.csv.</p>\n",
        );
    }
    picture(&mut page, "accuracy_cost.svg");
    for name in ["step_size.svg", "expression_nodes.svg", "cost.svg", "derivatives.svg"] {
        picture(&mut page, name);
    }
    let failures = summary::failures(results)?;
    if !failures.is_empty() {
        page.push_str("<h2>Failures</h2>\n<ul>\n");
        failures.iter().for_each(|line| put(&mut page, format_args!("<li>{}</li>\n", escape(line))));
        page.push_str("</ul>\n");
    }
    put(&mut page, format_args!("<h2>The experiment</h2>\n<pre>{}</pre>\n", escape(results.text)));
    put(
        &mut page,
        format_args!(
            "<p class=\"soft\">Made by {} {}. Everything but the times is a function of the experiment and its data.</p>\n",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION")
        ),
    );
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

fn facts(page: &mut String, results: &Results, best: Option<&Best>) {
    put(page, format_args!("<p>Data: {}. Runs: {}.", escape(&summary::data(results)), escape(&summary::runs(results))));
    if let Some(expected) = summary::expected(results, best) {
        put(page, format_args!(" Expected answer: {}.", escape(expected.trim_start_matches("expected").trim())));
    }
    page.push_str("</p>\n");
}

fn table(page: &mut String, cells: &Cells, left: usize) {
    page.push_str("<div class=\"wide\"><table>\n");
    for (i, row) in cells.iter().enumerate() {
        let tag = if i == 0 { "th" } else { "td" };
        page.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let class = if column < left { " class=\"l\"" } else { "" };
            put(page, format_args!("<{tag}{class}>{}</{tag}>", escape(cell)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

fn figure(page: &mut String, picture: &Picture) {
    let stem = picture.file.trim_end_matches(".svg");
    // Several pictures on one page must not share the names that they use inside.
    let svg = picture
        .svg
        .replace(" id=\"", &format!(" id=\"{stem}-"))
        .replace("url(#", &format!("url(#{stem}-"))
        .replace("href=\"#", &format!("href=\"#{stem}-"));
    let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
    put(
        page,
        format_args!(
            "<figure>\n<div role=\"img\" aria-label=\"{}\">{svg}</div>\n<figcaption><b>{}.</b> {}</figcaption>\n</figure>\n",
            escape(&picture.caption),
            escape(picture.title),
            escape(&picture.caption)
        ),
    );
}

/// Text as HTML text or attribute value.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn put(page: &mut String, text: std::fmt::Arguments) {
    // Writing to a string does not fail.
    let _ = page.write_fmt(text);
}
