//! The intermediate representation: one hash-consed program for simulator, transformation, prior and loss.
//!
//! `op` has one row per operator; `program` is the representation; `build` makes programs, and `index` finds
//! equal nodes for it; `complex` carries
//! operators to complex numbers; `factor` pulls uniform factors out of sums over the rows; `print` shows a program to people.

pub mod build;
pub mod complex;
pub mod density;
mod factor;
mod index;
pub mod op;
pub mod print;
pub mod program;
mod prune;

pub use build::Builder;
pub use factor::factor;
pub use op::Operator;
pub use program::{Loop, LoopKind, Node, Program, Rate, Value};
