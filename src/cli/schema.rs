//! `sbi-run schema`: the JSON Schema of experiment files on standard output.

use super::{Exit, output};
use crate::catalog::CATALOG;
use crate::experiment::schema;

pub fn main() -> Exit {
    output(&format!("{:#}\n", schema::json(&CATALOG)))
}
