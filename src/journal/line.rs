//! One line of the journal: a compact JSON form of a record, behind a checksum of its bytes.
//!
//! A line reads `{"crc":"89abcdef","run":{…}}`; the checksum is CRC-32 (ISO 3309, reflected polynomial EDB88320) of the
//! bytes of the inner object. JSON has no infinities and no NaN, so such numbers are the strings `inf`, `-inf`, `nan`.
//! Parameters, intervals and the trace are packed, which keeps a line of a ten-parameter run with an interval of each and a
//! trace of twenty points under 1000 bytes.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::packed;
use crate::record::{Interval, Record, Status};

/// Number of the format; a reader refuses every other one.
pub(super) const FORMAT: u64 = 4;

/// The first line of a journal.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub journal: u64,
    pub program: String,
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// The process that writes the journal of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `I/N`.
    pub shard: String,
    pub host: String,
    pub pid: u32,
    pub threads: usize,
    /// `JOB_TASK` of a batch system, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

/// The last line of a shard's journal.
#[derive(Serialize, Deserialize)]
struct End {
    end: String,
    /// Identities of the runs that were cut short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    running: Vec<String>,
}

pub(super) fn end(why: &str, running: &[String]) -> serde_json::Result<String> {
    Ok(serde_json::to_string(&End { end: why.into(), running: running.to_vec() })? + "\n")
}

/// Why the process ended, if the line says so.
pub(super) fn read_end(line: &[u8]) -> Option<String> {
    if !line.starts_with(b"{\"end\":") {
        return None;
    }
    serde_json::from_slice::<End>(line).ok().map(|end| end.end)
}

/// A double that survives JSON, whatever its value.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_finite() => serializer.serialize_f64(x),
            x if x.is_nan() => serializer.serialize_str("nan"),
            x if x > 0.0 => serializer.serialize_str("inf"),
            _ => serializer.serialize_str("-inf"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or one of the strings inf, -inf, nan")
            }

            fn visit_f64<E>(self, x: f64) -> Result<Number, E> {
                Ok(Number(x))
            }

            fn visit_i64<E>(self, x: i64) -> Result<Number, E> {
                Ok(Number(x as f64))
            }

            fn visit_u64<E>(self, x: u64) -> Result<Number, E> {
                Ok(Number(x as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "inf" => Ok(Number(f64::INFINITY)),
                    "-inf" => Ok(Number(f64::NEG_INFINITY)),
                    "nan" => Ok(Number(f64::NAN)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Intervals that follow each other by one method: method, level, factor of the ends, note, numbers as `packed` writes them.
type Bounds = (String, Number, Number, String, String);

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    status: Status,
    reason: String,
    loss: Option<Number>,
    /// Evaluations, gradients, iterations.
    work: (u64, u64, u64),
    /// Of all of it, in evaluations of the loss.
    cost: Number,
    /// As `packed` writes them.
    parameters: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    trace: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intervals: Vec<Bounds>,
    seconds: Number,
}

const START: &str = "{\"crc\":\"";
const MIDDLE: &str = "\",\"run\":";

/// The line of a record, with its end of line.
pub(super) fn write(record: &Record) -> String {
    let payload = payload(record, record.seconds);
    let checksum = checksum(payload.as_bytes());
    format!("{START}{checksum:08x}{MIDDLE}{payload}}}\n")
}

/// The record of a line without its end of line; None if it is damaged.
pub(super) fn read(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?;
    let (checksum_text, rest) = line.strip_prefix(START)?.split_at_checked(8)?;
    let payload = rest.strip_prefix(MIDDLE)?.strip_suffix('}')?;
    if u32::from_str_radix(checksum_text, 16).ok()? != checksum(payload.as_bytes()) {
        return None;
    }
    serde_json::from_str::<Line>(payload).ok().and_then(record)
}

/// Whether two records say the same but for the time that they took. NaN equals NaN here.
pub(super) fn agree(a: &Record, b: &Record) -> bool {
    payload(a, 0.0) == payload(b, 0.0)
}

fn payload(record: &Record, seconds: f64) -> String {
    let alike =
        |a: &Interval, b: &Interval| a.method == b.method && a.level.to_bits() == b.level.to_bits() && a.note == b.note;
    let bounds = |intervals: &[Interval]| {
        let Interval { method, level, note, .. } = &intervals[0];
        let factor = factor(intervals);
        let numbers = packed::write_intervals(intervals, &record.parameters, factor);
        (method.clone(), Number(*level), Number(factor), note.clone(), numbers)
    };
    let line = Line {
        id: record.identity.clone(),
        status: record.status,
        reason: record.reason.clone(),
        loss: record.loss.map(Number),
        work: (record.evaluations, record.gradients, record.iterations),
        cost: Number(record.work),
        parameters: packed::write_numbers(&record.parameters),
        trace: packed::write_trace(&record.trace),
        intervals: record.intervals.chunk_by(alike).map(bounds).collect(),
        seconds: Number(seconds),
    };
    serde_json::to_string(&line).expect("words and numbers have a JSON form")
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

/// None where a packed part is none.
fn record(line: Line) -> Option<Record> {
    let parameters = packed::read_numbers(&line.parameters)?;
    let mut intervals = Vec::new();
    for (method, Number(level), Number(factor), note, numbers) in line.intervals {
        let (estimate, standard_error, lower, upper) = (f64::NAN, None, None, None);
        let like = Interval { parameter: 0, method, level, estimate, standard_error, lower, upper, note };
        intervals.extend(packed::read_intervals(&numbers, &parameters, factor, &like)?);
    }
    let (evaluations, gradients, iterations) = line.work;
    Some(Record {
        identity: line.id,
        status: line.status,
        reason: line.reason,
        loss: line.loss.map(|x| x.0),
        evaluations,
        gradients,
        iterations,
        work: line.cost.0,
        parameters,
        trace: packed::read_trace(&line.trace)?,
        intervals,
        seconds: line.seconds.0,
    })
}

/// CRC-32 (ISO 3309): reflected, polynomial EDB88320, initial value and final exclusive-or FFFFFFFF. Eight bytes at a time,
/// each by the table of what it does that many bytes further on.
fn checksum(bytes: &[u8]) -> u32 {
    static TABLES: [[u32; 256]; 8] = {
        let mut tables = [[0; 256]; 8];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
                bit += 1;
            }
            tables[0][i] = crc;
            i += 1;
        }
        let mut table = 1;
        while table < 8 {
            let mut i = 0;
            while i < 256 {
                let crc = tables[table - 1][i];
                tables[table][i] = crc >> 8 ^ tables[0][(crc & 255) as usize];
                i += 1;
            }
            table += 1;
        }
        tables
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut crc = !0u32;
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ u64::from(crc);
        crc = (0..8).fold(0, |crc, k| crc ^ TABLES[7 - k][(word >> (8 * k)) as usize & 255]);
    }
    !rest.iter().fold(crc, |crc, byte| TABLES[0][usize::from(crc as u8 ^ byte)] ^ crc >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TracePoint;

    fn sample() -> Record {
        Record {
            identity: "ab12".repeat(16),
            status: Status::Stopped,
            reason: "evaluation_budget \"quoted\" \u{3bc}\n".into(),
            loss: Some(0.1 + 0.2),
            evaluations: u64::MAX,
            gradients: 17,
            iterations: 0,
            work: 1e300,
            parameters: vec![1.0, -0.0, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 1e300, 123456789.0],
            trace: vec![
                TracePoint { iteration: 0, evaluations: 1, gradients: 0, loss: f64::INFINITY, gradient_norm: None },
                TracePoint { iteration: 9, evaluations: 9, gradients: 9, loss: 1e-20, gradient_norm: Some(0.1) },
            ],
            intervals: vec![Interval {
                parameter: 1,
                method: "fisher".into(),
                level: 0.68,
                estimate: 1.5,
                standard_error: None,
                lower: Some(f64::NEG_INFINITY),
                upper: None,
                note: "singular".into(),
            }],
            seconds: 0.25,
        }
    }

    #[test]
    fn every_bit_comes_back() {
        let line = write(&sample());
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        let back = read(line.trim_end().as_bytes()).unwrap();
        assert_eq!(back, sample());
        assert_eq!(back.parameters[1].to_bits(), (-0.0f64).to_bits());
        let nan = Record { loss: Some(f64::NAN), ..sample() };
        let back = read(write(&nan).trim_end().as_bytes()).unwrap();
        assert!(back.loss.unwrap().is_nan() && agree(&back, &nan) && !agree(&back, &sample()));
        serde_json::from_str::<serde_json::Value>(&line).expect("a line is ordinary JSON");
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let line = write(&sample());
        let line = line.trim_end().as_bytes();
        for i in 0..line.len() {
            let mut damaged = line.to_vec();
            damaged[i] ^= 1;
            assert!(read(&damaged).is_none_or(|record| agree(&record, &sample())), "byte {i}");
        }
        assert!((0..line.len()).all(|cut| read(&line[..cut]).is_none()));
    }

    #[test]
    fn checksum_has_its_published_check_value() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        // Of CPython's zlib.crc32, for a length of each remainder.
        let text = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(checksum(text), 0x414F_A339);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn a_million_runs_of_ten_parameters_stay_under_one_gibibyte() {
        let parameters: Vec<f64> = (0..10).map(|i| 1.0 / (3.0 + f64::from(i))).collect();
        let interval = |(parameter, estimate): (usize, &f64)| {
            let error = 1.0 / (91.0 + parameter as f64);
            let half = 0.994_457_883_209_753 * error;
            let ends = [estimate - half, estimate + half].map(Some);
            let (standard_error, [lower, upper]) = (Some(error), ends);
            let (method, note) = ("fisher".to_string(), String::new());
            Interval { parameter, method, level: 0.68, estimate: *estimate, standard_error, lower, upper, note }
        };
        let intervals = parameters.iter().enumerate().map(interval).collect();
        let reason = "gradient_tolerance".into();
        let record = Record { parameters, reason, intervals, loss: Some(1.0 / 3.0), ..sample() };
        let point = |i: u32| TracePoint {
            iteration: u64::from(i),
            evaluations: u64::from(11 * i),
            gradients: u64::from(i),
            loss: 1.0 / f64::from(i + 3),
            gradient_norm: Some(1.0 / f64::from(i + 7)),
        };
        let record = Record { trace: (0..20).map(point).collect(), ..record };
        assert!(write(&record).len() <= (1 << 30) / 1_000_000, "{}", write(&record).len());
    }
}
