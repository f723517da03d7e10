//! What a repeated command has still to do: a decision per run of the plan.
//!
//! | record in the journal | flags | the run |
//! |---|---|---|
//! | none | any | is done |
//! | converged or stopped | none, `--retry` | is kept |
//! | failed | none | is kept |
//! | failed | `--retry` | is done again |
//! | any | `--fresh` | is done: the old results were moved aside before |
//!
//! Records are found by identity, never by position, so that an edited sweep keeps what it still contains. Records that
//! no run of the plan asks for are counted and otherwise ignored. An interrupted run must not be recorded.

use std::collections::HashMap;

use crate::plan::Plan;
use crate::record::{Record, Status};

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Failed runs are done again.
    pub retry: bool,
    /// Nothing is kept.
    pub fresh: bool,
}

/// The records to keep, by position in the plan, and the runs to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resumption {
    /// One per run of the plan.
    pub kept: Vec<Option<Record>>,
    /// Positions in the plan, ascending: the runs without a kept record.
    pub remaining: Vec<usize>,
    /// Records that belong to no run of the plan.
    pub unknown: usize,
}

/// Decides for each run of the plan. `records` holds at most one per identity, as `Journal::open` gives them.
pub fn decide(plan: &Plan, records: Vec<Record>, flags: Flags) -> Resumption {
    if flags.fresh {
        let (kept, remaining) = (vec![None; plan.runs.len()], (0..plan.runs.len()).collect());
        return Resumption { kept, remaining, unknown: 0 };
    }
    let total = records.len();
    let mut known: HashMap<String, (Record, usize)> =
        records.into_iter().map(|record| (record.identity.clone(), (record, 0))).collect();
    for run in &plan.runs {
        if let Some((_, uses)) = known.get_mut(&run.identity) {
            *uses += 1;
        }
    }
    let unknown = total - known.values().filter(|(_, uses)| *uses > 0).count();
    let mut take = |identity: &str| {
        let (record, uses) = known.get_mut(identity)?;
        if flags.retry && record.status == Status::Failed {
            return None;
        }
        *uses -= 1;
        // Two runs of one plan may be the same work; all but the last one copy the record.
        if *uses > 0 { Some(record.clone()) } else { known.remove(identity).map(|(record, _)| record) }
    };
    let kept: Vec<Option<Record>> = plan.runs.iter().map(|run| take(&run.identity)).collect();
    let remaining = kept.iter().enumerate().filter(|(_, record)| record.is_none()).map(|(index, _)| index).collect();
    Resumption { kept, remaining, unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Run;

    fn plan(identities: &[&str]) -> Plan {
        let run = |(index, identity): (usize, &&str)| Run {
            index,
            variant: 0,
            optimizer: 0,
            method: None,
            repeat: index,
            identity: identity.to_string(),
        };
        Plan { runs: identities.iter().enumerate().map(run).collect(), ..Plan::default() }
    }

    fn record(identity: &str, status: Status) -> Record {
        Record {
            identity: identity.into(),
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
    fn every_row_of_the_table_holds() {
        let plan = plan(&["converged", "stopped", "failed", "new"]);
        let records = || {
            vec![
                record("failed", Status::Failed),
                record("of another plan", Status::Converged),
                record("stopped", Status::Stopped),
                record("converged", Status::Converged),
            ]
        };
        for (flags, remaining) in [
            (Flags::default(), vec![3]),
            (Flags { retry: true, fresh: false }, vec![2, 3]),
            (Flags { retry: false, fresh: true }, vec![0, 1, 2, 3]),
            (Flags { retry: true, fresh: true }, vec![0, 1, 2, 3]),
        ] {
            let found = decide(&plan, records(), flags);
            assert_eq!(found.remaining, remaining, "{flags:?}");
            assert_eq!(found.unknown, usize::from(!flags.fresh), "{flags:?}");
            for (run, kept) in plan.runs.iter().zip(&found.kept) {
                assert_eq!(kept.is_none(), remaining.contains(&run.index), "{flags:?}");
                assert!(kept.as_ref().is_none_or(|record| record.identity == run.identity));
            }
        }
    }

    #[test]
    fn equal_work_twice_in_a_plan_shares_its_record() {
        let found = decide(&plan(&["a", "b", "a"]), vec![record("a", Status::Converged)], Flags::default());
        assert_eq!(found.remaining, [1]);
        assert_eq!(found.kept[0], found.kept[2]);
        assert_eq!(found.unknown, 0);
    }
}
