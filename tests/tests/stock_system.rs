//! The Debian package and the archive on a system as Debian makes it, with systemd, in a virtual machine: installed as the documents say, set up,
//! used by a shop with a camera and a stick that come later, stopped at work, taken away.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clothingid_tests::command::tool;
use clothingid_tests::virtual_camera::{plug_in, put_garment};
use clothingid_tests::{Machine, rig, stick};
use serde_json::Value;

/// A T-shirt of the demo shop: what the camera sees, and its number.
const SHIRT: (&str, &str) = ("01-demo-021.jpg", "DEMO-021");

const SERIAL: &str = "5F2A0001";

/// Where the state of the service is.
const STATE: &str = "/var/lib/private/clothingid";

/// A stock system, the package and the archive in its `/mnt`, and a camera and a stick to be plugged in.
struct Shop {
    /// One machine at a time: two emulated ones take longer than one after the other.
    _turn: MutexGuard<'static, ()>,
    machine: Machine,
    package: String,
    archive: String,
    stick: PathBuf,
}

impl Shop {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = Machine::stock();
        let (folder, program) = (machine.shared("made").display().to_string(), rig::program("clothingid"));
        let made = tool("cargo", &["xtask", "package", &folder, "--program", &program.display().to_string()]);
        let named = |end: &str| {
            let path = made.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{end}: {made}"));
            format!("/mnt/made/{}", Path::new(path).file_name().expect("a name").display())
        };
        let (package, archive) = (named(".deb"), named(".tar.gz"));
        std::fs::copy(env!("CARGO_BIN_EXE_usb_camera"), machine.shared("usb_camera")).expect("the camera");
        put_garment(&machine, 0, SHIRT.0);
        let stick = table(&machine);
        Self { _turn: turn, machine, package, archive, stick }
    }

    /// The answer of `/readyz`, once it is as wanted.
    fn ready(&self, camera: &str) -> Value {
        let status = || self.machine.get("/readyz").filter(|status| status["camera"] == camera);
        self.machine.soon(camera, || status().filter(|status| status["ready"] == true))
    }

    fn service(&self, property: &str) -> String {
        self.machine.run(&format!("systemctl show -P {property} clothingid")).trim().to_owned()
    }

    /// Set up by who stands before it; the camera is named by its number.
    fn set_up(&self) {
        let form = format!("language=en&pin=2580&again=2580&camera=serial:{SERIAL}");
        let kept = self.machine.run(&format!("curl -s --max-time 60 -d '{form}' http://127.0.0.1:8080/staff/settings"));
        assert!(kept.contains("Saved"), "{kept}");
        self.machine.soon("the page", || {
            self.machine.run("curl -s --max-time 20 http://127.0.0.1:8080/").contains("<html lang=\"en\"").then_some(())
        });
    }

    /// Waits until the staff's page of imports is as wanted.
    fn import_is(&self, wanted: &str) {
        self.machine.soon(wanted, || {
            let state = self.machine.run("curl -s --max-time 60 -b /tmp/jar http://127.0.0.1:8080/api/v1/staff/import");
            assert!(!state.contains("\"failed\""), "{state}");
            state.contains(&format!("\"{wanted}\"")).then_some(())
        });
    }
}

/// A stick with the demo shop's table, of two articles, and their photographs.
fn table(machine: &Machine) -> PathBuf {
    let demo = rig::demo();
    let text = std::fs::read_to_string(demo.join("catalogue.csv")).expect("the table");
    let is_wanted = |line: &&str| ["sku,", "DEMO-021,", "DEMO-007,"].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> = text.lines().filter(is_wanted).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    machine.put("stock.csv", (lines.join("\n") + "\n").as_bytes());
    let mut files = vec![(machine.shared("stock.csv"), "stock.csv".to_owned())];
    for entry in std::fs::read_dir(demo.join("photos")).expect("photographs").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        if name.starts_with("demo-021") || name.starts_with("demo-007") {
            files.push((entry.path(), format!("photos/{name}")));
        }
    }
    let files: Vec<(&Path, &str)> = files.iter().map(|(path, name)| (path.as_path(), name.as_str())).collect();
    stick::made(&machine.shared(""), &files)
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn a_shop_installs_the_package_plugs_in_camera_and_stick_and_takes_it_away_again() {
    let shop = Shop::new();
    let Shop { machine, package, .. } = &shop;
    let said = machine.run(&format!("apt install -y {package} 2>&1"));
    assert!(said.contains("the page is http://localhost:8080"), "{said}");
    let status = shop.ready("lost");
    assert_eq!(status["camera_problem"], "there is no camera", "{status}");
    assert_eq!(machine.run("systemctl is-enabled clothingid clothingid-update.timer"), "enabled\nenabled\n");
    let user = machine.run(&format!("grep ^Uid: /proc/{}/status", shop.service("MainPID")));
    assert!(!user.contains("\t0\t"), "not root: {user}");

    // Its driver is loaded by the system only now: what the service may open was settled when it began.
    machine.run("modprobe vhci_hcd; [ ! -e /sys/module/videodev ]");
    plug_in(machine, 0, SERIAL, 0);
    let _ = shop.ready("ok");
    let link = format!("/dev/clothingid/camera-by-serial-{SERIAL}");
    assert_eq!(machine.run(&format!("readlink -f {link}")), "/dev/video0\n");
    shop.set_up();

    // A stick is there for the staff, by the rule that comes with the package for systems that mount none.
    machine
        .run("cp /usr/share/clothingid/udev/71-clothingid-stick.rules /etc/udev/rules.d && udevadm control --reload");
    machine.plug_stick(&shop.stick);
    let place = "/run/media/system/STICK";
    machine.soon("the stick", || machine.try_run(&format!("mountpoint -q {place}")).0.eq(&0).then_some(()));
    machine.staff_form("/staff/login", "pin=2580&to=/staff/import");
    machine.staff_form("/staff/import/stick", &format!("table={place}/stock.csv&photos={place}/photos"));
    shop.import_is("tried");
    machine.staff_form("/staff/import/make", "");
    shop.import_is("done");
    let found = || machine.get("/api/v1/reading").filter(|reading| reading["matches"][0]["sku"] == SHIRT.1);
    let reading = machine.soon("the shirt", found);
    assert_eq!((&reading["category26"]["label"], &reading["known"]), (&"tshirt".into(), &true.into()), "{reading}");
    machine.staff_form("/staff/backup", &format!("place={place}"));
    shop.import_is("copied");
    assert!(machine.run(&format!("ls -R {place}")).contains(".edition"));

    // Stopped by systemd with a camera that gives pictures and an upload under way: it ends by itself, and as it should.
    machine.run("(head -c 1000 /dev/urandom; sleep 600) | curl -s -T - -X POST http://127.0.0.1:8080/api/v1/classify > /tmp/upload.txt 2>&1 &");
    let is_connected = || machine.try_run("grep -q '0100007F:1F90 0100007F:.* 01 ' /proc/net/tcp").0 == 0;
    machine.soon("the upload", || is_connected().then_some(()));
    machine.run("systemctl stop clothingid");
    assert_eq!([shop.service("Result"), shop.service("ExecMainStatus")], ["success", "0"].map(str::to_owned));

    // Installed once more, as an update does it: what the shop has is there.
    machine.run(&format!(
        "sed -i 's/^# shop = .*/shop = \"Corner\"/' /etc/clothingid/config.toml; apt install -y --reinstall {package}"
    ));
    let _ = shop.ready("ok");
    let page = machine.run("curl -s http://127.0.0.1:8080/");
    assert!(page.contains("Corner"), "{page}");
    assert!(machine.get("/api/v1/catalogue/DEMO-021").is_some_and(|article| article["sku"] == "DEMO-021"));

    machine.run("apt remove -y clothingid");
    assert_eq!(shop.service("LoadState"), "not-found");
    machine.run("[ ! -e /usr/bin/clothingid ]");
    let nobody_listens = 7;
    assert_eq!(machine.try_run("curl -s --max-time 20 http://127.0.0.1:8080/readyz").0, nobody_listens);
    machine.run(&format!("[ -s {STATE}/catalogue.db ] && [ -s /etc/clothingid/config.toml ]"));
    machine.run("apt purge -y clothingid");
    machine.run(&format!("[ ! -e {STATE} ] && [ ! -e /etc/clothingid ]"));
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn the_archive_is_unpacked_and_does_the_same() {
    let shop = Shop::new();
    let Shop { machine, archive, .. } = &shop;
    let unpack = format!("cd /tmp && tar -xzf {archive} && cd clothingid_*");
    let said = machine.run(&format!("{unpack} && setpriv --reuid 1000 --clear-groups ./install.sh 2>&1; [ $? = 1 ]"));
    assert!(said.contains("run this as root"), "{said}");
    let said = machine.run(&format!("{unpack} && ./install.sh 2>&1"));
    assert!(said.contains("the page is http://localhost:8080"), "{said}");
    let _ = shop.ready("lost");
    assert_eq!(machine.run("systemctl is-enabled clothingid clothingid-update.timer"), "enabled\nenabled\n");
    machine.run("modprobe vhci_hcd");
    plug_in(machine, 0, SERIAL, 0);
    let _ = shop.ready("ok");
    shop.set_up();
    // Once more, over one that runs: settings stay.
    machine.run("echo 'shop = \"Corner\"' > /etc/clothingid/config.toml");
    machine.run(&format!("{unpack} && ./install.sh"));
    let _ = shop.ready("ok");
    assert!(machine.run("curl -s http://127.0.0.1:8080/").contains("Corner"));
}
