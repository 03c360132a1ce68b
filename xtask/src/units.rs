//! `cargo xtask units --board NAME --out DIR`: what a board's system has of ours beside the program, as a tree of files that an image is laid
//! over with: units, what its own file says of them (drop-ins, watchdog), udev rules, users, folders, limits of the journal.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::boards::{self, Board, Bridge, Owner};
use crate::cargo::workspace;
use crate::report::Report;

/// Of each board: the file in `firmware-config/`, its place in the system.
const FILES: [(&str, &str); 13] = [
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
    ("package/sign/en.txt", "usr/share/clothingid/sign/en.txt"),
    ("package/sign/de.txt", "usr/share/clothingid/sign/de.txt"),
    ("package/sign/zh-Hant.txt", "usr/share/clothingid/sign/zh-Hant.txt"),
];

/// Where a camera connector is bridged.
const BRIDGE: (&str, &str) =
    ("systemd/clothingid-csi-camera.service", "usr/lib/systemd/system/clothingid-csi-camera.service");

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
    for path in write(&board, &folder)? {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what the board's system has of ours below a folder, and gives the files.
fn write(board: &Board, folder: &Path) -> Result<Vec<PathBuf>, Report> {
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    let bridge = board.camera.bridge.iter().map(|_| BRIDGE);
    let kiosk = KIOSK.into_iter().filter(|_| board.display.owner == Owner::Kiosk);
    for (from, to) in FILES.into_iter().chain(bridge).chain(kiosk) {
        let bytes = std::fs::read(workspace().join("firmware-config").join(from));
        files.push((
            to,
            bytes.map_err(|error| {
                Report::failure(format!("`{from}` cannot be read"), "check out the workspace anew").caused_by(error)
            })?,
        ));
    }
    files.push(("usr/lib/systemd/system/clothingid.service.d/50-board.conf", service(board).into_bytes()));
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
        #[expect(clippy::disallowed_methods, reason = "a tree that each call writes anew")]
        std::fs::create_dir_all(above).and_then(|()| std::fs::write(&path, bytes)).map_err(|error| {
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

/// What starts with the board.
fn preset(board: &Board) -> String {
    let mut units = vec![
        "var.mount",
        "etc-clothingid.mount",
        "clothingid.service",
        "clothingid-health.service",
        "clothingid-update.timer",
    ];
    // The bridge waits for whoever chooses that camera: a board with a USB camera has no sensor.
    if board.display.owner == Owner::Kiosk {
        units.push("clothingid-kiosk.service");
    }
    let lines: Vec<String> = units.iter().map(|unit| format!("enable {unit}\n")).collect();
    format!("{}{}disable clothingid-csi-camera.service\n", made(board), lines.concat())
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
        assert!(text.contains("\nDeviceAllow=/dev/nvmap rw\n") && text.contains("\nDeviceAllow=char-video4linux rw\n"));
        assert!(!service(&board("generic-x86-64")).contains("nvmap"));
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
    fn a_display_has_one_owner() {
        let mut kiosk = board("generic-x86-64");
        assert!(!preset(&kiosk).contains("kiosk"));
        kiosk.display.owner = Owner::Kiosk;
        assert!(preset(&kiosk).contains("enable clothingid-kiosk.service\n"));
        let folder = tempfile::tempdir().expect("a folder");
        let written = write(&kiosk, folder.path()).unwrap_or_else(|report| panic!("{report}"));
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
