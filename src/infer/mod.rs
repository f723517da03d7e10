//! What a run says of its parameters: intervals, from curvature at the optimum or from further fits.

mod bootstrap;
pub mod intervals;
mod profile;
mod refit;
pub mod refits;
