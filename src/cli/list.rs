//! `sbi-run list`: every kind that an experiment may name, with its settings, defaults and source.

use clap::Args;

use super::{Exit, output, print};
use crate::catalog::CATALOG;
use crate::experiment::list;

#[derive(Args, Debug)]
pub struct Arguments {
    /// simulators, priors, losses, methods, optimizers, intervals, noises, functions, or the name of one kind
    kind: Option<String>,
}

pub fn main(arguments: &Arguments) -> Exit {
    match list::list(&CATALOG, arguments.kind.as_deref()) {
        Ok(text) => output(&text),
        Err(fault) => {
            print(&[fault]);
            Exit::Invalid
        }
    }
}
