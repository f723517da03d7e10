//! The page of the optimizers names every optimizer and every reason, and nothing that is not one.

use sbi_run::catalog::CATALOG;
use sbi_run::optimize::Reason;

use super::pipeline::root;

#[test]
fn the_page_names_every_optimizer_and_every_reason() {
    let page = std::fs::read_to_string(root().join("docs/optimizers.md")).unwrap();
    let first_column = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_string());
    let (methods, reasons) = page.split_once("## Reasons").unwrap();
    let rows: Vec<String> = methods.lines().filter_map(first_column).collect();
    let optimizers: Vec<&str> = CATALOG.optimizers.iter().map(|row| row.kind.name).collect();
    assert_eq!(rows, optimizers);
    let listed: Vec<(String, String)> = reasons
        .split("##")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| Some((first_column(line)?, line.split('|').nth(2)?.trim().to_string())))
        .collect();
    let told: Vec<(String, String)> = Reason::ALL
        .iter()
        .filter(|reason| !matches!(reason, Reason::Solver(_)))
        .map(|reason| {
            let text = reason.to_string();
            let word = text.split(':').next().unwrap_or_default().to_string();
            let status = if *reason == Reason::Interrupted {
                String::new()
            } else {
                format!("{:?}", reason.status()).to_lowercase()
            };
            (word, status)
        })
        .collect();
    assert_eq!(listed, told);
}
