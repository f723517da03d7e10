//! Numbers of a record in few characters, all of them to the last bit: base64 of counts, and of doubles as they are.
//!
//! Counts are in groups of seven bits, the lowest first, all but the last with the eighth bit set; doubles are eight bytes,
//! the lowest first.
//!
//! Of each point of the **trace**, of which most of a long record is: a byte whose lowest bit says whether there is a norm of
//! the gradient. Its second bit says that the iteration is the next one, and that its third and fourth bits are the
//! gradients since the point before, the others the evaluations; else these three differences follow as counts. Then the loss,
//! and the norm, each by the bytes in which it differs from that of the point before (zero at first): how many of them there
//! are, from the lowest on, is in one byte for both, sixteen times that of the norm plus that of the loss.
//!
//! Of each **interval**: the parameter, then a byte of flags, then what the flags name. 1: an estimate that is not the
//! parameter's own number; 2: a standard error; 4, 8: a lower, an upper end; 16: both ends, which are near to the estimate less
//! and plus the standard error times a factor that all share, by the bytes in which they differ from that, as the doubles of
//! the trace.
//!
//! `trace.csv` and `intervals.csv` have them in words.

use crate::record::{Interval, TracePoint};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn write_numbers(numbers: &[f64]) -> String {
    encode(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

pub(super) fn read_numbers(text: &str) -> Option<Vec<f64>> {
    let bytes = decode(text)?;
    let (eights, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| eights.iter().map(|eight| f64::from_le_bytes(*eight)).collect())
}

pub(super) fn write_trace(trace: &[TracePoint]) -> String {
    let mut bytes = Vec::with_capacity(20 * trace.len());
    let (mut before, mut doubles) = ([0u64; 3], [0u64; 2]);
    for point in trace {
        let now = [point.iteration, point.evaluations, point.gradients];
        let since @ [iteration, evaluations, gradients] = [0, 1, 2].map(|k| now[k].wrapping_sub(before[k]));
        let normed = u8::from(point.gradient_norm.is_some());
        if iteration == 1 && evaluations < 16 && gradients < 4 {
            bytes.push(normed | 2 | (gradients as u8) << 2 | (evaluations as u8) << 4);
        } else {
            bytes.push(normed);
            since.iter().for_each(|count| add_count(*count, &mut bytes));
        }
        let bits = [point.loss.to_bits(), point.gradient_norm.map_or(doubles[1], f64::to_bits)];
        add_changed([0, 1].map(|k| bits[k] ^ doubles[k]), &mut bytes);
        (before, doubles) = (now, bits);
    }
    encode(&bytes)
}

/// None for a text that `write_trace` does not give.
pub(super) fn read_trace(text: &str) -> Option<Vec<TracePoint>> {
    let bytes = decode(text)?;
    let mut rest = &bytes[..];
    let mut trace: Vec<TracePoint> = Vec::with_capacity(bytes.len() / 14 + 1);
    let (mut now, mut doubles) = ([0u64; 3], [0u64; 2]);
    while !rest.is_empty() {
        let first = *rest.split_off_first()?;
        let since = match first & 2 {
            2 => [1, u64::from(first >> 4), u64::from(first >> 2 & 3)],
            _ => [take_count(&mut rest)?, take_count(&mut rest)?, take_count(&mut rest)?],
        };
        now.iter_mut().zip(since).for_each(|(now, since)| *now = now.wrapping_add(since));
        let changed = take_changed(&mut rest)?;
        doubles.iter_mut().zip(changed).for_each(|(double, changed)| *double ^= changed);
        let [loss, norm] = doubles.map(f64::from_bits);
        let [iteration, evaluations, gradients] = now;
        let gradient_norm = (first & 1 == 1).then_some(norm);
        trace.push(TracePoint { iteration, evaluations, gradients, loss, gradient_norm });
    }
    Some(trace)
}

/// Numbers of intervals by one method; `factor` is that of the ends, where it gives them to the last bit.
pub(super) fn write_intervals(intervals: &[Interval], parameters: &[f64], factor: f64) -> String {
    let mut bytes = Vec::with_capacity(12 * intervals.len());
    for Interval { parameter, estimate, standard_error, lower, upper, .. } in intervals {
        let own = parameters.get(*parameter).is_some_and(|own| own.to_bits() == estimate.to_bits());
        let near = match (standard_error, lower, upper) {
            (Some(error), Some(lower), Some(upper)) => {
                let [below, above] = ends(*estimate, *error, factor);
                Some([lower.to_bits() ^ below, upper.to_bits() ^ above])
            }
            _ => None,
        };
        let (lower, upper) = if near.is_some() { (None, None) } else { (*lower, *upper) };
        let numbers = [(!own).then_some(*estimate), *standard_error, lower, upper];
        let flags = (0..4).map(|k| u8::from(numbers[k].is_some()) << k).sum::<u8>() | u8::from(near.is_some()) << 4;
        add_count(*parameter as u64, &mut bytes);
        bytes.push(flags);
        bytes.extend(numbers.iter().flatten().flat_map(|number| number.to_le_bytes()));
        near.iter().for_each(|changed| add_changed(*changed, &mut bytes));
    }
    encode(&bytes)
}

/// None for a text that `write_intervals` does not give; the words of the intervals are those of `like`.
pub(super) fn read_intervals(text: &str, parameters: &[f64], factor: f64, like: &Interval) -> Option<Vec<Interval>> {
    let bytes = decode(text)?;
    let mut rest = &bytes[..];
    let mut intervals = Vec::new();
    while !rest.is_empty() {
        let parameter = usize::try_from(take_count(&mut rest)?).ok()?;
        let flags = *rest.split_off_first()?;
        let mut numbers = [None; 4];
        for (_, number) in numbers.iter_mut().enumerate().filter(|(k, _)| flags >> k & 1 == 1) {
            *number = Some(f64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?));
        }
        let [estimate, standard_error, mut lower, mut upper] = numbers;
        let estimate = estimate.or(parameters.get(parameter).copied())?;
        if flags & 16 != 0 {
            let (ends, changed) = (ends(estimate, standard_error?, factor), take_changed(&mut rest)?);
            [lower, upper] = [0, 1].map(|k| Some(f64::from_bits(ends[k] ^ changed[k])));
        }
        intervals.push(Interval { parameter, estimate, standard_error, lower, upper, ..like.clone() });
    }
    Some(intervals)
}

/// The bits of the ends as the factor gives them.
fn ends(estimate: f64, standard_error: f64, factor: f64) -> [u64; 2] {
    // A NaN has many bits; which of them a sum has is the machine's own.
    let bits = |end: f64| if end.is_nan() { 0 } else { end.to_bits() };
    [bits(estimate - factor * standard_error), bits(estimate + factor * standard_error)]
}

/// Two doubles by what changed in their bits: how many bytes of each, then these.
fn add_changed(changed: [u64; 2], bytes: &mut Vec<u8>) {
    let counts = changed.map(|changed| 8 - changed.leading_zeros() as usize / 8);
    bytes.push((counts[1] << 4 | counts[0]) as u8);
    changed.iter().zip(counts).for_each(|(changed, count)| bytes.extend(&changed.to_le_bytes()[..count]));
}

fn take_changed(bytes: &mut &[u8]) -> Option<[u64; 2]> {
    let counts = *bytes.split_off_first()?;
    let mut changed = [0; 2];
    for (changed, count) in changed.iter_mut().zip([counts & 15, counts >> 4]) {
        let mut eight = [0; 8];
        eight.get_mut(..usize::from(count))?.copy_from_slice(bytes.split_off(..usize::from(count))?);
        *changed = u64::from_le_bytes(eight);
    }
    Some(changed)
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(4 * bytes.len() / 3 + 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    const VALUES: [u8; 256] = {
        let mut values = [64; 256];
        let mut digit = 0;
        while digit < 64 {
            values[DIGITS[digit] as usize] = digit as u8;
            digit += 1;
        }
        values
    };
    let mut bytes = Vec::with_capacity(3 * text.len() / 4 + 3);
    for four in text.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for digit in four {
            let value = VALUES[usize::from(*digit)];
            bits = bits << 6 | u32::from((value < 64).then_some(value)?);
        }
        let whole = (bits << (6 * (4 - four.len()))).to_be_bytes();
        bytes.extend_from_slice(&whole[1..four.len()]);
    }
    Some(bytes)
}

fn add_count(mut count: u64, bytes: &mut Vec<u8>) {
    while count > 127 {
        bytes.push(count as u8 | 128);
        count >>= 7;
    }
    bytes.push(count as u8);
}

fn take_count(bytes: &mut &[u8]) -> Option<u64> {
    let mut count = 0;
    for group in 0..10 {
        let byte = *bytes.split_off_first()?;
        count |= u64::from(byte & 127) << (7 * group);
        if byte < 128 {
            return Some(count);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = TracePoint> {
        let counts = (any::<u64>(), 0..300u64, any::<u64>());
        (counts, any::<f64>(), proptest::option::of(any::<f64>())).prop_map(
            |((iteration, evaluations, gradients), loss, gradient_norm)| TracePoint {
                iteration,
                evaluations,
                gradients,
                loss,
                gradient_norm,
            },
        )
    }

    fn like() -> Interval {
        Interval {
            parameter: 1,
            method: "fisher".into(),
            level: 0.68,
            estimate: 1.0,
            standard_error: Some(0.25),
            lower: Some(0.75),
            upper: Some(1.25),
            note: String::new(),
        }
    }

    fn interval() -> impl Strategy<Value = Interval> {
        let end = || proptest::option::of(any::<f64>());
        let whole = (0..5usize, any::<f64>(), end(), end(), end());
        prop_oneof![
            whole.prop_map(|(parameter, estimate, standard_error, lower, upper)| Interval {
                parameter,
                estimate,
                standard_error,
                lower,
                upper,
                ..like()
            }),
            Just(like()),
        ]
    }

    /// What is symmetric costs its standard error alone.
    #[test]
    fn ends_that_follow_are_not_written() {
        let text = write_intervals(&[like()], &[0.0, 1.0], 1.0);
        assert_eq!(text.len(), 15, "{text}");
        assert_eq!(read_intervals(&text, &[0.0, 1.0], 1.0, &like()).unwrap(), [like()]);
    }

    fn bits(trace: &[TracePoint]) -> Vec<(u64, u64, u64, u64, Option<u64>)> {
        let bits = |p: &TracePoint| {
            (p.iteration, p.evaluations, p.gradients, p.loss.to_bits(), p.gradient_norm.map(f64::to_bits))
        };
        trace.iter().map(bits).collect()
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(trace in proptest::collection::vec(point(), 0..9)) {
            let text = write_trace(&trace);
            prop_assert_eq!(bits(&read_trace(&text).unwrap()), bits(&trace));
        }

        #[test]
        fn intervals_come_back(
            all in proptest::collection::vec(interval(), 0..5), own in proptest::collection::vec(any::<f64>(), 0..4), factor: f64,
        ) {
            let text = write_intervals(&all, &own, factor);
            let like = Interval { parameter: 0, estimate: 0.0, standard_error: None, lower: None, upper: None, ..like() };
            let back = read_intervals(&text, &own, factor, &like).unwrap();
            prop_assert_eq!(format!("{back:?}"), format!("{all:?}"));
            let bits = |all: &[Interval]| all.iter().map(|i| (i.estimate.to_bits(), i.upper.map(f64::to_bits))).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&all));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", digits in "[A-Za-z0-9+/]{0,60}") {
            for text in [text, digits] {
                read_trace(&text);
                read_numbers(&text);
                read_intervals(&text, &[1.0], 1.0, &like());
            }
        }
    }
}
