//! Elementary functions: one home, the same bits on every machine, written so that block loops over them vectorise.

#[inline(always)]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    libm::expm1(x)
}

#[inline(always)]
pub fn log(x: f64) -> f64 {
    libm::log(x)
}

#[inline(always)]
pub fn log1p(x: f64) -> f64 {
    libm::log1p(x)
}

#[inline(always)]
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

#[inline(always)]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

#[inline(always)]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

#[inline(always)]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

#[inline(always)]
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

#[inline(always)]
pub fn asin(x: f64) -> f64 {
    libm::asin(x)
}

#[inline(always)]
pub fn acos(x: f64) -> f64 {
    libm::acos(x)
}

#[inline(always)]
pub fn atan(x: f64) -> f64 {
    libm::atan(x)
}

#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    libm::sinh(x)
}

#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    libm::cosh(x)
}

#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

#[inline(always)]
pub fn asinh(x: f64) -> f64 {
    libm::asinh(x)
}

#[inline(always)]
pub fn acosh(x: f64) -> f64 {
    libm::acosh(x)
}

#[inline(always)]
pub fn atanh(x: f64) -> f64 {
    libm::atanh(x)
}

#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

#[inline(always)]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

#[inline(always)]
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

#[inline(always)]
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}

#[inline(always)]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// (sin x, cos x) from one argument reduction.
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    (sin(x), cos(x))
}

/// 2 to the power x.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    libm::exp2(x)
}

/// The logistic function 1 / (1 + exp(-x)).
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// log(1 + exp(x)), without overflow.
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    (if x > 0.0 { x } else { 0.0 }) + log1p(exp(-x.abs()))
}

mod polygamma;
pub use polygamma::{digamma, polygamma, trigamma};
