//! What is on the virtual machine's screen.

use std::path::Path;

use clothingid_tests::Machine;
use image::RgbImage;

use super::appliance::PROGRAM;

/// A level that a decoder may round otherwise, scaled; far below what another digit is.
const STEPS: u8 = 24;
/// Pixels that may differ by more.
const MOST: usize = 12;

/// The machine's own screen shows, pixel by pixel, what the program says that it shows; gives the screenshot.
pub(crate) fn assert_on_screen(machine: &Machine, name: &str) -> RgbImage {
    machine.soon("the same picture on the screen and on the page", || {
        machine.run("curl -s --max-time 20 -o /mnt/page.png http://127.0.0.1:8080/api/v1/screen.png");
        let page = image::open(machine.shared("page.png")).ok()?.into_rgb8();
        let screen = image::open(machine.screenshot(name)).ok()?.into_rgb8();
        if page.dimensions() != screen.dimensions() {
            return None;
        }
        // The live picture is of this moment, and the two are not.
        let differing = page.pixels().zip(screen.pixels()).filter(|(a, b)| a != b).count();
        let is_same = differing * 200 <= screen.pixels().len();
        if let (true, Some(folder)) = (is_same, std::env::var_os("CLOTHINGID_SCREENSHOTS")) {
            std::fs::copy(machine.shared(&format!("{name}.png")), Path::new(&folder).join(format!("{name}.png")))
                .expect("a copy");
        }
        is_same.then_some(screen)
    })
}

/// The screen is the picture that a person has looked at: `tests/fixtures/screens`. With `CLOTHINGID_SCREENSHOTS` the new ones are written into
/// that folder, to be looked at.
pub(crate) fn assert_as_reviewed(screen: &RgbImage, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/screens").join(name).with_extension("png");
    let reviewed = image::open(&file).expect("a reviewed picture").into_rgb8();
    assert_eq!(screen.dimensions(), reviewed.dimensions(), "{name}");
    let differing = differing(screen, &reviewed);
    let first = differing.first();
    assert!(differing.len() <= MOST, "{name}: {} pixels are not as reviewed, the first at {first:?}", differing.len());
}

#[test]
fn another_digit_of_a_price_is_another_picture() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/screens/garment.png");
    let reviewed = image::open(&file).expect("a reviewed picture").into_rgb8();
    assert_eq!(differing(&reviewed, &reviewed), []);
    // The first digit becomes the second one.
    let mut spoilt = reviewed.clone();
    for (x, y) in (0..16).flat_map(|x| (604..638).map(move |y| (x, y))) {
        spoilt.put_pixel(974 + x, y, *reviewed.get_pixel(990 + x, y));
    }
    assert!(differing(&spoilt, &reviewed).len() > MOST, "{}", differing(&spoilt, &reviewed).len());
}

/// Where two pictures of a size are not the same.
fn differing(screen: &RgbImage, reviewed: &RgbImage) -> Vec<(u32, u32)> {
    let differs = |(x, y): (u32, u32)| {
        let (is, was) = (screen.get_pixel(x, y).0, reviewed.get_pixel(x, y).0);
        is.iter().zip(was).any(|(is, was)| is.abs_diff(was) > STEPS)
    };
    // The engine at the lower right is the processor's.
    let (width, height) = screen.dimensions();
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let compared = all.filter(|(x, y)| *x < width / 2 || *y < height - height / 12);
    compared.filter(|place| differs(*place)).collect()
}

/// Of two cards the one with an output is used.
pub(crate) fn assert_the_card_with_an_output_is_used(machine: &Machine) {
    assert_eq!(machine.run("cd /dev/dri; echo card*"), "card0 card1\n");
    let log = machine.run("cat /tmp/clothingid.log");
    assert!(log.contains("of `/dev/dri/card1`"), "{log}");
}

/// Another program that wants the screen is told that it has an owner.
pub(crate) fn assert_the_screen_has_one_owner(machine: &Machine, output: &str, device: &str) {
    let config = format!(
        "listen = '127.0.0.1:8081'\nengine = 'cpu'\n[camera]\nfolder = '/tmp/still'\n[screen]\noutput = '{output}'\n"
    );
    machine.put("second.toml", config.as_bytes());
    machine.run(&format!(
        "mkdir -p /tmp/still; cp /mnt/0.jpg /tmp/still
         XDG_DATA_HOME=/tmp/second setsid {PROGRAM} run --config /mnt/second.toml > /tmp/second.log 2>&1 &"
    ));
    machine.soon("that the screen has an owner", || {
        machine
            .run("cat /tmp/second.log")
            .contains(&format!("screen `{device}` belongs to another program"))
            .then_some(())
    });
    machine.run("pkill -f second.toml; while pgrep -f second.toml; do sleep 0.1; done");
}
