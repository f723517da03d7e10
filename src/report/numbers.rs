//! How numbers are spelled: exactly for files, rounded for people.

/// The shortest digits that read back to the same double: plain decimals for magnitudes from 1e-5 up to 1e16, otherwise
/// as in `1.5e-20`; `inf`, `-inf` and `nan`.
pub fn exact(x: f64) -> String {
    match x {
        _ if x.is_nan() => "nan".to_string(),
        _ if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.to_string(),
        _ if x == 0.0 || (1e-5..1e16).contains(&x.abs()) => format!("{x}"),
        _ => format!("{x:e}"),
    }
}

/// A field of a table: empty where there is nothing to say.
pub fn field(x: Option<f64>) -> String {
    x.map(exact).unwrap_or_default()
}

/// At most `digits` significant digits, without trailing zeros after the point.
pub fn short(x: f64, digits: usize) -> String {
    if !x.is_finite() || x == 0.0 {
        return exact(x.abs().copysign(if x == 0.0 { 1.0 } else { x }));
    }
    let scientific = format!("{:.*e}", digits.max(1) - 1, x);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let decade = decade(x, digits);
    if (-4..=5.max(digits as i32 - 1)).contains(&decade) {
        let decimals = (digits as i32 - 1 - decade).max(0) as usize;
        return trim(&format!("{x:.decimals$}")).to_string();
    }
    format!("{}e{exponent}", trim(mantissa))
}

/// An estimate with its standard error, the error to two significant digits and the estimate to the same place
/// (JCGM 100:2008, 7.2.6): `24.0 ± 1.8`; with a common power of ten where the numbers are very large or very small.
pub fn measured(estimate: f64, standard_error: f64) -> String {
    if !estimate.is_finite() || !standard_error.is_finite() || standard_error <= 0.0 {
        return format!("{} ± {}", short(estimate, 6), short(standard_error, 2));
    }
    let largest = decade(estimate.abs().max(standard_error), 2);
    if (-3..=5).contains(&largest) {
        let decimals = (1 - decade(standard_error, 2)).max(0) as usize;
        return format!("{estimate:.decimals$} ± {standard_error:.decimals$}");
    }
    // In two steps, because the power itself may be too large or too small for a double.
    let power = |exponent: i32| format!("1e{exponent}").parse::<f64>().unwrap_or(1.0);
    let scale = |x: f64| x / power(largest / 2) / power(largest - largest / 2);
    let (estimate, standard_error) = (scale(estimate), scale(standard_error));
    let decimals = (1 - decade(standard_error, 2)).clamp(0, 17) as usize;
    format!("({estimate:.decimals$} ± {standard_error:.decimals$})e{largest}")
}

/// A count with a space between groups of three digits: `20 000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A time in a unit that suits it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => exact(s),
        s if s < 1e-6 => format!("{} ns", short(s * 1e9, 3)),
        s if s < 1e-3 => format!("{} µs", short(s * 1e6, 3)),
        s if s < 1.0 => format!("{} ms", short(s * 1e3, 3)),
        s if s < 120.0 => format!("{} s", short(s, 3)),
        s if s < 7200.0 => format!("{} min", short(s / 60.0, 3)),
        s => format!("{} h", short(s / 3600.0, 3)),
    }
}

/// The power of ten of the leading digit after rounding to `digits` significant digits.
fn decade(x: f64, digits: usize) -> i32 {
    let text = format!("{:.*e}", digits.max(1) - 1, x);
    text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_spelling_is_one_rule() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (20000.0, "20000"),
            (0.1, "0.1"),
            (1e-5, "0.00001"),
            (9.5e-6, "9.5e-6"),
            (1e-20, "1e-20"),
            (9007199254740993.0, "9007199254740992"),
            (1e16, "1e16"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::INFINITY, "inf"),
            (-f64::NAN, "nan"),
        ] {
            assert_eq!(exact(x), text);
        }
    }

    proptest! {
        #[test]
        fn exact_reads_back(bits: u64) {
            let x = f64::from_bits(bits);
            let back: f64 = exact(x).parse().unwrap();
            prop_assert!(back.to_bits() == bits || x.is_nan() && back.is_nan());
        }

        #[test]
        fn short_and_measured_never_panic(a: u64, b: u64, digits in 1usize..17) {
            let (a, b) = (f64::from_bits(a), f64::from_bits(b));
            prop_assert!(!short(a, digits).is_empty() && measured(a, b).contains('±'));
        }
    }

    #[test]
    fn estimates_are_rounded_as_the_guide_says() {
        assert_eq!(measured(23.96, 1.75), "24.0 ± 1.8");
        assert_eq!(measured(961.3814, 49.3295), "961 ± 49");
        assert_eq!(measured(211.6208, 32.24), "212 ± 32");
        assert_eq!(measured(0.123456, 0.0996), "0.12 ± 0.10");
        assert_eq!(measured(12345.6, 234.0), "12346 ± 234");
        assert_eq!(measured(1.6602e-7, 2.3e-10), "(1.6602 ± 0.0023)e-7");
        assert_eq!(measured(-3.2e8, 4.5e6), "(-3.200 ± 0.045)e8");
        assert_eq!(measured(1.0, f64::NAN), "1 ± nan");
    }

    #[test]
    fn short_numbers_are_short() {
        assert_eq!(short(1234.5678, 6), "1234.57");
        assert_eq!(short(123456.0, 3), "123456");
        assert_eq!(short(1234567.0, 3), "1.23e6");
        assert_eq!(short(9.9999e-5, 3), "0.0001");
        assert_eq!(short(1.5e-9, 3), "1.5e-9");
        assert_eq!(short(0.0, 3), "0");
        assert_eq!(short(-0.5, 3), "-0.5");
        assert_eq!(count(20000), "20 000");
        assert_eq!(count(2000), "2000");
        assert_eq!(duration(0.00125), "1.25 ms");
    }
}
