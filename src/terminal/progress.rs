//! Progress of the runs: bars on a terminal, a line now and then elsewhere, nothing when asked to be quiet.
//!
//! All of it goes to standard error, so that standard output holds results only. Log lines pass through the same
//! `Screen` and appear above the bars.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::record::{Record, Status};

/// Draws of the bars in a second.
const RATE: u8 = 8;

/// Seconds between two lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Running optimizers that are named beside the bar.
const NAMED: usize = 4;

/// Where progress and log lines go. Cheap to copy; all copies are the same screen.
#[derive(Clone, Debug)]
pub struct Screen(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Bars(MultiProgress),
    /// No terminal: a log of a batch job, a pipe.
    Lines,
    Quiet,
}

impl Screen {
    /// The screen that standard error is.
    pub fn new(quiet: bool) -> Screen {
        Screen(match (quiet, io::stderr().is_terminal()) {
            (true, _) => Kind::Quiet,
            (false, true) => Kind::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE))),
            (false, false) => Kind::Lines,
        })
    }

    /// Prints lines on standard error, above any bars.
    pub fn print(&self, text: &str) {
        self.above(|| {
            // Standard error may be closed; there is nobody left to tell.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
    }

    /// Does something with the bars out of the way.
    fn above<R>(&self, action: impl FnOnce() -> R) -> R {
        match &self.0 {
            Kind::Bars(bars) => bars.suspend(action),
            Kind::Lines | Kind::Quiet => action(),
        }
    }

    /// Progress of one experiment: so many runs to do, so many of the plan done before.
    pub fn progress(&self, name: &str, remaining: usize, before: usize) -> Progress {
        let bars = match &self.0 {
            Kind::Bars(bars) => {
                let overall = bars.add(ProgressBar::new((remaining + before) as u64));
                // The template is a constant; a fault in it would show as the plain default bar.
                if let Ok(style) = ProgressStyle::with_template(
                    "{prefix} {bar:30} {human_pos}/{human_len}  {per_sec}  {eta} left  {msg}",
                ) {
                    overall.set_style(style);
                }
                overall.set_prefix(name.to_string());
                overall.set_position(before as u64);
                // Rate and time left are of this process's own runs.
                overall.reset_eta();
                overall.enable_steady_tick(Duration::from_millis(250));
                let running = bars.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("  {msg}") {
                    running.set_style(style);
                }
                Some((overall, running))
            }
            _ => None,
        };
        let now = Instant::now();
        let state = State { done: 0, failed: 0, running: BTreeMap::new(), start: now, last: now, bars, ended: false };
        Progress { screen: self.clone(), name: name.to_string(), remaining, before, state: Mutex::new(state) }
    }
}

/// Shows how the runs of one experiment come along. May be fed from several threads.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    name: String,
    remaining: usize,
    before: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    failed: usize,
    /// Names of the running optimizers, by position of the run in the plan, with the time of their start.
    running: BTreeMap<usize, (String, Instant)>,
    start: Instant,
    /// When a line was printed last.
    last: Instant,
    bars: Option<(ProgressBar, ProgressBar)>,
    ended: bool,
}

impl Progress {
    /// A run begins. `name` says what runs: the optimizer, and the differentiation method if it has one.
    pub fn started(&self, run: usize, name: &str) {
        let mut state = self.state();
        state.running.insert(run, (name.to_string(), Instant::now()));
        state.show_running();
    }

    /// A run has ended.
    pub fn finished(&self, run: usize, record: &Record) {
        let mut state = self.state();
        state.running.remove(&run);
        state.done += 1;
        state.failed += usize::from(record.status == Status::Failed);
        if let Some((overall, _)) = &state.bars {
            overall.set_position((self.before + state.done) as u64);
            if state.failed > 0 {
                overall.set_message(format!("{} failed", state.failed));
            }
            state.show_running();
        } else if matches!(self.screen.0, Kind::Lines) && state.last.elapsed() >= INTERVAL {
            state.last = Instant::now();
            let line = self.line(&state);
            drop(state);
            self.screen.print(&line);
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
            let line = self.line(&state);
            drop(state);
            self.screen.print(&line);
        }
    }

    /// `silver: 120/160 runs, 24.0 runs/s, 2 s left, 3 failed`
    fn line(&self, state: &State) -> String {
        let (done, total) = (self.before + state.done, self.before + self.remaining);
        let seconds = state.start.elapsed().as_secs_f64();
        let mut line = format!("{}: {done}/{total} runs", self.name);
        if state.done > 0 && seconds > 0.0 {
            line += &format!(", {} runs/s", significant(state.done as f64 / seconds));
            if state.done < self.remaining {
                let left = seconds / state.done as f64 * (self.remaining - state.done) as f64;
                line += &format!(", about {} s left", significant(left));
            }
        }
        if state.failed > 0 {
            line += &format!(", {} failed", state.failed);
        }
        line + "\n"
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

impl State {
    /// Names the optimizers that run longest.
    fn show_running(&self) {
        let Some((_, bar)) = &self.bars else { return };
        let mut running: Vec<&(String, Instant)> = self.running.values().collect();
        running.sort_by_key(|(_, start)| *start);
        let named: Vec<&str> = running.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
        let more = running.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        bar.set_message(format!("{}{more}", named.join(" · ")));
    }
}

/// Three significant digits, without an exponent.
fn significant(x: f64) -> String {
    let decimals = if x < 10.0 { 2 } else { usize::from(x < 100.0) };
    format!("{x:.decimals$}")
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Lines;

    /// For `tracing_subscriber::fmt().with_writer(screen)`: each event is printed whole, above the bars.
    fn make_writer(&'a self) -> Lines {
        Lines { screen: self.clone(), text: Vec::new() }
    }
}

/// Collects what is written of one event and prints it when it is dropped.
#[derive(Debug)]
pub struct Lines {
    screen: Screen,
    text: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        self.screen.above(|| io::stderr().lock().write_all(&text))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            // A log that cannot be written must not stop the work.
            let _ = self.flush();
        }
    }
}

/// Prints a summary or another result on standard output, above any bars. A closed pipe is no fault.
pub fn print_result(screen: &Screen, text: &str) -> io::Result<()> {
    let write = || {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    };
    match screen.above(write) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::sync::Arc;

    /// A terminal that keeps everything ever drawn on it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            120
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\n")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn record(status: Status) -> Record {
        Record {
            identity: String::new(),
            status,
            reason: String::new(),
            loss: None,
            evaluations: 0,
            gradients: 0,
            iterations: 0,
            work: 0.0,
            parameters: Vec::new(),
            trace: Vec::new(),
            intervals: Vec::new(),
            seconds: 0.0,
        }
    }

    #[test]
    fn bars_count_runs_failures_and_name_what_runs() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), RATE);
        let screen = Screen(Kind::Bars(MultiProgress::with_draw_target(target)));
        let progress = screen.progress("silver", 8, 2);
        for run in 2..8 {
            progress.started(run, &format!("lbfgs {run}"));
        }
        progress.finished(2, &record(Status::Failed));
        std::thread::sleep(Duration::from_millis(60));
        progress.finished(3, &record(Status::Converged));
        std::thread::sleep(Duration::from_millis(600));
        let seen = paper.0.lock().unwrap().clone();
        for part in ["silver", "4/10", "1 failed", "lbfgs 4 · lbfgs 5 · lbfgs 6 · lbfgs 7"] {
            assert!(seen.contains(part), "no {part:?} in\n{seen}");
        }
        progress.end();
        let length = paper.0.lock().unwrap().len();
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(paper.0.lock().unwrap().len(), length, "nothing is drawn after the end");
    }

    #[test]
    fn many_short_runs_are_not_drawn_one_by_one() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), RATE);
        let progress = Screen(Kind::Bars(MultiProgress::with_draw_target(target))).progress("silver", 20_000, 0);
        let start = Instant::now();
        for run in 0..20_000 {
            progress.started(run, "lbfgs, reverse");
            progress.finished(run, &record(Status::Converged));
        }
        let seconds = start.elapsed().as_secs_f64();
        let draws = paper.0.lock().unwrap().matches("left").count();
        // The limiter lets short bursts through.
        assert!((draws as f64) < 60.0 + seconds * 10.0, "{draws} draws in {seconds} s");
    }

    #[test]
    fn lines_tell_counts_rate_and_failures() {
        let progress = Screen(Kind::Quiet).progress("silver", 100, 50);
        progress.finished(0, &record(Status::Failed));
        let mut state = progress.state();
        state.start -= Duration::from_secs(2);
        let line = progress.line(&state);
        drop(state);
        assert!(line.starts_with("silver: 51/150 runs, 0.50 runs/s, about 198 s left, 1 failed"), "{line}");
    }

    #[test]
    fn threads_may_feed_it_and_a_second_end_is_nothing() {
        let progress = Screen(Kind::Quiet).progress("silver", 400, 0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let progress = &progress;
                scope.spawn(move || {
                    for i in 0..100 {
                        progress.started(100 * thread + i, "genetic");
                        progress.finished(100 * thread + i, &record(Status::Stopped));
                    }
                });
            }
        });
        progress.end();
        progress.end();
        let state = progress.state();
        assert_eq!((state.done, state.failed, state.running.len()), (400, 0, 0));
    }
}
