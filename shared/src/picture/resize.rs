//! Crop or letterbox, and resize with `fast_image_resize` (SIMD, chosen at run time, equal results on each instruction set).

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::{Filter, Fit, Picture, PictureContract, PictureError};

/// Makes network inputs by one contract and keeps its memory between pictures.
pub struct PictureMaker {
    contract: PictureContract,
    resizer: Resizer,
    resized: Picture,
}

/// The part of the source that is taken (in source pixels) and the size that it gets in the middle of the square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Where the part begins.
    pub left: f64,
    /// Where the part begins.
    pub top: f64,
    /// How wide the part is.
    pub width: f64,
    /// How high the part is.
    pub height: f64,
    /// How wide it becomes.
    pub to_width: u32,
    /// How high it becomes.
    pub to_height: u32,
}

impl PictureMaker {
    /// A maker for one contract.
    #[must_use]
    pub fn new(contract: PictureContract) -> Self {
        Self { contract, resizer: Resizer::new(), resized: Picture::default() }
    }

    /// The contract that is followed.
    #[must_use]
    pub fn contract(&self) -> &PictureContract {
        &self.contract
    }

    /// The network's input, `[side, side, 3]`, from any picture. Allocates nothing once pictures of this size have been seen.
    ///
    /// # Errors
    /// [`PictureError::NoPixels`] for an empty picture.
    pub fn make_into(&mut self, picture: &Picture, input: &mut Picture) -> Result<(), PictureError> {
        let (width, height) = (picture.width(), picture.height());
        if width == 0 || height == 0 {
            return Err(PictureError::NoPixels { width, height });
        }
        let side = self.contract.side;
        let place = placement(&self.contract, width, height);
        self.resized.reset(place.to_width, place.to_height, [0; 3]);
        let failed = |_| PictureError::NoPixels { width, height };
        // Images of a type, since the resizer of any image brings the code for all of them: 3 MiB of a program.
        let source = TypedImageRef::<U8x3>::from_buffer(width, height, picture.rgb())
            .map_err(|_| PictureError::NoPixels { width, height })?;
        let mut target = TypedImage::<U8x3>::from_buffer(place.to_width, place.to_height, self.resized.rgb_mut())
            .map_err(|_| PictureError::NoPixels { width, height })?;
        let filter = match self.contract.filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::CatmullRom => FilterType::CatmullRom,
        };
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(filter))
            .crop(place.left, place.top, place.width, place.height)
            .use_alpha(false);
        self.resizer.resize_typed(&source, &mut target, &options).map_err(failed)?;
        if (place.to_width, place.to_height) == (side, side) {
            input.clone_from(&self.resized);
        } else {
            paste(&self.resized, input, side, self.contract.background);
        }
        Ok(())
    }
}

/// Where a picture of this size comes to lie in the square.
#[must_use]
pub fn placement(contract: &PictureContract, width: u32, height: u32) -> Placement {
    let side = contract.side;
    let (full_width, full_height) = (f64::from(width), f64::from(height));
    match contract.fit {
        Fit::CentreCrop => {
            let square = full_width.min(full_height);
            Placement {
                left: (full_width - square) / 2.0,
                top: (full_height - square) / 2.0,
                width: square,
                height: square,
                to_width: side,
                to_height: side,
            }
        }
        Fit::Letterbox => {
            let longest = width.max(height);
            Placement {
                left: 0.0,
                top: 0.0,
                width: full_width,
                height: full_height,
                to_width: scaled(width, side, longest),
                to_height: scaled(height, side, longest),
            }
        }
    }
}

/// `length * side / longest`, rounded to the nearest, at least 1 and at most `side`.
fn scaled(length: u32, side: u32, longest: u32) -> u32 {
    let rounded = (2 * u64::from(length) * u64::from(side) + u64::from(longest)) / (2 * u64::from(longest));
    u32::try_from(rounded).unwrap_or(side).clamp(1, side)
}

/// Lays `picture` into the middle of a square of the background; an odd pixel goes to the right and the bottom.
pub fn paste(picture: &Picture, input: &mut Picture, side: u32, background: [u8; 3]) {
    input.reset(side, side, background);
    let left = 3 * ((side - picture.width()) / 2) as usize;
    let top = ((side - picture.height()) / 2) as usize;
    let (row, full_row) = (3 * picture.width() as usize, 3 * side as usize);
    let rows = input.rgb_mut().chunks_exact_mut(full_row).skip(top);
    for (target, source) in rows.zip(picture.rgb().chunks_exact(row)) {
        if let Some(target) = target.get_mut(left..left + row) {
            target.copy_from_slice(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PictureMaker, scaled};
    use crate::picture::{Filter, Fit, Picture, PictureContract, PictureError};

    #[test]
    fn a_letterbox_keeps_all_and_centres() {
        let contract = PictureContract::with_side(4);
        let made = contract.make(&Picture::filled(8, 4, [9, 9, 9])).unwrap();
        let rows: Vec<u8> = made.rgb().chunks(12).map(|row| row[0]).collect();
        assert_eq!(rows, [255, 9, 9, 255]);
    }

    #[test]
    fn a_centre_crop_drops_the_sides() {
        let mut picture = Picture::filled(9, 3, [0; 3]);
        for row in picture.rgb_mut().chunks_mut(27) {
            row[9..18].fill(200);
        }
        let contract = PictureContract { side: 3, fit: Fit::CentreCrop, ..PictureContract::default() };
        assert!(contract.make(&picture).unwrap().rgb().iter().all(|p| *p == 200));
    }

    #[test]
    fn the_same_size_is_the_same_bytes() {
        let bytes: Vec<u8> = (0..48).collect();
        let picture = Picture::new(4, 4, bytes.clone()).unwrap();
        assert_eq!(PictureContract::with_side(4).make(&picture).unwrap().rgb(), bytes);
    }

    #[test]
    fn no_pixels_is_an_error() {
        let error = PictureContract::default().make(&Picture::default()).unwrap_err();
        assert_eq!(error, PictureError::NoPixels { width: 0, height: 0 });
    }

    #[test]
    fn scaled_rounds_and_never_vanishes() {
        for ((length, side, longest), expected) in
            [((1, 160, 4000), 1), ((3, 160, 4), 120), ((5, 4, 8), 3), ((8, 4, 8), 4)]
        {
            assert_eq!(scaled(length, side, longest), expected);
        }
    }

    proptest! {
        #[test]
        fn reused_memory_gives_the_same_bytes(
            sizes in proptest::collection::vec((1u32..70, 1u32..70), 1..5),
            crop in any::<bool>(), cubic in any::<bool>(), seed in any::<u8>(),
        ) {
            let contract = PictureContract {
                side: 32,
                fit: if crop { Fit::CentreCrop } else { Fit::Letterbox },
                filter: if cubic { Filter::CatmullRom } else { Filter::Bilinear },
                background: [255; 3],
            };
            let mut maker = PictureMaker::new(contract.clone());
            let mut reused = Picture::default();
            for (width, height) in sizes {
                let rgb = (0..3 * width * height).map(|i| (i.wrapping_mul(37) as u8).wrapping_add(seed)).collect();
                let picture = Picture::new(width, height, rgb).unwrap();
                maker.make_into(&picture, &mut reused).unwrap();
                prop_assert_eq!(&reused, &contract.make(&picture).unwrap());
                prop_assert_eq!(reused.rgb().len(), 32 * 32 * 3);
            }
        }
    }
}
