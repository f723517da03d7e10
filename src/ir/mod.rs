//! The intermediate representation: one hash-consed program for simulator, transformation, prior and loss.
//!
//! `op` has one row per operator; `program` is the representation; `build` makes programs; `complex` carries
//! operators to complex numbers; `print` shows a program to people.

pub mod build;
pub mod complex;
pub mod density;
pub mod op;
pub mod print;
pub mod program;
mod prune;

pub use build::Builder;
pub use op::Operator;
pub use program::{Loop, LoopKind, Node, Program, Rate, Value};
