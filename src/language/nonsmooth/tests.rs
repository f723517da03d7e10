//! The analysis knows every function of the language that is not smooth; large programs end in time.

use std::sync::Arc;

use super::{Analysis, expression};
use crate::diagnostic::Source;
use crate::ir::op::Smoothness;
use crate::ir::{Builder, Node, Value};
use crate::language::{functions, program, tree::Text};

/// Made of comparisons that meet smoothly.
const SMOOTH: [&str; 4] = ["smooth_max", "smooth_min", "sinc", "logsumexp"];

/// A new function with a kink or a step needs its line in `expression::cause`, or a place in `SMOOTH`. Log densities
/// have tests for the edges of their supports, which are the edges of their domains.
#[test]
fn no_function_hides_a_kink() {
    for function in functions::all().filter(|function| !function.name.contains("_lp")) {
        let mut b = Builder::new();
        let inputs: Vec<Value> = (0..function.arguments.0).map(|k| b.input(k)).collect();
        let value = (function.lower)(&mut b, &inputs);
        let rough = |node: &Node| matches!(node, Node::Apply(op, _) if op.row().smoothness != Smoothness::Smooth);
        let any = b.finish(&[value], inputs.len(), 0).nodes.iter().any(rough);
        let known = expression::cause(function.name).is_some() || SMOOTH.contains(&function.name);
        assert_eq!(any, known, "{}", function.name);
    }
}

/// Assignments against the order of the data flow need a pass for each; a text that needs too many is given up.
#[test]
fn large_programs_end() {
    for (lines, given_up) in [(100, false), (6000, true)] {
        let body: String = (0..lines).map(|k| format!("    x{k} = x{}\n", k + 1)).collect();
        let starts: String = (0..=lines).map(|k| format!("x{k} = 0\n")).collect();
        let text = format!("{starts}for i in range(n):\n{body}    x{lines} = a\ny = floor(x0)\n");
        let analysis = analysed(&text);
        assert_eq!(analysis.exhausted(), given_up, "{lines}");
        if !given_up {
            assert_eq!(analysis.sites().len(), 1);
        }
    }
}

/// Calls that call twice, 40 deep, are given up and not followed to their 2^40 ends.
#[test]
fn deep_calls_end() {
    let mut text = "def f0(x):\n    return abs(x)\n".to_string();
    for k in 1..40 {
        text += &format!("def f{k}(x):\n    return f{}(x) + f{}(x)\n", k - 1, k - 1);
    }
    assert!(analysed(&(text + "y = f39(a)\n")).exhausted());
}

fn analysed(text: &str) -> Analysis {
    let source = Arc::new(Source { name: "program".into(), text: text.into() });
    let tree = program(&Arc::new(Text::plain(source, 0..text.len())), &mut Vec::new()).expect("a program");
    let mut analysis = Analysis::new();
    analysis.parameter("a", 0, false);
    analysis.program(&tree);
    analysis
}
