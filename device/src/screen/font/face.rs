//! The fonts inside the program, and which of them has a character.

use ab_glyph::{Font, FontRef, GlyphId, OutlinedGlyph, PxScale, point};

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// For text.
    Regular,
    /// For what is read first.
    Bold,
}

/// Noto Sans stands 714 units high in 1000, as every capital letter does.
const CAPITAL: f32 = 0.714;

/// The fonts, in the order in which they are asked for a character.
pub(super) struct Faces {
    latin: [FontRef<'static>; 2],
    chinese: [FontRef<'static>; 2],
}

/// One character of one font.
pub(super) struct Found<'a> {
    font: &'a FontRef<'static>,
    id: GlyphId,
}

impl Faces {
    /// The fonts of the program; nothing where they cannot be read, which a test holds cannot be.
    pub(super) fn of_the_program() -> Option<Self> {
        let read = |bytes| FontRef::try_from_slice(bytes).ok();
        Some(Self {
            latin: [read(include_bytes!("latin-regular.ttf"))?, read(include_bytes!("latin-bold.ttf"))?],
            chinese: [read(include_bytes!("chinese-regular.otf"))?, read(include_bytes!("chinese-bold.otf"))?],
        })
    }

    /// Whether bold has to be drawn in regular for want of a character.
    pub(super) fn is_only_regular(&self, letter: char) -> bool {
        let ([latin, latin_bold], [chinese, chinese_bold]) = (&self.latin, &self.chinese);
        let has = |font: &FontRef<'static>| font.glyph_id(letter).0 != 0;
        !has(latin_bold) && !has(chinese_bold) && (has(latin) || has(chinese))
    }

    /// The font that has a character in this weight, or in regular.
    pub(super) fn find(&self, letter: char, weight: Weight) -> Option<Found<'_>> {
        let ([latin, latin_bold], [chinese, chinese_bold]) = (&self.latin, &self.chinese);
        let order = match weight {
            Weight::Regular => [latin, chinese, latin, chinese],
            Weight::Bold => [latin_bold, chinese_bold, latin, chinese],
        };
        order.into_iter().map(|font| Found { font, id: font.glyph_id(letter) }).find(|found| found.id.0 != 0)
    }
}

impl Found<'_> {
    /// How far the next character stands away, for letters of `size` pixels an em.
    pub(super) fn advance(&self, size: f32) -> f32 {
        self.font.h_advance_unscaled(self.id) * size / self.font.units_per_em().unwrap_or(1000.0)
    }

    /// Its outline, shifted by a part of a pixel to the right; nothing for a space.
    pub(super) fn outline(&self, size: f32, shift: f32) -> Option<OutlinedGlyph> {
        // The crate scales by the height of lines, which differs between our fonts; an em does not.
        let em = self.font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from(size * self.font.height_unscaled() / em);
        self.font.outline_glyph(self.id.with_scale_and_position(scale, point(shift, 0.0)))
    }
}

/// Height of capital letters of this size.
pub(super) fn capital_height(size: f32) -> f32 {
    size * CAPITAL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::words::strings;

    #[test]
    fn every_character_of_our_own_is_there_in_both_weights() {
        let faces = Faces::of_the_program().unwrap();
        let bundle = crate::network::read_bundle(None).unwrap();
        let heads = [&bundle.manifest.category14.taxonomy, &bundle.manifest.category26.taxonomy];
        for language in Language::ALL {
            let names = heads.iter().flat_map(|taxonomy| {
                (0..taxonomy.len()).map(|index| taxonomy.name(index, language.tag()).unwrap().to_owned())
            });
            for text in strings(language).values().cloned().chain(names) {
                for letter in text.chars().filter(|letter| !letter.is_control()) {
                    assert!(faces.find(letter, Weight::Regular).is_some(), "{letter} in {text}");
                    let [.., latin] = &faces.latin;
                    let [.., chinese] = &faces.chinese;
                    let is_bold = latin.glyph_id(letter).0 != 0 || chinese.glyph_id(letter).0 != 0;
                    assert!(is_bold, "{letter} in {text}: run `subset.py` again");
                }
            }
        }
    }

    #[test]
    fn letters_of_the_languages_around_are_there() {
        let faces = Faces::of_the_program().unwrap();
        for letter in
            "ÄÖÜäöüßẞ“”„‚…–—×€£¥₩ŁłŠšĞğŞşİıŐőȘșČčŽžÅåØøÆæÑñÇç½™®°「」《》，。、！？：；（）～％＄的一是衣裙褲".chars()
        {
            assert!(faces.find(letter, Weight::Regular).is_some(), "{letter}");
        }
        assert!(faces.find('\u{10FFFF}', Weight::Bold).is_none());
    }

    #[test]
    fn an_em_is_as_wide_in_both_fonts() {
        let faces = Faces::of_the_program().unwrap();
        assert_eq!(faces.find('衣', Weight::Regular).unwrap().advance(40.0), 40.0);
        let capital = faces.find('H', Weight::Regular).unwrap().outline(100.0, 0.0).unwrap().px_bounds();
        assert!((capital.height() - capital_height(100.0)).abs() <= 1.0, "{capital:?}");
    }
}
