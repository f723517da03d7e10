//! Elementary functions: one home, the same bits on every machine, written so that block loops over them vectorise.
//!
//! Each function is one scalar source: `#[inline(always)]`, no branches in the usual range (choices are selects), no tables,
//! no conversions between floats and integers but by the bits. A loop over it inside a function with
//! `#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]` or `"avx2,fma"` becomes vector code.
//!
//! The same bits everywhere: only IEEE operations, `f64::mul_add` (fused in hardware, or the same result in software, some
//! 2 ns each, where the target lacks it: the baseline of x86-64) and no contraction by the compiler. Not promised: the sign
//! and payload of NaN.
//!
//! For blocks use [`block`], which has every function here but `polygamma`. A loop of one's own over the scalar functions,
//! called by name (not through a function value), is as good for all but these, which have a cold path for rare arguments:
//! `sin`, `cos`, `tan`, `sin_cos` (|x| > 2^30: Payne and Hanek), `lgamma`, `gamma`, `digamma`, `trigamma` (x < 0: reflection),
//! and `pow` (right and branch-free, but the block form leaves out its edge cases where a block has none).
//! `polygamma` (n >= 2) and `special` are scalar code.
//!
//! Accuracy: 1 ulp or better everywhere, with the exceptions of docs/elementary.md, which lists the worst errors found.

pub mod block;
mod error;
mod exponential;
mod gamma_family;
mod hyperbolic;
mod inverse_trigonometric;
mod logarithm;
mod polygamma;
mod polynomial;
mod power;
mod trigonometric;

pub use error::{erf, erfc};
pub use exponential::{exp, exp2, expm1, sigmoid, softplus};
pub use gamma_family::{digamma, gamma, lgamma, trigamma};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use inverse_trigonometric::{acos, asin, atan, atan2};
pub use logarithm::{log, log1p, log2, log10};
pub use polygamma::polygamma;
pub use power::{cbrt, hypot, pow, sqrt};
pub use trigonometric::{cos, sin, sin_cos, tan};

#[cfg(test)]
mod tests;
