//! Running error analysis: beside each value of a program a bound of what rounding may have done to it.
//!
//! Beside v = f(x₁, …) goes e = Σ |∂f/∂x_k| e_k + u_f |v|, with u_f the stated error of the operator (`domain`): first
//! order in the unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3). An addition
//! counts as if it rounded its operands, |x| + |y|, and a sum over the rows likewise: methods add the same terms in
//! different orders, and what cancels at once in one may cancel late in another. Loops and vectors are followed step by
//! step and element by element.

use super::domain;
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Value};

/// A value and a bound of its rounding error.
#[derive(Clone, Copy, Debug)]
pub struct Bounded {
    pub value: f64,
    pub error: f64,
    /// Nothing was rounded on the way: so are counters and indices, and rounding decides nothing about them.
    exact: bool,
}

/// What a node holds: a number, a vector, or the results of a loop.
#[derive(Clone, Debug)]
enum Held {
    One(Bounded),
    Many(Vec<Held>),
}

impl Held {
    fn exact(value: f64) -> Held {
        Held::One(Bounded { value, error: 0.0, exact: true })
    }

    fn one(&self) -> Bounded {
        match self {
            Held::One(number) => *number,
            Held::Many(_) => unreachable!("a number stands here"),
        }
    }

    fn many(&self) -> &[Held] {
        match self {
            Held::Many(parts) => parts,
            Held::One(_) => unreachable!("a vector stands here"),
        }
    }

    /// The k-th element, or the number for every element.
    fn element(&self, k: usize) -> Bounded {
        match self {
            Held::One(number) => *number,
            Held::Many(parts) => parts[k].one(),
        }
    }
}

/// The outputs of a program, which are the same for every row, with bounds of their errors; None where rounding decides
/// a comparison, a step or an index.
pub fn running_error(program: &Program, point: &[f64], columns: &[Vec<f64>], rows: usize) -> Option<Vec<Bounded>> {
    let inputs: Vec<Held> = point.iter().map(|x| Held::exact(*x)).collect();
    // One entry for each row, the same in all of them for a uniform value.
    let mut values: Vec<Vec<Held>> = vec![Vec::with_capacity(program.nodes.len()); rows];
    for (node, rate) in program.nodes.iter().zip(program.rates()) {
        if let Node::Sum(operand) = node {
            let parts: Vec<Bounded> = values.iter().map(|row| row[operand.index()].one()).collect();
            let value: f64 = parts.iter().map(|part| part.value).sum();
            let sizes: f64 = parts.iter().map(|part| part.value.abs()).sum();
            let error: f64 = parts.iter().map(|part| part.error).sum();
            let total = Held::One(Bounded { value, error: error + 4.0 * f64::EPSILON * sizes, exact: false });
            values.iter_mut().for_each(|row| row.push(total.clone()));
            continue;
        }
        if !rate.by_row() {
            let value = simple(node, &values[0], &inputs)?;
            values.iter_mut().for_each(|row| row.push(value.clone()));
            continue;
        }
        for (row, values) in values.iter_mut().enumerate() {
            let value = match node {
                Node::Column(k) => Held::exact(columns[*k as usize][row]),
                Node::Row => Held::exact(row as f64),
                node => simple(node, values, &inputs)?,
            };
            values.push(value);
        }
    }
    Some(program.outputs.iter().map(|v| values[0][v.index()].one()).collect())
}

/// A node that is the same in a body and outside of one.
fn simple(node: &Node, values: &[Held], inputs: &[Held]) -> Option<Held> {
    let at = |v: &Value| &values[v.index()];
    Some(match node {
        Node::Constant(bits) => Held::exact(f64::from_bits(*bits)),
        Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize].clone(),
        Node::Apply(operator, _) => {
            let operands: Vec<&Held> = node.operands().iter().map(|v| &values[v.index()]).collect();
            let of = |k: usize| {
                let parts: Vec<Bounded> = operands.iter().map(|held| held.element(k)).collect();
                bounded(*operator, &parts).map(Held::One)
            };
            let size =
                operands.iter().find_map(|held| if let Held::Many(parts) = held { Some(parts.len()) } else { None });
            match size {
                None => of(0)?,
                Some(size) => Held::Many((0..size).map(of).collect::<Option<_>>()?),
            }
        }
        Node::Pack(elements) => Held::Many(elements.iter().map(|v| at(v).clone()).collect()),
        Node::Fill(number, size) => Held::Many(vec![at(number).clone(); *size as usize]),
        Node::Element { vector, index } => {
            let parts = at(vector).many();
            position(at(index), parts.len())?.map_or(Held::exact(f64::NAN), |k| parts[k].clone())
        }
        Node::Replace { vector, index, element } => {
            let mut parts = at(vector).many().to_vec();
            if let Some(k) = position(at(index), parts.len())? {
                parts[k] = at(element).clone();
            }
            Held::Many(parts)
        }
        Node::Result { of, index } => at(of).many()[*index as usize].clone(),
        Node::Loop(body) => Held::Many(run_loop(body, values)?),
        other => unreachable!("{other:?} is no part of a forward program's body"),
    })
}

/// The element that an index names, if any; None where rounding decides.
fn position(index: &Held, size: usize) -> Option<Option<usize>> {
    let Bounded { value, exact, .. } = index.one();
    exact.then(|| (value >= 0.0 && value < size as f64).then_some(value as usize))
}

/// What a forward loop carries after its last step.
fn run_loop(body: &Loop, values: &[Held]) -> Option<Vec<Held>> {
    let most = match body.kind {
        LoopKind::Bounded(most) => most,
        _ => body.count().map_or(0, |v| values[v.index()].one().value.max(0.0) as u64),
    };
    let mut carried: Vec<Held> = body.initial().iter().map(|v| values[v.index()].clone()).collect();
    let captured: Vec<Held> = body.captured().iter().map(|v| values[v.index()].clone()).collect();
    for step in 0..most {
        let mut inputs = vec![Held::exact(step as f64)];
        inputs.append(&mut carried);
        inputs.extend(captured.iter().cloned());
        let mut inner: Vec<Held> = Vec::with_capacity(body.body.nodes.len());
        for node in &body.body.nodes {
            let value = simple(node, &inner, &inputs)?;
            inner.push(value);
        }
        let mut next: Vec<Held> = body.body.outputs.iter().map(|v| inner[v.index()].clone()).collect();
        if next.get(body.carried).is_some_and(|wanted| wanted.one().value == 0.0) {
            return Some(inputs[1..=body.carried].to_vec());
        }
        next.truncate(body.carried);
        carried = next;
    }
    Some(carried)
}

fn bounded(operator: Operator, operands: &[Bounded]) -> Option<Bounded> {
    use Operator::*;
    let numbers: Vec<f64> = operands.iter().map(|x| x.value).collect();
    let value = operator.value(&numbers);
    let exact = operands.iter().all(|x| x.exact);
    let reach: f64 = operands.iter().map(|x| if exact { 0.0 } else { x.error }).sum();
    match operator {
        Less | LessEqual | Greater | GreaterEqual | Equal | NotEqual | Minimum | Maximum
            if (numbers[0] - numbers[1]).abs() <= reach && reach > 0.0 =>
        {
            return None;
        }
        Sign | Absolute | Not if numbers[0].abs() <= reach && reach > 0.0 => return None,
        // Steps stand at whole numbers and at halves.
        Floor | Ceil | Round if ((2.0 * numbers[0]).round() - 2.0 * numbers[0]).abs() <= 2.0 * reach && reach > 0.0 => {
            return None;
        }
        Modulo | FloorDivide if reach > 0.0 => {
            let quotient = numbers[0] / numbers[1];
            let moved = (operands[0].error + quotient.abs() * operands[1].error) / numbers[1].abs();
            if (quotient.round() - quotient).abs() <= 2.0 * moved {
                return None;
            }
        }
        Select => {
            let test = operands[0];
            if !test.exact && test.error > 0.0 && test.value.abs() <= test.error {
                return None;
            }
            return Some(if test.value != 0.0 { operands[1] } else { operands[2] });
        }
        _ => {}
    }
    let domain = domain::of(operator);
    let size = match operator {
        Add | Subtract => numbers[0].abs() + numbers[1].abs(),
        _ => value.abs().max(domain.least),
    };
    let own = domain.ulps * f64::EPSILON * size;
    let carried = (0..numbers.len())
        .filter(|k| operands[*k].error > 0.0)
        .map(|k| partial(operator, &numbers, k).abs() * operands[k].error);
    Some(Bounded { value, error: own + carried.sum::<f64>(), exact: exact && is_exact(operator, &numbers, value) })
}

/// Whether the result needed no rounding: counters and indices do not.
fn is_exact(operator: Operator, x: &[f64], value: f64) -> bool {
    match operator {
        Operator::Add => value - x[0] == x[1] && value - x[1] == x[0],
        Operator::Subtract => x[0] - value == x[1] && value + x[1] == x[0],
        Operator::Multiply => x[0].mul_add(x[1], -value) == 0.0,
        Operator::Divide => value.mul_add(x[1], -x[0]) == 0.0,
        Operator::Modulo => x.iter().all(|x| x.fract() == 0.0),
        // Always 0 or 1, whole, or one of the operands.
        operator => domain::of(operator).ulps == 0.0,
    }
}

/// A partial derivative as a number.
fn partial(operator: Operator, operands: &[f64], which: usize) -> f64 {
    let mut b = Builder::new();
    let constants: Vec<Value> = operands.iter().map(|x| b.constant(*x)).collect();
    let result = b.constant(operator.value(operands));
    // Everything is known, so the rule folds to a number.
    operator.partial(&mut b, &constants, result, which).map_or(0.0, |v| b.known(v).unwrap_or(f64::NAN))
}
