//! `clothingid demo`: the whole appliance on the demo shop, which is part of the program.

use super::network::open_embedders;
use super::run::{Appliance, listen_at, panel_of_flag, stop_on_signals};
use super::{NetworkArgs, Outcome, Report};
use crate::camera::{CameraChoice, ControlWishes, Photos, ReplaySettings, V4l2Settings, Which};
use crate::catalogue::csv;
use crate::catalogue::import::{Import, ImportError, Quiet, Removes};
use crate::catalogue::photos::EmbeddedPhotos;
use crate::catalogue::store::Author;
use crate::config::{Language, defaults};
use crate::network::EngineChoice;
use crate::page::{Look, rate};
use crate::screen::PanelChoice;
use crate::staff::sticks::Media;
use crate::staff::{Pin, Staff, Stays, Vault};
use crate::state;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::files;
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

static SHOP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../demo");

/// The shop's name on the page.
const NAME: &str = "Demo Shop";

/// Frames a second of the demo's camera: fast enough to see that it is live, slow enough for any board.
const FRAMES_PER_SECOND: f64 = 5.0;

/// How long each photograph is shown.
const HOLD: Duration = Duration::from_secs(5);

/// Shows the whole appliance on a small shop: photographs replayed as a camera, answers live on a page.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Serve the page at this address
    #[arg(long, value_name = "ADDR", default_value = defaults::LISTEN)]
    pub listen: String,

    /// Language of the page: en, zh-Hant or de
    #[arg(long, value_name = "TAG", default_value = defaults::LANGUAGE, value_parser = language)]
    pub language: Language,

    /// Look through this camera instead of the demo's photographs: auto, /dev/videoN, port:… or serial:…
    #[arg(long, value_name = "CAMERA", value_parser = which)]
    pub camera: Option<Which>,

    /// Show it on a screen too: drm, fbdev or a PNG file
    #[arg(long, value_name = "OUTPUT", value_parser = panel_of_flag)]
    pub screen: Option<PanelChoice>,

    /// Which network, on what.
    #[command(flatten)]
    pub network: NetworkArgs,
}

fn which(text: &str) -> Result<Which, String> {
    Which::parse(text).map_err(ToOwned::to_owned)
}

fn language(tag: &str) -> Result<Language, String> {
    Language::of_tag(tag).ok_or_else(|| "expected `en`, `zh-Hant` or `de`".to_owned())
}

/// Runs until it is told to end.
///
/// # Errors
/// A port in use, an unusable bundle or engine, a state folder that cannot be written.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    let appliance = Appliance {
        listener: listen_at(&args.listen)?,
        bundle: Arc::new(args.network.bundle()?),
        updates: None,
        previous_bundle: None,
        engine: args.network.engine,
        threads: usize::from(args.network.threads),
        camera: args.camera.clone().map_or_else(camera, camera_device),
        language: args.language,
        shop_name: NAME.to_owned(),
        look: Look::default(),
        second_look: false,
        uploads_per_second: rate::UPLOADS_PER_SECOND,
        panel: args.screen.clone(),
        staff: staff()?,
        network: None,
    };
    let ended = appliance.run(&stop_on_signals()?, |bundle| {
        let folder = state::folder()?;
        files::create_folder(&folder)?;
        import(&folder.join("demo.sqlite"), bundle, args.network.engine)
    });
    ended.map(|_| Outcome::Done)
}

fn camera_device(which: Which) -> CameraChoice {
    CameraChoice::V4l2(V4l2Settings { which, ..V4l2Settings::default() })
}

/// The staff's pages with a PIN for this run, so that anyone can try them.
fn staff() -> Result<Arc<Staff>, Report> {
    let pin = Pin::random()?;
    eprintln!("the staff's pages are at /staff; their PIN for this run is {}", pin.digits());
    let state = state::folder()?;
    let stays = Stays::new(Vault::of_one_run(&pin)?, &state);
    Ok(Arc::new(Staff::new(stays, &state, Media::new(None), ControlWishes::new())))
}

/// The demo's camera: its photographs in the order of their names.
fn camera() -> CameraChoice {
    CameraChoice::Replay(ReplaySettings {
        photos: Photos::Memory(camera_photos()),
        frames_per_second: FRAMES_PER_SECOND,
        hold: HOLD,
    })
}

/// What the demo's camera sees, in the order of the names.
pub(super) fn camera_photos() -> Vec<(String, &'static [u8])> {
    let files = SHOP.get_dir("camera").into_iter().flat_map(Dir::files);
    let is_photo =
        |path: &Path| path.extension().is_some_and(|e| e == "jpg" || e == "jpeg" || e == "png" || e == "webp");
    let mut photos: Vec<_> = files
        .filter(|file| is_photo(file.path()))
        .map(|file| (file.path().display().to_string(), file.contents()))
        .collect();
    photos.sort();
    photos
}

/// Brings the demo's catalogue to what the program carries; the second time there is nothing to do.
pub(super) fn import(catalogue: &Path, bundle: &Bundle, engine: EngineChoice) -> Result<PathBuf, Report> {
    let csv = SHOP.get_file("catalogue.csv").map(include_dir::File::contents).unwrap_or_default();
    let photos = SHOP.get_dir("photos");
    let embedders = open_embedders(bundle, engine)?;
    let find = |name: &str| Some(photos?.get_file(photos?.path().join(name))?.contents());
    let name = "the demo's catalogue.csv";
    let listing = csv::read(name, csv).map_err(|error| Report::of(&error).hinted(error.hints()))?;
    let import = Import {
        name,
        listing: &listing,
        // Products of an older program's demo go.
        removes: Removes::Unlisted,
        photos: &EmbeddedPhotos(find),
        catalogue,
        embedders: &embedders,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        arguments: None,
        author: Author { who: "the program".to_owned(), what: "demo".to_owned() },
        stop: &AtomicBool::new(false),
    };
    let again = || format!("the demo's catalogue is made anew when `{}` is removed", catalogue.display());
    let failed =
        |error: ImportError| Report::of(&error).during("importing the demo shop").hinted(error.hints()).hint(again());
    let summary = import.run(&mut Quiet).map_err(failed)?;
    if summary.new + summary.changed > 0 {
        eprintln!("imported {} products with {} photographs", summary.new + summary.changed, summary.photos);
    }
    for problem in &summary.problems {
        eprintln!("{problem}");
    }
    Ok(catalogue.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Frame;
    use clothingid_shared::picture;

    #[test]
    fn the_demo_is_part_of_the_program() {
        assert!(SHOP.get_file("catalogue.csv").is_some());
        let CameraChoice::Replay(ReplaySettings { photos: Photos::Memory(photos), .. }) = camera() else {
            panic!("the demo's camera is in memory");
        };
        assert!(photos.len() >= 5, "{} photographs", photos.len());
        for (name, bytes) in &photos {
            assert!(picture::decode(bytes).is_ok(), "{name}");
        }
        camera().open().unwrap().next(&mut Frame::empty()).unwrap();
    }
}
