//! What is drawn for one picture: which photograph, framed how, in what colours, behind what.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg32;

use super::{Facts, Resident};
use crate::load::augment::Augmentation;
use crate::load::backdrop::SCENE;
use crate::load::colour::ColourMap;
use crate::load::disturb::rectangle;
use crate::load::framing::{Crop, around, between, letterboxed};

/// A rectangle in shares of a whole: left, top, width, height.
pub type Rectangle = [f64; 4];

/// The whole of it.
pub const WHOLE: Rectangle = [0.0, 0.0, 1.0, 1.0];

/// What is put behind a garment that stood before a studio's background.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Behind {
    /// What was there.
    Same,
    /// One colour.
    Shade([u8; 3]),
    /// A part of a photograph of something else.
    Scene(usize, Rectangle),
}

/// The changes of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Place of the photograph.
    pub place: usize,
    /// What is behind it.
    pub behind: Behind,
    /// Whether it takes the way over a thumbnail.
    pub is_thumbnail: bool,
    /// The part of the photograph that is seen.
    pub crop: Rectangle,
    /// Where that part lies in the square.
    pub frame: Rectangle,
    /// Colour of the rest of the square.
    pub around: [u8; 3],
    /// Whether the square is mirrored.
    pub is_flipped: bool,
    /// Turn of the square in degrees.
    pub turn: f64,
    /// Change of colour.
    pub colour: ColourMap,
    /// Passes of the small blur kernel.
    pub blur: u32,
    /// What is covered, and with what.
    pub erased: Option<(Rectangle, [u8; 3])>,
}

impl Change {
    /// The photograph as the device sees it: letterboxed on white.
    #[must_use]
    pub fn none(resident: &Resident, place: usize) -> Self {
        let facts = resident.facts[place];
        let (width, height) = (f64::from(facts.width), f64::from(facts.height));
        let long = width.max(height);
        let (across, down) = (width / long, height / long);
        Self {
            place,
            behind: Behind::Same,
            is_thumbnail: false,
            crop: WHOLE,
            frame: [(1.0 - across) / 2.0, (1.0 - down) / 2.0, across, down],
            around: [255; 3],
            is_flipped: false,
            turn: 0.0,
            colour: ColourMap::SAME,
            blur: 0,
            erased: None,
        }
    }

    /// Draws the changes of a photograph.
    #[must_use]
    pub fn draw(resident: &Resident, place: usize, settings: &Augmentation, random: &mut Pcg32) -> Self {
        if *settings == Augmentation::none() {
            return Self::none(resident, place);
        }
        let facts = resident.facts[place];
        let chance = |chance: f64, random: &mut Pcg32| random.random_bool(chance.clamp(0.0, 1.0));
        let has_backdrop = chance(settings.backdrop, random);
        let behind = if has_backdrop && facts.is_studio { draw_behind(resident, random) } else { Behind::Same };
        let wants_thumbnail = chance(settings.thumbnail, random);
        let (crop, frame) = draw_frame(&facts, settings, random);
        let around = around(|| facts.edge, settings.white, random);
        let is_flipped = chance(settings.flip, random);
        let turns = chance(settings.turn, random);
        let turn = between(-settings.turn_degrees, settings.turn_degrees, random);
        let colour = ColourMap::draw(settings, facts.brightness, random);
        let blurs = chance(settings.blur, random);
        let passes = random.random_range(1..=settings.blur_passes.max(1));
        let erased = chance(settings.erase, random).then(|| draw_erased(settings.erase_share, random));
        Self {
            place,
            behind,
            is_thumbnail: wants_thumbnail && facts.width.max(facts.height) > settings.thumbnail_side[0],
            crop,
            frame,
            around,
            is_flipped,
            turn: if turns { turn } else { 0.0 },
            colour,
            blur: if blurs { passes } else { 0 },
            erased,
        }
    }
}

fn draw_behind(resident: &Resident, random: &mut Pcg32) -> Behind {
    let shade = random.random();
    match resident.scenes.choose(random).copied().filter(|_| random.random_bool(SCENE)) {
        Some(place) => {
            let crop = Crop::draw(1.0, 1.0, [0.3, 1.0], 1.3, random);
            Behind::Scene(place, [crop.left, crop.top, crop.width, crop.height])
        }
        None => Behind::Shade(shade),
    }
}

/// What is seen, and where it lies in the square: the same two ways as on the processor.
fn draw_frame(facts: &Facts, settings: &Augmentation, random: &mut Pcg32) -> (Rectangle, Rectangle) {
    let (width, height) = (f64::from(facts.width), f64::from(facts.height));
    let crop = Crop::draw(width, height, settings.scale, settings.stretch, random);
    let seen = [crop.left / width, crop.top / height, crop.width / width, crop.height / height];
    if !random.random_bool(settings.letterbox.clamp(0.0, 1.0)) {
        return (seen, WHOLE);
    }
    let (across, down) = letterboxed(crop, 1.0, settings, random);
    let (across, down) = (across.min(1.0), down.min(1.0));
    (seen, [between(0.0, 1.0 - across, random), between(0.0, 1.0 - down, random), across, down])
}

fn draw_erased(share: [f64; 2], random: &mut Pcg32) -> (Rectangle, [u8; 3]) {
    let [width, height] = rectangle(share, random).map(|length| length.min(1.0));
    let (left, top) = (between(0.0, 1.0 - width, random), between(0.0, 1.0 - height, random));
    ([left, top, width, height], random.random())
}
