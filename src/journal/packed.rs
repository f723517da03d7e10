//! The trace of a run in a few characters: base64 of differences of the counts, and of the doubles as they are.
//!
//! Of each point: the iterations since the point before, doubled, plus one where there is a norm of the gradient; the
//! evaluations and the gradients since; the loss; the norm. Counts are in groups of seven bits, the lowest first, all but
//! the last with the eighth bit set; doubles are eight bytes, the lowest first. A trace is most of a record, and trace.csv
//! has it in words.

use crate::record::TracePoint;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn write(trace: &[TracePoint]) -> String {
    let mut bytes = Vec::with_capacity(20 * trace.len());
    let mut before = [0u64; 3];
    for point in trace {
        let now = [point.iteration, point.evaluations, point.gradients];
        let [iteration, evaluations, gradients] = [0, 1, 2].map(|k| now[k].wrapping_sub(before[k]));
        bytes.push(u8::from(point.gradient_norm.is_some()));
        [iteration, evaluations, gradients].iter().for_each(|count| add_count(*count, &mut bytes));
        bytes.extend(point.loss.to_le_bytes());
        bytes.extend(point.gradient_norm.iter().flat_map(|norm| norm.to_le_bytes()));
        before = now;
    }
    let mut text = String::with_capacity(4 * bytes.len() / 3 + 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

/// None for a text that `write` does not give.
pub(super) fn read(text: &str) -> Option<Vec<TracePoint>> {
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
    let mut rest = &bytes[..];
    let mut trace: Vec<TracePoint> = Vec::with_capacity(bytes.len() / 19 + 1);
    let mut now = [0u64; 3];
    while !rest.is_empty() {
        let normed = *rest.split_off_first()? == 1;
        for count in &mut now {
            *count = count.wrapping_add(take_count(&mut rest)?);
        }
        let mut double = || Some(f64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?));
        let loss = double()?;
        let gradient_norm = if normed { Some(double()?) } else { None };
        let [iteration, evaluations, gradients] = now;
        trace.push(TracePoint { iteration, evaluations, gradients, loss, gradient_norm });
    }
    Some(trace)
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

    fn bits(trace: &[TracePoint]) -> Vec<(u64, u64, u64, u64, Option<u64>)> {
        let bits = |p: &TracePoint| {
            (p.iteration, p.evaluations, p.gradients, p.loss.to_bits(), p.gradient_norm.map(f64::to_bits))
        };
        trace.iter().map(bits).collect()
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(trace in proptest::collection::vec(point(), 0..9)) {
            let text = write(&trace);
            prop_assert_eq!(bits(&read(&text).unwrap()), bits(&trace));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", digits in "[A-Za-z0-9+/]{0,60}") {
            read(&text);
            read(&digits);
        }
    }
}
