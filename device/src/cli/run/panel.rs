//! The panel that configuration or flag name.

use crate::cli::Report;
use crate::config::{ScreenConfig, ScreenOutput, defaults};
use crate::screen::panel::SpiSettings;
use crate::screen::pixels::Turn;
use crate::screen::{PanelChoice, PanelError};
use embedded_graphics::geometry::Size;
use std::path::PathBuf;
use toml::Spanned;

/// The configured panel; nothing where there is no screen.
pub(in crate::cli) fn panel(config: &ScreenConfig) -> Option<PanelChoice> {
    let turn = config.rotation.as_ref().and_then(|degrees| Turn::try_from(*degrees.get_ref()).ok()).unwrap_or_default();
    let size = |(width, height): (u32, u32)| {
        let of = |side: &Option<Spanned<u32>>, default| side.as_ref().map_or(default, |side| *side.get_ref());
        Size::new(of(&config.width, width), of(&config.height, height))
    };
    let path = |path: &Option<PathBuf>, default: &str| path.clone().unwrap_or_else(|| default.into());
    match *config.output.as_ref()?.get_ref() {
        ScreenOutput::None => None,
        ScreenOutput::Drm => Some(PanelChoice::Drm { device: config.device.clone(), turn }),
        ScreenOutput::Fbdev => Some(PanelChoice::Fbdev { device: path(&config.device, defaults::FRAMEBUFFER), turn }),
        ScreenOutput::Png => {
            config.file.clone().map(|file| PanelChoice::Png { file, size: turn.size(size(defaults::PNG_SIZE)) })
        }
        ScreenOutput::Spi => Some(PanelChoice::Spi(SpiSettings {
            controller: config.controller.unwrap_or_default(),
            bus: path(&config.spi, defaults::SPI),
            gpio: path(&config.gpio, defaults::GPIO),
            dc: config.dc?,
            reset: config.reset,
            backlight: config.backlight,
            size: size(defaults::SPI_SIZE),
            turn,
        })),
    }
}

/// The panel of a flag: `drm`, `fbdev` or a PNG file.
pub(in crate::cli) fn panel_of_flag(word: &str) -> Result<PanelChoice, String> {
    let turn = Turn::None;
    match word {
        "drm" => Ok(PanelChoice::Drm { device: None, turn }),
        "fbdev" => Ok(PanelChoice::Fbdev { device: defaults::FRAMEBUFFER.into(), turn }),
        file if file.to_ascii_lowercase().ends_with(".png") => {
            let (width, height) = defaults::PNG_SIZE;
            Ok(PanelChoice::Png { file: file.into(), size: Size::new(width, height) })
        }
        _ => Err("expected `drm`, `fbdev` or a file that ends in `.png`".to_owned()),
    }
}

/// What is wrong with a panel, and what to do.
pub(in crate::cli) fn panel_report(error: &PanelError) -> Report {
    Report::of(error).hinted(error.hints()).during("opening the screen")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use std::path::Path;

    fn of(text: &str) -> Option<PanelChoice> {
        panel(&config::parse(Path::new("/etc/clothingid/config.toml"), text).unwrap().screen)
    }

    #[test]
    fn what_the_configuration_says_is_what_is_opened() {
        assert_eq!(of(""), None);
        assert_eq!(of("[screen]\noutput = 'none'\nfile = 'x.png'"), None);
        assert_eq!(of("[screen]\noutput = 'drm'"), Some(PanelChoice::Drm { device: None, turn: Turn::None }));
        assert_eq!(
            of("[screen]\noutput = 'fbdev'\nrotation = 180"),
            Some(PanelChoice::Fbdev { device: "/dev/fb0".into(), turn: Turn::Half })
        );
        assert_eq!(
            of("[screen]\noutput = 'png'\nfile = 's.png'\nwidth = 480\nheight = 320\nrotation = 90"),
            Some(PanelChoice::Png { file: "/etc/clothingid/s.png".into(), size: Size::new(320, 480) })
        );
        let spi = of("[screen]\noutput = 'spi'\ncontroller = 'ili9341'\ndc = 25\nwidth = 240\nheight = 320").unwrap();
        assert_eq!(spi.describe(), "spi: ILI9341 of 240×320 on `/dev/spidev0.0`");
    }

    #[test]
    fn a_flag_is_a_word_or_a_picture() {
        assert!(matches!(panel_of_flag("drm"), Ok(PanelChoice::Drm { .. })));
        assert!(matches!(panel_of_flag("a/b.PNG"), Ok(PanelChoice::Png { .. })));
        assert!(panel_of_flag("hdmi").is_err());
    }
}
