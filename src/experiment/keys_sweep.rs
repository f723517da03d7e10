//! Keys of the sweep and of its axes, one row each.

use super::keys::{Absent, FINITE, FORMULA, Group, NOTHING, Section, Shape, integer, key, named};
use crate::kind::{Accepts, Default};

pub static SWEEP: Section = Section {
    summary: "Every optimizer, method and combination of the axes is run `repeats` times.",
    row: None,
    names: None,
    keys: &[
        key(
            "repeats",
            integer(1, 1_000_000_000),
            Absent::Is(Default::Integer(1)),
            "Independent starts; the first is `start`, later ones are drawn from the priors.",
        ),
        key(
            "axes",
            named("path", &Shape::Axis(&AXIS)),
            NOTHING,
            "Any dotted path of this file = the values that it takes in turn; every combination of the axes is run.",
        ),
        key("zip", Shape::Groups, Absent::Means("every combination"), "Axes that vary together, not as a product."),
        key(
            "when",
            Shape::Formulas,
            Absent::Means("every combination"),
            "Conditions on the axes by their names; a combination is run where all hold, else skipped.",
        ),
    ],
};

pub static AXIS: Section = Section {
    summary: "The long form of an axis: a list, a range, draws, or a formula of the axes before it.",
    row: None,
    names: None,
    keys: &[
        key("values", Shape::Values, NOTHING, "The values, one by one."),
        key("from", FINITE, NOTHING, "The first number of a range."),
        key("to", FINITE, NOTHING, "Its last number."),
        key("count", integer(1, 10_000_000), NOTHING, "How many numbers."),
        key(
            "scale",
            Shape::Accepts(Accepts::Choice(&["linear", "log"])),
            Absent::Is(Default::Choice("linear")),
            "`log`: evenly spaced logarithms.",
        ),
        key("draw", Shape::Call(Group::Prior), NOTHING, "The distribution of `count` draws, keyed by `seed` and path."),
        key(
            "design",
            Shape::Accepts(Accepts::Choice(&["random", "sobol"])),
            Absent::Is(Default::Choice("random")),
            "`sobol`: draws that cover evenly; those of a `zip` group do so together.",
        ),
        key("formula", FORMULA, NOTHING, "The value as a formula of the axes before it; adds no combinations."),
        key(
            "round",
            Shape::Accepts(Accepts::Flag),
            Absent::Is(Default::Flag(false)),
            "Rounds ranges and draws to whole numbers.",
        ),
        key("name", Shape::Text, Absent::Means("the last part of the path"), "What formulas call the axis."),
    ],
};
