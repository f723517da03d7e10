//! Random search: the start, then a scrambled Sobol sequence over the priors, until the budget is used.

use argmin::core::Error;

use super::Plan;
use super::guard::Guard;
use super::population::Member;
use super::watch::{Walk, walk};
use crate::kind::{Accepts, Default, Kind, Optimizer, Setting, independent};
use crate::math::sobol::Sobol;

pub(super) const ROW: Optimizer = Optimizer {
    kind: Kind {
        name: "random_search",
        summary: "points spread evenly over the priors; the baseline that every search must beat",
        reference: "Bergstra & Bengio 2012, JMLR 13, 281; points of Joe & Kuo 2008 with the scrambling of Owen 1995",
        settings: &[Setting {
            name: "batch",
            summary: "points evaluated together",
            accepts: Accepts::Integer { low: 1, high: 1_000_000 },
            default: Default::Integer(64),
        }],
        check: independent,
    },
    gradient: false,
    population: true,
};

struct Sampling<'g, 'a> {
    guard: &'g Guard<'a>,
    /// From the unit cube to search coordinates.
    place: &'g (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    bounds: &'g [(f64, f64)],
    sobol: Sobol,
    batch: usize,
    start: Option<Vec<f64>>,
    best: Member,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let batch = plan.settings.integer("batch").and_then(|n| usize::try_from(n).ok()).unwrap_or(64);
    let method = Sampling {
        guard,
        place: plan.place,
        bounds: plan.bounds.as_deref().unwrap_or_default(),
        sobol: Sobol::new(plan.start.len(), &plan.stream),
        batch,
        start: Some(plan.start.clone()),
        best: Member { point: plan.start.clone(), loss: f64::INFINITY },
    };
    walk(guard, method, None)
}

impl Walk for Sampling<'_, '_> {
    fn here(&self) -> (&[f64], f64) {
        (&self.best.point, self.best.loss)
    }

    fn advance(&mut self, _iteration: u64) -> Result<(), Error> {
        let into = |(x, (low, high)): (f64, &(f64, f64))| {
            if x.is_nan() { 0.5 * low + 0.5 * high } else { x.max(*low).min(*high) }
        };
        let mut points: Vec<Vec<f64>> = self.start.take().into_iter().collect();
        while points.len() < self.batch {
            points.push((self.place)(&self.sobol.next()));
        }
        let points: Vec<Vec<f64>> =
            points.into_iter().map(|point| point.into_iter().zip(self.bounds).map(into).collect()).collect();
        self.guard.values(&points)?;
        if let Some((point, loss)) = self.guard.best() {
            self.best = Member { point, loss };
        }
        Ok(())
    }
}
