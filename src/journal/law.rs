//! The law of going on, against an oracle: whatever records there are, in whatever files and order, torn or not, the same
//! runs count and the same remain as in a plain map that knows nothing of files.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::append::tests::{append, create, plan, record};
use super::append::{FILE, Journal};
use super::resume::remaining;
use super::{Folder, History};
use crate::record::{Record, Records, Status};

/// Runs of the plan that are looked at.
const RUNS: usize = 6;

/// One line of a journal.
#[derive(Clone, Debug)]
struct Written {
    /// 0 is the journal of the whole plan, others are of shares.
    file: usize,
    run: usize,
    status: Status,
    seconds: f64,
}

fn lines() -> impl Strategy<Value = Vec<Written>> {
    let status = prop_oneof![Just(Status::Converged), Just(Status::Stopped), Just(Status::Failed)];
    let line = (0..3usize, 0..RUNS, status, 0.0..9.0f64);
    let written = line.prop_map(|(file, run, status, seconds)| Written { file, run, status, seconds });
    prop::collection::vec(written, 0..20)
}

/// A run always gives the same answer, but may fail before it does: a machine is short of memory, say.
fn made(line: &Written) -> Record {
    let status = match line.status {
        Status::Failed => Status::Failed,
        _ if line.run.is_multiple_of(2) => Status::Converged,
        _ => Status::Stopped,
    };
    let failed = status == Status::Failed;
    let parameters = if failed { Vec::new() } else { vec![line.run as f64] };
    let loss = (!failed).then_some(line.run as f64);
    Record { status, parameters, loss, seconds: line.seconds, ..record(line.run, 0.0) }
}

/// Whether each run has an answer, or has only failed; by the rule as a person would say it.
fn oracle(lines: &[Written]) -> BTreeMap<usize, bool> {
    let mut answered = BTreeMap::new();
    for line in lines {
        *answered.entry(line.run).or_insert(false) |= line.status != Status::Failed;
    }
    answered
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_counts_and_what_remains(lines in lines(), torn in 0..40usize, retry: bool) {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(home.path()).unwrap();
        {
            let (whole, _) = Journal::open(&folder, plan()).unwrap();
            let mut journals = [whole, create(&folder, "1/2"), create(&folder, "2/2")];
            lines.iter().for_each(|line| append(&mut journals[line.file], &made(line)));
        }
        // The journal of the whole plan loses its end, in the middle of a line or not.
        let whole = folder.file(FILE);
        let text = fs::read(&whole).unwrap();
        let header = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cut = text.len().saturating_sub(torn).max(header);
        fs::write(&whole, &text[..cut]).unwrap();
        let lost = lines.iter().rposition(|line| line.file == 0).filter(|_| cut < text.len());
        let left: Vec<Written> =
            lines.iter().enumerate().filter(|(place, _)| Some(*place) != lost).map(|(_, line)| line.clone()).collect();
        let answered = oracle(&left);

        let history = History::read(folder.path(), plan()).unwrap();
        for run in 0..RUNS {
            let found = history.kept.status(run).map(|status| status != Status::Failed);
            prop_assert_eq!(found, answered.get(&run).copied(), "run {}", run);
            let fetched = history.kept.fetch(run).unwrap();
            prop_assert_eq!(fetched.map(|record| record.loss.is_some()), found);
            prop_assert_eq!(history.kept.loss(run), found.filter(|answer| *answer).map(|_| run as f64));
        }
        let wanted = |run: &usize| answered.get(run).is_none_or(|answer| retry && !answer);
        let expected: Vec<usize> = (0..plan().len()).filter(wanted).collect();
        prop_assert_eq!(remaining(plan().len(), &history.kept, retry), expected);
    }
}
