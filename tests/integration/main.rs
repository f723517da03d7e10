//! All tests that see the tool from outside, in one binary.

mod diagnostics;
