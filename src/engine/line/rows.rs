//! Work on each row of the data where directions are lanes: instructions written out for some rows at once.
//!
//! What is done on a row is short: to begin and end a list for each row costs more than the list. So it is written out for
//! sixteen rows, each with places of its own, and what is summed is added up behind it: row r of a leaf in accumulator
//! r mod 16, as `sum` has it.

use std::ops::Range;

use crate::engine::STRIDE;
use crate::engine::code::Operand;
use crate::engine::line::code::{Code, NUMBER, Run};
use crate::engine::line::execute::Files;
use crate::engine::line::flat::Flat;
use crate::engine::line::{Line, chain, together};

/// Instructions of a row beyond which they stand for one row: what is between rows is little beside them.
const LONG: usize = 64;

/// The work on each row.
#[derive(Clone, Debug)]
pub struct OverRows {
    line: Line,
    /// The instructions of `line`, for one row after the other.
    codes: Vec<Flat>,
    /// How many rows they are for, and how many instructions there are for each.
    rows: usize,
    length: usize,
    /// Places of the first row, and the columns whose numbers come there.
    loads: Vec<(usize, usize)>,
    /// From a row's place of a number to that of the next row.
    step: usize,
    numbers: Vec<Summed>,
    lanes: Vec<Summed>,
    /// The places of numbers and of lanes, all in all.
    pub numbers_in_all: usize,
    pub lanes_in_all: usize,
}

/// What is summed.
#[derive(Clone, Copy, Debug)]
pub struct Summed {
    /// Its place in the first row, and from there to that of the next.
    from: usize,
    step: usize,
    /// The first place of its sixteen accumulators.
    pub accumulators: usize,
    /// Where the sum belongs.
    pub to: usize,
}

impl OverRows {
    /// Of the instructions for one row, with `line` for what they refer to. `loads`: columns, and the places of their
    /// numbers. `sums`: summands and sums. Numbers and lanes from `free` on are nobody else's. None where places do not
    /// suffice.
    pub fn new(
        line: Line,
        codes: &[Code],
        loads: &[(u32, u32)],
        sums: &[(Operand, Operand)],
        free: (usize, usize),
    ) -> Option<OverRows> {
        let (mut next_number, mut next_lanes) = free;
        let mut summed = (Vec::new(), Vec::new());
        for (from, to) in sums {
            let (next, of, from, to) = match (*from, *to) {
                (Operand::Uniform(from), Operand::Uniform(to)) => (&mut next_number, &mut summed.0, from, to),
                (Operand::Slot(from), Operand::Slot(to)) => (&mut next_lanes, &mut summed.1, from, to),
                _ => return None,
            };
            of.push(Summed { from: from as usize, step: 0, accumulators: *next, to: to as usize });
            *next += STRIDE;
        }
        let (mut numbers, mut lanes) = summed;
        let (own_numbers, own_lanes) = own(codes, loads).unwrap_or_default();
        let fits = |first: usize, own: &[u16]| first + STRIDE * own.len() <= usize::from(NUMBER);
        let apart = !(own_numbers.is_empty() && own_lanes.is_empty()) && codes.len() <= LONG;
        let apart = apart && fits(next_number, &own_numbers) && fits(next_lanes, &own_lanes);
        let rows = if apart { STRIDE } else { 1 };
        let place = |place: u16, own: &[u16], first: usize, row: usize| match own.binary_search(&place) {
            Ok(k) if apart => (first + row * own.len() + k) as u16,
            _ => place,
        };
        let number = |at: u16, row: usize| place(at, &own_numbers, next_number, row);
        let lane = |at: u16, row: usize| place(at, &own_lanes, next_lanes, row);
        let mut flat = Vec::new();
        for row in 0..rows {
            let moved: Vec<Code> =
                codes.iter().map(|code| code.moved(|at| number(at, row), |at| lane(at, row))).collect();
            flat.extend(chain::together(&moved));
        }
        let first = |at: u32, place: &dyn Fn(u16, usize) -> u16| Some(usize::from(place(u16::try_from(at).ok()?, 0)));
        let loads = loads.iter().map(|(column, at)| Some((first(*at, &number)?, *column as usize)));
        let loads = loads.collect::<Option<Vec<_>>>()?;
        for (sums, place) in [(&mut numbers, &number as &dyn Fn(u16, usize) -> u16), (&mut lanes, &lane)] {
            for sum in sums {
                let at = u16::try_from(sum.from).ok()?;
                let [first, second] = [0, 1].map(|row| usize::from(place(at, row)));
                (sum.from, sum.step) = (first, second - first);
            }
        }
        Some(OverRows {
            line,
            length: flat.len() / rows,
            codes: flat,
            rows,
            loads,
            step: if apart { own_numbers.len() } else { 0 },
            numbers,
            lanes,
            numbers_in_all: next_number + if apart { rows * own_numbers.len() } else { 0 },
            lanes_in_all: next_lanes + if apart { rows * own_lanes.len() } else { 0 },
        })
    }

    /// What is summed: numbers and lanes.
    pub fn sums(&self) -> (&[Summed], &[Summed]) {
        (&self.numbers, &self.lanes)
    }
}

/// The numbers and the lanes that each row has for itself: what is loaded, and what is written. None where that cannot be
/// told.
fn own(codes: &[Code], loads: &[(u32, u32)]) -> Option<(Vec<u16>, Vec<u16>)> {
    let mut numbers = loads.iter().map(|(_, place)| u16::try_from(*place).ok()).collect::<Option<Vec<u16>>>()?;
    let mut lanes = Vec::new();
    let places = |run: Run| run.first..run.first + run.count;
    for code in codes {
        numbers.extend(places(code.written()?));
        lanes.extend(places(code.lanes_written()?));
    }
    for own in [&mut numbers, &mut lanes] {
        own.sort_unstable();
        own.dedup();
    }
    Some((numbers, lanes))
}

macro_rules! executor {
    ($name:ident $(, #[$features:meta])?) => {
        pub mod $name {
            use super::*;

            /// Works on a range of rows, at most a leaf, and adds to the accumulators.
            $(#[$features])?
            pub fn over_rows<const W: usize>(
                of: &OverRows,
                range: Range<usize>,
                columns: &[&[f64]],
                files: &mut Files<f64, W>,
            ) {
                for start in range.clone().step_by(of.rows) {
                    let rows = of.rows.min(range.end - start);
                    for (place, column) in &of.loads {
                        for (row, number) in columns[*column][start..start + rows].iter().enumerate() {
                            files.numbers[place + row * of.step] = *number;
                        }
                    }
                    together::$name::codes(&of.line, &of.codes[..rows * of.length], files);
                    for sum in &of.numbers {
                        for row in 0..rows {
                            files.numbers[sum.accumulators + (start + row) % STRIDE] +=
                                files.numbers[sum.from + row * sum.step];
                        }
                    }
                    for sum in &of.lanes {
                        for row in 0..rows {
                            let summand = files.lanes[sum.from + row * sum.step];
                            let to = &mut files.lanes[sum.accumulators + (start + row) % STRIDE];
                            for w in 0..W {
                                for k in 0..8 {
                                    to[w].0[k] += summand[w].0[k];
                                }
                            }
                        }
                    }
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
