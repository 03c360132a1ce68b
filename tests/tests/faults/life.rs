//! A head office and one board of it.

use clothingid_device::network::read_bundle;
use clothingid_shared::bundle::Bundle;
use clothingid_tests::demo::{Demo, START, free_port};
use clothingid_tests::dice::Dice;
use clothingid_tests::{Outcome, Rig, Run, photographs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A network on trial is well after twenty seconds; machines are busy.
const TRIAL: Duration = Duration::from_secs(180);

/// Articles of the shop.
const ARTICLES: usize = 12;

/// What the head office publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// A network that is well.
    Network,
    /// One that answers its golden photographs otherwise than it says.
    WrongAnswers,
    /// A catalogue with an article more.
    Catalogue,
    /// An image for a Raspberry Pi.
    OtherBoard,
}

/// A board of a shop from its first day on, and the head office that it belongs to.
pub(crate) struct Life {
    demo: Option<Demo>,
    rig: Option<Rig>,
    settings: String,
    /// What was published, for names.
    count: usize,
    shipped: Bundle,
    articles: BTreeSet<String>,
}

impl Life {
    /// Keys, a catalogue, and the appliance with the network inside the program.
    pub(crate) fn begin() -> Self {
        let rig = Rig::new();
        let _keys = rig.clothingid(["catalogue", "key", "office.key"]).run().expect_code(0);
        rig.copy(rig.path("office.key.pub"), "keys/office.pub");
        let photos = photographs::shop();
        let mut table = "sku,title,photo\n".to_owned();
        for i in 0..ARTICLES {
            rig.copy(&photos[i % photos.len()], format!("photos/{i}.jpg"));
            writeln!(table, "S{i},Article {i},{i}.jpg").expect("a line");
        }
        rig.write("shop.csv", &table);
        let import = ["catalogue", "import", "shop.csv", "--photos", "photos", "--engine", "cpu"];
        let _done = rig.clothingid(import).run().expect_code(0);
        rig.copy(&photographs::camera()[0], "camera/a.jpg");
        rig.copy(&photographs::camera()[1], "camera/b.jpg");
        let settings = format!(
            "listen = '127.0.0.1:{}'\nengine = 'cpu'\n[camera]\nfolder = 'camera'\n[update]\nsource = '{}'\nquiet_minutes = 0\n",
            free_port(),
            rig.path("office").display(),
        );
        rig.write("board.toml", &settings);
        let shipped = read_bundle(None).expect("the shipped bundle");
        let mut life = Self { demo: None, rig: Some(rig), settings, count: 0, shipped, articles: BTreeSet::new() };
        life.articles = life.titles();
        // An index that the board has seen, so that there is an older one.
        life.publish(Offer::Network);
        life.start();
        life.install(0);
        life.wait_until_current("network 1");
        life
    }

    fn rig(&self) -> &Rig {
        self.demo.as_ref().map_or_else(|| self.rig.as_ref().expect("a rig"), |demo| &demo.rig)
    }

    /// The appliance.
    pub(crate) fn demo(&self) -> &Demo {
        self.demo.as_ref().expect("the appliance runs")
    }

    /// Starts the appliance.
    pub(crate) fn start(&mut self) {
        let rig = self.rig.take().expect("it does not run");
        let running = rig.clothingid(["run", "--config", "board.toml"]).start();
        self.demo = Some(Demo::of(rig, running));
    }

    /// Cuts its power, and gives it again.
    pub(crate) fn cut(&mut self) {
        self.end();
        self.start();
    }

    /// Cuts its power.
    pub(crate) fn end(&mut self) {
        let Demo { running, rig, .. } = self.demo.take().expect("it runs");
        let _killed = running.kill();
        self.rig = Some(rig);
    }

    fn command(&self, arguments: &[&str]) -> Run {
        let settings: &[&str] = if arguments == ["status"] { &[] } else { &["--config", "board.toml"] };
        self.rig().clothingid(["update"].iter().chain(arguments).chain(settings))
    }

    /// A command of `clothingid update` on the board.
    pub(crate) fn update(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).run()
    }

    /// Installs what there is, without waiting for customers.
    pub(crate) fn install(&mut self, code: i32) {
        let _done = self.update(&["install", "--now"]).expect_code(code);
    }

    /// Begins to install, and cuts the power after so long.
    pub(crate) fn install_cut_after(&mut self, after: Duration) {
        let installing = self.command(&["install", "--now"]).start();
        std::thread::sleep(after);
        let _killed = installing.kill();
        self.cut();
    }

    /// Installs where the state has a disk of its own that has no room; what was said.
    pub(crate) fn install_on_a_full_disk(&self) -> String {
        let rig = self.rig();
        std::fs::create_dir_all(rig.path("small")).expect("a folder");
        let program = clothingid_tests::rig::program("clothingid");
        let script = format!(
            "mount -t tmpfs -o size=3m tmpfs small && XDG_DATA_HOME=\"$PWD/small\" exec '{}' update install --now --config board.toml",
            program.display()
        );
        let full = rig.surrounded(Run::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &script])).run();
        let said = full.stdout.clone() + &full.stderr;
        let _refused = full.expect_code(1);
        said
    }

    /// Publishes something; its name.
    pub(crate) fn publish(&mut self, offer: Offer) -> String {
        self.count += 1;
        let (count, rig) = (self.count, self.rig());
        let word = if offer == Offer::Catalogue { "article" } else { "network" };
        let name = format!("{word} {count}");
        let (flag, file) = match offer {
            Offer::Network | Offer::WrongAnswers => ("--network", self.bundle(offer, &name)),
            Offer::Catalogue => ("--catalogue", self.edition(&name)),
            Offer::OtherBoard => ("--system", rig.write("image.raucb", b"an image")),
        };
        let board: &[&str] = if offer == Offer::OtherBoard { &["--board", "raspberry-pi-5"] } else { &[] };
        let publish = rig.clothingid(["update", "publish", "office", "--key", "office.key", flag]);
        let publish = publish.arg(&file).args(["--label", &name]).args(board.iter().copied());
        let _done = publish.run().expect_code(0);
        name
    }

    /// Somebody else publishes.
    pub(crate) fn publish_elsewhere(&self) {
        let rig = self.rig();
        if !rig.path("others.key").exists() {
            let _keys = rig.clothingid(["catalogue", "key", "others.key"]).run().expect_code(0);
        }
        let file = self.bundle(Offer::Network, "another");
        let publish = rig.clothingid(["update", "publish", "elsewhere", "--key", "others.key", "--network"]);
        let _done = publish.arg(&file).args(["--label", "another"]).run().expect_code(0);
    }

    /// The shipped network under another name.
    fn bundle(&self, offer: Offer, name: &str) -> PathBuf {
        let mut bundle = self.shipped.clone();
        bundle.manifest.name = name.to_owned();
        if offer == Offer::WrongAnswers {
            for answer in bundle.golden.iter_mut().flat_map(|photo| photo.answers.values_mut()) {
                answer.category14[0] += 9.0;
            }
        }
        self.rig().write("new.bundle", bundle.to_bytes().expect("a bundle"))
    }

    /// The shop's catalogue with an article of this name.
    fn edition(&self, name: &str) -> PathBuf {
        let rig = self.rig();
        let file = rig.path("new.edition");
        for old in ["new.edition", "new.db"].map(|name| rig.path(name)) {
            let _ = std::fs::remove_file(old);
        }
        let shop = std::fs::read_to_string(rig.path("shop.csv")).expect("the table");
        rig.write("new.csv", format!("{shop}NEW,{name},0.jpg\n"));
        let import =
            ["catalogue", "import", "new.csv", "--photos", "photos", "--engine", "cpu", "--catalogue", "new.db"];
        let _done = rig.clothingid(import).run().expect_code(0);
        let export = ["catalogue", "export", "new.edition", "--catalogue", "new.db"];
        let _done = rig.clothingid(export).run().expect_code(0);
        file
    }

    /// Changes a file of the head office's folder; what it was.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let path = self.rig().path("office").join(name);
        let before = std::fs::read(&path).expect("a file");
        let mut bytes = before.clone();
        change(&mut bytes);
        self.rig().write(path, bytes);
        before
    }

    /// Changes the file of the network that was published last; what it was.
    pub(crate) fn change_file(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let index = std::fs::read_to_string(self.rig().path("office/updates.toml")).expect("the index");
        let index: toml::Table = index.parse().expect("TOML");
        let updates = index["update"].as_array().expect("updates");
        let network = updates.iter().find(|update| update["kind"].as_str() == Some("network")).expect("a network");
        self.change(network["file"].as_str().expect("a name"), change)
    }

    /// What the board remembers.
    fn memory(&self) -> Value {
        let text = std::fs::read_to_string(self.rig().state().join("update/state.json")).expect("the memory");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The network that is proven.
    pub(crate) fn current(&self) -> String {
        let memory = self.memory();
        memory["network"]["current"]["update"]["version"]
            .as_str()
            .map_or_else(|| self.shipped.manifest.name.clone(), str::to_owned)
    }

    /// Flips a bit of the network that waits.
    pub(crate) fn spoil_trial(&self, dice: &mut Dice) {
        let memory = self.memory();
        let file = memory["network"]["trial"]["network"]["update"]["file"].as_str().expect("a trial").to_owned();
        let path = self.rig().state().join("update").join(file);
        let mut bytes = std::fs::read(&path).expect("the file");
        // The last kibibytes of an archive are padding, which nobody reads.
        let place = dice.below(bytes.len() - 8192);
        bytes[place] ^= 1 << dice.below(8);
        self.rig().write(path, bytes);
    }

    /// Waits until a network is proven and answers.
    pub(crate) fn wait_until_current(&mut self, name: &str) {
        let end = Instant::now() + TRIAL;
        while self.current() != name || !self.memory()["network"]["trial"].is_null() {
            assert!(
                Instant::now() < end,
                "`{name}` is not taken:\n{}\n{}",
                self.memory(),
                self.demo().running.stderr()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        self.wait_until_it_runs(name);
    }

    /// Waits until a network answers.
    pub(crate) fn wait_until_it_runs(&mut self, name: &str) {
        let end = Instant::now() + TRIAL;
        let runs = |said: &str| {
            let last = said.lines().rev().find(|line| line.starts_with("  bundle "));
            last.is_some_and(|line| line.contains(&format!(" {name} of ")))
        };
        while !runs(&self.demo().running.stderr()) {
            assert!(Instant::now() < end, "`{name}` does not run:\n{}", self.demo().running.stderr());
            std::thread::sleep(Duration::from_millis(50));
        }
        let _reading = self.demo().reading();
    }

    /// The articles of the catalogue.
    pub(crate) fn titles(&self) -> BTreeSet<String> {
        let listed = self.rig().clothingid(["catalogue", "list", "--json"]).run().expect_code(0);
        listed.json_lines().iter().map(|line| line["title"].as_str().expect("a title").to_owned()).collect()
    }

    /// What the board says of what happened holds this.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) {
        let status = self.update(&["status"]).expect_code(0);
        assert!(status.stdout.contains(what), "no `{what}` in:\n{}", status.stdout);
    }

    /// The board answers, with catalogue and settings as they were.
    pub(crate) fn is_well(&self, after: &str) {
        let end = Instant::now() + START;
        while self.demo().get("/readyz").status != 200 {
            assert!(Instant::now() < end, "after {after}: not ready\n{}", self.demo().running.stderr());
            std::thread::sleep(Duration::from_millis(50));
        }
        let reading = self.demo().reading();
        assert!(reading["category14"]["label"].is_string(), "after {after}: {reading}");
        let photo = std::fs::read(&photographs::shop()[0]).expect("a photograph");
        let found = self.demo().ask("POST", "/api/v1/search?top=1", "Content-Type: image/jpeg\r\n", &photo);
        assert_eq!(found.json()["matches"].as_array().map(Vec::len), Some(1), "after {after}: {}", found.text());
        assert_eq!(
            std::fs::read_to_string(self.rig().path("board.toml")).expect("the settings"),
            self.settings,
            "after {after}"
        );
        let _sound = self.rig().clothingid(["catalogue", "check"]).run().expect_code(0);
        let missing: Vec<_> = self.articles.difference(&self.titles()).cloned().collect();
        assert!(missing.is_empty(), "after {after}: {missing:?} are gone");
        assert!(!self.update(&["status"]).expect_code(0).stdout.is_empty());
    }
}
