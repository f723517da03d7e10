//! What stands at a place of a line: a number, or sixteen of them, one for each of sixteen points.

#![expect(clippy::needless_range_loop, reason = "several arrays side by side, lane by lane")]

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::engine::block::{position, unary_block};
use crate::ir::Operator;
use crate::ir::op::{floor_divide, modulo, operators, truth};
use crate::math::{elementary, special};

/// A line is executed on any of these. Everything is inlined, to be compiled for the level of the caller.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// How many numbers it is.
    const LANES: usize;
    /// The same number in every lane.
    fn of(number: f64) -> Self;
    /// The first number, of what is the same in every lane.
    fn first(self) -> f64;
    /// Whether any number is not zero.
    fn any(self) -> bool;
    fn select(test: Self, then: Self, otherwise: Self) -> Self;
    fn apply(operator: Operator, operands: [Self; 3]) -> Self;
    fn element(vector: &[Self], index: Self) -> Self;
    fn replace(vector: &mut [Self], index: Self, element: Self);
    /// Writes to the end of a tape.
    fn save(of: &[Self], tape: &mut Vec<f64>);
    /// Reads what `save` wrote.
    fn load(to: &mut [Self], tape: &[f64]);
}

/// One number for each of sixteen points.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Sixteen(pub [f64; 16]);

macro_rules! arithmetic {
    ($($trait:ident $function:ident $operator:tt)*) => {
        $(impl $trait for Sixteen {
            type Output = Sixteen;

            #[inline(always)]
            fn $function(self, other: Sixteen) -> Sixteen {
                let mut to = [0.0; 16];
                for k in 0..16 {
                    to[k] = self.0[k] $operator other.0[k];
                }
                Sixteen(to)
            }
        })*
    };
}
arithmetic!(Add add + Sub sub - Mul mul * Div div /);

impl Neg for Sixteen {
    type Output = Sixteen;

    #[inline(always)]
    fn neg(self) -> Sixteen {
        let mut to = [0.0; 16];
        for k in 0..16 {
            to[k] = -self.0[k];
        }
        Sixteen(to)
    }
}

macro_rules! values {
    (
        unary { $(($u:ident, $un:literal, $uc:literal, $us:ident, [$($ux:expr),*], |$ua:ident| $uv:expr, $up:expr))* }
        binary { $(($b:ident, $bn:literal, $bc:literal, $bs:ident, [$($bx:expr),*], |$ba:ident, $bb:ident| $bv:expr, $bp:expr, $bq:expr))* }
        ternary { $(($t:ident, $tn:literal, $tc:literal, $ts:ident, [$($tx:expr),*], |$ta:ident, $tb:ident, $td:ident| $tv:expr, $tp:expr, $tq:expr, $tr:expr))* }
    ) => {
        /// The value of an operator.
        #[inline(always)]
        fn value(operator: Operator, x: [f64; 3]) -> f64 {
            match operator {
                $(Operator::$u => { let $ua = x[0]; $uv })*
                $(Operator::$b => { let ($ba, $bb) = (x[0], x[1]); $bv })*
                $(Operator::$t => { let ($ta, $tb, $td) = (x[0], x[1], x[2]); $tv })*
            }
        }

        /// The values of an operator, in vector instructions where there are such loops.
        #[inline(always)]
        fn values(operator: Operator, to: &mut [f64; 16], a: &[f64; 16], b: &[f64; 16], c: &[f64; 16]) {
            match operator {
                $(Operator::$u => {
                    if !unary_block(Operator::$u, to, a) {
                        for (to, a) in to.iter_mut().zip(a) {
                            let $ua = *a;
                            *to = $uv;
                        }
                    }
                })*
                $(Operator::$b => {
                    if Operator::$b == Operator::Power {
                        elementary::block::pow(to, a, b);
                    } else {
                        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                            let ($ba, $bb) = (*a, *b);
                            *to = $bv;
                        }
                    }
                })*
                $(Operator::$t => {
                    for (((to, a), b), c) in to.iter_mut().zip(a).zip(b).zip(c) {
                        let ($ta, $tb, $td) = (*a, *b, *c);
                        *to = $tv;
                    }
                })*
            }
        }
    };
}
operators!(values);

impl Number for f64 {
    const LANES: usize = 1;

    #[inline(always)]
    fn of(number: f64) -> f64 {
        number
    }

    #[inline(always)]
    fn first(self) -> f64 {
        self
    }

    #[inline(always)]
    fn any(self) -> bool {
        self != 0.0
    }

    #[inline(always)]
    fn select(test: f64, then: f64, otherwise: f64) -> f64 {
        if test != 0.0 { then } else { otherwise }
    }

    #[inline(always)]
    fn apply(operator: Operator, operands: [f64; 3]) -> f64 {
        value(operator, operands)
    }

    #[inline(always)]
    fn element(vector: &[f64], index: f64) -> f64 {
        position(index, vector.len() as u32).map_or(f64::NAN, |k| vector[k as usize])
    }

    #[inline(always)]
    fn replace(vector: &mut [f64], index: f64, element: f64) {
        if let Some(k) = position(index, vector.len() as u32) {
            vector[k as usize] = element;
        }
    }

    #[inline(always)]
    fn save(of: &[f64], tape: &mut Vec<f64>) {
        tape.extend_from_slice(of);
    }

    #[inline(always)]
    fn load(to: &mut [f64], tape: &[f64]) {
        to.copy_from_slice(tape);
    }
}

impl Sixteen {
    /// Whether every lane has the same number: the index of a step, above all.
    #[inline(always)]
    fn is_one(self) -> bool {
        let mut differ = false;
        for k in 1..16 {
            differ |= self.0[k] != self.0[0];
        }
        !differ
    }
}

impl Number for Sixteen {
    const LANES: usize = 16;

    #[inline(always)]
    fn of(number: f64) -> Sixteen {
        Sixteen([number; 16])
    }

    #[inline(always)]
    fn first(self) -> f64 {
        self.0[0]
    }

    #[inline(always)]
    fn any(self) -> bool {
        let mut any = false;
        for k in 0..16 {
            any |= self.0[k] != 0.0;
        }
        any
    }

    #[inline(always)]
    fn select(test: Sixteen, then: Sixteen, otherwise: Sixteen) -> Sixteen {
        let mut to = [0.0; 16];
        for k in 0..16 {
            to[k] = if test.0[k] != 0.0 { then.0[k] } else { otherwise.0[k] };
        }
        Sixteen(to)
    }

    #[inline(always)]
    fn apply(operator: Operator, [a, b, c]: [Sixteen; 3]) -> Sixteen {
        let mut to = [0.0; 16];
        values(operator, &mut to, &a.0, &b.0, &c.0);
        Sixteen(to)
    }

    #[inline(always)]
    fn element(vector: &[Sixteen], index: Sixteen) -> Sixteen {
        if index.is_one() {
            return position(index.first(), vector.len() as u32)
                .map_or(Sixteen([f64::NAN; 16]), |k| vector[k as usize]);
        }
        let mut to = [f64::NAN; 16];
        for lane in 0..16 {
            if let Some(k) = position(index.0[lane], vector.len() as u32) {
                to[lane] = vector[k as usize].0[lane];
            }
        }
        Sixteen(to)
    }

    #[inline(always)]
    fn replace(vector: &mut [Sixteen], index: Sixteen, element: Sixteen) {
        if index.is_one() {
            if let Some(k) = position(index.first(), vector.len() as u32) {
                vector[k as usize] = element;
            }
            return;
        }
        for lane in 0..16 {
            if let Some(k) = position(index.0[lane], vector.len() as u32) {
                vector[k as usize].0[lane] = element.0[lane];
            }
        }
    }

    #[inline(always)]
    fn save(of: &[Sixteen], tape: &mut Vec<f64>) {
        of.iter().for_each(|number| tape.extend_from_slice(&number.0));
    }

    #[inline(always)]
    fn load(to: &mut [Sixteen], tape: &[f64]) {
        for (to, saved) in to.iter_mut().zip(tape.chunks(16)) {
            to.0.copy_from_slice(saved);
        }
    }
}
