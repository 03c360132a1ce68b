//! What the values of a board's file may be: the first one that cannot be is said with its line.

use super::error::BoardError;
use super::keys::File;
use super::schema::{Board, PowerTool};

/// What we build for.
const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];
/// The least C library that our programs run with, 2.N.
const LEAST_GLIBC: u32 = 34;

/// Finds the first value that cannot be.
pub(super) fn check_values(file: &File<'_>, board: &Board) -> Result<(), BoardError> {
    let wrong = |key: &str, problem: &str| Err(file.wrong_value(key, problem));
    let stem = file.path.file_stem().and_then(|stem| stem.to_str());
    if !is_name(&board.name) || stem.is_some_and(|stem| stem != board.name) {
        return wrong("name", "is not the name of its file: small letters, digits and `-`");
    }
    if !TARGETS.contains(&board.target.as_str()) {
        return wrong("target", "is not `aarch64-unknown-linux-gnu` or `x86_64-unknown-linux-gnu`");
    }
    let minor = board.system.glibc.strip_prefix("2.").and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < LEAST_GLIBC) {
        return wrong("system.glibc", "is not `2.34` or a later one: our programs need it");
    }
    let counts = [
        ("processor.cores", &board.processor.cores, 1..=256),
        ("processor.memory_gib", &board.processor.memory_gib, 1..=1024),
        ("update.watchdog_seconds", &board.update.watchdog_seconds, 5..=600),
    ];
    let sizes = board.camera.bridge.iter().flat_map(|bridge| {
        [
            ("camera.bridge.width", &bridge.width, 16..=8192),
            ("camera.bridge.height", &bridge.height, 16..=8192),
            ("camera.bridge.frames_per_second", &bridge.frames_per_second, 1..=120),
        ]
    });
    for (key, value, range) in counts.into_iter().chain(sizes) {
        if !range.contains(value) {
            return wrong(key, &format!("is not from {} to {}", range.start(), range.end()));
        }
    }
    if let Some(bridge) = &board.camera.bridge
        && bridge.node.strip_prefix("/dev/video").is_none_or(|number| number.parse::<u16>().is_err())
    {
        return wrong("camera.bridge.node", "is not a node as in `/dev/video40`");
    }
    let (slow, off) = (&board.thermal.slow_celsius, &board.thermal.off_celsius);
    for (key, value) in [("thermal.slow_celsius", slow), ("thermal.off_celsius", off)] {
        if !(40.0..=125.0).contains(value) {
            return wrong(key, "is not from 40 to 125");
        }
    }
    if slow > off {
        return wrong("thermal.slow_celsius", "is more than `thermal.off_celsius`");
    }
    if board.power.tool == PowerTool::Nvpmodel && board.power.mode.is_none() {
        return wrong("power.tool", "needs the key `power.mode` beside it");
    }
    check_lists(board, wrong)
}

/// Finds the first list with an entry that cannot be.
fn check_lists(board: &Board, wrong: impl Fn(&str, &str) -> Result<(), BoardError>) -> Result<(), BoardError> {
    let is_text = |text: &String| !text.is_empty() && !text.contains(char::is_control);
    let is_path = |text: &String| text.starts_with('/') && !text.contains(char::is_whitespace);
    let is_web = |text: &String| text.starts_with("https://") && is_text(text);
    let are = |list: &[String], is_good: &dyn Fn(&String) -> bool| list.iter().all(is_good);
    for (is_good, key, problem) in [
        (are(&board.sources, &is_web), "sources", "is not a list of addresses as in `https://…`"),
        (are(&board.display.connectors, &is_text), "display.connectors", "is not a list of connectors as in `HDMI-A`"),
        (are(&board.gpu.driver_files, &is_path), "gpu.driver_files", "is not a list of absolute paths"),
        (
            are(&board.devices.groups, &|group| is_name(group)),
            "devices.groups",
            "is not a list of groups as in `video`",
        ),
        (
            are(&board.devices.allow, &|line| is_device(line)),
            "devices.allow",
            "is not a list of devices as in `char-81 rw`",
        ),
    ] {
        if !is_good {
            return wrong(key, problem);
        }
    }
    for (key, value) in [("update.compatible", &board.update.compatible), ("update.data", &board.update.data)] {
        let is_good = if key == "update.data" { is_path(value) } else { is_name(value) };
        if !is_good {
            return wrong(key, "is not a name of small letters, or an absolute path");
        }
    }
    let slots = &board.update.slots;
    let names: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
    let places: Vec<&String> = slots.iter().flat_map(|slot| [&slot.root].into_iter().chain(&slot.boot)).collect();
    let is_double = places.iter().enumerate().any(|(at, place)| places.iter().skip(at + 1).any(|other| other == place));
    if names != ["A", "B"] || is_double || !places.into_iter().all(is_path) {
        return wrong("update.slots", "is not two slots, `A` and `B`, on partitions of their own");
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A line of `DeviceAllow=`: a kind of devices or a node, and what may be done.
fn is_device(line: &str) -> bool {
    let Some((what, rights)) = line.split_once(' ') else { return false };
    let is_what = ["char-", "block-", "/dev/"].iter().any(|start| what.len() > start.len() && what.starts_with(start));
    is_what && !what.contains(char::is_whitespace) && ["r", "w", "rw"].contains(&rights)
}
