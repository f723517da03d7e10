//! What records say in words, in few bits: phrases that they have often by number, anything else letter by letter.

use super::bits::{Reader, Writer};

/// Part of the journal's format: a change of these needs a new number of it. What is missing here is only longer.
const PHRASES: [&str; 29] = [
    "gradient_tolerance",
    "loss_tolerance",
    "step_tolerance",
    "no_descent",
    "at_bound",
    "target",
    "evaluation_budget",
    "gradient_budget",
    "iteration_budget",
    "time_budget",
    "stagnation",
    "non_finite: the loss, or the gradient that the method needs, is not a finite number where a search begins",
    "fisher",
    "hessian",
    "profile",
    "bootstrap",
    "the estimate is at the end ",
    " of its box, where an interval from curvature does not hold",
    "the data do not determine ",
    "the second derivatives are not finite",
    "not a minimum: the loss falls along ",
    "as many parameters as observations: the residual variance is unknown",
    "the profile does not reach the level before the end ",
    " of the box",
    "the estimate is not the minimum: the loss falls to ",
    "only ",
    " of ",
    " resamples could not be fitted",
    " resamples could be fitted",
];

/// Bits of a phrase's number, and the number that ends a text.
const NUMBER: u32 = 6;
const END: u64 = 0;

pub(super) fn write(text: &str, writer: &mut Writer) {
    let mut rest = text.as_bytes();
    while let Some((letter, others)) = rest.split_first() {
        let known = (1..).zip(&PHRASES).find(|(_, phrase)| rest.starts_with(phrase.as_bytes()));
        writer.flag(known.is_some());
        match known {
            Some((number, phrase)) => {
                writer.bits(number, NUMBER);
                rest = &rest[phrase.len()..];
            }
            None => {
                writer.bits(u64::from(*letter), 8);
                rest = others;
            }
        }
    }
    writer.flag(true);
    writer.bits(END, NUMBER);
}

/// None for what `write` does not write.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<String> {
    let mut text = Vec::new();
    loop {
        match reader.flag()? {
            true => match reader.bits(NUMBER)? {
                END => return String::from_utf8(text).ok(),
                number => text.extend(PHRASES.get(number as usize - 1)?.as_bytes()),
            },
            false => text.push(reader.bits(8)? as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::intervals::INTERVALS;
    use crate::optimize::Reason;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut writer = Writer::default();
        write(text, &mut writer);
        writer.end()
    }

    #[test]
    fn what_every_run_says_has_three_characters() {
        assert!(PHRASES.len() < 1 << NUMBER);
        let reasons = [Reason::LossTolerance, Reason::EvaluationBudget, Reason::AtBound, Reason::NonFinite];
        let reasons = reasons.map(|reason| reason.to_string());
        for text in INTERVALS.iter().map(|method| method.name).chain(reasons.iter().map(String::as_str)) {
            assert_eq!(written(text).len(), 3, "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_come_back(text in "([a-zµ\n]{0,3}|fisher| of | of its box, where an interval from curvature does not hold){0,5}") {
            let packed = written(&text);
            prop_assert_eq!(read(&mut Reader::new(&packed)), Some(text));
        }
    }
}
