//! From program to kernel: passes over the rows, slots for live values, work that depends on the data alone done once.

use crate::engine::sum::LEAF;
use crate::engine::{Kernel, Level, Rows, STRIDE, Workspace};
use crate::ir::{Builder, Node, Operator, Program, Rate, Value};

/// One pass over the rows, with the uniform work before it.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    pub uniform: Vec<Instruction>,
    pub rows: Vec<Instruction>,
    /// Row values and the places of the uniform file that receive their sums.
    pub sums: Vec<(Operand, u32)>,
    /// Row values and the stores that keep them.
    pub stores: Vec<(Operand, u32)>,
}

/// An operation; unused operands are repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    pub operator: Operator,
    /// A slot in a row program, a place of the uniform file in a uniform one.
    pub to: u32,
    pub operands: [Operand; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The same number for every row.
    Uniform(u32),
    /// A block of rows that an instruction has written.
    Slot(u32),
    /// A block of a data column.
    Column(u32),
}

#[derive(Clone, Copy, Debug)]
pub enum Output {
    Uniform(u32),
    Rows(u32),
}

/// Live slots should fit the first-level cache.
const CACHE: usize = 32 << 10;

/// Work on the data alone that costs at least so many additions a row becomes a column of its own.
const WORTH_A_COLUMN: u32 = 4;

pub fn compile(program: &Program, rows: &Rows, level: Level) -> Kernel {
    let program = multiply_uniform_sums(program, rows.count);
    let (program, rows) = hoist_data(&program, rows, level);
    let rates = program.rates();
    let needed = program.needed();
    let depths = program.depths();
    let passes = program.values().map(|v| depths[v.index()]).max().unwrap_or(0);
    let mut uniform = UniformFile::new(&program, &rates, &needed);
    let mut kernel = Kernel {
        passes: Vec::new(),
        epilogue: Vec::new(),
        constants: uniform.constants.clone(),
        inputs: program.inputs,
        outputs: Vec::new(),
        uniforms: 0,
        slots: 0,
        block: LEAF,
        rows,
        level,
    };
    let mut stores = Vec::new();
    for output in &program.outputs {
        kernel.outputs.push(if rates[output.index()].by_row() {
            stores.push(*output);
            Output::Rows(stores.len() as u32 - 1)
        } else {
            Output::Uniform(uniform.place(*output))
        });
    }
    // Row outputs are stored in the last pass, when everything that they may use is known.
    let last = if stores.is_empty() { passes } else { passes.max(1) };
    for depth in 0..=last {
        let instructions = uniform_instructions(&program, &rates, &needed, &depths, depth, &mut uniform);
        if depth == last {
            kernel.epilogue = instructions;
            break;
        }
        let sums: Vec<Value> = program
            .values()
            .filter(|v| needed[v.index()] && depths[v.index()] == depth + 1)
            .filter(|v| matches!(program.node(*v), Node::Sum(operand) if rates[operand.index()].by_row()))
            .collect();
        let kept = if depth + 1 == last { &stores[..] } else { &[] };
        let mut pass = rows_pass(&program, &rates, &sums, kept, &mut uniform, &mut kernel.slots);
        pass.uniform = instructions;
        kernel.passes.push(pass);
    }
    kernel.uniforms = uniform.size as usize;
    let fits = CACHE / (8 * (kernel.slots + program.columns).max(1));
    kernel.block = (fits / 64 * 64).clamp(64, LEAF);
    kernel
}

/// A sum of a value that is the same for every row is that value times the number of rows.
fn multiply_uniform_sums(program: &Program, count: usize) -> Program {
    let rates = program.rates();
    let is_uniform = |node: &Node| matches!(node, Node::Sum(operand) if !rates[operand.index()].by_row());
    if !program.nodes.iter().any(is_uniform) {
        return program.clone();
    }
    let mut builder = Builder::new();
    let mut place: Vec<Value> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let value = match node {
            Node::Sum(operand) if is_uniform(node) => builder.scale(count as f64, place[operand.index()]),
            other => builder.copy(other, &place),
        };
        place.push(value);
    }
    let outputs: Vec<Value> = program.outputs.iter().map(|v| place[v.index()]).collect();
    builder.finish(&outputs, program.inputs, program.columns)
}

/// Where uniform values live.
struct UniformFile {
    places: Vec<Option<u32>>,
    constants: Vec<(u32, f64)>,
    size: u32,
}

impl UniformFile {
    /// Inputs stand first, then constants; the others get their places when they are computed.
    fn new(program: &Program, rates: &[Rate], needed: &[bool]) -> UniformFile {
        let mut file =
            UniformFile { places: vec![None; program.nodes.len()], constants: Vec::new(), size: program.inputs as u32 };
        for value in program.values().filter(|v| needed[v.index()] && !rates[v.index()].by_row()) {
            let place = match program.node(value) {
                Node::Input(k) => *k,
                node => {
                    file.size += 1;
                    if let Some(number) = node.constant() {
                        file.constants.push((file.size - 1, number));
                    }
                    file.size - 1
                }
            };
            file.places[value.index()] = Some(place);
        }
        file
    }

    fn place(&self, value: Value) -> u32 {
        self.places[value.index()].expect("a needed uniform value has a place")
    }
}

fn uniform_instructions(
    program: &Program,
    rates: &[Rate],
    needed: &[bool],
    depths: &[usize],
    depth: usize,
    file: &mut UniformFile,
) -> Vec<Instruction> {
    let mut instructions = Vec::new();
    for value in program.values() {
        let index = value.index();
        if !needed[index] || depths[index] != depth || rates[index].by_row() {
            continue;
        }
        if let Node::Apply(operator, operands) = program.node(value) {
            let operands = operands.map(|v| Operand::Uniform(file.place(v)));
            instructions.push(Instruction { operator: *operator, to: file.place(value), operands });
        }
    }
    instructions
}

/// The instructions on rows that `sums` and `stores` need, with slots shared by values that are not alive together.
fn rows_pass(
    program: &Program,
    rates: &[Rate],
    sums: &[Value],
    stores: &[Value],
    file: &mut UniformFile,
    slots: &mut usize,
) -> Pass {
    let operand_of = |sum: &Value| program.node(*sum).operands()[0];
    let roots: Vec<Value> = sums.iter().map(operand_of).chain(stores.iter().copied()).collect();
    let computed = |v: Value| matches!(program.node(v), Node::Apply(..)) && rates[v.index()].by_row();
    let mut last_use = vec![None; program.nodes.len()];
    let end = program.nodes.len();
    for root in &roots {
        last_use[root.index()] = Some(end);
    }
    for value in program.values().collect::<Vec<_>>().into_iter().rev() {
        if last_use[value.index()].is_some() && computed(value) {
            for operand in program.node(value).operands() {
                last_use[operand.index()].get_or_insert(value.index());
            }
        }
    }
    let mut pass = Pass::default();
    let mut slot = vec![u32::MAX; program.nodes.len()];
    let mut free: Vec<u32> = Vec::new();
    let mut used = 0;
    let operand = |v: Value, slot: &[u32]| match program.node(v) {
        Node::Column(k) => Operand::Column(*k),
        _ if rates[v.index()].by_row() => Operand::Slot(slot[v.index()]),
        _ => Operand::Uniform(file.place(v)),
    };
    for value in program.values().filter(|v| last_use[v.index()].is_some() && computed(*v)) {
        let Node::Apply(operator, operands) = program.node(value) else { continue };
        // The result never stands where an operand does: the loops then have no aliasing.
        let to = free.pop().unwrap_or_else(|| {
            used += 1;
            used - 1
        });
        slot[value.index()] = to;
        pass.rows.push(Instruction { operator: *operator, to, operands: operands.map(|v| operand(v, &slot)) });
        let mut released = Vec::new();
        for v in program.node(value).operands() {
            if computed(*v) && last_use[v.index()] == Some(value.index()) && !released.contains(v) {
                released.push(*v);
                free.push(slot[v.index()]);
            }
        }
    }
    pass.sums = sums.iter().map(|sum| (operand(operand_of(sum), &slot), file.place(*sum))).collect();
    pass.stores = stores.iter().enumerate().map(|(k, v)| (operand(*v, &slot), k as u32)).collect();
    *slots = (*slots).max(used as usize);
    pass
}

/// Computes once what depends on the data alone, where that is worth a column; those nodes become columns.
fn hoist_data(program: &Program, rows: &Rows, level: Level) -> (Program, Rows) {
    let rates = program.rates();
    let needed = program.needed();
    let mut costs = vec![0u32; program.nodes.len()];
    let mut used_by_rows = vec![false; program.nodes.len()];
    for (index, node) in program.nodes.iter().enumerate() {
        if let Node::Apply(operator, _) = node {
            let below = node.operands().iter().map(|v| costs[v.index()]).fold(0u32, u32::saturating_add);
            costs[index] = below.saturating_add(operator.row().cost);
        }
        if needed[index] && rates[index] != Rate::Data {
            for operand in node.operands() {
                used_by_rows[operand.index()] = true;
            }
        }
    }
    let worth = |v: &Value| {
        let index = v.index();
        used_by_rows[index] && rates[index] == Rate::Data && costs[index] >= WORTH_A_COLUMN
    };
    let hoisted: Vec<Value> = program.values().filter(worth).collect();
    if hoisted.is_empty() || rows.count() == 0 {
        return (program.clone(), rows.clone());
    }
    let alone = Program { outputs: hoisted.clone(), ..program.clone() };
    let kernel = compile_bound(&alone, rows, level);
    let computed = kernel.rows(&vec![f64::NAN; program.inputs], &mut Workspace::default());
    let mut program = program.clone();
    let mut rows = rows.clone();
    for (value, column) in hoisted.iter().zip(&computed) {
        program.nodes[value.index()] = Node::Column(rows.columns.len() as u32);
        rows.columns.extend(Rows::new(std::slice::from_ref(column), rows.count).columns);
    }
    program.columns = rows.columns.len();
    (program, rows)
}

/// A kernel for work on the data alone: nothing in it is worth hoisting again.
fn compile_bound(program: &Program, rows: &Rows, level: Level) -> Kernel {
    let rates = program.rates();
    let needed = program.needed();
    let mut file = UniformFile::new(program, &rates, &needed);
    let mut slots = 0;
    let mut pass = rows_pass(program, &rates, &[], &program.outputs, &mut file, &mut slots);
    let depths = program.depths();
    pass.uniform = uniform_instructions(program, &rates, &needed, &depths, 0, &mut file);
    Kernel {
        passes: vec![pass],
        epilogue: Vec::new(),
        constants: file.constants.clone(),
        inputs: program.inputs,
        outputs: (0..program.outputs.len() as u32).map(Output::Rows).collect(),
        uniforms: file.size as usize,
        slots,
        block: (4 * STRIDE).min(LEAF),
        rows: rows.clone(),
        level,
    }
}
