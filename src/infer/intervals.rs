//! Confidence intervals from a matrix of second derivatives at the optimum, exact derivatives throughout.
//!
//! `fisher`: the expected information Σ w ∇q ∇qᵀ over the quantities that the loss names (`model::loss::information`);
//! under least squares that is the Gauss-Newton matrix over the residual variance RSS/(n - p), which is what NIST
//! certifies. `hessian`: the observed information, the Hessian of the negative log likelihood, forward over reverse.
//! The interval is estimate ± z·standard error in the user's coordinates, with Student's t under least squares
//! (Bevington & Robinson, section 8.5; Efron & Hinkley, Biometrika 65 (1978) 457). A matrix that is singular to
//! rounding gives no number but the direction that the data do not determine.

use std::sync::OnceLock;

use crate::diff::{Hessian, Method, Options, forward};
use crate::engine::{Kernel, Workspace};
use crate::ir::Program;
use crate::kind::{Kind, independent};
use crate::math::householder::PivotedQr;
use crate::math::linear::{Matrix, dot, symmetric_eigen};
use crate::math::{distribution, elementary, statistics};
use crate::model::Model;
use crate::model::transform::Coordinate;
use crate::record::Interval;

/// Every interval method.
pub const INTERVALS: &[Kind] = &[
    Kind {
        name: "fisher",
        summary: "expected information (Gauss-Newton matrix of the residuals); scaled by RSS/(n - p) under least squares",
        reference: "Bevington & Robinson, Data Reduction and Error Analysis, section 8.5",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "hessian",
        summary: "observed information: the Hessian of the negative log likelihood at the optimum",
        reference: "Efron & Hinkley, Biometrika 65 (1978) 457",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "profile",
        summary: "likelihood ratio: the parameter is stepped and the others fitted again, up to the quantile of the level",
        reference: "Bates & Watts 1988, Nonlinear Regression Analysis, section 6.1; Venzon & Moolgavkar 1988, Appl. \
                    Stat. 37, 87",
        settings: &[],
        check: independent,
    },
    Kind {
        name: "bootstrap",
        summary: "the fit repeated on data drawn anew, and the quantiles of the answers; `resamples` and `bootstrap` say how",
        reference: "Efron & Tibshirani 1993, An Introduction to the Bootstrap, sections 6.5, 9.5 and 13.3",
        settings: &[],
        check: independent,
    },
];

/// Why least squares says nothing where no degree of freedom is left.
pub(super) const UNKNOWN_VARIANCE: &str = "as many parameters as observations: the residual variance is unknown";

/// Eigenvalues of the scaled matrix below this times the largest are zero to rounding.
const SINGULAR: f64 = 1e-13;

/// The kernels that intervals need, compiled for a model when they are first wanted.
#[derive(Clone, Debug, Default)]
pub struct Informer {
    /// Quantities and weights, then their derivatives, row by row.
    sensitivities: OnceLock<Kernel>,
    loss_hessian: OnceLock<Hessian>,
    prior_hessian: OnceLock<Option<Hessian>>,
}

impl Informer {
    fn sensitivities(&self, model: &Model) -> &Kernel {
        self.sensitivities.get_or_init(|| {
            let every: Vec<usize> = (0..model.information.outputs.len()).collect();
            Kernel::new(&forward::jacobian(&model.information, &every, 0..model.dimension()), &model.rows)
        })
    }

    fn loss_hessian(&self, model: &Model) -> &Hessian {
        self.loss_hessian.get_or_init(|| hessian(model, &model.loss))
    }

    fn prior_hessian(&self, model: &Model) -> Option<&Hessian> {
        self.prior_hessian.get_or_init(|| model.prior.as_ref().map(|prior| hessian(model, prior))).as_ref()
    }

    /// Intervals of every scalar that is not fixed by `method` at `theta`, whose loss is `loss`; always of the same model.
    /// Parameters are numbered among all scalars.
    pub fn intervals(&self, model: &Model, method: &str, level: f64, theta: &[f64], loss: f64) -> Vec<Interval> {
        let observations = model.rows.count() * model.outputs.len();
        let degrees = observations as f64 - model.dimension() as f64;
        // Least squares: the loss is 2σ² times the negative log likelihood, σ² as the residuals have it.
        let factor = model.likelihood_factor.unwrap_or(2.0 * loss / degrees);
        // What the expected information is divided by.
        let spread = if model.likelihood_factor.is_none() { 0.5 * factor } else { 1.0 };
        let unfixed = model.unfixed();
        let slopes: Vec<&[(usize, f64)]> = unfixed.iter().map(|(_, slope)| slope.as_slice()).collect();
        let by_factors = match method == "fisher" && model.prior.is_none() {
            true => self.factored(model, theta, spread, &slopes),
            false => None,
        };
        let information = || match method {
            "fisher" => self.expected(model, theta, spread),
            _ => {
                let mut matrix = self.loss_hessian(model).matrix(theta, &mut Workspace::default());
                matrix.entries.iter_mut().for_each(|entry| *entry /= factor);
                matrix
            }
        };
        let quantile = match model.likelihood_factor {
            None => distribution::student_t_quantile(0.5 + 0.5 * level, degrees),
            Some(_) => statistics::normal_quantile(0.5 + 0.5 * level),
        };
        let names = model.free_names();
        let answer = if degrees <= 0.0 && model.likelihood_factor.is_none() {
            Err(UNKNOWN_VARIANCE.to_string())
        } else {
            by_factors.map_or_else(|| standard_errors(&information(), &names, &slopes), Ok)
        };
        let all = model.complete(theta);
        unfixed
            .iter()
            .enumerate()
            .map(|(k, (parameter, slope))| {
                let (parameter, estimate) = (*parameter, all[*parameter]);
                // What shares leave of a whole has the box of any of them.
                let coordinate = &model.coordinates[slope[0].0];
                let error = answer.as_ref().ok().map(|errors| errors[k]);
                let note = match &answer {
                    Err(note) => note.clone(),
                    Ok(_) => at_an_end(coordinate, estimate).unwrap_or_default(),
                };
                Interval {
                    parameter,
                    method: method.to_string(),
                    level,
                    estimate,
                    standard_error: error,
                    lower: error.map(|error| estimate - quantile * error),
                    upper: error.map(|error| estimate + quantile * error),
                    note,
                }
            })
            .collect()
    }

    /// Standard errors of functions with these slopes from the rows √w ∇q by QR with scaled columns: squaring them into
    /// a matrix would lose half of the digits. None where the rows do not determine every parameter.
    fn factored(&self, model: &Model, theta: &[f64], scale: f64, slopes: &[&[(usize, f64)]]) -> Option<Vec<f64>> {
        let n = model.dimension();
        let columns = self.sensitivities(model).rows(theta, &mut Workspace::default());
        let quantities = columns.len() / (n + 1);
        let rows = columns.first().map_or(0, Vec::len);
        let mut scores = Matrix::zeros(rows * quantities / 2, n);
        for (part, pair) in (0..quantities).step_by(2).enumerate() {
            for (i, weight) in columns[pair + 1].iter().enumerate() {
                let root = elementary::sqrt(*weight);
                for k in 0..n {
                    scores[(part * rows + i, k)] = root * columns[quantities + pair * n + k][i];
                }
            }
        }
        let turned = scores.transpose();
        let norms: Vec<f64> = (0..n).map(|k| elementary::sqrt(dot(turned.row(k), turned.row(k)))).collect();
        if norms.iter().any(|norm| !(norm.is_finite() && *norm > 0.0)) {
            return None;
        }
        for i in 0..scores.rows {
            for (k, norm) in norms.iter().enumerate() {
                scores[(i, k)] /= norm;
            }
        }
        let factors = PivotedQr::new(&scores).filter(|factors| factors.rank == n)?;
        let error = |slope: &&[(usize, f64)]| {
            // In the unit of its first part, so that one part alone is 1.
            let first = norms[slope[0].0];
            let mut parts = vec![0.0; n];
            for (k, part) in *slope {
                parts[*k] = part * (first / norms[*k]);
            }
            let half = factors.solve_transposed(&parts);
            elementary::sqrt(scale * dot(&half, &half)) / first
        };
        Some(slopes.iter().map(error).collect())
    }

    /// Σ w ∇q ∇qᵀ / scale, plus the Hessian of the negative log prior.
    fn expected(&self, model: &Model, theta: &[f64], scale: f64) -> Matrix {
        let n = model.dimension();
        let columns = self.sensitivities(model).rows(theta, &mut Workspace::default());
        let quantities = columns.len() / (n + 1);
        let mut information = match self.prior_hessian(model) {
            Some(hessian) => hessian.matrix(theta, &mut Workspace::default()),
            None => Matrix::zeros(n, n),
        };
        // Outputs come in pairs: a quantity, its weight; the weight's own derivatives are not used.
        for pair in (0..quantities).step_by(2) {
            let weight = &columns[pair + 1];
            let slope = |k: usize| &columns[quantities + pair * n + k];
            for i in 0..n {
                for j in 0..=i {
                    let terms = weight.iter().zip(slope(i)).zip(slope(j));
                    let sum: f64 = terms.map(|((w, a), b)| w * a * b).sum();
                    information[(i, j)] += sum / scale;
                }
            }
        }
        symmetric(information)
    }
}

fn hessian(model: &Model, program: &Program) -> Hessian {
    Hessian::new(program, &model.rows, Method::Reverse, &Options::default())
        .expect("reverse mode differentiates every program")
}

fn symmetric(mut matrix: Matrix) -> Matrix {
    for i in 0..matrix.rows {
        for j in 0..i {
            matrix[(j, i)] = matrix[(i, j)];
        }
    }
    matrix
}

/// Says where the estimate lies at an end of its box, to 1e-6 of the box's width: the loss has no minimum there.
fn at_an_end(coordinate: &Coordinate, estimate: f64) -> Option<String> {
    let (low, high) = coordinate.ends();
    let margin = if (high - low).is_finite() { 1e-6 * (high - low) } else { 0.0 };
    let place = coordinate.to_box(estimate);
    let end = match () {
        () if place <= low + margin => coordinate.low,
        () if place >= high - margin => coordinate.high,
        () => return None,
    };
    Some(format!("the estimate is at the end {end} of its box, where an interval from curvature does not hold"))
}

/// √(gᵀ M⁻¹ g) for each slope g, the unit vectors for the parameters themselves; or what is wrong with the matrix.
fn standard_errors(information: &Matrix, names: &[&str], slopes: &[&[(usize, f64)]]) -> Result<Vec<f64>, String> {
    let n = information.rows;
    let diagonal: Vec<f64> = (0..n).map(|k| information[(k, k)]).collect();
    if diagonal.iter().any(|entry| !entry.is_finite()) {
        return Err("the second derivatives are not finite".to_string());
    }
    if let Some(k) = diagonal.iter().position(|entry| *entry <= 0.0) {
        return Err(format!("the data do not determine {}", names[k]));
    }
    // Scaled to a unit diagonal, so that units do not matter.
    let scale: Vec<f64> = diagonal.iter().map(|entry| 1.0 / elementary::sqrt(*entry)).collect();
    let mut scaled = information.clone();
    for i in 0..n {
        for j in 0..n {
            scaled[(i, j)] *= scale[i] * scale[j];
        }
    }
    let Some(eigen) = symmetric_eigen(&scaled) else {
        return Err("the second derivatives are not finite".to_string());
    };
    let largest = eigen.values.last().copied().unwrap_or(0.0);
    if eigen.values[0] <= -SINGULAR * largest {
        return Err(format!("not a minimum: the loss falls along {}", direction(eigen.vectors.row(0), &scale, names)));
    }
    if eigen.values[0] <= SINGULAR * largest {
        return Err(format!("the data do not determine {}", direction(eigen.vectors.row(0), &scale, names)));
    }
    let error = |slope: &&[(usize, f64)]| {
        let first = scale[slope[0].0];
        let along =
            |m: usize| -> f64 { slope.iter().map(|(k, g)| g * (scale[*k] / first) * eigen.vectors.row(m)[*k]).sum() };
        let variance: f64 = (0..n).map(|m| along(m) * along(m) / eigen.values[m]).sum();
        first * elementary::sqrt(variance)
    };
    Ok(slopes.iter().map(error).collect())
}

/// A direction in parameter space, as a sum of its leading parts: `a1 - 0.98 a2`.
fn direction(vector: &[f64], scale: &[f64], names: &[&str]) -> String {
    let parts: Vec<f64> = vector.iter().zip(scale).map(|(part, scale)| part * scale).collect();
    let lead = parts.iter().fold(0.0, |lead: f64, part| if part.abs() > lead.abs() { *part } else { lead });
    let mut words = Vec::new();
    for ((part, unscaled), name) in parts.iter().zip(vector).zip(names) {
        // Parts that matter in the scaled coordinates, where all parameters are alike.
        if unscaled.abs() < 0.05 {
            continue;
        }
        let factor = part / lead;
        let sign = if factor < 0.0 { "-" } else { "+" };
        words.push(if factor.abs() == 1.0 {
            format!("{sign} {name}")
        } else {
            format!("{sign} {:.3} {name}", factor.abs())
        });
    }
    words.join(" ").trim_start_matches("+ ").to_string()
}
