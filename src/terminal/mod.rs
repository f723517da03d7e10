//! The screen: how diagnostics, progress and summaries look.

pub mod progress;
