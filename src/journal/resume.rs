//! What a repeated command has still to do: a decision per run of the plan.
//!
//! | record in the journal | `--retry` | the run |
//! |---|---|---|
//! | none | any | is done |
//! | converged or stopped | any | is kept |
//! | failed | no | is kept |
//! | failed | yes | is done again |
//!
//! `--fresh` moves the old results aside before the journals are read, so that there is no record. An interrupted run must
//! not be recorded.

use crate::record::{Records, Status};

/// Positions in the plan of the runs to do, ascending.
pub fn remaining(runs: usize, records: &dyn Records, retry: bool) -> Vec<usize> {
    let to_do = |run: &usize| match records.status(*run) {
        None => true,
        Some(Status::Failed) => retry,
        Some(Status::Converged | Status::Stopped) => false,
    };
    (0..runs).filter(to_do).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::report::sample::record;

    #[test]
    fn every_row_of_the_table_holds() {
        for (status, retry, done_again) in [
            (None, false, true),
            (None, true, true),
            (Some(Status::Converged), false, false),
            (Some(Status::Converged), true, false),
            (Some(Status::Stopped), false, false),
            (Some(Status::Stopped), true, false),
            (Some(Status::Failed), false, false),
            (Some(Status::Failed), true, true),
        ] {
            let mut records = vec![None; 3];
            records[1] = status.map(|status| Record { status, ..record(1, 2.0, &[1.0]) });
            let wanted = if done_again { vec![0, 1, 2] } else { vec![0, 2] };
            assert_eq!(remaining(3, &records, retry), wanted, "{status:?}, retry: {retry}");
        }
    }
}
