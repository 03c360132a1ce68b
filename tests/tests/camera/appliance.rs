//! The appliance in the virtual machine: how it is put there and started, and what it says of itself.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use clothingid_tests::virtual_camera::{framed, put_garment};
use clothingid_tests::{Machine, Rig, metrics, rig};
use image::ImageFormat;
use serde_json::Value;

/// Two garments of the demo shop, as its camera sees them; the first is a T-shirt, and is named as one.
pub(crate) const GARMENTS: [(&str, &str); 2] = [("01-demo-021.jpg", "DEMO-021"), ("04-demo-007.jpg", "DEMO-007")];

/// The program in the machine, which has a `/tmp` of its own and does not see what was built in this one's.
pub(crate) const PROGRAM: &str = "/mnt/clothingid";

/// A machine with the program, a camera for USB, the garments and the catalogue.
pub(crate) fn started() -> Machine {
    let machine = Machine::start();
    std::fs::copy(rig::program("clothingid"), machine.shared("clothingid")).expect("the program");
    std::fs::copy(env!("CARGO_BIN_EXE_usb_camera"), machine.shared("usb_camera")).expect("the camera");
    std::fs::copy(catalogue(), machine.shared("catalogue.db")).expect("a catalogue");
    for (index, (photo, _)) in GARMENTS.iter().enumerate() {
        put_garment(&machine, index, photo);
    }
    machine
}

/// The machine that most tests share, one at a time.
pub(crate) fn machine() -> MutexGuard<'static, Machine> {
    static MACHINE: OnceLock<Mutex<Machine>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| Mutex::new(started()));
    let machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
    // What the test before has left, settings that its staff made among it. A program that was asked to end may still hold its camera.
    machine.run(
        "pkill -x clothingid; pkill -x v4l2-ctl; pkill -f feed.sh; pkill -x usb_camera; pkill -f relay.sh
         for _ in $(seq 300); do
             modprobe -r vivid v4l2loopback
             ls /sys/class/video4linux 2>/dev/null | grep -q . || { rm -rf /tmp/state /tmp/jar /tmp/trace.* /tmp/*.log; exit 0; }
             sleep 0.1
         done
         ls -l /dev/video*; exit 1",
    );
    machine
}

/// The demo shop, imported on this machine: the same integers as in the other.
fn catalogue() -> PathBuf {
    let rig = Rig::new();
    let path = std::env::temp_dir().join(format!("clothingid-camera-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let shop = rig::demo();
    let arguments = ["catalogue", "import", "--engine", "cpu", "--catalogue"].map(OsString::from).into_iter();
    let arguments = arguments.chain([
        path.clone().into(),
        shop.join("catalogue.csv").into(),
        "--photos".into(),
        shop.join("photos").into(),
    ]);
    let _ = rig.clothingid(arguments).run().expect_code(0);
    path
}

/// Starts the appliance on the demo shop.
pub(crate) fn start(machine: &Machine, config: &str) {
    let text = format!("listen = '127.0.0.1:8080'\nengine = 'cpu'\ncatalogue = '/tmp/catalogue.db'\n{config}");
    machine.put("config.toml", text.as_bytes());
    machine.run(&format!(
        "export XDG_DATA_HOME=/tmp/state
         mkdir -p /tmp/state
         [ -e /tmp/catalogue.db ] || cp /mnt/catalogue.db /tmp/catalogue.db
         setsid {PROGRAM} run --config /mnt/config.toml > /tmp/clothingid.log 2>&1 &"
    ));
}

/// The program's newest reading, once it names this garment as the nearest.
fn sees(machine: &Machine, sku: &str) -> Value {
    machine.soon(sku, || machine.get("/api/v1/reading").filter(|reading| reading["matches"][0]["sku"] == sku))
}

/// The category of a garment of the demo shop, as this machine's program says it of the very frame.
fn category(garment: usize) -> String {
    let rig = Rig::new();
    let mut file = std::io::Cursor::new(Vec::new());
    framed(GARMENTS[garment].0).write_to(&mut file, ImageFormat::Png).expect("a PNG");
    rig.write("frame.png", file.get_ref());
    let lines =
        rig.clothingid(["classify", "--json", "--engine", "cpu", "frame.png"]).run().expect_code(0).json_lines();
    lines[0]["category26"]["label"].as_str().expect("a label").to_owned()
}

/// The garment is the nearest, under the category that this machine says of it, too.
pub(crate) fn assert_sees(machine: &Machine, garment: usize) {
    let reading = sees(machine, GARMENTS[garment].1);
    assert_eq!(reading["category26"]["label"], category(garment).as_str(), "{reading}");
    assert!(garment > 0 || reading["category26"]["label"] == "tshirt" && reading["known"] == true, "{reading}");
    assert!(reading["engine"].as_str().is_some_and(|engine| engine.starts_with("cpu: int8")), "{reading}");
}

/// A counter of `/metrics`.
pub(crate) fn counter(machine: &Machine, name: &str) -> u64 {
    let text = machine.run("curl -s --max-time 20 http://127.0.0.1:8080/metrics");
    metrics::value(&text, &format!("{name}_total"))
}

/// Waits until the camera is in a state, and gives what `/readyz` says then.
pub(crate) fn camera_state(machine: &Machine, wanted: &str) -> Value {
    machine.soon(&format!("camera {wanted}"), || machine.get("/readyz").filter(|status| status["camera"] == wanted))
}
