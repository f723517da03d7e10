//! The way through a plan for whoever looks at all of its combinations, in their order and with few in hand.

use std::ops::Range;

use crate::plan::Plan;

/// Runs of combinations that one thread takes together; a combination of more of them is shared among the threads.
const MOST: usize = 128;

/// A part of the way.
pub(super) enum Stretch<B> {
    /// Combinations of few runs each: batches of them, each for one thread, with its records in memory.
    Together(B),
    /// A combination of many runs.
    Alone(usize),
}

/// All combinations, in their order.
pub(super) fn stretches(plan: &Plan) -> impl Iterator<Item = Stretch<impl Iterator<Item = Range<usize>>>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let first = next;
        next = (first..plan.variants()).find(|variant| plan.runs_of(*variant).len() > MOST).unwrap_or(plan.variants());
        if next > first {
            return Some(Stretch::Together(batches(plan, first..next)));
        }
        next += 1;
        (first < plan.variants()).then_some(Stretch::Alone(first))
    })
}

fn batches(plan: &Plan, variants: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut next = variants.start;
    std::iter::from_fn(move || {
        let first = next;
        next = (first + 1..variants.end).find(|end| runs(plan, &(first..end + 1)).len() > MOST).unwrap_or(variants.end);
        (first < variants.end).then_some(first..next)
    })
}

/// Positions of the runs of some combinations.
pub(super) fn runs(plan: &Plan, variants: &Range<usize>) -> Range<usize> {
    match variants.is_empty() {
        true => 0..0,
        false => plan.runs_of(variants.start).start..plan.runs_of(variants.end - 1).end,
    }
}
