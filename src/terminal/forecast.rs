//! How long the rest of a plan takes, judged by what has ended and what runs: a cheap optimizer says nothing of a dear one.
//!
//! Runs are of kinds: an optimizer with its method. A run has a weight, the operations of one evaluation of its loss, so
//! that combinations of the axes with more rows or steps count for more. The seconds that a run takes are expected to be
//! those of its kind for each unit of weight. A kind of which nothing is known is taken for the mean of the others; once
//! its running runs have taken half of that, they are expected to take as long again as they took so far. A run that goes
//! on is never taken for ended: it is expected to take a quarter of its age at least.

use std::collections::BTreeMap;

/// What is known of the runs of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    /// The weight of the runs that have not begun.
    waiting: f64,
    /// The weight of those that earlier processes have done.
    before: f64,
    /// Runs that have ended of which the time is known, their weight, and the seconds that they took.
    timed: usize,
    weight: f64,
    seconds: f64,
}

impl Kind {
    fn time(&mut self, weight: f64, seconds: f64) {
        self.timed += 1;
        self.weight += weight.max(1.0);
        self.seconds += seconds;
    }
}

/// A run that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Underway {
    pub kind: usize,
    pub weight: f64,
    /// Since it began.
    pub seconds: f64,
}

/// What is left of the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Left {
    /// Until all is done.
    pub seconds: f64,
    /// The share of the work that is done, from 0 to 1.
    pub done: f64,
}

/// So many runs of a kind that earlier processes have done tell how long such a run takes.
const ENOUGH: usize = 20;

#[derive(Clone, Debug, Default)]
pub struct Forecast {
    kinds: Vec<Kind>,
    places: BTreeMap<String, usize>,
    /// How many runs wait.
    waiting: usize,
    /// How many ended before this process.
    before: usize,
    /// What the runs of this process took that have ended.
    spent: f64,
}

impl Forecast {
    /// A run that is to be done, of the optimizer and method `name`.
    pub fn wait(&mut self, name: &str, weight: f64) {
        let kind = self.kind(name);
        self.kinds[kind].waiting += weight.max(1.0);
        self.waiting += 1;
    }

    /// A run that an earlier process has done; whether its time is wanted, because few of its kind are known.
    pub fn has_done(&mut self, name: &str, weight: f64) -> bool {
        let kind = self.kind(name);
        self.kinds[kind].before += weight.max(1.0);
        self.before += 1;
        self.kinds[kind].timed < ENOUGH
    }

    /// The seconds that such a run took.
    pub fn took(&mut self, name: &str, weight: f64, seconds: f64) {
        let kind = self.kind(name);
        self.kinds[kind].time(weight, seconds);
    }

    /// How many runs there were to do, and how many were done before.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.waiting, self.before)
    }

    /// Of a name, whether it was heard before or not.
    pub(super) fn kind(&mut self, name: &str) -> usize {
        if let Some(kind) = self.places.get(name) {
            return *kind;
        }
        self.kinds.push(Kind::default());
        self.places.insert(name.to_string(), self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    /// A waiting run begins.
    pub(super) fn begin(&mut self, kind: usize, weight: f64) {
        let waiting = &mut self.kinds[kind].waiting;
        *waiting = (*waiting - weight.max(1.0)).max(0.0);
    }

    /// A run ends.
    pub(super) fn end(&mut self, kind: usize, weight: f64, seconds: f64) {
        self.kinds[kind].time(weight, seconds);
        self.spent += seconds;
    }

    /// What is left, `elapsed` seconds after this process began; None while nothing is known.
    ///
    /// As many runs are expected to go on side by side as did so far, on average. The last run may end long after the
    /// others.
    pub(super) fn left(&self, underway: &[Underway], elapsed: f64) -> Option<Left> {
        let known: Vec<f64> =
            self.kinds.iter().filter(|kind| kind.weight > 0.0).map(|kind| kind.seconds / kind.weight).collect();
        if known.is_empty() {
            return None;
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let shown = |place: usize| {
            let own = underway.iter().filter(|run| run.kind == place);
            own.map(|run| 2.0 * run.seconds / run.weight.max(1.0)).fold(mean, f64::max)
        };
        let pace = |place: usize| match self.kinds[place] {
            Kind { weight, seconds, .. } if weight > 0.0 => seconds / weight,
            _ => shown(place),
        };
        let waiting: f64 = (0..self.kinds.len()).map(|place| self.kinds[place].waiting * pace(place)).sum();
        // What takes twice as long as others of its kind is expected to take as long again as it is late. One that is
        // about as old as they became may end now or go on: never less than a quarter of its age.
        let rest = |run: &Underway| {
            let early = run.weight.max(1.0) * pace(run.kind) - run.seconds;
            early.abs().max(0.25 * run.seconds)
        };
        let longest = underway.iter().map(rest).fold(0.0, f64::max);
        let work = waiting + underway.iter().map(rest).sum::<f64>();
        let now: f64 = underway.iter().map(|run| run.seconds).sum();
        let side_by_side = (self.spent + now) / elapsed;
        let before: f64 = (0..self.kinds.len()).map(|place| self.kinds[place].before * pace(place)).sum();
        let done = before + self.spent + now;
        let seconds = (work / side_by_side).max(longest);
        (seconds.is_finite() && done + work > 0.0).then(|| Left { seconds, done: done / (done + work) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ninety runs of a millisecond come first, ten of a second last: a count of runs would promise the end far too
    /// early. Two at a time.
    #[test]
    fn dear_runs_that_come_last_are_seen_to_be_dear() {
        let mut forecast = Forecast::default();
        (0..90).for_each(|_| forecast.wait("lbfgs reverse", 100.0));
        (0..10).for_each(|_| forecast.wait("genetic", 100.0));
        let (quick, slow) = (forecast.kind("lbfgs reverse"), forecast.kind("genetic"));
        assert_eq!(forecast.left(&[], 0.0), None, "nothing is known");
        (0..90).for_each(|_| forecast.begin(quick, 100.0));
        (0..90).for_each(|_| forecast.end(quick, 100.0, 1e-3));
        (0..3).for_each(|_| forecast.begin(slow, 100.0));
        forecast.end(slow, 100.0, 1.0);
        // 45 ms for the quick ones, 1 s for the slow: one done, two that begin; seven more wait.
        let begun = Underway { kind: slow, weight: 100.0, seconds: 0.5 };
        let left = forecast.left(&[begun, begun], 1.045).unwrap();
        assert!((left.seconds - 4.0).abs() < 0.1, "{left:?}");
        assert!((left.done - 2.09 / 10.09).abs() < 1e-3, "{left:?}");
    }

    #[test]
    fn an_axis_that_makes_evaluations_dearer_counts() {
        let mut forecast = Forecast::default();
        for rows in [10.0, 10.0, 1000.0, 1000.0] {
            forecast.wait("bfgs", rows);
        }
        for _ in 0..2 {
            forecast.begin(0, 10.0);
            forecast.end(0, 10.0, 0.1);
        }
        let left = forecast.left(&[], 0.2).unwrap();
        assert!((left.seconds - 20.0).abs() < 1e-9 && (left.done - 0.01).abs() < 1e-3, "{left:?}");
    }

    #[test]
    fn a_run_that_is_late_is_expected_to_be_later_still() {
        let mut forecast = Forecast::default();
        (0..4).for_each(|_| forecast.wait("cma_es", 1.0));
        (0..4).for_each(|_| forecast.begin(0, 1.0));
        (0..3).for_each(|_| forecast.end(0, 1.0, 1.0));
        let left = |seconds| forecast.left(&[Underway { kind: 0, weight: 1.0, seconds }], 3.0 + seconds).unwrap();
        assert!((left(0.25).seconds - 0.75).abs() < 1e-9);
        assert!((left(1.0).seconds - 0.25).abs() < 1e-9, "a run that goes on is not nearly done");
        assert!((left(5.0).seconds - 4.0).abs() < 1e-9);
        assert!(left(5.0).done < left(1.0).done, "what was thought to be nearly done was not");
    }

    #[test]
    fn a_kind_without_an_answer_yet_is_judged_by_the_others_and_by_what_runs() {
        let mut forecast = Forecast::default();
        for (name, seconds) in [("bfgs", 2.0), ("lbfgs", 4.0)] {
            assert!(forecast.has_done(name, 1.0));
            forecast.took(name, 1.0, seconds);
        }
        (0..2).for_each(|_| forecast.wait("genetic", 1.0));
        assert_eq!(forecast.counts(), (2, 2));
        forecast.begin(2, 1.0);
        let left = |seconds| forecast.left(&[Underway { kind: 2, weight: 1.0, seconds }], seconds).unwrap().seconds;
        // 3 seconds each; one is at it for one second.
        assert!((left(1.0) - 5.0).abs() < 1e-9);
        // As long again, and then the other one.
        assert!((left(30.0) - 90.0).abs() < 1e-9);
    }
}
