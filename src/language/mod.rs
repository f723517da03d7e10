//! The model language: Python-like expressions and statements with spans, from text to tree.
//!
//! What is legal Python and in the language means the same as in Python; `^` is `**`, and `lambda` is an ordinary name.
//!
//! **The bound of a `while`** is stated by `at_most(n)`, the first statement of its body:
//!
//! ```text
//! while abs(step) > 1e-12:
//!     at_most(100)
//!     step = f / slope
//!     x -= step
//! ```
//!
//! It is legal Python, and the same program runs in Python after `def at_most(n): pass`. It promises that the body runs
//! at most `n` times. Where the test still holds after `n` passes the promise is broken, and the result is no number
//! (NaN): to stop quietly would give a value that Python does not give. `n` is a formula over constants.
//!
//! **Limits**: a text of [`SIZE`] bytes, [`NESTING`] levels of brackets, blocks and prefixed or right-associative
//! operators, trees of [`HEIGHT`]. Past them a text is refused with a diagnostic, so that functions that recurse over a
//! tree need no care for the stack.

#[cfg(test)]
mod against_python;
mod expression;
mod fault;
mod foreign;
pub mod functions;
#[cfg(test)]
mod laws;
mod layout;
mod lexer;
mod line;
pub mod lower;
pub mod nonsmooth;
mod number;
mod operand;
pub mod parser;
pub mod printer;
mod statement;
pub mod tree;

pub use lexer::is_name;
pub use parser::{expression, program};

/// The longest text, in bytes.
pub const SIZE: usize = 1 << 20;

/// How deep brackets, blocks, prefixes, powers and conditionals may stand inside each other; Python's limit is of this
/// size too.
pub const NESTING: usize = 200;

/// The highest tree: no path from an expression's root to a leaf has more nodes. A chain `a + b + c + …` is as high as
/// it is long.
pub const HEIGHT: usize = 1000;
