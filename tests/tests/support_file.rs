//! `doctor --report`: a file that helps, and that nobody need be afraid to send.

use std::os::unix::fs::PermissionsExt;

use clothingid_tests::{clerk, rig};

/// Where a JPEG, a PNG, a WebP or one of them as text begins.
const PICTURES: [&[u8]; 6] = [b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"/9j/", b"iVBORw0KGgo", b"UklGR"];

#[test]
fn a_support_file_tells_what_helps_and_has_no_picture_and_no_secret() {
    let rig = clerk::shop();
    clerk::set_pin(&rig, "258013");
    clerk::configure(&rig, "# the alarm's code is 774411\n[lan]\nlisten = \"127.0.0.1:0\"\n");
    // A paired device and a picture that the staff kept, as the appliance keeps them.
    let token = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let device = format!("[{{\"name\":\"Till\",\"hash\":\"{token}\",\"since\":1700000000}}]");
    rig.write(rig.state().join("devices.json"), device);
    rig.copy(rig.path("camera/a.jpg"), rig.state().join("kept/frame.jpg"));
    let outcome = rig.clothingid(["doctor", "--config", "shop.toml", "--board", "--report", "support.txt"]).run();
    assert!(outcome.stderr.contains("the support file is `support.txt`"), "{}", outcome.snapshot());

    let path = rig.path("support.txt");
    assert_eq!(path.metadata().expect("the file").permissions().mode() & 0o077, 0, "its owner's alone");
    let bytes = std::fs::read(&path).expect("the file");
    let text = String::from_utf8(bytes.clone()).expect("text");
    // Each finding, each setting, and what lies there.
    for line in outcome.stdout.lines() {
        assert!(text.contains(line), "{line}");
    }
    for helps in [
        "clothingid 0.",
        "kernel Linux",
        "shop = \"Corner <Boutique>\"",
        "lan.listen = ",
        "catalogue.db: ",
        "== Journal",
    ] {
        assert!(text.contains(helps), "no `{helps}` in {text}");
    }
    let hash = std::fs::read_to_string(rig.state().join("staff.pin")).expect("the PIN's hash");
    assert!(hash.contains("$argon2"));
    for secret in ["258013", "774411", token, hash.trim(), "$argon2", "Linen shirt"] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    for start in PICTURES {
        assert!(!holds(start), "a picture begins with {start:?}");
    }
    // Nor any piece of one.
    let picture = std::fs::read(rig.path("camera/a.jpg")).expect("a picture");
    assert!(picture.chunks_exact(16).all(|piece| !holds(piece)));
}

#[test]
fn a_support_file_that_cannot_be_written_says_so() {
    let rig = rig::Rig::new();
    let outcome = rig.clothingid(["doctor", "--report", "nowhere/at/all/support.txt"]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("error: ") && outcome.stderr.contains("hint: name another place"),
        "{}",
        outcome.snapshot()
    );
}
