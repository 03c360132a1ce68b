//! What the configuration names, opened as far as that goes without starting anything: what is missing is found here, before the first thread.

use super::Args;
use super::panel::panel;
use super::updates::Updates;
use crate::camera::CameraChoice;
use crate::catalogue::{Store, StoreError};
use crate::cli::Report;
use crate::cli::camera::configured as configured_camera;
use crate::cli::catalogue::store_report;
use crate::config::{self, Chosen, Config, ConfigError, Fixed, LanConfig, LookConfig, defaults};
use crate::lan::{Lan, LanSettings, Own};
use crate::network::{self, EngineChoice};
use crate::page::{self, Look};
use crate::staff::sticks::Media;
use crate::staff::{Settings, Staff, Stays, settings};
use crate::state;
use crate::update::memory::Place;
use crate::update::quiet;
use clothingid_shared::bundle::Bundle;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

/// All that the configuration names, there and usable.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) camera: CameraChoice,
    pub(super) catalogue: PathBuf,
    pub(super) bundle: Arc<Bundle>,
    /// Networks that come as updates, where the configuration names none.
    pub(super) updates: Option<Updates>,
    /// Where the shop's network is served, if it is.
    pub(super) network: Option<TcpListener>,
    pub(super) staff: Arc<Staff>,
    pub(super) look: Look,
}

/// Opens what the configuration names, as far as that goes without starting anything. `stays` is what an appliance has that is opened again.
pub(super) fn open(args: &Args, stays: &Stays) -> Result<Opened, Report> {
    let state = state::folder()?;
    let files = config::load_files(args.config.as_deref()).map_err(|error| config_report(&error))?;
    let fixed = Fixed::by(&files);
    let config = chosen(&state).config().overridden_by(files);
    check_second_look(&config)?;
    let camera = configured_camera(&config.camera)?;
    let catalogue = sound(catalogue(config.catalogue.clone())?)?;
    let bundle = network::read_bundle(config.bundle.as_deref()).map_err(|error| {
        Report::of(&error).hint("leave `bundle` out of the configuration to use the bundle inside the program")
    })?;
    let updates = match config.bundle {
        Some(_) => None,
        None => Some(Updates::new(Place::new(&state), quiet(&config))),
    };
    let controls = config.camera.controls.clone().unwrap_or_default();
    let mut staff = Staff::new(stays.clone(), &state, Media::new(config.staff.media.clone()), controls);
    let waits = args.first_start && waits(&state, &staff);
    staff.settings = Some(Settings::new(&state, &config, fixed, waits));
    let has_screen = panel(&config.screen).is_some();
    let (network, lan) = match shops_network(&state, &lan_at_start(&config.lan, has_screen && staff.is_first_start())) {
        Ok(Some((listener, lan))) => (Some(listener), Some(lan)),
        Ok(None) => (None, None),
        // The customers' page does not hang on it, and what was chosen on a page must not keep the appliance from starting.
        Err(report) if args.safe_mode || !fixed.network => {
            eprint!("{report}");
            eprintln!("the shop's network is not served until the appliance is started again");
            (None, None)
        }
        Err(report) => return Err(report),
    };
    staff.lan = lan;
    let look = look(&config.look)?;
    let staff = Arc::new(staff);
    Ok(Opened { config, camera, catalogue, bundle: Arc::new(bundle), updates, network, staff, look })
}

/// For how long no customer may have been there before the appliance changes over to another network.
pub(in crate::cli) fn quiet(config: &Config) -> Duration {
    let minutes = config.update.quiet_minutes.as_ref().map(|minutes| *minutes.get_ref());
    minutes.map_or(quiet::QUIET, |minutes| Duration::from_secs(60 * u64::from(minutes)))
}

/// Whether nobody has set the appliance up yet. A PIN that cannot be read is one, and where it cannot be remembered nobody sets anything up.
fn waits(state: &Path, staff: &Staff) -> bool {
    let has_pin = staff.access.has_pin().unwrap_or(true);
    settings::waits(state, has_pin).unwrap_or_else(|error| {
        eprint!("{}", Report::of(&error).during("beginning the first start"));
        false
    })
}

/// A second look needs an engine that shows where its answers come from, which the one that is asked for by name may not be.
fn check_second_look(config: &Config) -> Result<(), Report> {
    match config.engine {
        Some(engine @ (EngineChoice::Gpu | EngineChoice::Tract)) if config.second_look == Some(true) => {
            Err(Report::new(format!("the settings ask for a second look, which the engine `{engine}` cannot give"))
                .during("reading the configuration")
                .hint("set `engine = \"cpu\"`, or leave `second_look` out"))
        }
        _ => Ok(()),
    }
}

/// What the shop has chosen on its page. A file that cannot be read must not end the appliance: it is said, and as if nothing were chosen.
fn chosen(state: &Path) -> Chosen {
    Chosen::kept_in(state).unwrap_or_else(|error| {
        eprint!("{}", config_report(&error));
        eprintln!("what was chosen on the staff's page Settings does not hold until it is chosen again");
        Chosen::default()
    })
}

/// The shop's network as it is configured; where the appliance has a screen and nobody has set it up yet, it is served for the phone that reads the
/// code on the screen.
fn lan_at_start(config: &LanConfig, is_first_start: bool) -> LanConfig {
    let mut config = config.clone();
    if is_first_start && config.listen.is_none() {
        config.listen = Some(Spanned::new(0..0, defaults::LAN_LISTEN.to_owned()));
    }
    config
}

/// Where the shop's network is served and how, if it is.
fn shops_network(state: &Path, config: &LanConfig) -> Result<Option<(TcpListener, Arc<Lan>)>, Report> {
    let Some(address) = &config.listen else { return Ok(None) };
    let during = |report: Report| report.during("serving the shop's network, as `[lan]` asks");
    let listener = page::bind(address.get_ref()).map_err(|error| during(Report::of(&error).hinted(error.hints())))?;
    let lan = Lan::open(state, &lan_settings(config.clone()), listener.local_addr()?);
    let lan = lan.map_err(|error| during(Report::of(&error).hinted(error.hint())))?;
    // An offer is for those who stood before the appliance when it was made.
    lan.offers.end()?;
    Ok(Some((listener, Arc::new(lan))))
}

/// The shop's logo and colours.
fn look(config: &LookConfig) -> Result<Look, Report> {
    // The configuration was checked when it was read.
    let colour = |text: &Option<Spanned<String>>| text.as_ref().and_then(|text| text.get_ref().parse().ok());
    Look::new(config.logo.as_deref(), colour(&config.accent), colour(&config.paper))
        .map_err(|error| Report::of(&error).during("reading the shop's logo, as `[look]` names it"))
}

/// What the configuration says of the shop's network.
pub(in crate::cli) fn lan_settings(config: LanConfig) -> LanSettings {
    let own = config.certificate.zip(config.key);
    LanSettings {
        name: config.name.map(Spanned::into_inner),
        own: own.map(|(certificate, key)| Own { certificate: certificate.into_inner(), key: key.into_inner() }),
    }
}

/// The report of a configuration that cannot be used.
pub(in crate::cli) fn config_report(error: &ConfigError) -> Report {
    let report = Report::of(error).hinted(error.hint());
    if matches!(error, ConfigError::File(_)) { report } else { report.during("reading the configuration") }
}

/// The catalogue's file. One that the configuration names must be there: a misspelt name would be an empty shop. The one of the state
/// folder comes with the first import.
pub(in crate::cli) fn catalogue(configured: Option<PathBuf>) -> Result<PathBuf, Report> {
    match configured {
        None => Ok(state::catalogue()?),
        Some(path) if path.exists() => Ok(path),
        Some(path) => Err(store_report(&StoreError::Missing { path })
            .during("opening the catalogue that the configuration names")
            .hint("or leave `catalogue` out of the configuration to use the one in the state folder")),
    }
}

/// A catalogue that is there can be opened: what is no catalogue, or was torn as a whole, is found before a camera is.
fn sound(path: PathBuf) -> Result<PathBuf, Report> {
    if path.exists() {
        let _ = Store::open(&path).map_err(|error| store_report(&error).during("opening the catalogue"))?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files;

    #[test]
    fn a_catalogue_that_is_torn_is_found_before_anything_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        assert_eq!(sound(path.clone()).unwrap(), path, "one comes with the first import");
        files::write_atomic(&path, b"SQLite format 3\0and then nothing").unwrap();
        let report = sound(path.clone()).unwrap_err().to_string();
        assert!(report.contains("while: opening the catalogue") && report.contains("hint: "), "{report}");
        drop(Store::open_or_create(&folder.path().join("other.db")).unwrap());
        assert!(sound(folder.path().join("other.db")).is_ok());
    }

    #[test]
    fn a_catalogue_that_is_named_and_missing_is_no_empty_shop() {
        let report = catalogue(Some("/nowhere/shop.db".into())).unwrap_err();
        insta::assert_snapshot!(report, @r"
        error: there is no catalogue at `/nowhere/shop.db`
          while: opening the catalogue that the configuration names

        hint: make one: `clothingid catalogue import CSV --photos DIR --catalogue /nowhere/shop.db`
        hint: or leave `catalogue` out of the configuration to use the one in the state folder
        ");
        let there = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(catalogue(Some(there.path().into())).unwrap(), there.path());
    }
}
