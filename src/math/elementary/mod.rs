//! Elementary functions: one home, the same bits on every machine, written so that block loops over them vectorise.

pub mod block;
mod exponential;
mod logarithm;
mod polygamma;
mod polynomial;
mod power;
mod trigonometric;

pub use exponential::{exp, exp2, expm1, sigmoid, softplus};
pub use logarithm::{log, log1p, log2, log10};
pub use polygamma::{digamma, polygamma, trigamma};
pub use power::{cbrt, hypot, pow, sqrt};
pub use trigonometric::{cos, sin, sin_cos, tan};

macro_rules! later {
    ($($name:ident $from:ident),*) => {$(
        #[inline(always)]
        pub fn $name(x: f64) -> f64 {
            libm::$from(x)
        }
    )*};
}
later!(asin asin, acos acos, atan atan, sinh sinh, cosh cosh, tanh tanh, asinh asinh, acosh acosh, atanh atanh);
later!(erf erf, erfc erfc, lgamma lgamma, gamma tgamma);

#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

#[cfg(test)]
mod tests;
