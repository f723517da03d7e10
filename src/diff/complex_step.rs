//! The complex step: the program carried to complex numbers, evaluated once for each input.

use std::collections::HashMap;

use crate::engine::{Kernel, Lanes, Workspace};
use crate::ir::complex::{self, Complex};
use crate::ir::{Builder, Loop, Node, Operator, Program, Value};

/// The program of 2n inputs, real parts and imaginary parts of the point, with real and imaginary part of every output
/// as its outputs.
pub fn transform(program: &Program) -> Program {
    let n = program.inputs;
    let mut b = Builder::with_room(3 * program.nodes.len());
    let inputs: Vec<Complex> = (0..n).map(|k| Complex { re: b.input(k), im: Some(b.input(n + k)) }).collect();
    let columns: Vec<Value> = (0..program.columns).map(|k| b.column(k)).collect();
    let place = carry_over(&mut b, program, &inputs, &columns);
    let zero = b.constant(0.0);
    let parts = |v: &Value| [place[v.index()].re, place[v.index()].im.unwrap_or(zero)];
    let outputs: Vec<Value> = program.outputs.iter().flat_map(parts).collect();
    b.finish(&outputs, 2 * n, program.columns)
}

/// Every node of a program as a complex number of the builder.
fn carry_over(b: &mut Builder, program: &Program, inputs: &[Complex], columns: &[Value]) -> Vec<Complex> {
    let mut place: Vec<Complex> = Vec::with_capacity(program.nodes.len());
    let mut loops: HashMap<Value, Vec<Complex>> = HashMap::new();
    for (position, node) in program.nodes.iter().enumerate() {
        let at = |v: &Value| place[v.index()];
        place.push(match node {
            Node::Input(k) | Node::VectorInput(k, _) => inputs[*k as usize],
            Node::Column(k) => Complex::real(columns[*k as usize]),
            Node::Constant(_) | Node::Row => Complex::real(b.copy(node, &[])),
            Node::Result { of, index } => loops[of][*index as usize],
            Node::Apply(operator, _) => {
                let operands: Vec<Complex> = node.operands().iter().map(at).collect();
                apply(b, *operator, &operands)
            }
            Node::Sum(operand) => each(at(operand), |part| b.sum(part)),
            Node::Fill(number, size) => each(at(number), |part| b.fill(part, *size)),
            Node::Element { vector, index } => each(at(vector), |part| b.element(part, at(index).re)),
            Node::Scatter { index, number, size } => each(at(number), |part| b.scatter(at(index).re, part, *size)),
            Node::Pack(elements) => {
                let parts: Vec<Complex> = elements.iter().map(at).collect();
                let re: Vec<Value> = parts.iter().map(|z| z.re).collect();
                let zero = b.constant(0.0);
                let im: Vec<Value> = parts.iter().map(|z| z.im.unwrap_or(zero)).collect();
                let any = parts.iter().any(|z| z.im.is_some());
                Complex { re: b.pack(&re), im: any.then(|| b.pack(&im)) }
            }
            Node::Replace { vector, index, element } => {
                let (vector, index, element) = (at(vector), at(index).re, at(element));
                let re = b.replace(vector.re, index, element.re);
                let im = (vector.im.is_some() || element.im.is_some()).then(|| {
                    let size = b.size(vector.re);
                    let whole = vector.im.unwrap_or_else(|| b.zero(size));
                    let part = element.im.unwrap_or_else(|| b.constant(0.0));
                    b.replace(whole, index, part)
                });
                Complex { re, im }
            }
            Node::Loop(body) => {
                let results = carry_loop(b, body, &place);
                loops.insert(Value(position as u32), results);
                // Nobody asks for a loop itself.
                Complex::real(b.constant(0.0))
            }
        });
    }
    place
}

fn each(z: Complex, mut f: impl FnMut(Value) -> Value) -> Complex {
    Complex { re: f(z.re), im: z.im.map(&mut f) }
}

/// Vectors are only selected and added.
fn apply(b: &mut Builder, operator: Operator, z: &[Complex]) -> Complex {
    if operator == Operator::Select && z[0].im.is_none() {
        if z[1].im.is_none() && z[2].im.is_none() {
            return Complex::real(b.select(z[0].re, z[1].re, z[2].re));
        }
        let re = b.select(z[0].re, z[1].re, z[2].re);
        let size = b.size(re);
        let [first, second] = [z[1].im, z[2].im].map(|im| im.unwrap_or_else(|| b.zero(size)));
        return Complex { re, im: Some(b.select(z[0].re, first, second)) };
    }
    complex::apply(b, operator, z)
}

/// The loop that carries real and imaginary parts: its results.
fn carry_loop(b: &mut Builder, body: &Loop, place: &[Complex]) -> Vec<Complex> {
    let initial: Vec<Complex> = body.initial().iter().map(|v| place[v.index()]).collect();
    let captured: Vec<Complex> = body.captured().iter().map(|v| place[v.index()]).collect();
    let sizes: Vec<Option<u32>> = initial.iter().map(|z| b.size(z.re)).collect();
    let mut imaginary: Vec<bool> = initial.iter().map(|z| z.im.is_some()).collect();
    let (inner, inputs, outputs) = loop {
        let mut inner = Builder::new();
        let mut position = 0;
        let mut input = |b: &mut Builder, size: Option<u32>| {
            position += 1;
            b.input_like(position - 1, size)
        };
        let mut inputs = vec![Complex::real(input(&mut inner, None))];
        for (size, imaginary) in sizes.iter().zip(&imaginary) {
            let re = input(&mut inner, *size);
            inputs.push(Complex { re, im: imaginary.then(|| input(&mut inner, *size)) });
        }
        for z in &captured {
            let size = b.size(z.re);
            let re = input(&mut inner, size);
            inputs.push(Complex { re, im: z.im.map(|_| input(&mut inner, size)) });
        }
        let nodes = carry_over(&mut inner, &body.body, &inputs, &[]);
        let outputs: Vec<Complex> = body.body.outputs.iter().map(|v| nodes[v.index()]).collect();
        let grown: Vec<bool> = imaginary.iter().zip(&outputs).map(|(a, z)| *a || z.im.is_some()).collect();
        if grown == imaginary {
            break (inner, position, outputs);
        }
        imaginary = grown;
    };
    let mut inner = inner;
    let mut operands: Vec<Value> = body.count().iter().map(|v| place[v.index()].re).collect();
    let mut next = Vec::new();
    for (k, z) in initial.iter().enumerate() {
        operands.push(z.re);
        next.push(outputs[k].re);
        if imaginary[k] {
            operands.push(z.im.unwrap_or_else(|| b.zero(sizes[k])));
            next.push(outputs[k].im.unwrap_or_else(|| inner.zero(sizes[k])));
        }
    }
    let carried = next.len();
    for z in &captured {
        operands.extend([z.re].into_iter().chain(z.im));
    }
    next.extend(outputs[body.carried..].iter().map(|z| z.re));
    let whole = Loop { kind: body.kind, carried, body: inner.finish(&next, inputs, 0).into(), operands };
    let mut results = b.add_loop(whole).1.into_iter();
    let mut take = || results.next().expect("a result for each part");
    imaginary.iter().map(|imaginary| Complex { re: take(), im: imaginary.then(&mut take) }).collect()
}

/// Im f(x + ih e_k)/h in each input k; together where points are in lanes.
pub fn gradient(
    kernel: &Kernel,
    point: &[f64],
    step_at: &dyn Fn(f64) -> f64,
    wanted: Option<Lanes>,
    workspace: &mut Workspace,
    gradient: &mut [f64],
) {
    let n = point.len();
    let mut inputs = vec![0.0; 2 * n];
    inputs[..n].copy_from_slice(point);
    if kernel.lanes_of_stencil(wanted, n).lanes == Lanes::Points {
        let moved = |k: usize| {
            let mut moved = inputs.clone();
            moved[n + k] = step_at(point[k]);
            moved
        };
        let mut results = vec![0.0; 2 * n];
        kernel.evaluate_many(wanted, &(0..n).map(moved).collect::<Vec<_>>(), workspace, &mut results);
        for (k, slope) in gradient.iter_mut().enumerate() {
            *slope = results[2 * k + 1] / step_at(point[k]);
        }
        return;
    }
    let mut result = [0.0; 2];
    for (k, slope) in gradient.iter_mut().enumerate() {
        let h = step_at(point[k]);
        inputs[n + k] = h;
        kernel.evaluate(&inputs, workspace, &mut result);
        *slope = result[1] / h;
        inputs[n + k] = 0.0;
    }
}
