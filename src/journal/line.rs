//! One line of the journal: a compact JSON form of a record, behind a checksum of its bytes.
//!
//! A line reads `{"crc":"89abcdef","id":"…","run":"…"}`; the checksum is CRC-32 (ISO 3309, reflected polynomial EDB88320) of
//! the bytes behind it, from the `"` of `"id"` to the end of the line. The identity stands as `plan.csv` has it, so that a
//! run can be looked for; all else of it is packed, so that a line of ten parameters with an interval of each and a trace of
//! forty points, the longest that is kept, stays under 1073 bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::packed;
use crate::record::Record;

/// Number of the format; a reader refuses every other one.
pub(super) const FORMAT: u64 = 5;

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

/// A record, as JSON has it.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// As `packed` writes it.
    #[serde(borrow)]
    run: Cow<'a, str>,
}

const START: &str = "{\"crc\":\"";
const MIDDLE: &str = "\",";

/// The line of a record, with its end of line.
pub(super) fn write(record: &Record) -> String {
    let rest = rest(record, record.seconds);
    format!("{START}{:08x}{MIDDLE}{rest}\n", checksum(rest.as_bytes()))
}

/// The record of a line without its end of line; None if it is damaged.
pub(super) fn read(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?;
    let (checksum_text, rest) = line.strip_prefix(START)?.split_at_checked(8)?;
    let rest = rest.strip_prefix(MIDDLE)?;
    if u32::from_str_radix(checksum_text, 16).ok()? != checksum(rest.as_bytes()) {
        return None;
    }
    let Line { id, run } = serde_json::from_str(line).ok()?;
    packed::read(&run, id.into_owned())
}

/// Whether two records say the same but for the time that they took. NaN equals NaN here.
pub(super) fn agree(a: &Record, b: &Record) -> bool {
    rest(a, 0.0) == rest(b, 0.0)
}

/// What the checksum is of: all that follows it.
fn rest(record: &Record, seconds: f64) -> String {
    let line = Line { id: Cow::from(&record.identity), run: packed::write(record, seconds).into() };
    let text = serde_json::to_string(&line).expect("words have a JSON form");
    text[1..].to_string()
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
    use crate::record::{Interval, Status, TracePoint};

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
        let record = Record { trace: (0..40).map(point).collect(), ..record };
        assert!(write(&record).len() <= (1 << 30) / 1_000_000, "{}", write(&record).len());
    }
}
