//! The axes: logarithmic ones drawn as linear ones over logarithms, and linear ones that two panels can share.
//!
//! kuva's own logarithmic axes end at 1e-10 whatever the data are; differences of losses go far below.

use std::sync::Arc;

use kuva::render::layout::{Layout, TickFormat};

use super::numbers;
use crate::math::elementary::{log2, log10, pow};

/// A logarithmic axis: powers of ten, or of two where the data span less than two decades.
pub(super) struct Logarithmic {
    binary: bool,
    low: f64,
    high: f64,
    step: f64,
}

impl Logarithmic {
    /// An axis that holds the positive finite values; None without any.
    pub fn over(values: impl IntoIterator<Item = f64>) -> Option<Logarithmic> {
        let usable = values.into_iter().filter(|x| x.is_finite() && *x > 0.0);
        let (least, most) = usable.fold((f64::INFINITY, 0.0), |(least, most), x| (x.min(least), x.max(most)));
        if most <= 0.0 {
            return None;
        }
        let binary = most / least < 100.0;
        let ends = if binary { [log2(least), log2(most)] } else { [log10(least), log10(most)] };
        let (mut low, mut high) = (ends[0].floor(), ends[1].ceil());
        let step = ((high - low) / 8.0).ceil().max(1.0);
        // A little room, so that no mark lies on the frame.
        low -= if ends[0] - low < 0.1 { 0.15 } else { 0.0 };
        high += if high - ends[1] < 0.1 { 0.15 } else { 0.0 };
        Some(Logarithmic { binary, low, high, step })
    }

    /// Where a positive value lies.
    pub fn at(&self, x: f64) -> f64 {
        if self.binary { log2(x) } else { log10(x) }
    }

    /// The value that lies at a place.
    pub fn back(&self, place: f64) -> f64 {
        pow(if self.binary { 2.0 } else { 10.0 }, place)
    }

    pub fn on_x(&self, layout: Layout) -> Layout {
        let layout = layout.with_x_axis_min(self.low).with_x_axis_max(self.high);
        layout.with_x_tick_step(self.step).with_x_tick_format(self.labels())
    }

    pub fn on_y(&self, layout: Layout) -> Layout {
        let layout = layout.with_y_axis_min(self.low).with_y_axis_max(self.high);
        layout.with_y_tick_step(self.step).with_y_tick_format(self.labels())
    }

    fn labels(&self) -> TickFormat {
        let (binary, plain) = (self.binary, self.low >= -3.2 && self.high <= 4.2);
        TickFormat::Custom(Arc::new(move |exponent| {
            let exponent = exponent.round() as i32;
            let value = |base: &str| format!("{base}{}", superscript(exponent));
            match (binary, plain || exponent == 0) {
                (true, _) if exponent.abs() <= 13 => numbers::short(two_to(exponent), 4),
                (true, _) => value("2"),
                (false, true) => numbers::short(format!("1e{exponent}").parse().unwrap_or(f64::NAN), 1),
                (false, false) => value("10"),
            }
        }))
    }
}

fn two_to(exponent: i32) -> f64 {
    let power = f64::from(1u32 << exponent.unsigned_abs());
    if exponent < 0 { 1.0 / power } else { power }
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |c: char| c.to_digit(10).map_or('⁻', |d| DIGITS[d as usize]);
    exponent.to_string().chars().map(digit).collect()
}

/// A linear axis: the range of the data with some room, and ticks at round numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    low: f64,
    high: f64,
    step: f64,
}

/// Values beyond this are not drawn: their differences would overflow.
pub(super) const LARGEST: f64 = 1e100;

impl Linear {
    /// An axis with about `ticks` ticks, that holds the values that can be drawn; from 0 to 1 without any.
    pub fn over(values: impl IntoIterator<Item = f64>, ticks: f64) -> Linear {
        let usable = values.into_iter().filter(|x| x.abs() <= LARGEST);
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut least, mut most) = usable.fold(start, |(least, most), x| (x.min(least), x.max(most)));
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        // Values that differ by no more than rounding are one value.
        let size = least.abs().max(most.abs());
        if most - least <= size * 1e-12 || most - least < 1.0 / LARGEST {
            let room = if size < 1.0 / LARGEST { 1.0 } else { size };
            (least, most) = (least - room / 2.0, most + room / 2.0);
        }
        let raw = (most - least) / ticks;
        let decade: f64 = format!("1e{}", log10(raw).floor()).parse().unwrap_or(raw);
        let step = [1.0, 2.0, 5.0].into_iter().find(|m| m * decade >= raw).unwrap_or(10.0) * decade;
        let room = 0.05 * (most - least);
        Linear { low: least - room, high: most + room, step }
    }

    pub fn on_x(self, layout: Layout) -> Layout {
        let layout = layout.with_x_axis_min(self.low).with_x_axis_max(self.high);
        layout.with_x_tick_step(self.step).with_x_tick_format(label_format())
    }

    pub fn on_y(self, layout: Layout) -> Layout {
        let layout = layout.with_y_axis_min(self.low).with_y_axis_max(self.high);
        layout.with_y_tick_step(self.step).with_y_tick_format(label_format())
    }

    /// Letters of the widest label.
    pub fn letters(self) -> usize {
        let mut widest = 1;
        let mut tick = (self.low / self.step).ceil();
        while tick * self.step <= self.high {
            widest = widest.max(numbers::short(tick * self.step, DIGITS).chars().count());
            tick += 1.0;
        }
        widest
    }
}

/// Enough digits to tell ticks apart that lie a thousandth of their size from each other.
const DIGITS: usize = 5;

fn label_format() -> TickFormat {
    TickFormat::Custom(Arc::new(|x| numbers::short(x, DIGITS)))
}
