//! `clothingid camera`: which cameras there are, and what one of them gives.

use super::{Outcome, Report, print_line};
use crate::camera::v4l2::discover::Places;
use crate::camera::v4l2::{Found, ModeWish};
use crate::camera::{
    Camera, CameraChoice, CameraError, ControlReport, Frame, Photos, PixelFormat, ReplaySettings, V4l2Settings, Which,
};
use crate::config::{self, CameraConfig, defaults};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use toml::Spanned;

const EXAMPLES: &str = "Examples:
  clothingid camera                          list the cameras there are, and what is none
  clothingid camera --try auto               take 30 frames from the first that gives pictures
  clothingid camera --try port:1-1.2 --json  the same of one by its port, for programs

A name that stays the same is a port (`port:…`) or a serial number (`serial:…`); the number of a node changes with the order of plugging in.";

/// Lists the cameras, or tries one.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Take frames from this camera: auto, /dev/videoN, port:…, serial:…, or `configured`
    #[arg(long = "try", value_name = "CAMERA")]
    pub wanted: Option<String>,

    /// How many frames
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: u32,

    /// With the camera's part of this configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Lists the cameras, or tries one.
///
/// # Errors
/// A name that is none, a camera that cannot be opened, no frame at all.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    match &args.wanted {
        None => list(args.json),
        Some(wanted) => try_one(wanted, args),
    }
}

/// The camera that a configuration names. What is replayed is tried once, so that a wrong folder is said before anything starts; a device may be plugged
/// in later.
pub(super) fn configured(config: &CameraConfig) -> Result<CameraChoice, Report> {
    let rate = config.frames_per_second.as_ref().map(|rate| *rate.get_ref());
    let replayed_rate = rate.unwrap_or(defaults::FRAMES_PER_SECOND);
    let hold = config.hold_seconds.as_ref().map(|seconds| *seconds.get_ref());
    let choice = match (&config.folder, &config.film) {
        (Some(folder), _) => CameraChoice::Replay(ReplaySettings {
            photos: Photos::Path(folder.clone()),
            frames_per_second: replayed_rate,
            hold: hold.map_or(defaults::HOLD, Duration::from_secs_f64),
        }),
        (None, Some(film)) => CameraChoice::Film(film.clone(), replayed_rate),
        (None, None) => return Ok(CameraChoice::V4l2(device(config)?)),
    };
    choice.open().map_err(|error| Report::of(&error).during("opening the camera").hinted(error.hint()))?;
    Ok(choice)
}

fn device(config: &CameraConfig) -> Result<V4l2Settings, Report> {
    let which = config.device.as_ref().map(Spanned::get_ref).map_or(Ok(Which::First), |text| Which::parse(text));
    let wish = ModeWish::default();
    let or = |value: &Option<Spanned<u32>>, default| value.as_ref().map_or(default, |value| *value.get_ref());
    Ok(V4l2Settings {
        which: which.map_err(Report::new)?,
        mode: ModeWish {
            width: or(&config.width, wish.width),
            height: or(&config.height, wish.height),
            frames_per_second: config.frames_per_second.as_ref().map_or(wish.frames_per_second, |rate| *rate.get_ref()),
            format: config.format.as_ref().and_then(|name| PixelFormat::of_name(name.get_ref())),
        },
    })
}

/// A node, for programs.
#[derive(Serialize)]
struct Listed<'a> {
    node: String,
    name: &'a str,
    port: Option<&'a str>,
    serial: Option<&'a str>,
    is_camera: bool,
    what: String,
}

fn list(json: bool) -> Result<Outcome, Report> {
    let there = Places::default().all();
    if there.is_empty() && !json {
        print_line("no device node of a camera (`/dev/video…`): plug one in")?;
    }
    for found in &there {
        if json {
            let what = match &found.kind {
                Ok(kind) => kind.describe(),
                Err(error) => format!("cannot be opened: {error}"),
            };
            let Found { path, card, port, serial, .. } = found;
            let listed = Listed {
                node: path.display().to_string(),
                name: card,
                port: port.as_deref(),
                serial: serial.as_deref(),
                is_camera: found.is_camera(),
                what,
            };
            print_line(&serde_json::to_string(&listed)?)?;
        } else {
            print_line(&found.describe())?;
        }
    }
    Ok(Outcome::Done)
}

/// What a camera gave, for programs.
#[derive(Serialize)]
struct Tried {
    camera: String,
    format: &'static str,
    width: u32,
    height: u32,
    frames: u32,
    corrupt: u32,
    late: u32,
    lost: u64,
    frames_per_second: f64,
    remarks: Vec<String>,
    controls: Vec<ControlReport>,
}

fn try_one(wanted: &str, args: &Args) -> Result<Outcome, Report> {
    let config = match (&args.config, wanted) {
        (Some(_), _) | (None, "configured") => {
            config::load(args.config.as_deref()).map_err(|error| super::run::config_report(&error))?.camera
        }
        _ => CameraConfig::default(),
    };
    let choice = if wanted == "configured" {
        configured(&config)?
    } else {
        CameraChoice::V4l2(V4l2Settings {
            which: Which::parse(wanted).map_err(|problem| Report::new(format!("`{wanted}` {problem}")))?,
            ..device(&config)?
        })
    };
    let failed = |error: CameraError| Report::of(&error).during("trying the camera").hinted(error.hint());
    let mut camera = choice.open().map_err(failed)?;
    let mut remarks = camera.take_remarks();
    if let Some(wishes) = &config.controls {
        remarks.extend(camera.set_controls(wishes));
    }
    let tried = frames(camera.as_mut(), remarks, args.frames).map_err(failed)?;
    if args.json {
        print_line(&serde_json::to_string(&tried)?)?;
    } else {
        tell(&tried)?;
    }
    Ok(Outcome::Done)
}

fn frames(camera: &mut dyn Camera, remarks: Vec<String>, wanted: u32) -> Result<Tried, CameraError> {
    let mut tried = Tried {
        camera: camera.describe().to_owned(),
        format: PixelFormat::Jpeg.name(),
        width: 0,
        height: 0,
        frames: 0,
        corrupt: 0,
        late: 0,
        lost: 0,
        frames_per_second: 0.0,
        remarks,
        controls: camera.controls(),
    };
    let (mut frame, mut first) = (Frame::empty(), None);
    while tried.frames < wanted {
        match camera.next(&mut frame) {
            Ok(()) => {
                tried.frames += 1;
                first.get_or_insert_with(Instant::now);
            }
            Err(CameraError::Corrupt { .. }) => tried.corrupt += 1,
            Err(CameraError::Timeout { .. }) => tried.late += 1,
            Err(error) => return Err(error),
        }
        tried.lost += camera.lost();
        if tried.corrupt > wanted.saturating_mul(4) {
            break;
        }
    }
    (tried.format, tried.width, tried.height) = (frame.format.name(), frame.width, frame.height);
    let seconds = first.map_or(0.0, |first| first.elapsed().as_secs_f64());
    tried.frames_per_second = if seconds > 0.0 { f64::from(tried.frames.saturating_sub(1)) / seconds } else { 0.0 };
    Ok(tried)
}

fn tell(tried: &Tried) -> Result<(), Report> {
    print_line(&format!("camera `{}`", tried.camera))?;
    for remark in &tried.remarks {
        print_line(&format!("  {remark}"))?;
    }
    print_line(&format!(
        "  {} frames as {} {}×{}, {:.1} a second; {} corrupt, {} late, {} lost in the driver",
        tried.frames,
        tried.format,
        tried.width,
        tried.height,
        tried.frames_per_second,
        tried.corrupt,
        tried.late,
        tried.lost
    ))?;
    for c in &tried.controls {
        let automatic = match c.is_automatic {
            Some(true) => ", automatic",
            Some(false) => ", by hand",
            None => "",
        };
        print_line(&format!(
            "  {:<22} {:>6} of {} to {} in steps of {} (the maker's: {}){automatic}",
            c.control.key(),
            c.value,
            c.least,
            c.most,
            c.step,
            c.default
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn of(text: &str) -> Result<CameraChoice, Report> {
        configured(&config::parse(Path::new("/nowhere/c.toml"), text).unwrap().camera)
    }

    #[test]
    fn without_a_word_it_is_the_first_camera() {
        let CameraChoice::V4l2(settings) = of("").unwrap() else { panic!("a device") };
        assert_eq!(settings, V4l2Settings::default());
        let text = "[camera]\ndevice = 'port:1-2'\nwidth = 640\nheight = 480\nformat = 'yuyv'\nframes_per_second = 15";
        let CameraChoice::V4l2(settings) = of(text).unwrap() else { panic!("a device") };
        assert_eq!(settings.which, Which::Port("1-2".into()));
        let format = Some(PixelFormat::Yuyv);
        assert_eq!(settings.mode, ModeWish { width: 640, height: 480, frames_per_second: 15.0, format });
    }

    #[test]
    fn what_is_replayed_is_tried_at_once() {
        for source in ["folder = 'photos'", "film = 'film.mjpeg'"] {
            let report = of(&format!("[camera]\n{source}")).unwrap_err().to_string();
            assert!(report.contains("/nowhere/") && report.contains("while: opening the camera"), "{report}");
        }
    }
}
