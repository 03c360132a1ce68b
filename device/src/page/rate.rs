//! How many photographs a second the API takes: a bucket that fills at the allowed rate and lets a few through at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Photographs a second, where the configuration does not say otherwise. The camera's own frames come first.
pub const UPLOADS_PER_SECOND: f64 = 2.0;

/// So many may come at once after a quiet while.
const BURST: f64 = 8.0;

/// Counts what was let through.
#[derive(Debug)]
pub struct RateLimit {
    per_second: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl RateLimit {
    /// A full bucket for so many a second.
    #[must_use]
    pub fn new(per_second: f64) -> Self {
        let per_second = if per_second.is_finite() { per_second.max(0.01) } else { UPLOADS_PER_SECOND };
        Self { per_second, bucket: Mutex::new(Bucket { tokens: BURST, filled: Instant::now() }) }
    }

    /// Lets one through, or says how long to wait.
    ///
    /// **Errors** it is one too many: after this time there is room.
    pub fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * self.per_second).min(BURST);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_once_then_as_many_as_are_allowed() {
        let (limit, start) = (RateLimit::new(2.0), Instant::now());
        let through = |at: Duration| limit.take(start + at).is_ok();
        assert_eq!((0..20).filter(|_| through(Duration::from_millis(1))).count(), 8);
        assert!(limit.take(start + Duration::from_millis(1)).unwrap_err() <= Duration::from_millis(500));
        let later = (0..100).filter(|step| through(Duration::from_millis(100 * step + 100))).count();
        assert!((19..=21).contains(&later), "{later} in ten seconds");
        assert_eq!((0..20).filter(|_| through(Duration::from_secs(3600))).count(), 8, "it never overflows");
    }

    #[test]
    fn odd_rates_are_no_panic() {
        for rate in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let limit = RateLimit::new(rate);
            for _ in 0..20 {
                let _ = limit.take(Instant::now());
            }
        }
    }
}
