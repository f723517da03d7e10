//! What a row reports must be true: a tolerance that it says was met, a minimum in a corner of the box.

use super::Reason;
use super::table::OPTIMIZERS;
use super::trial::{Setup, Trial, run};
use crate::kind::Value;
use crate::math::linear::largest;

fn valley() -> Trial {
    Trial::of_squares(2, 0.0, |x| {
        vec![(1.0 - x[0], vec![-1.0, 0.0]), (3.0 * (x[1] - x[0] * x[0]), vec![-6.0 * x[0], 3.0])]
    })
}

#[test]
fn a_gradient_tolerance_that_is_said_to_be_met_is_met() {
    let mut met = 0;
    for row in OPTIMIZERS.iter().filter(|row| row.kind.setting("gradient_tolerance").is_some()) {
        let settings = [("gradient_tolerance", Value::Number(1e-3))];
        let setup = Setup { settings: &settings, ..Setup::new(vec![-1.2, 1.0], vec![(-2.0, 2.0); 2], 1) };
        let problem = valley();
        let (outcome, _) = run(row, &problem, &setup);
        let (point, loss) = outcome.best.clone().expect("a finite loss");
        let norm = largest(&(problem.loss)(&point).1);
        let name = row.kind.name;
        println!("{name}: {:?}, |g| = {norm:e} at {loss:e}", outcome.reason);
        assert!(outcome.reason != Reason::GradientTolerance || norm <= 1e-3, "{name}: {norm} {outcome:?}");
        met += usize::from(outcome.reason == Reason::GradientTolerance);
    }
    assert!(met >= 8, "{met} rows end by the tolerance that they were given");
}

/// The minimum in a corner of the closed box, where the loss falls outwards.
#[test]
fn populations_find_a_corner_of_their_box() {
    for row in OPTIMIZERS.iter().filter(|row| row.population) {
        let problem = Trial::new(3, |x| (x.iter().map(|x| (x - 5.0) * (x - 5.0)).sum(), vec![0.0; 3]));
        let setup = Setup::new(vec![0.0, -1.0, 1.0], vec![(-3.0, 3.0); 3], 1);
        let (outcome, _) = run(row, &problem, &setup);
        let (point, _) = outcome.best.clone().expect("a finite loss");
        let away = point.iter().map(|x| 3.0 - x).fold(0.0, f64::max);
        println!("{}: {away:e} from the corner, {:?}", row.kind.name, outcome.reason);
        // Random points come near it only.
        let wanted = if row.kind.name == "random_search" { 0.5 } else { 1e-3 };
        assert!((0.0..=wanted).contains(&away), "{}: {point:?}", row.kind.name);
    }
}
