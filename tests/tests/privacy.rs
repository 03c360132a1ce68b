//! Nothing that a camera or a customer shows is written anywhere, and nothing that the staff only look at: every call that writes is watched while the
//! appliance is used.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clothingid_tests::clerk::{self, Clerk};
use clothingid_tests::demo::Demo;
use clothingid_tests::trace::{self, Trace};
use clothingid_tests::{Rig, Run, photographs, rig};

/// Marks a photograph, so that its bytes are known wherever they turn up: a comment after its start.
fn marked(photo: &[u8], mark: &str) -> Vec<u8> {
    let length = u16::try_from(mark.len() + 2).expect("a short mark").to_be_bytes();
    [&photo[..2], &[0xff, 0xfe], &length, mark.as_bytes(), &photo[2..]].concat()
}

const PIN: &str = "482915";
const CAMERA: &str = "clothingid-test-frame";
const UPLOAD: &str = "clothingid-test-upload";

/// The appliance under `strace`, with a camera of marked photographs and the demo's catalogue.
fn watched(rig: &Rig, log: &Path) -> Demo {
    let photo = photographs::good_bytes();
    rig.write("camera/a.jpg", marked(&photo, CAMERA));
    let shop = rig::demo();
    let import = ["catalogue", "import", "--engine", "cpu"].map(Into::into).into_iter();
    let import = import.chain([shop.join("catalogue.csv"), "--photos".into(), shop.join("photos")].map(Into::into));
    let _ = rig.clothingid::<std::ffi::OsString>(import).run().expect_code(0);
    let config = "listen = '127.0.0.1:0'\nengine = 'cpu'\n[camera]\nfolder = 'camera'\nhold_seconds = 0.4\n";
    let config = rig.write("config.toml", config);
    clerk::set_pin(rig, PIN);
    let running = Run::new("strace")
        .args(trace::arguments(&log.display().to_string()))
        .arg(rig::program("clothingid"))
        .args(["run", "--config"])
        .arg(config)
        .current_dir(rig.folder())
        .env("HOME", rig.folder())
        .env("XDG_DATA_HOME", rig.path("data"))
        .env("XDG_CACHE_HOME", rig.path("cache"))
        .start();
    Demo::of(Rig::new(), running)
}

/// All that the staff do with the camera's picture before they say that it is to be kept.
fn look_as_staff(demo: &Demo) {
    let staff = Clerk::log_in(demo, PIN);
    for page in
        ["/staff", "/staff/log", "/staff/light", "/staff/try", "/staff/article", "/staff/help", "/api/v1/staff/light"]
    {
        assert_eq!(staff.get(page).status, 200, "{page}");
    }
    assert_eq!(staff.post("/staff/wrong", &[]).status, 303);
    assert_eq!(staff.get("/staff/wrong/choose?q=dress").status, 200);
    assert_eq!(staff.upload("/staff/article", &[("do", "take")], &[]).status, 303);
    assert_eq!(staff.post("/staff/try/garment", &[("code", "DEMO-002")]).status, 303);
    assert_eq!(staff.post("/staff/try/look", &[]).status, 303);
    assert!(staff.get("/staff/try").text().contains("DEMO-002"), "the picture was taken");
}

#[test]
fn no_frame_and_no_upload_is_written_anywhere() {
    let there = Command::new("strace").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there, "`strace` is missing: `cargo xtask setup --system`, or `apt-get install strace`");
    let (rig, traces) = (Rig::new(), Rig::new());
    let log = traces.path("trace.txt");
    let demo = watched(&rig, &log);
    let before = demo.reading();
    look_as_staff(&demo);
    let photo = marked(&photographs::good_bytes(), UPLOAD);
    for path in ["/api/v1/classify", "/api/v1/search?top=3"] {
        let answer = demo.ask("POST", path, "Content-Type: image/jpeg\r\n", &photo);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let torn = demo.ask("POST", path, "Content-Type: image/jpeg\r\n", &photo[..photo.len() / 2]);
        assert_eq!(torn.status, 422, "{}", torn.text());
    }
    let frame = demo.get("/api/v1/frame.jpg");
    assert!(find(&frame.body, CAMERA.as_bytes()), "the frame that is shown is the camera's");
    for path in ["/", "/metrics", "/readyz", "/api/v1/catalogue/DEMO-002", "/api/v1/colours", "/nothing"] {
        let _ = demo.get(path);
    }
    std::thread::sleep(Duration::from_secs(2));
    let after = demo.reading();
    assert_ne!(before["frame"], after["frame"], "it was in use");
    // The program itself, and not the one that watches it.
    let ended = Command::new("pkill").args(["-TERM", "-P", &demo.running.id().to_string()]).status();
    assert!(ended.is_ok_and(|status| status.success()), "`pkill` ends the program");
    let Demo { running, .. } = demo;
    let _ = running.wait_at_most(Duration::from_secs(30));

    let trace = Trace::read(&trace::text(&log), &[CAMERA, UPLOAD]);
    assert!(trace.shown > 0, "the frame that was asked for is seen in the trace, so one that is written would be");
    trace.assert_private();
    let mut rest = Vec::new();
    walk(rig.folder(), &mut rest);
    for path in rest.iter().filter(|path| !path.starts_with(rig.path("camera"))) {
        let bytes = std::fs::read(path).expect("a file");
        for mark in [CAMERA, UPLOAD] {
            assert!(!find(&bytes, mark.as_bytes()), "{mark} in {}", path.display());
        }
    }
}

fn find(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}
