//! Cosine similarity of two embeddings.

use super::Embedding;

/// A cosine, −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Cosine(f32);

impl Cosine {
    /// Clamps what rounding left outside of −1 to 1; not-a-number becomes −1, so that it never wins.
    #[must_use]
    pub fn new(value: f32) -> Self {
        Self(if value.is_nan() { -1.0 } else { value.clamp(-1.0, 1.0) })
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }
}

/// Similarity of two quantised embeddings: exact integers, one rounding at the end.
///
/// Embeddings of different length compare over the shorter one; a catalogue refuses them before it comes to that.
#[must_use]
pub fn similarity(a: &Embedding, b: &Embedding) -> Cosine {
    let dot: i32 = a.values.iter().zip(&b.values).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
    let product = f64::from(dot) * f64::from(a.scale) * f64::from(b.scale);
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding to float32")]
    Cosine::new(product as f32)
}

/// Cosine of two float vectors of any length.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (mut dot, mut aa, mut bb) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    let lengths = (aa * bb).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding to float32")]
    let value = if lengths > 0.0 { (dot / lengths) as f32 } else { 0.0 };
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cosine, cosine, similarity};
    use crate::embedding::Embedding;

    #[test]
    fn ends_of_the_range() {
        let a = Embedding::quantise(&[1.0, 2.0, -3.0]).unwrap();
        let b = Embedding::quantise(&[-1.0, -2.0, 3.0]).unwrap();
        assert!((similarity(&a, &a).value() - 1.0).abs() < 5e-3);
        assert!((similarity(&a, &b).value() + 1.0).abs() < 5e-3);
        assert!((Cosine::new(f32::NAN).value() + 1.0).abs() < f32::EPSILON);
        assert!(cosine(&[0.0], &[1.0]).abs() < f32::EPSILON);
    }

    proptest! {
        #[test]
        fn int8_stays_close_to_float(pair in proptest::collection::vec((-1f32..1.0, -1f32..1.0), 64..256)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pair.into_iter().unzip();
            let (qa, qb) = (Embedding::quantise(&a).unwrap(), Embedding::quantise(&b).unwrap());
            prop_assert!((similarity(&qa, &qb).value() - cosine(&a, &b)).abs() < 0.01);
        }
    }
}
