//! What the data say beyond the best point: confidence intervals.

pub mod intervals;
