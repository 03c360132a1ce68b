//! Each finding both ways, on trees of files as boards have them.

use super::Finding;
use super::laid::{Laid, jetson, pc, pi};
use crate::cli::doctor::Status;

#[test]
fn a_board_that_is_well_has_nothing_to_do() {
    for laid in [pi(), jetson(), pc()] {
        for finding in laid.findings(None) {
            assert_eq!(finding.status, Status::Ok, "{}", finding.human());
        }
    }
    let told: Vec<String> = pi().findings(None).iter().map(Finding::human).collect();
    insta::assert_snapshot!("pi", told.join("\n"));
    let told: Vec<String> = jetson().findings(None).iter().map(Finding::human).collect();
    insta::assert_snapshot!("jetson", told.join("\n"));
}

#[test]
fn an_empty_tree_is_not_guessed_about() {
    let empty = Laid::out("aarch64", Err("none at all"), &[]);
    let findings = empty.findings(Some("raspberry-pi-5"));
    let told: Vec<String> = findings.iter().map(Finding::human).collect();
    insta::assert_snapshot!("nothing_to_be_seen", told.join("\n"));
    for finding in findings.iter().filter(|finding| finding.found.starts_with("not seen")) {
        assert!(finding.status == Status::Warning && finding.advice[0].contains("look by hand: `"), "{finding:?}");
    }
}

/// Each row: the board, a file and what becomes of it (none: it goes), the finding, how it is, and words of it and of its advice.
#[test]
fn each_trouble_is_named_with_what_to_do() {
    type Row = (fn() -> Laid, &'static str, Option<&'static str>, &'static str, Status, &'static str, &'static str);
    let rows: &[Row] = &[
        (
            pi,
            "/proc/device-tree/compatible",
            Some("raspberrypi,4-model-b\0brcm,bcm2711\0"),
            "board",
            Status::Failed,
            "is none of the boards",
            "`raspberry-pi-5`, `generic-arm64`",
        ),
        (
            pi,
            "/sys/devices/system/cpu/online",
            Some("0-1\n"),
            "processor",
            Status::Warning,
            "2 cores at work; Arm Cortex-A76 has 4",
            "lscpu --extended",
        ),
        (
            jetson,
            "/sys/devices/system/cpu/online",
            Some("0-3\n"),
            "processor",
            Status::Warning,
            "4 cores at work",
            "nvpmodel -q",
        ),
        (pi, "/sys/devices/system/cpu/online", None, "processor", Status::Warning, "not seen", "lscpu"),
        (
            pi,
            "/proc/meminfo",
            Some("MemTotal: 4100000 kB\n"),
            "memory",
            Status::Warning,
            "3.9 GiB; its file says 8 GiB",
            "another model",
        ),
        (pi, "/proc/meminfo", Some("MemFree: 1 kB\n"), "memory", Status::Warning, "not seen", "free -h"),
        (
            pi,
            "/usr/lib/aarch64-linux-gnu/libc.so.6",
            Some("stable release version 2.35.\n"),
            "libc",
            Status::Warning,
            "glibc 2.35; its file says 2.36",
            "Raspberry Pi OS",
        ),
        (pi, "/usr/lib/aarch64-linux-gnu/libc.so.6", None, "libc", Status::Warning, "not seen", "ldd --version"),
        (
            pi,
            "/sys/class/thermal/thermal_zone0/temp",
            Some("72000\n"),
            "thermal",
            Status::Warning,
            "72 °C at `cpu-thermal`",
            "give it air",
        ),
        (
            pi,
            "/sys/class/thermal/thermal_zone0/temp",
            Some("86100\n"),
            "thermal",
            Status::Failed,
            "86 °C",
            "give it air",
        ),
        (
            jetson,
            "/sys/class/thermal/thermal_zone0/temp",
            Some("86100\n"),
            "thermal",
            Status::Ok,
            "slows down from 99 °C",
            "",
        ),
        (
            pi,
            "/sys/class/thermal/thermal_zone0/temp",
            None,
            "thermal",
            Status::Warning,
            "not seen",
            "cat /sys/class/thermal",
        ),
        (
            pi,
            "/sys/class/hwmon/hwmon2/in0_lcrit_alarm",
            Some("1\n"),
            "power",
            Status::Failed,
            "voltage is too low",
            "5 V, 5 A",
        ),
        (pi, "/sys/class/hwmon/hwmon2", None, "power", Status::Warning, "not seen", "vcgencmd get_throttled"),
        (
            jetson,
            "/var/lib/nvpmodel/status",
            Some("pmode:0000\n"),
            "power",
            Status::Warning,
            "mode 15W; its file says 25W",
            "nvpmodel -m 1",
        ),
        (
            jetson,
            "/etc/nvpmodel.conf",
            Some("< POWER_MODEL ID=1 NAME=7W >\n"),
            "power",
            Status::Warning,
            "mode 7W",
            "no mode of that name",
        ),
        (jetson, "/var/lib/nvpmodel/status", None, "power", Status::Warning, "not seen", "nvpmodel -q"),
        (
            pi,
            "/sys/block/mmcblk0/device/life_time",
            Some("0x03 0x0a\n"),
            "wear",
            Status::Warning,
            "`mmcblk0` has used 90 % or more",
            "replace it soon",
        ),
        (
            pi,
            "/sys/block/mmcblk0/device/life_time",
            Some("0x00 0x00\n"),
            "wear",
            Status::Ok,
            "tells the kernel nothing",
            "mmc extcsd read /dev/mmcblk0",
        ),
        (pi, "/sys/block", None, "wear", Status::Warning, "not seen", "lsblk"),
        (
            pi,
            "/run/systemd/timesync/synchronized",
            None,
            "clock",
            Status::Warning,
            "no battery, and no network",
            "timedatectl",
        ),
        (pc, "/run/systemd/timesync/synchronized", None, "clock", Status::Ok, "goes on without power", ""),
        (
            pi,
            "/sys/class/video4linux",
            None,
            "cameras",
            Status::Warning,
            "the kernel has no camera",
            "plug in a USB camera",
        ),
        (
            pi,
            "/dev/clothingid",
            None,
            "cameras",
            Status::Warning,
            "none has a name that stays",
            "70-clothingid-camera.rules",
        ),
        (
            pi,
            "/etc/systemd/system/multi-user.target.wants/clothingid-csi-camera.service",
            Some(""),
            "bridge",
            Status::Failed,
            "`v4l2loopback` is not loaded",
            "v4l2loopback-dkms",
        ),
        (
            pi,
            "/sys/class/drm/card1-HDMI-A-1/status",
            Some("disconnected\n"),
            "display",
            Status::Warning,
            "no display at `HDMI-A-1`, `HDMI-A-2`",
            "plug the display in",
        ),
        (jetson, "/sys/class/drm/card1-DP-1", None, "display", Status::Warning, "not seen", "ls /sys/class/drm"),
        (
            pi,
            "/etc/systemd/system/display-manager.service",
            Some(""),
            "owner",
            Status::Failed,
            "two want the display: a desktop",
            "systemctl disable --now display-manager",
        ),
        (
            pi,
            "/etc/systemd/system/graphical.target.wants/clothingid-kiosk.service",
            Some(""),
            "owner",
            Status::Failed,
            "two want the display: the appliance's own screen",
            "disable --now clothingid-kiosk",
        ),
        (jetson, "/sys/module/nvgpu", None, "gpu", Status::Warning, "none of `nvgpu` loaded", "modprobe nvgpu"),
        (
            jetson,
            "/etc/vulkan/icd.d/nvidia_icd.json",
            None,
            "gpu",
            Status::Warning,
            "nvidia_icd.json` is missing",
            "install the maker's driver again",
        ),
        (pc, "/sys/firmware/efi", None, "board", Status::Failed, "is none of the boards", "--board NAME"),
        (
            jetson,
            "/usr/sbin/nvbootctrl",
            None,
            "boot",
            Status::Warning,
            "no `/usr/sbin/nvbootctrl`",
            "nvidia-l4t-tools",
        ),
        (
            pi,
            "/boot/firmware/autoboot.txt",
            Some("[all]\nboot_partition=2\n"),
            "boot",
            Status::Warning,
            "has no slot to try",
            "tryboot_a_b=1",
        ),
        (pi, "/boot/firmware/autoboot.txt", None, "boot", Status::Warning, "not seen", "ls /boot/firmware"),
        (
            pi,
            "/dev/disk/by-partlabel/root-b",
            None,
            "slots",
            Status::Failed,
            "`/dev/disk/by-partlabel/root-b` is missing",
            "flash the board again",
        ),
        (
            pi,
            "/etc/rauc/system.conf",
            Some("[system]\ncompatible = other\n"),
            "slots",
            Status::Failed,
            "takes updates for `other`",
            "clothingid",
        ),
        (pi, "/etc/rauc/system.conf", None, "slots", Status::Warning, "not seen", "cat /etc/rauc/system.conf"),
        (pi, "/proc/cmdline", Some("quiet\n"), "slots", Status::Warning, "not seen", "rauc status"),
        (
            pi,
            "/usr/lib/systemd/system/clothingid.service",
            None,
            "service",
            Status::Failed,
            "is not installed",
            "apt install",
        ),
        (
            pi,
            "/etc/systemd/system/multi-user.target.wants/clothingid.service",
            None,
            "service",
            Status::Failed,
            "does not start with the board",
            "systemctl enable --now",
        ),
        (
            pi,
            "/sys/fs/cgroup/system.slice",
            None,
            "service",
            Status::Failed,
            "does not run now",
            "journalctl -u clothingid.service",
        ),
        (pi, "/sys/fs/cgroup", None, "service", Status::Warning, "not seen", "systemctl status"),
        (
            pi,
            "/sys/class/watchdog/watchdog0/state",
            Some("inactive\n"),
            "watchdog",
            Status::Warning,
            "nobody feeds it",
            "RuntimeWatchdogSec=15s",
        ),
        (pi, "/sys/class/watchdog", None, "watchdog", Status::Warning, "not seen", "wdctl"),
    ];
    for (board, path, becomes, part, status, found, advice) in rows {
        let laid = board();
        match becomes {
            Some(text) => laid.put(path, text),
            None => laid.take(path),
        }
        let finding = laid.finding(part);
        let told = finding.human();
        assert!(finding.status == *status && told.contains(found) && told.contains(advice), "{path}: {told}");
        // What is not well says what to do.
        assert!(finding.status == Status::Ok || !finding.advice.is_empty(), "{told}");
    }
}

#[test]
fn a_camera_connector_in_use_is_well_with_module_and_device() {
    let laid = pi();
    laid.put("/etc/systemd/system/multi-user.target.wants/clothingid-csi-camera.service", "");
    laid.put("/sys/module/v4l2loopback/version", "0.12.7\n");
    let bridge = laid.finding("bridge");
    assert!(bridge.status == Status::Failed && bridge.human().contains("gst-inspect-1.0 libcamerasrc"), "{bridge:?}");
    laid.put("/sys/class/video4linux/video40/name", "csi-camera\n");
    let bridge = laid.finding("bridge");
    assert!(bridge.status == Status::Ok && bridge.found.contains("`/dev/video40` (csi-camera)"), "{bridge:?}");
}

#[test]
fn vulkans_adapter_is_the_boards_or_is_said() {
    let with = |adapter: Result<&str, &str>| {
        let mut laid = jetson();
        laid.adapter = adapter.map(str::to_owned).map_err(str::to_owned);
        laid.finding("gpu")
    };
    let other = with(Ok("llvmpipe (LLVM 15)"));
    assert!(other.status == Status::Warning && other.found.contains("its file says `Orin`"), "{other:?}");
    let none = with(Err("no graphics processor"));
    assert!(none.status == Status::Warning && none.found.ends_with("no adapter: no graphics processor"), "{none:?}");
}

#[test]
fn a_board_may_be_named_and_need_not_be_the_one_that_it_is() {
    let first = |laid: &Laid, asked| laid.findings(asked).swap_remove(0);
    let pi = pi();
    assert_eq!(first(&pi, Some("raspberry-pi-5")).status, Status::Ok);
    let other = first(&pi, Some("generic-arm64"));
    assert!(
        other.status == Status::Warning && other.advice[0].contains("this machine is `raspberry-pi-5`"),
        "{other:?}"
    );
    let wrong = first(&pi, Some("generic-x86-64"));
    assert!(wrong.status == Status::Failed && wrong.advice[0].contains("this program is for aarch64"), "{wrong:?}");
    let unknown = pi.findings(Some("pi"));
    assert!(unknown.len() == 1 && unknown[0].status == Status::Failed, "{unknown:?}");
    assert!(unknown[0].advice[0].contains("`jetson-orin-nano`, `jetson-orin-nx`"), "{unknown:?}");
    // A file of one's own, with a browser on its display.
    let text = crate::config::board::named("raspberry-pi-5").unwrap();
    let text = text.replace("\"raspberry-pi-5\"", "\"ours\"").replace("owner = \"screen\"", "owner = \"kiosk\"");
    pi.put("ours.toml", &text);
    let file = pi.folder.path().join("ours.toml").display().to_string();
    let owner = pi.findings(Some(&file)).into_iter().find(|finding| finding.part == "owner").unwrap();
    assert!(owner.status == Status::Failed && owner.found.contains("nobody draws"), "{owner:?}");
    pi.put("/etc/systemd/system/graphical.target.wants/clothingid-kiosk.service", "");
    let owner = pi.findings(Some(&file)).into_iter().find(|finding| finding.part == "owner").unwrap();
    assert_eq!(owner.status, Status::Ok, "{owner:?}");
    pi.put("ours.toml", "name = 1\n");
    let broken = first(&pi, Some(&file));
    assert!(broken.status == Status::Failed && broken.found.contains("ours.toml:1: "), "{broken:?}");
}

#[test]
fn a_system_of_packages_alone_has_no_slots() {
    let laid = pi();
    laid.take("/etc/rauc/system.conf");
    laid.take("/dev/disk/by-partlabel");
    let slots = laid.finding("slots");
    assert!(slots.status == Status::Warning && slots.found.contains("packages only"), "{slots:?}");
}
