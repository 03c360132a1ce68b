//! What a panel cannot do, and what a person can do about it.

use clothingid_shared::files::FileError;
use rustix::io::Errno;
use std::io;

/// Why a panel shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// The device cannot be opened.
    #[error("screen `{device}` cannot be opened")]
    Open {
        /// The device.
        device: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Another program shows its picture there.
    #[error("screen `{device}` belongs to another program")]
    Taken {
        /// The device.
        device: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// There is no graphics card.
    #[error("there is no graphics card at `{folder}`")]
    NoCard {
        /// Where they are looked for.
        folder: String,
    },
    /// Nothing is connected to the card.
    #[error("no screen is connected to `{device}`")]
    NothingConnected {
        /// The card.
        device: String,
    },
    /// The device has pixels that cannot be written.
    #[error("screen `{device}` has pixels of {found}, not of 16, 24 or 32 bits in red, green and blue")]
    Pixels {
        /// The device.
        device: String,
        /// What it has.
        found: String,
    },
    /// The device refused.
    #[error("screen `{device}` failed: {step}")]
    Step {
        /// The device.
        device: String,
        /// What was asked of it.
        step: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The panel on SPI failed.
    #[error("panel on `{device}` failed: {step}: {problem}")]
    Bus {
        /// The bus.
        device: String,
        /// What was asked of it.
        step: &'static str,
        /// What the driver said.
        problem: String,
    },
    /// The picture cannot be encoded.
    #[error("the screen cannot be made into a PNG: {problem}")]
    Encode {
        /// What the encoder said.
        problem: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl PanelError {
    /// A device that did not open: said to belong to somebody else where that is why.
    pub(super) fn opening(device: &str, errno: Errno) -> Self {
        let (device, cause) = (device.to_owned(), io::Error::from(errno));
        if errno == Errno::BUSY { Self::Taken { device, cause } } else { Self::Open { device, cause } }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Taken { device, .. } => vec![
                format!("find the program that holds it (a desktop or a kiosk browser): `fuser --verbose {device}`"),
                "one program owns an output: end the other one, or set `screen.output` to \"none\"".into(),
            ],
            Self::Open { device, cause } if cause.kind() == io::ErrorKind::PermissionDenied => vec![
                format!("let the user of this program use `{device}`: groups `video`, and for SPI `spi` and `gpio`"),
            ],
            Self::Open { .. } => vec!["check `screen.device` in the configuration, and that the device is there".into()],
            Self::NoCard { .. } => vec![
                "load the card's driver, or choose another output: `screen.output` is one of \"fbdev\", \"spi\", \"png\"".into(),
            ],
            Self::NothingConnected { .. } => vec!["connect a screen, or name another card as `screen.device`".into()],
            Self::Pixels { .. } => vec!["set another depth: `fbset -depth 32`".into()],
            Self::Bus { .. } => vec!["check the wires, and `dc`, `reset`, `spi` and `controller` in `[screen]`".into()],
            Self::File(_) => vec!["check `screen.file` in the configuration: its folder must be there".into()],
            Self::Step { .. } | Self::Encode { .. } => Vec::new(),
        }
    }
}
