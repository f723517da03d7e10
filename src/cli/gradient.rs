//! `sbi-run gradient`: loss and gradient at a point by every method, beside the reference, as CSV.

use clap::Args;

use super::{Exit, ExperimentFile, Loaded, output, print};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options};
use crate::engine::Workspace;
use crate::execute::accuracy::digits;
use crate::model::Model;
use crate::report::numbers;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) file: ExperimentFile,
    #[command(flatten)]
    point: Point,
}

pub(super) fn main(arguments: &Arguments, loaded: &Loaded) -> Exit {
    let (experiment, model) = (&*loaded.plan.experiment(0), &*loaded.model(0));
    let mut point = model.start(experiment);
    if let Err(faults) = arguments.point.place(model, &mut point) {
        print(&faults);
        return Exit::Invalid;
    }
    let exact = Reference::new(&model.loss, &model.table.columns, model.rows.count()).gradient(&point);
    let mut text = String::from("method,parameter,loss,derivative,reference,digits,error_estimate\n");
    let chosen = &experiment.differentiation;
    let options = Options::of(experiment, 0.0);
    for kind in &chosen.methods {
        let Some(method) = Method::named(kind.name) else { continue };
        let name = experiment.differentiation.name(kind);
        let objective = match Objective::new(&model.loss, &model.rows, method, &options) {
            Ok(objective) => objective,
            Err(reason) => {
                tell!("{name}: {reason}");
                continue;
            }
        };
        let mut gradient = vec![0.0; point.len()];
        let mut estimates = vec![0.0; point.len()];
        let loss = objective.take(&point, &mut Workspace::default(), &mut gradient, &mut estimates).value;
        for (k, parameter) in model.free_names().iter().enumerate() {
            let error = if gradient[k] == exact[k] { 0.0 } else { ((gradient[k] - exact[k]) / exact[k]).abs() };
            let fields = [loss, gradient[k], exact[k], digits(error)].map(numbers::exact);
            // Only one method estimates its errors; a quotient that never was finite has no estimate either.
            let estimate = Some(estimates[k]).filter(|error| error.is_finite()).map(numbers::exact).unwrap_or_default();
            text.push_str(&format!("{name},{parameter},{},{estimate}\n", fields.join(",")));
        }
    }
    output(&text)
}

/// The point of a command that evaluates at one.
#[derive(Args, Debug)]
pub(super) struct Point {
    /// The point, e.g. `--at a=1,b=2`; parameters not named stand at the start
    #[arg(long, value_name = "NAME=VALUE,…")]
    at: Option<String>,
}

impl Point {
    /// Sets the named coordinates of a point; every fault at once.
    pub(super) fn place(&self, model: &Model, point: &mut [f64]) -> Result<(), Vec<Diagnostic>> {
        let assignments = self.at.as_deref().unwrap_or("");
        let names = model.free_names();
        let mut faults = Vec::new();
        for assignment in assignments.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let Some((name, value)) = assignment.split_once('=') else {
                faults.push(Diagnostic::error(format!("`--at {assignment}`: write it as NAME=VALUE")));
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            match (names.iter().position(|known| *known == name), value.parse::<f64>()) {
                (Some(k), Ok(number)) => point[k] = number,
                (Some(_), Err(_)) => faults.push(Diagnostic::error(format!("`--at`: `{value}` is not a number"))),
                (None, _) => {
                    let fault = Diagnostic::error(format!("`--at`: no free parameter is called `{name}`"));
                    faults.push(match did_you_mean(name, names.iter().copied()) {
                        Some(near) => fault.help(format!("did you mean `{near}`?")),
                        None => fault.help(format!("free parameters: {}", names.join(", "))),
                    });
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}
