//! A small experiment with its plan and records, made in memory, for the tests of the reports.

use std::sync::Arc;

use super::{Curve, Fit, Machine, OutputFit, Results};
use crate::data::Table;
use crate::experiment::*;
use crate::kind::{self, Kind, Settings};
use crate::math::elementary::{exp, pow, sin};
use crate::plan::{Laid, Plan, Variant};
use crate::record::{Component, Derivative, Derivatives, Interval, Reader, Record, Records, Status, TracePoint};

const fn kind(name: &'static str) -> Kind {
    Kind { name, summary: "", reference: "", settings: &[], check: kind::independent }
}

static FORMULA: Kind = kind("formula");
static POISSON: kind::Loss = kind::Loss::of(kind("poisson"));
static UNIFORM: kind::Prior =
    kind::Prior { kind: kind("uniform"), support: |_| (0.0, 1.0), proper: true, closed: false, simplex: false };
static METHODS: [Kind; 6] = [
    kind("forward_difference"),
    kind("central_difference"),
    kind("complex_step"),
    kind("symbolic"),
    kind("forward"),
    kind("reverse"),
];
static LBFGS: kind::Optimizer = kind::Optimizer { kind: kind("lbfgs"), gradient: true, population: false };
static EVOLUTION: kind::Optimizer =
    kind::Optimizer { kind: kind("differential_evolution"), gradient: false, population: true };
static GENETIC: kind::Optimizer = kind::Optimizer { kind: kind("genetic"), gradient: false, population: true };

/// Owns what `Results` borrows.
pub struct Sample {
    pub plan: Plan,
    pub experiment: Experiment,
    pub text: String,
    pub records: Vec<Option<Record>>,
    pub derivatives: Derivatives,
    pub fit: Option<Fit>,
    pub machine: Machine,
}

/// Records in memory, by position in the plan.
impl Records for Vec<Option<Record>> {
    fn status(&self, run: usize) -> Option<Status> {
        Some(self.get(run)?.as_ref()?.status)
    }

    fn loss(&self, run: usize) -> Option<f64> {
        self.get(run)?.as_ref()?.answer()
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(&self[..])
    }
}

impl Reader for &[Option<Record>] {
    fn fetch(&mut self, run: usize) -> std::io::Result<Option<Record>> {
        Ok(self.get(run).cloned().flatten())
    }
}

impl Sample {
    pub fn results(&self) -> Results<'_> {
        Results {
            home: std::path::Path::new("."),
            plan: &self.plan,
            experiment: &self.experiment,
            text: &self.text,
            records: &self.records,
            derivatives: &self.derivatives,
            fit: self.fit.as_ref(),
            machine: &self.machine,
        }
    }
}

fn parameter(name: &str, size: Option<usize>, unit: Option<&str>, reference: Option<f64>) -> Parameter {
    Parameter {
        name: name.into(),
        size,
        prior: Prior { row: &UNIFORM, arguments: Settings::default(), formulas: Vec::new(), inner: None },
        unit: unit.map(String::from),
        start: None,
        bounds: None,
        transform: None,
        reference: reference.map(|x| vec![x; size.unwrap_or(1)]),
    }
}

pub fn experiment(parameters: Vec<Parameter>) -> Experiment {
    let optimizer = |row: &'static kind::Optimizer| Optimizer {
        row,
        label: row.kind.name.into(),
        settings: Settings::default(),
        starts: 1,
        polish: None,
    };
    let table = Table {
        names: vec!["t".into(), "counts".into()],
        columns: vec![vec![0.0, 1.0], vec![3.0, 4.0]],
        file: Some("../data/silver.csv".into()),
        checksum: Some("00ff".into()),
    };
    Experiment {
        name: "silver".into(),
        title: Some("Half-lives of <silver> & \"friends\"".into()),
        about: Some("Two isotopes.\n\nA background.".into()),
        reference: Some("Bevington & Robinson, ch. 8".into()),
        seed: 1,
        constants: Vec::new(),
        vectors: Vec::new(),
        data: Data::Measured(Arc::new(table)),
        simulator: Simulator { kind: &FORMULA, terms: Vec::new(), program: None, outputs: Vec::new() },
        parameters,
        loss: Loss {
            row: &POISSON,
            settings: Settings::default(),
            expression: None,
            shape: None,
            sigma: vec![None],
            weight: vec![1.0],
            prior: false,
        },
        differentiation: Differentiation {
            methods: METHODS.iter().collect(),
            step: None,
            symbolic: Form::default(),
            compare: Compare::default(),
        },
        optimizers: [&LBFGS, &EVOLUTION, &GENETIC].into_iter().map(optimizer).collect(),
        budget: Budget::of(20000),
        intervals: Intervals { methods: Vec::new(), level: 0.68, resamples: 500, resampling: None },
        lanes: None,
        sweep: Sweep { repeats: 2, ..Sweep::default() },
        expected: Expected::default(),
        resolved: "title = \"silver\"\n[data.columns]\nt = \"time_s\"\n".parse().unwrap(),
    }
}

pub fn record(index: usize, loss: f64, parameters: &[f64]) -> Record {
    Record {
        identity: format!("id{index}"),
        status: Status::Converged,
        reason: "gradient_tolerance".into(),
        loss: Some(loss),
        evaluations: 40,
        gradients: 20,
        iterations: 10,
        work: 60.0,
        parameters: parameters.to_vec(),
        trace: Vec::new(),
        intervals: Vec::new(),
        seconds: 0.5,
    }
}

/// Two optimizers, one axis with two values, two repeats; a failed run, a stopped run, an unfinished run.
pub fn small() -> Sample {
    let base = experiment(vec![parameter("loss", None, Some("s"), Some(24.56)), parameter("A", Some(2), None, None)]);
    let mut few = base.clone();
    few.optimizers.truncate(2);
    few.differentiation.methods = vec![&METHODS[5]];
    let mut plan = Plan::default();
    plan.axes = vec!["differentiation.step".into()];
    for value in ["1e-4", "1e-6"] {
        let variant = Variant { values: vec![value.into()], experiment: Arc::new(few.clone()) };
        plan.add(plan.variants(), variant, Laid::of(&few));
    }
    let mut records: Vec<Option<Record>> = (0..8).map(|i| Some(record(i, 2.0, &[24.0, 1.0, 1e-20]))).collect();
    let interval = Interval {
        parameter: 0,
        method: "fisher".into(),
        level: 0.68,
        estimate: 24.0,
        standard_error: Some(1.75),
        lower: Some(22.25),
        upper: Some(25.75),
        note: String::new(),
    };
    let unbounded = Interval {
        parameter: 1,
        standard_error: None,
        lower: Some(f64::NEG_INFINITY),
        upper: None,
        ..interval.clone()
    };
    if let Some(first) = &mut records[0] {
        first.loss = Some(1.0);
        first.trace = vec![
            TracePoint { iteration: 0, evaluations: 1, gradients: 1, loss: f64::INFINITY, gradient_norm: None },
            TracePoint { iteration: 10, evaluations: 40, gradients: 20, loss: 1.0, gradient_norm: Some(1e-9) },
        ];
        first.intervals = vec![interval, Interval { note: "not determined".into(), ..unbounded }];
    }
    records[1] = Some(Record {
        status: Status::Failed,
        reason: "non_finite: \"log(-1)\", at start\nand after".into(),
        loss: None,
        parameters: Vec::new(),
        ..record(1, 0.0, &[])
    });
    records[2] = Some(Record {
        status: Status::Stopped,
        reason: "evaluation_budget".into(),
        ..record(2, 1.5, &[25.2, 1.1, 0.0])
    });
    records[7] = None;
    let output = OutputFit {
        name: "counts".into(),
        observed: vec![3.0, 4.0],
        sigma: Some(vec![1.5, 2.0]),
        predicted: vec![3.25, 3.5],
        residual: vec![-0.25, 0.5],
    };
    let inputs = Table { names: vec!["t".into()], columns: vec![vec![0.0, 1.0]], ..Table::default() };
    let component = Component { parameter: "loss".into(), value: 24.0, derivative: 0.5, reference: 0.5, digits: 17.0 };
    let derivative = Derivative {
        method: "reverse".into(),
        axes: vec![None],
        point: 0,
        parameters: 3,
        outputs: 1,
        step: None,
        max_relative_error: 1e-16,
        median_relative_error: 0.0,
        digits: 16.0,
        value_ns: 100.0,
        gradient_ns: 250.0,
        operations: 31,
        expression_nodes: None,
        loss: 2.0,
        components: vec![component],
    };
    let stepped = Derivative {
        method: "forward_difference".into(),
        axes: vec![Some("1e-4".into())],
        step: Some(1e-8),
        digits: 8.0,
        ..derivative.clone()
    };
    Sample {
        plan,
        experiment: base,
        text: "title = \"<silver>\"\n".into(),
        records,
        derivatives: Derivatives { rows: vec![derivative, stepped], refusals: Vec::new() },
        fit: Some(Fit { run: 0, inputs, outputs: vec![output], curve: None, goodness: None }),
        machine: Machine { host: "here".into(), cpu: "Some CPU, 2 cores".into(), threads: 2 },
    }
}

/// Nothing at all: a plan whose runs all failed, no data, no derivatives.
pub fn empty() -> Sample {
    let mut sample = small();
    for (index, record) in sample.records.iter_mut().enumerate() {
        *record = Some(Record {
            status: Status::Failed,
            reason: "non_finite".into(),
            loss: None,
            parameters: Vec::new(),
            ..self::record(index, 0.0, &[])
        });
    }
    sample.derivatives = Derivatives::default();
    sample.fit = None;
    sample.experiment.title = None;
    sample.experiment.data = Data::None;
    sample
}

/// Something to look at: the shape of the silver experiment, with made-up noise and made-up optimizers.
pub fn large(repeats: usize) -> Sample {
    let names =
        [("background", None), ("a1", None), ("a2", None), ("half_life_1", Some("s")), ("half_life_2", Some("s"))];
    let references = [None, None, None, Some(24.56), Some(142.9)];
    let truth = [11.05, 961.4, 127.6, 23.73, 146.7];
    let parameters =
        names.iter().zip(references).map(|((name, unit), reference)| parameter(name, None, *unit, reference)).collect();
    let mut base = experiment(parameters);
    base.sweep.repeats = repeats;
    let model = |t: f64| truth[0] + truth[1] * exp(-t / truth[3]) + truth[2] * exp(-t / truth[4]);
    let noise = |i: usize| {
        let x = sin(i as f64 * 12.9898) * 43758.5453;
        2.0 * (x - x.floor()) - 1.0
    };
    let t: Vec<f64> = (1..60).map(|i| 15.0 * i as f64).collect();
    let predicted: Vec<f64> = t.iter().map(|t| model(*t)).collect();
    let sigma: Vec<f64> = predicted.iter().map(|y| y.sqrt()).collect();
    let residual: Vec<f64> = (0..t.len()).map(|i| 1.7 * noise(i) * sigma[i]).collect();
    let observed = predicted.iter().zip(&residual).map(|(p, r)| p + r).collect();
    let dense: Vec<f64> = (0..400).map(|i| 15.0 + 870.0 * i as f64 / 399.0).collect();
    let curve = Curve { outputs: vec![dense.iter().map(|t| model(*t)).collect()], x: dense };
    let mut records = Vec::new();
    let groups = (0..6).map(|m| (0, Some(m))).chain([(1, None), (2, None)]);
    for (optimizer, method) in groups {
        for _ in 0..repeats {
            let index = records.len();
            let rate = match optimizer {
                0 => 0.35,
                1 => 0.010,
                _ => 0.003,
            } * (1.0 + 0.4 * noise(index));
            let floor = if optimizer == 0 && method.unwrap_or(9) < 2 { 1e-9 } else { 1e-12 };
            let limit = if optimizer == 2 { 1e-3 * (1.0 + noise(index)) } else { floor };
            let last = if optimizer == 0 { 80u64 } else { 20000 };
            let excess = |evaluations: u64| 3000.0 * exp(-rate * evaluations as f64) + limit;
            let point = |i: u64| {
                let evaluations = 1 + i * last / 60;
                let gradient_norm = (optimizer == 0).then(|| excess(evaluations));
                TracePoint {
                    iteration: i,
                    evaluations,
                    gradients: i,
                    loss: excess(evaluations) - 25000.0,
                    gradient_norm,
                }
            };
            let deviation = 1.0 + 1e-3 * limit.sqrt();
            let parameters: Vec<f64> = truth.iter().map(|x| x * deviation).collect();
            records.push(Some(Record {
                trace: (0..=60).map(point).collect(),
                evaluations: 1 + last,
                work: 1.0 + last as f64,
                seconds: 1e-6 * last as f64,
                ..record(index, excess(last) - 25000.0, &parameters)
            }));
        }
    }
    let errors = [1.9667, 49.33, 20.87, 1.733, 22.35];
    if let Some(Some(best)) = records.get_mut(5 * repeats) {
        best.loss = Some(-25000.0 - 1e-9);
        for (method, factor) in [("fisher", 1.0), ("hessian", 1.06), ("profile", 1.1), ("bootstrap", 0.97)] {
            best.intervals.extend((0..5).map(|parameter| Interval {
                parameter,
                method: method.into(),
                level: 0.68,
                estimate: truth[parameter],
                standard_error: Some(errors[parameter] * factor),
                lower: Some(truth[parameter] - errors[parameter] * factor * 0.95),
                upper: Some(truth[parameter] + errors[parameter] * factor * 1.05),
                note: String::new(),
            }));
        }
    }
    let mut derivatives = Vec::new();
    let shapes = [(8.0, 6.3), (10.9, 10.5), (15.6, 9.0), (15.3, 2.4), (15.5, 3.9), (15.7, 1.9)];
    for (m, (digits, cost)) in shapes.into_iter().enumerate() {
        for point in 0..100 {
            let digits = digits + 0.4 * noise(17 * point + m);
            derivatives.push(Derivative {
                method: METHODS[m].name.into(),
                axes: Vec::new(),
                point,
                parameters: 5,
                outputs: 1,
                step: (m < 2).then(|| [1e-4, 1e-6, 1e-8, 1e-10][point % 4]),
                max_relative_error: pow(10.0, -digits),
                median_relative_error: pow(10.0, -digits - 0.5),
                digits,
                value_ns: 500.0,
                gradient_ns: 500.0 * cost * (1.0 + 0.1 * noise(point * 31 + m)),
                operations: 40,
                expression_nodes: (m == 3).then_some(77),
                loss: 1.0,
                components: Vec::new(),
            });
        }
    }
    let output = OutputFit { name: "counts".into(), observed, sigma: Some(sigma), predicted, residual };
    let inputs = Table { names: vec!["t".into()], columns: vec![t], ..Table::default() };
    let mut plan = Plan::default();
    let variant = Variant { values: Vec::new(), experiment: Arc::new(base.clone()) };
    plan.add(plan.variants(), variant, Laid::of(&base));
    Sample {
        plan,
        experiment: base,
        text: "title = \"silver\"\n".into(),
        records,
        derivatives: Derivatives { rows: derivatives, refusals: Vec::new() },
        fit: Some(Fit { run: 5 * repeats, inputs, outputs: vec![output], curve: Some(curve), goodness: None }),
        machine: Machine { host: "here".into(), cpu: "Some CPU".into(), threads: 2 },
    }
}
