//! Tells systemd that the appliance is ready and that it goes on.
//!
//! The watchdog is fed by real progress: frames that were answered, or a camera that is known to be absent. A network that hangs while frames come
//! feeds nothing, and systemd starts the program again.
//!
//! **Source** `sd_notify(3)`, `sd_watchdog_enabled(3)`.

use super::{CameraState, Health};
use sd_notify::NotifyState;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What was last seen to have been done.
#[derive(Debug, Default)]
pub struct Progress {
    answered: u64,
}

impl Progress {
    /// Whether the appliance is getting on: a frame was answered since the last time, or there is nothing to answer.
    pub fn is_made(&mut self, health: &Health) -> bool {
        let metrics = &health.metrics;
        // What was shown proves all stages, what was passed over or could not be read proves the network's.
        let done = [&metrics.results, &metrics.frames_passed_over, &metrics.frames_unreadable];
        let answered = done.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let has_more = answered != self.answered;
        self.answered = answered;
        // A camera that is silent for long becomes one that is lost.
        has_more || health.status().camera != CameraState::Ok
    }
}

/// How often systemd wants to hear, if it does.
#[must_use]
pub fn period() -> Option<Duration> {
    let wanted = sd_notify::watchdog_enabled()?;
    // Twice in each stretch, as `sd_watchdog_enabled(3)` advises, and never slower than a second.
    Some((wanted / 2).clamp(Duration::from_millis(100), Duration::from_secs(1)))
}

/// Says that the appliance is ready. Without systemd there is nobody to be told.
pub fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

/// How long opening a network may take: shaders are built, and golden photographs answered.
const OPENING: Duration = Duration::from_secs(900);

/// Says that something long begins, during which nobody feeds the watchdog; [`usual`] ends it.
pub fn opening() {
    set(OPENING);
}

/// Says that it is fed again.
pub fn usual() {
    set(sd_notify::watchdog_enabled().unwrap_or(OPENING));
}

fn set(period: Duration) {
    if sd_notify::watchdog_enabled().is_some() {
        let microseconds = u32::try_from(period.as_micros()).unwrap_or(u32::MAX);
        let _ = sd_notify::notify(&[NotifyState::WatchdogUsec(microseconds), NotifyState::Watchdog]);
    }
}

/// Says that it goes on.
pub fn feed() {
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}

/// Says that it ends.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_frame_that_was_answered_or_no_camera() {
        let (health, mut progress) = (Health::silent(), Progress::default());
        assert!(progress.is_made(&health), "no camera yet");
        health.set_camera(CameraState::Ok);
        assert!(!progress.is_made(&health), "frames come and nothing is answered");
        health.metrics.count(&health.metrics.results);
        assert!(progress.is_made(&health));
        assert!(!progress.is_made(&health), "the same one feeds once");
        health.metrics.count(&health.metrics.frames_passed_over);
        assert!(progress.is_made(&health), "idle is progress");
        health.set_camera(CameraState::Lost);
        assert!(progress.is_made(&health));
    }
}
