//! Changes of colour: exposure, contrast, saturation, hue and white balance, put together into one matrix and done in one pass.

use rand::RngExt;
use rand_pcg::Pcg32;

use super::augment::Augmentation;
use super::framing::between;

/// Fraction bits of the fixed-point matrix.
const BITS: i32 = 10;
/// Pixels that are changed at a time.
const BLOCK: usize = 64;

/// An affine map of RGB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourMap {
    /// Row by row: how much of each channel goes into each channel.
    pub matrix: [[f64; 3]; 3],
    /// Added afterwards, in grey levels.
    pub offset: f64,
}

/// Rec. 601 weights of brightness.
const BRIGHTNESS: [f64; 3] = [0.299, 0.587, 0.114];

impl ColourMap {
    /// Nothing changes.
    pub const SAME: Self = Self { matrix: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], offset: 0.0 };

    /// Draws a map. `mean` is the picture's mean brightness, about which contrast changes.
    #[must_use]
    pub fn draw(settings: &Augmentation, mean: f64, random: &mut Pcg32) -> Self {
        let around_one = |strength: f64, random: &mut Pcg32| between(1.0 - strength, 1.0 + strength, random).max(0.0);
        let exposure = around_one(settings.brightness, random);
        let contrast = around_one(settings.contrast, random);
        let saturation = around_one(settings.saturation, random);
        let hue = between(-settings.hue, settings.hue, random);
        let gains = [0; 3].map(|_| around_one(settings.white_balance, random));
        let is_grey = random.random_bool(settings.grey.clamp(0.0, 1.0));
        let saturation = if is_grey { 0.0 } else { saturation };
        let mut map = Self::SAME;
        for (row, gain) in map.matrix.iter_mut().zip(gains) {
            *row = row.map(|value| value * gain);
        }
        map.matrix = multiply(&hue_matrix(hue), &map.matrix);
        map.matrix = multiply(&saturation_matrix(saturation), &map.matrix);
        map.matrix = map.matrix.map(|row| row.map(|value| value * exposure * contrast));
        map.offset = (1.0 - contrast) * mean * exposure;
        map
    }

    /// Applies the map to RGB bytes.
    ///
    /// Fixed point, but in `f32`, which the compiler puts into vectors: a row's sum is a whole number below 2^24 and so exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "values are clamped to a byte; the matrix is a few units at most"
    )]
    pub fn apply(&self, rgb: &mut [u8]) {
        let scale = f64::from(1 << BITS);
        let m = self.matrix.map(|row| row.map(|value| (value * scale).round() as f32));
        let offset = (self.offset * scale).round() as f32 + (1 << (BITS - 1)) as f32;
        let (mut planes, mut changed) = ([[0.0_f32; BLOCK]; 3], [[0.0_f32; BLOCK]; 3]);
        for block in rgb.as_chunks_mut::<3>().0.chunks_mut(BLOCK) {
            for (place, pixel) in block.iter().enumerate() {
                for channel in 0..3 {
                    planes[channel][place] = f32::from(pixel[channel]);
                }
            }
            let [r, g, b] = &planes;
            for (out, row) in changed.iter_mut().zip(&m) {
                for place in 0..BLOCK {
                    let sum = row[0] * r[place] + row[1] * g[place] + row[2] * b[place] + offset;
                    out[place] = (sum * (1.0 / (1 << BITS) as f32)).clamp(0.0, 255.0);
                }
            }
            for (place, pixel) in block.iter_mut().enumerate() {
                for channel in 0..3 {
                    pixel[channel] = changed[channel][place] as u8;
                }
            }
        }
    }
}

/// Mean brightness of every eighth pixel.
#[must_use]
pub fn mean_brightness(rgb: &[u8]) -> f64 {
    let mut sum = 0_u64;
    let mut count = 0_u64;
    for pixel in rgb.chunks_exact(3).step_by(8) {
        sum += 299 * u64::from(pixel[0]) + 587 * u64::from(pixel[1]) + 114 * u64::from(pixel[2]);
        count += 1000;
    }
    sum as f64 / count.max(1) as f64
}

fn multiply(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut product = [[0.0; 3]; 3];
    for (row, a) in product.iter_mut().zip(a) {
        for (column, value) in row.iter_mut().enumerate() {
            *value = a.iter().zip(b).map(|(a, b)| a * b[column]).sum();
        }
    }
    product
}

/// Between grey (0), as it is (1) and stronger.
fn saturation_matrix(saturation: f64) -> [[f64; 3]; 3] {
    let mut matrix = [BRIGHTNESS.map(|weight| weight * (1.0 - saturation)); 3];
    for (channel, row) in matrix.iter_mut().enumerate() {
        row[channel] += saturation;
    }
    matrix
}

/// Rotation about the grey axis, in degrees (Rodrigues' formula).
fn hue_matrix(degrees: f64) -> [[f64; 3]; 3] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let same = cos + (1.0 - cos) / 3.0;
    let (minus, plus) = ((1.0 - cos) / 3.0 - sin / 3.0_f64.sqrt(), (1.0 - cos) / 3.0 + sin / 3.0_f64.sqrt());
    [[same, minus, plus], [plus, same, minus], [minus, plus, same]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ColourMap, hue_matrix, mean_brightness, multiply, saturation_matrix};
    use crate::load::augment::Augmentation;
    use crate::load::sampler::generator;

    #[test]
    fn no_strength_changes_nothing() {
        let map = ColourMap::draw(&Augmentation::none(), 100.0, &mut generator(1, 2, 3, 4));
        let mut rgb: Vec<u8> = (0..=255).collect();
        rgb.truncate(255);
        let before = rgb.clone();
        map.apply(&mut rgb);
        assert_eq!(rgb, before);
    }

    #[test]
    fn a_third_of_a_turn_swaps_channels_and_no_saturation_is_grey() {
        let mut rgb = vec![200, 10, 30];
        ColourMap { matrix: hue_matrix(120.0), offset: 0.0 }.apply(&mut rgb);
        assert_eq!(rgb, [30, 200, 10]);
        ColourMap { matrix: saturation_matrix(0.0), offset: 0.0 }.apply(&mut rgb);
        assert!(rgb.iter().all(|&value| value == rgb[0]));
        let there_and_back = multiply(&hue_matrix(-33.0), &hue_matrix(33.0));
        assert!((there_and_back[0][0] - 1.0).abs() < 1e-12 && there_and_back[0][1].abs() < 1e-12);
    }

    /// The definition: whole numbers, one pixel after another.
    #[expect(clippy::cast_possible_truncation, reason = "a matrix's values are a few units")]
    fn plain(map: &ColourMap, rgb: &mut [u8]) {
        let fixed = |value: f64| (value * 1024.0).round() as i64;
        for pixel in rgb.chunks_exact_mut(3) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(i64::from);
            for (value, row) in pixel.iter_mut().zip(map.matrix.map(|row| row.map(fixed))) {
                let sum = row[0] * r + row[1] * g + row[2] * b + fixed(map.offset) + 512;
                *value = u8::try_from((sum >> 10).clamp(0, 255)).unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn vectors_of_floats_give_what_whole_numbers_give(
            rgb in prop::collection::vec(any::<u8>(), 0..700), seed in any::<u64>(), mean in 0.0_f64..255.0,
        ) {
            let map = ColourMap::draw(&Augmentation::identification(), mean, &mut generator(seed, 0, 0, 0));
            let (mut fast, mut expected) = (rgb.clone(), rgb);
            map.apply(&mut fast);
            plain(&map, &mut expected);
            prop_assert_eq!(fast, expected);
        }
    }

    #[test]
    fn the_mean_of_nothing_is_zero() {
        assert_eq!(mean_brightness(&[]), 0.0);
        assert_eq!(mean_brightness(&[255; 3 * 64]), 255.0);
    }
}
