//! The language against CPython: the same trees and the same values for what is legal in both. Skipped without `python3`.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::language::laws::{any_expression, any_program, text};
use crate::language::tree::{Action, Binary, Compare, Expression, Form, Reduction, Statement, Steps, Unary};
use crate::language::{expression, program};
use crate::math::elementary;

/// Prints, for each text of a JSON list on standard input, its tree as nested brackets; `error` where it is no Python.
const TREES: &str = r#"
import ast, json, struct, sys
def number(v): return struct.pack('>d', float(v)).hex()
BINARY = {'Add': '+', 'Sub': '-', 'Mult': '*', 'Div': '/', 'FloorDiv': '//', 'Mod': '%', 'Pow': '**'}
COMPARE = {'Lt': '<', 'LtE': '<=', 'Gt': '>', 'GtE': '>=', 'Eq': '==', 'NotEq': '!='}
name = lambda node: type(node).__name__
def many(nodes): return ' '.join(map(show, nodes))
def block(nodes): return '[' + many(n for n in nodes if name(n) != 'Pass') + ']'
def show(n):
    kind = name(n)
    if kind == 'Constant': return number(n.value)
    if kind == 'Name': return n.id
    if kind == 'Subscript': return f'(index {show(n.value)} {show(n.slice)})'
    if kind == 'UnaryOp': return f"({ {'UAdd': '+', 'USub': '-', 'Not': 'not'}[name(n.op)]} {show(n.operand)})"
    if kind == 'BinOp': return f'({BINARY[name(n.op)]} {show(n.left)} {show(n.right)})'
    if kind == 'Compare': return f'(compare {show(n.left)} ' + ' '.join(f'{COMPARE[name(o)]} {show(c)}' for o, c in zip(n.ops, n.comparators)) + ')'
    if kind == 'BoolOp': return f'({name(n.op).lower()} {many(n.values)})'
    if kind == 'IfExp': return f'(choose {show(n.test)} {show(n.body)} {show(n.orelse)})'
    if kind == 'Call' and n.args and name(n.args[0]) == 'GeneratorExp':
        g = n.args[0]
        return f'({n.func.id} {show(g.elt)} {g.generators[0].target.id} {show(g.generators[0].iter)})'
    if kind == 'Call': return ' '.join(['(call ' + n.func.id] + [show(a) for a in n.args]) + ')'
    if kind == 'Assign': return f'(= {show(n.targets[0])} {show(n.value)})'
    if kind == 'AugAssign': return f'({BINARY[name(n.op)]}= {show(n.target)} {show(n.value)})'
    if kind == 'For': return f'(for {n.target.id} {show(n.iter)} {block(n.body)})'
    if kind == 'While': return f'(while {show(n.test)} {show(n.body[0].value.args[0])} {block(n.body[1:])})'
    if kind == 'If': return f'(if {show(n.test)} {block(n.body)} {block(n.orelse)})'
    if kind == 'Return': return f'(return {show(n.value)})'
    if kind == 'FunctionDef': return f'(def {n.name} ' + ' '.join(a.arg for a in n.args.args) + f' {block(n.body)})'
    return kind
def shown(source):
    try: return block(ast.parse(source).body)
    except SyntaxError as fault: return f'error: {fault}'
print(json.dumps([shown(source) for source in json.load(sys.stdin)]))
"#;

/// Prints, for each formula of a JSON list on standard input, its value in hexadecimal, with whole literals made floats.
const VALUES: &str = r#"
import ast, json, math, struct, sys
class Floats(ast.NodeTransformer):
    def visit_Call(self, n): return n if n.func.id == 'range' else self.generic_visit(n)
    def visit_Subscript(self, n): return n
    def visit_Constant(self, n): return ast.Constant(float(n.value))
def value(source):
    tree = ast.fix_missing_locations(Floats().visit(ast.parse(source, mode='eval')))
    names = {'x': 0.75, 'y': -2.5, 'v': [1.5, -3.0, 0.25], 'prod': math.prod}
    try: return struct.pack('>d', float(eval(compile(tree, '', 'eval'), names))).hex()
    except Exception as fault: return f'error: {fault!r}'
print(json.dumps([value(source) for source in json.load(sys.stdin)]))
"#;

/// The answers of a script to texts; None where there is no python3.
fn python(script: &str, texts: &[String]) -> Option<Vec<String>> {
    let mut command = Command::new("python3");
    command.args(["-W", "ignore", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: no python3 to compare with");
        return None;
    };
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(texts).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    let answers: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), texts.len());
    Some(answers)
}

fn draws<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn joined(expressions: &[Expression]) -> String {
    expressions.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn shown(tree: &Expression) -> String {
    match &tree.form {
        Form::Number(x) => format!("{:016x}", x.to_bits()),
        Form::Name(name) => name.clone(),
        Form::Index { base, index } => format!("(index {} {})", shown(base), shown(index)),
        Form::Unary { operator, operand } => format!("({operator} {})", shown(operand)),
        Form::Binary { operator, left, right } => format!("({operator} {} {})", shown(left), shown(right)),
        Form::Comparison { first, rest } => {
            let rest: Vec<String> =
                rest.iter().map(|(operator, operand)| format!("{operator} {}", shown(operand))).collect();
            format!("(compare {} {})", shown(first), rest.join(" "))
        }
        Form::And(operands) => format!("(and {})", joined(operands)),
        Form::Or(operands) => format!("(or {})", joined(operands)),
        Form::Not(operand) => format!("(not {})", shown(operand)),
        Form::Conditional { test, value, otherwise } => {
            format!("(choose {} {} {})", shown(test), shown(value), shown(otherwise))
        }
        Form::Call { function, arguments, .. } => {
            format!("(call {function} {}", joined(arguments)).trim_end().to_string() + ")"
        }
        Form::Reduction { kind, element, variable, range } => {
            format!("({kind} {} {variable} {})", shown(element), steps(range))
        }
    }
}

fn steps(range: &Steps) -> String {
    let arguments = [range.start.as_ref(), Some(&range.stop), range.step.as_ref()];
    format!("(call range {})", arguments.into_iter().flatten().map(shown).collect::<Vec<_>>().join(" "))
}

fn block(statements: &[Statement]) -> String {
    format!("[{}]", statements.iter().map(action).collect::<Vec<_>>().join(" "))
}

fn action(statement: &Statement) -> String {
    match &statement.action {
        Action::Assign { target, operator, value } => {
            let operator = operator.map(|operator| operator.to_string()).unwrap_or_default();
            let target = match &target.index {
                Some(index) => format!("(index {} {})", target.name, shown(index)),
                None => target.name.clone(),
            };
            format!("({operator}= {target} {})", shown(value))
        }
        Action::For { variable, range, body, .. } => format!("(for {variable} {} {})", steps(range), block(body)),
        Action::While { test, bound, body } => format!("(while {} {} {})", shown(test), shown(bound), block(body)),
        Action::If { branches, otherwise } => branches
            .iter()
            .rev()
            .fold(block(otherwise), |otherwise, (test, body)| {
                let nested = format!("(if {} {} {otherwise})", shown(test), block(body));
                format!("[{nested}]")
            })
            .trim_start_matches('[')
            .strip_suffix(']')
            .unwrap_or_default()
            .to_string(),
        Action::Return(value) => format!("(return {})", shown(value)),
    }
}

/// Our tree of a program in the same form as the script's; None where we refuse it.
fn our_tree(source: &str) -> Option<String> {
    let tree = program(&text(source), &mut Vec::new())?;
    let functions = tree.functions.iter().map(|function| {
        let parameters: Vec<&str> = function.parameters.iter().map(|(name, _)| name.as_str()).collect();
        format!("(def {} {} {})", function.name, parameters.join(" "), block(&function.body))
    });
    let all: Vec<String> = functions.chain(tree.body.iter().map(action)).collect();
    Some(format!("[{}]", all.join(" ")))
}

#[test]
fn trees_of_printed_programs() {
    let plain = |printed: String| printed.replace("lambda", "lam");
    let programs = draws(any_program(), 300).into_iter().map(|tree| plain(tree.to_string()));
    let formulas = draws(any_expression(), 500).into_iter().map(|tree| plain(format!("y = {tree}\n")));
    let sources: Vec<String> = programs.chain(formulas).collect();
    let Some(answers) = python(TREES, &sources) else { return };
    for (source, answer) in sources.iter().zip(answers) {
        assert_eq!(our_tree(source), Some(answer), "{source}");
    }
}

/// What we accept of scraps thrown together is legal Python, and the same program there.
#[test]
fn trees_of_accepted_scraps() {
    let scraps = [
        "x",
        "y",
        "2",
        ".5",
        "1_0",
        "0x1f",
        "7.",
        "1e3",
        " ",
        " ",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "<",
        "<=",
        "==",
        "!=",
        "(",
        ")",
        "[",
        "]",
        ",",
        "\n",
        "\n",
        "\n  ",
        "\n\t",
        ";",
        "=",
        " = ",
        "+=",
        "if ",
        "else",
        ":",
        ":",
        "elif ",
        " and ",
        " or ",
        " not ",
        "for i in range(3)",
        "while x",
        "at_most(3)",
        "def f(a)",
        "return x",
        "pass",
        "sum(",
        "f(",
        "#c\n",
        "\\\n",
        "True",
        "\r\n",
        "x = y",
        "y += f(x)",
        " if x else ",
    ];
    let strategy =
        proptest::collection::vec(proptest::sample::select(scraps.to_vec()), 1..14).prop_map(|scraps| scraps.concat());
    let accepted: Vec<(String, String)> = draws(strategy, 60_000)
        .into_iter()
        // We let a program be indented as a whole, and a line begin with the `\` that continues it.
        .filter(|source| {
            !source.contains("\n\\") && !source.trim_start_matches(['\r', '\n']).starts_with([' ', '\t', '\\', '#'])
        })
        .filter_map(|source| our_tree(&source).map(|tree| (source, tree)))
        .collect();
    assert!(accepted.len() > 300, "only {} accepted", accepted.len());
    let sources: Vec<String> = accepted.iter().map(|(source, _)| source.clone()).collect();
    let Some(answers) = python(TREES, &sources) else { return };
    for ((source, tree), answer) in accepted.iter().zip(answers) {
        // Functions come first in our trees, wherever they stand.
        if !source.contains("def") {
            assert_eq!(*tree, answer, "{source:?}");
        }
        assert!(!answer.starts_with("error"), "{source:?}: {answer}");
    }
}

/// The value of an expression as Python has it; None where Python raises or a value is not finite.
fn value(tree: &Expression, loops: &[(String, f64)]) -> Option<f64> {
    let of = |tree: &Expression| value(tree, loops);
    let truth = |holds: bool| Some(f64::from(u8::from(holds)));
    let x = match &tree.form {
        Form::Number(x) => *x,
        Form::Name(name) => match name.as_str() {
            "x" => 0.75,
            "y" => -2.5,
            _ => loops.iter().rev().find(|(variable, _)| variable == name)?.1,
        },
        Form::Index { index, .. } => [1.5, -3.0, 0.25][of(index)? as usize],
        Form::Unary { operator: Unary::Plus, operand } => of(operand)?,
        Form::Unary { operator: Unary::Minus, operand } => -of(operand)?,
        Form::Binary { operator, left, right } => binary(*operator, of(left)?, of(right)?)?,
        Form::Comparison { first, rest } => {
            let mut left = of(first)?;
            for (operator, operand) in rest {
                let right = of(operand)?;
                if !compare(*operator, left, right) {
                    return truth(false);
                }
                left = right;
            }
            1.0
        }
        Form::And(operands) => lazy(operands, |x| x == 0.0, loops)?,
        Form::Or(operands) => lazy(operands, |x| x != 0.0, loops)?,
        Form::Not(operand) => return truth(of(operand)? == 0.0),
        Form::Conditional { test, value, otherwise } => of(if of(test)? != 0.0 { value } else { otherwise })?,
        Form::Call { function, arguments, .. } => {
            let arguments: Vec<f64> = arguments.iter().map(of).collect::<Option<_>>()?;
            match (function.as_str(), arguments.as_slice()) {
                ("abs", [x]) => x.abs(),
                ("max", [x, y]) => {
                    if y > x {
                        *y
                    } else {
                        *x
                    }
                }
                _ => return None,
            }
        }
        Form::Reduction { kind, element, variable, range } => {
            let (mut all, stop) = (if *kind == Reduction::Sum { 0.0 } else { 1.0 }, of(&range.stop)? as usize);
            for i in 0..stop {
                let mut inner = loops.to_vec();
                inner.push((variable.clone(), i as f64));
                let term = value(element, &inner)?;
                all = if *kind == Reduction::Sum { all + term } else { all * term };
            }
            all
        }
    };
    x.is_finite().then_some(x)
}

/// The first operand that decides, or the last.
fn lazy(operands: &[Expression], decides: impl Fn(f64) -> bool, loops: &[(String, f64)]) -> Option<f64> {
    let mut last = 0.0;
    for operand in operands {
        last = value(operand, loops)?;
        if decides(last) {
            break;
        }
    }
    Some(last)
}

fn compare(operator: Compare, a: f64, b: f64) -> bool {
    match operator {
        Compare::Less => a < b,
        Compare::LessEqual => a <= b,
        Compare::Greater => a > b,
        Compare::GreaterEqual => a >= b,
        Compare::Equal => a == b,
        Compare::NotEqual => a != b,
    }
}

/// As `float_divmod` and `float_pow` of CPython's floatobject.c do it.
fn binary(operator: Binary, a: f64, b: f64) -> Option<f64> {
    let remainder = || {
        let remainder = a % b;
        if remainder == 0.0 {
            0.0_f64.copysign(b)
        } else if (remainder < 0.0) == (b < 0.0) {
            remainder
        } else {
            remainder + b
        }
    };
    Some(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide | Binary::FloorDivide | Binary::Modulo if b == 0.0 => return None,
        Binary::Divide => a / b,
        Binary::Modulo => remainder(),
        Binary::FloorDivide => {
            let quotient = (a - remainder()) / b;
            if quotient - quotient.floor() > 0.5 { quotient.floor() + 1.0 } else { quotient.floor() }
        }
        Binary::Power if a == 0.0 && b < 0.0 || a < 0.0 && b.fract() != 0.0 => return None,
        Binary::Power => elementary::pow(a, b),
    })
}

fn formulas() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec!["x", "y", "2", "3", ".5", "1.", "4e-1", "0x10", "True", "v[1]", "0"])
        .prop_map(str::to_string);
    let operators =
        vec!["+", "-", "*", "/", "//", "%", "**", " ** ", " + ", "<", "<=", ">", ">=", "==", "!=", " and ", " or "];
    leaf.prop_recursive(6, 30, 3, move |inner| {
        let operator = proptest::sample::select(operators.clone());
        proptest::prop_oneof![
            6 => (inner.clone(), operator, inner.clone()).prop_map(|(a, operator, b)| format!("{a}{operator}{b}")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            2 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => inner.clone().prop_map(|a| format!(" not {a}")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} if {b} else {c}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("max({a}, abs({b}))")),
            1 => inner.clone().prop_map(|a| format!("sum(i*{a} for i in range(3))")),
            1 => inner.prop_map(|a| format!("prod(v[i] + {a} for i in range(2))")),
        ]
    })
}

/// Precedence is put to the test as written, not as printed: the texts have few brackets.
#[test]
fn values_of_formulas() {
    let known: Vec<(String, f64)> = draws(formulas(), 4000)
        .into_iter()
        .filter_map(|written| {
            let tree = expression(&text(&written), &mut Vec::new())?.tree;
            let known = value(&tree, &[])?;
            Some([(written, known), (tree.to_string(), known)])
        })
        .flatten()
        .collect();
    assert!(known.len() > 2000, "only {} values", known.len());
    let texts: Vec<String> = known.iter().map(|(written, _)| written.trim_start().to_string()).collect();
    let Some(answers) = python(VALUES, &texts) else { return };
    for ((written, ours), answer) in known.iter().zip(answers) {
        let theirs = u64::from_str_radix(&answer, 16).map(f64::from_bits).unwrap_or(f64::NAN);
        assert!((ours - theirs).abs() <= 1e-12 * ours.abs(), "{written}: {ours} here, {answer} ({theirs}) in Python");
    }
}
