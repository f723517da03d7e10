//! Gathers the tables' rows, so that every stage knows every kind without importing the rooms that make them.

use crate::kind::Catalog;
use crate::{diff, infer, model, optimize};

/// Everything that an experiment may name.
pub const CATALOG: Catalog = Catalog {
    simulators: model::simulator::SIMULATORS,
    priors: model::prior::PRIORS,
    losses: model::loss::LOSSES,
    methods: diff::METHODS,
    optimizers: optimize::table::OPTIMIZERS,
    intervals: infer::intervals::INTERVALS,
    draws: model::synthetic::NOISES,
    quantile: model::prior::quantile,
};
