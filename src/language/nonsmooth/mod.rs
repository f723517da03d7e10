//! Where formulas and programs are not differentiable, and in which parameters: an analysis of the tree.
//!
//! Every value is followed forwards with the parameters that move it (`value`), through assignments, branches, loops
//! and calls of functions (`statement`). Where a value that a parameter moves reaches something with a kink or a step,
//! or decides which statements are carried out, there is a site (`expression`). Loops are passed through again until
//! nothing changes: the least fixed point of a monotone map (Nielson, Nielson & Hankin, Principles of Program Analysis,
//! chapter 2). A value that depends on a parameter by steps alone is not followed: it makes no new place to jump at.
//!
//! Data columns and constants move nothing, so that loops over ranges and branches on data are never sites. Domain
//! edges (`sqrt` at 0, the cut of `atan2`) are not looked at.

mod advice;
mod expression;
mod statement;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::language::tree::{Formula, Function, Program, Text};
use value::{Names, Parameters, Scalar, Value, Vector};

/// What it is that has no derivative somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// `abs`: a kink.
    Absolute,
    /// `min`, `max`: kinks.
    Extremum,
    /// `floor`, `ceil`, `round`, `sign`, `//`, a comparison or `not` as a number, an index: flat between steps.
    Step,
    /// `%`: slopes between jumps.
    Remainder,
    /// What decides a branch: there the value may jump, and its slope.
    Branch,
    /// What decides how often a loop is passed through.
    Passes,
}

/// One place in a text.
#[derive(Clone, Debug)]
pub struct Site {
    pub text: Arc<Text>,
    pub span: Range<usize>,
    pub cause: Cause,
    /// What does it, as the subject of a sentence: `abs`, `this comparison`.
    pub what: String,
    /// Where it happens, after the caret.
    pub label: String,
    /// The smooth form that would help.
    pub smooth: Option<String>,
    /// Numbers of the parameters that it happens in, in increasing order.
    pub parameters: Vec<usize>,
}

/// What is known of a site before its parameters are.
struct Finding {
    cause: Cause,
    what: String,
    label: String,
    smooth: Option<String>,
}

/// The work after which a text is given up: expressions and statements passed through, and names joined. About a second.
const WORK: usize = 3_000_000;

/// Calls inside calls; lowering refuses as many.
const DEEPEST: usize = 64;

/// An analysis under way. Texts are given in the order in which they are computed.
pub struct Analysis {
    names: Names,
    /// Names local to the functions under way, the innermost last.
    locals: Vec<Names>,
    /// What the functions under way have returned so far.
    returned: Vec<Option<Scalar>>,
    /// Where the calls under way stand.
    path: Vec<usize>,
    functions: BTreeMap<String, Arc<Function>>,
    text: Option<Arc<Text>>,
    /// Only the truth of the value is asked for, or what it is rounded to: a kink in it is not seen.
    deciding: bool,
    /// What held whenever a loop was entered or passed through, by its calls and place.
    heads: HashMap<(Vec<usize>, usize), Names>,
    changed: bool,
    texts: Vec<Arc<Text>>,
    /// By text and place.
    sites: BTreeMap<(usize, usize, usize, Cause), (Finding, Parameters)>,
    work: usize,
}

impl Analysis {
    pub fn new() -> Analysis {
        Analysis {
            names: Names::new(),
            locals: Vec::new(),
            returned: Vec::new(),
            path: Vec::new(),
            functions: BTreeMap::new(),
            text: None,
            deciding: false,
            heads: HashMap::new(),
            changed: false,
            texts: Vec::new(),
            sites: BTreeMap::new(),
            work: 0,
        }
    }

    pub fn constant(&mut self, name: &str, number: f64) {
        self.names.insert(name.to_string(), Value::Scalar(Scalar::known(number)));
    }

    /// A name that no parameter moves: a data column, a parameter that is fixed.
    pub fn data(&mut self, name: &str, vector: bool) {
        self.insert(name, vector, Parameters::default());
    }

    /// A parameter that is searched.
    pub fn parameter(&mut self, name: &str, number: usize, vector: bool) {
        self.insert(name, vector, Parameters::one(number));
    }

    fn insert(&mut self, name: &str, vector: bool, varies: Parameters) {
        let value = match vector {
            true => Value::Vector(Vector::of(varies)),
            false => Value::Scalar(Scalar::varying(varies)),
        };
        self.names.insert(name.to_string(), value);
    }

    /// Passes through a formula; a name given to it stands for its value from then on.
    pub fn formula(&mut self, formula: &Formula, name: Option<&str>) {
        self.enter(&formula.text);
        let value = self.value(&formula.tree);
        if let Some(name) = name {
            self.names.insert(name.to_string(), Value::Scalar(value));
        }
    }

    /// Passes through a program; what it assigns is known by its name afterwards.
    pub fn program(&mut self, program: &Program) {
        self.enter(&program.text);
        let functions = program.functions.iter();
        self.functions = functions.map(|function| (function.name.clone(), Arc::new(function.clone()))).collect();
        let before = self.names.clone();
        loop {
            self.changed = false;
            self.statements(&program.body);
            if !self.changed || self.exhausted() {
                break;
            }
            self.names.clone_from(&before);
        }
        self.functions.clear();
    }

    /// Numbers of the parameters that move a name, in increasing order.
    pub fn moving(&self, name: &str) -> Vec<usize> {
        match self.look_up(name) {
            Some(Value::Scalar(value)) => value.varies.numbers(),
            _ => Vec::new(),
        }
    }

    /// The texts were too large to be followed to the end: there may be more sites.
    pub fn exhausted(&self) -> bool {
        self.work > WORK
    }

    /// Every site, in the order of the texts and inside each of its places.
    pub fn sites(self) -> Vec<Site> {
        let site =
            |((text, start, end, cause), (finding, parameters)): ((usize, _, _, _), (Finding, Parameters))| Site {
                text: Arc::clone(&self.texts[text]),
                span: start..end,
                cause,
                what: finding.what,
                label: finding.label,
                smooth: finding.smooth,
                parameters: parameters.numbers(),
            };
        self.sites.into_iter().map(site).collect()
    }

    fn enter(&mut self, text: &Arc<Text>) {
        self.texts.push(Arc::clone(text));
        self.text = Some(Arc::clone(text));
        self.heads.clear();
    }

    /// Adds parameters to a site; none, and there is none.
    fn site(&mut self, span: &Range<usize>, varies: &Parameters, finding: impl FnOnce(&Text) -> Finding) {
        let Some(text) = self.text.as_ref().filter(|_| !varies.is_empty()) else { return };
        let finding = finding(text);
        if self.deciding && matches!(finding.cause, Cause::Absolute | Cause::Extremum) {
            return;
        }
        let key = (self.texts.len() - 1, span.start, span.end, finding.cause);
        self.sites.entry(key).or_insert((finding, Parameters::default())).1.add(varies);
    }

    fn scope(&mut self) -> &mut Names {
        self.locals.last_mut().unwrap_or(&mut self.names)
    }

    /// A name of the function under way, else of the program.
    fn look_up(&self, name: &str) -> Option<&Value> {
        self.locals.last().and_then(|names| names.get(name)).or_else(|| self.names.get(name))
    }
}

impl Default for Analysis {
    fn default() -> Self {
        Analysis::new()
    }
}
