//! The same bits from every compiled copy, the AVX-512, AVX2 and baseline block loops and the scalar functions; and on
//! every kind of processor.

use super::Random;
use crate::math::elementary as el;
use crate::math::elementary::block;

type Block = fn(&mut [f64], &[f64]);

struct Copies {
    name: &'static str,
    scalar: fn(f64) -> f64,
    baseline: Block,
    avx2: Block,
    avx512: Block,
}

macro_rules! copies {
    ($name:expr, $scalar:expr, $block:path) => {{
        fn baseline(dst: &mut [f64], src: &[f64]) {
            $block(dst, src);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(dst: &mut [f64], src: &[f64]) {
            $block(dst, src);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma")]
        fn avx512(dst: &mut [f64], src: &[f64]) {
            $block(dst, src);
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the test calls a copy only where the CPU has its features.
        let (avx2, avx512): (Block, Block) = (|d, s| unsafe { avx2(d, s) }, |d, s| unsafe { avx512(d, s) });
        #[cfg(not(target_arch = "x86_64"))]
        let (avx2, avx512): (Block, Block) = (baseline, baseline);
        Copies { name: $name, scalar: $scalar, baseline, avx2, avx512 }
    }};
}

/// The second argument that goes with the lane's first: its bits turned, or a small half-integer.
fn second(x: f64) -> f64 {
    let bits = x.to_bits();
    if bits & 1 == 0 { f64::from_bits(bits.rotate_left(17)) } else { ((bits >> 20) & 31) as f64 * 0.5 - 8.0 }
}

fn seconds(src: &[f64]) -> Vec<f64> {
    src.iter().map(|x| second(*x)).collect()
}

#[inline(always)]
fn pow(dst: &mut [f64], src: &[f64]) {
    block::pow(dst, src, &seconds(src));
}

#[inline(always)]
fn atan2(dst: &mut [f64], src: &[f64]) {
    block::atan2(dst, src, &seconds(src));
}

#[inline(always)]
fn hypot(dst: &mut [f64], src: &[f64]) {
    block::hypot(dst, src, &seconds(src));
}

#[inline(always)]
fn sine_of_pair(dst: &mut [f64], src: &[f64]) {
    block::sin_cos(dst, &mut vec![0.0; src.len()], src);
}

#[inline(always)]
fn cosine_of_pair(dst: &mut [f64], src: &[f64]) {
    block::sin_cos(&mut vec![0.0; src.len()], dst, src);
}

macro_rules! table {
    ($($name:ident)*) => { vec![
        $(copies!(stringify!($name), el::$name, block::$name),)*
        copies!("pow", |x| el::pow(x, second(x)), pow),
        copies!("atan2", |x| el::atan2(x, second(x)), atan2),
        copies!("hypot", |x| el::hypot(x, second(x)), hypot),
        copies!("sin_cos.0", el::sin, sine_of_pair),
        copies!("sin_cos.1", el::cos, cosine_of_pair),
    ]};
}

fn all() -> Vec<Copies> {
    table!(
        exp exp2 expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt cbrt erf erfc
        sigmoid softplus lgamma gamma digamma trigamma
    )
}

/// Random bit patterns, small and middling numbers, edges; a few blocks of each kind, so that no edge is in some.
fn arguments() -> Vec<Vec<f64>> {
    let mut random = Random(3);
    let edges =
        [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 5e-324, -5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 3.0, -3.0];
    let edges =
        [&edges[..], &[f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 709.8, -745.2, 710.5, 171.65, 1e22, -36.5]].concat();
    let between = [&[1.0], &edges[..], &[1.0]].concat();
    let mut blocks = vec![edges, between];
    for _ in 0..4 {
        blocks.push((0..1021).map(|_| f64::from_bits(random.bits())).collect());
        for range in [(-1.0, 1.0), (0.0, 4.0), (-30.0, 30.0), (-354.9, 354.9), (-750.0, 750.0), (0.0, 1e12)] {
            blocks.push((0..509).map(|_| random.within(range)).collect());
        }
    }
    blocks
}

#[test]
fn every_copy_gives_the_same_bits() {
    #[cfg(target_arch = "x86_64")]
    let (has_avx2, has_avx512) = {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd");
        (avx2, avx2 && avx512)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let (has_avx2, has_avx512) = (false, false);
    for (has, what) in [(has_avx2, "AVX2 and FMA"), (has_avx512, "AVX-512")] {
        if !has {
            eprintln!("skipped: this CPU lacks {what}, so its copies were not compared");
        }
    }
    for copies in all() {
        for src in arguments() {
            let want: Vec<f64> = src.iter().map(|x| (copies.scalar)(*x)).collect();
            for (copy, what) in [
                (Some(copies.baseline), "baseline"),
                (has_avx2.then_some(copies.avx2), "AVX2"),
                (has_avx512.then_some(copies.avx512), "AVX-512"),
            ] {
                let Some(copy) = copy else { continue };
                let mut got = vec![0.0; src.len()];
                copy(&mut got, &src);
                for ((got, want), x) in got.iter().zip(&want).zip(&src) {
                    let same = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
                    assert!(same, "{} {what}: f({x:e}) = {got:e}, the scalar function gives {want:e}", copies.name);
                }
            }
        }
    }
}

/// Against what another kind of processor gave: `bits.csv` has a hash (FNV-1a) of the results of each function.
#[test]
fn every_processor_gives_the_same_bits() {
    let hash = |copies: &Copies| {
        let results = arguments().into_iter().flatten().map(copies.scalar);
        let bits = results.map(|result| if result.is_nan() { f64::NAN.to_bits() } else { result.to_bits() });
        bits.flat_map(u64::to_le_bytes)
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    let rows: Vec<String> = all().iter().map(|copies| format!("{},{:016x}", copies.name, hash(copies))).collect();
    let found = format!("function,hash\n{}\n", rows.join("\n"));
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("run by cargo");
    let path = format!("{folder}/src/math/elementary/tests/bits.csv");
    if std::env::var("UPDATE_EXPECTED").is_ok_and(|value| value == "1") {
        return std::fs::write(path, found).expect("bits.csv");
    }
    let known = std::fs::read_to_string(path).expect("bits.csv");
    let differ: Vec<&str> = found.lines().filter(|row| !known.lines().any(|known| known == *row)).collect();
    assert!(known == found, "{differ:?} are not in bits.csv; UPDATE_EXPECTED=1 writes it anew");
}
