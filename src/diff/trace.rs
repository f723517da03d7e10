//! The evaluation trace of a program at a point: every elementary step with its value, its tangents and its adjoints.
//!
//! As in Baydin, Pearlmutter, Radul & Siskind, JMLR 18 (2018), tables 2 and 3: n inputs are v-(n-1) … v0, the steps are
//! v1, v2, …, each an operator on numbers, data, inputs and earlier steps. The trace holds what the outputs need at this
//! point and no more: loops are written out step by step, of a branch the side that is taken, vectors element by
//! element; what depends on no input and no datum is a number. Without loops the steps are sorted by depth in the graph,
//! with loops they stand in the order in which they are done.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Value};

/// Steps that a trace may have, and numbers that its tangents may.
const STEPS: usize = 200_000;
const TANGENTS: usize = 20_000_000;
/// Copies of nodes and elements that making it may take.
const WORK: usize = 100_000_000;

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
    let mut tracer = Tracer {
        place,
        trace: Trace { inputs: place.inputs.to_vec(), ..Trace::default() },
        data: HashMap::new(),
        iteration: Vec::new(),
        work: 0,
    };
    let found = tracer.whole(program)?;
    let mut trace = tracer.trace;
    for (name, item) in names.iter().zip(found) {
        let Item::Term(term) = item else { return Err(format!("the output `{name}` is not a number")) };
        trace.outputs.push(Output { name: name.clone(), term });
    }
    trace.keep_needed();
    trace.number();
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
    b.known(partial)
}

/// What became of a node.
#[derive(Clone, Debug)]
enum Item {
    Term(Term),
    Vector(Arc<[Term]>),
    /// Those of a loop.
    Results(Vec<Item>),
}

struct Tracer<'a> {
    place: &'a Place<'a>,
    trace: Trace,
    /// Which datum a column's row is.
    data: HashMap<(usize, usize), usize>,
    iteration: Vec<u64>,
    work: usize,
}

impl Tracer<'_> {
    /// The outputs of a whole program: what is the same for all rows once, the rest row by row, between the sums.
    fn whole(&mut self, program: &Program) -> Result<Vec<Item>, String> {
        let (first, end) = self.place.rows;
        let (rates, depths, needed) = (program.rates(), program.depths(), program.needed());
        let by_row = |v: Value| rates[v.index()].by_row();
        self.count(program.nodes.len().saturating_mul(end - first))?;
        let mut shared: Vec<Option<Item>> = vec![None; program.nodes.len()];
        let mut rows: Vec<Vec<Option<Item>>> = vec![vec![None; program.nodes.len()]; end - first];
        for depth in 0..=depths.iter().copied().max().unwrap_or(0) {
            let here = |v: &Value| depths[v.index()] == depth && needed[v.index()];
            for value in program.values().filter(|v| here(v) && !by_row(*v)) {
                let item = match program.node(value) {
                    Node::Sum(operand) => {
                        let at = |row: &Vec<Option<Item>>| find(row, &shared, *operand);
                        let items: Vec<Item> = rows.iter().map(at).collect::<Result<_, _>>()?;
                        self.sum(&items)?
                    }
                    node => self.node(node, &|v| find(&[], &shared, v), &[], first)?,
                };
                shared[value.index()] = Some(item);
            }
            for (k, row) in rows.iter_mut().enumerate() {
                for value in program.values().filter(|v| here(v) && by_row(*v)) {
                    let item = self.node(program.node(value), &|v| find(row, &shared, v), &[], first + k)?;
                    row[value.index()] = Some(item);
                }
            }
        }
        let row = rows.first().map_or(&[][..], Vec::as_slice);
        program.outputs.iter().map(|v| find(row, &shared, *v)).collect()
    }

    fn count(&mut self, work: usize) -> Result<(), String> {
        self.work = self.work.saturating_add(work);
        if self.work > WORK { Err(too_long()) } else { Ok(()) }
    }

    fn node(
        &mut self,
        node: &Node,
        at: &dyn Fn(Value) -> Result<Item, String>,
        inputs: &[Item],
        row: usize,
    ) -> Result<Item, String> {
        self.count(1)?;
        let number = |v: Value| at(v).and_then(term);
        let vector = |v: Value| -> Result<Arc<[Term]>, String> { match at(v)? {
            Item::Vector(elements) => Ok(elements),
            other => Ok(Arc::from([term(other)?])),
        } };
        Ok(match node {
            Node::Constant(bits) => Item::Term(Term::Number(f64::from_bits(*bits))),
            Node::Input(k) | Node::VectorInput(k, _) => match inputs.get(*k as usize) {
                Some(item) => item.clone(),
                None => Item::Term(Term::Input(*k as usize)),
            },
            Node::Column(k) => Item::Term(self.datum(*k as usize, row)?),
            Node::Row => Item::Term(Term::Number(row as f64)),
            Node::Apply(operator, _) => {
                let operands: Vec<Item> = node.operands().into_iter().map(at).collect::<Result<_, _>>()?;
                self.elementwise(*operator, &operands)?
            }
            Node::Pack(elements) => Item::Vector(elements.iter().map(|v| number(*v)).collect::<Result<_, _>>()?),
            Node::Fill(value, size) => {
                self.count(*size as usize)?;
                Item::Vector(vec![number(*value)?; *size as usize].into())
            }
            Node::Element { vector: v, index } => {
                let (elements, index) = (vector(*v)?, self.trace.value(number(*index)?));
                let inside = index >= 0.0 && index < elements.len() as f64;
                Item::Term(if inside { elements[index as usize] } else { Term::Number(f64::NAN) })
            }
            Node::Replace { vector: v, index, element } => {
                let (elements, index) = (vector(*v)?, self.trace.value(number(*index)?));
                if index >= 0.0 && index < elements.len() as f64 {
                    self.count(elements.len())?;
                    let mut changed = elements.to_vec();
                    changed[index as usize] = number(*element)?;
                    Item::Vector(changed.into())
                } else {
                    Item::Vector(elements)
                }
            }
            Node::Loop(body) => Item::Results(self.repeat(body, at, row)?),
            Node::Result { of, index } => match at(*of)? {
                Item::Results(results) => results[*index as usize].clone(),
                _ => return Err("a result of what is no loop".to_string()),
            },
            Node::Sum(_) | Node::Scatter { .. } => return Err("a sum over the rows inside a row".to_string()),
        })
    }

    fn repeat(
        &mut self,
        body: &Loop,
        at: &dyn Fn(Value) -> Result<Item, String>,
        row: usize,
    ) -> Result<Vec<Item>, String> {
        let steps = match (body.kind, body.count()) {
            (LoopKind::Bounded(most), _) => most,
            (_, Some(count)) => self.trace.value(at(count).and_then(term)?).max(0.0) as u64,
            _ => return Err("a backward loop has no trace".to_string()),
        };
        let mut carried: Vec<Item> = body.initial().iter().map(|v| at(*v)).collect::<Result<_, _>>()?;
        let captured: Vec<Item> = body.captured().iter().map(|v| at(*v)).collect::<Result<_, _>>()?;
        for step in 0..steps {
            self.iteration.push(step);
            let mut inputs = vec![Item::Term(Term::Number(step as f64))];
            inputs.extend(carried.iter().chain(&captured).cloned());
            self.count(inputs.len() + 1)?;
            let mut items: Vec<Option<Item>> = Vec::with_capacity(body.body.nodes.len());
            for node in &body.body.nodes {
                let item = self.node(node, &|v| find(&[], &items, v), &inputs, row)?;
                items.push(Some(item));
            }
            self.iteration.pop();
            let next: Vec<Item> =
                body.body.outputs.iter().map(|v| find(&[], &items, *v)).collect::<Result<_, _>>()?;
            if let Some(wanted) = next.get(body.carried)
                && self.trace.value(term(wanted.clone())?) == 0.0
            {
                break;
            }
            carried = next[..body.carried].to_vec();
        }
        Ok(carried)
    }

    fn datum(&mut self, column: usize, row: usize) -> Result<Term, String> {
        if let Some(k) = self.data.get(&(column, row)) {
            return Ok(Term::Datum(*k));
        }
        let value = self.place.columns.get(column).and_then(|column| column.get(row));
        let value = *value.ok_or_else(|| format!("the data have no row {row}"))?;
        let name = &self.place.column_names[column];
        let many = self.place.rows.1 - self.place.rows.0 > 1;
        let name = if many { format!("{name}[{row}]") } else { name.clone() };
        self.trace.data.push(Leaf { name, value });
        self.data.insert((column, row), self.trace.data.len() - 1);
        Ok(Term::Datum(self.trace.data.len() - 1))
    }

    fn elementwise(&mut self, operator: Operator, operands: &[Item]) -> Result<Item, String> {
        let size = operands.iter().find_map(|item| if let Item::Vector(v) = item { Some(v.len()) } else { None });
        let element = |item: &Item, k: usize| match item {
            Item::Vector(elements) => elements.get(k).copied().ok_or("vectors of different lengths".to_string()),
            other => term(other.clone()),
        };
        let Some(size) = size else {
            let terms: Vec<Term> = operands.iter().map(|item| element(item, 0)).collect::<Result<_, _>>()?;
            return Ok(Item::Term(self.apply(operator, terms)?));
        };
        let mut elements = Vec::with_capacity(size);
        for k in 0..size {
            let terms: Vec<Term> = operands.iter().map(|item| element(item, k)).collect::<Result<_, _>>()?;
            elements.push(self.apply(operator, terms)?);
        }
        Ok(Item::Vector(elements.into()))
    }

    fn apply(&mut self, operator: Operator, terms: Vec<Term>) -> Result<Term, String> {
        let values: Vec<f64> = terms.iter().map(|term| self.trace.value(*term)).collect();
        let number = |k: usize, x: f64| matches!(terms.get(k), Some(Term::Number(y)) if *y == x);
        match operator {
            _ if terms.iter().all(|term| matches!(term, Term::Number(_))) => {
                Ok(Term::Number(operator.value(&values)))
            }
            // A loop makes these of its first step; the builder has none of them elsewhere.
            Operator::Add if number(0, 0.0) => Ok(terms[1]),
            Operator::Add | Operator::Subtract if number(1, 0.0) => Ok(terms[0]),
            Operator::Multiply if number(0, 1.0) => Ok(terms[1]),
            Operator::Multiply | Operator::Divide if number(1, 1.0) => Ok(terms[0]),
            Operator::Select => {
                let test = values[0] != 0.0;
                let taken = if test { terms[1] } else { terms[2] };
                match terms[0] {
                    Term::Number(_) => Ok(taken),
                    _ => self.push(Operation::Branch(test), vec![terms[0], taken], if test { values[1] } else { values[2] }),
                }
            }
            _ => self.push(Operation::Apply(operator), terms, operator.value(&values)),
        }
    }

    fn sum(&mut self, items: &[Item]) -> Result<Item, String> {
        let terms: Vec<Term> = items.iter().map(|item| term(item.clone())).collect::<Result<_, _>>()?;
        if let [one] = terms[..] {
            return Ok(Item::Term(one));
        }
        let values: Vec<f64> = terms.iter().map(|term| self.trace.value(*term)).collect();
        let total = total(&values);
        if terms.iter().all(|term| matches!(term, Term::Number(_))) {
            return Ok(Item::Term(Term::Number(total)));
        }
        self.count(terms.len())?;
        Ok(Item::Term(self.push(Operation::Sum, terms, total)?))
    }

    fn push(&mut self, operation: Operation, operands: Vec<Term>, value: f64) -> Result<Term, String> {
        if self.trace.steps.len() >= STEPS {
            return Err(too_long());
        }
        let iteration = self.iteration.clone();
        self.trace.steps.push(Step { operation, operands, value, partials: vec![], tangents: vec![], iteration });
        Ok(Term::Step(self.trace.steps.len() - 1))
    }
}

/// The sum in the order in which the engine sums.
fn total(rows: &[f64]) -> f64 {
    let mut b = Builder::new();
    let column = b.column(0);
    let sum = b.sum(column);
    let mut total = [0.0];
    let rows = Rows::new(&[rows.to_vec()], rows.len());
    Kernel::new(&b.finish(&[sum], 0, 1), &rows).evaluate(&[], &mut Workspace::default(), &mut total);
    total[0]
}

fn too_long() -> String {
    format!("the trace would have more than {STEPS} steps")
}

/// What became of a node: in its row, or for all rows.
fn find(row: &[Option<Item>], shared: &[Option<Item>], value: Value) -> Result<Item, String> {
    let item = row.get(value.index()).and_then(Option::as_ref).or(shared.get(value.index()).and_then(Option::as_ref));
    item.cloned().ok_or_else(|| format!("v{} is used before it is there", value.0))
}

fn term(item: Item) -> Result<Term, String> {
    match item {
        Item::Term(term) => Ok(term),
        _ => Err("a vector where a number is needed".to_string()),
    }
}
