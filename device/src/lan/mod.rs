//! The shop's network: who may reach the appliance from elsewhere, and how.
//!
//! Without `[lan]` in the configuration nobody may. With it the page is also served there, by TLS alone ([`identity`] is the certificate), and only to
//! devices that were paired ([`devices`]): one of the staff lets the appliance make an [`offer`], a phone reads it as a [QR code](mod@code) and takes it up,
//! once. [`place`] is where others reach this machine.
//!
//! Not here: what is served (`page`), and who of those with a paired device is staff (`staff`).

pub mod code;
pub mod devices;
pub mod identity;
pub mod offer;
pub mod place;

pub use code::Code;
pub use devices::{Device, Devices, PairError};
pub use identity::{Identity, IdentityError, Own};
pub use offer::Offers;

use clothingid_shared::files::{self, FileError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The name of the folder in the state folder.
const FOLDER: &str = "lan";

/// What the configuration says of the shop's network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanSettings {
    /// The name that others have for this machine, if it has one.
    pub name: Option<String>,
    /// The shop's own certificate and key, in place of one that is made here.
    pub own: Option<Own>,
}

/// The way into the appliance over the shop's network.
#[derive(Debug)]
pub struct Lan {
    /// How the appliance shows that it is itself.
    pub identity: Identity,
    /// Who was paired.
    pub devices: Devices,
    /// How one is paired.
    pub offers: Offers,
    name: Option<String>,
    listen: SocketAddr,
}

/// What a phone is shown to be paired.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The address that it opens.
    pub address: String,
    /// The same as a QR code.
    pub code: Code,
    /// What its browser shows of the certificate.
    pub fingerprint: String,
}

/// Never its address, which lets one in.
impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").finish_non_exhaustive()
    }
}

/// The shop's network cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LanError {
    /// A file of it cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The list of paired devices.
    #[error(transparent)]
    Devices(#[from] PairError),
}

impl LanError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Identity(error) => error.hint(),
            Self::Devices(error) => error.hint(),
        }
    }
}

/// Where all of it is kept.
#[must_use]
pub fn folder(state: &Path) -> PathBuf {
    state.join(FOLDER)
}

impl Lan {
    /// What is kept in the state folder, made where it is not there yet. `listen` is where it is served.
    ///
    /// # Errors
    /// [`LanError`]: without all of it nobody is let in.
    pub fn open(state: &Path, settings: &LanSettings, listen: SocketAddr) -> Result<Self, LanError> {
        let folder = folder(state);
        files::create_folder(&folder)?;
        let names = place::names(settings.name.as_deref(), listen.ip());
        let identity = match &settings.own {
            Some(own) => Identity::read(own)?,
            None => Identity::kept_in(&folder, &names)?,
        };
        let devices = Devices::kept_in(&folder)?;
        Ok(Self { identity, devices, offers: Offers::kept_in(&folder)?, name: settings.name.clone(), listen })
    }

    /// What an appliance that runs keeps in the state folder: nothing is made.
    ///
    /// # Errors
    /// [`LanError`].
    pub fn kept(state: &Path, settings: &LanSettings, listen: SocketAddr) -> Result<Option<Self>, LanError> {
        let folder = folder(state);
        if settings.own.is_none() && !identity::is_kept_in(&folder) || !folder.exists() {
            return Ok(None);
        }
        Self::open(state, settings, listen).map(Some)
    }

    /// Where others reach it, as a browser takes it; nothing while this machine is on no network.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        place::address(self.name.as_deref(), self.listen)
    }

    /// What is to be shown while an offer stands.
    #[must_use]
    pub fn invitation(&self) -> Option<Invitation> {
        let code = self.offers.standing()?;
        let address = format!("{}/pair/{code}", self.address()?);
        Some(Invitation { code: Code::of(&address)?, address, fingerprint: self.identity.fingerprint().to_owned() })
    }
}
