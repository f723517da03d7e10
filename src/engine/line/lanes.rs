//! Lanes of numbers, and their loops as a macro for `execute`, which compiles them for each level.

use crate::engine::line::code::NUMBER;
use crate::engine::line::number::{Number, Sixteen};

/// Lanes are worked on by eights, which fill a vector register and a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Eight(pub [f64; 8]);

/// The lanes at a place, or its number in each of them.
#[inline(always)]
pub fn operand<T: Number, const W: usize>(numbers: &[T], lanes: &[[Eight; W]], place: u16) -> [Eight; W] {
    match place & NUMBER {
        0 => lanes[place as usize],
        _ => [Eight([numbers[(place & !NUMBER) as usize].first(); 8]); W],
    }
}

/// Two eights from w on; the last one twice where there is no other.
#[inline(always)]
pub fn sixteen<const W: usize>(lanes: &[Eight; W], w: usize) -> Sixteen {
    let (first, second) = (&lanes[w].0, &lanes[(w + 1).min(W - 1)].0);
    let mut both = [0.0; 16];
    both[..8].copy_from_slice(first);
    both[8..].copy_from_slice(second);
    Sixteen(both)
}

/// The sum of `$value` over the first lanes, which are rows.
macro_rules! summed {
    ([$($x:ident),*], $count:ident, $value:expr) => {{
        let mut summands = [[0.0; 8]; W];
        for w in 0..W {
            for k in 0..8 {
                $(let $x = $x[w].0[k];)*
                summands[w][k] = $value;
            }
        }
        of_few(&summands, $count as usize)
    }};
}
pub(super) use summed;

/// `$value` in each lane, of numbers, of lanes, of operands that are either, and of lanes that are handed on.
macro_rules! in_lanes {
    (
        $numbers:ident, $lanes:ident,
        [$($n:ident = $np:expr),*], [$($l:ident = $lp:expr),*], [$($e:ident = $ep:expr),*], [$($h:ident = $handed:expr),*],
        $value:expr
    ) => {{
        // All places are looked at first, so that a number is read into all lanes at once.
        $(let $n = &$numbers[$np as usize];)*
        $(let $l = &$lanes[$lp as usize];)*
        $(let $e = operand($numbers, $lanes, $ep);)*
        $(let $n = $n.first();)*
        let mut to = [Eight([0.0; 8]); W];
        for w in 0..W {
            for k in 0..8 {
                $(let $l = $l[w].0[k];)*
                $(let $e = $e[w].0[k];)*
                $(let $h = $handed[w].0[k];)*
                to[w].0[k] = $value;
            }
        }
        to
    }};
}
pub(super) use in_lanes;

/// The lanes at `$to` become `$value` of numbers, of lanes, and of operands that are either.
macro_rules! each {
    ($numbers:ident, $lanes:ident, $to:expr, [$($n:ident = $np:expr),*], [$($l:ident = $lp:expr),*], [$($e:ident = $ep:expr),*], $value:expr) => {{
        assert!(($to as usize) < $lanes.len());
        $lanes[$to as usize] =
            in_lanes!($numbers, $lanes, [$($n = $np),*], [$($l = $lp),*], [$($e = $ep),*], [], $value);
    }};
}
pub(super) use each;

/// The lanes at `$to` become the element at an index of its own in each lane.
macro_rules! elements {
    ($numbers:ident, $lanes:ident, $code:ident) => {{
        let index = operand($numbers, $lanes, $code.b);
        let mut lanes = [Eight([f64::NAN; 8]); W];
        for w in 0..W {
            for k in 0..8 {
                if let Some(at) = position(index[w].0[k], u32::from($code.d)) {
                    lanes[w].0[k] = operand($numbers, $lanes, $code.a + at as u16)[w].0[k];
                }
            }
        }
        $lanes[$code.to as usize] = lanes;
    }};
}
pub(super) use elements;

/// Each lane replaces the element at an index of its own.
macro_rules! replace_elements {
    ($numbers:ident, $lanes:ident, $code:ident) => {{
        let (lanes, index) = (operand($numbers, $lanes, $code.a), operand($numbers, $lanes, $code.b));
        for w in 0..W {
            for k in 0..8 {
                if let Some(at) = position(index[w].0[k], u32::from($code.d)) {
                    $lanes[$code.to as usize + at as usize][w].0[k] = lanes[w].0[k];
                }
            }
        }
    }};
}
pub(super) use replace_elements;
