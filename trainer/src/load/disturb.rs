//! What cameras and shops do to a picture: blur, JPEG, something in front of the garment.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rand::RngExt;
use rand_pcg::Pcg32;

use clothingid_shared::picture::{self, Picture};

use super::framing::between;

/// Blurs a square with the binomial kernel 1-2-1 in both directions, `times` over (standard deviation √(times/2) pixels).
pub fn blur(square: &mut [u8], side: usize, times: u32, scratch: &mut Vec<u8>) {
    let row_len = side * 3;
    if side < 3 || square.len() != row_len * side {
        return;
    }
    for _ in 0..times {
        scratch.clear();
        scratch.extend_from_slice(square);
        for (row, out) in scratch.chunks_exact(row_len).zip(square.chunks_exact_mut(row_len)) {
            for ((value, left), (same, right)) in
                out[3..row_len - 3].iter_mut().zip(row).zip(row[3..].iter().zip(&row[6..]))
            {
                *value = weigh(*left, *same, *right);
            }
        }
        scratch.clear();
        scratch.extend_from_slice(square);
        let above = scratch.chunks_exact(row_len);
        let same = scratch[row_len..].chunks_exact(row_len);
        let below = scratch[2 * row_len..].chunks_exact(row_len);
        for (out, ((above, same), below)) in square[row_len..].chunks_exact_mut(row_len).zip(above.zip(same).zip(below))
        {
            for ((value, above), (same, below)) in out.iter_mut().zip(above).zip(same.iter().zip(below)) {
                *value = weigh(*above, *same, *below);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most (4 * 255 + 2) / 4 = 255")]
fn weigh(before: u8, same: u8, after: u8) -> u8 {
    let sum = u16::from(before) + 2 * u16::from(same) + u16::from(after) + 2;
    (sum >> 2) as u8
}

/// Writes a picture as JPEG of a quality and reads it again. Where the encoder fails, the picture stays as it is.
pub fn recompress(rgb: &mut Picture, quality: u8, bytes: &mut Vec<u8>) {
    bytes.clear();
    let mut encoder = JpegEncoder::new_with_quality(&mut *bytes, quality.clamp(1, 100));
    if encoder.encode(rgb.rgb(), rgb.width(), rgb.height(), ExtendedColorType::Rgb8).is_ok() {
        let mut again = Picture::default();
        if picture::decode_into(bytes, &mut again).is_ok() && again.rgb().len() == rgb.rgb().len() {
            *rgb = again;
        }
    }
}

/// Width and height of a rectangle of `share` of a square's area, in shares of its side; one of them may be more than all of it.
pub(super) fn rectangle(share: [f64; 2], random: &mut Pcg32) -> [f64; 2] {
    let area = between(share[0], share[1], random).clamp(0.0, 1.0);
    let aspect = between(-1.0, 1.0, random).exp();
    [(area * aspect).sqrt(), (area / aspect).sqrt()]
}

/// Covers a rectangle of `share` of the area with one colour or with noise.
///
/// **Source**: Z. Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.
#[expect(clippy::cast_possible_truncation, reason = "lengths are clamped to the side")]
pub fn erase(square: &mut [u8], side: usize, share: [f64; 2], random: &mut Pcg32) {
    let length = |share: f64| ((share * side as f64).round() as usize).clamp(1, side.max(1));
    let [width, height] = rectangle(share, random).map(length);
    let left = random.random_range(0..=side.saturating_sub(width));
    let top = random.random_range(0..=side.saturating_sub(height));
    let is_noise = random.random_bool(0.3);
    let colour: [u8; 3] = random.random();
    for row in square.chunks_exact_mut(side * 3).skip(top).take(height) {
        for pixel in row.chunks_exact_mut(3).skip(left).take(width) {
            let colour = if is_noise { random.random() } else { colour };
            pixel.copy_from_slice(&colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::Picture;

    use super::{blur, erase, recompress};
    use crate::load::sampler::generator;

    #[test]
    fn blur_keeps_flat_pictures_and_spreads_a_dot() {
        let mut flat = vec![77; 9 * 9 * 3];
        blur(&mut flat, 9, 3, &mut Vec::new());
        assert!(flat.iter().all(|&value| value == 77));
        let mut dot = vec![0; 5 * 5 * 3];
        dot[(2 * 5 + 2) * 3] = 160;
        blur(&mut dot, 5, 1, &mut Vec::new());
        let at = |x: usize, y: usize| dot[(y * 5 + x) * 3];
        assert_eq!((at(2, 2), at(1, 2), at(1, 1), at(2, 1), at(0, 0)), (40, 20, 10, 20, 0));
        for side in [0, 1, 2] {
            blur(&mut vec![1; side * side * 3], side, 2, &mut Vec::new());
        }
    }

    #[test]
    fn recompressing_keeps_the_size_and_nearly_the_look() {
        let mut picture = Picture::filled(37, 21, [200, 30, 90]);
        recompress(&mut picture, 60, &mut Vec::new());
        assert_eq!((picture.width(), picture.height()), (37, 21));
        assert!(picture.rgb()[0].abs_diff(200) < 12);
    }

    #[test]
    fn erasing_covers_about_the_share() {
        let side = 100;
        for seed in 0..20 {
            let mut square = vec![3; side * side * 3];
            erase(&mut square, side, [0.1, 0.1], &mut generator(seed, 0, 0, 0));
            let changed = square.chunks_exact(3).filter(|pixel| **pixel != [3; 3]).count();
            assert!((800..=1200).contains(&changed), "{changed}");
        }
    }
}
