//! Elementary functions over blocks of lanes: dst[i] = f(src[i]), the same bits as the scalar functions.
//!
//! Every function here is `inline(always)`: compiled inside a function with `#[target_feature(...)]` its loop is
//! vectorised for those features. The loops are written out by macros, with direct calls: a function passed as a value
//! is called through a shim that is not `inline(always)`, and a large one then stays a scalar call without the features.
//!
//! Some functions (the list after `guarded!` below) have a vector loop that is right only where a cheap predicate is false;
//! if it is true in any lane of the block, those lanes are done again with the scalar function.

use super::{exponential, gamma_family, trigonometric as trig};

macro_rules! unary {
    ($($name:ident)*) => {$(
        #[inline(always)]
        pub fn $name(dst: &mut [f64], src: &[f64]) {
            for (d, x) in dst.iter_mut().zip(src) {
                *d = super::$name(*x);
            }
        }
    )*};
}

macro_rules! binary {
    ($($name:ident)*) => {$(
        #[inline(always)]
        pub fn $name(dst: &mut [f64], x: &[f64], y: &[f64]) {
            for ((d, x), y) in dst.iter_mut().zip(x).zip(y) {
                *d = super::$name(*x, *y);
            }
        }
    )*};
}

macro_rules! guarded {
    ($($name:ident: $near:path, $is_far:path;)*) => {$(
        #[inline(always)]
        pub fn $name(dst: &mut [f64], src: &[f64]) {
            let mut any = 0u64;
            for (d, x) in dst.iter_mut().zip(src) {
                *d = $near(*x);
                any |= u64::from($is_far(*x));
            }
            if any != 0 {
                redo($is_far, super::$name, dst, src);
            }
        }
    )*};
}

unary! {
    exp2 expm1 log log1p log2 log10 sinh cosh tanh asin acos atan asinh acosh atanh
    sqrt cbrt erf erfc sigmoid softplus
}

binary! { atan2 hypot }

/// dst[i] = e^src[i]. The first loop, the faster by a quarter, is right where every lane is near 0; else the second one
/// does them all again. Where the first or the last lane is far from 0, others will be, too.
#[inline(always)]
pub fn exp(dst: &mut [f64], src: &[f64]) {
    let (Some(first), Some(last)) = (src.first(), src.last()) else { return };
    if first.abs().max(last.abs()) < exponential::NEAR {
        let mut any = 0u64;
        for (d, x) in dst.iter_mut().zip(src) {
            let (value, far) = exponential::exp_near(*x);
            *d = value;
            any |= far;
        }
        if any < exponential::FAR {
            return;
        }
    }
    for (d, x) in dst.iter_mut().zip(src) {
        *d = super::exp(*x);
    }
}

/// dst[i] = x[i]^y[i]. The first loop leaves out the edge cases; if they occur, the whole block is done again with them.
#[inline(always)]
pub fn pow(dst: &mut [f64], x: &[f64], y: &[f64]) {
    let mut any = 0u64;
    for ((d, x), y) in dst.iter_mut().zip(x).zip(y) {
        let (value, far) = super::power::pow_near(*x, *y);
        *d = value;
        any |= u64::from(far);
    }
    if any != 0 {
        for ((d, x), y) in dst.iter_mut().zip(x).zip(y) {
            *d = super::pow(*x, *y);
        }
    }
}

guarded! {
    sin: trig::sin_near, trig::is_huge;
    cos: trig::cos_near, trig::is_huge;
    tan: trig::tan_near, trig::is_huge;
    lgamma: gamma_family::lgamma_near, gamma_family::is_negative;
    gamma: gamma_family::gamma_near, gamma_family::is_negative;
    digamma: gamma_family::digamma_near, gamma_family::is_negative;
    trigamma: gamma_family::trigamma_near, gamma_family::is_negative;
}

/// sine[i], cosine[i] = sin(src[i]), cos(src[i]).
#[inline(always)]
pub fn sin_cos(sine: &mut [f64], cosine: &mut [f64], src: &[f64]) {
    let mut any = 0u64;
    for ((s, c), x) in sine.iter_mut().zip(cosine.iter_mut()).zip(src) {
        (*s, *c) = trig::sin_cos_near(*x);
        any |= u64::from(trig::is_huge(*x));
    }
    if any != 0 {
        redo(trig::is_huge, super::sin, sine, src);
        redo(trig::is_huge, super::cos, cosine, src);
    }
}

#[cold]
#[inline(never)]
fn redo(is_far: fn(f64) -> bool, far: fn(f64) -> f64, dst: &mut [f64], src: &[f64]) {
    for (d, x) in dst.iter_mut().zip(src) {
        if is_far(*x) {
            *d = far(*x);
        }
    }
}
