//! Loops of cheap operations over lanes, in the shape that the compiler makes vector instructions of.
//!
//! Slices are parameters of functions, so that it knows that the result overlaps no operand, and are zipped, so that no
//! lane is checked; what is the same for all lanes stands in the closure. `inline(always)`: they are compiled for the
//! level of the caller. Chunks of constant size are worse: beyond eight of them their lanes are gathered.

/// to = f(a).
#[inline(always)]
pub fn one(to: &mut [f64], a: &[f64], f: impl Fn(f64) -> f64) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = f(*a);
    }
}

/// to = f(a, b).
#[inline(always)]
pub fn two(to: &mut [f64], a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = f(*a, *b);
    }
}

/// to = f(a, b, c).
#[inline(always)]
pub fn three(to: &mut [f64], a: &[f64], b: &[f64], c: &[f64], f: impl Fn(f64, f64, f64) -> f64) {
    for (((to, a), b), c) in to.iter_mut().zip(a).zip(b).zip(c) {
        *to = f(*a, *b, *c);
    }
}
