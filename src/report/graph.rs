//! The computation graph of a trace, as DOT and as a picture in layers from the inputs on the left to the outputs.
//!
//! Layers, order and places after Sugiyama, Tagawa & Toda, IEEE Trans. SMC 11 (1981) 109: a node stands one layer
//! after the deepest node that it uses; an edge over several layers passes through a place of its own in each; orders
//! are improved by barycentres in sweeps to and fro.

use std::fmt::Write;

use super::numbers::short;
use super::trace::{name, partial, rounded, shown};
use crate::diff::trace::{Term, Trace};

/// What is drawn of a node.
struct Drawn {
    /// Of DOT: letters and digits.
    id: String,
    kind: Kind,
    head: String,
    /// Value, and what else there is to say.
    lines: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Input,
    Datum,
    Step,
    Output,
    /// In place of the steps that are left out.
    More,
}

struct Edge {
    from: usize,
    to: usize,
    /// The partial derivative as a formula and as a number; empty where none is followed.
    label: String,
    value: Option<f64>,
}

struct Graph {
    nodes: Vec<Drawn>,
    edges: Vec<Edge>,
    left_out: usize,
}

const DIGITS: usize = 5;

fn graph(trace: &Trace, most: usize) -> Graph {
    let kept = shown(trace, most);
    let left_out = trace.steps.len() - kept;
    let mut graph = Graph { nodes: Vec::new(), edges: Vec::new(), left_out };
    let mut places: Vec<(Term, usize)> = Vec::new();
    let used: Vec<Term> = {
        let operands = trace.steps[..kept].iter().flat_map(|step| step.operands.iter().copied());
        operands.chain(trace.outputs.iter().map(|output| output.term)).collect()
    };
    let adjoint = |term: Term| match trace.outputs.len() {
        1 if left_out == 0 => trace.reverse(0).iter().rfind(|line| line.of == term).map(|line| line.adjoint),
        _ => None,
    };
    let about = |term: Term| {
        let mut lines = vec![short(trace.value(term), DIGITS)];
        lines.extend(adjoint(term).map(|x| format!("adjoint {}", short(x, DIGITS))));
        lines
    };
    for (k, input) in trace.inputs.iter().enumerate() {
        let term = Term::Input(k);
        places.push((term, graph.nodes.len()));
        let head = format!("{} = {}", name(trace, term), input.name);
        graph.nodes.push(Drawn { id: format!("input{k}"), kind: Kind::Input, head, lines: about(term) });
    }
    for (k, datum) in trace.data.iter().enumerate().filter(|(k, _)| used.contains(&Term::Datum(*k))) {
        places.push((Term::Datum(k), graph.nodes.len()));
        let lines = vec![short(datum.value, DIGITS)];
        graph.nodes.push(Drawn { id: format!("data{k}"), kind: Kind::Datum, head: datum.name.clone(), lines });
    }
    for k in 0..kept {
        let (step, term) = (&trace.steps[k], Term::Step(k));
        let to = graph.nodes.len();
        places.push((term, to));
        let head = format!("{} = {}", name(trace, term), rounded(trace, step));
        graph.nodes.push(Drawn { id: format!("v{}", k + 1), kind: Kind::Step, head, lines: about(term) });
        for (which, operand) in step.operands.iter().enumerate() {
            if let Some((_, from)) = places.iter().find(|(place, _)| place == operand) {
                let (label, value) = (partial(trace, k, which), step.partials[which]);
                graph.edges.push(Edge { from: *from, to, label, value });
            }
        }
    }
    let mut more = None;
    for (k, output) in trace.outputs.iter().enumerate() {
        let to = graph.nodes.len();
        let head = output.name.clone();
        let lines = vec![short(trace.value(output.term), DIGITS)];
        graph.nodes.push(Drawn { id: format!("output{k}"), kind: Kind::Output, head, lines });
        let from = match (output.term, places.iter().find(|(place, _)| *place == output.term)) {
            (_, Some((_, from))) => *from,
            (Term::Step(_), None) => *more.get_or_insert_with(|| {
                let head = format!("… {left_out} more steps");
                graph.nodes.push(Drawn { id: "more".into(), kind: Kind::More, head, lines: Vec::new() });
                graph.nodes.len() - 1
            }),
            _ => continue,
        };
        graph.edges.push(Edge { from, to, label: String::new(), value: None });
    }
    if let (Some(more), Some(last)) = (more, kept.checked_sub(1)) {
        let from = places.iter().find(|(place, _)| *place == Term::Step(last)).map_or(0, |(_, place)| *place);
        graph.edges.push(Edge { from, to: more, label: String::new(), value: None });
    }
    graph
}

/// The graph for Graphviz and its kin; edges bear the partial derivatives.
pub fn dot(trace: &Trace, most: usize) -> String {
    let graph = graph(trace, most);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = String::from("digraph trace {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    if graph.left_out > 0 {
        let _ = writeln!(text, "  // {} more steps are left out", graph.left_out);
    }
    for node in &graph.nodes {
        let label: Vec<String> = [&node.head].into_iter().chain(&node.lines).map(|line| quoted(line)).collect();
        let shape = match node.kind {
            Kind::Input => ", shape=ellipse",
            Kind::Datum => ", shape=note",
            Kind::Output => ", peripheries=2",
            Kind::More => ", shape=plaintext",
            Kind::Step => "",
        };
        let _ = writeln!(text, "  {} [label=\"{}\"{shape}];", node.id, label.join("\\n"));
    }
    for edge in &graph.edges {
        let (from, to) = (&graph.nodes[edge.from].id, &graph.nodes[edge.to].id);
        match edge.value {
            Some(_) => _ = writeln!(text, "  {from} -> {to} [label=\"{}\"];", quoted(&edge.label)),
            None => _ = writeln!(text, "  {from} -> {to};"),
        }
    }
    text + "}\n"
}

const GAP: f64 = 26.0;
const HEIGHT: f64 = 58.0;
const BETWEEN: f64 = 110.0;
const MARGIN: f64 = 28.0;
/// Of a letter, at the size of the heads.
const LETTER: f64 = 8.6;
const PASSES: usize = 24;

/// A place in a layer: a node, or where an edge passes.
struct Slot {
    node: Option<usize>,
    before: Vec<usize>,
    after: Vec<usize>,
    y: f64,
}

struct Layout {
    slots: Vec<Slot>,
    layers: Vec<Vec<usize>>,
    /// The slots that each edge goes through.
    ways: Vec<Vec<usize>>,
}

fn height(slot: &Slot) -> f64 {
    if slot.node.is_some() { HEIGHT } else { 8.0 }
}

fn lay_out(graph: &Graph) -> Layout {
    let count = graph.nodes.len();
    let mut depth = vec![0usize; count];
    // Edges come in the order of the nodes that they lead to, but for the last few: a pass more settles those.
    for _ in 0..3 {
        for edge in &graph.edges {
            depth[edge.to] = depth[edge.to].max(depth[edge.from] + 1);
        }
    }
    let last = depth.iter().copied().max().unwrap_or(0);
    for (node, drawn) in graph.nodes.iter().enumerate() {
        if drawn.kind == Kind::Output {
            depth[node] = last;
        }
    }
    let slot = |node| Slot { node, before: Vec::new(), after: Vec::new(), y: 0.0 };
    let mut slots: Vec<Slot> = (0..count).map(|node| slot(Some(node))).collect();
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
    (0..count).for_each(|node| layers[depth[node]].push(node));
    let mut ways = Vec::new();
    for edge in &graph.edges {
        let mut way = vec![edge.from];
        for layer in &mut layers[depth[edge.from] + 1..depth[edge.to].max(depth[edge.from] + 1)] {
            slots.push(slot(None));
            layer.push(slots.len() - 1);
            way.push(slots.len() - 1);
        }
        way.push(edge.to);
        for pair in way.windows(2) {
            slots[pair[0]].after.push(pair[1]);
            slots[pair[1]].before.push(pair[0]);
        }
        ways.push(way);
    }
    let mut layout = Layout { slots, layers, ways };
    layout.place();
    layout
}

impl Layout {
    fn place(&mut self) {
        (0..self.layers.len()).for_each(|layer| self.stack(layer));
        for pass in 0..PASSES {
            let count = self.layers.len();
            for k in 0..count {
                let layer = if pass % 2 == 0 { k } else { count - 1 - k };
                self.pull(layer, pass % 2 == 0, pass + 8 < PASSES);
            }
        }
        let least = self.slots.iter().map(|slot| slot.y - 0.5 * height(slot)).fold(f64::INFINITY, f64::min);
        self.slots.iter_mut().for_each(|slot| slot.y -= least);
    }

    /// One below the other, about zero.
    fn stack(&mut self, layer: usize) {
        let total: f64 = self.layers[layer].iter().map(|slot| height(&self.slots[*slot]) + GAP).sum();
        let mut y = -0.5 * total;
        for slot in &self.layers[layer] {
            let half = 0.5 * (height(&self.slots[*slot]) + GAP);
            self.slots[*slot].y = y + half;
            y += 2.0 * half;
        }
    }

    /// Moves each place of a layer towards the mean of its neighbours, and apart again; reorders if allowed.
    fn pull(&mut self, layer: usize, forward: bool, reorder: bool) {
        let wish = |slot: &Slot| {
            let near = if forward { &slot.before } else { &slot.after };
            let both: Vec<usize> = slot.before.iter().chain(&slot.after).copied().collect();
            let near = if reorder { near } else { &both };
            match near.len() {
                0 => slot.y,
                n => near.iter().map(|k| self.slots[*k].y).sum::<f64>() / n as f64,
            }
        };
        let mut wished: Vec<(usize, f64)> =
            self.layers[layer].iter().map(|slot| (*slot, wish(&self.slots[*slot]))).collect();
        if reorder {
            wished.sort_by(|a, b| a.1.total_cmp(&b.1));
        }
        let apart = |a: usize, b: usize| 0.5 * (height(&self.slots[a]) + height(&self.slots[b])) + GAP;
        // From above and from below, and the mean of both: nobody is pushed to one side.
        let mut down: Vec<f64> = wished.iter().map(|(_, y)| *y).collect();
        let mut up = down.clone();
        for k in 1..wished.len() {
            down[k] = down[k].max(down[k - 1] + apart(wished[k - 1].0, wished[k].0));
        }
        for k in (1..wished.len()).rev() {
            up[k - 1] = up[k - 1].min(up[k] - apart(wished[k - 1].0, wished[k].0));
        }
        for (k, (slot, _)) in wished.iter().enumerate() {
            self.slots[*slot].y = 0.5 * (down[k] + up[k]);
        }
        self.layers[layer] = wished.into_iter().map(|(slot, _)| slot).collect();
    }
}

/// The picture.
pub fn svg(trace: &Trace, most: usize) -> String {
    let graph = graph(trace, most);
    let layout = lay_out(&graph);
    let width = |node: &Drawn| {
        let letters = [&node.head].into_iter().chain(&node.lines).map(|line| line.chars().count()).max();
        (letters.unwrap_or(0) as f64 * LETTER + 28.0).max(84.0)
    };
    let widest = |layer: &Vec<usize>| {
        let widths = layer.iter().filter_map(|slot| layout.slots[*slot].node).map(|node| width(&graph.nodes[node]));
        widths.fold(40.0, f64::max)
    };
    let mut x = MARGIN;
    let mut centres = vec![0.0; layout.slots.len()];
    let mut room = vec![0.0; layout.slots.len()];
    for layer in &layout.layers {
        let wide = widest(layer);
        for slot in layer {
            centres[*slot] = x + 0.5 * wide;
            room[*slot] = 0.5 * layout.slots[*slot].node.map_or(wide, |node| width(&graph.nodes[node]));
        }
        x += wide + BETWEEN;
    }
    let total = x - BETWEEN + MARGIN;
    let deep = layout.slots.iter().map(|slot| slot.y + 0.5 * height(slot)).fold(0.0, f64::max) + 2.0 * MARGIN;
    let foot = if graph.left_out > 0 { 24.0 } else { 0.0 };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total:.0}\" height=\"{:.0}\" viewBox=\"0 0 {total:.0} {:.0}\" \
         font-family=\"Helvetica, Arial, sans-serif\" role=\"img\">\n<title>Computation graph</title>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0,1 L10,5 L0,9 z\" fill=\"#8a949e\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        deep + foot,
        deep + foot,
    );
    let y = |slot: usize| layout.slots[slot].y + MARGIN;
    let mut labels = String::new();
    for (edge, way) in graph.edges.iter().zip(&layout.ways) {
        let (first, last) = (way[0], way[way.len() - 1]);
        let (start, end) = (
            port(&layout, &layout.slots[first].after, first, way[1]),
            port(&layout, &layout.slots[last].before, last, way[way.len() - 2]),
        );
        let (mut from_x, mut from_y) = (centres[first] + room[first], y(first) + start);
        let mut path = format!("M{from_x:.1},{from_y:.1}");
        for slot in &way[1..] {
            let (to_x, to_y) = (centres[*slot] - room[*slot], y(*slot) + if *slot == last { end } else { 0.0 });
            let middle = 0.5 * (from_x + to_x);
            let _ = write!(path, " C{middle:.1},{from_y:.1} {middle:.1},{to_y:.1} {to_x:.1},{to_y:.1}");
            if *slot == last && edge.value.is_some() {
                let (label_x, label_y) = (from_x + 0.5 * (to_x - from_x), from_y + 0.5 * (to_y - from_y));
                label(&mut labels, label_x, label_y, &edge.label);
            }
            if *slot != last {
                let _ = write!(path, " L{:.1},{to_y:.1}", centres[*slot] + room[*slot]);
            }
            (from_x, from_y) = (centres[*slot] + room[*slot], to_y);
        }
        let unfollowed = edge.value.is_none() && graph.nodes[edge.to].kind == Kind::Step;
        let dash = if unfollowed { " stroke-dasharray=\"5 4\"" } else { "" };
        let _ = writeln!(
            text,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#8a949e\" stroke-width=\"1.4\"{dash} marker-end=\"url(#arrow)\"/>"
        );
    }
    text += &labels;
    for (k, node) in graph.nodes.iter().enumerate() {
        draw(&mut text, node, centres[k], y(k), room[k]);
    }
    if graph.left_out > 0 {
        let words = format!("{} more steps are left out", graph.left_out);
        let _ = writeln!(
            text,
            "<text x=\"{MARGIN}\" y=\"{:.1}\" font-size=\"12\" fill=\"#6b7680\">{words}</text>",
            deep + 6.0
        );
    }
    text + "</svg>\n"
}

/// Where on the side of a node an edge ends: the edges are spread in the order of what they lead to.
fn port(layout: &Layout, near: &[usize], slot: usize, other: usize) -> f64 {
    if layout.slots[slot].node.is_none() || near.len() < 2 {
        return 0.0;
    }
    let mut order: Vec<usize> = near.to_vec();
    order.sort_by(|a, b| layout.slots[*a].y.total_cmp(&layout.slots[*b].y));
    let place = order.iter().position(|k| *k == other).unwrap_or(0) as f64;
    let step = (0.6 * HEIGHT / near.len() as f64).min(16.0);
    (place - 0.5 * (near.len() as f64 - 1.0)) * step
}

/// The partial derivative on its edge.
fn label(text: &mut String, x: f64, y: f64, words: &str) {
    let wide = words.chars().count() as f64 * 6.2 + 8.0;
    let _ = writeln!(
        text,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"16\" rx=\"4\" fill=\"#ffffff\" fill-opacity=\"0.92\"/>\
         <text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#5b6670\" text-anchor=\"middle\">{}</text>",
        x - 0.5 * wide,
        y - 8.0,
        y + 4.0,
        escaped(words)
    );
}

fn draw(text: &mut String, node: &Drawn, x: f64, y: f64, half: f64) {
    let (fill, line, radius) = match node.kind {
        Kind::Input => ("#e3f0fa", "#0072B2", 0.5 * HEIGHT),
        Kind::Datum => ("#f2f2f2", "#999999", 3.0),
        Kind::Step => ("#ffffff", "#56606a", 9.0),
        Kind::Output => ("#fdeadf", "#D55E00", 9.0),
        Kind::More => ("#ffffff", "#ffffff", 0.0),
    };
    let _ = writeln!(
        text,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{HEIGHT}\" rx=\"{radius}\" fill=\"{fill}\" stroke=\"{line}\" \
         stroke-width=\"1.5\"/>",
        x - half,
        y - 0.5 * HEIGHT,
        2.0 * half
    );
    let count = 1 + node.lines.len();
    let mut base = y - 8.0 * (count as f64 - 1.0) + 5.0;
    let _ = writeln!(
        text,
        "<text x=\"{x:.1}\" y=\"{base:.1}\" font-size=\"14\" font-weight=\"600\" fill=\"#1f2933\" text-anchor=\"middle\">{}</text>",
        escaped(&node.head)
    );
    for (k, line) in node.lines.iter().enumerate() {
        base += 16.0;
        let colour = if k == 0 { "#1f2933" } else { "#9a4a10" };
        let _ = writeln!(
            text,
            "<text x=\"{x:.1}\" y=\"{base:.1}\" font-size=\"12\" fill=\"{colour}\" text-anchor=\"middle\">{}</text>",
            escaped(line)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
