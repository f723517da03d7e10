//! Intervals by the bootstrap: the fit repeated on data that are drawn anew.
//!
//! `parametric`: each observation is drawn from the loss's law at the estimate (normal noise of variance RSS/(n - p) under
//! least squares). `cases`: rows are drawn with replacement. The standard error is the standard deviation of the
//! replicates, the interval lies between their quantiles (Efron & Tibshirani 1993, An Introduction to the Bootstrap,
//! sections 6.2, 6.5, 9.5 and 13.3: the percentile interval). Resample b of repeat r is the same for every optimizer and
//! method.

use std::sync::atomic::{AtomicBool, Ordering};

use super::refit::Refit;
use crate::engine::{Kernel, Rows, Workspace};
use crate::experiment::Resampling;
use crate::ir::Program;
use crate::math::draw::DRAWS;
use crate::math::elementary;
use crate::math::random::Stream;
use crate::math::statistics::{sorted_quantile, variance};
use crate::model::Model;

/// Fewer replicates than this share of the resamples give no interval.
const ENOUGH: f64 = 0.9;

/// A fit that is to be repeated.
pub struct Bootstrap<'a> {
    pub model: &'a Model,
    /// The loss over search coordinates with its derivatives, its observations in columns of their own behind the data.
    pub gradient: &'a Program,
    pub resampling: Resampling,
    pub resamples: usize,
    /// Search coordinates from which each refit starts, and their θ.
    pub estimate: (Vec<f64>, Vec<f64>),
    /// Of a normal noise whose scale the residuals tell; else 1.
    pub scale: f64,
    pub seed: u64,
    /// Keys the random stream.
    pub identity: &'a str,
    pub cancel: &'a AtomicBool,
}

/// Standard error and ends for each scalar that is not fixed, and how many resamples could not be fitted.
pub struct Replicates {
    pub intervals: Vec<(f64, f64, f64)>,
    pub lost: usize,
}

impl Bootstrap<'_> {
    /// The error says why there is no interval.
    pub fn intervals(&self, level: f64) -> Result<Replicates, String> {
        let observed = self.observations()?;
        let unfixed = self.model.unfixed();
        let mut replicates: Vec<Vec<f64>> = vec![Vec::new(); unfixed.len()];
        for b in 0..self.resamples {
            if self.cancel.load(Ordering::Relaxed) {
                return Err("interrupted".to_string());
            }
            let mut stream = Stream::at(self.seed, self.identity, "bootstrap", b as u64);
            let refit = Refit::new(self.model, self.gradient, &self.resample(&observed, &mut stream));
            if let Some((u, _)) = refit.fit(&self.estimate.0, None, self.cancel) {
                let values = self.model.complete(&self.model.theta(&u));
                for (all, (place, _)) in replicates.iter_mut().zip(&unfixed) {
                    all.push(values[*place]);
                }
            }
        }
        let found = replicates.first().map_or(0, Vec::len);
        if (found as f64) < ENOUGH * self.resamples as f64 || found < 2 {
            return Err(format!("only {found} of {} resamples could be fitted", self.resamples));
        }
        let tail = 0.5 * (1.0 - level);
        let interval = |mut all: Vec<f64>| {
            all.sort_by(f64::total_cmp);
            let end = |p: f64| sorted_quantile(&all, p).unwrap_or(f64::NAN);
            (elementary::sqrt(variance(&all).unwrap_or(f64::NAN)), end(tail), end(1.0 - tail))
        };
        Ok(Replicates { intervals: replicates.into_iter().map(interval).collect(), lost: self.resamples - found })
    }

    /// The arguments of each output's law row by row, or the observations themselves.
    fn observations(&self) -> Result<Vec<Vec<Vec<f64>>>, String> {
        let model = self.model;
        match (self.resampling, &model.law) {
            (Resampling::Cases, _) if model.rows_are_ordered => {
                Err("an output is a vector with an element for each row: cases cannot be drawn one by one".to_string())
            }
            (Resampling::Cases, _) => {
                Ok(model.observed.iter().map(|column| vec![model.table.columns[*column].clone()]).collect())
            }
            (Resampling::Parametric, None) => {
                Err("the loss states no law to draw from: `bootstrap = \"cases\"` draws rows".to_string())
            }
            (Resampling::Parametric, Some(law)) => {
                let columns = Kernel::new(&law.program, &model.rows).rows(&self.estimate.1, &mut Workspace::default());
                Ok(columns.chunks(law.arguments).map(<[Vec<f64>]>::to_vec).collect())
            }
        }
    }

    /// The data of one resample: the table, then the observations of each output.
    fn resample(&self, observed: &[Vec<Vec<f64>>], stream: &mut Stream) -> Rows {
        let (table, count) = (&self.model.table, self.model.rows.count());
        let mut columns: Vec<Vec<f64>>;
        match (self.resampling, &self.model.law) {
            (Resampling::Parametric, Some(law)) => {
                columns = table.columns.clone();
                let draw = DRAWS.iter().find(|draw| draw.name == law.draw).expect("the table has every law");
                for arguments in observed {
                    let one = |row: usize, stream: &mut Stream| {
                        let mut numbers: Vec<f64> = arguments.iter().map(|column| column[row]).collect();
                        if law.draw == "normal" {
                            numbers[1] *= self.scale;
                        }
                        (draw.draw)(stream, &numbers)
                    };
                    columns.push((0..count).map(|row| one(row, stream)).collect());
                }
            }
            _ => {
                let drawn: Vec<usize> = (0..count).map(|_| stream.index(count)).collect();
                let of = |column: &Vec<f64>| drawn.iter().map(|row| column[*row]).collect::<Vec<f64>>();
                columns = table.columns.iter().map(of).collect();
                columns.extend(observed.iter().map(|arguments| of(&arguments[0])));
            }
        }
        Rows::new(&columns, count)
    }
}
