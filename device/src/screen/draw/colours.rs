//! The colours of the kiosk page (`page/assets/kiosk.css`), whose contrasts are stated there.

use embedded_graphics::pixelcolor::Rgb888;

pub(super) const PAPER: Rgb888 = of(0xf7_f5_f1);
pub(super) const CARD: Rgb888 = of(0xff_ff_ff);
pub(super) const INK: Rgb888 = of(0x1c_1a_18);
pub(super) const SOFT: Rgb888 = of(0x57_51_4a);
pub(super) const LINE: Rgb888 = of(0xdd_d7_ce);
pub(super) const TRACK: Rgb888 = of(0xe9_e4_dc);
pub(super) const GREEN: Rgb888 = of(0x0b_5a_50);
pub(super) const SAND: Rgb888 = of(0x7a_4a_12);
/// Behind the live picture.
pub(super) const FRAME: Rgb888 = of(0xec_e7_df);
/// The hanger where there is no picture.
pub(super) const HANGER: Rgb888 = of(0xb9_b0_a3);

const fn of(rgb: u32) -> Rgb888 {
    let [_, red, green, blue] = rgb.to_be_bytes();
    Rgb888::new(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::pixelcolor::RgbColor;

    #[test]
    fn they_are_the_pages() {
        let page = include_str!("../../page/assets/kiosk.css");
        let written = |colour: Rgb888| format!("#{:02x}{:02x}{:02x}", colour.r(), colour.g(), colour.b());
        for (name, colour) in [
            ("--paper", PAPER),
            ("--card", CARD),
            ("--ink", INK),
            ("--soft", SOFT),
            ("--line", LINE),
            ("--track", TRACK),
            ("--green", GREEN),
            ("--sand", SAND),
        ] {
            assert!(page.contains(&format!("{name}: {};", written(colour))), "{name}");
        }
        assert!(page.contains(&written(FRAME)) && page.contains(&written(HANGER)));
    }
}
