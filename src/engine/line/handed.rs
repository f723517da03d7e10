//! Executes lists of work on numbers, in which results are handed on from one instruction to the next in a register.
//!
//! Written once and compiled for each level, as `execute` is, which does all but arithmetic: so that nothing else is live
//! here, and the result stays in a register, of sixteen numbers, too.

use std::slice;

use crate::engine::line::Line;
use crate::engine::line::execute::{self, Files};
use crate::engine::line::flat::{Do, Flat};
use crate::engine::line::number::Number;
use crate::engine::line::one::{arithmetic, dispatch, one, result};

macro_rules! executor {
    ($name:ident $(, #[$features:meta])?) => {
        pub mod $name {
            use super::*;

            $(#[$features])?
            pub fn codes<T: Number, const W: usize>(line: &Line, codes: &[Flat], files: &mut Files<T, W>) {
                let mut last = T::of(0.0);
                let mut rest = codes.iter();
                loop {
                    // In a local, so that it stays in registers.
                    let numbers = &mut *files.numbers;
                    let other = loop {
                        let Some(code) = rest.next() else { return };
                        arithmetic! { dispatch, code, numbers, last, {
                            Do::Element => {
                                one!(Element, code, numbers, lanes);
                                last = numbers[code.to as usize];
                            }
                            Do::Replace => one!(Replace, code, numbers, lanes),
                            Do::Copy => numbers[code.to as usize] = numbers[code.a as usize],
                            Do::Negate => numbers[code.to as usize] = -numbers[code.a as usize],
                            Do::Divide => {
                                numbers[code.to as usize] = numbers[code.a as usize] / numbers[code.b as usize];
                            }
                            _ => break code,
                        }}
                    };
                    execute::$name::placed(line, slice::from_ref(other), files);
                    last = T::of(0.0);
                }
            }
        }
    };
}

executor!(portable);
#[cfg(target_arch = "x86_64")]
executor!(avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
executor!(avx512, #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]);
