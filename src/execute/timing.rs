//! Times of short calls, comparable with each other: all on one thread, in turns, the fastest of many.
//!
//! The time that a call takes is its own time plus what else the machine does, which is never negative: the least of
//! many measurements is the best estimate (Chen & Revels, Robust benchmarking in noisy environments, arXiv:1608.04295).
//! The calls take turns, so that a slow second of the machine falls on all of them and not on one.

use std::time::{Duration, Instant};

/// A measurement shorter than this would be one of the clock.
const SHORTEST: Duration = Duration::from_micros(4);

const ROUNDS: usize = 40;

/// Nanoseconds of each call. Rounds are added as long as `allowance` lasts; there are at least three, or one of calls
/// that take far longer than that.
pub fn interleaved(allowance: Duration, calls: &mut [Box<dyn FnMut() + '_>]) -> Vec<f64> {
    let begin = Instant::now();
    let mut batches: Vec<u32> = Vec::with_capacity(calls.len());
    let mut least: Vec<f64> = Vec::with_capacity(calls.len());
    for call in calls.iter_mut() {
        let first = time(1, call);
        let once = if first > allowance.as_nanos() as f64 { first } else { first.min(time(1, call)) };
        let enough = SHORTEST.as_nanos() as f64 / once.max(1.0);
        batches.push((enough.ceil() as u32).clamp(1, 4000));
        least.push(if batches.last() == Some(&1) { once } else { f64::INFINITY });
    }
    for round in 0..ROUNDS {
        let spent = begin.elapsed();
        let wanted = if spent > 20 * allowance { 0 } else { 3 };
        if round >= wanted && spent > allowance && least.iter().all(|time| time.is_finite()) {
            break;
        }
        for ((call, batch), least) in calls.iter_mut().zip(&batches).zip(&mut least) {
            *least = least.min(time(*batch, call));
        }
    }
    least
}

/// Nanoseconds of one call, as the mean over a batch.
fn time(batch: u32, call: &mut Box<dyn FnMut() + '_>) -> f64 {
    let clock = Instant::now();
    (0..batch).for_each(|_| call());
    clock.elapsed().as_nanos() as f64 / f64::from(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_more_work_takes_longer() {
        let work = |n: u64| -> Box<dyn FnMut()> {
            Box::new(move || {
                std::hint::black_box((0..n).fold(1u64, |x, i| std::hint::black_box(x.wrapping_mul(i | 1))));
            })
        };
        let times = interleaved(Duration::from_millis(2), &mut [work(10), work(1_000), work(100_000)]);
        assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
        assert!(times[2] / times[1] > 20.0, "{times:?}");
    }
}
