//! Whether the camera still sees the same scene.
//!
//! Readings are averaged over frames, which is right while the same garment is held and wrong across a change to another.
//! Two pictures of the network's input size that differ by more than [`CHANGE`] grey levels a value on average are two
//! scenes: a garment that is moved or turned differs by less, another garment on the same background by more; sensor
//! noise is a few levels.

use super::gate::difference;

/// Mean absolute difference, in grey levels, above which it is another scene.
pub const CHANGE: f64 = 20.0;

/// Remembers the picture before.
#[derive(Debug, Default)]
pub struct Scene {
    before: Vec<u8>,
}

impl Scene {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `rgb` shows another scene than the picture before (the first picture does).
    pub fn is_new(&mut self, rgb: &[u8]) -> bool {
        let is_new = difference(&self.before, rgb).is_none_or(|difference| difference > CHANGE);
        self.before.clear();
        self.before.extend_from_slice(rgb);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_another_are_new_and_noise_is_not() {
        let mut scene = Scene::new();
        assert!(scene.is_new(&[100; 12]));
        assert!(!scene.is_new(&[104; 12]));
        assert!(!scene.is_new(&[124; 12]), "just at the bound");
        assert!(scene.is_new(&[145; 12]));
        assert!(scene.is_new(&[145; 6]), "another size");
    }
}
