//! Elementary functions: one home, the same bits on every machine, written so that block loops over them vectorise.

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
