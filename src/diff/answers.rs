//! What each differentiation method answers where a program is not differentiable: kind of place × method.
//!
//! The exact methods follow the statements that are carried out at the point, with the partial derivatives of the
//! operators' rows: the derivative of `abs` is `sign`, which is 0 at 0; `min` and `max` are their first argument where
//! it is equal to the second. Differences see both sides of the place as far as their step reaches. The tests ask the
//! methods themselves.

use crate::diff::Method;
use crate::language::nonsmooth::Cause;

/// The derivative that a method returns at a kink or jump, and what it is near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// At a kink the slope towards larger values of the parameter; a mean of both slopes where the kink lies inside the
    /// step.
    SlopeAbove,
    /// A mean of the slopes on both sides.
    MeanSlope,
    /// 0, the mean of the slopes -1 and 1 of `abs`.
    SlopeZero,
    /// The slope of the first of the equal arguments.
    FirstArgument,
    /// 0 everywhere.
    Flat,
    /// 0, and jump/h where a step lies inside the stencil.
    FlatOrJump,
    /// The slope between the jumps.
    Period,
    /// The same, with jump/h added where a jump lies inside the stencil.
    PeriodOrJump,
    /// The slope of the branch that is taken at the point.
    Taken,
    /// A mean of the slopes of both branches, with jump/h added where they do not meet.
    TakenOrJump,
    /// The slope of the passes that are made at the point.
    PassesMade,
    /// The same, with jump/h added.
    PassesOrJump,
}

/// What a method answers at a place of this kind.
pub fn answer(cause: Cause, method: Method) -> Answer {
    let exact = match method {
        Method::ForwardDifference | Method::CentralDifference | Method::Richardson => false,
        Method::ComplexStep | Method::Symbolic | Method::Forward | Method::Reverse => true,
    };
    match (cause, exact) {
        (Cause::Absolute, true) => Answer::SlopeZero,
        (Cause::Extremum, true) => Answer::FirstArgument,
        (Cause::Absolute | Cause::Extremum, false) if method == Method::ForwardDifference => Answer::SlopeAbove,
        (Cause::Absolute | Cause::Extremum, false) => Answer::MeanSlope,
        (Cause::Step, true) => Answer::Flat,
        (Cause::Step, false) => Answer::FlatOrJump,
        (Cause::Remainder, true) => Answer::Period,
        (Cause::Remainder, false) => Answer::PeriodOrJump,
        (Cause::Branch, true) => Answer::Taken,
        (Cause::Branch, false) => Answer::TakenOrJump,
        (Cause::Passes, true) => Answer::PassesMade,
        (Cause::Passes, false) => Answer::PassesOrJump,
    }
}

impl Answer {
    /// What follows "there NAME returns".
    pub fn sentence(self) -> &'static str {
        match self {
            Answer::SlopeAbove => {
                "the slope on the side of larger values; where the kink lies within its step h, a mean of both slopes"
            }
            Answer::MeanSlope => "a mean of the slopes on both sides, where the kink lies within its step h",
            Answer::SlopeZero => "0 at the kink itself, the mean of the slopes -1 and 1; elsewhere the slope",
            Answer::FirstArgument => "the slope of the first of the equal arguments; elsewhere the slope",
            Answer::Flat => "0 everywhere, which says nothing of the jump",
            Answer::FlatOrJump => "0, or jump/h where a jump lies within its step h",
            Answer::Period => "the slope between the jumps, which says nothing of the jump",
            Answer::PeriodOrJump => {
                "the slope between the jumps, or that and jump/h where a jump lies within its step h"
            }
            Answer::Taken => "the slope of the branch that is taken at the point, which says nothing of a jump",
            Answer::TakenOrJump => {
                "a mean of both slopes where the branch changes within its step h, and jump/h if they do not meet"
            }
            Answer::PassesMade => "the slope of the passes that are made at the point, which says nothing of a jump",
            Answer::PassesOrJump => "the same slope, and jump/h where the number of passes changes within its step h",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Answer, answer};
    use crate::diagnostic::Source;
    use crate::diff::{METHODS, Method, Objective, Options};
    use crate::engine::{Rows, Workspace};
    use crate::ir::{Builder, Program};
    use crate::language::lower::{self, Meaning, Scope};
    use crate::language::nonsmooth::{Analysis, Cause};
    use crate::language::tree::{self, Text};

    /// A program of `a` that is linear on both sides of a = 2: its slopes below and above, the slope of what is carried
    /// out at 2 itself, the jump from one side to the other, and the part of it from the value at 2 upwards.
    struct Case(Cause, &'static str, [f64; 3], [f64; 2]);

    const CASES: [Case; 24] = [
        Case(Cause::Absolute, "y = abs(3*(a - 2))", [-3.0, 3.0, 0.0], [0.0, 0.0]),
        Case(Cause::Absolute, "y = abs(6 - 3*a)", [-3.0, 3.0, 0.0], [0.0, 0.0]),
        Case(Cause::Extremum, "y = max(2*a, 7*a - 10)", [2.0, 7.0, 2.0], [0.0, 0.0]),
        Case(Cause::Extremum, "y = max(7*a - 10, 2*a)", [2.0, 7.0, 7.0], [0.0, 0.0]),
        Case(Cause::Extremum, "y = min(7*a - 10, 2*a)", [7.0, 2.0, 7.0], [0.0, 0.0]),
        Case(Cause::Extremum, "y = max(4, 1, 3*a - 2, a)", [0.0, 3.0, 0.0], [0.0, 0.0]),
        Case(Cause::Step, "y = floor(a)", [0.0, 0.0, 0.0], [1.0, 0.0]),
        Case(Cause::Step, "y = ceil(a)", [0.0, 0.0, 0.0], [1.0, 1.0]),
        Case(Cause::Step, "y = round(a + 0.5)", [0.0, 0.0, 0.0], [1.0, 1.0]),
        Case(Cause::Step, "y = sign(a - 2)", [0.0, 0.0, 0.0], [2.0, 1.0]),
        Case(Cause::Step, "y = a // 2", [0.0, 0.0, 0.0], [1.0, 0.0]),
        Case(Cause::Step, "y = 3*(a > 2)", [0.0, 0.0, 0.0], [3.0, 3.0]),
        Case(Cause::Step, "y = 3*(a >= 2)", [0.0, 0.0, 0.0], [3.0, 0.0]),
        Case(Cause::Step, "y = 3*(a == 2)", [0.0, 0.0, 0.0], [0.0, -3.0]),
        Case(Cause::Step, "y = not a - 2", [0.0, 0.0, 0.0], [0.0, -1.0]),
        Case(Cause::Step, "v = zeros(4)\nv[2] = 5\nv[1] = 2\ny = v[a]", [0.0, 0.0, 0.0], [3.0, 0.0]),
        Case(Cause::Remainder, "y = a % 2", [1.0, 1.0, 1.0], [-2.0, 0.0]),
        Case(Cause::Remainder, "y = 4 % a", [-2.0, -1.0, -2.0], [2.0, 2.0]),
        Case(Cause::Branch, "y = 4*a - 4 if a > 2 else 3*a - 2", [3.0, 4.0, 3.0], [0.0, 0.0]),
        Case(Cause::Branch, "y = a + 10 if a > 2 else 3*a", [3.0, 1.0, 3.0], [6.0, 6.0]),
        Case(Cause::Branch, "if a < 2:\n    y = 3*a\nelse:\n    y = a", [3.0, 1.0, 1.0], [-4.0, 0.0]),
        Case(Cause::Branch, "y = 5 if a == 2 else 3*a", [3.0, 3.0, 0.0], [0.0, 1.0]),
        Case(Cause::Branch, "y = a - 2 or 5", [1.0, 1.0, 0.0], [0.0, -5.0]),
        Case(Cause::Passes, "y = 0\nwhile y < 4:\n    at_most(9)\n    y += a", [3.0, 2.0, 2.0], [-2.0, 0.0]),
    ];

    /// The step of the differences at a = 2: a power of two, so that the quotients of the cases are exact.
    const H: f64 = 1.0 / 512.0;

    fn parsed(text: &str) -> tree::Program {
        let source = Arc::new(Source { name: "program".into(), text: text.into() });
        crate::language::program(&Arc::new(Text::plain(source, 0..text.len())), &mut Vec::new()).expect("a program")
    }

    fn lowered(text: &str) -> Program {
        let (mut b, mut scope, mut faults) = (Builder::new(), Scope::default(), Vec::new());
        let a = b.input(0);
        scope.insert("a", Meaning::Scalar(a));
        let names = lower::program_names(&parsed(text), &scope, &mut b, &mut faults);
        let Some(Meaning::Scalar(y)) = names.as_ref().and_then(|names| names.get("y")) else { panic!("{faults:?}") };
        let sum = b.sum(*y);
        b.finish(&[sum], 1, 0)
    }

    fn gradient(program: &Program, a: f64, method: Method) -> f64 {
        let step = matches!(method, Method::ForwardDifference | Method::CentralDifference).then_some(H / 2.0);
        let options = Options { step, ..Options::default() };
        let objective = Objective::new(program, &Rows::new(&[], 1), method, &options).expect("a scalar program");
        let mut gradient = [f64::NAN];
        objective.gradient(&[a], &mut Workspace::default(), &mut gradient);
        gradient[0]
    }

    /// What an answer is at a = 2.
    fn claimed(answer: Answer, method: Method, case: &Case) -> f64 {
        let Case(_, _, [below, above, at], [whole, upwards]) = case;
        let difference = match method {
            Method::ForwardDifference => above + upwards / H,
            // Steps of 0.2 and 0.2/1.4, extrapolated once: further ones only see the jump grow.
            Method::Richardson => 0.5 * (below + above) + whole / 0.4 * (1.4 * 1.4 * 1.4 - 1.0) / (1.4 * 1.4 - 1.0),
            _ => 0.5 * (below + above) + whole / (2.0 * H),
        };
        match answer {
            Answer::SlopeAbove => *above,
            Answer::MeanSlope => 0.5 * (below + above),
            Answer::SlopeZero | Answer::Flat => 0.0,
            Answer::FirstArgument | Answer::Period | Answer::Taken | Answer::PassesMade => *at,
            Answer::FlatOrJump | Answer::PeriodOrJump | Answer::TakenOrJump | Answer::PassesOrJump => difference,
        }
    }

    /// At the place itself, away from it, and, for differences, with the place between the two points.
    #[test]
    fn the_methods_answer_as_the_table_says() {
        let mut faults = Vec::new();
        for case in &CASES {
            let Case(cause, text, [below, above, _], [whole, _]) = case;
            let program = lowered(text);
            for name in METHODS.iter().map(|row| row.name) {
                let method = Method::named(name).expect("a method");
                let mut compare = |a: f64, want: f64, allowed: f64| {
                    let found = gradient(&program, a, method);
                    if (found - want).abs().is_nan() || (found - want).abs() > allowed {
                        faults.push(format!("{text} at {a} by {name}: {found}, not {want}"));
                    }
                };
                compare(2.0, claimed(answer(*cause, method), method, case), 1e-9);
                compare(2.25, *above, 1e-9);
                if method == Method::ForwardDifference {
                    let between = 0.5 * (below + above) + whole / H;
                    compare(2.0 - H / 2.0, between, 0.01 * (1.0 + between.abs()));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// The analysis finds each of these places, and says what it is.
    #[test]
    fn each_case_is_what_the_analysis_says() {
        for Case(cause, text, ..) in &CASES {
            let mut analysis = Analysis::new();
            analysis.parameter("a", 0, false);
            analysis.program(&parsed(text));
            let found: Vec<Cause> = analysis.sites().iter().map(|site| site.cause).collect();
            assert_eq!(found, [*cause], "{text}");
        }
    }
}
