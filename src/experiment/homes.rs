//! Where in the file a key of some name may stand: what a misplaced key is told.

use super::keys::{EXPERIMENT, Section, Shape};

/// Every key called `name` anywhere in the file, as a dotted path.
pub fn homes(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect_homes(&EXPERIMENT, "", name, &mut found);
    found
}

fn collect_homes(section: &Section, path: &str, name: &str, found: &mut Vec<String>) {
    for key in section.keys {
        let here = if path.is_empty() { key.name.to_string() } else { format!("{path}.{}", key.name) };
        if key.name == name {
            found.push(here.clone());
        }
        match &key.shape {
            Shape::Section(inner) | Shape::Sections(inner) => collect_homes(inner, &here, name, found),
            Shape::Named { what, shape: Shape::Either(shapes) } => {
                for shape in *shapes {
                    if let Shape::Section(inner) = shape {
                        collect_homes(inner, &format!("{here}.{}", what.to_uppercase()), name, found);
                    }
                }
            }
            _ => {}
        }
    }
}
