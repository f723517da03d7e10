//! Points of a model: from search coordinates to θ, from θ to every scalar, and where searches begin.

use super::Model;
use super::box_and_start::{at_start, quantile_inside, walk};
use super::transform::{Coordinate, gather, spread};
use crate::experiment::{Experiment, Role};
use crate::math::random::Stream;

impl Model {
    /// Number of free scalars.
    pub fn dimension(&self) -> usize {
        self.coordinates.len()
    }

    /// Names of the free scalars.
    pub fn free_names(&self) -> Vec<&str> {
        let free = self.names.iter().zip(&self.roles).filter(|(_, role)| **role == Role::Free);
        free.map(|(name, _)| name.as_str()).collect()
    }

    /// Every scalar: the fixed ones put in their places among the free, and what shares of a whole leave of it.
    pub fn complete(&self, theta: &[f64]) -> Vec<f64> {
        let mut free = theta.iter();
        let mut all: Vec<f64> = Vec::with_capacity(self.roles.len());
        for role in &self.roles {
            all.push(match role {
                Role::Free => *free.next().expect("one number a free scalar"),
                Role::Fixed(number) => *number,
                Role::Rest(count) => rest(&all[all.len() - count..]),
            });
        }
        all
    }

    /// Every scalar that is not fixed: its place among all, and its derivatives by θ that are not 0.
    pub fn unfixed(&self) -> Vec<(usize, Vec<(usize, f64)>)> {
        let mut free = 0;
        let mut all = Vec::new();
        for (place, role) in self.roles.iter().enumerate() {
            match role {
                Role::Fixed(_) => {}
                Role::Free => {
                    all.push((place, vec![(free, 1.0)]));
                    free += 1;
                }
                Role::Rest(count) => all.push((place, (free - count..free).map(|k| (k, -1.0)).collect())),
            }
        }
        all
    }

    /// θ of search coordinates.
    pub fn theta(&self, u: &[f64]) -> Vec<f64> {
        gather(&self.coordinates, u, Coordinate::to_parameter)
    }

    /// Search coordinates of θ.
    pub fn search(&self, theta: &[f64]) -> Vec<f64> {
        spread(&self.coordinates, theta, Coordinate::to_search)
    }

    /// θ of the box coordinates of populations.
    pub fn from_box(&self, point: &[f64]) -> Vec<f64> {
        gather(&self.coordinates, point, Coordinate::from_box)
    }

    /// The box coordinates of θ.
    pub fn to_box(&self, theta: &[f64]) -> Vec<f64> {
        spread(&self.coordinates, theta, Coordinate::to_box)
    }

    /// The start of the first repeat: `start`, else the prior's median where the parameters before are at theirs, inside
    /// the box.
    pub fn start(&self, experiment: &Experiment) -> Vec<f64> {
        self.free(&walk(experiment, at_start))
    }

    /// A draw from the priors, inside the box: the start of a later repeat, or a member of a population.
    pub fn draw(&self, experiment: &Experiment, stream: &mut Stream) -> Vec<f64> {
        self.free(&walk(experiment, |scalar, prior| quantile_inside(scalar, prior, stream.open())))
    }

    /// The point at these quantiles of the priors, one for each free scalar, inside the box.
    pub fn at_quantiles(&self, experiment: &Experiment, p: &[f64]) -> Vec<f64> {
        let mut p = p.iter();
        self.free(&walk(experiment, |scalar, prior| quantile_inside(scalar, prior, *p.next().unwrap_or(&0.5))))
    }

    /// The free ones of all scalars.
    pub fn free(&self, all: &[f64]) -> Vec<f64> {
        all.iter().zip(&self.roles).filter(|(_, role)| **role == Role::Free).map(|(value, _)| *value).collect()
    }
}

/// What shares leave of 1, taken off in their order: as coordinates break them off, so that rounding cannot make it less
/// than 0.
pub(super) fn rest(shares: &[f64]) -> f64 {
    shares.iter().fold(1.0, |left, share| left - share)
}
