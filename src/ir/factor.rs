//! Uniform factors pulled out of products and of sums over the rows, as every differentiation method runs them.
//!
//! What is the same for every row is not multiplied row by row where that can wait:
//!
//! * Σ u·v = u·Σ v, and Σ (u₁·v₁ ± u₂·v₂) = u₁·Σ v₁ ± u₂·Σ v₂ where every term has a factor, so that terms of several
//!   sums become one;
//! * (u₁·v₁)·(u₂·v₂) = (u₁·u₂)·(v₁·v₂), where that takes no more operations on rows: so that equal products of row values
//!   are found to be equal, and are shared;
//! * v/u = v·(1/u).
//!
//! These change last bits, within the bound that the operations had before: each factor is rounded once more or once
//! less, and nothing is added that was not added before. (Σ (x - m) stays as it is: Σ x - n·m would cancel.) No value is
//! touched on whose exact bits a comparison, a rounding to integers, a remainder or an index hangs. `Masked` products keep
//! their meaning: an exact zero on either side wins.
//!
//! The rewritten program is a fixed point, and what a larger program adds to it only forbids more: the derivative of a
//! rewritten program, rewritten, gives the same value bit for bit.

use crate::ir::build::Builder;
use crate::ir::op::{Operator, Smoothness};
use crate::ir::program::{Node, Program, Rate, Value};

/// A row value as constant · factor · core; the factor is the same for every row.
#[derive(Clone, Copy, Debug)]
struct Product {
    core: Value,
    /// Finite and not zero.
    constant: f64,
    factor: Option<Value>,
    /// A product on the way is `Masked`: an exact zero of the core wins over the factor.
    masked: bool,
    /// An exact zero of the factor wins over the core, too.
    tested: bool,
}

/// How the node is made of one row value and a uniform factor.
#[derive(Clone, Copy, Debug)]
enum Scaling {
    Constant(f64, Value),
    Times(Value, Value),
    Over(Value, Value),
    /// `Masked` with the row value first, or second.
    Masked(Value, Value),
    MaskedBy(Value, Value),
}

pub fn factor(program: &Program) -> Program {
    let Some(plan) = Plan::new(program) else { return program.clone() };
    let mut b = Builder::with_room(program.nodes.len());
    // What became of each node, whole or in parts.
    let mut whole: Vec<Value> = Vec::with_capacity(program.nodes.len());
    let mut parts: Vec<Option<Product>> = vec![None; program.nodes.len()];
    let unmade = Value(0);
    for value in program.values() {
        let index = value.index();
        if !plan.needed[index] {
            whole.push(unmade);
            continue;
        }
        let node = program.node(value);
        let made = match node {
            Node::Sum(operand) if plan.rates[operand.index()].by_row() => plan.sum(*operand, &mut b, &whole, &parts),
            _ => match plan.product(value, &mut b, &whole, &parts) {
                Some(product) if plan.in_parts[index] => {
                    parts[index] = Some(product);
                    unmade
                }
                Some(product) => product.whole(&mut b),
                None if plan.split[index] => unmade,
                None => b.copy(node, &whole),
            },
        };
        whole.push(made);
    }
    let outputs: Vec<Value> = program.outputs.iter().map(|v| whole[v.index()]).collect();
    b.finish(&outputs, program.inputs, program.columns)
}

impl Product {
    fn of(core: Value) -> Product {
        Product { core, constant: 1.0, factor: None, masked: false, tested: false }
    }

    /// The uniform factor with the constant.
    fn scale(&self, b: &mut Builder) -> Option<Value> {
        match self.factor {
            Some(factor) => Some(b.scale(self.constant, factor)),
            None if self.constant == 1.0 => None,
            None => Some(b.constant(self.constant)),
        }
    }

    /// The value for each row.
    fn whole(&self, b: &mut Builder) -> Value {
        let Some(scale) = self.scale(b) else { return self.core };
        match (self.factor, self.masked) {
            (Some(factor), true) => {
                let product = b.apply(Operator::Masked, &[self.core, scale]);
                if self.tested { self.unless_zero(b, factor, product) } else { product }
            }
            _ => b.product(scale, self.core),
        }
    }

    /// The sum over the rows.
    fn sum(&self, b: &mut Builder) -> Value {
        let total = b.sum(self.core);
        let Some(scale) = self.scale(b) else { return total };
        match (self.factor, self.masked) {
            (Some(factor), true) => {
                let product = b.apply(Operator::Masked, &[total, scale]);
                self.unless_zero(b, factor, product)
            }
            _ => b.multiply(scale, total),
        }
    }

    fn unless_zero(&self, b: &mut Builder, factor: Value, product: Value) -> Value {
        let zero = b.constant(0.0);
        b.select(factor, product, zero)
    }

    fn times(self, b: &mut Builder, factor: Value) -> Product {
        match b.known(factor) {
            Some(constant) if is_plain(constant * self.constant) => {
                Product { constant: constant * self.constant, ..self }
            }
            _ => Product { factor: Some(self.factor.map_or(factor, |so_far| b.multiply(so_far, factor))), ..self },
        }
    }
}

fn is_plain(constant: f64) -> bool {
    constant.is_normal()
}

/// What is to become of each node.
struct Plan<'a> {
    program: &'a Program,
    rates: Vec<Rate>,
    sizes: Vec<Option<u32>>,
    needed: Vec<bool>,
    /// Something hangs on the exact bits.
    exact: Vec<bool>,
    /// Users take the core and the factor, nobody the product.
    in_parts: Vec<bool>,
    /// Additions under a sum that is split into sums.
    split: Vec<bool>,
}

impl Plan<'_> {
    /// None where there is nothing to do.
    fn new(program: &Program) -> Option<Plan<'_>> {
        let count = program.nodes.len();
        let mut plan = Plan {
            program,
            rates: program.rates(),
            sizes: program.sizes(),
            needed: program.needed(),
            exact: vec![false; count],
            in_parts: vec![false; count],
            split: vec![false; count],
        };
        plan.exact = exact(program, &plan.needed);
        if !program.values().any(|v| plan.needed[v.index()] && plan.scaling(v).is_some()) {
            return None;
        }
        plan.decide();
        Some(plan)
    }

    fn by_row(&self, v: Value) -> bool {
        self.rates[v.index()].by_row()
    }

    /// Whether it may be rewritten: a number for each row that is not a function of the data alone.
    fn is_free(&self, v: Value) -> bool {
        let index = v.index();
        self.rates[index] == Rate::Row && self.sizes[index].is_none() && !self.exact[index]
    }

    fn scaling(&self, v: Value) -> Option<Scaling> {
        use Operator::{Add, Divide, Masked, Multiply, Negate};
        let Node::Apply(operator, [a, b, _]) = self.program.node(v) else { return None };
        let uniform = |v: &Value| !self.by_row(*v) && self.program.node(*v).constant().is_none_or(is_plain);
        if !self.is_free(v) {
            return None;
        }
        Some(match operator {
            Negate => Scaling::Constant(-1.0, *a),
            Add if a == b => Scaling::Constant(2.0, *a),
            Multiply if uniform(a) => Scaling::Times(*a, *b),
            Multiply if uniform(b) => Scaling::Times(*b, *a),
            Divide if uniform(b) => Scaling::Over(*b, *a),
            Masked if uniform(b) => Scaling::Masked(*b, *a),
            Masked if uniform(a) => Scaling::MaskedBy(*a, *b),
            _ => return None,
        })
    }

    /// The row values whose factors pass through a node that is no scaling.
    fn factors(&self, v: Value) -> Option<(Value, Value)> {
        use Operator::{Divide, Masked, Multiply};
        match self.program.node(v) {
            Node::Apply(Multiply | Masked, [a, b, _]) if self.is_free(v) && self.by_row(*a) && self.by_row(*b) => {
                Some((*a, *b))
            }
            Node::Apply(Divide, [a, b, _]) if self.is_free(v) && self.by_row(*a) && self.by_row(*b) => Some((*a, *a)),
            _ => None,
        }
    }

    /// From users to operands: who needs a whole value, and for whom a factor from below would be one operation more.
    fn decide(&mut self) {
        let count = self.program.nodes.len();
        let mut uses = vec![0u32; count];
        for index in (0..count).filter(|index| self.needed[*index]) {
            self.program.nodes[index].visit(|v| uses[v.index()] += 1);
        }
        let mut wanted = vec![false; count];
        self.program.outputs.iter().for_each(|v| wanted[v.index()] = true);
        let mut costly = vec![false; count];
        for value in self.program.values().rev() {
            let index = value.index();
            if !self.needed[index] || self.split[index] {
                continue;
            }
            let node = self.program.node(value);
            let (scaling, factors) = (self.scaling(value), self.factors(value));
            let multiplies = scaling.is_some() || factors.is_some();
            self.in_parts[index] = multiplies && !wanted[index] && !costly[index];
            if scaling.is_some() {
                // Whatever factor comes from below joins the one that is here.
            } else if let Some((a, b)) = factors {
                let costs = !self.in_parts[index];
                costly[a.index()] |= costs;
                costly[b.index()] |= costs;
                if let Node::Apply(Operator::Divide, [_, below, _]) = node {
                    wanted[below.index()] = true;
                }
            } else if let Node::Sum(operand) = node
                && self.by_row(*operand)
            {
                let mut additions = Vec::new();
                if self.is_split(*operand, &uses, &mut additions) {
                    additions.iter().for_each(|v| self.split[v.index()] = true);
                }
            } else {
                node.visit(|v| wanted[v.index()] = true);
            }
        }
    }

    /// Whether a value that is summed is an addition of terms with factors, and used nowhere else; the nodes that make
    /// it up.
    fn is_split(&self, v: Value, uses: &[u32], additions: &mut Vec<Value>) -> bool {
        // A sign is none: it stays a negation. The 2 of x + x is one: it becomes a factor like others.
        let has_factor = |v: Value| !matches!(self.scaling(v), None | Some(Scaling::Constant(-1.0, _)));
        let alone = uses[v.index()] == 1;
        match self.addition(v).filter(|_| alone) {
            Some((a, b, _)) => {
                additions.push(v);
                let sides = [a, b.unwrap_or(a)];
                sides.into_iter().all(|side| has_factor(side) || self.is_split(side, uses, additions))
            }
            None => false,
        }
    }

    /// The operands of an addition, a subtraction or a negation; whether the last one is taken away.
    fn addition(&self, v: Value) -> Option<(Value, Option<Value>, bool)> {
        match self.program.node(v) {
            Node::Apply(Operator::Add, [a, b, _]) if self.is_free(v) && a != b => Some((*a, Some(*b), false)),
            Node::Apply(Operator::Subtract, [a, b, _]) if self.is_free(v) => Some((*a, Some(*b), true)),
            Node::Apply(Operator::Negate, [a, ..]) if self.is_free(v) => Some((*a, None, true)),
            _ => None,
        }
    }

    /// What stands in a program under way for the sum of a row value.
    fn sum(&self, v: Value, b: &mut Builder, whole: &[Value], parts: &[Option<Product>]) -> Value {
        if !self.split[v.index()] {
            return part(v, whole, parts).sum(b);
        }
        let (first, second, subtract) = self.addition(v).expect("only additions are split");
        let left = self.sum(first, b, whole, parts);
        match (second.map(|second| self.sum(second, b, whole, parts)), subtract) {
            (Some(right), true) => b.subtract(left, right),
            (Some(right), false) => b.add(left, right),
            (None, _) => b.negate(left),
        }
    }

    /// A product in a program under way; None for what is none.
    fn product(&self, v: Value, b: &mut Builder, whole: &[Value], parts: &[Option<Product>]) -> Option<Product> {
        let in_parts = self.in_parts[v.index()];
        let part = |v: Value| part(v, whole, parts);
        let Some(scaling) = self.scaling(v) else {
            let (x, y) = self.factors(v)?;
            let Node::Apply(operator, [_, below, _]) = self.program.node(v) else { return None };
            let x = part(x);
            if *operator == Operator::Divide {
                return Some(Product { core: b.divide(x.core, whole[below.index()]), ..x });
            }
            let y = part(y);
            let core = b.apply(*operator, &[x.core, y.core]);
            let tests = *operator == Operator::Masked;
            let joined = Product {
                core,
                masked: x.masked || y.masked || tests,
                tested: x.tested || y.tested || tests && x.factor.is_some(),
                ..x
            };
            let constant = b.constant(y.constant);
            let joined = joined.times(b, constant);
            return Some(y.factor.map_or(joined, |factor| joined.times(b, factor)));
        };
        Some(match scaling {
            Scaling::Constant(c, rows) => {
                let c = b.constant(c);
                part(rows).times(b, c)
            }
            Scaling::Times(factor, rows) => part(rows).times(b, whole[factor.index()]),
            Scaling::Over(divisor, rows) => {
                let reciprocal = b.reciprocal(whole[divisor.index()]);
                part(rows).times(b, reciprocal)
            }
            Scaling::Masked(factor, rows) => {
                let rows = part(rows);
                let tested = rows.tested || rows.factor.is_some();
                Product { masked: true, tested, ..rows.times(b, whole[factor.index()]) }
            }
            Scaling::MaskedBy(factor, rows) if in_parts => {
                Product { masked: true, tested: true, ..part(rows).times(b, whole[factor.index()]) }
            }
            Scaling::MaskedBy(factor, rows) => {
                let rows = part(rows).whole(b);
                Product::of(b.apply(Operator::Masked, &[whole[factor.index()], rows]))
            }
        })
    }
}

fn part(v: Value, whole: &[Value], parts: &[Option<Product>]) -> Product {
    parts[v.index()].unwrap_or_else(|| Product::of(whole[v.index()]))
}

/// For each node, whether a comparison, a rounding to integers, a remainder or an index hangs on its exact bits.
fn exact(program: &Program, needed: &[bool]) -> Vec<bool> {
    let mut exact = vec![false; program.nodes.len()];
    for (index, node) in program.nodes.iter().enumerate().rev().filter(|(index, _)| needed[*index]) {
        let mut mark = |v: &Value| exact[v.index()] = true;
        match node {
            Node::Apply(Operator::Select, [test, ..]) => mark(test),
            Node::Apply(Operator::Modulo, _) | Node::Loop(_) => node.visit(|v| mark(&v)),
            Node::Apply(operator, _) if operator.row().smoothness == Smoothness::Step => node.visit(|v| mark(&v)),
            Node::Element { index, .. } | Node::Replace { index, .. } | Node::Scatter { index, .. } => mark(index),
            _ => {}
        }
        if exact[index] {
            node.visit(|v| exact[v.index()] = true);
        }
    }
    exact
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factored(b: &Builder, outputs: &[Value]) -> Program {
        let program = factor(&b.finish(outputs, 2, 2));
        assert_eq!(factor(&program), program, "a fixed point");
        program
    }

    /// Operations on rows.
    fn by_row(program: &Program) -> usize {
        let rates = program.rates();
        let is_row_operation = |v: &Value| matches!(program.node(*v), Node::Apply(..)) && rates[v.index()] == Rate::Row;
        program.values().filter(is_row_operation).count()
    }

    #[test]
    fn factors_leave_a_sum() {
        let mut b = Builder::new();
        let (u, w, x, y) = (b.input(0), b.input(1), b.column(0), b.column(1));
        let row = b.subtract(x, u);
        let first = b.multiply(w, row);
        let second = b.multiply(first, y);
        let third = b.divide(second, u);
        let negative = b.negate(third);
        let total = b.sum(negative);
        let program = factored(&b, &[total]);
        // x - u, and its product with y.
        assert_eq!(by_row(&program), 2, "{program}");
    }

    /// Two inputs, and a row value of each that has no factor.
    fn exponentials() -> (Builder, [Value; 2], [Value; 2]) {
        let mut b = Builder::new();
        let inputs = [b.input(0), b.input(1)];
        let rows = [0, 1].map(|k| {
            let column = b.column(k);
            let difference = b.subtract(column, inputs[k]);
            b.unary(Operator::Exp, difference)
        });
        (b, inputs, rows)
    }

    #[test]
    fn terms_with_factors_are_summed_apart_and_others_are_not() {
        let (mut b, [u, w], [p, q]) = exponentials();
        let (first, second) = (b.multiply(u, p), b.multiply(w, q));
        let both = b.subtract(first, second);
        let apart = b.sum(both);
        assert_eq!(by_row(&factored(&b, &[apart])), 4);
        let difference = b.subtract(p, q);
        let together = b.sum(difference);
        let program = factored(&b, &[together]);
        assert_eq!(by_row(&program), 5, "{program}");
    }

    #[test]
    fn twice_a_value_has_a_factor_when_written_as_a_sum_too() {
        let (mut b, [u, _], [p, q]) = exponentials();
        let (first, second) = (b.multiply(u, p), b.add(q, q));
        let both = b.add(first, second);
        let apart = b.sum(both);
        assert_eq!(by_row(&factored(&b, &[apart])), 4);
    }

    /// As reverse mode writes the adjoint of what is squared and taken away.
    #[test]
    fn twice_a_negation_has_a_factor_too() {
        let (mut b, [u, _], [p, _]) = exponentials();
        let product = b.multiply(u, p);
        let negative = b.negate(product);
        let twice = b.add(negative, negative);
        let total = b.sum(twice);
        assert_eq!(by_row(&factored(&b, &[total])), 2);
    }

    #[test]
    fn what_is_compared_keeps_its_bits() {
        let mut b = Builder::new();
        let (u, x) = (b.input(0), b.column(0));
        let row = b.multiply(x, u);
        let quotient = b.divide(row, u);
        let floor = b.unary(Operator::Floor, quotient);
        let total = b.sum(floor);
        let program = b.finish(&[total], 2, 2);
        assert_eq!(factor(&program), program);
    }
}
