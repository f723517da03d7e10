//! A program as lines of text, one a node: for people who look into it, and for tests.

use std::fmt;

use crate::ir::program::{Node, Program};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f, "")
    }
}

fn write(program: &Program, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
    for (index, node) in program.nodes.iter().enumerate() {
        write!(f, "{indent}v{index} = ")?;
        let words = match node {
            Node::Constant(bits) => format!("{:?}", f64::from_bits(*bits)),
            Node::Input(k) => format!("input {k}"),
            Node::VectorInput(k, size) => format!("input {k} of {size} elements"),
            Node::Column(k) => format!("column {k}"),
            Node::Row => "row number".to_string(),
            Node::Apply(operator, _) => operator.row().name.to_string(),
            Node::Sum(_) => "sum over rows of".to_string(),
            Node::Pack(_) => "vector".to_string(),
            Node::Fill(_, size) => format!("vector of {size} times"),
            Node::Element { .. } => "element".to_string(),
            Node::Replace { .. } => "replace".to_string(),
            Node::Scatter { size, .. } => format!("scatter over {size} elements"),
            Node::Loop(body) => format!("{:?} loop carrying {} of", body.kind, body.carried),
            Node::Result { index, .. } => format!("result {index} of"),
        };
        let operands: String = node.operands().iter().map(|v| format!(" v{}", v.0)).collect();
        writeln!(f, "{words}{operands}")?;
        if let Node::Loop(body) = node {
            write(&body.body, f, &format!("{indent}  "))?;
        }
    }
    let outputs: String = program.outputs.iter().map(|v| format!(" v{}", v.0)).collect();
    writeln!(f, "{indent}return{outputs}")
}
