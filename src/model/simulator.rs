//! The table of simulators, and the lowering of each kind's outputs.

use crate::diagnostic::Diagnostic;
use crate::experiment::Simulator;
use crate::ir::{Builder, Value};
use crate::kind::{Kind, independent};
use crate::language::lower::{self, Meaning, Scope};

/// Every simulator.
pub const SIMULATORS: &[Kind] = &[Kind {
    name: "formula",
    summary: "outputs.NAME and shared terms let.NAME as formulas over columns, parameters and constants",
    reference: "",
    settings: &[],
    check: independent,
}];

/// Lowers the simulator's outputs, in the order of the file. The terms are left in `scope`, the outputs are not.
pub fn lower(simulator: &Simulator, scope: &mut Scope, b: &mut Builder) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    for (name, formula) in &simulator.terms {
        if let Some(value) = lower::expression(formula, scope, b, &mut faults) {
            scope.insert(name, Meaning::Scalar(value));
        }
    }
    let outputs: Vec<Option<Value>> =
        simulator.outputs.iter().map(|(_, formula)| lower::expression(formula, scope, b, &mut faults)).collect();
    outputs.into_iter().collect::<Option<_>>().filter(|_| faults.is_empty()).ok_or(faults)
}
