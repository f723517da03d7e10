//! Intervals that fit again, at a run's best point: the profile of the likelihood, and the bootstrap.

use std::sync::atomic::AtomicBool;

use super::bootstrap::Bootstrap;
use super::intervals::{Informer, UNKNOWN_VARIANCE};
use super::profile::{Bound, Profile};
use super::refit::Refit;
use crate::diff::reverse;
use crate::experiment::{Experiment, Resampling};
use crate::ir::Program;
use crate::math::{distribution, elementary, statistics};
use crate::model::{self, Model};
use crate::record::Interval;

/// A refit whose loss is lower than the run's by more than this share did not begin at its minimum.
const LOWER: f64 = 1e-9;

/// Why shares of a whole have no profile, but the first.
const NOT_HELD: &str = "of shares of a whole only the first has a profile; `bootstrap` has an interval for each";

/// The programs that refits run, differentiated once for a model.
#[derive(Clone, Debug)]
pub struct Refitter {
    /// The loss over search coordinates, then its derivatives.
    gradient: Program,
    /// The same with the observations in columns of their own.
    apart: Program,
}

/// The run whose intervals are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fitted<'a> {
    pub experiment: &'a Experiment,
    pub model: &'a Model,
    /// The best point, and its loss.
    pub theta: &'a [f64],
    pub loss: f64,
    /// Keys the random stream of the bootstrap.
    pub identity: &'a str,
    pub cancel: &'a AtomicBool,
}

/// Standard error, ends and note of one parameter.
type Row = (Option<f64>, Option<f64>, Option<f64>, String);

impl Refitter {
    pub fn new(experiment: &Experiment, model: &Model) -> Refitter {
        let gradient = reverse::gradient(&model.search_loss);
        Refitter { gradient, apart: reverse::gradient(&model::apart(experiment, model)) }
    }

    /// Intervals of every scalar that is not fixed by `method`, which is `profile` or `bootstrap`. Parameters are
    /// numbered among all scalars. What is not to be had says why; after `cancel` nothing that is returned counts.
    pub fn intervals(&self, informer: &Informer, method: &str, fitted: Fitted) -> Vec<Interval> {
        let model = fitted.model;
        let rows = self.rows(informer, method, fitted).unwrap_or_else(|note| {
            // Said once for each parameter, as singular matrices are.
            vec![(None, None, None, note); model.unfixed().len()]
        });
        let all = model.complete(fitted.theta);
        let unfixed = model.unfixed().into_iter().map(|(place, _)| place);
        unfixed
            .zip(rows)
            .map(|(parameter, (standard_error, lower, upper, note))| Interval {
                parameter,
                method: method.to_string(),
                level: fitted.experiment.intervals.level,
                estimate: all[parameter],
                standard_error,
                lower,
                upper,
                note,
            })
            .collect()
    }

    fn rows(&self, informer: &Informer, method: &str, fitted: Fitted) -> Result<Vec<Row>, String> {
        let Fitted { experiment, model, theta, loss, identity, cancel } = fitted;
        let level = experiment.intervals.level;
        let refit = Refit::new(model, &self.gradient, &model.rows);
        let start = model.search(theta);
        let Some(minimum) = refit.fit(&start, None, cancel) else {
            return Err("the fit could not be repeated from the estimate".to_string());
        };
        let lower = minimum.1 < loss - LOWER * loss.abs().max(1.0);
        let aside = || format!("around the minimum beside the estimate, with loss {}", minimum.1);
        let degrees = (model.rows.count() * model.outputs.len()) as f64 - model.dimension() as f64;
        if model.likelihood_factor.is_none() && degrees <= 0.0 {
            return Err(UNKNOWN_VARIANCE.to_string());
        }
        if method == "profile" {
            let factor = model.likelihood_factor.unwrap_or(2.0 * minimum.1 / degrees);
            let p = 0.5 + 0.5 * level;
            let quantile = match model.likelihood_factor {
                None => distribution::student_t_quantile(p, degrees),
                Some(_) => statistics::normal_quantile(p),
            };
            let errors = informer.intervals(model, "hessian", level, theta, loss);
            let profile = Profile { model, refit: &refit, minimum: minimum.clone(), factor, quantile, cancel };
            let row = |(place, (_, slope)): (usize, (usize, Vec<(usize, f64)>))| {
                // A share after the first is searched as a part of what is left: holding that part does not hold it.
                let k = match slope[..] {
                    [(k, 1.0)] if !model.coordinates[k].continues => k,
                    _ => return (None, None, None, NOT_HELD.to_string()),
                };
                let mut notes = Vec::new();
                notes.extend(lower.then(aside));
                let ends = profile.ends(k, errors[place].standard_error);
                let mut number = |bound: &Bound, open: f64| match bound {
                    Bound::At(at) => Some(*at),
                    Bound::Open(note) => {
                        notes.push(note.clone());
                        Some(open)
                    }
                    Bound::Unknown(note) => {
                        notes.push(note.clone());
                        None
                    }
                };
                let (low, high) = (number(&ends[0], f64::NEG_INFINITY), number(&ends[1], f64::INFINITY));
                notes.dedup();
                (None, low, high, notes.join("; "))
            };
            return Ok(model.unfixed().into_iter().enumerate().map(row).collect());
        }
        let scale = match model.likelihood_factor {
            None => elementary::sqrt(minimum.1 / degrees),
            Some(_) => 1.0,
        };
        let resampling = experiment.intervals.resampling.unwrap_or(match model.law {
            Some(_) => Resampling::Parametric,
            None => Resampling::Cases,
        });
        let bootstrap = Bootstrap {
            model,
            gradient: &self.apart,
            resampling,
            resamples: experiment.intervals.resamples,
            estimate: (minimum.0.clone(), model.theta(&minimum.0)),
            scale,
            seed: experiment.seed,
            identity,
            cancel,
        };
        let replicates = bootstrap.intervals(level)?;
        let mut notes: Vec<String> = lower.then(aside).into_iter().collect();
        if replicates.lost > 0 {
            notes.push(format!("{} of {} resamples could not be fitted", replicates.lost, bootstrap.resamples));
        }
        let note = notes.join("; ");
        let rows = replicates.intervals.into_iter();
        Ok(rows.map(|(error, low, high)| (Some(error), Some(low), Some(high), note.clone())).collect())
    }
}
