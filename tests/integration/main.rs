//! All tests that see the tool from outside, in one binary.

mod commands;
mod diagnostics;
mod golden;
mod laws;
mod readme;
mod source;
mod tidy;
mod tool;
mod trace;
