//! CMA-ES: a normal distribution over the box that learns the shape of the loss, with restarts (IPOP, BIPOP).
//!
//! The search lives in the unit box. A sample outside is folded back in, as in a mirror, before it is evaluated; the
//! distribution itself learns from the unfolded sample, and its mean is folded when it leaves.

use argmin::core::Error;

use super::cma_distribution::{Distribution, Ending};
use super::guard::Guard;
use super::population::{Bounds, Member, best, first_generation, members};
use super::watch::{Walk, walk};
use super::{Plan, Reason};
use crate::kind::{Accepts, Default, Kind, Optimizer, Range, Setting, independent};
use crate::math::elementary::{exp, log};
use crate::math::random::Stream;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "cma_es",
        summary: "a normal distribution that adapts its mean, step and covariance to the loss, with restarts",
        reference: "Hansen 2016, The CMA evolution strategy: a tutorial, arXiv:1604.00772, figure 6 and table 1; IPOP: \
                    Auger & Hansen 2005; BIPOP: Hansen 2009, GECCO workshop on BBOB",
        settings: &[
            Setting {
                name: "population",
                summary: "samples of a generation of the first run",
                accepts: Accepts::Integer { low: 4, high: 1_000_000 },
                default: Default::Derived("4 + floor(3 log n)"),
            },
            Setting {
                name: "initial_step",
                summary: "first standard deviation, as a share of the box",
                accepts: Accepts::Number(Range::Open(0.0, 10.0)),
                default: Default::Number(0.3),
            },
            Setting {
                name: "restarts",
                summary: "larger populations (ipop), larger and small ones in turn (bipop), or none",
                accepts: Accepts::Choice(&["bipop", "ipop", "none"]),
                default: Default::Choice("bipop"),
            },
            Setting {
                name: "most_restarts",
                summary: "how often the population may double",
                accepts: Accepts::Integer { low: 0, high: 30 },
                default: Default::Integer(9),
            },
            Setting {
                name: "loss_tolerance",
                summary: "a run ends when the losses of its last generations lie within this",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(1e-12),
            },
            Setting {
                name: "step_tolerance",
                summary: "a run ends when every standard deviation is below this share of the first",
                accepts: Accepts::Number(Range::NonNegative),
                default: Default::Number(1e-11),
            },
        ],
        check: independent,
    },
    gradient: false,
    population: true,
};

/// Runs that end at the lowest loss before no further restart is worth its cost.
const AGREEMENT: u32 = 3;
/// Relative difference of losses that counts as the same minimum.
const SAME: f64 = 1e-10;

#[derive(Clone, Copy, PartialEq)]
enum Restarts {
    None,
    Ipop,
    Bipop,
}

struct Strategy<'g, 'a> {
    guard: &'g Guard<'a>,
    draw: &'g (dyn Fn(u64) -> Vec<f64> + Sync),
    bounds: Bounds,
    key: Stream,
    now: Distribution,
    /// The last generation; the start alone at first.
    members: Vec<Member>,
    restarts: Restarts,
    /// Doublings left.
    left: i64,
    doubled: u32,
    /// λ and σ of the first run.
    size: usize,
    step: f64,
    tolerances: (f64, f64),
    runs: u64,
    /// Evaluations of the runs with large and with small populations, and when the present run began.
    spent: (u64, u64),
    began: u64,
    small: bool,
    /// The lowest loss of the runs that ended, and how many ended there.
    lowest: f64,
    agreed: u32,
    /// Lowest loss of the present run.
    best: f64,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let settings = plan.settings;
    let bounds = plan.bounds.clone().unwrap_or_default();
    let n = bounds.len();
    let size = settings.integer("population").and_then(|n| usize::try_from(n).ok());
    let size = size.unwrap_or(4 + (3.0 * log(n as f64)) as usize);
    let number = |name| settings.number(name).unwrap_or(0.0);
    let step = number("initial_step");
    let mean = first_generation(plan, &bounds, 1).remove(0);
    let tolerances = (number("loss_tolerance"), number("step_tolerance"));
    let mean = mean.iter().zip(&bounds).map(|(x, (low, high))| (x - low) / (high - low)).collect();
    let mut method = Strategy {
        guard,
        draw: plan.draw,
        key: plan.stream.split(0),
        now: Distribution::new(mean, step, size, tolerances),
        members: Vec::new(),
        restarts: match settings.choice("restarts") {
            Some("none") => Restarts::None,
            Some("ipop") => Restarts::Ipop,
            _ => Restarts::Bipop,
        },
        left: settings.integer("most_restarts").unwrap_or(0),
        doubled: 0,
        size,
        step,
        tolerances,
        runs: 0,
        spent: (0, 0),
        began: 0,
        small: false,
        lowest: f64::INFINITY,
        agreed: 0,
        best: f64::INFINITY,
        bounds,
    };
    // The start itself is a point too.
    let point = method.place(&method.now.mean);
    method.best = guard.value(&point)?;
    method.members.push(Member { point, loss: method.best });
    walk(guard, method, None)
}

/// Into the unit interval, as between two mirrors.
fn fold(x: f64) -> f64 {
    let turn = x.abs() % 2.0;
    if turn > 1.0 { 2.0 - turn } else { turn }
}

impl Walk for Strategy<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        best(&self.members)
    }

    fn advance(&mut self, iteration: u64) -> Result<(), Error> {
        let mut stream = self.key.split(iteration);
        let samples = self.now.sample(&mut stream);
        let points: Vec<Vec<f64>> = samples.iter().map(|sample| self.place(sample)).collect();
        let losses = self.guard.values(&points)?;
        self.best = losses.iter().copied().fold(self.best, f64::min);
        let ending = self.now.learn(&samples, &losses);
        for x in &mut self.now.mean {
            *x = fold(*x);
        }
        self.members = members(&points, losses);
        if let Some(ending) = ending {
            self.restart(&ending);
        }
        Ok(())
    }
}

impl Strategy<'_, '_> {
    /// Box coordinates of a point of the unit box, or outside it.
    fn place(&self, sample: &[f64]) -> Vec<f64> {
        let into = |(x, (low, high)): (&f64, &(f64, f64))| (low + (high - low) * fold(*x)).clamp(*low, *high);
        sample.iter().zip(&self.bounds).map(into).collect()
    }

    /// A run has ended: the next one, or the end of all.
    fn restart(&mut self, ending: &Ending) {
        let used = self.guard.evaluations() - self.began;
        *(if self.small { &mut self.spent.1 } else { &mut self.spent.0 }) += used;
        let close = (self.best - self.lowest).abs() <= SAME * self.lowest.abs() + self.tolerances.0;
        if close && self.best.is_finite() {
            self.agreed += 1;
        } else if self.best < self.lowest {
            self.agreed = 1;
        }
        self.lowest = self.lowest.min(self.best);
        // With a loss to reach, that runs agree is no reason to end above it.
        let aims = self.guard.budget().target.is_some();
        let settled = (self.agreed >= AGREEMENT && !aims) || *ending == Ending::Flat;
        if self.restarts == Restarts::None || self.left <= 0 || settled {
            self.guard.stop(if *ending == Ending::Step { Reason::StepTolerance } else { Reason::LossTolerance });
            return;
        }
        self.runs += 1;
        let mut stream = self.key.split(u64::MAX - 1 - self.runs);
        // BIPOP: whichever regime has used fewer evaluations (Hansen 2009, section 2).
        self.small = self.restarts == Restarts::Bipop && self.doubled > 0 && self.spent.1 < self.spent.0;
        let largest = self.size << self.doubled.min(30);
        let (size, step) = if self.small {
            let u = stream.uniform();
            let ratio = 0.5 * largest as f64 / self.size as f64;
            let size = self.size as f64 * exp(log(ratio.max(1.0)) * u * u);
            let step = self.step * exp(-2.0 * stream.uniform() * std::f64::consts::LN_10);
            ((size as usize).max(self.size), step)
        } else {
            self.left -= 1;
            self.doubled += 1;
            (self.size << self.doubled.min(30), self.step)
        };
        let start = (self.draw)(self.runs);
        let unit = |(x, (low, high)): (f64, &(f64, f64))| {
            if x.is_nan() { stream.uniform() } else { ((x - low) / (high - low)).clamp(0.0, 1.0) }
        };
        let mean = start.into_iter().zip(&self.bounds).map(unit).collect();
        self.now = Distribution::new(mean, step, size, self.tolerances);
        self.best = f64::INFINITY;
        self.began = self.guard.evaluations();
    }
}
