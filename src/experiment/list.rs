//! What `sbi-run list` says: every kind with its options, their defaults, and where it comes from.

use std::fmt::Write;

use super::keys::Group;
use super::number;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::kind::{Accepts, Catalog, Default, Kind, Setting};
use crate::language::functions;

const GROUPS: [(&str, Group); 7] = [
    ("simulators", Group::Simulator),
    ("priors", Group::Prior),
    ("losses", Group::Loss),
    ("methods", Group::Method),
    ("optimizers", Group::Optimizer),
    ("intervals", Group::Interval),
    ("noises", Group::Draw),
];

/// The word for the functions of the model language, which are rows of another table.
const FUNCTIONS: &str = "functions";

/// All tables, or one of them (`optimizers`, `functions`), or one row of any (`lbfgs`).
pub fn list(catalog: &Catalog, what: Option<&str>) -> Result<String, Diagnostic> {
    let mut text = String::new();
    let Some(what) = what else {
        for (title, group) in GROUPS {
            table(&mut text, title, group, catalog);
        }
        function_table(&mut text);
        return Ok(text);
    };
    // The singular is the same table.
    let is =
        |title: &str| title == what || title.strip_suffix('s') == Some(what) || (title == "losses" && what == "loss");
    if let Some((title, group)) = GROUPS.iter().find(|(title, _)| is(title)) {
        table(&mut text, title, *group, catalog);
    } else if is(FUNCTIONS) {
        function_table(&mut text);
    } else {
        for (title, group) in GROUPS {
            for kind in group.kinds(catalog).into_iter().filter(|kind| kind.name == what) {
                heading(&mut text, title);
                row(&mut text, kind, group);
            }
        }
        for function in functions::all().filter(|function| function.name == what) {
            heading(&mut text, FUNCTIONS);
            line(&mut text, function.name, function.summary);
        }
    }
    if !text.is_empty() {
        return Ok(text);
    }
    let titles = GROUPS.iter().map(|(title, _)| *title).chain([FUNCTIONS]);
    let rows = GROUPS.iter().flat_map(|(_, group)| group.kinds(catalog)).map(|kind| kind.name);
    let fault = Diagnostic::error(format!("there is no table and no row `{what}`"));
    Err(match did_you_mean(what, titles.clone().chain(rows)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("the tables: {}", titles.collect::<Vec<_>>().join(", "))),
    })
}

fn table(text: &mut String, title: &str, group: Group, catalog: &Catalog) {
    heading(text, title);
    for kind in group.kinds(catalog) {
        row(text, kind, group);
    }
}

fn function_table(text: &mut String) {
    heading(text, FUNCTIONS);
    for function in functions::all() {
        line(text, function.name, function.summary);
    }
}

fn heading(text: &mut String, title: &str) {
    let gap = if text.is_empty() { "" } else { "\n" };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{gap}{title}");
}

fn line(text: &mut String, name: &str, summary: &str) {
    let _ = writeln!(text, "  {name:<23} {summary}");
}

fn row(text: &mut String, kind: &Kind, group: Group) {
    let call = matches!(group, Group::Prior | Group::Draw);
    let arguments: Vec<&str> = kind.settings.iter().map(|setting| setting.name).collect();
    let name = if call { format!("{}({})", kind.name, arguments.join(", ")) } else { kind.name.to_string() };
    line(text, &name, kind.summary);
    for setting in kind.settings {
        let _ = writeln!(text, "      {:<20}{} [{}]", setting.name, setting.summary, option(setting));
    }
    if !kind.reference.is_empty() {
        let _ = writeln!(text, "      {}", kind.reference);
    }
}

/// `a positive number; default 0.9`
fn option(setting: &Setting) -> String {
    let accepts = accepted(setting.accepts);
    match default_words(setting.default) {
        Some(default) => format!("{accepts}; default {default}"),
        None => format!("{accepts}; required"),
    }
}

pub fn accepted(accepts: Accepts) -> String {
    match accepts {
        Accepts::Number(range) => number::range_words(range),
        Accepts::Integer { low, high: i64::MAX } => format!("a whole number from {low} on"),
        Accepts::Integer { low, high } => format!("a whole number from {low} to {high}"),
        Accepts::Choice(words) => words.join(" | "),
        Accepts::Flag => "true | false".into(),
        Accepts::Numbers(range) => format!("{}, or one for each element", number::range_words(range)),
        Accepts::Formula => "a formula".into(),
    }
}

/// None where there is no default.
pub fn default_words(default: Default) -> Option<String> {
    match default {
        Default::Required => None,
        Default::Number(value) => Some(value.to_string()),
        Default::Integer(value) => Some(value.to_string()),
        Default::Choice(word) => Some(word.to_string()),
        Default::Flag(flag) => Some(flag.to_string()),
        Default::Derived(words) => Some(words.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::sample::CATALOG;

    #[test]
    fn lists_everything_a_table_or_a_row() {
        let all = list(&CATALOG, None).unwrap();
        for word in [
            "uniform(low, high)",
            "lbfgs",
            "default 0.9",
            "default 10 n",
            "rand/1/bin | best/1/bin",
            "poisson(mean)",
            "lgamma",
        ] {
            assert!(all.contains(word), "{word} in\n{all}");
        }
        let losses = list(&CATALOG, Some("loss")).unwrap();
        assert!(losses.contains("chi_square") && !losses.contains("lbfgs"));
        assert!(list(&CATALOG, Some("prior")).unwrap().starts_with("priors\n"));
        assert!(list(&CATALOG, Some("genetic")).unwrap().contains("population"));
        // A name of several tables is shown in each.
        assert!(list(&CATALOG, Some("poisson")).unwrap().contains("noise"));
        assert_eq!(list(&CATALOG, Some("optimisers")).unwrap_err().help, ["did you mean `optimizers`?"]);
    }
}
