//! What a photograph looks like in a few bytes: enough to find pairs that show the same picture.
//!
//! **Source**: dHash, N. Krawetz, "Kind of Like That" (2013): the signs of the brightness differences of neighbours in a 9 × 8 grid.
//! On product photographs it alone is too coarse (plain shirts on white collide), so a small colour picture confirms each pair.

use clothingid_shared::files;
use clothingid_shared::picture::Picture;

/// Side of the small colour picture.
pub const SMALL_SIDE: usize = 16;

/// What a photograph looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// 64 signs of brightness differences.
    pub differences: u64,
    /// The same of the mirrored picture.
    pub mirrored_differences: u64,
    /// [`SMALL_SIDE`]² RGB averages, row by row.
    pub small: Vec<[u8; 3]>,
    /// First 64 bits of the SHA-256 of the pixels, turned by width and height: equal for equal pictures, whatever file they came in.
    pub pixels: u64,
}

impl Fingerprint {
    /// Looks at a picture.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let grid = averages(picture, 9, 8);
        let bright: Vec<u32> =
            grid.iter().map(|&[r, g, b]| 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)).collect();
        let mut differences = 0;
        let mut mirrored_differences = 0;
        for row in bright.chunks_exact(9) {
            for (left, right) in row.iter().zip(row.iter().skip(1)) {
                differences = differences << 1 | u64::from(left < right);
            }
            for (right, left) in row.iter().rev().skip(1).zip(row.iter().rev()) {
                mirrored_differences = mirrored_differences << 1 | u64::from(left < right);
            }
        }
        let small = averages(picture, SMALL_SIDE, SMALL_SIDE);
        Self { differences, mirrored_differences, small, pixels: pixels(picture) }
    }

    /// Sum of the small picture's values.
    #[must_use]
    pub fn brightness(&self) -> u32 {
        self.small.iter().flatten().map(|&value| u32::from(value)).sum()
    }

    /// Mean absolute difference of the small pictures, in grey levels.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f64 {
        mean_difference(self.small.iter(), other.small.iter())
    }

    /// The same, against the other picture mirrored.
    #[must_use]
    pub fn mirrored_distance(&self, other: &Self) -> f64 {
        mean_difference(self.small.iter(), other.small.chunks_exact(SMALL_SIDE).flat_map(|row| row.iter().rev()))
    }

    /// Mean absolute deviation of the small picture from its own mean, in grey levels: how much there is to see.
    #[must_use]
    pub fn contrast(&self) -> f64 {
        let count = (self.small.len() * 3).max(1) as f64;
        let mean = self.small.iter().flatten().map(|&value| f64::from(value)).sum::<f64>() / count;
        self.small.iter().flatten().map(|&value| (f64::from(value) - mean).abs()).sum::<f64>() / count
    }
}

fn pixels(picture: &Picture) -> u64 {
    let hash = files::sha256_hex(picture.rgb());
    let first = hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    first ^ (u64::from(picture.width()) << 32 | u64::from(picture.height()))
}

fn mean_difference<'a>(a: impl Iterator<Item = &'a [u8; 3]>, b: impl Iterator<Item = &'a [u8; 3]>) -> f64 {
    let mut sum = 0_u32;
    let mut count = 0_u32;
    for (a, b) in a.zip(b) {
        for (a, b) in a.iter().zip(b) {
            sum += u32::from(a.abs_diff(*b));
            count += 1;
        }
    }
    f64::from(sum) / f64::from(count.max(1))
}

/// Averages over a grid of boxes; a box narrower than a pixel takes the pixel under it.
fn averages(picture: &Picture, columns: usize, rows: usize) -> Vec<[u8; 3]> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut out = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let (top, bottom) = span(row, rows, height);
        for column in 0..columns {
            let (left, right) = span(column, columns, width);
            let mut sum = [0_u64; 3];
            for line in picture.rgb().chunks_exact((width * 3).max(3)).take(bottom).skip(top) {
                for pixel in line.chunks_exact(3).take(right).skip(left) {
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += u64::from(value);
                    }
                }
            }
            let count = ((bottom - top) * (right - left)).max(1) as u64;
            out.push(sum.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)));
        }
    }
    out
}

fn span(index: usize, count: usize, length: usize) -> (usize, usize) {
    let begin = (index * length / count).min(length.saturating_sub(1));
    (begin, ((index + 1) * length / count).clamp(begin + 1, length.max(begin + 1)))
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::Picture;

    use super::Fingerprint;

    fn picture(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Picture {
        let rgb =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| [value(x, y); 3]).collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn one_pixel_and_odd_sizes_have_fingerprints() {
        for (width, height) in [(1, 1), (1, 9), (7, 3), (17, 200)] {
            let print = Fingerprint::of(&picture(width, height, |x, _| u8::try_from(x * 3).unwrap()));
            assert_eq!(print.small.len(), 256);
            assert_eq!(print.distance(&print), 0.0);
        }
        assert_eq!(Fingerprint::of(&picture(1, 1, |_, _| 9)).contrast(), 0.0);
    }

    #[test]
    fn a_picture_is_near_to_its_smaller_self_and_far_from_another() {
        let wave = |side: u32| {
            picture(side, side, move |x, y| u8::try_from((x * 97 / side * 2 + (y * 5 / side) * 10) % 256).unwrap())
        };
        let (large, small) = (Fingerprint::of(&wave(200)), Fingerprint::of(&wave(50)));
        assert!(large.distance(&small) < 5.0, "{}", large.distance(&small));
        assert!((large.differences ^ small.differences).count_ones() <= 3);
        let other = Fingerprint::of(&picture(64, 64, |x, y| if (x / 9 + y / 7) % 2 == 0 { 255 } else { 0 }));
        assert!(large.distance(&other) > 20.0);
    }

    #[test]
    fn equal_pixels_of_another_shape_are_another_picture() {
        let flat = |width, height| Fingerprint::of(&picture(width, height, |_, _| 9)).pixels;
        assert_eq!(flat(4, 6), flat(4, 6));
        assert_ne!(flat(4, 6), flat(6, 4));
        assert_ne!(flat(4, 6), Fingerprint::of(&picture(4, 6, |x, _| if x == 3 { 8 } else { 9 })).pixels);
    }

    #[test]
    fn the_mirrored_hash_is_the_hash_of_the_mirrored_picture() {
        // 144 pixels divide into 9 and into 16 boxes, so that the boxes are the same from both sides.
        let plain = picture(144, 80, |x, y| u8::try_from(x * x / 100 + y / 2).unwrap());
        let mirrored = picture(144, 80, |x, y| u8::try_from((143 - x) * (143 - x) / 100 + y / 2).unwrap());
        let (plain, mirrored) = (Fingerprint::of(&plain), Fingerprint::of(&mirrored));
        assert_eq!(plain.mirrored_differences, mirrored.differences);
        assert!(plain.mirrored_distance(&mirrored) < 1.0 && plain.distance(&mirrored) > 10.0);
    }
}
