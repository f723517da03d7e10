//! A program as lines of text, one a node: for people who look into it, and for tests.

use std::fmt;

use crate::ir::program::{Node, Program};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            write!(f, "v{index} = ")?;
            match node {
                Node::Constant(bits) => writeln!(f, "{:?}", f64::from_bits(*bits))?,
                Node::Input(k) => writeln!(f, "input {k}")?,
                Node::Column(k) => writeln!(f, "column {k}")?,
                Node::Sum(operand) => writeln!(f, "sum over rows v{}", operand.0)?,
                Node::Apply(operator, _) => {
                    write!(f, "{}", operator.row().name)?;
                    for operand in node.operands() {
                        write!(f, " v{}", operand.0)?;
                    }
                    writeln!(f)?;
                }
            }
        }
        let outputs: Vec<String> = self.outputs.iter().map(|v| format!("v{}", v.0)).collect();
        writeln!(f, "return {}", outputs.join(" "))
    }
}
