//! What each proper prior computes: log density as nodes; distribution function and quantile as numbers.

use crate::ir::{Builder, Operator, Value, density};
use crate::math::distribution::{
    chi_square_quantile, incomplete_beta, incomplete_gamma, invert, student_t_cdf, student_t_quantile,
};
use crate::math::elementary::{atan, erf, exp, expm1, log, log1p, tan};
use crate::math::statistics::{normal_cdf, normal_quantile};

/// A family of distributions. Arguments come in the order of the prior's row.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    /// Of x, then the arguments.
    pub log_density: fn(&mut Builder, &[Value]) -> Value,
    /// P(X <= x) and P(X > x), each accurate where it is small.
    pub distribution: fn(&[f64], f64) -> (f64, f64),
    /// The x below which a share p in (0, 1) lies.
    pub quantile: fn(&[f64], f64) -> f64,
    /// P(X <= x) as a node of x, then the arguments, for x in the support; None where it is no formula.
    pub cumulative: Option<fn(&mut Builder, &[Value]) -> Value>,
}

const PI: f64 = std::f64::consts::PI;
const INFINITY: f64 = f64::INFINITY;

static FAMILIES: [Family; 12] = [
    Family {
        name: "uniform",
        arguments: &["low", "high"],
        log_density: density::uniform,
        distribution: |a, x| share(a[0], a[1], x),
        quantile: |a, p| a[0] + p * (a[1] - a[0]),
        cumulative: Some(|b, x| straight(b, x[0], x[1], x[2])),
    },
    Family {
        name: "log_uniform",
        arguments: &["low", "high"],
        log_density: density::log_uniform,
        distribution: |a, x| share(log(a[0]), log(a[1]), if x > 0.0 { log(x) } else { -INFINITY }),
        quantile: |a, p| {
            let (low, high) = (log(a[0]), log(a[1]));
            exp(low + p * (high - low)).clamp(a[0], a[1])
        },
        cumulative: Some(|b, x| {
            let [x, low, high] = [x[0], x[1], x[2]].map(|x| b.unary(Operator::Log, x));
            straight(b, x, low, high)
        }),
    },
    Family {
        name: "normal",
        arguments: &["mean", "sd"],
        log_density: density::normal,
        distribution: |a, x| normal((x - a[0]) / a[1]),
        quantile: |a, p| a[0] + a[1] * normal_quantile(p),
        cumulative: Some(|b, x| bell(b, x[0], x[1], x[2])),
    },
    Family {
        name: "log_normal",
        arguments: &["mu", "sigma"],
        log_density: density::log_normal,
        distribution: |a, x| if x > 0.0 { normal((log(x) - a[0]) / a[1]) } else { (0.0, 1.0) },
        quantile: |a, p| exp(a[0] + a[1] * normal_quantile(p)),
        cumulative: Some(|b, x| {
            let log = b.unary(Operator::Log, x[0]);
            bell(b, log, x[1], x[2])
        }),
    },
    Family {
        name: "half_normal",
        arguments: &["sd"],
        log_density: density::half_normal,
        distribution: |a, x| {
            let t = x.max(0.0) / a[0];
            (erf(t * std::f64::consts::FRAC_1_SQRT_2), 2.0 * normal_cdf(-t))
        },
        quantile: |a, p| a[0] * normal_quantile(0.5 + 0.5 * p),
        cumulative: Some(|b, x| {
            let ratio = b.divide(x[0], x[1]);
            let scaled = b.scale(std::f64::consts::FRAC_1_SQRT_2, ratio);
            b.unary(Operator::Erf, scaled)
        }),
    },
    Family {
        name: "cauchy",
        arguments: &["location", "scale"],
        log_density: density::cauchy,
        distribution: |a, x| lorentz((x - a[0]) / a[1]),
        quantile: |a, p| a[0] + a[1] * tan(PI * (p - 0.5)),
        cumulative: Some(|b, x| {
            let deviation = b.subtract(x[0], x[1]);
            let part = angle(b, deviation, x[2], 1.0);
            b.shift(part, 0.5)
        }),
    },
    Family {
        name: "half_cauchy",
        arguments: &["scale"],
        log_density: density::half_cauchy,
        distribution: |a, x| {
            let t = x.max(0.0) / a[0];
            (2.0 / PI * atan(t), if t > 0.0 { 2.0 / PI * atan(1.0 / t) } else { 1.0 })
        },
        quantile: |a, p| a[0] * tan(0.5 * PI * p),
        cumulative: Some(|b, x| angle(b, x[0], x[1], 2.0)),
    },
    Family {
        name: "student_t",
        arguments: &["df", "location", "scale"],
        log_density: density::student_t,
        distribution: |a, x| student_t_cdf((x - a[1]) / a[2], a[0]),
        quantile: |a, p| a[1] + a[2] * student_t_quantile(p, a[0]),
        cumulative: None,
    },
    Family {
        name: "exponential",
        arguments: &["rate"],
        log_density: density::exponential,
        distribution: |a, x| {
            let t = a[0] * x.max(0.0);
            (-expm1(-t), exp(-t))
        },
        quantile: |a, p| -log1p(-p) / a[0],
        cumulative: Some(|b, x| {
            let product = b.multiply(x[0], x[1]);
            let minus = b.negate(product);
            let rest = b.unary(Operator::Expm1, minus);
            b.negate(rest)
        }),
    },
    Family {
        name: "gamma",
        arguments: &["shape", "rate"],
        log_density: density::gamma,
        distribution: |a, x| incomplete_gamma(a[0], a[1] * x.max(0.0)),
        quantile: |a, p| chi_square_quantile(p, 2.0 * a[0]) / (2.0 * a[1]),
        cumulative: None,
    },
    Family {
        name: "inverse_gamma",
        arguments: &["shape", "scale"],
        log_density: density::inverse_gamma,
        distribution: inverse_gamma,
        quantile: |a, p| invert(|x| inverse_gamma(a, x), 0.0, INFINITY, (p, 1.0 - p)),
        cumulative: None,
    },
    Family {
        name: "beta",
        arguments: &["a", "b"],
        log_density: density::beta,
        distribution: |a, x| {
            let x = x.clamp(0.0, 1.0);
            incomplete_beta(a[0], a[1], x, 1.0 - x)
        },
        quantile: |a, p| {
            let distribution = |x: f64| incomplete_beta(a[0], a[1], x, 1.0 - x);
            invert(distribution, 0.0, 1.0, (p, 1.0 - p))
        },
        cumulative: None,
    },
];

/// The family of a proper prior; None for `flat` and `fixed`.
pub fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// (x - low)/(high - low).
fn straight(b: &mut Builder, x: Value, low: Value, high: Value) -> Value {
    let (part, whole) = (b.subtract(x, low), b.subtract(high, low));
    b.divide(part, whole)
}

/// ½ erfc((m - x)/(s√2)).
fn bell(b: &mut Builder, x: Value, m: Value, s: Value) -> Value {
    let deviation = b.subtract(m, x);
    let ratio = b.divide(deviation, s);
    let scaled = b.scale(std::f64::consts::FRAC_1_SQRT_2, ratio);
    let share = b.unary(Operator::Erfc, scaled);
    b.scale(0.5, share)
}

/// sides·atan(x/s)/π.
fn angle(b: &mut Builder, x: Value, s: Value, sides: f64) -> Value {
    let ratio = b.divide(x, s);
    let angle = b.unary(Operator::ArcTan, ratio);
    b.scale(sides / PI, angle)
}

fn normal(z: f64) -> (f64, f64) {
    (normal_cdf(z), normal_cdf(-z))
}

fn share(low: f64, high: f64, x: f64) -> (f64, f64) {
    let x = x.clamp(low, high);
    ((x - low) / (high - low), (high - x) / (high - low))
}

/// ½ ± atan(t)/π, the smaller one as atan(1/t)/π.
fn lorentz(t: f64) -> (f64, f64) {
    if t.abs() < 1.0 {
        return (0.5 + atan(t) / PI, 0.5 - atan(t) / PI);
    }
    let far = atan(1.0 / t.abs()) / PI;
    if t < 0.0 { (far, 1.0 - far) } else { (1.0 - far, far) }
}

fn inverse_gamma(a: &[f64], x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    let (below, above) = incomplete_gamma(a[0], a[1] / x);
    (above, below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Kernel, Rows, Workspace};
    use crate::math::draw::DRAWS;
    use crate::math::random::Stream;
    use crate::model::prior::PRIORS;

    /// Arguments that each family is tried with.
    fn tried(name: &str) -> Vec<Vec<f64>> {
        match name {
            "uniform" => vec![vec![-1.0, 4.0]],
            "log_uniform" => vec![vec![0.1, 10.0]],
            "normal" | "cauchy" => vec![vec![3.0, 2.0]],
            "log_normal" => vec![vec![1.0, 0.5]],
            "half_normal" | "half_cauchy" | "exponential" => vec![vec![2.5]],
            "student_t" => vec![vec![3.5, 1.0, 2.0], vec![1.0, 0.0, 1.0]],
            "gamma" | "inverse_gamma" => vec![vec![0.7, 2.0], vec![12.0, 0.5]],
            "beta" => vec![vec![0.5, 0.7], vec![7.0, 3.0]],
            other => panic!("no arguments to try `{other}` with"),
        }
    }

    #[test]
    fn every_proper_prior_has_its_family_and_its_draw() {
        for prior in PRIORS
            .iter()
            .filter(|prior| prior.proper && !prior.simplex && !["fixed", "truncated"].contains(&prior.kind.name))
        {
            let name = prior.kind.name;
            let family = find(name).unwrap_or_else(|| panic!("no family `{name}`"));
            let words: Vec<&str> = prior.kind.settings.iter().map(|setting| setting.name).collect();
            assert_eq!(family.arguments, words, "{name}");
        }
        // `dirichlet`, `truncated`, `flat` and `fixed` have none.
        assert_eq!(FAMILIES.len() + 4, PRIORS.len());
    }

    #[test]
    fn quantiles_invert_distribution_functions() {
        for family in &FAMILIES {
            for a in tried(family.name) {
                for p in [1e-6, 0.01, 0.2, 0.5, 0.84, 0.999] {
                    let x = (family.quantile)(&a, p);
                    let (below, above) = (family.distribution)(&a, x);
                    assert!((below - p).abs() < 1e-10 * p, "{} {a:?}: {p} {x} {below}", family.name);
                    assert!((above + below - 1.0).abs() < 1e-14, "{} {a:?}: {p}", family.name);
                }
            }
        }
    }

    /// The distribution function between two points against Simpson's rule over the lowered density.
    #[test]
    fn distribution_functions_are_integrals_of_the_density() {
        for family in &FAMILIES {
            for a in tried(family.name) {
                let mut b = Builder::new();
                let mut operands = vec![b.input(0)];
                operands.extend(a.iter().map(|number| b.constant(*number)));
                let value = (family.log_density)(&mut b, &operands);
                let kernel = Kernel::new(&b.finish(&[value], 1, 0), &Rows::default());
                let mut workspace = Workspace::default();
                let mut density = |x: f64| {
                    let mut value = [0.0];
                    kernel.evaluate(&[x], &mut workspace, &mut value);
                    exp(value[0])
                };
                let (low, high) = ((family.quantile)(&a, 0.2), (family.quantile)(&a, 0.7));
                let n = 2000;
                let h = (high - low) / f64::from(n);
                let weight = |k: i32| if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
                let integral: f64 = (0..=n).map(|k| weight(k) * density(low + h * f64::from(k)) * h / 3.0).sum();
                assert!((integral - 0.5).abs() < 1e-9, "{} {a:?}: {integral}", family.name);
            }
        }
    }

    #[test]
    fn distribution_functions_as_nodes_are_those_in_numbers() {
        for family in &FAMILIES {
            let closed = PRIORS.iter().any(|prior| prior.kind.name == family.name && prior.closed);
            assert_eq!(family.cumulative.is_some(), closed, "{}", family.name);
            let Some(cumulative) = family.cumulative else { continue };
            for a in tried(family.name) {
                for p in [0.01, 0.3, 0.5, 0.9] {
                    let x = (family.quantile)(&a, p);
                    let mut b = Builder::new();
                    let operands: Vec<Value> = [x].iter().chain(&a).map(|number| b.constant(*number)).collect();
                    let share = cumulative(&mut b, &operands);
                    let share = b.known(share).expect("an operation on constants");
                    assert!((share - p).abs() < 1e-12, "{} {a:?} {p}: {share}", family.name);
                }
            }
        }
    }

    /// Kolmogorov-Smirnov: draws of the table of noises against the distribution function.
    #[test]
    fn draws_follow_the_distribution_function() {
        for family in &FAMILIES {
            let draw = DRAWS.iter().find(|draw| draw.name == family.name).expect(family.name);
            for a in tried(family.name) {
                let mut stream = Stream::new(7, family.name, "test");
                let n = 4000;
                let mut sample: Vec<f64> = (0..n).map(|_| (draw.draw)(&mut stream, &a)).collect();
                sample.sort_by(f64::total_cmp);
                let place = |k: usize| (family.distribution)(&a, sample[k]).0;
                let most = (0..n).map(|k| (place(k) - (k as f64 + 0.5) / n as f64).abs()).fold(0.0, f64::max);
                assert!(most * crate::math::elementary::sqrt(n as f64) < 2.0, "{} {a:?}: {most}", family.name);
            }
        }
    }
}
