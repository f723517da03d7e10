//! Whether the gradients of the exact methods are right: 13 digits, or as many as the problem gives to 53 bits.
//!
//! The latter is found by `running_error` of the forward-mode program. The bound belongs to that program alone, the same
//! for all methods: a method whose formulas cancel more than `SLACK` times as much fails. Where a comparison is decided
//! by rounding, the program has no derivative to compare, and is left out.

use super::running_error::{Bounded, running_error};
use super::{relative, same_bits};
use crate::diff::reference::Reference;
use crate::diff::{Method, Objective, Options, forward};
use crate::engine::{Rows, Workspace};
use crate::ir::Program;

pub const EXACT: [Method; 4] = [Method::Symbolic, Method::Forward, Method::Reverse, Method::ComplexStep];

/// Derivatives below this may have passed through numbers that underflow.
const TINY: f64 = 1e-270;

/// How far a method may exceed the bound of the forward program.
const SLACK: f64 = 8.0;

/// What became of a program: compared, with the worst relative error of a component and the size of the program; or
/// left out.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Compared { error: f64, operations: usize },
    LeftOut,
}

/// Value and gradient of a program by a method.
pub type Found = (f64, Vec<f64>);

/// As the methods have it; None where an expression would be too large.
pub fn by_objective(method: Method, program: &Program, rows: &Rows, point: &[f64]) -> Option<Found> {
    let objective = match Objective::new(program, rows, method, &Options::default()) {
        Ok(objective) => objective,
        Err(reason) => {
            assert!(method == Method::Symbolic && reason.contains("would exceed"), "{method:?}: {reason}");
            return None;
        }
    };
    let mut gradient = vec![0.0; point.len()];
    let value = objective.gradient(point, &mut Workspace::default(), &mut gradient);
    Some((value, gradient))
}

/// Compares the gradients that `found` gives by each exact method with the reference; the error says which differs.
pub fn compare(
    program: &Program,
    point: &[f64],
    columns: &[Vec<f64>],
    found: impl Fn(Method, &Program, &Rows, &[f64]) -> Option<Found>,
) -> Result<Outcome, String> {
    let rows = columns[0].len();
    let Some(bounds) = running_error(&forward::gradient(program, 0..program.inputs), point, columns, rows) else {
        return Ok(Outcome::LeftOut);
    };
    // Where 53 bits do not determine a single digit, or numbers are near the ends of the doubles, nothing is compared.
    let usable = |x: f64| x.is_finite() && x.abs() < 1e100;
    let determined = |x: &Bounded| usable(x.value) && usable(x.error) && x.error <= 0.1 * x.value.abs();
    if !bounds[1..].iter().all(determined) {
        return Ok(Outcome::LeftOut);
    }
    let exact = Reference::new(program, columns, rows).gradient(point);
    if !exact.iter().all(|x| usable(*x)) {
        return Ok(Outcome::LeftOut);
    }
    let bound_rows = Rows::new(columns, rows);
    let mut worst = 0.0f64;
    let mut value = None;
    for method in EXACT {
        let Some((this, gradient)) = found(method, program, &bound_rows, point) else { continue };
        if !same_bits(*value.get_or_insert(this), this) {
            return Err(format!("{method:?} gives another value: {this:e}, {value:?}\n{program}"));
        }
        for k in 0..program.inputs {
            let error = (gradient[k] - exact[k]).abs();
            let full = error <= 1e-13 * exact[k].abs().max(TINY);
            worst = worst.max(relative(gradient[k], exact[k], exact[k].abs().max(TINY)));
            if !full && (error.is_nan() || error > SLACK * bounds[k + 1].error + TINY) {
                let (found, want, bound) = (gradient[k], exact[k], bounds[k + 1].error);
                return Err(format!(
                    "{method:?} in {k}: {found:e}, not {want:e} ± {bound:.1e}, at {point:?} {columns:?}\n{program}"
                ));
            }
        }
    }
    Ok(Outcome::Compared { error: worst, operations: program.operations() })
}

/// Says how many programs were compared and how well; so many of a hundred must have been, and most to full digits.
pub fn summary(outcomes: &[Outcome], least: usize) {
    let mut errors = Vec::new();
    let mut operations = Vec::new();
    for outcome in outcomes {
        if let Outcome::Compared { error, operations: size } = outcome {
            errors.push(*error);
            operations.push(*size as f64);
        }
    }
    let compared = errors.len();
    let within = |bound: f64| errors.iter().filter(|error| **error <= bound).count();
    println!(
        "{} programs, {compared} compared, of {:?} operations (median); worst component of all methods: {} to 15 digits, \
         {} to 14, {} to 13, {} exact",
        outcomes.len(),
        crate::math::statistics::median(&operations),
        within(1e-15),
        within(1e-14),
        within(1e-13),
        within(0.0),
    );
    assert!(compared * 100 > outcomes.len() * least, "too many programs left out: {compared} compared");
    assert!(within(1e-13) * 100 > compared * 90, "too few to full digits");
    assert!(within(0.0) * 10 < compared * 5, "too many programs without rounding");
}
