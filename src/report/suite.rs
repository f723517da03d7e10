//! Several experiments at once: one comparison over all of them, as a table and for the terminal.
//!
//! Experiments pose different problems, whose losses cannot be compared. What can be added up: runs, how many reached
//! their target, how often an optimizer with its method needed the least work (a tie is shared), and the digits that
//! agree with what an experiment expects (log relative errors, `comparison`).

use std::io::{self, Write};

use super::comparison::{Comparison, Row, median};
use super::numbers::count;
use super::summary::{Cells, aligned};
use super::tables::{MEASURED, Rows, measured, words};
use crate::plan::Plan;

/// One experiment of the suite, with its comparison.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub name: &'a str,
    pub plan: &'a Plan,
    pub comparison: &'a Comparison,
}

/// `comparison.csv` beside the results folders: the rows of every experiment's, the axes in one column.
pub fn table(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let mut header = words(&["experiment", "optimizer", "differentiation", "axes"]);
    header.extend(words(&MEASURED));
    let mut rows = Rows::new(out, &header)?;
    for part in parts {
        for row in &part.comparison.rows {
            let values = part.plan.axes.iter().zip(part.plan.values(row.variant));
            let axes: Vec<String> = values.map(|(path, value)| format!("{path} = {value}")).collect();
            let method = row.method.as_deref().unwrap_or_default();
            let mut fields =
                vec![part.name.to_string(), row.optimizer.to_string(), method.to_string(), axes.join("; ")];
            fields.extend(measured(part.comparison, row));
            rows.write(&fields)?;
        }
    }
    rows.end()
}

/// One optimizer and method over all experiments.
struct Line<'a> {
    optimizer: &'a str,
    method: Option<&'a str>,
    rows: Vec<(&'a Part<'a>, &'a Row, f64)>,
}

/// What a person reads after a suite.
pub fn summary(parts: &[Part], file: &str) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for part in parts {
        for variant in part.comparison.rows.chunk_by(|a, b| a.variant == b.variant) {
            let here = || variant.iter();
            let works = here().filter_map(|row| row.work_to_target).filter(|work| work.is_finite());
            let least = works.reduce(f64::min);
            let tied = here().filter(|row| least.is_some() && row.work_to_target == least).count();
            for row in here() {
                let led = if least.is_some() && row.work_to_target == least { 1.0 / tied as f64 } else { 0.0 };
                let same = |line: &Line| line.optimizer == &*row.optimizer && line.method == row.method.as_deref();
                let place = lines.iter().position(same).unwrap_or_else(|| {
                    lines.push(Line { optimizer: &row.optimizer, method: row.method.as_deref(), rows: Vec::new() });
                    lines.len() - 1
                });
                lines[place].rows.push((part, row, led));
            }
        }
    }
    let certified = parts.iter().any(|part| part.comparison.rows.iter().any(|row| row.lre[0].is_some()));
    let mut header = vec!["optimizer", "differentiation", "problems", "converged", "at best", "least work"];
    if certified {
        header.extend(["LRE parameters", "of errors", "of loss", "all above 8, 7"]);
    }
    let mut cells: Cells = vec![header.into_iter().map(String::from).collect()];
    cells.extend(lines.iter().map(|line| line.cells(certified)));
    let mut text = vec![format!("{} experiments", parts.len())];
    text.extend(aligned(&cells, 2));
    if certified {
        text.push(
            "  LRE: digits in which a run agrees with what is expected: the median over the problems, and the worst one"
                .to_string(),
        );
    }
    text.push(format!("  table     {file}"));
    text.join("\n") + "\n"
}

impl Line<'_> {
    fn cells(&self, certified: bool) -> Vec<String> {
        let sum = |part: fn(&Row) -> usize| self.rows.iter().map(|(_, row, _)| part(row)).sum::<usize>();
        let runs = sum(|row| row.members.len());
        let led: f64 = self.rows.iter().map(|(_, _, led)| led).sum();
        let mut cells = vec![self.optimizer.to_string(), self.method.unwrap_or("–").to_string()];
        cells.push(count(self.rows.len() as u64));
        cells.push(format!("{}/{runs}", sum(|row| row.converged)));
        cells.push(format!("{}/{runs}", sum(|row| row.reached)));
        cells.push(format!("{led:.1}"));
        if certified {
            for part in 0..3 {
                let mut digits: Vec<f64> = self.rows.iter().filter_map(|(_, row, _)| row.lre[part]).collect();
                let worst = digits.iter().copied().reduce(f64::min);
                let middle = median(&mut digits);
                cells.push(match (middle, worst) {
                    (Some(middle), Some(worst)) => format!("{middle:.1}, {worst:.1}"),
                    _ => "–".to_string(),
                });
            }
            let met = |row: &Row| row.lre[0].is_some_and(|lre| lre >= 8.0) && row.lre[1].is_none_or(|lre| lre >= 7.0);
            let of = self.rows.iter().filter(|(_, row, _)| row.lre[0].is_some()).count();
            cells.push(format!("{}/{of}", self.rows.iter().filter(|(_, row, _)| met(row)).count()));
        }
        cells
    }
}
