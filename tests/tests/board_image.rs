//! The system image for PCs, flashed to a disk that a virtual machine starts by UEFI: what an engineer has after flashing, up to the factory reset.

use std::path::Path;

use clothingid_tests::{VirtualBoard, phone};
use image::RgbImage;
use serde_json::Value;

/// The customers' page is there, in German.
const GERMAN: &str = "curl -s --max-time 20 http://127.0.0.1:8080/ | grep -q '<html lang=\"de\"'";

/// What the screen shows.
struct Shown {
    picture: RgbImage,
    /// Whether a phone reads an address to be paired at from it.
    is_code: bool,
}

/// The picture that the program says it shows, and the one that the screen shows, once they are one.
fn screen(board: &mut VirtualBoard) -> Shown {
    for turn in 0..20 {
        board.run("curl -s --max-time 20 -o /tmp/page.png http://127.0.0.1:8080/api/v1/screen.png");
        let shot = board.screenshot(&format!("screen-{turn}"));
        let page = bytes(&board.run("od -An -v -tx1 -w64 /tmp/page.png | tr -d ' '"));
        let (Ok(page), Ok(screen)) = (image::load_from_memory(&page), image::open(&shot)) else { continue };
        let (page, screen) = (page.into_rgb8(), screen.into_rgb8());
        if page.dimensions() == screen.dimensions() {
            // The live picture is of this moment, and the two are not.
            let differing = page.pixels().zip(screen.pixels()).filter(|(a, b)| a != b).count();
            if differing * 4 <= screen.pixels().len() {
                if let Some(folder) = std::env::var_os("CLOTHINGID_SCREENSHOTS") {
                    std::fs::copy(&shot, Path::new(&folder).join("board.png")).expect("a copy");
                }
                let grey = image::DynamicImage::ImageRgb8(screen.clone()).into_luma8();
                let is_code = phone::scan(&grey).is_some_and(|text| text.starts_with("https://"));
                return Shown { picture: screen, is_code };
            }
        }
    }
    panic!("the screen does not show what the program draws");
}

/// Two digits a byte.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.chars().filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn ready(board: &mut VirtualBoard) -> Value {
    serde_json::from_str(&board.run("curl -s --max-time 20 http://127.0.0.1:8080/readyz")).expect("JSON")
}

#[test]
fn a_flashed_board_is_the_appliance_keeps_what_it_has_and_can_be_reset() {
    let mut board = VirtualBoard::flashed();
    board.power_on();

    // Well: up, all golden photographs answered, and told to UEFI as what starts from now on.
    board.soon("systemctl is-active --quiet clothingid-good.service");
    assert_eq!(board.run("systemctl show -P Result clothingid-health.service").trim(), "success");
    let failed = board.run("systemctl list-units --failed --plain --no-legend");
    assert_eq!(failed.trim(), "");
    let status = ready(&mut board);
    assert_eq!((&status["ready"], &status["camera"]), (&true.into(), &"ok".into()), "{status}");
    let entries = board.run("efibootmgr");
    assert!(entries.contains("* A") && entries.contains("* B"), "{entries}");

    // It asks to be set up, with a code for phones on the screen, and is: language, PIN, camera.
    let first = "curl -s -o /dev/null -w '%{redirect_url}' http://127.0.0.1:8080/ | grep -q /staff/settings";
    board.run(first);
    let code = screen(&mut board).is_code;
    assert!(code, "the screen shows no code");
    let form = "language=de&pin=2580&again=2580&camera=auto";
    let kept = board.run(&format!("curl -s --max-time 60 --data '{form}' http://127.0.0.1:8080/staff/settings"));
    assert!(kept.contains("Gespeichert"), "{kept}");
    board.soon(GERMAN);
    let status = ready(&mut board);
    assert_eq!((&status["ready"], &status["camera"]), (&true.into(), &"ok".into()), "{status}");
    let shown = screen(&mut board);
    assert!(!shown.is_code && shown.picture.width() >= 640, "{:?}", shown.picture.dimensions());

    // Locked down: the system cannot be written, nobody can log in, nothing listens but the page, to this board alone.
    assert_ne!(board.try_run("touch /usr/bin/x 2>/dev/null || touch /etc/x 2>/dev/null").0, 0);
    assert_eq!(board.run("passwd --status root | cut -d' ' -f2").trim(), "L");
    assert_ne!(board.try_run("systemctl is-active --quiet getty@tty1.service").0, 0);
    let listening = board.run("ss -Hltun | awk '{print $5}'");
    // Its address on the shop's network it has from there.
    let is_own = |place: &&str| !(place.starts_with("127.") || place.starts_with("[::1]") || place.ends_with(":68"));
    let strangers: Vec<&str> = listening.lines().filter(is_own).collect();
    assert_eq!(strangers, [""; 0], "{listening}");

    // Without power nothing is lost: settings, catalogue, journal, and which machine it is.
    let machine = board.run("cat /etc/machine-id");
    board.run("sed -i 's/^# shop.*/shop = \"Corner\"/' /etc/clothingid/config.toml && sync");
    board.cut_power();
    board.power_on();
    board.soon("systemctl is-active --quiet clothingid.service");
    assert_eq!(board.run("cat /etc/machine-id"), machine);
    assert!(
        board.run("journalctl --list-boots --no-pager | wc -l").trim().parse::<u32>().is_ok_and(|boots| boots >= 2)
    );
    assert!(board.run("cat /etc/clothingid/config.toml").contains("shop = \"Corner\""));
    board.soon(GERMAN);

    // As it came.
    board.tell("systemctl start --no-block clothingid-factory-reset.service");
    board.started(1);
    board.soon("systemctl is-active --quiet clothingid.service");
    assert!(!board.run("cat /etc/clothingid/config.toml").contains("Corner\""), "the settings of before");
    board.soon(first);
    assert_ne!(board.run("cat /etc/machine-id"), machine);
}

#[test]
fn what_is_in_the_system_is_listed_with_where_it_is_from() {
    let text = std::fs::read_to_string(clothingid_tests::virtual_board::made(".cdx.json")).expect("the list");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&list["bomFormat"], &list["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let parts = list["components"].as_array().expect("components");
    let has = |start: &str| parts.iter().any(|part| part["purl"].as_str().is_some_and(|purl| purl.starts_with(start)));
    assert!(has("pkg:deb/debian/rauc@") && has("pkg:deb/debian/linux-image-") && has("pkg:cargo/wgpu@"), "{text}");
}
