//! The derivatives of digamma from the second on: recurrence up to x >= 15 + n, then the asymptotic series (Abramowitz and Stegun 6.4.11).

use super::{digamma, pow, sin, trigamma};

/// B_2, B_4, ..., B_24.
const BERNOULLI: [f64; 12] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174611.0 / 330.0,
    854513.0 / 138.0,
    -236364091.0 / 2730.0,
];

/// The n-th derivative of digamma. NaN at the poles (0, -1, -2, ...), except +inf there where n is odd.
pub fn polygamma(n: u32, x: f64) -> f64 {
    match n {
        0 => return digamma(x),
        1 => return trigamma(x),
        _ => (),
    }
    if x.is_nan() || x == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x <= 0.0 {
        if x == x.floor() {
            return if n % 2 == 1 { f64::INFINITY } else { f64::NAN };
        }
        // Reflection (A&S 6.4.7): psi_n(1 - x) + (-1)^(n+1) psi_n(x) = (-1)^n pi d^n/dx^n cot(pi x).
        let sign = if n.is_multiple_of(2) { 1.0 } else { -1.0 };
        return sign * polygamma(n, 1.0 - x) - std::f64::consts::PI * cotangent_derivative(n, x);
    }
    let sign = if n % 2 == 1 { 1.0 } else { -1.0 }; // (-1)^(n+1)
    let factorial = (1..=n).fold(1.0, |product, i| product * f64::from(i));
    let mut shifted = x;
    let mut sum = 0.0;
    let least = 15.0 + f64::from(n);
    while shifted < least {
        sum += power(shifted, n + 1).recip();
        shifted += 1.0;
    }
    if shifted == f64::INFINITY {
        return sign * 0.0;
    }
    let inverse_square = 1.0 / (shifted * shifted);
    let mut series = 0.0;
    for k in (1..=BERNOULLI.len()).rev() {
        // B_2k (2k + n - 1)! / ((2k)! n!) x^-2k, with n! taken out
        let mut ratio = 1.0 / f64::from(n);
        for i in 1..n {
            ratio *= (2.0 * k as f64 + f64::from(i)) / f64::from(i);
        }
        series = (series + BERNOULLI[k - 1] * ratio) * inverse_square;
    }
    let head = 1.0 / f64::from(n) + 0.5 / shifted + series;
    sign * factorial * (sum + head / power(shifted, n))
}

fn power(x: f64, n: u32) -> f64 {
    if n <= 8 { (0..n).fold(1.0, |product, _| product * x) } else { pow(x, f64::from(n)) }
}

/// d^n/dx^n cot(pi x): with c = cot, (d/dx) p(c) = -pi (1 + c^2) p'(c).
fn cotangent_derivative(n: u32, x: f64) -> f64 {
    let fraction = x - x.round();
    let angle = std::f64::consts::PI * fraction;
    let sine = sin(angle);
    let cosine = sin(std::f64::consts::PI * (0.5 - fraction.abs()));
    let cotangent = cosine / sine;
    let mut polynomial = vec![0.0, 1.0];
    for _ in 0..n {
        let mut next = vec![0.0; polynomial.len() + 1];
        for (i, coefficient) in polynomial.iter().enumerate().skip(1) {
            let slope = -std::f64::consts::PI * coefficient * i as f64;
            next[i - 1] += slope;
            next[i + 1] += slope;
        }
        polynomial = next;
    }
    polynomial.iter().rev().fold(0.0, |value, coefficient| value * cotangent + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-14 * b.abs().max(0.1), "{a} {b}");
        let pi = std::f64::consts::PI;
        close(digamma(1.0), -0.577_215_664_901_532_9);
        close(digamma(0.5), -1.963_510_026_021_423_5);
        close(digamma(-0.5), 0.036_489_973_978_576_52);
        close(digamma(10.0), 2.251_752_589_066_721);
        close(trigamma(1.0), pi * pi / 6.0);
        close(trigamma(-0.5), pi * pi / 2.0 + 4.0);
        close(polygamma(2, 1.0), -2.404_113_806_319_188_5);
        close(polygamma(3, 1.0), pi * pi * pi * pi / 15.0);
        close(polygamma(4, 1.0), -24.886_266_123_440_88);
        close(polygamma(2, -0.5), -0.828_796_644_234_32);
        assert_eq!(digamma(0.0), f64::NEG_INFINITY);
        assert_eq!(digamma(f64::INFINITY), f64::INFINITY);
    }
}
