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

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, tables 9.1 and 9.2, and symmetry.
    #[test]
    fn known_values() {
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 4e-16, "{a} {b}");
        close(j0(0.0), 1.0);
        close(j0(1.0), 0.765_197_686_557_966_6);
        close(j0(10.0), -0.245_935_764_451_348_3);
        close(j0(2.404_825_557_695_773), -1.2e-17);
        close(j1(1.0), 0.440_050_585_744_933_5);
        close(j1(-10.0), -0.043_472_746_168_861_44);
        close(jn(2, 1.0), 0.114_903_484_931_900_5);
        close(jn(-3, 2.0), -0.128_943_249_474_402_06);
        close(jn(0, 5.0), j0(5.0));
        close(jn(1, 5.0), j1(5.0));
    }
}
