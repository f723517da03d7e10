//! All tests that see the tool from outside, in one binary.

mod batch;
mod bbob;
mod bounds;
mod commands;
mod derivatives;
mod diagnostics;
mod dirichlet;
mod facts;
mod golden;
mod intervals;
mod kills;
mod lanes;
mod laws;
mod nist;
mod optimizers;
mod pipeline;
mod progress;
mod readme;
mod results;
mod shards;
mod slurm;
mod source;
mod tidy;
mod tool;
mod trace;
