//! Systems that come in as bundles: a virtual board takes a new one, is interrupted, gets ones that are not well, and always ends in one that works.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clothingid_tests::VirtualBoard;
use clothingid_tests::dice::Dice;
use clothingid_tests::virtual_board::{folder, made};

fn call(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&said));
}

/// A stick with a bundle, as `/dev/sdX` of the board.
fn stick(place: &Path, files: &[(&Path, &str)]) -> PathBuf {
    let path = place.join("stick.img");
    let text = path.display().to_string();
    let bytes: u64 = files.iter().map(|(from, _)| std::fs::metadata(from).expect("a file").len()).sum();
    let kibibytes = (bytes / 1024 + 64 * 1024).to_string();
    call("/sbin/mkfs.vfat", &["-F", "32", "-n", "STICK", "-C", &text, &kibibytes]);
    for (from, name) in files {
        call("mcopy", &["-i", &text, &from.display().to_string(), &format!("::/{name}")]);
    }
    path
}

/// The bundle with another program in its system, signed by the same key: `text` is what is started instead.
fn with_program(place: &Path, name: &str, text: &str) -> PathBuf {
    let at = |name: &str| place.join(name).display().to_string();
    let bundle = made(".raucb").display().to_string();
    call("unsquashfs", &["-no-progress", "-d", &at("bundle"), &bundle]);
    call("unsquashfs", &["-no-progress", "-d", &at("root"), &at("bundle/root.img")]);
    std::fs::write(place.join("root/usr/bin/clothingid"), text).expect("a program");
    std::fs::remove_file(place.join("bundle/root.img")).expect("the old root");
    call(
        "mksquashfs",
        &[
            &at("root"),
            &at("bundle/root.img"),
            "-noappend",
            "-no-progress",
            "-comp",
            "zstd",
            "-Xcompression-level",
            "1",
        ],
    );
    std::fs::remove_dir_all(place.join("root")).expect("the root's folder");
    let path = place.join(name);
    let [cert, key] = ["development.cert.pem", "development.key.pem"].map(|name| folder().join(name));
    sign(&place.join("bundle"), &path, &cert, &key);
    std::fs::remove_dir_all(place.join("bundle")).expect("the bundle's folder");
    path
}

fn sign(content: &Path, bundle: &Path, cert: &Path, key: &Path) {
    let [content, bundle, cert, key] = [content, bundle, cert, key].map(|path| path.display().to_string());
    call("rauc", &["bundle", "--cert", &cert, "--key", &key, &content, &bundle]);
}

/// Two bundles that a board must not take: for another kind of board, and signed by somebody else. Each is small: neither is looked into.
fn strangers(place: &Path) -> [PathBuf; 2] {
    let content = place.join("small");
    std::fs::create_dir(&content).expect("a folder");
    let noise: Vec<u8> = (0..64_u32 << 10).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(content.join("root.img"), noise).expect("a root");
    let manifest = |compatible: &str| {
        let text = format!(
            "[update]\ncompatible={compatible}\nversion=9\n\n[bundle]\nformat=verity\n\n[image.rootfs]\nfilename=root.img\n"
        );
        std::fs::write(content.join("manifest.raucm"), text).expect("a manifest");
    };
    let [own_cert, own_key] = ["development.cert.pem", "development.key.pem"].map(|name| folder().join(name));
    let [cert, key] = ["stranger.cert.pem", "stranger.key.pem"].map(|name| place.join(name));
    let [cert_text, key_text] = [&cert, &key].map(|path| path.display().to_string());
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/CN=stranger"];
    call("openssl", &[&request[..], &["-keyout", &key_text, "-out", &cert_text]].concat());
    let [other_board, other_key] = ["other-board.raucb", "other-key.raucb"].map(|name| place.join(name));
    manifest("clothingid-raspberry-pi-5");
    sign(&content, &other_board, &own_cert, &own_key);
    let _ = std::fs::remove_file(content.join("manifest.raucm"));
    manifest("clothingid-generic-x86-64");
    sign(&content, &other_key, &cert, &key);
    [other_board, other_key]
}

/// The slot that runs.
fn slot(board: &mut VirtualBoard) -> String {
    let text = board.run("grep -o 'rauc.slot=[AB]' /proc/cmdline");
    text.trim().trim_start_matches("rauc.slot=").to_owned()
}

/// A stick is there by itself.
fn wait_for_stick(board: &mut VirtualBoard) {
    board.soon("mountpoint -q /run/media/system/STICK");
}

/// It runs this slot, is well, keeps its settings, and will start the same again.
fn assert_well(board: &mut VirtualBoard, wanted: &str) {
    board.soon("systemctl is-active --quiet clothingid-good.service");
    assert_eq!(slot(board), wanted);
    assert!(board.run("curl -s --max-time 20 http://127.0.0.1:8080/readyz").contains("\"ready\":true"));
    assert!(board.run("cat /etc/clothingid/config.toml").contains("shop = \"Corner\""), "settings");
    let order = board.run("efibootmgr");
    let first = order.lines().find_map(|line| line.strip_prefix("BootOrder: ")).and_then(|line| line.split(',').next());
    let first = format!("Boot{}* {wanted}", first.unwrap_or_default());
    assert!(order.lines().any(|line| line.starts_with(&first)), "{order}");
}

#[test]
fn a_board_takes_a_new_system_survives_cuts_of_power_and_comes_back_from_one_that_is_not_well() {
    let place = tempfile::tempdir().expect("a folder");
    let crashing = with_program(place.path(), "crashing.raucb", "#!/bin/sh\nexit 1\n");
    let good = made(".raucb");
    let mut altered = std::fs::read(&good).expect("the bundle");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    std::fs::write(place.path().join("altered.raucb"), &altered).expect("a bundle");
    drop(altered);
    let altered = place.path().join("altered.raucb");
    let [other_board, other_key] = strangers(place.path());
    let files: [(&Path, &str); 5] = [
        (&good, "good.raucb"),
        (&crashing, "crashing.raucb"),
        (&altered, "altered.raucb"),
        (&other_board, "other-board.raucb"),
        (&other_key, "other-key.raucb"),
    ];
    let stick = stick(place.path(), &files);
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let mut dice = Dice::new(seed);

    let mut board = VirtualBoard::flashed();
    board.plug(&stick);
    board.power_on();
    board.soon("systemctl is-active --quiet clothingid-good.service");
    // The first line: the file ends in a table.
    board.run("sed -i '1i shop = \"Corner\"' /etc/clothingid/config.toml && sync");
    assert_well(&mut board, "A");
    wait_for_stick(&mut board);

    // One altered bit, another board's, a stranger's: nothing is installed.
    for (name, why) in [("altered", "failed"), ("other-board", "ompatible"), ("other-key", "signature")] {
        let (status, told) = board.try_run(&format!("rauc install /run/media/system/STICK/{name}.raucb 2>&1"));
        assert!(status != 0 && told.contains(why), "{name}: {told}");
    }

    // Power is cut while it is written.
    board.run("(rauc install /run/media/system/STICK/good.raucb > /tmp/install.txt 2>&1 &)");
    std::thread::sleep(Duration::from_millis(u64::try_from(dice.below(8000)).expect("a number")));
    board.cut_power();
    board.power_on();
    assert_well(&mut board, "A");

    // Taken as a whole.
    wait_for_stick(&mut board);
    board.run("rauc install /run/media/system/STICK/good.raucb");
    board.tell("/usr/lib/clothingid/restart");
    board.started(1);
    assert_well(&mut board, "B");

    // One whose program ends as soon as it is started: it is tried, given up, and said so.
    wait_for_stick(&mut board);
    board.run("rauc install /run/media/system/STICK/crashing.raucb");
    board.tell("/usr/lib/clothingid/restart");
    board.started(2);
    assert_well(&mut board, "B");
    let told = board.run("journalctl --no-pager -o cat -u clothingid-fallback.service");
    assert!(told.contains("this system is not well and never was: the one before is started"), "{told}");
}
