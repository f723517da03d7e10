//! Every shipped experiment: the exact methods on its loss against the reference, at its start and beside it.

use super::agreement::{EXACT, Outcome, by_objective, compare};
use super::{no_faults, relative};
use crate::catalog::CATALOG;
use crate::diff::reference::Reference;
use crate::{experiment, model};

#[path = "../../../benches/shipped/mod.rs"]
mod shipped;
use shipped::shipped;

#[test]
fn exact_methods_are_exact_on_shipped_experiments() {
    let mut faults = Vec::new();
    let shipped = shipped();
    assert!(shipped.len() > 15, "{shipped:?}");
    for (name, path) in shipped {
        let Ok((experiment, _)) = experiment::read(&path, &[], &CATALOG) else { panic!("{name} has faults") };
        let model = model::compile(&experiment).expect("a model");
        let mut columns = model.table.columns.clone();
        if columns.is_empty() {
            // One row, of nothing that anybody reads.
            columns.push(vec![0.0]);
        }
        let start = model.start(&experiment);
        let beside = start.iter().enumerate().map(|(k, x)| x * if k % 2 == 0 { 1.01 } else { 0.98 }).collect();
        for point in [start, beside] {
            match compare(&model.loss, &point, &columns, by_objective) {
                Ok(Outcome::Compared { error, .. }) => println!("{name}: {error:.1e} at {point:?}"),
                // Bounds of long oscillations say nothing: then it must be 13 digits.
                Ok(Outcome::LeftOut) => {
                    let exact = Reference::new(&model.loss, &columns, model.rows.count()).gradient(&point);
                    for method in EXACT {
                        let Some((_, found)) = by_objective(method, &model.loss, &model.rows, &point) else { continue };
                        let errors = found.iter().zip(&exact).map(|(x, exact)| relative(*x, *exact, exact.abs()));
                        let worst = errors.fold(0.0, f64::max);
                        println!("{name}: {worst:.1e} by {method:?} at {point:?}");
                        if worst > 1e-13 {
                            faults.push(format!("{name}: {method:?} is {worst:.1e} off at {point:?}"));
                        }
                    }
                }
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
    }
    no_faults(&faults);
}
