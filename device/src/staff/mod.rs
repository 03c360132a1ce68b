//! What the staff may do that customers may not, and who is staff.
//!
//! - [`pin`] is what a PIN may be and the hash that is kept of it, [`vault`] where that is kept, [`lock`] how long nobody may try after wrong
//!   ones, [`session`] who is logged in; [`access`] is the door that these make together;
//! - [`desk`] is what lies before one who is logged in: pictures that are in memory until he decides;
//! - [`barcode`] reads what a scanner types, and [`find`] finds products by words and numbers;
//! - [`importing`] is an import that is tried and made beside everything else, of files that were received ([`incoming`]) or lie on a USB stick
//!   ([`sticks`]);
//! - [`article`] is one that is added at the counter;
//! - [`settings`] is what the shop sets itself, and the first start;
//! - [`light`] says whether a frame is bright enough, and [`mod@camera`] what the staff set of its controls;
//! - [`trial`] counts what is answered to garments whose number is known;
//! - [`books`] changes the catalogue on the staff's behalf.
//!
//! Not here: the pages themselves (`page::staff`), and how the catalogue is kept (`catalogue`).

pub mod access;
pub mod article;
pub mod barcode;
pub mod books;
pub mod camera;
pub mod desk;
pub mod find;
pub mod importing;
pub mod incoming;
pub mod light;
pub mod lock;
pub mod pin;
pub mod session;
pub mod settings;
pub mod sticks;
pub mod trial;
pub mod vault;

pub use access::{Access, AccessError, Tried};
pub use books::Books;
pub use desk::Desk;
pub use importing::Importing;
pub use pin::{HashedPin, Pin, PinError};
pub use session::Session;
pub use settings::Settings;
pub use vault::{Vault, VaultError};

use crate::camera::{ControlDesk, ControlWishes};
use crate::lan::Lan;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sticks::Media;

/// What stays when the appliance is opened again: who is logged in, and an import that is under way.
#[derive(Debug, Clone)]
pub struct Stays {
    access: Arc<Access>,
    importing: Arc<Importing>,
}

impl Stays {
    /// With the PIN of this vault, and this state folder.
    #[must_use]
    pub fn new(vault: Vault, state: &Path) -> Self {
        Self { access: Arc::new(Access::new(vault)), importing: Arc::new(Importing::new(state.join(INCOMING))) }
    }
}

/// All that the staff's pages share, whichever network answers.
#[derive(Debug)]
pub struct Staff {
    /// Who may come in. Whoever is logged in stays so when the appliance is opened again.
    pub access: Arc<Access>,
    /// The import that is under way.
    pub importing: Arc<Importing>,
    /// Where USB sticks are mounted.
    pub media: Media,
    /// Where the camera's controls are asked for.
    pub camera: Arc<ControlDesk>,
    /// The state folder.
    pub folder: PathBuf,
    /// The way in over the shop's network, if there is one.
    pub lan: Option<Arc<Lan>>,
    /// What the shop sets itself, where there is a configuration.
    pub settings: Option<Settings>,
}

/// The name of the folder in the state folder in which uploads are received.
const INCOMING: &str = "incoming";

impl Staff {
    /// With this state folder. The camera's controls are as configured, with what the staff have set since in front.
    #[must_use]
    pub fn new(stays: Stays, state: &Path, media: Media, configured: ControlWishes) -> Self {
        let Stays { access, importing } = stays;
        let mut controls = configured;
        controls.extend(camera::kept(state));
        let camera = Arc::new(ControlDesk::new(controls));
        Self { access, importing, media, camera, folder: state.to_owned(), lan: None, settings: None }
    }

    /// Whether nobody has set the appliance up yet, and whoever stands before it may.
    #[must_use]
    pub fn is_first_start(&self) -> bool {
        // A PIN that cannot be read is one: nobody may take its place.
        self.settings.as_ref().is_some_and(|settings| settings.may_be_first)
            && matches!(self.access.has_pin(), Ok(false))
    }

    /// Whether settings were changed that hold once the appliance is opened again.
    #[must_use]
    pub fn wants_to_be_opened_again(&self) -> bool {
        self.settings.as_ref().is_some_and(Settings::have_changed)
    }
}
