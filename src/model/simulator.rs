//! The table of simulators, and the lowering of each kind's outputs.

use crate::diagnostic::Diagnostic;
use crate::experiment::Simulator;
use crate::ir::{Builder, Value};
use crate::kind::{Kind, independent};
use crate::language::lower::{self, Meaning, Scope};

/// Every simulator.
pub const SIMULATORS: &[Kind] = &[
    Kind {
        name: "formula",
        summary: "outputs.NAME and shared terms let.NAME as formulas over columns, parameters and constants",
        reference: "",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "program",
        summary: "statements of the model language, as `program` or in a `file`; it assigns every output by name",
        reference: "",
        settings: &[],
        check: independent,
    },
];

/// Lowers the simulator's outputs over `rows` rows, in the order of the file. Terms and what a program assigns are left
/// in `scope`, the outputs are not. An output that is a vector has one element for each row.
pub fn lower(
    simulator: &Simulator,
    rows: usize,
    scope: &mut Scope,
    b: &mut Builder,
) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    for (name, formula) in &simulator.terms {
        if let Some(value) = lower::expression(formula, scope, b, &mut faults) {
            scope.insert(name, Meaning::Scalar(value));
        }
    }
    if let Some(program) = &simulator.program {
        // What the program assigns has the names of the data that it is compared with: they are not for it to read.
        for name in lower::assigned_names(program) {
            if simulator.outputs.iter().any(|(output, _)| *output == name) {
                scope.insert(name, Meaning::Unavailable("it is assigned later".into()));
            }
        }
        if let Some(names) = lower::program_names(program, scope, b, &mut faults) {
            names.into_iter().for_each(|(name, meaning)| scope.insert(name, meaning));
        }
    }
    let mut outputs = Vec::new();
    for (name, formula) in &simulator.outputs {
        match lower::meaning(formula, scope, b, &mut faults) {
            Some(Meaning::Scalar(value)) => outputs.push(value),
            Some(Meaning::Vector(vector, size)) if size as usize == rows => {
                let row = b.row();
                outputs.push(b.element(vector, row));
            }
            Some(Meaning::Vector(_, size)) => {
                let message =
                    format!("the output `{name}` is a vector of {size} elements, and the data have {rows} rows");
                faults.push(
                    Diagnostic::error(message)
                        .help("an output is a number for each row, or a vector with as many elements"),
                );
            }
            _ => {}
        }
    }
    if faults.is_empty() { Ok(outputs) } else { Err(faults) }
}
