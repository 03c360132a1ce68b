//! The parts that `doctor` looks at.

use super::{Finding, Status};
use crate::camera::v4l2::Found;
use crate::camera::v4l2::discover::Places;
use crate::camera::{CameraChoice, CameraError};
use crate::catalogue::store::embed_command;
use crate::catalogue::{Snapshot, StoreError};
use crate::cli::camera::configured as configured_camera;
use crate::cli::catalogue::store_report;
use crate::cli::network::bundle_in_use;
use crate::cli::run::{catalogue as configured_catalogue, config_report, panel as configured_panel, panel_report};
use crate::cli::{NetworkArgs, Report};
use crate::config::{self, CameraConfig, Config, ConfigError};
use crate::network::{EngineChoice, golden, read_bundle};
use crate::screen::{PanelChoice, PanelError};
use crate::state;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::{ArithmeticClass, EmbeddingIdentity};
use clothingid_shared::files;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Below this much free space an update or an import may not fit.
const FREE_BYTES_WANTED: u64 = 500 << 20;
/// Boards slow down from about here.
const HOT_CELSIUS: f64 = 85.0;

/// All findings about what `clothingid run` would use: what the configuration names, with the flags in front of it.
pub(super) fn all(network: &NetworkArgs, file: Option<&Path>) -> Vec<Finding> {
    let loaded = config::load(file);
    let mut findings = vec![configuration(&loaded, file)];
    // Where the configuration is at fault, the rest is looked at as it would be without one.
    let config = loaded.unwrap_or_default();
    let network = &with_configured(network.clone(), &config);
    let bundle = match bundle_in_use(network.bundle.as_deref()) {
        Ok(_) => network.bundle(),
        // As the appliance does: the network inside the program answers.
        Err(report) => {
            findings.push(Finding { status: Status::Warning, ..Finding::failed("update", report) });
            read_bundle(None).map_err(|error| Report::of(&error))
        }
    };
    let mut class = None;
    match &bundle {
        Ok(bundle) => {
            let m = &bundle.manifest;
            let found = format!("{}, made {}, network SHA-256 {:.12}", m.name, m.created, bundle.network_sha256());
            findings.push(Finding::ok("bundle", found));
            let (finding, found) = engine(network, bundle);
            findings.push(finding);
            class = found;
        }
        Err(report) => findings.push(Finding::failed("bundle", report.clone())),
    }
    findings.push(state_folder());
    let identity = bundle.as_ref().ok().zip(class).map(|(bundle, class)| bundle.identity(class));
    findings.push(catalogue(config.catalogue.clone(), identity.as_ref(), network));
    findings.extend(disk());
    findings.push(camera(&config.camera));
    findings.extend(nodes(Places::default().all()));
    findings.extend(configured_panel(&config.screen).map(|choice| screen(&choice)));
    findings.push(heat(Path::new("/sys/class/thermal")));
    findings
}

/// Whether the configuration can be read, and which files it is.
fn configuration(loaded: &Result<Config, ConfigError>, file: Option<&Path>) -> Finding {
    let places = file.map_or_else(|| config::places(|name| std::env::var_os(name)), |file| vec![file.to_owned()]);
    match loaded {
        Err(error) => Finding::failed("config", config_report(error)),
        Ok(_) => {
            let read: Vec<String> =
                places.iter().filter(|path| path.exists()).map(|path| format!("`{}`", path.display())).collect();
            let found = if read.is_empty() { "none: the defaults hold".to_owned() } else { read.join(", then ") };
            Finding::ok("config", found)
        }
    }
}

/// The flags, and where they say nothing, the configuration.
fn with_configured(network: NetworkArgs, config: &Config) -> NetworkArgs {
    let is_chosen = network.engine != EngineChoice::default();
    NetworkArgs {
        engine: if is_chosen { network.engine } else { config.engine.unwrap_or_default() },
        threads: network.threads,
        bundle: network.bundle.or_else(|| config.bundle.clone()),
    }
}

/// The engine, and its arithmetic class where it can be opened.
fn engine(network: &NetworkArgs, bundle: &Bundle) -> (Finding, Option<ArithmeticClass>) {
    let started = Instant::now();
    let mut path = match network.open_unchecked(bundle) {
        Ok(path) => path,
        Err(report) => return (Finding::failed("engine", report), None),
    };
    let load_ms = started.elapsed().as_millis();
    let class = path.engine().arithmetic();
    let finding = match golden::check(&mut path, bundle, usize::MAX) {
        Ok(agreement) => {
            let (name, photos) = (path.engine().name(), agreement.photos);
            let why = path.why().map(|why| format!(" ({})", why.reason)).unwrap_or_default();
            Finding::ok("engine", format!("{name}{why}, loaded in {load_ms} ms, {photos} golden photos agree"))
        }
        Err(error) => Finding::failed("engine", Report::of(&error).hint(error.hint())),
    };
    (finding, Some(class))
}

/// Whether the state folder can be written, by the way that everything is written.
fn state_folder() -> Finding {
    let folder = match state::folder() {
        Ok(folder) => folder,
        Err(error) => {
            return Finding::failed("state", Report::of(&error).hint("set `HOME`, or start it as the service"));
        }
    };
    if !folder.is_dir() {
        return Finding::ok("state", format!("`{}` is made at the first import", folder.display()));
    }
    let probe = folder.join("doctor-probe");
    let written = files::write_atomic(&probe, b"written by clothingid doctor\n");
    // Best effort: a probe that stays does no harm and is written over by the next.
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => Finding::ok("state", format!("`{}` can be written", folder.display())),
        Err(error) => Finding::failed(
            "state",
            Report::of(&error).hint(format!("give the user of this program the folder `{}`", folder.display())),
        ),
    }
}

fn catalogue(configured: Option<PathBuf>, identity: Option<&EmbeddingIdentity>, network: &NetworkArgs) -> Finding {
    let path = match configured_catalogue(configured) {
        Err(report) => return Finding::failed("catalogue", report),
        Ok(path) => path,
    };
    let place = path.display();
    if !path.exists() {
        let advice = "import one: `clothingid catalogue import shop.csv --photos folder/`";
        return Finding::warning("catalogue", format!("none yet at `{place}`"), advice);
    }
    let Some(identity) = identity else {
        return Finding::warning(
            "catalogue",
            format!("`{place}` is there"),
            "mend bundle and engine first: they say what fits them",
        );
    };
    match Snapshot::read(&path, identity) {
        Err(StoreError::OtherIdentity { path, .. }) => {
            let embed = embed_command(Some(&path), (network.bundle.as_deref(), network.engine));
            let advice = format!(
                "`clothingid run` embeds it with the network in use, in the background; to do it now: `{embed}`"
            );
            Finding::warning("catalogue", format!("`{place}` was embedded with another network"), &advice)
        }
        Err(error) => Finding::failed("catalogue", store_report(&error)),
        Ok(shop) => {
            let found = format!("`{place}`: {} products, {} photos", shop.product_count(), shop.photo_count());
            if shop.damage().is_empty() {
                Finding::ok("catalogue", found)
            } else {
                let advice = "`clothingid catalogue check` names them; import again to mend them";
                Finding::warning("catalogue", format!("{found}; {} rows are damaged", shop.damage().len()), advice)
            }
        }
    }
}

/// Free space where the state is or will be.
fn disk() -> Option<Finding> {
    let folder = state::folder().ok()?;
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let facts = rustix::fs::statvfs(there).ok()?;
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let found = format!("{} MiB free on the disk of `{}`", free >> 20, there.display());
    Some(if free < FREE_BYTES_WANTED {
        Finding::warning("disk", found, "free some space: an import or an update needs about 500 MiB")
    } else {
        Finding::ok("disk", found)
    })
}

/// Whether the configured camera gives frames.
fn camera(config: &CameraConfig) -> Finding {
    let choice = match configured_camera(config) {
        Ok(choice) => choice,
        Err(report) => return Finding::failed("camera", report),
    };
    match (&choice, choice.open()) {
        (CameraChoice::V4l2(_), Ok(mut camera)) => {
            let remarks = camera.take_remarks().join("; ");
            Finding::ok("camera", format!("`{}`: {remarks}", camera.describe()))
        }
        (_, Ok(camera)) => Finding::ok("camera", format!("replays `{}`", camera.describe())),
        // Another program that has it is the appliance, as a rule.
        (_, Err(error @ CameraError::Busy { .. })) => {
            Finding::warning("camera", error.to_string(), "nothing, if the appliance is running: it has the camera")
        }
        (_, Err(error)) if config.names_a_source() => {
            Finding::failed("camera", Report::of(&error).hinted(error.hint()))
        }
        (_, Err(error)) => {
            let hint = error.hint().unwrap_or_default();
            Finding::warning("camera", error.to_string(), &format!("{hint}; or plug one in, or try `clothingid demo`"))
        }
    }
}

/// What the machine's other device nodes are, where somebody might take them for a camera.
fn nodes(there: Vec<Found>) -> Option<Finding> {
    if there.is_empty() {
        return None;
    }
    let lines: Vec<_> = there.iter().map(Found::describe).collect();
    let hint = there.iter().find_map(|found| found.kind.as_ref().ok()?.hint());
    let found = lines.join("; ");
    Some(match hint {
        Some(hint) if !there.iter().any(Found::is_camera) => Finding::warning("video", found, &hint),
        _ => Finding::ok("video", found),
    })
}

/// The configured screen: opened as the appliance opens it, for a moment. One that runs owns it meanwhile.
fn screen(choice: &PanelChoice) -> Finding {
    if let PanelChoice::Png { file, .. } = choice {
        let folder = files::folder_of(file);
        return if folder.is_dir() {
            Finding::ok("screen", choice.describe())
        } else {
            let advice = format!("make the folder `{}`, or name another file as `screen.file`", folder.display());
            Finding::failed("screen", Report::new(format!("there is no folder for `{}`", file.display())).hint(advice))
        };
    }
    match choice.open() {
        Ok(panel) => Finding::ok("screen", panel.describe()),
        Err(error @ PanelError::Taken { .. }) => {
            let advice = "that is well where `clothingid run` is that program; else only one may own an output: end the other one";
            Finding::warning("screen", error.to_string(), advice)
        }
        Err(error) => Finding::failed("screen", panel_report(&error)),
    }
}

fn heat(zones: &Path) -> Finding {
    let hottest = entries(zones)
        .iter()
        .filter_map(|zone| files::read_text(&zone.join("temp")).ok()?.trim().parse::<f64>().ok())
        .map(|millidegrees| millidegrees / 1000.0)
        .fold(f64::NEG_INFINITY, f64::max);
    if !hottest.is_finite() {
        return Finding::ok("heat", "this machine tells no temperature");
    }
    let found = format!("{hottest:.0} °C at the hottest sensor");
    if hottest >= HOT_CELSIUS {
        Finding::warning("heat", found, "give the board air or a heat sink: it slows down when hot")
    } else {
        Finding::ok("heat", found)
    }
}

/// What is in a folder, sorted; nothing where it cannot be listed.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Kind;
    use crate::screen::pixels::Turn;
    use clothingid_shared::files::{create_folder, write_atomic};
    use embedded_graphics::geometry::Size;

    #[test]
    fn nodes_are_listed_and_a_sensor_alone_is_a_warning() {
        let found =
            |kind| Found { path: "/dev/video0".into(), card: "X".into(), port: None, serial: None, kind: Ok(kind) };
        assert!(nodes(Vec::new()).is_none());
        let sensor = nodes(vec![found(Kind::RawSensor)]).unwrap();
        assert_eq!(sensor.status, Status::Warning);
        assert!(sensor.found.contains("`/dev/video0` (X) is an image sensor"), "{}", sensor.found);
        let both = nodes(vec![found(Kind::RawSensor), found(Kind::Camera(Vec::new()))]).unwrap();
        assert_eq!(both.status, Status::Ok);
    }

    #[test]
    fn what_the_configuration_names_is_what_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let network = NetworkArgs { engine: EngineChoice::default(), threads: 1, bundle: None };
        let of = |text: &str| {
            write_atomic(&file, text.as_bytes()).unwrap();
            let place = folder.path().display().to_string();
            let told = |finding: &Finding| (finding.status, finding.found.replace(&place, "DIR"));
            let all = all(&network, Some(&file));
            ["config", "bundle", "catalogue", "camera"]
                .map(|part| all.iter().find(|finding| finding.part == part).map(told).unwrap())
        };
        let text = "bundle = 'b.bundle'\ncatalogue = 'c.db'\n[camera]\nfolder = 'photos'\n";
        let [config, bundle, catalogue, camera] = of(text);
        assert_eq!(config, (Status::Ok, "`DIR/config.toml`".into()));
        assert!(bundle.0 == Status::Failed && bundle.1.contains("DIR/b.bundle"), "{bundle:?}");
        assert_eq!(catalogue, (Status::Failed, "there is no catalogue at `DIR/c.db`".into()));
        assert!(camera.0 == Status::Failed && camera.1.contains("DIR/photos"), "{camera:?}");

        let [config, bundle, ..] = of("\nlistn = 'x'\n");
        assert_eq!(config, (Status::Failed, "DIR/config.toml:2: unknown key `listn`".into()));
        assert_eq!(bundle.0, Status::Ok, "the rest is looked at all the same");

        create_folder(&folder.path().join("photos")).unwrap();
        write_atomic(&folder.path().join("photos/a.jpg"), b"x").unwrap();
        let [.., camera] = of("[camera]\nfolder = 'photos'\n");
        assert_eq!(camera, (Status::Ok, "replays `DIR/photos`".into()));
    }

    #[test]
    fn a_screen_that_is_not_there_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let png = |file| PanelChoice::Png { file, size: Size::new(9, 9) };
        assert_eq!(screen(&png(folder.path().join("s.png"))).status, Status::Ok);
        assert_eq!(screen(&png(folder.path().join("none/s.png"))).status, Status::Failed);
        let fbdev = screen(&PanelChoice::Fbdev { device: "/nowhere/fb0".into(), turn: Turn::None });
        assert!(fbdev.status == Status::Failed && fbdev.found.contains("`/nowhere/fb0`"), "{fbdev:?}");
        assert!(!fbdev.advice.is_empty());
    }

    #[test]
    fn the_hottest_sensor_counts_and_none_is_said() {
        let zones = tempfile::tempdir().unwrap();
        for (zone, temperature) in [("thermal_zone0", "41000\n"), ("thermal_zone1", "91500\n"), ("thermal_zone2", "x")]
        {
            create_folder(&zones.path().join(zone)).unwrap();
            write_atomic(&zones.path().join(zone).join("temp"), temperature.as_bytes()).unwrap();
        }
        let finding = heat(zones.path());
        assert_eq!((finding.status, finding.found.as_str()), (Status::Warning, "92 °C at the hottest sensor"));
        assert_eq!(heat(Path::new("/nowhere")).status, Status::Ok);
    }
}
