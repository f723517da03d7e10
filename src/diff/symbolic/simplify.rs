//! The table of simplification rules. They change rounding, not meaning; none of them multiplies out, which cancels.
//!
//! In the formulas c and d are numbers, x, y and z any expressions, and under Σ, the sum over the rows, u is the same
//! for every row. Operands of + and * stand in either order. `docs/differentiation.md` shows the table.

use crate::ir::{Builder, Node, Operator, Value};

/// One rule: what it says, the operation that it looks at, and what it makes of the operands; None where it does not
/// apply. The operand of a sum is given twice.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub formula: &'static str,
    pub head: Head,
    pub rewrite: fn(&mut Builder, Value, Value) -> Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    Add,
    Subtract,
    Multiply,
    Divide,
    Sum,
}

const fn rule(head: Head, formula: &'static str, rewrite: fn(&mut Builder, Value, Value) -> Option<Value>) -> Rule {
    Rule { formula, head, rewrite }
}

/// Every rule, those of one operation in the order in which they are tried.
pub const RULES: &[Rule] = &[
    rule(Head::Add, "x + x = 2*x", |b, x, y| (x == y).then(|| b.scale(2.0, x))),
    rule(Head::Add, "x + -y = x - y", |b, x, y| {
        let inner = negated(b, y)?;
        Some(subtract(b, x, inner))
    }),
    rule(Head::Add, "x*y + x*z = x*(y + z)", |b, x, y| {
        let (factor, first, second) = common_factor(b, x, y)?;
        let sum = add(b, first, second);
        Some(multiply(b, factor, sum))
    }),
    rule(Head::Add, "x/z + y/z = (x + y)/z", |b, x, y| {
        let (first, second, below) = common_divisor(b, x, y)?;
        let sum = add(b, first, second);
        Some(divide(b, sum, below))
    }),
    rule(Head::Subtract, "x - x = 0", |b, x, y| (x == y).then(|| b.constant(0.0))),
    rule(Head::Subtract, "x*y - x*z = x*(y - z)", |b, x, y| {
        let (factor, first, second) = common_factor(b, x, y)?;
        let difference = subtract(b, first, second);
        Some(multiply(b, factor, difference))
    }),
    rule(Head::Subtract, "x/z - y/z = (x - y)/z", |b, x, y| {
        let (first, second, below) = common_divisor(b, x, y)?;
        let difference = subtract(b, first, second);
        Some(divide(b, difference, below))
    }),
    rule(Head::Multiply, "-x*y = -(x*y)", |b, x, y| {
        let inner = negated(b, x)?;
        let product = multiply(b, inner, y);
        Some(b.negate(product))
    }),
    rule(Head::Multiply, "c*(d*x) = (c*d)*x", |b, x, y| {
        let c = b.known(x)?;
        let (p, q) = split(b, y, Operator::Multiply)?;
        match (b.known(p), b.known(q)) {
            (Some(d), _) => Some(b.scale(c * d, q)),
            (_, Some(d)) => Some(b.scale(c * d, p)),
            _ => None,
        }
    }),
    rule(Head::Multiply, "x*(y/x) = y", |b, x, y| {
        let (above, below) = split(b, y, Operator::Divide)?;
        (below == x && b.known(x).is_none()).then_some(above)
    }),
    rule(Head::Multiply, "x*(1/y) = x/y", |b, x, y| {
        let (above, below) = split(b, y, Operator::Divide)?;
        (b.known(above) == Some(1.0) && b.known(x).is_none()).then(|| divide(b, x, below))
    }),
    rule(Head::Multiply, "sqrt(x)*sqrt(x) = x", |b, x, y| match *b.node(x) {
        Node::Apply(Operator::SquareRoot, [inner, ..]) if x == y => Some(inner),
        _ => None,
    }),
    rule(Head::Divide, "x/x = 1", |b, x, y| (x == y).then(|| b.constant(1.0))),
    rule(Head::Divide, "x*y/x = y", |b, x, y| {
        let (p, q) = split(b, x, Operator::Multiply)?;
        if p == y { Some(q) } else { (q == y).then_some(p) }
    }),
    rule(Head::Sum, "Σ(-x) = -Σ(x)", |b, x, _| {
        let inner = negated(b, x)?;
        let total = sum(b, inner);
        Some(b.negate(total))
    }),
    rule(Head::Sum, "Σ(u*x) = u*Σ(x)", |b, x, _| {
        let (p, q) = split(b, x, Operator::Multiply)?;
        let (factor, rows) = match (b.rate(p).by_row(), b.rate(q).by_row()) {
            (true, false) => (q, p),
            (false, true) => (p, q),
            _ => return None,
        };
        let total = sum(b, rows);
        Some(b.multiply(factor, total))
    }),
    rule(Head::Sum, "Σ(x/u) = Σ(x)/u", |b, x, _| {
        let (above, below) = split(b, x, Operator::Divide)?;
        if !b.rate(above).by_row() || b.rate(below).by_row() {
            return None;
        }
        let total = sum(b, above);
        Some(b.divide(total, below))
    }),
];

pub fn add(b: &mut Builder, x: Value, y: Value) -> Value {
    rewritten(b, Head::Add, x, y).unwrap_or_else(|| b.add(x, y))
}

pub fn subtract(b: &mut Builder, x: Value, y: Value) -> Value {
    rewritten(b, Head::Subtract, x, y).unwrap_or_else(|| b.subtract(x, y))
}

pub fn multiply(b: &mut Builder, x: Value, y: Value) -> Value {
    rewritten(b, Head::Multiply, x, y).unwrap_or_else(|| b.multiply(x, y))
}

pub fn divide(b: &mut Builder, x: Value, y: Value) -> Value {
    rewritten(b, Head::Divide, x, y).unwrap_or_else(|| b.divide(x, y))
}

/// The sum over the rows.
pub fn sum(b: &mut Builder, x: Value) -> Value {
    rewritten(b, Head::Sum, x, x).unwrap_or_else(|| b.sum(x))
}

/// What the first rule that applies makes of an operation.
fn rewritten(b: &mut Builder, head: Head, x: Value, y: Value) -> Option<Value> {
    // Numbers are folded by the builder.
    if b.known(x).is_some() && b.known(y).is_some() {
        return None;
    }
    let turns = matches!(head, Head::Add | Head::Multiply);
    RULES
        .iter()
        .filter(|rule| rule.head == head)
        .find_map(|rule| (rule.rewrite)(b, x, y).or_else(|| if turns { (rule.rewrite)(b, y, x) } else { None }))
}

/// x, where the value is -x.
fn negated(b: &Builder, value: Value) -> Option<Value> {
    match *b.node(value) {
        Node::Apply(Operator::Negate, [inner, ..]) => Some(inner),
        _ => None,
    }
}

/// The operands of a node with this operator.
fn split(b: &Builder, value: Value, operator: Operator) -> Option<(Value, Value)> {
    match *b.node(value) {
        Node::Apply(found, [x, y, _]) if found == operator => Some((x, y)),
        _ => None,
    }
}

/// f, p and q, where the values are f·p and f·q.
fn common_factor(b: &Builder, x: Value, y: Value) -> Option<(Value, Value, Value)> {
    let ((p, q), (r, s)) = (split(b, x, Operator::Multiply)?, split(b, y, Operator::Multiply)?);
    let pairs = [(p, q, r, s), (p, q, s, r), (q, p, r, s), (q, p, s, r)];
    pairs.into_iter().find(|(f, _, g, _)| f == g).map(|(factor, first, _, second)| (factor, first, second))
}

/// p, q and d, where the values are p/d and q/d.
fn common_divisor(b: &Builder, x: Value, y: Value) -> Option<(Value, Value, Value)> {
    let ((p, q), (r, s)) = (split(b, x, Operator::Divide)?, split(b, y, Operator::Divide)?);
    (q == s).then_some((p, r, q))
}
