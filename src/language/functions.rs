//! The functions of the model language: which there are, how many arguments they take, and what they become.

use crate::ir::{Builder, Operator, Value, density};

/// A function that formulas may call.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// Fewest and most arguments.
    pub arguments: (usize, usize),
    pub summary: &'static str,
    pub lower: fn(&mut Builder, &[Value]) -> Value,
}

/// Any number of arguments.
const MANY: usize = usize::MAX;

macro_rules! unary {
    ($($name:literal $operator:ident $summary:literal)*) => {
        [$(Function { name: $name, arguments: (1, 1), summary: $summary, lower: |b, x| b.unary(Operator::$operator, x[0]) }),*]
    };
}

const UNARY: [Function; 34] = unary! {
    "exp" Exp "e to the power x"
    "expm1" Expm1 "exp(x) - 1, accurate near 0"
    "log" Log "natural logarithm"
    "log1p" Log1p "log(1 + x), accurate near 0"
    "log2" Log2 "logarithm to base 2"
    "log10" Log10 "logarithm to base 10"
    "sqrt" SquareRoot "square root"
    "cbrt" CubeRoot "cube root"
    "abs" Absolute "absolute value; kink at 0"
    "sign" Sign "-1, 0 or 1; step at 0"
    "floor" Floor "largest whole number not above x; steps"
    "ceil" Ceil "smallest whole number not below x; steps"
    "round" Round "nearest whole number, halves to even as in Python; steps"
    "sin" Sin "sine, radians"
    "cos" Cos "cosine, radians"
    "tan" Tan "tangent, radians"
    "asin" ArcSin "inverse sine"
    "acos" ArcCos "inverse cosine"
    "atan" ArcTan "inverse tangent"
    "sinh" Sinh "hyperbolic sine"
    "cosh" Cosh "hyperbolic cosine"
    "tanh" Tanh "hyperbolic tangent"
    "asinh" ArcSinh "inverse hyperbolic sine"
    "acosh" ArcCosh "inverse hyperbolic cosine"
    "atanh" ArcTanh "inverse hyperbolic tangent"
    "erf" Erf "error function"
    "erfc" Erfc "1 - erf(x), accurate in the tail"
    "gamma" Gamma "gamma function"
    "lgamma" LogGamma "log of the absolute value of the gamma function"
    "digamma" Digamma "derivative of lgamma"
    "j0" BesselJ0 "Bessel function of the first kind, order 0"
    "j1" BesselJ1 "Bessel function of the first kind, order 1"
    "sigmoid" Sigmoid "1/(1 + exp(-x)): a smooth step"
    "softplus" Softplus "log(1 + exp(x)): a smooth max(x, 0)"
};

const OTHERS: [Function; 26] = [
    two("atan2", "angle of the point (x, y), called as atan2(y, x)", |b, x| b.apply(Operator::ArcTan2, x)),
    two("hypot", "sqrt(x^2 + y^2) without overflow", |b, x| b.apply(Operator::Hypot, x)),
    two("pow", "x to the power y, as x**y", |b, x| b.power(x[0], x[1])),
    two("jn", "Bessel function of the first kind, called as jn(n, x) with a constant n", |b, x| {
        b.apply(Operator::BesselJn, x)
    }),
    Function {
        name: "min",
        arguments: (2, MANY),
        summary: "smallest argument; kink where two are equal",
        lower: |b, x| x[1..].iter().fold(x[0], |least, x| b.apply(Operator::Minimum, &[least, *x])),
    },
    Function {
        name: "max",
        arguments: (2, MANY),
        summary: "largest argument; kink where two are equal",
        lower: |b, x| x[1..].iter().fold(x[0], |most, x| b.apply(Operator::Maximum, &[most, *x])),
    },
    Function {
        name: "smooth_max",
        arguments: (3, 3),
        summary: "smooth_max(x, y, w): max(x, y) rounded over a width w",
        lower: |b, x| smooth_max(b, x[0], x[1], x[2]),
    },
    Function {
        name: "smooth_min",
        arguments: (3, 3),
        summary: "smooth_min(x, y, w): min(x, y) rounded over a width w",
        lower: |b, x| {
            let (minus_x, minus_y) = (b.negate(x[0]), b.negate(x[1]));
            let most = smooth_max(b, minus_x, minus_y, x[2]);
            b.negate(most)
        },
    },
    Function {
        name: "sinc",
        arguments: (1, 1),
        summary: "sin(pi x)/(pi x), 1 at 0, as in NumPy",
        lower: |b, x| sinc(b, x[0]),
    },
    Function {
        name: "logsumexp",
        arguments: (1, MANY),
        summary: "log of the sum of the exponentials, without overflow",
        lower: logsumexp,
    },
    density_function("normal_lpdf", 3, "log density of the normal distribution at x: (x, mean, sd)", density::normal),
    density_function("log_normal_lpdf", 3, "log density: (x, mean of log x, sd of log x)", density::log_normal),
    density_function("half_normal_lpdf", 2, "log density: (x, sd)", density::half_normal),
    density_function("exponential_lpdf", 2, "log density: (x, rate)", density::exponential),
    density_function("gamma_lpdf", 3, "log density: (x, shape, rate)", density::gamma),
    density_function("cauchy_lpdf", 3, "log density: (x, location, scale)", density::cauchy),
    density_function("half_cauchy_lpdf", 2, "log density: (x, scale)", density::half_cauchy),
    density_function("student_t_lpdf", 4, "log density: (x, df, location, scale)", density::student_t),
    density_function("inverse_gamma_lpdf", 3, "log density: (x, shape, scale)", density::inverse_gamma),
    density_function("beta_lpdf", 3, "log density: (x, a, b)", density::beta),
    density_function("uniform_lpdf", 3, "log density: (x, low, high)", density::uniform),
    density_function("log_uniform_lpdf", 3, "log density: (x, low, high)", density::log_uniform),
    density_function("poisson_lpmf", 2, "log probability of the count x: (x, mean)", density::poisson),
    density_function(
        "negative_binomial_lpmf",
        3,
        "log probability of the count x: (x, mean, dispersion)",
        density::negative_binomial,
    ),
    density_function("binomial_lpmf", 3, "log probability of x successes: (x, trials, probability)", density::binomial),
    two("mod", "x % y", |b, x| b.apply(Operator::Modulo, x)),
];

const fn two(name: &'static str, summary: &'static str, lower: fn(&mut Builder, &[Value]) -> Value) -> Function {
    Function { name, arguments: (2, 2), summary, lower }
}

const fn density_function(
    name: &'static str,
    arguments: usize,
    summary: &'static str,
    lower: fn(&mut Builder, &[Value]) -> Value,
) -> Function {
    Function { name, arguments: (arguments, arguments), summary, lower }
}

/// Every function.
pub fn all() -> impl Iterator<Item = &'static Function> {
    const { &UNARY }.iter().chain(const { &OTHERS })
}

pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// Numbers known by name, unless the experiment gives the name another meaning.
pub const NUMBERS: [(&str, f64); 5] = [
    ("pi", std::f64::consts::PI),
    ("tau", std::f64::consts::TAU),
    ("e", std::f64::consts::E),
    ("inf", f64::INFINITY),
    ("nan", f64::NAN),
];

/// m + w·softplus((l - m)/w), m the larger and l the other: at most w·log 2 above m. One test decides which is which,
/// so that derivatives are right where the two are equal; from the smaller one the sum would cancel.
fn smooth_max(b: &mut Builder, x: Value, y: Value, width: Value) -> Value {
    let test = b.apply(Operator::Greater, &[x, y]);
    let (more, less) = (b.select(test, x, y), b.select(test, y, x));
    let difference = b.subtract(less, more);
    let scaled = b.divide(difference, width);
    let soft = b.unary(Operator::Softplus, scaled);
    let soft = b.multiply(width, soft);
    b.add(more, soft)
}

/// sin(z)/z for z = πx; near 0 its Taylor series in z², because the quotient's derivative cancels there.
fn sinc(b: &mut Builder, x: Value) -> Value {
    let z = b.scale(std::f64::consts::PI, x);
    let square = b.square(z);
    // (-1)^k / (2k + 1)!, k = 9 … 0: the next term is below 2^-60 for |z| < 1.
    let series = (0..=9u32).rev().fold(None, |sum: Option<Value>, k| {
        let factorial: f64 = (1..=2 * k + 1).map(f64::from).product();
        let coefficient = if k % 2 == 0 { 1.0 } else { -1.0 } / factorial;
        Some(match sum {
            None => b.constant(coefficient),
            Some(sum) => {
                let product = b.multiply(sum, square);
                b.shift(product, coefficient)
            }
        })
    });
    let sine = b.unary(Operator::Sin, z);
    let quotient = b.divide(sine, z);
    let one = b.constant(1.0);
    let near = b.apply(Operator::Less, &[square, one]);
    b.select(near, series.expect("ten terms"), quotient)
}

/// m + log Σ exp(x_k - m), m the largest argument, held fixed in derivatives by its own cancellation; where it is
/// infinite, 0 in its place, because ∞ - ∞ has no value.
fn logsumexp(b: &mut Builder, x: &[Value]) -> Value {
    let most = x[1..].iter().fold(x[0], |most, x| b.apply(Operator::Maximum, &[most, *x]));
    let (size, infinity, zero) = (b.unary(Operator::Absolute, most), b.constant(f64::INFINITY), b.constant(0.0));
    let finite = b.apply(Operator::Less, &[size, infinity]);
    let most = b.select(finite, most, zero);
    let terms: Vec<Value> = x
        .iter()
        .map(|x| {
            let difference = b.subtract(*x, most);
            b.unary(Operator::Exp, difference)
        })
        .collect();
    let total = b.total(&terms);
    let log = b.unary(Operator::Log, total);
    b.add(most, log)
}
