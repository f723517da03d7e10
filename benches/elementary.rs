//! Nanoseconds per element of each elementary function, 4096 doubles: AVX-512, AVX2 and baseline copies of one loop, beside std.

#![expect(clippy::disallowed_methods, reason = "std is what the functions are measured against")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use sbi_run::math::elementary::block;

const LANES: usize = 4096;

type Block = fn(&mut [f64], &[f64]);

struct Row {
    name: &'static str,
    low: f64,
    high: f64,
    copies: [Block; 3],
    std: Option<fn(f64) -> f64>,
}

macro_rules! row {
    ($name:literal, $low:expr, $high:expr, $std:expr, $f:path) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]
        fn avx512(dst: &mut [f64], src: &[f64]) {
            $f(dst, src);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(dst: &mut [f64], src: &[f64]) {
            $f(dst, src);
        }
        fn baseline(dst: &mut [f64], src: &[f64]) {
            $f(dst, src);
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: main calls a copy only where the CPU has its features.
        let copies: [Block; 3] = [|d, s| unsafe { avx512(d, s) }, |d, s| unsafe { avx2(d, s) }, baseline];
        #[cfg(not(target_arch = "x86_64"))]
        let copies: [Block; 3] = [baseline, baseline, baseline];
        Row { name: $name, low: $low, high: $high, copies, std: $std }
    }};
}

fn available() -> [bool; 3] {
    #[cfg(target_arch = "x86_64")]
    {
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd");
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        [avx512 && avx2, avx2, true]
    }
    #[cfg(not(target_arch = "x86_64"))]
    [false, false, true]
}

/// The least time of `rounds`, in nanoseconds per element.
fn time(rounds: usize, mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / LANES as f64
}

/// The second arguments of the binary functions: in [0.5, 3.5), no integers.
static SECOND: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..LANES).map(|i| 0.5 + 3.0 * ((i * 797 % LANES) as f64 + 0.3) / LANES as f64).collect());

#[inline(always)]
fn pow(dst: &mut [f64], src: &[f64]) {
    block::pow(dst, src, &SECOND);
}

#[inline(always)]
fn atan2(dst: &mut [f64], src: &[f64]) {
    block::atan2(dst, src, &SECOND);
}

#[inline(always)]
fn hypot(dst: &mut [f64], src: &[f64]) {
    block::hypot(dst, src, &SECOND);
}

#[inline(always)]
fn sin_cos(dst: &mut [f64], src: &[f64]) {
    let mut cosine = [0.0; LANES];
    block::sin_cos(dst, &mut cosine, src);
    black_box(&cosine);
}

fn main() {
    let available = available();
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let rows = [
        row!("exp", -20.0, 20.0, Some(f64::exp), block::exp),
        row!("exp2", -20.0, 20.0, Some(f64::exp2), block::exp2),
        row!("expm1", -5.0, 5.0, Some(f64::exp_m1), block::expm1),
        row!("log", 1e-3, 1e3, Some(f64::ln), block::log),
        row!("log1p", -0.9, 10.0, Some(f64::ln_1p), block::log1p),
        row!("log2", 1e-3, 1e3, Some(f64::log2), block::log2),
        row!("log10", 1e-3, 1e3, Some(f64::log10), block::log10),
        row!("sin", -100.0, 100.0, Some(f64::sin), block::sin),
        row!("cos", -100.0, 100.0, Some(f64::cos), block::cos),
        row!("sin_cos", -100.0, 100.0, Some(|x| x.sin() + x.cos()), sin_cos),
        row!("tan", -100.0, 100.0, Some(f64::tan), block::tan),
        row!("asin", -1.0, 1.0, Some(f64::asin), block::asin),
        row!("acos", -1.0, 1.0, Some(f64::acos), block::acos),
        row!("atan", -10.0, 10.0, Some(f64::atan), block::atan),
        row!("atan2", -10.0, 10.0, Some(|x| x.atan2(1.5)), atan2),
        row!("sinh", -5.0, 5.0, Some(f64::sinh), block::sinh),
        row!("cosh", -5.0, 5.0, Some(f64::cosh), block::cosh),
        row!("tanh", -5.0, 5.0, Some(f64::tanh), block::tanh),
        row!("asinh", -10.0, 10.0, Some(f64::asinh), block::asinh),
        row!("acosh", 1.0, 10.0, Some(f64::acosh), block::acosh),
        row!("atanh", -0.99, 0.99, Some(f64::atanh), block::atanh),
        row!("pow", 1e-3, 10.0, Some(|x| x.powf(1.37)), pow),
        row!("sqrt", 0.0, 10.0, Some(f64::sqrt), block::sqrt),
        row!("cbrt", -10.0, 10.0, Some(f64::cbrt), block::cbrt),
        row!("hypot", -10.0, 10.0, Some(|x| x.hypot(1.5)), hypot),
        row!("erf", -4.0, 4.0, None, block::erf),
        row!("erfc", -4.0, 10.0, None, block::erfc),
        row!("gamma", 0.1, 20.0, None, block::gamma),
        row!("lgamma", 0.1, 20.0, None, block::lgamma),
        row!("digamma", 0.1, 20.0, None, block::digamma),
        row!("trigamma", 0.1, 20.0, None, block::trigamma),
        row!("sigmoid", -10.0, 10.0, None, block::sigmoid),
        row!("softplus", -10.0, 10.0, None, block::softplus),
    ];
    println!("{:<10} {:>9} {:>9} {:>9} {:>9}   ns per element", "function", "avx512", "avx2", "baseline", "std");
    for row in rows.iter().filter(|row| only.as_deref().is_none_or(|name| row.name == name)) {
        let src: Vec<f64> = (0..LANES)
            .map(|i| row.low + (row.high - row.low) * ((i * 2731 % LANES) as f64 + 0.5) / LANES as f64)
            .collect();
        let mut dst = vec![0.0; LANES];
        print!("{:<10}", row.name);
        for (at, copy) in row.copies.iter().enumerate() {
            if available[at] {
                let ns = time(if at == 2 { 20 } else { 400 }, || copy(black_box(&mut dst), black_box(&src)));
                print!(" {ns:>9.3}");
            } else {
                print!(" {:>9}", "-");
            }
        }
        match row.std {
            Some(f) => {
                let ns = time(20, || {
                    for (d, x) in black_box(&mut dst).iter_mut().zip(black_box(&src)) {
                        *d = f(*x);
                    }
                });
                println!(" {ns:>9.3}");
            }
            None => println!(" {:>9}", "-"),
        }
    }
}
