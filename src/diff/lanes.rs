//! Which lanes the tasks of an experiment have, and why: for people, and for lanes that are asked for and cannot be.

use crate::diff::{Method, Objective, Options};
use crate::engine::{Choice, Lanes, Why};
use crate::experiment::{Experiment, Of};
use crate::model::Model;

/// What an experiment has the engine do again and again.
struct Task {
    name: String,
    choice: Choice,
    /// Besides rows, what could stand in its lanes.
    other: Option<Lanes>,
    /// How many lanes that is.
    lanes: String,
}

/// A line for each task: its lanes, how many, why.
pub fn explain(experiment: &Experiment, model: &Model) -> Vec<String> {
    let line = |task: Task| format!("{}: {}, {}: {}", task.name, task.choice.lanes.word(), task.lanes, task.choice.why);
    tasks(experiment, model, None).into_iter().map(line).collect()
}

/// What is wrong with the lanes that an experiment asks for, and what to do about it: no task has them.
pub fn fault(experiment: &Experiment, model: &Model) -> Option<(String, &'static str)> {
    let wanted = experiment.lanes.filter(|wanted| *wanted != Lanes::Rows)?;
    let tasks = tasks(experiment, model, Some(wanted));
    if tasks.iter().any(|task| task.choice.lanes == wanted) {
        return None;
    }
    let Some(task) = tasks.first() else {
        return Some(match wanted {
            Lanes::Tangents => (
                "no gradient has tangents for lanes: `differentiation.methods` does not name `forward`".into(),
                "add \"forward\" to `differentiation.methods`, or leave `lanes` out",
            ),
            _ => (
                "nothing evaluates several points together".into(),
                "optimizers with a population do, and gradients by `forward_difference`, `central_difference` and \
                 `complex_step`; or leave `lanes` out",
            ),
        });
    };
    let message = format!("{} cannot have {} in lanes: {}", task.name, wanted.word(), task.choice.why);
    Some((message, "leave `lanes` out: the best are chosen for each task, as `sbi-run check --explain` shows"))
}

/// Every task, or those that could have certain lanes besides rows.
fn tasks(experiment: &Experiment, model: &Model, of: Option<Lanes>) -> Vec<Task> {
    let count = number(model.rows.count());
    let options = Options::of(experiment, 1.0);
    let rows = |name: &str| {
        let choice = Choice::rows(Why::OnePoint);
        Task { name: name.into(), choice, other: None, lanes: count.clone() }
    };
    let mut tasks = vec![rows("one loss")];
    let populations: Vec<&str> = experiment
        .optimizers
        .iter()
        .filter(|optimizer| optimizer.row.population)
        .map(|optimizer| optimizer.label.as_str())
        .collect();
    if !populations.is_empty()
        && let Ok(loss) = Objective::new(&model.loss, &model.rows, Method::ForwardDifference, &options)
    {
        // Of a large population, and of the smallest that has the same.
        let choice = loss.lanes_of_values(usize::MAX);
        let least = (2..).find(|count| loss.lanes_of_values(*count) == choice).unwrap_or(usize::MAX);
        let lanes = match choice.lanes {
            Lanes::Points => format!("one for each of {least} points or more"),
            _ => count.clone(),
        };
        let name = format!("losses of a population ({})", populations.join(", "));
        tasks.push(Task { name, choice, other: Some(Lanes::Points), lanes });
    }
    for kind in &experiment.differentiation.methods {
        let Some(method) = Method::named(kind.name) else { continue };
        let other = match method {
            Method::ForwardDifference | Method::CentralDifference | Method::ComplexStep => Some(Lanes::Points),
            Method::Forward => Some(Lanes::Tangents),
            Method::Richardson | Method::Symbolic | Method::Reverse => None,
        };
        if of.is_some() && of != other {
            continue;
        }
        // A method that cannot differentiate the model has no task.
        let Ok(objective) = Objective::new(&model.search_loss, &model.rows, method, &options) else { continue };
        let choice = objective.lanes_of_gradient();
        let lanes = match (choice.lanes, method) {
            (Lanes::Rows, _) => count.clone(),
            (_, Method::ForwardDifference | Method::CentralDifference) => number(objective.evaluations() as usize),
            _ => number(objective.inputs()),
        };
        tasks.push(Task { name: format!("gradient by {}", kind.name), choice, other, lanes });
    }
    if model.search_residuals.is_some() || experiment.differentiation.compare.of == Of::Jacobian {
        tasks.push(rows("Jacobians"));
    }
    tasks.retain(|task| of.is_none() || task.other == of);
    tasks
}

fn number(lanes: usize) -> String {
    if lanes == 1 { "1 lane".into() } else { format!("{lanes} lanes") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::loops::{POINT, lowered};
    use crate::diff::strands::tests::{TEXTS, same};
    use crate::engine::{Rows, Workspace};

    const METHODS: [Method; 7] = [
        Method::ForwardDifference,
        Method::CentralDifference,
        Method::Richardson,
        Method::ComplexStep,
        Method::Symbolic,
        Method::Forward,
        Method::Reverse,
    ];

    /// Values and gradients have the same bits whatever lanes are wished for, and there are tasks for every wish.
    #[test]
    fn no_wish_changes_a_bit() {
        let mut had = Vec::new();
        for (text, count) in TEXTS.iter().flat_map(|text| [(text, 1), (text, 37)]) {
            let t: Vec<f64> = (0..count).map(|k| 0.1 + 0.013 * k as f64).collect();
            let (program, rows) = (lowered(text), Rows::new(&[t], count));
            for method in METHODS {
                let found = [None, Some(Lanes::Rows), Some(Lanes::Points), Some(Lanes::Tangents)].map(|lanes| {
                    let options = Options { lanes, ..Options::default() };
                    let Ok(objective) = Objective::new(&program, &rows, method, &options) else { return Vec::new() };
                    let mut workspace = Workspace::default();
                    let points: Vec<Vec<f64>> =
                        (0..11).map(|k| POINT.map(|x| x + 0.01 * f64::from(k)).into()).collect();
                    let mut numbers = objective.values(&points, &mut workspace);
                    let mut gradient = vec![f64::NAN; POINT.len()];
                    numbers.push(objective.gradient(&POINT, &mut workspace, &mut gradient));
                    numbers.extend(gradient);
                    let chosen = objective.lanes_of_gradient();
                    assert!(lanes != Some(Lanes::Rows) || chosen.lanes == Lanes::Rows);
                    had.push((method, lanes, chosen.lanes));
                    numbers
                });
                for other in &found[1..] {
                    assert!(same(&found[0], other), "{method:?}: {found:?}\n{text}");
                }
            }
        }
        for wanted in [
            (Method::ForwardDifference, None, Lanes::Rows),
            (Method::ForwardDifference, Some(Lanes::Points), Lanes::Points),
            (Method::CentralDifference, None, Lanes::Points),
            (Method::ComplexStep, Some(Lanes::Points), Lanes::Points),
            (Method::Forward, None, Lanes::Tangents),
            (Method::Forward, Some(Lanes::Tangents), Lanes::Tangents),
        ] {
            assert!(had.contains(&wanted), "{wanted:?}");
        }
    }
}
