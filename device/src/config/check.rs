//! What the values of a configuration may be: the first one that cannot be is said with its line.

use super::colour::{self, Colour};
use super::defaults;
use super::error::ConfigError;
use super::language::Language;
use super::near::line_of;
use super::schema::{CameraConfig, Config, LanConfig, LookConfig, ScreenConfig, ScreenOutput, UpdateConfig};
use crate::camera::{PixelFormat, Which};
use crate::update::source::Source;
use std::net::ToSocketAddrs;
use std::ops::Range;
use std::path::Path;

/// Finds the first value that cannot be.
pub(super) fn check_values(path: &Path, text: &str, config: &Config) -> Result<(), ConfigError> {
    let wrong = |key: &str, span: Range<usize>, problem: String| {
        let (path, line) = (path.to_owned(), line_of(text, Some(span)));
        Err(ConfigError::Value { path, line, key: key.to_owned(), problem })
    };
    if let Some(listen) = &config.listen {
        let Ok(mut places) = listen.get_ref().to_socket_addrs() else {
            return wrong(
                "listen",
                listen.span(),
                format!("is not an address and a port as in `{}`", defaults::LISTEN),
            );
        };
        if places.any(|place| !place.ip().is_loopback()) {
            let problem = "is for this machine alone; the shop's network is served at `lan.listen`, by TLS";
            return wrong("listen", listen.span(), problem.into());
        }
    }
    if let Some(language) = &config.language
        && Language::of_tag(language.get_ref()).is_none()
    {
        let known: Vec<_> = Language::ALL.iter().map(|language| language.tag()).collect();
        return wrong("language", language.span(), format!("is not one of `{}`", known.join("`, `")));
    }
    if let Some(threads) = &config.threads
        && !(1..=256).contains(threads.get_ref())
    {
        return wrong("threads", threads.span(), "is not from 1 to 256".into());
    }
    if let Some(value) = &config.uploads_per_second
        && !(0.1..=1000.0).contains(value.get_ref())
    {
        return wrong("uploads_per_second", value.span(), "is not from 0.1 to 1000".into());
    }
    check_camera(&config.camera, wrong)?;
    check_screen(&config.screen, wrong)?;
    check_lan(&config.lan, wrong)?;
    check_update(&config.update, wrong)?;
    check_look(&config.look, wrong)
}

/// Finds the first value of updates that cannot be.
fn check_update(
    update: &UpdateConfig,
    wrong: impl Fn(&str, Range<usize>, String) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    if let Some(source) = &update.source
        && Source::parse(source.get_ref()).is_err()
    {
        let problem = "is neither a folder nor an address that begins with `https://`";
        return wrong("update.source", source.span(), problem.into());
    }
    if let Some(minutes) = &update.quiet_minutes
        && *minutes.get_ref() > 1440
    {
        return wrong("update.quiet_minutes", minutes.span(), "is not from 0 to 1440".into());
    }
    Ok(())
}

/// Finds the first colour that cannot be, or that text cannot be read on.
fn check_look(
    look: &LookConfig,
    wrong: impl Fn(&str, Range<usize>, String) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    let mut colours = [defaults::ACCENT, defaults::PAPER];
    for ((key, value), colour) in
        [("look.accent", &look.accent), ("look.paper", &look.paper)].into_iter().zip(&mut colours)
    {
        let Some(value) = value else { continue };
        match value.get_ref().parse() {
            Ok(read) => *colour = read,
            Err(()) => return wrong(key, value.span(), "is not a colour as in `#0b5a50`".into()),
        }
    }
    let [accent, paper] = colours;
    let pale = |of: Colour, on: Colour| Some(of.contrast(on)).filter(|contrast| *contrast < colour::READABLE);
    let said = |contrast: f64, what: &str| {
        format!("cannot be read {what}: a contrast of {contrast:.1} to 1, and {} is the least", colour::READABLE)
    };
    if let Some(value) = &look.paper
        && let Some(contrast) = defaults::TEXTS.into_iter().find_map(|text| pale(text, paper))
    {
        return wrong("look.paper", value.span(), said(contrast, "on by the page's dark text"));
    }
    let (key, value) = match (&look.accent, &look.paper) {
        (Some(value), _) => ("look.accent", value),
        (None, Some(value)) => ("look.paper", value),
        (None, None) => return Ok(()),
    };
    match [paper, defaults::CARD].into_iter().find_map(|on| pale(accent, on)) {
        Some(contrast) => wrong(key, value.span(), said(contrast, "on the page's background and cards")),
        None => Ok(()),
    }
}

/// Finds the first value of the shop's network that cannot be.
fn check_lan(
    lan: &LanConfig,
    wrong: impl Fn(&str, Range<usize>, String) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    if let Some(listen) = &lan.listen
        && listen.get_ref().to_socket_addrs().is_err()
    {
        return wrong("lan.listen", listen.span(), "is not an address and a port as in `0.0.0.0:8443`".into());
    }
    let is_name = |name: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        (1..=253).contains(&name.len()) && name.bytes().all(is_letter)
    };
    if let Some(name) = &lan.name
        && !is_name(name.get_ref())
    {
        return wrong("lan.name", name.span(), "is not a name as in `kiosk.lan`".into());
    }
    match (&lan.certificate, &lan.key) {
        (Some(one), None) => wrong("lan.certificate", one.span(), "needs the key `lan.key` beside it".into()),
        (None, Some(one)) => wrong("lan.key", one.span(), "needs the key `lan.certificate` beside it".into()),
        _ => Ok(()),
    }
}

/// Finds the first value of the camera that cannot be.
fn check_camera(
    camera: &CameraConfig,
    wrong: impl Fn(&str, Range<usize>, String) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    if let Some(device) = &camera.device {
        if camera.folder.is_some() || camera.film.is_some() {
            let problem = "stands beside `folder` or `film`: frames come from one place";
            return wrong("camera.device", device.span(), problem.into());
        }
        if let Err(problem) = Which::parse(device.get_ref()) {
            return wrong("camera.device", device.span(), problem.into());
        }
    }
    for (key, value) in [("camera.width", &camera.width), ("camera.height", &camera.height)] {
        if let Some(value) = value
            && !(16..=8192).contains(value.get_ref())
        {
            return wrong(key, value.span(), "is not from 16 to 8192".into());
        }
    }
    if let Some(format) = &camera.format
        && PixelFormat::of_name(format.get_ref()).is_none()
    {
        return wrong("camera.format", format.span(), "is not one of `mjpeg`, `yuyv`, `nv12`, `rgb`".into());
    }
    if let Some(value) = &camera.frames_per_second
        && let Some(problem) = defaults::frames_per_second_problem(*value.get_ref())
    {
        return wrong("camera.frames_per_second", value.span(), problem.into());
    }
    if let Some(value) = &camera.hold_seconds
        && let Some(problem) = defaults::hold_seconds_problem(*value.get_ref())
    {
        return wrong("camera.hold_seconds", value.span(), problem.into());
    }
    Ok(())
}

/// Finds the first value of the screen that cannot be.
fn check_screen(
    screen: &ScreenConfig,
    wrong: impl Fn(&str, Range<usize>, String) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    if let Some(value) = &screen.rotation
        && ![0, 90, 180, 270].contains(value.get_ref())
    {
        return wrong("screen.rotation", value.span(), "is not 0, 90, 180 or 270".into());
    }
    for (key, value) in [("screen.width", &screen.width), ("screen.height", &screen.height)] {
        if let Some(value) = value
            && !(1..=defaults::MOST_SCREEN_SIDE).contains(value.get_ref())
        {
            return wrong(key, value.span(), format!("is not from 1 to {}", defaults::MOST_SCREEN_SIDE));
        }
    }
    let needed = |output: ScreenOutput| match output {
        ScreenOutput::Png if screen.file.is_none() => Some("file"),
        ScreenOutput::Spi if screen.dc.is_none() => Some("dc"),
        _ => None,
    };
    if let Some(value) = &screen.output
        && let Some(key) = needed(*value.get_ref())
    {
        return wrong("screen.output", value.span(), format!("needs the key `screen.{key}` beside it"));
    }
    Ok(())
}
