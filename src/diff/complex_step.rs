//! The complex step: the program carried to complex numbers, evaluated once for each input.

use crate::diff::Objective;
use crate::engine::{Kernel, Workspace};
use crate::ir::complex::{self, Complex};
use crate::ir::{Builder, Node, Program};

/// The program of 2n inputs, real parts and imaginary parts of the point, with real and imaginary part of the first
/// output as its outputs.
pub fn transform(program: &Program) -> Program {
    let n = program.inputs;
    let mut builder = Builder::new();
    let mut place: Vec<Complex> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        place.push(match node {
            Node::Constant(bits) => Complex::real(builder.constant(f64::from_bits(*bits))),
            Node::Column(k) => Complex::real(builder.column(*k as usize)),
            Node::Input(k) => {
                let k = *k as usize;
                Complex { re: builder.input(k), im: Some(builder.input(n + k)) }
            }
            Node::Apply(operator, _) => {
                let operands: Vec<Complex> = node.operands().iter().map(|v| place[v.index()]).collect();
                complex::apply(&mut builder, *operator, &operands)
            }
            Node::Sum(operand) => {
                let z = place[operand.index()];
                Complex { re: builder.sum(z.re), im: z.im.map(|im| builder.sum(im)) }
            }
        });
    }
    let output = place[program.outputs[0].index()];
    let im = output.im.unwrap_or_else(|| builder.constant(0.0));
    builder.finish(&[output.re, im], 2 * n, program.columns)
}

/// Im f(x + ih e_k)/h in each input k.
pub fn gradient(
    objective: &Objective,
    kernel: &Kernel,
    point: &[f64],
    workspace: &mut Workspace,
    gradient: &mut [f64],
) {
    let n = point.len();
    let mut inputs = vec![0.0; 2 * n];
    inputs[..n].copy_from_slice(point);
    let mut result = [0.0; 2];
    for (k, slope) in gradient.iter_mut().enumerate() {
        let h = objective.step_at(point[k]);
        inputs[n + k] = h;
        kernel.evaluate(&inputs, workspace, &mut result);
        *slope = result[1] / h;
        inputs[n + k] = 0.0;
    }
}
