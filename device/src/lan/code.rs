//! QR codes, as paths of an SVG, as pixels and as text.
//!
//! **Source** ISO/IEC 18004.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::{self, Write as _};

/// Modules of white around a code, at least: the standard's quiet zone.
pub const QUIET: u32 = 4;

/// A text as a square of dark and light modules.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(QrCode);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} modules)", self.side())
    }
}

impl Code {
    /// Nothing where the text is longer than any code.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        QrCode::encode_text(text, QrCodeEcc::Low).ok().map(Self)
    }

    /// Modules on each side, without white around them.
    #[must_use]
    pub fn side(&self) -> u32 {
        self.0.size().unsigned_abs()
    }

    /// Whether a module is dark; those outside are not.
    #[must_use]
    pub fn is_dark(&self, x: u32, y: u32) -> bool {
        let at = |value| i32::try_from(value).unwrap_or(-1);
        self.0.get_module(at(x), at(y))
    }

    /// Runs of dark modules in a row: where each begins, and how long it is.
    pub fn runs(&self) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        (0..self.side()).flat_map(move |y| {
            let mut x = 0;
            std::iter::from_fn(move || {
                while x < self.side() && !self.is_dark(x, y) {
                    x += 1;
                }
                let start = x;
                while self.is_dark(x, y) {
                    x += 1;
                }
                (x > start).then_some((start, y, x - start))
            })
        })
    }

    /// The dark modules as the `d` of an SVG's path, in units of modules, with the quiet zone before them.
    #[must_use]
    pub fn svg_path(&self) -> String {
        let mut path = String::new();
        for (x, y, length) in self.runs() {
            let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
        }
        path
    }

    /// Two modules a letter, for terminals: light ones are drawn, as most terminals are dark.
    #[must_use]
    pub fn text(&self) -> String {
        let end = self.side() + 2 * QUIET;
        // Outside of the code everything is light; before it too, which wraps to far outside.
        let is_light = |x: u32, y: u32| !self.is_dark(x.wrapping_sub(QUIET), y.wrapping_sub(QUIET));
        let mut text = String::new();
        for y in (0..end).step_by(2) {
            text.extend((0..end).map(|x| match (is_light(x, y), y + 1 < end && is_light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader that shares nothing with the writer finds in an image of the modules.
    fn read(side: u32, is_dark: impl Fn(u32, u32) -> bool) -> String {
        let scale = 4;
        let pixels = usize::try_from(side * scale).unwrap();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(pixels, pixels, |x, y| {
            let at = |pixel: usize| u32::try_from(pixel).unwrap() / scale;
            if is_dark(at(x), at(y)) { 0 } else { 255 }
        });
        image.detect_grids().first().expect("a code").decode().unwrap().1
    }

    const ADDRESS: &str =
        "https://192.168.178.123:8443/pair/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_reader_finds_the_address_in_the_modules_and_in_the_text() {
        let code = Code::of(ADDRESS).unwrap();
        let whole = code.side() + 2 * QUIET;
        let of_modules = read(whole, |x, y| code.is_dark(x.wrapping_sub(QUIET), y.wrapping_sub(QUIET)));
        assert_eq!(of_modules, ADDRESS);
        let text: Vec<Vec<char>> = code.text().lines().map(|line| line.chars().collect()).collect();
        let of_text = read(whole, |x, y| {
            let letter = text[usize::try_from(y / 2).unwrap()][usize::try_from(x).unwrap()];
            letter == ' ' || letter == if y % 2 == 0 { '▄' } else { '▀' }
        });
        assert_eq!(of_text, ADDRESS);
        assert!(code.side() <= 45, "{} modules: too fine for a panel of 240 pixels", code.side());
    }

    #[test]
    fn the_runs_are_the_dark_modules() {
        let code = Code::of("a").unwrap();
        let dark = (0..code.side()).flat_map(|y| (0..code.side()).map(move |x| (x, y)));
        let dark: Vec<_> = dark.filter(|&(x, y)| code.is_dark(x, y)).collect();
        let of_runs: Vec<_> = code.runs().flat_map(|(x, y, length)| (x..x + length).map(move |x| (x, y))).collect();
        assert_eq!(of_runs, dark);
        assert!(code.svg_path().starts_with("M4 4h7v1h-7z"), "{}", code.svg_path());
        assert_eq!(Code::of(&"x".repeat(5000)), None);
    }
}
