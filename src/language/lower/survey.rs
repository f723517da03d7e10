//! What statements do, seen before they are lowered: the names and elements that they assign, and whether they return.

use std::collections::BTreeSet;

use crate::language::tree::{Action, Statement, Target};

/// The names that statements assign, in the order of the text.
pub fn assigned(statements: &[Statement]) -> Vec<String> {
    fn collect(statements: &[Statement], names: &mut Vec<String>) {
        let add = |name: &String, names: &mut Vec<String>| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        };
        for statement in statements {
            match &statement.action {
                Action::Assign { target, .. } => add(&target.name, names),
                Action::For { variable, body, .. } => {
                    add(variable, names);
                    collect(body, names);
                }
                Action::While { body, .. } => collect(body, names),
                Action::If { branches, otherwise } => {
                    branches.iter().for_each(|(_, body)| collect(body, names));
                    collect(otherwise, names);
                }
                Action::Return(_) => {}
            }
        }
    }
    let mut names = Vec::new();
    collect(statements, &mut names);
    names
}

/// The names that statements give a new meaning, which makes them a function's own: all that are assigned but for
/// vectors of which an element is.
pub fn bound(statements: &[Statement], names: &mut BTreeSet<String>) {
    for statement in statements {
        match &statement.action {
            Action::Assign { target, .. } if target.index.is_none() => _ = names.insert(target.name.clone()),
            Action::Assign { .. } | Action::Return(_) => {}
            Action::For { variable, body, .. } => {
                names.insert(variable.clone());
                bound(body, names);
            }
            Action::While { body, .. } => bound(body, names),
            Action::If { branches, otherwise } => {
                branches.iter().for_each(|(_, body)| bound(body, names));
                bound(otherwise, names);
            }
        }
    }
}

/// Where statements assign an element of the vector of this name.
pub fn element_written<'a>(statements: &'a [Statement], name: &str) -> Option<&'a Target> {
    statements.iter().find_map(|statement| match &statement.action {
        Action::Assign { target, .. } => (target.index.is_some() && target.name == name).then_some(target),
        Action::For { body, .. } | Action::While { body, .. } => element_written(body, name),
        Action::If { branches, otherwise } => {
            let first = branches.iter().find_map(|(_, body)| element_written(body, name));
            first.or_else(|| element_written(otherwise, name))
        }
        Action::Return(_) => None,
    })
}

/// A `return` among statements.
pub fn returning(statements: &[Statement]) -> Option<&Statement> {
    statements.iter().find_map(|statement| match &statement.action {
        Action::Return(_) => Some(statement),
        Action::For { body, .. } | Action::While { body, .. } => returning(body),
        Action::If { branches, otherwise } => {
            branches.iter().find_map(|(_, body)| returning(body)).or_else(|| returning(otherwise))
        }
        Action::Assign { .. } => None,
    })
}
