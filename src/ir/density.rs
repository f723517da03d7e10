//! Log densities as nodes: of priors, of likelihoods, and as functions of the model language.
//!
//! Each takes the point first, then the parameters in the order of the prior's arguments. Outside the support the
//! density is 0 and its log -inf. Conventions: exponential and gamma by rate, inverse gamma by scale, log-normal by mean
//! and standard deviation of the logarithm (as in Stan's reference manual, part "Continuous distributions").

use crate::ir::build::Builder;
use crate::ir::op::Operator;
use crate::ir::program::Value;

/// log √(2π).
const LOG_ROOT_TAU: f64 = 0.918_938_533_204_672_8;

/// log π.
const LOG_PI: f64 = 1.144_729_885_849_400_2;

/// -½((x - m)/s)² - log s - log √(2π).
pub fn normal(b: &mut Builder, x: &[Value]) -> Value {
    let deviation = b.subtract(x[0], x[1]);
    let scaled = b.divide(deviation, x[2]);
    let square = b.square(scaled);
    let half = b.scale(0.5, square);
    let log = b.unary(Operator::Log, x[2]);
    let rest = b.shift(log, LOG_ROOT_TAU);
    let sum = b.add(half, rest);
    b.negate(sum)
}

/// The normal density of log x, over x.
pub fn log_normal(b: &mut Builder, x: &[Value]) -> Value {
    let log = b.unary(Operator::Log, x[0]);
    let density = normal(b, &[log, x[1], x[2]]);
    let inside = b.subtract(density, log);
    positive(b, x[0], inside)
}

/// log 2 + normal(x; 0, s) for x >= 0.
pub fn half_normal(b: &mut Builder, x: &[Value]) -> Value {
    let zero = b.constant(0.0);
    let density = normal(b, &[x[0], zero, x[1]]);
    let inside = b.shift(density, std::f64::consts::LN_2);
    not_negative(b, x[0], inside)
}

/// log r - r x for x >= 0.
pub fn exponential(b: &mut Builder, x: &[Value]) -> Value {
    let log = b.unary(Operator::Log, x[1]);
    let product = b.multiply(x[1], x[0]);
    let inside = b.subtract(log, product);
    not_negative(b, x[0], inside)
}

/// a log r - lgamma(a) + (a - 1) log x - r x for x > 0.
pub fn gamma(b: &mut Builder, x: &[Value]) -> Value {
    let log_rate = b.unary(Operator::Log, x[2]);
    let first = b.multiply(x[1], log_rate);
    let normalisation = b.unary(Operator::LogGamma, x[1]);
    let constant = b.subtract(first, normalisation);
    let log = b.unary(Operator::Log, x[0]);
    let power = b.shift(x[1], -1.0);
    let growth = b.multiply(power, log);
    let decay = b.multiply(x[2], x[0]);
    let sum = b.add(constant, growth);
    let inside = b.subtract(sum, decay);
    positive(b, x[0], inside)
}

/// (a - 1) log x + (b - 1) log(1 - x) - log B(a, b) for 0 < x < 1.
pub fn beta(b: &mut Builder, x: &[Value]) -> Value {
    let (log, minus) = (b.unary(Operator::Log, x[0]), b.negate(x[0]));
    let log_rest = b.unary(Operator::Log1p, minus);
    let (p, q) = (b.shift(x[1], -1.0), b.shift(x[2], -1.0));
    let (first, second) = (b.multiply(p, log), b.multiply(q, log_rest));
    let (ga, gb) = (b.unary(Operator::LogGamma, x[1]), b.unary(Operator::LogGamma, x[2]));
    let total = b.add(x[1], x[2]);
    let gab = b.unary(Operator::LogGamma, total);
    let pair = b.add(ga, gb);
    let log_beta = b.subtract(pair, gab);
    let sum = b.add(first, second);
    let inside = b.subtract(sum, log_beta);
    let (zero, one) = (b.constant(0.0), b.constant(1.0));
    let below = b.apply(Operator::Less, &[x[0], one]);
    let above = b.apply(Operator::Greater, &[x[0], zero]);
    let test = b.multiply(below, above);
    or_impossible(b, test, inside)
}

/// -log(high - low) between the ends.
pub fn uniform(b: &mut Builder, x: &[Value]) -> Value {
    let width = b.subtract(x[2], x[1]);
    let log = b.unary(Operator::Log, width);
    let inside = b.negate(log);
    within(b, x, inside)
}

/// -log x - log log(high/low) between the ends.
pub fn log_uniform(b: &mut Builder, x: &[Value]) -> Value {
    let ratio = b.divide(x[2], x[1]);
    let width = b.unary(Operator::Log, ratio);
    let log_width = b.unary(Operator::Log, width);
    let log = b.unary(Operator::Log, x[0]);
    let sum = b.add(log, log_width);
    let inside = b.negate(sum);
    within(b, x, inside)
}

/// log Γ((ν + 1)/2) - log Γ(ν/2) - ½ log(πν) - log s - ½(ν + 1) log(1 + t²/ν), t = (x - m)/s; called with (x, ν, m, s).
pub fn student_t(b: &mut Builder, x: &[Value]) -> Value {
    let deviation = b.subtract(x[0], x[2]);
    let scaled = b.divide(deviation, x[3]);
    let square = b.square(scaled);
    let share = b.divide(square, x[1]);
    let log = b.unary(Operator::Log1p, share);
    let half = b.scale(0.5, x[1]);
    let power = b.shift(half, 0.5);
    let tail = b.multiply(power, log);
    let (above, below) = (b.unary(Operator::LogGamma, power), b.unary(Operator::LogGamma, half));
    let gammas = b.subtract(above, below);
    let width = b.scale(std::f64::consts::PI, x[1]);
    let log_width = b.unary(Operator::Log, width);
    let half_log_width = b.scale(0.5, log_width);
    let log_scale = b.unary(Operator::Log, x[3]);
    let scales = b.add(half_log_width, log_scale);
    let constant = b.subtract(gammas, scales);
    b.subtract(constant, tail)
}

/// -log π - log s - log(1 + ((x - m)/s)²).
pub fn cauchy(b: &mut Builder, x: &[Value]) -> Value {
    let deviation = b.subtract(x[0], x[1]);
    let scaled = b.divide(deviation, x[2]);
    let square = b.square(scaled);
    let tail = b.unary(Operator::Log1p, square);
    let log = b.unary(Operator::Log, x[2]);
    let rest = b.shift(log, LOG_PI);
    let sum = b.add(rest, tail);
    b.negate(sum)
}

/// log 2 + cauchy(x; 0, s) for x >= 0.
pub fn half_cauchy(b: &mut Builder, x: &[Value]) -> Value {
    let zero = b.constant(0.0);
    let density = cauchy(b, &[x[0], zero, x[1]]);
    let inside = b.shift(density, std::f64::consts::LN_2);
    not_negative(b, x[0], inside)
}

/// a log s - log Γ(a) - (a + 1) log x - s/x for x > 0.
pub fn inverse_gamma(b: &mut Builder, x: &[Value]) -> Value {
    let log_scale = b.unary(Operator::Log, x[2]);
    let first = b.multiply(x[1], log_scale);
    let normalisation = b.unary(Operator::LogGamma, x[1]);
    let constant = b.subtract(first, normalisation);
    let log = b.unary(Operator::Log, x[0]);
    let power = b.shift(x[1], 1.0);
    let decay = b.multiply(power, log);
    let quotient = b.divide(x[2], x[0]);
    let sum = b.add(decay, quotient);
    let inside = b.subtract(constant, sum);
    positive(b, x[0], inside)
}

/// k log m - m - lgamma(k + 1); a mean below 0 is impossible.
pub fn poisson(b: &mut Builder, x: &[Value]) -> Value {
    let product = times_log(b, x[0], x[1]);
    let difference = b.subtract(product, x[1]);
    let next = b.shift(x[0], 1.0);
    let normalisation = b.unary(Operator::LogGamma, next);
    let inside = b.subtract(difference, normalisation);
    not_negative(b, x[1], inside)
}

/// lgamma(k + d) - lgamma(d) - lgamma(k + 1) + k log(m/(m + d)) - d log(1 + m/d), mean m and dispersion d; a mean below 0
/// is impossible.
pub fn negative_binomial(b: &mut Builder, x: &[Value]) -> Value {
    let [k, m, d] = [x[0], x[1], x[2]];
    let (total, next) = (b.add(k, d), b.shift(k, 1.0));
    let gammas = [total, d, next].map(|x| b.unary(Operator::LogGamma, x));
    let normalisation = b.subtract(gammas[0], gammas[1]);
    let normalisation = b.subtract(normalisation, gammas[2]);
    let sum = b.add(m, d);
    let share = b.divide(m, sum);
    let product = times_log(b, k, share);
    let ratio = b.divide(m, d);
    let log = b.unary(Operator::Log1p, ratio);
    let none = b.multiply(d, log);
    let probability = b.subtract(product, none);
    let inside = b.add(normalisation, probability);
    not_negative(b, m, inside)
}

/// log of n over k, + k log p + (n - k) log(1 - p); called with (k, n, p). A p outside 0 … 1 is impossible.
pub fn binomial(b: &mut Builder, x: &[Value]) -> Value {
    let [k, n, p] = [x[0], x[1], x[2]];
    let rest = b.subtract(n, k);
    let factorials = [n, k, rest].map(|x| {
        let next = b.shift(x, 1.0);
        b.unary(Operator::LogGamma, next)
    });
    let ways = b.subtract(factorials[0], factorials[1]);
    let ways = b.subtract(ways, factorials[2]);
    let successes = times_log(b, k, p);
    let zero = b.constant(0.0);
    let minus = b.negate(p);
    let minus = b.select(rest, minus, zero);
    let log = b.unary(Operator::Log1p, minus);
    let failures = b.multiply(rest, log);
    let probability = b.add(successes, failures);
    let inside = b.add(ways, probability);
    let one = b.constant(1.0);
    let above = b.apply(Operator::GreaterEqual, &[p, zero]);
    let below = b.apply(Operator::LessEqual, &[p, one]);
    let test = b.multiply(above, below);
    or_impossible(b, test, inside)
}

/// k log m, which is 0 with all its derivatives for k = 0, even where m is 0.
fn times_log(b: &mut Builder, k: Value, m: Value) -> Value {
    let one = b.constant(1.0);
    let m = b.select(k, m, one);
    let log = b.unary(Operator::Log, m);
    b.multiply(k, log)
}

/// `inside` for x between two ends, called with (x, low, high); impossible elsewhere.
pub fn within(b: &mut Builder, x: &[Value], inside: Value) -> Value {
    let above = b.apply(Operator::GreaterEqual, &[x[0], x[1]]);
    let below = b.apply(Operator::LessEqual, &[x[0], x[2]]);
    let test = b.multiply(above, below);
    or_impossible(b, test, inside)
}

fn positive(b: &mut Builder, x: Value, inside: Value) -> Value {
    let zero = b.constant(0.0);
    let test = b.apply(Operator::Greater, &[x, zero]);
    or_impossible(b, test, inside)
}

fn not_negative(b: &mut Builder, x: Value, inside: Value) -> Value {
    let zero = b.constant(0.0);
    let test = b.apply(Operator::GreaterEqual, &[x, zero]);
    or_impossible(b, test, inside)
}

fn or_impossible(b: &mut Builder, test: Value, inside: Value) -> Value {
    let never = b.constant(f64::NEG_INFINITY);
    b.select(test, inside, never)
}
