//! Error, gamma and Bessel functions in reference arithmetic, by series with guard bits; good to 120 bits and more.

use std::sync::OnceLock;

use super::{BITS, Big, Real, magnitude};

/// Guard bits for sums that shift arguments and cancel.
const WIDE: usize = 320;

fn wide(x: &Big) -> Big {
    x.clone().with_precision(WIDE).value()
}

fn number(x: f64) -> Big {
    Big::try_from(x).expect("a finite double").with_precision(WIDE).value()
}

fn narrow(x: Big) -> Big {
    x.with_precision(BITS).value()
}

/// erf x by the series with positive terms (DLMF 7.6.2): 2/√π e^(-x²) x Σ (2x²)^n/(2n + 1)!!.
fn erf_bits(x: &Big, bits: usize) -> Big {
    let number = |x: f64| Big::try_from(x).expect("finite").with_precision(bits).value();
    let x = x.clone().with_precision(bits).value();
    let square = &x * &x;
    let twice = &square * number(2.0);
    let least = 2.0 * square.to_f64().value();
    let (mut term, mut sum, mut n) = (x.clone(), x.clone(), 0.0);
    while 2.0 * n <= least || magnitude(&term) > magnitude(&sum) - bits as isize {
        n += 1.0;
        term = term * &twice / number(2.0 * n + 1.0);
        sum += &term;
    }
    number(2.0) / Big::pi(bits).sqrt() * (-square).exp() * sum
}

pub fn erf(x: &Big) -> Big {
    // Beyond 14 the complement is below 2^-280.
    match x.to_f64().value() {
        _ if *x == Big::ZERO => x.clone(),
        far if far.abs() > 14.0 => Big::try_from(far.signum()).expect("one").with_precision(BITS).value(),
        _ => narrow(erf_bits(x, BITS + 64)),
    }
}

/// 1 - erf x, with as many more bits as cancel; the asymptotic series far out (DLMF 7.12.1).
pub fn erfc(x: &Big) -> Big {
    let near = x.to_f64().value();
    // Below e^(-10^14), which counts as 0 here; and 2 to 280 bits.
    if near > 1e7 {
        return super::big(0.0);
    }
    if near < -14.0 {
        return super::big(2.0);
    }
    if *x == Big::ZERO {
        return super::big(1.0);
    }
    if near < 14.0 {
        let bits = BITS + 64 + if near > 0.0 { (near * near * 1.5) as usize } else { 0 };
        let one = Big::try_from(1.0).expect("one").with_precision(bits).value();
        return narrow(one - erf_bits(&x.clone().with_precision(bits).value(), bits));
    }
    let x = wide(x);
    let square = &x * &x;
    let (mut term, mut sum, mut k) = (number(1.0), number(1.0), 0.0);
    loop {
        k += 1.0;
        let next = -(&term * number(2.0 * k - 1.0) / (number(2.0) * &square));
        if magnitude(&next) >= magnitude(&term) || magnitude(&next) < -(BITS as isize) {
            break;
        }
        term = next;
        sum += &term;
    }
    narrow((-&square).exp() / (x * Big::pi(WIDE).sqrt()) * sum)
}

/// B_2, B_4, …, from Σ_j C(m + 1, j) B_j = 0.
fn bernoulli() -> &'static [Big] {
    static NUMBERS: OnceLock<Vec<Big>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let number = |x: f64| Big::try_from(x).expect("finite").with_precision(700).value();
        let mut all = vec![number(1.0)];
        for m in 1..=100usize {
            let (mut binomial, mut sum) = (number(1.0), number(0.0));
            for (j, b) in all.iter().enumerate() {
                sum += &binomial * b;
                binomial = binomial * number((m + 1 - j) as f64) / number((j + 1) as f64);
            }
            let odd = m > 1 && m % 2 == 1;
            all.push(if odd { number(0.0) } else { -sum / number((m + 1) as f64) });
        }
        all.into_iter().skip(2).step_by(2).map(|b| b.with_precision(WIDE).value()).collect()
    })
}

/// x moved up to at least 45, where the asymptotic series hold, and the numbers passed on the way.
fn shifted(x: &Big) -> (Big, Vec<Big>) {
    let mut passed = Vec::new();
    let mut x = wide(x);
    while x < number(45.0) {
        passed.push(x.clone());
        x += number(1.0);
    }
    (x, passed)
}

/// Σ B_2k w(k) x^(-2k), until it no longer matters.
fn asymptotic(x: &Big, weight: impl Fn(f64) -> Big) -> Big {
    let inverse = number(1.0) / (x * x);
    let (mut power, mut sum) = (inverse.clone(), number(0.0));
    for (i, b) in bernoulli().iter().enumerate() {
        let term = b * &power * weight((i + 1) as f64);
        sum += &term;
        if magnitude(&term) < magnitude(&sum) - 280 {
            break;
        }
        power *= &inverse;
    }
    sum
}

fn is_pole(x: &Big) -> bool {
    *x <= Big::ZERO && x.floor() == *x
}

/// log Γ for x > 0 (DLMF 5.11.1).
fn lgamma_positive(x: &Big) -> Big {
    let (y, passed) = shifted(x);
    let product = passed.iter().fold(number(1.0), |product, p| product * p);
    let tail = asymptotic(&y, |k| number(1.0) / (number(2.0 * k) * number(2.0 * k - 1.0))) * &y;
    let half_log_tau = (number(2.0) * Big::pi(WIDE)).ln() / number(2.0);
    (&y - number(0.5)) * y.ln() - &y + half_log_tau + tail - product.ln()
}

/// sin πx, by the distance to the nearest even number.
fn sin_pi(x: &Big) -> Big {
    let x = wide(x);
    let rest = &x - (&x / number(2.0)).round() * number(2.0);
    (rest * Big::pi(WIDE)).sin()
}

/// log |Γ(x)|.
pub fn lgamma(x: &Real) -> Real {
    let Real::Number(x) = x else { return Real::Special(if x.to_f64().is_nan() { f64::NAN } else { f64::INFINITY }) };
    if is_pole(x) {
        return Real::Special(f64::INFINITY);
    }
    Real::Number(narrow(if *x > Big::ZERO {
        lgamma_positive(x)
    } else {
        let sine = sin_pi(x);
        let sine = if sine < Big::ZERO { -sine } else { sine };
        (Big::pi(WIDE) / sine).ln() - lgamma_positive(&(number(1.0) - wide(x)))
    }))
}

pub fn gamma(x: &Real) -> Real {
    let x = match x {
        Real::Number(x) => x,
        Real::Special(x) => return Real::Special(if *x == f64::INFINITY { *x } else { f64::NAN }),
    };
    if is_pole(x) {
        // C's value at 0.
        return Real::Special(if *x == Big::ZERO { f64::INFINITY } else { f64::NAN });
    }
    if x.to_f64().value() > 1e6 {
        return Real::Special(f64::INFINITY);
    }
    Real::Number(narrow(if *x > Big::ZERO {
        lgamma_positive(x).exp()
    } else {
        Big::pi(WIDE) / (sin_pi(x) * lgamma_positive(&(number(1.0) - wide(x))).exp())
    }))
}

/// ψ^(n): the n-th derivative of digamma (DLMF 5.15.8). Negative x by reflection for n = 0 (DLMF 5.5.4), else by the
/// recurrence, down to -10 000; NaN below.
pub fn polygamma(n: u32, x: &Real) -> Real {
    let Real::Number(x) = x else { return Real::Special(f64::NAN) };
    if is_pole(x) || (n > 0 && *x < number(-1e4)) {
        return Real::Special(f64::NAN);
    }
    if n == 0 && *x < Big::ZERO {
        let angle = (wide(x) - wide(x).round()) * Big::pi(WIDE);
        let reflected = digamma_positive(&(number(1.0) - wide(x)));
        return Real::Number(narrow(reflected - Big::pi(WIDE) * angle.cos() / angle.sin()));
    }
    if n == 0 {
        return Real::Number(narrow(digamma_positive(x)));
    }
    let (y, passed) = shifted(x);
    let order = f64::from(n);
    let factorial = |m: f64| (1..=m as u64).fold(number(1.0), |product, k| product * number(k as f64));
    let power = |x: &Big, k: f64| (0..k as u64).fold(number(1.0), |product, _| product * x);
    // (n - 1)!/y^n + n!/(2 y^(n+1)) + Σ B_2k (2k + n - 1)!/((2k)! y^(2k+n)).
    let tail = asymptotic(&y, |k| factorial(2.0 * k + order - 1.0) / factorial(2.0 * k)) / power(&y, order);
    let lead = factorial(order - 1.0) / power(&y, order) + factorial(order) / (number(2.0) * power(&y, order + 1.0));
    let low = passed.iter().fold(lead + tail, |sum, p| sum + factorial(order) / power(p, order + 1.0));
    Real::Number(narrow(if n % 2 == 1 { low } else { -low }))
}

fn digamma_positive(x: &Big) -> Big {
    let (y, passed) = shifted(x);
    let tail = asymptotic(&y, |k| number(1.0) / number(2.0 * k));
    passed.iter().fold(y.ln() - number(0.5) / &y - tail, |sum, p| sum - number(1.0) / p)
}

/// J_n by its power series (DLMF 10.2.2), with as many more bits as its terms cancel; far out by `bessel_far`.
pub fn bessel(n: i32, x: &Real) -> Real {
    let Real::Number(x) = x else { return Real::Special(f64::NAN) };
    let near = x.to_f64().value().abs();
    if near > 100.0 + f64::from(n) * f64::from(n) {
        return bessel_far(n, x);
    }
    let bits = BITS + 64 + (near * 3.0) as usize;
    let number = |x: f64| Big::try_from(x).expect("finite").with_precision(bits).value();
    let half = x.clone().with_precision(bits).value() / number(2.0);
    let order = n.unsigned_abs();
    let mut term = (1..=order).fold(number(1.0), |term, k| term * &half / number(f64::from(k)));
    let square = -(&half * &half);
    let mut sum = term.clone();
    let mut k = 0.0;
    while magnitude(&term) > magnitude(&sum) - bits as isize || k < near {
        k += 1.0;
        term = term * &square / (number(k) * number(k + f64::from(order)));
        sum += &term;
        if term == Big::ZERO {
            break;
        }
    }
    let sum = if n < 0 && n % 2 != 0 { -sum } else { sum };
    Real::Number(narrow(sum))
}

/// J_n for x > 100 + n² by Hankel's expansion (DLMF 10.17.3): √(2/(πx)) (P cos ω - Q sin ω), ω = x - (2n + 1)π/4.
fn bessel_far(n: i32, x: &Big) -> Real {
    let negative = *x < Big::ZERO;
    let x = if negative { -x } else { x.clone() };
    let order = 4.0 * f64::from(n) * f64::from(n);
    let (mut term, mut even, mut odd) = (number(1.0), number(0.0), number(0.0));
    let eight = wide(&x) * number(8.0);
    for k in 0.. {
        let signed = if k % 4 < 2 { term.clone() } else { -&term };
        if k % 2 == 0 {
            even += signed
        } else {
            odd += signed
        }
        let (j, factor) = (f64::from(k + 1), f64::from(2 * k + 1));
        term = term * number(order - factor * factor) / (&eight * number(j));
        if magnitude(&term) < -(BITS as isize) - 16 || k > 200 {
            break;
        }
    }
    // The sine and cosine of x, reduced with all its bits, and of a whole number of eighths of a turn.
    let (sin, cos) = Real::Number(x.clone()).sin_cos();
    let (Real::Number(sin), Real::Number(cos)) = (sin, cos) else { return Real::Special(f64::NAN) };
    let root = Big::pi(WIDE) * wide(&x);
    let (eighth_sin, eighth_cos) = match (2 * n + 1).rem_euclid(8) {
        1 => (1.0, 1.0),
        3 => (1.0, -1.0),
        5 => (-1.0, -1.0),
        _ => (-1.0, 1.0),
    };
    // √(2/(πx)) times √½ for the eighths of a turn.
    let scale = number(1.0) / root.sqrt();
    let (s, c) = (wide(&sin), wide(&cos));
    let cosine = &c * number(eighth_cos) + &s * number(eighth_sin);
    let sine = s * number(eighth_cos) - c * number(eighth_sin);
    let value = scale * (even * cosine - odd * sine);
    Real::Number(narrow(if negative && n % 2 != 0 { -value } else { value }))
}
