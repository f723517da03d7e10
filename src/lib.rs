//! `sbi-run`: declare a simulator, data and unknown parameters; infer the parameters, and compare the ways to do it.

pub mod catalog;
pub mod cli;
pub mod cluster;
pub mod data;
pub mod diagnostic;
pub mod diff;
pub mod engine;
pub mod execute;
pub mod experiment;
pub mod infer;
pub mod ir;
pub mod journal;
pub mod kind;
pub mod language;
pub mod math;
pub mod model;
pub mod optimize;
pub mod plan;
pub mod record;
pub mod report;
pub mod terminal;
