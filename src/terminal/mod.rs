//! How things look on a screen: colour, width and progress live only here.

mod diagnostics;
mod excerpt;
pub mod progress;

pub use diagnostics::render;
