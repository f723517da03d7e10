//! What a run's record keeps of its iterations.

use crate::record::TracePoint;

/// Trace points that are held while a run goes on, whose evaluations grow by a factor when there are more.
const HELD: usize = 256;
/// Trace points that a record keeps, at most: so that a million records of ten parameters take less than 1 GiB.
const KEPT: usize = 40;

/// A trace that thins out, evenly over the logarithm of the evaluations, when it grows too long; and at its end evenly over
/// the logarithm of what the losses lie above the last one, as COCO logs runs (Hansen et al. 2021, section 4): so that it
/// is known best when any precision was reached.
#[derive(Default)]
pub struct Trace {
    held: Vec<TracePoint>,
    last: Option<TracePoint>,
    /// By what share the evaluations grow from one point that is held to the next.
    growth: f64,
}

impl Trace {
    pub fn push(&mut self, point: &TracePoint) {
        let far = |last: &TracePoint, next: &TracePoint, growth: f64| {
            next.evaluations as f64 >= last.evaluations as f64 * (1.0 + growth)
        };
        if self.held.last().is_none_or(|last| far(last, point, self.growth)) {
            self.held.push(point.clone());
        }
        while self.held.len() > HELD {
            self.growth = if self.growth == 0.0 { 0.01 } else { 1.5 * self.growth };
            keep(&mut self.held, |last, point| far(last, point, self.growth));
        }
        self.last = Some(point.clone());
    }

    pub fn points(mut self) -> Vec<TracePoint> {
        let Some(last) = self.last else { return self.held };
        self.held.pop_if(|point| point.iteration == last.iteration);
        let above = |point: &TracePoint| point.loss - last.loss;
        let (mut share, mut kept) = (1.0, self.held.clone());
        while kept.len() >= KEPT {
            share *= 0.8;
            kept.clone_from(&self.held);
            keep(&mut kept, |before, point| above(point) < above(before) && above(point) <= share * above(before));
        }
        kept.push(last);
        kept
    }
}

/// The first point, and each that is to be kept after the one kept before it.
fn keep(points: &mut Vec<TracePoint>, wanted: impl Fn(&TracePoint, &TracePoint) -> bool) {
    let mut last: Option<TracePoint> = None;
    points.retain(|point| {
        let keep = last.as_ref().is_none_or(|last| wanted(last, point));
        if keep {
            last = Some(point.clone());
        }
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(iteration: u64, loss: f64) -> TracePoint {
        TracePoint { iteration, evaluations: 3 * iteration, gradients: 0, loss, gradient_norm: None }
    }

    fn thinned(losses: &[f64]) -> Vec<TracePoint> {
        let mut trace = Trace::default();
        (0..).zip(losses).for_each(|(iteration, loss)| trace.push(&point(iteration, *loss)));
        trace.points()
    }

    #[test]
    fn a_short_trace_is_kept_whole() {
        let losses: Vec<f64> = (0..40).map(|i| f64::from(100 - i)).collect();
        let kept: Vec<f64> = thinned(&losses).iter().map(|point| point.loss).collect();
        assert_eq!(kept, losses);
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn a_long_trace_knows_every_precision() {
        // A digit in ten iterations, to the last one of a double.
        let losses: Vec<f64> =
            (0..400).map(|i| 7.0 + 1e3 * crate::math::elementary::exp(-0.23 * f64::from(i))).collect();
        let kept = thinned(&losses);
        assert!((20..=KEPT).contains(&kept.len()), "{}", kept.len());
        assert_eq!((kept[0].loss, kept[kept.len() - 1].iteration), (losses[0], 399));
        let above = |point: &TracePoint| point.loss - losses[399];
        // Down to the rounding of the last digits.
        for pair in kept.windows(2).filter(|pair| above(&pair[1]) > 1e-12) {
            let apart = above(&pair[0]) / above(&pair[1]);
            assert!(apart > 1.0 && apart < 4.0, "{apart} at {}", pair[1].iteration);
        }
    }

    #[test]
    fn any_trace_is_short() {
        let many = |loss: fn(i32) -> f64| (0..9000).map(loss).collect::<Vec<f64>>();
        for losses in [
            many(|_| f64::NAN),
            many(|_| f64::INFINITY),
            many(|_| 1.0),
            many(|i| if i < 99 { f64::INFINITY } else { -f64::from(i) }),
        ] {
            let kept = thinned(&losses);
            assert!((2..=KEPT).contains(&kept.len()), "{}", kept.len());
            assert_eq!((kept[0].iteration, kept[kept.len() - 1].iteration), (0, 8999));
        }
    }
}
