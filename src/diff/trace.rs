//! The evaluation trace of a program at a point: every elementary step with its value, its tangents and its adjoints.
//!
//! As in Baydin, Pearlmutter, Radul & Siskind, JMLR 18 (2018), tables 2 and 3: n inputs are v-(n-1) … v0, the steps are
//! v1, v2, …, each an operator on numbers, data, inputs and earlier steps. The trace holds what the outputs need at this
//! point and no more: loops are written out step by step, of a branch the side that is taken, vectors element by
//! element; what depends on no input and no datum is a number. Within one row and without loops
//! the steps are sorted by depth in the graph; otherwise they stand in the order in which they are done.

mod follow;

use std::collections::HashMap;

use crate::ir::{Builder, Operator, Program, Value};
use follow::{Item, Tracer};

/// Numbers that the tangents of a trace may be.
const TANGENTS: usize = 20_000_000;

/// What a step works on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Term {
    Number(f64),
    /// The k-th of `Trace::inputs`.
    Input(usize),
    /// The k-th of `Trace::data`.
    Datum(usize),
    /// The k-th of `Trace::steps`.
    Step(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Apply(Operator),
    /// The value of a branch: the operands are the test and the side taken, the first one if true.
    Branch(bool),
    /// The sum over the rows of the data.
    Sum,
}

/// A number with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    pub name: String,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub operation: Operation,
    pub operands: Vec<Term>,
    pub value: f64,
    /// The derivative in each operand; None where there is none to follow: numbers, data, tests, steps of `floor`.
    pub partials: Vec<Option<f64>>,
    /// The derivative in each input by forward mode; None where the step does not depend on it.
    pub tangents: Vec<Option<f64>>,
    /// The steps of the loops around it, from the outermost.
    pub iteration: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub name: String,
    pub term: Term,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    pub inputs: Vec<Leaf>,
    /// The data that are used.
    pub data: Vec<Leaf>,
    pub steps: Vec<Step>,
    pub outputs: Vec<Output>,
}

/// One line of the reverse sweep: what one use of a variable adds to its adjoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// An input or a step.
    pub of: Term,
    /// The step that uses it and the operand that it is there; None for the output itself.
    pub from: Option<(usize, usize)>,
    /// ∂(output)/∂(user) · ∂(user)/∂(variable).
    pub contribution: f64,
    /// The adjoint after it.
    pub adjoint: f64,
}

/// Where a program is traced.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name and value of each input.
    pub inputs: &'a [Leaf],
    pub column_names: &'a [String],
    pub columns: &'a [Vec<f64>],
    /// The rows that are gone through: one, or all for a sum over them.
    pub rows: (usize, usize),
}

/// Traces the outputs of a program, one name each. The error says why there is no trace.
pub fn trace(program: &Program, names: &[String], place: &Place) -> Result<Trace, String> {
    let mut tracer = Tracer::new(place);
    let found = tracer.whole(program)?;
    let mut trace = tracer.trace;
    for (name, item) in names.iter().zip(found) {
        let Item::Term(term) = item else { return Err(format!("the output `{name}` is not a number")) };
        trace.outputs.push(Output { name: name.clone(), term });
    }
    trace.keep_needed();
    if place.rows.1 - place.rows.0 == 1 {
        trace.number();
    }
    trace.differentiate()?;
    Ok(trace)
}

impl Trace {
    pub fn value(&self, term: Term) -> f64 {
        match term {
            Term::Number(number) => number,
            Term::Input(k) => self.inputs[k].value,
            Term::Datum(k) => self.data[k].value,
            Term::Step(k) => self.steps[k].value,
        }
    }

    /// The derivative in one input by forward mode; None where there is no dependence.
    pub fn tangent(&self, term: Term, input: usize) -> Option<f64> {
        match term {
            Term::Input(k) => (k == input).then_some(1.0),
            Term::Step(k) => self.steps[k].tangents[input],
            Term::Number(_) | Term::Datum(_) => None,
        }
    }

    /// The depth in the graph: 0 for what is given, for a step one more than the deepest operand.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let below = step.operands.iter().map(|term| match term {
                Term::Step(k) => depths[*k],
                _ => 0,
            });
            depths.push(1 + below.max().unwrap_or(0));
        }
        depths
    }

    /// The reverse sweep for one output, from it back to the inputs.
    pub fn reverse(&self, output: usize) -> Vec<Contribution> {
        let mut adjoints: HashMap<(bool, usize), f64> = HashMap::new();
        let mut lines = Vec::new();
        let mut receive = |of: Term, from: Option<(usize, usize)>, contribution: f64| {
            let key = match of {
                Term::Input(k) => (false, k),
                Term::Step(k) => (true, k),
                Term::Number(_) | Term::Datum(_) => return None,
            };
            let adjoint = adjoints.entry(key).or_insert(0.0);
            *adjoint = if from.is_none() { contribution } else { *adjoint + contribution };
            lines.push(Contribution { of, from, contribution, adjoint: *adjoint });
            Some(())
        };
        let start = self.outputs[output].term;
        receive(start, None, 1.0);
        // Every user of a step comes after it: its adjoint is whole when the sweep arrives there.
        let mut whole: Vec<Option<f64>> = vec![None; self.steps.len()];
        if let Term::Step(k) = start {
            whole[k] = Some(1.0);
        }
        for k in (0..self.steps.len()).rev() {
            let Some(adjoint) = whole[k] else { continue };
            let step = &self.steps[k];
            for (which, (term, partial)) in step.operands.iter().zip(&step.partials).enumerate() {
                let Some(partial) = partial else { continue };
                let contribution = adjoint * partial;
                receive(*term, Some((k, which)), contribution);
                if let Term::Step(j) = term {
                    whole[*j] = Some(whole[*j].unwrap_or(0.0) + contribution);
                }
            }
        }
        lines
    }

    fn keep_needed(&mut self) {
        let mut needed = vec![false; self.steps.len()];
        let mark = |needed: &mut Vec<bool>, term: Term| {
            if let Term::Step(k) = term {
                needed[k] = true;
            }
        };
        self.outputs.iter().for_each(|output| mark(&mut needed, output.term));
        for k in (0..self.steps.len()).rev() {
            if needed[k] {
                self.steps[k].operands.iter().for_each(|term| mark(&mut needed, *term));
            }
        }
        let order: Vec<usize> = (0..self.steps.len()).filter(|k| needed[*k]).collect();
        self.reorder(&order);
        let mut used = vec![false; self.data.len()];
        let terms = self.steps.iter().flat_map(|step| step.operands.iter().copied());
        for term in terms.chain(self.outputs.iter().map(|output| output.term)) {
            if let Term::Datum(k) = term {
                used[k] = true;
            }
        }
        let places: Vec<usize> =
            used.iter().scan(0, |next, used| Some(std::mem::replace(next, *next + usize::from(*used)))).collect();
        self.map_terms(|term| if let Term::Datum(k) = term { Term::Datum(places[k]) } else { term });
        let mut flags = used.into_iter();
        self.data.retain(|_| flags.next() == Some(true));
    }

    /// Without loops by depth, those of one depth as they were.
    fn number(&mut self) {
        if self.steps.iter().all(|step| step.iteration.is_empty()) {
            let depths = self.depths();
            let mut order: Vec<usize> = (0..self.steps.len()).collect();
            order.sort_by_key(|k| depths[*k]);
            self.reorder(&order);
        }
    }

    /// Keeps these steps, in this order.
    fn reorder(&mut self, order: &[usize]) {
        let mut places = vec![0; self.steps.len()];
        for (new, old) in order.iter().enumerate() {
            places[*old] = new;
        }
        let mut steps: Vec<Option<Step>> = std::mem::take(&mut self.steps).into_iter().map(Some).collect();
        self.steps = order.iter().filter_map(|old| steps[*old].take()).collect();
        self.map_terms(|term| if let Term::Step(k) = term { Term::Step(places[k]) } else { term });
    }

    fn map_terms(&mut self, f: impl Fn(Term) -> Term) {
        let operands = self.steps.iter_mut().flat_map(|step| step.operands.iter_mut());
        for term in operands.chain(self.outputs.iter_mut().map(|output| &mut output.term)) {
            *term = f(*term);
        }
    }

    /// Fills in partial derivatives and tangents.
    fn differentiate(&mut self) -> Result<(), String> {
        let n = self.inputs.len();
        if self.steps.len().saturating_mul(n) > TANGENTS {
            return Err(format!("the trace has {} steps of {n} tangents: too many to show", self.steps.len()));
        }
        for k in 0..self.steps.len() {
            let step = &self.steps[k];
            let values: Vec<f64> = step.operands.iter().map(|term| self.value(*term)).collect();
            let follows = |term: &Term| matches!(term, Term::Input(_) | Term::Step(_));
            let partials: Vec<Option<f64>> = (0..values.len())
                .map(|which| match step.operation {
                    _ if !follows(&step.operands[which]) => None,
                    Operation::Apply(operator) => partial(operator, &values, step.value, which),
                    Operation::Branch(_) => (which == 1).then_some(1.0),
                    Operation::Sum => Some(1.0),
                })
                .collect();
            let tangents = (0..n).map(|input| {
                let terms = step.operands.iter().zip(&partials);
                let terms = terms.filter_map(|(term, partial)| Some((*partial)? * self.tangent(*term, input)?));
                terms.reduce(|sum, term| sum + term)
            });
            let tangents = tangents.collect();
            (self.steps[k].partials, self.steps[k].tangents) = (partials, tangents);
        }
        Ok(())
    }
}

/// A partial derivative as a number: its rule on numbers folds to one. None where it is zero everywhere.
fn partial(operator: Operator, values: &[f64], result: f64, which: usize) -> Option<f64> {
    let mut b = Builder::new();
    let operands: Vec<Value> = values.iter().map(|x| b.constant(*x)).collect();
    let result = b.constant(result);
    let partial = operator.partial(&mut b, &operands, result, which)?;
    // The side that is not taken has no part in the slope, however steep it is.
    let taken = |slope: &f64| *slope != 0.0 || !matches!(operator, Operator::Minimum | Operator::Maximum);
    b.known(partial).filter(taken)
}
