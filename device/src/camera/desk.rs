//! Where a camera's controls are asked for while the pipeline has the camera.
//!
//! The capture stage owns the camera; the staff's page leaves here what it wants, and finds here what the camera has. What was asked for is set
//! again each time the camera is opened: one that was unplugged has forgotten.

use super::{Camera, ControlReport, ControlWishes};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is asked of the camera, and what it answered.
#[derive(Debug, Default)]
pub struct ControlDesk {
    /// Whether something was asked since the camera was last seen to.
    is_asked: AtomicBool,
    /// Whether the camera is to be opened anew.
    is_useless: AtomicBool,
    wishes: Mutex<ControlWishes>,
    answer: Mutex<Answer>,
}

/// The newest that a camera said of its controls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The controls it has; none while there is no camera.
    pub controls: Vec<ControlReport>,
    /// What could not be done as wished.
    pub remarks: Vec<String>,
    /// Goes up with each answer.
    pub number: u64,
}

impl ControlDesk {
    /// These wishes are set when a camera is opened.
    #[must_use]
    pub fn new(wishes: ControlWishes) -> Self {
        Self { wishes: Mutex::new(wishes), ..Self::default() }
    }

    /// What is set when a camera is opened.
    #[must_use]
    pub fn wishes(&self) -> ControlWishes {
        held(&self.wishes).clone()
    }

    /// Asks for these controls, now and whenever the camera is opened; those that are not named stay as they are. With none, the camera's
    /// values are read again.
    pub fn ask(&self, wishes: &ControlWishes) {
        held(&self.wishes).extend(wishes);
        self.is_asked.store(true, Ordering::Release);
    }

    /// The newest answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        held(&self.answer).clone()
    }

    /// Sets what was asked for since the last time, and notes what the camera has. Called between frames; costs nothing where nothing was asked.
    pub fn see_to(&self, camera: &mut dyn Camera) {
        if self.is_asked.swap(false, Ordering::AcqRel) {
            self.set_all(camera);
        }
    }

    /// Sets all wishes, as for a camera that was just opened.
    pub fn set_all(&self, camera: &mut dyn Camera) {
        let wishes = self.wishes();
        let remarks = if wishes.is_empty() { Vec::new() } else { camera.set_controls(&wishes) };
        let controls = camera.controls();
        let mut answer = held(&self.answer);
        *answer = Answer { controls, remarks, number: answer.number + 1 };
    }

    /// Says that none of the camera's frames can be read: it is to be opened anew.
    pub fn give_up(&self) {
        self.is_useless.store(true, Ordering::Release);
    }

    /// Whether the camera is to be opened anew; once.
    pub fn has_given_up(&self) -> bool {
        self.is_useless.swap(false, Ordering::AcqRel)
    }

    /// Notes that there is no camera.
    pub fn clear(&self) {
        held(&self.answer).controls.clear();
    }
}

/// Only whole values are ever put under the lock.
fn held<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::v4l2::{Control, Wish};
    use super::super::{CameraError, Frame};
    use super::*;

    /// A camera that takes every value.
    #[derive(Default)]
    struct Willing(Vec<ControlWishes>);

    impl Camera for Willing {
        fn describe(&self) -> &str {
            "willing"
        }
        fn next(&mut self, _frame: &mut Frame) -> Result<(), CameraError> {
            Ok(())
        }
        fn set_controls(&mut self, wishes: &ControlWishes) -> Vec<String> {
            self.0.push(wishes.clone());
            Vec::new()
        }
    }

    #[test]
    fn what_was_asked_is_set_once_and_again_when_the_camera_returns() {
        let configured: ControlWishes = [(Control::Gain, Wish::Automatic)].into();
        let desk = ControlDesk::new(configured);
        let mut camera = Willing::default();
        desk.set_all(&mut camera);
        desk.see_to(&mut camera);
        assert_eq!(camera.0.len(), 1, "nothing was asked since");
        desk.ask(&[(Control::Gain, Wish::Value(7)), (Control::Focus, Wish::Value(1))].into());
        desk.see_to(&mut camera);
        desk.see_to(&mut camera);
        let expected: ControlWishes = [(Control::Gain, Wish::Value(7)), (Control::Focus, Wish::Value(1))].into();
        assert_eq!(camera.0.last(), Some(&expected));
        assert_eq!(camera.0.len(), 2);
        let mut back = Willing::default();
        desk.set_all(&mut back);
        assert_eq!(back.0, [expected]);
        assert_eq!(desk.answer().number, 3);
    }
}
