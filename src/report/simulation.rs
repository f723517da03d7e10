//! What `sbi-run simulate` prints: one row per draw and row of the data.

use std::io::{self, Write};

use super::numbers::exact;
use super::trace::line;
use crate::model::Model;

/// Draws in order: the free parameters of each, and each output as one number per row.
pub struct Draw {
    pub theta: Vec<f64>,
    pub outputs: Vec<Vec<f64>>,
}

/// The columns `draw`, the parameters, the inputs, the outputs. A name that stands twice is written `parameter.NAME`
/// where it is a parameter's.
pub fn write(model: &Model, draws: impl Iterator<Item = Draw>, out: &mut dyn Write) -> io::Result<()> {
    let table = &model.table;
    let inputs: Vec<usize> = (0..table.names.len()).filter(|k| !model.observed.contains(k)).collect();
    let mut header = vec!["draw".to_string()];
    header.extend(model.names.iter().map(|name| {
        let taken = name == "draw" || table.names.contains(name) || model.outputs.contains(name);
        if taken { format!("parameter.{name}") } else { name.clone() }
    }));
    header.extend(inputs.iter().map(|k| table.names[*k].clone()));
    header.extend(model.outputs.iter().cloned());
    line(&header, out)?;
    for (number, draw) in draws.enumerate() {
        let parameters: Vec<String> = model.complete(&draw.theta).into_iter().map(exact).collect();
        for row in 0..model.rows.count() {
            let mut fields = vec![number.to_string()];
            fields.extend(parameters.iter().cloned());
            fields.extend(inputs.iter().map(|k| exact(table.columns[*k][row])));
            fields.extend(draw.outputs.iter().map(|output| exact(output[row])));
            line(&fields, out)?;
        }
    }
    Ok(())
}
