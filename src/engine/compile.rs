//! From program to kernel: passes over the rows, work that depends on the data alone done once.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::engine::code::{Operand, Pass, Scatter, Sums};
use crate::engine::emit::Emitter;
use crate::engine::facts::Facts;
use crate::engine::group::group;
use crate::engine::places::Fixed;
use crate::engine::sum::LEAF;
use crate::engine::{Kernel, Level, Rows, Workspace, line, points};
use crate::ir::{Node, Operator, Program, Rate, Value};

#[derive(Clone, Copy, Debug)]
pub enum Output {
    Uniform(u32),
    Rows(u32),
}

/// Live slots should fit the larger part of the second-level cache, unless that leaves less than a leaf: measured, the more
/// rows a step is for the better, wherever they come from, since it costs as much to begin with as a hundred rows.
const CACHE: usize = 768 << 10;

/// Leaves of a block at most, a power of two as all their numbers: more gain nothing.
const MOST: usize = 4;

/// Work on the data alone that costs at least so many additions a row becomes a column of its own.
const WORTH_A_COLUMN: u32 = 4;

/// Bytes that such columns may take; work beyond them is done anew in each evaluation.
const HOISTED: usize = 256 << 20;

pub fn compile(program: &Program, rows: &Rows, level: Level) -> Kernel {
    let mut rates = program.rates();
    let changed = multiply_uniform_sums(program, &rates, rows.count);
    if let Cow::Owned(changed) = &changed {
        rates = changed.rates();
    }
    // What becomes a column was a function of the data alone: the rates stay.
    let (changed, rows) = number_rows(changed, rows.clone());
    let (changed, rows) = hoist_data(changed, rows, &rates, level);
    let (source, shared_loop) = (Some(Arc::new(program.clone())), points::has_shared_loop(program));
    Kernel { source, shared_loop, ..assemble(&changed, rates, rows, level) }
}

/// The kernel of a program turned by `points`: its columns are points, of which nothing is known yet.
pub fn compile_points(program: &Program, level: Level) -> Kernel {
    let rows = Rows { columns: vec![Arc::default(); program.columns], count: 0 };
    assemble(program, program.rates(), rows, level)
}

fn assemble(program: &Program, rates: Vec<Rate>, rows: Rows, level: Level) -> Kernel {
    let facts = Facts::new(program, rates);
    let needed = program.needed();
    let depths = program.depths();
    let passes = program.values().filter(|v| needed[v.index()]).map(|v| depths[v.index()]).max().unwrap_or(0);
    let mut emitter = Emitter::new(program);
    let mut places: Vec<Option<Operand>> = emitter.leaves(program, &needed);
    let by_row = |v: Value| facts.by_row(v);
    let stores: Vec<Value> = program.outputs.iter().copied().filter(|v| by_row(*v)).collect();
    // Row outputs are stored in the last pass, when everything that they may use is known: one more where they use a sum
    // of the last.
    let last = stores.iter().map(|v| depths[v.index()] + 1).fold(passes, usize::max);
    let mut kernel = Kernel {
        passes: Vec::new(),
        epilogue: Vec::new(),
        epilogue_line: None,
        whole: None,
        fixed: Arc::default(),
        inputs: program.inputs,
        outputs: Vec::new(),
        slots: 0,
        frames: 0,
        block: LEAF,
        rows,
        level,
        source: None,
        points: OnceLock::new(),
        batch: OnceLock::new(),
        shared_loop: false,
    };
    for depth in 0..=last {
        let here = |v: &Value| needed[v.index()] && depths[v.index()] == depth && !by_row(*v);
        let computed = |v: &Value| here(v) && !program.node(*v).reduces() && places[v.index()].is_none();
        let uniform: Vec<Value> = program.values().filter(computed).collect();
        let steps = emitter.steps(&facts, &uniform, &program.outputs, &[], &mut places);
        if depth == last {
            kernel.epilogue = steps;
            break;
        }
        let reductions: Vec<Value> = program
            .values()
            .filter(|v| needed[v.index()] && depths[v.index()] == depth + 1 && program.node(*v).reduces())
            .collect();
        let kept = if depth + 1 == last { &stores[..] } else { &[] };
        let mut pass = rows_pass(&facts, &reductions, kept, &mut emitter, &mut places);
        pass.uniform = steps;
        kernel.passes.push(pass);
    }
    let mut stored = 0..;
    let output = |v: &Value| match places[v.index()] {
        Some(Operand::Uniform(place)) if !by_row(*v) => Output::Uniform(place),
        _ => Output::Rows(stored.next().expect("endless")),
    };
    kernel.outputs = program.outputs.iter().map(output).collect();
    let (numbers, constants) = (emitter.uniforms as usize, emitter.constants.clone());
    kernel.fixed = Arc::new(Fixed { numbers, constants, ..Fixed::default() });
    kernel.slots = emitter.slots as usize;
    kernel.frames = emitter.frames as usize;
    let fits = CACHE / (8 * (kernel.slots + program.columns).max(1));
    kernel.block = LEAF << (fits / LEAF).clamp(1, MOST).ilog2();
    line::add(&mut kernel);
    kernel
}

/// The pass that gives `reductions` and `stores`: every row value that they need is computed in it.
fn rows_pass(
    facts: &Facts,
    reductions: &[Value],
    stores: &[Value],
    emitter: &mut Emitter,
    places: &mut Vec<Option<Operand>>,
) -> Pass {
    let program = facts.program;
    let sum_of = |v: &Value| match program.node(*v) {
        Node::Sum(operand) => Some((*v, *operand)),
        _ => None,
    };
    let sums: Vec<(Value, Value)> = reductions.iter().filter_map(sum_of).collect();
    // What stands in its place at the end of a block.
    let mut roots: Vec<Value> = stores.to_vec();
    let scatters = || reductions.iter().filter(|v| matches!(program.node(**v), Node::Scatter { .. }));
    scatters().for_each(|v| program.node(*v).visit(|operand| roots.push(operand)));
    let mut needed = vec![false; program.nodes.len()];
    roots.iter().for_each(|v| needed[v.index()] = true);
    let operands: Vec<Value> = sums.iter().map(|(_, operand)| *operand).collect();
    let groups = group(facts, &operands);
    groups.iter().flat_map(Sums::operands).for_each(|v| needed[v.index()] = true);
    for value in program.values().rev().filter(|v| facts.by_row(*v)) {
        if needed[value.index()] {
            program.node(value).visit(|v| needed[v.index()] = true);
        }
    }
    let computed = |v: &Value| needed[v.index()] && facts.by_row(*v) && !matches!(program.node(*v), Node::Column(_));
    let selected: Vec<Value> = program.values().filter(computed).collect();
    emitter.begin_pass();
    emitter.sums = groups;
    let mut pass = Pass { rows: emitter.steps(facts, &selected, &roots, &[], places), ..Pass::default() };
    for (value, _) in &sums {
        let to = emitter.uniform(1);
        pass.sums.push(to);
        places[value.index()] = Some(Operand::Uniform(to));
    }
    let place = |v: Value, places: &[Option<Operand>]| places[v.index()].expect("a value of the pass has a place");
    for value in scatters() {
        let Node::Scatter { index, number, size } = program.node(*value) else { continue };
        let to = emitter.uniform(*size);
        let (index, number) = (place(*index, places), place(*number, places));
        places[value.index()] = Some(Operand::Uniform(to));
        pass.scatters.push(Scatter { index, number, to, size: *size });
    }
    pass.stores = stores.iter().enumerate().map(|(k, v)| (place(*v, places), k as u32)).collect();
    pass
}

/// A sum of a value that is the same for every row is that value times the number of rows. What was computed twice
/// still is.
pub fn multiply_uniform_sums<'a>(program: &'a Program, rates: &[Rate], count: usize) -> Cow<'a, Program> {
    let is_uniform = |node: &Node| matches!(node, Node::Sum(operand) if !rates[operand.index()].by_row());
    if !program.nodes.iter().any(is_uniform) {
        return Cow::Borrowed(program);
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(program.nodes.len());
    let mut place: Vec<Value> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let node = node.map(|v| place[v.index()]);
        let last = |nodes: &[Node]| Value(nodes.len() as u32 - 1);
        match node {
            Node::Sum(operand) if !rates[program.nodes[place.len()].operands()[0].index()].by_row() => {
                let factor = count as f64;
                match nodes[operand.index()].constant() {
                    Some(number) => nodes.push(Node::Constant((factor * number).to_bits())),
                    None => {
                        nodes.push(Node::Constant(factor.to_bits()));
                        let factor = last(&nodes);
                        nodes.push(Node::Apply(Operator::Multiply, [factor, operand, factor]));
                    }
                }
            }
            node => nodes.push(node),
        }
        place.push(last(&nodes));
    }
    let outputs: Vec<Value> = program.outputs.iter().map(|v| place[v.index()]).collect();
    Cow::Owned(Program { nodes, outputs, inputs: program.inputs, columns: program.columns })
}

/// Row numbers become a column.
pub fn number_rows(mut program: Cow<Program>, mut rows: Rows) -> (Cow<Program>, Rows) {
    if program.nodes.contains(&Node::Row) {
        let column = rows.columns.len() as u32;
        let program = program.to_mut();
        rows.push(&(0..rows.count).map(|row| row as f64).collect::<Vec<f64>>());
        program.nodes.iter_mut().filter(|node| **node == Node::Row).for_each(|node| *node = Node::Column(column));
        program.columns = rows.columns.len();
    }
    (program, rows)
}

/// Computes once what depends on the data alone, where that is worth a column; those nodes become columns.
/// `rates` are those of the nodes.
pub fn hoist_data<'a>(
    mut program: Cow<'a, Program>,
    mut rows: Rows,
    rates: &[Rate],
    level: Level,
) -> (Cow<'a, Program>, Rows) {
    let is_work = |v: Value| rates[v.index()] == Rate::Data && !matches!(program.node(v), Node::Column(_));
    if rows.count == 0 || !program.values().any(is_work) {
        return (program, rows);
    }
    let needed = program.needed();
    let sizes = program.sizes();
    let mut costs = vec![0u32; program.nodes.len()];
    let mut used_by_rows = vec![false; program.nodes.len()];
    for (index, node) in program.nodes.iter().enumerate() {
        let mut below = 0u32;
        node.visit(|v| below = below.saturating_add(costs[v.index()]));
        costs[index] = match node {
            Node::Apply(operator, _) => below.saturating_add(operator.row().cost),
            Node::Loop(_) => u32::MAX,
            _ => below,
        };
        if needed[index] && rates[index] != Rate::Data {
            node.visit(|v| used_by_rows[v.index()] = true);
        }
    }
    let worth = |v: &Value| {
        let index = v.index();
        let number = sizes[index].is_none() && !matches!(program.nodes[index], Node::Loop(_));
        number && used_by_rows[index] && rates[index] == Rate::Data && costs[index] >= WORTH_A_COLUMN
    };
    let room = HOISTED / (8 * rows.count.max(1));
    let hoisted: Vec<Value> = program.values().filter(worth).take(room).collect();
    if hoisted.is_empty() {
        return (program, rows);
    }
    let alone = program.restricted(&hoisted);
    let kernel = assemble(&alone, alone.rates(), rows.clone(), level);
    let computed = kernel.rows(&vec![f64::NAN; program.inputs], &mut Workspace::default());
    let program_of_rest = program.to_mut();
    for (value, column) in hoisted.iter().zip(&computed) {
        program_of_rest.nodes[value.index()] = Node::Column(rows.columns.len() as u32);
        rows.push(column);
    }
    program_of_rest.columns = rows.columns.len();
    (program, rows)
}
