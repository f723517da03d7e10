//! Every key of the experiment file, one row each: the reader, suggestions, the schema and the reference page use it.

pub use super::keys_differentiation::{COMPARE, DIFFERENTIATION, MOST_POINTS, SYMBOLIC};
pub use super::keys_engine::ENGINE;
pub use super::keys_sweep::{AXIS, SWEEP};
use crate::kind::{Accepts, Catalog, Default, Kind, Range};

/// A table of the file: the keys that it may hold.
#[derive(Debug)]
pub struct Section {
    /// One sentence for the reference page.
    pub summary: &'static str,
    pub keys: &'static [Key],
    /// Further keys are the settings of the row that one of the keys names.
    pub row: Option<Row>,
    /// Further keys are names of the user's: what they name, and their values.
    pub names: Option<(&'static str, &'static Shape)>,
}

/// Which key names the row, and in which table it stands.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub key: &'static str,
    pub group: Group,
}

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub summary: &'static str,
    pub shape: Shape,
    pub absent: Absent,
}

/// What holds where a key is not given.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    Required,
    /// Nothing, or what the words say.
    Means(&'static str),
    Is(Default),
    Words(&'static [&'static str]),
}

/// A table of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Simulator,
    Prior,
    Loss,
    Method,
    Optimizer,
    Interval,
    Draw,
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    Text,
    Accepts(Accepts),
    /// A number, or a list with one number per element of a vector parameter.
    Numbers,
    /// `[low, high]`, infinities allowed.
    Pair,
    /// A call of a row: `uniform(0, 50)`.
    Call(Group),
    /// The name of a row.
    Word(Group),
    /// A list of such names.
    Words(Group),
    /// A list of numbers.
    List,
    /// A list of anything that the key at an axis's path takes.
    Values,
    /// What an axis may be: such a list, a formula, or a table.
    Axis(&'static Section),
    /// Groups of paths: `[["a", "b"]]`.
    Groups,
    /// A formula, or a list of them.
    Formulas,
    Section(&'static Section),
    /// `[[…]]`.
    Sections(&'static Section),
    /// Names that the user chooses, each with a value of the shape.
    Named {
        /// What is named: `parameter`, `output`.
        what: &'static str,
        shape: &'static Shape,
    },
    /// Whichever fits what is written.
    Either(&'static [Shape]),
}

pub(super) const fn key(name: &'static str, shape: Shape, absent: Absent, summary: &'static str) -> Key {
    Key { name, summary, shape, absent }
}

pub(super) const fn number(range: Range) -> Shape {
    Shape::Accepts(Accepts::Number(range))
}

pub(super) const fn integer(low: i64, high: i64) -> Shape {
    Shape::Accepts(Accepts::Integer { low, high })
}

pub(super) const fn named(what: &'static str, shape: &'static Shape) -> Shape {
    Shape::Named { what, shape }
}

const RESAMPLINGS: Shape = Shape::Accepts(Accepts::Choice(&["parametric", "cases"]));
pub(super) const NOTHING: Absent = Absent::Means("");
pub(super) const FORMULA: Shape = Shape::Accepts(Accepts::Formula);
pub(super) const FINITE: Shape = number(Range::Finite);

pub static EXPERIMENT: Section = Section {
    summary: "What the file says of itself, and its sections.",
    row: None,
    names: None,
    keys: &[
        key("title", Shape::Text, NOTHING, "Heads the reports."),
        key("about", Shape::Text, NOTHING, "Prose, copied to the report."),
        key("reference", Shape::Text, NOTHING, "Where the data or the model come from."),
        key(
            "seed",
            integer(0, i64::MAX),
            Absent::Is(Default::Integer(1)),
            "Random streams are keyed by it, the run's identity and the purpose.",
        ),
        key(
            "constants",
            named("constant", &Shape::Numbers),
            NOTHING,
            "Names with a fixed value, or with a list of them: a vector, used as `A[i]`. Each may use the numbers before it.",
        ),
        key("data", Shape::Section(&DATA), Absent::Means("no data: one row without columns"), "What was observed."),
        key(
            "simulator",
            Shape::Section(&SIMULATOR),
            Absent::Required,
            "What computes outputs from parameters and data columns.",
        ),
        key(
            "parameters",
            named("parameter", &Shape::Either(&[Shape::Call(Group::Prior), Shape::Section(&PARAMETER)])),
            Absent::Required,
            "The unknowns: each a prior, or a table.",
        ),
        key(
            "loss",
            Shape::Section(&LOSS),
            Absent::Required,
            "How far outputs are from data: what optimizers minimise.",
        ),
        key("differentiation", Shape::Section(&DIFFERENTIATION), NOTHING, "How derivatives are computed."),
        key(
            "optimizer",
            Shape::Sections(&OPTIMIZER),
            Absent::Means("no runs"),
            "One `[[optimizer]]` for each that is compared.",
        ),
        key("budget", Shape::Section(&BUDGET), NOTHING, "What each run may use."),
        key("intervals", Shape::Section(&INTERVALS), NOTHING, "How sure the estimates are."),
        key("engine", Shape::Section(&ENGINE), NOTHING, "How the machine works; changes no number."),
        key("sweep", Shape::Section(&SWEEP), NOTHING, "Repetitions, and settings that vary."),
        key("expected", Shape::Section(&EXPECTED), NOTHING, "The answer that the best run should give."),
    ],
};

pub static DATA: Section = Section {
    summary: "Measured data in a CSV file, or data that the simulator itself makes.",
    row: None,
    names: None,
    keys: &[
        key(
            "file",
            Shape::Text,
            Absent::Means("`synthetic` says how data are made"),
            "CSV with a header row and `#` comment lines; a path relative to the experiment file.",
        ),
        key(
            "columns",
            named("column", &Shape::Text),
            Absent::Means("every column under its own name"),
            "Name in formulas = column in the file.",
        ),
        key("synthetic", Shape::Section(&SYNTHETIC), NOTHING, "Makes the data in place of `file`."),
    ],
};

pub static SYNTHETIC: Section = Section {
    summary: "Observations drawn from the simulator at known parameters.",
    row: None,
    names: None,
    keys: &[
        key(
            "inputs",
            named("input", &Shape::Either(&[Shape::Section(&GRID), Shape::List])),
            Absent::Means("one row without columns"),
            "The columns: a grid or a list each; several give their product, the last varying fastest.",
        ),
        key(
            "truth",
            named("parameter", &Shape::Numbers),
            Absent::Required,
            "The value of each parameter; becomes its `reference`.",
        ),
        key(
            "noise",
            named("output", &Shape::Call(Group::Draw)),
            Absent::Means("outputs without noise"),
            "The distribution of each output's observations; its arguments may use the outputs.",
        ),
    ],
};

pub static GRID: Section = Section {
    summary: "Evenly spaced numbers.",
    row: None,
    names: None,
    keys: &[
        key("from", FINITE, Absent::Required, "The first."),
        key("to", FINITE, Absent::Required, "The last."),
        key("count", integer(1, 10_000_000), Absent::Required, "How many."),
        key(
            "scale",
            Shape::Accepts(Accepts::Choice(&["linear", "log"])),
            Absent::Is(Default::Choice("linear")),
            "`log`: evenly spaced logarithms.",
        ),
    ],
};

pub static SIMULATOR: Section = Section {
    summary: "The model.",
    names: None,
    row: Some(Row { key: "kind", group: Group::Simulator }),
    keys: &[
        key("kind", Shape::Word(Group::Simulator), Absent::Required, "Which simulator."),
        key("let", named("shared term", &FORMULA), NOTHING, "Terms that formulas share; each may use those before it."),
        key(
            "outputs",
            named("output", &FORMULA),
            Absent::Means(
                "of a program: the names that it assigns and the data have; a formula simulator must say them",
            ),
            "What is predicted, each compared with the data column of its name.",
        ),
        key("program", Shape::Text, NOTHING, "The text of a program."),
        key("file", Shape::Text, NOTHING, "A file with the text of a program, relative to this file."),
    ],
};

pub static PARAMETER: Section = Section {
    summary: "The long form of a parameter.",
    row: None,
    names: None,
    keys: &[
        key("prior", Shape::Call(Group::Prior), Absent::Required, "What is known before the data."),
        key("start", Shape::Numbers, Absent::Means("the prior's median"), "Where the first repeat starts."),
        key("bounds", Shape::Pair, Absent::Means("the prior's support"), "Narrows the box that optimizers search."),
        key(
            "transform",
            Shape::Accepts(Accepts::Choice(&["identity", "log", "logit"])),
            Absent::Means("by the box: logit where both ends are finite, log where one is, identity where none is"),
            "The coordinate in which gradient methods search without constraints.",
        ),
        key("reference", Shape::Numbers, NOTHING, "The accepted value, for comparison."),
        key("unit", Shape::Text, NOTHING, "A label for the reports."),
        key("size", integer(1, 1_000_000), Absent::Means("a scalar"), "Number of elements of a vector parameter."),
    ],
};

pub static LOSS: Section = Section {
    summary: "The loss; several outputs add up.",
    names: None,
    row: Some(Row { key: "kind", group: Group::Loss }),
    keys: &[
        key("kind", Shape::Word(Group::Loss), Absent::Required, "Which loss."),
        key(
            "sigma",
            Shape::Either(&[FORMULA, named("output", &FORMULA)]),
            NOTHING,
            "Standard deviation, over columns, parameters and constants: one formula for all outputs, or one for each.",
        ),
        key(
            "weight",
            Shape::Either(&[number(Range::Positive), named("output", &number(Range::Positive))]),
            Absent::Is(Default::Number(1.0)),
            "Factor of the loss: one number for all outputs, or one for each.",
        ),
        key(
            "prior",
            Shape::Accepts(Accepts::Flag),
            Absent::Is(Default::Flag(false)),
            "Adds the negative log density of the priors (maximum a posteriori).",
        ),
    ],
};

pub static OPTIMIZER: Section = Section {
    summary: "One optimizer; its further keys are the settings of its method.",
    names: None,
    row: Some(Row { key: "method", group: Group::Optimizer }),
    keys: &[
        key("method", Shape::Word(Group::Optimizer), Absent::Required, "Which optimizer."),
        key(
            "label",
            Shape::Text,
            Absent::Means("the method"),
            "The word in the reports; tells two uses of one method apart.",
        ),
        key(
            "starts",
            integer(1, 1_000_000),
            Absent::Is(Default::Integer(1)),
            "From how many points it starts: the run's own, then Sobol points over the priors; they share the budget.",
        ),
        key(
            "polish",
            Shape::Word(Group::Optimizer),
            NOTHING,
            "An optimizer that goes on from the best point with what is left of the budget, at least a tenth of it.",
        ),
    ],
};

pub static BUDGET: Section = Section {
    summary: "A run that uses it up is `stopped`.",
    row: None,
    names: None,
    keys: &[
        key("evaluations", integer(1, i64::MAX), Absent::Is(Default::Integer(20_000)), "Evaluations of the loss."),
        key("gradients", integer(1, i64::MAX), Absent::Means("no limit"), "Gradients, and Jacobians of the residuals."),
        key("iterations", integer(1, i64::MAX), Absent::Means("no limit"), "Iterations of the optimizer."),
        key(
            "seconds",
            number(Range::Positive),
            Absent::Means("no limit"),
            "Wall time of each run; a run that it ends (`time_budget`) cannot be reproduced.",
        ),
        key("target", FINITE, NOTHING, "A run that reaches this loss is done (`target`)."),
        key(
            "stagnation",
            integer(1, i64::MAX),
            Absent::Means("no limit"),
            "How many iterations in a row may bring no lower loss.",
        ),
    ],
};

pub static INTERVALS: Section = Section {
    summary: "Confidence intervals at each run's best point.",
    row: None,
    names: None,
    keys: &[
        key("methods", Shape::Words(Group::Interval), Absent::Words(&["fisher"]), "Which methods."),
        key("level", number(Range::Open(0.0, 1.0)), Absent::Is(Default::Number(0.68)), "Their coverage."),
        key("resamples", integer(10, 1_000_000), Absent::Is(Default::Integer(500)), "Data sets that `bootstrap` fits."),
        key("bootstrap", RESAMPLINGS, Absent::Means("by the law of the loss, else by rows"), "How data are drawn."),
    ],
};

pub static EXPECTED: Section = Section {
    summary: "Checked at the end of a run, and by the tests: the smallest loss, and parameters there by their names.",
    row: None,
    names: Some(("parameter", &Shape::Numbers)),
    keys: &[
        key("loss", FINITE, NOTHING, "The smallest loss."),
        key(
            "standard_errors",
            named("parameter", &Shape::Numbers),
            NOTHING,
            "Certified standard errors of parameters, by their names: `comparison.csv` says to how many digits they are met.",
        ),
        key("tolerance", number(Range::Positive), Absent::Is(Default::Number(1e-5)), "Allowed relative deviation."),
    ],
};

impl Section {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Group {
    /// The kinds that the catalog holds of this group.
    pub fn kinds(self, catalog: &Catalog) -> Vec<&'static Kind> {
        match self {
            Group::Simulator => catalog.simulators.iter().collect(),
            Group::Prior => catalog.priors.iter().map(|row| &row.kind).collect(),
            Group::Loss => catalog.losses.iter().map(|row| &row.kind).collect(),
            Group::Method => catalog.methods.iter().collect(),
            Group::Optimizer => catalog.optimizers.iter().map(|row| &row.kind).collect(),
            Group::Interval => catalog.intervals.iter().collect(),
            Group::Draw => catalog.draws.iter().collect(),
        }
    }

    pub fn kind(self, catalog: &Catalog, name: &str) -> Option<&'static Kind> {
        self.kinds(catalog).into_iter().find(|kind| kind.name == name)
    }

    /// What one of them is called, with its article.
    pub fn one(self) -> String {
        let article = if self.noun().starts_with(['o', 'i']) { "an" } else { "a" };
        format!("{article} {}", self.noun())
    }

    /// What one of them is called.
    pub fn noun(self) -> &'static str {
        match self {
            Group::Simulator => "simulator",
            Group::Prior => "prior",
            Group::Loss => "loss",
            Group::Method => "differentiation method",
            Group::Optimizer => "optimizer",
            Group::Interval => "interval method",
            Group::Draw => "noise distribution",
        }
    }
}
