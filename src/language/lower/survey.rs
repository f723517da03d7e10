//! What statements do, seen before they are lowered: the names that they assign, and whether they return.

use crate::language::tree::{Action, Statement};

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
