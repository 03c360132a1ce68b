//! Changes a photograph at random, so that the network learns garments and not photographs.
//!
//! In `uint8`, in this order: detour over a thumbnail, crop and framing, flip, turn, colour, blur, JPEG, erasing. The detour is there
//! because most photographs of one source are 60 × 80 pixels: a network that has seen large ones only large learns "blurred means
//! underwear". The framings are there because the device letterboxes on white, and a crop that always fills the square is not that.

use clothingid_shared::picture::{Picture, PictureContract, PictureError, PictureMaker};
use fast_image_resize::{FilterType, Resizer};
use rand::RngExt;
use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};

use super::colour::{ColourMap, mean_brightness};
use super::disturb::{blur, erase, recompress};
use super::framing::{Crop, background, between, flip, letterboxed, resize, thumbnail_size, turn};

/// All strengths. A chance is between 0 (never) and 1 (always).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Chance that a studio photograph stands before another background ([`super::backdrop`]; done by the loader, before all else).
    pub backdrop: f64,
    /// Chance that a photograph is made as small as a thumbnail first.
    pub thumbnail: f64,
    /// Longer side of that thumbnail in pixels, smallest and largest.
    pub thumbnail_side: [u32; 2],
    /// Share of the photograph's area that is kept, smallest and largest.
    pub scale: [f64; 2],
    /// Largest stretch of one direction against the other, 1 for none.
    pub stretch: f64,
    /// Chance that the crop keeps its proportions inside the square (letterbox) instead of filling it.
    pub letterbox: f64,
    /// Size of a letterboxed crop against the square, smallest and largest.
    pub zoom: [f64; 2],
    /// Chance that the background of a letterbox is white; else it is the photograph's edge or a grey.
    pub white: f64,
    /// Chance of mirroring.
    pub flip: f64,
    /// Chance of a turn.
    pub turn: f64,
    /// Largest turn in degrees.
    pub turn_degrees: f64,
    /// Exposure changes by up to this share.
    pub brightness: f64,
    /// Contrast changes by up to this share.
    pub contrast: f64,
    /// Saturation changes by up to this share.
    pub saturation: f64,
    /// Hue turns by up to so many degrees.
    pub hue: f64,
    /// Each channel's gain changes by up to this share.
    pub white_balance: f64,
    /// Chance that all colour is lost.
    pub grey: f64,
    /// Chance of blur.
    pub blur: f64,
    /// Largest number of passes of the small blur kernel.
    pub blur_passes: u32,
    /// Chance of JPEG recompression.
    pub jpeg: f64,
    /// Its quality, smallest and largest.
    pub jpeg_quality: [u8; 2],
    /// Chance that a rectangle is covered.
    pub erase: f64,
    /// Share of the square that is covered, smallest and largest.
    pub erase_share: [f64; 2],
}

impl Augmentation {
    /// Nothing is changed: the picture is the one that the device sees.
    #[must_use]
    pub fn none() -> Self {
        Self {
            backdrop: 0.0,
            thumbnail: 0.0,
            thumbnail_side: [60, 100],
            scale: [1.0, 1.0],
            stretch: 1.0,
            letterbox: 1.0,
            zoom: [1.0, 1.0],
            white: 1.0,
            flip: 0.0,
            turn: 0.0,
            turn_degrees: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue: 0.0,
            white_balance: 0.0,
            grey: 0.0,
            blur: 0.0,
            blur_passes: 0,
            jpeg: 0.0,
            jpeg_quality: [75, 75],
            erase: 0.0,
            erase_share: [0.0, 0.0],
        }
    }

    /// Strong: two views of one photograph should be as hard to match as two photographs. Colour changes little, because colour is
    /// part of what a garment is.
    #[must_use]
    pub fn identification() -> Self {
        Self {
            backdrop: 0.2,
            thumbnail: 0.25,
            scale: [0.25, 1.0],
            stretch: 1.3,
            letterbox: 0.5,
            zoom: [0.7, 1.0],
            white: 0.6,
            flip: 0.5,
            turn: 0.3,
            turn_degrees: 15.0,
            brightness: 0.35,
            contrast: 0.3,
            saturation: 0.3,
            hue: 8.0,
            white_balance: 0.1,
            grey: 0.02,
            blur: 0.15,
            blur_passes: 3,
            jpeg: 0.15,
            jpeg_quality: [35, 90],
            erase: 0.3,
            erase_share: [0.03, 0.2],
            ..Self::none()
        }
    }

    /// Moderate: most of the garment stays in view, so that its category can be told.
    #[must_use]
    pub fn finetune() -> Self {
        Self {
            backdrop: 0.4,
            scale: [0.45, 1.0],
            stretch: 1.2,
            letterbox: 0.65,
            zoom: [0.75, 1.0],
            turn: 0.2,
            turn_degrees: 10.0,
            grey: 0.05,
            hue: 15.0,
            erase: 0.2,
            erase_share: [0.02, 0.12],
            jpeg: 0.1,
            blur: 0.1,
            ..Self::identification()
        }
    }
}

/// Changes photographs for one thread; keeps its memory between them.
pub struct Augmenter {
    settings: Augmentation,
    is_none: bool,
    side: u32,
    resizer: Resizer,
    maker: PictureMaker,
    square: Picture,
    small: Picture,
    framed: Picture,
    scratch: Vec<u8>,
}

impl Augmenter {
    /// For squares of `side` pixels.
    #[must_use]
    pub fn new(settings: Augmentation, side: u32) -> Self {
        let is_none = settings == Augmentation::none();
        let maker = PictureMaker::new(PictureContract::with_side(side));
        let empty = Picture::default;
        Self {
            settings,
            is_none,
            side,
            resizer: Resizer::new(),
            maker,
            square: empty(),
            small: empty(),
            framed: empty(),
            scratch: Vec::new(),
        }
    }

    /// A changed view of a photograph: `[side, side, 3]` bytes, valid until the next call.
    ///
    /// # Errors
    /// For a picture without pixels.
    pub fn make(&mut self, photo: &Picture, random: &mut Pcg32) -> Result<&[u8], PictureError> {
        if self.is_none {
            self.maker.make_into(photo, &mut self.square)?;
            return Ok(self.square.rgb());
        }
        let (width, height) = (photo.width(), photo.height());
        if width == 0 || height == 0 {
            return Err(PictureError::NoPixels { width, height });
        }
        let quality = |settings: &Augmentation, random: &mut Pcg32| {
            let [low, high] = settings.jpeg_quality;
            random.random_range(low.min(high)..=high.max(low))
        };
        let mut small = std::mem::take(&mut self.small);
        let size = thumbnail_size(&self.settings, width, height, random);
        let source = match size {
            Some((small_width, small_height)) => {
                small.reset(small_width, small_height, [0; 3]);
                let whole = Crop { left: 0.0, top: 0.0, width: width.into(), height: height.into() };
                resize(&mut self.resizer, photo, whole, &mut small, FilterType::Bilinear);
                if random.random_bool(0.5) {
                    recompress(&mut small, quality(&self.settings, random), &mut self.scratch);
                }
                &small
            }
            None => photo,
        };
        self.frame(source, random);
        self.small = small;

        let side = self.side as usize;
        let settings = &self.settings;
        let chance = |chance: f64, random: &mut Pcg32| random.random_bool(chance.clamp(0.0, 1.0));
        if chance(settings.flip, random) {
            flip(self.square.rgb_mut(), side);
        }
        if chance(settings.turn, random) {
            let degrees = between(-settings.turn_degrees, settings.turn_degrees, random);
            turn(self.square.rgb(), side, degrees, &mut self.scratch);
            self.square.rgb_mut().copy_from_slice(&self.scratch);
        }
        let map = ColourMap::draw(settings, mean_brightness(self.square.rgb()), random);
        if map != ColourMap::SAME {
            map.apply(self.square.rgb_mut());
        }
        if chance(settings.blur, random) {
            let passes = random.random_range(1..=settings.blur_passes.max(1));
            blur(self.square.rgb_mut(), side, passes, &mut self.scratch);
        }
        if chance(settings.jpeg, random) {
            recompress(&mut self.square, quality(settings, random), &mut self.scratch);
        }
        if chance(settings.erase, random) {
            erase(self.square.rgb_mut(), side, settings.erase_share, random);
        }
        Ok(self.square.rgb())
    }

    /// Crop and framing: fills `square`.
    fn frame(&mut self, source: &Picture, random: &mut Pcg32) {
        let settings = &self.settings;
        let (width, height) = (f64::from(source.width()), f64::from(source.height()));
        let crop = Crop::draw(width, height, settings.scale, settings.stretch, random);
        let is_letterbox = random.random_bool(settings.letterbox.clamp(0.0, 1.0));
        let colour = background(source, settings.white, random);
        self.square.reset(self.side, self.side, colour);
        if !is_letterbox {
            resize(&mut self.resizer, source, crop, &mut self.square, FilterType::Bilinear);
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "clamped to the side")]
        let length = |length: f64| (length.round() as u32).clamp(1, self.side);
        let (across, down) = letterboxed(crop, f64::from(self.side), settings, random);
        let (across, down) = (length(across), length(down));
        self.framed.reset(across, down, [0; 3]);
        resize(&mut self.resizer, source, crop, &mut self.framed, FilterType::Bilinear);
        let left = random.random_range(0..=self.side - across) as usize;
        let top = random.random_range(0..=self.side - down) as usize;
        let (row, full_row) = (across as usize * 3, self.side as usize * 3);
        let rows = self.square.rgb_mut().chunks_exact_mut(full_row).skip(top);
        for (target, source) in rows.zip(self.framed.rgb().chunks_exact(row)) {
            target[left * 3..left * 3 + row].copy_from_slice(source);
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "drawn pictures may wrap")]
mod tests {
    use clothingid_shared::picture::{Picture, PictureContract};
    use proptest::prelude::*;

    use super::{Augmentation, Augmenter};
    use crate::load::sampler::generator;

    fn photo(width: u32, height: u32) -> Picture {
        let rgb = (0..width * height)
            .flat_map(|index| [(index % 251) as u8, (index % width * 255 / width) as u8, 90])
            .collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn none_is_what_the_device_sees() {
        let photo = photo(61, 90);
        let expected = PictureContract::with_side(48).make(&photo).unwrap();
        let mut augmenter = Augmenter::new(Augmentation::none(), 48);
        assert_eq!(augmenter.make(&photo, &mut generator(1, 0, 0, 0)).unwrap(), expected.rgb());
    }

    #[test]
    fn an_empty_picture_is_refused() {
        assert!(
            Augmenter::new(Augmentation::finetune(), 32).make(&Picture::default(), &mut generator(0, 0, 0, 0)).is_err()
        );
    }

    #[test]
    fn presets_survive_toml_and_unknown_settings_are_refused() {
        for preset in [Augmentation::none(), Augmentation::identification(), Augmentation::finetune()] {
            let text = toml::to_string(&preset).unwrap();
            assert_eq!(toml::from_str::<Augmentation>(&text).unwrap(), preset);
            assert!(toml::from_str::<Augmentation>(&format!("shear = 1.0\n{text}")).is_err());
        }
    }

    #[test]
    fn another_seed_is_another_picture() {
        let photo = photo(120, 160);
        let mut augmenter = Augmenter::new(Augmentation::identification(), 64);
        let first = augmenter.make(&photo, &mut generator(1, 0, 0, 0)).unwrap().to_vec();
        let second = augmenter.make(&photo, &mut generator(1, 0, 1, 0)).unwrap().to_vec();
        assert_ne!(first, second);
    }

    proptest! {
        #[test]
        fn every_picture_is_a_square_and_reused_memory_changes_nothing(
            sizes in prop::collection::vec((1_u32..200, 1_u32..200), 1..4), side in 1_u32..70, seed in any::<u64>(), is_strong in any::<bool>(),
        ) {
            let settings = if is_strong { Augmentation::identification() } else { Augmentation::finetune() };
            let mut reused = Augmenter::new(settings.clone(), side);
            for (position, (width, height)) in (0..).zip(sizes) {
                let photo = photo(width, height);
                let made = reused.make(&photo, &mut generator(seed, 1, position, 0)).unwrap().to_vec();
                prop_assert_eq!(made.len(), side as usize * side as usize * 3);
                let fresh = Augmenter::new(settings.clone(), side).make(&photo, &mut generator(seed, 1, position, 0)).unwrap().to_vec();
                prop_assert_eq!(made, fresh);
            }
        }
    }
}
