//! What a kernel is made of: steps on uniform values and on blocks of rows, and loops of steps.

use crate::engine::line::Line;
use crate::ir::Operator;

/// Where a value stands. A vector takes consecutive places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A number that is the same for every row: a place of the uniform file.
    Uniform(u32),
    /// A block of rows that a step has written.
    Slot(u32),
    /// A block of a data column.
    Column(u32),
}

/// One pass over the rows, with the uniform work before it.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    pub uniform: Vec<Step>,
    /// The same as short instructions, where they fit.
    pub line: Option<Line>,
    pub rows: Vec<Step>,
    /// The places of the uniform file that receive the sums of the pass.
    pub sums: Vec<u32>,
    pub scatters: Vec<Scatter>,
    /// Row values and the stores that keep them.
    pub stores: Vec<(Operand, u32)>,
}

/// Row numbers added, row by row, to the elements of a uniform vector.
#[derive(Clone, Copy, Debug)]
pub struct Scatter {
    pub index: Operand,
    pub number: Operand,
    pub to: u32,
    pub size: u32,
}

/// A step writes to uniform places if `to` is one, else to slots.
#[derive(Clone, Debug)]
pub enum Step {
    Apply(Instruction),
    /// Two operations on rows in one.
    Pair(Pair),
    /// A sum of products on rows.
    Dot(Dot),
    /// The same operation on each element of vectors; an operand that is no vector stands for every element.
    Elementwise {
        instruction: Instruction,
        count: u32,
        vector: [bool; 3],
    },
    /// Copies a number or a block, or a vector of them, or one of them to every element of a vector. From a uniform
    /// place to slots it fills them.
    Copy {
        to: Operand,
        from: Operand,
        count: u32,
        vector: bool,
    },
    Element {
        to: Operand,
        vector: Operand,
        size: u32,
        index: Operand,
    },
    /// Replaces an element where the vector stands.
    Replace {
        vector: Operand,
        size: u32,
        index: Operand,
        element: Operand,
    },
    /// Adds rows to sums of the pass.
    Sums(Sums),
    Loop(Box<LoopCode>),
}

impl Step {
    /// Elementary operations in one execution of the step; a loop counts once.
    pub fn operations(&self) -> usize {
        match self {
            Step::Pair(_) => 2,
            Step::Dot(dot) => dot.operations(),
            Step::Sums(sums) => sums.operations(),
            _ => 1,
        }
    }
}

/// An elementary operation; unused operands are repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    pub operator: Operator,
    pub to: Operand,
    pub operands: [Operand; 3],
}

/// Two operations of which the second takes the first one's result, and nobody else does.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub form: Form,
    pub to: Operand,
    /// Those of the first operation, then the other one of the second.
    pub operands: [Operand; 3],
}

/// Terms added up from the first to the last. The first one is not taken away.
#[derive(Clone, Debug)]
pub struct Dot {
    pub to: Operand,
    pub terms: Box<[Term]>,
}

/// A row value, or its product with another value.
#[derive(Clone, Copy, Debug)]
pub struct Term<T = Operand> {
    pub rows: T,
    pub by: Option<T>,
    /// Taken away and not added.
    pub minus: bool,
}

impl Dot {
    pub fn operations(&self) -> usize {
        self.terms.iter().map(|term| 1 + usize::from(term.by.is_some())).sum::<usize>() - 1
    }
}

impl<T: Copy> Term<T> {
    pub fn operands(&self) -> impl Iterator<Item = T> {
        [Some(self.rows), self.by].into_iter().flatten()
    }

    pub fn map<U>(&self, f: impl Fn(T) -> U) -> Term<U> {
        Term { rows: f(self.rows), by: self.by.map(f), minus: self.minus }
    }
}

/// The first operation and the second; `From` subtracts the first result from the third operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    AddAdd,
    AddSubtract,
    AddFrom,
    AddMultiply,
    SubtractAdd,
    SubtractSubtract,
    SubtractFrom,
    SubtractMultiply,
    MultiplyAdd,
    MultiplySubtract,
    MultiplyFrom,
    MultiplyMultiply,
}

impl Form {
    /// The form of two operators, where there is one. `swapped`: the first result is the second operand.
    pub fn of(first: Operator, second: Operator, swapped: bool) -> Option<Form> {
        use Operator::{Add, Multiply, Subtract};
        Some(match (first, second, swapped) {
            (Add, Add, _) => Form::AddAdd,
            (Add, Subtract, false) => Form::AddSubtract,
            (Add, Subtract, true) => Form::AddFrom,
            (Add, Multiply, _) => Form::AddMultiply,
            (Subtract, Add, _) => Form::SubtractAdd,
            (Subtract, Subtract, false) => Form::SubtractSubtract,
            (Subtract, Subtract, true) => Form::SubtractFrom,
            (Subtract, Multiply, _) => Form::SubtractMultiply,
            (Multiply, Add, _) => Form::MultiplyAdd,
            (Multiply, Subtract, false) => Form::MultiplySubtract,
            (Multiply, Subtract, true) => Form::MultiplyFrom,
            (Multiply, Multiply, _) => Form::MultiplyMultiply,
            _ => return None,
        })
    }
}

/// What is summed over the rows: a row value, or the product of two that no step has computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Summand<T = Operand> {
    Value(T),
    Product(T, T),
    /// The product in which an exact zero of the first one wins.
    Masked(T, T),
}

impl<T: Copy> Summand<T> {
    /// The row values in it; a single one twice.
    pub fn operands(self) -> [T; 2] {
        match self {
            Summand::Value(a) => [a, a],
            Summand::Product(a, b) | Summand::Masked(a, b) => [a, b],
        }
    }

    /// Without the addition.
    fn operations(&self) -> usize {
        match self {
            Summand::Value(_) => 0,
            Summand::Product(..) => 1,
            Summand::Masked(..) => 2,
        }
    }

    fn map<U>(self, f: impl Fn(T) -> U) -> Summand<U> {
        match self {
            Summand::Value(a) => Summand::Value(f(a)),
            Summand::Product(a, b) => Summand::Product(f(a), f(b)),
            Summand::Masked(a, b) => Summand::Masked(f(a), f(b)),
        }
    }
}

/// Sums over the rows of a factor, and of its products with row values: it is read, or multiplied, once for all of them.
#[derive(Clone, Debug)]
pub struct Sums<T = Operand> {
    pub factor: Summand<T>,
    /// Which sum of the pass the factor itself is added to.
    pub own: Option<u32>,
    pub times: Vec<Times<T>>,
}

/// What a factor is multiplied by.
#[derive(Clone, Copy, Debug)]
pub struct Times<T = Operand> {
    pub rows: T,
    pub zero: Zero,
    /// Which sum of the pass the product is added to.
    pub at: u32,
}

/// Whose exact zero wins in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    Neither,
    Factor,
    Rows,
}

impl<T: Copy> Sums<T> {
    pub fn operands(&self) -> impl Iterator<Item = T> {
        self.factor.operands().into_iter().chain(self.times.iter().map(|times| times.rows))
    }

    pub fn operations(&self) -> usize {
        let of_times = |times: &Times<T>| if times.zero == Zero::Neither { 2 } else { 3 };
        let own = usize::from(self.own.is_some());
        self.factor.operations() + own + self.times.iter().map(of_times).sum::<usize>()
    }

    pub fn map<U>(&self, f: impl Fn(T) -> U) -> Sums<U> {
        let times = self.times.iter().map(|Times { rows, zero, at }| Times { rows: f(*rows), zero: *zero, at: *at });
        Sums { factor: self.factor.map(&f), own: self.own, times: times.collect() }
    }
}

/// A value that a loop carries: where it stands, and where the body leaves its next value.
#[derive(Clone, Copy, Debug)]
pub struct Carry {
    pub at: Operand,
    pub next: Operand,
    pub size: u32,
    /// A backward loop reads its value before each step.
    pub read: bool,
}

/// The steps of a body with what goes in and out.
#[derive(Clone, Debug)]
pub struct Body {
    /// The uniform place of the step's index.
    pub index: u32,
    pub carried: Vec<Carry>,
    /// Whether any row wanted the step; without it every step is wanted.
    pub wanted: Option<Operand>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct LoopCode {
    pub body: Body,
    pub repeat: Repeat,
    /// The loop's number: where its frame stands.
    pub frame: u32,
    /// A backward loop retraces this one: its states are kept.
    pub keeps: bool,
}

#[derive(Clone, Debug)]
pub enum Repeat {
    Counted {
        count: u32,
    },
    Bounded {
        most: u64,
    },
    /// Retraces the forward loop.
    Backward(Box<Backward>),
}

/// How a backward loop knows the states that the forward loop passed through.
#[derive(Clone, Debug)]
pub struct Backward {
    /// The forward loop's frame.
    pub forward: u32,
    /// The forward loop's body, to pass through the states again where they were not kept. Its carried places are the
    /// ones from which the backward body reads them.
    pub again: Body,
}
