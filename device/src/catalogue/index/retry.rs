//! When a write that failed is tried again.

use std::time::{Duration, Instant};

/// After the first failure: a full disk may be cleared soon.
const FIRST: Duration = Duration::from_mins(1);

/// After many: a folder that cannot be written may never be.
const LONGEST: Duration = Duration::from_hours(1);

/// Waits longer after each failure, and not at all after a success.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retry {
    /// The next time, and how long is waited if it fails as well.
    next: Option<(Instant, Duration)>,
}

impl Retry {
    /// Whether it may be tried.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|(at, _)| now >= at)
    }

    /// It was tried.
    pub fn tried(&mut self, is_done: bool, now: Instant) {
        let wait = self.next.map_or(FIRST, |(_, wait)| wait);
        self.next = (!is_done).then(|| (now + wait, (wait * 2).min(LONGEST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_waited_for_longer_and_a_success_ends_that() {
        let (mut retry, mut now) = (Retry::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert!(retry.is_due(now));
            retry.tried(false, now);
            let wait = (1..=60).find(|minutes| retry.is_due(now + Duration::from_mins(*minutes))).unwrap();
            waits.push(wait);
            now += Duration::from_mins(wait);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        retry.tried(true, now);
        assert!(retry.is_due(now));
    }
}
