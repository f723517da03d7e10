//! Tables of numbers: reading a CSV file, with every fault named by row and column.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use csv::{ErrorKind, StringRecord, Trim};
use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Source, did_you_mean, many};

/// Columns of equal length, by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
    /// Where it was read from, as the experiment names it; None where it was made.
    pub file: Option<String>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub checksum: Option<String>,
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let index = self.names.iter().position(|candidate| candidate == name)?;
        Some(&self.columns[index])
    }
}

/// A CSV file as it was read: every cell that is a finite number, and the others remembered.
///
/// A column that an experiment does not use may hold anything, so cells are judged only when a column is taken.
#[derive(Debug)]
pub struct Sheet {
    pub source: Arc<Source>,
    pub checksum: String,
    /// The header row.
    pub names: Vec<String>,
    columns: Vec<Column>,
    /// Byte at which each record begins.
    starts: Vec<usize>,
}

#[derive(Debug, Default)]
struct Column {
    /// NaN where the cell is faulty.
    values: Vec<f64>,
    /// Rows of the first faulty cells, and how many there are in all.
    faulty: Vec<usize>,
    faults: usize,
}

/// Faults of one kind that are shown one by one; the rest are counted.
const SHOWN: usize = 5;
/// A line longer than this is not quoted in a message.
const QUOTED: usize = 1000;
const MOST_BYTES: u64 = 2 << 30;
const MOST_COLUMNS: usize = 10_000;

/// The bytes of a file; the fault says why there are none. `what` is what the file should be.
pub fn read_bytes(path: &Path, what: &str, most: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let refused = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file `{shown}`"),
        std::io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read (permission denied)"),
        _ => format!("`{shown}` cannot be read: {error}"),
    };
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return Err(format!("`{shown}` is a directory, not {what}"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(refused)?;
    if bytes.len() as u64 > most {
        return Err(format!("`{shown}` is larger than {} MiB: this is not {what}", most >> 20));
    }
    Ok(bytes)
}

/// Bytes as text; the fault says why they are none.
pub fn text_of(bytes: Vec<u8>, name: &str, what: &str) -> Result<String, String> {
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("`{name}` is not {what}: it holds binary data (a zero byte at offset {at})"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        format!("`{name}` is not UTF-8 text: an invalid byte in line {line} (offset {at})")
    })
}

/// Reads a CSV file: header row, `#` comment lines, fields trimmed. `name` is the path as the experiment names it.
///
/// A diagnostic without a place is about the file as a whole; the caller adds where the experiment names it.
pub fn read(path: &Path, name: &str) -> Result<Sheet, Vec<Diagnostic>> {
    let fail = |message: String| vec![Diagnostic::error(message)];
    let bytes = read_bytes(path, "a CSV file", MOST_BYTES).map_err(fail)?;
    let checksum = hexadecimal(&Sha256::digest(&bytes));
    let text = text_of(bytes, name, "a CSV file").map_err(fail)?;
    parse(Source { name: name.to_string(), text }, checksum)
}

/// Lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn parse(source: Source, checksum: String) -> Result<Sheet, Vec<Diagnostic>> {
    let source = Arc::new(source);
    let name = &source.name;
    // Spreadsheets write a byte order mark first.
    let mark = source.text.len() - source.text.trim_start_matches('\u{feff}').len();
    let body = &source.text.as_bytes()[mark..];
    let mut reader = csv::ReaderBuilder::new().trim(Trim::All).comment(Some(b'#')).flexible(false).from_reader(body);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(vec![Diagnostic::error(format!("`{name}` cannot be read as CSV: {error}"))]),
    };
    if header.is_empty() || (header.len() == 1 && header[0].is_empty()) {
        return Err(vec![Diagnostic::error(format!("`{name}` is empty: it has no header row"))]);
    }
    if header.len() > MOST_COLUMNS {
        let message = format!("`{name}` has {} columns; at most {MOST_COLUMNS} are read", header.len());
        return Err(vec![Diagnostic::error(message)]);
    }
    let mut sheet = Sheet {
        names: header.iter().map(str::to_string).collect(),
        columns: header.iter().map(|_| Column::default()).collect(),
        starts: Vec::new(),
        checksum,
        source: Arc::clone(&source),
    };
    let mut record = StringRecord::new();
    let (mut faults, mut ragged) = (Vec::new(), 0);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => sheet.push(&record, mark),
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { pos, expected_len, len } => {
                    ragged += 1;
                    if ragged <= SHOWN {
                        let start = pos.as_ref().map_or(0, |pos| mark + pos.byte() as usize);
                        let line = sheet.line(start);
                        let row = sheet.starts.len() + ragged;
                        let fields = if *len == 1 { "1 field".to_string() } else { format!("{len} fields") };
                        let message = format!("row {row} of `{name}` has {fields}, but the header has {expected_len}");
                        faults.push(sheet.at(Diagnostic::error(message), line, &fields));
                    }
                }
                _ => {
                    faults.push(Diagnostic::error(format!("`{name}` cannot be read as CSV: {error}")));
                    break;
                }
            },
        }
    }
    if ragged > SHOWN {
        let more = ragged - SHOWN;
        let have = if more == 1 { "has" } else { "have" };
        further(&mut faults, format!("{} {have} a wrong number of fields", many(more, "more row")));
    }
    if faults.is_empty() && sheet.starts.is_empty() {
        faults.push(Diagnostic::error(format!("`{name}` has a header row, but no rows of data")));
    }
    if faults.is_empty() { Ok(sheet) } else { Err(faults) }
}

/// Says of the last fault that there are more of its kind than are shown.
pub fn further(faults: &mut [Diagnostic], text: String) {
    if let Some(last) = faults.last_mut() {
        last.help.push(text);
    }
}

impl Sheet {
    pub fn rows(&self) -> usize {
        self.starts.len()
    }

    fn push(&mut self, record: &StringRecord, mark: usize) {
        let row = self.starts.len();
        self.starts.push(record.position().map_or(0, |position| mark + position.byte() as usize));
        for (column, field) in self.columns.iter_mut().zip(record) {
            let value = field.parse().ok().filter(|value: &f64| value.is_finite());
            column.values.push(value.unwrap_or(f64::NAN));
            if value.is_none() {
                column.faults += 1;
                if column.faulty.len() < SHOWN {
                    column.faulty.push(row);
                }
            }
        }
    }

    /// The columns of an experiment: (name in formulas, name in the file). Each must be there once, and hold finite
    /// numbers in every row.
    pub fn take(&self, wanted: &[(String, String)], file: &str) -> Result<Table, Vec<Diagnostic>> {
        let mut table =
            Table { file: Some(file.to_string()), checksum: Some(self.checksum.clone()), ..Table::default() };
        let mut faults = Vec::new();
        for (name, column) in wanted {
            match self.names.iter().position(|candidate| candidate == column) {
                None => faults.push(self.missing(column)),
                Some(index) => {
                    self.judge(index, &mut faults);
                    table.names.push(name.clone());
                    table.columns.push(self.columns[index].values.clone());
                }
            }
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    /// The fault of a column that is not there.
    pub fn missing(&self, column: &str) -> Diagnostic {
        let fault = Diagnostic::error(format!("`{}` has no column `{column}`", self.source.name));
        if let Some(near) = did_you_mean(column, self.names.iter().map(String::as_str)) {
            return fault.help(format!("did you mean `{near}`?"));
        }
        let only = self.names[0].as_str();
        if self.names.len() == 1 && only.contains([';', '\t', ' ']) {
            return fault.help(format!("columns are separated by commas; this file's only column is `{}`", cut(only)));
        }
        let names: Vec<String> = self.names.iter().take(40).map(|name| format!("`{}`", cut(name))).collect();
        fault.help(format!("its columns: {}", names.join(", ")))
    }

    /// Reports what is wrong with a column's name and cells.
    fn judge(&self, index: usize, faults: &mut Vec<Diagnostic>) {
        let name = &self.names[index];
        if self.names.iter().filter(|other| *other == name).count() > 1
            && self.names.iter().position(|other| other == name) == Some(index)
        {
            let message = format!("`{}` has more than one column `{}`", self.source.name, cut(name));
            let header = self.line(self.source.text.len() - self.source.text.trim_start_matches('\u{feff}').len());
            faults.push(self.at(Diagnostic::error(message), header, "header row"));
        }
        let column = &self.columns[index];
        for row in &column.faulty {
            let span = self.cell(*row, index);
            let text = span.clone().and_then(|span| self.source.text.get(span)).unwrap_or("");
            let place = format!("row {}, column `{}` of `{}`", row + 1, cut(name), self.source.name);
            let (message, label) = match text.trim_matches('"').trim() {
                "" => (format!("{place} is empty"), "no number"),
                text if text.parse::<f64>().is_ok() => {
                    (format!("{place} is {}, not a finite number", cut(text)), "not finite")
                }
                text => (format!("{place} is `{}`, not a number", cut(text)), "not a number"),
            };
            faults.push(self.at(Diagnostic::error(message), span.unwrap_or(0..0), label));
        }
        if column.faults > column.faulty.len() {
            let more = column.faults - column.faulty.len();
            let are = if more == 1 { "is not a number" } else { "are not numbers" };
            further(faults, format!("{} of this column {are}", many(more, "more cell")));
        }
    }

    /// Points at a cell, if its line is short enough to be quoted.
    pub fn label(&self, fault: Diagnostic, row: usize, column: &str, label: &str) -> Diagnostic {
        let index = self.names.iter().position(|name| name == column);
        match index.and_then(|index| self.cell(row, index)) {
            Some(span) => self.at(fault, span, label),
            None => fault,
        }
    }

    fn at(&self, fault: Diagnostic, span: Range<usize>, label: &str) -> Diagnostic {
        let line = self.line(span.start);
        if line.len() > QUOTED || span.end > line.end { fault } else { fault.at(&self.source, span, label) }
    }

    /// The line that begins at or after byte `start`, comments and empty lines passed over; or the line around it.
    fn line(&self, start: usize) -> Range<usize> {
        let text = &self.source.text;
        let mut start = text[..start].rfind('\n').map_or(0, |newline| newline + 1).max(start.min(text.len()));
        loop {
            let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
            let line = text[start..end].trim_end_matches('\r');
            if (line.is_empty() || line.starts_with('#')) && end < text.len() {
                start = end + 1;
                continue;
            }
            return start..start + line.len();
        }
    }

    /// Where a cell stands in the file, without the white space around it.
    fn cell(&self, row: usize, column: usize) -> Option<Range<usize>> {
        let start = self.line(*self.starts.get(row)?).start;
        let (mut index, mut begin, mut quoted) = (0, start, false);
        let mut end = self.source.text.len();
        for (offset, byte) in self.source.text.bytes().enumerate().skip(start) {
            match byte {
                b'"' => quoted = !quoted,
                b',' | b'\n' if !quoted => {
                    if index == column || byte == b'\n' {
                        end = offset;
                        break;
                    }
                    index += 1;
                    begin = offset + 1;
                }
                _ => {}
            }
        }
        if index != column {
            return None;
        }
        let field = self.source.text.get(begin..end)?;
        let before = field.len() - field.trim_start().len();
        Some(begin + before..begin + before + field.trim().len())
    }
}

/// A text cut to a length that a message can bear.
fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_string(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Result<Sheet, Vec<Diagnostic>> {
        parse(Source { name: "d.csv".into(), text: text.into() }, String::new())
    }

    fn taken(text: &str, columns: &[&str]) -> Result<Table, Vec<Diagnostic>> {
        let wanted: Vec<(String, String)> = columns.iter().map(|name| (name.to_string(), name.to_string())).collect();
        sheet(text)?.take(&wanted, "d.csv")
    }

    /// The message and the text under the caret of the only fault.
    fn fault(text: &str, columns: &[&str]) -> (String, String) {
        let faults = taken(text, columns).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        let pointed = faults[0].labels.first().map_or(String::new(), |label| text[label.span.clone()].to_string());
        (faults[0].message.clone(), pointed)
    }

    #[test]
    fn reads_comments_quotes_and_white_space() {
        let text = "\u{feff}# where from\nt, counts ,name\n# note\n 1, 2.5 ,a\r\n\n\"3\",-4e1,b\n";
        let table = taken(text, &["t", "counts"]).unwrap();
        assert_eq!(table.column("t"), Some(&[1.0, 3.0][..]));
        assert_eq!(table.column("counts"), Some(&[2.5, -40.0][..]));
        assert_eq!(table.rows(), 2);
    }

    #[test]
    fn a_cell_that_is_no_number_is_named_and_pointed_at() {
        let (message, pointed) = fault("t,y\n1,2\n# c\n3, abc \n", &["t", "y"]);
        assert_eq!(message, "row 2, column `y` of `d.csv` is `abc`, not a number");
        assert_eq!(pointed, "abc");
        let (message, pointed) = fault("t,y\n1,nan\n3,4\n", &["y"]);
        assert_eq!(
            (message.as_str(), pointed.as_str()),
            ("row 1, column `y` of `d.csv` is nan, not a finite number", "nan")
        );
        let (message, _) = fault("t,y\n1,-inf\n", &["y"]);
        assert!(message.contains("is -inf, not a finite number"), "{message}");
        let (message, _) = fault("t,y\n1,\n", &["y"]);
        assert_eq!(message, "row 1, column `y` of `d.csv` is empty");
    }

    #[test]
    fn ragged_rows_are_named() {
        let (message, pointed) = fault("t,y\n1,2\n3\n5,6\n", &["t"]);
        assert_eq!(message, "row 2 of `d.csv` has 1 field, but the header has 2");
        assert_eq!(pointed, "3");
        assert_eq!(taken("t,y\n1\n2\n3,4,5\n", &["t"]).unwrap_err().len(), 3);
        let many = taken(&format!("t,y\n{}", "1\n".repeat(50)), &["t"]).unwrap_err();
        assert_eq!(many.len(), SHOWN);
        assert_eq!(many[SHOWN - 1].help, ["45 more rows have a wrong number of fields"]);
    }

    #[test]
    fn files_without_data_are_refused() {
        for (text, word) in [("", "empty"), ("# only\n", "empty"), ("\n\n", "empty"), ("t,y\n", "no rows")] {
            let (message, _) = fault(text, &["t"]);
            assert!(message.contains(word), "{text:?}: {message}");
        }
    }

    #[test]
    fn columns_must_be_there_once() {
        let faults = taken("time,counts\n1,2\n", &["tiem"]).unwrap_err();
        assert_eq!(faults[0].help, ["did you mean `time`?"]);
        let faults = taken("a;b\n1;2\n", &["t"]).unwrap_err();
        assert!(faults[0].help[0].contains("separated by commas"));
        let (message, _) = fault("t,t\n1,2\n", &["t"]);
        assert!(message.contains("more than one column"));
    }

    #[test]
    fn a_fault_in_a_very_long_line_is_not_quoted() {
        let text = format!("t,y\n1,{}\n", "z".repeat(5000));
        let faults = taken(&text, &["y"]).unwrap_err();
        assert!(faults[0].labels.is_empty() && faults[0].message.len() < 300, "{}", faults[0].message);
    }

    #[test]
    fn junk_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let message = |path: &Path| read(path, "x.csv").unwrap_err()[0].message.clone();
        assert!(message(&path("b", &[1, 0, 2])).contains("binary data"));
        assert!(message(&path("u", b"t\n1\n\xff\n")).contains("not UTF-8 text: an invalid byte in line 3"));
        assert!(message(folder.path()).contains("is a directory"));
        assert!(message(&folder.path().join("none")).contains("there is no file"));
        let good = read(&path("g", b"abc\n1\n"), "x.csv").unwrap();
        assert_eq!(good.checksum, hexadecimal(&Sha256::digest(b"abc\n1\n")));
    }
}
