//! The bars, drawn on paper; the lines, as text.

use super::super::screen::RATE;
use super::*;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use std::io;
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
    Record { status, ..Record::failed(String::new(), String::new()) }
}

fn waiting(name: &str, runs: usize) -> Forecast {
    let mut forecast = Forecast::default();
    (0..runs).for_each(|_| forecast.wait(name, 1.0));
    forecast
}

fn on_paper(forecast: Forecast) -> (Paper, Progress) {
    let paper = Paper::default();
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), RATE);
    let progress = Screen(Kind::Bars(MultiProgress::with_draw_target(target))).progress("silver", forecast);
    (paper, progress)
}

#[test]
fn bars_count_runs_failures_and_name_what_runs_longest() {
    let mut forecast = waiting("lbfgs", 8);
    (0..2).for_each(|_| _ = forecast.has_done("lbfgs", 1.0));
    let (paper, progress) = on_paper(forecast);
    for run in 2..8 {
        progress.started(run, &format!("lbfgs {run}"), 1.0);
        std::thread::sleep(Duration::from_millis(1));
    }
    progress.finished(2, &record(Status::Failed));
    progress.finished(3, &record(Status::Converged));
    std::thread::sleep(Duration::from_millis(300));
    progress.tick();
    let seen = paper.0.lock().unwrap().clone();
    let named = "longest running: lbfgs 4 <1 s, lbfgs 5 <1 s";
    for part in ["silver", "4/10 runs", "1 failed", named] {
        assert!(seen.contains(part), "no {part:?} in\n{seen}");
    }
    progress.end();
    let length = paper.0.lock().unwrap().len();
    progress.tick();
    assert_eq!(paper.0.lock().unwrap().len(), length, "nothing is drawn after the end");
}

#[test]
fn many_short_runs_are_not_drawn_one_by_one() {
    let (paper, progress) = on_paper(waiting("lbfgs reverse", 20_000));
    for run in 0..20_000 {
        progress.started(run, "lbfgs reverse", 1.0);
        progress.finished(run, &record(Status::Converged));
    }
    let drawn = paper.0.lock().unwrap().matches("silver").count();
    assert!(drawn <= 1, "{drawn} times");
}

#[test]
fn a_line_tells_counts_rate_time_left_and_failures_once_a_minute() {
    let mut forecast = waiting("bfgs reverse", 100);
    for run in 0..50 {
        assert_eq!(forecast.has_done("bfgs reverse", 1.0), run < 20);
        if run < 20 {
            forecast.took("bfgs reverse", 1.0, 2.0);
        }
    }
    let progress = Screen(Kind::Lines).progress("silver", forecast);
    progress.started(0, "bfgs reverse", 1.0);
    progress.state().running.get_mut(&0).unwrap().start -= Duration::from_secs(2);
    progress.finished(0, &record(Status::Failed));
    progress.tick();
    let mut state = progress.state();
    assert!(state.last.elapsed() < INTERVAL, "nothing was due");
    state.start -= Duration::from_secs(2);
    let shown = state.shown();
    assert_eq!(shown.counts, "51/150 runs, 30 runs/min, about 3 min 18 s left, 1 failed");
    assert!((shown.share - 51.0 / 150.0).abs() < 1e-3);
    assert_eq!(state.last_words(), "51/150 runs in 2 s, 30 runs/min, 1 failed");
    state.last -= INTERVAL;
    drop(state);
    progress.tick();
    assert!(progress.state().last.elapsed() < INTERVAL, "a line was printed");
}

#[test]
fn rates_and_times_have_units_that_suit_them() {
    assert_eq!([1234.0, 0.5, 0.2, 0.001].map(rate), ["1234 runs/s", "0.5 runs/s", "12 runs/min", "3.6 runs/h"]);
    let times = [0.2, 59.4, 61.0, 3725.0, 180_000.0].map(span);
    assert_eq!(times, ["<1 s", "59 s", "1 min 1 s", "1 h 2 min", "2 d 2 h"]);
}

#[test]
fn threads_may_feed_it_and_a_second_end_is_nothing() {
    let progress = Screen(Kind::Quiet).progress("silver", waiting("genetic", 400));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let progress = &progress;
            scope.spawn(move || {
                for i in 0..100 {
                    progress.started(100 * thread + i, "genetic", 1.0);
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
