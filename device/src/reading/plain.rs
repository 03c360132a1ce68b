//! Whether a picture shows nothing but a plain surface: an empty wall, a table, a covered lens.
//!
//! The network was taught with photographs of things and takes such a surface for a garment: walls in six colours, under a lamp, with the noise of
//! a sensor, have scores of 0.5 to 0.98. But whatever is held before a camera has an outline, folds, a pattern, also where it is dim or out of focus. So
//! the picture is looked at in blocks, in whose means the noise is gone and the light of a lamp changes evenly, and those are counted that stand out from the
//! blocks around. Of 7,397 photographs of garments and of other things none is plain (BENCHMARKS.md, "Plain surfaces"), nor are the bundle's at a quarter
//! of their light or far out of focus (the test below).

use clothingid_shared::picture::Picture;

/// Side of a block in pixels.
const BLOCK: usize = 4;

/// Grey levels by which a block's mean stands out from the mean of those above, below and beside it.
const DETAIL: f64 = 1.5;

/// A picture with fewer such blocks is a plain surface.
const FEWEST: usize = 8;

/// Whether a picture of the network's size is plain. Blocks with the `background`'s colour in them, and what would be compared with them, are passed
/// over: the edge of a frame that was fitted into the square is none of what it shows.
pub(super) fn is_plain(picture: &Picture, background: [u8; 3]) -> bool {
    let blocks = Blocks { pixels: picture.rgb().as_chunks::<3>().0, width: picture.width() as usize, background };
    let (across, down) = (picture.width() as usize / BLOCK, picture.height() as usize / BLOCK);
    // Of sums of a block's pixels, four times.
    let detail = DETAIL * 4.0 * (BLOCK * BLOCK) as f64;
    let mut details = 0;
    for y in 1..down.saturating_sub(1) {
        for x in 1..across.saturating_sub(1) {
            let around = [(x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)].map(|(x, y)| blocks.sum(x, y));
            let [Some(above), Some(below), Some(before), Some(after)] = around else { continue };
            let Some(here) = blocks.sum(x, y) else { continue };
            if f64::from((4 * here).abs_diff(above + below + before + after)) > detail {
                details += 1;
                if details == FEWEST {
                    return false;
                }
            }
        }
    }
    true
}

/// A picture in blocks.
struct Blocks<'a> {
    pixels: &'a [[u8; 3]],
    width: usize,
    background: [u8; 3],
}

impl Blocks<'_> {
    /// Sum of the grey levels of a block; nothing where one of its pixels has the background's colour.
    fn sum(&self, x: usize, y: usize) -> Option<u32> {
        let mut sum = 0;
        for row in y * BLOCK..(y + 1) * BLOCK {
            let from = row * self.width + x * BLOCK;
            for &pixel in self.pixels.get(from..from + BLOCK)? {
                if pixel == self.background {
                    return None;
                }
                sum += luma(pixel);
            }
        }
        Some(sum)
    }
}

/// ITU-R BT.601, in grey levels.
fn luma([r, g, b]: [u8; 3]) -> u32 {
    (77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;
    use clothingid_shared::picture::PictureContract;

    /// A wall under a lamp: a frame of 640×360 in the square, with the noise of a sensor.
    fn wall(colour: [u8; 3], noise: i16) -> Picture {
        let (width, height) = (640_u32, 360_u32);
        let mut rgb: Vec<u8> = Vec::new();
        // From -noise to noise, by the place: SplitMix64.
        let dice = |place: usize| {
            let mut hash = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            i16::try_from((hash >> 33) % (2 * u64::from(noise.unsigned_abs()) + 1)).unwrap() - noise
        };
        for y in 0..height {
            for x in 0..width {
                let (across, down) = (f64::from(x) / f64::from(width) - 0.3, f64::from(y) / f64::from(height) - 0.2);
                let light = 1.0 - 0.35 * (across * across + down * down);
                for value in colour {
                    #[expect(clippy::cast_possible_truncation, reason = "a grey level")]
                    let level = (f64::from(value) * light) as i16 + dice(rgb.len());
                    rgb.push(u8::try_from(level.clamp(0, 255)).unwrap());
                }
            }
        }
        PictureContract::default().make(&Picture::new(width, height, rgb).unwrap()).unwrap()
    }

    #[test]
    fn walls_are_plain_and_what_hangs_on_them_is_not() {
        let white = [255; 3];
        for colour in [[235, 235, 232], [128; 3], [210, 195, 170], [20, 20, 22], [70, 90, 140]] {
            for noise in [0, 6, 12] {
                assert!(is_plain(&wall(colour, noise), white), "{colour:?} {noise}");
            }
        }
        let mut hung = wall([210, 195, 170], 6);
        for y in 70..90_usize {
            let from = (y * 160 + 60) * 3;
            hung.rgb_mut()[from..from + 60].fill(40);
        }
        assert!(!is_plain(&hung, white));
        for side in [0, 1, 4, 5] {
            assert!(is_plain(&Picture::filled(side, side, [9; 3]), white), "nothing is there: {side}");
        }
    }

    #[test]
    fn no_photograph_of_the_bundle_is_plain() {
        let bundle = read_bundle(None).unwrap();
        let contract = &bundle.manifest.picture;
        assert!(bundle.golden.len() > 20);
        for (index, golden) in bundle.golden.iter().enumerate() {
            let seen = contract.read(&golden.photo).unwrap();
            assert!(!is_plain(&seen, contract.background), "golden photograph {index}");
            let mut dim = seen.clone();
            dim.rgb_mut().iter_mut().for_each(|value| *value /= 4);
            let dim_background = contract.background.map(|value| value / 4);
            assert!(!is_plain(&dim, dim_background), "golden photograph {index} in the dark");
            // A sixth of the pixels each way, and smoothly between them.
            let coarse = PictureContract { side: contract.side / 6, ..contract.clone() }.make(&seen).unwrap();
            let blurred = contract.make(&coarse).unwrap();
            assert!(!is_plain(&blurred, contract.background), "golden photograph {index} out of focus");
        }
    }
}
