//! Accuracy against multi-precision references, edge cases, and the same bits from every compiled copy.

mod accuracy;
mod reference;
