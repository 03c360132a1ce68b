//! Puts a studio photograph before another background.
//!
//! Most photographs of a shop's catalogue stand before white, and no camera in a shop sees that. What is connected to the edge and has
//! the edge's bright colour is taken for the background, and a piece of a photograph of something else, or a plain shade, takes its
//! place. A photograph whose edge is not of one bright colour stays as it is.
//!
//! The idea is that of Dwibedi et al. 2017, "Cut, Paste and Learn", section 5, with a flood fill for the mask.

use clothingid_shared::picture::Picture;
use fast_image_resize::{FilterType, Resizer};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg32;

use super::LoadError;
use super::framing::{Crop, resize};
use super::read::PhotoReader;
use crate::import::Part;
use crate::pack::Pack;

/// Largest difference of any channel from the edge's colour.
const TOLERANCE: u8 = 22;
/// Darkest channel of an edge that is a studio's.
const BRIGHT: u8 = 190;
/// Least share of the edge that has its colour.
const EDGE_SHARE: f64 = 0.75;
/// Shares of the photograph that a background may have: less is a gap, more has eaten a white garment.
const BACKGROUND_SHARE: [f64; 2] = [0.1, 0.85];
/// Chance that the new background is a photograph and not a plain shade.
pub(super) const SCENE: f64 = 0.7;

/// Changes backgrounds for one thread; keeps its memory between photographs.
pub struct Backdrop {
    scenes: Vec<usize>,
    reader: PhotoReader,
    resizer: Resizer,
    is_background: Vec<bool>,
    open: Vec<usize>,
    scene: Picture,
    changed: Picture,
}

impl Backdrop {
    /// With the photographs of a part that show no garment as new backgrounds.
    #[must_use]
    pub fn new(pack: &Pack, part: Part) -> Self {
        let scenes = pack.rows().iter().enumerate().filter(|(_, row)| row.part == part && !row.is_garment);
        Self {
            scenes: scenes.map(|(index, _)| index).collect(),
            reader: PhotoReader::default(),
            resizer: Resizer::new(),
            is_background: Vec::new(),
            open: Vec::new(),
            scene: Picture::default(),
            changed: Picture::default(),
        }
    }

    /// The photograph before another background, or itself where it has none to change.
    ///
    /// # Errors
    /// When the photograph of the new background cannot be read.
    pub fn change<'a>(
        &'a mut self,
        pack: &Pack,
        photo: &'a Picture,
        random: &mut Pcg32,
    ) -> Result<&'a Picture, LoadError> {
        if !find_background(photo, &mut self.is_background, &mut self.open) {
            return Ok(photo);
        }
        self.scene.reset(photo.width(), photo.height(), random.random());
        let chosen = self.scenes.choose(random).copied().filter(|_| random.random_bool(SCENE));
        if let Some(row) = chosen {
            let other = self.reader.read(pack, row)?;
            let crop = Crop::draw(other.width().into(), other.height().into(), [0.3, 1.0], 1.3, random);
            resize(&mut self.resizer, other, crop, &mut self.scene, FilterType::Bilinear);
        }
        self.changed.reset(photo.width(), photo.height(), [0; 3]);
        blend(photo, &self.scene, &self.is_background, &mut self.changed);
        Ok(&self.changed)
    }
}

/// Which pixels of a studio photograph are its background; none where it is no studio's.
#[must_use]
pub fn background_of(photo: &Picture) -> Option<Vec<bool>> {
    let (mut is_background, mut open) = (Vec::new(), Vec::new());
    find_background(photo, &mut is_background, &mut open).then_some(is_background)
}

/// Marks the background of a studio photograph; `false` where it is none.
fn find_background(photo: &Picture, is_background: &mut Vec<bool>, open: &mut Vec<usize>) -> bool {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    if width < 3 || height < 3 {
        return false;
    }
    let pixels: &[[u8; 3]] = photo.rgb().as_chunks().0;
    let rows = (0..height).flat_map(|y| [y * width, y * width + width - 1]);
    let edge = || (0..width).chain((height - 1) * width..height * width).chain(rows.clone());
    let mut channels = [0, 1, 2].map(|channel| edge().map(|at| pixels[at][channel]).collect::<Vec<u8>>());
    let colour = channels.each_mut().map(|values| {
        let middle = values.len() / 2;
        *values.select_nth_unstable(middle).1
    });
    let is_near = |at: usize| pixels[at].iter().zip(colour).all(|(value, edge)| value.abs_diff(edge) <= TOLERANCE);
    let (near, all) = edge().fold((0_u32, 0_u32), |(near, all), at| (near + u32::from(is_near(at)), all + 1));
    if colour.iter().any(|&channel| channel < BRIGHT) || f64::from(near) < EDGE_SHARE * f64::from(all) {
        return false;
    }
    is_background.clear();
    is_background.resize(width * height, false);
    open.clear();
    let mut count = 0_usize;
    let mut visit = |at: usize, open: &mut Vec<usize>| {
        if !is_background[at] && is_near(at) {
            is_background[at] = true;
            count += 1;
            open.push(at);
        }
    };
    edge().for_each(|at| visit(at, open));
    while let Some(at) = open.pop() {
        let x = at % width;
        let beside = [(x > 0).then(|| at - 1), (x + 1 < width).then_some(at + 1)];
        let above_and_below = [at.checked_sub(width), Some(at + width).filter(|&below| below < width * height)];
        beside.into_iter().chain(above_and_below).flatten().for_each(|next| visit(next, open));
    }
    let share = count as f64 / (width * height) as f64;
    (BACKGROUND_SHARE[0]..=BACKGROUND_SHARE[1]).contains(&share)
}

/// The photograph where it is no background, the scene where it is; along the border a mean of both by how many of the nine pixels
/// around are background.
fn blend(photo: &Picture, scene: &Picture, is_background: &[bool], target: &mut Picture) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let (front, back): (&[[u8; 3]], &[[u8; 3]]) = (photo.rgb().as_chunks().0, scene.rgb().as_chunks().0);
    for (at, pixel) in target.rgb_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (at % width, at / width);
        let (mut behind, mut around) = (0_u32, 0_u32);
        for y in y.saturating_sub(1)..(y + 2).min(height) {
            for x in x.saturating_sub(1)..(x + 2).min(width) {
                behind += u32::from(is_background[y * width + x]);
                around += 1;
            }
        }
        for (channel, value) in pixel.iter_mut().enumerate() {
            let (front, back) = (u32::from(front[at][channel]), u32::from(back[at][channel]));
            *value = u8::try_from((front * (around - behind) + back * behind + around / 2) / around).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::Picture;
    use proptest::prelude::*;

    use super::{blend, find_background};

    /// A dark square with a white hole on a ground of one colour.
    fn garment(ground: [u8; 3]) -> Picture {
        let side = 20_u32;
        let pixel = |x: u32, y: u32| match (x, y) {
            (9..=10, 9..=10) => [255; 3],
            (4..=15, 4..=15) => [20, 30, 60],
            _ => ground,
        };
        let rgb = (0..side * side).flat_map(|at| pixel(at % side, at / side)).collect();
        Picture::new(side, side, rgb).unwrap()
    }

    #[test]
    fn white_around_a_garment_is_found_and_white_inside_it_is_not() {
        let (mut mask, mut open) = (Vec::new(), Vec::new());
        let photo = garment([250, 250, 252]);
        assert!(find_background(&photo, &mut mask, &mut open));
        assert_eq!(mask.iter().filter(|&&is_background| is_background).count(), 400 - 144);
        let scene = Picture::new(20, 20, [7, 200, 9].repeat(400)).unwrap();
        let mut changed = Picture::new(20, 20, vec![0; 1200]).unwrap();
        blend(&photo, &scene, &mask, &mut changed);
        let at = |x: usize, y: usize| &changed.rgb()[(y * 20 + x) * 3..][..3];
        assert_eq!(at(0, 0), [7, 200, 9]);
        assert_eq!(at(7, 7), [20, 30, 60]);
        assert_eq!(at(9, 9), [255; 3]);
    }

    #[test]
    fn rooms_and_dark_grounds_are_left_alone() {
        let (mut mask, mut open) = (Vec::new(), Vec::new());
        assert!(!find_background(&garment([90, 80, 70]), &mut mask, &mut open), "dark");
        let rgb = (0..1200_u32).map(|at| u8::try_from(at * 37 % 251).unwrap()).collect();
        assert!(!find_background(&Picture::new(20, 20, rgb).unwrap(), &mut mask, &mut open), "colourful");
        assert!(!find_background(&Picture::new(20, 20, vec![255; 1200]).unwrap(), &mut mask, &mut open), "all white");
    }

    proptest! {
        #[test]
        fn any_picture_is_survived(width in 1_u32..9, height in 1_u32..9, bytes in prop::collection::vec(180_u8..=255, 192)) {
            let photo = Picture::new(width, height, bytes[..(width * height * 3) as usize].to_vec()).unwrap();
            let (mut mask, mut open) = (Vec::new(), Vec::new());
            if find_background(&photo, &mut mask, &mut open) {
                let mut changed = photo.clone();
                blend(&photo, &photo, &mask, &mut changed);
                prop_assert_eq!(changed, photo);
            }
        }
    }
}
