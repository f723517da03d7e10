//! Number literals as Python writes them: `1_000`, `1e-3`, `.5`, `5.`, `0x10`.
//!
//! Values are rounded to the nearest double; a literal past the largest double is infinite, as in Python.

/// What stands at the beginning of a text that begins like a number.
#[derive(Debug, PartialEq)]
pub(super) struct Literal {
    /// Bytes.
    pub length: usize,
    pub value: f64,
    /// What is wrong with it, and what to write.
    pub fault: Option<(&'static str, &'static str)>,
}

/// Reads the literal at the beginning of `text`, which begins with a digit, or a point and a digit.
pub(super) fn read(text: &str) -> Literal {
    let bytes = text.as_bytes();
    if bytes[0] == b'0' {
        let base = match bytes.get(1).map(u8::to_ascii_lowercase) {
            Some(b'x') => 16,
            Some(b'o') => 8,
            Some(b'b') => 2,
            _ => return decimal(text),
        };
        return based(text, base);
    }
    decimal(text)
}

fn based(text: &str, base: u32) -> Literal {
    let length = 2 + span(&text[2..], |b| (b as char).is_digit(36));
    let digits: String = text[2..length].chars().filter(|c| *c != '_').collect();
    let fault = if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        Some(("this is no number", "`0x` is followed by hexadecimal digits, `0o` by octal and `0b` by binary ones"))
    } else if digits.trim_start_matches('0').len() > 25 {
        Some(("this number is too long", "write it in decimal, with an exponent"))
    } else {
        underscores(&text[2..length], true)
    };
    let value = u128::from_str_radix(&digits, base).unwrap_or(0) as f64;
    Literal { length, value, fault }
}

fn decimal(text: &str) -> Literal {
    let digit = |b: u8| b.is_ascii_digit();
    let whole = span(text, digit);
    let mut length = whole;
    let mut fault = underscores(&text[..whole], false);
    if text[length..].starts_with('.') {
        let fraction = span(&text[length + 1..], digit);
        fault = fault.or(underscores(&text[length + 1..length + 1 + fraction], false));
        length += 1 + fraction;
    }
    let sign = usize::from(text[length..].len() > 1 && matches!(text.as_bytes()[length + 1], b'+' | b'-'));
    let exponent_at = length + 1 + sign;
    if text[length..].starts_with(['e', 'E']) && text.as_bytes().get(exponent_at).is_some_and(u8::is_ascii_digit) {
        let exponent = span(&text[exponent_at..], digit);
        fault = fault.or(underscores(&text[exponent_at..exponent_at + exponent], false));
        length = exponent_at + exponent;
    }
    if length == whole && text.starts_with('0') && text[..whole].bytes().any(|b| matches!(b, b'1'..=b'9')) {
        fault =
            fault.or(Some(("a whole number does not begin with 0", "leave the zeros out; Python refuses them too")));
    }
    if text[length..].starts_with('.') {
        let rest = span(&text[length..], |b| b == b'.' || b.is_ascii_digit());
        fault = Some(("this number has two points", "write one decimal point, and no separators of thousands but `_`"));
        length += rest;
    }
    let value = text[..length].replace('_', "").parse().unwrap_or(0.0);
    Literal { length, value, fault }
}

/// How many bytes at the beginning are digits or underscores.
fn span(text: &str, digit: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|b| digit(*b) || *b == b'_').count()
}

/// Underscores stand singly between digits; `leading` where one may stand first (after `0x`).
fn underscores(digits: &str, leading: bool) -> Option<(&'static str, &'static str)> {
    let wrong = digits.contains("__") || digits.ends_with('_') || (!leading && digits.starts_with('_'));
    wrong.then_some(("misplaced `_` in a number", "`_` stands singly between digits: `1_000`"))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_what_python_reads() {
        for (text, length, value) in [
            ("1_000", 5, 1000.0),
            ("1e-3x", 4, 1e-3),
            (".5)", 2, 0.5),
            ("5.", 2, 5.0),
            ("5.e1", 4, 50.0),
            ("0x10", 4, 16.0),
            ("0x_ff", 5, 255.0),
            ("0b101", 5, 5.0),
            ("0o17", 4, 15.0),
            ("00", 2, 0.0),
            ("012.5", 5, 12.5),
            ("01e2", 4, 100.0),
            ("2exp", 1, 2.0),
            ("2e+x", 1, 2.0),
            ("1_0.0_1e1_0", 11, 10.01e10),
            ("1e400", 5, f64::INFINITY),
            ("0.1", 3, 0.1),
        ] {
            let literal = read(text);
            assert_eq!((literal.length, literal.value, literal.fault), (length, value, None), "{text}");
        }
    }

    #[test]
    fn refuses_what_python_refuses() {
        for text in ["012", "1__0", "1_", "1_.5", "1._5", "0x", "0b2", "0xg", "1.2.3", "1e5_"] {
            assert!(read(text).fault.is_some(), "{text}");
        }
    }
}
