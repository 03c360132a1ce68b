//! A board: the running appliance, started again when it ends, as systemd does; and what must hold of it at any time.

use super::office::Office;
use clothingid_device::catalogue::Store;
use clothingid_tests::demo::{Demo, free_port};
use clothingid_tests::{Outcome, Rig, Running, photographs, rig};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long something may take on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(60);

/// How long a network on trial may take until it is well or given up.
const TRIAL: Duration = Duration::from_secs(180);

pub(crate) struct Board {
    demo: Option<Demo>,
    settings: String,
    photo: Vec<u8>,
}

impl Board {
    /// The demo shop with the network of the program, running.
    pub(crate) fn new() -> Self {
        let rig = Rig::new();
        for (number, photo) in photographs::camera().iter().enumerate() {
            rig.copy(photo, format!("camera/{number}.jpg"));
        }
        let (csv, photos) = (rig::demo().join("catalogue.csv"), rig::demo().join("photos"));
        let (csv, photos) = (csv.display().to_string(), photos.display().to_string());
        let import = ["catalogue", "import", &csv, "--photos", &photos, "--engine", "cpu"];
        let _told = rig.clothingid(import).run().expect_code(0);
        std::fs::create_dir_all(rig.path("run")).expect("a folder");
        let settings = format!(
            "listen = '127.0.0.1:{}'\nengine = 'cpu'\nuploads_per_second = 100\n[camera]\nfolder = 'camera'\n[update]\nsource = \
             'office/updates'\nquiet_minutes = 0\n",
            free_port()
        );
        rig.write("config.toml", &settings);
        let photo = std::fs::read(&photographs::camera()[0]).expect("a photograph");
        let running = Self::run(&rig);
        Self { demo: Some(Demo::of(rig, running)), settings, photo }
    }

    fn run(rig: &Rig) -> Running {
        let run = rig.clothingid(["run", "--safe-mode", "--config", "config.toml"]);
        run.env("RUNTIME_DIRECTORY", rig.path("run")).start()
    }

    fn demo(&self) -> &Demo {
        self.demo.as_ref().expect("a board")
    }

    pub(crate) fn rig(&self) -> &Rig {
        &self.demo().rig
    }

    pub(crate) fn trust(&self, office: &Office) {
        let key = office.public_key();
        self.rig().copy(&key, PathBuf::from("keys").join(key.file_name().expect("a name")));
    }

    pub(crate) fn set_quiet(&mut self, minutes: u32) {
        self.settings = self.settings.replace("quiet_minutes = 0", &format!("quiet_minutes = {minutes}"));
        self.rig().write("config.toml", &self.settings);
    }

    /// A power cut, as far as the program sees one, and the start after it.
    pub(crate) fn restart(&mut self) {
        let Demo { running, rig, .. } = self.demo.take().expect("a board");
        let _said = running.kill();
        let running = Self::run(&rig);
        self.demo = Some(Demo::of(rig, running));
    }

    pub(crate) fn signal(&self, name: &str) {
        self.demo().running.signal(name);
    }

    pub(crate) fn said(&self) -> String {
        self.demo().running.stderr()
    }

    pub(crate) fn start_update(&self, arguments: &[&str]) -> Running {
        let run = self.rig().clothingid([&["update"], arguments, &["--config", "config.toml"]].concat());
        run.env("RUNTIME_DIRECTORY", self.rig().path("run")).start()
    }

    pub(crate) fn update(&self, arguments: &[&str]) -> Outcome {
        self.start_update(arguments).wait()
    }

    pub(crate) fn install(&self, arguments: &[&str]) -> Outcome {
        self.update(&[&["install"], arguments].concat())
    }

    pub(crate) fn status(&self) -> String {
        self.rig().clothingid(["update", "status"]).run().expect_code(0).stdout
    }

    pub(crate) fn wait_for_status(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + TRIAL;
        loop {
            let status = self.status();
            if holds(&status) {
                return;
            }
            assert!(Instant::now() < end, "{what}: {status}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Until the appliance has said that somebody has used it.
    pub(crate) fn wait_until_used(&self) {
        let end = Instant::now() + START;
        while !self.rig().path("run/used").exists() {
            assert!(Instant::now() < end, "nobody says that it was used");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Until no network is on trial.
    pub(crate) fn settle(&self) {
        self.wait_for_status("nothing is on trial", |status| !status.contains("on trial"));
    }

    /// The name of the bundle that answers, by what the appliance said last.
    pub(crate) fn bundle(&self) -> String {
        let said = self.said();
        let line = said.lines().rev().find_map(|line| line.trim().strip_prefix("bundle "));
        line.and_then(|line| line.split_whitespace().next()).expect("a line on the bundle").to_owned()
    }

    /// It answers a photograph.
    pub(crate) fn answers(&self) {
        let end = Instant::now() + START;
        loop {
            let answer = self.demo().ask("POST", "/api/v1/classify", "Content-Type: image/jpeg\r\n", &self.photo);
            if answer.status == 200 {
                assert!(answer.json()["category14"]["label"].is_string(), "{}", answer.text());
                return;
            }
            assert!(Instant::now() < end, "{}: {}\n{}", answer.status, answer.text(), self.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The products, one a line.
    pub(crate) fn catalogue(&self) -> String {
        let store = Store::open(&self.rig().state().join("catalogue.db")).expect("the catalogue");
        let (items, damage) = store.items().expect("products");
        assert_eq!(damage, []);
        items.iter().fold(String::new(), |mut text, item| {
            writeln!(text, "{} {} {} photos", item.product.sku, item.product.title, item.photos.len()).expect("a line");
            text
        })
    }

    /// Catalogue and settings are whole, and the memory of updates can be read.
    pub(crate) fn is_whole(&self) {
        let store = Store::open(&self.rig().state().join("catalogue.db")).expect("the catalogue");
        assert_eq!(store.check().expect("a check").damage, []);
        let products = self.catalogue().lines().count();
        assert!([78, 20].contains(&products), "{products} products");
        let settings = std::fs::read_to_string(self.rig().path("config.toml")).expect("settings");
        assert_eq!(settings, self.settings);
        let status = self.status();
        assert!(status.starts_with("network     the network "), "{status}");
    }
}
