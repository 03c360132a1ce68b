//! What part of a photograph is seen, and how it lies in the square: crop, letterbox, flip, turn, and the detour over a thumbnail.

use clothingid_shared::picture::Picture;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rand::RngExt;
use rand_pcg::Pcg32;

use super::augment::Augmentation;

/// A rectangle of a photograph in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Crop {
    /// A random rectangle: its share of the area from `scale`, its stretch against the photograph up to `stretch` either way.
    #[must_use]
    pub fn draw(width: f64, height: f64, scale: [f64; 2], stretch: f64, random: &mut Pcg32) -> Self {
        let area = between(scale[0].clamp(0.01, 1.0), scale[1].clamp(0.01, 1.0), random);
        let most = stretch.max(1.0).ln();
        let aspect = between(-most, most, random).exp();
        let across = (area * aspect).sqrt().min(1.0) * width;
        let down = (area / aspect).sqrt().min(1.0) * height;
        let (across, down) = (across.max(1.0).min(width), down.max(1.0).min(height));
        Self {
            left: between(0.0, width - across, random),
            top: between(0.0, height - down, random),
            width: across,
            height: down,
        }
    }
}

/// Resizes a part of a picture. A failure cannot happen for sizes above zero, and would leave the target as it was.
pub fn resize(resizer: &mut Resizer, source: &Picture, crop: Crop, target: &mut Picture, filter: FilterType) {
    let (width, height) = (target.width(), target.height());
    let Ok(from) = ImageRef::new(source.width(), source.height(), source.rgb(), PixelType::U8x3) else { return };
    let Ok(mut to) = Image::from_slice_u8(width, height, target.rgb_mut(), PixelType::U8x3) else { return };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(crop.left, crop.top, crop.width, crop.height)
        .use_alpha(false);
    let _ = resizer.resize(&from, &mut to, &options);
}

/// The size of a thumbnail of a photograph, drawn from the settings; `None` where it stays as it is.
#[must_use]
pub fn thumbnail_size(settings: &Augmentation, width: u32, height: u32, random: &mut Pcg32) -> Option<(u32, u32)> {
    let long = width.max(height);
    // Drawn first, so that the following draws do not depend on the photograph's size.
    let is_chosen = random.random_bool(settings.thumbnail.clamp(0.0, 1.0));
    let [low, high] = settings.thumbnail_side;
    let side = random.random_range(low.min(high).max(8)..=high.max(low).max(8));
    if !is_chosen || long <= side {
        return None;
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(long)).max(1);
    Some((u32::try_from(scaled(width)).unwrap_or(side), u32::try_from(scaled(height)).unwrap_or(side)))
}

/// The colour around a letterboxed picture: mostly white, sometimes the photograph's own edge, sometimes any grey.
#[must_use]
pub fn background(picture: &Picture, white: f64, random: &mut Pcg32) -> [u8; 3] {
    around(|| edge_colour(picture), white, random)
}

/// The same of a photograph of whose edge the colour is known.
pub(super) fn around(edge: impl FnOnce() -> [u8; 3], white: f64, random: &mut Pcg32) -> [u8; 3] {
    let choice: f64 = random.random_range(0.0..1.0);
    let grey: u8 = random.random_range(0..=255);
    if choice < white {
        [255; 3]
    } else if choice < white + (1.0 - white) * 0.6 {
        edge()
    } else {
        [grey; 3]
    }
}

/// Width and height of a letterboxed crop in a square of `side`, before they are rounded.
pub(super) fn letterboxed(crop: Crop, side: f64, settings: &Augmentation, random: &mut Pcg32) -> (f64, f64) {
    let zoom =
        between(settings.zoom[0], settings.zoom[1], random).clamp(0.05, 1.0) * side / crop.width.max(crop.height);
    let most = settings.stretch.max(1.0).ln();
    let stretch = between(-most, most, random).exp().sqrt();
    (crop.width * zoom * stretch, crop.height * zoom / stretch)
}

/// Mean of the first and last row.
#[must_use]
pub fn edge_colour(picture: &Picture) -> [u8; 3] {
    let row = (picture.width() as usize * 3).max(3);
    let mut sums = [0_u32; 3];
    let mut count = 0_u32;
    let (first, last) = (picture.rgb().chunks_exact(row).next(), picture.rgb().chunks_exact(row).next_back());
    for line in first.into_iter().chain(last) {
        for pixel in line.chunks_exact(3) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += u32::from(value);
            }
            count += 1;
        }
    }
    sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
}

/// Mirrors a square of `side` pixels left to right.
pub fn flip(square: &mut [u8], side: usize) {
    for row in square.chunks_exact_mut((side * 3).max(1)) {
        row.as_chunks_mut::<3>().0.reverse();
    }
}

/// Turns a square about its middle, bilinear; what comes from outside repeats the edge.
#[expect(clippy::cast_possible_truncation, reason = "fixed point: sums stay below 2^31, weights sum to 65536")]
pub fn turn(square: &[u8], side: usize, degrees: f64, turned: &mut Vec<u8>) {
    turned.resize(square.len(), 0);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = (side as f64 - 1.0) / 2.0;
    // Fixed point with 8 fraction bits: the steps along a row are then two additions.
    let fixed = |value: f64| (value * 256.0).round() as i64;
    let (step_x, step_y) = (fixed(cos * 256.0), fixed(sin * 256.0));
    let most = (side as i64 - 1) << 8;
    for (y, row) in turned.chunks_exact_mut(side * 3).enumerate() {
        let down = y as f64 - middle;
        let mut x_fixed = fixed((middle - cos * middle - sin * down) * 256.0);
        let mut y_fixed = fixed((middle - sin * middle + cos * down) * 256.0);
        for pixel in row.chunks_exact_mut(3) {
            let (from_x, from_y) = ((x_fixed >> 8).clamp(0, most), (y_fixed >> 8).clamp(0, most));
            let (left, top) = ((from_x >> 8) as usize, (from_y >> 8) as usize);
            let (right, bottom) = ((left + 1).min(side - 1), (top + 1).min(side - 1));
            let (part_x, part_y) = ((from_x & 255) as u32, (from_y & 255) as u32);
            for (channel, value) in pixel.iter_mut().enumerate() {
                let at = |x: usize, y: usize| u32::from(square[(y * side + x) * 3 + channel]);
                let upper = at(left, top) * (256 - part_x) + at(right, top) * part_x;
                let lower = at(left, bottom) * (256 - part_x) + at(right, bottom) * part_x;
                *value = ((upper * (256 - part_y) + lower * part_y + 32768) >> 16) as u8;
            }
            x_fixed += step_x;
            y_fixed += step_y;
        }
    }
}

/// A uniform draw; `low` where the range is empty.
pub fn between(low: f64, high: f64, random: &mut Pcg32) -> f64 {
    let draw: f64 = random.random_range(0.0..1.0);
    if high > low { low + draw * (high - low) } else { low }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "drawn pictures may wrap")]
mod tests {
    use proptest::prelude::*;

    use super::{Crop, flip, turn};
    use crate::load::sampler::generator;

    #[test]
    fn flipping_twice_changes_nothing() {
        for side in [1_usize, 2, 5] {
            let square: Vec<u8> = (0..side * side * 3).map(|value| value as u8).collect();
            let mut other = square.clone();
            flip(&mut other, side);
            assert!(side == 1 || other != square);
            flip(&mut other, side);
            assert_eq!(other, square);
        }
    }

    #[test]
    fn turning_by_nothing_changes_nothing_and_by_a_quarter_moves_corners() {
        let side = 6;
        let square: Vec<u8> = (0..side * side * 3).map(|value| value as u8).collect();
        let mut turned = Vec::new();
        turn(&square, side, 0.0, &mut turned);
        assert_eq!(turned, square);
        turn(&square, side, 90.0, &mut turned);
        let at = |square: &[u8], x: usize, y: usize| square[(y * side + x) * 3];
        assert_eq!(at(&turned, 0, 0), at(&square, 5, 0));
        turn(&square, side, 37.0, &mut turned);
        assert_eq!(turned.len(), square.len());
    }

    proptest! {
        #[test]
        fn a_crop_lies_inside(width in 1_u32..500, height in 1_u32..500, low in 0.0_f64..1.2, high in 0.0_f64..1.2, stretch in 0.5_f64..3.0, seed in any::<u64>()) {
            let (width, height) = (f64::from(width), f64::from(height));
            let crop = Crop::draw(width, height, [low, high], stretch, &mut generator(seed, 0, 0, 0));
            prop_assert!(crop.left >= 0.0 && crop.top >= 0.0 && crop.width >= 1.0 && crop.height >= 1.0);
            prop_assert!(crop.left + crop.width <= width + 1e-9 && crop.top + crop.height <= height + 1e-9);
        }
    }
}
