//! Laws of the parser and printer: what is printed parses back, nothing panics, precedences are Python's.

use std::sync::Arc;

use proptest::prelude::*;

use crate::diagnostic::{Diagnostic, Source};
use crate::language::tree::{
    Action, Binary, Compare, Expression, Form, Function, Program, Reduction, Statement, Steps, Target, Text, Unary,
};
use crate::language::{HEIGHT, NESTING, expression, program};

pub(super) fn text(text: &str) -> Arc<Text> {
    let source = Arc::new(Source { name: "formula".into(), text: text.into() });
    Arc::new(Text::plain(source, 0..text.len()))
}

/// The formula, printed; or the first fault's message.
fn shown(formula: &str) -> String {
    let mut faults = Vec::new();
    match expression(&text(formula), &mut faults) {
        Some(formula) => formula.to_string(),
        None => faults[0].message.clone(),
    }
}

fn program_faults(source: &str) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let tree = program(&text(source), &mut faults);
    assert_eq!(tree.is_none(), !faults.is_empty());
    faults
}

#[test]
fn groups_as_python_does() {
    for (written, expected) in [
        ("(-(2**2))", "-2**2"),
        ("(-2)**2", "(-2)**2"),
        ("2**(-1)", "2**-1"),
        ("2**(3**2)", "2**3**2"),
        ("(2**3)**2", "(2**3)**2"),
        ("2^3^2", "2**3**2"),
        ("-x^2", "-x**2"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("(a < b) < c", "(a < b) < c"),
        ("a < b < c", "a < b < c"),
        ("not (a == b)", "not a == b"),
        ("(not a) == b", "(not a) == b"),
        ("(a or b) or c", "(a or b) or c"),
        ("a or (b and c)", "a or b and c"),
        ("a if b else (c if d else e)", "a if b else c if d else e"),
        ("(a if b else c) if d else e", "(a if b else c) if d else e"),
        ("a // b % c", "a // b % c"),
        ("sum(x[i]*2 for i in range(0, n,))", "sum(x[i]*2 for i in range(0, n))"),
        ("1_000 + 1e-3 + .5 + 5. + 0x10", "1000 + 0.001 + 0.5 + 5 + 16"),
        ("True + False", "1 + 0"),
        ("λ*exp(-λ*t)  # a comment\n + 1", "λ*exp(-λ*t) + 1"),
        ("lambda + inf", "lambda + inf"),
        ("f(a,)", "f(a)"),
        ("1if x else 2", "1 if x else 2"),
    ] {
        assert_eq!(shown(written), expected, "{written}");
    }
}

#[test]
fn spans_cover_what_was_written() {
    let formula = expression(&text("a + (b - f(c))*2"), &mut Vec::new()).unwrap();
    let written = |expression: &Expression| formula.text.text[expression.span.clone()].to_string();
    let Form::Binary { left, right, .. } = &formula.tree.form else { panic!("{formula}") };
    assert_eq!(
        (written(&formula.tree), written(left), written(right)),
        ("a + (b - f(c))*2".into(), "a".into(), "(b - f(c))*2".into())
    );
}

#[test]
fn several_faults_in_one_pass() {
    let faults =
        program_faults("a = 1 +\nb = 2x\nc = a && b\nif a = 1:\n    d = )\nelse:\n    e = 1\nwhile a:\n    a -= 1\n");
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(faults.len(), 7, "{messages:#?}");
}

#[test]
fn an_open_bracket_does_not_swallow_the_program() {
    let faults = program_faults("a = (1 + 2\nb = 3 +\nc = f(1,\n  2)\n");
    assert_eq!(
        faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>(),
        ["`(` is never closed", "a value is missing after `+`"]
    );
}

#[test]
fn deep_and_long_texts_are_refused_with_one_fault() {
    let n = 10_000;
    let chain = |operator: &str, count: usize| vec!["1"; count].join(operator);
    let refused = [
        "(".repeat(n),
        format!("{}1{}", "(".repeat(n), ")".repeat(n)),
        "[".repeat(n),
        "f(".repeat(n),
        "-".repeat(n) + "x",
        "not ".repeat(n) + "x",
        chain("**", n),
        chain(" if x else ", n),
        chain(" + ", 100_000),
        chain("/", 100_000),
        format!("({})+{}", chain("+", 900), chain("+", 900)),
        "x".repeat(2 << 20),
    ];
    for written in refused {
        let mut faults = Vec::new();
        assert!(expression(&text(&written), &mut faults).is_none());
        assert_eq!(faults.len(), 1, "{}…: {faults:#?}", &written[..10]);
        assert!(!program_faults(&format!("y = {written}")).is_empty());
    }
    let blocks: String = (0..=NESTING).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    assert_eq!(program_faults(&(blocks + &" ".repeat(NESTING + 1) + "y = 1")).len(), 1);
    // Flat forms may be long.
    for operator in [" < ", " and ", " or "] {
        assert!(expression(&text(&chain(operator, 10_000)), &mut Vec::new()).is_some());
    }
    assert!(expression(&text(&format!("f({})", chain(", ", 10_000))), &mut Vec::new()).is_some());
}

#[test]
fn the_highest_tree_can_be_printed_copied_compared_and_dropped_on_a_small_stack() {
    let work = || {
        let height = vec!["1"; HEIGHT].join("+");
        let tall = expression(&text(&height), &mut Vec::new()).unwrap();
        let deep = format!("{}1{}", "(-".repeat(NESTING / 2 - 1), ")".repeat(NESTING / 2 - 1));
        let deep = expression(&text(&deep), &mut Vec::new()).unwrap();
        assert!(tall == tall.clone() && deep == deep.clone());
        assert!(format!("{tall:?}").len() > tall.to_string().len() && deep.to_string().len() == NESTING / 2);
        assert!(expression(&text(&(height + "+1")), &mut Vec::new()).is_none());
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

/// A tree whose spans mean nothing.
fn bare(form: Form) -> Expression {
    Expression { form, span: 0..0 }
}

/// Forgets spans, to compare trees.
pub(super) fn without_spans(debug: &impl std::fmt::Debug) -> String {
    let shown = format!("{debug:?}");
    let digit = |c: char| c.is_ascii_digit();
    shown.split("..").map(|part| part.trim_start_matches(digit).trim_end_matches(digit)).collect()
}

pub(super) fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["x", "y1", "λ", "lambda", "_t", "e", "inf"]).prop_map(str::to_string)
}

pub(super) fn any_expression() -> impl Strategy<Value = Expression> {
    let number = prop_oneof![
        (0u32..1000).prop_map(f64::from),
        any::<f64>().prop_map(f64::abs).prop_filter("finite", |x| x.is_finite()),
        Just(f64::INFINITY)
    ];
    let leaf = prop_oneof![number.prop_map(|x| bare(Form::Number(x))), name().prop_map(|name| bare(Form::Name(name)))];
    let boxed = |inner: &BoxedStrategy<Expression>| inner.clone().prop_map(Box::new);
    leaf.prop_recursive(7, 60, 4, move |inner| {
        let binary = prop::sample::select(vec![
            Binary::Add,
            Binary::Subtract,
            Binary::Multiply,
            Binary::Divide,
            Binary::FloorDivide,
            Binary::Modulo,
            Binary::Power,
        ]);
        let compare = prop::sample::select(vec![
            Compare::Less,
            Compare::LessEqual,
            Compare::Greater,
            Compare::GreaterEqual,
            Compare::Equal,
            Compare::NotEqual,
        ]);
        let unary = prop::sample::select(vec![Unary::Plus, Unary::Minus]);
        let inner = inner.boxed();
        prop_oneof![
            4 => (binary, boxed(&inner), boxed(&inner)).prop_map(|(operator, left, right)| bare(Form::Binary { operator, left, right })),
            2 => (unary, boxed(&inner)).prop_map(|(operator, operand)| bare(Form::Unary { operator, operand })),
            1 => (boxed(&inner), prop::collection::vec((compare, inner.clone()), 1..3))
                .prop_map(|(first, rest)| bare(Form::Comparison { first, rest })),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|operands| bare(Form::And(operands))),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|operands| bare(Form::Or(operands))),
            1 => boxed(&inner).prop_map(|operand| bare(Form::Not(operand))),
            1 => (boxed(&inner), boxed(&inner), boxed(&inner))
                .prop_map(|(test, value, otherwise)| bare(Form::Conditional { test, value, otherwise })),
            1 => (name(), prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(function, arguments)| bare(Form::Call { function, function_span: 0..0, arguments })),
            1 => (name(), boxed(&inner))
                .prop_map(|(base, index)| bare(Form::Index { base: Box::new(bare(Form::Name(base))), index })),
            1 => (any::<bool>(), boxed(&inner), name(), steps(inner)).prop_map(|(sum, element, variable, range)| {
                let kind = if sum { Reduction::Sum } else { Reduction::Product };
                bare(Form::Reduction { kind, element, variable, range: Box::new(range) })
            }),
        ]
    })
}

fn steps(inner: impl Strategy<Value = Expression> + Clone) -> impl Strategy<Value = Steps> {
    (prop::option::of((inner.clone(), prop::option::of(inner.clone()))), inner).prop_map(|(more, stop)| match more {
        Some((start, step)) => Steps { start: Some(start), stop, step },
        None => Steps { start: None, stop, step: None },
    })
}

fn any_block() -> impl Strategy<Value = Vec<Statement>> {
    let value = || any_expression();
    let target = (name(), prop::option::of(value())).prop_map(|(name, index)| Target { name, name_span: 0..0, index });
    let operator = prop::option::of(prop::sample::select(vec![Binary::Add, Binary::FloorDivide, Binary::Power]));
    let assign =
        (target, operator, value()).prop_map(|(target, operator, value)| Action::Assign { target, operator, value });
    let of = |action| Statement { action, span: 0..0 };
    let leaf = prop::collection::vec(assign.prop_map(of), 0..3);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let compound =
            prop_oneof![
                (name(), steps(any_expression().boxed()), inner.clone())
                    .prop_map(|(variable, range, body)| Action::For { variable, variable_span: 0..0, range, body }),
                (value(), value(), inner.clone()).prop_map(|(test, bound, body)| Action::While { test, bound, body }),
                (prop::collection::vec((value(), inner.clone()), 1..3), inner.clone())
                    .prop_map(|(branches, otherwise)| Action::If { branches, otherwise }),
            ];
        (inner, compound).prop_map(move |(mut block, action)| {
            block.push(of(action));
            block
        })
    })
}

pub(super) fn any_program() -> impl Strategy<Value = Program> {
    let function = (any_block(), any_expression()).prop_map(|(mut body, value)| {
        body.push(Statement { action: Action::Return(value), span: 0..0 });
        let parameters = vec![("a".to_string(), 0..0), ("b".to_string(), 0..0)];
        Function { name: "f".into(), name_span: 0..0, parameters, body, span: 0..0 }
    });
    (prop::collection::vec(function, 0..2), any_block()).prop_map(|(functions, body)| Program {
        text: text(""),
        functions,
        body,
    })
}

/// Words, symbols and junk of which faulty texts are made.
fn scraps() -> impl Strategy<Value = String> {
    let scraps = [
        "(", ")", "[", "]", "{", "}", "+", "-", "**", "^", "=", "==", "+=", "<", ":", ";", ",", ".", "->", ":=", "x",
        "y", "1", "2.5", "0x", "1_", " ", " ", "\n", "\n    ", "\n\t", "\\\n", "\r", "#", "'", "\"\"\"", "f'", "if",
        "else", "elif", "for", "in", "range(", "while", "at_most(", "def", "return", "pass", "sum(", "not", "and",
        "lambda", "import", "é", "²", "∞", "\0", "\u{a0}", "&&", "!", "2x", "np.exp(", "True", "_", "e", "1e", "$$",
    ];
    prop::collection::vec(prop::sample::select(scraps.to_vec()), 0..40).prop_map(|scraps| scraps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_is_printed_parses_back(tree in any_expression()) {
        let printed = tree.to_string();
        let mut faults = Vec::new();
        let Some(formula) = expression(&text(&printed), &mut faults) else { panic!("{printed}: {faults:#?}") };
        prop_assert_eq!(without_spans(&formula.tree), without_spans(&tree), "{}", printed);
    }

    #[test]
    fn printed_programs_parse_back(tree in any_program()) {
        let printed = tree.to_string();
        let mut faults = Vec::new();
        let Some(read) = program(&text(&printed), &mut faults) else { panic!("{printed}: {faults:#?}") };
        prop_assert_eq!(without_spans(&(&read.functions, &read.body)), without_spans(&(&tree.functions, &tree.body)), "{}", printed);
    }

    #[test]
    fn brackets_that_are_printed_are_needed(tree in any_expression()) {
        let printed = tree.to_string();
        for (open, _) in printed.match_indices('(').filter(|(open, _)| !printed[..*open].ends_with(|c: char| c.is_alphanumeric() || c == '_')) {
            let close = partner(&printed, open);
            let without = format!("{} {} {}", &printed[..open], &printed[open + 1..close], &printed[close + 1..]);
            if let Some(formula) = expression(&text(&without), &mut Vec::new()) {
                prop_assert_ne!(without_spans(&formula.tree), without_spans(&tree), "{}", printed);
            }
        }
    }

    #[test]
    fn any_text_gives_a_tree_or_a_fault(written in prop_oneof![".*", scraps(), "[-+*/()x1 \\n]{0,60}"]) {
        let mut faults = Vec::new();
        prop_assert_eq!(expression(&text(&written), &mut faults).is_none(), !faults.is_empty());
        for fault in faults.iter().chain(&program_faults(&written)) {
            for label in &fault.labels {
                let span = &label.span;
                prop_assert!(written.get(span.clone()).is_some(), "{:?} of {:?}", span, written);
            }
        }
    }
}

/// The closing bracket of the opening one at `open`.
fn partner(written: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in written[open..].char_indices() {
        depth += match c {
            '(' | '[' => 1,
            ')' | ']' => -1,
            _ => 0,
        };
        if depth == 0 {
            return open + at;
        }
    }
    unreachable!("printed brackets are balanced")
}
