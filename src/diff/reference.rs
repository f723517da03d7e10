//! The judge of accuracy: a program evaluated in 192-bit arithmetic.
//!
//! The reference gradient is the forward-mode program in that arithmetic; that the derivative rules themselves are
//! right is shown apart from it, by differences of values in the same arithmetic (the conformance suite of the
//! operators). Real arithmetic only: what IEEE 754 overflows to infinity is a number here.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::diff::forward;
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Rate, Value};
use crate::math::precise::{self, Real, special};

/// The derivatives of outputs in reference arithmetic, rounded to doubles at the end.
#[derive(Clone, Debug)]
pub struct Reference {
    program: Program,
    rates: Vec<Rate>,
    needed: Vec<bool>,
    /// Which input of the program stands in each place: those that are differentiated come first.
    order: Vec<usize>,
    /// The columns that the program names, and the number of rows.
    columns: Vec<Vec<f64>>,
    rows: usize,
}

impl Reference {
    /// The gradient of the first output, over `columns` of `rows` numbers each.
    pub fn new(program: &Program, columns: &[Vec<f64>], rows: usize) -> Reference {
        let first = Program { outputs: program.outputs[..1].to_vec(), ..program.clone() };
        Reference::in_inputs(&first, &(0..program.inputs).collect::<Vec<_>>(), columns, rows)
    }

    /// The Jacobian of every output in some of the inputs: its cost grows with their number.
    pub fn in_inputs(program: &Program, inputs: &[usize], columns: &[Vec<f64>], rows: usize) -> Reference {
        let mut chosen = vec![false; program.inputs];
        inputs.iter().for_each(|k| chosen[*k] = true);
        let mut order = inputs.to_vec();
        order.extend((0..program.inputs).filter(|k| !chosen[*k]));
        let mut b = Builder::new();
        let mut placed = vec![Value(0); program.inputs];
        for (place, k) in order.iter().enumerate() {
            placed[*k] = b.input(place);
        }
        let named: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
        let values = b.inline(program, &placed, &named);
        let ordered = b.finish(&values, program.inputs, program.columns);
        let every: Vec<usize> = (0..values.len()).collect();
        let mut program = forward::jacobian(&ordered, &every, 0..inputs.len());
        // Values often hold terms, such as log factorials, that no derivative needs.
        program.outputs.drain(..values.len());
        Reference { rates: program.rates(), needed: program.needed(), program, order, columns: columns.to_vec(), rows }
    }

    /// The derivatives at `point`: those of the first output, then those of the next.
    pub fn gradient(&self, point: &[f64]) -> Vec<f64> {
        let point: Vec<Real> = self.order.iter().map(|k| Real::from_f64(point[*k])).collect();
        let found = outputs(&self.program, &self.rates, &self.needed, &point, &self.columns, self.rows);
        found.iter().map(Real::to_f64).collect()
    }
}

/// The outputs of a program without row outputs, in reference arithmetic.
pub fn values(program: &Program, inputs: &[Real], columns: &[Vec<f64>], rows: usize) -> Vec<Real> {
    outputs(program, &program.rates(), &program.needed(), inputs, columns, rows)
}

/// A value of a node: a number, a vector, or the results of a loop.
#[derive(Clone, Debug)]
enum Held {
    /// Numbers are shared, as vectors are, because loops hand whole vectors on in every step.
    One(Arc<Real>),
    Many(Arc<Vec<Held>>),
}

impl Held {
    fn number(number: Real) -> Held {
        Held::One(Arc::new(number))
    }

    fn vector(parts: impl IntoIterator<Item = Held>) -> Held {
        Held::Many(Arc::new(parts.into_iter().collect()))
    }

    fn one(&self) -> &Real {
        match self {
            Held::One(number) => number,
            Held::Many(_) => unreachable!("a number stands here"),
        }
    }

    fn many(&self) -> &[Held] {
        match self {
            Held::Many(parts) => parts,
            Held::One(_) => unreachable!("a vector stands here"),
        }
    }
}

fn outputs(
    program: &Program,
    rates: &[Rate],
    needed: &[bool],
    inputs: &[Real],
    columns: &[Vec<f64>],
    rows: usize,
) -> Vec<Real> {
    let inputs: Vec<Held> = inputs.iter().map(|x| Held::number(x.clone())).collect();
    let mut values = vec![Held::number(Real::Special(f64::NAN)); program.nodes.len()];
    let depths = program.depths();
    let by_row = |v: Value| rates[v.index()].by_row();
    let over_rows = |v: &Value| match program.node(*v) {
        Node::Sum(operand) => by_row(*operand),
        node => node.reduces(),
    };
    for depth in 0..=depths.iter().copied().max().unwrap_or(0) {
        let here = |v: &Value| needed[v.index()] && depths[v.index()] == depth && !by_row(*v);
        let sums: Vec<Value> = program.values().filter(|v| here(v) && over_rows(v)).collect();
        sum_rows(program, rates, &sums, &mut values, &inputs, columns, rows);
        for value in program.values().filter(|v| here(v) && !over_rows(v)) {
            values[value.index()] = match program.node(value) {
                Node::Sum(operand) => {
                    Held::number(values[operand.index()].one().multiply(&Real::from_f64(rows as f64)))
                }
                node => simple(node, &values, &inputs, columns, 0),
            };
        }
    }
    program.outputs.iter().map(|v| values[v.index()].one().clone()).collect()
}

/// The sums and scatters over all rows, row by row.
fn sum_rows(
    program: &Program,
    rates: &[Rate],
    sums: &[Value],
    values: &mut [Held],
    inputs: &[Held],
    columns: &[Vec<f64>],
    rows: usize,
) {
    let mut needed = vec![false; program.nodes.len()];
    sums.iter().flat_map(|sum| program.node(*sum).operands()).for_each(|v| needed[v.index()] = true);
    for index in (0..program.nodes.len()).rev().filter(|i| rates[*i].by_row()) {
        if needed[index] {
            program.nodes[index].operands().iter().for_each(|v| needed[v.index()] = true);
        }
    }
    let by_row: Vec<usize> = (0..program.nodes.len()).filter(|i| needed[*i] && rates[*i].by_row()).collect();
    let zero = || Held::number(Real::from_f64(0.0));
    let start = |sum: &Value| match program.node(*sum) {
        Node::Scatter { size, .. } => Held::vector((0..*size).map(|_| zero())),
        _ => zero(),
    };
    let mut totals: Vec<Held> = sums.iter().map(start).collect();
    for row in 0..rows {
        for index in &by_row {
            values[*index] = simple(&program.nodes[*index], values, inputs, columns, row);
        }
        for (total, sum) in totals.iter_mut().zip(sums) {
            match (program.node(*sum), total) {
                (Node::Scatter { index, number, size }, Held::Many(parts)) => {
                    if let Some(k) = position(values[index.index()].one(), *size as usize) {
                        let sum = parts[k].one().add(values[number.index()].one());
                        Arc::make_mut(parts)[k] = Held::number(sum);
                    }
                }
                (node, total) => *total = Held::number(total.one().add(values[node.operands()[0].index()].one())),
            }
        }
    }
    for (total, sum) in totals.into_iter().zip(sums) {
        values[sum.index()] = total;
    }
}

/// The element that an index names.
fn position(index: &Real, size: usize) -> Option<usize> {
    let index = index.to_f64();
    (index >= 0.0 && index < size as f64).then_some(index as usize)
}

/// The value of a node that is no sum, from those of its operands.
fn simple(node: &Node, values: &[Held], inputs: &[Held], columns: &[Vec<f64>], row: usize) -> Held {
    let at = |v: &Value| &values[v.index()];
    match node {
        Node::Constant(bits) => Held::number(Real::from_f64(f64::from_bits(*bits))),
        Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize].clone(),
        Node::Column(k) => Held::number(Real::from_f64(columns[*k as usize][row])),
        Node::Row => Held::number(Real::from_f64(row as f64)),
        Node::Apply(operator, _) => {
            let operands = node.operands();
            let size =
                operands.iter().find_map(|v| if let Held::Many(parts) = at(v) { Some(parts.len()) } else { None });
            let of = |k: usize| {
                let part = |v: &Value| match at(v) {
                    Held::One(number) => &**number,
                    Held::Many(parts) => parts[k].one(),
                };
                let parts: Vec<&Real> = operands.iter().map(part).collect();
                Held::number(apply(*operator, &parts))
            };
            match size {
                None => of(0),
                Some(size) => Held::vector((0..size).map(of)),
            }
        }
        Node::Pack(elements) => Held::vector(elements.iter().map(|v| at(v).clone())),
        Node::Fill(number, size) => Held::vector(vec![at(number).clone(); *size as usize]),
        Node::Element { vector, index } => {
            let parts = at(vector).many();
            match position(at(index).one(), parts.len()) {
                Some(k) => parts[k].clone(),
                None => Held::number(Real::Special(f64::NAN)),
            }
        }
        Node::Replace { vector, index, element } => {
            let mut parts = at(vector).many().to_vec();
            if let Some(k) = position(at(index).one(), parts.len()) {
                parts[k] = at(element).clone();
            }
            Held::vector(parts)
        }
        Node::Result { of, index } => at(of).many()[*index as usize].clone(),
        Node::Loop(body) => Held::vector(run_loop(body, values)),
        Node::Sum(_) | Node::Scatter { .. } => unreachable!("sums are taken elsewhere"),
    }
}

/// What a forward loop carries after its last step.
fn run_loop(body: &Loop, values: &[Held]) -> Vec<Held> {
    let most = match body.kind {
        LoopKind::Bounded(most) => most,
        _ => body.count().map_or(0, |v| values[v.index()].one().to_f64().max(0.0) as u64),
    };
    let mut carried: Vec<Held> = body.initial().iter().map(|v| values[v.index()].clone()).collect();
    let captured: Vec<Held> = body.captured().iter().map(|v| values[v.index()].clone()).collect();
    let mut inner = vec![Held::number(Real::Special(f64::NAN)); body.body.nodes.len()];
    for step in 0..most {
        let mut inputs = vec![Held::number(Real::from_f64(step as f64))];
        inputs.append(&mut carried);
        inputs.extend(captured.iter().cloned());
        for (index, node) in body.body.nodes.iter().enumerate() {
            inner[index] = simple(node, &inner, &inputs, &[], 0);
        }
        let mut next: Vec<Held> = body.body.outputs.iter().map(|v| inner[v.index()].clone()).collect();
        if next.get(body.carried).is_some_and(|wanted| wanted.one().is_zero()) {
            return inputs[1..=body.carried].to_vec();
        }
        next.truncate(body.carried);
        carried = next;
    }
    carried
}

/// The value of an operator in reference arithmetic.
pub fn apply(operator: Operator, x: &[&Real]) -> Real {
    use Operator::*;
    let number = Real::from_f64;
    let truth = |test: bool| number(if test { 1.0 } else { 0.0 });
    let compare = || x[0].compare(x[1]);
    match operator {
        Negate => x[0].negate(),
        Add => x[0].add(x[1]),
        Subtract => x[0].subtract(x[1]),
        Multiply => x[0].multiply(x[1]),
        Divide => x[0].divide(x[1]),
        Masked => {
            if x[0].is_zero() {
                number(0.0)
            } else {
                x[0].multiply(x[1])
            }
        }
        Absolute => match x[0].compare(&number(0.0)) {
            Some(Ordering::Less) => x[0].negate(),
            _ => x[0].clone(),
        },
        Sign => match x[0].compare(&number(0.0)) {
            Some(Ordering::Less) => number(-1.0),
            Some(Ordering::Equal) => number(0.0),
            Some(Ordering::Greater) => number(1.0),
            None => number(f64::NAN),
        },
        Floor => x[0].floor(),
        Ceil => x[0].negate().floor().negate(),
        Round => x[0].round(),
        SquareRoot => x[0].sqrt(),
        CubeRoot => x[0].cbrt(),
        Exp => x[0].exp(),
        Expm1 => x[0].expm1(),
        Log => x[0].log(),
        Log1p => x[0].log1p(),
        Log2 => x[0].log().divide(&number(2.0).log()),
        Log10 => x[0].log().divide(&number(10.0).log()),
        Sin => x[0].sin_cos().0,
        Cos => x[0].sin_cos().1,
        Tan => {
            let (sin, cos) = x[0].sin_cos();
            sin.divide(&cos)
        }
        // Through atan of √((1 - x)/(1 + x)) and the like; outside the domain the roots and logarithms are NaN.
        ArcSin => {
            let cosine = number(1.0).subtract(x[0]).multiply(&number(1.0).add(x[0])).sqrt();
            x[0].divide(&cosine).atan()
        }
        ArcCos => number(2.0).multiply(&number(1.0).subtract(x[0]).divide(&number(1.0).add(x[0])).sqrt().atan()),
        ArcTan => x[0].atan(),
        Sinh => x[0].expm1().subtract(&x[0].negate().expm1()).divide(&number(2.0)),
        Cosh => x[0].exp().add(&x[0].negate().exp()).divide(&number(2.0)),
        Tanh => match x[0].to_f64() {
            far if far.abs() > 1000.0 => number(far.signum()),
            _ => {
                let e = x[0].multiply(&number(2.0)).expm1();
                e.divide(&e.add(&number(2.0)))
            }
        },
        // log(x + √(x² + 1)) = log1p(x + x²/(1 + √(x² + 1))) for x >= 0.
        ArcSinh => odd(x[0], |x| {
            let square = x.multiply(x);
            let root = square.add(&number(1.0)).sqrt();
            x.add(&square.divide(&root.add(&number(1.0)))).log1p()
        }),
        // log(x + √(x² - 1)) = log1p(t + √(t(t + 2))), t = x - 1.
        ArcCosh => {
            let t = x[0].subtract(&number(1.0));
            t.add(&t.multiply(&t.add(&number(2.0))).sqrt()).log1p()
        }
        ArcTanh => odd(x[0], |x| {
            let ratio = x.multiply(&number(2.0)).divide(&number(1.0).subtract(x));
            ratio.log1p().divide(&number(2.0))
        }),
        Erf => x[0].map(special::erf),
        Erfc => x[0].map(special::erfc),
        Gamma => special::gamma(x[0]),
        LogGamma => special::lgamma(x[0]),
        Digamma => special::polygamma(0, x[0]),
        Polygamma => special::polygamma(x[0].to_f64() as u32, x[1]),
        BesselJ0 => special::bessel(0, x[0]),
        BesselJ1 => special::bessel(1, x[0]),
        BesselJn => special::bessel(x[0].to_f64() as i32, x[1]),
        Sigmoid => number(1.0).divide(&number(1.0).add(&x[0].negate().exp())),
        Softplus => match x[0].to_f64() {
            far if far > 300.0 => x[0].clone(),
            _ => x[0].exp().log1p(),
        },
        Not => truth(x[0].is_zero()),
        Power => power(x[0], x[1]),
        FloorDivide => x[0].divide(x[1]).floor(),
        Modulo => x[0].subtract(&x[1].multiply(&x[0].divide(x[1]).floor())),
        Minimum => {
            if x[1].compare(x[0]) == Some(Ordering::Less) {
                x[1].clone()
            } else {
                x[0].clone()
            }
        }
        Maximum => {
            if x[1].compare(x[0]) == Some(Ordering::Greater) {
                x[1].clone()
            } else {
                x[0].clone()
            }
        }
        ArcTan2 => arc_tangent2(x[0], x[1]),
        Hypot => x[0].multiply(x[0]).add(&x[1].multiply(x[1])).sqrt(),
        Less => truth(compare() == Some(Ordering::Less)),
        LessEqual => truth(matches!(compare(), Some(Ordering::Less | Ordering::Equal))),
        Greater => truth(compare() == Some(Ordering::Greater)),
        GreaterEqual => truth(matches!(compare(), Some(Ordering::Greater | Ordering::Equal))),
        Equal => truth(compare() == Some(Ordering::Equal)),
        NotEqual => truth(compare() != Some(Ordering::Equal)),
        Select => {
            if x[0].is_zero() {
                x[2].clone()
            } else {
                x[1].clone()
            }
        }
    }
}

/// An odd function, given for numbers that are not negative.
fn odd(x: &Real, f: impl FnOnce(&Real) -> Real) -> Real {
    match x.compare(&Real::from_f64(0.0)) {
        Some(Ordering::Less) => f(&x.negate()).negate(),
        _ => f(x),
    }
}

/// x^y: whole powers of negative numbers by sign, 0^y by cases, the rest by exp(y log x).
fn power(x: &Real, y: &Real) -> Real {
    let number = Real::from_f64;
    if y.is_zero() || x.compare(&number(1.0)) == Some(Ordering::Equal) {
        return number(1.0);
    }
    let whole = y.compare(&y.floor()) == Some(Ordering::Equal);
    match x.compare(&number(0.0)) {
        Some(Ordering::Greater) => y.multiply(&x.log()).exp(),
        Some(Ordering::Equal) => number(if y.to_f64() > 0.0 { 0.0 } else { f64::INFINITY }),
        Some(Ordering::Less) if whole => {
            let size = y.multiply(&x.negate().log()).exp();
            let half = y.divide(&number(2.0));
            let even = half.compare(&half.floor()) == Some(Ordering::Equal);
            if even { size } else { size.negate() }
        }
        _ => number(f64::NAN),
    }
}

fn arc_tangent2(y: &Real, x: &Real) -> Real {
    let number = Real::from_f64;
    let positive = |v: &Real| v.compare(&number(0.0)) == Some(Ordering::Greater);
    let pi = Real::Number(precise::pi().clone());
    if x.is_zero() && y.is_zero() {
        return number(0.0);
    }
    // The smaller by the larger, so that the quotient is at most 1.
    if positive(x) && !positive(&apply(Operator::Absolute, &[y]).subtract(x)) {
        return y.divide(x).atan();
    }
    let size = |v: &Real| apply(Operator::Absolute, &[v]);
    if size(y).compare(&size(x)) == Some(Ordering::Greater) {
        let quarter = pi.divide(&number(2.0));
        let quarter = if positive(y) { quarter } else { quarter.negate() };
        return quarter.subtract(&x.divide(y).atan());
    }
    let turn = if y.compare(&number(0.0)) == Some(Ordering::Less) { pi.negate() } else { pi };
    turn.add(&y.divide(x).atan())
}
