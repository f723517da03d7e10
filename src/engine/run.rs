//! Executes a kernel: the one place where instructions meet the loops of the operators.
//!
//! The body is written once and compiled for each `Level`; LLVM vectorises its loops with the features of the level.

use crate::engine::compile::{Instruction, Operand, Pass};
use crate::engine::sum::{LEAF, Sum};
use crate::engine::{Kernel, Level, Rows, STRIDE, Workspace};
use crate::ir::Operator;
use crate::ir::op::{floor_divide, modulo, operators, truth};
use crate::math::{elementary, special};

/// Evaluates; afterwards the uniform file of the workspace holds every uniform value, and `stores` the row outputs.
pub fn run(kernel: &Kernel, inputs: &[f64], workspace: &mut Workspace, stores: &mut [Vec<f64>]) {
    assert_eq!(inputs.len(), kernel.inputs, "inputs of a kernel");
    prepare(kernel, inputs, workspace);
    match kernel.level {
        Level::Portable => body(kernel, workspace, stores),
        // SAFETY: a level is chosen, or tested for, only where `Level::available` has detected its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { body_avx2(kernel, workspace, stores) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { body_avx512(kernel, workspace, stores) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => body(kernel, workspace, stores),
    }
}

fn prepare(kernel: &Kernel, inputs: &[f64], workspace: &mut Workspace) {
    workspace.uniforms.resize(kernel.uniforms.max(inputs.len()), 0.0);
    workspace.uniforms[..inputs.len()].copy_from_slice(inputs);
    for (place, number) in &kernel.constants {
        workspace.uniforms[*place as usize] = *number;
    }
    if workspace.slots.len() < kernel.slots {
        workspace.slots.resize_with(kernel.slots, Vec::new);
    }
    for slot in &mut workspace.slots[..kernel.slots] {
        if slot.len() < LEAF {
            slot.resize(LEAF, 0.0);
        }
    }
    let sums = kernel.passes.iter().map(|pass| pass.sums.len()).max().unwrap_or(0);
    if workspace.sums.len() < sums {
        workspace.sums.resize_with(sums, Sum::default);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]
fn body_avx512(kernel: &Kernel, workspace: &mut Workspace, stores: &mut [Vec<f64>]) {
    body(kernel, workspace, stores)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn body_avx2(kernel: &Kernel, workspace: &mut Workspace, stores: &mut [Vec<f64>]) {
    body(kernel, workspace, stores)
}

#[inline(always)]
fn body(kernel: &Kernel, workspace: &mut Workspace, stores: &mut [Vec<f64>]) {
    let Workspace { uniforms, slots, sums } = workspace;
    for pass in &kernel.passes {
        for instruction in &pass.uniform {
            uniform(instruction, uniforms);
        }
        sums[..pass.sums.len()].iter_mut().for_each(Sum::clear);
        over_rows(pass, kernel, uniforms, slots, sums, stores);
        for ((_, place), sum) in pass.sums.iter().zip(sums.iter_mut()) {
            uniforms[*place as usize] = sum.total();
        }
    }
    for instruction in &kernel.epilogue {
        uniform(instruction, uniforms);
    }
}

#[inline(always)]
fn over_rows(
    pass: &Pass,
    kernel: &Kernel,
    uniforms: &[f64],
    slots: &mut [Vec<f64>],
    sums: &mut [Sum],
    stores: &mut [Vec<f64>],
) {
    let count = kernel.rows.count;
    let mut start = 0;
    while start < count {
        // A block ends where a leaf of the sums ends, if not before.
        let end = (start + kernel.block).min((start / LEAF + 1) * LEAF).min(count);
        let lanes = (end - start).next_multiple_of(STRIDE);
        for instruction in &pass.rows {
            block(instruction, uniforms, slots, &kernel.rows, start, lanes);
        }
        for ((operand, _), sum) in pass.sums.iter().zip(sums.iter_mut()) {
            match operand {
                Operand::Slot(slot) => sum.add(&slots[*slot as usize][..end - start]),
                Operand::Column(column) => sum.add(&kernel.rows.columns[*column as usize][start..end]),
                Operand::Uniform(_) => unreachable!("a sum over rows has a row operand"),
            }
        }
        if !stores.is_empty() {
            for (operand, store) in &pass.stores {
                let to = &mut stores[*store as usize][start..end];
                match operand {
                    Operand::Slot(slot) => to.copy_from_slice(&slots[*slot as usize][..end - start]),
                    Operand::Column(column) => {
                        to.copy_from_slice(&kernel.rows.columns[*column as usize][start..end]);
                    }
                    Operand::Uniform(place) => to.fill(uniforms[*place as usize]),
                }
            }
        }
        start = end;
    }
}

/// A block operand: a slice of rows, or one number for all.
enum Lanes<'a> {
    Rows(&'a [f64]),
    One(f64),
}

#[inline(always)]
fn lanes_of<'a>(
    operand: Operand,
    uniforms: &[f64],
    slots: &'a [Vec<f64>],
    rows: &'a Rows,
    start: usize,
    lanes: usize,
) -> Lanes<'a> {
    match operand {
        Operand::Slot(slot) => Lanes::Rows(&slots[slot as usize][..lanes]),
        Operand::Column(column) => Lanes::Rows(&rows.columns[column as usize][start..start + lanes]),
        Operand::Uniform(place) => Lanes::One(uniforms[place as usize]),
    }
}

macro_rules! execute {
    (
        unary { $(($u:ident, $un:literal, $uc:literal, $us:ident, [$($ux:expr),*], |$ua:ident| $uv:expr, $up:expr))* }
        binary { $(($b:ident, $bn:literal, $bc:literal, $bs:ident, [$($bx:expr),*], |$ba:ident, $bb:ident| $bv:expr, $bp:expr, $bq:expr))* }
        ternary { $(($t:ident, $tn:literal, $tc:literal, $ts:ident, [$($tx:expr),*], |$ta:ident, $tb:ident, $td:ident| $tv:expr, $tp:expr, $tq:expr, $tr:expr))* }
    ) => {
        /// One instruction on uniform values.
        #[inline(always)]
        fn uniform(instruction: &Instruction, file: &mut [f64]) {
            let at = |k: usize| match instruction.operands[k] {
                Operand::Uniform(place) => file[place as usize],
                _ => unreachable!("uniform work has uniform operands"),
            };
            let result = match instruction.operator {
                $(Operator::$u => { let $ua = at(0); $uv })*
                $(Operator::$b => { let ($ba, $bb) = (at(0), at(1)); $bv })*
                $(Operator::$t => { let ($ta, $tb, $td) = (at(0), at(1), at(2)); $tv })*
            };
            file[instruction.to as usize] = result;
        }

        /// One instruction on a block of rows.
        #[inline(always)]
        fn block(
            instruction: &Instruction,
            uniforms: &[f64],
            slots: &mut [Vec<f64>],
            rows: &Rows,
            start: usize,
            lanes: usize,
        ) {
            // The result's slot is taken out while it is written; no operand stands in it.
            let mut result = std::mem::take(&mut slots[instruction.to as usize]);
            let to = &mut result[..lanes];
            let at = |k: usize| lanes_of(instruction.operands[k], uniforms, slots, rows, start, lanes);
            match instruction.operator {
                $(Operator::$u => match at(0) {
                    Lanes::Rows(a) => {
                        for (to, a) in to.iter_mut().zip(a) {
                            let $ua = *a;
                            *to = $uv;
                        }
                    }
                    Lanes::One(_) => unreachable!("row work has a row operand"),
                },)*
                $(Operator::$b => match (at(0), at(1)) {
                    (Lanes::Rows(a), Lanes::Rows(b)) => {
                        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                            let ($ba, $bb) = (*a, *b);
                            *to = $bv;
                        }
                    }
                    (Lanes::Rows(a), Lanes::One($bb)) => {
                        for (to, a) in to.iter_mut().zip(a) {
                            let $ba = *a;
                            *to = $bv;
                        }
                    }
                    (Lanes::One($ba), Lanes::Rows(b)) => {
                        for (to, b) in to.iter_mut().zip(b) {
                            let $bb = *b;
                            *to = $bv;
                        }
                    }
                    (Lanes::One(_), Lanes::One(_)) => unreachable!("row work has a row operand"),
                },)*
                $(Operator::$t => {
                    let operands = [at(0), at(1), at(2)];
                    let pick = |k: usize, i: usize| match &operands[k] {
                        Lanes::Rows(a) => a[i],
                        Lanes::One(a) => *a,
                    };
                    for (i, to) in to.iter_mut().enumerate() {
                        let ($ta, $tb, $td) = (pick(0, i), pick(1, i), pick(2, i));
                        *to = $tv;
                    }
                })*
            }
            slots[instruction.to as usize] = result;
        }
    };
}
operators!(execute);
