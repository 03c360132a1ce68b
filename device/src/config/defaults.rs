//! What holds when the configuration does not say otherwise.

use super::colour::Colour;
use std::time::Duration;

/// Where the page is served: this machine only.
pub const LISTEN: &str = "127.0.0.1:8080";

/// Where the shop's network is served, where the shop has chosen it on its page.
pub const LAN_LISTEN: &str = "0.0.0.0:8443";

/// Frames a second of a folder of photographs.
pub const FRAMES_PER_SECOND: f64 = 5.0;

/// How long each photograph of a folder is held.
pub const HOLD: Duration = Duration::from_secs(5);

/// The language of the page.
pub const LANGUAGE: &str = "en";

/// What stands out on the customers' page (`page/assets/kiosk.css`, as the other colours).
pub const ACCENT: Colour = Colour::new([0x0b, 0x5a, 0x50]);
/// Its background.
pub const PAPER: Colour = Colour::new([0xf7, 0xf5, 0xf1]);
/// Its cards, and text on what stands out.
pub const CARD: Colour = Colour::new([0xff; 3]);
/// Its text: usual, softer, and of what is less sure.
pub const TEXTS: [Colour; 3] =
    [Colour::new([0x1c, 0x1a, 0x18]), Colour::new([0x57, 0x51, 0x4a]), Colour::new([0x7a, 0x4a, 0x12])];

/// What is wrong with a number of frames a second, if anything. Below one, a stop would take longer than a second.
#[must_use]
pub fn frames_per_second_problem(value: f64) -> Option<&'static str> {
    if (1.0..=120.0).contains(&value) { None } else { Some("is not from 1 to 120") }
}

/// What is wrong with a number of seconds to hold a photograph, if anything.
#[must_use]
pub fn hold_seconds_problem(value: f64) -> Option<&'static str> {
    if (0.0..=3600.0).contains(&value) { None } else { Some("is not from 0 to 3600") }
}

/// Pixels along a side of the screen, at most.
pub const MOST_SCREEN_SIDE: u32 = 8192;

/// A framebuffer without a name.
pub const FRAMEBUFFER: &str = "/dev/fb0";

/// A PNG of the screen, where no size is said: as many tablets and panels are.
pub const PNG_SIZE: (u32, u32) = (1280, 800);

/// A panel on SPI, where no size is said.
pub const SPI_SIZE: (u32, u32) = (240, 240);

/// The bus of a panel on SPI.
pub const SPI: &str = "/dev/spidev0.0";

/// The chip that its pins are lines of.
pub const GPIO: &str = "/dev/gpiochip0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::colour::READABLE;

    #[test]
    fn the_colours_are_the_pages_and_can_be_read() {
        let page = include_str!("../page/assets/kiosk.css");
        let [ink, soft, sand] = TEXTS;
        for (name, colour) in
            [("green", ACCENT), ("paper", PAPER), ("card", CARD), ("ink", ink), ("soft", soft), ("sand", sand)]
        {
            assert!(page.contains(&format!("--{name}: {colour};")), "{name}");
        }
        for text in TEXTS.into_iter().chain([ACCENT]) {
            assert!(text.contrast(PAPER) >= READABLE && text.contrast(CARD) >= READABLE, "{text}");
        }
    }
}
