//! Numbers: elementary and special functions, linear algebra, statistics, random streams. The same bits everywhere.

pub mod elementary;
pub mod precise;
pub mod random;
pub mod special;
