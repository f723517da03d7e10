//! Multi-precision references for the elementary functions: dashu-float at 200 bits, series for what it lacks.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;

pub type Big = FBig<HalfEven, 2>;

pub const BITS: usize = 200;

pub fn big(x: f64) -> Big {
    wide(x, BITS)
}

fn wide(x: f64, bits: usize) -> Big {
    Big::try_from(x).expect("finite").with_precision(bits).value()
}

fn is_zero(x: &Big) -> bool {
    *x == Big::ZERO
}

/// |got - want| in units of the last place of a double near `want` (near 1 if `absolute` and |want| < 1); infinite if only
/// one of the two is infinite or NaN.
pub fn ulps(got: f64, want: &Big, absolute: bool) -> f64 {
    let nearest = want.to_f64().value();
    if nearest.is_infinite() || !got.is_finite() {
        return if got == nearest { 0.0 } else { f64::INFINITY };
    }
    if is_zero(want) {
        return if got == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let size = if absolute { nearest.abs().max(1.0) } else { nearest.abs() };
    let exponent = ((size.to_bits() >> 52) as i32).max(1) - 1075;
    let distance = (wide(got, 1200) - want).with_precision(60).value();
    // 2^-exponent in two factors: it may be beyond the range of doubles
    let scaled = distance * big(2f64.powi(-exponent / 2)) * big(2f64.powi(-exponent - -exponent / 2));
    scaled.to_f64().value().abs()
}

pub fn pi(bits: usize) -> Big {
    Big::pi(bits)
}

/// erf x by the series with positive terms (DLMF 7.6.2): 2/sqrt(pi) e^(-x^2) x sum (2x^2)^n / (2n + 1)!!.
fn erf_wide(x: f64, bits: usize) -> Big {
    let x = wide(x, bits);
    let square = &x * &x;
    let twice = &square * wide(2.0, bits);
    let least = 2.0 * square.to_f64().value();
    let (mut term, mut sum, mut n) = (x.clone(), x.clone(), 0.0);
    loop {
        n += 1.0;
        term = term * &twice / wide(2.0 * n + 1.0, bits);
        sum += &term;
        if 2.0 * n > least && (is_zero(&term) || smaller_by(&term, &sum, bits)) {
            break;
        }
    }
    wide(2.0, bits) / pi(bits).sqrt() * (-square).exp() * sum
}

/// |a| < |b| 2^-bits
fn smaller_by(a: &Big, b: &Big, bits: usize) -> bool {
    let magnitude = |x: &Big| x.repr().exponent() + x.repr().digits() as isize;
    magnitude(a) + (bits as isize) < magnitude(b)
}

pub fn erf(x: f64) -> Big {
    erf_wide(x, BITS)
}

pub fn erfc(x: f64) -> Big {
    let bits = if x > 0.0 { BITS + (x * x * 1.5) as usize } else { BITS };
    (wide(1.0, bits) - erf_wide(x, bits)).with_precision(BITS).value()
}

/// B_2, B_4, ..., by sum over j of C(m + 1, j) B_j = 0.
fn bernoulli() -> &'static [Big] {
    static NUMBERS: std::sync::OnceLock<Vec<Big>> = std::sync::OnceLock::new();
    NUMBERS.get_or_init(|| {
        let bits = 600;
        let mut all: Vec<Big> = vec![wide(1.0, bits)];
        for m in 1..=100usize {
            let mut binomial = wide(1.0, bits);
            let mut sum = wide(0.0, bits);
            for (j, number) in all.iter().enumerate() {
                sum += &binomial * number;
                binomial = binomial * wide((m + 1 - j) as f64, bits) / wide((j + 1) as f64, bits);
            }
            let odd = m > 1 && m % 2 == 1;
            all.push(if odd { wide(0.0, bits) } else { -sum / wide((m + 1) as f64, bits) });
        }
        all.into_iter().skip(2).step_by(2).map(|b| b.with_precision(300).value()).collect()
    })
}

const GAMMA_BITS: usize = 280;
const LEAST: f64 = 45.0;

fn g(x: f64) -> Big {
    wide(x, GAMMA_BITS)
}

/// x shifted up to at least 45 and the numbers passed on the way.
fn shifted(x: &Big) -> (Big, Vec<Big>) {
    let mut passed = Vec::new();
    let mut x = x.clone().with_precision(GAMMA_BITS).value();
    while x < g(LEAST) {
        passed.push(x.clone());
        x += g(1.0);
    }
    (x, passed)
}

/// sum over k of f(k, B_2k) x^-(2k), until it no longer matters.
fn asymptotic(x: &Big, weight: impl Fn(f64) -> Big) -> Big {
    let inverse = g(1.0) / (x * x);
    let (mut power, mut sum) = (inverse.clone(), g(0.0));
    for (i, number) in bernoulli().iter().enumerate() {
        let term = number * &power * weight((i + 1) as f64);
        sum += &term;
        if smaller_by(&term, &sum, GAMMA_BITS) {
            break;
        }
        power *= &inverse;
    }
    sum
}

fn lgamma_positive(x: &Big) -> Big {
    let (y, passed) = shifted(x);
    let product = passed.iter().fold(g(1.0), |product, p| product * p);
    let tail = asymptotic(&y, |k| g(1.0) / (g(2.0 * k) * g(2.0 * k - 1.0))) * &y;
    (&y - g(0.5)) * y.ln() - &y + (g(2.0) * pi(GAMMA_BITS)).ln() / g(2.0) + tail - product.ln()
}

/// sin(pi x)
fn sin_pi(x: f64) -> Big {
    (g(x - 2.0 * (0.5 * x).round()) * pi(GAMMA_BITS)).sin()
}

pub fn lgamma(x: f64) -> Big {
    if x > 0.0 {
        return lgamma_positive(&g(x));
    }
    let sine = sin_pi(x);
    let sine = if sine < Big::ZERO { -sine } else { sine };
    (pi(GAMMA_BITS) / sine).ln() - lgamma_positive(&(wide(1.0, 1200) - wide(x, 1200)))
}

pub fn gamma(x: f64) -> Big {
    if x > 0.0 {
        return lgamma_positive(&g(x)).exp();
    }
    pi(GAMMA_BITS) / (sin_pi(x) * lgamma_positive(&(wide(1.0, 1200) - wide(x, 1200))).exp())
}

pub fn digamma(x: f64) -> Big {
    let positive = |x: &Big| {
        let (y, passed) = shifted(x);
        let tail = asymptotic(&y, |k| g(1.0) / g(2.0 * k));
        passed.iter().fold(y.ln() - g(0.5) / &y - tail, |sum, p| sum - g(1.0) / p)
    };
    if x > 0.0 {
        return positive(&g(x));
    }
    let angle = g(x - x.round()) * pi(GAMMA_BITS);
    positive(&(wide(1.0, 1200) - wide(x, 1200))) - pi(GAMMA_BITS) * angle.cos() / angle.sin()
}

pub fn trigamma(x: f64) -> Big {
    let positive = |x: &Big| {
        let (y, passed) = shifted(x);
        let tail = asymptotic(&y, |_| g(1.0)) / &y;
        passed.iter().fold(g(1.0) / &y + g(0.5) / (&y * &y) + tail, |sum, p| sum + g(1.0) / (p * p))
    };
    if x > 0.0 {
        return positive(&g(x));
    }
    let ratio = pi(GAMMA_BITS) / sin_pi(x);
    &ratio * &ratio - positive(&(wide(1.0, 1200) - wide(x, 1200)))
}

/// The n-th derivative of digamma, n >= 1, moderate x of either sign: the recurrence upwards, then A&S 6.4.11.
pub fn polygamma(n: u32, x: f64) -> Big {
    let (y, passed) = shifted(&g(x));
    let power = |x: &Big, n: u32| (0..n).fold(g(1.0), |product, _| product * x);
    // (2k + n - 1)! / ((2k)! (n - 1)!) = product of (2k + i) / i
    let weight = |k: f64| (1..n).fold(g(1.0), |w, i| w * g(2.0 * k + f64::from(i)) / g(f64::from(i)));
    let tail = (g(1.0) + asymptotic(&y, weight)) / g(f64::from(n)) / power(&y, n) + g(0.5) / power(&y, n + 1);
    let sum = passed.iter().fold(tail, |sum, p| sum + g(1.0) / power(p, n + 1));
    let factorial = (1..=n).fold(g(1.0), |product, i| product * g(f64::from(i)));
    if n % 2 == 1 { factorial * sum } else { -(factorial * sum) }
}

/// 1 / (1 + e^-x)
pub fn sigmoid(x: f64) -> Big {
    if x < -100.0 {
        let e = big(x).exp();
        return &e - &e * &e;
    }
    big(1.0) / (big(1.0) + big(-x).exp())
}

/// log(1 + e^x)
pub fn softplus(x: f64) -> Big {
    big(x).exp().ln_1p()
}

/// sqrt(x^2 + y^2)
pub fn hypot(x: f64, y: f64) -> Big {
    let (x, y) = (wide(x, 4400), wide(y, 4400));
    (&x * &x + &y * &y).with_precision(BITS).value().sqrt()
}
