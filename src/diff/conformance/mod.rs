//! The proof that values and derivatives are right: one suite that every operator runs through, and laws of whole
//! programs.
//!
//! The judge is reference arithmetic (`math::precise`, 192 bits), and what it says of derivatives is itself judged by
//! differences of its values, so that no rule vouches for itself:
//!
//! - `values`: each operator on blocks of rows at every engine level, bit for bit, and against the reference;
//! - `rules`: each partial derivative against differences, each complex extension by the Cauchy-Riemann equations;
//! - `gradients`: every method on one-operator programs;
//! - `random_programs`: every exact method on random programs;
//! - `jacobians`: Jacobians and second derivatives of whole programs, by every method;
//! - `branches`: derivatives where the branch not taken has none;
//! - `texts`: programs of the model language, with loops, branches and vectors: their values against CPython's, and every
//!   exact method on them; `agreement` says what is right, `running_error` how many digits a problem has;
//! - `experiments`: every exact method on every shipped experiment;
//! - `densities`: log densities against their formulas, their integrals, their gradients;
//! - `losses`: losses against their formulas, their information against expectations, their residuals.
//!
//! Checks return the faults that they find, so that negative controls can ask for some.

#![expect(clippy::disallowed_methods, reason = "exact powers of two, and quadrature that only judges")]

mod agreement;
mod branches;
mod densities;
mod domain;
mod experiments;
mod gradients;
mod jacobians;
mod losses;
mod random_programs;
mod rules;
mod running_error;
mod texts;
mod values;

use crate::ir::Operator;
use crate::math::precise::Real;

/// SplitMix64: the same points in every run.
struct Random(u64);

impl Random {
    fn of(operator: Operator) -> Random {
        Random(operator as u64 + 1)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }
}

/// |got - want| over the spacing of doubles at max(|want|, least); 0 where both are the same infinity or NaN, infinite
/// where only one is.
fn ulps(got: f64, want: &Real, least: f64) -> f64 {
    let nearest = want.to_f64();
    if !nearest.is_finite() || !got.is_finite() {
        return if got == nearest || (got.is_nan() && nearest.is_nan()) { 0.0 } else { f64::INFINITY };
    }
    let size = nearest.abs().max(least).max(f64::MIN_POSITIVE);
    let spacing = f64::from_bits(size.to_bits() + 1) - size;
    // In reference arithmetic: the spacing may be as small as 2^-1074.
    Real::from_f64(got).subtract(want).divide(&Real::from_f64(spacing)).to_f64().abs()
}

/// |got - want| relative to `scale`; infinite where one of them is no finite number and they differ.
fn relative(got: f64, want: f64, scale: f64) -> f64 {
    if got == want || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    let error = (got - want).abs() / scale;
    if error.is_nan() { f64::INFINITY } else { error }
}

/// The same number, or both NaN.
fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[track_caller]
fn no_faults(faults: &[String]) {
    let shown = faults.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} faults:\n{shown}", faults.len());
}
