//! From records to reports: what `run`, `merge` and `report` do at the end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Exit, Loaded};
use crate::execute::{self, Prepared};
use crate::experiment::Data;
use crate::journal::{Error, Folder, Inputs, Kept, measured};
use crate::plan::recent::Recent;
use crate::plan::{HELD, Measured, identity};
use crate::record::{Derivatives, Records, Status};
use crate::report::suite::Part;
use crate::report::{self, Comparison, Fit, Machine, Results};
use crate::terminal::{Screen, print_result};

/// An experiment whose runs are done, or as far as they came: what its reports are made of.
pub struct Done<'a> {
    loaded: &'a Loaded,
    folder: Folder,
    pub kept: Kept,
    derivatives: Derivatives,
    machine: Machine,
    fit: Option<Fit>,
    pub comparison: Comparison,
}

impl Done<'_> {
    fn results(&self) -> Results<'_> {
        Results {
            plan: &self.loaded.plan,
            experiment: &self.loaded.experiment,
            text: &self.loaded.inputs.text,
            home: &self.loaded.inputs.home,
            records: &self.kept,
            derivatives: &self.derivatives,
            fit: self.fit.as_ref(),
            machine: &self.machine,
        }
    }

    /// As a part of several experiments.
    pub fn part(&self) -> Part<'_> {
        let Loaded { experiment, plan, .. } = self.loaded;
        Part { name: &experiment.name, plan, records: &self.kept, comparison: &self.comparison }
    }

    /// The summary; standard output may be closed, the reports are on disk.
    pub fn show(&self, screen: &Screen) -> Result<(), Error> {
        let summary = report::summary(&self.results(), &self.comparison, self.folder.path());
        let _ = print_result(screen, &summary.map_err(|source| unread(self.folder.path(), source))?);
        Ok(())
    }

    /// Writes every report.
    pub fn write(&self) -> Result<(), Error> {
        report::render(&self.results(), &self.comparison, &self.folder).map(|_| ())
    }
}

/// Combinations of the axes made ready to run, when their turn comes; those that have the same programs, together.
pub struct Preparations<'a> {
    loaded: &'a Loaded,
    by_variant: Recent<usize, Arc<Prepared>>,
    by_programs: Recent<[u8; 32], Prepared>,
}

impl Preparations<'_> {
    pub fn of(loaded: &Loaded) -> Preparations<'_> {
        Preparations { loaded, by_variant: Recent::of(HELD), by_programs: Recent::of(HELD) }
    }

    pub fn get(&self, variant: usize) -> Arc<Prepared> {
        let prepared = self.by_variant.get(variant, || {
            let experiment = self.loaded.plan.experiment(variant);
            let programs = identity::of_programs(&experiment);
            self.by_programs.get(programs, || {
                let model = self.loaded.model_of(&experiment, programs);
                Prepared::new(model, experiment.differentiation.methods.len())
            })
        });
        Arc::clone(&prepared)
    }
}

/// Compares the differentiation methods where no run is missing, keeps that beside the journal, and gathers all.
pub fn measure<'a>(
    loaded: &'a Loaded,
    folder: Folder,
    kept: Kept,
    prepared: &Preparations,
    threads: usize,
    cancel: &AtomicBool,
) -> Result<Done<'a>, Error> {
    let whole = kept.count() == loaded.plan.len();
    let derivatives = if whole {
        execute::compare(&loaded.plan, &|variant| prepared.get(variant), cancel)
    } else {
        Derivatives::default()
    };
    measured::write(&folder, &derivatives)?;
    gather(loaded, folder, kept, derivatives, machine(threads))
}

/// What reports are made of: the records and measurements, and what follows from them.
pub fn gather(
    loaded: &Loaded,
    folder: Folder,
    kept: Kept,
    derivatives: Derivatives,
    machine: Machine,
) -> Result<Done<'_>, Error> {
    let plan = &loaded.plan;
    let gathered = || -> io::Result<_> {
        let comparison = report::compare(plan, &kept)?;
        let Some(best) = comparison.best else { return Ok((comparison, None)) };
        let variant = plan.run(best).variant;
        let has_data = !matches!(plan.experiment(variant).data, Data::None);
        let record = if has_data { kept.fetch(best)? } else { None };
        Ok((comparison, record.and_then(|record| report::fit(&loaded.model(variant), best, &record))))
    };
    let (comparison, fit) = gathered().map_err(|source| unread(folder.path(), source))?;
    Ok(Done { loaded, folder, kept, derivatives, machine, fit, comparison })
}

pub fn unread(folder: &Path, source: io::Error) -> Error {
    Error::io("use the journals of", folder, source)
}

/// Done, or with failed runs.
pub fn exit(kept: &Kept, mut runs: impl Iterator<Item = usize>) -> Exit {
    let failed = runs.any(|run| kept.status(run) == Some(Status::Failed));
    if failed { Exit::RunsFailed } else { Exit::Done }
}

/// What is to be said of records that belong to no run of the plan.
pub fn of_other_settings(unknown: usize) -> Option<String> {
    let (runs, belong) = if unknown == 1 { ("run", "belongs") } else { ("runs", "belong") };
    (unknown > 0).then(|| {
        format!("{unknown} finished {runs} in the journal {belong} to other settings or data; kept, not shown")
    })
}

/// Why there may be such records: what differs from when the folder was written to last. None where that cannot be told.
pub fn what_changed(before: &Inputs, folder: &Path, loaded: &Loaded) -> Option<String> {
    if before.plan_sha256 == loaded.inputs.plan_sha256 {
        return None;
    }
    if before.text != loaded.inputs.text || before.set != loaded.inputs.set {
        return Some("since the last time the experiment, or `--set`, was changed".to_string());
    }
    let provenance = std::fs::read_to_string(folder.join("provenance.json")).unwrap_or_default();
    let known = report::data_names(&provenance);
    let new = |data: &&Measured| !known.is_empty() && !known.iter().any(|(other, _)| *other == data.checksum);
    Some(match loaded.plan.data.iter().find(new).map(|data| &data.file) {
        Some(file) => format!("since the last time the data `{file}` were changed; the experiment was not"),
        None => {
            "since the last time the data, or a default of this program, were changed; the experiment was not".into()
        }
    })
}

pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_string()
}

/// What the timings were measured on.
fn machine(threads: usize) -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    Machine { host: host(), cpu: model.unwrap_or(std::env::consts::ARCH).to_string(), threads }
}
