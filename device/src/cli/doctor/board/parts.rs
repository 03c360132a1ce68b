//! Camera, display and graphics processor, and what makes them work.

use super::tree::Tree;
use crate::cli::Report;
use crate::cli::doctor::Finding;
use crate::config::board::{Board, Bridge, Owner};

const BRIDGE_UNIT: &str = "clothingid-csi-camera.service";
const KIOSK_UNIT: &str = "clothingid-kiosk.service";
/// What desktops call whoever draws their log-in.
const DESKTOP_UNIT: &str = "/etc/systemd/system/display-manager.service";

pub(super) fn all(tree: &Tree, board: &Board, adapter: &dyn Fn() -> Result<String, String>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = board.camera.bridge.iter().map(|bridge| bridged(tree, bridge)).collect();
    findings.push(cameras(tree));
    findings.push(display(tree, board));
    findings.push(owner(tree, board));
    findings.extend(graphics(tree, board, adapter));
    findings
}

/// The camera connector, if it is in use.
fn bridged(tree: &Tree, bridge: &Bridge) -> Finding {
    let node = &bridge.node;
    let name = tree.text(&format!("/sys/class/video4linux/{}/name", node.trim_start_matches("/dev/")));
    if !tree.is_enabled(BRIDGE_UNIT) {
        let found = "the camera connector is not in use";
        let mut finding = Finding::ok("bridge", found);
        finding.advice.push(format!(
            "with a camera on it: `systemctl enable --now {BRIDGE_UNIT}`, and `device = \"{node}\"` in the settings"
        ));
        return finding;
    }
    if !tree.has(&format!("/sys/module/{}", bridge.module)) {
        let report = Report::new(format!("the kernel's module `{}` is not loaded", bridge.module))
            .hint(format!("install `{}-dkms`, then `systemctl restart {BRIDGE_UNIT}`", bridge.module));
        return Finding::failed("bridge", report);
    }
    match name {
        Some(name) => Finding::ok("bridge", format!("pictures of `{}` come out of `{node}` ({name})", bridge.plugin)),
        None => {
            let report = Report::new(format!("`{node}` is not there, though the module is"))
                .hint(format!("see why: `journalctl -u {BRIDGE_UNIT}`"))
                .hint(format!("and whether the maker's software is installed: `gst-inspect-1.0 {}`", bridge.plugin));
            Finding::failed("bridge", report)
        }
    }
}

/// Nodes of cameras, and the names that stay. Whether one gives pictures is the finding `camera`.
fn cameras(tree: &Tree) -> Finding {
    let nodes: Vec<String> = tree.names("/sys/class/video4linux");
    if nodes.is_empty() {
        let advice =
            "plug in a USB camera and look again: `ls /dev/video*`; a hub without its own supply may be too weak";
        return Finding::warning("cameras", "the kernel has no camera", advice);
    }
    let named = |node: &String| {
        let name = tree.text(&format!("/sys/class/video4linux/{node}/name")).unwrap_or_default();
        format!("`/dev/{node}` ({name})")
    };
    let found = nodes.iter().map(named).collect::<Vec<_>>().join(", ");
    let stable = tree.names("/dev/clothingid");
    if stable.is_empty() {
        let advice = "install firmware-config/udev/70-clothingid-camera.rules, then `udevadm trigger`; until then use `port:` or `serial:` in the settings";
        return Finding::warning("cameras", format!("{found}; none has a name that stays"), advice);
    }
    let stable: Vec<String> = stable.iter().map(|name| format!("`/dev/clothingid/{name}`")).collect();
    Finding::ok("cameras", format!("{found}; also {}", stable.join(", ")))
}

fn display(tree: &Tree, board: &Board) -> Finding {
    let connectors: Vec<(String, String)> = tree
        .names("/sys/class/drm")
        .into_iter()
        .filter_map(|name| {
            // `card1-HDMI-A-1`
            let (_, connector) = name.split_once('-')?;
            let state = tree.text(&format!("/sys/class/drm/{name}/status"))?;
            Some((connector.to_owned(), state))
        })
        .collect();
    if connectors.is_empty() {
        return Finding::not_seen("display", "any connector", "ls /sys/class/drm");
    }
    let kinds = &board.display.connectors;
    let is_ours = |name: &str| {
        let kind = name.rsplit_once('-').map_or(name, |(kind, _)| kind);
        kinds.iter().any(|known| known == kind)
    };
    let connected: Vec<&str> =
        connectors.iter().filter(|(_, state)| state == "connected").map(|(name, _)| name.as_str()).collect();
    match connected.first() {
        None => {
            let there: Vec<String> = connectors.iter().map(|(name, _)| format!("`{name}`")).collect();
            let advice = "plug the display in and switch it on before the board; some are seen at start only";
            Finding::warning("display", format!("no display at {}", there.join(", ")), advice)
        }
        Some(_) if connected.iter().any(|name| is_ours(name)) => {
            Finding::ok("display", format!("at {}", connected.join(", ")))
        }
        Some(name) => {
            let found = format!("at {name}; its file knows {}", kinds.join(", "));
            Finding::warning(
                "display",
                found,
                "another kind of connector than we know of this board: see that pictures are shown",
            )
        }
    }
}

/// One owner for one display.
fn owner(tree: &Tree, board: &Board) -> Finding {
    let has_kiosk = tree.is_enabled(KIOSK_UNIT);
    let two = |what: &str, command: &str| {
        let report =
            Report::new(format!("two want the display: {what}")).hint(format!("end the other one: `{command}`"));
        Finding::failed("owner", report)
    };
    if tree.has(DESKTOP_UNIT) {
        return two(
            "a desktop starts with this system",
            "systemctl disable --now display-manager; systemctl set-default multi-user.target",
        );
    }
    match board.display.owner {
        Owner::Screen if has_kiosk => two(
            "the appliance's own screen, by the board's file, and the browser",
            &format!("systemctl disable --now {KIOSK_UNIT}"),
        ),
        Owner::Screen => Finding::ok("owner", "the appliance draws on the display (`[screen]` in the settings)"),
        Owner::Kiosk if has_kiosk => Finding::ok("owner", "a browser draws on the display"),
        Owner::Kiosk => {
            let report = Report::new("nobody draws on the display: its browser does not start with the board");
            Finding::failed("owner", report.hint(format!("`systemctl enable --now {KIOSK_UNIT}`")))
        }
    }
}

/// The graphics processor, as far as the board's file says something of it.
fn graphics(tree: &Tree, board: &Board, adapter: &dyn Fn() -> Result<String, String>) -> Option<Finding> {
    let gpu = &board.gpu;
    let files = &gpu.driver_files;
    if gpu.adapter.is_none() && files.is_empty() {
        return None;
    }
    let without = "the processor answers meanwhile; then look at `clothingid doctor`";
    if !gpu.modules.is_empty() && !gpu.modules.iter().any(|name| tree.has(&format!("/sys/module/{name}"))) {
        let found = format!("the kernel has none of `{}` loaded", gpu.modules.join("`, `"));
        return Some(Finding::warning(
            "gpu",
            found,
            &format!("load it: `modprobe {}`; {without}", gpu.modules.join("` or `modprobe ")),
        ));
    }
    if let Some(missing) = files.iter().find(|file| !tree.has(file)) {
        let advice = format!("install the maker's driver again (the file is of {}); {without}", board.system.name);
        return Some(Finding::warning("gpu", format!("the driver's file `{missing}` is missing"), &advice));
    }
    let wanted = gpu.adapter.as_deref().unwrap_or_default();
    Some(match adapter() {
        Ok(name) if name.to_lowercase().contains(&wanted.to_lowercase()) => Finding::ok("gpu", name),
        Ok(name) => Finding::warning(
            "gpu",
            format!("{name}; its file says `{wanted}`"),
            "see which drivers there are: `vulkaninfo --summary`",
        ),
        Err(error) => Finding::warning(
            "gpu",
            format!("module and files of the driver are there, and Vulkan gives no adapter: {error}"),
            "see why: `vulkaninfo --summary`; the service may also lack the group of `/dev/dri/renderD128` (`ls -l /dev/dri`)",
        ),
    })
}
