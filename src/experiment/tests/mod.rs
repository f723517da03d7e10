//! Many small experiments: the example whole, and each fault alone and among others.

mod corpus;
mod faults;
mod mutations;
mod whole;
