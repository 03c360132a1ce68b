//! What is on the virtual machine's screen.

use std::path::Path;

use clothingid_tests::Machine;
use image::RgbImage;

use super::appliance::PROGRAM;

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

/// Of two cards the one with an output is used, and another program that wants it is told that it has an owner.
pub(crate) fn assert_the_card_with_an_output_is_used_by_one(machine: &Machine) {
    assert_eq!(machine.run("cd /dev/dri; echo card*"), "card0 card1\n");
    let log = machine.run("cat /tmp/clothingid.log");
    assert!(log.contains("of `/dev/dri/card1`"), "{log}");
    let config =
        "listen = '127.0.0.1:8081'\nengine = 'cpu'\n[camera]\nfolder = '/tmp/still'\n[screen]\noutput = 'drm'\n";
    machine.put("second.toml", config.as_bytes());
    machine.run(&format!(
        "mkdir -p /tmp/still; cp /mnt/0.jpg /tmp/still
         XDG_DATA_HOME=/tmp/second setsid {PROGRAM} run --config /mnt/second.toml > /tmp/second.log 2>&1 &"
    ));
    machine.soon("that the screen has an owner", || {
        machine.run("cat /tmp/second.log").contains("screen `/dev/dri/card1` belongs to another program").then_some(())
    });
    machine.run("pkill -f second.toml; sleep 1");
}

/// How many colours a picture has: a screen that shows a garment has thousands.
pub(crate) fn colours(picture: &RgbImage) -> usize {
    picture.pixels().map(|pixel| pixel.0).collect::<std::collections::BTreeSet<_>>().len()
}
