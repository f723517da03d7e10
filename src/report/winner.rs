//! Which optimizer and method reaches the target with the least work, and how sure that is.
//!
//! Compared are expected runtimes in work (`runtime`): evaluations of the loss, with gradients at what they really cost.
//! How sure the order is follows from resampling the repeats (Efron 1979): a repeat begins every optimizer alike, so that
//! a repeat is drawn for all rows at once. The probability of a row is the share of the resamplings in which it is the
//! best; the random numbers are those of a stream of their own, and so always the same.

use super::compared::Row;
use crate::math::random::Stream;

/// Resamplings, and how many numbers they may look at before there are fewer of them.
const RESAMPLINGS: usize = 1000;
const LOOKS: usize = 20_000_000;

/// A row is called the winner from this probability on.
const CLEAR: f64 = 0.95;

/// The best row of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Winner {
    /// Position among the rows of the variant.
    pub row: usize,
    /// Its expected work to the target.
    pub work: f64,
    /// The second best, and how many times as much it needs.
    pub next: Option<(usize, f64)>,
    /// How probable it is that it is the best; None where there are no two repeats.
    pub probability: Option<f64>,
    /// How many rows were compared, and how many repeats and resamplings say so.
    pub compared: usize,
    pub repeats: usize,
    pub resamplings: usize,
}

impl Winner {
    pub fn is_clear(&self) -> bool {
        self.probability.is_some_and(|probability| probability >= CLEAR)
    }
}

/// What each repeat of a row spent, and whether it reached the target; None of a repeat that is not finished.
#[derive(Clone, Debug, Default)]
pub struct Costs(Vec<Option<(f64, bool)>>);

impl Costs {
    pub fn push(&mut self, repeat: usize, work: f64, reached: bool) {
        self.0.resize(self.0.len().max(repeat + 1), None);
        self.0[repeat] = Some((work, reached));
    }
}

/// Writes the probability of each row of a variant, and gives the winner; None where no row reached the target. `costs`
/// are those of the rows.
pub fn decide(rows: &mut [Row], costs: &[Costs]) -> Option<Winner> {
    let here: Vec<usize> = (0..rows.len()).filter(|i| !rows[*i].members.is_empty()).collect();
    let costs: Vec<&Costs> = here.iter().map(|i| &costs[*i]).collect();
    let repeats = costs.iter().map(|costs| costs.0.len()).max()?;
    let whole: Vec<usize> = (0..repeats).collect();
    let expected: Vec<f64> = costs.iter().map(|costs| expected(costs, &whole)).collect();
    let mut order: Vec<usize> = (0..here.len()).collect();
    order.sort_by(|a, b| expected[*a].total_cmp(&expected[*b]).then(a.cmp(b)));
    let best = *order.first().filter(|best| expected[**best].is_finite())?;
    let next = order.get(1).map(|next| (here[*next], expected[*next] / expected[best]));
    let mut resamplings = 0;
    if repeats > 1 && here.len() > 1 {
        resamplings = (LOOKS / (repeats * here.len())).clamp(100, RESAMPLINGS);
        let mut wins = vec![0.0; here.len()];
        let mut stream = Stream::new(0, "winner", "resampling");
        for _ in 0..resamplings {
            let drawn: Vec<usize> = (0..repeats).map(|_| stream.index(repeats)).collect();
            let works: Vec<f64> = costs.iter().map(|costs| self::expected(costs, &drawn)).collect();
            let least = works.iter().copied().fold(f64::INFINITY, f64::min);
            // Where no row reached the target, none is the best.
            let tied: Vec<usize> = (0..works.len()).filter(|i| works[*i] == least && least.is_finite()).collect();
            tied.iter().for_each(|i| wins[*i] += 1.0 / tied.len() as f64);
        }
        for (i, wins) in here.iter().zip(&wins) {
            rows[*i].best_probability = Some(wins / resamplings as f64);
        }
    }
    let probability = rows[here[best]].best_probability;
    let (row, work, compared) = (here[best], expected[best], here.len());
    Some(Winner { row, work, next, probability, compared, repeats, resamplings })
}

/// The expected work over the repeats drawn.
fn expected(costs: &Costs, drawn: &[usize]) -> f64 {
    let (mut total, mut reached) = (0.0, 0);
    for (work, there) in drawn.iter().filter_map(|repeat| *costs.0.get(*repeat)?) {
        total += work;
        reached += usize::from(there);
    }
    if reached == 0 { f64::INFINITY } else { total / f64::from(reached as u32) }
}
