//! A program: nodes in an order in which each comes after what it uses, and the nodes that are its results.
//!
//! A value is a 64-bit float or a vector of them, and there is one for all rows of the data or one for each row. A
//! loop is a node that holds a closed program, its body: the body's inputs are the loop's operands, so that every pass
//! treats a loop by calling itself. Branches are selections: both sides are computed, one is taken, row by row.

use std::ops::Deref;
use std::sync::Arc;

use crate::ir::op::Operator;

/// A node of a program, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number, by its bits.
    Constant(u64),
    /// The k-th input: a parameter, the same for every row; in a body whatever the loop gives it.
    Input(u32),
    /// The k-th input, where it is a vector of so many elements.
    VectorInput(u32, u32),
    /// The k-th column of the data: one number a row.
    Column(u32),
    /// The number of the row, from 0.
    Row,
    /// An elementwise operation; unused operands repeat the first. Vectors are taken element by element, beside
    /// vectors of the same length or numbers.
    Apply(Operator, [Value; 3]),
    /// The sum over all rows, in the fixed order that `engine::sum` states.
    Sum(Value),
    /// A vector of these numbers.
    Pack(Arc<[Value]>),
    /// A vector of so many equal numbers.
    Fill(Value, u32),
    /// An element of a vector, counted from 0; NaN outside it.
    Element { vector: Value, index: Value },
    /// The vector with one element replaced; unchanged where the index is outside it.
    Replace { vector: Value, index: Value, element: Value },
    /// The vector of so many elements to which each row adds its number at its index, summed in the order of the rows.
    Scatter { index: Value, number: Value, size: u32 },
    /// A loop; its results are taken out of it by `Result`.
    Loop(Arc<Loop>),
    /// The k-th result of a loop.
    Result { of: Value, index: u32 },
}

/// A loop over a body. The operands are the count of a counted loop, then the initial carried values, then the
/// captured ones, then, for a backward loop, the forward loop whose steps it retraces.
///
/// The body's inputs are the index of the step, the carried values, the captured values, and in a backward loop the
/// carried values of the forward loop as they were before the step. Its outputs are the next carried values, and in a
/// bounded loop whether the step was wanted at all, by any row: a step that was not ends the loop without effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loop {
    pub kind: LoopKind,
    pub carried: usize,
    /// Shared by the copies of the loop on other operands.
    pub body: Arc<Program>,
    pub operands: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoopKind {
    /// As many steps as the first operand says.
    Counted,
    /// At most so many steps.
    Bounded(u64),
    /// The steps that the forward loop made, from the last to the first.
    Backward,
}

/// How often a value changes within one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// Never: the same for every evaluation.
    Constant,
    /// From row to row, not from evaluation to evaluation: a function of the data alone.
    Data,
    /// From evaluation to evaluation: a function of the inputs, the same for every row.
    Uniform,
    /// With both.
    Row,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program {
    pub nodes: Vec<Node>,
    pub outputs: Vec<Value>,
    /// How many inputs and columns it may name.
    pub inputs: usize,
    pub columns: usize,
}

/// The nodes that a node uses.
#[derive(Clone, Copy, Debug)]
pub enum Operands<'a> {
    Few([Value; 3], usize),
    Many(&'a [Value]),
}

impl Deref for Operands<'_> {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        match self {
            Operands::Few(values, count) => &values[..*count],
            Operands::Many(values) => values,
        }
    }
}

impl<'a> IntoIterator for Operands<'a> {
    type Item = Value;
    type IntoIter = OperandsIter<'a>;

    fn into_iter(self) -> OperandsIter<'a> {
        OperandsIter { of: self, next: 0 }
    }
}

/// One after the other.
#[derive(Clone, Debug)]
pub struct OperandsIter<'a> {
    of: Operands<'a>,
    next: usize,
}

impl Iterator for OperandsIter<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.next += 1;
        self.of.get(self.next - 1).copied()
    }
}

impl Value {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Rate {
    /// The rate of an operation on operands of the two rates.
    pub fn join(self, other: Rate) -> Rate {
        match (self, other) {
            (Rate::Constant, rate) | (rate, Rate::Constant) => rate,
            (a, b) if a == b => a,
            _ => Rate::Row,
        }
    }

    /// Whether there is one number for each row.
    pub fn by_row(self) -> bool {
        matches!(self, Rate::Data | Rate::Row)
    }
}

impl Loop {
    /// The count of a counted loop.
    pub fn count(&self) -> Option<Value> {
        matches!(self.kind, LoopKind::Counted).then(|| self.operands[0])
    }

    fn first(&self) -> usize {
        usize::from(self.kind == LoopKind::Counted)
    }

    /// The carried values before the first step.
    pub fn initial(&self) -> &[Value] {
        &self.operands[self.first()..self.first() + self.carried]
    }

    pub fn captured(&self) -> &[Value] {
        let end = self.operands.len() - usize::from(self.kind == LoopKind::Backward);
        &self.operands[self.first() + self.carried..end]
    }

    /// The forward loop that a backward loop retraces.
    pub fn forward(&self) -> Option<Value> {
        match self.kind {
            LoopKind::Backward => self.operands.last().copied(),
            _ => None,
        }
    }

    /// The same loop with other operands.
    pub fn with_operands(&self, operands: Vec<Value>) -> Loop {
        Loop { kind: self.kind, carried: self.carried, body: Arc::clone(&self.body), operands }
    }

    /// The rate of the loop and of all that it carries: it runs once, or once for each row. `rate` knows the operands;
    /// `states` is the rate of the forward loop.
    pub fn rate(&self, rate: impl Fn(Value) -> Rate, states: Option<Rate>) -> Rate {
        // A step changes a value within an evaluation: nothing that a loop carries is constant. A loop that retraces
        // steps runs where those ran, even if it reads nothing of their states.
        let mut carried = states.unwrap_or(Rate::Uniform).join(Rate::Uniform);
        for v in self.initial() {
            carried = carried.join(rate(*v));
        }
        loop {
            let body = self.body_rates(carried, &rate, states);
            let joined = self.body.outputs.iter().fold(carried, |joined, output| joined.join(body[output.index()]));
            if joined == carried {
                return carried;
            }
            carried = joined;
        }
    }

    /// The rate of every node of the body.
    pub fn body_rates(&self, carried: Rate, rate: impl Fn(Value) -> Rate, states: Option<Rate>) -> Vec<Rate> {
        let mut inputs = vec![Rate::Uniform];
        inputs.resize(1 + self.carried, carried);
        inputs.extend(self.captured().iter().map(|v| rate(*v)));
        inputs.resize(self.body.inputs, states.unwrap_or(Rate::Uniform));
        self.body.rates_of(&inputs)
    }
}

impl Node {
    /// The nodes that this one uses.
    pub fn operands(&self) -> Operands<'_> {
        let few = |values: [Value; 3], count: usize| Operands::Few(values, count);
        match self {
            Node::Constant(_) | Node::Input(_) | Node::VectorInput(..) | Node::Column(_) | Node::Row => {
                few([Value(0); 3], 0)
            }
            Node::Apply(operator, operands) => few(*operands, operator.arity()),
            Node::Sum(operand) | Node::Fill(operand, _) => few([*operand; 3], 1),
            Node::Pack(elements) => Operands::Many(elements),
            Node::Element { vector, index } => few([*vector, *index, *index], 2),
            Node::Replace { vector, index, element } => few([*vector, *index, *element], 3),
            Node::Scatter { index, number, .. } => few([*index, *number, *number], 2),
            Node::Loop(body) => Operands::Many(&body.operands),
            Node::Result { of, .. } => few([*of; 3], 1),
        }
    }

    /// Calls `f` with every node that this one uses.
    pub fn visit(&self, f: impl FnMut(Value)) {
        match self {
            Node::Apply(operator, operands) => operands[..operator.arity()].iter().copied().for_each(f),
            node => node.operands().iter().copied().for_each(f),
        }
    }

    /// The same node on other operands.
    pub fn map(&self, mut f: impl FnMut(Value) -> Value) -> Node {
        match self {
            Node::Apply(operator, [a, b, c]) => Node::Apply(*operator, [f(*a), f(*b), f(*c)]),
            Node::Sum(operand) => Node::Sum(f(*operand)),
            Node::Fill(operand, size) => Node::Fill(f(*operand), *size),
            Node::Pack(elements) => Node::Pack(elements.iter().map(|v| f(*v)).collect()),
            Node::Element { vector, index } => Node::Element { vector: f(*vector), index: f(*index) },
            Node::Replace { vector, index, element } => {
                Node::Replace { vector: f(*vector), index: f(*index), element: f(*element) }
            }
            Node::Scatter { index, number, size } => {
                Node::Scatter { index: f(*index), number: f(*number), size: *size }
            }
            Node::Loop(body) => Node::Loop(Arc::new(body.with_operands(body.operands.iter().map(|v| f(*v)).collect()))),
            Node::Result { of, index } => Node::Result { of: f(*of), index: *index },
            leaf => leaf.clone(),
        }
    }

    pub fn constant(&self) -> Option<f64> {
        match self {
            Node::Constant(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    /// Whether it is a vector whatever its operands are. Where none is, there are no vectors.
    fn makes_vector(&self) -> bool {
        matches!(self, Node::VectorInput(..) | Node::Pack(_) | Node::Fill(..) | Node::Scatter { .. })
    }

    /// Whether it adds up over the rows: known only after a pass over them.
    pub fn reduces(&self) -> bool {
        matches!(self, Node::Sum(_) | Node::Scatter { .. })
    }
}

impl Program {
    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = Value> + use<> {
        (0..self.nodes.len() as u32).map(Value)
    }

    /// The loop that a node is.
    pub fn loop_at(&self, value: Value) -> Option<&Loop> {
        match self.node(value) {
            Node::Loop(body) => Some(body),
            _ => None,
        }
    }

    pub fn has_loops(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Loop(_)))
    }

    /// The rate of every node of a whole program: its inputs are parameters.
    pub fn rates(&self) -> Vec<Rate> {
        self.rates_of(&vec![Rate::Uniform; self.inputs])
    }

    /// The rate of every node, for inputs of these rates.
    pub fn rates_of(&self, inputs: &[Rate]) -> Vec<Rate> {
        let mut rates: Vec<Rate> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let rate = node_rate(node, |v| rates[v.index()], inputs);
            rates.push(rate);
        }
        rates
    }

    /// The length of every node that is a vector.
    pub fn sizes(&self) -> Vec<Option<u32>> {
        if !self.nodes.iter().any(Node::makes_vector) {
            return vec![None; self.nodes.len()];
        }
        let mut sizes: Vec<Option<u32>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let size = node_size(node, |v| sizes[v.index()], |v| self.loop_at(v));
            sizes.push(size);
        }
        sizes
    }

    /// Number of sums over rows up to each value: the pass over the rows after which it is known.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut below = 0;
            node.visit(|v| below = below.max(depths[v.index()]));
            depths.push(below + usize::from(node.reduces()));
        }
        depths
    }

    /// For each node, whether the outputs need it.
    pub fn needed(&self) -> Vec<bool> {
        self.needed_by(self.outputs.iter().copied())
    }

    /// For each node, whether these need it.
    pub fn needed_by(&self, outputs: impl Iterator<Item = Value>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        outputs.for_each(|output| needed[output.index()] = true);
        for value in (0..self.nodes.len()).rev() {
            if needed[value] {
                self.nodes[value].visit(|v| needed[v.index()] = true);
            }
        }
        needed
    }

    /// Number of operations that one evaluation of the outputs takes, those on rows counted for one row, those on vectors
    /// for each element, and those of a loop for each of its steps (once where their number is not a constant): inputs,
    /// columns and constants are not operations.
    pub fn operations(&self) -> usize {
        let sizes = self.sizes();
        let needed = (0..self.nodes.len()).zip(self.needed()).filter(|(_, needed)| *needed);
        needed.map(|(index, _)| self.operations_at(index, &sizes)).fold(0, usize::saturating_add)
    }

    fn operations_at(&self, index: usize, sizes: &[Option<u32>]) -> usize {
        match &self.nodes[index] {
            Node::Constant(_) | Node::Input(_) | Node::VectorInput(..) | Node::Column(_) | Node::Row => 0,
            Node::Result { .. } => 0,
            Node::Loop(body) => body.body.operations().saturating_mul(self.steps(body)),
            // Where the vector stands.
            Node::Replace { .. } => 1,
            _ => sizes[index].unwrap_or(1) as usize,
        }
    }

    /// How often the body of one of its loops runs, at most; 1 where that is not a constant.
    fn steps(&self, body: &Loop) -> usize {
        let steps = match body.kind {
            LoopKind::Bounded(most) => most as f64,
            LoopKind::Counted => match body.count().map(|count| self.node(count)) {
                Some(Node::Constant(bits)) => f64::from_bits(*bits).max(0.0),
                _ => 1.0,
            },
            LoopKind::Backward => match body.forward().map(|forward| self.node(forward)) {
                Some(Node::Loop(forward)) => self.steps(forward) as f64,
                _ => 1.0,
            },
        };
        steps as usize
    }

    /// The same, those on rows counted for each of `rows` rows.
    pub fn work(&self, rows: usize) -> u64 {
        let (rates, sizes, needed) = (self.rates(), self.sizes(), self.needed());
        let count = |index: usize| {
            let reduced = matches!(&self.nodes[index], Node::Sum(v) if rates[v.index()].by_row());
            let times = if rates[index].by_row() || reduced { rows as u64 } else { 1 };
            (self.operations_at(index, &sizes) as u64).saturating_mul(times)
        };
        (0..self.nodes.len()).filter(|index| needed[*index]).map(count).fold(0, u64::saturating_add)
    }
}

/// The rate of a node, where the rates of its operands and of the inputs are known.
pub fn node_rate(node: &Node, rate: impl Fn(Value) -> Rate, inputs: &[Rate]) -> Rate {
    match node {
        Node::Constant(_) => Rate::Constant,
        Node::Input(k) | Node::VectorInput(k, _) => inputs.get(*k as usize).copied().unwrap_or(Rate::Uniform),
        Node::Column(_) | Node::Row => Rate::Data,
        // Known only once the data are bound, and then the same for every row.
        Node::Sum(_) | Node::Scatter { .. } => Rate::Uniform,
        Node::Loop(body) => body.rate(&rate, body.forward().map(&rate)),
        // Unused operands repeat the first.
        Node::Apply(_, [a, b, c]) => rate(*a).join(rate(*b)).join(rate(*c)),
        _ => {
            let mut joined = Rate::Constant;
            node.visit(|v| joined = joined.join(rate(v)));
            joined
        }
    }
}

/// The length of a node that is a vector, where the lengths of its operands are known, and the loops.
pub fn node_size<'a>(
    node: &Node,
    size: impl Fn(Value) -> Option<u32>,
    body: impl Fn(Value) -> Option<&'a Loop>,
) -> Option<u32> {
    match node {
        Node::VectorInput(_, n) | Node::Fill(_, n) | Node::Scatter { size: n, .. } => Some(*n),
        Node::Pack(elements) => Some(elements.len() as u32),
        Node::Replace { vector, .. } => size(*vector),
        Node::Apply(_, [a, b, c]) => size(*a).or_else(|| size(*b)).or_else(|| size(*c)),
        Node::Result { of, index } => size(body(*of)?.initial()[*index as usize]),
        _ => None,
    }
}
