//! What chooses the slot that starts, on boards whose firmware RAUC does not know: our answers to RAUC, with what the boards' own tools print
//! (`tests/tests/slots/README.md` says where that is from). No board has run them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clothingid_tests::rig;

/// A board as far as its slots go: a folder with what its tools keep.
struct Slots {
    folder: tempfile::TempDir,
    handler: &'static str,
}

impl Slots {
    fn new(handler: &'static str) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), handler }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A Jetson whose tool prints this, and that does as it is told if `obeys`.
    fn jetson(printed: &str, obeys: bool) -> Self {
        let slots = Self::new("slots-nvidia");
        slots.prints(printed);
        slots.put("obeys", if obeys { "yes" } else { "no" });
        let here = slots.folder.path().display();
        slots.put(
            "nvbootctrl",
            &format!(
                "#!/bin/sh\n[ \"$1 $2\" = '-t rootfs' ] || exit 9\ncase $3 in\ndump-slots-info) cat {here}/printed ;;\n\
                 set-active-boot-slot) echo \"$4\" >> {here}/asked\n[ \"$(cat {here}/obeys)\" = yes ] || exit 0\n\
                 name=$(echo \"$4\" | tr 01 AB); sed -i \"s/^Active rootfs slot: ./Active rootfs slot: $name/\" {here}/printed ;;\n\
                 *) exit 9 ;;\nesac\n"
            ),
        );
        let rights = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(slots.path("nvbootctrl"), rights).expect("rights");
        slots
    }

    fn prints(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slots").join(name);
        std::fs::copy(from, self.path("printed")).expect("what the tool prints");
    }

    /// A Raspberry Pi that runs a slot.
    fn pi(running: &str) -> Self {
        let slots = Self::new("slots-rpi-tryboot");
        slots.put("autoboot.txt", "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n");
        slots.runs(running);
        slots
    }

    fn runs(&self, slot: &str) {
        self.put("cmdline", &format!("root=PARTLABEL=root rauc.slot={slot} quiet\n"));
    }

    /// Exit status, and what was printed.
    fn try_ask(&self, words: &[&str]) -> (Option<i32>, String) {
        let script = rig::workspace().join("firmware-config/update").join(self.handler);
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new(script)
            .args(words)
            .env("PATH", path)
            .env("CLOTHINGID_SLOT_MARKS", self.path("marks"))
            .env("CLOTHINGID_AUTOBOOT", self.folder.path())
            .env("CLOTHINGID_CMDLINE", self.path("cmdline"))
            .output()
            .expect("a shell");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).trim().to_owned())
    }

    fn ask(&self, words: &[&str]) -> String {
        let (status, said) = self.try_ask(words);
        assert_eq!(status, Some(0), "{words:?}: {said}");
        said
    }
}

#[test]
fn a_jetson_names_its_slots_and_takes_another() {
    let slots = Slots::jetson("fresh.txt", true);
    assert_eq!(slots.ask(&["get-primary"]), "A");
    assert_eq!((slots.ask(&["get-state", "A"]), slots.ask(&["get-state", "B"])), ("good".into(), "good".into()));
    // As RAUC does it: the slot is bad while it is written, then it is the one that starts.
    slots.ask(&["set-state", "B", "bad"]);
    assert_eq!(slots.ask(&["get-state", "B"]), "bad");
    assert_eq!(slots.text("asked"), "", "the slot that runs stays the one that starts");
    slots.ask(&["set-primary", "B"]);
    slots.ask(&["set-state", "B", "good"]);
    assert_eq!((slots.ask(&["get-primary"]), slots.ask(&["get-current"])), ("B".into(), "A".into()));
    assert_eq!(slots.text("asked"), "1\n");
    slots.prints("b-active.txt");
    assert_eq!(slots.ask(&["get-primary"]), "B");
    // Not well after the start: the one before.
    slots.ask(&["set-state", "B", "bad"]);
    assert_eq!((slots.ask(&["get-primary"]), slots.ask(&["get-state", "B"])), ("A".into(), "bad".into()));
}

#[test]
fn what_a_jetsons_firmware_has_given_up_or_does_not_do_is_said() {
    let given_up = Slots::jetson("a-unbootable.txt", true);
    assert_eq!((given_up.ask(&["get-primary"]), given_up.ask(&["get-state", "A"])), ("B".into(), "bad".into()));
    let deaf = Slots::jetson("fresh.txt", false);
    assert_eq!(deaf.try_ask(&["set-primary", "B"]), (Some(1), "the firmware keeps slot A".into()));
    let single = Slots::jetson("bootloader.txt", true);
    let (status, said) = single.try_ask(&["get-primary"]);
    assert!(status == Some(1) && said.contains("ROOTFS_AB=1"), "{said}");
    for wrong in [&["get-state", "C"][..], &["set-state", "A", "fine"], &["boot"], &[]] {
        assert_eq!(given_up.try_ask(wrong).0, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_raspberry_pi_tries_a_slot_once_and_keeps_it_when_it_is_well() {
    let slots = Slots::pi("A");
    assert_eq!(slots.ask(&["get-primary"]), "A");
    slots.ask(&["set-state", "B", "bad"]);
    slots.ask(&["set-primary", "B"]);
    assert_eq!((slots.ask(&["get-primary"]), slots.ask(&["get-state", "B"])), ("B".into(), "good".into()));
    let all = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";
    assert_eq!(slots.text("autoboot.txt"), all, "until it is well a cut of power comes back");
    slots.runs("B");
    slots.ask(&["set-state", "B", "good"]);
    let all = "[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n";
    assert_eq!((slots.text("autoboot.txt").as_str(), slots.ask(&["get-primary"])), (all, "B".into()));
}

#[test]
fn a_raspberry_pi_whose_new_slot_failed_is_back_at_the_one_before() {
    let slots = Slots::pi("A");
    slots.ask(&["set-primary", "B"]);
    // The firmware tried B, which did not come up; A runs again, is well, and says so.
    slots.ask(&["set-state", "A", "good"]);
    assert_eq!(slots.ask(&["get-primary"]), "A");
    assert!(slots.text("autoboot.txt").starts_with("[all]\ntryboot_a_b=1\nboot_partition=2\n"));
    slots.put("autoboot.txt", "kernel=kernel8.img\n");
    let (status, said) = slots.try_ask(&["get-primary"]);
    assert!(status == Some(1) && said.contains("names no partition of ours under [all]"), "{said}");
}

/// What the board does when it is not well: what it says, and what was started for it.
fn not_well(running: &str, were_well: &[&str]) -> (String, String) {
    let board = Slots::new("fallback");
    let here = board.folder.path().display().to_string();
    board.put("slot", &format!("#!/bin/sh\necho {running}\n"));
    for tool in ["rauc", "systemctl"] {
        board.put(tool, &format!("#!/bin/sh\necho {tool} \"$@\" >> {here}/asked\n"));
    }
    for tool in ["slot", "rauc", "systemctl"] {
        std::fs::set_permissions(board.path(tool), std::fs::Permissions::from_mode(0o755)).expect("rights");
    }
    for slot in were_well {
        board.put(&format!("was-well-{slot}"), "");
    }
    // As it is but for where its files are.
    let script = std::fs::read_to_string(rig::workspace().join("firmware-config/update/fallback")).expect("the script");
    let script = script.replace("/var/lib/rauc", &here).replace("/usr/lib/clothingid", &here);
    let output = Command::new("sh").args(["-c", &script]).env("PATH", format!("{here}:/usr/bin:/bin")).output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8_lossy(&output.stdout).into_owned(), board.text("asked"))
}

#[test]
fn a_system_is_given_up_for_one_that_was_well_and_for_no_other() {
    let given_up = ("one before is started", "rauc status mark-bad booted\nsystemctl reboot\n");
    for (running, were_well, (says, does)) in [
        // Just flashed, perhaps without a display: there is nothing in the other slot.
        ("A", &[][..], ("none before it that was: it stays", "")),
        ("A", &["A"], ("it stays", "")),
        ("A", &["A", "B"], ("it stays", "")),
        // A new system.
        ("B", &["A"], given_up),
        ("A", &["B"], given_up),
    ] {
        let (said, did) = not_well(running, were_well);
        assert!(said.trim_end().ends_with(says) && did == does, "{running} {were_well:?}: {said}{did}");
    }
}
