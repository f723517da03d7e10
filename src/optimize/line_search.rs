//! A line search that ends with the strong Wolfe conditions and lives with NaN and infinite values.
//!
//! Bracketing, secant² steps and the approximate Wolfe condition of Hager & Zhang 2005 ("A new conjugate gradient
//! method with guaranteed descent and an efficient line search", SIAM J. Optim. 16, section 4; conditions L0-L3, U0-U3,
//! T1, T2).
//! Near a minimum, differences of losses drown in rounding while slopes still tell right from left: the approximate
//! condition tests slopes, and allows the loss to rise by its own rounding error. A point where loss or slope is not
//! finite counts as too far.

use argmin::core::{
    CostFunction, Error, Executor, Gradient, IterState, KV, LineSearch, Problem, Solver, State, TerminationReason,
};

use super::guard::Guard;
use super::ledger::Slope;
use crate::math::linear::{dot, largest};

/// The state of a gradient method.
pub(super) type Iterate = IterState<Vec<f64>, Vec<f64>, (), (), (), f64>;

/// Sufficient decrease: the loss must fall by this share of what the slope at the start promises.
const DECREASE: f64 = 1e-4;
/// The same in the approximate condition.
const APPROXIMATE_DECREASE: f64 = 0.1;
/// Curvature: the slope must shrink to this share in absolute value.
const CURVATURE: f64 = 0.9;
/// Relative error that the loss may have.
const ROUNDING: f64 = 1e-12;
/// Growth of the step while the minimum lies ahead.
const GROWTH: f64 = 3.0;
/// An interval that secant steps do not shrink to this share is halved.
const SHRINK: f64 = 0.66;
const EVALUATIONS: u32 = 60;
/// First step along the steepest descent, as a share of each coordinate.
const FIRST_STEP: f64 = 0.01;
/// Longest first step along other directions, as a multiple of the largest coordinate, or of 1: what looks like a whole
/// step may jump to where a logistic coordinate no longer changes anything.
const CAP: f64 = 1.0;

/// The search along one direction.
#[derive(Clone, Debug)]
pub(super) struct WolfeSearch {
    direction: Vec<f64>,
    first: Option<f64>,
}

/// A step and what was met there.
#[derive(Clone, Copy, Debug)]
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
}

impl Trial {
    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.slope.is_finite()
    }
}

/// The search along a line found no acceptable point.
#[derive(Debug)]
struct NoDescent;

impl std::fmt::Display for NoDescent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no descent along the line")
    }
}

impl std::error::Error for NoDescent {}

impl WolfeSearch {
    pub(super) fn new() -> WolfeSearch {
        WolfeSearch { direction: Vec::new(), first: None }
    }
}

impl LineSearch<Vec<f64>, f64> for WolfeSearch {
    fn search_direction(&mut self, direction: Vec<f64>) {
        self.direction = direction;
    }

    fn initial_step_length(&mut self, step: f64) -> Result<(), Error> {
        self.first = Some(step);
        Ok(())
    }
}

impl<O> Solver<O, Iterate> for WolfeSearch
where
    O: CostFunction<Param = Vec<f64>, Output = f64> + Gradient<Param = Vec<f64>, Gradient = Vec<f64>>,
{
    fn name(&self) -> &str {
        "Wolfe line search"
    }

    /// The whole search is one iteration: its loops are bounded here, not by the executor.
    fn next_iter(&mut self, problem: &mut Problem<O>, mut state: Iterate) -> Result<(Iterate, Option<KV>), Error> {
        let (Some(origin), Some(gradient)) = (state.take_param(), state.take_gradient()) else {
            return Err(NoDescent.into());
        };
        let start = Trial { step: 0.0, value: state.get_cost(), slope: dot(&self.direction, &gradient) };
        let first = self.first.unwrap_or_else(|| first_step(&origin, &gradient, &self.direction));
        let mut line = Line { problem, origin: &origin, direction: &self.direction, start, left: EVALUATIONS };
        let found = line.search(first)?;
        let point = line.point(found.step);
        Ok((state.param(point).cost(found.value).terminate_with(TerminationReason::SolverConverged), None))
    }
}

/// The point that the search along a direction finds, `first` being the first step that it tries if it is not to have its
/// own rule; None if it finds none.
pub(super) fn search(guard: &Guard<'_>, here: &Slope, direction: Vec<f64>, first: Option<f64>) -> Option<Vec<f64>> {
    let state = |state: Iterate| state.param(here.point.clone()).gradient(here.gradient.clone()).cost(here.loss);
    let found = Executor::new(guard, WolfeSearch { direction, first }).configure(state).ctrlc(false).timer(false).run();
    found.ok()?.state.param
}

/// 1 for directions that carry a scale of their own, or less where that is far. Along the steepest descent, the step
/// that changes no coordinate by more than a hundredth of itself: loss and gradient do not tell how far to go, and too
/// short a step is soon made longer, while one that is too long may leave the valley.
fn first_step(origin: &[f64], gradient: &[f64], direction: &[f64]) -> f64 {
    let scale = largest(origin);
    if direction.iter().zip(gradient).any(|(d, g)| *d != -*g) {
        return (CAP * scale.max(1.0) / largest(direction)).min(1.0);
    }
    let floor = if scale > 0.0 { 1e-8 * scale } else { 1.0 };
    origin
        .iter()
        .zip(direction)
        .filter(|(_, d)| **d != 0.0)
        .map(|(x, d)| FIRST_STEP * x.abs().max(floor) / d.abs())
        .fold(f64::INFINITY, f64::min)
}

/// The loss along a line.
struct Line<'l, O> {
    problem: &'l mut Problem<O>,
    origin: &'l [f64],
    direction: &'l [f64],
    start: Trial,
    /// Evaluations left.
    left: u32,
}

/// What to do after a trial.
enum Next {
    Accept(Trial),
    /// The minimum lies between a point of falling loss and one of rising loss.
    Bracket(Trial, Trial),
}

impl<O> Line<'_, O>
where
    O: CostFunction<Param = Vec<f64>, Output = f64> + Gradient<Param = Vec<f64>, Gradient = Vec<f64>>,
{
    fn point(&self, step: f64) -> Vec<f64> {
        self.origin.iter().zip(self.direction).map(|(x, d)| step.mul_add(*d, *x)).collect()
    }

    fn at(&mut self, step: f64) -> Result<Trial, Error> {
        let point = self.point(step);
        if self.left == 0 || point == self.origin {
            return Err(NoDescent.into());
        }
        self.left -= 1;
        if point.iter().any(|x| !x.is_finite()) {
            return Ok(Trial { step, value: f64::INFINITY, slope: f64::NAN });
        }
        // The gradient first: the guard then knows the loss.
        let slope = dot(&self.problem.gradient(&point)?, self.direction);
        Ok(Trial { step, value: self.problem.cost(&point)?, slope })
    }

    /// The loss that rounding alone may bring.
    fn allowed(&self) -> f64 {
        self.start.value + ROUNDING * self.start.value.abs()
    }

    fn decreases(&self, trial: &Trial) -> bool {
        trial.value <= self.start.value + DECREASE * trial.step * self.start.slope
    }

    /// Strong Wolfe conditions, exact or approximate (T1, T2).
    fn acceptable(&self, trial: &Trial) -> bool {
        let steep = self.start.slope.abs();
        let exact = self.decreases(trial) && trial.slope.abs() <= CURVATURE * steep;
        let approximate = trial.value <= self.allowed()
            && trial.slope >= -CURVATURE * steep
            && trial.slope <= (1.0 - 2.0 * APPROXIMATE_DECREASE) * steep;
        trial.is_finite() && (exact || approximate)
    }

    fn search(&mut self, first: f64) -> Result<Trial, Error> {
        if !(self.start.is_finite() && self.start.slope < 0.0 && first > 0.0 && first.is_finite()) {
            return Err(NoDescent.into());
        }
        let mut lowest = self.start;
        let result = self.bracket(first, &mut lowest).and_then(|next| match next {
            Next::Accept(trial) => Ok(trial),
            Next::Bracket(low, high) => self.narrow(low, high, &mut lowest),
        });
        match result {
            // Out of evaluations: a real decrease is better than none.
            Err(error) if error.is::<NoDescent>() && lowest.step > 0.0 && self.decreases(&lowest) => Ok(lowest),
            other => other,
        }
    }

    /// One trial, remembered if it is the lowest.
    fn probe(&mut self, step: f64, lowest: &mut Trial) -> Result<Trial, Error> {
        let trial = self.at(step)?;
        if trial.is_finite() && trial.value < lowest.value {
            *lowest = trial;
        }
        Ok(trial)
    }

    /// Goes forward until the slope turns or the loss rises (B0-B3).
    fn bracket(&mut self, first: f64, lowest: &mut Trial) -> Result<Next, Error> {
        let mut low = self.start;
        let mut step = first;
        loop {
            let trial = self.probe(step, lowest)?;
            if self.acceptable(&trial) {
                return Ok(Next::Accept(trial));
            }
            if trial.is_finite() && trial.slope >= 0.0 {
                return Ok(Next::Bracket(low, trial));
            }
            if !trial.is_finite() || trial.value > self.allowed() {
                return self.retreat(low, trial, lowest);
            }
            low = trial;
            step *= GROWTH;
        }
    }

    /// Halves towards `low` until the far end is a finite point of rising loss (U3). Beside a wall, where the loss
    /// falls up to the last finite point, the near end is accepted once it is close to the wall.
    fn retreat(&mut self, mut low: Trial, mut high: Trial, lowest: &mut Trial) -> Result<Next, Error> {
        loop {
            // From a wall, a tenth: how far it is from `low` is unknown at first.
            let share = if high.is_finite() || low.step > 0.0 { 0.5 } else { 0.1 };
            let trial = self.probe(low.step + share * (high.step - low.step), lowest)?;
            if self.acceptable(&trial) {
                return Ok(Next::Accept(trial));
            }
            if trial.is_finite() && trial.slope >= 0.0 {
                return Ok(Next::Bracket(low, trial));
            }
            if !trial.is_finite() || trial.value > self.allowed() {
                high = trial;
            } else {
                low = trial;
            }
            if !high.is_finite() && high.step - low.step < 0.1 * high.step && self.decreases(&low) {
                return Ok(Next::Accept(low));
            }
        }
    }

    /// Secant² steps, with bisection where they do not shrink the interval (L1-L3).
    fn narrow(&mut self, mut low: Trial, mut high: Trial, lowest: &mut Trial) -> Result<Trial, Error> {
        loop {
            let width = high.step - low.step;
            let (old_low, old_high) = (low, high);
            let mut proposals = [secant(&low, &high), f64::NAN, f64::NAN];
            for turn in 0..3 {
                let step = proposals[turn];
                if step > low.step && step < high.step {
                    match self.update(low, high, step, lowest)? {
                        Next::Accept(trial) => return Ok(trial),
                        Next::Bracket(a, b) => (low, high) = (a, b),
                    }
                }
                if turn == 0 && step == high.step {
                    proposals[1] = secant(&old_high, &high);
                } else if turn == 0 && step == low.step {
                    proposals[1] = secant(&old_low, &low);
                }
                if turn == 1 && high.step - low.step > SHRINK * width {
                    proposals[2] = 0.5 * (low.step + high.step);
                }
            }
            if high.step - low.step >= width {
                return Err(NoDescent.into());
            }
        }
    }

    /// The part of the interval in which the minimum lies, after a trial inside it (U0-U3).
    fn update(&mut self, low: Trial, high: Trial, step: f64, lowest: &mut Trial) -> Result<Next, Error> {
        let trial = self.probe(step, lowest)?;
        if self.acceptable(&trial) {
            return Ok(Next::Accept(trial));
        }
        if trial.is_finite() && trial.slope >= 0.0 {
            return Ok(Next::Bracket(low, trial));
        }
        if trial.is_finite() && trial.value <= self.allowed() {
            return Ok(Next::Bracket(trial, high));
        }
        self.retreat(low, trial, lowest)
    }
}

/// Where the slope would vanish if it were straight.
fn secant(a: &Trial, b: &Trial) -> f64 {
    (a.step * b.slope - b.step * a.slope) / (b.slope - a.slope)
}
