//! The tables: RFC 4180, UTF-8, a header row, numbers that read back to the same double.
//!
//! Columns of parameters and axes bear the user's names. A parameter with the name of a fixed column or of an axis is
//! written `parameter.NAME`; an axis with the name of a fixed column `axis.PATH`. Where variants have different
//! parameters (an axis changes a `size`), the columns are all of them in the order in which they first appear.

use std::io::{self, Read, Write};

use super::Results;
use super::compared::{Answer, Compared, Row};
use super::numbers::field;
use crate::plan::{Plan, Run, Skipped};

/// Rows of a table: each is written with the ends of line that RFC 4180 asks for.
pub(super) struct Rows<W: Write>(csv::Writer<W>);

impl<W: Write> Rows<W> {
    pub fn new(out: W, header: &[String]) -> io::Result<Rows<W>> {
        let mut rows = Rows::further(out);
        rows.write(header)?;
        Ok(rows)
    }

    /// Rows of a table whose header is written already.
    pub fn further(out: W) -> Rows<W> {
        Rows(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out))
    }

    pub fn write<S: AsRef<[u8]>>(&mut self, fields: impl IntoIterator<Item = S>) -> io::Result<()> {
        self.0.write_record(fields).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            kind => io::Error::other(format!("{kind:?}")),
        })
    }

    pub fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub(super) fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// The columns of the axes, told apart from the fixed columns.
pub(super) fn axes(plan: &Plan, fixed: &[&str]) -> Vec<String> {
    let column = |path: &String| if fixed.contains(&path.as_str()) { format!("axis.{path}") } else { path.clone() };
    plan.axes.iter().map(column).collect()
}

/// Optimizer, differentiation method and repeat of a run, then the values of the axes.
pub(super) fn describe(plan: &Plan, run: &Run, values: &[String]) -> Vec<String> {
    let method = plan.differentiation(run).map_or(String::new(), |method| method.to_string());
    let mut fields = vec![run.index.to_string(), plan.optimizer(run).to_string(), method, run.repeat.to_string()];
    fields.extend_from_slice(values);
    fields
}

/// `plan.csv`, which `sbi-run plan` prints as well: one row per run; where the sweep has conditions, also one row per
/// combination that they leave out, without a run, and with the condition in the column `skipped`.
pub fn plan(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let fixed = ["run", "optimizer", "differentiation", "repeat"];
    let mut header = words(&fixed);
    header.extend(axes(plan, &[&fixed[..], &["identity", "skipped"]].concat()));
    header.push("identity".into());
    if plan.conditional {
        header.push("skipped".into());
    }
    let mut rows = Rows::new(out, &header)?;
    // The variant before which the next combination that is left out may stand.
    let mut next = 0;
    let mut leave_out = |rows: &mut Rows<_>, variant: usize| -> io::Result<()> {
        while plan.conditional && next <= variant {
            for Skipped { values, reason } in plan.skipped_before(next) {
                let mut fields = vec![String::new(); fixed.len()];
                fields.extend(values);
                fields.extend([String::new(), reason]);
                rows.write(&fields)?;
            }
            next += 1;
        }
        Ok(())
    };
    for variant in 0..plan.variants() {
        leave_out(&mut rows, variant)?;
        let values = plan.values(variant);
        for index in plan.runs_of(variant) {
            let mut fields = describe(plan, &plan.run(index), &values);
            fields.push(plan.identity(index));
            if plan.conditional {
                fields.push(String::new());
            }
            rows.write(&fields)?;
        }
    }
    leave_out(&mut rows, plan.variants())?;
    rows.end()
}

/// The columns of a row of the comparison after those that say which row it is.
pub(super) const MEASURED: [&str; 24] = [
    "runs",
    "converged",
    "loss_best",
    "loss_median",
    "error_median",
    "digits_median",
    "evaluations_median",
    "gradients_median",
    "seconds_median",
    "seconds_to_target",
    "cost_ratio",
    "reached",
    "success",
    "success_lower",
    "success_upper",
    "work_median",
    "evaluations_to_target",
    "work_to_target",
    "best_probability",
    "lre_parameters",
    "lre_standard_errors",
    "lre_loss",
    "target",
    "answer",
];

pub(super) fn measured(compared: &Compared, row: &Row) -> Vec<String> {
    let runs = row.members.len();
    let answer = compared.answer.as_ref();
    let success = row.success.map(|_| row.reached as f64 / runs as f64);
    let mut fields = vec![runs.to_string(), row.converged.to_string()];
    fields.extend(
        [
            row.loss_best,
            row.loss_median,
            row.error_median,
            row.digits_median,
            row.evaluations_median,
            row.gradients_median,
            row.seconds_median,
            row.seconds_to_target,
            row.cost_ratio,
        ]
        .map(field),
    );
    fields.push(row.reached.to_string());
    fields.extend(
        [
            success,
            row.success.map(|ends| ends.0),
            row.success.map(|ends| ends.1),
            row.work_median,
            row.evaluations_to_target,
            row.work_to_target,
            row.best_probability,
            row.lre[0],
            row.lre[1],
            row.lre[2],
            answer.map(Answer::target),
            answer.map(|answer| answer.loss),
        ]
        .map(field),
    );
    fields
}

/// The columns of `comparison.csv`.
pub(super) fn comparison_header(plan: &Plan) -> Vec<String> {
    let fixed = ["optimizer", "differentiation"];
    let mut header = words(&fixed);
    header.extend(axes(plan, &[&fixed[..], &MEASURED].concat()));
    header.extend(words(&MEASURED));
    header
}

/// The rows of `comparison.csv` of a variant with these values of the axes.
pub(super) fn comparison<W: Write>(compared: &Compared, values: &[String], rows: &mut Rows<W>) -> io::Result<()> {
    for row in &compared.rows {
        rows.write(row_of(row, values).iter().chain(&measured(compared, row)))?;
    }
    Ok(())
}

/// Optimizer and differentiation method of a row, then the values of the axes.
pub(super) fn row_of(row: &Row, values: &[String]) -> Vec<String> {
    let mut fields = vec![row.optimizer.to_string(), row.method.as_deref().unwrap_or_default().to_string()];
    fields.extend_from_slice(values);
    fields
}

/// The header of a table as it was written, and its first row. None where it has none, or is not CSV.
pub(super) fn head(table: impl Read) -> Option<(Vec<String>, Vec<String>)> {
    let words = |record: &csv::StringRecord| record.iter().map(String::from).collect::<Vec<String>>();
    let mut reader = csv::Reader::from_reader(table);
    let header = words(reader.headers().ok()?);
    let first = reader.records().next()?.ok()?;
    Some((header, words(&first)))
}

/// `predictions.csv`: one row per data row; with several outputs one per data row and output, named in `output`.
pub(super) fn predictions(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let fixed = ["observed", "sigma", "predicted", "residual"];
    let none = super::Fit::default();
    let fit = results.fit.unwrap_or(&none);
    let several = fit.outputs.len() > 1;
    let taken = |name: &str| fixed.contains(&name) || several && name == "output";
    let input = |name: &String| if taken(name) { format!("input.{name}") } else { name.clone() };
    let mut header: Vec<String> = fit.inputs.names.iter().map(input).collect();
    if several {
        header.push("output".into());
    }
    header.extend(words(&fixed));
    let mut rows = Rows::new(out, &header)?;
    let count = fit.outputs.iter().map(|output| output.predicted.len()).max().unwrap_or(0);
    for row in 0..count {
        for output in &fit.outputs {
            let at = |column: &[f64]| field(column.get(row).copied());
            let mut fields: Vec<String> = fit.inputs.columns.iter().map(|column| at(column)).collect();
            if several {
                fields.push(output.name.clone());
            }
            let sigma = output.sigma.as_deref().unwrap_or(&[]);
            fields.extend([&output.observed, sigma, &output.predicted, &output.residual].map(at));
            rows.write(&fields)?;
        }
    }
    rows.end()
}
