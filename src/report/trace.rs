//! Evaluation traces for people and files: aligned tables, CSV, and the words for steps and derivatives.

use std::io::{self, Write};

use super::numbers::{exact, short};
use crate::diff::trace::{Contribution, Operation, Step, Term, Trace};
use crate::ir::{Builder, Node, Operator, Value};

/// Significant digits on the terminal.
const DIGITS: usize = 6;

/// The name of what can have a derivative: inputs v-(n-1) … v0, then v1, v2, …; data by their own names.
pub fn name(trace: &Trace, term: Term) -> String {
    match term {
        Term::Number(number) => exact(number),
        Term::Input(k) => format!("v{}", k as i64 + 1 - trace.inputs.len() as i64),
        Term::Datum(k) => trace.data[k].name.clone(),
        Term::Step(k) => format!("v{}", k + 1),
    }
}

/// A step in terms of earlier names: `ln v-1`.
pub fn expression(trace: &Trace, step: &Step) -> String {
    let names: Vec<String> = step.operands.iter().map(|term| name(trace, *term)).collect();
    words(step.operation, &names)
}

/// The same for pictures: its numbers are rounded.
pub fn rounded(trace: &Trace, step: &Step) -> String {
    let named = |term: &Term| match term {
        Term::Number(number) => short(*number, DIGITS - 1),
        other => name(trace, *other),
    };
    let names: Vec<String> = step.operands.iter().map(named).collect();
    words(step.operation, &names)
}

/// The same in numbers: `ln 2`.
pub fn in_numbers(trace: &Trace, step: &Step) -> String {
    let numbers: Vec<String> = step.operands.iter().map(|term| short(trace.value(*term), DIGITS)).collect();
    match step.operation {
        Operation::Branch(_) => numbers[1].clone(),
        operation => words(operation, &numbers),
    }
}

fn words(operation: Operation, operands: &[String]) -> String {
    match operation {
        Operation::Apply(operator) => formula(operator, operands),
        Operation::Branch(true) => format!("{} as {}", operands[1], operands[0]),
        Operation::Branch(false) => format!("{} as not {}", operands[1], operands[0]),
        Operation::Sum if operands.len() > 4 => {
            format!("sum({}, {}, …, {})", operands[0], operands[1], operands[operands.len() - 1])
        }
        Operation::Sum => format!("sum({})", operands.join(", ")),
    }
}

fn formula(operator: Operator, operands: &[String]) -> String {
    let word = match operator {
        Operator::Log => "ln",
        Operator::Power => "^",
        _ => operator.row().name,
    };
    let infix = matches!(operator, Operator::Masked) || !word.starts_with(|c: char| c.is_ascii_alphabetic());
    match operands {
        [one] if operator == Operator::Negate => format!("-{}", enclosed(one)),
        [one] => format!("{word} {}", enclosed(one)),
        [first, second] if infix => {
            let word = if operator == Operator::Masked { "*" } else { word };
            let first = if operator == Operator::Power { enclosed(first) } else { first.clone() };
            format!("{first} {word} {}", enclosed(second))
        }
        _ => format!("{word}({})", operands.join(", ")),
    }
}

/// A negative number, or what has parts, in parentheses.
fn enclosed(text: &str) -> String {
    let whole = text.starts_with('(') && text.ends_with(')');
    if (text.starts_with('-') || text.contains(' ')) && !whole { format!("({text})") } else { text.to_string() }
}

/// The derivative of a step in one of its operands as a formula of names: `cos v0`; empty where there is none.
pub fn partial(trace: &Trace, position: usize, which: usize) -> String {
    let step = &trace.steps[position];
    let Some(value) = step.partials[which] else { return String::new() };
    let Operation::Apply(operator) = step.operation else { return exact(value) };
    let mut b = Builder::new();
    let mut names: Vec<String> = Vec::new();
    let mut operands: Vec<Value> = Vec::new();
    for term in &step.operands {
        operands.push(match term {
            Term::Number(number) => b.constant(*number),
            _ => {
                names.push(name(trace, *term));
                b.input(names.len() - 1)
            }
        });
    }
    names.push(name(trace, Term::Step(position)));
    let result = b.input(names.len() - 1);
    match operator.partial(&mut b, &operands, result, which) {
        Some(partial) => written(&b, partial, &names),
        None => String::new(),
    }
}

fn written(b: &Builder, value: Value, names: &[String]) -> String {
    match b.node(value) {
        Node::Constant(bits) => exact(f64::from_bits(*bits)),
        Node::Input(k) => names[*k as usize].clone(),
        Node::Apply(operator, _) => {
            let operands = b.node(value).operands();
            let parts: Vec<String> = operands.iter().map(|v| written(b, *v, names)).collect();
            if operator.arity() == 2 && !operator.row().name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let first = if parts[0].contains(' ') { enclosed(&parts[0]) } else { parts[0].clone() };
                return formula(*operator, &[first, parts[1].clone()]);
            }
            formula(*operator, &parts)
        }
        _ => String::new(),
    }
}

/// Which steps are shown where there are more than `most`: the first ones.
pub fn shown(trace: &Trace, most: usize) -> usize {
    trace.steps.len().min(most)
}

/// `trace_forward.csv`: one row per input, step and output. `most` limits the steps.
pub fn forward_csv(trace: &Trace, most: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut header: Vec<String> = ["name", "is", "iteration", "expression", "value"].map(String::from).to_vec();
    header.extend(trace.inputs.iter().map(|input| format!("d/d {}", input.name)));
    line(&header, out)?;
    let tangents = |term: Term| {
        let tangent = move |input| exact(trace.tangent(term, input).unwrap_or(0.0));
        (0..trace.inputs.len()).map(tangent).collect::<Vec<_>>()
    };
    for (k, input) in trace.inputs.iter().enumerate() {
        let term = Term::Input(k);
        let fields = [name(trace, term), "input".into(), String::new(), input.name.clone(), exact(input.value)];
        line(&[fields.to_vec(), tangents(term)].concat(), out)?;
    }
    for datum in &trace.data {
        let fields = [datum.name.clone(), "data".into(), String::new(), datum.name.clone(), exact(datum.value)];
        line(&[fields.to_vec(), vec!["0".into(); trace.inputs.len()]].concat(), out)?;
    }
    for (k, step) in trace.steps.iter().enumerate().take(shown(trace, most)) {
        let term = Term::Step(k);
        let fields = [name(trace, term), "step".into(), iteration(step), expression(trace, step), exact(step.value)];
        line(&[fields.to_vec(), tangents(term)].concat(), out)?;
    }
    for output in &trace.outputs {
        let (of, value) = (name(trace, output.term), exact(trace.value(output.term)));
        let fields = [output.name.clone(), "output".into(), String::new(), of, value];
        line(&[fields.to_vec(), tangents(output.term)].concat(), out)?;
    }
    Ok(())
}

/// `trace_reverse.csv`: one row for each use of a variable, from each output back. `most` limits the steps whose
/// operands receive.
pub fn reverse_csv(trace: &Trace, most: usize, out: &mut dyn Write) -> io::Result<()> {
    line(
        &["output", "name", "is", "user", "partial", "partial_value", "contribution", "adjoint"].map(String::from),
        out,
    )?;
    for (k, output) in trace.outputs.iter().enumerate() {
        for received in through(&trace.reverse(k), most).0 {
            let is = match received.of {
                Term::Input(k) => trace.inputs[k].name.clone(),
                _ => "step".to_string(),
            };
            let (user, formula, value) = match received.from {
                None => (output.name.clone(), "1".into(), Some(1.0)),
                Some((step, which)) => {
                    let user = &trace.steps[step];
                    (name(trace, Term::Step(step)), partial(trace, step, which), user.partials[which])
                }
            };
            let numbers = [value.unwrap_or(f64::NAN), received.contribution, received.adjoint].map(exact);
            let fields = [output.name.clone(), name(trace, received.of), is, user, formula];
            line(&[fields.as_slice(), numbers.as_slice()].concat(), out)?;
        }
    }
    Ok(())
}

/// A reverse sweep through at most so many steps, and how many steps that leaves out.
fn through(all: &[Contribution], most: usize) -> (Vec<Contribution>, usize) {
    let mut steps: Vec<usize> = Vec::new();
    let mut lines = Vec::new();
    for line in all {
        if let Some((step, _)) = line.from
            && steps.last() != Some(&step)
        {
            steps.push(step);
        }
        if steps.len() <= most {
            lines.push(*line);
        }
    }
    (lines, steps.len().saturating_sub(most))
}

fn iteration(step: &Step) -> String {
    step.iteration.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// A record of a CSV file.
pub(super) fn line(fields: &[String], out: &mut dyn Write) -> io::Result<()> {
    let quoted = |field: &String| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.clone()
        }
    };
    let fields: Vec<String> = fields.iter().map(quoted).collect();
    write!(out, "{}\r\n", fields.join(","))
}

/// Both tables for the terminal.
pub fn tables(trace: &Trace, most: usize) -> String {
    let number = |x: f64| short(x, DIGITS);
    let mut text = String::from("Forward: primal trace, and the tangent in each input\n\n");
    let loops = trace.steps.iter().any(|step| !step.iteration.is_empty());
    let mut header: Vec<String> = ["", "expression", "in numbers", "value"].map(String::from).to_vec();
    if loops {
        header.insert(0, "loop".into());
    }
    header.extend(trace.inputs.iter().map(|input| format!("d/d {}", input.name)));
    let row = |iteration: String, cells: [String; 4], term: Term| {
        let mut row = cells.to_vec();
        if loops {
            row.insert(0, iteration);
        }
        row.extend((0..trace.inputs.len()).map(|input| number(trace.tangent(term, input).unwrap_or(0.0))));
        row
    };
    let mut rows = vec![header];
    for (k, input) in trace.inputs.iter().enumerate() {
        let cells = [name(trace, Term::Input(k)), input.name.clone(), String::new(), number(input.value)];
        rows.push(row(String::new(), cells, Term::Input(k)));
    }
    for (k, datum) in trace.data.iter().enumerate().take(most) {
        let cells = [datum.name.clone(), "data".into(), String::new(), number(datum.value)];
        rows.push(row(String::new(), cells, Term::Datum(k)));
    }
    for (k, step) in trace.steps.iter().enumerate().take(shown(trace, most)) {
        let cells = [name(trace, Term::Step(k)), expression(trace, step), in_numbers(trace, step), number(step.value)];
        rows.push(row(iteration(step), cells, Term::Step(k)));
    }
    let left = trace.steps.len() - shown(trace, most);
    let texts = usize::from(loops) + 3;
    let outputs: Vec<Vec<String>> = trace
        .outputs
        .iter()
        .map(|output| {
            let cells =
                [output.name.clone(), name(trace, output.term), String::new(), number(trace.value(output.term))];
            row(String::new(), cells, output.term)
        })
        .collect();
    let between = if left > 0 { Some(format!("… {left} more steps are left out")) } else { None };
    text += &aligned(&rows, &outputs, between.as_deref(), texts);
    for (k, output) in trace.outputs.iter().enumerate() {
        let all = trace.reverse(k);
        let (lines, left) = through(&all, most);
        if lines.is_empty() {
            text += &format!("\n{} depends on no input here: its adjoints are 0\n", output.name);
            continue;
        }
        text += &format!("\nReverse: adjoints of {}, from the output back\n\n", output.name);
        let header = ["adjoint of", "is", "through", "partial", "in numbers", "contributes", "adjoint"];
        let mut rows = vec![header.map(String::from).to_vec()];
        for received in &lines {
            let is = match received.of {
                Term::Input(k) => trace.inputs[k].name.clone(),
                Term::Step(k) => expression(trace, &trace.steps[k]),
                _ => String::new(),
            };
            let (user, formula, value) = match received.from {
                None => (output.name.clone(), "1".to_string(), 1.0),
                Some((step, which)) => {
                    let user = &trace.steps[step];
                    let value = user.partials[which].unwrap_or(f64::NAN);
                    (name(trace, Term::Step(step)), partial(trace, step, which), value)
                }
            };
            let numbers = [value, received.contribution, received.adjoint].map(number);
            let fields = [name(trace, received.of), is, user, formula];
            rows.push([fields.as_slice(), numbers.as_slice()].concat());
        }
        let between = if left > 0 { Some(format!("… through {left} more steps, left out")) } else { None };
        let inputs: Vec<Vec<String>> = (0..trace.inputs.len())
            .map(|input| {
                let adjoint = all.iter().rfind(|line| line.of == Term::Input(input)).map(|line| line.adjoint);
                let of = name(trace, Term::Input(input));
                let is = trace.inputs[input].name.clone();
                let empty = String::new;
                vec![of, is, empty(), empty(), empty(), empty(), number(adjoint.unwrap_or(0.0))]
            })
            .collect();
        text += &aligned(&rows, &inputs, between.as_deref(), 4);
    }
    text
}

/// Lines with a rule below the first and above the last part; the first `texts` columns stand left, numbers right.
fn aligned(rows: &[Vec<String>], last: &[Vec<String>], between: Option<&str>, texts: usize) -> String {
    let wide = |text: &String| text.chars().count();
    let columns = rows[0].len();
    let all = || rows.iter().chain(last);
    let widths: Vec<usize> = (0..columns).map(|k| all().map(|row| wide(&row[k])).max().unwrap_or(0)).collect();
    let print = |row: &Vec<String>| {
        let cells: Vec<String> = (0..columns)
            .map(|k| {
                let space = " ".repeat(widths[k] - wide(&row[k]));
                if k < texts { format!("{}{space}", row[k]) } else { format!("{space}{}", row[k]) }
            })
            .collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    let rule = format!("  {}\n", "─".repeat(widths.iter().sum::<usize>() + 2 * (columns - 1)));
    let mut text = print(&rows[0]) + &rule;
    rows[1..].iter().for_each(|row| text += &print(row));
    if let Some(words) = between {
        text += &format!("  {words}\n");
    }
    text += &rule;
    last.iter().for_each(|row| text += &print(row));
    text
}
