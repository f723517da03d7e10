//! Progress of the runs: bars on a terminal, a line a minute elsewhere, nothing when asked to be quiet.
//!
//! Runs and their ends change counts only; what is shown is made when time has passed (`tick`), however many runs end in
//! a second. Failures are named as they happen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::forecast::{Forecast, Underway};
use super::screen::{Kind, Screen};
use crate::diagnostic::many;
use crate::record::{Record, Status};

/// Between two lines where there is no terminal: on a cluster they go to a log that somebody reads.
const INTERVAL: Duration = Duration::from_secs(60);

/// Running optimizers that are named, those that run longest.
const NAMED: usize = 4;

/// Failures of one optimizer and method that are named; further ones are counted.
const NAMED_FAILURES: usize = 5;

/// The bar shows the share of the work, in so many steps.
const STEPS: u64 = 1000;

/// Shows how the runs of one experiment come along. May be fed from several threads.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    forecast: Forecast,
    /// How many runs there were to do, and how many were done before.
    todo: usize,
    before: usize,
    done: usize,
    failed: usize,
    /// Failures by kind.
    failures: BTreeMap<usize, usize>,
    /// By position of the run in the plan.
    running: BTreeMap<usize, Running>,
    start: Instant,
    /// When a line was printed last.
    last: Instant,
    bars: Option<(ProgressBar, ProgressBar)>,
    ended: bool,
}

#[derive(Debug)]
struct Running {
    name: String,
    kind: usize,
    weight: f64,
    start: Instant,
}

impl Screen {
    /// Progress of one experiment, whose runs, those to do and those done before, the forecast was told.
    pub fn progress(&self, name: &str, forecast: Forecast) -> Progress {
        let bars = match &self.0 {
            Kind::Bars(bars) => {
                let overall = bars.add(ProgressBar::new(STEPS));
                // The template is a constant; a fault in it would show as the plain default bar.
                if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {msg}") {
                    overall.set_style(style);
                }
                overall.set_prefix(name.to_string());
                let running = bars.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("  {msg}") {
                    running.set_style(style);
                }
                Some((overall, running))
            }
            _ => None,
        };
        let (now, (todo, before)) = (Instant::now(), forecast.counts());
        let state = State {
            forecast,
            todo,
            before,
            done: 0,
            failed: 0,
            failures: BTreeMap::new(),
            running: BTreeMap::new(),
            start: now,
            last: now,
            bars,
            ended: false,
        };
        Progress { screen: self.clone(), name: name.to_string(), state: Mutex::new(state) }
    }
}

impl Progress {
    /// A run begins. `name` says what runs: the optimizer, and the differentiation method if it has one; `weight` is
    /// what the forecast was told of it.
    pub fn started(&self, run: usize, name: &str, weight: f64) {
        let mut state = self.state();
        let kind = state.forecast.kind(name);
        state.forecast.begin(kind, weight);
        state.running.insert(run, Running { name: name.to_string(), kind, weight, start: Instant::now() });
    }

    /// A run has ended.
    pub fn finished(&self, run: usize, record: &Record) {
        let mut state = self.state();
        let Some(Running { name, kind, weight, start }) = state.running.remove(&run) else { return };
        // The record's time is that of the search alone.
        state.forecast.end(kind, weight, start.elapsed().as_secs_f64());
        state.done += 1;
        if record.status == Status::Failed {
            state.failed += 1;
            let of_kind = state.failures.entry(kind).or_default();
            *of_kind += 1;
            let of_kind = *of_kind;
            drop(state);
            if of_kind <= NAMED_FAILURES && !matches!(self.screen.0, Kind::Quiet) {
                let more = if of_kind == NAMED_FAILURES { "; further failures of it are counted only" } else { "" };
                self.screen.print(&format!("{}: run {run} failed: {name}: {}{more}\n", self.name, record.reason));
            }
        }
    }

    /// Time has passed: draws the bars again, or prints a line when it is due.
    pub fn tick(&self) {
        let mut state = self.state();
        let due = matches!(self.screen.0, Kind::Lines) && state.last.elapsed() >= INTERVAL;
        if let Some((overall, running)) = state.bars.clone() {
            let shown = state.shown();
            drop(state);
            overall.set_position((shown.share * STEPS as f64) as u64);
            overall.set_message(shown.counts);
            running.set_message(shown.running);
        } else if due && !state.ended {
            state.last = Instant::now();
            let shown = state.shown();
            drop(state);
            let running = if shown.running.is_empty() { String::new() } else { format!("; {}", shown.running) };
            self.screen.print(&format!("{}: {}{running}\n", self.name, shown.counts));
        }
    }

    /// Takes the bars away, or prints the last line. Nothing is shown afterwards.
    pub fn end(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if let Some((overall, running)) = state.bars.take() {
            running.finish_and_clear();
            overall.finish_and_clear();
        }
        if matches!(self.screen.0, Kind::Lines) {
            let line = format!("{}: {}\n", self.name, state.last_words());
            drop(state);
            self.screen.print(&line);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere while the lock was held leaves nothing here that could mislead.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// What is to be seen at one moment.
struct Shown {
    /// `120/160 runs, 24 runs/s, about 2 s left, 3 failed`
    counts: String,
    /// `longest running: genetic 34 s, lbfgs reverse 2 s`
    running: String,
    /// Of the work, from 0 to 1.
    share: f64,
}

impl State {
    fn shown(&self) -> Shown {
        let now = Instant::now();
        let since = |start: Instant| now.saturating_duration_since(start).as_secs_f64();
        let underway: Vec<Underway> = self
            .running
            .values()
            .map(|run| Underway { kind: run.kind, weight: run.weight, seconds: since(run.start) })
            .collect();
        let elapsed = since(self.start);
        let left = self.forecast.left(&underway, elapsed);
        let mut counts = self.counts();
        if self.done > 0 {
            counts += &format!(", {}", rate(self.done as f64 / elapsed));
        }
        if let Some(left) = left {
            let about = if left.seconds < 0.5 { "" } else { "about " };
            counts += &format!(", {about}{} left", span(left.seconds));
        }
        counts += &self.failures();
        let mut running: Vec<&Running> = self.running.values().collect();
        running.sort_by_key(|run| run.start);
        let named: Vec<String> =
            running.iter().take(NAMED).map(|run| format!("{} {}", run.name, span(since(run.start)))).collect();
        let more = running.len() - named.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let running = match named.is_empty() {
            true => String::new(),
            false => format!("longest running: {}{more}", named.join(", ")),
        };
        Shown { counts, running, share: left.map_or(0.0, |left| left.done) }
    }

    /// `160/160 runs in 7 s, 24 runs/s, 3 failed`
    fn last_words(&self) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let pace = if self.done > 0 { format!(", {}", rate(self.done as f64 / elapsed)) } else { String::new() };
        format!("{} in {}{pace}{}", self.counts(), span(elapsed), self.failures())
    }

    fn counts(&self) -> String {
        format!("{}/{}", self.before + self.done, many(self.before + self.todo, "run"))
    }

    fn failures(&self) -> String {
        if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() }
    }
}

/// Runs in a unit of time that suits them.
fn rate(of_a_second: f64) -> String {
    let (number, unit) = match of_a_second {
        rate if rate >= 0.5 => (rate, "s"),
        rate if rate >= 0.5 / 60.0 => (60.0 * rate, "min"),
        rate => (3600.0 * rate, "h"),
    };
    let decimals = if number < 10.0 { 1 } else { 0 };
    format!("{number:.decimals$} runs/{unit}")
}

/// A time as a clock would say it.
fn span(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0 => "<1 s".to_string(),
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} min {} s", s / 60, s % 60),
        s if s < 86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        s => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests;
