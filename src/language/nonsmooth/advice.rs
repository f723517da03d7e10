//! What is said of a site: what it is, where it happens, and the smooth form that helps, with the user's own words in it.
//!
//! In every smooth form `w` is a width of the user's choice, in the unit of what is compared.

use super::{Cause, Finding};
use crate::language::tree::{Compare, Expression, Form, Text, Unary};

/// Longer expressions have a letter in their place.
const LONGEST: usize = 32;

/// An expression as it is written, on one line; the letter where it is long.
fn written(text: &Text, tree: &Expression, letter: &str) -> String {
    let words: Vec<&str> = text.text[tree.span.clone()].split_whitespace().collect();
    let written = words.join(" ");
    if written.chars().count() <= LONGEST && !written.contains('#') { written } else { letter.to_string() }
}

/// The same as an operand of any operator: in brackets where it has operators of its own.
fn operand(text: &Text, tree: &Expression, letter: &str) -> String {
    let written = written(text, tree, letter);
    let bare = matches!(tree.form, Form::Number(_) | Form::Name(_) | Form::Index { .. } | Form::Call { .. });
    if bare || written == letter || written.starts_with('(') { written } else { format!("({written})") }
}

fn is_number(tree: &Expression, number: f64) -> bool {
    matches!(tree.form, Form::Number(found) if found == number)
}

/// x - y, without a zero.
fn difference(text: &Text, x: &Expression, y: &Expression) -> String {
    if is_number(y, 0.0) {
        return written(text, x, "x");
    }
    if is_number(x, 0.0) {
        return format!("-{}", operand(text, y, "y"));
    }
    format!("{} - {}", written(text, x, "x"), operand(text, y, "y"))
}

/// What is divided by w.
fn scaled(difference: &str) -> String {
    let bare = difference.chars().all(|c| c.is_alphanumeric() || "_.*".contains(c));
    if bare { format!("{difference}/w") } else { format!("({difference})/w") }
}

fn equal(text: &Text, x: &Expression, y: &Expression) -> String {
    if is_number(y, 0.0) {
        return format!("where `{}` is 0", written(text, x, "x"));
    }
    if is_number(x, 0.0) {
        return format!("where `{}` is 0", written(text, y, "y"));
    }
    format!("where `{}` equals `{}`", written(text, x, "x"), written(text, y, "y"))
}

/// Most integers are counts of something.
const COUNT: &str =
    "to vary a whole number, let `[sweep.axes]` take it through its values, or search it without gradients";

pub(super) fn function(text: &Text, cause: Cause, name: &str, arguments: &[Expression]) -> Finding {
    let x = arguments.first().map_or_else(|| "x".to_string(), |x| written(text, x, "x"));
    let what = format!("`{name}`");
    let (label, smooth) = match (name, arguments) {
        ("abs", _) => (
            format!("its slope jumps where `{x}` is 0"),
            format!("`hypot({x}, w)`, which is sqrt(x*x + w*w), rounds the kink over a width w"),
        ),
        ("sign", _) => (
            format!("it jumps where `{x}` is 0, and is flat elsewhere"),
            format!("`tanh({})` passes from -1 to 1 over a width w", scaled(&x)),
        ),
        ("min" | "max", [_, _]) => extremum(text, name == "max", &arguments[0], &arguments[1]),
        ("min" | "max", _) => (
            "its slope jumps where the two outermost are equal".into(),
            format!("`smooth_{name}(x, y, w)` of two at a time rounds the kinks over a width w"),
        ),
        ("mod", [x, y]) => {
            let finding = operation(text, cause, x, y);
            (finding.label, finding.smooth.unwrap_or_default())
        }
        ("round", _) => {
            (format!("it jumps where `{x}` is halfway between whole numbers, and is flat between"), COUNT.into())
        }
        _ => (format!("it jumps where `{x}` is a whole number, and is flat between"), COUNT.into()),
    };
    Finding { cause, what, label, smooth: Some(smooth) }
}

/// Label and smooth form of the larger (or smaller) of two.
fn extremum(text: &Text, larger: bool, x: &Expression, y: &Expression) -> (String, String) {
    let label = format!("its slope jumps {}", equal(text, x, y));
    let name = if larger { "smooth_max" } else { "smooth_min" };
    let mut smooth =
        format!("`{name}({}, {}, w)` rounds the kink over a width w", written(text, x, "x"), written(text, y, "y"));
    let other = [(x, y), (y, x)].into_iter().find(|(zero, _)| is_number(zero, 0.0)).map(|(_, other)| other);
    if let Some(other) = other.filter(|_| larger) {
        smooth += &format!("; so does `w*softplus({})`", scaled(&written(text, other, "x")));
    }
    (label, smooth)
}

/// `//` and `%`.
pub(super) fn operation(text: &Text, cause: Cause, x: &Expression, y: &Expression) -> Finding {
    in_place(text, cause, &operand(text, x, "x"), y)
}

/// `x //= y` and `x %= y`, x as it is written.
pub(super) fn in_place(text: &Text, cause: Cause, x: &str, y: &Expression) -> Finding {
    let place = if is_number(y, 1.0) { x.to_string() } else { format!("{x}/{}", operand(text, y, "y")) };
    quotient(cause, &place)
}

fn quotient(cause: Cause, place: &str) -> Finding {
    if cause == Cause::Remainder {
        Finding {
            cause,
            what: "`%`".into(),
            label: format!("it jumps where `{place}` is a whole number"),
            smooth: Some(format!("of a phase take `sin(2*pi*{place})` and `cos(2*pi*{place})`, which do not jump")),
        }
    } else {
        Finding {
            cause,
            what: "`//`".into(),
            label: format!("it jumps where `{place}` is a whole number, and is flat between"),
            smooth: Some(COUNT.into()),
        }
    }
}

pub(super) fn index(text: &Text, index: &Expression) -> String {
    let place = written(text, index, "x");
    format!(
        "add the elements up, each with a weight that falls with its distance from `{place}`, for instance `exp(-(({place} - i)/w)^2)`"
    )
}

/// A number whose truth is asked for.
pub(super) fn truth(text: &Text, tree: &Expression, cause: Cause) -> Finding {
    let x = written(text, tree, "x");
    Finding {
        cause,
        what: "the truth of this number".into(),
        label: format!("{} where `{x}` is 0", happens(cause)),
        smooth: None,
    }
}

fn happens(cause: Cause) -> &'static str {
    match cause {
        Cause::Passes => "the number of passes changes",
        Cause::Branch => "the value may jump, and its slope,",
        _ => "it jumps",
    }
}

pub(super) fn comparison(text: &Text, cause: Cause, x: &Expression, compare: Compare, y: &Expression) -> Finding {
    let upwards = match compare {
        Compare::Greater | Compare::GreaterEqual => Some(difference(text, x, y)),
        Compare::Less | Compare::LessEqual => Some(difference(text, y, x)),
        Compare::Equal | Compare::NotEqual => None,
    };
    let smooth = match (cause, upwards) {
        (Cause::Passes, _) => Some(
            "a loop of constant length, or a test so strict that one pass more changes nothing that is seen".into(),
        ),
        (Cause::Branch, Some(upwards)) => {
            let weight = scaled(&upwards);
            Some(format!(
                "where the sides do not meet, blend them over a width w: `s = sigmoid({weight})`, then `s*A + (1 - s)*B`"
            ))
        }
        (_, Some(upwards)) => Some(format!("`sigmoid({})` passes from 0 to 1 over a width w", scaled(&upwards))),
        (Cause::Branch, None) => None,
        (_, None) => {
            let bell = scaled(&difference(text, x, y));
            Some(format!("`exp(-({bell})^2)` is 1 where the two are equal and falls to 0 over a width w"))
        }
    };
    let place = equal(text, x, y);
    let label = match (cause, compare) {
        (Cause::Branch, Compare::Equal | Compare::NotEqual) => {
            format!("another value is taken {place}, and only there")
        }
        (Cause::Step, Compare::Equal | Compare::NotEqual) => format!("it differs {place}, and only there"),
        (Cause::Step, _) => format!("it jumps {place}, and is flat elsewhere"),
        _ => format!("{} {place}", happens(cause)),
    };
    Finding { cause, what: "this comparison".into(), label, smooth }
}

/// A conditional expression that spells the larger or smaller of two, or an absolute value.
pub(super) fn choice(text: &Text, test: &Expression, value: &Expression, otherwise: &Expression) -> Option<Finding> {
    let Form::Comparison { first, rest } = &test.form else { return None };
    let [(compare, second)] = &rest[..] else { return None };
    let same = |a: &Expression, b: &Expression| {
        let words = |tree: &Expression| text.text[tree.span.clone()].split_whitespace().collect::<String>();
        words(a) == words(b)
    };
    let larger_first = match compare {
        Compare::Greater | Compare::GreaterEqual => true,
        Compare::Less | Compare::LessEqual => false,
        Compare::Equal | Compare::NotEqual => return None,
    };
    let negated = |tree: &Expression, of: &Expression| match &tree.form {
        Form::Unary { operator: Unary::Minus, operand } => same(operand, of),
        _ => false,
    };
    let (label, smooth) = if same(value, first) && same(otherwise, second) {
        extremum(text, larger_first, first, second)
    } else if same(value, second) && same(otherwise, first) {
        extremum(text, !larger_first, first, second)
    } else if is_number(second, 0.0)
        && ((same(value, first) && negated(otherwise, first)) || (negated(value, first) && same(otherwise, first)))
    {
        let x = written(text, first, "x");
        let smooth = format!("`hypot({x}, w)`, which is sqrt(x*x + w*w), rounds the kink over a width w");
        (format!("its slope jumps where `{x}` is 0"), smooth)
    } else {
        return None;
    };
    Some(Finding { cause: Cause::Branch, what: "this choice".into(), label, smooth: Some(smooth) })
}
