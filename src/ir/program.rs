//! A program: nodes in an order in which each comes after what it uses, and the nodes that are its results.
//!
//! Every value is a 64-bit float, or one float for each row of the data. A program without `Sum` over rows that is
//! not asked for row values is a plain function of its inputs. Loops and branches are nodes that hold a closed
//! program of their own (their operands are its inputs), so that every pass treats them by calling itself.

use crate::ir::op::Operator;

/// A node of a program, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number, by its bits.
    Constant(u64),
    /// The k-th number that the program is given: a parameter, the same for every row.
    Input(u32),
    /// The k-th column of the data: one number a row.
    Column(u32),
    /// An elementwise operation; unused operands repeat the first.
    Apply(Operator, [Value; 3]),
    /// The sum over all rows, in the fixed order that `engine::sum` states.
    Sum(Value),
}

/// How often a value changes within one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    pub nodes: Vec<Node>,
    pub outputs: Vec<Value>,
    /// How many inputs and columns it may name.
    pub inputs: usize,
    pub columns: usize,
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

impl Node {
    /// The nodes that this one uses.
    pub fn operands(&self) -> &[Value] {
        match self {
            Node::Constant(_) | Node::Input(_) | Node::Column(_) => &[],
            Node::Apply(operator, operands) => &operands[..operator.arity()],
            Node::Sum(operand) => std::slice::from_ref(operand),
        }
    }

    pub fn constant(&self) -> Option<f64> {
        match self {
            Node::Constant(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    /// Its rate, where `rate` knows the rates of its operands.
    pub fn rate(&self, rate: impl Fn(Value) -> Rate) -> Rate {
        match self {
            Node::Constant(_) => Rate::Constant,
            Node::Input(_) => Rate::Uniform,
            Node::Column(_) => Rate::Data,
            Node::Apply(..) => self.operands().iter().fold(Rate::Constant, |joined, v| joined.join(rate(*v))),
            // Known only once the data are bound, and then the same for every row.
            Node::Sum(_) => Rate::Uniform,
        }
    }
}

impl Program {
    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    pub fn values(&self) -> impl Iterator<Item = Value> {
        (0..self.nodes.len() as u32).map(Value)
    }

    /// The rate of every node.
    pub fn rates(&self) -> Vec<Rate> {
        let mut rates = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let rate = node.rate(|v| rates[v.index()]);
            rates.push(rate);
        }
        rates
    }

    /// Number of sums over rows up to each value: the pass over the rows after which it is known.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let below = node.operands().iter().map(|v| depths[v.index()]).max().unwrap_or(0);
            depths.push(below + usize::from(matches!(node, Node::Sum(_))));
        }
        depths
    }

    /// For each node, whether the outputs need it.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for output in &self.outputs {
            needed[output.index()] = true;
        }
        for value in (0..self.nodes.len()).rev() {
            if needed[value] {
                for operand in self.nodes[value].operands() {
                    needed[operand.index()] = true;
                }
            }
        }
        needed
    }

    /// Number of operations that the outputs need: inputs, columns and constants are not operations.
    pub fn operations(&self) -> usize {
        let needed = self.needed();
        let counts = |node: &Node| matches!(node, Node::Apply(..) | Node::Sum(_));
        self.nodes.iter().zip(needed).filter(|(node, needed)| *needed && counts(node)).count()
    }
}
