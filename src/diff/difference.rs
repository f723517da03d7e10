//! Difference quotients along a line: schedules of evaluations of the function itself.
//!
//! A line is a function of the offset t from a point x along some direction, f(x + t d), of m outputs. It returns the
//! offset that was really made: in one coordinate x + t is rounded, and what is divided by is the difference of the
//! two points, which is exact.

/// f(x + t d) at t: m outputs, and the offset that was really made.
pub type Line<'a> = dyn FnMut(f64, &mut [f64]) -> f64 + 'a;

/// How slopes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotient {
    /// (f(h) - f(0))/h.
    Forward,
    /// (f(h) - f(-h))/(2h).
    Central,
    /// Central quotients at shrinking steps, extrapolated to step 0 (`ridders`).
    Richardson,
}

/// Steps that an extrapolation may make.
const STEPS: usize = 10;

/// Each step is so many times smaller than the one before (Press et al.: CON).
const SHRINK: f64 = 1.4;

/// An extrapolation ends when it is so many times worse than the best so far (Press et al.: SAFE).
const WORSE: f64 = 2.0;

/// A step to where the function has no value was far too long.
const RETREAT: f64 = 10.0;

impl Quotient {
    /// The derivatives at t = 0 of every output, `base` being their values there; for `richardson` estimates of their
    /// errors, else NaN. Returns how many evaluations it took.
    pub fn slopes(self, line: &mut Line, h: f64, base: &[f64], slopes: &mut [f64], errors: &mut [f64]) -> u64 {
        errors.fill(f64::NAN);
        match self {
            Quotient::Forward => {
                let made = line(h, slopes);
                for (slope, base) in slopes.iter_mut().zip(base) {
                    *slope = (*slope - base) / made;
                }
                1
            }
            Quotient::Central => {
                central(line, h, slopes, &mut vec![0.0; base.len()]);
                2
            }
            Quotient::Richardson => ridders(line, h, slopes, errors),
        }
    }

    /// Whether the offsets are the same whatever the function is.
    pub fn is_fixed(self) -> bool {
        self != Quotient::Richardson
    }

    /// The most evaluations that `slopes` takes.
    pub fn most(self) -> u64 {
        match self {
            Quotient::Forward => 1,
            Quotient::Central => 2,
            Quotient::Richardson => 2 * STEPS as u64,
        }
    }
}

/// (f(h) - f(-h))/(2h).
fn central(line: &mut Line, h: f64, slopes: &mut [f64], low: &mut [f64]) {
    let up = line(h, slopes);
    let down = line(-up, low);
    for (slope, low) in slopes.iter_mut().zip(low) {
        *slope = (*slope - *low) / (up - down);
    }
}

/// Ridders' method (Advances in Engineering Software 4 (1982) 75) as in Press et al., Numerical Recipes, 3rd ed.,
/// section 5.7: Neville's tableau over central quotients, whose error is a series in h². The answer of an output is the
/// entry of least estimated error, the larger of its distances from its two neighbours of lower order; an output is done
/// when a higher order is twice as bad, and all stop when all are done.
///
/// Where a quotient is not finite the steps begin again at a tenth: near the edge of a domain.
fn ridders(line: &mut Line, first: f64, slopes: &mut [f64], errors: &mut [f64]) -> u64 {
    let m = slopes.len();
    let mut low = vec![0.0; m];
    let mut column = vec![vec![0.0; m]];
    let mut done = vec![false; m];
    let mut h = first;
    for step in 0..STEPS {
        let previous = std::mem::replace(&mut column, vec![vec![0.0; m]]);
        central(line, h, &mut column[0], &mut low);
        if step == 0 || previous.len() == 1 && previous[0].iter().any(|slope| !slope.is_finite()) {
            slopes.copy_from_slice(&column[0]);
            errors.fill(f64::INFINITY);
            done.fill(false);
            let shrink = if slopes.iter().all(|slope| slope.is_finite()) { SHRINK } else { RETREAT };
            h /= shrink;
            continue;
        }
        let mut factor = SHRINK * SHRINK;
        for order in 1..=previous.len() {
            let (lower, before) = (&column[order - 1], &previous[order - 1]);
            let higher: Vec<f64> = (0..m).map(|i| (lower[i] * factor - before[i]) / (factor - 1.0)).collect();
            for i in (0..m).filter(|i| !done[*i]) {
                let error = (higher[i] - lower[i]).abs().max((higher[i] - before[i]).abs());
                if error <= errors[i] {
                    (slopes[i], errors[i]) = (higher[i], error);
                }
            }
            factor *= SHRINK * SHRINK;
            column.push(higher);
        }
        for i in 0..m {
            let last = column.len() - 1;
            done[i] |= (column[last][i] - previous[last - 1][i]).abs() >= WORSE * errors[i];
        }
        if done.iter().all(|done| *done) {
            return 2 * (step as u64 + 1);
        }
        h /= SHRINK;
    }
    2 * STEPS as u64
}
