//! Bits in a line of text: thirteen of them in two of 91 printable characters, 6.5 to a character where base64 has 6.
//!
//! Counts that are mostly small have the code of Exponential-Golomb: of an order k, the lowest k bits as they are, after the
//! others, v of them, as the bits of v + 1 behind one zero less than these are. Doubles that follow each other are a
//! `Series`. Nothing here does arithmetic on doubles: patterns are subtracted as integers, and come back to the last bit.

/// Printable ASCII that JSON does not escape; the first 91 of 92.
const DIGITS: [u8; 91] = {
    let mut digits = [0; 91];
    let (mut digit, mut place) = (b'!', 0);
    while place < 91 {
        if digit != b'"' && digit != b'\\' {
            digits[place] = digit;
            place += 1;
        }
        digit += 1;
    }
    digits
};

/// Bits of a pair of digits: 2^13 is less than 91².
const PAIR: u32 = 13;
/// Bits of a last digit that stands alone.
const ALONE: u32 = 6;

#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    /// The lowest `count` bits are not written yet: fewer than a pair.
    held: u64,
    count: u32,
}

impl Writer {
    /// The lowest `count` bits of a value, the highest first.
    pub fn bits(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.bits(value >> 32, count - 32);
            return self.bits(value, 32);
        }
        self.held = self.held << count | value & ((1 << count) - 1);
        self.count += count;
        while self.count >= PAIR {
            self.count -= PAIR;
            let pair = (self.held >> self.count & 8191) as usize;
            self.text.push(char::from(DIGITS[pair / 91]));
            self.text.push(char::from(DIGITS[pair % 91]));
        }
    }

    pub fn flag(&mut self, flag: bool) {
        self.bits(u64::from(flag), 1);
    }

    /// In the code of Exponential-Golomb.
    pub fn count(&mut self, value: u64, order: u32) {
        // Of the largest value, 2^64 is next: its 64 bits below the highest are those of 0.
        let next = (value >> order).wrapping_add(1);
        let below = next.checked_ilog2().unwrap_or(64);
        self.bits(0, below);
        self.bits(1, 1);
        self.bits(next, below);
        self.bits(value, order);
    }

    /// A difference of numbers of 64 bits, which may be on either side of zero.
    pub fn difference(&mut self, difference: u64, order: u32) {
        self.count(to_side(difference), order);
    }

    /// What is to be written, once nothing more comes: zeros fill the last digits.
    pub fn end(mut self) -> String {
        if self.count > ALONE {
            self.bits(0, PAIR - self.count);
        } else if self.count > 0 {
            let rest = self.held << (ALONE - self.count) & 63;
            self.text.push(char::from(DIGITS[rest as usize]));
        }
        self.text
    }
}

/// Reads what a `Writer` wrote; None where the text is over, or none of its.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// The lowest `count` bits are not read yet.
    held: u64,
    count: u32,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader { rest: text.as_bytes(), held: 0, count: 0 }
    }

    pub fn bits(&mut self, count: u32) -> Option<u64> {
        if count > 32 {
            return Some(self.bits(count - 32)? << 32 | self.bits(32)?);
        }
        while self.count < count {
            self.more()?;
        }
        self.count -= count;
        Some(self.held >> self.count & ((1 << count) - 1))
    }

    pub fn flag(&mut self) -> Option<bool> {
        self.bits(1).map(|bit| bit == 1)
    }

    pub fn count(&mut self, order: u32) -> Option<u64> {
        let mut below = 0;
        while !self.flag()? {
            below += 1;
        }
        if below > 64 {
            return None;
        }
        let next = 1u64.checked_shl(below).unwrap_or(0) | self.bits(below)?;
        Some(next.wrapping_sub(1) << order | self.bits(order)?)
    }

    pub fn difference(&mut self, order: u32) -> Option<u64> {
        self.count(order).map(from_side)
    }

    /// The next one or two digits.
    fn more(&mut self) -> Option<()> {
        const VALUES: [u8; 256] = {
            let mut values = [u8::MAX; 256];
            let mut place = 0;
            while place < DIGITS.len() {
                values[DIGITS[place] as usize] = place as u8;
                place += 1;
            }
            values
        };
        let value = |digit: u8| Some(u64::from(VALUES[usize::from(digit)])).filter(|value| *value < 91);
        let (bits, most) = match *self.rest {
            [] => return None,
            [last] => (value(last)?, ALONE),
            [first, second, ..] => (value(first)? * 91 + value(second)?, PAIR),
        };
        self.rest = &self.rest[self.rest.len().min(2)..];
        self.held = self.held << most | Some(bits).filter(|bits| *bits < 1 << most)?;
        self.count += most;
        Some(())
    }
}

/// Doubles that follow each other, by the distance of each, as the integer that its bits are, from the one before; or,
/// where that would have been nearer the last time, from where the same step once more would lead.
///
/// A distance is its number of bits, as a difference from the last such number, and the bits below the highest. From the
/// second time on that a double is the one before again, a flag says so of each.
#[derive(Debug)]
pub(super) struct Series {
    last: u64,
    step: u64,
    straight: bool,
    /// Bits of the last distance.
    length: u32,
    repeats: bool,
}

impl Series {
    /// One that goes on from a double, at some distance.
    pub fn from(double: f64) -> Series {
        Series { last: double.to_bits(), step: 0, straight: false, length: 52, repeats: false }
    }

    /// One whose first double may be this one again.
    pub fn near(double: f64) -> Series {
        Series { repeats: true, ..Series::from(double) }
    }

    pub fn write(&mut self, double: f64, writer: &mut Writer) {
        let now = double.to_bits();
        if self.repeats {
            writer.flag(now == self.last);
        }
        if !self.repeats || now != self.last {
            let distance = to_side(now.wrapping_sub(self.expected()));
            let length = 64 - distance.leading_zeros();
            writer.difference(u64::from(length).wrapping_sub(self.length.into()), 1);
            writer.bits(distance, length.saturating_sub(1));
            self.length = length;
        }
        self.follow(now);
    }

    pub fn read(&mut self, reader: &mut Reader<'_>) -> Option<f64> {
        if self.repeats && reader.flag()? {
            self.follow(self.last);
            return Some(f64::from_bits(self.last));
        }
        let length = u64::from(self.length).wrapping_add(reader.difference(1)?);
        let highest = match length {
            0 => 0,
            1..=64 => 1 << (length - 1),
            _ => return None,
        };
        self.length = length as u32;
        let distance = highest | reader.bits(self.length.saturating_sub(1))?;
        self.follow(self.expected().wrapping_add(from_side(distance)));
        Some(f64::from_bits(self.last))
    }

    /// Of either sign: the sign, and the rest as a series.
    pub fn write_signed(&mut self, double: f64, writer: &mut Writer) {
        writer.flag(double.is_sign_negative());
        self.write(double.abs(), writer);
    }

    pub fn read_signed(&mut self, reader: &mut Reader<'_>) -> Option<f64> {
        let negative = reader.flag()?;
        self.read(reader).map(|double| if negative { -double } else { double })
    }

    fn expected(&self) -> u64 {
        self.last.wrapping_add(if self.straight { self.step } else { 0 })
    }

    fn follow(&mut self, now: u64) {
        let far = |from: u64| (now.wrapping_sub(from) as i64).unsigned_abs();
        self.straight = far(self.last.wrapping_add(self.step)) < far(self.last);
        self.repeats |= now == self.last;
        self.step = now.wrapping_sub(self.last);
        self.last = now;
    }
}

/// Differences as counts: 0, -1, 1, -2, 2, …
fn to_side(difference: u64) -> u64 {
    difference << 1 ^ ((difference as i64) >> 63) as u64
}

fn from_side(count: u64) -> u64 {
    count >> 1 ^ (count & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Doubles as runs have them, and every other pattern of bits.
    fn double() -> impl Strategy<Value = f64> {
        let special = [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, 5e-324, f64::MAX];
        prop_oneof![any::<u64>().prop_map(f64::from_bits), proptest::sample::select(special.to_vec()), 0.9..1.1f64]
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(
            doubles in proptest::collection::vec(double(), 0..9), counts in proptest::collection::vec(any::<u64>(), 0..4),
            small in 0..9u64, order in 0..8u32, width in 0..65u32,
        ) {
            let mut writer = Writer::default();
            let (mut series, mut signed) = (Series::from(1.0), Series::near(0.0));
            for double in &doubles {
                series.write(*double, &mut writer);
                signed.write_signed(*double, &mut writer);
            }
            for count in counts.iter().chain([&small, &0, &u64::MAX]) {
                writer.count(*count, order);
                writer.difference(*count, order);
                writer.bits(*count, width);
            }
            let text = writer.end();
            prop_assert_eq!(serde_json::to_string(&text).unwrap().len(), text.len() + 2, "no character is escaped");
            let mut reader = Reader::new(&text);
            let (mut series, mut signed) = (Series::from(1.0), Series::near(0.0));
            for double in &doubles {
                prop_assert_eq!(series.read(&mut reader).unwrap().to_bits(), double.to_bits());
                prop_assert_eq!(signed.read_signed(&mut reader).unwrap().to_bits(), double.to_bits());
            }
            for count in counts.iter().chain([&small, &0, &u64::MAX]) {
                prop_assert_eq!(reader.count(order), Some(*count));
                prop_assert_eq!(reader.difference(order), Some(*count));
                let mask = 1u64.checked_shl(width).unwrap_or(0).wrapping_sub(1);
                prop_assert_eq!(reader.bits(width), Some(count & mask));
            }
            prop_assert_eq!(reader.bits(PAIR), None);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", digits in "[!#-~]{0,60}", width in 0..65u32) {
            for text in [text, digits] {
                let mut reader = Reader::new(&text);
                while reader.count(0).is_some() && Series::from(1.0).read(&mut reader).is_some() {}
                let mut reader = Reader::new(&text);
                while width > 0 && reader.bits(width).is_some() {}
            }
        }
    }
}
