//! The comparison of optimizers and differentiation methods over all combinations of the axes, as far as it is held.
//!
//! Rows of a variant (`compared`) follow from its records alone. What is held of a million variants: the first ones, for
//! those who read a page; the one that pictures show; and how often each row won. The others are compared anew when their
//! turn comes.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::AT_ONCE;
use super::combinations::{self, Stretch, stretches};
use super::compared::{Compared, Row};
use crate::execute::in_order;
use crate::plan::Plan;
use crate::record::{Held, Records};

/// Rows of the first variants that are held: as many as the page shows.
pub(super) const ROWS: usize = 200;

/// The first variants that are held, however many rows they have: their winners are told one by one.
pub(super) const TOLD: usize = 3;

/// Of rows with so many runs each, what was compared takes little room beside what is held of the runs, and to read them
/// again would take long.
const MANY: usize = 64;

#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The run to show.
    pub best: Option<usize>,
    /// Rows of all variants.
    pub rows: usize,
    /// There is a finished run.
    pub any: bool,
    /// How many variants each optimizer with its method won, and how many of them clearly, in the order of the plan.
    pub(super) won: Vec<(String, usize, usize)>,
    /// Somewhere several rows were compared.
    pub(super) contested: bool,
    /// In the order of the plan; the first ones without a gap.
    held: Vec<Arc<Compared>>,
    /// The variant of the pictures: the best run's.
    shown: Option<Arc<Compared>>,
}

/// Compares the finished runs, and fetches each record once, variant by variant.
pub fn compare(plan: &Plan, records: &dyn Records) -> io::Result<Comparison> {
    let mut comparison = Comparison { best: best_run(plan, records), ..Comparison::default() };
    let shown = comparison.best.map_or(0, |best| plan.run(best).variant);
    for stretch in stretches(plan) {
        match stretch {
            Stretch::Together(batches) => {
                let compared = |variants: &Range<usize>| -> io::Result<Vec<Compared>> {
                    let held = Held::read(records, combinations::runs(plan, variants))?;
                    variants.clone().map(|variant| Compared::of(plan, &held, variant)).collect()
                };
                in_order(batches, AT_ONCE, compared, |compared| {
                    compared?.into_iter().for_each(|compared| comparison.add(compared, shown, false));
                    Ok::<_, io::Error>(())
                })?;
            }
            Stretch::Alone(variant) => comparison.add(Compared::of(plan, records, variant)?, shown, true),
        }
    }
    Ok(comparison)
}

impl Comparison {
    /// `alone`: it was not compared together with others, from records in memory.
    fn add(&mut self, compared: Compared, shown: usize, alone: bool) {
        let leading = compared.variant < TOLD || self.rows < ROWS;
        self.rows += compared.rows.len();
        self.any |= compared.rows.iter().any(|row| !row.members.is_empty());
        if let Some(winner) = &compared.winner {
            self.contested |= winner.compared > 1;
            let name = named(&compared.rows[winner.row]);
            let place = self.won.iter().position(|(known, ..)| *known == name).unwrap_or_else(|| {
                self.won.push((name, 0, 0));
                self.won.len() - 1
            });
            self.won[place].1 += 1;
            self.won[place].2 += usize::from(winner.is_clear());
        }
        let runs: usize = compared.rows.iter().map(|row| row.members.len()).sum();
        let dear = alone && runs >= MANY * compared.rows.len();
        if leading || dear || compared.variant == shown {
            let compared = Arc::new(compared);
            if compared.variant == shown {
                self.shown = Some(Arc::clone(&compared));
            }
            self.held.push(compared);
        }
    }

    /// The first variants.
    pub(super) fn first(&self) -> impl Iterator<Item = &Compared> {
        self.held.iter().enumerate().take_while(|(place, compared)| compared.variant == *place).map(|(_, one)| &**one)
    }

    /// The variant of the pictures; None of an empty plan.
    pub(super) fn shown(&self) -> Option<&Compared> {
        self.shown.as_deref()
    }

    /// A variant; compared anew where it is not held.
    pub(super) fn of(&self, plan: &Plan, records: &dyn Records, variant: usize) -> io::Result<Cow<'_, Compared>> {
        Ok(match self.held.binary_search_by_key(&variant, |compared| compared.variant) {
            Ok(place) => Cow::Borrowed(&*self.held[place]),
            Err(_) => Cow::Owned(Compared::of(plan, records, variant)?),
        })
    }
}

/// The optimizer of a row, and its method.
pub(super) fn named(row: &Row) -> String {
    row.method.as_ref().map_or_else(|| row.optimizer.to_string(), |method| format!("{} by {method}", row.optimizer))
}

/// The run to show: the lowest loss over the variants that pose the same problem as the first one; the first in the
/// plan where several have it.
///
/// Axes of `differentiation`, `optimizer`, `budget` and `intervals` leave the problem as it is; any other axis poses
/// another problem, whose losses cannot be compared with the first one's.
fn best_run(plan: &Plan, records: &dyn Records) -> Option<usize> {
    let poses = |path: &String| {
        !["differentiation", "optimizer", "budget", "intervals"]
            .iter()
            .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
    };
    let posing: Vec<usize> = (0..plan.axes.len()).filter(|axis| poses(&plan.axes[*axis])).collect();
    let first = if plan.variants() > 0 { plan.values(0) } else { Vec::new() };
    let same = |variant: &usize| {
        posing.is_empty() || {
            let values = plan.values(*variant);
            posing.iter().all(|axis| values[*axis] == first[*axis])
        }
    };
    let variants = (0..plan.variants()).filter(same);
    let candidates = variants.flat_map(|variant| plan.groups_of(variant)).flat_map(|group| group.runs);
    candidates
        .filter_map(|run| Some((run, records.loss(run)?)))
        .min_by(|(i, a), (j, b)| a.total_cmp(b).then(i.cmp(j)))
        .map(|(index, _)| index)
}
