//! Following a program at a point: each node becomes the steps that it takes, or the number that it is.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Leaf, Operation, Place, Step, Term, Trace};
use crate::engine::{Kernel, Rows, Workspace};
use crate::ir::{Builder, Loop, LoopKind, Node, Operator, Program, Value};

/// Steps that a trace may have.
const STEPS: usize = 200_000;
/// Copies of nodes and elements that making it may take.
const WORK: usize = 100_000_000;

/// What became of a node.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Term(Term),
    Vector(Arc<[Term]>),
    /// Those of a loop.
    Results(Vec<Item>),
}

pub(super) struct Tracer<'a> {
    place: &'a Place<'a>,
    pub trace: Trace,
    /// Which datum a column's row is.
    data: HashMap<(usize, usize), usize>,
    iteration: Vec<u64>,
    work: usize,
}

impl<'a> Tracer<'a> {
    pub fn new(place: &'a Place<'a>) -> Tracer<'a> {
        let trace = Trace { inputs: place.inputs.to_vec(), ..Trace::default() };
        Tracer { place, trace, data: HashMap::new(), iteration: Vec::new(), work: 0 }
    }

    /// The outputs of a whole program: what is the same for all rows once, the rest row by row, between the sums.
    pub fn whole(&mut self, program: &Program) -> Result<Vec<Item>, String> {
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
        let vector = |v: Value| -> Result<Arc<[Term]>, String> {
            match at(v)? {
                Item::Vector(elements) => Ok(elements),
                other => Ok(Arc::from([term(other)?])),
            }
        };
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
            let next: Vec<Item> = body.body.outputs.iter().map(|v| find(&[], &items, *v)).collect::<Result<_, _>>()?;
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
            _ if terms.iter().all(|term| matches!(term, Term::Number(_))) => Ok(Term::Number(operator.value(&values))),
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
                    _ => self.push(
                        Operation::Branch(test),
                        vec![terms[0], taken],
                        if test { values[1] } else { values[2] },
                    ),
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
