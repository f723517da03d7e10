//! Strings of TOML with the place in the file of every decoded byte, so that a fault in a formula points into it.

use std::ops::Range;
use std::sync::Arc;

use toml_parser::decoder::{Encoding, StringBuilder};
use toml_parser::{Raw, Span};

use crate::diagnostic::Source;
use crate::language::tree::Text;

/// Decodes the string token that stands at `span` of `source`, quotes included.
///
/// `base` is added to every offset of `input`: it is where `input` begins in the source.
pub fn decode(source: &Arc<Source>, input: &str, base: usize, span: Range<usize>) -> Text {
    let raw = &input[span.clone()];
    let encoding = encoding(raw);
    let mut map = OffsetMap { raw, cursor: opening(raw), text: String::new(), offsets: Vec::new() };
    // Faults of the string itself were reported when the file was parsed.
    let token = Raw::new_unchecked(raw, encoding, Span::new_unchecked(span.start, span.end));
    let _ = token.decode_scalar(&mut map, &mut ());
    let start = base + span.start;
    let mut offsets: Vec<usize> = map.offsets.iter().map(|offset| start + offset).collect();
    offsets.push(start + map.cursor.min(raw.len()));
    Text { source: Arc::clone(source), text: map.text, offsets }
}

fn encoding(raw: &str) -> Option<Encoding> {
    match raw {
        _ if raw.len() >= 6 && raw.starts_with("\"\"\"") => Some(Encoding::MlBasicString),
        _ if raw.len() >= 6 && raw.starts_with("'''") => Some(Encoding::MlLiteralString),
        _ if raw.starts_with('"') => Some(Encoding::BasicString),
        _ if raw.starts_with('\'') => Some(Encoding::LiteralString),
        _ => None,
    }
}

/// Where the first decoded byte of a token stands.
fn opening(raw: &str) -> usize {
    let quotes = match encoding(raw) {
        Some(Encoding::MlBasicString | Encoding::MlLiteralString) => 3,
        Some(Encoding::BasicString | Encoding::LiteralString) => 1,
        None => 0,
    };
    let newline = match &raw[quotes..] {
        rest if quotes == 3 && rest.starts_with("\r\n") => 2,
        rest if quotes == 3 && rest.starts_with('\n') => 1,
        _ => 0,
    };
    quotes + newline
}

/// Records for each decoded byte where it stands in the token. Pieces without escapes come as slices of the token;
/// a decoded escape comes as a character, and stands where the piece before it ended.
struct OffsetMap<'s> {
    raw: &'s str,
    /// End of what has been decoded, in the token.
    cursor: usize,
    text: String,
    offsets: Vec<usize>,
}

impl<'s> StringBuilder<'s> for OffsetMap<'s> {
    fn clear(&mut self) {
        self.text.clear();
        self.offsets.clear();
    }

    fn push_str(&mut self, piece: &'s str) -> bool {
        let start = (piece.as_ptr() as usize).wrapping_sub(self.raw.as_ptr() as usize);
        // A piece that is not cut out of the token (none is known) would follow what came before it.
        let start = if start <= self.raw.len() && !piece.is_empty() { start } else { self.cursor };
        self.offsets.extend(start..start + piece.len());
        self.text.push_str(piece);
        self.cursor = start + piece.len();
        true
    }

    fn push_char(&mut self, character: char) -> bool {
        self.skip_line_ends();
        self.offsets.extend(std::iter::repeat_n(self.cursor, character.len_utf8()));
        self.text.push(character);
        self.cursor += escape_length(&self.raw[self.cursor.min(self.raw.len())..]);
        true
    }
}

impl OffsetMap<'_> {
    /// Passes over backslashes that end a line, with the white space after them: they decode to nothing.
    fn skip_line_ends(&mut self) {
        loop {
            let rest = self.raw.get(self.cursor..).unwrap_or("");
            let Some(after) = rest.strip_prefix('\\') else { return };
            let trimmed = after.trim_start_matches([' ', '\t', '\r', '\n']);
            if trimmed.len() == after.len() {
                return;
            }
            self.cursor += rest.len() - trimmed.len();
        }
    }
}

/// Bytes of the escape at the start of `rest`.
fn escape_length(rest: &str) -> usize {
    let mut characters = rest.chars();
    if characters.next() != Some('\\') {
        return rest.chars().next().map_or(0, char::len_utf8);
    }
    let digits = match characters.next() {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(other) if "btnfre\"\\".contains(other) => return 2,
        _ => return 1,
    };
    let given = rest[2..].bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    2 + given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &str) -> Text {
        let source = Arc::new(Source { name: "test".into(), text: input.into() });
        decode(&source, input, 0, 0..input.len())
    }

    /// Where the character `x` of the text stands in the file must be an `x`.
    fn finds_the_x(input: &str, text: &str) {
        let decoded = decoded(input);
        assert_eq!(decoded.text, text);
        assert_eq!(decoded.offsets.len(), decoded.text.len() + 1);
        let at = decoded.text.find('x').unwrap();
        let place = decoded.place(&(at..at + 1));
        assert_eq!(&input[place], "x", "in {input:?}");
        assert!(decoded.offsets.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", decoded.offsets);
    }

    #[test]
    fn places_survive_every_kind_of_string_and_escape() {
        finds_the_x("\"a + x\"", "a + x");
        finds_the_x("'a + x'", "a + x");
        finds_the_x("'''\na +\nx'''", "a +\nx");
        finds_the_x("\"\"\"\r\na + x\"\"\"", "a + x");
        finds_the_x("\"\\u00e9 \\t \\\" \\U0001F600 \\x41 x\"", "é \t \" 😀 A x");
        finds_the_x("\"\"\"a + \\\n     x\"\"\"", "a + x");
        finds_the_x("\"\"\"a + \\\n   \\\n  \\t x\"\"\"", "a + \t x");
        finds_the_x("\"é x\"", "é x");
    }

    #[test]
    fn the_end_of_the_text_is_before_the_closing_quote() {
        let text = decoded("\"abc\"");
        assert_eq!(text.place(&(3..3)), 4..4);
        assert_eq!(decoded("\"\"").place(&(0..0)), 1..1);
    }
}
