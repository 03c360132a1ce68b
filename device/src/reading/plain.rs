//! Whether a picture shows nothing but a plain surface: an empty wall, a table, a covered lens.
//!
//! The network was taught with photographs of things and takes such a surface for a garment: walls in six colours, under a lamp, with the noise of
//! a sensor, have scores of 0.5 to 0.98. But whatever is held before a camera has edges. Of 5,045 photographs of garments and of other things none
//! had fewer than 67 pixels that stand out by more than [`DETAIL`] grey levels (a white shirt on white, the smallest photograph of all); none of the walls had one.

use clothingid_shared::picture::Picture;

/// Grey levels by which a pixel must differ from the mean of those around it to be a detail: far above what noise leaves in a picture of this size.
const DETAIL: i32 = 6;

/// A picture with fewer details is a plain surface.
const FEWEST: usize = 32;

/// Whether a picture of the network's size is plain. A pixel is compared with those two above, below and beside it: edges are a few pixels wide. What
/// has the `background`'s colour, and what would be compared with it, is passed over: the edge of a frame that was fitted into the square is none of
/// what it shows.
pub(super) fn is_plain(picture: &Picture, background: [u8; 3]) -> bool {
    let pixels = picture.rgb().as_chunks::<3>().0;
    let rows = || pixels.chunks_exact((picture.width() as usize).max(1));
    let mut details = 0;
    for ((above, row), below) in rows().zip(rows().skip(2)).zip(rows().skip(4)) {
        for ((beside, &up), &down) in row.windows(5).zip(above.iter().skip(2)).zip(below.iter().skip(2)) {
            let &[before, _, here, _, after] = beside else { continue };
            let around = [up, down, before, after];
            if here == background || around.contains(&background) {
                continue;
            }
            let sum: i32 = around.map(luma).iter().sum();
            if (4 * luma(here) - sum).abs() > 4 * DETAIL {
                details += 1;
                if details == FEWEST {
                    return false;
                }
            }
        }
    }
    true
}

/// ITU-R BT.601, in grey levels.
fn luma([r, g, b]: [u8; 3]) -> i32 {
    (77 * i32::from(r) + 150 * i32::from(g) + 29 * i32::from(b)) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;
    use clothingid_shared::picture::PictureContract;

    /// A wall under a lamp: a frame of 320×180 in the square, with the noise of a sensor.
    fn wall(colour: [u8; 3], noise: i16) -> Picture {
        let (width, height) = (320_u32, 180_u32);
        let mut rgb: Vec<u8> = Vec::new();
        // From -noise to noise, by a multiplicative hash of the place.
        let dice = |place: usize| {
            let hash = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
            i16::try_from(hash % (2 * noise.unsigned_abs() as u64 + 1)).unwrap() - noise
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
            for noise in [0, 6] {
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
            assert!(
                !is_plain(&contract.read(&golden.photo).unwrap(), contract.background),
                "golden photograph {index}"
            );
        }
    }
}
