//! Nothing that a camera or a customer shows is written anywhere, and nothing that the staff only look at: every call that writes is watched while the
//! appliance is used.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clothingid_tests::clerk::{self, Clerk};
use clothingid_tests::demo::Demo;
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
    let calls = "trace=openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,write,pwrite64,writev,\
                 pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,splice,truncate,ftruncate,memfd_create,connect";
    let running = Run::new("strace")
        .args(["-f", "-yy", "-s", "600", "--seccomp-bpf", "-e", calls, "-o"])
        .arg(log)
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

/// Files of the state folder that the appliance keeps: the catalogue with its index, and how many wrong PINs there were.
fn is_kept(path: &str) -> bool {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    path.contains("/data/clothingid/") && ["catalogue.", "staff.wrong"].iter().any(|start| name.starts_with(start))
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

    let text = String::from_utf8_lossy(&std::fs::read(&log).expect("the trace")).into_owned();
    let (mut opened, mut written, mut shown) = (BTreeSet::new(), BTreeSet::new(), 0);
    for line in text.lines() {
        let is_for_writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE"].iter().any(|flag| line.contains(flag));
        if line.contains(" openat(") && is_for_writing && !line.contains(" = -1 ") {
            let path = line.split('"').nth(1).unwrap_or_default();
            // Devices keep nothing; shared memory lies among them and is none.
            let is_device = path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
            if !is_kept(path) && !is_device && !path.starts_with("/proc/self/") {
                opened.insert(path.to_owned());
            }
        }
        let is_write = ["write(", "pwrite64(", "writev(", "pwritev(", "pwritev2(", "sendto(", "sendmsg("]
            .iter()
            .any(|call| line.contains(&format!(" {call}")));
        if is_write && (line.contains(CAMERA) || line.contains(UPLOAD)) {
            let target = line.split('<').nth(1).unwrap_or_default().split('>').next().unwrap_or_default();
            // What was asked for over the page goes back through its socket.
            if target.starts_with("TCP:") || target.starts_with("socket:") {
                shown += 1;
            } else {
                written.insert(line.to_owned());
            }
        }
        for call in ["memfd_create(", "sendfile(", "copy_file_range(", "link(", "symlink("] {
            assert!(!line.contains(&format!(" {call}")), "{line}");
        }
        assert!(!line.contains(" connect(") || line.contains("AF_UNIX"), "nothing is sent anywhere: {line}");
    }
    assert!(text.lines().count() > 100, "the trace has {} lines", text.lines().count());
    assert!(shown > 0, "the frame that was asked for is seen in the trace, so one that is written would be");
    assert!(opened.is_empty(), "opened to be written: {opened:#?}");
    assert!(written.is_empty(), "{written:#?}");
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
