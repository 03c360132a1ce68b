//! The catalogue under SIGKILL, Ctrl-C and flipped bytes: what was told as stored is there, nothing is half.

use clothingid_device::catalogue::{Product, Store};
use clothingid_device::network::read_bundle;
use clothingid_shared::embedding::{ArithmeticClass, EmbeddingIdentity};
use clothingid_tests::contents::Item;
use clothingid_tests::dice::Dice;
use clothingid_tests::{Outcome, Rig, made_up, photographs};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Products of two photographs each; enough that an import takes longer than the longest wait before a kill.
const PRODUCTS: usize = 150;

/// Kills of a run at CI size; `CLOTHINGID_KILLS` asks for more.
fn kills() -> u32 {
    std::env::var("CLOTHINGID_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// A catalogue file of [`PRODUCTS`] products, all with photographs of their own name.
fn shop(rig: &Rig) -> PathBuf {
    let from = photographs::shop();
    let mut csv = "sku,title,photo,price\n".to_owned();
    for i in 0..PRODUCTS {
        for view in 0..2 {
            let name = format!("{i}-{view}.jpg");
            rig.copy(&from[(2 * i + view) % from.len()], format!("photos/{name}"));
            writeln!(csv, "S{i},Product {i},{name},{i}.50").unwrap();
        }
    }
    rig.write("shop.csv", csv)
}

fn import(rig: &Rig) -> clothingid_tests::Run {
    rig.clothingid(["catalogue", "import", "shop.csv", "--photos", "photos", "--catalogue", "state/c.sqlite", "--json"])
}

/// What an import told. A line that the kill cut in two was not told.
fn lines(outcome: &Outcome) -> Vec<Value> {
    let whole = outcome.stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The products that an import told as stored.
fn told(outcome: &Outcome) -> BTreeSet<String> {
    let committed = lines(outcome).into_iter().filter(|line| line["event"] == "committed");
    committed
        .flat_map(|line| line["skus"].as_array().expect("skus").clone())
        .map(|s| s.as_str().unwrap().to_owned())
        .collect()
}

/// The stored products; each must be whole.
fn stored(rig: &Rig) -> BTreeSet<String> {
    let _done = rig.clothingid(["catalogue", "check", "--catalogue", "state/c.sqlite"]).run().expect_code(0);
    let listed = rig.clothingid(["catalogue", "list", "--json", "--catalogue", "state/c.sqlite"]).run().expect_code(0);
    let whole = listed.json_lines().into_iter().inspect(|line| {
        assert_eq!(line["photos"].as_array().expect("photos").len(), 2, "half a product: {line}");
    });
    whole.map(|line| line["sku"].as_str().unwrap().to_owned()).collect()
}

/// `import … 2>&1 | head -1`: nobody reads any longer, and the import is made to its end.
#[test]
fn an_import_that_nobody_listens_to_is_made_to_its_end() {
    let rig = Rig::new();
    shop(&rig);
    let program = clothingid_tests::rig::program("clothingid").display().to_string();
    let command = "catalogue import shop.csv --photos photos --catalogue state/c.sqlite --json";
    let piped = format!("{{ '{program}' {command} 2>&1; echo $? > status; }} | head -n 1");
    let _ = clothingid_tests::Run::new("sh").args(["-c", &piped]).current_dir(rig.folder()).run();
    assert_eq!(std::fs::read_to_string(rig.path("status")).expect("a status"), "0\n");
    assert_eq!(stored(&rig).len(), PRODUCTS);
}

/// A product of the shop as an edition of its catalogue file has it; the second changes, replaces, removes and adds.
fn item(i: usize, edition: usize) -> Item {
    let from = photographs::shop();
    let title =
        if edition == 1 && i.is_multiple_of(2) { format!("Product {i}, now in blue") } else { format!("Product {i}") };
    let views = match (edition, i % 5) {
        (1, 0) => 1,
        (1, 1) => 3,
        _ => 2,
    };
    // The first photograph is the same in both editions, the others have other bytes under the same name.
    let photos = (0..views).map(|view| {
        let bytes = std::fs::read(&from[(2 * i + view + 7 * edition * view) % from.len()]).expect("a photograph");
        (format!("{i}-{view}.jpg"), bytes)
    });
    let fields = Product { price: Some(format!("{i}.50")), ..made_up::product(&format!("S{i}"), &title) };
    Item::new(fields, &photos.collect::<Vec<_>>())
}

/// Both editions of the shop: catalogue files `0.csv` and `1.csv`, folders of photographs, products by number.
fn editions(rig: &Rig) -> [BTreeMap<String, Item>; 2] {
    let from = photographs::shop();
    [0, 1].map(|edition| {
        let items: Vec<Item> = (0..PRODUCTS).map(|i| item(i, edition)).collect();
        let mut csv = "sku,title,photo,price\n".to_owned();
        for (i, item) in items.iter().enumerate() {
            for (view, (name, _)) in item.photos.iter().enumerate() {
                rig.copy(&from[(2 * i + view + 7 * edition * view) % from.len()], format!("{edition}/{name}"));
                writeln!(csv, "S{i},\"{}\",{name},{i}.50", item.product.title).unwrap();
            }
        }
        rig.write(format!("{edition}.csv"), csv);
        items.into_iter().map(|item| (item.product.sku.clone(), item)).collect()
    })
}

/// One kind of work that is killed again and again: it begins with a catalogue, or none, and is begun again once it is done.
struct Track<'a> {
    rig: &'a Rig,
    name: &'static str,
    /// Bytes of the catalogue that it begins with.
    begin: Option<Vec<u8>>,
    edition: usize,
    engine: &'static str,
    /// Whether what is stored is embedded with another network and nothing imported.
    is_reembedding: bool,
    editions: &'a [BTreeMap<String, Item>; 2],
    /// What was told since the beginning: products, and embeddings of stored photographs.
    told: BTreeSet<String>,
    reembedded: u64,
    /// Kills in the midst of it: something was stored, and not all.
    within: u32,
}

impl Track<'_> {
    fn path(&self) -> PathBuf {
        self.rig.path(self.name).join("c.sqlite")
    }

    fn begin(&mut self) {
        let _ = std::fs::remove_dir_all(self.rig.path(self.name));
        if let Some(bytes) = &self.begin {
            self.rig.write(format!("{}/c.sqlite", self.name), bytes);
        }
        self.told.clear();
        self.reembedded = 0;
    }

    fn run(&self) -> clothingid_tests::Run {
        let (csv, photos) = (format!("{}.csv", self.edition), self.edition.to_string());
        let import = ["import", &csv, "--photos", &photos];
        let work = if self.is_reembedding { &["embed"][..] } else { &import };
        // One thread: slow enough to be met in the midst of it.
        let how = ["--json", "--engine", self.engine, "--threads", "1", "--catalogue"];
        self.rig.clothingid(["catalogue"]).args(work).args(how).arg(self.path())
    }

    fn identity(&self) -> EmbeddingIdentity {
        let class = if self.engine == "cpu" { ArithmeticClass::Int8 } else { ArithmeticClass::Float };
        read_bundle(None).expect("the bundle").identity(class)
    }

    fn listen(&mut self, outcome: &Outcome) {
        self.told.extend(told(outcome));
        let counts = lines(outcome).into_iter().filter(|line| line["event"] == "committed");
        self.reembedded += counts.map(|line| line["reembedded"].as_u64().expect("a count")).sum::<u64>();
    }

    /// Looks at every product, photograph and embedding. Says whether all is done.
    fn look(&mut self) -> bool {
        if !self.path().exists() {
            assert!(self.told.is_empty(), "told and lost: {:?}", self.told);
            return false;
        }
        let store = Store::open(&self.path()).expect("the catalogue");
        assert_eq!(store.check().expect("a check").damage, [], "{}", self.name);
        let mut items: BTreeMap<String, Item> = BTreeMap::new();
        for stored in store.products().expect("products") {
            let sku = stored.product.sku.clone();
            items.insert(sku, Item { product: stored.product, photos: Vec::new() });
        }
        let mut photos = store.photos().expect("photos");
        photos.sort_by_key(|photo| photo.position);
        for photo in photos {
            // `check` has held the bytes against this.
            let sha256 = photo.sha256.try_into().expect("a SHA-256");
            items.get_mut(&photo.sku).expect("a product").photos.push((photo.name, sha256));
        }
        for (sku, item) in &items {
            let is_now = self.editions[self.edition].get(sku) == Some(item);
            let was = self.begin.is_some() && self.editions[0].get(sku) == Some(item);
            assert!(is_now || was && !self.told.contains(sku), "{}: half, or told and lost: {item:?}", self.name);
        }
        let lost: Vec<_> = self.told.iter().filter(|sku| !items.contains_key(*sku)).collect();
        assert!(lost.is_empty(), "{}: told and lost: {lost:?}", self.name);
        let mut embeddings = 0;
        assert_eq!(store.embeddings(&self.identity(), |_| embeddings += 1).expect("embeddings"), []);
        assert!(embeddings >= self.reembedded, "{}: {} told, {embeddings} there", self.name, self.reembedded);
        let is_done = items == self.editions[self.edition] && store.served().expect("whose") == Some(self.identity());
        self.within += u32::from(!is_done && (!self.told.is_empty() || self.reembedded > 0));
        is_done
    }
}

/// Kills fall in imports, in updates, and while stored photographs are embedded with another network, by an import and by themselves, one
/// after the other.
#[test]
fn kills_lose_nothing_told_and_leave_nothing_half() {
    let rig = Rig::new();
    let editions = editions(&rig);
    let track = |name, begin, edition, engine| {
        let (editions, told) = (&editions, BTreeSet::new());
        let is_reembedding = name == "embed";
        Track { rig: &rig, name, begin, edition, engine, is_reembedding, editions, told, reembedded: 0, within: 0 }
    };
    let mut import = track("import", None, 0, "cpu");
    let _all = import.run().run().expect_code(0);
    assert!(import.look());
    let full = std::fs::read(import.path()).expect("the catalogue");
    let mut tracks = [
        import,
        track("update", Some(full.clone()), 1, "cpu"),
        track("reembed", Some(full.clone()), 0, "tract"),
        track("embed", Some(full), 0, "tract"),
    ];
    tracks.iter_mut().for_each(Track::begin);

    let seed = 0x9E37_79B9;
    let mut dice = Dice::new(seed);
    for kill in 0..kills() {
        let track = &mut tracks[kill as usize % 4];
        let mut running = track.run().start();
        // Every third round from before anything is done to somewhere in the batches, else after a batch was told.
        if kill / 4 % 3 != 2 {
            let _line = running.wait_for("committed", Duration::from_secs(120));
            std::thread::sleep(Duration::from_millis(dice.number() % 100));
        } else {
            std::thread::sleep(Duration::from_millis(dice.number() % 1000));
        }
        track.listen(&running.kill());
        if track.look() {
            // Nothing is left to be killed: once more from the beginning.
            track.begin();
        }
    }
    for track in &mut tracks {
        println!("seed {seed}, {}: {} kills left it in the midst", track.name, track.within);
        assert!(track.within > 0, "{}: no kill fell within the work", track.name);
        let last = track.run().run().expect_code(0);
        track.listen(&last);
        assert!(track.look(), "{}: {}", track.name, last.stdout);
        let again = track.run().run().expect_code(0).json_lines().pop().expect("the sum");
        let nothing = if track.is_reembedding { ("embedded", 0) } else { ("unchanged", PRODUCTS) };
        assert_eq!(again[nothing.0], nothing.1);
    }
}

#[test]
fn an_interrupted_import_says_how_to_go_on() {
    let rig = Rig::new();
    shop(&rig);
    let mut running = import(&rig).start();
    let _line = running.wait_for("committed", Duration::from_secs(60));
    let outcome = running.interrupt().expect_code(130);
    assert!(
        outcome.stderr.contains("clothingid catalogue import shop.csv --photos photos"),
        "no command that goes on: {}",
        outcome.stderr
    );
    assert_eq!(stored(&rig), told(&outcome));
    let done = import(&rig).run().expect_code(0).json_lines().pop().expect("the sum");
    assert_eq!(done["interrupted"], false);
    assert_eq!(stored(&rig).len(), PRODUCTS);
}

#[test]
fn a_flipped_byte_of_a_photograph_is_named_and_importing_again_mends_it() {
    let rig = Rig::new();
    let photo = photographs::good();
    rig.copy(&photo, "photos/a.jpg");
    rig.write("shop.csv", "sku,title,photo\nA1,Dress,a.jpg\n");
    let catalogue = rig.path("c.sqlite");
    let at = ["--catalogue", "c.sqlite"];
    let import = || rig.clothingid(["catalogue", "import", "shop.csv", "--photos", "photos"]).args(at).run();
    let _done = import().expect_code(0);

    // The photograph's bytes lie in pages of the file; its middle is in one of them.
    let picture = std::fs::read(&photo).unwrap();
    let needle = &picture[picture.len() / 2..picture.len() / 2 + 32];
    let mut bytes = std::fs::read(&catalogue).unwrap();
    let place = bytes.windows(32).position(|w| w == needle).expect("the photograph in the file");
    bytes[place] ^= 1;
    rig.write("c.sqlite", bytes);

    let check = rig.clothingid(["catalogue", "check"]).args(at).run().expect_code(1);
    assert!(check.stderr.contains("the picture of the photo `a.jpg` of the product `A1`"), "{}", check.stderr);
    assert!(check.stderr.contains("hint: import again"), "{}", check.stderr);
    // The picture is not needed for an answer.
    let _done = rig.clothingid(["search", "--json"]).arg(&photo).args(at).run().expect_code(0);
    let _done = import().expect_code(0);
    let _done = rig.clothingid(["catalogue", "check"]).args(at).run().expect_code(0);
}
