//! Difference quotients: schedules of evaluations of the program itself.

use crate::diff::Objective;
use crate::engine::Workspace;

/// (f(x + h) - f(x))/h in each input; returns f(x).
pub fn forward(objective: &Objective, point: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
    let value = objective.value(point, workspace);
    let mut moved = point.to_vec();
    for (k, slope) in gradient.iter_mut().enumerate() {
        let (above, h) = step(objective, point[k]);
        moved[k] = above;
        *slope = (objective.value(&moved, workspace) - value) / h;
        moved[k] = point[k];
    }
    value
}

/// (f(x + h) - f(x - h))/(2h) in each input; returns f(x).
pub fn central(objective: &Objective, point: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
    let mut moved = point.to_vec();
    for (k, slope) in gradient.iter_mut().enumerate() {
        let (above, h) = step(objective, point[k]);
        let below = point[k] - h;
        moved[k] = above;
        let high = objective.value(&moved, workspace);
        moved[k] = below;
        let low = objective.value(&moved, workspace);
        *slope = (high - low) / (above - below);
        moved[k] = point[k];
    }
    objective.value(point, workspace)
}

/// The point one step above x, and the step that was really made: the difference of the two points is exact.
fn step(objective: &Objective, x: f64) -> (f64, f64) {
    let above = x + objective.step_at(x);
    (above, above - x)
}
