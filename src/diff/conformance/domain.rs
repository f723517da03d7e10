//! Where each operator is tried, and how accurate its value must be: one row an operator.

use super::Random;
use crate::ir::Operator;
use crate::ir::op::Row;
use crate::math::elementary::{exp, log};

/// Where an operand is drawn from.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// Evenly between two numbers.
    Even(f64, f64),
    /// Positive, evenly in the logarithm.
    Decades(f64, f64),
    /// Of either sign, evenly in the logarithm of the size.
    Signed(f64, f64),
    /// Whole numbers, both ends included; the operator is not differentiated in such an operand.
    Whole(i32, i32),
}

use Range::{Decades, Even, Signed, Whole};

/// What the suite knows of an operator beyond its row.
pub struct Domain {
    /// Boxes, one range an operand each; as many points from each.
    pub boxes: Vec<Vec<Range>>,
    /// The greatest error of the value, in units of the last place.
    pub ulps: f64,
    /// The error near zeros of the function is absolute: these units are those of max(|value|, least).
    pub least: f64,
}

impl Range {
    pub fn draw(self, random: &mut Random) -> f64 {
        let unit = random.unit();
        let log = |low: f64, high: f64| exp(log(low) + unit * (log(high) - log(low)));
        match self {
            Even(low, high) => low + (high - low) * unit,
            Decades(low, high) => log(low, high),
            Signed(low, high) => log(low, high) * if random.bits().is_multiple_of(2) { 1.0 } else { -1.0 },
            Whole(low, high) => (f64::from(low) + unit * f64::from(high - low + 1)).floor(),
        }
    }

    pub fn is_whole(self) -> bool {
        matches!(self, Whole(..))
    }
}

/// The domain of an operator. Bounds of ulp are those of docs/elementary.md, or ½ where IEEE 754 rounds.
pub fn of(operator: Operator) -> Domain {
    use Operator::*;
    let one = |ranges: &[Range], ulps: f64| Domain {
        boxes: ranges.iter().map(|range| vec![*range]).collect(),
        ulps,
        least: 0.0,
    };
    let both = |range: Range, ulps: f64| Domain { boxes: vec![vec![range, range]], ulps, least: 0.0 };
    match operator {
        Negate | Absolute | Sign | Floor | Ceil | Round | Not => one(&[Signed(1e-3, 1e6)], 0.0),
        SquareRoot => one(&[Decades(1e-300, 1e300)], 0.5),
        CubeRoot => one(&[Signed(1e-200, 1e200)], 1.0),
        Exp => one(&[Even(-700.0, 700.0), Signed(1e-10, 10.0)], 1.0),
        Expm1 => one(&[Even(-40.0, 700.0), Signed(1e-20, 10.0)], 1.0),
        Log | Log2 | Log10 => one(&[Decades(1e-300, 1e300), Even(0.9, 1.1)], 1.0),
        Log1p => one(&[Decades(1e-20, 1e300), Even(-0.999, 1.0)], 1.0),
        Sin | Cos | Tan => one(&[Signed(1e-10, 100.0)], 1.0),
        ArcSin | ArcCos | ArcTanh => one(&[Signed(1e-10, 0.9), Even(-0.9999, 0.9999)], 1.0),
        ArcTan | ArcSinh => one(&[Signed(1e-10, 1e10)], 1.0),
        Sinh | Cosh | Tanh => one(&[Signed(1e-10, 10.0), Even(-300.0, 300.0)], 1.0),
        ArcCosh => one(&[Even(1.001, 4.0), Decades(2.0, 1e200)], 1.0),
        Erf => one(&[Signed(1e-10, 6.0)], 1.0),
        Erfc => one(&[Signed(1e-10, 1.0), Even(-6.0, 26.0)], 2.0),
        Gamma => one(&[Decades(1e-5, 170.0), Even(-20.0, 0.0)], 2.0),
        // Between the poles lgamma and digamma have zeros, near which their errors are absolute.
        LogGamma => Domain { least: 1.0, ..one(&[Decades(1e-5, 1e10), Even(0.5, 3.0), Even(-10.0, 0.0)], 2.0) },
        Digamma => Domain { least: 1.0, ..one(&[Decades(1e-5, 1e10), Even(0.5, 3.0), Even(-10.0, 0.0)], 1.0) },
        BesselJ0 | BesselJ1 => Domain { least: 0.25, ..one(&[Signed(1e-5, 100.0)], 4.0) },
        Sigmoid => one(&[Even(-700.0, 40.0), Signed(1e-10, 10.0)], 1.0),
        Softplus => one(&[Even(-700.0, 700.0), Signed(1e-10, 10.0)], 1.0),
        Add | Subtract | Multiply | Divide | Masked => both(Signed(1e-5, 1e5), 0.5),
        Power => Domain {
            boxes: vec![
                vec![Decades(1e-5, 1e5), Signed(1e-5, 20.0)],
                vec![Even(0.9, 1.1), Even(-1000.0, 1000.0)],
                vec![Even(-10.0, -0.1), Whole(-9, 9)],
            ],
            ulps: 1.0,
            least: 0.0,
        },
        // The remainder is exact; the divisor, where it is added, is rounded once.
        Modulo => both(Signed(1e-2, 1e3), 0.5),
        FloorDivide => both(Signed(1e-2, 1e3), 0.0),
        Minimum | Maximum | Less | LessEqual | Greater | GreaterEqual | Equal | NotEqual => {
            both(Signed(1e-3, 1e3), 0.0)
        }
        ArcTan2 | Hypot => Domain {
            boxes: vec![vec![Signed(1e-5, 1e5); 2], vec![Signed(1e-200, 1e-190); 2], vec![Signed(1e190, 1e200); 2]],
            ulps: 1.0,
            least: 0.0,
        },
        Polygamma => Domain {
            boxes: vec![vec![Whole(0, 6), Decades(1e-2, 1e5)], vec![Whole(0, 3), Even(-5.0, 0.0)]],
            ulps: 10.0,
            least: 1.0,
        },
        BesselJn => Domain { boxes: vec![vec![Whole(-4, 8), Signed(1e-2, 100.0)]], ulps: 4.0, least: 0.25 },
        Select => {
            Domain { boxes: vec![vec![Whole(0, 1), Signed(1e-5, 1e5), Signed(1e-5, 1e5)]], ulps: 0.0, least: 0.0 }
        }
    }
}

/// The row's own sample points and `count` random ones from each box, with the box.
pub fn points(row: &Row, count: usize) -> Vec<(Vec<f64>, Vec<Range>)> {
    let domain = of(row.operator);
    let mut random = Random::of(row.operator);
    let boxes = &domain.boxes;
    let samples = row.samples.iter().map(|sample| (sample.to_vec(), boxes[0].clone()));
    let drawn = boxes.iter().flat_map(|ranges| {
        (0..count)
            .map(|_| (ranges.iter().map(|range| range.draw(&mut random)).collect(), ranges.clone()))
            .collect::<Vec<_>>()
    });
    let drawn: Vec<_> = drawn.collect();
    samples.chain(drawn).collect()
}
