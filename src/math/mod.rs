//! Numbers: elementary and special functions, linear algebra, statistics, random streams. The same bits everywhere.

pub mod distribution;
pub mod draw;
pub mod elementary;
pub mod householder;
pub mod linear;
pub mod precise;
pub mod random;
pub mod sobol;
pub mod special;
pub mod statistics;
