//! From tree to program: names looked up, functions and operators lowered, every fault with its place.

use crate::diagnostic::Diagnostic;
use crate::language::tree::Formula;

/// What a formula may name, where only names and shapes matter.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub scalars: Vec<String>,
    /// Vectors with their lengths.
    pub vectors: Vec<(String, usize)>,
    /// Names that exist but may not stand here, with the reason.
    pub unavailable: Vec<(String, String)>,
}

/// The value of a formula over constants alone.
pub fn constant(_formula: &Formula, _constants: &[(String, f64)], _faults: &mut Vec<Diagnostic>) -> Option<f64> {
    None
}

/// Reports every fault of a formula: unknown names and functions, wrong numbers of arguments, vectors used as scalars.
pub fn check(_formula: &Formula, _names: &Names, _faults: &mut Vec<Diagnostic>) {}
