//! How long nobody may try a PIN after wrong ones.
//!
//! There is one PIN, so the wait is for everyone. It goes by a clock that nobody sets: what is kept on the disk is how many wrong ones there
//! were, and a program that is started again waits once more for as long as they ask for, so that pulling the plug gains nothing.

use std::time::{Duration, Instant};

/// Wrong PINs before the first wait.
pub const FREE: u32 = 5;
/// The first wait.
pub const FIRST: Duration = Duration::from_secs(30);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The wait that so many wrong PINs in a row ask for.
#[must_use]
pub fn wait_after(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => FIRST.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX)).min(LONGEST),
    }
}

/// So many wrong PINs, the last of them at this time (or known of since then).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// How many in a row.
    pub wrong: u32,
    /// Since when the wait runs.
    pub since: Instant,
}

impl Lock {
    /// What is left of the wait; zero when a PIN may be tried.
    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        wait_after(self.wrong).saturating_sub(now.saturating_duration_since(self.since))
    }

    /// How many may be tried before the next wait.
    #[must_use]
    pub fn tries(&self) -> u32 {
        FREE.saturating_sub(self.wrong).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_fifth_on_and_stops_at_a_quarter_of_an_hour() {
        let waits: Vec<_> = (0..13).map(|wrong| wait_after(wrong).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait_after(u32::MAX), LONGEST);
    }

    #[test]
    fn the_wait_goes_by() {
        let since = Instant::now();
        let lock = Lock { wrong: 6, since };
        assert_eq!(lock.left(since), Duration::from_secs(60));
        assert_eq!(lock.left(since + Duration::from_secs(59)), Duration::from_secs(1));
        assert_eq!(lock.left(since + Duration::from_secs(61)), Duration::ZERO);
        let tries: Vec<_> = [0, 4, 5, 9].map(|wrong| Lock { wrong, since }.tries()).into();
        assert_eq!(tries, [5, 1, 1, 1]);
    }
}
