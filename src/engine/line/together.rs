//! Executes lists of values and their tangents: one jump for both, or for a chain of such pairs, each of which takes the
//! result of the one before.
//!
//! Written once and compiled for each level, as `execute` is, which does all that is not here: so that nothing else is
//! live, and places and lengths stay in registers. A result that the next pair takes is handed on inside the instruction
//! and stored as well: what goes through memory waits some ten cycles, twice as long as the operations take.

use std::slice;

use crate::engine::block::position;
use crate::engine::line::Line;
use crate::engine::line::execute::{self, Files};
use crate::engine::line::flat::{Do, Flat};
use crate::engine::line::lanes::{Eight, each, in_lanes, operand};
use crate::engine::line::number::Number;
use crate::engine::line::one::{one, put};

macro_rules! executor {
    ($name:ident $(, #[$features:meta])?) => {
        pub mod $name {
            use super::*;

            $(#[$features])?
            pub fn codes<T: Number, const W: usize>(line: &Line, codes: &[Flat], files: &mut Files<T, W>) {
                let mut rest = codes;
                loop {
                    // In locals, so that they stay in registers.
                    let (numbers, lanes) = (&mut *files.numbers, &mut *files.lanes);
                    let other = loop {
                        let [code, after @ ..] = rest else { return };
                        macro_rules! single {
                            ($first:ident) => {{
                                one!($first, code, numbers, lanes);
                                rest = after;
                            }};
                        }
                        macro_rules! two {
                            ($first:ident, $second:ident) => {{
                                let [second, after @ ..] = after else { return };
                                one!($first, code, numbers, lanes);
                                one!($second, second, numbers, lanes);
                                rest = after;
                            }};
                        }
                        macro_rules! at {
                            ($code:ident.$operand:ident) => {
                                numbers[$code.$operand as usize]
                            };
                        }
                        // A value and its tangents, by the next two instructions; both are stored.
                        macro_rules! pair {
                            ($code:ident, $value:expr, $then:ident, $tangents:expr) => {{
                                let [$code, $then, after @ ..] = rest else { return };
                                rest = after;
                                let value = $value;
                                at!($code.to) = value;
                                let tangents = $tangents;
                                lanes[$then.to as usize] = tangents;
                                (value, tangents)
                            }};
                        }
                        macro_rules! products {
                            ($code:ident, $handed:ident) => {{
                                let n = $handed.0.first();
                                in_lanes!(numbers, lanes, [m = $code.c], [x = $code.b], [], [y = $handed.1], (n * x) + (m * y))
                            }};
                        }
                        // The links of chains, named as in `chain`: the first, or one that is given value and tangents.
                        macro_rules! link {
                            (Spread) => {
                                pair!(code, at!(code.a) * at!(code.b), then, {
                                    in_lanes!(
                                        numbers, lanes, [n = then.a, m = then.d], [x = then.b, test = then.c], [], [],
                                        (n * x) + if test != 0.0 { m } else { -0.0 }
                                    )
                                })
                            };
                            (Subtract) => {
                                pair!(code, (at!(code.a) * at!(code.b)) - at!(code.c), then, {
                                    in_lanes!(numbers, lanes, [], [x = then.a, y = then.b], [], [], x - y)
                                })
                            };
                            (MultiplyAdd) => {
                                pair!(code, (at!(code.a) * at!(code.b)) + at!(code.c), then, {
                                    in_lanes!(numbers, lanes, [n = then.a], [x = then.b, y = then.c], [], [], (n * x) + y)
                                })
                            };
                            (AddMultiply) => {
                                pair!(code, (at!(code.a) + at!(code.b)) * at!(code.c), then, {
                                    in_lanes!(numbers, lanes, [n = then.c], [x = then.a, y = then.b], [], [], (x + y) * n)
                                })
                            };
                            (Product, $handed:ident) => {
                                pair!(code, $handed.0 * at!(code.b), then, products!(then, $handed))
                            };
                            (Products, $handed:ident) => {{
                                let [then, after @ ..] = rest else { return };
                                rest = after;
                                let tangents = products!(then, $handed);
                                lanes[then.to as usize] = tangents;
                                ($handed.0, tangents)
                            }};
                            (From, $handed:ident) => {
                                pair!(code, (at!(code.a) * at!(code.b)) - $handed.0, then, {
                                    in_lanes!(numbers, lanes, [], [x = then.a], [], [y = $handed.1], x - y)
                                })
                            };
                            (Step, $handed:ident) => {
                                pair!(code, (at!(code.a) * $handed.0) + at!(code.c), then, {
                                    in_lanes!(numbers, lanes, [n = then.a], [y = then.c], [], [x = $handed.1], (n * x) + y)
                                })
                            };
                            (Term, $handed:ident) => {
                                pair!(code, (at!(code.a) * at!(code.b)) + $handed.0, then, {
                                    in_lanes!(numbers, lanes, [n = then.a], [x = then.b], [], [y = $handed.1], (n * x) + y)
                                })
                            };
                            (Add, $handed:ident) => {
                                pair!(code, at!(code.a) + $handed.0, then, {
                                    in_lanes!(numbers, lanes, [], [x = then.a], [], [y = $handed.1], x + y)
                                })
                            };
                        }
                        macro_rules! chain {
                            ($a:ident, $b:ident) => {{
                                let handed = link!($a);
                                link!($b, handed)
                            }};
                            ($a:ident, $b:ident, $c:ident) => {{
                                let handed = chain!($a, $b);
                                link!($c, handed)
                            }};
                            ($a:ident, $b:ident, $c:ident, $d:ident) => {{
                                let handed = chain!($a, $b, $c);
                                link!($d, handed)
                            }};
                        }
                        match code.op {
                            Do::Add => single!(Add),
                            Do::Subtract => single!(Subtract),
                            Do::Multiply => single!(Multiply),
                            Do::AddMultiply => single!(AddMultiply),
                            Do::MultiplyAdd => single!(MultiplyAdd),
                            Do::MultiplySubtract => single!(MultiplySubtract),
                            Do::AddLL => single!(AddLL),
                            Do::SubtractLL => single!(SubtractLL),
                            Do::MultiplyNL => single!(MultiplyNL),
                            Do::MultiplyAddNLL => single!(MultiplyAddNLL),
                            Do::AddMultiplyLLN => single!(AddMultiplyLLN),
                            Do::AddAddLLL => single!(AddAddLLL),
                            Do::ProductsNLNL => single!(ProductsNLNL),
                            Do::ProductSpreadNLLN => single!(ProductSpreadNLLN),
                            Do::AddThenAddLL => two!(Add, AddLL),
                            Do::AddMultiplyThenAddMultiplyLLN => two!(AddMultiply, AddMultiplyLLN),
                            Do::MultiplyAddThenMultiplyAddNLL => two!(MultiplyAdd, MultiplyAddNLL),
                            Do::MultiplySubtractThenSubtractLL => two!(MultiplySubtract, SubtractLL),
                            Do::MultiplyThenProductsNLNL => two!(Multiply, ProductsNLNL),
                            Do::MultiplyThenProductSpreadNLLN => two!(Multiply, ProductSpreadNLLN),
                            // At one index; beside lanes, what stands at a place is one number.
                            Do::ElementThenElementLanes => {
                                let [second, after @ ..] = after else { return };
                                rest = after;
                                let at = position(at!(code.b).first(), u32::from(code.d));
                                at!(code.to) = at.map_or(T::of(f64::NAN), |k| numbers[code.a as usize + k as usize]);
                                lanes[second.to as usize] = match at {
                                    Some(k) => operand(numbers, lanes, second.a + k as u16),
                                    None => [Eight([f64::NAN; 8]); W],
                                };
                            }
                            Do::ReplaceThenReplaceLanes => {
                                let [second, after @ ..] = after else { return };
                                rest = after;
                                if let Some(k) = position(at!(code.b).first(), u32::from(code.d)) {
                                    numbers[code.to as usize + k as usize] = at!(code.a);
                                    lanes[second.to as usize + k as usize] = operand(numbers, lanes, second.a);
                                }
                            }
                            Do::SubtractThenMultiplyNL => two!(Subtract, MultiplyNL),
                            Do::MultiplyNLThenAddLL => two!(MultiplyNL, AddLL),
                            Do::MultiplyAddThenAddAddLLL => two!(MultiplyAdd, AddAddLLL),
                            Do::SpreadProduct => _ = chain!(Spread, Product),
                            Do::SpreadProducts => _ = chain!(Spread, Products),
                            Do::SpreadProductFromStep => _ = chain!(Spread, Product, From, Step),
                            Do::SpreadFromStep => _ = chain!(Spread, From, Step),
                            Do::SubtractStep => _ = chain!(Subtract, Step),
                            Do::MultiplyAddTerm => _ = chain!(MultiplyAdd, Term),
                            Do::AddMultiplyAdd => _ = chain!(AddMultiply, Add),
                            _ => break code,
                        }
                    };
                    execute::$name::placed(line, slice::from_ref(other), files);
                    rest = &rest[1..];
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
