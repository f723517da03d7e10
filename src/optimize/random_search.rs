//! Random search: the start, then a scrambled Sobol sequence over the priors, until the budget is used.

use argmin::core::{Error, Executor, KV, Problem, Solver};

use super::Plan;
use super::guard::{Guard, Watched};
use super::population::{Generation, Member};
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

struct Sampling {
    sobol: Sobol,
    batch: usize,
    start: Option<Vec<f64>>,
}

pub(super) fn run(guard: &Guard<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let batch = plan.settings.integer("batch").and_then(|n| usize::try_from(n).ok()).unwrap_or(64);
    let sobol = Sobol::new(plan.start.len(), &plan.stream);
    let sampling = Drawing { place: plan.place, bounds: plan.bounds.as_deref().unwrap_or_default(), guard };
    let solver = (sampling, Sampling { sobol, batch, start: Some(plan.start.clone()) });
    Executor::new(guard, Watched { solver, guard, convergence: None }).ctrlc(false).timer(false).run()?;
    Ok(())
}

/// From the unit cube to search coordinates.
struct Drawing<'p, 'g, 'a> {
    place: &'p (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    bounds: &'p [(f64, f64)],
    guard: &'g Guard<'a>,
}

impl<'g, 'a> Solver<&'g Guard<'a>, Generation> for (Drawing<'_, '_, '_>, Sampling) {
    fn name(&self) -> &str {
        "random search"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<&'g Guard<'a>>,
        state: Generation,
    ) -> Result<(Generation, Option<KV>), Error> {
        let (drawing, sampling) = self;
        let into = |(x, (low, high)): (f64, &(f64, f64))| {
            if x.is_nan() { 0.5 * low + 0.5 * high } else { x.max(*low).min(*high) }
        };
        let mut points: Vec<Vec<f64>> = sampling.start.take().into_iter().collect();
        while points.len() < sampling.batch {
            points.push((drawing.place)(&sampling.sobol.next()));
        }
        let points: Vec<Vec<f64>> =
            points.into_iter().map(|point| point.into_iter().zip(drawing.bounds).map(into).collect()).collect();
        problem.bulk_problem("cost_count", points.len(), |guard| guard.values(&points))?;
        let best = drawing.guard.best().map(|(point, loss)| Member { point, loss });
        let state = match best {
            Some(best) => state.cost(best.loss).individual(best),
            None => state,
        };
        Ok((state, None))
    }
}
