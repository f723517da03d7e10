//! Several experiments at once: one comparison over all of them, as a table and for the terminal.
//!
//! Experiments pose different problems, whose losses cannot be compared. What can be added up: runs, how many reached
//! their target, how often an optimizer with its method needed the least work (a tie is shared), and the digits that
//! agree with what an experiment expects (log relative errors, `comparison`).

use std::io::{self, Write};
use std::sync::Arc;

use super::compared::{Row, median};
use super::comparison::Comparison;
use super::numbers::count;
use super::summary::{Cells, aligned};
use super::tables::{MEASURED, Rows, measured, words};
use crate::plan::Plan;
use crate::record::Records;

/// One experiment of the suite, with its comparison.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub name: &'a str,
    pub plan: &'a Plan,
    pub records: &'a dyn Records,
    pub comparison: &'a Comparison,
}

/// `comparison.csv` beside the results folders: the rows of every experiment's, the axes in one column.
pub fn table(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let mut header = words(&["experiment", "optimizer", "differentiation", "axes"]);
    header.extend(words(&MEASURED));
    let mut rows = Rows::new(out, &header)?;
    for Part { name, plan, records, comparison } in parts {
        for variant in 0..plan.variants() {
            let compared = comparison.of(plan, *records, variant)?;
            let values = plan.axes.iter().zip(plan.values(variant));
            let axes: Vec<String> = values.map(|(path, value)| format!("{path} = {value}")).collect();
            let axes = axes.join("; ");
            for row in &compared.rows {
                let fixed = [name, &*row.optimizer, row.method.as_deref().unwrap_or_default(), &axes];
                rows.write(fixed.into_iter().map(String::from).chain(measured(&compared, row)))?;
            }
        }
    }
    rows.end()
}

/// One optimizer and method over all experiments: sums over the rows of the comparisons.
struct Line {
    optimizer: Arc<str>,
    method: Option<Arc<str>>,
    problems: usize,
    runs: usize,
    converged: usize,
    reached: usize,
    /// How often it needed the least work.
    led: f64,
    lres: [Vec<f64>; 3],
    /// Rows of which parameters are certified, and those that meet what is asked of them.
    certified: usize,
    met: usize,
}

/// What a person reads after a suite.
pub fn summary(parts: &[Part], file: &str) -> io::Result<String> {
    let mut lines: Vec<Line> = Vec::new();
    for Part { plan, records, comparison, .. } in parts {
        for variant in 0..plan.variants() {
            let compared = comparison.of(plan, *records, variant)?;
            let here = || compared.rows.iter();
            let works = here().filter_map(|row| row.work_to_target).filter(|work| work.is_finite());
            let least = works.reduce(f64::min);
            let tied = here().filter(|row| least.is_some() && row.work_to_target == least).count();
            for row in here() {
                let led = if least.is_some() && row.work_to_target == least { 1.0 / tied as f64 } else { 0.0 };
                let same = |line: &Line| line.optimizer == row.optimizer && line.method == row.method;
                let place = lines.iter().position(same).unwrap_or_else(|| {
                    lines.push(Line::of(row));
                    lines.len() - 1
                });
                lines[place].add(row, led);
            }
        }
    }
    let certified = lines.iter().any(|line| line.certified > 0);
    let mut header = vec!["optimizer", "differentiation", "problems", "converged", "at best", "least work"];
    if certified {
        header.extend(["LRE parameters", "of errors", "of loss", "all above 8, 7"]);
    }
    let mut cells: Cells = vec![header.into_iter().map(String::from).collect()];
    cells.extend(lines.into_iter().map(|line| line.cells(certified)));
    let mut text = vec![format!("{} experiments", parts.len())];
    text.extend(aligned(&cells, 2));
    if certified {
        text.push(
            "  LRE: digits in which a run agrees with what is expected: the median over the problems, and the worst one"
                .to_string(),
        );
    }
    text.push(format!("  table     {file}"));
    Ok(text.join("\n") + "\n")
}

impl Line {
    /// Nothing yet, of the optimizer and method of a row.
    fn of(row: &Row) -> Line {
        Line {
            optimizer: Arc::clone(&row.optimizer),
            method: row.method.clone(),
            problems: 0,
            runs: 0,
            converged: 0,
            reached: 0,
            led: 0.0,
            lres: Default::default(),
            certified: 0,
            met: 0,
        }
    }

    fn add(&mut self, row: &Row, led: f64) {
        self.problems += 1;
        self.runs += row.members.len();
        self.converged += row.converged;
        self.reached += row.reached;
        self.led += led;
        self.lres.iter_mut().zip(row.lre).for_each(|(all, lre)| all.extend(lre));
        self.certified += usize::from(row.lre[0].is_some());
        let met = row.lre[0].is_some_and(|lre| lre >= 8.0) && row.lre[1].is_none_or(|lre| lre >= 7.0);
        self.met += usize::from(met);
    }

    fn cells(self, certified: bool) -> Vec<String> {
        let Line { problems, runs, converged, reached, led, met, .. } = self;
        let mut cells = vec![self.optimizer.to_string(), self.method.as_deref().unwrap_or("–").to_string()];
        cells.push(count(problems as u64));
        cells.push(format!("{converged}/{runs}"));
        cells.push(format!("{reached}/{runs}"));
        cells.push(format!("{led:.1}"));
        if certified {
            for mut digits in self.lres {
                let worst = digits.iter().copied().reduce(f64::min);
                let middle = median(&mut digits);
                cells.push(match (middle, worst) {
                    (Some(middle), Some(worst)) => format!("{middle:.1}, {worst:.1}"),
                    _ => "–".to_string(),
                });
            }
            cells.push(format!("{met}/{}", self.certified));
        }
        cells
    }
}
