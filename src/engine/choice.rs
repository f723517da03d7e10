//! What stands in the lanes of a task, and why: decided here alone, for what runs and for `sbi-run check --explain`.

use std::fmt;

use crate::engine::{Kernel, directions, points};

/// The numbers that stand beside one another in vector instructions. No choice changes a bit of a result, up to the sign
/// of zero. `None` for a wish is the best for each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Rows of the data, of one point.
    Rows,
    /// Points that are evaluated together.
    Points,
    /// Directions of the derivative at one point.
    Tangents,
}

impl Lanes {
    pub const ALL: [Lanes; 3] = [Lanes::Rows, Lanes::Points, Lanes::Tangents];

    /// No wish, then those of `ALL`, as the file has them.
    pub const WORDS: &[&str] = &["auto", "rows", "points", "tangents"];

    pub fn word(self) -> &'static str {
        Lanes::WORDS[1 + self as usize]
    }

    /// What the file says of a wish.
    pub fn wish(wanted: Option<Lanes>) -> &'static str {
        wanted.map_or(Lanes::WORDS[0], Lanes::word)
    }
}

/// The lanes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub lanes: Lanes,
    pub why: Why,
}

/// Why a task has the lanes that it has; for rows, why it has no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Asked,
    /// For points and tangents.
    OneRow,
    FewRows,
    SharedLoop,
    /// Against them.
    OnePoint,
    Stepwise,
    FewPoints,
    ManyRows,
    ManyRowsOfALoop,
    NoSharedLoop,
    FewDirections,
    ManyDirections,
    LoopByRow,
    LoopOfUnknownLength,
    NoPlace,
    TooLong,
    TooManyPlaces,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Asked => write!(f, "as asked"),
            Why::OneRow => write!(f, "there is one row"),
            Why::FewRows => write!(f, "there are at most {} rows", points::ROWS),
            Why::SharedLoop => {
                write!(f, "a loop is the same for every row, and there are at most {} rows", points::ROWS_WITH_LOOP)
            }
            Why::OnePoint => write!(f, "one point is evaluated at a time"),
            Why::Stepwise => write!(f, "where to evaluate next follows from what was found before"),
            Why::FewPoints => write!(f, "there are fewer than {} points", points::FEW),
            Why::ManyRows => write!(f, "there are more than {} rows, and no loop is the same for all", points::ROWS),
            Why::ManyRowsOfALoop => write!(f, "there are more than {} rows", points::ROWS_WITH_LOOP),
            Why::NoSharedLoop => write!(f, "no loop is the same for every row"),
            Why::FewDirections => write!(f, "there are fewer than two free parameters"),
            Why::ManyDirections => write!(f, "there are more than {} free parameters", directions::MOST),
            Why::LoopByRow => write!(f, "a loop depends on the row of the data"),
            Why::LoopOfUnknownLength => write!(f, "a parameter says how long a loop is"),
            Why::NoPlace => write!(f, "rows of the data are put into a vector by their index, or kept apart"),
            Why::TooLong => write!(f, "the program is too long when written out row by row"),
            Why::TooManyPlaces => write!(f, "the program has more values than there are places for"),
        }
    }
}

impl Choice {
    pub const fn rows(why: Why) -> Choice {
        Choice { lanes: Lanes::Rows, why }
    }
}

impl Kernel {
    /// How so many points are evaluated that are there at once: a population.
    pub fn lanes_of_points(&self, wanted: Option<Lanes>, count: usize) -> Choice {
        self.choose(wanted, count, || match (self.shared_loop, self.rows.count()) {
            (true, ..=points::ROWS_WITH_LOOP) => Ok(Why::SharedLoop),
            (true, _) => Err(Why::ManyRowsOfALoop),
            (false, ..=points::ROWS) => Ok(Why::FewRows),
            (false, _) => Err(Why::ManyRows),
        })
    }

    /// The same of the points that one derivative is made of: worth the while where a loop has one lane otherwise.
    pub fn lanes_of_stencil(&self, wanted: Option<Lanes>, count: usize) -> Choice {
        self.choose(wanted, count, || match (self.shared_loop, self.rows.count()) {
            (true, ..=points::ROWS_WITH_LOOP) => Ok(Why::SharedLoop),
            (true, _) => Err(Why::ManyRowsOfALoop),
            (false, _) => Err(Why::NoSharedLoop),
        })
    }

    /// Points where they are wanted and can be; where there is no wish for them, `best` says whether they are better.
    fn choose(&self, wanted: Option<Lanes>, count: usize, best: impl Fn() -> Result<Why, Why>) -> Choice {
        let why = match wanted {
            Some(Lanes::Rows) => Err(Why::Asked),
            _ if count < 2 => Err(Why::OnePoint),
            Some(Lanes::Points) => Ok(Why::Asked),
            _ if count < points::FEW => Err(Why::FewPoints),
            None | Some(Lanes::Tangents) => best(),
        };
        match why.and_then(|why| self.can_have_points().map(|()| why)) {
            Ok(why) => Choice { lanes: Lanes::Points, why },
            Err(why) => Choice::rows(why),
        }
    }
}
