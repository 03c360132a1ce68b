//! Times of many runs, and what is told of them.

use crate::cli::Report;
use clothingid_shared::files::read_text_at_most;
use std::time::{Duration, Instant};

/// Runs before the first sample: caches filled, clocks up.
pub(super) const WARM_UP: Duration = Duration::from_millis(700);
/// Samples of one measurement, unless it takes longer than [`LONGEST`].
const SAMPLES: usize = 300;
pub(super) const LONGEST: Duration = Duration::from_secs(15);

/// What was measured.
pub(super) struct Times {
    /// The first run of all.
    pub(super) first: Duration,
    /// Those after the warm-up, in their order.
    pub(super) samples: Vec<Duration>,
}

pub(super) fn measure(mut work: impl FnMut() -> Result<(), Report>) -> Result<Times, Report> {
    let begun = Instant::now();
    work()?;
    let first = begun.elapsed();
    while begun.elapsed() < WARM_UP {
        work()?;
    }
    let (begun, mut samples) = (Instant::now(), Vec::with_capacity(SAMPLES));
    while samples.len() < SAMPLES && (samples.is_empty() || begun.elapsed() < LONGEST) {
        let started = Instant::now();
        work()?;
        samples.push(started.elapsed());
    }
    Ok(Times { first, samples })
}

/// The least time of some, to read all of these bytes.
pub(super) fn least_read(bytes: &[u8], times: usize) -> Duration {
    let read = || {
        let started = Instant::now();
        let (words, rest) = std::hint::black_box(bytes).as_chunks::<64>();
        let mut sums = [0_u8; 64];
        for word in words {
            for (sum, value) in sums.iter_mut().zip(word) {
                *sum ^= value;
            }
        }
        std::hint::black_box((sums, rest.len()));
        started.elapsed()
    };
    (0..times).map(|_| read()).min().unwrap_or_default()
}

/// To the microsecond.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// The memory of the process, where the system tells: `VmHWM:` is the most that it has had, `VmRSS:` what it has.
pub(super) fn memory_mib(key: &str) -> Option<f64> {
    let text = read_text_at_most("/proc/self/status".as_ref(), 1 << 16).ok()?;
    let kib: f64 = text.lines().find_map(|line| line.strip_prefix(key))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some((kib / 102.4).round() / 10.0)
}

/// The sample with `share` of all others below it (nearest rank), in milliseconds to the microsecond.
pub(super) fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is a place")]
    let place = (share * sorted.len() as f64).ceil() as usize;
    milliseconds(sorted.get(place.saturating_sub(1)).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| quantile_ms(&sorted, share)), [1.0, 50.0, 99.0, 100.0]);
        assert_eq!(quantile_ms(&sorted[..1], 0.99), 1.0);
        assert_eq!(quantile_ms(&[], 0.5), 0.0);
    }
}
