//! The screen that standard error is: bars, plain lines or nothing; log lines and results pass through it.
//!
//! All but results goes to standard error, so that standard output holds results only. Lines appear above the bars.

use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

/// Draws of the bars in a second.
pub(super) const RATE: u8 = 8;

/// Where progress and log lines go. Cheap to copy; all copies are the same screen.
#[derive(Clone, Debug)]
pub struct Screen(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
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
