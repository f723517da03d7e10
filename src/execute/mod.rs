//! Carries out a plan: the queue of runs, the threads, the way to stop.
//!
//! The only room that makes threads. Runs are independent and each is a function of its plan row, so that neither
//! their order nor the number of threads reaches a number.

pub mod accuracy;
mod derivation;
pub mod estimate;
mod objective;
mod run;
mod squares;
mod timing;
mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub use objective::Threads;
use rayon::prelude::*;
pub use rayon::scope;

use crate::diff::{Hessian, Method, Objective, Options};
use crate::experiment::Experiment;
use crate::infer::intervals::Informer;
use crate::infer::refits::Refitter;
use crate::model::Model;
use crate::plan::{Plan, Run};
use squares::LeastSquares;

use crate::record::{Derivatives, Record};

/// What happens while a plan is carried out.
pub enum Event<'a> {
    Started(&'a Run),
    Finished(&'a Run, &'a Record),
    /// A tenth of a second has passed, whatever happened in it.
    Tick,
}

/// A variant of the plan, ready to run: its model and what was compiled for it so far.
pub struct Prepared {
    pub model: Arc<Model>,
    /// The loss over search coordinates, by position in `differentiation.methods`; then one for
    /// optimizers without gradients, and one for what polishes their answers.
    search: Vec<OnceLock<Result<Objective, String>>>,
    /// The residuals over search coordinates, by the same positions; None for a loss that is not made of squares, or
    /// whose squares the method cannot differentiate.
    squares: Vec<OnceLock<Option<LeastSquares>>>,
    /// The Hessian over search coordinates, by the same positions; None where the method has none.
    hessians: Vec<OnceLock<Option<Hessian>>>,
    /// The loss over θ.
    loss: OnceLock<Objective>,
    informer: Informer,
    refitter: OnceLock<Refitter>,
}

impl Prepared {
    pub fn new(model: Arc<Model>, methods: usize) -> Prepared {
        let search = (0..methods + 2).map(|_| OnceLock::new()).collect();
        let squares = (0..methods + 2).map(|_| OnceLock::new()).collect();
        let hessians = (0..methods + 2).map(|_| OnceLock::new()).collect();
        let (loss, informer, refitter) = (OnceLock::new(), Informer::default(), OnceLock::new());
        Prepared { model, search, squares, hessians, loss, informer, refitter }
    }

    /// The error says why the method cannot differentiate this model.
    fn search(&self, position: usize, method: Method, options: &Options) -> Result<&Objective, String> {
        self.search[position]
            .get_or_init(|| Objective::new(&self.model.search_loss, &self.model.rows, method, options))
            .as_ref()
            .map_err(String::clone)
    }

    fn squares(&self, position: usize, method: Method, options: &Options) -> Option<&LeastSquares> {
        let make = || {
            let residuals = self.model.search_residuals.as_ref()?;
            LeastSquares::new(residuals, &self.model.rows, method, options).ok()
        };
        self.squares[position].get_or_init(make).as_ref()
    }

    fn hessian(&self, position: usize, method: Method, options: &Options) -> Option<&Hessian> {
        let make = || Hessian::new(&self.model.search_loss, &self.model.rows, method, options).ok();
        self.hessians[position].get_or_init(make).as_ref()
    }

    fn loss(&self, experiment: &Experiment) -> &Objective {
        self.loss.get_or_init(|| {
            let options = Options { lanes: experiment.lanes, ..Options::default() };
            Objective::new(&self.model.loss, &self.model.rows, Method::ForwardDifference, &options)
                .expect("differences can be taken of every program")
        })
    }

    fn refitter(&self, experiment: &Experiment) -> &Refitter {
        self.refitter.get_or_init(|| Refitter::new(experiment, &self.model))
    }
}

/// When a process must come to an end before its work does.
#[derive(Debug, Default)]
pub struct Limits {
    /// Once set, no run is begun; those that go on have `GRACE` to end.
    pub drain: Arc<AtomicBool>,
    /// Seconds from now after which the process is ended by force.
    pub seconds: Option<f64>,
    /// The longest that such a run took so far, in seconds.
    pub longest: f64,
}

/// What running runs may take after `drain` was set, before they are cut short.
const GRACE: Duration = Duration::from_secs(60);

/// Between two looks at the clock.
const LOOK: Duration = Duration::from_millis(20);

/// Between two ticks.
const TICK: Duration = Duration::from_millis(100);

/// Seconds before the end by force at which everything must be written.
const MARGIN: f64 = 20.0;

/// Runs `wanted` (positions in the plan) on the current thread pool. `prepare` makes a variant of the plan ready; `observe` hears of every start and end, from
/// any thread; a run that `cancel` cut short is not reported as finished: it is for another day.
///
/// Runs are shared among the threads. Once all have begun, the runs that still go on share out their populations, and
/// the rows of large evaluations. Where
/// the end is known, no run begins that would not end before it, should it take as long as the longest so far.
pub fn execute(
    plan: &Plan,
    prepare: &(dyn Fn(usize) -> Arc<Prepared> + Sync),
    wanted: &[usize],
    limits: &Limits,
    cancel: &AtomicBool,
    observe: &(dyn Fn(Event) + Sync),
) {
    let waiting = AtomicUsize::new(wanted.len());
    let ended = AtomicBool::new(false);
    let end = limits.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64((seconds - MARGIN).max(0.0)));
    let longest = AtomicU64::new(limits.longest.to_bits());
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(limits, end, cancel, &ended, observe));
        wanted.par_iter().with_max_len(1).for_each(|index| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            let left = end.map(|end| end.saturating_duration_since(Instant::now()).as_secs_f64());
            let too_late = left.is_some_and(|left| left <= f64::from_bits(longest.load(Ordering::Relaxed)));
            if too_late || cancel.load(Ordering::Relaxed) || limits.drain.load(Ordering::Relaxed) {
                return;
            }
            let planned = &plan.run(*index);
            observe(Event::Started(planned));
            let begun = Instant::now();
            let begin = || run::run(plan, planned, &prepare(planned.variant), &waiting, cancel);
            let done = catch_unwind(AssertUnwindSafe(begin));
            let record = match done {
                Ok(Some(record)) => record,
                Ok(None) => return,
                Err(panic) => Record::failed(plan.identity(planned.index), format!("panic: {}", panic_text(&*panic))),
            };
            // Positive doubles are ordered as their bits are.
            longest.fetch_max(begun.elapsed().as_secs_f64().to_bits(), Ordering::Relaxed);
            observe(Event::Finished(planned, &record));
        });
        ended.store(true, Ordering::Relaxed);
        watch.thread().unpark();
    });
}

/// Cuts the running runs short where their time is over, and tells that time passes.
fn watch(
    limits: &Limits,
    end: Option<Instant>,
    cancel: &AtomicBool,
    ended: &AtomicBool,
    observe: &(dyn Fn(Event) + Sync),
) {
    let mut drained: Option<Instant> = None;
    let mut told = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        if drained.is_none() && limits.drain.load(Ordering::Relaxed) {
            drained = Some(now);
        }
        if end.is_some_and(|end| now >= end) || drained.is_some_and(|since| now >= since + GRACE) {
            cancel.store(true, Ordering::Relaxed);
        }
        if now >= told + TICK {
            told = now;
            observe(Event::Tick);
        }
        std::thread::park_timeout(LOOK);
    }
}

/// Works out a value for each item on all threads, and takes them in their order. So many items for each thread are in hand
/// at once, twice: while some are taken, the next are worked out.
pub fn in_order<I: Send + Sync, T: Send, E: Send>(
    mut items: impl Iterator<Item = I> + Send,
    at_once: usize,
    map: impl Fn(&I) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let at_once = at_once * rayon::current_num_threads();
    let mut ready: Vec<T> = Vec::new();
    loop {
        let next: Vec<I> = items.by_ref().take(at_once).collect();
        if next.is_empty() && ready.is_empty() {
            return Ok(());
        }
        let before = std::mem::take(&mut ready);
        let work = || next.par_iter().with_max_len(1).map(&map).collect();
        let (made, taken) = rayon::join(work, || before.into_iter().try_for_each(&mut take));
        taken?;
        ready = made;
    }
}

/// Does two things, on two threads where there are.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(a, b)
}

/// Does two things at once, the first of which waits for the disk rather than computes.
pub fn beside<A: Send, B>(waits: impl FnOnce() -> A + Send, computes: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(waits);
        let computed = computes();
        (waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), computed)
    })
}

/// The accuracy and cost of every differentiation method of every variant, at each point; nothing if it was cancelled.
pub fn compare(plan: &Plan, prepare: &dyn Fn(usize) -> Arc<Prepared>, cancel: &AtomicBool) -> Derivatives {
    accuracy::compare(plan, prepare, cancel)
}

/// A pool of `threads` threads; every parallel loop inside `f` uses it.
pub fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> Result<T, rayon::ThreadPoolBuildError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(f))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}
