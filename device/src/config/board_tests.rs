//! The reader of boards: what it says of wrong files, that the committed schema says the same, and which board a machine is.

use super::board::{Backend, Board, BoardError, KNOWN, Machine, Owner, found, named, parse};
use clothingid_shared::files::{create_folder, write_atomic};
use proptest::prelude::*;
use serde_json::Value;
use std::path::Path;

const PI: &str = "raspberry-pi-5";

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../firmware-config/boards/board.schema.json")).unwrap()
}

fn of(text: &str) -> Result<Board, BoardError> {
    parse(Path::new("raspberry-pi-5.toml"), text)
}

/// The Raspberry Pi's file with one thing changed, which is there.
fn changed(from: &str, to: &str) -> String {
    let text = named(PI).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// What the keywords of JSON Schema that ours uses say of a value: the place of the first thing that is wrong.
fn refused(schema: &Value, value: &Value, place: &str) -> Option<String> {
    let wrong = || Some(place.trim_start_matches('.').to_owned());
    let is_type = match schema["type"].as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    let is_in = |bound: &str, fits: fn(f64, f64) -> bool| match (schema[bound].as_f64(), value.as_f64()) {
        (Some(bound), Some(value)) => fits(value, bound),
        _ => true,
    };
    let is_listed = schema["enum"].as_array().is_none_or(|names| names.contains(value));
    let count = value.as_array().map(Vec::len);
    let is_count = |bound: &str, fits: fn(usize, usize) -> bool| match (schema[bound].as_u64(), count) {
        (Some(bound), Some(count)) => fits(count, usize::try_from(bound).unwrap()),
        _ => true,
    };
    if !is_type
        || !is_listed
        || !is_in("minimum", |value, bound| value >= bound)
        || !is_in("maximum", |value, bound| value <= bound)
        || !is_count("minItems", |count, bound| count >= bound)
        || !is_count("maxItems", |count, bound| count <= bound)
    {
        return wrong();
    }
    if let Some(inner) = value.as_object() {
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(schema["additionalProperties"], false, "{place}");
        if let Some(key) = inner.keys().find(|key| !properties.contains_key(*key)) {
            return refused_at(place, key);
        }
        let needed = schema["required"].as_array().unwrap();
        if let Some(key) = needed.iter().find(|key| !inner.contains_key(key.as_str().unwrap())) {
            return refused_at(place, key.as_str().unwrap());
        }
        return inner.iter().find_map(|(key, value)| refused(&properties[key], value, &format!("{place}.{key}")));
    }
    value.as_array()?.iter().find_map(|value| refused(&schema["items"], value, place))
}

fn refused_at(place: &str, key: &str) -> Option<String> {
    Some(format!("{place}.{key}").trim_start_matches('.').to_owned())
}

fn as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

#[test]
fn each_board_is_read_and_fits_the_schema() {
    for (name, text) in KNOWN {
        let board = parse(Path::new(&format!("{name}.toml")), text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(board.name, name);
        assert!(!board.tried, "{name}: no board has run it yet");
        assert_eq!(refused(&schema(), &as_json(text), ""), None, "{name}");
        assert!(board.devices.allow.contains(&"char-81 rw".to_owned()), "{name}: a camera");
        let draws = board.devices.allow.contains(&"char-226 rw".to_owned());
        assert!(draws || board.display.owner == Owner::Kiosk, "{name}: a screen");
    }
    // Numbers that the kernel has given for good, and a name that it has from its start: no other is known before a driver is loaded.
    let numbers = ["char-81 rw", "char-226 rw", "char-29 rw", "char-153 rw", "char-gpiochip rw"];
    for (name, text) in KNOWN {
        let board = parse(Path::new(name), text).unwrap();
        let kinds = board.devices.allow.iter().filter(|line| line.starts_with("char-"));
        assert!(
            kinds.clone().all(|line| numbers.contains(&line.as_str())),
            "{name}: {kinds:?}",
            kinds = kinds.collect::<Vec<_>>()
        );
    }
    let unit = include_str!("../../../firmware-config/systemd/clothingid.service");
    let kinds: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("DeviceAllow=")).collect();
    assert_eq!(kinds, numbers);
    let backends = KNOWN.map(|(name, text)| parse(Path::new(&format!("{name}.toml")), text).unwrap().update.backend);
    for backend in [Backend::Uefi, Backend::Nvidia, Backend::RpiTryboot] {
        assert!(backends.contains(&backend), "{}", backend.name());
    }
}

/// Each row: a change to the file, the message of the reader, its hint, and the place that the schema refuses (empty: the schema takes it,
/// since a pattern says it or nothing can).
#[test]
fn wrong_files_are_refused_by_the_reader_and_by_the_schema() {
    let schema = schema();
    for (from, to, message, hint, place) in [
        ("tried = false\n", "", "1: the key `tried` is missing", "`firmware-config/", "tried"),
        ("cores = 4\n", "", "16: the key `processor.cores` is missing", "", "processor.cores"),
        (
            "[thermal]\nslow_celsius = 80.0\noff_celsius = 85.0\n",
            "",
            "1: the key `[thermal]` is missing",
            "",
            "thermal",
        ),
        (
            "convert = \"videoconvert\"\n",
            "",
            "30: the key `camera.bridge.convert` is missing",
            "",
            "camera.bridge.convert",
        ),
        (
            "root = \"/dev/disk/by-partlabel/root-b\"\n",
            "",
            "79: the key `update.slots.root` is missing",
            "",
            "update.slots.root",
        ),
        (
            "cores = 4",
            "cores = 4\nspeed = 2",
            "19: unknown key `processor.speed`",
            "the keys here are `processor.name`, ",
            "processor.speed",
        ),
        (
            "usb = true",
            "usb = true\nbrigde = 1",
            "28: unknown key `camera.brigde`",
            "did you mean `camera.bridge`?",
            "camera.brigde",
        ),
        ("[power]", "[pover]", "50: unknown key `pover`", "did you mean `power`?", "pover"),
        ("tried = false", "tried = false\ntryed = true", "7: unknown key `tryed`", "did you mean `tried`?", "tryed"),
        (
            "boot = \"/dev/disk/by-partlabel/boot-a\"",
            "boots = \"/a\"",
            "76: unknown key `update.slots.boots`",
            "did you mean",
            "update.slots.boots",
        ),
        ("cores = 4", "cores = \"four\"", "18: `processor.cores` is not a whole number", "", "processor.cores"),
        ("tried = false", "tried = \"no\"", "6: `tried` is not `true` or `false`", "", "tried"),
        ("[\"v3d\"]", "\"v3d\"", "47: `gpu.modules` is not a list", "", "gpu.modules"),
        (
            "owner = \"screen\"",
            "owner = \"both\"",
            "41: `display.owner` is not one of `screen`, `kiosk`",
            "",
            "display.owner",
        ),
        ("\"rpi-tryboot\"", "\"grub\"", "69: `update.backend` is not one of `uefi`, `nvidia`", "", "update.backend"),
        ("tool = \"rpi-volt\"", "tool = \"volts\"", "52: `power.tool` is not one of `nvpmodel`", "", "power.tool"),
        ("cores = 4", "cores = 0", "18: `processor.cores` is not from 1 to 256", "", "processor.cores"),
        (
            "memory_gib = 8",
            "memory_gib = 4096",
            "19: `processor.memory_gib` is not from 1 to 1024",
            "",
            "processor.memory_gib",
        ),
        (
            "watchdog_seconds = 15",
            "watchdog_seconds = 1",
            "72: `update.watchdog_seconds` is not from 5 to 600",
            "",
            "update.watchdog_seconds",
        ),
        ("\"/dev/video40\"", "\"video40\"", "31: `camera.bridge.node` is not a node", "", ""),
        ("aarch64-unknown-linux-gnu", "riscv64gc", "5: `target` is not `aarch64", "", "target"),
        ("glibc = \"2.36\"", "glibc = \"2.31\"", "23: `system.glibc` is not `2.34` or a later one", "", ""),
        ("off_celsius = 85.0", "off_celsius = nan", "56: `thermal.off_celsius` is not from 40 to 125", "", ""),
        ("slow_celsius = 80.0", "slow_celsius = 90.0", "55: `thermal.slow_celsius` is more than", "", ""),
        ("\"char-153 rw\"", "\"/etc/passwd rw\"", "60: `devices.allow` is not a list of devices", "", ""),
        ("\"render\"]", "\"Root\"]", "59: `devices.groups` is not a list of groups", "", ""),
        ("\"/usr/lib", "\"usr/lib", "48: `gpu.driver_files` is not a list of absolute paths", "", ""),
        (
            "\"https://www.raspberrypi.com",
            "\"http://www.raspberrypi.com",
            "7: `sources` is not a list of addresses",
            "",
            "",
        ),
        ("root-b\"", "root-a\"", "74: `update.slots` is not two slots", "", ""),
        ("name = \"B\"", "name = \"C\"", "74: `update.slots` is not two slots", "", "update.slots.name"),
        ("tool = \"rpi-volt\"", "tool = \"nvpmodel\"", "52: `power.tool` needs the key `power.mode` beside it", "", ""),
        ("name = \"raspberry-pi-5\"", "name = \"pi\"", "3: `name` is not the name of its file", "", ""),
    ] {
        let text = changed(from, to);
        let error = of(&text).expect_err(&text);
        assert!(error.to_string().starts_with(&format!("raspberry-pi-5.toml:{message}")), "{to}: {error}");
        assert!(error.hint().starts_with(hint), "{to}: {}", error.hint());
        // The schema's patterns are for editors: this test knows no regular expressions.
        if !place.is_empty() {
            assert_eq!(refused(&schema, &as_json(&text), ""), Some(place.to_owned()), "{to}");
        }
    }
}

#[test]
fn each_key_of_the_schema_is_one_of_the_reader_and_needed_where_the_reader_needs_it() {
    // All of a table's keys that the schema has, each left out in turn, each doubled under another name.
    fn walk(schema: &Value, place: &mut Vec<String>, keys: &mut Vec<(Vec<String>, bool)>) {
        let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
        let Some(properties) = schema["properties"].as_object() else { return };
        for (key, inner) in properties {
            place.push(key.clone());
            let is_needed = schema["required"].as_array().unwrap().iter().any(|needed| needed == key.as_str());
            keys.push((place.clone(), is_needed));
            walk(inner, place, keys);
            place.pop();
        }
    }
    let mut keys = Vec::new();
    walk(&schema(), &mut Vec::new(), &mut keys);
    assert!(keys.len() > 50);
    let jetson = named("jetson-orin-nano").unwrap();
    for (place, is_needed) in keys {
        let mut table: toml::Table = toml::from_str(jetson).unwrap();
        let (last, above) = place.split_last().unwrap();
        let mut inner = &mut table;
        for name in above {
            inner = match inner.get_mut(name).unwrap() {
                toml::Value::Table(table) => table,
                toml::Value::Array(slots) => slots[0].as_table_mut().unwrap(),
                other => panic!("{other}"),
            };
        }
        let taken = inner.remove(last);
        let read = parse(Path::new("jetson-orin-nano.toml"), &table.to_string());
        let is_missed = matches!(&read, Err(BoardError::MissingKey { key, .. }) if key.ends_with(&place.join(".")) || key == &format!("[{last}]"));
        // The mode of the power is needed with one of the tools alone, which a schema as simple as ours does not say.
        let is_by_value = place.join(".") == "power.mode";
        assert!(is_needed == is_missed && (read.is_ok() != is_needed || is_by_value), "{place:?}: {read:?}");
        assert!(taken.is_some() || !is_needed, "{place:?} is nowhere in the file of the test");
    }
}

#[test]
fn a_machine_is_told_by_its_device_tree_or_by_uefi() {
    let machine = |compatible: &[&str], is_uefi, architecture: &str| Machine {
        title: None,
        compatible: compatible.iter().map(|&name| name.to_owned()).collect(),
        is_uefi,
        architecture: architecture.to_owned(),
    };
    for (compatible, is_uefi, architecture, expected) in [
        (
            &["nvidia,p3768-0000+p3767-0005-super", "nvidia,p3767-0005", "nvidia,tegra234"][..],
            true,
            "aarch64",
            Some("jetson-orin-nano"),
        ),
        (
            &["nvidia,p3768-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234"],
            true,
            "aarch64",
            Some("jetson-orin-nx"),
        ),
        (&["raspberrypi,5-model-b", "brcm,bcm2712"], false, "aarch64", Some(PI)),
        (&["linux,dummy-virt"], true, "aarch64", Some("generic-arm64")),
        (&["raspberrypi,4-model-b", "brcm,bcm2711"], false, "aarch64", None),
        (&[], true, "x86_64", Some("generic-x86-64")),
        (&[], false, "x86_64", None),
        (&[], true, "riscv64", None),
    ] {
        let board = found(&machine(compatible, is_uefi, architecture));
        assert_eq!(board.map(|board| board.name), expected.map(str::to_owned), "{compatible:?}");
    }
}

#[test]
fn a_machines_own_words_are_read_below_a_root() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = root.path().join(path);
        create_folder(path.parent().unwrap()).unwrap();
        write_atomic(&path, bytes).unwrap();
    };
    assert_eq!(Machine::read(root.path(), "x86_64").title, None);
    write("sys/class/dmi/id/sys_vendor", b"QEMU\n");
    write("sys/class/dmi/id/product_name", b"Standard PC (Q35 + ICH9, 2009)\n");
    create_folder(&root.path().join("sys/firmware/efi")).unwrap();
    let pc = Machine::read(root.path(), "x86_64");
    assert_eq!((pc.title.as_deref(), pc.is_uefi), (Some("QEMU Standard PC (Q35 + ICH9, 2009)"), true));
    write("proc/device-tree/model", b"Raspberry Pi 5 Model B Rev 1.0\0");
    write("proc/device-tree/compatible", b"raspberrypi,5-model-b\0brcm,bcm2712\0");
    let pi = Machine::read(root.path(), "aarch64");
    assert_eq!(pi.title.as_deref(), Some("Raspberry Pi 5 Model B Rev 1.0"));
    assert_eq!(pi.compatible, ["raspberrypi,5-model-b", "brcm,bcm2712"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}(\n\\PC{0,40}){0,3}", at in 0usize..2000) {
        let _ = of(&text);
        let whole = named(PI).unwrap();
        if let Some((before, after)) = whole.split_at_checked(at) {
            let _ = of(&format!("{before}{text}{after}"));
        }
    }
}
