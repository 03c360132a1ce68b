//! Whether a frame is worth the network's time: what has not moved has been answered already. And whether the camera still sees the same scene.
//!
//! Readings are averaged over frames, which is right while the same garment is held and wrong across a change to another. Two pictures of the network's input size that differ by
//! more than [`CHANGE`] grey levels a value on average are two scenes: a garment that is moved or turned differs by less, another garment on the same background by more.
//!
//! A camera on a counter sees the same thing most of the day. The network looks again when something moves by more than [`STILL`] grey levels a
//! value on average (the noise of a sensor is far below that in a picture that was made eight times smaller), or once in [`LOOK_AGAIN`]. The picture
//! is compared with the one at the last motion, so that slow changes add up. A garment may be taken away for another of its colour without so much motion: what the network
//! says at such a later look then has another direction, and the scene begins anew ([`Gate::restart`]). Where nothing has moved for a while and no garment is there, the appliance
//! is idle: it takes two frames a second, and the board cools down.

use std::time::{Duration, Instant};

/// Mean absolute difference, in grey levels, above which it is another scene.
pub const CHANGE: f64 = 20.0;

/// Mean absolute difference, in grey levels, below which nothing has moved.
pub const STILL: f64 = 1.5;

/// Frames of a scene that the network looks at before it rests: readings are averaged, and these settle.
pub const SETTLED: u32 = 12;

/// The network looks at a still scene again after this time.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Without motion and without a garment for so long, the appliance is idle.
pub const IDLE_AFTER: Duration = Duration::from_secs(60);

/// When idle, frames that come sooner after the one before are passed over.
pub const IDLE_PERIOD: Duration = Duration::from_millis(500);

/// What is to be done with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Let the network look: it is another scene than before, or the first.
    NewScene,
    /// Let the network look.
    Look,
    /// Let it look again, though nothing has moved.
    LookAgain,
    /// The reading before still holds.
    Rest,
}

/// Remembers what the network has seen last.
#[derive(Debug)]
pub struct Gate {
    seen: Vec<u8>,
    /// Frames of this scene that were looked at.
    looks: u32,
    looked: Option<Instant>,
    /// Since when nothing has moved and no garment is there.
    quiet_since: Option<Instant>,
    taken: Option<Instant>,
}

impl Gate {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self { seen: Vec::new(), looks: 0, looked: None, quiet_since: None, taken: None }
    }

    /// Whether nothing has happened for so long that two frames a second are enough.
    #[must_use]
    pub fn is_idle(&self, now: Instant) -> bool {
        self.quiet_since.is_some_and(|since| now.saturating_duration_since(since) >= IDLE_AFTER)
    }

    /// Whether a frame that comes now is to be passed over, undecoded.
    pub fn passes_over(&mut self, now: Instant) -> bool {
        let is_soon = self.taken.is_some_and(|taken| now.saturating_duration_since(taken) < IDLE_PERIOD);
        if self.is_idle(now) && is_soon {
            return true;
        }
        self.taken = Some(now);
        false
    }

    /// What to do with a picture of the network's size. After any but [`Decision::Rest`], say what came of it with [`Gate::saw`].
    pub fn decide(&mut self, rgb: &[u8], now: Instant) -> Decision {
        let moved = difference(&self.seen, rgb);
        let has_moved = moved.is_none_or(|moved| moved > STILL);
        if has_moved {
            self.looks = 0;
            self.quiet_since = None;
        }
        let is_due = self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_AGAIN);
        let decision = if has_moved {
            self.seen.clear();
            self.seen.extend_from_slice(rgb);
            if moved.is_none_or(|moved| moved > CHANGE) { Decision::NewScene } else { Decision::Look }
        } else if self.looks < SETTLED {
            Decision::Look
        } else if is_due {
            Decision::LookAgain
        } else {
            return Decision::Rest;
        };
        self.looks = self.looks.saturating_add(1);
        self.looked = Some(now);
        decision
    }

    /// Another scene has begun, though nothing has moved: it is looked at until it settles.
    pub fn restart(&mut self) {
        self.looks = 1;
        self.quiet_since = None;
    }

    /// What the network saw of the picture that it looked at: whether a garment is there.
    pub fn saw(&mut self, is_garment: bool, now: Instant) {
        self.quiet_since = if is_garment { None } else { Some(self.quiet_since.unwrap_or(now)) };
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Mean absolute difference of pictures of one size, in grey levels.
fn difference(a: &[u8], b: &[u8]) -> Option<f64> {
    if a.len() != b.len() || a.is_empty() {
        return None;
    }
    let sum: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    Some(sum as f64 / a.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of one level, thirty a second: what is done with each.
    fn looks(gate: &mut Gate, start: Instant, from: u32, levels: &[u8]) -> Vec<bool> {
        let at = |frame: u32| start + Duration::from_millis(33) * frame;
        let frames = levels.iter().zip(from..);
        frames.map(|(&level, frame)| gate.decide(&[level; 30], at(frame)) != Decision::Rest).collect()
    }

    #[test]
    fn a_still_scene_is_looked_at_until_it_settles_then_once_a_second() {
        let (mut gate, start) = (Gate::new(), Instant::now());
        let looked = looks(&mut gate, start, 0, &[100; 90]);
        let count = |looked: &[bool]| looked.iter().filter(|look| **look).count();
        assert_eq!(count(&looked[..12]), 12);
        assert!((2..=3).contains(&count(&looked[12..])), "{looked:?}");
        assert_eq!(looks(&mut gate, start, 90, &[160]), [true], "another scene");
        assert_eq!(count(&looks(&mut gate, start, 91, &[160; 30])), 11, "which settles anew");
    }

    #[test]
    fn noise_is_no_motion_and_slow_changes_add_up() {
        let (mut gate, start) = (Gate::new(), Instant::now());
        looks(&mut gate, start, 0, &[100; 12]);
        assert_eq!(looks(&mut gate, start, 12, &[101, 99, 101]), [false; 3]);
        assert!(looks(&mut gate, start, 15, &[101, 101, 102, 102, 103]).contains(&true));
        let (mut gate, later) = (Gate::new(), start);
        looks(&mut gate, later, 0, &[100; 12]);
        // A level in two seconds: each look that is due sees less than one.
        let slow: Vec<u8> = (0..120).map(|frame| 100 + u8::try_from(frame / 60).unwrap()).collect();
        looks(&mut gate, later, 12, &slow);
        assert_eq!(looks(&mut gate, later, 132, &[102]), [true], "two levels from where it was");
    }

    #[test]
    fn the_first_and_another_are_new_scenes_and_motion_is_not() {
        let (mut gate, now) = (Gate::new(), Instant::now());
        for (level, values, decision) in [
            (100, 12, Decision::NewScene),
            (104, 12, Decision::Look),
            (124, 12, Decision::Look),
            (145, 12, Decision::NewScene),
            (145, 6, Decision::NewScene),
        ] {
            assert_eq!(gate.decide(&vec![level; values], now), decision, "{level} {values}");
        }
    }

    #[test]
    fn a_scene_that_is_begun_anew_is_looked_at_until_it_settles() {
        let (mut gate, start) = (Gate::new(), Instant::now());
        looks(&mut gate, start, 0, &[100; 20]);
        let due = start + LOOK_AGAIN + Duration::from_millis(400);
        assert_eq!(gate.decide(&[100; 30], due), Decision::LookAgain);
        gate.restart();
        assert_eq!(gate.decide(&[100; 30], due), Decision::Look);
    }

    #[test]
    fn an_empty_counter_becomes_idle_and_wakes_up() {
        let (mut gate, start) = (Gate::new(), Instant::now());
        assert_eq!(gate.decide(&[9; 3], start), Decision::NewScene);
        gate.saw(false, start);
        let later = start + IDLE_AFTER;
        assert!(!gate.is_idle(later - Duration::from_millis(1)) && gate.is_idle(later));
        assert!(!gate.passes_over(later) && gate.passes_over(later + Duration::from_millis(33)));
        assert!(!gate.passes_over(later + IDLE_PERIOD));
        assert_eq!(gate.decide(&[90; 3], later), Decision::NewScene);
        assert!(!gate.is_idle(later), "it has moved");
        gate.saw(true, later);
        assert!(!gate.is_idle(later + IDLE_AFTER * 2), "a garment lies there");
    }
}
