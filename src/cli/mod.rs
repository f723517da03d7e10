//! The command line: arguments in, exit code out; one file per command.

/// Tells something on standard error, after the name of the program.
macro_rules! tell {
    ($($words:tt)*) => { crate::cli::standard_error(&format!("sbi-run: {}\n", format_args!($($words)*))) };
}

mod batch;
mod check;
mod gradient;
mod list;
mod logging;
mod merge;
mod new;
mod plan;
mod report;
mod results;
mod run;
mod schema;
mod simulate;
mod status;
mod submit;
mod task;
mod trace;

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::diagnostic::{Diagnostic, did_you_mean, many};
use crate::diff::{differentiability, lanes};
use crate::engine::Lanes;
use crate::execute::in_order;
use crate::experiment::{Experiment, Written};
use crate::journal::{Error, Inputs};
use crate::model::{self, Model};
use crate::plan::recent::Recent;
use crate::plan::{Found, HELD, Layout, Plan, Variant, identity};
use crate::terminal;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Some runs failed; each is a row with its reason.
    RunsFailed,
    /// Usage or experiment invalid; nothing was run.
    Invalid,
    /// Results cannot be read or written.
    Results,
    /// Stopped by a signal; the same command goes on from there.
    Interrupted,
    /// Ended under a batch system before its work was done: to be put into the queue again (EX_TEMPFAIL).
    Again,
    /// A bug.
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::RunsFailed => 1,
            Exit::Invalid => 2,
            Exit::Results => 3,
            Exit::Interrupted => 130,
            Exit::Again => 75,
            Exit::Bug => 70,
        })
    }
}

/// Declare a simulator, data and unknown parameters in one TOML file; infer the parameters, and compare the ways to
/// do it.
#[derive(Parser, Debug)]
#[command(
    name = "sbi-run",
    version,
    after_help = "`sbi-run EXPERIMENT.toml` is short for `sbi-run run EXPERIMENT.toml`."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run experiments and write their reports
    Run(run::Arguments),
    /// Report every fault and warning, where the model is not differentiable, and the size of the plan; run nothing
    Check(check::Arguments),
    /// Print the runs of an experiment as CSV
    Plan(plan::Arguments),
    /// Print loss and gradient at a point by every method, beside the reference, as CSV
    Gradient(gradient::Arguments),
    /// Show the evaluation of the model at a point step by step, with tangents and adjoints
    Trace(trace::Arguments),
    /// Print the outputs at a point, or at draws from the priors, as CSV
    Simulate(simulate::Arguments),
    /// Write the tables and pictures of a results folder again
    Report(report::Arguments),
    /// Make one result from the journals of several shards
    Merge(merge::Arguments),
    /// Tell which runs are done, running, failed, remaining
    Status(status::Arguments),
    /// Submit to Slurm: an array of shards, and a job that merges them
    Submit(submit::Arguments),
    /// Write a commented experiment to start from
    New(new::Arguments),
    /// Name every simulator, prior, loss, method, optimizer with its options
    List(list::Arguments),
    /// Print the JSON Schema of experiment files, for editors
    Schema,
}

/// What every command that reads experiments takes.
#[derive(Args, Debug)]
struct Overrides {
    /// Replace a value of the file, e.g. `--set budget.evaluations=1000`
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

/// The experiment of a command that reads one.
#[derive(Args, Debug)]
struct ExperimentFile {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

impl ExperimentFile {
    /// Hands it over, once it is read; its faults and warnings are printed.
    fn open(&self, command: impl FnOnce(&Loaded) -> Exit) -> Exit {
        match load_all(std::slice::from_ref(&self.experiment), &self.overrides.set) {
            Ok(loaded) => {
                print(&loaded[0].warnings);
                command(&loaded[0])
            }
            Err(exit) => exit,
        }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => Ok((path.trim().to_string(), value.to_string())),
        _ => Err("write it as PATH=VALUE, e.g. budget.evaluations=1000".to_string()),
    }
}

/// Runs the program with its arguments, the first of which is its own name.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    let arguments = match Arguments::try_parse_from(with_command(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    guarded(|| match &arguments.command {
        Command::Run(arguments) => run::main(arguments),
        Command::Check(arguments) => check::main(arguments),
        Command::Plan(arguments) => arguments.file.open(plan::main),
        Command::Gradient(arguments) => arguments.file.open(|loaded| gradient::main(arguments, loaded)),
        Command::Trace(arguments) => arguments.file.open(|loaded| trace::main(arguments, loaded)),
        Command::Simulate(arguments) => arguments.file.open(|loaded| simulate::main(arguments, loaded)),
        Command::Report(arguments) => report::main(arguments),
        Command::Merge(arguments) => merge::main(arguments),
        Command::Status(arguments) => status::main(arguments),
        Command::Submit(arguments) => submit::main(arguments),
        Command::New(arguments) => new::main(arguments),
        Command::List(arguments) => list::main(arguments),
        Command::Schema => schema::main(),
    })
    .into()
}

/// How a command ends, one that panics included: that is a bug.
fn guarded(command: impl FnOnce() -> Exit + std::panic::UnwindSafe) -> Exit {
    std::panic::catch_unwind(command).unwrap_or(Exit::Bug)
}

/// Puts `run` before arguments that name no command.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    use clap::CommandFactory;
    let is_command = |word: &OsStr| {
        word == "help" || Arguments::command().get_subcommands().any(|command| OsStr::new(command.get_name()) == word)
    };
    let own = ["-h", "--help", "-V", "--version"];
    match arguments.get(1) {
        Some(first) if !is_command(first) && !own.iter().any(|option| OsStr::new(option) == first) => {
            arguments.insert(1, "run".into());
        }
        _ => {}
    }
    arguments
}

/// A panic is a bug, and says so; a run that panics says so in its row.
fn report_panic(panic: &std::panic::PanicHookInfo) {
    let place = panic.location().map(|place| (place.file(), place.line()));
    standard_error(&bug(place, panic.payload_as_str().unwrap_or("no message")));
}

/// What is said of a bug: where it is, and what whoever mends it needs.
fn bug(place: Option<(&str, u32)>, text: &str) -> String {
    let place = place.map(|(file, line)| format!(" at {file}:{line}")).unwrap_or_default();
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    format!(
        "{name}: a bug{place}: {text}\nPlease report it, with this message, the experiment file and `{name} {version}`.\n"
    )
}

/// Prints diagnostics on standard error.
fn print(diagnostics: &[Diagnostic]) {
    if !diagnostics.is_empty() {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        standard_error(&terminal::render(diagnostics, colour));
    }
}

/// Prints results on standard output; a reader that has gone is no fault.
fn output(text: &str) -> Exit {
    output_by(|out| out.write_all(text.as_bytes()))
}

/// The same of results that are written bit by bit.
fn output_by(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Exit {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            tell!("cannot write to standard output: {error}");
            Exit::Results
        }
    }
}

/// Prints on standard error. A log that cannot be written, since it is on the disk that is full, say, is no reason to end
/// otherwise than is told: the macros of the standard library would panic.
fn standard_error(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Works on a pool of so many threads; tells why that cannot be done.
fn on_threads(threads: usize, work: impl FnOnce() -> Result<Exit, Error> + Send) -> Exit {
    match crate::execute::with_threads(threads, work) {
        Ok(ended) => ended.unwrap_or_else(|error| faulty(&error)),
        Err(error) => {
            tell!("cannot start {}: {error}", many(threads, "thread"));
            Exit::Invalid
        }
    }
}

/// Tells why results cannot be read or written.
fn faulty(error: &Error) -> Exit {
    tell!("{error}");
    Exit::Results
}

/// An experiment, read, checked, laid out and lowered.
struct Loaded {
    inputs: Inputs,
    /// The results folder from which it was read, in place of a file.
    folder: Option<PathBuf>,
    /// The plan is not the one that the folder was made from: the data have changed, or the program.
    changed: bool,
    experiment: Experiment,
    plan: Plan,
    models: Recent<[u8; 32], Model>,
    weights: Weights,
    warnings: Vec<Diagnostic>,
}

/// Of each combination of the axes the operations of an evaluation of the loss: where they change, and to what.
#[derive(Default)]
struct Weights {
    changes: Vec<(usize, f64)>,
    count: usize,
}

impl Weights {
    fn push(&mut self, weight: f64) {
        if self.changes.last().is_none_or(|(_, last)| *last != weight) {
            self.changes.push((self.count, weight));
        }
        self.count += 1;
    }

    fn of(&self, variant: usize) -> f64 {
        self.changes[self.changes.partition_point(|(first, _)| *first <= variant) - 1].1
    }
}

impl Loaded {
    /// Where the model is not differentiable, at any combination of the axes.
    fn differentiability(&self) -> differentiability::Report {
        let mut report = differentiability::Report::default();
        // Where no axis reaches a formula or a parameter, one combination is as good as all.
        let apart = ["seed", "budget", "optimizer", "differentiation", "intervals"];
        let reaches = |path: &String| !apart.iter().any(|root| path.starts_with(root));
        let all = if self.plan.axes.iter().any(reaches) { self.plan.variants() } else { 1 };
        let made = |variant: &usize| (self.plan.experiment(*variant), self.model(*variant));
        let never: Result<(), Infallible> = in_order(0..all, AT_ONCE, made, |(experiment, model)| {
            report.add(&experiment, &model);
            Ok(())
        });
        never.unwrap_or_else(|never| match never {});
        report
    }

    /// The model of a combination of the axes.
    fn model(&self, variant: usize) -> Arc<Model> {
        let experiment = self.plan.experiment(variant);
        self.model_of(&experiment, identity::of_programs(&experiment))
    }

    /// The model of an experiment of the plan; `programs` is `identity::of_programs`.
    fn model_of(&self, experiment: &Experiment, programs: [u8; 32]) -> Arc<Model> {
        self.models.get(programs, || model::compile(experiment).expect("what was compiled once can be compiled again"))
    }
}

/// Reads a file as far as to its programs; every fault at once. A results folder stands for the experiment that was run
/// there.
fn load(path: &Path, overrides: &[(String, String)]) -> Result<Loaded, Vec<Diagnostic>> {
    if Inputs::are_in(path) {
        return load_folder(path, overrides).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
    }
    let written = Written::open(path, overrides).map_err(|fault| vec![fault])?;
    load_written(&written, overrides.to_vec())
}

/// Reads the experiment that was run in a results folder, with further overrides.
fn load_folder(path: &Path, overrides: &[(String, String)]) -> Result<Result<Loaded, Vec<Diagnostic>>, Error> {
    let inputs = Inputs::read(path)?;
    let set = [&inputs.set[..], overrides].concat();
    let name = path.join("experiment.toml").display().to_string();
    let source = std::sync::Arc::new(crate::diagnostic::Source { name, text: inputs.text });
    let written = Written::new(source, &inputs.name, &inputs.home, &set);
    Ok(load_written(&written, set).map(|loaded| Loaded {
        folder: Some(path.to_path_buf()),
        changed: loaded.inputs.plan_sha256 != inputs.plan_sha256,
        ..loaded
    }))
}

/// Combinations of the axes that are looked at together, for each thread.
const AT_ONCE: usize = 64;

fn load_written(written: &Written, set: Vec<(String, String)>) -> Result<Loaded, Vec<Diagnostic>> {
    let catalog = &crate::catalog::CATALOG;
    let (experiment, warnings) = crate::experiment::check(written, catalog)?;
    let mut layout = Layout::new(written, &experiment, catalog)?;
    let source = layout.source();
    // What programs cost, or the faults that only lowering can see.
    let lowered: Recent<[u8; 32], Result<f64, Vec<Diagnostic>>> = Recent::of(HELD);
    let look = |combination: &usize| {
        let found = source.look(*combination);
        let weight = match &found {
            Ok(Found::Variant(Variant { experiment, .. }, _)) => {
                Some(lowered.get(identity::of_programs(experiment), || {
                    let model = model::compile(experiment)?;
                    Ok(model.search_loss.work(model.rows.count()) as f64)
                }))
            }
            _ => None,
        };
        (*combination, found, weight)
    };
    let mut weights: Result<Weights, Vec<Diagnostic>> = Ok(Weights::default());
    let never: Result<(), Infallible> =
        in_order(0..source.combinations, AT_ONCE, look, |(combination, found, weight)| {
            layout.add(combination, found);
            match (&mut weights, weight.as_deref()) {
                (Ok(weights), Some(Ok(weight))) => weights.push(*weight),
                // The first combination that has faults says enough.
                (Ok(_), Some(Err(faults))) => weights = Err(faults.clone()),
                _ => {}
            }
            Ok(())
        });
    never.unwrap_or_else(|never| match never {});
    let plan = layout.end(written)?;
    let weights = weights?;
    let models = Recent::of(HELD);
    if let Some((message, help)) = lanes_fault(&plan) {
        let asked = written.table.table("engine").and_then(|engine| engine.get("lanes"));
        let fault = asked.map_or_else(
            || Diagnostic::error(&message),
            |node| node.place.error(&message, format!("asks for {}", Lanes::wish(experiment.lanes))),
        );
        return Err(vec![fault.help(help)]);
    }
    let inputs = Inputs {
        name: written.name.clone(),
        text: written.source.text.clone(),
        home: written.folder.clone(),
        set,
        plan_sha256: plan.checksum(),
    };
    Ok(Loaded { inputs, folder: None, changed: false, experiment, plan, models, weights, warnings })
}

/// What is wrong with the lanes that an experiment asks for, and what to do about it: no task has them, at any combination
/// of the axes.
fn lanes_fault(plan: &Plan) -> Option<(String, &'static str)> {
    let mut first = None;
    for variant in 0..plan.variants() {
        let experiment = plan.experiment(variant);
        // Rows there always are: no model needs to be lowered for that.
        experiment.lanes.filter(|wanted| *wanted != Lanes::Rows)?;
        let fault = lanes::fault(&experiment, &model::compile(&experiment).ok()?)?;
        first.get_or_insert(fault);
    }
    first
}

/// Adds what was meant where the argument is not a file: one with the ending, or a command.
fn meant(path: &Path, fault: Diagnostic) -> Diagnostic {
    use clap::CommandFactory;
    if path.exists() || path.extension().is_some() {
        return fault;
    }
    let whole = path.with_extension("toml");
    if whole.exists() {
        return fault.help(format!("did you mean `{}`?", whole.display()));
    }
    let word = path.to_string_lossy();
    let commands = Arguments::command();
    match did_you_mean(&word, commands.get_subcommands().map(|command| command.get_name())) {
        Some(command) => fault.help(format!("did you mean the command `{command}`?")),
        None => fault,
    }
}

/// Loads every file; the faults of all of them are printed before anything is done.
fn load_all(paths: &[PathBuf], overrides: &[(String, String)]) -> Result<Vec<Loaded>, Exit> {
    let mut loaded = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        match load(path, overrides) {
            Ok(one) => loaded.push(one),
            Err(found) => faults.extend(found.into_iter().map(|fault| meant(path, fault))),
        }
    }
    if faults.is_empty() {
        return Ok(loaded);
    }
    faults.extend(loaded.iter().flat_map(|one| one.warnings.iter().cloned()));
    print(&faults);
    Err(Exit::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic in the tool itself is exit code 70, and what is printed tells what to report.
    #[test]
    fn a_bug_is_told_from_everything_else() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let exit = guarded(|| panic!("an index out of its range"));
        std::panic::set_hook(hook);
        assert_eq!(exit, Exit::Bug);
        assert_eq!(guarded(|| Exit::Interrupted), Exit::Interrupted);
        let codes = [Exit::Done, Exit::RunsFailed, Exit::Invalid, Exit::Results, Exit::Interrupted, Exit::Bug];
        let wanted = [0, 1, 2, 3, 130, 70].map(ExitCode::from);
        assert_eq!(format!("{:?}", codes.map(ExitCode::from)), format!("{wanted:?}"));
        let said = bug(Some(("src/plan.rs", 7)), "an index out of its range");
        for word in
            ["src/plan.rs:7", "an index out of its range", "report", "experiment file", env!("CARGO_PKG_VERSION")]
        {
            assert!(said.contains(word), "{word} in {said}");
        }
    }
}
