//! The README keeps its word: every command in it runs, and ends with 0.

use sbi_run::catalog::CATALOG;

use crate::tool::{Lab, repository};

/// Beginnings of commands that are not run here, and why.
const NOT_RUN: [(&str, &str); 2] = [
    ("cargo install", "writes outside the test's folder; the tests run the same program"),
    ("cargo test", "it is what runs this test"),
];

#[test]
fn every_command_of_the_readme_runs() {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let lab = Lab::with_shipped();
    let mut ran = 0;
    for block in text.split("```sh\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let command = line.split(" #").next().unwrap().trim();
            if command.is_empty() || NOT_RUN.iter().any(|(start, _)| command.starts_with(start)) {
                continue;
            }
            let arguments = command.strip_prefix("cargo run --release -- ").or(command.strip_prefix("sbi-run "));
            let arguments =
                arguments.unwrap_or_else(|| panic!("the README has a command that is not tested: {command}"));
            let words: Vec<&str> = arguments.split_whitespace().map(|word| word.trim_matches(['\'', '"'])).collect();
            println!("{command}");
            lab.run(&words).ends(0);
            ran += 1;
        }
    }
    assert!(ran >= 5, "only {ran} commands");
    assert!(lab.path("results/half_life/report.html").exists(), "the first command is the shipped experiment");
    for (name, _) in NOT_RUN {
        assert!(text.contains(name), "{name} is not in the README");
    }
}

/// The answer that the README shows is what its first command prints; times and the last digits of work may differ.
#[test]
fn the_readme_shows_what_is_printed() {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let shown = text.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let printed = Lab::with_shipped().run(&["experiments/half_life.toml"]).ends(0).out;
    let answer = |text: &str| {
        let lines = text.lines().skip_while(|line| !line.starts_with("  parameter"));
        lines.take_while(|line| !line.is_empty()).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(answer(shown), answer(&printed));
    assert_eq!(answer(shown).len(), 8);
    let words = |text: &str, column: usize| -> Vec<String> {
        let rows = text.lines().filter(|line| line.starts_with("  lbfgs ") || line.starts_with("  optimizer "));
        rows.filter_map(|line| line.split("  ").filter(|cell| !cell.is_empty()).nth(column).map(String::from)).collect()
    };
    for column in [0, 1, 3, 4] {
        assert_eq!(words(shown, column), words(&printed, column));
    }
}

/// The table of what works names every kind that the tool knows, and none that it does not.
#[test]
fn the_readme_says_what_works() {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let table = text.split("## What works now").nth(1).unwrap().split("\n## ").next().unwrap();
    let row = |part: &str| {
        let line = table.lines().find(|line| line.starts_with(&format!("| {part} |"))).unwrap();
        let cell = line.split('|').nth(2).unwrap();
        let code: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        code.join(" ").split_whitespace().map(String::from).collect::<Vec<String>>()
    };
    let kinds: [(&str, Vec<&str>); 6] = [
        ("simulators", CATALOG.simulators.iter().map(|kind| kind.name).collect()),
        ("priors", CATALOG.priors.iter().map(|row| row.kind.name).collect()),
        ("losses", CATALOG.losses.iter().map(|row| row.kind.name).collect()),
        ("differentiation", CATALOG.methods.iter().map(|kind| kind.name).collect()),
        ("optimizers", CATALOG.optimizers.iter().map(|row| row.kind.name).collect()),
        ("intervals", CATALOG.intervals.iter().map(|kind| kind.name).collect()),
    ];
    for (part, known) in kinds {
        let named: Vec<String> =
            row(part).into_iter().filter(|word| !["prior", "=", "true"].contains(&&**word)).collect();
        assert_eq!(named, known, "the row `{part}` of README.md, in the order of `sbi-run list`");
    }
}

/// The whole experiments that the pages show are sound.
#[test]
fn experiments_in_the_pages_are_sound() {
    for page in ["README.md", "docs/format.md"] {
        let text = std::fs::read_to_string(repository().join(page)).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let whole: Vec<&str> = blocks.filter(|block| block.starts_with("title")).collect();
        assert_eq!(whole.len(), 1, "{page}");
        let lab = Lab::with_shipped();
        lab.write("experiments/shown.toml", whole[0]);
        let ran = lab.run(&["check", "experiments/shown.toml"]).ends(0);
        assert!(ran.err.is_empty(), "{page}: {}", ran.err);
    }
}

/// The folders of the results and of the data tell what is in them; the licences are there.
#[test]
fn what_stands_beside_the_readme() {
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "data/README.md", "results/README.md", ".ci/run"] {
        assert!(repository().join(name).exists(), "{name}");
    }
    let page = std::fs::read_to_string(repository().join("data/README.md")).unwrap();
    for entry in std::fs::read_dir(repository().join("data")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name == "README.md" || page.contains(&format!("`{name}`")), "data/README.md does not tell of {name}");
    }
}
