//! The model language: Python-like expressions (and, later, statements) with spans, from text to tree.

pub mod functions;
pub mod lower;
pub mod tree;
