//! Glyphs that were drawn before.

use super::face::{self, Faces, Weight};
use std::collections::{HashMap, HashSet};

/// Parts of a pixel at which letters may stand: small text with letters on whole pixels only looks uneven.
const SHIFTS: u8 = 4;
/// From this size on whole pixels do.
const LARGE: u16 = 40;
/// Bytes of coverage that are kept: all that a screen shows in a week of one language; beyond that everything is drawn anew.
const MOST_BYTES: usize = 6 << 20;
/// Missing characters that are told apart.
const MOST_MISSING: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    letter: char,
    size: u16,
    weight: Weight,
    shift: u8,
}

/// A character as coverage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Glyph {
    /// From the pen to the left edge.
    pub left: i32,
    /// From the baseline to the top edge, negative above.
    pub top: i32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    start: usize,
}

/// All glyphs so far.
pub struct Glyphs {
    faces: Option<Faces>,
    known: HashMap<Key, Glyph>,
    advances: HashMap<(char, Weight), f32>,
    /// Whether a character is in regular alone.
    only_regular: HashMap<char, bool>,
    coverage: Vec<u8>,
    missing: HashSet<char>,
    /// Of those, how many nobody was told of.
    untold: u64,
}

impl Default for Glyphs {
    fn default() -> Self {
        Self::new()
    }
}

impl Glyphs {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            faces: Faces::of_the_program(),
            known: HashMap::new(),
            advances: HashMap::new(),
            only_regular: HashMap::new(),
            coverage: Vec::new(),
            missing: HashSet::new(),
            untold: 0,
        }
    }

    /// The weight in which all of a text can be drawn: words of two weights look like a mistake.
    pub fn weight_of(&mut self, text: &str, weight: Weight) -> Weight {
        let Some(faces) = self.faces.as_ref().filter(|_| weight == Weight::Bold) else { return weight };
        if self.only_regular.len() >= usize::from(u16::MAX) {
            self.only_regular.clear();
        }
        let known = &mut self.only_regular;
        let is_only_regular = text
            .chars()
            .filter(|letter| !letter.is_ascii())
            .any(|letter| *known.entry(letter).or_insert_with(|| faces.is_only_regular(letter)));
        if is_only_regular { Weight::Regular } else { weight }
    }

    /// How far the next character stands away, in pixels, for letters of `size` pixels an em.
    pub fn advance(&mut self, letter: char, size: u16, weight: Weight) -> f32 {
        let size = f32::from(size);
        if let Some(advance) = self.advances.get(&(letter, weight)) {
            return advance * size;
        }
        let advance = if is_nothing(letter) {
            0.0
        } else {
            match self.faces.as_ref().and_then(|faces| faces.find(letter, weight)) {
                Some(found) => found.advance(1.0),
                None => BOX_ADVANCE,
            }
        };
        if self.advances.len() >= usize::from(u16::MAX) {
            self.advances.clear();
        }
        self.advances.insert((letter, weight), advance);
        advance * size
    }

    /// The glyph of a character whose pen stands at `x`, and the whole pixel that its edges count from.
    pub fn glyph(&mut self, letter: char, size: u16, weight: Weight, x: f32) -> (Glyph, i32) {
        let steps = if size < LARGE { SHIFTS } else { 1 };
        let place = (x * f32::from(steps)).round();
        let whole = (place / f32::from(steps)).floor();
        let shift = to_int(place - whole * f32::from(steps));
        let key = Key { letter, size, weight, shift: u8::try_from(shift).unwrap_or(0) };
        let glyph = match self.known.get(&key) {
            Some(glyph) => *glyph,
            None => self.draw(key, f32::from(key.shift) / f32::from(steps)),
        };
        (glyph, to_int(whole))
    }

    /// The coverage of a glyph that this gave, in rows.
    #[must_use]
    pub fn coverage(&self, glyph: &Glyph) -> &[u8] {
        self.coverage.get(glyph.start..glyph.start + (glyph.width * glyph.height) as usize).unwrap_or_default()
    }

    /// How many characters were asked for that no font has, each once, since this was last asked.
    pub fn newly_missing(&mut self) -> u64 {
        std::mem::take(&mut self.untold)
    }

    fn draw(&mut self, key: Key, shift: f32) -> Glyph {
        if self.coverage.len() > MOST_BYTES {
            self.coverage.clear();
            self.known.clear();
        }
        let size = f32::from(key.size);
        let start = self.coverage.len();
        let found = self.faces.as_ref().and_then(|faces| faces.find(key.letter, key.weight));
        let glyph = if is_nothing(key.letter) {
            Glyph { start, ..Glyph::default() }
        } else if let Some(found) = found {
            found.outline(size, shift).map_or(Glyph { start, ..Glyph::default() }, |outline| {
                let bounds = outline.px_bounds();
                let (width, height) = (to_count(bounds.width()), to_count(bounds.height()));
                self.coverage.resize(start + (width * height) as usize, 0);
                let coverage = &mut self.coverage;
                outline.draw(|x, y, covered| {
                    if let Some(place) = coverage.get_mut(start + (y * width + x) as usize).filter(|_| x < width) {
                        *place = to_byte(covered);
                    }
                });
                Glyph { left: to_int(bounds.min.x), top: to_int(bounds.min.y), width, height, start }
            })
        } else {
            if self.missing.len() < MOST_MISSING && self.missing.insert(key.letter) {
                self.untold += 1;
            }
            self.draw_box(size, start)
        };
        self.known.insert(key, glyph);
        glyph
    }

    /// A frame as high as a capital letter.
    fn draw_box(&mut self, size: f32, start: usize) -> Glyph {
        let (width, height) = (to_count(size * BOX_WIDTH), to_count(face::capital_height(size)));
        let line = to_count(size / 18.0);
        for y in 0..height {
            for x in 0..width {
                let is_frame = x < line || y < line || x + line >= width || y + line >= height;
                self.coverage.push(if is_frame { u8::MAX } else { 0 });
            }
        }
        let left = to_int((size * (BOX_ADVANCE - BOX_WIDTH) / 2.0).round());
        Glyph { left, top: -i32::try_from(height).unwrap_or(0), width, height, start }
    }
}

/// Of a box, in ems.
const BOX_WIDTH: f32 = 0.52;
const BOX_ADVANCE: f32 = 0.66;

/// What stands in texts and is not seen: controls, joiners, marks of direction, choices of a variant.
fn is_nothing(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and NaN is 0; a glyph's place is of a few thousand pixels"
)]
fn to_int(value: f32) -> i32 {
    value as i32
}

/// A number of pixels, at least one; bounds of glyphs are whole numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and clamped")]
fn to_count(value: f32) -> u32 {
    value.round().clamp(1.0, 4096.0) as u32
}

/// Coverage in sixteen steps, which no eye tells from 256: pictures of the screen get smaller by a third, and the last bit of a float's
/// arithmetic decides nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
fn to_byte(covered: f32) -> u8 {
    ((covered * 15.0).round().clamp(0.0, 15.0) * 17.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glyph_is_drawn_once() {
        let mut glyphs = Glyphs::new();
        let (glyph, whole) = glyphs.glyph('H', 20, Weight::Bold, 7.0);
        let byte_len = glyphs.coverage.len();
        assert!(whole == 7 && glyph.height >= 14 && glyphs.coverage(&glyph).contains(&255), "{glyph:?}");
        assert_eq!(glyphs.glyph('H', 20, Weight::Bold, 1007.0).0, glyph);
        assert_eq!(glyphs.coverage.len(), byte_len);
        assert_eq!(glyphs.newly_missing(), 0);
    }

    #[test]
    fn small_letters_stand_between_pixels_and_large_ones_do_not() {
        let mut glyphs = Glyphs::new();
        assert_ne!(glyphs.glyph('H', 20, Weight::Bold, 7.0).0, glyphs.glyph('H', 20, Weight::Bold, 7.5).0);
        assert_eq!(glyphs.glyph('H', 60, Weight::Bold, 7.0).0, glyphs.glyph('H', 60, Weight::Bold, 7.4).0);
        assert_eq!(glyphs.glyph('H', 20, Weight::Bold, -0.5).1, -1);
    }

    #[test]
    fn a_missing_character_is_a_box_and_counted_once() {
        let mut glyphs = Glyphs::new();
        let (glyph, _) = glyphs.glyph('\u{1F455}', 20, Weight::Regular, 0.0);
        assert_eq!((glyph.width, glyph.height, glyph.top), (10, 14, -14));
        let rows: Vec<Vec<u8>> = glyphs.coverage(&glyph).chunks(10).map(<[u8]>::to_vec).collect();
        assert_eq!(rows[0], [255; 10]);
        assert_eq!(rows[6], [255, 0, 0, 0, 0, 0, 0, 0, 0, 255]);
        assert!(glyphs.advance('\u{1F455}', 20, Weight::Regular) > 10.0);
        let _ = glyphs.glyph('\u{1F455}', 30, Weight::Bold, 0.0);
        assert_eq!((glyphs.newly_missing(), glyphs.newly_missing()), (1, 0));
    }

    #[test]
    fn a_text_is_of_one_weight() {
        let mut glyphs = Glyphs::new();
        for (text, weight) in [
            ("Größe", Weight::Bold),
            ("衣服", Weight::Bold),
            ("衣服麒麟", Weight::Regular),
            ("a\u{1F455}", Weight::Bold),
        ] {
            assert_eq!(glyphs.weight_of(text, Weight::Bold), weight, "{text}");
            assert_eq!(glyphs.weight_of(text, Weight::Regular), Weight::Regular);
        }
    }

    #[test]
    fn what_is_not_seen_takes_no_place() {
        let mut glyphs = Glyphs::new();
        for letter in ['\n', '\u{200d}', '\u{fe0f}', '\u{ad}'] {
            assert_eq!(glyphs.advance(letter, 20, Weight::Regular), 0.0);
            assert_eq!(glyphs.glyph(letter, 20, Weight::Regular, 3.0).0.width, 0);
        }
        assert_eq!(glyphs.newly_missing(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut glyphs = Glyphs::new();
        for size in 0..60_u16 {
            for letter in 'A'..='Z' {
                let _ = glyphs.glyph(letter, 150 + size * 4, Weight::Bold, 0.0);
            }
        }
        assert!(glyphs.coverage.len() < MOST_BYTES + (1 << 20), "{}", glyphs.coverage.len());
    }
}
