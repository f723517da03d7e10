//! `sbi-run trace`: the evaluation trace of the model at a point, as tables, CSV and a picture of the graph.

use std::path::PathBuf;

use clap::Args;

use super::gradient::Point;
use super::{Exit, ExperimentFile, Loaded, output, print};
use crate::diagnostic::{Diagnostic, many};
use crate::diff::symbolic;
use crate::diff::trace::{Leaf, Place, Trace, trace};
use crate::journal::{self, Folder};
use crate::report::{graph, numbers, trace as tables};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) file: ExperimentFile,
    #[command(flatten)]
    point: Point,
    /// The row of the data, from 0, at which the outputs are traced
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "loss")]
    row: usize,
    /// Trace the loss over all rows in place of the outputs at one
    #[arg(long)]
    loss: bool,
    /// Print value and derivatives as formulas of the model language, in the form of `differentiation.symbolic`, and
    /// nothing else
    #[arg(long)]
    symbolic: bool,
    /// How many steps are shown
    #[arg(long, value_name = "N", default_value_t = 200)]
    steps: usize,
    /// Where the results folders are
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

pub(super) fn main(arguments: &Arguments, loaded: &Loaded) -> Exit {
    if arguments.symbolic {
        return match formulas(arguments, loaded) {
            Ok(text) => output(&text),
            Err(reason) => {
                let message = format!("`{}` has no formula: {reason}", loaded.experiment.name);
                print(&[Diagnostic::error(message)]);
                Exit::Invalid
            }
        };
    }
    let found = match traced(arguments, loaded) {
        Ok(found) => found,
        Err(faults) => {
            print(&faults);
            return Exit::Invalid;
        }
    };
    let folder = arguments.out.join(&loaded.experiment.name);
    match write(&found, arguments.steps, &folder) {
        Ok(()) => {}
        Err(error) => {
            tell!("{error}");
            return Exit::Results;
        }
    }
    let mut text = String::new();
    text += &format!("{} at {}\n\n", what(arguments, loaded), point(&found));
    text += &tables::tables(&found, arguments.steps);
    text += &format!("\nWritten to {}: {}\n", folder.display(), FILES.join(", "));
    output(&text)
}

const FILES: [&str; 4] = ["trace_forward.csv", "trace_reverse.csv", "graph.dot", "graph.svg"];

fn traced(arguments: &Arguments, loaded: &Loaded) -> Result<Trace, Vec<Diagnostic>> {
    let (experiment, model) = (&loaded.experiment, &loaded.model(0));
    let mut theta = model.start(experiment);
    arguments.point.place(model, &mut theta)?;
    let fault = |message: String| vec![Diagnostic::error(message)];
    let count = model.rows.count();
    if arguments.row >= count {
        let message = format!("`--row {}`: the data have {}", arguments.row, many(count, "row"));
        return Err(vec![Diagnostic::error(message).help(format!("rows are numbered from 0 to {}", count.max(1) - 1))]);
    }
    let leaf = |(name, value): (&str, &f64)| Leaf { name: name.to_string(), value: *value };
    let inputs: Vec<Leaf> = model.free_names().into_iter().zip(&theta).map(leaf).collect();
    let rows = if arguments.loss { (0, count) } else { (arguments.row, arguments.row + 1) };
    let at = Place { inputs: &inputs, column_names: &model.table.names, columns: &model.table.columns, rows };
    let loss = ["loss".to_string()];
    let (program, names) = match arguments.loss {
        true => (&model.loss, &loss[..]),
        false => (&model.simulation, &model.outputs[..]),
    };
    trace(program, names, &at).map_err(|reason| fault(format!("cannot trace `{}`: {reason}", experiment.name)))
}

/// Value and derivatives of every output in a row of the data, or of the loss, one formula a line.
fn formulas(arguments: &Arguments, loaded: &Loaded) -> Result<String, String> {
    let model = &loaded.model(0);
    let inputs = model.free_names();
    let (program, names) = match arguments.loss {
        true => (&model.loss, vec!["loss"]),
        false => (&model.simulation, model.outputs.iter().map(String::as_str).collect()),
    };
    let form = &loaded.experiment.differentiation.symbolic;
    let which: Vec<usize> = (0..program.outputs.len()).collect();
    let derivatives = symbolic::jacobian(program, &which, 0..inputs.len(), form)?;
    let formulas = symbolic::formula::formulas(&derivatives, &inputs, &model.table.names, form.limit)?;
    let slopes = names.iter().flat_map(|name| inputs.iter().map(move |input| format!("d{name}/d{input}")));
    let left = names.iter().map(|name| name.to_string()).chain(slopes);
    let mut text: String = left.zip(&formulas).map(|(left, formula)| format!("{left} = {formula}\n")).collect();
    if formulas.iter().any(|formula| formula.contains('Σ')) {
        text.push_str("\nΣ is the sum over the rows of the data; in it stands the formula of one row.\n");
    }
    Ok(text)
}

/// What is traced.
fn what(arguments: &Arguments, loaded: &Loaded) -> String {
    let model = &loaded.model(0);
    match (arguments.loss, model.rows.count()) {
        (true, _) => format!("{}: the loss", loaded.experiment.name),
        (false, 1) => format!("{}: {}", loaded.experiment.name, model.outputs.join(", ")),
        (false, _) => format!("{}: {} in row {}", loaded.experiment.name, model.outputs.join(", "), arguments.row),
    }
}

fn point(found: &Trace) -> String {
    let value = |input: &Leaf| format!("{} = {}", input.name, numbers::short(input.value, 6));
    found.inputs.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn write(found: &Trace, most: usize, path: &std::path::Path) -> Result<(), journal::Error> {
    let folder = Folder::create(path)?;
    folder.write(FILES[0], |out| tables::forward_csv(found, most, out))?;
    folder.write(FILES[1], |out| tables::reverse_csv(found, most, out))?;
    folder.write(FILES[2], |out| out.write_all(graph::dot(found, most).as_bytes()))?;
    folder.write(FILES[3], |out| out.write_all(graph::svg(found, most).as_bytes()))
}
