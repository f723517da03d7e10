//! The table of operators: one row each, with value, partial derivatives, cost, smoothness and sample points.
//!
//! `operators!` hands the rows to a macro, so that the engine's loops, the scalar value and the derivative rules come
//! from the same row. A partial derivative is given as nodes of a program, from the operands and the result; `None`
//! is a derivative that is zero. Values at domain edges follow IEEE 754 and C; `%`, `//`, `min`, `max` and `round`
//! follow Python.

use crate::ir::build::Builder;
use crate::ir::program::Value;
use crate::math::{elementary, special};

/// Calls a macro with every row: `(name of the variant, word, cost, smoothness, samples, value, partials…)`.
///
/// The cost is in units of one addition, over lanes. Samples are points inside the domain, away from kinks.
macro_rules! operators {
    ($callback:ident) => {
        $callback! {
            unary {
                (Negate, "negate", 1, Smooth, [-1.5, 0.25, 3.0], |x| -x, |b, _x, _y| Some(b.constant(-1.0)))
                (Absolute, "abs", 1, Kink, [-1.5, 0.25, 3.0], |x| x.abs(), |b, x, _y| Some(b.unary(Operator::Sign, x)))
                (Sign, "sign", 1, Step, [-1.5, 0.25, 3.0], |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x },
                    |_b, _x, _y| None)
                (Floor, "floor", 1, Step, [-1.5, 0.25, 3.5], |x| x.floor(), |_b, _x, _y| None)
                (Ceil, "ceil", 1, Step, [-1.5, 0.25, 3.5], |x| x.ceil(), |_b, _x, _y| None)
                (Round, "round", 1, Step, [-1.25, 0.25, 3.75], |x| x.round_ties_even(), |_b, _x, _y| None)
                (SquareRoot, "sqrt", 4, Smooth, [0.25, 1.5, 40.0], |x| elementary::sqrt(x),
                    |b, _x, y| { let half = b.constant(0.5); Some(b.divide(half, y)) })
                (CubeRoot, "cbrt", 15, Smooth, [-2.0, 0.25, 40.0], |x| elementary::cbrt(x),
                    |b, _x, y| { let square = b.square(y); let three = b.scale(3.0, square); Some(b.reciprocal(three)) })
                (Exp, "exp", 8, Smooth, [-3.0, 0.25, 5.0], |x| elementary::exp(x), |_b, _x, y| Some(y))
                (Expm1, "expm1", 12, Smooth, [-3.0, 0.001, 5.0], |x| elementary::expm1(x),
                    |b, x, _y| Some(b.unary(Operator::Exp, x)))
                (Log, "log", 10, Smooth, [0.01, 0.9, 40.0], |x| elementary::log(x), |b, x, _y| Some(b.reciprocal(x)))
                (Log1p, "log1p", 14, Smooth, [-0.5, 0.001, 40.0], |x| elementary::log1p(x),
                    |b, x, _y| { let sum = b.shift(x, 1.0); Some(b.reciprocal(sum)) })
                (Log2, "log2", 12, Smooth, [0.01, 0.9, 40.0], |x| elementary::log2(x),
                    |b, x, _y| { let c = b.constant(std::f64::consts::LOG2_E); Some(b.divide(c, x)) })
                (Log10, "log10", 12, Smooth, [0.01, 0.9, 40.0], |x| elementary::log10(x),
                    |b, x, _y| { let c = b.constant(std::f64::consts::LOG10_E); Some(b.divide(c, x)) })
                (Sin, "sin", 16, Smooth, [-2.0, 0.25, 5.0], |x| elementary::sin(x),
                    |b, x, _y| Some(b.unary(Operator::Cos, x)))
                (Cos, "cos", 16, Smooth, [-2.0, 0.25, 5.0], |x| elementary::cos(x),
                    |b, x, _y| { let sin = b.unary(Operator::Sin, x); Some(b.negate(sin)) })
                (Tan, "tan", 20, Smooth, [-2.0, 0.25, 1.0], |x| elementary::tan(x),
                    |b, _x, y| { let square = b.square(y); Some(b.shift(square, 1.0)) })
                (ArcSin, "asin", 20, Smooth, [-0.9, 0.25, 0.5], |x| elementary::asin(x),
                    |b, x, _y| Some(reciprocal_root(b, x)))
                (ArcCos, "acos", 20, Smooth, [-0.9, 0.25, 0.5], |x| elementary::acos(x),
                    |b, x, _y| { let d = reciprocal_root(b, x); Some(b.negate(d)) })
                (ArcTan, "atan", 20, Smooth, [-4.0, 0.25, 2.0], |x| elementary::atan(x),
                    |b, x, _y| { let square = b.square(x); let sum = b.shift(square, 1.0); Some(b.reciprocal(sum)) })
                (Sinh, "sinh", 20, Smooth, [-3.0, 0.25, 5.0], |x| elementary::sinh(x),
                    |b, x, _y| Some(b.unary(Operator::Cosh, x)))
                (Cosh, "cosh", 20, Smooth, [-3.0, 0.25, 5.0], |x| elementary::cosh(x),
                    |b, x, _y| Some(b.unary(Operator::Sinh, x)))
                // 1/cosh² and not 1 - tanh², which cancels where tanh is near 1.
                (Tanh, "tanh", 20, Smooth, [-3.0, 0.25, 5.0], |x| elementary::tanh(x),
                    |b, x, _y| { let c = b.unary(Operator::Cosh, x); let r = b.reciprocal(c); Some(b.square(r)) })
                (ArcSinh, "asinh", 25, Smooth, [-3.0, 0.25, 5.0], |x| elementary::asinh(x),
                    |b, x, _y| { let one = b.constant(1.0); let h = b.apply(Operator::Hypot, &[x, one]); Some(b.reciprocal(h)) })
                (ArcCosh, "acosh", 25, Smooth, [1.25, 2.0, 40.0], |x| elementary::acosh(x),
                    // 1/√(x² - 1) as 1/((x + 1)√((x - 1)/(x + 1))): neither cancellation nor overflow.
                    |b, x, _y| {
                        let (less, more) = (b.shift(x, -1.0), b.shift(x, 1.0));
                        let ratio = b.divide(less, more);
                        let root = b.unary(Operator::SquareRoot, ratio);
                        let product = b.multiply(more, root);
                        Some(b.reciprocal(product))
                    })
                (ArcTanh, "atanh", 25, Smooth, [-0.9, 0.25, 0.5], |x| elementary::atanh(x),
                    |b, x, _y| { let p = one_minus_square(b, x); Some(b.reciprocal(p)) })
                (Erf, "erf", 20, Smooth, [-2.0, 0.25, 1.5], |x| elementary::erf(x), |b, x, _y| Some(gaussian(b, x, 1.0)))
                (Erfc, "erfc", 25, Smooth, [-2.0, 0.25, 5.0], |x| elementary::erfc(x),
                    |b, x, _y| Some(gaussian(b, x, -1.0)))
                (Gamma, "gamma", 40, Smooth, [-1.5, 0.25, 6.5], |x| elementary::gamma(x),
                    |b, x, y| { let psi = b.unary(Operator::Digamma, x); Some(b.multiply(y, psi)) })
                (LogGamma, "lgamma", 40, Smooth, [0.25, 3.5, 60.0], |x| elementary::lgamma(x),
                    |b, x, _y| Some(b.unary(Operator::Digamma, x)))
                (Digamma, "digamma", 40, Smooth, [0.25, 3.5, 60.0], |x| elementary::digamma(x),
                    |b, x, _y| { let one = b.constant(1.0); Some(b.apply(Operator::Polygamma, &[one, x])) })
                (BesselJ0, "j0", 40, Smooth, [0.25, 3.5, 20.0], |x| special::j0(x),
                    |b, x, _y| { let j1 = b.unary(Operator::BesselJ1, x); Some(b.negate(j1)) })
                (BesselJ1, "j1", 40, Smooth, [0.25, 3.5, 20.0], |x| special::j1(x),
                    |b, x, _y| { let one = b.constant(1.0); Some(bessel_slope(b, one, x)) })
                // s·(1 - s) cancels where s is near 1; 1 - s is the sigmoid of -x.
                (Sigmoid, "sigmoid", 12, Smooth, [-6.0, 0.25, 3.0], |x| elementary::sigmoid(x),
                    |b, x, y| { let m = b.negate(x); let c = b.unary(Operator::Sigmoid, m); Some(b.multiply(y, c)) })
                (Softplus, "softplus", 20, Smooth, [-6.0, 0.25, 3.0], |x| elementary::softplus(x),
                    |b, x, _y| Some(b.unary(Operator::Sigmoid, x)))
                (Not, "not", 1, Step, [-1.5, 0.0, 3.0], |x| truth(x == 0.0), |_b, _x, _y| None)
            }
            binary {
                (Add, "+", 1, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| x + y,
                    |b, _x, _y, _r| Some(b.constant(1.0)), |b, _x, _y, _r| Some(b.constant(1.0)))
                (Subtract, "-", 1, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| x - y,
                    |b, _x, _y, _r| Some(b.constant(1.0)), |b, _x, _y, _r| Some(b.constant(-1.0)))
                (Multiply, "*", 1, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| x * y,
                    |_b, _x, y, _r| Some(y), |_b, x, _y, _r| Some(x))
                (Divide, "/", 4, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| x / y,
                    |b, _x, y, _r| Some(b.reciprocal(y)),
                    |b, _x, y, r| { let q = b.reciprocal(y); let d = b.multiply(r, q); Some(b.negate(d)) })
                (Power, "**", 25, Smooth, [[1.5, -0.5], [3.0, 4.5], [0.2, 7.0]], |x, y| elementary::pow(x, y),
                    // At y = 0 the derivative is 0, also where x^(y - 1) is infinite.
                    |b, x, y, _r| {
                        let less = b.shift(y, -1.0);
                        let p = b.power(x, less);
                        Some(if b.known(y).is_some() { b.multiply(y, p) } else { b.apply(Operator::Masked, &[y, p]) })
                    },
                    // At x = 0 the limit is 0, where log would make it NaN.
                    |b, x, _y, r| {
                        let log = b.unary(Operator::Log, x);
                        let d = b.multiply(r, log);
                        Some(b.select(x, d, r))
                    })
                (Modulo, "%", 20, Kink, [[7.5, 2.0], [-7.5, 2.0], [7.5, -2.0]], |x, y| modulo(x, y),
                    |b, _x, _y, _r| Some(b.constant(1.0)),
                    |b, x, y, _r| { let q = b.apply(Operator::FloorDivide, &[x, y]); Some(b.negate(q)) })
                (FloorDivide, "//", 20, Step, [[7.5, 2.0], [-7.5, 2.0]], |x, y| floor_divide(x, y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (Minimum, "min", 1, Kink, [[1.5, -0.5], [3.0, 4.0]], |x, y| if y < x { y } else { x },
                    |b, x, y, _r| { let second = b.apply(Operator::Less, &[y, x]); Some(b.unary(Operator::Not, second)) },
                    |b, x, y, _r| Some(b.apply(Operator::Less, &[y, x])))
                (Maximum, "max", 1, Kink, [[1.5, -0.5], [3.0, 4.0]], |x, y| if y > x { y } else { x },
                    |b, x, y, _r| { let second = b.apply(Operator::Greater, &[y, x]); Some(b.unary(Operator::Not, second)) },
                    |b, x, y, _r| Some(b.apply(Operator::Greater, &[y, x])))
                (ArcTan2, "atan2", 25, Smooth, [[1.5, -0.5], [3.0, 4.0], [-2.0, -0.1]], |y, x| elementary::atan2(y, x),
                    |b, y, x, _r| Some(over_norm_square(b, x, y)),
                    |b, y, x, _r| { let d = over_norm_square(b, y, x); Some(b.negate(d)) })
                (Hypot, "hypot", 10, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| elementary::hypot(x, y),
                    |b, x, _y, r| Some(b.divide(x, r)), |b, _x, y, r| Some(b.divide(y, r)))
                (Polygamma, "polygamma", 60, Smooth, [[1.0, 0.25], [2.0, 3.5], [3.0, 20.0]],
                    |n, x| elementary::polygamma(n as u32, x),
                    |_b, _n, _x, _r| None,
                    |b, n, x, _r| { let next = b.shift(n, 1.0); Some(b.apply(Operator::Polygamma, &[next, x])) })
                (BesselJn, "jn", 60, Smooth, [[2.0, 0.75], [3.0, 3.5], [5.0, 20.0]], |n, x| special::jn(n as i32, x),
                    |_b, _n, _x, _r| None,
                    |b, n, x, _r| Some(bessel_slope(b, n, x)))
                (Less, "<", 1, Step, [[1.5, -0.5], [3.0, 4.0]], |x, y| truth(x < y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (LessEqual, "<=", 1, Step, [[1.5, -0.5], [3.0, 4.0]], |x, y| truth(x <= y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (Greater, ">", 1, Step, [[1.5, -0.5], [3.0, 4.0]], |x, y| truth(x > y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (GreaterEqual, ">=", 1, Step, [[1.5, -0.5], [3.0, 4.0]], |x, y| truth(x >= y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (Equal, "==", 1, Step, [[1.5, -0.5], [3.0, 3.0]], |x, y| truth(x == y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                (NotEqual, "!=", 1, Step, [[1.5, -0.5], [3.0, 3.0]], |x, y| truth(x != y),
                    |_b, _x, _y, _r| None, |_b, _x, _y, _r| None)
                // The product in which an exact zero wins over infinity and NaN: the adjoint of a value that a
                // branch left out is 0, whatever its partial derivative would be there.
                (Masked, "masked", 2, Smooth, [[1.5, -0.5], [3.0, 4.0]], |x, y| if x == 0.0 { 0.0 } else { x * y },
                    |_b, _x, y, _r| Some(y), |_b, x, _y, _r| Some(x))
            }
            ternary {
                (Select, "select", 1, Smooth, [[1.0, 2.0, 3.0], [0.0, 2.0, 3.0]],
                    |test, x, y| if test != 0.0 { x } else { y },
                    |_b, _t, _x, _y| None,
                    |b, t, _x, _y| { let (one, zero) = (b.constant(1.0), b.constant(0.0)); Some(b.select(t, one, zero)) },
                    |b, t, _x, _y| { let (one, zero) = (b.constant(1.0), b.constant(0.0)); Some(b.select(t, zero, one)) })
            }
        }
    };
}
pub(crate) use operators;

/// Whether an operator has a derivative everywhere inside its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smoothness {
    Smooth,
    /// Continuous, with a jump in the derivative.
    Kink,
    /// Piecewise constant: the derivative is zero where it exists.
    Step,
}

/// What the table says of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub operator: Operator,
    /// The word in formulas, traces and graphs.
    pub name: &'static str,
    pub arity: usize,
    /// In additions, over lanes.
    pub cost: u32,
    pub smoothness: Smoothness,
    /// Points inside the domain, `arity` numbers each.
    pub samples: &'static [&'static [f64]],
}

macro_rules! table {
    (
        unary { $(($u:ident, $un:literal, $uc:literal, $us:ident, [$($ux:expr),*], |$ua:ident| $uv:expr, $up:expr))* }
        binary { $(($b:ident, $bn:literal, $bc:literal, $bs:ident, [$($bx:expr),*], |$ba:ident, $bb:ident| $bv:expr, $bp:expr, $bq:expr))* }
        ternary { $(($t:ident, $tn:literal, $tc:literal, $ts:ident, [$($tx:expr),*], |$ta:ident, $tb:ident, $td:ident| $tv:expr, $tp:expr, $tq:expr, $tr:expr))* }
    ) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operator { $($u,)* $($b,)* $($t,)* }

        /// Every row, in the order of the variants.
        pub const ROWS: &[Row] = &[
            $(Row { operator: Operator::$u, name: $un, arity: 1, cost: $uc, smoothness: Smoothness::$us, samples: &[$(&[$ux]),*] },)*
            $(Row { operator: Operator::$b, name: $bn, arity: 2, cost: $bc, smoothness: Smoothness::$bs, samples: &[$(&$bx),*] },)*
            $(Row { operator: Operator::$t, name: $tn, arity: 3, cost: $tc, smoothness: Smoothness::$ts, samples: &[$(&$tx),*] },)*
        ];

        impl Operator {
            /// The value at `arity` numbers.
            pub fn value(self, x: &[f64]) -> f64 {
                match self {
                    $(Operator::$u => { let $ua = x[0]; $uv })*
                    $(Operator::$b => { let ($ba, $bb) = (x[0], x[1]); $bv })*
                    $(Operator::$t => { let ($ta, $tb, $td) = (x[0], x[1], x[2]); $tv })*
                }
            }

            /// The partial derivative in operand `which`, as a node; None where it is zero everywhere.
            pub fn partial(self, builder: &mut Builder, operands: &[Value], result: Value, which: usize) -> Option<Value> {
                match self {
                    $(Operator::$u => {
                        let f: fn(&mut Builder, Value, Value) -> Option<Value> = $up;
                        f(builder, operands[0], result)
                    })*
                    $(Operator::$b => {
                        let f: [fn(&mut Builder, Value, Value, Value) -> Option<Value>; 2] = [$bp, $bq];
                        f[which](builder, operands[0], operands[1], result)
                    })*
                    $(Operator::$t => {
                        let f: [fn(&mut Builder, Value, Value, Value) -> Option<Value>; 3] = [$tp, $tq, $tr];
                        f[which](builder, operands[0], operands[1], operands[2])
                    })*
                }
            }
        }
    };
}
operators!(table);

impl Operator {
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn arity(self) -> usize {
        self.row().arity
    }

    /// Whether the operands may change places without a change of the bits.
    pub fn commutes(self) -> bool {
        matches!(self, Operator::Add | Operator::Multiply | Operator::Equal | Operator::NotEqual)
    }
}

/// 1 for true, 0 for false.
#[inline(always)]
pub fn truth(test: bool) -> f64 {
    if test { 1.0 } else { 0.0 }
}

/// Python's `%`: the remainder takes the sign of the divisor.
#[inline(always)]
pub fn modulo(x: f64, y: f64) -> f64 {
    let remainder = x % y;
    if remainder == 0.0 {
        0.0f64.copysign(y)
    } else if (remainder < 0.0) != (y < 0.0) {
        remainder + y
    } else {
        remainder
    }
}

/// Python's `//`, by the remainder, so that `x == y * (x // y) + x % y` nearly holds.
#[inline(always)]
pub fn floor_divide(x: f64, y: f64) -> f64 {
    let remainder = x % y;
    let quotient = (x - remainder) / y;
    // One less where `%` adds the divisor; its own rounding stays out of it, and so does an infinite divisor.
    let wrapped = remainder != 0.0 && (remainder < 0.0) != (y < 0.0);
    let quotient = if wrapped { quotient - 1.0 } else { quotient };
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// 1 - x² as (1 - x)(1 + x), which does not cancel near |x| = 1.
fn one_minus_square(b: &mut Builder, x: Value) -> Value {
    let one = b.constant(1.0);
    let (less, more) = (b.subtract(one, x), b.add(one, x));
    b.multiply(less, more)
}

/// 1/√(1 - x²): the derivative of arc sine.
fn reciprocal_root(b: &mut Builder, x: Value) -> Value {
    let product = one_minus_square(b, x);
    let root = b.unary(Operator::SquareRoot, product);
    b.reciprocal(root)
}

/// s·(2/√π)·exp(-x²): the derivative of erf (s = 1) and erfc (s = -1).
fn gaussian(b: &mut Builder, x: Value, sign: f64) -> Value {
    let square = b.square(x);
    let exponent = b.negate(square);
    let bell = b.unary(Operator::Exp, exponent);
    b.scale(sign * std::f64::consts::FRAC_2_SQRT_PI, bell)
}

/// J_n' = (J_{n-1} - J_{n+1})/2 (DLMF 10.6.1).
fn bessel_slope(b: &mut Builder, n: Value, x: Value) -> Value {
    let mut bessel = |step: f64| {
        let n = b.shift(n, step);
        match b.known(n) {
            Some(0.0) => b.unary(Operator::BesselJ0, x),
            Some(1.0) => b.unary(Operator::BesselJ1, x),
            _ => b.apply(Operator::BesselJn, &[n, x]),
        }
    };
    let (below, above) = (bessel(-1.0), bessel(1.0));
    let difference = b.subtract(below, above);
    b.scale(0.5, difference)
}

/// x/(x² + y²) without overflow.
fn over_norm_square(b: &mut Builder, x: Value, y: Value) -> Value {
    let norm = b.apply(Operator::Hypot, &[x, y]);
    let cosine = b.divide(x, norm);
    b.divide(cosine, norm)
}
