//! Experiments from their text to their records, without results folders: what the golden tests share.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sbi_run::catalog::CATALOG;
use sbi_run::execute::{self, Event, Limits, Prepared};
use sbi_run::experiment::{self, Written};
use sbi_run::model;
use sbi_run::plan::{self, Plan};
use sbi_run::record::Record;
use sbi_run::terminal;

pub struct Done {
    pub plan: Plan,
    /// In the order of the plan.
    pub records: Vec<Record>,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs an experiment of the repository with some keys replaced.
pub fn run(path: &Path, overrides: &[(&str, &str)]) -> Done {
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(path, value)| (path.to_string(), value.to_string())).collect();
    let fail = |faults: Vec<_>| -> ! { panic!("{}\n{}", path.display(), terminal::render(&faults, false)) };
    let written = Written::open(path, &overrides).unwrap_or_else(|fault| fail(vec![fault]));
    let (experiment, _) = experiment::check(&written, &CATALOG).unwrap_or_else(|faults| fail(faults));
    let plan = plan::lay_out(&written, &experiment, &CATALOG).unwrap_or_else(|faults| fail(faults));
    let methods = experiment.differentiation.methods.len();
    let prepared = |variant: usize| {
        let model = model::compile(&plan.experiment(variant)).unwrap_or_else(|faults| fail(faults));
        Arc::new(Prepared::new(Arc::new(model), methods))
    };
    let prepared: Vec<Arc<Prepared>> = (0..plan.variants()).map(prepared).collect();
    let wanted: Vec<usize> = (0..plan.len()).collect();
    let records: Mutex<Vec<Option<Record>>> = Mutex::new(vec![None; plan.len()]);
    let observe = |event: Event| {
        if let Event::Finished(run, record) = event {
            records.lock().unwrap()[run.index] = Some(record.clone());
        }
    };
    execute::execute(
        &plan,
        &|variant| Arc::clone(&prepared[variant]),
        &wanted,
        &Limits::default(),
        &AtomicBool::new(false),
        &observe,
    );
    let records =
        records.into_inner().unwrap().into_iter().map(|record| record.expect("a record for each run")).collect();
    Done { plan, records }
}

/// An experiment written for a test, with its data, in a folder of its own.
pub fn run_text(name: &str, toml: &str, csv: &str) -> Done {
    let folder = std::env::temp_dir().join(format!("sbi-run-test-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("experiment.toml");
    std::fs::write(&path, toml).unwrap();
    std::fs::write(folder.join("data.csv"), csv).unwrap();
    let done = run(&path, &[]);
    std::fs::remove_dir_all(&folder).unwrap();
    done
}
