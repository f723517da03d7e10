//! Making programs: nodes are shared when equal, constants folded, and identities that keep the bits applied.
//!
//! Two programs built by the same steps are equal. "Keeps the bits" is meant up to the sign of zero and the payload
//! of NaN: `x + 0`, `x * 1`, `x / 1`, `-(-x)`, `x * -1`, `a + -b`, signs pulled out of products and quotients, and
//! the order of the operands of `+` and `*`. Nothing is reassociated, distributed or cancelled here.

use std::sync::Arc;

use crate::ir::index::{Index, Vacant};
use crate::ir::op::Operator;
use crate::ir::program::{Loop, Node, Program, Rate, Value, node_rate, node_size};
use crate::ir::prune::prune;

/// A program in the making.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    nodes: Vec<Node>,
    rates: Vec<Rate>,
    sizes: Vec<Option<u32>>,
    shared: Index,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }

    /// A builder with room for about so many nodes.
    pub fn with_room(count: usize) -> Builder {
        Builder {
            nodes: Vec::with_capacity(count),
            rates: Vec::with_capacity(count),
            sizes: Vec::with_capacity(count),
            shared: Index::with_room(count),
        }
    }

    /// A builder that goes on from a finished program; the program's values keep their numbers.
    pub fn extend(program: &Program) -> Builder {
        let mut builder = Builder::with_room(program.nodes.len());
        for node in &program.nodes {
            let vacant = builder.shared.find(node, &builder.nodes).err();
            builder.append(node.clone(), vacant);
        }
        builder
    }

    /// The program with these outputs, of so many inputs and columns, without what they do not need.
    pub fn finish(&self, outputs: &[Value], inputs: usize, columns: usize) -> Program {
        prune(&self.nodes, outputs, inputs, columns)
    }

    /// Copies a program into this one, its inputs and columns replaced by these values; returns its outputs.
    pub fn inline(&mut self, program: &Program, inputs: &[Value], columns: &[Value]) -> Vec<Value> {
        let place = self.inline_all(program, inputs, columns);
        program.outputs.iter().map(|v| place[v.index()]).collect()
    }

    /// The same; returns what became of every node.
    pub fn inline_all(&mut self, program: &Program, inputs: &[Value], columns: &[Value]) -> Vec<Value> {
        let mut place: Vec<Value> = Vec::with_capacity(program.nodes.len());
        for node in &program.nodes {
            let value = match node {
                Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize],
                Node::Column(k) => columns[*k as usize],
                other => self.copy(other, &place),
            };
            place.push(value);
        }
        place
    }

    /// Copies a node of another program, where `place` says what became of that program's earlier nodes.
    pub fn copy(&mut self, node: &Node, place: &[Value]) -> Value {
        let at = |v: Value| place[v.index()];
        match node {
            Node::Apply(operator, operands) => self.apply(*operator, &operands.map(at)[..operator.arity()]),
            Node::Element { vector, index } => self.element(at(*vector), at(*index)),
            Node::Replace { vector, index, element } => self.replace(at(*vector), at(*index), at(*element)),
            other => self.push(other.map(at)),
        }
    }

    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn rate(&self, value: Value) -> Rate {
        self.rates[value.index()]
    }

    pub fn constant(&mut self, number: f64) -> Value {
        self.push(Node::Constant(number.to_bits()))
    }

    pub fn input(&mut self, index: usize) -> Value {
        self.push(Node::Input(index as u32))
    }

    pub fn vector_input(&mut self, index: usize, size: u32) -> Value {
        self.push(Node::VectorInput(index as u32, size))
    }

    /// An input like `value`: a vector of the same length, or a number.
    pub fn input_like(&mut self, index: usize, size: Option<u32>) -> Value {
        match size {
            Some(size) => self.vector_input(index, size),
            None => self.input(index),
        }
    }

    pub fn column(&mut self, index: usize) -> Value {
        self.push(Node::Column(index as u32))
    }

    /// The number of the row.
    pub fn row(&mut self) -> Value {
        self.push(Node::Row)
    }

    /// The length of a vector; None for a number.
    pub fn size(&self, value: Value) -> Option<u32> {
        self.sizes[value.index()]
    }

    pub fn pack(&mut self, elements: &[Value]) -> Value {
        self.push(Node::Pack(elements.into()))
    }

    pub fn fill(&mut self, value: Value, size: u32) -> Value {
        self.push(Node::Fill(value, size))
    }

    /// Zero, as a vector of this length or as a number.
    pub fn zero(&mut self, size: Option<u32>) -> Value {
        let zero = self.constant(0.0);
        size.map_or(zero, |size| self.fill(zero, size))
    }

    /// An element; looked up at once where the vector was just made of its elements.
    pub fn element(&mut self, vector: Value, index: Value) -> Value {
        let known = self.known(index);
        match self.node(vector) {
            Node::Pack(elements) => {
                if let Some(element) = known.and_then(|k| (k >= 0.0).then(|| elements.get(k as usize).copied())?) {
                    return element;
                }
            }
            Node::Fill(value, size) if known.is_some_and(|k| k >= 0.0 && k < f64::from(*size)) => return *value,
            Node::Replace { vector, index: replaced, element } => {
                let (vector, replaced, element) = (*vector, *replaced, *element);
                let inside = |k: f64| k >= 0.0 && self.size(vector).is_some_and(|size| k < f64::from(size));
                match (known, self.known(replaced)) {
                    (Some(k), Some(j)) if k == j && inside(k) => return element,
                    (Some(k), Some(j)) if k != j => return self.element(vector, index),
                    _ => {}
                }
            }
            _ => {}
        }
        self.push(Node::Element { vector, index })
    }

    pub fn replace(&mut self, vector: Value, index: Value, element: Value) -> Value {
        if let (Node::Pack(elements), Some(k)) = (self.node(vector), self.known(index))
            && k >= 0.0
            && (k as usize) < elements.len()
        {
            let mut elements = elements.to_vec();
            elements[k as usize] = element;
            return self.pack(&elements);
        }
        self.push(Node::Replace { vector, index, element })
    }

    /// The sum over the rows of `number`, added to the element at `index` of a vector of zeros.
    pub fn scatter(&mut self, index: Value, number: Value, size: u32) -> Value {
        self.push(Node::Scatter { index, number, size })
    }

    /// Adds a loop and returns it with its results.
    pub fn add_loop(&mut self, body: Loop) -> (Value, Vec<Value>) {
        let carried = body.carried;
        let of = self.push(Node::Loop(Arc::new(body)));
        (of, self.results(of, carried))
    }

    /// The results of a loop that carries so many values.
    pub fn results(&mut self, of: Value, carried: usize) -> Vec<Value> {
        (0..carried as u32).map(|index| self.push(Node::Result { of, index })).collect()
    }

    /// The sum of a row value over all rows. Of a value that is the same for every row it is n times that value.
    pub fn sum(&mut self, operand: Value) -> Value {
        self.push(Node::Sum(operand))
    }

    /// The number that a value is known to be.
    pub fn known(&self, value: Value) -> Option<f64> {
        self.node(value).constant()
    }

    /// An operation on as many operands as the operator has, simplified where that keeps the bits.
    pub fn apply(&mut self, operator: Operator, operands: &[Value]) -> Value {
        debug_assert_eq!(operands.len(), operator.arity(), "operands of {operator:?}");
        let mut three = [operands[0]; 3];
        three[..operands.len()].copy_from_slice(operands);
        let known = three.map(|v| self.known(v));
        if let [Some(x), Some(y), Some(z)] = known {
            return self.constant(operator.value(&[x, y, z][..operands.len()]));
        }
        match self.identity(operator, operands, &known) {
            Some(value) => value,
            None => {
                if operator.commutes() && three[0] > three[1] {
                    three.swap(0, 1);
                    three[2] = three[0];
                }
                self.push(Node::Apply(operator, three))
            }
        }
    }

    fn identity(&mut self, operator: Operator, operands: &[Value], known: &[Option<f64>]) -> Option<Value> {
        use Operator::{Add, Divide, Multiply, Negate, Select, Subtract};
        let a = operands[0];
        let negated_a = self.negated(a);
        match operator {
            Negate => negated_a,
            Add | Subtract | Multiply | Divide => {
                let b = operands[1];
                let negated_b = self.negated(b);
                match operator {
                    Add if known[1] == Some(0.0) => Some(a),
                    Add if known[0] == Some(0.0) => Some(b),
                    Add if let (Some(a), Some(b)) = (negated_a, negated_b) => {
                        let sum = self.add(a, b);
                        Some(self.negate(sum))
                    }
                    Add if negated_b.is_some() => Some(self.subtract(a, negated_b?)),
                    Add if negated_a.is_some() => Some(self.subtract(b, negated_a?)),
                    Subtract if known[1] == Some(0.0) => Some(a),
                    Subtract if known[0] == Some(0.0) => Some(self.negate(b)),
                    Subtract if negated_b.is_some() => Some(self.add(a, negated_b?)),
                    Multiply if known[1] == Some(1.0) => Some(a),
                    Multiply if known[0] == Some(1.0) => Some(b),
                    Multiply if known[1] == Some(-1.0) => Some(self.negate(a)),
                    Multiply if known[0] == Some(-1.0) => Some(self.negate(b)),
                    Divide if known[1] == Some(1.0) => Some(a),
                    Divide if known[1] == Some(-1.0) => Some(self.negate(a)),
                    Multiply | Divide if negated_a.is_some() => {
                        let value = self.apply(operator, &[negated_a?, b]);
                        Some(self.negate(value))
                    }
                    Multiply | Divide if negated_b.is_some() => {
                        let value = self.apply(operator, &[a, negated_b?]);
                        Some(self.negate(value))
                    }
                    _ => None,
                }
            }
            Select => match known[0] {
                Some(test) => Some(if test != 0.0 { operands[1] } else { operands[2] }),
                None if operands[1] == operands[2] => Some(operands[1]),
                None => None,
            },
            _ => None,
        }
    }

    /// a·b as it stands: no sign is pulled out of a factor.
    pub(super) fn product(&mut self, a: Value, b: Value) -> Value {
        match (self.known(a), self.known(b)) {
            (Some(1.0), _) => b,
            (Some(-1.0), _) => self.negate(b),
            _ => {
                let (first, second) = (a.min(b), a.max(b));
                self.push(Node::Apply(Operator::Multiply, [first, second, first]))
            }
        }
    }

    /// x, where the value is -x.
    fn negated(&self, value: Value) -> Option<Value> {
        match self.node(value) {
            Node::Apply(Operator::Negate, [operand, ..]) => Some(*operand),
            _ => None,
        }
    }

    fn push(&mut self, node: Node) -> Value {
        match self.shared.find(&node, &self.nodes) {
            Ok(value) => value,
            Err(vacant) => self.append(node, Some(vacant)),
        }
    }

    /// Adds a node, to be found where it is `vacant`.
    fn append(&mut self, node: Node, vacant: Option<Vacant>) -> Value {
        let value = Value(self.nodes.len() as u32);
        let rate = node_rate(&node, |v| self.rates[v.index()], &[]);
        let loop_at = |v: Value| if let Node::Loop(body) = &self.nodes[v.index()] { Some(&**body) } else { None };
        let size = node_size(&node, |v| self.sizes[v.index()], loop_at);
        self.rates.push(rate);
        self.sizes.push(size);
        self.nodes.push(node);
        if let Some(vacant) = vacant {
            self.shared.insert(vacant, value);
        }
        value
    }
}

/// The operations that rules are written with.
impl Builder {
    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.apply(Operator::Add, &[a, b])
    }

    pub fn subtract(&mut self, a: Value, b: Value) -> Value {
        self.apply(Operator::Subtract, &[a, b])
    }

    pub fn multiply(&mut self, a: Value, b: Value) -> Value {
        self.apply(Operator::Multiply, &[a, b])
    }

    pub fn divide(&mut self, a: Value, b: Value) -> Value {
        self.apply(Operator::Divide, &[a, b])
    }

    pub fn negate(&mut self, a: Value) -> Value {
        self.apply(Operator::Negate, &[a])
    }

    pub fn unary(&mut self, operator: Operator, a: Value) -> Value {
        self.apply(operator, &[a])
    }

    pub fn square(&mut self, a: Value) -> Value {
        self.multiply(a, a)
    }

    /// 1/a.
    pub fn reciprocal(&mut self, a: Value) -> Value {
        let one = self.constant(1.0);
        self.divide(one, a)
    }

    /// c·a.
    pub fn scale(&mut self, c: f64, a: Value) -> Value {
        let c = self.constant(c);
        self.multiply(c, a)
    }

    /// a + c.
    pub fn shift(&mut self, a: Value, c: f64) -> Value {
        let c = self.constant(c);
        self.add(a, c)
    }

    pub fn select(&mut self, test: Value, a: Value, b: Value) -> Value {
        self.apply(Operator::Select, &[test, a, b])
    }

    /// a^b. Powers 2, 3, 4 become products and −1, −2 reciprocals of them: as accurate, and much cheaper.
    pub fn power(&mut self, a: Value, b: Value) -> Value {
        match self.known(b) {
            Some(0.0) => self.constant(1.0),
            Some(1.0) => a,
            Some(2.0) => self.square(a),
            Some(3.0) => {
                let square = self.square(a);
                self.multiply(square, a)
            }
            Some(4.0) => {
                let square = self.square(a);
                self.square(square)
            }
            Some(-1.0) => self.reciprocal(a),
            Some(-2.0) => {
                let square = self.square(a);
                self.reciprocal(square)
            }
            _ => self.apply(Operator::Power, &[a, b]),
        }
    }

    /// The sum of the values, from the first to the last; 0 for none.
    pub fn total(&mut self, values: &[Value]) -> Value {
        let zero = self.constant(0.0);
        values.iter().fold(zero, |total, value| self.add(total, *value))
    }
}
