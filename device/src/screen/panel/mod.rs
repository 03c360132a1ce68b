//! Panels: what shows the canvas to people.
//!
//! A [`Panel`] has a size and takes what changed. [`drm`] drives an output of a graphics card (HDMI, DSI, a virtual machine's), [`fbdev`] an
//! older framebuffer, [`spi`] a small panel on a bus, and [`png`] writes a file. Each turns the picture as it is mounted. A panel is opened
//! by its [`PanelChoice`], again and again if it has to be.

pub mod drm;
pub mod error;
pub mod fbdev;
pub mod png;
pub mod spi;

pub use error::PanelError;
pub use spi::SpiSettings;

use super::canvas::Canvas;
use super::pixels::Turn;
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use std::path::PathBuf;
use std::time::Duration;

/// Something that shows a canvas.
pub trait Panel: Send {
    /// What it is, for people.
    fn describe(&self) -> String;

    /// The size that its canvas must have.
    fn size(&self) -> Size;

    /// The least time from one picture to the next.
    fn pace(&self) -> Duration {
        // Fifteen a second look alive and leave the processor to the network.
        Duration::from_millis(66)
    }

    /// Shows what changed on the canvas.
    ///
    /// **Errors** [`PanelError`]: the panel is then opened again.
    fn present(&mut self, canvas: &Canvas, changed: &[Rectangle]) -> Result<(), PanelError>;
}

/// Which panel to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelChoice {
    /// An output of a graphics card, over DRM and KMS.
    Drm {
        /// The card; without one, the first with something connected.
        device: Option<PathBuf>,
        /// How it is mounted.
        turn: Turn,
    },
    /// A framebuffer device.
    Fbdev {
        /// The device.
        device: PathBuf,
        /// How it is mounted.
        turn: Turn,
    },
    /// A small panel on SPI.
    Spi(SpiSettings),
    /// A PNG file.
    Png {
        /// The file.
        file: PathBuf,
        /// Its size.
        size: Size,
    },
}

impl PanelChoice {
    /// Opens the panel.
    ///
    /// **Errors** [`PanelError`].
    pub fn open(&self) -> Result<Box<dyn Panel>, PanelError> {
        Ok(match self {
            Self::Drm { device, turn } => Box::new(drm::Drm::open(device.as_deref(), *turn)?),
            Self::Fbdev { device, turn } => Box::new(fbdev::Fbdev::open(device, *turn)?),
            Self::Spi(settings) => spi::open(settings)?,
            Self::Png { file, size } => Box::new(png::Png::new(file.clone(), *size)),
        })
    }

    /// What will be opened, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Drm { device: None, .. } => "drm: the first connected output".to_owned(),
            Self::Drm { device: Some(device), .. } => format!("drm: `{}`", device.display()),
            Self::Fbdev { device, .. } => format!("fbdev: `{}`", device.display()),
            Self::Spi(settings) => settings.describe(),
            Self::Png { file, size } => format!("png: {}×{} in `{}`", size.width, size.height, file.display()),
        }
    }
}
