//! `cargo xtask units --board NAME --out DIR`: what a board's system has of ours beside the program, as a tree of files that an image is laid
//! over with: units, what its own file says of them (drop-ins, watchdog), udev rules, users, folders, limits of the journal, slots.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::boards::{self, Backend, Board, Bridge, Owner};
use crate::cargo::workspace;
use crate::report::Report;

/// Of each board: the file in `firmware-config/`, its place in the system.
const FILES: [(&str, &str); 28] = [
    ("systemd/clothingid.service", "usr/lib/systemd/system/clothingid.service"),
    ("systemd/clothingid-health.service", "usr/lib/systemd/system/clothingid-health.service"),
    ("systemd/clothingid-update.service", "usr/lib/systemd/system/clothingid-update.service"),
    ("systemd/clothingid-update.timer", "usr/lib/systemd/system/clothingid-update.timer"),
    ("systemd/var.mount", "usr/lib/systemd/system/var.mount"),
    ("systemd/etc-clothingid.mount", "usr/lib/systemd/system/etc-clothingid.mount"),
    ("udev/70-clothingid-camera.rules", "usr/lib/udev/rules.d/70-clothingid-camera.rules"),
    ("tmpfiles.d/clothingid-appliance.conf", "usr/lib/tmpfiles.d/clothingid-appliance.conf"),
    ("journald.conf.d/clothingid.conf", "usr/lib/systemd/journald.conf.d/clothingid.conf"),
    ("repart.d/50-data.conf", "usr/lib/repart.d/50-data.conf"),
    ("systemd/clothingid-good.service", "usr/lib/systemd/system/clothingid-good.service"),
    ("systemd/clothingid-fallback.service", "usr/lib/systemd/system/clothingid-fallback.service"),
    ("update/slot", "usr/lib/clothingid/slot"),
    ("update/before-install", "usr/lib/clothingid/before-install"),
    ("update/good", "usr/lib/clothingid/good"),
    ("update/fallback", "usr/lib/clothingid/fallback"),
    ("update/restart", "usr/lib/clothingid/restart"),
    ("update/data-partition", "usr/lib/clothingid/data-partition"),
    ("systemd/clothingid-factory-reset.service", "usr/lib/systemd/system/clothingid-factory-reset.service"),
    ("update/factory-reset", "usr/lib/clothingid/factory-reset"),
    ("image/80-clothingid.network", "usr/lib/systemd/network/80-clothingid.network"),
    ("udev/71-clothingid-stick.rules", "usr/lib/udev/rules.d/71-clothingid-stick.rules"),
    ("image/resolved.conf", "usr/lib/systemd/resolved.conf.d/50-clothingid.conf"),
    ("image/logind.conf", "usr/lib/systemd/logind.conf.d/50-clothingid.conf"),
    ("image/data-partition.conf", "usr/lib/systemd/system/systemd-repart.service.d/50-clothingid.conf"),
    ("package/sign/en.txt", "usr/share/clothingid/sign/en.txt"),
    ("package/sign/de.txt", "usr/share/clothingid/sign/de.txt"),
    ("package/sign/zh-Hant.txt", "usr/share/clothingid/sign/zh-Hant.txt"),
];

/// Seconds that a start may take until the appliance has to be well.
pub(crate) const PATIENCE: u32 = 120;

/// Where a camera connector is bridged.
const BRIDGE: (&str, &str) =
    ("systemd/clothingid-csi-camera.service", "usr/lib/systemd/system/clothingid-csi-camera.service");

/// Where UEFI starts the board.
const UEFI: [(&str, &str); 2] = [
    ("systemd/clothingid-boot-entries.service", "usr/lib/systemd/system/clothingid-boot-entries.service"),
    ("update/boot-entries", "usr/lib/clothingid/boot-entries"),
];

/// Where NVIDIA's firmware starts it.
const NVIDIA: [(&str, &str); 1] = [("update/slots-nvidia", "usr/lib/clothingid/slots-nvidia")];

/// Where a Raspberry Pi's does.
const RPI_TRYBOOT: [(&str, &str); 1] = [("update/slots-rpi-tryboot", "usr/lib/clothingid/slots-rpi-tryboot")];

/// Where a browser owns the display.
const KIOSK: [(&str, &str); 4] = [
    ("kiosk/clothingid-kiosk.service", "usr/lib/systemd/system/clothingid-kiosk.service"),
    ("kiosk/chromium-policy.json", "etc/chromium/policies/managed/clothingid.json"),
    ("sysusers.d/clothingid-kiosk.conf", "usr/lib/sysusers.d/clothingid-kiosk.conf"),
    ("tmpfiles.d/clothingid-kiosk.conf", "usr/lib/tmpfiles.d/clothingid-kiosk.conf"),
];

/// Makes the tree.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let (mut name, mut folder) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| Report::usage(format!("`{argument}` needs a value")))?;
        match argument.as_str() {
            "--board" => name = Some(value.as_str()),
            "--out" => folder = Some(PathBuf::from(value)),
            other => return Err(Report::usage(format!("`units` does not take `{other}`"))),
        }
    }
    let name = name.ok_or_else(|| Report::usage("`units` needs a board: `--board NAME`"))?;
    let folder = folder.ok_or_else(|| Report::usage("`units` needs a folder for what it makes: `--out DIR`"))?;
    let board = boards::open(name)?;
    for path in write(&board, PATIENCE, &folder)? {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what the board's system has of ours below a folder, and gives the files. A start that is not well within `patience` seconds is given up.
pub(crate) fn write(board: &Board, patience: u32, folder: &Path) -> Result<Vec<PathBuf>, Report> {
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    let bridge = board.camera.bridge.iter().map(|_| BRIDGE);
    let kiosk = KIOSK.into_iter().filter(|_| board.display.owner == Owner::Kiosk);
    let loader = loader(board).iter().copied();
    for (from, to) in FILES.into_iter().chain(bridge).chain(loader).chain(kiosk) {
        let bytes = std::fs::read(workspace().join("firmware-config").join(from));
        files.push((
            to,
            bytes.map_err(|error| {
                Report::failure(format!("`{from}` cannot be read"), "check out the workspace anew").caused_by(error)
            })?,
        ));
    }
    files.push(("usr/lib/systemd/system/clothingid.service.d/50-board.conf", service(board).into_bytes()));
    files.push(("usr/lib/systemd/system/clothingid-update.service.d/50-board.conf", update(board).into_bytes()));
    files.push((
        "usr/lib/systemd/system/clothingid-health.service.d/50-board.conf",
        health(board, patience).into_bytes(),
    ));
    files.push(("etc/rauc/system.conf", slots(board).into_bytes()));
    files.push(("usr/lib/systemd/system.conf.d/50-clothingid.conf", watchdog(board).into_bytes()));
    files.push(("usr/lib/systemd/system-preset/50-clothingid.preset", preset(board).into_bytes()));
    if let Some(bridge) = &board.camera.bridge {
        files.push((
            "usr/lib/systemd/system/clothingid-csi-camera.service.d/50-board.conf",
            csi(board, bridge).into_bytes(),
        ));
    }
    let settings = std::fs::read_to_string(workspace().join("firmware-config/package/config.toml")).unwrap_or_default();
    files.push(("usr/share/clothingid/config.toml", (settings + screen(board)).into_bytes()));
    let mut written = Vec::new();
    for (to, bytes) in files {
        let path = folder.join(to);
        let above = path.parent().unwrap_or(folder);
        let rights = Permissions::from_mode(if bytes.starts_with(b"#!") { 0o755 } else { 0o644 });
        #[expect(clippy::disallowed_methods, reason = "a tree that each call writes anew")]
        let made = std::fs::create_dir_all(above)
            .and_then(|()| std::fs::write(&path, bytes))
            .and_then(|()| std::fs::set_permissions(&path, rights));
        made.map_err(|error| {
            Report::failure(format!("`{}` cannot be written", path.display()), "look at the folder's rights and room")
                .caused_by(error)
        })?;
        written.push(path);
    }
    written.sort();
    Ok(written)
}

fn made(board: &Board) -> String {
    format!("# Made by `cargo xtask units` of firmware-config/boards/{}.toml.\n", board.name)
}

/// What the appliance may open on this board, instead of what its unit says for all.
fn service(board: &Board) -> String {
    let mut text = made(board) + "[Service]\nSupplementaryGroups=\nDeviceAllow=\n";
    for group in &board.devices.groups {
        text.push_str(&format!("SupplementaryGroups={group}\n"));
    }
    for device in &board.devices.allow {
        text.push_str(&format!("DeviceAllow={device}\n"));
    }
    text
}

/// A new network is asked for its golden answers on the engine of the settings, which may be this board's graphics processor.
fn update(board: &Board) -> String {
    service(board).replace("[Service]\n", "[Service]\nPrivateDevices=no\nDevicePolicy=closed\n")
}

/// What the first settings say of the display, whose owner the board's file names.
fn screen(board: &Board) -> &'static str {
    match board.display.owner {
        Owner::Screen => "\n[screen]\noutput = \"drm\"              # the appliance draws on the board's display\n",
        Owner::Kiosk => "\n[screen]\noutput = \"none\"             # a browser has the board's display\n",
    }
}

/// How long the system may be silent before the board's watchdog starts it again, and how long a restart may take.
fn watchdog(board: &Board) -> String {
    let seconds = board.update.watchdog_seconds;
    format!("{}[Manager]\nRuntimeWatchdogSec={seconds}s\nRebootWatchdogSec=2min\n", made(board))
}

/// What chooses the slot on this board.
fn loader(board: &Board) -> &'static [(&'static str, &'static str)] {
    match board.update.backend {
        Backend::Uefi => &UEFI,
        Backend::Nvidia => &NVIDIA,
        Backend::RpiTryboot => &RPI_TRYBOOT,
    }
}

/// What a system that is not well does.
fn health(board: &Board, patience: u32) -> String {
    format!(
        "{}[Unit]\nOnFailure=clothingid-fallback.service\nJobTimeoutSec={patience}\n\n[Service]\nTimeoutStartSec={patience}\n",
        made(board)
    )
}

/// RAUC's settings: both slots, and what chooses between them.
fn slots(board: &Board) -> String {
    let update = &board.update;
    let loader = match update.backend {
        Backend::Uefi => "efi",
        Backend::Nvidia | Backend::RpiTryboot => "custom",
    };
    // NVIDIA's own start reads its kernel from an ext4 root; the others start from a partition beside a packed one.
    let root = if update.backend == Backend::Nvidia { "ext4" } else { "raw" };
    let mut text = format!(
        "{}[system]\ncompatible={}\nbootloader={loader}\nbundle-formats=verity\ndata-directory=/var/lib/rauc\n\n\
         [keyring]\npath=/etc/rauc/keyring.pem\n\n[handlers]\npre-install=/usr/lib/clothingid/before-install\n",
        made(board),
        update.compatible
    );
    if loader == "custom" {
        let name = update.backend.name();
        text.push_str(&format!("bootloader-custom-backend=/usr/lib/clothingid/slots-{name}\n"));
    }
    for (number, slot) in update.slots.iter().enumerate() {
        let (name, device) = (&slot.name, &slot.root);
        text.push_str(&format!("\n[slot.rootfs.{number}]\ndevice={device}\ntype={root}\nbootname={name}\n"));
        if let Some(boot) = &slot.boot {
            text.push_str(&format!("\n[slot.boot.{number}]\ndevice={boot}\ntype=vfat\nparent=rootfs.{number}\n"));
        }
    }
    text
}

/// What starts with the board.
fn preset(board: &Board) -> String {
    let mut units = vec![
        "var.mount",
        "etc-clothingid.mount",
        "clothingid.service",
        "clothingid-health.service",
        "clothingid-good.service",
        "clothingid-update.timer",
        "systemd-networkd.service",
        "systemd-resolved.service",
        "systemd-timesyncd.service",
    ];
    if board.update.backend == Backend::Uefi {
        units.push("clothingid-boot-entries.service");
    }
    // The bridge waits for whoever chooses that camera: a board with a USB camera has no sensor.
    if board.display.owner == Owner::Kiosk {
        units.push("clothingid-kiosk.service");
    }
    let lines: Vec<String> = units.iter().map(|unit| format!("enable {unit}\n")).collect();
    // Nothing else that a package brings starts by itself: no login at the screen, no updates of packages.
    format!("{}{}disable *\n", made(board), lines.concat())
}

/// The pipeline of this board's camera connector, instead of the one that the unit finds out.
fn csi(board: &Board, bridge: &Bridge) -> String {
    let node = &bridge.node;
    let number = node.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let (width, height) = (bridge.width, bridge.height);
    format!(
        "{}[Service]\nExecStartPre=\nExecStartPre=/sbin/modprobe {} video_nr={number} exclusive_caps=1 card_label=csi-camera\n\
         ExecStart=\nExecStart=/usr/bin/gst-launch-1.0 -q {},width={width},height={height},framerate={}/1 \
         ! {} ! video/x-raw,format=YUY2 ! v4l2sink device={node}\n",
        made(board),
        bridge.module,
        bridge.source,
        bridge.frames_per_second,
        bridge.convert,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(name: &str) -> Board {
        boards::open(name).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn a_jetsons_service_may_open_the_jetsons_nodes() {
        let text = service(&board("jetson-orin-nano"));
        // An empty line takes back what the unit has.
        assert!(text.contains("[Service]\nSupplementaryGroups=\nDeviceAllow=\nSupplementaryGroups=video\n"), "{text}");
        assert!(text.contains("\nDeviceAllow=/dev/nvmap rw\n") && text.contains("\nDeviceAllow=char-81 rw\n"));
        assert!(!service(&board("generic-x86-64")).contains("nvmap"));
        // A new network answers golden photographs there before it is taken.
        let text = update(&board("jetson-orin-nano"));
        assert!(text.contains("[Service]\nPrivateDevices=no\nDevicePolicy=closed\n"), "{text}");
        assert!(text.contains("\nDeviceAllow=/dev/nvmap rw\n"), "{text}");
    }

    #[test]
    fn each_boards_camera_connector_has_its_makers_pipeline() {
        let text = |name| {
            let board = board(name);
            board.camera.bridge.as_ref().map(|bridge| csi(&board, bridge))
        };
        let jetson = text("jetson-orin-nx").unwrap_or_default();
        let line = "ExecStart=/usr/bin/gst-launch-1.0 -q nvarguscamerasrc ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 \
                    ! nvvidconv ! video/x-raw,format=YUY2 ! v4l2sink device=/dev/video40\n";
        assert!(jetson.contains(line) && jetson.contains(" v4l2loopback video_nr=40 "), "{jetson}");
        assert!(text("raspberry-pi-5").is_some_and(|text| text.contains(" -q libcamerasrc ! video/x-raw,width=1280,")));
        assert_eq!(text("generic-arm64"), None);
    }

    #[test]
    fn rauc_knows_each_boards_slots_and_what_chooses() {
        let pc = slots(&board("generic-x86-64"));
        assert!(pc.contains("\nbootloader=efi\n") && !pc.contains("bootloader-custom-backend"), "{pc}");
        assert!(pc.contains("[slot.rootfs.1]\ndevice=/dev/disk/by-partlabel/root-b\ntype=raw\nbootname=B\n"), "{pc}");
        assert!(pc.contains("[slot.boot.1]\ndevice=/dev/disk/by-partlabel/esp-b\ntype=vfat\nparent=rootfs.1\n"));
        let jetson = slots(&board("jetson-orin-nano"));
        assert!(jetson.contains("type=ext4\n") && !jetson.contains("[slot.boot."), "{jetson}");
        assert!(jetson.contains("backend=/usr/lib/clothingid/slots-nvidia\n"), "{jetson}");
        assert!(slots(&board("raspberry-pi-5")).contains("/slots-rpi-tryboot\n"));
    }

    #[test]
    fn a_display_has_one_owner() {
        let mut kiosk = board("generic-x86-64");
        assert!(!preset(&kiosk).contains("kiosk"));
        kiosk.display.owner = Owner::Kiosk;
        assert!(preset(&kiosk).contains("enable clothingid-kiosk.service\n"));
        let folder = tempfile::tempdir().expect("a folder");
        let written = write(&kiosk, PATIENCE, folder.path()).unwrap_or_else(|report| panic!("{report}"));
        assert!(written.contains(&folder.path().join("etc/chromium/policies/managed/clothingid.json")));
        assert!(written.iter().all(|path| path.is_file()));
    }

    #[test]
    fn the_raspberry_pis_watchdog_is_not_asked_for_more_than_it_can() {
        assert!(watchdog(&board("raspberry-pi-5")).contains("\nRuntimeWatchdogSec=15s\n"));
        assert!(watchdog(&board("generic-x86-64")).contains("\nRuntimeWatchdogSec=30s\n"));
    }

    #[test]
    fn wrong_requests_are_named() {
        let error = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            run(&arguments).err().map(|report| report.to_string()).unwrap_or_default()
        };
        assert!(error(&[]).contains("--board NAME"));
        assert!(error(&["--board", "jetson"]).contains("--out DIR"));
        assert!(error(&["--board", "jetson", "--out", "x"]).contains("there are `jetson-orin-nano`, "));
        assert!(error(&["--board", "x.toml", "--out", "x"]).contains("cannot be read"));
        assert!(error(&["--fast", "x"]).contains("does not take `--fast`"));
    }
}
