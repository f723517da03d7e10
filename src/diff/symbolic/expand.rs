//! Multiplying out: products distributed over sums, powers collected, like terms merged, as `expand` of a computer
//! algebra system does.
//!
//! An expression is a sum of terms, a term a number times powers of atoms, and an atom whatever is not a sum, product,
//! quotient or whole power of numbers: a variable, a datum, a function of an expression that was multiplied out itself,
//! a divisor of several terms. Sums over the rows are atoms: their operand is multiplied out. The result is the same
//! function where it has a value, but its terms cancel: digits are lost that the expression before had.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{simplify, too_large};
use crate::experiment::Form;
use crate::ir::{Builder, Node, Operator, Value};

/// Atoms with their exponents, none of them 0, in the order of the atoms.
type Monomial = Vec<(Value, i32)>;

/// Terms with their coefficients, none of them 0.
type Polynomial = BTreeMap<Monomial, f64>;

/// Powers of sums beyond this exponent stay powers.
const LARGEST_POWER: i32 = 1024;

/// Products of terms, in limits of nodes, beyond which multiplying out is given up.
const EFFORT: usize = 10;

/// The values multiplied out. The error says that they would be too large, or would take too long.
pub fn expand(b: &mut Builder, values: &[Value], form: &Form) -> Result<Vec<Value>, String> {
    let count = values.iter().map(|v| v.index() + 1).max().unwrap_or(0);
    let mut uses = vec![0usize; count];
    values.iter().for_each(|v| uses[v.index()] += 1);
    for index in (0..count).rev() {
        if uses[index] > 0 {
            b.node(Value(index as u32)).operands().iter().for_each(|v| uses[v.index()] += 1);
        }
    }
    let mut expansion = Expansion { form, work: 0, found: vec![None; count], written: vec![None; count] };
    for index in 0..count {
        if uses[index] == 0 {
            continue;
        }
        let node = b.node(Value(index as u32)).clone();
        let polynomial = expansion.of(b, &node)?;
        expansion.found[index] = Some(Rc::new(polynomial));
        for operand in node.operands() {
            uses[operand.index()] -= 1;
            if uses[operand.index()] == 0 {
                expansion.found[operand.index()] = None;
            }
        }
    }
    values.iter().map(|v| expansion.write(b, *v)).collect()
}

struct Expansion<'a> {
    form: &'a Form,
    /// Products of terms so far.
    work: usize,
    /// What became of each value; dropped after its last use.
    found: Vec<Option<Rc<Polynomial>>>,
    written: Vec<Option<Value>>,
}

impl Expansion<'_> {
    fn operand(&self, value: Value) -> Rc<Polynomial> {
        self.found[value.index()].clone().unwrap_or_default()
    }

    fn of(&mut self, b: &mut Builder, node: &Node) -> Result<Polynomial, String> {
        let Node::Apply(operator, operands) = node else { return self.atom(b, node) };
        if operands[..operator.arity()].iter().any(|v| b.size(*v).is_some()) {
            return self.atom(b, node);
        }
        let [p, q] = [self.operand(operands[0]), self.operand(operands[1])];
        match operator {
            Operator::Negate => Ok(scaled(&p, -1.0)),
            Operator::Add => self.sum(&p, &q, 1.0),
            Operator::Subtract => self.sum(&p, &q, -1.0),
            Operator::Multiply => self.product(&p, &q),
            Operator::Divide => {
                let inverse = match inverse(&q) {
                    Some(inverse) => inverse,
                    None => BTreeMap::from([(vec![(self.write(b, operands[1])?, -1)], 1.0)]),
                };
                self.product(&p, &inverse)
            }
            Operator::Power => match b.known(operands[1]).filter(|c| c.abs() <= f64::from(LARGEST_POWER)) {
                Some(c) if c.fract() == 0.0 && c != 0.0 => {
                    let mut base = if c > 0.0 { Some((*p).clone()) } else { inverse(&p) };
                    if base.is_none() {
                        base = Some(BTreeMap::from([(vec![(self.write(b, operands[0])?, -1)], 1.0)]));
                    }
                    let base = base.unwrap_or_default();
                    let mut power = base.clone();
                    for _ in 1..c.abs() as i32 {
                        power = self.product(&power, &base)?;
                    }
                    Ok(power)
                }
                _ => self.atom(b, node),
            },
            _ => self.atom(b, node),
        }
    }

    /// The node on operands that are multiplied out, as an atom; a number as itself.
    fn atom(&mut self, b: &mut Builder, node: &Node) -> Result<Polynomial, String> {
        let mut place: Vec<(Value, Value)> = Vec::new();
        for operand in node.operands() {
            place.push((operand, self.write(b, operand)?));
        }
        let at = |v: Value| place.iter().find(|(old, _)| *old == v).map_or(v, |(_, new)| *new);
        let value = match node {
            Node::Sum(operand) if self.form.simplify => simplify::sum(b, at(*operand)),
            Node::Apply(operator, _) => {
                let operands: Vec<Value> = node.operands().into_iter().map(at).collect();
                b.apply(*operator, &operands)
            }
            leaf if place.is_empty() => b.copy(leaf, &[]),
            // `copy` looks its operands up by their numbers.
            node => {
                let most = place.iter().map(|(old, _)| old.index() + 1).max().unwrap_or(0);
                let mut table = vec![Value(0); most];
                place.iter().for_each(|(old, new)| table[old.index()] = *new);
                b.copy(node, &table)
            }
        };
        Ok(match b.known(value) {
            Some(0.0) => Polynomial::new(),
            Some(number) if number.is_finite() => BTreeMap::from([(Vec::new(), number)]),
            _ => BTreeMap::from([(vec![(value, 1)], 1.0)]),
        })
    }

    fn sum(&mut self, p: &Polynomial, q: &Polynomial, sign: f64) -> Result<Polynomial, String> {
        let mut total = p.clone();
        for (monomial, c) in q {
            merge(&mut total, monomial.clone(), sign * c);
        }
        self.count(p.len() + q.len(), &total)?;
        Ok(total)
    }

    fn product(&mut self, p: &Polynomial, q: &Polynomial) -> Result<Polynomial, String> {
        let mut total = Polynomial::new();
        for (first, c) in p {
            for (second, d) in q {
                merge(&mut total, times(first, second), c * d);
            }
            self.count(q.len(), &total)?;
        }
        Ok(total)
    }

    fn count(&mut self, work: usize, found: &Polynomial) -> Result<(), String> {
        let limit = self.form.limit;
        self.work += work;
        if found.len() > limit {
            return Err(too_large(limit));
        }
        if self.work > limit.saturating_mul(EFFORT) {
            return Err(format!("multiplying the expression out takes more than {} products", limit * EFFORT));
        }
        Ok(())
    }

    /// What became of a value, as a node.
    fn write(&mut self, b: &mut Builder, value: Value) -> Result<Value, String> {
        if let Some(written) = self.written[value.index()] {
            return Ok(written);
        }
        let polynomial = self.operand(value);
        let mut total: Option<Value> = None;
        for (monomial, c) in &*polynomial {
            let negative = *c < 0.0 && total.is_some();
            let term = term(b, monomial, if negative { -c } else { *c });
            total = Some(match total {
                None => term,
                Some(sum) if negative => b.subtract(sum, term),
                Some(sum) => b.add(sum, term),
            });
            if b.len() > self.form.limit.saturating_mul(super::MAKING) {
                return Err(too_large(self.form.limit));
            }
        }
        let written = total.unwrap_or_else(|| b.constant(0.0));
        self.written[value.index()] = Some(written);
        Ok(written)
    }
}

/// c times the powers above, over those below.
fn term(b: &mut Builder, monomial: &Monomial, c: f64) -> Value {
    let product = |b: &mut Builder, above: bool| {
        let mut product: Option<Value> = None;
        for (atom, exponent) in monomial.iter().filter(|(_, exponent)| (*exponent > 0) == above) {
            let exponent = b.constant(f64::from(exponent.abs()));
            let power = b.power(*atom, exponent);
            product = Some(product.map_or(power, |product| b.multiply(product, power)));
        }
        product
    };
    let (above, below) = (product(b, true), product(b, false));
    let above = match above {
        Some(above) => b.scale(c, above),
        None => b.constant(c),
    };
    below.map_or(above, |below| b.divide(above, below))
}

fn merge(total: &mut Polynomial, monomial: Monomial, c: f64) {
    match total.entry(monomial) {
        std::collections::btree_map::Entry::Vacant(entry) => {
            if c != 0.0 {
                entry.insert(c);
            }
        }
        std::collections::btree_map::Entry::Occupied(mut entry) => {
            *entry.get_mut() += c;
            if *entry.get() == 0.0 {
                entry.remove();
            }
        }
    }
}

fn times(p: &Monomial, q: &Monomial) -> Monomial {
    let mut powers: BTreeMap<Value, i32> = p.iter().copied().collect();
    for (atom, exponent) in q {
        *powers.entry(*atom).or_insert(0) += exponent;
    }
    powers.into_iter().filter(|(_, exponent)| *exponent != 0).collect()
}

fn scaled(p: &Polynomial, factor: f64) -> Polynomial {
    p.iter().map(|(monomial, c)| (monomial.clone(), factor * c)).collect()
}

/// The reciprocal of a single term.
fn inverse(p: &Polynomial) -> Option<Polynomial> {
    let (monomial, c) = p.first_key_value().filter(|_| p.len() == 1)?;
    Some(BTreeMap::from([(monomial.iter().map(|(atom, exponent)| (*atom, -exponent)).collect(), 1.0 / c)]))
}
