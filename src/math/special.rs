//! Bessel functions of the first kind, by the libm crate (pure Rust: the same bits everywhere). Scalar.

/// J_0(x).
pub fn j0(x: f64) -> f64 {
    libm::j0(x)
}

/// J_1(x).
pub fn j1(x: f64) -> f64 {
    libm::j1(x)
}

/// J_n(x), n any integer.
pub fn jn(n: i32, x: f64) -> f64 {
    libm::jn(n, x)
}
