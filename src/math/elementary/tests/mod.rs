//! Accuracy against multi-precision references, edge cases, and the same bits from every compiled copy.

#![expect(clippy::disallowed_methods, reason = "exact powers of two, for the references")]

mod accuracy;
mod reference;
