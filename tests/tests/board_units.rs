//! What a board's system has of ours beside the program: units that systemd reads without a complaint and holds for locked down, names of
//! cameras, users, folders.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clothingid_device::config::board::{Board, KNOWN, parse};
use clothingid_tests::{Rig, rig};

/// Programs that our units start, as systemd looks for them.
const PROGRAMS: [&str; 7] = [
    "usr/bin/clothingid",
    "usr/bin/rauc",
    "usr/bin/cage",
    "usr/bin/chromium",
    "usr/bin/gst-launch-1.0",
    "sbin/modprobe",
    "bin/sh",
];

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).env("SYSTEMD_COLORS", "0").output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; install it: `cargo xtask setup --system` (as root)"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let (from, to) = (entry.as_ref().expect("an entry").path(), to.join(entry.expect("an entry").file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else if from.is_file() {
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            std::fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// A root with systemd's own units, the programs that ours start, and what `xtask units` makes of a board, named or in a file.
fn root(rig: &Rig, board: &str) -> PathBuf {
    let root = rig.path("root");
    let out = root.display().to_string();
    let made = run("cargo", &["xtask", "units", "--board", board, "--out", &out]);
    assert!(made.status.success(), "{}", text(&made));
    copy(Path::new("/lib/systemd/system"), &root.join("usr/lib/systemd/system"));
    // What other units want is asked for by links, which are not copied as such.
    for entry in std::fs::read_dir(root.join("usr/lib/systemd/system")).expect("units").flatten() {
        if [".wants", ".requires"].iter().any(|end| entry.file_name().to_string_lossy().ends_with(end)) {
            std::fs::remove_dir_all(entry.path()).expect("a folder");
        }
    }
    for program in PROGRAMS {
        let path = root.join(program);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::copy("/bin/true", &path).expect("a program");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("rights");
    }
    root
}

/// Our units in a root.
fn units(root: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(root.join("usr/lib/systemd/system")).expect("units").flatten();
    let ours = |name: &String| {
        ["clothingid", "etc-clothingid", "var.mount"].iter().any(|start| name.starts_with(start))
            && !name.ends_with(".d")
    };
    names.filter_map(|entry| entry.file_name().into_string().ok()).filter(ours).collect()
}

/// What systemd says of a unit: nothing, as a rule.
fn verified(root: &Path, unit: &str) -> (bool, String) {
    let output = run("systemd-analyze", &[&format!("--root={}", root.display()), "--man=no", "verify", unit]);
    (output.status.success(), text(&output))
}

/// Whether systemd holds the appliance for exposed to at most 2.0 of 10.
fn is_locked_down(root: &Path) -> (bool, String) {
    let arguments =
        [&format!("--root={}", root.display()), "security", "--offline=yes", "--threshold=20", "--no-pager"];
    let output = run("systemd-analyze", &[&arguments[..], &["clothingid.service"]].concat());
    (output.status.success(), text(&output))
}

fn board(name: &str) -> Board {
    let (_, text) = KNOWN.iter().find(|(known, _)| *known == name).expect("a board");
    parse(Path::new(&format!("{name}.toml")), text).expect("a board's file")
}

#[test]
fn systemd_reads_every_unit_of_every_board_and_holds_the_appliance_for_locked_down() {
    for (name, _) in KNOWN {
        let rig = Rig::new();
        let root = root(&rig, name);
        let units = units(&root);
        assert!(
            ["clothingid.service", "clothingid-update.timer", "var.mount"].iter().all(|unit| units.contains(*unit)),
            "{units:?}"
        );
        assert_eq!(units.contains("clothingid-csi-camera.service"), board(name).camera.bridge.is_some(), "{name}");
        for unit in &units {
            assert_eq!(verified(&root, unit), (true, String::new()), "{name}: {unit}");
        }
        let (is_locked_down, told) = is_locked_down(&root);
        assert!(is_locked_down, "{name}: {told}");
        // The drop-in counts, and only the board's devices are left.
        let jetson = name.starts_with("jetson");
        assert_eq!(told.contains("/dev/nvmap:rw"), jetson, "{told}");
    }
}

#[test]
fn a_wrong_unit_and_an_open_one_are_seen() {
    let rig = Rig::new();
    let root = root(&rig, "generic-x86-64");
    let path = root.join("usr/lib/systemd/system/clothingid.service");
    let unit = std::fs::read_to_string(&path).expect("the unit");
    let spoiled = |from: &str, to: &str| {
        assert!(unit.contains(from), "{from}");
        std::fs::write(&path, unit.replace(from, to)).expect("the unit");
    };
    spoiled("ProtectHome=yes", "ProtectHomes=yes");
    assert!(verified(&root, "clothingid.service").1.contains("ProtectHomes"));
    spoiled("/usr/bin/clothingid run", "/usr/bin/clothing run");
    assert!(!verified(&root, "clothingid.service").0);
    spoiled("SystemCallFilter=", "# SystemCallFilter=");
    assert!(!is_locked_down(&root).0);
}

#[test]
fn a_kiosk_has_its_browser_and_its_policy() {
    let rig = Rig::new();
    let (_, text) = KNOWN.iter().find(|(name, _)| *name == "generic-x86-64").expect("the PC");
    let file = rig.path("kiosk.toml");
    let text = text.replace("\"generic-x86-64\"", "\"kiosk\"").replace("owner = \"screen\"", "owner = \"kiosk\"");
    std::fs::write(&file, text).expect("a board");
    let root = root(&rig, &file.display().to_string());
    for unit in units(&root) {
        assert_eq!(verified(&root, &unit), (true, String::new()), "{unit}");
    }
    let policy = std::fs::read_to_string(root.join("etc/chromium/policies/managed/clothingid.json")).expect("a policy");
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("JSON");
    assert_eq!(policy["URLBlocklist"], serde_json::json!(["*"]));
    // The page that the unit opens is the one page that the policy lets through, at the address of the settings.
    let page = policy["URLAllowlist"][0].as_str().expect("an address");
    let unit = std::fs::read_to_string(root.join("usr/lib/systemd/system/clothingid-kiosk.service")).expect("a unit");
    let settings = std::fs::read_to_string(root.join("usr/share/clothingid/config.toml")).expect("settings");
    assert!(unit.contains(&format!(" {page}/\n")));
    assert!(settings.contains(&format!("listen = \"{}\"", page.trim_start_matches("http://"))));
    assert!(settings.contains("output = \"none\""), "never two on one display");
}

#[test]
fn the_first_settings_of_each_board_are_settings() {
    for (name, _) in KNOWN {
        let rig = Rig::new();
        let out = rig.path("root").display().to_string();
        assert!(run("cargo", &["xtask", "units", "--board", name, "--out", &out]).status.success());
        let config = rig.path("root").join("usr/share/clothingid/config.toml");
        let text = std::fs::read_to_string(&config).expect("settings");
        let read = clothingid_device::config::parse(&config, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read.screen.output.is_some(), "{name}");
    }
}

#[test]
fn the_first_start_makes_folders_users_and_settings_and_later_ones_leave_them() {
    let rig = Rig::new();
    let root = rig.path("root");
    copy(&rig::workspace().join("firmware-config/tmpfiles.d"), &root.join("usr/lib/tmpfiles.d"));
    copy(&rig::workspace().join("firmware-config/sysusers.d"), &root.join("usr/lib/sysusers.d"));
    let config = rig::workspace().join("firmware-config/package/config.toml");
    for (path, text) in [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\nvideo:x:44:\nrender:x:104:\nsystemd-journal:x:101:\n"),
        ("usr/share/clothingid/config.toml", &std::fs::read_to_string(config).expect("settings")),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let in_root = format!("--root={}", root.display());
    let users = run("systemd-sysusers", &[&in_root]);
    assert!(users.status.success(), "{}", text(&users));
    let passwd = std::fs::read_to_string(root.join("etc/passwd")).expect("users");
    assert!(
        passwd.lines().any(|line| line.starts_with("clothingid-kiosk:") && line.contains(":/run/clothingid-kiosk:"))
    );
    let start = || {
        // Users other than root may give nothing to other users, which is what it then complains of.
        let made = run("systemd-tmpfiles", &["--create", &in_root, "--prefix=/var"]);
        assert!(!text(&made).contains("Unknown") && !text(&made).contains("Invalid"), "{}", text(&made));
    };
    start();
    let settings = root.join("var/lib/clothingid-settings/config.toml");
    assert!(settings.is_file());
    std::fs::write(&settings, "shop = \"Ours\"\n").expect("settings");
    start();
    assert_eq!(std::fs::read_to_string(&settings).expect("settings"), "shop = \"Ours\"\n");
}

#[test]
fn names_of_cameras_are_made_of_keys_that_udev_has() {
    let path = rig::workspace().join("firmware-config/udev/70-clothingid-camera.rules");
    let rules = std::fs::read_to_string(path).expect("rules");
    let (mut labels, mut jumps, mut names) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for line in rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        for part in line.split(", ") {
            let at = part.find(['=', '!', '+']).unwrap_or_else(|| panic!("no operator: {part}"));
            let (key, rest) = part.split_at(at);
            let operator = rest.split('"').next().unwrap_or_default();
            let value = rest[operator.len()..].trim_matches('"');
            assert!(rest.ends_with('"') && rest.matches('"').count() == 2, "{part}");
            let (name, _) = key.split_once('{').unwrap_or((key, ""));
            let operators: &[&str] = match name {
                "SUBSYSTEM" | "ACTION" | "ATTR" | "ENV" | "SUBSYSTEMS" | "ATTRS" => &["==", "!="],
                "SYMLINK" | "OPTIONS" => &["+="],
                "GOTO" | "LABEL" => &["="],
                other => panic!("udev has no key `{other}`"),
            };
            assert!(operators.contains(&operator), "{part}");
            match name {
                "LABEL" => drop(labels.insert(value)),
                "GOTO" => drop(jumps.insert(value)),
                "SYMLINK" => names.push(value),
                _ => {}
            }
        }
    }
    assert_eq!(labels, jumps);
    let by = ["camera-csi", "camera-by-port-%b", "camera-by-serial-%s{serial}"];
    assert_eq!(names, by.map(|name| format!("clothingid/{name}")));
    // The settings take such a name as they take a node.
    let text = "[camera]\ndevice = \"/dev/clothingid/camera-by-port-1-1.2\"\n";
    assert!(clothingid_device::config::parse(Path::new("config.toml"), text).is_ok());
}
