//! The keys of `[differentiation]`: the methods, the forms of the symbolic one, the comparison.

use super::keys::{Absent, GRID, Group, NOTHING, Section, Shape, integer, key, named, number};
use super::{Of, Sharing};
use crate::kind::{Accepts, Default, Range};

pub static DIFFERENTIATION: Section = Section {
    summary: "Gradient optimizers run once per method.",
    row: None,
    names: None,
    keys: &[
        key("methods", Shape::Words(Group::Method), Absent::Words(&["reverse"]), "Which methods."),
        key(
            "step",
            number(Range::Positive),
            Absent::Means("each method's own rule"),
            "Step of the difference methods and of the complex step.",
        ),
        key("symbolic", Shape::Section(&SYMBOLIC), NOTHING, "What `symbolic` means."),
        key(
            "compare",
            Shape::Section(&COMPARE),
            NOTHING,
            "Accuracy and cost of each method against a high-precision reference.",
        ),
    ],
};

pub static SYMBOLIC: Section = Section {
    summary: "How a symbolic derivative is made and kept; the reports name what differs from the defaults.",
    row: None,
    names: None,
    keys: &[
        key(
            "sharing",
            Shape::Accepts(Accepts::Choice(Sharing::WORDS)),
            Absent::Is(Default::Choice("throughout")),
            "Whether what occurs twice is computed once: never (a tree), after the differentiation of a tree, or all \
             along.",
        ),
        key(
            "expand",
            Shape::Accepts(Accepts::Flag),
            Absent::Is(Default::Flag(false)),
            "Multiplies the derivatives out, as `expand` of a computer algebra system does.",
        ),
        key(
            "simplify",
            Shape::Accepts(Accepts::Flag),
            Absent::Is(Default::Flag(true)),
            "Applies the rules of simplification.",
        ),
        key(
            "limit",
            integer(1, 100_000_000),
            Absent::Is(Default::Integer(200_000)),
            "Nodes that an expression may have before it is refused.",
        ),
    ],
};

/// More points than these take for ever.
pub const MOST_POINTS: usize = 1_000_000;

pub static COMPARE: Section = Section {
    summary: "Where the methods are compared.",
    row: None,
    names: None,
    keys: &[
        key(
            "points",
            integer(0, MOST_POINTS as i64),
            Absent::Is(Default::Integer(0)),
            "How many points: the start, then draws from the priors.",
        ),
        key(
            "of",
            Shape::Accepts(Accepts::Choice(Of::WORDS)),
            Absent::Is(Default::Choice("gradient")),
            "What is differentiated: the loss, or the outputs of the simulator in every row of the data.",
        ),
        key(
            "outputs",
            integer(1, i64::MAX),
            Absent::Means("all"),
            "How many of the outputs the Jacobian has rows for, the first ones.",
        ),
        key(
            "grid",
            named("scalar parameter", &Shape::Either(&[Shape::Section(&GRID), Shape::List])),
            Absent::Means("no further points"),
            "Further points: values of some parameters, or every combination of them; the others are at their start.",
        ),
    ],
};
