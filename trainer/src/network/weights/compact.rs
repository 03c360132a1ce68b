//! The lossless int8 form: weights that were `q · scale` with one scale an output channel are kept as `q` and `scale`.
//!
//! MobileNetV2's ImageNet weights were published quantised, so nothing is lost by storing them so, and the file shrinks from 14 MB to 4.
//! Nothing here rounds: an array that is not exactly such a product stays `f32`.

use super::table::Array;

/// An `I8` array `NAME` has its scales, one an output channel, in `NAME.scale`.
pub const SCALE_SUFFIX: &str = ".scale";

/// Scales that are tried beside `max |w| / 127`, in units in the last place: the division may have rounded either way.
const NEIGHBOURS: i32 = 4;

/// The integers and the scales of an array that is exactly `q · scale` in `f32` arithmetic for each row of its first axis, else `None`.
///
/// The largest integer of a row is ±127, as symmetric per-channel quantisation makes it.
#[must_use]
pub fn recover(array: &Array) -> Option<(Vec<i8>, Vec<f32>)> {
    let rows = *array.shape.first()?;
    if array.shape.len() < 2 || rows == 0 || array.values.is_empty() {
        return None;
    }
    let mut integers = Vec::with_capacity(array.values.len());
    let mut scales = Vec::with_capacity(rows);
    for row in array.values.chunks_exact(array.values.len() / rows) {
        let (q, scale) = recover_row(row)?;
        integers.extend(q);
        scales.push(scale);
    }
    Some((integers, scales))
}

/// One channel.
fn recover_row(row: &[f32]) -> Option<(Vec<i8>, f32)> {
    let largest = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
    if largest == 0.0 {
        return row.iter().all(|w| w.to_bits() == 0).then(|| (vec![0; row.len()], 0.0));
    }
    let near = (largest / 127.0).to_bits();
    (-NEIGHBOURS..=NEIGHBOURS).find_map(|step| {
        let scale = f32::from_bits(near.checked_add_signed(step)?);
        let integers = row.iter().map(|&w| exact_quotient(w, scale)).collect::<Option<Vec<i8>>>()?;
        Some((integers, scale))
    })
}

/// The integer whose product with `scale` is `w` to the last bit (minus zero is not).
fn exact_quotient(w: f32, scale: f32) -> Option<i8> {
    let q = (w / scale).round_ties_even();
    if !(-127.0..=127.0).contains(&q) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within ±127")]
    let q = q as i8;
    ((f32::from(q) * scale).to_bits() == w.to_bits()).then_some(q)
}

/// The array that `recover` took apart.
#[must_use]
pub(super) fn expand(shape: Vec<usize>, integers: &[i8], scales: &[f32]) -> Array {
    let row = if scales.is_empty() { 1 } else { (integers.len() / scales.len()).max(1) };
    let values =
        integers.chunks(row).zip(scales).flat_map(|(q, &scale)| q.iter().map(move |&q| f32::from(q) * scale)).collect();
    Array { shape, values }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Array, expand, recover};

    #[test]
    fn what_was_never_quantised_stays_as_it_is() {
        let array = Array { shape: vec![1, 3], values: vec![0.1, 0.2, std::f32::consts::PI] };
        assert_eq!(recover(&array), None);
        assert_eq!(
            recover(&Array { shape: vec![2], values: vec![1.0, 2.0] }),
            None,
            "one axis has no channels to scale"
        );
        assert_eq!(recover(&Array { shape: vec![0, 3], values: Vec::new() }), None);
    }

    #[test]
    fn minus_zero_is_not_lost() {
        assert_eq!(recover(&Array { shape: vec![1, 2], values: vec![-0.0, 1.0] }), None);
        assert_eq!(recover(&Array { shape: vec![1, 2], values: vec![0.0, 0.0] }), Some((vec![0, 0], vec![0.0])));
    }

    proptest! {
        #[test]
        fn quantised_weights_come_back_to_the_last_bit(
            scale in 1e-6_f32..10.0,
            integers in proptest::collection::vec(-127_i8..=127, 1..64),
        ) {
            let mut integers = integers;
            integers.push(127);
            let array = expand(vec![1, integers.len()], &integers, &[scale]);
            let (q, s) = recover(&array).expect("made as a product");
            let again = expand(array.shape.clone(), &q, &s);
            prop_assert_eq!(array.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), again.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
