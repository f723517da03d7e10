//! Walks a file along the table of keys: unknown and missing keys, wrong types, numbers out of range, unknown kinds.
//!
//! What a value means together with others is for `check`, which may then read values without reporting them again.

use super::call;
use super::file::{Content, Node, Place, Table};
use super::homes::homes;
use super::keys::{Absent, Group, Row, Section, Shape};
use super::number;
use crate::diagnostic::{Diagnostic, did_you_mean, many};
use crate::kind::{Accepts, Catalog, Default, Kind};

/// Simulators of later versions, and what there is until then.
const LATER: [(&str, &str); 3] = [
    ("ode", "`program` can take the steps of an integration itself: experiments/predator_prey.toml"),
    ("stochastic", "`formula` and `program` are deterministic; `[data.synthetic]` draws noise around their outputs"),
    ("command", "`formula` and `program` are what there is: formulas, or a program in the model language"),
];

pub struct Reader<'a> {
    pub catalog: &'a Catalog,
    pub constants: &'a [(String, f64)],
    pub faults: Vec<Diagnostic>,
    /// Names of parameters, which numbers cannot use.
    pub parameters: Vec<&'a str>,
    /// The whole file could be parsed; if not, what is missing may be in the part that could not.
    pub complete: bool,
}

impl Reader<'_> {
    /// Reports every fault that the shape of the file shows. `place` is the table's.
    pub fn section(&mut self, table: &Table, place: &Place, section: &'static Section, path: &str) {
        let kind = section.row.map(|row| (row, named_kind(table, row, self.catalog)));
        for entry in &table.entries {
            let here = join(path, &entry.name);
            if let Some(key) = section.key(&entry.name) {
                // Constants were evaluated, and their faults reported, before everything else.
                if here != "constants" {
                    self.value(&entry.value, &key.shape, &here);
                }
                continue;
            }
            if let Some((_, shape)) = section.names {
                self.value(&entry.value, shape, &here);
                continue;
            }
            match kind {
                // A name that no row has was reported; its settings cannot be judged.
                Some((_, None)) => {}
                Some((_, Some(kind))) => match kind.setting(&entry.name) {
                    Some(setting) => self.accepts(&entry.value, setting.accepts, &here),
                    None => self.unknown_key(&entry.place, &entry.name, section, path, Some(kind)),
                },
                None => self.unknown_key(&entry.place, &entry.name, section, path, None),
            }
        }
        self.missing_keys(table, place, section, path);
        if let Some((_, Some(kind))) = kind {
            let required = kind.settings.iter().filter(|setting| setting.default == Default::Required);
            for setting in required.filter(|setting| table.get(setting.name).is_none()) {
                self.missing(place, &join(path, setting.name), setting.summary);
            }
        }
    }

    fn missing_keys(&mut self, table: &Table, place: &Place, section: &'static Section, path: &str) {
        let required = section.keys.iter().filter(|key| matches!(key.absent, Absent::Required));
        for key in required.filter(|key| table.get(key.name).is_none()) {
            self.missing(place, &join(path, key.name), key.summary);
        }
    }

    fn missing(&mut self, place: &Place, path: &str, summary: &str) {
        if self.complete {
            let fault = match path.rsplit_once('.') {
                Some((_, name)) => place.error(format!("`{path}` is missing"), format!("`{name}` must be here")),
                None => place.error(format!("there is no section `[{path}]`"), "not in this file"),
            };
            let name = path.rsplit('.').next().unwrap_or(path);
            self.faults.push(fault.help(format!("`{name}`: {summary}")));
        }
    }

    fn unknown_key(&mut self, place: &Place, name: &str, section: &Section, path: &str, kind: Option<&Kind>) {
        let settings = kind.iter().flat_map(|kind| kind.settings.iter().map(|setting| setting.name));
        let known: Vec<&str> = section.keys.iter().map(|key| key.name).chain(settings).collect();
        let of = match (kind, path) {
            (Some(kind), _) => format!(" for `{}`", kind.name),
            (None, "") => String::new(),
            (None, path) => format!(" in `{path}`"),
        };
        let fault = place.error(format!("unknown key `{}`{of}", shown(name)), "not a key that is known here");
        let homes = homes(name);
        self.faults.push(match did_you_mean(name, known.iter().copied()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None if !homes.is_empty() => fault.help(format!("there is `{}`", homes.join("`, `"))),
            None => fault.help(format!("known: {}", known.join(", "))),
        });
    }

    /// Reports what is wrong with a value of the shape.
    pub fn value(&mut self, node: &Node, shape: &'static Shape, path: &str) {
        if matches!(node.content, Content::Broken) {
            return;
        }
        if !fits(&node.content, shape) {
            return self.wrong_type(node, &expected(shape), path);
        }
        match shape {
            Shape::Text => {}
            Shape::Accepts(accepts) => self.accepts(node, *accepts, path),
            Shape::Numbers => match node.list() {
                None => self.finite(node, path),
                Some(nodes) => nodes.iter().for_each(|node| self.finite(node, path)),
            },
            Shape::Pair => self.pair(node, path),
            Shape::List => node.list().into_iter().flatten().for_each(|node| self.finite(node, path)),
            Shape::Call(Group::Prior) if path.starts_with("parameters.") => {
                let own = path.split('.').nth(1).unwrap_or_default();
                call::prior(node, own, &self.parameters, self.catalog, self.constants, &mut self.faults);
            }
            Shape::Call(group) => {
                if let Some(call) = call::parse(node, *group, self.catalog, &mut self.faults)
                    && *group != Group::Draw
                    && call::independent(&call, &self.parameters, &mut self.faults)
                {
                    call::settings(&call, self.constants, &mut self.faults);
                }
            }
            Shape::Word(group) => self.word(node, *group),
            Shape::Words(group) => self.words(node, *group, path),
            Shape::Values => {
                if node.list().is_some_and(<[Node]>::is_empty) {
                    self.faults.push(node.place.error(format!("the axis `{path}` has no values"), "empty list"));
                }
            }
            Shape::Axis(section) => match (node.list(), node.table()) {
                (Some(_), _) => self.value(node, &Shape::Values, path),
                (_, Some(table)) => self.section(table, &node.place, section, path),
                // A formula, parsed where the names of the axes are known.
                _ => {}
            },
            Shape::Groups => {
                for node in node.list().into_iter().flatten() {
                    let parts = node.list().unwrap_or(std::slice::from_ref(node));
                    for part in parts.iter().filter(|part| part.str().is_none()) {
                        self.wrong_type(part, "the path of an axis", path);
                    }
                }
            }
            Shape::Formulas => {
                for part in
                    node.list().into_iter().flatten().filter(|part| !accepts_content(&part.content, Accepts::Formula))
                {
                    self.wrong_type(part, "a formula", path);
                }
            }
            Shape::Section(section) => {
                if let Some(table) = node.table() {
                    self.section(table, &node.place, section, path);
                }
            }
            Shape::Sections(section) => {
                for node in node.list().into_iter().flatten() {
                    match node.table() {
                        Some(table) => self.section(table, &node.place, section, path),
                        None => self.wrong_type(node, "a table", path),
                    }
                }
            }
            Shape::Named { shape, .. } => {
                for entry in node.table().into_iter().flat_map(|table| &table.entries) {
                    self.value(&entry.value, shape, &join(path, &entry.name));
                }
            }
            Shape::Either(shapes) => {
                if let Some(shape) = shapes.iter().find(|shape| fits(&node.content, shape)) {
                    self.value(node, shape, path);
                }
            }
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &str) {
        if matches!(node.content, Content::Broken) {
            return;
        }
        let message = format!("`{}` must be {expected}, not {}", shown(path), node.described());
        self.faults.push(node.place.error(message, format!("expected {expected}")));
    }

    fn accepts(&mut self, node: &Node, accepts: Accepts, path: &str) {
        if matches!(node.content, Content::Broken) {
            return;
        }
        if !accepts_content(&node.content, accepts) {
            return self.wrong_type(node, &accepts_words(accepts), path);
        }
        match accepts {
            Accepts::Number(range) => {
                if let Some(value) = number::of(node, self.constants, &mut self.faults)
                    && !range.contains(value)
                {
                    let words = number::range_words(range);
                    let message = format!("`{}` must be {words}, but is {value}", shown(path));
                    self.faults.push(node.place.error(message, format!("expected {words}")));
                }
            }
            Accepts::Integer { low, high } => {
                if let Some(value) = number::of(node, self.constants, &mut self.faults)
                    && number::whole(node, value).is_none_or(|value| value < low || value > high)
                {
                    let words = accepts_words(accepts);
                    let message = format!("`{}` must be {words}, but is {value}", shown(path));
                    self.faults.push(node.place.error(message, format!("expected {words}")));
                }
            }
            Accepts::Choice(words) => {
                if let Some(word) = node.str()
                    && !words.contains(&word)
                {
                    let fault = node.place.error(format!("`{}` cannot be `{}`", shown(path), shown(word)), "");
                    self.faults.push(suggest(fault, word, words.iter().copied()));
                }
            }
            // The formula itself is parsed where its names are known.
            Accepts::Flag | Accepts::Numbers(_) | Accepts::Formula => {}
        }
    }

    fn finite(&mut self, node: &Node, path: &str) {
        self.accepts(node, Accepts::Number(crate::kind::Range::Finite), path);
    }

    fn pair(&mut self, node: &Node, path: &str) {
        let nodes = node.list().unwrap_or_default();
        if nodes.len() != 2 {
            let label = many(nodes.len(), "value");
            return self.faults.push(node.place.error(format!("`{}` must be `[low, high]`", shown(path)), label));
        }
        for end in nodes {
            if !accepts_content(&end.content, Accepts::Number(crate::kind::Range::Finite)) {
                self.wrong_type(end, "a number", path);
            } else if number::of(end, self.constants, &mut self.faults).is_some_and(f64::is_nan) {
                self.faults.push(end.place.error(format!("an end of `{}` is not a number", shown(path)), "nan"));
            }
        }
    }

    fn word(&mut self, node: &Node, group: Group) {
        let Some(word) = node.str() else { return };
        let kinds = group.kinds(self.catalog);
        if group == Group::Simulator
            && let Some((_, help)) = LATER.iter().find(|(name, _)| *name == word)
        {
            let message = format!("this version has no simulator `{word}` yet");
            self.faults.push(node.place.error(message, "for a later version").help(*help));
        } else if !kinds.iter().any(|kind| kind.name == word) {
            let fault = node.place.error(format!("unknown {} `{}`", group.noun(), shown(word)), "");
            self.faults.push(suggest(fault, word, kinds.iter().map(|kind| kind.name)));
        }
    }

    fn words(&mut self, node: &Node, group: Group, path: &str) {
        let mut seen: Vec<(&str, &Place)> = Vec::new();
        for node in node.list().into_iter().flatten() {
            let Some(word) = node.str() else {
                self.wrong_type(node, &format!("the name of {}", group.one()), path);
                continue;
            };
            self.word(node, group);
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == word) {
                let fault = node.place.error(format!("`{}` names `{}` twice", shown(path), shown(word)), "again");
                self.faults.push(first.label(fault, "first"));
            }
            seen.push((word, &node.place));
        }
    }
}

/// The row that a table names, if it names one that exists.
pub fn named_kind(table: &Table, row: Row, catalog: &Catalog) -> Option<&'static Kind> {
    row.group.kind(catalog, table.get(row.key)?.str()?)
}

/// Adds the nearest of the candidates, or all of them, as help.
pub fn suggest<'a>(fault: Diagnostic, written: &str, candidates: impl Iterator<Item = &'a str>) -> Diagnostic {
    let candidates: Vec<&str> = candidates.collect();
    match did_you_mean(written, candidates.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None if candidates.is_empty() => fault,
        None if candidates.len() > 40 => fault.help(format!("there are {} of them", candidates.len())),
        None => fault.help(format!("known: {}", candidates.join(", "))),
    }
}

/// A name cut to a length that a message can bear.
pub fn shown(name: &str) -> String {
    const LONGEST: usize = 60;
    match name.char_indices().nth(LONGEST) {
        None => name.to_string(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// Whether a value is of the type that a shape wants.
fn fits(content: &Content, shape: &Shape) -> bool {
    let number = matches!(content, Content::Integer(_) | Content::Float(_) | Content::Text(_));
    match shape {
        Shape::Text | Shape::Call(_) | Shape::Word(_) => matches!(content, Content::Text(_)),
        Shape::Accepts(accepts) => accepts_content(content, *accepts),
        Shape::Numbers => number || matches!(content, Content::List(_)),
        Shape::Axis(_) => matches!(content, Content::List(_) | Content::Table(_) | Content::Text(_)),
        Shape::Formulas => number || matches!(content, Content::List(_)),
        Shape::Pair | Shape::List | Shape::Words(_) | Shape::Values | Shape::Groups | Shape::Sections(_) => {
            matches!(content, Content::List(_))
        }
        Shape::Section(_) | Shape::Named { .. } => matches!(content, Content::Table(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(content, shape)),
    }
}

fn accepts_content(content: &Content, accepts: Accepts) -> bool {
    match accepts {
        Accepts::Number(_) | Accepts::Integer { .. } | Accepts::Numbers(_) | Accepts::Formula => {
            matches!(content, Content::Integer(_) | Content::Float(_) | Content::Text(_))
        }
        Accepts::Choice(_) => matches!(content, Content::Text(_)),
        Accepts::Flag => matches!(content, Content::Flag(_)),
    }
}

/// What a shape wants, in words that follow "must be".
pub fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".into(),
        Shape::Accepts(accepts) => accepts_words(*accepts),
        Shape::Numbers => "a number, or a list with one for each element".into(),
        Shape::Pair => "a pair `[low, high]`".into(),
        Shape::Call(Group::Prior) => "a prior such as \"uniform(0, 1)\"".into(),
        Shape::Call(group) => format!("{} such as \"normal(y, 1)\"", group.one()),
        Shape::Word(group) => format!("the name of {}", group.one()),
        Shape::Words(group) => format!("a list of {}s", group.noun()),
        Shape::List => "a list of numbers".into(),
        Shape::Values => "a list of values".into(),
        Shape::Axis(_) => "a list of values, a formula, or a table".into(),
        Shape::Groups => "a list of groups such as `[[\"seed\", \"budget.evaluations\"]]`".into(),
        Shape::Formulas => "a formula, or a list of formulas".into(),
        Shape::Section(_) => "a table".into(),
        Shape::Sections(_) => "a list of tables (`[[…]]`)".into(),
        Shape::Named { what, .. } => format!("a table with one entry for each {what}"),
        Shape::Either(shapes) => shapes.iter().map(expected).collect::<Vec<_>>().join(", or "),
    }
}

fn accepts_words(accepts: Accepts) -> String {
    match accepts {
        Accepts::Number(range) => number::range_words(range),
        Accepts::Integer { low, high: i64::MAX } => format!("a whole number from {low} on"),
        Accepts::Integer { low, high } => format!("a whole number from {low} to {high}"),
        Accepts::Choice(words) => format!("one of {}", words.join(", ")),
        Accepts::Flag => "true or false".into(),
        Accepts::Numbers(range) => format!("{}, or one for each element", number::range_words(range)),
        Accepts::Formula => "a formula".into(),
    }
}
