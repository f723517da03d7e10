//! How things look on a screen: colour, width and progress live only here.

mod diagnostics;
mod excerpt;
mod forecast;
pub mod progress;
mod screen;

pub use diagnostics::render;
pub use forecast::Forecast;
pub use screen::{Screen, print_result};
