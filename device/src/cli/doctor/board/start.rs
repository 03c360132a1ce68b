//! What starts the board and keeps it up: slots, service, watchdog.

use super::tree::Tree;
use crate::cli::Report;
use crate::cli::doctor::Finding;
use crate::config::board::{Backend, Board};

const UNIT: &str = "clothingid.service";
const RAUC_SETTINGS: &str = "/etc/rauc/system.conf";

pub(super) fn all(tree: &Tree, board: &Board) -> Vec<Finding> {
    vec![backend(tree, board), slots(tree, board), service(tree), watchdog(tree, board)]
}

/// What chooses the slot.
fn backend(tree: &Tree, board: &Board) -> Finding {
    let name = board.update.backend.name();
    let failed = |what: String, hint: &str| Finding::warning("boot", what, hint);
    match board.update.backend {
        Backend::Uefi if tree.has("/sys/firmware/efi") => Finding::ok("boot", format!("`{name}`: started by UEFI")),
        Backend::Uefi => failed(
            format!("`{name}`: this system was not started by UEFI"),
            "switch the firmware from BIOS (legacy, CSM) to UEFI and install again; look: `ls /sys/firmware/efi`",
        ),
        Backend::Nvidia if tree.has("/usr/sbin/nvbootctrl") => {
            let mut finding = Finding::ok("boot", format!("`{name}`: NVIDIA's slot tool is there"));
            finding.advice.push(
                "which slot started, and how often it may still fail: `nvbootctrl -t rootfs dump-slots-info`".into(),
            );
            finding
        }
        Backend::Nvidia => failed(
            format!("`{name}`: there is no `/usr/sbin/nvbootctrl`"),
            "install NVIDIA's package: `apt install nvidia-l4t-tools`",
        ),
        Backend::RpiTryboot => {
            let auto = tree.text("/boot/firmware/autoboot.txt").or_else(|| tree.text("/boot/autoboot.txt"));
            let Some(auto) = auto else {
                return Finding::not_seen(
                    "boot",
                    "`autoboot.txt`, by which the firmware chooses a slot",
                    "ls /boot/firmware",
                );
            };
            let has = |wanted: &str| auto.lines().any(|line| line.trim() == wanted);
            if has("tryboot_a_b=1") && has("[tryboot]") {
                Finding::ok("boot", format!("`{name}`: `autoboot.txt` names a slot and one to try"))
            } else {
                failed(
                    format!("`{name}`: `autoboot.txt` has no slot to try"),
                    "it needs `tryboot_a_b=1`, a `boot_partition`, and another one below `[tryboot]`; flash the card again",
                )
            }
        }
    }
}

/// Partitions of both slots, and which one runs.
fn slots(tree: &Tree, board: &Board) -> Finding {
    let update = &board.update;
    let parts = update.slots.iter().flat_map(|slot| [Some(&slot.root), slot.boot.as_ref()]).flatten();
    let missing: Vec<&String> = parts.chain([&update.data]).filter(|part| !tree.has(part)).collect();
    let settings = tree.text(RAUC_SETTINGS);
    if settings.is_none() && !missing.is_empty() {
        let advice = "nothing, where you install packages by hand; boards that update themselves are flashed with a whole image (docs/flashing.md)";
        return Finding::warning("slots", "a system without slots: it is changed by packages only", advice);
    }
    if let Some(part) = missing.first() {
        let report = Report::new(format!("the partition `{part}` is missing"))
            .hint("see what there is: `lsblk -o NAME,PARTLABEL`");
        return Finding::failed(
            "slots",
            report.hint("flash the board again (docs/flashing.md): an update would find no place"),
        );
    }
    let compatible = settings.as_deref().and_then(|text| {
        let line = text.lines().find(|line| line.trim().starts_with("compatible"))?;
        Some(line.split_once('=')?.1.trim().to_owned())
    });
    match compatible {
        None => Finding::not_seen("slots", "RAUC's settings for both slots", &format!("cat {RAUC_SETTINGS}")),
        Some(found) if found != update.compatible => {
            let report =
                Report::new(format!("RAUC takes updates for `{found}`, and this board is `{}`", update.compatible));
            Finding::failed(
                "slots",
                report.hint(format!("set `compatible` in `{RAUC_SETTINGS}`, or flash the image of this board")),
            )
        }
        Some(_) => {
            let line = tree.text("/proc/cmdline").unwrap_or_default();
            match line.split_whitespace().find_map(|word| word.strip_prefix("rauc.slot=")) {
                Some(slot) => Finding::ok("slots", format!("both are there; `{slot}` runs (`rauc status` tells more)")),
                None => Finding::not_seen("slots", "which one runs (both are there)", "rauc status"),
            }
        }
    }
}

fn service(tree: &Tree) -> Finding {
    let is_there = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
        .iter()
        .any(|folder| tree.has(&format!("{folder}/{UNIT}")));
    if !is_there {
        let report = Report::new("the service is not installed");
        return Finding::failed("service", report.hint("install the package: `apt install ./clothingid_….deb`"));
    }
    if !tree.is_enabled(UNIT) {
        let report = Report::new("the service does not start with the board");
        return Finding::failed("service", report.hint(format!("`systemctl enable --now {UNIT}`")));
    }
    // The kernel keeps what a service runs in a group of its own.
    let group = format!("/sys/fs/cgroup/system.slice/{UNIT}");
    match tree.text(&format!("{group}/cgroup.procs")) {
        Some(_) => Finding::ok("service", "runs, and starts with the board"),
        None if tree.has("/sys/fs/cgroup/cgroup.controllers") => {
            let report = Report::new("the service starts with the board and does not run now");
            Finding::failed(
                "service",
                report
                    .hint(format!("see why: `journalctl -u {UNIT} -n 50`"))
                    .hint(format!("then `systemctl restart {UNIT}`")),
            )
        }
        None => Finding::not_seen(
            "service",
            "whether it runs (it starts with the board)",
            &format!("systemctl status {UNIT}"),
        ),
    }
}

/// The board's own watchdog, which systemd feeds.
fn watchdog(tree: &Tree, board: &Board) -> Finding {
    let place = "/sys/class/watchdog/watchdog0";
    if !tree.has("/sys/class/watchdog") || tree.names("/sys/class/watchdog").is_empty() {
        return Finding::not_seen("watchdog", "a watchdog of the board", "wdctl");
    }
    let Some(state) = tree.text(&format!("{place}/state")) else {
        return Finding::not_seen("watchdog", "whether it is at work", "wdctl");
    };
    let seconds = board.update.watchdog_seconds;
    if state != "active" {
        let advice = format!(
            "`RuntimeWatchdogSec={seconds}s` in `/etc/systemd/system.conf.d/clothingid.conf`, below `[Manager]`; then start the board again"
        );
        return Finding::warning("watchdog", "nobody feeds it: a board that hangs stays so", &advice);
    }
    match tree.text(&format!("{place}/timeout")) {
        Some(timeout) => Finding::ok("watchdog", format!("starts the board again after {timeout} s of silence")),
        None => Finding::ok("watchdog", "at work"),
    }
}
