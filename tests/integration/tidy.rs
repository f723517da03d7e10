//! The habits of the house, checked: who may import whom, how long a file may be, which room touches the world.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{bare, imports, lines_with, without_tests};
use crate::tool::repository;

/// The rooms in their order: each may import those before it, never one after it, so that there are no circles.
const ROOMS: [&str; 23] = [
    // the shelf
    "kind",
    "diagnostic",
    "record",
    "math",
    // how a program is written, and run
    "ir",
    "language",
    "engine",
    // the stages, in the order of the data
    "data",
    "experiment",
    "plan",
    "model",
    "diff",
    "optimize",
    "infer",
    "journal",
    "execute",
    "report",
    "cluster",
    // the front
    "catalog",
    "terminal",
    "cli",
    "lib",
    "main",
];

/// Rooms that import nothing of ours.
const SHELF: [&str; 4] = ["kind", "diagnostic", "record", "math"];

const FORBIDDEN_ROOMS: [&str; 7] = ["util", "helpers", "common", "misc", "types", "manager", "core"];

/// Files that may be longer than `HARD` lines, each with the reason.
const LONG: [(&str, &str); 0] = [];
const SOFT: usize = 300;
const HARD: usize = 500;

/// What only some files may name, outside tests: (words, paths that begin so, why).
const ABSENT: [(&[&str], &[&str], &str); 6] = [
    (
        &["std::fs", "tempfile", "OpenOptions", "std::net", "std::process::Command"],
        &["src/cli", "src/terminal", "src/data", "src/journal", "src/report"],
        "touches the world",
    ),
    (&["rayon", "thread::spawn", "thread::scope", "thread::Builder"], &["src/execute"], "makes threads"),
    (&["unsafe"], &["src/engine/run.rs"], "is the one place with unsafe code"),
    (&["stdout", "stderr", "stdin"], &["src/cli", "src/terminal"], "speaks to the user"),
    (&["println!", "eprintln!", "print!", "eprint!"], &["tests"], "may panic where what is printed cannot be written"),
    (&["Instant", "SystemTime"], &["src/execute", "src/terminal"], "reads a clock"),
];

/// What is a person's or a machine's and not the project's. Written apart so that this file does not hold it.
const FOREIGN: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!(".lib", "rary"),
    concat!("/tm", "p/"),
];

struct File {
    /// From the repository, with `/`.
    path: String,
    text: String,
}

/// Every file under a folder of the repository whose name has one of the endings; sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<File> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let built = ["target", ".git", "results"].contains(&name.as_str()) && folder == repository();
            match path.is_dir() {
                true if !built => walk(&path, found),
                false => found.push(path),
                _ => {}
            }
        }
    }
    let mut paths = Vec::new();
    walk(&repository().join(folder), &mut paths);
    paths.sort();
    let wanted = |path: &PathBuf| endings.is_empty() || endings.iter().any(|end| path.to_string_lossy().ends_with(end));
    let paths: Vec<PathBuf> = paths.into_iter().filter(wanted).collect();
    let read = |path: PathBuf| File {
        path: path.strip_prefix(repository()).unwrap().to_string_lossy().replace('\\', "/"),
        text: String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
    };
    paths.into_iter().map(read).collect()
}

/// The room of a file of `src`.
fn room(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap();
    inner.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The bare source of each file of `src` that is compiled outside tests.
fn compiled() -> Vec<File> {
    let mut all = Vec::new();
    let mut for_tests: Vec<String> = Vec::new();
    for file in files("src", &[".rs"]) {
        let (text, modules) = without_tests(&bare(&file.text));
        let folder = match file.path.strip_suffix("/mod.rs").or(file.path.strip_suffix("/lib.rs")) {
            Some(folder) => folder.to_string(),
            None => file.path.trim_end_matches(".rs").to_string(),
        };
        for_tests.extend(modules.into_iter().map(|module| format!("{folder}/{module}")));
        all.push(File { path: file.path, text });
    }
    all.retain(|file| {
        !for_tests.iter().any(|module| {
            file.path.strip_prefix(module.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    });
    all
}

#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_room_imports_only_rooms_before_it() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut faults = Vec::new();
    let files = compiled();
    assert!(files.len() > 50, "{} files", files.len());
    for file in &files {
        let own = room(&file.path);
        if own == "lib" || own == "main" {
            continue;
        }
        for import in imports(&file.text) {
            if import == own {
                continue;
            }
            let fault = match (place(&import), place(own)) {
                (Some(other), Some(own)) if other > own => "which comes after it",
                (Some(_), Some(_)) if SHELF.contains(&own) => "but is on the shelf, which imports nothing of ours",
                (None, _) => "which is not a room",
                (_, None) => "and is not in the list of rooms",
                _ => continue,
            };
            faults.push(format!("{}: imports `{import}`, {fault}", file.path));
        }
        // `super` may not leave the room: the rule above would not see it.
        let parts = file.path.strip_prefix("src/").unwrap().trim_end_matches(".rs").trim_end_matches("/mod");
        let depth = parts.split('/').count();
        if file.text.contains(&"super::".repeat(depth)) {
            faults.push(format!("{}: leaves its room by `super`; write `crate::`", file.path));
        }
    }
    none(faults);
}

#[test]
fn the_list_of_rooms_is_the_house() {
    let found: BTreeSet<String> = files("src", &[".rs"]).iter().map(|file| room(&file.path).to_string()).collect();
    let listed: BTreeSet<String> = ROOMS.iter().map(|room| room.to_string()).collect();
    assert_eq!(found, listed);
    for file in files("src", &[".rs"]) {
        for part in file.path.split('/') {
            assert!(!FORBIDDEN_ROOMS.contains(&part.trim_end_matches(".rs")), "{}: says nothing", file.path);
        }
    }
}

#[test]
fn the_architecture_page_names_the_rooms_that_exist() {
    let page = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let table = page.split("## The rooms").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name));
    let named: Vec<&str> = rows.collect();
    let rooms: Vec<&str> = ROOMS.iter().filter(|room| !["lib", "main"].contains(room)).copied().collect();
    assert_eq!(named, rooms, "the table of docs/architecture.md, in the order of the import rule");
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut faults = Vec::new();
    let mut soft = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for file in files(folder, &[".rs"]) {
            let lines = file.text.lines().count();
            let listed = LONG.iter().any(|(path, _)| *path == file.path);
            match lines {
                _ if lines > HARD && !listed => faults.push(format!("{}: {lines} lines, more than {HARD}", file.path)),
                _ if lines <= HARD && listed => faults.push(format!("{}: is listed as long, and is not", file.path)),
                _ if lines > SOFT => soft.push(format!("{lines:5} {}", file.path)),
                _ => {}
            }
            let first = file.text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first.len() < 20 {
                faults.push(format!("{}: the first line does not say what the file is", file.path));
            }
        }
    }
    println!("longer than {SOFT} lines:\n{}", soft.join("\n"));
    none(faults);
}

#[test]
fn only_some_rooms_touch_the_world() {
    let mut faults = Vec::new();
    for file in compiled() {
        for (words, allowed, what) in ABSENT {
            if allowed.iter().any(|start| file.path.starts_with(start)) {
                continue;
            }
            for word in words {
                for line in lines_with(&file.text, word) {
                    let places = allowed.join(", ");
                    faults.push(format!("{}:{line}: `{word}`, but only {places} {what}", file.path));
                }
            }
        }
    }
    none(faults);
}

/// `clippy.toml` fences the rest of the code off from std's transcendental functions, whose last bits differ between
/// machines; the fence is worth nothing if it is opened where nobody looks.
#[test]
fn the_determinism_fence_stands() {
    let fence = fs::read_to_string(repository().join("clippy.toml")).unwrap();
    for function in ["exp", "ln", "log10", "powf", "powi", "sin", "cos", "tan", "tanh", "cbrt", "hypot", "atan2"] {
        assert!(fence.contains(&format!("\"f64::{function}\"")), "clippy.toml does not ban f64::{function}");
    }
    let opened: Vec<String> = compiled()
        .iter()
        .filter(|file| file.text.contains("disallowed_methods") && !file.path.starts_with("src/math/elementary"))
        .map(|file| file.path.clone())
        .collect();
    assert!(opened.is_empty(), "the fence is opened in {opened:?}");
}

/// Every crate has one door: `docs/dependencies.md` lists each with the files that may name it.
#[test]
fn crates_are_named_where_the_page_says() {
    let manifest: toml::Table = fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let page = fs::read_to_string(repository().join("docs/dependencies.md")).unwrap();
    let mut doors: Vec<(String, Vec<String>)> = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let paths = cells[2].split(',').map(|path| path.trim().trim_matches('`').to_string()).collect();
        doors.push((cells[1].trim_matches('`').to_string(), paths));
    }
    let names = |section: &str| manifest[section].as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut faults = Vec::new();
    let sources = compiled();
    for name in names("dependencies") {
        let Some((_, allowed)) = doors.iter().find(|(known, _)| *known == name) else {
            faults.push(format!("docs/dependencies.md does not name `{name}`"));
            continue;
        };
        let path = format!("{}::", name.replace('-', "_"));
        for file in sources.iter().filter(|file| !lines_with(&file.text, &path).is_empty()) {
            // `crate::csv::` would be a room of ours, and there is none of a crate's name.
            if !allowed.iter().any(|start| file.path.starts_with(start.as_str())) {
                faults.push(format!("{}: names `{name}`, whose door is {}", file.path, allowed.join(", ")));
            }
        }
    }
    for (name, _) in &doors {
        if !["dependencies", "dev-dependencies"].iter().any(|section| names(section).contains(name)) {
            faults.push(format!("docs/dependencies.md names `{name}`, which Cargo.toml does not"));
        }
    }
    none(faults);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let mut faults = Vec::new();
    for file in files("", &[".rs", ".md", ".toml", ".csv", ".json", ".expected", ".svg", ".yml", ".ci/run"]) {
        for (number, line) in file.text.lines().enumerate() {
            faults.extend(
                FOREIGN
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: holds `{word}`", file.path, number + 1)),
            );
        }
    }
    none(faults);
}

/// A link to a file of the repository leads somewhere.
#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    let mut links = 0;
    for file in files("", &[".md"]) {
        let folder = repository().join(&file.path).parent().unwrap().to_path_buf();
        for part in file.text.split("](").skip(1) {
            let target = part.split(')').next().unwrap().split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            if !folder.join(target).exists() {
                faults.push(format!("{}: links to `{target}`, which does not exist", file.path));
            }
        }
    }
    assert!(links > 5, "only {links} links found");
    none(faults);
}
