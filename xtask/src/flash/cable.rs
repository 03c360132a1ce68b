//! The board on the cable, as the kernel shows it: one board, the one that was asked for, in recovery mode, over a cable that is good enough.

use super::host::Host;
use crate::report::Report;

/// NVIDIA, among the makers of USB devices.
const NVIDIA: &str = "0955";

/// A board that waits in recovery mode.
pub(super) struct Product {
    /// As USB tells it.
    pub(super) id: &'static str,
    title: &'static str,
    /// The name of its file, if we have one.
    pub(super) board: Option<&'static str>,
}

/// **Source**: `l4t_initrd_flash.sh` of Jetson Linux 35.3.1, `nvautoflash.sh` of 39.2.0, both NVIDIA's.
const RECOVERY: [Product; 6] = [
    Product { id: "7023", title: "Jetson AGX Orin", board: None },
    Product { id: "7223", title: "Jetson AGX Orin 32 GB", board: None },
    Product { id: "7323", title: "Jetson Orin NX 16 GB", board: Some("jetson-orin-nx") },
    Product { id: "7423", title: "Jetson Orin NX 8 GB", board: None },
    Product { id: "7523", title: "Jetson Orin Nano 8 GB", board: Some("jetson-orin-nano") },
    Product { id: "7623", title: "Jetson Orin Nano 4 GB", board: None },
];

/// A board whose own system runs; and one whose flashing was cut off, or goes on.
const RUNS: &str = "7020";
const CUT_OFF: &str = "7035";

/// Mbit/s of USB 2, at which boards talk in recovery mode. One that got no further than 12 has a bad cable, or a hub between that spoils it.
const SPEED: f32 = 480.0;

const TO_RECOVERY: &str =
    "switch it off, join the pins FC REC and GND (10 and 9 of J14 on NVIDIA's kit), and switch it on with the cable in";

/// The board with this name.
pub(super) fn of_board(name: &str) -> Option<&'static Product> {
    RECOVERY.iter().find(|product| product.board == Some(name))
}

/// The names of the boards that can be flashed.
pub(super) fn boards() -> Vec<&'static str> {
    RECOVERY.iter().filter_map(|product| product.board).collect()
}

/// A device of NVIDIA's at a port.
struct Device {
    port: String,
    id: String,
    /// In Mbit/s, where the kernel tells it.
    speed: Option<f32>,
}

impl Device {
    fn product(&self) -> Option<&'static Product> {
        RECOVERY.iter().find(|product| product.id == self.id)
    }

    /// Gamepads and the debug port of other kits are NVIDIA's, too.
    fn is_board(&self) -> bool {
        self.product().is_some() || [RUNS, CUT_OFF].contains(&self.id.as_str())
    }
}

/// Looks for the board, and says what was found.
pub(super) fn check(host: &Host, wanted: &Product) -> Result<String, Report> {
    let devices = devices(host)?;
    let boards: Vec<&Device> = devices.iter().filter(|device| device.is_board()).collect();
    let device = match boards.as_slice() {
        [] => return Err(none(&devices)),
        [device] => device,
        [..] => {
            let ports: Vec<&str> = boards.iter().map(|device| device.port.as_str()).collect();
            let what = format!("{} boards are plugged in, at the ports {}", ports.len(), ports.join(", "));
            return Err(Report::failure(what, "unplug all but the one to flash: NVIDIA's tool takes one"));
        }
    };
    let Some(found) = device.product() else {
        let what = if device.id == RUNS {
            "the board runs its own system and is not in recovery mode"
        } else {
            "the board is in the middle of a flashing, or one was cut off"
        };
        let again = if device.id == RUNS { "" } else { "unless one goes on: " };
        return Err(Report::failure(format!("{what} (USB `{NVIDIA}:{}`)", device.id), format!("{again}{TO_RECOVERY}")));
    };
    if found.id != wanted.id {
        let what = format!("a {} is plugged in, not a {} (USB `{NVIDIA}:{}`)", found.title, wanted.title, found.id);
        let hint = match found.board {
            Some(name) => format!("if that is the one to flash, say `--board {name}`"),
            None => {
                format!("plug in a {}: there is no file of the other one in `firmware-config/boards`", wanted.title)
            }
        };
        return Err(Report::failure(what, hint));
    }
    match device.speed {
        Some(speed) if speed < SPEED => {
            let what = format!("the {} talks at {speed} Mbit/s only, and {SPEED} are usual", found.title);
            Err(Report::failure(what, "take another cable, at a port of the PC itself, and start recovery mode again"))
        }
        _ => Ok(format!("{} in recovery mode, at port {}", found.title, device.port)),
    }
}

/// Nothing that could be flashed.
fn none(devices: &[Device]) -> Report {
    match devices.first() {
        None => Report::failure(
            "no board is plugged in: this PC sees no USB device of NVIDIA's",
            format!(
                "join the board's USB-C port to this PC with a cable that carries data, and look at its power; then {TO_RECOVERY}"
            ),
        ),
        Some(other) => Report::failure(
            format!("no board is in recovery mode: of NVIDIA's devices this PC sees only USB `{NVIDIA}:{}`", other.id),
            format!("if that is the board, {TO_RECOVERY}"),
        ),
    }
}

/// All devices of NVIDIA's, by port. What has no vendor is a device's interface.
fn devices(host: &Host) -> Result<Vec<Device>, Report> {
    let folder = host.sys.join("bus/usb/devices");
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        let what = format!("the USB devices cannot be read in `{}`", folder.display());
        Report::failure(what, "run this on the PC itself, outside of containers").caused_by(error)
    })?;
    let mut devices: Vec<Device> = entries
        .flatten()
        .filter_map(|entry| {
            let fact = |name: &str| {
                let text = std::fs::read_to_string(entry.path().join(name)).ok()?;
                Some(text.trim().to_owned())
            };
            let is_nvidias = fact("idVendor")? == NVIDIA;
            is_nvidias.then_some(())?;
            let speed = fact("speed").and_then(|speed| speed.parse().ok());
            Some(Device { port: entry.file_name().to_string_lossy().into_owned(), id: fact("idProduct")?, speed })
        })
        .collect();
    devices.sort_by(|one, other| one.port.cmp(&other.port));
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;
    use crate::boards;

    fn look(tree: &MadeUp, board: &str) -> Result<String, Report> {
        check(&tree.host(), of_board(board).expect("a board"))
    }

    fn told(tree: &MadeUp) -> String {
        failure(look(tree, "jetson-orin-nano"))
    }

    #[test]
    fn the_boards_are_those_of_the_files() {
        for product in RECOVERY {
            if let Some(name) = product.board {
                let board = boards::open(name).unwrap_or_else(|report| panic!("{report}"));
                assert_eq!(board.title, format!("NVIDIA {}", product.title));
            }
        }
        assert_eq!(boards(), ["jetson-orin-nx", "jetson-orin-nano"]);
    }

    #[test]
    fn each_board_is_found_in_recovery_mode() {
        let tree = MadeUp::good();
        let found = look(&tree, "jetson-orin-nano").unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(found, "Jetson Orin Nano 8 GB in recovery mode, at port 1-3");
        tree.plug("1-3", "0955", "7323", "480");
        // Another thing of NVIDIA's does not count.
        tree.plug("1-7", "0955", "7214", "12");
        let found = look(&tree, "jetson-orin-nx").unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(found, "Jetson Orin NX 16 GB in recovery mode, at port 1-3");
    }

    #[test]
    fn nothing_plugged_in_is_a_matter_of_cable_and_power() {
        let tree = MadeUp::good();
        tree.unplug("1-3");
        let told = told(&tree);
        assert!(told.contains("no board is plugged in") && told.contains("a cable that carries data"), "{told}");
    }

    #[test]
    fn a_board_that_runs_is_put_into_recovery_mode() {
        let tree = MadeUp::good();
        for (id, what) in [
            ("7020", "runs its own system"),
            ("7035", "in the middle of a flashing"),
            ("7214", "sees only USB `0955:7214`"),
        ] {
            tree.plug("1-3", "0955", id, "5000");
            let told = told(&tree);
            assert!(told.contains(what) && told.contains("join the pins FC REC and GND"), "{told}");
        }
    }

    #[test]
    fn two_boards_are_one_too_many() {
        let tree = MadeUp::good();
        for id in ["7523", "7020", "7623"] {
            tree.plug("2-1.4", "0955", id, "480");
            let told = told(&tree);
            assert!(told.contains("2 boards are plugged in, at the ports 1-3, 2-1.4"), "{told}");
            assert!(told.contains("hint: unplug all but the one"), "{told}");
        }
    }

    #[test]
    fn the_wrong_board_is_named() {
        let tree = MadeUp::good();
        let told_of = |tree: &MadeUp| failure(look(tree, "jetson-orin-nx"));
        let told = told_of(&tree);
        assert!(told.contains("a Jetson Orin Nano 8 GB is plugged in, not a Jetson Orin NX 16 GB"), "{told}");
        assert!(told.contains("say `--board jetson-orin-nano`"), "{told}");
        for (id, title) in
            [("7423", "Orin NX 8 GB"), ("7623", "Orin Nano 4 GB"), ("7023", "AGX Orin"), ("7223", "AGX Orin 32 GB")]
        {
            tree.plug("1-3", "0955", id, "480");
            let told = told_of(&tree);
            assert!(told.contains(&format!("a Jetson {title} is plugged in")), "{told}");
            assert!(told.contains("hint: plug in a Jetson Orin NX 16 GB"), "{told}");
        }
    }

    #[test]
    fn a_slow_connection_is_a_matter_of_cable_and_port() {
        let tree = MadeUp::good();
        for speed in ["12", "1.5"] {
            tree.plug("1-3", "0955", "7523", speed);
            let told = told(&tree);
            assert!(
                told.contains(&format!("talks at {speed} Mbit/s only")) && told.contains("hint: take another cable"),
                "{told}"
            );
        }
        // What the kernel does not tell is not held against the cable.
        tree.plug("1-3", "0955", "7523", "unknown");
        assert!(look(&tree, "jetson-orin-nano").is_ok());
    }

    #[test]
    fn where_usb_is_not_shown_that_is_told() {
        let tree = MadeUp::good();
        std::fs::remove_dir_all(tree.path("sys")).expect("it was there");
        assert!(told(&tree).contains("hint: run this on the PC itself"));
    }
}
