//! Operators on complex numbers, as pairs of real nodes: what the complex step is made of.
//!
//! Where a function has a closed form for its real and imaginary part that does not cancel for a small imaginary
//! part, that form is used. The other analytic functions (inverse functions, error and gamma functions, Bessel
//! functions) are continued by their Taylor series to third order in the imaginary part; the complex step's own
//! truncation error is of the same order. `abs min max % // floor` and comparisons look at the real part, so that
//! they are right away from kinks (Martins, Sturdza & Alonso 2003, section 4).

use crate::ir::build::Builder;
use crate::ir::op::Operator;
use crate::ir::program::{Node, Value};

/// Real part, and imaginary part where it is not zero.
#[derive(Clone, Copy, Debug)]
pub struct Complex {
    pub re: Value,
    pub im: Option<Value>,
}

impl Complex {
    pub fn real(re: Value) -> Complex {
        Complex { re, im: None }
    }
}

/// The operation on complex operands.
pub fn apply(b: &mut Builder, operator: Operator, z: &[Complex]) -> Complex {
    use Operator::*;
    if z.iter().all(|z| z.im.is_none()) {
        return Complex::real(b.apply(operator, &z.iter().map(|z| z.re).collect::<Vec<_>>()));
    }
    match operator {
        Negate => Complex { re: b.negate(z[0].re), im: z[0].im.map(|im| b.negate(im)) },
        Add => componentwise(b, z, Builder::add, |_, im| im),
        Subtract => componentwise(b, z, Builder::subtract, Builder::negate),
        Multiply => product(b, z[0], z[1]),
        // An exact zero wins over an infinite imaginary part too.
        Masked if z[0].im.is_none() => {
            Complex { re: b.apply(Masked, &[z[0].re, z[1].re]), im: z[1].im.map(|im| b.apply(Masked, &[z[0].re, im])) }
        }
        Masked => product(b, z[0], z[1]),
        Divide => quotient(b, z[0], z[1]),
        Power => power(b, z[0], z[1]),
        Select => {
            let zero = b.constant(0.0);
            let im = [z[1].im.unwrap_or(zero), z[2].im.unwrap_or(zero)];
            Complex { re: b.select(z[0].re, z[1].re, z[2].re), im: Some(b.select(z[0].re, im[0], im[1])) }
        }
        Absolute => {
            let sign = b.unary(Sign, z[0].re);
            Complex { re: b.unary(Absolute, z[0].re), im: z[0].im.map(|im| b.multiply(sign, im)) }
        }
        Minimum | Maximum => {
            let test = if operator == Minimum { Less } else { Greater };
            let second = b.apply(test, &[z[1].re, z[0].re]);
            apply(b, Select, &[Complex::real(second), z[1], z[0]])
        }
        Modulo => {
            let whole = b.apply(FloorDivide, &[z[0].re, z[1].re]);
            let part = product(b, z[1], Complex::real(whole));
            let re = b.apply(Modulo, &[z[0].re, z[1].re]);
            let rest = componentwise(b, &[z[0], part], Builder::subtract, Builder::negate);
            Complex { re, im: rest.im }
        }
        // r √((z/r)² + (w/r)²), r the real norm: the root is of a number near 1, and no square overflows.
        Hypot => {
            let norm = Complex::real(b.apply(Hypot, &[z[0].re, z[1].re]));
            let squares = [z[0], z[1]].map(|z| {
                let scaled = quotient(b, z, norm);
                product(b, scaled, scaled)
            });
            let sum = componentwise(b, &squares, Builder::add, |_, im| im);
            let root = apply(b, SquareRoot, &[sum]);
            product(b, norm, root)
        }
        ArcTan2 => arc_tangent2(b, z[0], z[1]),
        Polygamma | BesselJn => {
            let n = z[0].re;
            match z[1].im {
                Some(y) => taylor(b, z[1].re, y, |b, x| b.apply(operator, &[n, x])),
                None => Complex::real(b.apply(operator, &[n, z[1].re])),
            }
        }
        Sign | Floor | Ceil | Round | Not | FloorDivide | Less | LessEqual | Greater | GreaterEqual | Equal
        | NotEqual => {
            let operands: Vec<Value> = z.iter().map(|z| z.re).collect();
            Complex::real(b.apply(operator, &operands))
        }
        _ => match z[0].im {
            Some(im) => unary(b, operator, z[0].re, im),
            None => Complex::real(b.unary(operator, z[0].re)),
        },
    }
}

/// An analytic function of one variable at `x + iy`, y not zero.
fn unary(b: &mut Builder, operator: Operator, x: Value, y: Value) -> Complex {
    use Operator::*;
    let pair = |re, im| Complex { re, im: Some(im) };
    match operator {
        Exp | Expm1 => {
            let (exp, cos, sin) = (b.unary(Exp, x), b.unary(Cos, y), b.unary(Sin, y));
            let im = b.multiply(exp, sin);
            if operator == Exp {
                return pair(b.multiply(exp, cos), im);
            }
            // expm1(x) cos y + (cos y - 1), the bracket as -2 sin²(y/2).
            let expm1 = b.unary(Expm1, x);
            let first = b.multiply(expm1, cos);
            let half = b.scale(0.5, y);
            let half_sine = b.unary(Sin, half);
            let square = b.square(half_sine);
            let second = b.scale(-2.0, square);
            pair(b.add(first, second), im)
        }
        // |x + iy| = |x| √(1 + q²) with q = y/x: accurate for small y, and NaN for negative x as the real function.
        Log | Log2 | Log10 => {
            let scale = match operator {
                Log2 => std::f64::consts::LOG2_E,
                Log10 => std::f64::consts::LOG10_E,
                _ => 1.0,
            };
            let q = b.divide(y, x);
            let re = b.unary(operator, x);
            let (growth, angle) = growth_and_angle(b, q);
            let (growth, angle) = (b.scale(scale, growth), b.scale(scale, angle));
            pair(b.add(re, growth), angle)
        }
        Log1p => {
            let sum = b.shift(x, 1.0);
            let q = b.divide(y, sum);
            let re = b.unary(Log1p, x);
            let (growth, angle) = growth_and_angle(b, q);
            pair(b.add(re, growth), angle)
        }
        // √z = √x √(1 + iq), and with w = √(1 + q²): √(1 + iq) = √((1 + w)/2) + i q/(2 √((1 + w)/2)).
        SquareRoot => {
            let root = b.unary(SquareRoot, x);
            let q = b.divide(y, x);
            let one = b.constant(1.0);
            let w = b.apply(Hypot, &[one, q]);
            let sum = b.shift(w, 1.0);
            let half = b.scale(0.5, sum);
            let re = b.unary(SquareRoot, half);
            let double = b.scale(2.0, re);
            let im = b.divide(q, double);
            // At 0 what does not move stays where it is.
            let (whole, turned) = (b.multiply(root, re), b.multiply(root, im));
            let slope = b.reciprocal(root);
            let steep = b.apply(Operator::Masked, &[y, slope]);
            pair(b.select(x, whole, root), b.select(x, turned, steep))
        }
        Sin | Cos => {
            let (sin, cos) = (b.unary(Sin, x), b.unary(Cos, x));
            let (sinh, cosh) = (b.unary(Sinh, y), b.unary(Cosh, y));
            if operator == Sin {
                pair(b.multiply(sin, cosh), b.multiply(cos, sinh))
            } else {
                let product = b.multiply(sin, sinh);
                pair(b.multiply(cos, cosh), b.negate(product))
            }
        }
        Sinh | Cosh => {
            let (sinh, cosh) = (b.unary(Sinh, x), b.unary(Cosh, x));
            let (sin, cos) = (b.unary(Sin, y), b.unary(Cos, y));
            if operator == Sinh {
                pair(b.multiply(sinh, cos), b.multiply(cosh, sin))
            } else {
                pair(b.multiply(cosh, cos), b.multiply(sinh, sin))
            }
        }
        Tan => {
            let sine = unary(b, Sin, x, y);
            let cosine = unary(b, Cos, x, y);
            quotient(b, sine, cosine)
        }
        // (t(1 + s²) + i s (1 - t²)) / (1 + t²s²) with t = tanh x, s = tan y, and 1 - t² = 1/cosh² x.
        Tanh => {
            let (t, s) = (b.unary(Tanh, x), b.unary(Tan, y));
            let product = b.multiply(t, s);
            let square = b.square(product);
            let below = b.shift(square, 1.0);
            let s_square = b.square(s);
            let more = b.shift(s_square, 1.0);
            let above = b.multiply(t, more);
            let cosh = b.unary(Cosh, x);
            let slope = b.reciprocal(cosh);
            let slope = b.square(slope);
            let im = b.multiply(s, slope);
            pair(b.divide(above, below), b.divide(im, below))
        }
        _ => taylor(b, x, y, |b, x| b.unary(operator, x)),
    }
}

/// log √(1 + q²) and atan q: modulus and angle of 1 + iq.
fn growth_and_angle(b: &mut Builder, q: Value) -> (Value, Value) {
    let square = b.square(q);
    let log = b.unary(Operator::Log1p, square);
    (b.scale(0.5, log), b.unary(Operator::ArcTan, q))
}

fn componentwise(
    b: &mut Builder,
    z: &[Complex],
    both: fn(&mut Builder, Value, Value) -> Value,
    second: fn(&mut Builder, Value) -> Value,
) -> Complex {
    let im = match (z[0].im, z[1].im) {
        (Some(x), Some(y)) => Some(both(b, x, y)),
        (Some(x), None) => Some(x),
        (None, Some(y)) => Some(second(b, y)),
        (None, None) => None,
    };
    Complex { re: both(b, z[0].re, z[1].re), im }
}

fn product(b: &mut Builder, x: Complex, y: Complex) -> Complex {
    let re = b.multiply(x.re, y.re);
    let cross = |b: &mut Builder, a: Value, im: Option<Value>| im.map(|im| b.multiply(a, im));
    let (first, second) = (cross(b, x.re, y.im), cross(b, y.re, x.im));
    let re = match (x.im, y.im) {
        (Some(u), Some(v)) => {
            let square = b.multiply(u, v);
            b.subtract(re, square)
        }
        _ => re,
    };
    let im = match (first, second) {
        (Some(u), Some(v)) => Some(b.add(u, v)),
        (one, other) => one.or(other),
    };
    Complex { re, im }
}

/// (a + ib)/(c + id) by Smith's formula for |d| <= |c| (Commun. ACM 5 (1962) 435), the case of a small step.
fn quotient(b: &mut Builder, x: Complex, y: Complex) -> Complex {
    let Some(d) = y.im else {
        return Complex { re: b.divide(x.re, y.re), im: x.im.map(|im| b.divide(im, y.re)) };
    };
    // A divisor that does not move is real, even at 0.
    let (ratio, zero) = (b.divide(d, y.re), b.constant(0.0));
    let t = b.select(d, ratio, zero);
    let dt = b.multiply(d, t);
    let below = b.add(y.re, dt);
    let at = b.multiply(x.re, t);
    let (re, im) = match x.im {
        Some(im) => {
            let bt = b.multiply(im, t);
            (b.add(x.re, bt), b.subtract(im, at))
        }
        None => (x.re, b.negate(at)),
    };
    Complex { re: b.divide(re, below), im: Some(b.divide(im, below)) }
}

/// z^w. Small whole powers are products; else x^u (1 + iq)^w x^(iv) with z = x(1 + iq), w = u + iv: the real power is
/// the accurate one, the other factors are near 1. So whole powers of negative numbers are right and other powers of
/// them NaN, as for real numbers; at x = 0 the real rules hold: y u 0^(u - 1) from the base, 0 from the exponent.
fn power(b: &mut Builder, z: Complex, w: Complex) -> Complex {
    let (x, u) = (z.re, w.re);
    if w.im.is_none() {
        match b.known(u) {
            Some(1.0) => return z,
            Some(2.0) => return product(b, z, z),
            Some(3.0) => {
                let square = product(b, z, z);
                return product(b, square, z);
            }
            Some(4.0) => {
                let square = product(b, z, z);
                return product(b, square, square);
            }
            _ => {}
        }
    }
    let real = b.power(x, u);
    // The logarithm of the factors near 1, times w: real part and imaginary part.
    let zero = b.constant(0.0);
    let (mut re, mut im, mut at_zero) = (zero, zero, zero);
    if let Some(y) = z.im {
        let q = b.divide(y, x);
        let (growth, angle) = growth_and_angle(b, q);
        (re, im) = (b.multiply(u, growth), b.multiply(u, angle));
        if let Some(v) = w.im {
            let (crossed, turned) = (b.multiply(v, angle), b.multiply(v, growth));
            (re, im) = (b.subtract(re, crossed), b.add(im, turned));
        }
        let less = b.shift(u, -1.0);
        let steep = b.power(zero, less);
        let slope = b.apply(Operator::Masked, &[u, steep]);
        // What does not move stays where it is, however steep the slope.
        at_zero = b.apply(Operator::Masked, &[y, slope]);
    }
    if let Some(v) = w.im {
        let log = b.unary(Operator::Log, x);
        let turned = b.multiply(v, log);
        im = b.add(im, turned);
    }
    let factor = unary(b, Operator::Exp, re, im);
    let full = product(b, Complex::real(real), factor);
    let im = full.im.map(|im| b.select(x, im, at_zero));
    Complex { re: b.select(x, full.re, real), im }
}

/// The angle of (x, y) and atan of how far it turns: δ = (Y x - X y)/(X x + Y y) with X, Y complex, x, y their real
/// parts over the norm; atan δ = δ - δ³/3 to third order in the imaginary parts.
fn arc_tangent2(b: &mut Builder, y: Complex, x: Complex) -> Complex {
    let angle = b.apply(Operator::ArcTan2, &[y.re, x.re]);
    let norm = b.apply(Operator::Hypot, &[x.re, y.re]);
    let zero = b.constant(0.0);
    let [cosine, sine, v, u] =
        [x.re, y.re, x.im.unwrap_or(zero), y.im.unwrap_or(zero)].map(|part| b.divide(part, norm));
    // δ = i a/(1 + i c).
    let (ux, vy, uy, vx) = (b.multiply(u, cosine), b.multiply(v, sine), b.multiply(u, sine), b.multiply(v, cosine));
    let (a, c) = (b.subtract(ux, vy), b.add(uy, vx));
    let one = b.constant(1.0);
    let delta = quotient(b, Complex { re: zero, im: Some(a) }, Complex { re: one, im: Some(c) });
    let square = product(b, delta, delta);
    let cube = product(b, square, delta);
    let third = b.constant(1.0 / 3.0);
    let cube = product(b, cube, Complex::real(third));
    let turn = componentwise(b, &[delta, cube], Builder::subtract, Builder::negate);
    Complex { re: b.add(angle, turn.re), im: turn.im }
}

/// f(x + iy) = f - y²/2 f'' + i(y f' - y³/6 f'''), the derivatives by the operators' own rules.
fn taylor(b: &mut Builder, x: Value, y: Value, f: impl Fn(&mut Builder, Value) -> Value) -> Complex {
    let value = f(b, x);
    let zero = b.constant(0.0);
    let first = slope(b, value, x).unwrap_or(zero);
    let second = slope(b, first, x).unwrap_or(zero);
    let third = slope(b, second, x).unwrap_or(zero);
    // What does not move stays where it is, however steep the slope.
    let (yf, yy) = (b.apply(Operator::Masked, &[y, first]), b.square(y));
    let curvature = b.apply(Operator::Masked, &[yy, second]);
    let curvature = b.scale(0.5, curvature);
    let cubic = b.multiply(yy, y);
    let cubic = b.apply(Operator::Masked, &[cubic, third]);
    let cubic = b.scale(1.0 / 6.0, cubic);
    Complex { re: b.subtract(value, curvature), im: Some(b.subtract(yf, cubic)) }
}

/// d value / d x for the few nodes that rules put between x and value, by the chain rule.
fn slope(b: &mut Builder, value: Value, x: Value) -> Option<Value> {
    if value == x {
        return Some(b.constant(1.0));
    }
    let Node::Apply(operator, operands) = b.node(value).clone() else { return None };
    let mut total: Option<Value> = None;
    for (which, operand) in operands[..operator.arity()].iter().enumerate() {
        // A node made before x cannot depend on it.
        let Some(inner) = (*operand >= x).then(|| slope(b, *operand, x)).flatten() else { continue };
        let Some(partial) = operator.partial(b, &operands[..operator.arity()], value, which) else { continue };
        let term = b.multiply(partial, inner);
        total = Some(match total {
            Some(total) => b.add(total, term),
            None => term,
        });
    }
    total
}
