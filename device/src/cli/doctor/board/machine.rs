//! What the board is made of and how it is: processor, memory, C library, heat, power, wear, clock.

use super::tree::Tree;
use crate::cli::Report;
use crate::cli::doctor::Finding;
use crate::config::board::{Board, PowerTool};
use clothingid_shared::files;

/// The system sees less than what is soldered on: firmware and graphics take their share.
const SEEN_MEMORY: f64 = 0.8;
/// This near to where the board slows down, a warmer day is enough.
const NEAR_CELSIUS: f64 = 10.0;
/// A C library is some megabytes.
const MOST_LIBC_BYTES: u64 = 16 << 20;

pub(super) fn all(tree: &Tree, board: &Board) -> Vec<Finding> {
    let mut findings = vec![processor(tree, board), memory(tree, board), libc(tree, board), thermal(tree, board)];
    findings.extend(power(tree, board));
    findings.push(wear(tree));
    findings.push(clock(tree, board));
    findings
}

fn processor(tree: &Tree, board: &Board) -> Finding {
    let Some(online) = tree.text("/sys/devices/system/cpu/online").as_deref().and_then(count) else {
        return Finding::not_seen("processor", "which cores are at work", "lscpu");
    };
    let wanted = usize::from(board.processor.cores);
    let found = format!("{online} cores at work; {} has {wanted}", board.processor.name);
    if online >= wanted {
        return Finding::ok("processor", format!("{online} cores at work"));
    }
    let advice = match board.power.tool {
        PowerTool::Nvpmodel => "the power mode switches cores off: `nvpmodel -q`, and below what `power` says of it",
        _ => "see why: `lscpu --extended`, and `maxcpus=` in `/proc/cmdline`",
    };
    Finding::warning("processor", found, advice)
}

/// How many numbers a list of the kernel has, as in `0-3,6`.
fn count(list: &str) -> Option<usize> {
    let of = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        Some(last.checked_sub(first)?.saturating_add(1))
    };
    list.split(',').map(of).sum()
}

fn memory(tree: &Tree, board: &Board) -> Finding {
    let line = |text: String| text.lines().find_map(|line| line.strip_prefix("MemTotal:")).map(str::to_owned);
    let kib = tree.text("/proc/meminfo").and_then(line);
    let Some(kib) = kib.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()) else {
        return Finding::not_seen("memory", "how much there is", "free -h");
    };
    let (gib, wanted) = (kib / f64::from(1 << 20), f64::from(board.processor.memory_gib));
    let found = format!("{gib:.1} GiB");
    if gib >= wanted * SEEN_MEMORY {
        Finding::ok("memory", found)
    } else {
        let advice =
            "another model of this board, or memory kept back for graphics: see the model's label and `/proc/cmdline`";
        Finding::warning("memory", format!("{found}; its file says {wanted} GiB"), advice)
    }
}

/// The version of the C library stands in the library itself, as it prints it when it is started.
fn libc(tree: &Tree, board: &Board) -> Finding {
    let architecture = board.target.split('-').next().unwrap_or_default();
    let places = [
        format!("/lib/{architecture}-linux-gnu/libc.so.6"),
        format!("/usr/lib/{architecture}-linux-gnu/libc.so.6"),
        "/lib64/libc.so.6".to_owned(),
    ];
    let bytes = places.iter().find_map(|place| files::read_at_most(&tree.at(place), MOST_LIBC_BYTES).ok());
    let Some(minor) = bytes.as_deref().and_then(minor_version) else {
        return Finding::not_seen("libc", "the version of the C library", "ldd --version");
    };
    let wanted = &board.system.glibc;
    let wanted_minor = wanted.strip_prefix("2.").and_then(|minor| minor.parse::<u32>().ok()).unwrap_or(u32::MAX);
    let found = format!("glibc 2.{minor}");
    if minor >= wanted_minor {
        Finding::ok("libc", found)
    } else {
        let advice = format!("an older system than {}: install that one", board.system.name);
        Finding::warning("libc", format!("{found}; its file says {wanted}"), &advice)
    }
}

/// The N of the `release version 2.N` in a C library.
fn minor_version(bytes: &[u8]) -> Option<u32> {
    let words = b"release version 2.";
    let at = bytes.windows(words.len()).position(|window| window == words)?;
    let digits = bytes.get(at + words.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
    String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
}

fn thermal(tree: &Tree, board: &Board) -> Finding {
    let zones = tree.names("/sys/class/thermal").into_iter().filter(|name| name.starts_with("thermal_zone"));
    let hottest = zones
        .filter_map(|zone| {
            let place = format!("/sys/class/thermal/{zone}");
            // A zone whose part is switched off gives an error instead of a number.
            let celsius = tree.number(&format!("{place}/temp"))? / 1000.0;
            Some((celsius, tree.text(&format!("{place}/type")).unwrap_or(zone)))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((celsius, zone)) = hottest else {
        return Finding::not_seen("thermal", "any temperature", "cat /sys/class/thermal/thermal_zone*/temp");
    };
    let (slow, off) = (board.thermal.slow_celsius, board.thermal.off_celsius);
    let found =
        format!("{celsius:.0} °C at `{zone}`; this board slows down from {slow} °C and must stay below {off} °C");
    let advice =
        "give it air: a heat sink with a fan, no closed cupboard; then look again after ten minutes of customers";
    if celsius >= off {
        Finding::failed("thermal", Report::new(found).hint(advice))
    } else if celsius >= slow - NEAR_CELSIUS {
        Finding::warning("thermal", found, advice)
    } else {
        Finding::ok("thermal", found)
    }
}

fn power(tree: &Tree, board: &Board) -> Option<Finding> {
    match board.power.tool {
        PowerTool::None => None,
        PowerTool::RpiVolt => Some(supply(tree)),
        PowerTool::Nvpmodel => Some(mode(tree, board.power.mode.as_deref().unwrap_or_default())),
    }
}

/// The Raspberry Pi's firmware raises an alarm while the supply is too weak.
fn supply(tree: &Tree) -> Finding {
    let of_firmware =
        |name: &String| tree.text(&format!("/sys/class/hwmon/{name}/name")).as_deref() == Some("rpi_volt");
    let monitor = tree.names("/sys/class/hwmon").into_iter().find(of_firmware);
    let alarm = monitor.and_then(|name| tree.number(&format!("/sys/class/hwmon/{name}/in0_lcrit_alarm")));
    match alarm {
        None => Finding::not_seen("power", "the supply's voltage", "vcgencmd get_throttled"),
        Some(0.0) => Finding::ok("power", "the supply is strong enough at this moment"),
        Some(_) => {
            let advice = "use the maker's supply (5 V, 5 A) and a short cable: below its voltage the board slows down and loses USB devices";
            Finding::failed("power", Report::new("the supply's voltage is too low").hint(advice))
        }
    }
}

/// NVIDIA's tool keeps the number of its mode in a file, and their names in another.
fn mode(tree: &Tree, wanted: &str) -> Finding {
    let number = |text: String| text.strip_prefix("pmode:")?.trim().parse::<u32>().ok();
    let is_in_use = tree.text("/var/lib/nvpmodel/status").and_then(number);
    let modes = modes(&tree.text("/etc/nvpmodel.conf").unwrap_or_default());
    let name = is_in_use.and_then(|id| modes.iter().find(|(of, _)| *of == id));
    let Some((_, name)) = name else {
        return Finding::not_seen("power", "the power mode", "nvpmodel -q");
    };
    if name == wanted {
        return Finding::ok("power", format!("mode {name}"));
    }
    let advice = match modes.iter().find(|(_, name)| name == wanted) {
        Some((id, _)) => format!("choose it: `nvpmodel -m {id}` (as root)"),
        None => format!(
            "this JetPack has no mode of that name; see which there are: `nvpmodel -p --verbose`, it has {}",
            listed(&modes)
        ),
    };
    Finding::warning("power", format!("mode {name}; its file says {wanted}"), &advice)
}

fn listed(modes: &[(u32, String)]) -> String {
    modes.iter().map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Numbers and names of the modes in `nvpmodel.conf`: `< POWER_MODEL ID=1 NAME=25W >`.
fn modes(text: &str) -> Vec<(u32, String)> {
    let of = |line: &str| {
        let words = line.trim().strip_prefix("< POWER_MODEL")?.strip_suffix('>')?;
        let value = |key: &str| words.split_whitespace().find_map(|word| word.strip_prefix(key));
        Some((value("ID=")?.parse().ok()?, value("NAME=")?.to_owned()))
    };
    text.lines().filter_map(of).collect()
}

/// How worn what is soldered on or plugged in is, where it says so.
fn wear(tree: &Tree) -> Finding {
    let is_disk = |name: &String| ["mmcblk", "nvme", "sd", "vd"].iter().any(|start| name.starts_with(start));
    // The boot areas of a chip are devices of their own.
    let disks: Vec<String> =
        tree.names("/sys/block").into_iter().filter(is_disk).filter(|name| !name.contains("boot")).collect();
    let Some(first) = disks.first() else {
        return Finding::not_seen("wear", "any disk", "lsblk");
    };
    let life = disks.iter().find_map(|disk| {
        let text = tree.text(&format!("/sys/block/{disk}/device/life_time"))?;
        let steps = text.split_whitespace().filter_map(|part| u32::from_str_radix(part.strip_prefix("0x")?, 16).ok());
        Some((disk, steps.max()?))
    });
    match life {
        // Steps of ten per cent; 11 is past its life. Zero says nothing.
        Some((disk, step)) if step >= 9 => {
            let found = format!("`{disk}` has used {} % or more of its writes", (step - 1) * 10);
            let advice =
                "replace it soon: export the catalogue first (`clothingid catalogue export`), then flash another";
            Finding::warning("wear", found, advice)
        }
        Some((disk, step)) if step > 0 => {
            Finding::ok("wear", format!("`{disk}` has used at most {} % of its writes", step * 10))
        }
        _ => {
            let command = match first.as_str() {
                name if name.starts_with("nvme") => format!("nvme smart-log /dev/{name}"),
                name if name.starts_with("mmcblk") => format!("mmc extcsd read /dev/{name}"),
                name => format!("smartctl --all /dev/{name}"),
            };
            let found = format!("`{first}` tells the kernel nothing of its wear (a card never does)");
            let mut finding = Finding::ok("wear", found);
            finding.advice.push(format!("look by hand once a year: `{command}`"));
            finding
        }
    }
}

/// Without a battery the clock stands still without power, until a network tells the time.
fn clock(tree: &Tree, board: &Board) -> Finding {
    if tree.has("/run/systemd/timesync/synchronized") {
        return Finding::ok("clock", "set by the network");
    }
    let has_clock = tree.text("/sys/class/rtc/rtc0/since_epoch").is_some();
    if board.system.clock_battery && has_clock {
        return Finding::ok("clock", "goes on without power");
    }
    if board.system.clock_battery {
        return Finding::not_seen("clock", "the clock of the board", "hwclock --show");
    }
    let advice = "times in journal and history may be wrong, nothing is decided by them; with a network: `timedatectl set-ntp true`";
    Finding::warning("clock", "no battery, and no network has set it", advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted() {
        for (list, expected) in
            [("0-5", Some(6)), ("0", Some(1)), ("0-1,4,6-7", Some(5)), ("3-1", None), ("", None), ("all", None)]
        {
            assert_eq!(count(list), expected, "{list}");
        }
    }

    #[test]
    fn a_c_library_tells_its_version() {
        let debian = b"\0\x7fGNU C Library (Debian GLIBC 2.36-9+deb12u13) stable release version 2.36.\nCopyright";
        assert_eq!(minor_version(debian), Some(36));
        assert_eq!(minor_version(b"stable release version 2."), None);
        assert_eq!(minor_version(b""), None);
    }
}
