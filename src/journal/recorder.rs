//! Many threads, one journal: a thread that finds another one writing leaves its line there and goes on.
//!
//! Nobody waits for a write, and lines that came meanwhile go to the system together. A line that waits is that of a run in
//! flight: a thread is writing, and takes it next.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::append::Line;
use super::{Error, Journal, Kept};
use crate::record::{Record, Status};

/// A finished run on its way into the journal.
#[derive(Debug)]
struct Waiting {
    run: usize,
    line: Line,
    status: Status,
    answer: Option<f64>,
}

/// What is written, and what is kept of it.
#[derive(Debug)]
pub struct Recorded {
    /// None for a share that has nothing to do.
    pub journal: Option<Journal>,
    pub kept: Kept,
    /// How many runs were recorded.
    pub count: usize,
}

/// Takes the finished runs of all threads.
#[derive(Debug)]
pub struct Recorder {
    waiting: Mutex<Vec<Waiting>>,
    recorded: Mutex<(Recorded, Option<Error>)>,
}

impl Recorder {
    /// Goes on with what was recorded before.
    pub fn new(before: Recorded) -> Recorder {
        Recorder { waiting: Mutex::default(), recorded: Mutex::new((before, None)) }
    }

    /// Records the run at a position of the plan. False where something could not be written, now or before: what cannot
    /// be written must not be computed on.
    pub fn record(&self, run: usize, record: &Record) -> bool {
        let line = Line::of(record);
        self.waiting().push(Waiting { run, line, status: record.status, answer: record.answer() });
        // Whoever writes looks again after it has let go of the journal, so that no line is left behind.
        while !self.waiting().is_empty() {
            let mut recorded = match self.recorded.try_lock() {
                Ok(recorded) => recorded,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return true,
            };
            let (recorded, fault) = &mut *recorded;
            let lines = std::mem::take(&mut *self.waiting());
            if fault.is_some() {
                return false;
            }
            if let Err(error) = recorded.write(&lines) {
                *fault = Some(error);
                return false;
            }
        }
        true
    }

    /// What was recorded, once all threads are done.
    pub fn end(self) -> Result<Recorded, Error> {
        let (recorded, fault) = self.recorded.into_inner().unwrap_or_else(PoisonError::into_inner);
        fault.map_or(Ok(recorded), Err)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    fn write(&mut self, ended: &[Waiting]) -> Result<(), Error> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let places = journal.append(ended.iter().map(|ended| &ended.line))?;
        for (Waiting { run, status, answer, .. }, place) in ended.iter().zip(places) {
            self.kept.keep(*run, *status, *answer, place);
        }
        self.count += ended.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::append::FILE;
    use super::super::append::tests::{plan, record};
    use super::super::{Folder, History};
    use super::*;
    use crate::record::Records;

    #[test]
    fn what_many_threads_record_at_once_is_there_once() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(home.path()).unwrap();
        let (journal, history) = Journal::open(&folder, plan()).unwrap();
        let recorder = Recorder::new(Recorded { journal: Some(journal), kept: history.kept, count: 0 });
        let runs = plan().len();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let recorder = &recorder;
                scope.spawn(move || {
                    for run in (thread..runs).step_by(4) {
                        assert!(recorder.record(run, &record(run, run as f64)));
                    }
                });
            }
        });
        let recorded = recorder.end().unwrap();
        assert_eq!((recorded.count, recorded.kept.count()), (runs, runs));
        let read = History::read(folder.path(), plan()).unwrap();
        assert_eq!(read.journals[0].records, runs);
        assert_eq!(read.findings, Default::default());
        for run in 0..runs {
            let records = [&recorded.kept, &read.kept].map(|kept| kept.fetch(run).unwrap().unwrap());
            assert_eq!(records, [record(run, run as f64), record(run, run as f64)]);
        }
        std::fs::remove_file(home.path().join(FILE)).unwrap();
        let recorder = Recorder::new(recorded);
        assert!(!recorder.record(0, &record(0, 1.0)) && !recorder.record(1, &record(1, 1.0)));
        assert!(matches!(recorder.end(), Err(Error::Removed(_))));
    }
}
