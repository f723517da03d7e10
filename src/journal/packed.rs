//! What a record says beside its identity, in few characters, all of it to the last bit.
//!
//! In this order, as `bits` has them:
//!
//! - the **trace**, of which most of a long record is: its points; whether none, all or some of them have a norm of the
//!   gradient. Of each point: by how much the step of the iterations is another than before, and by how much those of the
//!   evaluations and of the gradients are others than so many times as far as the iterations went; the loss; the norm.
//! - status, reason, loss, the three counts, the work, the seconds, and the parameters, which go on from the end of the trace.
//! - the **intervals**: of those by one method the method, the level, and the factor that times a standard error gives the
//!   ends. Of each: parameter, note, estimate where it is not the parameter's own number, standard error; and the ends, by
//!   what the last bits are others than the factor gives, or, where they are far from it, as they are.
//!
//! `runs.csv`, `trace.csv` and `intervals.csv` have it in words.

use super::bits::{Reader, Series, Writer};
use super::words;
use crate::record::{Interval, Record, Status, TracePoint};

/// By their numbers.
const STATUSES: [Status; 3] = [Status::Converged, Status::Stopped, Status::Failed];

/// Orders of the codes of how many points, parameters and intervals there are.
const MANY: u32 = 5;
const SOME: u32 = 3;

/// Units of a level and of seconds: most of both are whole numbers of them, the others are written as they are.
const LEVEL: f64 = 1e3;
const NANOSECONDS: f64 = 1e9;

/// The seconds stand apart: records are compared without theirs.
pub(super) fn write(record: &Record, seconds: f64) -> String {
    let mut writer = Writer::default();
    write_trace(&record.trace, &mut writer);
    let last = end(&record.trace);
    let status = STATUSES.iter().position(|status| *status == record.status).unwrap_or_default();
    writer.bits(status as u64, 2);
    words::write(&record.reason, &mut writer);
    writer.flag(record.loss.is_some());
    if let Some(loss) = record.loss {
        Series::near(last.loss).write(one_nan(loss), &mut writer);
    }
    for (now, before) in counts(record).into_iter().zip([last.evaluations, last.gradients, last.iteration]) {
        writer.difference(now.wrapping_sub(before), 0);
    }
    Series::near(record.evaluations as f64).write(one_nan(record.work), &mut writer);
    write_whole(seconds, NANOSECONDS, &mut writer);
    writer.count(record.parameters.len() as u64, SOME);
    let mut series = Series::from(1.0);
    record.parameters.iter().for_each(|parameter| series.write_signed(*parameter, &mut writer));
    write_intervals(&record.intervals, &record.parameters, &mut writer);
    writer.end()
}

/// None for a text that `write` does not give.
pub(super) fn read(text: &str, identity: String) -> Option<Record> {
    let reader = &mut Reader::new(text);
    let trace = read_trace(reader)?;
    let last = end(&trace);
    let status = *STATUSES.get(reader.bits(2)? as usize)?;
    let reason = words::read(reader)?;
    let loss = if reader.flag()? { Some(Series::near(last.loss).read(reader)?) } else { None };
    let mut counts = [last.evaluations, last.gradients, last.iteration];
    for count in &mut counts {
        *count = count.wrapping_add(reader.difference(0)?);
    }
    let [evaluations, gradients, iterations] = counts;
    let work = Series::near(evaluations as f64).read(reader)?;
    let seconds = read_whole(NANOSECONDS, reader)?;
    let count = reader.count(SOME)?;
    let mut series = Series::from(1.0);
    let parameters = (0..count).map(|_| series.read_signed(reader)).collect::<Option<Vec<f64>>>()?;
    let intervals = read_intervals(&parameters, reader)?;
    Some(Record {
        identity,
        status,
        reason,
        loss,
        evaluations,
        gradients,
        iterations,
        work,
        parameters,
        trace,
        intervals,
        seconds,
    })
}

fn counts(record: &Record) -> [u64; 3] {
    [record.evaluations, record.gradients, record.iterations]
}

/// The last point, or what stands for that of no trace.
fn end(trace: &[TracePoint]) -> TracePoint {
    let none = TracePoint { iteration: 0, evaluations: 0, gradients: 0, loss: 1.0, gradient_norm: None };
    trace.last().cloned().unwrap_or(none)
}

/// A NaN has many bits, and which of them an operation gives is the machine's own.
fn one_nan(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x }
}

/// How the counts of a trace go on.
struct Pace {
    now: [u64; 3],
    /// Since the point before.
    steps: [u64; 3],
}

impl Pace {
    /// Before a first point.
    fn new() -> Pace {
        Pace { now: [u64::MAX, 0, 0], steps: [1; 3] }
    }

    /// The step that the count at a position is expected to make where the iterations make this one.
    fn expected(&self, position: usize, iterations: u64) -> u64 {
        match position {
            0 => self.steps[0],
            _ => iterations.wrapping_mul(self.steps[position] / self.steps[0].max(1)),
        }
    }

    fn follow(&mut self, steps: [u64; 3]) {
        self.now.iter_mut().zip(steps).for_each(|(now, step)| *now = now.wrapping_add(step));
        self.steps = steps;
    }
}

fn write_trace(trace: &[TracePoint], writer: &mut Writer) {
    writer.count(trace.len() as u64, MANY);
    let normed = trace.iter().filter(|point| point.gradient_norm.is_some()).count();
    let mixed = normed != 0 && normed != trace.len();
    writer.flag(mixed);
    writer.flag(normed != 0);
    let (mut pace, mut losses, mut norms) = (Pace::new(), Series::from(1.0), Series::from(1.0));
    for point in trace {
        let counts = [point.iteration, point.evaluations, point.gradients];
        let steps = [0, 1, 2].map(|k| counts[k].wrapping_sub(pace.now[k]));
        for (k, step) in steps.iter().enumerate() {
            writer.difference(step.wrapping_sub(pace.expected(k, steps[0])), 0);
        }
        pace.follow(steps);
        losses.write(point.loss, writer);
        if mixed {
            writer.flag(point.gradient_norm.is_some());
        }
        if let Some(norm) = point.gradient_norm {
            norms.write(norm, writer);
        }
    }
}

fn read_trace(reader: &mut Reader<'_>) -> Option<Vec<TracePoint>> {
    let count = reader.count(MANY)?;
    let (mixed, normed) = (reader.flag()?, reader.flag()?);
    let (mut pace, mut losses, mut norms) = (Pace::new(), Series::from(1.0), Series::from(1.0));
    let point = |_| {
        let mut steps = [0; 3];
        for k in 0..3 {
            steps[k] = pace.expected(k, steps[0]).wrapping_add(reader.difference(0)?);
        }
        pace.follow(steps);
        let [iteration, evaluations, gradients] = pace.now;
        let loss = losses.read(reader)?;
        let normed = if mixed { reader.flag()? } else { normed };
        let gradient_norm = if normed { Some(norms.read(reader)?) } else { None };
        Some(TracePoint { iteration, evaluations, gradients, loss, gradient_norm })
    };
    (0..count).map(point).collect()
}

/// Bits of the last ones of an end that make it another than the factor gives, at most: with more it is written whole.
const NEAR: u64 = 1 << 12;

fn write_intervals(intervals: &[Interval], parameters: &[f64], writer: &mut Writer) {
    let alike = |a: &Interval, b: &Interval| a.method == b.method && a.level.to_bits() == b.level.to_bits();
    writer.count(intervals.chunk_by(alike).count() as u64, 0);
    for intervals in intervals.chunk_by(alike) {
        words::write(&intervals[0].method, writer);
        write_whole(intervals[0].level, LEVEL, writer);
        let factor = factor(intervals);
        writer.bits(factor.to_bits(), 64);
        writer.count(intervals.len() as u64, SOME);
        let (mut parameter, mut note) = (0, "");
        let [mut estimates, mut errors, mut lowers, mut uppers] = [1.0; 4].map(Series::from);
        for interval in intervals {
            writer.difference((interval.parameter as u64).wrapping_sub(parameter), 0);
            parameter = (interval.parameter as u64).wrapping_add(1);
            writer.flag(interval.note != note);
            if interval.note != note {
                note = &interval.note;
                words::write(note, writer);
            }
            let estimate = interval.estimate;
            let own = parameters.get(interval.parameter).is_some_and(|own| own.to_bits() == estimate.to_bits());
            writer.flag(own);
            if !own {
                estimates.write_signed(estimate, writer);
            }
            let near = changes(interval, factor).filter(|changes| changes.iter().all(|change| change.1 < NEAR));
            writer.flag(near.is_some());
            if let (Some(changes), Some(error)) = (near, interval.standard_error) {
                errors.write_signed(error, writer);
                changes.iter().for_each(|(change, _)| writer.difference(*change, 0));
                continue;
            }
            let numbers = [interval.standard_error, interval.lower, interval.upper];
            for (number, series) in numbers.into_iter().zip([&mut errors, &mut lowers, &mut uppers]) {
                writer.flag(number.is_some());
                if let Some(number) = number {
                    series.write_signed(number, writer);
                }
            }
        }
    }
}

fn read_intervals(parameters: &[f64], reader: &mut Reader<'_>) -> Option<Vec<Interval>> {
    let mut intervals = Vec::new();
    for _ in 0..reader.count(0)? {
        let method = words::read(reader)?;
        let level = read_whole(LEVEL, reader)?;
        let factor = f64::from_bits(reader.bits(64)?);
        let (mut next, mut note) = (0u64, String::new());
        let [mut estimates, mut errors, mut lowers, mut uppers] = [1.0; 4].map(Series::from);
        for _ in 0..reader.count(SOME)? {
            let parameter = usize::try_from(next.wrapping_add(reader.difference(0)?)).ok()?;
            next = (parameter as u64).wrapping_add(1);
            if reader.flag()? {
                note = words::read(reader)?;
            }
            let own = reader.flag()?;
            let estimate = if own { *parameters.get(parameter)? } else { estimates.read_signed(reader)? };
            let numbers = if reader.flag()? {
                let error = errors.read_signed(reader)?;
                let [lower, upper] = ends(estimate, error, factor);
                let mut end = |bits: u64| Some(f64::from_bits(bits.wrapping_add(reader.difference(0)?)));
                [Some(error), Some(end(lower)?), Some(end(upper)?)]
            } else {
                let mut number = |series: &mut Series| match reader.flag()? {
                    true => series.read_signed(reader).map(Some),
                    false => Some(None),
                };
                [number(&mut errors)?, number(&mut lowers)?, number(&mut uppers)?]
            };
            let [standard_error, lower, upper] = numbers;
            let (method, note) = (method.clone(), note.clone());
            intervals.push(Interval { parameter, method, level, estimate, standard_error, lower, upper, note });
        }
    }
    Some(intervals)
}

/// What times a standard error gives the ends of intervals by one method, by the law of Student or of Gauss: the same for
/// all, and had from the one whose numbers lose least of it.
fn factor(intervals: &[Interval]) -> f64 {
    let of = |i: &Interval| {
        let (half, error) = (i.upper? - i.estimate, i.standard_error?);
        Some((half / i.estimate.abs(), half / error)).filter(|(share, factor)| !share.is_nan() && factor.is_finite())
    };
    intervals.iter().filter_map(of).max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, factor)| factor)
}

/// What is to be added to the bits of the ends as the factor gives them, with its size; None where something is missing.
fn changes(interval: &Interval, factor: f64) -> Option<[(u64, u64); 2]> {
    let ends = ends(interval.estimate, interval.standard_error?, factor);
    let change = |end: f64, given: u64| {
        let change = end.to_bits().wrapping_sub(given);
        (change, (change as i64).unsigned_abs())
    };
    Some([change(interval.lower?, ends[0]), change(interval.upper?, ends[1])])
}

/// The bits of the ends as the factor gives them.
fn ends(estimate: f64, standard_error: f64, factor: f64) -> [u64; 2] {
    let bits = |end: f64| one_nan(end).to_bits();
    [bits(estimate - factor * standard_error), bits(estimate + factor * standard_error)]
}

/// A double that may be a whole number of units, so many to one.
fn write_whole(x: f64, units: f64, writer: &mut Writer) {
    // A cast saturates, and is 0 for NaN.
    let whole = (x * units).round() as u64;
    let exact = whole < 1 << 53 && (whole as f64 / units).to_bits() == x.to_bits();
    writer.flag(exact);
    if exact {
        let length = 64 - whole.leading_zeros();
        writer.bits(length.into(), 6);
        writer.bits(whole, length);
    } else {
        writer.bits(x.to_bits(), 64);
    }
}

fn read_whole(units: f64, reader: &mut Reader<'_>) -> Option<f64> {
    if reader.flag()? {
        let length = reader.bits(6)? as u32;
        return Some(reader.bits(length)? as f64 / units);
    }
    reader.bits(64).map(f64::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    /// Any pattern of bits, and numbers of runs.
    fn double() -> impl Strategy<Value = f64> {
        prop_oneof![any::<u64>().prop_map(f64::from_bits), any::<f64>(), 0.9..1.1f64, Just(f64::INFINITY), Just(-0.0)]
    }

    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), 0..300u64, Just(u64::MAX)]
    }

    fn point() -> impl Strategy<Value = TracePoint> {
        let numbers = (count(), count(), count(), double(), option::weighted(0.8, double()));
        numbers.prop_map(|(iteration, evaluations, gradients, loss, gradient_norm)| TracePoint {
            iteration,
            evaluations,
            gradients,
            loss,
            gradient_norm,
        })
    }

    fn interval() -> impl Strategy<Value = Interval> {
        let end = || option::of(double());
        let words = ("fisher|own words", prop_oneof![Just(0.68), double()], "|said");
        let parameter = prop_oneof![0..5usize, any::<usize>()];
        let whole = (words, parameter, double(), end(), end(), end(), any::<bool>());
        whole.prop_map(|((method, level, note), parameter, estimate, standard_error, lower, upper, ends)| {
            let ends = standard_error.filter(|_| ends).map(|error| [estimate - 2.0 * error, estimate + 2.0 * error]);
            let (lower, upper) = ends.map_or((lower, upper), |[lower, upper]| (Some(lower), Some(upper)));
            Interval { parameter, method, level, estimate, standard_error, lower, upper, note }
        })
    }

    fn record() -> impl Strategy<Value = Record> {
        let counts = (count(), count(), count());
        let said = (0..3usize, "[a-z_µ]{0,9}|loss_tolerance", option::of(double()), counts, double());
        let found = (vec(double(), 0..5), vec(point(), 0..9), vec(interval(), 0..5), double());
        (said, found).prop_map(|(said, (parameters, trace, intervals, seconds))| {
            let (status, reason, loss, (evaluations, gradients, iterations), work) = said;
            let (identity, status) = ("this".to_string(), STATUSES[status]);
            let (loss, work) = (loss.map(one_nan), one_nan(work));
            Record {
                identity,
                status,
                reason,
                loss,
                evaluations,
                gradients,
                iterations,
                work,
                parameters,
                trace,
                intervals,
                seconds,
            }
        })
    }

    /// Every bit of every number, where `==` says that -0 is 0 and that no NaN is itself.
    fn bits(record: &Record) -> Vec<Option<u64>> {
        let trace = record.trace.iter().flat_map(|point| [Some(point.loss), point.gradient_norm]);
        let intervals = record.intervals.iter();
        let intervals = intervals.flat_map(|i| [Some(i.level), Some(i.estimate), i.standard_error, i.lower, i.upper]);
        let parameters = record.parameters.iter().map(|parameter| Some(*parameter));
        let all = [record.loss, Some(record.work), Some(record.seconds)].into_iter().chain(parameters);
        all.chain(trace).chain(intervals).map(|number| number.map(f64::to_bits)).collect()
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(record in record()) {
            let back = read(&write(&record, record.seconds), record.identity.clone()).unwrap();
            prop_assert_eq!(bits(&back), bits(&record));
            prop_assert_eq!(format!("{back:?}"), format!("{record:?}"));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", digits in "[!#-~]{0,200}") {
            for text in [text, digits] {
                read(&text, String::new());
            }
        }
    }
}
