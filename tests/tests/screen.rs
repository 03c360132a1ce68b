//! The screen of the appliance itself, as the real program draws it into a PNG file.

use clothingid_tests::Rig;
use clothingid_tests::clerk::shop;
use clothingid_tests::demo::{Demo, START, free_port};
use image::{ImageFormat, RgbImage};
use std::path::Path;
use std::time::{Duration, Instant};

/// The picture in a file that is written again and again: always a whole one.
fn picture(file: &Path) -> Option<RgbImage> {
    let bytes = std::fs::read(file).ok()?;
    Some(image::load_from_memory_with_format(&bytes, ImageFormat::Png).expect("a whole picture").into_rgb8())
}

/// Waits until the picture is what it is to be.
fn soon(file: &Path, what: &str, is_so: impl Fn(&RgbImage) -> bool) -> RgbImage {
    let end = Instant::now() + START;
    loop {
        if let Some(picture) = picture(file).filter(&is_so) {
            return picture;
        }
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many colours there are in the middle of the place of the live picture: one, where no frame is shown.
fn colours_of_the_live_picture(screen: &RgbImage) -> usize {
    let row = (60..200).map(|x| screen.get_pixel(x, 210).0);
    row.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn the_demo_is_on_the_screen_and_at_its_address() {
    let rig = Rig::new();
    let file = rig.path("screen.png");
    let running = rig.clothingid(["demo", "--listen", "127.0.0.1:0", "--screen"]).arg(&file).start();
    let demo = Demo::of(rig, running);
    let screen = soon(&file, "a live picture", |screen| colours_of_the_live_picture(screen) > 20);
    assert_eq!(screen.dimensions(), (1280, 800));
    let answer = demo.get("/api/v1/screen.png");
    assert_eq!(answer.status, 200);
    let shown = image::load_from_memory_with_format(&answer.body, ImageFormat::Png).expect("a picture").into_rgb8();
    assert_eq!(shown.dimensions(), (1280, 800));
    assert!(demo.get("/metrics").text().contains("clothingid_glyphs_missing_total 0\n"));
}

#[test]
fn without_a_screen_its_address_says_so() {
    let answer = Demo::start().get("/api/v1/screen.png");
    assert_eq!(answer.status, 404);
    assert!(answer.json()["error"].as_str().is_some_and(|error| error.contains("screen")), "{}", answer.text());
}

#[test]
fn what_the_settings_name_and_is_not_there_is_said_until_it_is() {
    let rig = shop();
    let port = free_port();
    let config = format!("listen = '127.0.0.1:{port}'\ncatalogue = 'other.db'\n[camera]\nfolder = 'camera'\n");
    rig.write("other.toml", config);
    let mut running = rig.clothingid(["run", "--safe-mode", "--config", "other.toml"]).start();
    let _ = running.wait_for("safe mode", START);
    let demo = Demo { running, port, rig };
    let page = demo.get("/");
    assert!(page.status == 503 && page.text().contains("there is no catalogue at"), "{}", page.text());

    // Now one is there, and is torn.
    demo.rig.write("other.db", b"SQLite format 3\0and then nothing");
    let Demo { mut running, rig, .. } = demo;
    let _ = running.wait_for("safe mode", START);
    let demo = Demo { running, port, rig };
    let page = demo.get("/");
    assert!(page.status == 503 && page.text().contains("opening the catalogue"), "{}", page.text());
    std::fs::remove_file(demo.rig.path("other.db")).expect("to take it away");
    let import = ["catalogue", "import", "stock.csv", "--photos", "photos", "--catalogue", "other.db"];
    let _ = demo.rig.clothingid(import).run().expect_code(0);
    let Demo { mut running, rig, .. } = demo;
    let _ = running.wait_for("3 products", START);
    let demo = Demo { running, port, rig };
    assert_eq!(demo.reading()["matches"][0]["sku"], "A-1");
}

#[test]
fn an_error_in_the_settings_is_on_the_screen_that_they_name() {
    let rig = Rig::new();
    let text = "language = 'de'\nlistn = '127.0.0.1:1'\n[screen]\noutput = 'png'\nfile = 'screen.png'\nwidth = 480\nheight = 320\n";
    let config = rig.write("config.toml", text);
    let file = rig.path("screen.png");
    let running = rig.clothingid(["run", "--safe-mode", "--listen", "127.0.0.1:0", "--config"]).arg(&config).start();
    let screen = soon(&file, "the error", |screen| screen.dimensions() == (480, 320));
    assert_eq!(colours_of_the_live_picture(&screen), 1, "there is no camera");
    let outcome = running.interrupt();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
}
