//! The keys of `[engine]`: how the machine works, which changes no number.

use super::keys::{Absent, Section, Shape, key};
use crate::engine::Lanes;
use crate::kind::{Accepts, Default};

pub static ENGINE: Section = Section {
    summary: "How the machine works. Nothing here changes a number or the identity of a run.",
    row: None,
    names: None,
    keys: &[key(
        "lanes",
        Shape::Accepts(Accepts::Choice(Lanes::WORDS)),
        Absent::Is(Default::Choice(Lanes::WORDS[0])),
        "What stands side by side in vector instructions: rows of the data; points, wherever several are evaluated \
         together; tangent directions, where `forward` takes a gradient. Tasks that have none of these choose for \
         themselves, as with `auto`; `sbi-run check --explain` says what each has, and why.",
    )],
};
